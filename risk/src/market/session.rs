//! An instrument's trading sessions as the calendar sent them, and what the market data's state is.

use crate::event::{FeedState, Session};
use crate::record;
use crate::terms::InstrumentTerms;
use crate::units::*;
use std::collections::VecDeque;

/// Sessions known ahead: two months of daily opens and closes.
pub const SESSIONS_MAX: usize = 128;

record! {
    /// Sessions in force and to come. Without any the instrument is closed.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Calendar {
        /// By time, all in the future.
        ahead: VecDeque<Session>,
        current: Option<Session>,
    }

    /// Freshness of an instrument's price.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Freshness {
        pub state: FeedState,
        /// When the price was last confirmed.
        pub fresh: Option<Ts>,
        /// When the session opened.
        opened: Ts,
        /// Unavailable since, and for how long before the session last closed.
        unavailable: Option<Ts>,
        unavailable_ns: u64,
    }
}

impl Calendar {
    /// Adds a session, in place of one that begins at the same time and of those that begin inside it: a day that has
    /// become a holiday does not open as it was told before. False when too many are known.
    pub fn add(&mut self, session: &Session) -> bool {
        if self.gives_way(session) {
            self.ahead
                .retain(|known| known.at <= session.at || known.at >= session.until);
        }
        let place = self.ahead.partition_point(|known| known.at < session.at);
        if let Some(known) = self.ahead.get_mut(place)
            && known.at == session.at
        {
            *known = *session;
            return true;
        }
        if self.ahead.len() >= SESSIONS_MAX {
            return false;
        }
        self.ahead.insert(place, *session);
        true
    }

    /// The next session that begins at or before `now`.
    pub fn begin(&mut self, now: Ts) -> Option<Session> {
        if self.ahead.front()?.at > now {
            return None;
        }
        let session = self.ahead.pop_front()?;
        if self.gives_way(&session) {
            self.current = Some(session);
        }
        Some(session)
    }

    /// A session told late does not replace the one that began after it; a closure without an end gives way to any.
    fn gives_way(&self, session: &Session) -> bool {
        self.current.is_none_or(|current| {
            let is_endless = !current.open && current.until >= NO_END;
            current.at <= session.at || is_endless
        })
    }

    /// True inside an open session.
    pub fn is_open(&self, now: Ts) -> bool {
        self.current
            .is_some_and(|session| session.open && now < session.until)
    }

    /// True for the session in force; one that was told late never is.
    pub fn is_in_force(&self, session: &Session) -> bool {
        self.current.as_ref() == Some(session)
    }

    /// Until when the session in force lasts.
    pub fn until(&self) -> Option<Ts> {
        self.current.map(|session| session.until)
    }

    /// When the calendar changes something next.
    pub fn deadline(&self, now: Ts) -> Ts {
        let end = self
            .current
            .filter(|session| session.open && session.until > now)
            .map_or(Ts(u64::MAX), |session| session.until);
        self.ahead.front().map_or(end, |next| next.at.min(end))
    }
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            state: FeedState::Closed,
            fresh: None,
            opened: Ts(0),
            unavailable: None,
            unavailable_ns: 0,
        }
    }
}

impl Freshness {
    /// A price of the serving source came: the state it leads to.
    #[inline]
    pub fn on_price(&mut self, now: Ts) -> FeedState {
        self.fresh = Some(now);
        self.unavailable = None;
        self.unavailable_ns = 0;
        FeedState::Live
    }

    /// The state at `now`; the caller stores it with `set`.
    pub fn state_at(&self, now: Ts, open: bool, terms: &InstrumentTerms) -> FeedState {
        if !open {
            return FeedState::Closed;
        }
        let opened = if self.state == FeedState::Closed {
            now
        } else {
            self.opened
        };
        let fresh = self.fresh.filter(|fresh| *fresh >= opened);
        let age_ns = now.since(fresh.unwrap_or(opened));
        if fresh.is_some() && age_ns <= terms.quote_age_max_ns {
            FeedState::Live
        } else if age_ns <= terms.cache_age_max_ns && self.unavailable_ns == 0 {
            FeedState::Delayed
        } else {
            FeedState::Unavailable
        }
    }

    /// Enters a state.
    pub fn set(&mut self, state: FeedState, now: Ts) {
        if self.state == FeedState::Closed {
            self.opened = now;
        }
        if let Some(since) = self.unavailable.take() {
            self.unavailable_ns += now.since(since);
        }
        if state == FeedState::Unavailable {
            self.unavailable = Some(now);
        }
        self.state = state;
    }

