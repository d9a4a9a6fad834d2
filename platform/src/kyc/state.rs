//! The life of a case: one pure function, and who may take each step.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::faults::{BARRED, BLOCKED, INCOMPLETE, NOT_IN_REVIEW, NOT_OPEN};
use crate::refusal::{FOUR_EYES, Refusal};

/// Failed attempts after which a case is blocked (E3.35, 9.29: three in all).
pub const ATTEMPTS_MAX: u8 = 3;

/// Where a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Documents are missing.
    PendingUpload,
    /// The machine reads them.
    ProcessingOcr,
    /// A person decides.
    ReviewRequired,
    /// The client is verified.
    Approved,
    /// The attempt failed; another one begins with the next document.
    Rejected,
    /// Three attempts failed.
    Blocked,
}

impl State {
    /// Every state.
    pub const ALL: [State; 6] = [
        State::PendingUpload,
        State::ProcessingOcr,
        State::ReviewRequired,
        State::Approved,
        State::Rejected,
        State::Blocked,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            State::PendingUpload => "PENDING_UPLOAD",
            State::ProcessingOcr => "PROCESSING_OCR",
            State::ReviewRequired => "REVIEW_REQUIRED",
            State::Approved => "APPROVED",
            State::Rejected => "REJECTED",
            State::Blocked => "BLOCKED",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Why an attempt failed (E3.38-E3.42).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It has six months or less to run.
    DocumentExpired,
    /// Blurred, or not to be read.
    ImageUnreadable,
    /// The names of the documents differ.
    NameMismatch,
    /// On a list of sanctions.
    Watchlist,
    /// Something looks forged or used by another person.
    SuspectedFraud,
    /// Another document than was asked for.
    WrongDocument,
    /// What the notes say.
    Other,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 7] = [
        Reason::DocumentExpired,
        Reason::ImageUnreadable,
        Reason::NameMismatch,
        Reason::Watchlist,
        Reason::SuspectedFraud,
        Reason::WrongDocument,
        Reason::Other,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Reason::DocumentExpired => "document_expired",
            Reason::ImageUnreadable => "image_unreadable",
            Reason::NameMismatch => "name_mismatch",
            Reason::Watchlist => "watchlist",
            Reason::SuspectedFraud => "suspected_fraud",
            Reason::WrongDocument => "wrong_document",
            Reason::Other => "other",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What a decision about a case looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where it is.
    pub state: State,
    /// Which attempt runs or ran last, from 1.
    pub attempt: u32,
    /// Attempts that failed and count, at most [`ATTEMPTS_MAX`].
    pub failed: u8,
    /// A finding asks for two persons.
    pub risky: bool,
    /// A finding forbids approval.
    pub barred: bool,
    /// Who approved first, where two must.
    pub first: Option<Uuid>,
    /// Whose case it is.
    pub owner: Uuid,
}

/// What happens to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A document came; `complete` when none is missing any more.
    Uploaded {
        /// None is missing.
        complete: bool,
    },
    /// The machine has looked at the documents.
    Scanned,
    /// The machine is sure that the attempt cannot succeed.
    Failed(Reason),
    /// A person approves.
    Approve {
        /// Who.
        by: Uuid,
    },
    /// A person rejects.
    Reject {
        /// Who.
        by: Uuid,
        /// Why.
        reason: Reason,
    },
    /// An administrator gives one more attempt.
    Override,
    /// The client was right to dispute: the decision is made anew.
    Upheld,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// The case afterwards.
    pub standing: Standing,
    /// A first approval was counted and a second one is needed.
    pub awaiting_second: bool,
    /// Why the attempt failed, when it did.
    pub reason: Option<Reason>,
}

/// The step from `case` by `event`.
///
/// # Errors
/// The state does not allow it, a finding forbids it, or another person has to do it.
pub fn next(case: &Standing, event: Event) -> Result<Next, Refusal> {
    let to = |state: State| Next {
        standing: Standing { state, ..*case },
        awaiting_second: false,
        reason: None,
    };
    match event {
        Event::Uploaded { complete } => uploaded(case, complete),
        Event::Scanned => match case.state {
            State::ProcessingOcr => Ok(to(State::ReviewRequired)),
            state => Err(wrong_state(state, "the documents are not being read")),
        },
        Event::Failed(reason) => match case.state {
            State::ProcessingOcr => Ok(failed(case, reason)),
            state => Err(wrong_state(state, "the documents are not being read")),
        },
        Event::Approve { by } => approve(case, by),
        Event::Reject { by, reason } => {
            decidable(case, by)?;
            Ok(failed(case, reason))
        }
        Event::Override => match case.state {
            State::Blocked => Ok(Next {
                standing: Standing {
                    state: State::PendingUpload,
                    attempt: case.attempt + 1,
                    failed: ATTEMPTS_MAX - 1,
                    first: None,
                    ..*case
                },
                awaiting_second: false,
                reason: None,
            }),
            state => Err(wrong_state(state, "only a blocked case is opened again")),
        },
        Event::Upheld => match case.state {
            State::Approved => Ok(anew(case, case.failed)),
            State::Rejected | State::Blocked => Ok(anew(case, case.failed.saturating_sub(1))),
            state => Err(wrong_state(state, "nothing was decided yet")),
        },
    }
}

