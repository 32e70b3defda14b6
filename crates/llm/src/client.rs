//! One provider, ready to be asked.

use crate::address::{NoPermittedAddress, ProviderAddress};
use crate::{LlmError, Protocol};
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Through which proxy a provider is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// What the operating system or the environment says; never for http, whose packets stay near.
    #[default]
    System,
    /// Straight.
    None,
    /// An address such as `http://proxy.example:3128` or `socks5://…`.
    At(String),
}

/// A provider's address, protocol and key. Clones share the connections.
#[derive(Clone)]
pub struct Client {
    /// For people.
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    pub(crate) address: ProviderAddress,
    pub(crate) key: Option<SecretString>,
    pub(crate) http: reqwest::Client,
}

impl Client {
    /// # Errors
    /// [`LlmError::Unreachable`] when the proxy is none, or the system's certificates cannot be read.
    pub fn new(
        name: &str,
        protocol: Protocol,
        address: ProviderAddress,
        key: Option<SecretString>,
        proxy: &Proxy,
    ) -> Result<Client, LlmError> {
        let unusable = |error: reqwest::Error| LlmError::Unreachable { provider: name.to_owned(), why: reason(&error) };
        let builder = reqwest::Client::builder()
            .user_agent(concat!("airi-desktop/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            // A compressed answer could be a thousand times its size.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(CONNECT_LIMIT)
            .dns_resolver(Arc::new(address.resolver()));
        let builder = match proxy {
            _ if address.is_plain() => builder.no_proxy(),
            Proxy::System => builder,
            Proxy::None => builder.no_proxy(),
            Proxy::At(url) => builder.no_proxy().proxy(reqwest::Proxy::all(url).map_err(unusable)?),
        };
        let http = builder.build().map_err(unusable)?;
        let key = key.filter(|key| !key.expose_secret().trim().is_empty());
        Ok(Client { name: name.to_owned(), protocol, address, key, http })
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.expose_secret().trim())
    }

    /// What a failed call means.
    pub(crate) fn failed(&self, error: &reqwest::Error) -> LlmError {
        if error.is_decode() || error.is_body() {
            return LlmError::Cut;
        }
        LlmError::Unreachable { provider: self.name.clone(), why: reason(error) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("name", &self.name).field("address", &self.address.url()).finish_non_exhaustive()
    }
}

/// Why a call failed, without its URL.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut deepest = String::new();
    while let Some(cause) = source {
        if cause.is::<NoPermittedAddress>() {
            return cause.to_string();
        }
        deepest = cause.to_string();
        source = cause.source();
    }
    match (error.is_timeout(), deepest.is_empty()) {
        (true, _) => "it did not answer in time".to_owned(),
        (false, true) => "the connection failed".to_owned(),
        (false, false) => crate::error::plain(&deepest, None),
    }
}
