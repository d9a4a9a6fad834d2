//! The table against the text a trader can read.

use super::*;
use std::collections::BTreeSet;

const TEXT: &str = include_str!("../tests/table.txt");

fn lower(value: impl std::fmt::Debug) -> String {
    let mut words = String::new();
    for (at, letter) in format!("{value:?}").chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// Every state of the product a line must be typed for.
fn states() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut add = |field: &str, names: Vec<String>| {
        all.extend(names.into_iter().map(|name| format!("{field} {name}")));
    };
    add("feed", FeedState::ALL.iter().map(lower).collect());
    add("mode", TradingMode::ALL.iter().map(lower).collect());
    add("kill", Kill::ALL.iter().map(lower).collect());
    add("margin", MarginState::ALL.iter().map(lower).collect());
    add("link", LinkMode::ALL.iter().map(lower).collect());
    add("held_by", HeldBy::ALL.iter().map(lower).collect());
    add("journal", JournalState::ALL.iter().map(lower).collect());
    for flag in [
        "trade_delayed",
        "broker_session_open",
        "halted",
        "leveraged",
        "not leveraged",
        "allow_reducing",
        "not allow_reducing",
        "increases",
        "not increases",
        "unacknowledged",
        "throttled",
        "review",
        "working_at_broker",
        "not working_at_broker",
    ] {
        all.insert(flag.to_string());
    }
    all
}

fn find<T: Copy + std::fmt::Debug>(all: &[T], name: &str) -> T {
    let found = all.iter().find(|known| lower(known) == name);
    *found.unwrap_or_else(|| panic!("no state called {name}"))
}

/// All fields by name: a new one does not compile until it is set here, and then `states` must list it.
fn set(on: &mut Conditions, words: &str) {
    let Conditions {
        journal,
        feed,
        trade_delayed,
        broker_session_open,
        halted,
        leveraged,
        mode,
        increases,
        allow_reducing,
        kill,
        margin,
        unacknowledged,
        throttled,
        review,
        link,
        working_at_broker,
        held_by,
    } = on;
    let (yes, flag) = words
        .strip_prefix("not ")
        .map_or((true, words), |flag| (false, flag));
    match flag.split_once(' ') {
        Some(("feed", name)) => *feed = find(FeedState::ALL, name),
        Some(("mode", name)) => *mode = find(TradingMode::ALL, name),
        Some(("kill", name)) => *kill = find(Kill::ALL, name),
        Some(("margin", name)) => *margin = find(MarginState::ALL, name),
        Some(("link", name)) => *link = find(LinkMode::ALL, name),
        Some(("held_by", name)) => *held_by = find(HeldBy::ALL, name),
        Some(("journal", name)) => *journal = find(JournalState::ALL, name),
        _ => match flag {
            "all well" => {}
            "trade_delayed" => *trade_delayed = yes,
            "broker_session_open" => *broker_session_open = yes,
            "halted" => *halted = yes,
            "leveraged" => *leveraged = yes,
            "allow_reducing" => *allow_reducing = yes,
            "increases" => *increases = yes,
            "unacknowledged" => *unacknowledged = yes,
            "throttled" => *throttled = yes,
            "review" => *review = yes,
            "working_at_broker" => *working_at_broker = yes,
            other => panic!("no condition called {other}"),
        },
    }
}

fn answer(action: Action, on: &Conditions) -> String {
    let (outcome, reasons) = decide(action, on);
    let names: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
    format!("{} {}", lower(outcome), names.join(", "))
        .trim()
        .to_string()
}

#[test]
fn the_table_is_the_text() {
    let mut named = BTreeSet::new();
    let lines = TEXT
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in lines {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 1 + Action::ALL.len(), "{line}");
        let mut on = Conditions::WELL;
        for words in cells[0].split(", ") {
            set(&mut on, words);
            named.insert(words.to_string());
        }
        for (action, expected) in Action::ALL.iter().zip(&cells[1..]) {
            assert_eq!(answer(*action, &on), *expected, "{action:?}: {}", cells[0]);
        }
    }
    named.remove("all well");
    assert_eq!(
        named,
        states(),
        "states the text names, and states there are"
    );
}
