//! What a caller may do on a private topic. Promise: the answer is what the policies of `realtime.messages` say, found by
//! writing a message and reading it back as the caller, in a transaction that is taken back.

use anyhow::Result;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::database::Pool;
use crate::gateway::Gateway;
use crate::gateway::caller::Caller;

/// The caller's rights on one topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) read: bool,
    pub(super) write: bool,
}

pub(super) async fn of(gateway: &Gateway, caller: &Caller, topic: &str) -> Result<Access> {
    Ok(Access {
        read: may_read(&gateway.realtime, caller, topic).await?,
        write: may_write(&gateway.realtime, caller, topic).await?,
    })
}

const INSERT: &str = "insert into realtime.messages (id, topic, extension, event, payload, private)
    values ($1, $2, 'broadcast', '', '{}', true)";

/// Whether the caller sees a message of the topic that Realtime itself wrote.
async fn may_read(pool: &Pool, caller: &Caller, topic: &str) -> Result<bool> {
    let mut lease = pool.lease().await?;
    let transaction = lease.transaction().await?;
    let id = Uuid::new_v4();
    transaction.execute(INSERT, &[&id, &topic]).await?;
    transaction
        .query(
            "select set_config('statement_timeout', '8s', true), set_config('request.jwt.claims', $2, true),
               set_config('realtime.topic', $3, true), set_config('role', $1, true)",
            &[&caller.role.name(), &caller.claims.to_string(), &topic],
        )
        .await?;
    let statement = "select from realtime.messages where id = $1";
    let seen = transaction.query_opt(statement, &[&id]).await;
    transaction.rollback().await?;
    allowed(seen.map(|row| row.is_some()))
}

/// Whether the caller can write a message of the topic.
async fn may_write(pool: &Pool, caller: &Caller, topic: &str) -> Result<bool> {
    let mut lease = pool.lease().await?;
    let transaction = lease.begin_as(caller.role, &caller.claims).await?;
    transaction.query("select set_config('realtime.topic', $1, true)", &[&topic]).await?;
    let written = transaction.execute(INSERT, &[&Uuid::new_v4(), &topic]).await;
    transaction.rollback().await?;
    allowed(written.map(|count| count == 1))
}

/// A refusal by the policies is an answer; anything else is an error.
fn allowed(answer: Result<bool, tokio_postgres::Error>) -> Result<bool> {
    match answer {
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(false),
        other => Ok(other?),
    }
}
