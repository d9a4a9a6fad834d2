//! Outputs that tests of several modules feed to the desk.

use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// An account of a group with the default levels.
pub(crate) fn terms(account: AccountId, group: GroupId) -> [Output; 2] {
    let group_terms = GroupTerms {
        id: group,
        preset: Preset::Mt5Default,
        margin_price: MarginPrice::Open,
        leverage: Leverage::of(100),
        warning: Ratio::percent(100),
        restricted: Ratio::percent(50),
        stop_out: Ratio::percent(30),
        stop_out_test: LevelTest::AtOrBelow,
        stop_out_policy: StopOutPolicy::Mt5,
        stop_out_mode: StopOutMode::Act,
        free_margin: FreeMargin::Both,
        loss_account: Ratio::percent(5),
        loss_position: Ratio::percent(50),
        negative_balance_protection: BalanceProtection::None,
        rate_max: 0,
        rate_window_ns: 0,
        duplicate_window_ns: 0,
        closing: StopOutTerms::PLAIN,
        loss: LossTerms::DEFAULT,
        margin: GroupMargin::NONE,
        call_flow: CallFlow::Acknowledge,
        throttle: ThrottleTerms::OFF,
    };
    let account_terms = AccountTerms {
        id: account,
        group,
        link: LinkId(1),
        currency: CurrencyId(1),
        accounting: Accounting::Hedging,
        leverage: Leverage::NONE,
    };
    [
        Output::Terms(TermsChange::Group(Box::new(group_terms))),
        Output::Terms(TermsChange::Account(account_terms)),
    ]
}

/// A margin state with a level that fits it.
pub(crate) fn margin(account: AccountId, instrument: InstrumentId, to: MarginState) -> Output {
    let percent = match to {
        MarginState::Healthy => 150,
        MarginState::Warning => 80,
        MarginState::Restricted => 40,
        MarginState::StopOut => 20,
    };
    Output::Margin(MarginChange {
        account,
        from: MarginState::Healthy,
        to,
        equity: Money(percent * 10),
        used: Money(1_000),
        level: Some(Ratio::percent(percent)),
        instrument: Some(instrument),
        soft: false,
    })
}

/// A movement that leaves this balance.
pub(crate) fn cash(account: AccountId, balance: i64) -> Output {
    Output::Cash(CashBooked {
        cash: Cash {
            account,
            kind: CashKind::Correction,
            amount: Money(1),
            reference: 1,
        },
        balance: Money(balance),
        credit: Money(0),
    })
}
