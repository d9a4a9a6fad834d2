//! Protective prices that a broker holds, in words a trader can read: it closes by itself, says so, says it again, says it
//! wrongly, takes it back. `desk/script.rs` explains the language.

mod desk;

use desk::script::{check, exec_id};
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

#[test]
fn a_stop_that_the_broker_executes_closes_the_position_here() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry sl 1.09500 -> entry submitted; send entry
         fill entry 1.00 1.10010      -> entry filled; deal p1 buy 1.00@1.10010; send opened p1
         quote EURUSD 1.09490 1.09500 ->
         closed p1 stop_loss 1.00 1.09495 -> stop_loss p1; o2 filled; deal p1 sell 1.00@1.09495 result -515.00
         # Nobody is called: the broker has acted.
         wait 6s                      ->
         see 1 balance 9485.00 positions 0 orders 0",
    );
    check(
        "held broker
         account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000          -> a filled; deal p1 buy 1.00@1.10000; send opened p1
         buy 1 EURUSD 0.50 as b
         fill b 0.50 1.10000          -> b filled; deal p1 buy 0.50@1.10000
         closed p1 stop_loss 1.50 1.09500 -> stop_loss p1; o3 filled; deal p1 sell 1.50@1.09500 result -750.00
         see 1 positions 0",
    );
}

#[test]
fn a_close_that_is_said_again_closes_nothing_more() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry tp 1.11000
         fill entry 1.00 1.10000
         quote EURUSD 1.11000 1.11010 ->
         closed p1 take_profit 0.40 1.11000 exec 50 -> take_profit p1; o2 filled; deal p1 sell 0.40@1.11000 result 400.00
         closed p1 take_profit 0.40 1.11000 exec 50 ->
         # Two days later the rest still stands, and the broker says it once more.
         wait 30h
         wait 30h
         closed p1 take_profit 0.40 1.11000 exec 50 ->
         closed p1 take_profit 0.60 1.11000 exec 51 -> take_profit p1; o3 filled; deal p1 sell 0.60@1.11000 result 600.00
         closed p1 take_profit 0.60 1.11000 exec 51 ->
         # Nothing of it is left: somebody has to look at what the broker has done.
         closed p1 take_profit 0.60 1.11000 exec 52 -> take_profit p1; o4 in_doubt; order_does_not_close
         reconciled o4 by 7           -> o4 cancelled
         closed p1 take_profit 0.60 1.11000 exec 52 ->
         see 1 balance 11000.00 positions 0 orders 0",
    );
}

#[test]
fn what_the_broker_closes_after_the_house_has_is_looked_at_by_somebody() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit -> exit submitted; send exit
         fill exit 1.00 1.09600       -> exit filled; deal p1 sell 1.00@1.09600 result -400.00
         closed p1 stop_loss 1.00 1.09500 exec 50 -> stop_loss p1; o3 in_doubt; order_does_not_close
         closed p1 stop_loss 1.00 1.09500 exec 50 -> order_does_not_close
         # It was a mistake.
         closed p1 bust 50            -> o3 cancelled
         # Two days later nobody knows of that position.
         wait 30h
         wait 30h
         closed p1 stop_loss 1.00 1.09500 exec 51 -> unknown_position
         see 1 balance 9600.00 positions 0 orders 0",
    );
}

#[test]
fn a_broker_that_holds_no_prices_closes_nothing_by_itself() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.00 1.09500 -> unknown_position
         see 1 positions 1 orders 0",
    );
}

#[test]
fn of_a_close_of_more_than_is_open_the_rest_is_not_booked_and_somebody_is_called() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 0.00 1.09500 -> qty_not_positive
         closed p1 stop_loss 1.40 1.09500 exec 50 -> stop_loss p1; o2 filled; deal p1 sell 1.00@1.09500 result -500.00; order_does_not_close
         see 1 balance 9500.00 positions 0 orders 0
         # Said again it counts no second time.
         closed p1 stop_loss 1.40 1.09500 exec 50 ->
         reconciled o2 by 7           -> o2 filled
         see 1 balance 9500.00 positions 0 orders 0",
    );
    // Taken back, it goes as a whole.
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.40 1.09500 exec 50 -> stop_loss p1; o2 filled; deal p1 sell 1.00@1.09500 result -500.00; order_does_not_close
         closed p1 bust 50            -> deal p2 buy 1.00@1.09500; send opened p2; o2 filled; send protect p2
         see 1 balance 9500.00 positions 1 orders 0",
    );
    // Beyond a net is the other side: nothing of it is booked until the broker says it rightly.
    check(
        "held broker
         account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.40 1.09500 exec 50 -> stop_loss p1; o2 in_doubt; order_does_not_close
         see 1 positions 1
         closed p1 stop_loss 1.00 1.09500 exec 50 -> o2 filled; deal p1 sell 1.00@1.09500 result -500.00
         see 1 balance 9500.00 positions 0 orders 0",
    );
}

