//! Quotes per second through the real journal, the real machine and egress.

pub mod desk;
mod floor;
pub mod stages;

use std::sync::Arc;

use siaga_risk::event::Input;
use siaga_risk::journal::{
    Disk, FileDisk, Journal, Options, OutputLog, OutputOptions, Preparation,
};
use siaga_risk::machine::{FINGERPRINT, Machine};
use siaga_risk::pipeline::{self, Durable, Idle, Inbox, Wait};
use siaga_risk::record;
use siaga_risk::view::{Ask, Query, View};

use crate::clock::now_ns;
use crate::report::{Report, median, rate};
use desk::Script;
use stages::Recording;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub rounds: usize,
    pub quotes: usize,
    pub accounts: u32,
    pub segment_bytes: u32,
}

impl Size {
    pub const FULL: Self = Self {
        rounds: 3,
        quotes: 3_000_000,
        accounts: 1_000,
        segment_bytes: Options::SEGMENT_BYTES,
    };
    pub const TINY: Self = Self {
        rounds: 1,
        quotes: 20_000,
        accounts: 20,
        segment_bytes: 1 << 20,
    };
}

/// What a run gave.
#[derive(Debug)]
pub struct Outcome {
    pub quotes: u64,
    pub took_ns: u64,
    /// Outputs that went into the output log.
    pub durable: u64,
    /// Group commits of the measured part.
    pub syncs: u64,
    pub positions: u32,
}

/// Measures both desks and prints them.
pub fn print(size: Size) {
    let mut report = Report::new("throughput");
    for (name, accounts, goal) in [
        ("no accounts", 0, "≥ 1,000,000/s"),
        ("1,000 accounts × 2 positions", size.accounts, "≥ 200,000/s"),
    ] {
        let script = desk::script(accounts, size.quotes);
        let alone = machine_alone(&script);
        let mut runs: Vec<Outcome> = (0..size.rounds).map(|_| run(&script, size)).collect();
        runs.sort_by_key(|run| run.took_ns);
        let took = median(runs.iter().map(|run| run.took_ns as f64).collect());
        let middle = &runs[runs.len() / 2];
        let per_input = |ns: f64| ns / size.quotes as f64;
        report.row(
            &format!("64 instruments, {name}: journal + machine + egress"),
            rate(middle.quotes, took as u64),
            format!(
                "{:.0} ns a quote; the machine alone {:.0} ns",
                per_input(took),
                per_input(alone as f64)
            ),
            goal,
        );
        report.note(format!(
            "{name}: {} outputs logged, {} group commits, positions {}",
            middle.durable, middle.syncs, middle.positions
        ));
    }
    floors(&mut report);
    report.note("every quote is accepted and marks; state hash equal to a replay of the journal");
    report.note("left out: sockets and decoding before, the stream and the store behind");
    report.print();
}

fn floors(report: &mut Report) {
    let directory = data_directory();
    let million = |per_s: f64| format!("{:.1} M/s", per_s / 1e6);
    let copies = floor::copies_per_s(20_000_000);
    report.row(
        "floor: copy and checksum 64 bytes",
        million(copies),
        String::new(),
        "",
    );
    for bytes in [4 << 10, 64 << 10] {
        let syncs = floor::syncs_per_s(directory.path(), bytes, 500);
        report.row(
            &format!("floor: write {} KiB and fdatasync", bytes >> 10),
            format!("{syncs:.0} /s"),
            format!("{} of 64 bytes", million(syncs * (bytes / 64) as f64)),
            "",
        );
    }
}

/// A directory on the disk of the target folder: `/tmp` may be memory.
pub fn data_directory() -> tempfile::TempDir {
    let target = std::env::current_exe().expect("the bench has a file");
    let folder = target.parent().expect("the file has a folder");
    tempfile::tempdir_in(folder).expect("the target folder can be written")
}

/// Nanoseconds the machine takes for the quotes when nothing else runs.
fn machine_alone(script: &Script) -> u64 {
    let (mut machine, mut outputs) = (Machine::new(), Vec::new());
    let mut seq = 0;
    let mut apply = |inputs: &[Input]| {
        let start = now_ns();
        for input in inputs {
            seq += 1;
            machine.apply(seq, input, &mut outputs);
            outputs.clear();
        }
        now_ns() - start
    };
    apply(&script.setup);
    apply(&script.quotes)
}

