//! Registering, signing in, refreshing, signing out; sessions and API keys of oneself.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use siaga_platform::identity::{Client, Contact, Registration};
use siaga_platform::refusal::INVALID;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{Accounts, Arriving, By, OfSession};
use super::identity_dto::{UserDto, drop_cookies, refreshed, signed_in};
use crate::gateway::dto::micros;
use crate::gateway::error::{ApiError, ApiResult, Fault, Problem};
use crate::gateway::guard::{REFRESH_COOKIE, named_cookie, shut};
use crate::gateway::json::Json;
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

/// Who wants to be a client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    pub email: String,
    pub password: String,
    pub name: String,
    pub phone: String,
    /// `id` or `en`.
    pub locale: Option<String>,
}

/// Address and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    pub email: String,
    pub password: String,
}

/// A program's refresh token; a browser sends its cookie.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    pub refresh_token: Option<String>,
}

/// The first administrator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstAdministratorRequest {
    /// The secret that the program printed at its first start.
    pub secret: String,
    pub email: String,
    pub password: String,
    pub name: String,
    pub phone: String,
}

/// Whose password was forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotRequest {
    pub email: String,
}

/// A new password by a code that was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    pub email: String,
    pub code: String,
    pub password: String,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    pub current: String,
    pub new: String,
}

/// What a code shall reach: `email` or `phone`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactRequest {
    pub what: String,
}

/// A code that was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactCodeRequest {
    pub what: String,
    pub code: String,
}

/// A new API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    pub name: String,
    /// Names of permissions, none beyond your role.
    pub scopes: Vec<String>,
    /// Life in days: 1 to 365, 90 when absent.
    pub days: Option<u16>,
}

wire! {
    /// Whom a request acts for.
    pub struct MeDto {
        pub user: UserDto,
        /// Null for an API key.
        pub session: Option<Uuid>,
        /// A second factor was given in this session.
        pub mfa: bool,
        /// One has to be set up before anything else.
        pub enrol: bool,
        pub csrf: Option<String>,
        /// `totp`, `passkey`, `recovery`; `email` and `phone` when a code reached them.
        pub factors: Vec<&'static str>,
        /// What the role may, by the names that routes ask for.
        pub permissions: Vec<&'static str>,
    }
    /// An open session.
    pub struct SessionRowDto {
        pub id: Uuid,
        /// The one that asks.
        pub current: bool,
        pub client: String,
        pub created_at: u64,
        pub seen_at: u64,
        pub mfa: bool,
    }
    /// An API key.
    pub struct KeyDto {
        pub id: Uuid,
        pub name: String,
        /// It begins with `sk_` and this.
        pub prefix: String,
        pub scopes: Vec<String>,
        pub tier: String,
        pub created_at: u64,
        pub used_at: Option<u64>,
        pub expires_at: u64,
        /// The key itself; once, when it is made.
        pub key: Option<String>,
    }
}

/// What needs nobody to be signed in.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(first_administrator))
        .routes(routes!(forgot))
        .routes(routes!(reset))
        .routes(routes!(jwks))
}

/// What does.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(logout))
        .routes(routes!(me))
        .routes(routes!(change_password))
        .routes(routes!(send_contact_code))
        .routes(routes!(confirm_contact))
        .routes(routes!(sessions))
        .routes(routes!(end_session))
        .routes(routes!(keys, make_key))
        .routes(routes!(revoke_key))
}

/// Registers a client and signs them in; a code to confirm the address is sent.
#[utoipa::path(post, path = "/api/v1/auth/register", tag = "auth", request_body = RegisterRequest,
    responses((status = 201, body = super::identity_dto::SignedInDto), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)), security(()))]
async fn register(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    headers: HeaderMap,
    Json(request): Json<RegisterRequest>,
) -> ApiResult<Response> {
    let RegisterRequest {
        email,
        password,
        name,
        phone,
        locale,
    } = request;
    let done = identity
        .register(
            Registration {
                email,
                password,
                name,
                phone,
                locale,
            },
            &visit,
        )
        .await?;
    signed_in(done, &headers, StatusCode::CREATED)
}