fn uploaded(case: &Standing, complete: bool) -> Result<Next, Refusal> {
    let attempt = match case.state {
        State::PendingUpload => case.attempt,
        // A document after a rejection begins the next attempt.
        State::Rejected => case.attempt + 1,
        State::Blocked => {
            return Err(
                BLOCKED.because("three attempts failed; ask the desk to open the case again")
            );
        }
        State::ProcessingOcr | State::ReviewRequired => {
            return Err(
                NOT_OPEN.because("what you handed in is being looked at; wait for the answer")
            );
        }
        State::Approved => return Err(NOT_OPEN.because("you are verified; nothing more is needed")),
    };
    let state = if complete {
        State::ProcessingOcr
    } else {
        State::PendingUpload
    };
    Ok(Next {
        standing: Standing {
            state,
            attempt,
            first: None,
            ..*case
        },
        awaiting_second: false,
        reason: None,
    })
}

fn approve(case: &Standing, by: Uuid) -> Result<Next, Refusal> {
    decidable(case, by)?;
    if case.barred {
        return Err(
            BARRED.because("correct what the machine read, type what it did not, or reject it; the findings say why")
        );
    }
    match case.first {
        Some(first) if case.risky && first == by => {
            Err(FOUR_EYES.because("you approved it first; the second must be another person"))
        }
        None if case.risky => Ok(Next {
            standing: Standing {
                first: Some(by),
                ..*case
            },
            awaiting_second: true,
            reason: None,
        }),
        _ => Ok(Next {
            standing: Standing {
                state: State::Approved,
                ..*case
            },
            awaiting_second: false,
            reason: None,
        }),
    }
}

/// Nobody decides about themselves.
fn decidable(case: &Standing, by: Uuid) -> Result<(), Refusal> {
    if by == case.owner {
        return Err(FOUR_EYES.because("your own case is decided by another person"));
    }
    match case.state {
        State::ReviewRequired => Ok(()),
        State::PendingUpload => {
            Err(INCOMPLETE.because("the client has not handed in everything yet"))
        }
        state => Err(wrong_state(
            state,
            "only a case in REVIEW_REQUIRED is decided",
        )),
    }
}

fn failed(case: &Standing, reason: Reason) -> Next {
    let failed = case.failed.saturating_add(1).min(ATTEMPTS_MAX);
    let state = if failed == ATTEMPTS_MAX {
        State::Blocked
    } else {
        State::Rejected
    };
    Next {
        standing: Standing {
            state,
            failed,
            first: None,
            ..*case
        },
        awaiting_second: false,
        reason: Some(reason),
    }
}

fn anew(case: &Standing, failed: u8) -> Next {
    Next {
        standing: Standing {
            state: State::ReviewRequired,
            failed,
            first: None,
            ..*case
        },
        awaiting_second: false,
        reason: None,
    }
}

