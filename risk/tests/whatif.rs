//! What if: on a copy, by the machine's own rules, with nothing of it reaching the live one.

mod desk;

use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;
use siaga_risk::whatif::*;

fn deposit(desk: &mut Desk, account: u32, amount: i64) {
    desk.must(Body::Cash(Cash {
        account: AccountId(account),
        kind: CashKind::Deposit,
        amount: Money(amount),
        reference: 0,
    }));
}

fn hold(desk: &mut Desk, account: u32, symbol: &str, side: Side, qty: i64, price: i64) {
    let out = desk.must(Body::Order(Box::new(order(account, symbol, side, qty))));
    let id = out.iter().find_map(|output| match output {
        Output::Answer(answer) => answer.order,
        _ => None,
    });
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: id.expect("an order"),
        exec: ExecId::default(),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(0),
        }),
    }));
}

/// Three dollar accounts long one lot of EUR/USD with 1,700, 2,500 and 50,000 dollars; used margin 1,100 each.
fn three() -> Desk {
    let mut desk = Desk::open();
    desk.quote("EURUSD", 110_000, 110_000);
    for (account, amount) in [(1, 250_000), (2, 170_000), (3, 5_000_000)] {
        desk.account(account, USD, Accounting::Hedging, 100);
        deposit(&mut desk, account, amount);
        hold(&mut desk, account, "EURUSD", Side::Buy, 100, 110_000);
    }
    desk
}

fn copy(desk: &Desk) -> Machine {
    Machine::restore(&desk.machine.snapshot()).expect("a snapshot can be read")
}

fn shift(symbol: &str, by: By) -> Shift {
    Shift {
        target: Target::Instrument(instrument_id(symbol)),
        by,
        fresh: false,
    }
}

fn path(steps: Vec<Vec<Shift>>) -> Scenario {
    Scenario {
        steps: steps.into_iter().map(|shifts| Step { shifts }).collect(),
        rows: 100,
        ..Scenario::default()
    }
}

fn imagine(desk: &Desk, scenario: &Scenario) -> Outcome {
    let hash = desk.machine.state_hash();
    let outcome = run(&mut copy(desk), scenario).expect("a scenario that can be run");
    assert_eq!(
        desk.machine.state_hash(),
        hash,
        "the live machine stays as it is"
    );
    outcome
}

fn refused(desk: &Desk, scenario: &Scenario) -> FaultKind {
    let mut copy = copy(desk);
    let hash = copy.state_hash();
    let fault = run(&mut copy, scenario).expect_err("a scenario that cannot be run");
    assert_eq!(
        copy.state_hash(),
        hash,
        "a refused scenario changes nothing"
    );
    fault.kind
}

#[test]
fn nothing_shifted_is_the_live_state() {
    let desk = three();
    let still = [
        path(Vec::new()),
        path(vec![vec![]]),
        path(vec![vec![
            shift("EURUSD", By::Steps(0)),
            shift("EURUSD", By::Share(Ratio(0))),
            shift("EURUSD", By::To(Price(110_000))),
        ]]),
    ];
    for scenario in still {
        let mut copy = copy(&desk);
        let outcome = run(&mut copy, &scenario).expect("nothing is wrong with it");
        assert_eq!(copy.state_hash(), desk.machine.state_hash());
        assert_eq!(outcome.affected, []);
        assert_eq!(outcome.totals.equity_before, outcome.totals.equity_after);
        assert_eq!(outcome.totals.accounts, 3);
    }
}

