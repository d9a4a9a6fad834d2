//! Where a margin comes from: the rules behind it, the bands of leverage rules, schedules and liquidation prices.

use siaga_risk::convert::{FINE_DIGITS, Rate};
use siaga_risk::ids::{CurrencyId, InstrumentId};
use siaga_risk::units::{Money, Qty, div_round, pow10};
use siaga_risk::view::{
    self, Closeout, InstrumentMargin, Liquidation, MarginRule, RequirementView, TierView,
};
use siaga_risk::wide::mul_div_round;

use super::order::Side;
use super::rules::{HedgeFrom, HedgeRule};
use super::wire_enum;
use crate::gateway::decimal;
use crate::gateway::directory::{Directory, InstrumentEntry};
use crate::wire;

/// Decimals of a conversion rate and of lots as they are shown; what is beyond is rounded.
const RATE_DIGITS: u8 = 10;
const LOT_DIGITS: u8 = 8;

wire_enum!(
    /// Where a leverage comes from.
    LeverageFrom = view::LeverageFrom {
        Mode,
        Group,
        Account,
        ClassCap,
        InstrumentCap,
        Band
    }
);

wire! {
    /// The rules behind a position's or an order's margin.
    pub struct MarginRuleDto {
        /// x : 1.
        pub leverage: String,
        pub leverage_from: LeverageFrom,
        /// Share charged by side and kind of order.
        pub rate_pct: String,
        /// Factor of halts and windows; 100.00 without one.
        pub factor_pct: String,
        /// The window of higher requirements that the factor comes from.
        pub window: Option<u16>,
        /// Set and rule whose bands apply on top; a band's own leverage stands with the account's `tiers`.
        pub tier_set: Option<u16>,
        pub tier_rule: Option<u16>,
        /// Margin after leverage in `currency`, before conversion and rate.
        pub base: String,
        pub currency: String,
        /// Units of the account's currency for one of `currency`; absent while it is missing.
        pub conversion: Option<String>,
    }

    /// The price of an instrument, alone, at which an account at mark price meets its stop-out line.
    pub struct LiquidationDto {
        /// Rounded half away to a step.
        pub price: String,
        /// Of the larger leg there: its bracket from 1, absent without brackets.
        pub bracket: Option<u16>,
        pub rate_pct: String,
        /// Cumulative amount of the bracket.
        pub amount: String,
        pub currency: String,
    }

    /// One leg of an account at mark price in the schedule of its instrument.
    pub struct RequirementDto {
        pub symbol: String,
        pub side: Side,
        pub qty: String,
        pub currency: String,
        pub notional: String,
        pub initial_rate_pct: String,
        pub initial: String,
        pub maintenance_rate_pct: String,
        pub maintenance: String,
        /// From 1; absent without brackets.
        pub bracket: Option<u16>,
        /// Cumulative amount of the bracket.
        pub amount: String,
    }

    /// What an instrument of an account is charged before leverage rules by bands, with the factors of halts and windows.
    pub struct InstrumentMarginDto {
        pub symbol: String,
        /// Held: the uncovered or charged side, and the covered lots of both.
        pub open: String,
        pub covered: String,
        pub covered_qty: String,
        /// Lots that count; covered ones by the hedged share.
        pub lots: String,
        /// What orders in flight add.
        pub orders: String,
        /// What opposite positions are charged, and whose rule it is; absent on netting accounts, and where a schedule charges each
        /// leg for itself.
        pub hedge: Option<HedgeRule>,
        pub hedge_from: Option<HedgeFrom>,
    }

    /// What a leverage rule charges on what an account holds and has in flight, with the factors of halts and windows.
    pub struct TierDto {
        pub set: u16,
        pub rule: u16,
        /// The instrument that fills the bands alone; absent when all of the rule do together.
        pub symbol: Option<String>,
        pub margin: String,
        /// Margin before the bands.
        pub before: String,
        /// What fills the bands: lots, or value in the rule's currency.
        pub measure: String,
        pub parts: Vec<TierPartDto>,
    }

    /// What one slice was charged in one band.
    pub struct TierPartDto {
        /// Of positions; else of orders in flight.
        pub held: bool,
        pub position: Option<u64>,
        /// From 0.
        pub band: u16,
        pub measure: String,
        pub rate_pct: String,
        /// x : 1, and where it came from; absent where instruments with different ones share the band.
        pub leverage: Option<String>,
        pub leverage_from: Option<LeverageFrom>,
        pub margin: String,
    }

    /// An account as its stop-out sees it.
    pub struct CloseoutDto {
        /// At the mid where the group says so.
        pub equity: String,
        pub unrealised: String,
        pub free: String,
        /// Share of the way to the stop-out, 100.00 = reached; absent when equity is not positive.
        pub reached_pct: Option<String>,
    }
}

