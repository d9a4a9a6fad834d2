//! Search by meaning: the ten nearest and no other organisation's, what the assistant may, and how vectors and texts end.

use serde_json::{Value, json};
use siaga_platform::crm::Urgency;
use siaga_platform::crm::urgency::{UPCOMING_NS, URGENT_NS};
use siaga_platform::db::{Actor, DbError};
use siaga_platform::erasure::{self, Kind};
use siaga_platform::handlers;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Principal, Role};
use siaga_platform::retention;
use siaga_platform::semantic::{self, DIMENSIONS, Embedding, HITS_MAX, Model, Near, Source};
use siaga_platform::values::bound;
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use super::desk::{House, MORNING, houses};

const MODEL: Model<'static> = Model {
    name: "small",
    version: "1",
};

/// A direction of that cosine with the one of cosine 1.
fn towards(similarity: f32) -> Embedding {
    let mut numbers = vec![0.0; DIMENSIONS];
    numbers[0] = similarity;
    numbers[1] = (1.0 - similarity * similarity).sqrt();
    Embedding::new(&numbers).expect("a direction")
}

/// A document in a workspace of its own, without a vector.
async fn document(
    house: &House,
    org: Uuid,
    author: Option<Uuid>,
    status: &'static str,
    content: &'static str,
) -> Uuid {
    let (project, id) = (new_id(house.platform.now()), new_id(house.platform.now()));
    house
        .system(move |tx| {
            tx.execute(
                sqlx::query("INSERT INTO projects (id, org_id, name) VALUES ($1, $2, 'Knowledge')")
                    .bind(project)
                    .bind(org),
            )?;
            tx.execute(
                sqlx::query("INSERT INTO documents (id, org_id, project_id, author_id, title, content, status) VALUES ($1, $2, $3, $4, 'Margin', $5, $6)")
                    .bind(id)
                    .bind(org)
                    .bind(project)
                    .bind(author)
                    .bind(content)
                    .bind(status),
            )
        })
        .await;
    id
}

/// A task about a lead of that subject.
async fn task(house: &House, org: Uuid, subject: Uuid) -> Uuid {
    let (lead, id) = (new_id(house.platform.now()), new_id(house.platform.now()));
    house
        .system(move |tx| {
            tx.execute(
                sqlx::query("INSERT INTO leads (id, org_id, subject_id, source, stage_since) VALUES ($1, $2, $3, 'web', now())")
                    .bind(lead)
                    .bind(org)
                    .bind(subject),
            )?;
            tx.execute(
                sqlx::query("INSERT INTO tasks (id, org_id, lead_id, due_date) VALUES ($1, $2, $3, now() - INTERVAL '1 hour')")
                    .bind(id)
                    .bind(org)
                    .bind(lead),
            )
        })
        .await;
    id
}

/// Keeps a vector as `actor`.
async fn keep(
    house: &House,
    actor: &Actor,
    source: Source,
    similarity: f32,
    model: Model<'static>,
) -> bool {
    let now = house.platform.now();
    let kept = house.db().write(actor, move |tx| {
        Ok::<_, DbError>(semantic::keep(
            tx,
            now,
            source,
            &towards(similarity),
            model,
        )?)
    });
    kept.await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind))
}

async fn planted(
    house: &House,
    org: Uuid,
    status: &'static str,
    similarity: f32,
    model: Model<'static>,
) -> Uuid {
    let id = document(house, org, None, status, "").await;
    let source = Source::Document { id, version: 1 };
    assert!(
        keep(house, &Actor::SYSTEM, source, similarity, model).await,
        "{}",
        house.kind
    );
    id
}

async fn nearest(house: &House, by: &Principal, org: Uuid) -> Vec<Near> {
    let found = house.platform.read(by, move |tx| {
        semantic::nearest(tx, org, MODEL.name, &towards(1.0))
    });
    found
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind))
}

