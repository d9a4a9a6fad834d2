//! Cost of a quote through the market side alone: filters, failover, mark, bars, window, volatility, no accounts.
//! Leaves out the rings, the journal and the book.

#[path = "../tests/walk/mod.rs"]
mod walk;

use std::time::Instant;
use walk::{INSTRUMENTS, market, walk};

const QUOTES: u32 = 3_000_000;

#[allow(clippy::disallowed_methods)] // A bench is there to look at the clock.
fn main() {
    println!("{INSTRUMENTS} instruments, {QUOTES} quotes a run");
    println!(
        "{:>14} {:>12} {:>12}",
        "quotes/s fed", "ns a quote", "outputs"
    );
    for step_ns in [1_000, 10_000, 100_000, 1_000_000] {
        let mut market = market();
        let mut walk = walk(step_ns);
        let quotes: Vec<_> = (0..QUOTES).map(|_| walk.step()).collect();
        let mut out = Vec::with_capacity(4_096);
        let mut effects = Vec::with_capacity(64);
        let mut outputs = 0;
        let start = Instant::now();
        for quote in &quotes {
            market.on_quote(quote, quote.ts, &mut out);
            market.take_effects(&mut effects);
            outputs += out.len();
            out.clear();
            effects.clear();
        }
        let ns = start.elapsed().as_nanos() / u128::from(QUOTES);
        assert!(
            outputs >= QUOTES as usize,
            "every quote of the walk becomes a mark"
        );
        println!("{:>14} {ns:>12} {outputs:>12}", 1_000_000_000 / step_ns);
    }
}
