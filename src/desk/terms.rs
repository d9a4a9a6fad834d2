//! The terms in force beside those of a catalog: what an import would change, and what somebody must
//! be told, because a changed file or switch alone changes nothing: the journal is the truth.

use std::collections::BTreeMap;

use serde_json::Value;
use siaga_feed::catalog::Catalog;
use siaga_risk::codec::Codec;
use siaga_risk::event::{Body, Input, Output, Seq, TermsChange};
use siaga_risk::ids::{AccountId, SourceId};
use siaga_risk::machine::Machine;
use siaga_risk::verdict::Reject;

/// Names that a remark lists before it goes on with "and more".
const NAMES_MAX: usize = 3;

/// A change of terms that an import would make.
#[derive(Clone, Debug)]
pub struct Change {
    pub name: String,
    /// Nothing with this number is in force.
    pub is_new: bool,
    /// What differs from what is in force; nothing where it is new.
    pub fields: Vec<Field>,
    /// The file that says so, and what the entry is called there.
    pub file: &'static str,
    pub entry: String,
    pub body: Body,
}

/// A field of terms that would change, as the journal holds its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its path: `halt.factor`, `rules[0].bands[1].to`.
    pub name: String,
    pub from: String,
    pub to: String,
}

/// Terms of a catalog that are not in force, or otherwise. Accounts and deposits are not terms of a
/// file: they are opened once. What an account that is open has otherwise than its group is.
pub fn diff(in_force: &[TermsChange], catalog: &Catalog) -> Vec<Change> {
    let mut changes = Vec::new();
    for (body, wanted) in compared(in_force, catalog) {
        if in_force.contains(&wanted) {
            continue;
        }
        let Some((file, entry)) = place(&wanted, catalog) else {
            continue;
        };
        let known = in_force.iter().find(|found| id_of(found) == id_of(&wanted));
        changes.push(Change {
            name: name_of(&wanted, &entry),
            is_new: known.is_none(),
            fields: known.map_or_else(Vec::new, |known| fields(known, &wanted)),
            file,
            entry,
            body,
        });
    }
    changes
}

/// Terms of a catalog that [`diff`] leaves alone: they are in force as they stand there.
pub fn unchanged(in_force: &[TermsChange], catalog: &Catalog) -> usize {
    let compared = compared(in_force, catalog);
    let same = compared.filter(|(_, wanted)| in_force.contains(wanted));
    same.count()
}

/// What a catalog says of terms, as inputs and as what they bring into force.
fn compared(
    in_force: &[TermsChange],
    catalog: &Catalog,
) -> impl Iterator<Item = (Body, TermsChange)> {
    catalog.bodies().into_iter().filter_map(move |body| {
        let wanted = terms_of(&body)?;
        let is_term = match &wanted {
            TermsChange::Account(_) => false,
            TermsChange::Rules(rules) => is_open(in_force, rules.account),
            _ => true,
        };
        is_term.then_some((body, wanted))
    })
}

/// The file in which terms stand, and what they are called there.
fn place(wanted: &TermsChange, catalog: &Catalog) -> Option<(&'static str, String)> {
    let found = match wanted {
        TermsChange::Currency(terms) => {
            let mut all = catalog.currencies.iter();
            let found = all.find(|found| found.terms.id == terms.id)?;
            ("currencies.toml", &found.code)
        }
        TermsChange::Source(terms) => {
            let mut all = catalog.sources.iter();
            let found = all.find(|found| found.terms.id == terms.id)?;
            ("sources.toml", &found.name)
        }
        TermsChange::Link(terms) => {
            let mut all = catalog.links.iter();
            let found = all.find(|found| found.terms.id == terms.id)?;
            ("sources.toml", &found.name)
        }
        TermsChange::Instrument(terms) => {
            let found = catalog.listing_by_id(terms.id)?;
            ("instruments.toml", &found.symbol)
        }
        TermsChange::Group(terms) => {
            let mut all = catalog.groups.iter();
            let found = all.find(|found| found.terms.id == terms.id)?;
            ("groups.toml", &found.name)
        }
        TermsChange::Tiers(terms) => {
            let mut all = catalog.tiers.iter();
            let found = all.find(|found| found.terms.id == terms.id)?;
            ("leverage.toml", &found.name)
        }
        TermsChange::Rules(rules) => {
            let mut all = catalog.accounts.iter();
            let found = all.find(|found| found.terms.id == rules.account)?;
            ("demo.toml", &found.name)
        }
        _ => return None,
    };
    Some((found.0, found.1.clone()))
}

fn name_of(wanted: &TermsChange, entry: &str) -> String {
    match wanted {
        TermsChange::Currency(terms) => format!("currency {}", terms.id),
        TermsChange::Source(terms) => format!("source {}", terms.id),
        TermsChange::Link(terms) => format!("link {}", terms.id),
        TermsChange::Group(terms) => format!("group {}", terms.id),
        TermsChange::Tiers(terms) => format!("leverage rules {}", terms.id),
        TermsChange::Rules(rules) => format!("rules of account {}", rules.account),
        _ => format!("instrument {entry}"),
    }
}

