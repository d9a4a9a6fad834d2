//! The terms a recording is replayed under: filters off, no quote halts, one account per protective stop
//! and one whose margin is watched. Prints alert and halt as a house's own terms of their class would.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

use siaga_feed::tape::Kind;

use super::Args;
use crate::cli::WrongUse;

/// The recording's instrument.
pub const INSTRUMENT: InstrumentId = InstrumentId(1);
/// The recording.
pub const SOURCE: SourceId = SourceId(1);
/// The paper broker.
pub const LINK: LinkId = LinkId(1);
/// The account whose margin is watched.
pub const MARGIN_ACCOUNT: AccountId = AccountId(100);
/// Digits of the account currency: fine enough that no margin of a recording is rounded.
pub const MONEY_DIGITS: u8 = 6;

const BASE: CurrencyId = CurrencyId(1);
const QUOTE: CurrencyId = CurrencyId(2);
const GROUP: GroupId = GroupId(1);
/// Balance of the accounts that only hold a stop: no margin state comes between.
const DEEP_BALANCE: Money = Money(1_000_000_000_000_000);
/// One unit of a ratio: "below one plus this" is "at or below one".
const AT_OR_BELOW: i64 = 1;

/// A protective stop to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StopPlan {
    pub account: AccountId,
    pub side: Side,
    /// Distance from the entry, price steps.
    pub distance: i64,
}

/// Everything the options say, in integers.
#[derive(Clone, Debug)]
pub struct Plan {
    pub price_digits: u8,
    /// A recording of prints: what halts, by the class of its symbol.
    pub prints: Option<AssetClass>,
    pub thresholds: Vec<Ratio>,
    pub threshold_texts: Vec<Decimal>,
    pub cooldown_ns: u64,
    pub stops: Vec<StopPlan>,
    pub units: i64,
    pub balance: i64,
    pub leverage: u32,
}

impl Plan {
    /// Reads the options; what is not given has the default of the instrument's kind.
    ///
    /// # Errors
    /// A number that is finer than the recording, or too large, named.
    pub fn new(args: &Args, symbol: &str, price_digits: u8, kind: Kind) -> anyhow::Result<Self> {
        let is_gold = symbol.starts_with("XAU");
        let usual = if is_gold { [25, 50] } else { [10, 20] };
        let threshold_texts = args
            .thresholds
            .clone()
            .unwrap_or_else(|| usual.map(|share| Decimal::new(share, 4)).to_vec());
        let long = args
            .stop_long
            .clone()
            .unwrap_or_else(|| distances([20, 45], is_gold.then_some([3, 8]), price_digits));
        let short = args
            .stop_short
            .clone()
            .unwrap_or_else(|| distances([15, 60], is_gold.then_some([5, 15]), price_digits));
        let ratios = threshold_texts
            .iter()
            .map(|share| steps("--thresholds", *share, Ratio::ONE.0).map(Ratio));
        let mut stops = Vec::new();
        for (side, option, distances) in [
            (Side::Buy, "--stop-long", &long),
            (Side::Sell, "--stop-short", &short),
        ] {
            for distance in distances {
                let account = AccountId(1 + stops.len() as u32);
                stops.push(StopPlan {
                    account,
                    side,
                    distance: steps(option, *distance, pow10(price_digits))?,
                });
            }
        }
        Ok(Self {
            price_digits,
            prints: (kind == Kind::Trades).then(|| class_of(symbol)),
            thresholds: ratios.collect::<Result<_, WrongUse>>()?,
            threshold_texts,
            cooldown_ns: args.cooldown_s.saturating_mul(SECOND_NS),
            stops,
            units: args.units.unwrap_or(if is_gold { 200 } else { 100_000 }),
            balance: args.balance.unwrap_or(if is_gold {
                3_500
            } else {
                // A unit of a currency that is quoted to fewer digits is worth less: yen.
                1_700 * pow10(5u8.saturating_sub(price_digits))
            }),
            leverage: args.leverage,
        })
    }

