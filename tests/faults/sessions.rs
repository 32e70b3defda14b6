//! Many processes on one session whose tokens end at once: each refresh token works once, and nobody is signed out.

use crate::env;
use crate::world::World;
use airi_cloud::{
    Auth, CloudError, ExposeSecret, Plain, Rest, SecretString, ServerAddress, Session, SessionStore, Tokens,
};
use airi_tests::CloudOptions;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The clients renew a token with less than a minute left, so with these each call is a refresh. And a token that is used
/// a second time ends the session at once: nothing forgives a race.
fn unforgiving() -> CloudOptions {
    CloudOptions {
        access_token_lifetime: Duration::from_secs(50),
        refresh_reuse_interval: Duration::ZERO,
        ..CloudOptions::default()
    }
}

/// The tokens in a file, as the keyring or the encrypted file hold them for all processes of a user.
struct InFile(PathBuf);

impl SessionStore for InFile {
    fn load(&self) -> Result<Option<Tokens>, airi_cloud::StoreError> {
        Ok(Tokens::from_stored(&std::fs::read_to_string(&self.0)?))
    }

    fn save(&self, tokens: &Tokens) -> Result<(), airi_cloud::StoreError> {
        let staged = self.0.with_extension("new");
        std::fs::write(&staged, tokens.to_stored().expose_secret())?;
        Ok(std::fs::rename(staged, &self.0)?)
    }

    fn clear(&self) -> Result<(), airi_cloud::StoreError> {
        Ok(std::fs::remove_file(&self.0)?)
    }
}

#[test]
fn sessions_that_share_a_store_and_a_lock_never_sign_each_other_out() {
    let races = env::number("AIRI_FAULTS_REFRESHES", 200);
    let world = World::start(unforgiving());
    let user = world.account();
    let folder = tempfile::tempdir().unwrap();
    let address = ServerAddress::parse(&world.cloud.url, &world.cloud.publishable_key, Plain::Loopback).unwrap();
    // As two processes would: two sessions that share nothing but the file and the lock.
    let session = || {
        let store = Arc::new(InFile(folder.path().join("session")));
        Session::new(Auth::new(&address).unwrap(), store, &folder.path().join("refresh.lock"))
    };
    let (one, other) = (session(), session());
    let password = SecretString::from(user.password.clone());
    world.runtime.block_on(async {
        let tokens = one.auth().sign_in_password(&user.email, &password).await.unwrap();
        one.start(tokens).await.unwrap();
        for race in 0..races {
            let hello = async |session: &Session| -> Result<Value, CloudError> {
                Rest::new(session).rpc("sync_hello", &json!({})).await
            };
            let (first, second) = tokio::join!(hello(&one), hello(&other));
            for answer in [first, second] {
                let answer = answer.unwrap_or_else(|error| panic!("race {race}: {error}"));
                assert_eq!(answer["user_id"], json!(user.id));
            }
            if race % 1000 == 999 {
                println!("{} of {races} races", race + 1);
            }
        }
    });
    let refreshed = "select count(*) from auth.refresh_tokens where user_id = $1::uuid::text";
    let used = world.count(&user, refreshed);
    assert!(used > races as i64, "only {used} tokens in {races} races");
    let ended = world.count(&user, "select count(*) from auth.sessions where user_id = $1");
    assert_eq!(ended, 1, "the one session lives");
}

#[test]
fn processes_that_sync_one_profile_at_once_stay_signed_in() {
    let races = env::number("AIRI_FAULTS_REFRESHES", 200) / 20;
    let world = World::start(unforgiving());
    let user = world.account();
    let device = world.signed_in(&user);
    for race in 0..races {
        let start = || -> Child {
            device
                .command(&["sync"])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        for child in [start(), start(), start()] {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "race {race}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert_eq!(device.run(&["status"])["account"]["signed_in"], json!(true));
}
