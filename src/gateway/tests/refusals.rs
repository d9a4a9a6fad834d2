//! What the log says of refusals, over a real server.

use siaga_platform::ids::OWNER;

use super::log::Log;
use super::*;

#[tokio::test]
async fn a_refusal_is_a_line_of_what_was_asked_and_by_whom_and_holds_nothing_that_was_sent() {
    // The server runs on this thread too.
    let (log, _here) = Log::listen();
    let server = Server::start().await;
    let bearer = format!("Authorization: Bearer {SECRET}\r\nX-Request-Id: asked-77\r\n");
    let mut order = order_body("qwxbody");
    order["side"] = json!("qwxside");
    for (method, path, headers, body) in [
        (
            "GET",
            "/api/v1/accounts/31337?qwxquery=1",
            bearer.as_str(),
            None,
        ),
        ("POST", "/api/v1/orders", bearer.as_str(), Some(order)),
        (
            "GET",
            "/api/v1/desk",
            "Authorization: Bearer qwxtoken\r\nX-Request-Id: q w x\r\n",
            None,
        ),
        ("GET", "/api/v1/qwxnothing", bearer.as_str(), None),
        ("QWXMETHOD", "/api/v1/desk", bearer.as_str(), None),
    ] {
        let answer = server.send(method, path, headers, body).await;
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        let newest = log.said("refused").pop().expect("a line");
        assert_eq!(newest["status"], answer.status, "{path}: {newest}");
        assert_eq!(newest["code"], answer.json()["code"], "{path}: {newest}");
    }
    assert_eq!(server.call("GET", "/api/v1/desk", None).await.status, 200);

    let said = log.said("refused");
    let words = |field: &str| -> Vec<Option<&str>> {
        said.iter().map(|fields| fields[field].as_str()).collect()
    };
    let owner = OWNER.to_string();
    let (asked, actor) = (Some("asked-77"), Some(owner.as_str()));
    assert_eq!(
        words("method"),
        ["GET", "POST", "GET", "GET", "other"].map(Some)
    );
    assert_eq!(
        words("route"),
        [
            Some("/api/v1/accounts/{id}"),
            Some("/api/v1/orders"),
            Some("/api/v1/desk"),
            None,
            Some("/api/v1/desk"),
        ]
    );
    assert_eq!(words("request"), [asked, asked, None, asked, asked]);
    assert_eq!(words("actor")[..3], [actor, actor, None]);
    let text = log.text();
    for sent in ["qwx", "31337", "127.0.0.1", SECRET] {
        assert!(!text.to_lowercase().contains(sent), "{sent}: {text}");
    }
    server.end().await;
}
