//! Administering people.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use siaga_platform::identity::{
    COLLEAGUES_MAX, Invitation, PeopleFilter, RoleChange, Standing, StatusChange, TierChange,
    colleagues,
};
use siaga_platform::page::Paging;
use siaga_platform::people::{Area, Role, Sight, Verb, grant};
use siaga_platform::refusal::INVALID;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{Accounts, Arriving, By, Desk, IdempotencyKey};
use super::identity_dto::UserDto;
use crate::gateway::error::{ApiResult, Problem};
use crate::gateway::json::{Json, given};
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

/// Who is to join.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    pub email: String,
    pub name: String,
    pub phone: Option<String>,
    /// See `GET /api/v1/roles`.
    pub role: String,
    pub team_id: Option<Uuid>,
    /// `id` or `en`.
    pub locale: Option<String>,
}

/// Another role.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    pub role: String,
    /// Left out, they stay in their team; null takes them out of it.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Uuid>)]
    pub team_id: Option<Option<Uuid>>,
    /// The revision that was seen.
    pub revision: i64,
}

/// Another state.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// `active` or `suspended`.
    pub status: String,
    pub reason: String,
    /// The revision that was seen.
    pub revision: i64,
}

/// Another tier of rates.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierRequest {
    /// `standard`, `plus` or `bridge`: as the house is configured, 300, 1,200 and 6,000 requests a minute unless it says otherwise.
    pub tier: String,
    /// The revision that was seen.
    pub revision: i64,
}

wire! {
    /// A page of people.
    pub struct UsersDto {
        pub items: Vec<UserDto>,
        /// Give it as `cursor` for the next page.
        pub next: Option<String>,
    }
    /// Somebody who works for the house.
    pub struct ColleagueDto {
        pub id: Uuid,
        pub name: String,
    }
    /// The staff among the keys that were asked for.
    pub struct ColleaguesDto {
        pub items: Vec<ColleagueDto>,
    }
    /// A role and what it may.
    pub struct RoleDto {
        pub name: &'static str,
        pub staff: bool,
        pub grants: Vec<GrantDto>,
    }
    /// What a role may in an area.
    pub struct GrantDto {
        pub area: &'static str,
        pub verb: &'static str,
        /// Which rows: `own`, `team`, `all`.
        pub scope: &'static str,
        /// Personal data are masked.
        pub masked: bool,
    }
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(people, invite))
        .routes(routes!(person))
        .routes(routes!(give_role))
        .routes(routes!(set_status))
        .routes(routes!(set_tier))
        .routes(routes!(unlock))
        .routes(routes!(end_sessions))
        .routes(routes!(roles))
        .routes(routes!(names))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct NamesQuery {
    /// Keys of people with commas between them, 1 to 100.
    ids: String,
}

/// A key and its comma.
const KEY_CHARS: usize = 37;

