//! Leads come in: one a person, however often and in whatever form they come.

use siaga_platform::crm::capture::{self, Capture, Captured, Outcome};
use siaga_platform::crm::faults::{BAD_SIGNATURE, NO_CONTACT};
use siaga_platform::crm::{moves, notice, signature, sources, undo, view};
use siaga_platform::ids::new_id;
use siaga_platform::page::Paging;
use siaga_platform::people::Principal;
use siaga_platform::refusal::{KEY_REUSED, Refusal};
use siaga_platform::unit::Platform;
use siaga_risk::units::SECOND_NS;

use super::floor::{agent, happen, number, seen, take, told};
use crate::ground::desk::houses;

/// A caller who is told that the database is busy asks again, as the answer says.
async fn patiently(platform: Platform, told: Capture) -> Result<Captured, Refusal> {
    for _ in 0..ASKED_AGAIN_MAX {
        match capture::capture(&platform, &Principal::owner(), told.clone()).await {
            Err(Refusal::Db(error)) if error.may_retry() => {}
            answered => return answered,
        }
    }
    capture::capture(&platform, &Principal::owner(), told).await
}

/// Each waits two seconds for a connection: a minute, on a machine with much else to do.
const ASKED_AGAIN_MAX: u32 = 30;

#[tokio::test]
async fn a_hundred_captures_of_one_person_at_once_are_one_lead() {
    for house in houses().await {
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..100 {
            let platform = house.platform.clone();
            // Three forms of one number, an address, and both: whichever comes first.
            let capture = match n % 5 {
                0 => told(Some("0812-3456-7842"), None, Some("Siti")),
                1 => told(Some("+62 812 3456 7842"), None, None),
                2 => told(Some("6281234567842"), Some("Siti@Contoh.ID"), None),
                3 => told(None, Some("siti@contoh.id"), Some("Siti Nurhaliza")),
                _ => told(Some("081234567842"), Some("siti@contoh.id"), None),
            };
            tasks.spawn(patiently(platform, capture));
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no panic")
                .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
        }
        let system = Principal::system("test");
        let kind = house.kind;
        assert_eq!(
            house
                .count(&system, "SELECT count(*) FROM leads WHERE status = 'open'")
                .await,
            1,
            "{kind}"
        );
        assert_eq!(house.count(&system, "SELECT count(*) FROM leads WHERE phone_index IS NOT NULL AND email_index IS NOT NULL").await, 1, "{kind}");
        assert_eq!(
            house
                .count(&system, "SELECT count(*) FROM lead_captures")
                .await,
            100,
            "{kind}"
        );
        assert!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM lead_captures WHERE outcome = 'created'"
                )
                .await
                <= 2,
            "{kind}: number and address may begin apart"
        );
    }
}

#[tokio::test]
async fn the_newest_word_wins_field_by_field_and_the_old_number_stays_in_the_history() {
    for house in houses().await {
        let sales = agent(&house, None, "Ayu").await;
        let first = take(
            &house,
            told(Some(&number(1)), Some("sari@contoh.id"), Some("Sari")),
        )
        .await;
        house.pass(60);
        let again = take(&house, told(Some(&number(2)), Some("sari@contoh.id"), None)).await;
        assert_eq!((again.lead, again.outcome), (first.lead, Outcome::Merged));
        let mut stale = told(Some(&number(2)), None, Some("S."));
        stale.observed = Some(siaga_risk::units::Ts(SECOND_NS));
        take(&house, stale).await;
        let lead = seen(&house, first.lead).await;
        assert_eq!(lead.known.phone.as_deref(), Some(number(2).as_str()));
        assert_eq!(
            lead.known.name.as_deref(),
            Some("Sari"),
            "{}: an older word changes nothing",
            house.kind
        );
        let page = Paging::of(None, None).expect("a page");
        let timeline = view::timeline(&house.platform, &sales, first.lead, page)
            .await
            .expect("the timeline");
        assert!(
            timeline
                .lines
                .items
                .iter()
                .any(|line| line.kind == "contact"
                    && line.text.as_deref() == Some(number(1).as_str()))
        );
        let told = notice::list(&house.platform, &sales, true, page)
            .await
            .expect("notices");
        assert!(
            told.items.iter().any(|notice| notice.kind == "merged"),
            "{}: the assigned agent is told",
            house.kind
        );
    }
}

