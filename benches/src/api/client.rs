//! A client that keeps its connection: requests and answers of HTTP/1.1 with a length.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection to the program, with the secret.
pub struct Client {
    socket: BufReader<TcpStream>,
    head: String,
}

impl Client {
    /// Connects to `address`.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn connect(address: &str, bearer: &str) -> Self {
        let socket = TcpStream::connect(address).await.expect("it listens");
        socket.set_nodelay(true).expect("a socket takes it");
        Self {
            socket: BufReader::new(socket),
            head: format!(
                "Host: {address}\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\n"
            ),
        }
    }

    /// Sends a request; the status and the body of its answer.
    ///
    /// # Panics
    /// When the connection breaks, or the answer has no length.
    pub async fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\n{}Content-Length: {length}\r\n\r\n{body}",
            self.head
        );
        self.socket
            .write_all(request.as_bytes())
            .await
            .expect("sent");
        let (mut status, mut bytes) = (0, 0);
        loop {
            let mut line = String::new();
            let read = self.socket.read_line(&mut line).await.expect("answered");
            assert!(read > 0, "the program hung up on {method} {path}");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest
                    .get(..3)
                    .and_then(|code| code.parse().ok())
                    .expect("a status");
            }
            if let Some(length) = line.strip_prefix("content-length:") {
                bytes = length.trim().parse().expect("a length");
            }
            assert!(
                !line.starts_with("transfer-encoding:"),
                "{method} {path} has no length"
            );
        }
        let mut answer = vec![0; bytes];
        self.socket
            .read_exact(&mut answer)
            .await
            .expect("a whole answer");
        (status, String::from_utf8(answer).expect("text"))
    }
}
