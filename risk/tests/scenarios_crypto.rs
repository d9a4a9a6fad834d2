//! Crypto accounts at mark price, in words a trader can read. `desk/script.rs` explains the language.

mod desk;

use desk::script::check;
use desk::{Desk, instrument, schedule};
use siaga_risk::event::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

#[test]
fn maintenance_follows_the_brackets_down_to_the_liquidation_price() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule brackets
         account 1 USD netting 10:1 deposit 120000.00
         quote BTCUSD 42000.00 42000.00
         mark BTCUSD 42000.00
         buy 1 BTCUSD 25.00 as one
         fill one 25.00 42000.00
         # 1,050,000 stands in the fourth bracket, and would be liquidated in the third.
         see 1 equity 120000.00 used 9950.00 free 15000.00 stop_out_at 37523.23
         # What somebody bids for it moves nobody's margin.
         quote BTCUSD 30000.00 30000.00 ->
         see 1 equity 120000.00 used 9950.00
         mark BTCUSD 37523.24 ->
         see 1 equity 8081.00 used 8080.81 state healthy
         mark BTCUSD 37523.23 -> margin 1 stop_out; stopout 1 observe close p1
         see 1 equity 8080.75 used 8080.81",
    );
}

#[test]
fn initial_margin_opens_and_maintenance_keeps() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule brackets
         account 1 USD netting 10:1 deposit 10000.00
         quote BTCUSD 50000.00 50000.00
         mark BTCUSD 50000.00
         buy 1 BTCUSD 2.01               -> not_enough_margin
         buy 1 BTCUSD 2.00 as one
         fill one 2.00 50000.00
         see 1 used 450.00 free 0.00 state healthy
         mark BTCUSD 45500.00            ->
         see 1 equity 1000.00 used 405.00 free -8100.00 state healthy
         buy 1 BTCUSD 0.01               -> not_enough_margin
         sell 1 BTCUSD 1.00 as half      -> half submitted; send half",
    );
}

#[test]
fn a_window_that_keeps_what_is_held_leaves_free_what_was_free_and_doubles_what_is_new() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule brackets
         account 1 USD netting 10:1 deposit 30000.00
         quote BTCUSD 50000.00 50000.00
         mark BTCUSD 50000.00
         buy 1 BTCUSD 2.00 as one
         fill one 2.00 50000.00
         see 1 used 450.00 free 20000.00
         wait 1s
         window BTCUSD 1 in 0s for 20s 200% keep 0s -> window BTCUSD 1 began holders 1
         see 1 used 450.00 free 20000.00
         # 2.01 at 10:1 is 10,050.00, twice that is more than is free; without the window 4.00 would go.
         buy 1 BTCUSD 2.01 -> not_enough_margin
         cash 1 withdrawal -20000.01 -> insufficient_funds
         buy 1 BTCUSD 2.00 as two
         see 1 used 450.00 free 0.00
         report two rejected
         see 1 free 20000.00
         cash 1 withdrawal -20000.00
         see 1 equity 10000.00 used 450.00 free 0.00",
    );
}

#[test]
fn a_window_reaches_the_initial_margin_of_what_is_held_after_its_grace() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule brackets
         account 1 USD netting 10:1 deposit 30000.00
         quote BTCUSD 50000.00 50000.00
         mark BTCUSD 50000.00
         buy 1 BTCUSD 1.00 as one
         fill one 1.00 50000.00
         wait 1s
         window BTCUSD 1 in 0s for 20s 200% after_grace 5s -> window BTCUSD 1 began holders 1
         see 1 used 200.00 free 25000.00
         buy 1 BTCUSD 1.00 as two
         fill two 1.00 50000.00
         # What was added in the window is charged twice, what stood before it once: three halves of each sum.
         see 1 used 675.00 free 15000.00
         wait 5s -> window BTCUSD 1 reached holders 1
         see 1 used 900.00 free 10000.00",
    );
}

#[test]
fn legs_of_a_hedged_account_stand_in_their_own_brackets() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule brackets
         account 1 USD hedging 10:1 deposit 40000.00
         quote BTCUSD 50000.00 50000.00
         mark BTCUSD 50000.00
         buy 1 BTCUSD 3.00 as long
         fill long 3.00 50000.00
         sell 1 BTCUSD 0.50 as short
         fill short 0.50 50000.00
         # 150,000 at 0.5 % less 50, and 25,000 at 0.4 %.
         see 1 used 800.00 free 22500.00",
    );
}

