//! Lists from the addresses of their sources. What does not come whole, in time and as a list changes nothing: the last good list
//! stays in force, and the source says why.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ETAG, HeaderValue, IF_NONE_MATCH, LOCATION};
use hyper::{Request, StatusCode, Uri};
use siaga_risk::units::{SECOND_NS, Ts};

use super::lists::csv::BYTES_MAX;
use super::permissions::SANCTIONS_CONFIGURE;
use super::sanctions::{self, Taken};
use crate::http::Service;
use crate::people::Principal;
use crate::refusal::{INVALID, NOT_FOUND, Refusal};
use crate::unit::Platform;
use crate::values::bound;

/// One file comes within this time, from the connection to its last byte: the longest is 30 MB.
const TIME: Duration = Duration::from_secs(120);

/// Publishers move their files; who sends on further than this goes in circles.
const REDIRECTS_MAX: usize = 3;

/// Publishers change their lists a few times a week.
const EVERY_NS: u64 = 6 * 3_600 * SECOND_NS;

/// Longest tag of a file that is kept, bytes.
const TAG_MAX: usize = 256;

/// A file as its server gave it.
struct File {
    bytes: Vec<u8>,
    tag: String,
}

/// Fetches the files of a source and takes them as its new version, unless every server says that nothing changed.
///
/// # Errors
/// Not permitted; no such source, or one without addresses; what [`sanctions::take`] and [`sanctions::failed`] say.
pub async fn refresh(platform: &Platform, by: &Principal, name: String) -> Result<Taken, Refusal> {
    by.scope(SANCTIONS_CONFIGURE)?;
    let system = Principal::system("aml.lists").within(by.org);
    let asked = name.clone();
    let row: Option<(Vec<String>, Vec<String>, i64)> = platform
        .read(&system, move |tx| {
            Ok(tx.optional(
                sqlx::query_as(
                    "SELECT urls, etags, version FROM sanctions_sources WHERE name = $1",
                )
                .bind(asked),
            )?)
        })
        .await?;
    let (urls, known, version) = row.ok_or_else(|| NOT_FOUND.because("there is no such source"))?;
    if urls.is_empty() {
        return Err(INVALID.field("urls", "the source has no address; give its files"));
    }
    // Tags of another number of files, or without a list, belong to nothing that is in force.
    let known = if version > 0 && known.len() == urls.len() {
        known
    } else {
        vec![String::new(); urls.len()]
    };
    let files = match whole(&urls, &known).await {
        Ok(None) => return sanctions::unchanged_since(platform, by, name).await,
        Ok(Some(files)) => files,
        Err(why) => return sanctions::failed(platform, by, name, why).await,
    };
    let (bytes, tags): (Vec<Vec<u8>>, Vec<String>) =
        files.into_iter().map(|file| (file.bytes, file.tag)).unzip();
    let taken = sanctions::take(platform, by, name.clone(), bytes).await?;
    platform
        .command(&system, move |unit| {
            // Addresses that were changed meanwhile keep no tags of the old ones.
            let query = sqlx::query(
                "UPDATE sanctions_sources SET etags = $2 WHERE name = $1 AND urls = $3",
            );
            unit.tx().execute(query.bind(name).bind(tags).bind(urls))?;
            Ok(())
        })
        .await?;
    Ok(taken)
}

/// Fetches every source that is on, has addresses and was not tried for [`EVERY_NS`]; called by a job. Returns how many took a
/// new version.
///
/// # Errors
/// The database; what goes wrong with one source is said there and keeps no other one waiting.
pub async fn round(platform: &Platform) -> Result<u64, Refusal> {
    let platform = platform.background();
    let system = Principal::system("aml.lists");
    let before = Ts(platform.now().0.saturating_sub(EVERY_NS));
    let due: Vec<(String,)> = platform
        .read(&system, move |tx| {
            let query = sqlx::query_as(
                "SELECT name FROM sanctions_sources WHERE enabled AND cardinality(urls) > 0 AND (tried_at IS NULL OR tried_at <= $1)
                 ORDER BY name LIMIT 100",
            );
            Ok(tx.all(query.bind(bound(before)))?)
        })
        .await?;
    let mut adopted = 0;
    for (name,) in due {
        match refresh(&platform, &system, name.clone()).await {
            Ok(taken) => adopted += u64::from(taken.adopted),
            Err(refusal @ Refusal::Db(_)) => return Err(refusal),
            Err(refusal) => tracing::warn!(
                source = name,
                "a list of sanctions was not fetched: {refusal}"
            ),
        }
    }
    Ok(adopted)
}

/// All files of a source; `None` when each server says that its file is the known one.
async fn whole(urls: &[String], known: &[String]) -> Result<Option<Vec<File>>, String> {
    let mut files = Vec::with_capacity(urls.len());
    let mut changed = false;
    for (url, tag) in urls.iter().zip(known) {
        let file = one(url, tag).await?;
        changed |= file.is_some();
        files.push(file);
    }
    if !changed {
        return Ok(None);
    }
    let mut all = Vec::with_capacity(files.len());
    for (file, url) in files.into_iter().zip(urls) {
        // A list is taken whole: the files that did not change are needed too.
        let file = match file {
            Some(file) => file,
            None => one(url, "")
                .await?
                .ok_or_else(|| format!("{url} says that it did not change without being asked"))?,
        };
        all.push(file);
    }
    Ok(Some(all))
}

