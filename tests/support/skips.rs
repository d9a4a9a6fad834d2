//! Tests that cannot run on a machine: said, noted for the summary, never silently passed.

use std::io::Write as _;

/// Notes a skip in the file that `make test` counts.
pub fn note(what: &str) {
    println!("skipped: {what}");
    let Some(path) = std::env::var_os("SIAGA_SKIPS") else {
        return;
    };
    let opened = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path);
    if let Ok(mut file) = opened {
        let _ = writeln!(file, "{what}");
    }
}
