//! The window's settings and what it asks for first.

use crate::{App, AppError};
use airi_contract::{AppInfo, CommandError, Settings};

impl App {
    pub fn app_info(&self) -> Result<AppInfo, CommandError> {
        Ok(AppInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: std::env::consts::OS.to_owned(),
            demo: self.0.demo,
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
