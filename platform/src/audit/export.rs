//! The log as lines of JSON for a search engine beside it (S0.36), by the names of Elastic's common schema. A value that
//! is sealed says so and no more: an erasure does not reach copies.

use serde_json::{Map, Value, json};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Span, opened};
use crate::db::{Actor, Db, DbError};
use crate::values::{from_micros, instant};

/// Rows of one transaction: a slice of the embedded database.
const SLICE: i64 = 500;

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Number of the last row that was given.
    pub number: i64,
    /// Rows given so far.
    pub rows: u64,
}

struct Line {
    number: i64,
    json: Value,
}

impl<'r> sqlx::FromRow<'r, PgRow> for Line {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let number: i64 = row.try_get(0)?;
        let micros: i64 = row.try_get(1)?;
        let text = |at: usize| row.try_get::<Option<String>, _>(at);
        let hash: Option<Vec<u8>> = row.try_get(12)?;
        let hash: Option<String> =
            hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect());
        let (before, after): (Option<Value>, Option<Value>) = (row.try_get(8)?, row.try_get(9)?);
        let facts = json!({
            "@timestamp": instant(from_micros(micros)).to_string(),
            "event": {"kind": "event", "id": number, "action": text(4)?, "sequence": row.try_get::<Option<i64>, _>(11)?, "hash": hash},
            "user": {"id": text(3)?},
            "organization": {"id": text(2)?},
            "http": {"request": {"id": text(10)?}},
            "siaga": {
                "entity": text(5)?, "entity_id": text(6)?, "subject": text(7)?, "month": text(13)?,
                "before": opened(None, before), "after": opened(None, after),
            },
        });
        Ok(Self {
            number,
            json: bare(facts),
        })
    }
}

/// Without what is not there: a field that is null is a field to a search engine.
fn bare(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    let kept = fields.into_iter().filter_map(|(name, value)| {
        let value = bare(value);
        let is_nothing = value.is_null() || value.as_object().is_some_and(Map::is_empty);
        (!is_nothing).then_some((name, value))
    });
    Value::Object(kept.collect())
}

/// Gives every row of the span behind number `after` to `line`, oldest first, until there are no more. Numbers rise with the chain, so
/// the next export begins behind the last number of this one.
///
/// # Errors
/// The database; or what `line` returned.
pub async fn export<E: From<DbError>>(
    db: &Db,
    after: i64,
    span: Span,
    mut line: impl FnMut(&Value) -> Result<(), E>,
) -> Result<Exported, E> {
    const ROWS: &str = "SELECT id, (extract(epoch FROM created_at) * 1000000)::bigint, org_id::text, actor_id, action, entity_type, entity_id, \
         subject_id::text, old_value, new_value, request_id, link, hash, to_char(month, 'YYYY-MM') \
         FROM audit_log WHERE id > $1 AND created_at >= $3 AND created_at < $4 ORDER BY id LIMIT $2";
    let db = db.background();
    let mut at = Exported {
        number: after,
        rows: 0,
    };
    loop {
        let from = at.number;
        let read = db.read(&Actor::SYSTEM, move |tx| {
            let (since, until) = span.bounds();
            tx.all::<Line>(
                sqlx::query_as(ROWS)
                    .bind(from)
                    .bind(SLICE)
                    .bind(since)
                    .bind(until),
            )
        });
        let lines = read.await?;
        let Some(last) = lines.last() else {
            return Ok(at);
        };
        at.number = last.number;
        for found in &lines {
            line(&found.json)?;
            at.rows += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_field() {
        let line = json!({"a": null, "b": {"c": null}, "d": {"e": 0, "f": ""}, "g": [null]});
        assert_eq!(bare(line), json!({"d": {"e": 0, "f": ""}, "g": [null]}));
    }
}
