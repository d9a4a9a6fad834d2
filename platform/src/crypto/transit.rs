use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::KeyService;
use crate::http::{AddressFault, Service};

/// An answer is there within this time, from the connection to its end: the start waits for it.
const TIME: Duration = Duration::from_secs(5);

/// Bytes of an answer: a keyring of a hundred keys takes a tenth of it.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Characters of the service's own words that are shown.
const SAID_CHARS_MAX: usize = 200;

/// What is wrong with how the service is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitFault {
    /// The address.
    #[error(transparent)]
    Address(#[from] AddressFault),
    /// The mount or the key.
    #[error(
        "`{0}` is no name: letters, digits, hyphens, underscores and dots, in a mount slashes between them"
    )]
    Name(String),
}

/// The transit engine of HashiCorp Vault or OpenBao: it seals and opens what it is sent under a key that
/// never leaves it. The token is read from its file each time, so that whoever renews it does so there.
pub struct Transit {
    encrypt: Service,
    decrypt: Service,
    token: PathBuf,
    time: Duration,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<String>,
}

impl Transit {
    /// The engine mounted at `mount` of the server at `address`, with its key `key` and the file of the token.
    ///
    /// # Errors
    /// [`TransitFault`].
    pub fn new(address: &str, mount: &str, key: &str, token: &Path) -> Result<Self, TransitFault> {
        let names = mount.split('/').chain([key]);
        for name in names {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let dots = name.bytes().all(|byte| byte == b'.');
            if dots || !name.bytes().all(plain) {
                return Err(TransitFault::Name(name.to_owned()));
            }
        }
        let base = address.trim_end_matches('/');
        let at = |what: &str| Service::at(&format!("{base}/v1/{mount}/{what}/{key}"));
        Ok(Self {
            encrypt: at("encrypt")?,
            decrypt: at("decrypt")?,
            token: token.to_owned(),
            time: TIME,
        })
    }

    /// The field `wanted` of the answer to `body`.
    fn ask(
        &self,
        service: &Service,
        body: &Value,
        wanted: &str,
    ) -> Result<Zeroizing<String>, String> {
        let request = self.request(service, body)?;
        let sent = wait(service.send(request, self.time, ANSWER_BYTES_MAX));
        let (status, answer) = sent?;
        let answer: Option<Answer> = serde_json::from_slice(&answer).ok();
        if !status.is_success() {
            let said = answer.and_then(|answer| answer.errors.into_iter().next());
            let said: String = said
                .unwrap_or_default()
                .chars()
                .filter(|c| !c.is_control())
                .take(SAID_CHARS_MAX)
                .collect();
            return Err(format!("it answered {}: {said}", status.as_u16()));
        }
        let answer = answer.ok_or("its answer is not that of a transit engine")?;
        match answer.data.get(wanted).and_then(Value::as_str) {
            Some(text) => Ok(Zeroizing::new(text.to_owned())),
            None => Err(format!("its answer has no {wanted}")),
        }
    }

    fn request(&self, service: &Service, body: &Value) -> Result<Request<Full<Bytes>>, String> {
        let shown = self.token.display();
        let token = std::fs::read_to_string(&self.token)
            .map(Zeroizing::new)
            .map_err(|error| format!("the file of its token {shown} cannot be read: {error}"))?;
        let mut token = HeaderValue::from_str(token.trim())
            .map_err(|_| format!("what stands in {shown} is no token"))?;
        token.set_sensitive(true);
        Request::post(service.path())
            .header(CONTENT_TYPE, "application/json")
            .header("x-vault-request", "true")
            .header("x-vault-token", token)
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| error.to_string())
    }
}

impl KeyService for Transit {
    fn seal(&self, plain: &[u8]) -> Result<String, String> {
        let body = json!({ "plaintext": STANDARD.encode(plain) });
        let sealed = self.ask(&self.encrypt, &body, "ciphertext")?;
        Ok(sealed.to_string())
    }

