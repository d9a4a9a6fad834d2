//! What a lead may bring, and what becomes of it.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::crypto::{Sealed, SubjectKey};
use crate::ids::new_id;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, NOT_FOUND, Refusal, STALE};
use crate::unit::{Once, Platform, Unit, subject_keys};
use crate::values::from_micros;

use super::lead::{Lead, broken};
use super::permissions::{LEAD_EDIT, LEAD_READ};
use super::store;
use super::view::key_of;
use super::work::{TITLE_MAX, typed, writable};

/// Deals of one lead that are shown.
const DEALS_MAX: i64 = 100;

/// Under which name titles are sealed.
const TITLE: &str = "lead_deals.title";

/// What becomes of a deal.
const STATES: [&str; 3] = ["open", "won", "lost"];

/// What a lead may bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// Its key.
    pub id: Uuid,
    /// Of which lead.
    pub lead: Uuid,
    /// What it is; `None` when it was erased.
    pub title: Option<String>,
    /// US cents.
    pub expected_usd_cents: i64,
    /// `open`, `won`, `lost`.
    pub status: String,
    /// Whose it is.
    pub owner: Option<Uuid>,
    /// When it was made.
    pub created: Ts,
    /// When it changed.
    pub updated: Ts,
    /// Counts changes.
    pub revision: i64,
}

type DealRow = (
    Uuid,
    Uuid,
    Option<Vec<u8>>,
    i64,
    String,
    Option<Uuid>,
    i64,
    i64,
    i64,
    Uuid,
);

macro_rules! deal_columns {
    () => {
        "d.id, d.lead_id, d.title_sealed, d.expected_usd_cents, d.status, d.owner_id, (extract(epoch FROM d.created_at) * 1000000)::bigint, \
         (extract(epoch FROM d.updated_at) * 1000000)::bigint, d.revision, l.subject_id"
    };
}

/// The deals of a lead and of those that are part of it, newest first.
///
/// # Errors
/// Forbidden or not found.
pub async fn deals(platform: &Platform, by: &Principal, lead: Uuid) -> Result<Vec<Deal>, Refusal> {
    let (owned, keyring) = (by.clone(), Arc::clone(platform.keyring()));
    platform
        .read(by, move |tx| {
            owned.may(LEAD_READ, &store::find(tx, lead)?.target())?;
            let rows: Vec<DealRow> = tx.all(
                sqlx::query_as(concat!(
                    "SELECT ",
                    deal_columns!(),
                    " FROM lead_deals AS d JOIN leads AS l ON l.id = d.lead_id WHERE d.lead_id = ANY (ARRAY[$1]::uuid[] || ARRAY(SELECT m.id FROM leads AS m WHERE m.merged_into = $1)) ORDER BY d.id DESC LIMIT $2"
                ))
                .bind(lead)
                .bind(DEALS_MAX),
            )?;
            let keys = subject_keys(tx, &keyring, rows.iter().map(|row| row.9))?;
            let deals = rows.into_iter().map(|row| {
                let key = keys.get(&row.9);
                deal(row, key)
            });
            Ok(deals.collect())
        })
        .await
}

fn deal(row: DealRow, key: Option<&SubjectKey>) -> Deal {
    let (id, lead, title, expected_usd_cents, status, owner, created, updated, revision, _) = row;
    let title = key
        .zip(title)
        .and_then(|(key, title)| key.open(TITLE, &Sealed::from_bytes(title)).ok());
    Deal {
        id,
        lead,
        title,
        expected_usd_cents,
        status,
        owner,
        created: from_micros(created),
        updated: from_micros(updated),
        revision,
    }
}

/// One deal as its reader sees it.
///
/// # Errors
/// Not found.
pub async fn one_deal(platform: &Platform, by: &Principal, id: Uuid) -> Result<Deal, Refusal> {
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| {
            let query = sqlx::query_as(concat!(
                "SELECT ",
                deal_columns!(),
                " FROM lead_deals AS d JOIN leads AS l ON l.id = d.lead_id WHERE d.id = $1"
            ));
            let row: Option<DealRow> = tx.optional(query.bind(id))?;
            let row = row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
            let key = key_of(tx, &keyring, row.9)?;
            Ok(deal(row, key.as_ref()))
        })
        .await
}

/// Makes a deal of a lead; it is its agent's.
///
/// # Errors
/// Forbidden, not found, or a field that is wrong.
pub async fn add_deal(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    lead: Uuid,
    title: String,
    expected_usd_cents: i64,
) -> Result<Uuid, Refusal> {
    let title = typed(&title, "title", TITLE_MAX)?;
    positive(expected_usd_cents)?;
    platform
        .command_once(by, once, move |unit| {
            let lead = writable(unit, lead, LEAD_EDIT)?;
            let sealed = unit.key(lead.subject)?.seal(TITLE, &title);
            let (id, owner) = (new_id(unit.now()), lead.assigned_to.or(unit.by().user()));
            unit.tx().execute(
                sqlx::query("INSERT INTO lead_deals (id, org_id, lead_id, owner_id, title_sealed, expected_usd_cents) VALUES ($1, $2, $3, $4, $5, $6)")
                    .bind(id)
                    .bind(lead.org)
                    .bind(lead.id)
                    .bind(owner)
                    .bind(sealed.as_bytes())
                    .bind(expected_usd_cents),
            )?;
            store::history(unit, &lead, "deal", &json!({"deal_id": id, "status": "open", "expected_usd_cents": expected_usd_cents}), None)?;
            let change = Change::new(Action::Create, "deal", id).about(lead.subject);
            unit.audit(change.field("expected_usd_cents", Value::Null, expected_usd_cents).personal("title", None, Some(&title)));
            tell(unit, &lead, id);
            Ok(id)
        })
        .await
}

