//! Checks before an order goes anywhere, and the switches of the desk, in words. `desk/script.rs` explains the language.

mod desk;

use desk::script::check;
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::GroupTerms;
use siaga_risk::verdict::Reject;

#[test]
fn a_price_band_refuses_only_what_would_trade_too_far_from_the_middle() {
    check(
        "terms EURUSD band 1%
         account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 0.99990 1.00010
         buy 1 EURUSD 0.10 limit 1.01000 as edge   -> edge submitted; send edge
         buy 1 EURUSD 0.10 limit 1.01001           -> price_collar
         sell 1 EURUSD 0.10 limit 0.99000 as low   -> low submitted; send low
         sell 1 EURUSD 0.10 limit 0.98999          -> price_collar
         # Far away and passive: it waits and harms nobody.
         buy 1 EURUSD 0.10 limit 0.80000 as deep   -> deep pending",
    );
}

#[test]
fn a_collar_refuses_on_both_sides() {
    check(
        "terms EURUSD collar 2%
         account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 0.10 limit 1.02000 as edge -> edge submitted; send edge
         buy 1 EURUSD 0.10 limit 1.02001         -> price_collar
         buy 1 EURUSD 0.10 limit 0.98000 as low  -> low pending
         buy 1 EURUSD 0.10 limit 0.97999         -> price_collar",
    );
}

#[test]
fn protective_prices_on_the_wrong_side_are_refused_before_anything_is_sent() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 0.10 sl 1.10500          -> price_on_the_wrong_side
         buy 1 EURUSD 0.10 tp 1.09500          -> price_on_the_wrong_side
         sell 1 EURUSD 0.10 sl 1.09500         -> price_on_the_wrong_side
         sell 1 EURUSD 0.10 tp 1.10500         -> price_on_the_wrong_side
         # Inside the spread it would be closed at once, or at a loss.
         buy 1 EURUSD 0.10 sl 1.10000          -> price_on_the_wrong_side
         buy 1 EURUSD 0.10 tp 1.10010          -> price_on_the_wrong_side
         sell 1 EURUSD 0.10 sl 1.10010         -> price_on_the_wrong_side
         buy 1 EURUSD 0.10 sl 1.09999 tp 1.10011 as near   -> near submitted; send near
         sell 1 EURUSD 0.10 sl 1.10011 tp 1.09999 as short -> short submitted; send short",
    );
}

#[test]
fn protective_prices_of_a_waiting_order_stand_beside_its_own_price() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 0.10 limit 1.09000 sl 1.09500            -> price_on_the_wrong_side
         buy 1 EURUSD 0.10 limit 1.09000 tp 1.08900            -> price_on_the_wrong_side
         buy 1 EURUSD 0.10 limit 1.09000 sl 1.08500 tp 1.09500 as deep -> deep pending
         sell 1 EURUSD 0.10 stop 1.09000 sl 1.08900            -> price_on_the_wrong_side
         sell 1 EURUSD 0.10 stop 1.09000 sl 1.09500 as break   -> break pending
         # Above the market it is bought at the market: a stop between the two would fire at once.
         buy 1 EURUSD 0.10 limit 1.12000 sl 1.11000            -> price_on_the_wrong_side
         buy 1 EURUSD 0.10 stop 1.08000 tp 1.09000             -> price_on_the_wrong_side",
    );
}

#[test]
fn closing_is_not_held_up_by_protective_prices() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10010
         sell 1 EURUSD 0.50 sl 1.09000 closes p1 as exit -> exit submitted; send exit",
    );
}

#[test]
fn every_reason_is_told_also_when_the_size_is_no_step() {
    check(
        "terms EURUSD qty_step 0.10 qty_max 5.00 notional 500000.00 collar 2%
         account 1 USD hedging 100:1 deposit 100.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 5.05 limit 1.03000 -> qty_above_maximum+qty_not_a_step+notional_above_maximum+price_collar+not_enough_margin
         buy 1 EURUSD 0.00               -> qty_not_positive",
    );
}

