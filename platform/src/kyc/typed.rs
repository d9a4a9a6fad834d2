use serde_json::json;
use uuid::Uuid;

use super::Kyc;
use super::checks::expiry::Expiry;
use super::document::{Fields, Reading, Status};
use super::faults::{FIELD, NOT_IN_REVIEW};
use super::permissions::REVIEW;
use super::rows;
use super::scan::{put_fields, recheck};
use super::state::State;
use crate::audit::{Action, Change};
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{FOUR_EYES, Refusal};
use crate::unit::Once;

/// Longest field that a person types, characters.
const FIELD_CHARS_MAX: usize = 300;

/// Lines of a machine-readable zone.
const MRZ_LINES_MAX: usize = 3;

/// Puts down what a person read on a document; the checks are made anew with it.
///
/// # Errors
/// Not allowed, a field that cannot be, a document that is not in review, or that changed.
pub async fn type_fields(
    kyc: &Kyc,
    by: &Principal,
    once: Option<Once>,
    document: Uuid,
    fields: Fields,
    revision: Option<i64>,
) -> Result<Uuid, Refusal> {
    let fields = checked(fields)?;
    let who = by.clone();
    let elevated = by.elevated();
    let typed = kyc.platform.command_once(&elevated, once, move |unit| {
        let case = rows::document(unit.tx(), document)?.case;
        let mut case = rows::lock_case(unit.tx(), case)?;
        let document = rows::document(unit.tx(), document)?;
        who.may(REVIEW, &document.target())?;
        who.with_mfa()?;
        if who.user() == Some(case.user()) {
            return Err(FOUR_EYES.because("your own documents are read by another person"));
        }
        rows::seen(document.revision, revision)?;
        let counts = document.attempt == case.standing.attempt && document.status != Status::Replaced;
        if case.standing.state != State::ReviewRequired || !counts || !document.kind.is_read() {
            return Err(NOT_IN_REVIEW.because("only documents of a case in REVIEW_REQUIRED are read, and nothing is read on a selfie"));
        }
        if case.standing.first.is_some() {
            return Err(NOT_IN_REVIEW.because("somebody has approved it as it is; approve it too, or reject it"));
        }
        put_fields(unit, case.user(), document.id, document.kind, Reading::Typed, document.confidence, &fields)?;
        recheck(unit, &mut case)?;
        case.typed = Some(unit.now());
        rows::save_case(unit, &mut case)?;
        unit.audit(
            Change::new(Action::Update, "kyc_document", document.id)
                .about(case.user())
                .field("ocr_status", document.reading.name(), Reading::Typed.name()),
        );
        unit.emit(
            Event::new("kyc.document_typed", "kyc_case", case.id, json!({"user_id": case.user(), "case_id": case.id, "document_id": document.id}))
                .about(case.user()),
        );
        Ok(document.id)
    });
    typed.await
}

/// Trims what was typed and refuses what no document says.
fn checked(fields: Fields) -> Result<Fields, Refusal> {
    let text = |name: &str, value: Option<String>| -> Result<Option<String>, Refusal> {
        let Some(value) = value else {
            return Ok(None);
        };
        let value = value.trim().to_owned();
        if value.chars().count() > FIELD_CHARS_MAX || value.chars().any(char::is_control) {
            return Err(FIELD.field(
                name,
                format!("use at most {FIELD_CHARS_MAX} characters in one line"),
            ));
        }
        Ok((!value.is_empty()).then_some(value))
    };
    let checked = Fields {
        nama: text("nama", fields.nama)?,
        nik: text("nik", fields.nik)?,
        ttl: text("ttl", fields.ttl)?,
        jenis_kelamin: fields.jenis_kelamin,
        alamat: text("alamat", fields.alamat)?,
        nomor_paspor: text("nomor_paspor", fields.nomor_paspor)?,
        kewarganegaraan: text("kewarganegaraan", fields.kewarganegaraan)?,
        berlaku_sampai: text("berlaku_sampai", fields.berlaku_sampai)?,
        npwp: text("npwp", fields.npwp)?,
        mrz: match fields.mrz {
            Some(lines) if lines.len() > MRZ_LINES_MAX => {
                return Err(FIELD.field("mrz", "a zone has two or three lines"));
            }
            Some(lines) => Some(
                lines
                    .into_iter()
                    .map(|line| line.trim().to_uppercase())
                    .collect(),
            ),
            None => None,
        },
    };
    if checked.ttl.is_some() && checked.birth().is_none() {
        return Err(FIELD.field("ttl", "write the birth date as YYYY-MM-DD"));
    }
    if let Some(until) = &checked.berlaku_sampai
        && Expiry::parse(until).is_none()
    {
        return Err(FIELD.field(
            "berlaku_sampai",
            "write the last day as YYYY-MM-DD, or SEUMUR HIDUP",
        ));
    }
    if checked
        .mrz
        .iter()
        .flatten()
        .any(|line| line.chars().count() > FIELD_CHARS_MAX)
    {
        return Err(FIELD.field("mrz", "a line has at most 44 characters"));
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_document_says_is_refused_by_field() {
        let with = |ttl: &str, until: &str| Fields {
            ttl: Some(ttl.into()),
            berlaku_sampai: Some(until.into()),
            nama: Some("  Siti  ".into()),
            alamat: Some("  ".into()),
            ..Fields::default()
        };
        let good = checked(with("1985-08-17", "seumur hidup")).expect("fields");
        assert_eq!(
            (good.nama.as_deref(), good.alamat.as_deref()),
            (Some("Siti"), None)
        );
        assert!(checked(with("17-08-1985", "2030-01-01")).is_err());
        assert!(checked(with("1985-02-30", "2030-01-01")).is_err());
        assert!(checked(with("1985-08-17", "soon")).is_err());
        let long = Fields {
            nama: Some("x".repeat(FIELD_CHARS_MAX + 1)),
            ..Fields::default()
        };
        assert!(checked(long).is_err());
    }
}