/// Signs in with address and password.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, body = super::identity_dto::SignedInDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 423, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)), security(()))]
async fn login(
    State(app): State<App>,
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> ApiResult<Response> {
    let done = identity
        .sign_in(&request.email, request.password, &visit)
        .await;
    if done.is_err() {
        app.metrics.sign_in_failures.add(1);
    }
    signed_in(done?, &headers, StatusCode::OK)
}

/// New tokens for a refresh token; a browser sends its cookie and no body.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, body = super::identity_dto::RefreshedDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)), security(()))]
async fn refresh(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    headers: HeaderMap,
    Json(request): Json<RefreshRequest>,
) -> ApiResult<Response> {
    let cookie = named_cookie(&headers, REFRESH_COOKIE).map(str::to_owned);
    let in_cookie = request.refresh_token.is_none();
    let token = request.refresh_token.or(cookie);
    let token = token.ok_or_else(|| {
        ApiError::new(Fault::Unauthenticated, "there is no refresh token; sign in")
    })?;
    let renewed = match identity.refresh(token, &visit).await {
        Ok(renewed) => renewed,
        Err(refusal) => {
            let mut response = ApiError::from(refusal).into_response();
            if in_cookie && response.status() == StatusCode::UNAUTHORIZED {
                drop_cookies(&mut response, &headers)?;
            }
            return Ok(response);
        }
    };
    // Tokens that came in a cookie never leave in a body, whatever the session was opened as.
    if in_cookie && renewed.client == Client::Api {
        return Err(ApiError::new(
            Fault::Unauthenticated,
            "send the refresh token of a program in the body",
        ));
    }
    refreshed(renewed, &headers)
}

/// Gives the owner of the house a name and a password; done again, lets them in anew.
#[utoipa::path(post, path = "/api/v1/auth/first-administrator", tag = "auth", request_body = FirstAdministratorRequest,
    responses((status = 200, body = super::identity_dto::SignedInDto), (status = 401, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)), security(()))]
async fn first_administrator(
    State(app): State<App>,
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    headers: HeaderMap,
    Json(request): Json<FirstAdministratorRequest>,
) -> ApiResult<Response> {
    app.doors
        .bearer(request.secret.trim(), app.core.now())
        .map_err(|why| {
            app.metrics.sign_in_failures.add(1);
            shut(why)
        })?;
    let FirstAdministratorRequest {
        email,
        password,
        name,
        phone,
        ..
    } = request;
    let done = identity
        .first_administrator(
            Registration {
                email,
                password,
                name,
                phone,
                locale: None,
            },
            &visit,
        )
        .await?;
    // What the secret opened ends with what it opens; guests' streams end with their own sessions.
    app.doors.dismiss_secret();
    app.hub.revoke_secret();
    signed_in(done, &headers, StatusCode::OK)
}

/// Sends a code for a new password. The answer does not say whether there is such an address.
#[utoipa::path(post, path = "/api/v1/auth/password/forgot", tag = "auth", request_body = ForgotRequest,
    responses((status = 202), (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)), security(()))]
async fn forgot(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    Json(request): Json<ForgotRequest>,
) -> ApiResult<StatusCode> {
    // Sent beside the answer: how long it takes would say whether there is such an address.
    tokio::spawn(async move {
        if let Err(refusal) = identity.forgot_password(&request.email, &visit).await {
            tracing::info!("no code for a password was sent: {refusal}");
        }
    });
    Ok(StatusCode::ACCEPTED)
}

/// Sets a password by a code that was sent; every session ends.
#[utoipa::path(post, path = "/api/v1/auth/password/reset", tag = "auth", request_body = ResetRequest,
    responses((status = 204), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 423, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)), security(()))]
async fn reset(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    Json(request): Json<ResetRequest>,
) -> ApiResult<StatusCode> {
    identity
        .reset_password(&request.email, request.code, request.password, &visit)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The keys that access tokens are signed with (RFC 7517).
#[utoipa::path(get, path = "/api/v1/auth/jwks.json", tag = "auth",
    responses((status = 200, body = serde_json::Value), (status = 409, body = Problem), (status = 503, body = Problem)), security(()))]
async fn jwks(Accounts(identity): Accounts) -> ApiResult<axum::Json<serde_json::Value>> {
    Ok(axum::Json(identity.jwks().await?))
}

/// Ends the session.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth",
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn logout(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(session): OfSession,
    headers: HeaderMap,
) -> ApiResult<Response> {
    identity.end_session(&by, session).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    drop_cookies(&mut response, &headers)?;
    Ok(response)
}

/// Whom the request acts for; a reloaded page finds its CSRF token again.
#[utoipa::path(get, path = "/api/v1/auth/me", tag = "auth", responses((status = 200, body = MeDto), (status = 401, body = Problem), (status = 409, body = Problem)))]
async fn me(
    Accounts(identity): Accounts,
    By(by): By,
    passed: axum::Extension<crate::gateway::guard::Passed>,
) -> ApiResult<axum::Json<MeDto>> {
    let user = by.user().ok_or_else(|| ApiError::not_found("the person"))?;
    let person = identity.person(&by, user).await?;
    let factors = if by.narrowed.is_none() {
        identity.factor_names(&by).await?
    } else {
        Vec::new()
    };
    let known = &identity.settings().permissions;
    let permissions = known
        .iter()
        .filter(|permission| by.scope(**permission).is_ok())
        .map(|permission| permission.name)
        .collect();
    Ok(axum::Json(MeDto {
        user: person.into(),
        session: passed.session,
        mfa: by.mfa,
        enrol: passed.enrol,
        csrf: passed.session.map(|session| identity.csrf(session)),
        factors,
        permissions,
    }))
}

