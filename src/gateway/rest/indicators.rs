//! Indicators beside bars: what the query names, computed over the closes of the bars it asks for.

use siaga_risk::event::{Bar, Ohlc};
use siaga_risk::volatility::indicators::{self, EXTRA_DIGITS, Line, PERIOD_MAX, RSI_DIGITS, Trend};

use crate::gateway::decimal;
use crate::gateway::dto::market::BarSide;
use crate::gateway::error::{ApiError, ApiResult};
use crate::wire;

/// Indicators of one answer.
const INDICATORS_MAX: usize = 8;
/// Bars before the first one shown, in periods: an exponential average has forgotten its seed by then.
const WARM_UP_PERIODS: usize = 4;

wire! {
    /// An indicator as it was asked for.
    pub struct IndicatorDto {
        /// As in the query, `sma:20`.
        pub name: String,
        /// One value per bar, absent while there are too few bars before it.
        pub lines: Vec<LineDto>,
        /// Nearest turning points below and above the last close, and the trend, of those that say so.
        pub support: Option<String>,
        pub resistance: Option<String>,
        /// `up`, `down`, `flat`.
        pub trend: Option<String>,
    }
    /// A line of an indicator.
    pub struct LineDto {
        /// `value`, `line`, `signal`, `histogram`, `lower`, `middle`, `upper`.
        pub name: String,
        pub values: Vec<Option<String>>,
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sma(usize),
    Ema(usize),
    Rsi(usize),
    Macd(usize, usize, usize),
    /// Period, and width in thousandths of a deviation.
    Bollinger(usize, u32),
    /// Bars on both sides of a turning point.
    Levels(usize),
    Trend(usize),
}

/// Reads `sma:20,ema:12,rsi:14,macd:12:26:9,bollinger:20:2,levels:3,trend:20`; numbers may be left out.
///
/// # Errors
/// The field `indicators`, with what is wrong.
pub fn read(text: &str) -> ApiResult<Vec<Wanted>> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    if names.len() > INDICATORS_MAX {
        return Err(fault(format!("at most {INDICATORS_MAX}")));
    }
    names.into_iter().map(one).collect()
}

fn one(name: &str) -> ApiResult<Wanted> {
    let mut parts = name.split(':');
    let kind = parts.next().unwrap_or_default();
    let numbers: Vec<&str> = parts.collect();
    let period = |place: usize, usual: usize| match numbers.get(place) {
        None => Ok(usual),
        Some(text) => text
            .parse()
            .ok()
            .filter(|period| (1..=PERIOD_MAX / WARM_UP_PERIODS).contains(period))
            .ok_or_else(|| fault(format!("{text:.20} is no period"))),
    };
    let (kind, most) = match kind {
        "sma" => (Kind::Sma(period(0, 20)?), 1),
        "ema" => (Kind::Ema(period(0, 20)?), 1),
        "rsi" => (Kind::Rsi(period(0, 14)?), 1),
        "macd" => (Kind::Macd(period(0, 12)?, period(1, 26)?, period(2, 9)?), 3),
        "bollinger" => (Kind::Bollinger(period(0, 20)?, width(numbers.get(1))?), 2),
        "levels" => (Kind::Levels(period(0, 3)?), 1),
        "trend" => (Kind::Trend(period(0, 20)?), 1),
        other => {
            return Err(fault(format!(
                "use sma, ema, rsi, macd, bollinger, levels, trend instead of {other:.20}"
            )));
        }
    };
    if numbers.len() > most {
        return Err(fault(format!("{name:.40} has too many numbers")));
    }
    Ok(Wanted {
        name: name.to_owned(),
        kind,
    })
}

fn width(text: Option<&&str>) -> ApiResult<u32> {
    let Some(text) = text else {
        return Ok(2_000);
    };
    let thousandths = decimal::read(text, 3).ok();
    let within = thousandths.filter(|width| (1..=10_000).contains(width));
    within
        .and_then(|width| u32::try_from(width).ok())
        .ok_or_else(|| fault(format!("{text:.20} is no width")))
}

fn fault(text: String) -> ApiError {
    ApiError::field("indicators", text)
}

/// Bars needed before the first one shown.
pub fn warm_up(wanted: &[Wanted]) -> usize {
    let periods = wanted.iter().map(|wanted| match wanted.kind {
        Kind::Sma(period) | Kind::Ema(period) | Kind::Rsi(period) | Kind::Trend(period) => period,
        Kind::Bollinger(period, _) | Kind::Levels(period) => period,
        Kind::Macd(fast, slow, signal) => fast.max(slow) + signal,
    });
    periods.max().unwrap_or(0) * WARM_UP_PERIODS
}

/// The indicators of the last `shown` of `bars`.
pub fn compute(
    wanted: &[Wanted],
    bars: &[Bar],
    side: BarSide,
    price_digits: u8,
    shown: usize,
) -> Vec<IndicatorDto> {
    // Mids are kept doubled: five times them are tenths of a step.
    let (factor, digits) = match side {
        BarSide::Mid => (5, price_digits + 1),
        _ => (1, price_digits),
    };
    let of = |bar: &Bar| match side {
        BarSide::Bid => bar.bid,
        BarSide::Ask => bar.ask,
        BarSide::Mid => bar.mid,
    };
    let pick = |price: fn(&Ohlc) -> i64| -> Vec<i64> {
        let prices = bars.iter().map(|bar| price(&of(bar)));
        prices.map(|price| price.saturating_mul(factor)).collect()
    };
    let chart = Chart {
        closes: pick(|ohlc| ohlc.close),
        highs: pick(|ohlc| ohlc.high),
        lows: pick(|ohlc| ohlc.low),
        digits,
        shown,
    };
    wanted
        .iter()
        .map(|wanted| chart.indicator(wanted))
        .collect()
}

