//! Questions to the core and their answers. A question changes nothing, is not numbered and not journaled.

use crate::book::tiers::Tiered;
use crate::convert::Rate;
mod market;

pub use market::*;

use crate::event::*;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reasons;

/// A question. It enters by the same ring as the inputs and is answered with the sequence it saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    Account(AccountId),
    /// What would this order do?
    Preview(Box<NewOrder>),
    Instrument(InstrumentId),
    /// A slice of the margin ladder: at most `count` accounts from `after` on, by id.
    Ladder {
        after: Option<AccountId>,
        count: u32,
    },
    Desk,
    /// Counters and facts of a replay.
    Tape(InstrumentId),
    /// Bars of a span that are not closed, oldest first: those that have ended and wait, and the one that grows.
    OpenBars(InstrumentId, BarSpan),
    /// Every measure of how much an instrument moves.
    Volatility(InstrumentId),
    /// An instrument's sources, in their order of priority.
    Sources(InstrumentId),
    /// What would happen if an instrument's halt were lifted now.
    ResumeDryRun(InstrumentId),
    /// Who holds an instrument: at most `count` accounts from `after` on, by id.
    Holders {
        instrument: InstrumentId,
        after: Option<AccountId>,
        count: u32,
    },
    /// Limits in force with what is used of them.
    Limits,
    /// The windows of higher requirements, planned and open, by instrument.
    Windows,
}

/// A question with the rim's number of the waiting caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub token: u64,
    pub query: Query,
}

/// The answer to a question, with the last sequence and time the machine had applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub token: u64,
    pub seq: Seq,
    pub now: Ts,
    pub view: View,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    NotFound,
    Account(Box<AccountView>),
    Preview(Box<PreviewView>),
    Instrument(Box<InstrumentView>),
    Ladder(Vec<LadderRow>),
    Desk(Box<DeskView>),
    Tape(Box<TapeView>),
    OpenBars(Vec<Bar>),
    Volatility(Box<VolatilityView>),
    Sources(Vec<SourceView>),
    ResumeDryRun(Box<ResumeView>),
    Holders(Vec<HolderView>),
    Limits(Vec<LimitView>),
    Windows(Vec<Requirement>),
}

/// A limit and what is used of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitView {
    pub scope: Scope,
    pub kind: LimitKind,
    /// House currency minor units, or lot steps.
    pub limit: i64,
    /// Orders in flight included; absent while a rate or price is missing.
    pub used: Option<i64>,
    /// The instrument with the largest quantity, for limits on quantities.
    pub instrument: Option<InstrumentId>,
}

/// What an account holds of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderView {
    pub account: AccountId,
    pub long: Qty,
    pub short: Qty,
}

/// Where the leverage that wins on an instrument came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeverageFrom {
    /// The calculation mode knows no leverage.
    Mode,
    Group,
    /// The account's own, in place of its group's.
    Account,
    /// The group's cap on the instrument's class.
    ClassCap,
    InstrumentCap,
    /// A band's own, of a leverage rule; named with the band.
    Band,
}

/// Where the hedge rule that wins on an instrument came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeFrom {
    Instrument,
    Group,
    /// The account's own, in place of its group's.
    Account,
}

/// The rules behind a position's or an order's margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginRule {
    pub leverage: Leverage,
    pub leverage_from: LeverageFrom,
    /// Share charged by side and kind.
    pub rate: Ratio,
    /// Factor of halts and windows, 100 % when there is none, and the window it comes from.
    pub factor: Ratio,
    pub window: Option<u16>,
    /// Set and rule whose bands apply on top; what a band charges, and its own leverage, stand with the account's
    /// [`TierView`]s.
    pub tiers: Option<(TierSetId, u16)>,
    /// Margin after leverage in the margin currency, `10^-20`, before conversion and rate.
    pub base: i128,
    /// Conversion into the account's currency; absent while it is missing.
    pub conversion: Option<Rate>,
}

/// What is charged for one instrument of an account before leverage rules by bands, with the factors of halts and windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentMargin {
    pub instrument: InstrumentId,
    /// Held: the uncovered or charged side, and the covered lots of both.
    pub open: Money,
    pub covered: Money,
    pub covered_qty: Qty,
    /// Lots that count, `10^-20`; covered ones by the hedged share.
    pub lots: i128,
    /// What orders in flight add.
    pub orders: Money,
    /// What opposite sides are charged, and whose rule it is; absent on a netting account, and where a schedule charges
    /// each leg for itself.
    pub hedge: Option<(HedgeRule, HedgeFrom)>,
}

/// What a leverage rule charges on what an account holds and has in flight, with the factors of halts and windows.
#[derive(Clone, Debug, PartialEq)]
pub struct TierView {
    pub set: TierSetId,
    pub rule: u16,
    /// The instrument that fills the bands alone; absent when all of the rule do together.
    pub instrument: Option<InstrumentId>,
    pub charged: Tiered,
}