#[test]
fn modifications_and_cancels_count_against_the_rate_and_cancels_always_pass() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 1.00 as one
         fill one 1.00 1.00000
         group rate 3
         wait 2s
         buy 1 EURUSD 0.10 limit 0.90000 as two -> two pending
         protect 1 p1 sl 0.95000 ->
         cancel 1 two          -> two cancelled
         buy 1 EURUSD 0.10     -> order_rate
         protect 1 p1 sl 0.96000 -> order_rate
         sell 1 EURUSD 0.50 closes p1 as exit -> exit submitted; send exit
         cancel 1 exit         -> exit cancelling; send cancel exit",
    );
}

#[test]
fn repeated_executions_latch_the_strategy_until_a_named_person_enables_it() {
    check(
        "group executions_max 3 executions_window 60s
         account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 0.10 strategy 7 as a
         fill a 0.05 1.00000 -> a partly_filled; deal p1 buy 0.05@1.00000
         fill a 0.05 1.00000 -> a filled; deal p1 buy 0.05@1.00000
         wait 59s
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 0.10 strategy 7 as b
         fill b 0.10 1.00000 -> b filled; deal p2 buy 0.10@1.00000
         # The first is too old by now, so this is the second that counts.
         wait 1s
         buy 1 EURUSD 0.10 strategy 7 as c
         fill c 0.10 1.00000 -> c filled; deal p3 buy 0.10@1.00000
         # Another kind, another strategy: they count for themselves.
         sell 1 EURUSD 0.10 strategy 7 as d
         fill d 0.10 1.00000 -> d filled; deal p4 sell 0.10@1.00000
         buy 1 EURUSD 0.10 strategy 8 as e
         fill e 0.10 1.00000 -> e filled; deal p5 buy 0.10@1.00000
         buy 1 EURUSD 0.10 strategy 7 as f
         fill f 0.10 1.00000 -> f filled; latched Strategy(7); deal p6 buy 0.10@1.00000
         buy 1 EURUSD 0.10 strategy 7         -> repeated_execution
         sell 1 EURUSD 0.10 strategy 7        -> repeated_execution
         sell 1 EURUSD 0.10 strategy 7 closes p6 as exit -> exit submitted; send exit
         buy 1 EURUSD 0.10 strategy 8 as g    -> g submitted; send g
         enable strategy:7 by 0               -> named_person_missing
         buy 1 EURUSD 0.10 strategy 7         -> repeated_execution
         enable strategy:7 by 4               -> enabled Strategy(7)
         buy 1 EURUSD 0.10 strategy 7 as h    -> h submitted; send h",
    );
}

#[test]
fn reducing_lets_through_what_leaves_the_net_no_larger() {
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.00000
         mode house reducing          -> mode reducing
         buy 1 EURUSD 0.01            -> reducing_only
         # A turn to the other side of the same size is no larger.
         sell 1 EURUSD 2.01           -> reducing_only
         sell 1 EURUSD 2.00 as turn   -> turn submitted; send turn
         # Together with what is in flight it would be.
         sell 1 EURUSD 1.50           -> reducing_only
         cancel 1 turn                -> turn cancelling; send cancel turn
         # Stricter scopes win.
         mode account:1 close_only    -> mode close_only
         sell 1 EURUSD 1.50           -> close_only
         mode account:1 reducing      -> second_person_missing
         mode account:1 halt          -> mode halt",
    );
}

