//! What a person agreed to, with everything they ever said.

use siaga_platform::consent;
use siaga_platform::ids::HOUSE;
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::INVALID;

use super::desk::{House, houses};

async fn say(
    house: &House,
    by: &Principal,
    subject: uuid::Uuid,
    purpose: &'static str,
    granted: bool,
) -> Result<(), siaga_platform::refusal::Refusal> {
    house
        .platform
        .command(by, move |unit| {
            consent::record(unit, subject, purpose, granted, "web", "2026-11")
        })
        .await
}

#[tokio::test]
async fn the_newest_word_counts_and_none_is_forgotten() {
    for house in houses().await {
        let (sari, budi) = (house.client("Sari").await, house.client("Budi").await);
        let (me, kind) = (sari.user().expect("a person"), house.kind);
        let given = |purpose: &'static str| {
            house
                .platform
                .read(&sari, move |tx| consent::given(tx, me, purpose))
        };
        assert!(
            !given("marketing_email").await.expect(kind),
            "{kind}: who said nothing does not agree"
        );
        for granted in [true, false, true] {
            say(&house, &sari, me, "marketing_email", granted)
                .await
                .expect(kind);
        }
        say(&house, &sari, me, "profiling", false)
            .await
            .expect(kind);
        assert!(given("marketing_email").await.expect(kind));
        let standing = house
            .platform
            .read(&sari, move |tx| consent::standing(tx, me))
            .await
            .expect(kind);
        let standing: Vec<(&str, bool)> = standing
            .iter()
            .map(|consent| (consent.purpose.as_str(), consent.granted))
            .collect();
        assert_eq!(
            standing,
            [("marketing_email", true), ("profiling", false)],
            "{kind}"
        );
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let paging = Paging::of(cursor.as_deref(), Some(3)).expect("a page");
            let page = house
                .platform
                .read(&sari, move |tx| consent::history(tx, me, paging))
                .await
                .expect(kind);
            all.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let said: Vec<bool> = all.iter().map(|consent| consent.granted).collect();
        assert_eq!(said, [false, true, false, true], "{kind}: newest first");
        let seen = house
            .platform
            .read(&budi, move |tx| consent::standing(tx, me))
            .await
            .expect(kind);
        assert!(seen.is_empty(), "{kind}: nobody reads a stranger's");
        let changed = house
            .attempt(&sari, "UPDATE consents SET granted = true".into())
            .await;
        assert_eq!(
            changed,
            Err("42501".into()),
            "{kind}: what was said stays said"
        );
        let unknown = say(&house, &sari, me, "selling_my_soul", true).await;
        assert_eq!(unknown.expect_err("no such purpose").fault(), Some(INVALID));
        let agent = house.person(HOUSE, Role::SalesAgent, None, "Rina").await;
        say(&house, &agent, me, "marketing_call", true)
            .await
            .expect("by telephone");
        let forged = say(&house, &budi, me, "marketing_call", false).await;
        assert!(forged.is_err(), "{kind}: nobody speaks for a stranger");
    }
}
