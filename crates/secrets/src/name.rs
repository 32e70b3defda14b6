//! Names of secrets: `<random profile id>/<what>`.

use crate::SecretsError;

const MAX_LEN: usize = 128;

/// Refuses a name that is not two plain parts. A name is never secret, so the error may show it.
pub(crate) fn check(name: &str) -> Result<(), SecretsError> {
    let plain = |part: &str| {
        !part.is_empty()
            && part.chars().any(|c| c != '.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let mut parts = name.split('/');
    let two = matches!((parts.next(), parts.next(), parts.next()), (Some(a), Some(b), None) if plain(a) && plain(b));
    if two && name.len() <= MAX_LEN {
        Ok(())
    } else {
        Err(SecretsError::InvalidName { name: name.chars().take(40).collect() })
    }
}
