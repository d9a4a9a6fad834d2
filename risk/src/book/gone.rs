//! What is remembered of positions that were closed at brokers that hold protective prices: such a broker may close what the
//! house has just closed, say an old close again, and take a close back.

use super::Book;
use super::orders::Order;
use super::positions::Position;
use super::timers::REMEMBER_NS;
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::units::*;

/// Closed positions remembered at most, the oldest forgotten first: so many closes a day are more than a million accounts
/// make, and take some hundred megabytes.
const GONE_MAX: usize = 1 << 20;
/// Closes of one position older than a day that are known by their ids: as long as a net stands its broker closes parts of
/// it, and what it says again is of its newest ones.
const SAID_MAX: usize = 1_000;

record! {
    /// A position that was closed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Gone {
        pub link: LinkId,
        pub account: AccountId,
        pub instrument: InstrumentId,
        pub side: Side,
        pub trader: u32,
        pub desk: u32,
        pub strategy: u32,
        /// The order that the broker knows it by.
        pub opened_by: Option<OrderId>,
    }
}

impl Gone {
    /// As it was, with nothing of it left.
    pub(super) fn position(&self, id: PositionId) -> Position {
        Position {
            id,
            account: self.account,
            instrument: self.instrument,
            side: self.side,
            qty: 0,
            cost: 0,
            margin_cost: 0,
            margin_rate: None,
            opened: Ts(0),
            swap: Money(0),
            commission: Money(0),
            realised: Money(0),
            protection: Protection::default(),
            told: false,
            best: 0,
            fired: None,
            loss_on: false,
            margin: Money(0),
            trader: self.trader,
            desk: self.desk,
            strategy: self.strategy,
        }
    }
}

impl Book {
    /// A position was closed. Remembered where its broker holds protective prices.
    pub(super) fn remember_gone(&mut self, now: Ts, position: &Position) {
        let opened_by = self.opened_by.remove(&position.id);
        let account = self.account(position.account);
        let link = account.map(|account| account.state.terms.link);
        let Some(link) = link.filter(|link| self.holds_protection(*link)) else {
            self.said_closes.remove(&position.id);
            return;
        };
        let gone = Gone {
            link,
            account: position.account,
            instrument: position.instrument,
            side: position.side,
            trader: position.trader,
            desk: position.desk,
            strategy: position.strategy,
            opened_by,
        };
        self.gone.insert(position.id, gone);
        self.gone_by_time.push_back((now, position.id));
        self.forget_gone(now);
    }

    /// Forgets what is older than a day, or too many.
    pub(super) fn forget_gone(&mut self, now: Ts) {
        while let Some((at, id)) = self.gone_by_time.front().copied()
            && (now.since(at) >= REMEMBER_NS || self.gone.len() > GONE_MAX)
        {
            self.gone_by_time.pop_front();
            self.gone.remove(&id);
            self.said_closes.remove(&id);
        }
    }

    /// The order a broker knows a new position by. One that is there again, because what closed it was taken back, keeps
    /// that of the position it was; an order of the broker's own has no id there.
    pub(super) fn opener(&self, order: &Order) -> Option<OrderId> {
        match order.opened.and_then(|id| self.gone.get(&id)) {
            Some(gone) => gone.opened_by,
            None => (!order.is_of_broker()).then_some(order.id),
        }
    }

    /// A broker's order is forgotten, and its position may still be spoken of: said again, it must not close the rest.
    pub(super) fn keep_said(&mut self, position: PositionId, exec: ExecId) {
        let stands = self.positions.slot(position).is_some();
        if !stands && !self.gone.contains_key(&position) {
            return;
        }
        let said = self.said_closes.entry(position).or_default();
        if said.len() >= SAID_MAX {
            said.pop_front();
        }
        said.push_back(exec);
    }

    /// The broker said this close more than a day ago.
    pub(super) fn was_said(&self, position: PositionId, exec: ExecId) -> bool {
        let said = self.said_closes.get(&position);
        said.is_some_and(|said| said.contains(&exec))
    }
}
