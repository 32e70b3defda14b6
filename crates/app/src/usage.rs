//! Tokens by day, model, provider or conversation, and what they cost as far as prices are known; on the screen and as CSV.

use crate::conversations::invalid;
use crate::prices::Prices;
use crate::{App, AppError};
use airi_contract::{CommandError, UsageBy, UsageReport, UsageRequest, UsageRow};
use airi_domain::Time;
use airi_store::{UsageGroup, UsageLine};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use uuid::Uuid;

impl App {
    pub fn usage(&self, request: UsageRequest) -> Result<UsageReport, CommandError> {
        let time = |text: &Option<String>| text.as_deref().map(str::parse::<Time>).transpose().map_err(invalid);
        let (since, until) = (time(&request.since)?, time(&request.until)?);
        let group = match request.by {
            UsageBy::Day => UsageGroup::Day,
            UsageBy::Model => UsageGroup::Model,
            UsageBy::Provider => UsageGroup::Provider,
            UsageBy::Conversation => UsageGroup::Conversation,
        };
        let reader = self.profile().store.read().map_err(AppError::from)?;
        let lines = reader.usage(group, since, until).map_err(AppError::from)?;
        let prices = Prices::of(self.0.data.path());
        let mut rows = rows(lines, &prices);
        if group == UsageGroup::Conversation {
            for row in &mut rows {
                row.key = row.key.take().and_then(|hex| Uuid::parse_str(&hex).ok()).map(|id| id.to_string());
            }
        }
        if group != UsageGroup::Day {
            rows.sort_by(|a, b| {
                b.total_tokens.cmp(&a.total_tokens).then(b.messages.cmp(&a.messages)).then_with(|| a.key.cmp(&b.key))
            });
        }
        let Prices { as_of, own, problem, .. } = prices;
        Ok(UsageReport { by: request.by, rows, prices_as_of: as_of, own_prices: own, prices_problem: problem })
    }

    /// Writes a table of usage to a file, one line a row; an unknown cost is an empty field.
    pub fn export_usage(&self, request: UsageRequest, to: &Path) -> Result<(), CommandError> {
        const TODO: &str = "Check the folder's permissions and the free space. Nothing was lost.";
        let text = csv(&self.usage(request)?);
        let written = std::fs::write(to, text).map_err(AppError::io(format!("The table {}", to.display()), TODO));
        Ok(written?)
    }
}

/// Joins the parts of a row: its models have prices of their own.
fn rows(lines: Vec<UsageLine>, prices: &Prices) -> Vec<UsageRow> {
    let mut rows: Vec<UsageRow> = Vec::new();
    let mut places = HashMap::<Option<String>, usize>::new();
    for line in lines {
        let at = *places.entry(line.key.clone()).or_insert_with(|| {
            rows.push(UsageRow { key: line.key.clone(), title: line.title.clone(), ..UsageRow::default() });
            rows.len() - 1
        });
        let row = &mut rows[at];
        row.messages += line.messages;
        row.prompt_tokens += line.prompt_tokens;
        row.completion_tokens += line.completion_tokens;
        row.total_tokens += line.total_tokens;
        let split = line.prompt_tokens + line.completion_tokens;
        if line.total_tokens.max(split) == 0 {
            continue;
        }
        match prices.cost(line.model.as_deref(), line.prompt_tokens, line.completion_tokens) {
            // Tokens of which nobody knows whether they went in or out have no price.
            Some(_) if split == 0 => row.unpriced_tokens += line.total_tokens,
            Some(cost) => {
                row.cost_usd = Some(row.cost_usd.unwrap_or(0.0) + cost);
                row.unpriced_tokens += line.total_tokens.saturating_sub(split);
            }
            None => row.unpriced_tokens += line.total_tokens.max(split),
        }
    }
    rows
}

fn csv(report: &UsageReport) -> String {
    let key = match report.by {
        UsageBy::Day => "day",
        UsageBy::Model => "model",
        UsageBy::Provider => "provider",
        UsageBy::Conversation => "conversation,title",
    };
    let mut out =
        format!("{key},messages,prompt_tokens,completion_tokens,total_tokens,cost_usd,tokens_without_known_price\r\n");
    for row in &report.rows {
        let cost = row.cost_usd.map(|cost| format!("{cost:.6}")).unwrap_or_default();
        let mut name = field(row.key.as_deref().unwrap_or(""));
        if report.by == UsageBy::Conversation {
            let _ = write!(name, ",{}", field(row.title.as_deref().unwrap_or("")));
        }
        let _ = write!(
            out,
            "{name},{},{},{},{},{cost},{}\r\n",
            row.messages, row.prompt_tokens, row.completion_tokens, row.total_tokens, row.unpriced_tokens
        );
    }
    out
}

/// A name from an import must not become a formula in somebody's spreadsheet.
fn field(text: &str) -> String {
    let guarded = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) { format!("\"{}\"", guarded.replace('"', "\"\"")) } else { guarded }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &str, model: Option<&str>, prompt: u64, completion: u64, total: u64) -> UsageLine {
        UsageLine {
            key: Some(key.into()),
            title: None,
            model: model.map(str::to_owned),
            messages: 1,
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: total,
        }
    }

    #[test]
    fn a_day_costs_what_its_models_cost_and_what_is_unknown_is_told_apart_from_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let prices = Prices::of(dir.path());
        let lines = vec![
            line("2026-01-01", Some("gpt-4o"), 1_000_000, 0, 1_000_000),
            line("2026-01-01", Some("gpt-4.1"), 1_000_000, 0, 1_000_000),
            line("2026-01-01", Some("homemade"), 30, 20, 50),
            line("2026-01-02", Some("homemade"), 1, 2, 3),
            line("2026-01-03", Some("gpt-4o"), 0, 0, 700),
            line("2026-01-04", None, 0, 0, 0),
        ];
        let rows = rows(lines, &prices);
        let told: Vec<_> = rows.iter().map(|row| (row.cost_usd, row.unpriced_tokens, row.total_tokens)).collect();
        assert_eq!(told, [(Some(4.5), 50, 2_000_050), (None, 3, 3), (None, 700, 700), (None, 0, 0)]);
    }

    #[test]
    fn the_table_leaves_unknown_costs_empty_and_holds_no_formula() {
        let row =
            |key: &str, cost_usd| UsageRow { key: Some(key.into()), cost_usd, messages: 2, ..UsageRow::default() };
        let report = UsageReport {
            by: UsageBy::Model,
            rows: vec![row("=HYPERLINK(\"x\"),y", None), row("gpt-4o", Some(0.25))],
            prices_as_of: String::new(),
            own_prices: false,
            prices_problem: None,
        };
        let text = csv(&report);
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[1], "\"'=HYPERLINK(\"\"x\"\"),y\",2,0,0,0,,0");
        assert_eq!(lines[2], "gpt-4o,2,0,0,0,0.250000,0");

        let titled = UsageRow { title: Some("Kyoto, with a toddler".into()), ..row("0190", Some(0.5)) };
        let text = csv(&UsageReport { by: UsageBy::Conversation, rows: vec![titled], ..report });
        assert!(text.starts_with("conversation,title,messages,"), "{text}");
        assert!(text.contains("\r\n0190,\"Kyoto, with a toddler\",2,0,0,0,0.500000,0\r\n"), "{text}");
    }
}
