//! Sign-in, sign-up, refresh and its rotation, sign-out.

use crate::{Outcome, World, expect_error, must, plain, say, step};
use airi_cloud::{Auth, Class, Pkce, Plain, Provider, Scope, SecretString, ServerAddress, Session, SignUp};
use std::time::Duration;

/// Longer than the time in which Auth lets a used refresh token pass.
const REUSE: Duration = Duration::from_secs(11);

pub(crate) async fn run(world: &World) -> Outcome {
    let password = SecretString::from(world.line.password.as_str());
    step("a wrong password is called so", async {
        let wrong = SecretString::from("not the password");
        expect_error(world.auth.sign_in_password(&world.line.email, &wrong).await, &["wrong_password"]).map(|_| ())
    })
    .await?;
    step("an unknown account looks the same", async {
        expect_error(world.auth.sign_in_password("nobody@example.com", &password).await, &["wrong_password"])
            .map(|_| ())
    })
    .await?;
    step("a wrong key is called so", async {
        let address = ServerAddress::parse(&world.line.url, "sb_publishable_wrongwrongwrong", Plain::Loopback)
            .map_err(|e| e.to_string())?;
        let auth = Auth::new(&address).map_err(say)?;
        expect_error(auth.sign_in_password(&world.line.email, &password).await, &["key_refused"]).map(|_| ())
    })
    .await?;
    step("signing in gives tokens that the server knows", async {
        let tokens = world.auth.sign_in_password(&world.line.email, &password).await.map_err(say)?;
        let user = world.auth.user(&tokens.access_token).await.map_err(say)?;
        must(user.id == tokens.user_id && user.email.as_deref() == Some(&world.line.email), "another user")
    })
    .await?;
    step("a false access token is not accepted", async {
        expect_error(world.auth.user(&SecretString::from("a.b.c")).await, &["not_accepted"]).map(|_| ())
    })
    .await?;
    step("signing up gives a session or asks for a confirmation", async {
        let email = format!("contract-{}@example.com", uuid::Uuid::new_v4());
        let strong = SecretString::from(format!("Pw-{}", uuid::Uuid::new_v4()));
        match world.auth.sign_up(&email, &strong).await.map_err(say)? {
            SignUp::SignedIn(tokens) => must(tokens.email.as_deref() == Some(email.as_str()), "another e-mail"),
            SignUp::ConfirmEmail => Ok(()),
        }
    })
    .await?;
    step("a short password is refused by its name", async {
        let email = format!("contract-{}@example.com", uuid::Uuid::new_v4());
        expect_error(world.auth.sign_up(&email, &SecretString::from("abc")).await, &["weak_password"]).map(|_| ())
    })
    .await?;
    step("a code can be asked for, and a wrong one is called so", async {
        world.auth.send_code(&world.line.email).await.map_err(say)?;
        let wrong = SecretString::from("000000");
        expect_error(world.auth.verify_code(&world.line.email, &wrong).await, &["wrong_code"]).map(|_| ())
    })
    .await?;
    step("a login by browser has an address, and a false code of it is refused", async {
        let pkce = Pkce::new().map_err(say)?;
        let url =
            world.auth.authorize_url(Provider::Google, "http://127.0.0.1:9/cb", &pkce.challenge()).map_err(say)?;
        must(url.starts_with(world.address.url()), "another server")?;
        let code = SecretString::from(uuid::Uuid::new_v4().to_string());
        expect_error(world.auth.exchange_code(&code, pkce.verifier()).await, &["refused"]).map(|_| ())
    })
    .await?;
    step("many callers and a second process refresh once together", async {
        let me = world.sign_in("together").await?;
        let before = me.store.peek().ok_or("nothing stored")?;
        me.store.spoil_access_token();
        // Both sessions read the spoiled token from the store; the server answers 401 to it.
        let lock = world.path("together.lock");
        let sessions = [(); 2].map(|()| Session::new(world.auth.clone(), me.store.clone(), &lock));
        let rests = sessions.map(|session| airi_cloud::Rest::new(&session));
        let nothing = serde_json::json!({});
        let calls = (0..10).map(|n| rests[n % 2].rpc::<serde_json::Value>("sync_hello", &nothing));
        for result in futures_util::future::join_all(calls).await {
            result.map_err(say)?;
        }
        let after = me.store.peek().ok_or("nothing stored")?;
        must(plain(&after.refresh_token) != plain(&before.refresh_token), "the refresh token did not change")?;
        // A second refresh would have left a grandchild: the first token would then not be the living one's parent.
        let again = world.auth.refresh(&before.refresh_token).await.map_err(say)?;
        must(plain(&again.refresh_token) == plain(&after.refresh_token), "it was refreshed more than once")
    })
    .await?;
    step("signing out ends the session on the server", async {
        let me = world.sign_in("out").await?;
        let tokens = me.store.peek().ok_or("nothing stored")?;
        let out = me.session.sign_out(Scope::Local).await.map_err(say)?;
        must(out.not_told.is_none(), "the server was not told")?;
        expect_error(me.session.access_token().await, &["signed_out"])?;
        expect_error(world.auth.user(&tokens.access_token).await, &["not_accepted"])?;
        let error = expect_error(world.auth.refresh(&tokens.refresh_token).await, &["session_revoked"])?;
        must(error.class() == Class::SignInAgain, "another class")
    })
    .await
}

/// Last, because it waits out the time in which a used token may pass.
pub(crate) async fn reuse(world: &World) -> Outcome {
    step("a refresh token that is used again ends the session", async {
        let password = SecretString::from(world.line.password.as_str());
        let first = world.auth.sign_in_password(&world.line.email, &password).await.map_err(say)?;
        let second = world.auth.refresh(&first.refresh_token).await.map_err(say)?;
        must(plain(&second.refresh_token) != plain(&first.refresh_token), "the refresh token does not rotate")?;
        must(plain(&second.access_token) != plain(&first.access_token), "the access token is the same")?;
        let third = world.auth.refresh(&second.refresh_token).await.map_err(say)?;
        tokio::time::sleep(REUSE).await;
        expect_error(world.auth.refresh(&first.refresh_token).await, &["session_revoked"])?;
        expect_error(world.auth.refresh(&third.refresh_token).await, &["session_revoked"])?;
        let me = world.signed("revoked", first).await?;
        let mut old = me.store.peek().ok_or("nothing stored")?;
        old.expires_at = airi_domain::Time::MIN;
        me.session.start(old).await.map_err(say)?;
        expect_error(me.session.access_token().await, &["session_revoked"])?;
        must(me.store.peek().is_some(), "the session was thrown away")
    })
    .await
}
