//! The file of a case: what it rests on, what people wrote, how it moved.

use super::*;

/// An alert of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRow {
    /// Its key.
    pub id: Uuid,
    /// Which rule.
    pub rule: String,
    /// In words.
    pub detail: String,
    /// Numbers and keys.
    pub facts: Value,
    /// When.
    pub at: Ts,
}

/// A hit of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HitRow {
    /// Its key.
    pub id: Uuid,
    /// The source.
    pub source: String,
    /// The entry's key.
    pub uid: String,
    /// The entry's digest when it was found.
    pub digest: String,
    /// The listed name that is near.
    pub name: String,
    /// How near.
    pub grade: Value,
    /// What was decided.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub decided_by: Option<String>,
    /// When, microseconds.
    pub decided_at: Option<i64>,
    /// The entry as it was.
    pub entry: Option<Entry>,
}

/// A note or a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Its key.
    pub id: Uuid,
    /// From and to which status; empty for a note.
    pub states: Option<(String, String)>,
    /// What was said.
    pub text: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Ts,
}

/// All of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseFile {
    /// Its row.
    pub row: CaseRow,
    /// What it rests on.
    pub alerts: Vec<AlertRow>,
    /// Entries of lists that are near.
    pub hits: Vec<HitRow>,
    /// What people wrote.
    pub notes: Vec<Said>,
    /// How it moved.
    pub steps: Vec<Said>,
}

/// The file of a case.
///
/// # Errors
/// Not permitted; no such case for this person.
pub async fn file(platform: &Platform, by: &Principal, id: Uuid) -> Result<CaseFile, Refusal> {
    let (_, sight) = by.scope(AML_READ)?;
    let keyring = Arc::clone(platform.keyring());
    platform
        .read(by, move |tx| {
            let row = case_by_id(tx, &keyring, sight, id)?;
            let key = key_of(tx, &keyring, row.user)?;
            let alerts: Vec<(Uuid, String, String, Value, i64)> = tx.all(
                sqlx::query_as(
                    "SELECT id, rule, detail, facts, (extract(epoch FROM created_at) * 1000000)::bigint FROM aml_alerts WHERE case_id = $1 ORDER BY id LIMIT $2",
                )
                .bind(id)
                .bind(PARTS_MAX),
            )?;
            let alerts = alerts.into_iter().map(|(id, rule, detail, facts, at)| AlertRow {
                id,
                rule,
                detail,
                facts,
                at: from_micros(at),
            });
            let notes = said(tx, key.as_ref(), seal::NOTE, NOTES, id)?;
            let steps = said(tx, key.as_ref(), seal::REASON, STEPS, id)?;
            Ok(CaseFile {
                alerts: alerts.collect(),
                hits: hits(tx, key.as_ref(), id, None)?,
                notes,
                steps,
                row,
            })
        })
        .await
}

const NOTES: &str = "SELECT id, '', '', text_sealed, author, (extract(epoch FROM created_at) * 1000000)::bigint FROM aml_notes
    WHERE case_id = $1 ORDER BY id LIMIT $2";
const STEPS: &str = "SELECT id, from_status, to_status, reason_sealed, made_by, (extract(epoch FROM created_at) * 1000000)::bigint FROM aml_steps
    WHERE case_id = $1 ORDER BY id LIMIT $2";

type SaidTuple = (Uuid, String, String, Option<Vec<u8>>, String, i64);

fn said(
    tx: &mut Tx<'_>,
    key: Option<&crate::crypto::SubjectKey>,
    field: &str,
    sql: &'static str,
    case: Uuid,
) -> Result<Vec<Said>, Refusal> {
    let rows: Vec<SaidTuple> = tx.all(sqlx::query_as(sql).bind(case).bind(PARTS_MAX))?;
    let mut all = Vec::with_capacity(rows.len());
    for (id, from, to, sealed, by, at) in rows {
        all.push(Said {
            id,
            states: (!to.is_empty()).then_some((from, to)),
            text: open(key, field, sealed)?,
            by,
            at: from_micros(at),
        });
    }
    Ok(all)
}

type HitTuple = (
    Uuid,
    String,
    String,
    String,
    Option<Vec<u8>>,
    Value,
    String,
    Option<Vec<u8>>,
    Option<String>,
    Option<i64>,
    Option<Value>,
);

pub(super) fn hits(
    tx: &mut Tx<'_>,
    key: Option<&crate::crypto::SubjectKey>,
    case: Uuid,
    one: Option<Uuid>,
) -> Result<Vec<HitRow>, Refusal> {
    let rows: Vec<HitTuple> = tx.all(
        sqlx::query_as(
            "SELECT h.id, h.source, h.uid, h.entry_digest, h.name_sealed, h.grade, h.decision, h.reason_sealed, h.decided_by,
                 (extract(epoch FROM h.decided_at) * 1000000)::bigint,
                 (SELECT e.entry FROM sanctions_entries e WHERE e.source = h.source AND e.uid = h.uid AND e.digest = h.entry_digest
                  ORDER BY e.from_version DESC LIMIT 1)
             FROM aml_hits h WHERE h.case_id = $1 AND ($2::uuid IS NULL OR h.id = $2) ORDER BY h.id LIMIT $3",
        )
        .bind(case)
        .bind(one)
        .bind(PARTS_MAX),
    )?;
    let mut all = Vec::with_capacity(rows.len());
    for (id, source, uid, digest, name, grade, decision, reason, decided_by, decided_at, entry) in
        rows
    {
        all.push(HitRow {
            id,
            source,
            uid,
            digest,
            name: open(key, seal::HIT_NAME, name)?,
            grade,
            decision,
            reason: open(key, seal::REASON, reason)?,
            decided_by,
            decided_at,
            entry: entry.map(decode).transpose()?,
        });
    }
    Ok(all)
}
