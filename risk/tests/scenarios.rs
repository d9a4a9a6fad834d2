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
