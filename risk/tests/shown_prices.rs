//! The prices that the console shows for a position: at the price at which an account is called or stopped out its
//! state changes, and one step before it does not. Where the conversion is the same price, where margin moves with it,
//! where a stop-out looks at the mid, in a window of higher requirements, and with many positions; and of a pair that
//! only converts. What is shown beside them tells the same wherever it is shown.

mod desk;

use desk::script::exec_id;
use desk::*;
use siaga_risk::book::tiers::Tiered;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, Ask, LadderRow, Query, Untold, View};

const ACCOUNT: AccountId = AccountId(1);
/// Bids and spreads that the desk starts from.
const PRICES: [(&str, i64, i64); 3] = [
    ("EURUSD", 110_000, 10),
    ("USDJPY", 150_000, 10),
    ("XAUUSD", 2_000_000, 300),
];

struct Shown {
    desk: Desk,
}

impl Shown {
    /// An account of a group, with money in minor units.
    fn open(currency: CurrencyId, money: i64, change: impl Fn(&mut GroupTerms)) -> Shown {
        let mut desk = Desk::open();
        change(&mut desk.group);
        let group = desk.group;
        desk.must(Body::Group(Box::new(group)));
        for (symbol, bid, spread) in PRICES {
            desk.quote(symbol, bid, bid + spread);
        }
        desk.account(ACCOUNT.0, currency, Accounting::Hedging, 100);
        desk.must(Body::Cash(Cash {
            account: ACCOUNT,
            kind: CashKind::Deposit,
            amount: Money(money),
            reference: 0,
        }));
        Shown { desk }
    }

    /// Opens a position at the price of now.
    fn hold(mut self, symbol: &str, side: Side, qty: i64) -> Shown {
        let out = self
            .desk
            .must(Body::Order(Box::new(order(ACCOUNT.0, symbol, side, qty))));
        let made = out.iter().find_map(|output| match output {
            Output::Answer(answer) => answer.order,
            _ => None,
        });
        let prices = *self
            .desk
            .machine
            .book()
            .prices(instrument_id(symbol))
            .unwrap();
        let price = if side == Side::Buy {
            prices.ask
        } else {
            prices.bid
        };
        let exec = exec_id(self.desk.inputs.len() as u64);
        self.desk.must(Body::Report(BrokerReport {
            link: LINK,
            order: made.unwrap(),
            exec,
            event: BrokerEvent::Filled(Fill {
                qty: Qty(qty),
                price: Price(price),
                commission: Money(0),
            }),
        }));
        self
    }

    fn view(&self) -> AccountView {
        let reply = self.desk.machine.ask(&Ask {
            token: 0,
            query: Query::Account(ACCOUNT),
        });
        match reply.view {
            View::Account(view) => *view,
            other => panic!("no account: {other:?}"),
        }
    }

    /// The account's row of the ladder.
    fn row(&self) -> LadderRow {
        let query = Query::Ladder {
            after: None,
            count: 1,
        };
        let reply = self.desk.machine.ask(&Ask { token: 0, query });
        match reply.view {
            View::Ladder(mut rows) => rows.remove(0),
            other => panic!("no ladder: {other:?}"),
        }
    }

    /// The state after a quote, on a machine restored from this one's snapshot.
    fn state_at(&self, instrument: InstrumentId, shift: i64) -> MarginState {
        let prices = *self.desk.machine.book().prices(instrument).unwrap();
        let mut machine = Machine::restore(&self.desk.machine.snapshot()).unwrap();
        let quote = Quote {
            ts: self.desk.now,
            bid: Price(prices.bid + shift),
            ask: Price(prices.ask + shift),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument,
            source: SOURCE,
            merged: 0,
            kind: QuoteKind::Firm,
        };
        let seq = self.desk.inputs.len() as Seq + 1;
        machine.apply(seq, &Input::Quote(quote), &mut Vec::new());
        machine.book().account(ACCOUNT).unwrap().state.state
    }

