//! What a server has and lacks, before and after signing in: one line each, with what to do.

use crate::account::blocking;
use crate::remote::{BUCKET, CloudRemote, address, open_session};
use crate::{App, AppError};
use airi_cloud::{Auth, Bucket, Class, CloudError, Pkce, Probe, Provider, Redirects, ServerAddress, Session, Settings};
use airi_contract::{Check, CheckOf, CheckRequest, CheckState, CommandError, ServerCheck};
use airi_domain::OwnerId;
use airi_sync::{FailureClass, Remote};

/// The version of the protocol that this app speaks (docs/sync-protocol.md).
const SCHEMA: i64 = 1;
/// What the server must have added within it.
const REVISION: i64 = 2;
/// The port says nothing: every login takes another one, and the server's list must allow them all.
const CALLBACK: &str = "http://127.0.0.1:49152/callback?state=airi-check";
const APPLY: &str = "Apply AIRI's migrations to the server: `supabase db push` in a copy of AIRI's repository.";

impl App {
    /// Looks at a server and leaves it as it was.
    ///
    /// # Errors
    /// Only where no server is named: what a server lacks, also that nobody answers, is in the answer.
    pub async fn check_server(&self, request: CheckRequest) -> Result<ServerCheck, CommandError> {
        Ok(self.look_at(request).await?)
    }

    async fn look_at(&self, request: CheckRequest) -> Result<ServerCheck, AppError> {
        let server =
            self.server(request.url.as_deref().unwrap_or_default(), request.key.as_deref().unwrap_or_default())?;
        let probe = Probe::new(&server)?;
        let mut checks = Vec::new();
        let settings = reach(&probe, &mut checks).await;
        let mut signed_in = false;
        if let Some(settings) = settings {
            ways_in(&settings, &mut checks);
            checks.push(redirects(&probe, &server, &settings).await);
            let session = self.session_at(&server).await;
            signed_in = session.is_some();
            checks.push(migrations(&probe, session.as_ref()).await);
            checks.push(bucket(&probe, session.as_ref()).await);
            checks.push(doorbell(&probe, session.as_ref()).await);
        }
        let ok = checks.iter().all(|check| check.state != CheckState::Missing || !check.needed);
        Ok(ServerCheck { url: server.url().to_owned(), signed_in, ok, checks })
    }

    /// The session of the account in use, when it is this server's and still good.
    async fn session_at(&self, server: &ServerAddress) -> Option<(Session, OwnerId)> {
        let profile = self.profile();
        let account = profile.account().ok()??;
        if !account.signed_in || address(&account.url, &account.key).ok()?.url() != server.url() {
            return None;
        }
        let (of, with, window) = (profile.clone(), account.clone(), self.0.window);
        let open = blocking(move || open_session(&of, &with, window)).await.ok()?;
        open.session.access_token().await.ok()?;
        Some((open.session, account.owner))
    }
}

/// Whether Supabase answers there and takes the key; with both, what Auth offers.
async fn reach(probe: &Probe, checks: &mut Vec<Check>) -> Option<Settings> {
    let key = "The publishable key is accepted.";
    match probe.settings().await {
        Ok(settings) => {
            checks.push(ok(CheckOf::Reachable, "The server answers as Supabase does."));
            checks.push(ok(CheckOf::Key, key));
            Some(settings)
        }
        Err(CloudError::KeyRefused) => {
            checks.push(ok(CheckOf::Reachable, "The server answers as Supabase does."));
            checks.push(missing(
                CheckOf::Key,
                "The server does not know this publishable key.",
                "Copy the key from the project's API settings: the one that begins with sb_publishable_, or the one \
                 called anon.",
            ));
            None
        }
        Err(error) => {
            let todo = match error.class() {
                Class::Passing { .. } => "Check the address and this computer's network, then look again.",
                _ => "Check the address: it is the project URL, such as https://abc.supabase.co.",
            };
            checks.push(missing(CheckOf::Reachable, error.to_string(), todo));
            None
        }
    }
}

fn ways_in(settings: &Settings, checks: &mut Vec<Check>) {
    let closed = if settings.sign_up { "" } else { " New accounts cannot be made there." };
    let none = !(settings.email || settings.google || settings.discord);
    let mut way = |what, there: bool, name: &str, todo: &str| {
        let check = match there {
            true => ok(what, format!("Signing in with {name} is open.{closed}")),
            false => missing(what, format!("Signing in with {name} is not open."), todo),
        };
        // A server may leave a way out, as long as one is left.
        checks.push(Check { needed: none && what == CheckOf::Email, ..check });
    };
    let email = "Turn on the e-mail provider in the project's Auth settings.";
    way(CheckOf::Email, settings.email, "e-mail and password", email);
    way(CheckOf::Code, settings.email, "a code by e-mail", email);
    let provider = "To offer it, turn on this provider in the project's Auth settings.";
    way(CheckOf::Google, settings.google, "Google", provider);
    way(CheckOf::Discord, settings.discord, "Discord", provider);
    if settings.email
        && let Some(code) = checks.iter_mut().find(|check| check.what == CheckOf::Code)
    {
        code.message += " Whether the e-mail shows the code cannot be seen from here.";
        code.todo = Some("Have the template of the e-mail show {{ .Token }}.".into());
    }
}

