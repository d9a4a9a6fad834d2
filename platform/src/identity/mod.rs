//! Identity: who somebody is, how they show it, and what their requests act as.
//!
//! Pure rules: `address`, `password`, `lockout`, `totp`, `codes`, `jws`, `token`, `signing` (when keys follow each other),
//! `session`, `limit`, `api_key`; `jws_mac` is for worked examples alone. Over them [`Identity`], whose methods are what the gateway calls: `register`, `sign_in`,
//! `confirm` (second factors), `refresh`, `contact` (codes that are sent), `factor`, `passkey`, `provider` (OIDC), `linked`, `keys`,
//! `people` (administration), `teams`, `colleagues` (names of staff), `who` (from a token to a principal), `watch` (what holds streams open),
//! `ends` (what another engine or an erasure ended), `first` (the first administrator), `correct` and `new_address` (what people
//! correct of themselves), `preferences` (what they say of themselves) and `about` (a person with their accounts and what they did,
//! scored by the pure `engagement`).

mod about;
pub mod address;
pub mod api_key;
pub mod codes;
mod colleagues;
mod confirm;
mod contact;
mod copies;
mod correct;
mod ends;
pub mod engagement;
mod erase;
mod factor;
pub mod faults;
mod first;
pub mod hash;
pub mod jws;
pub mod jws_mac;
mod keys;
mod leaver;
pub mod limit;
mod linked;
pub mod lockout;
pub mod messenger;
mod new_address;
mod passkey;
pub mod password;
mod people;
pub mod permissions;
mod person;
mod preferences;
mod profile;
mod provider;
mod refresh;
mod register;
mod service;
pub mod session;
mod sign_in;
pub mod signing;
pub mod sms;
mod store;
mod teams;
pub mod token;
pub mod totp;
mod watch;
mod who;

use std::sync::Arc;

use crate::handlers::Engines;

pub use about::{UserProfile, user_profile};
pub use colleagues::{COLLEAGUES_MAX, Colleague, colleagues, is_colleague};
pub use confirm::{Method, Proof};
pub use contact::Contact;
pub use copies::Copies;
pub use correct::Correction;
pub use ends::TellEnds;
pub use factor::TotpSecret;
pub use keys::{ApiKey, NewApiKey};
pub use linked::LinkedRow;
pub use passkey::PasskeyRow;
pub use people::{Invitation, PeopleFilter, RoleChange, SessionRow, StatusChange, TierChange};
pub use person::{Person, Standing};
pub use preferences::{ASSETS_MAX, Preferences, PreferencesChange, RiskAppetite, set_preferences};
pub use provider::{
    Exchange, Finished, ProviderSettings, Returned, Web, WebAnswer, WebDoor, WebRequest,
};
pub use refresh::Renewed;
pub use register::Registration;
pub use service::{Identity, Settings};
pub use sign_in::{Client, Opened, SignedIn, Visit, Waiting};
pub use teams::{NewTeam, TEAMS_MAX, Team, TeamChange};
pub use who::Seen;

/// What identity brings to the ground's jobs.
pub fn plug(engines: &mut Engines) {
    engines.handlers.subscribers.push(Arc::new(leaver::Leavers));
    engines.stores.push(Arc::new(erase::Credentials));
    engines.stores.push(Arc::new(preferences::Said));
    engines.categories.push(Arc::new(erase::Sessions));
    engines.categories.push(Arc::new(erase::Attempts));
}
