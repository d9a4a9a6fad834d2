//! Static files: the console (built into the program, or from a folder), and the offline try-it page.

use std::borrow::Cow;
use std::path::{Component, Path};

use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::error::{ApiError, Fault};
use super::server::App;

/// The console as it was when the program was built; empty when it had not been built.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/web/dist"]
#[allow_missing = true]
struct Console;

/// Files with a hash in their name never change.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Everything else is asked for anew each time.
const ANEW: &str = "no-cache";

const DOCS: [(&str, &str, &str); 3] = [
    (
        "index.html",
        "text/html; charset=utf-8",
        include_str!("docs_page/index.html"),
    ),
    (
        "docs.css",
        "text/css; charset=utf-8",
        include_str!("docs_page/docs.css"),
    ),
    (
        "docs.js",
        "text/javascript; charset=utf-8",
        include_str!("docs_page/docs.js"),
    ),
];

/// Shown in place of a console that was not built.
const UNBUILT: &str = include_str!("docs_page/unbuilt.html");

/// The try-it page.
pub async fn docs_page() -> Response {
    docs("index.html")
}

/// Its parts.
pub async fn docs_file(UrlPath(file): UrlPath<String>) -> Response {
    docs(&file)
}

fn docs(file: &str) -> Response {
    match DOCS.iter().find(|(name, _, _)| *name == file) {
        Some((_, kind, text)) => answer(kind, ANEW, Cow::Borrowed(text.as_bytes())),
        None => ApiError::not_found("the file").into_response(),
    }
}

/// The console: a file of it, or its page for every other address a person may open.
pub async fn console(State(app): State<App>, method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") || !matches!(method, Method::GET | Method::HEAD) {
        return ApiError::new(Fault::NotFound, "GET /api/openapi.json lists what there is")
            .into_response();
    }
    if path.split('/').any(|part| part == "..") {
        return ApiError::not_found("the file").into_response();
    }
    let path = if path.is_empty() { "index.html" } else { path };
    let folder = app.options.assets_dir.as_deref();
    if let Some(bytes) = load(folder, path).await {
        let caching = if path.starts_with("assets/") {
            FOREVER
        } else {
            ANEW
        };
        return answer(kind_of(path), caching, bytes);
    }
    // Addresses with a dot ask for a file; the page in its place would only confuse.
    if path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'))
        && path != "index.html"
    {
        return ApiError::not_found("the file").into_response();
    }
    match load(folder, "index.html").await {
        Some(bytes) => answer(kind_of("index.html"), ANEW, bytes),
        None => answer(
            kind_of("index.html"),
            ANEW,
            Cow::Borrowed(UNBUILT.as_bytes()),
        ),
    }
}

async fn load(folder: Option<&Path>, path: &str) -> Option<Cow<'static, [u8]>> {
    let Some(folder) = folder else {
        return Console::get(path).map(|file| file.data);
    };
    let path = Path::new(path);
    if !path
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return None;
    }
    tokio::fs::read(folder.join(path))
        .await
        .ok()
        .map(Cow::Owned)
}

fn answer(kind: &'static str, caching: &'static str, bytes: Cow<'static, [u8]>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    (StatusCode::OK, headers, bytes.into_owned()).into_response()
}

/// The kinds of files a console is built of.
fn kind_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
