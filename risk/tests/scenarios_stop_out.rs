//! Stop-outs, levels and losses as a trader would tell them.

mod desk;

use desk::script::check;

#[test]
fn ctrader_closes_the_smallest_part_that_lifts_the_level() {
    check(
        "group policy ctrader_smart stop_out 50
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.08851 1.08851 -> margin 1 warning
         quote EURUSD 1.08850 1.08850 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
         fill o2 0.01 1.08850         -> o2 filled; deal p1 sell 0.01@1.08850 result -11.50; margin 1 warning
         see 1 used 1089.00 equity 550.00 level 50.51",
    );
}

#[test]
fn a_deal_is_at_most_as_large_as_the_instrument_allows_and_the_level_is_looked_at_after_each() {
    check(
        "group stop_out 50
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         terms EURUSD qty_max 0.40
         quote EURUSD 1.08850 1.08850 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
         fill o2 0.40 1.08850         -> o2 filled; deal p1 sell 0.40@1.08850 result -460.00; margin 1 warning
         see 1 used 660.00 level 83.33",
    );
}

#[test]
fn a_level_in_money_closes_everything_because_closing_lifts_no_equity() {
    check(
        "group money 600.00
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         terms EURUSD qty_max 0.40
         see 1 to_stop_out 1100.00 stop_out_at 1.08900
         quote EURUSD 1.08901 1.08901 -> margin 1 warning
         quote EURUSD 1.08900 1.08900 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2; o3 submitted; send o3; o4 submitted; send o4
         fill o2 0.40 1.08900         -> o2 filled; deal p1 sell 0.40@1.08900 result -440.00
         fill o3 0.40 1.08900         -> o3 filled; deal p1 sell 0.40@1.08900 result -440.00
         fill o4 0.20 1.08900         -> o4 filled; deal p1 sell 0.20@1.08900 result -220.00; margin 1 healthy
         see 1 balance 600.00 positions 0",
    );
}

#[test]
fn a_fully_hedged_account_is_stopped_out_only_where_the_group_says_so() {
    check(
        "terms EURUSD hedged 0%
         account 1 USD hedging 100:1 deposit 1200.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 as b
         fill b 1.00 1.10000
         see 1 used 0.00
         quote EURUSD 1.09300 1.10600 -> margin 1 restricted
         group fully_hedged yes
         see 1 state stop_out",
    );
    check(
        "terms EURUSD hedged 0%
         group fully_hedged yes
         account 1 USD hedging 100:1 deposit 1200.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 as b
         fill b 1.00 1.10000
         quote EURUSD 1.09400 1.10600 ->
         see 1 equity 0.00 state healthy
         quote EURUSD 1.09300 1.10600 -> margin 1 stop_out; stopout 1 act close p1 close p2; o3 submitted; send o3; o4 submitted; send o4
         fill o3 1.00 1.09300         -> o3 filled; deal p1 sell 1.00@1.09300 result -700.00
         fill o4 1.00 1.10600         -> o4 filled; deal p2 buy 1.00@1.10600 result -600.00; margin 1 restricted; cash 1 compensation 100.00; margin 1 healthy",
    );
}

#[test]
fn a_stop_out_of_a_net_stops_with_the_close_that_is_enough() {
    check(
        "group stop_out 50
         account 1 USD netting 100:1 deposit 1800.00
         quote EURUSD 1.10000 1.10000
         quote XAUUSD 2000.000 2000.000
         sell 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 1 XAUUSD 0.10 as b
         fill b 0.10 2000.000
         see 1 used 1300.00
         # Its own close, once it is on its way, is no new position the other way round.
         quote EURUSD 1.11150 1.11150 -> margin 1 stop_out; stopout 1 act close p1; o3 submitted; send o3
         quote EURUSD 1.11160 1.11160 ->
         fill o3 1.00 1.11150         -> o3 filled; deal p1 buy 1.00@1.11150 result -1150.00; margin 1 healthy
         see 1 positions 1 used 200.00",
    );
}

