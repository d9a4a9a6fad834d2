//! Siaga's links to brokers: one small interface, the links behind it, and the router that feeds them.
//!
//! Session logic is pure: commands and time go in, reports come out; the only sockets and tasks live in
//! [`router::task`] and in the program. Start with [`link`].

pub mod bridge;
pub mod directory;
pub mod id;
pub mod link;
pub mod paper;
pub mod router;
