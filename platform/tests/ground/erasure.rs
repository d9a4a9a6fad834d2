//! A person's data: all of them in their hands, and gone from everywhere.

use serde_json::Value;
use siaga_platform::audit::{self, Action, Change};
use siaga_platform::db::{DbError, Tx};
use siaga_platform::erasure::{self, Kind, Status};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::page::Paging;
use siaga_platform::people::{Area, Principal, Role};
use siaga_platform::refusal::{CONFLICT, ERASED, FORBIDDEN, INVALID, NOT_FOUND, Refusal};
use siaga_platform::search::{self, Entry};
use siaga_platform::unit::{Once, Unit};
use siaga_platform::{consent, handlers, retention, subjects};
use uuid::Uuid;

use super::desk::{House, houses};

/// What the person's data are made of here; nobody else's hold any of it.
const TRACES: [&str; 3] = ["sari@contoh.id", "Sari", "+62811111111"];

/// A client who left traces in every store of the ground.
async fn client(house: &House) -> Principal {
    let sari = house.client("Sari").await;
    let me = sari.user().expect("a person");
    let done = house.platform.command(&sari, move |unit| {
        consent::record(unit, me, "profiling", true, "web", "1")?;
        let change = Change::new(Action::Update, "user", me).about(me);
        unit.audit(
            change
                .personal("phone", None, Some("+62811111111"))
                .field("status", "pending", "active"),
        );
        Ok(())
    });
    done.await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
    // As a subscriber does it behind the registration.
    let system = Principal::system("test");
    let done = house.platform.command(&system, move |unit| {
        let entry = Entry {
            entity: "user",
            id: me,
            area: Area::People,
            owner: Some(me),
            team: None,
            subject: Some(me),
            words: String::new(),
            personal: vec!["Sari".into(), "+62811111111".into()],
        };
        search::index(unit, &entry)
    });
    done.await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
    sari
}

/// A note of the desk, as the keeper of names and notes writes it.
async fn note(house: &House, hash: i64, text: &'static str) {
    house
        .system(move |tx| {
            let query = sqlx::query("INSERT INTO notes (hash, text, author) VALUES ($1, $2, '7')");
            tx.execute(query.bind(hash).bind(text))
        })
        .await;
}

/// Where a text stands in any text or JSON column of any table.
async fn places(house: &House, wanted: &'static str) -> Vec<String> {
    house
        .system(move |tx| {
            let columns: Vec<(String, String)> = tx.all(sqlx::query_as(
                "SELECT c.relname::text, a.attname::text FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND a.attnum > 0 AND NOT a.attisdropped
                   AND format_type(a.atttypid, NULL) IN ('text', 'jsonb', 'json', 'character varying', 'text[]', 'bytea', 'tsvector')",
            ))?;
            assert!(columns.len() > 60, "the columns were listed");
            let mut found = Vec::new();
            for (table, column) in columns {
                if table == "schema_versions" {
                    continue;
                }
                let rows: i64 = tx.scalar(
                    Tx::composed_scalar(format!("SELECT count(*) FROM {table} WHERE position(lower($1) in lower(\"{column}\"::text)) > 0")).bind(wanted),
                )?;
                if rows > 0 {
                    found.push(format!("{table}.{column}"));
                }
            }
            Ok(found)
        })
        .await
}

#[tokio::test]
async fn a_person_takes_their_data_along() {
    for house in houses().await {
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        let stores = handlers::engines().stores;
        let data = erasure::export(&house.platform, &sari, &stores, me)
            .await
            .expect(house.kind);
        let data = &data["data"];
        assert_eq!(data["users"]["email"], "sari@contoh.id", "{}", house.kind);
        assert_eq!(data["users"]["name"], "Sari");
        assert_eq!(data["consents"][0]["purpose"], "profiling");
        let log = data["audit_log"].as_array().expect("rows");
        assert!(
            log.iter()
                .any(|row| row["after"]["phone"] == "+62811111111"),
            "{}: {log:?}",
            house.kind
        );
        let budi = house.client("Budi").await;
        let stranger = erasure::export(&house.platform, &budi, &stores, me).await;
        assert_eq!(
            stranger.expect_err("a stranger's").fault(),
            Some(FORBIDDEN),
            "{}",
            house.kind
        );
        let given_out =
            "SELECT count(*) FROM audit_log WHERE action = 'access' AND entity_type = 'subject'";
        assert_eq!(
            house.count(&Principal::system("test"), given_out).await,
            1,
            "{}",
            house.kind
        );
    }
}

