//! What waits for a second person longer than it should, and lists that no longer come. Each is told once for each time that it
//! begins to wait, to everybody who may decide it; a list that stays away is told again every day.

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::calendar::{DAY_NS, WorkingCalendar};
use crate::crm::notice;
use crate::ids::HOUSE;
use crate::kyc::overdue::deciders;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};
use crate::values::{bound, from_micros};

/// Told of one kind by one run: a slice of the embedded database. The next are told a minute later.
const SLICE: i64 = 20;

/// Publishers are asked every six hours: so long after the last good answer four of them were none.
const LIST_NS: u64 = DAY_NS;

/// PPATK sends its lists out when they change, which is every few months: who gave none for so long should ask.
const HAND_NS: u64 = 30 * DAY_NS;

/// What is told of a list that is fetched.
pub const LIST: &str = "list";

/// What is told of a list whose files people give.
pub const LIST_BY_HAND: &str = "list_by_hand";

/// The event of what waits too long.
pub const WAITS: &str = "compliance.overdue";

/// The event of a list that no longer comes.
pub const STAYS_AWAY: &str = "sanctions.list_overdue";

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A movement of money for its approval.
    CashRequested,
    /// One that was approved for its booking.
    CashApproved,
    /// One that is held for its release.
    CashHeld,
    /// A case that nobody works on.
    CaseOpen,
    /// A case for the second person who was asked.
    CaseEscalated,
    /// A report for its second person.
    ReportSubmitted,
    /// A report that was approved, and not filed.
    ReportApproved,
}

impl What {
    /// Everything that waits.
    pub const ALL: [What; 7] = [
        What::CashRequested,
        What::CashApproved,
        What::CashHeld,
        What::CaseOpen,
        What::CaseEscalated,
        What::ReportSubmitted,
        What::ReportApproved,
    ];

    /// The name in notices and events.
    pub fn name(self) -> &'static str {
        match self {
            What::CashRequested => "cash_approval",
            What::CashApproved => "cash_booking",
            What::CashHeld => "cash_release",
            What::CaseOpen => "case",
            What::CaseEscalated => "case_second",
            What::ReportSubmitted => "report_second",
            What::ReportApproved => "report_filing",
        }
    }

    /// The name in events, read again.
    pub fn parse(name: &str) -> Option<What> {
        What::ALL.into_iter().find(|what| what.name() == name)
    }

    /// In whose area it is decided.
    pub fn area(self) -> &'static str {
        match self {
            What::CashRequested | What::CashApproved => "finance",
            What::CashHeld
            | What::CaseOpen
            | What::CaseEscalated
            | What::ReportSubmitted
            | What::ReportApproved => "aml",
        }
    }

    /// Working hours after which it is told. A client waits for money; a report of suspicion is due three working days after
    /// the house knew (UU 8/2010, article 25).
    pub fn hours(self) -> u32 {
        match self {
            What::CashRequested | What::CashApproved | What::CashHeld => 4,
            What::CaseOpen | What::CaseEscalated | What::ReportSubmitted | What::ReportApproved => {
                8
            }
        }
    }

    fn entity(self) -> &'static str {
        match self {
            What::CashRequested | What::CashApproved | What::CashHeld => "cash_request",
            What::CaseOpen | What::CaseEscalated => "aml_case",
            What::ReportSubmitted | What::ReportApproved => "aml_report",
        }
    }

    /// Rows that wait and were not told since they began to: key, house, client, since when. The longest first.
    fn rows(self) -> &'static str {
        macro_rules! waiting {
            ($table:literal, $status:literal, $since:literal) => {
                concat!(
                    "SELECT w.id, w.org_id, w.user_id, (extract(epoch FROM w.since) * 1000000)::bigint FROM (
                         SELECT t.id, t.org_id, t.user_id, t.called_at, ",
                    $since,
                    " AS since FROM ",
                    $table,
                    " AS t WHERE t.status = '",
                    $status,
                    "') AS w WHERE w.since <= $1 AND (w.called_at IS NULL OR w.called_at < w.since) ORDER BY w.since, w.id LIMIT $2"
                )
            };
        }
        macro_rules! cash {
            ($status:literal) => {
                waiting!(
                    "cash_requests",
                    $status,
                    "coalesce(t.decided_at, t.created_at)"
                )
            };
        }
        macro_rules! case {
            ($status:literal) => {
                waiting!(
                    "aml_cases",
                    $status,
                    "coalesce((SELECT max(s.created_at) FROM aml_steps AS s WHERE s.case_id = t.id), t.created_at)"
                )
            };
        }
        macro_rules! report {
            ($status:literal) => {
                waiting!("aml_reports", $status, "coalesce(t.moved_at, t.created_at)")
            };
        }
        match self {
            What::CashRequested => cash!("requested"),
            What::CashApproved => cash!("approved"),
            What::CashHeld => cash!("held"),
            What::CaseOpen => case!("open"),
            What::CaseEscalated => case!("escalated"),
            What::ReportSubmitted => report!("submitted"),
            What::ReportApproved => report!("approved"),
        }
    }

    /// Marks a row as told, unless it went on meanwhile or somebody holds it.
    fn mark(self) -> &'static str {
        match self {
            What::CashRequested | What::CashApproved | What::CashHeld => {
                "UPDATE cash_requests SET called_at = $2 WHERE id IN (SELECT id FROM cash_requests WHERE id = $1 AND status = $3 FOR UPDATE SKIP LOCKED)"
            }
            What::CaseOpen | What::CaseEscalated => {
                "UPDATE aml_cases SET called_at = $2 WHERE id IN (SELECT id FROM aml_cases WHERE id = $1 AND status = $3 FOR UPDATE SKIP LOCKED)"
            }
            What::ReportSubmitted | What::ReportApproved => {
                "UPDATE aml_reports SET called_at = $2 WHERE id IN (SELECT id FROM aml_reports WHERE id = $1 AND status = $3 FOR UPDATE SKIP LOCKED)"
            }
        }
    }

    fn status(self) -> &'static str {
        match self {
            What::CashRequested => "requested",
            What::CashApproved => "approved",
            What::CashHeld => "held",
            What::CaseOpen => "open",
            What::CaseEscalated => "escalated",
            What::ReportSubmitted => "submitted",
            What::ReportApproved => "approved",
        }
    }
}

