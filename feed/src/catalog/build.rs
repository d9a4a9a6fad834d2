//! From the files' text to terms: names to ids, decimals to integers, class defaults filled in.

use super::file::{self, InstrumentKeys, SwapValue};
use super::{
    Catalog, CatalogError, Currency, DemoAccount, Files, Group, Link, Listing, SimTerms, Source,
    VenueSymbol, find, value,
};
use crate::calendar::Holidays;
use siaga_risk::event::{NewOrder, OrderKind, Protection, Side, Tif};
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// Level filters of live venues: soft, hard, discard, and how many prices confirm a shift of level.
const FILTER: FilterTerms = FilterTerms {
    spread_min: Price(0),
    spread_max: Price(0),
    soft: Ratio::percent(1),
    hard: Ratio::percent(5),
    discard: Ratio::percent(50),
    confirmations: 3,
    same_quote: false,
};

/// What all instruments' halts share; the thresholds come from the class.
const HALT: HaltTerms = HaltTerms {
    window_ns: MINUTE_NS,
    alert: Ratio(0),
    halt: Ratio(0),
    confirmations: 3,
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

/// Where in which file a value stands, for errors.
struct At<'a> {
    file: &'a str,
    entry: &'a str,
}

impl At<'_> {
    fn error(&self, key: &'static str, message: impl Into<String>) -> CatalogError {
        CatalogError::Value {
            file: self.file.to_owned(),
            entry: self.entry.to_owned(),
            key,
            message: message.into(),
        }
    }

    fn need<T>(&self, key: &'static str, value: Option<T>) -> Result<T, CatalogError> {
        value.ok_or_else(|| self.error(key, "is missing here and in the class"))
    }

    fn ok<T>(&self, key: &'static str, value: Result<T, String>) -> Result<T, CatalogError> {
        value.map_err(|message| self.error(key, message))
    }

    fn name<T>(
        &self,
        key: &'static str,
        value: Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        value.map_err(|error| self.error(key, error.to_string()))
    }

    fn one_of<T: Copy>(
        &self,
        key: &'static str,
        name: &str,
        known: &[(&str, T)],
    ) -> Result<T, CatalogError> {
        let found = known.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.error(key, format!("\"{name}\" is none of {}", names.join(", ")))
        })
    }
}

pub fn catalog(files: &Files<'_>) -> Result<Catalog, CatalogError> {
    let currencies = currencies(files.currencies)?;
    let (sources, links) = sources(files.sources)?;
    let instruments = instruments(files.instruments, &currencies, &sources)?;
    let groups = groups(files.groups)?;
    let holidays = Holidays::read(files.holidays).map_err(|error| CatalogError::File {
        file: "holidays.toml".to_owned(),
        message: error.to_string(),
    })?;
    let mut catalog = Catalog {
        currencies,
        sources,
        links,
        instruments,
        groups,
        accounts: Vec::new(),
        orders: Vec::new(),
        holidays,
    };
    demo(files.demo, &mut catalog)?;
    unique(
        "instruments.toml",
        catalog
            .instruments
            .iter()
            .map(|l| (l.terms.id.0, &l.symbol)),
    )?;
    unique(
        "currencies.toml",
        catalog
            .currencies
            .iter()
            .map(|c| (c.terms.id.0.into(), &c.code)),
    )?;
    unique(
        "sources.toml",
        catalog
            .sources
            .iter()
            .map(|s| (s.terms.id.0.into(), &s.name)),
    )?;
    unique(
        "groups.toml",
        catalog
            .groups
            .iter()
            .map(|g| (g.terms.id.0.into(), &g.name)),
    )?;
    unique(
        "demo.toml",
        catalog.accounts.iter().map(|a| (a.terms.id.0, &a.name)),
    )?;
    Ok(catalog)
}

