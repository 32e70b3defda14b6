//! Search: the query's filters on conversations are answered from the mirror, the rest from the index, and what the
//! index has not reached yet from memory.

use crate::indexer::visible_text;
use crate::profile::{local_offset_seconds, now};
use crate::views::conversation_row;
use crate::{App, AppError};
use airi_contract::{CommandError, Hit, HitGroup, SearchRequest, SearchResponse, Sort};
use airi_domain::ConversationId;
use airi_search::{Bitset, Filter, FilterKind, Options, ParseOptions, Part, Query, Scope, snippet};
use airi_store::{List, Reader};
use std::sync::Arc;
use std::time::Instant;

const SNIPPET_CHARS: usize = 240;

impl App {
    pub fn search(&self, request: SearchRequest) -> Result<SearchResponse, CommandError> {
        Ok(self.find(request)?)
    }

    fn find(&self, request: SearchRequest) -> Result<SearchResponse, AppError> {
        let start = Instant::now();
        let profile = self.profile();
        let parse =
            ParseOptions { prefix_last: request.typing, now: now(), utc_offset_seconds: local_offset_seconds(now()) };
        let query = Query::parse(&request.query, &parse)?;
        let reader = profile.store.read()?;
        let scope = scope(&reader, &query)?;
        let options = Options {
            limit: request.limit.clamp(1, 200) as usize,
            offset: request.offset as usize,
            sort: match request.sort {
                Sort::Best => airi_search::Sort::Best,
                Sort::Newest => airi_search::Sort::Newest,
            },
            ..Options::new(now())
        };
        let (found, unsearched) = profile.indexer.search(&query, &scope, &options)?;
        let mut hits = Vec::new();
        let mut groups: Vec<(i64, HitGroup)> = Vec::new();
        for row in &found.hits {
            // A row that went between the two questions is simply not shown.
            let Some(hit) = hit(&reader, &found.query, row)? else { continue };
            let place = hits.len() as u32;
            hits.push(hit);
            if let Some((_, group)) = groups.iter_mut().find(|(key, _)| *key == row.conversation) {
                group.hits.push(place);
            } else if let Some(record) = reader.conversation_by_key(row.conversation)? {
                groups.push((row.conversation, HitGroup { conversation: conversation_row(record), hits: vec![place] }));
            }
        }
        Ok(SearchResponse {
            hits,
            groups: groups.into_iter().map(|(_, group)| group).collect(),
            total: found.total as u64,
            total_is_exact: found.total_is_exact,
            took_ms: start.elapsed().as_secs_f64() * 1e3,
            corrected: found.corrected,
            unsearched,
        })
    }
}

fn hit(reader: &Reader, query: &Query, row: &airi_search::Hit) -> Result<Option<Hit>, AppError> {
    let Some(record) = reader.conversation_by_key(row.conversation)? else { return Ok(None) };
    let conversation_id = record.conversation.id.to_string();
    if row.message == 0 {
        let shown = snippet(record.conversation.title.as_deref().unwrap_or(""), query, SNIPPET_CHARS);
        return Ok(Some(Hit {
            conversation_id,
            message_id: None,
            field: "title".into(),
            role: None,
            highlights: ranges(&shown),
            snippet: shown.text,
            score: row.score,
            created_at: row.created_at.to_string(),
        }));
    }
    let Some(message) = reader.message_by_key(row.message)? else { return Ok(None) };
    let m = &message.message;
    let part = row.parts.first().copied().unwrap_or(Part::Text);
    let (field, text) = match part {
        Part::Thinking => ("thinking", m.thinking_text()),
        Part::Tool => ("tool", m.tool_text()),
        Part::File => {
            let files = reader.attachments_of(message.key)?;
            ("file", files.into_iter().map(|file| file.file_name).collect::<Vec<_>>().join("\n"))
        }
        _ if visible_text(m).is_empty() => ("tool", m.tool_text()),
        _ => ("text", m.content.clone()),
    };
    let shown = snippet(&text, query, SNIPPET_CHARS);
    Ok(Some(Hit {
        conversation_id,
        message_id: Some(m.id.to_string()),
        field: field.into(),
        role: Some(m.role.to_string()),
        highlights: ranges(&shown),
        snippet: shown.text,
        score: row.score,
        created_at: row.created_at.to_string(),
    }))
}

fn ranges(shown: &airi_search::Snippet) -> Vec<(u32, u32)> {
    shown.highlights.iter().map(|range| (range.start as u32, range.end as u32)).collect()
}

/// Which conversations a query may look into.
fn scope(reader: &Reader, query: &Query) -> Result<Scope, AppError> {
    let mut include: Option<Bitset> = None;
    let mut exclude = Bitset::default();
    let mut any_of: Option<Vec<i64>> = None;
    let mut trash_wanted = false;
    for Filter { negated, kind } in query.conversation_filters() {
        let keys = match kind {
            FilterKind::In(text) => {
                let keys = match text.parse::<ConversationId>() {
                    Ok(id) => reader.conversation(id)?.map(|record| record.key).into_iter().collect(),
                    Err(_) => reader.keys_titled(text)?,
                };
                if !*negated {
                    // Several `in:` mean any of them; all other filters must hold together.
                    any_of.get_or_insert_default().extend(keys);
                    continue;
                }
                keys
            }
            FilterKind::Tag(tag) => reader.keys_where(None, Some(tag), None, None)?,
            FilterKind::Starred => reader.keys_where(Some(List::Starred), None, None, None)?,
            FilterKind::Archived => reader.keys_where(Some(List::Archived), None, None, None)?,
            FilterKind::Deleted => {
                trash_wanted |= !*negated;
                reader.keys_where(Some(List::Trash), None, None, None)?
            }
            _ => continue,
        };
        if *negated {
            keys.into_iter().for_each(|key| {
                exclude.insert(key);
            });
        } else {
            narrow(&mut include, keys);
        }
    }
    if let Some(keys) = any_of {
        narrow(&mut include, keys);
    }
    if !trash_wanted {
        for key in reader.keys_where(Some(List::Trash), None, None, None)? {
            exclude.insert(key);
        }
    }
    Ok(Scope { include: include.map(Arc::new), exclude: (!exclude.is_empty()).then(|| Arc::new(exclude)) })
}

fn narrow(include: &mut Option<Bitset>, keys: Vec<i64>) {
    let keys: Bitset = keys.into_iter().collect();
    *include = Some(match include.take() {
        None => keys,
        Some(before) => before.iter().filter(|key| keys.contains(*key)).collect(),
    });
}