/// What is to be changed of a deal; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DealChange {
    /// What became of it.
    pub status: Option<String>,
    /// What it is.
    pub title: Option<String>,
    /// US cents.
    pub expected_usd_cents: Option<i64>,
}

/// Changes a deal. What it was called before stays in the lead's timeline.
///
/// # Errors
/// Forbidden, not found, stale, or a field that is wrong.
pub async fn change_deal(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    deal: Uuid,
    change: DealChange,
    revision: i64,
) -> Result<(), Refusal> {
    let change = checked(change)?;
    platform
        .command_once(by, once, move |unit| {
            change_in(unit, deal, change, revision)
        })
        .await
}

fn positive(expected_usd_cents: i64) -> Result<(), Refusal> {
    if expected_usd_cents < 0 {
        return Err(INVALID.field("expected_usd", "use zero or more"));
    }
    Ok(())
}

/// The change with its title as it will stand.
fn checked(change: DealChange) -> Result<DealChange, Refusal> {
    if change == DealChange::default() {
        return Err(INVALID.field("status", "name what changes: status, title or expected_usd"));
    }
    if let Some(status) = &change.status
        && !STATES.contains(&status.as_str())
    {
        return Err(INVALID.field("status", "use open, won or lost"));
    }
    change.expected_usd_cents.map_or(Ok(()), positive)?;
    let title = change.title.as_deref();
    let title = title
        .map(|title| typed(title, "title", TITLE_MAX))
        .transpose()?;
    Ok(DealChange { title, ..change })
}

type Standing = (Uuid, Option<Vec<u8>>, i64, String, i64);

fn change_in(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    wanted: DealChange,
    revision: i64,
) -> Result<(), Refusal> {
    let row: Option<Standing> = unit.tx().optional(
        sqlx::query_as(
            "SELECT lead_id, title_sealed, expected_usd_cents, status, revision FROM lead_deals WHERE id = $1 FOR UPDATE",
        )
        .bind(id),
    )?;
    let (lead, title, cents, status, standing) =
        row.ok_or_else(|| NOT_FOUND.because("it does not exist, or not for you"))?;
    let lead = store::find(unit.tx(), lead)?;
    unit.by().may(LEAD_EDIT, &lead.target())?;
    if standing != revision {
        return Err(STALE.because("read the deal again; somebody changed it"));
    }
    let mut audit = Change::new(Action::Update, "deal", id).about(lead.subject);
    let mut detail = Map::from_iter([("deal_id".to_owned(), json!(id))]);
    let (mut sealed, mut called) = (None, None);
    if let Some(new) = wanted.title {
        let key = unit.key(lead.subject)?;
        let old = title.map(|title| key.open(TITLE, &Sealed::from_bytes(title)));
        let old = old.transpose().map_err(broken)?;
        if old.as_ref() != Some(&new) {
            audit = audit.personal("title", old.as_deref(), Some(&new));
            detail.insert("fields".to_owned(), json!(["title"]));
            (sealed, called) = (Some(key.seal(TITLE, &new)), old);
        }
    }
    let expected = wanted.expected_usd_cents.filter(|new| *new != cents);
    if let Some(new) = expected {
        audit = audit.field("expected_usd_cents", cents, new);
        detail.insert("expected_usd_cents".to_owned(), json!(new));
        detail.insert("from_usd_cents".to_owned(), json!(cents));
    }
    let state = wanted.status.filter(|new| *new != status);
    if let Some(new) = &state {
        audit = audit.field("status", status.as_str(), new.as_str());
        detail.insert("status".to_owned(), json!(new));
        detail.insert("from".to_owned(), json!(status));
    }
    if detail.len() == 1 {
        return Ok(());
    }
    unit.tx().execute(
        sqlx::query(
            "UPDATE lead_deals SET status = coalesce($2, status), title_sealed = coalesce($3, title_sealed),
                 expected_usd_cents = coalesce($4, expected_usd_cents), revision = revision + 1 WHERE id = $1",
        )
        .bind(id)
        .bind(state)
        .bind(sealed.map(|sealed| sealed.as_bytes().to_vec()))
        .bind(expected),
    )?;
    store::history(
        unit,
        &lead,
        "deal",
        &Value::Object(detail),
        called.as_deref(),
    )?;
    unit.audit(audit);
    tell(unit, &lead, id);
    Ok(())
}

/// Whoever looks at the lead reads its deals again.
fn tell(unit: &mut Unit<'_, '_>, lead: &Lead, deal: Uuid) {
    let facts = json!({"lead_id": lead.id, "deal_id": deal, "assigned_to": lead.assigned_to});
    unit.emit(Event::new("lead.changed", "lead", lead.id, facts).about(lead.subject));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_something_and_nothing_that_is_no_deal() {
        let some = |text: &str| Some(text.to_owned());
        let title = checked(DealChange {
            title: some("  Gold for a jeweller "),
            ..DealChange::default()
        });
        assert_eq!(
            title.expect("a title").title,
            some("Gold for a jeweller"),
            "as it is kept"
        );
        for wrong in [
            DealChange::default(),
            DealChange {
                status: some("done"),
                ..DealChange::default()
            },
            DealChange {
                title: some(" "),
                ..DealChange::default()
            },
            DealChange {
                expected_usd_cents: Some(-1),
                ..DealChange::default()
            },
        ] {
            let refused = checked(wrong.clone()).expect_err("wrong");
            assert_eq!(refused.fault(), Some(INVALID), "{wrong:?}");
        }
    }
}
