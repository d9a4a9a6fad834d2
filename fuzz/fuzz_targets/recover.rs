//! The bytes of a segment, in whole or in part.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| siaga_risk::journal::fuzz::fuzz_recover(bytes));
