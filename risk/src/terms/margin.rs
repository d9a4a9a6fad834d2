//! Margin terms: how one instrument is charged, how a group tiers it, and what raises it for a time.

use crate::ids::*;
use crate::units::*;
use crate::{record, unit_enum};

unit_enum! {
    /// What opposite positions of one instrument in a hedging account are charged.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum HedgeRule: u8 {
        /// MetaTrader 5, basic: the uncovered volume at the larger side, the covered volume at the average of all with
        /// the hedged share and the mean of both rates; every kind of waiting order on top.
        Basic = 0,
        /// MetaTrader 5, larger leg: each side with its waiting orders; the larger one is charged.
        LargerLeg = 1,
        /// cTrader, SUM: both sides.
        Sum = 2,
        /// cTrader, MAX: the larger side.
        Max = 3,
        /// cTrader, NET: the difference of the sides.
        Net = 4,
    }
}

unit_enum! {
    /// Class of an instrument for leverage caps (ESMA decision 2018/796, article 1).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CapClass: u8 {
        MajorForex = 0,
        /// Other pairs, gold, major indices.
        MinorForexGoldIndex = 1,
        /// Other commodities and indices.
        Commodity = 2,
        /// Shares and whatever has no class of its own.
        Share = 3,
        Crypto = 4,
    }
}

record! {
    /// Shares of the computed margin by kind of order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MarginRates {
        pub market: Ratio,
        pub limit: Ratio,
        pub stop: Ratio,
        pub stop_limit: Ratio,
    }
}

impl MarginRates {
    /// Every kind is charged in full.
    pub const FULL: MarginRates = MarginRates::all(Ratio::ONE);

    /// The same rate for every kind.
    pub const fn all(rate: Ratio) -> MarginRates {
        MarginRates {
            market: rate,
            limit: rate,
            stop: rate,
            stop_limit: rate,
        }
    }
}

record! {
    /// How one instrument is charged beyond its formula.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MarginTerms {
        pub hedge: HedgeRule,
        /// Rates of orders, on top of `margin_initial`; 0 switches the charge off.
        pub buy: MarginRates,
        pub sell: MarginRates,
        /// Rates of what is held, on top of `margin_maintenance`.
        pub hold_buy: Ratio,
        pub hold_sell: Ratio,
        /// Fixed margin per lot of what is held, margin currency minor units, 0 = as to open.
        pub fixed_hold: Money,
        /// Fixed margin per covered lot; absent, the hedged share of the fixed margin.
        pub fixed_hedged: Option<Money>,
        pub class: CapClass,
    }
}

impl MarginTerms {
    /// The formula alone.
    pub const NONE: MarginTerms = MarginTerms {
        hedge: HedgeRule::Basic,
        buy: MarginRates::FULL,
        sell: MarginRates::FULL,
        hold_buy: Ratio::ONE,
        hold_sell: Ratio::ONE,
        fixed_hold: Money(0),
        fixed_hedged: None,
        class: CapClass::Share,
    };
    /// Nothing is charged, neither for orders nor for what is held.
    pub const FREE: MarginTerms = MarginTerms {
        buy: MarginRates::all(Ratio(0)),
        sell: MarginRates::all(Ratio(0)),
        hold_buy: Ratio(0),
        hold_sell: Ratio(0),
        ..MarginTerms::NONE
    };
}

record! {
    /// Margin terms of a group beyond its leverage.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct GroupMargin {
        /// Leverage rules by volume or value, 0 = none.
        pub tiers: TierSetId,
        /// Highest leverage by [`CapClass`]; binds accounts that override the group's leverage too.
        pub caps: [Leverage; 5],
        /// Free margin is looked at again when the broker confirms a market order.
        pub check_execution: bool,
        /// What opposite positions of one instrument are charged on hedging accounts, whatever the instrument says;
        /// absent, as the instrument has it. Schedules of accounts at mark price charge each leg for itself.
        pub hedge: Option<HedgeRule>,
    }
}

impl GroupMargin {
    /// Leverage alone.
    pub const NONE: GroupMargin = GroupMargin {
        tiers: TierSetId(0),
        caps: [Leverage::NONE; 5],
        check_execution: false,
        hedge: None,
    };
}

unit_enum! {
    /// What fills the bands of a leverage rule.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum TierBy: u8 {
        /// Lots of all instruments of the rule together.
        Volume = 0,
        VolumePerSymbol = 1,
        /// Value in the rule's currency, all instruments together.
        Notional = 2,
        NotionalPerSymbol = 3,
    }
}

unit_enum! {
    /// What a unit that fills a band costs.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum TierCost: u8 {
        /// The average of all (MetaTrader 5).
        Average = 0,
        /// The average of all, cut to the account's digits.
        AverageCut = 1,
        /// What it cost itself; the oldest positions fill the first bands and are not charged anew by later ones.
        Own = 2,
    }
}

unit_enum! {
    /// When the amounts of bands are rounded.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum RoundingStage: u8 { Total = 0, Band = 1 }
}

record! {
    /// A band of a leverage rule and the shares of margin charged in it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Band {
        /// Where it ends: lots in `10^-8`, or minor units of the rule's currency; 0 = no end.
        pub to: i64,
        /// The band's own leverage in place of the group's; none = the one that wins otherwise. Caps on the class and on
        /// the instrument hold it down, and so does a lower leverage that the account itself was given.
        pub leverage: Leverage,
        /// Share for orders.
        pub initial: Ratio,
        /// Share for positions; 0 charges nothing.
        pub maintenance: Ratio,
    }
}

record! {
    /// One leverage rule. Only the first rule of a set that names an instrument applies to it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct TierRule {
        pub id: u16,
        pub by: TierBy,
        /// Currency of values; not looked at by volume.
        pub currency: CurrencyId,
        /// The instruments it is about, ascending; empty = all.
        pub instruments: Vec<InstrumentId>,
        pub cost: TierCost,
        pub rounding: RoundingStage,
        /// Ascending, the last without an end.
        pub bands: Vec<Band>,
    }
}

record! {
    /// A set of leverage rules that groups refer to, tried from top to bottom.
    #[derive(Clone, Debug, PartialEq)]
    pub struct TierTerms {
        pub id: TierSetId,
        pub rules: Vec<TierRule>,
    }
}

unit_enum! {
    /// What a raised requirement does to positions that were open before.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum HeldPolicy: u8 {
        /// They keep the requirement they were opened with.
        Keep = 0,
        /// They are raised after the grace.
        AfterGrace = 1,
        AtOnce = 2,
    }
}

record! {
    /// The requirement of an instrument is raised for a time (news, weekend). Setting a window with a known id replaces
    /// it, or takes it away when its new end is over; one that is over is forgotten.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Requirement {
        pub instrument: InstrumentId,
        /// The window's own number within its instrument.
        pub id: u16,
        pub from: Ts,
        pub until: Ts,
        /// At least 100 %: a window only raises.
        pub factor: Ratio,
        pub held: HeldPolicy,
        pub grace_ns: u64,
    }
}
