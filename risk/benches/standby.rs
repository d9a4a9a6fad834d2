//! The machine's longest pause while snapshots are written: by nobody, by a second machine on a
//! thread of its own, and by the machine itself, in one run.
//!
//! Leaves out the rings and the journal: the second machine writes one snapshot after the other,
//! many times as often as the desk does. A pause holds whatever the scheduler does on this machine;
//! the first line is the control.

#[path = "../tests/desk/mod.rs"]
mod desk;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::AccountId;
use siaga_risk::journal::{FileDisk, SnapshotMeta, Snapshots};
use siaga_risk::machine::{FINGERPRINT, Machine};
use siaga_risk::pipeline::Decider;
use siaga_risk::terms::Accounting;
use siaga_risk::units::*;

const ACCOUNTS: u32 = 100_000;
const LASTS: Duration = Duration::from_secs(5);
/// Between two snapshots of the machine itself.
const INLINE_EVERY: Duration = Duration::from_secs(1);

/// Writes the state of `machine`; gives the bytes.
fn save(machine: &Machine, snapshots: &Snapshots, number: u64) -> u64 {
    let (bytes, state_hash) = Decider::image(machine);
    let meta = SnapshotMeta {
        seq: number,
        fingerprint: FINGERPRINT,
        epoch: 1,
        state_hash,
    };
    let written = snapshots.write(&meta, &bytes);
    written.expect("the snapshot is written").bytes
}

fn snapshots(directory: &Path) -> Snapshots {
    Snapshots::new(FileDisk::new(directory).expect("a directory"))
}

/// Applies quotes for a while; gives all gaps between two of them, sorted, nanoseconds.
#[allow(clippy::disallowed_methods)] // A bench is there to look at the clock.
fn run(desk: &mut Desk, mut between: impl FnMut(&Machine)) -> Vec<u64> {
    let (start, mut step, mut out) = (Instant::now(), 0i64, Vec::new());
    let mut gaps = Vec::with_capacity(1 << 24);
    let mut before = start;
    let mut seq = desk.machine.last_seq();
    while before.duration_since(start) < LASTS {
        step += 1;
        seq += 1;
        let bid = 110_000 + step % 7;
        let quote = Input::Quote(Quote {
            ts: desk.now.plus(step as u64 * 1_000),
            bid: Price(bid),
            ask: Price(bid + 2),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument: instrument_id("EURUSD"),
            source: SOURCE,
            merged: 0,
            kind: QuoteKind::Firm,
        });
        desk.machine.apply(seq, &quote, &mut out);
        out.clear();
        between(&desk.machine);
        let now = Instant::now();
        gaps.push(now.duration_since(before).as_nanos() as u64);
        before = now;
    }
    desk.now = desk.now.plus(step as u64 * 1_000);
    gaps.sort_unstable();
    gaps
}

fn show(name: &str, gaps: &[u64], written: u64) {
    let at = |share: f64| gaps[((gaps.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    println!(
        "{name:>28} {:>10} {:>10.2} {:>10.2} {:>12.1} {written:>10}",
        gaps.len(),
        at(0.5),
        at(0.9999),
        at(1.0)
    );
}

#[allow(clippy::disallowed_methods)] // A bench is there to look at the clock.
fn main() {
    let directory = std::env::temp_dir().join(format!("siaga-standby-{}", std::process::id()));
    let mut desk = Desk::open();
    for id in 1..=ACCOUNTS {
        desk.account(id, USD, Accounting::Netting, 100);
        desk.must(Body::Cash(Cash {
            account: AccountId(id),
            kind: CashKind::Deposit,
            amount: Money(1_000_000),
            reference: u64::from(id),
        }));
    }
    desk.inputs = Vec::new();
    let second = Machine::restore(&desk.machine.snapshot()).expect("its own state");
    let bytes = save(&second, &snapshots(&directory), 1);
    println!("{ACCOUNTS} accounts, a snapshot has {bytes} bytes; gaps between two quotes, µs");
    println!(
        "{:>28} {:>10} {:>10} {:>10} {:>12} {:>10}",
        "snapshots by", "quotes", "median", "p99.99", "longest", "written"
    );
    show("nobody", &run(&mut desk, |_| {}), 0);
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    let gaps = std::thread::scope(|scope| {
        scope.spawn(|| {
            let snapshots = snapshots(&directory);
            while !stop.load(Ordering::Relaxed) {
                let number = written.fetch_add(1, Ordering::Relaxed) + 2;
                save(&second, &snapshots, number);
            }
        });
        let gaps = run(&mut desk, |_| {});
        stop.store(true, Ordering::Relaxed);
        gaps
    });
    let so_far = written.load(Ordering::Relaxed);
    show("a second machine, always", &gaps, so_far);
    let (mut last, mut inline) = (Instant::now(), 0);
    let own = snapshots(&directory);
    let gaps = run(&mut desk, |machine| {
        if last.elapsed() >= INLINE_EVERY {
            inline += 1;
            save(machine, &own, so_far + inline + 2);
            last = Instant::now();
        }
    });
    show("the machine itself, each 1 s", &gaps, inline);
    // Only its own folder, made above.
    let _ = std::fs::remove_dir_all(&directory);
}