#[test]
fn accounts_are_called_restricted_and_stopped_out_in_the_order_of_the_path() {
    let desk = three();
    // At 1.0925 account 2 has 950 of 1,100 (86.36 %), account 1 1,750 (159 %); at 1.0800 account 2 is at -300.
    let outcome = imagine(
        &desk,
        &path(vec![
            vec![shift("EURUSD", By::Steps(-750))],
            vec![shift("EURUSD", By::To(Price(108_000)))],
        ]),
    );
    let rows: Vec<_> = outcome
        .affected
        .iter()
        .map(|row| (row.account.0, row.step, row.hit.state, row.hit.equity.0))
        .collect();
    assert_eq!(
        rows,
        [
            (2, 2, MarginState::StopOut, -30_000),
            (1, 2, MarginState::Restricted, 50_000),
        ],
        "account 2 got worse first, at the first step"
    );
    assert_eq!(
        (outcome.steps[1].called, outcome.steps[1].stopped_out),
        (1, 0)
    );
    assert_eq!(
        (outcome.steps[2].restricted, outcome.steps[2].stopped_out),
        (1, 1)
    );
    let first = outcome.affected[0];
    assert_eq!(first.before.equity, Money(170_000));
    assert_eq!(first.before.level, Some(Ratio(1_545_454_545_454)));
    assert_eq!((first.stopped, first.closes), (Some(1), 1));
    // Closed at 1.0800, compensated: the house pays 300 dollars.
    assert_eq!((first.after.equity, first.after.used), (Money(0), Money(0)));
    assert_eq!(first.at_risk, Money(30_000));
    assert_eq!(outcome.totals.at_risk, 30_000);
    assert_eq!(
        (outcome.totals.restricted, outcome.totals.stopped_out),
        (1, 1)
    );
    assert_eq!(outcome.totals.equity_before, 5_420_000);
    // Three lots lose 2,000 dollars each; 300 come back.
    assert_eq!(outcome.totals.equity_after, 5_420_000 - 600_000 + 30_000);
}

#[test]
fn the_copy_decides_what_the_live_machine_decides_at_the_same_price() {
    for price in [
        109_950, 109_400, 109_399, 108_850, 108_630, 107_000, 100_000,
    ] {
        let mut desk = three();
        let scenario = path(vec![vec![shift("EURUSD", By::To(Price(price)))]]);
        let outcome = imagine(&desk, &scenario);
        let mut imagined: Vec<_> = outcome
            .affected
            .iter()
            .map(|row| (row.account, row.hit.state, row.hit.equity, row.hit.level))
            .collect();
        imagined.sort();
        let live = desk.quote("EURUSD", price, price);
        let mut lived: Vec<_> = live
            .iter()
            .filter_map(|output| match output {
                Output::Margin(change) => {
                    Some((change.account, change.to, change.equity, change.level))
                }
                _ => None,
            })
            .collect();
        lived.sort();
        assert_eq!(imagined, lived, "at {price}");
    }
}

#[test]
fn rates_and_currencies_move_converted_accounts() {
    let mut desk = Desk::open();
    desk.quote("EURUSD", 110_000, 110_000);
    desk.quote("USDJPY", 150_000, 150_000);
    desk.account(1, USD, Accounting::Hedging, 100);
    deposit(&mut desk, 1, 1_000_000);
    hold(&mut desk, 1, "USDJPY", Side::Buy, 100, 150_000);
    // The yen gains a quarter: 150 becomes 120, which costs 3,000,000 yen or 25,000 dollars.
    let scenario = Scenario {
        rows: 10,
        steps: vec![Step {
            shifts: vec![Shift {
                target: Target::Currency(JPY),
                by: By::Share(Ratio::percent(25)),
                fresh: false,
            }],
        }],
        ..Scenario::default()
    };
    let outcome = imagine(&desk, &scenario);
    assert_eq!(
        outcome.steps[1].moved,
        [Moved {
            instrument: instrument_id("USDJPY"),
            bid: 120_000,
            ask: 120_000
        }]
    );
    assert_eq!(outcome.affected[0].hit.equity, Money(1_000_000 - 2_500_000));
    assert_eq!(outcome.totals.at_risk, 1_500_000);
    // A euro account sees its dollars change with the euro alone.
    desk.account(2, EUR, Accounting::Hedging, 100);
    deposit(&mut desk, 2, 100_000);
    let scenario = path(vec![vec![Shift {
        target: Target::Currency(EUR),
        by: By::Share(Ratio::percent(-10)),
        fresh: false,
    }]]);
    let outcome = imagine(&desk, &scenario);
    assert_eq!(outcome.totals.equity_before, 1_000_000 + 110_000);
    assert_eq!(outcome.totals.equity_after, 1_000_000 + 99_000);
}

