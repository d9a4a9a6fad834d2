//! The terms the house trades on: currencies, sources, links, instruments, groups, accounts.
//! They arrive as journaled inputs, so a replay decides by the terms that were in force.

mod account;
mod margin;
mod presets;
mod schedule;
mod stop_out;
mod swap;

pub use account::*;
pub use margin::*;
pub use presets::ESMA_CAPS;
pub use schedule::*;
pub use stop_out::*;
pub use swap::*;

use crate::ids::*;
use crate::units::*;
use crate::{record, unit_enum};

unit_enum! {
    /// What an instrument is, which decides thresholds, haircuts and calendars.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum AssetClass: u8 { Forex = 0, Metal = 1, Energy = 2, Index = 3, Crypto = 4 }
}

unit_enum! {
    /// How a position's margin is computed (names of the MetaTrader 5 contract specification).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CalcMode: u8 {
        /// `lots × contract size / leverage`, in the margin currency.
        Forex = 0,
        /// `lots × contract size × price`, no leverage.
        Cfd = 1,
        /// `lots × contract size × price / leverage`.
        CfdLeverage = 2,
        /// `quantity × price / leverage` of a linear contract settled in the quote currency.
        CryptoLinear = 3,
        /// `lots × contract size`, no leverage.
        ForexNoLeverage = 4,
        /// `lots × contract size × price × tick value / tick size`.
        CfdIndex = 5,
        /// A fixed amount per lot.
        Futures = 6,
        /// Inverse contract settled in the base currency.
        CryptoInverse = 7,
    }
}

unit_enum! {
    /// What may be done in an instrument at all.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum TradeMode: u8 { Full = 0, LongOnly = 1, ShortOnly = 2, CloseOnly = 3, Disabled = 4 }
}

unit_enum! {
    /// Which price margin is computed from.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum MarginPrice: u8 {
        /// Price and conversion rate stored at the fill, refreshed at the rollover.
        Open = 0,
        /// The current mid.
        Mid = 1,
        /// The venue's mark price.
        Mark = 2,
    }
}

unit_enum! {
    /// Which unrealised result counts as free margin.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FreeMargin: u8 { Both = 0, None = 1, ProfitOnly = 2, LossOnly = 3 }
}

unit_enum! {
    /// Whether positions of one instrument are merged.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Accounting: u8 { Netting = 0, Hedging = 1 }
}

unit_enum! {
    /// Named sets of defaults a group starts from.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Preset: u8 { Mt5Default = 0, EsmaRetail = 1, Bappebti = 2, OandaV20 = 3, CryptoCross = 4 }
}

unit_enum! {
    /// What is done with a quote whose bid is above its ask.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Crossed: u8 { Hold = 0, Accept = 1 }
}

unit_enum! {
    /// Gateways outrank datafeeds when sources compete for an instrument.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum SourceKind: u8 { Gateway = 0, Datafeed = 1 }
}

unit_enum! {
    /// Who watches stop-loss, take-profit and trailing prices.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum HeldBy: u8 {
        /// The machine fires and sends a close naming the position.
        Core = 0,
        /// The broker's server fires; the machine alerts when it does not.
        Broker = 1,
    }
}

unit_enum! {
    /// What a client must do after a restriction before opening again. Closing goes on, except while logged out.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CallFlow: u8 {
        /// Nothing: the level alone decides.
        None = 0,
        /// Acknowledge the risk notice.
        Acknowledge = 1,
        /// Confirm the call, which logs the client out; log in again; acknowledge the risk notice.
        Login = 2,
    }
}

record! {
    /// A currency. `pivot` is its rank as a bridge for cross rates: 0 never, 1 first (USD), 2 second (EUR).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CurrencyTerms {
        pub id: CurrencyId,
        pub digits: u8,
        pub pivot: u8,
    }
}

record! {
    /// A price source.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SourceTerms {
        pub id: SourceId,
        pub kind: SourceKind,
        pub crossed: Crossed,
        /// Level and spread filters apply to this source's quotes.
        pub filtered: bool,
    }
}

record! {
    /// A link to a broker and what it can do.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LinkTerms {
        pub id: LinkId,
        /// Who holds protective orders of accounts routed here.
        pub protective: HeldBy,
        /// Orders without an answer are in doubt after this long.
        pub answer_timeout_ns: u64,
        /// Queued closes are sent on recovery when the price moved less than this share of it.
        pub queue_tolerance: Ratio,
        /// Queued closes are returned to their owner after this long.
        pub queue_expiry_ns: u64,
        /// The broker trades while our session is closed: orders that close are sent, at its price.
        pub trades_closed: bool,
    }
}

