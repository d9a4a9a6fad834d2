//! The tasks that keep streams fresh: the broadcaster, the poller of watched accounts and of the desk's state, the judge of ages.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use siaga_risk::view::{Query, View};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval};

use super::hub::{Hub, Stream};
use super::message::News;
use super::topic::Topic;
use crate::gateway::dto::account::{account, held};
use crate::gateway::dto::desk::desk;
use crate::gateway::server::stopped;

/// Watched accounts are asked five times a second.
const ACCOUNTS: Duration = Duration::from_millis(200);
/// An account as its client sees it is asked in every so many rounds: once a second, since there are as many as clients.
const PORTFOLIO_ROUNDS: u32 = 5;
/// Questions under way at once.
const QUESTIONS: usize = 32;
/// The desk's state is looked at this often, and asked for at once when it changed.
const DESK: Duration = Duration::from_millis(100);
/// Without a change it is asked for after so many looks.
const DESK_LOOKS: u32 = 10;
/// News are told this often at most: each of them has every list of its part read anew.
const NEWS: Duration = Duration::from_secs(1);
/// The age of prices and of the core's answers is judged this often.
const SWEEP: Duration = Duration::from_millis(250);
/// Durable events taken in one round.
const EVENTS_PER_ROUND: usize = 1_024;

/// Writes each changed price once and tells who follows it, until `stop`. After each round the sockets have their turn, so the more
/// they have to do, the more prices one round merges; a lone price goes out at once.
pub async fn broadcast(hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let live = hub.core.live().clone();
    let news = live.watch();
    let mut changed = Vec::new();
    loop {
        tokio::select! {
            () = news.changed() => {}
            () = stopped(&mut stop) => return,
        }
        changed.clear();
        news.drain(&mut changed);
        hub.publish(&changed);
        yield_now().await;
    }
}

/// Tells the followers of durable channels, until `stop`.
pub async fn announce(hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let mut tips = hub.core.events().tips();
    let mut cursor = *tips.borrow_and_update();
    loop {
        tokio::select! {
            changed = tips.changed() => if changed.is_err() { return },
            () = stopped(&mut stop) => return,
        }
        loop {
            match hub.core.events().after(cursor, EVENTS_PER_ROUND) {
                Some(events) => {
                    let Some(last) = events.last() else { break };
                    cursor = last.number;
                    hub.announce(&events);
                }
                // This task fell behind what is held: wake everybody, each reads by its own cursor.
                None => {
                    cursor = hub.core.events().tip();
                    hub.wake_durable();
                }
            }
        }
    }
}

/// Asks for watched accounts, until `stop`.
pub async fn accounts(hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(ACCOUNTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds = 0_u32;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopped(&mut stop) => return,
        }
        rounds = rounds.wrapping_add(1);
        let clients_too = rounds.is_multiple_of(PORTFOLIO_ROUNDS);
        let watched = hub.followed(|topic| match topic {
            Topic::Margin(_) => true,
            Topic::Portfolio(_) => clients_too,
            _ => false,
        });
        let asked = futures_util::stream::iter(watched);
        asked
            .for_each_concurrent(QUESTIONS, |stream| ask_account(hub.clone(), stream))
            .await;
    }
}

async fn ask_account(hub: Arc<Hub>, stream: Arc<Stream>) {
    let (Topic::Margin(id) | Topic::Portfolio(id)) = stream.topic else {
        return;
    };
    // The next round asks again.
    let Ok(reply) = hub.core.ask(Query::Account(id)).await else {
        return hub.put_no_answer(&stream);
    };
    match &reply.view {
        View::Account(view) => {
            let names = hub.core.directory();
            let shown = account(view, reply.seq, reply.now, &names);
            match stream.topic {
                Topic::Portfolio(_) => hub.put_data(&stream, reply.now, &held(shown)),
                _ => hub.put_data(&stream, reply.now, &shown),
            }
        }
        // Its names are there before it is.
        View::NotFound => {}
        other => hub.put_incident(
            &stream,
            &format!("an account was asked for, {other:?} came"),
        ),
    }
}

/// Judges what grows old without news, prices and the core's answers, until `stop`. It asks nothing, so that no answer keeps it waiting.
pub async fn ages(hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopped(&mut stop) => return,
        }
        hub.sweep();
        hub.sweep_silent();
    }
}

/// Asks for the desk's state while somebody watches it, until `stop`.
pub async fn status(hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(DESK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks = 0;
    let mut version = None;
    let mut seen = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopped(&mut stop) => return,
        }
        looks += 1;
        let followed = hub.followed(|topic| topic == Topic::Status);
        let Some(stream) = followed.first() else {
            continue;
        };
        let now = (hub.core.live().desk_version(), hub.core.status());
        // The sequence alone is no news.
        let seq = now.1.seq;
        let news = version != Some(now.0) || seen.as_ref().is_none_or(|s| !same_status(s, &now.1));
        if !news && looks % DESK_LOOKS != 0 && stream.newest().is_some() {
            continue;
        }
        version = Some(now.0);
        match hub.core.ask(Query::Desk).await {
            Err(_) => hub.put_no_answer(stream),
            Ok(reply) => match &reply.view {
                View::Desk(view) => {
                    let mut status = hub.core.status();
                    status.seq = status.seq.max(seq);
                    let names = hub.core.directory();
                    let shown = desk(view, &status, hub.core.live(), &names);
                    hub.put_data(stream, reply.now, &shown);
                }
                other => {
                    hub.put_incident(stream, &format!("the desk was asked for, {other:?} came"))
                }
            },
        }
        seen = Some(now.1);
    }
}

/// Tells those who follow a part of the house that something changed there, at most once in [`NEWS`], until `stop`.
pub async fn news(hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(NEWS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stopped(&mut stop) => return,
        }
        let Some(platform) = hub.core.platform() else {
            continue;
        };
        for stream in hub.followed(|topic| matches!(topic, Topic::News(_))) {
            if let Topic::News(part) = stream.topic {
                let version = platform.news(part);
                hub.put_data(&stream, hub.core.now(), &News { version });
            }
        }
    }
}

fn same_status(a: &crate::gateway::core::Status, b: &crate::gateway::core::Status) -> bool {
    let timeless = |s: &crate::gateway::core::Status| crate::gateway::core::Status {
        seq: 0,
        ..s.clone()
    };
    timeless(a) == timeless(b)
}
