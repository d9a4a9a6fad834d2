use super::*;
use crate::event::{DropReason, Dropped, Input, Output};
use crate::ids::{InstrumentId, SourceId};
use crate::units::{Price, Ts};
use crate::view::{Ask, Query, Reply, View};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts clock inputs and answers questions with what it has seen.
struct Counter(u64);

impl Decider for Counter {
    fn apply(&mut self, seq: Seq, input: &Input, outputs: &mut Vec<Output>) {
        self.0 += 1;
        outputs.push(Output::Dropped(Dropped {
            instrument: InstrumentId(seq as u32),
            source: SourceId(0),
            reason: DropReason::Closed,
            bid: Price(input.ts().0 as i64),
            ask: Price(0),
        }));
    }
    fn ask(&self, ask: &Ask) -> Reply {
        Reply {
            token: ask.token,
            seq: self.0,
            now: Ts(0),
            view: View::NotFound,
        }
    }
    fn image(&self) -> (Vec<u8>, u64) {
        (self.0.to_le_bytes().to_vec(), self.0)
    }
}

#[derive(Default)]
struct Tape {
    recorded: Vec<(Seq, u64)>,
    fail_at: Option<Seq>,
}

impl Recorder for Tape {
    fn append(&mut self, seq: Seq, input: &Input) -> Result<(), String> {
        if self.fail_at == Some(seq) {
            return Err("no space left".into());
        }
        self.recorded.push((seq, input.ts().0));
        Ok(())
    }
    fn sync(&mut self) -> Result<(), String> {
        Ok(())
    }
}

fn options() -> Options {
    Options {
        slots: 64,
        outbound_slots: 8,
        wait: Wait::Yield,
    }
}

fn push(inbox: &mut Inbox, ts: u64) {
    while inbox.input(Input::Clock(Ts(ts))).is_err() {
        std::thread::yield_now();
    }
}

fn collect(mut outbox: Outbox) -> Vec<Leaving> {
    let mut all = Vec::new();
    let mut idle = Idle::new(Wait::Yield);
    loop {
        match outbox.pop() {
            Ok(Leaving::End(seq)) => {
                all.push(Leaving::End(seq));
                return all;
            }
            Ok(leaving) => all.push(leaving),
            Err(_) => idle.wait(),
        }
    }
}

#[test]
fn both_stages_number_alike_and_nothing_is_lost_through_small_rings() {
    // Where cores are few, a stage that spins gives way only when its time is up: it gets fewer inputs.
    for (wait, steps) in [
        (Wait::Spin, 300),
        (Wait::Yield, 1_500),
        (Wait::Sleep, 1_500),
    ] {
        number_alike(wait, steps);
    }
}

