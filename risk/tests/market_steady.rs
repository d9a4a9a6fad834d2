//! The tick path at rest: after a warm-up no quote allocates.

mod walk;

use walk::{market, walk};

#[test]
fn quotes_do_not_allocate_once_warm() {
    let mut market = market();
    let mut walk = walk(100_000);
    let mut out = Vec::with_capacity(4_096);
    let mut effects = Vec::with_capacity(64);
    let mut run = |quotes: u32| {
        for _ in 0..quotes {
            let quote = walk.step();
            market.on_quote(&quote, quote.ts, &mut out);
            market.take_effects(&mut effects);
            out.clear();
            effects.clear();
        }
    };
    run(2_000_000);
    let info = allocation_counter::measure(|| run(1_000_000));
    assert_eq!(info.count_total, 0, "allocations in a million quotes");
}
