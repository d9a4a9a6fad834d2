//! How long leads are kept that never became clients.

use siaga_platform::crm::work::{self, NoteKind};
use siaga_platform::erasure;
use siaga_platform::handlers;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::retention;
use siaga_platform::semantic::{self, DIMENSIONS, Embedding, Model, Source};
use uuid::Uuid;

use super::floor::{lose, number, seen, take, told};
use crate::ground::desk::{House, houses};

const DAY: u64 = 24 * 3_600;

/// Leads that lost their names in a run. Of their category alone: the audit log's term goes by the database's own clock, which the
/// house's runs ahead of.
async fn swept(house: &House) -> u64 {
    let mut categories = handlers::engines().categories;
    categories.retain(|category| category.name() == "leads");
    let runs = retention::run(&house.platform, &categories).await;
    let runs = runs.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
    let of_leads = runs.iter().find(|run| run.category == "leads");
    of_leads.expect("a category of leads").rows
}

/// The rows by which the database's own clock tells when a lead changed, as old as the house's first day.
async fn on_the_first_day(house: &House) {
    let sql = "UPDATE leads SET updated_at = '2026-11-15'".to_owned();
    let done = house.attempt(&Principal::system("test"), sql).await;
    assert!(done.is_ok(), "{}: {done:?}", house.kind);
}

/// A lead with a note.
async fn noted(house: &House, n: u32, name: &'static str) -> Uuid {
    let lead = take(house, told(Some(&number(n)), None, Some(name)));
    let lead = lead.await.lead;
    let (owner, text) = (Principal::owner(), format!("{name} asks for gold."));
    let noted = work::note(&house.platform, &owner, None, lead, NoteKind::Note, text).await;
    noted.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
    lead
}

/// A task about a lead, with the vector of what it says.
async fn embedded(house: &House, lead: Uuid) {
    let (task, now) = (new_id(house.platform.now()), house.platform.now());
    let mut numbers = vec![0.0; DIMENSIONS];
    numbers[0] = 1.0;
    let embedding = Embedding::new(&numbers).expect("a direction");
    let model = Model {
        name: "small",
        version: "1",
    };
    let kept = house.system(move |tx| {
        tx.execute(
            sqlx::query(
                "INSERT INTO tasks (id, org_id, lead_id, due_date) VALUES ($1, $2, $3, now())",
            )
            .bind(task)
            .bind(HOUSE)
            .bind(lead),
        )?;
        let source = Source::Task { id: task };
        Ok(semantic::keep(tx, now, source, &embedding, model)?)
    });
    assert!(kept.await, "{}", house.kind);
}

/// How many of these rows there are of a lead.
async fn count(house: &House, from: &'static str, lead: Uuid) -> i64 {
    house
        .system(move |tx| {
            let sql = format!("SELECT count(*) FROM {from}");
            tx.scalar(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(lead))
        })
        .await
}

const NAMED: &str = "leads WHERE id = $1 AND (data <> '{}' OR phone_index IS NOT NULL OR reason_sealed IS NOT NULL)";
const WORDS: &str = "lead_history WHERE lead_id = $1 AND text_sealed IS NOT NULL";
const FOUND: &str = "search_entries WHERE entity_id = $1";
const VECTORS: &str =
    "ai_embeddings AS e JOIN tasks AS t ON t.id = e.source_id WHERE t.lead_id = $1";
const KEYS: &str = "subject_keys WHERE subject_id = $1 AND wrapped IS NOT NULL";

