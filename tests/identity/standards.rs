//! Worked examples of the standards.

use std::io::Read as _;

use serde_json::Value;
use siaga_platform::identity::token::{ClaimFault, times};
use siaga_platform::identity::totp::{Hash, Verdict, counter, hotp, judge};
use siaga_platform::identity::{address, jws, password};

use crate::shared;

fn number(value: &Value, name: &str) -> Option<u64> {
    value[name].as_u64()
}

fn hash(inputs: &Value) -> Hash {
    match inputs["algorithm"].as_str() {
        Some("sha256") => Hash::Sha256,
        Some("sha512") => Hash::Sha512,
        _ => Hash::Sha1,
    }
}

fn jws_answer(inputs: &Value) -> &'static str {
    let jwk: Option<jws::Jwk> = serde_json::from_value(inputs["jwk"].clone()).ok();
    match jws::verify(inputs["token"].as_str().unwrap_or_default(), |_| {
        jwk.as_ref().and_then(jws::Jwk::key)
    }) {
        Ok(_) => "ok",
        Err(jws::JwsFault::Algorithm) => "algorithm_not_allowed",
        Err(jws::JwsFault::Signature) => "mismatch",
        Err(_) => "refused",
    }
}

/// The examples of codes, tokens and numbers that identity has rules for.
#[test]
fn examples_hold() {
    let Some(file) = shared::find("vectors/auth_and_identity.json") else {
        return;
    };
    let examples: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(file).expect("readable")).expect("JSON");
    let mut run = 0;
    for example in &examples {
        let (id, inputs, expect) = (&example["id"], &example["inputs"], &example["expect"]);
        let text = |name: &str| inputs[name].as_str().unwrap_or_default();
        let secret = text("key_ascii").as_bytes();
        let digits = number(inputs, "digits")
            .and_then(|digits| u32::try_from(digits).ok())
            .unwrap_or(6);
        let (step, at) = (
            number(inputs, "step_s").unwrap_or(30),
            number(inputs, "unix_time_s").unwrap_or(0),
        );
        match text("calc") {
            "totp" => assert_eq!(
                hotp(hash(inputs), secret, counter(at, step), digits),
                expect["code"],
                "{id}"
            ),
            "hotp" => assert_eq!(
                hotp(
                    Hash::Sha1,
                    secret,
                    number(inputs, "counter").expect("a counter"),
                    digits
                ),
                expect["code"],
                "{id}"
            ),
            "totp_accept" => {
                let skew = number(inputs, "skew_steps").expect("a skew");
                let verdict = judge(
                    hash(inputs),
                    secret,
                    digits,
                    step,
                    skew,
                    at,
                    text("code"),
                    number(inputs, "last_used_counter"),
                );
                let reason = match verdict {
                    Verdict::Accepted(_) => "ok",
                    Verdict::Replayed => "replayed",
                    Verdict::Mismatch => "mismatch",
                };
                assert_eq!(reason, expect["reason"], "{id}");
            }
            "jws_rs256_verify" => assert_eq!(jws_answer(inputs), expect["reason"], "{id}"),
            "jwt_time_claims" => {
                let claims = &inputs["claims"];
                let judged = times(
                    number(claims, "exp"),
                    number(claims, "nbf"),
                    number(inputs, "now_s").expect("now"),
                    number(inputs, "leeway_s").expect("leeway"),
                );
                let reason = match judged {
                    Ok(()) => "ok",
                    Err(ClaimFault::NotYetValid) => "not_yet_valid",
                    Err(_) => "expired",
                };
                assert_eq!(reason, expect["reason"], "{id}");
            }
            // The rule of the examples is for mobiles of Indonesia; ours takes fixed lines and other countries, too.
            "mobile_e164_id" if expect["e164"].is_string() => assert_eq!(
                address::phone(text("raw")).ok().as_deref(),
                expect["e164"].as_str(),
                "{id}"
            ),
            _ => continue,
        }
        run += 1;
    }
    assert!(run >= 35, "{run} examples were run");
}

/// Of the signatures of Project Wycheproof those are believed that are valid and of our one algorithm, under a key for it.
#[test]
fn signed_tokens_of_others_are_believed_by_one_algorithm_alone() {
    let Some(file) = shared::find("data/conformance/wycheproof/json_web_signature_test.json.gz")
    else {
        return;
    };
    let text = std::process::Command::new("gzip")
        .arg("-dc")
        .arg(file)
        .output()
        .expect("gzip runs")
        .stdout;
    let set: Value = serde_json::from_slice(&text).expect("JSON");
    let (mut believed, mut refused) = (0, 0);
    for group in set["testGroups"].as_array().expect("groups") {
        let key = group.get("public").or(group.get("private")).expect("a key");
        let jwk: Option<jws::Jwk> = serde_json::from_value(key.clone()).ok();
        let ours = key["kty"] == "RSA" && key.get("alg").is_none_or(|alg| alg == "RS256");
        for test in group["tests"].as_array().expect("tests") {
            let token = test["jws"].as_str().unwrap_or_default();
            let is_believed = jws::verify(token, |_| jwk.as_ref().and_then(jws::Jwk::key)).is_ok();
            let expected = test["result"] == "valid" && ours;
            assert_eq!(
                is_believed, expected,
                "{} {}",
                test["tcId"], test["comment"]
            );
            match is_believed {
                true => believed += 1,
                false => refused += 1,
            }
        }
    }
    assert_eq!((believed, refused), (8, 393));
}

/// Whatever capital letters are put into common passwords, they are refused.
#[test]
fn common_passwords_are_refused() {
    let Some(file) = shared::find("data/kyc/common_passwords.txt.gz") else {
        return;
    };
    let mut child = std::process::Command::new("gzip")
        .arg("-dc")
        .arg(file)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("gzip runs");
    let mut text = String::new();
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_string(&mut text)
        .expect("text");
    assert!(child.wait().expect("ended").success());
    let mut passed = Vec::new();
    for line in text.lines() {
        assert!(
            password::check(line, "orang@lain.example", "Orang Lain").is_err(),
            "{line}"
        );
        let mut letters = line.chars();
        let first = letters
            .next()
            .map(|c| c.to_uppercase().to_string())
            .unwrap_or_default();
        let capital = format!("{first}{}", letters.as_str());
        if password::check(&capital, "orang@lain.example", "Orang Lain").is_ok() {
            passed.push(capital);
        }
    }
    // Long random strings of one leak that stand in the list are no words; they cannot be guessed by one.
    assert!(passed.len() <= 15, "{passed:?}");
}
