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
