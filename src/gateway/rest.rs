//! The REST API under `/api/v1`, one module per resource.

pub mod accounts;
pub mod alerts;
pub mod desk;
pub mod indicators;
pub mod limits;
pub mod market;
pub mod measures;
pub mod orders;
pub mod own;
pub mod requirements;
pub mod rules;
pub mod session;
pub mod sockets;
pub mod standing;
pub mod terms;
pub mod ticks;
pub mod turns;
pub mod whatif;

use std::any::Any;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use siaga_risk::event::Body as Command;
use siaga_risk::ids::ActorId;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;

use super::core::Answered;
use super::error::{ApiError, ApiResult, Fault, words};
use super::refusals::Asked;
use super::server::{App, REQUEST_TIME};
use crate::wire;

wire! {
    /// A command that was done.
    pub struct Done {
        /// Sequence of its input.
        pub seq: u64,
        /// False when the disk did not take the note of a command that could not wait for it; absent otherwise.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub note_kept: Option<bool>,
    }
}

impl Done {
    fn of(seq: u64) -> Done {
        Done {
            seq,
            note_kept: None,
        }
    }
}

/// The desk's own under `/api/v1`; what its clients see too is in [`own`], what they do too in [`trading_routes`].
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(measures::routes())
        .merge(ticks::routes())
        .merge(accounts::routes())
        .merge(rules::routes())
        .merge(orders::routes())
        .merge(alerts::routes())
        .merge(desk::routes())
        .merge(limits::routes())
        .merge(requirements::routes())
        .merge(terms::routes())
        .merge(sockets::routes())
        .merge(whatif::routes())
}

/// What clients do on their own accounts, too. Behind [`guard::trader`](super::guard::trader); each asks
/// [`own::trades_as_desk`] before it looks at the account.
pub fn trading_routes() -> OpenApiRouter<App> {
    orders::trading_routes().merge(accounts::step_routes())
}

/// Sends a command; a refusal becomes an error with all its reasons.
pub async fn command(app: &App, actor: ActorId, body: Command) -> ApiResult<Answered> {
    taken(app.core.command(actor, body).await?)
}

/// The answer to a command that was not refused.
pub fn taken(answered: Answered) -> ApiResult<Answered> {
    match answered.answer.reasons.is_empty() {
        true => Ok(answered),
        false => Err(ApiError::refused(answered.answer.reasons)),
    }
}

/// Counts requests and their time, and logs what is refused.
pub async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = app.core.now();
    let asked = Asked::of(&request);
    let response = next.run(request).await;
    let now = app.core.now();
    app.metrics.request_time.record(now.since(began));
    let counter = match response.status().as_u16() {
        400..500 => &app.metrics.requests_refused,
        500.. => &app.metrics.requests_failed,
        _ => &app.metrics.requests_ok,
    };
    counter.add(1);
    if response.status().is_client_error() && !app.refusals.log(&asked, &response, now) {
        app.metrics.refusals_unlogged.add(1);
    }
    response
}

/// Ends a request that takes too long, a slowly sent body included.
pub async fn deadline(request: Request, next: Next) -> Response {
    match timeout(REQUEST_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::new(
            Fault::Timeout,
            "send it again; with the same client id nothing is done twice",
        )
        .into_response(),
    }
}

pub async fn method_not_allowed() -> ApiError {
    ApiError::new(
        Fault::MethodNotAllowed,
        "GET /api/openapi.json lists what there is",
    )
}

/// A bug in a handler: the caller gets an incident, the desk goes on.
pub fn on_panic(panic: Box<dyn Any + Send + 'static>) -> HttpResponse<Body> {
    let said = words(panic.as_ref());
    let response = ApiError::internal(format!("a handler panicked: {said}")).into_response();
    debug_assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    response
}
