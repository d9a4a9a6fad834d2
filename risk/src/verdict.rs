//! Numbered verdicts. Bands: 11xx unknown things, 12xx size and price, 20xx limits, 21xx prices, 22xx margin,
//! 30xx orders and positions, 40xx people, 50xx terms, 90xx modes. The gateway owns 10000 and up.

use crate::codec::{Codec, CodecError, CodecFault};

macro_rules! rejects {
    ($($name:ident = $code:literal, $slug:literal, $lifts:literal;)*) => {
        /// Why a command was refused. The number is stable; the order of the numbers is the order of the answer.
        #[repr(u16)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reject { $($name = $code,)* }

        impl Reject {
            /// Every verdict, by number.
            pub const ALL: &'static [Reject] = &[$(Reject::$name,)*];

            /// The stable number.
            pub fn code(self) -> u16 { self as u16 }

            /// The stable name, `snake_case`.
            pub fn name(self) -> &'static str {
                match self { $(Reject::$name => $slug,)* }
            }

            /// What lifts the refusal, for the person who reads it.
            pub fn lifts(self) -> &'static str {
                match self { $(Reject::$name => $lifts,)* }
            }

            /// The verdict with this number.
            pub fn from_code(code: u16) -> Option<Reject> {
                match code { $($code => Some(Reject::$name),)* _ => None }
            }
        }
    };
}

