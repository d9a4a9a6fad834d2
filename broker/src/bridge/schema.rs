//! The frames of the protocol as JSON schemas, made from the types that read and write them.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::frames::{Bare, Closed, Hello, Numbered, Out, Report};

/// A frame and what it looks like.
pub struct Frame {
    /// Its `t`.
    pub name: &'static str,
    /// The broker's program sends it; what the house sends is not.
    pub from_peer: bool,
    pub summary: &'static str,
    pub schema: Value,
}

/// What the house sends, by its `t`.
const SENT: [(&str, &str); 12] = [
    (
        "welcome",
        "The hello was taken: the session, its limits and the instruments.",
    ),
    ("quote", "The newest price of an instrument."),
    ("order", "Execute this, once."),
    ("cancel", "Cancel what is left of an order."),
    (
        "protect",
        "Protective prices of a position, where the broker holds them.",
    ),
    (
        "opened",
        "What a position is called, where the broker holds its prices.",
    ),
    ("status", "What became of an order?"),
    (
        "void",
        "In the place of an order that is not sent any more.",
    ),
    ("ack", "Reports up to this number were taken."),
    ("hb", "Heartbeat."),
    ("pong", "The answer to a ping."),
    (
        "err",
        "A frame was not taken; some faults close the connection.",
    ),
];

/// Every frame of both sides. Types that several of them share go into the generator's definitions.
pub fn frames(generator: &mut SchemaGenerator) -> Vec<Frame> {
    let hello = Hello::json_schema(generator);
    let report = Report::json_schema(generator);
    let closed = Closed::json_schema(generator);
    let numbered = Numbered::json_schema(generator);
    let bare = Bare::json_schema(generator);
    let heard = [
        ("hello", "First frame; opens or resumes.", hello),
        ("report", "What became of an order.", report.clone()),
        ("status", "The answer to a status question.", report),
        (
            "closed",
            "A price that the broker holds has closed a position.",
            closed,
        ),
        (
            "ack",
            "Commands up to this number were dealt with.",
            numbered,
        ),
        (
            "ping",
            "Something to say when there is nothing.",
            bare.clone(),
        ),
        ("pong", "Nothing has to be answered to it.", bare),
    ];
    let heard = heard.into_iter().map(|(name, summary, schema)| Frame {
        name,
        from_peer: true,
        summary,
        schema: named(schema, name),
    });
    let out = Out::json_schema(generator);
    let sent = SENT.into_iter().map(|(name, summary)| Frame {
        name,
        from_peer: false,
        summary,
        schema: variant(&out, name),
    });
    heard.chain(sent).collect()
}

/// The schema of a frame that is read by its own type: its `t` is known by then.
fn named(schema: Schema, name: &str) -> Value {
    let mut value = schema.to_value();
    value["properties"]["t"] = json!({ "type": "string", "const": name });
    value
}

/// The schema of one frame of the tagged enum; nothing fits one that is missing there.
fn variant(schema: &Schema, name: &str) -> Value {
    let all = schema.get("oneOf").and_then(Value::as_array);
    let found = all
        .into_iter()
        .flatten()
        .find(|variant| variant["properties"]["t"]["const"] == name);
    found.cloned().unwrap_or(Value::Bool(false))
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use jsonschema::Validator;
    use schemars::generate::SchemaSettings;

    use super::super::outbound::sample_hello;
    use super::*;

    /// Validators by side and `t`.
    type Validators = BTreeMap<(bool, &'static str), Validator>;

    thread_local! {
        static VALIDATORS: Validators = validators();
    }

    fn validators() -> Validators {
        let mut generator = SchemaSettings::draft07().into_generator();
        let all = frames(&mut generator);
        let definitions = Value::Object(generator.take_definitions(true));
        let one = |frame: Frame| {
            let mut schema = frame.schema;
            assert!(schema.is_object(), "{} has no schema", frame.name);
            schema["definitions"] = definitions.clone();
            let validator = jsonschema::draft7::new(&schema).expect("a schema");
            ((frame.from_peer, frame.name), validator)
        };
        all.into_iter().map(one).collect()
    }

    /// Whether a frame of a side is as it is described.
    pub fn fits(from_peer: bool, frame: &Value) -> bool {
        let name = frame["t"].as_str().unwrap_or_default();
        VALIDATORS.with(|validators| {
            let found = validators
                .iter()
                .find(|((side, known), _)| *side == from_peer && *known == name);
            found.is_some_and(|(_, validator)| validator.is_valid(frame))
        })
    }

    /// A frame of the house, which has to be as it is described.
    pub fn described(frame: Value) -> Value {
        assert!(fits(false, &frame), "not as it is described: {frame}");
        frame
    }

    #[test]
    fn what_is_missing_or_unknown_does_not_fit() {
        let report = json!({"t": "report", "n": 1, "id": "1", "event": "accepted"});
        assert!(fits(true, &report));
        let hello = serde_json::from_str(&sample_hello()).expect("JSON");
        assert!(fits(true, &hello), "{hello}");
        assert!(!fits(false, &report), "the house reports nothing");
        for wrong in [
            json!({"t": "report", "n": 1, "id": "1"}),
            json!({"t": "report", "n": -1, "id": "1", "event": "accepted"}),
            json!({"t": "report", "n": 1, "id": "1", "event": "lost"}),
            json!({"t": "report", "n": 1, "id": "1", "event": "accepted", "more": 1}),
            json!({"t": "hello", "v": 1, "link": 2}),
            json!({"t": "buy"}),
        ] {
            assert!(!fits(true, &wrong), "{wrong}");
        }
        for wrong in [
            json!({"t": "order", "n": 1, "id": "1"}),
            json!({"t": "quote", "symbol": "EUR/USD", "bid": 1.1, "ask": "1.2", "ts": 1}),
            json!({"t": "void"}),
        ] {
            assert!(!fits(false, &wrong), "{wrong}");
        }
    }
}
