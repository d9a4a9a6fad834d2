//! A small desk for tests: a machine with a few instruments, driven by inputs and read as text.
#![allow(dead_code)]

pub mod broker;
pub mod dice;
pub mod rules;
pub mod script;
pub mod seeds;
pub mod show;

use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::machine::Machine;
use siaga_risk::terms::*;
use siaga_risk::units::*;

pub const USD: CurrencyId = CurrencyId(1);
pub const EUR: CurrencyId = CurrencyId(2);
pub const JPY: CurrencyId = CurrencyId(3);
pub const IDR: CurrencyId = CurrencyId(4);
pub const XAU: CurrencyId = CurrencyId(5);
pub const BTC: CurrencyId = CurrencyId(6);

pub const LINK: LinkId = LinkId(1);
pub const SOURCE: SourceId = SourceId(1);
pub const GROUP: GroupId = GroupId(1);
/// 2025-01-06, a Monday, 12:00 UTC.
pub const START: Ts = Ts(1_736_164_800_000_000_000);

/// Symbol, base, quote, price digits, mode, contract size, class.
pub const INSTRUMENTS: [(&str, CurrencyId, CurrencyId, u8, CalcMode, i64, AssetClass); 6] = [
    (
        "EURUSD",
        EUR,
        USD,
        5,
        CalcMode::Forex,
        100_000,
        AssetClass::Forex,
    ),
    (
        "USDJPY",
        USD,
        JPY,
        3,
        CalcMode::Forex,
        100_000,
        AssetClass::Forex,
    ),
    (
        "USDIDR",
        USD,
        IDR,
        0,
        CalcMode::Forex,
        100_000,
        AssetClass::Forex,
    ),
    (
        "XAUUSD",
        XAU,
        USD,
        3,
        CalcMode::CfdLeverage,
        100,
        AssetClass::Metal,
    ),
    (
        "BTCUSD",
        BTC,
        USD,
        2,
        CalcMode::CryptoLinear,
        1,
        AssetClass::Crypto,
    ),
    ("US500", USD, USD, 1, CalcMode::Cfd, 1, AssetClass::Index),
];

pub fn instrument_id(symbol: &str) -> InstrumentId {
    let at = INSTRUMENTS.iter().position(|known| known.0 == symbol);
    InstrumentId(at.unwrap_or_else(|| panic!("no instrument {symbol}")) as u32 + 1)
}

pub fn price_digits(id: InstrumentId) -> u8 {
    INSTRUMENTS[id.0 as usize - 1].3
}

pub fn instrument(symbol: &str) -> InstrumentTerms {
    let id = instrument_id(symbol);
    let (_, base, quote, price_digits, mode, contract_size, class) = INSTRUMENTS[id.0 as usize - 1];
    InstrumentTerms {
        id,
        class,
        mode,
        trade_mode: TradeMode::Full,
        base,
        quote,
        margin_currency: if mode == CalcMode::Forex { base } else { quote },
        price_digits,
        qty_digits: 2,
        contract_size,
        contract_digits: 0,
        tick: Price(1),
        tick_value: 0,
        qty_min: Qty(1),
        qty_max: Qty(10_000),
        qty_step: Qty(1),
        notional_max: Money(0),
        collar: Ratio(0),
        price_band: Ratio(0),
        negative_prices: false,
        leverage_max: Leverage::NONE,
        margin_initial: Ratio::ONE,
        margin_maintenance: Ratio::ONE,
        margin_hedged: Ratio::percent(50),
        margin_fixed: Money(0),
        margin: MarginTerms::NONE,
        crypto: CryptoTerms::NONE,
        feeds: vec![Feed {
            source: SOURCE,
            timeout_ns: 10 * SECOND_NS,
        }],
        damp_ns: 0,
        quote_age_max_ns: 30 * SECOND_NS,
        cache_age_max_ns: 300 * SECOND_NS,
        filter: FilterTerms {
            spread_min: Price(0),
            spread_max: Price(0),
            soft: Ratio(0),
            hard: Ratio(0),
            discard: Ratio(0),
            points: LevelPoints::OFF,
            confirmations: 0,
            same_quote: false,
        },
        halt: HaltTerms {
            window_ns: 60 * SECOND_NS,
            alert: Ratio(0),
            halt: Ratio(0),
            confirmations: 3,
            breakers: BreakerTerms::OFF,
            cooldown_ns: 300 * SECOND_NS,
            quiet_ns: 300 * SECOND_NS,
            manual_resume: false,
            factor: Ratio::percent(200),
            grace_ns: 15 * MINUTE_NS,
            vol_floor: Ratio(0),
            vol_multiple: Ratio(0),
            ewma_lambda: Ratio::percent(94),
            ewma_unit_ns: DAY_NS,
        },
        watch: Vec::new(),
        swap: SwapTerms {
            mode: SwapMode::Points,
            long: Ratio::percent(-700),
            short: Ratio::percent(200),
            week: [1, 1, 3, 1, 1, 0, 0],
            ..SwapTerms::NONE
        },
        dead_step: Ratio::basis_points(2),
        dead_cap: Ratio::percent(1),
        trade_delayed: false,
        family: 0,
    }
}

