//! What the machine does, in words a trader can read. `desk/script.rs` explains the language.

mod desk;

use desk::script::check;

#[test]
fn a_position_is_opened_valued_and_closed() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry       -> entry submitted; send entry
         see 1 used 1100.10 equity 10000.00
         fill entry 1.00 1.10010          -> entry filled; deal p1 buy 1.00@1.10010
         see 1 balance 10000.00 equity 9990.00 used 1100.10 free 8889.90 level 908.10 state healthy
         quote EURUSD 1.10110 1.10120
         see 1 equity 10100.00 unrealised 100.00
         sell 1 EURUSD 1.00 closes p1 as exit -> exit submitted; send exit
         sell 1 EURUSD 1.00 closes p1         -> close_already_covered
         fill exit 1.00 1.10110           -> exit filled; deal p1 sell 1.00@1.10110 result 100.00
         see 1 balance 10100.00 equity 10100.00 used 0.00 level none positions 0 orders 0",
    );
}

#[test]
fn the_margin_state_follows_the_price_and_a_stop_out_closes_the_largest_loss() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as one
         fill one 1.00 1.10000
         quote EURUSD 1.09400 1.09400    ->
         see 1 equity 1100.00 level 100.00 state healthy
         quote EURUSD 1.09399 1.09399    -> margin 1 warning
         quote EURUSD 1.09400 1.09400    -> margin 1 healthy
         quote EURUSD 1.08849 1.08849    -> margin 1 restricted
         buy 1 EURUSD 0.01               -> not_enough_margin+account_restricted
         quote EURUSD 1.08630 1.08630    -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
         quote EURUSD 1.08600 1.08600    ->
         fill o2 1.00 1.08100            -> o2 filled; deal p1 sell 1.00@1.08100 result -1900.00; margin 1 restricted; cash 1 compensation 200.00; margin 1 healthy
         see 1 balance 0.00 equity 0.00 used 0.00 state healthy",
    );
}

#[test]
fn protective_prices_fire_at_the_quote_that_crosses_them() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry sl 1.09500 tp 1.10500
         fill entry 1.00 1.10010
         quote EURUSD 1.09501 1.09511  ->
         # The market jumps over the stop: it goes out at the market, not at its price.
         quote EURUSD 1.09300 1.09310  -> stop_loss p1; o2 submitted; send o2
         quote EURUSD 1.09200 1.09210  ->
         fill o2 1.00 1.09300          -> o2 filled; deal p1 sell 1.00@1.09300 result -710.00
         sell 1 EURUSD 1.00 as short tp 1.08000
         fill short 1.00 1.09200
         quote EURUSD 1.07990 1.08001  ->
         quote EURUSD 1.07980 1.08000  -> take_profit p2; o4 submitted; send o4
         fill o4 1.00 1.08000          -> o4 filled; deal p2 buy 1.00@1.08000 result 1200.00
         see 1 balance 10490.00 positions 0",
    );
}

#[test]
fn a_trailing_stop_follows_and_fires() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry trail 0.00100
         fill entry 1.00 1.10010
         quote EURUSD 1.10200 1.10210 ->
         quote EURUSD 1.10101 1.10111 ->
         quote EURUSD 1.10100 1.10110 -> trailing p1; o2 submitted; send o2",
    );
}

#[test]
fn merged_quotes_are_tried_by_their_extremes() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10000
         quote EURUSD 1.09990 1.10000 low 1.09480 high 1.10000 -> stop_loss p1; o2 submitted; send o2
         report o2 rejected   -> o2 rejected
         quote EURUSD 1.10000 1.10000 low 1.09399 high 1.10000 -> margin 1 warning; margin 1 healthy",
    );
}

#[test]
fn a_refused_protective_close_is_tried_again_after_a_pause() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10010
         quote EURUSD 1.09400 1.09410 -> stop_loss p1; o2 submitted; send o2
         report o2 rejected           -> o2 rejected
         quote EURUSD 1.09400 1.09410 ->
         wait 5s
         quote EURUSD 1.09400 1.09410 -> stop_loss p1; o3 submitted; send o3",
    );
}

