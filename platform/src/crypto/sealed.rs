use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::random;

/// Bytes of an AES-256 key.
pub(super) const KEY_BYTES: usize = 32;

/// First byte of everything sealed: another form would have another.
const FORM: u8 = 1;

/// Bytes that AES-GCM adds for authentication.
const TAG_BYTES: usize = 16;

/// How sealed text begins inside JSON.
const TEXT_PREFIX: &str = "sealed:";

/// A sealed value: form, nonce, ciphertext, tag. Stands in PostgreSQL as `bytea` (`as_bytes`,
/// `from_bytes`) or inside JSON as text. Debug shows its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// Why something could not be opened or sealed. It says nothing about the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short, or of another form.
    #[error("the sealed value has a form that this program does not know")]
    Form,
    /// Changed, or sealed under another key or for another field.
    #[error("the sealed value was changed, or belongs to another key or field")]
    Tampered,
    /// The key-encryption key is not in the keyring.
    #[error("the keyring has no key of that name")]
    NoSuchKey,
}

impl Sealed {
    /// The bytes for a `bytea` column.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What stood in a `bytea` column. Nothing is checked before it is opened.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// For JSON.
    pub fn to_text(&self) -> String {
        format!("{TEXT_PREFIX}{}", STANDARD_NO_PAD.encode(&self.0))
    }

    /// What [`Sealed::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(TEXT_PREFIX)?;
        STANDARD_NO_PAD.decode(encoded).ok().map(Self)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Seals what leaves the process and belongs to no subject: values of the cache, states of a sign-in
/// that wait between two requests.
#[derive(Clone)]
pub struct Sealer(pub(super) std::sync::Arc<Cipher>);

impl Sealer {
    /// Seals `plain` bound to `context`.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Sealed {
        self.0.seal(context.as_bytes(), plain)
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, context: &str, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        self.0.open(context.as_bytes(), sealed)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

/// A key that seals. Debug shows nothing of it.
pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    pub(super) fn new(key: &[u8; KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("a key of 32 bytes fits AES-256");
        Self(LessSafeKey::new(key))
    }

    /// Seals `plain` bound to `context`: it opens only under the same one.
    pub(super) fn seal(&self, context: &[u8], plain: &[u8]) -> Sealed {
        let nonce: [u8; NONCE_LEN] = random();
        let mut body = plain.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut body,
            )
            .expect("a field is far below the limit of AES-GCM");
        let mut bytes = Vec::with_capacity(1 + NONCE_LEN + body.len());
        bytes.push(FORM);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&body);
        Sealed(bytes)
    }

    pub(super) fn open(&self, context: &[u8], sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let Some((&FORM, rest)) = sealed.0.split_first() else {
            return Err(SealError::Form);
        };
        if rest.len() < NONCE_LEN + TAG_BYTES {
            return Err(SealError::Form);
        }
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Form)?;
        let mut body = body.to_vec();
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(context), &mut body)
            .map_err(|_| SealError::Tampered)?;
        Ok(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_was_sealed_opens_and_every_changed_byte_is_seen() {
        let cipher = Cipher::new(&random());
        let sealed = cipher.seal(b"users.email", "sari@contoh.id".as_bytes());
        assert_eq!(
            cipher.open(b"users.email", &sealed).as_deref(),
            Ok("sari@contoh.id".as_bytes())
        );
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert!(cipher.open(b"users.email", &changed).is_err(), "byte {at}");
        }
        for short in 0..sealed.0.len() {
            let cut = Sealed(sealed.0[..short].to_vec());
            assert!(cipher.open(b"users.email", &cut).is_err(), "{short} bytes");
        }
        assert_eq!(
            cipher.open(b"users.phone", &sealed),
            Err(SealError::Tampered),
            "another field"
        );
        assert_eq!(
            Cipher::new(&random()).open(b"users.email", &sealed),
            Err(SealError::Tampered),
            "another key"
        );
        assert_eq!(Sealed::from_text(&sealed.to_text()), Some(sealed.clone()));
        assert!(!format!("{sealed:?}").contains("sari"));
    }

    #[test]
    fn no_nonce_repeats_in_a_million() {
        let cipher = Cipher::new(&random());
        let mut seen = HashSet::with_capacity(1_000_000);
        for _ in 0..1_000_000 {
            let sealed = cipher.seal(b"x", b"");
            assert!(seen.insert(sealed.0[1..=NONCE_LEN].to_vec()));
        }
    }
}
