//! What `/metrics` and `/readyz` say of the desk.

use std::fmt::Write;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use siaga_broker::bridge::BridgeFault;
use siaga_risk::units::Ts;

use super::egress::DROP_REASONS;
use super::handle::Handle;
use super::readiness;
use crate::gateway::core::Part;

/// Appends the desk's lines in the Prometheus text format.
pub fn write(handle: &Handle, out: &mut String) {
    let figures = &handle.figures;
    let syncs = &handle.syncs;
    let ticks = &handle.ticks;
    let ring = {
        let inbox = handle.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.counts().clone()
    };
    let lines: [(&str, &str, &str, u64); 18] = [
        (
            "siaga_input_seq",
            "gauge",
            "Sequence of the last input that was decided.",
            figures.seq.load(Ordering::Relaxed),
        ),
        (
            "siaga_journal_durable_seq",
            "gauge",
            "Sequence of the last input on the disk.",
            handle.durable.seq(),
        ),
        (
            "siaga_journal_poisoned",
            "gauge",
            "1 after a write failed: nothing is recorded any more.",
            u64::from(handle.durable.is_poisoned()),
        ),
        (
            "siaga_output_log_poisoned",
            "gauge",
            "1 after a write to the output log failed: nothing durable leaves the desk any more.",
            u64::from(figures.log_failed.load(Ordering::Relaxed)),
        ),
        (
            "siaga_unrecorded_total",
            "counter",
            "Margin calls and stop-outs that were told without being recorded.",
            figures.unrecorded.load(Ordering::Relaxed),
        ),
        (
            "siaga_journal_syncs_total",
            "counter",
            "Group commits of the journal.",
            syncs.count.load(Ordering::Relaxed),
        ),
        (
            "siaga_journal_sync_ns_total",
            "counter",
            "Nanoseconds spent in group commits.",
            syncs.total_ns.load(Ordering::Relaxed),
        ),
        (
            "siaga_journal_sync_ns_max",
            "gauge",
            "Longest group commit, nanoseconds.",
            syncs.max_ns.load(Ordering::Relaxed),
        ),
        (
            "siaga_inbox_merged_total",
            "counter",
            "Quotes merged into a later one because the inbound ring was full.",
            ring.merged.load(Ordering::Relaxed),
        ),
        (
            "siaga_inbox_refused_total",
            "counter",
            "Commands and questions refused because the inbound ring was full.",
            ring.refused.load(Ordering::Relaxed),
        ),
        (
            "siaga_outbound_waits_total",
            "counter",
            "Times the machine looked again because the outbound ring was full.",
            ring.waits.load(Ordering::Relaxed),
        ),
        (
            "siaga_marks_total",
            "counter",
            "Accepted prices that left the machine.",
            figures.marks.load(Ordering::Relaxed),
        ),
        (
            "siaga_durable_outputs_total",
            "counter",
            "Outputs written to the output log.",
            figures.durable_outputs.load(Ordering::Relaxed),
        ),
        (
            "siaga_egress_pending",
            "gauge",
            "Durable outputs that wait for the disk.",
            figures.pending.load(Ordering::Relaxed),
        ),
        (
            "siaga_ticks_stored_total",
            "counter",
            "Accepted prices copied into the server's table of ticks.",
            ticks.stored.load(Ordering::Relaxed),
        ),
        (
            "siaga_ticks_dropped_total",
            "counter",
            "Accepted prices not stored because the database was too slow or away; the journal has them.",
            ticks.dropped.load(Ordering::Relaxed),
        ),
        (
            "siaga_ticks_waiting",
            "gauge",
            "Accepted prices that waited for the database when it last took some.",
            ticks.waiting.load(Ordering::Relaxed),
        ),
        (
            "siaga_alert_evidence_dropped_total",
            "counter",
            "Charts of alerts that left memory before the database had them whole.",
            handle.alerts.evidence.dropped(),
        ),
    ];
    for (name, kind, help, value) in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
        );
    }
    handle.standby.write(handle.durable.seq(), out);
    handle.venues.write(out);
    handle.deliveries.write(out);
    handle.latency.write(
        "siaga_tick_to_output_seconds",
        "From receiving a quote to its mark at egress.",
        out,
    );
    handle.syncs.histogram.write(
        "siaga_journal_sync_seconds",
        "Time of a group commit of the journal.",
        out,
    );
    let dropped = DROP_REASONS.iter().zip(&figures.dropped);
    labelled(
        "siaga_prices_dropped_total",
        "Prices the machine did not take, by reason.",
        "reason",
        dropped.map(|(name, count)| (*name, count.load(Ordering::Relaxed))),
        out,
    );
    cache(handle, out);
    let faults = BridgeFault::ALL.iter();
    labelled(
        "siaga_bridge_faults_total",
        "Faults of brokers' programs on the bridge, by name.",
        "name",
        faults.map(|fault| (fault.name(), handle.bridge_faults.of(*fault))),
        out,
    );
}

/// How often each level of the platform's cache had what was asked for; the rest was loaded.
fn cache(handle: &Handle, out: &mut String) {
    let Some(platform) = Handle::read(&handle.platform) else {
        return;
    };
    let figures = platform.cache().figures();
    labelled(
        "siaga_cache_hits_total",
        "Questions that a level of the platform's cache answered.",
        "level",
        [("process", figures.first), ("shared", figures.second)].into_iter(),
        out,
    );
    let name = "siaga_cache_misses_total";
    let _ = writeln!(
        out,
        "# HELP {name} Questions that had to be loaded.\n# TYPE {name} counter\n{name} {}",
        figures.missed
    );
}

fn labelled<'a>(
    name: &str,
    help: &str,
    label: &str,
    values: impl Iterator<Item = (&'a str, u64)>,
    out: &mut String,
) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter");
    for (of, value) in values {
        let _ = writeln!(out, "{name}{{{label}=\"{of}\"}} {value}");
    }
}

/// The parts of `/readyz?verbose`.
pub fn parts(handle: &Handle) -> Vec<Part> {
    let poisoned = handle
        .poisoned
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let store = handle
        .store
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let names = Handle::read(&*handle.directory);
    let priced = readiness::priced(&names, &handle.live, handle.clock.started());
    let reached = Ts(handle.figures.watermark.load(Ordering::Acquire));
    let has_decided = reached >= handle.clock.started();
    let mut feed = readiness::feed(&priced, handle.clock.now(), has_decided);
    for remark in &handle.remarks {
        let _ = write!(feed.detail, "; {remark}");
    }
    let journal = Part {
        name: "journal",
        ok: poisoned.is_none(),
        required: true,
        detail: poisoned
            .unwrap_or_else(|| format!("input {} is on the disk", handle.durable.seq())),
    };
    let log_failed = handle.figures.log_failed.load(Ordering::Relaxed);
    let output_log = Part {
        name: "output_log",
        ok: !log_failed,
        required: true,
        detail: match log_failed {
            true => "a write failed: nothing durable leaves the desk".into(),
            false => format!(
                "{} outputs written",
                handle.figures.durable_outputs.load(Ordering::Relaxed)
            ),
        },
    };
    let database = Part {
        name: "db",
        ok: store.ok,
        required: false,
        detail: format!("{}: {}", store.kind, store.detail),
    };
    let mut parts = vec![
        feed,
        journal,
        output_log,
        database,
        handle.standby.part(),
        handle.late_nights.part(),
    ];
    parts.extend(readiness::brokers(&names, &handle.live));
    parts
}
