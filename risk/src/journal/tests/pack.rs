use super::*;
use crate::journal::crash_disk::{CrashDisk, Failure};

/// Records that LZ4 can do something with, and some that it cannot.
fn payload(seq: u64) -> Vec<u8> {
    let mut random = crate::journal::crash_disk::Random(seq);
    match seq % 5 {
        0 => (0..40).map(|_| random.bits() as u8).collect(),
        _ => vec![seq as u8; 40 + (seq % 30) as usize],
    }
}

fn filled(disk: Arc<dyn Disk>, to: u64) -> Journal {
    let (mut journal, recovered) = Journal::open(disk, options(4_096)).unwrap();
    for seq in recovered.last_seq + 1..=to {
        journal.append(seq, 3, &payload(seq)).unwrap();
        if seq % 7 == 0 {
            journal.sync().unwrap();
        }
    }
    journal.sync().unwrap();
    journal
}

/// Packs all closed segments; says how many.
fn pack_all(files: &JournalFiles) -> Result<usize, JournalError> {
    let mut packed = 0;
    for segment in files.segments() {
        let packing = files.pack(segment.ordinal)?;
        packed += usize::from(matches!(packing, Packing::Packed { .. }));
    }
    Ok(packed)
}

fn expected(to: u64) -> Vec<(u64, u16, Vec<u8>)> {
    (1..=to).map(|seq| (seq, 3, payload(seq))).collect()
}

#[test]
fn packed_segments_read_as_before_also_while_they_are_packed_and_after_a_start() {
    let disk = memory();
    let journal = filled(disk.clone(), 400);
    let files = journal.files();
    let mut early = journal.records(1).unwrap();
    for seq in 1..=20 {
        assert_eq!(early.next().unwrap().unwrap().seq, seq);
    }
    let before: u64 = files.segments().iter().map(|s| s.file_bytes).sum();
    let packed = pack_all(&files).unwrap();
    assert!(packed >= 5, "{packed}");
    let after: u64 = files.segments().iter().map(|s| s.file_bytes).sum();
    assert!(after < before * 3 / 4, "{before} became {after}");
    assert_eq!(pack_all(&files).unwrap(), 0, "once is enough");
    for seq in 21..=400 {
        let record = early.next().unwrap().unwrap();
        assert_eq!((record.seq, record.payload), (seq, &payload(seq)[..]));
    }
    assert_eq!(all(&journal).unwrap(), expected(400));
    journal.close().unwrap();
    let inspection = inspect(&disk, Stream::Journal).unwrap();
    assert!(inspection.damage.is_empty() && inspection.clean);
    assert_eq!(inspection.records, 400);
    let shown = inspection.segments.iter().filter(|s| s.packed).count();
    assert_eq!(shown, packed);
    let journal = filled(disk.clone(), 500);
    assert_eq!(all(&journal).unwrap(), expected(500));
    assert_eq!(
        journal
            .files()
            .records(123)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .seq,
        123
    );
    let mut journal = journal;
    assert!(journal.trim_before(300).unwrap() > 0);
    assert!(matches!(
        journal.records(1),
        Err(JournalError::Trimmed { .. })
    ));
}

#[test]
fn a_crash_at_any_step_of_packing_leaves_one_whole_form() {
    let mut finished = 0;
    for failure in [Failure::Refused, Failure::Torn, Failure::Full] {
        for step in 0.. {
            let seed = step * 3 + failure as u64;
            let disk = CrashDisk::new(seed);
            let journal = filled(Arc::new(disk.clone()), 150);
            let files = journal.files();
            disk.fail_after(step, failure);
            let ended = pack_all(&files);
            // The process that met the failure goes on reading.
            assert_eq!(all(&journal).unwrap(), expected(150), "seed {seed}");
            drop(journal);
            let after = disk.restart();
            let journal = filled(Arc::new(after.clone()), 160);
            assert_eq!(all(&journal).unwrap(), expected(160), "seed {seed}");
            let left = after.list().unwrap();
            assert!(
                !left.iter().any(|file| file.0.ends_with(".tmp")),
                "{left:?}"
            );
            assert!(pack_all(&journal.files()).is_ok(), "seed {seed}");
            assert_eq!(all(&journal).unwrap(), expected(160), "seed {seed}");
            if ended.is_ok() {
                finished += 1;
                break;
            }
        }
    }
    assert_eq!(finished, 3);
}

#[test]
fn power_lost_at_any_moment_without_a_failure_is_survived_too() {
    for seed in 0..60 {
        let disk = CrashDisk::new(seed);
        let journal = filled(Arc::new(disk.clone()), 200);
        let files = journal.files();
        let segments = files.segments();
        let some = segments[seed as usize % segments.len()];
        files.pack(some.ordinal).unwrap();
        drop(journal);
        let journal = filled(Arc::new(disk.crash()), 210);
        assert_eq!(all(&journal).unwrap(), expected(210), "seed {seed}");
    }
}

#[test]
fn a_flipped_byte_is_told_with_its_place_and_never_read_as_a_record() {
    let disk = memory();
    let journal = filled(disk.clone(), 120);
    let ordinal = journal.files().segments()[0].ordinal;
    journal.files().pack(ordinal).unwrap();
    journal.close().unwrap();
    let name = Stream::Journal.file_name(ordinal);
    let bytes = file(&disk, &name);
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0x10;
        let copy = copy_with(&disk, &name, broken);
        let told = match Journal::open(copy.clone(), options(4_096)) {
            Err(error) => error,
            Ok((journal, _)) => all(&journal).unwrap_err(),
        };
        let text = told.to_string();
        assert!(text.contains(&name), "byte {at}: {text}");
        assert!(!inspect(&copy, Stream::Journal).unwrap().damage.is_empty());
    }
    for length in [0, 30, 64, 70, 90, bytes.len() - 1] {
        let copy = copy_with(&disk, &name, bytes[..length].to_vec());
        let opened = Journal::open(copy, options(4_096));
        assert!(
            opened
                .map(|(journal, _)| all(&journal).is_err())
                .unwrap_or(true)
        );
    }
}

#[test]
fn what_is_damaged_or_written_to_is_not_packed() {
    let disk = memory();
    let journal = filled(disk.clone(), 200);
    let active = *journal.files().segments().last().unwrap();
    assert_eq!(
        journal.files().pack(active.ordinal).unwrap(),
        Packing::Passed
    );
    assert_eq!(journal.files().pack(77).unwrap(), Packing::Passed);
    let name = Stream::Journal.file_name(1);
    let target = disk.open(&name).unwrap();
    let mut byte = [0];
    target.read_at(700, &mut byte).unwrap();
    target.write_at(700, &[byte[0] ^ 1]).unwrap();
    let before = file(&disk, &name);
    let error = journal.files().pack(1).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    assert_eq!(file(&disk, &name), before, "the evidence stays");
}

#[test]
fn a_journal_that_ends_in_a_packed_segment_has_lost_the_others() {
    let disk = memory();
    let journal = filled(disk.clone(), 100);
    let segments = journal.files().segments();
    pack_all(&journal.files()).unwrap();
    journal.close().unwrap();
    disk.remove(&Stream::Journal.file_name(segments.last().unwrap().ordinal))
        .unwrap();
    let Err(error) = Journal::open(disk, options(4_096)) else {
        panic!("it would append to a packed segment");
    };
    assert!(matches!(error, JournalError::Missing { .. }), "{error}");
}
