//! The few things the durable files ask of a disk, and the real one.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Zeros are written in pieces of this size when a segment is prepared.
const ZERO_PIECE_BYTES: usize = 1 << 20;

/// One directory of files.
pub trait Disk: Send + Sync {
    /// Makes a file of `bytes` zeros, all blocks really written, and makes it and its name durable.
    /// An older file of that name is replaced. After an error no part of it takes up room.
    ///
    /// # Errors
    /// The system's.
    fn create_zeroed(&self, name: &str, bytes: u64) -> io::Result<()>;

    /// Opens an existing file to read and write.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// All plain files with their lengths, in no order.
    ///
    /// # Errors
    /// The system's.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// Removes a file; durable after [`sync_dir`](Self::sync_dir).
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Renames a file over another; durable after [`sync_dir`](Self::sync_dir).
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Makes names durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_dir(&self) -> io::Result<()>;
}

/// One open file; removing its name leaves it readable.
pub trait DiskFile: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// The system's; what was written then is unknown.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads until `bytes` is full or the file ends; says how many came.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// The system's; the data must then be treated as lost.
    fn sync_data(&self) -> io::Result<()>;

    /// Length in bytes.
    ///
    /// # Errors
    /// The system's.
    fn bytes(&self) -> io::Result<u64>;
}

/// A directory of the file system.
pub struct FileDisk {
    directory: PathBuf,
}

impl FileDisk {
    /// The disk of `directory`, which is made when it does not exist.
    ///
    /// # Errors
    /// The system's.
    pub fn new(directory: &Path) -> io::Result<Arc<Self>> {
        std::fs::create_dir_all(directory)?;
        Ok(Arc::new(Self {
            directory: directory.to_owned(),
        }))
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Disk for FileDisk {
    fn create_zeroed(&self, name: &str, bytes: u64) -> io::Result<()> {
        let path = self.directory.join(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        if let Err(error) = fill(&file, bytes) {
            // What is left of a full disk belongs to those who have something to write.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        self.sync_dir()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.directory.join(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if let (true, Ok(name)) = (meta.is_file(), entry.file_name().into_string()) {
                files.push((name, meta.len()));
            }
        }
        Ok(files)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.directory.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.directory.join(from), self.directory.join(to))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

fn fill(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; ZERO_PIECE_BYTES.min(bytes as usize)];
    let mut offset = 0;
    while offset < bytes {
        let piece = zeros.len().min((bytes - offset) as usize);
        file.write_all_at(&zeros[..piece], offset)?;
        offset += piece as u64;
    }
    file.sync_all()
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.0.read_at(&mut bytes[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
