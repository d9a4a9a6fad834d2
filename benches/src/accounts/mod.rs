//! A million accounts with eight positions each through the whole machine: what a quote costs in calm and stressed
//! markets beside the best full pass, memory, snapshot and load, replay, and the way through journal and egress.

pub mod book;
pub mod flow;
pub mod mixes;
pub mod peers;
pub mod walk;
pub mod yardstick;

use std::sync::Arc;

use siaga_risk::journal::{FileDisk, Options, SnapshotMeta, Snapshots};
use siaga_risk::machine::{FINGERPRINT, Machine};

use crate::clock::{now_ns, reading_ns, worked_ns};
use crate::report::{Report, quantiles, rate, time};
use crate::throughput::data_directory;
use book::{Desk, INSTRUMENTS, Kind, POSITIONS};
use mixes::{Cost, Stand};
use walk::{CALM_PPM, LIVELY_PPM};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub accounts: u32,
    /// Quotes of the calm and of the lively mix.
    pub quotes: usize,
    /// Quotes of the stressed mix before its crash.
    pub stressed: usize,
    /// Quotes of a crash.
    pub crash: usize,
    /// Quotes that the yardstick runs over too, in mixes that have more.
    pub sample: usize,
    /// Length of an open loop, nanoseconds.
    pub flow_ns: u64,
    pub segment_bytes: u32,
}

impl Size {
    pub const FULL: Self = Self {
        accounts: 1_000_000,
        quotes: 1_000_000,
        stressed: 4_000,
        crash: 780,
        sample: 1_000,
        flow_ns: 10_000_000_000,
        segment_bytes: Options::SEGMENT_BYTES,
    };
    pub const TINY: Self = Self {
        accounts: 400,
        quotes: 3_000,
        stressed: 1_000,
        crash: 780,
        sample: 3_000,
        flow_ns: 20_000_000,
        segment_bytes: 1 << 20,
    };
}

/// A book that was built, and its image, from which every mix begins anew.
pub struct Start {
    image: Vec<u8>,
    state_hash: u64,
    desk: Desk,
    /// Bytes the book and everything derived from it hold.
    bytes: u64,
    build: Span,
    inputs: u64,
}

impl Start {
    /// Builds by inputs.
    pub fn build(kind: Kind, accounts: u32) -> Start {
        let mut desk = Desk::open(kind, false);
        let (before, begin) = (desk.seq, Span::begin());
        let counted = allocation_counter::measure(|| desk.fill(kind, accounts));
        let build = begin.end();
        let image = desk.machine.snapshot();
        let state_hash = desk.machine.state_hash();
        Start {
            image,
            state_hash,
            bytes: counted.bytes_current.unsigned_abs(),
            build,
            inputs: desk.seq - before,
            desk,
        }
    }

    /// A machine that stands where the book was built, and how long loading its image took.
    ///
    /// # Panics
    /// When the image cannot be read.
    pub fn stand(&self) -> (Stand, u64) {
        let start = now_ns();
        let machine = Machine::restore(&self.image).expect("an image is read back");
        let took = now_ns() - start;
        let stand = Stand {
            machine,
            seq: self.desk.seq,
            ts: self.desk.ts,
            walk: self.desk.walk.clone(),
        };
        (stand, took)
    }

    /// The machine that was built is no longer needed: memory for the others.
    fn rest(&mut self) {
        self.desk.machine = Machine::new();
    }
}

/// Measures everything and prints it.
pub fn print(size: Size) {
    let mut report = Report::new("accounts");
    let name = format!(
        "{} accounts × {POSITIONS} positions × {INSTRUMENTS} instruments",
        size.accounts
    );
    report.note(format!(
        "{name}; the clock's reading of {:.0} ns is part of every quote",
        reading_ns()
    ));
    let mut plain = Start::build(Kind::Plain, size.accounts);
    state(&mut report, &plain, size);
    plain.rest();
    calm(&mut report, &plain, size);
    gap(&mut report, &plain);
    through(&mut report, &plain, size);
    drop(plain);
    let mut stressed = Start::build(Kind::Stressed, size.accounts);
    memory(
        &mut report,
        "converted, half in one instrument",
        &stressed,
        size,
    );
    stressed.rest();
    stress(&mut report, &stressed, size);
    peers::print(&mut report, size.quotes);
    notes(&mut report);
    report.print();
}

/// A span by the wall and by what its thread worked.
struct Span {
    wall_ns: u64,
    worked_ns: u64,
}

impl Span {
    fn begin() -> Span {
        Span {
            wall_ns: now_ns(),
            worked_ns: worked_ns(),
        }
    }

    fn end(self) -> Span {
        Span {
            wall_ns: now_ns() - self.wall_ns,
            worked_ns: worked_ns() - self.worked_ns,
        }
    }

