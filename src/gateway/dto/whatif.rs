//! What if: scenarios as people write them, and the answer as people read it.

use std::sync::OnceLock;

use serde::Deserialize;
use siaga_risk::event::NewOrder;
use siaga_risk::ids::ClientOrderId;
use siaga_risk::terms;
use siaga_risk::units::{Money, Price, Ratio};
use siaga_risk::whatif::{
    Affected, By, Fault, Figures, Outcome, Raise, Scenario, Shift, Step, StepOutcome, Target,
};

use super::account::MarginState;
use super::market::Class;
use super::micros;
use super::order::{OrderRequest, PreviewDto, new_order, preview, symbol};
use crate::gateway::decimal;
use crate::gateway::directory::Directory;
use crate::gateway::error::{ApiError, ApiResult, Fault as ApiFault};
use crate::wire;

/// Rows of an answer when nobody says how many.
const ROWS: usize = 200;
/// Percentages are read with this many decimals; a ratio has twelve digits behind the point, two more than a percentage.
const PERCENT_DIGITS: u8 = 10;
/// Stands for a client's own order id while an order is read; the imagined one has none.
const NO_CLIENT_ID: &str = "what-if";

/// What is moved: exactly one of `symbol`, `currency`, `class` and `all`. How far: exactly one of `by`, `percent`, `to`.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftRequest {
    pub symbol: Option<String>,
    /// The value of this currency against all others; by percent only.
    pub currency: Option<String>,
    pub class: Option<Class>,
    #[serde(default)]
    pub all: bool,
    /// A price distance, added to bid and ask; with a symbol only.
    pub by: Option<String>,
    /// Percent of the price before.
    pub percent: Option<String>,
    /// The bid itself; with a symbol only.
    pub to: Option<String>,
    /// Forgets what shifts before it in the same step did to the symbol.
    #[serde(default)]
    pub fresh: bool,
}

/// Prices that come at once. Shifts of one step on the same instrument follow each other.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepRequest {
    #[serde(default)]
    pub label: String,
    pub shifts: Vec<ShiftRequest>,
}

/// A requirement multiplied: exactly one of `symbol`, `currency`, `class` and `all`.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RaiseRequest {
    pub symbol: Option<String>,
    pub currency: Option<String>,
    pub class: Option<Class>,
    #[serde(default)]
    pub all: bool,
    /// At least 100.
    pub factor_pct: String,
}

/// A realised volatility multiplied: exactly one of `symbol`, `currency`, `class` and `all`.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolatilityRequest {
    pub symbol: Option<String>,
    pub currency: Option<String>,
    pub class: Option<Class>,
    #[serde(default)]
    pub all: bool,
    /// Not negative.
    pub factor_pct: String,
}

/// What is imagined. Everything may be absent.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfRequest {
    /// One of the named days; its steps come before those given here.
    pub scenario: Option<String>,
    #[serde(default)]
    pub steps: Vec<StepRequest>,
    #[serde(default)]
    pub requirements: Vec<RaiseRequest>,
    /// Realised volatility of everything is multiplied by this.
    pub volatility_pct: Option<String>,
    /// Realised volatilities multiplied; the last that means a symbol counts.
    #[serde(default)]
    pub volatilities: Vec<VolatilityRequest>,
    /// Asked for first; `client_id` is not needed.
    pub order: Option<OrderRequest>,
    /// Most accounts listed, 200 when absent; the sums are of all.
    pub rows: Option<usize>,
}

/// A named day.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub name: String,
    pub title: String,
    pub source: String,
    pub steps: Vec<StepRequest>,
}

#[derive(Deserialize)]
struct NamedFile {
    scenario: Vec<Named>,
}

/// The days that the program knows.
pub fn named() -> &'static [Named] {
    static NAMED: OnceLock<Vec<Named>> = OnceLock::new();
    NAMED.get_or_init(|| {
        let file: Result<NamedFile, _> = toml::from_str(include_str!("../scenarios.toml"));
        // A test reads the file; a build with a broken one knows no days.
        file.map_or_else(|_| Vec::new(), |file| file.scenario)
    })
}

