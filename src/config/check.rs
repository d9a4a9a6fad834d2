//! What types cannot say of a configuration: everything that would end a start is said here first.

use siaga_alerts::sinks::signature::Secret;
use siaga_alerts::sinks::webhook::{WebhookConfig, WebhookFault, WebhookSink};
use siaga_feed::catalog::Catalog;
use siaga_platform::http::Service;
use siaga_platform::identity::sms::{Body, Sms};

use super::{Alerts, Config, Identity, Venue};
use crate::desk::kept_names::KeptNames;
use crate::desk::links::BRIDGE;

/// What the simulated market can do.
const SCENARIOS: [&str; 8] = [
    "calm",
    "trend",
    "news_spike",
    "flash_crash",
    "gap",
    "mute_feed",
    "bad_ticks",
    "weekend",
];

impl Config {
    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The key and what it may be.
    pub fn check(&self) -> Result<(), String> {
        // One secret opens everything, so far: nothing but this machine may try it.
        if !self.server.listen.ip().is_loopback() {
            return Err(format!(
                "server.listen {} is not a loopback address: until users have accounts, listen on 127.0.0.1 and put a \
                 proxy that signs people in before it",
                self.server.listen
            ));
        }
        if !(1..=1_024).contains(&self.data.segment_mib) {
            return Err("data.segment_mib must be between 1 and 1024".into());
        }
        if self.store.keep_second_hours == 0 {
            return Err("store.keep_second_hours must be at least 1".into());
        }
        if !(self.feed.rate > 0.0 && self.feed.rate <= 10_000.0) {
            return Err("feed.rate must be above 0 and at most 10000".into());
        }
        if !SCENARIOS.contains(&self.feed.scenario.as_str()) {
            return Err(format!(
                "feed.scenario `{}` is none of {}",
                self.feed.scenario,
                SCENARIOS.join(", ")
            ));
        }
        if self.broker.partial_percent > 100 || self.broker.reject_percent > 100 {
            return Err("broker.partial_percent and broker.reject_percent are at most 100".into());
        }
        if self.broker.markup_percent > 100 {
            return Err("broker.markup_percent is at most 100".into());
        }
        self.identity.check()?;
        let accounts = &self.platform.accounts;
        if accounts.group == 0 || accounts.link == 0 || accounts.currency == 0 {
            return Err(
                "platform.accounts: group, link and currency are numbers of terms, from 1".into(),
            );
        }
        let demo = &self.platform.demo;
        if demo.group == 0 || demo.link == 0 || demo.currency == 0 || demo.balance == 0 {
            return Err(
                "platform.demo: group, link and currency are numbers of terms, balance is in whole units, each from 1".into(),
            );
        }
        let links = Catalog::shipped().links;
        if links
            .iter()
            .any(|link| link.name == BRIDGE && link.terms.id.0 == demo.link)
        {
            return Err(format!(
                "platform.demo.link {} is the bridge: play money is traded on paper alone",
                demo.link
            ));
        }
        if let Some(url) = &self.platform.ocr_url {
            Service::at(url).map_err(|fault| format!("platform.ocr_url: {fault}"))?;
        }
        self.platform.key_service()?;
        // What cannot be read the start says.
        let kept = KeptNames::open(&self.data.dir).unwrap_or_default();
        self.feed.binance.check("binance", &kept)?;
        self.feed.kraken.check("kraken", &kept)?;
        self.alerts.webhook().map(drop)
    }
}

