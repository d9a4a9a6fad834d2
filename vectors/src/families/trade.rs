//! Accounts, orders and fills, as several families need them.

use crate::Fault;
use crate::desk::{ACCOUNT, Desk, GROUP, LINK};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;

/// A group that warns of nothing and stops nobody out.
pub fn group() -> GroupTerms {
    GroupTerms {
        id: GROUP,
        preset: Preset::Mt5Default,
        margin_price: MarginPrice::Open,
        leverage: Leverage::ONE,
        warning: Ratio(0),
        restricted: Ratio(0),
        stop_out: Ratio(0),
        stop_out_test: LevelTest::AtOrBelow,
        stop_out_policy: StopOutPolicy::Mt5,
        stop_out_mode: StopOutMode::Observe,
        free_margin: FreeMargin::Both,
        loss_account: Ratio(0),
        loss_position: Ratio(0),
        negative_balance_protection: BalanceProtection::None,
        rate_max: 0,
        rate_window_ns: SECOND_NS,
        duplicate_window_ns: 0,
        call_flow: CallFlow::None,
        throttle: ThrottleTerms::OFF,
        closing: StopOutTerms::PLAIN,
        loss: LossTerms::DEFAULT,
        margin: GroupMargin::NONE,
    }
}

/// Opens the example's account.
///
/// # Errors
/// [`Fault::Refused`].
pub fn account(desk: &mut Desk, currency: CurrencyId, accounting: Accounting) -> Result<(), Fault> {
    desk.must(Body::Account(AccountTerms {
        id: ACCOUNT,
        group: GROUP,
        link: LINK,
        currency,
        accounting,
        leverage: Leverage::NONE,
    }))?;
    Ok(())
}

/// Books money of a kind; nothing when there is none.
///
/// # Errors
/// [`Fault::Refused`].
pub fn cash(desk: &mut Desk, kind: CashKind, amount: i64) -> Result<(), Fault> {
    if amount == 0 {
        return Ok(());
    }
    desk.must(Body::Cash(Cash {
        account: ACCOUNT,
        kind,
        amount: Money(amount),
        reference: 0,
    }))?;
    Ok(())
}

/// An order of the example's account; at the market without a limit price.
pub fn order(instrument: InstrumentId, side: Side, qty: i64, limit: Option<i64>) -> NewOrder {
    NewOrder {
        account: ACCOUNT,
        instrument,
        side,
        kind: limit.map_or(OrderKind::Market, |_| OrderKind::Limit),
        tif: Tif::Gtc,
        qty: Qty(qty),
        price: limit.map(Price),
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
        client_id: ClientOrderId::default(),
        trader: 0,
        desk: 0,
        strategy: 0,
    }
}

/// Places an order.
///
/// # Errors
/// [`Fault::Refused`] with the machine's reasons.
pub fn place(desk: &mut Desk, order: NewOrder) -> Result<OrderId, Fault> {
    let out = desk.must(Body::Order(Box::new(order)))?;
    out.iter()
        .find_map(|output| match output {
            Output::Answer(answer) => answer.order,
            _ => None,
        })
        .ok_or_else(|| Fault::Other("an order was accepted without an id".into()))
}

/// The broker fills an order.
///
/// # Errors
/// [`Fault::Refused`].
pub fn fill(desk: &mut Desk, order: OrderId, qty: i64, price: i64) -> Result<Vec<Output>, Fault> {
    desk.must(Body::Report(BrokerReport {
        link: LINK,
        order,
        exec: ExecId::default(),
        event: BrokerEvent::Filled(Fill {
            qty: Qty(qty),
            price: Price(price),
            commission: Money(0),
        }),
    }))
}

/// Opens a position at a price; its id.
///
/// # Errors
/// [`Fault::Refused`].
pub fn open(
    desk: &mut Desk,
    instrument: InstrumentId,
    side: Side,
    qty: i64,
    price: i64,
) -> Result<PositionId, Fault> {
    let order = place(desk, order(instrument, side, qty, None))?;
    let out = fill(desk, order, qty, price)?;
    out.iter()
        .find_map(|output| match output {
            Output::Position(change) => Some(change.id),
            _ => None,
        })
        .ok_or_else(|| Fault::Other("a fill opened no position".into()))
}
