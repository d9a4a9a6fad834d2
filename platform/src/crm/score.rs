//! The score of a lead: a pure function of facts. Each fact has a source, an instant and a proof, and may be withdrawn; the score
//! is counted anew from what stands, so merged leads cannot count anything twice.

use siaga_risk::units::Ts;

use crate::calendar::DAY_NS;

/// From so many points on a lead is qualified by marketing (E2.27).
pub const MQL: u8 = 60;

/// From so many points on a lead is qualified for sales (E2.28).
pub const SQL: u8 = 80;

/// Above so many points the manager is told (E2.46): exactly 80 is qualified for sales and tells nobody.
pub const TOLD_ABOVE: u8 = 80;

/// A sign of interest counts as active for so long: a week's silence is not engagement.
pub const ENGAGED_NS: u64 = 7 * DAY_NS;

/// What is known of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FactKind {
    /// The full name was given.
    Name,
    /// A code sent to the number came back.
    PhoneVerified,
    /// The domain of the address takes mail.
    EmailDeliverable,
    /// The city is known.
    City,
    /// An interest was chosen.
    Interest,
    /// Where the lead came from is known.
    Source,
    /// Wrote, came to a meeting, opened the demo.
    Engaged,
    /// The budget was confirmed.
    BudgetConfirmed,
}

impl FactKind {
    /// Every kind.
    pub const ALL: [FactKind; 8] = [
        FactKind::Name,
        FactKind::PhoneVerified,
        FactKind::EmailDeliverable,
        FactKind::City,
        FactKind::Interest,
        FactKind::Source,
        FactKind::Engaged,
        FactKind::BudgetConfirmed,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            FactKind::Name => "name",
            FactKind::PhoneVerified => "phone_verified",
            FactKind::EmailDeliverable => "email_deliverable",
            FactKind::City => "city",
            FactKind::Interest => "interest",
            FactKind::Source => "source",
            FactKind::Engaged => "engaged",
            FactKind::BudgetConfirmed => "budget_confirmed",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<FactKind> {
        FactKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its points (E2.20-E2.25); they sum to 100.
    pub fn points(self) -> u8 {
        match self {
            FactKind::Name => 15,
            FactKind::PhoneVerified => 25,
            FactKind::EmailDeliverable | FactKind::Interest => 20,
            FactKind::City | FactKind::Source => 10,
            FactKind::Engaged | FactKind::BudgetConfirmed => 0,
        }
    }

    /// Given by a check of the program alone, never typed by a person.
    pub fn is_checked(self) -> bool {
        matches!(self, FactKind::PhoneVerified | FactKind::EmailDeliverable)
    }
}

/// A fact as far as the score looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What.
    pub kind: FactKind,
    /// Since when it is known.
    pub at: Ts,
    /// When it was withdrawn.
    pub withdrawn: Option<Ts>,
}

/// How far a lead is qualified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Not yet.
    None,
    /// By marketing.
    Mql,
    /// For sales.
    Sql,
}

impl Band {
    /// The band of a total.
    pub fn of(total: u8) -> Band {
        match total {
            SQL.. => Band::Sql,
            MQL.. => Band::Mql,
            _ => Band::None,
        }
    }

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Band::None => "none",
            Band::Mql => "mql",
            Band::Sql => "sql",
        }
    }

    /// The band of that name.
    pub fn parse(name: &str) -> Option<Band> {
        [Band::None, Band::Mql, Band::Sql]
            .into_iter()
            .find(|band| band.name() == name)
    }
}

/// What the facts come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// 0 to 100.
    pub total: u8,
    /// How far qualified.
    pub band: Band,
    /// Until when the newest sign of interest counts.
    pub engaged_until: Option<Ts>,
    /// The budget was confirmed.
    pub budget_confirmed: bool,
    /// Points of each kind that has any: got, and possible.
    pub parts: Vec<(FactKind, u8, u8)>,
}

impl Score {
    /// Whether the lead is hot at `now` (decides 9.07: either definition is enough).
    pub fn is_hot(&self, now: Ts) -> bool {
        is_hot(self.total, self.engaged_until, self.budget_confirmed, now)
    }
}

/// Qualified for sales and active, or with a confirmed budget.
pub fn is_hot(total: u8, engaged_until: Option<Ts>, budget_confirmed: bool, now: Ts) -> bool {
    let active = engaged_until.is_some_and(|until| now < until);
    budget_confirmed || (Band::of(total) == Band::Sql && active)
}

/// The score of facts at `now`. Facts of the future do not count yet; a kind counts once.
pub fn score(facts: &[Fact], now: Ts) -> Score {
    let stands = |fact: &&Fact| fact.at <= now && fact.withdrawn.is_none_or(|at| now < at);
    let has = |kind: FactKind| facts.iter().filter(stands).any(|fact| fact.kind == kind);
    let parts: Vec<(FactKind, u8, u8)> = FactKind::ALL
        .into_iter()
        .filter(|kind| kind.points() > 0)
        .map(|kind| {
            (
                kind,
                if has(kind) { kind.points() } else { 0 },
                kind.points(),
            )
        })
        .collect();
    let total = parts.iter().map(|(_, got, _)| *got).sum();
    let engaged = facts
        .iter()
        .filter(stands)
        .filter(|fact| fact.kind == FactKind::Engaged);
    Score {
        total,
        band: Band::of(total),
        engaged_until: engaged.map(|fact| fact.at.plus(ENGAGED_NS)).max(),
        budget_confirmed: has(FactKind::BudgetConfirmed),
        parts,
    }
}

