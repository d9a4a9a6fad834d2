use super::*;

fn today() -> Date {
    "2026-06-01".parse().expect("a day")
}

fn nobody() -> Applicant {
    Applicant {
        name: None,
        watched: false,
    }
}

fn seen(kind: Kind, fields: Fields) -> Seen {
    Seen {
        id: Uuid::from_u128(kind as u128 + 1),
        kind,
        reading: if kind.is_read() {
            Reading::Read
        } else {
            Reading::NotNeeded
        },
        fields,
        quality: 90,
        number_known: false,
        picture_known: false,
    }
}

fn ktp() -> Fields {
    Fields {
        nama: Some("SITI NURHALIZA".into()),
        nik: Some("3171015708850001".into()),
        ttl: Some("1985-08-17".into()),
        jenis_kelamin: Some(Sex::Female),
        berlaku_sampai: Some("SEUMUR HIDUP".into()),
        ..Fields::default()
    }
}

/// A passport of the given last day (`YYMMDD`), with right check digits.
fn passport_until(last: &str) -> Fields {
    let digit = |field: &str| mrz::check_digit(field).expect("digits");
    let (number, birth, optional) = ("X1234567<", "850817", "<<<<<<<<<<<<<<");
    let numbers = format!("{number}{}", digit(number));
    let birth = format!("{birth}{}", digit(birth));
    let expiry = format!("{last}{}", digit(last));
    let all = digit(&format!("{numbers}{birth}{expiry}{optional}0"));
    Fields {
        nama: Some("SITI NURHALIZA".into()),
        nomor_paspor: Some("X1234567".into()),
        ttl: Some("1985-08-17".into()),
        berlaku_sampai: Some(format!("20{}-{}-{}", &last[..2], &last[2..4], &last[4..])),
        mrz: Some(vec![
            format!("{:<<44}", "P<IDNNURHALIZA<<SITI"),
            format!("{numbers}IDN{birth}F{expiry}{optional}0{all}"),
        ]),
        ..Fields::default()
    }
}

fn codes(documents: &[Seen], applicant: &Applicant) -> Vec<Code> {
    check(documents, applicant, today())
        .into_iter()
        .map(|finding| finding.code)
        .collect()
}

#[test]
fn good_documents_have_no_findings() {
    let documents = [
        seen(Kind::Ktp, ktp()),
        seen(Kind::Selfie, Fields::default()),
    ];
    let sari = Applicant {
        name: Some("Siti Nurhaliza".into()),
        watched: false,
    };
    assert!(codes(&documents, &sari).is_empty());
    assert!(codes(&[seen(Kind::Passport, passport_until("300101"))], &nobody()).is_empty());
}

#[test]
fn each_fault_of_a_card_is_found() {
    type Case = (fn(&mut Fields), &'static [Code]);
    let cases: [Case; 7] = [
        (
            |f| f.nik = Some("3171013002850001".into()),
            &[Code::NikInvalid],
        ),
        (
            |f| f.nik = Some("3171015708840001".into()),
            &[Code::NikBirthDate],
        ),
        (|f| f.jenis_kelamin = Some(Sex::Male), &[Code::NikSex]),
        (|f| f.nama = None, &[Code::FieldMissing]),
        (|f| f.nik = None, &[Code::FieldMissing]),
        (
            |f| f.berlaku_sampai = Some("2026-12-01".into()),
            &[Code::PrintedDate],
        ),
        (|f| f.berlaku_sampai = Some("2026-12-02".into()), &[]),
    ];
    for (spoil, expected) in cases {
        let mut fields = ktp();
        spoil(&mut fields);
        assert_eq!(
            codes(&[seen(Kind::Ktp, fields.clone())], &nobody()),
            expected,
            "{fields:?}"
        );
    }
}

#[test]
fn the_card_of_a_citizen_is_valid_for_life_and_that_of_a_foreigner_is_not() {
    let with = |nationality: Option<&str>, until: &str| {
        let fields = Fields {
            kewarganegaraan: nationality.map(str::to_owned),
            berlaku_sampai: Some(until.into()),
            ..ktp()
        };
        check(&[seen(Kind::Ktp, fields)], &nobody(), today())
    };
    for nationality in [None, Some("WNI"), Some("IDN"), Some("INDONESIA")] {
        for until in ["2017-08-17", "2026-12-01"] {
            let findings = with(nationality, until);
            let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, [Code::PrintedDate], "{nationality:?} {until}");
            assert!(!is_risky(&findings), "{nationality:?} {until}");
        }
    }
    for (until, code) in [
        ("2017-08-17", Code::Expired),
        ("2026-12-01", Code::ExpiresSoon),
    ] {
        let findings = with(Some("SGP"), until);
        assert_eq!(findings.first().map(|finding| finding.code), Some(code));
        assert!(is_barred(&findings), "{until}");
    }
    assert!(with(Some("SGP"), "2026-12-02").is_empty());
}

