use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

use super::random;
use super::sealed::{Cipher, KEY_BYTES, SealError, Sealer};
use super::subject::Wrapped;

/// Bound to a wrapped key beside its subject, so that it is taken for nothing else.
const CONTEXT: &[u8] = b"subject_keys.wrapped";

/// Days after which another key wraps (S0.17).
pub const ROTATE_DAYS: u64 = 90;

const ROTATE_NS: u64 = ROTATE_DAYS * 24 * 3_600 * SECOND_NS;

/// Why there is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file.
    #[error("the keyring {path} cannot be used: {error}")]
    File {
        /// The path.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The content.
    #[error("the keyring {0} is not understood: {1}")]
    Content(String, String),
    /// The service that sealed it.
    #[error(
        "the key management service does not open the keyring {0}: {1}; see to it and start again"
    )]
    Service(String, String),
}

/// A service that seals the keyring's file under a key of its own. What it says is shown, so it must quote
/// neither a key nor its own credentials.
pub trait KeyService: Send + Sync {
    /// Seals, as text.
    ///
    /// # Errors
    /// Why it did not.
    fn seal(&self, plain: &[u8]) -> Result<String, String>;

    /// Opens what it sealed.
    ///
    /// # Errors
    /// Why it did not.
    fn open(&self, sealed: &str) -> Result<Zeroizing<Vec<u8>>, String>;
}

/// Where an opened keyring came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There was none: it was made.
    Made,
    /// Its file.
    File,
    /// Its file, which was readable and is sealed by the key management service from now on.
    Sealed,
}

/// Key-encryption keys by name, one of them active, and the key of the blind indexes. It comes from a
/// file of mode 0600, which a key management service may seal, or from the environment; losing it loses
/// all personal data, so it is backed up apart from the database.
pub struct Keyring {
    ring: RwLock<Ring>,
    service: Option<Arc<dyn KeyService>>,
    pub(super) blind: Zeroizing<[u8; KEY_BYTES]>,
}

#[derive(Clone)]
struct Ring {
    active: String,
    keys: BTreeMap<String, Zeroizing<[u8; KEY_BYTES]>>,
    /// When each key was made, where that is known.
    made: BTreeMap<String, Ts>,
}

/// The file: `{"active": "k1", "keys": {"k1": "<64 hex digits>"}, "blind": "<64 hex digits>", "made_s": {"k1": 1794729600}}`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    active: String,
    keys: BTreeMap<String, String>,
    blind: String,
    /// Unix seconds.
    #[serde(default)]
    made_s: BTreeMap<String, u64>,
}

/// The file where a key management service sealed it: `{"sealed": "vault:v1:…"}`.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SealedFile {
    sealed: String,
}

impl Drop for File {
    fn drop(&mut self) {
        self.keys.values_mut().for_each(|key| key.zeroize());
        self.blind.zeroize();
    }
}

impl Keyring {
    /// A keyring with one new key.
    pub fn generate(name: &str) -> Self {
        let ring = Ring {
            active: name.to_owned(),
            keys: BTreeMap::from([(name.to_owned(), Zeroizing::new(random()))]),
            made: BTreeMap::new(),
        };
        Self {
            ring: RwLock::new(ring),
            service: None,
            blind: Zeroizing::new(random()),
        }
    }

    /// Reads the text of a keyring: a file's, or that of an environment variable.
    ///
    /// # Errors
    /// [`KeyringError::Content`]; it never quotes a key.
    pub fn parse(text: &str, from: &str) -> Result<Self, KeyringError> {
        let bad = |why: &str| KeyringError::Content(from.to_owned(), why.to_owned());
        let file: File = serde_json::from_str(text)
            .map_err(|error| bad(&format!("line {}, column {}", error.line(), error.column())))?;
        let mut keys = BTreeMap::new();
        for (name, hex) in &file.keys {
            let key = key_of(hex)
                .ok_or_else(|| bad(&format!("key {name} is not 64 hexadecimal digits")))?;
            keys.insert(name.clone(), key);
        }
        if !keys.contains_key(&file.active) {
            return Err(bad("the active key is not among the keys"));
        }
        let blind = key_of(&file.blind).ok_or_else(|| bad("blind is not 64 hexadecimal digits"))?;
        let made = file.made_s.iter();
        let ring = Ring {
            active: file.active.clone(),
            keys,
            made: made
                .map(|(name, at)| (name.clone(), Ts(at.saturating_mul(SECOND_NS))))
                .collect(),
        };
        Ok(Self {
            ring: RwLock::new(ring),
            service: None,
            blind,
        })
    }