#[test]
fn a_silent_broker_that_holds_a_stop_is_told_of() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10010
         protect 1 p1 sl 1.09600      -> send protect p1
         quote EURUSD 1.09590 1.09600 ->
         wait 4s                      ->
         wait 1s                      -> stop_loss p1 unanswered",
    );
}

#[test]
fn a_broker_that_holds_stops_is_told_them_again_on_each_new_connection() {
    check(
        "held broker
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10010
         buy 1 EURUSD 1.00 as bare
         fill bare 1.00 1.10010
         protect 1 p1 sl 1.09600      -> send protect p1
         # It may have been lost on its way, with the connection or with us.
         link readonly                -> link read_only queued 0 in_doubt 0
         link recovering              -> link recovering queued 0 in_doubt 0
         link live                    -> link live queued 0 in_doubt 0; send opened p1; send opened p2; send protect p1
         # What was taken away while the broker was away is told too.
         link readonly                -> link read_only queued 0 in_doubt 0
         protect 1 p1
         link recovering              -> link recovering queued 0 in_doubt 0
         link live                    -> link live queued 0 in_doubt 0; send opened p1; send opened p2; send protect p1
         # And again: that one may have been lost too, and the broker would close at the old price.
         link readonly                -> link read_only queued 0 in_doubt 0
         link recovering              -> link recovering queued 0 in_doubt 0
         link live                    -> link live queued 0 in_doubt 0; send opened p1; send opened p2; send protect p1",
    );
}

#[test]
fn waiting_orders_are_held_in_the_core_and_sent_when_their_price_comes() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as dip limit 1.09900        -> dip pending
         buy 1 EURUSD 0.50 as break stop 1.10100       -> break pending
         sell 1 EURUSD 0.50 as fall stop 1.09950 then 1.09940 -> fall pending
         see 1 orders 3 used 2200.15
         quote EURUSD 1.09950 1.09960                  -> fall submitted; send fall
         quote EURUSD 1.09890 1.09900                  -> dip submitted; send dip
         quote EURUSD 1.10090 1.10100                  -> break submitted; send break
         buy 1 EURUSD 0.10 as early limit 1.09000 until 10s -> early pending
         wait 10s                                      -> dip in_doubt; ask dip; break in_doubt; ask break; fall in_doubt; ask fall; early expired
         buy 1 EURUSD 0.10 as now limit 1.20000        -> now submitted; send now",
    );
}

#[test]
fn an_order_without_an_answer_is_in_doubt_and_never_sent_again() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry -> entry submitted; send entry
         wait 9s                    ->
         wait 1s                    -> entry in_doubt; ask entry
         report entry unknown       ->
         link readonly              -> link read_only queued 0 in_doubt 1
         link recovering            -> link recovering queued 0 in_doubt 1; ask entry
         link live                  -> link live queued 0 in_doubt 1
         fill entry 1.00 1.10010    -> entry filled; deal p1 buy 1.00@1.10010
         # The same execution again changes nothing.
         fill entry 1.00 1.10010 exec 1 ->
         see 1 positions 1 balance 10000.00",
    );
}

#[test]
fn a_fill_after_the_end_of_an_order_is_still_booked() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         cancel 1 entry          -> entry cancelling; send cancel entry
         fill entry 0.40 1.10010 -> entry cancelling; deal p1 buy 0.40@1.10010
         report entry cancelled  -> entry cancelled
         fill entry 0.60 1.10010 -> entry cancelled; deal p1 buy 0.60@1.10010
         report entry rejected   -> order_already_final
         cancel 1 entry          -> order_already_final
         see 1 positions 1 used 1100.10",
    );
}

#[test]
fn an_execution_taken_back_leaves_the_money_as_it_was() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 1.00 1.10010 exec 77
         report entry bust 77 -> deal p1 sell 1.00@1.10010; entry filled
         see 1 positions 0 balance 10000.00
         report entry bust 77 -> unknown_order",
    );
}

