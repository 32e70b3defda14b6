//! Where a provider may be: https anywhere, http on this machine, and http on private addresses once the user has
//! confirmed that origin. Link-local addresses never: what answers there hands out a machine's credentials.

use airi_domain::{is_private, is_unroutable};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// How far http without encryption may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// To this machine itself.
    Loopback,
    /// Also to private addresses of the local network, after the user has confirmed it for this origin.
    LocalNetwork,
}

/// Scheme, host and port: what a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A provider's base address, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderAddress {
    base: Url,
    near: Near,
}

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error(
        "'{given}' is no address of a provider: {why}. It looks like https://api.openai.com/v1 or http://127.0.0.1:11434/v1."
    )]
    NotAnAddress { given: String, why: String },
    #[error("The address has {0}, which does not belong there. A key goes into its own field.")]
    Extra(&'static str),
    #[error("http is not encrypted, so the key and everything you write could be read on the way to {0}. Use https.")]
    NotEncrypted(String),
    /// Allowed once the user says so.
    #[error(
        "{0} is in your local network and http is not encrypted: whoever is in that network can read what you write. Confirm it for this address if you trust the network (at the prompt: --allow-private)."
    )]
    NeedsConfirmation(String),
    #[error("{0} is a link-local address, or none that a machine answers to. Such an address is never asked.")]
    Unroutable(String),
}

impl ProviderAddress {
    /// Checks an address as the user typed it.
    pub fn parse(text: &str, near: Near) -> Result<ProviderAddress, AddressError> {
        let given = text.trim();
        let not = |why: &str| AddressError::NotAnAddress { given: shortened(given), why: why.to_owned() };
        if given.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(not("it contains spaces or control characters"));
        }
        let mut base = Url::parse(given).map_err(|error| not(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(not("it does not begin with https:// or http://"));
        }
        if !base.username().is_empty() || base.password().is_some() || given.contains('@') {
            return Err(AddressError::Extra("a user name or password"));
        }
        if base.query().is_some() {
            return Err(AddressError::Extra("a query ('?')"));
        }
        if base.fragment().is_some() {
            return Err(AddressError::Extra("a fragment ('#')"));
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        let address = ProviderAddress { base, near };
        address.check_host()?;
        Ok(address)
    }

    fn check_host(&self) -> Result<(), AddressError> {
        let host = self.host();
        let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        if host.is_empty() || ip.is_some_and(is_unroutable) {
            return Err(AddressError::Unroutable(host));
        }
        if self.base.scheme() == "https" || self.is_local() {
            return Ok(());
        }
        // A name is judged again by what it resolves to; that it is one of the local network is known then only.
        let private = ip.map_or_else(|| is_local_name(&host), is_private);
        match (private, self.near) {
            (true, Near::LocalNetwork) => Ok(()),
            (true, Near::Loopback) => Err(AddressError::NeedsConfirmation(host)),
            (false, _) => Err(AddressError::NotEncrypted(host)),
        }
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned()
    }

    /// Whether it is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }

    /// Without a slash at the end.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// With a slash at the end, as joining needs it.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    pub fn origin(&self) -> Origin {
        Origin(self.base.origin().ascii_serialization())
    }

    /// Judges what a name resolves to, so that a name cannot lead where an address may not.
    pub(crate) fn resolver(&self) -> Guarded {
        Guarded { plain: self.is_plain(), near: self.near, local: self.is_local() }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Names that only a local network gives: no dot, or one of its suffixes.
fn is_local_name(host: &str) -> bool {
    !host.contains('.') || [".local", ".lan", ".home.arpa", ".internal"].iter().any(|suffix| host.ends_with(suffix))
}

/// The system's resolver, without the addresses that this provider may not have.
pub(crate) struct Guarded {
    plain: bool,
    near: Near,
    local: bool,
}

impl Guarded {
    fn allows(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if is_unroutable(ip) {
            return false;
        }
        match (self.plain, self.local, self.near) {
            (false, false, _) => true,
            (_, true, _) => ip.is_loopback(),
            (true, false, Near::LocalNetwork) => is_private(ip) || ip.is_loopback(),
            (true, false, Near::Loopback) => ip.is_loopback(),
        }
    }
}

/// Nothing that a name resolves to may be asked.
#[derive(Debug)]
pub(crate) struct NoPermittedAddress;

impl fmt::Display for NoPermittedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address that a provider may not have")
    }
}

