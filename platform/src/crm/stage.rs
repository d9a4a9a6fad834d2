//! Eight stages, and one table of who or what may move a lead from which to which. What the table does not list does not happen;
//! `platform/tests/stages.txt` holds the same in words, typed by hand, and a test walks every stage, cause and target.

use crate::people::{Area, Role, Scope, Verb, grant};
use crate::refusal::Refusal;

use super::faults::{BAD_MOVE, NOT_OPEN, REASON_MISSING};

/// Longest reason, characters.
pub const REASON_MAX: usize = 500;

/// Where a lead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Came in.
    New,
    /// Was written to or called.
    Contacted,
    /// Qualified by sales.
    Interested,
    /// Has a demo account.
    Demo,
    /// Hands in documents.
    Kyc,
    /// Documents are approved.
    Verified,
    /// Money is on its way.
    Deposit,
    /// Money arrived: a trading client.
    Active,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 8] = [
        Stage::New,
        Stage::Contacted,
        Stage::Interested,
        Stage::Demo,
        Stage::Kyc,
        Stage::Verified,
        Stage::Deposit,
        Stage::Active,
    ];

    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Stage::New => "new",
            Stage::Contacted => "contacted",
            Stage::Interested => "interested",
            Stage::Demo => "demo",
            Stage::Kyc => "kyc",
            Stage::Verified => "verified",
            Stage::Deposit => "deposit",
            Stage::Active => "active",
        }
    }

    /// The stage of that name.
    pub fn parse(name: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// The column of the board it stands in.
    pub fn column(self) -> Column {
        match self {
            Stage::New => Column::New,
            Stage::Contacted => Column::Contacted,
            Stage::Interested => Column::Interested,
            Stage::Demo => Column::Demo,
            Stage::Kyc => Column::Kyc,
            Stage::Verified | Stage::Deposit | Stage::Active => Column::Verified,
        }
    }

    /// Counts against the cap of its agent: still on the way to becoming a client.
    pub fn is_worked(self) -> bool {
        self != Stage::Active
    }
}

/// A column of the board. The board is a view: the stages are what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// New leads.
    New,
    /// First word was sent.
    Contacted,
    /// Qualified.
    Interested,
    /// Demo account.
    Demo,
    /// Verification.
    Kyc,
    /// Verified, with money on its way, or active.
    Verified,
}

impl Column {
    /// Every column, in order.
    pub const ALL: [Column; 6] = [
        Column::New,
        Column::Contacted,
        Column::Interested,
        Column::Demo,
        Column::Kyc,
        Column::Verified,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Column::New => "new",
            Column::Contacted => "contacted",
            Column::Interested => "interested",
            Column::Demo => "demo",
            Column::Kyc => "kyc",
            Column::Verified => "verified",
        }
    }

    /// The name people see.
    pub fn title(self) -> &'static str {
        match self {
            Column::New => "New lead",
            Column::Contacted => "Contacted",
            Column::Interested => "Interested",
            Column::Demo => "Demo",
            Column::Kyc => "KYC",
            Column::Verified => "Verified",
        }
    }

    /// The column of that name.
    pub fn parse(name: &str) -> Option<Column> {
        Column::ALL.into_iter().find(|column| column.name() == name)
    }

    /// The stages in it.
    pub fn stages(self) -> Vec<Stage> {
        Stage::ALL
            .into_iter()
            .filter(|stage| stage.column() == self)
            .collect()
    }
}

/// Whether a lead is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Open,
    /// Given up, with a reason.
    Lost,
    /// Part of another lead now.
    Merged,
}

