//! What leaves when nothing can be recorded.

use siaga_risk::event::{DropReason, Input, MarginChange, MarginState, OutputKey};
use siaga_risk::ids::AccountId;
use siaga_risk::journal::{MemoryDisk, OutputOptions, Preparation};
use siaga_risk::pipeline::{self, Decider, Inbox, Options, Pipeline, Recorder};
use siaga_risk::units::Money;

use super::*;

const CALLS: u32 = 50;

/// Calls another account at each input.
struct Calls;

impl Decider for Calls {
    fn apply(&mut self, seq: Seq, _: &Input, outputs: &mut Vec<Output>) {
        outputs.push(Output::Margin(MarginChange {
            account: AccountId(seq as u32),
            from: MarginState::Healthy,
            to: MarginState::Restricted,
            equity: Money(1),
            used: Money(10),
            level: None,
            instrument: None,
            soft: false,
        }));
    }

    fn ask(&self, ask: &siaga_risk::view::Ask) -> Reply {
        Reply {
            token: ask.token,
            seq: 0,
            now: Ts(0),
            view: View::NotFound,
        }
    }

    fn image(&self) -> (Vec<u8>, u64) {
        (Vec::new(), 0)
    }
}

/// A journal whose disk is full from the first input on.
struct FullTape;

impl Recorder for FullTape {
    fn append(&mut self, _: Seq, _: &Input) -> Result<(), String> {
        Err("no space left".into())
    }

    fn sync(&mut self) -> Result<(), String> {
        Ok(())
    }
}

fn egress(notices: mpsc::Sender<Notice>) -> (Egress, Pipeline<Calls, FullTape>, Inbox) {
    let durable = Arc::new(Durable::new(0));
    let started = pipeline::start(
        Calls,
        FullTape,
        durable.clone(),
        0,
        Options::default(),
        |_| {},
    );
    let (pipeline, inbox, outbox) = started.expect("threads start");
    let options = OutputOptions {
        segment_bytes: 4_096,
        bytes_max: 1 << 20,
        fingerprint: 1,
        epoch: 1,
        first_seq: 1,
        journal_end: None,
        preparation: Preparation::Inline,
    };
    let (log, _) = OutputLog::open(Arc::new(MemoryDisk::default()), options).expect("an empty log");
    let (_, asks) = crossbeam::channel::bounded(1);
    let egress = Egress {
        outbox,
        log,
        durable,
        live: Arc::new(Live::new()),
        waiters: Arc::new(Waiters::new(0)),
        asks,
        checkpointed: Arc::default(),
        tells: None,
        digest: MarkDigest::default(),
        notices,
        news: watch::channel(0).0,
        figures: Arc::default(),
        latency: Arc::default(),
        clock: Arc::new(Clock::start()),
        marks: MarkBoard::default(),
        evidence: Arc::default(),
        ticks: None,
        phone: String::new(),
        house: House::new(0),
        wait: Wait::Yield,
        reached: Ts(0),
        passed: 0,
    };
    (egress, pipeline, inbox)
}

#[test]
fn no_margin_call_is_lost_when_few_notices_fit() {
    let (sender, mut notices) = mpsc::channel(1);
    let (egress, pipeline, mut inbox) = egress(sender);
    let figures = egress.figures.clone();
    let running = std::thread::spawn(|| egress.run());
    for ts in 1..=u64::from(CALLS) {
        while inbox.input(Input::Clock(Ts(ts))).is_err() {
            std::thread::yield_now();
        }
    }
    let mut called = Vec::new();
    while called.len() < CALLS as usize {
        match notices.blocking_recv().expect("egress runs") {
            Notice::Unrecorded(numbered) => called.push(numbered.key),
            Notice::Poisoned => {}
            other => panic!("{other:?}"),
        }
    }
    let expected = (1..=Seq::from(CALLS)).map(|seq| OutputKey { seq, index: 0 });
    assert_eq!(called, expected.collect::<Vec<_>>());
    pipeline.stop();
    let log = running.join().expect("no panic");
    assert_eq!(figures.unrecorded.load(Ordering::Relaxed), u64::from(CALLS));
    assert_eq!(log.last(), Cursor::START, "and nothing is in the log");
}

#[test]
fn every_reason_has_its_name_at_its_number() {
    for (reason, name) in [
        (DropReason::UnknownInstrument, "unknown_instrument"),
        (DropReason::Crossed, "crossed"),
        (DropReason::Discard, "discard"),
        (DropReason::OutOfOrder, "out_of_order"),
        (DropReason::Future, "future"),
    ] {
        assert_eq!(DROP_REASONS[reason as usize], name);
    }
    assert_eq!(DROP_REASONS.len(), DropReason::Future as usize + 1);
}
