//! The life of a case: one table of moves.

use siaga_risk::units::SECOND_NS;

use super::faults::{CASE_MOVE, HITS_OPEN, REASON, REPORT_MOVE};
use crate::refusal::{FOUR_EYES, Refusal};

/// Shortest reason that says something, characters.
pub const REASON_MIN: usize = 5;
/// Longest.
pub const REASON_MAX: usize = 4_000;

/// A case that was cleared so short ago is opened again by what comes after; later, another one is: the investigation of a
/// month is still at hand.
pub const REOPEN_NS: u64 = 30 * 24 * 3_600 * SECOND_NS;

/// Where a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nobody works on it yet.
    Open,
    /// Somebody does.
    Investigating,
    /// A second person is asked.
    Escalated,
    /// It was nothing.
    Cleared,
    /// It is so.
    Confirmed,
    /// The authority knows.
    Reported,
}

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseKind {
    /// The client may stand on a list.
    Sanctions,
    /// The client's money moves in a remarkable way.
    Transactions,
}

/// Who moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A person.
    Person,
    /// A report was filed.
    Filed,
    /// Something new was seen within [`REOPEN_NS`].
    Alert,
}

/// What a decision needs to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Hits nobody decided on.
    pub hits_open: u64,
    /// Hits that are the client.
    pub hits_same: u64,
    /// The person who wants to move it asked for the second person.
    pub escalated_it: bool,
    /// A report about it is written or waits.
    pub report_live: bool,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 6] = [
        Status::Open,
        Status::Investigating,
        Status::Escalated,
        Status::Cleared,
        Status::Confirmed,
        Status::Reported,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Investigating => "investigating",
            Status::Escalated => "escalated",
            Status::Cleared => "cleared",
            Status::Confirmed => "confirmed",
            Status::Reported => "reported",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// It is under way.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Status::Open | Status::Investigating | Status::Escalated
        )
    }
}