/// A file; `None` when it is still the one of that tag.
async fn one(url: &str, tag: &str) -> Result<Option<File>, String> {
    let mut address = url.to_owned();
    for _ in 0..=REDIRECTS_MAX {
        let service = Service::at(&address).map_err(|fault| format!("{address}: {fault}"))?;
        let mut request = Request::get(service.path());
        if !tag.is_empty() {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let request = request
            .body(Full::new(Bytes::new()))
            .map_err(|error| format!("{address}: {error}"))?;
        let answer = service
            .send_for(request, TIME, BYTES_MAX)
            .await
            .map_err(|why| format!("{address}: {why}"))?;
        let text = |value: Option<&HeaderValue>| {
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let (head, body) = answer.into_parts();
        match head.status {
            StatusCode::OK => {
                let tag = text(head.headers.get(ETAG))
                    .filter(|tag| tag.len() <= TAG_MAX)
                    .unwrap_or_default();
                return Ok(Some(File {
                    bytes: body.to_vec(),
                    tag,
                }));
            }
            StatusCode::NOT_MODIFIED if !tag.is_empty() => return Ok(None),
            status if status.is_redirection() => {
                let to = text(head.headers.get(LOCATION))
                    .ok_or_else(|| format!("{address} sends on to nowhere"))?;
                address = next(&address, &to)?;
            }
            status => return Err(format!("{address} answered {}", status.as_u16())),
        }
    }
    Err(format!("{url} sends on more than {REDIRECTS_MAX} times"))
}

/// Where a redirect leads: another address, or another path of the same server. One that was encrypted stays so.
fn next(from: &str, to: &str) -> Result<String, String> {
    let uri: Uri = from.parse().map_err(|_| format!("{from} is no address"))?;
    let scheme = uri.scheme_str().unwrap_or_default();
    let address = match (to.strip_prefix("//"), to.strip_prefix('/')) {
        (Some(rest), _) => format!("{scheme}://{rest}"),
        (None, Some(_)) => format!(
            "{scheme}://{}{to}",
            uri.authority().map_or("", |authority| authority.as_str())
        ),
        (None, None) => to.to_owned(),
    };
    if scheme == "https" && !address.starts_with("https://") {
        return Err(format!(
            "{from} sends on to an address that is not encrypted"
        ));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request after the other, and gives what was asked.
    async fn server(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let served = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.expect("a caller");
                let mut request = Vec::new();
                let mut part = [0u8; 1024];
                while !request.ends_with(b"\r\n\r\n") {
                    let read = stream.read(&mut part).await.expect("a request");
                    assert!(read > 0, "the request ended early");
                    request.extend_from_slice(&part[..read]);
                }
                stream
                    .write_all(answer.as_bytes())
                    .await
                    .expect("an answer");
                asked.push(String::from_utf8_lossy(&request).to_lowercase());
            }
            asked
        });
        (address, served)
    }

    fn ok(tag: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\netag: {tag}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    #[tokio::test]
    async fn a_file_comes_with_its_tag_over_a_redirect_and_is_not_sent_again() {
        let moved = "HTTP/1.1 302 Found\r\nlocation: /new\r\ncontent-length: 0\r\n\r\n".to_owned();
        let same = "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned();
        let (address, served) = server(vec![moved, ok("\"v1\"", "a list"), same]).await;
        let file = one(&format!("{address}/old"), "")
            .await
            .expect("an answer")
            .expect("a file");
        assert_eq!(
            (file.bytes.as_slice(), file.tag.as_str()),
            (&b"a list"[..], "\"v1\"")
        );
        assert!(one(&address, &file.tag).await.expect("an answer").is_none());
        let asked = served.await.expect("served");
        assert!(
            asked[0].starts_with("get /old ")
                && asked[1].starts_with("get /new ")
                && !asked[1].contains("if-none-match")
        );
        assert!(asked[2].contains("if-none-match: \"v1\""), "{}", asked[2]);
    }

    #[tokio::test]
    async fn of_a_list_of_two_files_both_are_sent_when_one_changed() {
        let same = || "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned();
        let (address, served) = server(vec![
            same(),
            same(),
            same(),
            ok("\"b2\"", "second"),
            ok("\"a1\"", "first"),
        ])
        .await;
        let urls = [format!("{address}/a"), format!("{address}/b")];
        let known = ["\"a1\"".to_owned(), "\"b1\"".to_owned()];
        assert!(whole(&urls, &known).await.expect("answers").is_none());
        let files = whole(&urls, &known).await.expect("answers").expect("files");
        let bodies: Vec<&[u8]> = files.iter().map(|file| file.bytes.as_slice()).collect();
        assert_eq!(bodies, [&b"first"[..], b"second"]);
        assert!(!served.await.expect("served")[4].contains("if-none-match"));
    }

    #[tokio::test]
    async fn what_is_gone_or_goes_in_circles_is_no_file() {
        let gone = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned();
        let around = "HTTP/1.1 301 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n".to_owned();
        let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
        let unasked = "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned();
        let mut answers = vec![gone, cut, unasked];
        answers.extend(vec![around; REDIRECTS_MAX + 1]);
        let (address, served) = server(answers).await;
        for what in ["unavailable", "cut", "unasked", "circles"] {
            assert!(one(&address, "").await.is_err(), "{what}");
        }
        drop(served.await.expect("served"));
        assert!(
            one("http://lists.example/sdn.csv", "").await.is_err(),
            "in the open"
        );
    }

    #[test]
    fn a_redirect_does_not_leave_encryption() {
        assert_eq!(
            next("https://a.example/x?y=1", "/z").as_deref(),
            Ok("https://a.example/z")
        );
        assert_eq!(
            next("https://a.example/x", "//b.example/z").as_deref(),
            Ok("https://b.example/z")
        );
        assert_eq!(
            next("https://a.example/x", "https://b.example/z").as_deref(),
            Ok("https://b.example/z")
        );
        for to in ["http://b.example/z", "ftp://b.example/", "z", ""] {
            assert!(next("https://a.example/x", to).is_err(), "{to}");
        }
    }
}