#[tokio::test]
async fn an_erasure_leaves_no_trace_and_a_ledger_of_every_store() {
    for house in houses().await {
        let kind = house.kind;
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        for trace in TRACES {
            assert_eq!(
                places(&house, trace).await,
                [""; 0],
                "{kind}: {trace} was never written in the clear"
            );
        }
        let sealed: i64 = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM users WHERE email_sealed IS NOT NULL",
            )
            .await;
        assert_eq!(sealed, 1, "{kind}");
        let asked = erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        let days = asked.due.since(asked.made) / (24 * 3_600 * 1_000_000_000);
        assert_eq!((asked.status, days), (Status::Open, 30), "{kind}");
        let twice = erasure::request(&house.platform, &sari, me, Kind::Erasure).await;
        assert_eq!(
            twice.expect_err("once is enough").fault(),
            Some(CONFLICT),
            "{kind}"
        );
        let stores = handlers::engines().stores;
        assert_eq!(
            erasure::erase_due(&house.platform, &stores)
                .await
                .expect(kind),
            1
        );
        assert_eq!(
            erasure::erase_due(&house.platform, &stores)
                .await
                .expect(kind),
            0,
            "{kind}: done is done"
        );
        let owner = Principal::owner();
        let lines = house
            .platform
            .read(&owner, move |tx| erasure::ledger(tx, asked.id))
            .await
            .expect(kind);
        let lines: Vec<(&str, &str, i64)> = lines
            .iter()
            .map(|(store, action, items, _)| (store.as_str(), action.as_str(), *items))
            .collect();
        for expected in [
            ("users", "anonymised", 1),
            ("search_entries", "deleted", 1),
            ("key.personal", "key_destroyed", 1),
            ("cache", "deleted", 0),
        ] {
            assert!(
                lines.contains(&expected),
                "{kind}: {expected:?} in {lines:?}"
            );
        }
        for store in &stores {
            assert!(
                lines.iter().any(|(name, _, _)| *name == store.name()),
                "{kind}: {} is in the ledger",
                store.name()
            );
        }
        let report = audit::verify(house.db(), &[]).await.expect(kind);
        assert_eq!(report.faults, [], "{kind}: the chain outlives the person");
        let page = audit::list(
            &house.platform,
            &owner,
            audit::Filter {
                subject: Some(me),
                ..Default::default()
            },
            siaga_platform::page::Paging::of(None, None).expect("a page"),
        );
        let page = page.await.expect(kind);
        let values: Vec<&Value> = page
            .items
            .iter()
            .map(|row| &row.after["phone"])
            .filter(|value| !value.is_null())
            .collect();
        assert_eq!(
            values,
            ["sealed"],
            "{kind}: what is left of the telephone number"
        );
        let again = erasure::export(&house.platform, &owner, &stores, me)
            .await
            .expect(kind);
        assert_eq!(again["data"]["users"]["email"], Value::Null, "{kind}");
        let used = house
            .platform
            .command(&owner, move |unit| unit.key(me).map(drop))
            .await;
        assert_eq!(
            used.expect_err("nothing is sealed for them again").fault(),
            Some(ERASED),
            "{kind}"
        );
        let status: (String,) = house
            .system(move |tx| {
                tx.one(sqlx::query_as("SELECT status FROM users WHERE id = $1").bind(me))
            })
            .await;
        assert_eq!(status.0, "deleted");
    }
}

