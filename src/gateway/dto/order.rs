//! Orders: as they are asked for, as they stand, as they would be.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use siaga_risk::event::{self, NewOrder, OrderChange, Protection};
use siaga_risk::ids::{AccountId, ClientOrderId, PositionId};
use siaga_risk::units::{Price, Qty, div_round};
use siaga_risk::verdict::Reject;
use siaga_risk::view::PreviewView;

use super::margin::{MarginRuleDto, margin_rule};
use super::{from_micros, micros, wire_enum};
use crate::gateway::decimal;
use crate::gateway::directory::{Directory, InstrumentEntry};
use crate::gateway::error::{ApiError, ApiResult, Fault, Reason};
use crate::wire;

wire_enum!(Side = event::Side { Buy, Sell });
wire_enum!(
    OrderKind = event::OrderKind {
        Market,
        Limit,
        Stop,
        StopLimit
    }
);
wire_enum!(
    /// Time in force.
    Tif = event::Tif { Gtc, Day, Ioc, Fok, Gtd }
);
wire_enum!(
    /// Life of an order.
    OrderState = event::OrderState {
        Pending, Submitted, Working, PartlyFilled, Filled, Cancelled, Rejected, Expired, Queued, InDoubt, Returned, Cancelling
    }
);
wire_enum!(
    /// Who or what placed an order.
    Origin = event::Origin { Client, StopLoss, TakeProfit, Trailing, StopOut, KillSwitch, System, Broker }
);

wire! {
    /// An order after its last change.
    pub struct OrderDto {
        pub id: u64,
        pub client_id: Option<String>,
        pub account: u32,
        pub symbol: String,
        pub side: Side,
        pub kind: OrderKind,
        pub tif: Tif,
        pub qty: String,
        pub filled: String,
        /// Executions that could not be booked and that nobody has settled with the broker.
        pub unbooked: u32,
        /// Limit price.
        pub price: Option<String>,
        /// Trigger price.
        pub stop: Option<String>,
        /// Quantity-weighted fill price, rounded half away from zero.
        pub avg_price: Option<String>,
        pub expires: Option<u64>,
        pub position: Option<u64>,
        pub reduce_only: bool,
        pub stop_loss: Option<String>,
        pub take_profit: Option<String>,
        pub trailing: Option<String>,
        pub state: OrderState,
        pub origin: Origin,
        /// Why it was rejected, returned or cancelled.
        pub reason: Option<Reason>,
        pub link: String,
        /// Who traded, for which desk, by which strategy, as the order named them.
        pub trader: Option<u32>,
        pub desk: Option<u32>,
        pub strategy: Option<u32>,
        pub placed: u64,
    }

    /// An order that was taken.
    pub struct PlacedDto {
        pub order: OrderDto,
        /// Sequence of the input.
        pub seq: u64,
        /// The client id was seen before and this is the first answer again.
        pub repeated: bool,
    }

    /// What an order would do.
    pub struct PreviewDto {
        /// Why it would be refused; empty = accepted.
        pub reasons: Vec<Reason>,
        pub price: Option<String>,
        pub margin_order: String,
        pub used_before: String,
        pub used_after: String,
        pub free_after: String,
        pub level_after_pct: Option<String>,
        pub loss_at_stop: Option<String>,
        pub net_after: String,
        pub closes: bool,
        /// Its limit or stop is reached already: it would not wait for its price.
        pub at_once: bool,
        /// The rules behind its margin; absent without a price.
        pub rule: Option<MarginRuleDto>,
    }
}

/// An order as it is asked for.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    pub account: u32,
    pub symbol: String,
    pub side: Side,
    pub kind: OrderKind,
    /// Lots.
    pub qty: String,
    /// Limit price (limit, stop_limit).
    pub price: Option<String>,
    /// Trigger price (stop, stop_limit).
    pub stop: Option<String>,
    pub tif: Option<Tif>,
    /// UTC microseconds (gtd).
    pub expires: Option<u64>,
    /// The position this order closes (hedging).
    pub position: Option<u64>,
    #[serde(default)]
    pub reduce_only: bool,
    /// Furthest a market order may fill from the price seen, as a price distance.
    pub slippage_max: Option<String>,
    pub stop_loss: Option<String>,
    pub take_profit: Option<String>,
    /// Trailing distance as a price distance.
    pub trailing: Option<String>,
    /// Your own id, unique per account for 24 h: a repeated order gets the first answer again.
    pub client_id: Option<String>,
    /// Who trades, by your own number: kill switches and throttles filter on it. Absent = nobody named.
    pub trader: Option<u32>,
    /// For which desk, by your own number.
    pub desk: Option<u32>,
    /// By which strategy, by your own number.
    pub strategy: Option<u32>,
}

/// Protective prices; absent or null takes one away.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProtectionRequest {
    pub account: u32,
    pub stop_loss: Option<String>,
    pub take_profit: Option<String>,
    pub trailing: Option<String>,
}

