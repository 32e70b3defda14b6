//! Comparing the mirror with the server: by count and hash, a thousand rows at a time; what differs is looked at row by
//! row, repaired, and told.
//!
//! It runs after a round, when the mirror is in step: a difference then is a fault, be it of the server's numbering, of a
//! client that wrote past it, or of this mirror. Absence on the server never deletes here: such a row is sent again.

use crate::engine::{Engine, SyncError};
use crate::plan::{Difference, Standing, TABLES, compare, range_hash};
use crate::pull::{CURSOR, to_text};
use crate::remote::{Failure, FailureClass, NamedRow, Remote};
use crate::wire;
use airi_domain::Time;
use airi_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Under this name the mirror keeps the last report.
pub(crate) const AUDITED: &str = "sync.audit";
/// Ranges in one request, at most.
const RANGES: u32 = 64;
/// Rows of a range, at most.
const RANGE_ROWS: u32 = 1000;
/// More findings than this are counted, not told one by one.
const TOLD: usize = 100;

/// What a comparison found, and what was done about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    pub at: Option<Time>,
    /// Rows that were compared.
    pub rows: u64,
    pub ranges_differing: u64,
    /// Rows that were fetched again: missing here, or under another number.
    pub fetched: u64,
    /// Rows that only this device had; they are sent again.
    pub sent_again: u64,
    pub findings: Vec<String>,
}

/// A range whose rows are not the server's.
struct Differing {
    table: &'static str,
    after: Option<Uuid>,
    upto: Uuid,
}