#[test]
fn a_passport_runs_out_with_its_zone() {
    let mut fields = passport_until("260901");
    fields.berlaku_sampai = Some("2030-01-01".into());
    let found = codes(&[seen(Kind::Passport, fields)], &nobody());
    assert_eq!(found, [Code::ExpiresSoon, Code::MrzDiffers]);
    let mut fields = passport_until("260531");
    fields.berlaku_sampai = None;
    let found = codes(&[seen(Kind::Passport, fields)], &nobody());
    assert_eq!(found, [Code::Expired, Code::FieldMissing]);
    // A zone with a fault proves nothing.
    let mut fields = passport_until("260901");
    fields.berlaku_sampai = Some("2030-01-01".into());
    if let Some(line) = fields.mrz.as_mut().and_then(|lines| lines.get_mut(1)) {
        line.replace_range(43..44, if line.ends_with('0') { "1" } else { "0" });
    }
    let found = codes(&[seen(Kind::Passport, fields)], &nobody());
    assert_eq!(found, [Code::MrzInvalid, Code::MrzDiffers]);
}

#[test]
fn sex_and_nationality_of_a_passport_are_those_of_its_zone() {
    let with = |sex: Option<Sex>, nationality: Option<&str>| {
        let fields = Fields {
            jenis_kelamin: sex,
            kewarganegaraan: nationality.map(str::to_owned),
            ..passport_until("300101")
        };
        codes(&[seen(Kind::Passport, fields)], &nobody())
    };
    for nationality in ["IDN", "idn", "Indonesia", "WNI"] {
        assert!(with(Some(Sex::Female), Some(nationality)).is_empty());
    }
    assert_eq!(with(Some(Sex::Male), None), [Code::OtherSex]);
    for nationality in ["SGP", "Singapore", "Atlantis"] {
        assert_eq!(with(None, Some(nationality)), [Code::OtherNationality]);
    }
}

#[test]
fn a_passport_is_held_against_its_zone() {
    let expired = codes(&[seen(Kind::Passport, passport_until("260531"))], &nobody());
    assert_eq!(expired, [Code::Expired]);
    let mut fields = passport_until("300101");
    fields.berlaku_sampai = Some("2031-01-01".into());
    assert_eq!(
        codes(&[seen(Kind::Passport, fields)], &nobody()),
        [Code::MrzDiffers]
    );
    let mut fields = passport_until("300101");
    fields.mrz = None;
    assert_eq!(
        codes(&[seen(Kind::Passport, fields)], &nobody()),
        [Code::MrzMissing]
    );
    let mut fields = passport_until("300101");
    if let Some(line) = fields.mrz.as_mut().and_then(|lines| lines.get_mut(1)) {
        line.replace_range(43..44, if line.ends_with('0') { "1" } else { "0" });
    }
    assert_eq!(
        codes(&[seen(Kind::Passport, fields)], &nobody()),
        [Code::MrzInvalid]
    );
    // The zone of a card, and of a visa with the passport's own numbers, is none of a passport.
    let mut fields = passport_until("300101");
    fields.mrz = Some(vec![
        "IDCHEA1234567<6<<<<<<<<<<<<<<<".into(),
        "7510256M2009018CHE<<<<<<<<<<<8".into(),
        "SMITH<<JOHN<ALBERT<<<<<<<<<<<<".into(),
    ]);
    assert_eq!(
        codes(&[seen(Kind::Passport, fields)], &nobody()),
        [Code::MrzInvalid, Code::MrzDiffers]
    );
    for code in ["V<", "XX", "I<"] {
        let mut fields = passport_until("300101");
        if let Some(line) = fields.mrz.as_mut().and_then(|lines| lines.first_mut()) {
            line.replace_range(..2, code);
        }
        assert_eq!(
            codes(&[seen(Kind::Passport, fields)], &nobody()),
            [Code::MrzInvalid],
            "{code}"
        );
    }
}

