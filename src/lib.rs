//! Siaga: the desk.

pub mod clock;
pub mod config;
pub mod store;
