//! The prices around an alert: half a minute before and after.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use siaga_risk::event::Mark;
use siaga_risk::ids::{AlertId, InstrumentId};
use siaga_risk::units::{Price, SECOND_NS, Ts};

/// How far the evidence reaches to either side.
pub const REACH_NS: u64 = 30 * SECOND_NS;
/// Points kept per instrument: thinned to ten a second, a minute and a little more.
const POINTS_MAX: usize = 640;
/// Prices nearer together than this are thinned out; a chart cannot show more.
const THIN_NS: u64 = 100_000_000;
/// Alerts whose evidence is kept in memory; older ones are in the store.
const KEPT_MAX: usize = 2_000;

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
}

#[derive(Clone, Debug)]
struct Kept {
    instrument: InstrumentId,
    at: Ts,
    points: Vec<Point>,
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
        let Inner { kept, order, .. } = &mut *inner;
        for id in order.iter().rev() {
            let Some(found) = kept.get_mut(id) else {
                continue;
            };
            if mark.ts.since(found.at) > REACH_NS {
                break;
            }
            if found.instrument == mark.instrument {
                found.points.push(point);
            }
        }
    }

    /// Copies what came before an alert; what comes after is added as it comes.
    pub fn fired(&self, id: AlertId, instrument: InstrumentId, at: Ts) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.kept.contains_key(&id) {
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
        if inner.order.len() == KEPT_MAX
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.kept.remove(&oldest);
        }
        inner.order.push_back(id);
        inner.kept.insert(
            id,
            Kept {
                instrument,
                at,
                points,
            },
        );
    }

    /// The chart of an alert.
    pub fn chart(&self, id: AlertId) -> Option<(InstrumentId, Vec<Point>)> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = inner.kept.get(&id)?;
        Some((kept.instrument, kept.points.clone()))
    }
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
}
