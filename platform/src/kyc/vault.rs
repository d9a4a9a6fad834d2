use std::fmt;
use std::path::Path as Folder;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutPayload};

use super::faults::STORE;
use crate::crypto::Sealed;
use crate::refusal::Refusal;

/// Where pictures lie: a folder of this machine by default, any object store by the same interface. It
/// holds ciphertext alone.
#[derive(Clone)]
pub struct Vault {
    store: Arc<dyn ObjectStore>,
}

impl Vault {
    /// A folder, made when it is not there. Files are synced before they count as stored.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn folder(folder: &Folder) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(std::io::Error::other)?;
        Ok(Self::over(Arc::new(store.with_fsync(true))))
    }

    /// Any object store.
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    pub(super) async fn put(&self, path: &str, sealed: &Sealed) -> Result<(), Refusal> {
        let payload = PutPayload::from(sealed.as_bytes().to_vec());
        let put = self.store.put(&Path::from(path), payload).await;
        put.map(drop).map_err(|error| failed("stored", &error))
    }

    pub(super) async fn get(&self, path: &str) -> Result<Sealed, Refusal> {
        let found = self
            .store
            .get(&Path::from(path))
            .await
            .map_err(|error| failed("read", &error))?;
        let bytes = found
            .bytes()
            .await
            .map_err(|error| failed("read", &error))?;
        Ok(Sealed::from_bytes(bytes.to_vec()))
    }

    /// Takes a file away; one that is not there is no error.
    pub(super) async fn remove(&self, path: &str) -> Result<(), Refusal> {
        match self.store.delete(&Path::from(path)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("removed", &error)),
        }
    }
}

/// Paths are keys: they name nobody, so the log may have them.
fn failed(what: &str, error: &Error) -> Refusal {
    tracing::error!("a document could not be {what}: {error}");
    STORE.because(format!(
        "the document could not be {what}; try again in a moment"
    ))
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Keyring;
    use crate::crypto::SubjectKey;

    #[tokio::test]
    async fn what_was_put_comes_back_and_the_folder_has_only_ciphertext() {
        let folder = tempfile::tempdir().expect("a folder");
        let vault = Vault::folder(&folder.path().join("documents")).expect("a vault");
        let (key, _) = SubjectKey::make(&Keyring::generate("k1"), uuid::Uuid::from_u128(1));
        let sealed = key.seal_bytes("kyc_documents.file", b"a picture of a card");
        vault.put("kyc/01/02", &sealed).await.expect("stored");
        assert_eq!(vault.get("kyc/01/02").await.expect("read"), sealed);
        let on_disk = std::fs::read(folder.path().join("documents/kyc/01/02")).expect("a file");
        assert!(!on_disk.windows(9).any(|window| window == b"a picture"));
        vault.remove("kyc/01/02").await.expect("removed");
        vault.remove("kyc/01/02").await.expect("gone already");
        assert!(vault.get("kyc/01/02").await.is_err());
    }
}
