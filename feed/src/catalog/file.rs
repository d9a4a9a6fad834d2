//! The catalog files as they are written; `build` turns them into terms.

use super::{CatalogError, value};
use serde::Deserialize;
use siaga_risk::units::Leverage;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instruments {
    pub class: BTreeMap<String, InstrumentKeys>,
    pub instrument: Vec<InstrumentKeys>,
}

/// Points or units of money, or an annual percentage.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum SwapValue {
    Whole(i64),
    Text(String),
}

/// A leverage (x : 1): a whole number, or a decimal as text.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum LeverageValue {
    Whole(u32),
    Text(String),
}

impl LeverageValue {
    /// The leverage, exactly.
    pub fn read(&self) -> Result<Leverage, String> {
        match self {
            LeverageValue::Whole(whole) => Ok(Leverage::of(*whole)),
            LeverageValue::Text(text) => {
                let value = value::scaled(text, Leverage::DIGITS)?;
                let negative = |_| format!("\"{text}\" is below zero");
                u64::try_from(value).map(Leverage).map_err(negative)
            }
        }
    }
}

/// A margin schedule for accounts at mark price: one of these.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum ScheduleKeys {
    Brackets(Vec<BracketKeys>),
    Slope {
        initial: String,
        maintenance: String,
        per_unit: String,
    },
    /// Of the initial margin at `leverage_max`.
    HalfOfInitial {},
    OpenInterest {
        initial: String,
        maintenance: String,
        lower: String,
        upper: String,
    },
}

/// One bracket of a schedule, in units of the margin currency.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BracketKeys {
    pub floor: String,
    pub rate: String,
    pub amount: String,
    #[serde(default)]
    pub leverage: u32,
}

/// Shares of the margin; what is absent is charged in full.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateKeys {
    pub buy: KindRates,
    pub sell: KindRates,
    pub hold_buy: Option<String>,
    pub hold_sell: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KindRates {
    pub market: Option<String>,
    pub limit: Option<String>,
    pub stop: Option<String>,
    pub stop_limit: Option<String>,
}

