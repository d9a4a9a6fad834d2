//! Codes and notices to telephones: a provider of text messages is asked over HTTP, in the form that it takes.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::faults::{NOT_SENT, NOT_SET_UP};
use super::messenger::{Channel, Message, Messenger, Sending};
use super::totp::escaped;
use crate::http::{AddressFault, Service};

/// An answer is there within this time, from the connection to its end: a person waits for the code.
const TIME: Duration = Duration::from_secs(10);
/// Bytes of an answer, of which nothing but its status is looked at.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// To the person, when it may go the next time.
const LATER: &str = "try again in a minute, or use another factor";
/// To the person, when it will not go so.
const OTHERWISE: &str = "see that the number is right, or use another factor";

/// How the token is shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// As it stands: `Bearer …`.
    #[default]
    Bearer,
    /// `user:password`, which is sent as base64: `Basic …`.
    Basic,
}

/// What is wrong with the body of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// It begins as JSON and is none.
    #[error("it is no JSON: {0}")]
    Json(String),
    /// It does not begin as JSON and is no form.
    #[error(
        "it is no form: give name=value pairs joined by &, percent-encoded, or JSON that begins with a brace"
    )]
    Form,
    /// A brace that is not closed.
    #[error("a text has a brace without its end: {{to}} is the number and {{text}} the message")]
    Open,
    /// A name in braces that stands for nothing.
    #[error("`{{{0}}}` stands for nothing: {{to}} is the number and {{text}} the message")]
    Unknown(String),
    /// One of both is missing.
    #[error("it has no {{{0}}} in a value: {{to}} is the number and {{text}} the message")]
    Missing(&'static str),
}

/// The body of a request: JSON, or a form, with `{to}` for the number (E.164, as `+6281234567890`) and `{text}` for the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Body(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Json(Value),
    Pairs(String),
}

impl Body {
    /// Reads it; JSON begins with a brace or bracket, all else is a form.
    ///
    /// # Errors
    /// [`BodyFault`].
    pub fn parse(template: &str) -> Result<Self, BodyFault> {
        let template = template.trim();
        let plain = template.bytes().all(|byte| byte.is_ascii_graphic());
        let is_form = plain && template.contains('=');
        let form = match template.starts_with(['{', '[']) {
            true => {
                let value = serde_json::from_str(template);
                Form::Json(value.map_err(|error| BodyFault::Json(error.to_string()))?)
            }
            false if is_form => Form::Pairs(template.to_owned()),
            false => return Err(BodyFault::Form),
        };
        let body = Self(form);
        // What makes no difference to what is sent does not stand in it.
        let one = body.filled("1", "1")?;
        if body.filled("2", "1")? == one {
            return Err(BodyFault::Missing("to"));
        }
        if body.filled("1", "2")? == one {
            return Err(BodyFault::Missing("text"));
        }
        Ok(body)
    }

    fn content_type(&self) -> &'static str {
        match self.0 {
            Form::Json(_) => "application/json",
            Form::Pairs(_) => "application/x-www-form-urlencoded",
        }
    }

    fn filled(&self, to: &str, text: &str) -> Result<String, BodyFault> {
        match &self.0 {
            Form::Json(value) => Ok(filled_in(value, to, text)?.to_string()),
            Form::Pairs(pairs) => filled(pairs, &escaped(to), &escaped(text)),
        }
    }
}

/// The same value with every text filled.
fn filled_in(value: &Value, to: &str, text: &str) -> Result<Value, BodyFault> {
    Ok(match value {
        Value::String(template) => Value::String(filled(template, to, text)?),
        Value::Array(list) => {
            let list = list.iter().map(|one| filled_in(one, to, text));
            Value::Array(list.collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, one)| Ok::<_, BodyFault>((name.clone(), filled_in(one, to, text)?)));
            Value::Object(fields.collect::<Result<Map<_, _>, _>>()?)
        }
        other => other.clone(),
    })
}

/// In one pass: braces of the message itself stand for nothing.
fn filled(template: &str, to: &str, text: &str) -> Result<String, BodyFault> {
    let mut out = String::with_capacity(template.len() + to.len() + text.len());
    let mut rest = template;
    while let Some((plain, after)) = rest.split_once('{') {
        let (name, further) = after.split_once('}').ok_or(BodyFault::Open)?;
        out.push_str(plain);
        out.push_str(match name {
            "to" => to,
            "text" => text,
            other => return Err(BodyFault::Unknown(other.to_owned())),
        });
        rest = further;
    }
    out.push_str(rest);
    Ok(out)
}

/// A provider of text messages. Redirects are not followed: a code goes where it was configured to go.
pub struct Sms {
    service: Service,
    body: Body,
    scheme: Scheme,
    token: Option<PathBuf>,
}

impl Sms {
    /// The provider at this address. The token is read from its file each time, so that whoever renews it does so there.
    ///
    /// # Errors
    /// [`AddressFault`].
    pub fn new(
        address: &str,
        body: Body,
        scheme: Scheme,
        token: Option<PathBuf>,
    ) -> Result<Self, AddressFault> {
        Ok(Self {
            service: Service::at(address)?,
            body,
            scheme,
            token,
        })
    }

