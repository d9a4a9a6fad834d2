//! Documents: which there are, which a case needs, what is read on them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::checks::expiry::Expiry;
use super::checks::nik::Sex;
use crate::aml::lists::country::country;

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Indonesian identity card.
    Ktp,
    /// Passport, instead of the card.
    Passport,
    /// Tax card.
    Npwp,
    /// The person with the document in hand.
    Selfie,
    /// A bill or statement with the address.
    ProofOfAddress,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] = [
        Kind::Ktp,
        Kind::Passport,
        Kind::Npwp,
        Kind::Selfie,
        Kind::ProofOfAddress,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ktp => "ktp",
            Kind::Passport => "passport",
            Kind::Npwp => "npwp",
            Kind::Selfie => "selfie",
            Kind::ProofOfAddress => "proof_of_address",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Something is read on it that the checks use.
    pub fn is_read(self) -> bool {
        self != Kind::Selfie
    }
}

/// Where a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Others are still missing.
    Pending,
    /// Looked at.
    Review,
    /// Accepted.
    Approved,
    /// Refused with its attempt.
    Rejected,
    /// A later one of the same attempt stands in its place.
    Replaced,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] = [
        Status::Pending,
        Status::Review,
        Status::Approved,
        Status::Rejected,
        Status::Replaced,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Review => "review",
            Status::Approved => "approved",
            Status::Rejected => "rejected",
            Status::Replaced => "replaced",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// How far the reading of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Waits for the machine.
    Queued,
    /// The machine read it, surely enough.
    Read,
    /// The machine read it, and not surely enough: nothing of it is used.
    LowConfidence,
    /// No machine could: a person has to.
    ByHand,
    /// A person did.
    Typed,
    /// Nothing is read on it.
    NotNeeded,
}

impl Reading {
    /// Every state of reading.
    pub const ALL: [Reading; 6] = [
        Reading::Queued,
        Reading::Read,
        Reading::LowConfidence,
        Reading::ByHand,
        Reading::Typed,
        Reading::NotNeeded,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Reading::Queued => "queued",
            Reading::Read => "read",
            Reading::LowConfidence => "low_confidence",
            Reading::ByHand => "by_hand",
            Reading::Typed => "typed",
            Reading::NotNeeded => "not_needed",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Reading> {
        Reading::ALL
            .into_iter()
            .find(|reading| reading.name() == name)
    }
}

/// What the house asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// A tax number too.
    pub npwp: bool,
    /// A proof of address also from who has an identity card, which shows one. A passport shows none, so
    /// with it the proof is always wanted.
    pub proof_of_address: bool,
}

/// What is missing for a decision, in the order in which it is asked for (E3.32). `ktp` stands for
/// "identity card or passport".
pub fn missing(have: &BTreeSet<Kind>, wanted: Wanted) -> Vec<Kind> {
    let identity = have.contains(&Kind::Ktp) || have.contains(&Kind::Passport);
    let shows_address = have.contains(&Kind::Ktp) || !have.contains(&Kind::Passport);
    let needs = [
        (Kind::Ktp, !identity),
        (Kind::Npwp, wanted.npwp && !have.contains(&Kind::Npwp)),
        (Kind::Selfie, !have.contains(&Kind::Selfie)),
        (
            Kind::ProofOfAddress,
            (wanted.proof_of_address || !shows_address) && !have.contains(&Kind::ProofOfAddress),
        ),
    ];
    needs
        .into_iter()
        .filter(|(_, missing)| *missing)
        .map(|(kind, _)| kind)
        .collect()
}

/// What is no name of a country and says that somebody is a citizen, in the form of [`country`].
const CITIZEN: [&str; 2] = ["warga negara indonesia", "indonesian"];

/// The country of Indonesia in the form of [`country`]; a card prints `WNI`.
const INDONESIA: &str = "ID";

/// A nationality in one form, however a document or a person writes it. `None` for nothing.
pub fn nationality(text: &str) -> Option<String> {
    let country = match text.trim() {
        // Germany's own code in zones.
        "D" => country("DEU"),
        text => country(text),
    };
    country.map(|said| match CITIZEN.contains(&said.as_str()) {
        true => INDONESIA.to_owned(),
        false => said,
    })
}

