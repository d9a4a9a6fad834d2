//! The webhook sink: one signed POST per delivery (Standard Webhooks 1.0), HTTP/1.1, TLS by rustls.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Sink;
use super::message::Message;
use super::signature::{Secret, header};
use crate::outbox::Attempt;

/// One attempt, from the connection to the end of the answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of the answer that are read; more is of no use and not waited for.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest `Retry-After` that is followed, seconds: a day.
const RETRY_AFTER_S_MAX: u64 = 86_400;

/// Where and how to post. Two secrets sign during a rotation.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    pub url: String,
    pub secrets: Vec<Secret>,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookFault {
    #[error("url: {0}")]
    Url(String),
    #[error("secrets: give one, or two during a rotation; {0} are configured")]
    Secrets(usize),
    #[error("no certificate authority of this system can be read: {0}")]
    Roots(String),
}

/// A receiver over HTTP. Redirects are not followed: what is signed goes where it was configured to go.
pub struct WebhookSink {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    secrets: Vec<Secret>,
    timeout: Duration,
}

impl WebhookSink {
    /// A sink for this receiver. Plain HTTP is taken on loopback only.
    ///
    /// # Errors
    /// [`WebhookFault`].
    pub fn new(config: WebhookConfig) -> Result<Self, WebhookFault> {
        let bad = |why: &str| WebhookFault::Url(why.to_owned());
        let uri: Uri = config.url.parse().map_err(|_| bad("it cannot be read"))?;
        let host = uri.host().ok_or_else(|| bad("it has no host"))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let is_loopback = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let (tls, port) = match uri.scheme_str() {
            Some("https") => (Some(connector()?), 443),
            Some("http") if is_loopback => (None, 80),
            _ => return Err(bad("use https; plain http is for loopback only")),
        };
        if config.secrets.is_empty() || config.secrets.len() > 2 {
            return Err(WebhookFault::Secrets(config.secrets.len()));
        }
        Ok(Self {
            port: uri.port_u16().unwrap_or(port),
            uri,
            host,
            tls,
            secrets: config.secrets,
            timeout: ATTEMPT_TIMEOUT,
        })
    }

    /// Another timeout than the default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn post(&self, message: &Message) -> Result<Attempt, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| format!("connect: {error}"))?;
        match &self.tls {
            None => self.exchange(stream, message).await,
            Some(tls) => {
                let name =
                    ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
                let stream = tls
                    .connect(name, stream)
                    .await
                    .map_err(|error| format!("TLS: {error}"))?;
                self.exchange(stream, message).await
            }
        }
    }

    async fn exchange<S>(&self, stream: S, message: &Message) -> Result<Attempt, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let request = self.request(message)?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        let attempt = match answer {
            Ok(response) => {
                let attempt = judge(&response);
                drain(response).await;
                Ok(attempt)
            }
            Err(error) => Err(format!("request: {error}")),
        };
        connection.abort();
        attempt
    }

    fn request(&self, message: &Message) -> Result<Request<Full<Bytes>>, String> {
        let timestamp_s = message.now.0 / 1_000_000_000;
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        // What stands before an @ is a password and belongs to nobody's log.
        let host = host.rsplit('@').next().unwrap_or_default();
        Request::post(path)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("siaga/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp_s)
            .header(
                "webhook-signature",
                header(&self.secrets, &message.id, timestamp_s, &message.body),
            )
            .body(Full::new(Bytes::from(message.body.clone())))
            .map_err(|error| error.to_string())
    }
}

impl Sink for WebhookSink {
    fn attempt<'a>(
        &'a self,
        message: &'a Message,
    ) -> Pin<Box<dyn Future<Output = Attempt> + Send + 'a>> {
        Box::pin(async move {
            let failed = Attempt::Failed { after_ns: None };
            match tokio::time::timeout(self.timeout, self.post(message)).await {
                Ok(Ok(attempt)) => attempt,
                Ok(Err(error)) => {
                    tracing::debug!(host = self.host, id = message.id, error, "webhook failed");
                    failed
                }
                Err(_) => {
                    tracing::debug!(
                        host = self.host,
                        id = message.id,
                        "webhook did not answer in time"
                    );
                    failed
                }
            }
        })
    }
}

fn judge<B>(response: &Response<B>) -> Attempt {
    let status = response.status();
    if status.is_success() {
        return Attempt::Delivered;
    }
    if status == StatusCode::GONE {
        return Attempt::Gone;
    }
    let after_s = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    tracing::debug!(status = status.as_u16(), "webhook refused");
    Attempt::Failed {
        after_ns: after_s.map(|seconds| seconds.min(RETRY_AFTER_S_MAX) * 1_000_000_000),
    }
}

/// Reads the rest of the answer, so that the receiver is not cut off while it writes.
async fn drain(response: Response<hyper::body::Incoming>) {
    let mut body = response.into_body();
    let mut bytes = 0;
    while bytes < ANSWER_BYTES_MAX
        && let Some(Ok(frame)) = body.frame().await
    {
        bytes += frame.data_ref().map_or(0, Bytes::len);
    }
}

fn connector() -> Result<TlsConnector, WebhookFault> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found
            .errors
            .first()
            .map_or("none is installed".to_owned(), ToString::to_string);
        return Err(WebhookFault::Roots(why));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| WebhookFault::Roots(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
