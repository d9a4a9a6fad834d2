//! What is shown of a case: by whoever looks, masked where their role sees it masked, and without findings
//! and reviewers for the client.

use siaga_risk::units::Ts;
use uuid::Uuid;

use super::checks::expiry::FOR_LIFE;
use super::checks::findings::Finding;
use super::dispute::Outcome;
use super::document::{Fields, Kind, Reading, Status};
use super::link::Link;
use super::state::{Reason, State};
use crate::crypto::{mask_name, mask_number};
use crate::people::Sight;

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentView {
    /// Its key.
    pub id: Uuid,
    /// Its case.
    pub case: Uuid,
    /// Whose it is.
    pub user: Uuid,
    /// Which.
    pub kind: Kind,
    /// Where it is.
    pub status: Status,
    /// Where its case is.
    pub case_state: State,
    /// How far its reading is.
    pub reading: Reading,
    /// Percent, where a machine read it.
    pub confidence: Option<u8>,
    /// Score of the picture.
    pub quality: u8,
    /// What would make it better.
    pub hints: Vec<String>,
    /// How it is shown.
    pub sight: Sight,
    /// What was read, masked where it must be.
    pub fields: Fields,
    /// The address of the picture.
    pub link: Option<Link>,
    /// Who looked at it; not for the client.
    pub reviewed_by: Option<Uuid>,
    /// When.
    pub reviewed: Option<Ts>,
    /// When it came.
    pub created: Ts,
    /// Counts changes.
    pub revision: i64,
}

/// A decision of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewView {
    /// Who.
    pub reviewer: Uuid,
    /// `approve`, `reject`, `override`, `upheld`, `dismissed`.
    pub action: String,
    /// In their words.
    pub notes: Option<String>,
    /// When.
    pub at: Ts,
}

/// A dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeView {
    /// Its key.
    pub id: Uuid,
    /// The case.
    pub case: Uuid,
    /// Whose it is.
    pub user: Uuid,
    /// Open, and not resolved.
    pub open: bool,
    /// `HIGH`.
    pub priority: String,
    /// In the client's words; none when masked or erased.
    pub reason: Option<String>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// How the person stands now.
    pub user_status: String,
    /// When it must be resolved.
    pub due: Ts,
    /// When it came.
    pub created: Ts,
    /// When it ended.
    pub resolved: Option<Ts>,
}

/// A case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseView {
    /// Its key.
    pub id: Uuid,
    /// Whose it is.
    pub user: Uuid,
    /// The name of registration, masked where it must be.
    pub client: Option<String>,
    /// Where it is.
    pub state: State,
    /// Which attempt runs.
    pub attempt: u32,
    /// Attempts that failed.
    pub failed: u8,
    /// Two persons must approve.
    pub risky: bool,
    /// Who approved first.
    pub first: Option<Uuid>,
    /// What is still wanted.
    pub missing: Vec<Kind>,
    /// When everything was there.
    pub submitted: Option<Ts>,
    /// When it must be decided.
    pub due: Option<Ts>,
    /// It waits for a person and should be decided already.
    pub overdue: bool,
    /// Why the last attempt failed.
    pub reason: Option<Reason>,
    /// The account that the approval opened.
    pub account: Option<u32>,
    /// How it is shown.
    pub sight: Sight,
    /// Counts changes.
    pub revision: i64,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// The documents that count; none in lists.
    pub documents: Vec<DocumentView>,
    /// Decisions; none in lists.
    pub reviews: Vec<ReviewView>,
    /// The open dispute, or the last one; none in lists.
    pub dispute: Option<DisputeView>,
}

/// The fields as that sight has them: the year of birth, first letters and last digits stay.
pub(super) fn masked(fields: Fields, sight: Sight) -> Fields {
    if sight == Sight::Clear {
        return fields;
    }
    let number = |value: Option<String>| value.map(|text| mask_number(&text));
    Fields {
        nama: fields.nama.map(|text| mask_name(&text)),
        nik: number(fields.nik),
        ttl: fields
            .ttl
            .map(|text| text.chars().take(4).chain("-••-••".chars()).collect()),
        jenis_kelamin: None,
        alamat: None,
        nomor_paspor: number(fields.nomor_paspor),
        kewarganegaraan: fields.kewarganegaraan,
        berlaku_sampai: fields.berlaku_sampai.filter(|text| text == FOR_LIFE),
        npwp: number(fields.npwp),
        mrz: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_fields_do_not_say_their_values() {
        let fields = Fields {
            nama: Some("SITI NURHALIZA".into()),
            nik: Some("3171015708850001".into()),
            ttl: Some("1985-08-17".into()),
            alamat: Some("JL. MELATI 5".into()),
            mrz: Some(vec!["P<IDNNURHALIZA<<SITI".into()]),
            berlaku_sampai: Some("2030-01-01".into()),
            ..Fields::default()
        };
        let shown = serde_json::to_string(&masked(fields.clone(), Sight::Masked)).expect("JSON");
        for secret in ["NURHALIZA", "317101", "08-17", "MELATI", "2030"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert_eq!(masked(fields.clone(), Sight::Clear), fields);
    }
}
