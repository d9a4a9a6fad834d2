//! What the checks have to say about the documents of an attempt, in one list.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::expiry::{Expiry, Term, term};
use super::mrz::{self, Mrz};
use super::nik::{self, PROVINCES, Sex};
use super::quality::{POOR, UNREADABLE};
use super::{names, npwp};
use crate::kyc::document::{Fields, Kind, Reading, nationality};
use crate::kyc::state::Reason;

/// Youngest client: with 17 an Indonesian citizen gets an identity card.
const AGE_MIN: i16 = 17;

/// How heavy a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Look at it.
    Note,
    /// Two persons must approve.
    Risk,
    /// Cannot be approved.
    Bar,
}

/// One finding. It holds no data of the person: codes, keys and scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable name.
    pub code: Code,
    /// How heavy.
    pub weight: Weight,
    /// On which document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Uuid>,
    /// A score of 0 to 100, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $weight:ident, $text:literal;)*) => {
        /// What can be found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $slug)] $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];
            /// The name on the wire.
            pub fn name(self) -> &'static str { match self { $(Code::$name => $slug,)* } }
            /// One sentence for a reviewer.
            pub fn text(self) -> &'static str { match self { $(Code::$name => $text,)* } }
            fn weight(self) -> Weight { match self { $(Code::$name => Weight::$weight,)* } }
        }
    };
}

codes! {
    /// Nothing was read by machine or person.
    Unread = "unread", Risk, "Nobody has read this document; type what it says";
    /// A field that the checks need is not there.
    FieldMissing = "field_missing", Risk, "A field that the checks need is missing; type what it says";
    /// Hard to read.
    PoorImage = "poor_image", Note, "The picture is hard to read";
    /// Not to be read.
    UnreadableImage = "unreadable_image", Risk, "The picture is too blurred, bright or cut off to be read";
    /// Below the confidence that is asked for.
    LowConfidence = "low_confidence", Note, "The machine was not sure what it read, so nothing of it is used";
    /// No such number.
    NikInvalid = "nik_invalid", Risk, "The number of the identity card cannot be right";
    /// Number and card differ.
    NikBirthDate = "nik_birth_date", Risk, "The birth date in the number of the card is another than on the card";
    /// Number and card differ.
    NikSex = "nik_sex", Risk, "The sex in the number of the card is another than on the card";
    /// No such number.
    NpwpInvalid = "npwp_invalid", Risk, "The tax number has a wrong check digit or form";
    /// No zone was found.
    MrzMissing = "mrz_missing", Risk, "The machine-readable zone of the passport was not read";
    /// It is another document's, or check digits, characters or states are wrong.
    MrzInvalid = "mrz_invalid", Risk, "The machine-readable zone is none of a passport, or a check digit or state in it is wrong";
    /// Zone and page differ.
    MrzDiffers = "mrz_differs", Risk, "The machine-readable zone says something else than the page";
    /// Zone and page differ.
    OtherSex = "other_sex", Risk, "The machine-readable zone names another sex than the page";
    /// Zone and page differ.
    OtherNationality = "other_nationality", Risk, "The machine-readable zone names another nationality than the page";
    /// Over.
    Expired = "expired", Bar, "The document has expired";
    /// Six months or less.
    ExpiresSoon = "expires_soon", Bar, "The document is valid for six months or less";
    /// A day on the card of a citizen.
    PrintedDate = "printed_date", Note, "The card prints a day that is over or near; a citizen's is valid for life all the same, of a foreigner type the nationality";
    /// Two documents.
    NameMismatch = "name_mismatch", Risk, "The names on two documents differ";
    /// Two documents.
    OtherName = "other_name", Bar, "The documents name different persons";
    /// Document and account.
    ApplicantName = "applicant_name", Risk, "The name on the document is not the one that the client registered with";
    /// Two documents.
    BirthDates = "birth_dates", Risk, "The birth dates on two documents differ";
    /// Not of age.
    Underage = "underage", Bar, "The client is younger than 17";
    /// Another client handed in the same.
    NumberKnown = "number_known", Risk, "Another client has handed in a document of this number";
    /// Another client handed in the same.
    PictureKnown = "picture_known", Risk, "Another client has handed in this very picture";
    /// The engine of sanctions and monitoring has an open case.
    Watchlist = "watchlist", Bar, "There is an open case of sanctions or monitoring about this client";
}

/// What the checks know of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its key.
    pub id: Uuid,
    /// Which.
    pub kind: Kind,
    /// How far its reading is.
    pub reading: Reading,
    /// What was read.
    pub fields: Fields,
    /// Score of the picture.
    pub quality: u8,
    /// Another client has one of this number.
    pub number_known: bool,
    /// Another client handed in this picture.
    pub picture_known: bool,
}

/// What the checks know beside the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applicant {
    /// The name of registration.
    pub name: Option<String>,
    /// An open case of sanctions or monitoring.
    pub watched: bool,
}

