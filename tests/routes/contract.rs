//! P0.01-P0.03 and P0.10-P0.12 as programs and browsers meet them: exact fields, tokens where they belong, and uploads that are refused.
#![allow(clippy::disallowed_methods)] // it waits for a reader, with a deadline

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use siaga_platform::kyc::image::FILE_BYTES_MAX;

use crate::house::{Answer, HOUSE, House, JSON, PASSWORD, Person, part};
use crate::photo::photo;
use crate::program::{LOOK_AGAIN, PATIENCE};

const REGISTER: &str = "/api/v1/auth/register";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const ME: &str = "/api/v1/auth/me";
const UPLOAD: &str = "/api/v1/kyc/upload";
const ACCESS: &str = "siaga_access";
const REFRESHING: &str = "siaga_refresh";

const SIGNED_IN: [&str; 7] = [
    "csrf",
    "enrol",
    "jwt_token",
    "mfa",
    "refresh_token",
    "tokens",
    "user",
];
const TOKENS: [&str; 4] = ["expires_in", "jwt_token", "refresh_token", "token_type"];
const REFRESHED: [&str; 4] = ["csrf", "expires_in", "new_access_token", "refresh_token"];
const UPLOADED: [&str; 4] = ["case", "document_id", "documents", "ocr_status"];
const DOCUMENT: [&str; 18] = [
    "case_id",
    "case_status",
    "content_url",
    "content_url_expires",
    "created_at",
    "document_data",
    "document_id",
    "document_type",
    "hints",
    "ocr_confidence",
    "ocr_status",
    "quality",
    "reviewed_at",
    "reviewed_by",
    "revision",
    "sight",
    "user_id",
    "verification_status",
];
const DECIDED: [&str; 6] = [
    "attempts_left",
    "awaiting_second",
    "document_status",
    "new_status",
    "notification_sent",
    "revision",
];

/// The names of an object's fields, sorted.
fn fields(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    let found = value[field].as_str();
    found.unwrap_or_else(|| panic!("no text in {field}: {value}"))
}

fn sari() -> Value {
    json!({"email": "sari@contoh.id", "password": PASSWORD, "name": "Sari Dewi", "phone": "+628129990001"})
}

fn credentials() -> Value {
    json!({"email": "sari@contoh.id", "password": PASSWORD})
}

/// Asks who one is, by an access token in a header.
fn me(house: &House, token: &str) -> Answer {
    let headers = format!("Authorization: Bearer {token}\r\n");
    house.send("GET", ME, &headers, b"")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_its_tokens_in_the_body_and_no_cookie() {
    let Some(house) = House::open().await else {
        return;
    };
    let registered = house.ask("POST", REGISTER, None, Some(&sari()));
    let signed_in = house.ask("POST", LOGIN, None, Some(&credentials()));
    assert_eq!((registered.status, signed_in.status), (201, 200));
    for answer in [&registered, &signed_in] {
        let body = &answer.body;
        assert_eq!(fields(body), SIGNED_IN);
        assert_eq!(fields(&body["tokens"]), TOKENS);
        for field in ["jwt_token", "refresh_token"] {
            assert_eq!(text(body, field), text(&body["tokens"], field));
        }
        assert_eq!(body["user"]["email"], "sari@contoh.id");
        assert!(body["csrf"].is_null() && answer.cookies.is_empty());
        assert_eq!(me(&house, text(body, "jwt_token")).status, 200);
    }
    let old = text(&signed_in.body, "refresh_token");
    let refreshed = house.ask("POST", REFRESH, None, Some(&json!({"refresh_token": old})));
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(fields(&refreshed.body), REFRESHED);
    assert!(refreshed.body["csrf"].is_null() && refreshed.cookies.is_empty());
    assert_ne!(text(&refreshed.body, "refresh_token"), old);
    let access = text(&refreshed.body, "new_access_token");
    assert_eq!(me(&house, access).status, 200);

    // What a program holds is worth nothing as a browser's cookie.
    let newest = text(&refreshed.body, "refresh_token");
    let cookie = format!("Cookie: {REFRESHING}={newest}\r\n");
    let crossed = house.send("POST", REFRESH, &cookie, b"");
    assert_eq!(crossed.status, 401, "{}", crossed.body);
    assert!(!crossed.body.to_string().contains("eyJ"), "no token leaves");
}

/// A browser: it keeps cookies and sends them where they belong.
struct Browser<'h> {
    house: &'h House,
    /// Value and path of each cookie, by its name.
    cookies: BTreeMap<String, (String, String)>,
}

