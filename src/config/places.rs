//! Where what the configuration says was given: a line of the file, or a variable. Whoever is told of a mistake is sent there.

use serde_path_to_error::{Path, Segment};
use toml::de::{DeTable, DeValue};

/// The file as it was read, and the variables that were laid over it.
#[derive(Default)]
pub(super) struct Places {
    /// Its name and its text.
    file: Option<(String, String)>,
    /// Each with the keys that lead to what it gives.
    variables: Vec<(String, Vec<String>)>,
}

impl Places {
    pub(super) fn read(&mut self, file: String, text: String) {
        self.file = Some((file, text));
    }

    pub(super) fn laid_over(&mut self, variable: String, keys: Vec<String>) {
        self.variables.push((variable, keys));
    }

    /// Where the value at `path` was given.
    pub(super) fn of_path(&self, path: &Path) -> String {
        let keys = path.iter().filter_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        let keys: Vec<String> = keys.collect();
        self.of(&keys).unwrap_or_else(|| self.whole())
    }

    /// Where the first key that a text names was given.
    pub(super) fn of_text(&self, text: &str) -> String {
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = text.split_whitespace().map(|word| {
            let word = word.trim_matches(|c: char| !is_key(c));
            word.split('.').map(str::to_owned).collect::<Vec<_>>()
        });
        let mut keys = words.filter(|keys| keys.len() > 1);
        let found = keys.find_map(|keys| self.of(&keys));
        found.unwrap_or_else(|| self.whole())
    }

    /// A variable wins over the file where it gives the value, or the list that it stands in; a section stands in the file
    /// as soon as anything of it does.
    fn of(&self, keys: &[String]) -> Option<String> {
        self.variable(|given| keys.starts_with(given))
            .or_else(|| self.line(keys))
            .or_else(|| self.variable(|given| given.starts_with(keys)))
    }

    fn variable(&self, is_it: impl Fn(&[String]) -> bool) -> Option<String> {
        let found = self.variables.iter().rev().find(|given| is_it(&given.1));
        found.map(|given| given.0.clone())
    }

    fn line(&self, keys: &[String]) -> Option<String> {
        let (file, text) = self.file.as_ref()?;
        let line = line_of(text, keys)?;
        Some(format!("{file}:{line}"))
    }

    /// What stands in no single place.
    fn whole(&self) -> String {
        match &self.file {
            Some((file, _)) => file.clone(),
            None => "defaults".to_owned(),
        }
    }
}

/// The line, from 1, of what the keys lead to.
fn line_of(text: &str, keys: &[String]) -> Option<usize> {
    let root = DeValue::Table(DeTable::parse(text).ok()?.into_inner());
    let (mut value, mut start) = (&root, 0);
    for name in keys {
        (value, start) = match value {
            DeValue::Table(table) => {
                let mut entries = table.iter();
                let (key, inner) = entries.find(|(key, _)| **key.get_ref() == **name)?;
                (inner.get_ref(), key.span().start)
            }
            DeValue::Array(list) => {
                let inner = list.get(name.parse::<usize>().ok()?)?;
                (inner.get_ref(), inner.span().start)
            }
            _ => return None,
        };
    }
    Some(text.get(..start)?.matches('\n').count() + 1)
}