/// What the broker has closed is not closed a second time, though it is not on the books.
#[test]
fn a_close_that_is_not_booked_covers_its_position() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.00 0.00000 exec 50 -> stop_loss p1; o2 in_doubt; price_not_positive
         sell 1 EURUSD 1.00 closes p1 as exit -> close_already_covered
         # It says it rightly now.
         closed p1 stop_loss 1.00 1.09500 exec 50 -> o2 filled; deal p1 sell 1.00@1.09500 result -500.00
         see 1 balance 9500.00 positions 0 orders 0",
    );
}

#[test]
fn a_close_that_cannot_be_booked_is_settled_by_a_named_person_and_by_no_question() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.00 0.00000 exec 50 -> stop_loss p1; o2 in_doubt; price_not_positive
         # The broker knows no such order: it is neither asked for nor cancelled.
         cancel 1 o2                  -> order_already_final
         kill account:1 on            -> kill on cancelled 0
         kill account:1 off with 9    -> kill off cancelled 0
         link readonly                -> link read_only queued 0 in_doubt 1
         link recovering              -> link recovering queued 0 in_doubt 1
         link live                    -> link live queued 0 in_doubt 1; send opened p1; send protect p1
         reconciled o2 by 7           -> o2 cancelled
         closed p1 stop_loss 1.00 1.09500 exec 50 ->
         see 1 positions 1 orders 0",
    );
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.00 0.00000 exec 50 -> stop_loss p1; o2 in_doubt; price_not_positive
         # It never was.
         closed p1 bust 50            -> o2 cancelled
         see 1 positions 1 orders 0",
    );
}

/// The broker knows no such order: what is said of one by the house's id means another, or nothing.
#[test]
fn no_report_is_of_an_order_that_the_broker_made() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.00 0.00000 exec 50 -> stop_loss p1; o2 in_doubt; price_not_positive
         fill o2 1.00 1.09500         -> unknown_order
         report o2 cancelled          -> unknown_order
         report o2 bust 50            -> unknown_order
         closed p1 stop_loss 1.00 1.09500 exec 50 -> o2 filled; deal p1 sell 1.00@1.09500 result -500.00
         report o2 bust 50            -> unknown_order
         see 1 balance 9500.00 positions 0 orders 0",
    );
}

#[test]
fn a_close_that_is_taken_back_leaves_the_position_with_its_stop() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 bust 50            -> unknown_order
         closed p1 stop_loss 1.00 1.09500 exec 50 -> stop_loss p1; o2 filled; deal p1 sell 1.00@1.09500 result -500.00
         closed p1 bust 50            -> deal p2 buy 1.00@1.09500; send opened p2; o2 filled; send protect p2
         closed p1 bust 50            -> unknown_order
         closed p1 stop_loss 1.00 1.09500 exec 50 ->
         closed p2 stop_loss 1.00 1.09500 exec 51 -> stop_loss p2; o3 filled; deal p2 sell 1.00@1.09500
         see 1 balance 9500.00 positions 0",
    );
}

#[test]
fn a_close_of_the_house_that_comes_too_late_is_cancelled() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit -> exit submitted; send exit
         closed p1 stop_loss 1.00 1.09500 -> stop_loss p1; o3 filled; deal p1 sell 1.00@1.09500 result -500.00; exit cancelling; send cancel exit
         report exit rejected         -> exit rejected
         see 1 positions 0 orders 0",
    );
}

#[test]
fn what_the_broker_closes_too_late_leaves_no_protected_client_in_debt() {
    check(
        "held broker
         group protection any_close
         account 1 USD hedging 100:1 deposit 1200.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         closed p1 stop_loss 1.00 1.08000 -> stop_loss p1; o2 filled; deal p1 sell 1.00@1.08000 result -2000.00; margin 1 restricted; cash 1 compensation 800.00; margin 1 healthy
         see 1 balance 0.00 positions 0",
    );
}

