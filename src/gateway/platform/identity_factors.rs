//! Second factors: confirming a sign-in or a session, setting factors up; signing in with a provider.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use siaga_platform::identity::{
    Client, Contact, Finished, LinkedRow, Method, PasskeyRow, Proof, Returned, SignedIn, session,
};
use siaga_platform::refusal::INVALID;
use siaga_risk::units::SECOND_NS;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::door::{Accounts, Arriving, By, OfSession};
use super::identity_dto::{MfaDto, SignedInDto, set_cookies, signed_in};
use crate::gateway::dto::micros;
use crate::gateway::error::{ApiError, ApiResult, Problem};
use crate::gateway::json::Json;
use crate::gateway::query::{Id, Query};
use crate::gateway::server::App;
use crate::wire;

/// Names a sign-in that waits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    pub challenge: String,
}

/// Which code to send: `email` or `sms`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    pub challenge: String,
    pub method: String,
}

/// A second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    pub challenge: String,
    /// `totp`, `passkey`, `email`, `sms`, `recovery`.
    pub method: String,
    /// Of all methods but `passkey`.
    pub code: Option<String>,
    /// Of `passkey`: what `navigator.credentials.get` gave.
    pub credential: Option<serde_json::Value>,
}

/// A code of the app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    pub code: String,
}

/// Whether a code is asked for at every sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UseContactRequest {
    /// `email` or `phone`.
    pub what: String,
    pub on: bool,
}

/// A passkey that the browser made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyRequest {
    pub ceremony: String,
    pub name: String,
    /// What `navigator.credentials.create` gave.
    pub credential: serde_json::Value,
}

/// What the provider sends its user back with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallbackQuery {
    pub state: Option<String>,
    pub code: Option<String>,
    /// The provider's refusal.
    pub error: Option<String>,
}

wire! {
    /// The secret of an authenticator app; shown once.
    pub struct TotpDto {
        pub secret: String,
        pub uri: String,
        pub qr_svg: String,
    }
    /// Recovery codes; shown once.
    pub struct RecoveryCodesDto {
        pub recovery_codes: Vec<String>,
    }
    /// What the browser needs for a passkey.
    pub struct OptionsDto {
        /// Names the ceremony, when one begins.
        pub ceremony: Option<String>,
        pub options: serde_json::Value,
    }
    /// A passkey.
    pub struct PasskeyDto {
        pub id: Uuid,
        pub name: String,
        pub created_at: u64,
        pub used_at: Option<u64>,
    }
    /// A provider of sign-in.
    pub struct ProviderDto {
        pub name: String,
        pub title: String,
    }
    /// An account at a provider that signs its owner in here.
    pub struct LinkedDto {
        pub id: Uuid,
        /// The provider's name in addresses, and for people.
        pub name: String,
        pub title: String,
        pub created_at: u64,
        pub used_at: Option<u64>,
    }
    /// Where to send the browser.
    pub struct VisitDto {
        pub url: String,
    }
}

/// At which provider an account is linked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitRequest {
    /// Its name in the list of providers.
    pub name: String,
}

impl From<LinkedRow> for LinkedDto {
    fn from(row: LinkedRow) -> Self {
        Self {
            id: row.id,
            name: row.provider,
            title: row.title,
            created_at: micros(row.created_at),
            used_at: row.used_at.map(micros),
        }
    }
}

impl From<PasskeyRow> for PasskeyDto {
    fn from(row: PasskeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            created_at: micros(row.created_at),
            used_at: row.used_at.map(micros),
        }
    }
}

/// What needs nobody to be signed in.
pub fn open_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(send))
        .routes(routes!(passkey_options))
        .routes(routes!(verify))
        .routes(routes!(providers))
        .routes(routes!(begin_provider))
        .routes(routes!(callback))
}

/// What does.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(begin_totp, drop_totp))
        .routes(routes!(confirm_totp))
        .routes(routes!(recovery_codes))
        .routes(routes!(use_contact))
        .routes(routes!(passkeys))
        .routes(routes!(begin_passkey))
        .routes(routes!(finish_passkey))
        .routes(routes!(drop_passkey))
        .routes(routes!(linked, begin_link))
        .routes(routes!(unlink))
}

fn method(name: &str) -> ApiResult<Method> {
    Method::parse(name).ok_or_else(|| {
        INVALID
            .field("method", "use totp, passkey, email, sms or recovery")
            .into()
    })
}

/// Sends a code for a sign-in or a session that waits.
#[utoipa::path(post, path = "/api/v1/auth/mfa/send", tag = "auth", request_body = SendRequest,
    responses((status = 202), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)), security(()))]
