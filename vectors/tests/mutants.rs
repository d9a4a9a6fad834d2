//! A rule changed on purpose must be noticed twice: by a published example, and by a scenario of the machine.

use serde_json::{Value, json};
use siaga_risk::mutation::{Mutation, with};
use siaga_vectors::{Vector, run_one};

/// An example holds as it is, and fails under the change.
fn notices(mutation: Mutation, inputs: &Value, expect: &Value) {
    let vector = Vector {
        id: format!("mutants.{mutation:?}"),
        family: "mutants".into(),
        rule: String::new(),
        inputs: inputs.clone(),
        expect: expect.clone(),
    };
    let report = run_one(&vector);
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    let changed = with(mutation, || run_one(&vector));
    assert_eq!(changed.failed, 1, "{mutation:?} goes unnoticed");
}

#[test]
fn a_tie_that_goes_down() {
    let inputs = json!({
        "calc": "position_margin", "calc_mode": "CFD_LEVERAGE", "side": "buy", "lots": "10", "contract_size": "125000",
        "leverage": "500", "bid": "1.11703", "ask": "1.11705", "margin_currency": "USD", "account_currency": "USD",
        "margin_rate": "1", "account_digits": 2,
    });
    notices(Mutation::TiesDown, &inputs, &json!({ "margin": "2792.63" }));
}

#[test]
fn a_conversion_on_the_other_side() {
    let inputs = json!({
        "calc": "position_margin", "calc_mode": "FOREX", "side": "buy", "lots": "1", "contract_size": "100000",
        "leverage": "100", "margin_currency": "EUR", "account_currency": "USD",
        "conversion": { "pair": "EURUSD", "quoted": "account_per_margin", "bid": "1.2788", "ask": "1.2790" },
        "margin_rate": "1", "account_digits": 2,
    });
    notices(
        Mutation::MarginOtherSide,
        &inputs,
        &json!({ "margin": "1279.00" }),
    );
}

#[test]
fn a_comparison_without_its_equality() {
    let inputs = json!({
        "calc": "open_order_gate", "position_lots_signed": "0", "order_side": "buy", "order_lots": "1",
        "free_margin": "1000", "margin_required": "1000",
    });
    let expect = json!({ "allowed": true, "reason": "sufficient_margin" });
    notices(Mutation::MarginExclusive, &inputs, &expect);
}

#[test]
fn orders_in_flight_for_nothing() {
    let inputs = json!({
        "calc": "started_orders", "position_lots_signed": "-0.02", "started_orders": [{ "side": "sell", "lots": "0.03" }],
        "contract_size": "100000", "leverage": "300", "account_digits": 2,
    });
    notices(
        Mutation::FlightFree,
        &inputs,
        &json!({ "margin_while_started": "16.67" }),
    );
}

#[test]
fn a_band_that_ends_too_early() {
    let inputs = json!({
        "calc": "trade_bands", "contract_size": "100000", "bands": [{ "to": "5", "leverage": "2000" }, { "to": null, "leverage": "1000" }],
        "trades": [{ "lots": "5", "price": "1.37615" }], "rounding_stage": "total", "account_digits": 2,
    });
    notices(Mutation::BandEnds, &inputs, &json!({ "margin": "344.04" }));
}

/// The same changes seen by the machine without any adapter: an account that a trader could read.
mod scenarios {
    use siaga_risk::event::*;
    use siaga_risk::ids::*;
    use siaga_risk::mutation::{Mutation, with};
    use siaga_risk::terms::*;
    use siaga_risk::units::*;
    use siaga_risk::verdict::Reject;
    use siaga_vectors::desk::{ACCOUNT, Desk, EUR, GROUP, LINK, USD};

    /// What an account with 1,000 USD sees of one lot of EUR/USD at 1.27880 / 1.27905 under leverage 100.
    struct Seen {
        used: Money,
        reasons: Vec<Reject>,
    }

    fn seen(deposit: i64, side: Side) -> Seen {
        let of = |id, pivot| CurrencyTerms {
            id,
            digits: 2,
            pivot,
        };
        let group = GroupTerms {
            rate_max: 0,
            ..GroupTerms::preset(GROUP, Preset::Mt5Default)
        };
        let mut desk = Desk::open(&[of(USD, 1), of(EUR, 2)], &group).expect("a desk");
        let id = InstrumentId(1);
        let pair = InstrumentTerms::of_class(id, AssetClass::Forex, EUR, USD, 5);
        desk.list(pair).expect("a pair");
        desk.quote(id, 127_880, 127_905);
        desk.must(Body::Account(AccountTerms {
            id: ACCOUNT,
            group: GROUP,
            link: LINK,
            currency: USD,
            accounting: Accounting::Netting,
            leverage: 0,
        }))
        .expect("an account");
        desk.must(Body::Cash(Cash {
            account: ACCOUNT,
            kind: CashKind::Deposit,
            amount: Money(deposit),
            reference: 0,
        }))
        .expect("money");
        let out = desk.command(Body::Order(Box::new(NewOrder {
            account: ACCOUNT,
            instrument: id,
            side,
            kind: OrderKind::Market,
            tif: Tif::Gtc,
            qty: Qty(101),
            price: None,
            stop: None,
            expires: None,
            position: None,
            reduce_only: false,
            slippage_max: Price(0),
            protection: Protection {
                stop_loss: None,
                take_profit: None,
                trailing: Price(0),
            },
            client_id: ClientOrderId::default(),
            trader: 0,
            desk: 0,
            strategy: 0,
        })));
        Seen {
            used: desk.account(ACCOUNT).expect("the account").used,
            reasons: siaga_vectors::desk::refusal(&out).unwrap_or_default(),
        }
    }

    #[test]
    fn the_machine_notices_too() {
        // 1.01 lots: 1,010 EUR at the ask of 1.27905 are 1,291.8405 USD; at the bid of 1.27880 they are 1,291.588.
        assert_eq!(seen(200_000, Side::Buy).used, Money(129_184));
        assert_eq!(seen(200_000, Side::Sell).used, Money(129_159));
        let other = with(Mutation::MarginOtherSide, || seen(200_000, Side::Buy));
        assert_eq!(other.used, Money(129_159));
        let free = with(Mutation::FlightFree, || seen(200_000, Side::Buy));
        assert_eq!(free.used, Money(0));
        // Exactly enough is enough.
        assert_eq!(seen(129_184, Side::Buy).reasons, []);
        assert_eq!(seen(129_183, Side::Buy).reasons, [Reject::Margin]);
        let exclusive = with(Mutation::MarginExclusive, || seen(129_184, Side::Buy));
        assert_eq!(exclusive.reasons, [Reject::Margin]);
    }
}