#[test]
fn a_take_profit_that_will_give_way_does_not_make_a_stop_out_of_a_net_go_on() {
    check(
        "group stop_out 50
         account 1 USD netting 100:1 deposit 1800.00
         quote EURUSD 1.10000 1.10000
         quote XAUUSD 2000.000 2000.000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 1 XAUUSD 0.10 as b
         fill b 0.10 2000.000
         sell 1 EURUSD 1.00 limit 1.20000 as take -> take pending
         quote EURUSD 1.08850 1.08850 -> margin 1 stop_out; stopout 1 act cancel take close p1; take cancelled; o4 submitted; send o4
         fill o4 1.00 1.08850         -> o4 filled; deal p1 sell 1.00@1.08850 result -1150.00; margin 1 healthy",
    );
    check(
        "group stop_out 50
         held broker
         account 1 USD netting 100:1 deposit 1800.00
         quote EURUSD 1.10000 1.10000
         quote XAUUSD 2000.000 2000.000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 1 XAUUSD 0.10 as b
         fill b 0.10 2000.000
         sell 1 EURUSD 1.00 limit 1.20000 as take
         report take accepted         -> take working
         quote EURUSD 1.08850 1.08850 -> margin 1 stop_out; stopout 1 act cancel take close p1; take cancelling; send cancel take
         report take cancelled        -> take cancelled; stopout 1 act close p1; o4 submitted; send o4
         fill o4 1.00 1.08850         -> o4 filled; deal p1 sell 1.00@1.08850 result -1150.00; margin 1 healthy",
    );
}

#[test]
fn what_is_being_closed_of_a_net_counts_as_closed_once() {
    check(
        "group policy ctrader_smart stop_out 50
         account 1 USD netting 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 0.60 as exit   -> exit submitted; send exit
         # 0.27 of the 0.40 that are left may stay: they need 148.50 of 150.00.
         quote EURUSD 1.08450 1.08450 -> margin 1 stop_out; stopout 1 act close p1; o3 submitted; send o3
         fill o3 0.13 1.08450         -> o3 filled; deal p1 sell 0.13@1.08450 result -201.50",
    );
    check(
        "group stop_out 50
         account 1 USD netting 100:1 deposit 1800.00
         quote EURUSD 1.10000 1.10000
         quote XAUUSD 2000.000 2000.000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 1 XAUUSD 0.10 as b
         fill b 0.10 2000.000
         sell 1 EURUSD 1.50 as turn   -> turn submitted; send turn
         # Short 0.50 and the gold need 750.00, and 650.00 are more than half of it.
         quote EURUSD 1.08850 1.08850 -> margin 1 stop_out
         fill turn 1.50 1.08850       -> turn filled; deal p1 sell 1.00@1.08850 result -1150.00; deal p3 sell 0.50@1.08850; margin 1 warning",
    );
}

#[test]
fn a_queued_stop_out_of_a_net_is_given_back_when_a_part_of_it_is_enough() {
    check(
        "account 1 USD netting 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         terms EURUSD qty_max 0.60
         link readonly
         quote EURUSD 1.08100 1.08100 -> margin 1 stop_out; stopout 1 act close p1; o2 queued; o3 queued
         # With 0.60 gone the rest needs 132.00 of 150.00.
         quote EURUSD 1.08450 1.08450 ->
         link live                    -> link live queued 2 in_doubt 0; o2 submitted; send o2; o3 returned",
    );
}

#[test]
fn a_broker_that_refuses_a_cancel_is_not_flooded_by_a_stop_out() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.09990 as take
         report take accepted         -> take working
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act cancel take close p1; take cancelling; send cancel take
         report take cancel_rejected  -> take working
         quote EURUSD 1.08620 1.08620 ->
         wait 1s                      -> stopout 1 act cancel take close p1; take cancelling; send cancel take
         report take cancelled        -> take cancelled; stopout 1 act close p1; o3 submitted; send o3",
    );
}

