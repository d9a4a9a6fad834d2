use super::*;

/// A directory that the old build stopped gracefully after `to` inputs.
fn stopped(to: Seq) -> (Arc<MemoryDisk>, Arc<dyn Disk>) {
    let (memory, disk) = memory();
    let mut bench = Bench::new(&disk, OLD);
    bench.run(to / 2);
    bench.snapshot();
    bench.run(to);
    bench.snapshot();
    bench.close();
    (memory, disk)
}

fn refused(disk: &Arc<dyn Disk>) -> Upgrade {
    let before = end(disk);
    let Err(error) = open(disk) else {
        panic!("old inputs would go through new rules");
    };
    assert_eq!(end(disk), before, "the old build can still be started");
    match error {
        RecoveryError::Upgrade(upgrade) => upgrade,
        other => panic!("{other}"),
    }
}

#[test]
fn new_rules_begin_an_epoch_from_the_snapshot_at_the_journals_end() {
    let (_, disk) = stopped(100);
    let recovered = open(&disk).unwrap();
    assert!(recovered.report.new_epoch);
    assert_eq!((recovered.epoch, recovered.last), (2, 100));
    assert_eq!(recovered.report.snapshot_seq, Some(100));
    assert_eq!(recovered.report.replayed, 0, "no old input was replayed");
    assert_eq!(recovered.machine.state_hash(), hash_after(100));
    let said = recovered.report.remarks.join("\n");
    assert!(said.contains("epoch 2 begins at input 101"), "{said}");
    let number = |seq| recovered.epochs.of(seq).unwrap().number;
    assert_eq!([number(4), number(100), number(101)], [1, 1, 2]);
}

#[test]
fn a_crash_before_the_first_snapshot_of_an_epoch_replays_from_its_boundary() {
    let (_, disk) = stopped(100);
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(140);
    drop(bench);
    let recovered = open(&disk).unwrap();
    assert!(!recovered.report.new_epoch);
    assert_eq!(recovered.epoch, 2);
    assert_eq!(recovered.report.snapshot_seq, Some(100));
    assert_eq!(recovered.report.replayed, 40);
    assert_eq!(recovered.machine.state_hash(), hash_after(140));
}

#[test]
fn a_snapshot_inside_the_old_epoch_never_starts_the_new_one() {
    let (memory, disk) = stopped(100);
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(140);
    bench.close();
    break_snapshot(&memory, 100);
    let Err(error) = open(&disk) else {
        panic!("snapshot 50 was replayed through new rules");
    };
    let text = error.to_string();
    assert!(matches!(error, RecoveryError::NoStart { .. }), "{text}");
    assert!(text.contains("inside epoch 1 of other rules"), "{text}");
}

#[test]
fn an_old_journal_that_goes_on_behind_its_snapshot_is_refused() {
    let (_, disk) = memory();
    let mut bench = Bench::new(&disk, OLD);
    bench.run(100);
    bench.snapshot();
    bench.run(103);
    bench.close();
    let upgrade = refused(&disk);
    assert_eq!(upgrade.why, UpgradeFault::NotStopped(Some(100)));
    assert_eq!((upgrade.found, upgrade.journal_end), ((1, OLD), 103));
    let text = upgrade.to_string();
    assert!(text.contains("stop it with SIGTERM"), "{text}");
    assert!(text.contains("input 103"), "{text}");
}

#[test]
fn an_old_journal_without_any_snapshot_is_refused() {
    let (_, disk) = memory();
    let mut bench = Bench::new(&disk, OLD);
    bench.run(5);
    bench.close();
    assert_eq!(refused(&disk).why, UpgradeFault::NotStopped(None));
}

#[test]
fn a_damaged_snapshot_at_the_end_is_refused_although_an_older_one_is_whole() {
    let (memory, disk) = stopped(100);
    break_snapshot(&memory, 100);
    assert!(matches!(refused(&disk).why, UpgradeFault::Damaged(_)));
}

#[test]
fn a_state_laid_out_otherwise_is_refused() {
    let (memory, disk) = memory();
    let mut bench = Bench::new(&disk, OLD);
    bench.run(20);
    let seq = 20;
    bench.snapshot();
    let snapshot = bench.snapshots.read(seq).unwrap();
    let mut payload = snapshot.payload;
    payload[8] ^= 0x40;
    bench.snapshots.write(&snapshot.meta, &payload).unwrap();
    bench.close();
    let upgrade = refused(&disk);
    assert!(matches!(upgrade.why, UpgradeFault::Layout(_)), "{upgrade}");
    drop(memory);
}

#[test]
fn an_output_log_that_the_old_rules_have_not_completed_is_refused() {
    let (_, disk) = memory();
    let mut bench = Bench::new(&disk, OLD);
    bench.run(99);
    let meta = SnapshotMeta {
        seq: 99,
        fingerprint: OLD,
        epoch: 1,
        state_hash: bench.machine.state_hash(),
    };
    let mut payload = bench.machine.snapshot();
    payload[..8].copy_from_slice(&OLD.to_le_bytes());
    bench.snapshots.write(&meta, &payload).unwrap();
    bench.close();
    assert_eq!(refused(&disk).why, UpgradeFault::OutputsBehind(96));
}

#[test]
fn a_directory_in_which_nothing_was_decided_changes_its_rules_freely() {
    let (_, disk) = memory();
    Bench::new(&disk, OLD).close();
    let recovered = open(&disk).unwrap();
    assert_eq!((recovered.epoch, recovered.last), (2, 0));
    let mut bench = Bench::of(recovered);
    bench.run(30);
    drop(bench);
    assert_eq!(open(&disk).unwrap().machine.state_hash(), hash_after(30));
}

#[test]
fn a_look_changes_no_byte_and_refuses_other_rules() {
    let (memory, disk) = memory();
    let hashes = || {
        let listed = memory.list().unwrap().into_iter();
        let read = |(name, bytes): (String, u64)| {
            let mut held = vec![0; bytes as usize];
            memory.open(&name).unwrap().read_at(0, &mut held).unwrap();
            (name, held)
        };
        listed.map(read).collect::<Vec<_>>()
    };
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(70);
    bench.snapshot();
    bench.run(90);
    drop(bench);
    let before = hashes();
    let machine = look(&disk, &mut |_, _| {}).unwrap();
    assert_eq!(machine.state_hash(), hash_after(90));
    assert!(hashes() == before, "the files stay as they were");
    let (memory, disk) = self::memory();
    let mut bench = Bench::new(&disk, OLD);
    bench.run(10);
    bench.snapshot();
    bench.close();
    let before = memory.list().unwrap();
    let Err(error) = look(&disk, &mut |_, _| {}) else {
        panic!("old inputs went through new rules");
    };
    assert!(
        error.to_string().contains("use the build that wrote it"),
        "{error}"
    );
    assert_eq!(memory.list().unwrap(), before);
}
