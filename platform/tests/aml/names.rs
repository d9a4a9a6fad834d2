//! Scores of names against what was published and labelled elsewhere.

use serde_json::Value;
use siaga_platform::aml::names::graded::{POSSIBLE, Plain, WHOLE};
use siaga_platform::aml::names::list_search::Words;
use siaga_platform::aml::names::{Folded, Kind, grade, list_search, soundex};

use crate::shared::find;

#[test]
fn the_worked_examples_come_out() {
    let Some(path) = find("vectors/auth_and_identity.json") else {
        return;
    };
    let vectors: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("vectors")).expect("JSON");
    let (mut codes, mut scores) = (0, 0);
    for vector in vectors.as_array().expect("a list") {
        let (inputs, expect) = (&vector["inputs"], &vector["expect"]);
        let text = |name: &str| inputs[name].as_str().unwrap_or_default();
        match text("calc") {
            "soundex" => {
                assert_eq!(
                    soundex(text("name")),
                    expect["code"].as_str().expect("a code"),
                    "{}",
                    vector["id"]
                );
                codes += 1;
            }
            "list_search_name_score" => {
                let found = list_search(&Words::of(text("query")), &Words::of(text("candidate")));
                let number = |name: &str| {
                    expect[name]
                        .as_str()
                        .and_then(|text| text.parse::<u8>().ok())
                        .expect("a number")
                };
                assert!(
                    found.abs_diff(number("score")) <= number("tolerance"),
                    "{}: {found}",
                    vector["id"]
                );
                scores += 1;
            }
            _ => {}
        }
    }
    assert!(codes >= 4 && scores >= 6, "{codes} codes, {scores} scores");
}

/// F1 of the graded score on the labelled pairs, per mille, and pairs at the top.
#[test]
fn labelled_pairs_are_told_apart() {
    let Some(path) = find("data/kyc/name_pairs.csv") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("pairs");
    let records = siaga_platform::aml::lists::csv::records(&text).expect("CSV");
    let (mut hits, mut wrong, mut missed, mut whole, mut plain_whole) = (0u32, 0u32, 0u32, 0, 0);
    for record in records.iter().skip(1) {
        let kind = match record[1].as_str() {
            "Person" => Kind::Person,
            "Vessel" => Kind::Vessel,
            _ => Kind::Entity,
        };
        let found = grade(
            &Folded::of(&record[2], kind),
            &Folded::of(&record[3], kind),
            kind,
            &Plain,
        );
        match (found.score >= POSSIBLE, record[4] == "true") {
            (true, true) => hits += 1,
            (true, false) => wrong += 1,
            (false, true) => missed += 1,
            (false, false) => {}
        }
        whole += u32::from(found.score == WHOLE);
        plain_whole +=
            u32::from(list_search(&Words::of(&record[2]), &Words::of(&record[3])) == 100);
    }
    let f1 = 2_000 * hits / (2 * hits + wrong + missed);
    println!(
        "F1 {f1} per mille; {whole} of the pairs at the top, {plain_whole} with the plain score"
    );
    assert!(
        f1 >= 774,
        "F1 {f1} per mille: {hits} found, {wrong} wrong, {missed} missed"
    );
    assert!(
        whole < plain_whole,
        "{whole} at the top, {plain_whole} with the plain score"
    );
}
