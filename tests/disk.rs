//! A disk that is full under a running desk, seen from outside: nothing is acknowledged that nobody
//! passes on, everybody hears of it, prices go on, and a restart stands where the record ends.
#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};
use siaga::clock::Clock;
use siaga::config::Config;
use siaga::desk::recover;
use siaga::gateway;
use siaga_alerts::outbox::Outbox;
use siaga_alerts::routing::{Route, Routing};
use siaga_alerts::rules::Rule;
use siaga_risk::journal::{Disk, DiskFile, Stream, inspect};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

#[path = "support/desk.rs"]
mod desk;
#[path = "disk/time.rs"]
mod time;

use desk::{Door, LOOK_AGAIN, PATIENCE};

const PHONE: &str = "+62 21 555 0100";
/// More than any test lets come.
const LINES_MAX: usize = 1_024;

/// The files of one stream find no more space once `full` is set, or what else a write of them comes to.
#[derive(Clone)]
struct Filling {
    inner: Arc<dyn Disk>,
    stream: Stream,
    full: Arc<AtomicBool>,
    write: Outcome,
}

struct FillingFile {
    inner: Arc<dyn DiskFile>,
    full: Option<Arc<AtomicBool>>,
    write: Outcome,
}

impl Filling {
    fn is_of_stream(&self, name: &str) -> bool {
        self.stream.ordinal_of(name).is_some()
    }
}

/// What a write comes to.
type Outcome = fn() -> io::Result<()>;

fn no_space() -> io::Result<()> {
    Err(io::ErrorKind::StorageFull.into())
}

fn panics() -> io::Result<()> {
    panic!("a bug in who writes")
}

fn room(full: &AtomicBool, otherwise: Outcome) -> io::Result<()> {
    match full.load(Ordering::SeqCst) {
        true => otherwise(),
        false => Ok(()),
    }
}

impl Disk for Filling {
    fn create_zeroed(&self, name: &str, bytes: u64) -> io::Result<()> {
        if self.is_of_stream(name) {
            room(&self.full, no_space)?;
        }
        self.inner.create_zeroed(name, bytes)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let full = self.is_of_stream(name).then(|| self.full.clone());
        let inner = self.inner.open(name)?;
        let write = self.write;
        Ok(Arc::new(FillingFile { inner, full, write }))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.inner.list()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.inner.sync_dir()
    }
}

impl FillingFile {
    fn room(&self) -> io::Result<()> {
        let full = self.full.as_deref();
        full.map_or(Ok(()), |full| room(full, self.write))
    }
}

impl DiskFile for FillingFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.room()?;
        self.inner.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.inner.read_at(offset, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.room()?;
        self.inner.sync_data()
    }

    fn bytes(&self) -> io::Result<u64> {
        self.inner.bytes()
    }
}

/// A desk and its gateway inside this process, so that its disk can be chosen.
struct Served {
    runtime: Runtime,
    desk: siaga::desk::Desk,
    door: Door,
    shut: oneshot::Sender<()>,
    gateway: JoinHandle<io::Result<()>>,
}

impl Served {
    fn start(data: &Path, disk: Arc<dyn Disk>, webhook: &str) -> Served {
        Served::start_at(data, disk, webhook, Clock::start())
    }

    /// With a clock of the caller's.
    fn start_at(data: &Path, disk: Arc<dyn Disk>, webhook: &str, clock: Clock) -> Served {
        let mut config = Config::default();
        config.data.dir = data.to_owned();
        config.data.segment_mib = 4;
        config.store.enabled = false;
        config.broker.partial_percent = 0;
        config.desk.phone = PHONE.into();
        config.alerts.webhook_url = Some(webhook.to_owned());
        config.alerts.webhook_secrets = vec!["whsec_".to_owned() + &"QUJD".repeat(8)];
        let runtime = Runtime::new().expect("a runtime");
        let clock = Arc::new(clock);
        let started = siaga::desk::Desk::start_on(disk, &config, clock, |_, _| {});
        let desk = runtime.block_on(started).expect("the desk starts");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let door = Door {
            address: listener.local_addr().expect("bound").to_string(),
            secret: "a secret of this test alone".into(),
        };
        let (shut, shutdown) = oneshot::channel();
        let options = gateway::Options::new(door.secret.clone());
        let core = Arc::new(desk.handle.clone());
        let gateway = runtime.spawn(async move {
            let told = async {
                let _ = shutdown.await;
            };
            gateway::serve(listener, core, options, told).await
        });
        Served {
            runtime,
            desk,
            door,
            shut,
            gateway,
        }
    }

    /// What the stop said.
    fn stop(self) -> anyhow::Result<()> {
        let _ = self.shut.send(());
        let served = self.runtime.block_on(self.gateway);
        served.expect("no panic").expect("the gateway served");
        self.runtime.block_on(self.desk.stop())
    }
}

/// A receiver of webhooks that takes everything; what came.
fn receiver() -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    let (tell, told) = sync_channel(LINES_MAX);
    let tell = Arc::new(Mutex::new(tell));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let Some(body) = answer(stream) else { return };
                let tell = tell.lock().expect("not poisoned");
                // The test may have heard enough.
                let _ = tell.send(body);
            });
        }
    });
    (url, told)
}