record! {
    /// One source of an instrument, in order of priority.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Feed {
        pub source: SourceId,
        /// Silent for this long, the next source takes over.
        pub timeout_ns: u64,
    }
}

record! {
    /// Limits of the level filter in price steps, in place of shares; 0 switches one off.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LevelPoints {
        pub soft: Price,
        pub hard: Price,
        pub discard: Price,
    }

    /// Quote filters of one instrument; points are price steps, 0 switches a limit off. The level filter has its
    /// limits as shares of the level or as points, not both.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct FilterTerms {
        pub spread_min: Price,
        pub spread_max: Price,
        pub soft: Ratio,
        pub hard: Ratio,
        pub discard: Ratio,
        pub points: LevelPoints,
        pub confirmations: u8,
        pub same_quote: bool,
    }
}

record! {
    /// Price band around a moving reference, with a limit state (the shape of LULD); a share of 0 switches it off.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BandTerms {
        /// Distance of the bands from the reference.
        pub share: Ratio,
        /// The bands are at least this far away: a share of a price near zero is nothing.
        pub least: Price,
        /// The reference is the mean of the mids of this long.
        pub window_ns: u64,
        /// The mean replaces the reference when it differs by at least this share.
        pub moves: Ratio,
        /// A reference stands at least this long.
        pub stands_ns: u64,
        /// A limit state that lasts this long halts.
        pub limit_ns: u64,
        /// Least length of the halt.
        pub pause_ns: u64,
    }

    /// Moves from the extremes of a rolling window by more than a variant fixed for the day (the shape of CME Group's
    /// dynamic circuit breakers); a share of 0 switches it off.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct DynamicTerms {
        /// Variant as a share of the last settlement, rounded down to a tick.
        pub share: Ratio,
        pub window_ns: u64,
        /// Least length of the halt.
        pub pause_ns: u64,
    }

    /// Moves of at least so many ticks within a short time (CME Group's velocity logic); 0 ticks switch it off.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct VelocityTerms {
        pub ticks: u32,
        pub window_ns: u64,
    }

    /// Halt detectors beside the rolling window's shares. Each alerts at its first price beyond and latches after the
    /// halt's confirmations.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BreakerTerms {
        pub band: BandTerms,
        pub dynamic: DynamicTerms,
        pub velocity: VelocityTerms,
    }
}

record! {
    /// Halt and volatility terms of one instrument; window, alert and halt are the rolling window's.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct HaltTerms {
        pub window_ns: u64,
        /// Move within the window that alerts.
        pub alert: Ratio,
        /// Move within the window that halts after `confirmations` consecutive prices beyond it.
        pub halt: Ratio,
        pub confirmations: u8,
        pub breakers: BreakerTerms,
        /// An alert is not repeated within this time.
        pub cooldown_ns: u64,
        /// The halt may end after this long without a breach.
        pub quiet_ns: u64,
        /// A named person must resume.
        pub manual_resume: bool,
        /// The factor on requirements while halted.
        pub factor: Ratio,
        /// Held positions keep the old requirement this long.
        pub grace_ns: u64,
        /// 5-minute realised volatility below this never warns.
        pub vol_floor: Ratio,
        /// Warns above this multiple of the hour-of-week mean; 0 = above the floor alone, whatever is usual.
        pub vol_multiple: Ratio,
        /// EWMA decay per `ewma_unit_ns`.
        pub ewma_lambda: Ratio,
        pub ewma_unit_ns: u64,
    }
}

