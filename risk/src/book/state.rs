//! The canonical encoding of the book, and what is built again from it. Accounts come by id, each with its positions,
//! oldest first, so a book that was read back lies in memory as it is valued.

use super::accounts::AccountState;
use super::enlarged::Added;
use super::gone::Gone;
use super::margin::Valuation;
use super::marks::MarkInUse;
use super::orders::Order;
use super::positions::Index;
use super::throttle::Throttles;
use super::{Account, Book, Env, FirstAnswer, Link, Timer};
use crate::codec::{Codec, CodecError, CodecFault};
use crate::convert::{Prices, Rate};
use crate::event::*;
use crate::ids::*;
use crate::record;
use crate::terms::*;
use crate::units::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

/// Pieces of an encoding are handed on when they have grown to this size.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes of an account without positions and messages, as a guess for how many there are.
const ACCOUNT_BYTES: usize = 128;

/// From so many positions or accounts on a second thread is worth its start.
const MANY: usize = 1 << 16;

record! {
    /// What stands before the accounts.
    struct Front {
        currencies: BTreeMap<CurrencyId, CurrencyTerms>,
        groups: BTreeMap<GroupId, GroupTerms>,
        links: BTreeMap<LinkId, Link>,
        instruments: Vec<InstrumentTerms>,
        prices: Vec<Prices>,
        positions: u64,
        accounts: u32,
    }

    /// What stands behind them.
    struct Back {
        orders: Vec<Order>,
        ended: Vec<Order>,
        ended_by_time: VecDeque<(Ts, OrderId)>,
        client_ids: BTreeMap<(AccountId, ClientOrderId), FirstAnswer>,
        client_ids_by_time: VecDeque<(Ts, AccountId, ClientOrderId)>,
        cash_seen: BTreeSet<(AccountId, u64)>,
        cash_by_time: VecDeque<(Ts, AccountId, u64)>,
        remembering: VecDeque<(Ts, AccountId)>,
        timers: BTreeSet<(Ts, Timer)>,
        rollovers: BTreeMap<(Ts, InstrumentId), (u8, u8)>,
        day_starts: BTreeSet<(Ts, u16)>,
        modes: BTreeMap<Scope, SetMode>,
        kills: BTreeMap<(Scope, Also), SetKill>,
        limits: BTreeMap<(Scope, LimitKind), i64>,
        tiers: BTreeMap<TierSetId, TierTerms>,
        windows: BTreeMap<(InstrumentId, u16), Requirement>,
        fixings: BTreeMap<(InstrumentId, CurrencyId), Rate>,
        enlarged: BTreeMap<PositionId, Vec<Added>>,
        throttles: Throttles,
        marks: BTreeMap<InstrumentId, MarkInUse>,
        open_interest: BTreeMap<InstrumentId, Money>,
        opened_by: BTreeMap<PositionId, OrderId>,
        gone: BTreeMap<PositionId, Gone>,
        gone_by_time: VecDeque<(Ts, PositionId)>,
        said_closes: BTreeMap<PositionId, VecDeque<ExecId>>,
    }
}

impl Book {
    /// Appends the encoding to `out`, and hands it on whenever a piece has come together: `piece` takes the bytes and
    /// leaves the buffer empty, or keeps them.
    pub(crate) fn put_pieces(&self, out: &mut Vec<u8>, piece: &mut dyn FnMut(&mut Vec<u8>)) {
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
        (self.positions.len() as u64).put(out);
        (self.accounts.len() as u32).put(out);
        for account in self.accounts() {
            account.state.put(out);
            (account.positions.len() as u32).put(out);
            for slot in &account.positions {
                self.positions.put(*slot, out);
            }
            if out.len() >= PIECE_BYTES {
                piece(out);
            }
        }
        put_all(self.orders.values(), out);
        put_all(self.ended.values(), out);
        self.ended_by_time.put(out);
        self.client_ids.put(out);
        self.client_ids_by_time.put(out);
        self.cash_seen.put(out);
        self.cash_by_time.put(out);
        self.remembering.put(out);
        self.timers.put(out);
        self.rollovers.put(out);
        self.day_starts.put(out);
        self.modes.put(out);
        self.kills.put(out);
        self.limits.put(out);
        self.tiers.put(out);
        self.windows.put(out);
        self.fixings.put(out);
        self.enlarged.put(out);
        self.throttles.put(out);
        self.marks.put(out);
        self.open_interest.put(out);
        self.opened_by.put(out);
        self.gone.put(out);
        self.gone_by_time.put(out);
        self.said_closes.put(out);
        piece(out);
    }