/// An account now. Money is in the account's currency.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountView {
    pub terms: AccountTerms,
    /// The leverage before caps of classes and instruments, and whether it is the account's own.
    pub leverage: Leverage,
    pub leverage_from: LeverageFrom,
    /// Leverage rules in force and how they charge what is open.
    pub tiers: Vec<TierView>,
    pub margins: Vec<InstrumentMargin>,
    pub state: MarginState,
    /// A conversion rate is missing: equity and level are not known.
    pub unknown: bool,
    /// What the client owes after a restriction before opening again.
    pub call: CallStep,
    pub under_review: bool,
    pub balance: Money,
    pub credit: Money,
    /// With dead prices moved against the account, as warnings and restrictions compare it, and what that takes from it; a
    /// stop-out compares without, see `closeout`.
    pub equity: Money,
    pub unrealised: Money,
    pub haircut: Money,
    /// With the factors of halts and windows on what is held and on orders in flight, as warnings and restrictions
    /// compare it; a stop-out compares without them, see `closeout`. `free` is what is left for opening on the same basis.
    pub used: Money,
    pub free: Money,
    /// Equity over `used`; absent without used margin.
    pub level: Option<Ratio>,
    pub day_start_equity: Money,
    /// Equity that may be lost before each threshold; negative when it is behind.
    pub to_warning: Money,
    pub to_restricted: Money,
    pub to_stop_out: Money,
    pub warning: Ratio,
    pub restricted: Ratio,
    pub stop_out: Ratio,
    pub stop_out_policy: StopOutPolicy,
    pub negative_balance_protection: BalanceProtection,
    /// What of it is the account's own; absent when everything is as its group has it.
    pub rules: Option<AccountRules>,
    /// What a stop-out compares, as the group values it.
    pub closeout: Closeout,
    /// The pairs that convert results into the account's currency, but for those it holds.
    pub conversions: Vec<ConversionView>,
    /// Where the next stop-out is; absent without one, and where it is not looked for.
    pub next_stop_out: Option<Forecast>,
    /// Why it is not looked for: then that it is absent says nothing.
    pub next_untold: Option<Untold>,
    pub positions: Vec<PositionView>,
    /// Where the legs of an account at mark price stand in the schedules of their instruments.
    pub requirements: Vec<RequirementView>,
    pub orders: Vec<OrderChange>,
}

/// An account as its stop-out sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closeout {
    /// At the mid where the group says so.
    pub equity: Money,
    pub unrealised: Money,
    pub free: Money,
    /// Share of the way to the stop-out: its line over equity, 100 % = reached; absent when equity is not positive.
    pub reached: Option<Ratio>,
}

/// A pair that converts what an account holds, and its bids (alone, everything else still) at which the account is called
/// and stopped out; absent where no price of it does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversionView {
    pub instrument: InstrumentId,
    pub bid: Price,
    pub warning_at: Option<Price>,
    pub stop_out_at: Option<Price>,
}

/// Why the next stop-out of an account is not foretold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// A price or a rate is missing: its equity is not known.
    Unknown,
    /// It has more positions than a question may hold the core up for.
    ManyPositions,
}

/// The next stop-out when one instrument's price moves and everything else stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    pub instrument: InstrumentId,
    /// Price that the account's positions in it would close at; of a pair that only converts its bid.
    pub price: Price,
    /// Pending orders that are cancelled first.
    pub cancels: u32,
    /// The position that is closed first and its instrument, which need not be the one that moves; absent when none may
    /// be closed now, and where the cancels alone are enough.
    pub position: Option<(PositionId, InstrumentId)>,
    /// How much of it, in steps of its own instrument.
    pub qty: Qty,
    /// Margin level there, and after that close; absent without used margin.
    pub level_before: Option<Ratio>,
    pub level_after: Option<Ratio>,
    /// It ends with the account still at its line: nothing of what is left may be closed now.
    pub stuck: bool,
}

/// A position now.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionView {
    /// Its margin with the factors of halts and windows.
    pub position: PositionChange,
    /// Price it would close at, when known.
    pub close_price: Option<Price>,
    /// With a dead price moved against it, and what that takes from the result at the price above.
    pub unrealised: Money,
    pub haircut: Money,
    /// The instrument's price (alone, everything else still) at which the account is called and stopped out.
    pub warning_at: Option<Price>,
    pub stop_out_at: Option<Price>,
    /// Where an account at mark price is liquidated by this instrument alone.
    pub liquidation: Option<Liquidation>,
    /// Quantity that closing orders already cover.
    pub covered: Qty,
    /// Its instrument is halted.
    pub halted: bool,
    pub rule: Option<MarginRule>,
}

/// A liquidation price: the mark price of one instrument, everything else still, at which equity meets the stop-out
/// line. Exact in price steps as `num / den`; `price` is rounded half away to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    pub price: Price,
    pub num: i128,
    pub den: i128,
    /// Of the larger leg there: bracket from 1 (0 without brackets), maintenance rate, cumulative amount in minor
    /// units of the margin currency.
    pub bracket: u16,
    pub rate: Ratio,
    pub amount: Money,
}

