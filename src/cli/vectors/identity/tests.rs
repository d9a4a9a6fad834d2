//! Examples that hold, that are changed, and that cannot be read.

#[path = "../../../../tests/support/shared.rs"]
#[allow(dead_code)] // these tests need the files alone
mod shared;

use serde_json::{Value, json};
use siaga_vectors::Report;

/// The token of RFC 7515, appendix A.1, and its secret.
const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
/// A token that says RS256.
const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.e30.AAAA";

fn vector(inputs: Value, expect: Value) -> Value {
    json!({ "id": "own", "family": "auth_and_identity", "rule": "", "inputs": inputs, "expect": expect })
}

fn run(vectors: &[Value]) -> Report {
    let text = Value::from(vectors.to_vec()).to_string();
    siaga_vectors::run(&text, super::find).expect("examples")
}

/// The published examples; none when the folder of recordings is not there.
fn published() -> Vec<Value> {
    let Some(path) = shared::find("vectors/auth_and_identity.json") else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).expect("a readable file");
    serde_json::from_str(&text).expect("a list")
}

/// Edges of rules whose middle is published.
fn own() -> Vec<Value> {
    let key = "12345678901234567890";
    let keyed = |more: Value| {
        let mut inputs = json!({
            "calc": "hmac_signature", "key_ascii": "Jefe", "payload": "what do ya want for nothing?",
        });
        let fields = inputs.as_object_mut().expect("an object");
        fields.extend(more.as_object().cloned().unwrap_or_default());
        inputs
    };
    let standard = |header: &str, now: u64| {
        json!({
            "calc": "standard_webhook_verify", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "message_id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "timestamp_s": 1_614_265_330, "payload": "{\"test\": 2432232314}",
            "signature_header": header, "now_s": now, "tolerance_s": 300,
        })
    };
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let stamped = |header: &str| {
        json!({
            "calc": "timestamped_signature_verify", "key_ascii": "secret", "scheme": "v1", "header": header,
            "payload": "{}", "now_s": 1_533_204_920, "tolerance_s": 300,
        })
    };
    let tag = "005ea280f19fe5296094dbbee05cf905f55b65e9cdc9680b6b75844183873b1a";
    let public = |token: &str, allowed: &[&str]| {
        json!({
            "calc": "jws_rs256_verify", "token": token, "jwk": { "kty": "RSA", "n": "AQAB", "e": "AQAB" },
            "allowed_algorithms": allowed,
        })
    };
    let shared = |token: &str, allowed: &[&str]| {
        json!({
            "calc": "jws_hs256_verify", "token": token, "key_base64url": SECRET, "allowed_algorithms": allowed,
        })
    };
    let claims = |claims: Value, now: u64| json!({ "calc": "jwt_time_claims", "claims": claims, "now_s": now, "leeway_s": 10 });
    let verdict = |reason: &str| json!({ "valid": reason == "ok", "reason": reason });
    let table = [
        (
            json!({ "calc": "totp", "key_ascii": key, "digits": 8, "unix_time_s": 159, "t0_s": 100 }),
            json!({ "time_counter_hex": "0000000000000001", "code": "94287082" }),
        ),
        (
            json!({ "calc": "hotp", "key_ascii": key, "counter": 0 }),
            json!({ "code": "755224" }),
        ),
        (
            keyed(json!({ "algorithm": "sha1", "prefix": "sha1=" })),
            json!({ "signature": "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" }),
        ),
        (
            keyed(json!({ "algorithm": "sha256", "encoding": "base64" })),
            json!({ "signature": "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=" }),
        ),
        (
            keyed(json!({
                "calc": "hmac_verify", "algorithm": "sha1", "presented": "EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79",
            })),
            json!({ "valid": false }),
        ),
        (
            standard(&format!("v1,AAAA {right}"), 1_614_265_030),
            verdict("ok"),
        ),
        (standard(right, 1_614_265_029), verdict("timestamp")),
        (stamped(&format!("t=1533204620, v1={tag}")), verdict("ok")),
        (
            stamped(&format!("t=1533204620,v0={tag}")),
            verdict("mismatch"),
        ),
        (stamped(&format!("t=,v1={tag}")), verdict("malformed")),
        (
            json!({ "calc": "concat_digest", "algorithm": "sha1", "parts": ["a", "", "bc"] }),
            json!({ "signature": "a9993e364706816aba3e25717850c26c9cd0d89d" }),
        ),
        (
            json!({ "calc": "init_data_hmac", "bot_token": "1:a", "init_data": "auth_date=1" }),
            json!({ "valid": false }),
        ),
        (shared(HS256, &["RS256", "HS256"]), verdict("ok")),
        // A list that allows both opens neither key to the other's algorithm.
        (
            public(HS256, &["RS256", "HS256"]),
            verdict("algorithm_not_allowed"),
        ),
        (
            shared(RS256, &["RS256", "HS256"]),
            verdict("algorithm_not_allowed"),
        ),
        (public(RS256, &["RS256"]), verdict("mismatch")),
        (public(RS256, &["ES256"]), verdict("algorithm_not_allowed")),
        (public("a.b", &["RS256"]), verdict("malformed")),
        (claims(json!({}), 1_000), verdict("ok")),
        (claims(json!({ "exp": 1_000 }), 1_009), verdict("ok")),
        (claims(json!({ "exp": 1_000 }), 1_010), verdict("expired")),
        (claims(json!({ "exp": -1 }), 1_000), verdict("expired")),
        (
            claims(json!({ "exp": 1_000, "nbf": 5_000 }), 1_010),
            verdict("expired"),
        ),
        (
            claims(json!({ "nbf": 1_011 }), 1_000),
            verdict("not_yet_valid"),
        ),
        (
            json!({ "calc": "soundex", "name": "Tymczak" }),
            json!({ "code": "T522" }),
        ),
        (
            json!({ "calc": "list_search_name_score", "query": "UN", "candidate": "Un" }),
            json!({ "score": "96", "tolerance": "5" }),
        ),
        (
            json!({ "calc": "nik_parse", "nik": "3171016902960002" }),
            json!({ "valid": true, "sex": "female", "birth_date": "1996-02-29" }),
        ),
        (
            json!({ "calc": "npwp_check", "npwp": "0016090525017000" }),
            json!({ "valid": false }),
        ),
        (
            json!({ "calc": "mobile_e164_id", "raw": "(0812) 345 678" }),
            json!({ "e164": "+62812345678" }),
        ),
    ];
    table
        .into_iter()
        .map(|(inputs, expect)| vector(inputs, expect))
        .collect()
}

/// What is expected with one value changed, once for every value and way.
fn changed(expect: &Value) -> Vec<Value> {
    match expect {
        Value::Object(fields) => {
            let mut all = Vec::new();
            for (name, value) in fields.iter().filter(|(name, _)| *name != "tolerance") {
                for other in changed(value) {
                    let mut whole = fields.clone();
                    whole.insert(name.clone(), other);
                    all.push(Value::Object(whole));
                }
            }
            all
        }
        Value::Array(items) => {
            let mut all = Vec::new();
            for (at, item) in items.iter().enumerate() {
                for other in changed(item) {
                    let mut whole = items.clone();
                    whole[at] = other;
                    all.push(Value::Array(whole));
                }
            }
            all
        }
        Value::Bool(value) => vec![json!(!value)],
        Value::Number(value) => vec![json!(value.as_i64().expect("a whole number") + 1)],
        Value::String(text) => {
            let mut cut = text.clone();
            cut.pop();
            let mut all = vec![json!(cut), json!(format!("1{text}"))];
            all.extend(text.strip_prefix('0').map(|rest| json!(rest)));
            all
        }
        Value::Null => vec![json!("+62812345678")],
    }
}

#[test]
fn every_example_holds() {
    for (vectors, least) in [(own(), 29), (published(), 0)] {
        let report = run(&vectors);
        assert_eq!(
            (report.failed, report.skipped),
            (0, 0),
            "{:#?}",
            report.failures
        );
        assert_eq!(usize::try_from(report.passed).ok(), Some(vectors.len()));
        assert!(vectors.len() >= least, "{}", vectors.len());
    }
}

#[test]
fn a_changed_expectation_is_seen_wherever_it_is() {
    for vector in own().into_iter().chain(published()) {
        let others = changed(&vector["expect"]);
        assert!(!others.is_empty(), "{vector}");
        for other in others {
            let mut mutant = vector.clone();
            mutant["expect"] = other;
            let report = run(std::slice::from_ref(&mutant));
            assert_eq!((report.passed, report.failed), (0, 1), "{mutant}");
        }
    }
}

/// Whatever stands in a field: the answer is a verdict, or a line that names the field.
#[test]
fn what_cannot_be_read_is_told() {
    let junk = [
        Value::Null,
        json!(""),
        json!("é\u{0}%<"),
        json!("x".repeat(1_000)),
        json!("9".repeat(40)),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(true),
        json!([]),
        json!(["é"]),
        json!([1]),
        json!({}),
    ];
    for vector in own().into_iter().chain(published()) {
        let fields = vector["inputs"].as_object().expect("inputs");
        for name in fields.keys().filter(|name| *name != "calc") {
            for value in &junk {
                let mut other = vector.clone();
                other["inputs"][name.as_str()] = value.clone();
                let report = run(std::slice::from_ref(&other));
                assert_eq!(report.passed + report.failed, 1, "{other}");
                let told = report.failures.first().and_then(|one| one.got.as_str());
                assert!(
                    told.is_none_or(|told| told.contains(name.as_str())),
                    "{other}: {told:?}"
                );
            }
        }
    }
}

#[test]
fn a_missing_field_fails_with_its_name() {
    for (inputs, why) in [
        (json!({ "calc": "totp" }), "field unix_time_s: is missing"),
        (
            json!({ "calc": "concat_digest", "algorithm": "md5", "parts": [] }),
            "field algorithm: md5 is none of sha1, sha256, sha512",
        ),
        (
            json!({ "calc": "jws_rs256_verify", "token": "", "jwk": 1 }),
            "field jwk: is no key: invalid type: integer `1`, expected struct Jwk",
        ),
        (
            json!({ "calc": "totp_accept", "unix_time_s": 1, "skew_steps": 1_001 }),
            "field skew_steps: is more than 1000",
        ),
        (
            json!({ "calc": "standard_webhook_sign", "secret": "whsec_" }),
            "field secret: a secret is base64 of 24 to 64 bytes behind \"whsec_\"",
        ),
        (json!({ "calc": "nik_parse" }), "nik must be text"),
        (
            json!({ "calc": "mrz_td3", "lines": ["<".repeat(30), "<".repeat(30), "<".repeat(30)] }),
            "lines have the form of another document",
        ),
        (json!({ "calc": "jws" }), "no rule is called jws"),
        (json!([]), "field calc: is missing"),
    ] {
        let report = run(&[vector(inputs, json!({ "valid": true }))]);
        assert_eq!(report.failed, 1);
        assert_eq!(report.failures[0].got, why);
    }
}
