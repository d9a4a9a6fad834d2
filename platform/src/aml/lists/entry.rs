use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::PartialDate;
use crate::aml::names::Kind;

/// How sure a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// The name it is listed under.
    Primary,
    /// A good alias.
    Strong,
    /// A weak one: a nickname, a name so wide that many bear it.
    Weak,
}

/// A name of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Named {
    /// As it is published.
    pub text: String,
    /// How sure.
    pub quality: Quality,
}

/// Somebody or something that is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The publisher's own key.
    pub uid: String,
    /// What it is.
    #[serde(with = "kind")]
    pub kind: Kind,
    /// Its names, the primary one first.
    pub names: Vec<Named>,
    /// Dates of birth.
    pub births: Vec<PartialDate>,
    /// Countries: of nationality, birth or address, as codes where they are known.
    pub countries: Vec<String>,
    /// Programmes or lists inside of the list.
    pub programs: Vec<String>,
    /// Everything else the publisher says.
    pub remarks: String,
    /// Since when, as published.
    pub listed: Option<String>,
}

/// The kind as its name.
mod kind {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::aml::names::Kind;

    pub fn serialize<S: Serializer>(kind: &Kind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        let name = String::deserialize(from)?;
        Kind::parse(&name).ok_or_else(|| D::Error::custom("no such kind"))
    }
}

impl Entry {
    /// The name it is listed under.
    pub fn name(&self) -> &str {
        self.names.first().map_or("", |name| name.text.as_str())
    }

    /// A digest of all that stands in it, 64 hexadecimal digits: equal entries have equal ones.
    pub fn digest(&self) -> String {
        // A structure of texts always has a JSON form.
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex(&Sha256::digest(text))
    }

    /// Puts an entry in order: no empty and no doubled name, date or country.
    pub fn tidied(mut self) -> Self {
        let mut seen = std::collections::BTreeSet::new();
        for name in &mut self.names {
            name.text = name.text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        self.names
            .retain(|name| !name.text.is_empty() && seen.insert(name.text.to_lowercase()));
        self.births.sort_unstable();
        self.births.dedup();
        self.countries.sort_unstable();
        self.countries.dedup();
        self.programs.retain(|program| !program.is_empty());
        self
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
