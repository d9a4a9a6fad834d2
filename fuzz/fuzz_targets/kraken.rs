//! Frames of a Kraken connection, one on a line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| siaga_feed::fuzzing::fuzz_kraken(bytes));
