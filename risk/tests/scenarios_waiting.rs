//! What an order that waits for a price is charged when the price comes, in words a trader can read. `desk/script.rs`
//! explains the language.

mod desk;

use desk::script::check;

/// Oil in April 2020, 10 lots of 100 barrels: what is filled at -37.65 is worth 37,650 dollars, not the ten that the
/// order names.
#[test]
fn below_zero_the_price_further_from_it_is_the_dearer() {
    check(
        "terms XAUUSD negative yes
         account 1 USD hedging 50:1 deposit 752.99
         quote XAUUSD -37.650 -37.650
         sell 1 XAUUSD 10.00 stop -0.010         -> not_enough_margin
         cash 1 deposit 0.01
         sell 1 XAUUSD 10.00 stop -0.010 as fall -> fall submitted; send fall
         see 1 used 753.00
         fill fall 10.00 -37.650                 -> fall filled; deal p1 sell 10.00@-37.650
         see 1 used 753.00",
    );
    check(
        "terms XAUUSD negative yes
         account 1 USD hedging 50:1 deposit 751.99
         quote XAUUSD -37.600 -37.600
         buy 1 XAUUSD 10.00 limit -33.900        -> not_enough_margin
         cash 1 deposit 0.01
         buy 1 XAUUSD 10.00 limit -33.900 as dip -> dip submitted; send dip
         see 1 used 752.00
         fill dip 10.00 -37.600                  -> dip filled; deal p1 buy 10.00@-37.600
         see 1 used 752.00",
    );
    check(
        "terms XAUUSD negative yes notional 37649.99
         account 1 USD hedging 50:1 deposit 10000.00
         quote XAUUSD -37.650 -37.650
         sell 1 XAUUSD 10.00 stop -0.010         -> notional_above_maximum",
    );
    // One that waits is charged at its own price.
    check(
        "terms XAUUSD negative yes
         account 1 USD hedging 50:1 deposit 10000.00
         quote XAUUSD -37.650 -37.650
         sell 1 XAUUSD 10.00 limit -33.900 as rise -> rise pending
         see 1 used 678.00",
    );
}

#[test]
fn a_held_order_that_a_gap_reaches_is_charged_where_it_would_be_filled() {
    check(
        "account 1 USD hedging 100:1 deposit 2150.00
         quote XAUUSD 2000.000 2000.500
         buy 1 XAUUSD 1.00 stop 2100.000 as break  -> break pending
         see 1 used 2100.00
         quote XAUUSD 2500.000 2500.000            -> break rejected
         see 1 used 0.00 orders 0",
    );
    check(
        "account 1 USD hedging 100:1 deposit 2500.00
         quote XAUUSD 2000.000 2000.500
         buy 1 XAUUSD 1.00 stop 2100.000 as break  -> break pending
         quote XAUUSD 2500.000 2500.000            -> break submitted; send break
         see 1 used 2500.00
         fill break 1.00 2500.000                  -> break filled; deal p1 buy 1.00@2500.000
         see 1 used 2500.00",
    );
    // A limit order is filled better than it asks for, which for who sells is dearer to hold.
    check(
        "account 1 USD hedging 100:1 deposit 2499.99
         quote XAUUSD 2000.000 2000.000
         sell 1 XAUUSD 1.00 limit 2100.000 as rise -> rise pending
         quote XAUUSD 2500.000 2500.000            -> rise rejected
         cash 1 deposit 0.01
         quote XAUUSD 2000.000 2000.000
         sell 1 XAUUSD 1.00 limit 2100.000 as rise -> rise pending
         quote XAUUSD 2500.000 2500.000            -> rise submitted; send rise
         see 1 used 2500.00",
    );
    // Through zero: charged 20 cents while it waits.
    check(
        "terms XAUUSD negative yes
         account 1 USD hedging 50:1 deposit 752.99
         quote XAUUSD 1.000 1.000
         sell 1 XAUUSD 10.00 stop -0.010 as fall   -> fall pending
         see 1 used 0.20
         quote XAUUSD -37.650 -37.650              -> fall rejected",
    );
}

/// A limit bounds what an order can cost, and what is filled cheaper than it named is charged less only then.
#[test]
fn a_held_order_with_a_worst_price_is_charged_at_that() {
    check(
        "account 1 USD hedging 100:1 deposit 2110.00
         quote XAUUSD 2000.000 2000.500
         buy 1 XAUUSD 1.00 stop 2100.000 then 2110.000 as break -> break pending
         quote XAUUSD 2500.000 2500.000            -> break submitted; send break
         see 1 used 2110.00",
    );
    check(
        "account 1 USD hedging 100:1 deposit 2000.00
         quote XAUUSD 2000.500 2000.500
         sell 1 XAUUSD 1.00 stop 1950.000 as fall  -> fall pending
         quote XAUUSD 1500.000 1500.000            -> fall submitted; send fall
         see 1 used 1950.00",
    );
}

/// What only closes needs no margin, however far the price has leapt.
#[test]
fn a_held_close_that_a_gap_reaches_is_charged_nothing() {
    check(
        "account 1 USD hedging 100:1 deposit 4000.00
         quote XAUUSD 2000.000 2000.000
         buy 1 XAUUSD 1.00 as entry
         fill entry 1.00 2000.000
         sell 1 XAUUSD 1.00 closes p1 limit 2100.000 as target -> target pending
         quote XAUUSD 2500.000 2500.000            -> target submitted; send target
         see 1 used 2000.00",
    );
}
