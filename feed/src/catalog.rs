//! The shipped terms of the house: instruments, currencies, groups, sources, links, demo accounts.
//!
//! The journal is the truth; these files are only what a first start imports ([`Catalog::bodies`]).

mod account;
mod build;
mod file;
mod instrument;
mod leverage;
mod value;

use crate::calendar::{Holidays, Hours};
use siaga_risk::event::{Body, Cash, CashKind, NewOrder};
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

const INSTRUMENTS: &str = include_str!("../catalog/instruments.toml");
const CURRENCIES: &str = include_str!("../catalog/currencies.toml");
const SOURCES: &str = include_str!("../catalog/sources.toml");
const LEVERAGE: &str = include_str!("../catalog/leverage.toml");
const GROUPS: &str = include_str!("../catalog/groups.toml");
const DEMO: &str = include_str!("../catalog/demo.toml");
const CALENDARS: &str = include_str!("../catalog/calendars.toml");
const HOLIDAYS: &str = include_str!("../catalog/holidays.toml");

/// Names of the two simulated sources; a primary and one to fail over to.
pub const SIM_PRIMARY: &str = "sim-primary";
pub const SIM_SECONDARY: &str = "sim-secondary";

/// Everything the house starts with, in the order it must be imported.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub currencies: Vec<Currency>,
    pub sources: Vec<Source>,
    pub links: Vec<Link>,
    pub instruments: Vec<Listing>,
    pub tiers: Vec<LeverageSet>,
    pub groups: Vec<Group>,
    pub accounts: Vec<DemoAccount>,
    /// Market orders that open the demo accounts' first positions, to be sent once prices are there.
    pub orders: Vec<NewOrder>,
    /// When calendars are open, and when not.
    pub hours: Hours,
    pub holidays: Holidays,
}

#[derive(Clone, Debug)]
pub struct Currency {
    pub code: String,
    pub name: String,
    pub terms: CurrencyTerms,
}

#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub terms: SourceTerms,
}

#[derive(Clone, Debug)]
pub struct Link {
    pub name: String,
    pub terms: LinkTerms,
}

/// An instrument with everything the rim knows of it.
#[derive(Clone, Debug)]
pub struct Listing {
    pub symbol: String,
    pub name: String,
    pub terms: InstrumentTerms,
    /// Name of its trading calendar (`crate::calendar`).
    pub calendar: String,
    /// Names at venues.
    pub venues: Vec<VenueSymbol>,
    pub sim: SimTerms,
}

/// The name of an instrument at a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueSymbol {
    pub source: SourceId,
    pub symbol: String,
}

/// What the simulator needs to know of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimTerms {
    /// Start price; `None` = follows from its legs.
    pub price: Option<Price>,
    /// Typical spread in price steps.
    pub spread: Price,
    /// Standard deviation of one minute's return.
    pub sigma: Ratio,
    /// Quotes per second of one source.
    pub rate: u32,
}

/// A set of leverage rules that groups name.
#[derive(Clone, Debug)]
pub struct LeverageSet {
    pub name: String,
    pub terms: TierTerms,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub terms: GroupTerms,
}

/// An account of the demonstration desk.
#[derive(Clone, Debug)]
pub struct DemoAccount {
    pub name: String,
    pub terms: AccountTerms,
    /// What it has otherwise than its group.
    pub rules: AccountRules,
    pub balance: Money,
}

/// What is wrong with a catalog file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Not TOML, a missing or an unknown key.
    #[error("{file}: {message}")]
    File { file: String, message: String },
    /// A value that cannot be used.
    #[error("{file}: {entry}: {key}: {message}")]
    Value {
        file: String,
        entry: String,
        key: &'static str,
        message: String,
    },
    /// A name nobody has.
    #[error("unknown {what} \"{name}\"{}", suggestion(.similar))]
    Unknown {
        what: &'static str,
        name: String,
        similar: Option<String>,
    },
}

