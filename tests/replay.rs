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

/// Writes a recording.
fn written(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("written");
    path
}

/// The facts of a small recording that is well.
fn facts_of(name: &str, content: &str, options: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a folder");
    let path = written(dir.path(), name, content);
    let options: Vec<&str> = ["--facts"].iter().chain(options).copied().collect();
    let (code, facts, fault) = played(&path, &options);
    assert_eq!(code, Some(0), "{name} {options:?}: {fault}");
    facts
}

/// The exit code of a replay that shows nothing, and what it says.
fn refused(name: &str, content: &str, options: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_siaga"))
        .arg("replay")
        .arg(written(dir.path(), name, content))
        .args(options)
        .output()
        .expect("the program runs");
    let fault = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.stdout.is_empty(), "{name} {options:?}");
    (output.status.code(), fault)
}

#[test]
fn a_stop_within_the_spread_of_the_entry_is_reached_by_a_later_row() {
    let name = "oanda_EURUSD_20140621_tick.csv";
    let rows = "1000,1.39000,1.39200\n2000,1.39090,1.39110\n\
                3000,1.39000,1.39160\n4000,1.38700,1.38710\n";
    let stops = facts_of(name, rows, &[])["stops"].take();
    for (at, stop, row, fill) in [
        (0_usize, 1.39, 3, 1.39),
        (1, 1.3875, 4, 1.387),
        (2, 1.3915, 3, 1.3916),
    ] {
        assert_eq!(stops[at]["stop"].as_f64(), Some(stop), "{stops}");
        assert_eq!(stops[at]["row"].as_u64(), Some(row), "{stops}");
        assert_eq!(stops[at]["fill"].as_f64(), Some(fill), "{stops}");
    }
    assert_eq!(stops[0]["trigger_at"], "00:00:03.000");
    assert!(stops[3]["trigger_at"].is_null(), "{stops}");
    // The second row is beyond the first stop already, and the last beyond those of the other side.
    let rows = "1000,1.39000,1.39300\n2000,1.39100,1.39110\n\
                3000,1.38700,1.38710\n4000,1.39700,1.39710\n";
    let stops = facts_of(name, rows, &[])["stops"].take();
    for (at, stop, row, fill) in [
        (0_usize, 1.391, 2, 1.391),
        (1, 1.3885, 3, 1.387),
        (2, 1.3915, 4, 1.3971),
        (3, 1.396, 4, 1.3971),
    ] {
        assert_eq!(stops[at]["stop"].as_f64(), Some(stop), "{stops}");
        assert_eq!(stops[at]["row"].as_u64(), Some(row), "{stops}");
        assert_eq!(stops[at]["fill"].as_f64(), Some(fill), "{stops}");
    }
}

#[test]
fn a_balance_below_the_margin_is_called_and_stopped_out_by_the_first_row() {
    let rows = "1000,1.39000,1.39010\n1500,1.38000,1.38010\n1501,1.40000,1.40010\n";
    for (options, balance, level) in [
        (["--balance", "600"], 600, "level 42.443%"),
        (["--balance", "0"], 0, "level -0.719%"),
        (["--leverage", "1"], 1_700, "level 1.216%"),
    ] {
        let facts = facts_of("oanda_EURUSD_20140606_tick.csv", rows, &options);
        let margin = &facts["margin"];
        let first = serde_json::json!(["00:00:01.000", "row 1", 1.39, level]);
        assert_eq!(margin["balance"], balance, "{margin}");
        assert_eq!(margin["margin_call_100"], first, "{options:?}");
        assert_eq!(margin["stop_out_50"], first, "{options:?}");
    }
    // Between the two levels only the first is reached, and the second when the price comes to it.
    let options = ["--balance", "1399"];
    let facts = facts_of("oanda_EURUSD_20140606_tick.csv", rows, &options);
    let margin = &facts["margin"];
    assert_eq!(margin["margin_call_100"][1], "row 1", "{margin}");
    assert_eq!(margin["stop_out_50"][1], "row 2", "{margin}");
}