#[test]
fn documents_must_name_one_person() {
    let other = |name: &str| Fields {
        nama: Some(name.into()),
        npwp: Some("01.312.166.0-091.000".into()),
        ..Fields::default()
    };
    let with = |name: &str| {
        codes(
            &[seen(Kind::Ktp, ktp()), seen(Kind::Npwp, other(name))],
            &nobody(),
        )
    };
    assert!(with("Nurhaliza, Siti").is_empty());
    assert_eq!(with("BUDI SANTOSO"), [Code::OtherName]);
    let registered = Applicant {
        name: Some("Budi Santoso".into()),
        watched: true,
    };
    assert_eq!(
        codes(&[seen(Kind::Ktp, ktp())], &registered),
        [Code::ApplicantName, Code::Watchlist]
    );
}

#[test]
fn nobody_is_approved_of_whom_no_document_says_who_they_are() {
    for (kind, bars) in [
        (Kind::Ktp, true),
        (Kind::Passport, true),
        (Kind::Npwp, false),
        (Kind::ProofOfAddress, false),
    ] {
        for reading in [Reading::ByHand, Reading::Typed] {
            let empty = Seen {
                reading,
                ..seen(kind, Fields::default())
            };
            let findings = check(&[empty], &nobody(), today());
            assert!(is_risky(&findings), "{kind:?}: {findings:?}");
            assert_eq!(is_barred(&findings), bars, "{kind:?}: {findings:?}");
        }
    }
    type Spoil = fn(&mut Fields);
    let spoilt: [(Spoil, bool); 4] = [
        (|f| f.nama = None, true),
        (|f| f.nomor_paspor = None, true),
        (|f| f.ttl = None, true),
        (|f| f.berlaku_sampai = None, false),
    ];
    for (spoil, bars) in spoilt {
        let mut fields = passport_until("300101");
        spoil(&mut fields);
        let findings = check(&[seen(Kind::Passport, fields)], &nobody(), today());
        assert!(is_risky(&findings), "{findings:?}");
        assert_eq!(is_barred(&findings), bars, "{findings:?}");
    }
}

#[test]
fn seventeen_is_of_age_on_the_birthday() {
    for (birth, young) in [
        ("2009-06-01", false),
        ("2009-06-02", true),
        ("2010-01-01", true),
        ("1990-12-31", false),
    ] {
        let mut fields = ktp();
        fields.ttl = Some(birth.into());
        let found = codes(&[seen(Kind::Ktp, fields)], &nobody());
        assert_eq!(found.contains(&Code::Underage), young, "{birth}");
    }
}

#[test]
fn the_machine_rejects_only_what_it_can_prove() {
    let reject = |documents: &[Seen]| {
        let failures = certain_failures(documents, &check(documents, &nobody(), today()));
        failures.first().map(|(document, reason)| {
            assert_eq!((*document, failures.len()), (documents[0].id, 1));
            *reason
        })
    };
    assert_eq!(
        reject(&[seen(Kind::Passport, passport_until("260901"))]),
        Some(Reason::DocumentExpired)
    );
    let mut card = ktp();
    card.berlaku_sampai = Some("2020-01-01".into());
    card.kewarganegaraan = Some("SGP".into());
    assert_eq!(
        reject(&[seen(Kind::Ktp, card)]),
        None,
        "a card has no check digit over its last day"
    );
    let blurred = Seen {
        reading: Reading::LowConfidence,
        quality: UNREADABLE - 1,
        ..seen(Kind::Ktp, Fields::default())
    };
    assert_eq!(
        reject(std::slice::from_ref(&blurred)),
        Some(Reason::ImageUnreadable)
    );
    let expired = Seen {
        id: Uuid::from_u128(77),
        ..seen(Kind::Passport, passport_until("260901"))
    };
    let both = [blurred.clone(), expired.clone()];
    let findings = check(&both, &nobody(), today());
    assert_eq!(
        certain_failures(&both, &findings),
        [
            (blurred.id, Reason::ImageUnreadable),
            (expired.id, Reason::DocumentExpired)
        ],
        "each of them is refused at once"
    );
    let fine = Seen {
        quality: 90,
        ..blurred
    };
    assert_eq!(reject(&[fine]), None);
}

#[test]
fn codes_are_named_once() {
    let names: std::collections::BTreeSet<&str> =
        Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert_eq!(serde_json::to_value(code).expect("text"), code.name());
    }
}
