//! Published examples of these checks, from the folder of recordings. It is not part of the repository.

#[path = "../../../../tests/support/shared.rs"]
#[allow(dead_code)] // these tests need the files alone
mod shared;

use serde_json::Value;

use super::kit::answer;
use super::nik::{self, Sex};
use super::{mrz, repair_mrz};
use crate::address;

fn text_of(path: &str) -> Option<String> {
    let path = shared::find(path)?;
    Some(std::fs::read_to_string(path).expect("a readable file"))
}

/// What is expected is there; more may be.
fn holds(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => expected
            .iter()
            .all(|(name, value)| got.get(name).is_some_and(|got| holds(value, got))),
        (expected, got) => expected == got,
    }
}

#[test]
fn every_published_example_of_identity_documents_holds() {
    let Some(text) = text_of("vectors/auth_and_identity.json") else {
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let mut run = 0;
    for vector in &vectors {
        let calc = vector["inputs"]["calc"].as_str().expect("a rule");
        let Some(got) = answer(calc, &vector["inputs"]) else {
            let ours = ["mrz_", "nik_", "npwp_", "mobile_"]
                .iter()
                .any(|prefix| calc.starts_with(prefix));
            assert!(!ours, "no rule {calc}");
            continue;
        };
        let got = got.unwrap_or_else(|fault| panic!("{}: {fault}", vector["id"]));
        assert!(
            holds(&vector["expect"], &got),
            "{}: expected {}, got {got}",
            vector["id"],
            vector["expect"]
        );
        run += 1;
    }
    assert!(run >= 34, "{run} examples");
}

/// What people type goes through [`address::phone`]: it gives each example's number, or, where the example is of no mobile number, none of a
/// mobile of ours.
#[test]
fn every_published_example_of_a_number_holds_where_people_type_theirs() {
    let Some(text) = text_of("vectors/auth_and_identity.json") else {
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let mut run = 0;
    for vector in &vectors {
        let inputs = &vector["inputs"];
        if inputs["calc"] != "mobile_e164_id" {
            continue;
        }
        let raw = inputs["raw"].as_str().expect("a number");
        let typed = address::phone(raw).ok();
        match vector["expect"]["e164"].as_str() {
            Some(expected) => assert_eq!(typed.as_deref(), Some(expected), "{raw}"),
            None => assert!(
                !typed.is_some_and(|number| number.starts_with("+628")),
                "{raw}"
            ),
        }
        run += 1;
    }
    assert!(run >= 8, "{run} examples");
}

#[test]
fn numbers_of_real_cards_are_read() {
    let Some(text) = text_of("data/kyc/nik_cases.jsonl") else {
        return;
    };
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let number = case["nik"].as_str().expect("a number");
        let read = nik::parse(number, &nik::PROVINCES, 2026);
        assert_eq!(
            read.is_ok(),
            case["valid"].as_bool().expect("a verdict"),
            "{number}"
        );
        let Ok(read) = read else { continue };
        let facts = &case["facts"];
        let plain = |name: &str| {
            facts[name]
                .as_str()
                .map(|text| text.replace('.', ""))
                .unwrap_or_default()
        };
        assert_eq!(read.province, plain("province"));
        assert_eq!(read.regency, plain("regency"));
        assert_eq!(read.district, plain("district"));
        assert_eq!(read.sex.name(), plain("gender"));
        assert_eq!(read.birth_date.to_string(), plain("birth"));
        assert_eq!(read.serial, plain("serial"));
    }
}

/// Every province of the published list is known, and no other.
#[test]
fn the_provinces_are_those_of_the_published_list() {
    let Some(text) = text_of("data/kyc/idn_area/provinces.csv") else {
        return;
    };
    let codes: Vec<&str> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .filter(|code| !code.is_empty())
        .collect();
    assert_eq!(codes, nik::PROVINCES);
}

#[test]
fn zones_of_published_documents_are_read() {
    let Some(text) = text_of("data/kyc/mrz_cases.jsonl") else {
        return;
    };
    let (mut valid, mut invalid) = (0, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let name = case["test"].as_str().expect("a name");
        let lines: Vec<String> = serde_json::from_value(case["mrz"].clone()).expect("lines");
        let repaired = case["opts"]["autocorrect"].as_bool().unwrap_or(false);
        let lines = if repaired { repair_mrz(&lines) } else { lines };
        let read = mrz::read(&lines);
        let expectations = case["expect"].as_array().expect("a list");
        if expectations.iter().any(|e| e["matcher"] == "toThrow") {
            assert!(read.is_err(), "{name}");
            invalid += 1;
            continue;
        }
        let read = read.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        for expectation in expectations {
            let value = &expectation["value"];
            match expectation["path"].as_str() {
                Some("") => {
                    let expected = value["valid"].as_bool().expect("a verdict");
                    assert_eq!(read.is_valid(), expected, "{name}: {read:?}");
                    if expected { valid += 1 } else { invalid += 1 }
                }
                Some("fields") if value.is_object() => fields(name, &read, value),
                _ => {}
            }
        }
        if repaired {
            assert!(read.is_valid(), "{name}: {read:?}");
        }
    }
    assert_eq!((valid, invalid), (7, 6));
}

fn fields(name: &str, read: &mrz::Mrz, expected: &Value) {
    let sex = read.sex.map(Sex::name);
    let french = read.form == mrz::Form::French;
    let pairs = [
        ("documentCode", Some(read.document_code.as_str())),
        ("lastName", Some(read.surname.as_str())),
        ("firstName", Some(read.given_names.as_str())),
        // The French card's number stands behind the month and the office, which are fields of their own there.
        (
            "documentNumber",
            if french {
                read.document_number.get(7..)
            } else {
                Some(read.document_number.as_str())
            },
        ),
        (
            "documentNumberCheckDigit",
            Some(read.document_number_check.as_str()),
        ),
        ("birthDate", Some(read.birth_date.as_str())),
        ("expirationDate", Some(read.expiry_date.as_str())),
        ("sex", sex),
        ("nationality", Some(read.nationality.as_str())),
        ("issuingState", Some(read.issuing_state.as_str())),
        ("optional1", Some(read.optional.as_str())),
        ("optional2", Some(read.optional2.as_str())),
        ("personalNumber", Some(read.optional.as_str())),
        ("administrativeCode", Some(read.optional.as_str())),
    ];
    for (field, got) in pairs {
        // Where the example has no value the field is wrong, which the verdict says.
        if let Some(expected) = expected[field].as_str() {
            assert_eq!(got, Some(expected), "{name}: {field}");
        }
    }
}
