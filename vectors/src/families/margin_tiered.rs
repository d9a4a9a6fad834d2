//! Leverage by bands: volume, value, value in a rule's currency, tables of dynamic margin, and which rule is first.

use super::Calc;
use super::margin_basic::Holdings;
use super::margin_desk::*;
use crate::{Fault, Inputs, shown};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::book::tiers::{BAND_LOT_DIGITS, TierPart, Tiered};
use siaga_risk::convert::FINE_DIGITS;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::rules::mask;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// The rules of this family.
pub fn find(calc: &str) -> Option<Calc> {
    Some(match calc {
        "volume_bands" => volume_bands,
        "notional_bands_hedged" => notional_hedged,
        "notional_bands_converted" => notional_converted,
        "trade_bands" => trade_bands,
        "first_match_rule" => first_match,
        "symbol_mask" => symbol_mask,
        _ => return None,
    })
}

const SET: TierSetId = TierSetId(1);

/// A group under a set of rules.
fn under_rules(leverage: Leverage) -> GroupTerms {
    GroupTerms {
        margin: GroupMargin {
            tiers: SET,
            ..GroupMargin::NONE
        },
        ..group(leverage)
    }
}

/// Bands with the digits their ends are written in.
fn bands(inputs: &Inputs<'_>, end_digits: u8) -> Result<Vec<Band>, Fault> {
    let share = |band: &Inputs<'_>, own: &str| -> Result<Ratio, Fault> {
        if band.get(own).is_some() {
            return band.fraction(own);
        }
        if band.get("ratio").is_some() {
            return band.fraction("ratio");
        }
        if band.get("rate_pct").is_some() {
            return band.percent("rate_pct");
        }
        Ok(Ratio::ONE)
    };
    let read = |band: Inputs<'_>| {
        Ok(Band {
            to: band.scaled_or("to", end_digits, 0)?,
            leverage: band.leverage_or("leverage", Leverage::NONE)?,
            initial: share(&band, "initial_ratio")?,
            maintenance: share(&band, "maintenance_ratio")?,
        })
    };
    let bands = inputs.list("bands")?.into_iter().map(read);
    let mut bands: Vec<Band> = bands.collect::<Result<_, Fault>>()?;
    // The last one goes on, whether its list says where it ends or not.
    if let Some(last) = bands.last_mut() {
        last.to = 0;
    }
    Ok(bands)
}

fn rule(by: TierBy, bands: Vec<Band>) -> TierRule {
    TierRule {
        id: 1,
        by,
        currency: ACC,
        instruments: Vec::new(),
        cost: TierCost::Average,
        rounding: RoundingStage::Total,
        bands,
    }
}

/// A world whose group is under one rule.
fn world(digits: u8, leverage: Leverage, rules: Vec<TierRule>) -> Result<World, Fault> {
    let mut world = World::new(digits, &group(leverage))?;
    put(&mut world, leverage, rules)?;
    Ok(world)
}

fn put(world: &mut World, leverage: Leverage, rules: Vec<TierRule>) -> Result<(), Fault> {
    let terms = TierTerms { id: SET, rules };
    world.desk.must(Body::Tiers(Box::new(terms)))?;
    world
        .desk
        .must(Body::Group(Box::new(under_rules(leverage))))?;
    Ok(())
}

fn charged(world: &World, account: AccountId) -> Result<Tiered, Fault> {
    let view = world.view(account)?;
    let first = view.tiers.into_iter().next();
    first
        .map(|tier| tier.charged)
        .ok_or_else(|| Fault::Other("no rule applies".into()))
}

fn amounts(parts: &[TierPart]) -> Vec<Value> {
    parts.iter().map(|part| fine(part.amount, 9)).collect()
}

