//! Identity on the wire, and the cookies of a browser.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use siaga_platform::identity::token::ACCESS_S;
use siaga_platform::identity::{Client, Opened, Person, Renewed, SignedIn, session};
use siaga_risk::units::SECOND_NS;
use uuid::Uuid;

use crate::gateway::error::{ApiError, ApiResult};
use crate::gateway::guard::{ACCESS_COOKIE, REFRESH_COOKIE};
use crate::wire;

wire! {
    /// A person.
    pub struct UserDto {
        pub id: Uuid,
        pub email: Option<String>,
        pub name: Option<String>,
        pub phone: Option<String>,
        pub role: &'static str,
        /// Works for the house.
        pub staff: bool,
        /// `pending`, `active`, `suspended`, `under_review` or `deleted`.
        pub status: &'static str,
        /// KYC was approved.
        pub verified: bool,
        pub tier: String,
        pub locale: String,
        pub org_id: Uuid,
        pub team_id: Option<Uuid>,
        /// The person's number at the desk.
        pub actor: u32,
        /// Give it back with a change.
        pub revision: i64,
    }
    /// Tokens of a program.
    pub struct TokensDto {
        pub jwt_token: String,
        /// Absent where a session was only confirmed: the old one goes on.
        pub refresh_token: Option<String>,
        pub token_type: &'static str,
        /// Seconds that the access token lives.
        pub expires_in: u64,
    }
    /// A second factor is asked for: go on with `/api/v1/auth/mfa/verify`.
    pub struct MfaDto {
        pub challenge: String,
        /// `totp`, `passkey`, `email`, `sms`, `recovery`.
        pub methods: Vec<&'static str>,
        /// Seconds.
        pub expires_in: u64,
    }
    /// What a sign-in brought. Tokens are null for a browser, whose cookies are set.
    pub struct SignedInDto {
        pub user: Option<UserDto>,
        pub tokens: Option<TokensDto>,
        pub jwt_token: Option<String>,
        pub refresh_token: Option<String>,
        /// Send it as `X-CSRF-Token` with every write of a browser.
        pub csrf: Option<String>,
        pub mfa: Option<MfaDto>,
        /// The role needs a second factor and there is none: only `/api/v1/auth/` answers until one is set up.
        pub enrol: bool,
    }
    /// New tokens. They are null for a browser, whose cookies are set.
    pub struct RefreshedDto {
        pub new_access_token: Option<String>,
        pub refresh_token: Option<String>,
        pub csrf: Option<String>,
        /// Seconds that the access token lives.
        pub expires_in: u64,
    }
}

impl From<Person> for UserDto {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            email: person.email,
            name: person.name,
            phone: person.phone,
            role: person.role.name(),
            staff: person.role.is_staff(),
            status: person.standing.name(),
            verified: person.verified,
            tier: person.tier,
            locale: person.locale,
            org_id: person.org,
            team_id: person.team,
            actor: person.actor.0,
            revision: person.revision,
        }
    }
}

/// The answer to a sign-in.
pub fn signed_in(
    signed_in: SignedIn,
    headers: &HeaderMap,
    status: StatusCode,
) -> ApiResult<Response> {
    match signed_in {
        SignedIn::Confirm(waiting) => {
            let mfa = MfaDto {
                challenge: waiting.challenge,
                methods: waiting
                    .methods
                    .into_iter()
                    .map(|method| method.name())
                    .collect(),
                expires_in: session::CHALLENGE_NS / SECOND_NS,
            };
            let dto = SignedInDto {
                user: None,
                tokens: None,
                jwt_token: None,
                refresh_token: None,
                csrf: None,
                mfa: Some(mfa),
                enrol: false,
            };
            Ok((StatusCode::OK, axum::Json(dto)).into_response())
        }
        SignedIn::Open(opened) => opened_answer(*opened, headers, status),
    }
}

