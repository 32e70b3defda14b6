//! Where the server is and with which key the app introduces itself. What gets through here is safe to send a password
//! to: https, or http that does not leave the machine (or the local network, when the user has confirmed that).

use airi_domain::{is_private, is_unroutable};
use base64::Engine;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::net::IpAddr;

/// Whether http without encryption may leave the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// Only to this machine itself.
    Loopback,
    /// Also to private addresses of the local network, after the user has confirmed it for this server.
    LocalNetwork,
}

/// A server's address and publishable key, both checked.
#[derive(Clone)]
pub struct ServerAddress {
    base: Url,
    key: SecretString,
}

/// Why an address or key is refused. The key is never shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not an URL of http or https with a host.
    #[error("This is no server address: {0}. Copy the project URL, such as https://abc.supabase.co.")]
    NotAnAddress(String),
    /// It carries more than an address.
    #[error(
        "The server address has {0}, which does not belong there. Copy the project URL alone, such as https://abc.supabase.co."
    )]
    Extra(&'static str),
    /// http to somewhere else.
    #[error(
        "The server address is not encrypted (http), so your password and history could be read on the way. Use https; http is allowed on this machine (localhost) only, and for private addresses of your network once you confirm it."
    )]
    NotEncrypted,
    /// 169.254.0.0/16, fe80::/10, and addresses that name no machine.
    #[error("{0} is no address of a server. Copy the project URL, such as https://abc.supabase.co.")]
    Unroutable(String),
    /// A key that opens everything.
    #[error(
        "This is a secret key of the server: it opens every user's data and must never be put into an app. Nothing was saved. Use the publishable key (sb_publishable_…, or the one called anon), and have the secret key replaced if it was shown to anyone."
    )]
    SecretKey,
    /// Not a key at all.
    #[error("This is no publishable key: {0}. Copy the key that begins with sb_publishable_, or the one called anon.")]
    NotAKey(&'static str),
}

impl ServerAddress {
    /// Checks an address and a key as the user typed or pasted them.
    pub fn parse(url: &str, publishable_key: &str, plain: Plain) -> Result<ServerAddress, AddressError> {
        let base = check_url(url.trim(), plain)?;
        let key = publishable_key.trim();
        check_key(key)?;
        Ok(ServerAddress { base, key: SecretString::from(key) })
    }

    /// The address in its normal form, without a slash at the end.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// The publishable key.
    pub fn publishable_key(&self) -> &SecretString {
        &self.key
    }

    pub(crate) fn key(&self) -> &str {
        self.key.expose_secret()
    }

    /// http never goes through a proxy: it is only used where the packets stay near.
    pub(crate) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// An URL below the base; each segment is percent-encoded.
    pub(crate) fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerAddress").field("url", &self.url()).finish_non_exhaustive()
    }
}

fn check_url(text: &str, plain: Plain) -> Result<Url, AddressError> {
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(AddressError::NotAnAddress("it contains spaces or control characters".into()));
    }
    let url = Url::parse(text).map_err(|e| AddressError::NotAnAddress(e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(AddressError::NotAnAddress("it does not begin with https://".into()));
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return Err(AddressError::Extra("a user name or password"));
    }
    if url.query().is_some() {
        return Err(AddressError::Extra("a query ('?')"));
    }
    if url.fragment().is_some() {
        return Err(AddressError::Extra("a fragment ('#')"));
    }
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
    if host.is_empty() || ip.is_some_and(is_unroutable) {
        return Err(AddressError::Unroutable(host));
    }
    let near = match ip {
        Some(ip) => ip.is_loopback() || (plain == Plain::LocalNetwork && is_private(ip)),
        None => host == "localhost",
    };
    match url.scheme() == "https" || near {
        true => Ok(url),
        false => Err(AddressError::NotEncrypted),
    }
}

fn check_key(key: &str) -> Result<(), AddressError> {
    if key.starts_with("sb_secret_") {
        return Err(AddressError::SecretKey);
    }
    if key.len() < 8 || key.len() > 4096 {
        return Err(AddressError::NotAKey("its length does not fit"));
    }
    if !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        return Err(AddressError::NotAKey("it contains characters that keys do not have"));
    }
    match claim(key, "role").as_deref() {
        None | Some("anon") => Ok(()),
        Some("authenticated") => Err(AddressError::NotAKey("it is somebody's access token")),
        Some(_) => Err(AddressError::SecretKey),
    }
}

