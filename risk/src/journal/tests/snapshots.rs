use super::*;
use crate::journal::crash_disk::{CrashDisk, Failure};

fn meta(seq: u64) -> SnapshotMeta {
    SnapshotMeta {
        seq,
        fingerprint: FINGERPRINT,
        epoch: 2,
        state_hash: seq * 31,
    }
}

fn state(seq: u64) -> Vec<u8> {
    vec![seq as u8; 1_000 + seq as usize]
}

#[test]
fn the_newest_two_are_kept_and_the_newest_is_read() {
    let disk = memory();
    let snapshots = Snapshots::new(Arc::clone(&disk));
    assert_eq!(
        snapshots.newest_good(u64::MAX, None).unwrap(),
        (None, vec![])
    );
    let trims: Vec<u64> = [10, 20, 30]
        .map(|seq| {
            snapshots
                .write(&meta(seq), &state(seq))
                .unwrap()
                .trim_before
        })
        .to_vec();
    assert_eq!(trims, [11, 11, 21]);
    assert_eq!(snapshots.sequences().unwrap(), [20, 30]);
    let (newest, skipped) = snapshots.newest_good(u64::MAX, Some(FINGERPRINT)).unwrap();
    assert_eq!(
        newest,
        Some(Snapshot {
            meta: meta(30),
            payload: state(30)
        })
    );
    assert_eq!(skipped, []);
    let (older, skipped) = snapshots.newest_good(29, Some(FINGERPRINT)).unwrap();
    assert_eq!((older.unwrap().meta.seq, skipped.len()), (20, 1));
    let (none, skipped) = snapshots.newest_good(u64::MAX, Some(1)).unwrap();
    assert_eq!((none, skipped.len()), (None, 2));
    assert!(
        skipped[0].reason.contains("0x000000000000feed"),
        "{}",
        skipped[0].reason
    );
}

#[test]
fn any_flipped_byte_or_cut_makes_the_older_one_the_newest() {
    let disk = memory();
    let snapshots = Snapshots::new(Arc::clone(&disk));
    snapshots.write(&meta(1), &state(1)).unwrap();
    snapshots.write(&meta(2), &state(2)).unwrap();
    let name = "snapshot-00000000000000000002.bin";
    let whole = file(&disk, name);
    let broken = |bytes: Vec<u8>| {
        let damaged = Snapshots::new(copy_with(&disk, name, bytes));
        let (found, skipped) = damaged.newest_good(9, None).unwrap();
        assert_eq!(found.unwrap().meta.seq, 1);
        assert_eq!(skipped[0].file, name);
    };
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        broken(bytes);
        broken(whole[..at].to_vec());
    }
}

#[test]
fn a_crash_while_writing_leaves_an_older_one() {
    for steps in 0..9 {
        for seed in 0..20 {
            let disk = CrashDisk::new(seed);
            let snapshots = Snapshots::new(Arc::new(disk.clone()));
            snapshots.write(&meta(1), &state(1)).unwrap();
            disk.fail_after(steps, Failure::Torn);
            let written = snapshots.write(&meta(2), &state(2)).is_ok();
            let after = Snapshots::new(Arc::new(disk.crash()));
            let (found, _) = after.newest_good(9, None).unwrap();
            let found = found.unwrap();
            assert_eq!(
                found.payload,
                state(found.meta.seq),
                "seed {seed}, step {steps}"
            );
            assert!(!written || found.meta.seq == 2);
            after.write(&meta(3), &state(3)).unwrap();
            let files = after.sequences().unwrap();
            assert!(files.contains(&3) && files.len() <= 2);
        }
    }
}
