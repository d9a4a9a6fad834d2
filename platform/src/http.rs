//! Asking services over HTTP/1.1: TLS that trusts the system's authorities, one connection a request, no
//! redirects, a bound on time and answer.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What is wrong with an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// No address, or a scheme that would send in the open.
    #[error("the address is not understood: use https; plain http is for loopback only")]
    Form,
    /// No certificate authority of the system can be read.
    #[error("no certificate authority of this system can be read: {0}")]
    Roots(String),
}

/// A service at an address.
#[derive(Clone)]
pub struct Service {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
}

impl Service {
    /// The service at this address, with the authorities of the system.
    ///
    /// # Errors
    /// [`AddressFault`].
    pub fn at(address: &str) -> Result<Self, AddressFault> {
        Self::with(address, authorities)
    }

    /// The service at this address, with authorities that were read before.
    ///
    /// # Errors
    /// [`AddressFault`].
    pub fn with(
        address: &str,
        tls: impl FnOnce() -> Result<TlsConnector, AddressFault>,
    ) -> Result<Self, AddressFault> {
        let uri: Uri = address.parse().map_err(|_| AddressFault::Form)?;
        let host = uri
            .host()
            .ok_or(AddressFault::Form)?
            .trim_matches(['[', ']'])
            .to_owned();
        let loopback = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        let (tls, port) = match uri.scheme_str() {
            Some("https") => (Some(tls()?), 443),
            Some("http") if loopback => (None, 80),
            _ => return Err(AddressFault::Form),
        };
        let port = uri.port_u16().unwrap_or(port);
        Ok(Self {
            uri,
            host,
            port,
            tls,
        })
    }

    /// What stands behind the host in the request's first line.
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// Sends a request to [`path`](Self::path) and reads the whole answer, at most `bytes_max` of it.
    ///
    /// # Errors
    /// What went wrong on the way, with nothing of the request in it.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        time: Duration,
        bytes_max: usize,
    ) -> Result<(StatusCode, Bytes), String> {
        let (head, body) = self.send_for(request, time, bytes_max).await?.into_parts();
        Ok((head.status, body))
    }

    /// As [`send`](Self::send), with the head of the answer.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_for(
        &self,
        request: Request<Full<Bytes>>,
        time: Duration,
        bytes_max: usize,
    ) -> Result<Response<Bytes>, String> {
        let sent = tokio::time::timeout(time, self.connect(request, bytes_max)).await;
        sent.map_err(|_| "no answer in time".to_owned())?
    }

    async fn connect(
        &self,
        request: Request<Full<Bytes>>,
        bytes_max: usize,
    ) -> Result<Response<Bytes>, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| error.to_string())?;
        match &self.tls {
            None => self.exchange(stream, request, bytes_max).await,
            Some(tls) => {
                let name =
                    ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
                let stream = tls
                    .connect(name, stream)
                    .await
                    .map_err(|error| error.to_string())?;
                self.exchange(stream, request, bytes_max).await
            }
        }
    }

    async fn exchange<S>(
        &self,
        stream: S,
        mut request: Request<Full<Bytes>>,
        bytes_max: usize,
    ) -> Result<Response<Bytes>, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let authority = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = HeaderValue::from_str(host).map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert(HOST, host);
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("siaga/", env!("CARGO_PKG_VERSION"))),
        );
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let read = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, bytes_max).collect().await;
            Ok(Response::from_parts(
                head,
                body.map_err(|error| error.to_string())?.to_bytes(),
            ))
        };
        let read = read.await;
        connection.abort();
        read
    }
}

/// TLS that trusts the system's certificate authorities.
///
/// # Errors
/// [`AddressFault::Roots`].
pub fn authorities() -> Result<TlsConnector, AddressFault> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let why = found
            .errors
            .first()
            .map_or("none is installed".to_owned(), ToString::to_string);
        return Err(AddressFault::Roots(why));
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| AddressFault::Roots(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_in_the_open() {
        for address in ["http://ocr.example/v1", "ftp://ocr.example/", "", "ocr"] {
            assert_eq!(
                Service::at(address).err(),
                Some(AddressFault::Form),
                "{address}"
            );
        }
        assert!(Service::at("http://127.0.0.1:9/v1").is_ok());
    }

    #[tokio::test]
    async fn an_answer_without_end_is_cut_and_one_that_never_comes_is_not_waited_for() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let service = Service::at(&format!(
            "http://{}/",
            listener.local_addr().expect("bound")
        ))
        .expect("loopback");
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut head = [0u8; 1024];
            let read = stream.read(&mut head).await.expect("a request");
            assert!(read > 0);
            // The other side hangs up when it has had enough.
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n")
                .await;
            let _ = stream.write_all(&[b'x'; 4096]).await;
            let (silent, _) = listener.accept().await.expect("a second caller");
            silent
        });
        let request = || Request::get("/").body(Full::default()).expect("a request");
        let long = service.send(request(), Duration::from_secs(10), 1024).await;
        assert!(long.is_err());
        let late = service
            .send(request(), Duration::from_millis(50), 1024)
            .await;
        assert_eq!(late.err().as_deref(), Some("no answer in time"));
        drop(served.await.expect("served"));
    }
}
