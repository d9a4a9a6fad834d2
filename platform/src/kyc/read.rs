use std::collections::HashMap;

use siaga_risk::units::Ts;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row as _};
use uuid::Uuid;

use super::Kyc;
use super::dispute::Outcome;
use super::document::{Kind, Status, Wanted, missing};
use super::link::Link;
use super::permissions::READ;
use super::rows::{self, Case, DISPUTE, Document, NOTES, case_columns};
use super::scan::kinds;
use super::state::State;
use super::view::{CaseView, DisputeView, DocumentView, ReviewView, masked};
use crate::crypto::{Keyring, Sealed, SubjectKey, mask_name};
use crate::db::Tx;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Principal, Sight};
use crate::refusal::{ERASED, Refusal};
use crate::unit;
use crate::values::from_micros;

macro_rules! dispute_columns {
    () => {
        "d.id, d.kyc_case_id, d.user_id, d.org_id, d.team_id, d.status, d.priority, d.reason_sealed, d.outcome, u.status AS user_status, \
         (extract(epoch FROM d.due_at) * 1000000)::bigint AS due, (extract(epoch FROM d.created_at) * 1000000)::bigint AS created, \
         (extract(epoch FROM d.resolved_at) * 1000000)::bigint AS resolved"
    };
}
/// For whom something is shown, and when.
struct Looker {
    who: Principal,
    now: Ts,
    wanted: Wanted,
}

/// One document.
///
/// # Errors
/// Not there, or not for this person.
pub async fn document(kyc: &Kyc, by: &Principal, id: Uuid) -> Result<DocumentView, Refusal> {
    let (looker, keyring) = (looker(kyc, by), kyc.platform.keyring().clone());
    kyc.platform
        .read(by, move |tx| {
            let document = rows::document(tx, id)?;
            let sight = looker.who.may(READ, &document.target())?;
            let case = rows::case(tx, document.case)?;
            let key = unless_erased(unit::statutory_key(tx, &keyring, document.user))?;
            document_view(
                &looker,
                &keyring,
                document,
                case.standing.state,
                sight,
                key.as_ref(),
            )
        })
        .await
}

/// A case with everything.
///
/// # Errors
/// Not there, or not for this person.
pub async fn case(kyc: &Kyc, by: &Principal, id: Uuid) -> Result<CaseView, Refusal> {
    let (looker, keyring) = (looker(kyc, by), kyc.platform.keyring().clone());
    kyc.platform
        .read(by, move |tx| {
            let case = rows::case(tx, id)?;
            whole(tx, &looker, &keyring, case)
        })
        .await
}

/// The caller's own case.
///
/// # Errors
/// There is none yet, or the role has none.
pub async fn own_case(kyc: &Kyc, by: &Principal) -> Result<CaseView, Refusal> {
    by.may(READ, &by.own())?;
    let user = by.user().ok_or_else(rows::nothing)?;
    let (looker, keyring) = (looker(kyc, by), kyc.platform.keyring().clone());
    kyc.platform
        .read(by, move |tx| {
            let case = rows::case_of(tx, user)?.ok_or_else(rows::nothing)?;
            whole(tx, &looker, &keyring, case)
        })
        .await
}

/// Cases by their deadline, the most overdue first; of one state or of all.
///
/// # Errors
/// The role has no cases, or the database.
pub async fn queue(
    kyc: &Kyc,
    by: &Principal,
    state: Option<State>,
    paging: Paging,
) -> Result<Page<CaseView>, Refusal> {
    by.scope(READ)?;
    let (looker, keyring) = (looker(kyc, by), kyc.platform.keyring().clone());
    kyc.platform
        .read(by, move |tx| {
            let after = paging.after.unwrap_or(Cursor {
                key: i64::MIN,
                id: Uuid::nil(),
            });
            let cases = tx.all(
                sqlx::query_as::<_, Case>(concat!(
                    "SELECT ",
                    case_columns!(),
                    " FROM kyc_cases WHERE ($1::text IS NULL OR status = $1)
                       AND ((extract(epoch FROM coalesce(due_at, created_at)) * 1000000)::bigint, id) > ($2, $3)
                     ORDER BY (extract(epoch FROM coalesce(due_at, created_at)) * 1000000)::bigint, id LIMIT $4"
                ))
                .bind(state.map(State::name))
                .bind(after.key)
                .bind(after.id)
                .bind(paging.fetch()),
            )?;
            let page = paging.cut(cases, |case| Cursor {
                key: Cursor::micros(case.due.unwrap_or(case.created)),
                id: case.id,
            });
            let users: Vec<Uuid> = page.items.iter().map(Case::user).collect();
            let names = names(tx, &keyring, &users)?;
            let accounts = accounts(tx, &users)?;
            let mut views = Vec::with_capacity(page.items.len());
            for case in page.items {
                let sight = looker.who.may(READ, &case.target())?;
                let name = names.get(&case.user()).cloned();
                let account = accounts.get(&case.user()).copied();
                views.push(head(&looker, &case, sight, name, account, Vec::new()));
            }
            Ok(Page {
                items: views,
                next: page.next,
            })
        })
        .await
}

