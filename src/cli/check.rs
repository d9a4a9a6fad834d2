//! `siaga check-config`: the file has been read and checked by then; print what is in force.

use super::Exit;
use crate::config::Config;

/// Says that the configuration is well, and what it comes to.
pub fn run(config: &Config, json: bool) -> anyhow::Result<Exit> {
    let lines = [
        ("listen", config.server.listen.to_string()),
        ("data", config.data.dir.display().to_string()),
        ("store", store(config)),
        ("prices", prices(config)),
        ("bridge", on(config.broker.bridge_token.is_some())),
        ("webhook", on(config.alerts.webhook_url.is_some())),
        ("mail", on(config.identity.smtp_url.is_some())),
        ("sms", on(config.identity.sms_url.is_some())),
        ("standby", on(config.standby.enabled)),
        ("bus", on(config.platform.nats.is_some())),
        ("cache", on(config.platform.cache.is_some())),
        ("reader", reader(config)),
        ("keyring", keyring(config)),
        ("sign-in", sign_in(config)),
        ("demo", on(config.demo().is_some())),
        // No key is read again while the program runs.
        (
            "changes",
            "every key takes effect at the next start".to_owned(),
        ),
    ];
    if json {
        let object: serde_json::Map<_, _> = lines
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        println!("{}", serde_json::json!({ "ok": true, "config": object }));
    } else {
        for (name, value) in lines {
            println!("{name:8} {value}");
        }
        println!("the configuration is well");
    }
    Ok(Exit::Well)
}

fn store(config: &Config) -> String {
    match (&config.store.enabled, &config.store.url) {
        (false, _) => "off".into(),
        (true, None) => "embedded PostgreSQL: for trial and demonstration".into(),
        // The URL may carry a password.
        (true, Some(_)) => "PostgreSQL by URL".into(),
    }
}

fn prices(config: &Config) -> String {
    let mut from = Vec::new();
    if config.feed.simulator {
        from.push(format!("simulator ({})", config.feed.scenario));
    }
    if config.feed.binance.enabled {
        from.push("Binance".into());
    }
    if config.feed.kraken.enabled {
        from.push("Kraken".into());
    }
    if from.is_empty() {
        return "none: nothing can be traded".into();
    }
    from.join(", ")
}

/// Who reads documents of identity.
fn reader(config: &Config) -> String {
    match &config.platform.ocr_url {
        Some(_) => "a service by URL".into(),
        None => "Tesseract, where it is installed".into(),
    }
}

fn keyring(config: &Config) -> String {
    let sealed = config.platform.kms.address.is_some();
    match (&config.platform.keyring, sealed) {
        (Some(_), _) => "given as a text".into(),
        (None, true) => "a file, sealed by a key management service".into(),
        (None, false) => "a file that whoever may read it can read".into(),
    }
}

/// Providers by which people sign in beside their passwords.
fn sign_in(config: &Config) -> String {
    let names = config.identity.providers.iter();
    let names: Vec<&str> = names.map(|provider| provider.title.as_str()).collect();
    match names.is_empty() {
        true => "passwords and passkeys".into(),
        false => format!("passwords, passkeys, {}", names.join(", ")),
    }
}

fn on(is_on: bool) -> String {
    if is_on { "on".into() } else { "off".into() }
}
