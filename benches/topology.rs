//! Whole topologies against each other, and one-to-one hops with the bare cache line beside them.

use siaga_bench::{hops, topology};

fn main() {
    hops::print(hops::Size::FULL);
    topology::print(topology::Size::FULL);
}
