//! Requests to the served cloud, as strangers, users and cheats make them.

use std::time::{SystemTime, UNIX_EPOCH};

use airi_tests::{Cloud, User};
use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::people::{self, Person};
use crate::world::{World, world};

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) name: &'static str,
    token: Option<String>,
    /// Whether the token is no token: every request must be refused with 401.
    pub(crate) cheats: bool,
}

impl Caller {
    pub(crate) fn stranger() -> Self {
        Self { name: "stranger", token: None, cheats: false }
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The rows of a successful answer.
    pub(crate) fn rows(&self) -> Vec<Value> {
        if self.status.is_success() { self.json().as_array().cloned().unwrap_or_default() } else { Vec::new() }
    }
}

/// Rows without an owner, the server's own one with A's mark in it.
const NOBODYS: &str = "
    insert into public.provider_health (id, name) values ('p', 'P') on conflict do nothing;
    insert into public.cache_entries (key, value, expires_at) values ('k', '\"secret-of-alice\"', 'infinity')
    on conflict do nothing";

/// Two people of the served cloud, and everyone who might ask for the rows of the first.
pub(crate) struct Stage {
    pub(crate) a: Person,
    pub(crate) b: Person,
    /// The first person itself: what nobody else may get, this one does.
    pub(crate) own: Caller,
    /// Everyone else.
    pub(crate) others: Vec<Caller>,
}

impl Stage {
    /// New accounts with rows everywhere, signed in through Auth.
    pub(crate) async fn set() -> Self {
        let world = world().await;
        let owner = world.served().as_owner().await;
        owner.batch_execute(NOBODYS).await.unwrap();
        let mut people = Vec::new();
        for name in ["alice", "bob"] {
            let user = world.cloud.create_user().await.unwrap();
            let person = people::rows_of(&owner, user.id, &format!("secret-of-{name}")).await;
            people::sync_rows_of(&owner, &person).await;
            people::assert_rows_everywhere(&owner, &person).await;
            let (caller, _) = sign_in(&world.cloud, &user).await;
            people.push((person, caller.token.unwrap()));
        }
        let [(a, token_a), (b, token_b)] = <[_; 2]>::try_from(people).ok().unwrap();
        let caller = |name, token: &str, cheats| Caller { name, token: Some(token.to_owned()), cheats };
        let others = vec![
            Caller::stranger(),
            caller("another user", &token_b, false),
            caller("expired token", &sign(world, a.id, -60), true),
            caller("forged signature", &forged(&token_a), true),
            caller("forged claims", &with_claims(&token_b, a.id, "authenticated"), true),
            caller("forged role", &with_claims(&token_b, b.id, "service_role"), true),
            caller("unsigned token", &unsigned(a.id), true),
        ];
        Self { own: caller("the owner", &token_a, false), others, a, b }
    }
}

/// Asks the served cloud with the publishable key, which every copy of the app has.
pub(crate) async fn ask(
    caller: &Caller,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    ask_at(&world().await.cloud, caller, method, path, headers, body).await
}

/// Calls a function of a cloud with named arguments.
pub(crate) async fn call(cloud: &Cloud, caller: &Caller, name: &str, arguments: &Value) -> Answer {
    ask_at(cloud, caller, Method::POST, &format!("/rest/v1/rpc/{name}"), &[], Some(arguments)).await
}

/// Signs in with a password, in a session of its own; also gives the refresh token.
pub(crate) async fn sign_in(cloud: &Cloud, user: &User) -> (Caller, String) {
    let body = json!({"email": user.email, "password": user.password});
    let path = "/auth/v1/token?grant_type=password";
    let answer = ask_at(cloud, &Caller::stranger(), Method::POST, path, &[], Some(&body)).await.json();
    let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (Caller { name: "user", token: Some(text("access_token")), cheats: false }, text("refresh_token"))
}

/// Asks any cloud.
pub(crate) async fn ask_at(
    cloud: &Cloud,
    caller: &Caller,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", cloud.url))
        .header("apikey", &cloud.publishable_key)
        .header("content-type", "application/json");
    if let Some(token) = &caller.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request.body(Full::new(bytes)).unwrap()).await.unwrap();
    let status = response.status();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    Answer { status, text: String::from_utf8_lossy(&text).into_owned() }
}

/// A token of Auth's own making that ends so many seconds from now.
fn sign(world: &World, user: Uuid, seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let claims = json!({"sub": user, "role": "authenticated", "aud": "authenticated", "exp": now + seconds});
    world.cloud.sign(&claims).unwrap()
}

/// The token with another signature of the right length.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[0] ^= 1;
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The token with other claims and the old signature.
fn with_claims(token: &str, user: Uuid, role: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["sub"] = json!(user);
    claims["role"] = json!(role);
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

/// A token that says that it needs no signature.
fn unsigned(user: Uuid) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    let claims = json!({"sub": user, "role": "authenticated", "exp": 4_102_444_800_i64});
    format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
}