wire! {
    /// A named day.
    pub struct NamedDto {
        pub name: String,
        pub title: String,
        pub source: String,
        /// What each step is.
        pub steps: Vec<String>,
    }

    pub struct NamedList { pub items: Vec<NamedDto> }

    /// The answer.
    pub struct WhatIfDto {
        /// The last input of the desk that is in it, and its time.
        pub seq: u64,
        pub now: u64,
        /// The house's currency: totals are in it.
        pub currency: String,
        pub totals: TotalsDto,
        /// In the order in which they got worse.
        pub affected: Vec<AffectedDto>,
        /// There are more than were asked for.
        pub is_cut: bool,
        /// The order and the requirements first, then the path.
        pub steps: Vec<StepDto>,
        pub order: Option<ImaginedOrderDto>,
        /// Symbols above their volatility warning.
        pub volatile: Vec<String>,
    }

    /// Sums over all accounts.
    pub struct TotalsDto {
        pub accounts: u32,
        pub equity_before: String,
        pub equity_after: String,
        /// Negative equities and what the house has paid for.
        pub at_risk: String,
        /// Accounts by the worst state they came into.
        pub called: u32,
        pub restricted: u32,
        pub stopped_out: u32,
        /// Accounts without a rate to the house's currency: they are in no sum.
        pub unconverted: u32,
    }

    /// An account's numbers at one moment.
    pub struct FiguresDto {
        pub state: MarginState,
        pub equity: String,
        pub used: String,
        pub level_pct: Option<String>,
    }

    /// An account that got into a worse margin state.
    pub struct AffectedDto {
        pub account: u32,
        pub name: String,
        pub currency: String,
        /// Place in `steps` of what brought the worst state.
        pub step: u32,
        pub before: FiguresDto,
        /// When the worst state began.
        pub hit: FiguresDto,
        pub after: FiguresDto,
        /// Only a requirement factor brought it there.
        pub soft: bool,
        /// Place among those stopped out, from 1.
        pub stopped: Option<u32>,
        pub closes: u32,
        pub at_risk: String,
    }

    pub struct StepDto {
        pub label: String,
        pub moved: Vec<MovedDto>,
        /// Accounts that came into each state in this step.
        pub called: u32,
        pub restricted: u32,
        pub stopped_out: u32,
        /// Protective prices that fired.
        pub protective: u32,
        pub deals: u32,
    }

    pub struct MovedDto {
        pub symbol: String,
        pub bid: String,
        pub ask: String,
    }

    pub struct ImaginedOrderDto {
        /// What the desk says of it.
        pub preview: Option<PreviewDto>,
        pub filled: String,
    }
}

/// The days that the program knows, as a list.
pub fn named_list() -> NamedList {
    let items = named().iter().map(|one| NamedDto {
        name: one.name.clone(),
        title: one.title.clone(),
        source: one.source.clone(),
        steps: one.steps.iter().map(|step| step.label.clone()).collect(),
    });
    NamedList {
        items: items.collect(),
    }
}

/// A request in the core's units, with the labels of its steps.
pub struct Read {
    pub scenario: Scenario,
    pub labels: Vec<String>,
}

