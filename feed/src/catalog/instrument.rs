//! From an instrument's line, and what its class says, to its terms.

use super::build::At;
use super::file::{
    self, BracketKeys, InstrumentKeys, KindRates, RateKeys, ScheduleKeys, SwapValue,
};
use super::{CatalogError, Currency, Listing, SimTerms, Source, VenueSymbol, find, value};
use crate::calendar::Hours;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

const FILE: &str = "instruments.toml";

/// Level filters of live venues: soft, hard, discard, and how many prices confirm a shift of level.
const FILTER: FilterTerms = FilterTerms {
    spread_min: Price(0),
    spread_max: Price(0),
    soft: Ratio::percent(1),
    hard: Ratio::percent(5),
    discard: Ratio::percent(50),
    points: LevelPoints::OFF,
    confirmations: 3,
    same_quote: false,
};

/// What all instruments' halts share; the thresholds come from the class.
const HALT: HaltTerms = HaltTerms {
    window_ns: MINUTE_NS,
    alert: Ratio(0),
    halt: Ratio(0),
    confirmations: 3,
    breakers: BreakerTerms::OFF,
    cooldown_ns: 5 * MINUTE_NS,
    quiet_ns: 5 * MINUTE_NS,
    manual_resume: true,
    factor: Ratio::percent(200),
    grace_ns: 15 * MINUTE_NS,
    vol_floor: Ratio(0),
    vol_multiple: Ratio::percent(300),
    // RiskMetrics' daily decay, per minute here.
    ewma_lambda: Ratio::percent(94),
    ewma_unit_ns: MINUTE_NS,
};

/// After three switches of source within a minute the lower one stays this long.
const DAMP_NS: u64 = MINUTE_NS;

/// Digits of the house's currency, in which the largest notional is written.
const HOUSE_DIGITS: u8 = 2;

/// Reads the instruments.
pub fn listings(
    text: &str,
    currencies: &[Currency],
    sources: &[Source],
    hours: &Hours,
) -> Result<Vec<Listing>, CatalogError> {
    let file: file::Instruments = file::read(FILE, text)?;
    let classes = [
        ("forex", AssetClass::Forex),
        ("metal", AssetClass::Metal),
        ("energy", AssetClass::Energy),
        ("index", AssetClass::Index),
        ("crypto", AssetClass::Crypto),
    ];
    let mut listings = Vec::with_capacity(file.instrument.len());
    for own in &file.instrument {
        let nth = listings.len() + 1;
        let symbol = own.symbol.clone().unwrap_or(format!("instrument {nth}"));
        let at = At {
            file: FILE,
            entry: &symbol,
        };
        at.need("symbol", own.symbol.as_ref())?;
        let name = at.need("class", own.class.as_deref())?;
        let asset = at.one_of("class", name, &classes)?;
        let class = at.need("class", file.class.get(name))?;
        listings.push(
            Line {
                at,
                own,
                class,
                currencies,
                sources,
                hours,
            }
            .listing(asset)?,
        );
    }
    Ok(listings)
}

/// One instrument's line beside its class.
struct Line<'a> {
    at: At<'a>,
    own: &'a InstrumentKeys,
    class: &'a InstrumentKeys,
    currencies: &'a [Currency],
    sources: &'a [Source],
    hours: &'a Hours,
}

/// A key of the line, else of its class.
macro_rules! key {
    ($line:expr, $key:ident) => {
        $line.own.$key.as_ref().or($line.class.$key.as_ref())
    };
}

/// An optional key as a decimal or a ratio, or a needed one as a duration; its name goes into the error.
macro_rules! read {
    (scaled $line:expr, $key:ident, $digits:expr) => {
        $line.scaled(stringify!($key), key!($line, $key), $digits)
    };
    (ratio $line:expr, $key:ident, $absent:expr) => {
        $line.ratio(stringify!($key), key!($line, $key), $absent)
    };
    (duration $line:expr, $key:ident) => {
        $line.duration_ns(stringify!($key), key!($line, $key))
    };
    (duration $line:expr, $key:ident, $absent:expr) => {
        match key!($line, $key) {
            Some(_) => read!(duration $line, $key),
            None => Ok($absent),
        }
    };
}

