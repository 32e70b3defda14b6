//! The window's settings and what it asks for first.

use crate::{App, AppError};
use airi_contract::{AppInfo, BuiltInServer, CommandError, Settings};

impl App {
    pub fn app_info(&self) -> Result<AppInfo, CommandError> {
        Ok(AppInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: std::env::consts::OS.to_owned(),
            demo: self.0.demo,
            data_dir: self.0.data.path().display().to_string(),
            server: built_in(option_env!("AIRI_SERVER_URL"), option_env!("AIRI_SERVER_KEY")),
            status: self.status()?,
            settings: self.get_settings()?,
        })
    }

    pub fn get_settings(&self) -> Result<Settings, CommandError> {
        Ok(self.0.data.config()?.settings)
    }

    pub fn set_settings(&self, settings: Settings) -> Result<Settings, CommandError> {
        if !["system", "light", "dark"].contains(&settings.theme.as_str()) {
            return Err(AppError::Invalid(format!("'{}' is not a theme (system, light, dark).", settings.theme)).into());
        }
        let mut config = self.0.data.config()?;
        let files_too = config.settings.files != settings.files;
        config.settings = settings.clone();
        self.0.data.set_config(&config)?;
        if files_too {
            self.files_changed()?;
        }
        Ok(settings)
    }
}

/// Whoever builds the program for others names their server by two variables. Half of it is none.
fn built_in(url: Option<&str>, key: Option<&str>) -> Option<BuiltInServer> {
    let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    Some(BuiltInServer { url: given(url)?, key: given(key)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_built_in_only_whole() {
        let whole = BuiltInServer { url: "https://airi.example.org".into(), key: "sb_publishable_x".into() };
        assert_eq!(built_in(Some(" https://airi.example.org"), Some("sb_publishable_x\n")), Some(whole));
        assert_eq!(built_in(Some("https://airi.example.org"), None), None);
        assert_eq!(built_in(Some("https://airi.example.org"), Some(" ")), None);
        assert_eq!(built_in(None, Some("sb_publishable_x")), None);
    }
}