/// Reads an order into the core's units.
pub fn new_order(
    request: &OrderRequest,
    key: Option<&str>,
    names: &Directory,
) -> ApiResult<NewOrder> {
    let entry = symbol(names, &request.symbol)?;
    let qty = quantity(&request.qty, "qty", entry)?;
    let price = |field: &'static str, text: &Option<String>| price_of(text, field, entry);
    let client_id = key.or(request.client_id.as_deref());
    let client_id = client_id.ok_or_else(|| {
        ApiError::field("client_id", "give your own id or an Idempotency-Key header, so that a repeated request is not a second order")
    })?;
    let tif = request.tif.unwrap_or(match request.kind {
        OrderKind::Market => Tif::Ioc,
        _ => Tif::Gtc,
    });
    let waits = matches!(request.kind, OrderKind::Stop | OrderKind::StopLimit);
    if request.stop.is_some() && !waits {
        let text = "only an order that waits for a price has a trigger: give it the kind stop or stop_limit, or leave it out";
        return Err(ApiError::field("stop", text));
    }
    if request.price.is_some() && request.kind == OrderKind::Stop {
        let text = "a stop order has its trigger in `stop`; one with a limit too is a stop_limit";
        return Err(ApiError::field("price", text));
    }
    Ok(NewOrder {
        account: AccountId(request.account),
        instrument: entry.terms.id,
        side: request.side.into(),
        kind: request.kind.into(),
        tif: tif.into(),
        qty,
        price: price("price", &request.price)?,
        stop: price("stop", &request.stop)?,
        expires: request.expires.map(from_micros),
        position: request.position.map(PositionId),
        reduce_only: request.reduce_only,
        slippage_max: price("slippage_max", &request.slippage_max)?.unwrap_or(Price(0)),
        protection: Protection {
            stop_loss: price("stop_loss", &request.stop_loss)?,
            take_profit: price("take_profit", &request.take_profit)?,
            trailing: price("trailing", &request.trailing)?.unwrap_or(Price(0)),
        },
        client_id: client_order_id(client_id)?,
        trader: request.trader.unwrap_or(0),
        desk: request.desk.unwrap_or(0),
        strategy: request.strategy.unwrap_or(0),
    })
}

/// Reads protective prices.
pub fn protection(request: &ProtectionRequest, entry: &InstrumentEntry) -> ApiResult<Protection> {
    Ok(Protection {
        stop_loss: price_of(&request.stop_loss, "stop_loss", entry)?,
        take_profit: price_of(&request.take_profit, "take_profit", entry)?,
        trailing: price_of(&request.trailing, "trailing", entry)?.unwrap_or(Price(0)),
    })
}

/// The instrument of a symbol, or an error that proposes one.
pub fn symbol<'a>(names: &'a Directory, symbol: &str) -> ApiResult<&'a InstrumentEntry> {
    if let Some(entry) = names.by_symbol(symbol) {
        return Ok(entry);
    }
    let detail = match names.did_you_mean(symbol) {
        Some(near) => format!("did you mean {near}?"),
        None => "GET /api/v1/instruments lists the symbols".to_owned(),
    };
    Err(ApiError {
        field: Some("symbol".to_owned()),
        ..ApiError::new(Fault::UnknownSymbol, detail)
    })
}

/// Reads a quantity in lots.
pub fn quantity(text: &str, field: &'static str, entry: &InstrumentEntry) -> ApiResult<Qty> {
    let digits = entry.terms.qty_digits;
    let qty = decimal::read(text, digits).map_err(|f| ApiError::field(field, f.says(digits)))?;
    Ok(Qty(qty))
}

fn price_of(
    text: &Option<String>,
    field: &'static str,
    entry: &InstrumentEntry,
) -> ApiResult<Option<Price>> {
    let digits = entry.terms.price_digits;
    let Some(text) = text else { return Ok(None) };
    let price = decimal::read(text, digits).map_err(|f| ApiError::field(field, f.says(digits)))?;
    Ok(Some(Price(price)))
}

/// A client's id in 16 bytes: a UUID as its bytes, a short text as it is, a longer one by its digest.
pub fn client_order_id(text: &str) -> ApiResult<ClientOrderId> {
    if text.is_empty()
        || text.len() > CLIENT_ID_CHARS_MAX
        || !text.bytes().all(|b| b.is_ascii_graphic())
    {
        let detail =
            format!("use 1 to {CLIENT_ID_CHARS_MAX} printable ASCII characters without spaces");
        return Err(ApiError::field("client_id", detail));
    }
    if let Some(bytes) = uuid_bytes(text) {
        return Ok(bytes);
    }
    let mut id = [0; 16];
    match text.len() <= id.len() {
        true => id[..text.len()].copy_from_slice(text.as_bytes()),
        false => id.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]),
    }
    Ok(id)
}

/// Long enough for every id scheme we know.
const CLIENT_ID_CHARS_MAX: usize = 64;

