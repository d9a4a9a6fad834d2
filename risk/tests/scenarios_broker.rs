//! What brokers say, in words a trader can read: cancels that get lost, executions that are not on the books, executions
//! that are taken back. `desk/script.rs` explains the language.

mod desk;

use desk::script::check;
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;

#[test]
fn a_cancel_that_was_sent_when_the_link_broke_is_sent_again() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 limit 1.05000 as dip -> dip submitted; send dip
         report dip accepted          -> dip working
         cancel 1 dip                 -> dip cancelling; send cancel dip
         link readonly                -> link read_only queued 0 in_doubt 0
         # It could not be handed over.
         report dip cancel_rejected   ->
         wait 6s                      ->
         quote EURUSD 1.10000 1.10000 ->
         # Nobody owes an answer meanwhile.
         wait 6s                      ->
         link recovering              -> link recovering queued 0 in_doubt 0; ask dip
         report dip accepted          ->
         link live                    -> link live queued 0 in_doubt 0; dip cancelling; send cancel dip
         # Now the broker may refuse it.
         report dip cancel_rejected   -> dip working",
    );
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 limit 1.05000 as dip -> dip submitted; send dip
         report dip accepted          -> dip working
         cancel 1 dip                 -> dip cancelling; send cancel dip
         hand readonly                -> link read_only queued 0 in_doubt 0
         report dip cancel_rejected   ->
         hand back                    -> link read_only queued 0 in_doubt 0
         link recovering              -> link recovering queued 0 in_doubt 0; ask dip
         report dip accepted          ->
         link live                    -> link live queued 0 in_doubt 0; dip cancelling; send cancel dip
         report dip cancelled         -> dip cancelled",
    );
}

#[test]
fn a_cancel_that_the_link_lost_does_not_count_as_refused() {
    check(
        "group stop_out 50
         held broker
         account 1 USD hedging 100:1 deposit 2300.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.00000
         buy 1 EURUSD 0.80 as dip limit 0.90000
         report dip accepted          -> dip working
         cancel 1 dip                 -> dip cancelling; send cancel dip
         link readonly                -> link read_only queued 0 in_doubt 0
         report dip cancel_rejected   ->
         link live                    -> link live queued 0 in_doubt 0; send opened p1; dip cancelling; send cancel dip
         # Its margin will be freed, and is enough.
         quote EURUSD 0.98600 0.98600 -> margin 1 stop_out
         report dip cancelled         -> dip cancelled; margin 1 warning",
    );
}

#[test]
fn a_person_settles_as_many_executions_as_were_seen() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000      -> entry in_doubt; price_not_positive
         # Another one comes while the person is on the telephone.
         fill entry 0.10 0.00000      -> entry in_doubt; price_not_positive
         reconciled entry by 7 of 1   -> unbooked_executions_differ
         reconciled entry by 7 of 2   -> entry in_doubt; ask entry
         reconciled entry by 7 of 2   -> unbooked_executions_differ
         reconciled entry by 7 of 0   ->",
    );
}

#[test]
fn what_a_close_has_executed_is_not_closed_again_though_it_is_not_on_the_books() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit -> exit submitted; send exit
         fill exit 0.40 0.00000       -> exit in_doubt; price_not_positive
         quote EURUSD 1.09500 1.09500 -> stop_loss p1
         # The rest of it is there for the stop loss.
         report exit cancelled        -> exit in_doubt; o3 submitted; send o3
         report exit cancelled        ->
         fill o3 0.60 1.09490         -> o3 filled; deal p1 sell 0.60@1.09490 result -306.00
         quote EURUSD 1.09480 1.09480 ->
         # The broker has said its price by now.
         fill exit 0.40 1.09500 exec 2 -> exit filled; deal p1 sell 0.40@1.09500 result -200.00
         see 1 positions 0 orders 0",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit
         fill exit 0.40 0.00000       -> exit in_doubt; price_not_positive
         report exit rejected         -> exit in_doubt
         quote EURUSD 1.09500 1.09500 -> stop_loss p1; o3 submitted; send o3
         fill o3 0.60 1.09500         -> o3 filled; deal p1 sell 0.60@1.09500 result -300.00
         # A person has settled that it never was: the broker says that nothing is left, and the stop loss closes it.
         reconciled exit by 7         -> exit in_doubt; ask exit
         report exit ended            -> exit cancelled; o4 submitted; send o4
         fill o4 0.40 1.09500         -> o4 filled; deal p1 sell 0.40@1.09500 result -200.00",
    );
}

