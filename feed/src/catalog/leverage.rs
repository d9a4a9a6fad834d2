//! Sets of leverage rules: bands by volume or value.

use super::build::{At, lever};
use super::file::{self, BandKeys, LeverageRule};
use super::{CatalogError, Currency, LeverageSet, Listing, find, value};
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

const FILE: &str = "leverage.toml";
/// Digits of the lots that bands are written in.
const LOT_DIGITS: u8 = siaga_risk::book::tiers::BAND_LOT_DIGITS;

/// Reads the sets.
pub fn sets(
    text: &str,
    currencies: &[Currency],
    instruments: &[Listing],
) -> Result<Vec<LeverageSet>, CatalogError> {
    let file: file::LeverageSets = file::read(FILE, text)?;
    let mut sets = Vec::with_capacity(file.set.len());
    for raw in &file.set {
        let at = At {
            file: FILE,
            entry: &raw.name,
        };
        let mut rules = Vec::with_capacity(raw.rules.len());
        for (place, raw) in (1u16..).zip(&raw.rules) {
            rules.push(rule(&at, place, raw, currencies, instruments)?);
        }
        sets.push(LeverageSet {
            name: raw.name.clone(),
            terms: TierTerms {
                id: TierSetId(raw.id),
                rules,
            },
        });
    }
    Ok(sets)
}

fn rule(
    at: &At<'_>,
    id: u16,
    raw: &LeverageRule,
    currencies: &[Currency],
    instruments: &[Listing],
) -> Result<TierRule, CatalogError> {
    let fills = [
        ("volume", TierBy::Volume),
        ("volume_per_symbol", TierBy::VolumePerSymbol),
        ("notional", TierBy::Notional),
        ("notional_per_symbol", TierBy::NotionalPerSymbol),
    ];
    let costs = [
        ("average", TierCost::Average),
        ("average_cut", TierCost::AverageCut),
        ("own", TierCost::Own),
    ];
    let stages = [
        ("total", RoundingStage::Total),
        ("band", RoundingStage::Band),
    ];
    let by = at.one_of("by", &raw.by, &fills)?;
    let by_value = matches!(by, TierBy::Notional | TierBy::NotionalPerSymbol);
    let currency = match &raw.currency {
        Some(code) => {
            let found = find("currency", code, currencies, |currency| &currency.code);
            Some(at.name("currency", found)?.terms)
        }
        None if by_value => return Err(at.error("currency", "values are counted in one")),
        None => None,
    };
    let digits = match currency {
        Some(currency) if by_value => currency.digits,
        _ => LOT_DIGITS,
    };
    let mut named = Vec::with_capacity(raw.symbols.len());
    for symbol in &raw.symbols {
        let found = find("instrument", symbol, instruments, |listing| &listing.symbol);
        named.push(at.name("symbols", found)?.terms.id);
    }
    named.sort_unstable();
    named.dedup();
    let bands: Result<Vec<Band>, CatalogError> =
        raw.bands.iter().map(|raw| band(at, raw, digits)).collect();
    Ok(TierRule {
        id,
        by,
        currency: currency.map_or(CurrencyId(0), |currency| currency.id),
        instruments: named,
        cost: at.one_of("cost", raw.cost.as_deref().unwrap_or("average"), &costs)?,
        rounding: at.one_of(
            "rounding",
            raw.rounding.as_deref().unwrap_or("total"),
            &stages,
        )?,
        bands: bands?,
    })
}

fn band(at: &At<'_>, raw: &BandKeys, digits: u8) -> Result<Band, CatalogError> {
    let share = |key, text: &Option<String>, absent: Ratio| {
        text.as_ref()
            .map_or(Ok(absent), |text| at.ok(key, value::ratio(text)))
    };
    let initial = share("initial", &raw.initial, Ratio::ONE)?;
    let to = match &raw.to {
        Some(text) => at.ok("to", value::scaled(text, digits))?,
        None => 0,
    };
    if raw.to.is_some() && to <= 0 {
        return Err(at.error("to", "a band ends above zero; the last has no end"));
    }
    Ok(Band {
        to,
        leverage: lever(at, "leverage", &raw.leverage)?.unwrap_or_default(),
        initial,
        maintenance: share("maintenance", &raw.maintenance, initial)?,
    })
}
