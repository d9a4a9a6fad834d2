use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::state::{CashKind, Status, Step, next};
use super::step::needed;
use crate::aml::names::graded::{POSSIBLE, Plain, STRONG};
use crate::aml::names::{Folded, Kind, grade};
use crate::aml::permissions::{CASH_CORRECT, CASH_READ, CASH_REQUEST};
use crate::aml::seal::{self, key_of, open, seal};
use crate::audit::{Action, Change};
use crate::crypto::{Keyring, Sealed, blind, mask_name};
use crate::db::Tx;
use crate::ids::new_id;
use crate::outbox::Event;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Principal, Sight, Target, Verdict, allowed};
use crate::refusal::{INVALID, NOT_FOUND, Refusal};
use crate::unit::{Once, Platform, Unit};
use crate::values::bound;

/// Longest method, payer and note, characters.
const METHOD_MAX: usize = 64;
const PAYER_MAX: usize = 200;
const NOTE_MAX: usize = 1_000;

/// Largest amount, minor units: far above any client's, far below the core's limit.
const AMOUNT_MAX: i64 = 1_000_000_000_000_000;

/// What is asked for. The caller knows the account's currency and its value in dollars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCash {
    /// The account.
    pub account: u32,
    /// `deposit`, `withdrawal` or `correction`.
    pub kind: String,
    /// Code of the account's currency.
    pub currency: String,
    /// Minor units; only a correction may be negative.
    pub amount: i64,
    /// The same in cents of a dollar, never negative.
    pub usd_cents: i64,
    /// How: a bank, a card.
    pub method: String,
    /// The name on the other side.
    pub payer: Option<String>,
    /// A word to the house.
    pub note: String,
}

/// A movement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashRow {
    /// Its key.
    pub id: Uuid,
    /// The client.
    pub user: Uuid,
    /// The account.
    pub account: i64,
    /// What moves.
    pub kind: String,
    /// Code of the currency.
    pub currency: String,
    /// Minor units.
    pub amount: i64,
    /// Cents of a dollar.
    pub usd_cents: i64,
    /// Where it is.
    pub status: String,
    /// How.
    pub method: String,
    /// The other side's name, or masked.
    pub payer: String,
    /// Whether that is the client; told to staff alone.
    pub payer_is_client: Option<bool>,
    /// A word.
    pub note: String,
    /// By whom.
    pub requested_by: String,
    /// By whom.
    pub approved_by: Option<String>,
    /// Its input in the core.
    pub core_seq: Option<i64>,
    /// Microseconds.
    pub created_at: i64,
    /// Microseconds.
    pub decided_at: Option<i64>,
    /// Microseconds.
    pub confirmed_at: Option<i64>,
    /// For changes.
    pub revision: i64,
    /// Steps that its state has and the reader may take.
    pub moves: Vec<String>,
}

type Row = (
    (Uuid, Uuid, Uuid, i64, String, String, i64, i64, String),
    (
        String,
        Option<Vec<u8>>,
        Option<bool>,
        String,
        String,
        Option<String>,
        Option<i64>,
    ),
    (i64, Option<i64>, Option<i64>, i64),
    Untold,
);

/// What a hold keeps of a movement for whoever asked, who is not told of the hold.
struct Untold {
    held_from: Option<Status>,
    approved_by: Option<String>,
    decided_at: Option<i64>,
    /// Changes that they are not told of.
    changes: i64,
}

/// Which rows; one statement for one and for many.
#[derive(Default)]
struct Filter {
    id: Option<Uuid>,
    /// Each with where it was held from, as [`standing`] writes them.
    statuses: Option<Vec<String>>,
    account: Option<i64>,
    after: Option<Cursor>,
    limit: i64,
}

/// A status and where it was held from, in one text.
fn standing(status: Status, held_from: Option<Status>) -> String {
    format!("{}/{}", status.name(), held_from.map_or("", Status::name))
}