#[tokio::test]
async fn the_ten_nearest_are_found_in_order_and_none_of_another_organisation() {
    for house in houses().await {
        let kind = house.kind;
        let other = house.organisation("lain").await;
        let sari = house.client("Sari").await;
        let budi = house.person(other, Role::EndUser, None, "Budi").await;
        let mut ours = Vec::new();
        for similarity in [
            0.8, 0.99, 0.76, 0.749, 0.91, 0.84, -0.9, 0.97, 0.78, 0.88, 0.95, 0.5, 0.82, 0.93,
            0.86, 0.0,
        ] {
            let id = planted(&house, HOUSE, "published", similarity, MODEL).await;
            ours.push((similarity, id));
        }
        let theirs = planted(&house, other, "published", 0.98, MODEL).await;
        let large = Model {
            name: "large",
            version: "1",
        };
        planted(&house, HOUSE, "published", 1.0, large).await;
        let draft = planted(&house, HOUSE, "draft", 0.985, MODEL).await;
        ours.sort_by(|a, b| b.0.total_cmp(&a.0));
        let expected: Vec<Uuid> = ours.iter().take(10).map(|(_, id)| *id).collect();
        let found = nearest(&house, &sari, HOUSE).await;
        let ids: Vec<Uuid> = found.iter().map(|near| near.id).collect();
        assert_eq!(ids, expected, "{kind}");
        assert_eq!(i32::try_from(ids.len()), Ok(HITS_MAX), "{kind}");
        for (near, (similarity, _)) in found.iter().zip(&ours) {
            let off = (near.similarity - f64::from(*similarity)).abs();
            assert!(off < 1e-4, "{kind}: {near:?} for {similarity}");
            assert_eq!(near.source, "document", "{kind}");
        }
        let owner = nearest(&house, &Principal::owner(), HOUSE).await;
        assert_eq!(owner[1].id, draft, "{kind}: whoever sees drafts finds them");
        let own: Vec<Uuid> = nearest(&house, &budi, other)
            .await
            .iter()
            .map(|near| near.id)
            .collect();
        assert_eq!(own, [theirs], "{kind}");
        for (by, org) in [(&sari, other), (&budi, HOUSE), (&Principal::owner(), other)] {
            assert_eq!(nearest(&house, by, org).await, [], "{kind}: {by:?}");
        }
        let close: Vec<Uuid> = ours
            .iter()
            .filter(|(similarity, _)| *similarity > 0.75)
            .map(|(_, id)| *id)
            .collect();
        let list = close.iter().take(9).map(|id| format!("'{id}'"));
        let list = list.collect::<Vec<_>>().join(", ");
        let gone = format!("UPDATE documents SET status = 'deleted' WHERE id IN ({list})");
        assert_eq!(
            house.attempt(&Principal::system("test"), gone).await,
            Ok(9),
            "{kind}"
        );
        let left = nearest(&house, &sari, HOUSE).await;
        let left: Vec<Uuid> = left.iter().map(|near| near.id).collect();
        assert_eq!(
            left,
            close[9..],
            "{kind}: what is not more similar than three quarters stays out"
        );
    }
}

#[tokio::test]
async fn a_task_is_as_urgent_in_the_database_as_in_the_program() {
    let now = Ts(MORNING);
    let micro = 1_000;
    for house in houses().await {
        for due in [
            Ts(0),
            Ts(now.0 - micro),
            now,
            now.plus(micro),
            now.plus(URGENT_NS - micro),
            now.plus(URGENT_NS),
            now.plus(UPCOMING_NS - micro),
            now.plus(UPCOMING_NS),
            now.plus(400 * 86_400 * SECOND_NS),
        ] {
            let said: String = house
                .system(move |tx| {
                    tx.scalar(
                        sqlx::query_scalar("SELECT app_urgency($1::timestamptz, $2::timestamptz)")
                            .bind(bound(due))
                            .bind(bound(now)),
                    )
                })
                .await;
            assert_eq!(
                Urgency::parse(&said),
                Some(Urgency::of(due, now)),
                "{}: {due:?}",
                house.kind
            );
        }
    }
}

