//! Who may pass and who may not.

use super::*;
use crate::gateway::openapi;

#[tokio::test]
async fn everything_but_the_open_addresses_needs_a_token() {
    let server = Server::start().await;
    let document = serde_json::to_value(openapi::document()).expect("JSON");
    let mut closed = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let path = path
                .replace("{id}", "1")
                .replace("{acc}", "1")
                .replace("{verb}", "ack");
            let answer = server.send(&method.to_uppercase(), &path, "", None).await;
            let open = operation.get("security").is_some();
            assert_eq!(answer.status == 401, !open, "{method} {path}: {answer:?}");
            if !open {
                closed += 1;
                assert_eq!(answer.json()["code"], 10_001, "{method} {path}");
                assert_eq!(
                    answer.header("content-type"),
                    Some("application/problem+json")
                );
            }
        }
    }
    assert!(closed > 30, "{closed}");
    for path in ["/api/openapi.json", "/api/asyncapi.json"] {
        assert_eq!(
            server.send("GET", path, "", None).await.status,
            401,
            "{path}"
        );
        assert_eq!(server.call("GET", path, None).await.status, 200, "{path}");
    }
    let wrong = server
        .send(
            "GET",
            "/api/v1/desk",
            "Authorization: Bearer wrong\r\n",
            None,
        )
        .await;
    assert_eq!(
        (wrong.status, &wrong.json()["name"]),
        (401, &json!("wrong_secret"))
    );
    let basic = server
        .send(
            "GET",
            "/api/v1/desk",
            "Authorization: Basic d3Jvbmc=\r\n",
            None,
        )
        .await;
    assert_eq!(basic.status, 401);
    server.end().await;
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_everywhere() {
    let server = Server::start().await;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    for path in [
        "/",
        "/livez",
        "/api/v1/desk",
        "/ws/v1",
        "/bridge/v1",
        "/docs",
    ] {
        let more = if path.contains("/v1") && !path.starts_with("/api") {
            upgrade
        } else {
            "Connection: close\r\n"
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {SECRET}\r\n{more}\r\n"
        );
        let answer = head_of(&server, &request).await;
        assert_eq!(answer, 421, "{path}");
        for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
            let host = server.host();
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nAuthorization: Bearer {SECRET}\r\n{more}\r\n"
            );
            assert_eq!(head_of(&server, &request).await, 403, "{path} {origin}");
        }
    }
    let own = format!("Origin: http://{}\r\n", server.host());
    assert_eq!(server.send("GET", "/livez", &own, None).await.status, 200);
    let without = server
        .raw(b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(without.status, 421);
    assert!(server.metric("siaga_http_foreign_host_total").await >= 7.0);
    assert!(server.metric("siaga_http_foreign_origin_total").await >= 18.0);
    server.end().await;
}

/// The status of an answer whose connection may stay open.
async fn head_of(server: &Server, request: &str) -> u16 {
    let mut socket = TcpStream::connect(server.host()).await.expect("connected");
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut buffer = [0; 64];
    let read = timeout(PATIENCE, socket.read(&mut buffer))
        .await
        .expect("in time")
        .expect("read");
    let head = String::from_utf8_lossy(&buffer[..read]).into_owned();
    head.split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .unwrap_or(0)
}

