//! The terms a recording is replayed under: filters off, no quote halts, one account per protective stop
//! and one whose margin is watched. Prints alert and halt as a house's own terms of their class would.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use siaga_risk::book::accounts::MONEY_MAX;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

use siaga_feed::tape::{DIGITS_MAX, Kind};

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
/// Most units of a position, the instrument's largest order.
pub const UNITS_MAX: i64 = 1_000_000_000;
/// Largest balance to watch: the most money that the machine takes, in whole units of the currency.
pub const BALANCE_MAX: i64 = 10_000_000_000;
/// Highest leverage that an account may have.
pub const LEVERAGE_MAX: i64 = 2_100_000_000;

const BASE: CurrencyId = CurrencyId(1);
const QUOTE: CurrencyId = CurrencyId(2);
const GROUP: GroupId = GroupId(1);
/// Balance that every account is opened with, the most that the machine takes: of those that only hold a stop no margin
/// state comes between, and the watched one's position is let in however little it is left with.
const DEEP_BALANCE: Money = Money(MONEY_MAX);
/// Days that the instrument is open from the first row on.
pub const SESSION_DAYS: u64 = 400;
/// Digits of a ratio.
const RATIO_DIGITS: u8 = 12;
/// Most different moves that are reported: the alert's and eight more.
const THRESHOLDS_MAX: usize = 9;
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

impl StopPlan {
    /// Where it stands when its position was entered at this quote.
    pub fn level(&self, bid: Price, ask: Price) -> Price {
        Price(match self.side {
            Side::Buy => ask.0.saturating_sub(self.distance),
            Side::Sell => bid.0.saturating_add(self.distance),
        })
    }

