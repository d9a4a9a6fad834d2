//! The canonical encoding of the book, and what is built again from it.

use super::accounts::AccountState;
use super::orders::Order;
use super::positions::Position;
use super::throttle::Throttles;
use super::{Account, Book, FirstAnswer, Link, Timer};
use crate::codec::{Codec, CodecError, CodecFault};
use crate::convert::{Prices, Rate};
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::terms::*;
use crate::units::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

record! {
    /// Everything the book decides from, without what follows from it.
    struct BookState {
        currencies: BTreeMap<CurrencyId, CurrencyTerms>,
        groups: BTreeMap<GroupId, GroupTerms>,
        links: BTreeMap<LinkId, Link>,
        instruments: Vec<InstrumentTerms>,
        prices: Vec<Prices>,
        accounts: Vec<AccountState>,
        positions: Vec<Position>,
        orders: Vec<Order>,
        ended: Vec<Order>,
        ended_by_time: VecDeque<(Ts, OrderId)>,
        client_ids: BTreeMap<(AccountId, ClientOrderId), FirstAnswer>,
        client_ids_by_time: VecDeque<(Ts, AccountId, ClientOrderId)>,
        cash_seen: BTreeSet<(AccountId, u64)>,
        cash_by_time: VecDeque<(Ts, AccountId, u64)>,
        timers: BTreeSet<(Ts, Timer)>,
        rollovers: BTreeMap<(Ts, InstrumentId), (u8, u8)>,
        day_starts: BTreeSet<(Ts, u16)>,
        modes: BTreeMap<Scope, SetMode>,
        kills: BTreeMap<(Scope, Also), SetKill>,
        limits: BTreeMap<(Scope, LimitKind), i64>,
        tiers: BTreeMap<TierSetId, TierTerms>,
        windows: BTreeMap<(InstrumentId, u16), Requirement>,
        fixings: BTreeMap<(InstrumentId, CurrencyId), Rate>,
        throttles: Throttles,
    }
}

impl Codec for Book {
    const NAME: &'static str = "Book";
    const BYTES_MIN: usize = BookState::BYTES_MIN;

    /// Field by field as `BookState` has them, without copying the book first.
    fn put(&self, out: &mut Vec<u8>) {
        self.currencies.put(out);
        self.groups.put(out);
        self.links.put(out);
        put_all(
            self.instruments
                .iter()
                .flatten()
                .map(|instrument| &instrument.terms),
            out,
        );
        self.prices.put(out);
        put_all(self.accounts().map(|account| &account.state), out);
        put_all(self.positions.iter().map(|(_, position)| position), out);
        put_all(self.orders.values(), out);
        put_all(self.ended.values(), out);
        self.ended_by_time.put(out);
        self.client_ids.put(out);
        self.client_ids_by_time.put(out);
        self.cash_seen.put(out);
        self.cash_by_time.put(out);
        self.timers.put(out);
        self.rollovers.put(out);
        self.day_starts.put(out);
        self.modes.put(out);
        self.kills.put(out);
        self.limits.put(out);
        self.tiers.put(out);
        self.windows.put(out);
        self.fixings.put(out);
        self.throttles.put(out);
    }

    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let state = BookState::get(input)?;
        Book::rebuild(state).ok_or(CodecError::new(
            Self::NAME,
            CodecFault::Invalid("the records of the book contradict each other"),
        ))
    }
}

/// A sequence as a vector of its elements is encoded.
fn put_all<'a, T: Codec + 'a>(all: impl Iterator<Item = &'a T>, out: &mut Vec<u8>) {
    let at = out.len();
    0u32.put(out);
    let mut count = 0u32;
    for one in all {
        one.put(out);
        count += 1;
    }
    out[at..at + 4].copy_from_slice(&count.to_le_bytes());
}

impl Book {
    /// Builds tables, watch, waiting prices and exposures from the state; `None` when it contradicts itself.
    fn rebuild(state: BookState) -> Option<Book> {
        let mut book = Book {
            currencies: state.currencies,
            groups: state.groups,
            links: state.links,
            prices: state.prices,
            ended_by_time: state.ended_by_time,
            client_ids: state.client_ids,
            client_ids_by_time: state.client_ids_by_time,
            cash_seen: state.cash_seen,
            cash_by_time: state.cash_by_time,
            timers: state.timers,
            rollovers: state.rollovers,
            day_starts: state.day_starts,
            modes: state.modes,
            kills: state.kills,
            limits: state.limits,
            tiers: state.tiers,
            windows: state.windows,
            fixings: state.fixings,
            throttles: state.throttles,
            ..Book::default()
        };
        for terms in state.instruments {
            let made = book.check_instrument(&terms).ok()?;
            book.set_instrument(made);
        }
        for account in state.accounts {
            let id = account.terms.id;
            book.set_account(account.terms).ok()?;
            book.states[0] -= 1;
            book.states[account.state as usize] += 1;
            book.account_mut(id)?.state = account;
        }
        for position in state.positions {
            book.instrument(position.instrument)?;
            let slot = book.positions.insert(position);
            book.account_mut(position.account)?.positions.push(slot);
            book.expose_position(&position, 1);
            book.follow(slot);
            book.arm(slot);
        }
        for order in state.orders {
            book.account_mut(order.order.account)?.orders.push(order.id);
            book.expose_order(&order, 1);
            book.count_unsettled(order.link, order.state, 1);
            book.orders.insert(order.id, order);
        }
        book.ended = state
            .ended
            .into_iter()
            .map(|order| (order.id, order))
            .collect();
        book.arm_pending();
        Some(book)
    }

    /// After a restore: every band is set anew. The state itself does not change by it.
    pub(crate) fn band_all(&mut self, env: &super::Env<'_>) {
        let all: Vec<AccountId> = self.accounts().map(Account::id).collect();
        for id in all {
            if let Some(account) = self.account(id) {
                let value = self.valuate(account, env);
                self.watch_again(id, &value);
            }
        }
        self.touched.clear();
    }
}
