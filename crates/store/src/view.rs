//! Keeps each message's place on the branch in view, and the conversation's counters, beside the rows they follow from.
//!
//! A message that continues the view costs the same in a thread of ten and of a hundred thousand. Whatever else happens
//! (another branch, a deletion, rows that arrive out of order) marks the conversation stale; it is worked out anew at the
//! end of the transaction, or later when a transaction touched many.

use crate::{StoreError, Writer, rows};
use airi_domain::{Fork, Message, MessageId, Node, Placed, is_plain, place};
use rusqlite::{OptionalExtension, params};

/// A row of the conversation as the placing sees it.
struct Spot {
    key: i64,
    node: Node,
    created_at: i64,
    tokens: i64,
    placed: (Option<i64>, i64, Option<i64>),
}

impl Writer<'_> {
    /// Works out view and counters of conversations that wait for it, at most `limit` of them; how many it did.
    pub fn refresh_views(&mut self, limit: usize) -> Result<usize, StoreError> {
        let mut statement =
            self.connection().prepare_cached("select id from conversations where view_stale = 1 limit ?1")?;
        let keys = statement
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0))?
            .collect::<Result<Vec<i64>, _>>()?;
        drop(statement);
        for key in &keys {
            self.touch(*key);
            self.refresh_if_stale(*key)?;
        }
        Ok(keys.len())
    }

    /// Works out view and counters of one conversation, if it waits for it.
    pub fn refresh_view(&mut self, conversation: i64) -> Result<(), StoreError> {
        self.touch(conversation);
        self.refresh_if_stale(conversation)
    }

    /// Many messages of this conversation follow: they are placed together at the end.
    pub fn defer_view(&mut self, conversation: i64) -> Result<(), StoreError> {
        self.mark_stale(conversation)
    }

    /// The place of a message that continues the view at its end; None when it does not, or nobody knows.
    pub(crate) fn place_at_end(&mut self, conversation: i64, m: &Message) -> Result<Option<(i64, i64)>, StoreError> {
        if m.deleted_at.is_some() {
            return Ok(None);
        }
        let known: bool = self
            .connection()
            .prepare_cached("select view_plain = 1 and view_stale = 0 from conversations where id = ?1")?
            .query_row([conversation], |row| row.get(0))?;
        if !known {
            return Ok(None);
        }
        let mut statement = self.connection().prepare_cached(
            "select uuid, created_at, view_pos, view_sub, hidden, deleted_at is not null from messages \
             where conversation_id = ?1 order by created_at desc, uuid desc limit 1",
        )?;
        let newest = statement
            .query_row([conversation], |row| {
                Ok((
                    MessageId(rows::uuid(row, 0)?),
                    row.get::<_, i64>(1)?,
                    row.get::<_, Option<i64>>(2)?,
                    row.get::<_, i64>(3)?,
                    row.get::<_, bool>(4)?,
                    row.get::<_, bool>(5)?,
                ))
            })
            .optional()?;
        let Some((last, created_at, position, sub, hidden, deleted)) = newest else {
            return Ok((m.parent_id.is_none_or(|id| id == MessageId::ROOT)).then_some(if m.is_hidden() {
                (0, 1)
            } else {
                (1, 0)
            }));
        };
        let Some(position) = position else { return Ok(None) };
        let continues = m.parent_id.is_none_or(|parent| parent == last);
        let later = (m.created_at.micros(), m.id) > (created_at, last);
        // After a hidden message the next shown one may be a sibling of others: that is worked out, not guessed.
        if hidden || deleted || !continues || !later {
            return Ok(None);
        }
        Ok(Some(if m.is_hidden() { (position, sub + 1) } else { (position + 1, 0) }))
    }

    /// The counters after a message that continued the view.
    pub(crate) fn count_appended(&mut self, conversation: i64, m: &Message) -> Result<(), StoreError> {
        self.touch(conversation);
        self.connection()
            .prepare_cached(
                "update conversations set message_count = message_count + 1, total_tokens_used = total_tokens_used + ?2, \
                 last_message_at = case when message_count = 0 then ?3 else max(last_message_at, ?3) end, \
                 hidden_count = hidden_count + ?4 where id = ?1",
            )?
            .execute(params![conversation, m.total_tokens, m.created_at.micros(), m.is_hidden()])?;
        Ok(())
    }

    pub(crate) fn refresh_if_stale(&mut self, conversation: i64) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select current_message_id, created_at from conversations where id = ?1 and view_stale = 1",
        )?;
        let found: Option<(Option<Vec<u8>>, i64)> =
            statement.query_row([conversation], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        drop(statement);
        let Some((current, created_at)) = found else { return Ok(()) };
        let current = current.and_then(|bytes| uuid::Uuid::from_slice(&bytes).ok()).map(MessageId);
        let spots = self.spots(conversation)?;
        let nodes: Vec<Node> = spots.iter().map(|spot| spot.node).collect();
        let placed = place(&nodes, current);
        self.write_places(&spots, &placed)?;
        let kept = || spots.iter().filter(|spot| !spot.node.deleted);
        let last = kept().map(|spot| spot.created_at).max().unwrap_or(created_at);
        let hidden = placed.iter().filter(|p| p.view.is_some_and(|(_, sub)| sub > 0)).count();
        self.connection()
            .prepare_cached(
                "update conversations set message_count = ?2, total_tokens_used = ?3, last_message_at = ?4, \
                 hidden_count = ?5, view_plain = ?6, view_stale = 0 where id = ?1",
            )?
            .execute(params![
                conversation,
                kept().count(),
                kept().map(|spot| spot.tokens).sum::<i64>(),
                last,
                hidden,
                is_plain(&nodes)
            ])?;
        Ok(())
    }

    fn spots(&self, conversation: i64) -> Result<Vec<Spot>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "select id, uuid, parent_id, hidden, deleted_at is not null, created_at, total_tokens, view_pos, view_sub, \
             fork from messages where conversation_id = ?1 order by created_at, uuid",
        )?;
        let spots = statement.query_map([conversation], |row| {
            let parent: Option<Vec<u8>> = row.get(2)?;
            Ok(Spot {
                key: row.get(0)?,
                node: Node {
                    id: MessageId(rows::uuid(row, 1)?),
                    parent: parent.and_then(|bytes| uuid::Uuid::from_slice(&bytes).ok()).map(MessageId),
                    hidden: row.get(3)?,
                    deleted: row.get(4)?,
                },
                created_at: row.get(5)?,
                tokens: row.get(6)?,
                placed: (row.get(7)?, row.get(8)?, row.get(9)?),
            })
        })?;
        Ok(spots.collect::<Result<_, _>>()?)
    }

    fn write_places(&mut self, spots: &[Spot], placed: &[Placed]) -> Result<(), StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("update messages set view_pos = ?2, view_sub = ?3, fork = ?4 where id = ?1")?;
        for (spot, p) in spots.iter().zip(placed) {
            let fork = p.fork.map(|fork| match fork {
                Fork::Start => 0,
                Fork::At(place) => spots[place].key,
            });
            let next = (p.view.map(|(position, _)| position), p.view.map_or(0, |(_, sub)| sub), fork);
            if next != spot.placed {
                statement.execute(params![spot.key, next.0, next.1, next.2])?;
            }
        }
        Ok(())
    }
}
