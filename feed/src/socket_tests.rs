use super::*;
use crate::venue::binance::Binance;
use crate::venue::kraken::Kraken;
use crate::venue::{Refusal, VenueListing};
use crate::venue_server::{Act, Protocol, VenueServer};
use siaga_risk::event::{GapCause, Quote, QuoteKind};
use siaga_risk::ids::{InstrumentId, SourceId};
use std::sync::Mutex;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What a test host has seen.
#[derive(Default)]
struct Seen {
    inputs: Vec<Input>,
    lost: Vec<(String, Duration)>,
    counts: Counts,
    stopped: bool,
}

/// A clock that runs `speed` times as fast as the real one, so that minutes of silence pass in a test.
struct TestHost {
    seen: Arc<Mutex<Seen>>,
    changed: Arc<Notify>,
    started: tokio::time::Instant,
    speed: u64,
}

impl Host for TestHost {
    fn now(&self) -> Ts {
        Ts(1_770_000_000 * SECOND_NS).plus(self.started.elapsed().as_nanos() as u64 * self.speed)
    }

    fn input(&mut self, input: Input) {
        self.seen.lock().unwrap().inputs.push(input);
        self.changed.notify_one();
    }

    fn status(&mut self, status: Option<&Status>, counts: &Counts) {
        let mut seen = self.seen.lock().unwrap();
        seen.counts = counts.clone();
        match status {
            Some(Status::Lost { reason, wait }) => seen.lost.push((reason.clone(), *wait)),
            Some(Status::Stopped) => seen.stopped = true,
            _ => {}
        }
        drop(seen);
        self.changed.notify_one();
    }
}

fn session(protocol: Protocol) -> Box<dyn Session> {
    let listing = |symbol: &str, id| VenueListing {
        symbol: symbol.to_owned(),
        instrument: InstrumentId(id),
        price_digits: 2,
        qty_digits: 5,
        negative_prices: false,
    };
    match protocol {
        Protocol::Binance => Box::new(Binance::new(SourceId(3), vec![listing("BTCUSDT", 1)])),
        Protocol::Kraken => Box::new(Kraken::new(SourceId(4), vec![listing("BTC/USD", 1)])),
    }
}

fn quote(protocol: Protocol, bid: &str, ask: &str) -> Act {
    let symbol = if protocol == Protocol::Binance {
        "BTCUSDT"
    } else {
        "BTC/USD"
    };
    Act::Quote {
        symbol: symbol.to_owned(),
        bid: bid.to_owned(),
        ask: ask.to_owned(),
    }
}

/// Runs a session against a scripted server until `done` says so, then stops it.
async fn play(
    protocol: Protocol,
    scripts: Vec<Vec<Act>>,
    speed: u64,
    done: impl Fn(&Seen) -> bool,
) -> (Arc<Mutex<Seen>>, VenueServer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = VenueServer::start(listener, protocol, scripts).unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let changed = Arc::new(Notify::new());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut settings = Settings::new(server.url(), 1);
    settings.backoff = Backoff {
        fast: Duration::from_millis(20),
        fast_attempts: 100,
        slow: Duration::from_millis(50),
    };
    let mut host = TestHost {
        seen: seen.clone(),
        changed: changed.clone(),
        started: tokio::time::Instant::now(),
        speed,
    };
    let task = tokio::spawn(async move {
        let mut session = session(protocol);
        run(session.as_mut(), &settings, &mut host, async {
            let _ = stopped.await;
        })
        .await
    });
    let reached = tokio::time::timeout(Duration::from_secs(20), async {
        while !done(&seen.lock().unwrap()) {
            changed.notified().await;
        }
    });
    let reached = reached.await.is_ok();
    let _ = stop.send(());
    task.await.unwrap().unwrap();
    let seen_now = seen.lock().unwrap();
    assert!(
        reached,
        "inputs {:?}, lost {:?}, counts {:?}",
        seen_now.inputs.len(),
        seen_now.lost,
        seen_now.counts
    );
    assert!(seen_now.stopped);
    drop(seen_now);
    (seen, server)
}

