use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Ocr, OcrError, Page, Reading};
use crate::http::{AddressFault, Service};

/// Its name in logs.
const NAME: &str = "the OCR service";

/// A picture is read within this time, from the connection to the end of the answer.
const TIME: Duration = Duration::from_secs(30);

/// Bytes of an answer: a page of text with the place of every letter.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A service that speaks the form of Google's Cloud Vision (`images:annotate`). Redirects are not
/// followed: a picture goes where it was configured to go.
#[derive(Clone)]
pub struct HttpReader {
    service: Service,
    token: Option<Zeroizing<String>>,
}

impl HttpReader {
    /// A reader at this address; `token` is sent as a bearer token.
    ///
    /// # Errors
    /// [`AddressFault`].
    pub fn new(address: &str, token: Option<String>) -> Result<Self, AddressFault> {
        Ok(Self {
            service: Service::at(address)?,
            token: token.map(Zeroizing::new),
        })
    }

    async fn ask(&self, picture: &[u8]) -> Result<Page, OcrError> {
        let request = self.request(picture)?;
        let sent = self.service.send(request, TIME, ANSWER_BYTES_MAX).await;
        let (status, body) = sent.map_err(|why| OcrError::Later(NAME, why))?;
        if !status.is_success() {
            return Err(OcrError::Later(
                NAME,
                format!("it answered {}", status.as_u16()),
            ));
        }
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|_| OcrError::Later(NAME, "its answer is no JSON".into()))?;
        page(&answer)
    }

    fn request(&self, picture: &[u8]) -> Result<Request<Full<Bytes>>, OcrError> {
        let body = json!({"requests": [{
            "image": {"content": STANDARD.encode(picture)},
            "features": [{"type": "DOCUMENT_TEXT_DETECTION"}],
            "imageContext": {"languageHints": ["id", "en"]},
        }]});
        let mut request =
            Request::post(self.service.path()).header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.as_str()));
        }
        request
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| OcrError::Later(NAME, error.to_string()))
    }
}

impl Ocr for HttpReader {
    fn name(&self) -> &'static str {
        NAME
    }

    fn read(&self, picture: Vec<u8>) -> Reading<'_> {
        Box::pin(async move { self.ask(&picture).await })
    }
}

/// The text of an answer and its confidence: the lowest of its pages, since a reading is as sure as its worst part.
fn page(answer: &Value) -> Result<Page, OcrError> {
    let first = &answer["responses"][0];
    if let Some(why) = first["error"]["message"].as_str() {
        return Err(OcrError::Unreadable(NAME, why.chars().take(200).collect()));
    }
    let whole = &first["fullTextAnnotation"];
    let text = whole["text"].as_str().unwrap_or_default().to_owned();
    let pages = whole["pages"].as_array().map_or(&[][..], Vec::as_slice);
    let worst = pages
        .iter()
        .map(|page| page["confidence"].as_f64().map_or(0, percent))
        .min();
    Ok(Page {
        confidence: worst.unwrap_or(0),
        text,
    })
}

/// A share of 0 to 1 in whole percent, rounded down.
fn percent(share: f64) -> u8 {
    (0..=100u8)
        .rev()
        .find(|&n| f64::from(n) <= share * 100.0)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with this body, and gives what was sent.
    async fn service(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!(
            "http://{}/v1/images:annotate",
            listener.local_addr().expect("an address")
        );
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut request = Vec::new();
            let mut part = [0u8; 4096];
            // Only the end of the body has these brackets.
            while !request.ends_with(b"}]}") {
                let read = stream.read(&mut part).await.expect("a request");
                assert!(read > 0, "the request ended early");
                request.extend_from_slice(&part[..read]);
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
                answer.len()
            );
            stream.write_all(head.as_bytes()).await.expect("an answer");
            String::from_utf8_lossy(&request).into_owned()
        });
        (address, served)
    }

    #[tokio::test]
    async fn a_service_reads_and_is_believed_as_far_as_its_worst_page() {
        let answer = r#"{"responses":[{"fullTextAnnotation":{"text":"NIK : 3171015708850001\n","pages":[{"confidence":0.97},{"confidence":0.859}]}}]}"#;
        let (address, served) = service(answer).await;
        let reader = HttpReader::new(&address, Some("secret".into())).expect("loopback");
        let page = reader
            .read(b"a picture".to_vec())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (page.text.as_str(), page.confidence),
            ("NIK : 3171015708850001\n", 85)
        );
        let request = served.await.expect("served").to_lowercase();
        assert!(
            request.starts_with("post /v1/images:annotate http/1.1")
                && request.contains("authorization: bearer secret"),
            "{request}"
        );
        assert!(request.contains(&STANDARD.encode("a picture").to_lowercase()));
    }

    #[tokio::test]
    async fn a_service_that_cannot_says_so() {
        let (address, _served) =
            service(r#"{"responses":[{"error":{"message":"Bad image data."}}]}"#).await;
        let reader = HttpReader::new(&address, None).expect("loopback");
        assert!(matches!(
            reader.read(Vec::new()).await,
            Err(OcrError::Unreadable(..))
        ));
        let nobody = HttpReader::new("http://127.0.0.1:9/", None).expect("loopback");
        assert!(matches!(
            nobody.read(Vec::new()).await,
            Err(OcrError::Later(..))
        ));
    }
}