    /// Every price that is shown is the one at which the state changes. How many there were.
    fn hold_true(&self, called: &str) -> usize {
        let view = self.view();
        let mut prices = 0;
        let held = view.positions.iter().map(|shown| {
            let at = [shown.warning_at, shown.stop_out_at];
            (shown.position.instrument, shown.close_price.unwrap(), at)
        });
        let pairs = view.conversions.iter();
        let pairs = pairs.map(|pair| {
            (
                pair.instrument,
                pair.bid,
                [pair.warning_at, pair.stop_out_at],
            )
        });
        for (instrument, close, at) in held.chain(pairs) {
            let states = [MarginState::Warning, MarginState::StopOut];
            for (wanted, at) in states.into_iter().zip(at) {
                let Some(at) = at else { continue };
                let shift = at.0 - close.0;
                assert_ne!(shift, 0, "{called}: it is in no state yet");
                let there = self.state_at(instrument, shift);
                let before = self.state_at(instrument, shift - shift.signum());
                assert!(
                    there >= wanted && before < wanted,
                    "{called}: {wanted:?} of {instrument:?} at {at:?}: {before:?}, then {there:?}"
                );
                prices += 1;
            }
        }
        prices
    }

    /// The forecast names the nearest of the shown prices.
    fn is_foretold(&self) {
        let view = self.view();
        let next = view.next_stop_out.expect("a stop-out is foretold");
        let shown = view
            .positions
            .iter()
            .find(|shown| shown.position.instrument == next.instrument)
            .unwrap();
        assert_eq!(shown.stop_out_at, Some(next.price));
    }
}

#[test]
fn the_conversion_is_the_price_that_moves() {
    for side in [Side::Buy, Side::Sell] {
        let shown = Shown::open(USD, 300_000, |_| {}).hold("USDJPY", side, 100);
        assert_eq!(shown.hold_true("yen in a dollar account"), 2);
        shown.is_foretold();
        let shown = Shown::open(EUR, 300_000, |_| {}).hold("EURUSD", side, 100);
        assert_eq!(shown.hold_true("dollars in a euro account"), 2);
    }
}

#[test]
fn a_pair_that_only_converts_has_its_prices_too() {
    let mut shown = Shown::open(EUR, 300_000, |_| {}).hold("XAUUSD", Side::Buy, 100);
    // A thousand dollars are lost; the cheaper the euro, the more of them that is.
    shown.desk.quote("XAUUSD", 1_990_300, 1_990_600);
    let view = shown.view();
    assert_eq!(view.conversions.len(), 1);
    assert_eq!(view.conversions[0].instrument, instrument_id("EURUSD"));
    assert_eq!(shown.hold_true("gold in a euro account"), 4);
    shown.is_foretold();
    // Margin that follows the price is converted, too.
    let mid = |group: &mut GroupTerms| group.margin_price = MarginPrice::Mid;
    let shown = Shown::open(JPY, 900_000, mid).hold("EURUSD", Side::Buy, 100);
    let pair = shown.view().conversions[0];
    assert_eq!(pair.instrument, instrument_id("USDJPY"));
    assert!(pair.warning_at.is_some() && pair.stop_out_at > pair.warning_at);
    shown.hold_true("euros in a yen account");
    let own = Shown::open(USD, 300_000, |_| {}).hold("XAUUSD", Side::Buy, 100);
    assert!(own.view().conversions.is_empty());
}

/// What is locked in moves with no price but the one it is converted at.
#[test]
fn a_locked_loss_is_stopped_out_by_its_conversion() {
    let mut shown = Shown::open(EUR, 300_000, |_| {}).hold("XAUUSD", Side::Buy, 100);
    shown.desk.quote("XAUUSD", 1_990_300, 1_990_600);
    let shown = shown.hold("XAUUSD", Side::Sell, 100);
    let view = shown.view();
    let next = view.next_stop_out.expect("a stop-out is foretold");
    assert_eq!(next.instrument, instrument_id("EURUSD"));
    assert_eq!(view.conversions[0].stop_out_at, Some(next.price));
    let closed = next.position.map(|(_, instrument)| instrument);
    assert_eq!(closed, Some(instrument_id("XAUUSD")), "not what moves");
    assert!(shown.hold_true("locked in") >= 2);
}

#[test]
fn a_price_that_is_bent_far_is_still_the_one() {
    // Two thirds of the price are left by then, and a yen is worth half as much again.
    let shown = Shown::open(USD, 5_200_000, |_| {}).hold("USDJPY", Side::Buy, 100);
    assert_eq!(shown.hold_true("far away"), 2);
}

#[test]
fn positions_that_hang_on_each_others_prices() {
    for side in [Side::Buy, Side::Sell] {
        let shown = Shown::open(JPY, 900_000, |_| {})
            .hold("EURUSD", side, 100)
            .hold("USDJPY", Side::Sell, 70)
            .hold("XAUUSD", side, 10);
        assert!(shown.hold_true("three in yen") >= 4);
        shown.is_foretold();
    }
}

