//! Orders in flight, in words a trader can read: what rests is not what executes, and what is under way counts.
//! `desk/script.rs` explains the language.

mod desk;

use desk::script::check;
use desk::*;
use siaga_risk::event::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

#[test]
fn a_resting_close_does_not_switch_the_stop_out_off() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.65000 as far -> far pending
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act cancel far close p1; far cancelled; o3 submitted; send o3
         fill o3 1.00 1.08630         -> o3 filled; deal p1 sell 1.00@1.08630 result -1370.00; margin 1 healthy",
    );
}

#[test]
fn a_close_that_rests_at_the_broker_gives_way_to_a_stop_out_once_the_broker_confirms() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.09990 as take -> take submitted; send take
         report take accepted         -> take working
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act cancel take close p1; take cancelling; send cancel take
         quote EURUSD 1.08600 1.08600 ->
         report take cancelled        -> take cancelled; stopout 1 act close p1; o3 submitted; send o3",
    );
}

#[test]
fn a_stop_out_cancels_no_more_resting_closes_than_stand_in_its_way() {
    check(
        "group policy ctrader_smart stop_out 50
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 0.50 closes p1 limit 1.65000 as half
         sell 1 EURUSD 0.50 closes p1 limit 1.70000 as rest
         quote EURUSD 1.08850 1.08850 -> margin 1 stop_out; stopout 1 act cancel half close p1; half cancelled; o4 submitted; send o4
         fill o4 0.01 1.08850         -> o4 filled; deal p1 sell 0.01@1.08850 result -11.50; margin 1 warning",
    );
}

#[test]
fn a_stop_loss_closes_all_although_half_was_to_be_taken_higher() {
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 2.00 as a sl 1.09500
         fill a 2.00 1.10000
         sell 1 EURUSD 1.00 limit 1.12000 as half -> half pending
         quote EURUSD 1.09500 1.09500 -> stop_loss p1; half cancelled; o3 submitted; send o3
         fill o3 2.00 1.09500         -> o3 filled; deal p1 sell 2.00@1.09500 result -1000.00
         see 1 positions 0 orders 0",
    );
}

#[test]
fn what_a_broker_held_close_covers_is_closed_by_the_stop_loss_when_the_cancel_is_confirmed() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 2.00 as a sl 1.09500
         fill a 2.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.09990 as half -> half submitted; send half
         report half accepted         -> half working
         quote EURUSD 1.09500 1.09500 -> stop_loss p1; half cancelling; send cancel half; o3 submitted; send o3
         fill o3 1.00 1.09500         -> o3 filled; deal p1 sell 1.00@1.09500 result -500.00
         report half cancelled        -> half cancelled; o4 submitted; send o4
         fill o4 1.00 1.09400         -> o4 filled; deal p1 sell 1.00@1.09400 result -600.00
         see 1 positions 0",
    );
}

#[test]
fn a_stop_loss_that_found_all_covered_closes_when_the_cover_fails() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit -> exit submitted; send exit
         quote EURUSD 1.09500 1.09500 -> stop_loss p1
         report exit rejected         -> exit rejected; o3 submitted; send o3",
    );
}

#[test]
fn a_stop_loss_that_left_all_to_an_order_that_turns_the_net_closes_when_that_one_fails() {
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 2.00 as turn   -> turn submitted; send turn
         quote EURUSD 1.09500 1.09500 -> stop_loss p1
         report turn rejected         -> turn rejected; o3 submitted; send o3
         fill o3 1.00 1.09490         -> o3 filled; deal p1 sell 1.00@1.09490 result -510.00",
    );
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 2.00 ioc as turn
         quote EURUSD 1.09500 1.09500 -> stop_loss p1
         fill turn 0.40 1.09500       -> turn partly_filled; deal p1 sell 0.40@1.09500 result -200.00
         report turn cancelled        -> turn cancelled; o3 submitted; send o3
         fill o3 0.60 1.09490         -> o3 filled; deal p1 sell 0.60@1.09490 result -306.00
         see 1 positions 0",
    );
}

