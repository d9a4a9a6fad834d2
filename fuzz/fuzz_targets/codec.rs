//! A record's kind and payload.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| siaga_risk::fuzzing::fuzz_codec(bytes));