async fn send(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    Json(request): Json<SendRequest>,
) -> ApiResult<StatusCode> {
    identity
        .send_confirmation(request.challenge, method(&request.method)?, &visit)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// What the browser needs to confirm with a passkey.
#[utoipa::path(post, path = "/api/v1/auth/mfa/passkey", tag = "auth", request_body = ChallengeRequest,
    responses((status = 200, body = OptionsDto), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)), security(()))]
async fn passkey_options(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    Json(request): Json<ChallengeRequest>,
) -> ApiResult<axum::Json<OptionsDto>> {
    let options = identity.passkey_options(request.challenge, &visit).await?;
    Ok(axum::Json(OptionsDto {
        ceremony: None,
        options,
    }))
}

/// Confirms a sign-in or a session that waits.
#[utoipa::path(post, path = "/api/v1/auth/mfa/verify", tag = "auth", request_body = VerifyRequest,
    responses((status = 200, body = SignedInDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 423, body = Problem), (status = 429, body = Problem)), security(()))]
async fn verify(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    headers: HeaderMap,
    Json(request): Json<VerifyRequest>,
) -> ApiResult<Response> {
    let proof = match (method(&request.method)?, request.code, request.credential) {
        (Method::Passkey, None, Some(credential)) => Proof::passkey(credential)?,
        (Method::Passkey, ..) => {
            return Err(ApiError::field("credential", "give what the browser gave"));
        }
        (method, Some(code), None) => Proof::Code(method, code),
        _ => return Err(ApiError::field("code", "give the code")),
    };
    let done = identity.confirm(request.challenge, proof, &visit).await?;
    signed_in(done, &headers, StatusCode::OK)
}

