//! A file of the data directory that cannot be used is exit code 4, and the file is named.

use std::path::Path;

use crate::desk::command;

/// Makes a file or folder of the data directory unusable.
type Spoil = fn(&Path);

#[test]
fn what_cannot_be_used_in_the_data_directory_is_exit_code_4() {
    let cases: [(&str, Spoil); 5] = [
        ("secret", |file| {
            std::fs::write(file, "short").expect("written")
        }),
        ("names.json", |file| {
            std::fs::write(file, "{").expect("written")
        }),
        ("notes.ndjson", |file| {
            std::fs::create_dir(file).expect("made")
        }),
        ("core/router.cursor", |file| {
            std::fs::create_dir(file).expect("made")
        }),
        ("core", |file| {
            std::fs::remove_dir(file).expect("empty");
            std::fs::write(file, "x").expect("written");
        }),
    ];
    for (name, spoil) in cases {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("core")).expect("made");
        spoil(&dir.path().join(name));
        let output = command(dir.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .output()
            .expect("the program runs");
        let fault = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{name}: {fault}");
        assert!(fault.contains(name), "{name}: {fault}");
    }
}