impl Identity {
    /// The provider of text messages, when one is configured.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn sms(&self) -> Result<Option<Sms>, String> {
        let Some(url) = &self.sms_url else {
            return match &self.sms_token_path {
                Some(_) => Err("identity.sms_url is not set: identity.sms_token_path is the token of a provider of text messages".into()),
                None => Ok(None),
            };
        };
        let body =
            Body::parse(&self.sms_body).map_err(|fault| format!("identity.sms_body: {fault}"))?;
        Sms::new(url, body, self.sms_scheme, self.sms_token_path.clone())
            .map(Some)
            .map_err(|fault| format!("identity.sms_url: {fault}"))
    }

    fn check(&self) -> Result<(), String> {
        for proxy in &self.trusted_proxies {
            if proxy.parse::<std::net::IpAddr>().is_err() {
                return Err(format!("identity.trusted_proxies: `{proxy}` is no address"));
            }
        }
        let least = [
            self.per_address,
            self.per_address_sign_in,
            self.per_address_upload,
            self.per_person,
        ];
        if least.contains(&0) {
            return Err("identity.per_address, per_address_sign_in, per_address_upload and per_person must be at least 1".into());
        }
        if let Some(url) = &self.smtp_url {
            siaga_platform::identity::messenger::Smtp::check(url, &self.mail_from)
                .map_err(|problem| format!("identity.smtp_url, identity.mail_from: {problem}"))?;
        }
        self.sms()?;
        for provider in &self.providers {
            let name = &provider.name;
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            {
                return Err(format!(
                    "identity.providers: the name `{name}` has small letters, digits and hyphens alone"
                ));
            }
            if !provider.issuer.starts_with("https://") {
                return Err(format!(
                    "identity.providers: the issuer of {name} begins with https://"
                ));
            }
            if self
                .providers
                .iter()
                .filter(|other| other.name == *name)
                .count()
                > 1
            {
                return Err(format!("identity.providers: {name} stands there twice"));
            }
        }
        match &self.public_url {
            None if !self.providers.is_empty() => Err("identity.providers need identity.public_url: people are sent back to it".into()),
            Some(url) if !(url.starts_with("https://") || url.starts_with("http://localhost")) => {
                Err("identity.public_url begins with https://, or with http://localhost on this machine".into())
            }
            _ => Ok(()),
        }
    }
}

impl Venue {
    fn check(&self, name: &str, kept: &KeptNames) -> Result<(), String> {
        if let Some(url) = &self.url
            && !(url.starts_with("ws://") || url.starts_with("wss://"))
        {
            return Err(format!(
                "feed.{name}.url `{url}` begins with wss:// or ws://"
            ));
        }
        if self.symbols.is_empty() {
            return Ok(());
        }
        let catalog = Catalog::shipped();
        let fault = |problem: String| format!("feed.{name}.symbols: {problem}");
        let source = catalog
            .source(name)
            .map_err(|error| fault(error.to_string()))?;
        for symbol in &self.symbols {
            // What was imported goes before what the program ships.
            let lists = match kept.listing(symbol) {
                Some(listing) => listing.venues.contains_key(name),
                None => {
                    let listing = catalog.listing(symbol);
                    let listing = listing.map_err(|error| fault(error.to_string()))?;
                    let mut venues = listing.venues.iter();
                    venues.any(|venue| venue.source == source.terms.id)
                }
            };
            if !lists {
                return Err(fault(format!(
                    "{name} does not list {symbol}: leave it out"
                )));
            }
        }
        Ok(())
    }
}

impl Alerts {
    /// The webhook's sink, when one is configured.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn webhook(&self) -> Result<Option<WebhookSink>, String> {
        let Some(url) = &self.webhook_url else {
            return Ok(None);
        };
        let secrets = self.webhook_secrets.iter().map(|text| Secret::parse(text));
        let secrets = secrets
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("alerts.webhook_secrets: {error}"))?;
        let webhook = WebhookConfig {
            url: url.clone(),
            secrets,
        };
        WebhookSink::new(webhook)
            .map(Some)
            .map_err(|fault| match fault {
                WebhookFault::Secrets(count) => format!(
                    "alerts.webhook_secrets: deliveries are signed with one secret, or two during a rotation; {count} are \
                     configured: give them here or in a file named by SIAGA__ALERTS__WEBHOOK_SECRETS_FILE, each whsec_ \
                     and the base64 of 24 to 64 random bytes"
                ),
                WebhookFault::Url(why) => format!("alerts.webhook_url: {why}"),
                roots @ WebhookFault::Roots(_) => format!("alerts.webhook_url: {roots}"),
            })
    }
}