/// Asks the open session for a second factor.
#[utoipa::path(post, path = "/api/v1/auth/mfa/begin", tag = "auth",
    responses((status = 200, body = MfaDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn begin(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(session): OfSession,
) -> ApiResult<axum::Json<MfaDto>> {
    let waiting = identity.begin_confirmation(&by, session).await?;
    Ok(axum::Json(MfaDto {
        challenge: waiting.challenge,
        methods: waiting.methods.into_iter().map(Method::name).collect(),
        expires_in: session::CHALLENGE_NS / SECOND_NS,
    }))
}

/// A new secret for an authenticator app; it counts when a code of it was given.
#[utoipa::path(post, path = "/api/v1/auth/mfa/totp", tag = "auth",
    responses((status = 201, body = TotpDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn begin_totp(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
) -> ApiResult<Response> {
    let secret = identity.begin_totp(&by).await?;
    let dto = TotpDto {
        secret: secret.secret,
        uri: secret.uri,
        qr_svg: secret.qr_svg,
    };
    Ok((StatusCode::CREATED, axum::Json(dto)).into_response())
}

/// The first code of the app: it counts from now on, and this session is confirmed.
#[utoipa::path(post, path = "/api/v1/auth/mfa/totp/confirm", tag = "auth", request_body = CodeRequest,
    responses((status = 200, body = RecoveryCodesDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn confirm_totp(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(session): OfSession,
    Json(request): Json<CodeRequest>,
) -> ApiResult<axum::Json<RecoveryCodesDto>> {
    let recovery_codes = identity.confirm_totp(&by, session, request.code).await?;
    Ok(axum::Json(RecoveryCodesDto { recovery_codes }))
}

/// Takes the app away.
#[utoipa::path(delete, path = "/api/v1/auth/mfa/totp", tag = "auth",
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn drop_totp(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
) -> ApiResult<StatusCode> {
    identity.drop_totp(&by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// New recovery codes; the old ones end.
#[utoipa::path(post, path = "/api/v1/auth/mfa/recovery-codes", tag = "auth",
    responses((status = 200, body = RecoveryCodesDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn recovery_codes(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
) -> ApiResult<axum::Json<RecoveryCodesDto>> {
    let recovery_codes = identity.renew_recovery_codes(&by).await?;
    Ok(axum::Json(RecoveryCodesDto { recovery_codes }))
}

/// Whether a code is asked for at every sign-in, by a confirmed address or number. Of clients; staff use an app or a passkey.
#[utoipa::path(put, path = "/api/v1/auth/mfa/contacts", tag = "auth", request_body = UseContactRequest,
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn use_contact(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Json(request): Json<UseContactRequest>,
) -> ApiResult<StatusCode> {
    let contact = Contact::parse(&request.what)
        .ok_or_else(|| ApiError::field("what", "use email or phone"))?;
    // Whoever stole a session must not switch the question off.
    if !request.on {
        by.with_mfa()?;
    }
    identity.use_contact(&by, contact, request.on).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The passkeys of oneself.
#[utoipa::path(get, path = "/api/v1/auth/passkeys", tag = "auth", responses((status = 200, body = Vec<PasskeyDto>), (status = 401, body = Problem), (status = 409, body = Problem)))]
async fn passkeys(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
) -> ApiResult<axum::Json<Vec<PasskeyDto>>> {
    let rows = identity.passkeys(&by).await?;
    Ok(axum::Json(rows.into_iter().map(PasskeyDto::from).collect()))
}

/// What the browser needs to make a passkey.
#[utoipa::path(post, path = "/api/v1/auth/passkeys/begin", tag = "auth",
    responses((status = 200, body = OptionsDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem)))]
async fn begin_passkey(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
) -> ApiResult<axum::Json<OptionsDto>> {
    let (ceremony, options) = identity.begin_passkey(&by).await?;
    Ok(axum::Json(OptionsDto {
        ceremony: Some(ceremony),
        options,
    }))
}

/// Keeps the passkey that the browser made; this session is confirmed.
#[utoipa::path(post, path = "/api/v1/auth/passkeys/finish", tag = "auth", request_body = PasskeyRequest,
    responses((status = 201, body = PasskeyDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn finish_passkey(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(session): OfSession,
    Json(request): Json<PasskeyRequest>,
) -> ApiResult<Response> {
    let row = identity
        .finish_passkey(
            &by,
            session,
            request.ceremony,
            request.name,
            request.credential,
        )
        .await?;
    Ok((StatusCode::CREATED, axum::Json(PasskeyDto::from(row))).into_response())
}

/// Takes a passkey away.
#[utoipa::path(delete, path = "/api/v1/auth/passkeys/{id}", tag = "auth", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn drop_passkey(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Id(id): Id<Uuid>,
) -> ApiResult<StatusCode> {
    identity.drop_passkey(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The providers of sign-in.
#[utoipa::path(get, path = "/api/v1/auth/oidc", tag = "auth", responses((status = 200, body = Vec<ProviderDto>), (status = 409, body = Problem)), security(()))]
async fn providers(Accounts(identity): Accounts) -> axum::Json<Vec<ProviderDto>> {
    axum::Json(
        identity
            .providers()
            .into_iter()
            .map(|(name, title)| ProviderDto { name, title })
            .collect(),
    )
}

/// Sends the browser to a provider.
#[utoipa::path(get, path = "/api/v1/auth/oidc/{name}/start", tag = "auth", params(("name" = String, Path)),
    responses((status = 303), (status = 401, body = Problem), (status = 409, body = Problem)), security(()))]
async fn begin_provider(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    Id(name): Id<String>,
) -> ApiResult<Response> {
    let url = identity.begin_provider(&name, &visit).await?;
    let mut response = to(&url)?;
    response
        .headers_mut()
        .append(header::SET_COOKIE, state_cookie("", &url)?);
    Ok(response)
}

/// Whoever comes back must be whom we sent: the state alone could be handed to another browser. `what` = [`LINK`], or nothing for a
/// visit that signs in.
fn state_cookie(what: &str, url: &str) -> ApiResult<HeaderValue> {
    let state = url
        .split('&')
        .find_map(|pair| pair.strip_prefix("state="))
        .unwrap_or_default();
    let line = format!(
        "{STATE_COOKIE}={what}{state}; HttpOnly; Secure; SameSite=Lax; Path=/api/v1/auth/oidc; Max-Age=600"
    );
    HeaderValue::try_from(line)
        .map_err(|_| ApiError::internal("a cookie has characters of no header"))
}

/// The accounts at providers that sign oneself in.
#[utoipa::path(get, path = "/api/v1/auth/providers", tag = "auth",
    responses((status = 200, body = Vec<LinkedDto>), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn linked(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
) -> ApiResult<axum::Json<Vec<LinkedDto>>> {
    let rows = identity.linked(&by).await?;
    Ok(axum::Json(rows.into_iter().map(LinkedDto::from).collect()))
}

/// Begins to link an account at a provider: send the browser to the answer's address. It comes back to `/me#linked`, or to
/// `/me#link-failed=` and the number of what went wrong. Staff are signed in by providers they linked alone.
#[utoipa::path(post, path = "/api/v1/auth/providers", tag = "auth", request_body = VisitRequest,
    responses((status = 200, body = VisitDto), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn begin_link(
    Accounts(identity): Accounts,
    By(by): By,
    OfSession(session): OfSession,
    Arriving(visit): Arriving,
    Json(request): Json<VisitRequest>,
) -> ApiResult<Response> {
    let url = identity
        .begin_link(&by, session, &request.name, &visit)
        .await?;
    let cookie = state_cookie(LINK, &url)?;
    Ok(([(header::SET_COOKIE, cookie)], axum::Json(VisitDto { url })).into_response())
}

/// Takes an account at a provider away: it signs nobody in any more.
#[utoipa::path(delete, path = "/api/v1/auth/providers/{id}", tag = "auth", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn unlink(
    Accounts(identity): Accounts,
    By(by): By,
    _session: OfSession,
    Id(id): Id<Uuid>,
) -> ApiResult<StatusCode> {
    identity.unlink(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Binds a visit to a provider to the browser that began it.
const STATE_COOKIE: &str = "siaga_provider";
/// Stands before the state of a visit that links: who is signed in stays so however it ends.
const LINK: &str = "link.";

/// The visit that a browser began, by its cookie.
struct Began<'h> {
    state: Option<&'h str>,
    links: bool,
}

impl<'h> Began<'h> {
    fn of(headers: &'h HeaderMap) -> Began<'h> {
        let kept = crate::gateway::guard::named_cookie(headers, STATE_COOKIE);
        let linking = kept.and_then(|kept| kept.strip_prefix(LINK));
        Began {
            state: linking.or(kept),
            links: linking.is_some(),
        }
    }

    /// Where the browser goes when the visit fails.
    fn failed(&self, code: u16) -> String {
        match self.links {
            true => format!("/me#link-failed={code}"),
            false => format!("/#sign-in-failed={code}"),
        }
    }
}

/// Where a provider sends its user back to.
#[utoipa::path(get, path = "/api/v1/auth/oidc/{name}/callback", tag = "auth", params(("name" = String, Path), CallbackQuery),
    responses((status = 303), (status = 409, body = Problem), (status = 422, body = Problem)), security(()))]
async fn callback(
    Accounts(identity): Accounts,
    Arriving(visit): Arriving,
    headers: HeaderMap,
    Id(name): Id<String>,
    Query(query): Query<CallbackQuery>,
) -> ApiResult<Response> {
    let began = Began::of(&headers);
    let failed = |code: u16| to(&began.failed(code));
    let (Some(state), Some(code), None) = (query.state, query.code, query.error) else {
        return failed(siaga_platform::identity::faults::PROVIDER.code);
    };
    if began.state != Some(state.as_str()) {
        return failed(siaga_platform::identity::faults::PROVIDER.code);
    }
    let visit = siaga_platform::identity::Visit {
        client: Client::Browser,
        ..visit
    };
    match identity
        .finish_provider(&name, Returned { state, code }, &visit)
        .await
    {
        Ok(Finished::Linked) => to("/me#linked"),
        Ok(Finished::NotLinked(refusal)) => match refusal.fault() {
            Some(fault) => to(&format!("/me#link-failed={}", fault.code)),
            None => Err(refusal.into()),
        },
        Ok(Finished::SignedIn(SignedIn::Open(opened))) => {
            let mut response = to("/#signed-in")?;
            set_cookies(
                &mut response,
                &headers,
                &opened.access,
                Some(&opened.refresh),
            )?;
            Ok(response)
        }
        Ok(Finished::SignedIn(SignedIn::Confirm(waiting))) => {
            let methods: Vec<&str> = waiting.methods.into_iter().map(Method::name).collect();
            to(&format!(
                "/#mfa={}&methods={}",
                waiting.challenge,
                methods.join(",")
            ))
        }
        Err(refusal) => match refusal.fault() {
            Some(fault) => failed(fault.code),
            None => Err(refusal.into()),
        },
    }
}

fn to(url: &str) -> ApiResult<Response> {
    let location = HeaderValue::try_from(url)
        .map_err(|_| ApiError::internal("an address has characters of no header"))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes back of a cookie that was set for a visit.
    fn back(set: &HeaderValue) -> HeaderMap {
        let line = set.to_str().expect("text");
        let pair = line.split(';').next().expect("a pair");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, pair.parse().expect("a header"));
        headers
    }

    #[test]
    fn a_visit_that_links_fails_on_the_page_it_began_on() {
        let url = "https://accounts.example/authorize?client_id=desk&state=abc-1&nonce=n";
        for (what, failed) in [
            (LINK, "/me#link-failed=11109"),
            ("", "/#sign-in-failed=11109"),
        ] {
            let headers = back(&state_cookie(what, url).expect("a cookie"));
            let began = Began::of(&headers);
            assert_eq!(began.state, Some("abc-1"), "{what}");
            assert_eq!(began.failed(11_109), failed);
        }
        let nobody = HeaderMap::new();
        assert_eq!(Began::of(&nobody).state, None);
        assert_eq!(Began::of(&nobody).failed(1), "/#sign-in-failed=1");
    }
}
