use serde_json::{Value, json};
use siaga_risk::units::{SECOND_NS, Ts};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::{Area, Permission, Principal, Target, Verb};
use crate::refusal::{CONFLICT, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::{bound, from_micros};

/// Days within which a request is done (GDPR article 12; UU PDP says three times 24 hours for a first answer).
pub const DAYS_MAX: u64 = 30;

/// Requests of one subject in an answer.
const REQUESTS_MAX: i64 = 100;

/// See and make requests for others.
pub const SUBJECT_READ: Permission = Permission::new("subject.read", Area::People, Verb::Read);
pub(super) const SUBJECT_REQUEST: Permission =
    Permission::new("subject.request", Area::People, Verb::Write);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All data as JSON.
    Export,
    /// Their end.
    Erasure,
}

impl Kind {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Export => "export",
            Kind::Erasure => "erasure",
        }
    }
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// To be done.
    Open,
    /// A legal hold, or a store that could not let go yet; tried again.
    Held,
    /// Done.
    Done,
    /// A person said no.
    Refused,
}

impl Status {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Held => "held",
            Status::Done => "done",
            Status::Refused => "refused",
        }
    }

    pub(super) fn parse(name: &str) -> Self {
        match name {
            "held" => Status::Held,
            "done" => Status::Done,
            "refused" => Status::Refused,
            _ => Status::Open,
        }
    }
}

/// A request of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its key.
    pub id: Uuid,
    /// Whose data.
    pub subject: Uuid,
    /// In which organisation.
    pub org: Uuid,
    /// What.
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// Why it is held or refused.
    pub reason: Option<String>,
    /// When it was made.
    pub made: Ts,
    /// By when it has to be done.
    pub due: Ts,
}

pub(super) type Row = (Uuid, Uuid, Uuid, String, String, Option<String>, i64, i64);

/// The columns of [`Row`], in order.
macro_rules! columns {
    () => {
        "id, subject_id, org_id, kind, status, reason, (extract(epoch FROM created_at) * 1000000)::bigint, (extract(epoch FROM due_at) * 1000000)::bigint"
    };
}
pub(super) use columns;

pub(super) fn of_row(row: Row) -> Request {
    let (id, subject, org, kind, status, reason, made, due) = row;
    Request {
        id,
        subject,
        org,
        kind: if kind == "export" {
            Kind::Export
        } else {
            Kind::Erasure
        },
        status: Status::parse(&status),
        reason,
        made: from_micros(made),
        due: from_micros(due),
    }
}

/// Passes for the subject itself, and for whom `permission` lets see it in their own organisation.
///
/// # Errors
/// Not allowed; no such subject in the organisation of `by`; the database.
pub async fn may(
    platform: &Platform,
    by: &Principal,
    permission: Permission,
    subject: Uuid,
) -> Result<(), Refusal> {
    if by.is_person(subject) {
        return Ok(());
    }
    by.may(permission, &Target::of(by.org, subject))?;
    // Of a subject nothing but its key is known here: whose it is stands in the rows that it has.
    let org = by.org;
    let query = "SELECT EXISTS (SELECT FROM users WHERE id = $1 AND org_id = $2) OR EXISTS (SELECT FROM subject_keys WHERE subject_id = $1 AND org_id = $2)";
    let known: bool = platform
        .read(&by.elevated(), move |tx| {
            Ok(tx.scalar(sqlx::query_scalar(query).bind(subject).bind(org))?)
        })
        .await?;
    match known {
        true => Ok(()),
        false => Err(NOT_FOUND.because("there is no such person, or not for you")),
    }
}

/// Records a request; the erasure itself is done by [`super::erase_due`].
///
/// # Errors
/// Not allowed, one of the kind is open already, or the database.
pub async fn request(
    platform: &Platform,
    by: &Principal,
    subject: Uuid,
    kind: Kind,
) -> Result<Request, Refusal> {
    request_once(platform, by, None, subject, kind).await
}

/// The same for a request that may come twice.
///
/// # Errors
/// As [`request`]; the key was used for another request.
pub async fn request_once(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    subject: Uuid,
    kind: Kind,
) -> Result<Request, Refusal> {
    may(platform, by, SUBJECT_REQUEST, subject).await?;
    let made = platform.command_once(by, once, move |unit| {
        let request = put(unit, subject, kind)?;
        Ok((request.id, request.org, request.made.0, request.due.0))
    });
    let (id, org, made, due): (Uuid, Uuid, u64, u64) = made.await?;
    Ok(Request {
        id,
        subject,
        org,
        kind,
        status: Status::Open,
        reason: None,
        made: Ts(made),
        due: Ts(due),
    })
}

fn put(unit: &mut Unit<'_, '_>, subject: Uuid, kind: Kind) -> Result<Request, Refusal> {
    let open: bool = unit.tx().scalar(
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM subject_requests WHERE subject_id = $1 AND kind = $2 AND status IN ('open', 'held'))",
        )
        .bind(subject)
        .bind(kind.name()),
    )?;
    if open && kind == Kind::Erasure {
        return Err(asked_already());
    }
    let now = unit.now();
    let request = Request {
        id: new_id(now),
        subject,
        org: unit.by().org,
        kind,
        status: Status::Open,
        reason: None,
        made: now,
        due: now.plus(DAYS_MAX * 24 * 3_600 * SECOND_NS),
    };
    let by = unit.by().audit_name();
    let made = unit.tx().execute(
        sqlx::query(
            "INSERT INTO subject_requests (id, org_id, subject_id, kind, requested_by, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(request.id)
        .bind(request.org)
        .bind(subject)
        .bind(kind.name())
        .bind(by)
        .bind(bound(now))
        .bind(bound(request.due)),
    );
    made.map_err(|error| {
        Refusal::from(error).on_duplicate("idx_subject_requests_erasure", asked_already)
    })?;
    let change = Change::new(Action::Create, "subject_request", request.id).about(subject);
    unit.audit(change.field("kind", Value::Null, kind.name()));
    let payload = json!({"subject_id": subject, "kind": kind.name()});
    unit.emit(Event::new("subject.requested", "subject", subject, payload).about(subject));
    Ok(request)
}

fn asked_already() -> Refusal {
    CONFLICT.because("an erasure is asked for already and will be done")
}

/// The requests of a subject, newest first, for the subject and for whom they are the work of. One that is held is open to the
/// subject.
///
/// # Errors
/// Not allowed, or the database.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    subject: Uuid,
) -> Result<Vec<Request>, Refusal> {
    may(platform, by, SUBJECT_READ, subject).await?;
    let mut requests = platform.read(by, move |tx| of_subject(tx, subject)).await?;
    if by.is_person(subject) {
        // What holds an erasure may be an authority's word or a case, which are not the person's to be told.
        for request in &mut requests {
            if request.status == Status::Held {
                request.status = Status::Open;
                request.reason = None;
            }
        }
    }
    Ok(requests)
}

/// The same in a transaction of somebody who was let through.
///
/// # Errors
/// The database.
pub fn of_subject(tx: &mut Tx<'_>, subject: Uuid) -> Result<Vec<Request>, Refusal> {
    const SELECT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM subject_requests WHERE subject_id = $1 ORDER BY id DESC LIMIT $2"
    );
    let rows: Vec<Row> = tx.all(sqlx::query_as(SELECT).bind(subject).bind(REQUESTS_MAX))?;
    Ok(rows.into_iter().map(of_row).collect())
}
