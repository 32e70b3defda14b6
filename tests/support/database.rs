//! The gateway's connections. Promise: what a caller asks for runs inside a transaction that has taken the caller's role
//! and claims, so row level security decides; a lease that is dropped half-way rolls back.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{Client, Config, Transaction};

use crate::postgres::connect;

/// The roles that a request can act as; nothing else can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Anon,
    Authenticated,
    Service,
}

impl Role {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "anon" => Some(Self::Anon),
            "authenticated" => Some(Self::Authenticated),
            "service_role" => Some(Self::Service),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Authenticated => "authenticated",
            Self::Service => "service_role",
        }
    }
}

/// Connections of one role, at most `SIZE`, made when needed.
#[derive(Clone)]
pub(crate) struct Pool {
    config: Config,
    idle: Arc<Mutex<Vec<Client>>>,
    permits: Arc<Semaphore>,
}

const SIZE: usize = 12;

impl Pool {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, idle: Arc::default(), permits: Arc::new(Semaphore::new(SIZE)) }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) async fn lease(&self) -> Result<Lease> {
        let permit = Arc::clone(&self.permits).acquire_owned().await?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let client = match idle {
            Some(client) if !client.is_closed() => client,
            _ => connect(&self.config).await?,
        };
        Ok(Lease { client: Some(client), idle: Arc::clone(&self.idle), _permit: permit })
    }
}

/// One connection, given back when dropped.
pub(crate) struct Lease {
    client: Option<Client>,
    idle: Arc<Mutex<Vec<Client>>>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    /// A transaction that acts as the caller. It must be committed to last.
    pub(crate) async fn begin_as(
        &mut self,
        role: Role,
        claims: &Value,
    ) -> Result<Transaction<'_>, tokio_postgres::Error> {
        let transaction = self.transaction().await?;
        transaction
            .query(
                "select set_config('statement_timeout', '8s', true),
                        set_config('request.jwt.claims', $2, true),
                        set_config('search_path', 'public, extensions', true),
                        set_config('role', $1, true)",
                &[&role.name(), &claims.to_string()],
            )
            .await?;
        Ok(transaction)
    }
}

impl Deref for Lease {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client.as_ref().expect("a lease holds its client until it is dropped")
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Client {
        self.client.as_mut().expect("a lease holds its client until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.client.take()
            && !client.is_closed()
        {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
        }
    }
}
