//! What terms must hold before they come into force, and the house's defaults by asset class.

use super::breakers::DCB_HALT_NS;
use super::failover::FEEDS_MAX;
use super::luld;
use crate::ids::*;
use crate::terms::*;
use crate::units::*;
use crate::verdict::Reject;
use std::collections::BTreeMap;

/// Instruments of one house: ids are dense, tables are indexed by them.
pub const INSTRUMENTS_MAX: u32 = 65_536;
/// Digits of prices and quantities: twelve digits leave six for the amount itself.
const DIGITS_MAX: u8 = 12;
/// Thresholds watched beside the alert's.
const WATCH_MAX: usize = 8;
/// Longest window: its queues must stay small.
const WINDOW_NS_MAX: u64 = HOUR_NS;

/// Checks an instrument against itself and the tables it names.
///
/// # Errors
/// `UnknownCurrency`, `UnknownSource` or `TermsInvalid`.
pub fn check(
    terms: &InstrumentTerms,
    currencies: &BTreeMap<CurrencyId, CurrencyTerms>,
    sources: &BTreeMap<SourceId, SourceTerms>,
) -> Result<(), Reject> {
    for currency in [terms.base, terms.quote, terms.margin_currency] {
        if !currencies.contains_key(&currency) {
            return Err(Reject::UnknownCurrency);
        }
    }
    if terms
        .feeds
        .iter()
        .any(|feed| !sources.contains_key(&feed.source))
    {
        return Err(Reject::UnknownSource);
    }
    let sound = numbers_hold(terms)
        && feeds_hold(&terms.feeds)
        && halt_holds(terms)
        && filter_holds(&terms.filter);
    if sound {
        Ok(())
    } else {
        Err(Reject::TermsInvalid)
    }
}

fn numbers_hold(terms: &InstrumentTerms) -> bool {
    terms.id.0 < INSTRUMENTS_MAX
        && terms.price_digits <= DIGITS_MAX
        && terms.qty_digits <= DIGITS_MAX
        && terms.contract_digits <= DIGITS_MAX
        && terms.contract_size > 0
        && terms.tick.0 > 0
        && terms.tick_value >= 0
        && terms.qty_step.0 > 0
        && terms.qty_min.0 > 0
        && terms.qty_max >= terms.qty_min
        && terms.notional_max.0 >= 0
        && terms.margin_fixed.0 >= 0
        && [
            terms.collar,
            terms.price_band,
            terms.margin_initial,
            terms.margin_maintenance,
            terms.margin_hedged,
            terms.dead_step,
            terms.dead_cap,
        ]
        .iter()
        .all(|ratio| ratio.0 >= 0)
        && terms.quote_age_max_ns <= terms.cache_age_max_ns
}

fn feeds_hold(feeds: &[Feed]) -> bool {
    let unique = feeds.iter().enumerate().all(|(place, feed)| {
        feeds[..place]
            .iter()
            .all(|other| other.source != feed.source)
    });
    feeds.len() <= FEEDS_MAX && unique && feeds.iter().all(|feed| feed.timeout_ns > 0)
}

fn halt_holds(terms: &InstrumentTerms) -> bool {
    let halt = &terms.halt;
    let watches = terms.watch.iter().all(|threshold| threshold.0 > 0);
    let ratios = [halt.alert, halt.halt, halt.vol_floor, halt.vol_multiple];
    // Either may be off; where both are on, the alert comes first.
    let warns = halt.halt.0 == 0 || halt.alert <= halt.halt;
    terms.watch.len() <= WATCH_MAX
        && watches
        && warns
        && breakers_hold(&halt.breakers, terms.negative_prices)
        && ratios.iter().all(|ratio| ratio.0 >= 0)
        && halt.factor >= Ratio::ONE
        && (1..=WINDOW_NS_MAX).contains(&halt.window_ns)
        && halt.ewma_unit_ns > 0
        && halt.ewma_lambda.0 >= 0
        && halt.ewma_lambda < Ratio::ONE
}

fn breakers_hold(breakers: &BreakerTerms, negative_prices: bool) -> bool {
    let (band, dynamic) = (&breakers.band, &breakers.dynamic);
    let windows = [
        band.window_ns,
        dynamic.window_ns,
        breakers.velocity.window_ns,
    ];
    let shares = [band.share, band.moves, dynamic.share];
    windows
        .iter()
        .all(|window_ns| (1..=WINDOW_NS_MAX).contains(window_ns))
        && shares.iter().all(|share| share.0 >= 0)
        && band.least.0 >= 0
        && (!negative_prices || band.share.0 == 0 || band.least.0 > 0)
}

fn filter_holds(filter: &FilterTerms) -> bool {
    let points = filter.points;
    let shares = [filter.soft.0, filter.hard.0, filter.discard.0];
    let points = [points.soft.0, points.hard.0, points.discard.0];
    let rises = |levels: [i64; 3]| {
        let on: Vec<i64> = levels.into_iter().filter(|level| *level != 0).collect();
        on.iter().all(|level| *level > 0) && on.windows(2).all(|pair| pair[0] <= pair[1])
    };
    let spreads = [filter.spread_min.0, filter.spread_max.0];
    rises(shares)
        && rises(points)
        && (shares == [0; 3] || points == [0; 3])
        && spreads.iter().all(|spread| *spread >= 0)
        && (filter.spread_max.0 == 0 || filter.spread_min <= filter.spread_max)
}

