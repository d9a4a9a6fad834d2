//! From the files' text to terms: names to ids, decimals to integers, class defaults filled in.

use super::{Catalog, CatalogError, Currency, DemoAccount, Files, Group, Link, Source, value};
use super::{LeverageSet, account, file, find, instrument, leverage};
use crate::calendar::{HolidayError, Holidays, Hours};
use siaga_risk::event::{NewOrder, OrderKind, Protection, Side, Tif};
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// Where in which file a value stands, for errors.
pub struct At<'a> {
    pub file: &'a str,
    pub entry: &'a str,
}

impl At<'_> {
    pub fn error(&self, key: &'static str, message: impl Into<String>) -> CatalogError {
        CatalogError::Value {
            file: self.file.to_owned(),
            entry: self.entry.to_owned(),
            key,
            message: message.into(),
        }
    }

    pub fn need<T>(&self, key: &'static str, value: Option<T>) -> Result<T, CatalogError> {
        value.ok_or_else(|| self.error(key, "is missing here and in the class"))
    }

    pub fn ok<T>(&self, key: &'static str, value: Result<T, String>) -> Result<T, CatalogError> {
        value.map_err(|message| self.error(key, message))
    }

    pub fn name<T>(
        &self,
        key: &'static str,
        value: Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        value.map_err(|error| self.error(key, error.to_string()))
    }

    pub fn one_of<T: Copy>(
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
    let unreadable = |file: &str| {
        let file = file.to_owned();
        move |error: HolidayError| CatalogError::File {
            file,
            message: error.to_string(),
        }
    };
    let hours = Hours::read(files.calendars).map_err(unreadable("calendars.toml"))?;
    let instruments = instrument::listings(files.instruments, &currencies, &sources, &hours)?;
    let tiers = leverage::sets(files.leverage, &currencies, &instruments)?;
    let groups = groups(files.groups, &tiers)?;
    let holidays = Holidays::read(files.holidays, &hours).map_err(unreadable("holidays.toml"))?;
    let mut catalog = Catalog {
        currencies,
        sources,
        links,
        instruments,
        tiers,
        groups,
        accounts: Vec::new(),
        orders: Vec::new(),
        hours,
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
        "leverage.toml",
        catalog
            .tiers
            .iter()
            .map(|set| (set.terms.id.0.into(), &set.name)),
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
            trades_closed: raw.trades_closed,
        };
        if raw.stop_out.is_some() {
            return Err(at.error(
                "stop_out",
                "a link has none: groups.toml says whether a group acts at a stop-out or observes (stop_out_mode)",
            ));
        }
        links.push(Link {
            name: raw.name,
            terms,
        });
    }
    Ok((sources, links))
}

/// What a stop-out looks at beside its level: the preset's, where the file says nothing.
fn closing(at: &At<'_>, raw: &file::Group) -> Result<StopOutTerms, CatalogError> {
    let preset = GroupTerms::preset(GroupId(raw.id), preset(at, &raw.preset)?).closing;
    let mut rungs = preset.rungs;
    if raw.levels_told.len() > rungs.len() {
        return Err(at.error("levels_told", "at most eight levels"));
    }
    for (rung, text) in rungs.iter_mut().zip(&raw.levels_told) {
        *rung = at.ok("levels_told", value::ratio(text))?;
    }
    let terms = StopOutTerms {
        money: raw.stop_out_money.map(Money).or(preset.money),
        fully_hedged: raw.stop_out_fully_hedged.unwrap_or(preset.fully_hedged),
        oldest_first: raw.stop_out_oldest_first.unwrap_or(preset.oldest_first),
        at_mid: raw.stop_out_at_mid.unwrap_or(preset.at_mid),
        inclusive: raw.levels_inclusive.unwrap_or(preset.inclusive),
        rungs,
    };
    if terms.is_valid() {
        Ok(terms)
    } else {
        Err(at.error("levels_told", "levels that fall, the highest first"))
    }
}

