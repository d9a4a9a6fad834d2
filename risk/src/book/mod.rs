//! The book: accounts, positions, orders and what the house allows. Every change of it goes through these files;
//! `settle` then looks at the accounts that were touched.

pub mod accounts;
mod audit;
pub mod brackets;
mod broker_closes;
mod calls;
pub mod charge;
mod cover;
mod cross;
mod dry_run;
mod enlarged;
pub mod exposure;
mod fills;
mod forecast;
mod gone;
mod imagine;
pub mod instruments;
mod intake;
mod inverse;
mod left;
mod levels;
mod link;
pub mod liquidation;
mod loss;
pub mod margin;
mod marks;
mod modes;
pub mod orders;
mod plan;
pub mod positions;
pub mod pretrade;
mod protect;
mod reports;
mod requirements;
mod settle;
mod state;
mod stop_out;
mod swaps;
mod terms;
mod throttle;
pub mod tiers;
mod timers;
pub mod used;
mod views;
mod winning;

pub use accounts::Account;
use accounts::Accounts;
pub use levels::margin_call_notice;
pub use reports::FILL_MAX;
pub(crate) use requirements::WINDOWS_MAX;
pub use swaps::{lot_cost, point_price, swap_money, swap_percent, swap_points, worse_side};

use crate::convert::{Map, Prices, Rate, Routes};
use crate::event::*;
use crate::ids::*;
use crate::market::{HaltInfo, Market};
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reasons;
use crate::watch::Watch;
use enlarged::Added;
use exposure::Exposures;
use gone::Gone;
use instruments::Instrument;
use link::Link;
use marks::MarkInUse;
use orders::Order;
use positions::Positions;
use protect::Triggers;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use throttle::Throttles;
use timers::Timer;

/// What decisions may look at beside the book.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    pub now: Ts,
    pub market: &'a Market,
    /// Asked as if the halt of this instrument were lifted.
    pub resumed: Option<InstrumentId>,
}

impl Env<'_> {
    /// The halt that raises requirements of an instrument.
    pub(crate) fn halted(&self, id: InstrumentId) -> Option<HaltInfo> {
        let halt = self.market.halted(id);
        halt.filter(|_| self.resumed != Some(id))
    }
}

/// One input on its way through the book.
pub struct Ctx<'a> {
    pub seq: Seq,
    pub now: Ts,
    pub actor: ActorId,
    pub token: u64,
    pub market: &'a Market,
    pub out: &'a mut Vec<Output>,
    /// Orders this input has made so far.
    pub made: u64,
    /// The instrument whose price is being applied.
    pub cause: Option<InstrumentId>,
}

impl<'a> Ctx<'a> {
    pub(crate) fn env(&self) -> Env<'a> {
        Env {
            now: self.now,
            market: self.market,
            resumed: None,
        }
    }

    /// The input's sequence names its first order; further ones of the same input carry their place above it.
    pub(crate) fn order_id(&mut self) -> OrderId {
        let id = OrderId(self.seq | (self.made << OrderId::INPUT_BITS));
        self.made += 1;
        id
    }
}

/// Most orders one input may make.
pub const ORDERS_PER_INPUT_MAX: u64 = 1 << 20;

/// The first answer to a client order id.
type FirstAnswer = (Ts, Option<OrderId>, Reasons);