/// Disputes by their deadline; open ones, resolved ones, or all.
///
/// # Errors
/// The role has no cases, or the database.
pub async fn disputes(
    kyc: &Kyc,
    by: &Principal,
    open: Option<bool>,
    paging: Paging,
) -> Result<Page<DisputeView>, Refusal> {
    by.scope(READ)?;
    let (looker, keyring) = (looker(kyc, by), kyc.platform.keyring().clone());
    kyc.platform
        .read(by, move |tx| {
            let after = paging.after.unwrap_or(Cursor {
                key: i64::MIN,
                id: Uuid::nil(),
            });
            let rows = tx.all(
                sqlx::query_as::<_, DisputeRow>(concat!(
                    "SELECT ",
                    dispute_columns!(),
                    " FROM kyc_disputes AS d JOIN users AS u ON u.id = d.user_id WHERE ($1::boolean IS NULL OR (d.status = 'open') = $1)
                       AND ((extract(epoch FROM d.due_at) * 1000000)::bigint, d.id) > ($2, $3)
                     ORDER BY (extract(epoch FROM d.due_at) * 1000000)::bigint, d.id LIMIT $4"
                ))
                .bind(open)
                .bind(after.key)
                .bind(after.id)
                .bind(paging.fetch()),
            )?;
            let page = paging.cut(rows, |row| Cursor {
                key: Cursor::micros(row.0.due),
                id: row.0.id,
            });
            let mut views = Vec::with_capacity(page.items.len());
            for row in page.items {
                views.push(dispute_view(tx, &looker, &keyring, row)?);
            }
            Ok(Page {
                items: views,
                next: page.next,
            })
        })
        .await
}

fn looker(kyc: &Kyc, by: &Principal) -> Looker {
    Looker {
        who: by.clone(),
        now: kyc.platform.now(),
        wanted: kyc.wanted,
    }
}

fn unless_erased(key: Result<Option<SubjectKey>, Refusal>) -> Result<Option<SubjectKey>, Refusal> {
    match key {
        Err(refusal) if refusal.fault() == Some(ERASED) => Ok(None),
        key => key,
    }
}

fn document_view(
    looker: &Looker,
    keyring: &Keyring,
    document: Document,
    case_state: State,
    sight: Sight,
    key: Option<&SubjectKey>,
) -> Result<DocumentView, Refusal> {
    let fields = match key {
        Some(key) => masked(document.fields(key)?, sight),
        None => super::document::Fields::default(),
    };
    let viewer = looker
        .who
        .user()
        .filter(|_| sight == Sight::Clear && document.path.is_some() && key.is_some());
    let own = looker.who.user() == Some(document.user);
    Ok(DocumentView {
        id: document.id,
        case: document.case,
        user: document.user,
        kind: document.kind,
        status: document.status,
        case_state,
        reading: document.reading,
        confidence: document.confidence,
        quality: document.quality,
        hints: document.hints,
        sight,
        fields,
        link: viewer.map(|viewer| Link::sign(keyring, document.id, viewer, looker.now)),
        reviewed_by: document.reviewed_by.filter(|_| !own),
        reviewed: document.reviewed,
        created: document.created,
        revision: document.revision,
    })
}

