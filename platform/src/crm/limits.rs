//! How much may be in progress in a column of the board. A hint for people: a move is never refused for it, since a client who acts
//! waits for no column.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::{Action, Change};
use crate::db::Tx;
use crate::outbox::Event;
use crate::people::Principal;
use crate::refusal::{INVALID, Refusal};
use crate::unit::{Once, Platform};

use super::permissions::CRM_CONFIGURE;
use super::stage::Column;

/// Highest limit: a column of more leads is no column that anybody looks through.
pub const LIMIT_MAX: u32 = 100_000;

/// Limits by column; a column without one has none.
pub type Limits = BTreeMap<Column, u32>;

/// Limits as they came in, by the columns' names.
///
/// # Errors
/// Names what is wrong.
pub fn parse(given: &BTreeMap<String, u32>) -> Result<Limits, Refusal> {
    let mut limits = Limits::new();
    for (name, limit) in given {
        let column = Column::parse(name)
            .ok_or_else(|| INVALID.field("limits", "name columns of the board"))?;
        if *limit == 0 || *limit > LIMIT_MAX {
            return Err(INVALID.field("limits", format!("use 1 to {LIMIT_MAX}")));
        }
        limits.insert(column, *limit);
    }
    Ok(limits)
}

/// Limits by the columns' names.
pub fn named(limits: &Limits) -> BTreeMap<String, u32> {
    limits
        .iter()
        .map(|(column, limit)| (column.name().to_owned(), *limit))
        .collect()
}

/// The limits of an organisation.
///
/// # Errors
/// The database.
pub fn of(tx: &mut Tx<'_>, org: Uuid) -> Result<Limits, Refusal> {
    let row: Option<(Value,)> =
        tx.optional(sqlx::query_as("SELECT limits FROM crm_settings WHERE org_id = $1").bind(org))?;
    let limits = row.and_then(|(limits,)| serde_json::from_value(limits).ok());
    parse(&limits.unwrap_or_default())
}

/// Sets the limits of the house; columns that are not named have none any more.
///
/// # Errors
/// Forbidden.
pub async fn set(
    platform: &Platform,
    by: &Principal,
    once: Option<Once>,
    limits: Limits,
) -> Result<(), Refusal> {
    by.may(CRM_CONFIGURE, &by.own())?;
    platform
        .command_once(by, once, move |unit| {
            let org = unit.by().org;
            let before = json!(named(&of(unit.tx(), org)?));
            let after = json!(named(&limits));
            unit.tx().execute(
                sqlx::query("INSERT INTO crm_settings (org_id, limits) VALUES ($1, $2) ON CONFLICT (org_id) DO UPDATE SET limits = $2")
                    .bind(org)
                    .bind(&after),
            )?;
            unit.emit(Event::new("crm.settings_changed", "crm_setting", org, json!({"limits": after})));
            unit.audit(Change::new(Action::Update, "crm_setting", org).field("limits", before, after));
            Ok(())
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, limit: u32) -> BTreeMap<String, u32> {
        BTreeMap::from([(name.to_owned(), limit)])
    }

    #[test]
    fn a_limit_is_of_a_column_and_no_nonsense() {
        let limits = parse(&given("interested", 40)).expect("a column");
        assert_eq!(named(&limits), given("interested", 40));
        assert_eq!(limits.get(&Column::New), None);
        for wrong in [
            given("deposit", 40),
            given("interested", 0),
            given("interested", LIMIT_MAX + 1),
        ] {
            assert_eq!(
                parse(&wrong).expect_err("wrong").fault(),
                Some(INVALID),
                "{wrong:?}"
            );
        }
    }
}
