//! Leverage by bands beside caps, what European retail clients are held to, and where a shown margin comes from.

mod desk;

use desk::script::check;
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;
use siaga_risk::view::{AccountView, Ask, LeverageFrom, MarginRule, PreviewView, Query, View};
use siaga_risk::wide::mul_div_round;

/// An account of a million under the test group; one euro is 1.10000 / 1.10010 dollars, one dollar 150 yen.
fn open(currency: CurrencyId, accounting: Accounting) -> Desk {
    let mut desk = Desk::open();
    desk.quote("EURUSD", 110_000, 110_010);
    desk.quote("USDJPY", 150_000, 150_000);
    desk.account(1, currency, accounting, 0);
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(100_000_000),
        reference: 0,
    }));
    desk
}

/// A market order of account 1 that is filled whole.
fn enter(desk: &mut Desk, symbol: &str, side: Side, qty: i64, price: i64) {
    let out = desk.must(Body::Order(Box::new(order(1, symbol, side, qty))));
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

fn view(desk: &Desk) -> AccountView {
    let query = Query::Account(AccountId(1));
    match desk.machine.ask(&Ask { token: 0, query }).view {
        View::Account(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn preview(desk: &Desk, symbol: &str, side: Side, qty: i64) -> PreviewView {
    let query = Query::Preview(Box::new(order(1, symbol, side, qty)));
    match desk.machine.ask(&Ask { token: 0, query }).view {
        View::Preview(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn used(desk: &Desk) -> i64 {
    view(desk).used.0
}

fn list(desk: &mut Desk, symbol: &str, change: impl Fn(&mut InstrumentTerms)) {
    let mut terms = instrument(symbol);
    change(&mut terms);
    desk.must(Body::Instrument(Box::new(terms)));
}

fn regroup(desk: &mut Desk, change: impl Fn(&mut GroupTerms)) {
    let mut group = desk.group;
    change(&mut group);
    desk.must(Body::Group(Box::new(group)));
}

/// The set of rules that groups here refer to.
const SET: TierSetId = TierSetId(7);

/// One rule for an instrument with one band for everything.
fn band(desk: &mut Desk, leverage: u32, initial: i64, maintenance: i64) {
    desk.must(Body::Tiers(Box::new(TierTerms {
        id: SET,
        rules: vec![TierRule {
            id: 1,
            by: TierBy::VolumePerSymbol,
            currency: USD,
            instruments: vec![instrument_id("EURUSD")],
            cost: TierCost::Average,
            rounding: RoundingStage::Total,
            bands: vec![Band {
                to: 0,
                leverage: Leverage::of(leverage),
                initial: Ratio::percent(initial),
                maintenance: Ratio::percent(maintenance),
            }],
        }],
    })));
}

/// 110,010 dollars at 500 : 1 are 220.02, at 30 : 1 they are 3,667.00.
#[test]
fn a_band_gives_no_more_leverage_than_caps_and_the_account_itself_allow() {
    let mut desk = open(USD, Accounting::Netting);
    band(&mut desk, 500, 100, 100);
    regroup(&mut desk, |group| group.margin.tiers = SET);
    list(&mut desk, "EURUSD", |terms| {
        terms.margin.class = CapClass::MajorForex
    });
    enter(&mut desk, "EURUSD", Side::Buy, 100, 110_010);
    let charged = |desk: &Desk| {
        let won = view(desk).tiers[0].charged.parts[0].leverage;
        let (leverage, from) = won.expect("one leverage");
        (used(desk), leverage.whole(), from)
    };
    // The group's 100 : 1 is no cap: bands stand in its place.
    assert_eq!(charged(&desk), (22_002, 500, LeverageFrom::Band));
    regroup(&mut desk, |group| {
        (group.margin.tiers, group.margin.caps) = (SET, ESMA_CAPS)
    });
    assert_eq!(charged(&desk), (366_700, 30, LeverageFrom::ClassCap));
    // What is asked for an order is held down as what is held is.
    let next = preview(&desk, "EURUSD", Side::Buy, 100);
    assert_eq!(next.margin_order, Money(366_700));
    band(&mut desk, 20, 100, 100);
    assert_eq!(charged(&desk), (550_050, 20, LeverageFrom::Band));
    band(&mut desk, 500, 100, 100);
    list(&mut desk, "EURUSD", |terms| {
        terms.margin.class = CapClass::MajorForex;
        terms.leverage_max = Leverage::of(10);
    });
    assert_eq!(charged(&desk), (1_100_100, 10, LeverageFrom::InstrumentCap));
    list(&mut desk, "EURUSD", |_| ());
    regroup(&mut desk, |group| group.margin.tiers = SET);
    let mut terms = view(&desk).terms;
    terms.leverage = Leverage::of(50);
    desk.must(Body::Account(terms));
    assert_eq!(charged(&desk), (220_020, 50, LeverageFrom::Account));
    terms.leverage = Leverage::of(1_000);
    desk.must(Body::Account(terms));
    assert_eq!(charged(&desk), (22_002, 500, LeverageFrom::Band));
}

#[test]
fn no_band_lets_european_retail_clients_go_below_their_initial_margin() {
    for maintenance in [50, 0] {
        let mut desk = open(USD, Accounting::Hedging);
        band(&mut desk, 0, 100, maintenance);
        regroup(&mut desk, |group| group.margin.tiers = SET);
        enter(&mut desk, "EURUSD", Side::Buy, 100, 110_010);
        assert_eq!(used(&desk), 110_010 * maintenance / 100);
        regroup(&mut desk, |group| {
            (group.preset, group.margin.tiers) = (Preset::EsmaRetail, SET)
        });
        assert_eq!(used(&desk), 110_010);
        let part = view(&desk).tiers[0].charged.parts[0];
        assert_eq!((part.held, part.ratio), (true, Ratio::percent(100)));
    }
}

/// A lot costs 1,000 to open and 500 to hold; two that cover each other cost 250, or a half of a lot's margin.
#[test]
fn covered_lots_of_fixed_margins_cost_the_same_whatever_holds_the_others() {
    for (preset, held, by_share) in [
        (Preset::Mt5Default, 50_000, 25_000),
        (Preset::EsmaRetail, 100_000, 50_000),
    ] {
        for (hedged, covered) in [(Some(Money(25_000)), 25_000), (None, by_share)] {
            let mut desk = open(EUR, Accounting::Hedging);
            regroup(&mut desk, |group| {
                (group.preset, group.leverage) = (preset, Leverage::ONE)
            });
            list(&mut desk, "EURUSD", |terms| {
                terms.margin_fixed = Money(100_000);
                terms.margin.fixed_hold = Money(50_000);
                terms.margin.fixed_hedged = hedged;
            });
            enter(&mut desk, "EURUSD", Side::Buy, 100, 110_010);
            assert_eq!(used(&desk), held, "{preset:?} {hedged:?}");
            let asked = preview(&desk, "EURUSD", Side::Sell, 100);
            assert_eq!(asked.used_after, Money(held + covered), "{preset:?}");
            enter(&mut desk, "EURUSD", Side::Sell, 100, 110_000);
            assert_eq!(used(&desk), covered, "{preset:?} {hedged:?}");
            assert_eq!(view(&desk).margins[0].covered, Money(covered));
        }
    }
}

/// 110,010 and 100,000 dollars fill a band of 200,000 together; neither would alone. At 100 : 1 the band costs 2,000.00,
/// the 10,010 beyond it twice 100.10.
#[test]
fn instruments_under_one_rule_fill_its_bands_by_their_value_together() {
    let mut desk = open(USD, Accounting::Netting);
    let share = |to, percent| Band {
        to,
        leverage: Leverage::NONE,
        initial: Ratio::percent(percent),
        maintenance: Ratio::percent(percent),
    };
    desk.must(Body::Tiers(Box::new(TierTerms {
        id: SET,
        rules: vec![TierRule {
            id: 1,
            by: TierBy::Notional,
            currency: USD,
            instruments: vec![instrument_id("EURUSD"), instrument_id("USDJPY")],
            cost: TierCost::Average,
            rounding: RoundingStage::Total,
            bands: vec![share(20_000_000, 100), share(0, 200)],
        }],
    })));
    regroup(&mut desk, |group| group.margin.tiers = SET);
    enter(&mut desk, "EURUSD", Side::Buy, 100, 110_010);
    assert_eq!(used(&desk), 110_010);
    enter(&mut desk, "USDJPY", Side::Sell, 100, 150_000);
    assert_eq!(used(&desk), 200_000 + 20_020);
    let tiers = view(&desk).tiers;
    assert_eq!((tiers.len(), tiers[0].instrument), (1, None));
    // Caps differ by instrument: the dollars are charged at 10 : 1, the euros at 100 : 1, and a unit at their mean.
    list(&mut desk, "USDJPY", |terms| {
        terms.leverage_max = Leverage::of(10)
    });
    // 1,100.10 and 10,000.00 for 210,010 dollars, of which 220,020 are charged.
    assert_eq!(used(&desk), 1_162_918);
    assert_eq!(view(&desk).tiers[0].charged.parts[0].leverage, None);
}

/// What a shown rule charges: its base, at its share and its rate, in minor units of so many digits.
fn charged_by(rule: &MarginRule, digits: u32) -> i64 {
    let rate = rule.conversion.expect("a rate");
    let share = mul_div_round(rule.base, rule.rate.0.into(), Ratio::ONE.0.into());
    let fine = share.and_then(|share| mul_div_round(share, rate.num, rate.den));
    let minor = fine.and_then(|fine| mul_div_round(fine, 1, 10i128.pow(20 - digits)));
    minor.expect("a number") as i64
}

/// A hundred ounces at 2,000.000 / 2,000.400 are 200,020 dollars, at 100 : 1 they are 2,000.20.
#[test]
fn a_shown_rule_leads_to_the_margin_where_that_follows_the_mid() {
    let mut desk = open(EUR, Accounting::Hedging);
    regroup(&mut desk, |group| group.margin_price = MarginPrice::Mid);
    desk.quote("XAUUSD", 2_000_000, 2_000_400);
    enter(&mut desk, "XAUUSD", Side::Buy, 100, 2_000_400);
    let held = view(&desk).positions[0].clone();
    let rule = held.rule.expect("a rule");
    assert_eq!(rule.base, 200_020 * 10i128.pow(18));
    // Over 1.10005, the middle of the pair.
    assert_eq!(charged_by(&rule, 2), 181_828);
    assert_eq!(held.position.margin, Money(181_828));
}

#[test]
fn a_shown_rule_leads_to_the_margin_of_european_retail_clients() {
    let mut desk = open(USD, Accounting::Hedging);
    regroup(&mut desk, |group| group.preset = Preset::EsmaRetail);
    list(&mut desk, "EURUSD", |terms| {
        terms.margin_fixed = Money(100_000);
        terms.margin.fixed_hold = Money(50_000);
        terms.margin_maintenance = Ratio::percent(80);
    });
    enter(&mut desk, "EURUSD", Side::Buy, 100, 110_010);
    let held = view(&desk).positions[0].clone();
    let rule = held.rule.expect("a rule");
    assert_eq!(rule.rate, Ratio::ONE);
    // A thousand euros at 100 : 1.
    assert_eq!(charged_by(&rule, 2), 1_100);
    assert_eq!(held.position.margin, Money(1_100));
}

/// A hundred contracts of 100 dollars are 0.2 bitcoin at 50,000, at 100 : 1 they are 0.002.
#[test]
fn a_shown_rule_leads_to_the_margin_of_an_order_for_an_inverse_contract() {
    let mut desk = open(BTC, Accounting::Hedging);
    list(&mut desk, "BTCUSD", |terms| {
        terms.mode = CalcMode::CryptoInverse;
        (terms.margin_currency, terms.contract_size) = (terms.base, 100);
        terms.swap = SwapTerms::NONE;
    });
    desk.quote("BTCUSD", 5_000_000, 5_000_000);
    let asked = preview(&desk, "BTCUSD", Side::Buy, 10_000);
    assert_eq!(asked.margin_order, Money(200_000));
    assert_eq!(charged_by(&asked.rule.expect("a rule"), 8), 200_000);
}

/// The group under one rule of these bands: end in 10^-8 lots, leverage, share in percent.
fn banded(desk: &mut Desk, bands: &[(i64, u32, i64)]) {
    let bands = bands.iter().map(|(to, leverage, percent)| Band {
        to: *to,
        leverage: Leverage::of(*leverage),
        initial: Ratio::percent(*percent),
        maintenance: Ratio::percent(*percent),
    });
    desk.must(Body::Tiers(Box::new(TierTerms {
        id: SET,
        rules: vec![TierRule {
            id: 1,
            by: TierBy::VolumePerSymbol,
            currency: USD,
            instruments: Vec::new(),
            cost: TierCost::Average,
            rounding: RoundingStage::Total,
            bands: bands.collect(),
        }],
    })));
    regroup(desk, |group| group.margin.tiers = SET);
}

/// US500 is a CFD: neither the group's leverage nor the account's acts on it, bands do. Five lots at 5,000 are 25,000
/// dollars, at 2,000 : 1 they are 12.50.
#[test]
fn a_halt_keeps_out_who_is_levered_by_bands_alone() {
    const FIVE: i64 = 500_000_000;
    let mut desk = open(USD, Accounting::Hedging);
    desk.quote("US500", 50_000, 50_000);
    banded(&mut desk, &[(FIVE, 2_000, 100), (0, 1_000, 100)]);
    let asked = preview(&desk, "US500", Side::Buy, 500);
    assert_eq!((asked.margin_order, asked.reasons), (Money(1_250), vec![]));
    desk.must(Body::Halt(SetHalt {
        instrument: instrument_id("US500"),
        on: true,
        note: 0,
    }));
    let reasons = |desk: &Desk| preview(desk, "US500", Side::Buy, 500).reasons;
    assert_eq!(reasons(&desk), [Reject::VolatilityHalt]);
    // Any band counts, whichever the order falls into.
    banded(&mut desk, &[(FIVE, 1, 100), (0, 2, 100)]);
    assert_eq!(reasons(&desk), [Reject::VolatilityHalt]);
    // A share below the whole is less than it is worth, too.
    banded(&mut desk, &[(FIVE, 0, 50), (0, 0, 100)]);
    assert_eq!(reasons(&desk), [Reject::VolatilityHalt]);
    // Bands that ask for all of it, or for more, let in.
    banded(&mut desk, &[(FIVE, 1, 100), (0, 0, 200)]);
    assert_eq!(reasons(&desk), []);
    // What counts is what is charged: twice the worth at 2 : 1 is all of it, at 3 : 1 it is not.
    banded(&mut desk, &[(FIVE, 1, 100), (0, 2, 200)]);
    assert_eq!(reasons(&desk), []);
    banded(&mut desk, &[(FIVE, 1, 100), (0, 3, 200)]);
    assert_eq!(reasons(&desk), [Reject::VolatilityHalt]);
    // So do those that the account's own 1 : 1 holds down.
    banded(&mut desk, &[(0, 2_000, 100)]);
    assert_eq!(reasons(&desk), [Reject::VolatilityHalt]);
    let mut terms = view(&desk).terms;
    terms.leverage = Leverage::ONE;
    desk.must(Body::Account(terms));
    assert_eq!(reasons(&desk), []);
}

/// The venue's schedule may ask for a share of its own, which 1 : 1 does not change; the others divide by the leverage.
#[test]
fn a_halt_keeps_out_who_is_levered_by_a_schedule_alone() {
    let halted = |schedule: &str, then: &str| {
        check(&format!(
            "group margin_price mark stop_out 100 mode observe
             terms BTCUSD schedule {schedule}
             account 1 USD netting 1:1 deposit 100000.00
             quote BTCUSD 100.00 100.00
             mark BTCUSD 100.00
             halt BTCUSD on
             {then}"
        ));
    };
    let out = "buy 1 BTCUSD 1.00 -> volatility_halt";
    let enters = "buy 1 BTCUSD 1.00 as one -> one submitted; send one";
    halted("slope", out);
    halted("interest", out);
    // With so much open interest the venue asks for all of it.
    halted("interest", &format!("interest BTCUSD 2000.00\n{enters}"));
    halted("brackets", enters);
    halted("half cap 40", enters);
}

/// US500 stands for oil here: one dollar a point, charged in full.
#[test]
fn fills_on_both_sides_of_zero_are_charged_both() {
    check(
        "terms US500 negative yes
         account 1 USD netting 1:1 deposit 1000.00
         quote US500 10.0 10.0
         buy 1 US500 1.00 as a
         fill a 1.00 10.0
         see 1 used 10.00
         quote US500 -10.0 -10.0
         buy 1 US500 1.00 as b
         fill b 1.00 -10.0
         see 1 equity 980.00 used 20.00
         # The day ends below zero; what is bought above it then comes on top.
         rollover US500 1
         see 1 used 20.00
         quote US500 10.0 10.0
         buy 1 US500 1.00 as c
         fill c 1.00 10.0
         see 1 used 30.00",
    );
}

#[test]
fn nothing_is_opened_at_a_price_that_would_charge_nothing() {
    check(
        "terms US500 negative yes
         account 1 USD netting 1:1 deposit 1000.00
         quote US500 10.0 10.0
         buy 1 US500 1.00 as a
         fill a 1.00 10.0
         quote US500 0.0 0.0
         buy 1 US500 1.00                -> margin_price_zero
         buy 1 US500 1.00 limit 0.0      -> margin_price_zero
         # Closing goes on, and so do other prices.
         sell 1 US500 1.00 as out        -> out submitted; send out
         fill out 1.00 0.0
         see 1 used 0.00 equity 990.00
         quote US500 -0.1 -0.1
         buy 1 US500 1.00 as low
         fill low 1.00 -0.1
         see 1 used 0.10",
    );
    check(
        "terms US500 negative yes
         group margin_price mid
         account 1 USD netting 1:1 deposit 1000.00
         quote US500 -0.1 0.1
         # What is held would be charged at the middle.
         buy 1 US500 1.00                -> margin_price_zero",
    );
}
