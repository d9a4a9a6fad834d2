//! Who sees which rows: attempts in plain SQL, as the application's role, for a person who means harm.

use siaga_platform::audit::{Action, Change};
use siaga_platform::db::Actor;
use siaga_platform::erasure::{self, Kind};
use siaga_platform::handlers;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Area, Principal, Role};
use siaga_platform::search::{self, Entry};

use super::desk::{House, houses};

const PEOPLE: &str = "SELECT count(*) FROM users";

#[tokio::test]
async fn nobody_sees_a_row_of_another_organisation() {
    for house in houses().await {
        let other = house.organisation("lain").await;
        let ours = house.person(HOUSE, Role::SuperAdmin, None, "Dewi").await;
        let theirs = house.person(other, Role::SuperAdmin, None, "Budi").await;
        let client = house.client("Sari").await;
        for (by, name) in [(&ours, "ours"), (&theirs, "theirs")] {
            let request = house.platform.command(by, |unit| {
                unit.audit(Change::new(Action::Access, "test", "x"));
                let id = new_id(unit.now());
                let (org, now) = (unit.by().org, unit.now());
                unit.tx().execute(
                    sqlx::query("INSERT INTO subject_requests (id, org_id, subject_id, kind, requested_by, created_at, due_at) VALUES ($1, $2, $1, 'export', 'x', $3, $3)")
                        .bind(id)
                        .bind(org)
                        .bind(siaga_platform::values::bound(now)),
                )?;
                Ok(())
            });
            request
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for table in [
            "users",
            "organizations",
            "org_members",
            "audit_log",
            "subject_requests",
            "subject_keys",
            "events",
        ] {
            let foreign = match table {
                "organizations" => {
                    format!("SELECT count(*) FROM organizations WHERE id <> '{HOUSE}'")
                }
                _ => format!("SELECT count(*) FROM {table} WHERE org_id <> '{HOUSE}'"),
            };
            let sql: &'static str = foreign.leak();
            assert_eq!(house.count(&ours, sql).await, 0, "{} {table}", house.kind);
            let own: &'static str = sql.replace("<>", "=").leak();
            assert_eq!(house.count(&theirs, own).await, 0, "{} {table}", house.kind);
            if table != "events" {
                let system = Principal::system("test");
                assert!(
                    house.count(&system, sql).await > 0,
                    "{} {table}: there was something to see",
                    house.kind
                );
            }
        }
        let taken = house
            .attempt(
                &ours,
                format!("UPDATE users SET org_id = '{HOUSE}' WHERE org_id = '{other}'"),
            )
            .await;
        assert_eq!(
            taken,
            Ok(0),
            "{}: a foreign row is not there to change",
            house.kind
        );
        let moved = house
            .attempt(
                &ours,
                format!(
                    "UPDATE users SET org_id = '{other}' WHERE id = '{}'",
                    client.audit_name()
                ),
            )
            .await;
        assert_eq!(
            moved,
            Err("42501".into()),
            "{}: nor is a row given away",
            house.kind
        );
    }
}

#[tokio::test]
async fn people_see_as_far_as_their_role_reaches() {
    for house in houses().await {
        let jakarta = house.team(HOUSE, "Jakarta", None).await;
        let medan = house.team(HOUSE, "Medan", None).await;
        let manager = house
            .person(HOUSE, Role::SalesManager, Some(jakarta), "Rina")
            .await;
        let service = house.person(HOUSE, Role::CsStaff, None, "Tono").await;
        let partner = house.person(HOUSE, Role::IbPartner, None, "Ivan").await;
        let client = house
            .person(HOUSE, Role::EndUser, Some(jakarta), "Sari")
            .await;
        let other = house
            .person(HOUSE, Role::EndUser, Some(medan), "Budi")
            .await;
        let referral = format!(
            "UPDATE users SET referrer_id = '{}' WHERE id = '{}'",
            partner.audit_name(),
            client.audit_name()
        );
        assert_eq!(
            house.attempt(&Principal::system("test"), referral).await,
            Ok(1)
        );
        let kind = house.kind;
        // Owner, manager and service are staff; partner and the two clients are not.
        assert_eq!(
            house.count(&Principal::owner(), PEOPLE).await,
            6,
            "{kind}: the owner sees everybody"
        );
        assert_eq!(
            house.count(&manager, PEOPLE).await,
            4,
            "{kind}: colleagues, and clients of the team"
        );
        assert_eq!(
            house.count(&service, PEOPLE).await,
            6,
            "{kind}: service reads all clients"
        );
        assert_eq!(
            house.count(&partner, PEOPLE).await,
            2,
            "{kind}: oneself, and who one brought"
        );
        assert_eq!(house.count(&client, PEOPLE).await, 1, "{kind}: oneself");
        assert_eq!(house.count(&other, PEOPLE).await, 1, "{kind}");
        let nobody = house
            .db()
            .read(&Actor::NOBODY, |tx| {
                tx.scalar(sqlx::query_scalar::<_, i64>(PEOPLE))
            })
            .await;
        assert_eq!(nobody.expect(kind), 0, "{kind}: nobody sees nobody");
        let suspend = format!(
            "UPDATE users SET status = 'suspended' WHERE id = '{}'",
            service.audit_name()
        );
        assert_eq!(house.attempt(&Principal::owner(), suspend).await, Ok(1));
        assert_eq!(
            house.count(&service, PEOPLE).await,
            1,
            "{kind}: who is suspended sees nobody else"
        );
    }
}

#[tokio::test]
async fn nobody_gives_themselves_more_than_they_have() {
    for house in houses().await {
        let client = house.client("Sari").await;
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        let kind = house.kind;
        for (by, id) in [(&client, client.audit_name()), (&agent, agent.audit_name())] {
            for change in [
                "role = 'super_admin'",
                "status = 'suspended'",
                "verified = NOT verified",
                "tier = 'gold'",
                "actor = 1",
            ] {
                let tried = house
                    .attempt(by, format!("UPDATE users SET {change} WHERE id = '{id}'"))
                    .await;
                assert_eq!(tried, Err("42501".into()), "{kind}: {change}");
            }
            let own = house
                .attempt(
                    by,
                    format!("UPDATE users SET locale = 'en' WHERE id = '{id}'"),
                )
                .await;
            assert_eq!(own, Ok(1), "{kind}: what is one's own may be changed");
        }
        let forged = [
            "INSERT INTO role_grants VALUES ('end_user', 'aml', 'full', 'all', false)".to_owned(),
            "UPDATE role_grants SET scope = 'all'".to_owned(),
            "DELETE FROM audit_log".to_owned(),
            "UPDATE audit_heads SET links = 0".to_owned(),
            format!(
                "INSERT INTO audit_log (created_at, org_id, actor_id, action, entity_type, entity_id) VALUES (now(), '{HOUSE}', 'system', 'create', 'x', 'x')"
            ),
            format!(
                "INSERT INTO audit_log (created_at, org_id, actor_id, action, entity_type, entity_id, hash) VALUES (now(), '{HOUSE}', '{}', 'create', 'x', 'x', '\\x00')",
                client.audit_name()
            ),
            "INSERT INTO events (type, time, payload) VALUES ('risk.forged', now(), '{}')"
                .to_owned(),
            format!(
                "INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, status, confirmed_at, requested_by, created_at) VALUES ('{0}', '{HOUSE}', '{0}', 1, 'deposit', 'USD', 1, 1, 'confirmed', now(), '{0}', now())",
                client.audit_name()
            ),
            format!(
                "INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, requested_by, created_at) VALUES ('{0}', '{HOUSE}', '{1}', 1, 'deposit', 'USD', 1, 1, '{0}', now())",
                client.audit_name(),
                agent.audit_name()
            ),
            format!(
                "INSERT INTO org_members (id, org_id, user_id, role) VALUES ('{0}', '{HOUSE}', '{0}', 'owner')",
                client.audit_name()
            ),
        ];
        for sql in forged {
            let tried = house.attempt(&client, sql.clone()).await;
            assert_eq!(tried, Err("42501".into()), "{kind}: {sql}");
        }
        let destroyed = house.attempt(&client, "UPDATE subject_keys SET wrapped = NULL, wrapped_under = NULL, destroyed_at = now()".into()).await;
        assert_eq!(
            destroyed,
            Err("42501".to_owned()),
            "{kind}: nobody destroys a key"
        );
    }
}

#[tokio::test]
async fn money_of_an_account_is_its_owners_and_the_desks() {
    for house in houses().await {
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        let dealer = house.person(HOUSE, Role::Dealer, None, "Dono").await;
        let finance = house.person(HOUSE, Role::Finance, None, "Fitri").await;
        let (owner, kind) = (sari.audit_name(), house.kind);
        house
            .intrude(format!(
                "INSERT INTO accounts_directory (account, system, outside_id, user_id, org_id) VALUES (7, 'mt5', '10007', '{owner}', '{HOUSE}');
                 INSERT INTO cash_movements (seq, index, leg, time, account, book, kind, amount, reference) VALUES (1, 0, 0, now(), 7, 'client', 'deposit', 100, 1), (1, 0, 1, now(), 7, 'house', 'deposit', -100, 1);
                 INSERT INTO positions_closed (id, account, instrument, side, open_price, opened, closed, swap, commission, realised, seq) VALUES (1, 7, 1, 'buy', 1, now(), now(), 0, 0, 0, 2);
                 INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, requested_by, created_at) VALUES ('{}', '{HOUSE}', '{owner}', 7, 'withdrawal', 'USD', 1, 1, '{owner}', now());",
                new_id(house.platform.now())
            ))
            .await;
        for (sql, seen) in [
            ("SELECT count(*) FROM cash_movements", [2, 0, 0, 2]),
            ("SELECT count(*) FROM positions_closed", [1, 0, 1, 0]),
            ("SELECT count(*) FROM accounts_directory", [1, 0, 1, 1]),
            ("SELECT count(*) FROM cash_requests", [1, 0, 0, 1]),
        ] {
            for (by, expected) in [&sari, &budi, &dealer, &finance].into_iter().zip(seen) {
                assert_eq!(
                    house.count(by, sql).await,
                    expected,
                    "{kind}: {sql} by {:?}",
                    by.role
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_found_is_what_may_be_seen() {
    for house in houses().await {
        let jakarta = house.team(HOUSE, "Jakarta", None).await;
        let manager = house
            .person(HOUSE, Role::SalesManager, Some(jakarta), "Rina")
            .await;
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Agus").await;
        let client = house.client("Sari").await;
        put(&house, "lead", Some(jakarta), None, "Siti Nurhaliza").await;
        put(&house, "lead", None, agent.user(), "Siti Nurbaya").await;
        let kind = house.kind;
        for (by, seen) in [
            (&manager, 1),
            (&agent, 2),
            (&client, 0),
            (&Principal::owner(), 2),
        ] {
            let keyring = house.platform.keyring().clone();
            let found = house
                .platform
                .read(by, move |tx| {
                    search::find(tx, &keyring, "siti nur", Some(Area::Crm), 20)
                })
                .await;
            assert_eq!(found.expect(kind).len(), seen, "{kind}: {:?}", by.role);
            assert_eq!(
                house
                    .count(by, "SELECT count(DISTINCT ref) FROM search_grams")
                    .await,
                seen as i64,
                "{kind}: {:?}",
                by.role
            );
            // What the search asks, with every trigram that there is.
            assert_eq!(
                house
                    .count(by, "SELECT count(*) FROM app_search((SELECT array_agg(DISTINCT gram) FROM search_grams), 1)")
                    .await,
                seen as i64,
                "{kind}: {:?}",
                by.role
            );
        }
    }
}

#[tokio::test]
async fn a_trigram_known_from_elsewhere_finds_nothing_that_may_not_be_seen() {
    for house in houses().await {
        let (kind, system) = (house.kind, Principal::system("test"));
        let north = house.organisation("north").await;
        let jakarta = house.team(HOUSE, "Jakarta", None).await;
        let manager = house
            .person(HOUSE, Role::SalesManager, Some(jakarta), "Rina")
            .await;
        let gone = house
            .person(HOUSE, Role::SalesManager, Some(jakarta), "Toni")
            .await;
        let partner = house.person(HOUSE, Role::IbPartner, None, "Ivan").await;
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Agus").await;
        let other = house.person(north, Role::SalesAgent, None, "Nina").await;
        let client = house.client("Sari").await;
        put(&house, "lead", Some(jakarta), None, "Siti Nurhaliza").await;
        put(&house, "lead", None, partner.user(), "Siti Nurhaliza").await;
        put(&house, "lead", None, None, "Siti Nurhaliza").await;
        let toni = gone.user().expect("a person");
        house
            .intrude(format!(
                "UPDATE users SET status = 'suspended' WHERE id = '{toni}'"
            ))
            .await;
        let grams: String = house
            .system(|tx| {
                tx.scalar(sqlx::query_scalar(
                    "SELECT array_agg(DISTINCT gram)::text FROM search_grams",
                ))
            })
            .await;
        let sql: &'static str = format!("SELECT count(*) FROM app_search('{grams}', 1)").leak();
        for (by, seen) in [
            (&system, 3),
            (&Principal::owner(), 3),
            (&agent, 3),
            (&manager, 1),
            (&partner, 1),
            (&gone, 0),
            (&other, 0),
            (&client, 0),
        ] {
            assert_eq!(house.count(by, sql).await, seen, "{kind}: {:?}", by.role);
        }
        let assistant = Actor::of(siaga_platform::ids::OWNER).assistant();
        let refused = house
            .db()
            .read(&assistant, move |tx| {
                tx.scalar(sqlx::query_scalar::<_, i64>(sql))
            })
            .await;
        let refused = refused.expect_err(kind).sqlstate();
        assert_eq!(refused.as_deref(), Some("42501"), "{kind}: the assistant");
    }
}

async fn put(
    house: &House,
    entity: &'static str,
    team: Option<uuid::Uuid>,
    owner: Option<uuid::Uuid>,
    name: &'static str,
) {
    let system = Principal::system("test");
    let indexed = house.platform.command(&system, move |unit| {
        let entry = Entry {
            entity,
            id: new_id(unit.now()),
            area: Area::Crm,
            owner,
            team,
            subject: None,
            words: String::new(),
            personal: vec![name.to_owned()],
        };
        search::index(unit, &entry)
    });
    indexed.await.expect(house.kind);
}

#[tokio::test]
async fn every_table_with_people_in_it_filters_its_rows() {
    /// Tables that hold nobody's rows.
    const OPEN: &[&str] = &[
        "alert_engine",
        "alert_evidence",
        "audit_heads",
        "bars",
        "consumers",
        "instruments",
        "names",
        "role_grants",
        "roles",
        "schema_versions",
        "ticks",
    ];
    for house in houses().await {
        let rows: Vec<(String, bool, bool)> = house
            .system(|tx| {
                tx.all(sqlx::query_as(
                    "SELECT relname::text, relrowsecurity, relforcerowsecurity FROM pg_class
                     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
                ))
            })
            .await;
        assert!(rows.len() > 30, "{}: {} tables", house.kind, rows.len());
        for (table, on, forced) in rows {
            assert_eq!(
                (on, forced),
                (
                    !OPEN.contains(&table.as_str()),
                    !OPEN.contains(&table.as_str())
                ),
                "{}: {table}",
                house.kind
            );
        }
    }
}

#[tokio::test]
async fn the_assistant_sees_and_changes_nothing_that_was_not_granted_to_it() {
    for house in houses().await {
        let owner = Actor::of(siaga_platform::ids::OWNER).assistant();
        for sql in [
            "SELECT count(*) FROM users",
            "SELECT count(*) FROM audit_log",
            "SELECT count(*) FROM subject_keys",
            "SELECT count(*) FROM cash_requests",
            "SELECT count(*) FROM leads",
            "SELECT count(*) FROM tasks",
            "SELECT count(*) FROM lead_history",
            "SELECT count(*) FROM projects",
            "SELECT count(embedding) FROM ai_embeddings",
            "SELECT count(*) FROM documents WHERE title = 'Margin'",
            "SELECT count(content) FROM documents",
        ] {
            let read = house
                .db()
                .read(&owner, move |tx| {
                    tx.scalar(sqlx::query_scalar::<_, i64>(sql))
                })
                .await;
            assert_eq!(
                read.expect_err(house.kind).sqlstate().as_deref(),
                Some("42501"),
                "{}: {sql}",
                house.kind
            );
        }
        for sql in [
            "DELETE FROM users",
            "UPDATE users SET tier = 'x'",
            "DELETE FROM search_entries",
            "INSERT INTO consents DEFAULT VALUES",
            "DELETE FROM documents",
            "DELETE FROM ai_embeddings",
            "UPDATE ai_embeddings SET metadata = '{}'",
            "UPDATE documents SET title = 'x'",
            "UPDATE documents SET content = ''",
            "UPDATE documents SET ai_summary = '{}', status = 'published'",
            "INSERT INTO documents DEFAULT VALUES",
            "UPDATE projects SET ai_context = '{}'",
            "UPDATE tasks SET status = 'done'",
            "TRUNCATE ai_embeddings",
        ] {
            let written = house
                .db()
                .write(&owner, move |tx| tx.execute(sqlx::query(sql)))
                .await;
            assert_eq!(
                written.expect_err(house.kind).sqlstate().as_deref(),
                Some("42501"),
                "{}: {sql}",
                house.kind
            );
        }
    }
}

#[tokio::test]
async fn an_administrator_of_another_organisation_administers_that_one() {
    for house in houses().await {
        let kind = house.kind;
        let other = house.organisation("lain").await;
        let admin = house.person(other, Role::SuperAdmin, None, "Eve").await;
        let colleague = house.person(other, Role::SalesAgent, None, "Budi").await;
        let (owner, sari) = (Principal::owner(), house.client("Sari").await);
        let me = sari.user().expect("a person");
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        let done = erasure::erase_due(&house.platform, &handlers::engines().stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}");
        house
            .intrude(format!(
                "INSERT INTO retention_runs (id, category, before, outcome, items, created_at) VALUES ('{}', 'receipts', now(), 'done', 7, now())",
                new_id(house.platform.now())
            ))
            .await;
        for sql in [
            "SELECT count(*) FROM erasure_ledger WHERE store = 'users'",
            "SELECT count(*) FROM retention_runs",
        ] {
            assert_eq!(house.count(&owner, sql).await, 1, "{kind}: {sql}");
            assert_eq!(house.count(&admin, sql).await, 0, "{kind}: {sql}");
        }
        let lists = "UPDATE sanctions_sources SET enabled = enabled";
        assert_eq!(house.attempt(&admin, lists.into()).await, Ok(0), "{kind}");
        let kept = house.attempt(&owner, lists.into()).await;
        assert!(matches!(kept, Ok(1..)), "{kind}: {kept:?}");
        let tier = |whose: &Principal| {
            format!(
                "UPDATE users SET tier = 'gold' WHERE id = '{}'",
                whose.audit_name()
            )
        };
        assert_eq!(
            house.attempt(&admin, tier(&colleague)).await,
            Ok(1),
            "{kind}"
        );
        assert_eq!(house.attempt(&admin, tier(&owner)).await, Ok(0), "{kind}");
        let team = |org: uuid::Uuid| {
            format!(
                "INSERT INTO teams (id, org_id, name) VALUES (gen_random_uuid(), '{org}', 'Bandung')"
            )
        };
        assert_eq!(house.attempt(&admin, team(other)).await, Ok(1), "{kind}");
        let denied = Err("42501".to_owned());
        assert_eq!(house.attempt(&admin, team(HOUSE)).await, denied, "{kind}");
    }
}
