//! The clock of the benches: they measure time, nothing they measure reads it.

use std::sync::OnceLock;
use std::time::Instant;

/// Nanoseconds since the first call.
#[allow(clippy::disallowed_methods)] // a bench is where time is measured
pub fn now_ns() -> u64 {
    static BASE: OnceLock<Instant> = OnceLock::new();
    let base = *BASE.get_or_init(Instant::now);
    base.elapsed().as_nanos() as u64
}

/// What one reading costs, in nanoseconds: part of every latency below.
pub fn reading_ns() -> f64 {
    const READINGS: u64 = 100_000;
    let start = now_ns();
    for _ in 0..READINGS {
        std::hint::black_box(now_ns());
    }
    (now_ns() - start) as f64 / READINGS as f64
}

/// Nanoseconds this thread has run on a processor: on a busy machine the work is this, the rest is waiting. 0 where the
/// kernel does not say.
pub fn worked_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = stat.split_whitespace().next();
    first.and_then(|word| word.parse().ok()).unwrap_or(0)
}
