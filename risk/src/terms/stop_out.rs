//! How a group's accounts are warned, stopped out and told of losses.

use crate::units::*;
use crate::{record, unit_enum};

unit_enum! {
    /// Which positions a stop-out closes, and in which order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum StopOutPolicy: u8 {
        /// Pending orders with the largest margin first, then the largest loss, until the level is above.
        Mt5 = 0,
        /// Everything at once.
        CloseAll = 1,
        /// Largest margin, smallest partial close that lifts the level (cTrader, smart stop-out).
        CtraderSmart = 2,
        /// Whole positions with the largest margin first (cTrader, fair stop-out).
        LargestMargin = 3,
        /// Worst result first; with [`LevelTest::Buffer`] each order is sized to what is missing (LEAN).
        LosersFirst = 4,
    }
}

unit_enum! {
    /// Whether the house acts on a stop-out or only says so (the broker's server acts).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum StopOutMode: u8 { Observe = 0, Act = 1 }
}

unit_enum! {
    /// When the house lifts a balance below zero to zero: once no position is left.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum BalanceProtection: u8 {
        None = 0,
        /// Whatever closed the last position: a retail client owes no more than is in the account (ESMA decision
        /// 2018/796, article 2(1)(c)).
        AnyClose = 1,
        /// A stop-out must have closed (MetaTrader 5, compensation of a negative balance after stop-out).
        StopOut = 2,
    }
}

unit_enum! {
    /// How a stop-out level is compared.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LevelTest: u8 {
        /// Reached at equality.
        AtOrBelow = 0,
        /// Not reached at equality; once it has begun, closing goes on until the level is above.
        Below = 1,
        /// OANDA v20: half the margin used reaches the net asset value.
        OandaCloseout = 2,
        /// LEAN: `stop_out` is a buffer, used margin must exceed equity by more than it; `warning` is the share of equity
        /// that is still free when the warning comes. Closing ends when no margin is missing.
        Buffer = 3,
    }
}

unit_enum! {
    /// What a loss is measured against.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LossBasis: u8 {
        /// Equity at the start of the day.
        DayStart = 0,
        /// The highest equity so far (drawdown).
        Peak = 1,
        /// Margin: a position's own, or all that the account uses.
        Margin = 2,
    }
}

/// Most further levels a group may have told.
pub const RUNGS_MAX: usize = 8;

record! {
    /// What a stop-out looks at beside its level, and the levels told on the way down.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct StopOutTerms {
        /// The level in money: equity itself is compared with it instead of with used margin. Minor units of the
        /// account's currency.
        pub money: Option<Money>,
        /// Accounts that hold positions without using margin (fully hedged) are stopped out when equity is negative.
        pub fully_hedged: bool,
        /// Of each instrument only the oldest losing position may be closed (FIFO).
        pub oldest_first: bool,
        /// Half the spread of every position is given back to equity before it is compared (closing at the mid).
        pub at_mid: bool,
        /// The levels of warning and restriction are reached at equality.
        pub inclusive: bool,
        /// Further levels that are told when equality reaches them, falling; 0 = unused.
        pub rungs: [Ratio; RUNGS_MAX],
    }

    /// What losses are measured against, and when their alerts clear.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LossTerms {
        pub account_of: LossBasis,
        pub position_of: LossBasis,
        /// An alert clears when the loss is back within this share of its limit.
        pub clear: Ratio,
    }
}

impl StopOutTerms {
    /// A level of margin, compared as it is.
    pub const PLAIN: StopOutTerms = StopOutTerms {
        money: None,
        fully_hedged: false,
        oldest_first: false,
        at_mid: false,
        inclusive: false,
        rungs: [Ratio(0); RUNGS_MAX],
    };

    /// Whether the rungs fall and nothing follows an unused one.
    pub fn is_valid(&self) -> bool {
        let falls = |pair: &[Ratio]| pair[0] > pair[1] || pair == [Ratio(0); 2];
        self.rungs.windows(2).all(falls)
            && self
                .rungs
                .iter()
                .all(|rung| (Ratio(0)..=LEVEL_MAX).contains(rung))
    }
}

impl LossTerms {
    /// An account against its day, a position against its margin, clearing at nine tenths so that they do not flap.
    pub const DEFAULT: LossTerms = LossTerms {
        account_of: LossBasis::DayStart,
        position_of: LossBasis::Margin,
        clear: Ratio::percent(90),
    };
}

/// Highest level a group may set.
pub const LEVEL_MAX: Ratio = Ratio::percent(1_000);
