//! The checks as worked examples call them: a name of a rule, inputs and the answer as JSON. Units of the
//! examples are translated here and nowhere else; the rules themselves know no JSON.

use serde_json::{Value, json};

use super::mrz::{self, Form};
use super::{nik, npwp, phone, repair_mrz};

/// Reference year of examples that name none.
const YEAR: i16 = 2026;

/// Years that a calendar of four digits has.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9_999;

/// The answer of the rule `calc`; `None` when it is none of these.
///
/// # Errors
/// An input that is missing or has another form.
pub fn answer(calc: &str, inputs: &Value) -> Option<Result<Value, String>> {
    let answer = match calc {
        "mrz_check_digit" => {
            text(inputs, "field").map(|field| json!({"check_digit": mrz::check_digit(field)}))
        }
        "mrz_td1" => zone(inputs, &[Form::Td1]),
        "mrz_td2" => zone(inputs, &[Form::Td2, Form::French]),
        "mrz_td3" => zone(inputs, &[Form::Td3]),
        "mrz_ocr_repair" => lines(inputs).map(|lines| json!({"lines": repair_mrz(&lines)})),
        "nik_parse" => parsed_nik(inputs),
        "npwp_check" => checked_npwp(inputs),
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
    texts("lines", &inputs["lines"])
}

fn texts<'a>(name: &str, value: &'a Value) -> Result<Vec<&'a str>, String> {
    let wrong = || format!("{name} must be a list of texts");
    let items = value.as_array().ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| item.as_str().ok_or_else(wrong))
        .collect()
}

/// Provinces and year of the example, else the ones of today.
fn place_and_year(inputs: &Value) -> Result<(Vec<&str>, i16), String> {
    let provinces = match &inputs["province_codes"] {
        Value::Null => nik::PROVINCES.to_vec(),
        given => texts("province_codes", given)?,
    };
    let year = match &inputs["reference_year"] {
        Value::Null => YEAR,
        given => given
            .as_i64()
            .and_then(|year| i16::try_from(year).ok())
            .filter(|year| YEARS.contains(year))
            .ok_or("reference_year must be a year of up to four digits")?,
    };
    Ok((provinces, year))
}

fn parsed_nik(inputs: &Value) -> Result<Value, String> {
    let (provinces, year) = place_and_year(inputs)?;
    Ok(match nik::parse(text(inputs, "nik")?, &provinces, year) {
        Ok(nik) => json!({
            "valid": true, "reason": "ok", "province": nik.province, "regency": nik.regency, "district": nik.district,
            "sex": nik.sex.name(), "birth_date": nik.birth_date.to_string(), "serial": nik.serial,
        }),
        Err(fault) => json!({"valid": false, "reason": fault.name()}),
    })
}

fn checked_npwp(inputs: &Value) -> Result<Value, String> {
    let (provinces, year) = place_and_year(inputs)?;
    let number = text(inputs, "npwp")?;
    Ok(json!({"valid": npwp::is_valid(number, &provinces, year)}))
}

/// What a zone of one of these forms says.
fn zone(inputs: &Value, forms: &[Form]) -> Result<Value, String> {
    let mrz = mrz::read(&lines(inputs)?).map_err(|fault| fault.to_string())?;
    if !forms.contains(&mrz.form) {
        return Err("lines have the form of another document".to_owned());
    }
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
