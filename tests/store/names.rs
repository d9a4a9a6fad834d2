//! Names and notes of the running desk stand in the store, where SQL reads them beside the numbers.

use std::sync::{Arc, PoisonError};

use siaga::clock::Clock;
use siaga::config::Config;
use siaga::desk::Desk;
use siaga::gateway::core::Core as _;
use siaga::store::db::{Actor, Db, Tx};
use siaga::store::names::write_accounts;
use siaga_risk::ids::{AccountId, ActorId};

use crate::desk::{self, wait};
use crate::postgres;
use crate::support::{migrated, urls};

#[tokio::test(flavor = "multi_thread")]
async fn names_and_notes_of_the_desk_are_in_the_store() {
    let server = postgres::server();
    let mut urls = Vec::new();
    if let Some(server) = &server {
        urls.push(Some(server.database().await));
    }
    if cfg!(feature = "embedded-postgres") {
        urls.push(None);
    }
    for url in urls {
        let folder = tempfile::tempdir().expect("folder");
        let mut config = Config::default();
        config.data.dir = folder.path().to_owned();
        config.data.segment_mib = 4;
        config.store.url = url;
        let desk = Desk::start(&config, Arc::new(Clock::start()), |_, _| {})
            .await
            .expect("a desk");
        let handle = &desk.handle;
        let keep = |text: &'static str| async move {
            let kept = handle.note(ActorId(1), text).await;
            kept.expect("kept")
        };
        let torn = keep("torn\0apart").await;
        let hash = keep("called the client").await;
        let torn =
            format!("SELECT count(*) FROM notes WHERE hash = {torn} AND text LIKE 'torn_apart'");
        seen(&desk, &torn).await;
        let note = format!(
            "SELECT count(*) FROM notes WHERE hash = {hash} AND author = '1' AND text = 'called the client'"
        );
        seen(&desk, &note).await;
        // What the database refuses for good holds up nothing that comes later.
        let constraint = "ALTER TABLE notes ADD CHECK (text <> 'refused')";
        let db = database(&desk).expect("it was asked already");
        db.own(move |tx| tx.execute(sqlx::query(constraint)))
            .await
            .expect("the owner may");
        keep("refused").await;
        let later = keep("later").await;
        let later = format!("SELECT count(*) FROM notes WHERE hash = {later}");
        seen(&desk, &later).await;
        seen(
            &desk,
            "SELECT count(*) FROM names WHERE kind = 'instrument' AND name = 'EUR/USD' AND detail ->> 'title' LIKE 'Euro%'",
        )
        .await;
        seen(
            &desk,
            "SELECT count(*) FROM accounts_directory WHERE account = 7 AND system = 'siaga' AND title = 'Demo gold'",
        )
        .await;
        desk.stop().await.expect("a stop");
    }
}

/// The desk's own directory has the name still, and is copied again at every start.
#[tokio::test]
async fn the_title_of_an_account_does_not_come_back_behind_an_erasure() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let titles = db.write(&Actor::SYSTEM, |tx| {
            for sql in [
                "INSERT INTO users (id, org_id, role, status)
                 VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-000000000001', 'end_user', 'deleted')",
                "INSERT INTO accounts_directory (account, system, outside_id, user_id)
                 VALUES (7, 'siaga', '7', '00000000-0000-7000-8000-000000000008'), (8, 'siaga', '8', NULL)",
            ] {
                tx.execute(sqlx::query(sql))?;
            }
            write_accounts(tx, &[(7, "Sari".to_owned()), (8, "House".to_owned())])?;
            let sql = "SELECT account, title FROM accounts_directory ORDER BY account";
            tx.all::<(i64, String)>(sqlx::query_as(sql))
        });
        let expected = [(7, String::new()), (8, "House".to_owned())];
        assert_eq!(titles.await.expect(kind), expected, "{kind}");
    }
}

/// An imported name of an account ends with its person: in the desk's directory, in its file, and so behind every later start.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_does_not_go_by_the_name_of_who_was_erased() {
    let (_server, urls) = urls().await;
    for url in urls {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("names.json");
        let imported = r#"{"accounts": {"3": "Budi first", "7": "Sari first"}}"#;
        std::fs::write(&file, imported).expect("a file");
        let config = desk::config(folder.path(), url.as_deref(), "calm");
        let first = desk::start(&config).await;
        named(&first, 7, "Sari first").await;
        seen(
            &first,
            "SELECT count(*) FROM accounts_directory WHERE account = 7 AND title = 'Sari first'",
        )
        .await;
        let db = desk::database(&first).await;
        let erased = db.write(&Actor::SYSTEM, |tx| {
            for sql in [
                "INSERT INTO users (id, org_id, role, status)
                 VALUES ('00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-000000000001', 'end_user', 'deleted')",
                "UPDATE accounts_directory SET user_id = '00000000-0000-7000-8000-000000000008', title = '' WHERE account = 7",
            ] {
                tx.execute(sqlx::query(sql))?;
            }
            Ok(())
        });
        erased.await.expect("erased");
        first.stop().await.expect("a stop");
        let second = desk::start(&config).await;
        // What the program itself calls it.
        named(&second, 7, "Demo gold").await;
        named(&second, 3, "Budi first").await;
        let kept = std::fs::read_to_string(&file).expect("a file");
        assert!(!kept.contains("Sari") && kept.contains("Budi"), "{kept}");
        seen(
            &second,
            "SELECT count(*) FROM accounts_directory WHERE account = 7 AND title = ''",
        )
        .await;
        second.stop().await.expect("a stop");
    }
}

/// Waits until an account goes by that name.
async fn named(desk: &Desk, account: u32, name: &str) {
    wait(name, || async move {
        let directory = desk.handle.directory();
        let entry = directory.account(AccountId(account))?;
        (entry.name == name).then_some(())
    })
    .await;
}

/// Asks until there is one row.
async fn seen(desk: &Desk, sql: &str) {
    wait(sql, || async {
        let sql = sql.to_owned();
        let count: Result<i64, _> = database(desk)?
            .read(&Actor::SYSTEM, move |tx| {
                tx.scalar(Tx::composed_scalar(sql))
            })
            .await;
        (count.ok()? == 1).then_some(())
    })
    .await;
}

fn database(desk: &Desk) -> Option<Db> {
    desk.db
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