fn volume_bands(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut rule = rule(TierBy::Volume, bands(inputs, BAND_LOT_DIGITS)?);
    rule.cost = match inputs.text_or("per_lot_rounding", "none")? {
        "none" => TierCost::Average,
        "truncate" => TierCost::AverageCut,
        other => return Err(Fault::field("per_lot_rounding", format!("{other} is none"))),
    };
    let mut world = world(account_digits(inputs, 2)?, Leverage::ONE, vec![rule])?;
    let account = world.account(1, Accounting::Hedging)?;
    let mut id = 10;
    for (list, held) in [("positions", true), ("orders", false)] {
        for entry in inputs.list(list)? {
            let lots = entry.decimal("lots")?;
            let qty = int("lots", lots, places(lots))?;
            let terms = world.costing(id, qty, places(lots), entry.scaled("margin", 8)?)?;
            let instrument = terms.id;
            world.desk.list(terms)?;
            world.desk.quote(instrument, 2, 2);
            let order = World::order(account, instrument, Side::Buy, qty);
            if held {
                world.open(order, 2)?;
            } else {
                let (kind, price) = (OrderKind::Limit, Some(Price(1)));
                super::trade::place(
                    &mut world.desk,
                    NewOrder {
                        kind,
                        price,
                        ..order
                    },
                )?;
            }
            id += 1;
        }
    }
    let tiered = charged(&world, account)?;
    Ok(json!({
        "margin_per_lot": fine(tiered.unit, 8),
        "parts": merged(&tiered.parts),
        "margin": world.money(world.view(account)?.used),
    }))
}

/// Neighbours of one band, positions and orders apart: at the average cost of a lot they are one.
fn merged(parts: &[TierPart]) -> Vec<Value> {
    let mut all: Vec<TierPart> = Vec::new();
    for part in parts {
        match all.last_mut() {
            Some(last) if (last.held, last.band) == (part.held, part.band) => {
                last.measure += part.measure;
                last.amount += part.amount;
            }
            _ => all.push(*part),
        }
    }
    let show = |part: &TierPart| {
        json!({
            "kind": if part.held { "position" } else { "order" },
            "lots": fine(part.measure, 9),
            "ratio": ratio(part.ratio),
            "margin": fine(part.amount, 9),
        })
    };
    all.iter().map(show).collect()
}

/// Amounts that are not rounded keep eight digits.
const UNROUNDED: u8 = 8;

fn notional_hedged(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let digits = account_digits(inputs, UNROUNDED)?;
    let quoted = json_with(inputs, "conversion", "open_price");
    let open = Inputs::new(&quoted);
    let mut book = Holdings::new(&open, digits, HedgeRule::Basic)?;
    let rule = rule(TierBy::NotionalPerSymbol, bands(inputs, digits)?);
    put(&mut book.world, leverage(inputs)?, vec![rule])?;
    let account = book.world.account(1, Accounting::Hedging)?;
    book.hold(account, inputs, None)?;
    let tiered = charged(&book.world, account)?;
    let view = book.world.view(account)?;
    let lots = view.margins.first().map_or(0, |margin| margin.lots);
    Ok(json!({
        "equivalent_lots": fine(lots, 9),
        "notional": fine(tiered.measure, 9),
        "base_margin": fine(tiered.before, 9),
        "parts": amounts(&tiered.parts),
        "margin": book.world.money(view.used),
    }))
}

fn json_with(inputs: &Inputs<'_>, field: &str, value: &str) -> Value {
    let mut all = inputs.raw().clone();
    if let Some(object) = all.as_object_mut() {
        object.entry(field).or_insert(Value::String(value.into()));
    }
    all
}

fn notional_converted(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let digits = account_digits(inputs, 2)?;
    let (lots, contract) = (inputs.decimal("lots")?, inputs.decimal("contract_size")?);
    let rule = rule(TierBy::NotionalPerSymbol, bands(inputs, digits)?);
    let mut world = world(digits, leverage(inputs)?, vec![rule])?;
    let ask = inputs.decimal_or("margin_to_rule_currency_ask", 1.into())?;
    world.convert(ask, ask, false)?;
    let mut terms = listed(10, CalcMode::Forex);
    terms.qty_digits = places(lots);
    terms.contract_digits = places(contract);
    terms.contract_size = int("contract_size", contract, terms.contract_digits)?;
    let (id, qty) = (terms.id, int("lots", lots, terms.qty_digits)?);
    world.desk.list(terms)?;
    world.desk.quote(id, 1, 1);
    let account = world.account(1, Accounting::Hedging)?;
    world.open(World::order(account, id, Side::Buy, qty), 1)?;
    let tiered = charged(&world, account)?;
    Ok(json!({
        "notional": fine(tiered.measure, 9),
        "parts": amounts(&tiered.parts),
        "margin": world.money(world.view(account)?.used),
    }))
}