#[tokio::test]
async fn a_lead_that_was_given_up_names_nobody_after_two_years_but_whom_a_hold_keeps() {
    for house in houses().await {
        let kind = house.kind;
        let sari = noted(&house, 1, "Sari").await;
        let budi = noted(&house, 2, "Budi").await;
        let citra = noted(&house, 3, "Citra").await;
        let dewi = noted(&house, 4, "Dewi").await;
        for lead in [sari, budi, dewi] {
            lose(&house, lead).await;
        }
        for lead in [sari, budi] {
            embedded(&house, lead).await;
        }
        // Dewi became a client.
        let client = house.client("Dewi").await.user().expect("a person");
        house
            .system(move |tx| {
                let query = sqlx::query("UPDATE leads SET user_id = $2 WHERE id = $1");
                tx.execute(query.bind(dewi).bind(client))
            })
            .await;
        let hers = seen(&house, sari).await.lead.subject;
        let his = seen(&house, budi).await.lead.subject;
        on_the_first_day(&house).await;
        house.pass(729 * DAY);
        assert_eq!(swept(&house).await, 0, "{kind}: its term runs");
        house.pass(3 * DAY);
        let compliance = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Eka")
            .await;
        let hold = retention::place(
            &house.platform,
            &compliance,
            "leads".into(),
            Some(his),
            "a case".into(),
        );
        let hold = hold.await.expect(kind);
        assert_eq!(swept(&house).await, 1, "{kind}");
        for (lead, left) in [(sari, 0), (budi, 1), (citra, 1), (dewi, 1)] {
            assert_eq!(count(&house, NAMED, lead).await, left, "{kind}");
            let words = count(&house, WORDS, lead).await;
            assert_eq!(words > 0, left > 0, "{kind}: {words} lines");
            assert_eq!(count(&house, FOUND, lead).await, left, "{kind}");
        }
        for (lead, left) in [(sari, 0), (budi, 1)] {
            assert_eq!(count(&house, VECTORS, lead).await, left, "{kind}");
        }
        assert_eq!(count(&house, KEYS, hers).await, 0, "{kind}: destroyed");
        assert_eq!(
            count(&house, KEYS, his).await,
            2,
            "{kind}: the other one seals why he is held"
        );
        let gone = seen(&house, sari).await;
        assert_eq!(gone.known.name, None, "{kind}: it is counted on");
        retention::lift(&house.platform, &compliance, hold)
            .await
            .expect(kind);
        assert_eq!(swept(&house).await, 1, "{kind}");
        assert_eq!(count(&house, KEYS, his).await, 0, "{kind}");
        assert_eq!(swept(&house).await, 0, "{kind}: once");
        // Who comes again with the same number is a new lead.
        let again = take(&house, told(Some(&number(1)), None, Some("Sari"))).await;
        assert_ne!(again.lead, sari, "{kind}");
    }
}

/// Why the newest hold was placed, as it is shown.
async fn reason(house: &House) -> String {
    let paging = Paging::of(None, None).expect("a page");
    let holds = retention::list(&house.platform, &Principal::owner(), paging).await;
    holds.expect(house.kind).items.remove(0).reason
}

#[tokio::test]
async fn why_somebody_is_held_outlives_their_lead_until_the_hold_is_lifted() {
    for house in houses().await {
        let kind = house.kind;
        let budi = noted(&house, 1, "Budi").await;
        lose(&house, budi).await;
        let his = seen(&house, budi).await.lead.subject;
        on_the_first_day(&house).await;
        house.pass(732 * DAY);
        let eka = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Eka")
            .await;
        let why = "a case of the police".to_owned();
        let placed = retention::place(
            &house.platform,
            &eka,
            "operations".into(),
            Some(his),
            why.clone(),
        );
        let hold = placed.await.expect(kind);
        assert_eq!(swept(&house).await, 1, "{kind}: of other rows");
        assert_eq!(count(&house, KEYS, his).await, 1, "{kind}: the other one");
        assert_eq!(reason(&house).await, why, "{kind}");
        retention::lift(&house.platform, &eka, hold)
            .await
            .expect(kind);
        assert_eq!(count(&house, KEYS, his).await, 0, "{kind}");
        assert_eq!(reason(&house).await, "erased", "{kind}");
    }
}

