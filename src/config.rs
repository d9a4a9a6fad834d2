//! Configuration: addresses, paths, sizes. What changes decisions is not here but journaled.
//!
//! One TOML file; `SIAGA__SECTION__KEY` in the environment wins over it, and
//! `SIAGA__SECTION__KEY_FILE` reads a secret from a file. An unknown key is an error.

mod check;
mod places;
mod platform;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use siaga_platform::identity::sms::Scheme;

use places::Places;
pub use platform::{Accounts, Demo, Kms, Platform};

/// Prefix of the environment variables.
const PREFIX: &str = "SIAGA__";

/// The whole configuration. Every section has defaults that start a demonstration desk.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub data: Data,
    pub standby: Standby,
    pub core: Core,
    pub store: Store,
    pub feed: Feed,
    pub broker: Broker,
    pub alerts: Alerts,
    pub desk: Desk,
    pub platform: Platform,
    pub identity: Identity,
}

/// How people sign in, where there is a store.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Stands in authenticator apps and messages.
    pub title: String,
    /// The address people open, e.g. `https://desk.example`: passkeys and providers are bound to it.
    pub public_url: Option<String>,
    /// Sends mail: `smtps://user:password@host:465`. Without one, mail is written to `messages.ndjson` of the data
    /// directory in a demonstration and is not sent otherwise.
    pub smtp_url: Option<String>,
    /// Who mail is from: `Siaga <desk@contoh.id>`.
    pub mail_from: String,
    /// Sends text messages, asked by POST: `https://sms.example/v1/messages`. Without one, what `smtp_url` says of mail.
    pub sms_url: Option<String>,
    /// What it is sent, as JSON or as a form: `{to}` is the number (E.164), `{text}` the message.
    pub sms_body: String,
    /// How the token is shown: `bearer`, or `basic` for a file that holds `user:password`.
    pub sms_scheme: Scheme,
    /// The file with the token, read whenever a message is sent.
    pub sms_token_path: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is believed: this machine's, as the program listens on loopback alone.
    #[serde(deserialize_with = "texts")]
    pub trusted_proxies: Vec<String>,
    /// Requests a minute of one address.
    pub per_address: u32,
    /// Of these, signing in and registering.
    pub per_address_sign_in: u32,
    /// Of these, uploads.
    pub per_address_upload: u32,
    /// Requests a minute of one person or key of the tier `standard`; `plus` has 4 times, `bridge` 20 times as many.
    pub per_person: u32,
    /// Where people may sign in too: OpenID Connect.
    pub providers: Vec<Provider>,
}

/// A provider of sign-in.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// In addresses: `google`.
    pub name: String,
    /// For people: `Google`.
    pub title: String,
    /// `https://accounts.google.com`.
    pub issuer: String,
    /// What the provider knows this desk as.
    pub client_id: String,
    /// The file with what is shown to the provider alone.
    pub client_secret_file: PathBuf,
}

/// Where the program listens.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub listen: SocketAddr,
    /// Further host names the page may be opened by, beside the bound address.
    pub hosts: Vec<String>,
    /// Serves the console from this folder instead of the one built in.
    pub assets_dir: Option<PathBuf>,
}

/// Where it keeps what it must not lose.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    pub dir: PathBuf,
    /// Size of one journal segment, mebibytes.
    pub segment_mib: u32,
    /// The output log cuts off its slowest reader beyond this, mebibytes.
    pub log_mib: u32,
    /// The journal behind the newest snapshots is kept this long, hours: without a server's table of
    /// ticks it alone holds every accepted price.
    pub keep_hours: u32,
    /// It is kept no longer once all of it takes this much, mebibytes.
    pub keep_mib: u32,
    /// Closed segments behind the newest snapshots are packed.
    pub compress: bool,
}

/// A second machine that follows the first one, compares, and writes the snapshots.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Standby {
    /// Off: a second machine exists only while a snapshot is made.
    pub enabled: bool,
}

/// How the core's threads wait.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Core {
    pub wait: WaitStrategy,
}

/// See `siaga_risk::pipeline::Wait`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum WaitStrategy {
    Spin,
    Yield,
    #[default]
    Sleep,
}

