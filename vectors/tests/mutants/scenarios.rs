//! The same changes seen by the machine without any adapter: an account that a trader could read.

use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::mutation::{Mutation, with};
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;
use siaga_vectors::desk::{ACCOUNT, Desk, EUR, GROUP, LINK, USD, refusal};

/// EUR/USD, or what a scenario makes of it.
const PAIR: InstrumentId = InstrumentId(1);

/// A US dollar account in a house with one instrument.
struct Trader(Desk);

impl Trader {
    /// Quoted at `bid` and `ask` in price steps, with this deposit in cents.
    fn new(
        group: impl FnOnce(&mut GroupTerms),
        pair: impl FnOnce(&mut InstrumentTerms),
        (bid, ask): (i64, i64),
        deposit: i64,
    ) -> Trader {
        let of = |id, pivot| CurrencyTerms {
            id,
            digits: 2,
            pivot,
        };
        let mut terms = GroupTerms {
            rate_max: 0,
            ..GroupTerms::preset(GROUP, Preset::Mt5Default)
        };
        group(&mut terms);
        let mut desk = Desk::open(&[of(USD, 1), of(EUR, 2)], &terms).expect("a desk");
        let mut listed = InstrumentTerms::of_class(PAIR, AssetClass::Forex, EUR, USD, 5);
        pair(&mut listed);
        desk.list(listed).expect("a pair");
        desk.quote(PAIR, bid, ask);
        let account = AccountTerms {
            id: ACCOUNT,
            group: GROUP,
            link: LINK,
            currency: USD,
            accounting: Accounting::Netting,
            leverage: Leverage::NONE,
        };
        desk.must(Body::Account(account)).expect("an account");
        let mut trader = Trader(desk);
        trader.cash(deposit);
        trader
    }

    /// Cents come in, or go.
    fn cash(&mut self, amount: i64) {
        let cash = Cash {
            account: ACCOUNT,
            kind: CashKind::Correction,
            amount: Money(amount),
            reference: 0,
        };
        self.0.must(Body::Cash(cash)).expect("money");
    }

