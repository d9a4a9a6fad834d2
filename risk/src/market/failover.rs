//! Which of an instrument's sources serves it.
//!
//! All sources stay hot. The one of highest priority that quoted within its timeout is used (gateways outrank
//! datafeeds, then the order of the list); a higher one takes back with its first good quote, unless the
//! instrument has just switched too often. A source is silent when its timeout is reached.

use super::filter::Levels;
use super::quality::Quality;
use super::stamp::Stamps;
use crate::event::SwitchCause;
use crate::ids::SourceId;
use crate::record;
use crate::terms::{Crossed, Feed, SourceKind, SourceTerms};
use crate::units::*;

/// Sources of one instrument.
pub const FEEDS_MAX: usize = 8;
/// This many switches within `SWITCH_WINDOW_NS` are too often.
pub const SWITCHES_MAX: usize = 3;
/// The time in which switches are counted.
pub const SWITCH_WINDOW_NS: u64 = MINUTE_NS;

record! {
    /// One source of one instrument.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Slot {
        pub source: SourceId,
        pub kind: SourceKind,
        pub crossed: Crossed,
        pub filtered: bool,
        /// Place in the instrument's list.
        pub place: u8,
        pub timeout_ns: u64,
        /// When it last proved alive (a good, crossed or repeated quote).
        pub seen: Option<Ts>,
        /// When its last good quote came.
        pub good: Option<Ts>,
        /// Known to be down until it quotes again.
        pub down: bool,
        pub levels: Levels,
        pub stamps: Stamps,
        /// Its last row, used or not: venue time, bid, ask.
        pub last: Option<(Ts, Price, Price)>,
        /// Its last good quote: bid, ask, when.
        pub last_good: Option<(Price, Price, Ts)>,
        pub quality: Quality,
    }

    /// The choice and its history.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Choice {
        /// Index of the slot that serves.
        active: Option<u8>,
        /// The last switches, newest first; zero = none.
        switches: [Ts; 3],
        damped_until: Ts,
    }
}

/// What became of a good quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It comes from the source that serves.
    Active,
    /// Its source takes over from the slot at the index.
    Switched {
        from: Option<usize>,
        cause: SwitchCause,
    },
    /// Another source serves.
    Standby,
}

impl Slot {
    /// The slot of a source at a place of the list; `before` is what it has shown so far.
    pub fn from_terms(
        place: usize,
        feed: &Feed,
        source: &SourceTerms,
        before: Option<Slot>,
    ) -> Slot {
        let fresh = Slot {
            source: feed.source,
            kind: source.kind,
            crossed: source.crossed,
            filtered: source.filtered,
            place: place as u8,
            timeout_ns: feed.timeout_ns,
            seen: None,
            good: None,
            down: false,
            levels: Levels::default(),
            stamps: Stamps::default(),
            last: None,
            last_good: None,
            quality: Quality::default(),
        };
        match before {
            None => fresh,
            Some(before) => Slot {
                kind: fresh.kind,
                crossed: fresh.crossed,
                filtered: fresh.filtered,
                place: fresh.place,
                timeout_ns: fresh.timeout_ns,
                ..before
            },
        }
    }

    /// Down, or without a quote for its timeout since `last`.
    #[inline]
    pub fn silent(&self, last: Option<Ts>, now: Ts) -> bool {
        self.down || last.is_none_or(|last| now.since(last) >= self.timeout_ns)
    }
}

impl Choice {
    /// Index of the slot that serves.
    #[inline]
    pub fn active(&self) -> Option<usize> {
        self.active.map(usize::from)
    }

    /// The slots were arranged anew; `active` is where the serving one went.
    pub fn rearranged(&mut self, active: Option<usize>) {
        self.active = active.map(|index| index as u8);
    }

    /// Decides on a good quote of the slot `index`. `slots` are in order of priority.
    #[inline]
    pub fn on_good(&mut self, slots: &[Slot], index: usize, damp_ns: u64, now: Ts) -> Use {
        let Some(active) = self.active() else {
            self.active = Some(index as u8);
            return Use::Switched {
                from: None,
                cause: SwitchCause::First,
            };
        };
        if active == index {
            return Use::Active;
        }
        let active_silent = slots[active].silent(slots[active].seen, now);
        if !active_silent && (index > active || now < self.damped_until) {
            return Use::Standby;
        }
        let outranked = slots[..index]
            .iter()
            .enumerate()
            .any(|(rank, slot)| rank != active && !slot.silent(slot.good, now));
        if outranked {
            return Use::Standby;
        }
        self.active = Some(index as u8);
        let cause = self.switched(&slots[active], index > active, damp_ns, now);
        Use::Switched {
            from: Some(active),
            cause,
        }
    }

    fn switched(&mut self, from: &Slot, lower: bool, damp_ns: u64, now: Ts) -> SwitchCause {
        self.switches.rotate_right(1);
        self.switches[0] = now;
        let oldest = self.switches[SWITCHES_MAX - 1];
        let often = oldest > Ts(0) && now.since(oldest) <= SWITCH_WINDOW_NS;
        if !lower {
            SwitchCause::Failback
        } else if often && damp_ns > 0 {
            self.damped_until = now.plus(damp_ns);
            SwitchCause::Damped
        } else if from.down {
            SwitchCause::SourceDown
        } else {
            SwitchCause::Timeout
        }
    }
}

/// Order of priority of slots.
pub fn arrange(slots: &mut [Slot]) {
    slots.sort_by_key(|slot| (slot.kind, slot.place));
}

const _: () = assert!(SWITCHES_MAX == 3, "the history holds three switches");

#[cfg(test)]
#[path = "failover_tests.rs"]
mod tests;