/// What serde says of the value at `path`, with its key; of an unknown key which known one is near.
pub(super) fn explain(path: &Path, message: &str) -> String {
    let parts: Vec<&str> = message.split('`').collect();
    if !message.starts_with("unknown field") || parts.len() < 3 {
        return format!("{path}: {message}");
    }
    let (wrong, known) = (parts[1], &parts[3..]);
    let near = known
        .iter()
        .step_by(2)
        .max_by(|a, b| strsim::jaro_winkler(wrong, a).total_cmp(&strsim::jaro_winkler(wrong, b)));
    match near {
        Some(near) => format!("unknown key `{path}`: did you mean `{near}`?"),
        None => format!("unknown key `{path}`"),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    /// What is said of a file `siaga.toml` and an environment.
    fn said(text: &str, environment: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("siaga.toml");
        std::fs::write(&path, text).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let fault = Config::load(Some(&path), environment).unwrap_err();
        let folder = format!("{}/", dir.path().display());
        fault.to_string().replace(&folder, "")
    }

    #[test]
    fn a_wrong_value_is_told_with_its_key_and_line() {
        assert_eq!(
            said("[data]\ndir = 'x'\n\n[server]\nlisten = 5\n", &[]),
            "siaga.toml:5: server.listen: invalid type: integer `5`, expected socket address"
        );
        let wait = said("core.wait = 'spinning'\n", &[]);
        assert!(
            wait.starts_with("siaga.toml:1: core.wait: unknown variant"),
            "{wait}"
        );
        let section = said("\nserver = 5\n", &[]);
        assert!(section.starts_with("siaga.toml:2: server: "), "{section}");
        let provider = "[[identity.providers]]\nname = 'a'\ntitle = 'A'\nissuer = 'https://a'\nclient_id = 'x'\n\
                        client_secret_file = 'x'\n[[identity.providers]]\nname = 'b'\n";
        let missing = said(provider, &[]);
        assert!(
            missing.starts_with("siaga.toml:7: identity.providers[1]: missing field"),
            "{missing}"
        );
    }

    #[test]
    fn an_unknown_key_is_told_with_its_section_and_line() {
        assert_eq!(
            said("[server]\nhosts = []\n[feed.binance]\nenable = true\n", &[]),
            "siaga.toml:4: unknown key `feed.binance.enable`: did you mean `enabled`?"
        );
        assert_eq!(
            said("[server]\n[sever]\n", &[]),
            "siaga.toml:2: unknown key `sever`: did you mean `server`?"
        );
    }

    #[test]
    fn what_a_variable_gives_is_told_with_the_variable() {
        let listen = ("SIAGA__SERVER__LISTEN", "5");
        let text = "[server]\nlisten = '127.0.0.1:1'\n";
        assert_eq!(
            said(text, &[("SIAGA__FEED__SEED", "3"), listen]),
            "SIAGA__SERVER__LISTEN: server.listen: invalid type: integer `5`, expected socket address"
        );
        let unknown = said(text, &[("SIAGA__SERVER__LISEN", "5")]);
        assert_eq!(
            unknown,
            "SIAGA__SERVER__LISEN: unknown key `server.lisen`: did you mean `listen`?"
        );
        let section = said(text, &[("SIAGA__SEVER__LISTEN", "5")]);
        assert!(
            section.starts_with("SIAGA__SEVER__LISTEN: unknown key `sever`"),
            "{section}"
        );
        // The file is wrong, and a variable beside it is not to blame.
        let beside = said("[server]\nlisen = 5\n", &[("SIAGA__SERVER__HOSTS", "[]")]);
        assert!(beside.starts_with("siaga.toml:2: "), "{beside}");
    }

    #[test]
    fn what_types_cannot_say_is_told_with_its_place() {
        let size = said("[data]\nsegment_mib = 0\n", &[]);
        assert!(
            size.starts_with("siaga.toml:2: data.segment_mib "),
            "{size}"
        );
        let variable = [("SIAGA__DATA__SEGMENT_MIB", "0")];
        let size = said("[data]\nsegment_mib = 4\n", &variable);
        assert!(
            size.starts_with("SIAGA__DATA__SEGMENT_MIB: data.segment_mib "),
            "{size}"
        );
        let environment = variable.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fault = Config::load(None, environment.into_iter()).unwrap_err();
        assert_eq!(fault.origin, "SIAGA__DATA__SEGMENT_MIB");
        // Of what the file does not say there is no line.
        let none = said(
            "[feed.kraken]\nenabled = true\nsymbols = ['BTC/UDS']\n",
            &[],
        );
        assert!(
            none.starts_with("siaga.toml:3: feed.kraken.symbols"),
            "{none}"
        );
        let absent = said(
            "[alerts]\nwebhook_url = 'https://desk.example/hooks'\n",
            &[],
        );
        assert!(absent.starts_with("siaga.toml"), "{absent}");
    }
}