impl Status {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Lost => "lost",
            Status::Merged => "merged",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Status> {
        [Status::Open, Status::Lost, Status::Merged]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// Whose hand moves a lead: how far it reaches follows from the role's cell of the table of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hand {
    /// Writes their own leads.
    Agent,
    /// Writes those of a team.
    Manager,
    /// Overrides everything.
    Admin,
}

impl Hand {
    /// The hand of a role; `None` for one that writes no leads.
    pub fn of(role: Role) -> Option<Hand> {
        if grant(role, Area::Crm, Verb::Full).is_some() {
            return Some(Hand::Admin);
        }
        match grant(role, Area::Crm, Verb::Write)?.scope {
            Scope::None => None,
            Scope::Own => Some(Hand::Agent),
            Scope::Team | Scope::All => Some(Hand::Manager),
        }
    }
}

/// Who or what moves a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Whoever works the lead, in the order of the pipeline.
    Agent,
    /// A manager, against the order, with a reason.
    Manager,
    /// An administrator, anywhere, with a reason.
    Admin,
    /// A first word was sent, by a person or after 24 h by the system.
    Outreach,
    /// A demo account was opened.
    DemoOpened,
    /// Documents were handed in.
    KycSubmitted,
    /// Documents were approved.
    KycApproved,
    /// A deposit was asked for.
    DepositRequested,
    /// A deposit arrived.
    DepositConfirmed,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Cause; 9] = [
        Cause::Agent,
        Cause::Manager,
        Cause::Admin,
        Cause::Outreach,
        Cause::DemoOpened,
        Cause::KycSubmitted,
        Cause::KycApproved,
        Cause::DepositRequested,
        Cause::DepositConfirmed,
    ];

    /// The name in the history.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Agent => "agent",
            Cause::Manager => "manager",
            Cause::Admin => "admin",
            Cause::Outreach => "outreach",
            Cause::DemoOpened => "demo_opened",
            Cause::KycSubmitted => "kyc_submitted",
            Cause::KycApproved => "kyc_approved",
            Cause::DepositRequested => "deposit_requested",
            Cause::DepositConfirmed => "deposit_confirmed",
        }
    }

    /// The cause of that name.
    pub fn parse(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// Where something that happened takes a lead; `None` for hands, which say it themselves.
    pub fn target(self) -> Option<Stage> {
        match self {
            Cause::Agent | Cause::Manager | Cause::Admin => None,
            Cause::Outreach => Some(Stage::Contacted),
            Cause::DemoOpened => Some(Stage::Demo),
            Cause::KycSubmitted => Some(Stage::Kyc),
            Cause::KycApproved => Some(Stage::Verified),
            Cause::DepositRequested => Some(Stage::Deposit),
            Cause::DepositConfirmed => Some(Stage::Active),
        }
    }

    /// Has to say why.
    pub fn needs_reason(self) -> bool {
        matches!(self, Cause::Manager | Cause::Admin)
    }
}

/// The table: from these stages, by this cause, to this stage.
const MOVES: &[(&[Stage], Cause, Stage)] = {
    use Stage::*;
    &[
        (&[New], Cause::Outreach, Contacted),
        (&[New], Cause::Agent, Contacted),
        (&[Contacted], Cause::Agent, Interested),
        (&[Interested], Cause::Agent, Demo),
        (&[Demo], Cause::Agent, Kyc),
        // What a client does goes on from wherever sales stands.
        (&[New, Contacted, Interested], Cause::DemoOpened, Demo),
        (
            &[New, Contacted, Interested, Demo],
            Cause::KycSubmitted,
            Kyc,
        ),
        (
            &[New, Contacted, Interested, Demo, Kyc],
            Cause::KycApproved,
            Verified,
        ),
        (&[Verified], Cause::DepositRequested, Deposit),
        (&[Verified, Deposit], Cause::DepositConfirmed, Active),
        // Managers set right what sales itself decides; what the checks and the money say is theirs to say.
        (&[Contacted, Interested, Demo, Kyc], Cause::Manager, New),
        (&[New, Interested, Demo, Kyc], Cause::Manager, Contacted),
        (&[New, Contacted, Demo, Kyc], Cause::Manager, Interested),
        (&[New, Contacted, Interested, Kyc], Cause::Manager, Demo),
        (&[New, Contacted, Interested, Demo], Cause::Manager, Kyc),
        (
            &[Contacted, Interested, Demo, Kyc, Verified, Deposit, Active],
            Cause::Admin,
            New,
        ),
        (
            &[New, Interested, Demo, Kyc, Verified, Deposit, Active],
            Cause::Admin,
            Contacted,
        ),
        (
            &[New, Contacted, Demo, Kyc, Verified, Deposit, Active],
            Cause::Admin,
            Interested,
        ),
        (
            &[New, Contacted, Interested, Kyc, Verified, Deposit, Active],
            Cause::Admin,
            Demo,
        ),
        (
            &[New, Contacted, Interested, Demo, Verified, Deposit, Active],
            Cause::Admin,
            Kyc,
        ),
        (
            &[New, Contacted, Interested, Demo, Kyc, Deposit, Active],
            Cause::Admin,
            Verified,
        ),
        (
            &[New, Contacted, Interested, Demo, Kyc, Verified, Active],
            Cause::Admin,
            Deposit,
        ),
        (
            &[New, Contacted, Interested, Demo, Kyc, Verified, Deposit],
            Cause::Admin,
            Active,
        ),
    ]
};

