//! The doorbell: a private broadcast per user says that something changed on the server. What changed is pulled; a
//! missed ring costs until the next pull by time.
//!
//! One task holds the socket: it joins with the session's token, hands on new tokens, sends a heartbeat every 25 s, and
//! connects again, with backoff and jitter, whenever the line breaks. It ends when the [`Doorbell`] is dropped.

mod line;
mod queue;

use crate::backoff::{self, Backoff};
use crate::{Class, CloudError, ServerAddress, Session};
use airi_domain::OwnerId;
use line::Line;
use queue::Queue;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A line that held this long makes the next wait short again.
const STABLE: Duration = Duration::from_secs(30);
/// A line that held this long is joined again at once when its token has run out.
const WORTH_IT: Duration = Duration::from_secs(1);

/// What the doorbell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ring {
    /// The line stands. Pull now: what changed before was not announced.
    Up,
    /// Something changed; the head of the server's order, where it was said.
    Changed {
        /// `sync_heads.seq`
        head: Option<i64>,
    },
    /// The line is broken and is being mended; pull by time meanwhile.
    Down {
        /// What to do, as for [`CloudError::class`].
        class: Class,
        /// A stable name, as for [`CloudError::code`].
        code: &'static str,
        /// For the user.
        why: String,
    },
}

/// Makes doorbells.
#[derive(Debug, Clone)]
pub struct Realtime {
    address: ServerAddress,
    session: Session,
    heartbeat: Duration,
}

/// A doorbell that is on the wall; dropping it closes the line.
#[derive(Debug)]
pub struct Doorbell {
    queue: Arc<Queue>,
    wake: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Realtime {
    /// Listens as `session`'s user.
    pub fn new(session: &Session) -> Realtime {
        let address = session.http().address().clone();
        Realtime { address, session: session.clone(), heartbeat: Duration::from_secs(25) }
    }

    /// The same with another time between heartbeats.
    pub fn with_heartbeat(mut self, heartbeat: Duration) -> Realtime {
        self.heartbeat = heartbeat;
        self
    }

    /// Connects in the background to the topic `sync:{user_id}`; must be called within a tokio runtime.
    pub fn listen(&self, user_id: OwnerId) -> Doorbell {
        let queue = Arc::new(Queue::default());
        let wake = Arc::new(Notify::new());
        let task = tokio::spawn(run(self.clone(), user_id, queue.clone(), wake.clone()));
        Doorbell { queue, wake, task }
    }
}

impl Doorbell {
    /// The next ring; cancel-safe. Rings that were not taken are merged, so a slow caller is never behind. None is never
    /// given while the runtime lives.
    pub async fn next(&mut self) -> Option<Ring> {
        self.queue.next().await
    }

    /// Connects again at once when the line is down: call it when the computer wakes up, the network
    /// comes back, or the user has signed in again.
    pub fn mend_now(&self) {
        self.wake.notify_one();
    }
}

impl Drop for Doorbell {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(realtime: Realtime, user_id: OwnerId, queue: Arc<Queue>, wake: Arc<Notify>) {
    let _closer = queue::Closer(queue.clone());
    let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
    loop {
        let begun = Instant::now();
        let error = match once(&realtime, user_id, &queue).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        if begun.elapsed() > STABLE {
            backoff.reset();
        }
        let class = error.class();
        queue.push(Ring::Down { class, code: error.code(), why: error.to_string() });
        let mut wait = backoff.next(backoff::random());
        match class {
            Class::Passing { retry_after: Some(wish) } => wait = wait.max(wish),
            // Nothing changes by itself; the session is asked again now and then, in case the user signed in.
            Class::SignInAgain | Class::Parked | Class::Permanent => wait = LONGEST_WAIT,
            _ => {}
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = wake.notified() => {}
        }
    }
}

/// Lines one after the other, for as long as each ends only because its token has.
async fn once(realtime: &Realtime, user_id: OwnerId, queue: &Queue) -> Result<std::convert::Infallible, CloudError> {
    let mut token = realtime.session.access_token().await?;
    loop {
        let line = joined(&realtime.address, &realtime.session, user_id, &mut token).await?;
        queue.push(Ring::Up);
        let begun = Instant::now();
        match line.listen(&realtime.session, realtime.heartbeat, queue).await {
            // The server's clock is ahead of ours, or the token was short-lived: nobody has signed out.
            Err(CloudError::NotAccepted) if begun.elapsed() >= WORTH_IT => {
                token = realtime.session.renewed(&token).await?;
            }
            // The token had little left to run when it joined. No sign-out either: the next join finds out whether there
            // is a fresh one, but not without a wait, since a server may cut every line at once.
            Err(CloudError::NotAccepted) => return Err(CloudError::broken("its token ran out as it came up")),
            ended => return ended,
        }
    }
}

/// A line that has joined the user's topic with `token`, or with a fresh one, which `token` then is.
async fn joined(
    address: &ServerAddress,
    session: &Session,
    user_id: OwnerId,
    token: &mut SecretString,
) -> Result<Line, CloudError> {
    let mut line = Line::connect(address).await?;
    match line.join(user_id, token).await {
        // The server finds it expired although our clock does not: a fresh one, once.
        Err(CloudError::NotAccepted) => {
            *token = session.renewed(token).await?;
            line = Line::connect(address).await?;
            line.join(user_id, token).await?;
        }
        joined => joined?,
    }
    Ok(line)
}

/// Joins the user's topic and leaves again.
pub(crate) async fn try_join(address: &ServerAddress, session: &Session, user_id: OwnerId) -> Result<(), CloudError> {
    let mut token = session.access_token().await?;
    joined(address, session, user_id, &mut token).await.map(drop)
}

#[cfg(test)]
#[path = "realtime_tests.rs"]
mod tests;