#[test]
fn prices_below_zero_work_where_the_terms_allow_them() {
    let mut desk = Desk::open();
    let mut terms = instrument("XAUUSD");
    terms.negative_prices = true;
    desk.must(Body::Instrument(Box::new(terms)));
    desk.quote("XAUUSD", 17_730, 17_730);
    desk.quote("EURUSD", 110_000, 110_000);
    desk.account(1, USD, Accounting::Hedging, 10);
    deposit(&mut desk, 1, 50_000);
    hold(&mut desk, 1, "XAUUSD", Side::Buy, 100, 17_730);
    // A hundred units from 17.73 to -37.63 lose 5,536 dollars of 500.
    let scenario = path(vec![
        vec![shift("XAUUSD", By::To(Price(0)))],
        vec![shift("XAUUSD", By::To(Price(-37_630)))],
    ]);
    let outcome = imagine(&desk, &scenario);
    assert_eq!(outcome.affected[0].step, 1, "it is gone at zero already");
    assert_eq!(outcome.affected[0].at_risk, Money(127_300));
    let scenario = path(vec![vec![shift("XAUUSD", By::To(Price(-37_630)))]]);
    assert_eq!(imagine(&desk, &scenario).totals.at_risk, 503_600);
    let below = path(vec![vec![shift("EURUSD", By::To(Price(-1)))]]);
    assert_eq!(refused(&desk, &below), FaultKind::NotPositive);
}

#[test]
fn an_order_is_asked_for_first_and_then_lives_through_the_path() {
    let desk = three();
    let mut scenario = path(vec![vec![shift("EURUSD", By::Steps(-500))]]);
    scenario.order = Some(order(3, "EURUSD", Side::Buy, 1_000));
    let outcome = imagine(&desk, &scenario);
    let made = outcome.order.as_ref().expect("an order was asked for");
    assert_eq!(made.filled, Qty(1_000));
    let preview = made.preview.as_ref().expect("its account is known");
    assert_eq!(
        (preview.reasons.len(), preview.margin_order),
        (0, Money(1_100_000))
    );
    // Eleven lots lose 500 dollars each.
    let lost = outcome.totals.equity_before - outcome.totals.equity_after;
    assert_eq!(lost, 50_000 * (11 + 2));
    scenario.order = Some(order(1, "EURUSD", Side::Buy, 1_000));
    let outcome = imagine(&desk, &scenario);
    let made = outcome.order.expect("an order was asked for");
    assert_eq!(made.filled, Qty(0));
    assert_eq!(
        made.preview.map(|preview| preview.reasons),
        Some(vec![Reject::Margin])
    );
}

#[test]
fn protective_prices_are_executed_where_the_market_is() {
    let mut desk = three();
    let position = desk
        .machine
        .book()
        .positions()
        .iter()
        .next()
        .map(|(_, p)| p.id);
    desk.must(Body::Protect(Protect {
        account: AccountId(1),
        position: position.expect("a position"),
        protection: Protection {
            stop_loss: Some(Price(109_000)),
            take_profit: None,
            trailing: Price(0),
        },
    }));
    // The price jumps over the stop: 2,000 dollars are lost, not 1,000; what comes later costs nothing more.
    let outcome = imagine(
        &desk,
        &path(vec![
            vec![shift("EURUSD", By::To(Price(108_000)))],
            vec![shift("EURUSD", By::To(Price(100_000)))],
        ]),
    );
    assert_eq!(outcome.steps[1].protective, 1);
    let first = outcome
        .affected
        .iter()
        .find(|row| row.account == AccountId(1));
    assert_eq!(first.map(|row| row.after.equity), Some(Money(50_000)));
}

