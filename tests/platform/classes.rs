//! Every column has a class of data, and what is restricted never rests in the clear.

use std::collections::BTreeMap;

use crate::support::migrated;

const CLASSES: &str = include_str!("classes.txt");

/// The program's own table of migrations: it is there before any of them.
const OWN: &str = "schema_versions";

/// How sensitive the data of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Public,
    Internal,
    Confidential,
    Restricted(Kept),
}

/// How a restricted column rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    Sealed,
    Hashed,
    Masked,
}

fn class(words: &str) -> Class {
    match words {
        "public" => Class::Public,
        "internal" => Class::Internal,
        "confidential" => Class::Confidential,
        "restricted sealed" => Class::Restricted(Kept::Sealed),
        "restricted hashed" => Class::Restricted(Kept::Hashed),
        "restricted masked" => Class::Restricted(Kept::Masked),
        other => panic!("{other} is no class; what is restricted says how it rests"),
    }
}

/// The class of each `table.column`.
pub fn classes() -> BTreeMap<String, Class> {
    let mut classes = BTreeMap::new();
    let lines = CLASSES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [table, words, columns] = cells[..] else {
            panic!("a table, a class and columns: {line}");
        };
        for column in columns.split_whitespace() {
            let name = format!("{table}.{column}");
            let before = classes.insert(name.clone(), class(words));
            assert_eq!(before, None, "{name} twice");
        }
    }
    classes
}

#[tokio::test]
async fn every_column_has_a_class_and_what_is_restricted_is_sealed_hashed_or_masked() {
    let classes = classes();
    let mut gone: Vec<_> = classes.keys().collect();
    let mut whole = false;
    for database in migrated().await {
        let kind = database.kind;
        let read = database.db.own(|tx| {
            tx.all::<(String, String, String)>(sqlx::query_as(
                "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)
                 FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND a.attnum > 0 AND NOT a.attisdropped",
            ))
        });
        let columns: BTreeMap<String, (String, String)> = read
            .await
            .expect(kind)
            .into_iter()
            .filter(|(table, ..)| table != OWN)
            .map(|(table, column, form)| (format!("{table}.{column}"), (column, form)))
            .collect();
        let unclassed: Vec<_> = columns
            .keys()
            .filter(|name| !classes.contains_key(*name))
            .collect();
        assert!(
            unclassed.is_empty(),
            "{kind}: give these a class in tests/platform/classes.txt: {unclassed:#?}"
        );
        // Some tables stand on a server alone.
        whole |= kind == "server";
        gone.retain(|name| !columns.contains_key(*name));
        let mut wrong = Vec::new();
        for (name, (column, form)) in &columns {
            let class = classes[name];
            let sealed = column.ends_with("_sealed");
            let hashed = form.starts_with("bytea")
                && (column.ends_with("_index") || column.ends_with("digest"));
            let fits = match class {
                // Text that is sealed, JSON whose values are, and bytes.
                Class::Restricted(Kept::Sealed) => {
                    matches!(form.as_str(), "bytea" | "text" | "jsonb") && !hashed
                }
                // Hashes of passwords are text, those of pairs of letters numbers.
                Class::Restricted(Kept::Hashed) => {
                    matches!(form.as_str(), "bytea" | "bytea[]" | "text" | "bigint") && !sealed
                }
                Class::Restricted(Kept::Masked) => !sealed && !hashed,
                // What the code seals or hashes it does for a reason.
                _ => !sealed && !hashed,
            };
            if !fits {
                wrong.push(format!("{name} {form}: {class:?}"));
            }
        }
        assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
    }
    assert!(
        !whole || gone.is_empty(),
        "these are no columns any more: {gone:#?}"
    );
}
