//! The model as a server of the contract.

use super::{Server, Who};
use crate::DEFAULT_NOW;
use crate::cloud::{ModelCloud, ModelRemote};
use airi_domain::Time;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A model with two accounts.
#[derive(Debug)]
pub struct ModelServer {
    cloud: ModelCloud,
    remotes: [ModelRemote; 2],
}

impl Default for ModelServer {
    fn default() -> ModelServer {
        let cloud = ModelCloud::new(Time::from_micros(DEFAULT_NOW).unwrap_or(Time::MIN));
        let users = [1, 2].map(|n| Uuid::from_u128(0xacc0_0000_0000_4000_8000_0000_0000_0000 + n));
        for user in users {
            cloud.add_user(user);
        }
        let remotes = users.map(|user| cloud.remote(user));
        ModelServer { cloud, remotes }
    }
}

impl Server for ModelServer {
    type Remote = ModelRemote;

    fn remote(&self, who: Who) -> &ModelRemote {
        &self.remotes[who as usize]
    }

    fn user(&self, who: Who) -> Uuid {
        self.remotes[who as usize].user()
    }

    async fn insert(&self, who: Who, table: &str, row: Map<String, Value>) -> bool {
        self.cloud.client(self.user(who)).insert(table, &row).is_ok()
    }

    async fn update(&self, who: Who, table: &str, id: Uuid, set: Map<String, Value>) -> bool {
        self.cloud.client(self.user(who)).update(table, id, &set).is_ok()
    }

    async fn delete(&self, who: Who, table: &str, id: Uuid) -> bool {
        self.cloud.client(self.user(who)).delete(table, id).is_ok()
    }

    async fn serve(&self, who: Who, table: &str, row: Map<String, Value>) -> bool {
        self.cloud.serve(self.user(who), table, &row).is_ok()
    }
}
