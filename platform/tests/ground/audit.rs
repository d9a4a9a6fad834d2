//! The record of who did what: whole, sealed, and every change of it found.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;
use siaga_platform::audit::{self, Action, Anchor, Change, Fault, Filter, Flaw, Restore, Span};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role, Who};
use siaga_platform::refusal::{CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, Refusal};
use siaga_risk::units::Ts;

use super::desk::{House, houses};

/// Everything that stands in a row and is hashed.
const COLUMNS: &[(&str, &str)] = &[
    ("id", "id + 1000000"),
    ("created_at", "created_at + interval '1 microsecond'"),
    ("org_id", "gen_random_uuid()"),
    ("actor_id", "actor_id || 'x'"),
    ("action", "overlay(action placing 'x' from 1 for 1)"),
    (
        "entity_type",
        "overlay(entity_type placing 'x' from 1 for 1)",
    ),
    ("entity_id", "overlay(entity_id placing 'x' from 1 for 1)"),
    ("subject_id", "gen_random_uuid()"),
    ("old_value", "'{\"stage\": \"forged\"}'"),
    ("new_value", "'{\"stage\": \"forged\"}'"),
    ("ip_sealed", "'sealed:AA'"),
    ("request_id", "'another'"),
    ("source_seq", "1"),
    ("source_index", "1"),
    ("note", "note + 1"),
    ("link", "link + 1000"),
    ("month", "month - interval '1 month'"),
    (
        "prev_hash",
        "set_byte(prev_hash, 31, get_byte(prev_hash, 31) # 1)",
    ),
    ("hash", "set_byte(hash, 0, get_byte(hash, 0) # 1)"),
];

async fn work(house: &House, by: &Principal, rows: usize) {
    for n in 0..rows {
        let subject = by.user().expect("a person");
        let done = house.platform.command(by, move |unit| {
            let change = Change::new(Action::Update, "lead", n).about(subject);
            unit.audit(change.field("stage", "new", "contacted").personal(
                "phone",
                None,
                Some("+62811111111"),
            ));
            Ok(())
        });
        done.await
            .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
    }
}

/// A search engine gets every row once, and nothing of a person.
#[tokio::test]
async fn the_log_leaves_as_lines_without_what_is_sealed() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        work(&house, &sari, 3).await;
        let lines = async |after: i64, span: Span| {
            let mut lines: Vec<Value> = Vec::new();
            let done = audit::export(house.db(), after, span, |line| {
                lines.push(line.clone());
                Ok::<(), siaga_platform::db::DbError>(())
            });
            let done = done.await.expect(kind);
            (lines, done)
        };
        let (all, done) = lines(0, Span::default()).await;
        assert_eq!(done.rows, all.len() as u64, "{kind}");
        let moved: Vec<&Value> = all
            .iter()
            .filter(|line| line["siaga"]["entity"] == "lead")
            .collect();
        assert_eq!(moved.len(), 3, "{kind}: {all:?}");
        for line in &moved {
            assert_eq!(line["siaga"]["after"]["stage"], "contacted", "{kind}");
            assert_eq!(line["siaga"]["after"]["phone"], "sealed", "{kind}");
            assert_eq!(line["user"]["id"], sari.audit_name(), "{kind}");
            let at = line["@timestamp"].as_str().unwrap_or_default();
            assert!(
                at.starts_with("2026-11-15T") && at.ends_with('Z'),
                "{kind}: {at}"
            );
            assert!(line["event"]["hash"].is_string(), "{kind}: {line}");
        }
        assert!(
            all.iter().all(|line| !line.to_string().contains("62811")),
            "{kind}"
        );
        work(&house, &sari, 1).await;
        let (more, _) = lines(done.number, Span::default()).await;
        assert_eq!(more.len(), 1, "{kind}: from where the last one ended");
        house.pass(3_600);
        let later = Some(house.platform.now());
        work(&house, &sari, 2).await;
        let span = |from, until| Span { from, until };
        let (before, _) = lines(0, span(None, later)).await;
        let (behind, _) = lines(0, span(later, None)).await;
        assert_eq!(before.len(), all.len() + 1, "{kind}");
        assert_eq!(behind.len(), 2, "{kind}: only what was done since");
    }
}

async fn faults(house: &House, anchors: &[Anchor]) -> Vec<Fault> {
    audit::verify(house.db(), anchors)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind))
        .faults
}

async fn heads(house: &House) -> Vec<Anchor> {
    house.system(audit::heads).await
}

