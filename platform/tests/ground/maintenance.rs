//! A maintenance is announced by the house's administrators, kept, and withdrawn.

use siaga_platform::audit::{self, Filter};
use siaga_platform::ids::HOUSE;
use siaga_platform::maintenance::{self, Maintenance};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{FORBIDDEN, KEY_REUSED};
use siaga_platform::unit::Once;

use super::desk::{House, houses};

const HOUR_S: u64 = 3_600;
const HOUR_US: u64 = HOUR_S * 1_000_000;

fn in_an_hour(house: &House, message: Option<&str>) -> Maintenance {
    let now_us = house.platform.now().0 / 1_000;
    Maintenance {
        starts_at: now_us + HOUR_US,
        ends_at: now_us + 2 * HOUR_US,
        message: message.map(str::to_owned),
    }
}

fn once(key: &str, request: u8) -> Option<Once> {
    Some(Once {
        key: key.to_owned(),
        route: "PUT /api/v1/maintenance",
        request: [request; 32],
    })
}

/// What the events of it say, the oldest first. The text is left out: it may name somebody.
const EMITTED: &str = "SELECT payload -> 'maintenance' FROM events
    WHERE type = 'maintenance.changed' AND NOT payload -> 'maintenance' ? 'message' ORDER BY id";

async fn audited(house: &House) -> Vec<(serde_json::Value, serde_json::Value)> {
    let filter = Filter {
        entity: Some("organization".to_owned()),
        id: Some(HOUSE.to_string()),
        ..Filter::default()
    };
    let paging = Paging::of(None, None).expect("a page");
    let page = audit::list(&house.platform, &Principal::system("test"), filter, paging).await;
    let rows = page.expect("rows").items.into_iter();
    rows.map(|row| {
        (
            row.before["maintenance"].clone(),
            row.after["maintenance"].clone(),
        )
    })
    .collect()
}

#[tokio::test]
async fn it_is_kept_until_it_is_over_or_withdrawn_and_the_log_says_who_said_it() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let ketua = house.person(HOUSE, Role::SuperAdmin, None, "Ketua").await;
        let current = async || maintenance::current(platform).await.expect(kind);
        assert_eq!(current().await, None, "{kind}");

        let first = in_an_hour(&house, Some(" a new disk "));
        let announce = async |key: Option<Once>, wanted: &Maintenance| {
            maintenance::announce(platform, &ketua, key, wanted.clone()).await
        };
        let kept = announce(once("a", 1), &first).await.expect(kind);
        assert_eq!(kept.message.as_deref(), Some("a new disk"), "{kind}");
        assert_eq!(current().await.as_ref(), Some(&kept), "{kind}");

        let second = in_an_hour(&house, None);
        announce(None, &second).await.expect(kind);
        // The first request comes again: it gets its answer, and what was announced since stays.
        let again = announce(once("a", 1), &first).await.expect(kind);
        assert_eq!((&again, current().await), (&kept, Some(second.clone())));
        let reused = announce(once("a", 2), &second).await;
        assert_eq!(reused.expect_err("reused").fault(), Some(KEY_REUSED));

        house.pass(3 * HOUR_S);
        assert_eq!(current().await, None, "{kind}: it is over");
        let third = in_an_hour(&house, None);
        announce(None, &third).await.expect(kind);
        for _ in 0..2 {
            let done = maintenance::withdraw(platform, &ketua, None).await;
            done.expect(kind);
            assert_eq!(current().await, None, "{kind}");
        }
        let rows = audited(&house).await;
        assert_eq!(rows.len(), 4, "{kind}: the second end changed nothing");
        let ends = |value: &serde_json::Value| value["ends_at"].as_u64();
        let told: Vec<_> = rows
            .iter()
            .map(|(from, to)| (ends(from), ends(to)))
            .collect();
        let [first, second, third] = [&first, &second, &third].map(|one| Some(one.ends_at));
        assert_eq!(
            told,
            [
                (third, None),
                (second, third),
                (first, second),
                (None, first)
            ],
            "{kind}"
        );
        let emitted = house.system(|tx| tx.all::<(serde_json::Value,)>(sqlx::query_as(EMITTED)));
        let emitted: Vec<_> = emitted.await.iter().map(|(now,)| ends(now)).collect();
        assert_eq!(
            emitted,
            [first, second, third, None],
            "{kind}: others are told of each"
        );
    }
}

#[tokio::test]
async fn nobody_else_announces_anything() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let elsewhere = house.organisation("elsewhere").await;
        for (org, role, name) in [
            (HOUSE, Role::Dealer, "Dewi"),
            (HOUSE, Role::EndUser, "Sari"),
            (elsewhere, Role::SuperAdmin, "Lain"),
        ] {
            let by = house.person(org, role, None, name).await;
            let wanted = in_an_hour(&house, None);
            let announced = maintenance::announce(platform, &by, None, wanted).await;
            let withdrawn = maintenance::withdraw(platform, &by, None).await;
            for refused in [announced.err(), withdrawn.err()] {
                let fault = refused.and_then(|refusal| refusal.fault());
                assert_eq!(fault, Some(FORBIDDEN), "{kind}: {name}");
            }
        }
        let known = maintenance::current(platform).await.expect(kind);
        assert_eq!(known, None, "{kind}");
    }
}
