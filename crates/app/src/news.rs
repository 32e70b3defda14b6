//! What the server tells: work that is to come or under way, providers of models that do not work as usual, and this
//! account's plan, limits and suspension.
//!
//! Read from its tables beside the rounds of sync and kept in the mirror, so that asking never touches the network. That it
//! cannot be read, or a server has none of it, is no failure: what was read before stays.

use crate::profile::{Profile, now};
use crate::{App, AppError};
use airi_cloud::{CloudError, Rest};
use airi_contract::{CommandError, Limit, Limits, ProviderHealth, ServerNews};
use airi_domain::Time;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEPT: &str = "server.news";
/// How often it is read while all is well.
const EVERY_MICROS: i64 = 10 * 60 * 1_000_000;
const LIMIT: Duration = Duration::from_secs(10);
/// Nobody reads more, and a hostile server must not fill the window.
const NOTICE_CHARS: usize = 500;
const MOST_PROVIDERS: usize = 50;

impl App {
    /// As it was last read.
    pub fn server_news(&self) -> Result<ServerNews, CommandError> {
        Ok(kept(&self.profile())?)
    }

    /// Reads it anew when it is time, or when the last round ended in a way that it may explain.
    pub(crate) async fn look_at_server(&self, profile: &Arc<Profile>, at_once: bool) {
        // That a suspension is over is not to be told ten minutes late.
        let suspended = |news: &ServerNews| news.limits.as_ref().is_some_and(|limits| limits.suspended);
        let due = kept(profile).is_ok_and(|news| at_once || suspended(&news) || is_old(&news));
        if !due {
            return;
        }
        match self.read_server(profile).await {
            Ok(true) => self.emit_status(),
            Ok(false) => {}
            Err(error) => crate::log::failed(&error),
        }
    }

    /// Whether something is another than before.
    async fn read_server(&self, profile: &Arc<Profile>) -> Result<bool, AppError> {
        let rest = Rest::new(&self.session(profile).await?.session).with_limit(LIMIT);
        let settings: Vec<Setting> =
            or_none(rest.rows("system_settings", &[("select", "key,value"), ("key", "eq.maintenance_mode")]).await)?;
        let providers: Vec<Health> = or_none(
            rest.rows(
                "provider_health",
                &[
                    ("select", "id,name,status,last_check_at"),
                    ("status", "neq.healthy"),
                    ("order", "id"),
                    ("limit", "50"),
                ],
            )
            .await,
        )?;
        // During maintenance every function is closed; what was known before is still true.
        let before = kept(profile)?;
        let limits = match rest.rpc::<Option<Told>>("get_my_limits", &json!({})).await {
            Ok(told) => told.map(Limits::from),
            Err(CloudError::SchemaMismatch { .. }) => None,
            Err(CloudError::Maintenance { .. }) => before.limits.clone(),
            Err(error) => return Err(error.into()),
        };
        let news = ServerNews {
            read_at: Some(now().to_string()),
            notice: settings.into_iter().find_map(|setting| notice(&setting.value)),
            providers: providers.into_iter().filter_map(Health::shown).take(MOST_PROVIDERS).collect(),
            limits,
        };
        let text = serde_json::to_string(&news).map_err(|error| AppError::Internal(error.to_string()))?;
        profile.store.write(|w| w.set_meta(KEPT, Some(&text)))?;
        Ok(ServerNews { read_at: None, ..news } != ServerNews { read_at: None, ..before })
    }
}

pub(crate) fn kept(profile: &Profile) -> Result<ServerNews, AppError> {
    let text = profile.store.read()?.meta(KEPT)?;
    // One of another version of the app is read anew.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

fn is_old(news: &ServerNews) -> bool {
    let read_at = news.read_at.as_deref().and_then(|at| at.parse::<Time>().ok());
    read_at.is_none_or(|at| now().micros().abs_diff(at.micros()) >= EVERY_MICROS as u64)
}

/// A server without that table, or one that shows it to nobody, tells nothing.
fn or_none<T>(rows: Result<Vec<T>, CloudError>) -> Result<Vec<T>, CloudError> {
    match rows {
        Err(CloudError::SchemaMismatch { .. } | CloudError::Refused { .. }) => Ok(Vec::new()),
        rows => rows,
    }
}

#[derive(Deserialize)]
struct Setting {
    value: Value,
}

/// The operator's words, also before it begins.
fn notice(value: &Value) -> Option<String> {
    let words = value.get("message").and_then(Value::as_str).unwrap_or_default();
    let words: String = words.chars().filter(|c| !c.is_control()).take(NOTICE_CHARS).collect();
    Some(words.trim().to_owned()).filter(|words| !words.is_empty())
}

#[derive(Deserialize)]
struct Health {
    id: String,
    name: Option<String>,
    status: String,
    last_check_at: Option<Time>,
}

impl Health {
    fn shown(self) -> Option<ProviderHealth> {
        ["degraded", "unhealthy", "maintenance"].contains(&self.status.as_str()).then(|| ProviderHealth {
            name: self.name.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            status: self.status,
            last_check_at: self.last_check_at.map(|at| at.to_string()),
        })
    }
}

#[derive(Deserialize)]
struct Told {
    plan: Option<String>,
    day: Share,
    hour: Share,
    #[serde(default)]
    suspended: bool,
    suspended_until: Option<Time>,
}

#[derive(Deserialize)]
struct Share {
    used: i64,
    limit: Option<i64>,
    resets_at: Option<Time>,
}

impl From<Told> for Limits {
    fn from(told: Told) -> Limits {
        let limit = |share: Share| {
            // -1: unlimited.
            let limit = share.limit.filter(|limit| *limit >= 0);
            Limit {
                used: share.used,
                limit,
                left: limit.map(|limit| (limit - share.used).max(0)),
                resets_at: share.resets_at.map(|at| at.to_string()),
            }
        };
        Limits {
            plan: told.plan.unwrap_or_default(),
            day: limit(told.day),
            hour: limit(told.hour),
            suspended: told.suspended,
            suspended_until: told.suspended_until.map(|at| at.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_the_operators_words_and_no_more_than_one_reads() {
        assert_eq!(notice(&json!({ "enabled": false })), None);
        assert_eq!(notice(&json!(true)), None);
        assert_eq!(
            notice(&json!({ "enabled": false, "message": " Tonight\u{7} at ten. " })),
            Some("Tonight at ten.".into())
        );
        assert_eq!(notice(&json!({ "message": "x".repeat(9_000) })).map(|text| text.len()), Some(NOTICE_CHARS));
    }

    #[test]
    fn no_limit_is_not_a_limit_of_minus_one_and_nothing_is_left_below_zero() {
        let told = json!({
            "plan": "pro", "suspended": false, "suspended_until": null,
            "day": { "used": 12, "limit": 10, "left": 0, "resets_at": "2026-01-02T00:00:00.000000Z" },
            "hour": { "used": 3, "limit": -1, "left": 0, "resets_at": null },
        });
        let limits = Limits::from(serde_json::from_value::<Told>(told).unwrap());
        assert_eq!((limits.day.limit, limits.day.left), (Some(10), Some(0)));
        assert_eq!((limits.hour.limit, limits.hour.left), (None, None));
    }

    #[test]
    fn only_what_is_not_as_usual_is_told() {
        let of = |status: &str| Health { id: "openai".into(), name: None, status: status.into(), last_check_at: None };
        assert_eq!(of("degraded").shown().map(|health| health.name), Some("openai".into()));
        assert!(of("healthy").shown().is_none() && of("on fire").shown().is_none());
    }
}
