//! `siaga rebuild`: empties the read model and fills it again from the output log.

use std::sync::Arc;

use siaga_platform::consumer::{ConsumeError, Consumer, Projection, read_cursor, set_cursor};
use siaga_platform::db::{Db, DbError, Tx};
use siaga_platform::events::CoreEvents;
use siaga_platform::source::{OutputSource, SourceError};
use siaga_platform::values::count;
use siaga_risk::event::OutputKey;

use super::projection::ReadModel;

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

/// The projections without a state of their own. The alert desk adds its own, named `alerts`.
pub fn projections() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(ReadModel), Arc::new(CoreEvents)]
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
/// projection after the other. `open` opens the log for each; `progress` is told the input reached.
///
/// # Errors
/// The log or the database; running it again starts anew.
pub async fn rebuild(
    db: &Db,
    projections: Vec<Arc<dyn Projection>>,
    mut open: impl FnMut() -> Result<Box<dyn OutputSource>, SourceError>,
    mut progress: impl FnMut(OutputKey),
) -> Result<Rebuilt, ConsumeError> {
    let start = open()?.from();
    let mut rebuilt = Rebuilt {
        outputs: 0,
        last: OutputKey::default(),
        kept_up_to: (start != OutputKey::default()).then_some(start.seq),
        lost: None,
    };
    for projection in projections {
        let had = empty(&db.background(), projection.name(), start).await?;
        if had < start {
            rebuilt.lost = Some((had.seq, start.seq));
        }
        let mut consumer = Consumer::open(db, projection, open()?).await?;
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
/// begins in are written over.
fn delete_slice(tx: &mut Tx<'_>, table: &ReadTable, after: u64) -> Result<u64, DbError> {
    let ReadTable { name, seq, .. } = table;
    let sql = format!(
        "DELETE FROM {name} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {name} WHERE {seq} > $1 LIMIT {DELETE_ROWS}))"
    );
    tx.execute(Tx::composed(sql).bind(count(after)))
}
