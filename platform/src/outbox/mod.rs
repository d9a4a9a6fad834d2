//! The outbox: what happened, written in the transaction of what happened, and handed on afterwards, in
//! order for each aggregate, at least once.
//!
//! A [`Subscriber`] works in the database: its receipt is written in the transaction of what it did, so
//! an event is applied once. An [`Effect`] works outside (mail, the core, NATS): its receipt is written
//! behind it, so it may happen again after a crash and carries the event's id as its own key.

mod deliver;
mod event;
mod nats;
mod policy;
mod publisher;

pub use deliver::{Effect, EffectError, Handlers, Running, Subscriber};
pub use event::{Event, Stored};
pub use nats::{Nats, NatsError};
pub use policy::{ATTEMPTS_MAX, After, Outcome, after};
pub use publisher::{Publisher, failed, retry};

/// What may be done with events that did not go out.
pub const PERMISSIONS: &[crate::people::Permission] =
    &[publisher::OUTBOX_READ, publisher::OUTBOX_RETRY];

pub(crate) use event::put;
