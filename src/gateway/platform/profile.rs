//! Profiles of people (E3.50 to E3.53): one's own, with what one says of oneself, and those of whom one may see.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use siaga_platform::accounts::Own;
use siaga_platform::identity::engagement::Part;
use siaga_platform::identity::{
    Correction, Preferences, PreferencesChange, RiskAppetite, UserProfile, set_preferences,
};
use siaga_risk::ids::AccountId;
use siaga_risk::view::{Query as Ask, View};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{Accounts, Arriving, By, Desk, OfSession};
use super::identity_dto::UserDto;
use crate::gateway::decimal;
use crate::gateway::dto::account::AccountStatus;
use crate::gateway::dto::micros;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::Id;
use crate::gateway::server::App;
use crate::wire;

wire! {
    /// A trading account of a person.
    pub struct ProfileAccountDto {
        pub account: u32,
        /// `live`, or `demo`: it holds play money.
        pub account_type: &'static str,
        /// The broker link that its orders go to; null while the core does not know the account.
        pub broker_connection: Option<String>,
        /// Null while the core does not know the account.
        pub status: Option<AccountStatus>,
    }
    /// What a person says of themselves.
    pub struct UserPreferencesDto {
        /// `low`, `medium` or `high`; null when they do not say.
        pub risk_appetite: Option<&'static str>,
        /// Classes of assets (`forex`, `metal`, `energy`, `index`, `crypto`) and symbols of instruments.
        pub preferred_assets: Vec<String>,
        /// UTC microseconds; null before the first change.
        pub updated_at: Option<u64>,
        /// Give it back with a change; 0 before the first.
        pub revision: i64,
    }
    /// A part of the score.
    pub struct EngagementPartDto {
        /// `sign_in_days`, `last_sign_in`, `orders` or `deposits`.
        pub reason: &'static str,
        /// How many in four weeks; of `last_sign_in` how many days ago, null when there never was one.
        pub count: Option<u32>,
        pub points: u8,
        /// Of at most.
        pub of: u8,
    }
    /// What a person did in the last four weeks. It is counted anew for every answer and kept nowhere.
    pub struct UserActivityDto {
        /// Days with a sign-in in a week.
        pub login_frequency: String,
        /// UTC microseconds.
        pub last_login_at: Option<u64>,
        /// 0 to 100: the sum of the parts. A day with a sign-in gives 2 of at most 40, an order 3 of 30, a confirmed deposit 10 of 20; a last
        /// sign-in within a week 10, within four weeks 5.
        pub engagement_score: u8,
        pub parts: Vec<EngagementPartDto>,
    }
    /// Who a person is, their accounts, what they said of themselves, and what they did.
    pub struct UserProfileDto {
        pub user_id: Uuid,
        /// `verified` when KYC was approved, else `unverified`.
        pub verified_status: &'static str,
        /// `pending`, `active`, `suspended`, `under_review` or `deleted`.
        pub status: &'static str,
        pub tier_level: String,
        pub account_numbers: Vec<u32>,
        pub accounts: Vec<ProfileAccountDto>,
        pub preferences: UserPreferencesDto,
        pub activity: UserActivityDto,
    }
}

/// What a person says of themselves now, all of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreferencesRequest {
    /// `low`, `medium` or `high`; absent takes it back.
    pub risk_appetite: Option<String>,
    /// At most 20 classes of assets and symbols of instruments.
    pub preferred_assets: Vec<String>,
    /// The revision that was seen.
    pub revision: i64,
}

/// What is right of oneself; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionRequest {
    pub name: Option<String>,
    /// With its country; it is to be confirmed anew.
    pub phone: Option<String>,
    /// `id` or `en`.
    pub locale: Option<String>,
    /// The person's revision that was seen.
    pub revision: i64,
}

/// The address that one wants to have, and the password to show who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddressRequest {
    pub email: String,
    pub password: String,
}

/// The code that was sent there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddressCodeRequest {
    pub code: String,
}

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(own_profile, correct_oneself))
        .routes(routes!(ask_new_address))
        .routes(routes!(take_new_address))
        .routes(routes!(set_own_preferences))
        .routes(routes!(profile_of_user))
}

/// One's own profile.
#[utoipa::path(get, path = "/api/v1/profile", tag = "people",
    responses((status = 200, body = UserProfileDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 503, body = Problem)))]
async fn own_profile(
    State(app): State<App>,
    Accounts(identity): Accounts,
    By(by): By,
) -> ApiResult<axum::Json<UserProfileDto>> {
    let user = by.user().ok_or_else(|| ApiError::not_found("the person"))?;
    let profile = identity.profile(&by, user).await?;
    Ok(axum::Json(shown(&app, profile).await))
}

/// Corrects one's own name, number or language. A name that documents show is the documents'; a session of whoever has a second factor
/// is confirmed by it first.
#[utoipa::path(patch, path = "/api/v1/profile", tag = "people", request_body = CorrectionRequest,
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn correct_oneself(
    Accounts(identity): Accounts,
    By(by): By,
    Json(request): Json<CorrectionRequest>,
) -> ApiResult<axum::Json<UserDto>> {
    let correction = Correction {
        name: request.name,
        phone: request.phone,
        locale: request.locale,
        revision: request.revision,
    };
    Ok(axum::Json(identity.correct(&by, correction).await?.into()))
}

