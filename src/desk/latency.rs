//! How long things take, for `/metrics`.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

/// Highest latency that is told apart, nanoseconds: ten seconds.
const LATENCY_NS_MAX: u64 = 10_000_000_000;
/// Two significant digits: one percent is enough for a percentile.
const DIGITS: u8 = 2;

/// Durations of one kind.
#[derive(Debug)]
pub struct Latency(Mutex<Histogram<u64>>);

impl Default for Latency {
    fn default() -> Self {
        let empty = Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS)
            .unwrap_or_else(|_| unreachable!("the bounds are constants that fit"));
        Self(Mutex::new(empty))
    }
}

impl Latency {
    /// Records a batch, taking the lock once.
    pub fn record(&self, latencies_ns: &[u64]) {
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for latency_ns in latencies_ns {
            histogram.saturating_record(*latency_ns);
        }
    }
}

impl Latency {
    /// Appends the quantiles in the Prometheus text format.
    pub fn write(&self, name: &str, help: &str, out: &mut String) {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} summary");
        for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
            let seconds = histogram.value_at_quantile(quantile) as f64 / 1e9;
            let _ = writeln!(out, "{name}{{quantile=\"{quantile}\"}} {seconds:e}");
        }
        let sum = histogram.mean() * histogram.len() as f64 / 1e9;
        let _ = writeln!(out, "{name}_sum {sum:e}\n{name}_count {}", histogram.len());
    }
}
