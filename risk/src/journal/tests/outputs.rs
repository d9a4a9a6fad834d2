use super::*;

pub fn options(segment_bytes: u32, journal_end: Option<u64>) -> OutputOptions {
    OutputOptions {
        segment_bytes,
        bytes_max: 1 << 30,
        fingerprint: FINGERPRINT,
        epoch: 0,
        first_seq: 1,
        journal_end,
        preparation: Preparation::Inline,
    }
}

pub fn read_all(log: &OutputLog, mut cursor: Cursor) -> Vec<(Cursor, Vec<u8>)> {
    let mut reader = log.reader();
    let mut found = Vec::new();
    loop {
        let batch = reader.read_from(cursor, 200).unwrap();
        if batch.is_empty() {
            return found;
        }
        found.extend(
            batch
                .iter()
                .map(|output| (output.at, output.payload.to_vec())),
        );
        cursor = batch.next;
    }
}

fn at(seq: u64, index: u32) -> Cursor {
    Cursor { seq, index }
}

/// Inputs 1 to `inputs`, three outputs each but for every tenth, which has none.
fn fill(log: &mut OutputLog, from: u64, to: u64) {
    for seq in (from..=to).filter(|seq| seq % 10 != 0) {
        for index in 0..3 {
            log.append(at(seq, index), 4, &seq.to_le_bytes()).unwrap();
        }
    }
    log.sync().unwrap();
}

#[test]
fn outputs_are_read_by_cursor_up_to_the_durable_end() {
    let (mut log, recovered) = OutputLog::open(memory(), options(512, None)).unwrap();
    assert_eq!(
        (recovered.last, recovered.from),
        (Cursor::START, Cursor::START)
    );
    fill(&mut log, 1, 40);
    log.append(at(41, 0), 4, b"not synced").unwrap();
    let found = read_all(&log, Cursor::START);
    assert_eq!(found.len(), 36 * 3);
    assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let mut reader = log.reader();
    let batch = reader.read_from(at(17, 1), 16).unwrap();
    let cursors: Vec<Cursor> = batch.iter().map(|output| output.at).collect();
    assert_eq!(cursors, [at(17, 2), at(18, 0)]);
    assert_eq!((batch.next, batch.len()), (at(18, 0), 2));
    assert_eq!(
        reader.read_from(at(20, 5), 1).unwrap().next,
        at(21, 0),
        "between keys"
    );
    assert!(reader.read_from(at(39, 2), 1_000).unwrap().is_empty());
    log.sync().unwrap();
    assert_eq!(reader.read_from(at(39, 2), 1_000).unwrap().next, at(41, 0));
}

#[test]
fn keys_must_ascend_and_a_replay_fills_in_what_is_missing() {
    let (mut log, _) = OutputLog::open(memory(), options(512, None)).unwrap();
    assert!(matches!(
        log.append(at(0, 1), 4, b""),
        Err(JournalError::Sequence { .. })
    ));
    log.append(at(5, 1), 4, b"a").unwrap();
    for key in [at(5, 1), at(5, 0), at(4, 9)] {
        assert!(matches!(
            log.append(key, 4, b""),
            Err(JournalError::Sequence { .. })
        ));
        assert!(!log.append_missing(key, 4, b"").unwrap());
    }
    assert!(log.append_missing(at(5, 2), 4, b"b").unwrap());
    log.sync().unwrap();
    let expected = [(at(5, 1), b"a".to_vec()), (at(5, 2), b"b".to_vec())];
    assert_eq!(read_all(&log, Cursor::START), expected);
}

#[test]
fn trimming_waits_for_the_slowest_reader() {
    let disk = memory();
    let (mut log, _) = OutputLog::open(Arc::clone(&disk), options(512, None)).unwrap();
    fill(&mut log, 1, 100);
    let files = disk.list().unwrap().len();
    assert_eq!(
        log.trim().unwrap(),
        [],
        "nobody reads yet: nothing is known to be done"
    );
    let consumers = log.consumers();
    assert_eq!(
        consumers.set_cursor("store", at(90, 0)).unwrap(),
        CursorState::Following
    );
    assert_eq!(
        consumers.set_cursor("router", at(50, 1)).unwrap(),
        CursorState::Following
    );
    let events = log.trim().unwrap();
    let [LogEvent::Trimmed { segments, from }] = events[..] else {
        panic!("{events:?}")
    };
    assert!(segments > 0 && from <= at(50, 1));
    assert_eq!(disk.list().unwrap().len(), files - segments);
    let left = read_all(&log, at(50, 1));
    assert_eq!(left[0].0, at(50, 1).max(at(51, 0)));
    let error = log.reader().read_from(Cursor::START, 10).unwrap_err();
    assert!(matches!(error, JournalError::Trimmed { .. }), "{error}");
    assert_eq!(
        consumers.set_cursor("late", at(3, 0)).unwrap(),
        CursorState::MustRebuild
    );
    consumers.set_cursor("late", at(3, 0)).unwrap();
    consumers.remove("router");
    let from = consumers.from();
    let events = log.trim().unwrap();
    let [told, LogEvent::Trimmed { .. }] = &events[..] else {
        panic!("{events:?}")
    };
    let (name, at) = ("late".to_owned(), at(3, 0));
    assert_eq!(told, &LogEvent::CutOff { name, at, from });
    consumers.set_cursor("late", at).unwrap();
    assert_eq!(log.trim().unwrap(), [], "told once");
}

