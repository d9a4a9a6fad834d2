//! The prices around an alert: half a minute before and after.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use siaga_risk::event::Mark;
use siaga_risk::ids::{AlertId, InstrumentId};
use siaga_risk::units::{Price, SECOND_NS, Ts};

use crate::store::evidence::EvidenceRow;

/// How far the evidence reaches to either side.
pub const REACH_NS: u64 = 30 * SECOND_NS;
/// Points kept per instrument: thinned to ten a second, a minute and a little more.
const POINTS_MAX: usize = 640;
/// Prices nearer together than this are thinned out; a chart cannot show more.
const THIN_NS: u64 = 100_000_000;
/// Alerts whose evidence is kept in memory; older ones are in the store.
const KEPT_MAX: usize = 2_000;

/// Prices of the last moment may still be on their way from the machine.
const GRACE_NS: u64 = SECOND_NS;

/// A price of the chart.
pub type Point = (Ts, Price, Price);

/// The last minute of every instrument, and the copies made of it.
#[derive(Debug, Default)]
pub struct EvidenceBook {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    recent: BTreeMap<InstrumentId, VecDeque<Point>>,
    kept: BTreeMap<AlertId, Kept>,
    order: VecDeque<AlertId>,
    /// Those that may still get prices.
    growing: Vec<AlertId>,
    /// Charts that left memory before the database had them whole.
    dropped: u64,
}

#[derive(Clone, Debug)]
struct Kept {
    instrument: InstrumentId,
    at: Ts,
    points: Vec<Point>,
    stored: Stored,
}

/// How much of a chart is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Nothing,
    /// So many points of it.
    Begun(usize),
    Whole,
}

impl EvidenceBook {
    /// Takes a price, and completes the evidence of what fired within the last half minute.
    pub fn put(&self, mark: &Mark) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = inner.recent.entry(mark.instrument).or_default();
        if recent
            .back()
            .is_some_and(|(ts, _, _)| mark.ts.since(*ts) < THIN_NS)
        {
            return;
        }
        if recent.len() == POINTS_MAX {
            recent.pop_front();
        }
        let point = (mark.ts, mark.bid, mark.ask);
        recent.push_back(point);
        let Inner { kept, growing, .. } = &mut *inner;
        growing.retain(|id| {
            let Some(found) = kept.get_mut(id) else {
                return false;
            };
            if mark.ts.since(found.at) > REACH_NS {
                return false;
            }
            if found.instrument == mark.instrument {
                found.points.push(point);
            }
            true
        });
    }

    /// Copies what came before an alert; what comes after is added as it comes. One that has become more severe since is
    /// another trouble: its chart is of that moment. The same moment again changes nothing.
    pub fn fired(&self, id: AlertId, instrument: InstrumentId, at: Ts) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let known = inner.kept.get(&id);
        if known.is_some_and(|kept| micros(kept.at) >= micros(at)) {
            return;
        }
        let from = Ts(at.0.saturating_sub(REACH_NS));
        let points = inner
            .recent
            .get(&instrument)
            .map(|recent| {
                recent
                    .iter()
                    .filter(|point| point.0 >= from)
                    .copied()
                    .collect()
            })
            .unwrap_or_default();
        let kept = Kept {
            instrument,
            at,
            points,
            stored: Stored::Nothing,
        };
        inner.keep(id, kept);
    }

    /// Takes back what the database holds of charts that were not whole when the program ended.
    pub fn resume(&self, rows: Vec<EvidenceRow>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let kept = Kept {
                instrument: row.instrument,
                at: row.fired,
                points: row.points,
                stored: Stored::Begun(0),
            };
            match inner.kept.get_mut(&row.alert) {
                // The alert has become more severe since that chart was begun.
                Some(found) if micros(found.at) > micros(kept.at) => {}
                Some(found) => {
                    found.points.extend(kept.points);
                    found.points.sort_unstable();
                    found.points.dedup();
                    found.at = kept.at;
                }
                None => inner.keep(row.alert, kept),
            }
        }
    }

    /// What the database does not have yet, at most `limit` charts: new ones, those whose half minute
    /// is over, and at a stop (`all`) those that have grown. Call [`EvidenceBook::stored`] when it has.
    pub fn due(&self, now: Ts, all: bool, limit: usize) -> Vec<EvidenceRow> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let due = inner.order.iter().filter_map(|id| {
            let kept = inner.kept.get(id)?;
            let complete = now.since(kept.at) > REACH_NS + GRACE_NS;
            let is_due = match kept.stored {
                // An alert without prices, or one of before this start, has nothing to copy.
                Stored::Nothing => !kept.points.is_empty(),
                Stored::Begun(points) => complete || (all && kept.points.len() > points),
                Stored::Whole => false,
            };
            is_due.then(|| EvidenceRow {
                alert: *id,
                instrument: kept.instrument,
                fired: kept.at,
                complete,
                points: kept.points.clone(),
            })
        });
        due.take(limit).collect()
    }

    /// The database has this much of a chart.
    pub fn stored(&self, row: &EvidenceRow) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = inner.kept.get_mut(&row.alert) {
            kept.stored = match row.complete {
                true => Stored::Whole,
                false => Stored::Begun(row.points.len()),
            };
        }
    }

    /// Charts that left memory before the database had them whole.
    pub fn dropped(&self) -> u64 {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.dropped
    }

    /// The chart of an alert.
    pub fn chart(&self, id: AlertId) -> Option<(InstrumentId, Vec<Point>)> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = inner.kept.get(&id)?;
        Some((kept.instrument, kept.points.clone()))
    }
}

