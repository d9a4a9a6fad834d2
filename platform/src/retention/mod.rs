//! How long things are kept, and the job that ends them. A legal hold stops a category, or one person's
//! rows in it, until it is lifted; every run is on record.

mod ground;
mod hold;

use std::sync::Arc;

use serde_json::Value;
use siaga_risk::units::{SECOND_NS, Ts};

use crate::audit::{Action, Change};
use crate::ids::new_id;
use crate::people::Principal;
use crate::refusal::Refusal;
use crate::unit::{Platform, Unit};
use crate::values::bound;

pub use ground::ground;
pub use hold::{Hold, hold_categories, lift, lift_once, list, place, place_once};

/// What may be done with legal holds.
pub const PERMISSIONS: &[crate::people::Permission] = &[hold::HOLD_READ, hold::HOLD_WRITE];

/// Rows ended by one transaction: a slice of the embedded database.
pub const SLICE: u32 = 500;

/// Slices of one category in one run: what is left goes with the next.
const SLICES_MAX: u32 = 200;

/// A day.
const DAY_NS: u64 = 24 * 3_600 * SECOND_NS;

/// A kind of rows with a term. Every engine names its own: content 90 days, chat media 7, chat 365,
/// operations 730 and then anonymised, audit and answers of the assistant 2,557.
pub trait Category: Send + Sync + 'static {
    /// Its name in holds and runs; never changed.
    fn name(&self) -> &'static str;

    /// Days it is kept.
    fn days(&self) -> u32;

    /// Whether each row is some subject's and its sweep leaves out who is held. Then a hold on everybody of one
    /// organisation holds the rows of that one; otherwise it stops the category.
    fn asks_for_each(&self) -> bool {
        false
    }

    /// Ends (or anonymises) at most `limit` rows from before `before`, oldest first, as the system, and
    /// says how many. Rows of a subject under a hold stay: `AND NOT app_held('name', subject_id)`.
    ///
    /// # Errors
    /// The database.
    fn sweep(&self, unit: &mut Unit<'_, '_>, before: Ts, limit: u32) -> Result<u64, Refusal>;
}

/// How a run of one category ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which.
    pub category: &'static str,
    /// Rows ended.
    pub rows: u64,
    /// A hold stopped it.
    pub held: bool,
}

/// Runs every category once; called by a job every day.
///
/// # Errors
/// The database; what was ended stays so, the rest goes the next time.
pub async fn run(
    platform: &Platform,
    categories: &[Arc<dyn Category>],
) -> Result<Vec<Run>, Refusal> {
    let (platform, by) = (platform.background(), Principal::system("retention"));
    hold::seal_plain(&platform, &by).await?;
    hold::end_keys(&platform, &by).await?;
    let mut runs = Vec::with_capacity(categories.len());
    for category in categories {
        let name = category.name();
        let before = Ts(platform
            .now()
            .0
            .saturating_sub(u64::from(category.days()) * DAY_NS));
        let held = platform.read(&by, move |tx| {
            Ok(tx.scalar::<bool>(sqlx::query_scalar("SELECT app_held($1, NULL)").bind(name))?)
        });
        let mut run = Run {
            category: name,
            rows: 0,
            held: held.await? && !category.asks_for_each(),
        };
        for _ in 0..SLICES_MAX {
            if run.held {
                break;
            }
            let category = Arc::clone(category);
            let ended = platform
                .command(&by, move |unit| category.sweep(unit, before, SLICE))
                .await?;
            run.rows += ended;
            if ended < u64::from(SLICE) {
                break;
            }
        }
        note(&platform, &by, &run, before).await?;
        runs.push(run);
    }
    Ok(runs)
}

/// A run that ended nothing and was not held leaves no trace: there is one every day.
async fn note(platform: &Platform, by: &Principal, run: &Run, before: Ts) -> Result<(), Refusal> {
    if run.rows == 0 && !run.held {
        return Ok(());
    }
    let run = run.clone();
    platform
        .command(by, move |unit| {
            let now = unit.now();
            let id = new_id(now);
            unit.tx().execute(
                sqlx::query("INSERT INTO retention_runs (id, category, before, outcome, items, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
                    .bind(id)
                    .bind(run.category)
                    .bind(bound(before))
                    .bind(if run.held { "held" } else { "done" })
                    .bind(i64::try_from(run.rows).unwrap_or(i64::MAX))
                    .bind(bound(now)),
            )?;
            let change = Change::new(Action::Delete, "retention_run", id);
            unit.audit(
                change
                    .field("category", Value::Null, run.category)
                    .field("rows", Value::Null, run.rows)
                    .field("held", Value::Null, run.held),
            );
            Ok(())
        })
        .await
}