    /// Terms and accounts, in the order they must arrive. `start` is the first row's time.
    pub fn bodies(&self, start: Ts) -> Vec<Body> {
        let currency = |id, digits| {
            Body::Currency(CurrencyTerms {
                id,
                digits,
                pivot: u8::from(id == QUOTE),
            })
        };
        let mut bodies = vec![
            currency(BASE, MONEY_DIGITS),
            currency(QUOTE, MONEY_DIGITS),
            Body::Source(SourceTerms {
                id: SOURCE,
                kind: SourceKind::Datafeed,
                crossed: Crossed::Accept,
                filtered: false,
            }),
            Body::Link(LinkTerms {
                id: LINK,
                protective: HeldBy::Core,
                answer_timeout_ns: HOUR_NS,
                queue_tolerance: Ratio::percent(1),
                queue_expiry_ns: HOUR_NS,
                trades_closed: false,
            }),
            Body::LinkState(LinkReport {
                link: LINK,
                mode: LinkMode::Live,
                manual: false,
            }),
            Body::Instrument(Box::new(self.instrument())),
            Body::Group(Box::new(self.group())),
        ];
        let accounts = self.stops.iter().map(|stop| (stop.account, DEEP_BALANCE));
        let watched = Money(self.balance.saturating_mul(pow10(MONEY_DIGITS)));
        for (id, balance) in accounts.chain([(MARGIN_ACCOUNT, watched)]) {
            bodies.push(Body::Account(AccountTerms {
                id,
                group: GROUP,
                link: LINK,
                currency: QUOTE,
                accounting: Accounting::Hedging,
                leverage: Leverage::of(self.leverage),
            }));
            bodies.push(Body::Cash(Cash {
                account: id,
                kind: CashKind::Deposit,
                amount: balance,
                reference: u64::from(id.0),
            }));
        }
        bodies.push(Body::Session(Session {
            instrument: INSTRUMENT,
            open: true,
            at: start,
            until: start.plus(400 * DAY_NS),
        }));
        bodies
    }

    /// The market orders of the first row; `stop` prices are set once the entry is known.
    pub fn orders(&self, bid: Price, ask: Price) -> Vec<NewOrder> {
        let stop_orders = self.stops.iter().map(|stop| {
            let entry = if stop.side == Side::Buy { ask.0 } else { bid.0 };
            let level = if stop.side == Side::Buy {
                entry - stop.distance
            } else {
                entry + stop.distance
            };
            (stop.account, stop.side, Some(Price(level)))
        });
        stop_orders
            .chain([(MARGIN_ACCOUNT, Side::Buy, None)])
            .map(|(account, side, stop_loss)| self.order(account, side, stop_loss))
            .collect()
    }

    fn order(&self, account: AccountId, side: Side, stop_loss: Option<Price>) -> NewOrder {
        let mut client_id = [0; 16];
        client_id[..4].copy_from_slice(&account.0.to_be_bytes());
        NewOrder {
            account,
            instrument: INSTRUMENT,
            side,
            kind: OrderKind::Market,
            tif: Tif::Ioc,
            qty: Qty(self.units),
            price: None,
            stop: None,
            expires: None,
            position: None,
            reduce_only: false,
            slippage_max: Price(0),
            protection: Protection {
                stop_loss,
                take_profit: None,
                trailing: Price(0),
            },
            client_id,
            trader: 0,
            desk: 0,
            strategy: 0,
        }
    }