fn suggestion(similar: &Option<String>) -> String {
    similar
        .as_ref()
        .map(|name| format!("; did you mean \"{name}\"?"))
        .unwrap_or_default()
}

/// The text of the catalog files, for houses that bring their own.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    pub instruments: &'a str,
    pub currencies: &'a str,
    pub sources: &'a str,
    pub leverage: &'a str,
    pub groups: &'a str,
    pub demo: &'a str,
    pub calendars: &'a str,
    pub holidays: &'a str,
}

impl Files<'static> {
    /// What the files are called.
    pub const NAMES: [&'static str; 8] = [
        "instruments.toml",
        "currencies.toml",
        "sources.toml",
        "leverage.toml",
        "groups.toml",
        "demo.toml",
        "calendars.toml",
        "holidays.toml",
    ];

    /// The files in the program.
    pub const SHIPPED: Files<'static> = Files {
        instruments: INSTRUMENTS,
        currencies: CURRENCIES,
        sources: SOURCES,
        leverage: LEVERAGE,
        groups: GROUPS,
        demo: DEMO,
        calendars: CALENDARS,
        holidays: HOLIDAYS,
    };
}

impl Catalog {
    /// The shipped catalog; every instrument is served by the simulator's two sources.
    ///
    /// # Panics
    /// Never: the shipped files are part of the build and a test reads them.
    pub fn shipped() -> Catalog {
        Catalog::shipped_with(&[SIM_PRIMARY, SIM_SECONDARY])
            .expect("the shipped catalog is checked by a test")
    }

    /// The shipped catalog with each instrument's feeds held to the named sources, venues before simulators.
    ///
    /// # Errors
    /// [`CatalogError::Unknown`] for a source nobody has.
    pub fn shipped_with(sources: &[&str]) -> Result<Catalog, CatalogError> {
        let mut catalog = Catalog::read(&Files::SHIPPED)?;
        catalog.retain_sources(sources)?;
        Ok(catalog)
    }

    /// Reads catalog files.
    ///
    /// # Errors
    /// [`CatalogError`] naming file, entry and key; an unknown key comes with the nearest known one.
    pub fn read(files: &Files<'_>) -> Result<Catalog, CatalogError> {
        build::catalog(files)
    }

    /// Holds every instrument's feeds to the named sources.
    ///
    /// # Errors
    /// [`CatalogError::Unknown`] for a source nobody has.
    pub fn retain_sources(&mut self, names: &[&str]) -> Result<(), CatalogError> {
        let kept = names
            .iter()
            .map(|name| self.source(name).map(|source| source.terms.id))
            .collect::<Result<Vec<_>, _>>()?;
        for listing in &mut self.instruments {
            listing
                .terms
                .feeds
                .retain(|feed| kept.contains(&feed.source));
        }
        Ok(())
    }

    /// Puts an instrument in place of the one with its number, or beside the others.
    pub fn put_listing(&mut self, listing: Listing) {
        let id = listing.terms.id;
        let known = self.instruments.iter_mut().find(|own| own.terms.id == id);
        match known {
            Some(known) => *known = listing,
            None => self.instruments.push(listing),
        }
    }

    /// The inputs of a first start, in an order the core accepts: terms before what uses them, then deposits.
    pub fn bodies(&self) -> Vec<Body> {
        let currencies = self.currencies.iter().map(|c| Body::Currency(c.terms));
        let sources = self.sources.iter().map(|s| Body::Source(s.terms));
        let links = self.links.iter().map(|l| Body::Link(l.terms));
        let instruments = self
            .instruments
            .iter()
            .map(|i| Body::Instrument(Box::new(i.terms.clone())));
        let tiers = self
            .tiers
            .iter()
            .map(|set| Body::Tiers(Box::new(set.terms.clone())));
        let groups = self.groups.iter().map(|g| Body::Group(Box::new(g.terms)));
        let accounts = self.accounts.iter().map(|a| Body::Account(a.terms));
        let own = self.accounts.iter().map(|account| account.rules);
        let own = own
            .filter(|rules| !rules.is_none())
            .map(|rules| Body::Rules(Box::new(rules)));
        let deposits = self.accounts.iter().map(|a| {
            Body::Cash(Cash {
                account: a.terms.id,
                kind: CashKind::Deposit,
                amount: a.balance,
                reference: u64::from(a.terms.id.0),
            })
        });
        currencies
            .chain(sources)
            .chain(links)
            .chain(instruments)
            .chain(tiers)
            .chain(groups)
            .chain(accounts)
            .chain(own)
            .chain(deposits)
            .collect()
    }