#[test]
fn defaults_are_those_of_the_instrument_however_many_digits_the_file_has() {
    for (rows, levels) in [
        (
            "1000,1.390,1.391\n2000,1.391,1.392\n",
            [1.389, 1.3865, 1.3915, 1.396],
        ),
        (
            "1000,1.3900,1.3901\n2000,1.3901,1.3902\n",
            [1.3881, 1.3856, 1.3915, 1.396],
        ),
        (
            "1000,1.390005,1.390017\n2000,1.389991,1.390002\n",
            [1.388017, 1.385517, 1.391505, 1.396005],
        ),
    ] {
        let facts = facts_of("oanda_EURUSD_20140614_tick.csv", rows, &[]);
        let stops = facts["stops"].as_array().expect("a list");
        let found: Vec<f64> = stops
            .iter()
            .filter_map(|stop| stop["stop"].as_f64())
            .collect();
        assert_eq!(found, levels, "{rows}");
        assert_eq!(facts["margin"]["balance"], 1_700, "{rows}");
        let first = rows.split(['\n', ',']).nth(1).expect("a bid");
        let first = first.parse::<f64>().expect("a number");
        assert_eq!(facts["first"][1].as_f64(), Some(first), "{rows}");
    }
    let rows = "1000,102.110,102.122\n2000,102.111,102.123\n";
    let name = "oanda_USDJPY_20140604_tick.csv";
    let yen = facts_of(name, rows, &["--stop-long", "0.0020,0.0045"]);
    assert_eq!(yen["margin"]["balance"], 170_000);
    assert_eq!(yen["stops"][1]["stop"], 102.1175, "finer than the file");
    assert_eq!(yen["stops"][2]["stop"], 102.26);
    let silver = facts_of(
        "oanda_XAGUSD_20140625_tick.csv",
        "1000,19.500,19.530\n2000,19.501,19.531\n",
        &[],
    );
    assert_eq!(silver["margin"]["balance"], 1_700);
    assert_eq!(silver["stops"][0]["stop"], 19.528);
}

#[test]
fn rows_out_of_order_are_told_at_their_own_time() {
    let mut rows = String::new();
    for (step, ms) in [1_000, 5_000, 3_000, 3_000, 61_000, 59_000, 62_000]
        .into_iter()
        .enumerate()
    {
        rows += &format!("{ms},1.3900{step},1.3901{step}\n");
    }
    let facts = facts_of("oanda_EURUSD_20140612_tick.csv", &rows, &[]);
    assert_eq!(facts["minutes_with_ticks"], 2);
    assert_eq!(facts["busiest_minute"], serde_json::json!(["00:00", 5]));
    let second = serde_json::json!(["00:00:03", 2]);
    assert_eq!(facts["busiest_second"], second);
    let change = serde_json::json!(["00:01", "0.0007%"]);
    assert_eq!(facts["biggest_minute_close_to_close"], change);

    let rows = "10000,1.39000,1.39010\n4000,1.38000,1.38010\n";
    let facts = facts_of("oanda_EURUSD_20140612_tick.csv", rows, &[]);
    assert_eq!(facts["rolling_60s"][0]["alerts"][0][0], "00:00:04.000");
    assert_eq!(facts["stops"][0]["trigger_at"], "00:00:04.000");
}

#[test]
fn a_threshold_given_twice_has_the_same_alerts_twice() {
    let rows = "1000,1.39000,1.39010\n2000,1.38000,1.38010\n";
    let options = ["--thresholds", "0.001,0.001"];
    let facts = facts_of("oanda_EURUSD_20140606_tick.csv", rows, &options);
    let moves = &facts["rolling_60s"];
    assert_eq!(moves[0]["alerts_with_300s_cooldown"], 1);
    assert_eq!(moves[0], moves[1]);
}

