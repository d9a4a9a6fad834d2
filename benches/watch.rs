//! What one quote costs among a million accounts.

use siaga_bench::watch;

fn main() {
    watch::print(watch::Size::FULL);
}
