//! Long lists of an export, page by page.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{List, Store};
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::Platform;

/// Rows of one transaction: a slice of the embedded database.
const PAGE: i64 = 500;

/// Under which name a store's export says which of its lists are cut.
const TRUNCATED: &str = "truncated";

/// A row and its two keys.
type Row = (Value, i64, i64);

/// All lists of a store, by name. Nothing is written here: it is read as work that others go before.
pub(super) async fn read(
    platform: &Platform,
    by: &Principal,
    store: &dyn Store,
    subject: Uuid,
) -> Result<Map<String, Value>, Refusal> {
    let platform = platform.background();
    let (mut all, mut cut) = (Map::new(), Vec::new());
    for list in store.lists() {
        let (rows, is_cut) = rows(&platform, by, *list, subject).await?;
        if is_cut {
            cut.push(Value::from(list.name));
        }
        if !rows.is_empty() {
            all.insert(list.name.to_owned(), Value::Array(rows));
        }
    }
    if !cut.is_empty() {
        all.insert(TRUNCATED.to_owned(), Value::Array(cut));
    }
    Ok(all)
}

/// The rows of a list, and whether there are more than are given.
async fn rows(
    platform: &Platform,
    by: &Principal,
    list: List,
    subject: Uuid,
) -> Result<(Vec<Value>, bool), Refusal> {
    let (mut rows, mut account) = (Vec::new(), i64::MIN);
    loop {
        let before = account;
        let next = platform.read(by, move |tx| {
            let query = sqlx::query_as(list.accounts).bind(subject);
            Ok(tx.optional::<(i64,)>(query.bind(before))?)
        });
        let Some((next,)) = next.await? else {
            return Ok((rows, false));
        };
        account = next;
        let mut behind = (i64::MAX, i64::MAX);
        loop {
            let (first, second) = behind;
            let page = platform.read(by, move |tx| {
                let query = sqlx::query_as(list.page).bind(account).bind(first);
                Ok(tx.all::<Row>(query.bind(second).bind(PAGE))?)
            });
            let page = page.await?;
            let Some(last) = page.last() else {
                break;
            };
            behind = (last.1, last.2);
            for (row, ..) in page {
                if rows.len() >= list.rows_max {
                    return Ok((rows, true));
                }
                rows.push(row);
            }
        }
    }
}