#[tokio::test]
async fn an_erasure_asks_for_holds_on_what_joined_the_lead() {
    for house in houses().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let first = take(&house, told(Some(&number(1)), None, Some("Sari"))).await;
        let mail = Some("sari@contoh.id");
        let second = take(&house, told(None, mail, Some("Sari"))).await;
        let own = seen(&house, second.lead).await.lead.subject;
        take(&house, told(Some(&number(1)), mail, None)).await;
        let shared = seen(&house, first.lead).await.lead.subject;
        assert_ne!(own, shared, "{kind}: the second joined the first");
        let eka = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Eka")
            .await;
        let place = async |category: &str| {
            let (category, why) = (category.to_owned(), "a case".to_owned());
            let placed = retention::place(&house.platform, &eka, category, Some(own), why).await;
            placed.expect(kind)
        };
        let lift = async |hold: Uuid| {
            let lifted = retention::lift(&house.platform, &eka, hold).await;
            lifted.expect(kind);
        };
        let erase = async || {
            let stores = handlers::engines().stores;
            let done = erasure::erase_due(&house.platform, &stores).await;
            done.expect(kind)
        };
        let erasing = place("erasure").await;
        let asked = erasure::request(&house.platform, &owner, shared, erasure::Kind::Erasure).await;
        asked.expect(kind);
        assert_eq!(erase().await, 0, "{kind}: the hold stands before it");
        assert_eq!(count(&house, NAMED, second.lead).await, 1, "{kind}");
        assert_eq!(count(&house, KEYS, own).await, 2, "{kind}");
        lift(erasing).await;
        let other = place("operations").await;
        assert_eq!(erase().await, 1, "{kind}: this one keeps other rows");
        assert_eq!(count(&house, NAMED, second.lead).await, 0, "{kind}");
        assert_eq!(count(&house, KEYS, own).await, 1, "{kind}: why is sealed");
        assert_eq!(reason(&house).await, "a case", "{kind}");
        lift(other).await;
        assert_eq!(count(&house, KEYS, own).await, 0, "{kind}");
    }
}

#[tokio::test]
async fn a_hold_on_what_joined_a_lead_keeps_both() {
    for house in houses().await {
        let kind = house.kind;
        let first = take(&house, told(Some(&number(1)), None, Some("Sari"))).await;
        let mail = Some("sari@contoh.id");
        let second = take(&house, told(None, mail, Some("Sari"))).await;
        let own = seen(&house, second.lead).await.lead.subject;
        take(&house, told(Some(&number(1)), mail, None)).await;
        let shared = seen(&house, first.lead).await.lead.subject;
        assert_ne!(own, shared, "{kind}: the second joined the first");
        lose(&house, first.lead).await;
        on_the_first_day(&house).await;
        house.pass(732 * DAY);
        let eka = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Eka")
            .await;
        for category in ["leads", "audit"] {
            let why = "a case".to_owned();
            let placed =
                retention::place(&house.platform, &eka, category.to_owned(), Some(own), why);
            let hold = placed.await.expect(kind);
            assert_eq!(swept(&house).await, 0, "{kind}: {category}");
            for lead in [first.lead, second.lead] {
                assert_eq!(count(&house, NAMED, lead).await, 1, "{kind}: {category}");
            }
            let lifted = retention::lift(&house.platform, &eka, hold).await;
            lifted.expect(kind);
        }
        assert_eq!(swept(&house).await, 1, "{kind}: one person");
        for lead in [first.lead, second.lead] {
            assert_eq!(count(&house, NAMED, lead).await, 0, "{kind}");
        }
        for subject in [own, shared] {
            assert_eq!(count(&house, KEYS, subject).await, 0, "{kind}");
        }
    }
}

#[tokio::test]
async fn what_joined_a_lead_goes_with_it_and_a_new_line_keeps_it() {
    for house in houses().await {
        let kind = house.kind;
        let first = take(&house, told(Some(&number(1)), None, Some("Sari"))).await;
        let mail = Some("sari@contoh.id");
        let second = take(&house, told(None, mail, Some("Sari"))).await;
        let own = seen(&house, second.lead).await.lead.subject;
        let both = take(&house, told(Some(&number(1)), mail, None)).await;
        assert_eq!(both.lead, first.lead, "{kind}: one of them stays");
        lose(&house, first.lead).await;
        let shared = seen(&house, first.lead).await.lead.subject;
        on_the_first_day(&house).await;
        house.pass(700 * DAY);
        let (owner, text) = (Principal::owner(), "Moved to Medan.".to_owned());
        let lead = first.lead;
        let noted = work::note(&house.platform, &owner, None, lead, NoteKind::Note, text).await;
        noted.expect(kind);
        on_the_first_day(&house).await;
        house.pass(40 * DAY);
        assert_eq!(swept(&house).await, 0, "{kind}: a line of last month");
        house.pass(700 * DAY);
        assert_eq!(swept(&house).await, 1, "{kind}: one person");
        for lead in [first.lead, second.lead] {
            assert_eq!(count(&house, NAMED, lead).await, 0, "{kind}");
        }
        for subject in [own, shared] {
            assert_eq!(count(&house, KEYS, subject).await, 0, "{kind}");
        }
    }
}
