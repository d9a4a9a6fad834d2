//! Every published example of the machine's rules, family by family. A family's test fails with what was expected and what
//! came.

#[path = "../../tests/support/shared.rs"]
mod shared;

fn family(name: &str) {
    let Some(path) = shared::find(&format!("vectors/{name}.json")) else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("a readable file");
    let report = siaga_vectors::run(&text, |_| None).expect("an array of examples");
    let run = report.passed + report.failed;
    assert!(run > 0, "{name} has examples");
    let failures: Vec<String> = report
        .failures
        .iter()
        .map(|failure| {
            format!(
                "{}\n  expected {}\n  got      {}",
                failure.id, failure.expected, failure.got
            )
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {run} fail:\n{}",
        report.failed,
        failures.join("\n")
    );
}

macro_rules! families {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            family(stringify!($name));
        })*
    };
}

families! {
    circuit_breakers
    feed_failover
    margin_basic
    margin_hedged
    margin_in_flight
    margin_tiered
    pretrade
    quote_filter
    margin_crypto
    stop_out
    swaps
    volatility
}