#[test]
fn a_kill_switch_may_be_narrowed() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         account 2 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 0.10 strategy 7 limit 0.90000 as a
         buy 2 EURUSD 0.10 strategy 7 limit 0.90000 as b
         buy 1 EURUSD 0.10 strategy 8 limit 0.90000 as c
         kill strategy:7 on also account:1 -> kill on cancelled 1; a cancelled
         buy 1 EURUSD 0.10 strategy 7      -> kill_switch
         buy 2 EURUSD 0.10 strategy 7 as d -> d submitted; send d
         buy 1 EURUSD 0.10 strategy 8 as e -> e submitted; send e
         kill strategy:7 off with 2        -> kill off cancelled 0
         buy 1 EURUSD 0.10 strategy 7      -> kill_switch
         kill strategy:7 off also account:1        -> second_person_missing
         kill strategy:7 off also account:1 with 2 -> kill off cancelled 0
         buy 1 EURUSD 0.10 strategy 7 as f -> f submitted; send f
         kill currency:EUR on              -> kill on cancelled 5; b cancelled; c cancelled; d cancelling; send cancel d; e cancelling; send cancel e; f cancelling; send cancel f
         buy 2 EURUSD 0.10                 -> kill_switch",
    );
}

#[test]
fn a_currency_limit_nets_the_legs_of_all_instruments() {
    check(
        "account 1 USD hedging 100:1 deposit 1000000.00
         quote EURUSD 1.00000 1.00000
         quote USDJPY 100.000 100.000
         limit currency:USD net_qty 5.00           -> terms_invalid
         limit currency:USD net_exposure 150000.00
         # One lot of EURUSD sells 100,000 dollars, one of USDJPY buys as many.
         buy 1 EURUSD 1.00 as a
         buy 1 EURUSD 1.00                         -> net_exposure_limit
         fill a 1.00 1.00000
         buy 1 USDJPY 1.00 as b
         fill b 1.00 100.000
         buy 1 EURUSD 1.00 as c
         limit currency:JPY gross_exposure 100000.00
         sell 1 USDJPY 0.50                        -> gross_exposure_limit
         limit currency:JPY gross_exposure 0.00    -> second_person_missing",
    );
}

#[test]
fn a_called_client_confirms_logs_in_and_acknowledges() {
    check(
        "group call_flow login
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as one
         fill one 1.00 1.10000
         acknowledge 1                -> margin_call_step
         quote EURUSD 1.08840 1.08840 -> margin 1 restricted
         quote EURUSD 1.10000 1.10000 -> margin 1 healthy
         buy 1 EURUSD 0.10            -> risk_not_acknowledged
         sell 1 EURUSD 0.10 closes p1 as some -> some submitted; send some
         acknowledge 1                -> margin_call_step
         confirm 1
         confirm 1                    -> margin_call_step
         sell 1 EURUSD 0.10 closes p1 -> logged_out
         # By telephone: the desk acts for the client.
         sell 1 EURUSD 0.10 closes p1 desk 3 as phone -> phone submitted; send phone
         login 1
         sell 1 EURUSD 0.10 closes p1 as own -> own submitted; send own
         buy 1 EURUSD 0.10            -> risk_not_acknowledged
         acknowledge 1
         buy 1 EURUSD 0.10 as two     -> two submitted; send two",
    );
}

#[test]
fn one_person_may_not_let_more_through_than_before() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.00000 1.00000
         mode account:1 halt                  -> mode halt
         mode account:1 halt reducing         -> second_person_missing
         mode account:1 halt reducing with 2  -> mode halt
         mode account:1 halt                  -> mode halt
         kill account:1 on                    -> kill on cancelled 0
         kill account:1 on reducing           -> second_person_missing
         kill account:1 on reducing with 2    -> kill on cancelled 0
         kill account:1 on                    -> kill on cancelled 0",
    );
}

#[test]
fn a_halt_lets_in_only_who_pays_in_full() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         terms US500 initial 3.33%
         quote US500 5000.0 5000.0
         halt US500 on               -> halt US500 on holders 0
         buy 1 US500 1.00            -> volatility_halt
         terms US500 initial 100%
         buy 1 US500 1.00 as paid    -> paid submitted; send paid",
    );
}

