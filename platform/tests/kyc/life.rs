//! The life of a case.

use std::collections::BTreeSet;
use std::sync::Arc;

use siaga_platform::crm::{Follow, view};
use siaga_platform::ids::HOUSE;
use siaga_platform::kyc::document::Kind;
use siaga_platform::kyc::faults::{
    BARRED, BLOCKED, DISPUTED, NO_DISPUTE, NOT_OPEN, NOT_SCREENED, REVIEWED, SAME_DOCUMENT,
};
use siaga_platform::kyc::state::{Reason, State};
use siaga_platform::kyc::{self, Outcome, Verb};
use siaga_platform::outbox::{Handlers, Publisher};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{FORBIDDEN, FOUR_EYES};
use siaga_risk::event::Body;

use super::office::{fault, offices};
use crate::crm::floor::{seen, take, told};

const STATUS: &str = "SELECT status FROM users WHERE id = $1";
const VERIFIED: &str = "SELECT verified::text FROM users WHERE id = $1";

#[tokio::test]
async fn two_officers_verify_a_client_whom_no_machine_could_read_and_the_account_opens_once() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let user = sari.user().expect("a person");
        let first = office.hand_in(&sari, &[(Kind::Ktp, 1)]).await.expect(kind);
        assert_eq!(
            (first.state, first.missing),
            (State::PendingUpload, vec![Kind::Selfie])
        );
        let handed = office
            .hand_in(&sari, &[(Kind::Selfie, 2)])
            .await
            .expect(kind);
        assert_eq!(handed.state, State::ProcessingOcr, "{kind}");
        kyc::scan(&office.kyc, handed.case).await.expect(kind);
        kyc::scan(&office.kyc, handed.case)
            .await
            .expect("asked twice");
        assert_eq!(
            fault(office.hand_in(&sari, &[(Kind::Selfie, 3)]).await),
            NOT_OPEN,
            "{kind}"
        );

        office.screened(user).await;
        assert_eq!(
            fault(
                office
                    .decide(&office.anna, handed.case, Verb::Approve)
                    .await
            ),
            BARRED,
            "{kind}: nobody knows yet who that is"
        );
        // Another name than she registered with: two persons have to look at it.
        let card = first.documents[0].id;
        office.put_card(&office.anna, card, "Wulandari", 1).await;
        assert_eq!(
            fault(
                office
                    .decide(&office.anna, handed.case, Verb::Approve)
                    .await
            ),
            NOT_SCREENED,
            "{kind}: no list is no clearance"
        );
        office.screened(user).await;
        let one = office
            .decide(&office.anna, handed.case, Verb::Approve)
            .await
            .expect(kind);
        assert!(
            one.awaiting_second && one.state == State::ReviewRequired,
            "{kind}: {one:?}"
        );
        assert_eq!(
            fault(
                office
                    .decide(&office.anna, handed.case, Verb::Approve)
                    .await
            ),
            FOUR_EYES,
            "{kind}"
        );
        assert_eq!(
            fault(office.decide(&office.anna, handed.case, Verb::Reject).await),
            REVIEWED,
            "{kind}"
        );
        assert_eq!(office.text(VERIFIED, user).await, "false", "{kind}");
        let two = office
            .decide(&office.bayu, handed.case, Verb::Approve)
            .await
            .expect(kind);
        assert_eq!(two.state, State::Approved, "{kind}");
        assert_eq!(office.text(VERIFIED, user).await, "true", "{kind}");

        let dispute = kyc::dispute(&office.kyc, &sari, None, "that is not my card")
            .await
            .expect(kind);
        for judge in [&office.anna, &office.bayu] {
            let judged = kyc::resolve(
                &office.kyc,
                judge,
                None,
                dispute,
                Outcome::Dismissed,
                "seen",
            )
            .await;
            assert_eq!(fault(judged), FOUR_EYES, "{kind}: both have approved");
        }
        let citra = office
            .house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        kyc::resolve(
            &office.kyc,
            &citra,
            None,
            dispute,
            Outcome::Dismissed,
            "seen",
        )
        .await
        .expect(kind);
        kyc::open_account(&office.kyc, user).await.expect(kind);
        let sent = office.core.sent();
        let [Body::Account(terms)] = sent.as_slice() else {
            panic!("{kind}: {sent:?}");
        };
        let account = terms.id.0;
        kyc::open_account(&office.kyc, user)
            .await
            .expect("asked twice");
        let opened = office
            .core
            .sent()
            .into_iter()
            .filter(|body| matches!(body, Body::Account(_)))
            .count();
        assert_eq!(opened, 1, "{kind}");
        let case = kyc::own_case(&office.kyc, &sari).await.expect(kind);
        assert_eq!(
            (case.state, case.account),
            (State::Approved, Some(account)),
            "{kind}"
        );
        assert!(
            case.findings.is_empty() && case.reviews.is_empty(),
            "{kind}: a client sees neither findings nor reviewers"
        );
    }
}

