//! The real cloud as a server of the contract: two fresh accounts, the app's adapter, PostgREST's tables for the other
//! client, and SQL for the service.

use airi_app::CloudRemote;
use airi_cloud::{Auth, ExposeSecret, Plain, SecretString, ServerAddress, Session, SessionStore, StoreError, Tokens};
use airi_testkit::contract::{Server, Who};
use airi_tests::{Cloud, User};
use reqwest::{Client, Method};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub(crate) struct RealServer<'a> {
    cloud: &'a Cloud,
    accounts: [Account; 2],
    http: Client,
}

struct Account {
    user: User,
    session: Session,
    remote: CloudRemote,
}

/// Tokens for as long as a test runs.
#[derive(Default)]
struct InMemory(Mutex<Option<Tokens>>);

impl SessionStore for InMemory {
    fn load(&self) -> Result<Option<Tokens>, StoreError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        *self.0.lock().unwrap() = Some(tokens.clone());
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        *self.0.lock().unwrap() = None;
        Ok(())
    }
}

impl<'a> RealServer<'a> {
    /// Makes two accounts and signs them in.
    pub(crate) async fn start(cloud: &'a Cloud, folder: &Path) -> RealServer<'a> {
        let accounts = [Account::new(cloud, &folder.join("a")).await, Account::new(cloud, &folder.join("b")).await];
        RealServer { cloud, accounts, http: Client::new() }
    }

    async fn table(&self, who: Who, method: Method, path: &str, body: Option<Value>) -> bool {
        let token = self.accounts[who as usize].session.access_token().await.unwrap();
        let request = self
            .http
            .request(method, format!("{}/rest/v1/{path}", self.cloud.url))
            .header("apikey", &self.cloud.publishable_key)
            .bearer_auth(token.expose_secret());
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.unwrap().status().is_success()
    }
}

impl Account {
    async fn new(cloud: &Cloud, lock: &Path) -> Account {
        let user = cloud.create_user().await.unwrap();
        let address = ServerAddress::parse(&cloud.url, &cloud.publishable_key, Plain::Loopback).unwrap();
        let auth = Auth::new(&address).unwrap();
        let password = SecretString::from(user.password.clone());
        let tokens = auth.sign_in_password(&user.email, &password).await.unwrap();
        let session = Session::new(auth, Arc::new(InMemory::default()), lock);
        session.start(tokens).await.unwrap();
        let remote = CloudRemote::new(&session);
        Account { user, session, remote }
    }
}

impl Server for RealServer<'_> {
    type Remote = CloudRemote;

    fn remote(&self, who: Who) -> &CloudRemote {
        &self.accounts[who as usize].remote
    }

    fn user(&self, who: Who) -> Uuid {
        self.accounts[who as usize].user.id
    }

    async fn insert(&self, who: Who, table: &str, row: Map<String, Value>) -> bool {
        self.table(who, Method::POST, table, Some(json!(row))).await
    }

    async fn update(&self, who: Who, table: &str, id: Uuid, set: Map<String, Value>) -> bool {
        self.table(who, Method::PATCH, &format!("{table}?id=eq.{id}"), Some(json!(set))).await
    }

    async fn delete(&self, who: Who, table: &str, id: Uuid) -> bool {
        self.table(who, Method::DELETE, &format!("{table}?id=eq.{id}"), None).await
    }

    async fn serve(&self, who: Who, table: &str, mut row: Map<String, Value>) -> bool {
        row.insert("user_id".into(), json!(self.user(who)));
        let names: Vec<&str> = row.keys().map(String::as_str).collect();
        let names = names.join(", ");
        let statement = format!(
            "insert into public.{table} ({names}) select {names} from jsonb_populate_record(null::public.{table}, $1)"
        );
        let database = self.cloud.connect().await.unwrap();
        database.execute(&statement, &[&json!(row)]).await.is_ok()
    }
}
