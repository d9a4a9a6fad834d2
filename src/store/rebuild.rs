//! `siaga rebuild`: empties the read model and fills it again from the output log.

use std::sync::Arc;

use siaga_alerts::engine::Engine;
use siaga_alerts::text::Names;
use siaga_platform::consumer::{ConsumeError, Consumer, Projection, read_cursor, set_cursor};
use siaga_platform::db::{Db, DbError, Tx};
use siaga_platform::events::CoreEvents;
use siaga_platform::source::{OutputSource, SourceError};
use siaga_platform::values::count;
use siaga_risk::event::OutputKey;

use super::projection::{
    AlertHistory, ReadModel, apply_alert_changes, apply_alert_events, known_rows, read_engine,
};

/// A table of the read model.
#[derive(Clone, Copy, Debug)]
pub struct ReadTable {
    /// Its name.
    pub name: &'static str,
    /// The projection that fills it.
    pub of: &'static str,
    /// Column with the input a row comes from.
    pub seq: &'static str,
    /// Set when rows of other origin stand in it, which stay.
    pub shared: bool,
}

/// Everything that is derived from the output log alone. The audit log is derived too, but nothing
/// ever leaves it: a rebuild finds its rows there.
pub const READ_MODEL: &[ReadTable] = &[
    ReadTable::own("bars", "store"),
    ReadTable::own("instruments", "store"),
    ReadTable::own("orders", "store"),
    ReadTable::own("deals", "store"),
    ReadTable::own("positions_closed", "store"),
    ReadTable::own("cash_movements", "store"),
    ReadTable::own("alerts", "alerts"),
    ReadTable::own("alert_events", "alerts"),
    ReadTable::own("alert_engine", "alerts"),
    ReadTable {
        name: "events",
        of: "platform",
        seq: "source_seq",
        shared: true,
    },
];

impl ReadTable {
    const fn own(name: &'static str, of: &'static str) -> Self {
        Self {
            name,
            of,
            seq: "seq",
            shared: false,
        }
    }
}

/// The projections without a state of their own; [`alerts`] is the one that has.
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(ReadModel), Arc::new(CoreEvents)]
}

/// The alerts' projection for a rebuild, and the output behind which it begins: the start of a log
/// that was never trimmed, else where an engine stands that can follow it (the database's, then the
/// desk's), else where the log begins. A desk's engine brings the rows it knows with it.
///
/// # Errors
/// The database or the log.
pub async fn alerts<N>(
    db: &Db,
    desk: Engine,
    source: &mut dyn OutputSource,
    names: N,
) -> Result<(AlertHistory<N>, OutputKey), ConsumeError>
where
    N: Names + Send + Sync + 'static,
{
    let from = source.from();
    if from == OutputKey::default() {
        let history = AlertHistory::open(Engine::default(), source, from, names)?;
        return Ok((history, from));
    }
    // An engine ahead of the log has folded what is in none.
    let held = from..=source.opened();
    let fits = |engine: &Engine| held.contains(&engine.applied());
    let kept = db.own(read_engine).await?.filter(fits);
    let (engine, seed) = match kept {
        Some(engine) => (engine, None),
        None if fits(&desk) => {
            let seed = known_rows(&desk, &names);
            (desk, Some(seed))
        }
        None => (Engine::default(), None),
    };
    let start = engine.applied().max(from);
    if let Some((alerts, steps)) = seed {
        db.own(move |tx| {
            apply_alert_changes(tx, &alerts)?;
            apply_alert_events(tx, &steps)
        })
        .await?;
    }
    let history = AlertHistory::resume(engine, source, start, names)?;
    Ok((history, start))
}

/// What a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// Outputs read by each projection.
    pub outputs: u64,
    /// The last of them.
    pub last: OutputKey,
    /// `Some` when the log no longer reaches back to the beginning: rows up to this input stay as they were.
    pub kept_up_to: Option<u64>,
    /// Inputs (first behind, last) whose rows nobody has: the store had not read them when they were trimmed.
    pub lost: Option<(u64, u64)>,
}

/// Rows removed by one statement.
const DELETE_ROWS: i64 = 2_000;

/// Empties the tables of `projections` as far back as the log reaches, and fills them again, one
/// projection after the other. `open` opens the log for the projection of that name; `progress` is
/// told the input reached.
///
/// # Errors
/// The log or the database; running it again starts anew.
pub async fn rebuild(
    db: &Db,
    projections: Vec<Arc<dyn Projection>>,
    mut open: impl FnMut(&'static str) -> Result<Box<dyn OutputSource>, SourceError>,
    mut progress: impl FnMut(OutputKey),
) -> Result<Rebuilt, ConsumeError> {
    let mut rebuilt = Rebuilt {
        outputs: 0,
        last: OutputKey::default(),
        kept_up_to: None,
        lost: None,
    };
    for projection in projections {
        let start = open(projection.name())?.from();
        if start != OutputKey::default() {
            rebuilt.kept_up_to = rebuilt.kept_up_to.max(Some(start.seq));
        }
        let had = empty(&db.background(), projection.name(), start).await?;
        if had < start {
            rebuilt.lost = Some((had.seq, start.seq));
        }
        let source = open(projection.name())?;
        let mut consumer = Consumer::open(db, projection, source).await?;
        rebuilt.outputs = 0;
        loop {
            match consumer.step().await? {
                0 => break,
                read => rebuilt.outputs += read as u64,
            }
            progress(consumer.cursor());
        }
        rebuilt.last = consumer.cursor();
    }
    Ok(rebuilt)
}

/// Removes the rows the log can give again. The cursor goes first: a crash in between only means
/// that the same outputs are applied once more. Returns how far the projection had been.
async fn empty(db: &Db, projection: &'static str, start: OutputKey) -> Result<OutputKey, DbError> {
    let reset = move |tx: &mut Tx<'_>| {
        let had = read_cursor(tx, projection)?;
        set_cursor(tx, projection, start)?;
        Ok(had)
    };
    let had = db.own(reset).await?;
    let all = start == OutputKey::default();
    for table in READ_MODEL.iter().filter(|table| table.of == projection) {
        if all && !table.shared {
            db.own(move |tx| tx.script(format!("TRUNCATE {}", table.name)))
                .await?;
            continue;
        }
        while db.own(move |tx| delete_slice(tx, table, start.seq)).await? > 0 {}
    }
    Ok(had)
}

/// Rows without an input (the platform's own events) are never matched; those of the input the log
/// begins in are written over. A place is unique in one chunk of a hypertable only, so the input is asked again:
/// what else stands at such a place in another chunk is a row that the log gives again too.
fn delete_slice(tx: &mut Tx<'_>, table: &ReadTable, after: u64) -> Result<u64, DbError> {
    let ReadTable { name, seq, .. } = table;
    let sql = format!(
        "DELETE FROM {name} WHERE {seq} > $1 AND ctid = ANY (ARRAY(SELECT ctid FROM {name} WHERE {seq} > $1 LIMIT {DELETE_ROWS}))"
    );
    tx.execute(Tx::composed(sql).bind(count(after)))
}
