//! A cloud with people on it, and devices that are signed in to it.

use crate::device::Device;
use airi_tests::{Cloud, CloudOptions, User};
use serde_json::{Value, json};
use std::sync::OnceLock;
use tokio::runtime::Runtime;
use tokio_postgres::Client;

/// A cloud and the runtime that its connections live on.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) cloud: Cloud,
}

/// The cloud that tests without wishes of their own share; each has its own account on it.
pub(crate) fn shared() -> &'static World {
    static SHARED: OnceLock<World> = OnceLock::new();
    SHARED.get_or_init(|| World::start(CloudOptions::default()))
}

impl World {
    pub(crate) fn start(options: CloudOptions) -> World {
        let runtime = Runtime::new().unwrap();
        let cloud = runtime.block_on(Cloud::start(options)).unwrap();
        World { runtime, cloud }
    }

    pub(crate) fn account(&self) -> User {
        self.runtime.block_on(self.cloud.create_user()).unwrap()
    }

    pub(crate) fn log_in(&self, device: &Device, user: &User) {
        let args = self.login_args(&self.cloud.url, user);
        device.run_with(&args.each_ref().map(String::as_str), &user.password);
    }

    /// What `airi` is given to sign in at an address that leads to this cloud.
    pub(crate) fn login_args(&self, url: &str, user: &User) -> [String; 8] {
        let key = self.cloud.publishable_key.as_str();
        ["login", "--url", url, "--key", key, "--email", &user.email, "--password-stdin"].map(str::to_owned)
    }

    /// A device of that user that has synced once.
    pub(crate) fn signed_in(&self, user: &User) -> Device {
        let device = Device::new();
        self.log_in(&device, user);
        device.run(&["sync"]);
        device
    }

    /// Runs SQL as that user, the way another client's request runs.
    pub(crate) fn as_user(&self, user: &User, sql: &str) {
        self.runtime.block_on(async {
            let client = self.cloud.connect().await.unwrap();
            client.batch_execute(&format!("begin; {} {sql}; commit;", acting_as(user))).await.unwrap();
        });
    }

    /// A connection with an open transaction of that user.
    pub(crate) fn transaction(&self, user: &User) -> Client {
        self.runtime.block_on(async {
            let client = self.cloud.connect().await.unwrap();
            client.batch_execute(&format!("begin; {}", acting_as(user))).await.unwrap();
            client
        })
    }

    pub(crate) fn execute(&self, client: &Client, sql: &str) {
        self.runtime.block_on(client.batch_execute(sql)).unwrap();
    }

    /// A statement's one number; `$1` is the user.
    pub(crate) fn count(&self, user: &User, sql: &str) -> i64 {
        self.runtime.block_on(async {
            let client = self.cloud.connect().await.unwrap();
            client.query_one(sql, &[&user.id]).await.unwrap().get(0)
        })
    }

    /// A statement's one JSON object or array; `$1` is the user.
    pub(crate) fn json(&self, user: &User, sql: &str) -> Value {
        self.runtime.block_on(async {
            let client = self.cloud.connect().await.unwrap();
            client.query_one(sql, &[&user.id]).await.unwrap().get(0)
        })
    }
}

fn acting_as(user: &User) -> String {
    let claims = json!({ "sub": user.id, "role": "authenticated" });
    format!("select set_config('request.jwt.claims', '{claims}', true); set local role authenticated;")
}
