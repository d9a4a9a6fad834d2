//! What an erasure does to this engine's rows, and what an export shows.

use serde_json::Value;
use uuid::Uuid;

use crate::db::Tx;
use crate::erasure::{Erased, Keys, Store};
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Why cases stay.
pub(super) const LAW: &str = "records of customers and reports are kept five years: UU 8/2010 articles 21 and 29, FATF recommendation 11";

/// Cases, hits, exceptions and reports of a client.
pub struct AmlStore;

impl Store for AmlStore {
    fn name(&self) -> &'static str {
        "aml"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let kept: i64 = unit.tx().scalar(
            sqlx::query_scalar(
                "SELECT (SELECT count(*) FROM aml_cases WHERE user_id = $1) + (SELECT count(*) FROM aml_screenings WHERE user_id = $1)
                     + (SELECT count(*) FROM sanctions_whitelist WHERE user_id = $1)",
            )
            .bind(subject),
        )?;
        Ok(Erased::kept(kept.unsigned_abs(), LAW))
    }

    /// Nobody may be told that there is a case (UU 8/2010 article 12), so nothing is exported; movements of money are by their own
    /// store.
    fn export(&self, _tx: &mut Tx<'_>, _keys: &Keys, _subject: Uuid) -> Result<Value, Refusal> {
        Ok(Value::Null)
    }
}
