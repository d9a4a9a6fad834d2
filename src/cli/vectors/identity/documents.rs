//! Numbers and zones of documents, telephone numbers, likeness of names.

use serde_json::{Value, json};
use siaga_platform::aml::names::list_search::Words;
use siaga_platform::aml::names::{list_search, soundex};
use siaga_platform::kyc::checks::kit;
use siaga_vectors::families::Calc;
use siaga_vectors::{Fault, Inputs};

/// The adapter of a rule.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "mrz_check_digit" | "mrz_td1" | "mrz_td2" | "mrz_td3" | "mrz_ocr_repair" | "nik_parse"
        | "npwp_check" | "mobile_e164_id" => checked,
        "soundex" => sound,
        "list_search_name_score" => score,
        _ => return None,
    })
}

fn checked(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let calc = inputs.text("calc")?;
    kit::answer(calc, inputs.raw())
        .ok_or_else(|| Fault::NoRule(calc.to_owned()))?
        .map_err(Fault::Other)
}

fn sound(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    Ok(json!({ "code": soundex(inputs.text("name")?) }))
}

fn score(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let query = Words::of(inputs.text("query")?);
    let candidate = Words::of(inputs.text("candidate")?);
    Ok(json!({ "score": list_search(&query, &candidate) }))
}
