//! The folder of recordings and vectors: not part of the repository. Included by path wherever tests need it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where checks gather what was skipped.
const SKIPS: &str = "SIAGA_SKIPS";

/// A file below the folder named by `SIAGA_SHARED`, or below the one beside the checkout. When there is none the test that asks is
/// noted as skipped.
///
/// # Panics
/// With `CI=true`, where nothing of it may be missing.
pub fn find(path: &str) -> Option<PathBuf> {
    let file = folder().join(path);
    if file.exists() {
        return Some(file);
    }
    missing(&format!("recordings not found ({path})"));
    None
}

/// Says that the running test does nothing for want of something, and notes it for the summary.
///
/// # Panics
/// With `CI=true`, where it may not be missing.
pub fn missing(what: &str) {
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "{what}, and CI=true"
    );
    skipped(what);
}

/// Says why the running test does nothing, and notes it for the summary.
///
/// # Panics
/// When the note cannot be written.
pub fn skipped(why: &str) {
    println!("skipped: {why}");
    let Some(notes) = std::env::var_os(SKIPS) else {
        return;
    };
    let current = std::thread::current();
    let test = current.name().unwrap_or("a test");
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(notes);
    let mut file = file.expect("skips can be noted");
    // One line a test: what is named twice is counted once.
    writeln!(file, "{test}: {why}").expect("a skip is noted");
}

fn folder() -> PathBuf {
    if let Some(named) = std::env::var_os("SIAGA_SHARED") {
        return PathBuf::from(named);
    }
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checkouts = crate_folder.ancestors();
    let checkout = checkouts.find(|folder| folder.join("Cargo.lock").exists());
    checkout.unwrap_or(crate_folder).join("../shared")
}