/// Notes have no subject: what names the person in them goes, the rest stays as it was written.
#[tokio::test]
async fn an_erasure_reads_the_notes_of_the_desk() {
    for house in houses().await {
        let kind = house.kind;
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        note(&house, 1, "Called SARI, then wrote to sari@contoh.id").await;
        note(&house, 2, "Sarinah called about 100 % of her margin").await;
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        let stores = handlers::engines().stores;
        let done = erasure::erase_due(&house.platform, &stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}");
        assert_eq!(places(&house, "sari@contoh.id").await, [""; 0], "{kind}");
        let notes: Vec<(String, bool)> = house
            .system(|tx| {
                tx.all(sqlx::query_as(
                    "SELECT text, redacted_at IS NOT NULL FROM notes ORDER BY hash",
                ))
            })
            .await;
        let expected = [
            ("Called [erased], then wrote to [erased]".to_owned(), true),
            ("Sarinah called about 100 % of her margin".to_owned(), false),
        ];
        assert_eq!(notes, expected, "{kind}");
    }
}

#[tokio::test]
async fn a_legal_hold_stands_before_an_erasure() {
    for house in houses().await {
        let kind = house.kind;
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let refused = retention::place(
            &house.platform,
            &agent,
            "erasure".into(),
            Some(me),
            "no".into(),
        )
        .await;
        assert_eq!(
            refused.expect_err("not an agent's").fault(),
            Some(FORBIDDEN),
            "{kind}"
        );
        let hold = retention::place(
            &house.platform,
            &compliance,
            "erasure".into(),
            Some(me),
            "a case of the police".into(),
        )
        .await
        .expect(kind);
        let clear = "SELECT count(*) FROM legal_holds WHERE reason <> '' OR encode(reason_sealed, 'escape') ~ 'police'";
        assert_eq!(
            house.count(&Principal::system("test"), clear).await,
            0,
            "{kind}: why is sealed"
        );
        assert_eq!(
            reason(&house, hold).await,
            "a case of the police",
            "{kind}: and read"
        );
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        let stores = handlers::engines().stores;
        assert_eq!(
            erasure::erase_due(&house.platform, &stores)
                .await
                .expect(kind),
            0
        );
        let requests = house
            .platform
            .read(&sari, move |tx| erasure::of_subject(tx, me))
            .await
            .expect(kind);
        assert_eq!(requests[0].status, Status::Held, "{kind}");
        let data = erasure::export(&house.platform, &sari, &stores, me)
            .await
            .expect(kind);
        assert_eq!(
            data["data"]["users"]["name"], "Sari",
            "{kind}: nothing was touched"
        );
        retention::lift(&house.platform, &compliance, hold)
            .await
            .expect(kind);
        let twice = retention::lift(&house.platform, &compliance, hold).await;
        assert_eq!(twice.expect_err("lifted").fault(), Some(NOT_FOUND));
        assert_eq!(
            erasure::erase_due(&house.platform, &stores)
                .await
                .expect(kind),
            1,
            "{kind}"
        );
        assert_eq!(
            reason(&house, hold).await,
            "erased",
            "{kind}: with the person"
        );
        let again = retention::place(
            &house.platform,
            &compliance,
            "operations".into(),
            Some(me),
            "the police ask again".into(),
        );
        assert_eq!(
            again.await.expect_err("nothing is left").fault(),
            Some(INVALID),
            "{kind}"
        );
    }
}

/// Why a hold was placed, as it is shown.
async fn reason(house: &House, hold: Uuid) -> String {
    let paging = Paging::of(None, None).expect("a page");
    let holds = retention::list(&house.platform, &Principal::owner(), paging).await;
    let mut holds = holds.expect(house.kind).items.into_iter();
    let found = holds.find(|one| one.id == hold);
    found.expect("it is listed").reason
}

