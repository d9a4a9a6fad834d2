//! Maintenance that is announced to everybody who is connected, and to who connects while it is ahead or running.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use siaga_platform::maintenance::{self, Maintenance};
use siaga_platform::refusal::Refusal;
use siaga_platform::unit::Platform;
use tokio::time::sleep;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::door::{By, Desk, IdempotencyKey};
use crate::gateway::dto::maintenance::MaintenanceDto;
use crate::gateway::error::{ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::server::{App, stopped};
use crate::wire;

/// How often it is looked what is announced: as late is heard what another program on the same database announced.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked whether the database is open: who connects behind a start is told soon.
const OPEN_EVERY: Duration = Duration::from_millis(500);

/// A maintenance that is to be announced.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceRequest {
    /// UTC microseconds, at most 90 days ahead.
    pub starts_at: u64,
    /// Behind the beginning, by at most seven days.
    pub ends_at: u64,
    /// One line of at most 280 characters, shown as it is written.
    pub message: Option<String>,
}

wire! {
    /// What is announced.
    pub struct AnnouncedDto {
        /// Null when nothing is ahead or running.
        pub maintenance: Option<MaintenanceDto>,
    }
}

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(
        get_maintenance,
        put_maintenance,
        delete_maintenance
    ))
}

/// The maintenance that is ahead or running.
#[utoipa::path(get, path = "/api/v1/maintenance", tag = "desk",
    responses((status = 200, body = AnnouncedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 503, body = Problem)))]
async fn get_maintenance(Desk(platform): Desk, By(by): By) -> ApiResult<axum::Json<AnnouncedDto>> {
    by.in_person()?;
    let known = maintenance::current(&platform).await?;
    Ok(axum::Json(AnnouncedDto {
        maintenance: known.map(MaintenanceDto::from),
    }))
}

/// Announces a maintenance in place of what was announced before: everybody on the stream is told, and who connects before it is over.
#[utoipa::path(put, path = "/api/v1/maintenance", tag = "desk", params(IdempotencyKey), request_body = MaintenanceRequest,
    responses((status = 200, body = MaintenanceDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("maintenance.announce"))))]
async fn put_maintenance(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<MaintenanceRequest>,
) -> ApiResult<axum::Json<MaintenanceDto>> {
    let once = key.once("PUT /api/v1/maintenance", &request)?;
    let wanted = Maintenance {
        starts_at: request.starts_at,
        ends_at: request.ends_at,
        message: request.message,
    };
    let kept = maintenance::announce(&platform, &by, once, wanted).await?;
    tell_now(&app, &platform).await;
    Ok(axum::Json(kept.into()))
}

/// Withdraws what was announced: who was told of it is told that there is none.
#[utoipa::path(delete, path = "/api/v1/maintenance", tag = "desk", params(IdempotencyKey),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("maintenance.announce"))))]
async fn delete_maintenance(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
) -> ApiResult<StatusCode> {
    let once = key.once("DELETE /api/v1/maintenance", &())?;
    maintenance::withdraw(&platform, &by, once).await?;
    tell_now(&app, &platform).await;
    Ok(StatusCode::NO_CONTENT)
}

/// It is written: where it cannot be told at once, the next look tells it.
async fn tell_now(app: &App, platform: &Platform) {
    if let Err(error) = tell(app, platform).await {
        tracing::warn!("a maintenance is told within seconds, and not at once: {error}");
    }
}

/// Tells the streams what is announced. It is read and not taken from a request: one that came twice names an old one.
async fn tell(app: &App, platform: &Platform) -> Result<(), Refusal> {
    // From reading to telling: otherwise the older of two readings could be told last.
    let _turn = app.telling.lock().await;
    let known = maintenance::current(platform).await?;
    app.hub
        .announce_maintenance(known.map(MaintenanceDto::from));
    Ok(())
}

/// Looks what is announced from when the database is open, until the stop.
pub async fn look_after(app: App) {
    let (mut stop, mut well) = (app.stop.clone(), true);
    loop {
        let wait = match app.core.platform() {
            None => OPEN_EVERY,
            Some(platform) => {
                // Not as work that waits for its turn: whoever announces something waits for the same lock.
                let told = tell(&app, &platform).await;
                // Said once: the next looks try again by themselves.
                if let Err(error) = &told
                    && well
                {
                    tracing::warn!("what is announced is looked up later: {error}");
                }
                well = told.is_ok();
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(wait) => {}
        }
    }
}
