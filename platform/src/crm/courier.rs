//! Letters to leads by the way that codes to users go.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::identity::faults::NOT_SET_UP;
use crate::identity::messenger::{self, Message, Messenger};
use crate::outbox::EffectError;

use super::outreach::{Courier, Letter, Sending};
use super::window::Channel;

/// Longest wait for a provider: shorter than the lease of a claim, so that no other program sends it too.
const SEND_WAIT: Duration = Duration::from_secs(20);

/// A courier that hands letters to the provider of messages.
pub struct ByMessenger {
    messenger: Arc<dyn Messenger>,
}

impl ByMessenger {
    /// By this provider.
    pub fn new(messenger: Arc<dyn Messenger>) -> Self {
        Self { messenger }
    }
}

/// The provider's own name of a channel; it has none of WhatsApp.
fn way(channel: Channel) -> Option<messenger::Channel> {
    match channel {
        Channel::Email => Some(messenger::Channel::Email),
        Channel::Sms => Some(messenger::Channel::Sms),
        Channel::WhatsApp => None,
    }
}

impl Courier for ByMessenger {
    fn serves(&self, channel: Channel) -> bool {
        way(channel).is_some_and(|way| self.messenger.serves(way))
    }

    fn send(&self, letter: Letter) -> Sending<'_> {
        Box::pin(async move {
            let Some(channel) = way(letter.channel) else {
                return Err(EffectError::Never(
                    "no provider of this channel is set up".into(),
                ));
            };
            let message = Message {
                channel,
                to: letter.to,
                subject: letter.subject,
                text: Zeroizing::new(letter.text),
            };
            // What the provider says may quote the address, so none of it is kept.
            match tokio::time::timeout(SEND_WAIT, self.messenger.send(message)).await {
                Ok(Ok(())) => Ok(letter.key.to_string()),
                Ok(Err(refusal)) if refusal.fault() == Some(NOT_SET_UP) => Err(EffectError::Never(
                    "no provider of this channel is set up".into(),
                )),
                Ok(Err(_)) => Err(EffectError::Later("the provider did not take it".into())),
                Err(_) => Err(EffectError::Later(
                    "the provider did not answer in time".into(),
                )),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::identity::messenger::{FileSink, NoMessenger};

    fn letter(channel: Channel) -> Letter {
        Letter {
            key: Uuid::from_u128(7),
            channel,
            to: "sari@contoh.id".into(),
            subject: "Siaga".into(),
            text: "Halo Sari".into(),
        }
    }

    #[tokio::test]
    async fn a_letter_goes_the_way_of_codes_and_never_by_one_that_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("messages.ndjson");
        let courier = ByMessenger::new(Arc::new(FileSink::new(path.clone())));
        let served = [Channel::Email, Channel::Sms, Channel::WhatsApp]
            .map(|channel| courier.serves(channel));
        assert_eq!(served, [true, true, false]);
        let reference = courier.send(letter(Channel::Email)).await;
        assert_eq!(
            reference,
            Ok(Uuid::from_u128(7).to_string()),
            "its own key is the reference"
        );
        let written = std::fs::read_to_string(&path).expect("there");
        assert!(
            written.contains("sari@contoh.id") && written.contains("Halo Sari"),
            "{written}"
        );
        assert!(matches!(
            courier.send(letter(Channel::WhatsApp)).await,
            Err(EffectError::Never(_))
        ));
        let none = ByMessenger::new(Arc::new(NoMessenger));
        assert!(!none.serves(Channel::Email));
        assert!(matches!(
            none.send(letter(Channel::Email)).await,
            Err(EffectError::Never(_))
        ));
    }
}