    /// About how long the encoding is.
    pub(crate) fn bytes_guess(&self) -> usize {
        let positions = self.positions.len() * super::positions::ENCODED_BYTES;
        self.accounts.len() * ACCOUNT_BYTES + positions + PIECE_BYTES
    }

    /// Reads a book and builds tables, watch, waiting prices and exposures from it.
    ///
    /// # Errors
    /// When the bytes are no book, or its records contradict each other.
    pub(crate) fn read(input: &mut &[u8]) -> Result<Book, CodecError> {
        let front = Front::get(input)?;
        let (positions, accounts) = (front.positions, front.accounts);
        let mut book = Book::begin(front).ok_or_else(contradiction)?;
        // No more than the bytes can hold, whatever the number before them says.
        let room = input.len() / super::positions::ENCODED_BYTES;
        book.positions.reserve(room.min(positions as usize));
        let mut last = None;
        for _ in 0..accounts {
            let mut account = Account::of(AccountState::get(input)?);
            if last.is_some_and(|last| last >= account.id()) {
                return Err(CodecError::new("Book", CodecFault::NotAscending));
            }
            last = Some(account.id());
            book.read_positions(&mut account, input)?;
            book.check_account(&account.state.terms)
                .map_err(|_| contradiction())?;
            account.own = book
                .own_terms(account.state.rules.as_deref(), &account.state.terms)
                .map_err(|_| contradiction())?;
            book.states[account.state.state as usize] += 1;
            book.accounts.insert(account);
        }
        if book.positions.len() as u64 != positions {
            return Err(contradiction());
        }
        book.derive().ok_or_else(contradiction)?;
        let back = Back::get(input)?;
        book.end(back).ok_or_else(contradiction)?;
        Ok(book)
    }

    fn begin(front: Front) -> Option<Book> {
        let mut book = Book {
            currencies: front.currencies,
            groups: front.groups,
            links: front.links,
            prices: front.prices,
            ..Book::default()
        };
        for terms in front.instruments {
            let made = book.check_instrument(&terms).ok()?;
            book.set_instrument(made);
        }
        Some(book)
    }

    fn read_positions(
        &mut self,
        account: &mut Account,
        input: &mut &[u8],
    ) -> Result<(), CodecError> {
        let mut last = PositionId(0);
        for _ in 0..u32::get(input)? {
            let slot = self.positions.take(account.id(), input)?;
            account.positions.push(slot);
            let id = self.positions.id(slot).unwrap_or_default();
            if id <= last {
                return Err(CodecError::new("Positions", CodecFault::NotAscending));
            }
            last = id;
        }
        Ok(())
    }

    /// Builds what follows from accounts and positions; a second thread makes the index meanwhile when there are many.
    fn derive(&mut self) -> Option<()> {
        let ids = self.positions.ids();
        let (derived, index) = if ids.len() < MANY {
            (self.derive_accounts(), Index::of(&ids))
        } else {
            std::thread::scope(|scope| {
                let indexing = scope.spawn(|| Index::of(&ids));
                let derived = self.derive_accounts();
                (derived, joined(indexing.join()))
            })
        };
        self.positions.set_index(index);
        derived
    }