fn unique<'a>(
    file: &str,
    entries: impl Iterator<Item = (u32, &'a String)>,
) -> Result<(), CatalogError> {
    let mut ids = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (id, name) in entries {
        let at = At { file, entry: name };
        if id == 0 {
            return Err(at.error("id", "0 means none; ids start at 1"));
        }
        if let Some(other) = ids.insert(id, name) {
            return Err(at.error("id", format!("{id} is already \"{other}\"")));
        }
        if names.insert(name, id).is_some() {
            return Err(at.error("name", "stands twice"));
        }
    }
    Ok(())
}

fn currencies(text: &str) -> Result<Vec<Currency>, CatalogError> {
    let file: file::Currencies = file::read("currencies.toml", text)?;
    file.currency
        .into_iter()
        .map(|raw| {
            let at = At {
                file: "currencies.toml",
                entry: &raw.code,
            };
            if raw.digits > 8 {
                return Err(at.error("digits", "at most 8"));
            }
            let terms = CurrencyTerms {
                id: CurrencyId(raw.id),
                digits: raw.digits,
                pivot: raw.pivot,
            };
            Ok(Currency {
                code: raw.code,
                name: raw.name,
                terms,
            })
        })
        .collect()
}

fn sources(text: &str) -> Result<(Vec<Source>, Vec<Link>), CatalogError> {
    let file: file::Sources = file::read("sources.toml", text)?;
    let mut sources = Vec::new();
    for raw in file.source {
        let at = At {
            file: "sources.toml",
            entry: &raw.name,
        };
        let kinds = [
            ("gateway", SourceKind::Gateway),
            ("datafeed", SourceKind::Datafeed),
        ];
        let crossed = [("hold", Crossed::Hold), ("accept", Crossed::Accept)];
        let terms = SourceTerms {
            id: SourceId(raw.id),
            kind: at.one_of("kind", &raw.kind, &kinds)?,
            crossed: at.one_of("crossed", &raw.crossed, &crossed)?,
            filtered: raw.filtered,
        };
        sources.push(Source {
            name: raw.name,
            terms,
        });
    }
    let mut links = Vec::new();
    for raw in file.link {
        let at = At {
            file: "sources.toml",
            entry: &raw.name,
        };
        let held = [("core", HeldBy::Core), ("broker", HeldBy::Broker)];
        let terms = LinkTerms {
            id: LinkId(raw.id),
            protective: at.one_of("protective", &raw.protective, &held)?,
            answer_timeout_ns: at.ok("answer_timeout", value::duration_ns(&raw.answer_timeout))?,
            queue_tolerance: at.ok("queue_tolerance", value::ratio(&raw.queue_tolerance))?,
            queue_expiry_ns: at.ok("queue_expiry", value::duration_ns(&raw.queue_expiry))?,
        };
        let stop_out = at.one_of("stop_out", &raw.stop_out, &STOP_OUT_MODES)?;
        links.push(Link {
            name: raw.name,
            stop_out,
            terms,
        });
    }
    Ok((sources, links))
}

const STOP_OUT_MODES: [(&str, StopOutMode); 2] =
    [("act", StopOutMode::Act), ("observe", StopOutMode::Observe)];

fn instruments(
    text: &str,
    currencies: &[Currency],
    sources: &[Source],
) -> Result<Vec<Listing>, CatalogError> {
    const FILE: &str = "instruments.toml";
    let file: file::Instruments = file::read(FILE, text)?;
    let classes = [
        ("forex", AssetClass::Forex),
        ("metal", AssetClass::Metal),
        ("energy", AssetClass::Energy),
        ("index", AssetClass::Index),
        ("crypto", AssetClass::Crypto),
    ];
    let mut listings = Vec::with_capacity(file.instrument.len());
    for raw in &file.instrument {
        let symbol = raw
            .symbol
            .clone()
            .unwrap_or_else(|| format!("instrument {}", listings.len() + 1));
        let at = At {
            file: FILE,
            entry: &symbol,
        };
        at.need("symbol", raw.symbol.as_ref())?;
        let class_name = at.need("class", raw.class.as_deref())?;
        let class = at.one_of("class", class_name, &classes)?;
        let defaults = at.need("class", file.class.get(class_name))?;
        listings.push(listing(&at, class, raw, defaults, currencies, sources)?);
    }
    Ok(listings)
}

