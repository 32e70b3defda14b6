//! How much disk a first sync takes.

use crate::Preview;
use serde_json::Value;

/// What SQLite's pages and indexes, its write-ahead log and the search index add to the bytes of the rows as JSON.
/// Measured on 100,000 messages: mirror and index together 1.3 times; the rest is for the log and for growth.
const OVERHEAD: f64 = 1.7;
/// Bytes kept free for everything else.
const RESERVE: u64 = 64 << 20;

/// Bytes that must be free before the whole account is fetched, judged by the rows of the preview. Attachments are not in
/// it: they come one by one, each checked by itself.
pub(crate) fn bytes_needed(preview: &Preview) -> u64 {
    let tables = [
        ("conversations", &preview.conversations),
        ("chat_messages", &preview.chat_messages),
        ("message_attachments", &preview.message_attachments),
    ];
    let mut bytes = 0.0;
    for (table, rows) in tables {
        let total = preview.totals.get(table).and_then(Value::as_u64).unwrap_or(0);
        let sample: usize = rows.iter().map(|row| row.to_string().len()).sum();
        if !rows.is_empty() {
            bytes += sample as f64 / rows.len() as f64 * total as f64;
        }
    }
    RESERVE.saturating_add((bytes * OVERHEAD) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_large_account_needs_more_than_its_rows() {
        let row = json!({"content": "x".repeat(988)});
        assert_eq!(row.to_string().len(), 1_002);
        let preview = Preview {
            epoch: "e".into(),
            totals: json!({"chat_messages": 1_000_000}).as_object().unwrap().clone(),
            conversations: vec![],
            chat_messages: vec![row; 40],
            message_attachments: vec![],
        };
        let needed = bytes_needed(&preview);
        assert!((1_600_000_000..2_000_000_000).contains(&needed), "{needed}");
        let nothing = Preview { totals: Default::default(), chat_messages: vec![], ..preview };
        assert_eq!(bytes_needed(&nothing), RESERVE);
    }

    #[test]
    fn a_total_beyond_all_measure_is_more_than_any_disk_has() {
        let preview = Preview {
            epoch: "e".into(),
            totals: json!({"chat_messages": u64::MAX}).as_object().unwrap().clone(),
            conversations: vec![],
            chat_messages: vec![json!({})],
            message_attachments: vec![],
        };
        assert_eq!(bytes_needed(&preview), u64::MAX);
    }
}