/// Whether the table lists the move.
pub fn allowed(from: Stage, cause: Cause, to: Stage) -> bool {
    MOVES
        .iter()
        .any(|(stages, by, target)| *by == cause && *target == to && stages.contains(&from))
}

/// The cause under which a hand may move a lead there: the mildest one that the table lists.
pub fn by_hand(hand: Hand, from: Stage, to: Stage) -> Option<Cause> {
    [
        (Hand::Agent, Cause::Agent),
        (Hand::Manager, Cause::Manager),
        (Hand::Admin, Cause::Admin),
    ]
    .into_iter()
    .filter(|(least, _)| *least <= hand)
    .map(|(_, cause)| cause)
    .find(|&cause| allowed(from, cause, to))
}

/// A move that somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// A person.
    ByHand {
        /// Whose hand.
        hand: Hand,
        /// Where to.
        to: Stage,
        /// Why.
        reason: Option<String>,
    },
    /// Something that happened.
    ByEvent(Cause),
}

/// A move that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// From.
    pub from: Stage,
    /// To.
    pub to: Stage,
    /// Under which entry of the table.
    pub cause: Cause,
    /// Why, where that was asked for or given.
    pub reason: Option<String>,
}

/// Decides about a move. `Ok(None)`: an event that finds the lead where it leads, beyond it, or closed; nothing is to do.
///
/// # Errors
/// [`NOT_OPEN`], [`BAD_MOVE`] or [`REASON_MISSING`], for hands alone.
pub fn next(from: Stage, status: Status, wanted: Move) -> Result<Option<Moved>, Refusal> {
    match wanted {
        Move::ByEvent(cause) => {
            let to = cause
                .target()
                .filter(|&to| status == Status::Open && allowed(from, cause, to));
            Ok(to.map(|to| Moved {
                from,
                to,
                cause,
                reason: None,
            }))
        }
        Move::ByHand { hand, to, reason } => {
            if status != Status::Open {
                return Err(
                    NOT_OPEN.because(format!("it is {}; open it again first", status.name()))
                );
            }
            let Some(cause) = by_hand(hand, from, to) else {
                let detail = format!(
                    "from {} to {} is not yours to do; GET …/moves lists what is",
                    from.name(),
                    to.name()
                );
                return Err(BAD_MOVE.field("stage", detail));
            };
            let reason = reason
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty());
            check_reason(reason.as_deref(), cause.needs_reason())?;
            Ok(Some(Moved {
                from,
                to,
                cause,
                reason,
            }))
        }
    }
}

