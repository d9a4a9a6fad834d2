//! Quotes of the past by instrument: a sparse index over the journal's segments, made when somebody asks.

use super::error::JournalError;
use super::files::JournalFiles;
use super::index::SegmentIndex;
use super::layout::{KIND_MARK, Key, SEGMENT_HEADER_BYTES};
use super::survey::Segment;
use super::walk::each;
use crate::codec::decode;
use crate::event::{Quote, Seq};
use crate::ids::InstrumentId;
use crate::record::QUOTE;
use crate::units::Ts;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Segments of which is remembered what they hold: more than a journal of the usual size has.
const SEGMENTS_MAX: usize = 1_024;
/// Inputs between two places in a segment at which reading may begin.
const PLACE_EVERY: u64 = 1_024;
/// Bytes of segments after which a question ends with what it has, so that one who asks for much holds no thread for long.
const READ_BYTES_MAX: u64 = 1 << 30;
/// Times follow the journal's order, except by this much where threads meet or a restart finds the clock set back.
const DISORDER_NS: u64 = 3_600_000_000_000;

/// The journal's quotes by instrument. Clones of [`JournalFiles`] may go on being used beside it.
pub struct TickIndex {
    files: JournalFiles,
    known: Mutex<BTreeMap<u32, Arc<Known>>>,
    pub(super) read_bytes_max: u64,
}

/// Which quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickRequest {
    /// Of this instrument, from any source.
    pub instrument: InstrumentId,
    /// That entered at or after this instant.
    pub from: Ts,
    /// And before this one.
    pub to: Ts,
    /// Behind this input; 0 = from the first one on.
    pub after: Seq,
    /// Most of them.
    pub limit: usize,
}

/// A quote and the sequence of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The sequence.
    pub seq: Seq,
    /// As it was recorded, whether the machine used it or not.
    pub quote: Quote,
}

/// Quotes in the journal's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TickPage {
    /// The quotes.
    pub ticks: Vec<Tick>,
    /// The input behind which to go on; `None` when everything was looked at.
    pub next: Option<Seq>,
}

/// What a segment holds, as far as it was read.
#[derive(Clone)]
struct Known {
    /// Key of the last record looked at, and the offset behind it.
    last: Key,
    end: u32,
    /// Some inputs and their offsets.
    places: Vec<(Seq, u32)>,
    spans: BTreeMap<InstrumentId, Span>,
}

/// First and last input, and first and last time, of an instrument in a segment.
#[derive(Clone, Copy)]
struct Span {
    first: Seq,
    last: Seq,
    earliest: Ts,
    latest: Ts,
}

impl TickIndex {
    /// An index that knows nothing yet.
    pub fn new(files: JournalFiles) -> Self {
        Self {
            files,
            known: Mutex::default(),
            read_bytes_max: READ_BYTES_MAX,
        }
    }

    /// The quotes of an instrument between two instants, in the journal's order. A page may have fewer than the limit,
    /// or none, and still a next one: a question reads so much and no more. What was trimmed is passed over.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] with segment and offset, [`JournalError::Io`].
    pub fn ticks(&self, request: &TickRequest) -> Result<TickPage, JournalError> {
        let index = self.files.index();
        // Asked first: every segment before this one has its end in the list.
        let durable = index.durable();
        let mut segments = index.segments();
        segments.retain(|segment| segment.header.ordinal <= durable.ordinal);
        let oldest = segments.first().map_or(0, |segment| segment.header.ordinal);
        self.lock().retain(|ordinal, _| *ordinal >= oldest);
        let mut page = TickPage::default();
        let mut read = 0;
        for segment in &segments[self.begin(&segments, request)..] {
            let header = segment.header;
            if page.ticks.len() >= request.limit || read >= self.read_bytes_max {
                let looked_at = header.first_seq.saturating_sub(1);
                page.next = Some(looked_at.max(request.after));
                break;
            }
            let closed = header.ordinal < durable.ordinal;
            let limit = if closed { segment.end } else { durable.offset };
            match self.of_segment(segment, limit, request, &mut page) {
                Ok(Some(bytes)) => read += bytes,
                Ok(None) => break,
                Err(error) if is_trimmed(index, segment, &error) => {}
                Err(error) => return Err(error),
            }
        }
        if page.ticks.len() >= request.limit {
            page.next = page.ticks.last().map(|tick| tick.seq).or(page.next);
        }
        Ok(page)
    }

    /// Adds what one segment has; gives the bytes read, `None` when it and all behind it are too young.
    fn of_segment(
        &self,
        segment: &Segment,
        limit: u32,
        request: &TickRequest,
        page: &mut TickPage,
    ) -> Result<Option<u64>, JournalError> {
        let new = !self.lock().contains_key(&segment.header.ordinal);
        let latest = request.to.0.saturating_add(DISORDER_NS);
        if new && self.first_ts(segment).is_some_and(|ts| ts.0 >= latest) {
            return Ok(None);
        }
        let (known, mut read) = self.known(segment, limit)?;
        let found = known.spans.get(&request.instrument);
        let Some(span) = found.filter(|span| span.may_hold(request)) else {
            return Ok(Some(read));
        };
        let first = span.first.max(request.after.saturating_add(1));
        let place = known.place(segment, first);
        let index = self.files.index();
        let (_, end) = each(index, segment, place, known.end, |head, _, payload| {
            if head.kind == QUOTE && head.seq >= first {
                let quote = quote(payload)?;
                let in_time = quote.ts >= request.from && quote.ts < request.to;
                if quote.instrument == request.instrument && in_time {
                    let seq = head.seq;
                    page.ticks.push(Tick { seq, quote });
                }
            }
            Ok(head.seq < span.last && page.ticks.len() < request.limit)
        })?;
        read += u64::from(end - place.1);
        Ok(Some(read))
    }