impl Line<'_> {
    fn listing(&self, class: AssetClass) -> Result<Listing, CatalogError> {
        let terms = self.terms(class)?;
        let calendar = self.at.need("calendar", key!(self, calendar))?;
        if !self.hours.knows(calendar) {
            let known = self.hours.names().join(", ");
            let message = format!("\"{calendar}\" is none of {known}");
            return Err(self.at.error("calendar", message));
        }
        let price = key!(self, sim_price).map(|text| value::scaled(text, terms.price_digits));
        let price = price
            .map(|price| self.at.ok("sim_price", price))
            .transpose()?;
        let sim = SimTerms {
            price: price.map(Price),
            spread: Price(*self.at.need("sim_spread", key!(self, sim_spread))?),
            sigma: read!(ratio self, sim_sigma, Ratio(0))?,
            rate: *self.at.need("sim_rate", key!(self, sim_rate))?,
        };
        Ok(Listing {
            symbol: self.at.entry.to_owned(),
            name: self.at.need("name", self.own.name.clone())?,
            terms,
            calendar: calendar.clone(),
            venues: self.venues()?,
            sim,
        })
    }

    fn terms(&self, class: AssetClass) -> Result<InstrumentTerms, CatalogError> {
        let base = self.currency("base", self.at.need("base", key!(self, base))?)?;
        let quote = self.currency("quote", self.at.need("quote", key!(self, quote))?)?;
        let mode = calc_mode(&self.at, self.at.need("mode", key!(self, mode))?)?;
        let margin_currency = self.margin_currency(mode, base, quote)?;
        let price_digits = *self.at.need("price_digits", key!(self, price_digits))?;
        let qty_digits = *self.at.need("qty_digits", key!(self, qty_digits))?;
        let contract = self.at.need("contract_size", key!(self, contract_size))?;
        let contract_digits = crate::decimal::digits_used(contract.as_bytes());
        let tick = read!(scaled self, tick, price_digits)?;
        let spread_max = Price(read!(scaled self, spread_max, price_digits)?);
        Ok(InstrumentTerms {
            id: InstrumentId(self.at.need("id", self.own.id)?),
            class,
            mode,
            trade_mode: trade_mode(&self.at, key!(self, trade_mode))?,
            base: base.id,
            quote: quote.id,
            margin_currency: margin_currency.id,
            price_digits,
            qty_digits,
            contract_size: read!(scaled self, contract_size, contract_digits)?,
            contract_digits,
            tick: Price(if tick == 0 { 1 } else { tick }),
            tick_value: read!(scaled self, tick_value, quote.digits)?,
            qty_min: Qty(read!(scaled self, qty_min, qty_digits)?),
            qty_max: Qty(read!(scaled self, qty_max, qty_digits)?),
            qty_step: Qty(read!(scaled self, qty_step, qty_digits)?),
            notional_max: Money(read!(scaled self, notional_max, HOUSE_DIGITS)?),
            collar: read!(ratio self, collar, Ratio(0))?,
            price_band: read!(ratio self, price_band, Ratio(0))?,
            negative_prices: *key!(self, negative_prices).unwrap_or(&false),
            leverage_max: self.leverage_max()?,
            margin_initial: read!(ratio self, margin_initial, Ratio::ONE)?,
            margin_maintenance: read!(ratio self, margin_maintenance, Ratio::ONE)?,
            margin_hedged: read!(ratio self, margin_hedged, Ratio::percent(50))?,
            margin_fixed: Money(read!(scaled self, margin_fixed, margin_currency.digits)?),
            margin: self.margin(class, margin_currency.digits)?,
            crypto: self.crypto(margin_currency.digits, quote.digits)?,
            feeds: self.feeds()?,
            damp_ns: DAMP_NS,
            quote_age_max_ns: read!(duration self, quote_age_max)?,
            cache_age_max_ns: read!(duration self, cache_age_max)?,
            filter: self.filter(spread_max),
            halt: self.halt(price_digits)?,
            watch: Vec::new(),
            swap: self.swap()?,
            dead_step: read!(ratio self, dead_step, Ratio(0))?,
            dead_cap: read!(ratio self, dead_cap, Ratio(0))?,
            trade_delayed: *key!(self, trade_delayed).unwrap_or(&false),
            family: *key!(self, family).unwrap_or(&0),
        })
    }

    fn leverage_max(&self) -> Result<Leverage, CatalogError> {
        let read = key!(self, leverage_max).map(file::LeverageValue::read);
        let read = self.at.ok("leverage_max", read.transpose())?;
        Ok(read.unwrap_or_default())
    }

    /// The base where the contract is margined in it, else the quote currency.
    fn margin_currency(
        &self,
        mode: CalcMode,
        base: CurrencyTerms,
        quote: CurrencyTerms,
    ) -> Result<CurrencyTerms, CatalogError> {
        use CalcMode::{CryptoInverse, Forex, ForexNoLeverage};
        match key!(self, margin_currency) {
            Some(code) => self.currency("margin_currency", code),
            None if matches!(mode, Forex | ForexNoLeverage | CryptoInverse) => Ok(base),
            None => Ok(quote),
        }
    }

    /// How the instrument is charged beyond its formula.
    fn margin(&self, class: AssetClass, digits: u8) -> Result<MarginTerms, CatalogError> {
        let all = RateKeys::default();
        let raw = key!(self, margin_rates).unwrap_or(&all);
        let share = |text: &Option<String>| match text {
            Some(text) => self.at.ok("margin_rates", value::ratio(text)),
            None => Ok(Ratio::ONE),
        };
        let rates = |kinds: &KindRates| -> Result<MarginRates, CatalogError> {
            Ok(MarginRates {
                market: share(&kinds.market)?,
                limit: share(&kinds.limit)?,
                stop: share(&kinds.stop)?,
                stop_limit: share(&kinds.stop_limit)?,
            })
        };
        let hedged = match key!(self, margin_fixed_hedged) {
            Some(_) => Some(Money(read!(scaled self, margin_fixed_hedged, digits)?)),
            None => None,
        };
        Ok(MarginTerms {
            hedge: key!(self, hedge)
                .map_or(Ok(HedgeRule::Basic), |name| hedge_rule(&self.at, name))?,
            buy: rates(&raw.buy)?,
            sell: rates(&raw.sell)?,
            hold_buy: share(&raw.hold_buy)?,
            hold_sell: share(&raw.hold_sell)?,
            fixed_hold: Money(read!(scaled self, margin_fixed_hold, digits)?),
            fixed_hedged: hedged,
            class: self.cap_class(class)?,
        })
    }

    fn filter(&self, spread_max: Price) -> FilterTerms {
        match key!(self, filter_points) {
            Some(points) => FilterTerms {
                spread_max,
                points: LevelPoints::imported(*points),
                ..FilterTerms::OFF
            },
            None => FilterTerms {
                spread_max,
                ..FILTER
            },
        }
    }

    fn breakers(&self, price_digits: u8) -> Result<BreakerTerms, CatalogError> {
        let off = BreakerTerms::OFF;
        let window_ns = match key!(self, halt_velocity_window) {
            Some(_) => read!(duration self, halt_velocity_window)?,
            None => off.velocity.window_ns,
        };
        Ok(BreakerTerms {
            band: BandTerms {
                share: read!(ratio self, halt_band, Ratio(0))?,
                least: Price(read!(scaled self, halt_band_least, price_digits)?),
                ..off.band
            },
            dynamic: DynamicTerms {
                share: read!(ratio self, halt_dynamic, Ratio(0))?,
                ..off.dynamic
            },
            velocity: VelocityTerms {
                ticks: *key!(self, halt_velocity_ticks).unwrap_or(&0),
                window_ns,
            },
        })
    }

    /// The class that leverage caps of retail clients go by; the file may say another than the asset class implies.
    fn cap_class(&self, class: AssetClass) -> Result<CapClass, CatalogError> {
        // Pairs of two of these are major (ESMA decision 2018/796, article 1).
        const MAJOR: [&str; 6] = ["USD", "EUR", "JPY", "GBP", "CAD", "CHF"];
        let known = [
            ("major_forex", CapClass::MajorForex),
            ("minor_forex_gold_index", CapClass::MinorForexGoldIndex),
            ("commodity", CapClass::Commodity),
            ("share", CapClass::Share),
            ("crypto", CapClass::Crypto),
        ];
        if let Some(name) = key!(self, cap_class) {
            return self.at.one_of("cap_class", name, &known);
        }
        let major = |code: Option<&String>| code.is_some_and(|c| MAJOR.contains(&c.as_str()));
        Ok(match class {
            AssetClass::Forex if major(key!(self, base)) && major(key!(self, quote)) => {
                CapClass::MajorForex
            }
            AssetClass::Forex | AssetClass::Index => CapClass::MinorForexGoldIndex,
            AssetClass::Metal if key!(self, base).is_some_and(|code| code == "XAU") => {
                CapClass::MinorForexGoldIndex
            }
            AssetClass::Metal | AssetClass::Energy => CapClass::Commodity,
            AssetClass::Crypto => CapClass::Crypto,
        })
    }

    fn halt(&self, price_digits: u8) -> Result<HaltTerms, CatalogError> {
        Ok(HaltTerms {
            breakers: self.breakers(price_digits)?,
            window_ns: read!(duration self, halt_window, HALT.window_ns)?,
            alert: read!(ratio self, halt_alert, Ratio(0))?,
            halt: read!(ratio self, halt, Ratio(0))?,
            confirmations: *key!(self, halt_confirmations).unwrap_or(&HALT.confirmations),
            cooldown_ns: read!(duration self, halt_cooldown, HALT.cooldown_ns)?,
            quiet_ns: read!(duration self, halt_quiet, HALT.quiet_ns)?,
            manual_resume: *key!(self, halt_manual_resume).unwrap_or(&HALT.manual_resume),
            factor: read!(ratio self, halt_factor, HALT.factor)?,
            grace_ns: read!(duration self, halt_grace, HALT.grace_ns)?,
            vol_floor: read!(ratio self, vol_floor, Ratio(0))?,
            vol_multiple: read!(ratio self, vol_multiple, HALT.vol_multiple)?,
            ewma_lambda: read!(ratio self, ewma_lambda, HALT.ewma_lambda)?,
            ewma_unit_ns: read!(duration self, ewma_unit, HALT.ewma_unit_ns)?,
        })
    }

    fn crypto(&self, margin_digits: u8, quote_digits: u8) -> Result<CryptoTerms, CatalogError> {
        const KEY: &str = "schedule";
        let share = |text: &str| self.at.ok(KEY, value::ratio(text));
        let money = |text: &str, digits| self.at.ok(KEY, value::scaled(text, digits)).map(Money);
        let schedule = match key!(self, schedule) {
            None => MarginSchedule::Flat,
            Some(ScheduleKeys::HalfOfInitial {}) => MarginSchedule::HalfOfInitial,
            Some(ScheduleKeys::Brackets(all)) => {
                let bracket = |raw: &BracketKeys| {
                    Ok(Bracket {
                        floor: money(&raw.floor, margin_digits)?,
                        rate: share(&raw.rate)?,
                        amount: money(&raw.amount, margin_digits)?,
                        leverage_max: raw.leverage,
                    })
                };
                let brackets: Result<Vec<_>, CatalogError> = all.iter().map(bracket).collect();
                MarginSchedule::Brackets(brackets?)
            }
            Some(ScheduleKeys::Slope {
                initial,
                maintenance,
                per_unit,
            }) => MarginSchedule::Slope(Slope {
                initial: share(initial)?,
                maintenance: share(maintenance)?,
                per_unit: share(per_unit)?,
            }),
            Some(ScheduleKeys::OpenInterest {
                initial,
                maintenance,
                lower,
                upper,
            }) => MarginSchedule::OpenInterest(OpenInterestScale {
                initial: share(initial)?,
                maintenance: share(maintenance)?,
                lower: money(lower, quote_digits)?,
                upper: money(upper, quote_digits)?,
            }),
        };
        let age = key!(self, mark_age_max).map(|text| value::duration_ns(text));
        let age = age.map(|age| self.at.ok("mark_age_max", age)).transpose()?;
        Ok(CryptoTerms {
            schedule,
            mark_age_max_ns: age.unwrap_or(0),
        })
    }

    fn venues(&self) -> Result<Vec<VenueSymbol>, CatalogError> {
        let mut venues = Vec::new();
        for (venue, symbol) in [("binance", &self.own.binance), ("kraken", &self.own.kraken)] {
            if let Some(symbol) = symbol {
                let source = self.source(venue)?;
                venues.push(VenueSymbol {
                    source,
                    symbol: symbol.clone(),
                });
            }
        }
        Ok(venues)
    }

    /// Venues that list the instrument come first, then the feeds of the file.
    fn feeds(&self) -> Result<Vec<Feed>, CatalogError> {
        let timeout_ns = read!(duration self, feed_timeout)?;
        let mut feeds = Vec::new();
        for venue in self.venues()? {
            feeds.push(Feed {
                source: venue.source,
                timeout_ns,
            });
        }
        for name in self.at.need("feeds", key!(self, feeds))? {
            let source = self.source(name)?;
            if feeds.iter().all(|feed| feed.source != source) {
                feeds.push(Feed { source, timeout_ns });
            }
        }
        Ok(feeds)
    }

    fn swap(&self) -> Result<SwapTerms, CatalogError> {
        let known = [
            ("none", SwapMode::None),
            ("points", SwapMode::Points),
            ("percent", SwapMode::Percent),
            ("money", SwapMode::Money),
        ];
        let name = key!(self, swap_mode).map_or("none", String::as_str);
        let mode = self.at.one_of("swap_mode", name, &known)?;
        let swap = SwapTerms {
            mode,
            long: self.swap_value("swap_long", mode, key!(self, swap_long))?,
            short: self.swap_value("swap_short", mode, key!(self, swap_short))?,
            week: key!(self, swap_week)
                .copied()
                .unwrap_or([1, 1, 3, 1, 1, 0, 0]),
            point: Price(key!(self, swap_point).copied().unwrap_or(1)),
            year_days: key!(self, swap_year_days).copied().unwrap_or(YEAR_DAYS),
        };
        if swap.is_bounded() {
            Ok(swap)
        } else {
            let most = "and swap_short: at most a million points or units a day, 100000 % a year";
            Err(self.at.error("swap_long", most))
        }
    }

    fn swap_value(
        &self,
        key: &'static str,
        mode: SwapMode,
        value: Option<&SwapValue>,
    ) -> Result<Ratio, CatalogError> {
        match (mode, value) {
            (_, None) => Ok(Ratio(0)),
            (SwapMode::Percent, Some(SwapValue::Text(text))) => self.at.ok(key, value::ratio(text)),
            (SwapMode::Percent, _) => Err(self
                .at
                .error(key, "swap_mode percent takes text like \"-6.8 %\"")),
            (SwapMode::Points | SwapMode::Money, Some(SwapValue::Text(text))) => {
                self.at.ok(key, value::scaled(text, 12)).map(Ratio)
            }
            (SwapMode::Points | SwapMode::Money, Some(SwapValue::Whole(whole))) => whole
                .checked_mul(Ratio::ONE.0)
                .map(Ratio)
                .ok_or_else(|| self.at.error(key, "at most a million")),
            (SwapMode::None, _) => Err(self.at.error(key, "a swap_mode beside it")),
        }
    }

    fn currency(&self, key: &'static str, code: &str) -> Result<CurrencyTerms, CatalogError> {
        let found = find("currency", code, self.currencies, |currency| &currency.code);
        self.at.name(key, found.map(|currency| currency.terms))
    }

    fn source(&self, name: &str) -> Result<SourceId, CatalogError> {
        let found = find("source", name, self.sources, |source| &source.name);
        self.at.name("feeds", found.map(|source| source.terms.id))
    }

    fn scaled(
        &self,
        key: &'static str,
        text: Option<&String>,
        digits: u8,
    ) -> Result<i64, CatalogError> {
        text.map_or(Ok(0), |text| self.at.ok(key, value::scaled(text, digits)))
    }

    fn ratio(
        &self,
        key: &'static str,
        text: Option<&String>,
        absent: Ratio,
    ) -> Result<Ratio, CatalogError> {
        text.map_or(Ok(absent), |text| self.at.ok(key, value::ratio(text)))
    }

    fn duration_ns(&self, key: &'static str, text: Option<&String>) -> Result<u64, CatalogError> {
        self.at
            .ok(key, value::duration_ns(self.at.need(key, text)?))
    }
}