/// What holds no erasure back still has to say why it holds, to the last.
#[tokio::test]
async fn why_somebody_is_held_outlives_their_erasure_and_ends_with_the_last_hold() {
    for house in houses().await {
        let kind = house.kind;
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let place = async |category: &str, why: &str| {
            let (category, why) = (category.to_owned(), why.to_owned());
            retention::place(&house.platform, &compliance, category, Some(me), why).await
        };
        let first = place("operations", "a case of the police").await;
        let first = first.expect(kind);
        let second = place("audit", "a case of the tax office").await;
        let second = second.expect(kind);
        let asked = erasure::request(&house.platform, &sari, me, Kind::Erasure).await;
        let request = asked.expect(kind).id;
        let stores = handlers::engines().stores;
        let done = erasure::erase_due(&house.platform, &stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}: neither holds it back");
        let lines = house
            .platform
            .read(&Principal::owner(), move |tx| erasure::ledger(tx, request))
            .await
            .expect(kind);
        let line = lines.iter().find(|line| line.0 == "key.statutory");
        assert_eq!(
            line.map(|line| line.1.as_str()),
            Some("kept_by_law"),
            "{kind}"
        );
        let system = Principal::system("test");
        let keys =
            "SELECT count(*) FROM subject_keys WHERE class = 'statutory' AND wrapped IS NOT NULL";
        let lift = async |hold: Uuid| {
            let lifted = retention::lift(&house.platform, &compliance, hold).await;
            lifted.expect(kind);
        };
        let why = "a case of the tax office";
        assert_eq!(reason(&house, second).await, why, "{kind}");
        lift(first).await;
        assert_eq!(reason(&house, second).await, why, "{kind}");
        assert_eq!(house.count(&system, keys).await, 1, "{kind}");
        lift(second).await;
        for hold in [first, second] {
            assert_eq!(reason(&house, hold).await, "erased", "{kind}");
        }
        assert_eq!(house.count(&system, keys).await, 0, "{kind}");
        let sealed = "SELECT count(*) FROM legal_holds WHERE reason <> 'erased' OR reason_sealed IS NOT NULL";
        assert_eq!(house.count(&system, sealed).await, 0, "{kind}");
        let again = place("operations", "the police ask again").await;
        let fault = again.expect_err("nothing is left").fault();
        assert_eq!(fault, Some(INVALID), "{kind}");
    }
}

/// Reasons that somebody can still read.
const REASONS: &str =
    "SELECT count(*) FROM legal_holds WHERE reason <> 'erased' OR reason_sealed IS NOT NULL";

#[tokio::test]
async fn why_somebody_is_held_whose_data_are_gone_ends_with_the_hold() {
    for house in houses().await {
        let (kind, system) = (house.kind, Principal::system("test"));
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        let asked = erasure::request(&house.platform, &sari, me, Kind::Erasure).await;
        asked.expect(kind);
        let done = erasure::erase_due(&house.platform, &handlers::engines().stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}");
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        // The second finds the key that the first one made.
        for why in ["a case of the police", "the police ask again"] {
            let (category, words) = ("operations".to_owned(), why.to_owned());
            let placed =
                retention::place(&house.platform, &compliance, category, Some(me), words).await;
            let hold = placed.expect(kind);
            assert_eq!(reason(&house, hold).await, why, "{kind}");
            let lifted = retention::lift(&house.platform, &compliance, hold).await;
            lifted.expect(kind);
            assert_eq!(house.count(&system, REASONS).await, 0, "{kind}");
        }
        // One that was written before reasons were sealed, and lifted.
        let id = new_id(house.platform.now());
        house
            .system(move |tx| {
                let query = sqlx::query(
                    "INSERT INTO legal_holds (id, org_id, category, subject_id, reason, placed_by, created_at, lifted_by, lifted_at)
                     VALUES ($1, $2, 'operations', $3, 'Sari is asked for', 'test', now(), 'test', now())",
                );
                tx.execute(query.bind(id).bind(HOUSE).bind(me))
            })
            .await;
        retention::run(&house.platform, &[]).await.expect(kind);
        assert_eq!(house.count(&system, REASONS).await, 0, "{kind}");
    }
}

