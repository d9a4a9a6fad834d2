//! Recorded inputs that are gone: a desk tells of them, and nothing else passes for that.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::desk::{Desk, command};
use crate::doctor::finding;

#[test]
fn a_loss_is_told_by_a_desk_before_terms_are_imported() {
    let dir = tempfile::tempdir().expect("a folder");
    Desk::start(dir.path()).stop();
    let pending = dir.path().join("core").join("lost.pending");
    std::fs::write(&pending, "61 81 6 1 - 80\n").expect("a loss that no desk has told");
    let import = || {
        let mut program = command(dir.path());
        let output = program.args(["import", "--apply"]).output();
        let output = output.expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = import();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("inputs 61 to 81"), "{said}");
    assert!(said.contains("siaga serve"), "{said}");
    assert!(pending.exists(), "it is still to be told");

    let desk = Desk::start(dir.path());
    let remarks = desk.first["recovered"]["remarks"].to_string();
    assert!(remarks.contains("inputs 61 to 81"), "{remarks}");
    desk.wait("/api/v1/alerts", "the alert of the loss", |alerts| {
        let all = alerts["items"].as_array();
        all.is_some_and(|all| all.iter().any(|alert| alert["rule"] == "inputs_lost"))
    });
    // It is settled when the alert is kept, which is behind its telling.
    desk.wait("/api/v1/alerts", "the loss to be settled", |_| {
        !pending.exists()
    });
    desk.stop();
    let (code, said) = import();
    assert_eq!(code, Some(0), "{said}");
}

/// What a command says on both outputs, with its exit code.
fn said(data: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = command(data)
        .args(args)
        .env("SIAGA__SERVER__LISTEN", "127.0.0.1:0")
        .output()
        .expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Whoever looks at the journal says this of it.
fn told(data: &Path, words: &str) {
    for args in [["journal", "verify"], ["journal", "inspect"]] {
        let (code, out, fault) = said(data, &args);
        assert_eq!(code, Some(5), "{args:?}: {out}{fault}");
        assert!(out.contains(words), "{args:?}: {out}");
    }
    let (code, out, _) = said(data, &["--json", "doctor"]);
    let doctor: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(code, Some(5), "{doctor}");
    let (ok, detail) = finding(&doctor, "journal");
    assert!(!ok && detail.contains(words), "{detail}");
}

#[test]
fn a_journal_that_is_gone_or_cut_is_told_by_what_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    Desk::start(dir.path()).stop();
    let (_, inspected, _) = said(dir.path(), &["--json", "journal", "inspect"]);
    let inspected: Value = serde_json::from_str(&inspected).expect("JSON");
    let segments = inspected["segments"].as_array().expect("segments");
    let last = segments.last().expect("one is in use");
    let (differs, imported, _) = said(dir.path(), &["import"]);
    let core = dir.path().join("core");
    let listed = std::fs::read_dir(&core).expect("the folder");
    let paths = listed.map(|file| file.expect("a file").path());
    let is_journal = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("journal-"))
    };
    let journal: Vec<(PathBuf, Vec<u8>)> = paths
        .filter(is_journal)
        .map(|path| {
            let bytes = std::fs::read(&path).expect("read");
            (path, bytes)
        })
        .collect();

    for (path, _) in &journal {
        std::fs::remove_file(path).expect("removed");
    }
    told(dir.path(), "the journal is gone, but snapshot ");
    let lines = dir.path().join("lines");
    let to = lines.display().to_string();
    let (code, _, fault) = said(dir.path(), &["journal", "export", "--out", &to]);
    assert_eq!(code, Some(4), "{fault}");
    assert!(fault.contains("the journal is gone"), "{fault}");
    assert!(!lines.exists(), "an empty file would pass for an export");
    // The next start begins with the snapshot, which was taken at the end.
    let (code, again, fault) = said(dir.path(), &["import"]);
    assert_eq!((code, again), (differs, imported), "{fault}");

    let used = last["bytes"].as_u64().expect("a number");
    let half = usize::try_from(used / 2).expect("it fits");
    for (path, bytes) in &journal {
        let is_cut = path.file_name().and_then(|name| name.to_str()) == last["file"].as_str();
        let kept = if is_cut { &bytes[..half] } else { &bytes[..] };
        std::fs::write(path, kept).expect("written");
    }
    told(dir.path(), "the journal ends at input ");
}