    /// The instrument with this symbol (case does not matter).
    ///
    /// # Errors
    /// [`CatalogError::Unknown`] with the nearest symbol.
    pub fn listing(&self, symbol: &str) -> Result<&Listing, CatalogError> {
        find("instrument", symbol, &self.instruments, |listing| {
            &listing.symbol
        })
    }

    pub fn listing_by_id(&self, id: InstrumentId) -> Option<&Listing> {
        self.instruments
            .iter()
            .find(|listing| listing.terms.id == id)
    }

    /// # Errors
    /// [`CatalogError::Unknown`] with the nearest code.
    pub fn currency(&self, code: &str) -> Result<&Currency, CatalogError> {
        find("currency", code, &self.currencies, |currency| {
            &currency.code
        })
    }

    pub fn currency_by_id(&self, id: CurrencyId) -> Option<&Currency> {
        self.currencies
            .iter()
            .find(|currency| currency.terms.id == id)
    }

    /// # Errors
    /// [`CatalogError::Unknown`] with the nearest name.
    pub fn source(&self, name: &str) -> Result<&Source, CatalogError> {
        find("source", name, &self.sources, |source| &source.name)
    }

    /// # Errors
    /// [`CatalogError::Unknown`] with the nearest name.
    pub fn link(&self, name: &str) -> Result<&Link, CatalogError> {
        find("link", name, &self.links, |link| &link.name)
    }

    /// # Errors
    /// [`CatalogError::Unknown`] with the nearest name.
    pub fn group(&self, name: &str) -> Result<&Group, CatalogError> {
        find("group", name, &self.groups, |group| &group.name)
    }
}