pub fn margin_rule(
    rule: &MarginRule,
    instrument: InstrumentId,
    names: &Directory,
) -> MarginRuleDto {
    let currency = margin_currency(names.instrument(instrument));
    MarginRuleDto {
        leverage: rule.leverage.to_string(),
        leverage_from: rule.leverage_from.into(),
        rate_pct: decimal::change_pct(rule.rate),
        factor_pct: decimal::change_pct(rule.factor),
        window: rule.window,
        tier_set: rule.tiers.map(|(set, _)| set.0),
        tier_rule: rule.tiers.map(|(_, rule)| rule),
        base: fine(rule.base, names.money_digits(currency)),
        currency: names.currency_code(currency),
        conversion: rule.conversion.and_then(conversion),
    }
}

pub fn liquidation(
    view: &Liquidation,
    instrument: InstrumentId,
    names: &Directory,
) -> LiquidationDto {
    let entry = names.instrument(instrument);
    let currency = margin_currency(entry);
    LiquidationDto {
        price: decimal::show(view.price.0, entry.map_or(0, |e| e.terms.price_digits)),
        bracket: (view.bracket > 0).then_some(view.bracket),
        rate_pct: decimal::change_pct(view.rate),
        amount: decimal::show(view.amount.0, names.money_digits(currency)),
        currency: names.currency_code(currency),
    }
}

pub fn requirement(view: &RequirementView, names: &Directory) -> RequirementDto {
    let entry = names.instrument(view.instrument);
    let currency = margin_currency(entry);
    let digits = names.money_digits(currency);
    RequirementDto {
        symbol: symbol(view.instrument, names),
        side: view.side.into(),
        qty: qty(view.qty, entry),
        currency: names.currency_code(currency),
        notional: fine(view.notional, digits),
        initial_rate_pct: decimal::change_pct(view.initial_rate),
        initial: fine(view.initial, digits),
        maintenance_rate_pct: decimal::change_pct(view.maintenance_rate),
        maintenance: fine(view.maintenance, digits),
        bracket: (view.bracket > 0).then_some(view.bracket),
        amount: decimal::show(view.amount.0, digits),
    }
}

pub fn instrument_margin(
    view: &InstrumentMargin,
    digits: u8,
    names: &Directory,
) -> InstrumentMarginDto {
    let money = |m: Money| decimal::show(m.0, digits);
    InstrumentMarginDto {
        symbol: symbol(view.instrument, names),
        open: money(view.open),
        covered: money(view.covered),
        covered_qty: qty(view.covered_qty, names.instrument(view.instrument)),
        lots: trimmed(fine(view.lots, LOT_DIGITS)),
        orders: money(view.orders),
        hedge: view.hedge.map(|(rule, _)| rule.into()),
        hedge_from: view.hedge.map(|(_, from)| from.into()),
    }
}