#[test]
fn above_a_limit_that_was_lowered_an_order_may_lead_back() {
    check(
        "account 1 USD hedging 100:1 deposit 1000000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 10.00 as a
         fill a 10.00 1.00000
         limit house net_qty 5.00
         limit account:1 net_exposure 500000.00
         buy 1 EURUSD 0.01           -> net_exposure_limit+position_limit
         # On a hedging account an opposite order opens, and the net is smaller.
         sell 1 EURUSD 3.00 as b     -> b submitted; send b
         # With it the net would be as large on the other side, and is no larger.
         sell 1 EURUSD 17.00 as c    -> c submitted; send c
         sell 1 EURUSD 0.01          -> net_exposure_limit+position_limit",
    );
    check(
        "account 1 USD hedging 100:1 deposit 1000000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 10.00 as a
         fill a 10.00 1.00000
         limit account:1 gross_exposure 500000.00
         # Both sides count.
         sell 1 EURUSD 3.00          -> gross_exposure_limit",
    );
}

#[test]
fn a_limit_of_the_net_counts_closes_under_way_and_refuses_none() {
    check(
        "account 1 USD netting 100:1 deposit 1000000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 10.00 as a
         fill a 10.00 1.00000
         limit house net_qty 10.00
         sell 1 EURUSD 10.00 as out    -> out submitted; send out
         # With the close filled too the net would be 10.01 on the other side.
         sell 1 EURUSD 10.01           -> position_limit
         sell 1 EURUSD 10.00 as turn   -> turn submitted; send turn",
    );
    check(
        "account 1 USD hedging 100:1 deposit 1000000.00
         account 2 USD hedging 100:1 deposit 1000000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 3.00 as a
         fill a 3.00 1.00000
         sell 2 EURUSD 3.00 as b
         fill b 3.00 1.00000
         limit house net_qty 2.00
         limit group:1 net_exposure 200000.00
         # A close that waits for its price in the core holds nobody up.
         sell 1 EURUSD 3.00 closes p1 limit 1.20000 as take -> take pending
         sell 2 EURUSD 0.50 as c       -> c submitted; send c
         cancel 2 c
         report c cancelled            -> c cancelled
         cancel 1 take                 -> take cancelled
         # The house is flat, and short by three when client 1 is out: nobody is kept in.
         sell 1 EURUSD 3.00 closes p1 as out -> out submitted; send out
         sell 2 EURUSD 0.01            -> net_exposure_limit+position_limit
         buy 2 EURUSD 1.00 as back     -> back submitted; send back
         fill out 3.00 1.00000         -> out filled; deal p1 sell 3.00@1.00000
         sell 2 EURUSD 0.01            -> net_exposure_limit+position_limit",
    );
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 1000000.00
         account 2 USD hedging 100:1 deposit 1000000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 3.00 as a
         fill a 3.00 1.00000
         sell 2 EURUSD 3.00 as b
         fill b 3.00 1.00000
         limit house net_qty 2.00
         # Nor does one that waits for it at the broker.
         sell 1 EURUSD 3.00 closes p1 limit 1.20000 as take -> take submitted; send take
         report take accepted          -> take working
         sell 2 EURUSD 0.50 as c       -> c submitted; send c
         fill take 3.00 1.20000        -> take filled; deal p1 sell 3.00@1.20000 result 60000.00
         sell 2 EURUSD 0.01            -> position_limit",
    );
    check(
        "account 1 USD hedging 100:1 deposit 1000000.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 3.00 as a
         fill a 3.00 1.00000
         limit house gross_exposure 300000.00
         sell 1 EURUSD 3.00 closes p1 as out -> out submitted; send out
         # Room is there when the close is filled.
         buy 1 EURUSD 0.01             -> gross_exposure_limit
         fill out 3.00 1.00000         -> out filled; deal p1 sell 3.00@1.00000
         buy 1 EURUSD 3.00 as again    -> again submitted; send again",
    );
}