/// Refuses a missing reason where one is needed, and one that is too long.
///
/// # Errors
/// [`REASON_MISSING`].
pub fn check_reason(reason: Option<&str>, needed: bool) -> Result<(), Refusal> {
    let chars = reason.map_or(0, |text| text.trim().chars().count());
    if (needed && chars == 0) || chars > REASON_MAX {
        return Err(REASON_MISSING.field(
            "reason",
            format!("say why, in 1 to {REASON_MAX} characters"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `from cause to`, typed by hand.
    const EXPECTED: &str = include_str!("../../tests/stages.txt");

    fn expected() -> BTreeSet<(String, String, String)> {
        let lines = EXPECTED
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default());
        let mut moves = BTreeSet::new();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let mut words = line.split_whitespace();
            let (from, cause) = (
                words.next().expect("a stage"),
                words.next().expect("a cause"),
            );
            for to in words {
                assert!(
                    Stage::parse(from).is_some()
                        && Cause::parse(cause).is_some()
                        && Stage::parse(to).is_some(),
                    "{line}"
                );
                assert!(
                    moves.insert((from.to_owned(), cause.to_owned(), to.to_owned())),
                    "{line}: twice"
                );
            }
        }
        moves
    }

    #[test]
    fn every_stage_cause_and_target_is_as_the_file_says() {
        let expected = expected();
        let mut walked = 0;
        for from in Stage::ALL {
            for cause in Cause::ALL {
                for to in Stage::ALL {
                    let key = (
                        from.name().to_owned(),
                        cause.name().to_owned(),
                        to.name().to_owned(),
                    );
                    assert_eq!(allowed(from, cause, to), expected.contains(&key), "{key:?}");
                    walked += 1;
                }
            }
        }
        assert_eq!(walked, 8 * 9 * 8);
        assert_eq!(expected.len(), 96, "the file lists so many moves");
    }

    #[test]
    fn an_event_leads_to_one_stage_and_never_back() {
        for (stages, cause, to) in MOVES {
            let Some(target) = cause.target() else {
                continue;
            };
            assert_eq!(target, *to);
            assert!(stages.iter().all(|from| from < to), "{cause:?} leads back");
        }
    }

    #[test]
    fn a_hand_uses_the_mildest_entry_and_overrides_with_a_reason() {
        let ask = |hand, from, to, reason: Option<&str>| {
            let reason = reason.map(str::to_owned);
            next(from, Status::Open, Move::ByHand { hand, to, reason })
        };
        let fault = |asked: Result<Option<Moved>, Refusal>| asked.expect_err("refused").fault();
        // A manager goes on in order without a word, as an agent does.
        let on = ask(Hand::Manager, Stage::Contacted, Stage::Interested, None)
            .expect("allowed")
            .expect("a move");
        assert_eq!(on.cause, Cause::Agent);
        assert_eq!(
            fault(ask(Hand::Agent, Stage::Demo, Stage::New, Some("cold"))),
            Some(BAD_MOVE)
        );
        assert_eq!(
            fault(ask(Hand::Manager, Stage::Demo, Stage::New, Some("  "))),
            Some(REASON_MISSING)
        );
        let back = ask(
            Hand::Manager,
            Stage::Demo,
            Stage::New,
            Some(" wrong number "),
        )
        .expect("allowed")
        .expect("a move");
        assert_eq!(
            (back.cause, back.reason.as_deref()),
            (Cause::Manager, Some("wrong number"))
        );
        // What the checks and the money say no manager says.
        assert_eq!(
            fault(ask(
                Hand::Manager,
                Stage::Kyc,
                Stage::Verified,
                Some("I know him")
            )),
            Some(BAD_MOVE)
        );
        assert!(
            ask(
                Hand::Admin,
                Stage::Kyc,
                Stage::Verified,
                Some("approved on paper")
            )
            .is_ok()
        );
        assert_eq!(
            fault(ask(Hand::Admin, Stage::New, Stage::New, Some("again"))),
            Some(BAD_MOVE)
        );
        let long = "x".repeat(REASON_MAX + 1);
        assert_eq!(
            fault(ask(Hand::Admin, Stage::New, Stage::Active, Some(&long))),
            Some(REASON_MISSING)
        );
    }

    #[test]
    fn what_is_closed_is_not_moved() {
        for status in [Status::Lost, Status::Merged] {
            let by_hand = Move::ByHand {
                hand: Hand::Admin,
                to: Stage::Demo,
                reason: Some("x".into()),
            };
            assert_eq!(
                next(Stage::New, status, by_hand)
                    .expect_err("refused")
                    .fault(),
                Some(NOT_OPEN)
            );
            assert!(matches!(
                next(Stage::New, status, Move::ByEvent(Cause::Outreach)),
                Ok(None)
            ));
        }
    }

    #[test]
    fn hands_follow_from_the_table_of_roles() {
        let hands = [
            (Role::SuperAdmin, Some(Hand::Admin)),
            (Role::SalesManager, Some(Hand::Manager)),
            (Role::SalesAgent, Some(Hand::Agent)),
            (Role::CsStaff, None),
            (Role::IbPartner, None),
            (Role::EndUser, None),
            (Role::Auditor, None),
        ];
        for (role, hand) in hands {
            assert_eq!(Hand::of(role), hand, "{role:?}");
        }
    }

    #[test]
    fn six_columns_hold_eight_stages() {
        let stages: Vec<Stage> = Column::ALL.into_iter().flat_map(Column::stages).collect();
        assert_eq!(stages, Stage::ALL);
        for (column, name) in
            Column::ALL
                .iter()
                .zip(["new", "contacted", "interested", "demo", "kyc", "verified"])
        {
            assert_eq!((column.name(), Column::parse(name)), (name, Some(*column)));
        }
    }
}