/// Everything the house has on its books.
#[derive(Debug, Default)]
pub struct Book {
    pub(crate) currencies: BTreeMap<CurrencyId, CurrencyTerms>,
    pub(crate) groups: BTreeMap<GroupId, GroupTerms>,
    links: BTreeMap<LinkId, Link>,
    pub(crate) instruments: Vec<Option<Box<Instrument>>>,
    accounts: Accounts,
    positions: Positions,
    orders: BTreeMap<OrderId, Order>,
    /// Orders that ended within the last day: a broker may still report on them. And those with an execution that could
    /// not be booked, until somebody has settled it.
    ended: BTreeMap<OrderId, Order>,
    ended_by_time: VecDeque<(Ts, OrderId)>,
    client_ids: BTreeMap<(AccountId, ClientOrderId), FirstAnswer>,
    client_ids_by_time: VecDeque<(Ts, AccountId, ClientOrderId)>,
    cash_seen: BTreeSet<(AccountId, u64)>,
    cash_by_time: VecDeque<(Ts, AccountId, u64)>,
    /// Accounts that remember messages, and since when nobody looked.
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
    /// What was added to positions while requirements were raised.
    enlarged: BTreeMap<PositionId, Vec<Added>>,
    throttles: Throttles,
    marks: BTreeMap<InstrumentId, MarkInUse>,
    open_interest: BTreeMap<InstrumentId, Money>,
    /// The orders that opened positions whose protective prices the broker holds: by them it knows which are meant.
    opened_by: BTreeMap<PositionId, OrderId>,
    /// Positions that were closed at such brokers within the last day, and what these said of positions before that.
    gone: BTreeMap<PositionId, Gone>,
    gone_by_time: VecDeque<(Ts, PositionId)>,
    said_closes: BTreeMap<PositionId, VecDeque<ExecId>>,

    // Derived: built again from the above.
    pub(crate) prices: Vec<Prices>,
    pub(crate) routes: Routes,
    watch: Watch,
    triggers: Vec<Triggers>,
    exposures: Exposures,
    touched: Vec<u32>,
    /// Where an order stopped closing; looked at before the input ends.
    uncovered: Vec<(AccountId, InstrumentId)>,
    /// Accounts that a price may have moved over a threshold.
    priced: Vec<u32>,
    /// Both, while they are looked at.
    due: Vec<(u32, bool)>,
    states: [u32; 4],
    /// Orders that are queued, and orders in doubt, by link: asked for more often than all orders should be looked at.
    unsettled: BTreeMap<LinkId, [u32; 2]>,
    /// Orders that brokers made, by the position and the broker's own id of the execution.
    broker_closes: BTreeMap<(PositionId, ExecId), OrderId>,
}

impl Book {
    /// An account by id.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    fn account_mut(&mut self, id: AccountId) -> Option<&mut Account> {
        self.accounts.get_mut(id)
    }

    /// All accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// An instrument by id.
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.0 as usize)?.as_deref()
    }

    /// The open positions.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// An order, open or ended within the last day.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id).or_else(|| self.ended.get(&id))
    }

    /// The open orders.
    pub fn open_orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// Orders that went to a broker and ended within the last day, in the order in which they ended.
    pub fn ended_orders(&self) -> impl Iterator<Item = &Order> {
        let ended = self.ended_by_time.iter();
        ended
            .filter_map(|(_, id)| self.ended.get(id))
            .filter(|order| order.sent)
    }

    /// Prices an instrument is valued at.
    pub fn prices(&self, id: InstrumentId) -> Option<&Prices> {
        self.prices.get(id.0 as usize).filter(|prices| prices.known)
    }

    fn map(&self) -> Map<'_> {
        Map {
            currencies: &self.currencies,
            instruments: &self.instruments,
            prices: &self.prices,
        }
    }

    /// The account must be looked at before this input ends.
    fn touch(&mut self, account: AccountId) {
        self.touched.push(account.0);
    }

    fn link_of(&self, account: &Account) -> Option<&Link> {
        self.links.get(&account.state.terms.link)
    }

    /// Price a position of this side would close at.
    fn close_price(&self, instrument: InstrumentId, side: Side) -> Option<i64> {
        let prices = self.prices(instrument)?;
        Some(if side == Side::Buy {
            prices.bid
        } else {
            prices.ask
        })
    }

    /// Price an order of this side would fill at.
    fn open_price(&self, instrument: InstrumentId, side: Side) -> Option<i64> {
        let prices = self.prices(instrument)?;
        Some(if side == Side::Buy {
            prices.ask
        } else {
            prices.bid
        })
    }

    fn answer(
        &self,
        ctx: &mut Ctx<'_>,
        account: Option<AccountId>,
        order: Option<OrderId>,
        reasons: Reasons,
    ) {
        ctx.out.push(Output::Answer(Answer {
            token: ctx.token,
            actor: ctx.actor,
            account,
            order,
            repeated: false,
            reasons,
        }));
    }
}
