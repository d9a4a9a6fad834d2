use super::*;
use proptest::prelude::*;

/// A journal, and what it holds where.
struct Written {
    disk: Arc<dyn Disk>,
    /// Per record: file, offset, end.
    places: Vec<(String, usize, usize)>,
    records: Vec<(u64, u16, Vec<u8>)>,
}

fn write(batches: &[Vec<u8>], segment_bytes: u32, close: bool) -> Written {
    let disk = memory();
    let (mut journal, _) = Journal::open(Arc::clone(&disk), options(segment_bytes)).unwrap();
    let mut records = Vec::new();
    for batch in batches {
        for length in batch {
            let seq = records.len() as u64 + 1;
            let payload = vec![seq as u8 | 1; usize::from(*length)];
            journal.append(seq, kind(*length), &payload).unwrap();
            records.push((seq, kind(*length), payload));
        }
        journal.sync().unwrap();
    }
    if close {
        journal.close().unwrap();
    }
    let places = places(&disk);
    Written {
        disk,
        places,
        records,
    }
}

/// No byte of it is zero, so that no record ends in a zero that a cut would not change.
fn kind(length: u8) -> u16 {
    0x0101 + u16::from(length) % 5
}

/// Where the journal's records lie, found without the code under test: from their layout.
fn places(disk: &Arc<dyn Disk>) -> Vec<(String, usize, usize)> {
    let mut places = Vec::new();
    for (name, _) in disk.list().unwrap() {
        let bytes = file(disk, &name);
        let mut at = 64;
        while at + 22 <= bytes.len() && bytes[at..at + 22] != [0; 22] {
            let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            places.push((name.clone(), at, at + 22 + length));
            at += 22 + length;
        }
    }
    places
}

fn batches() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(0u8..60, 1..5), 2..6)
}

/// Opens and reads everything.
fn read(disk: Arc<dyn Disk>, segment_bytes: u32) -> Result<Vec<(u64, u16, Vec<u8>)>, JournalError> {
    Journal::open(disk, options(segment_bytes)).and_then(|(journal, _)| all(&journal))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_truncation_keeps_exactly_the_whole_records(batches in batches()) {
        let written = write(&batches, 4_096, false);
        let name = &written.places[0].0;
        let whole = file(&written.disk, name);
        let end = written.places.last().unwrap().2;
        for length in 0..=end + 30 {
            // The first record is the mark of opening.
            let left = written.places.iter().filter(|place| place.2 <= length).count();
            let expected = &written.records[..left.saturating_sub(1)];
            let mut zeroed = whole[..length].to_vec();
            for cut in [whole[..length].to_vec(), { zeroed.resize(whole.len(), 0); zeroed }] {
                let disk = copy_with(&written.disk, name, cut);
                let (mut journal, recovered) = Journal::open(disk, options(4_096)).unwrap();
                prop_assert_eq!(all(&journal).unwrap(), expected);
                // A cut inside a record's leading zeros is not seen: nothing of it is there.
                if let Some(torn) = &recovered.torn {
                    let front = written.places.iter().map(|place| place.2).rfind(|end| *end <= length);
                    let offset = front.unwrap_or(if length < 64 { 0 } else { 64 });
                    prop_assert_eq!((&torn.file, torn.offset), (name, offset as u64));
                    prop_assert!(torn.offset + torn.bytes <= length as u64);
                }
                let next = recovered.last_seq + 1;
                journal.append(next, 3, b"after the cut").unwrap();
                journal.sync().unwrap();
                prop_assert_eq!(all(&journal).unwrap().len() as u64, next);
            }
        }
    }

    #[test]
    fn every_flipped_byte_before_the_last_batch_is_refused_with_its_place(
        batches in batches(), small in any::<bool>(), bit in 0u8..8,
    ) {
        let segment_bytes = if small { 512 } else { 4_096 };
        let written = write(&batches, segment_bytes, true);
        let names: Vec<String> = written.disk.list().unwrap().into_iter().map(|file| file.0).collect();
        let last = written.places.last().unwrap();
        for name in &names {
            let whole = file(&written.disk, name);
            for at in 0..whole.len() {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                let found = read(copy_with(&written.disk, name, flipped), segment_bytes);
                let hit = written.places.iter().find(|p| p.0 == *name && (p.1..p.2).contains(&at));
                match hit {
                    Some(place) if place != last => {
                        let error = found.unwrap_err();
                        prop_assert!(
                            matches!(&error, JournalError::Damaged { file, offset, .. }
                                if file == name && *offset == place.1 as u64),
                            "byte {} of {}: {}", at, name, error
                        );
                    }
                    None if at < 64 => {
                        let error = found.unwrap_err();
                        prop_assert!(
                            matches!(&error, JournalError::Damaged { file, offset: 0, .. }
                                if file == name),
                            "byte {} of {}: {}", at, name, error
                        );
                    }
                    // The mark of closing, or zeros behind the end.
                    _ => prop_assert_eq!(found.unwrap(), written.records.clone()),
                }
            }
        }
    }

    #[test]
    fn any_pieces_of_the_last_batch_may_be_missing(
        batches in batches(), last in prop::collection::vec(0u8..200, 1..40), mask in any::<u64>(),
    ) {
        let mut batches = batches;
        let synced: usize = batches.iter().map(Vec::len).sum();
        batches.push(last);
        let written = write(&batches, 32_768, false);
        let name = &written.places[0].0;
        let mut bytes = file(&written.disk, name);
        let start = written.places[synced].2;
        let end = written.places.last().unwrap().2;
        for (number, piece) in bytes[start..end].chunks_mut(64).enumerate() {
            if mask >> (number % 64) & 1 == 1 {
                piece.fill(0);
            }
        }
        let found = read(copy_with(&written.disk, name, bytes), 32_768).unwrap();
        prop_assert!(found.len() >= synced);
        prop_assert_eq!(&found[..], &written.records[..found.len()]);
    }
}