/// A key of the instrument's line, else of its class.
macro_rules! key {
    ($own:expr, $class:expr, $key:ident) => {
        $own.$key.as_ref().or($class.$key.as_ref())
    };
}

fn listing(
    at: &At<'_>,
    class: AssetClass,
    own: &InstrumentKeys,
    defaults: &InstrumentKeys,
    currencies: &[Currency],
    sources: &[Source],
) -> Result<Listing, CatalogError> {
    let currency = |key: &'static str, code: &str| {
        let found = find("currency", code, currencies, |c| &c.code);
        at.name(key, found.map(|c| c.terms))
    };
    let base = currency("base", at.need("base", own.base.as_deref())?)?;
    let quote = currency("quote", at.need("quote", own.quote.as_deref())?)?;
    let mode = calc_mode(at, at.need("mode", key!(own, defaults, mode))?)?;
    let margin_currency = match key!(own, defaults, margin_currency) {
        Some(code) => currency("margin_currency", code)?,
        None if matches!(
            mode,
            CalcMode::Forex | CalcMode::ForexNoLeverage | CalcMode::CryptoInverse
        ) =>
        {
            base
        }
        None => quote,
    };
    let price_digits = *at.need("price_digits", own.price_digits.as_ref())?;
    let qty_digits = *at.need("qty_digits", key!(own, defaults, qty_digits))?;
    let scaled = |key: &'static str, text: Option<&String>, digits: u8| match text {
        Some(text) => at.ok(key, value::scaled(text, digits)),
        None => Ok(0),
    };
    let ratio = |key: &'static str, text: Option<&String>, absent: Ratio| match text {
        Some(text) => at.ok(key, value::ratio(text)),
        None => Ok(absent),
    };
    let duration = |key: &'static str, text: Option<&String>| {
        at.ok(key, value::duration_ns(at.need(key, text)?))
    };
    let contract_text = at.need("contract_size", key!(own, defaults, contract_size))?;
    let contract_digits = crate::decimal::digits_used(contract_text.as_bytes());
    let tick = scaled("tick", key!(own, defaults, tick), price_digits)?;
    let terms = InstrumentTerms {
        id: InstrumentId(at.need("id", own.id)?),
        class,
        mode,
        trade_mode: trade_mode(at, key!(own, defaults, trade_mode))?,
        base: base.id,
        quote: quote.id,
        margin_currency: margin_currency.id,
        price_digits,
        qty_digits,
        contract_size: scaled("contract_size", Some(contract_text), contract_digits)?,
        contract_digits,
        tick: Price(if tick == 0 { 1 } else { tick }),
        tick_value: scaled("tick_value", key!(own, defaults, tick_value), quote.digits)?,
        qty_min: Qty(scaled("qty_min", key!(own, defaults, qty_min), qty_digits)?),
        qty_max: Qty(scaled("qty_max", key!(own, defaults, qty_max), qty_digits)?),
        qty_step: Qty(scaled(
            "qty_step",
            key!(own, defaults, qty_step),
            qty_digits,
        )?),
        notional_max: Money(scaled(
            "notional_max",
            key!(own, defaults, notional_max),
            2,
        )?),
        collar: ratio("collar", key!(own, defaults, collar), Ratio(0))?,
        negative_prices: *key!(own, defaults, negative_prices).unwrap_or(&false),
        leverage_max: *key!(own, defaults, leverage_max).unwrap_or(&0),
        margin_initial: ratio(
            "margin_initial",
            key!(own, defaults, margin_initial),
            Ratio::ONE,
        )?,
        margin_maintenance: ratio(
            "margin_maintenance",
            key!(own, defaults, margin_maintenance),
            Ratio::ONE,
        )?,
        margin_hedged: ratio(
            "margin_hedged",
            key!(own, defaults, margin_hedged),
            Ratio::percent(50),
        )?,
        margin_fixed: Money(scaled(
            "margin_fixed",
            key!(own, defaults, margin_fixed),
            margin_currency.digits,
        )?),
        feeds: feeds(at, own, defaults, sources)?,
        damp_ns: MINUTE_NS,
        quote_age_max_ns: duration("quote_age_max", key!(own, defaults, quote_age_max))?,
        cache_age_max_ns: duration("cache_age_max", key!(own, defaults, cache_age_max))?,
        filter: FilterTerms {
            spread_max: Price(scaled(
                "spread_max",
                key!(own, defaults, spread_max),
                price_digits,
            )?),
            ..FILTER
        },
        halt: HaltTerms {
            alert: ratio("halt_alert", key!(own, defaults, halt_alert), Ratio(0))?,
            halt: ratio("halt", key!(own, defaults, halt), Ratio(0))?,
            vol_floor: ratio("vol_floor", key!(own, defaults, vol_floor), Ratio(0))?,
            ..HALT
        },
        watch: Vec::new(),
        swap: swap(at, own, defaults)?,
        dead_step: ratio("dead_step", key!(own, defaults, dead_step), Ratio(0))?,
        dead_cap: ratio("dead_cap", key!(own, defaults, dead_cap), Ratio(0))?,
        trade_delayed: *key!(own, defaults, trade_delayed).unwrap_or(&false),
        family: *key!(own, defaults, family).unwrap_or(&0),
    };
    let calendar = at.need("calendar", key!(own, defaults, calendar))?;
    if !crate::calendar::NAMES.contains(&calendar.as_str()) {
        let known = crate::calendar::NAMES.join(", ");
        return Err(at.error("calendar", format!("\"{calendar}\" is none of {known}")));
    }
    let sim_price = key!(own, defaults, sim_price);
    let sim = SimTerms {
        price: match sim_price {
            Some(text) => Some(Price(
                at.ok("sim_price", value::scaled(text, price_digits))?,
            )),
            None => None,
        },
        spread: Price(*at.need("sim_spread", key!(own, defaults, sim_spread))?),
        sigma: ratio("sim_sigma", key!(own, defaults, sim_sigma), Ratio(0))?,
        rate: *at.need("sim_rate", key!(own, defaults, sim_rate))?,
    };
    Ok(Listing {
        symbol: at.entry.to_owned(),
        name: at.need("name", own.name.clone())?,
        terms,
        calendar: calendar.clone(),
        venues: venues(at, own, sources)?,
        sim,
    })
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

