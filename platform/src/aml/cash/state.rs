//! The life of a movement of money: requested by one, approved by another, booked by the core.

use crate::aml::faults::CASH_MOVE;
use crate::refusal::{FOUR_EYES, Refusal};

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Somebody asked.
    Requested,
    /// Compliance holds it.
    Held,
    /// It may be booked.
    Approved,
    /// The core has booked it.
    Confirmed,
    /// The house said no.
    Rejected,
    /// The client took it back.
    Cancelled,
}

/// What moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CashKind {
    /// Into the account.
    Deposit,
    /// Out of it.
    Withdrawal,
    /// A balance is put right.
    Correction,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Finance approves.
    Approve,
    /// Finance books it.
    Confirm,
    /// Finance says no.
    Reject,
    /// The client takes it back.
    Cancel,
    /// Compliance, or a rule, holds it.
    Hold,
    /// Compliance lets it go on.
    Release,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 6] = [
        Status::Requested,
        Status::Held,
        Status::Approved,
        Status::Confirmed,
        Status::Rejected,
        Status::Cancelled,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Requested => "requested",
            Status::Held => "held",
            Status::Approved => "approved",
            Status::Confirmed => "confirmed",
            Status::Rejected => "rejected",
            Status::Cancelled => "cancelled",
        }
    }

    /// What a client, and who brought them, is told of it: nobody learns that compliance looks at them. `held_from` is where it was
    /// before it was held: from approved back to requested goes nothing that nobody held.
    pub fn told(self, held_from: Option<Status>) -> Status {
        match (self, held_from) {
            (Status::Held | Status::Requested, Some(Status::Approved)) => Status::Approved,
            (Status::Held, _) => Status::Requested,
            (other, _) => other,
        }
    }

    /// Whether a client is told of the approval before the hold: until the movement is refused they know of no other.
    pub fn keeps_approval(self, held_from: Option<Status>) -> bool {
        held_from == Some(Status::Approved) && !matches!(self, Status::Rejected | Status::Cancelled)
    }

    /// Whether somebody has decided for good.
    pub fn is_decided(self) -> bool {
        !matches!(self, Status::Requested | Status::Held)
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl CashKind {
    /// Every kind.
    pub const ALL: [CashKind; 3] = [
        CashKind::Deposit,
        CashKind::Withdrawal,
        CashKind::Correction,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            CashKind::Deposit => "deposit",
            CashKind::Withdrawal => "withdrawal",
            CashKind::Correction => "correction",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<CashKind> {
        CashKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Step {
    /// Every step.
    pub const ALL: [Step; 6] = [
        Step::Approve,
        Step::Confirm,
        Step::Reject,
        Step::Cancel,
        Step::Hold,
        Step::Release,
    ];

    /// The name on the wire and in events.
    pub fn name(self) -> &'static str {
        match self {
            Step::Approve => "approve",
            Step::Confirm => "confirm",
            Step::Reject => "reject",
            Step::Cancel => "cancel",
            Step::Hold => "hold",
            Step::Release => "release",
        }
    }
}

/// Takes a step. `is_requester`: the person asked for the movement. `was_sent`: the core was asked to book it, so it may be booked
/// already and only the core's answer ends it.
///
/// # Errors
/// No such step, or one person does both.
pub fn next(
    from: Status,
    step: Step,
    is_requester: bool,
    was_sent: bool,
) -> Result<Status, Refusal> {
    if was_sent && step != Step::Confirm {
        return Err(CASH_MOVE
            .because("the desk was asked to book it; confirm it to learn what became of it"));
    }
    match (from, step) {
        (Status::Requested, Step::Approve) if is_requester => {
            Err(FOUR_EYES.because("whoever asked for a movement does not approve it"))
        }
        (Status::Requested, Step::Approve) => Ok(Status::Approved),
        (Status::Approved, Step::Confirm) => Ok(Status::Confirmed),
        (Status::Requested | Status::Held | Status::Approved, Step::Reject) => Ok(Status::Rejected),
        // Whoever asked does not learn that it is held, so it is taken back as if it were not; the case stays.
        (Status::Requested | Status::Held, Step::Cancel) => Ok(Status::Cancelled),
        (Status::Requested | Status::Approved, Step::Hold) => Ok(Status::Held),
        (Status::Held, Step::Release) => Ok(Status::Requested),
        _ => Err(CASH_MOVE.because(format!(
            "a movement that is {} has no step {}",
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
        use Status::*;
        let table = [
            (Requested, Step::Approve, Approved),
            (Approved, Step::Confirm, Confirmed),
            (Requested, Step::Reject, Rejected),
            (Held, Step::Reject, Rejected),
            (Approved, Step::Reject, Rejected),
            (Requested, Step::Cancel, Cancelled),
            (Held, Step::Cancel, Cancelled),
            (Requested, Step::Hold, Held),
            (Approved, Step::Hold, Held),
            (Held, Step::Release, Requested),
        ];
        for from in Status::ALL {
            for step in Step::ALL {
                let expected = table
                    .iter()
                    .find(|row| (row.0, row.1) == (from, step))
                    .map(|row| row.2);
                assert_eq!(
                    next(from, step, false, false).ok(),
                    expected,
                    "{from:?} {step:?}"
                );
            }
        }
    }

    #[test]
    fn a_client_is_told_where_a_movement_was_before_its_hold() {
        use Status::*;
        for (status, held_from, told) in [
            (Requested, None, Requested),
            (Held, None, Requested),
            (Held, Some(Requested), Requested),
            (Requested, Some(Requested), Requested),
            (Approved, Some(Requested), Approved),
            (Held, Some(Approved), Approved),
            (Requested, Some(Approved), Approved),
            (Rejected, Some(Approved), Rejected),
            (Confirmed, Some(Approved), Confirmed),
        ] {
            assert_eq!(status.told(held_from), told, "{status:?} {held_from:?}");
        }
    }

    #[test]
    fn one_person_does_not_move_money_alone() {
        let own = next(Status::Requested, Step::Approve, true, false);
        assert_eq!(own.map_err(|refusal| refusal.fault()), Err(Some(FOUR_EYES)));
    }

    #[test]
    fn what_the_core_was_asked_to_book_is_not_taken_back() {
        for step in Step::ALL {
            assert_eq!(
                next(Status::Approved, step, false, true).is_ok(),
                step == Step::Confirm,
                "{step:?}"
            );
        }
    }
}
