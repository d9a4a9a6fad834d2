//! Who may take a bridge's line, and what is due while prices come.

use std::sync::Arc;

use siaga_risk::event::LinkMode;
use siaga_risk::journal::Epochs;

use super::*;
use crate::bridge::{BridgeConfig, BridgeSession, FaultCounts};
use crate::directory::Directory;
use crate::router::Limits;

const LINK: LinkId = LinkId(1);
const HELLO: &str = r#"{"t":"hello","v":1,"link":1,"token":"sample"}"#;

/// A clock that is set, and a core that takes everything.
struct Desk {
    now: Ts,
    modes: Vec<LinkMode>,
}

impl Rim for Desk {
    fn now(&self) -> Ts {
        self.now
    }
    fn offer(&mut self, body: Body) -> Result<(), Box<Body>> {
        if let Body::LinkState(report) = body {
            self.modes.push(report.mode);
        }
        Ok(())
    }
    fn keep_cursor(&mut self, _cursor: OutputKey) -> std::io::Result<()> {
        Ok(())
    }
}

/// A task with one bridge, and the faults of that.
fn task() -> (Task<Desk>, Arc<FaultCounts>) {
    let config = BridgeConfig {
        link: LINK,
        token: "sample".to_owned(),
        epochs: Epochs::single(1, 0),
        run: 1,
    };
    let session = BridgeSession::new(config, Directory::default());
    let faults = session.fault_counts();
    let start = OutputKey::default();
    let mut router = Router::new(start, start, Limits::default());
    router.add(Box::new(session));
    let now = Ts(SECOND_NS);
    router.start(now);
    let (_, requests) = mpsc::channel(1);
    let task = Task {
        router,
        rim: Desk {
            now,
            modes: Vec::new(),
        },
        requests,
        marks: MarkBoard::default(),
        wires: BTreeMap::new(),
        newcomers: BTreeMap::new(),
        waiting: None,
        untold: None,
    };
    (task, faults)
}

fn connect(task: &mut Task<Desk>, number: u64) -> mpsc::Receiver<WireFrame> {
    let (sender, frames) = mpsc::channel(FRAMES_MAX);
    task.on_request(Request::Open(LINK, number, sender));
    task.flush();
    frames
}

fn say(task: &mut Task<Desk>, number: u64, text: &str) {
    task.on_request(Request::Text(LINK, number, text.to_owned()));
    task.flush();
}

/// What a connection has heard: the kinds of its frames, and why it was closed.
fn heard(frames: &mut mpsc::Receiver<WireFrame>) -> Vec<String> {
    std::iter::from_fn(|| frames.try_recv().ok())
        .map(|frame| match frame {
            WireFrame::Close(reason) => format!("closed: {reason}"),
            WireFrame::Text(text) => {
                let frame: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                frame["t"].as_str().unwrap_or_default().to_owned()
            }
        })
        .collect()
}

/// A task whose link is live with its first connection, number 1.
fn live() -> (Task<Desk>, Arc<FaultCounts>, mpsc::Receiver<WireFrame>) {
    let (mut task, faults) = task();
    let mut peer = connect(&mut task, 1);
    say(&mut task, 1, HELLO);
    assert_eq!(heard(&mut peer), ["welcome"]);
    assert_eq!(task.router.mode(LINK), Some(LinkMode::Live));
    task.rim.modes.clear();
    (task, faults, peer)
}

