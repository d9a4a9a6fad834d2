//! Why an account is under review, and files that an end of the program left behind.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use siaga_platform::accounts::demo;
use siaga_platform::aml::case::Status;
use siaga_platform::aml::screen::{self, Cause};
use siaga_platform::aml::{cases, sanctions};
use siaga_platform::identity::messenger::{Channel, Message, Messenger, Sending};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::kyc::faults::{STORE, UNDER_REVIEW};
use siaga_platform::kyc::{self, AccountPlan, Kyc, Outcome, Verb};
use siaga_platform::outbox::{Handlers, Publisher};
use siaga_platform::people::{Principal, Role};
use siaga_platform::values::bound;
use siaga_risk::event::Body;
use siaga_risk::ids::AccountId;
use siaga_risk::units::{Leverage, Money, SECOND_NS, Ts};
use uuid::Uuid;

use super::office::{Office, fault, offices};

/// A verified client with an account of the core.
async fn verified(office: &Office, name: &'static str) -> (Principal, AccountId) {
    let kind = office.house.kind;
    let client = office.house.client(name).await;
    let handed = office.in_review(&client, 1).await;
    office
        .type_card(&office.anna, handed.documents[0].id, name, 1)
        .await;
    office
        .decide(&office.anna, handed.case, Verb::Approve)
        .await
        .expect(kind);
    kyc::open_account(&office.kyc, client.user().expect("a person"))
        .await
        .expect(kind);
    let case = kyc::own_case(&office.kyc, &client).await.expect(kind);
    (client, AccountId(case.account.expect("an account")))
}

/// What the core was last told about the review of an account.
fn review(office: &Office) -> Option<bool> {
    let told = office.core.sent();
    told.into_iter().rev().find_map(|body| match body {
        Body::Review(set) => Some(set.on),
        _ => None,
    })
}

/// The desk sets or ends a review, as the core's outputs say it in the audit log.
async fn by_desk(office: &Office, account: AccountId, action: &'static str) {
    let at = office.house.platform.now();
    let query = sqlx::query(
        "INSERT INTO audit_log (created_at, actor_id, action, entity_type, entity_id, source_seq, source_index) VALUES ($1, 'core:5', $2, 'account', $3, $4, 0)",
    );
    let query = query
        .bind(bound(at))
        .bind(action)
        .bind(account.0.to_string())
        .bind(i64::try_from(at.0 / 1_000).expect("an instant"));
    office.house.system(move |tx| tx.execute(query)).await;
}

#[tokio::test]
async fn the_end_of_a_dispute_leaves_the_review_that_the_desk_set() {
    for office in offices().await {
        let kind = office.house.kind;
        let (sari, account) = verified(&office, "Sari").await;
        let user = sari.user().expect("a person");
        for (set, ends) in [
            (None, true),
            (Some("account.review_started"), false),
            (Some("account.review_ended"), true),
        ] {
            if let Some(action) = set {
                by_desk(&office, account, action).await;
            }
            let dispute = kyc::dispute(&office.kyc, &sari, None, "that is not my card")
                .await
                .expect(kind);
            assert_eq!(review(&office), Some(true), "{kind}");
            let refused = kyc::may_end_review(&office.kyc.platform, account).await;
            assert_eq!(fault(refused), UNDER_REVIEW, "{kind}: a dispute is open");
            kyc::resolve(
                &office.kyc,
                &office.bayu,
                None,
                dispute,
                Outcome::Dismissed,
                "seen",
            )
            .await
            .expect(kind);
            kyc::open_account(&office.kyc, user).await.expect(kind);
            assert_eq!(review(&office), Some(!ends), "{kind}: {set:?}");
            kyc::may_end_review(&office.kyc.platform, account)
                .await
                .expect(kind);
        }
    }
}

/// Accounts that the core was told to put under review, or not any more.
fn reviewed(office: &Office, wanted: bool) -> Vec<u32> {
    let told = office.core.sent().into_iter();
    let accounts = told.filter_map(|body| match body {
        Body::Review(set) if set.on == wanted => Some(set.account.0),
        _ => None,
    });
    accounts.collect()
}