const DOCUMENTS: &str = "SELECT count(*) FROM mv_ai_document_context";
const TASKS: &str = "SELECT count(*) FROM mv_ai_task_intelligence";

async fn seen(house: &House, actor: &Actor, sql: &'static str) -> i64 {
    let counted = house
        .db()
        .read(actor, move |tx| tx.scalar(sqlx::query_scalar(sql)));
    counted
        .await
        .unwrap_or_else(|error| panic!("{}: {sql}: {error}", house.kind))
}

#[tokio::test]
async fn the_assistant_sees_what_its_user_sees_and_writes_vectors_and_summaries() {
    for house in houses().await {
        let kind = house.kind;
        let other = house.organisation("lain").await;
        let (sari, author) = (
            house.client("Sari").await,
            house.person(HOUSE, Role::ContentEditor, None, "Eka").await,
        );
        let page = document(&house, HOUSE, author.user(), "published", "a").await;
        document(&house, HOUSE, author.user(), "draft", "b").await;
        document(&house, HOUSE, author.user(), "deleted", "c").await;
        let foreign = document(&house, other, None, "published", "d").await;
        let due = task(&house, HOUSE, new_id(house.platform.now())).await;
        task(&house, other, new_id(house.platform.now())).await;
        let of = |by: &Principal| by.db_actor().assistant();
        let (client, editor) = (of(&sari), of(&author));
        let (owner, program) = (of(&Principal::owner()), Actor::SYSTEM.assistant());
        for (actor, documents, tasks) in [
            (&client, 1, 0),
            (&editor, 2, 0),
            (&owner, 2, 1),
            (&program, 3, 2),
            (&Actor::NOBODY.assistant(), 0, 0),
        ] {
            assert_eq!(seen(&house, actor, DOCUMENTS).await, documents, "{kind}");
            assert_eq!(seen(&house, actor, TASKS).await, tasks, "{kind}: {actor:?}");
        }
        let overdue =
            "SELECT count(*) FROM mv_ai_task_intelligence WHERE urgency_level = 'overdue'";
        assert_eq!(seen(&house, &owner, overdue).await, 1, "{kind}");

        let read = Source::Document {
            id: page,
            version: 1,
        };
        let late = Source::Document {
            id: page,
            version: 2,
        };
        let theirs = Source::Document {
            id: foreign,
            version: 1,
        };
        for (source, kept) in [
            (theirs, false),
            (late, false),
            (read, true),
            (read, false),
            (Source::Task { id: due }, true),
        ] {
            let done = keep(&house, &owner, source, 0.9, MODEL).await;
            assert_eq!(done, kept, "{kind}: {source:?}");
        }
        let embedded = "SELECT count(*) FROM mv_ai_document_context WHERE embedding IS NOT NULL AND embedding_metadata ->> 'model' = 'small'";
        assert_eq!(seen(&house, &client, embedded).await, 1, "{kind}");
        for (actor, version, changed) in [
            (&client, 1, false),
            (&editor, 2, false),
            (&editor, 1, true),
            (&program, 1, true),
        ] {
            let done = house.db().write(actor, move |tx| {
                let summary = json!({"summary": "what a margin call is"});
                Ok::<_, DbError>(semantic::summarise(
                    tx,
                    page,
                    version,
                    &summary,
                    &json!({}),
                )?)
            });
            assert_eq!(done.await.expect(kind), changed, "{kind}: {actor:?}");
        }
        let forged = format!(
            "INSERT INTO ai_embeddings (id, org_id, source_id, source_type, source_version, embedding, metadata)
             SELECT '{0}', '{HOUSE}', '{foreign}', 'document', 1, array_agg(CASE WHEN n = 1 THEN 1 ELSE 0 END::real ORDER BY n), '{{\"model\": \"x\"}}'
             FROM generate_series(1, 1536) AS n",
            new_id(house.platform.now())
        );
        let forge = house.db().write(&owner, move |tx| {
            tx.execute(siaga_platform::db::Tx::composed(forged))
        });
        let forged = forge.await.expect_err("a text that is not seen");
        assert_eq!(forged.sqlstate().as_deref(), Some("42501"), "{kind}");

        let changed = format!("UPDATE documents SET content = 'new' WHERE id = '{page}'");
        assert_eq!(house.attempt(&sari, changed.clone()).await, Ok(0), "{kind}");
        assert_eq!(house.attempt(&author, changed).await, Ok(1), "{kind}");
        let after: (i32, Value) = house
            .system(move |tx| {
                tx.one(
                    sqlx::query_as("SELECT version, ai_summary FROM documents WHERE id = $1")
                        .bind(page),
                )
            })
            .await;
        assert_eq!(after, (2, json!({})), "{kind}");
        assert_eq!(
            seen(&house, &client, embedded).await,
            0,
            "{kind}: a text that changed loses what was made of the old one"
        );
        // As a statement does that began before the change and ends behind it.
        for (version, kept) in [(1, 0), (2, 1)] {
            let late = format!(
                "INSERT INTO ai_embeddings (id, org_id, source_id, source_type, source_version, embedding, metadata)
                 SELECT '{0}', '{HOUSE}', '{page}', 'document', {version}, array_agg(CASE WHEN n = 1 THEN 1 ELSE 0 END::real ORDER BY n), '{{\"model\": \"small\"}}'
                 FROM generate_series(1, 1536) AS n",
                new_id(house.platform.now())
            );
            let done = house.attempt(&Principal::system("test"), late).await;
            assert_eq!(done, Ok(kept), "{kind}: version {version}");
        }
    }
}