    /// The quote of the entry itself is at the stop or beyond: the spread is as wide as the distance.
    fn is_within_spread(&self, bid: Price, ask: Price) -> bool {
        let level = self.level(bid, ask);
        match self.side {
            Side::Buy => level >= bid,
            Side::Sell => level <= ask,
        }
    }
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
    /// Reads the options; what is not given has the default of what is quoted.
    ///
    /// # Errors
    /// A number that is too fine or too large, or too many of them, named.
    pub fn new(args: &Args, symbol: &str, price_digits: u8, kind: Kind) -> anyhow::Result<Self> {
        let usual = Usual::of(symbol);
        let threshold_texts = args
            .thresholds
            .clone()
            .unwrap_or_else(|| usual.thresholds.to_vec());
        let ratios = threshold_texts
            .iter()
            .map(|share| steps("--thresholds", *share, RATIO_DIGITS, RATIO_DIGITS).map(Ratio));
        let thresholds: Vec<Ratio> = ratios.collect::<Result<_, WrongUse>>()?;
        if distinct(&thresholds).len() > THRESHOLDS_MAX {
            return Err(WrongUse(format!("--thresholds: at most {THRESHOLDS_MAX}")).into());
        }
        // Prints fill no order, so nothing of theirs can be stopped.
        let (long, short) = match kind {
            Kind::Quotes => distances(args, symbol),
            Kind::Trades | Kind::Bars => (Vec::new(), Vec::new()),
        };
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
                    distance: steps(option, *distance, price_digits, DIGITS_MAX)?,
                });
            }
        }
        Ok(Self {
            price_digits,
            prints: (kind == Kind::Trades).then(|| class_of(symbol)),
            thresholds,
            threshold_texts,
            cooldown_ns: args.cooldown_s.saturating_mul(SECOND_NS),
            stops,
            units: args.units.unwrap_or(usual.units),
            balance: args.balance.unwrap_or(usual.balance),
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
        let accounts = self.stops.iter().map(|stop| stop.account);
        for id in accounts.chain([MARGIN_ACCOUNT]) {
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
                amount: DEEP_BALANCE,
                reference: u64::from(id.0),
            }));
        }
        bodies.push(Body::Session(Session {
            instrument: INSTRUMENT,
            open: true,
            at: start,
            until: start.plus(SESSION_DAYS * DAY_NS),
        }));
        bodies
    }

    /// The market orders of the first row, each with its stop. One that the row itself is at or beyond stays out: no
    /// order may carry it, and it is reached by a later row at the earliest.
    pub fn orders(&self, bid: Price, ask: Price) -> Vec<NewOrder> {
        let of_stops = self.stops.iter().map(|stop| {
            let level = stop.level(bid, ask);
            let placed = !stop.is_within_spread(bid, ask);
            (stop.account, stop.side, placed.then_some(level))
        });
        of_stops
            .chain([(MARGIN_ACCOUNT, Side::Buy, None)])
            .map(|(account, side, stop_loss)| self.order(account, side, stop_loss))
            .collect()
    }

    /// The stops that stayed out of the orders, with their levels.
    pub fn late(&self, bid: Price, ask: Price) -> Vec<(StopPlan, Price)> {
        let late = self.stops.iter();
        late.filter(|stop| stop.is_within_spread(bid, ask))
            .map(|stop| (*stop, stop.level(bid, ask)))
            .collect()
    }

    /// Closes the position of a stop at the market.
    pub fn closing(&self, stop: &StopPlan, position: PositionId) -> NewOrder {
        NewOrder {
            position: Some(position),
            reduce_only: true,
            // With the entry's name it would be the entry again.
            client_id: [0; 16],
            ..self.order(stop.account, stop.side.other(), None)
        }
    }

    /// Leaves the watched account with its balance, once its position is open: a margin that it lacks would have refused
    /// the order, and the level is to be seen all the same.
    pub fn correction(&self) -> Cash {
        let balance = self.balance.saturating_mul(pow10(MONEY_DIGITS));
        Cash {
            account: MARGIN_ACCOUNT,
            kind: CashKind::Correction,
            amount: Money(balance.saturating_sub(DEEP_BALANCE.0)),
            reference: u64::from(MARGIN_ACCOUNT.0) + 1,
        }
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
        let thresholds = distinct(&self.thresholds);
        let (first, further) = thresholds
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
            qty_max: Qty(UNITS_MAX),
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

/// What holds where an option is not given.
struct Usual {
    thresholds: [Decimal; 2],
    stop_long: [Decimal; 2],
    stop_short: [Decimal; 2],
    units: i64,
    balance: i64,
}

impl Usual {
    fn of(symbol: &str) -> Self {
        let basis_points = |share: i64| Decimal::new(share, 4);
        if symbol.starts_with("XAU") {
            let whole = |price: i64| Decimal::new(price, 0);
            return Self {
                thresholds: [25, 50].map(basis_points),
                stop_long: [3, 8].map(whole),
                stop_short: [5, 15].map(whole),
                units: 200,
                balance: 3_500,
            };
        }
        // A yen is worth about a hundredth of the other currencies that prices are quoted in.
        let (pip_digits, units_of_money) = if symbol.ends_with("JPY") {
            (2, 100)
        } else {
            (4, 1)
        };
        let pips = |pips: i64| Decimal::new(pips, pip_digits);
        Self {
            thresholds: [10, 20].map(basis_points),
            stop_long: [20, 45].map(pips),
            stop_short: [15, 60].map(pips),
            units: 100_000,
            balance: 1_700 * units_of_money,
        }
    }
}

/// Distances of the stops below and above the entry.
fn distances(args: &Args, symbol: &str) -> (Vec<Decimal>, Vec<Decimal>) {
    let usual = Usual::of(symbol);
    let given = |option: &Option<Vec<Decimal>>, usual: [Decimal; 2]| {
        option.clone().unwrap_or_else(|| usual.to_vec())
    };
    (
        given(&args.stop_long, usual.stop_long),
        given(&args.stop_short, usual.stop_short),
    )
}

/// Digits behind the point that the distances of the stops need.
pub fn stop_digits(args: &Args, symbol: &str) -> u8 {
    let (long, short) = distances(args, symbol);
    let finest = long
        .iter()
        .chain(&short)
        .map(|distance| distance.normalize().scale())
        .max();
    u8::try_from(finest.unwrap_or(0)).unwrap_or(u8::MAX)
}

/// Thresholds in their order, each once: the machine reports a move once for each that it has.
fn distinct(thresholds: &[Ratio]) -> Vec<Ratio> {
    let mut once = Vec::with_capacity(thresholds.len());
    for threshold in thresholds {
        if !once.contains(threshold) {
            once.push(*threshold);
        }
    }
    once
}

/// A number in whole steps of `10^-digits`; `most` digits could have been had.
fn steps(option: &str, number: Decimal, digits: u8, most: u8) -> Result<i64, WrongUse> {
    let steps = number.checked_mul(Decimal::from(pow10(digits)));
    let whole = steps.filter(|steps| steps.fract().is_zero() && !steps.is_zero());
    let wrong = || {
        WrongUse(format!(
            "{option}: {number} is too large, or has more than {most} digits behind the point"
        ))
    };
    whole.and_then(|steps| steps.to_i64()).ok_or_else(wrong)
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn plan(symbol: &str, price_digits: u8, options: &[&str]) -> anyhow::Result<Plan> {
        let line = Line::try_parse_from(["replay", "file.csv"].iter().chain(options))?;
        Plan::new(&line.args, symbol, price_digits, Kind::Quotes)
    }

    /// Balance and distances in price.
    fn defaults(symbol: &str, price_digits: u8) -> (i64, Vec<f64>) {
        let plan = plan(symbol, price_digits, &[]).expect("the defaults fit");
        let scale = pow10(price_digits) as f64;
        let distances = plan.stops.iter().map(|stop| stop.distance as f64 / scale);
        (plan.balance, distances.collect())
    }

    #[test]
    fn defaults_follow_what_is_quoted_and_not_the_digits_of_the_file() {
        for digits in [4, 5, 6] {
            let usual = (1_700, vec![0.0020, 0.0045, 0.0015, 0.0060]);
            assert_eq!(defaults("EUR/USD", digits), usual, "{digits}");
            assert_eq!(defaults("XAG/USD", digits), usual, "{digits}");
        }
        for digits in [2, 3, 5] {
            let yen = (170_000, vec![0.20, 0.45, 0.15, 0.60]);
            assert_eq!(defaults("USD/JPY", digits), yen, "{digits}");
            let gold = (3_500, vec![3.0, 8.0, 5.0, 15.0]);
            assert_eq!(defaults("XAU/USD", digits), gold, "{digits}");
        }
    }

    #[test]
    fn stops_say_how_fine_prices_must_be() {
        let digits = |symbol, options: &[&str]| {
            let line = Line::try_parse_from(["replay", "file.csv"].iter().chain(options));
            stop_digits(&line.expect("well").args, symbol)
        };
        assert_eq!(digits("EUR/USD", &[]), 4);
        assert_eq!(digits("USD/JPY", &[]), 2);
        assert_eq!(digits("XAU/USD", &[]), 0);
        assert_eq!(digits("USD/JPY", &["--stop-long", "0.0020,0.00450"]), 4);
        let fault = plan("EUR/USD", 9, &["--stop-long", "0.0000000001"]).expect_err("too fine");
        assert!(fault.to_string().contains("more than 9 digits"), "{fault}");
    }

    #[test]
    fn a_stop_within_the_spread_of_the_entry_comes_later() {
        let plan = plan("EUR/USD", 5, &[]).expect("well");
        let (bid, ask) = (Price(139_000), Price(139_200));
        let with_stop: Vec<bool> = plan
            .orders(bid, ask)
            .iter()
            .map(|order| order.protection.stop_loss.is_some())
            .collect();
        assert_eq!(with_stop, [false, true, false, true, false]);
        let late: Vec<Price> = plan
            .late(bid, ask)
            .iter()
            .map(|(_, level)| *level)
            .collect();
        assert_eq!(late, [Price(139_000), Price(139_150)]);
    }

    #[test]
    fn options_out_of_range_are_wrong_use() {
        for options in [
            ["--units", "0"],
            ["--units", "2000000000"],
            ["--leverage", "0"],
            ["--leverage", "3000000000"],
            ["--balance", "10000000001"],
        ] {
            assert!(plan("EUR/USD", 5, &options).is_err(), "{options:?}");
        }
        for options in [["--units", "1"], ["--leverage", "1"], ["--balance", "0"]] {
            assert!(plan("EUR/USD", 5, &options).is_ok(), "{options:?}");
        }
    }

    #[test]
    fn a_threshold_given_twice_is_watched_once() {
        let plan = plan("EUR/USD", 5, &["--thresholds", "0.001,0.001,0.002"]).expect("well");
        assert_eq!(plan.thresholds.len(), 3);
        let terms = plan.instrument();
        assert_eq!(terms.halt.alert, Ratio::basis_points(10));
        assert_eq!(terms.watch, [Ratio::basis_points(20)]);
    }
}