#[test]
fn closes_wait_for_the_link_and_are_looked_at_again() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         quote XAUUSD 2000.000 2000.500
         buy 1 EURUSD 1.00 as one
         fill one 1.00 1.10010
         buy 1 XAUUSD 0.10 as two
         fill two 0.10 2000.500
         buy 1 EURUSD 0.10 as waits limit 1.05000 -> waits pending
         link readonly                            -> link read_only queued 0 in_doubt 0
         buy 1 EURUSD 1.00                        -> broker_read_only
         sell 1 EURUSD 1.00 closes p1 as exit     -> exit queued
         sell 1 XAUUSD 0.10 closes p2 as gold     -> gold queued
         cancel 1 waits                           -> waits cancelled
         quote XAUUSD 1970.000 1970.500           ->
         link live                                -> link live queued 2 in_doubt 0; exit submitted; send exit; gold returned
         fill exit 1.00 1.10000                   -> exit filled; deal p1 sell 1.00@1.10000 result -10.00",
    );
}

#[test]
fn a_queued_close_is_returned_when_its_time_is_over() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as one
         fill one 1.00 1.10010
         buy 1 EURUSD 0.10 as working
         report working accepted                  -> working working
         link readonly
         sell 1 EURUSD 1.00 closes p1 as exit     -> exit queued
         cancel 1 working                         -> working cancelling
         wait 59m
         wait 1m                                  -> exit returned
         link recovering                          -> link recovering queued 0 in_doubt 0; ask working
         link live                                -> link live queued 0 in_doubt 0; working cancelling; send cancel working",
    );
}

#[test]
fn a_link_stopped_by_hand_starts_by_hand() {
    check(
        "link readonly manual -> link read_only queued 0 in_doubt 0
         link live            -> broker_read_only
         link live manual     -> link live queued 0 in_doubt 0",
    );
}

#[test]
fn the_same_client_order_id_gets_the_first_answer_for_a_day() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 id 7 as first -> first submitted; send first
         buy 1 EURUSD 2.00 id 7          -> repeated first
         buy 1 EURUSD 90.00 id 8         -> not_enough_margin
         buy 1 EURUSD 0.01 id 8          -> repeated refused
         wait 24h
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 id 7 as again -> again submitted; send again",
    );
}

#[test]
fn every_reason_is_told() {
    check(
        "terms EURUSD qty_min 0.10 qty_max 5.00 qty_step 0.05 notional 100000.00 band 2%
         account 1 USD hedging 100:1 deposit 100.00
         buy 1 EURUSD 1.00                      -> stale_price+no_price
         quote EURUSD 1.10000 1.10000
         buy 2 EURUSD 1.00                      -> unknown_account
         buy 1 EURUSD 0.00                      -> qty_not_positive
         buy 1 EURUSD 0.07                      -> qty_below_minimum+qty_not_a_step
         buy 1 EURUSD 5.05 limit 1.12201        -> qty_above_maximum+notional_above_maximum+price_collar+not_enough_margin
         buy 1 EURUSD 0.90 limit 1.12200        -> notional_above_maximum+not_enough_margin
         buy 1 EURUSD 0.05 stop -1.00000        -> qty_below_minimum+price_not_positive
         buy 1 EURUSD 0.50 limit 1.12201        -> price_collar+not_enough_margin
         sell 1 EURUSD 0.50 limit 1.20000 reduce -> not_enough_margin+order_does_not_close
         terms EURUSD trade long_only
         sell 1 EURUSD 0.05                     -> trade_mode",
    );
}

#[test]
fn margin_is_free_to_the_cent() {
    check(
        "account 1 USD hedging 100:1 deposit 1100.09
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00         -> not_enough_margin
         cash 1 deposit 0.01
         buy 1 EURUSD 1.00 as all  -> all submitted; send all
         see 1 free 0.00 used 1100.10
         cash 1 withdrawal -0.01   -> insufficient_funds",
    );
}

#[test]
fn duplicates_and_floods_are_refused() {
    check(
        "group duplicate 2s rate 3
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 0.10 -> o1 submitted; send o1
         buy 1 EURUSD 0.10 -> duplicate_order
         buy 1 EURUSD 0.11 -> o2 submitted; send o2
         cancel 1 o1       -> o1 cancelling; send cancel o1
         buy 1 EURUSD 0.12 -> order_rate
         cancel 1 o2       -> o2 cancelling; send cancel o2
         wait 1s
         buy 1 EURUSD 0.12 -> o3 submitted; send o3
         wait 1s
         buy 1 EURUSD 0.10 -> o4 submitted; send o4",
    );
}

