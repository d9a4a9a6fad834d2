//! What the business platform is told: its keys, its neighbours, and what its clients get.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use siaga_platform::accounts::demo::DemoPlan;
use siaga_platform::crypto::{KeyService, Transit};
use siaga_platform::kyc::AccountPlan;
use siaga_platform::kyc::document::Wanted;
use siaga_risk::ids::{CurrencyId, GroupId, LinkId};
use siaga_risk::terms::Accounting;

use super::Config;

/// The business platform: clients, leads, documents.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Platform {
    /// The keyring's text, by environment or file of secrets; without it the file `keyring` of the data
    /// directory is used, and made at the first start.
    pub keyring: Option<String>,
    /// Events go to this NATS server too.
    pub nats: Option<String>,
    /// Second level of the cache: Redis or Valkey.
    pub cache: Option<String>,
    /// Whom a person writes to about their data.
    pub privacy_contact: String,
    /// Documents are read by this service in the form of `images:annotate`; without one by Tesseract, where it is installed.
    pub ocr_url: Option<String>,
    /// Sent to it as a bearer token.
    pub ocr_token: Option<String>,
    /// Clients hand in their tax number too.
    pub ask_npwp: bool,
    /// Clients hand in a proof of their address too.
    pub ask_proof_of_address: bool,
    /// Lists of sanctions are fetched from the addresses of their sources; without it files are given by hand.
    pub fetch_lists: bool,
    /// What an approval opens.
    pub accounts: Accounts,
    /// What seals the file of the keyring.
    pub kms: Kms,
    /// What a client who asks for a demonstration account gets.
    pub demo: Demo,
}

/// A key management service: the transit engine of HashiCorp Vault or OpenBao.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Kms {
    /// `https://vault.example:8200`; without it the file of the keyring is readable to whoever may read it.
    pub address: Option<String>,
    /// Where the engine is mounted.
    pub mount: String,
    /// Its key.
    pub key: String,
    /// The file with the token, read whenever the service is asked.
    pub token_path: Option<PathBuf>,
}

impl Default for Kms {
    fn default() -> Self {
        Self {
            address: None,
            mount: "transit".into(),
            key: "siaga".into(),
            token_path: None,
        }
    }
}

/// The terms of accounts that approvals of KYC open, by the numbers of the imported terms.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// The group.
    pub group: u16,
    /// The link to the broker; 1 is paper.
    pub link: u16,
    /// The currency.
    pub currency: u16,
    /// One position an instrument, not one for each deal.
    pub netting: bool,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            group: 1,
            link: 1,
            currency: 1,
            netting: false,
        }
    }
}

/// The terms of demonstration accounts, by the numbers of the imported terms.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Demo {
    /// Whether clients get one; absent: where the market is simulated. Beside a real market the positions of clients who try
    /// count to the house's exposure and limits as all others do.
    pub offered: Option<bool>,
    /// The group.
    pub group: u16,
    /// The link to the broker, which has to be a paper one.
    pub link: u16,
    /// The currency.
    pub currency: u16,
    /// One position an instrument, not one for each deal.
    pub netting: bool,
    /// Play money, in whole units of the currency.
    pub balance: u32,
}

impl Default for Demo {
    fn default() -> Self {
        Self {
            offered: None,
            group: 1,
            link: 1,
            currency: 1,
            netting: false,
            balance: 10_000,
        }
    }
}

impl Config {
    /// What a client who asks for a demonstration account gets; nothing where none is offered.
    pub fn demo(&self) -> Option<DemoPlan> {
        let demo = &self.platform.demo;
        let plan = || DemoPlan {
            terms: AccountPlan {
                group: GroupId(demo.group),
                link: LinkId(demo.link),
                currency: CurrencyId(demo.currency),
                accounting: accounting(demo.netting),
            },
            balance: demo.balance,
        };
        demo.offered.unwrap_or(self.feed.simulator).then(plan)
    }
}

fn accounting(netting: bool) -> Accounting {
    match netting {
        true => Accounting::Netting,
        false => Accounting::Hedging,
    }
}

impl Platform {
    /// What clients hand in beside the identity document and the selfie.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            npwp: self.ask_npwp,
            proof_of_address: self.ask_proof_of_address,
        }
    }

    /// What seals the file of the keyring; none when no service is set.
    ///
    /// # Errors
    /// What is wrong with how it is set.
    pub fn key_service(&self) -> Result<Option<Arc<dyn KeyService>>, String> {
        let Some(address) = &self.kms.address else {
            return Ok(None);
        };
        if self.keyring.is_some() {
            return Err("platform.kms seals the file of the keyring, and platform.keyring gives its text instead: set one of them".into());
        }
        let Some(token) = &self.kms.token_path else {
            return Err(
                "platform.kms.token_path is not set: it names the file with the token".into(),
            );
        };
        let service = Transit::new(address, &self.kms.mount, &self.kms.key, token)
            .map_err(|fault| format!("platform.kms: {fault}"))?;
        Ok(Some(Arc::new(service)))
    }

    /// What an approval opens.
    pub fn plan(&self) -> AccountPlan {
        AccountPlan {
            group: GroupId(self.accounts.group),
            link: LinkId(self.accounts.link),
            currency: CurrencyId(self.accounts.currency),
            accounting: accounting(self.accounts.netting),
        }
    }
}