pub fn tier(view: &TierView, digits: u8, names: &Directory) -> TierDto {
    let parts = view.charged.parts.iter().map(|part| TierPartDto {
        held: part.held,
        position: part.position.map(|id| id.0),
        band: part.band,
        measure: trimmed(fine(part.measure, LOT_DIGITS)),
        rate_pct: decimal::change_pct(part.ratio),
        leverage: part.leverage.map(|(leverage, _)| leverage.to_string()),
        leverage_from: part.leverage.map(|(_, from)| from.into()),
        margin: fine(part.amount, digits),
    });
    TierDto {
        set: view.set.0,
        rule: view.rule,
        symbol: view.instrument.map(|id| symbol(id, names)),
        margin: decimal::show(view.charged.minor, digits),
        before: fine(view.charged.before, digits),
        measure: trimmed(fine(view.charged.measure, LOT_DIGITS)),
        parts: parts.collect(),
    }
}

pub fn closeout(view: &Closeout, digits: u8) -> CloseoutDto {
    let money = |m: Money| decimal::show(m.0, digits);
    CloseoutDto {
        equity: money(view.equity),
        unrealised: money(view.unrealised),
        free: money(view.free),
        reached_pct: view.reached.map(decimal::level_pct),
    }
}

fn symbol(id: InstrumentId, names: &Directory) -> String {
    let entry = names.instrument(id);
    entry.map_or_else(|| id.to_string(), |e| e.symbol.clone())
}

fn qty(qty: Qty, entry: Option<&std::sync::Arc<InstrumentEntry>>) -> String {
    decimal::show(qty.0, entry.map_or(0, |e| e.terms.qty_digits))
}

fn margin_currency(entry: Option<&std::sync::Arc<InstrumentEntry>>) -> CurrencyId {
    entry.map_or(CurrencyId(0), |e| e.terms.margin_currency)
}

/// Fine units with so many decimals, rounded half away from zero.
fn fine(value: i128, digits: u8) -> String {
    let digits = digits.min(18);
    let mut text = String::new();
    let unit = 10i128.pow(u32::from(FINE_DIGITS - digits));
    decimal::push(&mut text, div_round(value, unit), digits);
    text
}

fn conversion(rate: Rate) -> Option<String> {
    let value = mul_div_round(rate.num, i128::from(pow10(RATE_DIGITS)), rate.den)?;
    let mut text = String::new();
    decimal::push(&mut text, value, RATE_DIGITS);
    Some(trimmed(text))
}

/// Without zeros behind the point that say nothing.
fn trimmed(text: String) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siaga_risk::book::tiers::{TierPart, Tiered};
    use siaga_risk::ids::TierSetId;
    use siaga_risk::units::{Leverage, Ratio};

    #[test]
    fn a_band_names_its_leverage_and_where_it_came_from() {
        let part = |leverage| TierPart {
            held: true,
            position: None,
            band: 0,
            measure: 0,
            ratio: Ratio::ONE,
            leverage,
            amount: 0,
        };
        let capped = Some((Leverage::of(30), view::LeverageFrom::ClassCap));
        let own = Some((Leverage::of(500), view::LeverageFrom::Band));
        let rule = TierView {
            set: TierSetId(7),
            rule: 1,
            instrument: None,
            charged: Tiered {
                parts: vec![part(capped), part(own), part(None)],
                ..Tiered::default()
            },
        };
        let shown = tier(&rule, 2, &Directory::default());
        let told: Vec<_> = shown
            .parts
            .iter()
            .map(|part| (part.leverage.as_deref(), part.leverage_from))
            .collect();
        let expected = [
            (Some("30"), Some(LeverageFrom::ClassCap)),
            (Some("500"), Some(LeverageFrom::Band)),
            (None, None),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn rates_and_fine_units_are_read_as_decimals() {
        let rate = |num, den| conversion(Rate { num, den });
        assert_eq!(rate(1, 1).as_deref(), Some("1"));
        assert_eq!(rate(1, 150).as_deref(), Some("0.0066666667"));
        assert_eq!(rate(110_010, 100_000).as_deref(), Some("1.1001"));
        assert_eq!(fine(10i128.pow(20) * 5 / 2, 2), "2.50");
        assert_eq!(trimmed(fine(10i128.pow(20) * 100, LOT_DIGITS)), "100");
    }
}