/// Until when something that waits since then should have gone on.
pub fn due(what: What, since: Ts) -> Ts {
    WorkingCalendar::indonesia().deadline(since, what.hours())
}

/// Whether a list stays away for long enough to be told now: it did not come since `away`, was told at `told`, and is missed
/// after `span`.
pub fn is_missed(away: Ts, told: Option<Ts>, now: Ts, span: u64) -> bool {
    let over = |since: Ts| now.0.saturating_sub(since.0) >= span;
    over(away) && told.is_none_or(|told| told < away || over(told))
}

/// Tells what waits too long and which lists no longer come. Returns how many; called by a job every minute.
///
/// # Errors
/// The database.
pub async fn call(platform: &Platform) -> Result<u64, Refusal> {
    let platform = platform.background();
    let system = Principal::system("aml.overdue");
    let now = platform.now();
    let mut told = 0;
    for what in What::ALL {
        let rows: Vec<(Uuid, Uuid, Uuid, i64)> = platform
            .read(&system, move |tx| {
                Ok(tx.all(sqlx::query_as(what.rows()).bind(bound(now)).bind(SLICE))?)
            })
            .await?;
        for (id, org, user, since) in rows {
            let due = due(what, from_micros(since));
            // The longest wait is the first: behind one that has time left everybody has.
            if due > now {
                break;
            }
            let by = system.clone().within(org);
            told += platform
                .command(&by, move |unit| tell(unit, what, id, user, due))
                .await?;
        }
    }
    Ok(told + lists(&platform, &system).await?)
}

fn tell(
    unit: &mut Unit<'_, '_>,
    what: What,
    id: Uuid,
    user: Uuid,
    due: Ts,
) -> Result<u64, Refusal> {
    let (now, org) = (unit.now(), unit.by().org);
    let query = sqlx::query(what.mark()).bind(id).bind(bound(now));
    if unit.tx().execute(query.bind(what.status()))? == 0 {
        return Ok(0);
    }
    let (word, due_us) = (what.name(), due.0 / 1_000);
    tracing::warn!(%id, due_us, "something waits for a person longer than it should: {word}");
    unit.audit(
        Change::new(Action::Update, what.entity(), id)
            .about(user)
            .field("overdue", Value::Null, word),
    );
    let detail = json!({ "id": id, "what": word, "due_us": due_us });
    for decider in deciders(unit.tx(), org, what.area())? {
        let cause = format!("{WAITS} {word} {id} {due_us}");
        notice::tell(unit, decider, "sla", None, &detail, &cause)?;
    }
    let facts = json!({ "user_id": user, "id": id, "what": word, "due_us": due_us });
    unit.emit(Event::new(WAITS, what.entity(), id, facts).about(user));
    Ok(1)
}