#[tokio::test]
async fn two_leads_become_one_and_two_again() {
    for house in houses().await {
        let by_phone = take(&house, told(Some(&number(1)), None, Some("Budi"))).await;
        house.pass(60);
        let by_mail = take(
            &house,
            told(None, Some("budi@contoh.id"), Some("Budi Santoso")),
        )
        .await;
        assert_ne!(by_phone.lead, by_mail.lead);
        house.pass(60);
        let both = take(&house, told(Some(&number(1)), Some("budi@contoh.id"), None)).await;
        assert_eq!((both.lead, both.outcome), (by_phone.lead, Outcome::Joined));
        let lead = seen(&house, both.lead).await;
        assert_eq!(
            lead.known.name.as_deref(),
            Some("Budi Santoso"),
            "{}",
            house.kind
        );
        assert_eq!(lead.known.email.as_deref(), Some("budi@contoh.id"));
        let other = seen(&house, by_mail.lead).await;
        assert_eq!(other.lead.merged_into, Some(both.lead));
        let page = Paging::of(None, None).expect("a page");
        let timeline = view::timeline(&house.platform, &Principal::owner(), both.lead, page)
            .await
            .expect("the timeline");
        let captured = timeline
            .lines
            .items
            .iter()
            .filter(|line| line.kind == "captured")
            .count();
        assert_eq!(
            captured, 2,
            "{}: both beginnings are in one timeline",
            house.kind
        );
        let joined = timeline
            .lines
            .items
            .iter()
            .find(|line| line.kind == "joined")
            .expect("a join");
        let merge = joined.detail["merge_id"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("its key");
        let kept = undo::undo(
            &house.platform,
            &Principal::owner(),
            None,
            merge,
            "two brothers".into(),
        )
        .await;
        assert_eq!(
            kept.unwrap_or_else(|error| panic!("{}: {error}", house.kind)),
            both.lead
        );
        let (one, two) = (
            seen(&house, by_phone.lead).await,
            seen(&house, by_mail.lead).await,
        );
        assert_eq!(
            (one.known.name.as_deref(), one.known.email.as_deref()),
            (Some("Budi"), None)
        );
        assert_eq!(two.known.email.as_deref(), Some("budi@contoh.id"));
        assert_ne!(one.lead.subject, two.lead.subject);
        assert!(
            undo::undo(
                &house.platform,
                &Principal::owner(),
                None,
                merge,
                "again".into()
            )
            .await
            .is_err()
        );
    }
}

#[tokio::test]
async fn a_hook_is_taken_once_and_only_with_its_signature() {
    for house in houses().await {
        let (source, secret) = sources::add(
            &house.platform,
            &Principal::owner(),
            None,
            "landing".into(),
            "web".into(),
        )
        .await
        .expect("a source");
        let body = br#"{"phone":"081234567842"}"#;
        let seconds = house.platform.now().0 / SECOND_NS;
        let header = signature::sign(secret.as_bytes(), seconds, body);
        let deliver =
            async |header: String| sources::verify(&house.platform, source.id, &header, body).await;
        let first = deliver(header.clone())
            .await
            .expect("signed")
            .take(&house.platform, told(Some("081234567842"), None, None))
            .await
            .expect("taken");
        let again = deliver(header.clone())
            .await
            .expect("signed")
            .take(&house.platform, told(Some("081234567842"), None, None))
            .await
            .expect("taken");
        assert_eq!(
            (first, first.outcome),
            (again, Outcome::Created),
            "{}: the first answer again",
            house.kind
        );
        let forged = signature::sign(b"whsec_guess", seconds, body);
        let forged = deliver(forged).await.expect_err("forged");
        assert_eq!(forged.fault(), Some(BAD_SIGNATURE));
        house.pass(signature::TOLERANCE_S + 1);
        assert_eq!(
            deliver(header).await.expect_err("old").fault(),
            Some(BAD_SIGNATURE)
        );
        let late = deliver(signature::sign(b"whsec_guess", seconds, body)).await;
        let nobody = sources::verify(&house.platform, new_id(house.platform.now()), "", body).await;
        let nobody = nobody.expect_err("unknown").to_string();
        for known in [forged, late.expect_err("late")] {
            assert_eq!(
                known.to_string(),
                nobody,
                "{}: nobody learns that the source exists",
                house.kind
            );
        }
    }
}

#[tokio::test]
async fn a_request_key_is_bound_to_its_request_and_a_contact_to_its_lead() {
    for house in houses().await {
        let mut one = told(Some(&number(1)), None, None);
        one.receipt = Some(("k1".into(), [1; 32]));
        let first = take(&house, one.clone()).await;
        assert_eq!(take(&house, one.clone()).await, first);
        one.receipt = Some(("k1".into(), [2; 32]));
        let reused = capture::capture(&house.platform, &Principal::owner(), one).await;
        assert_eq!(reused.expect_err("reused").fault(), Some(KEY_REUSED));
        let nothing = capture::capture(
            &house.platform,
            &Principal::owner(),
            told(None, None, Some("Budi")),
        )
        .await;
        assert_eq!(nothing.expect_err("no contact").fault(), Some(NO_CONTACT));
        let other = take(&house, told(Some(&number(2)), None, None)).await;
        let edit = moves::Edit {
            phone: Some(number(1)),
            ..moves::Edit::default()
        };
        let taken = moves::edit(&house.platform, &Principal::owner(), None, other.lead, edit).await;
        assert_eq!(
            taken.expect_err("taken").fault(),
            Some(siaga_platform::crm::faults::DUPLICATE),
            "{}",
            house.kind
        );
    }
}

#[tokio::test]
async fn what_a_registration_alone_brought_goes_with_who_registered_and_is_read_by_nobody_unproved()
{
    for house in houses().await {
        let (kind, system) = (house.kind, Principal::system("test"));
        let mut pending = Vec::new();
        for name in ["Sari", "Budi"] {
            let client = house.client(name).await;
            let user = client.user().expect("a person");
            house
                .system(move |tx| {
                    tx.execute(
                        sqlx::query("UPDATE users SET status = 'pending' WHERE id = $1").bind(user),
                    )
                })
                .await;
            happen(
                &house.platform,
                "user.registered",
                user,
                serde_json::json!({"user_id": user}),
            )
            .await;
            pending.push((client, user));
        }
        let bound = "SELECT count(*) FROM leads AS l JOIN users AS u ON u.id = l.subject_id WHERE l.user_id IS NULL";
        assert_eq!(
            house.count(&system, bound).await,
            2,
            "{kind}: sealed under their own keys, and bound to nobody yet"
        );
        // Somebody else says more about the address that Budi typed.
        let more = take(
            &house,
            told(None, Some("budi@contoh.id"), Some("Budi Santoso")),
        )
        .await;
        let lead = seen(&house, more.lead).await;
        assert_eq!(
            (
                lead.known.name.as_deref(),
                lead.lead.subject == pending[1].1
            ),
            (Some("Budi Santoso"), false),
            "{kind}"
        );
        let stores = siaga_platform::handlers::engines().stores;
        let given =
            siaga_platform::erasure::export(&house.platform, &pending[1].0, &stores, pending[1].1)
                .await
                .expect(kind);
        assert!(
            !given.to_string().contains("Santoso"),
            "{kind}: who proved nothing reads nothing of it"
        );
        let ask = siaga_platform::erasure::request(
            &house.platform,
            &pending[0].0,
            pending[0].1,
            siaga_platform::erasure::Kind::Erasure,
        );
        ask.await.expect(kind);
        assert_eq!(
            siaga_platform::erasure::erase_due(&house.platform, &stores)
                .await
                .expect(kind),
            1
        );
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM leads WHERE data = '{}' AND status = 'lost'"
                )
                .await,
            1,
            "{kind}: Sari's lead is gone with her"
        );
        assert_eq!(
            seen(&house, more.lead).await.known.name.as_deref(),
            Some("Budi Santoso"),
            "{kind}: the other one stands"
        );
    }
}