fn trade_bands(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mut rule = rule(TierBy::Volume, bands(inputs, BAND_LOT_DIGITS)?);
    rule.cost = TierCost::Own;
    rule.rounding = match inputs.text_or("rounding_stage", "total")? {
        "total" => RoundingStage::Total,
        "band" => RoundingStage::Band,
        other => return Err(Fault::field("rounding_stage", format!("{other} is none"))),
    };
    let digits = account_digits(inputs, 2)?;
    let mut world = world(digits, Leverage::ONE, vec![rule.clone()])?;
    let mut terms = listed(10, CalcMode::Cfd);
    (terms.quote, terms.margin_currency) = (ACC, ACC);
    let contract = inputs.decimal("contract_size")?;
    terms.contract_digits = places(contract);
    terms.contract_size = int("contract_size", contract, terms.contract_digits)?;
    let trades = inputs.list("trades")?;
    for trade in &trades {
        terms.qty_digits = terms.qty_digits.max(places(trade.decimal("lots")?));
        terms.price_digits = terms.price_digits.max(places(trade.decimal("price")?));
    }
    let (id, qty_digits, price_digits) = (terms.id, terms.qty_digits, terms.price_digits);
    world.desk.list(terms)?;
    let account = world.account(1, Accounting::Hedging)?;
    for trade in &trades {
        let price = int("price", trade.decimal("price")?, price_digits)?;
        let qty = int("lots", trade.decimal("lots")?, qty_digits)?;
        world.desk.quote(id, price, price);
        let side = side(trade.text_or("side", "buy")?)?;
        world.open(World::order(account, id, side, qty), price)?;
    }
    let tiered = charged(&world, account)?;
    let unit = 10i128.pow(u32::from(FINE_DIGITS - digits));
    let per_trade: Vec<Value> = world
        .view(account)?
        .positions
        .iter()
        .map(|held| {
            let own = tiered
                .parts
                .iter()
                .filter(|part| part.position == Some(held.position.id));
            let money = if rule.rounding == RoundingStage::Band {
                own.map(|part| div_round(part.amount, unit)).sum()
            } else {
                div_round(own.map(|part| part.amount).sum(), unit)
            };
            Value::String(shown(money, digits))
        })
        .collect();
    Ok(json!({
        "per_trade": per_trade,
        "margin": world.money(world.view(account)?.used),
    }))
}

/// The machine's rules name instruments: one whose mask takes the symbol in names the traded one, another a stranger.
fn first_match(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let path = inputs.text("symbol_path")?;
    let (traded, stranger) = (InstrumentId(10), InstrumentId(11));
    let mut rules = Vec::new();
    let mut names = Vec::new();
    for (index, given) in inputs.list("rules")?.iter().enumerate() {
        let takes = mask::matches(given.text("symbols")?, path);
        names.push(given.text("name")?);
        rules.push(TierRule {
            id: index as u16,
            instruments: vec![if takes { traded } else { stranger }],
            ..rule(TierBy::Volume, bands(given, BAND_LOT_DIGITS)?)
        });
    }
    let lots = inputs.decimal("lots")?;
    let mut world = World::new(account_digits(inputs, 2)?, &group(Leverage::ONE))?;
    world.convert(Decimal::ONE, Decimal::ONE, false)?;
    for id in [traded, stranger] {
        let mut terms = listed(id.0, CalcMode::Futures);
        terms.qty_digits = places(lots);
        terms.margin_fixed = Money(inputs.scaled("margin_per_lot", 8)?);
        world.desk.list(terms)?;
        world.desk.quote(id, 1, 1);
    }
    put(&mut world, Leverage::ONE, rules)?;
    let account = world.account(1, Accounting::Hedging)?;
    let qty = int("lots", lots, places(lots))?;
    world.open(World::order(account, traded, Side::Buy, qty), 1)?;
    let view = world.view(account)?;
    let applied = view.positions.first().and_then(|held| held.rule?.tiers);
    let name = applied.and_then(|(_, rule)| names.get(usize::from(rule)));
    Ok(json!({ "rule": name, "margin": world.money(view.used) }))
}

fn symbol_mask(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mask = inputs.text("mask")?;
    let paths = inputs
        .get("symbol_paths")
        .and_then(Value::as_array)
        .ok_or_else(|| Fault::field("symbol_paths", "is no list"))?;
    let matched: Vec<&Value> = paths
        .iter()
        .filter(|path| path.as_str().is_some_and(|path| mask::matches(mask, path)))
        .collect();
    Ok(json!({ "matched": matched }))
}
