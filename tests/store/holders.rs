//! Who holds an instrument when it is halted, resumed or asked more margin for is told of it, once, whatever fails on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use siaga::store::consumer::{Projection, set_cursor};
use siaga::store::db::{Actor, Db, DbError, Tx};
use siaga::store::projection::{self, Holders, Holding, Holdings, Pieces, SLICE_ACCOUNTS};
use siaga::store::source::{Entry, Memory, OutputSource};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::{HeldPolicy, Requirement};
use siaga_risk::units::*;

use crate::consumers::consume;
use crate::outputs::{GOLD, MIDNIGHT};
use crate::support::migrated;

const SILVER: InstrumentId = InstrumentId(4);

/// Account, what it is told.
type Told = (i64, String);

fn entry(seq: u64, index: u32, output: Output) -> Entry {
    Entry {
        key: OutputKey { seq, index },
        ts: Ts(MIDNIGHT + seq * SECOND_NS),
        output,
    }
}

/// A position of an account; of no volume it is closed.
fn position(id: u64, account: u32, instrument: InstrumentId, qty: i64) -> Output {
    Output::Position(PositionChange {
        id: PositionId(id),
        account: AccountId(account),
        instrument,
        side: Side::Buy,
        qty: Qty(qty),
        open_price: Price(330_030),
        opened: Ts(MIDNIGHT),
        margin: Money(0),
        swap: Money(0),
        commission: Money(0),
        realised: Money(0),
        protection: Protection {
            stop_loss: None,
            take_profit: None,
            trailing: Price(0),
        },
    })
}

fn halt(on: bool) -> Output {
    Output::Halt(HaltChange {
        instrument: GOLD,
        on,
        cause: HaltCause::Window,
        manual: false,
        awaiting_resume: false,
        moved: Ratio::percent(2),
        holders: 2,
    })
}

fn window(phase: WindowPhase) -> Output {
    Output::Window(WindowChange {
        window: Requirement {
            instrument: GOLD,
            id: 1,
            from: Ts(MIDNIGHT),
            until: Ts(MIDNIGHT + HOUR_NS),
            factor: Ratio::percent(200),
            held: HeldPolicy::AtOnce,
            grace_ns: 0,
        },
        phase,
        holders: 1,
    })
}

/// Seven holds twice, eight closes in the very input that halts, nine opens behind the halt.
fn scene() -> Vec<Entry> {
    vec![
        entry(1, 0, position(1, 7, GOLD, 100)),
        entry(2, 0, position(2, 7, GOLD, 50)),
        entry(3, 0, position(3, 8, GOLD, 10)),
        entry(4, 0, position(4, 6, SILVER, 10)),
        entry(5, 0, halt(true)),
        entry(5, 1, position(3, 8, GOLD, 0)),
        entry(6, 0, position(5, 9, GOLD, 10)),
        entry(7, 0, halt(false)),
        entry(8, 0, position(5, 9, GOLD, 0)),
        entry(9, 0, window(WindowPhase::Began)),
        entry(10, 0, window(WindowPhase::Reached)),
        entry(11, 0, window(WindowPhase::Ended)),
    ]
}

fn expected() -> Vec<Told> {
    let told = [
        (7, "risk.halt_held"),
        (8, "risk.halt_held"),
        (7, "risk.halt_resumed"),
        (9, "risk.halt_resumed"),
        (7, "risk.requirement_held"),
    ];
    told.map(|(account, kind)| (account, kind.to_owned()))
        .into()
}

fn pieces(entries: &[Entry], from: OutputKey) -> Box<dyn OutputSource> {
    Box::new(Pieces(Memory {
        entries: entries.to_vec(),
        from,
    }))
}

async fn told(db: &Db) -> Vec<Told> {
    let work = |tx: &mut Tx<'_>| {
        tx.all(sqlx::query_as(
            "SELECT account, type FROM events WHERE type LIKE 'risk.%' ORDER BY time, account",
        ))
    };
    db.read(&Actor::SYSTEM, work).await.expect("events")
}

/// As the real one, but every third time its transaction fails behind what it did.
struct Unreliable(AtomicU32);

impl Unreliable {
    fn fails<T>(&self, done: T) -> Result<T, DbError> {
        match self.0.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) {
            true => Err(DbError::Unexpected("the cable was pulled".into())),
            false => Ok(done),
        }
    }
}