#[tokio::test]
async fn a_no_stays_a_no_when_the_lead_becomes_a_client() {
    for house in houses().await {
        let kind = house.kind;
        let lead = take(&house, told(None, Some("sari@contoh.id"), Some("Sari")))
            .await
            .lead;
        let subject = seen(&house, lead).await.lead.subject;
        let owner = Principal::owner();
        let done = house.platform.command(&owner, move |unit| {
            siaga_platform::consent::record(
                unit,
                subject,
                "marketing_email",
                false,
                "telephone",
                "1",
            )?;
            siaga_platform::consent::record(unit, subject, "profiling", true, "telephone", "1")
        });
        done.await.expect(kind);
        let user = house.client("Sari").await.user().expect("a person");
        happen(
            &house.platform,
            "user.status_changed",
            user,
            serde_json::json!({"user_id": user, "to": "active"}),
        )
        .await;
        assert_eq!(seen(&house, lead).await.lead.user, Some(user), "{kind}");
        let said = house
            .platform
            .read(&Principal::owner(), move |tx| {
                siaga_platform::consent::standing(tx, user)
            })
            .await
            .expect(kind);
        let said: Vec<(&str, bool)> = said
            .iter()
            .map(|consent| (consent.purpose.as_str(), consent.granted))
            .collect();
        assert_eq!(
            said,
            [("marketing_email", false)],
            "{kind}: a yes is asked for anew"
        );
    }
}

#[tokio::test]
async fn two_clients_stay_two_whatever_is_typed_into_a_form() {
    for house in houses().await {
        let kind = house.kind;
        let mut leads = Vec::new();
        for (n, name) in ["Sari", "Budi"].into_iter().enumerate() {
            house.client(name).await;
            let email = format!("{}@contoh.id", name.to_lowercase());
            let phone = number(u32::try_from(n).expect("small"));
            leads.push(
                take(&house, told(Some(&phone), Some(&email), Some(name)))
                    .await
                    .lead,
            );
        }
        let mixed = take(
            &house,
            told(Some(&number(0)), Some("budi@contoh.id"), Some("Sari Budi")),
        )
        .await;
        assert_eq!(mixed.outcome, Outcome::Merged, "{kind}");
        let (sari, budi) = (seen(&house, leads[0]).await, seen(&house, leads[1]).await);
        assert_eq!(
            (sari.known.phone, sari.known.email.as_deref()),
            (Some(number(0)), Some("sari@contoh.id")),
            "{kind}"
        );
        assert_eq!(
            (budi.known.phone, budi.known.email.as_deref()),
            (Some(number(1)), Some("budi@contoh.id")),
            "{kind}"
        );
        assert_eq!(
            house
                .count(
                    &Principal::system("test"),
                    "SELECT count(*) FROM leads WHERE status = 'merged'"
                )
                .await,
            0,
            "{kind}"
        );
    }
}