/// What is read on a document, by the names of the card. All of it is a person's: it is stored sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// Name.
    pub nama: Option<String>,
    /// Number of the identity card.
    pub nik: Option<String>,
    /// Birth date, `YYYY-MM-DD` (the card prints place and date in one line, "tempat/tgl lahir").
    pub ttl: Option<String>,
    /// `male` or `female`.
    pub jenis_kelamin: Option<Sex>,
    /// Address.
    pub alamat: Option<String>,
    /// Number of the passport.
    pub nomor_paspor: Option<String>,
    /// Nationality, three letters.
    pub kewarganegaraan: Option<String>,
    /// Last day, or `SEUMUR HIDUP`.
    pub berlaku_sampai: Option<String>,
    /// Tax number.
    pub npwp: Option<String>,
    /// The machine-readable zone, line by line.
    pub mrz: Option<Vec<String>>,
}

impl Fields {
    /// Until when it is valid, if that was read.
    pub fn expiry(&self) -> Option<Expiry> {
        self.berlaku_sampai.as_deref().and_then(Expiry::parse)
    }

    /// The birth date, if it was read.
    pub fn birth(&self) -> Option<jiff::civil::Date> {
        self.ttl
            .as_deref()
            .and_then(|text| text.trim().parse().ok())
    }

    /// Whether a nationality was read, and another one than the Indonesian.
    pub fn is_foreign(&self) -> bool {
        let said = self.kewarganegaraan.as_deref().and_then(nationality);
        said.is_some_and(|said| said != INDONESIA)
    }

    /// The number by which the document of `kind` is known, in one form.
    pub fn number(&self, kind: Kind) -> Option<String> {
        let number = match kind {
            Kind::Ktp => self.nik.as_deref(),
            Kind::Passport => self.nomor_paspor.as_deref(),
            Kind::Npwp => self.npwp.as_deref(),
            Kind::Selfie | Kind::ProofOfAddress => None,
        };
        let plain: String = number?
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        (!plain.is_empty()).then_some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_follows_from_what_is_there() {
        use Kind::{Ktp, Npwp, Passport, ProofOfAddress, Selfie};
        let plain = Wanted {
            npwp: false,
            proof_of_address: false,
        };
        let all = Wanted {
            npwp: true,
            proof_of_address: true,
        };
        let table: [(&[Kind], Wanted, &[Kind]); 8] = [
            (&[], plain, &[Ktp, Selfie]),
            (&[Ktp], plain, &[Selfie]),
            (&[Ktp, Selfie], plain, &[]),
            (&[Passport, Selfie], plain, &[ProofOfAddress]),
            (&[Passport, Ktp, Selfie], plain, &[]),
            (&[Passport, Selfie, ProofOfAddress], plain, &[]),
            (&[], all, &[Ktp, Npwp, Selfie, ProofOfAddress]),
            (&[Ktp, Selfie, Npwp], all, &[ProofOfAddress]),
        ];
        for (have, wanted, expected) in table {
            assert_eq!(
                missing(&have.iter().copied().collect(), wanted),
                expected,
                "{have:?}"
            );
        }
    }

    #[test]
    fn names_come_back_as_they_went() {
        assert!(
            Kind::ALL
                .into_iter()
                .all(|kind| Kind::parse(kind.name()) == Some(kind))
        );
        assert!(
            Status::ALL
                .into_iter()
                .all(|status| Status::parse(status.name()) == Some(status))
        );
        assert!(
            Reading::ALL
                .into_iter()
                .all(|reading| Reading::parse(reading.name()) == Some(reading))
        );
    }

    #[test]
    fn whoever_is_called_indonesian_is_no_foreigner() {
        let said = |nationality: Option<&str>| Fields {
            kewarganegaraan: nationality.map(str::to_owned),
            ..Fields::default()
        };
        for citizen in [
            "WNI",
            "wni",
            "IDN",
            "INDONESIA",
            " Indonesia ",
            "Warga Negara Indonesia",
        ] {
            assert!(!said(Some(citizen)).is_foreign(), "{citizen}");
        }
        assert!(!said(None).is_foreign());
        for foreign in ["SGP", "Singapura", "WNA"] {
            assert!(said(Some(foreign)).is_foreign(), "{foreign}");
        }
        assert_eq!(nationality("D"), nationality("Germany"));
        assert_ne!(nationality("UNO"), nationality("IDN"));
    }

    #[test]
    fn one_number_in_all_ways_of_writing() {
        let fields = Fields {
            npwp: Some("01.312.166.0-091.000".into()),
            nomor_paspor: Some(" x1234567 ".into()),
            ..Fields::default()
        };
        assert_eq!(
            fields.number(Kind::Npwp).as_deref(),
            Some("013121660091000")
        );
        assert_eq!(fields.number(Kind::Passport).as_deref(), Some("X1234567"));
        assert_eq!(fields.number(Kind::Selfie), None);
    }
}
