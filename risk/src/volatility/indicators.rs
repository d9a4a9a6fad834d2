//! Indicators of charts over the closes of bars. None of them decides anything. Values come as integers of the closes'
//! steps with [`EXTRA_DIGITS`] more digits, one per bar, absent until there are bars enough.

/// Digits an indicator has beyond those of the prices it is made of.
pub const EXTRA_DIGITS: u8 = 3;
/// Digits of a relative strength index.
pub const RSI_DIGITS: u8 = 4;
/// Longest period: what one answer of bars holds.
pub const PERIOD_MAX: usize = 5_000;

/// One value per bar.
pub type Line = Vec<Option<i64>>;

const SCALE: f64 = 1_000.0;

/// Simple moving average of the last `period` closes.
pub fn sma(closes: &[i64], period: usize) -> Line {
    shown(&means(&floats(closes), period))
}

/// Exponential moving average: seeded with the mean of the first `period` closes, then by `2 / (period + 1)`.
pub fn ema(closes: &[i64], period: usize) -> Line {
    shown(&exponential(&floats(closes), period))
}

/// Relative strength index (Wilder, New Concepts in Technical Trading Systems, 1978): `100 − 100 / (1 + RS)`, RS the
/// ratio of the smoothed gains and losses, seeded with their means over the first `period` changes. In percent with
/// [`RSI_DIGITS`]; 50 where nothing moved.
pub fn rsi(closes: &[i64], period: usize) -> Line {
    let mut line = vec![None; closes.len()];
    if period == 0 || closes.len() <= period {
        return line;
    }
    let closes = floats(closes);
    let count = period as f64;
    let (mut gains, mut losses) = (0.0, 0.0);
    for (at, pair) in closes.windows(2).enumerate() {
        let change = pair[1] - pair[0];
        let (gain, loss) = (change.max(0.0), (-change).max(0.0));
        if at < period {
            gains += gain / count;
            losses += loss / count;
        } else {
            gains = (gains * (count - 1.0) + gain) / count;
            losses = (losses * (count - 1.0) + loss) / count;
        }
        if at + 1 >= period {
            let both = gains + losses;
            let share = if both > 0.0 { gains / both } else { 0.5 };
            line[at + 1] = Some(libm::round(share * 1_000_000.0) as i64);
        }
    }
    line
}

/// Moving average convergence and divergence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macd {
    /// Fast less slow exponential average.
    pub line: Line,
    /// Exponential average of the line.
    pub signal: Line,
    /// Line less signal.
    pub histogram: Line,
}

/// MACD of Appel: exponential averages of `fast` and `slow` bars (12 and 26), the signal over `signal` (9).
pub fn macd(closes: &[i64], fast: usize, slow: usize, signal: usize) -> Macd {
    let closes = floats(closes);
    let (quick, calm) = (exponential(&closes, fast), exponential(&closes, slow));
    let line: Vec<Option<f64>> = quick
        .iter()
        .zip(&calm)
        .map(|(quick, calm)| Some((*quick)? - (*calm)?))
        .collect();
    let begin = line.iter().take_while(|value| value.is_none()).count();
    let known: Vec<f64> = line.iter().flatten().copied().collect();
    let mut average = vec![None; begin];
    average.extend(exponential(&known, signal));
    let histogram: Vec<Option<f64>> = line
        .iter()
        .zip(&average)
        .map(|(line, average)| Some((*line)? - (*average)?))
        .collect();
    Macd {
        line: shown(&line),
        signal: shown(&average),
        histogram: shown(&histogram),
    }
}

/// Bollinger bands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    pub lower: Line,
    pub middle: Line,
    pub upper: Line,
}

