//! Search: misspelled names, whole words, nothing in the clear.

use siaga_platform::cache::Figures;
use siaga_platform::erasure::{self, Kind};
use siaga_platform::handlers;
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{Area, Principal, Role};
use siaga_platform::refusal::INVALID;
use siaga_platform::search::{self, Entry, Hit, Question};
use uuid::Uuid;

use super::desk::{House, houses};

const NAMES: &[&str] = &[
    "Siti Nurhaliza",
    "Budi Santoso",
    "Dewi Lestari",
    "Agus Wijaya",
    "Rina Kusuma",
    "Bambang Pamungkas",
    "Sri Mulyani",
    "Joko Susilo",
    "Maria Ulfa",
    "Ahmad Fauzi",
];

async fn fill(house: &House) {
    let system = Principal::system("test");
    let filled = house.platform.command(&system, |unit| {
        for (n, name) in NAMES.iter().enumerate() {
            let entry = Entry {
                entity: "lead",
                id: new_id(unit.now()),
                area: Area::Crm,
                owner: None,
                team: None,
                subject: None,
                words: format!("campaign {}", if n % 2 == 0 { "gold" } else { "forex" }),
                personal: vec![(*name).to_owned(), format!("+6281{n}0000000")],
            };
            search::index(unit, &entry)?;
        }
        Ok(())
    });
    filled.await.expect(house.kind);
}

async fn find(house: &House, query: &'static str) -> Vec<Hit> {
    let keyring = house.platform.keyring().clone();
    let owner = Principal::owner();
    let found = house.platform.read(&owner, move |tx| {
        search::find(tx, &keyring, query, None, 20)
    });
    found
        .await
        .unwrap_or_else(|error| panic!("{}: {query}: {error}", house.kind))
}

#[tokio::test]
async fn a_name_is_found_with_letters_wrong_and_stands_nowhere() {
    for house in houses().await {
        fill(&house).await;
        let kind = house.kind;
        for (query, hits) in [
            ("Siti Nurhaliza", 1),
            ("siti nurhalisa", 1),
            ("NURHALIZA", 1),
            ("bamabng pamungkas", 1),
            ("gold", 5),
            ("Xaverius Quirinus", 0),
        ] {
            assert_eq!(find(&house, query).await.len(), hits, "{kind}: {query}");
        }
        assert_eq!(find(&house, "Siti Nurhaliza").await[0].share, 100);
        let numbers = find(&house, "+628140000000").await;
        assert_eq!(
            (numbers[0].share, numbers[1].share < 100),
            (100, true),
            "{kind}: numbers that differ come behind"
        );
        let plain = house.count(&Principal::system("test"), "SELECT count(*) FROM search_entries WHERE words ILIKE '%nurhaliza%' OR words LIKE '%6281%'").await;
        assert_eq!(plain, 0, "{kind}: a person's words are hashes alone");
        for bad in ["", " - ", &"x".repeat(101)] {
            let (keyring, bad) = (house.platform.keyring().clone(), bad.to_owned());
            let refused = house
                .platform
                .read(&Principal::owner(), move |tx| {
                    search::find(tx, &keyring, &bad, None, 20)
                })
                .await;
            assert_eq!(refused.expect_err("refused").fault(), Some(INVALID));
        }
    }
}

#[tokio::test]
async fn no_statement_is_compiled() {
    for house in houses().await {
        for by in [&Principal::owner(), &Principal::system("test")] {
            let off = "SELECT (current_setting('jit') = 'off')::int::bigint";
            assert_eq!(house.count(by, off).await, 1, "{}", house.kind);
        }
    }
}

#[tokio::test]
async fn an_entry_that_changes_is_found_by_its_new_words_alone() {
    for house in houses().await {
        let system = Principal::system("test");
        let id = new_id(house.platform.now());
        for name in ["Siti Nurhaliza", "Dewi Lestari"] {
            let put = house.platform.command(&system, move |unit| {
                let entry = Entry {
                    entity: "lead",
                    id,
                    area: Area::Crm,
                    owner: None,
                    team: None,
                    subject: None,
                    words: String::new(),
                    personal: vec![name.to_owned()],
                };
                search::index(unit, &entry)
            });
            put.await.expect(house.kind);
        }
        assert_eq!(
            find(&house, "Dewi Lestari").await.len(),
            1,
            "{}",
            house.kind
        );
        assert_eq!(
            find(&house, "Siti Nurhaliza").await.len(),
            0,
            "{}",
            house.kind
        );
        house
            .platform
            .command(&system, move |unit| search::remove(unit, "lead", id))
            .await
            .expect(house.kind);
        assert_eq!(
            find(&house, "Dewi Lestari").await.len(),
            0,
            "{}",
            house.kind
        );
        let left = house
            .count(&system, "SELECT count(*) FROM search_grams")
            .await;
        assert_eq!(left, 0, "{}", house.kind);
    }
}