    fn open(&self, sealed: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let body = json!({ "ciphertext": sealed });
        let plain = self.ask(&self.decrypt, &body, "plaintext")?;
        let plain = STANDARD.decode(plain.as_bytes());
        plain
            .map(Zeroizing::new)
            .map_err(|_| "its plaintext is no base64".to_owned())
    }
}

/// Waits in a thread of its own: the keyring is read and written by code that does not await, inside of a
/// runtime and outside of one.
fn wait<T: Send>(work: impl Future<Output = Result<T, String>> + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            runtime.block_on(work)
        });
        let waited = waiting.join();
        waited.unwrap_or_else(|_| Err("the question to it ended badly".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;

    use siaga_risk::units::{SECOND_NS, Ts};
    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;
    use crate::crypto::{Keyring, Origin, ROTATE_DAYS, SubjectKey};

    const TOKEN: &str = "s.only-of-this-test";

    /// A server that speaks the engine's API; it seals by turning a text round.
    fn serve() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
        address
    }

    fn answer(mut stream: TcpStream) {
        let Some((head, body)) = read(&mut stream) else {
            return;
        };
        let turned = |text: &Value| text.as_str().unwrap_or_default().chars().rev().collect();
        let known = head.contains(&format!("x-vault-token: {TOKEN}\r\n"));
        let (status, answer) = match head.split(' ').nth(1) {
            _ if !known => ("403 Forbidden", json!({"errors": ["permission denied"]})),
            Some("/v1/transit/encrypt/siaga") => {
                let turned: String = turned(&body["plaintext"]);
                let sealed = format!("vault:v1:{turned}");
                ("200 OK", json!({"data": {"ciphertext": sealed}}))
            }
            Some("/v1/transit/decrypt/siaga") => {
                let sealed = body["ciphertext"].as_str().unwrap_or_default();
                let inner = Value::from(sealed.trim_start_matches("vault:v1:"));
                let plain: String = turned(&inner);
                ("200 OK", json!({"data": {"plaintext": plain}}))
            }
            _ => ("404 Not Found", json!({"errors": []})),
        };
        let answer = answer.to_string();
        let length = answer.len();
        // Whoever asked may have gone.
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
        );
    }

    /// The head of a request and its body.
    fn read(stream: &mut TcpStream) -> Option<(String, Value)> {
        let mut bytes = Vec::new();
        let mut part = [0u8; 4096];
        loop {
            let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
            bytes.extend_from_slice(part.get(..read)?);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))?
                .parse::<usize>()
                .ok()?;
            if body.len() >= length {
                return Some((format!("{head}\r\n"), serde_json::from_str(body).ok()?));
            }
        }
    }

    /// A folder with the file of the token.
    fn folder(token: &str) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("token"), format!("{token}\n")).expect("written");
        folder
    }

    fn service(address: &str, folder: &TempDir) -> Arc<dyn KeyService> {
        let token = folder.path().join("token");
        Arc::new(Transit::new(address, "transit", "siaga", &token).expect("an address"))
    }

    #[test]
    fn the_keyring_rests_sealed_and_its_rotation_too() {
        let (address, folder) = (serve(), folder(TOKEN));
        let path = folder.path().join("keyring");
        let open = || Keyring::open_with(&path, Some(service(&address, &folder)));
        let (keyring, origin) = open().expect("made");
        assert_eq!(origin, Origin::Made);
        let subject = Uuid::from_u128(7);
        let (key, wrapped) = SubjectKey::make(&keyring, subject);
        let sealed = key.seal("f", "x");
        let resting = || std::fs::read_to_string(&path).expect("a file");
        assert!(resting().contains("vault:v1:"), "{}", resting());
        assert!(!resting().contains("active"), "nothing of it is readable");
        let at = |days: u64| Ts(days * 24 * 3_600 * SECOND_NS);
        let due =
            |keyring: &Keyring, days| keyring.rotate_when_due(&path, at(days)).expect("asked");
        assert_eq!(due(&keyring, 1_000), None, "its age begins here");
        let (again, origin) = open().expect("read");
        assert_eq!(origin, Origin::File);
        let key = SubjectKey::unwrap(&again, subject, &wrapped).expect("the same key");
        assert_eq!(key.open("f", &sealed).as_deref(), Ok("x"));
        assert_eq!(due(&again, 1_000 + ROTATE_DAYS), Some("k2".to_owned()));
        assert!(!resting().contains("active"), "{}", resting());
        assert_eq!(open().expect("read").0.active(), "k2");
    }

    #[test]
    fn a_plain_keyring_is_sealed_when_the_service_is_there_and_not_opened_without_it_afterwards() {
        let (address, folder) = (serve(), folder(TOKEN));
        let path = folder.path().join("keyring");
        let (plain, _) = Keyring::open(&path).expect("made");
        let subject = Uuid::from_u128(7);
        let (_, wrapped) = SubjectKey::make(&plain, subject);
        let (keyring, origin) =
            Keyring::open_with(&path, Some(service(&address, &folder))).expect("sealed");
        assert_eq!(origin, Origin::Sealed);
        assert!(SubjectKey::unwrap(&keyring, subject, &wrapped).is_ok());
        let error = Keyring::open(&path).expect_err("closed").to_string();
        assert!(error.contains("platform.kms"), "{error}");
    }

    #[test]
    fn whatever_the_service_does_instead_the_keyring_stays_closed_and_as_it_was() {
        let (address, folder) = (serve(), folder(TOKEN));
        let path = folder.path().join("keyring");
        Keyring::open_with(&path, Some(service(&address, &folder))).expect("made");
        let before = std::fs::read(&path).expect("a file");
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
        let token = folder.path().join("token");
        let new = |address: &str, key: &str| {
            Transit::new(address, "transit", key, &token).expect("an address")
        };
        let silent = Transit {
            time: Duration::from_millis(50),
            ..new(
                &format!("http://{}", silent.local_addr().expect("bound")),
                "siaga",
            )
        };
        let refused = |service: Transit, why: &str| {
            let error = Keyring::open_with(&path, Some(Arc::new(service)));
            let error = error.expect_err(why).to_string();
            assert!(error.contains(why) && !error.contains(TOKEN), "{error}");
        };
        refused(silent, "no answer in time");
        refused(new("http://127.0.0.1:9", "siaga"), "key management service");
        refused(new(&address, "another"), "404");
        std::fs::write(&token, "s.of-somebody-else").expect("written");
        refused(new(&address, "siaga"), "permission denied");
        std::fs::write(&token, "two\nlines").expect("written");
        refused(new(&address, "siaga"), "no token");
        std::fs::remove_file(&token).expect("removed");
        refused(new(&address, "siaga"), "cannot be read");
        assert_eq!(std::fs::read(&path).expect("a file"), before);
        let nowhere = folder.path().join("new");
        let made = Keyring::open_with(&nowhere, Some(Arc::new(new(&address, "siaga"))));
        assert!(made.is_err());
        assert!(!nowhere.exists(), "none is made that rests in the open");
    }

    #[test]
    fn names_lead_nowhere_else() {
        let token = Path::new("token");
        for (mount, key) in [
            ("transit", "a/b"),
            ("..", "siaga"),
            ("transit", ""),
            ("/transit", "siaga"),
            ("transit", "a?b"),
        ] {
            let made = Transit::new("https://vault.example:8200", mount, key, token);
            assert!(
                matches!(made.err(), Some(TransitFault::Name(_))),
                "{mount} {key}"
            );
        }
        let open = Transit::new("http://vault.example:8200", "transit", "siaga", token);
        assert_eq!(open.err(), Some(AddressFault::Form.into()));
    }
}
