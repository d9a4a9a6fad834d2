//! The read model: bars, alerts, orders, deals, money, events and (on a server) ticks in PostgreSQL.
//!
//! All of it is derived from the output log and can be rebuilt from there; the core never waits for it.

pub mod db;
pub mod dump;
#[cfg(feature = "embedded-postgres")]
pub mod embedded;
pub mod evidence;
pub mod migrate;
pub mod names;
mod open;
pub mod projection;
pub mod read;
pub mod rebuild;
pub mod run;
pub mod ticks;
pub mod upkeep;

pub use open::{OpenError, Store};
pub use siaga_platform::{consumer, events, source};