/// Whether the manager is told now: the score went from 80 or below to above 80.
pub fn crossed(before: u8, after: u8) -> bool {
    before <= TOLD_ABOVE && after > TOLD_ABOVE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Ts = Ts(1_000 * DAY_NS);

    fn facts(kinds: &[FactKind]) -> Vec<Fact> {
        let fact = |&kind| Fact {
            kind,
            at: Ts(DAY_NS),
            withdrawn: None,
        };
        kinds.iter().map(fact).collect()
    }

    #[test]
    fn weights_are_as_published_and_sum_to_a_hundred() {
        use FactKind::*;
        let expected = [
            (Name, 15),
            (PhoneVerified, 25),
            (EmailDeliverable, 20),
            (City, 10),
            (Interest, 20),
            (Source, 10),
        ];
        for (kind, points) in expected {
            assert_eq!(score(&facts(&[kind]), NOW).total, points, "{kind:?}");
        }
        assert_eq!(score(&facts(&FactKind::ALL), NOW).total, 100);
        assert_eq!(score(&[], NOW).total, 0);
    }

    #[test]
    fn qualification_begins_at_sixty_and_at_eighty() {
        use FactKind::*;
        // 55 and 60, 75 and 80 points.
        for (kinds, total, band) in [
            (
                vec![PhoneVerified, EmailDeliverable, Source],
                55,
                Band::None,
            ),
            (vec![PhoneVerified, Name, Interest], 60, Band::Mql),
            (
                vec![PhoneVerified, EmailDeliverable, Interest, City],
                75,
                Band::Mql,
            ),
            (
                vec![PhoneVerified, EmailDeliverable, Interest, Name],
                80,
                Band::Sql,
            ),
        ] {
            let score = score(&facts(&kinds), NOW);
            assert_eq!((score.total, score.band), (total, band));
        }
        for (total, band) in [
            (59, Band::None),
            (60, Band::Mql),
            (79, Band::Mql),
            (80, Band::Sql),
            (100, Band::Sql),
        ] {
            assert_eq!(Band::of(total), band, "{total}");
        }
    }

    #[test]
    fn the_manager_is_told_once_for_each_upward_crossing_of_eighty() {
        let told = |scores: &[u8]| {
            scores
                .windows(2)
                .filter(|pair| crossed(pair[0], pair[1]))
                .count()
        };
        assert_eq!(
            told(&[0, 60, 80]),
            0,
            "exactly 80 is qualified and tells nobody"
        );
        assert_eq!(told(&[0, 80, 90]), 1);
        assert_eq!(
            told(&[0, 90, 100, 90]),
            1,
            "staying above tells nothing anew"
        );
        assert_eq!(told(&[0, 90, 65, 80, 81, 81]), 2, "fallen and risen again");
    }

    #[test]
    fn hot_is_qualified_and_active_or_a_confirmed_budget() {
        use FactKind::*;
        let sql = [PhoneVerified, EmailDeliverable, Interest, Name];
        assert!(
            !score(&facts(&sql), NOW).is_hot(NOW),
            "qualified and silent"
        );
        let mut active = facts(&sql);
        active.push(Fact {
            kind: Engaged,
            at: Ts(NOW.0 - ENGAGED_NS + 1),
            withdrawn: None,
        });
        assert!(score(&active, NOW).is_hot(NOW));
        assert!(
            !score(&active, NOW).is_hot(NOW.plus(1)),
            "a week of silence ends it"
        );
        let mut mql = facts(&[PhoneVerified, EmailDeliverable, Interest]);
        mql.push(Fact {
            kind: Engaged,
            at: NOW,
            withdrawn: None,
        });
        assert!(
            !score(&mql, NOW).is_hot(NOW),
            "active and not qualified for sales"
        );
        assert!(score(&facts(&[BudgetConfirmed]), NOW).is_hot(NOW));
    }

    proptest! {
        #[test]
        fn facts_count_once_in_any_order_and_never_beyond_a_hundred(
            drawn in proptest::collection::vec((0usize..8, 0u64..2_000, proptest::option::of(0u64..2_000)), 0..40)
        ) {
            let facts: Vec<Fact> = drawn
                .iter()
                .map(|&(kind, at, withdrawn)| Fact {
                    kind: FactKind::ALL[kind],
                    at: Ts(at * DAY_NS),
                    withdrawn: withdrawn.map(|day| Ts(day * DAY_NS)),
                })
                .collect();
            let whole = score(&facts, NOW);
            prop_assert!(whole.total <= 100);
            prop_assert_eq!(whole.parts.iter().map(|part| u32::from(part.1)).sum::<u32>(), u32::from(whole.total));
            let mut doubled = facts.clone();
            doubled.extend(facts.iter().rev().copied());
            prop_assert_eq!(&score(&doubled, NOW), &whole);
            let mut without = facts;
            if without.pop().is_some() {
                prop_assert!(score(&without, NOW).total <= whole.total, "a fact takes nothing away");
            }
        }
    }
}
