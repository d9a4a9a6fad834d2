//! Teams of the house.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use siaga_platform::identity::{NewTeam, Team, TeamChange};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{Accounts, By, IdempotencyKey};
use crate::gateway::error::{ApiResult, Problem};
use crate::gateway::json::{Json, given};
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

/// A team that is to be.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamRequest {
    /// 1 to 120 characters; no other team has it.
    pub name: String,
    /// A sales manager or an administrator.
    pub manager_id: Option<Uuid>,
}

/// What is to be changed of a team: what is left out stays, null leaves it without a manager.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamPatch {
    pub name: Option<String>,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Uuid>)]
    pub manager_id: Option<Option<Uuid>>,
    /// The revision that was seen.
    pub revision: i64,
}

wire! {
    /// A team.
    pub struct TeamDto {
        pub id: Uuid,
        pub name: String,
        /// Who leads it: they reach its leads, and are told of them.
        pub manager_id: Option<Uuid>,
        pub manager_name: Option<String>,
        /// People in it.
        pub members: u32,
        /// Give it back with a change.
        pub revision: i64,
    }
    /// The teams of the house, by name.
    pub struct TeamsDto {
        pub items: Vec<TeamDto>,
    }
}

impl From<Team> for TeamDto {
    fn from(team: Team) -> Self {
        Self {
            id: team.id,
            name: team.name,
            manager_id: team.manager,
            manager_name: team.manager_name,
            members: team.members,
            revision: team.revision,
        }
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_teams, add_team))
        .routes(routes!(patch_team))
}

/// The teams of the house, by name.
#[utoipa::path(get, path = "/api/v1/teams", tag = "people",
    responses((status = 200, body = TeamsDto), (status = 401, body = Problem), (status = 403, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn list_teams(Accounts(identity): Accounts, By(by): By) -> ApiResult<axum::Json<TeamsDto>> {
    let teams = identity.teams(&by).await?;
    Ok(axum::Json(TeamsDto {
        items: teams.into_iter().map(TeamDto::from).collect(),
    }))
}

/// Makes a team; its manager reaches the leads of its people.
#[utoipa::path(post, path = "/api/v1/teams", tag = "people", params(IdempotencyKey), request_body = TeamRequest,
    responses((status = 201, body = TeamDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn add_team(
    Accounts(identity): Accounts,
    By(by): By,
    key: IdempotencyKey,
    Json(request): Json<TeamRequest>,
) -> ApiResult<Response> {
    let once = key.once("POST /api/v1/teams", &request)?;
    let new = NewTeam {
        name: request.name,
        manager: request.manager_id,
    };
    let team = identity.add_team(&by, once, new).await?;
    Ok((StatusCode::CREATED, axum::Json(TeamDto::from(team))).into_response())
}

/// Gives a team another name or manager.
#[utoipa::path(patch, path = "/api/v1/teams/{id}", tag = "people", params(("id" = Uuid, Path), IdempotencyKey), request_body = TeamPatch,
    responses((status = 200, body = TeamDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn patch_team(
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<TeamPatch>,
) -> ApiResult<axum::Json<TeamDto>> {
    let once = key.once("PATCH /api/v1/teams/{id}", &(id, &request))?;
    let change = TeamChange {
        name: request.name,
        manager: request.manager_id,
        revision: request.revision,
    };
    let team = identity.change_team(&by, once, id, change).await?;
    Ok(axum::Json(team.into()))
}
