//! The table of roles, walked over real routes.

use serde_json::{Value, json};

use crate::house::{HOUSE, House, Person, TEAM, key, table};

const ROLES: &str = include_str!("roles.txt");

/// A request of the table.
struct Probe<'t> {
    name: &'t str,
    method: &'t str,
    path: &'t str,
    body: Option<Value>,
}

fn probes() -> Vec<Probe<'static>> {
    let lines = table(ROLES)
        .into_iter()
        .filter(|cells| cells[0].starts_with("probe "));
    let probe = |cells: Vec<&'static str>| {
        let (method, rest) = cells[1].split_once(' ').expect("a method and an address");
        let (path, body) = rest
            .split_once(' ')
            .map_or((rest, None), |(path, body)| (path, Some(body)));
        let body = body.map(|body| serde_json::from_str(body).expect("JSON"));
        Probe {
            name: cells[0],
            method,
            path,
            body,
        }
    };
    lines.map(probe).collect()
}

/// The role and what is expected of each probe; nothing where the role has no such row.
fn expected() -> Vec<(&'static str, Vec<Option<bool>>)> {
    let word = |word: &str| match word {
        "yes" => Some(true),
        "no" => Some(false),
        "-" => None,
        other => panic!("{other} is no word of the table"),
    };
    let lines = table(ROLES)
        .into_iter()
        .filter(|cells| !cells[0].starts_with("probe "));
    let line = |cells: Vec<&'static str>| {
        let words = cells
            .iter()
            .skip(1)
            .flat_map(|cell| cell.split_whitespace());
        (cells[0], words.map(word).collect())
    };
    lines.map(line).collect()
}

/// Rows of a person's own.
struct Own {
    lead: String,
    case: String,
    cash: String,
}

async fn own(house: &House, role: &str, person: &Person, n: usize) -> Own {
    let [lead, subject, case, cash, client, member] =
        [41, 42, 43, 44, 45, 46].map(|kind| key(&format!("#{kind}{n:04}")));
    let own = Own { lead, case, cash };
    let me = person.id;
    let lead = |assigned: &str, referrer: &str| {
        format!(
            "INSERT INTO leads (id, org_id, subject_id, source, stage_since, assigned_to, referrer_id)
                 VALUES ('{}', '{HOUSE}', '{subject}', 'web', now(), {assigned}, {referrer});",
            own.lead
        )
    };
    let cash = |whose: &str| {
        format!(
            "INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, requested_by, created_at)
                 VALUES ('{}', '{HOUSE}', '{whose}', 1, 'deposit', 'USD', 100, 100, 'system', now());",
            own.cash
        )
    };
    let statements = match role {
        // Whoever is given leads is one of those who are; the first administrator is one already.
        "super_admin" | "sales_manager" | "sales_agent" => {
            format!("INSERT INTO sales_agents (user_id, org_id) VALUES ('{me}', '{HOUSE}'); {}", lead(&format!("'{me}'"), "NULL"))
        }
        "ib_partner" => format!(
            "INSERT INTO users (id, org_id, username, role, status, referrer_id) VALUES ('{client}', '{HOUSE}', 'brought{n}', 'end_user', 'active', '{me}');
             INSERT INTO org_members (id, org_id, user_id, role) VALUES ('{member}', '{HOUSE}', '{client}', 'member'); {} {}",
            lead("NULL", &format!("'{me}'")),
            cash(&client)
        ),
        "end_user" => format!(
            "INSERT INTO kyc_cases (id, org_id, user_id, created_at) VALUES ('{}', '{HOUSE}', '{me}', now()); {}",
            own.case,
            cash(&me.to_string())
        ),
        _ => return own,
    };
    house.run(statements).await;
    own
}

fn address(path: &str, own: &Own) -> String {
    let piece = |piece: &str| match piece {
        "@lead" => own.lead.clone(),
        "@case" => own.case.clone(),
        "@cash" => own.cash.clone(),
        other => key(other),
    };
    path.split('/').map(piece).collect::<Vec<_>>().join("/")
}

/// Every cell: the six roles of the decisions in four areas, and the further roles in all of them.
#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_what_the_table_says_and_no_more() {
    let Some(house) = House::open().await else {
        return;
    };
    let (probes, roles) = (probes(), expected());
    assert_eq!(roles.len(), 13, "every role");
    let mut wrong = Vec::new();
    for (n, (role, cells)) in roles.into_iter().enumerate() {
        assert_eq!(cells.len(), probes.len(), "{role}: a cell for each probe");
        // A manager's scope is their team's.
        let team = (role == "sales_manager").then_some(TEAM);
        let person = house.person(role, HOUSE, team).await;
        let own = own(&house, role, &person, n).await;
        for (probe, may) in probes.iter().zip(cells) {
            let Some(may) = may else {
                continue;
            };
            let answer = house.ask(
                probe.method,
                &address(probe.path, &own),
                Some(&person),
                probe.body.as_ref(),
            );
            let let_in = match answer.status {
                403 | 404 => false,
                200..=299 | 409 | 412 | 422 => true,
                other => panic!("{role}: {}: {other} {}", probe.name, answer.body),
            };
            if let_in != may {
                wrong.push(format!(
                    "{role}: {}: {} {}",
                    probe.name, answer.status, answer.body
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whoever may trade for everybody moves no client's money past finance: on a live account a movement is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn the_desk_books_no_money_of_a_client() {
    let Some(house) = House::open().await else {
        return;
    };
    let admin = house.person("super_admin", HOUSE, None).await;
    let dealer = house.person("dealer", HOUSE, None).await;
    let client = house.person("end_user", HOUSE, None).await;
    let listed = house.ask("GET", "/api/v1/accounts", Some(&admin), None);
    let account = |n: usize| listed.body["items"][n]["id"].as_u64().expect("an account");
    let (live, desk) = (account(0), account(1));
    let owned = |kind: &str| {
        format!(
            "INSERT INTO accounts_directory AS known (account, system, outside_id, user_id, org_id, account_type) VALUES ({live}, 'siaga', '{live}', '{id}', '{HOUSE}', '{kind}')
             ON CONFLICT (account) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id, account_type = excluded.account_type;",
            id = client.id
        )
    };
    house.run(owned("live")).await;
    let mut reference = 0;
    let mut book = |person: &Person, account: u64, kind: &str| {
        reference += 1;
        let body = json!({"kind": kind, "amount": "1", "reference": format!("hand-{reference}")});
        let path = format!("/api/v1/accounts/{account}/cash");
        house.ask("POST", &path, Some(person), Some(&body))
    };
    for person in [&dealer, &admin] {
        for kind in ["deposit", "withdrawal", "correction"] {
            let refused = book(person, live, kind);
            assert_eq!(
                (refused.status, refused.body["name"].as_str()),
                (409, Some("cash_by_request")),
                "{kind}: {}",
                refused.body
            );
            let detail = refused.body["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("/api/v1/cash/requests"), "{detail}");
        }
    }
    assert_eq!(book(&dealer, live, "credit").status, 403);
    assert_eq!(book(&admin, live, "credit").status, 201);
    assert_eq!(book(&dealer, desk, "deposit").status, 201, "nobody's");
    house.run(owned("demo")).await;
    assert_eq!(book(&dealer, live, "deposit").status, 201, "play money");
}
