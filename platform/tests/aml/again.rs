//! A request that comes twice because its answer was lost is done once, and is answered as before.

use std::sync::Arc;

use siaga_platform::aml::case::Status;
use siaga_platform::aml::cash;
use siaga_platform::aml::cash::state::Step;
use siaga_platform::aml::screen::{self, Cause};
use siaga_platform::aml::{cases, faults, sanctions};
use siaga_platform::core_door::CoreDoor;
use siaga_platform::ids::HOUSE;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::{KEY_REUSED, STALE};
use siaga_platform::unit::{Once, Platform};

use super::cases::list;
use super::money::{account, ask, look_at, step};
use crate::ground::desk::houses;
use crate::kyc::office::Notebook;

const WHY: &str = "looked at it";

fn once(key: &str, route: &'static str, request: u8) -> Option<Once> {
    Some(Once {
        key: key.to_owned(),
        route,
        request: [request; 32],
    })
}

#[tokio::test]
async fn a_note_that_comes_twice_is_written_once() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let lists = list(&[("1", "ERIC", "BADEGE")]);
        sanctions::take(platform, &system, "un".into(), lists)
            .await
            .expect(kind);
        let eric = house.client("Eric Badege").await.user().expect("a person");
        let citra = house
            .person(HOUSE, Role::ComplianceOfficer, None, "Citra")
            .await;
        let screened = screen::client(platform, eric, Cause::Onboarding).await;
        let case = screened.expect(kind).case.expect("a case");

        let write = async |request: u8, text: &str| {
            let once = once("a", "POST /api/v1/aml/cases/{id}/notes", request);
            cases::note(platform, &citra, once, case, text.to_owned()).await
        };
        let first = write(1, "called the client").await.expect(kind);
        let again = write(1, "called the client").await.expect(kind);
        assert_eq!(again, first, "{kind}");
        let other = write(2, "wrote to the client").await;
        assert_eq!(other.expect_err(kind).fault(), Some(KEY_REUSED), "{kind}");
        let notes = "SELECT count(*) FROM aml_notes";
        assert_eq!(house.count(&system, notes).await, 1, "{kind}");

        let file = cases::file(platform, &citra, case).await.expect(kind);
        let begin = async |once: Option<Once>| {
            let (to, revision) = (Status::Investigating, file.row.revision);
            cases::move_case(platform, &citra, once, case, to, WHY.into(), revision).await
        };
        let route = "POST /api/v1/aml/cases/{id}/move";
        let moved = begin(once("b", route, 1)).await.expect(kind);
        let again = begin(once("b", route, 1)).await.expect(kind);
        assert_eq!(again, moved, "{kind}");
        let bare = begin(None).await.expect_err(kind);
        assert_eq!(bare.fault(), Some(STALE), "{kind}: without a key");

        let look = async || {
            let once = once("c", "POST /api/v1/aml/clients/{user_id}/screen", 1);
            screen::by_hand(platform, &citra, once, eric).await
        };
        let first = look().await.expect(kind);
        assert_eq!(look().await.expect(kind), first, "{kind}");
        let looked = "SELECT count(*) FROM aml_screenings WHERE cause = 'by_hand'";
        assert_eq!(house.count(&system, looked).await, 1, "{kind}");
        house.database.db.close().await;
    }
}

#[tokio::test]
async fn money_that_is_asked_for_approved_and_booked_twice_moves_once() {
    for house in houses().await {
        let kind = house.kind;
        let core = Arc::new(Notebook::default());
        let door: Arc<dyn CoreDoor> = core.clone();
        let clock = house.platform.clone();
        let keyring = Arc::clone(house.platform.keyring());
        let now = Arc::new(move || clock.now());
        let platform = &Platform::new(house.db().clone(), keyring, now, door);
        let sari = house.client("Sari").await;
        let dewi = house.person(HOUSE, Role::Finance, None, "Dewi").await;
        account(&house, &sari, 7).await;

        let request = async |request: u8, dollars: i64| {
            let once = once("a", "POST /api/v1/cash/requests", request);
            cash::request(platform, &sari, once, ask(7, "deposit", dollars)).await
        };
        let asked = request(1, 50).await.expect(kind);
        assert_eq!(request(1, 50).await.expect(kind), asked, "{kind}");
        let other = request(2, 60).await.expect_err(kind);
        assert_eq!(other.fault(), Some(KEY_REUSED), "{kind}");
        let all = "SELECT count(*) FROM cash_requests";
        let system = Principal::system("test");
        assert_eq!(house.count(&system, all).await, 1, "{kind}");

        let approve = async |once: Option<Once>| {
            let step = step(asked.id, Step::Approve, asked.revision);
            cash::take_step(platform, &dewi, once, step).await
        };
        let route = "POST /api/v1/cash/requests/{id}/approve";
        let approved = approve(once("b", route, 1)).await.expect(kind);
        let again = approve(once("b", route, 1)).await.expect(kind);
        assert_eq!(again, approved, "{kind}");
        let bare = approve(None).await.expect_err(kind);
        assert_eq!(bare.fault(), Some(STALE), "{kind}: without a key");

        look_at(&house, asked.id).await;
        let confirm = async |once: Option<Once>| {
            cash::confirm(platform, &dewi, once, asked.id, approved.revision).await
        };
        let route = "POST /api/v1/cash/requests/{id}/confirm";
        let booked = confirm(once("c", route, 1)).await.expect(kind);
        assert_eq!(booked.status, "confirmed", "{kind}");
        let again = confirm(once("c", route, 1)).await.expect(kind);
        assert_eq!(again, booked, "{kind}");
        let bare = confirm(None).await.expect_err(kind);
        assert_eq!(bare.fault(), Some(faults::CASH_MOVE), "{kind}");
        assert_eq!(core.sent().len(), 1, "{kind}: asked of the core once");
        house.database.db.close().await;
    }
}