/// The read model. No URL: PostgreSQL inside the program, for trial and demonstration.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    pub enabled: bool,
    pub url: Option<String>,
    /// Days of accepted prices that a server's table of ticks keeps, today not counted.
    pub keep_tick_days: u16,
    /// Bars of one second are kept this long, hours; longer ones for good.
    pub keep_second_hours: u32,
}

/// Where prices come from.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Feed {
    pub simulator: bool,
    pub seed: u64,
    pub scenario: String,
    /// Quotes a second of the simulator as a multiple of its usual pace.
    pub rate: f64,
    pub binance: Venue,
    pub kraken: Venue,
}

/// A live venue.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Venue {
    pub enabled: bool,
    /// Another address than the venue's own, e.g. a proxy or a test server.
    pub url: Option<String>,
    /// Our symbols to subscribe to; empty = all the venue lists.
    pub symbols: Vec<String>,
}

/// The paper broker and the bridge.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Broker {
    pub latency_ms: u32,
    /// What the paper broker adds to each side of its price, percent of the market's spread.
    pub markup_percent: u8,
    /// What the paper broker charges for a lot, in the smallest units of the account's currency.
    pub commission_per_lot: u32,
    /// Largest slippage of a market order, percent of the spread.
    pub slippage_percent: u8,
    /// Share of orders filled in parts, percent.
    pub partial_percent: u8,
    /// Share of orders rejected, percent.
    pub reject_percent: u8,
    /// Secret a bridge program presents; none = the bridge is off.
    pub bridge_token: Option<String>,
}

/// Where alerts go beside the log and the console.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    pub webhook_url: Option<String>,
    /// Secrets in the form `whsec_…`; two during a rotation. One text is taken too, as a file of
    /// secrets gives it: several stand on lines of their own.
    #[serde(deserialize_with = "texts")]
    pub webhook_secrets: Vec<String>,
}

/// What the desk says of itself.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Desk {
    /// Whom a client calls when nothing can be traded here.
    pub phone: String,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            hosts: Vec::new(),
            assets_dir: None,
        }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            title: "Siaga".into(),
            public_url: None,
            smtp_url: None,
            mail_from: "Siaga <desk@localhost>".into(),
            sms_url: None,
            sms_body: r#"{"to": "{to}", "text": "{text}"}"#.into(),
            sms_scheme: Scheme::default(),
            sms_token_path: None,
            trusted_proxies: vec!["127.0.0.1".into(), "::1".into()],
            per_address: 100,
            per_address_sign_in: 10,
            per_address_upload: 5,
            per_person: 300,
            providers: Vec::new(),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("data"),
            segment_mib: 64,
            log_mib: 2_048,
            keep_hours: 48,
            keep_mib: 10_240,
            compress: true,
        }
    }
}

impl Default for Standby {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            enabled: true,
            url: None,
            keep_tick_days: 30,
            keep_second_hours: 48,
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            simulator: true,
            seed: 20_260_101,
            scenario: "calm".into(),
            rate: 1.0,
            binance: Venue::default(),
            kraken: Venue::default(),
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            latency_ms: 20,
            markup_percent: 10,
            commission_per_lot: 0,
            slippage_percent: 50,
            partial_percent: 5,
            reject_percent: 0,
            bridge_token: None,
        }
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            phone: "the dealing desk".into(),
        }
    }
}

/// A list of texts, or one text with its parts on lines of their own.
fn texts<'de, D: serde::Deserializer<'de>>(given: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a list of texts, or one text")]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Texts::deserialize(given)? {
        Texts::One(text) => text.split_whitespace().map(str::to_owned).collect(),
        Texts::Many(list) => list,
    })
}

/// What is wrong with the configuration, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct ConfigError {
    /// File with its line, or environment variable.
    pub origin: String,
    pub problem: String,
}