#[tokio::test]
async fn one_officer_is_enough_when_the_card_was_typed_and_nothing_is_odd() {
    for office in offices().await {
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        office
            .type_card(&office.anna, handed.documents[0].id, "SARI", 1)
            .await;
        let case = kyc::case(&office.kyc, &office.anna, handed.case)
            .await
            .expect("a case");
        assert!(!case.risky, "{:?}", case.findings);
        let decided = office
            .decide(&office.bayu, handed.case, Verb::Approve)
            .await
            .expect("approved");
        assert_eq!(decided.state, State::Approved);
    }
}

#[tokio::test]
async fn three_failed_attempts_with_different_documents_block_and_an_administrator_gives_one_more()
{
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let root = office
            .house
            .person(HOUSE, Role::SuperAdmin, None, "Ratna")
            .await;
        let mut case = None;
        for attempt in 0..3u32 {
            let handed = office.in_review(&sari, 10 * attempt + 1).await;
            let decided = office
                .decide(&office.anna, handed.case, Verb::Reject)
                .await
                .expect(kind);
            let expected = if attempt == 2 {
                State::Blocked
            } else {
                State::Rejected
            };
            assert_eq!(
                (decided.state, u32::from(decided.attempts_left)),
                (expected, 2 - attempt),
                "{kind}"
            );
            if attempt == 0 {
                assert_eq!(
                    fault(office.hand_in(&sari, &[(Kind::Ktp, 1)]).await),
                    SAME_DOCUMENT,
                    "{kind}"
                );
            }
            case = Some(handed.case);
        }
        let case = case.expect("a case");
        assert_eq!(
            fault(office.hand_in(&sari, &[(Kind::Ktp, 50)]).await),
            BLOCKED,
            "{kind}"
        );
        assert_eq!(
            fault(kyc::reopen(&office.kyc, &office.anna, None, case, "please", None).await),
            FORBIDDEN,
            "{kind}"
        );
        let again = kyc::reopen(&office.kyc, &root, None, case, "a bad scanner", None)
            .await
            .expect(kind);
        assert_eq!(
            (again.state, again.attempts_left),
            (State::PendingUpload, 1),
            "{kind}"
        );
        let handed = office.in_review(&sari, 60).await;
        let decided = office
            .decide(&office.anna, handed.case, Verb::Reject)
            .await
            .expect(kind);
        assert_eq!(decided.state, State::Blocked, "{kind}: one more, not three");
    }
}