fn uuid_bytes(text: &str) -> Option<ClientOrderId> {
    let dashes = [8, 13, 18, 23];
    if text.len() != 36 || !dashes.iter().all(|at| text.as_bytes()[*at] == b'-') {
        return None;
    }
    let hex: String = text.chars().filter(|c| *c != '-').collect();
    if hex.len() != 32 {
        return None;
    }
    u128::from_str_radix(&hex, 16).ok().map(u128::to_be_bytes)
}

/// The text of a client id: as it was sent when it was short, a UUID's hexadecimal otherwise.
pub fn client_id_text(id: &ClientOrderId) -> Option<String> {
    let end = id.iter().rposition(|b| *b != 0)? + 1;
    let text = &id[..end];
    if text.iter().all(u8::is_ascii_graphic) {
        return Some(String::from_utf8_lossy(text).into_owned());
    }
    let hex = format!("{:032x}", u128::from_be_bytes(*id));
    Some(
        [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ]
        .join("-"),
    )
}

/// An order as its client sees it: how the house routes, and who of it named what, is the desk's.
pub fn to_client(order: OrderDto) -> OrderDto {
    OrderDto {
        link: String::new(),
        trader: None,
        desk: None,
        strategy: None,
        ..order
    }
}

pub fn order(change: &OrderChange, names: &Directory) -> OrderDto {
    let order = &change.order;
    let entry = names.instrument(order.instrument);
    let (price_digits, qty_digits) =
        entry.map_or((0, 0), |e| (e.terms.price_digits, e.terms.qty_digits));
    let price = |p: Price| decimal::show(p.0, price_digits);
    OrderDto {
        id: change.id.0,
        client_id: client_id_text(&order.client_id),
        account: order.account.0,
        symbol: entry.map_or_else(|| order.instrument.to_string(), |e| e.symbol.clone()),
        side: order.side.into(),
        kind: order.kind.into(),
        tif: order.tif.into(),
        qty: decimal::show(order.qty.0, qty_digits),
        filled: decimal::show(change.filled.0, qty_digits),
        unbooked: change.unbooked,
        price: order.price.map(price),
        stop: order.stop.map(price),
        avg_price: average_price(change, price_digits),
        expires: order.expires.map(micros),
        position: order.position.map(|p| p.0),
        reduce_only: order.reduce_only,
        stop_loss: order.protection.stop_loss.map(price),
        take_profit: order.protection.take_profit.map(price),
        trailing: (order.protection.trailing.0 > 0).then(|| price(order.protection.trailing)),
        state: change.state.into(),
        origin: change.origin.into(),
        reason: Reject::from_code(change.reason).map(Reason::from),
        link: names.link_name(change.link),
        trader: named(order.trader),
        desk: named(order.desk),
        strategy: named(order.strategy),
        placed: micros(change.placed),
    }
}

fn named(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

fn average_price(change: &OrderChange, digits: u8) -> Option<String> {
    if change.filled.0 <= 0 {
        return None;
    }
    let mut text = String::with_capacity(24);
    decimal::push(
        &mut text,
        div_round(change.value, i128::from(change.filled.0)),
        digits,
    );
    Some(text)
}

pub fn preview(view: &PreviewView, order: &NewOrder, names: &Directory) -> PreviewDto {
    let entry = names.instrument(order.instrument);
    let account = names.account(order.account);
    let money_digits = account.map_or(2, |a| names.money_digits(a.terms.currency));
    let money = |m: siaga_risk::units::Money| decimal::show(m.0, money_digits);
    PreviewDto {
        reasons: view.reasons.iter().map(|r| Reason::from(*r)).collect(),
        price: view
            .price
            .map(|p| decimal::show(p.0, entry.map_or(0, |e| e.terms.price_digits))),
        margin_order: money(view.margin_order),
        used_before: money(view.used_before),
        used_after: money(view.used_after),
        free_after: money(view.free_after),
        level_after_pct: view.level_after.map(decimal::level_pct),
        loss_at_stop: view.loss_at_stop.map(money),
        net_after: decimal::show(view.net_after.0, entry.map_or(0, |e| e.terms.qty_digits)),
        closes: view.closes,
        at_once: view.at_once,
        rule: view
            .rule
            .map(|rule| margin_rule(&rule, order.instrument, names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_keep_what_fits_and_digest_the_rest() {
        let uuid = "0190a6c4-7c1b-7d3a-8f00-0123456789ab";
        for short in ["a", "order-1", "sixteen-letters!"] {
            let id = client_order_id(short).expect("fits");
            assert_eq!(client_id_text(&id).as_deref(), Some(short));
        }
        let id = client_order_id(uuid).expect("a UUID");
        assert_eq!(client_id_text(&id).as_deref(), Some(uuid));
        let long = client_order_id("more-than-sixteen-letters").expect("digested");
        assert_ne!(
            long,
            client_order_id("more-than-sixteen-letterS").expect("digested")
        );
        for bad in ["", "two words", "umlaut-ü", &"x".repeat(65)] {
            assert!(client_order_id(bad).is_err(), "{bad:?}");
        }
        assert_eq!(client_id_text(&[0; 16]), None);
    }
}