async fn ask(house: &House, by: &Principal, query: &str) -> usize {
    let question = Question {
        query: query.into(),
        area: None,
        role: None,
        limit: 20,
    };
    let hits = search::ask(&house.platform, by, &question).await;
    hits.unwrap_or_else(|error| panic!("{}: {query}: {error}", house.kind))
        .len()
}

async fn put(house: &House, name: &'static str, team: Option<Uuid>, subject: Option<Uuid>) {
    let system = Principal::system("test");
    let done = house.platform.command(&system, move |unit| {
        let entry = Entry {
            entity: "lead",
            id: new_id(unit.now()),
            area: Area::Crm,
            owner: None,
            team,
            subject,
            words: String::new(),
            personal: vec![name.to_owned()],
        };
        search::index(unit, &entry)
    });
    done.await
        .unwrap_or_else(|error| panic!("{}: {error}", house.kind));
}

#[tokio::test]
async fn a_search_is_kept_until_something_that_can_be_found_changes() {
    for house in houses().await {
        let (owner, kind) = (Principal::owner(), house.kind);
        put(&house, "Siti Nurhaliza", None, None).await;
        for _ in 0..2 {
            assert_eq!(ask(&house, &owner, "Siti Nurhaliza").await, 1, "{kind}");
        }
        let none = house.platform.cache().figures();
        assert_eq!(none, Figures::default(), "{kind}: nobody is heard yet");
        house.platform.cache().trust().await;
        for _ in 0..3 {
            assert_eq!(ask(&house, &owner, "Siti Nurhaliza").await, 1, "{kind}");
        }
        let kept = Figures {
            first: 2,
            second: 0,
            missed: 1,
        };
        assert_eq!(house.platform.cache().figures(), kept, "{kind}");
        put(&house, "Siti Nurhaliza", None, None).await;
        assert_eq!(ask(&house, &owner, "Siti Nurhaliza").await, 2, "{kind}");
        assert_eq!(house.platform.cache().figures().missed, 2, "{kind}");
    }
}

#[tokio::test]
async fn what_is_kept_of_a_search_is_seen_by_whoever_may_see_it_now() {
    for house in houses().await {
        let kind = house.kind;
        house.platform.cache().trust().await;
        let (north, south) = (
            house.team(HOUSE, "north", None).await,
            house.team(HOUSE, "south", None).await,
        );
        let dewi = house
            .person(HOUSE, Role::SalesManager, Some(north), "Dewi")
            .await;
        let agus = house
            .person(HOUSE, Role::SalesManager, Some(south), "Agus")
            .await;
        put(&house, "Siti Nurhaliza", Some(north), None).await;
        for _ in 0..2 {
            assert_eq!(ask(&house, &dewi, "Siti Nurhaliza").await, 1, "{kind}");
            assert_eq!(ask(&house, &agus, "Siti Nurhaliza").await, 0, "{kind}");
        }
        let before = house.platform.cache().figures();
        // Behind the back of the cache.
        house
            .system(move |tx| {
                let moved = sqlx::query("UPDATE search_entries SET team_id = $1");
                tx.execute(moved.bind(south))
            })
            .await;
        assert_eq!(
            ask(&house, &dewi, "Siti Nurhaliza").await,
            0,
            "{kind}: it is another team's now"
        );
        let after = house.platform.cache().figures();
        assert_eq!(after.missed, before.missed, "{kind}: though it was kept");
    }
}

#[tokio::test]
async fn an_erased_person_is_found_by_nobody_who_found_them_before() {
    for house in houses().await {
        let (owner, kind) = (Principal::owner(), house.kind);
        house.platform.cache().trust().await;
        let sari = house.client("Sari").await;
        let me = sari.user().expect("a person");
        put(&house, "Sari Wulandari", None, Some(me)).await;
        assert_eq!(ask(&house, &owner, "Sari Wulandari").await, 1, "{kind}");
        erasure::request(&house.platform, &sari, me, Kind::Erasure)
            .await
            .expect(kind);
        erasure::erase_due(&house.platform, &handlers::engines().stores)
            .await
            .expect(kind);
        let before = house.platform.cache().figures().missed;
        assert_eq!(ask(&house, &owner, "Sari Wulandari").await, 0, "{kind}");
        let after = house.platform.cache().figures().missed;
        assert_eq!(after, before + 1, "{kind}: it was looked for anew");
    }
}