/// Reads one request and says that it was taken.
fn answer(mut stream: std::net::TcpStream) -> Option<Value> {
    let mut request = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let count = stream.read(&mut piece).ok()?;
        request.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&request);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        if let Some(Ok(body)) = body.map(|body| serde_json::from_str(&body)) {
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n");
            return Some(body);
        }
        if count == 0 {
            return None;
        }
    }
}

fn order(client_id: &str) -> Value {
    json!({ "account": 8, "symbol": "EUR/USD", "side": "buy", "kind": "market", "qty": "0.10", "client_id": client_id })
}

fn positions(door: &Door) -> usize {
    door.get("/api/v1/accounts/8")["positions"]
        .as_array()
        .map_or(0, Vec::len)
}

fn part<'a>(verbose: &'a Value, name: &str) -> &'a Value {
    let parts = verbose["parts"].as_array().expect("parts");
    parts
        .iter()
        .find(|part| part["name"] == name)
        .expect("it is listed")
}

/// An alert that was delivered, by its rule.
fn delivered(told: &Receiver<Value>, rule: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let body = told.recv_timeout(left);
        let body = body.unwrap_or_else(|_| panic!("no {rule} came to the receiver"));
        if body.to_string().contains(&format!("\"{rule}\"")) {
            return body;
        }
    }
}

/// What is delivered of the alert's end from here on.
fn ends(told: &Receiver<Value>, rule: &str) -> Vec<Value> {
    let is_end = |body: &Value| body["type"] == "alert.resolved" && body["data"]["rule"] == rule;
    told.try_iter().filter(is_end).collect()
}

fn fills_up(stream: Stream) {
    let dir = tempfile::tempdir().expect("a folder");
    let (webhook, told) = receiver();
    let real = recover::disk(dir.path()).expect("a folder of the core");
    let full = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Filling {
        inner: real.clone(),
        stream,
        full: full.clone(),
        write: no_space,
    });
    let served = Served::start(dir.path(), disk, &webhook);
    let door = &served.door;
    door.ready();
    let (status, first) = door.call("POST", "/api/v1/orders", Some(order("before")));
    assert_eq!(status, 201, "{first}");
    door.wait("/api/v1/accounts/8", "the fill", |account| {
        account["positions"]
            .as_array()
            .is_some_and(|all| all.len() == 1)
    });

    full.store(true, Ordering::SeqCst);
    let (status, during) = door.call("POST", "/api/v1/orders", Some(order("during")));
    assert_eq!(status, 503, "nothing is acknowledged any more: {during}");
    let detail = during["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(PHONE), "{during}");
    let recorded = during["name"] == "not_passed_on";
    let unsure = ["journal_poisoned", "maybe_recorded"].map(|name| json!(name));
    assert!(recorded || unsure.contains(&during["name"]), "{during}");
    door.wait_figure("siaga_journal_poisoned", |poisoned| poisoned == 1);
    let log_failed = u64::from(matches!(stream, Stream::Output));
    assert_eq!(door.figure("siaga_output_log_poisoned"), log_failed);
    let (status, after) = door.call("POST", "/api/v1/orders", Some(order("after")));
    assert_eq!((status, &after["name"]), (503, &json!("journal_poisoned")));

    let alerts = door.wait("/api/v1/alerts", "the alert of the journal", |alerts| {
        let all = alerts["items"].as_array();
        all.is_some_and(|all| all.iter().any(|alert| alert["rule"] == "journal"))
    });
    let all = alerts["items"].as_array().expect("a list");
    let raised = all.iter().find(|alert| alert["rule"] == "journal");
    assert_eq!(raised.expect("it was seen")["unrecorded"], true);
    let fired = delivered(&told, "journal");
    let (status, verbose) = door.call("GET", "/readyz?verbose=true", None);
    assert_eq!(status, 503, "{verbose}");
    assert_eq!(part(&verbose, "journal")["ok"], false);
    assert_eq!(part(&verbose, "output_log")["ok"], log_failed == 0);

    let marks = door.figure("siaga_marks_total");
    door.wait_figure("siaga_marks_total", |now| now > marks);
    let stopped = served.stop();
    assert!(stopped.is_err(), "a stop that kept nothing says so");
    assert_eq!(ends(&told, "journal"), Vec::<Value>::new());

    full.store(false, Ordering::SeqCst);
    let served = Served::start(dir.path(), real, &webhook);
    let door = &served.door;
    door.ready();
    let (status, again) = door.call("POST", "/api/v1/orders", Some(order("before")));
    assert_eq!((status, &again["repeated"]), (201, &json!(true)), "{again}");
    assert_eq!(first["order"]["id"], again["order"]["id"]);
    let (status, again) = door.call("POST", "/api/v1/orders", Some(order("during")));
    let repeated = json!(recorded);
    assert_eq!((status, &again["repeated"]), (201, &repeated), "{again}");
    // What no broker got is never sent late; what was not recorded is a new order.
    let end = if recorded { "rejected" } else { "filled" };
    let path = "/api/v1/orders?account=8&state=all";
    door.wait(path, "the end of the order", |orders| {
        let is_it = |order: &Value| order["client_id"] == "during" && order["state"] == end;
        let all = orders["items"].as_array();
        all.is_some_and(|all| all.iter().any(is_it))
    });
    assert_eq!(positions(door), if recorded { 1 } else { 2 });
    // Whoever heard of the full disk hears that the run it belonged to is over, once.
    let over = loop {
        let body = delivered(&told, "journal");
        // A delivery whose outcome the stop did not wait for comes again under its id.
        if body["delivery"] != fired["delivery"] {
            break body;
        }
    };
    assert_eq!(over["type"], "alert.resolved", "{over}");
    assert_eq!(over["data"]["id"], fired["data"]["id"]);
    let id = fired["data"]["id"].as_str().expect("an id");
    let alert = door.get(&format!("/api/v1/alerts/{id}"));
    assert_eq!(alert["state"], "resolved", "{alert}");
    served.stop().expect("a graceful stop");
    assert_eq!(ends(&told, "journal"), Vec::<Value>::new());
}

