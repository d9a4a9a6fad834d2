//! Accounts: their terms, their money, and what was remembered of their messages.

mod slots;
mod table;

pub use slots::Slots;
pub use table::Accounts;

use super::margin::Used;
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::terms::*;
use crate::units::*;
use std::collections::VecDeque;

/// Largest account id: tables are indexed by it; four million is several times the largest retail broker.
pub const ACCOUNT_ID_MAX: u32 = 4_194_303;
/// Largest balance in minor units; keeps every sum of fine units inside i128.
pub const MONEY_MAX: i64 = 10_000_000_000_000_000;
/// A balance counts up to here, should fills drive it further; fine units of it stay inside i128.
pub const MONEY_COUNTED_MAX: i128 = 50 * MONEY_MAX as i128;
/// Most open positions and orders of one account: bounds the work of one valuation.
pub const HOLDINGS_MAX: usize = 4_096;

record! {
    /// An order as remembered for finding duplicates.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Recent {
        pub ts: Ts,
        pub instrument: InstrumentId,
        pub side: Side,
        pub kind: OrderKind,
        pub qty: Qty,
        pub price: Option<Price>,
        pub stop: Option<Price>,
        pub position: Option<PositionId>,
    }

    /// Messages that may still count: against the rate, and as duplicates.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Memory {
        /// Times, newest last, at most `rate_max`.
        pub messages: VecDeque<Ts>,
        pub recent: VecDeque<Recent>,
    }

    /// What the state keeps of an account.
    #[derive(Clone, Debug, PartialEq)]
    pub struct AccountState {
        pub terms: AccountTerms,
        pub balance: Money,
        pub credit: Money,
        pub state: MarginState,
        /// Where the client stands after a restriction.
        pub call: CallStep,
        pub review: bool,
        pub day_start: Money,
        pub loss_on: bool,
        /// The highest equity, while the group measures losses against it.
        pub peak: Money,
        /// How many of the group's further levels are behind.
        pub rungs: u8,
        /// A price or rate is missing, since when, and from which currency once it was told.
        pub unknown: bool,
        pub unknown_since: Ts,
        pub told: Option<CurrencyId>,
        /// A stop-out closed something and the last of it has not been booked.
        pub stopping: bool,
        /// The last position was closed, and what is left has not been looked at.
        pub emptied: bool,
        /// Used margin, and with the factors of halts.
        pub used: Money,
        pub used_soft: Money,
        pub logged_in: Ts,
        /// A stop-out tries nothing before this time.
        pub retry: Ts,
        /// Absent when nothing it would hold can count any more.
        pub memory: Option<Box<Memory>>,
        /// Absent when everything is as its group has it.
        pub rules: Option<Box<AccountRules>>,
    }
}

/// An account with its open things.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub state: AccountState,
    /// Slots of open positions, oldest first.
    pub positions: Slots,
    /// Open orders, by id.
    pub orders: Vec<OrderId>,
    /// Balance, credit and swaps, as far as they count, when the account was banded last; derived.
    pub(super) fixed: Money,
    /// Its group's terms under rules of its own; derived.
    pub(super) own: Option<Box<GroupTerms>>,
}

impl Account {
    /// An account without positions and orders.
    pub fn of(state: AccountState) -> Account {
        Account {
            state,
            positions: Slots::default(),
            orders: Vec::new(),
            fixed: Account::NOT_FIXED,
            own: None,
        }
    }

    /// A new account without money.
    pub fn new(terms: AccountTerms) -> Account {
        Account::of(AccountState {
            terms,
            balance: Money(0),
            credit: Money(0),
            state: MarginState::Healthy,
            call: CallStep::None,
            review: false,
            day_start: Money(0),
            loss_on: false,
            peak: Money(0),
            rungs: 0,
            unknown: false,
            unknown_since: Ts(0),
            told: None,
            stopping: false,
            emptied: false,
            used: Money(0),
            used_soft: Money(0),
            logged_in: Ts(0),
            retry: Ts(0),
            memory: None,
            rules: None,
        })
    }

    /// Stands for used margin that nobody knows: the account was left before it was settled.
    pub const NOT_CHARGED: Money = Money(-1);

    /// Stands for money that nobody has added up.
    pub(super) const NOT_FIXED: Money = Money(i64::MIN);

    /// Used margin as it was when the account was last settled.
    pub fn kept_used(&self) -> Used {
        Used {
            plain: self.state.used.max(Money(0)),
            soft: self.state.used_soft,
            opening: self.state.used_soft,
        }
    }

    /// Its id.
    pub fn id(&self) -> AccountId {
        self.state.terms.id
    }

    /// The leverage in force: its own, or its group's.
    pub fn leverage(&self, group: &GroupTerms) -> Leverage {
        match self.state.terms.leverage {
            Leverage::NONE => group.leverage.or_one(),
            own => own,
        }
    }

    /// Messages inside the window that ends now.
    pub fn messages_within(&self, now: Ts, window_ns: u64) -> usize {
        self.state.memory.as_ref().map_or(0, |memory| {
            let newest = memory.messages.iter().rev();
            newest.take_while(|ts| now.since(**ts) < window_ns).count()
        })
    }

    /// Counts a message; only the newest `max` can matter.
    pub fn count_message(&mut self, now: Ts, max: u32) {
        if max == 0 {
            return;
        }
        let messages = &mut self.state.memory.get_or_insert_default().messages;
        while messages.len() >= max as usize {
            messages.pop_front();
        }
        messages.push_back(now);
    }

    /// Orders that a new one may repeat.
    pub fn recent(&self) -> impl Iterator<Item = &Recent> {
        self.state.memory.iter().flat_map(|memory| &memory.recent)
    }
}

impl Memory {
    /// Forgets what is older than both ages; true when nothing is left.
    pub fn forget(&mut self, now: Ts, messages_ns: u64, recent_ns: u64) -> bool {
        let old = |ts: Ts, ns: u64| now.since(ts) >= ns;
        while self
            .messages
            .front()
            .is_some_and(|ts| old(*ts, messages_ns))
        {
            self.messages.pop_front();
        }
        while self
            .recent
            .front()
            .is_some_and(|one| old(one.ts, recent_ns))
        {
            self.recent.pop_front();
        }
        self.messages.is_empty() && self.recent.is_empty()
    }
}
