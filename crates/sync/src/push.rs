//! From the outbox to the server, in the order in which things were done.
//!
//! An operation leaves the outbox only when the server has answered for it. What is refused stands in view and holds its
//! own conversation only. Sending again is always safe: the server knows an operation by its id.

use crate::engine::{Engine, SyncError};
use crate::plan::{self, BatchLimit};
use crate::remote::{FailureClass, Op, OpResult, OpStatus, Remote};
use crate::wire;
use airi_domain::{AttachmentId, ConversationId, MessageId};
use airi_store::{OutboxEntry, OutboxKind, OutboxTable, StoreError};

impl<R: Remote> Engine<R> {
    /// Sends everything that may be sent. `files`: with what has to upload a file first; text never waits for those.
    pub(crate) async fn push_all(&mut self, files: bool) -> Result<bool, SyncError> {
        let mut limit = BatchLimit::FULL;
        let mut after = 0;
        let mut pushed = false;
        loop {
            let entries = self.store.read()?.sendable(after, plan::MAX_BATCH_OPS)?;
            if entries.is_empty() {
                return Ok(pushed);
            }
            let mut ops = Vec::new();
            let mut waiting_until = after;
            for entry in &entries {
                waiting_until = entry.key;
                if let Some(op) = self.prepare(entry, files).await? {
                    ops.push((entry.key, op));
                }
            }
            let mut from = 0;
            while from < ops.len() {
                let count = plan::cut(ops[from..].iter().map(|(_, op)| plan::size_of(op)), limit);
                let batch: Vec<Op> = ops[from..from + count].iter().map(|(_, op)| op.clone()).collect();
                match self.counted(self.remote.push(self.device, &batch).await) {
                    Ok(answer) => {
                        self.settle_results(&batch, answer.results)?;
                        pushed = true;
                        from += count;
                        limit = limit.grown();
                        self.tell();
                    }
                    Err(SyncError::Remote(failure)) if failure.class == FailureClass::Smaller => {
                        match limit.halved(count) {
                            Some(smaller) => limit = smaller,
                            None => {
                                // One operation alone is too much for this server: that one waits in view.
                                let op = batch[0].op_id;
                                self.store.write(|w| w.wedge(op, "too_large", &failure.message))?;
                                self.report.refused += 1;
                                from += 1;
                            }
                        }
                    }
                    Err(other) => return Err(other),
                }
            }
            after = waiting_until;
        }
    }

    /// The operation as it is sent; None when it has nothing to send now (its file could not be uploaded yet, or its row
    /// is gone).
    async fn prepare(&mut self, entry: &OutboxEntry, files: bool) -> Result<Option<Op>, SyncError> {
        let mut op = Op {
            op_id: entry.op_id,
            lane: entry.lane.0,
            table: entry.table.as_str().to_owned(),
            id: entry.row_id,
            kind: entry.kind.as_str().to_owned(),
            row: None,
            set: None,
            base_seq: entry.base_seq,
        };
        match entry.kind {
            OutboxKind::Delete => {}
            OutboxKind::Patch => {
                let patch = entry.patch.clone().unwrap_or_default();
                // A row that learns of its bytes later: they go up before it says so.
                if entry.table == OutboxTable::Attachments && patch.contains_key("storage_path") {
                    let attachment = self.store.read()?.attachment(AttachmentId(entry.row_id))?;
                    if let Some(attachment) = attachment {
                        if !files && self.needs_upload(&attachment) {
                            return Ok(None);
                        }
                        if self.upload(entry, &attachment).await?.is_none() {
                            return Ok(None);
                        }
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
                        let attachment = self.store.read()?.attachment(AttachmentId(entry.row_id))?;
                        match attachment {
                            None => None,
                            Some(attachment) if !files && self.needs_upload(&attachment) => return Ok(None),
                            Some(attachment) => match self.upload(entry, &attachment).await? {
                                None => return Ok(None),
                                Some(uploaded) => {
                                    Some(wire::write_attachment(&attachment, self.store.owner(), uploaded))
                                }
                            },
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

    fn settle_results(&mut self, batch: &[Op], results: Vec<OpResult>) -> Result<(), SyncError> {
        if results.len() != batch.len() || results.iter().zip(batch).any(|(result, op)| result.op_id != op.op_id) {
            return Err(SyncError::Protocol("the server's answer does not match what was sent".into()));
        }
        let mut taken_ids = Vec::new();
        let (pushed, refused) = self.store.write(|w| -> Result<(u64, u64), StoreError> {
            let (mut pushed, mut refused) = (0, 0);
            for (result, op) in results.iter().zip(batch) {
                match result.status {
                    OpStatus::Applied => {
                        w.acknowledge(result.op_id, result.change_seq)?;
                        pushed += 1;
                    }
                    OpStatus::Refused => {
                        let code = result.code.as_deref().unwrap_or("refused");
                        if code == "id_taken" && op.table == "conversations" && op.kind == "insert" {
                            taken_ids.push(ConversationId(op.id));
                            continue;
                        }
                        w.wedge(result.op_id, code, result.message.as_deref().unwrap_or("The server refused it."))?;
                        refused += 1;
                    }
                    OpStatus::Skipped => {}
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
        Ok(())
    }
}
