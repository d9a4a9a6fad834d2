//! What brokers say, in words a trader can read: cancels that get lost, executions that are not on the books, executions
//! that are taken back. `desk/script.rs` explains the language.

mod desk;

use desk::script::check;

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
         link live                    -> link live queued 0 in_doubt 0; dip cancelling; send cancel dip
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