    fn wall(&self) -> String {
        time(self.wall_ns as f64)
    }

    fn worked(&self) -> String {
        format!("its thread worked {}", time(self.worked_ns as f64))
    }
}

fn notes(report: &mut Report) {
    report.note("instruments and group are the shipped ones without filters, halts, loss alerts and message rates; stop-outs observe: what those add is left out");
    report.note("quotes are timed around the machine's apply: no ring, no journal, no socket; yardstick: incremental i64 pass over the quoted instrument's holders, same quotes, nothing else");
    report.note("memory is what the allocator was asked for, without its own overhead; orders and movements of the opening days are no longer remembered");
    report.note("the way through has no socket before it and no stream behind it; generator, journal, machine and egress share the processors");
}

fn state(report: &mut Report, start: &Start, size: Size) {
    report.row(
        "opened by inputs (accounts, money, orders, fills)",
        start.build.wall(),
        format!(
            "{} inputs; {}",
            rate(start.inputs, start.build.wall_ns),
            start.build.worked()
        ),
        "",
    );
    memory(report, "plain", start, size);
    let per_account = start.image.len() as f64 / f64::from(size.accounts);
    let begin = Span::begin();
    let image = start.desk.machine.snapshot();
    let encoded = begin.end();
    assert_eq!(image, start.image, "an image is the same twice");
    report.row(
        "image of the state",
        format!("{:.0} MB", image.len() as f64 / 1e6),
        format!(
            "{per_account:.0} B an account; encoded in {}, {}",
            encoded.wall(),
            encoded.worked()
        ),
        "",
    );
    let directory = data_directory();
    let disk = FileDisk::new(directory.path()).expect("the directory is there");
    let snapshots = Snapshots::new(disk as Arc<_>);
    let meta = SnapshotMeta {
        seq: start.desk.seq,
        fingerprint: FINGERPRINT,
        epoch: 0,
        state_hash: start.state_hash,
    };
    let begin = now_ns();
    snapshots.write(&meta, &image).expect("the disk has room");
    let written = now_ns() - begin;
    drop(image);
    let (all, begin) = (Span::begin(), Span::begin());
    let read = snapshots.read(meta.seq).expect("a snapshot is read back");
    let reading = begin.end();
    let machine = Machine::restore(&read.payload).expect("an image is read back");
    let loaded = all.end();
    let begin = now_ns();
    assert_eq!(machine.state_hash(), start.state_hash, "the same state");
    let hashed = now_ns() - begin;
    report.row(
        "snapshot written and synced",
        time(written as f64),
        String::new(),
        "",
    );
    report.row(
        "snapshot load: read, decode, tables, watch",
        loaded.wall(),
        format!(
            "{}; of it reading {}; checking the hash {} more",
            loaded.worked(),
            reading.wall(),
            time(hashed as f64)
        ),
        "< 2 s",
    );
}

fn memory(report: &mut Report, book: &str, start: &Start, size: Size) {
    report.row(
        &format!("memory of the whole state, {book}"),
        format!(
            "{:.0} B an account",
            start.bytes as f64 / f64::from(size.accounts)
        ),
        String::new(),
        "≤ 1,536 B",
    );
}

fn calm(report: &mut Report, start: &Start, size: Size) {
    for (name, ppm, goal) in [
        (
            "calm, 1e-5 a tick",
            CALM_PPM,
            "< 100 ns median, < 1 µs p99.9, ≥ 5,000 ×",
        ),
        (
            "lively, 1e-4 a tick",
            LIVELY_PPM,
            "< 1.5 µs median, ≥ 300 ×",
        ),
    ] {
        let (mut stand, _) = start.stand();
        cost(
            report,
            name,
            &stand.walk(size.quotes, size.sample, ppm),
            goal,
        );
    }
}

fn cost(report: &mut Report, name: &str, cost: &Cost, goal: &str) {
    report.row(
        &format!("{name}: a quote"),
        cost.quantiles(),
        format!(
            "mean {}, yardstick {} = {:.1} ×; {} crossings",
            time(cost.mean()),
            time(cost.yardstick_ns),
            cost.yardstick_ns / cost.mean(),
            cost.crossings
        ),
        goal,
    );
}

fn stress(report: &mut Report, start: &Start, size: Size) {
    let (mut stand, _) = start.stand();
    let walk = stand.walk(size.stressed, size.stressed, LIVELY_PPM);
    cost(
        report,
        "stressed, 1e-4 a tick",
        &walk,
        "mean ≤ 0.5 × the yardstick",
    );
    let crash = stand.crash(size.crash, 100_000);
    cost(
        report,
        "stressed, −10 % over 780 quotes",
        &crash,
        "mean ≤ 0.5 × the yardstick",
    );
}