fn head(
    looker: &Looker,
    case: &Case,
    sight: Sight,
    name: Option<String>,
    account: Option<u32>,
    missing: Vec<Kind>,
) -> CaseView {
    let own = looker.who.user() == Some(case.user());
    let name = match sight {
        Sight::Clear => name,
        Sight::Masked => name.map(|name| mask_name(&name)),
    };
    CaseView {
        id: case.id,
        user: case.user(),
        client: name,
        state: case.standing.state,
        attempt: case.standing.attempt,
        failed: case.standing.failed,
        risky: case.standing.risky && !own,
        first: case.standing.first.filter(|_| !own),
        missing,
        submitted: case.submitted,
        due: case.due,
        overdue: case.standing.state == State::ReviewRequired
            && case.due.is_some_and(|due| due < looker.now),
        // A client is not told that a list stopped them.
        reason: case.reason.map(|reason| match reason {
            super::state::Reason::Watchlist | super::state::Reason::SuspectedFraud if own => {
                super::state::Reason::Other
            }
            reason => reason,
        }),
        account,
        sight,
        revision: case.revision,
        findings: if own {
            Vec::new()
        } else {
            case.findings.clone()
        },
        documents: Vec::new(),
        reviews: Vec::new(),
        dispute: None,
    }
}

/// What a client hands in again behind a failed attempt: what was refused, since the rest is taken along.
fn wanted_again(documents: &[Document], wanted: Wanted) -> Vec<Kind> {
    let (refused, kept): (Vec<&Document>, Vec<&Document>) = documents
        .iter()
        .partition(|document| document.status == Status::Rejected);
    let still = missing(&kept.iter().map(|document| document.kind).collect(), wanted);
    // A document that need not be there is refused all the same.
    if still.is_empty() {
        refused.iter().map(|document| document.kind).collect()
    } else {
        still
    }
}

fn whole(
    tx: &mut Tx<'_>,
    looker: &Looker,
    keyring: &Keyring,
    case: Case,
) -> Result<CaseView, Refusal> {
    let sight = looker.who.may(READ, &case.target())?;
    let user = case.user();
    let key = unless_erased(unit::statutory_key(tx, keyring, user))?;
    let documents = rows::current(tx, case.id, case.standing.attempt)?;
    let still = match case.standing.state {
        State::PendingUpload => missing(&kinds(&documents), looker.wanted),
        State::Rejected => wanted_again(&documents, looker.wanted),
        _ => Vec::new(),
    };
    let name = names(tx, keyring, &[user])?.remove(&user);
    let account = accounts(tx, &[user])?.remove(&user);
    let mut view = head(looker, &case, sight, name, account, still);
    for document in documents {
        view.documents.push(document_view(
            looker,
            keyring,
            document,
            case.standing.state,
            sight,
            key.as_ref(),
        )?);
    }
    if looker.who.user() != Some(user) {
        view.reviews = reviews(tx, &case, key.as_ref(), sight)?;
    }
    let dispute = tx.optional(
        sqlx::query_as::<_, DisputeRow>(concat!(
            "SELECT ",
            dispute_columns!(),
            " FROM kyc_disputes AS d JOIN users AS u ON u.id = d.user_id WHERE d.kyc_case_id = $1 ORDER BY d.created_at DESC LIMIT 1"
        ))
        .bind(case.id),
    )?;
    view.dispute = dispute
        .map(|row| dispute_view(tx, looker, keyring, row))
        .transpose()?;
    Ok(view)
}

fn reviews(
    tx: &mut Tx<'_>,
    case: &Case,
    key: Option<&SubjectKey>,
    sight: Sight,
) -> Result<Vec<ReviewView>, Refusal> {
    let rows: Vec<(Uuid, String, Option<Vec<u8>>, i64)> = tx.all(
        sqlx::query_as(
            "SELECT reviewer_id, action, notes_sealed, (extract(epoch FROM created_at) * 1000000)::bigint FROM kyc_reviews
             WHERE kyc_case_id = $1 ORDER BY created_at, id LIMIT 200",
        )
        .bind(case.id),
    )?;
    let open = |sealed: Option<Vec<u8>>| {
        let sealed = sealed
            .filter(|_| sight == Sight::Clear)
            .map(Sealed::from_bytes);
        key.zip(sealed)
            .and_then(|(key, sealed)| key.open(NOTES, &sealed).ok())
    };
    let views = rows
        .into_iter()
        .map(|(reviewer, action, sealed, at)| ReviewView {
            reviewer,
            action,
            notes: open(sealed),
            at: from_micros(at),
        });
    Ok(views.collect())
}