    /// Reads the keyring of a data directory, or makes one there (mode 0600). The flag says whether it is new.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn open(path: &Path) -> Result<(Self, bool), KeyringError> {
        let (keyring, origin) = Self::open_with(path, None)?;
        Ok((keyring, origin == Origin::Made))
    }

    /// As [`Keyring::open`], from a file that the service seals whenever it is written. It waits for the service:
    /// call it where that may be.
    ///
    /// # Errors
    /// [`KeyringError`]; what is not opened stays as it was, and nothing is made that rests in the open.
    pub fn open_with(
        path: &Path,
        service: Option<Arc<dyn KeyService>>,
    ) -> Result<(Self, Origin), KeyringError> {
        let shown = path.display().to_string();
        let file = |error| KeyringError::File {
            path: shown.clone(),
            error,
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let keyring = Self {
                    service,
                    ..Self::generate("k1")
                };
                keyring.save(path).map_err(file)?;
                return Ok((keyring, Origin::Made));
            }
            Err(error) => return Err(file(error)),
        };
        let sealed = serde_json::from_str::<SealedFile>(&text).ok();
        match (sealed, service) {
            (None, None) => Ok((Self::parse(&text, &shown)?, Origin::File)),
            (Some(_), None) => Err(KeyringError::Content(
                shown,
                "a key management service sealed it: set platform.kms".to_owned(),
            )),
            (None, Some(service)) => {
                let keyring = Self {
                    service: Some(service),
                    ..Self::parse(&text, &shown)?
                };
                keyring.save(path).map_err(file)?;
                Ok((keyring, Origin::Sealed))
            }
            (Some(file), Some(service)) => {
                let plain = service
                    .open(&file.sealed)
                    .map_err(|why| KeyringError::Service(shown.clone(), why))?;
                let text = std::str::from_utf8(&plain).map_err(|_| {
                    KeyringError::Service(shown.clone(), "what it opened is no text".to_owned())
                })?;
                let keyring = Self::parse(text, &shown)?;
                Ok((
                    Self {
                        service: Some(service),
                        ..keyring
                    },
                    Origin::File,
                ))
            }
        }
    }

    /// Writes it to a file that replaces the old one in one step, sealed where it was opened with a service.
    ///
    /// # Errors
    /// The file system's.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        self.write(&self.ring(), path)
    }

    fn write(&self, ring: &Ring, path: &Path) -> std::io::Result<()> {
        let content = File {
            active: ring.active.clone(),
            keys: ring
                .keys
                .iter()
                .map(|(name, key)| (name.clone(), hex(key)))
                .collect(),
            blind: hex(&self.blind),
            made_s: ring
                .made
                .iter()
                .map(|(name, at)| (name.clone(), at.0 / SECOND_NS))
                .collect(),
        };
        let text = Zeroizing::new(serde_json::to_string_pretty(&content)?);
        let text = match &self.service {
            None => text,
            Some(service) => sealed(service.as_ref(), &text)?,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        // Made with mode 0600 by the crate itself.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        std::fs::File::open(folder)?.sync_all()
    }

    /// Makes a new active key when the one in use is older than [`ROTATE_DAYS`], and gives its name. It is in the
    /// file before anything is wrapped under it. The old keys stay: what is wrapped under them is wrapped
    /// anew by and by, and backups need them.
    ///
    /// # Errors
    /// The file system's; the keyring is then as it was.
    pub fn rotate_when_due(&self, path: &Path, now: Ts) -> std::io::Result<Option<String>> {
        let mut ring = self.ring();
        let active = ring.active.clone();
        match ring.made.get(&active) {
            Some(made) if now.since(*made) < ROTATE_NS => return Ok(None),
            // Its age begins to count when it is first asked for.
            None => {
                ring.made.insert(active, now);
                self.write(&ring, path)?;
                self.install(ring);
                return Ok(None);
            }
            Some(_) => {}
        }
        let mut number = ring.keys.len() + 1;
        while ring.keys.contains_key(&format!("k{number}")) {
            number += 1;
        }
        let name = format!("k{number}");
        ring.add(&name, now);
        self.write(&ring, path)?;
        self.install(ring);
        Ok(Some(name))
    }

    /// Adds a new active key, here and nowhere else yet: [`Keyring::save`] it before it is used.
    pub fn rotate(&self, name: &str, now: Ts) {
        let mut ring = self.ring();
        ring.add(name, now);
        self.install(ring);
    }

    /// Forgets a key under which nothing is wrapped any more, in no backup either; the active one stays.
    pub fn retire(&self, name: &str) -> bool {
        let mut ring = self.ring();
        let gone = name != ring.active && ring.keys.remove(name).is_some();
        ring.made.remove(name);
        if gone {
            self.install(ring);
        }
        gone
    }

    /// Name of the key that wraps new data keys.
    pub fn active(&self) -> String {
        self.ring().active
    }

    fn ring(&self) -> Ring {
        self.ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn install(&self, ring: Ring) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
    }

    /// A key for this purpose alone, made of the blind indexes' key: it does not change with a rotation.
    pub fn sealer(&self, purpose: &str) -> Sealer {
        let key = Zeroizing::new(super::blind(self, "sealer", purpose));
        Sealer(std::sync::Arc::new(Cipher::new(&key)))
    }

    pub(super) fn wrap(&self, subject: Uuid, plain: &[u8; KEY_BYTES]) -> Wrapped {
        let ring = self.ring();
        let key = ring
            .keys
            .get(&ring.active)
            .expect("the active key is among the keys");
        Wrapped {
            sealed: Cipher::new(key).seal(&context(subject), plain),
            under: ring.active,
        }
    }

    pub(super) fn unwrap(
        &self,
        subject: Uuid,
        wrapped: &Wrapped,
    ) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
        let ring = self.ring();
        let key = ring.keys.get(&wrapped.under).ok_or(SealError::NoSuchKey)?;
        let plain = Zeroizing::new(Cipher::new(key).open(&context(subject), &wrapped.sealed)?);
        let plain: [u8; KEY_BYTES] = plain.as_slice().try_into().map_err(|_| SealError::Form)?;
        Ok(Zeroizing::new(plain))
    }

    /// The same data key under the active key; `None` when it is there already.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn rewrap(&self, subject: Uuid, wrapped: &Wrapped) -> Result<Option<Wrapped>, SealError> {
        if wrapped.under == self.active() {
            return Ok(None);
        }
        let plain = self.unwrap(subject, wrapped)?;
        Ok(Some(self.wrap(subject, &plain)))
    }
}

