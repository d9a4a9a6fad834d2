//! Is it alive, is it ready, what does it count.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::query::Query;
use super::server::App;
use crate::wire;

wire! {
    /// Whether traffic may come.
    pub struct Ready {
        pub ready: bool,
        /// Only with `verbose`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub parts: Option<Vec<PartDto>>,
    }
    /// One part of the desk.
    pub struct PartDto {
        pub name: &'static str,
        pub ok: bool,
        /// A part that is not required does not make the desk unready.
        pub required: bool,
        pub detail: String,
    }
}

/// Open to everybody.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alive))
}

/// For callers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = String)), security(()))]
async fn alive() -> &'static str {
    "ok\n"
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadyQuery {
    /// Lists every part.
    pub verbose: Option<String>,
}

/// Every required part is well.
#[utoipa::path(get, path = "/readyz", tag = "health", params(ReadyQuery), responses((status = 200, body = Ready), (status = 503, body = Ready)))]
async fn ready(State(app): State<App>, Query(query): Query<ReadyQuery>) -> Response {
    let parts = app.core.readiness();
    let ready = parts.iter().all(|part| part.ok || !part.required);
    let listed = parts.into_iter().map(|p| PartDto {
        name: p.name,
        ok: p.ok,
        required: p.required,
        detail: p.detail,
    });
    let parts = query.verbose.map(|_| listed.collect());
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(Ready { ready, parts })).into_response()
}

/// Counters and latencies in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(app): State<App>) -> Response {
    let mut text = String::with_capacity(16 * 1024);
    app.metrics.write(&mut text, app.hub.connected());
    app.core.metrics(&mut text);
    super::rest::measures::write_scores(&app.core, &mut text).await;
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}