fn quotes(seen: &Seen) -> Vec<Quote> {
    seen.inputs
        .iter()
        .filter_map(|input| {
            if let Input::Quote(quote) = input {
                Some(*quote)
            } else {
                None
            }
        })
        .collect()
}

fn gaps(seen: &Seen, cause: GapCause) -> usize {
    seen.inputs
        .iter()
        .filter(|input| matches!(input, Input::Gap(gap) if gap.cause == cause))
        .count()
}

#[tokio::test]
async fn both_venues_are_subscribed_and_read() {
    for protocol in [Protocol::Binance, Protocol::Kraken] {
        let requests = if protocol == Protocol::Binance { 1 } else { 2 };
        let script = vec![
            Act::Requests(requests),
            quote(protocol, "100.25", "100.50"),
            Act::Ping,
        ];
        let (seen, server) = play(protocol, vec![script], 1, |seen| !quotes(seen).is_empty()).await;
        let seen = seen.lock().unwrap();
        assert_eq!(
            (quotes(&seen)[0].bid.0, quotes(&seen)[0].ask.0),
            (10_025, 10_050),
            "{protocol:?}"
        );
        assert_eq!(server.heard().len(), requests);
        assert_eq!(seen.counts.refused_total(), 0);
    }
}

#[tokio::test]
async fn repeats_latecomers_and_rubbish_pass_without_harm() {
    let p = Protocol::Binance;
    let script = vec![
        quote(p, "1.00", "1.01"),
        Act::Again,
        quote(p, "1.02", "1.03"),
        Act::Late,
        Act::Raw("{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":".to_owned()),
        Act::Raw("null".to_owned()),
        quote(p, "NaN", "1"),
        quote(p, "-1", "1"),
        Act::Trade {
            symbol: "BTCUSDT".to_owned(),
            id: 10,
            price: "1.02".to_owned(),
        },
        Act::Trade {
            symbol: "BTCUSDT".to_owned(),
            id: 13,
            price: "1.02".to_owned(),
        },
        quote(p, "1.04", "1.05"),
    ];
    let (seen, _server) = play(p, vec![script], 1, |seen| quotes(seen).len() >= 3).await;
    let seen = seen.lock().unwrap();
    let bids: Vec<i64> = quotes(&seen).iter().map(|quote| quote.bid.0).collect();
    assert_eq!(bids, [100, 102, 104]);
    assert_eq!(gaps(&seen, GapCause::Sequence), 1);
    for (reason, count) in [
        (Refusal::Duplicate, 1),
        (Refusal::OutOfOrder, 1),
        (Refusal::Malformed, 2),
        (Refusal::NotANumber, 1),
        (Refusal::NotPositive, 1),
    ] {
        assert_eq!(seen.counts.refused(reason), count, "{reason:?}");
    }
}

#[tokio::test]
async fn a_huge_frame_is_refused_counted_and_the_connection_renewed() {
    let p = Protocol::Binance;
    let scripts = vec![
        vec![quote(p, "1.00", "1.01"), Act::Huge(10 << 20)],
        vec![quote(p, "2.00", "2.01")],
    ];
    let (seen, _server) = play(p, scripts, 1, |seen| quotes(seen).len() >= 2).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.counts.refused(Refusal::Oversize), 1);
    assert_eq!(gaps(&seen, GapCause::BadFrame), 1);
    assert!(
        seen.lost[0].0.contains("above the limit"),
        "{:?}",
        seen.lost
    );
    assert_eq!(
        gaps(&seen, GapCause::Disconnect),
        1,
        "lost once; the stop was ours"
    );
    assert_eq!(gaps(&seen, GapCause::Reconnect), 2);
    assert_eq!(seen.counts.gaps, 3, "the first connection is no hole");
}

