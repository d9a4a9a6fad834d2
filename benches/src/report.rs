//! Tables for people, and the same rows for the script that gathers them.

use std::io::Write;

use hdrhistogram::Histogram;

/// Names a file that the rows are appended to, separated by tabs.
const ROWS_FILE: &str = "SIAGA_BENCH_ROWS";

/// A table of one bench.
pub struct Report {
    bench: &'static str,
    rows: Vec<[String; 4]>,
    notes: Vec<String>,
}

impl Report {
    /// An empty table.
    pub fn new(bench: &'static str) -> Self {
        let head = ["figure", "value", "beside it", "goal"].map(str::to_owned);
        Self {
            bench,
            rows: vec![head],
            notes: Vec::new(),
        }
    }

    /// Adds a figure; `beside` is the floor or a rival of the same run, `goal` may be empty.
    pub fn row(&mut self, figure: &str, value: String, beside: String, goal: &str) {
        self.rows
            .push([figure.to_owned(), value, beside, goal.to_owned()]);
    }

    /// Adds a line below the table: what the figures leave out, what was chosen.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints the table.
    ///
    /// # Panics
    /// When the file of rows cannot be written.
    pub fn print(&self) {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        println!("\n== {}", self.bench);
        for [figure, value, beside, goal] in &self.rows {
            println!(
                "{figure:<a$}  {value:>b$}  {beside:<c$}  {goal}",
                a = widths[0],
                b = widths[1],
                c = widths[2]
            );
        }
        for note in &self.notes {
            println!("   {note}");
        }
        let Some(path) = std::env::var_os(ROWS_FILE) else {
            return;
        };
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path);
        let mut file = file.expect("the file of rows can be written");
        for row in &self.rows[1..] {
            writeln!(file, "{}\t{}", self.bench, row.join("\t")).expect("a row is written");
        }
        for note in &self.notes {
            writeln!(file, "{}\tnote\t{note}", self.bench).expect("a note is written");
        }
    }
}

/// A histogram of nanoseconds up to a minute, three digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000_000, 3).expect("the bounds are fixed")
}

/// Nanoseconds as people read them.
pub fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1_000.0 => format!("{ns:.0} ns"),
        ns if ns < 1_000_000.0 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

/// p50 / p99 / p99.9 / max.
pub fn quantiles(histogram: &Histogram<u64>) -> String {
    let at = |quantile| time(histogram.value_at_quantile(quantile) as f64);
    let max = time(histogram.max() as f64);
    format!("{} / {} / {} / {max}", at(0.5), at(0.99), at(0.999))
}

/// A count per second as people read it.
pub fn rate(count: u64, ns: u64) -> String {
    let per_s = count as f64 * 1e9 / ns.max(1) as f64;
    match per_s {
        rate if rate >= 1e6 => format!("{:.2} M/s", rate / 1e6),
        rate if rate >= 1e3 => format!("{:.1} k/s", rate / 1e3),
        rate => format!("{rate:.0} /s"),
    }
}

/// The middle value.
///
/// # Panics
/// When there is none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