/// The stop-out's own order is still to be cancelled; what the client pays in until then is the client's.
#[test]
fn a_debt_is_lifted_before_the_client_pays_in_again() {
    for protection in ["any_close", "stop_out"] {
        check(&format!(
            "held broker
             group protection {protection}
             account 1 USD hedging 100:1 deposit 1200.00
             quote EURUSD 1.10000 1.10000
             buy 1 EURUSD 1.00 as entry sl 1.08500
             fill entry 1.00 1.10000
             quote EURUSD 1.08000 1.08000 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
             closed p1 stop_loss 1.00 1.08000 -> stop_loss p1; o3 filled; deal p1 sell 1.00@1.08000 result -2000.00; o2 cancelling; send cancel o2; margin 1 restricted; cash 1 compensation 800.00; margin 1 healthy
             cash 1 deposit 100.00
             report o2 rejected           -> o2 rejected
             see 1 balance 100.00 positions 0 orders 0"
        ));
    }
}

#[test]
fn a_debt_is_lifted_by_what_credit_does_not_cover() {
    check(
        "held broker
         group protection any_close
         account 1 USD hedging 100:1 deposit 400.00
         cash 1 credit 1000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         closed p1 stop_loss 1.00 1.09000 -> stop_loss p1; o2 filled; deal p1 sell 1.00@1.09000 result -1000.00
         see 1 balance -600.00 equity 400.00 positions 0
         buy 1 EURUSD 0.20 as b sl 1.09500
         fill b 0.20 1.10000
         closed p2 stop_loss 0.20 1.06500 -> stop_loss p2; o4 filled; deal p2 sell 0.20@1.06500 result -700.00; margin 1 restricted; cash 1 compensation 300.00; margin 1 healthy
         see 1 balance -1000.00 equity 0.00 positions 0",
    );
}

/// A desk with one position, and what its broker says of it.
fn held() -> (Desk, BrokerClose) {
    let mut desk = Desk::open();
    desk.must(Body::Link(LinkTerms {
        protective: HeldBy::Broker,
        ..link()
    }));
    desk.account(1, USD, Accounting::Hedging, 100);
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(1_000_000),
        reference: 0,
    }));
    desk.quote("EURUSD", 110_000, 110_000);
    let mut new = order(1, "EURUSD", Side::Buy, 100);
    new.protection.stop_loss = Some(Price(109_500));
    desk.must(Body::Order(Box::new(new)));
    let order = OrderId(desk.inputs.len() as u64);
    let fill = |price| Fill {
        qty: Qty(100),
        price: Price(price),
        commission: Money(0),
    };
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order,
        exec: exec_id(1),
        event: BrokerEvent::Filled(fill(110_000)),
    }));
    let close = BrokerClose {
        link: LINK,
        position: PositionId(desk.inputs.len() as u64),
        exec: exec_id(2),
        event: CloseEvent::Filled {
            kind: ProtectiveKind::StopLoss,
            fill: fill(109_490),
        },
    };
    (desk, close)
}

fn reasons(out: &[Output]) -> Vec<Reject> {
    let answers = out.iter().filter_map(|output| match output {
        Output::Answer(answer) => Some(answer.reasons.clone()),
        _ => None,
    });
    answers.flatten().collect()
}

#[test]
fn only_the_broker_of_a_position_closes_it() {
    let (mut desk, close) = held();
    let other = LinkId(2);
    desk.must(Body::Link(LinkTerms {
        id: other,
        ..desk.link
    }));
    let foreign = BrokerClose {
        link: other,
        ..close
    };
    let out = desk.command(Body::BrokerClose(foreign));
    assert_eq!(reasons(&out), [Reject::UnknownPosition]);
    desk.must(Body::BrokerClose(close));
    let out = desk.command(Body::BrokerClose(foreign));
    assert_eq!(
        reasons(&out),
        [Reject::UnknownPosition],
        "nor does another one say it again"
    );
}

#[test]
fn what_the_broker_says_otherwise_counts_once() {
    let (mut desk, close) = held();
    let CloseEvent::Filled { kind, fill } = close.event else {
        panic!("a close")
    };
    let said = |qty, price| BrokerClose {
        event: CloseEvent::Filled {
            kind,
            fill: Fill {
                qty: Qty(qty),
                price: Price(price),
                ..fill
            },
        },
        ..close
    };
    let out = desk.command(Body::BrokerClose(said(150, 0)));
    assert_eq!(reasons(&out), [Reject::PriceNotPositive]);
    assert_eq!(desk.machine.audit_watch().map(|_| ()), Ok(()));
    desk.must(Body::BrokerClose(said(40, 109_490)));
    assert_eq!(desk.machine.audit_watch().map(|_| ()), Ok(()));
}

#[test]
fn an_account_with_positions_stays_with_the_broker_that_holds_their_prices() {
    let (mut desk, close) = held();
    let other = LinkId(2);
    desk.must(Body::Link(LinkTerms {
        id: other,
        ..desk.link
    }));
    let account = desk.machine.book().account(AccountId(1));
    let terms = account.expect("an account").state.terms;
    let moved = Body::Account(AccountTerms {
        link: other,
        ..terms
    });
    assert_eq!(reasons(&desk.command(moved.clone())), [Reject::TermsInUse]);
    desk.must(Body::BrokerClose(close));
    desk.must(moved);
}

