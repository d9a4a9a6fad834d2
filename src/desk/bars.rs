//! Closed bars in memory: what the chart asks for, whether the database is there or not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{PoisonError, RwLock};

use siaga_risk::event::{Bar, BarSpan};
use siaga_risk::ids::InstrumentId;

use crate::gateway::core::BarsRequest;

/// Bars held per instrument and span: a day of minutes, 25 minutes of seconds; 40 instruments take
/// about 60 MB at the most.
const BARS_HELD: usize = 1_500;

/// The newest closed bars. One writer, many readers, short locks.
#[derive(Debug, Default)]
pub struct BarHistory {
    held: RwLock<BTreeMap<(InstrumentId, BarSpan), VecDeque<Bar>>>,
}

impl BarHistory {
    /// Takes a closed bar; one that is not newer than the last is a repetition.
    pub fn push(&self, bar: Bar) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let bars = held.entry((bar.instrument, bar.span)).or_default();
        if bars.back().is_some_and(|last| last.start >= bar.start) {
            return;
        }
        if bars.len() == BARS_HELD {
            bars.pop_front();
        }
        bars.push_back(bar);
    }

    /// Bars that begin in `from..to`, oldest first: the newest `limit` of them, and whether older
    /// ones of that range may exist elsewhere.
    pub fn find(&self, request: &BarsRequest) -> (Vec<Bar>, bool) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let Some(bars) = held.get(&(request.instrument, request.span)) else {
            return (Vec::new(), true);
        };
        let begin = request
            .from
            .map_or(0, |from| bars.partition_point(|bar| bar.start < from));
        let end = request
            .to
            .map_or(bars.len(), |to| bars.partition_point(|bar| bar.start < to));
        let begin_limited = begin.max(end.saturating_sub(request.limit));
        let found: Vec<Bar> = bars.range(begin_limited.min(end)..end).copied().collect();
        let more = begin == 0 && found.len() < request.limit;
        (found, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::event::Ohlc;
    use siaga_risk::units::{Qty, Ts};

    fn bar(start: u64) -> Bar {
        let flat = Ohlc {
            open: 1,
            high: 1,
            low: 1,
            close: 1,
        };
        Bar {
            instrument: InstrumentId(1),
            span: BarSpan::M1,
            start: Ts(start),
            bid: flat,
            ask: flat,
            mid: flat,
            ticks: 1,
            volume: Qty(0),
            closed: true,
            late: 0,
        }
    }

    #[test]
    fn the_newest_of_a_range_are_found_once() {
        let history = BarHistory::default();
        for start in [1, 2, 2, 3, 4, 5] {
            history.push(bar(start));
        }
        let ask = |from: Option<u64>, to: Option<u64>, limit| {
            let request = BarsRequest {
                instrument: InstrumentId(1),
                span: BarSpan::M1,
                from: from.map(Ts),
                to: to.map(Ts),
                limit,
            };
            let (bars, more) = history.find(&request);
            (bars.iter().map(|bar| bar.start.0).collect::<Vec<_>>(), more)
        };
        assert_eq!(ask(None, None, 3), (vec![3, 4, 5], false));
        assert_eq!(ask(Some(2), Some(4), 9), (vec![2, 3], false));
        assert_eq!(ask(None, None, 9), (vec![1, 2, 3, 4, 5], true));
        assert_eq!(ask(Some(9), Some(4), 9), (vec![], false));
    }
}