/// A gap of 3 % on one instrument, then 2 % down on all.
fn gap(report: &mut Report, start: &Start) {
    let (mut stand, _) = start.stand();
    let mut passes = yardstick::Yardstick::new(&stand.machine, &stand.walk.bids);
    let mut out = Vec::with_capacity(4_096);
    let mut worst = (0.0f64, 0, 0, 0.0);
    for number in 0..=INSTRUMENTS {
        let (at, ppm) = if number == 0 {
            (0, -30_000)
        } else {
            (number - 1, -20_000)
        };
        stand.ts = stand.ts.plus(walk::STEP_NS);
        let quote = stand.walk.jump(at, ppm, stand.ts);
        let (took, crossings) = stand.apply(&quote, &mut out);
        let begin = now_ns();
        std::hint::black_box(passes.pass(at, stand.walk.bids[at as usize]));
        let pass = (now_ns() - begin) as f64;
        let ratio = (took as f64 - 150.0 * crossings as f64) / pass;
        if number == 0 {
            gap_row(
                report,
                "gap of −3 % on one",
                took,
                crossings,
                pass,
                ratio,
                "≤ 2 ×",
            );
        } else if ratio > worst.0 {
            worst = (ratio, took, crossings, pass);
        }
    }
    let (ratio, took, crossings, pass) = worst;
    gap_row(
        report,
        "then −2 % on all, worst quote",
        took,
        crossings,
        pass,
        ratio,
        "≤ 3 ×",
    );
}

fn gap_row(
    report: &mut Report,
    name: &str,
    took: u64,
    crossings: u64,
    pass: f64,
    ratio: f64,
    goal: &str,
) {
    report.row(
        &format!("{name}: last alert after"),
        time(took as f64),
        format!(
            "{crossings} crossings, pass {}: less 150 ns a crossing {ratio:.1} ×",
            time(pass)
        ),
        goal,
    );
}

fn through(report: &mut Report, start: &Start, size: Size) {
    for (every_ns, goal) in [(1_000, "1,000,000/s"), (10_000, "p50 < 30 µs")] {
        let (stand, _) = start.stand();
        let quotes = size.flow_ns / every_ns;
        let flow = flow::open_loop(stand, quotes, every_ns, size.segment_bytes);
        let name = format!(
            "open loop {}/s, journal + machine + egress",
            1_000_000_000 / every_ns
        );
        report.row(
            &format!("{name}: tick to output"),
            quantiles(&flow.marks),
            format!("{} through", rate(flow.quotes, flow.took_ns)),
            goal,
        );
        report.row(
            &format!("{name}: durable outputs"),
            quantiles(&flow.durable),
            format!("{} outputs, until their log is synced", flow.durable.len()),
            "",
        );
        let (mut stand, _) = start.stand();
        if every_ns == 1_000 {
            let replay = flow::replay(&flow, stand.machine, size.segment_bytes);
            report.row(
                "replay of its journal",
                rate(replay.inputs, replay.took_ns) + " inputs",
                format!(
                    "reading and decoding alone {}",
                    rate(replay.inputs, replay.reading_ns)
                ),
                "≥ 2,000,000/s",
            );
        } else {
            let late = flow::control(&mut stand, quotes, every_ns);
            report.row(
                "control: generator and machine in one thread, same schedule",
                quantiles(&late),
                "what is late here is the scheduler's share".to_owned(),
                "",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hash of the plain tiny book, so that a change of what is measured, or of the rules, is seen.
    #[test]
    fn a_small_book_runs_through_every_mix() {
        let size = Size::TINY;
        let mut start = Start::build(Kind::Plain, size.accounts);
        assert_eq!(
            start.desk.machine.book().positions().len() as u32,
            size.accounts * POSITIONS
        );
        let mut report = Report::new("accounts");
        state(&mut report, &start, size);
        start.rest();
        calm(&mut report, &start, size);
        gap(&mut report, &start);
        through(&mut report, &start, size);
        peers::print(&mut report, 100);
        let start = Start::build(Kind::Stressed, size.accounts);
        assert_eq!(
            start.desk.machine.book().positions().len() as u32,
            size.accounts * POSITIONS
        );
        stress(&mut report, &start, size);
        report.print();
    }

    #[test]
    fn a_restored_book_goes_on_as_the_one_that_was_built() {
        let start = Start::build(Kind::Stressed, 50);
        let (mut restored, _) = start.stand();
        let mut built = Stand {
            machine: start.desk.machine,
            seq: start.desk.seq,
            ts: start.desk.ts,
            walk: start.desk.walk,
        };
        let costs = [&mut restored, &mut built].map(|stand| stand.walk(2_000, 0, 300).crossings);
        assert_eq!(costs[0], costs[1]);
        assert!(costs[0] > 0);
        assert_eq!(restored.machine.state_hash(), built.machine.state_hash());
    }
}