#[test]
fn a_full_journal_refuses_and_is_told() {
    fills_up(Stream::Journal);
}

#[test]
fn a_full_output_log_acknowledges_nothing_that_nobody_gets() {
    fills_up(Stream::Output);
}

/// Whether a file of waiting deliveries holds the alert of the journal.
fn waits(kept: &Path) -> bool {
    let Ok(bytes) = std::fs::read(kept) else {
        return false;
    };
    let routing = Routing {
        root: Route::to(Vec::new()),
        urgent: Vec::new(),
    };
    let outbox = Outbox::restore(routing, &bytes).expect("a whole file");
    outbox
        .waiting()
        .any(|delivery| delivery.alert.rule == Rule::Journal)
}

#[test]
fn an_alert_that_no_log_holds_is_kept_for_its_receiver_before_a_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let full = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Filling {
        inner: recover::disk(dir.path()).expect("a folder of the core"),
        stream: Stream::Journal,
        full: full.clone(),
        write: no_space,
    });
    // Nobody listens there.
    let served = Served::start(dir.path(), disk, "http://127.0.0.1:1/hook");
    full.store(true, Ordering::SeqCst);
    let door = &served.door;
    door.wait_figure("siaga_journal_poisoned", |poisoned| poisoned == 1);
    let kept = dir.path().join(recover::CORE_DIR).join("deliveries.bin");
    let until = Instant::now() + PATIENCE;
    while !waits(&kept) {
        assert!(Instant::now() < until, "a kill would lose the alert");
        std::thread::sleep(LOOK_AGAIN);
    }
    assert!(served.stop().is_err());
}

#[test]
fn a_stop_that_cannot_write_the_output_log_still_closes_the_journal() {
    let dir = tempfile::tempdir().expect("a folder");
    let (webhook, _told) = receiver();
    let real = recover::disk(dir.path()).expect("a folder of the core");
    let full = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Filling {
        inner: real,
        stream: Stream::Output,
        full: full.clone(),
        write: no_space,
    });
    let served = Served::start(dir.path(), disk, &webhook);
    // Its instruments are still on their way in: a price is none of this test's business.
    served
        .door
        .wait("/api/v1/desk", "the link going live", |desk| {
            desk["links"][0]["mode"] == "live"
        });
    full.store(true, Ordering::SeqCst);
    let stopped = served.stop();
    assert!(stopped.is_err(), "a stop that kept nothing says so");
    let sizes = recover::Sizes {
        segment_bytes: 4 << 20,
        log_bytes: 1 << 30,
    };
    let recovered = recover::open(dir.path(), sizes, |_, _| {}).expect("the next start");
    assert!(recovered.report.clean, "the journal was closed");
}

#[test]
fn a_stop_after_a_panic_of_the_recorder_goes_through_its_other_steps() {
    let dir = tempfile::tempdir().expect("a folder");
    let real = recover::disk(dir.path()).expect("a folder of the core");
    let full = Arc::new(AtomicBool::new(false));
    let disk = Arc::new(Filling {
        inner: real.clone(),
        stream: Stream::Journal,
        full: full.clone(),
        write: panics,
    });
    // Nobody listens there.
    let served = Served::start(dir.path(), disk, "http://127.0.0.1:1/hook");
    served.door.ready();
    full.store(true, Ordering::SeqCst);
    let door = &served.door;
    door.wait_figure("siaga_journal_poisoned", |poisoned| poisoned == 1);
    let stopped = served.stop().expect_err("the panic is told");
    let told = format!("{stopped:#}");
    assert!(told.contains("the journal's recorder"), "{told}");
    let closed = |stream| inspect(&real, stream).expect("it is read").clean;
    assert!(closed(Stream::Output), "the output log is closed");
    assert!(!closed(Stream::Journal), "what panicked left is looked at");
    let kept = dir.path().join(recover::CORE_DIR).join("deliveries.bin");
    assert!(kept.exists(), "waiting deliveries are kept");
}
