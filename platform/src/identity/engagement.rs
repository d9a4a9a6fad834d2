//! How often somebody comes and what they do then, as a pure function of facts that are kept for other reasons: their
//! sessions, their orders, their deposits. The score itself is kept nowhere.

use std::collections::BTreeSet;

use siaga_risk::units::{DAY_NS, Ts};

use crate::calendar::{date_of, midnight};

/// Days that count, today among them: four weeks, so that a frequency by the week is exact.
pub const DAYS: u64 = 28;

/// Rows of a kind that are looked at: several times what the score counts at most.
pub const ROWS_MAX: i64 = 500;

/// A last sign-in of fewer days ago counts whole, one within [`DAYS`] half.
const RECENT_DAYS: u64 = 7;

/// Points of one, and the most of a kind; the most of all come to 100.
const SIGN_IN_DAY: (u32, u8) = (2, 40);
const ORDER: (u32, u8) = (3, 30);
const DEPOSIT: (u32, u8) = (10, 20);
const LAST_SIGN_IN_MAX: u8 = 10;

/// What somebody did since [`since`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// When they signed in, newest first; at most [`ROWS_MAX`].
    pub sign_ins: Vec<Ts>,
    /// The last time they ever did.
    pub last_sign_in: Option<Ts>,
    /// Orders of their own, on all their accounts.
    pub orders: u32,
    /// Deposits that were confirmed.
    pub deposits: u32,
}

/// What points are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Days with a sign-in.
    SignInDays,
    /// How many days ago the last one was.
    LastSignIn,
    /// Orders.
    Orders,
    /// Deposits.
    Deposits,
}

impl Reason {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Reason::SignInDays => "sign_in_days",
            Reason::LastSignIn => "last_sign_in",
            Reason::Orders => "orders",
            Reason::Deposits => "deposits",
        }
    }
}

/// One part of the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What for.
    pub reason: Reason,
    /// How many there were; of [`Reason::LastSignIn`] days since then, `None` when there never was one.
    pub count: Option<u32>,
    /// Its points.
    pub points: u8,
    /// Of at most.
    pub of: u8,
}

/// What activity comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engagement {
    /// 0 to 100: the sum of the parts.
    pub score: u8,
    /// The parts.
    pub parts: [Part; 4],
    /// Days with a sign-in, of [`DAYS`].
    pub sign_in_days: u32,
}

impl Engagement {
    /// Days with a sign-in in a week, in hundredths.
    pub fn weekly_hundredths(&self) -> i64 {
        i64::from(self.sign_in_days) * 700 / DAYS.cast_signed()
    }
}

/// Since when activity counts: the beginning of the first of [`DAYS`] days in the house's calendar.
pub fn since(now: Ts) -> Ts {
    let today = midnight(date_of(now));
    Ts(today.0.saturating_sub((DAYS - 1) * DAY_NS))
}

/// What `activity` comes to at `now`.
pub fn engagement(activity: &Activity, now: Ts) -> Engagement {
    let counting = activity.sign_ins.iter().filter(|at| **at >= since(now));
    let days: BTreeSet<_> = counting.map(|at| date_of(*at)).collect();
    let sign_in_days = u32::try_from(days.len()).unwrap_or(u32::MAX);
    let ago = activity
        .last_sign_in
        .map(|last| midnight(date_of(now)).since(midnight(date_of(last))) / DAY_NS);
    let recent = match ago {
        Some(days) if days < RECENT_DAYS => LAST_SIGN_IN_MAX,
        Some(days) if days < DAYS => LAST_SIGN_IN_MAX / 2,
        _ => 0,
    };
    let parts = [
        counted(Reason::SignInDays, sign_in_days, SIGN_IN_DAY),
        Part {
            reason: Reason::LastSignIn,
            count: ago.map(|days| u32::try_from(days).unwrap_or(u32::MAX)),
            points: recent,
            of: LAST_SIGN_IN_MAX,
        },
        counted(Reason::Orders, activity.orders, ORDER),
        counted(Reason::Deposits, activity.deposits, DEPOSIT),
    ];
    Engagement {
        score: parts.iter().map(|part| part.points).sum(),
        parts,
        sign_in_days,
    }
}

fn counted(reason: Reason, count: u32, (each, of): (u32, u8)) -> Part {
    Part {
        reason,
        count: Some(count),
        points: u8::try_from(count.saturating_mul(each)).map_or(of, |points| points.min(of)),
        of,
    }
}

#[cfg(test)]
mod tests {
    use siaga_risk::units::HOUR_NS;

    use super::*;

    /// 15 November 2026, 15:00 in Jakarta.
    const NOW: Ts = Ts(1_794_729_600_000_000_000);

    fn ago(hours: u64) -> Ts {
        Ts(NOW.0 - hours * HOUR_NS)
    }

    fn points(activity: &Activity) -> [u8; 4] {
        engagement(activity, NOW).parts.map(|part| part.points)
    }

    #[test]
    fn who_never_came_has_nothing_and_who_does_all_has_a_hundred() {
        let nothing = engagement(&Activity::default(), NOW);
        assert_eq!(nothing.score, 0);
        assert_eq!(
            nothing.parts[1].count, None,
            "there is no last sign-in to count from"
        );
        let all = Activity {
            sign_ins: (0..28).map(|day| ago(day * 24)).collect(),
            last_sign_in: Some(NOW),
            orders: 500,
            deposits: u32::MAX,
        };
        let all = engagement(&all, NOW);
        assert_eq!((all.score, all.weekly_hundredths()), (100, 700));
        assert!(all.parts.iter().all(|part| part.points == part.of));
    }

    #[test]
    fn a_day_counts_once_and_begins_at_midnight_in_jakarta() {
        // 15:00 today and 14 hours before it are one day; 16 hours before it is yesterday.
        let twice = Activity {
            sign_ins: vec![NOW, ago(14)],
            last_sign_in: Some(NOW),
            ..Activity::default()
        };
        assert_eq!(engagement(&twice, NOW).sign_in_days, 1);
        let thrice = Activity {
            sign_ins: vec![NOW, ago(14), ago(16)],
            ..twice
        };
        let thrice = engagement(&thrice, NOW);
        assert_eq!((thrice.sign_in_days, thrice.weekly_hundredths()), (2, 50));
    }

    #[test]
    fn what_is_older_than_four_weeks_does_not_count() {
        let first = since(NOW);
        for (at, days) in [(first, 1), (Ts(first.0 - 1), 0)] {
            let once = Activity {
                sign_ins: vec![at],
                ..Activity::default()
            };
            assert_eq!(engagement(&once, NOW).sign_in_days, days);
        }
    }

    #[test]
    fn each_part_is_explained_by_its_count() {
        let some = Activity {
            sign_ins: vec![ago(8 * 24), ago(9 * 24)],
            last_sign_in: Some(ago(8 * 24)),
            orders: 4,
            deposits: 1,
        };
        assert_eq!(points(&some), [4, 5, 12, 10]);
        let counts = engagement(&some, NOW).parts.map(|part| part.count);
        assert_eq!(counts, [Some(2), Some(8), Some(4), Some(1)]);
        for (days, expected) in [(6, 10), (7, 5), (27, 5), (28, 0)] {
            let last = Activity {
                last_sign_in: Some(ago(days * 24)),
                ..Activity::default()
            };
            assert_eq!(points(&last)[1], expected, "{days} days ago");
        }
    }
}
