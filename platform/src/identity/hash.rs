//! Passwords and recovery codes as argon2id, computed off the async threads and few at once.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::crypto::random;
use crate::db::DbError;
use crate::refusal::Refusal;

/// Memory of one hash, KiB; with two passes the second of the OWASP settings.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Hashes at once: each takes a core for some 30 ms and 19 MiB. Others wait in line.
const AT_ONCE: usize = 4;
/// Who waits in line: at 30 ms and four at once the last has waited for a second. More are refused.
const WAITING_MAX: usize = 128;

/// Hashes and compares.
#[derive(Clone)]
pub struct Hasher {
    memory_kib: u32,
    working: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// A hash of nothing anybody knows: compared when there is no person, so that the answer takes as long.
    decoy: Arc<str>,
}

impl Hasher {
    /// The program's.
    ///
    /// # Errors
    /// The library's, which with these settings has none.
    pub fn new() -> Result<Self, Refusal> {
        Self::with_memory(MEMORY_KIB)
    }

    /// With less memory: for tests that hash often.
    ///
    /// # Errors
    /// The memory is below 8 KiB.
    pub fn with_memory(memory_kib: u32) -> Result<Self, Refusal> {
        let decoy = hashed(memory_kib, &random::<32>())?;
        Ok(Self {
            memory_kib,
            working: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX)),
            decoy: decoy.into(),
        })
    }

    /// The PHC form of a password.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn hash(&self, password: String) -> Result<String, Refusal> {
        let memory = self.memory_kib;
        let password = Zeroizing::new(password);
        self.run(move || hashed(memory, password.as_bytes())).await
    }

    /// Whether the password fits; without a hash it takes as long and does not.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn fits(&self, password: String, hash: Option<String>) -> Result<bool, Refusal> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.as_ref().to_owned());
        let password = Zeroizing::new(password);
        let memory = self.memory_kib;
        self.run(move || Ok(known && verified(memory, password.as_bytes(), &hash)))
            .await
    }

    /// Which of the hashes the text fits; all are tried.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn which(&self, text: String, hashes: Vec<String>) -> Result<Option<usize>, Refusal> {
        let text = Zeroizing::new(text);
        let memory = self.memory_kib;
        self.run(move || {
            Ok(hashes
                .iter()
                .position(|hash| verified(memory, text.as_bytes(), hash)))
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let _place = place.map_err(|_| Refusal::Db(DbError::Busy))?;
        let working = Arc::clone(&self.working).acquire_owned().await;
        let working = working.map_err(|_| Refusal::Db(DbError::Closed))?;
        let done = tokio::task::spawn_blocking(move || {
            let _working = working;
            work()
        });
        done.await.map_err(|_| Refusal::Db(DbError::Panicked))?
    }
}

fn argon(memory_kib: u32) -> Result<Argon2<'static>, Refusal> {
    let params = Params::new(memory_kib, PASSES, 1, None);
    let params =
        params.map_err(|error| Refusal::Db(DbError::Unexpected(format!("argon2: {error}"))))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hashed(memory_kib: u32, password: &[u8]) -> Result<String, Refusal> {
    let salt: [u8; 16] = random();
    let hash = argon(memory_kib)?.hash_password_with_salt(password, &salt);
    let hash: PasswordHash =
        hash.map_err(|error| Refusal::Db(DbError::Unexpected(format!("argon2: {error}"))))?;
    Ok(hash.to_string())
}

/// The settings of the comparison are those that stand in the hash.
fn verified(memory_kib: u32, password: &[u8], hash: &str) -> bool {
    argon(memory_kib).is_ok_and(|argon| argon.verify_password(password, hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash() {
        let hasher = Hasher::with_memory(64).expect("settings");
        let hash = hasher.hash("Kuda-Biru-77".into()).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{hash}");
        assert_ne!(
            hash,
            hasher.hash("Kuda-Biru-77".into()).await.expect("hashed"),
            "each has its own salt"
        );
        let fits = async |password: &str, hash: Option<&str>| {
            hasher
                .fits(password.into(), hash.map(str::to_owned))
                .await
                .expect("compared")
        };
        assert!(fits("Kuda-Biru-77", Some(&hash)).await);
        assert!(!fits("Kuda-Biru-78", Some(&hash)).await);
        assert!(!fits("Kuda-Biru-77", Some("no hash")).await);
        assert!(!fits("Kuda-Biru-77", None).await);
        let which = hasher
            .which("Kuda-Biru-77".into(), vec!["no hash".into(), hash])
            .await
            .expect("compared");
        assert_eq!(which, Some(1));
    }

    #[tokio::test]
    async fn who_comes_when_the_line_is_full_is_refused() {
        let hasher = Hasher::with_memory(64).expect("settings");
        let all = Arc::clone(&hasher.places)
            .try_acquire_many_owned(132)
            .expect("free");
        assert!(matches!(
            hasher.hash("x".into()).await,
            Err(Refusal::Db(DbError::Busy))
        ));
        drop(all);
        assert!(hasher.hash("x".into()).await.is_ok());
    }
}