/// Asking for the cancel every second, as it did once, spared the broker the flood and the account nothing: the margin of
/// the order alone would have lifted it, so nothing was closed while the market went on.
#[test]
fn a_stop_out_closes_positions_when_the_broker_refuses_to_cancel_an_order() {
    check(
        "group stop_out 50
         account 1 USD hedging 100:1 deposit 2300.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.00000
         held broker
         buy 1 EURUSD 0.80 as dip limit 0.90000
         report dip accepted          -> dip working
         quote EURUSD 0.98600 0.98600 -> margin 1 stop_out; stopout 1 act cancel dip; dip cancelling; send cancel dip
         report dip cancel_rejected   -> dip working; stopout 1 act close p1; o3 submitted; send o3
         # Nor does a client's cancel of it count as freed.
         cancel 1 dip                 -> dip cancelling; send cancel dip
         report o3 rejected           -> o3 rejected
         wait 1s                      -> stopout 1 act close p1; o4 submitted; send o4
         fill o4 1.00 0.98600         -> o4 filled; deal p1 sell 1.00@0.98600 result -1400.00; margin 1 healthy",
    );
    check(
        "group stop_out 50
         account 1 USD hedging 100:1 deposit 2300.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.00000
         held broker
         buy 1 EURUSD 0.80 as dip limit 0.90000
         report dip accepted          -> dip working
         # Nothing can be closed, so the order is all there is.
         terms EURUSD trade disabled
         quote EURUSD 0.98600 0.98600 -> margin 1 stop_out; stopout 1 act cancel dip; dip cancelling; send cancel dip
         report dip cancel_rejected   -> dip working
         wait 9s                      ->
         quote EURUSD 0.98590 0.98590 ->
         wait 9s                      ->
         quote EURUSD 0.98600 0.98600 ->
         wait 9s                      ->
         quote EURUSD 0.98590 0.98590 ->
         wait 9s                      ->
         quote EURUSD 0.98600 0.98600 ->
         wait 9s                      ->
         quote EURUSD 0.98590 0.98590 ->
         wait 9s                      ->
         quote EURUSD 0.98600 0.98600 ->
         wait 6s                      -> stopout 1 act cancel dip; dip cancelling; send cancel dip",
    );
}

#[test]
fn a_stop_out_looks_again_when_the_time_of_a_cancel_is_over_that_was_refused_before_it() {
    check(
        "group stop_out 50
         account 1 USD hedging 100:1 deposit 2300.00
         quote EURUSD 1.00000 1.00000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.00000
         held broker
         buy 1 EURUSD 0.80 as dip limit 0.90000
         report dip accepted          -> dip working
         cancel 1 dip                 -> dip cancelling; send cancel dip
         report dip cancel_rejected   -> dip working
         # Nothing can be closed, so the order is all there is.
         terms EURUSD trade disabled
         quote EURUSD 0.98600 0.98600 -> margin 1 stop_out
         wait 9s                      ->
         quote EURUSD 0.98590 0.98590 ->
         wait 9s                      ->
         quote EURUSD 0.98600 0.98600 ->
         wait 9s                      ->
         quote EURUSD 0.98590 0.98590 ->
         wait 9s                      ->
         quote EURUSD 0.98600 0.98600 ->
         wait 9s                      ->
         quote EURUSD 0.98590 0.98590 ->
         wait 9s                      ->
         quote EURUSD 0.98600 0.98600 ->
         wait 6s                      -> stopout 1 act cancel dip; dip cancelling; send cancel dip",
    );
}

#[test]
fn a_client_whose_cancels_are_refused_does_not_hold_a_stop_out_off() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 closes p1 limit 1.09990 as take
         report take accepted         -> take working
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act cancel take close p1; take cancelling; send cancel take
         report take cancel_rejected  -> take working
         wait 900ms                   ->
         cancel 1 take                -> take cancelling; send cancel take
         report take cancel_rejected  -> take working
         # A second after the house's own try, whatever the client has asked for since.
         wait 100ms                   -> stopout 1 act cancel take close p1; take cancelling; send cancel take
         wait 300ms                   ->
         report take cancel_rejected  -> take working
         cancel 1 take                -> take cancelling; send cancel take
         wait 500ms                   ->
         report take cancel_rejected  -> take working
         wait 500ms                   -> stopout 1 act cancel take close p1; take cancelling; send cancel take",
    );
}

