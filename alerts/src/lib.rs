//! Siaga's alert desk: what the core says becomes alerts with a life, and alerts reach people.
//!
//! The lifecycle ([`engine`]) is a pure fold over the output log and knows no HTTP; [`routing`] decides who is
//! told when; the only sockets are in [`sinks`]. Start with [`alert`].

pub mod alert;
pub mod engine;
pub mod outbox;
pub mod routing;
pub mod rules;
pub mod sinks;
#[cfg(test)]
mod testing;
pub mod text;

#[cfg(test)]
#[path = "../../tests/support/shared.rs"]
mod shared;
