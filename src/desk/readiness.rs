//! Whether prices come and brokers answer, for `/readyz`.

use siaga_risk::event::{FeedState, LinkMode};
use siaga_risk::units::{SECOND_NS, Ts};

use crate::gateway::core::Part;
use crate::gateway::directory::Directory;
use crate::gateway::live::Live;

/// Symbols named in a detail; the rest is counted.
const NAMED_MAX: usize = 5;

/// A price of this much more than its longest age is dead whatever the machine says: its time stands still.
const LATE_NS: u64 = 5 * SECOND_NS;

/// One instrument that somebody could trade.
#[derive(Clone, Copy, Debug)]
pub struct Priced<'a> {
    pub symbol: &'a str,
    pub feed: FeedState,
    /// When its newest price came; none has come yet when absent.
    pub at: Option<Ts>,
    /// How old a live price may be.
    pub age_max_ns: u64,
}

/// The instruments and where their prices stand; what came before `since` was recovered, and says nothing of a feed.
pub fn priced<'a>(names: &'a Directory, live: &Live, since: Ts) -> Vec<Priced<'a>> {
    let entries = names.instruments().map(|entry| Priced {
        symbol: &entry.symbol,
        feed: live.states(entry.terms.id).feed,
        at: live
            .mark(entry.terms.id)
            .map(|mark| mark.ts)
            .filter(|at| *at >= since),
        age_max_ns: entry.terms.quote_age_max_ns,
    });
    entries.collect()
}

/// Well while an instrument in session has a live price, or none is in session. One that is dead among living ones is an alert's
/// matter; where all are, the desk sees no market. Before the machine `has_decided` an input of this run, that a session is closed
/// is what an earlier run knew.
pub fn feed(all: &[Priced<'_>], now: Ts, has_decided: bool) -> Part {
    let in_session: Vec<&Priced<'_>> = all
        .iter()
        .filter(|one| one.feed != FeedState::Closed)
        .collect();
    let lives = |one: &&&Priced<'_>| {
        let age_max_ns = one.age_max_ns.saturating_add(LATE_NS);
        let is_young = |at| now.since(at) <= age_max_ns;
        one.feed == FeedState::Live && one.at.is_some_and(is_young)
    };
    let live = in_session.iter().filter(lives).count();
    let dead: Vec<&str> = in_session
        .iter()
        .filter(|one| !lives(one))
        .map(|one| one.symbol)
        .collect();
    let newest = in_session.iter().filter_map(|one| one.at).max();
    let age = match newest {
        Some(at) => format!("the newest price is {} ms old", now.since(at) / 1_000_000),
        None => "no price has come".to_owned(),
    };
    let detail = match (in_session.len(), dead.len()) {
        _ if all.is_empty() => "no instrument is known yet".to_owned(),
        (0, _) if !has_decided => "the sessions are not known yet".to_owned(),
        (0, _) => "no instrument is in session".to_owned(),
        (all, 0) => format!("{all} instruments are live; {age}"),
        (all, more) => {
            let shown = dead[..more.min(NAMED_MAX)].join(", ");
            let rest = match more.saturating_sub(NAMED_MAX) {
                0 => String::new(),
                rest => format!(" and {rest} more"),
            };
            format!("{live} of {all} instruments in session are live, not {shown}{rest}; {age}")
        }
    };
    Part {
        name: "feed",
        ok: live > 0 || (in_session.is_empty() && has_decided && !all.is_empty()),
        required: true,
        detail,
    }
}

/// A part for each link. Without its broker the desk goes on: it refuses what is new and queues closes, so none is required.
pub fn brokers(names: &Directory, live: &Live) -> Vec<Part> {
    let links = names.links().map(|(id, name)| {
        let mode = live.link(id);
        let words = match mode {
            Some(LinkMode::Live) => "live",
            Some(LinkMode::ReadOnly) => "read-only: new orders are refused, closes are queued",
            Some(LinkMode::Recovering) => "recovering: open orders are reconciled",
            None => "has not reported",
        };
        Part {
            name: "broker",
            ok: mode == Some(LinkMode::Live),
            required: false,
            detail: format!("{name}: {words}"),
        }
    });
    links.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(symbol: &str, feed: FeedState, at: Option<u64>) -> Priced<'_> {
        let at = at.map(|seconds| Ts(seconds * SECOND_NS));
        Priced {
            symbol,
            feed,
            at,
            age_max_ns: SECOND_NS,
        }
    }

    #[test]
    fn dead_feeds_are_not_ready_whatever_came_before() {
        use FeedState::*;
        for (all, ok, detail) in [
            (
                vec![one("A", Live, Some(9)), one("B", Live, Some(8))],
                true,
                "2 instruments are live; the newest price is 1000 ms old",
            ),
            (
                vec![one("A", Live, Some(9)), one("B", Unavailable, Some(1))],
                true,
                "1 of 2 instruments in session are live, not B; the newest price is 1000 ms old",
            ),
            (
                vec![one("A", Unavailable, Some(2)), one("B", Delayed, Some(4))],
                false,
                "0 of 2 instruments in session are live, not A, B; the newest price is 6000 ms old",
            ),
            (
                vec![one("A", Live, Some(3))],
                false,
                "0 of 1 instruments in session are live, not A; the newest price is 7000 ms old",
            ),
            (
                vec![one("A", Live, None)],
                false,
                "0 of 1 instruments in session are live, not A; no price has come",
            ),
            (
                vec![one("A", Closed, Some(1))],
                true,
                "no instrument is in session",
            ),
        ] {
            let part = feed(&all, Ts(10 * SECOND_NS), true);
            assert_eq!((part.ok, part.detail.as_str()), (ok, detail));
        }
        let closed = [one("A", Closed, Some(1))];
        for (all, has_decided, detail) in [
            (&closed[..], false, "the sessions are not known yet"),
            (&closed[..0], true, "no instrument is known yet"),
            (&closed[..0], false, "no instrument is known yet"),
        ] {
            let part = feed(all, Ts(10 * SECOND_NS), has_decided);
            assert_eq!((part.ok, part.detail.as_str()), (false, detail));
        }
        let crowd = vec![one("X", Unavailable, None); 7];
        let said = feed(&crowd, Ts(0), true).detail;
        assert!(said.contains("X, X, X, X, X and 2 more;"), "{said}");
    }
}