#[test]
fn a_stop_loss_that_left_all_to_a_stop_out_closes_when_that_one_is_given_back() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.08000
         fill a 1.00 1.10000
         link readonly
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act close p1; o2 queued
         quote EURUSD 1.07990 1.07990 -> stop_loss p1
         quote EURUSD 1.10000 1.10000 -> margin 1 healthy
         # The stop went into the queue, so it is wanted at any price.
         link live                    -> link live queued 1 in_doubt 0; o2 returned; o3 submitted; send o3",
    );
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.08000
         fill a 1.00 1.10000
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
         quote EURUSD 1.07990 1.07990 -> stop_loss p1
         quote EURUSD 1.10000 1.10000 -> margin 1 healthy
         report o2 cancelled          -> o2 cancelled; o3 submitted; send o3",
    );
}

#[test]
fn a_stop_loss_does_not_rely_on_a_close_that_comes_to_rest() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 2.00 as a sl 1.09500
         fill a 2.00 1.10000
         sell 1 EURUSD 2.00 closes p1 limit 1.09990 as exit -> exit submitted; send exit
         quote EURUSD 1.09000 1.09000 -> stop_loss p1
         # The market had gone through the limit before the broker had it.
         report exit accepted         -> exit working; exit cancelling; send cancel exit
         report exit cancelled        -> exit cancelled; o3 submitted; send o3",
    );
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 2.00 as a sl 1.09500
         fill a 2.00 1.10000
         sell 1 EURUSD 2.00 limit 1.09990 as exit
         quote EURUSD 1.09000 1.09000 -> stop_loss p1
         fill exit 0.50 1.09990       -> exit partly_filled; deal p1 sell 0.50@1.09990 result -5.00; exit cancelling; send cancel exit
         report exit cancelled        -> exit cancelled; o3 submitted; send o3
         fill o3 1.50 1.09000         -> o3 filled; deal p1 sell 1.50@1.09000 result -1500.00",
    );
}

#[test]
fn what_was_bought_after_the_stop_loss_had_fired_is_closed_too() {
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         buy 1 EURUSD 1.00 as more    -> more submitted; send more
         quote EURUSD 1.09500 1.09500 -> stop_loss p1; o3 submitted; send o3
         fill more 1.00 1.09500       -> more filled; deal p1 buy 1.00@1.09500; o4 submitted; send o4
         fill o3 1.00 1.09500         -> o3 filled; deal p1 sell 1.00@1.09500 result -250.00
         fill o4 1.00 1.09500         -> o4 filled; deal p1 sell 1.00@1.09500 result -250.00
         see 1 positions 0",
    );
}

#[test]
fn a_stop_loss_that_cannot_close_what_was_left_to_others_is_told_of() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 as exit
         quote EURUSD 1.09500 1.09500 -> stop_loss p1
         mode account:1 halt          -> mode halt
         report exit rejected         -> exit rejected; stop_loss p1 unanswered",
    );
}

#[test]
fn a_stop_loss_that_waits_for_a_cancel_is_told_once() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 2.00 as a sl 1.09500
         fill a 2.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.09990 as half
         report half accepted         -> half working
         link readonly
         quote EURUSD 1.09400 1.09400 -> stop_loss p1; half cancelling; o3 queued
         wait 5s                      ->
         quote EURUSD 1.09400 1.09400 ->
         wait 5s                      ->
         quote EURUSD 1.09400 1.09400 ->
         link live                    -> link live queued 1 in_doubt 0; o3 submitted; send o3; half cancelling; send cancel half
         report half cancelled        -> half cancelled; o4 submitted; send o4",
    );
}

#[test]
fn a_broker_that_refuses_to_cancel_a_close_is_asked_again_after_a_pause() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.09990 as take
         report take accepted         -> take working
         quote EURUSD 1.09500 1.09500 -> stop_loss p1; take cancelling; send cancel take
         report take cancel_rejected  -> take working
         quote EURUSD 1.09490 1.09490 ->
         wait 5s                      ->
         quote EURUSD 1.09490 1.09490 -> stop_loss p1; take cancelling; send cancel take",
    );
}