/// Schedules of the venues, as they publish them: BTCUSDT of Binance, BTC of Deribit, half of initial as Hyperliquid
/// has it, and a tier of dYdX between an open interest of 1,000 and 2,000.
pub fn schedule(name: &str) -> MarginSchedule {
    let bracket = |floor: i64, bp, amount: i64, leverage_max| Bracket {
        floor: Money(floor * 100),
        rate: Ratio::basis_points(bp),
        amount: Money(amount * 100),
        leverage_max,
    };
    match name {
        "brackets" => MarginSchedule::Brackets(vec![
            bracket(0, 40, 0, 125),
            bracket(50_000, 50, 50, 100),
            bracket(250_000, 100, 1_300, 50),
            bracket(1_000_000, 250, 16_300, 20),
        ]),
        "slope" => MarginSchedule::Slope(Slope {
            initial: Ratio::percent(2),
            maintenance: Ratio::percent(1),
            per_unit: Ratio::ppm(50),
        }),
        "half" => MarginSchedule::HalfOfInitial,
        "interest" => MarginSchedule::OpenInterest(OpenInterestScale {
            initial: Ratio::percent(20),
            maintenance: Ratio::percent(10),
            lower: Money(100_000),
            upper: Money(200_000),
        }),
        other => panic!("no schedule {other}"),
    }
}

pub fn group() -> GroupTerms {
    GroupTerms {
        id: GROUP,
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
        loss_account: Ratio(0),
        loss_position: Ratio(0),
        negative_balance_protection: BalanceProtection::AnyClose,
        rate_max: 0,
        rate_window_ns: SECOND_NS,
        duplicate_window_ns: 0,
        closing: StopOutTerms::PLAIN,
        loss: LossTerms::DEFAULT,
        margin: GroupMargin::NONE,
        call_flow: CallFlow::None,
        throttle: ThrottleTerms::OFF,
    }
}

pub fn link() -> LinkTerms {
    LinkTerms {
        id: LINK,
        protective: HeldBy::Core,
        answer_timeout_ns: 10 * SECOND_NS,
        queue_tolerance: Ratio::percent(1),
        queue_expiry_ns: HOUR_NS,
        trades_closed: false,
    }
}

pub fn order(account: u32, symbol: &str, side: Side, qty: i64) -> NewOrder {
    NewOrder {
        account: AccountId(account),
        instrument: instrument_id(symbol),
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
        client_id: [0; 16],
        trader: 0,
        desk: 0,
        strategy: 0,
    }
}

/// A machine with its inputs kept, so that it can be replayed.
pub struct Desk {
    pub machine: Machine,
    pub inputs: Vec<Input>,
    pub now: Ts,
    pub group: GroupTerms,
    pub link: LinkTerms,
}