/// Names of staff by their keys, for whoever sees cases, payments or the audit log; keys of others are left out.
#[utoipa::path(get, path = "/api/v1/colleagues", tag = "people", params(NamesQuery),
    responses((status = 200, body = ColleaguesDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn names(
    Desk(platform): Desk,
    By(by): By,
    Query(query): Query<NamesQuery>,
) -> ApiResult<axum::Json<ColleaguesDto>> {
    let wrong = || {
        INVALID.field(
            "ids",
            format!("give 1 to {COLLEAGUES_MAX} keys with commas between"),
        )
    };
    if query.ids.len() > COLLEAGUES_MAX * KEY_CHARS {
        return Err(wrong().into());
    }
    let ids = query.ids.split(',').map(|id| Uuid::try_parse(id.trim()));
    let ids = ids.collect::<Result<Vec<_>, _>>().map_err(|_| wrong())?;
    let found = colleagues(&platform, &by, ids).await?;
    let items = found.into_iter().map(|colleague| ColleagueDto {
        id: colleague.id,
        name: colleague.name,
    });
    Ok(axum::Json(ColleaguesDto {
        items: items.collect(),
    }))
}

fn role(name: &str) -> ApiResult<Role> {
    Role::parse(name).ok_or_else(|| INVALID.field("role", "GET /api/v1/roles lists them").into())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct PeopleQuery {
    /// A name, an address or a number, misspelled ones too: the best of whom it finds, on one page.
    q: Option<String>,
    /// See `GET /api/v1/roles`.
    role: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    limit: Option<u32>,
}

/// People, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "people", params(PeopleQuery),
    responses((status = 200, body = UsersDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn people(
    Accounts(identity): Accounts,
    By(by): By,
    Query(query): Query<PeopleQuery>,
) -> ApiResult<axum::Json<UsersDto>> {
    let paging = Paging::of(query.cursor.as_deref(), query.limit)?;
    let filter = PeopleFilter {
        typed: query.q,
        role: query.role.as_deref().map(role).transpose()?,
    };
    let found = identity
        .people(&by, filter, paging)
        .await?
        .map(UserDto::from);
    Ok(axum::Json(UsersDto {
        items: found.items,
        next: found.next,
    }))
}

/// Makes a user; a code to set the password is sent.
#[utoipa::path(post, path = "/api/v1/users", tag = "people", params(IdempotencyKey), request_body = InviteRequest,
    responses((status = 201, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn invite(
    Accounts(identity): Accounts,
    By(by): By,
    Arriving(visit): Arriving,
    key: IdempotencyKey,
    Json(request): Json<InviteRequest>,
) -> ApiResult<Response> {
    let once = key.once("POST /api/v1/users", &request)?;
    let invitation = Invitation {
        role: role(&request.role)?,
        email: request.email,
        name: request.name,
        phone: request.phone,
        team: request.team_id,
        locale: request.locale,
    };
    let person = identity.invite(&by, once, invitation, &visit).await?;
    Ok((StatusCode::CREATED, axum::Json(UserDto::from(person))).into_response())
}

/// A person.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "people", params(("id" = Uuid, Path)),
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn person(
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<UserDto>> {
    Ok(axum::Json(identity.person(&by, id).await?.into()))
}

/// Gives a role; the person's sessions end.
#[utoipa::path(post, path = "/api/v1/users/{id}/role", tag = "people", params(("id" = Uuid, Path), IdempotencyKey), request_body = RoleRequest,
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.role"))))]
async fn give_role(
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<RoleRequest>,
) -> ApiResult<axum::Json<UserDto>> {
    let once = key.once("POST /api/v1/users/{id}/role", &(id, &request))?;
    let change = RoleChange {
        role: role(&request.role)?,
        team: request.team_id,
        revision: request.revision,
    };
    Ok(axum::Json(
        identity.give_role(&by, once, id, change).await?.into(),
    ))
}

/// Suspends somebody or brings them back.
#[utoipa::path(post, path = "/api/v1/users/{id}/status", tag = "people", params(("id" = Uuid, Path), IdempotencyKey), request_body = StatusRequest,
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn set_status(
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<StatusRequest>,
) -> ApiResult<axum::Json<UserDto>> {
    let once = key.once("POST /api/v1/users/{id}/status", &(id, &request))?;
    let to = Standing::parse(&request.status)
        .ok_or_else(|| INVALID.field("status", "use active or suspended"))?;
    let change = StatusChange {
        to,
        reason: request.reason,
        revision: request.revision,
    };
    Ok(axum::Json(
        identity.set_standing(&by, once, id, change).await?.into(),
    ))
}

/// Gives somebody, and the API keys they have, another tier of rates.
#[utoipa::path(post, path = "/api/v1/users/{id}/tier", tag = "people", params(("id" = Uuid, Path), IdempotencyKey), request_body = TierRequest,
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn set_tier(
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
    Json(request): Json<TierRequest>,
) -> ApiResult<axum::Json<UserDto>> {
    let once = key.once("POST /api/v1/users/{id}/tier", &(id, &request))?;
    let change = TierChange {
        tier: request.tier,
        revision: request.revision,
    };
    Ok(axum::Json(
        identity.set_tier(&by, once, id, change).await?.into(),
    ))
}

/// Ends the lock of somebody who failed too often.
#[utoipa::path(post, path = "/api/v1/users/{id}/unlock", tag = "people", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn unlock(
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<StatusCode> {
    let once = key.once("POST /api/v1/users/{id}/unlock", &id)?;
    identity.unlock(&by, once, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of somebody.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions", tag = "people", params(("id" = Uuid, Path), IdempotencyKey),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn end_sessions(
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
    key: IdempotencyKey,
) -> ApiResult<StatusCode> {
    let once = key.once("DELETE /api/v1/users/{id}/sessions", &id)?;
    identity.end_sessions_of(&by, once, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The roles and what each may.
#[utoipa::path(get, path = "/api/v1/roles", tag = "people", responses((status = 200, body = Vec<RoleDto>), (status = 401, body = Problem)))]
async fn roles(_by: By) -> axum::Json<Vec<RoleDto>> {
    let of = |role: Role| {
        let cells = Area::ALL.into_iter().flat_map(move |area| {
            Verb::ALL
                .into_iter()
                .filter_map(move |verb| grant(role, area, verb).map(|grant| (area, verb, grant)))
        });
        let grants = cells.map(|(area, verb, grant)| GrantDto {
            area: area.name(),
            verb: verb.name(),
            scope: grant.scope.name(),
            masked: grant.sight == Sight::Masked,
        });
        RoleDto {
            name: role.name(),
            staff: role.is_staff(),
            grants: grants.collect(),
        }
    };
    axum::Json(Role::ALL.into_iter().map(of).collect())
}
