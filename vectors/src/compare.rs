//! Whether an answer has what an example expects: numbers as exact decimals (or within the stated tolerance), text,
//! booleans and order exactly, every expected field present.

use rust_decimal::Decimal;
use serde_json::Value;

/// What a text of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Text {
    /// A number, where it reads as one.
    Decimal,
    /// Itself.
    Plain,
}

/// Where the answer differs first, as a path; `None` when everything expected holds.
pub fn difference(expect: &Value, got: &Value) -> Option<String> {
    found(expect, got, Text::Decimal)
}

/// The same for answers whose texts are no numbers: the zeros in front of a code are part of it. Numbers of such answers
/// are numbers of JSON.
pub fn difference_of_text(expect: &Value, got: &Value) -> Option<String> {
    found(expect, got, Text::Plain)
}

fn found(expect: &Value, got: &Value, text: Text) -> Option<String> {
    let tolerance = expect
        .get("tolerance")
        .and_then(number)
        .unwrap_or(Decimal::ZERO);
    differs(expect, got, (tolerance, text), "")
}

fn differs(expect: &Value, got: &Value, by: (Decimal, Text), path: &str) -> Option<String> {
    match (expect, got) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .filter(|(key, _)| !(path.is_empty() && *key == "tolerance"))
            .find_map(|(key, value)| {
                let path = format!("{path}/{key}");
                match found.get(key) {
                    Some(found) => differs(value, found, by, &path),
                    None => Some(path),
                }
            }),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(at, (value, found))| differs(value, found, by, &format!("{path}/{at}"))),
        _ => (!same(expect, got, by)).then(|| path.to_owned()),
    }
}

fn same(expect: &Value, got: &Value, (tolerance, text): (Decimal, Text)) -> bool {
    if text == Text::Plain && got.is_string() {
        return expect == got;
    }
    match (number(expect), number(got)) {
        (Some(wanted), Some(found)) => (wanted - found).abs() <= tolerance,
        _ => expect == got,
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => Decimal::from_str_exact(text).ok(),
        Value::Number(number) => Decimal::from_str_exact(&number.to_string()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_by_value_and_text_as_it_is() {
        let expect = json!({ "margin": "1279", "state": "OK", "list": ["1.50"] });
        let same = json!({ "margin": "1279.00", "state": "OK", "list": ["1.5"], "more": true });
        assert_eq!(difference(&expect, &same), None);
        let other = json!({ "margin": "1279.01", "state": "OK", "list": ["1.5"] });
        assert_eq!(difference(&expect, &other).as_deref(), Some("/margin"));
        let text = json!({ "margin": "1279", "state": "ok", "list": ["1.5"] });
        assert_eq!(difference(&expect, &text).as_deref(), Some("/state"));
        assert_eq!(
            difference(&expect, &json!({ "margin": "1279" })).as_deref(),
            Some("/list")
        );
    }

    #[test]
    fn a_tolerance_holds_for_every_number_and_no_further() {
        let expect = json!({ "sigma": "0.5", "tolerance": "0.01" });
        assert_eq!(difference(&expect, &json!({ "sigma": "0.51" })), None);
        assert!(difference(&expect, &json!({ "sigma": "0.5101" })).is_some());
    }

    #[test]
    fn plain_text_keeps_its_zeros() {
        let expect = json!({ "code": "081804", "score": "90", "tolerance": "5" });
        let got = |code: &str, score: u8| json!({ "code": code, "score": score });
        assert_eq!(difference_of_text(&expect, &got("081804", 95)), None);
        let differs = |code, score| difference_of_text(&expect, &got(code, score));
        assert_eq!(differs("81804", 90).as_deref(), Some("/code"));
        assert_eq!(differs("081804", 96).as_deref(), Some("/score"));
        let one = json!({ "code": "081804" });
        assert_eq!(difference(&one, &json!({ "code": "81804" })), None);
    }

    #[test]
    fn lists_differ_in_length_and_order() {
        assert!(difference(&json!(["a", "b"]), &json!(["b", "a"])).is_some());
        assert!(difference(&json!(["a"]), &json!(["a", "b"])).is_some());
        assert!(difference(&json!(null), &json!("0")).is_some());
    }
}
