//! OANDA: v20 values everything at the mid, OANDA One at the side it would close at.

use super::scene::{MONEY, Scene, places, whole};
use super::{money, percent};
use crate::families::trade;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::AccountView;

const HELD: InstrumentId = InstrumentId(1);

/// A position of units at a price, with a share of its value as margin, and the market now.
pub fn hold(
    scene: &mut Scene,
    share: Ratio,
    units: Decimal,
    open: Decimal,
    market: (Decimal, Decimal),
) -> Result<(), Fault> {
    let digits = places(open).max(places(market.0)).max(places(market.1));
    let qty_digits = places(units);
    scene.desk.list(InstrumentTerms {
        mode: CalcMode::Cfd,
        contract_size: 1,
        qty_digits,
        qty_max: Qty(i64::MAX / 4),
        margin_initial: share,
        margin_maintenance: Ratio(0),
        ..InstrumentTerms::of_class(HELD, AssetClass::Index, MONEY, MONEY, digits)
    })?;
    let price = |name, value| whole(name, value, digits);
    let (bid, ask) = (price("bid", market.0)?, price("ask", market.1)?);
    scene.desk.quote(HELD, bid, ask);
    let side = if units < Decimal::ZERO {
        Side::Sell
    } else {
        Side::Buy
    };
    let qty = whole("units", units.abs(), qty_digits)?;
    trade::open(&mut scene.desk, HELD, side, qty, price("open_price", open)?)?;
    Ok(())
}

fn build(group: GroupTerms, inputs: &Inputs<'_>) -> Result<Scene, Fault> {
    let digits = inputs.digits_or("account_digits", 2)?;
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, inputs.decimal("balance")?)?;
    // A page that shows one side of the market values by that one.
    let bid = inputs.decimal_or("bid", inputs.decimal_or("ask", Decimal::ONE)?)?;
    let ask = inputs.decimal_or("ask", bid)?;
    hold(
        &mut scene,
        inputs.percent("margin_rate_pct")?,
        inputs.decimal("units")?,
        inputs.decimal("open_price")?,
        (bid, ask),
    )?;
    scene.begin()?;
    Ok(scene)
}

pub fn v20(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let none = trade::group();
    let group = GroupTerms {
        margin_price: MarginPrice::Mid,
        stop_out_test: LevelTest::OandaCloseout,
        stop_out_policy: StopOutPolicy::CloseAll,
        closing: StopOutTerms {
            at_mid: true,
            ..none.closing
        },
        ..none
    };
    let scene = build(group, inputs)?;
    v20_page(&scene.view()?, scene.digits)
}

fn v20_page(view: &AccountView, digits: u8) -> Result<Value, Fault> {
    let nav = view.balance.0 + view.closeout.unrealised.0;
    let available = nav - view.used.0;
    Ok(json!({
        "margin_used": money(view.used, digits),
        "unrealised_pl": money(view.closeout.unrealised, digits),
        "nav": money(on_the_page("nav", nav, view.closeout.equity)?, digits),
        "margin_available": money(on_the_page("margin_available", available, view.closeout.free)?, digits),
        "close_out_pct": percent(view.closeout.reached, 2),
        "close_out": view.state == MarginState::StopOut,
    }))
}

pub fn one(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let scene = build(trade::group(), inputs)?;
    one_page(&scene.view()?, scene.digits)
}

fn one_page(view: &AccountView, digits: u8) -> Result<Value, Fault> {
    let equity = view.balance.0 + view.unrealised.0;
    let free = equity - view.used.0;
    Ok(json!({
        "margin": money(view.used, digits),
        "unrealised_pl": money(view.unrealised, digits),
        "equity": money(on_the_page("equity", equity, view.equity)?, digits),
        "free_margin": money(on_the_page("free_margin", free, view.free)?, digits),
        "level_pct": percent(view.level, 2),
    }))
}

/// The page rounds the result and goes on with the rounded one, which moves a figure of the machine by a minor unit at
/// most. Further away the machine is wrong, whatever the page's own sum says.
fn on_the_page(field: &str, page: i64, machine: Money) -> Result<Money, Fault> {
    if page.abs_diff(machine.0) > 1 {
        let reason = format!(
            "{field}: the machine has {}, its parts add up to {page}",
            machine.0
        );
        return Err(Fault::Other(reason));
    }
    Ok(Money(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_of_the_machine_that_its_parts_do_not_add_up_to_is_a_fault() {
        let inputs = json!({
            "balance": "1000.00", "units": "1", "open_price": "100.05", "bid": "100.00", "margin_rate_pct": "5",
            "account_digits": 2,
        });
        let scene = build(trade::group(), &Inputs::new(&inputs)).expect("it can be held");
        let (view, digits) = (scene.view().expect("there is an account"), scene.digits);
        assert!(v20_page(&view, digits).is_ok() && one_page(&view, digits).is_ok());
        for by in [-2, 2] {
            let mut wrong = view.clone();
            wrong.closeout.equity.0 += by;
            assert!(v20_page(&wrong, digits).is_err(), "nav");
            let mut wrong = view.clone();
            wrong.closeout.free.0 += by;
            assert!(v20_page(&wrong, digits).is_err(), "margin_available");
            let mut wrong = view.clone();
            wrong.equity.0 += by;
            assert!(one_page(&wrong, digits).is_err(), "equity");
            let mut wrong = view.clone();
            wrong.free.0 += by;
            assert!(one_page(&wrong, digits).is_err(), "free_margin");
        }
    }
}