#[test]
fn a_stop_loss_that_a_broker_rejects_waits_although_a_resting_close_gave_way_to_it() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.09500
         fill a 1.00 1.10000
         mode account:1 halt          -> mode halt
         quote EURUSD 1.09500 1.09500 -> stop_loss p1 unanswered
         mode account:1 normal with 2 -> mode normal
         sell 1 EURUSD 1.00 closes p1 limit 1.12000 as take -> take pending
         buy 1 EURUSD 0.10 limit 1.05000 as dip -> dip pending
         cancel 1 dip                 -> dip cancelled; take cancelled; o4 submitted; send o4
         # Nothing of the last input is left to be looked at: the next try is the one after the pause.
         report o4 rejected           -> o4 rejected",
    );
}

#[test]
fn the_margin_check_of_a_netting_account_sees_what_is_in_flight() {
    check(
        "account 1 USD netting 100:1 deposit 1100.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         see 1 free 0.00
         # The net turns to the other side and is no larger.
         sell 1 EURUSD 2.00 as turn -> turn submitted; send turn
         # Together they would leave it short 3 lots.
         sell 1 EURUSD 2.00         -> not_enough_margin
         sell 1 EURUSD 0.01         -> not_enough_margin",
    );
}

#[test]
fn waiting_orders_meet_the_margin_check_with_what_went_before_them() {
    check(
        "account 1 USD netting 100:1 deposit 6700.00
         quote EURUSD 1.10000 1.10000
         sell 1 EURUSD 2.00 limit 1.10500 as one   -> one pending
         sell 1 EURUSD 2.00 limit 1.10500 as two   -> two pending
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         cash 1 correction -4700.00
         # Both together would leave it short 3 lots; the other alone turns it round and is no larger.
         quote EURUSD 1.10500 1.10500 -> one rejected; two submitted; send two; margin 1 healthy",
    );
}

#[test]
fn reducing_counts_closing_orders_in_flight_too() {
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         mode house reducing        -> mode reducing
         sell 1 EURUSD 1.00 as exit -> exit submitted; send exit
         sell 1 EURUSD 2.00         -> reducing_only",
    );
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         mode house reducing        -> mode reducing
         sell 1 EURUSD 2.00 limit 1.10500 as turn -> turn pending
         # It counts once when its price comes.
         quote EURUSD 1.10500 1.10500 -> turn submitted; send turn",
    );
}

#[test]
fn started_orders_of_one_side_count_together_whether_they_close_or_open() {
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         sell 1 EURUSD 0.02 as short
         fill short 0.02 1.10000
         buy 1 EURUSD 0.02 as back
         see 1 used 22.00
         buy 1 EURUSD 0.05 as more
         see 1 used 55.00
         fill back 0.02 1.10000
         fill more 0.05 1.10000
         see 1 used 55.00",
    );
}

#[test]
fn what_waits_in_the_core_to_close_a_net_needs_no_margin() {
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 limit 1.12000 as take -> take pending
         sell 1 EURUSD 0.60 as part               -> part submitted; send part
         see 1 used 1100.00
         fill part 0.60 1.10000                   -> part filled; deal p1 sell 0.60@1.10000
         # The take-profit is larger than what is left, and opens nothing all the same.
         see 1 used 440.00
         quote EURUSD 1.12000 1.12000             -> take cancelled",
    );
    check(
        "held broker
         account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 limit 1.12000 as take -> take submitted; send take
         report take accepted                     -> take working
         sell 1 EURUSD 0.60 as part
         fill part 0.60 1.10000                   -> part filled; deal p1 sell 0.60@1.10000
         # At the broker it would be filled, and leave the account short 0.60.
         see 1 used 660.00",
    );
}

#[test]
fn what_turns_the_net_round_leaves_nothing_to_close() {
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 2.00 as turn  -> turn submitted; send turn
         review 1 on
         sell 1 EURUSD 1.00          -> account_under_review
         sell 1 EURUSD 1.00 reduce   -> account_under_review+close_already_covered",
    );
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         sell 1 EURUSD 2.00 limit 1.20000 as far -> far pending
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         review 1 on
         # What only waits for a far price does not keep anybody in.
         sell 1 EURUSD 1.00 as exit  -> exit submitted; send exit",
    );
}

#[test]
fn what_was_to_close_the_other_side_covers_nothing_of_this_one() {
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 as exit         -> exit submitted; send exit
         sell 1 EURUSD 3.00 as turn         -> turn submitted; send turn
         fill turn 3.00 1.10000             -> turn filled; deal p1 sell 1.00@1.10000; exit cancelling; send cancel exit; deal p2 sell 2.00@1.10000
         # The sale that is being cancelled can only make the short position larger.
         buy 1 EURUSD 2.00 reduce as back   -> back submitted; send back",
    );
}