/// The prices indicators are made of.
struct Chart {
    closes: Vec<i64>,
    highs: Vec<i64>,
    lows: Vec<i64>,
    digits: u8,
    shown: usize,
}

impl Chart {
    fn indicator(&self, wanted: &Wanted) -> IndicatorDto {
        let closes = &self.closes;
        let mut dto = IndicatorDto {
            name: wanted.name.clone(),
            lines: Vec::new(),
            support: None,
            resistance: None,
            trend: None,
        };
        match wanted.kind {
            Kind::Sma(period) => {
                dto.lines = vec![self.price("value", &indicators::sma(closes, period))]
            }
            Kind::Ema(period) => {
                dto.lines = vec![self.price("value", &indicators::ema(closes, period))]
            }
            Kind::Rsi(period) => {
                let line = indicators::rsi(closes, period);
                dto.lines = vec![self.line("value", &line, RSI_DIGITS)];
            }
            Kind::Macd(fast, slow, signal) => {
                let macd = indicators::macd(closes, fast, slow, signal);
                dto.lines = vec![
                    self.price("line", &macd.line),
                    self.price("signal", &macd.signal),
                    self.price("histogram", &macd.histogram),
                ];
            }
            Kind::Bollinger(period, width) => {
                let bands = indicators::bollinger(closes, period, width);
                dto.lines = vec![
                    self.price("lower", &bands.lower),
                    self.price("middle", &bands.middle),
                    self.price("upper", &bands.upper),
                ];
            }
            Kind::Levels(reach) => {
                let last = closes.last().copied().unwrap_or(0);
                let levels = indicators::levels(&self.highs, &self.lows, last, reach);
                let text = |price: i64| decimal::show(price, self.digits);
                dto.support = levels.support.map(text);
                dto.resistance = levels.resistance.map(text);
            }
            Kind::Trend(period) => {
                let trend = match indicators::trend(closes, period) {
                    Trend::Up => "up",
                    Trend::Down => "down",
                    Trend::Flat => "flat",
                };
                dto.trend = Some(trend.to_owned());
            }
        }
        dto
    }

    fn price(&self, name: &str, line: &Line) -> LineDto {
        self.line(name, line, self.digits + EXTRA_DIGITS)
    }

    fn line(&self, name: &str, line: &Line, digits: u8) -> LineDto {
        let from = line.len().saturating_sub(self.shown);
        let text = |value: &Option<i64>| value.map(|value| decimal::show(value, digits));
        LineDto {
            name: name.to_owned(),
            values: line[from..].iter().map(text).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::event::BarSpan;
    use siaga_risk::ids::InstrumentId;
    use siaga_risk::units::{Qty, Ts};

    fn bars(closes: &[i64]) -> Vec<Bar> {
        let flat = |price| Ohlc {
            open: price,
            high: price,
            low: price,
            close: price,
        };
        let bar = |(at, close): (usize, &i64)| Bar {
            instrument: InstrumentId(1),
            span: BarSpan::M1,
            start: Ts(at as u64),
            bid: flat(*close),
            ask: flat(close + 2),
            mid: flat(2 * close + 2),
            ticks: 1,
            volume: Qty(0),
            closed: true,
            late: 0,
        };
        closes.iter().enumerate().map(bar).collect()
    }

    #[test]
    fn what_is_asked_is_read_and_nonsense_named() {
        let wanted = read("sma:3, macd,bollinger:20:2.5").unwrap();
        let kinds: Vec<Kind> = wanted.iter().map(|wanted| wanted.kind).collect();
        let macd = Kind::Macd(12, 26, 9);
        assert_eq!(kinds, [Kind::Sma(3), macd, Kind::Bollinger(20, 2_500)]);
        assert_eq!(warm_up(&wanted), 140);
        for text in [
            "",
            "vwap",
            "sma:0",
            "sma:x",
            "sma:3:4",
            "bollinger:20:-1",
            "ema:99999",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&["sma"; INDICATORS_MAX + 1].join(",")).is_err());
    }

    #[test]
    fn values_are_texts_of_the_bars_shown() {
        let wanted = read("sma:2,trend:2,levels:1").unwrap();
        let found = compute(&wanted, &bars(&[100, 103, 101, 104]), BarSide::Mid, 2, 2);
        let values: Vec<_> = found[0].lines[0].values.iter().flatten().collect();
        assert_eq!(values, ["1.030000", "1.035000"]);
        assert_eq!(found[1].trend.as_deref(), Some("up"));
        assert_eq!(found[2].support.as_deref(), Some("1.020"));
        assert_eq!(found[2].resistance, None);
        let few = compute(&wanted, &bars(&[100]), BarSide::Bid, 2, 5);
        assert_eq!(few[0].lines[0].values, [None]);
    }
}