impl Inner {
    fn keep(&mut self, id: AlertId, kept: Kept) {
        if let Some(found) = self.kept.get_mut(&id) {
            *found = kept;
            if !self.growing.contains(&id) {
                self.growing.push(id);
            }
            return;
        }
        if self.order.len() == KEPT_MAX
            && let Some(oldest) = self.order.pop_front()
            && let Some(gone) = self.kept.remove(&oldest)
        {
            let is_lost = gone.stored != Stored::Whole && !gone.points.is_empty();
            self.dropped += u64::from(is_lost);
        }
        self.order.push_back(id);
        self.growing.push(id);
        self.kept.insert(id, kept);
    }
}

/// The database cuts times to microseconds, so two of one moment are compared there.
fn micros(at: Ts) -> u64 {
    at.0 / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::ids::SourceId;
    use siaga_risk::units::{Qty, Ratio};

    fn mark(seconds: u64, bid: i64) -> Mark {
        Mark {
            ts: Ts(seconds * SECOND_NS),
            instrument: InstrumentId(1),
            source: SourceId(1),
            bid: Price(bid),
            ask: Price(bid + 1),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            venue_lag_us: 0,
            count: 1,
            day_change: Ratio(0),
        }
    }

    #[test]
    fn the_chart_reaches_half_a_minute_to_either_side() {
        let book = EvidenceBook::default();
        for second in 0..60 {
            book.put(&mark(second, second as i64));
        }
        book.fired(AlertId(9), InstrumentId(1), Ts(59 * SECOND_NS));
        for second in 60..200 {
            book.put(&mark(second, second as i64));
        }
        let (_, points) = book.chart(AlertId(9)).unwrap();
        assert_eq!(points.first().map(|point| point.1), Some(Price(29)));
        assert_eq!(points.last().map(|point| point.1), Some(Price(89)));
        assert!(book.chart(AlertId(8)).is_none());
    }

    #[test]
    fn an_alert_that_becomes_more_severe_gets_the_chart_of_that_moment() {
        let book = EvidenceBook::default();
        let at = |seconds: u64| Ts(seconds * SECOND_NS);
        for second in 0..10 {
            book.put(&mark(second, second as i64));
        }
        book.fired(AlertId(9), InstrumentId(1), at(9));
        let first = book.due(at(9), false, 8);
        book.stored(&first[0]);
        for second in 10..100 {
            book.put(&mark(second, second as i64));
        }
        book.fired(AlertId(9), InstrumentId(1), at(99));
        for second in 100..200 {
            book.put(&mark(second, second as i64));
        }
        let (_, points) = book.chart(AlertId(9)).unwrap();
        assert_eq!(points.len(), 61, "each price once");
        assert_eq!(points.first().map(|point| point.1), Some(Price(69)));
        assert_eq!(points.last().map(|point| point.1), Some(Price(129)));
        let whole = book.due(at(200), false, 8);
        assert_eq!((whole[0].fired, whole[0].complete), (at(99), true));
        // Told again, by a log that is folded anew.
        book.fired(AlertId(9), InstrumentId(1), at(9));
        assert_eq!(book.chart(AlertId(9)).map(|found| found.1.len()), Some(61));
        // What the database still holds of the first moment does not come back.
        book.resume(first);
        assert_eq!(book.chart(AlertId(9)).map(|found| found.1.len()), Some(61));
    }

    #[test]
    fn a_chart_is_due_when_it_fires_and_when_it_is_whole() {
        let book = EvidenceBook::default();
        let at = |seconds: u64| Ts(seconds * SECOND_NS);
        book.put(&mark(10, 10));
        book.fired(AlertId(9), InstrumentId(1), at(10));
        let first = book.due(at(10), false, 8);
        assert_eq!((first.len(), first[0].complete), (1, false));
        book.stored(&first[0]);
        assert_eq!(book.due(at(20), false, 8), []);
        book.put(&mark(20, 20));
        let at_a_stop = book.due(at(20), true, 8);
        assert_eq!(at_a_stop[0].points.len(), 2);
        let whole = book.due(at(42), false, 8);
        assert_eq!((whole[0].complete, whole[0].points.len()), (true, 2));
        book.stored(&whole[0]);
        assert_eq!(book.due(at(99), true, 8), []);

        // The next start goes on with what the database holds.
        let next = EvidenceBook::default();
        next.fired(AlertId(9), InstrumentId(1), at(10));
        next.resume(at_a_stop);
        next.put(&mark(25, 25));
        let whole = next.due(at(42), false, 8);
        let bids: Vec<_> = whole[0].points.iter().map(|point| point.1.0).collect();
        assert_eq!((whole[0].complete, bids), (true, vec![10, 20, 25]));
    }
}
