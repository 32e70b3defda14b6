//! Servers on this machine that nobody had to name: asked at the ports where they listen when nobody has changed it.

use crate::{Client, Near, PRESETS, Preset, ProviderAddress, Proxy};
use futures_util::future::join_all;
use std::time::Duration;

/// A port where nobody listens refuses at once; a server that is busy loading gets this long.
const LIMIT: Duration = Duration::from_millis(1_500);

/// A local server that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundServer {
    pub preset: &'static Preset,
    /// Its models, in the order of the alphabet; it may have none yet.
    pub models: Vec<String>,
}

/// Looks at the local servers of [`PRESETS`], all at once, on the loopback interface only.
pub async fn find_local() -> Vec<FoundServer> {
    let local = PRESETS.iter().filter(|preset| !preset.needs_key);
    join_all(local.map(look)).await.into_iter().flatten().collect()
}

async fn look(preset: &'static Preset) -> Option<FoundServer> {
    let address = ProviderAddress::parse(preset.base_url, Near::Loopback).ok()?;
    let client = Client::new(preset.name, preset.protocol, address, None, &Proxy::None).ok()?;
    let models = tokio::time::timeout(LIMIT, client.models()).await.ok()?.ok()?;
    Some(FoundServer { preset, models })
}