/// A text claim of a JWT, read without checking its signature; None for what is no JWT.
pub(crate) fn claim(token: &str, name: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    claims.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sb_publishable_0123456789";

    fn url(text: &str, plain: Plain) -> Result<String, AddressError> {
        ServerAddress::parse(text, KEY, plain).map(|a| a.url().to_owned())
    }

    fn jwt(role: &str) -> String {
        let part = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(r#"{"alg":"HS256"}"#.into()), part(format!(r#"{{"role":"{role}"}}"#)))
    }

    #[test]
    fn https_everywhere_and_http_at_home() {
        for good in
            ["https://abc.supabase.co", " https://abc.supabase.co/ ", "http://127.0.0.1:54321", "http://[::1]:1"]
        {
            assert_eq!(url(good, Plain::Loopback).unwrap(), good.trim().trim_end_matches('/'));
        }
        assert!(url("http://localhost:54321", Plain::Loopback).is_ok());
        assert!(url("https://host.example/supabase/", Plain::Loopback).is_ok());
        for far in [
            "http://abc.supabase.co",
            "http://192.168.1.5",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://[::ffff:10.0.0.1]",
            "http://8.8.8.8",
        ] {
            assert_eq!(url(far, Plain::Loopback), Err(AddressError::NotEncrypted), "{far}");
        }
        assert!(url("http://192.168.1.5:8000", Plain::LocalNetwork).is_ok());
        assert!(url("http://[fd00::1]", Plain::LocalNetwork).is_ok());
        assert_eq!(url("http://8.8.8.8", Plain::LocalNetwork), Err(AddressError::NotEncrypted));
        assert_eq!(url("http://nas.local", Plain::LocalNetwork), Err(AddressError::NotEncrypted));
    }

    #[test]
    fn anything_more_than_an_address_is_refused() {
        assert!(matches!(url("https://u:p@h.example", Plain::Loopback), Err(AddressError::Extra(_))));
        assert!(matches!(url("https://@h.example", Plain::Loopback), Err(AddressError::Extra(_))));
        assert!(matches!(url("https://h.example?x", Plain::Loopback), Err(AddressError::Extra(_))));
        assert!(matches!(url("https://h.example#x", Plain::Loopback), Err(AddressError::Extra(_))));
        for bad in
            ["", "abc", "ftp://h", "file:///etc/passwd", "javascript:1", "https://a b", "https:\\\\h", "https://"]
        {
            assert!(matches!(url(bad, Plain::Loopback), Err(AddressError::NotAnAddress(_))), "{bad}");
        }
        for nowhere in ["https://169.254.169.254", "http://[fe80::1]", "http://0.0.0.0", "https://[::ffff:169.254.1.1]"]
        {
            assert!(matches!(url(nowhere, Plain::LocalNetwork), Err(AddressError::Unroutable(_))), "{nowhere}");
        }
    }

    #[test]
    fn a_secret_key_is_refused_and_never_shown() {
        let secret = jwt("service_role");
        for key in ["sb_secret_canary123", &secret, &jwt("supabase_admin")] {
            let error = ServerAddress::parse("https://h.example", key, Plain::Loopback).unwrap_err();
            assert_eq!(error, AddressError::SecretKey);
            assert!(!format!("{error} {error:?}").contains(key));
        }
        assert!(ServerAddress::parse("https://h.example", &jwt("anon"), Plain::Loopback).is_ok());
        for bad in ["", "short", "with space inside", "line\nbreak-in-key", &jwt("authenticated")] {
            assert!(matches!(
                ServerAddress::parse("https://h.example", bad, Plain::Loopback),
                Err(AddressError::NotAKey(_))
            ));
        }
        let shown = format!("{:?}", ServerAddress::parse("https://h.example", KEY, Plain::Loopback));
        assert!(!shown.contains(KEY));
    }

    #[test]
    fn segments_cannot_leave_their_place() {
        let address = ServerAddress::parse("https://h.example/base/", KEY, Plain::Loopback).unwrap();
        let url = address.join(["rest", "v1", "a/b?c#d"]);
        assert_eq!(url.as_str(), "https://h.example/base/rest/v1/a%2Fb%3Fc%23d");
    }
}
