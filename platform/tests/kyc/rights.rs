//! Who sees and changes which case: through the engine, and in plain SQL.

use siaga_platform::ids::HOUSE;
use siaga_platform::kyc::faults::LINK_EXPIRED;
use siaga_platform::kyc::{self, LINK_SECONDS, Verb};
use siaga_platform::page::Paging;
use siaga_platform::people::{Role, Sight};
use siaga_platform::refusal::{FORBIDDEN, FOUR_EYES, NEEDS_MFA, NOT_FOUND};

use super::office::{fault, offices};

const TABLES: [&str; 4] = ["kyc_cases", "kyc_documents", "kyc_reviews", "kyc_disputes"];

#[tokio::test]
async fn another_clients_case_does_not_exist() {
    for office in offices().await {
        let kind = office.house.kind;
        let (sari, budi) = (
            office.house.client("Sari").await,
            office.house.client("Budi").await,
        );
        let agent = office
            .house
            .person(HOUSE, Role::SalesAgent, None, "Rina")
            .await;
        let partner = office
            .house
            .person(HOUSE, Role::IbPartner, None, "Ivan")
            .await;
        let handed = office.in_review(&sari, 1).await;
        office
            .decide(&office.anna, handed.case, Verb::Reject)
            .await
            .expect(kind);
        kyc::dispute(&office.kyc, &sari, None, "wrong")
            .await
            .expect(kind);
        let card = handed.documents[0].id;
        assert_eq!(
            fault(kyc::document_of(&office.kyc, &budi, card).await),
            NOT_FOUND,
            "{kind}"
        );
        assert_eq!(
            fault(kyc::case(&office.kyc, &budi, handed.case).await),
            NOT_FOUND,
            "{kind}"
        );
        let foreign = kyc::hand_in(
            &office.kyc,
            &budi,
            None,
            sari.user(),
            vec![kyc::File {
                kind: None,
                bytes: Vec::new(),
            }],
        )
        .await;
        assert_eq!(fault(foreign), NOT_FOUND, "{kind}");
        for by in [&budi, &agent, &partner] {
            for table in TABLES {
                let sql: &'static str = format!("SELECT count(*) FROM {table}").leak();
                assert_eq!(
                    office.house.count(by, sql).await,
                    0,
                    "{kind}: {table} by {:?}",
                    by.role
                );
            }
        }
        assert_eq!(
            fault(
                kyc::queue(
                    &office.kyc,
                    &agent,
                    None,
                    Paging {
                        after: None,
                        limit: 10
                    }
                )
                .await
            ),
            FORBIDDEN,
            "{kind}"
        );
        assert_eq!(
            office
                .house
                .count(&sari, "SELECT count(*) FROM kyc_documents")
                .await,
            2,
            "{kind}: one's own"
        );
        assert_eq!(
            office
                .house
                .count(&sari, "SELECT count(*) FROM kyc_reviews")
                .await,
            0,
            "{kind}: who reviewed is not told"
        );
        assert_eq!(
            office
                .house
                .count(&office.bayu, "SELECT count(*) FROM kyc_reviews")
                .await,
            1,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn nobody_writes_a_decision_by_hand() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        for by in [&sari, &office.anna] {
            for sql in [
                "UPDATE kyc_cases SET status = 'APPROVED', decided_by = first_reviewer",
                "UPDATE kyc_documents SET status = 'approved'",
                "UPDATE kyc_cases SET failed = 0, risky = false",
            ] {
                assert_eq!(
                    office.house.attempt(by, sql.into()).await,
                    Ok(0),
                    "{kind}: {sql}"
                );
            }
            assert_eq!(
                office
                    .house
                    .attempt(by, "DELETE FROM kyc_documents".into())
                    .await,
                Err("42501".into()),
                "{kind}"
            );
        }
        // Not even the program itself writes what the rules forbid.
        let (anna, owner) = (office.anna.audit_name(), sari.audit_name());
        let system = siaga_platform::people::Principal::system("test");
        for forbidden in [
            "status = 'APPROVED'".to_owned(),
            format!("status = 'APPROVED', decided_by = '{anna}'"),
            format!("status = 'APPROVED', decided_by = '{anna}', first_reviewer = '{anna}'"),
            format!("status = 'APPROVED', risky = false, decided_by = '{owner}'"),
            format!("status = 'APPROVED', risky = false, barred = true, decided_by = '{anna}'"),
            "failed = 3".to_owned(),
            "status = 'BLOCKED'".to_owned(),
        ] {
            let tried = office
                .house
                .attempt(
                    &system,
                    format!(
                        "UPDATE kyc_cases SET {forbidden} WHERE id = '{}'",
                        handed.case
                    ),
                )
                .await;
            assert_eq!(tried, Err("23514".into()), "{kind}: {forbidden}");
        }
    }
}

#[tokio::test]
async fn officers_need_a_second_factor_and_never_decide_about_themselves() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        let mut careless = office.anna.clone();
        careless.mfa = false;
        assert_eq!(
            fault(office.decide(&careless, handed.case, Verb::Approve).await),
            NEEDS_MFA,
            "{kind}"
        );
        let service = office
            .house
            .person(HOUSE, Role::CsStaff, None, "Tono")
            .await;
        assert_eq!(
            fault(office.decide(&service, handed.case, Verb::Approve).await),
            FORBIDDEN,
            "{kind}"
        );
        let own = office.in_review(&office.bayu, 20).await;
        assert_eq!(
            fault(office.decide(&office.bayu, own.case, Verb::Approve).await),
            FOUR_EYES,
            "{kind}"
        );
        let other = office.house.organisation("lain").await;
        let stranger = office
            .house
            .person(other, Role::ComplianceOfficer, None, "Yuda")
            .await;
        assert_eq!(
            fault(office.decide(&stranger, handed.case, Verb::Approve).await),
            NOT_FOUND,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn pictures_are_seen_by_whoever_may_for_an_hour_and_lie_sealed() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let service = office
            .house
            .person(HOUSE, Role::CsStaff, None, "Tono")
            .await;
        let handed = office.in_review(&sari, 1).await;
        let card = handed.documents[0].id;
        office.type_card(&office.anna, card, "SARI", 1).await;

        let masked = kyc::document_of(&office.kyc, &service, card)
            .await
            .expect(kind);
        assert_eq!((masked.sight, masked.link), (Sight::Masked, None), "{kind}");
        assert!(
            masked.fields.nik.is_some_and(|nik| !nik.contains("317101")),
            "{kind}"
        );

        let clear = kyc::document_of(&office.kyc, &office.anna, card)
            .await
            .expect(kind);
        assert_eq!(
            clear.fields.nik.as_deref(),
            Some("3171015708850001"),
            "{kind}"
        );
        let link = clear.link.expect("an address");
        let picture = kyc::content(&office.kyc, &link).await.expect(kind);
        assert!(picture.starts_with(&[0xFF, 0xD8, 0xFF]), "{kind}");
        let looks = "SELECT count(*) FROM audit_log WHERE entity_type = 'kyc_document' AND action = 'access'";
        assert_eq!(
            office
                .house
                .count(&siaga_platform::people::Principal::system("test"), looks)
                .await,
            1,
            "{kind}: who looked is on record"
        );

        let forged = kyc::Link {
            viewer: service.user().expect("a person"),
            ..link.clone()
        };
        assert_eq!(
            fault(kyc::content(&office.kyc, &forged).await),
            LINK_EXPIRED,
            "{kind}"
        );
        office.house.pass(LINK_SECONDS);
        assert_eq!(
            fault(kyc::content(&office.kyc, &link).await),
            LINK_EXPIRED,
            "{kind}"
        );

        let fresh = kyc::document_of(&office.kyc, &office.anna, card)
            .await
            .expect(kind)
            .link
            .expect("an address");
        let suspend = format!(
            "UPDATE users SET status = 'suspended' WHERE id = '{}'",
            office.anna.audit_name()
        );
        assert_eq!(
            office
                .house
                .attempt(&siaga_platform::people::Principal::system("test"), suspend)
                .await,
            Ok(1)
        );
        assert_eq!(
            fault(kyc::content(&office.kyc, &fresh).await),
            NOT_FOUND,
            "{kind}: an address outlives no suspension"
        );

        let mut files = 0;
        let mut folders = vec![office.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = std::fs::read(&path).expect("a file");
                assert!(
                    !bytes.starts_with(&[0xFF, 0xD8, 0xFF])
                        && !bytes.windows(4).any(|four| four == b"JFIF"),
                    "{}",
                    path.display()
                );
                files += 1;
            }
        }
        assert_eq!(files, 2, "{kind}");
    }
}