/// Puts a command into a machine that may be thrown away; why it is refused, if it is.
pub fn try_on(machine: &mut Machine, seq: Seq, input: &Input) -> Vec<Reject> {
    let mut outputs = Vec::new();
    machine.apply(seq, input, &mut outputs);
    let answers = outputs.into_iter().filter_map(|output| match output {
        Output::Answer(answer) => Some(answer.reasons),
        _ => None,
    });
    answers.flatten().collect()
}

/// Whether there is such an account.
fn is_open(in_force: &[TermsChange], account: AccountId) -> bool {
    in_force
        .iter()
        .any(|change| matches!(change, TermsChange::Account(terms) if terms.id == account))
}

/// What differs between two terms of one kind.
fn fields(known: &TermsChange, wanted: &TermsChange) -> Vec<Field> {
    let (mut from, mut to) = (leaves(known), leaves(wanted));
    let mut names: Vec<String> = from.keys().chain(to.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let mut fields = Vec::new();
    for name in names {
        let (from, to) = (from.remove(&name), to.remove(&name));
        if from != to {
            let absent = || "-".to_owned();
            fields.push(Field {
                name,
                from: from.unwrap_or_else(absent),
                to: to.unwrap_or_else(absent),
            });
        }
    }
    fields
}

/// The values of terms by their paths.
fn leaves(terms: &TermsChange) -> BTreeMap<String, String> {
    let mut json = String::new();
    terms.tell(&mut json);
    let mut leaves = BTreeMap::new();
    // An enum is told as its variant's name over what is in it.
    if let Ok(Value::Object(variant)) = serde_json::from_str(&json) {
        for value in variant.values() {
            put(&mut leaves, String::new(), value);
        }
    }
    leaves
}

fn put(leaves: &mut BTreeMap<String, String>, path: String, value: &Value) {
    match value {
        Value::Object(parts) => {
            for (name, part) in parts {
                let path = match path.is_empty() {
                    true => name.clone(),
                    false => format!("{path}.{name}"),
                };
                put(leaves, path, part);
            }
        }
        Value::Array(parts) => {
            for (place, part) in parts.iter().enumerate() {
                put(leaves, format!("{path}[{place}]"), part);
            }
        }
        Value::String(text) => drop(leaves.insert(path, text.clone())),
        other => drop(leaves.insert(path, other.to_string())),
    }
}

/// What keeps the catalog's terms, or prices that are switched on, from having any effect; each with
/// what to do. Terms that merely differ are no remark: a house has its own.
pub fn remarks(in_force: &[TermsChange], catalog: &Catalog, sources: &[&str]) -> Vec<String> {
    let mut remarks = Vec::new();
    let takes = |source: SourceId| {
        in_force.iter().any(|change| match change {
            TermsChange::Instrument(terms) => terms.feeds.iter().any(|feed| feed.source == source),
            _ => false,
        })
    };
    let mut idle = Vec::new();
    for name in sources {
        let known = catalog.source(name).ok();
        if known.is_some_and(|source| !takes(source.terms.id)) {
            idle.push(*name);
        }
    }
    if !idle.is_empty() {
        remarks.push(format!(
            "no instrument in force takes the prices of {}: stop the desk and run `siaga import --apply`, or import terms of \
             your own that list {}",
            idle.join(" and "),
            if idle.len() == 1 { "it" } else { "them" }
        ));
    }
    let changes = diff(in_force, catalog);
    let missing: Vec<&str> = changes
        .iter()
        .filter(|change| change.is_new)
        .map(|change| change.name.as_str())
        .collect();
    if !missing.is_empty() {
        remarks.push(format!(
            "{} of the program's terms are not in force ({}): stop the desk and run `siaga import` to see them, \
             `siaga import --apply` to bring them in",
            missing.len(),
            some_of(&missing)
        ));
    }
    remarks
}

/// Names, as many as a line bears.
pub fn some_of(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMES_MAX)].join(", ");
    match names.len() > NAMES_MAX {
        true => format!("{shown} and more"),
        false => shown,
    }
}

/// The terms that a body brings in, if it does.
pub fn terms_of(body: &Body) -> Option<TermsChange> {
    Some(match body {
        Body::Currency(terms) => TermsChange::Currency(*terms),
        Body::Source(terms) => TermsChange::Source(*terms),
        Body::Link(terms) => TermsChange::Link(*terms),
        Body::Instrument(terms) => TermsChange::Instrument(terms.clone()),
        Body::Group(terms) => TermsChange::Group(terms.clone()),
        Body::Account(terms) => TermsChange::Account(*terms),
        Body::Tiers(terms) => TermsChange::Tiers(terms.clone()),
        Body::Rules(rules) => TermsChange::Rules(rules.clone()),
        _ => return None,
    })
}

/// Whether terms of this kind and number are in force, whatever they say.
pub fn is_known(in_force: &[TermsChange], wanted: &TermsChange) -> bool {
    in_force.iter().any(|found| id_of(found) == id_of(wanted))
}

