use std::fmt;
use std::sync::Arc;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::sealed::{Cipher, KEY_BYTES, SealError, Sealed};
use super::{Keyring, random};

/// A subject's data key as it is stored: sealed under the key-encryption key named `under`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The sealed key.
    pub sealed: Sealed,
    /// Name of the key-encryption key.
    pub under: String,
}

/// The key under which a person's data are sealed. Debug shows whose it is and nothing of it.
#[derive(Clone)]
pub struct SubjectKey {
    subject: Uuid,
    cipher: Arc<Cipher>,
}

impl SubjectKey {
    /// A new key for `subject`, and what to store of it.
    pub fn make(keyring: &Keyring, subject: Uuid) -> (Self, Wrapped) {
        let plain: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(random());
        let wrapped = keyring.wrap(subject, &plain);
        let cipher = Arc::new(Cipher::new(&plain));
        (Self { subject, cipher }, wrapped)
    }

    /// The key that was stored.
    ///
    /// # Errors
    /// The keyring has not the key it was wrapped under, or the stored bytes were changed.
    pub fn unwrap(keyring: &Keyring, subject: Uuid, wrapped: &Wrapped) -> Result<Self, SealError> {
        let plain = keyring.unwrap(subject, wrapped)?;
        let cipher = Arc::new(Cipher::new(&plain));
        Ok(Self { subject, cipher })
    }

    /// Whose it is.
    pub fn subject(&self) -> Uuid {
        self.subject
    }

    /// Seals one field. `field` is `table.column` or another fixed name: it opens under the same one only.
    pub fn seal(&self, field: &str, plain: &str) -> Sealed {
        self.cipher.seal(&self.context(field), plain.as_bytes())
    }

    /// Opens one field.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, field: &str, sealed: &Sealed) -> Result<String, SealError> {
        let plain = self.cipher.open(&self.context(field), sealed)?;
        String::from_utf8(plain).map_err(|_| SealError::Form)
    }

    /// Seals bytes: a document.
    pub fn seal_bytes(&self, field: &str, plain: &[u8]) -> Sealed {
        self.cipher.seal(&self.context(field), plain)
    }

    /// Opens bytes.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open_bytes(&self, field: &str, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        self.cipher.open(&self.context(field), sealed)
    }

    fn context(&self, field: &str) -> Vec<u8> {
        let mut context = self.subject.as_bytes().to_vec();
        context.extend_from_slice(field.as_bytes());
        context
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectKey({})", self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_opens_what_it_sealed_and_nothing_of_another_person() {
        let keyring = Keyring::generate("k1");
        let (sari, budi) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (key, wrapped) = SubjectKey::make(&keyring, sari);
        let sealed = key.seal("users.email", "sari@contoh.id");
        let again = SubjectKey::unwrap(&keyring, sari, &wrapped).expect("its own keyring");
        assert_eq!(
            again.open("users.email", &sealed).as_deref(),
            Ok("sari@contoh.id")
        );
        assert_eq!(again.open("users.name", &sealed), Err(SealError::Tampered));
        assert!(
            SubjectKey::unwrap(&keyring, budi, &wrapped).is_err(),
            "a key is bound to its person"
        );
        let stranger = Keyring::generate("k1");
        assert!(SubjectKey::unwrap(&stranger, sari, &wrapped).is_err());
        assert_eq!(
            SubjectKey::unwrap(&Keyring::generate("k2"), sari, &wrapped).map(|_| ()),
            Err(SealError::NoSuchKey)
        );
    }
}