/// Names of registration, as far as they can be opened.
fn names(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    users: &[Uuid],
) -> Result<HashMap<Uuid, String>, Refusal> {
    let rows: Vec<(Uuid, Option<Vec<u8>>)> = tx.all(
        sqlx::query_as("SELECT id, name_sealed FROM users WHERE id = ANY($1) LIMIT 200")
            .bind(users.to_vec()),
    )?;
    let mut names = HashMap::with_capacity(rows.len());
    for (user, sealed) in rows {
        let Some(sealed) = sealed else { continue };
        let Some(key) = unless_erased(unit::subject_key(tx, keyring, user))? else {
            continue;
        };
        if let Ok(name) = key.open("users.name", &Sealed::from_bytes(sealed)) {
            names.insert(user, name);
        }
    }
    Ok(names)
}

/// Accounts that approvals opened.
fn accounts(tx: &mut Tx<'_>, users: &[Uuid]) -> Result<HashMap<Uuid, u32>, Refusal> {
    let rows: Vec<(Uuid, i64)> = tx.all(
        sqlx::query_as("SELECT user_id, account FROM kyc_accounts WHERE user_id = ANY($1) AND opened_at IS NOT NULL LIMIT 200").bind(users.to_vec()),
    )?;
    Ok(rows
        .into_iter()
        .filter_map(|(user, account)| Some((user, u32::try_from(account).ok()?)))
        .collect())
}

/// A row, its organisation, its team, and what is sealed in it.
struct DisputeRow(DisputeView, Uuid, Option<Uuid>, Option<Sealed>);

impl<'r> FromRow<'r, PgRow> for DisputeRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let status: String = row.try_get("status")?;
        let outcome: Option<String> = row.try_get("outcome")?;
        let sealed: Option<Vec<u8>> = row.try_get("reason_sealed")?;
        let resolved: Option<i64> = row.try_get("resolved")?;
        let outcome = outcome.map(|name| {
            if name == Outcome::Upheld.name() {
                Outcome::Upheld
            } else {
                Outcome::Dismissed
            }
        });
        let view = DisputeView {
            id: row.try_get("id")?,
            case: row.try_get("kyc_case_id")?,
            user: row.try_get("user_id")?,
            open: status == "open",
            priority: row.try_get("priority")?,
            reason: None,
            outcome,
            user_status: row.try_get("user_status")?,
            due: from_micros(row.try_get("due")?),
            created: from_micros(row.try_get("created")?),
            resolved: resolved.map(from_micros),
        };
        Ok(Self(
            view,
            row.try_get("org_id")?,
            row.try_get("team_id")?,
            sealed.map(Sealed::from_bytes),
        ))
    }
}

fn dispute_view(
    tx: &mut Tx<'_>,
    looker: &Looker,
    keyring: &Keyring,
    row: DisputeRow,
) -> Result<DisputeView, Refusal> {
    let DisputeRow(mut view, org, team, sealed) = row;
    let target = crate::people::Target {
        org,
        owner: Some(view.user),
        team,
        referrer: None,
    };
    let sight = looker.who.may(READ, &target)?;
    if let Some(sealed) = sealed.filter(|_| sight == Sight::Clear) {
        let key = unless_erased(unit::statutory_key(tx, keyring, view.user))?;
        view.reason = key.and_then(|key| key.open(DISPUTE, &sealed).ok());
    }
    Ok(view)
}

/// One dispute.
///
/// # Errors
/// Not there, or not for this person.
pub async fn one_dispute(kyc: &Kyc, by: &Principal, id: Uuid) -> Result<DisputeView, Refusal> {
    let (looker, keyring) = (looker(kyc, by), kyc.platform.keyring().clone());
    kyc.platform
        .read(by, move |tx| {
            let row = tx.optional(
                sqlx::query_as::<_, DisputeRow>(concat!(
                    "SELECT ",
                    dispute_columns!(),
                    " FROM kyc_disputes AS d JOIN users AS u ON u.id = d.user_id WHERE d.id = $1"
                ))
                .bind(id),
            )?;
            dispute_view(tx, &looker, &keyring, row.ok_or_else(rows::nothing)?)
        })
        .await
}
