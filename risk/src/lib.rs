//! Siaga: risk.

pub mod codec;