#[test]
fn bars_at_or_below_zero_are_not_the_widest_and_upside_down_ones_are_bad() {
    let dir = tempfile::tempdir().expect("a folder");
    let head = "timestamp,open,high,low,close,volume\n";
    let bars = "2020-04-20 18:00:00,-10,-5,-12,-8,1\n2020-04-20 18:01:00,10,15,10,12,1\n";
    let path = written(dir.path(), "nymex_WTI_1m.csv", &format!("{head}{bars}"));
    let (code, said, fault) = played(&path, &[]);
    assert_eq!((code, &said["rows"]), (Some(0), &Value::from(2)), "{fault}");
    let widest = serde_json::json!(["2020-04-20 18:01", "50.000%", 10.0, 15.0]);
    assert_eq!(said["largest_range"], widest);
    let bad = "2020-04-20 18:02:00,10,9,11,10,1\n";
    let path = written(
        dir.path(),
        "nymex_WTI_1m.csv",
        &format!("{head}\n{bars}{bad}"),
    );
    let (code, said, fault) = played(&path, &[]);
    assert_eq!((code, &said["rows"]), (Some(5), &Value::from(3)), "{fault}");
    assert!(fault.contains("line 5 (row 3): column 3"), "{fault}");
    assert_eq!(said["largest_range"], widest);
}

#[test]
fn ticks_at_or_below_zero_have_no_range() {
    let rows = "1000,1.39000,1.39010\n2000,-0.00020,-0.00010\n";
    let facts = facts_of("oanda_EURUSD_20140711_tick.csv", rows, &[]);
    assert!(facts["biggest_minute_range"].is_null(), "{facts}");
    assert_eq!(facts["rows"], 2);
}

#[test]
fn a_recording_without_a_row_is_told_with_its_bad_ones() {
    let tick = "truefx_EURUSD_20140703_tick.csv";
    let bar = "fxcm_EURUSD_m1_bid_201303.csv";
    for (name, head) in [
        (tick, "timestamp,bid,ask\n"),
        (bar, "timestamp,open,high,low,close\n"),
    ] {
        let (code, fault) = refused(name, head, &[]);
        assert_eq!(code, Some(1), "{name}: {fault}");
        assert!(fault.contains("has no rows"), "{name}: {fault}");
        let (code, fault) = refused(name, &format!("{head}\nwhen,1,2\n"), &[]);
        assert_eq!(code, Some(1), "{name}: {fault}");
        assert!(fault.contains("line 3 (row 1): "), "{name}: {fault}");
        let why = "no row that can be read";
        assert!(fault.contains(why), "{name}: {fault}");
    }
}

#[test]
fn a_quote_that_no_price_can_be_made_of_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows = "1000,1.39000,1.39010\n2000,92233720368547.75807,-92233720368547.75807\n";
    let path = written(dir.path(), "oanda_EURUSD_20140709_tick.csv", rows);
    let (code, facts, fault) = played(&path, &["--facts"]);
    assert_eq!(code, Some(5), "{fault}");
    assert_eq!(facts["rows"], 1);
    assert!(fault.contains("line 2 (row 2): column 2"), "{fault}");
    assert!(fault.contains("correct or delete"), "what to do: {fault}");
}

#[test]
fn options_that_no_replay_has_are_wrong_use() {
    let rows = "1000,1.39000,1.39010\n2000,1.39001,1.39011\n";
    for (option, value) in [
        ("--units", "0"),
        ("--units", "2000000000"),
        ("--leverage", "0"),
        ("--stop-long", "0.0000000001"),
        ("--thresholds", "0.0000000000001"),
    ] {
        let options = [option, value];
        let (code, fault) = refused("oanda_EURUSD_20140606_tick.csv", rows, &options);
        assert_eq!(code, Some(2), "{options:?}: {fault}");
        assert!(fault.contains(option), "{options:?}: {fault}");
    }
}

#[test]
fn a_position_may_ask_for_all_the_money_that_an_account_may_have() {
    let name = "oanda_XAUUSD_20140606_tick.csv";
    let rows = "1000,1300.00,1300.50\n2000,1300.10,1300.60\n";
    let facts = facts_of(name, rows, &["--units", "100000000"]);
    assert_eq!(facts["margin"]["margin_call_100"][1], "row 1", "{facts}");
    for options in [
        &["--units", "1000000000"][..],
        &["--units", "100000000", "--leverage", "1"],
    ] {
        let (code, fault) = refused(name, rows, options);
        assert_eq!(code, Some(2), "{options:?}: {fault}");
        assert!(fault.contains("--units, --leverage"), "{fault}");
    }
}