/// Bollinger bands: the simple average of `period` closes and `width_thousandths` / 1000 standard deviations (of the
/// population) around it.
pub fn bollinger(closes: &[i64], period: usize, width_thousandths: u32) -> Bands {
    let closes = floats(closes);
    let width = f64::from(width_thousandths) / 1_000.0;
    let middle = means(&closes, period);
    let reach: Vec<Option<f64>> = middle
        .iter()
        .enumerate()
        .map(|(at, mean)| {
            let mean = (*mean)?;
            let part = &closes[at + 1 - period..=at];
            let squares = part.iter().map(|close| (close - mean) * (close - mean));
            Some(width * libm::sqrt(squares.sum::<f64>() / period as f64))
        })
        .collect();
    let moved = |sign: f64| {
        let pairs = middle.iter().zip(&reach);
        let band = pairs.map(|(mean, reach)| Some((*mean)? + sign * (*reach)?));
        shown(&band.collect::<Vec<_>>())
    };
    Bands {
        lower: moved(-1.0),
        upper: moved(1.0),
        middle: shown(&middle),
    }
}

/// Nearest support and resistance, in price steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    pub support: Option<i64>,
    pub resistance: Option<i64>,
}

/// Support and resistance: the nearest turning points below and above the last close. A low (high) that is at least as
/// low (high) as the `reach` bars on both sides is a turning point.
pub fn levels(highs: &[i64], lows: &[i64], last: i64, reach: usize) -> Levels {
    let turns = |prices: &[i64], beats: fn(i64, i64) -> bool| -> Vec<i64> {
        let inside = reach..prices.len().saturating_sub(reach);
        let turning = inside.filter(|at| {
            prices[at - reach..=at + reach]
                .iter()
                .all(|other| !beats(*other, prices[*at]))
        });
        turning.map(|at| prices[at]).collect()
    };
    let below = turns(lows, |other, own| other < own);
    let above = turns(highs, |other, own| other > own);
    Levels {
        support: below.into_iter().filter(|price| *price < last).max(),
        resistance: above.into_iter().filter(|price| *price > last).min(),
    }
}

/// Where a market goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    Up,
    Down,
    Flat,
}

/// The trend of the last bar: up when the close is above its simple average of `period` bars and the average above
/// where it was `period` bars ago, down when both are below, else flat. Flat until there are bars enough.
pub fn trend(closes: &[i64], period: usize) -> Trend {
    let averages = sma(closes, period);
    let Some(last) = closes.len().checked_sub(1) else {
        return Trend::Flat;
    };
    let before = last
        .checked_sub(period)
        .and_then(|at| averages.get(at).copied().flatten());
    let (Some(now), Some(before)) = (averages[last], before) else {
        return Trend::Flat;
    };
    let close = closes[last].saturating_mul(SCALE as i64);
    if close > now && now > before {
        Trend::Up
    } else if close < now && now < before {
        Trend::Down
    } else {
        Trend::Flat
    }
}

fn floats(values: &[i64]) -> Vec<f64> {
    values.iter().map(|value| *value as f64).collect()
}

fn shown(values: &[Option<f64>]) -> Line {
    let round = |value: f64| libm::round(value * SCALE) as i64;
    values.iter().map(|value| value.map(round)).collect()
}

fn means(values: &[f64], period: usize) -> Vec<Option<f64>> {
    let mut line = vec![None; values.len()];
    if period == 0 {
        return line;
    }
    for (at, part) in values.windows(period).enumerate() {
        line[at + period - 1] = Some(part.iter().sum::<f64>() / period as f64);
    }
    line
}

