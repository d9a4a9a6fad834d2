//! Live venues: a session and a socket each, straight into the ring.

use std::sync::{Arc, PoisonError};

use siaga_feed::catalog::Catalog;
use siaga_feed::socket::{self, Host, Settings, Status};
use siaga_feed::venue::binance::Binance;
use siaga_feed::venue::kraken::Kraken;
use siaga_feed::venue::{Counts, Session, listings};
use siaga_risk::event::{Gap, GapCause, Input};
use siaga_risk::pipeline::Inbox;
use siaga_risk::units::Ts;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::handle::Handle;
use super::venue_figures::VenueFigures;
use super::vital;
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
                    "not connected: the next attempt follows after the wait"
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
    handle: &Arc<Handle>,
    inbox: &Inbox,
    stop: &watch::Receiver<bool>,
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
        let settings = Settings::new(url, handle.clock.now().0);
        let host = VenueHost {
            name,
            clock: handle.clock.clone(),
            inbox: inbox.clone(),
            refused: 0,
            figures: handle.venues.clone(),
        };
        let desk = handle.clone();
        let lost = move |gap| {
            // An inbox that lives on: while the ring is full, the gap waits there.
            let mut inbox = desk.inbox.lock().unwrap_or_else(PoisonError::into_inner);
            if inbox.input(Input::Gap(gap)).is_err() {
                tracing::error!(
                    venue = name,
                    "the core has not heard of it: its ring is full"
                );
            }
        };
        let stop = stop.clone();
        tasks.push(tokio::spawn(run(session, settings, host, stop, lost)));
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

/// Keeps a venue connected until it is told to stop. One that ends before, by a panic or because TLS cannot be set up, does
/// not stop the desk: that its source is gone is told by `lost`, as if its connection had broken.
async fn run(
    session: Box<dyn Session>,
    settings: Settings,
    host: VenueHost,
    stop: watch::Receiver<bool>,
    mut lost: impl FnMut(Gap),
) {
    let (name, source) = (host.name, session.source());
    let (clock, figures, told) = (host.clock.clone(), host.figures.clone(), stop.clone());
    let ended = move || {
        if is_over(&told) {
            return;
        }
        tracing::error!(
            venue = name,
            "the venue's session has ended: it brings no prices until a restart; see the log above"
        );
        figures.end(name);
        lost(Gap {
            ts: clock.now(),
            source,
            instrument: None,
            cause: GapCause::Disconnect,
            missing: 0,
        });
    };
    vital::guard(connected(session, settings, host, stop), ended).await;
}

/// Told to stop; a sender that is gone has said its last word.
fn is_over(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

async fn connected(
    mut session: Box<dyn Session>,
    settings: Settings,
    mut host: VenueHost,
    mut stop: watch::Receiver<bool>,
) {
    let stopped = async {
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

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_feed::venue::CloseReason;
    use siaga_risk::ids::SourceId;
    use siaga_risk::pipeline::ring;
    use std::sync::Mutex;

    /// A session with a bug: it does not survive that its venue is away.
    #[derive(Default)]
    struct Broken(Counts);

    impl Session for Broken {
        fn on_unreachable(&mut self, _: Ts) {
            panic!("the session divided by zero");
        }
        fn on_open(&mut self, _: Ts) {}
        fn on_frame(&mut self, _: &[u8], _: Ts) {}
        fn on_alive(&mut self, _: Ts) {}
        fn on_oversize(&mut self, _: Ts) {}
        fn on_closed(&mut self, _: Ts) {}
        fn on_deadline(&mut self, _: Ts) {}
        fn poll_input(&mut self) -> Option<Input> {
            None
        }
        fn poll_send(&mut self) -> Option<String> {
            None
        }
        fn poll_close(&mut self) -> Option<CloseReason> {
            None
        }
        fn poll_deadline(&self) -> Option<Ts> {
            None
        }
        fn counts(&self) -> &Counts {
            &self.0
        }
        fn source(&self) -> SourceId {
            SourceId(4)
        }
    }

    /// Runs a broken session to its end; the gaps that the desk heard of, and what the figures say.
    async fn end(settings: Settings, is_stopping: bool) -> (Vec<Gap>, String) {
        let (writer, _journal, _machine) = ring::build(64);
        let figures = Arc::new(VenueFigures::default());
        figures.put("kraken", Some(&Status::Connected), &Counts::default(), 0);
        let host = VenueHost {
            name: "kraken",
            clock: Arc::new(Clock::start()),
            inbox: Inbox::new(writer),
            refused: 0,
            figures: figures.clone(),
        };
        let (_desk, stop) = watch::channel(is_stopping);
        let gaps = Arc::new(Mutex::new(Vec::new()));
        let heard = gaps.clone();
        let lost = move |gap| heard.lock().unwrap().push(gap);
        let session = Box::new(Broken::default());
        let task = tokio::spawn(run(session, settings, host, stop, lost));
        // It may have panicked.
        let _ = task.await.is_ok();
        let mut text = String::new();
        figures.write(&mut text);
        let gaps = gaps.lock().unwrap().clone();
        (gaps, text)
    }

    #[tokio::test]
    async fn a_session_that_ends_by_itself_is_a_lost_source() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        let away = Settings::new(format!("ws://{address}"), 1);
        let mut without_tls = Settings::new(format!("wss://{address}"), 1);
        without_tls.extra_root = Some(b"no certificate".to_vec());
        for settings in [away.clone(), without_tls] {
            let (gaps, figures) = end(settings, false).await;
            assert_eq!(gaps.len(), 1);
            assert_eq!(
                (gaps[0].cause, gaps[0].source, gaps[0].instrument),
                (GapCause::Disconnect, SourceId(4), None)
            );
            assert!(figures.contains("siaga_venue_connected{venue=\"kraken\"} 0"));
        }
        let (gaps, _) = end(away, true).await;
        assert_eq!(gaps, [], "a stop is no loss");
    }
}
