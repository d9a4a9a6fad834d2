//! Leads are shared out: nobody has more than fifty, whoever asks and however many ask at once.

use siaga_platform::crm::faults::NOT_LEAVING;
use siaga_platform::crm::{assignment, deals, leave, notice};
use siaga_platform::ids::HOUSE;
use siaga_platform::people::{Principal, Role};
use siaga_platform::refusal::FORBIDDEN;

use super::floor::{agent, number, seat, seen, take, told};
use crate::ground::desk::houses;

#[tokio::test]
async fn the_database_holds_the_cap_of_fifty_against_whoever_writes_at_once() {
    for house in houses().await {
        for n in 0..70 {
            take(&house, told(Some(&number(n)), None, None)).await;
        }
        let sales = agent(&house, None, "Ayu").await;
        let user = sales.user().expect("a person");
        let leads = house
            .system(|tx| {
                tx.all::<(uuid::Uuid,)>(sqlx::query_as(
                    "SELECT id FROM leads ORDER BY created_at, id",
                ))
            })
            .await;
        let actor = Principal::system("test");
        let mut tries = Vec::new();
        for (lead,) in leads {
            tries.push(house.attempt(
                &actor,
                format!("UPDATE leads SET assigned_to = '{user}' WHERE id = '{lead}'"),
            ));
        }
        let done = futures(tries).await;
        let (given, refused): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
        assert_eq!(given.len(), 50, "{}", house.kind);
        assert!(
            refused
                .iter()
                .all(|state| *state == Err("SG050".to_owned())),
            "{}: {refused:?}",
            house.kind
        );
        let system = Principal::system("test");
        assert_eq!(
            house
                .count(&system, "SELECT active_leads::bigint FROM sales_agents")
                .await,
            50
        );
    }
}

/// Runs them side by side.
async fn futures<T>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (slot, future) in done.iter_mut().zip(&mut pinned) {
            if slot.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn the_pool_drains_oldest_first_and_evenly_when_room_appears() {
    for house in houses().await {
        let mut leads = Vec::new();
        for n in 0..9 {
            leads.push(take(&house, told(Some(&number(n)), None, None)).await.lead);
        }
        let (ayu, bima) = (
            agent(&house, None, "Ayu").await,
            agent(&house, None, "Bima").await,
        );
        seat(&house, &ayu, 3, true).await;
        seat(&house, &bima, 3, true).await;
        assert_eq!(
            assignment::drain_pool(&house.platform, HOUSE)
                .await
                .expect("drained"),
            6,
            "{}",
            house.kind
        );
        let mut owners = Vec::new();
        for lead in &leads {
            owners.push(seen(&house, *lead).await.lead.assigned_to);
        }
        assert!(
            owners[..6].iter().all(Option::is_some) && owners[6..].iter().all(Option::is_none),
            "{}: oldest first",
            house.kind
        );
        let of = |agent: &Principal| {
            owners
                .iter()
                .filter(|owner| **owner == agent.user())
                .count()
        };
        assert_eq!((of(&ayu), of(&bima)), (3, 3), "{}", house.kind);
        assert!(
            owners[..6].windows(2).all(|pair| pair[0] != pair[1]),
            "{}: in turn",
            house.kind
        );
        // Nobody who is away is given any.
        house
            .system(|tx| {
                tx.execute(sqlx::query(
                    "UPDATE users SET on_leave = true WHERE role = 'sales_agent'",
                ))
            })
            .await;
        seat(&house, &ayu, 50, true).await;
        assert_eq!(
            assignment::drain_pool(&house.platform, HOUSE)
                .await
                .expect("nothing"),
            0
        );
    }
}

#[tokio::test]
async fn who_leaves_gives_everything_back_in_one_step() {
    for house in houses().await {
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let ayu = agent(&house, Some(team), "Ayu").await;
        let mut leads = Vec::new();
        for n in 0..4 {
            leads.push(take(&house, told(Some(&number(n)), None, None)).await.lead);
        }
        let deal = deals::add_deal(
            &house.platform,
            &ayu,
            None,
            leads[0],
            "First deposit".into(),
            500_000,
        )
        .await
        .expect("a deal");
        let bima = agent(&house, Some(team), "Bima").await;
        seat(&house, &bima, 3, true).await;
        let user = ayu.user().expect("a person");
        let refused = leave::leave(&house.platform, &boss, None, user, "gone".into()).await;
        assert_eq!(
            refused.expect_err("not the manager's").fault(),
            Some(FORBIDDEN)
        );
        let left = leave::leave(
            &house.platform,
            &Principal::owner(),
            None,
            user,
            "new employer".into(),
        )
        .await;
        let left = left.unwrap_or_else(|error| panic!("{}: {error}", house.kind));
        assert_eq!(
            (left.leads_to_pool, left.leads_reassigned, left.deals_moved),
            (4, 3, 1),
            "{}",
            house.kind
        );
        assert_eq!(left.manager, boss.user());
        let system = Principal::system("test");
        let kind = house.kind;
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM leads WHERE assigned_to IS NULL"
                )
                .await,
            1,
            "{kind}"
        );
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM users WHERE status = 'suspended'"
                )
                .await,
            1,
            "{kind}"
        );
        assert_eq!(
            house
                .count(
                    &system,
                    "SELECT count(*) FROM conversation_access WHERE archived_at IS NULL"
                )
                .await,
            3,
            "{kind}"
        );
        assert_eq!(
            house.count(&ayu, "SELECT count(*) FROM leads").await,
            0,
            "{kind}: who left sees nothing"
        );
        assert_eq!(
            deals::one_deal(&house.platform, &Principal::owner(), deal)
                .await
                .expect("the deal")
                .owner,
            boss.user()
        );
        let again = leave::leave(
            &house.platform,
            &Principal::owner(),
            None,
            user,
            "again".into(),
        )
        .await;
        assert_eq!(again.expect_err("left").fault(), Some(NOT_LEAVING));
    }
}

#[tokio::test]
async fn who_manages_a_team_and_has_another_role_now_is_told_and_given_nothing() {
    for house in houses().await {
        let kind = house.kind;
        let boss = house.person(HOUSE, Role::SalesManager, None, "Rina").await;
        let team = house.team(HOUSE, "Bandung", boss.user()).await;
        let ayu = agent(&house, Some(team), "Ayu").await;
        let lead = take(&house, told(Some(&number(1)), None, None)).await.lead;
        let system = Principal::system("test");
        let told_of = async || {
            let lead = seen(&house, lead).await.lead;
            let told = house
                .platform
                .command(&system, move |unit| notice::managers(unit, &lead));
            told.await.expect(kind)
        };
        let manager = boss.user().expect("a person");
        assert_eq!(told_of().await, [manager], "{kind}");
        let moved = format!("UPDATE users SET role = 'cs_staff' WHERE id = '{manager}'");
        assert_eq!(house.attempt(&system, moved).await, Ok(1), "{kind}");
        assert!(!told_of().await.contains(&manager), "{kind}");
        let (owner, user) = (Principal::owner(), ayu.user().expect("a person"));
        let left = leave::leave(&house.platform, &owner, None, user, "gone".into()).await;
        assert_ne!(left.expect(kind).manager, Some(manager), "{kind}");
    }
}
