//! Estimators over an instrument's closed bars: kept bar by bar, computed when somebody asks. Their floats are for charts and
//! reports; no decision reads them.

use super::estimators::*;
use crate::event::{BarSpan, Ohlc};
use crate::record;
use crate::units::Ratio;
use crate::view::SpanVolatility;
use std::collections::VecDeque;

/// Closed bars held per span.
pub const BARS_HELD: usize = 32;
/// Wilder's period of the average true range.
pub const ATR_PERIOD: u32 = 14;

record! {
    /// Bars of one span, mids × 2.
    #[derive(Clone, Debug, PartialEq)]
    struct Series {
        bars: VecDeque<Ohlc>,
        /// Bars seen.
        seen: u32,
        /// Wilder's average of the true ranges (their sum until the first period is full), as the bits of a float.
        range_bits: u64,
    }

    /// Bars of an instrument, one minute and longer.
    #[derive(Clone, Debug, PartialEq)]
    pub struct BarVolatility {
        spans: Vec<Series>,
    }
}

impl Default for BarVolatility {
    fn default() -> Self {
        let series = Series {
            bars: VecDeque::new(),
            seen: 0,
            range_bits: 0,
        };
        let mut spans = vec![series; BarSpan::ALL.len() - 1];
        for series in &mut spans {
            series.bars.reserve_exact(BARS_HELD);
        }
        Self { spans }
    }
}

impl BarVolatility {
    /// Takes a closed bar's mids (× 2); bars of a second are not kept.
    pub fn on_bar(&mut self, span: BarSpan, mid: &Ohlc) {
        if let Some(place) = (span as usize).checked_sub(1)
            && let Some(series) = self.spans.get_mut(place)
        {
            series.on_bar(mid);
        }
    }

    /// Every span that has bars.
    pub fn view(&self) -> Vec<SpanVolatility> {
        let spans = BarSpan::ALL[1..].iter().zip(&self.spans);
        let known = spans.filter(|(_, series)| series.seen > 0);
        known.map(|(span, series)| series.view(*span)).collect()
    }
}

impl Series {
    fn on_bar(&mut self, mid: &Ohlc) {
        let before = self.bars.back().map(|bar| bar.close);
        let range = range(mid, before);
        self.seen = self.seen.saturating_add(1);
        let average = f64::from_bits(self.range_bits);
        let period = f64::from(ATR_PERIOD);
        let next = match self.seen.cmp(&ATR_PERIOD) {
            std::cmp::Ordering::Less => average + range,
            std::cmp::Ordering::Equal => (average + range) / period,
            std::cmp::Ordering::Greater => (average * (period - 1.0) + range) / period,
        };
        self.range_bits = next.to_bits();
        if self.bars.len() == BARS_HELD {
            self.bars.pop_front();
        }
        self.bars.push_back(*mid);
    }

    fn view(&self, span: BarSpan) -> SpanVolatility {
        let candles: Vec<Candle> = self.bars.iter().map(candle).collect();
        let last = candles.last().map_or(0.0, |candle| candle.close);
        let known = self.seen >= ATR_PERIOD;
        let atr = f64::from_bits(self.range_bits);
        SpanVolatility {
            span,
            bars: self.bars.len() as u32,
            atr_x2: known.then(|| libm::round(atr) as i64),
            atr_share: (known && last > 0.0).then(|| ratio(atr / last)),
            parkinson: ratio(parkinson(&candles)),
            garman_klass: ratio(garman_klass(&candles)),
            rogers_satchell: ratio(rogers_satchell(&candles)),
            yang_zhang: ratio(yang_zhang(&candles).0),
        }
    }
}

fn candle(bar: &Ohlc) -> Candle {
    Candle {
        open: bar.open as f64,
        high: bar.high as f64,
        low: bar.low as f64,
        close: bar.close as f64,
    }
}

fn range(bar: &Ohlc, before: Option<i64>) -> f64 {
    let (high, low) = match before {
        Some(close) => (bar.high.max(close), bar.low.min(close)),
        None => (bar.high, bar.low),
    };
    (high - low) as f64
}

fn ratio(share: f64) -> Ratio {
    Ratio(libm::round(share * Ratio::ONE.0 as f64) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(open: i64, high: i64, low: i64, close: i64) -> Ohlc {
        Ohlc {
            open,
            high,
            low,
            close,
        }
    }

    #[test]
    fn streaming_gives_what_the_whole_series_gives() {
        let bars: Vec<Ohlc> = (0..60i64)
            .map(|at| {
                let open = 10_000 + at * 7 % 53;
                bar(
                    open,
                    open + 20 + at % 9,
                    open - 15 - at % 5,
                    open + at % 11 - 5,
                )
            })
            .collect();
        let mut volatility = BarVolatility::default();
        for bar in &bars {
            volatility.on_bar(BarSpan::M5, bar);
        }
        let candles: Vec<Candle> = bars.iter().map(candle).collect();
        let wilder = TrueRange {
            period: ATR_PERIOD as usize,
            wilder: true,
            first_counts: true,
        };
        let whole = wilder.series(&candles);
        let views = volatility.view();
        assert_eq!(views.len(), 1);
        let view = &views[0];
        assert_eq!((view.span, view.bars), (BarSpan::M5, BARS_HELD as u32));
        assert_eq!(
            view.atr_x2,
            Some(libm::round(*whole.last().unwrap()) as i64)
        );
        let held = &candles[candles.len() - BARS_HELD..];
        assert_eq!(view.parkinson, ratio(parkinson(held)));
        assert_eq!(view.yang_zhang, ratio(yang_zhang(held).0));
        assert!(view.garman_klass.0 > 0 && view.rogers_satchell.0 > 0);
    }

    #[test]
    fn prices_below_zero_have_a_range_and_no_share() {
        let mut volatility = BarVolatility::default();
        for _ in 0..ATR_PERIOD {
            volatility.on_bar(BarSpan::M1, &bar(10, 20, -3_700, -3_698));
        }
        let view = &volatility.view()[0];
        assert_eq!((view.atr_x2, view.atr_share), (Some(3_720), None));
        assert_eq!((view.parkinson, view.yang_zhang), (Ratio(0), Ratio(0)));
        volatility.on_bar(BarSpan::S1, &bar(1, 1, 1, 1));
        assert_eq!(volatility.view().len(), 1);
    }
}
