//! What stands in `deploy/` fits the program.
#![allow(clippy::disallowed_methods)] // tests wait on conditions, with a deadline

use std::collections::BTreeSet;
use std::path::Path;

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, command};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of series in a text.
fn series(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("siaga_"))
        .collect()
}

#[test]
fn every_name_of_the_alert_rules_is_exported() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = Desk::start_with(dir.path(), |command| {
        // Their counters exist once the venues are configured; nothing answers at this address.
        command
            .env("SIAGA__FEED__KRAKEN__ENABLED", "true")
            .env("SIAGA__FEED__KRAKEN__URL", "ws://127.0.0.1:9");
    });
    let (status, metrics) = desk.exchange("GET", "/metrics", None);
    assert_eq!(status, 200);
    let exported = series(&metrics);
    let rules = read("prometheus/alerts.yaml");
    let used = series(&rules);
    assert!(used.len() > 5, "{used:?}");
    let missing: Vec<_> = used.difference(&exported).collect();
    assert!(missing.is_empty(), "no such series: {missing:?}");
}

#[test]
fn the_configuration_is_well() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/siaga.toml");
    let output = command(dir.path())
        .arg("--config")
        .arg(&file)
        .arg("check-config")
        .output()
        .expect("the program runs");
    let fault = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{fault}");
}

#[test]
fn the_service_runs_commands_that_exist() {
    let unit = read("siaga.service");
    let commands: Vec<&str> = unit
        .lines()
        .filter_map(|line| {
            line.split_once("=/usr/local/bin/siaga ")
                .map(|(_, rest)| rest)
        })
        .collect();
    assert_eq!(commands.len(), 2, "{unit}");
    for rest in commands {
        let first = rest.split(' ').next().expect("a command");
        let dir = tempfile::tempdir().expect("a folder");
        let output = command(dir.path())
            .args([first, "--help"])
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "siaga {first} exists");
    }
}