fn losses(at: &At<'_>, raw: &file::Group) -> Result<LossTerms, CatalogError> {
    let known = [
        ("day_start", LossBasis::DayStart),
        ("peak", LossBasis::Peak),
        ("margin", LossBasis::Margin),
    ];
    let basis = |key, text: &Option<String>, other| match text {
        Some(text) => at.one_of(key, text, &known),
        None => Ok(other),
    };
    let usual = LossTerms::DEFAULT;
    Ok(LossTerms {
        account_of: basis("loss_account_of", &raw.loss_account_of, usual.account_of)?,
        position_of: basis("loss_position_of", &raw.loss_position_of, usual.position_of)?,
        clear: match &raw.loss_clear {
            Some(text) => at.ok("loss_clear", value::ratio(text))?,
            None => usual.clear,
        },
    })
}

const STOP_OUT_MODES: [(&str, StopOutMode); 2] =
    [("act", StopOutMode::Act), ("observe", StopOutMode::Observe)];

const CALL_FLOWS: [(&str, CallFlow); 3] = [
    ("none", CallFlow::None),
    ("acknowledge", CallFlow::Acknowledge),
    ("login", CallFlow::Login),
];

fn groups(text: &str, tiers: &[LeverageSet]) -> Result<Vec<Group>, CatalogError> {
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
        // What a line leaves out is as its preset has it.
        let named = GroupTerms::preset(GroupId(raw.id), preset(&at, &raw.preset)?);
        let share = |key, text: &Option<String>, absent: Ratio| {
            text.as_ref().map_or(Ok(absent), |text| ratio(key, text))
        };
        let terms = GroupTerms {
            margin_price: or(&raw.margin_price, named.margin_price, |name| {
                margin_price(&at, name)
            })?,
            leverage: lever(&at, "leverage", &raw.leverage)?.unwrap_or(named.leverage),
            warning: share("warning", &raw.warning, named.warning)?,
            restricted: share("restricted", &raw.restricted, named.restricted)?,
            stop_out: share("stop_out", &raw.stop_out, named.stop_out)?,
            stop_out_test: or(&raw.stop_out_test, named.stop_out_test, |name| {
                stop_out_test(&at, name)
            })?,
            stop_out_policy: or(&raw.stop_out_policy, named.stop_out_policy, |name| {
                stop_out_policy(&at, name)
            })?,
            stop_out_mode: at.one_of(
                "stop_out_mode",
                &either(&raw.stop_out_mode, &defaults.stop_out_mode),
                &STOP_OUT_MODES,
            )?,
            free_margin: or(&raw.free_margin, named.free_margin, |name| {
                free_margin(&at, name)
            })?,
            loss_account: ratio(
                "loss_account",
                &either(&raw.loss_account, &defaults.loss_account),
            )?,
            loss_position: ratio(
                "loss_position",
                &either(&raw.loss_position, &defaults.loss_position),
            )?,
            negative_balance_protection: match &raw.negative_balance_protection {
                Some(value) => protection(&at, value)?,
                None => named.negative_balance_protection,
            },
            rate_max: raw.rate_max.unwrap_or(defaults.rate_max),
            rate_window_ns: at.ok(
                "rate_window",
                value::duration_ns(&either(&raw.rate_window, &defaults.rate_window)),
            )?,
            duplicate_window_ns: at.ok(
                "duplicate_window",
                value::duration_ns(&either(&raw.duplicate_window, &defaults.duplicate_window)),
            )?,
            closing: closing(&at, raw)?,
            loss: losses(&at, raw)?,
            margin: GroupMargin {
                tiers: leverage_rules(&at, raw, tiers)?.unwrap_or(named.margin.tiers),
                caps: caps(&at, raw)?.unwrap_or(named.margin.caps),
                check_execution: raw.check_execution.unwrap_or(named.margin.check_execution),
                hedge: match &raw.hedge {
                    Some(name) => Some(instrument::hedge_rule(&at, name)?),
                    None => named.margin.hedge,
                },
            },
            call_flow: at.one_of(
                "call_flow",
                &either(&raw.call_flow, &defaults.call_flow),
                &CALL_FLOWS,
            )?,
            throttle: ThrottleTerms {
                executions_max: raw.executions_max.unwrap_or(defaults.executions_max),
                window_ns: at.ok(
                    "executions_window",
                    value::duration_ns(&either(
                        &raw.executions_window,
                        &defaults.executions_window,
                    )),
                )?,
            },
            ..named
        };
        if terms.leverage == Leverage::NONE {
            return Err(at.error("leverage", "above zero"));
        }
        groups.push(Group {
            name: raw.name.clone(),
            terms,
        });
    }
    Ok(groups)
}