impl Desk {
    /// Currencies, one source, one live link, one group, the instruments, all sessions open for a year.
    pub fn open() -> Desk {
        let mut desk = Desk {
            machine: Machine::new(),
            inputs: Vec::new(),
            now: START,
            group: group(),
            link: link(),
        };
        for (id, digits, pivot) in [
            (USD, 2, 1),
            (EUR, 2, 2),
            (JPY, 0, 0),
            (IDR, 0, 0),
            (XAU, 2, 0),
            (BTC, 8, 0),
        ] {
            desk.must(Body::Currency(CurrencyTerms { id, digits, pivot }));
        }
        desk.must(Body::Source(SourceTerms {
            id: SOURCE,
            kind: SourceKind::Gateway,
            crossed: Crossed::Accept,
            filtered: false,
        }));
        desk.must(Body::Link(link()));
        desk.must(Body::LinkState(LinkReport {
            link: LINK,
            mode: LinkMode::Live,
            manual: false,
        }));
        desk.must(Body::Group(Box::new(group())));
        for known in INSTRUMENTS {
            desk.must(Body::Instrument(Box::new(instrument(known.0))));
            let instrument = instrument_id(known.0);
            desk.must(Body::Session(Session {
                instrument,
                open: true,
                at: START,
                until: START.plus(365 * DAY_NS),
            }));
        }
        desk
    }

    /// Applies an input.
    pub fn put(&mut self, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        self.machine
            .apply(self.inputs.len() as Seq + 1, &input, &mut out);
        self.inputs.push(input);
        out
    }

    /// A command of actor 1 with a token.
    pub fn command(&mut self, body: Body) -> Vec<Output> {
        self.command_by(1, body)
    }

    pub fn command_by(&mut self, actor: u32, body: Body) -> Vec<Output> {
        let token = self.inputs.len() as u64 + 1;
        self.put(Input::Command(Box::new(Command {
            ts: self.now,
            actor: ActorId(actor),
            token,
            body,
        })))
    }

    /// A command that must be accepted.
    pub fn must(&mut self, body: Body) -> Vec<Output> {
        let out = self.command(body.clone());
        let refused = out.iter().find_map(|output| match output {
            Output::Answer(answer) if !answer.reasons.is_empty() => Some(answer.reasons.clone()),
            _ => None,
        });
        assert_eq!(refused, None, "{body:?}");
        out
    }

    pub fn quote(&mut self, symbol: &str, bid: i64, ask: i64) -> Vec<Output> {
        self.quote_merged(symbol, bid, ask, 0, 0)
    }

    pub fn quote_merged(
        &mut self,
        symbol: &str,
        bid: i64,
        ask: i64,
        bid_drop: u32,
        ask_rise: u32,
    ) -> Vec<Output> {
        self.put(Input::Quote(Quote {
            ts: self.now,
            bid: Price(bid),
            ask: Price(ask),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop,
            ask_rise,
            venue_lag_us: NO_VENUE_TIME,
            instrument: instrument_id(symbol),
            source: SOURCE,
            merged: u16::from(bid_drop > 0 || ask_rise > 0),
            kind: QuoteKind::Firm,
        }))
    }

    pub fn clock(&mut self) -> Vec<Output> {
        self.put(Input::Clock(self.now))
    }

    pub fn account(
        &mut self,
        id: u32,
        currency: CurrencyId,
        accounting: Accounting,
        leverage: u32,
    ) -> Vec<Output> {
        self.account_at(id, currency, accounting, Leverage::of(leverage))
    }

    pub fn account_at(
        &mut self,
        id: u32,
        currency: CurrencyId,
        accounting: Accounting,
        leverage: Leverage,
    ) -> Vec<Output> {
        let terms = AccountTerms {
            id: AccountId(id),
            group: GROUP,
            link: LINK,
            currency,
            accounting,
            leverage,
        };
        self.must(Body::Account(terms))
    }
}
