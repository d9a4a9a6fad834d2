//! What the live venues have sent, for `/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use siaga_feed::socket::Status;
use siaga_feed::venue::{Counts, Refusal};

/// Counts of every venue that is switched on.
#[derive(Debug, Default)]
pub struct VenueFigures(Mutex<BTreeMap<&'static str, Figures>>);

#[derive(Clone, Debug, Default)]
struct Figures {
    counts: Counts,
    connected: bool,
    /// Prints and gaps that found the ring full.
    ring_full: u64,
}

/// One number of a venue.
type Number = fn(&Figures) -> u64;

/// Name, kind, meaning, and where it stands.
const LINES: [(&str, &str, &str, Number); 13] = [
    (
        "siaga_venue_connected",
        "gauge",
        "1 while the venue's connection is open.",
        |figures| u64::from(figures.connected),
    ),
    (
        "siaga_venue_connections_total",
        "counter",
        "Connections opened to the venue.",
        |figures| figures.counts.connections,
    ),
    (
        "siaga_venue_reconnects_total",
        "counter",
        "Connections opened after the first one: losses and planned renewals.",
        |figures| figures.counts.connections.saturating_sub(1),
    ),
    (
        "siaga_venue_frames_total",
        "counter",
        "Frames received, of any kind.",
        |figures| figures.counts.frames,
    ),
    (
        "siaga_venue_bytes_total",
        "counter",
        "Bytes of those frames.",
        |figures| figures.counts.bytes,
    ),
    (
        "siaga_venue_quotes_total",
        "counter",
        "Quotes read from frames and handed to the core.",
        |figures| figures.counts.quotes,
    ),
    (
        "siaga_venue_trades_total",
        "counter",
        "Trades read from frames and handed to the core.",
        |figures| figures.counts.trades,
    ),
    (
        "siaga_venue_other_frames_total",
        "counter",
        "Frames that carry no price: replies, heartbeats, streams nobody reads.",
        |figures| figures.counts.other,
    ),
    (
        "siaga_venue_gaps_total",
        "counter",
        "Gaps told to the core: missing updates, a mute line, a lost connection.",
        |figures| figures.counts.gaps,
    ),
    (
        "siaga_venue_trade_breaks_total",
        "counter",
        "Times trades stood still for ten minutes or were counted anew: no gap of quotes.",
        |figures| figures.counts.trade_breaks,
    ),
    (
        "siaga_venue_skewed_total",
        "counter",
        "Records whose venue time is far from ours; they are used.",
        |figures| figures.counts.skewed,
    ),
    (
        "siaga_venue_rounded_total",
        "counter",
        "Quotes and trades finer than our price step; they are used, rounded.",
        |figures| figures.counts.rounded,
    ),
    (
        "siaga_venue_ring_full_total",
        "counter",
        "Trades and gaps dropped because the core's ring was full.",
        |figures| figures.ring_full,
    ),
];

impl VenueFigures {
    /// Takes the counts of a venue, told about once a second, and what became of its connection.
    /// `refused` prints found the ring full since the last time.
    pub fn put(&self, venue: &'static str, status: Option<&Status>, counts: &Counts, refused: u64) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = held.entry(venue).or_default();
        figures.counts.clone_from(counts);
        figures.ring_full += refused;
        if let Some(status) = status {
            figures.connected = *status == Status::Connected;
        }
    }

    /// A venue's task has ended: whatever it said last, nothing is connected.
    pub fn end(&self, venue: &'static str) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.entry(venue).or_default().connected = false;
    }

    /// Appends everything in the Prometheus text format; nothing without a live venue.
    pub fn write(&self, out: &mut String) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_empty() {
            return;
        }
        // Writing to a string cannot fail.
        for (name, kind, help, number) in LINES {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (venue, figures) in held.iter() {
                let _ = writeln!(out, "{name}{{venue=\"{venue}\"}} {}", number(figures));
            }
        }
        let name = "siaga_venue_refused_total";
        let _ = writeln!(
            out,
            "# HELP {name} Frames and records that were not used, by reason.\n# TYPE {name} counter"
        );
        for (venue, figures) in held.iter() {
            for reason in Refusal::ALL {
                let _ = writeln!(
                    out,
                    "{name}{{venue=\"{venue}\",reason=\"{}\"}} {}",
                    reason.name(),
                    figures.counts.refused(reason)
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_of_a_venue_is_shown() {
        let venues = VenueFigures::default();
        let mut out = String::new();
        venues.write(&mut out);
        assert_eq!(out, "");
        let mut counts = Counts::default();
        (counts.connections, counts.frames, counts.gaps) = (3, 40, 2);
        (counts.rounded, counts.trade_breaks) = (4, 7);
        counts.refuse(Refusal::Malformed);
        venues.put("kraken", Some(&Status::Connected), &counts, 5);
        venues.put("kraken", None, &counts, 1);
        venues.write(&mut out);
        for line in [
            "siaga_venue_connected{venue=\"kraken\"} 1",
            "siaga_venue_reconnects_total{venue=\"kraken\"} 2",
            "siaga_venue_frames_total{venue=\"kraken\"} 40",
            "siaga_venue_gaps_total{venue=\"kraken\"} 2",
            "siaga_venue_trade_breaks_total{venue=\"kraken\"} 7",
            "siaga_venue_rounded_total{venue=\"kraken\"} 4",
            "siaga_venue_ring_full_total{venue=\"kraken\"} 6",
            "siaga_venue_refused_total{venue=\"kraken\",reason=\"malformed\"} 1",
            "siaga_venue_refused_total{venue=\"kraken\",reason=\"oversize\"} 0",
        ] {
            assert!(out.lines().any(|found| found == line), "{line} in\n{out}");
        }
        let helps = out
            .lines()
            .filter(|line| line.starts_with("# HELP"))
            .count();
        let types = out
            .lines()
            .filter(|line| line.starts_with("# TYPE"))
            .count();
        assert_eq!((helps, types), (LINES.len() + 1, LINES.len() + 1));
        venues.put("kraken", Some(&Status::Stopped), &counts, 0);
        let mut out = String::new();
        venues.write(&mut out);
        assert!(out.contains("siaga_venue_connected{venue=\"kraken\"} 0"));
    }
}