/// Reads a scenario.
///
/// # Errors
/// The field that is wrong.
pub fn read(request: &WhatIfRequest, names: &Directory) -> ApiResult<Read> {
    let mut steps: Vec<&StepRequest> = Vec::new();
    if let Some(name) = &request.scenario {
        let found = named().iter().find(|one| one.name == *name);
        let found = found.ok_or_else(|| {
            let known: Vec<&str> = named().iter().map(|one| one.name.as_str()).collect();
            ApiError::field("scenario", format!("use one of {}", known.join(", ")))
        })?;
        steps.extend(&found.steps);
    }
    steps.extend(&request.steps);
    let mut scenario = Scenario {
        rows: request.rows.unwrap_or(ROWS),
        ..Scenario::default()
    };
    for (at, step) in steps.iter().enumerate() {
        let mut shifts: Vec<Shift> = Vec::new();
        for (place, one) in step.shifts.iter().enumerate() {
            let field = format!("steps[{at}].shifts[{place}]");
            put_shift(&mut shifts, one, &field, names)?;
        }
        scenario.steps.push(Step { shifts });
    }
    for (at, raise) in request.requirements.iter().enumerate() {
        let field = format!("requirements[{at}]");
        let asked = (&raise.symbol, &raise.currency, raise.class, raise.all);
        scenario.raises.push(Raise {
            target: target(asked, &field, names)?,
            factor: ratio(&raise.factor_pct, &format!("{field}.factor_pct"))?,
        });
    }
    if let Some(text) = &request.volatility_pct {
        scenario.volatilities.push(Raise {
            target: Target::All,
            factor: ratio(text, "volatility_pct")?,
        });
    }
    for (at, one) in request.volatilities.iter().enumerate() {
        let field = format!("volatilities[{at}]");
        let asked = (&one.symbol, &one.currency, one.class, one.all);
        scenario.volatilities.push(Raise {
            target: target(asked, &field, names)?,
            factor: ratio(&one.factor_pct, &format!("{field}.factor_pct"))?,
        });
    }
    if let Some(order) = &request.order {
        scenario.order = Some(NewOrder {
            client_id: ClientOrderId::default(),
            ..new_order(order, Some(NO_CLIENT_ID), names)?
        });
    }
    Ok(Read {
        scenario,
        labels: steps.iter().map(|step| step.label.clone()).collect(),
    })
}

fn put_shift(
    shifts: &mut Vec<Shift>,
    one: &ShiftRequest,
    field: &str,
    names: &Directory,
) -> ApiResult<()> {
    let asked = (&one.symbol, &one.currency, one.class, one.all);
    let target = target(asked, field, names)?;
    let digits = match target {
        Target::Instrument(id) => names.instrument(id).map(|entry| entry.terms.price_digits),
        _ => None,
    };
    let price = |text: &str, name: &str| {
        let field = format!("{field}.{name}");
        let Some(digits) = digits else {
            return Err(ApiError::field(field, "give a symbol, or move by percent"));
        };
        decimal::read(text, digits).map_err(|fault| ApiError::field(field, fault.says(digits)))
    };
    let by = match (&one.by, &one.percent, &one.to) {
        (Some(text), None, None) => By::Steps(price(text, "by")?),
        (None, Some(text), None) => By::Share(ratio(text, &format!("{field}.percent"))?),
        (None, None, Some(text)) => By::To(Price(price(text, "to")?)),
        _ => return Err(ApiError::field(field, "give one of by, percent and to")),
    };
    shifts.push(Shift {
        target,
        by,
        fresh: one.fresh,
    });
    Ok(())
}

type Asked<'a> = (&'a Option<String>, &'a Option<String>, Option<Class>, bool);

fn target(asked: Asked<'_>, field: &str, names: &Directory) -> ApiResult<Target> {
    match asked {
        (Some(name), None, None, false) => {
            let entry = symbol(names, name).map_err(|error| ApiError {
                field: Some(format!("{field}.symbol")),
                ..error
            })?;
            Ok(Target::Instrument(entry.terms.id))
        }
        (None, Some(code), None, false) => names
            .currency(code)
            .map(Target::Currency)
            .ok_or_else(|| ApiError::field(format!("{field}.currency"), "no such currency")),
        (None, None, Some(class), false) => Ok(Target::Class(terms::AssetClass::from(class))),
        (None, None, None, true) => Ok(Target::All),
        _ => Err(ApiError::field(
            field,
            "give one of symbol, currency, class and all",
        )),
    }
}

fn ratio(percent: &str, field: &str) -> ApiResult<Ratio> {
    decimal::read(percent, PERCENT_DIGITS)
        .map(Ratio)
        .map_err(|fault| ApiError::field(field, fault.says(PERCENT_DIGITS)))
}

/// What is wrong with a scenario, as an answer of the API.
pub fn fault(fault: Fault, names: &Directory) -> ApiError {
    let symbol = fault.instrument.and_then(|id| names.instrument(id));
    let what = match symbol {
        Some(entry) => format!("{}: {fault}", entry.symbol),
        None => fault.to_string(),
    };
    let field = fault.step.map(|at| format!("steps[{at}]"));
    ApiError {
        field,
        ..ApiError::new(ApiFault::BadField, what)
    }
}

