//! Benches and load programs.
//!
//! Each module measures one thing, asserts that what it measured was right, and prints a table with
//! the floor of this machine beside it and what the figure leaves out. Each has a tiny size that runs
//! as a test, so a bench cannot rot.

pub mod accounts;
pub mod api;
pub mod clock;
pub mod decode;
pub mod hops;
pub mod report;
pub mod rng;
pub mod start;
pub mod stream;
pub mod throughput;
pub mod topology;
pub mod watch;
