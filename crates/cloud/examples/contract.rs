//! The client against a real cloud: `AIRI_CLOUD` holds the JSON line that `airi-devcloud` prints. Every step is named on
//! standard output as it holds; the first deviation ends the run with its name and exit code 1.
//!
//! The account of the line is used and gets a conversation and some files; a second account is made.

#[path = "contract/files.rs"]
mod files;
#[path = "contract/sign_in.rs"]
mod sign_in;
#[path = "contract/store.rs"]
mod store;
#[path = "contract/sync.rs"]
mod sync;

use airi_cloud::{Auth, CloudError, ExposeSecret, Plain, SecretString, ServerAddress, Session, Tokens};
use airi_domain::OwnerId;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use store::Memory;

type Outcome<T = ()> = Result<T, String>;

#[derive(Deserialize)]
struct Line {
    url: String,
    publishable_key: String,
    service_key: String,
    email: String,
    password: String,
}

/// What every step may use.
struct World {
    line: Line,
    address: ServerAddress,
    auth: Auth,
    folder: PathBuf,
}

/// A signed-in user.
struct Signed {
    session: Session,
    store: Arc<Memory>,
    user: OwnerId,
}

impl World {
    async fn sign_in(&self, name: &str) -> Outcome<Signed> {
        let password = SecretString::from(self.line.password.as_str());
        let tokens = self.auth.sign_in_password(&self.line.email, &password).await.map_err(say)?;
        self.signed(name, tokens).await
    }

    async fn signed(&self, name: &str, tokens: Tokens) -> Outcome<Signed> {
        let store = Arc::new(Memory::default());
        let lock = self.folder.join(format!("{name}.lock"));
        let session = Session::new(self.auth.clone(), store.clone(), &lock);
        let user = tokens.user_id;
        session.start(tokens).await.map_err(say)?;
        Ok(Signed { session, store, user })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Fails the step with words, unless the condition holds.
fn must(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn say(error: CloudError) -> String {
    format!("{}: {error} ({error:?})", error.code())
}

fn expect_error<T>(result: Result<T, CloudError>, codes: &[&str]) -> Outcome<CloudError> {
    match result {
        Ok(_) => Err(format!("it succeeded; expected {codes:?}")),
        Err(error) if codes.contains(&error.code()) => Ok(error),
        Err(error) => Err(format!("expected {codes:?}, got {}", say(error))),
    }
}

async fn step<T>(name: &str, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    match work.await {
        Ok(value) => {
            println!("holds: {name}");
            Ok(value)
        }
        Err(why) => Err(format!("{name}: {why}")),
    }
}

async fn run(folder: &Path) -> Outcome {
    let text = std::env::var("AIRI_CLOUD").map_err(|_| "AIRI_CLOUD is not set".to_owned())?;
    let line: Line = serde_json::from_str(&text).map_err(|e| format!("AIRI_CLOUD is not the expected JSON: {e}"))?;
    let address = ServerAddress::parse(&line.url, &line.publishable_key, Plain::Loopback).map_err(|e| e.to_string())?;
    must(
        ServerAddress::parse(&line.url, &line.service_key, Plain::Loopback).is_err(),
        "the service key must be refused as a publishable key",
    )?;
    let auth = Auth::new(&address).map_err(say)?;
    let world = World { line, address, auth, folder: folder.to_owned() };
    sign_in::run(&world).await?;
    sync::run(&world).await?;
    files::run(&world).await?;
    sign_in::reuse(&world).await
}

#[tokio::main]
async fn main() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("airi-contract-{}", uuid::Uuid::new_v4()));
    let made = std::fs::create_dir_all(&folder).map_err(|e| e.to_string());
    let result = match made {
        Ok(()) => run(&folder).await,
        Err(why) => Err(why),
    };
    // What is left in the system's temporary folder harms nobody.
    let _ = std::fs::remove_dir_all(&folder);
    match result {
        Ok(()) => {
            println!("the client and the cloud keep their contract");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("DEVIATION: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The text of a token, for comparing.
fn plain(token: &SecretString) -> &str {
    token.expose_secret()
}
