//! From the files of the last run to a machine that stands where it stood.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use siaga_risk::event::Seq;
use siaga_risk::journal::{
    DirectoryLock, Disk, Epochs, FileDisk, Journal, OutputLog, Preparation, Snapshots,
};
use siaga_risk::machine::Machine;
use siaga_risk::recovery::{self, Lost, RecoveryOptions, RecoveryReport};

/// Folder of the core's files inside the data directory.
pub const CORE_DIR: &str = "core";

/// A file or folder of the data directory that cannot be used: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used: {why}", file.display())]
pub struct DataFault {
    pub file: PathBuf,
    pub why: String,
}

impl DataFault {
    /// What an error says of a file.
    pub fn of(file: &Path, why: impl std::fmt::Display) -> DataFault {
        DataFault {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}

/// Sizes of the files; they never change a decision.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub segment_bytes: u32,
    pub log_bytes: u64,
}

/// The core as it stood.
pub struct Recovered {
    pub machine: Machine,
    pub journal: Journal,
    pub log: OutputLog,
    pub snapshots: Snapshots,
    pub disk: Arc<dyn Disk>,
    pub last: Seq,
    /// Epoch of the rules that are applied from now on.
    pub rules_epoch: u32,
    /// Which input began which epoch: part of the ids sent to brokers.
    pub epochs: Epochs,
    pub report: Report,
    pub lock: DirectoryLock,
}

/// What the start found, for people.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Report {
    pub first_start: bool,
    pub clean: bool,
    pub new_epoch: bool,
    pub snapshot_seq: Option<Seq>,
    pub replayed: u64,
    /// Recorded inputs that are gone; the remarks say it in words.
    #[serde(skip)]
    pub lost: Option<Lost>,
    pub remarks: Vec<String>,
}

impl From<RecoveryReport> for Report {
    fn from(found: RecoveryReport) -> Self {
        let RecoveryReport {
            first_start,
            clean,
            new_epoch,
            snapshot_seq,
            replayed,
            lost,
            remarks,
        } = found;
        Self {
            first_start,
            clean,
            new_epoch,
            snapshot_seq,
            replayed,
            lost,
            remarks,
        }
    }
}

/// Opens the data directory and brings the machine to the last durable input. `progress` is told
/// how many inputs have been replayed, of how many.
///
/// # Errors
/// Another process owns the directory; damage in the middle; files of rules this build cannot
/// replay. Each says what to do.
pub fn open(
    data: &Path,
    sizes: Sizes,
    progress: impl FnMut(u64, u64),
) -> anyhow::Result<Recovered> {
    open_on(&disk(data)?, data, sizes, progress)
}

/// The disk of the core's files.
///
/// # Errors
/// When the folder cannot be made.
pub fn disk(data: &Path) -> anyhow::Result<Arc<dyn Disk>> {
    let dir = data.join(CORE_DIR);
    let disk = FileDisk::new(&dir).map_err(|error| DataFault::of(&dir, error))?;
    Ok(disk)
}

/// [`open`] with the core's files on another disk than the folder's own.
///
/// # Errors
/// See [`open`].
pub fn open_on(
    disk: &Arc<dyn Disk>,
    data: &Path,
    sizes: Sizes,
    mut progress: impl FnMut(u64, u64),
) -> anyhow::Result<Recovered> {
    let dir = data.join(CORE_DIR);
    let lock = DirectoryLock::acquire(&dir)?;
    let options = RecoveryOptions {
        segment_bytes: sizes.segment_bytes,
        log_bytes: sizes.log_bytes,
        preparation: Preparation::Helper,
    };
    let recovery::Recovered {
        machine,
        journal,
        log,
        snapshots,
        last,
        epoch: rules_epoch,
        epochs,
        report,
    } = recovery::recover(disk, options, &mut progress)?;
    Ok(Recovered {
        machine,
        journal,
        log,
        snapshots,
        disk: disk.clone(),
        last,
        rules_epoch,
        epochs,
        report: report.into(),
        lock,
    })
}

/// The folder of the core's files; nothing where no desk was started yet.
///
/// # Errors
/// [`DataFault`]: something else stands there, or nobody may look.
pub fn folder(data: &Path) -> Result<Option<PathBuf>, DataFault> {
    let dir = data.join(CORE_DIR);
    match std::fs::metadata(&dir) {
        Ok(found) if found.is_dir() => Ok(Some(dir)),
        Ok(_) => Err(DataFault::of(
            &dir,
            "it is a file where a folder belongs; move it away, or choose another data directory",
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DataFault::of(&dir, error)),
    }
}

/// The disk of the core's files of a desk that was started before, and their folder.
///
/// # Errors
/// [`DataFault`] as [`folder`], and where no desk was started yet.
pub fn started(data: &Path) -> Result<(Arc<dyn Disk>, PathBuf), DataFault> {
    let Some(dir) = folder(data)? else {
        let why = "it is not there: nothing was started with this data directory";
        return Err(DataFault::of(&data.join(CORE_DIR), why));
    };
    let disk: Arc<dyn Disk> = FileDisk::new(&dir).map_err(|error| DataFault::of(&dir, error))?;
    Ok((disk, dir))
}

/// The machine as the data directory leaves it, new where no desk was started yet. Nothing is changed there, whatever
/// build wrote it.
///
/// # Errors
/// Damage, or files of other rules. Each says what to do.
pub fn look(data: &Path, mut progress: impl FnMut(u64, u64)) -> anyhow::Result<Machine> {
    if folder(data)?.is_none() {
        return Ok(Machine::new());
    }
    let (disk, _) = started(data)?;
    Ok(recovery::look(&disk, &mut progress)?)
}
