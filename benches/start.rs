//! Start to first price, and what an idle desk costs, of the program named by `SIAGA_BIN`.

use siaga_bench::start;

fn main() {
    start::print(start::Size::FULL);
}
