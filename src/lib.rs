//! Siaga: the desk.

pub mod clock;
pub mod config;
pub mod gateway;
pub mod store;