impl BreakerTerms {
    /// No detector but the rolling window.
    pub const OFF: BreakerTerms = BreakerTerms {
        band: BandTerms::OFF,
        dynamic: DynamicTerms {
            share: Ratio(0),
            window_ns: HOUR_NS,
            pause_ns: DCB_HALT_NS,
        },
        velocity: VelocityTerms {
            ticks: 0,
            window_ns: SECOND_NS,
        },
    };
}

impl BandTerms {
    /// No band; the times and shares are the Plan's.
    pub const OFF: BandTerms = BandTerms {
        share: Ratio(0),
        least: Price(0),
        window_ns: luld::REFERENCE_WINDOW_NS,
        moves: luld::REFERENCE_MOVES,
        stands_ns: luld::REFERENCE_STANDS_NS,
        limit_ns: luld::LIMIT_STATE_NS,
        pause_ns: luld::PAUSE_NS,
    };
}

impl LevelPoints {
    /// No limit in points.
    pub const OFF: LevelPoints = LevelPoints {
        soft: Price(0),
        hard: Price(0),
        discard: Price(0),
    };
}

impl FilterTerms {
    /// Every filter off: replays and the simulator.
    pub const OFF: FilterTerms = FilterTerms {
        spread_min: Price(0),
        spread_max: Price(0),
        soft: Ratio(0),
        hard: Ratio(0),
        discard: Ratio(0),
        points: LevelPoints::OFF,
        confirmations: 3,
        same_quote: false,
    };

    /// The defaults of live sources: soft 1 %, hard 5 %, discard 50 % of the last price, 3 confirmations.
    pub const LIVE: FilterTerms = FilterTerms {
        soft: Ratio::percent(1),
        hard: Ratio::percent(5),
        discard: Ratio::percent(50),
        ..FilterTerms::OFF
    };
}

impl HaltTerms {
    /// The house's defaults: alert 0.5 %, halt 1 % within 60 s, for crypto 3 % and 10 %; three confirmations.
    pub const fn of_class(class: AssetClass) -> HaltTerms {
        let (alert, halt) = match class {
            AssetClass::Crypto => (Ratio::percent(3), Ratio::percent(10)),
            _ => (Ratio::basis_points(50), Ratio::percent(1)),
        };
        let vol_floor = match class {
            AssetClass::Forex => Ratio::basis_points(15),
            AssetClass::Crypto => Ratio::percent(1),
            _ => Ratio::basis_points(30),
        };
        HaltTerms {
            window_ns: MINUTE_NS,
            alert,
            halt,
            confirmations: 3,
            breakers: BreakerTerms::OFF,
            cooldown_ns: 5 * MINUTE_NS,
            quiet_ns: 2 * MINUTE_NS,
            manual_resume: false,
            factor: Ratio::percent(200),
            grace_ns: 15 * MINUTE_NS,
            vol_floor,
            vol_multiple: Ratio::percent(300),
            ewma_lambda: Ratio::percent(94),
            ewma_unit_ns: MINUTE_NS,
        }
    }
}

/// Step and cap of the haircut on dead prices, by class: 2 bp and 100 bp, for crypto 10 and 500.
pub const fn dead_price(class: AssetClass) -> (Ratio, Ratio) {
    match class {
        AssetClass::Crypto => (Ratio::basis_points(10), Ratio::basis_points(500)),
        _ => (Ratio::basis_points(2), Ratio::basis_points(100)),
    }
}

impl InstrumentTerms {
    /// Terms of the house's defaults for a class: one lot of 100,000 (Forex), 100 (Metal), 1,000 (Energy) or
    /// 1 (Index, Crypto), filters off, no feeds. The caller changes what differs.
    pub fn of_class(
        id: InstrumentId,
        class: AssetClass,
        base: CurrencyId,
        quote: CurrencyId,
        price_digits: u8,
    ) -> InstrumentTerms {
        let (mode, contract_size, margin_currency) = match class {
            AssetClass::Forex => (CalcMode::Forex, 100_000, base),
            AssetClass::Metal => (CalcMode::CfdLeverage, 100, quote),
            AssetClass::Energy => (CalcMode::CfdLeverage, 1_000, quote),
            AssetClass::Index => (CalcMode::CfdLeverage, 1, quote),
            AssetClass::Crypto => (CalcMode::CryptoLinear, 1, quote),
        };
        let (dead_step, dead_cap) = dead_price(class);
        InstrumentTerms {
            id,
            class,
            mode,
            trade_mode: TradeMode::Full,
            base,
            quote,
            margin_currency,
            price_digits,
            qty_digits: 2,
            contract_size,
            contract_digits: 0,
            tick: Price(1),
            tick_value: 0,
            qty_min: Qty(1),
            qty_max: Qty(10_000_000),
            qty_step: Qty(1),
            notional_max: Money(0),
            collar: Ratio(0),
            price_band: Ratio(0),
            negative_prices: false,
            leverage_max: Leverage::NONE,
            margin_initial: Ratio::ONE,
            margin_maintenance: Ratio::ONE,
            margin_hedged: Ratio::ONE,
            margin_fixed: Money(0),
            margin: MarginTerms::NONE,
            crypto: CryptoTerms::NONE,
            feeds: Vec::new(),
            damp_ns: MINUTE_NS,
            quote_age_max_ns: 30 * SECOND_NS,
            cache_age_max_ns: 5 * MINUTE_NS,
            filter: FilterTerms::OFF,
            halt: HaltTerms::of_class(class),
            watch: Vec::new(),
            swap: SwapTerms::NONE,
            dead_step,
            dead_cap,
            trade_delayed: false,
            family: 0,
        }
    }
}