#[tokio::test]
async fn why_somebody_is_held_of_whom_the_law_keeps_something_ends_with_the_hold() {
    for house in houses().await {
        let (kind, system) = (house.kind, Principal::system("test"));
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        house
            .system(move |tx| {
                let query = sqlx::query(
                    "INSERT INTO aml_cases (id, org_id, kind, user_id, severity, created_at) VALUES ($1, $2, 'sanctions', $1, 'high', now())",
                );
                tx.execute(query.bind(me).bind(HOUSE))
            })
            .await;
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let (category, why) = ("operations".to_owned(), "a case of the police".to_owned());
        let placed = retention::place(&house.platform, &compliance, category, Some(me), why).await;
        let hold = placed.expect(kind);
        let asked = erasure::request(&house.platform, &sari, me, Kind::Erasure).await;
        asked.expect(kind);
        let done = erasure::erase_due(&house.platform, &handlers::engines().stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}");
        let shown = reason(&house, hold).await;
        assert_eq!(shown, "a case of the police", "{kind}");
        let lifted = retention::lift(&house.platform, &compliance, hold).await;
        lifted.expect(kind);
        assert_eq!(reason(&house, hold).await, "erased", "{kind}");
        assert_eq!(house.count(&system, REASONS).await, 0, "{kind}");
        let keys =
            "SELECT count(*) FROM subject_keys WHERE class = 'statutory' AND wrapped IS NOT NULL";
        assert_eq!(
            house.count(&system, keys).await,
            1,
            "{kind}: what the law keeps is read on"
        );
    }
}

