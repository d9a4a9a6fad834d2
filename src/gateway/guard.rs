//! Who may pass: Host and Origin on everything, a token on all but the open addresses, headers on every answer.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use siaga_platform::people::Principal;
use siaga_risk::ids::ActorId;
use siaga_risk::units::Ts;
use subtle::ConstantTimeEq;

use super::auth::{COOKIE, Doors, Shut};
use super::error::{ApiError, Fault};
use super::server::App;

/// Who sent a request, put beside it by [`caller`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller(pub ActorId);

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

/// Lets those pass who carry the secret or a session; writes with a session need its CSRF token.
pub async fn caller(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let now = app.core.now();
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    match authorise(&app.doors, request.headers(), safe, now) {
        Ok(actor) => {
            request.extensions_mut().insert(Caller(actor));
            // Whoever knows the first-start secret acts as the owner of the house.
            request.extensions_mut().insert(Principal::owner());
            next.run(request).await
        }
        Err(error) => {
            if error.fault == Fault::WrongSecret {
                app.metrics.sign_in_failures.add(1);
            }
            error.into_response()
        }
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
    let session = cookie.and_then(|cookie| doors.session(cookie, now));
    let Some((actor, csrf)) = session else {
        let hint =
            "POST /api/v1/session with the secret that the program printed at its first start";
        return Err(ApiError::new(Fault::Unauthenticated, hint));
    };
    let sent = headers
        .get("x-csrf-token")
        .map_or(&b""[..], |v| v.as_bytes());
    if !safe && !bool::from(sent.ct_eq(csrf.as_bytes())) {
        return Err(ApiError::new(
            Fault::Csrf,
            "send the csrf value of the session as X-CSRF-Token",
        ));
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
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .into_iter()
        .find(|(name, _)| *name == COOKIE)
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
