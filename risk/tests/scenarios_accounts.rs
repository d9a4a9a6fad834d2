//! Accounts that have something otherwise than their group.

mod desk;

use desk::script::check;
use desk::*;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;
use siaga_risk::view::{AccountView, Ask, HedgeFrom, Query, View};

#[test]
fn each_account_is_called_and_stopped_out_at_its_own_levels() {
    check(
        "account 1 USD hedging 100:1 deposit 2000.00
         account 2 USD hedging 100:1 deposit 2000.00
         rules 1 warning 150 stop_out 40
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         buy 2 EURUSD 1.00 as b
         fill b 1.00 1.10000
         quote EURUSD 1.09650 1.09650 ->
         quote EURUSD 1.09649 1.09649 -> margin 1 warning
         quote EURUSD 1.09100 1.09100 ->
         quote EURUSD 1.09099 1.09099 -> margin 2 warning
         quote EURUSD 1.08549 1.08549 -> margin 1 restricted; margin 2 restricted
         quote EURUSD 1.08441 1.08441 ->
         quote EURUSD 1.08440 1.08440 -> margin 1 stop_out; stopout 1 act close p1; o3 submitted; send o3
         # Everything as the group again.
         rules 1                      -> margin 1 restricted
         quote EURUSD 1.08330 1.08330 -> margin 1 stop_out; margin 2 stop_out; stopout 2 act close p2; o4 submitted; send o4",
    );
}

#[test]
fn further_levels_and_the_order_of_closing_may_be_an_accounts_own() {
    check(
        "group stop_out 50
         account 1 USD hedging 100:1 deposit 1700.00
         rules 1 rungs 90,70 policy ctrader_smart
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         # 990.00 and 770.00 of 1,100.00.
         quote EURUSD 1.09290 1.09290 -> margin 1 warning; level 1 90.00 on
         quote EURUSD 1.09070 1.09070 -> level 1 70.00 on
         quote EURUSD 1.08850 1.08850 -> margin 1 stop_out; stopout 1 act close p1; o2 submitted; send o2
         fill o2 0.01 1.08850         -> o2 filled; deal p1 sell 0.01@1.08850 result -11.50; margin 1 warning",
    );
}

#[test]
fn a_client_may_be_protected_where_the_group_is_not() {
    check(
        "group protection none
         account 1 USD hedging 100:1 deposit 1200.00
         rules 1 protection any_close
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a sl 1.08900
         fill a 1.00 1.10000
         quote EURUSD 1.08000 1.08000 -> stop_loss p1; o2 submitted; send o2; margin 1 stop_out
         fill o2 1.00 1.08000         -> o2 filled; deal p1 sell 1.00@1.08000 result -2000.00; margin 1 restricted; cash 1 compensation 800.00; margin 1 healthy",
    );
}

#[test]
fn the_accounts_hedge_rule_goes_before_the_groups_and_that_before_the_instruments() {
    check(
        "account 1 USD hedging 100:1 deposit 10000.00
         account 2 USD hedging 100:1 deposit 10000.00
         quote EURUSD 1.10000 1.10000
         buy 1 EURUSD 1.00 as a
         fill a 1.00 1.10000
         sell 1 EURUSD 1.00 as b
         fill b 1.00 1.10000
         buy 2 EURUSD 1.00 as c
         fill c 1.00 1.10000
         sell 2 EURUSD 1.00 as d
         fill d 1.00 1.10000
         # Half of the covered lot, as the instrument has it.
         see 1 used 550.00
         group hedge max
         see 1 used 1100.00
         see 2 used 1100.00
         rules 1 hedge net
         see 1 used 0.00
         see 2 used 1100.00
         group hedge sum
         see 1 used 0.00
         see 2 used 2200.00
         rules 1
         see 1 used 2200.00",
    );
}

#[test]
fn rules_that_contradict_are_refused_by_number() {
    check(
        "account 1 USD hedging 100:1 deposit 1000.00
         account 2 USD netting 100:1 deposit 1000.00
         # The restriction stands at 50 %, the stop-out at 30 %.
         rules 1 stop_out 60               -> levels_contradict
         rules 1 warning 40                -> levels_contradict
         rules 1 restricted 20             -> levels_contradict
         rules 1 restricted 60 stop_out 60 ->
         rules 1 warning 1001              -> terms_invalid
         rules 1 rungs 70,90               -> terms_invalid
         rules 2 hedge net                 -> hedge_rule_on_netting_account
         rules 9 warning 120               -> unknown_account
         rules 1                           ->
         group test oanda_closeout
         rules 2 stop_out 40               -> levels_contradict
         rules 2 warning 120               ->",
    );
}

fn reasons(out: &[Output]) -> Vec<Reject> {
    let answer = out.iter().find_map(|output| match output {
        Output::Answer(answer) => Some(answer.reasons.clone()),
        _ => None,
    });
    answer.expect("an answer")
}