impl Config {
    /// Reads `path` (defaults when none) and lays the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`] naming file or variable, the key, and a suggestion.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = toml::Table::new();
        let mut places = Places::default();
        if let Some(path) = path {
            let origin = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
                origin: origin.clone(),
                problem: format!("cannot be read: {error}"),
            })?;
            table = text.parse().map_err(|error: toml::de::Error| ConfigError {
                origin: origin.clone(),
                problem: format!("is not TOML: {}", error.to_string().trim()),
            })?;
            places.read(origin, text);
        }
        for (name, value) in environment {
            if let Some(key) = name.strip_prefix(PREFIX) {
                let keys = overlay(&mut table, &name, key, &value)?;
                places.laid_over(name, keys);
            }
        }
        let read = serde_path_to_error::deserialize(toml::Value::Table(table));
        let config: Config = read.map_err(|error| ConfigError {
            origin: places.of_path(error.path()),
            problem: places::explain(error.path(), error.inner().message()),
        })?;
        config.check().map_err(|problem| ConfigError {
            origin: places.of_text(&problem),
            problem,
        })?;
        Ok(config)
    }
}

/// Lays `SIAGA__SECTION__KEY=value` over the table, and gives the keys that lead there; `_FILE` reads the value from a file.
fn overlay(
    table: &mut toml::Table,
    name: &str,
    key: &str,
    value: &str,
) -> Result<Vec<String>, ConfigError> {
    let fault = |problem: String| ConfigError {
        origin: name.to_owned(),
        problem,
    };
    let lower = key.to_lowercase();
    let (path, value) = match lower.strip_suffix("_file") {
        Some(path) => {
            let text = std::fs::read_to_string(value)
                .map_err(|error| fault(format!("{value} cannot be read: {error}")))?;
            (path.to_owned(), text.trim_end().to_owned())
        }
        None => (lower.clone(), value.to_owned()),
    };
    let Some((section, key)) = path.split_once("__") else {
        return Err(fault("has the form SIAGA__SECTION__KEY".into()));
    };
    // A value that is TOML of its own (number, true, list) is taken as such, all else as text. What
    // stands in a file is a secret: one made of digits is still text.
    let is_file = path.len() < lower.len();
    let parsed = format!("v = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut table| table.remove("v"))
        .filter(|parsed| !is_file || parsed.is_array())
        .unwrap_or(toml::Value::String(value));
    let mut place = table
        .entry(section)
        .or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let mut names = key.split("__").peekable();
    while let Some(part) = names.next() {
        let Some(inner) = place.as_table_mut() else {
            return Err(fault(format!("{section} is not a section")));
        };
        if names.peek().is_none() {
            inner.insert(part.to_owned(), parsed);
            break;
        }
        place = inner
            .entry(part)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
    }
    Ok(path.split("__").map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use siaga_risk::ids::{GroupId, LinkId};
    use siaga_risk::terms::Accounting;

    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("siaga.toml");
        std::fs::write(&path, text).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(Some(&path), environment)
    }

    #[test]
    fn defaults_start_a_demonstration() {
        let config = Config::load(None, std::iter::empty()).unwrap();
        assert_eq!(config, Config::default());
        assert!(config.feed.simulator && config.store.url.is_none());
    }

    #[test]
    fn what_approvals_of_kyc_open_is_said_by_number() {
        let config = load(
            "[platform]\nask_npwp = true\n[platform.accounts]\ngroup = 4\nnetting = true\n",
            &[],
        )
        .unwrap();
        assert!(
            config.platform.wanted().npwp
                && !config.platform.wanted().proof_of_address
                && !config.platform.fetch_lists
        );
        let plan = config.platform.plan();
        assert_eq!(
            (plan.group, plan.link, plan.accounting),
            (GroupId(4), LinkId(1), Accounting::Netting)
        );
        assert!(load("[platform.accounts]\ngroup = 0\n", &[]).is_err());
    }

    #[test]
    fn demonstration_accounts_are_offered_on_a_simulated_market_and_on_paper_alone() {
        let config = load("[platform.demo]\nlink = 1\nbalance = 500\n", &[]).unwrap();
        let plan = config.demo().expect("the market is simulated");
        assert_eq!((plan.terms.link, plan.balance), (LinkId(1), 500));
        let config = load("[feed]\nsimulator = false\n", &[]).unwrap();
        assert_eq!(config.demo(), None);
        let config = load("[platform.demo]\noffered = false\n", &[]).unwrap();
        assert_eq!(config.demo(), None);
        let live = "[feed]\nsimulator = false\n[platform.demo]\noffered = true\n";
        assert!(load(live, &[]).unwrap().demo().is_some());
        for wrong in ["group = 0", "balance = 0", "link = 2"] {
            let text = format!("[platform.demo]\n{wrong}\n");
            assert!(load(&text, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load(
            "[server]\nlisten = '127.0.0.1:1'\n[feed]\nseed = 3\n",
            &[
                ("SIAGA__SERVER__LISTEN", "127.0.0.1:9"),
                ("SIAGA__FEED__BINANCE__ENABLED", "true"),
                ("OTHER", "x"),
            ],
        )
        .unwrap();
        assert_eq!(config.server.listen.port(), 9);
        assert_eq!(config.feed.seed, 3);
        assert!(config.feed.binance.enabled);
    }

    #[test]
    fn the_core_waits_as_it_is_told() {
        for (word, wait) in [
            ("spin", WaitStrategy::Spin),
            ("yield", WaitStrategy::Yield),
            ("sleep", WaitStrategy::Sleep),
        ] {
            let config = load(&format!("[core]\nwait = '{word}'\n"), &[]).unwrap();
            assert_eq!(config.core.wait, wait);
            let config = load("", &[("SIAGA__CORE__WAIT", word)]).unwrap();
            assert_eq!(config.core.wait, wait);
        }
        let fault = load("[core]\nwait = 'spinning'\n", &[]).unwrap_err();
        let said = fault.to_string();
        assert!(said.contains("`spinning`"), "{said}");
        assert!(said.contains("`spin`, `yield`, `sleep`"), "{said}");
    }

    #[test]
    fn a_key_management_service_is_named_whole() {
        let whole = "[platform.kms]\naddress = 'http://127.0.0.1:8200'\ntoken_path = 'token'\n";
        let config = load(whole, &[]).expect("whole");
        assert!(config.platform.key_service().expect("set").is_some());
        let none = load("", &[]).expect("none");
        assert!(none.platform.key_service().expect("not set").is_none());
        for (text, wrong) in [
            (
                "[platform.kms]\naddress = 'http://127.0.0.1:8200'\n",
                "platform.kms.token_path",
            ),
            (
                "[platform.kms]\naddress = 'http://vault.example'\ntoken_path = 'token'\n",
                "https",
            ),
            (&format!("{whole}key = 'a/b'\n"), "a/b"),
            (
                &format!("[platform]\nkeyring = '{{}}'\n{whole}"),
                "one of them",
            ),
        ] {
            let error = load(text, &[]).expect_err(wrong).to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_provider_of_text_messages_is_named_whole() {
        let url = "[identity]\nsms_url = 'http://127.0.0.1:9/send'\n";
        let config = load(url, &[]).expect("whole");
        assert!(config.identity.sms().expect("set").is_some());
        let none = load("", &[]).expect("none");
        assert!(none.identity.sms().expect("not set").is_none());
        let form = [
            ("SIAGA__IDENTITY__SMS_BODY", "To={to}&Body={text}"),
            ("SIAGA__IDENTITY__SMS_SCHEME", "basic"),
            ("SIAGA__IDENTITY__SMS_TOKEN_PATH", "/run/secrets/sms"),
        ];
        let config = load(url, &form).expect("a form");
        assert_eq!(config.identity.sms_scheme, Scheme::Basic);
        for (text, wrong) in [
            (
                "[identity]\nsms_url = 'http://sms.example/send'\n",
                "identity.sms_url",
            ),
            ("[identity]\nsms_token_path = 'token'\n", "identity.sms_url"),
            (
                &format!("{url}sms_body = 'to={{to}}&text={{code}}'\n"),
                "`{code}`",
            ),
            (&format!("{url}sms_body = 'text={{text}}'\n"), "no {to}"),
            (&format!("{url}sms_scheme = 'digest'\n"), "`bearer`"),
        ] {
            let error = load(text, &[]).expect_err(wrong).to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "from-a-file\n").unwrap();
        let config = load(
            "",
            &[("SIAGA__BROKER__BRIDGE_TOKEN_FILE", path.to_str().unwrap())],
        )
        .unwrap();
        assert_eq!(config.broker.bridge_token.as_deref(), Some("from-a-file"));
        std::fs::write(&path, "20260101\n").unwrap();
        let token = [("SIAGA__BROKER__BRIDGE_TOKEN_FILE", path.to_str().unwrap())];
        let config = load("", &token).unwrap();
        assert_eq!(config.broker.bridge_token.as_deref(), Some("20260101"));
    }

    #[test]
    fn secrets_of_the_webhook_may_stand_in_a_plain_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets");
        let (one, two) = (
            "whsec_dGhpcyBpcyBhbiBleGFtcGxlIG9mIGEgc2VjcmV0",
            "whsec_dGhpcyBpcyB0aGUgbmV4dCBvbmUgb2YgdGhlc2U=",
        );
        let url = "[alerts]\nwebhook_url = 'https://desk.example/hooks'\n";
        let given = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let file = (
                "SIAGA__ALERTS__WEBHOOK_SECRETS_FILE",
                path.to_str().unwrap(),
            );
            load(url, &[file]).map(|config| config.alerts.webhook_secrets)
        };
        assert_eq!(given(&format!("{one}\n")).unwrap(), [one]);
        assert_eq!(given(&format!("{one}\n{two}\n")).unwrap(), [one, two]);
        assert_eq!(given(&format!("['{one}', '{two}']")).unwrap(), [one, two]);
    }

    #[test]
    fn what_the_desk_would_refuse_at_its_start_is_said_by_the_check() {
        let fault = |text: &str| load(text, &[]).unwrap_err().to_string();
        let none = fault("[alerts]\nwebhook_url = 'https://desk.example/hooks'\n");
        assert!(none.contains("alerts.webhook_secrets"), "{none}");
        assert!(none.contains("WEBHOOK_SECRETS_FILE"), "{none}");
        let plain = fault(
            "[alerts]\nwebhook_url = 'http://desk.example/hooks'\n\
             webhook_secrets = 'whsec_dGhpcyBpcyBhbiBleGFtcGxlIG9mIGEgc2VjcmV0'\n",
        );
        assert!(plain.contains("alerts.webhook_url"), "{plain}");
        let bad = fault(
            "[alerts]\nwebhook_url = 'https://desk.example/hooks'\nwebhook_secrets = ['short']\n",
        );
        assert!(bad.contains("alerts.webhook_secrets"), "{bad}");
        let misspelt = fault("[feed.kraken]\nenabled = true\nsymbols = ['BTC/UDS']\n");
        assert!(
            misspelt.contains("feed.kraken.symbols") && misspelt.contains("did you mean"),
            "{misspelt}"
        );
        let elsewhere = fault("[feed.binance]\nenabled = true\nsymbols = ['EUR/USD']\n");
        assert!(elsewhere.contains("feed.binance.symbols"), "{elsewhere}");
        let address = fault("[feed.kraken]\nenabled = true\nurl = 'https://ws.kraken.com'\n");
        assert!(address.contains("feed.kraken.url"), "{address}");
    }

    #[test]
    fn mistakes_say_what_to_do() {
        let unknown = load("[server]\nlisen = '127.0.0.1:1'\n", &[]).unwrap_err();
        assert!(
            unknown.to_string().contains("did you mean `listen`?"),
            "{unknown}"
        );
        let section = load("[sever]\n", &[]).unwrap_err();
        assert!(
            section.to_string().contains("did you mean `server`?"),
            "{section}"
        );
        assert!(
            load("[server\n", &[])
                .unwrap_err()
                .to_string()
                .contains("is not TOML")
        );
        let open = load("[server]\nlisten = '0.0.0.0:7700'\n", &[]).unwrap_err();
        assert!(open.to_string().contains("loopback"), "{open}");
        for outside in [0, 1_025] {
            let size = load(&format!("[data]\nsegment_mib = {outside}\n"), &[]).unwrap_err();
            assert!(size.to_string().contains("segment_mib"), "{size}");
        }
        let none = load("[store]\nkeep_second_hours = 0\n", &[]).unwrap_err();
        assert!(none.to_string().contains("keep_second_hours"), "{none}");
        let name = load("", &[("SIAGA__X", "1")]).unwrap_err();
        assert!(name.to_string().contains("SIAGA__SECTION__KEY"), "{name}");
    }
}