#[tokio::test]
async fn a_dispute_freezes_at_once_and_whoever_decided_does_not_judge_it() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let user = sari.user().expect("a person");
        assert_eq!(
            fault(kyc::dispute(&office.kyc, &sari, None, "wrong").await),
            NO_DISPUTE,
            "{kind}"
        );
        let handed = office.in_review(&sari, 1).await;
        office
            .type_card(&office.anna, handed.documents[0].id, "Sari", 1)
            .await;
        office
            .decide(&office.anna, handed.case, Verb::Approve)
            .await
            .expect(kind);
        kyc::open_account(&office.kyc, user).await.expect(kind);

        let dispute = kyc::dispute(&office.kyc, &sari, None, "that is not my card")
            .await
            .expect(kind);
        assert_eq!(office.text(STATUS, user).await, "under_review", "{kind}");
        let locked = office.core.sent();
        assert!(
            matches!(locked.last(), Some(Body::Review(set)) if set.on),
            "{kind}: {locked:?}"
        );
        assert_eq!(
            fault(kyc::dispute(&office.kyc, &sari, None, "again").await),
            DISPUTED,
            "{kind}"
        );
        let ticket = kyc::one_dispute(&office.kyc, &office.anna, dispute)
            .await
            .expect(kind);
        assert_eq!(
            (ticket.priority.as_str(), ticket.due.0 - ticket.created.0),
            ("HIGH", 72 * 3_600 * 1_000_000_000),
            "{kind}"
        );

        let judge = kyc::resolve(
            &office.kyc,
            &office.anna,
            None,
            dispute,
            Outcome::Upheld,
            "seen",
        )
        .await;
        assert_eq!(fault(judge), FOUR_EYES, "{kind}");
        kyc::resolve(
            &office.kyc,
            &office.bayu,
            None,
            dispute,
            Outcome::Upheld,
            "it is another card",
        )
        .await
        .expect(kind);
        assert_eq!(office.text(STATUS, user).await, "active", "{kind}");
        assert_eq!(
            office.text(VERIFIED, user).await,
            "false",
            "{kind}: the approval is gone until there is another one"
        );
        let twice = kyc::resolve(
            &office.kyc,
            &office.bayu,
            None,
            dispute,
            Outcome::Dismissed,
            "seen",
        )
        .await;
        assert_eq!(fault(twice), NO_DISPUTE, "{kind}");
        assert_eq!(
            fault(
                office
                    .decide(&office.anna, handed.case, Verb::Approve)
                    .await
            ),
            REVIEWED,
            "{kind}: another person decides anew"
        );
    }
}

/// Whatever two officers do at the same moment, one decision counts.
#[tokio::test]
async fn officers_who_decide_at_the_same_moment_make_one_decision() {
    for office in offices().await {
        let kind = office.house.kind;
        for round in 0..8u32 {
            let name: &'static str = format!("Sari{round}").leak();
            let sari = office.house.client(name).await;
            let handed = office.in_review(&sari, 100 * round + 1).await;
            office
                .type_card(&office.anna, handed.documents[0].id, name, round)
                .await;
            let (approved, rejected) = tokio::join!(
                office.decide(&office.anna, handed.case, Verb::Approve),
                office.decide(&office.bayu, handed.case, Verb::Reject)
            );
            assert!(
                approved.is_ok() != rejected.is_ok(),
                "{kind}: {approved:?} and {rejected:?}"
            );
        }
    }
}

/// A client with two telephones has one case, and each document once.
#[tokio::test]
async fn uploads_at_the_same_moment_make_one_case() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let (card, selfie) = tokio::join!(
            office.hand_in(&sari, &[(Kind::Ktp, 1)]),
            office.hand_in(&sari, &[(Kind::Selfie, 2)])
        );
        let (card, selfie) = (card.expect(kind), selfie.expect(kind));
        assert_eq!(card.case, selfie.case, "{kind}");
        let done = [card.state, selfie.state]
            .into_iter()
            .filter(|state| *state == State::ProcessingOcr)
            .count();
        assert_eq!(done, 1, "{kind}: whoever came second completed it");
        let (one, two) = tokio::join!(
            office.hand_in(&sari, &[(Kind::Npwp, 3)]),
            office.hand_in(&sari, &[(Kind::Npwp, 3)])
        );
        assert!(
            one.is_err() && two.is_err(),
            "{kind}: what is complete takes nothing more"
        );
    }
}