/// A source that stays away: its key and name, whether people give its files, since when, and when it was told.
type Source = (Uuid, String, bool, i64, Option<i64>);

async fn lists(platform: &Platform, system: &Principal) -> Result<u64, Refusal> {
    let away: Vec<Source> = platform
        .read(system, |tx| {
            Ok(tx.all(sqlx::query_as(
                // What never came is away since it was first refused. What people never gave is not used.
                "SELECT id, name, by_hand, since, told FROM (
                     SELECT s.id, s.name, s.error, cardinality(s.urls) = 0 AS by_hand, (extract(epoch FROM coalesce(s.good_at,
                         (SELECT min(v.created_at) FROM sanctions_versions AS v WHERE v.source = s.name AND v.status = 'refused'))) * 1000000)::bigint AS since,
                         (extract(epoch FROM s.called_at) * 1000000)::bigint AS told
                     FROM sanctions_sources AS s WHERE s.enabled) AS f
                 WHERE since IS NOT NULL AND (by_hand OR error IS NOT NULL) ORDER BY name LIMIT 100",
            ))?)
        })
        .await?;
    let (now, by) = (platform.now(), system.clone().within(HOUSE));
    let mut told = 0;
    for source in away {
        let span = if source.2 { HAND_NS } else { LIST_NS };
        if is_missed(from_micros(source.3), source.4.map(from_micros), now, span) {
            told += platform
                .command(&by, move |unit| tell_list(unit, &source))
                .await?;
        }
    }
    Ok(told)
}

fn tell_list(unit: &mut Unit<'_, '_>, source: &Source) -> Result<u64, Refusal> {
    let (id, name, by_hand, since, before) = source;
    let (now, org) = (unit.now(), unit.by().org);
    // Of two programs on one database one tells it.
    let marked = unit.tx().execute(
        sqlx::query(
            "UPDATE sanctions_sources SET called_at = $2 WHERE name = $1 AND called_at IS NOT DISTINCT FROM $3",
        )
        .bind(name)
        .bind(bound(now))
        .bind(before.map(|at| bound(from_micros(at)))),
    )?;
    if marked == 0 {
        return Ok(0);
    }
    tracing::error!(
        source = name,
        since_us = since,
        "a list of sanctions no longer comes"
    );
    unit.audit(Change::new(Action::Update, "sanctions_source", name).field(
        "overdue_since",
        Value::Null,
        *since,
    ));
    let what = if *by_hand { LIST_BY_HAND } else { LIST };
    let facts = json!({ "source": name, "what": what, "due_us": since });
    for decider in deciders(unit.tx(), org, "aml")? {
        let cause = format!("{STAYS_AWAY} {name} {}", now.0 / 1_000);
        notice::tell(unit, decider, "sla", None, &facts, &cause)?;
    }
    unit.emit(Event::new(STAYS_AWAY, "sanctions_source", *id, facts));
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::HOUR_NS;

    #[test]
    fn names_are_read_again_and_say_who_decides() {
        for what in What::ALL {
            assert_eq!(What::parse(what.name()), Some(what));
            assert!(what.rows().contains(what.status()), "{what:?}");
        }
        assert_eq!(
            What::CashHeld.area(),
            "aml",
            "finance does not learn of cases"
        );
    }

    /// Friday, 13 November 2026, 16:00 in Jakarta.
    const FRIDAY: Ts = Ts(1_794_560_400_000_000_000);

    #[test]
    fn a_weekend_is_no_time_in_which_somebody_waits() {
        let due = due(What::CashRequested, FRIDAY);
        assert_eq!(
            due.0 - FRIDAY.0,
            2 * DAY_NS + 19 * HOUR_NS,
            "an hour on Friday, three on Monday"
        );
    }

    #[test]
    fn a_list_is_missed_after_a_day_and_then_once_a_day() {
        let at = |hours: u64| Ts(FRIDAY.0 + hours * HOUR_NS);
        let missed = |away, told, now| is_missed(away, told, now, LIST_NS);
        assert!(!missed(at(0), None, at(23)));
        assert!(missed(at(0), None, at(24)));
        assert!(!missed(at(0), Some(at(24)), at(47)));
        assert!(missed(at(0), Some(at(24)), at(48)));
        assert!(missed(at(30), Some(at(24)), at(54)), "it came in between");
        assert!(
            !missed(at(40), Some(at(24)), at(54)),
            "and is away for less than a day"
        );
    }
}
