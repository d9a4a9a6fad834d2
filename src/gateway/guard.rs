//! Who may pass: Host and Origin on everything, a token on all but the open addresses, headers on every answer.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use siaga_platform::identity::faults::{ENROL_FIRST, SECRET_SPENT};
use siaga_platform::identity::permissions::{DESK_READ, DESK_WRITE};
use siaga_platform::identity::{Client, limit};
use siaga_platform::ids::HOUSE;
use siaga_platform::people::{Permission, Principal, Scope};
use siaga_platform::refusal::FORBIDDEN;
use siaga_risk::ids::ActorId;
use siaga_risk::units::Ts;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::auth::{COOKIE, Doors, Shut};
use super::error::{ApiError, Fault};
use super::refusals::Asker;
use super::server::App;

/// Who sent a request, put beside it by [`caller`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub ActorId);

/// The connection's other end, put beside every request by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// The client's address: the peer, or whom trusted proxies name. Put beside every request by [`arrivals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

/// How a request was let in.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Whom it acts for.
    pub principal: Principal,
    /// The session of identity; none for an API key and for the first-start secret.
    pub session: Option<Uuid>,
    /// The API key; none for a session and for the first-start secret.
    pub key: Option<Uuid>,
    /// A second factor has to be set up before anything else.
    pub enrol: bool,
    /// By the first-start secret, or a session of it.
    pub by_secret: bool,
}

/// The cookie of an access token.
pub const ACCESS_COOKIE: &str = "siaga_access";
/// The cookie of a refresh token.
pub const REFRESH_COOKIE: &str = "siaga_refresh";
/// Who has no second factor yet reaches this and nothing else.
const ENROL_PATHS: &str = "/api/v1/auth/";
/// Tickets of the stream: whoever may follow anything gets one, for that alone.
const TICKETS_PATH: &str = "/api/v1/ws-tickets";
/// Questions that are asked by POST.
const ASKED_BY_POST: [&str; 1] = ["/api/v1/whatif"];
/// Where people sign in: guessed at, so asked seldom.
const SIGN_IN_PATHS: [&str; 7] = [
    "/api/v1/session",
    "/api/v1/auth/login",
    "/api/v1/auth/register",
    "/api/v1/auth/mfa/verify",
    "/api/v1/auth/password/forgot",
    "/api/v1/auth/password/reset",
    "/api/v1/auth/first-administrator",
];
/// Only what fails here counts as an attempt to sign in: a desk of ten behind one address refreshes often.
const REFRESH_PATH: &str = "/api/v1/auth/refresh";
/// Where files come: see the platform's routes.
const UPLOAD_PATHS: [&str; 1] = ["/api/v1/kyc/upload"];

/// Names this server answers to: `127.0.0.1:7700`, `localhost:7700`, and what the configuration adds.
#[derive(Clone, Debug)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// What the bound address can be called, and `more` (a public name with its port).
    pub fn of(bound: SocketAddr, more: &[String]) -> Hosts {
        let port = bound.port();
        let mut names = Vec::new();
        if bound.ip().is_loopback() || bound.ip().is_unspecified() {
            names.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
        }
        if !bound.ip().is_unspecified() {
            names.push(match bound {
                SocketAddr::V4(v4) => v4.ip().to_string(),
                SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
            });
        }
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            hosts.extend(names);
        }
        hosts.extend(more.iter().map(|name| name.to_ascii_lowercase()));
        Hosts(hosts)
    }

    fn allows(&self, host: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// `scheme://host[:port]` of one of our names.
    fn allows_origin(&self, origin: &str) -> bool {
        let host = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        host.is_some_and(|host| self.allows(host))
    }
}