/// An event that comes late, and an account that is opened late, leave nobody to trade who is disputed.
#[tokio::test]
async fn a_dispute_holds_whatever_comes_after_it() {
    for office in offices().await {
        let kind = office.house.kind;
        let locked = || matches!(office.core.sent().last(), Some(Body::Review(set)) if set.on);
        let sari = office.house.client("Sari").await;
        let user = sari.user().expect("a person");
        let handed = office.in_review(&sari, 1).await;
        office
            .type_card(&office.anna, handed.documents[0].id, "Sari", 1)
            .await;
        office
            .decide(&office.anna, handed.case, Verb::Approve)
            .await
            .expect(kind);
        let dispute = kyc::dispute(&office.kyc, &sari, None, "that is not my card")
            .await
            .expect(kind);
        kyc::open_account(&office.kyc, user).await.expect(kind);
        assert!(locked(), "{kind}: the account came after the dispute");
        kyc::open_account(&office.kyc, user).await.expect(kind);
        assert!(locked(), "{kind}: the approval is told a second time");
        kyc::resolve(
            &office.kyc,
            &office.bayu,
            None,
            dispute,
            Outcome::Upheld,
            "it is another card",
        )
        .await
        .expect(kind);
        kyc::open_account(&office.kyc, user).await.expect(kind);
        assert!(locked(), "{kind}: the approval does not stand");
    }
}

#[tokio::test]
async fn a_name_that_was_typed_is_looked_up_before_anybody_approves_it() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        let fields = siaga_platform::kyc::document::Fields {
            nama: Some("Sari".into()),
            nik: Some("3171015708850001".into()),
            ttl: Some("1985-08-17".into()),
            berlaku_sampai: Some("SEUMUR HIDUP".into()),
            ..Default::default()
        };
        kyc::type_fields(
            &office.kyc,
            &office.anna,
            None,
            handed.documents[0].id,
            fields,
            None,
        )
        .await
        .expect(kind);
        assert_eq!(
            fault(
                office
                    .decide(&office.bayu, handed.case, Verb::Approve)
                    .await
            ),
            NOT_SCREENED,
            "{kind}"
        );
        let user = sari.user().expect("a person");
        office.screened(user).await;
        let query = sqlx::query(
            "INSERT INTO aml_cases (id, org_id, kind, user_id, severity, created_at) VALUES ($1, $2, 'sanctions', $1, 'high', now())",
        );
        office
            .house
            .system(move |tx| tx.execute(query.bind(user).bind(HOUSE)))
            .await;
        let barred = fault(
            office
                .decide(&office.bayu, handed.case, Verb::Approve)
                .await,
        );
        assert_eq!(
            barred,
            siaga_platform::kyc::faults::BARRED,
            "{kind}: a case that was opened a moment ago counts"
        );
    }
}

#[tokio::test]
async fn reviewers_are_told_once_when_a_term_is_over() {
    for office in offices().await {
        let kind = office.house.kind;
        let system = siaga_platform::people::Principal::system("test");
        let told = "SELECT count(*) FROM crm_notices WHERE kind = 'sla'";
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        office
            .type_card(&office.anna, handed.documents[0].id, "Sari", 1)
            .await;
        assert_eq!(
            kyc::overdue::call(&office.kyc.platform).await.expect(kind),
            0,
            "{kind}"
        );
        // Fourteen days have more than 24 working hours, whatever the holidays.
        office.house.pass(14 * 24 * 3_600);
        assert_eq!(
            kyc::overdue::call(&office.kyc.platform).await.expect(kind),
            1,
            "{kind}"
        );
        assert_eq!(
            kyc::overdue::call(&office.kyc.platform).await.expect(kind),
            0,
            "{kind}: once"
        );
        assert_eq!(
            office.house.count(&system, told).await,
            3,
            "{kind}: Anna, Bayu and the owner"
        );
        office
            .decide(&office.bayu, handed.case, Verb::Approve)
            .await
            .expect(kind);
        kyc::dispute(&office.kyc, &sari, None, "that is not my card")
            .await
            .expect(kind);
        office.house.pass(72 * 3_600 - 60);
        assert_eq!(
            kyc::overdue::call(&office.kyc.platform).await.expect(kind),
            0,
            "{kind}: a minute is left"
        );
        office.house.pass(120);
        assert_eq!(
            kyc::overdue::call(&office.kyc.platform).await.expect(kind),
            1,
            "{kind}"
        );
        assert_eq!(office.house.count(&system, told).await, 6, "{kind}");
    }
}