/// The answer in words and decimals.
pub fn answer(outcome: &Outcome, read: &Read, names: &Directory) -> WhatIfDto {
    let house = outcome.house.unwrap_or(names.house_currency);
    let digits = names.money_digits(house);
    let money = |value: i128| {
        let mut text = String::new();
        decimal::push(&mut text, value, digits);
        text
    };
    let totals = &outcome.totals;
    let labels =
        std::iter::once("order and requirements").chain(read.labels.iter().map(String::as_str));
    WhatIfDto {
        seq: outcome.seq,
        now: micros(outcome.now),
        currency: names.currency_code(house),
        totals: TotalsDto {
            accounts: totals.accounts,
            equity_before: money(totals.equity_before),
            equity_after: money(totals.equity_after),
            at_risk: money(totals.at_risk),
            called: totals.called,
            restricted: totals.restricted,
            stopped_out: totals.stopped_out,
            unconverted: totals.unconverted,
        },
        affected: outcome
            .affected
            .iter()
            .map(|row| affected(row, names))
            .collect(),
        is_cut: outcome.is_cut,
        steps: outcome
            .steps
            .iter()
            .zip(labels)
            .map(|(one, label)| step(one, label, names))
            .collect(),
        order: read
            .scenario
            .order
            .zip(outcome.order.as_ref())
            .map(|(asked, made)| {
                let entry = names.instrument(asked.instrument);
                ImaginedOrderDto {
                    preview: made
                        .preview
                        .as_ref()
                        .map(|view| preview(view, &asked, names)),
                    filled: decimal::show(
                        made.filled.0,
                        entry.map_or(0, |entry| entry.terms.qty_digits),
                    ),
                }
            }),
        volatile: outcome
            .volatile
            .iter()
            .filter_map(|id| Some(names.instrument(*id)?.symbol.clone()))
            .collect(),
    }
}

fn affected(row: &Affected, names: &Directory) -> AffectedDto {
    let digits = names.money_digits(row.currency);
    let money = |value: Money| decimal::show(value.0, digits);
    let figures = |figures: &Figures| FiguresDto {
        state: figures.state.into(),
        equity: money(figures.equity),
        used: money(figures.used),
        level_pct: figures.level.map(decimal::level_pct),
    };
    let account = names.account(row.account);
    AffectedDto {
        account: row.account.0,
        name: account.map_or_else(
            || format!("account-{}", row.account),
            |account| account.name.clone(),
        ),
        currency: names.currency_code(row.currency),
        step: row.step,
        before: figures(&row.before),
        hit: figures(&row.hit),
        after: figures(&row.after),
        soft: row.soft,
        stopped: row.stopped,
        closes: row.closes,
        at_risk: money(row.at_risk),
    }
}

fn step(one: &StepOutcome, label: &str, names: &Directory) -> StepDto {
    let moved = one.moved.iter().filter_map(|moved| {
        let entry = names.instrument(moved.instrument)?;
        let price = |value| decimal::show(value, entry.terms.price_digits);
        Some(MovedDto {
            symbol: entry.symbol.clone(),
            bid: price(moved.bid),
            ask: price(moved.ask),
        })
    });
    StepDto {
        label: label.to_owned(),
        moved: moved.collect(),
        called: one.called,
        restricted: one.restricted,
        stopped_out: one.stopped_out,
        protective: one.protective,
        deals: one.deals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_days_are_four_with_their_sources() {
        let file: NamedFile =
            toml::from_str(include_str!("../scenarios.toml")).expect("the file is sound");
        let names: Vec<&str> = file.scenario.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["chf-2015", "gbp-2016", "btc-2020", "wti-2020"]);
        for one in &file.scenario {
            assert!(!one.source.is_empty() && !one.title.is_empty());
            assert!(one.steps.iter().all(|step| !step.label.is_empty()));
        }
    }
}