/// An instrument's line; every key may also come from its class.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InstrumentKeys {
    pub id: Option<u32>,
    pub symbol: Option<String>,
    pub name: Option<String>,
    pub class: Option<String>,
    pub base: Option<String>,
    pub quote: Option<String>,
    pub price_digits: Option<u8>,
    pub mode: Option<String>,
    pub calendar: Option<String>,
    pub margin_currency: Option<String>,
    pub trade_mode: Option<String>,
    pub qty_digits: Option<u8>,
    pub contract_size: Option<String>,
    pub tick: Option<String>,
    pub tick_value: Option<String>,
    pub qty_min: Option<String>,
    pub qty_max: Option<String>,
    pub qty_step: Option<String>,
    pub notional_max: Option<String>,
    pub collar: Option<String>,
    pub price_band: Option<String>,
    pub negative_prices: Option<bool>,
    pub leverage_max: Option<LeverageValue>,
    pub margin_initial: Option<String>,
    pub margin_maintenance: Option<String>,
    pub margin_hedged: Option<String>,
    pub margin_fixed: Option<String>,
    /// Fixed margin per lot of what is held, and per covered lot.
    pub margin_fixed_hold: Option<String>,
    pub margin_fixed_hedged: Option<String>,
    /// Shares of the margin by side and kind of order, and of what is held.
    pub margin_rates: Option<RateKeys>,
    pub schedule: Option<ScheduleKeys>,
    pub mark_age_max: Option<String>,
    pub hedge: Option<String>,
    pub cap_class: Option<String>,
    pub feeds: Option<Vec<String>>,
    pub feed_timeout: Option<String>,
    pub quote_age_max: Option<String>,
    pub cache_age_max: Option<String>,
    pub spread_max: Option<String>,
    pub halt_alert: Option<String>,
    pub halt: Option<String>,
    /// Distance of the price band; absent = no band.
    pub halt_band: Option<String>,
    /// Least distance of the band, in price.
    pub halt_band_least: Option<String>,
    /// The day's variant as a share of the settlement; absent = none.
    pub halt_dynamic: Option<String>,
    /// Ticks within `halt_velocity_window` (one second when absent); absent = none.
    pub halt_velocity_ticks: Option<u32>,
    pub halt_velocity_window: Option<String>,
    /// One MetaTrader 4 filtration level in points, in place of the level filter's shares.
    pub filter_points: Option<i64>,
    pub halt_window: Option<String>,
    pub halt_confirmations: Option<u8>,
    pub halt_cooldown: Option<String>,
    pub halt_quiet: Option<String>,
    /// A named person must resume.
    pub halt_manual_resume: Option<bool>,
    pub halt_factor: Option<String>,
    pub halt_grace: Option<String>,
    pub vol_floor: Option<String>,
    pub vol_multiple: Option<String>,
    pub ewma_lambda: Option<String>,
    pub ewma_unit: Option<String>,
    pub swap_mode: Option<String>,
    pub swap_long: Option<SwapValue>,
    pub swap_short: Option<SwapValue>,
    pub swap_week: Option<[u8; 7]>,
    pub swap_point: Option<i64>,
    pub swap_year_days: Option<u16>,
    pub dead_step: Option<String>,
    pub dead_cap: Option<String>,
    pub trade_delayed: Option<bool>,
    pub family: Option<u16>,
    pub binance: Option<String>,
    pub kraken: Option<String>,
    pub sim_price: Option<String>,
    pub sim_spread: Option<i64>,
    pub sim_sigma: Option<String>,
    pub sim_rate: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currencies {
    pub currency: Vec<Currency>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    pub id: u16,
    pub code: String,
    pub name: String,
    pub digits: u8,
    pub pivot: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    pub source: Vec<Source>,
    pub link: Vec<Link>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub id: u16,
    pub name: String,
    pub kind: String,
    pub crossed: String,
    pub filtered: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub id: u16,
    pub name: String,
    pub protective: String,
    /// Refused: a stop-out is of a group, whose accounts may be on several links.
    pub stop_out: Option<String>,
    pub answer_timeout: String,
    pub queue_tolerance: String,
    pub queue_expiry: String,
    /// The broker trades while our session is closed; left out, it does not.
    #[serde(default)]
    pub trades_closed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    pub defaults: GroupDefaults,
    pub group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupDefaults {
    pub stop_out_mode: String,
    pub loss_account: String,
    pub loss_position: String,
    pub rate_max: u32,
    pub rate_window: String,
    pub duplicate_window: String,
    pub call_flow: String,
    pub executions_max: u32,
    pub executions_window: String,
}

/// `true`: whatever closed the last position; `false`: never; or the name of one of both or of another.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum ProtectionValue {
    Whether(bool),
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub id: u16,
    pub name: String,
    pub preset: String,
    pub margin_price: Option<String>,
    pub leverage: Option<LeverageValue>,
    pub warning: Option<String>,
    pub restricted: Option<String>,
    pub stop_out: Option<String>,
    pub stop_out_test: Option<String>,
    pub stop_out_policy: Option<String>,
    pub free_margin: Option<String>,
    pub negative_balance_protection: Option<ProtectionValue>,
    /// A set of leverage.toml.
    pub leverage_rules: Option<String>,
    /// Free margin is looked at again when the broker confirms a market order.
    pub check_execution: Option<bool>,
    /// What opposite positions are charged, whatever the instruments say.
    pub hedge: Option<String>,
    /// In place of the defaults.
    pub rate_max: Option<u32>,
    pub rate_window: Option<String>,
    pub duplicate_window: Option<String>,
    pub call_flow: Option<String>,
    pub executions_max: Option<u32>,
    pub executions_window: Option<String>,
    /// Highest leverage by class: major forex; minor forex, gold, indices; commodities; shares; crypto.
    pub caps: Option<[LeverageValue; 5]>,
    pub stop_out_mode: Option<String>,
    pub loss_account: Option<String>,
    pub loss_position: Option<String>,
    pub loss_account_of: Option<String>,
    pub loss_position_of: Option<String>,
    pub loss_clear: Option<String>,
    /// Stop-out level in money, minor units of the account's currency, instead of a level of margin.
    pub stop_out_money: Option<i64>,
    pub stop_out_fully_hedged: Option<bool>,
    pub stop_out_oldest_first: Option<bool>,
    pub stop_out_at_mid: Option<bool>,
    pub levels_inclusive: Option<bool>,
    #[serde(default)]
    pub levels_told: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeverageSets {
    #[serde(default)]
    pub set: Vec<LeverageSet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeverageSet {
    pub id: u16,
    pub name: String,
    pub rules: Vec<LeverageRule>,
}

/// A rule's number is its place, from 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeverageRule {
    /// None = all instruments.
    #[serde(default)]
    pub symbols: Vec<String>,
    pub by: String,
    pub currency: Option<String>,
    pub cost: Option<String>,
    pub rounding: Option<String>,
    pub bands: Vec<BandKeys>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandKeys {
    /// Lots, or money of the rule's currency; absent = no end.
    pub to: Option<String>,
    pub leverage: Option<LeverageValue>,
    pub initial: Option<String>,
    pub maintenance: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    #[serde(default)]
    pub account: Vec<Account>,
    #[serde(default)]
    pub order: Vec<Order>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub id: u32,
    pub name: String,
    pub group: String,
    pub link: String,
    pub currency: String,
    pub accounting: String,
    pub balance: String,
    pub leverage: Option<LeverageValue>,
    /// What it has otherwise than its group; keys as in a group's line.
    pub warning: Option<String>,
    pub restricted: Option<String>,
    pub stop_out: Option<String>,
    pub levels_told: Option<Vec<String>>,
    pub stop_out_policy: Option<String>,
    pub negative_balance_protection: Option<ProtectionValue>,
    pub hedge: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub account: u32,
    pub symbol: String,
    pub side: String,
    pub qty: String,
}

/// Reads one file; an unknown key is an error that names the nearest known one.
pub fn read<'a, T: Deserialize<'a>>(file: &str, text: &'a str) -> Result<T, CatalogError> {
    toml::from_str(text).map_err(|error| CatalogError::File {
        file: file.to_owned(),
        message: with_suggestion(error.to_string().trim_end(), error.message()),
    })
}

/// serde names the unknown key first and the known ones after it, each in backticks.
fn with_suggestion(full: &str, message: &str) -> String {
    if !message.starts_with("unknown field") {
        return full.to_owned();
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next().unwrap_or_default();
    match value::nearest(unknown, quoted) {
        Some(near) => format!("{full}; did you mean \"{near}\"?"),
        None => full.to_owned(),
    }
}
