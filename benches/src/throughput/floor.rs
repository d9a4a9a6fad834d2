//! What this machine can do at all: copy and checksum, and make a piece of a file durable.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::clock::now_ns;

/// Records of 64 bytes copied into a buffer and checksummed, per second.
pub fn copies_per_s(records: u64) -> f64 {
    let record = [7u8; 64];
    let mut buffer = Vec::with_capacity(256 << 10);
    let mut checksum = 0;
    let start = now_ns();
    for _ in 0..records {
        if buffer.len() + record.len() > buffer.capacity() {
            buffer.clear();
        }
        buffer.extend_from_slice(&record);
        checksum = crc32c::crc32c_append(checksum, std::hint::black_box(&record));
    }
    std::hint::black_box((checksum, buffer));
    records as f64 * 1e9 / (now_ns() - start) as f64
}

/// Writes of `bytes` into a preallocated file, each followed by `fdatasync`, per second.
///
/// # Panics
/// When the directory cannot be written.
pub fn syncs_per_s(directory: &Path, bytes: usize, count: u64) -> f64 {
    let path = directory.join("floor");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).open(&path);
    let file = file.expect("the directory can be written");
    let block = vec![1; bytes];
    for number in 0..count {
        file.write_all_at(&vec![0; bytes], number * bytes as u64)
            .expect("the disk has room");
    }
    file.sync_all().expect("the disk syncs");
    let start = now_ns();
    for number in 0..count {
        file.write_all_at(&block, number * bytes as u64)
            .expect("the disk has room");
        file.sync_data().expect("the disk syncs");
    }
    let took = now_ns() - start;
    std::fs::remove_file(path).expect("the file is there");
    count as f64 * 1e9 / took as f64
}