impl Finding {
    fn of(code: Code, document: Option<Uuid>) -> Self {
        Self {
            code,
            weight: code.weight(),
            document,
            score: None,
        }
    }

    fn scored(self, score: u8) -> Self {
        Self {
            score: Some(score),
            ..self
        }
    }
}

/// All findings about the documents of an attempt on `today`.
pub fn check(documents: &[Seen], applicant: &Applicant, today: Date) -> Vec<Finding> {
    let mut found = Vec::new();
    for document in documents {
        one(document, today, &mut found);
    }
    between(documents, &mut found);
    let named = documents
        .iter()
        .filter(|seen| matches!(seen.kind, Kind::Ktp | Kind::Passport));
    if let Some(registered) = applicant.name.as_deref() {
        for seen in named {
            let score = seen
                .fields
                .nama
                .as_deref()
                .map(|name| names::score(name, registered));
            if let Some(score) = score.filter(|score| *score < names::SAME) {
                found.push(Finding::of(Code::ApplicantName, Some(seen.id)).scored(score));
            }
        }
    }
    if applicant.watched {
        found.push(Finding::of(Code::Watchlist, None));
    }
    found
}

/// Whether two persons must approve.
pub fn is_risky(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.weight >= Weight::Risk)
}

/// Whether approval is forbidden.
pub fn is_barred(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.weight == Weight::Bar)
}

/// The documents of which the machine is sure enough to reject without a person, each with the reason: one whose check digits prove
/// that it has run out, or a picture that neither the measure nor the reader can make out. One that were left out would be carried into
/// the next attempt, and fail that too.
pub fn certain_failures(documents: &[Seen], findings: &[Finding]) -> Vec<(Uuid, Reason)> {
    let failure = |seen: &Seen| {
        let has = |code: Code| {
            findings
                .iter()
                .any(|finding| finding.code == code && finding.document == Some(seen.id))
        };
        let proves = |zone: Mrz| zone.is_valid() && zone.is_passport();
        let proven = seen.reading == Reading::Read && zone(seen).is_some_and(proves);
        if proven && (has(Code::Expired) || has(Code::ExpiresSoon)) {
            Some((seen.id, Reason::DocumentExpired))
        } else if seen.reading == Reading::LowConfidence && has(Code::UnreadableImage) {
            Some((seen.id, Reason::ImageUnreadable))
        } else {
            None
        }
    };
    documents.iter().filter_map(failure).collect()
}

fn zone(seen: &Seen) -> Option<Mrz> {
    seen.fields
        .mrz
        .as_ref()
        .and_then(|lines| mrz::read(lines).ok())
}

/// How heavy a finding is on this document: an account is opened for nobody of whom no document says who they are.
fn weight_on(code: Code, seen: &Seen) -> Weight {
    let names_nobody = match code {
        Code::Unread => true,
        Code::FieldMissing => {
            let fields = &seen.fields;
            fields.nama.is_none() || fields.number(seen.kind).is_none() || fields.birth().is_none()
        }
        _ => false,
    };
    if names_nobody && matches!(seen.kind, Kind::Ktp | Kind::Passport) {
        Weight::Bar
    } else {
        code.weight()
    }
}

fn one(seen: &Seen, today: Date, found: &mut Vec<Finding>) {
    let mut add = |code: Code| {
        found.push(Finding {
            weight: weight_on(code, seen),
            ..Finding::of(code, Some(seen.id))
        });
    };
    if seen.picture_known {
        add(Code::PictureKnown);
    }
    if seen.number_known {
        add(Code::NumberKnown);
    }
    if seen.quality < UNREADABLE {
        add(Code::UnreadableImage);
    } else if seen.quality < POOR {
        add(Code::PoorImage);
    }
    if !seen.kind.is_read() {
        return;
    }
    if seen.reading == Reading::LowConfidence {
        add(Code::LowConfidence);
    }
    if !matches!(seen.reading, Reading::Read | Reading::Typed) {
        add(Code::Unread);
        return;
    }
    let fields = &seen.fields;
    // The card of a citizen is valid for life whatever it prints: since 2011 the older ones are too.
    let for_life = seen.kind == Kind::Ktp && !fields.is_foreign();
    match until(seen).map(|until| term(until, today)) {
        Some(Term::Over | Term::TooShort) if for_life => add(Code::PrintedDate),
        Some(Term::Over) => add(Code::Expired),
        Some(Term::TooShort) => add(Code::ExpiresSoon),
        Some(Term::Fine) | None => {}
    }
    if fields.birth().is_some_and(|birth| !is_of_age(birth, today)) {
        add(Code::Underage);
    }
    match seen.kind {
        Kind::Ktp => card(fields, today, &mut add),
        Kind::Passport => passport(seen, &mut add),
        Kind::Npwp => match fields.npwp.as_deref() {
            Some(number) if npwp::is_valid(number, &PROVINCES, today.year()) => {}
            Some(_) => add(Code::NpwpInvalid),
            None => add(Code::FieldMissing),
        },
        Kind::ProofOfAddress => {
            if fields.nama.is_none() || fields.alamat.is_none() {
                add(Code::FieldMissing);
            }
        }
        Kind::Selfie => {}
    }
}

