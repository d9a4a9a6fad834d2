//! The log sink: every alert as a structured line of the program's log.

use std::future::{Future, ready};
use std::pin::Pin;

use super::Sink;
use super::message::Message;
use crate::alert::Severity;
use crate::outbox::Attempt;

/// Writes to the log; it cannot fail.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSink;

impl Sink for LogSink {
    fn attempt<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Attempt> + Send + 'a>> {
        let (id, title, body) = (&message.id, &message.title, &message.body);
        match message.severity {
            Severity::Info => tracing::info!(target: "alert", id, body, "{title}"),
            Severity::Warning => tracing::warn!(target: "alert", id, body, "{title}"),
            Severity::Critical | Severity::Emergency => {
                tracing::error!(target: "alert", id, body, "{title}");
            }
        }
        Box::pin(ready(Attempt::Delivered))
    }
}
