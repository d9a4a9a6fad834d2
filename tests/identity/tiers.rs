//! How often a person and their keys may ask.

use siaga_platform::identity::TierChange;
use siaga_platform::identity::faults::TOO_OFTEN;
use siaga_platform::identity::permissions::DESK_READ;
use siaga_platform::people::Principal;
use siaga_platform::refusal::{FORBIDDEN, INVALID, STALE};

use crate::house::{House, done};

fn change(tier: &str, revision: i64) -> TierChange {
    TierChange {
        tier: tier.into(),
        revision,
    }
}

/// An administrator lets a program ask more often: the keys that are there follow, and new ones have it.
#[tokio::test(flavor = "multi_thread")]
async fn keys_have_the_tier_of_their_owner() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let seen = done(&house, house.identity.who(&opened.access, None, None).await);
        let make = async |name: &str| {
            let scopes = vec![DESK_READ.name.into()];
            let made = house
                .identity
                .make_key(&seen.principal, name.into(), scopes, None)
                .await;
            done(&house, made)
        };
        let first = make("first").await;
        assert_eq!(first.row.tier, "standard", "{}", house.kind);
        let (owner, sari) = (Principal::owner(), opened.person.id);
        for (by, asked, fault) in [
            (&owner, change("gold", opened.person.revision), INVALID),
            (&owner, change("plus", opened.person.revision + 7), STALE),
            (
                &seen.principal,
                change("plus", opened.person.revision),
                FORBIDDEN,
            ),
        ] {
            let mut by = by.clone();
            by.mfa = true;
            let refused = house.identity.set_tier(&by, None, sari, asked).await;
            let refused = refused.err().and_then(|refusal| refusal.fault());
            assert_eq!(refused, Some(fault), "{}", house.kind);
        }
        let given = house
            .identity
            .set_tier(&owner, None, sari, change("plus", opened.person.revision))
            .await;
        assert_eq!(done(&house, given).tier, "plus", "{}", house.kind);
        let second = make("second").await;
        for key in [&first, &second] {
            let by_key = done(&house, house.identity.who(&key.text, None, None).await);
            assert_eq!(by_key.tier, "plus", "{}", house.kind);
        }
        // 300 would have been the end, and the requests above count.
        for n in 0..1_000 {
            let asked = house.identity.who(&opened.access, None, None).await;
            assert!(asked.is_ok(), "{}: request {n}", house.kind);
        }
        let mut last = None;
        for _ in 0..300 {
            let asked = house.identity.who(&opened.access, None, None).await;
            last = asked.err().and_then(|refusal| refusal.fault());
        }
        assert_eq!(last, Some(TOO_OFTEN), "{}", house.kind);
    }
}

/// Whoever asks one thing in a circle is slowed there, and still gets everything else.
#[tokio::test(flavor = "multi_thread")]
async fn one_route_takes_no_more_than_its_share() {
    for house in House::all().await {
        let opened = house.register("sari").await;
        let asked = async |route: &str| {
            let asked = house
                .identity
                .who_at(&opened.access, None, None, Some(route), false)
                .await;
            asked.err().and_then(|refusal| refusal.fault())
        };
        for n in 0..225 {
            assert_eq!(
                asked("GET /api/v1/orders").await,
                None,
                "{}: {n}",
                house.kind
            );
        }
        for _ in 0..300 {
            let refused = asked("GET /api/v1/orders").await;
            assert_eq!(refused, Some(TOO_OFTEN), "{}", house.kind);
        }
        // What was refused took nothing of the rest: 75 are left of 300.
        for n in 0..75 {
            assert_eq!(
                asked("POST /api/v1/orders").await,
                None,
                "{}: {n}",
                house.kind
            );
        }
        let refused = asked("GET /api/v1/profile").await;
        assert_eq!(refused, Some(TOO_OFTEN), "{}: all together", house.kind);
    }
}
