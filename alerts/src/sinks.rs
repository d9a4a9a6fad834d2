//! Where alerts go: the only sockets of this crate.

pub mod log;
pub mod message;
pub mod signature;
pub mod webhook;

use std::future::Future;
use std::pin::Pin;

use crate::outbox::Attempt;
use message::Message;

/// Something that can be told an alert. An attempt ends by itself: every sink has a deadline of its own.
pub trait Sink: Send + Sync {
    /// One attempt. Never fails otherwise than by its answer.
    fn attempt<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Attempt> + Send + 'a>>;
}
