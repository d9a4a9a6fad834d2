//! What `/metrics` and `/readyz` say of the second machine and of the snapshots it writes.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use siaga_risk::event::Seq;

use crate::gateway::core::Part;

/// Figures for `/metrics`.
#[derive(Debug, Default)]
pub struct StandbyFigures {
    /// The second machine is meant to follow all the time.
    pub enabled: AtomicBool,
    /// Last input the second machine has applied; 0 while there is none.
    pub seq: AtomicU64,
    /// Everything up to this input was compared.
    pub compared: AtomicU64,
    /// Hashes of the whole state that were compared.
    pub states: AtomicU64,
    /// Stretches that could not be compared because the log had been trimmed.
    pub skips: AtomicU64,
    /// The first input at which the machines differ, or at which the second one stopped; 0 = none.
    pub diverged: AtomicU64,
    pub snapshot_seq: AtomicU64,
    pub snapshots: AtomicU64,
    pub snapshot_bytes: AtomicU64,
    /// What the last snapshot took from the state to the disk, nanoseconds.
    pub snapshot_ns: AtomicU64,
}

impl StandbyFigures {
    /// Appends its lines in the Prometheus text format; `durable` is the last input on the disk.
    pub fn write(&self, durable: Seq, out: &mut String) {
        let get = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        let enabled = self.enabled.load(Ordering::Relaxed);
        let lag = match enabled {
            true => durable.saturating_sub(get(&self.seq)),
            false => 0,
        };
        let lines: [(&str, &str, &str, u64); 11] = [
            (
                "siaga_standby_enabled",
                "gauge",
                "1 when a second machine follows the journal all the time.",
                u64::from(enabled),
            ),
            (
                "siaga_standby_lag_inputs",
                "gauge",
                "Durable inputs that the second machine has not applied yet.",
                lag,
            ),
            (
                "siaga_standby_seq",
                "gauge",
                "Last input that the second machine has applied.",
                get(&self.seq),
            ),
            (
                "siaga_standby_compared_seq",
                "gauge",
                "Every durable output up to this input was compared.",
                get(&self.compared),
            ),
            (
                "siaga_standby_states_total",
                "counter",
                "Hashes of the whole state that were compared.",
                get(&self.states),
            ),
            (
                "siaga_standby_skips_total",
                "counter",
                "Stretches not compared because the output log had been trimmed.",
                get(&self.skips),
            ),
            (
                "siaga_standby_diverged_seq",
                "gauge",
                "First input at which the machines differ, or the second one stopped; 0 = none.",
                get(&self.diverged),
            ),
            (
                "siaga_snapshot_seq",
                "gauge",
                "Input of the newest snapshot.",
                get(&self.snapshot_seq),
            ),
            (
                "siaga_snapshots_total",
                "counter",
                "Snapshots written in the background.",
                get(&self.snapshots),
            ),
            (
                "siaga_snapshot_bytes",
                "gauge",
                "Bytes of the last snapshot written in the background.",
                get(&self.snapshot_bytes),
            ),
            (
                "siaga_snapshot_ns",
                "gauge",
                "What that snapshot took, nanoseconds; the machine did not wait for it.",
                get(&self.snapshot_ns),
            ),
        ];
        for (name, kind, help, value) in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
            );
        }
    }

    /// The part of `/readyz?verbose`. A standby that diverged does not take the desk out of service:
    /// orders go on, and the alert says what to do.
    pub fn part(&self) -> Part {
        let diverged = self.diverged.load(Ordering::Relaxed);
        let seq = self.seq.load(Ordering::Relaxed);
        let detail = match (self.enabled.load(Ordering::Relaxed), diverged) {
            (_, 1..) => format!("it does not follow from input {diverged} on"),
            (true, 0) => format!("it has applied input {seq}"),
            (false, 0) => "off: a second machine exists only for snapshots".to_owned(),
        };
        Part {
            name: "standby",
            ok: diverged == 0,
            required: false,
            detail,
        }
    }
}