fn calc_mode(at: &At<'_>, name: &str) -> Result<CalcMode, CatalogError> {
    let known = [
        ("forex", CalcMode::Forex),
        ("cfd", CalcMode::Cfd),
        ("cfd_leverage", CalcMode::CfdLeverage),
        ("crypto_linear", CalcMode::CryptoLinear),
        ("forex_no_leverage", CalcMode::ForexNoLeverage),
        ("cfd_index", CalcMode::CfdIndex),
        ("futures", CalcMode::Futures),
        ("crypto_inverse", CalcMode::CryptoInverse),
    ];
    at.one_of("mode", name, &known)
}

/// What opposite positions are charged.
pub fn hedge_rule(at: &At<'_>, name: &str) -> Result<HedgeRule, CatalogError> {
    let known = [
        ("basic", HedgeRule::Basic),
        ("larger_leg", HedgeRule::LargerLeg),
        ("sum", HedgeRule::Sum),
        ("max", HedgeRule::Max),
        ("net", HedgeRule::Net),
    ];
    at.one_of("hedge", name, &known)
}

fn trade_mode(at: &At<'_>, name: Option<&String>) -> Result<TradeMode, CatalogError> {
    let known = [
        ("full", TradeMode::Full),
        ("long_only", TradeMode::LongOnly),
        ("short_only", TradeMode::ShortOnly),
        ("close_only", TradeMode::CloseOnly),
        ("disabled", TradeMode::Disabled),
    ];
    name.map_or(Ok(TradeMode::Full), |name| {
        at.one_of("trade_mode", name, &known)
    })
}
