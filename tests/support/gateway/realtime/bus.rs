//! How messages reach the sockets. Promise: each committed row of `realtime.messages` is published once, soon after its
//! commit, while the listener's connection stands; a socket that is too slow loses messages, never memory.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc};
use tokio_postgres::{AsyncMessage, NoTls};
use uuid::Uuid;

use crate::gateway::Gateway;

/// Something to tell the members of a topic.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(super) topic: String,
    pub(super) private: bool,
    pub(super) event: String,
    pub(super) payload: Value,
    /// The row's id, when it comes from the database.
    pub(super) id: Option<Uuid>,
    /// The socket that sent it.
    pub(super) sender: Option<Uuid>,
}

/// All messages to all sockets; each takes what its channels want.
#[derive(Clone)]
pub(crate) struct Bus(broadcast::Sender<Arc<Message>>);

impl Bus {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(1024))
    }

    pub(super) fn publish(&self, message: Message) {
        // Nobody connected: nothing to do.
        let _ = self.0.send(Arc::new(message));
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Message>> {
        self.0.subscribe()
    }
}

const KEEP: &str = "delete from realtime.messages where inserted_at < now() at time zone 'utc' - interval '3 days'";

/// Publishes what the database announces, for as long as the gateway runs.
pub(in crate::gateway) async fn listen(gateway: Arc<Gateway>) {
    loop {
        if let Err(error) = follow(&gateway).await {
            eprintln!("airi-devcloud: realtime listens again: {error:#}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn follow(gateway: &Gateway) -> Result<()> {
    let (client, mut connection) = gateway.realtime.config().connect(NoTls).await?;
    let (sender, mut announced) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && sender.send(notification.payload().to_owned()).is_err()
            {
                break;
            }
        }
    });
    client.batch_execute(KEEP).await?;
    client.batch_execute("listen realtime_messages").await?;
    while let Some(id) = announced.recv().await {
        let Ok(id) = id.parse::<Uuid>() else { continue };
        let row = client
            .query_opt(
                "select topic, coalesce(private, false), coalesce(event, ''), coalesce(payload, '{}')
                 from realtime.messages where id = $1",
                &[&id],
            )
            .await?;
        if let Some(row) = row {
            gateway.bus.publish(Message {
                topic: row.get(0),
                private: row.get(1),
                event: row.get(2),
                payload: row.get(3),
                id: Some(id),
                sender: None,
            });
        }
    }
    None.context("the connection to the database ended")
}