#[test]
fn of_two_waiting_orders_only_the_first_closes_what_is_there() {
    check(
        "account 1 USD netting 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         sell 1 EURUSD 1.00 limit 1.10500 as one -> one pending
         sell 1 EURUSD 1.00 limit 1.10500 as two -> two pending
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         review 1 on
         quote EURUSD 1.10500 1.10500 -> one submitted; send one; two rejected
         fill one 1.00 1.10500        -> one filled; deal p1 sell 1.00@1.10500 result 500.00
         see 1 positions 0 orders 0",
    );
}

#[test]
fn a_waiting_order_does_not_open_what_the_terms_forbid_by_then() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 limit 1.09500 as dip -> dip pending
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.10500 as take -> take pending
         terms EURUSD trade close_only
         quote EURUSD 1.09500 1.09500 -> dip rejected
         quote EURUSD 1.10500 1.10500 -> take submitted; send take",
    );
}

#[test]
fn a_queued_stop_out_is_given_back_when_the_account_has_recovered() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         link readonly
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act close p1; o2 queued
         quote EURUSD 1.10000 1.10000 -> margin 1 healthy
         link live                    -> link live queued 1 in_doubt 0; o2 returned
         see 1 positions 1 orders 0",
    );
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         terms EURUSD qty_max 0.40
         link readonly
         quote EURUSD 1.08100 1.08100 -> margin 1 stop_out; stopout 1 act close p1; o2 queued; o3 queued; o4 queued
         # A part is enough now.
         quote EURUSD 1.08620 1.08620 ->
         link live                    -> link live queued 3 in_doubt 0; o2 submitted; send o2; o3 returned; o4 returned",
    );
}

#[test]
fn a_queued_stop_out_does_not_go_out_in_a_closed_session() {
    check(
        "trades_closed yes
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         link readonly
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act close p1; o2 queued
         close_session EURUSD         -> feed EURUSD closed
         # The broker trades; what its market has come to since nobody here has seen.
         link live                    -> link live queued 1 in_doubt 0; o2 returned
         see 1 positions 1 orders 0 state stop_out",
    );
}

#[test]
fn a_closing_stop_that_is_placed_while_the_link_is_down_sees_every_price() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         link readonly
         sell 1 EURUSD 1.00 closes p1 stop 1.09500 as guard -> guard pending
         quote EURUSD 1.09400 1.09400 -> guard queued
         # However far the price went meanwhile.
         quote EURUSD 1.12000 1.12000 ->
         link live                    -> link live queued 1 in_doubt 0; guard submitted; send guard",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         link readonly
         sell 1 EURUSD 1.00 closes p1 limit 1.11000 as take -> take pending
         wait 59m
         wait 1m                      ->
         link live                    -> link live queued 0 in_doubt 0
         see 1 orders 1",
    );
}

#[test]
fn a_queued_close_does_not_outlive_its_own_time() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         link readonly
         sell 1 EURUSD 1.00 closes p1 until 10s as exit -> exit queued
         wait 9s                      ->
         wait 1s                      -> exit expired
         link live                    -> link live queued 0 in_doubt 0",
    );
}

#[test]
fn a_stop_out_cancels_what_is_left_of_a_partly_filled_order_before_it_closes() {
    check(
        "account 1 USD hedging 100:1 deposit 2500.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 1 EURUSD 1.00 limit 1.10000 as more
         report more accepted
         fill more 0.10 1.10000       -> more partly_filled; deal p2 buy 0.10@1.10000
         see 1 used 2200.00
         quote EURUSD 1.08327 1.08327 -> margin 1 stop_out; stopout 1 act cancel more; more cancelling; send cancel more
         report more cancelled        -> more cancelled; margin 1 warning",
    );
}

