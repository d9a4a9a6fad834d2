use super::*;
use crate::journal::OutputReader;

/// Keys of all outputs in the log.
fn keys(mut reader: OutputReader) -> Vec<Cursor> {
    let batch = reader.read_from(reader.from(), usize::MAX).unwrap();
    batch.iter().map(|output| output.at).collect()
}

#[test]
fn a_first_start_is_told_from_a_clean_and_from_an_unclean_one() {
    let (_, disk) = memory();
    let first = open(&disk).unwrap();
    assert!(first.report.first_start && first.last == 0 && first.epoch == 1);
    let mut bench = Bench::of(first);
    bench.run(10);
    bench.snapshot();
    bench.close();
    let clean = open(&disk).unwrap();
    assert!(clean.report.clean && !clean.report.first_start);
    assert_eq!(
        (clean.report.snapshot_seq, clean.report.replayed),
        (Some(10), 0)
    );
    let mut bench = Bench::of(clean);
    bench.run(15);
    drop(bench);
    let unclean = open(&disk).unwrap();
    assert!(!unclean.report.clean);
    assert_eq!(unclean.report.replayed, 5);
    assert_eq!(unclean.machine.state_hash(), hash_after(15));
}

#[test]
fn a_damaged_snapshot_falls_back_to_the_one_before_and_says_so() {
    let (memory, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    for end in [100, 200] {
        bench.run(end);
        bench.snapshot();
    }
    bench.run(230);
    bench.close();
    break_snapshot(&memory, 200);
    let recovered = open(&disk).unwrap();
    assert_eq!(recovered.report.snapshot_seq, Some(100));
    assert_eq!(recovered.report.replayed, 130);
    assert_eq!(recovered.machine.state_hash(), hash_after(230));
    let remarks = recovered.report.remarks.join("\n");
    assert!(remarks.contains("snapshot 200 passed over"), "{remarks}");
    drop(recovered);
    break_snapshot(&memory, 100);
    let from_the_front = open(&disk).unwrap();
    assert_eq!(from_the_front.report.snapshot_seq, None);
    assert_eq!(from_the_front.machine.state_hash(), hash_after(230));
}

#[test]
fn without_a_usable_snapshot_a_trimmed_journal_is_refused() {
    let (memory, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(600);
    bench.snapshot();
    assert!(bench.journal.trim_before(600).unwrap() > 0);
    bench.close();
    assert_eq!(open(&disk).unwrap().machine.state_hash(), hash_after(600));
    break_snapshot(&memory, 600);
    let Err(error) = open(&disk) else {
        panic!("a state was made out of nothing");
    };
    assert!(matches!(error, RecoveryError::NoStart { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("snapshot 600 passed over"), "{text}");
}

#[test]
fn outputs_that_the_log_lacks_are_made_again_and_none_twice() {
    let (memory, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(40);
    bench.snapshot();
    bench.run(80);
    let whole = keys(bench.log.reader());
    assert!(whole.len() > 15);
    bench.close();
    // The output log as it stood at input 40, with its segments behind it lost.
    let cut = OutputLog::open(
        disk.clone(),
        OutputOptions {
            segment_bytes: 4_096,
            bytes_max: 1 << 30,
            fingerprint: FINGERPRINT,
            epoch: 1,
            first_seq: 1,
            journal_end: Some(60),
            preparation: Preparation::Inline,
        },
    );
    assert!(cut.unwrap().1.cut);
    let recovered = open(&disk).unwrap();
    assert_eq!(keys(recovered.log.reader()), whole);
    drop((recovered, memory));
}

#[test]
fn a_snapshot_ahead_of_either_log_is_not_used() {
    let (_, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(50);
    bench.snapshot();
    bench.run(90);
    let (seq, state_hash) = (90, bench.machine.state_hash());
    let meta = SnapshotMeta {
        seq,
        fingerprint: FINGERPRINT,
        epoch: 1,
        state_hash,
    };
    // Without its checkpoint: the log's last output is of input 88.
    bench
        .snapshots
        .write(&meta, &bench.machine.snapshot())
        .unwrap();
    bench.close();
    let recovered = open(&disk).unwrap();
    assert_eq!(recovered.report.snapshot_seq, Some(50));
    assert_eq!(recovered.machine.state_hash(), hash_after(90));
}

/// Puts the files of one stream back as they were.
fn put_back(memory: &MemoryDisk, files: &[(String, Vec<u8>)], stream: Stream) {
    for (name, _) in memory.list().unwrap() {
        if stream.ordinal_of(&name).is_some() {
            memory.remove(&name).unwrap();
        }
    }
    for (name, bytes) in files {
        if stream.ordinal_of(name).is_some() {
            memory.put(name, bytes.clone());
        }
    }
}

/// Every file with what it holds.
type Files = Vec<(String, Vec<u8>)>;

fn files(memory: &MemoryDisk) -> Files {
    let listed = memory.list().unwrap().into_iter();
    let read = |(name, bytes): (String, u64)| {
        let mut held = vec![0; bytes as usize];
        memory.open(&name).unwrap().read_at(0, &mut held).unwrap();
        (name, held)
    };
    listed.map(read).collect()
}

#[test]
fn a_snapshot_of_a_lost_history_is_never_used_when_the_journal_passes_it() {
    let (memory, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(80);
    bench.snapshot();
    bench.run(90);
    let before = files(&memory);
    bench.run(100);
    bench.snapshot();
    bench.close();
    // A copy of the folder, journal first: it ends at 90, beside a snapshot of 100.
    put_back(&memory, &before, Stream::Journal);
    put_back(&memory, &before, Stream::Output);
    assert!(
        crate::verify::verify(&disk, &mut |_, _| {})
            .unwrap()
            .faults
            .iter()
            .any(|fault| fault.text.contains("snapshot 100"))
    );
    let recovered = open(&disk).unwrap();
    assert_eq!(recovered.report.snapshot_seq, Some(80));
    let remarks = recovered.report.remarks.join("\n");
    assert!(remarks.contains("snapshot 100 set aside"), "{remarks}");
    let mut bench = Bench::of(recovered);
    bench.run_as(120, |seq| input(seq + 1));
    let hash = bench.machine.state_hash();
    drop(bench);
    let recovered = open(&disk).unwrap();
    assert_eq!(recovered.report.snapshot_seq, Some(80));
    assert_eq!(recovered.machine.state_hash(), hash);
    assert_eq!(recovered.snapshots.sequences().unwrap(), [80]);
    assert!(files(&memory).iter().any(|file| file.0.ends_with(".ahead")));
}

#[test]
fn a_lost_output_log_begins_behind_a_snapshot_that_the_journal_holds() {
    let (memory, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(80);
    bench.snapshot();
    bench.run(90);
    let before = files(&memory);
    bench.run(100);
    bench.snapshot();
    bench.close();
    put_back(&memory, &before, Stream::Journal);
    put_back(&memory, &[], Stream::Output);
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(95);
    assert_eq!(
        keys(bench.log.consumers().reader())
            .iter()
            .map(|at| at.seq)
            .collect::<Vec<_>>(),
        [84, 88, 92]
    );
}

#[test]
fn inputs_that_are_gone_are_told_with_the_orders_sent_in_them() {
    let (memory, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(60);
    let before = files(&memory);
    bench.run(80);
    let submit = crate::event::Submit {
        id: crate::ids::OrderId(80),
        ..lost_order()
    };
    bench.send(81, submit);
    bench.close();
    // A disk that confirmed what it had not written: the journal ends earlier than what left because of it.
    put_back(&memory, &before, Stream::Journal);
    let recovered = open(&disk).unwrap();
    let lost = recovered.report.lost.as_ref().unwrap();
    assert_eq!((lost.first, lost.last), (61, 81));
    assert_eq!((lost.sent, lost.orders.as_slice()), (1, &[submit.id][..]));
    let kept = lost.kept.clone().unwrap();
    let text = files(&memory)
        .into_iter()
        .find(|file| file.0 == kept)
        .unwrap()
        .1;
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text.lines().count() as u64, lost.outputs);
    assert!(text.contains("81.0 at "), "{text}");
    assert_eq!(keys(recovered.log.reader()).last().unwrap().seq, 60);
    let remarks = recovered.report.remarks.join("\n");
    assert!(
        remarks.contains("inputs 61 to 81 were recorded and are gone"),
        "{remarks}"
    );
    let number = |recovered: &Recovered, seq| recovered.epochs.of(seq).unwrap().number;
    let before_and_behind = |recovered: &Recovered| [60, 61, 81].map(|seq| number(recovered, seq));
    assert_eq!(
        before_and_behind(&recovered),
        [1, 2, 2],
        "no id comes again"
    );
    assert_eq!(recovered.epoch, 1, "the rules are the same");
    let told = recovered.report.lost.clone();
    drop(recovered);
    let again = open(&disk).unwrap();
    assert_eq!(again.report.lost, told, "told until it is settled");
    assert_eq!(before_and_behind(&again), [1, 2, 2], "begun once");
    assert_eq!(again.epochs.newest(), 2);
    settled(&disk).unwrap();
    settled(&disk).unwrap();
    drop(again);
    let silent = open(&disk).unwrap();
    assert_eq!(silent.report.lost, None);
    assert_eq!(before_and_behind(&silent), [1, 2, 2]);
}

/// A journal of 60 inputs beside an output log of 81, the last of which sent an order; and the files as they were before
/// a start cuts that log.
fn with_a_loss() -> (Arc<MemoryDisk>, Arc<dyn Disk>, Files) {
    let (memory, disk) = memory();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(60);
    let before = files(&memory);
    bench.run(80);
    bench.send(81, lost_order());
    bench.close();
    let behind = files(&memory);
    put_back(&memory, &before, Stream::Journal);
    (memory, disk, behind)
}

#[test]
fn a_loss_that_a_start_was_killed_over_is_found_again_and_counted_once() {
    let (memory, disk, behind) = with_a_loss();
    let first = open(&disk).unwrap().report.lost;
    // As if it had been killed before it cut the output log.
    put_back(&memory, &behind, Stream::Output);
    let second = open(&disk).unwrap().report.lost;
    assert_eq!(second, first);
    assert_eq!(second.map(|lost| lost.sent), Some(1));
}

#[test]
fn two_losses_are_told_as_one_until_both_are_settled() {
    let (memory, disk, _) = with_a_loss();
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(100);
    let before = files(&memory);
    bench.run(120);
    bench.close();
    put_back(&memory, &before, Stream::Journal);
    for _ in 0..2 {
        let lost = open(&disk).unwrap().report.lost.unwrap();
        assert_eq!((lost.first, lost.last, lost.sent), (61, 120, 1));
        assert_eq!(lost.orders, [lost_order().id]);
    }
    settled(&disk).unwrap();
    assert_eq!(open(&disk).unwrap().report.lost, None);
}

#[test]
fn a_note_of_a_loss_that_cannot_be_read_still_says_that_something_is_gone() {
    let (memory, disk, _) = with_a_loss();
    drop(open(&disk).unwrap());
    for text in ["", "61 8", "61 81 6 1 - 8x\n", "\u{0}\u{0}"] {
        memory.put("lost.pending", text.into());
        let report = open(&disk).unwrap().report;
        assert_eq!(report.lost, Some(Lost::default()), "{text:?}");
        let remarks = report.remarks.join("\n");
        assert!(remarks.contains("recorded inputs are gone"), "{remarks}");
    }
}

#[test]
fn a_look_without_a_journal_sees_what_the_next_start_begins_with() {
    let seen = |disk: &Arc<dyn Disk>| look(disk, &mut |_, _| {});
    let (memory, disk) = memory();
    assert_eq!(seen(&disk).unwrap().last_seq(), 0);
    let mut bench = Bench::of(open(&disk).unwrap());
    bench.run(70);
    bench.snapshot();
    bench.run(90);
    bench.close();
    put_back(&memory, &[], Stream::Journal);
    assert_eq!(seen(&disk).unwrap().state_hash(), hash_after(70));
    let recovered = open(&disk).unwrap();
    assert_eq!(recovered.machine.state_hash(), hash_after(70));
    let lost = recovered.report.lost.as_ref().unwrap();
    assert_eq!((lost.first, lost.last), (71, 88));
    drop(recovered);
    assert_eq!(crate::verify::journal_gone(&disk).unwrap(), None);
    put_back(&memory, &[], Stream::Journal);
    break_snapshot(&memory, 70);
    let refused = seen(&disk).err().unwrap();
    assert!(
        matches!(refused, RecoveryError::NoStart { first_seq: 71, .. }),
        "{refused}"
    );

    let (memory, disk) = self::memory();
    let mut bench = Bench::new(&disk, OLD);
    bench.run(10);
    bench.snapshot();
    bench.close();
    let refused = seen(&disk).err().unwrap();
    assert!(matches!(refused, RecoveryError::Rules { .. }), "{refused}");
    put_back(&memory, &[], Stream::Journal);
    // A state that this build cannot read stops the start, any other goes on under the rules of this build.
    let snapshots = Snapshots::new(disk.clone());
    let whole = snapshots.read(10).unwrap();
    let mut otherwise = whole.payload.clone();
    otherwise[8] ^= 0x40;
    snapshots.write(&whole.meta, &otherwise).unwrap();
    let refused = seen(&disk).err().unwrap();
    assert!(
        matches!(refused, RecoveryError::NoStart { first_seq: 11, .. }),
        "{refused}"
    );
    snapshots.write(&whole.meta, &whole.payload).unwrap();
    assert_eq!(seen(&disk).unwrap().state_hash(), hash_after(10));
    let recovered = open(&disk).unwrap();
    assert_eq!((recovered.epoch, recovered.last), (2, 10));
    assert_eq!(recovered.machine.state_hash(), hash_after(10));
}

#[test]
fn an_error_that_says_its_cause_names_none_beside() {
    let error = RecoveryError::from(JournalError::Io {
        action: "open",
        file: Stream::Journal.file_name(1),
        error: std::io::ErrorKind::NotFound.into(),
    });
    assert!(std::error::Error::source(&error).is_none());
}

/// An order as it goes to a broker.
fn lost_order() -> crate::event::Submit {
    crate::event::Submit {
        id: crate::ids::OrderId(1),
        account: AccountId(1),
        instrument: crate::ids::InstrumentId(1),
        side: crate::event::Side::Buy,
        kind: crate::event::OrderKind::Market,
        tif: crate::event::Tif::Ioc,
        qty: crate::units::Qty(1),
        price: None,
        stop: None,
        expires: None,
        position: None,
        slippage_max: crate::units::Price(0),
        seen: crate::units::Price(1),
        protection: crate::event::Protection {
            stop_loss: None,
            take_profit: None,
            trailing: crate::units::Price(0),
        },
    }
}