#[test]
fn nothing_is_set_on_what_is_not_there() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         mode account:9 halt                   -> unknown_account
         mode group:7 close_only               -> unknown_group
         mode group:1 close_only               -> mode close_only
         kill account:9 on                     -> unknown_account
         kill house on also account:9          -> unknown_account
         kill strategy:7 on also group:7       -> unknown_group
         # Whoever orders may name desks, traders and strategies.
         kill trader:9 on                      -> kill on cancelled 0
         limit account:9 net_qty 1.00          -> unknown_account
         limit group:7 net_exposure 1.00       -> unknown_group
         # Lifting is never refused.
         mode account:9 normal                 -> mode normal
         kill account:9 off                    -> kill off cancelled 0
         limit account:9 net_qty 0.00          ->",
    );
    let mut desk = Desk::open();
    for (scope, reason) in [
        (
            Scope::Instrument(InstrumentId(99)),
            Reject::UnknownInstrument,
        ),
        (Scope::Currency(CurrencyId(99)), Reject::UnknownCurrency),
    ] {
        let out = desk.command(Body::Mode(SetMode {
            scope,
            mode: TradingMode::Halt,
            allow_reducing: false,
            note: 0,
            approver: ActorId(0),
        }));
        let said = out.iter().find_map(|output| match output {
            Output::Answer(answer) => Some(answer.reasons.clone()),
            _ => None,
        });
        assert_eq!(said, Some(vec![reason]));
        assert!(!out.iter().any(|output| matches!(output, Output::Mode(_))));
    }
}

#[test]
fn anything_may_stop_trading_and_only_a_named_person_lets_it_go_on() {
    let mut desk = Desk::open();
    let mut said = |by: u32, body: &Body| {
        let out = desk.command_by(by, body.clone());
        out.into_iter().find_map(|output| match output {
            Output::Answer(answer) => Some(answer.reasons),
            _ => None,
        })
    };
    let (scope, approver) = (Scope::House, ActorId(5));
    let halt = |on| {
        Body::Halt(SetHalt {
            instrument: instrument_id("EURUSD"),
            on,
            note: 0,
        })
    };
    let mode = |mode| {
        Body::Mode(SetMode {
            scope,
            mode,
            allow_reducing: true,
            note: 0,
            approver,
        })
    };
    let kill = |on| {
        Body::Kill(SetKill {
            scope,
            also: Also::ANY,
            on,
            allow_reducing: true,
            note: 0,
            approver,
        })
    };
    let hand = |read_only| {
        Body::SetLink(SetLink {
            link: LINK,
            read_only,
            note: 0,
        })
    };
    for (stops, lifts) in [
        (halt(true), halt(false)),
        (mode(TradingMode::Halt), mode(TradingMode::Normal)),
        (kill(true), kill(false)),
        (hand(true), hand(false)),
    ] {
        assert_eq!(said(0, &stops), Some(vec![]), "{stops:?}");
        let refused = said(0, &lifts);
        assert_eq!(refused, Some(vec![Reject::PersonMissing]), "{lifts:?}");
        assert_eq!(said(1, &lifts), Some(vec![]), "{lifts:?}");
    }
}

#[test]
fn a_rate_of_messages_within_no_time_is_refused_with_its_group() {
    let mut desk = Desk::open();
    let mut said = |rate_max, rate_window_ns| {
        let group = GroupTerms {
            rate_max,
            rate_window_ns,
            ..desk.group
        };
        let out = desk.command(Body::Group(Box::new(group)));
        out.into_iter().find_map(|output| match output {
            Output::Answer(answer) => Some(answer.reasons),
            _ => None,
        })
    };
    assert_eq!(said(5, 0), Some(vec![Reject::TermsInvalid]));
    assert_eq!(said(5, 1), Some(vec![]));
    assert_eq!(said(0, 0), Some(vec![]), "nothing is limited");
}
