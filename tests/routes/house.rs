//! A running program with a row of every kind, and people of every role.
#![allow(clippy::disallowed_methods)] // it waits for the store, with a deadline

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use siaga::store::db::{Actor, Db, PoolOptions};
use tempfile::TempDir;
use uuid::Uuid;

use crate::postgres::{self, Server};
use crate::program::{Desk, LOOK_AGAIN, PATIENCE};

/// The house's organisation, and another one.
pub const HOUSE: &str = "00000000-0000-7000-8000-000000000001";
pub const ANOTHER: &str = "00000000-0000-7000-8000-000000000077";
/// The team of Rina, whose rows stand in `rows.sql`.
pub const TEAM: &str = "00000000-0000-7000-8000-000000000010";

const ROWS: &str = include_str!("rows.sql");
pub const PASSWORD: &str = "Kuda-Biru-Lari-77";
/// The header line of a body of JSON.
pub const JSON: &str = "Content-Type: application/json\r\n";
/// Between the parts of a form; in none of them.
const BOUNDARY: &str = "between-the-parts";
/// Far above what a test asks in a minute.
const UNLIMITED: &str = "1000000";

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Where a redirection leads.
    pub location: Option<String>,
    /// Cookies that it sets, as they are written.
    pub cookies: Vec<String>,
    pub body: Value,
}

/// Somebody who is signed in.
pub struct Person {
    pub id: Uuid,
    pub token: String,
}

pub struct House {
    desk: Desk,
    db: Db,
    people: AtomicU32,
    _server: Arc<Server>,
    folder: TempDir,
}

impl House {
    /// Starts it; nothing where PostgreSQL is not installed.
    pub async fn open() -> Option<House> {
        House::limited(UNLIMITED).await
    }

