//! The table of roles, three times: as it was decided, as the program decides, as the database filters.

use std::collections::BTreeMap;

use siaga_platform::ids::{HOUSE, new_id};
use siaga_platform::people::{
    Area, Permission, Principal, Role, Scope, Sight, Target, Verb, Verdict, Who, allowed, grant,
};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::desk::houses;

const TABLE: &str = include_str!("../rbac.txt");

/// Scope and sight of a cell.
type Cell = Option<(Scope, Sight)>;

fn scope(word: &str) -> Scope {
    match word {
        "own" => Scope::Own,
        "team" => Scope::Team,
        "all" => Scope::All,
        other => panic!("no scope {other}"),
    }
}

fn verb(word: &str) -> Verb {
    let found = Verb::ALL.into_iter().find(|verb| verb.name() == word);
    found.unwrap_or_else(|| panic!("no verb {word}"))
}

/// Every cell of the file, verb by verb.
fn expected() -> BTreeMap<(Role, Area, Verb), Cell> {
    let mut cells = BTreeMap::new();
    for line in TABLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
    {
        let mut columns = line.split('|').map(str::trim);
        let name = columns.next().expect("a role");
        let role = Role::parse(name).unwrap_or_else(|| panic!("no role {name}"));
        let columns: Vec<&str> = columns.collect();
        assert_eq!(columns.len(), Area::ALL.len(), "{name}");
        for (area, text) in Area::ALL.into_iter().zip(columns) {
            let sight = if text.ends_with("masked") {
                Sight::Masked
            } else {
                Sight::Clear
            };
            let mut grants: Vec<(Verb, Scope)> = Vec::new();
            for word in text
                .split_whitespace()
                .filter(|word| !["none", "masked"].contains(word))
            {
                let (up_to, rows) = word
                    .split_once('@')
                    .unwrap_or_else(|| panic!("{name}: {word}"));
                grants.push((verb(up_to), scope(rows)));
            }
            for asked in Verb::ALL {
                let covering = grants.iter().filter(|(up_to, _)| *up_to >= asked);
                let found = covering.min_by_key(|(up_to, _)| *up_to);
                cells.insert((role, area, asked), found.map(|(_, rows)| (*rows, sight)));
            }
        }
    }
    cells
}

#[test]
fn the_program_decides_as_it_was_decided() {
    let expected = expected();
    assert_eq!(
        expected.len(),
        Role::ALL.len() * Area::ALL.len() * Verb::ALL.len(),
        "every role stands in the file"
    );
    for ((role, area, verb), cell) in expected {
        let decided = grant(role, area, verb).map(|grant| (grant.scope, grant.sight));
        assert_eq!(decided, cell, "{role:?} {area:?} {verb:?}");
    }
}

#[tokio::test]
async fn the_database_filters_as_it_was_decided() {
    for house in houses().await {
        let rows: Vec<(String, String, String, String, bool)> = house
            .system(|tx| {
                tx.all(sqlx::query_as(
                    "SELECT role, area, verb, scope, masked FROM role_grants",
                ))
            })
            .await;
        let in_database: BTreeMap<_, _> = rows
            .into_iter()
            .map(|(role, area, verb, scope, masked)| ((role, area, verb), (scope, masked)))
            .collect();
        let decided: BTreeMap<_, _> = expected()
            .into_iter()
            .filter_map(|((role, area, verb), cell)| {
                let (scope, sight) = cell?;
                let key = (
                    role.name().to_owned(),
                    area.name().to_owned(),
                    verb.name().to_owned(),
                );
                Some((key, (scope.name().to_owned(), sight == Sight::Masked)))
            })
            .collect();
        assert_eq!(in_database, decided, "{}", house.kind);
        let staff: Vec<(String, bool)> = house
            .system(|tx| tx.all(sqlx::query_as("SELECT name, staff FROM roles")))
            .await;
        assert_eq!(staff.len(), Role::ALL.len());
        for (name, staff) in staff {
            let role = Role::parse(&name).unwrap_or_else(|| panic!("no role {name}"));
            assert_eq!(role.is_staff(), staff, "{name}");
        }
    }
}

fn agent(role: Role, me: Uuid, team: Uuid) -> Principal {
    Principal {
        who: Who::User(me),
        role,
        teams: vec![team],
        ..Principal::owner()
    }
}

#[test]
fn an_agent_reads_every_lead_and_moves_their_own() {
    let (me, colleague, team) = (new_id(Ts(1)), new_id(Ts(2)), new_id(Ts(3)));
    let (read, write) = (
        Permission::new("lead.read", Area::Crm, Verb::Read),
        Permission::new("lead.move", Area::Crm, Verb::Write),
    );
    let lead = |owner| Target {
        org: HOUSE,
        owner: Some(owner),
        team: Some(team),
        referrer: None,
    };
    let sales = agent(Role::SalesAgent, me, team);
    assert_eq!(
        allowed(&sales, read, &lead(colleague)),
        Verdict::Yes(Sight::Clear)
    );
    assert_eq!(
        allowed(&sales, write, &lead(colleague)),
        Verdict::NotThisRow
    );
    assert_eq!(
        allowed(&sales, write, &lead(me)),
        Verdict::Yes(Sight::Clear)
    );
    let manager = agent(Role::SalesManager, me, team);
    assert_eq!(
        allowed(&manager, write, &lead(colleague)),
        Verdict::Yes(Sight::Clear),
        "of the team"
    );
    let elsewhere = Target {
        team: Some(new_id(Ts(4))),
        ..lead(colleague)
    };
    assert_eq!(allowed(&manager, write, &elsewhere), Verdict::NotThisRow);
    let foreign = Target {
        org: new_id(Ts(5)),
        ..lead(me)
    };
    assert_eq!(
        allowed(&sales, write, &foreign),
        Verdict::NotThisRow,
        "of another organisation"
    );
    assert_eq!(
        allowed(&agent(Role::SuperAdmin, me, team), write, &foreign),
        Verdict::NotThisRow
    );
}

#[test]
fn a_partner_sees_referrals_and_a_key_no_more_than_it_was_made_for() {
    let (me, client, team) = (new_id(Ts(1)), new_id(Ts(2)), new_id(Ts(3)));
    let read = Permission::new("cash.read", Area::Finance, Verb::Read);
    let of = |referrer| Target {
        org: HOUSE,
        owner: Some(client),
        team: None,
        referrer,
    };
    let partner = agent(Role::IbPartner, me, team);
    assert_eq!(
        allowed(&partner, read, &of(Some(me))),
        Verdict::Yes(Sight::Clear)
    );
    assert_eq!(allowed(&partner, read, &of(None)), Verdict::NotThisRow);
    let key = Principal {
        narrowed: Some(vec!["lead.read".into()]),
        ..agent(Role::SuperAdmin, me, team)
    };
    assert_eq!(allowed(&key, read, &of(None)), Verdict::Narrowed);
    let service = agent(Role::CsStaff, me, team);
    let case = Permission::new("kyc.read", Area::Kyc, Verb::Read);
    assert_eq!(
        allowed(&service, case, &of(None)),
        Verdict::Yes(Sight::Masked)
    );
    assert_eq!(
        allowed(
            &service,
            Permission::new("kyc.review", Area::Kyc, Verb::Write),
            &of(None)
        ),
        Verdict::Never
    );
}
