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
        .filter(|key| !key.starts_with("bridge_"))
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

/// The frames that a text shows, block by block.
fn frames_of(text: &str) -> Vec<Value> {
    let blocks = text.split("```json").skip(1);
    let blocks = blocks.filter_map(|block| block.split_once("```"));
    let frames = blocks.flat_map(|(block, _)| {
        serde_json::Deserializer::from_str(block)
            .into_iter::<Value>()
            .map(move |frame| frame.unwrap_or_else(|error| panic!("{error}: {block}")))
    });
    frames.collect()
}

/// What an author of a bridge is shown is what the description says, and every frame but those that say nothing is shown.
#[test]
fn the_frames_that_the_bridges_page_shows_are_described() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bridge.md");
    let page = std::fs::read_to_string(page).expect("a text");
    let document = document();
    let channel = document["channels"]["bridge"]["messages"].as_object();
    let mut left: BTreeSet<String> = channel.expect("messages").keys().cloned().collect();
    assert!(left.len() >= 19, "{left:?}");
    for frame in frames_of(&page) {
        let name = frame["t"].as_str().expect("a name");
        let keys = ["in", "out"].map(|side| format!("bridge_{side}_{name}"));
        let described = keys.iter().filter(|key| {
            document["components"]["messages"]
                .get(key.as_str())
                .is_some()
        });
        let fitting: Vec<&String> = described
            .filter(|key| validator(&document, key).is_valid(&frame))
            .collect();
        assert!(!fitting.is_empty(), "not as it is described: {frame}");
        for key in fitting {
            left.remove(key);
        }
    }
    // The page shows these inside its sentences.
    let said = [
        "bridge_in_ping",
        "bridge_in_pong",
        "bridge_out_err",
        "bridge_out_hb",
        "bridge_out_pong",
        "bridge_out_quote",
    ];
    let unseen: Vec<&String> = left
        .iter()
        .filter(|key| !said.contains(&key.as_str()))
        .collect();
    assert!(unseen.is_empty(), "no example of {unseen:?}");
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
        ("bridge_out_void", json!({ "t": "void" })),
        (
            "bridge_in_report",
            json!({ "t": "report", "n": 1, "id": "1", "event": "lost" }),
        ),
    ] {
        assert!(!validator(&document, name).is_valid(&wrong), "{name}");
    }
}