/// Whether a login in the browser comes back to this computer.
async fn redirects(probe: &Probe, server: &ServerAddress, settings: &Settings) -> Check {
    let what = CheckOf::Redirects;
    let open = |provider: &Provider| match provider {
        Provider::Google => settings.google,
        Provider::Discord => settings.discord,
    };
    let Some(provider) = Provider::ALL.into_iter().find(open) else {
        let message = "No sign-in in the browser is open, so nothing has to come back from there.";
        return Check { needed: false, ..unknown(what, message, None) };
    };
    let looked = async {
        let url = Auth::new(server)?.authorize_url(provider, CALLBACK, &Pkce::new()?.challenge())?;
        probe.redirects(&url, CALLBACK).await
    };
    match looked.await {
        Ok(Redirects::Listed) => ok(what, "A sign-in in the browser comes back to this computer."),
        Ok(Redirects::Elsewhere(to)) => missing(
            what,
            format!("After a sign-in in the browser the server would send it to {to} and not back to this computer."),
            "Add http://127.0.0.1:*/** to the redirect URLs of the project's Auth settings.",
        ),
        Ok(Redirects::Unknown) => unknown(
            what,
            "The server does not show where a sign-in in the browser ends.",
            Some("If one ends on another page, add http://127.0.0.1:*/** to the redirect URLs."),
        ),
        Err(error) => unknown(what, error.to_string(), None),
    }
}

async fn migrations(probe: &Probe, session: Option<&(Session, OwnerId)>) -> Check {
    let what = CheckOf::Migrations;
    let lacking = "The server lacks AIRI's tables and functions.";
    let Some((session, _)) = session else {
        return match probe.has_function("sync_hello").await {
            Ok(Some(true)) => unknown(what, "AIRI's functions are there; which version shows after signing in.", None),
            Ok(Some(false)) => missing(what, lacking, APPLY),
            Ok(None) => unknown(what, "The server does not say whether AIRI's functions are there.", None),
            Err(error) => unknown(what, error.to_string(), None),
        };
    };
    match CloudRemote::new(session).hello().await {
        Ok(hello) if hello.schema > SCHEMA => missing(
            what,
            format!("The server speaks version {} of the protocol, this app version {SCHEMA}.", hello.schema),
            "Install a newer version of the app.",
        ),
        Ok(hello) if hello.revision < REVISION => missing(
            what,
            format!("The server has revision {} of AIRI's migrations, this app needs {REVISION}.", hello.revision),
            APPLY,
        ),
        Ok(hello) => ok(what, format!("AIRI's migrations are there (revision {}).", hello.revision)),
        Err(failure) if failure.class == FailureClass::Parked => missing(what, lacking, APPLY),
        Err(failure) => unknown(what, failure.message, None),
    }
}

async fn bucket(probe: &Probe, session: Option<&(Session, OwnerId)>) -> Check {
    let what = CheckOf::Bucket;
    let Some((session, owner)) = session else {
        return unknown(what, "Whether there is a private bucket for attachments shows after signing in.", None);
    };
    match probe.bucket(session, *owner, BUCKET).await {
        Ok(Bucket::Private) => {
            ok(what, "The bucket for attachments is there, private, and takes this account's files.")
        }
        Ok(Bucket::Absent) => {
            missing(what, format!("There is no bucket '{BUCKET}', so attachments stay on this computer."), APPLY)
        }
        Ok(Bucket::Public) => missing(
            what,
            format!("The bucket '{BUCKET}' is public: whoever knows a file's address can read it without signing in."),
            "Make the bucket private in the project's Storage settings.",
        ),
        Ok(Bucket::NoAccess) => missing(
            what,
            format!("The bucket '{BUCKET}' is there, but this account may not put files into its own folder."),
            "Apply the policies of AIRI's migration 013 to storage.objects.",
        ),
        Err(error) => unknown(what, error.to_string(), None),
    }
}

async fn doorbell(probe: &Probe, session: Option<&(Session, OwnerId)>) -> Check {
    let what = CheckOf::Doorbell;
    let Some((session, owner)) = session else {
        return unknown(what, "Whether changes are announced as they happen shows after signing in.", None);
    };
    match probe.doorbell(session, *owner).await {
        Ok(()) => ok(what, "Changes are announced as they happen."),
        Err(CloudError::Refused { .. }) => missing(
            what,
            "This account may not listen to its own announcements, so changes arrive by the minute only.",
            "Apply the policy of AIRI's migration 013 to realtime.messages.",
        ),
        Err(error) => unknown(what, error.to_string(), None),
    }
}

fn ok(what: CheckOf, message: impl Into<String>) -> Check {
    Check { what, state: CheckState::Ok, needed: true, message: message.into(), todo: None }
}

fn missing(what: CheckOf, message: impl Into<String>, todo: &str) -> Check {
    Check { what, state: CheckState::Missing, needed: true, message: message.into(), todo: Some(todo.to_owned()) }
}

fn unknown(what: CheckOf, message: impl Into<String>, todo: Option<&str>) -> Check {
    let todo = todo.map(str::to_owned);
    Check { what, state: CheckState::CannotTell, needed: true, message: message.into(), todo }
}
