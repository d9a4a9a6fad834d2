use super::*;
use proptest::prelude::*;

#[test]
fn what_was_synced_is_read_back_on_a_real_disk() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let disk = FileDisk::new(directory.path()).unwrap();
        let options = Options {
            segment_bytes: 4_096,
            ..Options::new(FINGERPRINT, 0)
        };
        Journal::open(disk, options).unwrap()
    };
    let (mut journal, recovered) = open();
    let empty = Recovered {
        first_seq: 1,
        last_seq: 0,
        clean: false,
        torn: None,
        new_epoch: false,
    };
    assert_eq!(recovered, empty);
    let mut expected = Vec::new();
    for seq in 1..=1_000u64 {
        let payload = vec![seq as u8; seq as usize % 70];
        journal.append(seq, 1 + seq as u16 % 3, &payload).unwrap();
        expected.push((seq, 1 + seq as u16 % 3, payload));
        if seq % 7 == 0 {
            assert_eq!(journal.sync().unwrap(), seq);
        }
    }
    assert_eq!(journal.durable_seq(), 994);
    assert_eq!(journal.close().unwrap(), 1_000);
    let (mut journal, recovered) = open();
    assert_eq!(recovered.last_seq, 1_000);
    assert!(recovered.clean && recovered.torn.is_none());
    assert_eq!(all(&journal).unwrap(), expected);
    let mut records = journal.records(777).unwrap();
    assert_eq!(records.next().unwrap().unwrap().seq, 777);
    journal.append(1_001, 1, b"more").unwrap();
    drop(journal);
    let (journal, recovered) = open();
    assert_eq!(
        (recovered.last_seq, recovered.clean),
        (1_000, false),
        "never synced"
    );
    assert_eq!(all(&journal).unwrap(), expected);
}

#[test]
fn sequences_rise_by_one_and_limits_are_told() {
    let (mut journal, _) = Journal::open(memory(), options(512)).unwrap();
    journal.append(1, 1, b"one").unwrap();
    for given in [0, 1, 3] {
        let error = journal.append(given, 1, b"").unwrap_err();
        assert!(matches!(error, JournalError::Sequence { expected: 2, given: g } if g == given));
    }
    let error = journal.append(2, KIND_MARK, b"").unwrap_err();
    assert!(matches!(error, JournalError::ReservedKind));
    let error = journal.append(2, 1, &[0; 427]).unwrap_err();
    assert!(matches!(
        error,
        JournalError::TooLarge {
            bytes: 427,
            max: 426
        }
    ));
    journal.append(2, 1, &[7; 426]).unwrap();
    journal.sync().unwrap();
    assert_eq!(all(&journal).unwrap().len(), 2);
    assert!(matches!(
        journal.records(4),
        Err(JournalError::BeyondEnd { asked: 4, last: 2 })
    ));
    assert!(matches!(
        Journal::open(memory(), options(100)).err(),
        Some(JournalError::Options(_))
    ));
}

#[test]
fn a_reader_follows_the_writer_only_to_the_durable_end() {
    let (mut journal, _) = Journal::open(memory(), options(512)).unwrap();
    let mut records = journal.records(1).unwrap();
    assert_eq!(records.next().unwrap(), None);
    let mut seen = 0_u64;
    for seq in 1..=200 {
        journal.append(seq, 1, &seq.to_le_bytes()).unwrap();
        // A full segment is synced by the append that needs the next one.
        let durable = journal.durable_seq();
        assert!(durable < seq);
        while let Some(record) = records.next().unwrap() {
            seen += 1;
            assert!(record.seq == seen && seen <= durable, "not durable yet");
        }
        if seq % 9 == 0 {
            journal.sync().unwrap();
        }
        while let Some(record) = records.next().unwrap() {
            seen += 1;
            assert_eq!(
                (record.seq, record.payload),
                (seen, &seen.to_le_bytes()[..])
            );
        }
        assert_eq!(seen, journal.durable_seq());
    }
}

#[test]
fn other_rules_are_refused_and_a_new_epoch_begins_behind_them() {
    let disk = memory();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), options(512)).unwrap();
    for seq in 1..=30 {
        journal.append(seq, 1, b"old rules").unwrap();
    }
    journal.close().unwrap();
    assert_eq!(
        newest_epoch(&disk, Stream::Journal).unwrap(),
        Some((0, FINGERPRINT))
    );
    let other = Options {
        fingerprint: 0xbeef,
        ..options(512)
    };
    let error = Journal::open(Arc::clone(&disk), other)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("0x000000000000feed") && error.contains("0x000000000000beef"),
        "{error}"
    );
    let next = Options { epoch: 1, ..other };
    let (mut journal, recovered) = Journal::open(Arc::clone(&disk), next).unwrap();
    assert_eq!((recovered.last_seq, recovered.new_epoch), (30, true));
    journal.append(31, 1, b"new rules").unwrap();
    journal.sync().unwrap();
    assert!(matches!(
        all(&journal),
        Err(JournalError::Fingerprint { .. })
    ));
    let mut records = journal.records(31).unwrap();
    assert_eq!(records.next().unwrap().unwrap().payload, b"new rules");
    drop(journal);
    assert!(matches!(
        Journal::open(Arc::clone(&disk), options(512)).err(),
        Some(JournalError::Fingerprint { .. })
    ));
    let (journal, recovered) = Journal::open(disk, next).unwrap();
    assert_eq!((recovered.last_seq, recovered.new_epoch), (31, false));
    assert_eq!(
        journal.records(31).unwrap().next().unwrap().unwrap().seq,
        31
    );
}

