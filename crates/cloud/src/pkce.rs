//! PKCE (RFC 7636) and the state of a login: what ties the answer of the browser to the question of this app.

use crate::CloudError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The secret half of one login by browser, made anew for each.
#[derive(Debug)]
pub struct Pkce {
    verifier: SecretString,
}

impl Pkce {
    /// 32 bytes of the system's randomness.
    pub fn new() -> Result<Pkce, CloudError> {
        Ok(Pkce { verifier: random()? })
    }

    /// What is kept here until the code comes back.
    pub fn verifier(&self) -> &SecretString {
        &self.verifier
    }

    /// What goes into the browser's URL: BASE64URL(SHA-256(verifier)).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret()))
    }
}

/// 32 random bytes as 43 letters that need no escaping anywhere.
pub(crate) fn random() -> Result<SecretString, CloudError> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    getrandom::fill(&mut *bytes).map_err(|e| CloudError::unusable(format!("no random numbers ({e})")))?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        let pkce = Pkce { verifier: SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") };
        assert_eq!(pkce.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(!format!("{pkce:?}").contains("dBjft"));
    }

    #[test]
    fn each_login_has_its_own() {
        let (one, two) = (Pkce::new().unwrap(), Pkce::new().unwrap());
        assert_ne!(one.challenge(), two.challenge());
        assert_eq!(one.verifier().expose_secret().len(), 43);
    }
}