fn find<'a, T>(
    what: &'static str,
    name: &str,
    all: &'a [T],
    key: impl Fn(&T) -> &String,
) -> Result<&'a T, CatalogError> {
    all.iter()
        .find(|item| key(item).eq_ignore_ascii_case(name))
        .ok_or_else(|| CatalogError::Unknown {
            what,
            name: name.to_owned(),
            similar: value::nearest(name, all.iter().map(|item| key(item).as_str())),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_shipped_catalog_is_whole() {
        let catalog = Catalog::shipped();
        let symbols: Vec<&str> = catalog
            .instruments
            .iter()
            .map(|l| l.symbol.as_str())
            .collect();
        for must in [
            "EUR/USD", "CHF/JPY", "USD/IDR", "XAU/USD", "XAG/USD", "WTI", "BRENT", "NATGAS",
            "US500", "US100", "BTC/USD", "BTC/USDT", "ETH/USDT",
        ] {
            assert!(symbols.contains(&must), "{must}");
        }
        let of = |class| {
            catalog
                .instruments
                .iter()
                .filter(|l| l.terms.class == class)
                .count()
        };
        assert_eq!(of(AssetClass::Forex), 29, "28 pairs and the rupiah");
        assert!(of(AssetClass::Crypto) >= 13);
        for listing in &catalog.instruments {
            assert_eq!(
                listing.terms.feeds.len(),
                2,
                "{}: a primary and a secondary",
                listing.symbol
            );
            assert!(listing.terms.qty_min.0 > 0 && listing.terms.qty_max > listing.terms.qty_min);
            assert!(listing.sim.rate >= 3 && listing.sim.rate <= 8);
        }
        assert_eq!(catalog.groups.len(), 5);
        assert_eq!(catalog.orders.len(), 15);
        let eurusd = catalog.listing("eur/usd").unwrap();
        assert_eq!(eurusd.terms.halt.alert, Ratio::basis_points(50));
        assert_eq!(eurusd.terms.halt.halt, Ratio::percent(1));
        assert_eq!(eurusd.terms.dead_step, Ratio::basis_points(2));
        let btc = catalog.listing("BTC/USDT").unwrap();
        assert_eq!(
            (btc.terms.halt.alert, btc.terms.halt.halt),
            (Ratio::percent(3), Ratio::percent(10))
        );
        assert_eq!(btc.terms.dead_cap, Ratio::basis_points(500));
    }

    #[test]
    fn ids_and_names_are_unique() {
        let catalog = Catalog::shipped();
        let ids: BTreeSet<u32> = catalog.instruments.iter().map(|l| l.terms.id.0).collect();
        let symbols: BTreeSet<&str> = catalog
            .instruments
            .iter()
            .map(|l| l.symbol.as_str())
            .collect();
        assert_eq!(ids.len(), catalog.instruments.len());
        assert_eq!(symbols.len(), catalog.instruments.len());
    }

    #[test]
    fn live_sources_stand_before_the_simulator() {
        let catalog = Catalog::shipped_with(&["kraken", "binance", SIM_PRIMARY]).unwrap();
        let feeds = |symbol: &str| -> Vec<u16> {
            let listing = catalog.listing(symbol).unwrap();
            listing
                .terms
                .feeds
                .iter()
                .map(|feed| feed.source.0)
                .collect()
        };
        assert_eq!(feeds("BTC/USDT"), [3, 4, 1]);
        assert_eq!(feeds("EUR/USD"), [4, 1]);
        assert_eq!(feeds("WTI"), [1]);
    }

    #[test]
    fn margin_schedules_are_read_in_units_of_their_currency() {
        let crypto = |schedule: &str| {
            let keys = format!("[class.crypto]\nschedule = {schedule}\nmark_age_max = \"10s\"");
            let text = INSTRUMENTS.replacen("[class.crypto]", &keys, 1);
            let files = Files {
                instruments: &text,
                ..Files::SHIPPED
            };
            let catalog = Catalog::read(&files).unwrap();
            let btc = catalog.listing("BTC/USD").unwrap();
            btc.terms.crypto.clone()
        };
        let brackets = crypto(
            "{ brackets = [{ floor = \"0\", rate = \"0.4 %\", amount = \"0\", leverage = 125 }, \
             { floor = \"50000\", rate = \"0.5 %\", amount = \"50\" }] }",
        );
        assert_eq!(brackets.mark_age_max_ns, 10 * SECOND_NS);
        let MarginSchedule::Brackets(all) = brackets.schedule else {
            panic!("no brackets");
        };
        assert_eq!((all[0].leverage_max, all[1].leverage_max), (125, 0));
        assert_eq!(
            (all[1].floor, all[1].amount),
            (Money(5_000_000), Money(5_000))
        );
        assert_eq!(all[1].rate, Ratio::basis_points(50));
        let half = crypto("{ half_of_initial = {} }");
        assert_eq!(half.schedule, MarginSchedule::HalfOfInitial);
    }

    #[test]
    fn a_line_may_switch_every_halt_detector_on_and_import_filter_levels() {
        let keys = "halt = \"1 %\"\nhalt_band = \"5 %\"\nhalt_band_least = \"1\"\nhalt_dynamic = \"7 %\"\n\
                    halt_velocity_ticks = 12\nhalt_velocity_window = \"2s\"\nfilter_points = 150";
        let wider = INSTRUMENTS.replacen("halt = \"1 %\"", keys, 1);
        let files = Files {
            instruments: &wider,
            ..Files::SHIPPED
        };
        let catalog = Catalog::read(&files).unwrap();
        let terms = &catalog.listing("EUR/USD").unwrap().terms;
        let breakers = &terms.halt.breakers;
        assert_eq!(breakers.band.share, Ratio::percent(5));
        assert_eq!(breakers.band.least, Price(100_000));
        assert_eq!(breakers.dynamic.share, Ratio::percent(7));
        let velocity = &breakers.velocity;
        assert_eq!((velocity.ticks, velocity.window_ns), (12, 2 * SECOND_NS));
        assert_eq!(terms.filter.soft, Ratio(0));
        let points = terms.filter.points;
        assert_eq!(
            [points.soft, points.hard, points.discard],
            [Price(150), Price(750), Price(15_000)]
        );
        let usual = &catalog.listing("XAU/USD").unwrap().terms;
        assert_eq!(usual.halt.breakers, BreakerTerms::OFF);
    }

    #[test]
    fn a_mode_that_nothing_would_read_is_refused() {
        let link = "protective = \"core\",";
        let text = SOURCES.replacen(link, &format!("{link} stop_out = \"observe\","), 1);
        assert_ne!(text, SOURCES);
        let files = Files {
            sources: &text,
            ..Files::SHIPPED
        };
        let text = Catalog::read(&files).unwrap_err().to_string();
        assert!(
            text.starts_with("sources.toml: paper: stop_out: "),
            "{text}"
        );
        assert!(text.contains("stop_out_mode"), "{text}");
    }

    #[test]
    fn a_swap_that_could_never_be_charged_is_refused_by_its_key() {
        let text = INSTRUMENTS.replacen("swap_long = -7,", "swap_long = -2000000,", 1);
        assert_ne!(text, INSTRUMENTS);
        let files = Files {
            instruments: &text,
            ..Files::SHIPPED
        };
        let text = Catalog::read(&files).unwrap_err().to_string();
        assert!(text.contains("swap_long: and swap_short"), "{text}");
    }

    #[test]
    fn a_link_says_that_its_broker_trades_while_our_session_is_closed() {
        let link = "protective = \"core\",";
        let text = SOURCES.replacen(link, &format!("{link} trades_closed = true,"), 1);
        assert_ne!(text, SOURCES);
        let files = Files {
            sources: &text,
            ..Files::SHIPPED
        };
        let catalog = Catalog::read(&files).unwrap();
        let told: Vec<bool> = catalog
            .links
            .iter()
            .map(|link| link.terms.trades_closed)
            .collect();
        assert_eq!(told, [true, false]);
    }

    #[test]
    fn leverage_rules_are_read_and_named_by_groups() {
        let leverage = r#"
            [[set]]
            id = 3
            name = "dynamic"
            rules = [
                { symbols = ["XAU/USD", "EUR/USD"], by = "volume", bands = [{ to = "5.5", leverage = 200 }, { leverage = 20, initial = "150 %" }] },
                { by = "notional", currency = "USD", cost = "own", rounding = "band", bands = [{ to = "1000000" }, { initial = "200 %", maintenance = "50 %" }] },
            ]"#;
        let with = |leverage: &str, keys: &str| {
            let group = format!("preset = \"mt5_default\", {keys}");
            let groups = GROUPS.replacen("preset = \"mt5_default\"", &group, 1);
            let files = Files {
                leverage,
                groups: &groups,
                ..Files::SHIPPED
            };
            Catalog::read(&files)
        };
        let keys = "leverage_rules = \"dynamic\", check_execution = true, rate_max = 7, rate_window = \"2s\"";
        let catalog = with(leverage, keys).unwrap();
        let [first, second] = catalog.tiers[0].terms.rules.as_slice() else {
            panic!("two rules");
        };
        let id = |symbol: &str| catalog.listing(symbol).unwrap().terms.id;
        assert_eq!(first.instruments, [id("EUR/USD"), id("XAU/USD")]);
        assert_eq!((first.id, first.bands[0].to), (1, 550_000_000));
        assert_eq!(
            (first.bands[1].initial, first.bands[1].maintenance),
            (Ratio::percent(150), Ratio::percent(150))
        );
        assert_eq!(
            (second.cost, second.rounding),
            (TierCost::Own, RoundingStage::Band)
        );
        assert_eq!(second.bands[0].to, 100_000_000);
        assert_eq!(second.bands[1].maintenance, Ratio::percent(50));
        let group = &catalog.groups[0].terms;
        assert_eq!(group.margin.tiers, TierSetId(3));
        assert!(group.margin.check_execution);
        assert_eq!((group.rate_max, group.rate_window_ns), (7, 2 * SECOND_NS));
        let other = &catalog.groups[1].terms;
        assert_eq!((other.margin.tiers, other.rate_max), (TierSetId(0), 50));
        let wrong = with(leverage, "leverage_rules = \"dynamik\"").unwrap_err();
        assert!(
            wrong.to_string().contains("did you mean \"dynamic\"?"),
            "{wrong}"
        );
        let without = leverage.replacen("currency = \"USD\", ", "", 1);
        let wrong = with(&without, keys).unwrap_err().to_string();
        assert!(
            wrong.contains("leverage.toml: dynamic: currency"),
            "{wrong}"
        );
    }

    #[test]
    fn groups_and_accounts_have_rules_of_their_own() {
        let keys =
            "preset = \"mt5_default\", hedge = \"max\", negative_balance_protection = \"stop_out\"";
        let groups = GROUPS.replacen("preset = \"mt5_default\"", keys, 1);
        let own = "accounting = \"hedging\", warning = \"120 %\", levels_told = [\"90 %\", \"70 %\"], \
                   stop_out_policy = \"losers_first\", negative_balance_protection = true, hedge = \"sum\"";
        let demo = DEMO.replacen("accounting = \"hedging\"", own, 1);
        let read = |groups: &str, demo: &str| {
            let files = Files {
                groups,
                demo,
                ..Files::SHIPPED
            };
            Catalog::read(&files)
        };
        let catalog = read(&groups, &demo).unwrap();
        let group = &catalog.groups[0].terms;
        assert_eq!(group.margin.hedge, Some(HedgeRule::Max));
        assert_eq!(
            group.negative_balance_protection,
            BalanceProtection::StopOut
        );
        let rules = &catalog.accounts[0].rules;
        assert_eq!(
            (rules.warning, rules.restricted),
            (Some(Ratio::percent(120)), None)
        );
        assert_eq!(
            rules.rungs.map(|told| [told[0], told[1], told[2]]),
            Some([Ratio::percent(90), Ratio::percent(70), Ratio(0)])
        );
        assert_eq!(
            (rules.stop_out_policy, rules.hedge),
            (Some(StopOutPolicy::LosersFirst), Some(HedgeRule::Sum))
        );
        assert_eq!(
            rules.negative_balance_protection,
            Some(BalanceProtection::AnyClose)
        );
        let brought_in = |catalog: &Catalog| {
            let bodies = catalog.bodies();
            bodies
                .iter()
                .filter(|body| matches!(body, Body::Rules(_)))
                .count()
        };
        assert_eq!(
            (brought_in(&catalog), brought_in(&Catalog::shipped())),
            (1, 0)
        );
        let esma = Catalog::shipped().groups[1].terms;
        assert_eq!(
            esma.negative_balance_protection,
            BalanceProtection::AnyClose
        );
        let exact = groups.replacen("hedge = \"max\"", "leverage = \"33.33\"", 1);
        let exact = read(&exact, &demo).unwrap().groups[0].terms;
        assert_eq!(exact.leverage, Leverage(3_333_000_000));
        let wrong = groups.replacen("hedge = \"max\"", "leverage = \"1:33\"", 1);
        assert!(read(&wrong, &demo).is_err());
        let wrong = demo.replacen("hedge = \"sum\"", "hedge = \"some\"", 1);
        let said = read(&groups, &wrong).unwrap_err().to_string();
        assert!(
            said.contains("demo.toml") && said.contains("hedge"),
            "{said}"
        );
    }

    #[test]
    fn a_line_says_how_margins_and_halts_differ() {
        let keys = "base = \"EUR\", margin_rates = { buy = { limit = \"0 %\" }, hold_sell = \"50 %\" }, \
                    margin_fixed = \"1000\", margin_fixed_hold = \"800.50\", margin_fixed_hedged = \"0\", \
                    halt_window = \"30s\", halt_confirmations = 5, halt_cooldown = \"1m\", halt_quiet = \"2m\", \
                    halt_manual_resume = false, halt_factor = \"150 %\", halt_grace = \"1m\", \
                    vol_multiple = \"400 %\", ewma_lambda = \"97 %\", ewma_unit = \"1h\"";
        let text = INSTRUMENTS.replacen("base = \"EUR\"", keys, 1);
        let files = Files {
            instruments: &text,
            ..Files::SHIPPED
        };
        let catalog = Catalog::read(&files).unwrap();
        let terms = &catalog.listing("EUR/USD").unwrap().terms;
        let margin = &terms.margin;
        assert_eq!(
            (margin.buy.limit, margin.buy.market),
            (Ratio(0), Ratio::ONE)
        );
        assert_eq!(
            (margin.hold_buy, margin.hold_sell),
            (Ratio::ONE, Ratio::percent(50))
        );
        assert_eq!(
            (margin.fixed_hold, margin.fixed_hedged),
            (Money(80_050), Some(Money(0)))
        );
        let halt = &terms.halt;
        assert_eq!((halt.window_ns, halt.confirmations), (30 * SECOND_NS, 5));
        assert_eq!(
            (halt.cooldown_ns, halt.quiet_ns, halt.grace_ns),
            (MINUTE_NS, 2 * MINUTE_NS, MINUTE_NS)
        );
        assert_eq!(
            (halt.manual_resume, halt.factor),
            (false, Ratio::percent(150))
        );
        assert_eq!(halt.vol_multiple, Ratio::percent(400));
        assert_eq!(
            (halt.ewma_lambda, halt.ewma_unit_ns),
            (Ratio::percent(97), HOUR_NS)
        );
        let usual = &catalog.listing("GBP/USD").unwrap().terms;
        assert_eq!(usual.margin.buy, MarginRates::FULL);
        assert_eq!(
            (usual.margin.fixed_hedged, usual.halt.confirmations),
            (None, 3)
        );
    }

    #[test]
    fn mistakes_are_named_with_a_suggestion() {
        let catalog = Catalog::shipped();
        let text = catalog.listing("EUR/UDS").unwrap_err().to_string();
        assert_eq!(
            text,
            "unknown instrument \"EUR/UDS\"; did you mean \"EUR/USD\"?"
        );

        let broken = INSTRUMENTS.replacen("price_digits = 5", "price_digit = 5", 1);
        let files = Files {
            instruments: &broken,
            ..Files::SHIPPED
        };
        let text = Catalog::read(&files).unwrap_err().to_string();
        assert!(
            text.contains("price_digit") && text.contains("did you mean \"price_digits\"?"),
            "{text}"
        );

        let broken = INSTRUMENTS.replacen("\"0.01\"", "\"0.0x\"", 1);
        let files = Files {
            instruments: &broken,
            ..Files::SHIPPED
        };
        let text = Catalog::read(&files).unwrap_err().to_string();
        assert!(
            text.contains("AVAX/USDT") && text.contains("qty_min"),
            "{text}"
        );

        let broken = INSTRUMENTS.replacen("base = \"EUR\"", "base = \"EUX\"", 1);
        let files = Files {
            instruments: &broken,
            ..Files::SHIPPED
        };
        assert!(Catalog::read(&files).is_err());

        let broken = INSTRUMENTS.replacen("id = 2,", "id = 1,", 1);
        let files = Files {
            instruments: &broken,
            ..Files::SHIPPED
        };
        assert!(Catalog::read(&files).is_err(), "an id given twice");
    }
}
