//! Generated files that are committed: a test compares, `SIAGA_UPDATE=1 cargo test` writes.

use std::path::Path;

/// Fails when the committed file is not `wanted`; with `SIAGA_UPDATE` set, writes it.
pub fn check(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("SIAGA_UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(&file, wanted).expect("the file is written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let first = committed
        .lines()
        .zip(wanted.lines())
        .position(|(a, b)| a != b);
    assert!(
        committed == wanted,
        "{path} is not what the code says (first other line: {first:?}); run SIAGA_UPDATE=1 cargo test and look at the difference"
    );
}