fn wrong_state(state: State, why: &str) -> Refusal {
    NOT_IN_REVIEW.because(format!("{why}; the case is {}", state.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Fault;

    const SARI: Uuid = Uuid::from_u128(1);
    const ANNA: Uuid = Uuid::from_u128(2);
    const BUDI: Uuid = Uuid::from_u128(3);

    fn case(state: State) -> Standing {
        Standing {
            state,
            attempt: 1,
            failed: 0,
            risky: false,
            barred: false,
            first: None,
            owner: SARI,
        }
    }

    /// The whole table, typed in: a row per event, a column per state in the order of [`State::ALL`].
    #[test]
    fn every_event_in_every_state_goes_where_the_table_says() {
        use State::{
            Approved as A, PendingUpload as P, ProcessingOcr as O, Rejected as R,
            ReviewRequired as V,
        };
        let no = |fault: Fault| Err::<State, Fault>(fault);
        let table: [(Event, [Result<State, Fault>; 6]); 9] = [
            (
                Event::Uploaded { complete: false },
                [
                    Ok(P),
                    no(NOT_OPEN),
                    no(NOT_OPEN),
                    no(NOT_OPEN),
                    Ok(P),
                    no(BLOCKED),
                ],
            ),
            (
                Event::Uploaded { complete: true },
                [
                    Ok(O),
                    no(NOT_OPEN),
                    no(NOT_OPEN),
                    no(NOT_OPEN),
                    Ok(O),
                    no(BLOCKED),
                ],
            ),
            (
                Event::Scanned,
                [
                    no(NOT_IN_REVIEW),
                    Ok(V),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                ],
            ),
            (
                Event::Failed(Reason::DocumentExpired),
                [
                    no(NOT_IN_REVIEW),
                    Ok(R),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                ],
            ),
            (
                Event::Approve { by: ANNA },
                [
                    no(INCOMPLETE),
                    no(NOT_IN_REVIEW),
                    Ok(A),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                ],
            ),
            (
                Event::Reject {
                    by: ANNA,
                    reason: Reason::Other,
                },
                [
                    no(INCOMPLETE),
                    no(NOT_IN_REVIEW),
                    Ok(R),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                ],
            ),
            (Event::Approve { by: SARI }, [no(FOUR_EYES); 6]),
            (
                Event::Override,
                [
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    Ok(P),
                ],
            ),
            (
                Event::Upheld,
                [
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    no(NOT_IN_REVIEW),
                    Ok(V),
                    Ok(V),
                    Ok(V),
                ],
            ),
        ];
        for (event, row) in table {
            for (state, expected) in State::ALL.into_iter().zip(row) {
                let got = next(&case(state), event);
                let got = got
                    .map(|next| next.standing.state)
                    .map_err(|refusal| refusal.fault().expect("a fault"));
                assert_eq!(got, expected, "{event:?} in {state:?}");
            }
        }
    }

    #[test]
    fn the_third_failed_attempt_blocks_and_an_override_gives_one_more() {
        let mut standing = case(State::ReviewRequired);
        for (failed, state) in [
            (1, State::Rejected),
            (2, State::Rejected),
            (3, State::Blocked),
        ] {
            standing = next(
                &standing,
                Event::Reject {
                    by: ANNA,
                    reason: Reason::NameMismatch,
                },
            )
            .expect("in review")
            .standing;
            assert_eq!((standing.failed, standing.state), (failed, state));
            if state == State::Rejected {
                standing = next(&standing, Event::Uploaded { complete: true })
                    .expect("another attempt")
                    .standing;
                standing = next(&standing, Event::Scanned).expect("read").standing;
            }
        }
        assert_eq!(standing.attempt, 3);
        standing = next(&standing, Event::Override).expect("blocked").standing;
        assert_eq!(
            (standing.failed, standing.attempt, standing.state),
            (2, 4, State::PendingUpload)
        );
        standing = next(&standing, Event::Uploaded { complete: true })
            .expect("open")
            .standing;
        standing = next(&standing, Event::Failed(Reason::DocumentExpired))
            .expect("read")
            .standing;
        assert_eq!(
            (standing.failed, standing.state),
            (3, State::Blocked),
            "one more, not three"
        );
    }

    #[test]
    fn a_risky_case_takes_two_persons() {
        let risky = Standing {
            risky: true,
            ..case(State::ReviewRequired)
        };
        let first = next(&risky, Event::Approve { by: ANNA }).expect("the first");
        assert!(first.awaiting_second);
        assert_eq!(
            (first.standing.state, first.standing.first),
            (State::ReviewRequired, Some(ANNA))
        );
        let again =
            next(&first.standing, Event::Approve { by: ANNA }).expect_err("the same person");
        assert_eq!(again.fault(), Some(FOUR_EYES));
        let second = next(&first.standing, Event::Approve { by: BUDI }).expect("another person");
        assert_eq!(
            (second.standing.state, second.awaiting_second),
            (State::Approved, false)
        );
        let rejected = next(
            &first.standing,
            Event::Reject {
                by: BUDI,
                reason: Reason::Other,
            },
        )
        .expect("one is enough to reject");
        assert_eq!(
            (rejected.standing.state, rejected.standing.first),
            (State::Rejected, None)
        );
    }

    #[test]
    fn a_bar_forbids_approval_and_never_rejection() {
        let barred = Standing {
            barred: true,
            ..case(State::ReviewRequired)
        };
        assert_eq!(
            next(&barred, Event::Approve { by: ANNA })
                .expect_err("barred")
                .fault(),
            Some(BARRED)
        );
        assert!(
            next(
                &barred,
                Event::Reject {
                    by: ANNA,
                    reason: Reason::Watchlist
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn a_dispute_that_was_right_gives_the_failed_attempt_back() {
        let blocked = Standing {
            failed: 3,
            ..case(State::Blocked)
        };
        let anew = next(&blocked, Event::Upheld).expect("decided").standing;
        assert_eq!((anew.state, anew.failed), (State::ReviewRequired, 2));
    }

    #[test]
    fn names_come_back_as_they_went() {
        for state in State::ALL {
            assert_eq!(State::parse(state.name()), Some(state));
            assert_eq!(serde_json::to_value(state).expect("text"), state.name());
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.name()), Some(reason));
            assert_eq!(serde_json::to_value(reason).expect("text"), reason.name());
        }
    }
}
