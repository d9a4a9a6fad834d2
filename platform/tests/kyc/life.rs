//! The life of a case.

use siaga_platform::ids::HOUSE;
use siaga_platform::kyc::document::Kind;
use siaga_platform::kyc::faults::{BLOCKED, DISPUTED, NOT_OPEN, NOT_SCREENED, NO_DISPUTE, REVIEWED, SAME_DOCUMENT};
use siaga_platform::kyc::state::State;
use siaga_platform::kyc::{self, Outcome, Verb};
use siaga_platform::people::Role;
use siaga_platform::refusal::{FORBIDDEN, FOUR_EYES};
use siaga_risk::event::Body;

use super::office::{fault, offices};

const STATUS: &str = "SELECT status FROM users WHERE id = $1";
const VERIFIED: &str = "SELECT verified::text FROM users WHERE id = $1";

#[tokio::test]
async fn two_officers_verify_a_client_whom_no_machine_could_read_and_the_account_opens_once() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let user = sari.user().expect("a person");
        let first = office.hand_in(&sari, &[(Kind::Ktp, 1)]).await.expect(kind);
        assert_eq!((first.state, first.missing), (State::PendingUpload, vec![Kind::Selfie]));
        let handed = office.hand_in(&sari, &[(Kind::Selfie, 2)]).await.expect(kind);
        assert_eq!(handed.state, State::ProcessingOcr, "{kind}");
        kyc::scan(&office.kyc, handed.case).await.expect(kind);
        kyc::scan(&office.kyc, handed.case).await.expect("asked twice");
        assert_eq!(fault(office.hand_in(&sari, &[(Kind::Selfie, 3)]).await), NOT_OPEN, "{kind}");

        assert_eq!(fault(office.decide(&office.anna, handed.case, Verb::Approve).await), NOT_SCREENED, "{kind}: no list is no clearance");
        office.screened(user).await;
        let one = office.decide(&office.anna, handed.case, Verb::Approve).await.expect(kind);
        assert!(one.awaiting_second && one.state == State::ReviewRequired, "{kind}: {one:?}");
        assert_eq!(fault(office.decide(&office.anna, handed.case, Verb::Approve).await), FOUR_EYES, "{kind}");
        assert_eq!(fault(office.decide(&office.anna, handed.case, Verb::Reject).await), REVIEWED, "{kind}");
        assert_eq!(office.text(VERIFIED, user).await, "false", "{kind}");
        let two = office.decide(&office.bayu, handed.case, Verb::Approve).await.expect(kind);
        assert_eq!(two.state, State::Approved, "{kind}");
        assert_eq!(office.text(VERIFIED, user).await, "true", "{kind}");

        kyc::open_account(&office.kyc, user).await.expect(kind);
        let sent = office.core.sent();
        let [Body::Account(terms)] = sent.as_slice() else {
            panic!("{kind}: {sent:?}");
        };
        let account = terms.id.0;
        kyc::open_account(&office.kyc, user).await.expect("asked twice");
        let opened = office.core.sent().into_iter().filter(|body| matches!(body, Body::Account(_))).count();
        assert_eq!(opened, 1, "{kind}");
        let case = kyc::own_case(&office.kyc, &sari).await.expect(kind);
        assert_eq!((case.state, case.account), (State::Approved, Some(account)), "{kind}");
        assert!(case.findings.is_empty() && case.reviews.is_empty(), "{kind}: a client sees neither findings nor reviewers");
    }
}

#[tokio::test]
async fn one_officer_is_enough_when_the_card_was_typed_and_nothing_is_odd() {
    for office in offices().await {
        let sari = office.house.client("Sari").await;
        let handed = office.in_review(&sari, 1).await;
        office.type_card(&office.anna, handed.documents[0].id, "SARI", 1).await;
        let case = kyc::case(&office.kyc, &office.anna, handed.case).await.expect("a case");
        assert!(!case.risky, "{:?}", case.findings);
        let decided = office.decide(&office.bayu, handed.case, Verb::Approve).await.expect("approved");
        assert_eq!(decided.state, State::Approved);
    }
}