#[test]
fn limits_count_what_is_held_and_what_is_under_way() {
    check(
        "account 1 USD hedging 100:1 deposit 100000.00
         account 2 USD hedging 100:1 deposit 100000.00
         quote EURUSD 1.10000 1.10000
         limit instrument:EURUSD net_qty 2.00
         buy 1 EURUSD 1.50 as one
         buy 2 EURUSD 1.00            -> position_limit
         sell 2 EURUSD 1.00 as two    -> two submitted; send two
         fill one 1.50 1.10000
         buy 2 EURUSD 0.60            -> position_limit
         fill two 1.00 1.10000
         buy 2 EURUSD 1.50 as three   -> three submitted; send three
         limit instrument:EURUSD net_qty 3.00        -> second_person_missing
         limit instrument:EURUSD net_qty 3.00 with 1 -> second_person_is_the_first
         limit instrument:EURUSD net_qty 3.00 with 2
         limit house net_exposure 300000.00
         buy 1 EURUSD 0.80            -> net_exposure_limit
         limit account:1 gross_exposure 170000.00
         buy 1 EURUSD 0.10            -> gross_exposure_limit",
    );
}

#[test]
fn modes_and_kill_switches_need_two_people_to_lift() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as one trader 5
         fill one 1.00 1.10010
         buy 1 EURUSD 0.10 as rests limit 1.05000 trader 5 -> rests pending
         buy 1 EURUSD 0.10 as works trader 5
         report works accepted
         mode house close_only                   -> mode close_only
         buy 1 EURUSD 0.20                       -> close_only
         mode house normal                       -> second_person_missing
         mode house normal with 1                -> second_person_is_the_first
         mode house normal with 2                -> mode normal
         kill trader:5 on                        -> kill on cancelled 2; rests cancelled; works cancelling; send cancel works
         buy 1 EURUSD 0.20 trader 5              -> kill_switch
         buy 1 EURUSD 0.20 trader 6 as other     -> other submitted; send other
         kill trader:5 off                       -> second_person_missing
         kill trader:5 off with 9                -> kill off cancelled 0
         mode account:1 halt reducing            -> mode halt
         protect 1 p1 sl 1.09000                 -> halted
         sell 1 EURUSD 1.00 closes p1 as exit    -> exit submitted; send exit
         mode instrument:EURUSD halt             -> mode halt
         sell 1 EURUSD 0.10 closes p1            -> close_already_covered+halted",
    );
}

#[test]
fn a_restricted_client_acknowledges_before_opening_again() {
    check(
        "group call_flow acknowledge
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as one
         fill one 1.00 1.10000
         quote EURUSD 1.08840 1.08840 -> margin 1 restricted
         cash 1 deposit 20000.00      -> cash 1 deposit 20000.00; margin 1 healthy
         buy 1 EURUSD 0.10            -> risk_not_acknowledged
         acknowledge 1
         buy 1 EURUSD 0.10 as two     -> two submitted; send two
         review 1 on
         buy 1 EURUSD 0.10            -> account_under_review
         sell 1 EURUSD 1.00 closes p1 as exit -> exit submitted; send exit",
    );
}

#[test]
fn a_netting_account_nets_flips_and_closes() {
    check(
        "account 1 USD netting 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000           -> a filled; deal p1 buy 1.00@1.10000
         buy 1 EURUSD 1.00 as b
         fill b 1.00 1.10100           -> b filled; deal p1 buy 1.00@1.10100
         see 1 used 2200.00 positions 1 unrealised -100.00
         sell 1 EURUSD 0.50 as c reduce
         sell 1 EURUSD 2.00 reduce     -> close_already_covered
         sell 1 EURUSD 3.00 reduce     -> order_does_not_close
         sell 1 EURUSD 1.00 closes p1  -> position_on_netting_account
         fill c 0.50 1.10050           -> c filled; deal p1 sell 0.50@1.10050
         sell 1 EURUSD 2.50 as d       -> d submitted; send d
         fill d 2.50 1.10000           -> d filled; deal p1 sell 1.50@1.10000 result -75.00; deal p2 sell 1.00@1.10000
         see 1 used 1100.00 positions 1 balance 9925.00",
    );
}

