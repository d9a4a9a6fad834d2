//! How much may be in progress in a column of the board.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use siaga_platform::crm::limits;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::door::{By, Desk, IdempotencyKey};
use crate::gateway::error::{ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::server::App;

/// What needs a caller.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put_limits))
}

/// Most open leads of columns of the board; a column that is not named has no limit.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoardLimits {
    pub limits: BTreeMap<String, u32>,
}

/// Sets how many open leads of a column are too many; a hint of the board, no move is refused for it.
#[utoipa::path(put, path = "/api/v1/crm/limits", tag = "crm", params(IdempotencyKey), request_body = BoardLimits,
    responses((status = 200, body = BoardLimits), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)), extensions(("x-permission" = json!("crm.configure"))))]
async fn put_limits(
    Desk(platform): Desk,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<BoardLimits>,
) -> ApiResult<axum::Json<BoardLimits>> {
    let once = key.once("PUT /api/v1/crm/limits", &request)?;
    let wanted = limits::parse(&request.limits)?;
    let limits = limits::named(&wanted);
    limits::set(&platform, &by, once, wanted).await?;
    Ok(axum::Json(BoardLimits { limits }))
}