fn rows(tx: &mut Tx<'_>, filter: Filter) -> Result<Vec<Row>, Refusal> {
    type Flat = (
        Uuid,
        Uuid,
        Uuid,
        i64,
        String,
        String,
        i64,
        i64,
        String,
        String,
        Option<Vec<u8>>,
        Option<bool>,
        String,
        String,
        Option<String>,
        Value,
    );
    let flat: Vec<Flat> = tx.all(
        sqlx::query_as(
            "SELECT id, org_id, user_id, account, kind, currency, amount, usd_cents, status, method, payer_sealed, payer_is_client, note,
                 requested_by, approved_by,
                 jsonb_build_object('seq', core_seq, 'created', (extract(epoch FROM created_at) * 1000000)::bigint,
                     'decided', (extract(epoch FROM decided_at) * 1000000)::bigint,
                     'confirmed', (extract(epoch FROM confirmed_at) * 1000000)::bigint, 'revision', revision,
                     'held_from', held_from, 'held_approved_by', held_approved_by,
                     'held_decided', (extract(epoch FROM held_decided_at) * 1000000)::bigint, 'untold', untold)
             FROM cash_requests
             WHERE ($1::uuid IS NULL OR id = $1) AND ($2::text[] IS NULL OR status || '/' || coalesce(held_from, '') = ANY ($2))
                 AND ($3::bigint IS NULL OR account = $3)
                 AND ($4::bigint IS NULL OR ((extract(epoch FROM created_at) * 1000000)::bigint, id) < ($4, $5))
             ORDER BY created_at DESC, id DESC LIMIT $6",
        )
        .bind(filter.id)
        .bind(filter.statuses)
        .bind(filter.account)
        .bind(filter.after.map(|cursor| cursor.key))
        .bind(filter.after.map(|cursor| cursor.id))
        .bind(filter.limit),
    )?;
    let number = |times: &Value, name: &str| times.get(name).and_then(Value::as_i64);
    let text = |times: &Value, name: &str| Some(times.get(name)?.as_str()?.to_owned());
    let row = |(
        id,
        org,
        user,
        account,
        kind,
        currency,
        amount,
        usd,
        status,
        method,
        payer,
        is_client,
        note,
        requested,
        approved,
        times,
    ): Flat| {
        (
            (id, org, user, account, kind, currency, amount, usd, status),
            (
                method,
                payer,
                is_client,
                note,
                requested,
                approved,
                number(&times, "seq"),
            ),
            (
                number(&times, "created").unwrap_or_default(),
                number(&times, "decided"),
                number(&times, "confirmed"),
                number(&times, "revision").unwrap_or_default(),
            ),
            Untold {
                held_from: text(&times, "held_from").and_then(|name| Status::parse(&name)),
                approved_by: text(&times, "held_approved_by"),
                decided_at: number(&times, "held_decided"),
                changes: number(&times, "untold").unwrap_or_default(),
            },
        )
    };
    Ok(flat.into_iter().map(row).collect())
}

/// A movement as `by` sees it. Who does not work for the house is not told that it is held, nor by what.
fn shown(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    by: &Principal,
    sight: Sight,
    row: Row,
) -> Result<CashRow, Refusal> {
    let ((id, org, user, account, kind, currency, amount, usd_cents, status), more, times, untold) =
        row;
    let (method, payer, payer_is_client, note, requested_by, approved_by, core_seq) = more;
    let (created_at, decided_at, confirmed_at, revision) = times;
    let key = key_of(tx, keyring, user)?;
    let payer = open(key.as_ref(), seal::PAYER, payer)?;
    let note = match Sealed::from_text(&note) {
        Some(sealed) => open(
            key.as_ref(),
            seal::CASH_NOTE,
            Some(sealed.as_bytes().to_vec()),
        )?,
        None => note,
    };
    let is_staff = by.role.is_staff();
    let stands = Status::parse(&status);
    let from = match stands {
        Some(stands) if !is_staff => Some(stands.told(untold.held_from)),
        stands => stands,
    };
    // A hold writes the moment of a decision too.
    let is_told = is_staff || from.is_some_and(Status::is_decided);
    let is_kept = !is_staff && stands.is_some_and(|stands| stands.keeps_approval(untold.held_from));
    let (approved_by, decided_at) = match is_kept {
        true => (untold.approved_by, untold.decided_at),
        false => (approved_by, decided_at),
    };
    let is_requester = requested_by == by.audit_name() || by.user() == Some(user);
    let target = Target::of(org, user);
    let moves = Step::ALL.into_iter().filter(|step| {
        from.is_some_and(|from| next(from, *step, is_requester, false).is_ok())
            && matches!(allowed(by, needed(*step), &target), Verdict::Yes(_))
    });
    let moves = moves.map(|step| step.name().to_owned()).collect();
    Ok(CashRow {
        id,
        user,
        account,
        kind,
        currency,
        amount,
        usd_cents,
        status: from.map_or(status, |from| from.name().to_owned()),
        method,
        payer: if sight == Sight::Masked {
            mask_name(&payer)
        } else {
            payer
        },
        payer_is_client: payer_is_client.filter(|_| is_staff),
        note,
        requested_by,
        approved_by: approved_by.filter(|_| is_told),
        core_seq,
        created_at,
        decided_at: decided_at.filter(|_| is_told),
        confirmed_at,
        revision: match is_staff {
            true => revision,
            false => revision - untold.changes,
        },
        moves,
    })
}

