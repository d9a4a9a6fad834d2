//! How people sign in, as the configuration says.

use std::sync::Arc;

use anyhow::Context as _;
use siaga_platform::identity::limit::Limits;
use siaga_platform::identity::messenger::{ByChannel, FileSink, Messenger, NoMessenger, Smtp};
use siaga_platform::identity::{ProviderSettings, Settings, Web};

use crate::config::{Config, Provider};

/// Where a demonstration without a mail server writes what it would send, inside the data directory.
pub(super) const MESSAGES_FILE: &str = "messages.ndjson";

/// What the operator set of signing in.
///
/// # Errors
/// The key and what is wrong with it.
pub fn settings(config: &Config) -> anyhow::Result<Settings> {
    let set = &config.identity;
    let proxies = set.trusted_proxies.iter().map(|proxy| proxy.parse());
    let providers = set.providers.iter().map(provider);
    let mut settings = Settings {
        title: set.title.clone(),
        public_url: set.public_url.clone(),
        privacy_contact: config.platform.privacy_contact.trim().to_owned(),
        messenger: Arc::new(messengers(config)?),
        providers: providers.collect::<Result<_, _>>()?,
        limits: Limits {
            address: set.per_address,
            sign_in: set.per_address_sign_in,
            upload: set.per_address_upload,
            person: set.per_person,
        },
        trusted_proxies: proxies
            .collect::<Result<_, _>>()
            .context("identity.trusted_proxies")?,
        demo: config.demo(),
        ..Settings::default()
    };
    if !settings.providers.is_empty() {
        settings.web = Arc::new(Web::open().context("identity.providers")?);
    }
    settings.check()?;
    Ok(settings)
}

/// Who sends what: what has no provider goes to a file in a demonstration, and nowhere otherwise.
fn messengers(config: &Config) -> anyhow::Result<ByChannel> {
    let set = &config.identity;
    let otherwise: Arc<dyn Messenger> = match config.feed.simulator {
        true => Arc::new(FileSink::new(config.data.dir.join(MESSAGES_FILE))),
        false => Arc::new(NoMessenger),
    };
    let email: Arc<dyn Messenger> = match &set.smtp_url {
        Some(url) => Arc::new(Smtp::new(url, &set.mail_from).map_err(anyhow::Error::msg)?),
        None => Arc::clone(&otherwise),
    };
    let sms: Arc<dyn Messenger> = match set.sms().map_err(anyhow::Error::msg)? {
        Some(provider) => Arc::new(provider),
        None => otherwise,
    };
    Ok(ByChannel { email, sms })
}

fn provider(set: &Provider) -> anyhow::Result<ProviderSettings> {
    let file = &set.client_secret_file;
    let secret = std::fs::read_to_string(file);
    let secret = secret.with_context(|| {
        format!(
            "identity.providers: the secret of {} in {}",
            set.name,
            file.display()
        )
    })?;
    Ok(ProviderSettings {
        name: set.name.clone(),
        title: set.title.clone(),
        issuer: set.issuer.clone(),
        client_id: set.client_id.clone(),
        client_secret: secret.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use siaga_platform::identity::messenger::Channel;

    use super::*;

    #[tokio::test]
    async fn what_has_a_provider_is_sent_and_all_else_in_a_demonstration_alone() {
        let mut config = Config::default();
        let served = |config: &Config| {
            let all = messengers(config).expect("set");
            [Channel::Email, Channel::Sms].map(|channel| all.serves(channel))
        };
        assert_eq!(served(&config), [true, true], "to a file");
        config.feed.simulator = false;
        assert_eq!(served(&config), [false, false]);
        config.identity.sms_url = Some("http://127.0.0.1:9/send".into());
        assert_eq!(served(&config), [false, true]);
        config.identity.smtp_url = Some("smtps://desk:x@127.0.0.1:9".into());
        config.identity.mail_from = "Siaga <desk@contoh.id>".into();
        assert_eq!(served(&config), [true, true]);
    }
}
