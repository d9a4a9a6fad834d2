//! How codes and notices reach a person: each way by its provider, mail by SMTP, and for development a file instead.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message as Mail, Tokio1Executor};
use zeroize::Zeroizing;

use super::copies::append;
use super::faults::{NOT_SENT, NOT_SET_UP};
use crate::refusal::Refusal;

/// By which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// To an e-mail address.
    Email,
    /// To a telephone.
    Sms,
}

/// What is sent. It has no Debug: a code belongs into no log.
#[derive(Clone)]
pub struct Message {
    /// By which way.
    pub channel: Channel,
    /// The address or the E.164 number.
    pub to: String,
    /// One line; mail only.
    pub subject: String,
    /// The text, with the code.
    pub text: Zeroizing<String>,
}

/// The answer of a provider.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'a>>;

/// A provider of messages.
pub trait Messenger: Send + Sync + 'static {
    /// Whether it serves the way at all: what it does not serve is not offered as a factor.
    fn serves(&self, channel: Channel) -> bool;

    /// Sends, or says that it could not. Nobody is told to whom, and the text is not logged.
    fn send(&self, message: Message) -> Sending<'_>;
}

/// No provider: codes cannot be sent.
pub struct NoMessenger;

impl Messenger for NoMessenger {
    fn serves(&self, _channel: Channel) -> bool {
        false
    }

    fn send(&self, _message: Message) -> Sending<'_> {
        Box::pin(async {
            Err(NOT_SET_UP.because("no way to send messages is set up; tell the desk"))
        })
    }
}

/// Each way by its own provider.
pub struct ByChannel {
    /// Of mail.
    pub email: Arc<dyn Messenger>,
    /// Of text messages.
    pub sms: Arc<dyn Messenger>,
}

impl ByChannel {
    fn of(&self, channel: Channel) -> &dyn Messenger {
        match channel {
            Channel::Email => self.email.as_ref(),
            Channel::Sms => self.sms.as_ref(),
        }
    }
}

impl Messenger for ByChannel {
    fn serves(&self, channel: Channel) -> bool {
        self.of(channel).serves(channel)
    }

    fn send(&self, message: Message) -> Sending<'_> {
        self.of(message.channel).send(message)
    }
}

/// Mail by SMTP.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// By URL: `smtps://user:password@mail.example:465`, or `smtp://…?tls=required`. Inside of a runtime only: the pool of
    /// connections is tidied by a task.
    ///
    /// # Errors
    /// As [`Smtp::check`].
    pub fn new(url: &str, from: &str) -> Result<Self, String> {
        let (transport, from) = Self::read(url, from)?;
        Ok(Self {
            transport: transport.build(),
            from,
        })
    }

    /// Whether URL and sender are understood.
    ///
    /// # Errors
    /// What is wrong with them, without quoting the password.
    pub fn check(url: &str, from: &str) -> Result<(), String> {
        Self::read(url, from).map(drop)
    }

    fn read(url: &str, from: &str) -> Result<(AsyncSmtpTransportBuilder, Mailbox), String> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let transport = transport.map_err(|_| "the address of the mail server is not understood; it looks like smtps://user:password@host:465".to_owned())?;
        let from = from
            .parse::<Mailbox>()
            .map_err(|error| format!("the sender {from:?}: {error}"))?;
        Ok((transport, from))
    }

    async fn mail(&self, message: Message) -> Result<(), String> {
        let to = message
            .to
            .parse::<Mailbox>()
            .map_err(|_| "the address of the person is none for mail".to_owned())?;
        let mail = Mail::builder()
            .from(self.from.clone())
            .to(to)
            .subject(message.subject)
            .header(ContentType::TEXT_PLAIN);
        let mail = mail
            .body(message.text.as_str().to_owned())
            .map_err(|error| error.to_string())?;
        self.transport
            .send(mail)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

impl Messenger for Smtp {
    fn serves(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    fn send(&self, message: Message) -> Sending<'_> {
        Box::pin(async move {
            if message.channel != Channel::Email {
                return Err(
                    NOT_SET_UP.because("messages to telephones are not set up; use another factor")
                );
            }
            self.mail(message).await.map_err(|why| {
                tracing::warn!("mail was not sent: {why}");
                NOT_SENT.because("try again in a minute")
            })
        })
    }
}

/// For development and demonstration: messages are appended to a file that only its owner reads, one JSON line each.
pub struct FileSink {
    path: PathBuf,
    /// One writer at a time, so that lines stay whole.
    turn: tokio::sync::Mutex<()>,
}

impl FileSink {
    /// Into this file.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            turn: tokio::sync::Mutex::new(()),
        }
    }
}

impl Messenger for FileSink {
    fn serves(&self, _channel: Channel) -> bool {
        true
    }

    fn send(&self, message: Message) -> Sending<'_> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let channel = match message.channel {
                Channel::Email => "email",
                Channel::Sms => "sms",
            };
            let line = serde_json::json!({"channel": channel, "to": message.to, "subject": message.subject, "text": message.text.as_str()});
            let path = self.path.clone();
            let written =
                tokio::task::spawn_blocking(move || append(&path, &format!("{line}\n"))).await;
            match written {
                Ok(Ok(())) => Ok(()),
                _ => {
                    tracing::warn!("a message could not be written to its file");
                    Err(NOT_SENT.because("try again in a minute"))
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_takes_messages_line_by_line_and_shows_them_to_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("messages.ndjson");
        let sink = FileSink::new(path.clone());
        for code in ["111111", "222222"] {
            let message = Message {
                channel: Channel::Sms,
                to: "+6281".into(),
                subject: "Siaga".into(),
                text: Zeroizing::new(format!("Your code: {code}")),
            };
            sink.send(message).await.expect("written");
        }
        let text = std::fs::read_to_string(&path).expect("there");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["text"], "Your code: 222222");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&path)
                    .expect("there")
                    .permissions()
                    .mode()
                    & 0o777,
                0o600
            );
        }
    }

    #[tokio::test]
    async fn each_way_goes_by_its_own_provider() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("messages.ndjson");
        let both = ByChannel {
            email: Arc::new(NoMessenger),
            sms: Arc::new(FileSink::new(path.clone())),
        };
        assert!(both.serves(Channel::Sms) && !both.serves(Channel::Email));
        let message = |channel| Message {
            channel,
            to: "+6281".into(),
            subject: "Siaga".into(),
            text: Zeroizing::new("Your code: 111111".into()),
        };
        let refusal = both.send(message(Channel::Email)).await;
        let refusal = refusal.expect_err("no provider of mail");
        assert_eq!(refusal.fault(), Some(NOT_SET_UP));
        assert!(!path.exists());
        both.send(message(Channel::Sms)).await.expect("written");
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_wrong_url_is_told_without_its_password() {
        let told = Smtp::check("imap://desk:hunter2@mail.example", "Siaga <desk@contoh.id>")
            .expect_err("refused");
        assert!(!told.contains("hunter2"), "{told}");
        assert!(Smtp::check("smtps://desk:x@mail.example:465", "nobody").is_err());
        assert!(Smtp::check("smtps://desk:x@mail.example:465", "Siaga <desk@contoh.id>").is_ok());
    }
}
