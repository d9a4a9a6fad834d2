//! What an administrator asks for twice because the answer was lost is done once.

use siaga_platform::identity::{Invitation, Standing, StatusChange};
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::KEY_REUSED;
use siaga_platform::unit::Once;

use crate::house::{House, api, done};

fn once(route: &'static str, request: u8) -> Option<Once> {
    Some(Once {
        key: "a".into(),
        route,
        request: [request; 32],
    })
}

/// A second request makes nobody, sends no second code, and is not refused because the address is taken.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_made_twice_is_one_person_with_one_letter() {
    for house in House::all().await {
        let owner = Principal::owner();
        let invite = async |request: u8, email: &str| {
            let invitation = Invitation {
                email: email.into(),
                name: "Dina Dewanti".into(),
                phone: None,
                role: Role::Dealer,
                team: None,
                locale: None,
            };
            let once = once("POST /api/v1/users", request);
            house
                .identity
                .invite(&owner, once, invitation, &api())
                .await
        };
        let first = done(&house, invite(1, "dina@contoh.id").await);
        let again = done(&house, invite(1, "dina@contoh.id").await);
        assert_eq!(again, first, "{}", house.kind);
        assert_eq!(house.letters("dina@contoh.id"), 1, "{}", house.kind);
        let other = invite(2, "dani@contoh.id").await;
        let other = other.err().and_then(|refusal| refusal.fault());
        assert_eq!(other, Some(KEY_REUSED), "{}", house.kind);
        assert_eq!(house.letters("dani@contoh.id"), 0, "{}", house.kind);

        let suspend = async |once: Option<Once>| {
            let change = StatusChange {
                to: Standing::Suspended,
                reason: "left the house".into(),
                revision: first.revision,
            };
            house
                .identity
                .set_standing(&owner, once, first.id, change)
                .await
        };
        let route = "POST /api/v1/users/{id}/status";
        let suspended = done(&house, suspend(once(route, 1)).await);
        assert_eq!(suspended.standing, Standing::Suspended, "{}", house.kind);
        let again = done(&house, suspend(once(route, 1)).await);
        assert_eq!(again, suspended, "{}", house.kind);
        let bare = suspend(None).await;
        assert!(bare.is_err(), "{}: without a key", house.kind);
    }
}