pub(super) fn by_id(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    by: &Principal,
    sight: Sight,
    id: Uuid,
) -> Result<CashRow, Refusal> {
    let filter = Filter {
        id: Some(id),
        limit: 1,
        ..Filter::default()
    };
    let found = rows(tx, filter)?
        .pop()
        .ok_or_else(|| NOT_FOUND.because("there is no such request"))?;
    shown(tx, keyring, by, sight, found)
}

/// Movements that the person may see, newest first.
///
/// # Errors
/// Not permitted; a status that is none.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    status: Option<String>,
    account: Option<u32>,
    paging: Paging,
) -> Result<Page<CashRow>, Refusal> {
    let (_, sight) = by.scope(CASH_READ)?;
    if status
        .as_deref()
        .is_some_and(|status| Status::parse(status).is_none())
    {
        return Err(INVALID.field("status", "no request is ever that"));
    }
    // By what the reader is told, so that no filter tells more.
    let before = [None, Some(Status::Requested), Some(Status::Approved)];
    let statuses = status.map(|status| {
        Status::ALL
            .into_iter()
            .flat_map(|each| before.map(|held_from| (each, held_from)))
            .filter(|(each, held_from)| match by.role.is_staff() {
                true => each.name() == status,
                false => each.told(*held_from).name() == status,
            })
            .map(|(each, held_from)| standing(each, held_from))
            .collect()
    });
    let (keyring, reader) = (Arc::clone(platform.keyring()), by.clone());
    platform
        .read(by, move |tx| {
            let filter = Filter {
                statuses,
                account: account.map(i64::from),
                after: paging.after,
                limit: paging.fetch(),
                ..Filter::default()
            };
            let mut items = Vec::new();
            for row in rows(tx, filter)? {
                items.push(shown(tx, &keyring, &reader, sight, row)?);
            }
            Ok(paging.cut(items, |row| Cursor {
                key: row.created_at,
                id: row.id,
            }))
        })
        .await
}

/// A movement.
///
/// # Errors
/// Not permitted; no such movement for this person.
pub async fn one(platform: &Platform, by: &Principal, id: Uuid) -> Result<CashRow, Refusal> {
    let (_, sight) = by.scope(CASH_READ)?;
    let (keyring, reader) = (Arc::clone(platform.keyring()), by.clone());
    platform
        .read(by, move |tx| by_id(tx, &keyring, &reader, sight, id))
        .await
}

fn checked(new: &NewCash) -> Result<CashKind, Refusal> {
    let kind = CashKind::parse(&new.kind)
        .ok_or_else(|| INVALID.field("kind", "give deposit, withdrawal or correction"))?;
    let negative = new.amount < 0 && kind != CashKind::Correction;
    if new.amount == 0
        || negative
        || new.amount.unsigned_abs() > AMOUNT_MAX.unsigned_abs()
        || new.usd_cents < 0
    {
        return Err(INVALID.field(
            "amount",
            "give an amount above zero; only a correction may be negative",
        ));
    }
    let long = |text: &str, most: usize| text.chars().count() > most;
    if long(&new.method, METHOD_MAX) {
        return Err(INVALID.field("method", format!("use at most {METHOD_MAX} characters")));
    }
    if new
        .payer
        .as_deref()
        .is_some_and(|payer| long(payer, PAYER_MAX))
    {
        return Err(INVALID.field("payer", format!("use at most {PAYER_MAX} characters")));
    }
    if long(&new.note, NOTE_MAX) {
        return Err(INVALID.field("note", format!("use at most {NOTE_MAX} characters")));
    }
    Ok(kind)
}

