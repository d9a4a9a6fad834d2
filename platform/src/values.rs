//! How values of the core stand in PostgreSQL: names as `snake_case`, instants as `timestamptz`,
//! unsigned numbers as `bigint`.

use std::fmt::Debug;

use jiff::Timestamp;
use siaga_risk::units::Ts;

/// The stored name of a variant without fields: `PartlyFilled` is `partly_filled`.
pub fn word(variant: &impl Debug) -> String {
    let name = format!("{variant:?}");
    let mut word = String::with_capacity(name.len() + 4);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// An instant of the core, to the microsecond PostgreSQL keeps.
pub fn instant(ts: Ts) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(ts.0)).unwrap_or(Timestamp::MAX)
}

/// An instant to bind.
pub fn bound(ts: Ts) -> jiff_sqlx::Timestamp {
    jiff_sqlx::Timestamp::from(instant(ts))
}

/// A count or a sequence as `bigint`; none in use comes near the end.
pub fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A hash as the `bigint` of the same bits.
pub fn hash(bits: u64) -> i64 {
    bits.cast_signed()
}

#[cfg(test)]
mod tests {
    use siaga_risk::event::{CashKind, OrderKind, OrderState, Origin, Side, Tif};

    use super::*;

    /// Stored names are a contract with the rows already written: a renamed variant needs a migration.
    #[test]
    fn stored_names_do_not_change_with_the_code() {
        use OrderState::*;
        let states = [
            Pending,
            Submitted,
            Working,
            PartlyFilled,
            Filled,
            Cancelled,
            Rejected,
            Expired,
            Queued,
            InDoubt,
            Returned,
            Cancelling,
        ];
        assert_eq!(
            states.map(|state| word(&state)),
            [
                "pending",
                "submitted",
                "working",
                "partly_filled",
                "filled",
                "cancelled",
                "rejected",
                "expired",
                "queued",
                "in_doubt",
                "returned",
                "cancelling"
            ]
        );
        assert_eq!(
            [Side::Buy, Side::Sell].map(|side| word(&side)),
            ["buy", "sell"]
        );
        assert_eq!(
            [
                OrderKind::Market,
                OrderKind::Limit,
                OrderKind::Stop,
                OrderKind::StopLimit
            ]
            .map(|kind| word(&kind)),
            ["market", "limit", "stop", "stop_limit"]
        );
        assert_eq!(
            [Tif::Gtc, Tif::Day, Tif::Ioc, Tif::Fok, Tif::Gtd].map(|tif| word(&tif)),
            ["gtc", "day", "ioc", "fok", "gtd"]
        );
        assert_eq!(
            [
                Origin::Client,
                Origin::StopLoss,
                Origin::TakeProfit,
                Origin::Trailing,
                Origin::StopOut,
                Origin::KillSwitch,
                Origin::System,
                Origin::Broker
            ]
            .map(|origin| word(&origin)),
            [
                "client",
                "stop_loss",
                "take_profit",
                "trailing",
                "stop_out",
                "kill_switch",
                "system",
                "broker"
            ]
        );
        assert_eq!(
            [
                CashKind::Deposit,
                CashKind::Withdrawal,
                CashKind::Correction,
                CashKind::Credit
            ]
            .map(|kind| word(&kind)),
            ["deposit", "withdrawal", "correction", "credit"]
        );
    }

    #[test]
    fn instants_keep_their_microseconds() {
        let ts = Ts(1_744_156_800_123_456_789);
        assert_eq!(instant(ts).as_microsecond(), 1_744_156_800_123_456);
        assert_eq!(
            instant(Ts(u64::MAX)),
            Timestamp::from_nanosecond(i128::from(u64::MAX)).expect("year 2554")
        );
    }
}