    /// What the segment holds up to `limit`, and the bytes that had to be read for it. One thread at a time reads.
    fn known(&self, segment: &Segment, limit: u32) -> Result<(Arc<Known>, u64), JournalError> {
        let ordinal = segment.header.ordinal;
        let mut cache = self.lock();
        // Half of what a damaged segment holds is not kept.
        let kept = cache.remove(&ordinal);
        let mut known = kept.unwrap_or_else(|| Arc::new(Known::new(segment)));
        let before = known.end;
        if before < limit {
            Arc::make_mut(&mut known).read_on(self.files.index(), segment, limit)?;
        }
        cache.insert(ordinal, Arc::clone(&known));
        while cache.len() > SEGMENTS_MAX {
            cache.pop_first();
        }
        let read = u64::from(known.end - before);
        Ok((known, read))
    }

    /// The first segment that may hold what is asked for.
    fn begin(&self, segments: &[Segment], request: &TickRequest) -> usize {
        let next = request.after.saturating_add(1);
        let read = segments.partition_point(|segment| segment.header.first_seq <= next);
        let older = |at: &usize| {
            // One whose time cannot be read begins before the next that has one.
            let mut from_there = segments[*at..].iter();
            let first = from_there.find_map(|segment| self.first_ts(segment));
            first.is_some_and(|ts| ts.0.saturating_add(DISORDER_NS) < request.from.0)
        };
        let places: Vec<usize> = (0..segments.len()).collect();
        // The last one that begins before the place or the time may reach beyond it.
        read.max(places.partition_point(older)).saturating_sub(1)
    }

    /// When the first input of a segment entered; `None` when it cannot be read, which is told where it is read whole.
    fn first_ts(&self, segment: &Segment) -> Option<Ts> {
        let mut records = self.files.any_rules(segment.header.first_seq).ok()?;
        let found = records.next().ok()??;
        let input = crate::record::get_input(found.kind, found.payload).ok()?;
        Some(input.ts())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Arc<Known>>> {
        // An entry is out of the map while it is changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn new(segment: &Segment) -> Self {
        let (last, end) = front(segment);
        let (places, spans) = (Vec::new(), BTreeMap::new());
        Self {
            last,
            end,
            places,
            spans,
        }
    }

    fn read_on(
        &mut self,
        index: &SegmentIndex,
        segment: &Segment,
        limit: u32,
    ) -> Result<(), JournalError> {
        let place = (self.last, self.end);
        let (places, spans) = (&mut self.places, &mut self.spans);
        let read = each(index, segment, place, limit, |head, offset, payload| {
            if head.kind != KIND_MARK && head.seq.is_multiple_of(PLACE_EVERY) {
                places.push((head.seq, offset));
            }
            if head.kind == QUOTE {
                let quote = quote(payload)?;
                let span = spans.entry(quote.instrument).or_insert(Span {
                    first: head.seq,
                    last: head.seq,
                    earliest: quote.ts,
                    latest: quote.ts,
                });
                span.last = head.seq;
                span.earliest = span.earliest.min(quote.ts);
                span.latest = span.latest.max(quote.ts);
            }
            Ok(true)
        })?;
        (self.last, self.end) = read;
        Ok(())
    }

    /// Where to begin to find input `seq`: the key before it, and its offset.
    fn place(&self, segment: &Segment, seq: Seq) -> (Key, u32) {
        let before = self.places.partition_point(|place| place.0 <= seq);
        let Some((seq, offset)) = before.checked_sub(1).map(|at| self.places[at]) else {
            return front(segment);
        };
        let seq = seq - 1;
        (Key { seq, index: 0 }, offset)
    }
}

/// Whether the segment was trimmed while we looked: its file goes before its place in the list does. The list is asked
/// last, because by then the place may be gone too.
fn is_trimmed(index: &SegmentIndex, segment: &Segment, error: &JournalError) -> bool {
    let ordinal = segment.header.ordinal;
    let is_oldest = |oldest: Segment| oldest.header.ordinal == ordinal;
    let is_gone =
        matches!(error, JournalError::Io { error, .. } if error.kind() == ErrorKind::NotFound);
    (is_gone && index.oldest().is_some_and(is_oldest)) || index.get(ordinal).is_none()
}

/// The place of a segment's first record.
fn front(segment: &Segment) -> (Key, u32) {
    (segment.header.previous, SEGMENT_HEADER_BYTES)
}

impl Span {
    fn may_hold(&self, request: &TickRequest) -> bool {
        self.last > request.after && self.latest >= request.from && self.earliest < request.to
    }
}

fn quote(payload: &[u8]) -> Result<Quote, String> {
    decode(payload).map_err(|error| format!("a quote that this build cannot read ({error})"))
}
