//! One process per data directory.

use super::error::JournalError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

const LOCK_FILE: &str = "siaga.lock";

/// The right to write in a data directory; given back when dropped or when the process ends.
#[derive(Debug)]
pub struct DirectoryLock {
    file: File,
}

impl Drop for DirectoryLock {
    /// Given back by name: a program that is being started still has a copy of the open file, and
    /// with it the lock, until its own code runs.
    fn drop(&mut self) {
        // The lock goes with the process at the latest.
        let _ = self.file.unlock();
    }
}

impl DirectoryLock {
    /// Takes the directory, which is made when it does not exist.
    ///
    /// # Errors
    /// [`JournalError::Locked`] names the directory and the process that has it.
    pub fn acquire(directory: &Path) -> Result<Self, JournalError> {
        let shown = directory.display().to_string();
        let fail = |error| JournalError::io("lock", &shown)(error);
        std::fs::create_dir_all(directory).map_err(fail)?;
        let path = directory.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(fail)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Only for the message: what cannot be read is not named.
                let _ = file.read_to_string(&mut text);
                let pid = text.trim().parse().ok();
                return Err(JournalError::Locked {
                    directory: shown,
                    pid,
                });
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
        file.set_len(0).map_err(fail)?;
        file.seek(SeekFrom::Start(0)).map_err(fail)?;
        writeln!(file, "{}", std::process::id()).map_err(fail)?;
        Ok(Self { file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_told_the_directory_and_the_process() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let first = DirectoryLock::acquire(&data).unwrap();
        let error = DirectoryLock::acquire(&data).unwrap_err().to_string();
        assert!(error.contains(&data.display().to_string()), "{error}");
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(first);
        DirectoryLock::acquire(&data).unwrap();
    }
}
