//! FXCM: two levels of equity, or the largest loser until the level is above.

use super::ctrader::run;
use super::money;
use super::percent;
use super::scene::{Held, Scene, kept_digits, places};
use crate::desk::ACCOUNT;
use crate::families::trade;
use crate::{Fault, Inputs};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::verdict::Reject;
use siaga_risk::view::{Ask, Query, View};

pub fn tiered(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (equity, margin) = (
        inputs.decimal("equity")?,
        inputs.decimal("maintenance_margin")?,
    );
    let liquidation = inputs.percent("liquidation_pct")?;
    let wanted = (places(equity).max(places(margin)) + places(inputs.decimal("liquidation_pct")?))
        .saturating_add(2);
    let digits = kept_digits(wanted, &[equity, margin]);
    let group = GroupTerms {
        warning: Ratio::ONE,
        restricted: Ratio::ONE,
        stop_out: liquidation,
        stop_out_test: LevelTest::Below,
        stop_out_policy: StopOutPolicy::CloseAll,
        ..trade::group()
    };
    let mut scene = Scene::new(group, digits, Accounting::Hedging)?;
    scene.cash(CashKind::Correction, equity)?;
    scene.hold(&Held::new("held", margin, Decimal::ZERO))?;
    scene.begin()?;
    let view = scene.view()?;
    let status = match view.state {
        MarginState::Healthy => "OK",
        MarginState::Warning | MarginState::Restricted => "MARGIN_WARNING",
        MarginState::StopOut => "LIQUIDATE_ALL",
    };
    Ok(json!({
        "liquidation_margin": money(Money(view.equity.0 - view.to_stop_out.0), digits),
        "status": status,
        "new_positions_allowed": may_open(&scene)?,
    }))
}

/// Whether the account's state lets anything new be opened, whatever it would cost.
fn may_open(scene: &Scene) -> Result<bool, Fault> {
    let held = scene.view()?.positions;
    let instrument = held.first().map(|held| held.position.instrument);
    let instrument = instrument.ok_or_else(|| Fault::Other("no position is open".into()))?;
    let order = NewOrder {
        account: ACCOUNT,
        ..trade::order(instrument, Side::Buy, 1, None)
    };
    let ask = Ask {
        token: 0,
        query: Query::Preview(Box::new(order)),
    };
    match scene.desk.machine.ask(&ask).view {
        View::Preview(preview) => Ok(!preview
            .reasons
            .iter()
            .any(|reason| matches!(reason, Reject::Restricted | Reject::StoppingOut))),
        _ => Err(Fault::Other("no preview".into())),
    }
}

pub fn largest_loser(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let group = GroupTerms {
        stop_out: inputs.percent("level_pct")?,
        stop_out_test: if inputs.flag("first_trigger_inclusive")? {
            LevelTest::AtOrBelow
        } else {
            LevelTest::Below
        },
        ..trade::group()
    };
    let (scene, closed) = run(group, inputs)?;
    let after = scene.view()?;
    Ok(json!({
        "closed": closed,
        "balance": money(after.balance, scene.digits),
        "equity": money(after.equity, scene.digits),
        "margin": money(after.used, scene.digits),
        "level_pct": percent(after.level, 2),
    }))
}