#[tokio::test]
async fn an_erasure_and_the_term_reach_vectors_and_texts() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        let mine = task(&house, HOUSE, me).await;
        let another = task(&house, HOUSE, new_id(house.platform.now())).await;
        let named = document(
            &house,
            HOUSE,
            None,
            "published",
            "Sari wrote from sari@contoh.id about margin",
        )
        .await;
        let short = document(&house, HOUSE, None, "published", "about margin").await;
        for source in [
            Source::Task { id: mine },
            Source::Task { id: another },
            Source::Document {
                id: named,
                version: 1,
            },
            Source::Document {
                id: short,
                version: 1,
            },
        ] {
            assert!(keep(&house, &Actor::SYSTEM, source, 0.9, MODEL).await);
        }
        for id in [named, short] {
            let summary = json!({"summary": "asked by sari@contoh.id"});
            let done =
                house.system(move |tx| Ok(semantic::summarise(tx, id, 1, &summary, &json!({}))?));
            assert!(done.await, "{kind}");
        }
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        let done = erasure::erase_due(&house.platform, &handlers::engines().stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}");
        let texts: Vec<(Uuid, String, Value)> = house
            .system(|tx| {
                tx.all(sqlx::query_as(
                    "SELECT id, content, ai_summary FROM documents ORDER BY id LIMIT 10",
                ))
            })
            .await;
        let text = |id: Uuid| texts.iter().find(|row| row.0 == id).expect("a document");
        assert_eq!(
            text(named).1,
            "[erased] wrote from [erased] about margin",
            "{kind}"
        );
        assert_eq!(text(named).2, json!({}), "{kind}");
        assert_eq!(text(short).1, "about margin", "{kind}");
        assert_eq!(text(short).2, json!({}), "{kind}");
        let mut expected = [another, short];
        expected.sort_unstable();
        assert_eq!(vectors(&house).await, expected, "{kind}");

        let system = Principal::system("test");
        for old in [
            format!(
                "UPDATE documents SET status = 'deleted', updated_at = '2026-01-01' WHERE id = '{short}'"
            ),
            format!(
                "UPDATE documents SET status = 'deleted', updated_at = '2026-11-14' WHERE id = '{named}'"
            ),
            format!(
                "UPDATE tasks SET status = 'done', updated_at = '2026-01-01' WHERE id = '{another}'"
            ),
        ] {
            assert_eq!(house.attempt(&system, old).await, Ok(1), "{kind}");
        }
        assert_eq!(
            vectors(&house).await,
            [another],
            "{kind}: with its document at once"
        );
        let runs = retention::run(&house.platform, &handlers::engines().categories)
            .await
            .expect(kind);
        let run = runs.iter().find(|run| run.category == "documents");
        assert_eq!(run.map(|run| run.rows), Some(2), "{kind}");
        assert_eq!(vectors(&house).await.len(), 0, "{kind}");
        let count = "SELECT count(*) FROM documents";
        assert_eq!(
            house.count(&system, count).await,
            1,
            "{kind}: yesterday's stays"
        );
    }
}

