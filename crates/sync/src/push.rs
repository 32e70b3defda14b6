//! From the outbox to the server, in the order in which things were done.
//!
//! An operation leaves the outbox only when the server has answered for it. What is refused stands in view and holds its
//! own conversation only. Sending again is always safe: the server knows an operation by its id.

use crate::engine::{Engine, SyncError};
use crate::plan::{self, BatchLimit, Standing, Verdict, is_hidden, verdict};
use crate::pull::CURSOR;
use crate::remote::{Failure, FailureClass, Op, OpResult, Remote};
use crate::rows::store_or_park;
use crate::transfer::{Bytes, bytes_of};
use crate::wire;
use airi_domain::{AttachmentId, ConversationId, MessageId};
use airi_store::{OutboxEntry, OutboxKind, OutboxTable, StoreError};
use std::collections::HashSet;
use uuid::Uuid;

/// Calls that are refused as a whole for a single operation, at most, before the server is taken to refuse everything.
const SUSPECTS: usize = 20;

/// How far sending came.
#[derive(PartialEq)]
enum Sent {
    All,
    /// The server was exchanged meanwhile, and takes nothing that was made for its former state.
    InAnotherEpoch,
}

/// How often a whole call must have been refused for an operation before it is taken to be that one's fault: something on
/// the way may refuse once what it lets pass the next time.
const PATIENCE: i64 = 3;

/// One pass through the outbox.
struct Pass {
    limit: BatchLimit,
    /// Lanes in which something was refused in this pass.
    closed: HashSet<Uuid>,
    /// Operations for which a whole call was refused.
    suspects: Vec<(Uuid, Failure)>,
    answered: bool,
}