fn venues(
    at: &At<'_>,
    own: &InstrumentKeys,
    sources: &[Source],
) -> Result<Vec<VenueSymbol>, CatalogError> {
    let mut venues = Vec::new();
    for (venue, symbol) in [("binance", &own.binance), ("kraken", &own.kraken)] {
        if let Some(symbol) = symbol {
            let source = at
                .name("feeds", find("source", venue, sources, |s| &s.name))?
                .terms
                .id;
            venues.push(VenueSymbol {
                source,
                symbol: symbol.clone(),
            });
        }
    }
    Ok(venues)
}

/// Venues that list the instrument come first, then the feeds of the file.
fn feeds(
    at: &At<'_>,
    own: &InstrumentKeys,
    defaults: &InstrumentKeys,
    sources: &[Source],
) -> Result<Vec<Feed>, CatalogError> {
    let timeout_ns = at.ok(
        "feed_timeout",
        value::duration_ns(at.need("feed_timeout", key!(own, defaults, feed_timeout))?),
    )?;
    let mut feeds: Vec<Feed> = venues(at, own, sources)?
        .into_iter()
        .map(|venue| Feed {
            source: venue.source,
            timeout_ns,
        })
        .collect();
    for name in at.need("feeds", key!(own, defaults, feeds))? {
        let source = at
            .name("feeds", find("source", name, sources, |s| &s.name))?
            .terms
            .id;
        if feeds.iter().all(|feed| feed.source != source) {
            feeds.push(Feed { source, timeout_ns });
        }
    }
    Ok(feeds)
}

