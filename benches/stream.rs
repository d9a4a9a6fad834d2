//! Tick to WebSocket frame of the program named by `SIAGA_BIN`.

use siaga_bench::stream;

fn main() {
    stream::print(stream::Size::FULL);
}
