//! Tests of the durable files: what a crash, a failing disk and a flipped byte may do.

mod crash;
mod damage;
mod journal;
mod outputs;
#[cfg(feature = "compress")]
mod pack;
mod snapshots;
mod ticks;
mod watched;

use super::*;
use std::sync::Arc;

const FINGERPRINT: u64 = 0xfeed;

fn options(segment_bytes: u32) -> Options {
    Options {
        segment_bytes,
        preparation: Preparation::Inline,
        ..Options::new(FINGERPRINT, 0)
    }
}

fn memory() -> Arc<dyn Disk> {
    Arc::new(MemoryDisk::default())
}

/// Everything the journal gives from its first sequence on.
fn all(journal: &Journal) -> Result<Vec<(u64, u16, Vec<u8>)>, JournalError> {
    let mut records = journal.records(journal.first_seq())?;
    let mut found = Vec::new();
    while let Some(record) = records.next()? {
        found.push((record.seq, record.kind, record.payload.to_vec()));
    }
    Ok(found)
}

/// Bytes of a file, and the same disk with other bytes there.
fn file(disk: &Arc<dyn Disk>, name: &str) -> Vec<u8> {
    let file = disk.open(name).unwrap();
    let mut bytes = vec![0; file.bytes().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// A copy in memory of every file, `name` having other bytes.
fn copy_with(disk: &Arc<dyn Disk>, name: &str, bytes: Vec<u8>) -> Arc<dyn Disk> {
    let copy = MemoryDisk::default();
    for (other, _) in disk.list().unwrap() {
        copy.put(&other, file(disk, &other));
    }
    copy.put(name, bytes);
    Arc::new(copy)
}