rejects! {
    UnknownInstrument = 1101, "unknown_instrument", "use an instrument that the house has imported";
    UnknownAccount = 1102, "unknown_account", "open the account first";
    UnknownGroup = 1103, "unknown_group", "import the group first";
    UnknownOrder = 1104, "unknown_order", "look up the order's id";
    UnknownPosition = 1105, "unknown_position", "look up the position's id; it may be closed already";
    UnknownLink = 1106, "unknown_link", "configure the broker link first";
    UnknownCurrency = 1107, "unknown_currency", "import the currency first";
    UnknownSource = 1108, "unknown_source", "configure the price source first";
    UnknownTiers = 1109, "unknown_leverage_rules", "import the set of leverage rules first";
    QtyNotPositive = 1201, "qty_not_positive", "give a quantity above zero";
    QtyMin = 1202, "qty_below_minimum", "raise the quantity to the instrument's minimum";
    QtyMax = 1203, "qty_above_maximum", "split the order";
    QtyStep = 1204, "qty_not_a_step", "use a multiple of the lot step";
    PriceMissing = 1205, "price_missing", "give the price this order kind needs";
    PriceTick = 1206, "price_not_a_tick", "use a multiple of the tick size";
    PriceNotPositive = 1207, "price_not_positive", "give a price above zero";
    PriceSide = 1208, "price_on_the_wrong_side", "put the price on the other side of the market";
    NotionalMax = 1209, "notional_above_maximum", "split the order";
    PriceCollar = 1210, "price_collar", "move the price nearer to the market";
    ExpiryPast = 1211, "expiry_in_the_past", "give an expiry later than now";
    Overflow = 1212, "number_too_large", "give smaller numbers";
    NetExposureLimit = 2001, "net_exposure_limit", "reduce exposure, or have two people raise the limit";
    GrossExposureLimit = 2002, "gross_exposure_limit", "reduce exposure, or have two people raise the limit";
    PositionLimit = 2003, "position_limit", "reduce the position, or have two people raise the limit";
    OrderRate = 2010, "order_rate", "wait until the rate window has passed";
    Duplicate = 2011, "duplicate_order", "wait, or change the order if it is meant";
    RepeatedExecution = 2012, "repeated_execution", "have a named person look at it and enable it again";
    StalePrice = 2101, "stale_price", "wait for a live price";
    PriceUnavailable = 2102, "price_unavailable", "wait for the feed; closing goes to the broker's price";
    SessionClosed = 2103, "closed_session", "wait for the session to open";
    RateMissing = 2104, "conversion_rate_missing", "wait for the conversion rate";
    PriceNone = 2105, "no_price", "wait for the first price";
    VolatilityHalt = 2106, "volatility_halt", "wait for the halt to end; closing goes on";
    Margin = 2201, "not_enough_margin", "deposit, reduce positions, or order less";
    Restricted = 2202, "account_restricted", "deposit or reduce until the level is above the restriction; then acknowledge the risk";
    StoppingOut = 2203, "account_in_stop_out", "wait for the stop-out to end, then deposit";
    RiskNotAcknowledged = 2204, "risk_not_acknowledged", "acknowledge the risk notice";
    UnderReview = 2205, "account_under_review", "wait for the review; closing goes on";
    LevelUnknown = 2206, "margin_level_unknown", "wait for the conversion rate";
    CallStep = 2207, "margin_call_step", "follow the margin call's steps: confirm, log in, acknowledge the risk";
    NotStoppedOut = 2208, "not_stopped_out", "nothing: the account recovered before the close was sent";
    MarginPriceZero = 2209, "margin_price_zero", "wait for a price other than zero: margin is computed from it";
    NotClosing = 3001, "order_does_not_close", "name a position and at most its open volume";
    CloseCovered = 3002, "close_already_covered", "cancel the closing order that covers the volume";
    PositionOnNetting = 3003, "position_on_netting_account", "leave the position out on a netting account";
    OrderFinal = 3004, "order_already_final", "nothing: the order has ended";
    TradeMode = 3005, "trade_mode", "the instrument's terms allow other orders only";
    NotTightening = 3006, "protection_not_tightened", "move the protective price towards the market only";
    InsufficientFunds = 3007, "insufficient_funds", "withdraw at most the free margin";
    Unbooked = 3008, "execution_not_booked", "have a named person settle it with the broker";
    UnbookedCount = 3009, "unbooked_executions_differ", "look at the order again, and settle as many executions as it shows";
    ApproverMissing = 4001, "second_person_missing", "have a second person approve";
    ApproverSame = 4002, "second_person_is_the_first", "have somebody else approve";
    PersonMissing = 4003, "named_person_missing", "have a named person do it";
    LoggedOut = 4010, "logged_out", "log in again; the desk may close by telephone";
    TermsInvalid = 5001, "terms_invalid", "correct the terms; nothing was changed";
    TermsInUse = 5002, "terms_in_use", "digits and currencies are fixed once the instrument or account is used, and its link while positions stand whose prices a broker holds";
    AlreadyExists = 5003, "already_exists", "use the existing one";
    TiersContradict = 5004, "leverage_rules_contradict", "let bands rise to one without an end, and no rule follow one for all instruments";
    TermsOverflow = 5005, "terms_too_large", "give smaller sizes or fewer digits";
    TermsNotPositive = 5006, "terms_not_positive", "give a margin above zero; a rate of an order kind switches a charge off";
    WindowInvalid = 5007, "requirement_window_invalid", "let the window end after it begins and after now, with a factor of 100 % or more";
    LevelsContradict = 5008, "levels_contradict", "let the levels fall from the warning over the restriction to the stop-out; where a group's stop-out is in money or OANDA's there is no level of it to change";
    HedgeOnNetting = 5009, "hedge_rule_on_netting_account", "leave the hedge rule out: a netting account holds one side";
    BracketsNotRising = 5021, "brackets_not_rising", "let floors and rates of the brackets rise, and their leverage fall";
    BracketsGap = 5022, "brackets_leave_a_gap", "begin the first bracket at zero";
    BracketAmount = 5023, "bracket_amount_does_not_follow", "give floor × (rate − rate before) + amount before";
    ScheduleInvalid = 5024, "margin_schedule_invalid", "give rates in (0 %, 100 %], initial not below maintenance, caps that rise";
    ReadOnly = 9001, "broker_read_only", "wait for the broker link; closes are queued";
    Recovering = 9002, "broker_recovering", "wait for the reconciliation";
    CloseOnly = 9003, "close_only", "the desk lifts close-only";
    Halted = 9004, "halted", "the desk lifts the halt";
    Killed = 9005, "kill_switch", "two people release the kill switch";
    Reducing = 9006, "reducing_only", "give an order that does not enlarge the net position";
    JournalPoisoned = 9010, "journal_poisoned", "call the desk; restart on a good disk";
    Busy = 9011, "busy", "send it again in a moment";
}

impl Codec for Reject {
    const NAME: &'static str = "Reject";
    const BYTES_MIN: usize = 2;

    fn put(&self, out: &mut Vec<u8>) {
        self.code().put(out);
    }

    fn get(input: &mut &[u8]) -> Result<Self, CodecError> {
        let code = u16::get(input)?;
        Reject::from_code(code).ok_or(CodecError::new(
            Self::NAME,
            CodecFault::UnknownTag(u64::from(code)),
        ))
    }

    fn tell(&self, json: &mut String) {
        self.code().tell(json);
    }
}

/// All reasons of an answer; empty means accepted.
pub type Reasons = Vec<Reject>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_names_are_unique() {
        let mut names = std::collections::BTreeSet::new();
        for pair in Reject::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code());
        }
        for reject in Reject::ALL {
            assert!(names.insert(reject.name()));
            assert_eq!(Reject::from_code(reject.code()), Some(*reject));
        }
    }
}
