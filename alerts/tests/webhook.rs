//! The webhook sink against a real receiver on loopback that answers well, badly, rudely or not at all.

use std::time::Duration;

use siaga_alerts::alert::Severity;
use siaga_alerts::outbox::Attempt;
use siaga_alerts::sinks::Sink;
use siaga_alerts::sinks::message::Message;
use siaga_alerts::sinks::signature::{Secret, TOLERANCE_S, verify};
use siaga_alerts::sinks::webhook::{WebhookConfig, WebhookFault, WebhookSink};
use siaga_risk::units::Ts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const FAILED: Attempt = Attempt::Failed { after_ns: None };

#[tokio::test]
async fn a_good_receiver_gets_a_signed_message() {
    let (attempt, request) = post("HTTP/1.1 204 No Content\r\n\r\n", "/hook?x=1").await;
    assert_eq!(attempt, Attempt::Delivered);
    let (head, body) = request.split_once("\r\n\r\n").expect("a request");
    assert!(head.starts_with("POST /hook?x=1 HTTP/1.1"), "{head}");
    let value = |name: &str| {
        let line = head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(": "))
            .map_or("", |(_, value)| value)
            .to_owned()
    };
    assert_eq!(value("webhook-id"), "alert_1_2_3");
    assert_eq!(value("content-type"), "application/json");
    let timestamp: u64 = value("webhook-timestamp").parse().expect("seconds");
    let signature = value("webhook-signature");
    assert_eq!(
        signature.split(' ').count(),
        2,
        "both secrets of a rotation"
    );
    for secret in secrets() {
        let believed = verify(
            &[secret],
            "alert_1_2_3",
            timestamp,
            body,
            &signature,
            timestamp,
            TOLERANCE_S,
        );
        assert_eq!(believed, Ok(()));
    }
    let json: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(json["title"], "Judul — title");
}

#[tokio::test]
async fn every_other_answer_has_its_consequence() {
    let after = |seconds: u64| Attempt::Failed {
        after_ns: Some(seconds * 1_000_000_000),
    };
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            Attempt::Delivered,
        ),
        ("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", FAILED),
        ("HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n", FAILED),
        (
            "HTTP/1.1 302 There\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            FAILED,
        ),
        (
            "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n",
            Attempt::Gone,
        ),
        (
            "HTTP/1.1 503 Busy\r\nretry-after: 120\r\ncontent-length: 0\r\n\r\n",
            after(120),
        ),
        (
            "HTTP/1.1 429 Slow\r\nretry-after: 999999999\r\ncontent-length: 0\r\n\r\n",
            after(86_400),
        ),
        (
            "HTTP/1.1 429 Slow\r\nretry-after: later\r\ncontent-length: 0\r\n\r\n",
            FAILED,
        ),
        ("rubbish\r\n\r\n", FAILED),
        ("", FAILED),
    ] {
        let (attempt, _) = post(answer, "/").await;
        assert_eq!(attempt, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_or_is_not_there_fails_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let hang = tokio::spawn(async move {
        let accepted = listener.accept().await;
        std::future::pending::<()>().await;
        drop(accepted);
    });
    let sink = sink(&format!("http://{address}/")).with_timeout(Duration::from_millis(200));
    let message = message();
    let attempt = tokio::time::timeout(Duration::from_secs(10), sink.attempt(&message));
    assert_eq!(attempt.await.expect("it ends by itself"), FAILED);
    hang.abort();
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = closed.local_addr().expect("bound");
    drop(closed);
    assert_eq!(
        self::sink(&format!("http://{address}/"))
            .attempt(&message)
            .await,
        FAILED
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let flood = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut sent = stream.write_all(head.as_bytes()).await;
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        while sent.is_ok() {
            sent = stream.write_all(chunk.as_bytes()).await;
        }
    });
    let attempt = sink(&format!("http://{address}/"))
        .attempt(&message())
        .await;
    assert_eq!(attempt, Attempt::Delivered);
    let ended = tokio::time::timeout(Duration::from_secs(10), flood).await;
    assert!(ended.is_ok(), "the connection was closed");
}

#[test]
fn configurations_are_checked() {
    let fault = |url: &str, count: usize| {
        let secrets = secrets().into_iter().cycle().take(count).collect();
        let url = url.to_owned();
        WebhookSink::new(WebhookConfig { url, secrets }).err()
    };
    assert!(matches!(
        fault("http://203.0.113.9/", 1),
        Some(WebhookFault::Url(_))
    ));
    assert!(matches!(
        fault("ftp://127.0.0.1/", 1),
        Some(WebhookFault::Url(_))
    ));
    assert!(matches!(fault("/path", 1), Some(WebhookFault::Url(_))));
    assert_eq!(
        fault("http://127.0.0.1/", 0),
        Some(WebhookFault::Secrets(0))
    );
    assert_eq!(
        fault("http://127.0.0.1/", 3),
        Some(WebhookFault::Secrets(3))
    );
    assert_eq!(fault("http://[::1]:8080/", 2), None);
}

/// Posts to a receiver with one scripted answer; gives back what it read.
async fn post(answer: &'static str, path: &str) -> (Attempt, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let receiver = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        let mut buffer = [0; 4_096];
        while !is_whole(&request) {
            let count = stream.read(&mut buffer).await.expect("readable");
            assert!(count > 0, "the request ends early");
            request.extend_from_slice(&buffer[..count]);
        }
        stream.write_all(answer.as_bytes()).await.expect("writable");
        String::from_utf8(request).expect("text")
    });
    let attempt = sink(&format!("http://{address}{path}"))
        .attempt(&message())
        .await;
    (attempt, receiver.await.expect("no panic"))
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length
            .then(|| value.trim().parse::<usize>().ok())
            .flatten()
    });
    length.is_some_and(|length| body.len() >= length)
}

fn sink(url: &str) -> WebhookSink {
    WebhookSink::new(WebhookConfig {
        url: url.to_owned(),
        secrets: secrets(),
    })
    .expect("a good configuration")
}

/// Keys of this run only.
fn secrets() -> Vec<Secret> {
    let text = |salt: u32| {
        let byte =
            |at: u32| b'A' + ((std::process::id().wrapping_mul(31 + salt) >> (at % 24)) % 26) as u8;
        (0..32).map(|at| char::from(byte(at))).collect::<String>()
    };
    (0..2)
        .map(|salt| Secret::parse(&text(salt)).expect("base64"))
        .collect()
}

fn message() -> Message {
    Message {
        id: "alert_1_2_3".to_owned(),
        now: Ts(1_700_000_000_000_000_000),
        severity: Severity::Critical,
        title: "title".to_owned(),
        body: "{\"title\":\"Judul — title\"}".to_owned(),
    }
}