/// One run, proved by a replay of what it journaled.
///
/// # Panics
/// When anything is lost, or the replay arrives at another state.
pub fn run(script: &Script, size: Size) -> Outcome {
    let directory = data_directory();
    let disk: Arc<dyn Disk> = FileDisk::new(directory.path()).expect("the directory is there");
    let options = Options {
        segment_bytes: size.segment_bytes,
        ..Options::new(FINGERPRINT, 0)
    };
    let (journal, _) = Journal::open(disk.clone(), options).expect("an empty journal opens");
    let log = open_log(disk.clone(), size.segment_bytes, 1);
    let durable = Arc::new(Durable::new(0));
    let wait = Wait::default();
    let (pipeline, mut inbox, outbox) = pipeline::start(
        Machine::new(),
        Recording::new(journal),
        durable.clone(),
        0,
        pipeline::Options {
            wait,
            ..pipeline::Options::default()
        },
        |reason| panic!("the journal failed: {reason}"),
    )
    .expect("threads start");
    let watermark = durable.clone();
    let egress = std::thread::spawn(move || stages::egress(outbox, log, watermark, wait));
    put_all(&mut inbox, &script.setup);
    let setup = script.setup.len() as u64;
    let mut idle = Idle::new(Wait::Yield);
    while durable.seq() < setup {
        idle.wait();
    }
    let start = now_ns();
    put_all(&mut inbox, &script.quotes);
    let (machine, recording) = pipeline.stop();
    let left = egress.join().expect("egress ends");
    let took_ns = now_ns() - start;
    let last = setup + script.quotes.len() as u64;
    assert_eq!(
        (machine.last_seq(), durable.seq(), left.last),
        (last, last, last)
    );
    assert_eq!(
        left.marks,
        (script.quotes.len() + desk::INSTRUMENTS) as u64,
        "every quote marks"
    );
    let syncs = recording.syncs;
    recording.journal.close().expect("the journal closes");
    assert_eq!(
        replay(disk, options),
        machine.state_hash(),
        "the replay agrees"
    );
    Outcome {
        quotes: script.quotes.len() as u64,
        took_ns,
        durable: left.durable,
        syncs,
        positions: positions(&machine),
    }
}

/// An empty output log whose first input is `first_seq`.
///
/// # Panics
/// When the disk cannot be written.
pub fn open_log(disk: Arc<dyn Disk>, segment_bytes: u32, first_seq: u64) -> OutputLog {
    let options = OutputOptions {
        segment_bytes,
        bytes_max: u64::from(segment_bytes) * 64,
        fingerprint: FINGERPRINT,
        epoch: 0,
        first_seq,
        journal_end: None,
        preparation: Preparation::Helper,
    };
    OutputLog::open(disk, options)
        .expect("an empty log opens")
        .0
}

/// Waits for room instead of conflating: every quote is to be decided.
fn put_all(inbox: &mut Inbox, inputs: &[Input]) {
    let mut idle = Idle::new(Wait::Yield);
    for input in inputs {
        while inbox.input(input.clone()).is_err() {
            idle.wait();
        }
        idle.reset();
    }
}

fn replay(disk: Arc<dyn Disk>, options: Options) -> u64 {
    let (journal, recovered) = Journal::open(disk, options).expect("a closed journal opens");
    let (mut machine, mut outputs) = (Machine::new(), Vec::new());
    let mut records = journal
        .records(recovered.first_seq)
        .expect("it has records");
    while let Some(found) = records.next().expect("a closed journal is whole") {
        let input = record::get_input(found.kind, found.payload).expect("records decode");
        machine.apply(found.seq, &input, &mut outputs);
        outputs.clear();
    }
    machine.state_hash()
}

fn positions(machine: &Machine) -> u32 {
    let ask = Ask {
        token: 0,
        query: Query::Desk,
    };
    match machine.ask(&ask).view {
        View::Desk(desk) => desk.positions,
        other => panic!("the desk answers: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use desk::POSITIONS;

    #[test]
    fn a_small_desk_runs_through_and_replays() {
        for accounts in [0, Size::TINY.accounts] {
            let script = desk::script(accounts, Size::TINY.quotes);
            let outcome = run(&script, Size::TINY);
            assert_eq!(
                outcome.positions,
                accounts * POSITIONS,
                "every order was filled"
            );
        }
        assert!(machine_alone(&desk::script(2, 100)) > 0);
    }
}