#[test]
fn opposite_positions_charge_the_larger_leg_and_the_hedged_share() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 as b
         see 1 used 1100.00
         fill b 1.00 1.10000
         see 1 used 550.00
         buy 1 EURUSD 1.00 as c
         see 1 used 1650.00
         fill c 1.00 1.10000
         see 1 used 1650.00",
    );
}

#[test]
fn losses_are_told_once_and_cleared_with_room() {
    check(
        "group loss_account 5 loss_position 50
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.09500 1.09500 ->
         quote EURUSD 1.09499 1.09499 -> loss account 1 on 501.00
         quote EURUSD 1.09450 1.09450 ->
         quote EURUSD 1.09449 1.09449 -> loss p1 on 551.00
         quote EURUSD 1.09504 1.09504 ->
         quote EURUSD 1.09505 1.09505 -> loss p1 off 495.00
         quote EURUSD 1.09549 1.09549 ->
         quote EURUSD 1.09550 1.09550 -> loss account 1 off 450.00
         daystart                     -> day 1 accounts
         quote EURUSD 1.09073 1.09073 -> loss p1 on 927.00
         quote EURUSD 1.09072 1.09072 -> loss account 1 on 478.00",
    );
}

#[test]
fn a_stop_out_cancels_the_pending_order_with_the_largest_margin_first() {
    check(
        "group stop_out 50
         account 1 USD hedging 100:1 deposit 2300.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.00000
         buy 1 EURUSD 0.50 as small limit 0.90000
         buy 1 EURUSD 0.80 as large limit 0.90000
         see 1 used 2300.00
         quote EURUSD 0.98851 0.98851 -> margin 1 warning
         quote EURUSD 0.98850 0.98850 -> margin 1 stop_out; stopout 1 act cancel large; large cancelled; margin 1 warning
         see 1 used 1500.00",
    );
}

#[test]
fn a_stop_out_skips_what_cannot_be_traded_and_says_so_when_it_only_observes() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         mode account:1 halt          -> mode halt
         quote EURUSD 1.08600 1.08600 -> margin 1 stop_out
         mode account:1 normal with 2 -> mode normal
         quote EURUSD 1.08600 1.08600 -> stopout 1 act close p1; o2 submitted; send o2
         report o2 rejected           -> o2 rejected
         quote EURUSD 1.08600 1.08600 ->
         wait 1s                      -> stopout 1 act close p1; o3 submitted; send o3
         group mode observe
         account 2 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000 -> margin 1 healthy
         buy 2 EURUSD 1.00 as b
         fill b 1.00 1.10000
         quote EURUSD 1.08600 1.08600 -> margin 1 stop_out; margin 2 stop_out; stopout 1 observe; stopout 2 observe close p2",
    );
}

#[test]
fn swaps_are_charged_and_margin_prices_refreshed_at_the_rollover() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.20000 1.20000
         see 1 used 1100.00 equity 20000.00
         rollover EURUSD 3  -> p1 swap -21.00
         see 1 used 1200.00 equity 19979.00
         sell 1 EURUSD 0.50 closes p1 as half
         fill half 0.50 1.20000 -> half filled; deal p1 sell 0.50@1.20000 result 4989.50; p1 swap -10.50
         see 1 balance 14989.50 equity 19979.00",
    );
}

#[test]
fn results_are_converted_at_the_side_that_is_worse_for_the_client() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote USDJPY 150.000 150.100
         buy 1 USDJPY 1.00 as a
         fill a 1.00 150.100
         see 1 used 1000.00 unrealised -66.67
         quote USDJPY 151.100 151.200
         see 1 unrealised 661.38
         account 2 EUR hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 2 XAUUSD 0.10 -> stale_price+no_price
         quote XAUUSD 2000.000 2000.500
         buy 2 XAUUSD 0.10 as g
         fill g 0.10 2000.500
         # The ask of dollars in euro is one over the bid of EURUSD.
         see 2 used 181.86 unrealised -4.55",
    );
}