#[test]
fn a_stop_order_of_a_broker_that_holds_prices_goes_out_as_a_stop() {
    let mut desk = Desk::open();
    desk.must(Body::Link(LinkTerms {
        protective: HeldBy::Broker,
        ..link()
    }));
    desk.account(1, USD, Accounting::Hedging, 100);
    desk.must(Body::Cash(Cash {
        account: siaga_risk::ids::AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(1_000_000),
        reference: 0,
    }));
    desk.quote("EURUSD", 110_000, 110_000);
    let mut stop = order(1, "EURUSD", Side::Buy, 100);
    (stop.kind, stop.stop) = (OrderKind::Stop, Some(Price(111_000)));
    let out = desk.must(Body::Order(Box::new(stop)));
    let sent = out.iter().find_map(|output| match output {
        Output::Send(Send {
            command: LinkCommand::Submit(submit),
            ..
        }) => Some((submit.kind, submit.stop)),
        _ => None,
    });
    assert_eq!(sent, Some((OrderKind::Stop, Some(Price(111_000)))));
}

#[test]
fn an_execution_that_is_not_on_the_books_keeps_its_order_in_doubt_until_it_is() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000       -> entry in_doubt; price_not_positive
         # True, and no answer to the question what was executed.
         report entry accepted         ->
         link readonly                 -> link read_only queued 0 in_doubt 1
         link recovering               -> link recovering queued 0 in_doubt 1; ask entry
         report entry accepted         ->
         link live                     -> link live queued 0 in_doubt 1
         fill entry 0.10 1.10010       -> entry in_doubt; deal p1 buy 0.10@1.10010
         fill entry 0.40 1.10010 exec 1 -> entry partly_filled; deal p1 buy 0.40@1.10010
         fill entry 0.50 1.10010       -> entry filled; deal p1 buy 0.50@1.10010",
    );
}

#[test]
fn a_named_person_settles_what_could_not_be_booked() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000       -> entry in_doubt; price_not_positive
         reconciled entry by 0         -> named_person_missing
         report entry accepted         ->
         reconciled entry by 7         -> entry in_doubt; ask entry
         report entry accepted         -> entry working
         reconciled entry by 7         ->",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         report entry cancelled        -> entry cancelled
         # It has ended, and is told of once more, so that somebody is called.
         fill entry 1.00 0.00000       -> entry cancelled; price_not_positive
         fill entry 1.00 0.00000 exec 1 -> price_not_positive
         reconciled entry by 7         -> entry cancelled",
    );
}

#[test]
fn what_a_named_person_has_settled_stays_settled_when_the_broker_says_it_again() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 1.00 0.00000        -> entry in_doubt; price_not_positive
         reconciled entry by 7          -> entry in_doubt; ask entry
         # Said again, it answers nothing; as the answer its last event says that nothing of it works any more.
         fill entry 1.00 0.00000 exec 1 ->
         report entry ended             -> entry cancelled
         # In a new session the broker says it once more, this time with a price.
         fill entry 1.00 1.10010 exec 1 ->
         report entry bust 1            -> unknown_order
         see 1 positions 0 orders 0",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 1.00 0.00000        -> entry in_doubt; price_not_positive
         reconciled entry by 7          -> entry in_doubt; ask entry
         # It could be booked by now, and the person's correction is on the books already.
         fill entry 1.00 1.10010 exec 1 ->
         report entry ended             -> entry cancelled
         see 1 positions 0 orders 0",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         report entry cancelled         -> entry cancelled
         fill entry 1.00 0.00000        -> entry cancelled; price_not_positive
         reconciled entry by 7          -> entry cancelled
         fill entry 1.00 0.00000 exec 1 ->
         fill entry 1.00 1.10010 exec 1 ->
         see 1 positions 0",
    );
}

#[test]
fn an_execution_that_could_not_be_booked_can_be_settled_after_the_weekend() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         report entry cancelled        -> entry cancelled
         fill entry 1.00 0.00000       -> entry cancelled; price_not_positive
         buy 1 EURUSD 1.00 as other
         report other cancelled        -> other cancelled
         wait 60h
         report other cancelled        -> unknown_order
         report other bust 9           -> execution_not_booked
         reconciled entry by 7         -> entry cancelled
         wait 30h
         report entry cancelled        -> unknown_order",
    );
}

