//! When a lost price provider is tried again.

/// Attempts come in series: one every `interval_ns`, `attempts` of them; after a failed series a pause, whose end is the
/// first attempt of the next (MetaTrader 5 Platform Components, History Server).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub interval_ns: u64,
    /// At least one.
    pub attempts: u64,
    pub pause_ns: u64,
}

impl Retry {
    /// One attempt every `interval_ns`, without a pause.
    pub const fn every(interval_ns: u64) -> Retry {
        Retry {
            interval_ns,
            attempts: 1,
            pause_ns: interval_ns,
        }
    }

    /// When the attempt `nth` (from 0) is made, nanoseconds after the loss of the connection.
    pub fn at(&self, nth: u64) -> u64 {
        let attempts = self.attempts.max(1);
        let (series, place) = (nth / attempts, nth % attempts);
        let length = (attempts - 1).saturating_mul(self.interval_ns);
        let begin = series.saturating_mul(length.saturating_add(self.pause_ns));
        begin
            .saturating_add(self.interval_ns)
            .saturating_add(place.saturating_mul(self.interval_ns))
    }
}

/// The line a platform's log has for a source that takes over: `list_position` counts from 1.
pub fn activation_line(timestamp: &str, list_position: u32, symbol: &str) -> String {
    format!("{timestamp} Ticks datafeed {list_position}: {symbol} activation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_ends_with_a_pause() {
        let retry = Retry {
            interval_ns: 5,
            attempts: 3,
            pause_ns: 60,
        };
        let times: Vec<u64> = (0..7).map(|nth| retry.at(nth)).collect();
        assert_eq!(times, [5, 10, 15, 75, 80, 85, 145]);
        assert_eq!(Retry::every(60).at(2), 180);
    }
}
