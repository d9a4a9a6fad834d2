//! The gateway's own numbers: atomics on the hot path, read when `/metrics` is asked for.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

use super::stream::message::Close;

/// A number that only rises.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Latencies in nanoseconds, 3 digits, up to a minute; longer ones count as a minute.
pub struct Latency(Mutex<Histogram<u64>>);

/// Upper end of a latency histogram.
const LATENCY_MAX_NS: u64 = 60_000_000_000;

impl Default for Latency {
    fn default() -> Latency {
        let made = Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3);
        Latency(Mutex::new(
            made.expect("bounds and digits are within the histogram's own"),
        ))
    }
}

impl Latency {
    pub fn record(&self, ns: u64) {
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(ns.clamp(1, LATENCY_MAX_NS));
    }

    /// A value at a quantile, nanoseconds.
    pub fn quantile(&self, quantile: f64) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .value_at_quantile(quantile)
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = |ns: f64| ns / 1e9;
        let mut line = |text: std::fmt::Arguments| {
            let written = out.write_fmt(text);
            debug_assert!(written.is_ok(), "a String takes every text");
        };
        line(format_args!(
            "# HELP {name} {help}\n# TYPE {name} summary\n"
        ));
        for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
            let value = seconds(histogram.value_at_quantile(quantile) as f64);
            line(format_args!("{name}{{quantile=\"{quantile}\"}} {value}\n"));
        }
        let sum = seconds(histogram.mean() * histogram.len() as f64);
        line(format_args!(
            "{name}_sum {sum}\n{name}_count {}\n",
            histogram.len()
        ));
    }
}

/// Everything the gateway counts.
#[derive(Default)]
pub struct Metrics {
    pub requests_ok: Counter,
    pub requests_refused: Counter,
    pub requests_failed: Counter,
    pub refusals_unlogged: Counter,
    pub request_time: Latency,
    pub sign_in_failures: Counter,
    pub foreign_host: Counter,
    pub foreign_origin: Counter,
    pub header_timeouts: Counter,
    pub connections: Counter,
    pub connections_refused: Counter,
    pub stream_opened: Counter,
    pub stream_closed: [Counter; Close::ALL.len()],
    pub stream_requests: Counter,
    pub stream_refusals: Counter,
    pub stream_serialisations: Counter,
    pub stream_frames: Counter,
    pub stream_frames_shared: Counter,
    pub stream_frames_conflated: Counter,
    pub stream_writes: Counter,
    pub stream_throttled: Counter,
    pub stream_snapshots_forced: Counter,
    pub tick_to_frame: Latency,
    pub search_time: Latency,
    pub bridge_opened: Counter,
}

impl Metrics {
    /// Appends everything in the Prometheus text format.
    pub fn write(&self, out: &mut String, connected: usize) {
        for (name, help, counter) in self.counters() {
            put(
                out,
                format_args!(
                    "# HELP {name} {help}\n# TYPE {name} counter\n{name} {}\n",
                    counter.get()
                ),
            );
        }
        let name = "siaga_stream_closed_total";
        put(
            out,
            format_args!(
                "# HELP {name} Stream connections that the server ended, by reason.\n# TYPE {name} counter\n"
            ),
        );
        for (close, counter) in Close::ALL.iter().zip(&self.stream_closed) {
            put(
                out,
                format_args!("{name}{{reason=\"{}\"}} {}\n", close.name(), counter.get()),
            );
        }
        let name = "siaga_stream_connections";
        put(
            out,
            format_args!(
                "# HELP {name} Open stream connections.\n# TYPE {name} gauge\n{name} {connected}\n"
            ),
        );
        self.request_time.write(
            out,
            "siaga_http_request_seconds",
            "Time from a request's head to its answer.",
        );
        self.tick_to_frame.write(
            out,
            "siaga_tick_to_frame_seconds",
            "Time from the receipt of a price to its written frame.",
        );
        self.search_time.write(
            out,
            "siaga_search_seconds",
            "Time of a search over people, leads, cases and texts.",
        );
        let name = "siaga_build_info";
        let version = env!("CARGO_PKG_VERSION");
        put(
            out,
            format_args!(
                "# HELP {name} The running build.\n# TYPE {name} gauge\n{name}{{version=\"{version}\"}} 1\n"
            ),
        );
    }

    fn counters(&self) -> [(&'static str, &'static str, &Counter); 21] {
        [
            (
                "siaga_http_requests_ok_total",
                "Requests that were answered.",
                &self.requests_ok,
            ),
            (
                "siaga_http_requests_refused_total",
                "Requests that were refused (4xx).",
                &self.requests_refused,
            ),
            (
                "siaga_http_requests_failed_total",
                "Requests that failed on our side (5xx).",
                &self.requests_failed,
            ),
            (
                "siaga_http_refusals_unlogged_total",
                "Refused requests beyond the log's lines of their second.",
                &self.refusals_unlogged,
            ),
            (
                "siaga_sign_in_failures_total",
                "Wrong secrets.",
                &self.sign_in_failures,
            ),
            (
                "siaga_http_foreign_host_total",
                "Requests with the Host of another server.",
                &self.foreign_host,
            ),
            (
                "siaga_http_foreign_origin_total",
                "Requests of other sites.",
                &self.foreign_origin,
            ),
            (
                "siaga_http_header_timeouts_total",
                "Connections whose head did not come in time or was broken.",
                &self.header_timeouts,
            ),
            (
                "siaga_http_connections_total",
                "Accepted connections.",
                &self.connections,
            ),
            (
                "siaga_http_connections_refused_total",
                "Connections refused because too many were open.",
                &self.connections_refused,
            ),
            (
                "siaga_stream_opened_total",
                "Stream connections that said hello.",
                &self.stream_opened,
            ),
            (
                "siaga_stream_requests_total",
                "Requests on the stream.",
                &self.stream_requests,
            ),
            (
                "siaga_stream_refusals_total",
                "Requests on the stream that were refused.",
                &self.stream_refusals,
            ),
            (
                "siaga_stream_serialisations_total",
                "Frames written once for everybody.",
                &self.stream_serialisations,
            ),
            (
                "siaga_stream_frames_total",
                "Frames sent.",
                &self.stream_frames,
            ),
            (
                "siaga_stream_frames_shared_total",
                "Frames sent without being written again.",
                &self.stream_frames_shared,
            ),
            (
                "siaga_stream_frames_conflated_total",
                "Frames that stood for more than one event.",
                &self.stream_frames_conflated,
            ),
            (
                "siaga_stream_writes_total",
                "Writes to sockets; each carries everything that was ready.",
                &self.stream_writes,
            ),
            (
                "siaga_stream_throttled_total",
                "Times a slow connection was throttled.",
                &self.stream_throttled,
            ),
            (
                "siaga_stream_snapshots_forced_total",
                "Times a slow connection got a snapshot instead of deltas.",
                &self.stream_snapshots_forced,
            ),
            (
                "siaga_bridge_opened_total",
                "Bridge connections.",
                &self.bridge_opened,
            ),
        ]
    }
}

fn put(out: &mut String, text: std::fmt::Arguments) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a String takes every text");
}