impl Ring {
    fn add(&mut self, name: &str, now: Ts) {
        self.keys.insert(name.to_owned(), Zeroizing::new(random()));
        self.made.insert(name.to_owned(), now);
        self.active = name.to_owned();
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.ring();
        write!(
            f,
            "Keyring({} keys, {} active)",
            ring.keys.len(),
            ring.active
        )
    }
}

/// The file as the service sealed it, once it gave back the same: what cannot be opened again replaces nothing.
fn sealed(service: &dyn KeyService, text: &str) -> std::io::Result<Zeroizing<String>> {
    let failed = |why: String| {
        std::io::Error::other(format!(
            "the key management service does not seal it: {why}"
        ))
    };
    let sealed = service.seal(text.as_bytes()).map_err(failed)?;
    let opened = service.open(&sealed).map_err(failed)?;
    if opened.as_slice() != text.as_bytes() {
        return Err(failed("it opens something else than it sealed".to_owned()));
    }
    let file = serde_json::to_string_pretty(&SealedFile { sealed })?;
    Ok(Zeroizing::new(file))
}

fn context(subject: Uuid) -> Vec<u8> {
    [CONTEXT, subject.as_bytes()].concat()
}

fn hex(key: &[u8; KEY_BYTES]) -> String {
    use std::fmt::Write as _;
    key.iter()
        .fold(String::with_capacity(2 * KEY_BYTES), |mut text, byte| {
            let written = write!(text, "{byte:02x}");
            debug_assert!(written.is_ok(), "a String takes every text");
            text
        })
}