/// Asks for a movement. A withdrawal needs a second factor.
///
/// # Errors
/// Not permitted; no such account for this person; a field is wrong; no second factor.
pub async fn request(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    new: NewCash,
) -> Result<CashRow, Refusal> {
    let kind = checked(&new)?;
    let permission = if kind == CashKind::Correction {
        CASH_CORRECT
    } else {
        CASH_REQUEST
    };
    let (_, sight) = by.scope(permission)?;
    if kind != CashKind::Deposit {
        by.with_mfa()?;
    }
    platform
        .command_once(by, once, move |unit| {
            let account = i64::from(new.account);
            let found: Option<(Option<Uuid>, Option<Uuid>, bool)> = unit.tx().optional(
                sqlx::query_as("SELECT user_id, org_id, account_type = 'demo' FROM accounts_directory WHERE account = $1")
                    .bind(account),
            )?;
            let (user, org, is_demo) = found.ok_or_else(|| NOT_FOUND.because("there is no such account"))?;
            let user = user.ok_or_else(|| {
                NOT_FOUND.because("the account belongs to no client of the platform")
            })?;
            let org = org.unwrap_or(unit.by().org);
            unit.by().may(permission, &Target::of(org, user))?;
            if is_demo {
                return Err(INVALID.field(
                    "account",
                    "a demonstration account holds play money: name a live one",
                ));
            }
            let id = put(unit, user, kind, &new)?;
            let (keyring, reader) = (unit.keyring_shared(), unit.by().clone());
            by_id(unit.tx(), &keyring, &reader, sight, id)
        })
        .await
}

fn put(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    kind: CashKind,
    new: &NewCash,
) -> Result<Uuid, Refusal> {
    let (now, org, me) = (unit.now(), unit.by().org, unit.by().audit_name());
    let payer = new
        .payer
        .as_deref()
        .map(str::trim)
        .filter(|payer| !payer.is_empty());
    let (mut sealed, mut index, mut is_client) = (None, None, None);
    if let Some(payer) = payer {
        sealed = Some(seal(unit, user, seal::PAYER, payer)?);
        let folded = Folded::of(payer, Kind::Person).words.join(" ");
        index = Some(blind(unit.keyring(), seal::PAYER, &folded));
        is_client = same_person(unit, user, payer)?;
    }
    // Anybody's words: they may name a person, and are kept as long as the movement is.
    let note = match new.note.trim() {
        "" => String::new(),
        text => seal(unit, user, seal::CASH_NOTE, text)?.to_text(),
    };
    let id = new_id(now);
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO cash_requests (id, org_id, user_id, account, kind, currency, amount, usd_cents, method, payer_sealed, payer_index,
                 payer_is_client, note, requested_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(id)
        .bind(org)
        .bind(user)
        .bind(i64::from(new.account))
        .bind(kind.name())
        .bind(&new.currency)
        .bind(new.amount)
        .bind(new.usd_cents)
        .bind(new.method.trim())
        .bind(sealed.as_ref().map(Sealed::as_bytes))
        .bind(index.as_ref().map(|index| &index[..]))
        .bind(is_client)
        .bind(note)
        .bind(&me)
        .bind(bound(now)),
    )?;
    unit.audit(
        Change::new(Action::Create, "cash_request", id)
            .about(user)
            .field("kind", Value::Null, kind.name())
            .field("amount", Value::Null, new.amount)
            .field("currency", Value::Null, new.currency.as_str()),
    );
    let facts = json!({ "user_id": user, "kind": kind.name(), "amount": new.amount, "currency": new.currency, "usd_cents": new.usd_cents });
    unit.emit(
        Event::new("cash.requested", "cash_request", id, facts)
            .about(user)
            .account(new.account),
    );
    Ok(id)
}

/// Whether a name is the client's; `None` where it cannot be told.
fn same_person(unit: &mut Unit<'_, '_>, user: Uuid, payer: &str) -> Result<Option<bool>, Refusal> {
    let row: Option<(Option<Vec<u8>>,)> = unit
        .tx()
        .optional(sqlx::query_as("SELECT name_sealed FROM users WHERE id = $1").bind(user))?;
    let Some((Some(sealed),)) = row else {
        return Ok(None);
    };
    let key = unit.key(user)?;
    let name = open(Some(&key), "users.name", Some(sealed))?;
    let score = grade(
        &Folded::of(payer, Kind::Person),
        &Folded::of(&name, Kind::Person),
        Kind::Person,
        &Plain,
    )
    .score;
    Ok(match score {
        STRONG.. => Some(true),
        POSSIBLE.. => None,
        _ => Some(false),
    })
}
