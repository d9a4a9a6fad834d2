//! Quotes of the past, against a scan of everything.

use super::*;
use crate::event::{Input, NO_VENUE_TIME, Quote, QuoteKind};
use crate::ids::{InstrumentId, SourceId};
use crate::record::{get_input, put_input};
use crate::units::{Price, Qty, Ts};

const MINUTE: u64 = 60_000_000_000;
const EVERYWHERE: InstrumentId = InstrumentId(1);
const OFTEN: InstrumentId = InstrumentId(2);
/// In inputs 500 to 520 alone.
const RARE: InstrumentId = InstrumentId(3);

/// An input a minute; some entered a little out of order.
fn input(seq: u64) -> Input {
    let back = if seq % 10 == 7 { 3 } else { 0 };
    let ts = Ts((seq - back) * MINUTE);
    let instrument = match seq {
        500..=520 => RARE,
        _ if seq.is_multiple_of(3) => return Input::Clock(ts),
        _ if seq % 7 == 1 => OFTEN,
        _ => EVERYWHERE,
    };
    Input::Quote(Quote {
        ts,
        bid: Price(seq as i64),
        ask: Price(seq as i64 + 1),
        bid_qty: Qty(0),
        ask_qty: Qty(0),
        bid_drop: 0,
        ask_rise: 0,
        venue_lag_us: NO_VENUE_TIME,
        instrument,
        source: SourceId(1),
        merged: 0,
        kind: QuoteKind::Firm,
    })
}

/// Appends inputs up to `to`; the last few of them are not durable yet.
fn fill(journal: &mut Journal, to: u64) {
    for seq in journal.last_seq() + 1..=to {
        let mut payload = Vec::new();
        let kind = put_input(&input(seq), &mut payload);
        journal.append(seq, kind, &payload).unwrap();
        if seq % 7 == 0 {
            journal.sync().unwrap();
        }
    }
}

fn filled(disk: &Arc<dyn Disk>, to: u64) -> Journal {
    let (mut journal, _) = Journal::open(Arc::clone(disk), options(4_096)).unwrap();
    fill(&mut journal, to);
    journal
}

fn all_of(instrument: InstrumentId) -> TickRequest {
    TickRequest {
        instrument,
        from: Ts(0),
        to: Ts(u64::MAX),
        after: 0,
        limit: 7,
    }
}

/// What reading the whole journal finds.
fn scanned(files: &JournalFiles, request: &TickRequest) -> Vec<Tick> {
    let mut records = files.records(files.first_seq()).unwrap();
    let mut found = Vec::new();
    while let Some(record) = records.next().unwrap() {
        let Input::Quote(quote) = get_input(record.kind, record.payload).unwrap() else {
            continue;
        };
        let in_time = quote.ts >= request.from && quote.ts < request.to;
        if quote.instrument == request.instrument && in_time && record.seq > request.after {
            let seq = record.seq;
            found.push(Tick { seq, quote });
        }
    }
    found
}

/// Page behind page.
fn paged(index: &TickIndex, request: &TickRequest) -> Result<Vec<Tick>, JournalError> {
    let (mut request, mut found) = (*request, Vec::new());
    loop {
        let page = index.ticks(&request)?;
        assert!(page.ticks.len() <= request.limit);
        found.extend(page.ticks);
        match page.next {
            Some(next) => {
                assert!(next > request.after, "it goes on");
                request.after = next;
            }
            None => return Ok(found),
        }
    }
}

/// Asks for much and little, and compares with a scan.
fn compare(index: &TickIndex, files: &JournalFiles) {
    let times = [0, 100, 505, 1_990, 5_000];
    for instrument in [EVERYWHERE, OFTEN, RARE, InstrumentId(4)] {
        for from in times {
            for to in times {
                for after in [0, 510, 1_030, 1_999] {
                    let request = TickRequest {
                        from: Ts(from * MINUTE),
                        to: Ts(to * MINUTE),
                        after,
                        limit: 40,
                        ..all_of(instrument)
                    };
                    let found = paged(index, &request).unwrap();
                    assert_eq!(found, scanned(files, &request), "{request:?}");
                }
            }
        }
    }
}

#[test]
fn a_scan_of_the_whole_journal_gives_the_same() {
    let disk = memory();
    let mut journal = filled(&disk, 2_000);
    let files = journal.files();
    assert!(files.segments().len() > 10);
    let index = TickIndex::new(files.clone());
    compare(&index, &files);
    let last = |index: &TickIndex| paged(index, &all_of(EVERYWHERE)).unwrap().pop();
    let before = last(&index).unwrap().seq;
    assert!(before <= journal.durable_seq(), "as far as it is durable");
    fill(&mut journal, 2_020);
    assert!(last(&index).unwrap().seq > before, "it has grown");
    fill(&mut journal, 2_400);
    compare(&index, &files);
    compare(&TickIndex::new(files.clone()), &files);
    assert!(journal.trim_before(700).unwrap() > 0);
    compare(&index, &files);
    assert!(paged(&index, &all_of(RARE)).unwrap().is_empty());
}

#[test]
fn a_page_has_the_limit_and_the_next_one_goes_on_behind_it() {
    let disk = memory();
    let journal = filled(&disk, 600);
    let index = TickIndex::new(journal.files());
    let request = TickRequest {
        limit: 5,
        ..all_of(RARE)
    };
    let seqs = |page: &TickPage| page.ticks.iter().map(|tick| tick.seq).collect::<Vec<_>>();
    let first = index.ticks(&request).unwrap();
    assert_eq!(seqs(&first), [500, 501, 502, 503, 504]);
    assert_eq!(first.next, Some(504));
    let after = 518;
    let last = index.ticks(&TickRequest { after, ..request }).unwrap();
    assert_eq!((seqs(&last), last.next), (vec![519, 520], None));
    let after = 520;
    let none = index.ticks(&TickRequest { after, ..request }).unwrap();
    assert_eq!(none, TickPage::default());
}

