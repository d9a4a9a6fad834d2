//! What the machine says reaches people in time: the machine's outputs, folded by the engine.

#[path = "../../risk/tests/desk/mod.rs"]
mod desk;

use desk::*;
use siaga_alerts::alert::{Alert, ChangeKind};
use siaga_alerts::engine::Engine;
use siaga_alerts::rules::Rule;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::Accounting;
use siaga_risk::units::*;

/// A desk whose outputs an engine folds.
struct Watched {
    desk: Desk,
    engine: Engine,
}

impl Watched {
    fn open() -> Self {
        Self {
            desk: Desk::open(),
            engine: Engine::default(),
        }
    }

    /// Folds the outputs of the newest input; gives the alerts that fired.
    fn fold(&mut self, outputs: &[Output]) -> Vec<Alert> {
        let (seq, ts) = (self.desk.inputs.len() as Seq, self.desk.now);
        let mut fired = Vec::new();
        let mut note = |changes: &[siaga_alerts::alert::AlertChange]| {
            let new = |change: &&siaga_alerts::alert::AlertChange| {
                change.moment.what == ChangeKind::Fired
            };
            fired.extend(
                changes
                    .iter()
                    .filter(new)
                    .map(|change| change.alert.clone()),
            );
        };
        for (index, output) in outputs.iter().enumerate() {
            let key = OutputKey {
                seq,
                index: index as u32,
            };
            note(self.engine.apply(key, ts, output));
        }
        note(self.engine.advance(ts));
        fired
    }

    /// A market order of one lot that is filled.
    fn buy(&mut self, symbol: &str, qty: i64, price: i64) -> OrderId {
        self.desk
            .must(Body::Order(Box::new(order(1, symbol, Side::Buy, qty))));
        let id = OrderId(self.desk.inputs.len() as u64);
        let outputs = self.desk.command(filled(id, b"E-1", qty, price));
        self.fold(&outputs);
        id
    }
}

fn filled(order: OrderId, exec: &[u8], qty: i64, price: i64) -> Body {
    let mut id = [0; 16];
    id[..exec.len()].copy_from_slice(exec);
    Body::Report(BrokerReport {
        link: LINK,
        order,
        exec: id,
        event: BrokerEvent::Filled(Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(0),
        }),
    })
}

fn deposit(amount: i64) -> Body {
    Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(amount),
        reference: 1,
    })
}

#[test]
fn a_missing_rate_is_told_ten_seconds_after_it_went() {
    let mut watched = Watched::open();
    watched.desk.account(1, JPY, Accounting::Hedging, 100);
    watched.desk.must(deposit(1_000_000));
    watched.desk.quote("XAUUSD", 2_000_000, 2_000_500);
    watched.desk.quote("USDJPY", 150_000, 150_010);
    watched.buy("XAUUSD", 10, 2_000_500);
    // A price beyond every number: what the position is worth in yen cannot be known.
    let absurd = 1_152_921_504_606_846_000;
    let gone = watched.desk.quote("XAUUSD", absurd, absurd);
    let mut told = None;
    let since = watched.desk.now;
    watched.fold(&gone);
    for second in 1..=30 {
        watched.desk.now = since.plus(second * SECOND_NS);
        let outputs = watched.desk.clock();
        let fired = watched.fold(&outputs);
        if fired
            .iter()
            .any(|alert| alert.rule == Rule::ConversionMissing)
        {
            told = told.or(Some(second));
        }
    }
    assert_eq!(told, Some(10));
}

#[test]
fn more_than_was_ordered_is_booked_and_somebody_is_called() {
    let mut watched = Watched::open();
    watched.desk.account(1, USD, Accounting::Netting, 100);
    watched.desk.must(deposit(100_000_000));
    watched.desk.quote("EURUSD", 110_000, 110_010);
    let id = watched.buy("EURUSD", 100, 110_010);
    assert!(
        watched
            .engine
            .alerts()
            .all(|alert| alert.rule != Rule::Overfill)
    );
    // The same execution under another id: the broker's word, and doubled.
    let outputs = watched.desk.command(filled(id, b"E-2", 100, 110_010));
    let fired = watched.fold(&outputs);
    let alert = fired
        .iter()
        .find(|alert| alert.rule == Rule::Overfill)
        .expect("somebody is called");
    assert_eq!(alert.labels.order, Some(id));
    let held = outputs.iter().find_map(|output| match output {
        Output::Position(change) => Some(change.qty),
        _ => None,
    });
    assert_eq!(held, Some(Qty(200)), "the broker's word is booked");
    // The broker takes it back.
    let bust = Body::Report(BrokerReport {
        link: LINK,
        order: id,
        exec: [0; 16],
        event: BrokerEvent::Bust({
            let mut exec = [0; 16];
            exec[..3].copy_from_slice(b"E-2");
            exec
        }),
    });
    let outputs = watched.desk.command(bust);
    watched.fold(&outputs);
    let alert = watched.engine.alert(alert.id).expect("it is kept");
    assert_eq!(alert.state, siaga_alerts::alert::AlertState::Resolved);
}