#[test]
fn trimming_removes_whole_segments_and_says_what_is_gone() {
    let disk = memory();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), options(512)).unwrap();
    for seq in 1..=100 {
        journal.append(seq, 1, &[1; 40]).unwrap();
    }
    journal.sync().unwrap();
    let files = disk.list().unwrap().len();
    let removed = journal.trim_before(50).unwrap();
    assert!(removed > 0);
    assert_eq!(disk.list().unwrap().len(), files - removed);
    let first = journal.first_seq();
    assert!(first > 1 && first <= 50, "{first}");
    assert_eq!(all(&journal).unwrap().len() as u64, 101 - first);
    assert!(matches!(
        journal.records(1),
        Err(JournalError::Trimmed { asked: 1, .. })
    ));
    assert_eq!(journal.trim_before(50).unwrap(), 0);
    journal.trim_before(u64::MAX).unwrap();
    journal.append(101, 1, b"").unwrap();
    journal.close().unwrap();
    let (_, recovered) = Journal::open(disk, options(512)).unwrap();
    assert_eq!(recovered.last_seq, 101);
}

#[test]
fn a_journal_may_begin_behind_a_snapshot() {
    let start = Options {
        first_seq: 1_000,
        ..options(512)
    };
    let disk = memory();
    let (mut journal, recovered) = Journal::open(Arc::clone(&disk), start).unwrap();
    assert_eq!((recovered.first_seq, recovered.last_seq), (1_000, 999));
    assert!(journal.append(1, 1, b"").is_err());
    journal.append(1_000, 1, b"").unwrap();
    journal.close().unwrap();
    let (journal, recovered) = Journal::open(disk, options(512)).unwrap();
    assert_eq!((recovered.first_seq, recovered.last_seq), (1_000, 1_000));
    assert!(matches!(
        journal.records(999),
        Err(JournalError::Trimmed { first: 1_000, .. })
    ));
}

#[test]
fn a_changed_segment_size_and_leftover_files_do_no_harm() {
    let disk = memory();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), options(512)).unwrap();
    journal.append(1, 1, b"first").unwrap();
    journal.close().unwrap();
    disk.create_zeroed("journal-0000000002.seg", 512).unwrap();
    disk.create_zeroed("notes.txt", 3).unwrap();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), options(2_048)).unwrap();
    for seq in 2..=40 {
        journal.append(seq, 1, &[3; 60]).unwrap();
    }
    journal.close().unwrap();
    let (journal, recovered) = Journal::open(disk, options(512)).unwrap();
    assert_eq!(recovered.last_seq, 40);
    assert_eq!(all(&journal).unwrap().len(), 40);
}

#[test]
fn an_inspection_counts_what_is_there() {
    let disk = memory();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), options(512)).unwrap();
    for seq in 1..=50 {
        journal
            .append(seq, if seq % 5 == 0 { 9 } else { 2 }, &[1; 10])
            .unwrap();
    }
    journal.close().unwrap();
    let found = inspect(&disk, Stream::Journal).unwrap();
    assert_eq!(
        (found.first_seq, found.last_seq, found.records),
        (Some(1), Some(50), 50)
    );
    assert_eq!(found.bytes, 50 * 32);
    assert_eq!(
        found.kinds[&2],
        KindSummary {
            records: 40,
            bytes: 40 * 32
        }
    );
    assert_eq!(
        found.kinds[&9],
        KindSummary {
            records: 10,
            bytes: 10 * 32
        }
    );
    assert!(found.clean && found.torn.is_none() && found.damage.is_empty());
    assert!(found.segments.len() > 2);
    assert_eq!(
        found
            .segments
            .iter()
            .map(|segment| segment.records)
            .sum::<u64>(),
        50
    );
    let again = inspect(&disk, Stream::Journal).unwrap();
    assert_eq!(found, again, "looking changes nothing");
}

proptest! {
    #[test]
    fn recovery_never_panics_on_arbitrary_bytes(
        bytes in prop::collection::vec(prop_oneof![3 => Just(0u8), 2 => any::<u8>()], 0..900),
    ) {
        fuzz::fuzz_recover(&bytes);
    }
}
