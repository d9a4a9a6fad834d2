//! Entry points for fuzzing the recovery: plain functions, so any harness can call them.

use super::disk::Disk;
use super::inspect::inspect;
use super::layout::{SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, SegmentHeader, Stream, put_record};
use super::memory_disk::MemoryDisk;
use super::prepare::Preparation;
use super::writer::{Journal, Options};
use super::{OutputLog, OutputOptions};
use std::sync::Arc;

const FINGERPRINT: u64 = 7;

/// Recovers from arbitrary bytes as the only segment: once as they are, once behind a whole header,
/// once as payloads of whole records followed by the rest. Each either fails with an error or gives
/// a log that takes another record and gives all of it back.
///
/// # Panics
/// When the recovery breaks that promise.
pub fn fuzz_recover(bytes: &[u8]) {
    recover_journal(bytes.to_vec());
    recover_journal([&header(Stream::Journal)[..], bytes].concat());
    let mut records = header(Stream::Journal).to_vec();
    let salt = u32::from_le_bytes([records[60], records[61], records[62], records[63]]);
    let (whole, rest) = bytes.split_at(bytes.len() / 2);
    for (seq, payload) in whole.chunks(5).enumerate() {
        let start = SEGMENT_HEADER_BYTES;
        put_record(&mut records, salt, seq as u64 + 1, start, 1, [payload, &[]]);
    }
    records.extend_from_slice(rest);
    recover_journal(records);
    recover_outputs(bytes.to_vec());
    recover_outputs([&header(Stream::Output)[..], bytes].concat());
}

fn recover_journal(segment: Vec<u8>) {
    let memory = Arc::new(MemoryDisk::default());
    memory.put(&Stream::Journal.file_name(1), segment);
    let disk: Arc<dyn Disk> = memory;
    inspect(&disk, Stream::Journal).expect("memory can be listed");
    let options = Options {
        segment_bytes: SEGMENT_BYTES_MIN,
        preparation: Preparation::Inline,
        ..Options::new(FINGERPRINT, 0)
    };
    let Ok((mut journal, recovered)) = Journal::open(Arc::clone(&disk), options) else {
        return;
    };
    let added = recovered.last_seq + 1;
    journal
        .append(added, 9, b"added")
        .expect("an open journal takes the next record");
    assert_eq!(journal.close().expect("memory does not fail"), added);
    let (journal, again) = Journal::open(disk, options).expect("a closed journal opens");
    assert!(again.clean && again.torn.is_none() && again.last_seq == added);
    let mut records = journal
        .records(again.first_seq)
        .expect("the first record is there");
    let mut expected = again.first_seq;
    while let Some(record) = records.next().expect("a recovered journal is whole") {
        assert_eq!(record.seq, expected);
        assert!(expected < added || (record.kind, record.payload) == (9, &b"added"[..]));
        expected += 1;
    }
    assert_eq!(expected, added + 1);
}

fn recover_outputs(segment: Vec<u8>) {
    let memory = Arc::new(MemoryDisk::default());
    memory.put(&Stream::Output.file_name(1), segment);
    let options = OutputOptions {
        segment_bytes: SEGMENT_BYTES_MIN,
        bytes_max: 1 << 20,
        fingerprint: FINGERPRINT,
        epoch: 0,
        first_seq: 1,
        journal_end: Some(3),
        preparation: Preparation::Inline,
    };
    let Ok((log, recovered)) = OutputLog::open(memory, options) else {
        return;
    };
    assert!(recovered.last.seq <= 3);
    let mut reader = log.reader();
    let mut cursor = recovered.from;
    loop {
        let batch = reader
            .read_from(cursor, 64)
            .expect("a recovered log is whole");
        assert!(batch.is_empty() || batch.next > cursor);
        if batch.is_empty() {
            break;
        }
        cursor = batch.next;
    }
    assert_eq!(cursor, recovered.last);
}

fn header(stream: Stream) -> [u8; SEGMENT_HEADER_BYTES as usize] {
    let mut header = SegmentHeader {
        stream,
        fingerprint: FINGERPRINT,
        epoch: 0,
        ordinal: 1,
        first_seq: 1,
        previous: super::layout::Key::default(),
        previous_end: 0,
        checksum: 0,
    };
    header.seal()
}