#[test]
fn a_position_that_is_there_again_has_the_name_the_broker_knows() {
    let (mut desk, close) = held();
    let entry = OrderId(close.position.0 - 1);
    desk.must(Body::BrokerClose(close));
    let out = desk.must(Body::BrokerClose(BrokerClose {
        event: CloseEvent::Bust,
        ..close
    }));
    let named = out.iter().find_map(|output| match output {
        Output::Send(Send {
            command: LinkCommand::Opened(opened),
            ..
        }) => Some(opened.order),
        _ => None,
    });
    assert_eq!(named, Some(Some(entry)));
}

#[test]
fn the_order_and_the_deal_say_that_the_broker_closed() {
    let (mut desk, close) = held();
    let out = desk.must(Body::BrokerClose(close));
    let fired = out.iter().find_map(|output| match output {
        Output::Protective(fired) => Some((fired.price, fired.crossed_by, fired.order)),
        _ => None,
    });
    let id = OrderId(desk.inputs.len() as u64);
    assert_eq!(fired, Some((Price(109_500), Price(109_490), Some(id))));
    let deal = out.iter().find_map(|output| match output {
        Output::Deal(deal) => Some((deal.order, deal.origin, deal.exec)),
        _ => None,
    });
    assert_eq!(deal, Some((id, Origin::Broker, close.exec)));
}

/// Orders that close count for limits of the net: with what they are when they are said otherwise, too.
#[test]
fn a_close_that_is_said_otherwise_leaves_nothing_in_the_exposures() {
    let (mut desk, close) = held();
    let said = |qty, price| {
        let fill = Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(0),
        };
        let kind = ProtectiveKind::StopLoss;
        Body::BrokerClose(BrokerClose {
            event: CloseEvent::Filled { kind, fill },
            ..close
        })
    };
    let out = desk.command(said(150, 0));
    assert_eq!(reasons(&out), [Reject::PriceNotPositive]);
    let house = |desk: &Desk| {
        let book = desk.machine.book();
        let exposure = book.exposure(Scope::House, instrument_id("EURUSD"));
        (exposure.long, exposure.closing_sells)
    };
    assert_eq!(house(&desk), (100, 100));
    desk.must(said(40, 109_490));
    assert_eq!(house(&desk), (60, 0));
    desk.machine.audit_watch().expect("exposures add up");
}

#[test]
fn a_close_of_more_than_is_open_leaves_nothing_in_the_exposures() {
    let (mut desk, close) = held();
    let fill = Fill {
        qty: Qty(140),
        price: Price(109_490),
        commission: Money(0),
    };
    let kind = ProtectiveKind::StopLoss;
    let out = desk.command(Body::BrokerClose(BrokerClose {
        event: CloseEvent::Filled { kind, fill },
        ..close
    }));
    assert_eq!(reasons(&out), [Reject::NotClosing]);
    let book = desk.machine.book();
    let exposure = book.exposure(Scope::House, instrument_id("EURUSD"));
    assert_eq!((exposure.long, exposure.closing_sells), (0, 0));
    desk.machine.audit_watch().expect("exposures add up");
}

#[test]
fn a_restored_core_knows_what_the_broker_has_said() {
    let (mut desk, close) = held();
    desk.must(Body::BrokerClose(close));
    desk.machine = Machine::restore(&desk.machine.snapshot()).expect("a snapshot can be read");
    let out = desk.must(Body::BrokerClose(close));
    let deals = out
        .iter()
        .filter(|output| matches!(output, Output::Deal(_)));
    assert_eq!(deals.count(), 0);
}

#[test]
fn a_broker_that_says_too_much_that_cannot_be_booked_is_refused() {
    let (mut desk, close) = held();
    let fill = Fill {
        qty: Qty(100),
        price: Price(0),
        commission: Money(0),
    };
    let said = |number| BrokerClose {
        exec: exec_id(number),
        event: CloseEvent::Filled {
            kind: ProtectiveKind::StopLoss,
            fill,
        },
        ..close
    };
    for number in 0..100 {
        let out = desk.command(Body::BrokerClose(said(1_000 + number)));
        assert_eq!(reasons(&out), [Reject::PriceNotPositive]);
    }
    let out = desk.command(Body::BrokerClose(said(2_000)));
    assert_eq!(reasons(&out), [Reject::Unbooked]);
}
