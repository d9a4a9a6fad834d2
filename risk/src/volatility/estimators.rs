//! Volatility estimators over bars and closes, for charts and reports. None of them decides anything. Logarithms
//! are natural; results are per bar unless the name says otherwise. Bars with a price that is not positive are
//! left out, and where nothing can be computed the answer is 0: there is no NaN.

/// Open, high, low and close of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candle {
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
}

/// Average true range over bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrueRange {
    pub period: usize,
    /// `(previous × (n − 1) + TR) / n`; otherwise the moving mean of the last n.
    pub wilder: bool,
    /// The first bar's range is high − low; otherwise the first bar only gives its close.
    pub first_counts: bool,
}

impl TrueRange {
    /// One value per bar from the first full period on (Wilder, New Concepts in Technical Trading Systems, 1978).
    pub fn series(&self, candles: &[Candle]) -> Vec<f64> {
        let ranges = self.ranges(candles);
        if self.period == 0 || ranges.len() < self.period {
            return Vec::new();
        }
        let period = self.period as f64;
        if !self.wilder {
            let means = ranges.windows(self.period);
            return means
                .map(|part| part.iter().sum::<f64>() / period)
                .collect();
        }
        let (seed, rest) = ranges.split_at(self.period);
        let mut average = seed.iter().sum::<f64>() / period;
        let mut series = vec![average];
        for range in rest {
            average = (average * (period - 1.0) + range) / period;
            series.push(average);
        }
        series
    }

    /// The same as percent of the close.
    pub fn normalised(&self, candles: &[Candle]) -> Vec<f64> {
        let series = self.series(candles);
        let closes = candles[candles.len() - series.len()..].iter();
        let share = |(range, candle): (f64, &Candle)| match candle.close {
            0.0 => 0.0,
            close => range / close * 100.0,
        };
        series.into_iter().zip(closes).map(share).collect()
    }

    fn ranges(&self, candles: &[Candle]) -> Vec<f64> {
        let first = candles.first().filter(|_| self.first_counts);
        let first = first.map(|candle| candle.high - candle.low);
        let later = candles.windows(2).map(|pair| {
            let (before, candle) = (pair[0].close, pair[1]);
            let gap = (candle.high - before)
                .abs()
                .max((candle.low - before).abs());
            (candle.high - candle.low).max(gap)
        });
        first.into_iter().chain(later).collect()
    }
}

/// Parkinson (1980): `σ² = mean(ln(H/L)²) / (4 ln 2)`.
pub fn parkinson(candles: &[Candle]) -> f64 {
    let mean = mean(positive(candles).map(|candle| square(libm::log(candle.high / candle.low))));
    root(mean / (4.0 * std::f64::consts::LN_2))
}

/// Garman and Klass (1980): `σ² = mean(½ ln(H/L)² − (2 ln 2 − 1) ln(C/O)²)`.
pub fn garman_klass(candles: &[Candle]) -> f64 {
    let factor = 2.0 * std::f64::consts::LN_2 - 1.0;
    root(mean(positive(candles).map(|candle| {
        0.5 * square(libm::log(candle.high / candle.low))
            - factor * square(libm::log(candle.close / candle.open))
    })))
}

/// Rogers and Satchell (1991): `σ² = mean(ln(H/O) ln(H/C) + ln(L/O) ln(L/C))`.
pub fn rogers_satchell(candles: &[Candle]) -> f64 {
    root(rogers_satchell_variance(candles))
}

