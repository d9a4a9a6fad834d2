//! The checks as worked examples call them: a name of a rule, inputs and the answer as JSON. Units of the
//! examples are translated here and nowhere else; the rules themselves know no JSON.

use serde_json::{Value, json};

use super::{mrz, nik, npwp, phone, repair_mrz};

/// Reference year of examples that name none.
const YEAR: i64 = 2026;

/// The answer of the rule `calc`; `None` when it is none of these.
///
/// # Errors
/// An input that is missing or has another form.
pub fn answer(calc: &str, inputs: &Value) -> Option<Result<Value, String>> {
    let answer = match calc {
        "mrz_check_digit" => {
            text(inputs, "field").map(|field| json!({"check_digit": mrz::check_digit(field)}))
        }
        "mrz_td1" | "mrz_td2" | "mrz_td3" => lines(inputs).and_then(|lines| zone(&lines)),
        "mrz_ocr_repair" => lines(inputs).map(|lines| json!({"lines": repair_mrz(&lines)})),
        "nik_parse" => text(inputs, "nik").map(|number| parsed_nik(number, inputs)),
        "npwp_check" => text(inputs, "npwp").map(|number| {
            let (provinces, year) = place_and_year(inputs);
            json!({"valid": npwp::is_valid(number, &provinces, year)})
        }),
        "mobile_e164_id" => text(inputs, "raw").map(|raw| json!({"e164": phone::mobile_e164(raw)})),
        _ => return None,
    };
    Some(answer)
}

fn text<'a>(inputs: &'a Value, name: &str) -> Result<&'a str, String> {
    inputs[name]
        .as_str()
        .ok_or_else(|| format!("{name} must be text"))
}

fn lines(inputs: &Value) -> Result<Vec<&str>, String> {
    let lines = inputs["lines"].as_array().ok_or("lines must be a list")?;
    lines
        .iter()
        .map(|line| line.as_str().ok_or_else(|| "lines must be text".to_owned()))
        .collect()
}

/// Provinces of the example, else the ones of today.
fn place_and_year(inputs: &Value) -> (Vec<&str>, i16) {
    let given: Option<Vec<&str>> = inputs["province_codes"]
        .as_array()
        .map(|codes| codes.iter().filter_map(Value::as_str).collect());
    let year = inputs["reference_year"].as_i64().unwrap_or(YEAR);
    (
        given.unwrap_or_else(|| nik::PROVINCES.to_vec()),
        i16::try_from(year).unwrap_or(i16::MAX),
    )
}

fn parsed_nik(number: &str, inputs: &Value) -> Value {
    let (provinces, year) = place_and_year(inputs);
    match nik::parse(number, &provinces, year) {
        Ok(nik) => json!({
            "valid": true, "reason": "ok", "province": nik.province, "regency": nik.regency, "district": nik.district,
            "sex": nik.sex.name(), "birth_date": nik.birth_date.to_string(), "serial": nik.serial,
        }),
        Err(fault) => json!({"valid": false, "reason": fault.name()}),
    }
}

fn zone(lines: &[&str]) -> Result<Value, String> {
    let mrz = mrz::read(lines).map_err(|fault| fault.to_string())?;
    let sex = match mrz.sex {
        Some(nik::Sex::Male) => "M",
        Some(nik::Sex::Female) => "F",
        None => "<",
    };
    Ok(json!({
        "document_code": mrz.document_code, "issuing_state": mrz.issuing_state, "document_number": mrz.document_number,
        "nationality": mrz.nationality, "birth_date": mrz.birth_date, "sex": sex, "expiry_date": mrz.expiry_date,
        "surname": mrz.surname, "given_names": mrz.given_names, "optional": mrz.optional, "optional2": mrz.optional2,
        "checks": {
            "document_number": mrz.checks.document_number, "birth_date": mrz.checks.birth_date, "expiry_date": mrz.checks.expiry_date,
            "optional": mrz.checks.optional, "composite": mrz.checks.composite,
        },
    }))
}
