//! When failures lock (decisions 8.2). Attempts are counted before the password is looked at, so a hundred at once are not a hundred
//! guesses. Those of a sign-in are under way until they turn out wrong: they take up the room of failures and lock nothing, since right
//! ones may come together too.

use siaga_risk::units::{MINUTE_NS, SECOND_NS, Ts};

/// What is counted, and what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// So many failures within the window lock.
    pub failures: usize,
    /// The window.
    pub window_ns: u64,
    /// The first lock.
    pub lock_ns: u64,
    /// Each further lock is twice the one before, up to this.
    pub lock_max_ns: u64,
}

/// Of one account: 5 in 15 min lock 15 min, doubling to 24 h.
pub const ACCOUNT: Rule = Rule {
    failures: 5,
    window_ns: 15 * MINUTE_NS,
    lock_ns: 15 * MINUTE_NS,
    lock_max_ns: 24 * 60 * MINUTE_NS,
};

/// Of one address of the network: 20 in 15 min.
pub const NETWORK: Rule = Rule {
    failures: 20,
    window_ns: 15 * MINUTE_NS,
    lock_ns: 15 * MINUTE_NS,
    lock_max_ns: 15 * MINUTE_NS,
};

/// What is remembered of one account or address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Failures, oldest first; with those under way at most as many as lock.
    pub attempts: Vec<Ts>,
    /// Attempts that were begun and have not turned out right or wrong.
    pub under_way: Vec<Ts>,
    /// Until then nothing is tried.
    pub locked_until: Option<Ts>,
    /// Locks without a success between them.
    pub locks: u32,
}

/// Why nothing is tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For so many seconds, at least 1.
    Locked(u32),
    /// Others have to turn out right or wrong first.
    UnderWay,
}

/// Longest an attempt is under way: a password is compared in less than a second. Whoever has heard nothing by then was stopped, or went
/// away before the answer, and has failed.
pub const UNDER_WAY_NS: u64 = MINUTE_NS;

/// Counts one attempt as failed, before it is tried.
///
/// # Errors
/// Not now.
pub fn attempt(rule: Rule, count: &Count, now: Ts) -> Result<Count, Wait> {
    let mut next = room(rule, count, now)?;
    fail(rule, &mut next, now);
    Ok(next)
}

/// Counts one attempt as under way: [`wrong`], [`right`] or [`anew`] ends it by the instant at which it was begun.
///
/// # Errors
/// Not now.
pub fn begin(rule: Rule, count: &Count, now: Ts) -> Result<Count, Wait> {
    let mut next = room(rule, count, now)?;
    next.under_way.push(now);
    Ok(next)
}

/// The attempt that was begun `at` was wrong. One that is not known any more was forgotten by whoever ended the lock.
pub fn wrong(rule: Rule, count: &Count, at: Ts, now: Ts) -> Count {
    let mut next = current(rule, count, now);
    if take(&mut next.under_way, at) {
        fail(rule, &mut next, now);
    }
    next
}

/// The attempt was right: a network address gets it back. What others fail at it stays counted.
pub fn right(count: &Count, at: Ts) -> Count {
    let mut next = count.clone();
    take(&mut next.under_way, at);
    next
}

/// The attempt was right: an account begins anew. Others that are under way are still to turn out.
pub fn anew(count: &Count, at: Ts) -> Count {
    Count {
        under_way: right(count, at).under_way,
        ..Count::default()
    }
}

/// Somebody proved who they are: nothing is counted any more.
pub fn forgive() -> Count {
    Count::default()
}

/// The count as it stands now, with room for one attempt.
fn room(rule: Rule, count: &Count, now: Ts) -> Result<Count, Wait> {
    let next = current(rule, count, now);
    if let Some(until) = next.locked_until {
        return Err(Wait::Locked(seconds(until.since(now))));
    }
    if next.attempts.len() + next.under_way.len() >= rule.failures {
        return Err(Wait::UnderWay);
    }
    Ok(next)
}

/// The count without what is over by now.
fn current(rule: Rule, count: &Count, now: Ts) -> Count {
    let mut next = count.clone();
    let (lost, under_way): (Vec<Ts>, Vec<Ts>) = next
        .under_way
        .iter()
        .copied()
        .partition(|at| now.since(*at) >= UNDER_WAY_NS);
    next.under_way = under_way;
    for at in lost {
        // As of then and not of now, so that it makes no difference who looks when.
        let failed = at.plus(UNDER_WAY_NS);
        unlock(rule, &mut next, failed);
        fail(rule, &mut next, failed);
    }
    unlock(rule, &mut next, now);
    next.attempts.retain(|at| now.since(*at) < rule.window_ns);
    next
}

/// Ends a lock whose time is over.
fn unlock(rule: Rule, next: &mut Count, now: Ts) {
    let Some(until) = next.locked_until.filter(|until| *until <= now) else {
        return;
    };
    next.locked_until = None;
    next.attempts.clear();
    // A quiet day behind the last lock forgets how often it was locked.
    if now.since(until) >= rule.lock_max_ns.max(ACCOUNT.lock_max_ns) {
        next.locks = 0;
    }
}

fn fail(rule: Rule, next: &mut Count, at: Ts) {
    next.attempts
        .retain(|held| at.since(*held) < rule.window_ns);
    next.attempts.push(at);
    if next.attempts.len() >= rule.failures && next.locked_until.is_none() {
        let doubled = rule.lock_ns.saturating_mul(1 << next.locks.min(20));
        next.locked_until = Some(at.plus(doubled.min(rule.lock_max_ns)));
        next.locks = next.locks.saturating_add(1);
    }
}