#[test]
fn a_queued_stop_out_does_not_go_out_while_the_level_is_unknown() {
    check(
        "account 1 JPY hedging 100:1 deposit 40000
         quote USDJPY 150.000 150.000
         quote XAUUSD 2000.000 2000.000
         buy 1 XAUUSD 0.10 as a
         fill a 0.10 2000.000
         link readonly
         quote XAUUSD 1979.000 1979.000 -> margin 1 stop_out; stopout 1 act close p1; o2 queued
         # A price beyond every number.
         quote XAUUSD 1152921504606846.000 1152921504606846.000 ->
         link live                      -> link live queued 1 in_doubt 0; o2 returned
         quote XAUUSD 1979.000 1979.000 ->
         wait 1s                        -> stopout 1 act close p1; o3 submitted; send o3",
    );
}

#[test]
fn first_in_first_out_closes_the_oldest_loser_of_an_instrument() {
    check(
        "group stop_out 50 oldest_first yes
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 0.50 as a
         fill a 0.50 1.10000
         quote EURUSD 1.10500 1.10500
         buy 1 EURUSD 0.50 as b
         fill b 0.50 1.10500
         quote EURUSD 1.09102 1.09102 -> margin 1 warning
         quote EURUSD 1.09101 1.09101 -> margin 1 stop_out; stopout 1 act close p1; o3 submitted; send o3",
    );
}

#[test]
fn less_than_half_is_not_half() {
    check(
        "group stop_out 50 test below
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.08850 1.08850 -> margin 1 warning
         see 1 level 50.00
         quote EURUSD 1.08849 1.08849 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2",
    );
}

#[test]
fn half_of_the_spread_is_given_back_where_the_group_closes_at_the_mid() {
    check(
        "group stop_out 50 at_mid yes
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.08840 1.08862 -> margin 1 restricted
         see 1 equity 540.00 closeout 551.00
         quote EURUSD 1.08840 1.08860 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2",
    );
}

#[test]
fn a_margin_call_of_losers_first_sizes_its_orders_to_what_is_missing() {
    check(
        "group policy losers_first test buffer stop_out 10 warning 5
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.09458 1.09458 ->
         quote EURUSD 1.09457 1.09457 -> margin 1 warning
         quote EURUSD 1.09300 1.09300 ->
         quote EURUSD 1.09299 1.09299 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
         fill o2 0.10 1.09299         -> o2 filled; deal p1 sell 0.10@1.09299 result -70.10; margin 1 warning
         see 1 used 990.00 equity 999.00",
    );
}

#[test]
fn further_levels_are_told_on_the_way_down_and_up() {
    check(
        "group rungs 99,75
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.09390 1.09390 -> margin 1 warning
         quote EURUSD 1.09389 1.09389 -> level 1 99.00 on
         quote EURUSD 1.09126 1.09126 ->
         quote EURUSD 1.09125 1.09125 -> level 1 75.00 on
         quote EURUSD 1.09126 1.09126 -> level 1 75.00 off
         quote EURUSD 1.09000 1.09000 -> level 1 75.00 on
         quote EURUSD 1.10000 1.10000 -> margin 1 healthy; level 1 99.00 off; level 1 75.00 off",
    );
}

#[test]
fn a_drawdown_is_measured_from_the_highest_equity() {
    check(
        "group loss_account 10 loss_account_of peak clear 50
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.11000 1.11000 ->
         quote EURUSD 1.09900 1.09900 ->
         quote EURUSD 1.09899 1.09899 -> loss account 1 on 1101.00
         quote EURUSD 1.10449 1.10449 ->
         quote EURUSD 1.10450 1.10450 -> loss account 1 off 550.00
         # Money paid in is no new peak of trading: the peak moves with it.
         cash 1 deposit 1000.00
         quote EURUSD 1.09800 1.09800 ->
         quote EURUSD 1.09799 1.09799 -> loss account 1 on 1201.00",
    );
}

#[test]
fn a_loss_may_be_measured_against_margin_or_a_position_against_the_day() {
    check(
        "group loss_account 20 loss_account_of margin loss_position 3 loss_position_of day_start
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         quote EURUSD 1.09780 1.09780 ->
         quote EURUSD 1.09779 1.09779 -> loss account 1 on 221.00
         quote EURUSD 1.09700 1.09700 ->
         quote EURUSD 1.09699 1.09699 -> loss p1 on 301.00
         sell 1 EURUSD 1.00 closes p1 as exit
         fill exit 1.00 1.09699       -> exit filled; deal p1 sell 1.00@1.09699 result -301.00; loss account 1 off 0.00",
    );
}

