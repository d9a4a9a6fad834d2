//! `siaga vectors`: what it counts and shows, and the code it ends with.

use std::path::Path;

use serde_json::{Value, json};

use crate::desk::command;

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
            example("gate.elsewhere", "auth_and_identity", true),
        ]),
    );
    let wrong = file(
        "wrong.json",
        json!([example("gate.wrong", "pretrade", true)]),
    );
    let (code, text) = run(dir.path(), &["--json", "vectors", &right]);
    let report: Value = serde_json::from_str(&text).expect("one object");
    assert_eq!(
        report,
        json!({ "passed": 1, "failed": 0, "skipped": 1, "failures": [] })
    );
    assert_eq!(code, Some(0));

    let (code, text) = run(dir.path(), &["--json", "vectors", &right, &wrong]);
    let report: Value = serde_json::from_str(&text).expect("one object");
    assert_eq!(code, Some(1), "{report}");
    let sums = ["passed", "failed", "skipped"].map(|sum| report[sum].as_u64());
    assert_eq!(sums, [Some(1), Some(1), Some(1)], "{report}");
    let failure = &report["failures"][0];
    assert_eq!(failure["id"], "gate.wrong");
    assert_eq!(failure["expected"], json!({ "allowed": true }));
    assert_eq!(failure["got"]["allowed"], false, "{failure}");
    assert_eq!(report["failures"].as_array().map(Vec::len), Some(1));

    let (code, text) = run(dir.path(), &["vectors", &wrong]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("gate.wrong\n"), "{text}");
    assert!(text.ends_with("0 passed, 1 failed, 0 skipped\n"), "{text}");
}
