//! Where tests find the recordings, which are no part of the repository.

use std::path::PathBuf;

#[path = "../../tests/support/shared.rs"]
mod shared;

/// The file at `path` below the recordings; `None` when there is none here.
///
/// # Panics
/// With `CI=true` and without the recording: there it must not be skipped.
pub fn find(path: &str) -> Option<PathBuf> {
    shared::find(&format!("data/{path}"))
}

/// The facts somebody else computed from the recordings.
pub fn facts() -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(find("expected_facts.json")?).expect("readable facts");
    Some(serde_json::from_str(&text).expect("facts are JSON"))
}

/// A text file, unzipped when it is gzipped.
pub fn text(path: &str) -> Option<String> {
    use std::io::Read;
    let bytes = std::fs::read(find(path)?).expect("readable recording");
    let mut text = Vec::new();
    if bytes.starts_with(&[0x1F, 0x8B]) {
        flate2::read::MultiGzDecoder::new(&bytes[..])
            .read_to_end(&mut text)
            .expect("whole gzip");
    } else {
        text = bytes;
    }
    Some(String::from_utf8(text).expect("recordings are UTF-8"))
}
