//! Teams: who makes them, and what their managers reach by them.

use siaga_platform::crm::assignment::{self, SeatChange};
use siaga_platform::crm::capture::{self, Capture};
use siaga_platform::crm::{CAP, view};
use siaga_platform::db::Actor;
use siaga_platform::identity::{
    Invitation, NewTeam, PeopleFilter, Person, RoleChange, Standing, StatusChange, Team, TeamChange,
};
use siaga_platform::page::Paging;
use siaga_platform::people::{Principal, Role, Who};
use siaga_platform::refusal::{BAD_PAGE, FORBIDDEN, INVALID, KEY_REUSED, NOT_FOUND, STALE};
use siaga_platform::unit::Once;
use uuid::Uuid;

use crate::house::{House, api, done, fault};

/// Somebody who works here since now.
async fn person(house: &House, name: &str, role: Role, team: Option<Uuid>) -> Person {
    let owner = Principal::owner();
    let invitation = Invitation {
        email: format!("{name}@contoh.id"),
        name: name.into(),
        phone: None,
        role,
        team,
        locale: None,
    };
    let invited = house
        .identity
        .invite(&owner, None, invitation, &api())
        .await;
    let invited = done(house, invited);
    let change = StatusChange {
        to: Standing::Active,
        reason: "known to the house".into(),
        revision: invited.revision,
    };
    let let_in = house
        .identity
        .set_standing(&owner, None, invited.id, change)
        .await;
    done(house, let_in)
}

fn acting(person: &Person, teams: Vec<Uuid>) -> Principal {
    Principal {
        who: Who::User(person.id),
        role: person.role,
        teams,
        actor: person.actor,
        ..Principal::owner()
    }
}

async fn team(house: &House, name: &str, manager: Option<Uuid>) -> Team {
    let new = NewTeam {
        name: name.into(),
        manager,
    };
    let made = house
        .identity
        .add_team(&Principal::owner(), None, new)
        .await;
    done(house, made)
}

/// Gives somebody of sales leads from now on.
async fn seat(house: &House, person: &Person) {
    let change = SeatChange {
        territories: Vec::new(),
        skills: Vec::new(),
        cap: CAP,
        accepting: true,
    };
    let platform = house.identity.platform();
    let seated = assignment::seat(platform, &Principal::owner(), None, person.id, change).await;
    done(house, seated);
}

/// A lead that the house takes in; its key, and who is given it.
async fn lead(house: &House, phone: &str) -> (Uuid, Option<Uuid>) {
    let (platform, owner) = (house.identity.platform(), Principal::owner());
    let told = Capture {
        source: "web".into(),
        phone: Some(phone.into()),
        ..Capture::default()
    };
    let taken = done(house, capture::capture(platform, &owner, told).await);
    let seen = done(house, view::one(platform, &owner, taken.lead).await);
    (taken.lead, seen.lead.assigned_to)
}

