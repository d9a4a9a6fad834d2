//! Siaga: the desk.

pub mod store;
