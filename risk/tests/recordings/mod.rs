//! Recordings outside of the repository, read as exact integers.

use flate2::read::GzDecoder;
use std::io::Read;

#[path = "../../../tests/support/shared.rs"]
mod shared;

/// A file of the recordings' folder, unpacked. `None` when the folder is absent and need not be there.
///
/// # Panics
/// With `CI=true`, where a missing recording is a failure.
pub fn read(path: &str) -> Option<String> {
    let bytes = std::fs::read(shared::find(path)?).expect("a readable file");
    let mut text = String::new();
    if path.ends_with(".gz") {
        GzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .expect("a whole gzip file");
    } else {
        text = String::from_utf8(bytes).expect("UTF-8");
    }
    Some(text)
}

/// A decimal as an integer of `10^-digits`.
///
/// # Panics
/// When it is no decimal or has more digits.
pub fn scaled(text: &str, digits: usize) -> i64 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    assert!(part.len() <= digits, "{text} has more than {digits} digits");
    let padded = format!("{whole}{part:0<digits$}");
    sign * padded
        .parse::<i64>()
        .unwrap_or_else(|_| panic!("a decimal: {text}"))
}