impl CaseKind {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            CaseKind::Sanctions => "sanctions",
            CaseKind::Transactions => "transactions",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<CaseKind> {
        [CaseKind::Sanctions, CaseKind::Transactions]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Whether the table has the move.
pub fn has_move(from: Status, to: Status, cause: Cause) -> bool {
    use Status::*;
    match (cause, from, to) {
        (Cause::Person, Open, Investigating | Escalated)
        | (Cause::Person, Investigating, Open | Escalated | Cleared | Confirmed)
        | (Cause::Person, Escalated, Investigating | Cleared | Confirmed)
        // A mistake has a way back, over a second person.
        | (Cause::Person, Confirmed, Escalated)
        | (Cause::Filed, Investigating | Escalated | Confirmed, Reported)
        // What was found true stands; what comes after opens another.
        | (Cause::Alert, Cleared, Open) => true,
        _ => false,
    }
}

/// Moves a case.
///
/// # Errors
/// No such move; no reason; hits that say something else; the person who asked for a second one clears it alone.
pub fn next(
    from: Status,
    to: Status,
    cause: Cause,
    facts: Facts,
    reason: &str,
) -> Result<Status, Refusal> {
    if !has_move(from, to, cause) {
        return Err(CASE_MOVE.because(format!(
            "a case that is {} cannot become {}",
            from.name(),
            to.name()
        )));
    }
    reasoned(reason)?;
    match to {
        Status::Cleared if facts.hits_open > 0 => {
            Err(HITS_OPEN.because(format!("decide on {} hits first", facts.hits_open)))
        }
        Status::Cleared if facts.hits_same > 0 => {
            Err(HITS_OPEN.because("a hit was decided to be the client; confirm the case instead"))
        }
        Status::Cleared if facts.report_live => {
            Err(REPORT_MOVE.because("a report of this case is under way"))
        }
        // Wherever it has gone since: taking it back to investigating makes nobody the second person.
        Status::Cleared if facts.escalated_it => {
            Err(FOUR_EYES.because("you asked for a second person; that person clears it"))
        }
        _ => Ok(to),
    }
}

/// What is known of a hit that a person wants to decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Nobody did.
    Open,
    /// It is the client, as this person said or another one.
    Same {
        /// It was this person.
        by_me: bool,
    },
    /// It is somebody else: the exception is what ends that.
    Other,
}

/// Whether a hit may be decided: one of nobody as either, one that was found to be the client as somebody else, by another person
/// than who found it.
///
/// # Errors
/// It was decided so, has an exception, or one person would take back their own word.
pub fn decide(before: Decided, is_client: bool) -> Result<(), Refusal> {
    match (before, is_client) {
        (Decided::Open, _) | (Decided::Same { by_me: false }, false) => Ok(()),
        (Decided::Same { by_me: true }, false) => {
            Err(FOUR_EYES
                .because("you decided that it is the client; another person takes that back"))
        }
        (Decided::Same { .. }, true) => {
            Err(CASE_MOVE.because("it was decided to be the client already"))
        }
        (Decided::Other, _) => Err(CASE_MOVE
            .because("it was decided to be somebody else; end the exception to look for it anew")),
    }
}

/// A reason that says something.
///
/// # Errors
/// It does not, or is too long.
pub fn reasoned(reason: &str) -> Result<(), Refusal> {
    let letters = reason.trim().chars().count();
    if (REASON_MIN..=REASON_MAX).contains(&letters) {
        Ok(())
    } else {
        Err(REASON.field(
            "reason",
            format!("give {REASON_MIN} to {REASON_MAX} characters"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in words; whatever is not in it is refused.
    const TABLE: &str = "
        person: open investigating
        person: open escalated
        person: investigating open
        person: investigating escalated
        person: investigating cleared
        person: investigating confirmed
        person: escalated investigating
        person: escalated cleared
        person: escalated confirmed
        person: confirmed escalated
        filed: investigating reported
        filed: escalated reported
        filed: confirmed reported
        alert: cleared open
    ";

    #[test]
    fn every_move_is_in_the_table_or_refused() {
        let allowed: Vec<String> = TABLE
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        let mut found = 0;
        for (cause, name) in [
            (Cause::Person, "person"),
            (Cause::Filed, "filed"),
            (Cause::Alert, "alert"),
        ] {
            for from in Status::ALL {
                for to in Status::ALL {
                    let moved = next(from, to, cause, Facts::default(), "a reason").is_ok();
                    let expected =
                        allowed.contains(&format!("{name}: {} {}", from.name(), to.name()));
                    assert_eq!(moved, expected, "{name}: {from:?} {to:?}");
                    found += usize::from(moved);
                }
            }
        }
        assert_eq!(found, allowed.len());
    }

    #[test]
    fn a_case_is_not_cleared_over_its_hits_or_by_one_person() {
        let clear = |facts| {
            next(
                Status::Escalated,
                Status::Cleared,
                Cause::Person,
                facts,
                "not the client",
            )
            .map_err(|r| r.fault())
        };
        let asked = Facts {
            escalated_it: true,
            ..Facts::default()
        };
        let around = next(
            Status::Investigating,
            Status::Cleared,
            Cause::Person,
            asked,
            "not the client",
        )
        .map_err(|r| r.fault());
        assert_eq!(around, Err(Some(FOUR_EYES)), "by way of investigating");
        assert_eq!(
            clear(Facts {
                report_live: true,
                ..Facts::default()
            }),
            Err(Some(REPORT_MOVE))
        );
        assert_eq!(clear(Facts::default()), Ok(Status::Cleared));
        assert_eq!(
            clear(Facts {
                hits_open: 1,
                ..Facts::default()
            }),
            Err(Some(HITS_OPEN))
        );
        assert_eq!(
            clear(Facts {
                hits_same: 1,
                ..Facts::default()
            }),
            Err(Some(HITS_OPEN))
        );
        assert_eq!(
            clear(Facts {
                escalated_it: true,
                ..Facts::default()
            }),
            Err(Some(FOUR_EYES))
        );
        let silent = next(
            Status::Open,
            Status::Investigating,
            Cause::Person,
            Facts::default(),
            " ok ",
        );
        assert_eq!(silent.map_err(|r| r.fault()), Err(Some(REASON)));
    }

    #[test]
    fn a_hit_that_is_the_client_is_taken_back_by_another_person_only() {
        let fault = |before, is_client| decide(before, is_client).map_err(|r| r.fault());
        for is_client in [true, false] {
            assert_eq!(fault(Decided::Open, is_client), Ok(()));
            assert_eq!(fault(Decided::Other, is_client), Err(Some(CASE_MOVE)));
        }
        let (mine, theirs) = (
            Decided::Same { by_me: true },
            Decided::Same { by_me: false },
        );
        assert_eq!(fault(theirs, false), Ok(()));
        assert_eq!(fault(mine, false), Err(Some(FOUR_EYES)));
        assert_eq!(fault(theirs, true), Err(Some(CASE_MOVE)));
    }
}