    /// Age of the price at `now`, nanoseconds; the end of time when there is none.
    pub fn age_ns(&self, now: Ts) -> u64 {
        self.fresh.map_or(u64::MAX, |fresh| now.since(fresh))
    }

    /// When the state changes by time alone.
    #[inline]
    pub fn deadline(&self, terms: &InstrumentTerms) -> Ts {
        let from = self
            .fresh
            .filter(|fresh| *fresh >= self.opened)
            .unwrap_or(self.opened);
        match self.state {
            FeedState::Live => from.plus(terms.quote_age_max_ns).plus(1),
            FeedState::Delayed => from.plus(terms.cache_age_max_ns).plus(1),
            FeedState::Unavailable | FeedState::Closed => Ts(u64::MAX),
        }
    }

    /// Whole minutes in session without a price at the machine's minute `minute` (minutes since 1970).
    pub fn minutes_unavailable(&self, minute: u64) -> u64 {
        let Some(since) = self.unavailable else {
            return 0;
        };
        (self.unavailable_ns + Ts(minute * MINUTE_NS).since(since)) / MINUTE_NS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::InstrumentId;

    fn session(open: bool, at: u64, until: u64) -> Session {
        Session {
            instrument: InstrumentId(0),
            open,
            at: Ts(at),
            until: Ts(until),
        }
    }

    fn begin_all(calendar: &mut Calendar, now: u64) -> usize {
        std::iter::from_fn(|| calendar.begin(Ts(now))).count()
    }

    #[test]
    fn sessions_begin_in_order_and_end_by_themselves() {
        let mut calendar = Calendar::default();
        assert!(calendar.add(&session(false, 50, 80)));
        assert!(calendar.add(&session(true, 10, 50)));
        assert_eq!(
            (calendar.is_open(Ts(9)), calendar.deadline(Ts(9))),
            (false, Ts(10))
        );
        assert_eq!(begin_all(&mut calendar, 10), 1);
        assert!(calendar.is_open(Ts(10)) && calendar.is_open(Ts(49)));
        assert!(!calendar.is_open(Ts(50)));
        assert_eq!(begin_all(&mut calendar, 60), 1);
        assert_eq!(
            (calendar.is_open(Ts(60)), calendar.until()),
            (false, Some(Ts(80)))
        );
    }

    #[test]
    fn the_same_begin_replaces_and_an_old_one_does_not_rule() {
        let mut calendar = Calendar::default();
        calendar.add(&session(true, 10, 50));
        calendar.add(&session(true, 10, 40));
        begin_all(&mut calendar, 10);
        assert_eq!(calendar.until(), Some(Ts(40)));
        calendar.add(&session(false, 5, 100));
        assert_eq!(begin_all(&mut calendar, 11), 1);
        assert!(calendar.is_open(Ts(11)));
    }

    #[test]
    fn a_day_that_has_become_a_holiday_does_not_open() {
        let mut calendar = Calendar::default();
        calendar.add(&session(true, 10, 50));
        calendar.add(&session(false, 50, 80));
        calendar.add(&session(true, 80, 120));
        calendar.add(&session(false, 120, 150));
        calendar.add(&session(true, 150, 190));
        begin_all(&mut calendar, 10);
        // The second day does not take place.
        calendar.add(&session(false, 50, 150));
        assert_eq!(begin_all(&mut calendar, 90), 1);
        assert!(!calendar.is_open(Ts(90)) && !calendar.is_open(Ts(149)));
        assert_eq!(begin_all(&mut calendar, 150), 1);
        assert!(calendar.is_open(Ts(150)));
    }

    #[test]
    fn a_closure_without_an_end_gives_way_to_whatever_is_told_next() {
        let mut calendar = Calendar::default();
        calendar.add(&session(true, 10, 50));
        begin_all(&mut calendar, 10);
        calendar.add(&session(false, 60, 80));
        calendar.add(&session(false, 20, NO_END.0));
        assert_eq!(begin_all(&mut calendar, 70), 1);
        assert!(!calendar.is_open(Ts(70)));
        calendar.add(&session(true, 15, 100));
        begin_all(&mut calendar, 71);
        assert!(calendar.is_open(Ts(71)));
    }

    #[test]
    fn too_many_sessions_are_refused() {
        let mut calendar = Calendar::default();
        for at in 0..SESSIONS_MAX as u64 {
            assert!(calendar.add(&session(true, at, at + 1)));
        }
        assert!(!calendar.add(&session(true, 9_999, 10_000)));
        assert!(calendar.add(&session(false, 3, 4)), "a correction is taken");
    }
}