#[test]
fn a_missing_rate_keeps_the_state_and_is_told_after_ten_seconds() {
    check(
        "account 1 JPY hedging 100:1 deposit 1000000
         quote XAUUSD 2000.000 2000.500
         buy 1 XAUUSD 0.10 -> conversion_rate_missing
         quote USDJPY 150.000 150.000
         buy 1 XAUUSD 0.10 as g -> g submitted; send g",
    );
}

#[test]
fn a_halt_refuses_leveraged_entry_and_raises_the_requirement() {
    check(
        "account 1 USD hedging 100:1 deposit 2000.00
         account 2 USD hedging 1:1 deposit 150000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         halt EURUSD on          -> halt EURUSD on holders 1
         buy 1 EURUSD 0.01       -> volatility_halt
         buy 2 EURUSD 0.50 as b  -> b submitted; send b
         # Half a lot at 1:1, twice while the instrument is halted.
         see 2 used 110000.00 free 40000.00
         quote EURUSD 1.09500 1.09500
         wait 14m
         see 1 state healthy
         dry EURUSD halted true holders 1
         quote EURUSD 1.09500 1.09500
         wait 1m                 -> feed EURUSD delayed; margin 1 warning soft
         quote EURUSD 1.09000 1.09000 -> feed EURUSD live; margin 1 restricted soft
         # Twice the requirement would be a stop-out; without the factor it is none.
         quote EURUSD 1.08600 1.08600 ->
         dry EURUSD halted true holders 1 1 restricted>warning
         see 1 state restricted
         halt EURUSD off         -> halt EURUSD off holders 1; margin 1 warning
         quote EURUSD 1.08600 1.08600 ->
         sell 1 EURUSD 1.00 closes p1 as exit -> exit submitted; send exit",
    );
}

#[test]
fn dead_prices_warn_and_restrict_and_never_stop_out() {
    check(
        "account 1 USD hedging 100:1 deposit 1400.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         wait 31s        -> feed EURUSD delayed
         wait 6m         -> feed EURUSD unavailable; feed USDJPY unavailable; feed USDIDR unavailable; feed XAUUSD unavailable; feed BTCUSD unavailable; feed US500 unavailable
         buy 1 EURUSD 0.01 -> price_unavailable
         wait 60m        -> margin 1 restricted soft
         # A hundredth of the price is taken from what warns, and nothing from what a stop-out compares.
         see 1 equity 300.00 unrealised -1100.00 haircut 1100.00 used 1100.00 free -800.00 level 27.27 closeout 1400.00
         quote EURUSD 1.10000 1.10000 -> feed EURUSD live; margin 1 healthy
         see 1 equity 1400.00 unrealised 0.00 haircut 0.00 level 127.27",
    );
}

#[test]
fn a_closed_session_keeps_the_last_price() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10010
         close_session EURUSD -> feed EURUSD closed
         buy 1 EURUSD 0.10 -> closed_session
         sell 1 EURUSD 1.00 closes p1 -> closed_session
         protect 1 p1 sl 1.09000
         wait 60m
         see 1 equity 9990.00 state healthy",
    );
}

#[test]
fn thresholds_are_shown_in_money_and_in_price() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         see 1 to_warning 600.00 to_stop_out 1370.00 warning_at 1.09399 stop_out_at 1.08630
         quote EURUSD 1.09399 1.09399 -> margin 1 warning
         quote EURUSD 1.08631 1.08631 -> margin 1 restricted
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2",
    );
}

#[test]
fn a_stop_that_fires_while_the_link_is_down_waits_in_the_queue() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry sl 1.09500
         fill entry 1.00 1.10010
         link readonly                -> link read_only queued 0 in_doubt 0
         quote EURUSD 1.09400 1.09410 -> stop_loss p1; o2 queued
         quote EURUSD 1.05000 1.05010 ->
         link recovering              -> link recovering queued 1 in_doubt 0
         # However far the price went: a stop is wanted at any price.
         link live                    -> link live queued 1 in_doubt 0; o2 submitted; send o2",
    );
}

#[test]
fn what_was_to_close_never_opens() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 1.00 as entry
         fill entry 1.00 1.10010
         sell 1 EURUSD 0.40 closes p1 as target limit 1.11000 -> target pending
         sell 1 EURUSD 0.60 closes p1 as now
         fill now 1.00 1.10000       -> now filled; deal p1 sell 1.00@1.10000 result -10.00; target cancelled
         quote EURUSD 1.12000 1.12010 ->",
    );
}