fn assert_untouched(task: &mut Task<Desk>, peer: &mut mpsc::Receiver<WireFrame>) {
    assert_eq!(task.router.mode(LINK), Some(LinkMode::Live));
    assert_eq!(task.rim.modes, [], "the core heard of nothing");
    say(task, 1, r#"{"t":"ping"}"#);
    assert_eq!(heard(peer), ["pong"], "it is heard and answered");
}

#[test]
fn a_stranger_does_not_take_a_live_link_down() {
    for (first, reason) in [
        (
            r#"{"t":"hello","v":1,"link":1,"token":"guess"}"#,
            "wrong_token",
        ),
        (
            r#"{"t":"hello","v":2,"link":1,"token":"sample"}"#,
            "wrong_version",
        ),
        (
            r#"{"t":"hello","v":1,"link":3,"token":"sample"}"#,
            "wrong_link",
        ),
        (
            r#"{"t":"hello","v":1,"link":1,"token":"sample","held_by":"broker"}"#,
            "bad_field",
        ),
        (r#"{"t":"ping"}"#, "hello_first"),
        ("?", "not_json"),
    ] {
        let (mut task, faults, mut peer) = live();
        let mut stranger = connect(&mut task, 2);
        assert_eq!(heard(&mut stranger), Vec::<String>::new());
        say(&mut task, 2, first);
        let closed = format!("closed: {reason}");
        assert_eq!(heard(&mut stranger), ["err".to_owned(), closed], "{first}");
        let fault = BridgeFault::ALL.iter().find(|one| one.name() == reason);
        assert_eq!(fault.map(|fault| faults.of(*fault)), Some(1), "counted");
        // It has had its turn.
        say(&mut task, 2, HELLO);
        assert_eq!(heard(&mut stranger), Vec::<String>::new());
        assert_untouched(&mut task, &mut peer);
    }
}

#[test]
fn a_stranger_that_says_nothing_to_be_read_is_sent_away() {
    let (mut task, faults, mut peer) = live();
    // A second behind the peer, so that nothing else is due when they are.
    task.rim.now = task.rim.now.plus(SECOND_NS);
    let mut mute = connect(&mut task, 2);
    let mut loud = connect(&mut task, 3);
    let frame = Request::Unreadable(LINK, 3, Unreadable::TooLarge);
    task.on_request(frame);
    assert_eq!(heard(&mut loud), ["err", "closed: frame_too_large"]);
    task.rim.now = task.rim.now.plus(NEWCOMER_NS - SECOND_NS);
    task.flush();
    assert_eq!(heard(&mut peer), ["hb"]);
    task.rim.now = task.rim.now.plus(SECOND_NS - 1);
    assert!(task.flush() <= RETRY, "nobody is sent away late");
    assert_eq!(heard(&mut mute), Vec::<String>::new());
    task.rim.now = task.rim.now.plus(1);
    task.flush();
    assert_eq!(heard(&mut mute), ["err", "closed: hello_timeout"]);
    assert_eq!(faults.of(BridgeFault::HelloTimeout), 1, "counted");
    assert_untouched(&mut task, &mut peer);
}

#[test]
fn the_links_own_peer_takes_the_line_over() {
    let (mut task, _, mut older) = live();
    let mut newer = connect(&mut task, 2);
    assert_untouched(&mut task, &mut older);
    say(&mut task, 2, HELLO);
    assert_eq!(heard(&mut newer), ["welcome"]);
    assert_eq!(heard(&mut older), ["closed: replaced"]);
    assert_eq!(task.router.mode(LINK), Some(LinkMode::Live));
    use LinkMode::*;
    assert_eq!(task.rim.modes, [ReadOnly, Recovering, Live]);
    // What the older one still says, and that it is gone, is nobody's business.
    say(&mut task, 1, r#"{"t":"ping"}"#);
    task.on_request(Request::Closed(LINK, 1));
    assert_eq!(task.router.mode(LINK), Some(LinkMode::Live));
}

#[test]
fn newcomers_wait_beside_each_other_and_the_oldest_gives_way() {
    let (mut task, faults, mut peer) = live();
    let mut strangers: Vec<_> = (2..2 + NEWCOMERS_MAX as u64)
        .map(|number| connect(&mut task, number))
        .collect();
    let mut own = connect(&mut task, 90);
    assert_eq!(heard(&mut strangers[0]), ["err", "closed: replaced"]);
    assert_eq!(faults.of(BridgeFault::Replaced), 1, "counted");
    assert_untouched(&mut task, &mut peer);
    say(&mut task, 3, r#"{"t":"ping"}"#);
    assert_eq!(heard(&mut strangers[1]), ["err", "closed: hello_first"]);
    // One that goes by itself makes room.
    task.on_request(Request::Closed(LINK, 4));
    let mut last = connect(&mut task, 91);
    assert_eq!(heard(&mut strangers[3]), Vec::<String>::new());
    say(&mut task, 90, HELLO);
    assert_eq!(heard(&mut own), ["welcome"]);
    assert_eq!(heard(&mut peer), ["closed: replaced"]);
    // Whoever waits, waits for the next one's place.
    say(&mut task, 91, HELLO);
    assert_eq!(heard(&mut last), ["welcome"]);
    assert_eq!(heard(&mut own), ["closed: replaced"]);
}

#[test]
fn a_stranger_that_was_there_first_keeps_nobody_out() {
    let (mut task, _) = task();
    let mut stranger = connect(&mut task, 1);
    let mut own = connect(&mut task, 2);
    say(&mut task, 2, HELLO);
    assert_eq!(heard(&mut own), ["welcome"]);
    assert_eq!(heard(&mut stranger), ["closed: replaced"]);
    assert_eq!(task.router.mode(LINK), Some(LinkMode::Live));
    // Its line may be gone by the time the newcomer speaks.
    let mut next = connect(&mut task, 3);
    task.on_request(Request::Closed(LINK, 2));
    assert_eq!(task.router.mode(LINK), Some(LinkMode::ReadOnly));
    say(&mut task, 3, HELLO);
    assert_eq!(heard(&mut next), ["welcome"]);
}

/// Several thousand prices a second wake the task before any sleep of it ends.
#[test]
fn what_is_due_waits_for_no_pause_between_prices() {
    let (mut task, _, mut peer) = live();
    let mut beats = 0;
    while task.router.mode(LINK) == Some(LinkMode::Live) {
        task.rim.now = task.rim.now.plus(SECOND_NS / 4);
        assert!(task.rim.now < Ts(60 * SECOND_NS), "a silent peer is found");
        task.on_marks();
        task.flush();
        let told = heard(&mut peer);
        beats += told.iter().filter(|told| *told == "hb").count();
    }
    assert!(beats >= 2);
    assert_eq!(task.rim.now, Ts(16 * SECOND_NS), "15 s after its hello");
}
