//! Monitoring of money and trades (decisions 8.2): pure functions over what was moved and dealt. The database hands them
//! the facts of one client; they say what is remarkable.

mod linked;
mod movements;

use serde_json::{Map, Value};
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

pub use linked::{LinkedDeal, linked};
pub use movements::judge;

/// An hour and a day in nanoseconds.
const HOUR_NS: u64 = 3_600 * SECOND_NS;
pub(super) const DAY_NS: u64 = 24 * HOUR_NS;

/// A dollar in cents.
const DOLLAR: i64 = 100;

/// More than so much in one movement, or in a day, is looked at: cents of a dollar.
pub const LARGE: i64 = 10_000 * DOLLAR;
/// More than so much in [`MONTH_NS`].
pub const MONTH: i64 = 30_000 * DOLLAR;
/// Thirty days.
pub const MONTH_NS: u64 = 30 * DAY_NS;
/// From here up to [`LARGE`] a movement may be one of a split sum.
pub const SPLIT_FROM: i64 = 8_000 * DOLLAR;
/// So many of them within [`SPLIT_NS`].
pub const SPLIT_COUNT: usize = 3;
/// Seven days.
pub const SPLIT_NS: u64 = 7 * DAY_NS;
/// More than so much of a deposit taken out again, percent.
pub const THROUGH_PCT: i64 = 80;
/// Within so long.
pub const THROUGH_NS: u64 = 72 * HOUR_NS;
/// With less than one lot traded, millionths of a lot.
pub const THROUGH_LOTS: i64 = 1_000_000;
/// More movements than this within a day.
pub const VELOCITY_COUNT: usize = 10;
/// Without any movement or deal for so long a client is dormant.
pub const DORMANT_NS: u64 = 180 * DAY_NS;
/// How far back movements are needed at most.
pub const HISTORY_NS: u64 = MONTH_NS;

/// Which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// More than [`LARGE`] at once.
    LargeMovement,
    /// More than [`LARGE`] within a day.
    DayTotal,
    /// More than [`MONTH`] within thirty days.
    MonthTotal,
    /// [`SPLIT_COUNT`] movements just below [`LARGE`].
    Structuring,
    /// In and out again without trading.
    DepositThenWithdraw,
    /// Somebody else pays, or is paid.
    ThirdPartyPayer,
    /// More than [`VELOCITY_COUNT`] movements within a day.
    Velocity,
    /// Money moves after half a year of silence.
    DormantWakes,
    /// Linked accounts deal against each other.
    LinkedOpposite,
    /// The client may stand on a list.
    Sanctions,
}

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To be known.
    Low,
    /// To be looked at.
    Medium,
    /// Stops money until it is decided.
    High,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 10] = [
        Rule::LargeMovement,
        Rule::DayTotal,
        Rule::MonthTotal,
        Rule::Structuring,
        Rule::DepositThenWithdraw,
        Rule::ThirdPartyPayer,
        Rule::Velocity,
        Rule::DormantWakes,
        Rule::LinkedOpposite,
        Rule::Sanctions,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Rule::LargeMovement => "large_movement",
            Rule::DayTotal => "day_total",
            Rule::MonthTotal => "month_total",
            Rule::Structuring => "structuring",
            Rule::DepositThenWithdraw => "deposit_then_withdraw",
            Rule::ThirdPartyPayer => "third_party_payer",
            Rule::Velocity => "velocity",
            Rule::DormantWakes => "dormant_wakes",
            Rule::LinkedOpposite => "linked_opposite",
            Rule::Sanctions => "sanctions",
        }
    }

    /// The rule of that name.
    pub fn parse(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// How bad it is. What is High stops withdrawals until its case is decided.
    pub fn severity(self) -> Severity {
        match self {
            Rule::LargeMovement | Rule::DayTotal | Rule::MonthTotal | Rule::Velocity => {
                Severity::Low
            }
            Rule::DormantWakes => Severity::Medium,
            Rule::Structuring
            | Rule::DepositThenWithdraw
            | Rule::ThirdPartyPayer
            | Rule::LinkedOpposite
            | Rule::Sanctions => Severity::High,
        }
    }
}

impl Severity {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }

    /// The severity of that name; an unknown one is the highest.
    pub fn parse(name: &str) -> Severity {
        [Severity::Low, Severity::Medium]
            .into_iter()
            .find(|severity| severity.name() == name)
            .unwrap_or(Severity::High)
    }
}

/// Into or out of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A deposit.
    In,
    /// A withdrawal.
    Out,
}

impl Way {
    /// The way of a kind of request; a correction has none.
    pub fn of_kind(kind: &str) -> Option<Way> {
        match kind {
            "deposit" => Some(Way::In),
            "withdrawal" => Some(Way::Out),
            _ => None,
        }
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Way::In => "in",
            Way::Out => "out",
        }
    }
}

/// Whose the money is on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// The client.
    Client,
    /// Somebody else.
    Other,
    /// Not told.
    Unknown,
}

/// Money that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Its request.
    pub id: Uuid,
    /// Which way.
    pub way: Way,
    /// How much, cents of a dollar, above zero.
    pub usd_cents: i64,
    /// When.
    pub at: Ts,
    /// Whose.
    pub payer: Payer,
}

/// A deal of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deal {
    /// When.
    pub at: Ts,
    /// Millionths of a lot.
    pub lots: i64,
}

/// Something that was told about a movement before and that nobody has decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which rule said so.
    pub rule: Rule,
    /// Which way the movement went.
    pub way: Way,
    /// When it was asked for.
    pub at: Ts,
}

/// What is remarkable about a movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Which rule said so.
    pub rule: Rule,
    /// In words, with the numbers; names nobody.
    pub detail: String,
    /// The numbers of `detail` by name, for whoever says it in another language: amounts as plain decimals.
    pub figures: Map<String, Value>,
    /// The movements it rests on.
    pub evidence: Vec<Uuid>,
}

/// Figures by their names.
fn figures<const N: usize>(of: [(&str, Value); N]) -> Map<String, Value> {
    of.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Cents as a plain decimal, as amounts are on the wire: `11000.00`.
fn usd(cents: i64) -> Value {
    dollars(cents).replace(',', "").into()
}

/// Cents as dollars: `11,000.00`.
pub fn dollars(cents: i64) -> String {
    let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    let digits = whole.to_string();
    let mut text = String::new();
    if cents < 0 {
        text.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text}.{rest:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_read_it() {
        for (cents, text) in [
            (1_100_000, "11,000.00"),
            (5, "0.05"),
            (99_999, "999.99"),
            (123_456_789, "1,234,567.89"),
            (-100_000, "-1,000.00"),
        ] {
            assert_eq!(dollars(cents), text);
        }
    }

    #[test]
    fn names_of_rules_are_unique() {
        let names: std::collections::BTreeSet<&str> =
            Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert_eq!(Rule::parse(rule.name()), Some(rule));
        }
    }
}
