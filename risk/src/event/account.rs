//! Accounts: money, margin states, losses.

use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::{record, unit_enum};

unit_enum! {
    /// What a cash movement is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CashKind: u8 { Deposit = 0, Withdrawal = 1, Correction = 2, Credit = 3, Swap = 4, Commission = 5, Realised = 6, Compensation = 7 }
}

record! {
    /// Money in or out of an account; `amount` is signed, in the account's currency.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Cash {
        pub account: AccountId,
        pub kind: CashKind,
        pub amount: Money,
        /// The movement's number in the books of the rim.
        pub reference: u64,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CashBooked {
        pub cash: Cash,
        pub balance: Money,
        pub credit: Money,
    }
}

unit_enum! {
    /// Margin state of an account, worse is greater.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum MarginState: u8 { Healthy = 0, Warning = 1, Restricted = 2, StopOut = 3 }
}

unit_enum! {
    /// Where a client stands after a margin call.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum CallStep: u8 {
        None = 0,
        /// The risk notice must be acknowledged.
        Acknowledge = 1,
        /// The call is shown and must be confirmed.
        Confirm = 2,
        /// Confirmed: the client must log in again.
        LoggedOut = 3,
    }
}

record! {
    /// Numbers are in the account's currency; `level` is absent without used margin. Those of a stop-out are without the
    /// factors of halts and windows and with dead prices as they were, as it compares; all others are with them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MarginChange {
        pub account: AccountId,
        pub from: MarginState,
        pub to: MarginState,
        pub equity: Money,
        pub used: Money,
        pub level: Option<Ratio>,
        /// The instrument whose price caused it, if one did.
        pub instrument: Option<InstrumentId>,
        /// Only a requirement factor or a dead price caused it: never a stop-out.
        pub soft: bool,
    }
}

record! {
    /// What a stop-out closes, in order (empty in observe mode: `would` lists it).
    #[derive(Clone, Debug, PartialEq)]
    pub struct StopOut {
        pub account: AccountId,
        pub mode: StopOutMode,
        pub equity: Money,
        pub used: Money,
        pub cancels: Vec<OrderId>,
        pub closes: Vec<PositionId>,
    }
}

unit_enum! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum LossKind: u8 { Account = 0, Position = 1 }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LossChange {
        pub account: AccountId,
        pub kind: LossKind,
        /// What the limit is a share of.
        pub basis: LossBasis,
        pub position: Option<PositionId>,
        pub instrument: Option<InstrumentId>,
        pub on: bool,
        /// Loss in the account's currency, positive.
        pub loss: Money,
        pub limit: Money,
    }
}

record! {
    /// One of the group's further levels was reached, or is above again.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RungChange {
        pub account: AccountId,
        /// Which of them, from 0.
        pub rung: u8,
        pub level: Ratio,
        pub on: bool,
        pub equity: Money,
        pub used: Money,
        /// The margin level now.
        pub now: Option<Ratio>,
        pub instrument: Option<InstrumentId>,
    }
}

record! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ConversionChange {
        pub account: AccountId,
        pub from: CurrencyId,
        pub to: CurrencyId,
        pub missing: bool,
    }
}