impl std::error::Error for NoPermittedAddress {}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let rule = Guarded { plain: self.plain, near: self.near, local: self.local };
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept: Vec<SocketAddr> = found.filter(|address| rule.allows(address.ip())).collect();
            if kept.is_empty() {
                return Err(Box::new(NoPermittedAddress) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, near: Near) -> Result<String, AddressError> {
        ProviderAddress::parse(text, near).map(|address| address.url().to_owned())
    }

    #[test]
    fn https_anywhere_and_http_where_packets_stay_near() {
        for good in
            ["https://api.openai.com/v1", " http://127.0.0.1:11434/v1/ ", "http://localhost:1234/v1", "http://[::1]:1"]
        {
            assert_eq!(parsed(good, Near::Loopback).unwrap(), good.trim().trim_end_matches('/'), "{good}");
        }
        for far in ["http://api.openai.com/v1", "http://8.8.8.8", "http://localhost.evil.example"] {
            assert!(matches!(parsed(far, Near::LocalNetwork), Err(AddressError::NotEncrypted(_))), "{far}");
        }
        for private in [
            "http://192.168.1.5:11434/v1",
            "http://10.0.0.2",
            "http://[fd00::1]:80",
            "http://nas.local/v1",
            "http://gpu:8080",
        ] {
            assert!(matches!(parsed(private, Near::Loopback), Err(AddressError::NeedsConfirmation(_))), "{private}");
            assert!(parsed(private, Near::LocalNetwork).is_ok(), "{private}");
        }
    }

    #[test]
    fn what_hands_out_credentials_or_carries_some_is_refused() {
        for nowhere in [
            "https://169.254.169.254/latest",
            "http://[fe80::1]/v1",
            "https://[::ffff:169.254.169.254]",
            "http://0.0.0.0:11434",
        ] {
            assert!(matches!(parsed(nowhere, Near::LocalNetwork), Err(AddressError::Unroutable(_))), "{nowhere}");
        }
        for extra in ["https://u:p@h.example/v1", "https://h.example/v1?key=1", "https://h.example/v1#x"] {
            assert!(matches!(parsed(extra, Near::Loopback), Err(AddressError::Extra(_))), "{extra}");
        }
        for bad in ["", "ollama", "ftp://h", "file:///etc/passwd", "https://a b", "https:\\\\h"] {
            assert!(matches!(parsed(bad, Near::Loopback), Err(AddressError::NotAnAddress { .. })), "{bad}");
        }
    }

    #[test]
    fn a_name_cannot_lead_where_an_address_may_not() {
        let rule = |text: &str, near| ProviderAddress::parse(text, near).unwrap().resolver();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let cloud = rule("https://api.example/v1", Near::Loopback);
        assert!(cloud.allows(ip("93.184.216.34")) && cloud.allows(ip("10.0.0.1")));
        assert!(!cloud.allows(ip("169.254.169.254")) && !cloud.allows(ip("fe80::1")));
        let nas = rule("http://nas.local/v1", Near::LocalNetwork);
        assert!(nas.allows(ip("192.168.0.9")) && !nas.allows(ip("93.184.216.34")));
        let own = rule("http://localhost:1234/v1", Near::LocalNetwork);
        assert!(own.allows(ip("127.0.0.1")) && !own.allows(ip("192.168.0.9")));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let origin = |text: &str| ProviderAddress::parse(text, Near::Loopback).unwrap().origin().as_str().to_owned();
        assert_eq!(origin("https://API.example:443/v1"), origin("https://api.example/other"));
        assert_ne!(origin("http://127.0.0.1:1/v1"), origin("http://127.0.0.1:2/v1"));
    }
}
