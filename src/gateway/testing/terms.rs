//! The small house of the tests: US dollar, euro, pound, gold; one account of 10,000 dollars.

use super::*;

pub fn directory() -> Directory {
    let mut names = Directory::default();
    names.version = 1;
    names.house_currency = CurrencyId(1);
    for (code, terms) in ["USD", "EUR", "XAU", "GBP"].into_iter().zip(currencies()) {
        names.put_currency(code, terms);
    }
    for ((symbol, name), terms) in [
        ("EUR/USD", "Euro"),
        ("XAU/USD", "Gold"),
        ("EUR/GBP", "Euro in pounds"),
    ]
    .into_iter()
    .zip(instruments())
    {
        names.put_instrument(symbol, name, terms);
    }
    names.put_source(SourceId(1), "simulator");
    names.put_link(LinkId(1), "paper");
    names.put_group("retail", group());
    names.put_account("Demo", account());
    names.put_actor(ActorId(1), "administrator");
    names
}

/// What the machine is told first.
pub fn bodies() -> Vec<Body> {
    let mut bodies: Vec<Body> = currencies().into_iter().map(Body::Currency).collect();
    bodies.push(Body::Source(SourceTerms {
        id: SourceId(1),
        kind: SourceKind::Gateway,
        crossed: Crossed::Hold,
        filtered: false,
    }));
    bodies.push(Body::Link(LinkTerms {
        id: LinkId(1),
        protective: HeldBy::Core,
        answer_timeout_ns: 5 * SECOND_NS,
        queue_tolerance: Ratio::percent(1),
        queue_expiry_ns: HOUR_NS,
        trades_closed: false,
    }));
    bodies.extend(instruments().map(|terms| Body::Instrument(Box::new(terms))));
    bodies.push(Body::Group(Box::new(group())));
    bodies.push(Body::Account(account()));
    bodies.push(Body::LinkState(LinkReport {
        link: LinkId(1),
        mode: LinkMode::Live,
        manual: false,
    }));
    bodies.extend([EURUSD, XAUUSD, EURGBP].map(|instrument| {
        Body::Session(Session {
            instrument,
            open: true,
            at: Ts(0),
            until: Ts(u64::MAX / 2),
        })
    }));
    let cash = Cash {
        account: ACCOUNT,
        kind: CashKind::Deposit,
        amount: Money(1_000_000),
        reference: 1,
    };
    bodies.push(Body::Cash(cash));
    bodies
}

fn currencies() -> [CurrencyTerms; 4] {
    let currency = |id, digits, pivot| CurrencyTerms {
        id: CurrencyId(id),
        digits,
        pivot,
    };
    [
        currency(1, 2, 1),
        currency(2, 2, 2),
        currency(3, 2, 0),
        currency(4, 2, 0),
    ]
}

pub fn instruments() -> [InstrumentTerms; 3] {
    [
        instrument_terms(EURUSD, 2, 1, 5, 100_000),
        instrument_terms(XAUUSD, 3, 1, 2, 100),
        instrument_terms(EURGBP, 2, 4, 5, 100_000),
    ]
}

fn group() -> GroupTerms {
    GroupTerms {
        id: GroupId(1),
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
        rate_window_ns: SECOND_NS,
        duplicate_window_ns: 0,
        closing: StopOutTerms::PLAIN,
        loss: LossTerms::DEFAULT,
        margin: GroupMargin::NONE,
        call_flow: CallFlow::Acknowledge,
        throttle: ThrottleTerms::OFF,
    }
}

fn account() -> AccountTerms {
    AccountTerms {
        id: ACCOUNT,
        group: GroupId(1),
        link: LinkId(1),
        currency: CurrencyId(1),
        accounting: Accounting::Hedging,
        leverage: Leverage::NONE,
    }
}