/// Documents that say a first name alone, with keys before those of others: more than one page of them.
const MANY: &str = "INSERT INTO documents (id, org_id, project_id, title, content)
    SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1::uuid, $2::uuid, 'Margin', 'Sari again' FROM generate_series(1, 1010) AS n";

#[tokio::test]
async fn an_erasure_reaches_every_page_of_documents_and_the_workspaces() {
    for house in houses().await {
        let kind = house.kind;
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        let text = "write to sari@contoh.id";
        let last = document(&house, HOUSE, None, "published", text).await;
        let (named, context) = (new_id(house.platform.now()), new_id(house.platform.now()));
        house
            .system(move |tx| {
                let workspace = "INSERT INTO projects (id, org_id, name, description, ai_context) VALUES ($1, $2, $3, $4, $5)";
                tx.execute(
                    sqlx::query(workspace)
                        .bind(named)
                        .bind(HOUSE)
                        .bind("For sari@contoh.id")
                        .bind("asked by sari@contoh.id")
                        .bind(json!({"of": "sari@contoh.id"})),
                )?;
                tx.execute(
                    sqlx::query(workspace)
                        .bind(context)
                        .bind(HOUSE)
                        .bind("Gold")
                        .bind("of metals")
                        .bind(json!({"of": "sari@contoh.id"})),
                )?;
                tx.execute(sqlx::query(MANY).bind(HOUSE).bind(context))
            })
            .await;
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        let done = erasure::erase_due(&house.platform, &handlers::engines().stores).await;
        assert_eq!(done.expect(kind), 1, "{kind}");
        let (content,): (String,) = house
            .system(move |tx| {
                let sql = "SELECT content FROM documents WHERE id = $1";
                tx.one(sqlx::query_as(sql).bind(last))
            })
            .await;
        assert_eq!(content, "write to [erased]", "{kind}: behind 1,000 others");
        for (id, name, description) in [
            (named, "For [erased]", "asked by [erased]"),
            (context, "Gold", "of metals"),
        ] {
            let row: (String, String, Value) = house
                .system(move |tx| {
                    let sql = "SELECT name, description, ai_context FROM projects WHERE id = $1";
                    tx.one(sqlx::query_as(sql).bind(id))
                })
                .await;
            let expected = (name.to_owned(), description.to_owned(), json!({}));
            assert_eq!(row, expected, "{kind}");
        }
    }
}

/// What has a vector, in the order of keys.
async fn vectors(house: &House) -> Vec<Uuid> {
    let rows: Vec<(Uuid,)> = house
        .system(|tx| {
            tx.all(sqlx::query_as(
                "SELECT source_id FROM ai_embeddings ORDER BY source_id LIMIT 100",
            ))
        })
        .await;
    rows.into_iter().map(|(id,)| id).collect()
}
