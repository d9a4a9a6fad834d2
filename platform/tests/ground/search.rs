//! Search: misspelled names, whole words, nothing in the clear.

use siaga_platform::ids::new_id;
use siaga_platform::people::{Area, Principal};
use siaga_platform::refusal::INVALID;
use siaga_platform::search::{self, Entry, Hit};

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