#[tokio::test]
async fn play_money_is_locked_with_the_rest_from_when_it_is_there() {
    for office in offices().await {
        let kind = office.house.kind;
        let (sari, account) = verified(&office, "Sari").await;
        let user = sari.user().expect("a person");
        let open = async || {
            let plan = AccountPlan::default();
            let platform = &office.kyc.platform;
            demo::open(platform, &sari, &plan, Money(1_000_000), Leverage::NONE).await
        };
        // Its number is given, and the core did not answer: there is no such account there.
        office
            .house
            .system(move |tx| {
                let query = sqlx::query(
                    "INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id, account_type) VALUES (2500000, 'siaga', '2500000', $1, $2, 'demo')",
                );
                tx.execute(query.bind(user).bind(HOUSE))
            })
            .await;
        let dispute = kyc::dispute(&office.kyc, &sari, None, "that is not my card")
            .await
            .expect(kind);
        assert_eq!(reviewed(&office, true), [account.0], "{kind}: what is open");
        assert_eq!(open().await.expect(kind), 2_500_000, "{kind}");
        assert!(reviewed(&office, true).contains(&2_500_000), "{kind}");
        kyc::resolve(
            &office.kyc,
            &office.bayu,
            None,
            dispute,
            Outcome::Dismissed,
            "seen",
        )
        .await
        .expect(kind);
        kyc::open_account(&office.kyc, user).await.expect(kind);
        assert_eq!(reviewed(&office, false), [account.0, 2_500_000], "{kind}");
        let told = office.core.sent().len();
        assert_eq!(open().await.expect(kind), 2_500_000, "{kind}");
        assert_eq!(office.core.sent().len(), told, "{kind}: nothing is to lock");
    }
}