#[test]
fn a_mark_that_is_too_old_gives_way_to_bid_and_ask() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule brackets mark_age 10s
         account 1 USD netting 10:1 deposit 10000.00
         quote BTCUSD 50000.00 50000.00
         mark BTCUSD 50000.00
         buy 1 BTCUSD 1.00 as one
         fill one 1.00 50000.00
         quote BTCUSD 49000.00 49010.00 ->
         see 1 equity 10000.00 used 200.00
         wait 9s
         see 1 equity 10000.00
         wait 1s
         see 1 equity 9000.00 used 196.02
         mark BTCUSD 49500.00
         see 1 equity 9500.00 used 198.00",
    );
}

#[test]
fn rates_grow_with_the_size() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule slope
         account 1 USD netting 100:1 deposit 100000.00
         quote BTCUSD 100000.00 100000.00
         mark BTCUSD 100000.00
         buy 1 BTCUSD 25.00 as one
         fill one 25.00 100000.00
         see 1 used 28125.00 free 46875.00",
    );
}

#[test]
fn half_of_the_initial_margin_at_the_highest_leverage_is_kept() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule half cap 40
         account 1 USD netting 100:1 deposit 6250.00
         quote BTCUSD 50000.00 50000.00
         mark BTCUSD 50000.00
         buy 1 BTCUSD 2.00 as one
         fill one 2.00 50000.00
         see 1 used 1250.00 free 3750.00 stop_out_at 47468.35
         sell 1 BTCUSD 4.00 as turn
         fill turn 4.00 50000.00
         see 1 used 1250.00 stop_out_at 52469.14",
    );
}

#[test]
fn open_interest_makes_opening_dearer_and_closes_nobody() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD schedule interest
         account 1 USD netting 100:1 deposit 5000.00
         quote BTCUSD 100.00 100.00
         mark BTCUSD 100.00
         buy 1 BTCUSD 100.00 as one
         fill one 100.00 100.00
         see 1 used 1000.00 free 3000.00
         interest BTCUSD 1500.00 ->
         see 1 used 1000.00 free -1000.00 state healthy
         buy 1 BTCUSD 0.01       -> not_enough_margin
         interest BTCUSD -1.00   -> qty_not_positive",
    );
}

#[test]
fn an_inverse_contract_is_settled_in_the_base() {
    check(
        "terms BTCUSD inverse 100
         account 1 BTC netting 10:1 deposit 0.10000000
         quote BTCUSD 50000.00 50000.00
         buy 1 BTCUSD 100.00 as one
         fill one 100.00 50000.00
         # 10,000 USD are 0.2 BTC.
         see 1 used 0.02000000 equity 0.10000000
         quote BTCUSD 40000.00 40000.00 ->
         see 1 unrealised -0.05000000 equity 0.05000000 level 250.00
         sell 1 BTCUSD 100.00 as out
         fill out 100.00 40000.00
         see 1 balance 0.05000000 positions 0",
    );
}

#[test]
fn an_inverse_short_gains_more_slowly_than_it_loses() {
    check(
        "group margin_price mark stop_out 100 mode observe
         terms BTCUSD inverse 100
         account 1 BTC netting 10:1 deposit 0.10000000
         quote BTCUSD 50000.00 50000.00
         mark BTCUSD 50000.00
         sell 1 BTCUSD 100.00 as one
         fill one 100.00 50000.00
         see 1 used 0.02000000
         mark BTCUSD 100000.00
         see 1 equity 0.00000000 state stop_out
         mark BTCUSD 25000.00
         see 1 equity 0.30000000 state healthy",
    );
}