/// Kind and number of terms.
fn id_of(change: &TermsChange) -> (u8, u32) {
    let id = match change {
        TermsChange::Currency(terms) => u32::from(terms.id.0),
        TermsChange::Source(terms) => u32::from(terms.id.0),
        TermsChange::Link(terms) => u32::from(terms.id.0),
        TermsChange::Instrument(terms) => terms.id.0,
        TermsChange::Group(terms) => u32::from(terms.id.0),
        TermsChange::Account(terms) => terms.id.0,
        TermsChange::Tiers(terms) => u32::from(terms.id.0),
        TermsChange::Rules(rules) => rules.account.0,
        _ => 0,
    };
    (change.tag(), id)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use siaga_feed::catalog::{SIM_PRIMARY, SIM_SECONDARY};
    use siaga_risk::event::Command;
    use siaga_risk::ids::ActorId;
    use siaga_risk::units::Ts;

    /// A machine that has taken the first `count` inputs of a catalog's first start.
    pub fn started(catalog: &Catalog, count: usize) -> Vec<TermsChange> {
        machine_of(catalog, count).terms()
    }

    /// That machine.
    pub fn machine_of(catalog: &Catalog, count: usize) -> Machine {
        let mut machine = Machine::new();
        for (body, seq) in catalog.bodies().into_iter().take(count).zip(1..) {
            let command = Command {
                ts: Ts(seq),
                actor: ActorId(0),
                token: 0,
                body,
            };
            machine.apply(seq, &Input::Command(Box::new(command)), &mut Vec::new());
        }
        machine
    }

    #[test]
    fn a_venue_that_no_instrument_takes_is_told_with_what_to_do() {
        let demo = Catalog::shipped();
        let in_force = started(&demo, usize::MAX);
        assert!(remarks(&in_force, &demo, &[SIM_PRIMARY, SIM_SECONDARY]).is_empty());
        let live = Catalog::shipped_with(&["binance", "kraken"]).unwrap();
        let said = remarks(&in_force, &live, &["binance", "kraken"]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("binance and kraken"), "{said:?}");
        assert!(said[0].contains("siaga import --apply"), "{said:?}");
        assert!(remarks(&started(&live, usize::MAX), &live, &["kraken"]).is_empty());
    }

    #[test]
    fn an_import_shows_what_it_would_change() {
        let catalog = Catalog::shipped();
        let in_force = started(&catalog, usize::MAX);
        let mut other = catalog.clone();
        let terms = &mut other.instruments[0].terms;
        terms.halt.factor = siaga_risk::units::Ratio::percent(150);
        terms.feeds.pop();
        other.groups[0].terms.leverage = siaga_risk::units::Leverage::of(77);
        let changes = diff(&in_force, &other);
        assert_eq!(changes.len(), 2, "{changes:?}");
        let places: Vec<_> = changes
            .iter()
            .map(|change| (change.file, change.entry.as_str()))
            .collect();
        let symbol = other.instruments[0].symbol.as_str();
        let group = other.groups[0].name.as_str();
        assert_eq!(
            places,
            [("instruments.toml", symbol), ("groups.toml", group)]
        );
        let same = unchanged(&in_force, &other);
        assert_eq!(same + changes.len(), unchanged(&in_force, &catalog));
        let told = |at: usize| -> Vec<(&str, &str, &str)> {
            let fields = changes[at].fields.iter();
            fields
                .map(|field| (field.name.as_str(), field.from.as_str(), field.to.as_str()))
                .collect()
        };
        assert!(
            told(0).contains(&("halt.factor", "2000000000000", "1500000000000")),
            "{:?}",
            told(0)
        );
        assert!(
            told(0)
                .iter()
                .any(|(name, _, to)| *name == "feeds[1].source" && *to == "-")
        );
        assert_eq!(told(1), [("leverage", "100", "77")]);
    }

    #[test]
    fn an_import_changes_what_an_open_account_has_for_itself() {
        let catalog = Catalog::shipped();
        let in_force = started(&catalog, usize::MAX);
        let mut other = catalog.clone();
        other.accounts[0].rules.stop_out = Some(siaga_risk::units::Ratio::percent(40));
        let changes = diff(&in_force, &other);
        assert_eq!(changes.len(), 1, "{changes:?}");
        let name = format!("rules of account {}", other.accounts[0].terms.id);
        assert_eq!(
            (changes[0].name.as_str(), changes[0].is_new),
            (name.as_str(), true)
        );
        // An account that nobody has opened is not opened by its rules.
        let closed: Vec<TermsChange> = in_force
            .into_iter()
            .filter(|change| !matches!(change, TermsChange::Account(_)))
            .collect();
        assert!(diff(&closed, &other).is_empty());
    }

    #[test]
    fn terms_that_are_missing_are_told() {
        let catalog = Catalog::shipped();
        let half = started(&catalog, catalog.bodies().len() / 3);
        let said = remarks(&half, &catalog, &[SIM_PRIMARY]);
        assert!(
            said.iter().any(|remark| remark.contains("not in force")),
            "{said:?}"
        );
    }
}