impl<R: Remote + 'static> Engine<R> {
    /// Sends everything that may be sent now. Whether anything was answered.
    pub(crate) async fn push_all(&mut self) -> Result<bool, SyncError> {
        let mut pass = Pass { limit: BatchLimit::FULL, closed: HashSet::new(), suspects: Vec::new(), answered: false };
        let mut after = 0;
        let mut ops = Vec::new();
        let mut all = false;
        while !all {
            self.check_stop()?;
            let entries = self.store.read()?.sendable(after, plan::MAX_BATCH_OPS)?;
            all = entries.is_empty();
            after = entries.last().map_or(after, |last| last.key);
            for entry in &entries {
                if let Some(op) = self.prepare(entry)? {
                    ops.push(op);
                }
            }
            if self.send(&mut ops, all, &mut pass).await? == Sent::InAnotherEpoch {
                // The pull that follows an answer finds it out as well, and brings back first what has to be.
                return Ok(true);
            }
        }
        match pass.suspects.first() {
            // Nothing at all gets through: that is the server's state and no single change's fault.
            Some((_, failure)) if !pass.answered => Err(failure.clone().into()),
            _ => {
                let refused = self.store.write(|w| -> Result<u64, StoreError> {
                    let mut refused = 0;
                    for (op, failure) in &pass.suspects {
                        refused += u64::from(w.suspect(*op, PATIENCE, "refused", &failure.message)?);
                    }
                    Ok(refused)
                })?;
                self.report.refused += refused;
                Ok(pass.answered)
            }
        }
    }

    /// Sends operations in order, in as few requests as it takes. Unless they are `all` that there are, what does not fill a
    /// request is left for the next one.
    async fn send(&mut self, ops: &mut Vec<Op>, all: bool, pass: &mut Pass) -> Result<Sent, SyncError> {
        let Some(standing) = self.fact::<Standing>(CURSOR)? else { return Ok(Sent::InAnotherEpoch) };
        loop {
            // What stands behind a refused one waits with it, also in the next request.
            ops.retain(|op| !pass.closed.contains(&op.lane));
            if ops.is_empty() {
                return Ok(Sent::All);
            }
            let count = plan::cut(ops.iter().map(plan::size_of), pass.limit);
            if count == ops.len() && count < pass.limit.ops && !all {
                return Ok(Sent::All);
            }
            // Marked before they leave, or left out when they have left the outbox meanwhile.
            let ids: Vec<Uuid> = ops[..count].iter().map(|op| op.op_id).collect();
            let still = self.store.write(|w| w.offer(&ids))?;
            if still.len() < count {
                ops.retain(|op| still.contains(&op.op_id) || !ids.contains(&op.op_id));
                continue;
            }
            let batch = &ops[..count];
            let answer = self.remote.push(self.device, &standing.epoch, batch).await;
            match self.counted(answer) {
                Ok(answer) if answer.rejoin => return Ok(Sent::InAnotherEpoch),
                Ok(answer) => {
                    let closed = self.settle_results(batch, answer.results)?;
                    pass.closed.extend(closed);
                    pass.answered = true;
                    pass.limit = pass.limit.grown();
                    ops.drain(..count);
                    self.tell();
                }
                Err(SyncError::Remote(failure)) => match (failure.class, pass.limit.halved(count)) {
                    (FailureClass::Smaller { .. } | FailureClass::Permanent, Some(smaller)) => pass.limit = smaller,
                    // The server is busy, not the change too large: the next round tries again.
                    (FailureClass::Smaller { passing: true }, None) => {
                        let class = FailureClass::Passing { retry_after: None };
                        return Err(Failure { class, ..failure }.into());
                    }
                    (FailureClass::Smaller { passing: false }, None) => {
                        // One operation alone is too much for this server: that one waits in view.
                        let op = ops.remove(0);
                        self.store.write(|w| w.wedge(op.op_id, "too_large", &failure.message))?;
                        self.report.refused += 1;
                        pass.closed.insert(op.lane);
                    }
                    (FailureClass::Permanent, None) if pass.suspects.len() < SUSPECTS => {
                        // The whole call is refused for the sake of this one; whether it is really its fault, the others tell.
                        let op = ops.remove(0);
                        pass.closed.insert(op.lane);
                        pass.suspects.push((op.op_id, failure));
                    }
                    _ => return Err(failure.into()),
                },
                Err(other) => return Err(other),
            }
        }
    }

    /// The operation as it is sent; None when it has nothing to send now (its file is not on the server yet, or its row
    /// is gone).
    fn prepare(&mut self, entry: &OutboxEntry) -> Result<Option<Op>, SyncError> {
        let mut op = Op {
            op_id: entry.op_id,
            lane: entry.lane.0,
            table: entry.table.as_str().to_owned(),
            id: entry.row_id,
            kind: entry.kind.as_str().to_owned(),
            row: None,
            set: None,
            base_seq: entry.base_seq,
            held: entry.held,
        };
        match entry.kind {
            OutboxKind::Delete => {}
            OutboxKind::Patch => {
                let mut patch = entry.patch.clone().unwrap_or_default();
                // A row that learns of its bytes later: they go up before it says so.
                if entry.table == OutboxTable::Attachments
                    && patch.contains_key("storage_path")
                    && let Some(attachment) = self.store.read()?.attachment(AttachmentId(entry.row_id))?
                {
                    match bytes_of(&self.files, self.store.owner(), &attachment) {
                        Bytes::First => return Ok(None),
                        Bytes::There => {
                            patch.insert("storage_path".into(), attachment.storage_path.into());
                        }
                        // They vanished meanwhile; whoever has them may still bring them.
                        Bytes::Nowhere => {
                            patch.remove("storage_path");
                        }
                    }
                    if patch.is_empty() {
                        self.store.write(|w| w.discard(entry.op_id))?;
                        return Ok(None);
                    }
                }
                op.set = Some(wire::write_patch(entry.table.as_str(), &patch));
            }
            OutboxKind::Insert => {
                let row = match entry.table {
                    OutboxTable::Conversations => self
                        .store
                        .read()?
                        .conversation(ConversationId(entry.row_id))?
                        .map(|record| wire::write_conversation(&record.conversation)),
                    OutboxTable::Messages => self
                        .store
                        .read()?
                        .message(MessageId(entry.row_id))?
                        .map(|record| wire::write_message(&record.message)),
                    OutboxTable::Attachments => {
                        let (attachment, owner) =
                            (self.store.read()?.attachment(AttachmentId(entry.row_id))?, self.store.owner());
                        match attachment.map(|a| (bytes_of(&self.files, owner, &a), a)) {
                            None => None,
                            Some((Bytes::First, _)) => return Ok(None),
                            Some((bytes, a)) => Some(wire::write_attachment(&a, owner, bytes == Bytes::There)),
                        }
                    }
                };
                let Some(row) = row else {
                    // Erased since: there is nothing to send, and nothing to wait for.
                    self.store.write(|w| w.discard(entry.op_id))?;
                    return Ok(None);
                };
                op.row = Some(row);
            }
        }
        Ok(Some(op))
    }

    /// Takes the answers in; returns the lanes in which something was refused.
    fn settle_results(&mut self, batch: &[Op], results: Vec<OpResult>) -> Result<Vec<Uuid>, SyncError> {
        if results.len() != batch.len() || results.iter().zip(batch).any(|(result, op)| result.op_id != op.op_id) {
            return Err(SyncError::Protocol("the server's answer does not match what was sent".into()));
        }
        let now = (self.now)();
        let pulled = self.fact::<Standing>(CURSOR)?.map_or(0, |standing| standing.cursor.seq);
        let mut closed = Vec::new();
        let (pushed, refused) = self.store.write(|w| -> Result<(u64, u64), StoreError> {
            let (mut pushed, mut refused) = (0, 0);
            let mut taken_ids = Vec::new();
            for (result, op) in results.iter().zip(batch) {
                match verdict(op, result) {
                    Verdict::Acknowledge => {
                        let entry = w.outbox_entry(result.op_id)?;
                        w.acknowledge(result.op_id, result.change_seq)?;
                        pushed += 1;
                        let number = result.change_seq.unwrap_or(0);
                        let Some(entry) = entry.filter(|entry| entry.kind != OutboxKind::Delete) else { continue };
                        if w.is_erased_after(&op.table, op.id, number)? {
                            // The first answer was lost, and somebody has erased the row since.
                            w.withdraw(&entry)?;
                        } else if is_hidden(number, pulled) {
                            w.set_refetch(&op.table, op.id, true)?;
                        }
                    }
                    Verdict::TakeTheirs => {
                        let entry = w.outbox_entry(result.op_id)?;
                        w.acknowledge(result.op_id, result.change_seq)?;
                        match (&result.row, entry) {
                            (Some(row), _) => {
                                store_or_park(w, &op.table, row, now)?;
                            }
                            // Erased for good later than in the form that was brought back.
                            (None, Some(entry)) => w.withdraw(&entry)?,
                            (None, None) => {}
                        }
                        pushed += 1;
                    }
                    Verdict::GiveNewIds => {
                        closed.push(op.lane);
                        taken_ids.push(ConversationId(op.id));
                    }
                    Verdict::Wedge { code, message } => {
                        w.wedge(result.op_id, &code, &message)?;
                        closed.push(op.lane);
                        refused += 1;
                    }
                    Verdict::Wait => {}
                }
            }
            for id in taken_ids {
                // Somebody else's id: an export of another account. It gets ids of this one and is sent again.
                w.rekey_conversation(id)?;
            }
            Ok((pushed, refused))
        })?;
        self.report.pushed += pushed;
        self.report.refused += refused;
        Ok(closed)
    }
}
