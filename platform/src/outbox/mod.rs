//! The outbox: what happened, written in the transaction of what happened, and handed on afterwards, in
//! order for each aggregate, at least once. Consumers are idempotent by the event's id.

mod event;

pub use event::Event;
pub(crate) use event::put;