/// Yang and Zhang (2000) over the n returns of n + 1 bars: `σ² = var(ln(O/C₋₁)) + k var(ln(C/O)) + (1 − k) σ²ʳˢ` with
/// sample variances and `k = 0.34 / (1.34 + (n + 1)/(n − 1))`. Returns σ and k; zeros below two returns.
pub fn yang_zhang(candles: &[Candle]) -> (f64, f64) {
    let candles: Vec<Candle> = positive(candles).collect();
    let count = candles.len().saturating_sub(1);
    if count < 2 {
        return (0.0, 0.0);
    }
    let overnight = candles
        .windows(2)
        .map(|pair| libm::log(pair[1].open / pair[0].close));
    let overnight: Vec<f64> = overnight.collect();
    let inside: Vec<f64> = candles[1..]
        .iter()
        .map(|candle| libm::log(candle.close / candle.open))
        .collect();
    let returns = count as f64;
    let k = 0.34 / (1.34 + (returns + 1.0) / (returns - 1.0));
    let variance = variance(&overnight)
        + k * variance(&inside)
        + (1.0 - k) * rogers_satchell_variance(&candles[1..]);
    (root(variance), k)
}

/// Sample standard deviation of the log returns.
pub fn close_to_close(closes: &[f64]) -> f64 {
    let closes: Vec<f64> = closes
        .iter()
        .copied()
        .filter(|close| *close > 0.0)
        .collect();
    let returns = closes.windows(2).map(|pair| libm::log(pair[1] / pair[0]));
    root(variance(&returns.collect::<Vec<f64>>()))
}

/// Sample standard deviation of the last `periods` simple returns × √`periods_per_year`. `points` are (day, price);
/// points nearer than `spacing_min` days to the last used one and prices that are not positive are ignored.
pub fn annualised(
    points: &[(f64, f64)],
    periods: usize,
    periods_per_year: f64,
    spacing_min: f64,
) -> f64 {
    let mut used: Vec<(f64, f64)> = Vec::new();
    for (day, price) in points {
        let near = used
            .last()
            .is_some_and(|(last, _)| day - last < spacing_min);
        if *price > 0.0 && !near {
            used.push((*day, *price));
        }
    }
    let returns: Vec<f64> = used
        .windows(2)
        .map(|pair| pair[1].1 / pair[0].1 - 1.0)
        .collect();
    let last = &returns[returns.len().saturating_sub(periods)..];
    root(variance(last)) * libm::sqrt(periods_per_year.max(0.0))
}

/// Sample standard deviation of the prices divided by their mean.
pub fn relative(prices: &[f64]) -> f64 {
    let mean = mean(prices.iter().copied());
    if mean == 0.0 {
        return 0.0;
    }
    root(variance(prices)) / mean
}

fn rogers_satchell_variance(candles: &[Candle]) -> f64 {
    mean(positive(candles).map(|candle| {
        libm::log(candle.high / candle.open) * libm::log(candle.high / candle.close)
            + libm::log(candle.low / candle.open) * libm::log(candle.low / candle.close)
    }))
}

fn positive(candles: &[Candle]) -> impl Iterator<Item = Candle> {
    let all_positive = |candle: &Candle| {
        [candle.open, candle.high, candle.low, candle.close]
            .iter()
            .all(|price| *price > 0.0)
    };
    candles.iter().copied().filter(all_positive)
}

fn square(value: f64) -> f64 {
    value * value
}

fn root(variance: f64) -> f64 {
    libm::sqrt(variance.max(0.0))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 {
        0.0
    } else {
        sum / f64::from(count)
    }
}

/// Sample variance (n − 1); zero below two values.
fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values.iter().copied());
    values.iter().map(|value| square(value - mean)).sum::<f64>() / (values.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_below_zero_and_too_few_bars_give_numbers() {
        let candle = Candle {
            open: 10.0,
            high: 12.0,
            low: -37.0,
            close: -37.0,
        };
        for candles in [&[][..], &[candle][..], &[candle, candle][..]] {
            for value in [
                parkinson(candles),
                garman_klass(candles),
                rogers_satchell(candles),
                yang_zhang(candles).0,
            ] {
                assert_eq!(value, 0.0);
            }
        }
        assert!(close_to_close(&[18.27, -36.98, 10.01, 9.0]).is_finite());
        assert_eq!(annualised(&[(0.0, 0.0)], 3, 252.0, 1.0), 0.0);
        assert_eq!(relative(&[-1.0, 1.0]), 0.0);
    }
}