#[test]
fn bad_input_is_a_fault_with_its_place() {
    let desk = three();
    let one = |target, by| {
        path(vec![
            vec![],
            vec![Shift {
                target,
                by,
                fresh: false,
            }],
        ])
    };
    let unknown = Target::Instrument(InstrumentId(999));
    assert_eq!(
        refused(&desk, &one(unknown, By::Steps(1))),
        FaultKind::NothingMeant
    );
    let nowhere = Target::Currency(CurrencyId(99));
    assert_eq!(
        refused(&desk, &one(nowhere, By::Share(Ratio::percent(1)))),
        FaultKind::NothingMeant
    );
    let silent = Target::Instrument(instrument_id("BTCUSD"));
    assert_eq!(
        refused(&desk, &one(silent, By::Steps(1))),
        FaultKind::NoPrice
    );
    let known = Target::Instrument(instrument_id("EURUSD"));
    assert_eq!(
        refused(&desk, &one(known, By::Steps(i64::MAX))),
        FaultKind::Overflow
    );
    assert_eq!(
        refused(&desk, &one(known, By::To(Price(i64::MAX)))),
        FaultKind::Overflow
    );
    assert_eq!(
        refused(&desk, &one(known, By::Share(Ratio::percent(-100)))),
        FaultKind::NotPositive
    );
    let euro = Target::Currency(EUR);
    assert_eq!(
        refused(&desk, &one(euro, By::Steps(1))),
        FaultKind::ShareOnly
    );
    assert_eq!(
        refused(
            &desk,
            &one(Target::Currency(USD), By::Share(Ratio::percent(-100)))
        ),
        FaultKind::Overflow
    );
}

#[test]
fn bad_orders_factors_and_sizes_are_faults_too() {
    let desk = three();
    let known = Target::Instrument(instrument_id("EURUSD"));
    let many = path(vec![Vec::new(); STEPS_MAX + 1]);
    assert_eq!(refused(&desk, &many), FaultKind::TooMany);
    let mut scenario = path(Vec::new());
    scenario.order = Some(order(77, "EURUSD", Side::Buy, 1));
    assert_eq!(refused(&desk, &scenario), FaultKind::UnknownAccount);
    let lower = Scenario {
        raises: vec![Raise {
            target: Target::All,
            factor: Ratio::percent(50),
        }],
        ..Scenario::default()
    };
    assert_eq!(refused(&desk, &lower), FaultKind::Factor);
    let place = run(
        &mut copy(&desk),
        &path(vec![
            vec![],
            vec![Shift {
                target: known,
                by: By::Steps(i64::MAX),
                fresh: false,
            }],
        ]),
    )
    .unwrap_err();
    assert_eq!(
        (place.step, place.instrument),
        (Some(1), Some(instrument_id("EURUSD")))
    );
}

/// A window of the house over EUR/USD for a day.
fn news(id: u16, factor: i64) -> Body {
    Body::Requirement(Requirement {
        instrument: instrument_id("EURUSD"),
        id,
        from: START,
        until: START.plus(DAY_NS),
        factor: Ratio::percent(factor),
        held: HeldPolicy::AtOnce,
        grace_ns: 0,
    })
}

#[test]
fn a_raised_requirement_takes_no_window_of_the_house_away_and_is_never_left_out_unseen() {
    let mut desk = three();
    desk.must(news(u16::MAX, 300));
    let raised = Scenario {
        raises: vec![Raise {
            target: Target::Instrument(instrument_id("EURUSD")),
            factor: Ratio::percent(200),
        }],
        ..Scenario::default()
    };
    let mut tried = copy(&desk);
    run(&mut tried, &raised).expect("there is room for one more");
    let windows: Vec<_> = tried
        .book()
        .windows()
        .map(|window| (window.id, window.factor))
        .collect();
    assert_eq!(
        windows,
        [
            (u16::MAX - 1, Ratio::percent(200)),
            (u16::MAX, Ratio::percent(300))
        ]
    );
    // As many as an instrument may have: an answer without the raise would look like one with it.
    for id in 0..255 {
        desk.must(news(id, 100));
    }
    assert_eq!(refused(&desk, &raised), FaultKind::Windows);
}

#[test]
fn a_requirement_that_the_copy_refuses_says_why() {
    let fault = |kind| Fault {
        step: None,
        instrument: Some(instrument_id("EURUSD")),
        kind,
    };
    let words = fault(FaultKind::Refused(Reject::WindowInvalid)).to_string();
    assert!(words.contains(Reject::WindowInvalid.name()), "{words}");
    assert!(words.contains(Reject::WindowInvalid.lifts()), "{words}");
    assert_ne!(words, fault(FaultKind::Windows).to_string());
}