#[tokio::test]
async fn months_are_chained_and_a_refused_command_leaves_no_row() {
    for house in houses().await {
        audit::prepare(house.db(), house.platform.now())
            .await
            .expect(house.kind);
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        work(&house, &agent, 3).await;
        let refused: Result<(), _> = house
            .platform
            .command(&agent, |unit| {
                unit.audit(Change::new(Action::Delete, "lead", 1));
                Err(CONFLICT.because("changed my mind"))
            })
            .await;
        assert_eq!(refused.expect_err("refused").fault(), Some(CONFLICT));
        house.pass(40 * 24 * 3_600);
        work(&house, &agent, 2).await;
        house.pass(400 * 24 * 3_600);
        work(&house, &agent, 2).await;
        let report = audit::verify(house.db(), &heads(&house).await)
            .await
            .expect(house.kind);
        assert_eq!(report.faults, [], "{}", house.kind);
        assert_eq!(
            (report.months, report.rows, report.anchors),
            (3, 7, 3),
            "{}",
            house.kind
        );
        let parts: Vec<(String, i64)> = house
            .system(|tx| tx.all(sqlx::query_as("SELECT tableoid::regclass::text, count(*) FROM audit_log GROUP BY 1 ORDER BY 1")))
            .await;
        let parts: Vec<(&str, i64)> = parts
            .iter()
            .map(|(name, rows)| (name.as_str(), *rows))
            .collect();
        assert_eq!(
            parts,
            [
                ("audit_log_202611", 3),
                ("audit_log_202612", 2),
                ("audit_log_other", 2)
            ],
            "{}: a month without a partition is kept too",
            house.kind
        );
    }
}

#[tokio::test]
async fn every_column_of_every_row_is_held_by_the_chain() {
    for house in houses().await {
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        work(&house, &agent, 3).await;
        assert_eq!(faults(&house, &[]).await, [], "{}", house.kind);
        let columns: Vec<(String,)> = house
            .system(|tx| {
                tx.all(sqlx::query_as(
                    "SELECT attname::text FROM pg_attribute WHERE attrelid = 'audit_log'::regclass AND attnum > 0 AND NOT attisdropped",
                ))
            })
            .await;
        let known: HashSet<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        assert!(
            columns.iter().all(|(name,)| known.contains(name.as_str())),
            "every column is tried: {columns:?}"
        );
        for link in 1..=3 {
            for (column, forged) in COLUMNS {
                // A copy to put back, since the log itself takes no change.
                let change = match *column {
                    "source_seq" | "source_index" => "source_seq = 1, source_index = 1".to_owned(),
                    name => format!("{name} = {forged}"),
                };
                house
                    .intrude(format!(
                        "ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;
                         ALTER TABLE audit_log DISABLE TRIGGER USER;
                         CREATE TABLE kept AS SELECT * FROM audit_log;
                         UPDATE audit_log SET {change} WHERE link = {link};"
                    ))
                    .await;
                assert!(
                    !faults(&house, &[]).await.is_empty(),
                    "{}: {column} of row {link}",
                    house.kind
                );
                house
                    .intrude(
                        "DELETE FROM audit_log; INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT * FROM kept; DROP TABLE kept;
                         ALTER TABLE audit_log ENABLE TRIGGER USER;
                         ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;"
                            .into(),
                    )
                    .await;
            }
        }
        assert_eq!(
            faults(&house, &[]).await,
            [],
            "{}: everything is back",
            house.kind
        );
    }
}

#[tokio::test]
async fn rows_that_are_taken_away_are_missed_and_a_rewritten_end_is_found_by_what_stands_outside() {
    for house in houses().await {
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        work(&house, &agent, 4).await;
        let outside = heads(&house).await;
        let month = outside[0].month.clone();
        house.intrude("ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY; ALTER TABLE audit_log DISABLE TRIGGER USER; DELETE FROM audit_log WHERE link = 4;".into()).await;
        let missing = Fault::Missing {
            month: month.clone(),
            link: 4,
        };
        assert!(
            faults(&house, &[]).await.contains(&missing),
            "{}",
            house.kind
        );
        // Whoever cuts the end and its head leaves a chain that is whole in itself.
        house
            .intrude("UPDATE audit_heads SET links = 3, hash = (SELECT hash FROM audit_log WHERE link = 3);".into())
            .await;
        assert_eq!(faults(&house, &[]).await, [], "{}", house.kind);
        let lost = Fault::Anchor {
            month,
            link: 4,
            hash: outside[0].hash.clone(),
        };
        assert_eq!(faults(&house, &outside).await, [lost], "{}", house.kind);
        house
            .intrude(
                "DELETE FROM audit_log WHERE link = 2; ALTER TABLE audit_log ENABLE TRIGGER USER;"
                    .into(),
            )
            .await;
        assert!(
            !faults(&house, &[]).await.is_empty(),
            "{}: out of the middle",
            house.kind
        );
    }
}