record! {
    /// Everything the core knows of an instrument.
    #[derive(Clone, Debug, PartialEq)]
    pub struct InstrumentTerms {
        pub id: InstrumentId,
        pub class: AssetClass,
        pub mode: CalcMode,
        pub trade_mode: TradeMode,
        pub base: CurrencyId,
        pub quote: CurrencyId,
        /// Currency margin is computed in before conversion.
        pub margin_currency: CurrencyId,
        pub price_digits: u8,
        pub qty_digits: u8,
        /// Units of the base per lot, in `10^-contract_digits`.
        pub contract_size: i64,
        pub contract_digits: u8,
        /// Smallest price move allowed, in steps.
        pub tick: Price,
        /// Money per tick per lot in quote minor units (futures and index contracts).
        pub tick_value: i64,
        pub qty_min: Qty,
        pub qty_max: Qty,
        pub qty_step: Qty,
        /// Highest notional of one order in house currency minor units, 0 = none.
        pub notional_max: Money,
        /// Limit prices further than this from the price an order would fill at are refused on both sides, 0 = none.
        pub collar: Ratio,
        /// Buys above and sells below the mid by more than this share are refused, and a market order that opens goes
        /// out with that price as its limit, 0 = none.
        pub price_band: Ratio,
        pub negative_prices: bool,
        /// The instrument's own leverage cap.
        pub leverage_max: Leverage,
        /// Share of the computed margin that is initial requirement (100 % = as computed).
        pub margin_initial: Ratio,
        pub margin_maintenance: Ratio,
        /// Share charged on the covered part of opposite positions.
        pub margin_hedged: Ratio,
        /// Fixed margin per lot in margin currency minor units, 0 = none.
        pub margin_fixed: Money,
        pub margin: MarginTerms,
        /// What only accounts at mark price look at.
        pub crypto: CryptoTerms,
        pub feeds: Vec<Feed>,
        /// After three switches of source within 60 s the lower one stays for this long, 0 = off.
        pub damp_ns: u64,
        /// Above this age the price is delayed.
        pub quote_age_max_ns: u64,
        /// Delayed for longer than this, the instrument is unavailable.
        pub cache_age_max_ns: u64,
        pub filter: FilterTerms,
        pub halt: HaltTerms,
        /// Further moves within the halt's window that are reported as breaches (at most eight).
        pub watch: Vec<Ratio>,
        pub swap: SwapTerms,
        /// Haircut per whole minute unavailable, and its cap (decisions on dead prices).
        pub dead_step: Ratio,
        pub dead_cap: Ratio,
        /// New orders go on while the price is delayed.
        pub trade_delayed: bool,
        /// Instruments of one family may halt together, 0 = none.
        pub family: u16,
    }
}

record! {
    /// A group's leverage, levels and policies.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct GroupTerms {
        pub id: GroupId,
        pub preset: Preset,
        pub margin_price: MarginPrice,
        pub leverage: Leverage,
        /// Warning below this level (strict).
        pub warning: Ratio,
        /// Restricted below this level (strict).
        pub restricted: Ratio,
        pub stop_out: Ratio,
        pub stop_out_test: LevelTest,
        pub stop_out_policy: StopOutPolicy,
        pub stop_out_mode: StopOutMode,
        pub free_margin: FreeMargin,
        /// Account loss alert: share of what `loss.account_of` names, 0 = none.
        pub loss_account: Ratio,
        /// Position loss alert: share of what `loss.position_of` names, 0 = none.
        pub loss_position: Ratio,
        pub negative_balance_protection: BalanceProtection,
        /// Order messages per `rate_window_ns` and account, 0 = no limit.
        pub rate_max: u32,
        pub rate_window_ns: u64,
        /// An identical order within this time is a duplicate, 0 = off.
        pub duplicate_window_ns: u64,
        pub closing: StopOutTerms,
        pub loss: LossTerms,
        pub margin: GroupMargin,
        /// What the client must do after a restriction before opening again.
        pub call_flow: CallFlow,
        pub throttle: ThrottleTerms,
    }
}

record! {
    /// Repeated executions of one kind (who, instrument, side) after which its strategy, trader or account is latched
    /// until a named person enables it again (Commission Delegated Regulation (EU) 2017/589, Article 15(3)).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ThrottleTerms {
        /// This many executions latch, 0 = off.
        pub executions_max: u32,
        /// Executions count this long, 0 = until enabled again.
        pub window_ns: u64,
    }
}

impl ThrottleTerms {
    /// Nothing is ever latched.
    pub const OFF: ThrottleTerms = ThrottleTerms {
        executions_max: 0,
        window_ns: 0,
    };
}

record! {
    /// An account; accounting and currency are fixed at opening.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AccountTerms {
        pub id: AccountId,
        pub group: GroupId,
        pub link: LinkId,
        pub currency: CurrencyId,
        pub accounting: Accounting,
        /// The account's own leverage; none = the group's.
        pub leverage: Leverage,
    }
}
