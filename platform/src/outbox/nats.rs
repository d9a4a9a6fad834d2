//! Events to other processes: a JetStream stream, each message with the event's id, by which the server
//! drops what it has already.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use async_nats::{ConnectOptions, HeaderMap};
use serde_json::json;
use tokio::sync::OnceCell;

use super::deliver::{Effect, EffectError, Running};
use super::event::Stored;
use crate::unit::Platform;

/// Name of the stream.
const STREAM: &str = "SIAGA_EVENTS";

/// What its subjects begin with; the event's kind follows.
const SUBJECT: &str = "siaga.events";

/// How long the server remembers ids. An event is published again within a lease, far sooner.
const DUPLICATES: Duration = Duration::from_secs(3_600);

/// How long it keeps messages: a reader that is away longer asks the event table.
const KEEP: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Longest wait for the server's word that a message is stored; shorter than the lease of a claim.
const ACK_WAIT: Duration = Duration::from_secs(10);

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
#[error(
    "NATS at {url} cannot be used: {why}; check that it runs with JetStream and that [platform] nats is right"
)]
pub struct NatsError {
    /// The address, without what it may say of a password.
    url: String,
    /// Why.
    why: String,
}

/// The publisher to a NATS server.
pub struct Nats {
    url: String,
    context: OnceCell<jetstream::Context>,
}

impl Nats {
    /// A publisher to the server at `url`; it connects with the first event.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            context: OnceCell::new(),
        }
    }

    /// Connects and makes the stream where it is missing.
    async fn connect(url: &str) -> Result<jetstream::Context, NatsError> {
        let shown = url.rsplit_once('@').map_or(url, |(_, host)| host);
        let failed = |why: String| NatsError {
            url: shown.to_owned(),
            why,
        };
        let options = ConnectOptions::new()
            .name("siaga")
            .connection_timeout(ACK_WAIT);
        let client = options
            .connect(url)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let context = jetstream::new(client);
        let config = stream::Config {
            name: STREAM.into(),
            subjects: vec![format!("{SUBJECT}.>")],
            max_age: KEEP,
            duplicate_window: DUPLICATES,
            ..stream::Config::default()
        };
        context
            .get_or_create_stream(config)
            .await
            .map_err(|error| failed(error.to_string()))?;
        Ok(context)
    }

    async fn publish(&self, event: &Stored) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", event.id.to_string().as_str());
        let message = json!({
            "id": event.id,
            "kind": event.kind,
            "time_us": event.time.0 / 1_000,
            "org": event.org,
            "aggregate": event.aggregate,
            "aggregate_id": event.aggregate_id,
            "account": event.account,
            "payload": event.payload,
        });
        let subject = format!("{SUBJECT}.{}", event.kind);
        let context = self
            .context
            .get_or_try_init(|| Self::connect(&self.url))
            .await;
        let context = context.map_err(|error| error.to_string())?;
        let sent = context.publish_with_headers(subject, headers, message.to_string().into());
        let stored = sent.await.map_err(|error| error.to_string())?;
        stored.await.map_err(|error| error.to_string())?;
        Ok(())
    }
}

impl Effect for Nats {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn wants(&self, _kind: &str) -> bool {
        true
    }

    fn run<'a>(&'a self, _platform: &'a Platform, event: &'a Stored) -> Running<'a> {
        Box::pin(async move {
            let sent = tokio::time::timeout(ACK_WAIT, self.publish(event)).await;
            match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(why)) => Err(EffectError::Later(why)),
                Err(_) => Err(EffectError::Later("NATS did not answer in time".into())),
            }
        })
    }
}