#[tokio::test]
async fn three_failed_attempts_with_different_documents_block_and_an_administrator_gives_one_more() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let root = office.house.person(HOUSE, Role::SuperAdmin, None, "Ratna").await;
        let mut case = None;
        for attempt in 0..3u32 {
            let handed = office.in_review(&sari, 10 * attempt + 1).await;
            let decided = office.decide(&office.anna, handed.case, Verb::Reject).await.expect(kind);
            let expected = if attempt == 2 { State::Blocked } else { State::Rejected };
            assert_eq!((decided.state, u32::from(decided.attempts_left)), (expected, 2 - attempt), "{kind}");
            if attempt == 0 {
                assert_eq!(fault(office.hand_in(&sari, &[(Kind::Ktp, 1)]).await), SAME_DOCUMENT, "{kind}");
            }
            case = Some(handed.case);
        }
        let case = case.expect("a case");
        assert_eq!(fault(office.hand_in(&sari, &[(Kind::Ktp, 50)]).await), BLOCKED, "{kind}");
        assert_eq!(fault(kyc::reopen(&office.kyc, &office.anna, None, case, "please", None).await), FORBIDDEN, "{kind}");
        let again = kyc::reopen(&office.kyc, &root, None, case, "a bad scanner", None).await.expect(kind);
        assert_eq!((again.state, again.attempts_left), (State::PendingUpload, 1), "{kind}");
        let handed = office.in_review(&sari, 60).await;
        let decided = office.decide(&office.anna, handed.case, Verb::Reject).await.expect(kind);
        assert_eq!(decided.state, State::Blocked, "{kind}: one more, not three");
    }
}

#[tokio::test]
async fn a_dispute_freezes_at_once_and_whoever_decided_does_not_judge_it() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let user = sari.user().expect("a person");
        assert_eq!(fault(kyc::dispute(&office.kyc, &sari, None, "wrong").await), NO_DISPUTE, "{kind}");
        let handed = office.in_review(&sari, 1).await;
        office.type_card(&office.anna, handed.documents[0].id, "Sari", 1).await;
        office.decide(&office.anna, handed.case, Verb::Approve).await.expect(kind);
        kyc::open_account(&office.kyc, user).await.expect(kind);

        let dispute = kyc::dispute(&office.kyc, &sari, None, "that is not my card").await.expect(kind);
        assert_eq!(office.text(STATUS, user).await, "under_review", "{kind}");
        let locked = office.core.sent();
        assert!(matches!(locked.last(), Some(Body::Review(set)) if set.on), "{kind}: {locked:?}");
        assert_eq!(fault(kyc::dispute(&office.kyc, &sari, None, "again").await), DISPUTED, "{kind}");
        let ticket = kyc::one_dispute(&office.kyc, &office.anna, dispute).await.expect(kind);
        assert_eq!((ticket.priority.as_str(), ticket.due.0 - ticket.created.0), ("HIGH", 72 * 3_600 * 1_000_000_000), "{kind}");

        let judge = kyc::resolve(&office.kyc, &office.anna, None, dispute, Outcome::Upheld, "seen").await;
        assert_eq!(fault(judge), FOUR_EYES, "{kind}");
        kyc::resolve(&office.kyc, &office.bayu, None, dispute, Outcome::Upheld, "it is another card").await.expect(kind);
        assert_eq!(office.text(STATUS, user).await, "active", "{kind}");
        assert_eq!(office.text(VERIFIED, user).await, "false", "{kind}: the approval is gone until there is another one");
        let twice = kyc::resolve(&office.kyc, &office.bayu, None, dispute, Outcome::Dismissed, "seen").await;
        assert_eq!(fault(twice), NO_DISPUTE, "{kind}");
        assert_eq!(fault(office.decide(&office.anna, handed.case, Verb::Approve).await), REVIEWED, "{kind}: another person decides anew");
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
            office.type_card(&office.anna, handed.documents[0].id, name, round).await;
            let (approved, rejected) = tokio::join!(
                office.decide(&office.anna, handed.case, Verb::Approve),
                office.decide(&office.bayu, handed.case, Verb::Reject)
            );
            assert!(approved.is_ok() != rejected.is_ok(), "{kind}: {approved:?} and {rejected:?}");
        }
    }
}

/// A client with two telephones has one case, and each document once.
#[tokio::test]
async fn uploads_at_the_same_moment_make_one_case() {
    for office in offices().await {
        let kind = office.house.kind;
        let sari = office.house.client("Sari").await;
        let (card, selfie) = tokio::join!(office.hand_in(&sari, &[(Kind::Ktp, 1)]), office.hand_in(&sari, &[(Kind::Selfie, 2)]));
        let (card, selfie) = (card.expect(kind), selfie.expect(kind));
        assert_eq!(card.case, selfie.case, "{kind}");
        let done = [card.state, selfie.state].into_iter().filter(|state| *state == State::ProcessingOcr).count();
        assert_eq!(done, 1, "{kind}: whoever came second completed it");
        let (one, two) = tokio::join!(office.hand_in(&sari, &[(Kind::Npwp, 3)]), office.hand_in(&sari, &[(Kind::Npwp, 3)]));
        assert!(one.is_err() && two.is_err(), "{kind}: what is complete takes nothing more");
    }
}