fn swap(
    at: &At<'_>,
    own: &InstrumentKeys,
    defaults: &InstrumentKeys,
) -> Result<SwapTerms, CatalogError> {
    let known = [
        ("none", SwapMode::None),
        ("points", SwapMode::Points),
        ("percent", SwapMode::Percent),
        ("money", SwapMode::Money),
    ];
    let name = key!(own, defaults, swap_mode).map_or("none", String::as_str);
    let mode = at.one_of("swap_mode", name, &known)?;
    let amount = |key: &'static str, value: Option<&SwapValue>| match (mode, value) {
        (_, None) => Ok(0),
        (SwapMode::Percent, Some(SwapValue::Percent(text))) => {
            at.ok(key, value::ratio(text)).map(|ratio| ratio.0)
        }
        (SwapMode::Points | SwapMode::Money, Some(SwapValue::Points(points))) => Ok(*points),
        (SwapMode::Percent, _) => {
            Err(at.error(key, "swap_mode percent takes text like \"-6.8 %\""))
        }
        _ => Err(at.error(key, "this swap_mode takes a whole number")),
    };
    Ok(SwapTerms {
        mode,
        long: amount("swap_long", key!(own, defaults, swap_long))?,
        short: amount("swap_short", key!(own, defaults, swap_short))?,
        week: key!(own, defaults, swap_week)
            .copied()
            .unwrap_or([1, 1, 3, 1, 1, 0, 0]),
    })
}

fn groups(text: &str) -> Result<Vec<Group>, CatalogError> {
    let file: file::Groups = file::read("groups.toml", text)?;
    let defaults = &file.defaults;
    let mut groups = Vec::new();
    for raw in &file.group {
        let at = At {
            file: "groups.toml",
            entry: &raw.name,
        };
        let ratio = |key, text: &str| at.ok(key, value::ratio(text));
        let either =
            |own: &Option<String>, default: &String| own.clone().unwrap_or_else(|| default.clone());
        let terms = GroupTerms {
            id: GroupId(raw.id),
            preset: preset(&at, &raw.preset)?,
            margin_price: margin_price(&at, &raw.margin_price)?,
            leverage: raw.leverage,
            warning: ratio("warning", &raw.warning)?,
            restricted: ratio("restricted", &raw.restricted)?,
            stop_out: ratio("stop_out", &raw.stop_out)?,
            stop_out_test: stop_out_test(&at, &raw.stop_out_test)?,
            stop_out_policy: stop_out_policy(&at, &raw.stop_out_policy)?,
            stop_out_mode: at.one_of(
                "stop_out_mode",
                &either(&raw.stop_out_mode, &defaults.stop_out_mode),
                &STOP_OUT_MODES,
            )?,
            free_margin: free_margin(&at, &raw.free_margin)?,
            loss_account: ratio(
                "loss_account",
                &either(&raw.loss_account, &defaults.loss_account),
            )?,
            loss_position: ratio(
                "loss_position",
                &either(&raw.loss_position, &defaults.loss_position),
            )?,
            negative_balance_protection: raw.negative_balance_protection,
            rate_max: defaults.rate_max,
            rate_window_ns: at.ok("rate_window", value::duration_ns(&defaults.rate_window))?,
            duplicate_window_ns: at.ok(
                "duplicate_window",
                value::duration_ns(&defaults.duplicate_window),
            )?,
            acknowledge_risk: defaults.acknowledge_risk,
        };
        if terms.leverage == 0 {
            return Err(at.error("leverage", "at least 1"));
        }
        groups.push(Group {
            name: raw.name.clone(),
            terms,
        });
    }
    Ok(groups)
}

fn preset(at: &At<'_>, name: &str) -> Result<Preset, CatalogError> {
    let known = [
        ("mt5_default", Preset::Mt5Default),
        ("esma_retail", Preset::EsmaRetail),
        ("bappebti", Preset::Bappebti),
        ("oanda_v20", Preset::OandaV20),
        ("crypto_cross", Preset::CryptoCross),
    ];
    at.one_of("preset", name, &known)
}

