//! Margin rules as a trader meets them.

mod desk;

use desk::script::check;
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;
use siaga_risk::view::{Ask, LeverageFrom, PositionView, Query, View};

/// An account of 1,000,000.00 USD under the test group at 1.10000 / 1.10010.
fn open(id: u32, accounting: Accounting) -> Desk {
    let mut desk = Desk::open();
    desk.quote("EURUSD", 110_000, 110_010);
    desk.account(id, USD, accounting, 0);
    deposit(&mut desk, id, 100_000_000);
    desk
}

fn deposit(desk: &mut Desk, id: u32, amount: i64) {
    desk.must(Body::Cash(Cash {
        account: AccountId(id),
        kind: CashKind::Deposit,
        amount: Money(amount),
        reference: 0,
    }));
}

fn enter(desk: &mut Desk, id: u32, side: Side, qty: i64, price: i64) {
    let out = desk.must(Body::Order(Box::new(order(id, "EURUSD", side, qty))));
    let order = out.iter().find_map(|output| match output {
        Output::Answer(answer) => answer.order,
        _ => None,
    });
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: order.expect("an order"),
        exec: ExecId::default(),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(0),
        }),
    }));
}

fn view(desk: &Desk, id: u32) -> siaga_risk::view::AccountView {
    let query = Query::Account(AccountId(id));
    match desk.machine.ask(&Ask { token: 0, query }).view {
        View::Account(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn used(desk: &Desk, id: u32) -> i64 {
    view(desk, id).used.0
}

fn list(desk: &mut Desk, change: impl Fn(&mut InstrumentTerms)) {
    let mut terms = instrument("EURUSD");
    change(&mut terms);
    desk.must(Body::Instrument(Box::new(terms)));
}

fn refused(desk: &mut Desk, body: Body) -> Vec<Reject> {
    let out = desk.command(body);
    out.iter()
        .find_map(|output| match output {
            Output::Answer(answer) => Some(answer.reasons.clone()),
            _ => None,
        })
        .expect("an answer")
}

fn bands(rules: Vec<TierRule>) -> Body {
    Body::Tiers(Box::new(TierTerms {
        id: TierSetId(7),
        rules,
    }))
}

fn rule(bands: &[(i64, i64)]) -> TierRule {
    let band = |(lots, percent): &(i64, i64)| Band {
        to: lots * 100_000_000,
        leverage: Leverage::NONE,
        initial: Ratio::percent(*percent),
        maintenance: Ratio::percent(*percent),
    };
    TierRule {
        id: 1,
        by: TierBy::VolumePerSymbol,
        currency: USD,
        instruments: vec![instrument_id("EURUSD")],
        cost: TierCost::Average,
        rounding: RoundingStage::Total,
        bands: bands.iter().map(band).collect(),
    }
}

#[test]
fn larger_positions_get_less_leverage() {
    let mut desk = open(1, Accounting::Netting);
    enter(&mut desk, 1, Side::Buy, 300, 110_010);
    // Three lots at 1.10010 and 100:1, as yet without bands.
    assert_eq!(used(&desk, 1), 330_030);
    assert_eq!(
        refused(
            &mut desk,
            bands(vec![rule(&[(1, 100), (2, 200), (0, 400)])])
        ),
        []
    );
    let mut group = desk.group;
    group.margin.tiers = TierSetId(7);
    desk.must(Body::Group(Box::new(group)));
    // One lot once, one lot twice, one lot four times: 7 × 1,100.10.
    assert_eq!(used(&desk, 1), 770_070);
    let tier = &view(&desk, 1).tiers[0];
    assert_eq!(
        (tier.set, tier.rule, tier.charged.parts.len()),
        (TierSetId(7), 1, 3)
    );
    // The terms change under the open position.
    assert_eq!(
        refused(&mut desk, bands(vec![rule(&[(2, 100), (0, 500)])])),
        []
    );
    assert_eq!(used(&desk, 1), 770_070);
    assert_eq!(refused(&mut desk, bands(vec![rule(&[(0, 100)])])), []);
    assert_eq!(used(&desk, 1), 330_030);
}

#[test]
fn rules_that_contradict_themselves_stay_outside() {
    let mut desk = open(1, Accounting::Netting);
    let all = TierRule {
        instruments: Vec::new(),
        ..rule(&[(0, 100)])
    };
    let unknown = TierRule {
        instruments: vec![InstrumentId(99)],
        ..rule(&[(0, 100)])
    };
    let nowhere = TierRule {
        by: TierBy::Notional,
        currency: CurrencyId(99),
        ..rule(&[(0, 100)])
    };
    let second = TierRule {
        id: 2,
        ..rule(&[(0, 100)])
    };
    let cases: [(Vec<TierRule>, Reject); 9] = [
        (
            vec![rule(&[(2, 100), (1, 200), (0, 300)])],
            Reject::TiersContradict,
        ),
        (vec![rule(&[(1, 100), (2, 200)])], Reject::TiersContradict),
        (vec![rule(&[])], Reject::TiersContradict),
        (vec![all, second], Reject::TiersContradict),
        (
            vec![rule(&[(0, 100)]), rule(&[(0, 200)])],
            Reject::TiersContradict,
        ),
        (vec![rule(&[(1, 0), (0, 100)])], Reject::TermsNotPositive),
        (vec![rule(&[(0, 200_000)])], Reject::TermsOverflow),
        (vec![unknown], Reject::UnknownInstrument),
        (vec![nowhere], Reject::UnknownCurrency),
    ];
    for (rules, reason) in cases {
        assert_eq!(
            refused(&mut desk, bands(rules.clone())),
            [reason],
            "{rules:?}"
        );
    }
    let mut group = desk.group;
    group.margin.tiers = TierSetId(7);
    assert_eq!(
        refused(&mut desk, Body::Group(Box::new(group))),
        [Reject::UnknownTiers]
    );
}

#[test]
fn news_raise_what_is_new_at_once_and_what_is_held_as_the_window_says() {
    let mut desk = open(1, Accounting::Hedging);
    enter(&mut desk, 1, Side::Buy, 100, 110_010);
    let news = Requirement {
        instrument: instrument_id("EURUSD"),
        id: 1,
        from: desk.now.plus(MINUTE_NS),
        until: desk.now.plus(10 * MINUTE_NS),
        factor: Ratio::percent(300),
        held: HeldPolicy::Keep,
        grace_ns: 2 * MINUTE_NS,
    };
    desk.must(Body::Requirement(news));
    let free = |desk: &Desk| view(desk, 1).free.0;
    let before = free(&desk);
    let wait = |desk: &mut Desk, ns: u64| {
        desk.now = desk.now.plus(ns);
        desk.quote("EURUSD", 110_000, 110_010);
    };
    wait(&mut desk, MINUTE_NS);
    assert_eq!(free(&desk), before, "what is held keeps its margin");
    enter(&mut desk, 1, Side::Buy, 100, 110_010);
    // The spread of the second lot, and three times its margin.
    assert_eq!(free(&desk), before - 1_000 - 3 * 110_010);
    let rule = |desk: &Desk, at: usize| view(desk, 1).positions[at].rule.expect("a rule");
    assert_eq!(
        (rule(&desk, 0).factor, rule(&desk, 0).window),
        (Ratio::ONE, None)
    );
    assert_eq!(
        (rule(&desk, 1).factor, rule(&desk, 1).window),
        (news.factor, Some(1))
    );
    let later = Requirement {
        held: HeldPolicy::AfterGrace,
        ..news
    };
    desk.must(Body::Requirement(later));
    wait(&mut desk, MINUTE_NS);
    assert_eq!(free(&desk), before - 1_000 - 3 * 110_010);
    wait(&mut desk, MINUTE_NS);
    assert_eq!(free(&desk), before - 1_000 - 5 * 110_010);
    wait(&mut desk, 7 * MINUTE_NS);
    assert_eq!(free(&desk), before - 1_000 - 110_010, "the window is over");
    // Used margin, which decides a stop-out, never had the factor.
    assert_eq!(used(&desk, 1), 220_020);
    let past = Requirement {
        from: Ts(1),
        until: Ts(2),
        ..news
    };
    assert_eq!(
        refused(&mut desk, Body::Requirement(past)),
        [Reject::WindowInvalid]
    );
    let lower = Requirement {
        id: 2,
        from: desk.now,
        until: desk.now.plus(MINUTE_NS),
        factor: Ratio::percent(50),
        ..news
    };
    assert_eq!(
        refused(&mut desk, Body::Requirement(lower)),
        [Reject::WindowInvalid]
    );
}

#[test]
fn the_winning_leverage_says_where_it_came_from() {
    let mut desk = open(1, Accounting::Netting);
    let rule = |desk: &mut Desk| {
        let query = Query::Preview(Box::new(order(1, "EURUSD", Side::Buy, 1)));
        match desk.machine.ask(&Ask { token: 0, query }).view {
            View::Preview(view) => {
                let rule = view.rule.expect("a rule");
                (rule.leverage.to_string(), rule.leverage_from)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(rule(&mut desk), ("100".into(), LeverageFrom::Group));
    let own = AccountTerms {
        id: AccountId(1),
        group: GROUP,
        link: LINK,
        currency: USD,
        accounting: Accounting::Netting,
        leverage: Leverage::of(200),
    };
    desk.must(Body::Account(own));
    assert_eq!(rule(&mut desk), ("200".into(), LeverageFrom::Account));
    let mut group = desk.group;
    group.margin.caps = ESMA_CAPS;
    desk.must(Body::Group(Box::new(group)));
    list(&mut desk, |terms| terms.margin.class = CapClass::MajorForex);
    assert_eq!(rule(&mut desk), ("30".into(), LeverageFrom::ClassCap));
    list(&mut desk, |terms| {
        terms.margin.class = CapClass::MajorForex;
        terms.leverage_max = Leverage::of(10);
    });
    assert_eq!(rule(&mut desk), ("10".into(), LeverageFrom::InstrumentCap));
}

/// 110,010 USD at 33.33 : 1 are 3,300.63; a band of 2.5 : 1 costs two fifths of its lots.
#[test]
fn leverage_may_have_a_point() {
    let mut desk = open(1, Accounting::Netting);
    let mut terms = view(&desk, 1).terms;
    terms.leverage = Leverage(3_333_000_000);
    desk.must(Body::Account(terms));
    enter(&mut desk, 1, Side::Buy, 100, 110_010);
    assert_eq!(used(&desk, 1), 330_063);
    desk.must(bands(vec![TierRule {
        bands: vec![Band {
            leverage: Leverage(250_000_000),
            ..rule(&[(0, 100)]).bands[0]
        }],
        ..rule(&[(0, 100)])
    }]));
    let mut group = desk.group;
    group.margin.tiers = TierSetId(7);
    desk.must(Body::Group(Box::new(group)));
    assert_eq!(used(&desk, 1), 4_400_400);
    for wrong in [Leverage(u64::MAX), Leverage(50_000_000)] {
        terms.leverage = wrong;
        assert_eq!(
            refused(&mut desk, Body::Account(terms)),
            [Reject::TermsInvalid]
        );
        let mut group = desk.group;
        group.leverage = wrong;
        assert_eq!(
            refused(&mut desk, Body::Group(Box::new(group))),
            [Reject::TermsInvalid]
        );
    }
}

#[test]
fn terms_that_would_charge_nothing_or_overflow_are_numbered() {
    let mut desk = open(1, Accounting::Netting);
    type Change = fn(&mut InstrumentTerms);
    let cases: [(Change, Reject); 7] = [
        (
            |terms| terms.margin_initial = Ratio(0),
            Reject::TermsNotPositive,
        ),
        (
            |terms| terms.margin_initial = Ratio(-1),
            Reject::TermsNotPositive,
        ),
        (
            |terms| terms.margin.hold_buy = Ratio(-1),
            Reject::TermsNotPositive,
        ),
        (
            |terms| terms.margin_hedged = Ratio(-1),
            Reject::TermsNotPositive,
        ),
        (
            |terms| terms.margin_fixed = Money(-1),
            Reject::TermsNotPositive,
        ),
        (
            |terms| terms.margin.buy.stop = Ratio(i64::MAX),
            Reject::TermsOverflow,
        ),
        (
            |terms| terms.margin.fixed_hold = Money(1),
            Reject::TermsInvalid,
        ),
    ];
    for (change, reason) in cases {
        let mut terms = instrument("EURUSD");
        change(&mut terms);
        assert_eq!(
            refused(&mut desk, Body::Instrument(Box::new(terms))),
            [reason]
        );
    }
}

#[test]
fn margin_keeps_its_rate_over_days_that_do_not_count() {
    let mut desk = open(1, Accounting::Netting);
    enter(&mut desk, 1, Side::Buy, 100, 110_010);
    desk.quote("EURUSD", 112_000, 112_010);
    let roll = |desk: &mut Desk, days: u8| {
        let at = desk.now.plus(SECOND_NS);
        desk.must(Body::Rollover(Rollover {
            instrument: instrument_id("EURUSD"),
            at,
            days,
            weekday: 0,
        }));
        desk.now = at;
        desk.clock();
    };
    assert_eq!(
        used(&desk, 1),
        110_010,
        "the price moves, the margin does not"
    );
    roll(&mut desk, 0);
    assert_eq!(used(&desk, 1), 110_010);
    roll(&mut desk, 1);
    assert_eq!(used(&desk, 1), 112_010);
    let held: &PositionView = &view(&desk, 1).positions[0].clone();
    assert_eq!(held.position.margin, Money(112_010));
}

#[test]
fn a_market_order_that_money_no_longer_covers_is_taken_back_when_the_group_says_so() {
    for checks in [false, true] {
        let mut desk = open(1, Accounting::Netting);
        let mut group = desk.group;
        group.margin.check_execution = checks;
        desk.must(Body::Group(Box::new(group)));
        let order = order(1, "EURUSD", Side::Buy, 100);
        let out = desk.must(Body::Order(Box::new(order)));
        let id = out.iter().find_map(|output| match output {
            Output::Answer(answer) => answer.order,
            _ => None,
        });
        desk.must(Body::Cash(Cash {
            account: AccountId(1),
            kind: CashKind::Correction,
            amount: Money(50_000 - 100_000_000),
            reference: 0,
        }));
        let out = desk.must(Body::Report(BrokerReport {
            link: LINK,
            order: id.expect("an order"),
            exec: ExecId::default(),
            event: BrokerEvent::Accepted,
        }));
        let cancelled = out.iter().any(|output| {
            matches!(output, Output::Send(send) if matches!(send.command, LinkCommand::Cancel(_)))
        });
        assert_eq!(cancelled, checks);
    }
}

#[test]
fn volume_added_to_an_old_position_in_a_window_is_new_exposure() {
    let mut desk = open(1, Accounting::Netting);
    enter(&mut desk, 1, Side::Buy, 1, 110_010);
    desk.now = desk.now.plus(SECOND_NS);
    desk.must(Body::Requirement(Requirement {
        instrument: instrument_id("EURUSD"),
        id: 1,
        from: desk.now,
        until: desk.now.plus(10 * MINUTE_NS),
        factor: Ratio::percent(500),
        held: HeldPolicy::Keep,
        grace_ns: 0,
    }));
    enter(&mut desk, 1, Side::Buy, 1_000, 110_010);
    // The hundredth of a lot keeps its 11.00; ten lots are charged five times. The spread costs 100.10.
    assert_eq!(view(&desk, 1).free.0, 100_000_000 - 10_010 - 5_501_600);
    assert_eq!(used(&desk, 1), 5_501_600);
    // Closing takes the old volume first.
    enter(&mut desk, 1, Side::Sell, 1, 110_000);
    assert_eq!(view(&desk, 1).free.0, 100_000_000 - 10_010 - 5_500_500);
    desk.now = desk.now.plus(10 * MINUTE_NS);
    desk.quote("EURUSD", 110_000, 110_010);
    assert_eq!(view(&desk, 1).free.0, 100_000_000 - 10_010 - 1_100_100);
}

#[test]
fn retail_clients_of_the_european_union_are_held_to_their_initial_margin() {
    let mut desk = open(1, Accounting::Hedging);
    list(&mut desk, |terms| {
        terms.margin_maintenance = Ratio::percent(50)
    });
    enter(&mut desk, 1, Side::Buy, 100, 110_010);
    assert_eq!(used(&desk, 1), 55_005);
    let mut group = desk.group;
    group.preset = Preset::EsmaRetail;
    desk.must(Body::Group(Box::new(group)));
    assert_eq!(used(&desk, 1), 110_010);
    assert_eq!(view(&desk, 1).positions[0].position.margin, Money(110_010));
}

#[test]
fn where_each_trade_has_its_own_cost_the_oldest_fills_the_bands_first() {
    let mut desk = open(1, Accounting::Hedging);
    desk.quote("USDJPY", 150_000, 150_000);
    let own = TierRule {
        by: TierBy::Volume,
        instruments: Vec::new(),
        cost: TierCost::Own,
        ..rule(&[(1, 20), (0, 100)])
    };
    assert_eq!(refused(&mut desk, bands(vec![own])), []);
    let mut group = desk.group;
    group.margin.tiers = TierSetId(7);
    desk.must(Body::Group(Box::new(group)));
    enter(&mut desk, 1, Side::Buy, 50, 110_010);
    let out = desk.must(Body::Order(Box::new(order(1, "USDJPY", Side::Buy, 50))));
    assert!(out.iter().any(|output| matches!(output, Output::Send(_))));
    let id = OrderId(desk.inputs.len() as u64);
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: id,
        exec: ExecId::default(),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(50),
            price: Price(150_000),
            commission: Money(0),
        }),
    }));
    assert_eq!(used(&desk, 1), 11_001 + 10_000);
    // The third half lot is beyond the band; it does not push the second out of it.
    enter(&mut desk, 1, Side::Buy, 50, 110_010);
    assert_eq!(used(&desk, 1), 11_001 + 10_000 + 55_005);
}

#[test]
fn every_fill_of_a_netting_position_keeps_the_rate_of_its_time() {
    let mut desk = open(1, Accounting::Netting);
    enter(&mut desk, 1, Side::Buy, 100, 110_010);
    desk.quote("EURUSD", 130_000, 130_000);
    enter(&mut desk, 1, Side::Buy, 200, 130_000);
    assert_eq!(used(&desk, 1), 110_010 + 2 * 130_000);
    // A part of it leaves at the mean.
    enter(&mut desk, 1, Side::Sell, 150, 130_000);
    assert_eq!(used(&desk, 1), (110_010 + 2 * 130_000) / 2);
}

#[test]
fn a_waiting_order_is_charged_by_the_terms_it_would_be_filled_under() {
    let mut desk = open(1, Accounting::Hedging);
    list(&mut desk, |terms| terms.margin_fixed = Money(100_000));
    let mut dip = order(1, "EURUSD", Side::Buy, 100);
    (dip.kind, dip.price) = (OrderKind::Limit, Some(Price(105_000)));
    desk.must(Body::Order(Box::new(dip)));
    assert_eq!(used(&desk, 1), 1_100);
    list(&mut desk, |terms| terms.margin_fixed = Money(1_000_000));
    assert_eq!(used(&desk, 1), 11_001);
}

#[test]
fn a_positions_margin_is_shown_as_it_is_now_where_it_follows_the_price() {
    let mut desk = open(1, Accounting::Hedging);
    let mut group = desk.group;
    group.margin_price = MarginPrice::Mid;
    desk.must(Body::Group(Box::new(group)));
    enter(&mut desk, 1, Side::Buy, 100, 110_010);
    desk.quote("EURUSD", 119_990, 120_010);
    assert_eq!(used(&desk, 1), 120_000);
    assert_eq!(view(&desk, 1).positions[0].position.margin, Money(120_000));
}

#[test]
fn a_window_is_told_when_it_begins_when_it_reaches_what_is_held_and_when_it_ends() {
    check(
        "account 1 USD hedging 100:1 deposit 2500.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         window EURUSD 3 in 5s for 15s 300% after_grace 5s ->
         wait 4s  ->
         wait 1s  -> window EURUSD 3 began holders 1
         wait 5s  -> window EURUSD 3 reached holders 1; margin 1 warning soft
         wait 10s -> window EURUSD 3 ended holders 1; margin 1 healthy",
    );
}

#[test]
fn a_window_in_place_of_another_is_told_at_its_own_times() {
    check(
        "account 1 USD hedging 100:1 deposit 2500.00
         quote EURUSD 1.10000 1.10000
         window EURUSD 4 in 2s for 20s 200% at_once 0s
         window EURUSD 4 in 6s for 20s 200% at_once 0s
         wait 2s ->
         wait 4s -> window EURUSD 4 began holders 0
         # Dearer at once; then somebody ends it.
         window EURUSD 4 in 0s for 20s 300% at_once 0s -> window EURUSD 4 began holders 0
         window EURUSD 4 ends -> window EURUSD 4 ended holders 0
         # One that is put off is over until then, and one that is taken away before it begins is never heard of.
         window EURUSD 5 in 0s for 20s 200% keep 0s -> window EURUSD 5 began holders 0
         window EURUSD 5 in 3s for 20s 200% keep 0s -> window EURUSD 5 ended holders 0
         window EURUSD 6 in 2s for 20s 200% keep 0s
         window EURUSD 6 ends ->
         wait 3s -> window EURUSD 5 began holders 0",
    );
}

#[test]
fn a_window_that_passes_while_nothing_enters_is_told_whole() {
    check(
        "account 1 USD hedging 100:1 deposit 2500.00
         window EURUSD 1 in 1s for 5s 200% after_grace 2s
         wait 9s -> window EURUSD 1 began holders 0; window EURUSD 1 reached holders 0; window EURUSD 1 ended holders 0",
    );
}

#[test]
fn everyone_who_holds_a_halted_instrument_is_named_page_by_page() {
    let mut desk = open(3, Accounting::Hedging);
    enter(&mut desk, 3, Side::Buy, 100, 110_010);
    enter(&mut desk, 3, Side::Sell, 40, 110_000);
    for id in [1, 2] {
        desk.account(id, USD, Accounting::Netting, 0);
        deposit(&mut desk, id, 100_000_000);
    }
    enter(&mut desk, 1, Side::Sell, 70, 110_000);
    let holders = |desk: &Desk, after: Option<u32>, count| {
        let query = Query::Holders {
            instrument: instrument_id("EURUSD"),
            after: after.map(AccountId),
            count,
        };
        let View::Holders(all) = desk.machine.ask(&Ask { token: 0, query }).view else {
            panic!("no holders")
        };
        let told = |one: &siaga_risk::view::HolderView| (one.account.0, one.long.0, one.short.0);
        all.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(holders(&desk, None, 10), [(1, 0, 70), (3, 100, 40)]);
    assert_eq!(holders(&desk, None, 1), [(1, 0, 70)]);
    assert_eq!(holders(&desk, Some(1), 1), [(3, 100, 40)]);
    assert_eq!(holders(&desk, Some(3), 1), []);
    assert!(!view(&desk, 3).positions[0].halted);
    desk.must(Body::Halt(SetHalt {
        instrument: instrument_id("EURUSD"),
        on: true,
        note: 0,
    }));
    assert!(view(&desk, 3).positions[0].halted);
}

#[test]
fn who_holds_a_halted_instrument_is_counted_whenever_its_halt_is_told() {
    let mut desk = open(1, Accounting::Hedging);
    let mut terms = instrument("EURUSD");
    terms.halt.halt = Ratio::percent(1);
    terms.halt.quiet_ns = 20 * SECOND_NS;
    terms.halt.manual_resume = true;
    desk.must(Body::Instrument(Box::new(terms)));
    desk.quote("EURUSD", 110_000, 110_010);
    enter(&mut desk, 1, Side::Buy, 10, 110_010);
    let told = |out: &[Output]| -> Vec<_> {
        let of = |output: &Output| match output {
            Output::Halt(halt) => Some((halt.on, halt.awaiting_resume, halt.manual, halt.holders)),
            _ => None,
        };
        out.iter().filter_map(of).collect()
    };
    let mut latched = Vec::new();
    for step in 0..3 {
        desk.now = desk.now.plus(SECOND_NS);
        let bid = 108_000 - step;
        latched.extend(told(&desk.quote("EURUSD", bid, bid + 10)));
    }
    assert_eq!(latched, [(true, false, false, 1)]);
    desk.now = desk.now.plus(20 * SECOND_NS);
    assert_eq!(told(&desk.clock()), [(true, true, false, 1)]);
    let halts = |desk: &Desk| {
        let query = Query::Desk;
        let View::Desk(view) = desk.machine.ask(&Ask { token: 0, query }).view else {
            panic!("no desk")
        };
        let told =
            |one: &siaga_risk::view::HaltView| (one.instrument, one.awaiting_resume, one.by_person);
        view.halts.iter().map(told).collect::<Vec<_>>()
    };
    assert_eq!(halts(&desk), [(instrument_id("EURUSD"), true, true)]);
    let mut set = |on| {
        let set = SetHalt {
            instrument: instrument_id("EURUSD"),
            on,
            note: 0,
        };
        told(&desk.must(Body::Halt(set)))
    };
    assert_eq!(set(true), [(true, false, true, 1)]);
    assert_eq!(set(false), [(false, false, true, 1)]);
}

#[test]
fn the_figures_of_an_account_agree_while_an_order_waits_in_a_halt() {
    check(
        "account 1 USD hedging 100:1 deposit 3000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 1 EURUSD 0.50 limit 1.00000 as dip
         see 1 equity 3000.00 used 1650.00 free 1350.00 to_warning 1350.00 level 181.82
         halt EURUSD on
         # The order in flight needs twice its margin at once, what is held after the grace.
         see 1 equity 3000.00 used 2200.00 free 800.00 to_warning 800.00 level 136.36
         wait 14m
         quote EURUSD 1.10000 1.10000
         wait 1m
         see 1 equity 3000.00 used 3300.00 free -300.00 to_warning -300.00 level 90.91 state warning
         halt EURUSD off
         see 1 used 1650.00 free 1350.00 level 181.82 state healthy",
    );
}

#[test]
fn no_more_credit_is_taken_back_than_was_lent() {
    check(
        "account 1 USD hedging 100:1 deposit 1000.00
         cash 1 credit 50.00
         cash 1 credit -60.00 -> insufficient_funds
         cash 1 credit -50.00 -> cash 1 credit -50.00
         see 1 equity 1000.00",
    );
}