/// Three producers give `steps` inputs each, and a question with every hundredth.
fn number_alike(wait: Wait, steps: u64) {
    let durable = Arc::new(Durable::new(7));
    let options = Options { wait, ..options() };
    let (pipeline, inbox, outbox) = start(
        Counter(0),
        Tape::default(),
        durable.clone(),
        7,
        options,
        |_| panic!("recording works"),
    )
    .unwrap();
    let egress = std::thread::spawn(move || collect(outbox));
    let producers: Vec<_> = (0..3u64)
        .map(|producer| {
            let mut inbox = inbox.clone();
            std::thread::spawn(move || {
                for step in 0..steps {
                    push(&mut inbox, producer * 10_000 + step);
                    if step % 100 == 0 {
                        while inbox
                            .ask(Ask {
                                token: step,
                                query: Query::Desk,
                            })
                            .is_err()
                        {
                            std::thread::yield_now();
                        }
                    }
                }
            })
        })
        .collect();
    for producer in producers {
        producer.join().unwrap();
    }
    let (counter, tape) = pipeline.stop();
    let left = egress.join().unwrap();
    assert_eq!(counter.0, 3 * steps, "{wait:?}");
    assert_eq!(durable.seq(), 7 + 3 * steps, "{wait:?}");
    let decided: Vec<(Seq, u64)> = left
        .iter()
        .filter_map(|leaving| match leaving {
            Leaving::Output(numbered) => match numbered.output {
                Output::Dropped(dropped) => Some((numbered.key.seq, dropped.bid.0 as u64)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(
        decided, tape.recorded,
        "journal and machine saw the same inputs under the same numbers, {wait:?}"
    );
    assert_eq!(
        left.iter()
            .filter(|leaving| matches!(leaving, Leaving::Reply(_)))
            .count() as u64,
        3 * steps / 100,
        "{wait:?}"
    );
}

#[test]
fn after_a_failed_write_the_machine_goes_on_and_nothing_becomes_durable() {
    let durable = Arc::new(Durable::new(0));
    static FAILED: AtomicUsize = AtomicUsize::new(0);
    let tape = Tape {
        fail_at: Some(10),
        ..Tape::default()
    };
    let (pipeline, mut inbox, outbox) =
        start(Counter(0), tape, durable.clone(), 0, options(), |reason| {
            assert_eq!(reason, "no space left");
            FAILED.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    let egress = std::thread::spawn(move || collect(outbox));
    for step in 0..100 {
        push(&mut inbox, step);
    }
    let (counter, tape) = pipeline.stop();
    assert_eq!(counter.0, 100);
    assert_eq!(tape.recorded.len(), 9);
    assert!(durable.is_poisoned() && durable.seq() < 10);
    assert_eq!(FAILED.load(Ordering::SeqCst), 1);
    assert!(matches!(
        egress.join().unwrap().last(),
        Some(Leaving::End(100))
    ));
}

#[test]
fn what_nobody_passes_on_is_no_longer_recorded() {
    let durable = Arc::new(Durable::new(0));
    let (told, failed) = std::sync::mpsc::sync_channel(1);
    let (pipeline, mut inbox, outbox) = start(
        Counter(0),
        Tape::default(),
        durable.clone(),
        0,
        options(),
        move |reason| told.send(reason).unwrap(),
    )
    .unwrap();
    let egress = std::thread::spawn(move || collect(outbox));
    for step in 0..50 {
        push(&mut inbox, step);
    }
    durable.refuse();
    let reason = failed.recv().unwrap();
    assert!(reason.contains("passed on"), "{reason}");
    let (seq, poisoned) = durable.state();
    assert!(poisoned);
    for step in 50..100 {
        push(&mut inbox, step);
    }
    let (counter, tape) = pipeline.stop();
    assert_eq!(counter.0, 100, "the machine goes on");
    assert_eq!(
        tape.recorded.len() as u64,
        seq,
        "and nothing more is recorded"
    );
    assert_eq!(durable.seq(), seq);
    assert!(matches!(
        egress.join().unwrap().last(),
        Some(Leaving::End(100))
    ));
}

#[test]
fn a_machine_that_waits_for_egress_is_counted() {
    let durable = Arc::new(Durable::new(0));
    let (pipeline, mut inbox, outbox) =
        start(Counter(0), Tape::default(), durable, 0, options(), |_| {
            panic!("recording works")
        })
        .unwrap();
    for step in 0..20 {
        push(&mut inbox, step);
    }
    while inbox.counts().waits.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    let egress = std::thread::spawn(move || collect(outbox));
    let (counter, _) = pipeline.stop();
    assert_eq!(counter.0, 20);
    assert_eq!(egress.join().unwrap().len(), 21, "and nothing is lost");
}

/// Decides and records until its sequence comes.
struct Fragile(Seq);

impl Decider for Fragile {
    fn apply(&mut self, seq: Seq, _: &Input, _: &mut Vec<Output>) {
        assert!(seq < self.0, "a fault of the rules");
    }
    fn ask(&self, ask: &Ask) -> Reply {
        Counter(0).ask(ask)
    }
    fn image(&self) -> (Vec<u8>, u64) {
        (Vec::new(), 0)
    }
}

impl Recorder for Fragile {
    fn append(&mut self, seq: Seq, _: &Input) -> Result<(), String> {
        assert!(seq < self.0, "a fault of the recorder");
        Ok(())
    }
    fn sync(&mut self) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn prices_and_the_stop_go_on_after_a_panic_of_the_recorder() {
    let durable = Arc::new(Durable::new(0));
    let (pipeline, mut inbox, outbox) = start(
        Counter(0),
        Fragile(5),
        durable.clone(),
        0,
        options(),
        |_| {},
    )
    .unwrap();
    let egress = std::thread::spawn(move || collect(outbox));
    // More than the ring holds.
    for step in 0..200 {
        let mut tries = 0;
        while inbox.input(Input::Clock(Ts(step))).is_err() {
            tries += 1;
            assert!(tries < 10_000_000, "the ring stays full");
            std::thread::yield_now();
        }
    }
    let stop = std::panic::AssertUnwindSafe(|| pipeline.stop());
    assert!(std::panic::catch_unwind(stop).is_err(), "the panic is told");
    assert_eq!(egress.join().unwrap().len(), 201);
    assert!(durable.is_poisoned() && durable.is_refused());
    assert!(durable.seq() < 5);
}

#[test]
fn a_panic_of_the_recorder_leaves_the_machine_and_one_of_the_machine_nothing() {
    let stopped = |machine_ends, journal_ends| {
        let (pipeline, mut inbox, outbox) = start(
            Fragile(machine_ends),
            Fragile(journal_ends),
            Arc::new(Durable::new(0)),
            0,
            options(),
            |_| {},
        )
        .unwrap();
        for step in 0..10 {
            push(&mut inbox, step);
        }
        let stopped = pipeline.stop_each();
        drop(outbox);
        stopped
    };
    let (machine, recorder) = stopped(Seq::MAX, 5).unwrap();
    assert_eq!(machine.0, Seq::MAX);
    assert!(recorder.is_err(), "its panic is told");
    let (_, recorder) = stopped(Seq::MAX, Seq::MAX).unwrap();
    assert_eq!(recorder.unwrap().0, Seq::MAX);
    assert!(
        stopped(5, Seq::MAX).is_err(),
        "nothing is left to go on with"
    );
}

#[test]
fn a_stage_that_panics_is_noticed_and_nothing_more_is_taken() {
    for (machine_ends, journal_ends) in [(5, Seq::MAX), (Seq::MAX, 5)] {
        let durable = Arc::new(Durable::new(0));
        let (_pipeline, mut inbox, _outbox) = start(
            Fragile(machine_ends),
            Fragile(journal_ends),
            durable.clone(),
            0,
            options(),
            |_| {},
        )
        .unwrap();
        for step in 0..10 {
            push(&mut inbox, step);
        }
        while !durable.is_poisoned() {
            std::thread::yield_now();
        }
    }
}
