//! How a project's Auth is set up. Promise: the default is a fresh project with e-mail, Google and Discord turned on.

use std::time::Duration;

/// A project's Auth settings.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// Sign-in by e-mail, with password or code.
    pub email: bool,
    pub google: bool,
    pub discord: bool,
    /// Whether new accounts can be made.
    pub sign_up: bool,
    /// Whether the redirect URLs let a sign-in in the browser come back to programs on the user's computer. (Auth of 2026
    /// always does; earlier ones only when they are listed.)
    pub loopback_redirects: bool,
    /// What an answer says of an access token's lifetime, where that is not the truth: a client's clock is off.
    pub claimed_lifetime: Option<Duration>,
}

impl Default for AuthOptions {
    fn default() -> Self {
        Self {
            email: true,
            google: true,
            discord: true,
            sign_up: true,
            loopback_redirects: true,
            claimed_lifetime: None,
        }
    }
}

impl AuthOptions {
    pub(super) fn offers(&self, provider: &str) -> bool {
        match provider {
            "google" => self.google,
            "discord" => self.discord,
            _ => false,
        }
    }
}