impl<R: Remote + 'static> Engine<R> {
    /// The last comparison of this mirror.
    pub fn last_audit(store: &airi_store::Store) -> Result<Option<Audit>, StoreError> {
        let text = store.read()?.meta(AUDITED)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Notes that the server offers no comparison: the next one is due as if there had been one now.
    pub fn put_audit_off(&mut self) -> Result<(), SyncError> {
        let findings =
            vec!["This server cannot be compared with yet: its migrations are older than this app.".to_owned()];
        self.store_fact(AUDITED, &Audit { at: Some((self.now)()), findings, ..Audit::default() })
    }

    /// Compares everything with the server and repairs what differs. To be called when a round has just ended well.
    ///
    /// # Errors
    /// The first failure that stops everything. What was repaired until then stays.
    pub async fn audit(&mut self) -> Result<Audit, SyncError> {
        let mut audit = Audit::default();
        let mut differing = Vec::new();
        // Tombstones are no rows of the account: they are what is left of rows.
        for table in &TABLES[..TABLES.len() - 1] {
            self.compare_table(table, &mut audit, &mut differing).await?;
        }
        audit.ranges_differing = differing.len() as u64;
        if !differing.is_empty() {
            // Some of it may only have changed in the meantime.
            self.pull_all().await?;
            for range in differing {
                self.repair(&range, &mut audit).await?;
            }
            while self.store.write(|w| w.refresh_views(200))? > 0 {}
        }
        audit.at = Some((self.now)());
        if audit.findings.len() > TOLD {
            let more = audit.findings.len() - TOLD;
            audit.findings.truncate(TOLD);
            audit.findings.push(format!("and {more} more"));
        }
        self.store_fact(AUDITED, &audit)?;
        Ok(audit)
    }

    async fn compare_table(
        &mut self,
        table: &'static str,
        audit: &mut Audit,
        differing: &mut Vec<Differing>,
    ) -> Result<(), SyncError> {
        let mut after = None;
        loop {
            self.check_stop()?;
            let page = self.remote.audit(table, after, RANGES).await;
            let page = self.counted(page)?;
            self.check_epoch(&page.epoch)?;
            let reader = self.store.read()?;
            for range in &page.ranges {
                let here = reader.numbers(table, after, range.upto)?;
                audit.rows += range.count;
                if here.len() as u64 != range.count || range_hash(&here) != range.hash {
                    differing.push(Differing { table, after, upto: range.upto });
                }
                after = Some(range.upto);
            }
            match (page.has_more, page.next) {
                (false, _) => return Ok(()),
                (true, Some(next)) if !page.ranges.is_empty() => after = Some(next),
                (true, _) => return Err(SyncError::Protocol("a page of the comparison does not lead on".into())),
            }
        }
    }

    /// Looks through a differing range, page by page: large rows come a few at a time, and what differs may be the last.
    async fn repair(&mut self, range: &Differing, audit: &mut Audit) -> Result<(), SyncError> {
        let mut after = range.after;
        loop {
            let page = self.remote.snapshot(range.table, after, RANGE_ROWS).await;
            let page = self.counted(page)?;
            self.check_epoch(&page.epoch)?;
            let next = page.next.filter(|next| page.has_more && *next < range.upto);
            let part = Differing { table: range.table, after, upto: next.unwrap_or(range.upto) };
            self.repair_part(&part, page.rows, audit).await?;
            match next {
                Some(next) if after.is_none_or(|after| next > after) => after = Some(next),
                Some(_) => return Err(SyncError::Protocol("a page of the rows does not lead on".into())),
                None => return Ok(()),
            }
        }
    }

    /// Rows of the server against those that are here.
    async fn repair_part(&mut self, range: &Differing, rows: Vec<Value>, audit: &mut Audit) -> Result<(), SyncError> {
        let Differing { table, after, upto } = *range;
        let rows: Vec<_> = rows.into_iter().filter_map(|row| Some((wire::row_id(&row).ok()?, row))).collect();
        let there: Vec<_> =
            rows.iter().filter(|(id, _)| *id <= upto).map(|(id, row)| (*id, wire::change_seq(row))).collect();
        let here = self.store.read()?.numbers(table, after, upto)?;
        let Difference { missing_here, other_number, only_here } = compare(&here, &there);
        let wanted: Vec<NamedRow> = rows
            .into_iter()
            .filter(|(id, _)| missing_here.contains(id) || other_number.contains(id))
            .map(|(_, row)| NamedRow { table: table.to_owned(), row })
            .collect();
        audit.fetched += wanted.len() as u64;
        for id in missing_here {
            audit.findings.push(format!(
                "{table} {id} was missing here and was fetched: its change had not been given a number, or the row was \
                 lost on this device."
            ));
        }
        for id in other_number {
            audit.findings.push(format!(
                "{table} {id} was another form here and was fetched: a change of it had not reached this device."
            ));
        }
        if !wanted.is_empty() {
            let Some(standing) = self.fact::<Standing>(CURSOR)? else { return Ok(()) };
            self.store_rows(wanted, CURSOR, &to_text(&standing)?)?;
        }
        if only_here.is_empty() {
            return Ok(());
        }
        // Erased since it was asked: the tombstone tells.
        self.pull_all().await?;
        let still: Vec<Uuid> = self.store.read()?.numbers(table, after, upto)?.into_iter().map(|(id, _)| id).collect();
        for id in only_here.into_iter().filter(|id| still.contains(id)) {
            let (sent, aside) = self.store.write(|w| -> Result<_, StoreError> {
                Ok((w.send_row_again(table, id)?, w.unpark(table, &id.to_string())?))
            })?;
            audit.sent_again += u64::from(sent);
            audit.findings.push(match (sent, aside) {
                (true, _) => {
                    format!("{table} {id} was only here and is sent again: the server lost it without a word.")
                }
                (_, true) => format!("{table} {id} lay aside and is not on the server any more; it is forgotten."),
                _ => format!("{table} {id} is only here; it stays as it is."),
            });
        }
        Ok(())
    }

    pub(crate) fn check_epoch(&self, epoch: &str) -> Result<(), SyncError> {
        let standing: Option<Standing> = self.fact(CURSOR)?;
        match standing {
            Some(standing) if standing.epoch == epoch => Ok(()),
            _ => Err(Failure {
                class: FailureClass::Passing { retry_after: None },
                message: "The server was exchanged meanwhile. The next round sees to that first; nothing is lost."
                    .into(),
            }
            .into()),
        }
    }
}
