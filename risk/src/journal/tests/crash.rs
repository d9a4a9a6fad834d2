use super::*;
use crate::journal::crash_disk::{CrashDisk, Failure, Random};

/// Histories per test; each has several crashes.
const SEEDS: u64 = 400;

fn payload(random: &mut Random) -> Vec<u8> {
    let length = random.below(90) as usize;
    (0..length).map(|_| random.bits() as u8).collect()
}

fn failure(random: &mut Random) -> Failure {
    [Failure::Refused, Failure::Torn, Failure::Full][random.below(3) as usize]
}

/// Opens after a crash; a disk that fails meanwhile crashes again.
fn open(disk: &mut CrashDisk, random: &mut Random, seed: u64) -> (Journal, Recovered) {
    loop {
        if random.below(3) == 0 {
            disk.fail_after(random.below(12), failure(random));
        }
        match Journal::open(Arc::new(disk.clone()), options(1_024)) {
            Ok(opened) => return opened,
            Err(JournalError::Io { .. } | JournalError::Poisoned(_)) => *disk = disk.restart(),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}

#[test]
fn no_synced_record_is_lost_and_none_is_invented() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let mut disk = CrashDisk::new(seed);
        let mut appended: Vec<Vec<u8>> = Vec::new();
        let mut synced = 0;
        for _ in 0..6 {
            let (mut journal, recovered) = open(&mut disk, &mut random, seed);
            let last = recovered.last_seq as usize;
            assert!(
                last >= synced,
                "seed {seed}: {synced} were synced, {last} came back"
            );
            assert!(last <= appended.len(), "seed {seed}");
            appended.truncate(last);
            let found = all(&journal).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let first = recovered.first_seq as usize - 1;
            assert_eq!(found.len(), last - first, "seed {seed}");
            for (seq, _, bytes) in found {
                assert_eq!(
                    bytes,
                    appended[seq as usize - 1],
                    "seed {seed}, sequence {seq}"
                );
            }
            synced = last;
            if random.below(2) == 0 {
                disk.fail_after(random.below(60), failure(&mut random));
            }
            for _ in 0..random.below(80) {
                let bytes = payload(&mut random);
                if journal
                    .append(appended.len() as u64 + 1, 1, &bytes)
                    .is_err()
                {
                    // It may stand in the buffer or on the disk, or not at all.
                    appended.push(bytes);
                    break;
                }
                appended.push(bytes);
                if random.below(4) == 0 {
                    match journal.sync() {
                        Ok(durable) => assert_eq!(durable as usize, appended.len()),
                        Err(_) => break,
                    }
                }
                if random.below(40) == 0 {
                    let _ = journal.trim_before(journal.durable_seq());
                }
                synced = synced.max(journal.durable_seq() as usize);
            }
            synced = synced.max(journal.durable_seq() as usize);
            if random.below(4) == 0
                && let Ok(durable) = journal.close()
            {
                synced = durable as usize;
            }
            disk = disk.restart();
        }
    }
}

#[test]
fn a_failed_write_or_sync_poisons_for_ever_and_is_never_retried() {
    for (steps, failure, reason) in [
        (0, Failure::Refused, PoisonReason::Write),
        (0, Failure::Torn, PoisonReason::Write),
        (0, Failure::Full, PoisonReason::DiskFull),
        (1, Failure::Refused, PoisonReason::Sync),
        (1, Failure::Torn, PoisonReason::Sync),
        (1, Failure::Full, PoisonReason::DiskFull),
    ] {
        let disk = CrashDisk::new(1);
        let (mut journal, _) = Journal::open(Arc::new(disk.clone()), options(4_096)).unwrap();
        journal.append(1, 1, b"safe").unwrap();
        assert_eq!(journal.sync().unwrap(), 1);
        assert_eq!(journal.poisoned(), None);
        disk.fail_after(steps, failure);
        journal.append(2, 1, b"lost").unwrap();
        assert!(matches!(journal.sync(), Err(JournalError::Poisoned(_))));
        let steps = disk.steps();
        for _ in 0..3 {
            assert!(matches!(
                journal.append(3, 1, b""),
                Err(JournalError::Poisoned(_))
            ));
            assert!(matches!(journal.sync(), Err(JournalError::Poisoned(_))));
        }
        let poison = journal.poisoned().unwrap().clone();
        assert_eq!((poison.reason, poison.durable_seq), (reason, 1));
        assert_eq!(journal.durable_seq(), 1);
        assert_eq!(
            all(&journal).unwrap().len(),
            1,
            "readers see what is durable"
        );
        assert!(journal.close().is_err());
        assert_eq!(disk.steps(), steps, "the disk was not touched again");
    }
}

