//! What if: scenarios tried on a copy of the desk.

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::dto::whatif::{
    NamedList, WhatIfDto, WhatIfRequest, answer, fault, named_list, read,
};
use crate::gateway::error::{ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::server::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(what_if))
        .routes(routes!(scenarios))
}

/// Who would be called, restricted or stopped out, in which order, and what it would cost. One question at a time.
#[utoipa::path(post, path = "/api/v1/whatif", tag = "desk", request_body = WhatIfRequest,
    responses((status = 200, body = WhatIfDto), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn what_if(
    State(app): State<App>,
    Json(request): Json<WhatIfRequest>,
) -> ApiResult<axum::Json<WhatIfDto>> {
    let names = app.core.directory();
    let read = read(&request, &names)?;
    let imagined = app.core.what_if(read.scenario.clone()).await?;
    let outcome = imagined.map_err(|wrong| fault(wrong, &names))?;
    Ok(axum::Json(answer(&outcome, &read, &names)))
}

/// The days that the program knows.
#[utoipa::path(get, path = "/api/v1/whatif/scenarios", tag = "desk",
    responses((status = 200, body = NamedList), (status = 401, body = Problem)))]
async fn scenarios() -> axum::Json<NamedList> {
    axum::Json(named_list())
}
