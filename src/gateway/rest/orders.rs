//! Orders and positions.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use siaga_platform::people::Principal;
use siaga_platform::refusal::FORBIDDEN;
use siaga_risk::event::{
    Body, Cancel, NewOrder, OrderChange, OrderState, Origin, Protect, Protection, Reconciled,
};
use siaga_risk::ids::{AccountId, ActorId, LinkId, OrderId, PositionId};
use siaga_risk::units::{Price, Qty};
use siaga_risk::verdict::Reject;
use siaga_risk::view::{AccountView, PositionView, Query as Ask, View};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{done, note};
use super::own::{may_see, trades_as_desk};
use super::{Done, command};
use crate::gateway::directory::Directory;
use crate::gateway::dto::order::*;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::guard::{Caller, sees_all};
use crate::gateway::json::Json;
use crate::gateway::platform::door::By;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

/// Orders of one answer.
const ORDERS_MAX: usize = 1_000;
/// What is not found: it never was, it is somebody else's, or it has ended.
const ORDER_GONE: &str = "the order (it may have ended already)";
const POSITION_GONE: &str = "the position (it may be closed already)";
/// How long an accepted order may take to show up in the durable stream before the answer goes out without it.
const SHOWS_UP: Duration = Duration::from_millis(500);

wire! {
    pub struct OrderList {
        /// Newest first.
        pub items: Vec<OrderDto>,
        /// Give it as `cursor` for the next page; absent at the end.
        pub next: Option<u64>,
        /// Where the `order` channel stood before the list was read: subscribe `from` here and nothing is missed.
        pub stream: StreamPosition,
    }
    /// A position of a durable channel.
    pub struct StreamPosition { pub epoch: u64, pub seq: u64 }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reconciled))
}

/// Orders and positions as clients work on their own, too: a part of [`super::trading_routes`].
pub fn trading_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(place))
        .routes(routes!(preview_order))
        .routes(routes!(cancel))
        .routes(routes!(close))
        .routes(routes!(protect))
}

/// What clients see of their own accounts, too.
pub fn own_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Where the durable channels stand.
pub fn position(app: &App) -> StreamPosition {
    StreamPosition {
        epoch: app.core.status().epoch,
        seq: app.core.events().tip(),
    }
}