#[tokio::test]
async fn keys_are_wrapped_anew_and_open_the_same_data() {
    for house in houses().await {
        let kind = house.kind;
        let sari = client(&house).await;
        let me = sari.user().expect("a person");
        assert_eq!(
            subjects::rewrap(&house.platform).await.expect(kind),
            0,
            "{kind}: all are under the active key"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keyring");
        house.platform.keyring().save(&path).expect("saved");
        let (keyring, _) = siaga_platform::crypto::Keyring::open(&path).expect("opened");
        keyring.rotate("k2", house.platform.now());
        let clock = house.platform.clone();
        let rotated = siaga_platform::unit::Platform::new(
            house.db().clone(),
            std::sync::Arc::new(keyring),
            std::sync::Arc::new(move || clock.now()),
            std::sync::Arc::new(siaga_platform::core_door::NoCore),
        );
        assert_eq!(subjects::rewrap(&rotated).await.expect(kind), 1, "{kind}");
        assert_eq!(subjects::rewrap(&rotated).await.expect(kind), 0, "{kind}");
        let data = erasure::export(&rotated, &sari, &handlers::engines().stores, me)
            .await
            .expect(kind);
        assert_eq!(data["data"]["users"]["email"], "sari@contoh.id", "{kind}");
    }
}

fn entry(me: Uuid) -> Entry {
    Entry {
        entity: "user",
        id: me,
        area: Area::People,
        owner: Some(me),
        team: None,
        subject: Some(me),
        words: String::new(),
        personal: vec!["Sari".into()],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_written_about_a_person_goes_with_them() {
    for house in houses().await {
        // One connection does one thing after the other anyway.
        if !house.db().is_server() {
            continue;
        }
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(house.kind);
        let (ready, begun) = std::sync::mpsc::sync_channel(1);
        let (go, wait) = std::sync::mpsc::sync_channel(1);
        let platform = house.platform.clone();
        let writing = tokio::spawn(async move {
            let system = Principal::system("test");
            let done = platform.command(&system, move |unit| {
                unit.key(me)?;
                ready.send(()).expect("heard");
                wait.recv().expect("told");
                search::index(unit, &entry(me))
            });
            done.await
        });
        tokio::task::spawn_blocking(move || begun.recv())
            .await
            .expect("no panic")
            .expect("begun");
        let platform = house.platform.clone();
        let erasing = tokio::spawn(async move {
            erasure::erase_due(&platform, &handlers::engines().stores).await
        });
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(!erasing.is_finished(), "it waits for who writes");
        go.send(()).expect("listens");
        writing.await.expect("no panic").expect("written");
        assert_eq!(erasing.await.expect("no panic").expect("erased"), 1);
        let left = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM search_entries",
            )
            .await;
        assert_eq!(left, 0, "what was written in between is gone too");
    }
}

/// A place that cannot let go of one person.
struct Broken(Uuid);

impl erasure::Store for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn erase(&self, _unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<erasure::Erased, Refusal> {
        match subject == self.0 {
            true => Err(Refusal::Db(DbError::Unexpected("the disk is gone".into()))),
            false => Ok(erasure::Erased::rows(erasure::Done::NothingFound, 0)),
        }
    }

    fn export(
        &self,
        _tx: &mut Tx<'_>,
        _keys: &erasure::Keys,
        _subject: Uuid,
    ) -> Result<Value, Refusal> {
        Ok(Value::Null)
    }
}

#[tokio::test]
async fn one_erasure_that_fails_keeps_nobody_else_waiting_and_nobody_asks_twice() {
    for house in houses().await {
        let kind = house.kind;
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        let (first, second) = (
            sari.user().expect("a person"),
            budi.user().expect("a person"),
        );
        let ask = || erasure::request(&house.platform, &sari, first, Kind::Erasure);
        let (one, two) = tokio::join!(ask(), ask());
        let refused = [one, two]
            .into_iter()
            .filter_map(Result::err)
            .map(|refusal| refusal.fault())
            .collect::<Vec<_>>();
        assert_eq!(
            refused,
            [Some(CONFLICT)],
            "{kind}: one of two who ask at once"
        );
        erasure::request(&house.platform, &budi, second, Kind::Erasure)
            .await
            .expect(kind);
        let mut stores = handlers::engines().stores;
        stores.push(std::sync::Arc::new(Broken(first)));
        assert_eq!(
            erasure::erase_due(&house.platform, &stores)
                .await
                .expect(kind),
            1,
            "{kind}: the other one is done"
        );
        let open = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM subject_requests WHERE status = 'open'",
            )
            .await;
        assert_eq!(open, 1, "{kind}: this one is tried again");
    }
}

#[tokio::test]
async fn a_client_sees_nobody_whom_they_brought() {
    for house in houses().await {
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        let (me, other) = (sari.user(), budi.user());
        house
            .system(move |tx| {
                tx.execute(
                    sqlx::query("UPDATE users SET referrer_id = $1 WHERE id = $2")
                        .bind(me)
                        .bind(other),
                )
            })
            .await;
        assert_eq!(
            house.count(&sari, "SELECT count(*) FROM users").await,
            1,
            "{}: that is for partners",
            house.kind
        );
    }
}

#[tokio::test]
async fn an_erasure_whose_request_comes_twice_is_asked_for_once() {
    for house in houses().await {
        let (sari, kind) = (house.client("Sari").await, house.kind);
        let me = sari.user().expect("a person");
        let ask = |key: &str| {
            let once = Once {
                key: key.to_owned(),
                route: "POST /api/v1/subjects/{id}/erasure",
                request: [7; 32],
            };
            erasure::request_once(&house.platform, &sari, Some(once), me, Kind::Erasure)
        };
        let first = ask("a").await.expect(kind);
        assert_eq!(ask("a").await.expect(kind), first, "{kind}: the same again");
        let another = ask("b").await;
        let fault = another.expect_err("open already").fault();
        assert_eq!(fault, Some(CONFLICT), "{kind}");
        let requests = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM subject_requests",
            )
            .await;
        assert_eq!(requests, 1, "{kind}");
    }
}
