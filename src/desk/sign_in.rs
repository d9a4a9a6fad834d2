//! How people sign in, as the configuration says.

use std::sync::Arc;

use anyhow::Context as _;
use siaga_platform::identity::limit::Limits;
use siaga_platform::identity::messenger::{FileSink, Messenger, NoMessenger, Smtp};
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
    let messenger: Arc<dyn Messenger> = match &set.smtp_url {
        Some(url) => Arc::new(Smtp::new(url, &set.mail_from).map_err(anyhow::Error::msg)?),
        None if config.feed.simulator => {
            Arc::new(FileSink::new(config.data.dir.join(MESSAGES_FILE)))
        }
        None => Arc::new(NoMessenger),
    };
    let proxies = set.trusted_proxies.iter().map(|proxy| proxy.parse());
    let providers = set.providers.iter().map(provider);
    let mut settings = Settings {
        title: set.title.clone(),
        public_url: set.public_url.clone(),
        privacy_contact: config.platform.privacy_contact.trim().to_owned(),
        messenger,
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