#[test]
fn an_execution_that_cannot_be_booked_calls_somebody_although_its_order_has_ended() {
    let mut watched = Watched::open();
    watched.desk.account(1, USD, Accounting::Hedging, 100);
    watched.desk.must(deposit(100_000_000));
    watched.desk.quote("EURUSD", 110_000, 110_010);
    let id = watched.buy("EURUSD", 100, 110_010);
    let outputs = watched.desk.command(filled(id, b"E-2", 50, 0));
    let fired = watched.fold(&outputs);
    let alert = fired
        .iter()
        .find(|alert| alert.rule == Rule::Unbooked)
        .expect("somebody is called");
    assert_eq!(alert.labels.order, Some(id));
    // Said again, it is the same alert.
    let outputs = watched.desk.command(filled(id, b"E-2", 50, 0));
    assert!(watched.fold(&outputs).is_empty());
    let settled = Body::Reconciled(Reconciled {
        order: id,
        executions: 1,
        note: 9,
    });
    let outputs = watched.desk.must(settled);
    assert!(
        outputs
            .iter()
            .any(|output| matches!(output, Output::Noted(noted) if noted.note == 9)),
        "it is on record who settled it, and why"
    );
    watched.fold(&outputs);
    let alert = watched.engine.alert(alert.id).expect("it is kept");
    assert_eq!(alert.state, siaga_alerts::alert::AlertState::Resolved);
}

#[test]
fn an_execution_that_is_not_booked_calls_somebody_until_it_is_settled_though_its_order_is_filled() {
    let mut watched = Watched::open();
    watched.desk.account(1, USD, Accounting::Hedging, 100);
    watched.desk.must(deposit(100_000_000));
    watched.desk.quote("EURUSD", 110_000, 110_010);
    let entry = order(1, "EURUSD", Side::Buy, 100);
    watched.desk.must(Body::Order(Box::new(entry)));
    let id = OrderId(watched.desk.inputs.len() as u64);
    let outputs = watched.desk.command(filled(id, b"E-1", 40, 0));
    let fired = watched.fold(&outputs);
    let alert = fired
        .iter()
        .find(|alert| alert.rule == Rule::Unbooked)
        .expect("somebody is called");
    // All that was ordered, under another id: the broker may hold both.
    let outputs = watched.desk.command(filled(id, b"E-2", 100, 110_010));
    watched.fold(&outputs);
    let still = watched.engine.alert(alert.id).expect("it is kept");
    assert_ne!(still.state, siaga_alerts::alert::AlertState::Resolved);
    let outputs = watched.desk.must(Body::Reconciled(Reconciled {
        order: id,
        executions: 1,
        note: 9,
    }));
    watched.fold(&outputs);
    let settled = watched.engine.alert(alert.id).expect("it is kept");
    assert_eq!(settled.state, siaga_alerts::alert::AlertState::Resolved);
}

#[test]
fn an_execution_of_an_order_that_is_not_remembered_calls_somebody() {
    let report = |order, event| {
        Body::Report(BrokerReport {
            link: LINK,
            order,
            exec: [0; 16],
            event,
        })
    };
    for taken_back in [false, true] {
        let mut watched = Watched::open();
        watched.desk.account(1, USD, Accounting::Hedging, 100);
        watched.desk.must(deposit(100_000_000));
        watched.desk.quote("EURUSD", 110_000, 110_010);
        let id = watched.buy("EURUSD", 100, 110_010);
        watched.desk.now = watched.desk.now.plus(25 * HOUR_NS);
        let outputs = watched.desk.clock();
        watched.fold(&outputs);
        let called = |fired: &[Alert]| {
            let found = fired.iter().find(|one| one.rule == Rule::ForgottenOrder);
            found.map(|alert| (alert.id, alert.labels.order))
        };
        // Its order is gone: what else the broker says of it changes nothing.
        let outputs = watched.desk.command(report(id, BrokerEvent::Cancelled));
        assert_eq!(called(&watched.fold(&outputs)), None);
        let outputs = watched.desk.command(match taken_back {
            false => filled(id, b"E-2", 50, 110_010),
            true => report(id, BrokerEvent::Bust([1; 16])),
        });
        let told = called(&watched.fold(&outputs));
        let (alert, order) = told.expect("somebody is called");
        assert_eq!(order, Some(id));
        // It is not over by itself.
        watched.desk.now = watched.desk.now.plus(HOUR_NS);
        let outputs = watched.desk.clock();
        watched.fold(&outputs);
        let alert = watched.engine.alert(alert).expect("it is kept");
        assert!(alert.is_active());
    }
}