/// Sends a code to the address that one wants to have in place of the present one.
#[utoipa::path(post, path = "/api/v1/auth/email", tag = "auth", request_body = NewAddressRequest,
    responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 423, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)))]
async fn ask_new_address(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Arriving(visit): Arriving,
    Json(request): Json<NewAddressRequest>,
) -> ApiResult<StatusCode> {
    identity
        .ask_new_address(&by, &request.email, request.password, &visit)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes the address that the code was sent to; other sessions end, and the old address is told.
#[utoipa::path(post, path = "/api/v1/auth/email/confirm", tag = "auth", request_body = NewAddressCodeRequest,
    responses((status = 200, body = UserDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 423, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)))]
async fn take_new_address(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(session): OfSession,
    Arriving(visit): Arriving,
    Json(request): Json<NewAddressCodeRequest>,
) -> ApiResult<axum::Json<UserDto>> {
    let person = identity
        .take_new_address(&by, session, request.code, &visit)
        .await?;
    Ok(axum::Json(person.into()))
}

/// Sets what one says of oneself, all of it. Saying the same again changes nothing.
#[utoipa::path(put, path = "/api/v1/profile/preferences", tag = "people", request_body = PreferencesRequest,
    responses((status = 200, body = UserPreferencesDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)))]
async fn set_own_preferences(
    State(app): State<App>,
    Desk(platform): Desk,
    By(by): By,
    Json(request): Json<PreferencesRequest>,
) -> ApiResult<axum::Json<UserPreferencesDto>> {
    let risk_appetite = match request.risk_appetite.as_deref() {
        None => None,
        Some(text) => Some(
            RiskAppetite::parse(text)
                .ok_or_else(|| ApiError::field("risk_appetite", "use low, medium or high"))?,
        ),
    };
    let change = PreferencesChange {
        risk_appetite,
        preferred_assets: request.preferred_assets,
        revision: request.revision,
    };
    let names = app.core.directory();
    let change = change.checked(|symbol| names.by_symbol(symbol).is_some())?;
    let held = set_preferences(&platform, &by, change).await?;
    Ok(axum::Json(preferences(held)))
}

/// The profile of a person.
#[utoipa::path(get, path = "/api/v1/users/{id}/profile", tag = "people", params(("id" = Uuid, Path)),
    responses((status = 200, body = UserProfileDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn profile_of_user(
    State(app): State<App>,
    Accounts(identity): Accounts,
    By(by): By,
    Id(id): Id<Uuid>,
) -> ApiResult<axum::Json<UserProfileDto>> {
    let profile = identity.profile(&by, id).await?;
    Ok(axum::Json(shown(&app, profile).await))
}

/// A profile on the wire, with what the core says of each account.
pub async fn shown(app: &App, profile: UserProfile) -> UserProfileDto {
    let mut accounts = Vec::with_capacity(profile.accounts.len());
    for own in &profile.accounts {
        accounts.push(account(app, *own).await);
    }
    let engagement = &profile.engagement;
    let part = |part: &Part| EngagementPartDto {
        reason: part.reason.name(),
        count: part.count,
        points: part.points,
        of: part.of,
    };
    UserProfileDto {
        user_id: profile.user,
        verified_status: match profile.verified {
            true => "verified",
            false => "unverified",
        },
        status: profile.standing.name(),
        tier_level: profile.tier,
        account_numbers: accounts.iter().map(|one| one.account).collect(),
        accounts,
        activity: UserActivityDto {
            login_frequency: decimal::show(engagement.weekly_hundredths(), 2),
            last_login_at: profile.activity.last_sign_in.map(micros),
            engagement_score: engagement.score,
            parts: engagement.parts.iter().map(part).collect(),
        },
        preferences: preferences(profile.preferences),
    }
}

/// An account as the core has it: a profile is told without what the core does not answer.
async fn account(app: &App, own: Own) -> ProfileAccountDto {
    let reply = app.core.ask(Ask::Account(AccountId(own.account))).await;
    let known = match reply.as_ref().map(|reply| &reply.view) {
        Ok(View::Account(found)) => Some((found.terms.link, found.under_review)),
        _ => None,
    };
    ProfileAccountDto {
        account: own.account,
        account_type: if own.demo { "demo" } else { "live" },
        broker_connection: known.map(|(link, _)| app.core.directory().link_name(link)),
        status: known.map(|(_, under_review)| AccountStatus::of(under_review)),
    }
}

fn preferences(held: Preferences) -> UserPreferencesDto {
    UserPreferencesDto {
        risk_appetite: held.risk_appetite.map(RiskAppetite::name),
        preferred_assets: held.preferred_assets,
        updated_at: held.updated.map(micros),
        revision: held.revision,
    }
}