    /// Whether the token can be read.
    ///
    /// # Errors
    /// What is wrong with its file.
    pub async fn check(&self) -> Result<(), String> {
        self.authorization().await.map(drop)
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, String> {
        let Some(path) = &self.token else {
            return Ok(None);
        };
        let shown = path.display();
        let token = tokio::fs::read_to_string(path)
            .await
            .map(Zeroizing::new)
            .map_err(|error| {
                format!("{shown} cannot be read: {error}; look at identity.sms_token_path")
            })?;
        let token = token.trim();
        let value = Zeroizing::new(match self.scheme {
            Scheme::Bearer => format!("Bearer {token}"),
            Scheme::Basic => format!("Basic {}", STANDARD.encode(token)),
        });
        let value = HeaderValue::from_str(&value).ok();
        let mut value = value.filter(|_| !token.is_empty()).ok_or_else(|| {
            format!("what stands in {shown} is no token; look at identity.sms_token_path")
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn ask(&self, message: &Message) -> Result<StatusCode, String> {
        let body = self
            .body
            .filled(&message.to, &message.text)
            .map_err(|fault| format!("identity.sms_body: {fault}"))?;
        let mut request =
            Request::post(self.service.path()).header(CONTENT_TYPE, self.body.content_type());
        if let Some(value) = self.authorization().await? {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let sent = self.service.send(request, TIME, ANSWER_BYTES_MAX).await;
        let (status, _) = sent.map_err(|why| {
            format!("the provider: {why}; look at identity.sms_url and at the network")
        })?;
        Ok(status)
    }
}

impl Messenger for Sms {
    fn serves(&self, channel: Channel) -> bool {
        channel == Channel::Sms
    }

    fn send(&self, message: Message) -> Sending<'_> {
        Box::pin(async move {
            if message.channel != Channel::Sms {
                return Err(NOT_SET_UP.because("mail is not set up; tell the desk"));
            }
            let status = self.ask(&message).await.map_err(|why| {
                tracing::warn!("a text message was not sent: {why}");
                NOT_SENT.because(LATER)
            })?;
            // What a provider says may quote number and code, so none of it is logged.
            verdict(status).map_err(|(to_operator, to_person)| {
                tracing::warn!(
                    "a text message was not sent: the provider answered {}: {to_operator}",
                    status.as_u16()
                );
                NOT_SENT.because(to_person)
            })
        })
    }
}

/// What an answer means: it was taken, or what the operator does about it and what the person does.
fn verdict(status: StatusCode) -> Result<(), (&'static str, &'static str)> {
    match status {
        taken if taken.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err((
            "look at the token in the file of identity.sms_token_path and at identity.sms_scheme",
            LATER,
        )),
        StatusCode::PAYMENT_REQUIRED => Err(("look at the account's credit there", LATER)),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            Err(("look at identity.sms_url", LATER))
        }
        moved if moved.is_redirection() => {
            Err(("give the address it sends on to in identity.sms_url", LATER))
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Err(("it is asked too often, or is slow", LATER))
        }
        broken if broken.is_server_error() => Err(("it is out of order", LATER)),
        _ => Err((
            "look at identity.sms_body, and whether the provider reaches such numbers",
            OTHERWISE,
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    const JSON: &str =
        r#"{"messages": [{"destination": "{to}", "body": "{text}", "flash": false}]}"#;
    const PAIRS: &str = "To={to}&From=%2B15005550006&Body={text}";

    /// Answers one request with this status, and gives its head in small letters and its body.
    async fn provider(status: &'static str) -> (String, JoinHandle<(String, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/send", listener.local_addr().expect("bound"));
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut request = Vec::new();
            let mut part = [0u8; 1024];
            loop {
                let read = stream.read(&mut part).await.expect("a request");
                assert!(read > 0, "the request ended early");
                request.extend_from_slice(&part[..read]);
                let text = String::from_utf8(request.clone()).expect("text");
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let head = head.to_lowercase();
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .expect("a length");
                if body.len() < length.parse::<usize>().expect("a number") {
                    continue;
                }
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
                stream
                    .write_all(answer.as_bytes())
                    .await
                    .expect("an answer");
                return (head, body.to_owned());
            }
        });
        (address, served)
    }

    fn sms(address: &str, body: &str, scheme: Scheme, token: Option<&Path>) -> Sms {
        let body = Body::parse(body).expect("a body");
        Sms::new(address, body, scheme, token.map(Path::to_owned)).expect("loopback")
    }

    fn code() -> Message {
        Message {
            channel: Channel::Sms,
            to: "+6281234567890".into(),
            subject: String::new(),
            text: Zeroizing::new("Kode \"{to}\" & 123456".into()),
        }
    }

    #[tokio::test]
    async fn a_code_goes_as_json_with_the_token_of_the_file_as_it_is_now() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = folder.path().join("token");
        std::fs::write(&token, "old\n").expect("written");
        let (address, served) = provider("202 Accepted").await;
        let sms = sms(&address, JSON, Scheme::Bearer, Some(&token));
        assert!(sms.check().await.is_ok());
        std::fs::write(&token, "new\n").expect("written");
        sms.send(code()).await.expect("taken");
        let (head, body) = served.await.expect("served");
        assert!(head.starts_with("post /send "), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("authorization: bearer new"), "{head}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let sent = &body["messages"][0];
        assert_eq!(sent["destination"], "+6281234567890");
        assert_eq!(
            sent["body"], "Kode \"{to}\" & 123456",
            "braces of the message stand for nothing"
        );
        assert_eq!(sent["flash"], false);
    }

    #[tokio::test]
    async fn a_code_goes_as_a_form_with_user_and_password() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = folder.path().join("token");
        std::fs::write(&token, "user:password\n").expect("written");
        let (address, served) = provider("201 Created").await;
        let sms = sms(&address, PAIRS, Scheme::Basic, Some(&token));
        sms.send(code()).await.expect("taken");
        let (head, body) = served.await.expect("served");
        assert!(
            head.contains("content-type: application/x-www-form-urlencoded"),
            "{head}"
        );
        let shown = STANDARD.encode("user:password").to_lowercase();
        assert!(
            head.contains(&format!("authorization: basic {shown}")),
            "{head}"
        );
        assert_eq!(
            body,
            "To=%2B6281234567890&From=%2B15005550006&Body=Kode%20%22%7Bto%7D%22%20%26%20123456"
        );
    }

    #[tokio::test]
    async fn what_is_not_taken_is_told_to_the_person_and_no_redirect_is_followed() {
        for (status, advice) in [
            ("401 Unauthorized", LATER),
            ("503 Service Unavailable", LATER),
            ("302 Found\r\nlocation: http://127.0.0.1:9/", LATER),
            ("400 Bad Request", OTHERWISE),
        ] {
            let (address, served) = provider(status).await;
            let sms = sms(&address, JSON, Scheme::Bearer, None);
            let refusal = sms.send(code()).await.expect_err(status);
            assert_eq!(refusal.fault(), Some(NOT_SENT), "{status}");
            assert!(refusal.to_string().contains(advice), "{status}: {refusal}");
            let (head, _) = served.await.expect("served");
            assert!(!head.contains("authorization"), "{head}");
        }
        let nobody = sms("http://127.0.0.1:9/", JSON, Scheme::Bearer, None);
        let refusal = nobody.send(code()).await.expect_err("nobody is there");
        assert_eq!(refusal.fault(), Some(NOT_SENT));
    }

    #[tokio::test]
    async fn nothing_is_sent_without_its_token_and_no_mail_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = folder.path().join("token");
        let sms = sms("http://127.0.0.1:9/", JSON, Scheme::Bearer, Some(&token));
        let why = sms.check().await.expect_err("no file");
        assert!(why.contains("identity.sms_token_path"), "{why}");
        std::fs::write(&token, "\n").expect("written");
        assert!(sms.check().await.is_err(), "an empty file");
        let refusal = sms.send(code()).await.expect_err("no token");
        assert_eq!(refusal.fault(), Some(NOT_SENT));
        assert!(sms.serves(Channel::Sms) && !sms.serves(Channel::Email));
        let mail = Message {
            channel: Channel::Email,
            ..code()
        };
        let refusal = sms.send(mail).await.expect_err("no mail");
        assert_eq!(refusal.fault(), Some(NOT_SET_UP));
    }

    #[test]
    fn a_body_names_the_number_and_the_message_and_nothing_else() {
        for body in [JSON, PAIRS, r#"["{to}: {text}"]"#] {
            assert!(Body::parse(body).is_ok(), "{body}");
        }
        let fault = |body: &str| Body::parse(body).expect_err(body);
        assert!(matches!(fault(r#"{"to": "{to}""#), BodyFault::Json(_)));
        assert_eq!(fault("to {to} {text}"), BodyFault::Form);
        assert_eq!(fault("to={to}&text={text} now"), BodyFault::Form);
        assert_eq!(fault("to={to}&text={text"), BodyFault::Open);
        assert_eq!(
            fault("to={to}&text={code}"),
            BodyFault::Unknown("code".into())
        );
        assert_eq!(fault("text={text}"), BodyFault::Missing("to"));
        assert_eq!(
            fault(r#"{"to": "{to}", "{text}": 1}"#),
            BodyFault::Missing("text"),
            "names are sent as they stand"
        );
        let told = fault("to={to}&text={code}").to_string();
        assert!(
            told.contains("`{code}`") && told.contains("{text}"),
            "{told}"
        );
    }

    #[test]
    fn every_answer_that_is_no_success_says_what_to_do() {
        for status in (300..600).filter_map(|code| StatusCode::from_u16(code).ok()) {
            let (to_operator, _) = verdict(status).expect_err("no success");
            assert!(!to_operator.is_empty(), "{status}");
        }
        let (to_operator, _) = verdict(StatusCode::UNAUTHORIZED).expect_err("refused");
        assert!(to_operator.contains("identity.sms_token_path"));
        assert_eq!(verdict(StatusCode::ACCEPTED), Ok(()));
    }
}
