//! A publisher's server on loopback: what it hands out becomes the list, and what it breaks does not.

use siaga_platform::aml::{faults, fetch, sanctions};
use siaga_platform::people::Principal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::cases::list;
use crate::ground::desk::houses;

/// Gives these answers, one to each caller.
async fn publisher(answers: Vec<Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!(
        "http://{}/consolidated.xml",
        listener.local_addr().expect("an address")
    );
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let (mut request, mut part) = (Vec::new(), [0u8; 1024]);
            while !request.ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut part).await.expect("a request");
                assert!(read > 0, "the request ended early");
                request.extend_from_slice(&part[..read]);
            }
            stream.write_all(&answer).await.expect("an answer");
        }
    });
    address
}

fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\netag: \"v1\"\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[tokio::test]
async fn a_bad_download_never_replaces_the_last_good_list() {
    for house in houses().await {
        let (platform, kind) = (&house.platform, house.kind);
        let system = Principal::system("test");
        let whole = list(&[("1", "ERIC", "BADEGE"), ("2", "ANA", "BELE")]).remove(0);
        let mut broken = answer("200 OK", &whole);
        broken.truncate(broken.len() - 40);
        let address = publisher(vec![
            answer("200 OK", &whole),
            b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec(),
            answer("200 OK", &whole[..whole.len() / 2]),
            broken,
            answer("200 OK", b"<html>busy</html>"),
            answer("500 Internal Server Error", b""),
            answer(
                "200 OK",
                &list(&[
                    ("1", "ERIC", "BADEGE"),
                    ("2", "ANA", "BELE"),
                    ("3", "NEW", "NAME"),
                ])
                .remove(0),
            ),
        ])
        .await;
        let urls = format!("UPDATE sanctions_sources SET urls = '{{{address}}}' WHERE name = 'un'");
        assert_eq!(house.attempt(&system, urls).await, Ok(1), "{kind}");
        let first = fetch::refresh(platform, &system, "un".into())
            .await
            .expect(kind);
        assert!(
            first.adopted && (first.version, first.entries) == (1, 2),
            "{kind}: {first:?}"
        );
        let same = fetch::refresh(platform, &system, "un".into())
            .await
            .expect(kind);
        assert!(
            !same.adopted,
            "{kind}: the server says that nothing changed"
        );
        for what in ["half a list", "half a download", "a page", "an error"] {
            let refused = fetch::refresh(platform, &system, "un".into())
                .await
                .expect_err(what);
            assert_eq!(
                refused.fault(),
                Some(faults::LIST_REFUSED),
                "{kind}: {what}"
            );
            let source = sanctions::sources(platform, &system)
                .await
                .expect(kind)
                .into_iter()
                .find(|source| source.name == "un")
                .expect("the source");
            assert_eq!((source.version, source.entries), (1, 2), "{kind}: {what}");
            assert!(source.error.is_some(), "{kind}: {what}");
        }
        let second = fetch::refresh(platform, &system, "un".into())
            .await
            .expect(kind);
        assert_eq!((second.version, second.added), (2, 1), "{kind}");
        house.database.db.close().await;
    }
}