#[test]
fn a_settled_part_and_what_is_executed_after_it_end_an_order_by_the_brokers_word() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.40 0.00000        -> entry in_doubt; price_not_positive
         reconciled entry by 7          -> entry in_doubt; ask entry
         # A new session says it again; that answers nothing, as 0.60 were never executed.
         fill entry 0.40 1.10010 exec 1 ->
         report entry accepted          -> entry working
         fill entry 0.60 1.10010        -> entry in_doubt; deal p1 buy 0.60@1.10010; ask entry
         fill entry 0.60 1.10010 exec 3 ->
         report entry ended             -> entry cancelled
         see 1 positions 1 orders 0",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 0.60 0.00000        -> entry in_doubt; price_not_positive
         # Reported under another id, so what was settled is on the books, and the rest works.
         fill entry 0.60 1.10010        -> entry in_doubt; deal p1 buy 0.60@1.10010
         reconciled entry by 7          -> entry in_doubt; ask entry
         report entry accepted          -> entry partly_filled
         fill entry 0.60 0.00000 exec 1 ->
         fill entry 0.40 1.10010        -> entry filled; deal p1 buy 0.40@1.10010",
    );
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 1.00 0.00000        -> entry in_doubt; price_not_positive
         cancel 1 entry                 -> entry cancelling; send cancel entry
         reconciled entry by 7          -> entry cancelling; ask entry
         # Too late for a cancel: what is left, the broker says.
         report entry cancel_rejected   -> entry in_doubt; ask entry
         fill entry 1.00 0.00000 exec 1 ->
         report entry ended             -> entry cancelled",
    );
}

#[test]
fn an_execution_taken_back_leaves_exposure_and_commission_as_they_were() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         limit house net_qty 10.00
         buy 1 EURUSD 10.00 as a
         fill a 4.00 1.10000 commission 5.00
         see 1 balance 99995.00
         report a bust 1
         see 1 balance 100000.00 positions 0
         cancel 1 a
         report a cancelled
         buy 1 EURUSD 10.01          -> position_limit
         buy 1 EURUSD 10.00 as b     -> b submitted; send b",
    );
}

#[test]
fn of_executions_without_an_id_each_is_taken_back_by_itself() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 0.40 1.10000 exec 0   -> a partly_filled; deal p1 buy 0.40@1.10000
         fill a 0.60 1.10000 exec 0   -> a filled; deal p1 buy 0.60@1.10000
         report a bust 0              -> deal p1 sell 0.40@1.10000; a filled
         report a bust 0              -> deal p1 sell 0.60@1.10000; a filled
         see 1 positions 0",
    );
}

/// What an order costs is what it would be filled at, whatever prices it carries.
#[test]
fn an_order_that_the_market_has_reached_is_charged_at_the_market() {
    let refusal = |kind: OrderKind, side: Side, price: Option<i64>, stop: Option<i64>| {
        let mut desk = Desk::open();
        desk.account(1, USD, Accounting::Hedging, 100);
        desk.must(Body::Cash(Cash {
            account: siaga_risk::ids::AccountId(1),
            kind: CashKind::Deposit,
            amount: Money(195_000),
            reference: 0,
        }));
        desk.quote("XAUUSD", 2_000_000, 2_000_500);
        let mut order = order(1, "XAUUSD", side, 100);
        (order.kind, order.price, order.stop) = (kind, price.map(Price), stop.map(Price));
        desk.command(Body::Order(Box::new(order)))
            .iter()
            .any(|output| {
                matches!(output, Output::Answer(answer) if answer.reasons.contains(&siaga_risk::verdict::Reject::Margin))
            })
    };
    // A lot of 100 oz needs 2,000 USD at the market.
    assert!(refusal(OrderKind::Market, Side::Buy, None, None));
    assert!(refusal(OrderKind::Market, Side::Buy, None, Some(1_000)));
    assert!(refusal(
        OrderKind::Market,
        Side::Sell,
        Some(1_900_000),
        None
    ));
    assert!(refusal(OrderKind::Limit, Side::Sell, Some(1_900_000), None));
    assert!(refusal(OrderKind::Stop, Side::Buy, None, Some(1_000)));
    assert!(refusal(
        OrderKind::Stop,
        Side::Buy,
        Some(1_000),
        Some(2_100_000)
    ));
    // One that waits is charged at its price.
    assert!(!refusal(OrderKind::Limit, Side::Buy, Some(1_900_000), None));
    assert!(!refusal(OrderKind::Stop, Side::Sell, None, Some(1_900_000)));
}
