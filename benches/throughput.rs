//! Quotes per second through the real journal, the real machine and egress.

use siaga_bench::throughput;

fn main() {
    throughput::print(throughput::Size::FULL);
}