#[test]
fn a_question_that_reads_much_is_cut_short_and_goes_on_where_it_was() {
    let disk = memory();
    let journal = filled(&disk, 2_000);
    let files = journal.files();
    let index = || {
        let mut index = TickIndex::new(files.clone());
        index.read_bytes_max = 4_096;
        index
    };
    for instrument in [RARE, EVERYWHERE] {
        let request = TickRequest {
            limit: 10_000,
            ..all_of(instrument)
        };
        let first = index().ticks(&request).unwrap();
        let next = first.next.expect("there is more");
        assert!(next < 200, "after a segment or two: {next}");
        assert!(first.ticks.iter().all(|tick| tick.seq <= next));
        let found = paged(&index(), &request).unwrap();
        assert_eq!(found, scanned(&files, &request));
    }
}

#[cfg(feature = "compress")]
#[test]
fn packed_segments_give_the_same() {
    let disk = memory();
    let journal = filled(&disk, 2_000);
    let files = journal.files();
    let early = TickIndex::new(files.clone());
    assert_eq!(paged(&early, &all_of(RARE)).unwrap().len(), 21);
    for segment in files.segments() {
        files.pack(segment.ordinal).unwrap();
    }
    assert!(files.segments().iter().filter(|s| s.packed).count() > 10);
    compare(&early, &files);
    compare(&TickIndex::new(files.clone()), &files);
    let name = Stream::Journal.file_name(2);
    let bytes = file(&disk, &name).len() as u64;
    flip(&disk, &name, bytes - 10);
    let error = paged(&TickIndex::new(files), &all_of(RARE)).unwrap_err();
    let told = matches!(&error, JournalError::Damaged { file, .. } if *file == name);
    assert!(told, "{error}");
}

#[test]
fn a_damaged_segment_is_told_with_its_place() {
    let disk = memory();
    let journal = filled(&disk, 600);
    let name = Stream::Journal.file_name(3);
    flip(&disk, &name, 700);
    let index = TickIndex::new(journal.files());
    for _ in 0..2 {
        let error = paged(&index, &all_of(RARE)).unwrap_err();
        let JournalError::Damaged { file, offset, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*file, name);
        assert!((600..=700).contains(offset), "{error}");
    }
}

#[test]
fn a_segment_without_the_instrument_is_not_read_again() {
    let disk = memory();
    let journal = filled(&disk, 1_000);
    let index = TickIndex::new(journal.files());
    let before = paged(&index, &all_of(RARE)).unwrap();
    assert_eq!(before.len(), 21);
    // Whoever opens it now fails.
    disk.remove(&Stream::Journal.file_name(2)).unwrap();
    assert_eq!(paged(&index, &all_of(RARE)).unwrap(), before);
    assert!(paged(&index, &all_of(EVERYWHERE)).is_err());
}

#[test]
fn a_segment_whose_file_is_gone_and_whose_place_is_not_counts_as_trimmed() {
    let disk = memory();
    let journal = filled(&disk, 600);
    let files = journal.files();
    let request = all_of(EVERYWHERE);
    let mut expected = scanned(&files, &request);
    let segments = files.segments();
    expected.retain(|tick| tick.seq >= segments[1].first_seq);
    assert!(expected.len() > 100);
    let known = TickIndex::new(files.clone());
    paged(&known, &request).unwrap();
    // As whoever trims does it: the file first.
    let name = Stream::Journal.file_name(segments[0].ordinal);
    disk.remove(&name).unwrap();
    for index in [known, TickIndex::new(files.clone())] {
        assert_eq!(paged(&index, &request).unwrap(), expected);
    }
    // No other file goes before the oldest one.
    let name = Stream::Journal.file_name(segments[2].ordinal);
    disk.remove(&name).unwrap();
    let error = paged(&TickIndex::new(files), &request).unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
}

#[test]
fn a_first_record_that_cannot_be_read_hides_no_later_price() {
    let disk = memory();
    let journal = filled(&disk, 2_000);
    let files = journal.files();
    let late = TickRequest {
        from: Ts(1_990 * MINUTE),
        ..all_of(EVERYWHERE)
    };
    let expected = scanned(&files, &late);
    assert!(!expected.is_empty());
    let segments = files.segments();
    // Far enough before the times asked for.
    let early = segments.iter().filter(|segment| segment.first_seq < 1_800);
    let names: Vec<_> = early
        .map(|segment| Stream::Journal.file_name(segment.ordinal))
        .collect();
    assert!(names.len() > segments.len() / 2, "also the middle one");
    // Its checksum.
    let first = u64::from(crate::journal::layout::SEGMENT_HEADER_BYTES);
    for name in names {
        flip(&disk, &name, first);
        let found = paged(&TickIndex::new(files.clone()), &late).unwrap();
        assert_eq!(found, expected, "{name}");
        let all = paged(&TickIndex::new(files.clone()), &all_of(EVERYWHERE));
        assert!(all.is_err(), "who asks for it is told: {name}");
        flip(&disk, &name, first);
    }
}

/// Changes one bit of a file.
fn flip(disk: &Arc<dyn Disk>, name: &str, at: u64) {
    let file = disk.open(name).unwrap();
    let mut byte = [0];
    file.read_at(at, &mut byte).unwrap();
    file.write_at(at, &[byte[0] ^ 1]).unwrap();
}