#[tokio::test]
async fn drops_closes_and_refusals_are_survived() {
    let p = Protocol::Kraken;
    let scripts = vec![
        vec![Act::RefuseHttp {
            status: 429,
            retry_after_s: Some(1),
        }],
        vec![Act::RefuseHttp {
            status: 503,
            retry_after_s: None,
        }],
        vec![quote(p, "1.00", "1.01"), Act::Drop],
        vec![quote(p, "2.00", "2.01"), Act::Close(1012)],
        vec![quote(p, "3.00", "3.01"), Act::Heartbeat],
    ];
    let (seen, server) = play(p, scripts, 1, |seen| quotes(seen).len() >= 3).await;
    let seen = seen.lock().unwrap();
    assert_eq!(server.connections(), 5);
    assert!(
        seen.lost[0].0.contains("429") && seen.lost[0].1 >= Duration::from_secs(1),
        "{:?}",
        seen.lost[0]
    );
    assert!(
        seen.lost[1].0.contains("503") && seen.lost[1].1 < Duration::from_millis(100),
        "{:?}",
        seen.lost[1]
    );
    assert!(seen.lost[3].0.contains("1012"), "{:?}", seen.lost[3]);
    assert!(
        matches!(seen.inputs[0], Input::Gap(gap) if gap.cause == GapCause::Disconnect),
        "a source that was never reached is down"
    );
    assert_eq!(gaps(&seen, GapCause::Reconnect), 3);
    assert_eq!(
        gaps(&seen, GapCause::Disconnect),
        3,
        "two refusals in a row are one loss"
    );
    assert_eq!(seen.counts.gaps, 6);
}

#[tokio::test]
async fn a_quiet_pair_is_asked_for_anew_and_lives_on() {
    let p = Protocol::Kraken;
    let script = vec![
        quote(p, "1.00", "1.01"),
        Act::Attend(Duration::from_millis(20)),
    ];
    // A second connection would hide that the first one lost its pair.
    let scripts = vec![script, vec![Act::Close(1013)]];
    // The test's clock runs ten times as fast: thirty seconds without a change of the best prices are three.
    // The first and the second subscription begin with the newest price.
    let (seen, server) = play(p, scripts, 10, |seen| quotes(seen).len() >= 3).await;
    let seen = seen.lock().unwrap();
    assert_eq!(quotes(&seen)[2].kind, QuoteKind::Snapshot);
    assert_eq!(gaps(&seen, GapCause::Mute), 1);
    assert_eq!(seen.counts.refused_total(), 0, "nothing is asked for twice");
    assert_eq!(server.connections(), 1);
    let heard = server.heard();
    assert_eq!(heard.len(), 4, "{heard:?}");
    assert!(heard[2].contains("unsubscribe"), "{heard:?}");
}

#[tokio::test]
async fn a_silent_socket_is_left_and_a_shutdown_is_followed() {
    let p = Protocol::Kraken;
    // The test's clock runs 20 times as fast: five seconds of silence are a quarter of one.
    let scripts = vec![
        vec![quote(p, "1.00", "1.01")],
        vec![quote(p, "2.00", "2.01")],
    ];
    let (seen, _server) = play(p, scripts, 20, |seen| quotes(seen).len() >= 2).await;
    assert!(seen.lock().unwrap().lost[0].0.contains("Silent"));

    let p = Protocol::Binance;
    let scripts = vec![
        vec![quote(p, "1.00", "1.01"), Act::Shutdown],
        vec![quote(p, "2.00", "2.01")],
    ];
    let (seen, _server) = play(p, scripts, 1, |seen| quotes(seen).len() >= 2).await;
    assert_eq!(seen.lock().unwrap().lost[0].0, "renewed");
}

