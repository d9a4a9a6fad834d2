//! The bridge of a broker's own program: a channel of its own, described by the types that read and write its frames.

use schemars::generate::SchemaGenerator;
use serde_json::{Map, Value, json};
use siaga_broker::bridge::BridgeFault;
use siaga_broker::bridge::schema::frames;

/// What stands of the bridge in the description.
pub struct Described {
    /// The channel's messages, as references to the components.
    pub channel: Map<String, Value>,
    /// Addresses of what the broker's program says, and of what the house says.
    pub heard: Vec<Value>,
    pub sent: Vec<Value>,
}

/// Puts the frames among the components: `bridge_in_report` comes in, `bridge_out_order` goes out.
pub fn describe(generator: &mut SchemaGenerator, components: &mut Map<String, Value>) -> Described {
    let mut described = Described {
        channel: Map::new(),
        heard: Vec::new(),
        sent: Vec::new(),
    };
    for frame in frames(generator) {
        let (side, who) = match frame.from_peer {
            true => ("in", "by the broker's program"),
            false => ("out", "by the house"),
        };
        let key = format!("bridge_{side}_{}", frame.name);
        let address = json!({ "$ref": format!("#/channels/bridge/messages/{key}") });
        match frame.from_peer {
            true => described.heard.push(address),
            false => described.sent.push(address),
        }
        let component = json!({ "$ref": format!("#/components/messages/{key}") });
        described.channel.insert(key.clone(), component);
        let summary = format!("Bridge, {who}: {}", frame.summary);
        components.insert(
            key,
            json!({ "name": frame.name, "summary": summary, "contentType": "application/json", "payload": frame.schema }),
        );
    }
    described
}

/// The numbered faults, and which of them close the connection.
pub fn faults() -> Vec<Value> {
    let faults = BridgeFault::ALL.iter();
    let told = faults.map(
        |fault| json!({ "code": fault.code(), "name": fault.name(), "closes": fault.closes() }),
    );
    told.collect()
}
