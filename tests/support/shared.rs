//! The folder of recordings and vectors: not part of the repository.

use std::path::PathBuf;

/// The folder named by `SIAGA_SHARED`, or the one beside the checkout; `None` when there is none.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("SIAGA_SHARED").map(PathBuf::from);
    let folder =
        named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    folder.join("data").is_dir().then_some(folder)
}

/// True when the recordings are missing: said, noted, and a failure where everything must be tested.
pub fn skip(what: &str) -> bool {
    if folder().is_some() {
        return false;
    }
    println!("skipped: recordings not found ({what})");
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "recordings are required here: {what}"
    );
    if let Some(path) = std::env::var_os("SIAGA_SKIPS") {
        use std::io::Write;
        if let Ok(mut file) = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
        {
            let _ = writeln!(file, "recordings not found: {what}");
        }
    }
    true
}