#[test]
fn a_missing_or_short_segment_is_named() {
    let written = write(&[vec![40; 30], vec![40; 30]], 512, true);
    written.disk.remove("journal-0000000003.seg").unwrap();
    let error = read(Arc::clone(&written.disk), 512).unwrap_err();
    let named = |error: &JournalError, name: &str| matches!(error, JournalError::Missing { file, .. } if file == name);
    assert!(named(&error, "journal-0000000003.seg"), "{error}");
    let written = write(&[vec![40; 30], vec![40; 30]], 512, true);
    let name = "journal-0000000002.seg";
    let short = file(&written.disk, name)[..300].to_vec();
    let error = read(copy_with(&written.disk, name, short), 512).unwrap_err();
    assert!(named(&error, name), "{error}");
}

#[test]
fn a_segment_of_another_journal_is_refused() {
    let one = write(&[vec![40; 30]], 512, true);
    let other = write(&[vec![41; 30]], 512, true);
    let name = "journal-0000000002.seg";
    let error = read(copy_with(&one.disk, name, file(&other.disk, name)), 512).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    let later = memory();
    let behind = Options {
        first_seq: 1_000,
        ..options(512)
    };
    let (mut journal, _) = Journal::open(Arc::clone(&later), behind).unwrap();
    for seq in 1_000..1_030 {
        journal.append(seq, 1, &[5; 40]).unwrap();
    }
    journal.close().unwrap();
    let last = one.disk.list().unwrap().pop().unwrap().0;
    let error = read(copy_with(&one.disk, &last, file(&later, &last)), 512).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

#[test]
fn an_inspection_tells_of_damage_and_reads_on() {
    let written = write(&[vec![40; 30], vec![40; 30]], 512, true);
    let whole = inspect(&written.disk, Stream::Journal).unwrap();
    let name = "journal-0000000002.seg";
    let mut bytes = file(&written.disk, name);
    bytes[200] ^= 1;
    let found = inspect(&copy_with(&written.disk, name, bytes), Stream::Journal).unwrap();
    assert!(
        found.damage.iter().any(|damage| damage.text.contains(name)),
        "{:?}",
        found.damage
    );
    assert_eq!(found.segments.len(), whole.segments.len());
    assert!(found.records < whole.records && found.last_seq == Some(60));
}
