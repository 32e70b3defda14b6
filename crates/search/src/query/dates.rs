//! The dates that `before:` and `after:` take, in the user's time zone.

use airi_domain::Time;

pub(super) const ALLOWED: &str =
    "a date such as 2024-05-31, 2024-05 or 2024, or today, yesterday, 7d, 2w, 3m, 1y (days, weeks, months, years ago)";

const DAY: i64 = 86_400_000_000;

/// The first moment of the day, month or year that `text` names; None when it names none.
pub(super) fn parse(text: &str, now: Time, utc_offset_seconds: i32) -> Option<Time> {
    let offset = i64::from(utc_offset_seconds.clamp(-86_400, 86_400)) * 1_000_000;
    let today = now.plus_micros(offset).date();
    let local = match text.to_ascii_lowercase().as_str() {
        "today" => day(&today)?,
        "yesterday" => day(&today)?.plus_micros(-DAY),
        other if other.is_ascii() => match ago(other) {
            Some((count, unit)) => back(&today, count, unit)?,
            None => calendar(other)?,
        },
        _ => return None,
    };
    Some(local.plus_micros(-offset))
}

fn day(date: &str) -> Option<Time> {
    date.parse().ok()
}

/// `7d` → (7, 'd').
fn ago(text: &str) -> Option<(i64, char)> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = unit.chars().next().filter(|unit| "dwmy".contains(*unit))?;
    (digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit())).then_some((digits.parse().ok()?, unit))
}

fn back(today: &str, count: i64, unit: char) -> Option<Time> {
    let months = match unit {
        'd' => return Some(day(today)?.plus_micros(-count * DAY)),
        'w' => return Some(day(today)?.plus_micros(-count * 7 * DAY)),
        'm' => count,
        _ => count * 12,
    };
    let mut parts = today.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, date) = (parts.next()??, parts.next()??, parts.next()??);
    let month = year * 12 + month - 1 - months;
    if month < 12 {
        return Some(Time::MIN);
    }
    // The last day of a shorter month stands in for days it does not have.
    let name = |date: i64| format!("{:04}-{:02}-{date:02}", month.div_euclid(12), month.rem_euclid(12) + 1);
    (0..4).find_map(|less| day(&name(date - less)))
}

/// `2024`, `2024-5`, `2024-05-31`.
fn calendar(text: &str) -> Option<Time> {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let number = |part: &&str, digits: usize| -> Option<u32> {
        (!part.is_empty() && part.len() <= digits && part.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
        part.parse().ok()
    };
    let year = parts.first().filter(|part| part.len() == 4).and_then(|part| number(part, 4))?;
    let month = parts.get(1).map_or(Some(1), |part| number(part, 2))?;
    let date = parts.get(2).map_or(Some(1), |part| number(part, 2))?;
    (parts.len() <= 3).then_some(())?;
    day(&format!("{year:04}-{month:02}-{date:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2024-05-31", "2024-05-31T00:00:00.000000Z")]
    #[case("2024-5", "2024-05-01T00:00:00.000000Z")]
    #[case("2024", "2024-01-01T00:00:00.000000Z")]
    #[case("2024/02/29", "2024-02-29T00:00:00.000000Z")]
    #[case("today", "2026-03-31T00:00:00.000000Z")]
    #[case("Yesterday", "2026-03-30T00:00:00.000000Z")]
    #[case("7d", "2026-03-24T00:00:00.000000Z")]
    #[case("1m", "2026-02-28T00:00:00.000000Z")]
    #[case("2y", "2024-03-31T00:00:00.000000Z")]
    #[case("9999y", "0001-01-01T00:00:00.000000Z")]
    fn these_are_dates(#[case] text: &str, #[case] expected: &str) {
        let now = "2026-03-31T15:00:00Z".parse().unwrap();
        assert_eq!(parse(text, now, 0).unwrap().to_string(), expected);
    }

    #[rstest]
    fn these_are_not(
        #[values("tomorow", "", "d", "2024-13", "2023-02-29", "24", "2024-05-31-1", "-1d", "é", "\u{ff15}d", "2024-")]
        text: &str,
    ) {
        assert_eq!(parse(text, "2026-03-31T15:00:00Z".parse().unwrap(), 0), None);
    }

    #[test]
    fn a_day_begins_where_the_user_is() {
        let now = "2026-03-31T20:00:00Z".parse().unwrap();
        assert_eq!(parse("today", now, 8 * 3600).unwrap().to_string(), "2026-03-31T16:00:00.000000Z");
        assert_eq!(parse("2024-01-01", now, -5 * 3600).unwrap().to_string(), "2024-01-01T05:00:00.000000Z");
    }
}
