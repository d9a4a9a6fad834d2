//! Live venues: a session and a socket each, straight into the ring.

use std::sync::Arc;

use siaga_feed::catalog::Catalog;
use siaga_feed::socket::{self, Host, Settings, Status};
use siaga_feed::venue::binance::Binance;
use siaga_feed::venue::kraken::Kraken;
use siaga_feed::venue::{Counts, Session, listings};
use siaga_risk::event::Input;
use siaga_risk::pipeline::Inbox;
use siaga_risk::units::Ts;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::venue_figures::VenueFigures;
use crate::clock::Clock;
use crate::config::{Config, Venue};

/// Public streams of the venues.
const BINANCE_URL: &str = "wss://stream.binance.com:9443/stream";
const KRAKEN_URL: &str = "wss://ws.kraken.com/v2";

/// The socket's world over the real clock and ring.
struct VenueHost {
    name: &'static str,
    clock: Arc<Clock>,
    inbox: Inbox,
    /// Prints that found the ring full, and gaps of a source that has too many of them waiting.
    refused: u64,
    figures: Arc<VenueFigures>,
}

impl Host for VenueHost {
    fn now(&self) -> Ts {
        self.clock.now()
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Quote(quote) => self.inbox.quote(quote),
            // The socket may not wait: a print is dropped and counted, a gap waits in the inbox.
            other => self.refused += u64::from(self.inbox.input(other).is_err()),
        }
    }

    fn status(&mut self, status: Option<&Status>, counts: &Counts) {
        self.inbox.flush();
        self.figures.put(self.name, status, counts, self.refused);
        match status {
            Some(Status::Connected) => tracing::info!(venue = self.name, "connected"),
            Some(Status::Lost { reason, wait }) => {
                tracing::warn!(
                    venue = self.name,
                    reason,
                    wait_s = wait.as_secs(),
                    "connection lost: the next source serves meanwhile"
                );
            }
            _ => {}
        }
        if self.refused > 0 {
            tracing::warn!(
                venue = self.name,
                refused = self.refused,
                "prints or gaps were dropped: the ring was full"
            );
            self.refused = 0;
        }
    }
}

/// Starts every venue that is switched on.
///
/// # Errors
/// The catalog does not know a venue's source.
pub fn start(
    config: &Config,
    catalog: &Catalog,
    clock: &Arc<Clock>,
    inbox: &Inbox,
    stop: &watch::Receiver<bool>,
    figures: &Arc<VenueFigures>,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let mut tasks = Vec::new();
    for (name, venue, url) in enabled(config) {
        let source = catalog.source(name)?.terms.id;
        let mut wanted = listings(catalog, source);
        if !venue.symbols.is_empty() {
            let ids = venue
                .symbols
                .iter()
                .map(|symbol| catalog.listing(symbol).map(|found| found.terms.id));
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            wanted.retain(|listing| ids.contains(&listing.instrument));
        }
        let session: Box<dyn Session> = match name {
            "binance" => Box::new(Binance::new(source, wanted)),
            _ => Box::new(Kraken::new(source, wanted)),
        };
        let settings = Settings::new(url, clock.now().0);
        let host = VenueHost {
            name,
            clock: clock.clone(),
            inbox: inbox.clone(),
            refused: 0,
            figures: figures.clone(),
        };
        tasks.push(tokio::spawn(run(session, settings, host, stop.clone())));
    }
    Ok(tasks)
}

/// Name and address of every venue that is switched on.
pub fn addresses(config: &Config) -> Vec<(&'static str, String)> {
    enabled(config).map(|(name, _, url)| (name, url)).collect()
}

fn enabled(config: &Config) -> impl Iterator<Item = (&'static str, &Venue, String)> {
    let venues = [
        ("binance", &config.feed.binance, BINANCE_URL),
        ("kraken", &config.feed.kraken, KRAKEN_URL),
    ];
    venues
        .into_iter()
        .filter(|(_, venue, _)| venue.enabled)
        .map(|(name, venue, usual)| {
            let url = venue.url.as_deref().unwrap_or(usual);
            (name, venue, url.to_owned())
        })
}

async fn run(
    mut session: Box<dyn Session>,
    settings: Settings,
    mut host: VenueHost,
    mut stop: watch::Receiver<bool>,
) {
    let stopped = async {
        // A sender that is gone has said its last word.
        let _ = stop.wait_for(|stop| *stop).await.is_ok();
    };
    let name = host.name;
    if let Err(error) = socket::run(session.as_mut(), &settings, &mut host, stopped).await {
        tracing::error!(
            venue = name,
            error = format!("{error:#}"),
            "the venue cannot be used"
        );
    }
}
