//! How long a document must still run.

use jiff::ToSpan;
use jiff::civil::Date;

/// A document with this many months or fewer to run is refused (E3.38).
pub const MONTHS_MIN: i32 = 6;

/// Until when a document is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// An identity card of a citizen: `SEUMUR HIDUP`.
    ForLife,
    /// Its last day.
    On(Date),
}

/// How a card says that it is valid for life.
pub const FOR_LIFE: &str = "SEUMUR HIDUP";

impl Expiry {
    /// From a day (`YYYY-MM-DD`) or [`FOR_LIFE`].
    pub fn parse(text: &str) -> Option<Expiry> {
        if text.trim().eq_ignore_ascii_case(FOR_LIFE) {
            return Some(Expiry::ForLife);
        }
        text.trim().parse().ok().map(Expiry::On)
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// More than six months left.
    Fine,
    /// Six months or less.
    TooShort,
    /// Its last day was before today.
    Over,
}

/// How `expiry` stands on `today`.
pub fn term(expiry: Expiry, today: Date) -> Term {
    let Expiry::On(last) = expiry else {
        return Term::Fine;
    };
    if last < today {
        return Term::Over;
    }
    // A day that the sixth month does not have is its last one.
    match today.checked_add(MONTHS_MIN.months()) {
        Ok(limit) if last > limit => Term::Fine,
        _ => Term::TooShort,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a day")
    }

    #[test]
    fn more_than_six_months_are_wanted_and_a_card_for_life_never_ends() {
        let today = day("2026-08-31");
        for (last, expected) in [
            ("2026-08-30", Term::Over),
            ("2026-08-31", Term::TooShort),
            ("2027-02-28", Term::TooShort),
            ("2027-03-01", Term::Fine),
            ("2036-01-01", Term::Fine),
        ] {
            assert_eq!(term(Expiry::On(day(last)), today), expected, "{last}");
        }
        assert_eq!(term(Expiry::ForLife, today), Term::Fine);
    }
}