#[tokio::test]
async fn documents_of_a_client_who_left_end_after_five_years() {
    for office in offices().await {
        let kind = office.house.kind;
        let system = siaga_platform::people::Principal::system("test");
        let files = "SELECT count(*) FROM kyc_documents WHERE file_url IS NOT NULL";
        let (sari, budi) = (
            office.house.client("Sari").await,
            office.house.client("Budi").await,
        );
        office.in_review(&sari, 1).await;
        office.in_review(&budi, 10).await;
        let (user, at) = (
            sari.user().expect("a person"),
            siaga_platform::values::bound(office.house.platform.now()),
        );
        let left = sqlx::query(
            "INSERT INTO subject_requests (id, org_id, subject_id, kind, status, requested_by, created_at, due_at, done_at)
             VALUES ($1, $2, $1, 'erasure', 'done', 'test', $3, $3, $3)",
        );
        office
            .house
            .system(move |tx| tx.execute(left.bind(user).bind(HOUSE).bind(at)))
            .await;
        let categories = siaga_platform::handlers::engines().categories;
        siaga_platform::retention::run(&office.kyc.platform, &categories)
            .await
            .expect(kind);
        assert_eq!(
            office.house.count(&system, files).await,
            4,
            "{kind}: its term runs"
        );
        let long_ago =
            "UPDATE subject_requests SET done_at = done_at - interval '1828 days'".to_owned();
        assert_eq!(
            office.house.attempt(&system, long_ago).await,
            Ok(1),
            "{kind}"
        );
        siaga_platform::retention::run(&office.kyc.platform, &categories)
            .await
            .expect(kind);
        assert_eq!(
            office.house.count(&system, files).await,
            2,
            "{kind}: Budi's stay"
        );
        let dropped = "SELECT count(*) FROM events WHERE type = 'kyc.files_dropped' AND jsonb_array_length(payload -> 'paths') = 2";
        assert_eq!(office.house.count(&system, dropped).await, 1, "{kind}");
    }
}

#[tokio::test]
async fn a_document_that_ran_out_while_it_waited_is_not_approved() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        let fields = siaga_platform::kyc::document::Fields {
            nama: Some("Sari".into()),
            nik: Some("3171015708850001".into()),
            ttl: Some("1985-08-17".into()),
            // A day more than six months from the first day of this house, and a day less from the third.
            berlaku_sampai: Some("2027-05-16".into()),
            kewarganegaraan: Some("SGP".into()),
            ..Default::default()
        };
        kyc::type_fields(
            &office.kyc,
            &office.anna,
            None,
            handed.documents[0].id,
            fields,
            None,
        )
        .await
        .expect(kind);
        office.screened(sari.user().expect("a person")).await;
        let case = kyc::case(&office.kyc, &office.anna, handed.case)
            .await
            .expect(kind);
        assert!(!case.risky, "{kind}: {:?}", case.findings);
        office.house.pass(2 * 24 * 3_600);
        let late = fault(
            office
                .decide(&office.bayu, handed.case, Verb::Approve)
                .await,
        );
        assert_eq!(late, siaga_platform::kyc::faults::BARRED, "{kind}");
    }
}