/// Refuses what was meant for another server or sent by another site, also on loopback: a page of the web can reach both.
pub async fn addresses(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    // HTTP/1.1 may carry the host in the request line instead.
    let host = text(headers, header::HOST).or(request.uri().authority().map(|a| a.as_str()));
    if !host.is_some_and(|host| app.hosts.allows(host)) {
        app.metrics.foreign_host.add(1);
        return ApiError::new(
            Fault::ForeignHost,
            "open the address that the program printed",
        )
        .into_response();
    }
    let origins = headers.get_all(header::ORIGIN);
    for origin in origins {
        if !origin
            .to_str()
            .is_ok_and(|origin| app.hosts.allows_origin(origin))
        {
            app.metrics.foreign_origin.add(1);
            return ApiError::new(Fault::ForeignOrigin, "use the console of this server")
                .into_response();
        }
    }
    next.run(request).await
}

/// Finds the client's address and counts its requests, where people have accounts.
pub async fn arrivals(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let Some(identity) = app.identity() else {
        return next.run(request).await;
    };
    if let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() {
        let forwarded: Vec<&str> = request
            .headers()
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|line| line.to_str().ok())
            .collect();
        let ip = limit::client(peer.ip(), &forwarded, &identity.settings().trusted_proxies);
        let path = request.uri().path();
        if path.starts_with("/api/") {
            let sign_in = request.method() == Method::POST && SIGN_IN_PATHS.contains(&path);
            let upload = request.method() == Method::POST && UPLOAD_PATHS.contains(&path);
            let mut counted = identity.count_address(ip, sign_in, upload);
            if counted.is_ok() {
                counted = identity.count_address_of_all(ip, sign_in, upload).await;
            }
            if let Err(refusal) = counted {
                return ApiError::from(refusal).into_response();
            }
        }
        let refreshes = path == REFRESH_PATH;
        request.extensions_mut().insert(ClientIp(ip));
        let response = next.run(request).await;
        if refreshes && response.status() == StatusCode::UNAUTHORIZED {
            identity.count_failure(ip).await;
        }
        return response;
    }
    next.run(request).await
}

/// Lets those pass who carry an access token, an API key or, until there is an administrator, the secret; writes
/// with a cookie need its CSRF token.
pub async fn caller(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let ip = request.extensions().get::<ClientIp>().map(|ip| ip.0);
    let headers = request.headers().clone();
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map(|path| format!("{} {}", request.method(), path.as_str()));
    match resolve(&app, &headers, ip, safe, route.as_deref()).await {
        Ok(passed) => {
            let asker = passed.key.or(passed.principal.user()).map(Asker);
            let mut response = if passed.enrol && !request.uri().path().starts_with(ENROL_PATHS) {
                let refusal = ENROL_FIRST
                    .because("your role needs one: POST /api/v1/auth/mfa/totp, or a passkey");
                ApiError::from(refusal).into_response()
            } else {
                request
                    .extensions_mut()
                    .insert(Caller(passed.principal.actor));
                request.extensions_mut().insert(passed.principal.clone());
                request.extensions_mut().insert(passed);
                next.run(request).await
            };
            if let Some(asker) = asker {
                response.extensions_mut().insert(asker);
            }
            response
        }
        Err(error) => {
            if error.fault == Fault::WrongSecret {
                app.metrics.sign_in_failures.add(1);
            }
            error.into_response()
        }
    }
}

/// The desk itself is for those who may see all of it; a client's own accounts are behind [`client`] and [`trader`].
pub async fn desk(request: Request, next: Next) -> Response {
    let Some(principal) = request.extensions().get::<Principal>() else {
        return ApiError::new(Fault::Unauthenticated, "sign in first").into_response();
    };
    if request.uri().path() == TICKETS_PATH {
        return next.run(request).await;
    }
    let asks = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) || ASKED_BY_POST.contains(&request.uri().path());
    match may_at_desk(principal, asks) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// What clients see too: whoever may see trading at all. Handlers ask whose account it is.
pub async fn client(request: Request, next: Next) -> Response {
    passed_by(sees_all, request, next).await
}

/// What clients do too: whoever may trade at all. Handlers ask whose account it is.
pub async fn trader(request: Request, next: Next) -> Response {
    passed_by(trades_all, request, next).await
}