#[test]
fn a_raised_requirement_calls_and_restricts_and_stops_nobody_out() {
    let desk = three();
    let scenario = Scenario {
        raises: vec![Raise {
            target: Target::Class(AssetClass::Forex),
            factor: Ratio::percent(400),
        }],
        rows: 10,
        ..Scenario::default()
    };
    let outcome = imagine(&desk, &scenario);
    let rows: Vec<_> = outcome
        .affected
        .iter()
        .map(|row| (row.account.0, row.step, row.hit.state, row.soft))
        .collect();
    assert_eq!(
        rows,
        [
            (1, 0, MarginState::Warning, true),
            (2, 0, MarginState::Restricted, true)
        ]
    );
    assert_eq!(outcome.totals.stopped_out, 0);
}

#[test]
fn a_mark_price_keeps_its_distance_from_the_price_that_is_imagined() {
    let mut desk = Desk::open();
    let mut group = desk.group;
    group.margin_price = MarginPrice::Mark;
    desk.must(Body::Group(Box::new(group)));
    desk.quote("BTCUSD", 9_800, 9_800);
    desk.must(Body::MarkPrice(MarkPrice {
        instrument: instrument_id("BTCUSD"),
        source: SOURCE,
        price: Price(10_000),
        at: desk.now,
    }));
    desk.account(1, USD, Accounting::Hedging, 100);
    deposit(&mut desk, 1, 100_000);
    hold(&mut desk, 1, "BTCUSD", Side::Buy, 100, 10_000);
    let scenario = path(vec![vec![shift("BTCUSD", By::To(Price(9_700)))]]);
    let totals = imagine(&desk, &scenario).totals;
    // The mark falls from 100.00 to 99.00, not to the bid.
    assert_eq!(totals.equity_before, 100_000);
    assert_eq!(totals.equity_after, 100_000 - 100);
}

#[test]
fn volatilities_are_multiplied_one_by_one() {
    let mut desk = Desk::open();
    for symbol in ["EURUSD", "USDJPY"] {
        let mut terms = instrument(symbol);
        terms.halt.vol_floor = Ratio::percent(50);
        desk.must(Body::Instrument(Box::new(terms)));
    }
    for at in 0..90 {
        desk.now = desk.now.plus(2 * SECOND_NS);
        let up = at % 2 * 20;
        desk.quote("EURUSD", 110_000 + up, 110_010 + up);
        desk.quote("USDJPY", 150_000 + up, 150_010 + up);
    }
    let huge = Ratio(1_000_000 * Ratio::ONE.0);
    let of = |symbol: &str| Target::Instrument(instrument_id(symbol));
    let volatile = |raises: &[(Target, Ratio)]| {
        let raises = raises.iter();
        let scenario = Scenario {
            volatilities: raises
                .map(|(target, factor)| Raise {
                    target: *target,
                    factor: *factor,
                })
                .collect(),
            rows: 10,
            ..Scenario::default()
        };
        imagine(&desk, &scenario).volatile
    };
    let (euro, yen) = (instrument_id("EURUSD"), instrument_id("USDJPY"));
    assert_eq!(volatile(&[]), []);
    assert_eq!(volatile(&[(Target::All, Ratio::ONE)]), []);
    assert_eq!(volatile(&[(Target::All, huge)]), [euro, yen]);
    assert_eq!(volatile(&[(of("USDJPY"), huge)]), [yen]);
    // The last that means an instrument counts.
    let all_but_one = [(Target::All, huge), (of("EURUSD"), Ratio::ONE)];
    assert_eq!(volatile(&all_but_one), [yen]);
    let negative = Scenario {
        volatilities: vec![Raise {
            target: Target::All,
            factor: Ratio(-1),
        }],
        ..Scenario::default()
    };
    assert_eq!(refused(&desk, &negative), FaultKind::Volatility);
}
