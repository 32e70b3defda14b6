//! The encrypted file's bytes. Pure: bytes in, bytes out.
//!
//! ```text
//! offset  size
//!      0     8  "AIRI-SEC"
//!      8     2  format version, little endian, as all numbers here: 1
//!     10    12  Argon2id memory in KiB, passes, lanes
//!     22    16  salt
//!     38    24  nonce
//!     62     n  XChaCha20-Poly1305 of the content, which authenticates bytes 0 to 62 as well, and its 16-byte tag
//!   62+n    32  SHA-256 of all before it
//! ```
//! Magic, version and the closing checksum stay in place in every version to come. The checksum is no protection (the
//! tag is): it tells a damaged file from a wrong passphrase.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(crate) const VERSION: u16 = 1;
pub(crate) const HEADER_LEN: usize = 62;
pub(crate) const SALT_LEN: usize = 16;
pub(crate) const NONCE_LEN: usize = 24;
const MAGIC: &[u8; 8] = b"AIRI-SEC";
const TAG_LEN: usize = 16;
const SUM_LEN: usize = 32;

/// What Argon2id costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// KiB
    pub(crate) memory: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Cost {
    /// 64 MiB, three passes, one lane: the second recommendation of RFC 9106 with one lane, as the crate computes on
    /// one thread.
    pub(crate) const CURRENT: Cost = Cost { memory: 64 * 1024, passes: 3, lanes: 1 };

    /// What a file may ask of the machine that opens it.
    fn is_bearable(self) -> bool {
        (8..=1024 * 1024).contains(&self.memory) && (1..=16).contains(&self.passes) && (1..=16).contains(&self.lanes)
    }
}

/// How a key is made of the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipe {
    pub(crate) cost: Cost,
    pub(crate) salt: [u8; SALT_LEN],
}

/// A key, wiped on drop.
pub(crate) type DerivedKey = Zeroizing<[u8; 32]>;

/// Why bytes cannot be opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Damaged(&'static str),
    Newer(u16),
    WrongPassphrase,
    Crypto(String),
}

/// A file of this version whose checksum holds.
#[derive(Debug)]
pub(crate) struct Sealed<'a> {
    pub(crate) recipe: Recipe,
    header: &'a [u8],
    nonce: &'a [u8],
    body: &'a [u8],
}

/// Makes the key that `recipe` describes; takes a tenth of a second by design.
pub(crate) fn derive(passphrase: &[u8], recipe: &Recipe) -> Result<DerivedKey, Fault> {
    let Cost { memory, passes, lanes } = recipe.cost;
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| Fault::Damaged("its parameters"))?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, &recipe.salt, &mut *key)
        .map_err(|e| Fault::Crypto(format!("Argon2id: {e}")))?;
    Ok(key)
}

/// Encrypts `content` into a whole file.
pub(crate) fn seal(
    key: &DerivedKey,
    recipe: &Recipe,
    nonce: &[u8; NONCE_LEN],
    content: &[u8],
) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + content.len() + TAG_LEN + SUM_LEN);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    for number in [recipe.cost.memory, recipe.cost.passes, recipe.cost.lanes] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&recipe.salt);
    bytes.extend_from_slice(nonce);
    let body = XChaCha20Poly1305::new(&Key::from(**key))
        .encrypt(&XNonce::from(*nonce), Payload { msg: content, aad: &bytes })
        .map_err(|_| Fault::Crypto("XChaCha20-Poly1305".into()))?;
    bytes.extend_from_slice(&body);
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    Ok(bytes)
}

