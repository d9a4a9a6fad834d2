//! What leaves when nothing can be recorded.

use std::collections::BTreeSet;
use std::io;

use siaga_risk::event::{
    Answer, DropReason, Input, LinkCommand, MarginChange, MarginState, OutputKey,
};
use siaga_risk::ids::{AccountId, ActorId, LinkId, OrderId};
use siaga_risk::journal::{Disk, DiskFile, MemoryDisk, OutputOptions, Preparation, Stream};
use siaga_risk::pipeline::{self, Decider, Inbox, Options, Pipeline, Recorder};
use siaga_risk::units::Money;
use siaga_risk::verdict::Reject;
use tokio::sync::oneshot;

use super::*;
use crate::desk::waiters::Waiter;

const CALLS: u32 = 50;
/// Orders of one batch: several segments of the log would be needed for them.
const ORDERS: Seq = 100;

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

/// A full disk as segments that are written out in advance meet it: what is there can be written, and no
/// further segment of the output log finds room.
#[derive(Default)]
struct NoRoom {
    inner: MemoryDisk,
    full: AtomicBool,
}

impl Disk for NoRoom {
    fn create_zeroed(&self, name: &str, bytes: u64) -> io::Result<()> {
        let of_log = Stream::Output.ordinal_of(name).is_some();
        if of_log && self.full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.create_zeroed(name, bytes)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.inner.open(name)
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

fn egress(notices: mpsc::Sender<Notice>) -> (Egress, Pipeline<Calls, FullTape>, Inbox) {
    egress_on(Arc::new(MemoryDisk::default()), notices)
}

fn egress_on(
    disk: Arc<dyn Disk>,
    notices: mpsc::Sender<Notice>,
) -> (Egress, Pipeline<Calls, FullTape>, Inbox) {
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
    let (log, _) = OutputLog::open(disk, options).expect("an empty log");
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
fn what_a_part_that_ended_has_refused_is_not_called_a_failed_write() {
    let (sender, mut notices) = mpsc::channel(1);
    let (egress, pipeline, _inbox) = egress(sender);
    let durable = egress.durable.clone();
    let running = std::thread::spawn(|| egress.run());
    durable.refuse();
    let told = notices.blocking_recv().expect("egress runs");
    assert!(matches!(told, Notice::Refused), "{told:?}");
    pipeline.stop();
    running.join().expect("no panic");
}

/// What an order of input `seq` causes: its answer, and the instruction to the broker. More reasons make the answer
/// longer.
fn order(seq: Seq, token: u64, reasons: usize) -> [Box<Numbered>; 2] {
    let answer = Output::Answer(Answer {
        token,
        actor: ActorId(1),
        account: Some(AccountId(1)),
        order: Some(OrderId(seq)),
        repeated: false,
        reasons: vec![Reject::JournalPoisoned; reasons],
    });
    let send = Output::Send(siaga_risk::event::Send {
        link: LinkId(1),
        command: LinkCommand::Status(OrderId(seq)),
    });
    let numbered = |index, output| {
        let key = OutputKey { seq, index };
        let ts = Ts(seq);
        Box::new(Numbered { key, ts, output })
    };
    [numbered(0, answer), numbered(1, send)]
}

/// Inputs of which readers of the log see an output that passes.
fn seen(log: &OutputLog, passes: impl Fn(&Output) -> bool) -> BTreeSet<Seq> {
    let batch = log.reader().read_from(Cursor::START, usize::MAX);
    let batch = batch.expect("a whole log");
    let outputs = batch.iter().filter(|found| {
        let (_, output) = record::get_output(found.kind, found.payload).expect("an output");
        passes(&output)
    });
    outputs.map(|found| found.at.seq).collect()
}

#[test]
fn an_order_that_the_broker_gets_is_answered_so_when_no_further_segment_fits() {
    let mut cut_in_two = 0;
    // The end of the segment falls between two orders and within one.
    for reasons in (0..60).step_by(10) {
        let disk = Arc::new(NoRoom::default());
        let (sender, _notices) = mpsc::channel(16);
        let (mut egress, pipeline, _inbox) = egress_on(disk.clone(), sender);
        disk.full.store(true, Ordering::Relaxed);
        let (mut pending, mut callers) = (VecDeque::new(), Vec::new());
        for seq in 1..=ORDERS {
            let (answer, answered) = oneshot::channel();
            let entered = egress.waiters.enter(Waiter::Command(answer));
            let token = entered.expect("few wait");
            let reasons = if seq == 1 { reasons } else { 0 };
            pending.extend(order(seq, token, reasons));
            callers.push((seq, answered));
        }
        egress.durable.advance(ORDERS);
        egress.write(&mut pending, &mut None);
        assert!(egress.log_failed());
        egress.give_up(&mut pending, false);
        assert!(pending.is_empty());

        let sent = seen(&egress.log, |output| matches!(output, Output::Send(_)));
        let told = seen(&egress.log, |output| matches!(output, Output::Answer(_)));
        assert!(!sent.is_empty() && (sent.len() as Seq) < ORDERS);
        cut_in_two += told.len() - sent.len();
        for (seq, mut caller) in callers {
            match caller.try_recv().expect("everybody is answered") {
                Ok(answered) => assert!(answered.seq == seq && sent.contains(&seq), "{seq}"),
                Err(CoreError::NotPassedOn { .. }) => assert!(!sent.contains(&seq), "{seq}"),
                Err(other) => panic!("{seq}: {other:?}"),
            }
        }
        assert_eq!(*egress.news.borrow(), egress.log.durable().seq);
        pipeline.stop();
    }
    assert!(cut_in_two > 0);
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