async fn count(house: &House, sql: &'static str) -> i64 {
    let counted = house
        .database
        .db
        .read(&Actor::SYSTEM, move |tx| {
            tx.scalar(sqlx::query_scalar::<_, i64>(sql))
        })
        .await;
    counted.expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_sees_the_leads_of_their_team_and_no_others() {
    for house in House::all().await {
        let (kind, platform) = (house.kind, house.identity.platform());
        let rina = person(&house, "rina", Role::SalesManager, None).await;
        let tono = person(&house, "tono", Role::SalesManager, None).await;
        let bandung = team(&house, "  Bandung ", Some(rina.id)).await;
        let medan = team(&house, "Medan", None).await;
        assert_eq!(bandung.name, "Bandung", "{kind}");
        let ayu = person(&house, "ayu", Role::SalesAgent, Some(bandung.id)).await;
        let bima = person(&house, "bima", Role::SalesAgent, Some(medan.id)).await;
        seat(&house, &ayu).await;
        let (hers, given) = lead(&house, "+628123000001").await;
        assert_eq!(given, Some(ayu.id), "{kind}");
        seat(&house, &bima).await;
        let (his, given) = lead(&house, "+628123000002").await;
        assert_eq!(given, Some(bima.id), "{kind}: each in turn");
        let reached = async |by: &Principal| {
            let page = Paging::of(None, None).expect("a page");
            let list = view::list(platform, by, view::Filter::default(), page).await;
            let items = done(&house, list).items;
            items.iter().map(|seen| seen.lead.id).collect::<Vec<_>>()
        };
        let boss = acting(&rina, vec![bandung.id]);
        assert_eq!(reached(&boss).await, [hers], "{kind}");
        let other = acting(&tono, Vec::new());
        assert_eq!(reached(&other).await, [] as [Uuid; 0], "{kind}: leads none");
        let change = TeamChange {
            name: None,
            manager: Some(Some(tono.id)),
            revision: medan.revision,
        };
        let owner = Principal::owner();
        let led = house
            .identity
            .change_team(&owner, None, medan.id, change)
            .await;
        assert_eq!(done(&house, led).manager, Some(tono.id), "{kind}");
        let other = acting(&tono, vec![medan.id]);
        assert_eq!(reached(&other).await, [his], "{kind}");
        for (by, hidden) in [(&boss, his), (&other, hers)] {
            let looked = view::one(platform, by, hidden).await;
            assert_eq!(fault(looked), Some(NOT_FOUND), "{kind}");
        }
        let listed = done(&house, house.identity.teams(&owner).await);
        let told: Vec<_> = listed
            .iter()
            .map(|team| {
                (
                    team.name.as_str(),
                    team.manager_name.as_deref(),
                    team.members,
                )
            })
            .collect();
        assert_eq!(
            told,
            [("Bandung", Some("rina"), 1), ("Medan", Some("tono"), 1)],
            "{kind}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_made_once_and_changed_by_who_saw_it() {
    for house in House::all().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let rina = person(&house, "rina", Role::SalesManager, None).await;
        let ayu = person(&house, "ayu", Role::SalesAgent, None).await;
        let make = async |by: &Principal, request: u8, name: &str, manager: Option<Uuid>| {
            let once = Once {
                key: format!("{}", request % 10),
                route: "POST /api/v1/teams",
                request: [request; 32],
            };
            let new = NewTeam {
                name: name.into(),
                manager,
            };
            house.identity.add_team(by, Some(once), new).await
        };
        let first = done(&house, make(&owner, 1, "Bandung", Some(rina.id)).await);
        let again = make(&owner, 1, "Bandung", Some(rina.id)).await;
        assert_eq!(done(&house, again), first, "{kind}: asked twice, made once");
        let nobody = Uuid::from_u128(7);
        for (by, request, name, manager, refused) in [
            (&owner, 11, "Medan", None, KEY_REUSED),
            (&owner, 2, "Bandung", None, INVALID),
            (&owner, 3, " ", None, INVALID),
            (&owner, 4, "a\u{0}b", None, INVALID),
            (&owner, 5, "x".repeat(121).as_str(), None, INVALID),
            (&owner, 6, "Medan", Some(ayu.id), INVALID),
            (&owner, 7, "Medan", Some(nobody), INVALID),
            (&acting(&rina, vec![first.id]), 8, "Medan", None, FORBIDDEN),
        ] {
            let made = make(by, request, name, manager).await;
            assert_eq!(fault(made), Some(refused), "{kind}: {name}");
        }
        let read = house.identity.teams(&acting(&ayu, Vec::new())).await;
        assert_eq!(fault(read), Some(FORBIDDEN), "{kind}");
        let patch = async |id: Uuid, name: Option<&str>, manager, revision: i64| {
            let change = TeamChange {
                name: name.map(str::to_owned),
                manager,
                revision,
            };
            house.identity.change_team(&owner, None, id, change).await
        };
        let same = patch(first.id, Some("Bandung"), None, 1).await;
        assert_eq!(done(&house, same), first, "{kind}: nothing changed");
        let renamed = done(&house, patch(first.id, Some("Bandung Raya"), None, 1).await);
        assert_eq!(
            (renamed.name.as_str(), renamed.manager, renamed.revision),
            ("Bandung Raya", Some(rina.id), 2),
            "{kind}: who leads it stays"
        );
        for (id, name, manager, revision, refused) in [
            (first.id, Some("Jakarta"), None, 1, STALE),
            (first.id, None, Some(Some(ayu.id)), 2, INVALID),
            (first.id, None, None, 2, INVALID),
            (nobody, Some("Jakarta"), None, 1, NOT_FOUND),
        ] {
            let patched = patch(id, name, manager, revision).await;
            assert_eq!(fault(patched), Some(refused), "{kind}: {name:?}");
        }
        let left = done(&house, patch(first.id, None, Some(None), 2).await);
        assert_eq!((left.manager, left.revision), (None, 3), "{kind}");
        for (what, expected) in [
            (
                "SELECT count(*) FROM audit_log WHERE entity_type = 'team'",
                3,
            ),
            ("SELECT count(*) FROM events WHERE type = 'team.added'", 1),
            ("SELECT count(*) FROM events WHERE type = 'team.changed'", 2),
        ] {
            assert_eq!(count(&house, what).await, expected, "{kind}: {what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_role_takes_nobody_out_of_their_team() {
    for house in House::all().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let bandung = team(&house, "Bandung", None).await;
        let ayu = person(&house, "ayu", Role::SalesAgent, Some(bandung.id)).await;
        let mut revision = ayu.revision;
        for (given, team) in [
            (None, Some(bandung.id)),
            (Some(None), None),
            (Some(Some(bandung.id)), Some(bandung.id)),
        ] {
            let change = RoleChange {
                role: Role::SalesManager,
                team: given,
                revision,
            };
            let changed = house.identity.give_role(&owner, None, ayu.id, change).await;
            let changed = done(&house, changed);
            assert_eq!(
                (changed.role, changed.team),
                (Role::SalesManager, team),
                "{kind}: {given:?}"
            );
            revision = changed.revision;
        }
        let change = RoleChange {
            role: Role::SalesAgent,
            team: Some(Some(Uuid::from_u128(7))),
            revision,
        };
        let refused = house.identity.give_role(&owner, None, ayu.id, change).await;
        assert_eq!(fault(refused), Some(INVALID), "{kind}: no such team");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_what_is_typed_and_by_role() {
    for house in House::all().await {
        let (kind, owner) = (house.kind, Principal::owner());
        let rina = person(&house, "rinawati", Role::SalesManager, None).await;
        let ayu = person(&house, "ayulestari", Role::SalesAgent, None).await;
        let asked = async |by: &Principal, typed: Option<&str>, role, cursor: Option<&str>| {
            let filter = PeopleFilter {
                typed: typed.map(str::to_owned),
                role,
            };
            let page = Paging::of(cursor, None).expect("a page");
            let found = house.identity.people(by, filter, page).await;
            found.map(|page| page.items.iter().map(|one| one.id).collect::<Vec<_>>())
        };
        for (typed, role, found) in [
            (Some("rinawati"), None, vec![rina.id]),
            (Some("rinawaty"), None, vec![rina.id]),
            (
                Some("ayulestari@contoh.id"),
                Some(Role::SalesAgent),
                vec![ayu.id],
            ),
            (Some("rinawati"), Some(Role::Dealer), vec![]),
            (Some("zzzzzzzz"), None, vec![]),
            (None, Some(Role::SalesAgent), vec![ayu.id]),
        ] {
            let people = done(&house, asked(&owner, typed, role, None).await);
            assert_eq!(people.first(), found.first(), "{kind}: {typed:?} {role:?}");
            assert_eq!(people.is_empty(), found.is_empty(), "{kind}: {typed:?}");
        }
        // One of many of a name is found by their role, wherever they stand among them.
        let dealer = person(&house, "wulandarix", Role::Dealer, None).await;
        for n in 0..60 {
            person(&house, &format!("wulandari{n}"), Role::SalesAgent, None).await;
        }
        let dealers = asked(&owner, Some("wulandari"), Some(Role::Dealer), None).await;
        assert_eq!(done(&house, dealers), [dealer.id], "{kind}");
        let behind = format!("0_{}", rina.id.simple());
        let paged = asked(&owner, Some("rinawati"), None, Some(&behind)).await;
        assert_eq!(fault(paged), Some(BAD_PAGE), "{kind}");
        let nothing = asked(&owner, Some("--"), None, None).await;
        assert_eq!(fault(nothing), Some(INVALID), "{kind}");
        let refused = asked(&acting(&ayu, Vec::new()), Some("rinawati"), None, None).await;
        assert_eq!(fault(refused), Some(FORBIDDEN), "{kind}");
    }
}