/// One leg under a margin schedule now; money in fine units (10^-20) of the margin currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequirementView {
    pub instrument: InstrumentId,
    pub side: Side,
    pub qty: Qty,
    pub notional: i128,
    pub initial_rate: Ratio,
    pub initial: i128,
    pub maintenance_rate: Ratio,
    pub maintenance: i128,
    /// From 1; 0 without brackets.
    pub bracket: u16,
    /// Cumulative amount, minor units.
    pub amount: Money,
}

/// What an order would do, by the same check that it meets when it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewView {
    pub reasons: Reasons,
    pub price: Option<Price>,
    pub margin_order: Money,
    pub used_before: Money,
    pub used_after: Money,
    pub free_after: Money,
    pub level_after: Option<Ratio>,
    /// Loss at the attached stop-loss, or absent.
    pub loss_at_stop: Option<Money>,
    /// Net quantity in the instrument after it.
    pub net_after: Qty,
    pub closes: bool,
    /// It names a price that the market has reached already, so it would not wait for it.
    pub at_once: bool,
    pub rule: Option<MarginRule>,
}

/// An instrument now.
#[derive(Clone, Debug, PartialEq)]
pub struct InstrumentView {
    pub terms: InstrumentTerms,
    pub mark: Option<Mark>,
    pub feed: FeedState,
    pub halted: bool,
    pub volatility: VolatilityState,
    pub realised_5m: Ratio,
    pub session_until: Option<Ts>,
    /// Median-like usual time between quotes, nanoseconds, 0 = unknown.
    pub usual_gap_ns: u64,
    pub quotes: u64,
    pub dropped: u64,
}

/// A row of the margin ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct LadderRow {
    pub account: AccountId,
    pub state: MarginState,
    /// With dead prices moved against it, as [`AccountView`] has it.
    pub equity: Money,
    /// With the factors of halts and windows, and the level over it, as [`AccountView`] has them.
    pub used: Money,
    pub level: Option<Ratio>,
    /// The level without all that, by which rows stand nearest to a stop-out first.
    pub closeout_level: Option<Ratio>,
    pub to_stop_out: Money,
}

/// A broker link now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    pub id: LinkId,
    pub mode: LinkMode,
    pub manual: bool,
    /// Orders that wait for the link, and orders that the broker has not answered.
    pub queued: u32,
    pub in_doubt: u32,
}

/// The house at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct DeskView {
    pub accounts: u32,
    pub positions: u32,
    pub orders: u32,
    pub states: [u32; 4],
    /// Modes that are not normal, and kill switches that are on, as they were set.
    pub modes: Vec<SetMode>,
    pub kills: Vec<SetKill>,
    /// Who is latched by repeated executions.
    pub latched: Vec<Scope>,
    pub links: Vec<LinkView>,
    pub halts: Vec<HaltView>,
    pub state_hash: u64,
}

/// Facts of an instrument's tape, counted by the machine since the first quote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TapeView {
    pub quotes: u64,
    pub crossed: u64,
    pub locked: u64,
    pub out_of_order: u64,
    pub same_time: u64,
    pub same_quote: u64,
    pub mid2_min: Option<(i64, Ts)>,
    pub mid2_max: Option<(i64, Ts)>,
    pub spread_max: Option<(i64, Ts)>,
    /// Longest time between two quotes, and when it began.
    pub gap_max: Option<(u64, Ts)>,
    /// What only a replay asks for; absent unless the tape is recorded.
    pub detail: Option<Box<TapeDetail>>,
}

/// A row of a tape: its time, bid and ask.
pub type TapeRow = (Ts, Price, Price);

/// Facts that cost memory, kept only while a tape is recorded. Mids are bid + ask (mid × 2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TapeDetail {
    pub first: Option<TapeRow>,
    pub last: Option<TapeRow>,
    /// All rows (at most 64) that share the lowest mid, the highest mid and the widest spread, in their order:
    /// a reader who compared floating-point numbers may name another of them than the first.
    pub lowest: Vec<TapeRow>,
    pub highest: Vec<TapeRow>,
    pub widest: Vec<TapeRow>,
    pub minutes_with_ticks: u64,
    /// Minute with the largest (high − low) / low: its start, low and high.
    pub minute_range_max: Option<(Ts, i64, i64)>,
    /// Largest change between the closes of two adjacent minutes: start of the second, first and second close.
    pub minute_change_max: Option<(Ts, i64, i64)>,
    /// Spread of the middle row, as twice the spread (the two middle rows are averaged).
    pub spread_median_x2: Option<i64>,
    pub busiest_second: Option<(Ts, u64)>,
    pub busiest_minute: Option<(Ts, u64)>,
    /// Rows beyond each threshold: the alert's first, then the watched ones in their order.
    pub breaches: Vec<BreachCount>,
    /// Largest move within the window: its size, time and direction.
    pub move_max: Option<(Ratio, Ts, Direction)>,
}

/// How often a threshold was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreachCount {
    pub threshold: Ratio,
    pub ticks: u64,
    pub alerts: u64,
}