fn exponential(values: &[f64], period: usize) -> Vec<Option<f64>> {
    let mut line = vec![None; values.len()];
    if period == 0 || values.len() < period {
        return line;
    }
    let weight = 2.0 / (period as f64 + 1.0);
    let mut average = values[..period].iter().sum::<f64>() / period as f64;
    line[period - 1] = Some(average);
    for (at, value) in values.iter().enumerate().skip(period) {
        average += (value - average) * weight;
        line[at] = Some(average);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last values, as numbers with the digits given, to a hundredth.
    fn tail(line: &Line, digits: i32, count: usize) -> Vec<String> {
        let known: Vec<i64> = line.iter().flatten().copied().collect();
        known[..count]
            .iter()
            .map(|value| format!("{:.2}", *value as f64 / 10f64.powi(digits)))
            .collect()
    }

    #[test]
    fn rsi_of_the_chart_school() {
        // StockCharts ChartSchool, Relative Strength Index, 14 days of QQQQ.
        let closes = [
            443_389, 440_902, 441_497, 436_124, 443_278, 448_264, 450_955, 454_245, 458_433,
            460_826, 458_931, 460_328, 456_140, 462_820, 462_820, 460_028, 460_328, 464_116,
            462_222, 456_439,
        ];
        let line = rsi(&closes, 14);
        assert_eq!(line.iter().take_while(|value| value.is_none()).count(), 14);
        let seen = tail(&line, 4, 6);
        assert_eq!(seen, ["70.53", "66.32", "66.55", "69.41", "66.36", "57.97"]);
    }

    #[test]
    fn moving_averages_of_the_chart_school() {
        // StockCharts ChartSchool, Moving Averages, 10 days of Intel.
        let closes = [
            2_227, 2_219, 2_208, 2_217, 2_218, 2_213, 2_223, 2_243, 2_224, 2_229, 2_215, 2_239,
            2_238, 2_261, 2_336,
        ];
        let simple = tail(&sma(&closes, 10), 5, 6);
        assert_eq!(
            simple,
            ["22.22", "22.21", "22.23", "22.26", "22.30", "22.42"]
        );
        let exponential = tail(&ema(&closes, 10), 5, 6);
        assert_eq!(
            exponential,
            ["22.22", "22.21", "22.24", "22.27", "22.33", "22.52"]
        );
    }

    #[test]
    fn bollinger_bands_of_the_chart_school() {
        // StockCharts ChartSchool, Bollinger Bands, 20 days, two deviations.
        let closes = [
            8_616, 8_909, 8_878, 9_032, 8_907, 9_115, 8_944, 8_918, 8_693, 8_768, 8_696, 8_943,
            8_932, 8_872, 8_745, 8_726, 8_950, 8_790, 8_913, 9_070,
        ];
        let bands = bollinger(&closes, 20, 2_000);
        let one = |line: &Line| tail(line, 5, 1)[0].clone();
        let seen = [one(&bands.lower), one(&bands.middle), one(&bands.upper)];
        assert_eq!(seen, ["86.13", "88.71", "91.29"]);
    }

    #[test]
    fn macd_of_a_straight_line_is_half_the_difference_of_its_periods() {
        // An exponential average lags a line by (n − 1) / 2 bars.
        let closes: Vec<i64> = (0..200).map(|at| at * 100).collect();
        let macd = macd(&closes, 12, 26, 9);
        assert_eq!(macd.line[24], None);
        assert_eq!(macd.line[25], Some(700_000));
        assert_eq!(macd.signal[32], None);
        assert_eq!(
            (macd.signal[199], macd.histogram[199]),
            (Some(700_000), Some(0))
        );
    }

    #[test]
    fn levels_and_trend_follow_the_turning_points() {
        let highs = [10, 14, 11, 12, 18, 13, 12, 15, 13];
        let lows = [8, 12, 7, 10, 15, 11, 9, 13, 12];
        let near = levels(&highs, &lows, 13, 1);
        assert_eq!((near.support, near.resistance), (Some(9), Some(14)));
        let rising: Vec<i64> = (0..20).collect();
        let falling: Vec<i64> = (-20..0).rev().collect();
        assert_eq!(trend(&rising, 5), Trend::Up);
        assert_eq!(trend(&falling, 5), Trend::Down);
        assert_eq!(trend(&[7; 20], 5), Trend::Flat);
        assert_eq!(trend(&rising[..5], 5), Trend::Flat);
    }

    #[test]
    fn nothing_in_nothing_out() {
        for closes in [&[][..], &[5][..]] {
            assert!(rsi(closes, 14).iter().all(Option::is_none));
            assert!(sma(closes, 0).iter().all(Option::is_none));
            assert!(macd(closes, 12, 26, 9).signal.iter().all(Option::is_none));
            assert!(
                bollinger(closes, 20, 2_000)
                    .upper
                    .iter()
                    .all(Option::is_none)
            );
            assert_eq!(levels(closes, closes, 5, 2), Levels::default());
            assert_eq!(trend(closes, 14), Trend::Flat);
        }
        assert_eq!(rsi(&[-3; 20], 14)[19], Some(500_000));
    }
}
