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

/// The facts of the other recordings, by file.
fn bars() -> Option<(PathBuf, Value)> {
    let (folder, facts) = (
        shared::find("data/ticks")?,
        shared::find("data/expected_facts.json")?,
    );
    let text = std::fs::read_to_string(facts).expect("the facts can be read");
    let mut expected: Value = serde_json::from_str(&text).expect("the facts are JSON");
    Some((folder, expected["bars"].take()))
}

#[test]
fn every_file_of_bars_shows_its_rows_and_its_widest_bar() {
    let Some((folder, expected)) = bars() else {
        return;
    };
    // File, its facts, where the widest range stands in them; the facts say more than the file shows behind the time.
    for (file, name, range) in [
        (
            "ftx_BTC-PERP_1m_20220101-20220114.csv.gz",
            "ftx_BTC-PERP_1m",
            "/largest_minute_range",
        ),
        (
            "mt5_USDCHF_h1_2012-2022.csv.gz",
            "mt5_USDCHF_h1",
            "/largest_range",
        ),
        (
            "mt5_AUDJPY_h1_2012-2022.csv.gz",
            "mt5_AUDJPY_h1",
            "/largest_ranges/0",
        ),
        (
            "fxcm_USDJPY_m1_bid_201302.csv.gz",
            "fxcm_USDJPY_m1_bid_201302",
            "/largest_minute_range",
        ),
    ] {
        let (_, found) = replay(&folder, file, &[]);
        let facts = &expected[name];
        assert_eq!(found["rows"], facts["rows"], "{file}");
        let (found, wanted) = (&found["largest_range"], &facts.pointer(range).expect(name));
        let time = wanted[0].as_str().expect("a time");
        assert!(
            time.starts_with(found[0].as_str().expect("a time")),
            "{file}: {found}"
        );
        assert_eq!(found[1], wanted[1], "{file}");
        for at in 2..wanted.as_array().map_or(0, Vec::len) {
            assert_eq!(found[at].as_f64(), wanted[at].as_f64(), "{file}");
        }
    }
    let lean = folder.join("lean");
    for (day, facts) in expected["comex_GCZ3"].as_object().expect("facts by day") {
        if facts["rows"].is_null() {
            continue;
        }
        let file = format!("comex_GCZ3_{day}_minute_trade.csv.gz");
        let (_, found) = replay(&lean, &file, &[]);
        assert_eq!(found["rows"], facts["rows"], "{file}");
        if let Some(widest) = facts["max_range"].as_array() {
            let time = widest[0].as_str().expect("a time");
            let at = found["largest_range"][0].as_str().expect("a time");
            assert!(at.ends_with(time), "{file}: {at}");
        }
    }
    let (_, oil) = replay(&folder, "oil_wti_daily.csv.gz", &[]);
    assert_eq!(
        oil["rows"], expected["oil_wti_daily"]["rows"],
        "with its negative day"
    );
}

#[test]
fn ticks_of_other_venues_show_their_facts_under_the_usual_options() {
    let Some((folder, expected)) = bars() else {
        return;
    };
    for (file, name) in [
        (
            "histdata_EURUSD_20200101_tick.csv.gz",
            "histdata_EURUSD_20200101",
        ),
        ("truefx_USDJPY_20130101_tick.csv", "truefx_USDJPY"),
    ] {
        let (state, found) = replay(&folder, file, &[]);
        let facts = &expected[name];
        assert_eq!(found["rows"], facts["rows"], "{file}");
        assert_eq!(found["min_mid"][0], facts["min_mid"], "{file}");
        assert_eq!(found["max_mid"][0], facts["max_mid"], "{file}");
        for key in ["max_spread", "crossed"] {
            let found = if key == "crossed" {
                &found[key]
            } else {
                &found[key][0]
            };
            assert!(facts[key].is_null() || *found == facts[key], "{file} {key}");
        }
        assert_eq!(
            replay(&folder, file, &[]).0,
            state,
            "{file}: the same twice"
        );
    }
}

#[test]
fn a_recording_of_prints_alerts_once_halts_once_and_touches_no_account() {
    let Some((folder, expected)) = bars() else {
        return;
    };
    let file = "binance_ATOMUSDT_flash_20251010.csv";
    let (state, found) = replay(&folder, file, &[]);
    let facts = &expected["binance_ATOMUSDT_flash"];
    assert_eq!(found["rows"], facts["aggregates"]);
    assert_eq!(found["first"][1], facts["first"]);
    assert_eq!(found["last"][1], facts["last"]);
    let rows = std::fs::read_to_string(folder.join(file)).expect("the recording");
    let prices: Vec<f64> = rows
        .lines()
        .filter_map(|line| line.split(',').nth(1)?.parse().ok())
        .collect();
    let beyond = |share: f64| {
        let first = prices[0];
        let far = move |(_, price): &(usize, &f64)| 1.0 - **price / first >= share;
        let rows = prices.iter().enumerate().filter(far);
        rows.map(|(at, price)| (format!("row {}", at + 1), *price))
            .collect::<Vec<_>>()
    };
    for (key, share, nth) in [("alerts", 0.03, 0), ("halts", 0.10, 2)] {
        let told = found[key].as_array().expect("a list");
        assert_eq!(told.len(), 1, "{key}: {told:?}");
        let (row, price) = &beyond(share)[nth];
        assert_eq!(told[0][1], row.as_str(), "{key}");
        assert_eq!(told[0][2].as_f64(), Some(*price), "{key}");
    }
    assert_eq!(
        found["marks_deals_and_margin_states"], 0,
        "prints are no marks"
    );
    assert_eq!(replay(&folder, file, &[]).0, state, "the same twice");
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