/// Checks that the bytes are whole and of a version that is known here.
pub(crate) fn parse(bytes: &[u8]) -> Result<Sealed<'_>, Fault> {
    let too_short = Fault::Damaged("it is too short");
    let Some((rest, sum)) = bytes.split_last_chunk::<SUM_LEN>() else { return Err(too_short) };
    if !rest.starts_with(MAGIC) {
        return Err(Fault::Damaged("it does not begin as AIRI's files do"));
    }
    if Sha256::digest(rest).as_slice() != sum {
        return Err(Fault::Damaged("its checksum does not fit"));
    }
    let Some(version) = rest.get(8..10).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes) else {
        return Err(too_short);
    };
    if version > VERSION {
        return Err(Fault::Newer(version));
    }
    let Some((header, body)) = rest.split_at_checked(HEADER_LEN) else { return Err(too_short) };
    if version == 0 || body.len() < TAG_LEN {
        return Err(too_short);
    }
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let cost = Cost { memory: number(10), passes: number(14), lanes: number(18) };
    if !cost.is_bearable() {
        return Err(Fault::Damaged("its parameters are out of bounds"));
    }
    let mut salt = [0; SALT_LEN];
    salt.copy_from_slice(&header[22..38]);
    Ok(Sealed { recipe: Recipe { cost, salt }, header, nonce: &header[38..HEADER_LEN], body })
}

/// Decrypts.
pub(crate) fn open(sealed: &Sealed<'_>, key: &DerivedKey) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let nonce: [u8; NONCE_LEN] = sealed.nonce.try_into().map_err(|_| Fault::Damaged("its nonce"))?;
    XChaCha20Poly1305::new(&Key::from(**key))
        .decrypt(&XNonce::from(nonce), Payload { msg: sealed.body, aad: sealed.header })
        .map(Zeroizing::new)
        .map_err(|_| Fault::WrongPassphrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: Recipe = Recipe { cost: Cost { memory: 8, passes: 1, lanes: 1 }, salt: [7; SALT_LEN] };

    fn sealed(content: &[u8]) -> Vec<u8> {
        seal(&derive(b"pass", &RECIPE).unwrap(), &RECIPE, &[9; NONCE_LEN], content).unwrap()
    }

    fn resum(mut bytes: Vec<u8>) -> Vec<u8> {
        let end = bytes.len() - SUM_LEN;
        let sum = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum);
        bytes
    }

    #[test]
    fn what_was_sealed_opens_and_only_with_its_passphrase() {
        let bytes = sealed(b"content");
        let parsed = parse(&bytes).unwrap();
        assert_eq!(parsed.recipe, RECIPE);
        assert_eq!(&**open(&parsed, &derive(b"pass", &RECIPE).unwrap()).unwrap(), b"content");
        assert_eq!(open(&parsed, &derive(b"Pass", &RECIPE).unwrap()).unwrap_err(), Fault::WrongPassphrase);
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_damage() {
        let bytes = sealed(b"content");
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert!(matches!(parse(&bad), Err(Fault::Damaged(_))), "byte {at}");
            assert!(matches!(parse(&bytes[..at]), Err(Fault::Damaged(_))), "cut at {at}");
        }
    }

    #[test]
    fn a_forged_checksum_still_does_not_open() {
        let bytes = sealed(b"content");
        let key = derive(b"pass", &RECIPE).unwrap();
        for at in [22, 40, HEADER_LEN, bytes.len() - SUM_LEN - 1] {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            let bad = resum(bad);
            assert_eq!(open(&parse(&bad).unwrap(), &key).unwrap_err(), Fault::WrongPassphrase, "byte {at}");
        }
    }

    #[test]
    fn a_newer_version_is_known_as_such_and_greedy_parameters_are_refused() {
        let mut newer = sealed(b"content");
        newer[8] = 2;
        assert_eq!(parse(&resum(newer)).unwrap_err(), Fault::Newer(2));
        let mut greedy = sealed(b"content");
        greedy[13] = 0xff;
        assert!(matches!(parse(&resum(greedy)), Err(Fault::Damaged(_))));
    }

    /// Files out there must stay readable.
    #[test]
    fn the_format_does_not_change_by_itself() {
        let sum: String = Sha256::digest(sealed(b"content")).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(sum, "aae826cd46df2ba628e810a592445f96eeb064f993fd85c5fef9a7a2cbf51b52");
    }
}
