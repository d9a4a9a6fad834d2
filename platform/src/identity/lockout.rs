//! When failures lock (decisions 8.2). Attempts are counted before the password is looked at and given
//! back when it was right, so a hundred at once are not a hundred guesses.

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
    /// Attempts that have not turned out right, oldest first, at most as many as lock.
    pub attempts: Vec<Ts>,
    /// Until then nothing is tried.
    pub locked_until: Option<Ts>,
    /// Locks without a success between them.
    pub locks: u32,
}

/// Counts one attempt; `Err` = not now, and for how many seconds.
///
/// # Errors
/// The seconds until the lock ends, at least 1.
pub fn attempt(rule: Rule, count: &Count, now: Ts) -> Result<Count, u32> {
    if let Some(until) = count.locked_until
        && until > now
    {
        return Err(seconds(until.since(now)));
    }
    let mut next = count.clone();
    if let Some(until) = next.locked_until.take() {
        next.attempts.clear();
        // A quiet day behind the last lock forgets how often it was locked.
        if now.since(until) >= rule.lock_max_ns.max(ACCOUNT.lock_max_ns) {
            next.locks = 0;
        }
    }
    next.attempts.retain(|at| now.since(*at) < rule.window_ns);
    next.attempts.push(now);
    if next.attempts.len() >= rule.failures {
        let doubled = rule.lock_ns.saturating_mul(1 << next.locks.min(20));
        next.locked_until = Some(now.plus(doubled.min(rule.lock_max_ns)));
        next.locks = next.locks.saturating_add(1);
    }
    Ok(next)
}

/// The attempt was right: an account begins anew.
pub fn forgive() -> Count {
    Count::default()
}

/// The attempt was right: a network address gets it back. What others fail at it stays counted.
pub fn give_back(rule: Rule, count: &Count) -> Count {
    let mut next = count.clone();
    next.attempts.pop();
    if next.locked_until.is_some() && next.attempts.len() < rule.failures {
        next.locked_until = None;
        next.locks = next.locks.saturating_sub(1);
    }
    next
}

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
    fn fail(rule: Rule, mut count: Count, minute: u64, times: usize) -> Count {
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
            count = fail(ACCOUNT, count, minute, 5);
            assert_eq!(attempt(ACCOUNT, &count, at(minute)), Err(lock * 60));
            assert_eq!(
                attempt(ACCOUNT, &count, Ts(at(minute + u64::from(lock)).0 - 1)),
                Err(1)
            );
            minute += u64::from(lock);
        }
    }

    #[test]
    fn failures_leave_the_window_one_by_one() {
        let count = fail(ACCOUNT, Count::default(), 0, 4);
        let count = fail(ACCOUNT, count, 15, 4);
        assert_eq!(count.locked_until, None, "the first four are 15 min old");
        assert!(fail(ACCOUNT, count, 29, 1).locked_until.is_some());
    }

    #[test]
    fn a_right_password_ends_it_and_a_quiet_day_forgets_the_locks() {
        let locked = fail(ACCOUNT, Count::default(), 0, 5);
        assert_eq!(
            attempt(ACCOUNT, &forgive(), at(0)).map(|c| c.locked_until),
            Ok(None)
        );
        let later = fail(ACCOUNT, locked.clone(), 15 + 1_440, 5);
        assert_eq!(later.locks, 1);
        assert_eq!(fail(ACCOUNT, locked, 20, 5).locks, 2);
    }

    #[test]
    fn twenty_failures_lock_an_address_and_a_success_gives_back_its_own_only() {
        let count = fail(NETWORK, Count::default(), 0, 20);
        assert_eq!(attempt(NETWORK, &count, at(1)), Err(14 * 60));
        let back = give_back(NETWORK, &count);
        assert_eq!(
            (back.attempts.len(), back.locked_until, back.locks),
            (19, None, 0)
        );
        assert!(attempt(NETWORK, &back, at(1)).is_ok());
    }
}