impl Projection for Unreliable {
    fn name(&self) -> &'static str {
        Holders::NAME
    }

    fn apply(&self, tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), DbError> {
        Holders.apply(tx, entries)?;
        self.fails(())
    }

    fn leaves_work(&self) -> bool {
        true
    }

    fn settle(&self, tx: &mut Tx<'_>) -> Result<bool, DbError> {
        let left = Holders.settle(tx)?;
        self.fails(left)
    }
}

#[tokio::test]
async fn whoever_holds_it_is_told_once_whatever_fails() {
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let unreliable = Arc::new(Unreliable(AtomicU32::new(0)));
        let mut failures = 0;
        // Each try is a program that starts again.
        while let Err(error) = consume(
            db,
            unreliable.clone(),
            pieces(&scene(), OutputKey::default()),
        )
        .await
        {
            failures += 1;
            assert!(failures < 100, "{kind}: {error}");
        }
        assert!(failures > 3, "{kind}: {failures}");
        assert_eq!(told(db).await, expected(), "{kind}");
        // The same log once more, behind a lost cursor.
        db.write(&Actor::SYSTEM, |tx| {
            set_cursor(tx, Holders::NAME, OutputKey::default())
        })
        .await
        .expect(kind);
        let again = pieces(&scene(), OutputKey::default());
        consume(db, Arc::new(Holders), again).await.expect(kind);
        assert_eq!(told(db).await, expected(), "{kind}: the same rows");
        let left: i64 = db
            .read(&Actor::SYSTEM, |tx| {
                tx.scalar(sqlx::query_scalar("SELECT count(*) FROM holder_tellings"))
            })
            .await
            .expect(kind);
        assert_eq!(left, 0, "{kind}");
        let facts: serde_json::Value = db
            .read(&Actor::SYSTEM, |tx| {
                tx.scalar(sqlx::query_scalar(
                    "SELECT payload FROM events WHERE type = 'risk.halt_held' LIMIT 1",
                ))
            })
            .await
            .expect(kind);
        assert_eq!(facts["moved"], Ratio::percent(2).0, "{kind}");
        db.close().await;
    }
}

#[tokio::test]
async fn many_holders_are_told_in_slices() {
    let accounts = SLICE_ACCOUNTS as u32 * 2 + 1;
    let held = (1..=accounts).map(|account| {
        entry(
            u64::from(account),
            0,
            position(u64::from(account), account, GOLD, 1),
        )
    });
    let mut entries: Vec<Entry> = held.collect();
    entries.push(entry(u64::from(accounts) + 1, 0, halt(true)));
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        let source = pieces(&entries, OutputKey::default());
        consume(db, Arc::new(Holders), source).await.expect(kind);
        let told = told(db).await;
        let all: Vec<i64> = told.iter().map(|(account, _)| *account).collect();
        let expected: Vec<i64> = (1..=i64::from(accounts)).collect();
        assert_eq!(all, expected, "{kind}");
        db.close().await;
    }
}

/// A database that knows nobody's positions learns them of the core, and whoever comes back keeps its own.
#[tokio::test]
async fn a_log_that_was_cut_begins_with_what_the_core_holds() {
    let entries = scene();
    let at = OutputKey { seq: 4, index: 0 };
    let held = [(1, 7), (2, 7), (3, 8)];
    let open = held.map(|(position, account)| Holding {
        position: PositionId(position),
        account: AccountId(account),
        instrument: GOLD,
    });
    let holdings = Arc::new(Holdings {
        at,
        open: open.into(),
    });
    for database in migrated().await {
        let (kind, db) = (database.kind, &database.db);
        for _ in 0..2 {
            let mut source = pieces(&entries, at);
            projection::begin(db, &mut *source, holdings.clone())
                .await
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            consume(db, Arc::new(Holders), source).await.expect(kind);
            assert_eq!(told(db).await, expected(), "{kind}");
        }
        // The second time it knew better: what the core held at that start is long closed.
        let left: Vec<(i64,)> = db
            .read(&Actor::SYSTEM, |tx| {
                tx.all(sqlx::query_as("SELECT id FROM open_positions ORDER BY id"))
            })
            .await
            .expect(kind);
        assert_eq!(left, [(1,), (2,)], "{kind}");
        db.close().await;
    }
}
