//! Closed bars in memory: what the chart asks for, whether the database is there or not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{PoisonError, RwLock};

use siaga_risk::event::{Bar, BarSpan, OutputKey};
use siaga_risk::ids::InstrumentId;
use siaga_risk::units::Ts;

use crate::gateway::core::BarsRequest;

/// Bars held per instrument and span: a day of minutes, 25 minutes of seconds; 40 instruments take
/// about 60 MB at the most.
const BARS_HELD: usize = 1_500;

/// The newest closed bars. One writer, many readers, short locks.
#[derive(Debug, Default)]
pub struct BarHistory {
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// The output behind which this history begins.
    since: OutputKey,
    series: BTreeMap<(InstrumentId, BarSpan), Series>,
}

#[derive(Debug)]
struct Series {
    bars: VecDeque<Bar>,
    /// Keys of the bars, in step with them.
    keys: VecDeque<OutputKey>,
    /// Up to this output its bars are not held here.
    forgotten: OutputKey,
}

/// Bars of a range that are not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Older {
    /// They begin before this.
    pub before: Ts,
    /// Whoever has applied the log up to here has all of them.
    pub applied: OutputKey,
}

impl BarHistory {
    /// What came before `key` is not told to this history.
    pub fn begins(&self, key: OutputKey) {
        self.held
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .since = key;
    }

    /// Takes a closed bar; one that is not newer than the last is a repetition.
    pub fn push(&self, key: OutputKey, bar: Bar) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let forgotten = held.since;
        let series = held
            .series
            .entry((bar.instrument, bar.span))
            .or_insert_with(|| Series {
                bars: VecDeque::new(),
                keys: VecDeque::new(),
                forgotten,
            });
        if series
            .bars
            .back()
            .is_some_and(|last| last.start >= bar.start)
        {
            return;
        }
        if series.bars.len() == BARS_HELD {
            series.bars.pop_front();
            series.forgotten = series.keys.pop_front().unwrap_or(series.forgotten);
        }
        series.bars.push_back(bar);
        series.keys.push_back(key);
    }

    /// Bars that begin in `from..to`, oldest first: the newest `limit` of them, and which older
    /// ones of that range may exist elsewhere.
    pub fn find(&self, request: &BarsRequest) -> (Vec<Bar>, Option<Older>) {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let to = request.to.unwrap_or(Ts(u64::MAX));
        let Some(Series {
            bars, forgotten, ..
        }) = held.series.get(&(request.instrument, request.span))
        else {
            let older = Older {
                before: to,
                applied: held.since,
            };
            return (Vec::new(), Some(older));
        };
        let begin = request
            .from
            .map_or(0, |from| bars.partition_point(|bar| bar.start < from));
        let end = bars.partition_point(|bar| bar.start < to);
        let begin_limited = begin.max(end.saturating_sub(request.limit));
        let found: Vec<Bar> = bars.range(begin_limited.min(end)..end).copied().collect();
        let more = begin == 0 && found.len() < request.limit;
        let before = found.first().map_or(to, |first| first.start);
        let older = more.then_some(Older {
            before,
            applied: *forgotten,
        });
        (found, older)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::event::Ohlc;
    use siaga_risk::units::Qty;

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
            history.push(key(start), bar(start));
        }
        let ask = |from: Option<u64>, to: Option<u64>, limit| {
            let request = BarsRequest {
                instrument: InstrumentId(1),
                span: BarSpan::M1,
                from: from.map(Ts),
                to: to.map(Ts),
                limit,
            };
            let (bars, older) = history.find(&request);
            let starts = bars.iter().map(|bar| bar.start.0).collect::<Vec<_>>();
            (starts, older.map(|older| older.before.0))
        };
        assert_eq!(ask(None, None, 3), (vec![3, 4, 5], None));
        assert_eq!(ask(Some(2), Some(4), 9), (vec![2, 3], None));
        assert_eq!(ask(None, None, 9), (vec![1, 2, 3, 4, 5], Some(1)));
        assert_eq!(ask(Some(0), Some(1), 9), (vec![], Some(1)));
        assert_eq!(ask(Some(9), Some(4), 9), (vec![], None));
    }

    #[test]
    fn what_left_memory_is_known_by_its_output() {
        let history = BarHistory::default();
        history.begins(key(7));
        let request = BarsRequest {
            instrument: InstrumentId(1),
            span: BarSpan::M1,
            from: None,
            to: None,
            limit: BARS_HELD + 1,
        };
        let applied = || history.find(&request).1.map(|older| older.applied);
        assert_eq!(applied(), Some(key(7)));
        for start in 0..BARS_HELD as u64 + 2 {
            history.push(key(start + 10), bar(start));
        }
        assert_eq!(applied(), Some(key(11)));
    }

    fn key(seq: u64) -> OutputKey {
        OutputKey { seq, index: 0 }
    }
}