#[test]
fn terms_that_contradict_themselves_are_refused_by_number() {
    let mut desk = Desk::open();
    let mut refused = |change: &dyn Fn(&mut InstrumentTerms)| {
        let mut terms = instrument("BTCUSD");
        terms.crypto.schedule = schedule("brackets");
        change(&mut terms);
        let out = desk.command(Body::Instrument(Box::new(terms)));
        out.into_iter().find_map(|output| match output {
            Output::Answer(answer) => answer.reasons.first().copied(),
            _ => None,
        })
    };
    let brackets = |terms: &mut InstrumentTerms, change: fn(&mut Vec<Bracket>)| {
        if let MarginSchedule::Brackets(brackets) = &mut terms.crypto.schedule {
            change(brackets);
        }
    };
    assert_eq!(refused(&|_| ()), None);
    let cut = refused(&|terms| brackets(terms, |all| all[0].floor = Money(1)));
    assert_eq!(cut, Some(Reject::BracketsGap));
    let flat = refused(&|terms| brackets(terms, |all| all[2].rate = all[1].rate));
    assert_eq!(flat, Some(Reject::BracketsNotRising));
    let jump = refused(&|terms| brackets(terms, |all| all[3].amount.0 -= 1));
    assert_eq!(jump, Some(Reject::BracketAmount));
    let half = refused(&|terms| terms.crypto.schedule = MarginSchedule::HalfOfInitial);
    assert_eq!(half, Some(Reject::ScheduleInvalid));
    let huge = refused(&|terms| brackets(terms, |all| all[3].floor = Money(i64::MAX)));
    assert_eq!(huge, Some(Reject::Overflow));
}

#[test]
fn swaps_that_could_never_be_charged_are_refused_with_the_terms() {
    let mut desk = Desk::open();
    let mut refused = |inverse: bool, swap: SwapTerms| {
        let mut terms = instrument("BTCUSD");
        if inverse {
            (terms.mode, terms.margin_currency) = (CalcMode::CryptoInverse, terms.base);
        }
        terms.swap = swap;
        let out = desk.command(Body::Instrument(Box::new(terms)));
        out.into_iter().find_map(|output| match output {
            Output::Answer(answer) => answer.reasons.first().copied(),
            _ => None,
        })
    };
    let of = |mode, long| SwapTerms {
        mode,
        long,
        ..SwapTerms::NONE
    };
    // A point of an inverse contract is worth something else at every price.
    let points = of(SwapMode::Points, Ratio::percent(-700));
    assert_eq!(refused(true, points), Some(Reject::TermsInvalid));
    assert_eq!(refused(false, points), None);
    let percent = of(SwapMode::Percent, Ratio::percent(-10));
    assert_eq!(refused(true, percent), None);
    let endless = of(SwapMode::Money, Ratio(i64::MIN));
    assert_eq!(refused(false, endless), Some(Reject::TermsOverflow));
}

#[test]
fn marks_are_held_to_their_instrument_and_source() {
    let mut desk = Desk::open();
    let mark = MarkPrice {
        instrument: desk::instrument_id("BTCUSD"),
        source: desk::SOURCE,
        price: Price(5_000_000),
        at: desk.now,
    };
    let mut refused = |mark: MarkPrice| {
        let out = desk.command(Body::MarkPrice(mark));
        out.into_iter().find_map(|output| match output {
            Output::Answer(answer) => answer.reasons.first().copied(),
            _ => None,
        })
    };
    assert_eq!(refused(mark), None);
    let other = siaga_risk::ids::SourceId(9);
    assert_eq!(
        refused(MarkPrice {
            source: other,
            ..mark
        }),
        Some(Reject::UnknownSource)
    );
    assert_eq!(
        refused(MarkPrice {
            price: Price(0),
            ..mark
        }),
        Some(Reject::PriceNotPositive)
    );
    let unknown = siaga_risk::ids::InstrumentId(999);
    assert_eq!(
        refused(MarkPrice {
            instrument: unknown,
            ..mark
        }),
        Some(Reject::UnknownInstrument)
    );
    let older = MarkPrice {
        price: Price(1),
        at: Ts(mark.at.0 - 1),
        ..mark
    };
    assert_eq!(refused(older), None);
    let in_use = desk.machine.book().mark_price(mark.instrument).unwrap();
    assert_eq!(in_use.price, mark.price, "an older mark is not used");
}

#[test]
fn half_the_spread_of_an_inverse_contract_is_counted_as_it_is_worth() {
    check(
        "group at_mid yes stop_out 50
         terms BTCUSD inverse 100
         account 1 BTC hedging 10:1 deposit 1.00000000
         quote BTCUSD 49995.00 50005.00
         buy 1 BTCUSD 100.00 as a
         fill a 100.00 50005.00
         # 10,000 dollars lose 0.00004 bitcoin at the bid, half of it at the mid.
         see 1 equity 0.99996000 closeout 0.99998000",
    );
}
