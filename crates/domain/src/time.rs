//! A moment: integer microseconds since 1970 in UTC, so that equal times are equal bytes on every device.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Microseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(i64);

/// A text or number that is no moment within the years 1 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a time (expected ISO 8601 such as 2026-01-31 or 2026-01-31T08:30:00Z)")]
pub struct InvalidTime(pub String);

impl Time {
    /// 0001-01-01T00:00:00Z
    pub const MIN: Time = Time(-62_135_596_800_000_000);
    /// 9999-12-30T22:00:00Z: what every side of the product can represent.
    pub const MAX: Time = Time(253_402_207_200_000_000);

    /// From microseconds since 1970; None outside of [`Time::MIN`] to [`Time::MAX`].
    pub fn from_micros(micros: i64) -> Option<Time> {
        (Time::MIN.0..=Time::MAX.0).contains(&micros).then_some(Time(micros))
    }

    /// From seconds since 1970 with a fraction, as ChatGPT exports carry; rounded to the microsecond.
    pub fn from_unix_seconds(seconds: f64) -> Option<Time> {
        if !seconds.is_finite() || seconds.abs() > 3e11 {
            return None;
        }
        Time::from_micros((seconds * 1e6).round() as i64)
    }

    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// This moment moved by `micros`, kept within range.
    pub fn plus_micros(self, micros: i64) -> Time {
        Time(self.0.saturating_add(micros).clamp(Time::MIN.0, Time::MAX.0))
    }

    /// The calendar date in UTC, `2026-01-31`.
    pub fn date(self) -> String {
        self.to_string()[..10].to_owned()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(stamp) => write!(f, "{stamp:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Time {
    type Err = InvalidTime;

    /// ISO 8601 with offset or `Z`; a bare date is its first moment in UTC; a date-time without offset is UTC.
    fn from_str(text: &str) -> Result<Time, InvalidTime> {
        let bad = || InvalidTime(text.chars().take(64).collect());
        let text = text.trim();
        let stamp = text
            .parse::<jiff::Timestamp>()
            .or_else(|_| {
                text.parse::<jiff::civil::DateTime>()
                    .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC))
                    .map(|zoned| zoned.timestamp())
            })
            .map_err(|_| bad())?;
        Time::from_micros(stamp.as_microsecond()).ok_or_else(bad)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_always_has_six_digits_and_z() {
        assert_eq!(Time(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!("2024-02-29T23:59:59.5+08:00".parse::<Time>().unwrap().to_string(), "2024-02-29T15:59:59.500000Z");
        assert_eq!("2024-02-29".parse::<Time>().unwrap().to_string(), "2024-02-29T00:00:00.000000Z");
        assert_eq!("2024-02-29 10:00:00.123456+00".parse::<Time>().unwrap().micros() % 1_000_000, 123_456);
    }

    #[test]
    fn the_bounds_can_be_written_and_read() {
        for time in [Time::MIN, Time::MAX] {
            assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        }
        assert_eq!(Time::from_micros(Time::MAX.0 + 1), None);
        assert_eq!(Time::from_unix_seconds(f64::NAN), None);
        assert_eq!(Time::from_unix_seconds(1e300), None);
    }

    #[test]
    fn float_seconds_round_to_the_microsecond() {
        assert_eq!(Time::from_unix_seconds(1_700_000_000.123_456).unwrap().micros(), 1_700_000_000_123_456);
    }
}
