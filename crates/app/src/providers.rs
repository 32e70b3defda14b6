//! Model providers of this data folder: where they are (config.json), and their keys (the keyring, or what stands in for
//! it). A key is kept together with the origin it was given for and goes nowhere else, whatever the config says later.

use crate::account::blocking;
use crate::secrets_place;
use crate::{App, AppError};
use airi_contract::{
    ChatDefaults, CommandError, FoundServer, KeyState, PresetRow, ProviderEdit, ProviderRef, ProviderRow, ProviderTest,
};
use airi_llm::{
    Client, ExposeSecret, Near, PRESETS, Protocol, ProviderAddress, Proxy, SecretString, find_local, preset,
};
use airi_secrets::{Secrets, Where};
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;
use std::time::Instant;
use uuid::Uuid;

/// As many names as a menu can be asked to hold.
const MAX_MODELS: usize = 2_000;

/// A provider as the config notes it. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProviderConfig {
    pub id: String,
    pub name: String,
    pub protocol: String,
    pub base_url: String,
    /// The random name under which its key lies; None: it has none.
    #[serde(default)]
    pub secret_id: Option<String>,
    #[serde(default)]
    pub allow_private: bool,
    #[serde(default)]
    pub models: Vec<String>,
    #[serde(default)]
    pub proxy: Option<String>,
}

impl ProviderConfig {
    fn address(&self) -> Result<ProviderAddress, AppError> {
        let near = if self.allow_private { Near::LocalNetwork } else { Near::Loopback };
        Ok(ProviderAddress::parse(&self.base_url, near)?)
    }

    fn protocol(&self) -> Result<Protocol, AppError> {
        Protocol::named(&self.protocol).ok_or_else(|| {
            AppError::Invalid(format!("'{}' is not a protocol (one of: openai, anthropic, google).", self.protocol))
        })
    }

    fn proxy(&self) -> Proxy {
        match self.proxy.as_deref() {
            None => Proxy::System,
            Some("none") => Proxy::None,
            Some(url) => Proxy::At(url.to_owned()),
        }
    }

    /// What its key is called among the secrets.
    fn secret_name(secret_id: &str) -> String {
        format!("{secret_id}/key")
    }
}

impl App {
    pub fn list_presets(&self) -> Result<Vec<PresetRow>, CommandError> {
        let row = |preset: &airi_llm::Preset| PresetRow {
            id: preset.id.into(),
            name: preset.name.into(),
            protocol: preset.protocol.as_str().into(),
            base_url: preset.base_url.into(),
            needs_key: preset.needs_key,
        };
        Ok(PRESETS.iter().map(row).collect())
    }

    pub fn list_providers(&self) -> Result<Vec<ProviderRow>, CommandError> {
        let providers = self.0.data.config()?.providers;
        Ok(providers.into_iter().map(|provider| self.provider_row(provider)).collect())
    }

    pub fn chat_defaults(&self) -> Result<ChatDefaults, CommandError> {
        Ok(self.0.data.config()?.chat)
    }

    /// Adds a provider or changes one. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `invalid_input`: what is wrong with the address, the key's place or the names; `confirm_needed`: http to a private
    /// address. Nothing was changed.
    pub fn save_provider(&self, edit: ProviderEdit) -> Result<ProviderRow, CommandError> {
        Ok(self.save(edit)?)
    }

