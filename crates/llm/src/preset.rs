//! The providers that are known by name.

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `POST …/chat/completions`, as OpenAI and most others have it.
    OpenAi,
    /// `POST …/messages`.
    Anthropic,
    /// `POST …/models/<model>:streamGenerateContent`.
    Google,
}

impl Protocol {
    /// Its name in settings and at the prompt.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::OpenAi => "openai",
            Protocol::Anthropic => "anthropic",
            Protocol::Google => "google",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Protocol> {
        [Protocol::OpenAi, Protocol::Anthropic, Protocol::Google].into_iter().find(|protocol| protocol.as_str() == name)
    }
}

/// A provider whose address and protocol are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Also what conversations and messages carry as `provider_id`.
    pub id: &'static str,
    pub name: &'static str,
    pub protocol: Protocol,
    pub base_url: &'static str,
    /// It answers nobody without a key.
    pub needs_key: bool,
}

const fn cloud(id: &'static str, name: &'static str, base_url: &'static str) -> Preset {
    Preset { id, name, protocol: Protocol::OpenAi, base_url, needs_key: true }
}

const fn local(id: &'static str, name: &'static str, base_url: &'static str) -> Preset {
    Preset { id, name, protocol: Protocol::OpenAi, base_url, needs_key: false }
}

/// In the order in which they are offered. Local servers listen where they do when nobody has changed it.
pub const PRESETS: &[Preset] = &[
    cloud("openai", "OpenAI", "https://api.openai.com/v1"),
    Preset {
        id: "anthropic",
        name: "Anthropic",
        protocol: Protocol::Anthropic,
        base_url: "https://api.anthropic.com/v1",
        needs_key: true,
    },
    Preset {
        id: "google",
        name: "Google Gemini",
        protocol: Protocol::Google,
        base_url: "https://generativelanguage.googleapis.com/v1beta",
        needs_key: true,
    },
    cloud("openrouter", "OpenRouter", "https://openrouter.ai/api/v1"),
    cloud("groq", "Groq", "https://api.groq.com/openai/v1"),
    cloud("deepseek", "DeepSeek", "https://api.deepseek.com/v1"),
    cloud("qwen", "Qwen (Alibaba Cloud)", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
    cloud("kimi", "Kimi (Moonshot AI)", "https://api.moonshot.ai/v1"),
    cloud("glm", "GLM (Z.ai)", "https://api.z.ai/api/paas/v4"),
    local("ollama", "Ollama", "http://127.0.0.1:11434/v1"),
    local("llamacpp", "llama.cpp", "http://127.0.0.1:8080/v1"),
    local("lmstudio", "LM Studio", "http://127.0.0.1:1234/v1"),
];

/// By its id.
pub fn preset(id: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Near, ProviderAddress};

    #[test]
    fn every_preset_has_an_address_that_may_be_asked() {
        for preset in PRESETS {
            let address = ProviderAddress::parse(preset.base_url, Near::Loopback).unwrap();
            assert_eq!(address.url(), preset.base_url, "{}", preset.id);
            assert_eq!(address.is_local(), !preset.needs_key, "{}", preset.id);
        }
        assert_eq!(PRESETS.iter().filter(|other| other.id == "ollama").count(), 1);
    }
}
