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

/// What `check-config` says of a configuration.
fn check(file: &Path) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let output = command(dir.path())
        .arg("--config")
        .arg(file)
        .arg("check-config")
        .output()
        .expect("the program runs");
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), fault)
}

#[test]
fn the_configuration_is_well() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/siaga.toml");
    let (code, fault) = check(&file);
    assert_eq!(code, Some(0), "{fault}");
}

#[test]
fn the_configuration_of_the_readme_starts_a_desk() {
    let readme = read("../README.md");
    let (_, block) = readme.split_once("```toml\n").expect("a block of TOML");
    let (block, _) = block.split_once("```").expect("its end");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("siaga.toml");
    std::fs::write(&file, block).expect("written");
    let (code, fault) = check(&file);
    assert_eq!(code, Some(0), "{fault}");
    let desk = Desk::start_with(&dir.path().join("data"), |command| {
        // As it stands, but for the venues: nothing answers at this address.
        command
            .env("SIAGA_CONFIG", &file)
            .env("SIAGA__FEED__KRAKEN__URL", "ws://127.0.0.1:9")
            .env("SIAGA__FEED__BINANCE__URL", "ws://127.0.0.1:9");
    });
    assert_eq!(desk.call("GET", "/livez", None).0, 200);
    desk.stop();
}

#[test]
fn a_webhook_without_a_secret_is_told_before_and_at_the_start() {
    let dir = tempfile::tempdir().expect("a folder");
    for action in [&["check-config"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let output = command(dir.path())
            .args(action)
            .env("SIAGA__ALERTS__WEBHOOK_URL", "https://desk.example/hooks")
            .output()
            .expect("the program runs");
        let fault = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{fault}");
        assert!(fault.contains("alerts.webhook_secrets"), "{fault}");
    }
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

/// A program of this name that runs these lines of shell.
fn stub(folder: &Path, name: &str, lines: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
}

/// Runs a line of shell in the checkout, with the stubs before the system's programs.
fn shell(stubs: &Path, line: &str) -> (Option<i32>, String) {
    let path = std::env::var("PATH").expect("a PATH");
    let output = std::process::Command::new("bash")
        .args(["-c", line])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PATH", format!("{}:{path}", stubs.display()))
        .env("CARGO_TARGET_DIR", stubs.join("target"))
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn an_old_node_is_measured_as_the_console_asks() {
    let dir = tempfile::tempdir().expect("a folder");
    let manifest = read("../web/package.json");
    assert!(
        manifest.contains("\"node\": \"^20.19.0 || >=22.12.0\""),
        "{manifest}"
    );
    for (version, is_new) in [
        ("v20.19.0", true),
        ("v22.12.0", true),
        ("v24.1.0", true),
        ("v22.11.0", false),
        ("v21.7.0", false),
        ("v20.18.3", false),
        ("v18.20.4", false),
        ("v9.0.0", false),
        ("", false),
    ] {
        let line = format!(". scripts/node.sh && node_suffices '{version}'");
        let (code, said) = shell(dir.path(), &line);
        assert_eq!(code == Some(0), is_new, "{version}: {said}");
    }
}

#[test]
fn an_old_node_that_cannot_be_replaced_keeps_no_desk_from_running() {
    let dir = tempfile::tempdir().expect("a folder");
    stub(dir.path(), "node", "echo v18.20.4");
    stub(dir.path(), "cc", "exit 0");
    // Nothing can be installed: no venv, no registry.
    stub(dir.path(), "python3", "[ \"$1\" = -c ]");
    let (code, said) = shell(dir.path(), "scripts/setup.sh run");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("20.19") && said.contains("v18.20.4"),
        "{said}"
    );
}

#[test]
fn the_image_is_not_built_from_what_was_built_outside() {
    let left_out = read("../.dockerignore");
    for path in ["target", "web/node_modules", "deploy/secrets"] {
        assert!(left_out.lines().any(|line| line == path), "{path}");
    }
}