    /// An order at the market, in hundredths of a lot; its id and why it is refused.
    fn order(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        qty: i64,
    ) -> (Option<OrderId>, Vec<Reject>) {
        let out = self.0.command(Body::Order(Box::new(NewOrder {
            account: ACCOUNT,
            instrument,
            side,
            kind: OrderKind::Market,
            tif: Tif::Gtc,
            qty: Qty(qty),
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
        let id = out.iter().find_map(|output| match output {
            Output::Answer(answer) => answer.order,
            _ => None,
        });
        (id, refusal(&out).unwrap_or_default())
    }

    /// Bought and filled at a price.
    fn buys(&mut self, instrument: InstrumentId, qty: i64, price: i64) {
        let (order, reasons) = self.order(instrument, Side::Buy, qty);
        assert_eq!(reasons, []);
        let report = BrokerReport {
            link: LINK,
            order: order.expect("an order"),
            exec: ExecId::default(),
            event: BrokerEvent::Filled(Fill {
                qty: Qty(qty),
                price: Price(price),
                commission: Money(0),
            }),
        };
        self.0.must(Body::Report(report)).expect("a fill");
    }

    fn used(&self) -> Money {
        self.0.account(ACCOUNT).expect("the account").used
    }

    fn state(&self) -> MarginState {
        self.0.account(ACCOUNT).expect("the account").state
    }
}

/// A change is seen: what a scenario ends in, and what under the change.
fn differs<T: PartialEq + std::fmt::Debug>(
    mutation: Mutation,
    scenario: impl Fn() -> T,
    is: T,
    becomes: T,
) {
    assert_eq!(scenario(), is);
    assert_eq!(with(mutation, scenario), becomes, "{mutation:?}");
}

/// What an account sees of 1.01 lots of EUR/USD at 1.27880 / 1.27905 under leverage 100.
fn seen(deposit: i64, side: Side) -> (Money, Vec<Reject>) {
    let mut trader = Trader::new(|_| {}, |_| {}, (127_880, 127_905), deposit);
    let (_, reasons) = trader.order(PAIR, side, 101);
    (trader.used(), reasons)
}

/// 1,010 EUR at the ask of 1.27905 are 1,291.8405 USD; at the bid of 1.27880 they are 1,291.588.
#[test]
fn margin_is_converted_at_the_ask_for_a_buy() {
    assert_eq!(seen(200_000, Side::Sell), (Money(129_159), vec![]));
    differs(
        Mutation::MarginOtherSide,
        || seen(200_000, Side::Buy).0,
        Money(129_184),
        Money(129_159),
    );
}

#[test]
fn an_order_in_flight_is_charged() {
    differs(
        Mutation::FlightFree,
        || seen(200_000, Side::Buy).0,
        Money(129_184),
        Money(0),
    );
}

#[test]
fn exactly_enough_is_enough() {
    assert_eq!(seen(129_183, Side::Buy).1, [Reject::Margin]);
    differs(
        Mutation::MarginExclusive,
        || seen(129_184, Side::Buy).1,
        vec![],
        vec![Reject::Margin],
    );
}

/// Ten lots of 125,000 at 1.11705 under leverage 500 are 2,792.625 USD.
#[test]
fn half_a_cent_of_margin_goes_up() {
    let scenario = || {
        let pair = |terms: &mut InstrumentTerms| {
            (terms.mode, terms.margin_currency) = (CalcMode::CfdLeverage, USD);
            terms.contract_size = 125_000;
        };
        let group = |terms: &mut GroupTerms| terms.leverage = Leverage::of(500);
        let mut trader = Trader::new(group, pair, (111_705, 111_705), 1_000_000);
        trader.order(PAIR, Side::Buy, 1_000);
        trader.used()
    };
    differs(Mutation::TiesDown, scenario, Money(279_263), Money(279_262));
}

/// Five lots of 100,000 at 1.37615 fill the first band of 1:2000 to its end: 344.0375 USD. In the next, of 1:1000, they
/// would need 688.075.
#[test]
fn a_lot_at_the_end_of_a_band_belongs_to_it() {
    let scenario = || {
        let pair = |terms: &mut InstrumentTerms| {
            (terms.mode, terms.margin_currency) = (CalcMode::Cfd, USD);
        };
        let mut trader = Trader::new(|_| {}, pair, (137_615, 137_615), 100_000_000);
        let band = |to, leverage| Band {
            to,
            leverage: Leverage::of(leverage),
            initial: Ratio::ONE,
            maintenance: Ratio::ONE,
        };
        let set = TierSetId(1);
        let lot = 10i64.pow(siaga_risk::book::tiers::BAND_LOT_DIGITS.into());
        let rule = TierRule {
            id: 1,
            by: TierBy::Volume,
            currency: USD,
            instruments: Vec::new(),
            cost: TierCost::Own,
            rounding: RoundingStage::Total,
            bands: vec![band(5 * lot, 2_000), band(0, 1_000)],
        };
        let tiers = TierTerms {
            id: set,
            rules: vec![rule],
        };
        trader.0.must(Body::Tiers(Box::new(tiers))).expect("bands");
        let group = GroupTerms {
            rate_max: 0,
            margin: GroupMargin {
                tiers: set,
                ..GroupMargin::NONE
            },
            ..GroupTerms::preset(GROUP, Preset::Mt5Default)
        };
        trader
            .0
            .must(Body::Group(Box::new(group)))
            .expect("a group");
        trader.buys(PAIR, 500, 137_615);
        trader.used()
    };
    differs(Mutation::BandEnds, scenario, Money(34_404), Money(68_808));
}

/// One lot that needs 1,000 USD, and just this much equity left.
fn at_level(test: LevelTest, equity: i64) -> MarginState {
    let group = |terms: &mut GroupTerms| {
        (terms.warning, terms.restricted) = (Ratio::ONE, Ratio::percent(80));
        (terms.stop_out, terms.stop_out_test) = (Ratio::percent(50), test);
        terms.stop_out_mode = StopOutMode::Observe;
    };
    let pair = |terms: &mut InstrumentTerms| {
        (terms.mode, terms.margin_currency) = (CalcMode::Futures, USD);
        terms.margin_fixed = Money(100_000);
    };
    let mut trader = Trader::new(group, pair, (110_000, 110_000), 500_000);
    trader.buys(PAIR, 100, 110_000);
    trader.cash(equity - 500_000);
    trader.state()
}

#[test]
fn half_of_the_margin_is_a_stop_out_at_50_percent() {
    assert_eq!(
        at_level(LevelTest::AtOrBelow, 50_001),
        MarginState::Restricted
    );
    differs(
        Mutation::StopOutExclusive,
        || at_level(LevelTest::AtOrBelow, 50_000),
        MarginState::StopOut,
        MarginState::Restricted,
    );
}

#[test]
fn a_venue_that_liquidates_below_leaves_equality_alone() {
    assert_eq!(at_level(LevelTest::Below, 49_999), MarginState::StopOut);
    differs(
        Mutation::LiquidationInclusive,
        || at_level(LevelTest::Below, 50_000),
        MarginState::Restricted,
        MarginState::StopOut,
    );
}

/// Twenty lots held over a night at 4.20 EUR a lot, EUR/USD at 1.08400 / 1.08500: 84 EUR bought at the ask are 91.14 USD.
#[test]
fn a_swap_to_be_paid_is_bought_at_the_ask() {
    let scenario = || {
        let pair = |terms: &mut InstrumentTerms| {
            terms.margin = MarginTerms::FREE;
        };
        let mut trader = Trader::new(|_| {}, pair, (108_400, 108_500), 100_000_000);
        let held = InstrumentId(2);
        let mut index = InstrumentTerms::of_class(held, AssetClass::Index, EUR, EUR, 0);
        (index.margin, index.qty_digits) = (MarginTerms::FREE, 2);
        index.swap = SwapTerms {
            mode: SwapMode::Money,
            long: Ratio(-42 * Ratio::ONE.0 / 10),
            ..SwapTerms::NONE
        };
        trader.0.list(index).expect("an index");
        trader.0.quote(held, 100, 100);
        trader.buys(held, 2_000, 100);
        let at = trader.0.now;
        let night = Rollover {
            instrument: held,
            at,
            days: 1,
            weekday: 0,
        };
        trader.0.must(Body::Rollover(night)).expect("a night");
        trader.0.wait(0);
        let view = trader.0.account(ACCOUNT).expect("the account");
        view.positions[0].position.swap
    };
    differs(
        Mutation::SwapOtherSide,
        scenario,
        Money(-9_114),
        Money(-9_106),
    );
}

#[test]
fn an_order_of_the_largest_size_is_taken() {
    let scenario = |qty| {
        let pair = |terms: &mut InstrumentTerms| terms.qty_max = Qty(100);
        let mut trader = Trader::new(|_| {}, pair, (110_000, 110_010), 10_000_000);
        trader.order(PAIR, Side::Buy, qty).1
    };
    assert_eq!(scenario(101), [Reject::QtyMax]);
    differs(
        Mutation::QtyMaxExclusive,
        || scenario(100),
        vec![],
        vec![Reject::QtyMax],
    );
}
