use serde_json::{Map, Value as Json};
use siaga_risk::units::Ts;
use uuid::Uuid;

use super::{Change, Value};
use crate::crypto::{Sealed, SubjectKey};
use crate::db::{DbError, Tx};
use crate::people::Principal;
use crate::values::bound;

/// What sealed values of the audit log are bound to.
const FIELD: &str = "audit_log.value";

/// Stands for a value whose key is destroyed or not at hand.
const UNREADABLE: &str = "sealed";

/// What sealed addresses are bound to.
const IP_FIELD: &str = "audit_log.ip";

/// A change with its personal fields sealed.
pub(crate) struct Row {
    change: Change,
    old: Option<Json>,
    new: Option<Json>,
}

impl Row {
    /// `key` is the subject's; without one a personal field is left out rather than written open.
    pub(crate) fn sealed(change: Change, key: Option<&SubjectKey>) -> Self {
        let (old, new) = (json(&change.old, key), json(&change.new, key));
        Self { change, old, new }
    }
}

fn json(fields: &[(&'static str, Value)], key: Option<&SubjectKey>) -> Option<Json> {
    let mut map = Map::new();
    for (name, value) in fields {
        let value = match (value, key) {
            (Value::Open(json), _) => json.clone(),
            (Value::Personal(text), Some(key)) => Json::String(key.seal(FIELD, text).to_text()),
            (Value::Personal(_), None) => Json::String("not kept".into()),
        };
        map.insert((*name).to_owned(), value);
    }
    (!map.is_empty()).then_some(Json::Object(map))
}

/// The values of an audit row with what is sealed opened; what does not open says so.
pub fn opened(key: Option<&SubjectKey>, value: Option<Json>) -> Json {
    let Some(Json::Object(fields)) = value else {
        return Json::Null;
    };
    let open = |value: Json| match &value {
        Json::String(text) => match Sealed::from_text(text) {
            None => value,
            Some(sealed) => {
                let plain = key.and_then(|key| key.open(FIELD, &sealed).ok());
                Json::String(plain.unwrap_or_else(|| UNREADABLE.to_owned()))
            }
        },
        _ => value,
    };
    let fields = fields.into_iter().map(|(name, value)| (name, open(value)));
    Json::Object(fields.collect())
}

/// Appends the rows. The chain's lock is taken here and held to the end of the transaction, so this is
/// the last thing a unit does.
pub(crate) fn write(
    tx: &mut Tx<'_>,
    by: &Principal,
    ip_key: Option<&SubjectKey>,
    rows: &[Row],
    now: Ts,
) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let ip = by
        .ip
        .zip(ip_key)
        .map(|(ip, key)| key.seal(IP_FIELD, &ip.to_string()).to_text());
    let texts = |f: fn(&Row) -> String| -> Vec<String> { rows.iter().map(f).collect() };
    tx.execute(
        sqlx::query(
            "INSERT INTO audit_log (created_at, org_id, actor_id, action, entity_type, entity_id, subject_id, old_value, new_value, ip_sealed, request_id)
             SELECT $1, $2, $3, r.action, r.entity, r.id, r.subject, r.old, r.new, $4, $5
             FROM unnest($6::text[], $7::text[], $8::text[], $9::uuid[], $10::jsonb[], $11::jsonb[]) AS r (action, entity, id, subject, old, new)",
        )
        .bind(bound(now))
        .bind(by.org)
        .bind(by.audit_name())
        .bind(ip)
        .bind(by.request.as_deref())
        .bind(texts(|row| row.change.action.name().to_owned()))
        .bind(texts(|row| row.change.entity.to_owned()))
        .bind(texts(|row| row.change.id.clone()))
        .bind(rows.iter().map(|row| row.change.subject).collect::<Vec<Option<Uuid>>>())
        .bind(rows.iter().map(|row| row.old.clone()).collect::<Vec<Option<Json>>>())
        .bind(rows.iter().map(|row| row.new.clone()).collect::<Vec<Option<Json>>>()),
    )
    .map(drop)
}