fn key_of(hex: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let digits = hex.as_bytes();
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    let mut key = Zeroizing::new([0u8; KEY_BYTES]);
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let text = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(text, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SubjectKey;

    #[test]
    fn a_keyring_comes_back_from_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring");
        let (first, made) = Keyring::open(&path).expect("made");
        assert!(made);
        let subject = Uuid::from_u128(7);
        let (key, wrapped) = SubjectKey::make(&first, subject);
        let sealed = key.seal("f", "x");
        let (again, made) = Keyring::open(&path).expect("read");
        assert!(!made);
        let key = SubjectKey::unwrap(&again, subject, &wrapped).expect("the same key");
        assert_eq!(key.open("f", &sealed).as_deref(), Ok("x"));
        #[cfg(unix)]
        {
            let meta = std::fs::metadata(&path).expect("there");
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777,
                0o600
            );
        }
        assert_eq!(format!("{again:?}"), "Keyring(1 keys, k1 active)");
    }

    #[test]
    fn rotation_wraps_anew_and_the_old_key_can_go() {
        let keyring = Keyring::generate("k1");
        let subject = Uuid::from_u128(7);
        let (key, wrapped) = SubjectKey::make(&keyring, subject);
        let sealed = key.seal("f", "x");
        keyring.rotate("k2", Ts(0));
        assert!(!keyring.retire("k2"), "the active key stays");
        let anew = keyring
            .rewrap(subject, &wrapped)
            .expect("opened")
            .expect("another key");
        assert_eq!(anew.under, "k2");
        assert_eq!(keyring.rewrap(subject, &anew), Ok(None));
        assert!(keyring.retire("k1"));
        let key = SubjectKey::unwrap(&keyring, subject, &anew).expect("under k2");
        assert_eq!(key.open("f", &sealed).as_deref(), Ok("x"));
        assert!(SubjectKey::unwrap(&keyring, subject, &wrapped).is_err());
    }

    #[test]
    fn a_key_of_ninety_days_is_followed_by_another_that_is_in_the_file_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring");
        let (keyring, _) = Keyring::open(&path).expect("made");
        let at = |days: u64| Ts(days * 24 * 3_600 * SECOND_NS);
        assert_eq!(
            keyring.rotate_when_due(&path, at(1_000)).expect("written"),
            None,
            "its age begins here"
        );
        assert_eq!(
            keyring.rotate_when_due(&path, at(1_089)).expect("read"),
            None
        );
        assert_eq!(
            keyring.rotate_when_due(&path, at(1_090)).expect("written"),
            Some("k2".to_owned())
        );
        let (again, _) = Keyring::open(&path).expect("read");
        assert_eq!(again.active(), "k2");
        assert_eq!(again.rotate_when_due(&path, at(1_179)).expect("read"), None);
        let nowhere = folder.path().join("missing/keyring");
        assert!(again.rotate_when_due(&nowhere, at(2_000)).is_err());
        assert_eq!(again.active(), "k2", "a key that is in no file is not used");
        assert_eq!(
            again.rotate_when_due(&path, at(2_000)).expect("written"),
            Some("k3".to_owned())
        );
    }

    #[test]
    fn a_bad_keyring_is_refused_without_being_quoted() {
        let secret = "ab".repeat(32);
        for (text, why) in [
            ("{", "line 1"),
            (r#"{"active":"k1","keys":{},"blind":"00"}"#, "active"),
            (
                &format!(r#"{{"active":"k1","keys":{{"k1":"{secret}x"}},"blind":"00"}}"#),
                "k1",
            ),
            (
                &format!(r#"{{"active":"k1","keys":{{"k1":"{secret}"}},"blind":"00"}}"#),
                "blind",
            ),
        ] {
            let error = Keyring::parse(text, "here").expect_err(why).to_string();
            assert!(error.contains(why) && !error.contains(&secret), "{error}");
        }
    }
}
