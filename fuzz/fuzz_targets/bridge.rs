//! Frames of a broker's program, one on a line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| siaga_broker::bridge::fuzz_bridge(bytes));