    /// The same, where one address signs in so many times a minute.
    pub async fn limited(sign_ins: &str) -> Option<House> {
        let server = postgres::server()?;
        let url = server.database().await;
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Desk::start_with(folder.path(), |command| {
            command
                .env("SIAGA__STORE__ENABLED", "true")
                .env("SIAGA__STORE__URL", &url)
                .env("SIAGA__IDENTITY__PER_ADDRESS", UNLIMITED)
                .env("SIAGA__IDENTITY__PER_ADDRESS_UPLOAD", UNLIMITED)
                .env("SIAGA__IDENTITY__PER_ADDRESS_SIGN_IN", sign_ins);
        });
        let options = PoolOptions {
            url,
            connections_max: 2,
        };
        let db = Db::server(&options).expect("an address");
        let house = House {
            desk,
            db,
            people: AtomicU32::new(0),
            _server: server,
            folder,
        };
        // The store is migrated beside the start.
        let until = Instant::now() + PATIENCE;
        while house
            .ask("GET", "/api/v1/auth/jwks.json", None, None)
            .status
            != 200
        {
            assert!(Instant::now() < until, "the store opens");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        house.run(ROWS.to_owned()).await;
        let administrator = json!({"secret": house.desk.secret, "email": "kepala@contoh.id", "password": PASSWORD, "name": "Ibu Ketua", "phone": "081122334455"});
        let made = house.ask(
            "POST",
            "/api/v1/auth/first-administrator",
            None,
            Some(&administrator),
        );
        assert_eq!(made.status, 200, "{made:?}");
        Some(house)
    }

    /// Where the program answers.
    pub fn address(&self) -> &str {
        &self.desk.address
    }

    /// Where the program keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs statements as the program does for itself.
    pub async fn run(&self, statements: String) {
        let done = self
            .db
            .write(&Actor::SYSTEM, move |tx| tx.script(statements))
            .await;
        done.unwrap_or_else(|error| panic!("{error}"));
    }

    /// A person of a role, in an organisation and a team, whose session is confirmed by a second factor.
    pub async fn person(&self, role: &str, org: &str, team: Option<&str>) -> Person {
        let n = self.people.fetch_add(1, Ordering::Relaxed);
        let registration = json!({
            "email": format!("orang{n}@contoh.id"), "password": PASSWORD, "name": "Orang Baru", "phone": format!("+628123456{n:04}"),
        });
        let registered = self.ask("POST", "/api/v1/auth/register", None, Some(&registration));
        assert_eq!(registered.status, 201, "{registered:?}");
        let token = registered.body["jwt_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let id: Uuid = registered.body["user"]["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .expect("a key");
        let team = team.map_or_else(|| "NULL".to_owned(), |team| format!("'{team}'"));
        // Before the first request of the session, which would be remembered for some seconds.
        self.run(format!(
            "UPDATE users SET role = '{role}', org_id = '{org}', team_id = {team}, status = 'active' WHERE id = '{id}';
             UPDATE org_members SET org_id = '{org}' WHERE user_id = '{id}';
             UPDATE subject_keys SET org_id = '{org}' WHERE subject_id = '{id}';
             UPDATE sessions SET org_id = '{org}', confirmed_at = now() WHERE user_id = '{id}';"
        ))
        .await;
        Person { id, token }
    }

    /// A request with a person's token, or with none.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        by: Option<&Person>,
        body: Option<&Value>,
    ) -> Answer {
        self.ask_text(
            method,
            path,
            by,
            &body.map(Value::to_string).unwrap_or_default(),
        )
    }

    /// The same under a name of the request (`Idempotency-Key`).
    pub fn ask_once(
        &self,
        method: &str,
        path: &str,
        by: &Person,
        key: &str,
        body: Option<&Value>,
    ) -> Answer {
        let header = format!("Idempotency-Key: {key}\r\n");
        let body = body.map(Value::to_string).unwrap_or_default();
        self.ask_with(method, path, Some(by), &header, &body)
    }

    /// What a browser with this cookie gets.
    pub fn visit(&self, path: &str, cookie: &str) -> Answer {
        let header = format!("Cookie: {cookie}\r\n");
        self.ask_with("GET", path, None, &header, "")
    }

    /// The same with a body as it is written.
    pub fn ask_text(&self, method: &str, path: &str, by: Option<&Person>, body: &str) -> Answer {
        self.ask_with(method, path, by, "", body)
    }

    /// A form of parts, as the head of each and its bytes.
    pub fn ask_form(&self, path: &str, by: &Person, parts: &[(String, Vec<u8>)]) -> Answer {
        let mut body = Vec::new();
        for (head, bytes) in parts {
            body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let headers = format!(
            "{}X-Client: api\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n",
            bearer(by)
        );
        self.send("POST", path, &headers, &body)
    }

    fn ask_with(
        &self,
        method: &str,
        path: &str,
        by: Option<&Person>,
        headers: &str,
        body: &str,
    ) -> Answer {
        let kind = if body.is_empty() { "" } else { JSON };
        let bearer = by.map(bearer).unwrap_or_default();
        let headers = format!("X-Client: api\r\n{bearer}{headers}{kind}");
        self.send(method, path, &headers, body.as_bytes())
    }

    /// A request with these header lines and no others but those of the connection.
    pub fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.desk.address,
            body.len()
        );
        let mut stream = TcpStream::connect(&self.desk.address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(head.as_bytes()).expect("sent");
        // Who refuses may hang up before all of it was sent: the answer counts.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        assert!(read.is_ok() || !answer.is_empty(), "{read:?}");
        let answer = String::from_utf8_lossy(&answer);
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a status");
        let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let lines = |name: &str| -> Vec<String> {
            let values = head.lines().filter_map(|line| line.strip_prefix(name));
            values.map(str::to_owned).collect()
        };
        // Chunked or plain: the JSON is what stands between the first and the last bracket.
        let body = text.find(['{', '[']).zip(text.rfind(['}', ']']));
        let body = body.and_then(|(from, to)| serde_json::from_str(text.get(from..=to)?).ok());
        Answer {
            status,
            location: lines("location: ").pop(),
            cookies: lines("set-cookie: "),
            body: body.unwrap_or(Value::Null),
        }
    }
}

fn bearer(person: &Person) -> String {
    format!("Authorization: Bearer {}\r\n", person.token)
}

/// The head of a part that is text or, with the name of a file, a file.
pub fn part(name: &str, file: Option<&str>) -> String {
    let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: image/jpeg"));
    let file = file.unwrap_or_default();
    format!("Content-Disposition: form-data; name=\"{name}\"{file}")
}

/// The lines of a typed table, without its comments, cut at the bars.
pub fn table(text: &str) -> Vec<Vec<&str>> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split('|').map(str::trim).collect())
        .collect()
}

/// `#42` as the key of a row of `rows.sql`; anything else as it is.
pub fn key(text: &str) -> String {
    text.strip_prefix('#').map_or_else(
        || text.to_owned(),
        |digits| format!("00000000-0000-7000-8000-{digits:0>12}"),
    )
}
