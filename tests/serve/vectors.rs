//! `siaga vectors`: what it counts and shows, and the code it ends with.

use std::path::Path;

use serde_json::{Value, json};

use crate::desk::command;
use crate::shared;

/// Every family of published examples.
const FAMILIES: [&str; 13] = [
    "auth_and_identity",
    "circuit_breakers",
    "feed_failover",
    "margin_basic",
    "margin_crypto",
    "margin_hedged",
    "margin_in_flight",
    "margin_tiered",
    "pretrade",
    "quote_filter",
    "stop_out",
    "swaps",
    "volatility",
];

/// An order for twice what is free, and whether it is said to be allowed.
fn example(id: &str, family: &str, allowed: bool) -> Value {
    json!({
        "id": id,
        "family": family,
        "rule": "What increases is covered by what is free.",
        "inputs": {
            "calc": "open_order_gate", "position_lots_signed": "0", "order_side": "buy", "order_lots": "1",
            "free_margin": "500", "margin_required": "1000",
        },
        "expect": { "allowed": allowed },
    })
}

/// A code of an app with zeros in front, and what is said to be it.
fn code(id: &str, code: &str) -> Value {
    json!({
        "id": id,
        "family": "auth_and_identity",
        "rule": "Zeros in front are kept.",
        "inputs": {
            "calc": "totp", "key_ascii": "12345678901234567890", "algorithm": "sha1", "digits": 8, "step_s": 30,
            "unix_time_s": 1_111_111_109,
        },
        "expect": { "time_counter_hex": "00000000023523EC", "code": code },
    })
}

fn run(data: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = command(data).args(args).output();
    let output = output.expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), text)
}

#[test]
fn a_failing_example_is_shown_and_ends_with_code_1() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str, examples: Value| {
        let path = dir.path().join(name);
        std::fs::write(&path, examples.to_string()).expect("written");
        path.display().to_string()
    };
    let right = file(
        "right.json",
        json!([
            example("gate.right", "pretrade", false),
            code("code.right", "07081804"),
        ]),
    );
    let wrong = file(
        "wrong.json",
        json!([
            example("gate.wrong", "pretrade", true),
            code("code.wrong", "7081804"),
        ]),
    );
    let (code, text) = run(dir.path(), &["--json", "vectors", &right]);
    let report: Value = serde_json::from_str(&text).expect("one object");
    assert_eq!(
        report,
        json!({ "passed": 2, "failed": 0, "skipped": 0, "failures": [] })
    );
    assert_eq!(code, Some(0));

    let (code, text) = run(dir.path(), &["--json", "vectors", &right, &wrong]);
    let report: Value = serde_json::from_str(&text).expect("one object");
    assert_eq!(code, Some(1), "{report}");
    let sums = ["passed", "failed", "skipped"].map(|sum| report[sum].as_u64());
    assert_eq!(sums, [Some(2), Some(2), Some(0)], "{report}");
    let failure = &report["failures"][0];
    assert_eq!(failure["id"], "gate.wrong");
    assert_eq!(failure["expected"], json!({ "allowed": true }));
    assert_eq!(failure["got"]["allowed"], false, "{failure}");
    let failure = &report["failures"][1];
    assert_eq!(failure["id"], "code.wrong");
    assert_eq!(failure["expected"]["code"], "7081804");
    assert_eq!(failure["got"]["code"], "07081804");
    assert_eq!(report["failures"].as_array().map(Vec::len), Some(2));

    let (code, text) = run(dir.path(), &["vectors", &wrong]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("gate.wrong\n"), "{text}");
    assert!(text.ends_with("0 passed, 2 failed, 0 skipped\n"), "{text}");
}

#[test]
fn every_published_family_passes_and_none_is_skipped() {
    let dir = tempfile::tempdir().expect("a folder");
    for family in FAMILIES {
        let Some(path) = shared::find(&format!("vectors/{family}.json")) else {
            return;
        };
        let text = std::fs::read_to_string(&path).expect("readable");
        let examples: Vec<Value> = serde_json::from_str(&text).expect("a list");
        let path = path.display().to_string();
        let (code, text) = run(dir.path(), &["--json", "vectors", &path]);
        let report: Value = serde_json::from_str(&text).expect("one object");
        let all = json!({ "passed": examples.len(), "failed": 0, "skipped": 0, "failures": [] });
        assert_eq!(report, all, "{family}");
        assert_eq!(code, Some(0), "{family}");
    }
}