#[test]
fn a_loss_against_margin_follows_a_margin_that_follows_the_price() {
    check(
        "group margin_price mid loss_position 50 loss_position_of margin
         account 1 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         # Half of 1,094.53 are 547.27, half of 1,094.52 are 547.26.
         quote EURUSD 1.09453 1.09453 ->
         quote EURUSD 1.09452 1.09452 -> loss p1 on 548.00",
    );
}

#[test]
fn a_stop_loss_that_a_gap_jumped_leaves_nobody_below_zero() {
    check(
        "account 1 USD hedging 100:1 deposit 1200.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.08900
         fill a 1.00 1.10000
         quote EURUSD 1.08000 1.08000 -> stop_loss p1; o2 submitted; send o2; margin 1 stop_out
         fill o2 1.00 1.08000         -> o2 filled; deal p1 sell 1.00@1.08000 result -2000.00; margin 1 restricted; cash 1 compensation 800.00; margin 1 healthy
         see 1 balance 0.00",
    );
}

#[test]
fn what_is_left_of_positions_is_looked_at_before_a_balance_is_lifted() {
    check(
        "account 1 USD hedging 100:1 deposit 5000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 as b
         fill b 1.00 1.10000
         quote EURUSD 1.04000 1.04000
         sell 1 EURUSD 1.00 closes p1 as out
         # 6,000.00 are lost and 6,000.00 are still to come.
         fill out 1.00 1.04000        -> out filled; deal p1 sell 1.00@1.04000 result -6000.00
         see 1 balance -1000.00 equity 5000.00
         buy 1 EURUSD 1.00 closes p2 as back
         fill back 1.00 1.04000       -> back filled; deal p2 buy 1.00@1.04000 result 6000.00
         see 1 balance 5000.00",
    );
}

#[test]
fn a_correction_below_zero_is_no_loss_by_trading() {
    check(
        "account 1 USD hedging 100:1 deposit 1000.00
         cash 1 correction -1500.00   -> cash 1 correction -1500.00; margin 1 restricted
         see 1 balance -500.00",
    );
}

#[test]
fn a_group_may_be_protected_from_what_a_stop_out_leaves_alone() {
    check(
        "group protection stop_out
         account 1 USD hedging 100:1 deposit 1200.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.08900
         fill a 1.00 1.10000
         quote EURUSD 1.08000 1.08000 -> stop_loss p1; o2 submitted; send o2; margin 1 stop_out
         fill o2 1.00 1.08000         -> o2 filled; deal p1 sell 1.00@1.08000 result -2000.00; margin 1 restricted
         see 1 balance -800.00",
    );
}

#[test]
fn the_next_stop_out_is_foretold() {
    check(
        "account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         see 1 next never
         buy 1 EURUSD 0.50 as a
         fill a 0.50 1.10000 -> a filled; deal p1 buy 0.50@1.10000
         buy 1 EURUSD 0.50 as b
         fill b 0.50 1.10000 -> b filled; deal p2 buy 0.50@1.10000
         see 1 next p1:0.50@1.08630:30.00..60.00
         group policy ctrader_smart
         see 1 next p1:0.01@1.08630:30.00..30.30
         # What it said is what happens.
         quote EURUSD 1.08631 1.08631 -> margin 1 restricted
         quote EURUSD 1.08630 1.08630 -> margin 1 stop_out; stopout 1 act close p1; o3 submitted; send o3
         fill o3 0.01 1.08630         -> o3 filled; deal p1 sell 0.01@1.08630 result -13.70; margin 1 restricted
         see 1 level 30.30",
    );
}

#[test]
fn the_forecast_follows_a_margin_that_moves_with_the_price() {
    check(
        "group margin_price mid stop_out 50
         account 1 USD hedging 100:1 deposit 1700.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000 -> a filled; deal p1 buy 1.00@1.10000
         see 1 next p1:1.00@1.08844:49.98..none
         quote EURUSD 1.08845 1.08845 -> margin 1 warning
         quote EURUSD 1.08844 1.08844 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2",
    );
}