/// A leverage, where one is given.
pub fn lever(
    at: &At<'_>,
    key: &'static str,
    value: &Option<file::LeverageValue>,
) -> Result<Option<Leverage>, CatalogError> {
    let read = value.as_ref().map(file::LeverageValue::read);
    at.ok(key, read.transpose())
}

/// A group's caps by class.
fn caps(at: &At<'_>, raw: &file::Group) -> Result<Option<[Leverage; 5]>, CatalogError> {
    let Some(values) = &raw.caps else {
        return Ok(None);
    };
    let mut caps = [Leverage::NONE; 5];
    for (cap, value) in caps.iter_mut().zip(values) {
        *cap = at.ok("caps", value.read())?;
    }
    Ok(Some(caps))
}

/// From what a balance below zero is protected.
pub fn protection(
    at: &At<'_>,
    value: &file::ProtectionValue,
) -> Result<BalanceProtection, CatalogError> {
    let known = [
        ("none", BalanceProtection::None),
        ("any_close", BalanceProtection::AnyClose),
        ("stop_out", BalanceProtection::StopOut),
    ];
    match value {
        file::ProtectionValue::Whether(true) => Ok(BalanceProtection::AnyClose),
        file::ProtectionValue::Whether(false) => Ok(BalanceProtection::None),
        file::ProtectionValue::Name(name) => at.one_of("negative_balance_protection", name, &known),
    }
}

/// The set of leverage rules that a group names.
fn leverage_rules(
    at: &At<'_>,
    raw: &file::Group,
    tiers: &[LeverageSet],
) -> Result<Option<TierSetId>, CatalogError> {
    let Some(name) = &raw.leverage_rules else {
        return Ok(None);
    };
    let found = find("set of leverage rules", name, tiers, |set| &set.name);
    at.name("leverage_rules", found.map(|set| Some(set.terms.id)))
}

/// A value that may be left out.
fn or<T>(
    name: &Option<String>,
    absent: T,
    read: impl Fn(&str) -> Result<T, CatalogError>,
) -> Result<T, CatalogError> {
    name.as_deref().map_or(Ok(absent), read)
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
        ("buffer", LevelTest::Buffer),
    ];
    at.one_of("stop_out_test", name, &known)
}

/// Which positions a stop-out closes first.
pub fn stop_out_policy(at: &At<'_>, name: &str) -> Result<StopOutPolicy, CatalogError> {
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
            leverage: lever(&at, "leverage", &raw.leverage)?.unwrap_or_default(),
        };
        let rules = account::rules(&at, &raw)?;
        let balance = Money(at.ok("balance", value::scaled(&raw.balance, currency.digits))?);
        catalog.accounts.push(DemoAccount {
            name: raw.name,
            terms,
            rules,
            balance,
        });
    }
    for (index, raw) in file.order.iter().enumerate() {
        let order = order(index + 1, raw, catalog)?;
        catalog.orders.push(order);
    }
    Ok(())
}

/// A market order of the demonstration.
fn order(nth: usize, raw: &file::Order, catalog: &Catalog) -> Result<NewOrder, CatalogError> {
    let entry = format!("order {nth}");
    let at = At {
        file: "demo.toml",
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
    client_id[11..].copy_from_slice(&format!("{:05}", nth % 100_000).as_bytes()[..5]);
    Ok(NewOrder {
        account,
        instrument: terms.id,
        side: at.one_of("side", &raw.side, &sides)?,
        kind: OrderKind::Market,
        // A part of it would not be what the account's name says.
        tif: Tif::Fok,
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
    })
}