#[tokio::test]
async fn a_session_reads_by_cookie_and_writes_with_its_token() {
    let server = Server::start().await;
    let refused = server
        .send(
            "POST",
            "/api/v1/session",
            "",
            Some(json!({ "secret": "wrong" })),
        )
        .await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (401, &json!(10_002))
    );
    let opened = server
        .send(
            "POST",
            "/api/v1/session",
            "",
            Some(json!({ "secret": SECRET })),
        )
        .await;
    assert_eq!(opened.status, 200);
    let set = opened.header("set-cookie").expect("a cookie");
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"),
        "{set}"
    );
    let cookie = format!("Cookie: {}\r\n", set.split(';').next().expect("a value"));
    let csrf = opened.json()["csrf"].as_str().expect("a token").to_owned();
    let again = server.send("GET", "/api/v1/session", &cookie, None).await;
    assert_eq!(again.json()["csrf"], json!(csrf));
    assert_eq!(
        server
            .send("GET", "/api/v1/desk", &cookie, None)
            .await
            .status,
        200
    );
    for headers in [cookie.clone(), format!("{cookie}X-CSRF-Token: wrong\r\n")] {
        let answer = server
            .send("POST", "/api/v1/ws-tickets", &headers, None)
            .await;
        assert_eq!(
            (answer.status, &answer.json()["name"]),
            (403, &json!("csrf_token"))
        );
    }
    let with = format!("{cookie}X-CSRF-Token: {csrf}\r\n");
    assert_eq!(
        server
            .send("POST", "/api/v1/ws-tickets", &with, None)
            .await
            .status,
        201
    );
    assert_eq!(
        server
            .send("DELETE", "/api/v1/session", &cookie, None)
            .await
            .status,
        403
    );
    assert_eq!(
        server
            .send("DELETE", "/api/v1/session", &with, None)
            .await
            .status,
        204
    );
    assert_eq!(
        server
            .send("GET", "/api/v1/desk", &cookie, None)
            .await
            .status,
        401
    );
    server.end().await;
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let server = Server::start().await;
    let mut slow = TcpStream::connect(server.host()).await.expect("connected");
    slow.write_all(b"GET /livez HTTP/1.1\r\nHost: ")
        .await
        .expect("sent");
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, slow.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the server waits for ever");
    until("the count", async || {
        server.metric("siaga_http_header_timeouts_total").await >= 1.0
    })
    .await;
    assert_eq!(server.send("GET", "/livez", "", None).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn answers_are_armoured_and_pages_have_no_inline_script() {
    let server = Server::start().await;
    for path in [
        "/",
        "/docs",
        "/docs/docs.js",
        "/docs/docs.css",
        "/positions",
        "/livez",
    ] {
        let answer = server.send("GET", path, "", None).await;
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        let scripts = policy
            .split(';')
            .map(str::trim)
            .find(|p| p.starts_with("script-src"));
        assert_eq!(scripts, Some("script-src 'self'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    }
    for page in [
        include_str!("../docs_page/index.html"),
        include_str!("../docs_page/unbuilt.html"),
    ] {
        let lower = page.to_lowercase();
        assert_eq!(
            lower.matches("<script").count(),
            lower.matches("<script src=\"/").count()
        );
        for word in [
            "onclick",
            "onload",
            "onerror",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!lower.contains(word), "{word}");
        }
    }
    let api = server.call("GET", "/api/v1/desk", None).await;
    assert_eq!(api.header("cache-control"), Some("no-store"));
    for path in [
        "/missing.js",
        "/api/v1/nothing",
        "/docs/../secret",
        "/assets/..%2f..%2fCargo.toml",
    ] {
        assert_eq!(server.call("GET", path, None).await.status, 404, "{path}");
    }
    assert_eq!(
        server.call("PATCH", "/api/v1/desk", None).await.json()["name"],
        "method_not_allowed"
    );
    server.end().await;
}

#[tokio::test]
async fn a_folder_of_assets_replaces_the_built_in_console() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("assets")).expect("made");
    std::fs::write(folder.path().join("index.html"), "<p>mine</p>").expect("written");
    std::fs::write(folder.path().join("assets/app-1a2b.js"), "1").expect("written");
    let path = folder.path().to_owned();
    let server = Server::with(TestDesk::new(), |options| options.assets_dir = Some(path)).await;
    for path in ["/", "/any/page"] {
        let answer = server.send("GET", path, "", None).await;
        assert_eq!(answer.text, "<p>mine</p>", "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
    let script = server.send("GET", "/assets/app-1a2b.js", "", None).await;
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert!(
        script
            .header("cache-control")
            .is_some_and(|c| c.contains("immutable"))
    );
    server.end().await;
}

#[tokio::test]
async fn nobody_books_money_while_the_database_cannot_say_whose_an_account_is() {
    let server = Server::start().await;
    let book = async |reference: &str| {
        let body = json!({ "kind": "deposit", "amount": "1", "reference": reference });
        let path = "/api/v1/accounts/7/cash";
        server.call("POST", path, Some(body)).await
    };
    assert_eq!(book("before").await.status, 201, "a desk without one");
    server.desk.wait_for_store();
    let refused = book("after").await;
    assert_eq!(
        (refused.status, &refused.json()["name"]),
        (409, &json!("not_available")),
        "{refused:?}"
    );
    server.end().await;
}
