//! What the server counted and billed for its own work, from the rows that it sends and the limits that it told last.
//! Nothing of it is in a sum with what one's own keys cost, and asking never touches the network.

use crate::{App, AppError};
use airi_contract::{BilledUsage, CommandError, Payment, UsageRequest};
use airi_domain::Time;
use serde_json::Value;

/// Nobody reads more on one page.
const MOST_PAYMENTS: usize = 100;

impl App {
    /// `None`: this profile has no account.
    pub fn billed_usage(&self, request: UsageRequest) -> Result<Option<BilledUsage>, CommandError> {
        Ok(self.billed(&request)?)
    }

    fn billed(&self, request: &UsageRequest) -> Result<Option<BilledUsage>, AppError> {
        let profile = self.profile();
        if profile.account()?.is_none() {
            return Ok(None);
        }
        let (since, until) = (day(request.since.as_deref())?, day(request.until.as_deref())?);
        let reader = profile.store.read()?;
        let served = reader.served(since.as_deref(), until.as_deref())?;
        let own = reader.server_rows("user_profiles")?.into_iter().next().unwrap_or_default();
        let news = crate::news::kept(&profile)?;
        let plan = news.limits.as_ref().map(|limits| limits.plan.clone()).filter(|plan| !plan.is_empty());
        Ok(Some(BilledUsage {
            estimated_usd: served.cost,
            tokens: served.tokens,
            calls: served.calls,
            plan: plan.or_else(|| text(&own, "subscription_tier")),
            subscription_status: text(&own, "subscription_status"),
            subscription_ends_at: text(&own, "subscription_ends_at"),
            day: news.limits.map(|limits| limits.day),
            read_at: news.read_at,
            payments: payments(reader.server_rows("payment_history")?, since.as_deref(), until.as_deref()),
        }))
    }
}

/// The day of a date or time.
fn day(text: Option<&str>) -> Result<Option<String>, AppError> {
    let Some(text) = text else { return Ok(None) };
    let time: Time = text.parse().map_err(|error| AppError::Invalid(format!("'{text}' is no date: {error}.")))?;
    Ok(Some(time.to_string().chars().take(10).collect()))
}

fn text(row: &Value, name: &str) -> Option<String> {
    row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A sum of money, which travels as a number or as a text.
fn amount(row: &Value) -> Option<f64> {
    let value = row.get("amount")?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn payments(rows: Vec<Value>, since: Option<&str>, until: Option<&str>) -> Vec<Payment> {
    let within = |at: &str| since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until);
    let mut payments: Vec<Payment> = rows
        .iter()
        .filter_map(|row| {
            Some(Payment {
                at: text(row, "created_at").filter(|at| within(at))?,
                amount: amount(row)?,
                currency: text(row, "currency").unwrap_or_else(|| "USD".into()),
                status: text(row, "status").unwrap_or_default(),
                description: text(row, "description"),
            })
        })
        .collect();
    payments.sort_by(|a, b| b.at.cmp(&a.at));
    payments.truncate(MOST_PAYMENTS);
    payments
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn payments_of_a_time_stand_newest_first_and_what_is_no_payment_is_left_out() {
        let row = |at: &str, amount: Value| json!({ "created_at": at, "amount": amount, "currency": "EUR", "status": "succeeded" });
        let rows = vec![
            row("2026-01-05T00:00:00.000000Z", json!(9.5)),
            row("2026-02-05T00:00:00.000000Z", json!("12.00")),
            row("2026-03-05T00:00:00.000000Z", json!(1)),
            row("2026-02-06T00:00:00.000000Z", Value::Null),
        ];
        let told: Vec<_> =
            payments(rows, Some("2026-01-05"), Some("2026-03-05")).into_iter().map(|paid| paid.amount).collect();
        assert_eq!(told, [12.0, 9.5]);
    }
}