/// A restore accounts for the rows that went with it, and for none that was written in their places.
#[tokio::test]
async fn a_rewritten_row_at_a_place_that_a_restore_lost_is_found() {
    for house in houses().await {
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        work(&house, &agent, 4).await;
        let here = heads(&house).await.remove(0);
        let before = Anchor {
            hash: vec![9; 32],
            ..here.clone()
        };
        let restores = [Restore {
            at: Timestamp::UNIX_EPOCH,
            dump: None,
            lost: vec![before.clone()],
        }];
        let anchors = [before, here.clone()];
        let explained = async || {
            let report = audit::verify(house.db(), &anchors).await;
            let mut report = report.expect(house.kind);
            report.explain(&restores);
            report.faults
        };
        let went = Fault::Restored {
            month: here.month.clone(),
            link: here.links,
            at: Timestamp::UNIX_EPOCH,
            dump: None,
        };
        assert_eq!(
            explained().await,
            std::slice::from_ref(&went),
            "{}",
            house.kind
        );
        let (column, change) = ("hash", "set_byte(hash, 0, get_byte(hash, 0) # 1)");
        house
            .intrude(format!(
                "ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;
                 ALTER TABLE audit_log DISABLE TRIGGER USER;
                 UPDATE audit_log SET {column} = {change} WHERE link = {};
                 UPDATE audit_heads SET {column} = {change};
                 ALTER TABLE audit_log ENABLE TRIGGER USER;
                 ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;",
                here.links
            ))
            .await;
        let rewritten = Fault::Anchor {
            month: here.month,
            link: here.links,
            hash: here.hash,
        };
        let found = explained().await;
        assert!(
            found.contains(&went) && found.contains(&rewritten),
            "{}: {found:?}",
            house.kind
        );
    }
}

#[tokio::test]
async fn many_at_once_make_one_chain() {
    for house in houses().await {
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let tasks = (0..8).map(|_| work(&house, &agent, 10));
        futures_join(tasks).await;
        let report = audit::verify(house.db(), &[]).await.expect(house.kind);
        assert_eq!(
            (report.rows, report.faults),
            (80, Vec::new()),
            "{}",
            house.kind
        );
    }
}