/// A client replaces what was refused; the rest, and what was read on it, goes on into the next attempt.
#[tokio::test]
async fn after_a_refusal_only_what_was_refused_is_handed_in_again() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        let (card, selfie) = (handed.documents[0].id, handed.documents[1].id);
        office.type_card(&office.anna, card, "Sari", 1).await;
        let refuse = |document| kyc::Decision {
            on: kyc::On::Document(document),
            verb: Verb::Reject,
            notes: "the face is in the dark".into(),
            reason: Reason::ImageUnreadable,
            revision: None,
        };
        kyc::decide(&office.kyc, &office.anna, None, refuse(selfie))
            .await
            .expect(kind);
        let case = kyc::own_case(&office.kyc, &sari).await.expect(kind);
        assert_eq!(
            (case.state, case.missing),
            (State::Rejected, vec![Kind::Selfie]),
            "{kind}"
        );
        for same in [(Kind::Selfie, 2), (Kind::Ktp, 1)] {
            assert_eq!(
                fault(office.hand_in(&sari, &[same]).await),
                SAME_DOCUMENT,
                "{kind}"
            );
        }
        let again = office
            .hand_in(&sari, &[(Kind::Selfie, 3)])
            .await
            .expect(kind);
        assert_eq!(
            (again.state, again.attempts_left),
            (State::ProcessingOcr, 2),
            "{kind}"
        );
        kyc::scan(&office.kyc, again.case).await.expect(kind);
        office.screened(sari.user().expect("a person")).await;
        let seen = kyc::case(&office.kyc, &office.bayu, again.case)
            .await
            .expect(kind);
        // The clock stands still here, so nothing says which came first.
        let documents: BTreeSet<_> = seen.documents.iter().map(|document| document.id).collect();
        assert_eq!(
            (seen.attempt, documents),
            (2, BTreeSet::from([card, again.documents[0].id])),
            "{kind}"
        );
        assert!(
            !seen.risky,
            "{kind}: what was typed came along: {:?}",
            seen.findings
        );
        // A second refusal, of the card: the new selfie stays.
        kyc::decide(&office.kyc, &office.bayu, None, refuse(card))
            .await
            .expect(kind);
        let case = kyc::own_case(&office.kyc, &sari).await.expect(kind);
        assert_eq!(case.missing, [Kind::Ktp], "{kind}");
        let last = office.hand_in(&sari, &[(Kind::Ktp, 4)]).await.expect(kind);
        assert_eq!(
            (last.state, last.attempts_left),
            (State::ProcessingOcr, 1),
            "{kind}"
        );
    }
}

/// Sales count every failure, and the last one, which is told as the block that it makes.
#[tokio::test]
async fn every_failed_attempt_is_counted_at_the_lead() {
    for office in offices().await {
        let (house, kind) = (&office.house, office.house.kind);
        let sari = house.client("Sari").await;
        let words = told(None, Some("sari@contoh.id"), Some("Sari"));
        let lead = take(house, words).await.lead;
        assert_eq!(seen(house, lead).await.lead.user, sari.user(), "{kind}");
        let handlers = Handlers {
            subscribers: vec![Arc::new(Follow)],
            ..Handlers::default()
        };
        let publisher = Publisher::new(&office.kyc.platform, handlers);
        for attempt in 0..3u32 {
            let handed = office.in_review(&sari, 10 * attempt + 1).await;
            office
                .decide(&office.anna, handed.case, Verb::Reject)
                .await
                .expect(kind);
            while publisher.step().await.expect(kind) > 0 {}
            let figures = view::dashboard(&house.platform, &Principal::owner())
                .await
                .expect(kind);
            assert_eq!(figures.kyc, (0, i64::from(attempt) + 1), "{kind}");
        }
    }
}