    fn save(&self, edit: ProviderEdit) -> Result<ProviderRow, AppError> {
        let mut config = self.0.data.config()?;
        let wanted = edit.id.as_deref().or(edit.preset.as_deref()).map(|id| id.trim().to_lowercase());
        let known = wanted.as_ref().and_then(|id| config.providers.iter().position(|provider| provider.id == *id));
        let mut provider = match known {
            Some(place) => config.providers[place].clone(),
            None => fresh(&edit, wanted, &config.providers)?,
        };
        if let Some(name) = edit.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            provider.name = name.chars().take(60).collect();
        }
        if let Some(protocol) = &edit.protocol {
            provider.protocol.clone_from(protocol);
        }
        if let Some(url) = &edit.base_url {
            let before = provider.address().ok().map(|address| address.origin());
            provider.base_url = url.trim().trim_end_matches('/').to_owned();
            provider.allow_private = edit.allow_private;
            // What was confirmed, and which models there are, was said of the other place.
            if before != provider.address().ok().map(|address| address.origin()) {
                provider.models.clear();
            }
        }
        provider.allow_private |= edit.allow_private;
        match edit.proxy.as_deref().map(str::trim) {
            None => {}
            Some("" | "system") => provider.proxy = None,
            Some(proxy) => provider.proxy = Some(proxy.to_owned()),
        }
        provider.protocol()?;
        let address = provider.address()?;
        // A proxy that is none shows here, not in the middle of a talk.
        Client::new(&provider.name, provider.protocol()?, address.clone(), None, &provider.proxy())?;
        if let Some(key) = &edit.key {
            self.keep_key(&mut provider, &address, key.trim())?;
        }
        match known {
            Some(place) => config.providers[place] = provider.clone(),
            None => config.providers.push(provider.clone()),
        }
        self.0.data.set_config(&config)?;
        Ok(self.provider_row(provider))
    }

    fn keep_key(&self, provider: &mut ProviderConfig, address: &ProviderAddress, key: &str) -> Result<(), AppError> {
        if key.is_empty() {
            if let Some(secret_id) = provider.secret_id.take() {
                self.provider_secrets()?.delete(&ProviderConfig::secret_name(&secret_id))?;
            }
            return Ok(());
        }
        if key.len() > 4_096 || key.chars().any(|c| c.is_control() || c.is_whitespace() || !c.is_ascii()) {
            return Err(AppError::Invalid(
                "This is no key: keys have letters, digits and signs, no spaces. Copy it again; nothing was saved."
                    .into(),
            ));
        }
        let secret_id = provider.secret_id.clone().unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        let secret = SecretString::from(format!("{}\n{key}", address.origin().as_str()));
        self.provider_secrets()?.set(&ProviderConfig::secret_name(&secret_id), &secret)?;
        provider.secret_id = Some(secret_id);
        Ok(())
    }

    /// Forgets a provider and its key. Conversations keep its name.
    pub fn remove_provider(&self, request: ProviderRef) -> Result<(), CommandError> {
        let mut config = self.0.data.config()?;
        let place = place_of(&config.providers, &request.id)?;
        let provider = config.providers.remove(place);
        if let Some(secret_id) = &provider.secret_id {
            let secrets = self.provider_secrets()?;
            secrets.delete(&ProviderConfig::secret_name(secret_id)).map_err(AppError::from)?;
        }
        if config.chat.provider_id.as_deref() == Some(&provider.id) {
            config.chat = ChatDefaults::default();
        }
        Ok(self.0.data.set_config(&config)?)
    }

    /// Asks a provider for its models, which also tells whether address and key are right, and notes them.
    ///
    /// # Errors
    /// `not_found` only; what the provider answers is in the test.
    pub async fn test_provider(&self, request: ProviderRef) -> Result<ProviderTest, CommandError> {
        Ok(self.test(request.id).await?)
    }

    async fn test(&self, id: String) -> Result<ProviderTest, AppError> {
        let start = Instant::now();
        let app = self.clone();
        let wanted = id.clone();
        let found = blocking(move || Ok(app.provider_client(&wanted))).await?;
        let answer = match found {
            Ok((client, _)) => client.models().await.map_err(AppError::from),
            Err(error @ AppError::NotFound { .. }) => return Err(error),
            Err(error) => Err(error),
        };
        let took_ms = start.elapsed().as_secs_f64() * 1e3;
        Ok(match answer {
            Err(error) => ProviderTest { ok: false, message: error.to_string(), models: Vec::new(), took_ms },
            Ok(mut models) => {
                models.truncate(MAX_MODELS);
                let noted = models.clone();
                let app = self.clone();
                blocking(move || app.note_models(&id, noted)).await?;
                let message = match models.len() {
                    0 => "It answers, and has no model yet. Load or download one there.".to_owned(),
                    1 => "It answers and has 1 model.".to_owned(),
                    n => format!("It answers and has {n} models."),
                };
                ProviderTest { ok: true, message, models, took_ms }
            }
        })
    }

    fn note_models(&self, id: &str, models: Vec<String>) -> Result<(), AppError> {
        let mut config = self.0.data.config()?;
        let place = place_of(&config.providers, id)?;
        if config.providers[place].models != models {
            config.providers[place].models = models;
            self.0.data.set_config(&config)?;
        }
        Ok(())
    }

    /// Local servers that answer where they usually are.
    pub async fn find_servers(&self) -> Result<Vec<FoundServer>, CommandError> {
        let row = |found: airi_llm::FoundServer| FoundServer {
            preset: found.preset.id.into(),
            name: found.preset.name.into(),
            base_url: found.preset.base_url.into(),
            models: found.models,
        };
        Ok(find_local().await.into_iter().map(row).collect())
    }

    /// A provider, ready to be asked, and how the config has it.
    pub(crate) fn provider_client(&self, id: &str) -> Result<(Client, ProviderConfig), AppError> {
        let providers = self.0.data.config()?.providers;
        let provider = providers[place_of(&providers, id)?].clone();
        let address = provider.address()?;
        let key = self.key_of(&provider, &address)?;
        let client = Client::new(&provider.name, provider.protocol()?, address, key, &provider.proxy())?;
        Ok((client, provider))
    }

    fn key_of(&self, provider: &ProviderConfig, address: &ProviderAddress) -> Result<Option<SecretString>, AppError> {
        let Some(secret_id) = &provider.secret_id else { return Ok(None) };
        let again = |why: &str| {
            AppError::KeyNeeded(format!(
                "The key of {} {why}. Give it again in the provider's settings.",
                provider.name
            ))
        };
        let secret = self.provider_secrets()?.get(&ProviderConfig::secret_name(secret_id))?;
        let secret = secret.ok_or_else(|| again("is not there any more"))?;
        match secret.expose_secret().split_once('\n') {
            Some((origin, key)) if origin == address.origin().as_str() => Ok(Some(SecretString::from(key))),
            _ => Err(again("was given for another address and is not sent to this one")),
        }
    }

    fn provider_row(&self, provider: ProviderConfig) -> ProviderRow {
        let address = provider.address();
        let key = match (&provider.secret_id, &address) {
            (None, _) => KeyState::None,
            (Some(_), Err(_)) => KeyState::Needed,
            (Some(_), Ok(address)) => match (self.key_of(&provider, address), self.provider_secrets()) {
                (Ok(Some(_)), Ok(secrets)) if secrets.kind() == Where::Memory => KeyState::Memory,
                (Ok(Some(_)), _) => KeyState::Kept,
                _ => KeyState::Needed,
            },
        };
        ProviderRow {
            id: provider.id,
            name: provider.name,
            protocol: provider.protocol,
            is_local: address.is_ok_and(|address| address.is_local()),
            base_url: provider.base_url,
            key,
            models: provider.models,
            proxy: provider.proxy.unwrap_or_else(|| "system".into()),
        }
    }

    /// Opened once: what is in memory only must be found again.
    fn provider_secrets(&self) -> Result<Secrets, AppError> {
        let mut opened = self.0.provider_secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secrets) = &*opened {
            return Ok(secrets.clone());
        }
        let secrets = secrets_place::open_file(&self.data_dir().join("providers.enc"), self.0.window)?;
        *opened = Some(secrets.clone());
        Ok(secrets)
    }
}