/// Until when a document is valid: of a passport the earlier of what the page and a zone without a fault say.
fn until(seen: &Seen) -> Option<Expiry> {
    let page = seen.fields.expiry();
    if seen.kind != Kind::Passport {
        return page;
    }
    let zone = zone(seen).filter(|zone| zone.is_valid() && zone.is_passport());
    match (page, zone.and_then(|zone| zone.expiry())) {
        (Some(Expiry::On(page)), Some(zone)) => Some(Expiry::On(page.min(zone))),
        (_, Some(zone)) => Some(Expiry::On(zone)),
        (page, None) => page,
    }
}

fn is_of_age(birth: Date, today: Date) -> bool {
    let years = today.year() - birth.year();
    let had_birthday = (today.month(), today.day()) >= (birth.month(), birth.day());
    years > AGE_MIN || (years == AGE_MIN && had_birthday)
}

fn card(fields: &Fields, today: Date, add: &mut impl FnMut(Code)) {
    if fields.nama.is_none() || fields.nik.is_none() || fields.birth().is_none() {
        add(Code::FieldMissing);
    }
    let Some(number) = fields.nik.as_deref() else {
        return;
    };
    let Ok(nik) = nik::parse(number.trim(), &PROVINCES, today.year()) else {
        return add(Code::NikInvalid);
    };
    // The number has two digits for the year, so a century apart is the same.
    let differs = |birth: Date| {
        (birth.year().rem_euclid(100), birth.month(), birth.day()) != short(nik.birth_date)
    };
    if fields.birth().is_some_and(differs) {
        add(Code::NikBirthDate);
    }
    if fields.jenis_kelamin.is_some_and(|sex: Sex| sex != nik.sex) {
        add(Code::NikSex);
    }
}

fn short(date: Date) -> (i16, i8, i8) {
    (date.year().rem_euclid(100), date.month(), date.day())
}

fn passport(seen: &Seen, add: &mut impl FnMut(Code)) {
    let fields = &seen.fields;
    if fields.nama.is_none()
        || fields.nomor_paspor.is_none()
        || fields.birth().is_none()
        || fields.expiry().is_none()
    {
        add(Code::FieldMissing);
    }
    let Some(zone) = zone(seen) else {
        return add(if fields.mrz.is_some() {
            Code::MrzInvalid
        } else {
            Code::MrzMissing
        });
    };
    if !zone.is_valid() || !zone.is_passport() {
        add(Code::MrzInvalid);
    }
    let other_name = fields
        .nama
        .as_deref()
        .is_some_and(|page| names::score_zone(page, &zone) < names::SAME);
    let other_number = fields
        .number(Kind::Passport)
        .is_some_and(|page| page != zone.document_number);
    let other_birth = fields.birth().is_some_and(|page| {
        zone.birth(page.year())
            .is_none_or(|birth| short(birth) != short(page))
    });
    let other_expiry = match (fields.expiry(), zone.expiry()) {
        (Some(Expiry::On(page)), Some(zone)) => page != zone,
        (Some(Expiry::ForLife), _) => true,
        _ => false,
    };
    if other_name || other_number || other_birth || other_expiry {
        add(Code::MrzDiffers);
    }
    if let (Some(page), Some(zone)) = (fields.jenis_kelamin, zone.sex)
        && page != zone
    {
        add(Code::OtherSex);
    }
    let page = fields.kewarganegaraan.as_deref().and_then(nationality);
    if let (Some(page), Some(zone)) = (page, nationality(&zone.nationality))
        && page != zone
    {
        add(Code::OtherNationality);
    }
}

/// What two documents say of one person.
fn between(documents: &[Seen], found: &mut Vec<Finding>) {
    for (at, a) in documents.iter().enumerate() {
        for b in documents.iter().skip(at + 1) {
            if let (Some(one), Some(other)) = (a.fields.nama.as_deref(), b.fields.nama.as_deref()) {
                let score = names::score(one, other);
                let code = match score {
                    score if score < names::OTHER => Some(Code::OtherName),
                    score if score < names::SAME => Some(Code::NameMismatch),
                    _ => None,
                };
                found.extend(code.map(|code| Finding::of(code, Some(b.id)).scored(score)));
            }
            if let (Some(one), Some(other)) = (a.fields.birth(), b.fields.birth())
                && one != other
            {
                found.push(Finding::of(Code::BirthDates, Some(b.id)));
            }
        }
    }
}

#[cfg(test)]
#[path = "findings_tests.rs"]
mod tests;
