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

/// Bars that no facts are published of, counted and measured from the files by hand: rows, begin of
/// the widest bar (of the bid, of the ask where no bid stands), its range, low and high.
const COUNTED: &[(&str, u64, &str, &str, f64, f64)] = &[
    (
        "lean/comex_GCZ3_20131007_minute_quote.csv.gz",
        1_390,
        "2013-10-07 12:29",
        "1.179%",
        1306.7,
        1322.1,
    ),
    (
        "lean/comex_GCZ3_20131008_minute_quote.csv.gz",
        1_398,
        "2013-10-08 00:00",
        "1.007%",
        1310.3,
        1323.5,
    ),
    (
        "lean/comex_GCZ3_20131009_minute_quote.csv.gz",
        1_399,
        "2013-10-09 22:00",
        "1.067%",
        1293.6,
        1307.4,
    ),
    (
        "lean/comex_GCZ3_20131010_minute_quote.csv.gz",
        1_405,
        "2013-10-10 22:15",
        "0.782%",
        1278.6,
        1288.6,
    ),
    (
        "lean/oanda_XAUUSD_daily.csv.gz",
        3_949,
        "2008-10-10 00:00",
        "12.804%",
        825.5,
        931.2,
    ),
    (
        "fxcm_USDJPY_m1_ask_201302.csv.gz",
        28_761,
        "2013-02-12 13:56",
        "0.911%",
        93.42,
        94.271,
    ),
];

#[test]
fn bars_of_two_sides_and_of_days_show_their_rows_and_their_widest_bar() {
    let Some((folder, expected)) = bars() else {
        return;
    };
    for (file, rows, begin, range, low, high) in COUNTED {
        let (_, found) = replay(&folder, file, &[]);
        assert_eq!(found["rows"], *rows, "{file}");
        let wanted = serde_json::json!([begin, range, low, high]);
        assert_eq!(found["largest_range"], wanted, "{file}");
    }
    // Both sides of one month: the asks have as many rows as the facts say of the bids.
    let bids = &expected["fxcm_USDJPY_m1_bid_201302"]["rows"];
    let (_, asks) = replay(&folder, "fxcm_USDJPY_m1_ask_201302.csv.gz", &[]);
    assert_eq!(&asks["rows"], bids);
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

/// Rows of the gold recording from half past twelve on, counted in the file by hand.
const GOLD_ROWS_LATER: u64 = 198_088;

#[test]
fn a_replay_begins_at_the_instant_asked_for() {
    let Some(folder) = days() else {
        return;
    };
    let file = "oanda_XAUUSD_20140502_tick.csv.gz";
    let (_, found) = replay(&folder, file, &["--at", "2014-05-02T12:30:00Z"]);
    let first = serde_json::json!(["12:30:01.270", 1284.757, 1286.419]);
    assert_eq!(found["first"], first, "the first row of that minute");
    let last = serde_json::json!(["20:59:58.570", 1299.055, 1300.267]);
    assert_eq!(found["last"], last);
    assert_eq!(found["rows"], GOLD_ROWS_LATER);
    assert_eq!(
        found["margin"]["entry_ask"], 1286.419,
        "nothing was traded before it"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_siaga"))
        .arg("replay")
        .arg(folder.join(file))
        .args(["--at", "2014-05-03T00:00:00Z"])
        .output()
        .expect("the program runs");
    let fault = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{fault}");
    assert!(fault.contains("no row from that instant on"), "{fault}");
}

/// A minute of prices, one a second, with more lines in its middle.
fn minute(folder: &Path, more: &str) -> PathBuf {
    let mut lines = String::new();
    for second in 0..=60 {
        let step = second % 7;
        lines += &format!("{},1.3862{step},1.3863{step}\n", 1_000 * second);
        if second == 30 {
            lines += more;
        }
    }
    let path = folder.join("oanda_EURUSD_20140502_tick.csv");
    std::fs::write(&path, lines).expect("written");
    path
}

/// Runs a replay; its exit code, what it says on the last line, and its faults.
fn played(path: &Path, options: &[&str]) -> (Option<i32>, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_siaga"))
        .args(["--json", "replay"])
        .arg(path)
        .args(options)
        .output()
        .expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("the output is UTF-8");
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = text.lines().last().unwrap_or_default();
    let said = serde_json::from_str(last).unwrap_or_else(|_| panic!("JSON: {text} {fault}"));
    (output.status.code(), said, fault)
}

#[test]
fn the_pace_changes_nothing_but_the_time_it_takes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = minute(dir.path(), "");
    let (code, quick, fault) = played(&path, &["--speed", "max"]);
    assert_eq!(
        (code, &quick["rows"]),
        (Some(0), &Value::from(61)),
        "{fault}"
    );
    let (code, paced, fault) = played(&path, &["--speed", "1000"]);
    assert_eq!(
        (code, &paced["rows"]),
        (Some(0), &Value::from(61)),
        "{fault}"
    );
    assert_eq!(paced["state_hash"], quick["state_hash"]);
    let seconds = paced["seconds"].as_f64().expect("a number");
    // A minute at a thousand times its speed, less what the clock may be slewed.
    assert!(seconds > 0.059, "{seconds}");
}

#[test]
fn a_bad_row_is_named_the_others_are_played_and_the_exit_code_says_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (_, whole, _) = played(&minute(dir.path(), ""), &[]);
    let path = minute(dir.path(), "30500,1.38620,cheap\n");
    let (code, said, fault) = played(&path, &[]);
    assert_eq!(code, Some(5), "{fault}");
    assert_eq!(
        (&said["rows"], &said["bad_rows"]),
        (&whole["rows"], &Value::from(1))
    );
    assert_eq!(said["state_hash"], whole["state_hash"]);
    assert!(fault.contains("row 32"), "{fault}");

    let path = dir.path().join("fxcm_USDJPY_m1_bid.csv");
    let bars = "timestamp,open,high,low,close\n\
                2013-02-01 00:00:00+00:00,91.715,91.715,91.653,91.653\n\
                2013-02-01 00:01:00+00:00,91.653,high,91.653,91.661\n";
    std::fs::write(&path, bars).expect("written");
    let (code, said, fault) = played(&path, &[]);
    assert_eq!((code, &said["rows"]), (Some(5), &Value::from(2)), "{fault}");
    assert!(fault.contains("row 2"), "{fault}");
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