fn opened_answer(opened: Opened, headers: &HeaderMap, status: StatusCode) -> ApiResult<Response> {
    let Opened {
        person,
        access,
        refresh,
        csrf,
        enrol,
        client,
        ..
    } = opened;
    let refresh = (!refresh.is_empty()).then_some(refresh);
    let mut dto = SignedInDto {
        user: Some(person.into()),
        tokens: None,
        jwt_token: None,
        refresh_token: None,
        csrf: None,
        mfa: None,
        enrol,
    };
    match client {
        Client::Api => {
            dto.tokens = Some(TokensDto {
                jwt_token: access.clone(),
                refresh_token: refresh.clone(),
                token_type: "Bearer",
                expires_in: ACCESS_S,
            });
            dto.jwt_token = Some(access);
            dto.refresh_token = refresh;
            Ok((status, axum::Json(dto)).into_response())
        }
        Client::Browser => {
            dto.csrf = Some(csrf);
            let mut response = (status, axum::Json(dto)).into_response();
            set_cookies(&mut response, headers, &access, refresh.as_deref())?;
            Ok(response)
        }
    }
}

/// The answer to a refresh.
pub fn refreshed(renewed: Renewed, headers: &HeaderMap) -> ApiResult<Response> {
    let mut dto = RefreshedDto {
        new_access_token: None,
        refresh_token: None,
        csrf: None,
        expires_in: ACCESS_S,
    };
    match renewed.client {
        Client::Api => {
            dto.new_access_token = Some(renewed.access);
            dto.refresh_token = Some(renewed.refresh);
            Ok(axum::Json(dto).into_response())
        }
        Client::Browser => {
            dto.csrf = Some(renewed.csrf);
            let mut response = axum::Json(dto).into_response();
            set_cookies(
                &mut response,
                headers,
                &renewed.access,
                Some(&renewed.refresh),
            )?;
            Ok(response)
        }
    }
}

/// Sets the cookies of a session.
pub fn set_cookies(
    response: &mut Response,
    headers: &HeaderMap,
    access: &str,
    refresh: Option<&str>,
) -> ApiResult<()> {
    let refresh_s = session::REFRESH_NS / SECOND_NS;
    // The access cookie outlives its token, so that a page that comes late is told to refresh.
    add_cookie(response, headers, ACCESS_COOKIE, access, "/", refresh_s)?;
    match refresh {
        Some(refresh) => add_cookie(
            response,
            headers,
            REFRESH_COOKIE,
            refresh,
            "/api/v1/auth",
            refresh_s,
        ),
        None => Ok(()),
    }
}

/// Takes the cookies of a session away.
pub fn drop_cookies(response: &mut Response, headers: &HeaderMap) -> ApiResult<()> {
    add_cookie(response, headers, ACCESS_COOKIE, "", "/", 0)?;
    add_cookie(response, headers, REFRESH_COOKIE, "", "/api/v1/auth", 0)
}

fn add_cookie(
    response: &mut Response,
    headers: &HeaderMap,
    name: &str,
    value: &str,
    path: &str,
    age_s: u64,
) -> ApiResult<()> {
    let secure = if is_loopback(headers) { "" } else { "; Secure" };
    let line =
        format!("{name}={value}; HttpOnly; SameSite=Strict; Path={path}; Max-Age={age_s}{secure}");
    let line = HeaderValue::try_from(line)
        .map_err(|_| ApiError::internal("a cookie has characters of no header"))?;
    response.headers_mut().append(header::SET_COOKIE, line);
    Ok(())
}

/// Opened on this machine without TLS: a Secure cookie would not come back from every browser.
fn is_loopback(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(host: &'static str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        let mut response = StatusCode::OK.into_response();
        set_cookies(&mut response, &headers, "a.b.c", Some("r")).expect("cookies");
        let lines = response.headers().get_all(header::SET_COOKIE).iter();
        lines
            .map(|line| line.to_str().expect("ASCII").to_owned())
            .collect()
    }

    #[test]
    fn scripts_see_no_token_and_it_goes_over_tls_but_on_this_machine() {
        for line in cookies("desk.example") {
            assert!(
                line.contains("; HttpOnly")
                    && line.contains("; SameSite=Strict")
                    && line.ends_with("; Secure"),
                "{line}"
            );
        }
        assert!(
            cookies("127.0.0.1:7700")
                .iter()
                .all(|line| line.contains("; HttpOnly") && !line.contains("Secure"))
        );
        assert!(
            cookies("desk.example:443")[1]
                .starts_with("siaga_refresh=r; HttpOnly; SameSite=Strict; Path=/api/v1/auth;")
        );
    }
}