#[tokio::test]
async fn a_client_found_on_a_list_may_only_close_until_that_is_taken_back() {
    for office in offices().await {
        let kind = office.house.kind;
        let platform = &office.kyc.platform;
        let (client, account) = verified(&office, "Eric Badege").await;
        let eric = client.user().expect("a person");
        let lists = crate::aml::list(&[("1", "ERIC", "BADEGE")]);
        sanctions::take(platform, &Principal::system("test"), "un".into(), lists)
            .await
            .expect(kind);
        let screened = screen::client(platform, eric, Cause::ByHand).await;
        let case = screened.expect(kind).case.expect("a case");
        let deliver = async || {
            let handlers = Handlers {
                effects: kyc::effects(&office.kyc),
                ..Handlers::default()
            };
            let publisher = Publisher::new(platform, handlers);
            while publisher.step().await.expect(kind) > 0 {}
        };
        deliver().await;
        assert_ne!(review(&office), Some(true), "{kind}: a hit is no finding");
        let mut revision = cases::file(platform, &office.anna, case)
            .await
            .expect(kind)
            .row
            .revision;
        for (to, locked) in [
            (Status::Investigating, false),
            (Status::Confirmed, true),
            // Whoever takes it back frees nobody alone.
            (Status::Escalated, true),
        ] {
            revision = cases::move_case(
                platform,
                &office.anna,
                None,
                case,
                to,
                "looked at it".into(),
                revision,
            )
            .await
            .expect(kind)
            .revision;
            deliver().await;
            assert_eq!(review(&office).unwrap_or(false), locked, "{kind}: {to:?}");
            let free = kyc::may_end_review(platform, account).await.is_ok();
            assert_eq!(free, !locked, "{kind}: {to:?}");
        }
        let file = cases::file(platform, &office.bayu, case).await.expect(kind);
        let hit = file.hits.first().expect("a hit").id;
        cases::decide_hit(
            platform,
            &office.bayu,
            None,
            case,
            hit,
            false,
            "born later".into(),
        )
        .await
        .expect(kind);
        let seen = cases::file(platform, &office.bayu, case).await.expect(kind);
        cases::move_case(
            platform,
            &office.bayu,
            None,
            case,
            Status::Cleared,
            "somebody else".into(),
            seen.row.revision,
        )
        .await
        .expect(kind);
        deliver().await;
        assert_eq!(review(&office), Some(false), "{kind}: a second person did");
        let free = kyc::may_end_review(platform, account).await;
        free.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[tokio::test]
async fn a_file_that_a_stop_left_behind_is_taken_away_and_those_of_rows_stay() {
    for office in offices().await {
        let kind = office.house.kind;
        let system = Principal::system("test");
        let sari = office.house.client("Sari").await;
        let user = sari.user().expect("a person");
        office.in_review(&sari, 1).await;
        let waiting = "SELECT count(*) FROM kyc_pending_files";
        assert_eq!(office.house.count(&system, waiting).await, 0, "{kind}");
        let (id, at) = (
            new_id(office.house.platform.now()),
            office.house.platform.now(),
        );
        let path = format!("kyc/{}/{}", user.simple(), id.simple());
        let cut = sqlx::query(
            "INSERT INTO kyc_pending_files (id, org_id, user_id, file_url, created_at) VALUES ($1, $2, $3, $4, $5)",
        );
        let cut = cut.bind(id).bind(HOUSE).bind(user).bind(path.clone());
        let cut = cut.bind(bound(at));
        office.house.system(move |tx| tx.execute(cut)).await;
        let documents: PathBuf = office.folder.path().join("documents");
        std::fs::write(documents.join(&path), b"ciphertext").expect("written");
        let files = || {
            let folder = documents.join(format!("kyc/{}", user.simple()));
            std::fs::read_dir(folder).expect("a folder").count()
        };
        assert_eq!(kyc::sweep(&office.kyc).await.expect(kind), 0, "{kind}");
        assert_eq!(files(), 3, "{kind}: an upload may be under way");
        office.house.pass(24 * 3_600);
        assert_eq!(kyc::sweep(&office.kyc).await.expect(kind), 1, "{kind}");
        assert_eq!(files(), 2, "{kind}: the card and the selfie");
        assert_eq!(kyc::sweep(&office.kyc).await.expect(kind), 0, "{kind}");
    }
}

#[tokio::test]
async fn a_file_that_its_store_keeps_holds_up_none_behind_it() {
    for office in offices().await {
        let kind = office.house.kind;
        let system = Principal::system("test");
        let sari = office.house.client("Sari").await;
        let user = sari.user().expect("a person");
        let documents: PathBuf = office.folder.path().join("documents");
        let path = |id: Uuid| format!("kyc/{}/{}", user.simple(), id.simple());
        let now = office.house.platform.now();
        let (kept, cut) = (new_id(now), new_id(now));
        for (id, at) in [(kept, now), (cut, Ts(now.0 + SECOND_NS))] {
            let waits = sqlx::query(
                "INSERT INTO kyc_pending_files (id, org_id, user_id, file_url, created_at) VALUES ($1, $2, $3, $4, $5)",
            );
            let waits = waits.bind(id).bind(HOUSE).bind(user).bind(path(id));
            let waits = waits.bind(bound(at));
            office.house.system(move |tx| tx.execute(waits)).await;
        }
        // A folder where a file should be is deleted by nobody.
        let (stuck, behind) = (documents.join(path(kept)), documents.join(path(cut)));
        std::fs::create_dir_all(stuck.join("inside")).expect("made");
        std::fs::write(&behind, b"ciphertext").expect("written");
        office.house.pass(25 * 3_600);
        let refused = kyc::sweep(&office.kyc).await.expect_err(kind);
        assert_eq!(refused.fault(), Some(STORE), "{kind}");
        assert!(stuck.exists() && !behind.exists(), "{kind}");
        let waiting = "SELECT count(*) FROM kyc_pending_files";
        assert_eq!(office.house.count(&system, waiting).await, 1, "{kind}");
        assert_eq!(
            kyc::sweep(&office.kyc).await.expect(kind),
            0,
            "{kind}: tomorrow"
        );
        std::fs::remove_dir_all(&stuck).expect("removed");
        office.house.pass(25 * 3_600);
        assert_eq!(kyc::sweep(&office.kyc).await.expect(kind), 1, "{kind}");
        assert_eq!(office.house.count(&system, waiting).await, 0, "{kind}");
    }
}

/// Writes down what is sent.
#[derive(Default)]
struct Letters(Mutex<Vec<(String, String)>>);

impl Messenger for Letters {
    fn serves(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    fn send(&self, message: Message) -> Sending<'_> {
        let letter = (message.to.clone(), message.subject.clone());
        self.0.lock().expect("nobody panicked").push(letter);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn who_may_decide_gets_mail_when_a_term_is_over() {
    for office in offices().await {
        let kind = office.house.kind;
        let letters = Arc::new(Letters::default());
        let mut kyc: Kyc = office.kyc.clone();
        kyc.messenger = Some(letters.clone());
        office
            .house
            .person(HOUSE, Role::SalesAgent, None, "Dodi")
            .await;
        let (sari, budi) = (
            office.house.client("Sari").await,
            office.house.client("Budi").await,
        );
        office.in_review(&sari, 1).await;
        office.in_review(&budi, 10).await;
        office.house.pass(14 * 24 * 3_600);
        assert_eq!(
            kyc::overdue::call(&kyc.platform).await.expect(kind),
            2,
            "{kind}"
        );
        let handlers = Handlers {
            effects: kyc::effects(&kyc),
            ..Handlers::default()
        };
        let publisher = Publisher::new(&kyc.platform, handlers);
        while publisher.step().await.expect(kind) > 0 {}
        let mut reached: Vec<String> = letters
            .0
            .lock()
            .expect("nobody panicked")
            .iter()
            .filter(|(_, subject)| subject == "Tenggat terlewati")
            .map(|(to, _)| to.clone())
            .collect();
        reached.sort();
        assert_eq!(
            reached,
            ["anna@contoh.id", "bayu@contoh.id"],
            "{kind}: nobody else, and one for both cases"
        );
    }
}
