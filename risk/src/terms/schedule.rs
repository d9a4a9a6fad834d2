//! Margin schedules of crypto venues: how the requirement of a position grows with its size, and what else of an
//! instrument only cross accounts at mark price look at (`MarginPrice::Mark`). Other groups do not see them.

use crate::units::*;
use crate::{codec_enum, record};

record! {
    /// One bracket of a maintenance schedule. The rate is marginal: a bracket's margin is `notional × rate − amount`,
    /// and the amount makes it continuous at the bracket's edge.
    /// Source: Binance, "Leverage and Margin of USDⓈ-M Futures", maintenance amount.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Bracket {
        /// Notional from which it holds, minor units of the margin currency.
        pub floor: Money,
        /// Maintenance rate.
        pub rate: Ratio,
        /// Cumulative amount, minor units: `floor × (rate − rate before) + amount before`, rounded half away.
        pub amount: Money,
        /// Highest leverage (x : 1, whole as venues have it) of positions in it, 0 = the account's own.
        pub leverage_max: u32,
    }

    /// Rates that grow with the size: `base + size × slope`, the size in units of the base.
    /// Source: Deribit, "Linear Perpetual", initial and maintenance margin.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Slope {
        pub initial: Ratio,
        pub maintenance: Ratio,
        /// Added to both per unit of the base.
        pub per_unit: Ratio,
    }

    /// An initial rate that grows from its base to 100 % between two levels of the venue's open interest.
    /// Source: dYdX v4-chain, liquidity tiers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OpenInterestScale {
        /// Base initial rate, in whole millionths.
        pub initial: Ratio,
        pub maintenance: Ratio,
        /// Open notional up to which the base holds, minor units of the quote currency.
        pub lower: Money,
        /// Open notional from which 100 % holds; 0 = no scaling.
        pub upper: Money,
    }
}

codec_enum! {
    /// How requirement follows size.
    #[derive(Clone, Debug, PartialEq)]
    pub enum MarginSchedule: u8 {
        /// It does not: the instrument's shares and the leverage decide.
        Flat = 0,
        /// Maintenance by brackets, initial by leverage.
        Brackets(Vec<Bracket>) = 1,
        Slope(Slope) = 2,
        /// Initial by leverage; maintenance is half the initial margin at the instrument's highest leverage.
        /// Source: Hyperliquid, "Margining".
        HalfOfInitial = 3,
        OpenInterest(OpenInterestScale) = 4,
    }
}

record! {
    /// What only accounts at mark price look at.
    #[derive(Clone, Debug, PartialEq)]
    pub struct CryptoTerms {
        pub schedule: MarginSchedule,
        /// A mark price older than this is not used any more, 0 = as old as a price of the cache may be.
        pub mark_age_max_ns: u64,
    }
}

impl CryptoTerms {
    /// No schedule.
    pub const NONE: CryptoTerms = CryptoTerms {
        schedule: MarginSchedule::Flat,
        mark_age_max_ns: 0,
    };
}