impl<'h> Browser<'h> {
    fn of(house: &'h House) -> Browser<'h> {
        Browser {
            house,
            cookies: BTreeMap::new(),
        }
    }

    fn send(&mut self, method: &str, path: &str, headers: &str, body: Option<&Value>) -> Answer {
        let fitting = self.cookies.iter();
        let fitting = fitting.filter(|(_, (_, below))| path.starts_with(below.as_str()));
        let pairs: Vec<String> = fitting
            .map(|(name, (value, _))| format!("{name}={value}"))
            .collect();
        let cookies = match pairs.is_empty() {
            true => String::new(),
            false => format!("Cookie: {}\r\n", pairs.join("; ")),
        };
        let kind = if body.is_some() { JSON } else { "" };
        let body = body.map(Value::to_string).unwrap_or_default();
        let headers = format!("{headers}{cookies}{kind}");
        let answer = self.house.send(method, path, &headers, body.as_bytes());
        for line in &answer.cookies {
            self.keep(line);
        }
        answer
    }

    fn keep(&mut self, line: &str) {
        assert!(
            line.contains("; HttpOnly") && line.contains("; SameSite=Strict"),
            "{line}"
        );
        let mut words = line.split("; ");
        let pair = words.next().and_then(|pair| pair.split_once('='));
        let (name, value) = pair.expect("a name and a value");
        let path = words.find_map(|word| word.strip_prefix("Path="));
        match value.is_empty() {
            true => self.cookies.remove(name),
            false => {
                let kept = (value.to_owned(), path.expect("a path").to_owned());
                self.cookies.insert(name.to_owned(), kept)
            }
        };
    }

    fn cookie(&self, name: &str) -> String {
        self.cookies[name].0.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_its_tokens_in_cookies_and_none_in_a_body() {
    let Some(house) = House::open().await else {
        return;
    };
    let mut browser = Browser::of(&house);
    let nobody = browser.send("POST", REFRESH, "", None);
    assert_eq!((nobody.status, nobody.cookies.len()), (401, 0));
    let registered = browser.send("POST", REGISTER, "", Some(&sari()));
    let signed_in = browser.send("POST", LOGIN, "", Some(&credentials()));
    assert_eq!((registered.status, signed_in.status), (201, 200));
    for answer in [&registered, &signed_in] {
        let body = &answer.body;
        assert_eq!(fields(body), SIGNED_IN);
        for field in ["jwt_token", "refresh_token", "tokens"] {
            assert!(body[field].is_null(), "{field}: {body}");
        }
        assert_eq!(answer.cookies.len(), 2, "{:?}", answer.cookies);
    }
    let kept: Vec<&str> = browser.cookies.keys().map(String::as_str).collect();
    assert_eq!(kept, [ACCESS, REFRESHING]);
    let csrf = text(&signed_in.body, "csrf").to_owned();
    let asked = browser.send("GET", ME, "", None);
    assert_eq!((asked.status, text(&asked.body, "csrf")), (200, &*csrf));

    // Read by a script, the token would be worth nothing in a header.
    let stolen = me(&house, &browser.cookie(ACCESS));
    assert_eq!(
        (stolen.status, text(&stolen.body, "name")),
        (401, "unauthenticated")
    );

    let (access, refresh) = (browser.cookie(ACCESS), browser.cookie(REFRESHING));
    let refreshed = browser.send("POST", REFRESH, "", None);
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(fields(&refreshed.body), REFRESHED);
    for field in ["new_access_token", "refresh_token"] {
        assert!(refreshed.body[field].is_null(), "{field}");
    }
    assert_ne!(browser.cookie(ACCESS), access);
    assert_ne!(browser.cookie(REFRESHING), refresh);
    let csrf = text(&refreshed.body, "csrf").to_owned();

    // Another site can make the browser send its cookies, and does not know the value beside them.
    for headers in ["", "X-CSRF-Token: guessed\r\n"] {
        let refused = browser.send("POST", LOGOUT, headers, None);
        assert_eq!(
            (refused.status, text(&refused.body, "name")),
            (403, "csrf_token")
        );
        assert_eq!(browser.send("GET", ME, "", None).status, 200);
    }
    let access = browser.cookie(ACCESS);
    let known = format!("X-CSRF-Token: {csrf}\r\n");
    assert_eq!(browser.send("POST", LOGOUT, &known, None).status, 204);
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    let late = format!("Cookie: {ACCESS}={access}\r\n");
    assert_eq!(house.send("GET", ME, &late, b"").status, 401, "it is over");
}

/// A form of one type and one file with a name.
fn one(kind: &str, file: &str, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    vec![
        (part("document_types[]", None), kind.as_bytes().to_vec()),
        (part("files[]", Some(file)), bytes),
    ]
}

/// Waits until a document's state is as it shall be.
async fn document(house: &House, by: &Person, id: &str, state: &str) -> Value {
    let path = format!("/api/v1/kyc/{id}");
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = house.ask("GET", &path, Some(by), None);
        assert_eq!(answer.status, 200, "{}", answer.body);
        if answer.body["verification_status"] == state {
            return answer.body;
        }
        assert!(Instant::now() < until, "never {state}: {}", answer.body);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_handed_in_looked_at_and_decided() {
    let Some(house) = House::open().await else {
        return;
    };
    let client = house.person("end_user", HOUSE, None).await;
    let officer = house.person("compliance_officer", HOUSE, None).await;
    let first = house.ask_form(UPLOAD, &client, &one("ktp", "ktp.jpg", photo(1)));
    assert_eq!(first.status, 201, "{}", first.body);
    let body = &first.body;
    assert_eq!(fields(body), UPLOADED);
    let taken = &body["documents"][0];
    assert_eq!(
        fields(taken),
        [
            "document_id",
            "document_type",
            "hints",
            "ocr_status",
            "quality"
        ]
    );
    for field in ["document_id", "ocr_status"] {
        assert_eq!(body[field], taken[field], "the first one's at the top");
    }
    assert_eq!(
        fields(&body["case"]),
        ["attempts_left", "id", "missing", "status"]
    );
    let missing = body["case"]["missing"].as_array().expect("types");
    assert!(!missing.is_empty(), "{body}");
    let wanted = missing.iter().map(|kind| kind.as_str().expect("a type"));
    let rest: Vec<(String, Vec<u8>)> = (2..)
        .zip(wanted)
        .flat_map(|(number, kind)| one(kind, "photo.jpg", photo(number)))
        .collect();
    let second = house.ask_form(UPLOAD, &client, &rest);
    assert_eq!(second.status, 201, "{}", second.body);
    assert_eq!(second.body["case"]["missing"], json!([]));

    let id = text(body, "document_id");
    let shown = document(&house, &client, id, "review").await;
    assert_eq!(fields(&shown), DOCUMENT);
    assert!(shown["document_data"].is_object(), "{shown}");
    let verdict = json!({"action": "reject", "notes": "nothing can be read on it"});
    let path = format!("/api/v1/kyc/{id}/review");
    let by_themselves = house.ask("PUT", &path, Some(&client), Some(&verdict));
    assert_eq!(by_themselves.status, 403, "{}", by_themselves.body);
    let decided = house.ask("PUT", &path, Some(&officer), Some(&verdict));
    assert_eq!(decided.status, 200, "{}", decided.body);
    assert_eq!(fields(&decided.body), DECIDED);
    assert_eq!(
        (
            text(&decided.body, "new_status"),
            &decided.body["notification_sent"]
        ),
        ("REJECTED", &json!(true))
    );
    document(&house, &client, id, "rejected").await;
}

/// Whether a file under `folder` has `word` in its name.
fn holds(folder: &Path, word: &str) -> bool {
    // Others may take files away meanwhile.
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| {
        let named = entry.file_name().to_string_lossy().contains(word);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        named || (is_folder && holds(&entry.path(), word))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused_says_why_and_names_of_files_lead_nowhere() {
    let Some(house) = House::open().await else {
        return;
    };
    let client = house.person("end_user", HOUSE, None).await;
    let mut large = photo(1);
    large.resize(FILE_BYTES_MAX + 1, 0);
    let files = |number: u32| -> Vec<(String, Vec<u8>)> {
        let file = |n| (part("files[]", Some("qwx.jpg")), photo(n));
        (0..number).map(file).collect()
    };
    let parts = |number: usize| vec![(part("document_types[]", None), b"ktp".to_vec()); number];
    let page = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
    for (what, form, status, name) in [
        (
            "a byte more than 5 MB",
            one("ktp", "qwx.jpg", large),
            413,
            "document_too_large",
        ),
        (
            "a page that is called a picture",
            one("ktp", "qwx.jpg", page),
            415,
            "document_type_refused",
        ),
        (
            "half a picture",
            one("ktp", "qwx.jpg", photo(2)[..200].to_vec()),
            422,
            "document_unreadable",
        ),
        ("six files", files(6), 422, "upload_form"),
        (
            "no file",
            vec![(part("user_id", None), client.id.to_string().into_bytes())],
            422,
            "upload_form",
        ),
        ("twelve parts", parts(12), 422, "bad_field"),
        (
            "a type that there is not",
            one("qwx", "qwx.jpg", photo(3)),
            422,
            "bad_field",
        ),
        (
            "a part that there is not",
            vec![(part("qwx", None), b"1".to_vec())],
            422,
            "bad_field",
        ),
    ] {
        let answer = house.ask_form(UPLOAD, &client, &form);
        let said = (answer.status, text(&answer.body, "name"));
        assert_eq!(said, (status, name), "{what}: {}", answer.body);
        assert!(!answer.body.to_string().contains("qwx"), "{}", answer.body);
    }
    let none = house.ask("GET", "/api/v1/kyc/me", Some(&client), None);
    assert_eq!(none.status, 404, "nothing was kept: {}", none.body);

    let no_form = house.ask("POST", UPLOAD, Some(&client), Some(&json!({})));
    assert_eq!(no_form.status, 422, "no form: {}", no_form.body);
    let tricks = [
        ("ktp", "../../../qwx-escaped.jpg"),
        ("selfie", "/tmp/qwx-escaped.jpg"),
        ("npwp", "..%2f..%2fqwx-escaped.php"),
        ("proof_of_address", "qwx-escaped.jpg\\..\\..\\x"),
    ];
    let form: Vec<(String, Vec<u8>)> = (10..)
        .zip(tricks)
        .flat_map(|(number, (kind, trick))| one(kind, trick, photo(number)))
        .collect();
    let taken = house.ask_form(UPLOAD, &client, &form);
    assert_eq!(taken.status, 201, "{}", taken.body);
    assert!(!taken.body.to_string().contains("qwx"), "{}", taken.body);
    let secret = house.folder().join("secret");
    assert!(secret.exists(), "it is looked where the program writes");
    assert!(!holds(house.folder(), "qwx"), "under the program's folder");
    assert!(!Path::new("/tmp/qwx-escaped.jpg").exists());
}
