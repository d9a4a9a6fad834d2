use std::collections::BTreeSet;
use std::path::Path;

use super::*;

#[test]
fn the_committed_file_is_what_the_messages_say() {
    crate::gateway::committed::check("docs/asyncapi.json", &text());
}

/// A validator of one message, with the shared schemas beside it.
pub fn validator(document: &Value, name: &str) -> jsonschema::Validator {
    let mut schema = document["components"]["messages"][name]["payload"].clone();
    assert!(schema.is_object(), "{name} has no schema");
    schema["components"] = json!({ "schemas": document["components"]["schemas"] });
    jsonschema::draft7::new(&schema).expect("a schema")
}

#[test]
fn fixtures_fit_and_every_message_has_one() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol");
    let document = document();
    let mut left: BTreeSet<String> = document["components"]["messages"]
        .as_object()
        .expect("messages")
        .keys()
        .cloned()
        .collect();
    for file in std::fs::read_dir(folder).expect("the folder of fixtures") {
        let path = file.expect("a file").path();
        let stem = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let name = stem.split('-').next().expect("a name").to_owned();
        let text = std::fs::read_to_string(&path).expect("a text");
        let fixture: Value = serde_json::from_str(&text).expect("JSON");
        let tag = fixture.get("op").or(fixture.get("t"));
        assert_eq!(tag, Some(&Value::String(name.clone())), "{stem}");
        let problems: Vec<String> = validator(&document, &name)
            .iter_errors(&fixture)
            .map(|e| format!("{} {e}", e.instance_path))
            .collect();
        assert!(problems.is_empty(), "{stem}: {problems:?}");
        left.remove(&name);
    }
    assert!(left.is_empty(), "no fixture for {left:?}");
}

#[test]
fn a_wrong_message_does_not_fit() {
    let document = document();
    for (name, wrong) in [
        (
            "upd",
            json!({ "t": "upd", "sub": 1, "seq": 2, "prev": 1, "sym": "EUR/USD", "epoch": 1, "ti": 1, "to": 1, "data": {} }),
        ),
        (
            "sub",
            json!({ "op": "sub", "id": "one", "ch": "quote", "sym": ["EUR/USD"] }),
        ),
        ("bye", json!({ "t": "bye", "code": 4001 })),
    ] {
        assert!(!validator(&document, name).is_valid(&wrong), "{name}");
    }
}