#[test]
fn margin_moves_with_the_price() {
    let mid = |group: &mut GroupTerms| {
        group.margin_price = MarginPrice::Mid;
        group.stop_out = Ratio::percent(50);
    };
    for side in [Side::Buy, Side::Sell] {
        for symbol in ["EURUSD", "USDJPY", "XAUUSD"] {
            let shown = Shown::open(USD, 500_000, mid).hold(symbol, side, 100);
            assert_eq!(shown.hold_true(symbol), 2);
        }
    }
}

#[test]
fn a_stop_out_looks_at_the_mid() {
    let mid = |group: &mut GroupTerms| {
        group.margin_price = MarginPrice::Mid;
        group.stop_out_test = LevelTest::OandaCloseout;
        group.closing.at_mid = true;
    };
    for side in [Side::Buy, Side::Sell] {
        for symbol in ["EURUSD", "USDJPY"] {
            let shown = Shown::open(USD, 500_000, mid).hold(symbol, side, 100);
            assert_eq!(shown.hold_true(symbol), 2);
        }
    }
}

#[test]
fn a_window_calls_earlier_and_stops_out_no_earlier() {
    let mut shown = Shown::open(USD, 300_000, |_| {}).hold("EURUSD", Side::Buy, 100);
    let before = shown.view().positions[0].clone();
    let from = shown.desk.now;
    shown.desk.must(Body::Requirement(Requirement {
        instrument: instrument_id("EURUSD"),
        id: 1,
        from,
        until: from.plus(HOUR_NS),
        factor: Ratio::percent(200),
        held: HeldPolicy::AtOnce,
        grace_ns: 0,
    }));
    let within = shown.view().positions[0].clone();
    assert!(within.warning_at > before.warning_at);
    assert_eq!(within.stop_out_at, before.stop_out_at);
    assert_eq!(shown.hold_true("in a window"), 2);
}

/// Account, its rows and the ladder tell one margin while requirements are raised.
#[test]
fn a_raised_margin_is_one_figure_on_every_page() {
    let mut shown = Shown::open(USD, 150_000, |_| {}).hold("EURUSD", Side::Buy, 100);
    let before = shown.view();
    let from = shown.desk.now;
    shown.desk.must(Body::Requirement(Requirement {
        instrument: instrument_id("EURUSD"),
        id: 1,
        from,
        until: from.plus(HOUR_NS),
        factor: Ratio::percent(200),
        held: HeldPolicy::AtOnce,
        grace_ns: 0,
    }));
    let view = shown.view();
    assert_eq!(view.used, Money(2 * before.used.0));
    let parts = view.margins.iter();
    let parts: i64 = parts
        .map(|one| one.open.0 + one.covered.0 + one.orders.0)
        .sum();
    assert_eq!(parts, view.used.0);
    assert_eq!(view.positions[0].position.margin, view.used);
    let row = shown.row();
    assert_eq!(
        (row.equity, row.used, row.level),
        (view.equity, view.used, view.level)
    );
    assert_eq!(
        (row.closeout_level, row.to_stop_out),
        (before.level, before.to_stop_out),
        "a stop-out compares without the factor"
    );
}

/// One band of the set 7, so that what it charges is what is used.
fn banded(shown: &mut Shown) {
    let band = Band {
        to: 0,
        leverage: Leverage::NONE,
        initial: Ratio::ONE,
        maintenance: Ratio::ONE,
    };
    let rule = TierRule {
        id: 1,
        by: TierBy::VolumePerSymbol,
        currency: USD,
        instruments: vec![instrument_id("EURUSD")],
        cost: TierCost::Average,
        rounding: RoundingStage::Total,
        bands: vec![band],
    };
    shown.desk.must(Body::Tiers(Box::new(TierTerms {
        id: TierSetId(7),
        rules: vec![rule],
    })));
    shown.desk.group.margin.tiers = TierSetId(7);
    let group = shown.desk.group;
    shown.desk.must(Body::Group(Box::new(group)));
}