#[test]
fn margin_is_looked_at_again_when_a_waiting_order_is_activated() {
    check(
        "account 1 USD hedging 100:1 deposit 2500.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 1 EURUSD 1.00 as dip limit 1.09600 -> dip pending
         quote EURUSD 1.09600 1.09600           -> dip rejected
         see 1 used 1100.00",
    );
}

#[test]
fn a_level_that_cannot_be_known_is_told_and_never_guessed() {
    check(
        "account 1 JPY hedging 100:1 deposit 1000000
         quote USDJPY 150.000 150.000
         quote XAUUSD 2000.000 2000.000
         buy 1 XAUUSD 0.10 as a
         fill a 0.10 2000.000
         quote XAUUSD 1152921504606846.000 1152921504606846.000 ->
         buy 1 XAUUSD 0.01                                      -> margin_level_unknown
         wait 9s                                                ->
         wait 1s                                                -> rate missing 1
         sell 1 XAUUSD 0.10 closes p1 as out                    -> out submitted; send out
         quote XAUUSD 2000.000 2000.000                         -> rate back 1",
    );
}

#[test]
fn what_a_person_changes_by_hand_carries_who_and_why() {
    use siaga_risk::event::*;
    use siaga_risk::ids::ActorId;
    let mut desk = desk::Desk::open();
    let mut told = |by: u32, body: Body| {
        let out = desk.command_by(by, body);
        let mut modes = Vec::new();
        let mut notes = Vec::new();
        for output in out {
            match output {
                Output::Link(change) => modes.push((change.from, change.to, change.manual)),
                Output::Noted(noted) => notes.push((noted.actor, noted.note)),
                _ => {}
            }
        }
        (modes, notes)
    };
    let hand = |read_only, note| {
        let link = desk::LINK;
        Body::SetLink(SetLink {
            link,
            read_only,
            note,
        })
    };
    let report = |mode, manual| {
        let link = desk::LINK;
        Body::LinkState(LinkReport { link, mode, manual })
    };
    let (live, read_only) = (LinkMode::Live, LinkMode::ReadOnly);
    let taken_out = told(5, hand(true, 77));
    let noted = vec![(ActorId(5), 77)];
    assert_eq!(taken_out, (vec![(live, read_only, true)], noted));
    assert_eq!(told(5, hand(true, 78)), (vec![], vec![]), "nothing changed");
    assert_eq!(told(0, report(live, false)).0, [], "its supervisor cannot");
    let given_back = told(6, hand(false, 79));
    let noted = vec![(ActorId(6), 79)];
    assert_eq!(given_back, (vec![(read_only, read_only, false)], noted));
    let recovering = told(0, report(LinkMode::Recovering, true));
    assert_eq!(recovering.0, [(read_only, LinkMode::Recovering, false)]);
    assert_eq!(told(6, hand(false, 80)), (vec![], vec![]), "it is back");

    let halt = |on, note| {
        let instrument = desk::instrument_id("EURUSD");
        Body::Halt(SetHalt {
            instrument,
            on,
            note,
        })
    };
    assert_eq!(told(7, halt(true, 81)).1, [(ActorId(7), 81)]);
    assert_eq!(told(8, halt(false, 82)).1, [(ActorId(8), 82)]);
}

#[test]
fn an_execution_that_cannot_be_booked_is_refused_and_its_order_in_doubt() {
    check(
        "account 1 USD hedging 100:1 deposit 1000000.00
         quote EURUSD 1.10000 1.10010
         buy 1 EURUSD 100.00 as entry
         fill entry 100.00 0.00000  -> entry in_doubt; price_not_positive
         see 1 positions 0 balance 1000000.00
         fill entry 100.00 1.10010  -> entry filled; deal p1 buy 100.00@1.10010
         sell 1 EURUSD 100.00 closes p1 as exit
         # Its result has no place in any account.
         fill exit 100.00 11258999068.00000 -> exit in_doubt; number_too_large
         see 1 positions 1 balance 1000000.00
         fill exit 100.00 1.10010   -> exit filled; deal p1 sell 100.00@1.10010",
    );
}
