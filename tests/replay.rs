//! `siaga replay` on recorded days: the facts of each file, the same state twice, and facts that follow the rules.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[path = "support/shared.rs"]
mod shared;

/// Runs a replay; gives the state line and the facts.
fn replay(days: &Path, file: &str, options: &[&str]) -> (String, Value) {
    let path = days.join(file);
    let output = Command::new(env!("CARGO_BIN_EXE_siaga"))
        .arg("replay")
        .arg(path)
        .args(["--facts", "--json"])
        .args(options)
        .output()
        .expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("the output is UTF-8");
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{file}: {fault}");
    let lines: Vec<&str> = text.lines().collect();
    let state = lines[0]
        .rsplit("state ")
        .next()
        .unwrap_or_default()
        .to_owned();
    (
        state,
        serde_json::from_str(lines[lines.len() - 1]).expect("the last line is JSON"),
    )
}

/// The folder of recorded days.
fn days() -> Option<PathBuf> {
    shared::find("data/ticks/lean")
}

#[test]
fn every_recorded_day_shows_its_facts() {
    let (Some(folder), Some(facts)) = (days(), shared::find("data/expected_facts.json")) else {
        return;
    };
    let text = std::fs::read_to_string(facts).expect("the facts can be read");
    let expected: Value = serde_json::from_str(&text).expect("the facts are JSON");
    let days = expected["ticks"].as_object().expect("facts by file");
    assert_eq!(days.len(), 6);
    for (file, facts) in days {
        let (_, found) = replay(&folder, file, &[]);
        let found = found.as_object().expect("an object");
        let wanted = facts.as_object().expect("an object");
        let keys = |object: &serde_json::Map<String, Value>| {
            object
                .keys()
                .cloned()
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(keys(found), keys(wanted), "{file}");
        for (key, value) in wanted {
            assert_eq!(&found[key], value, "{file}: {key}");
        }
    }
}

#[test]
fn twice_is_the_same_state_and_other_rules_show_other_facts() {
    let Some(folder) = days() else {
        return;
    };
    let file = "oanda_EURUSD_20140502_tick.csv.gz";
    let (first, facts) = replay(&folder, file, &[]);
    let (second, _) = replay(&folder, file, &[]);
    assert_eq!(first, second);
    let (other, changed) = replay(
        &folder,
        file,
        &[
            "--leverage",
            "200",
            "--thresholds",
            "0.0005,0.003",
            "--stop-long",
            "0.0010,0.0045",
        ],
    );
    assert_ne!(first, other);
    for key in ["margin", "rolling_60s", "stops"] {
        assert_ne!(
            facts[key], changed[key],
            "{key} comes from the machine, so other terms change it"
        );
    }
    for key in ["rows", "first", "max_mid", "busiest_minute"] {
        assert_eq!(facts[key], changed[key], "{key}");
    }
}

#[test]
fn a_file_that_is_no_recording_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("nothing.csv");
    std::fs::write(&path, "hello\nworld\n").expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_siaga"))
        .arg("replay")
        .arg(&path)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let fault = String::from_utf8_lossy(&output.stderr);
    assert!(fault.contains("unknown format"), "{fault}");
}
