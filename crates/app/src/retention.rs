//! Whether the account's server deletes old messages by itself: off, unless the user turns it on.
//!
//! It is the user's own word in their profile on the server (`preferences.retention`), so it is asked for there and holds for
//! all devices. What else the preferences say is other clients' and stays.

use crate::sync::signed_in;
use crate::{App, AppError};
use airi_cloud::Rest;
use airi_contract::{CommandError, Retention};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const TABLE: &str = "user_profiles";
const KEY: &str = "delete_messages_after_days";
/// What the server takes.
const DAYS: std::ops::RangeInclusive<u32> = 90..=36_500;
/// The row moves with every message of the user, so it may have moved between reading and writing.
const TRIES: usize = 5;

#[derive(Deserialize)]
struct Row {
    preferences: Value,
    updated_at: String,
}

impl App {
    /// As the server has it.
    ///
    /// # Errors
    /// `signed_out`, `offline`; `not_found`: the account has no profile on the server yet.
    pub async fn retention(&self) -> Result<Retention, CommandError> {
        Ok(Retention { delete_messages_after_days: days_in(&self.own_profile().await?.1.preferences) })
    }

    /// Turns it on or off, for all devices of the account.
    ///
    /// # Errors
    /// As above; `invalid_input`: a number of days that the server would not take. Nothing was changed.
    pub async fn set_retention(&self, request: Retention) -> Result<Retention, CommandError> {
        Ok(self.tell_retention(request).await?)
    }

    async fn tell_retention(&self, request: Retention) -> Result<Retention, AppError> {
        if let Some(days) = request.delete_messages_after_days
            && !DAYS.contains(&days)
        {
            return Err(AppError::Invalid(format!(
                "{days} days are too few or too many; from 90 to 36,500 are possible. Nothing was changed."
            )));
        }
        for _ in 0..TRIES {
            let (rest, row, owner) = self.own_profile_to_write().await?;
            let body = json!({ "preferences": with_days(row.preferences, request.delete_messages_after_days) });
            let filters = [
                ("id", format!("eq.{owner}")),
                ("updated_at", format!("eq.{}", row.updated_at)),
                ("select", "preferences,updated_at".to_owned()),
            ];
            let filters: Vec<(&str, &str)> = filters.iter().map(|(name, text)| (*name, text.as_str())).collect();
            let changed: Vec<Row> = rest.update(TABLE, &filters, &body).await?;
            if let Some(row) = changed.first() {
                return Ok(Retention { delete_messages_after_days: days_in(&row.preferences) });
            }
        }
        Err(AppError::Invalid(
            "The account's profile changed again and again meanwhile, so this was not saved. Please try again.".into(),
        ))
    }

    async fn own_profile(&self) -> Result<(Rest, Row), AppError> {
        let (rest, row, _) = self.own_profile_to_write().await?;
        Ok((rest, row))
    }

    async fn own_profile_to_write(&self) -> Result<(Rest, Row, String), AppError> {
        let profile = self.profile();
        let owner = signed_in(&profile)?.owner.to_string();
        let rest = Rest::new(&self.session(&profile).await?.session);
        let own = format!("eq.{owner}");
        let rows: Vec<Row> = rest.rows(TABLE, &[("select", "preferences,updated_at"), ("id", &own)]).await?;
        let missing = || AppError::NotFound { what: "The account's profile on the server", id: owner.clone() };
        let row = rows.into_iter().next().ok_or_else(missing)?;
        Ok((rest, row, owner))
    }
}

/// As the server reads it: anything but a whole number of days that it takes is off.
fn days_in(preferences: &Value) -> Option<u32> {
    let days = preferences.get("retention")?.get(KEY)?;
    let whole = days.as_f64().filter(|days| days.fract() == 0.0 && *days >= 0.0 && *days <= f64::from(u32::MAX));
    whole.map(|days| days as u32).filter(|days| DAYS.contains(days))
}

/// The same preferences with another word about this alone.
fn with_days(preferences: Value, days: Option<u32>) -> Value {
    let mut all = object(preferences);
    let mut retention = object(all.remove("retention").unwrap_or_default());
    retention.remove(KEY);
    if let Some(days) = days {
        retention.insert(KEY.to_owned(), days.into());
    }
    if !retention.is_empty() {
        all.insert("retention".to_owned(), retention.into());
    }
    all.into()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_would_act_on_is_on() {
        let told = |days: Value| days_in(&json!({ "retention": { KEY: days } }));
        assert_eq!((told(json!(90)), told(json!(365.0)), told(json!(36_500))), (Some(90), Some(365), Some(36_500)));
        for off in [json!(89), json!(36_501), json!(90.5), json!("90"), json!(-90), json!(null), json!(true)] {
            assert_eq!(told(off.clone()), None, "{off}");
        }
        assert_eq!(
            (days_in(&json!({})), days_in(&json!(null)), days_in(&json!({ "retention": 90 }))),
            (None, None, None)
        );
    }

    #[test]
    fn what_else_the_preferences_say_stays() {
        let others = json!({ "theme": "dark", "retention": { "note": "mine" } });
        let on = with_days(others.clone(), Some(180));
        assert_eq!(on, json!({ "theme": "dark", "retention": { "note": "mine", KEY: 180 } }));
        assert_eq!(with_days(on, None), others);
        assert_eq!(with_days(json!(null), Some(90)), json!({ "retention": { KEY: 90 } }));
        assert_eq!(with_days(json!({ "retention": { KEY: 90 } }), None), json!({}));
    }
}