#[test]
fn a_raised_margin_is_one_figure_in_bands_too() {
    let mut shown = Shown::open(USD, 300_000, |_| {}).hold("EURUSD", Side::Buy, 100);
    banded(&mut shown);
    let mut waits = order(ACCOUNT.0, "EURUSD", Side::Buy, 50);
    (waits.kind, waits.price) = (OrderKind::Limit, Some(Price(100_000)));
    shown.desk.must(Body::Order(Box::new(waits)));
    let before = shown.view();
    assert_eq!(before.tiers[0].charged.minor, before.used.0);
    let from = shown.desk.now;
    shown.desk.must(Body::Requirement(Requirement {
        instrument: instrument_id("EURUSD"),
        id: 1,
        from,
        until: from.plus(HOUR_NS),
        factor: Ratio::percent(200),
        held: HeldPolicy::AtOnce,
        grace_ns: 0,
    }));
    let view = shown.view();
    assert_eq!(view.used, Money(2 * before.used.0));
    let (now, then) = (&view.tiers[0].charged, &before.tiers[0].charged);
    assert_eq!(now.minor, view.used.0);
    assert_eq!(now.before, 2 * then.before);
    let sum = |charged: &Tiered| charged.parts.iter().map(|part| part.amount).sum::<i128>();
    assert_eq!(sum(now), 2 * sum(then));
    assert_eq!(now.measure, then.measure, "it fills no more of the bands");
}

#[test]
fn many_positions_are_shown_their_prices_too() {
    let mut shown = Shown::open(USD, 500_000, |_| {}).hold("XAUUSD", Side::Buy, 10);
    for at in 0..80 {
        let side = if at % 4 == 0 { Side::Sell } else { Side::Buy };
        shown = shown.hold("EURUSD", side, 1 + at % 3);
    }
    shown.is_foretold();
    let view = shown.view();
    assert_eq!(view.positions.len(), 81);
    assert!(view.positions.iter().all(|one| one.stop_out_at.is_some()));
}

#[test]
fn what_is_hedged_has_no_price() {
    let shown = Shown::open(USD, 300_000, |_| {})
        .hold("EURUSD", Side::Buy, 100)
        .hold("EURUSD", Side::Sell, 100);
    let view = shown.view();
    assert!(
        view.positions
            .iter()
            .all(|one| one.warning_at.is_none() && one.stop_out_at.is_none())
    );
    assert_eq!(view.next_stop_out, None);
}

/// That nothing is closed may mean that the cancels are enough, or that they are not and nothing may be closed.
#[test]
fn a_stop_out_that_cannot_close_what_it_has_to_says_so() {
    let observed = |group: &mut GroupTerms| group.stop_out_mode = StopOutMode::Observe;
    let mut shown = Shown::open(USD, 150_000, observed).hold("EURUSD", Side::Buy, 100);
    for _ in 0..2 {
        let mut waits = order(ACCOUNT.0, "EURUSD", Side::Buy, 10);
        (waits.kind, waits.price) = (OrderKind::Limit, Some(Price(105_000)));
        shown.desk.must(Body::Order(Box::new(waits)));
    }
    let told = |shown: &Shown| {
        let next = shown.view().next_stop_out.expect("a stop-out is foretold");
        (next.cancels, next.position.is_some(), next.stuck)
    };
    assert_eq!(told(&shown), (1, false, false), "one cancel is enough");
    shown.desk.quote("EURUSD", 108_700, 108_710);
    assert_eq!(shown.view().state, MarginState::StopOut);
    assert_eq!(told(&shown), (2, true, false));
    let at = shown.desk.now;
    shown.desk.must(Body::Session(Session {
        instrument: instrument_id("EURUSD"),
        open: false,
        at,
        until: at.plus(DAY_NS),
    }));
    assert_eq!(told(&shown), (2, false, true));
}

/// What is not looked for is said, and is no "never".
#[test]
fn a_stop_out_that_is_not_looked_for_says_why() {
    let mut shown = Shown::open(USD, 2_000_000, |_| {});
    assert_eq!(shown.view().next_untold, None, "nothing is held");
    for _ in 0..512 {
        shown = shown.hold("EURUSD", Side::Buy, 1);
    }
    let view = shown.view();
    assert_eq!((view.positions.len(), view.next_untold), (512, None));
    assert!(view.next_stop_out.is_some());
    let view = shown.hold("EURUSD", Side::Buy, 1).view();
    assert_eq!(view.next_stop_out, None);
    assert_eq!(view.next_untold, Some(Untold::ManyPositions));
    assert!(view.positions.iter().all(|one| one.stop_out_at.is_some()));
}
