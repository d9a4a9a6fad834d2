//! A file of the data directory that cannot be used is exit code 4, and the file is named.

use std::path::Path;

use serde_json::Value;

use crate::desk::{Desk, command};
use crate::doctor::finding;

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

/// What a command says of a mistake, with its exit code.
fn fault(data: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = command(data).args(args).output();
    let output = output.expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn a_folder_that_is_missing_or_a_file_is_exit_code_4_for_whoever_reads_it() {
    let readers = [
        &["journal", "inspect"][..],
        &["journal", "verify"],
        &["journal", "export"],
        &["rebuild"],
        &["whatif", "--scenario", "chf-2015"],
    ];
    let dir = tempfile::tempdir().expect("a folder");
    for args in readers {
        let (code, fault) = fault(dir.path(), args);
        assert_eq!(code, Some(4), "{args:?}: {fault}");
        assert!(fault.contains("core cannot be used"), "{args:?}: {fault}");
    }
    assert!(!dir.path().join("core").exists(), "a look makes nothing");

    std::fs::write(dir.path().join("core"), "x").expect("written");
    let importers = [&["import"][..], &["import", "--apply"]];
    for args in readers.into_iter().chain(importers) {
        let (code, fault) = fault(dir.path(), args);
        assert_eq!(code, Some(4), "{args:?}: {fault}");
        assert!(fault.contains("core cannot be used"), "{args:?}: {fault}");
    }
    let output = command(dir.path())
        .args(["--json", "doctor"])
        .env("SIAGA__SERVER__LISTEN", "127.0.0.1:0")
        .output()
        .expect("the program runs");
    let doctor: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(5), "{doctor}");
    let (ok, detail) = finding(&doctor, "journal");
    assert!(!ok && detail.contains("it is a file"), "{detail}");
}

#[test]
fn damage_of_the_journal_is_told_once() {
    let dir = tempfile::tempdir().expect("a folder");
    Desk::start(dir.path()).stop();
    let journal = dir.path().join("core/journal-0000000001.seg");
    let mut bytes = std::fs::read(&journal).expect("the journal is there");
    bytes[4_096] ^= 0xff;
    std::fs::write(&journal, bytes).expect("written");
    for args in [&["import"][..], &["whatif", "--scenario", "chf-2015"]] {
        let (code, fault) = fault(dir.path(), args);
        assert_eq!(code, Some(4), "{args:?}: {fault}");
        assert_eq!(
            fault.matches("is damaged at byte").count(),
            1,
            "{args:?}: {fault}"
        );
    }
}
