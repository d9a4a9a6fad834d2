//! Siaga: the desk.

pub mod cli;
pub mod clock;
pub mod config;
pub mod desk;
pub mod gateway;
pub mod precedence;
pub mod store;
