//! Signing in and out.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use siaga_platform::identity::faults::SECRET_SPENT;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::auth::{COOKIE, SESSION_IDLE_NS};
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::{authorise, cookie, is_unattended, shut};
use crate::gateway::json::Json;
use crate::gateway::server::App;
use crate::wire;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The secret that the program printed at its first start.
    pub secret: String,
}

wire! {
    /// A session of this browser.
    pub struct SessionDto {
        /// Send it as `X-CSRF-Token` with every write.
        pub csrf: String,
        pub actor: u32,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sign_in, current, sign_out))
}

/// Opens a session for whoever knows the secret.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = SessionDto, description = "The cookie is set."), (status = 401, body = Problem), (status = 429, body = Problem)),
    security(()))]
async fn sign_in(State(app): State<App>, Json(request): Json<SignIn>) -> ApiResult<Response> {
    if let Some(identity) = app.identity()
        && identity.is_claimed().await
    {
        let refusal =
            SECRET_SPENT.because("an administrator was made: sign in with address and password");
        return Err(refusal.into());
    }
    let opened = app
        .doors
        .sign_in(request.secret.trim(), app.core.now())
        .map_err(|why| {
            app.metrics.sign_in_failures.add(1);
            shut(why)
        })?;
    let age = SESSION_IDLE_NS / 1_000_000_000;
    let cookie = format!(
        "{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}",
        opened.cookie
    );
    let actor = crate::gateway::auth::ADMINISTRATOR.0;
    let body = axum::Json(SessionDto {
        csrf: opened.csrf,
        actor,
    });
    Ok(([(header::SET_COOKIE, cookie)], body).into_response())
}

/// The session of the cookie: a reloaded page finds its CSRF token again.
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, body = SessionDto), (status = 401, body = Problem)))]
async fn current(State(app): State<App>, headers: HeaderMap) -> ApiResult<axum::Json<SessionDto>> {
    let unattended = is_unattended(&headers);
    let session =
        cookie(&headers).and_then(|cookie| app.doors.session(cookie, unattended, app.core.now()));
    let (actor, csrf) = session
        .ok_or_else(|| ApiError::new(Fault::Unauthenticated, "there is no session; sign in"))?;
    Ok(axum::Json(SessionDto {
        csrf,
        actor: actor.0,
    }))
}

/// Ends the session and its streams.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session",
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn sign_out(State(app): State<App>, headers: HeaderMap) -> ApiResult<Response> {
    authorise(&app.doors, &headers, false, app.core.now())?;
    if let Some(cookie) = cookie(&headers) {
        let session = app.doors.sign_out(cookie);
        app.hub.revoke(session);
    }
    let gone = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}
