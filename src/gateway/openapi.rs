//! The description of the REST API (OpenAPI 3.1), made from the handlers and committed as `docs/openapi.json`.

use axum::Router;
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContactBuilder, Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response, ResponseBuilder, Schema, SecurityRequirement,
};
use utoipa_axum::router::OpenApiRouter;

use super::auth::COOKIE;
use super::server::App;
use super::{health, platform, rest};

/// How a problem goes out (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// The description of every route of the REST API.
pub fn document() -> OpenApi {
    let mut document = OpenApiRouter::with_openapi(base())
        .merge(rest::session::routes())
        .merge(rest::routes())
        .merge(rest::own::routes())
        .merge(rest::trading_routes())
        .merge(platform::open_routes())
        .merge(platform::routes())
        .merge(health::open_routes())
        .merge(health::routes())
        .into_openapi();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("delete", &mut item.delete),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
            }
        }
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            let answers = &mut operation.responses.responses;
            answers.values_mut().for_each(as_problem);
            if path.starts_with("/api/") {
                answers.insert("default".to_owned(), any_refusal());
            }
        }
    }
    document
}

/// A problem goes out as what it is, so it is described as that.
fn as_problem(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else {
        return;
    };
    let is_problem = |content: &RefOr<Content>| {
        let RefOr::T(content) = content else {
            return false;
        };
        matches!(&content.schema, Some(RefOr::Ref(named)) if named.ref_location.ends_with("/Problem"))
    };
    if response
        .content
        .get("application/json")
        .is_some_and(is_problem)
        && let Some(content) = response.content.shift_remove("application/json")
    {
        response.content.insert(PROBLEM.to_owned(), content);
    }
}

/// What a route may answer beside what it lists: whatever is refused by the guard, a limit or a store that is not there is a problem.
fn any_refusal() -> RefOr<Response> {
    let problem: RefOr<Schema> = RefOr::Ref(Ref::from_schema_name("Problem"));
    let response = ResponseBuilder::new()
        .description("Any other refusal")
        .content(PROBLEM, Content::new(Some(problem)));
    RefOr::T(response.build())
}

/// A name for generated clients that is unique because the address is: `post_positions_id_close`.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{method}_{}", words.join("_"))
}

/// The text of the committed file.
pub fn text() -> String {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Where the description is served.
pub fn routes() -> Router<App> {
    Router::new().route(
        "/api/openapi.json",
        get(async || {
            (
                [(axum::http::header::CONTENT_TYPE, "application/json")],
                text(),
            )
        }),
    )
}

fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Siaga")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Market data and risk of a retail brokerage. Prices, quantities, money and percentages are decimal text; times are UTC \
             microseconds; ids are integers, except alert ids (text) and symbols. Errors are RFC 9457 problems with stable numbers.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .contact(None::<ContactBuilder>.map(ContactBuilder::build))
        .build();
    let mut base = OpenApiBuilder::new()
        .info(info)
        .security(Some([
            SecurityRequirement::new("secret", Vec::<String>::new()),
            SecurityRequirement::new("session", Vec::<String>::new()),
            SecurityRequirement::new("token", Vec::<String>::new()),
            SecurityRequirement::new("access", Vec::<String>::new()),
        ]))
        .build();
    let components = base.components.get_or_insert_default();
    components.add_security_scheme(
        "secret",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("The first-start secret, for programs."))
                .build(),
        ),
    );
    components.add_security_scheme(
        "token",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("An access token of 15 minutes, or an API key."))
                .build(),
        ),
    );
    components.add_security_scheme(
        "access",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            super::guard::ACCESS_COOKIE,
            "The access token of a browser; writes also need X-CSRF-Token. X-Unattended: 1 says that the page asks by itself, which keeps no \
             session from being idle.",
        ))),
    );
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            COOKIE,
            "The session of a browser; writes also need X-CSRF-Token. X-Unattended: 1 says that the page asks by itself, which keeps no session \
             from being idle.",
        ))),
    );
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_file_is_what_the_handlers_say() {
        crate::gateway::committed::check("docs/openapi.json", &text());
    }

    #[test]
    fn both_cookies_say_how_a_page_asks_by_itself() {
        let document = serde_json::to_value(document()).expect("JSON");
        let schemes = &document["components"]["securitySchemes"];
        for cookie in ["access", "session"] {
            let said = schemes[cookie]["description"].as_str().expect("a text");
            assert!(said.contains("X-Unattended: 1"), "{cookie}: {said}");
        }
    }

    #[test]
    fn every_route_says_what_it_refuses() {
        let document = serde_json::to_value(document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        assert!(paths.len() >= 25, "{} paths", paths.len());
        let mut ids = std::collections::BTreeSet::new();
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("an item") {
                assert!(
                    ids.insert(operation["operationId"].to_string()),
                    "{method} {path}"
                );
                let answers = operation["responses"].as_object().expect("answers");
                for (status, answer) in answers {
                    let content = &answer["content"];
                    let named = content["application/json"]["schema"]["$ref"].as_str();
                    assert_ne!(
                        named,
                        Some("#/components/schemas/Problem"),
                        "{method} {path} {status}"
                    );
                    let is_refusal = content.get(PROBLEM).is_some();
                    assert!(
                        !is_refusal || !status.starts_with('2'),
                        "{method} {path} {status}"
                    );
                }
                let other = answers
                    .get("default")
                    .map(|other| &other["content"][PROBLEM]);
                assert_eq!(
                    other.is_some_and(|problem| problem["schema"].is_object()),
                    path.starts_with("/api/"),
                    "{method} {path}"
                );
                let open = operation.get("security").is_some();
                assert!(
                    open || path.starts_with("/readyz")
                        || path == "/metrics"
                        || answers.contains_key("401"),
                    "{method} {path}"
                );
                assert!(
                    operation["summary"].is_string(),
                    "{method} {path} has no summary"
                );
            }
        }
    }

    #[test]
    fn refusals_that_a_caller_can_do_something_about_are_named() {
        let document = serde_json::to_value(document()).expect("JSON");
        for (path, method, statuses) in [
            ("/api/v1/orders", "get", ["409", "503"]),
            ("/api/v1/alerts/{id}/{verb}", "post", ["403", "504"]),
        ] {
            let answers = &document["paths"][path][method]["responses"];
            for status in statuses {
                assert!(answers[status].is_object(), "{method} {path} {status}");
            }
        }
    }
}