fn place_of(providers: &[ProviderConfig], id: &str) -> Result<usize, AppError> {
    providers
        .iter()
        .position(|provider| provider.id == id)
        .ok_or_else(|| AppError::NotFound { what: "The provider", id: id.to_owned() })
}

/// A provider that is not there yet.
fn fresh(edit: &ProviderEdit, wanted: Option<String>, there: &[ProviderConfig]) -> Result<ProviderConfig, AppError> {
    let known = match edit.preset.as_deref() {
        None => None,
        Some(id) => Some(preset(id).ok_or_else(|| {
            let ids: Vec<&str> = PRESETS.iter().map(|preset| preset.id).collect();
            AppError::Invalid(format!("'{id}' is no preset (one of: {}).", ids.join(", ")))
        })?),
    };
    let base_url = edit.base_url.clone().or_else(|| known.map(|preset| preset.base_url.to_owned()));
    let Some(base_url) = base_url else {
        return Err(AppError::Invalid("Name a preset, or the provider's address (it usually ends with /v1).".into()));
    };
    let name = edit.name.clone().or_else(|| known.map(|preset| preset.name.to_owned()));
    let name = name.or_else(|| wanted.clone()).unwrap_or_else(|| host_of(&base_url));
    let id = wanted.unwrap_or_else(|| unused(&slug(&name), there));
    let plain = !id.is_empty()
        && id.len() <= 50
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if !plain {
        return Err(AppError::Invalid(format!(
            "'{id}' cannot name a provider: small letters, digits, '-', '_' and '.' can, 50 at most."
        )));
    }
    Ok(ProviderConfig {
        id,
        name,
        protocol: known.map_or("openai", |preset| preset.protocol.as_str()).to_owned(),
        base_url,
        secret_id: None,
        allow_private: false,
        models: Vec::new(),
        proxy: None,
    })
}

fn host_of(url: &str) -> String {
    url::Url::parse(url.trim())
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "provider".into())
}

fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let mapped: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let parts: Vec<&str> = mapped.split('-').filter(|part| !part.is_empty()).collect();
    let joined = parts.join("-");
    if joined.is_empty() { "provider".into() } else { joined.chars().take(40).collect() }
}

fn unused(id: &str, there: &[ProviderConfig]) -> String {
    let taken = |id: &str| there.iter().any(|provider| provider.id == id);
    if !taken(id) {
        return id.to_owned();
    }
    (2..).map(|n| format!("{id}-{n}")).find(|id| !taken(id)).unwrap_or_else(|| id.to_owned())
}