#[test]
fn a_full_disk_is_told_before_and_when_the_next_segment_is_needed() {
    let disk = CrashDisk::new(1);
    let (mut journal, _) = Journal::open(Arc::new(disk.clone()), options(512)).unwrap();
    for seq in 1..=5 {
        journal.append(seq, 1, &[1; 40]).unwrap();
    }
    journal.sync().unwrap();
    // The write and sync of the old segment come first, then the new file.
    disk.fail_after(2, Failure::Full);
    journal.append(6, 1, &[1; 40]).unwrap();
    let error = journal.append(7, 1, &[1; 300]).unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(journal.poisoned().unwrap().file, "journal-0000000002.seg");
    assert_eq!(journal.durable_seq(), 6);
}

#[test]
fn outputs_survive_crashes_and_cuts() {
    for seed in 0..SEEDS {
        let mut random = Random(seed ^ 0x0a11);
        let mut disk = CrashDisk::new(seed);
        let mut kept: Vec<(Cursor, Vec<u8>)> = Vec::new();
        let mut synced = Cursor::START;
        for _ in 0..5 {
            let end = match random.below(3) {
                0 => Some(random.below(kept.last().map_or(0, |last| last.0.seq) + 2)),
                _ => None,
            };
            if random.below(3) == 0 {
                disk.fail_after(random.below(14), failure(&mut random));
            }
            let opened = OutputLog::open(Arc::new(disk.clone()), outputs::options(1_024, end));
            let (mut log, recovered) = match opened {
                Ok(opened) => opened,
                Err(JournalError::Io { .. } | JournalError::Poisoned(_)) => {
                    // A cut may have happened or not.
                    synced = synced.min(end.map_or(synced, |seq| Cursor {
                        seq,
                        index: u32::MAX,
                    }));
                    disk = disk.restart();
                    continue;
                }
                Err(error) => panic!("seed {seed}: {error}"),
            };
            if let Some(end) = end {
                synced = synced.min(Cursor {
                    seq: end,
                    index: u32::MAX,
                });
                assert!(recovered.last.seq <= end, "seed {seed}");
            }
            kept.retain(|output| output.0 <= recovered.last);
            let expected = kept.iter().filter(|output| output.0 <= synced).count();
            let found = outputs::read_all(&log, recovered.from);
            assert!(found.len() >= expected, "seed {seed}");
            assert_eq!(found, kept, "seed {seed}");
            if random.below(2) == 0 {
                disk.fail_after(random.below(40), failure(&mut random));
            }
            let mut at = recovered.last;
            for _ in 0..random.below(60) {
                at = match random.below(3) {
                    0 if at.seq > 0 => Cursor {
                        seq: at.seq,
                        index: at.index + 1,
                    },
                    step => Cursor {
                        seq: at.seq + 1 + step,
                        index: 0,
                    },
                };
                let bytes = payload(&mut random);
                let appended = log.append(at, 2, &bytes);
                kept.push((at, bytes));
                if appended.is_err() || (random.below(3) == 0 && log.sync().is_err()) {
                    break;
                }
            }
            synced = log.durable();
            disk = disk.restart();
        }
    }
}

#[test]
fn what_only_the_page_cache_held_is_written_again() {
    for new_epoch in [false, true] {
        let disk = CrashDisk::new(3);
        let (mut journal, _) = Journal::open(Arc::new(disk.clone()), options(4_096)).unwrap();
        journal.append(1, 1, &[7; 2_000]).unwrap();
        disk.fail_after(1, Failure::Refused);
        journal.sync().unwrap_err();
        drop(journal);
        // Only the process died: the record is still to be seen, though the disk has lost it.
        let again = Options {
            epoch: u32::from(new_epoch),
            ..options(4_096)
        };
        let (journal, recovered) = Journal::open(Arc::new(disk.clone()), again).unwrap();
        assert_eq!(recovered.last_seq, 1);
        drop(journal);
        let (_, recovered) = Journal::open(Arc::new(disk.crash()), again).unwrap();
        assert_eq!(recovered.last_seq, 1, "it was acknowledged as recovered");
    }
}

#[test]
fn removing_spares_may_be_interrupted() {
    for steps in 0..8 {
        let disk = CrashDisk::new(steps);
        drop(Journal::open(Arc::new(disk.clone()), options(1_024)).unwrap());
        for ordinal in 2..5 {
            disk.create_zeroed(&format!("journal-000000000{ordinal}.seg"), 512)
                .unwrap();
        }
        disk.fail_after(steps, Failure::Refused);
        let _ = Journal::open(Arc::new(disk.clone()), options(1_024));
        let after = Arc::new(disk.crash());
        Journal::open(after, options(1_024)).unwrap_or_else(|error| panic!("{steps}: {error}"));
    }
}
