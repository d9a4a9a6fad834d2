//! One name against the whole list of OFAC among the recordings.

#[path = "../tests/support/shared.rs"]
#[allow(dead_code)] // tests need more of it
mod shared;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use siaga_bench::clock::now_ns;
use siaga_bench::report::Report;
use siaga_platform::aml::index::{Index, Listed, Query};
use siaga_platform::aml::lists::{Format, read};
use siaga_platform::aml::names::Kind;
use siaga_platform::aml::names::graded::POSSIBLE;

/// Rounds over the queries.
const ROUNDS: usize = 5;

/// Every so many aliases of the list is a query too, so that long and common names are among them.
const EVERY: usize = 7;

/// Below the folder of recordings.
const LISTS: &str = "data/kyc/ofac_2019";

/// Names that clients have.
const CLIENTS: &[&str] = &[
    "Budi Santoso",
    "Siti Nurhaliza",
    "Muhammad Rizki Ramadhan",
    "Agus Salim",
    "Dewi Lestari",
    "Abdul Rahman",
    "Ahmad Hidayat",
    "I Made Wirawan",
];

fn main() {
    let files: Option<Vec<Vec<u8>>> = ["sdn", "alt", "add"]
        .iter()
        .map(|name| Some(unpacked(&shared::find(&format!("{LISTS}/{name}.csv.gz"))?)))
        .collect();
    let Some(files) = files else { return };
    let list = read(Format::OfacCsv, &files).expect("a list");
    let names: Vec<String> = list
        .entries
        .iter()
        .flat_map(|entry| entry.names.iter().map(|name| name.text.clone()))
        .collect();
    let listed = list.entries.into_iter().map(|entry| Listed {
        source: "ofac_sdn".into(),
        digest: entry.digest(),
        entry: Arc::new(entry),
    });
    let listed: Vec<Listed> = listed.collect();
    let began = now_ns();
    let index = Index::of(listed);
    let indexed = Duration::from_nanos(now_ns() - began);
    let queries: Vec<&str> = CLIENTS
        .iter()
        .copied()
        .chain(names.iter().step_by(EVERY).map(String::as_str))
        .collect();
    let mut times = Histogram::<u64>::new(3).expect("a histogram");
    for _ in 0..ROUNDS {
        for name in &queries {
            let query = Query {
                names: vec![(*name).to_owned()],
                kind: Some(Kind::Person),
                ..Query::default()
            };
            let began = now_ns();
            let hits = index.search(&query, POSSIBLE);
            let taken = (now_ns() - began) / 1_000;
            std::hint::black_box(hits);
            times.record(taken.max(1)).expect("in range");
        }
    }
    let beside = format!("{} entries, {} names", index.len(), names.len());
    let mut report = Report::new("names");
    for (figure, quantile, goal) in [
        ("one name against the whole list, p50", 0.5, ""),
        ("one name against the whole list, p99", 0.99, "below 5 ms"),
    ] {
        report.row(
            figure,
            format!("{} µs", times.value_at_quantile(quantile)),
            beside.clone(),
            goal,
        );
    }
    report.row(
        "one name against the whole list, longest",
        format!("{} µs", times.max()),
        beside.clone(),
        "",
    );
    report.row(
        "the whole list indexed",
        format!("{} ms", indexed.as_millis()),
        beside,
        "",
    );
    report.note(format!("{} searches: names of clients, and every {EVERY}th name of the list itself, which costs most", times.len()));
    report.print();
}

fn unpacked(path: &Path) -> Vec<u8> {
    let (file, mut bytes) = (std::fs::File::open(path).expect("opened"), Vec::new());
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .expect("unpacked");
    bytes
}