#[test]
fn a_close_that_is_filled_for_more_than_is_open_does_not_open_the_other_side() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit
         fill exit 1.40 1.10100 exec 50 -> exit filled; deal p1 sell 1.00@1.10100 result 100.00; order_does_not_close
         see 1 balance 10100.00 positions 0 orders 0
         # Said again it counts no second time.
         fill exit 1.40 1.10100 exec 50 ->
         # Nothing is open any more.
         fill exit 0.40 1.10100 exec 51 -> exit filled; order_does_not_close
         see 1 balance 10100.00 positions 0
         reconciled exit by 7 of 1      -> unbooked_executions_differ
         reconciled exit by 7 of 2      -> exit filled",
    );
    // Another close has taken more than it was to.
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 0.60 closes p1 as one
         sell 1 EURUSD 0.40 closes p1 as two
         fill one 0.80 1.10000          -> one filled; deal p1 sell 0.80@1.10000
         fill two 0.40 1.10000          -> two in_doubt; deal p1 sell 0.20@1.10000; order_does_not_close
         see 1 positions 0
         # Until somebody has looked, that nothing works any more is no answer.
         report two ended               ->
         reconciled two by 7            -> two in_doubt; ask two
         report two ended               -> two cancelled
         see 1 positions 0 orders 0",
    );
    // Taken back, it goes as a whole.
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit
         fill exit 1.40 1.10100 exec 50 -> exit filled; deal p1 sell 1.00@1.10100 result 100.00; order_does_not_close
         report exit bust 50            -> deal p2 buy 1.00@1.10100; exit filled
         reconciled exit by 7 of 0      ->
         see 1 positions 1 equity 10000.00",
    );
    // A netting account has one net: beyond it is the other side.
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 as exit
         fill exit 1.40 1.10000         -> exit filled; deal p1 sell 1.00@1.10000; deal p2 sell 0.40@1.10000",
    );
}

#[test]
fn a_stop_out_does_not_close_again_what_its_own_close_has_executed() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.08200 1.08200 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
         fill o2 0.40 0.00000         -> o2 in_doubt; price_not_positive
         report o2 expired            -> o2 in_doubt; stopout 1 act close p1; o3 submitted; send o3
         fill o3 0.60 1.08200         -> o3 filled; deal p1 sell 0.60@1.08200 result -1080.00",
    );
}

#[test]
fn a_resting_close_that_was_executed_and_is_not_booked_is_not_asked_to_give_way() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.09990 as take -> take submitted; send take
         report take accepted         -> take working
         fill take 0.40 0.00000       -> take in_doubt; price_not_positive
         cancel 1 take                -> take cancelling; send cancel take
         report take cancelled        -> take in_doubt
         quote EURUSD 1.09500 1.09500 -> stop_loss p1; o3 submitted; send o3
         fill o3 0.60 1.09500         -> o3 filled; deal p1 sell 0.60@1.09500 result -300.00",
    );
}

#[test]
fn an_order_that_turned_a_net_round_and_is_not_booked_leaves_nothing_to_close() {
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 2.00 as turn   -> turn submitted; send turn
         fill turn 1.00 0.00000       -> turn in_doubt; price_not_positive
         report turn cancelled        -> turn in_doubt
         quote EURUSD 1.09500 1.09500 -> stop_loss p1",
    );
}

#[test]
fn a_fill_that_is_said_again_is_no_answer_to_what_became_of_an_order() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000        -> entry in_doubt; price_not_positive
         reconciled entry by 7          -> entry in_doubt; ask entry
         report entry accepted          -> entry working
         fill entry 0.60 1.10010        -> entry in_doubt; deal p1 buy 0.60@1.10010; ask entry
         # Made twice by the broker, unasked.
         fill entry 0.60 1.10010 exec 2 ->
         report entry accepted          -> entry partly_filled
         fill entry 0.40 1.10010        -> entry filled; deal p1 buy 0.40@1.10010
         report entry ended             ->",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 1.10010        -> entry partly_filled; deal p1 buy 0.40@1.10010
         report entry ended             -> entry cancelled
         buy 1 EURUSD 1.00 as other
         fill other 0.40 0.00000        -> other in_doubt; price_not_positive
         # That it works no more says nothing of what is not on the books.
         report other ended             ->
         reconciled other by 7          -> other in_doubt; ask other
         report other ended             -> other cancelled",
    );
}