/// Runs a session until it was lost four times; the first two waits are to be short.
async fn lose_four_times(url: String, speed: u64) -> Arc<Mutex<Seen>> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let changed = Arc::new(Notify::new());
    let mut host = TestHost {
        seen: seen.clone(),
        changed: changed.clone(),
        started: tokio::time::Instant::now(),
        speed,
    };
    let mut settings = Settings::new(url, 7);
    settings.backoff = Backoff {
        fast: Duration::from_millis(10),
        fast_attempts: 2,
        slow: Duration::from_millis(40),
    };
    let mut session = session(Protocol::Binance);
    let watched = seen.clone();
    run(session.as_mut(), &settings, &mut host, async move {
        while watched.lock().unwrap().lost.len() < 4 {
            changed.notified().await;
        }
    })
    .await
    .unwrap();
    let waits: Vec<u128> = seen
        .lock()
        .unwrap()
        .lost
        .iter()
        .map(|(_, wait)| wait.as_millis())
        .collect();
    assert!(
        waits[..2].iter().all(|wait| (8..=10).contains(wait)),
        "{waits:?}"
    );
    assert!(
        waits[2..].iter().all(|wait| (32..=40).contains(wait)),
        "{waits:?}"
    );
    seen
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_told_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let seen = lose_four_times(format!("ws://{address}"), 1).await;
    let seen = seen.lock().unwrap();
    assert_eq!(gaps(&seen, GapCause::Disconnect), 1);
    assert_eq!(seen.inputs.len(), 1);
}

#[tokio::test]
async fn a_venue_that_opens_and_says_nothing_is_not_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = VenueServer::start(listener, Protocol::Binance, vec![Vec::new()]).unwrap();
    // The minute of silence that ends each connection is a tenth of a second.
    let seen = lose_four_times(server.url(), 600).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.counts.connections, 4);
    assert_eq!(gaps(&seen, GapCause::Reconnect), 0);
    assert_eq!(gaps(&seen, GapCause::Disconnect), 1);
}

/// Ends TLS in front of a plain server; returns the port and the certificate.
async fn tls_in_front_of(server: &VenueServer) -> (u16, Vec<u8>) {
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let plain = server
        .url()
        .trim_start_matches("ws://")
        .trim_end_matches("/stream")
        .to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                let Ok(mut secure) = acceptor.accept(stream).await else {
                    return;
                };
                let mut onward = TcpStream::connect(plain).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut secure, &mut onward).await;
            });
        }
    });
    (port, certificate.to_vec())
}

#[tokio::test]
async fn tls_is_spoken_and_strangers_are_not_trusted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let script = vec![quote(Protocol::Binance, "1.00", "1.01")];
    let server = VenueServer::start(listener, Protocol::Binance, vec![script]).unwrap();
    let (port, certificate) = tls_in_front_of(&server).await;
    for trusted in [false, true] {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let changed = Arc::new(Notify::new());
        let mut host = TestHost {
            seen: seen.clone(),
            changed: changed.clone(),
            started: tokio::time::Instant::now(),
            speed: 1,
        };
        let mut settings = Settings::new(format!("wss://localhost:{port}/stream"), 7);
        settings.extra_root = trusted.then(|| certificate.clone());
        let mut session = session(Protocol::Binance);
        let watched = seen.clone();
        let done = async move {
            loop {
                {
                    let seen = watched.lock().unwrap();
                    if !quotes(&seen).is_empty() || !seen.lost.is_empty() {
                        break;
                    }
                }
                changed.notified().await;
            }
        };
        let outcome = run(session.as_mut(), &settings, &mut host, done).await;
        let seen = seen.lock().unwrap();
        if trusted {
            outcome.unwrap();
            assert_eq!(quotes(&seen).len(), 1, "{:?}", seen.lost);
        } else {
            // A machine without any trusted certificate says so at once.
            let said = outcome
                .err()
                .map_or_else(|| seen.lost[0].0.clone(), |error| error.to_string());
            assert!(said.contains("certificate"), "{said}");
            assert!(quotes(&seen).is_empty());
        }
    }
}