async fn passed_by(
    reaches: fn(&Principal) -> Result<bool, ApiError>,
    request: Request,
    next: Next,
) -> Response {
    let Some(principal) = request.extensions().get::<Principal>() else {
        return ApiError::new(Fault::Unauthenticated, "sign in first").into_response();
    };
    match reaches(principal) {
        Ok(_) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Whether somebody sees everybody's accounts: the desk does, a client sees their own.
///
/// # Errors
/// They see no account at all.
pub fn sees_all(principal: &Principal) -> Result<bool, ApiError> {
    reaches_all(principal, true)
}

/// Whether somebody trades on everybody's accounts: the desk does, a client on their own.
///
/// # Errors
/// They trade on no account at all: their role does not, or their API key was made for less.
pub fn trades_all(principal: &Principal) -> Result<bool, ApiError> {
    reaches_all(principal, false)
}

fn reaches_all(principal: &Principal, asks: bool) -> Result<bool, ApiError> {
    match principal.scope(at_desk(asks))? {
        (Scope::All, _) => may_at_desk(principal, asks).map(|()| true),
        (Scope::Own, _) => Ok(false),
        (Scope::Team | Scope::None, _) => Err(FORBIDDEN
            .because("accounts are not part of your role")
            .into()),
    }
}

/// What reading and working at the desk ask for.
fn at_desk(asks: bool) -> Permission {
    if asks { DESK_READ } else { DESK_WRITE }
}

fn may_at_desk(principal: &Principal, asks: bool) -> Result<(), ApiError> {
    // Accounts and orders carry no organisation: they are the house's, whatever somebody may in another one.
    if principal.org != HOUSE {
        return Err(FORBIDDEN
            .because("this is the desk of another house")
            .into());
    }
    match principal.scope(at_desk(asks))? {
        (Scope::All, _) => Ok(()),
        _ => Err(FORBIDDEN
            .because("this is the desk's; your own accounts are at /api/v1/trading/accounts")
            .into()),
    }
}

/// Who a request belongs to, whatever it carries; it counts at its route.
pub async fn resolve(
    app: &App,
    headers: &HeaderMap,
    ip: Option<IpAddr>,
    safe: bool,
    route: Option<&str>,
) -> Result<Passed, ApiError> {
    let request_id = request_id(headers);
    let identity = app.identity();
    if let Some(identity) = &identity {
        let carried = headers.contains_key(header::AUTHORIZATION);
        let bearer = text(headers, header::AUTHORIZATION)
            .and_then(bearer)
            .filter(|token| is_identitys(token));
        let cookie = named_cookie(headers, ACCESS_COOKIE).filter(|_| !carried);
        if let Some(credential) = bearer.or(cookie) {
            let unattended = is_unattended(headers);
            let seen = identity
                .who_at(credential, ip, request_id, route, unattended)
                .await?;
            // A token of a browser is worth nothing in a header: whoever could read it there would be past HttpOnly.
            if bearer.is_some() && seen.client == Client::Browser {
                return Err(ApiError::new(
                    Fault::Unauthenticated,
                    "sign in with X-Client: api for a token in a header",
                ));
            }
            if let (None, false, Some(session)) = (bearer, safe, seen.session) {
                same_csrf(headers, &identity.csrf(session))?;
            }
            return Ok(Passed {
                principal: seen.principal,
                session: seen.session,
                key: seen.key,
                enrol: seen.enrol,
                by_secret: false,
            });
        }
    }
    let actor = authorise(&app.doors, headers, safe, app.core.now())?;
    if let Some(identity) = &identity
        && identity.is_claimed().await
    {
        return Err(SECRET_SPENT
            .because("an administrator was made: sign in with address and password")
            .into());
    }
    // Whoever knows the first-start secret acts as the owner of the house.
    let principal = Principal {
        actor,
        ip,
        request: request_id,
        ..Principal::owner()
    };
    Ok(Passed {
        principal,
        session: None,
        key: None,
        enrol: false,
        by_secret: true,
    })
}

/// The sender's own name of a request (`X-Request-Id`): up to 64 letters, digits and hyphens, or none.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    text(headers, HeaderName::from_static("x-request-id"))
        .filter(|id| id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        .map(str::to_owned)
}

/// Whether a page asks by itself, at which nobody has done anything for a while (`X-Unattended: 1`).
pub fn is_unattended(headers: &HeaderMap) -> bool {
    text(headers, HeaderName::from_static("x-unattended")) == Some("1")
}

/// What stands behind `Bearer`.
fn bearer(value: &str) -> Option<&str> {
    value
        .strip_prefix("Bearer ")
        .or_else(|| value.strip_prefix("bearer "))
        .map(str::trim)
}

/// An API key or a signed token; the secret is neither.
fn is_identitys(token: &str) -> bool {
    token.starts_with("sk_") || token.bytes().filter(|byte| *byte == b'.').count() == 2
}

fn same_csrf(headers: &HeaderMap, csrf: &str) -> Result<(), ApiError> {
    let sent = headers
        .get("x-csrf-token")
        .map_or(&b""[..], |v| v.as_bytes());
    match bool::from(sent.ct_eq(csrf.as_bytes())) {
        true => Ok(()),
        false => Err(ApiError::new(
            Fault::Csrf,
            "send the csrf value of the session as X-CSRF-Token",
        )),
    }
}

/// Who the headers belong to.
pub fn authorise(
    doors: &Doors,
    headers: &HeaderMap,
    safe: bool,
    now: Ts,
) -> Result<ActorId, ApiError> {
    if let Some(value) = text(headers, header::AUTHORIZATION) {
        let secret = value
            .strip_prefix("Bearer ")
            .or_else(|| value.strip_prefix("bearer "));
        let secret = secret
            .ok_or_else(|| ApiError::new(Fault::Unauthenticated, "use Authorization: Bearer"))?;
        return doors.bearer(secret.trim(), now).map_err(shut);
    }
    let cookie = cookie(headers);
    let session = cookie.and_then(|cookie| doors.session(cookie, is_unattended(headers), now));
    let Some((actor, csrf)) = session else {
        let hint =
            "POST /api/v1/session with the secret that the program printed at its first start";
        return Err(ApiError::new(Fault::Unauthenticated, hint));
    };
    if !safe {
        same_csrf(headers, &csrf)?;
    }
    Ok(actor)
}

/// The error of a secret that opened nothing.
pub fn shut(why: Shut) -> ApiError {
    match why {
        Shut::Wrong => ApiError::new(
            Fault::WrongSecret,
            "look it up in the file `secret` of the data directory",
        ),
        Shut::TooMany => ApiError {
            retry_after_s: Some(10),
            ..ApiError::new(
                Fault::RateLimited,
                "too many wrong secrets; wait ten seconds",
            )
        },
    }
}

/// The session cookie of a request.
pub fn cookie(headers: &HeaderMap) -> Option<&str> {
    named_cookie(headers, COOKIE)
}

/// A cookie of a request.
pub fn named_cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .into_iter()
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// Headers of every answer. Scripts come from this server alone, never inline.
pub async fn armour(request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ARMOUR {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Styles may be inline: the chart library sets them; they cannot run anything.
const ARMOUR: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; \
         connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(bound: &str) -> Hosts {
        Hosts::of(
            bound.parse().expect("an address"),
            &["Desk.Example:443".to_owned()],
        )
    }

    #[test]
    fn names_follow_the_bound_address() {
        let loopback = hosts("127.0.0.1:7700");
        for good in [
            "127.0.0.1:7700",
            "LocalHost:7700",
            "[::1]:7700",
            "desk.example:443",
        ] {
            assert!(loopback.allows(good), "{good}");
        }
        for bad in [
            "127.0.0.1",
            "127.0.0.1:7701",
            "evil.example:7700",
            "localhost:7700.evil.example",
            "",
        ] {
            assert!(!loopback.allows(bad), "{bad}");
        }
        let public = hosts("192.0.2.7:80");
        assert!(public.allows("192.0.2.7") && public.allows("192.0.2.7:80"));
        assert!(!public.allows("localhost"));
        assert!(hosts("[2001:db8::1]:7700").allows("[2001:db8::1]:7700"));
    }

    #[test]
    fn a_page_says_that_nobody_sits_at_it() {
        let mut headers = HeaderMap::new();
        assert!(!is_unattended(&headers));
        for (value, unattended) in [("1", true), ("0", false), ("yes", false)] {
            headers.insert("x-unattended", HeaderValue::from_static(value));
            assert_eq!(is_unattended(&headers), unattended, "{value}");
        }
    }

    #[test]
    fn origins_are_ours_or_refused() {
        let hosts = hosts("127.0.0.1:7700");
        assert!(hosts.allows_origin("http://localhost:7700"));
        for bad in [
            "null",
            "http://evil.example",
            "http://localhost:7701",
            "file://",
            "http://localhost:7700/x",
        ] {
            assert!(!hosts.allows_origin(bad), "{bad}");
        }
    }

    #[test]
    fn the_desk_is_for_those_of_the_house_who_may_see_all_of_it() {
        use siaga_platform::people::Role;
        let owner = Principal::owner();
        let as_role = |role| Principal {
            role,
            ..owner.clone()
        };
        let elsewhere = Principal {
            org: Uuid::from_u128(7),
            ..owner.clone()
        };
        for (principal, reads, writes) in [
            (owner.clone(), true, true),
            (as_role(Role::Dealer), true, true),
            (as_role(Role::Auditor), true, false),
            (as_role(Role::EndUser), false, false),
            (as_role(Role::SalesAgent), false, false),
            (elsewhere, false, false),
        ] {
            assert_eq!(
                (
                    may_at_desk(&principal, true).is_ok(),
                    may_at_desk(&principal, false).is_ok()
                ),
                (reads, writes),
                "{:?}",
                principal.role
            );
        }
    }

    #[test]
    fn clients_see_their_own_accounts_and_other_houses_none_of_ours() {
        use siaga_platform::people::Role;
        let as_role = |role| Principal {
            role,
            ..Principal::owner()
        };
        let key_of_a_client = |scopes: &[&str]| Principal {
            narrowed: Some(scopes.iter().map(|&scope| scope.to_owned()).collect()),
            ..as_role(Role::EndUser)
        };
        let elsewhere = |role| Principal {
            org: Uuid::from_u128(7),
            ..as_role(role)
        };
        for (principal, all) in [
            (Principal::owner(), Some(true)),
            (as_role(Role::Auditor), Some(true)),
            (as_role(Role::EndUser), Some(false)),
            (elsewhere(Role::EndUser), Some(false)),
            (elsewhere(Role::SuperAdmin), None),
            (as_role(Role::IbPartner), None),
            (as_role(Role::SalesAgent), None),
            (key_of_a_client(&["desk.read"]), Some(false)),
            (key_of_a_client(&["kyc.upload"]), None),
        ] {
            let seen = sees_all(&principal).ok();
            assert_eq!(seen, all, "{:?} {:?}", principal.role, principal.narrowed);
        }
    }

    #[test]
    fn clients_trade_on_their_own_accounts_and_who_only_reads_on_none() {
        use siaga_platform::people::Role;
        let as_role = |role| Principal {
            role,
            ..Principal::owner()
        };
        let key_of = |role, scope: &str| Principal {
            narrowed: Some(vec![scope.to_owned()]),
            ..as_role(role)
        };
        let elsewhere = Principal {
            org: Uuid::from_u128(7),
            ..as_role(Role::SuperAdmin)
        };
        for (principal, all) in [
            (Principal::owner(), Some(true)),
            (as_role(Role::Dealer), Some(true)),
            (as_role(Role::EndUser), Some(false)),
            (as_role(Role::Auditor), None),
            (as_role(Role::SalesAgent), None),
            (as_role(Role::IbPartner), None),
            (elsewhere, None),
            (key_of(Role::EndUser, "desk.write"), Some(false)),
            (key_of(Role::EndUser, "desk.read"), None),
            (key_of(Role::Dealer, "desk.read"), None),
        ] {
            let trades = trades_all(&principal).ok();
            assert_eq!(trades, all, "{:?} {:?}", principal.role, principal.narrowed);
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=b; xsiaga_session=no"),
        );
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("c=d;siaga_session=yes"),
        );
        assert_eq!(cookie(&headers), Some("yes"));
    }
}