    fn instrument(&self) -> InstrumentTerms {
        let never = 1_000 * DAY_NS;
        let (first, further) = self
            .thresholds
            .split_first()
            .map_or((Ratio(0), &[][..]), |(first, rest)| (*first, rest));
        InstrumentTerms {
            id: INSTRUMENT,
            class: self.prints.unwrap_or(AssetClass::Forex),
            mode: CalcMode::CfdLeverage,
            trade_mode: TradeMode::Full,
            base: BASE,
            quote: QUOTE,
            margin_currency: QUOTE,
            price_digits: self.price_digits,
            qty_digits: 0,
            contract_size: 1,
            contract_digits: 0,
            tick: Price(1),
            tick_value: 0,
            qty_min: Qty(1),
            qty_max: Qty(1_000_000_000),
            qty_step: Qty(1),
            notional_max: Money(0),
            collar: Ratio(0),
            price_band: Ratio(0),
            negative_prices: true,
            leverage_max: Leverage::NONE,
            margin_initial: Ratio::ONE,
            margin_maintenance: Ratio::ONE,
            margin_hedged: Ratio::ONE,
            margin_fixed: Money(0),
            margin: MarginTerms::NONE,
            crypto: CryptoTerms::NONE,
            feeds: vec![Feed {
                source: SOURCE,
                timeout_ns: never,
            }],
            quote_age_max_ns: never,
            cache_age_max_ns: never,
            filter: FilterTerms {
                spread_min: Price(0),
                spread_max: Price(0),
                soft: Ratio(0),
                hard: Ratio(0),
                discard: Ratio(0),
                points: LevelPoints::OFF,
                confirmations: 3,
                same_quote: false,
            },
            halt: self.halt(first),
            swap: SwapTerms {
                week: [0; 7],
                ..SwapTerms::NONE
            },
            dead_step: Ratio(0),
            dead_cap: Ratio(0),
            trade_delayed: true,
            family: 0,
            damp_ns: 0,
            watch: match self.prints {
                Some(_) => Vec::new(),
                None => further.to_vec(),
            },
        }
    }

    fn halt(&self, first: Ratio) -> HaltTerms {
        match self.prints {
            Some(class) => HaltTerms::of_class(class),
            None => HaltTerms {
                window_ns: MINUTE_NS,
                alert: first,
                halt: Ratio(0),
                confirmations: 3,
                breakers: BreakerTerms::OFF,
                cooldown_ns: self.cooldown_ns,
                quiet_ns: MINUTE_NS,
                manual_resume: false,
                factor: Ratio::percent(200),
                grace_ns: 15 * MINUTE_NS,
                vol_floor: Ratio(0),
                vol_multiple: Ratio(0),
                ewma_lambda: Ratio::percent(94),
                ewma_unit_ns: MINUTE_NS,
            },
        }
    }

    fn group(&self) -> GroupTerms {
        GroupTerms {
            id: GROUP,
            preset: Preset::Mt5Default,
            margin_price: MarginPrice::Open,
            leverage: Leverage::of(self.leverage),
            warning: Ratio(Ratio::ONE.0 + AT_OR_BELOW),
            restricted: Ratio(0),
            stop_out: Ratio::percent(50),
            stop_out_test: LevelTest::AtOrBelow,
            stop_out_policy: StopOutPolicy::Mt5,
            stop_out_mode: StopOutMode::Observe,
            free_margin: FreeMargin::Both,
            loss_account: Ratio(0),
            loss_position: Ratio(0),
            negative_balance_protection: BalanceProtection::None,
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
}

/// A number in whole steps, of which `scale` make one.
fn steps(option: &str, number: Decimal, scale: i64) -> Result<i64, WrongUse> {
    let steps = number.checked_mul(Decimal::from(scale));
    let whole = steps.filter(|steps| steps.fract().is_zero() && !steps.is_zero());
    let wrong = || {
        WrongUse(format!(
            "{option}: {number} is too large, or finer than the recording"
        ))
    };
    whole.and_then(|steps| steps.to_i64()).ok_or_else(wrong)
}

/// Usual distances of stops: gold's in its price, other ones in pips.
fn distances(pips: [i64; 2], gold: Option<[i64; 2]>, price_digits: u8) -> Vec<Decimal> {
    // Forex is quoted to a tenth of a pip when its digits are odd: 1.10005, 150.005.
    let steps = if price_digits % 2 == 1 { 10 } else { 1 };
    let of_pips = pips.map(|pips| Decimal::new(pips * steps, price_digits.into()));
    gold.map_or(of_pips, |gold| gold.map(Decimal::from))
        .to_vec()
}

/// The class whose halts a symbol has.
fn class_of(symbol: &str) -> AssetClass {
    let quote = symbol.rsplit(['/', '-']).next().unwrap_or_default();
    let is_coin = ["USDT", "USDC", "BTC", "ETH"]
        .iter()
        .any(|coin| quote.ends_with(coin));
    if is_coin {
        AssetClass::Crypto
    } else if symbol.starts_with("XAU") || symbol.starts_with("XAG") {
        AssetClass::Metal
    } else {
        AssetClass::Forex
    }
}
