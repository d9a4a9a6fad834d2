//! The life of a report of suspicious activity: written by one person, approved by another.

use super::faults::REPORT_MOVE;
use crate::refusal::{FOUR_EYES, Refusal};

/// Longest narrative, characters.
pub const NARRATIVE_MAX: usize = 50_000;

/// Where a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It is written.
    Draft,
    /// It waits for a second person.
    Submitted,
    /// It may be filed.
    Approved,
    /// The authority has it.
    Filed,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The text is changed.
    Edit,
    /// It is handed to a second person.
    Submit,
    /// The second person hands it back.
    Return,
    /// The second person approves.
    Approve,
    /// It was filed.
    File,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 4] = [
        Status::Draft,
        Status::Submitted,
        Status::Approved,
        Status::Filed,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Draft => "draft",
            Status::Submitted => "submitted",
            Status::Approved => "approved",
            Status::Filed => "filed",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl Step {
    /// Every step.
    pub const ALL: [Step; 5] = [
        Step::Edit,
        Step::Submit,
        Step::Return,
        Step::Approve,
        Step::File,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Step::Edit => "edit",
            Step::Submit => "submit",
            Step::Return => "return",
            Step::Approve => "approve",
            Step::File => "filed",
        }
    }
}

/// Takes a step. `is_author`: the person drafted, edited or submitted the report.
///
/// # Errors
/// No such step, or an author approves.
pub fn next(from: Status, step: Step, is_author: bool) -> Result<Status, Refusal> {
    match (from, step) {
        (Status::Draft, Step::Edit) => Ok(Status::Draft),
        (Status::Draft, Step::Submit) => Ok(Status::Submitted),
        (Status::Submitted, Step::Return) => Ok(Status::Draft),
        (Status::Submitted, Step::Approve) if is_author => {
            Err(FOUR_EYES.because("whoever wrote or submitted the report does not approve it"))
        }
        (Status::Submitted, Step::Approve) => Ok(Status::Approved),
        (Status::Approved, Step::File) => Ok(Status::Filed),
        _ => Err(REPORT_MOVE.because(format!(
            "a report that is {} has no step {}",
            from.name(),
            step.name()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_in_the_table_or_refused() {
        let table = [
            (Status::Draft, Step::Edit, Status::Draft),
            (Status::Draft, Step::Submit, Status::Submitted),
            (Status::Submitted, Step::Return, Status::Draft),
            (Status::Submitted, Step::Approve, Status::Approved),
            (Status::Approved, Step::File, Status::Filed),
        ];
        for from in Status::ALL {
            for step in Step::ALL {
                let expected = table
                    .iter()
                    .find(|row| (row.0, row.1) == (from, step))
                    .map(|row| row.2);
                assert_eq!(next(from, step, false).ok(), expected, "{from:?} {step:?}");
            }
        }
    }

    #[test]
    fn nobody_approves_what_they_wrote() {
        let own = next(Status::Submitted, Step::Approve, true);
        assert_eq!(own.map_err(|refusal| refusal.fault()), Err(Some(FOUR_EYES)));
        assert_eq!(
            next(Status::Submitted, Step::Return, true).ok(),
            Some(Status::Draft)
        );
    }
}