    fn derive_accounts(&mut self) -> Option<()> {
        let mut legs = Vec::new();
        for id in (0..self.accounts.end()).map(AccountId) {
            let Some(account) = self.account(id) else {
                continue;
            };
            legs.clear();
            for slot in account.positions.clone() {
                let position = self.positions.get(slot)?;
                legs.push((slot, self.leg_to_follow(&position)?));
                self.expose_position(&position, 1);
                self.arm_position(slot, &position);
            }
            self.follow_all(&legs);
        }
        Some(())
    }

    fn end(&mut self, back: Back) -> Option<()> {
        for order in back.orders {
            self.account_mut(order.order.account)?.orders.push(order.id);
            self.expose_order(&order, 1);
            self.count_unsettled(order.link, order.state, 1);
            self.know_broker_close(&order);
            self.orders.insert(order.id, order);
        }
        for order in back.ended {
            self.know_broker_close(&order);
            self.ended.insert(order.id, order);
        }
        self.ended_by_time = back.ended_by_time;
        self.client_ids = back.client_ids;
        self.client_ids_by_time = back.client_ids_by_time;
        self.cash_seen = back.cash_seen;
        self.cash_by_time = back.cash_by_time;
        self.remembering = back.remembering;
        self.timers = back.timers;
        self.rollovers = back.rollovers;
        self.day_starts = back.day_starts;
        self.modes = back.modes;
        self.kills = back.kills;
        self.limits = back.limits;
        self.tiers = back.tiers;
        self.windows = back.windows;
        self.fixings = back.fixings;
        self.enlarged = back.enlarged;
        self.throttles = back.throttles;
        self.marks = back.marks;
        self.open_interest = back.open_interest;
        self.opened_by = back.opened_by;
        self.gone = back.gone;
        self.gone_by_time = back.gone_by_time;
        self.said_closes = back.said_closes;
        self.arm_pending();
        Some(())
    }

    /// After a restore: every band is set anew. The state itself does not change by it.
    pub(crate) fn band_all(&mut self, env: &Env<'_>) {
        let (end, book) = (self.accounts.end(), &*self);
        let all = if book.accounts.len() < MANY {
            vec![book.valuate_range(0..end, env)]
        } else {
            std::thread::scope(|scope| {
                let other = scope.spawn(|| book.valuate_range(end / 2..end, env));
                vec![book.valuate_range(0..end / 2, env), joined(other.join())]
            })
        };
        for (id, value) in all.into_iter().flatten() {
            self.watch_again(id, &value);
        }
        self.touched.clear();
        self.priced.clear();
        let view = crate::watch::Valuing {
            instruments: &self.instruments,
            prices: &self.prices,
            routes: &self.routes,
        };
        self.watch.tend_all(view);
    }

    fn valuate_range(&self, ids: Range<u32>, env: &Env<'_>) -> Vec<(AccountId, Valuation)> {
        let accounts = ids.filter_map(|id| self.account(AccountId(id)));
        accounts
            .map(|account| (account.id(), self.valuate_kept(account, env)))
            .collect()
    }

    /// Used margin changes only with the book, with terms, halts and windows, and each of them settles the account: so
    /// what was charged then still holds. Not where margin follows the price, or something is missing.
    pub(super) fn keeps_used(&self, account: &Account) -> bool {
        let stored = self.group_of(account).margin_price == MarginPrice::Open;
        stored && !account.state.unknown && account.state.used != Account::NOT_CHARGED
    }

    /// Values an account by the used margin it was last settled with, where that still holds.
    pub(super) fn valuate_kept(&self, account: &Account, env: &Env<'_>) -> Valuation {
        if !self.keeps_used(account) {
            return self.valuate(account, env);
        }
        self.valuate_with(account, || Some(account.kept_used()))
    }
}

/// What a thread made; its panic is ours.
fn joined<T>(ended: std::thread::Result<T>) -> T {
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn contradiction() -> CodecError {
    let fault = CodecFault::Invalid("the records of the book contradict each other");
    CodecError::new("Book", fault)
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