#[test]
fn a_reader_that_is_rebuilt_before_it_is_told_of_is_not_told_of() {
    let (mut log, _) = OutputLog::open(memory(), options(512, None)).unwrap();
    fill(&mut log, 1, 100);
    let consumers = log.consumers();
    consumers.set_cursor("quick", log.durable()).unwrap();
    log.trim().unwrap();
    for name in ["rebuilt", "gone"] {
        let state = consumers.set_cursor(name, at(3, 0)).unwrap();
        assert_eq!(state, CursorState::MustRebuild);
    }
    let from = consumers.from();
    consumers.set_cursor("rebuilt", from).unwrap();
    consumers.remove("gone");
    assert_eq!(log.trim().unwrap(), []);
}

#[test]
fn a_reader_that_stays_open_goes_on_behind_what_was_trimmed() {
    let (mut log, _) = OutputLog::open(memory(), options(512, None)).unwrap();
    let consumers = log.consumers();
    let mut reader = log.reader();
    let mut cursor = Cursor::START;
    for round in 0..30 {
        // Until the segment it stands at the end of is followed by another and goes.
        fill(&mut log, round * 7 + 1, round * 7 + 7);
        log.trim().unwrap();
        loop {
            let batch = reader.read_from(cursor, 64).unwrap();
            cursor = batch.next;
            assert_eq!(
                consumers.set_cursor("reader", cursor).unwrap(),
                CursorState::Following
            );
            if batch.is_empty() {
                break;
            }
        }
        assert_eq!(cursor, log.durable());
    }
    assert!(log.reader().read_from(Cursor::START, 64).is_err());
}

#[test]
fn past_the_limit_the_slowest_reader_is_cut_off() {
    let bounded = OutputOptions {
        bytes_max: 512 * 6,
        ..options(512, None)
    };
    let (mut log, _) = OutputLog::open(memory(), bounded).unwrap();
    let consumers = log.consumers();
    consumers.set_cursor("slow", at(2, 0)).unwrap();
    fill(&mut log, 1, 100);
    consumers.set_cursor("quick", log.durable()).unwrap();
    let events = log.trim().unwrap();
    let [
        LogEvent::CutOff {
            name,
            at: was,
            from,
        },
        LogEvent::Trimmed { .. },
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((name.as_str(), *was), ("slow", at(2, 0)));
    assert_eq!(
        consumers.get("slow"),
        Some((at(2, 0), CursorState::MustRebuild))
    );
    assert_eq!(consumers.get("quick").unwrap().1, CursorState::Following);
    assert_eq!(consumers.from(), *from);
    let again = log.trim().unwrap();
    assert!(
        !again
            .iter()
            .any(|event| matches!(event, LogEvent::CutOff { .. })),
        "told once"
    );
    let from = &consumers.from();
    let rebuilt = consumers.set_cursor("slow", *from).unwrap();
    assert_eq!(rebuilt, CursorState::Following);
}

#[test]
fn the_log_is_cut_to_the_end_of_the_journal() {
    for end in [0, 1, 9, 10, 37, 99, 100, 200] {
        let disk = memory();
        let (mut log, _) = OutputLog::open(Arc::clone(&disk), options(512, None)).unwrap();
        fill(&mut log, 1, 99);
        let whole = read_all(&log, Cursor::START);
        log.close().unwrap();
        let (mut log, recovered) = OutputLog::open(disk, options(512, Some(end))).unwrap();
        let expected: Vec<_> = whole
            .into_iter()
            .filter(|output| output.0.seq <= end)
            .collect();
        assert_eq!(
            read_all(&log, Cursor::START),
            expected,
            "journal ends at {end}"
        );
        assert_eq!(
            recovered.last,
            expected.last().map_or(Cursor::START, |last| last.0)
        );
        assert_eq!(recovered.cut, end < 99);
        fill(&mut log, end + 1, end + 30);
        assert!(read_all(&log, Cursor::START).len() > expected.len());
    }
}

#[test]
fn readers_on_other_threads_follow_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let disk = FileDisk::new(directory.path()).unwrap();
    let helper = OutputOptions {
        preparation: Preparation::Helper,
        ..options(4_096, None)
    };
    let (mut log, _) = OutputLog::open(disk, helper).unwrap();
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let mut reader = log.reader();
            std::thread::spawn(move || {
                let (mut cursor, mut count) = (Cursor::START, 0);
                while cursor < at(2_999, 2) {
                    let batch = reader.read_from(cursor, 1_000).unwrap();
                    for output in batch.iter() {
                        assert_eq!(output.payload, output.at.seq.to_le_bytes());
                    }
                    (cursor, count) = (batch.next, count + batch.len());
                    std::thread::yield_now();
                }
                count
            })
        })
        .collect();
    for first in (1..3_000).step_by(100) {
        fill(&mut log, first, first + 99);
    }
    for reader in readers {
        assert_eq!(reader.join().unwrap(), 2_700 * 3);
    }
}

#[test]
fn a_reader_of_a_longer_log_is_not_admitted_however_far_this_one_grows() {
    let (mut log, _) = OutputLog::open(memory(), options(512, None)).unwrap();
    fill(&mut log, 1, 50);
    log.caught_up();
    let consumers = log.consumers();
    assert!(consumers.admit("store", at(49, 2)));
    assert!(!consumers.admit("events", at(60, 0)));
    fill(&mut log, 51, 100);
    assert!(!consumers.admit("events", at(60, 0)));
    assert!(consumers.admit("store", at(60, 0)), "it read that here");
    assert!(consumers.admit("events", at(40, 0)), "rebuilt");
}
