//! Signing in and out, the server's check, and the profiles.

use crate::account::{Done, status_text, wait};
use crate::args::{Login, LoginProvider, Profiles, ProfilesAction};
use crate::invalid;
use crate::print::{Out, complain};
use airi_app::App;
use airi_contract::{
    Check, CheckRequest, CheckState, CodeRequest, CommandError, DeleteAccount, ProfileRef, ProfileRow, RemoveProfile,
    SignInBy, SignInRequest, Take,
};
use std::fmt::Write as _;
use std::io::BufRead;
use std::process::ExitCode;

pub(crate) fn login(app: &App, out: &Out, given: Login) -> Done {
    if given.check {
        return check(app, out, given);
    }
    let (url, key) = (given.url.clone().unwrap_or_default(), given.key.clone().unwrap_or_default());
    let before = app.status()?;
    let email = || match (&given.email, &before.account) {
        (Some(email), _) => Ok(email.clone()),
        (None, Some(account)) if !account.email.is_empty() => Ok(account.email.clone()),
        _ => Err(invalid("The e-mail address is needed: --email. Nothing was changed.")),
    };
    if given.code || given.send_code {
        let email = email()?;
        wait(app.send_code(CodeRequest { url: url.clone(), key: key.clone(), email: email.clone() }))??;
        if given.send_code {
            let sent = serde_json::json!({ "sent": email });
            out.answer(&sent, |_| format!("A code was sent to {email}; `airi login --code-stdin` takes it."));
            return Ok(ExitCode::SUCCESS);
        }
        out.remark(&format!("A code was sent to {email}. Type it here:"));
    }
    let by = match given.provider {
        Some(LoginProvider::Google) => SignInBy::Provider(airi_contract::Provider::Google),
        Some(LoginProvider::Discord) => SignInBy::Provider(airi_contract::Provider::Discord),
        None if given.password_stdin => SignInBy::Password { email: email()?, password: first_line("password")? },
        None => SignInBy::Code { email: email()?, code: first_line("code")? },
    };
    let take = match given.take.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["all"] => Take::All,
        ["none"] => Take::None,
        _ => Take::Chosen(given.take.clone()),
    };
    let brings = take != Take::None && before.account.is_none() && before.conversations > 0;
    let request = SignInRequest { url, key, by, take, new_address: given.new_address };
    let status = wait(app.sign_in(request, |url| show(out, url, given.no_browser)))??;
    if brings {
        out.remark(
            "Local conversations come along: with the next sync they go to the server, whose operator can read them.",
        );
    }
    out.answer(&status, status_text);
    Ok(ExitCode::SUCCESS)
}

/// The first line of stdin, which must not be empty.
fn first_line(what: &str) -> Result<String, CommandError> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| invalid(format!("The {what} cannot be read from stdin: {error}")))?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() {
        return Err(invalid(format!("There is no {what} on stdin. Nothing was changed.")));
    }
    Ok(line.to_owned())
}

/// Shows the sign-in page's address, and opens it where that is wished.
fn show(out: &Out, url: &str, only: bool) -> Result<(), String> {
    if out.json {
        complain(&serde_json::json!({ "open": url }).to_string());
    } else {
        complain(&format!("Sign in in your browser, within five minutes, at\n\n  {url}\n"));
    }
    if only {
        return Ok(());
    }
    open::that_detached(url).map_err(|error| {
        out.remark("The browser could not be started; open the address yourself.");
        error.to_string()
    })
}

fn check(app: &App, out: &Out, given: Login) -> Done {
    let found = wait(app.check_server(CheckRequest { url: given.url, key: given.key }))??;
    out.answer(&found.checks, |checks| {
        let mut text = checks.iter().map(line).collect::<String>();
        let lacks = checks.iter().filter(|check| check.needed && check.state == CheckState::Missing).count();
        text += &match lacks {
            0 => "Nothing that is needed is missing.".to_owned(),
            lacks => format!("{lacks} of what is needed is missing."),
        };
        text
    });
    Ok(if found.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(check: &Check) -> String {
    let state = match check.state {
        CheckState::Ok => "ok",
        CheckState::Missing => "missing",
        CheckState::CannotTell => "cannot tell",
    };
    let what = serde_json::to_value(check.what).unwrap_or_default();
    let todo = check.todo.as_deref().map_or(String::new(), |todo| format!(" {todo}"));
    format!("{state:12}{:11} {}{todo}\n", what.as_str().unwrap_or_default(), check.message)
}

pub(crate) fn logout(app: &App, out: &Out) -> Done {
    let status = wait(app.sign_out())??;
    out.answer(&status, status_text);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn delete_account(app: &App, out: &Out, confirm: String) -> Done {
    let deleted = wait(app.delete_account(DeleteAccount { confirm }))??;
    out.answer(&deleted, |deleted| {
        let mut text = status_text(&deleted.status);
        if deleted.files_left > 0 {
            let left = deleted.files_left;
            let _ = writeln!(
                text,
                "{left} of its files are still in the server's storage; its operator's next run removes them"
            );
        }
        text
    });
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn profiles(app: &App, out: &Out, given: Profiles) -> Done {
    match given.action {
        Some(ProfilesAction::Use { name }) => {
            out.answer(&app.use_profile(ProfileRef { name })?, status_text);
            return Ok(ExitCode::SUCCESS);
        }
        Some(ProfilesAction::Remove { name, confirm }) => {
            out.answer(&wait(app.remove_profile(RemoveProfile { name, confirm }))??, status_text);
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    out.answer(&app.list_profiles()?, |rows| rows.iter().map(row).collect());
    Ok(ExitCode::SUCCESS)
}

fn row(row: &ProfileRow) -> String {
    let mut text = format!("{} {:26}", if row.in_use { "*" } else { " " }, row.name);
    let _ = match (&row.account, &row.problem) {
        (_, Some(problem)) => write!(text, "cannot be opened: {problem}"),
        (None, None) => write!(text, "no account"),
        (Some(account), None) => {
            let state = if account.signed_in { "" } else { ", signed out" };
            write!(text, "{} at {}{state}", account.email, account.url)
        }
    };
    let _ = writeln!(text, "; {} conversations, {} changes to send", row.conversations, row.unsent);
    text
}