/// Takes out one that was begun `at`, in the microseconds of the database; whether it was there.
fn take(under_way: &mut Vec<Ts>, at: Ts) -> bool {
    let found = under_way
        .iter()
        .position(|held| held.0 / MICRO_NS == at.0 / MICRO_NS);
    if let Some(found) = found {
        under_way.remove(found);
    }
    found.is_some()
}

/// Nanoseconds of a microsecond.
const MICRO_NS: u64 = 1_000;

fn seconds(ns: u64) -> u32 {
    u32::try_from(ns.div_ceil(SECOND_NS))
        .unwrap_or(u32::MAX)
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Ts {
        Ts(1_000 * MINUTE_NS + minutes * MINUTE_NS)
    }

    /// Fails `times` times at the minute; the last state.
    fn failed(rule: Rule, mut count: Count, minute: u64, times: usize) -> Count {
        for _ in 0..times {
            count = attempt(rule, &count, at(minute)).expect("not locked");
        }
        count
    }

    #[test]
    fn the_fifth_failure_locks_for_a_quarter_of_an_hour_and_each_lock_doubles() {
        let mut count = Count::default();
        let mut minute = 0;
        for lock in [15, 30, 60, 120, 240, 480, 960, 1_440, 1_440] {
            count = failed(ACCOUNT, count, minute, 5);
            assert_eq!(
                attempt(ACCOUNT, &count, at(minute)),
                Err(Wait::Locked(lock * 60))
            );
            assert_eq!(
                attempt(ACCOUNT, &count, Ts(at(minute + u64::from(lock)).0 - 1)),
                Err(Wait::Locked(1))
            );
            minute += u64::from(lock);
        }
    }

    #[test]
    fn failures_leave_the_window_one_by_one() {
        let count = failed(ACCOUNT, Count::default(), 0, 4);
        let count = failed(ACCOUNT, count, 15, 4);
        assert_eq!(count.locked_until, None, "the first four are 15 min old");
        assert!(failed(ACCOUNT, count, 29, 1).locked_until.is_some());
    }

    #[test]
    fn a_right_password_ends_it_and_a_quiet_day_forgets_the_locks() {
        let locked = failed(ACCOUNT, Count::default(), 0, 5);
        assert_eq!(
            attempt(ACCOUNT, &forgive(), at(0)).map(|c| c.locked_until),
            Ok(None)
        );
        let later = failed(ACCOUNT, locked.clone(), 15 + 1_440, 5);
        assert_eq!(later.locks, 1);
        assert_eq!(failed(ACCOUNT, locked, 20, 5).locks, 2);
    }

    #[test]
    fn twenty_failures_lock_an_address_and_a_success_gives_back_its_own_only() {
        let count = failed(NETWORK, Count::default(), 0, 20);
        assert_eq!(attempt(NETWORK, &count, at(1)), Err(Wait::Locked(14 * 60)));
        let count = failed(NETWORK, Count::default(), 0, 18);
        let count = begin(NETWORK, &count, at(1)).expect("room");
        let back = right(&count, at(1));
        assert_eq!((back.attempts.len(), back.under_way.len()), (18, 0));
        assert!(attempt(NETWORK, &back, at(1)).is_ok());
    }

    /// As many attempts as there is room for, begun at the minute.
    fn begun(rule: Rule, minute: u64) -> Count {
        let mut count = Count::default();
        while let Ok(next) = begin(rule, &count, at(minute)) {
            count = next;
        }
        count
    }

    #[test]
    fn attempts_under_way_take_room_and_lock_only_when_they_are_wrong() {
        let mut count = begun(ACCOUNT, 0);
        assert_eq!(
            (count.under_way.len(), count.locked_until),
            (5, None),
            "a sixth waits"
        );
        assert_eq!(attempt(ACCOUNT, &count, at(0)), Err(Wait::UnderWay));
        for _ in 0..4 {
            count = wrong(ACCOUNT, &count, at(0), at(0));
            assert_eq!(begin(ACCOUNT, &count, at(0)), Err(Wait::UnderWay));
        }
        let locked = wrong(ACCOUNT, &count, at(0), at(0));
        assert_eq!(
            begin(ACCOUNT, &locked, at(0)),
            Err(Wait::Locked(15 * 60)),
            "five were wrong"
        );
        let right = anew(&count, at(0));
        assert_eq!(right, Count::default(), "the fifth was right");
    }

    #[test]
    fn a_right_one_leaves_room_for_itself_alone() {
        let count = anew(&begun(ACCOUNT, 0), at(0));
        assert_eq!((count.attempts.len(), count.under_way.len()), (0, 4));
        let count = begin(ACCOUNT, &count, at(0)).expect("room");
        assert_eq!(begin(ACCOUNT, &count, at(0)), Err(Wait::UnderWay));
    }

    #[test]
    fn whoever_leaves_before_the_answer_has_failed_a_minute_later() {
        let count = begun(ACCOUNT, 0);
        assert_eq!(begin(ACCOUNT, &count, at(1)), Err(Wait::Locked(15 * 60)));
        assert_eq!(begin(ACCOUNT, &count, at(6)), Err(Wait::Locked(10 * 60)));
        let later = begin(ACCOUNT, &count, at(16)).expect("the lock is over");
        assert_eq!((later.locks, later.under_way.len()), (1, 1));
        // What is known of the answer after all, and what nobody knows any more.
        assert_eq!(wrong(ACCOUNT, &count, at(0), at(2)).attempts.len(), 5);
        assert_eq!(wrong(ACCOUNT, &forgive(), at(0), at(0)), Count::default());
    }
}