#[test]
fn a_close_that_is_taken_back_in_part_goes_back_to_its_position() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 2.00 as a sl 1.09500
         fill a 2.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit
         fill exit 1.00 1.10100 exec 50 -> exit filled; deal p1 sell 1.00@1.10100 result 100.00
         report exit bust 50            -> deal p1 buy 1.00@1.10100; exit filled
         see 1 positions 1 equity 10000.00
         quote EURUSD 1.09500 1.09500   -> stop_loss p1; o3 submitted; send o3
         fill o3 2.00 1.09500           -> o3 filled; deal p1 sell 2.00@1.09500 result -1100.00
         see 1 balance 9000.00 positions 0",
    );
}

#[test]
fn a_position_that_comes_back_has_its_stop_loss() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit
         fill exit 1.00 1.10100 exec 50 -> exit filled; deal p1 sell 1.00@1.10100 result 100.00
         report exit bust 50            -> deal p2 buy 1.00@1.10100; exit filled
         quote EURUSD 1.09500 1.09500   -> stop_loss p2; o3 submitted; send o3",
    );
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit
         fill exit 1.00 1.10100 exec 50 -> exit filled; deal p1 sell 1.00@1.10100 result 100.00
         # The broker knows no stop loss of a position that is new to it.
         report exit bust 50            -> deal p2 buy 1.00@1.10100; send opened p2; exit filled; send protect p2",
    );
    // The short position that an order opened beyond a net had its own; the long one that comes back has that of before.
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 2.00 as turn sl 1.12000
         fill turn 2.00 1.10000 exec 50 -> turn filled; deal p1 sell 1.00@1.10000; deal p2 sell 1.00@1.10000
         report turn bust 50            -> deal p2 buy 1.00@1.10000; deal p3 buy 1.00@1.10000; turn filled
         quote EURUSD 1.09500 1.09500   -> stop_loss p3; o3 submitted; send o3",
    );
}

#[test]
fn an_order_that_is_filled_settles_none_of_its_other_executions() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000      -> entry in_doubt; price_not_positive
         # Under another id: the broker may hold 1.40.
         fill entry 1.00 1.10010      -> entry filled; deal p1 buy 1.00@1.10010
         reconciled entry by 7 of 1   -> entry filled",
    );
}

#[test]
fn an_execution_that_is_taken_back_before_it_was_booked_needs_no_booking() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000 exec 40 -> entry in_doubt; price_not_positive
         report entry bust 40            -> entry in_doubt; ask entry
         report entry accepted           -> entry working
         # It comes again with a price, and never was.
         fill entry 0.40 1.10010 exec 40 ->
         report entry bust 40            -> unknown_order
         fill entry 1.00 1.10010         -> entry filled; deal p1 buy 1.00@1.10010",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         report entry cancelled          -> entry cancelled
         fill entry 0.40 0.00000 exec 40 -> entry cancelled; price_not_positive
         report entry bust 40            -> entry cancelled
         reconciled entry by 7 of 0      ->",
    );
}

#[test]
fn executions_without_an_id_that_are_not_booked_are_told_apart() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000 exec 0 -> entry in_doubt; price_not_positive
         fill entry 0.30 0.00000 exec 0 -> entry in_doubt; price_not_positive
         fill entry 0.30 1.10010 exec 0 -> entry in_doubt; deal p1 buy 0.30@1.10010
         reconciled entry by 7 of 2     -> entry in_doubt; ask entry",
    );
}

#[test]
fn a_brokers_own_number_does_not_say_that_an_execution_is_not_booked() {
    let mut desk = Desk::open();
    desk.account(1, USD, Accounting::Hedging, 100);
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(1_000_000),
        reference: 0,
    }));
    desk.quote("EURUSD", 110_000, 110_010);
    desk.must(Body::Order(Box::new(order(1, "EURUSD", Side::Buy, 100))));
    let id = OrderId(desk.inputs.len() as u64);
    let out = desk.must(Body::Report(BrokerReport {
        link: LINK,
        order: id,
        exec: ExecId::default(),
        event: BrokerEvent::Rejected(Reject::Unbooked.code()),
    }));
    let told = out.iter().find_map(|output| match output {
        Output::Order(change) => Some((change.state, change.reason, change.unbooked)),
        _ => None,
    });
    assert_eq!(told, Some((OrderState::Rejected, 0, 0)));
}

#[test]
fn closing_goes_on_in_a_closed_session_while_the_broker_trades() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10010
         close_session EURUSD -> feed EURUSD closed
         sell 1 EURUSD 1.00 closes p1 -> closed_session
         trades_closed yes
         buy 1 EURUSD 0.10 -> closed_session
         sell 1 EURUSD 0.10 -> closed_session
         sell 1 EURUSD 1.00 closes p1 as out -> out submitted; send out
         # At the broker's price, far from the last one that we saw.
         fill out 1.00 1.05010
         see 1 balance 5000.00 positions 0",
    );
}
