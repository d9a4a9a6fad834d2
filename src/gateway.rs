//! The gateway: REST, the stream, the bridge's socket, the console's files. It knows the desk through one trait, [`core::Core`].
//!
//! Reading order: `core` (what it needs), `server` (the loop and the routes), `guard` and `auth` (who may pass), `rest`, `stream`.

pub mod assets;
pub mod asyncapi;
pub mod auth;
pub mod bridge;
#[cfg(test)]
mod committed;
pub mod core;
pub mod decimal;
pub mod directory;
pub mod dto;
pub mod error;
pub mod events;
pub mod guard;
pub mod health;
pub mod json;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod platform;
pub mod query;
pub mod refusals;
pub mod rest;
mod revocation;
pub mod server;
pub mod stream;

pub use server::{Options, serve};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