fn margin_price(at: &At<'_>, name: &str) -> Result<MarginPrice, CatalogError> {
    let known = [
        ("open", MarginPrice::Open),
        ("mid", MarginPrice::Mid),
        ("mark", MarginPrice::Mark),
    ];
    at.one_of("margin_price", name, &known)
}

fn stop_out_test(at: &At<'_>, name: &str) -> Result<LevelTest, CatalogError> {
    let known = [
        ("at_or_below", LevelTest::AtOrBelow),
        ("below", LevelTest::Below),
        ("oanda_closeout", LevelTest::OandaCloseout),
    ];
    at.one_of("stop_out_test", name, &known)
}

fn stop_out_policy(at: &At<'_>, name: &str) -> Result<StopOutPolicy, CatalogError> {
    let known = [
        ("mt5", StopOutPolicy::Mt5),
        ("close_all", StopOutPolicy::CloseAll),
        ("ctrader_smart", StopOutPolicy::CtraderSmart),
        ("largest_margin", StopOutPolicy::LargestMargin),
        ("losers_first", StopOutPolicy::LosersFirst),
    ];
    at.one_of("stop_out_policy", name, &known)
}

fn free_margin(at: &At<'_>, name: &str) -> Result<FreeMargin, CatalogError> {
    let known = [
        ("both", FreeMargin::Both),
        ("none", FreeMargin::None),
        ("profit_only", FreeMargin::ProfitOnly),
        ("loss_only", FreeMargin::LossOnly),
    ];
    at.one_of("free_margin", name, &known)
}

fn demo(text: &str, catalog: &mut Catalog) -> Result<(), CatalogError> {
    const FILE: &str = "demo.toml";
    let file: file::Demo = file::read(FILE, text)?;
    for raw in file.account {
        let at = At {
            file: FILE,
            entry: &raw.name,
        };
        let currency = at.name("currency", catalog.currency(&raw.currency))?.terms;
        let kinds = [
            ("hedging", Accounting::Hedging),
            ("netting", Accounting::Netting),
        ];
        let terms = AccountTerms {
            id: AccountId(raw.id),
            group: at.name("group", catalog.group(&raw.group))?.terms.id,
            link: at.name("link", catalog.link(&raw.link))?.terms.id,
            currency: currency.id,
            accounting: at.one_of("accounting", &raw.accounting, &kinds)?,
            leverage: raw.leverage,
        };
        let balance = Money(at.ok("balance", value::scaled(&raw.balance, currency.digits))?);
        catalog.accounts.push(DemoAccount {
            name: raw.name,
            terms,
            balance,
        });
    }
    for (index, raw) in file.order.into_iter().enumerate() {
        let entry = format!("order {}", index + 1);
        let at = At {
            file: FILE,
            entry: &entry,
        };
        let account = AccountId(raw.account);
        if catalog
            .accounts
            .iter()
            .all(|known| known.terms.id != account)
        {
            return Err(at.error("account", format!("there is no account {account}")));
        }
        let terms = &at.name("symbol", catalog.listing(&raw.symbol))?.terms;
        let sides = [("buy", Side::Buy), ("sell", Side::Sell)];
        let mut client_id = *b"demo-order-00000";
        let digits = format!("{:05}", index + 1);
        client_id[11..].copy_from_slice(&digits.as_bytes()[..5]);
        let order = NewOrder {
            account,
            instrument: terms.id,
            side: at.one_of("side", &raw.side, &sides)?,
            kind: OrderKind::Market,
            tif: Tif::Ioc,
            qty: Qty(at.ok("qty", value::scaled(&raw.qty, terms.qty_digits))?),
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
            client_id,
            trader: 0,
            desk: 0,
            strategy: 0,
        };
        catalog.orders.push(order);
    }
    Ok(())
}