/// Places an order: the desk on any account, a client on their own. The answer comes when the order is durable; a repeated one gets the
/// first answer again.
#[utoipa::path(post, path = "/api/v1/orders", tag = "orders", request_body = OrderRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Taken instead of client_id")),
    responses((status = 201, body = PlacedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem, description = "Refused, with all reasons and what lifts each"), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn place(
    State(app): State<App>,
    By(by): By,
    headers: HeaderMap,
    Json(request): Json<OrderRequest>,
) -> ApiResult<Response> {
    let by_desk = may_order(&app, &by, &request).await?;
    let order = new_order(&request, key(&headers)?, &app.core.directory())?;
    let body = send(&app, by.actor, by_desk, order).await?;
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// Whether the desk orders; a client does so on their own account, with nothing that is the desk's to say.
async fn may_order(app: &App, by: &Principal, request: &OrderRequest) -> ApiResult<bool> {
    let by_desk = trades_as_desk(app, by, request.account).await?;
    may_name(by_desk, request.trader, request.desk, request.strategy)?;
    Ok(by_desk)
}

/// Who trades, for which desk and by which strategy is the desk's to say: switches and throttles filter on it, and an order of a desk
/// passes a client's own margin call.
fn may_name(
    by_desk: bool,
    trader: Option<u32>,
    desk: Option<u32>,
    strategy: Option<u32>,
) -> ApiResult<()> {
    let named = [("trader", trader), ("desk", desk), ("strategy", strategy)];
    let named = named.into_iter().find(|(_, number)| number.is_some());
    match named {
        Some((field, _)) if !by_desk => Err(ApiError::field(
            field,
            "leave it out: the desk alone names it",
        )),
        _ => Ok(()),
    }
}

/// What the core does not know is not there for a client, as the row of somebody else.
pub(super) fn as_told(by_desk: bool, error: ApiError) -> ApiError {
    let unknown = match error.reasons.as_slice() {
        [Reject::UnknownAccount] => Some("the account"),
        [Reject::UnknownOrder] => Some(ORDER_GONE),
        [Reject::UnknownPosition] => Some(POSITION_GONE),
        _ => None,
    };
    match unknown {
        Some(what) if !by_desk => ApiError::not_found(what),
        _ => error,
    }
}

async fn send(app: &App, actor: ActorId, by_desk: bool, order: NewOrder) -> ApiResult<PlacedDto> {
    let tip = app.core.events().tips();
    let answered = command(app, actor, Body::Order(Box::new(order))).await;
    let answered = answered.map_err(|error| as_told(by_desk, error))?;
    let id = answered.answer.order.unwrap_or(OrderId(answered.seq));
    let change = find(app, id, order.account, tip).await;
    let change = change.unwrap_or_else(|| unseen(id, &order, app));
    Ok(PlacedDto {
        order: shown(&change, &app.core.directory(), by_desk),
        seq: answered.seq,
        repeated: answered.answer.repeated,
    })
}

/// An order as its reader sees it.
fn shown(change: &OrderChange, names: &Directory, by_desk: bool) -> OrderDto {
    match by_desk {
        true => order(change, names),
        false => to_client(order(change, names)),
    }
}

/// The newest state of an order that was just taken.
async fn find(
    app: &App,
    id: OrderId,
    account: AccountId,
    mut tips: tokio::sync::watch::Receiver<u64>,
) -> Option<OrderChange> {
    if let Ok(reply) = app.core.ask(Ask::Account(account)).await
        && let View::Account(view) = reply.view
        && let Some(open) = view.orders.iter().find(|o| o.id == id)
    {
        return Some(*open);
    }
    // It is final already: its last change is on its way through the durable stream.
    let shows_up = async {
        loop {
            if let Some(change) = app.core.events().order(id) {
                return Some(change);
            }
            if tips.changed().await.is_err() {
                return None;
            }
        }
    };
    timeout(SHOWS_UP, shows_up).await.ok().flatten()
}

/// An order that the core took and that no view shows any more; its last state follows on the `order` channel.
fn unseen(id: OrderId, order: &NewOrder, app: &App) -> OrderChange {
    let link = app
        .core
        .directory()
        .account(order.account)
        .map_or(LinkId(0), |a| a.terms.link);
    OrderChange {
        id,
        state: OrderState::Submitted,
        origin: Origin::Client,
        link,
        filled: Qty(0),
        value: 0,
        reason: 0,
        unbooked: 0,
        seen: Price(0),
        placed: app.core.now(),
        order: *order,
    }
}

/// What an order would do, by the same check that it meets when it is sent: the desk asks of any account, a client of their own.
#[utoipa::path(post, path = "/api/v1/orders/preview", tag = "orders", request_body = OrderRequest,
    responses((status = 200, body = PreviewDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn preview_order(
    State(app): State<App>,
    By(by): By,
    Json(request): Json<OrderRequest>,
) -> ApiResult<axum::Json<PreviewDto>> {
    may_order(&app, &by, &request).await?;
    let names = app.core.directory();
    // A preview needs no id of its own; this one is never remembered.
    let order = new_order(&request, Some("preview"), &names)?;
    match app.core.ask(Ask::Preview(Box::new(order))).await?.view {
        View::Preview(view) => Ok(axum::Json(preview(&view, &order, &names))),
        _ => Err(ApiError::not_found("the account")),
    }
}

#[derive(Clone, Copy, Deserialize, ToSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum OrderFilter {
    Open,
    All,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrdersQuery {
    pub account: u32,
    #[param(inline)]
    pub state: Option<OrderFilter>,
    /// `next` of the page before.
    pub cursor: Option<u64>,
    /// At most 1,000; 200 when absent.
    pub limit: Option<usize>,
}

/// Orders of an account, newest first: the desk of any, a client of their own.
#[utoipa::path(get, path = "/api/v1/orders", tag = "orders", params(OrdersQuery),
    responses((status = 200, body = OrderList), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "An order stands in the database as this version does not know it"), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn list(
    State(app): State<App>,
    By(by): By,
    Query(query): Query<OrdersQuery>,
) -> ApiResult<axum::Json<OrderList>> {
    let limit = query.limit.unwrap_or(200);
    if limit == 0 || limit > ORDERS_MAX {
        return Err(ApiError::field("limit", format!("use 1 to {ORDERS_MAX}")));
    }
    may_see(&app, &by, query.account).await?;
    let stream = position(&app);
    let mut found = match query.state.unwrap_or(OrderFilter::Open) {
        OrderFilter::Open => account_view(&app, query.account).await?.orders,
        OrderFilter::All => {
            app.core
                .orders(AccountId(query.account), query.cursor, limit)
                .await?
        }
    };
    found.retain(|o| query.cursor.is_none_or(|cursor| o.id.0 < cursor));
    found.sort_unstable_by_key(|o| std::cmp::Reverse(o.id));
    found.truncate(limit);
    let next = (found.len() == limit)
        .then(|| found.last().map(|o| o.id.0))
        .flatten();
    let names = app.core.directory();
    let by_desk = sees_all(&by)?;
    let items = found.iter().map(|o| shown(o, &names, by_desk)).collect();
    Ok(axum::Json(OrderList {
        items,
        next,
        stream,
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    pub account: u32,
}

/// Cancels what is left of an order: the desk of any, a client of one on their own account, unless it names a trader, a desk or a strategy
/// or a rule placed it. Orders do not say who sent them: what the desk is to keep from its client, it sends with one of the three.
#[utoipa::path(delete, path = "/api/v1/orders/{id}", tag = "orders", params(("id" = u64, Path), AccountQuery),
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn cancel(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u64>,
    Query(query): Query<AccountQuery>,
) -> ApiResult<axum::Json<Done>> {
    let by_desk = trades_as_desk(&app, &by, query.account).await?;
    if !by_desk {
        let view = account_view(&app, query.account).await?;
        let open = view.orders.iter().find(|open| open.id == OrderId(id));
        may_take_back(open.map(|open| (open.origin, is_of_desk(&open.order))))?;
    }
    let body = Body::Cancel(Cancel {
        account: AccountId(query.account),
        order: OrderId(id),
    });
    let answered = command(&app, by.actor, body).await;
    let answered = answered.map_err(|error| as_told(by_desk, error))?;
    Ok(axum::Json(Done::of(answered.seq)))
}

/// Whether an order names somebody of the desk, which a client never does. One that the desk sent without a name is as the client's own: an
/// order keeps no sender, and a number put in for "the house" would pass the client's margin call and count in a desk's limits.
fn is_of_desk(order: &NewOrder) -> bool {
    (order.trader, order.desk, order.strategy) != (0, 0, 0)
}

/// Passes for an open order that its client may have placed, by what placed it and whether it names the desk. What a stop-out, a switch
/// or a protective price closes goes on.
fn may_take_back(open: Option<(Origin, bool)>) -> ApiResult<()> {
    match open {
        Some((Origin::Client, false)) => Ok(()),
        Some(_) => Err(FORBIDDEN
            .because("it names the desk, or a rule of the account placed it: call the desk")
            .into()),
        None => Err(ApiError::not_found(ORDER_GONE)),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconciledRequest {
    /// How many executions were settled: `unbooked` of the order as it was seen. Refused when it has others by now.
    pub executions: u32,
    /// What was found, and how it was settled.
    pub note: String,
}

/// Ends the doubt about executions of an order that could not be booked; the caller is the named person.
#[utoipa::path(post, path = "/api/v1/orders/{id}/reconciled", tag = "orders", params(("id" = u64, Path)), request_body = ReconciledRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn reconciled(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Id(id): Id<u64>,
    Json(request): Json<ReconciledRequest>,
) -> ApiResult<axum::Json<Done>> {
    let set = Reconciled {
        order: OrderId(id),
        executions: request.executions,
        note: note(&app, actor, &request.note).await?,
    };
    done(&app, actor, Body::Reconciled(set)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    pub account: u32,
    /// Absent = all that no closing order covers.
    pub qty: Option<String>,
    pub client_id: Option<String>,
    /// Who trades, by your own number: kill switches and throttles filter on it. Absent = nobody named.
    pub trader: Option<u32>,
    /// For which desk, by your own number.
    pub desk: Option<u32>,
    /// By which strategy, by your own number.
    pub strategy: Option<u32>,
}

/// Closes a position, whole or in part, at the market: the desk any, a client their own.
#[utoipa::path(post, path = "/api/v1/positions/{id}/close", tag = "orders",
    params(("id" = u64, Path), ("Idempotency-Key" = Option<String>, Header, description = "Taken instead of client_id")), request_body = CloseRequest,
    responses((status = 201, body = PlacedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn close(
    State(app): State<App>,
    By(by): By,
    headers: HeaderMap,
    Id(id): Id<u64>,
    Json(request): Json<CloseRequest>,
) -> ApiResult<Response> {
    let by_desk = trades_as_desk(&app, &by, request.account).await?;
    may_name(by_desk, request.trader, request.desk, request.strategy)?;
    let names = app.core.directory();
    let client_id = key(&headers)?.or(request.client_id.as_deref());
    let client_id = client_id.ok_or_else(|| {
        ApiError::field("client_id", "give your own id or an Idempotency-Key header")
    })?;
    let (view, held) = position_view(&app, request.account, id).await?;
    let entry = names.instrument(held.position.instrument);
    let entry = entry.ok_or_else(|| ApiError::not_found("the instrument"))?;
    let qty = match &request.qty {
        Some(text) => quantity(text, "qty", entry)?,
        None => Qty(held.position.qty.0 - held.covered.0),
    };
    let hedging = view.terms.accounting == siaga_risk::terms::Accounting::Hedging;
    let order = NewOrder {
        account: AccountId(request.account),
        instrument: held.position.instrument,
        side: match held.position.side {
            siaga_risk::event::Side::Buy => siaga_risk::event::Side::Sell,
            siaga_risk::event::Side::Sell => siaga_risk::event::Side::Buy,
        },
        kind: siaga_risk::event::OrderKind::Market,
        tif: siaga_risk::event::Tif::Ioc,
        qty,
        price: None,
        stop: None,
        expires: None,
        position: hedging.then_some(PositionId(id)),
        reduce_only: true,
        slippage_max: Price(0),
        protection: Protection {
            stop_loss: None,
            take_profit: None,
            trailing: Price(0),
        },
        client_id: client_order_id(client_id)?,
        trader: request.trader.unwrap_or(0),
        desk: request.desk.unwrap_or(0),
        strategy: request.strategy.unwrap_or(0),
    };
    let body = send(&app, by.actor, by_desk, order).await?;
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// Sets the protective prices of a position, the desk of any, a client of their own; what is absent is taken away.
#[utoipa::path(put, path = "/api/v1/positions/{id}/protection", tag = "orders", params(("id" = u64, Path)), request_body = ProtectionRequest,
    responses((status = 200, body = Done), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("desk.write"))))]
async fn protect(
    State(app): State<App>,
    By(by): By,
    Id(id): Id<u64>,
    Json(request): Json<ProtectionRequest>,
) -> ApiResult<axum::Json<Done>> {
    let by_desk = trades_as_desk(&app, &by, request.account).await?;
    let names = app.core.directory();
    let (_, held) = position_view(&app, request.account, id).await?;
    let entry = names.instrument(held.position.instrument);
    let entry = entry.ok_or_else(|| ApiError::not_found("the instrument"))?;
    let protect = Protect {
        account: AccountId(request.account),
        position: PositionId(id),
        protection: protection(&request, entry)?,
    };
    let answered = command(&app, by.actor, Body::Protect(protect)).await;
    let answered = answered.map_err(|error| as_told(by_desk, error))?;
    Ok(axum::Json(Done::of(answered.seq)))
}

pub(super) async fn account_view(app: &App, account: u32) -> ApiResult<Box<AccountView>> {
    match app.core.ask(Ask::Account(AccountId(account))).await?.view {
        View::Account(view) => Ok(view),
        _ => Err(ApiError::not_found("the account")),
    }
}

async fn position_view(
    app: &App,
    account: u32,
    id: u64,
) -> ApiResult<(Box<AccountView>, PositionView)> {
    let view = account_view(app, account).await?;
    let held = view
        .positions
        .iter()
        .find(|p| p.position.id == PositionId(id))
        .cloned();
    let held = held.ok_or_else(|| ApiError::not_found(POSITION_GONE))?;
    Ok((view, held))
}

fn key(headers: &HeaderMap) -> ApiResult<Option<&str>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| ApiError::field("Idempotency-Key", "use printable ASCII characters"))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::error::Fault;

    #[test]
    fn a_client_says_nothing_that_is_the_desks_to_say() {
        for (trader, desk, strategy, field) in [
            (Some(1), None, None, "trader"),
            (None, Some(1), None, "desk"),
            (None, None, Some(1), "strategy"),
            (None, Some(0), None, "desk"),
        ] {
            let refused = may_name(false, trader, desk, strategy).map_err(|error| error.field);
            assert_eq!(refused, Err(Some(field.to_owned())));
            assert!(may_name(true, trader, desk, strategy).is_ok(), "{field}");
        }
        assert!(may_name(false, None, None, None).is_ok());
    }

    #[test]
    fn what_is_unknown_is_not_found_by_a_client_and_refused_to_the_desk() {
        for reason in [
            Reject::UnknownAccount,
            Reject::UnknownOrder,
            Reject::UnknownPosition,
        ] {
            let told = |by_desk| as_told(by_desk, ApiError::refused(vec![reason])).fault;
            assert_eq!((told(false), told(true)), (Fault::NotFound, Fault::Refused));
        }
        let full = ApiError::refused(vec![Reject::OrderRate]);
        assert_eq!(as_told(false, full).fault, Fault::Refused);
    }

    #[test]
    fn a_client_takes_back_what_was_ordered_and_nothing_that_closes_by_a_rule() {
        let status = |open| may_take_back(open).map_err(|error| error.problem().status);
        assert_eq!(status(Some((Origin::Client, false))), Ok(()));
        assert_eq!(status(Some((Origin::Client, true))), Err(403));
        for origin in [
            Origin::StopLoss,
            Origin::Trailing,
            Origin::StopOut,
            Origin::KillSwitch,
            Origin::System,
            Origin::Broker,
        ] {
            assert_eq!(status(Some((origin, false))), Err(403), "{origin:?}");
        }
        assert_eq!(status(None), Err(404));
    }
}
