use std::collections::HashMap;

use serde_json::{Value, json};
use siaga_risk::units::Ts;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::span::Span;
use super::write::opened;
use super::{Action, Change};
use crate::crypto::SubjectKey;
use crate::page::{Cursor, Page, Paging};
use crate::people::{Area, Permission, Principal, Verb};
use crate::refusal::{INVALID, Refusal};
use crate::subjects::{self, KeyClass};
use crate::unit::Platform;
use crate::values::from_micros;

/// Read the audit log.
pub const AUDIT_READ: Permission = Permission::new("audit.read", Area::Audit, Verb::Read);

/// Which rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `lead`, `kyc_case`.
    pub entity: Option<String>,
    /// Its key; needs `entity`.
    pub id: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// Whom it is about.
    pub subject: Option<Uuid>,
    /// When it was done.
    pub span: Span,
}

/// A row, with what was sealed opened where its key is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number.
    pub number: i64,
    /// When.
    pub at: Ts,
    /// Who: a user's key, `system`, or `core:N`.
    pub actor: String,
    /// `create`, `update`, `delete`, `access`, or what the core did.
    pub action: String,
    /// What it was done to.
    pub entity: String,
    /// Its key.
    pub id: String,
    /// Whom it is about.
    pub subject: Option<Uuid>,
    /// The values before.
    pub before: Value,
    /// The values after.
    pub after: Value,
    /// The request it belongs to.
    pub request: Option<String>,
    /// Place in its month's chain.
    pub link: Option<i64>,
}

struct Found {
    entry: Entry,
    before: Option<Value>,
    after: Option<Value>,
}

impl<'r> sqlx::FromRow<'r, PgRow> for Found {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            entry: Entry {
                number: row.try_get(0)?,
                at: from_micros(row.try_get(1)?),
                actor: row.try_get(2)?,
                action: row.try_get(3)?,
                entity: row.try_get(4)?,
                id: row.try_get(5)?,
                subject: row.try_get(6)?,
                before: Value::Null,
                after: Value::Null,
                request: row.try_get(9)?,
                link: row.try_get(10)?,
            },
            before: row.try_get(7)?,
            after: row.try_get(8)?,
        })
    }
}

/// The newest rows that pass the filter. That somebody looked is a row of the log too.
///
/// # Errors
/// Not allowed, a span that ends before it begins, or the database.
pub async fn list(
    platform: &Platform,
    by: &Principal,
    filter: Filter,
    paging: Paging,
) -> Result<Page<Entry>, Refusal> {
    by.scope(AUDIT_READ)?;
    if filter.span.is_nothing() {
        return Err(INVALID.field("to", "give an instant behind from"));
    }
    let behind = paging.after.map_or(i64::MAX, |cursor| cursor.key);
    platform
        .command(by, move |unit| {
            let query = sqlx::query_as(
                "SELECT id, (extract(epoch FROM created_at) * 1000000)::bigint, actor_id, action, entity_type, entity_id, subject_id,
                     old_value, new_value, request_id, link
                 FROM audit_log
                 WHERE id < $1 AND ($2::text IS NULL OR entity_type = $2) AND ($3::text IS NULL OR entity_id = $3)
                   AND ($4::text IS NULL OR actor_id = $4) AND ($5::uuid IS NULL OR subject_id = $5)
                   AND created_at >= $6 AND created_at < $7
                 ORDER BY id DESC LIMIT $8",
            );
            let (from, until) = filter.span.bounds();
            let query = query.bind(behind).bind(&filter.entity).bind(&filter.id).bind(&filter.actor);
            let rows: Vec<Found> = unit.tx().all(query.bind(filter.subject).bind(from).bind(until).bind(paging.fetch()))?;
            let page = paging.cut(rows, |row| Cursor {
                key: row.entry.number,
                id: Uuid::nil(),
            });
            let keyring = unit.keyring_shared();
            let mut keys: HashMap<Uuid, Option<SubjectKey>> = HashMap::new();
            let mut entries = Vec::with_capacity(page.items.len());
            for found in page.items {
                let key = match found.entry.subject {
                    None => None,
                    Some(subject) => match keys.get(&subject) {
                        Some(key) => key.clone(),
                        None => {
                            // A destroyed key leaves the values sealed.
                            let key = subjects::stored(unit.tx(), &keyring, subject, KeyClass::Personal);
                            let key = match key {
                                Ok(key) => key,
                                Err(Refusal::Said(_)) => None,
                                Err(error) => return Err(error),
                            };
                            keys.insert(subject, key.clone());
                            key
                        }
                    },
                };
                entries.push(Entry {
                    before: opened(key.as_ref(), found.before),
                    after: opened(key.as_ref(), found.after),
                    ..found.entry
                });
            }
            let looked = Change::new(Action::Access, "audit_log", "list");
            let micros = |at: Option<Ts>| at.map(Cursor::micros);
            let asked = json!({
                "entity": filter.entity, "id": filter.id, "actor": filter.actor, "subject": filter.subject,
                "from_us": micros(filter.span.from), "to_us": micros(filter.span.until),
            });
            unit.audit(looked.field("filter", Value::Null, asked));
            Ok(Page {
                items: entries,
                next: page.next,
            })
        })
        .await
}
