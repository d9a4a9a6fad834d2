//! A million accounts through the whole machine.
//!
//! `cargo bench -p siaga-bench --bench accounts -- [accounts [quotes of a mix [seconds of an open loop]]]`; without
//! numbers the full size.

use siaga_bench::accounts::{self, Size};

fn main() {
    let mut asked = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok());
    let mut size = Size::FULL;
    size.accounts = asked.next().unwrap_or(size.accounts as u64) as u32;
    size.quotes = asked.next().unwrap_or(size.quotes as u64) as usize;
    size.flow_ns = asked
        .next()
        .map_or(size.flow_ns, |seconds| seconds * 1_000_000_000);
    accounts::print(size);
}