async fn futures_join(tasks: impl Iterator<Item = impl Future<Output = ()>>) {
    let mut tasks: Vec<_> = tasks.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
        if tasks.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

/// Whoever reads the log has it computed anew, a piece at a time, and is told where it was touched.
#[tokio::test]
async fn a_reader_of_the_log_has_a_month_of_it_verified() {
    for house in houses().await {
        let kind = house.kind;
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let auditor = house.person(HOUSE, Role::Auditor, None, "Adi").await;
        work(&house, &agent, 4).await;
        let check =
            |month: &'static str, after: i64| audit::check(&house.platform, &auditor, month, after);
        let whole = check("2026-11", 0).await.expect(kind);
        assert_eq!((whole.rows, whole.next), (4, None), "{kind}");
        assert_eq!(whole.flaws, [], "{kind}");
        assert_eq!(check("2026-11", 3).await.expect(kind).rows, 1, "{kind}");
        for (month, after, fault) in [
            ("2026-12", 0, NOT_FOUND),
            ("November", 0, INVALID),
            ("2026-11", 99, INVALID),
        ] {
            let refused = check(month, after).await.expect_err(kind);
            assert_eq!(refused.fault(), Some(fault), "{kind}: {month} {after}");
        }
        let refused = audit::check(&house.platform, &agent, "2026-11", 0).await;
        assert_eq!(refused.expect_err(kind).fault(), Some(FORBIDDEN), "{kind}");

        house
            .intrude(
                "ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY; ALTER TABLE audit_log DISABLE TRIGGER USER;
                 UPDATE audit_log SET entity_id = entity_id || 'x' WHERE link = 3;"
                    .into(),
            )
            .await;
        let flaw = |kind: &'static str, link: Option<i64>| Flaw { kind, link };
        let touched = check("2026-11", 0).await.expect(kind);
        assert_eq!(touched.flaws, [flaw("changed", Some(3))], "{kind}");
        house
            .intrude("DELETE FROM audit_log WHERE link = 4;".into())
            .await;
        let cut = check("2026-11", 3).await.expect(kind);
        assert_eq!(
            (cut.next, cut.flaws),
            (None, vec![flaw("missing", Some(4))]),
            "{kind}"
        );
        house
            .intrude("UPDATE audit_heads SET links = 3;".into())
            .await;
        let ended = check("2026-11", 0).await.expect(kind);
        assert!(
            ended.flaws.contains(&flaw("head", None)),
            "{kind}: {ended:?}"
        );
    }
}

#[tokio::test]
async fn the_log_is_looked_through_by_time() {
    for house in houses().await {
        let kind = house.kind;
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let auditor = house.person(HOUSE, Role::Auditor, None, "Adi").await;
        let mut hours = Vec::new();
        for _ in 0..3 {
            hours.push(house.platform.now());
            work(&house, &agent, 1).await;
            house.pass(3_600);
        }
        let look = async |from: Option<Ts>, until: Option<Ts>| {
            let filter = Filter {
                entity: Some("lead".into()),
                span: Span { from, until },
                ..Filter::default()
            };
            let paging = Paging::of(None, None).expect("a page");
            let page = audit::list(&house.platform, &auditor, filter, paging).await;
            page.map(|page| page.items.iter().map(|row| row.at).collect::<Vec<_>>())
        };
        let (second, third) = (Some(hours[1]), Some(hours[2]));
        assert_eq!(look(None, None).await.expect(kind).len(), 3, "{kind}");
        assert_eq!(look(second, None).await.expect(kind).len(), 2, "{kind}");
        assert_eq!(look(None, second).await.expect(kind).len(), 1, "{kind}");
        let middle = look(second, third).await.expect(kind);
        assert!(
            middle.len() == 1 && middle[0] >= hours[1] && middle[0] < hours[2],
            "{kind}: {middle:?}"
        );
        let refused = look(third, second).await.expect_err("nothing lies between");
        assert_eq!(refused.fault(), Some(INVALID), "{kind}");
        let system = Principal::system("test");
        let asked = house.count(
            &system,
            "SELECT count(*) FROM audit_log WHERE action = 'access' AND new_value -> 'filter' ->> 'from_us' IS NOT NULL",
        );
        assert_eq!(
            asked.await,
            2,
            "{kind}: the log says which time was looked at"
        );
    }
}

/// A disk that takes no further row.
const NO_ROOM: &str = "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON subject_keys FOR EACH ROW EXECUTE FUNCTION no_room()";

#[tokio::test]
async fn a_full_disk_is_named_and_not_what_it_leads_to() {
    for house in houses().await {
        let auditor = house.person(HOUSE, Role::Auditor, None, "Adi").await;
        // Without a key yet: the row of who looked needs one for their address.
        let auditor = Principal {
            who: Who::User(new_id(house.platform.now())),
            ..auditor
        };
        house.intrude(NO_ROOM.into()).await;
        let paging = Paging::of(None, None).expect("a page");
        let looked = audit::list(&house.platform, &auditor, Filter::default(), paging).await;
        assert!(
            matches!(&looked, Err(Refusal::Db(error)) if error.is_disk_full() && error.may_retry()),
            "{}: {looked:?}",
            house.kind
        );
    }
}

#[tokio::test]
async fn a_persons_values_are_sealed_and_read_by_whom_the_log_is_open_to() {
    for house in houses().await {
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let auditor = house.person(HOUSE, Role::Auditor, None, "Adi").await;
        work(&house, &agent, 1).await;
        let raw: (String, String) = house
            .system(|tx| {
                tx.one(sqlx::query_as(
                    "SELECT new_value::text, ip_sealed FROM audit_log WHERE entity_type = 'lead'",
                ))
            })
            .await;
        assert!(
            !raw.0.contains("62811111111") && raw.0.contains("contacted"),
            "{}: {}",
            house.kind,
            raw.0
        );
        assert!(
            raw.1.starts_with("sealed:") && !raw.1.contains("203.0.113.7"),
            "{}",
            house.kind
        );
        let filter = Filter {
            entity: Some("lead".into()),
            ..Filter::default()
        };
        let paging = Paging::of(None, None).expect("a page");
        let page = audit::list(&house.platform, &auditor, filter.clone(), paging)
            .await
            .expect(house.kind);
        assert_eq!(page.items.len(), 1);
        assert_eq!(
            page.items[0].after["phone"], "+62811111111",
            "{}",
            house.kind
        );
        assert_eq!(page.items[0].before, serde_json::json!({"stage": "new"}));
        let refused = audit::list(&house.platform, &agent, filter, paging).await;
        assert_eq!(
            refused.expect_err("not a reader of the log").fault(),
            Some(FORBIDDEN)
        );
        let looked: i64 = house
            .count(
                &Principal::system("test"),
                "SELECT count(*) FROM audit_log WHERE action = 'access'",
            )
            .await;
        assert_eq!(
            looked, 1,
            "{}: that somebody looked stands in the log",
            house.kind
        );
        let none = Value::Null;
        assert_eq!(page.items[0].before.get("phone").unwrap_or(&none), &none);
    }
}

#[tokio::test]
async fn a_log_that_grows_while_it_is_verified_is_well() {
    for house in houses().await {
        let owner = Principal::owner();
        work(&house, &owner, 20).await;
        let (report, ()) = tokio::join!(audit::verify(house.db(), &[]), work(&house, &owner, 60));
        let report = report.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
        assert_eq!(report.faults, [], "{}", house.kind);
        assert!(report.rows >= 20, "{}", house.kind);
        assert_eq!(faults(&house, &[]).await, [], "{}", house.kind);
    }
}
