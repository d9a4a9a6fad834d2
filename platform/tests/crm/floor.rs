//! A sales floor.

use serde_json::Value;
use siaga_platform::crm::assignment::{self, SeatChange};
use siaga_platform::crm::capture::{self, Capture, Captured};
use siaga_platform::crm::{CAP, Follow, moves, undo, view};
use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::outbox::{Stored, Subscriber as _};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role};
use siaga_platform::unit::Platform;
use uuid::Uuid;

use crate::ground::desk::House;

/// An agent of the house who takes leads.
pub async fn agent(house: &House, team: Option<Uuid>, name: &'static str) -> Principal {
    let agent = house.person(HOUSE, Role::SalesAgent, team, name).await;
    seat(house, &agent, CAP, true).await;
    agent
}

/// Says what is true of an agent.
pub async fn seat(house: &House, agent: &Principal, cap: u32, accepting: bool) {
    let change = SeatChange {
        territories: Vec::new(),
        skills: Vec::new(),
        cap,
        accepting,
    };
    let user = agent.user().expect("a person");
    let done = assignment::seat(&house.platform, &Principal::owner(), None, user, change).await;
    done.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
}

/// A lead with a number, and perhaps an address.
pub fn told(phone: Option<&str>, email: Option<&str>, name: Option<&str>) -> Capture {
    Capture {
        source: "instagram".into(),
        name: name.map(str::to_owned),
        phone: phone.map(str::to_owned),
        email: email.map(str::to_owned),
        utm: Value::Null,
        ..Capture::default()
    }
}

/// Takes a lead in.
pub async fn take(house: &House, capture: Capture) -> Captured {
    let taken = capture::capture(&house.platform, &Principal::owner(), capture).await;
    taken.unwrap_or_else(|error| panic!("{}: {error}", house.kind))
}

/// Gives a lead up.
pub async fn lose(house: &House, lead: Uuid) {
    let why = "no answer".to_owned();
    let lost = moves::close(&house.platform, &Principal::owner(), None, lead, why, None).await;
    lost.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
}

/// The newest merge of a lead that its timeline tells of as `kind`, taken back.
pub async fn take_back(house: &House, lead: Uuid, kind: &str) {
    let (owner, page) = (Principal::owner(), Paging::of(None, None).expect("a page"));
    let timeline = view::timeline(&house.platform, &owner, lead, page).await;
    let lines = timeline.expect(house.kind).lines.items;
    let line = lines.iter().find(|line| line.kind == kind).expect(kind);
    let merge = line.detail["merge_id"]
        .as_str()
        .and_then(|text| text.parse().ok());
    let why = "two people".to_owned();
    let undone = undo::undo(&house.platform, &owner, None, merge.expect("its key"), why).await;
    undone.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
}

/// The n-th number of a row of numbers.
pub fn number(n: u32) -> String {
    format!("+62812{:07}", 3_000_000 + n)
}

/// A lead as the owner sees it.
pub async fn seen(house: &House, lead: Uuid) -> view::Seen {
    let seen = view::one(&house.platform, &Principal::owner(), lead).await;
    seen.unwrap_or_else(|error| panic!("{}: {error}", house.kind))
}

/// Lets something happen elsewhere.
pub async fn happen(platform: &Platform, kind: &str, aggregate_id: Uuid, payload: Value) {
    let event = Stored {
        number: 1,
        id: new_id(platform.now()),
        kind: kind.to_owned(),
        time: platform.now(),
        org: HOUSE,
        aggregate: "test".into(),
        aggregate_id,
        subject: None,
        account: None,
        payload,
        attempts: 0,
    };
    let program = Principal::system("crm.follow");
    let applied = platform
        .command(&program, move |unit| Follow.apply(unit, &event))
        .await;
    applied.unwrap_or_else(|error| panic!("{kind}: {error}"));
}