/// Changes the password; other sessions end.
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "auth", request_body = PasswordRequest,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 423, body = Problem)))]
async fn change_password(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(session): OfSession,
    Arriving(visit): Arriving,
    Json(request): Json<PasswordRequest>,
) -> ApiResult<StatusCode> {
    identity
        .change_password(&by, session, request.current, request.new, &visit)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn contact(what: &str) -> ApiResult<Contact> {
    Contact::parse(what).ok_or_else(|| INVALID.field("what", "use email or phone").into())
}

/// Sends a code to the own address or number.
#[utoipa::path(post, path = "/api/v1/auth/confirm/send", tag = "auth", request_body = ContactRequest,
    responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem), (status = 503, body = Problem)))]
async fn send_contact_code(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Arriving(visit): Arriving,
    Json(request): Json<ContactRequest>,
) -> ApiResult<StatusCode> {
    identity
        .send_contact_code(&by, contact(&request.what)?, &visit)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirms the own address or number by the code that was sent there.
#[utoipa::path(post, path = "/api/v1/auth/confirm", tag = "auth", request_body = ContactCodeRequest,
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 423, body = Problem)))]
async fn confirm_contact(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Arriving(visit): Arriving,
    Json(request): Json<ContactCodeRequest>,
) -> ApiResult<axum::Json<UserDto>> {
    let person = identity
        .confirm_contact(&by, contact(&request.what)?, request.code, &visit)
        .await?;
    Ok(axum::Json(person.into()))
}

/// The open sessions of oneself.
#[utoipa::path(get, path = "/api/v1/auth/sessions", tag = "auth", responses((status = 200, body = Vec<SessionRowDto>), (status = 401, body = Problem), (status = 409, body = Problem)))]
async fn sessions(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(current): OfSession,
) -> ApiResult<axum::Json<Vec<SessionRowDto>>> {
    let rows = identity.sessions(&by).await?;
    let dto = rows.into_iter().map(|row| SessionRowDto {
        id: row.id,
        current: row.id == current,
        client: row.client,
        created_at: micros(row.created_at),
        seen_at: micros(row.seen_at),
        mfa: row.mfa,
    });
    Ok(axum::Json(dto.collect()))
}

/// Ends a session.
#[utoipa::path(delete, path = "/api/v1/auth/sessions/{id}", tag = "auth", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn end_session(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Id(id): Id<Uuid>,
) -> ApiResult<StatusCode> {
    identity.end_session(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn key_dto(row: siaga_platform::identity::ApiKey, key: Option<String>) -> KeyDto {
    KeyDto {
        id: row.id,
        name: row.name,
        prefix: row.prefix,
        scopes: row.scopes,
        tier: row.tier,
        created_at: micros(row.created_at),
        used_at: row.used_at.map(micros),
        expires_at: micros(row.expires_at),
        key,
    }
}

/// The API keys of oneself.
#[utoipa::path(get, path = "/api/v1/auth/keys", tag = "auth", responses((status = 200, body = Vec<KeyDto>), (status = 401, body = Problem), (status = 409, body = Problem)))]
async fn keys(Accounts(identity): Accounts, By(by): By) -> ApiResult<axum::Json<Vec<KeyDto>>> {
    let rows = identity.api_keys(&by).await?;
    Ok(axum::Json(
        rows.into_iter().map(|row| key_dto(row, None)).collect(),
    ))
}

/// Makes an API key; the key itself is shown once.
#[utoipa::path(post, path = "/api/v1/auth/keys", tag = "auth", request_body = KeyRequest,
    responses((status = 201, body = KeyDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn make_key(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Json(request): Json<KeyRequest>,
) -> ApiResult<Response> {
    let made = identity
        .make_key(&by, request.name, request.scopes, request.days)
        .await?;
    let dto = key_dto(made.row, Some(made.text));
    Ok((StatusCode::CREATED, axum::Json(dto)).into_response())
}

/// Revokes an API key.
#[utoipa::path(delete, path = "/api/v1/auth/keys/{id}", tag = "auth", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn revoke_key(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Id(id): Id<Uuid>,
) -> ApiResult<StatusCode> {
    identity.revoke_key(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