fn view(desk: &Desk, id: u32) -> AccountView {
    let query = Query::Account(AccountId(id));
    match desk.machine.ask(&Ask { token: 0, query }).view {
        View::Account(view) => *view,
        other => panic!("{other:?}"),
    }
}

#[test]
fn levels_of_a_group_that_do_not_fall_are_refused() {
    let mut desk = Desk::open();
    let usual = desk.group;
    let mut refused = |warning, restricted, stop_out, test| {
        let group = GroupTerms {
            warning: Ratio::percent(warning),
            restricted: Ratio::percent(restricted),
            stop_out: Ratio::percent(stop_out),
            stop_out_test: test,
            ..usual
        };
        reasons(&desk.command(Body::Group(Box::new(group))))
    };
    let contradict = [Reject::LevelsContradict];
    assert_eq!(refused(40, 50, 30, LevelTest::AtOrBelow), contradict);
    assert_eq!(refused(100, 50, 60, LevelTest::Below), contradict);
    // OANDA closes out at half, whatever the share says.
    assert_eq!(refused(100, 40, 0, LevelTest::OandaCloseout), contradict);
    assert_eq!(refused(100, 50, 50, LevelTest::AtOrBelow), []);
    // A level of 0 is off, and shares of a buffer are of something else.
    assert_eq!(refused(100, 0, 50, LevelTest::AtOrBelow), []);
    assert_eq!(refused(5, 50, 10, LevelTest::Buffer), []);
}

/// Neither the group's terms nor a move to another group may leave an account with levels that contradict.
#[test]
fn a_group_cannot_change_against_what_an_account_has_for_itself() {
    let mut desk = Desk::open();
    let strict = GroupTerms {
        id: GroupId(2),
        restricted: Ratio::percent(80),
        stop_out: Ratio::percent(70),
        ..desk.group
    };
    desk.must(Body::Group(Box::new(strict)));
    desk.account(1, USD, Accounting::Hedging, 0);
    assert!(reasons(&desk.rules(1, &["stop_out", "40"])).is_empty());
    let lower = GroupTerms {
        restricted: Ratio::percent(35),
        ..desk.group
    };
    let refused = desk.command(Body::Group(Box::new(lower)));
    assert_eq!(reasons(&refused), [Reject::LevelsContradict]);
    let whose = refused.iter().find_map(|output| match output {
        Output::Answer(answer) => answer.account,
        _ => None,
    });
    assert_eq!(whose, Some(AccountId(1)));
    assert_eq!(view(&desk, 1).restricted, desk.group.restricted);
    let mut terms = view(&desk, 1).terms;
    terms.group = strict.id;
    assert!(reasons(&desk.command(Body::Account(terms))).is_empty());
    let moved = view(&desk, 1);
    assert_eq!(
        (moved.restricted, moved.stop_out),
        (Ratio::percent(80), Ratio::percent(40))
    );
    assert!(reasons(&desk.rules(1, &["warning", "90"])).is_empty());
    terms.group = GROUP;
    assert!(reasons(&desk.command(Body::Account(terms))).is_empty());
    let other = GroupTerms {
        id: GroupId(3),
        restricted: Ratio::percent(95),
        ..desk.group
    };
    desk.must(Body::Group(Box::new(other)));
    terms.group = other.id;
    let refused = desk.command(Body::Account(terms));
    assert_eq!(reasons(&refused), [Reject::LevelsContradict]);
}

#[test]
fn what_is_an_accounts_own_can_be_told_from_what_is_its_groups() {
    let mut desk = Desk::open();
    desk.account(1, USD, Accounting::Hedging, 0);
    desk.quote("EURUSD", 110_000, 110_000);
    assert_eq!(view(&desk, 1).rules, None);
    let out = desk.rules(1, &["stop_out", "40", "hedge", "sum"]);
    let told = out.iter().any(|output| {
        matches!(output, Output::Terms(TermsChange::Rules(rules)) if rules.hedge == Some(HedgeRule::Sum))
    });
    assert!(told, "{out:?}");
    let own = view(&desk, 1).rules.expect("rules of its own");
    assert_eq!(
        (own.stop_out, own.warning),
        (Some(Ratio::percent(40)), None)
    );
    desk.must(Body::Cash(Cash {
        account: AccountId(1),
        kind: CashKind::Deposit,
        amount: Money(1_000_000),
        reference: 0,
    }));
    desk.must(Body::Order(Box::new(order(1, "EURUSD", Side::Buy, 100))));
    let hedge = view(&desk, 1).margins[0].hedge;
    assert_eq!(hedge, Some((HedgeRule::Sum, HedgeFrom::Account)));
    let listed = desk.machine.terms();
    assert!(listed.contains(&TermsChange::Rules(Box::new(own))));
    desk.rules(1, &[]);
    assert_eq!(view(&desk, 1).rules, None);
    assert!(
        !desk
            .machine
            .terms()
            .iter()
            .any(|change| matches!(change, TermsChange::Rules(_)))
    );
}
