//! What must be reached over the network: the database, the venues, who sends messages, and the platform's neighbours.

use std::time::Duration;

use axum::http::Uri;
use siaga_platform::db::PoolOptions;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Finding;
use crate::config::Config;
use crate::desk::venues;
use crate::store::db::Db;
use crate::store::migrate::{self, Step};

/// Longest wait for an answer: a person looks at the screen.
const PATIENCE: Duration = Duration::from_secs(2);

/// Every finding about others.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![store(config).await];
    for (name, url) in venues::addresses(config) {
        findings.push(venue(name, &url).await);
    }
    findings.extend(sms(config).await);
    for (part, key, url) in neighbours(config) {
        findings.push(neighbour(part, key, url).await);
    }
    findings
}

/// Part, key and address of everything else that the program asks or tells, where it is configured.
fn neighbours(config: &Config) -> Vec<(&'static str, &'static str, &str)> {
    let named = [
        ("webhook", "alerts.webhook_url", &config.alerts.webhook_url),
        ("mail", "identity.smtp_url", &config.identity.smtp_url),
        ("bus", "platform.nats", &config.platform.nats),
        ("cache", "platform.cache", &config.platform.cache),
        ("documents", "platform.ocr_url", &config.platform.ocr_url),
        (
            "keyring",
            "platform.kms.address",
            &config.platform.kms.address,
        ),
    ];
    let named = named
        .into_iter()
        .filter_map(|(part, key, url)| Some((part, key, url.as_deref()?)));
    let providers = config.identity.providers.iter();
    let providers =
        providers.map(|provider| ("sign-in", "identity.providers", provider.issuer.as_str()));
    // A socket of this machine has no host to be reached.
    let all = named.chain(providers);
    all.filter(|(_, _, url)| !url.contains("unix:")).collect()
}

/// Whether it takes a connection; nothing is asked of it. Its address may carry a password and is not shown.
async fn neighbour(part: &'static str, key: &'static str, url: &str) -> Finding {
    match address(url) {
        Some((host, port)) => reach(part, &host, port, key).await,
        None => Finding::look(part, format!("{key} has no host")),
    }
}

/// The provider of text messages: its token and its address. Nothing is sent to it.
async fn sms(config: &Config) -> Option<Finding> {
    let part = "sms";
    let url = config.identity.sms_url.as_ref()?;
    Some(match config.identity.sms() {
        Ok(Some(provider)) => match (provider.check().await, address(url)) {
            (Ok(()), Some((host, port))) => reach(part, &host, port, "identity.sms_url").await,
            (Ok(()), None) => Finding::look(part, "identity.sms_url has no host"),
            (Err(why), _) => Finding::look(part, format!("no text message is sent: {why}")),
        },
        Ok(None) => return None,
        Err(why) => Finding::look(part, why),
    })
}

async fn store(config: &Config) -> Finding {
    let part = "store";
    if !config.store.enabled {
        return Finding::well(part, "off: no history beyond memory");
    }
    match &config.store.url {
        None if cfg!(feature = "embedded-postgres") => Finding::well(
            part,
            "embedded: for trial and demonstration; production takes a PostgreSQL URL (store.url)",
        ),
        None => Finding::look(
            part,
            "this build has no embedded database: set store.url, or store.enabled = false",
        ),
        Some(url) => match timeout(PATIENCE, server(url)).await {
            Ok(Ok(detail)) => Finding::well(part, detail),
            Ok(Err(why)) => Finding::look(
                part,
                format!("PostgreSQL by URL: {why}; the desk would go on without history"),
            ),
            Err(_) => Finding::look(
                part,
                format!(
                    "PostgreSQL by URL: no answer within {} s: look at store.url and at the server; the desk would go on \
                     without history",
                    PATIENCE.as_secs()
                ),
            ),
        },
    }
}

/// Asks the server what a start would do to its schema.
async fn server(url: &str) -> Result<String, String> {
    let options = PoolOptions {
        url: url.to_owned(),
        connections_max: 1,
    };
    let db = Db::server(&options).map_err(|error| error.to_string())?;
    let steps = migrate::dry_run(&db).await;
    db.close().await;
    let steps = steps.map_err(|error| error.to_string())?;
    let to_come = steps
        .iter()
        .filter(|step| matches!(step, Step::Apply(_)))
        .count();
    Ok(match to_come {
        0 => "PostgreSQL by URL answers, its schema is the newest".to_owned(),
        _ => format!("PostgreSQL by URL answers; the next start applies {to_come} migrations"),
    })
}

async fn venue(name: &'static str, url: &str) -> Finding {
    let key = format!("feed.{name}.url");
    match address(url) {
        Some((host, port)) => reach(name, &host, port, &key).await,
        None => Finding::look(name, format!("{url} has no host: look at {key}")),
    }
}

/// Whether somebody takes a connection there; `key` is where the address is configured.
async fn reach(part: &'static str, host: &str, port: u16, key: &str) -> Finding {
    let failed = |why: String| {
        Finding::look(
            part,
            format!(
                "{host}:{port} cannot be reached: {why}; look at the network, its proxy, and {key}"
            ),
        )
    };
    match timeout(PATIENCE, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Finding::well(part, format!("{host}:{port} answers")),
        Ok(Err(error)) => failed(error.to_string()),
        Err(_) => failed(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// Host and port of an address.
fn address(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let usual = match uri.scheme_str() {
        Some("ws" | "http") => 80,
        Some("smtp") => 25,
        Some("smtps") => 465,
        Some("redis" | "rediss" | "valkey" | "valkeys") => 6379,
        Some("nats" | "tls") | None => 4222,
        _ => 443,
    };
    let host = uri.host()?.trim_matches(['[', ']']).to_owned();
    Some((host, uri.port_u16().unwrap_or(usual)))
}
