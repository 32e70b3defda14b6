//! Tokens by day, model or provider.

use crate::conversations::invalid;
use crate::{App, AppError};
use airi_contract::{CommandError, UsageBy, UsageReport, UsageRequest, UsageRow};
use airi_domain::Time;
use airi_store::UsageGroup;

impl App {
    pub fn usage(&self, request: UsageRequest) -> Result<UsageReport, CommandError> {
        let since = request.since.as_deref().map(str::parse::<Time>).transpose().map_err(invalid)?;
        let group = match request.by {
            UsageBy::Day => UsageGroup::Day,
            UsageBy::Model => UsageGroup::Model,
            UsageBy::Provider => UsageGroup::Provider,
        };
        let lines =
            self.profile().store.read().and_then(|reader| reader.usage(group, since)).map_err(AppError::from)?;
        let rows = lines.into_iter().map(|line| UsageRow {
            key: line.key,
            messages: line.messages,
            prompt_tokens: line.prompt_tokens,
            completion_tokens: line.completion_tokens,
            total_tokens: line.total_tokens,
        });
        Ok(UsageReport { by: request.by, rows: rows.collect() })
    }
}
