//! The description of the stream and of the bridge (AsyncAPI 3.0), made from the message types and committed as
//! `docs/asyncapi.json`.

mod bridge;

use axum::Router;
use axum::routing::get;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::dto::account::{AccountDto, HeldDto};
use super::dto::alert::AlertDto;
use super::dto::desk::DeskDto;
use super::dto::market::{BarDto, QuoteData};
use super::dto::order::OrderDto;
use super::server::App;
use super::stream::message::*;

/// The shared fields of `snap` and `upd`, for the schema; the frames are put together from written text.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by the schema generator alone
struct StateFrame<T> {
    sub: u64,
    /// Position in the stream.
    seq: u64,
    sym: String,
    epoch: u64,
    /// Venue time, our receive time, our send time.
    te: Option<u64>,
    ti: u64,
    to: u64,
    data: T,
}

/// What `upd` has beside.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by the schema generator alone
struct Chain {
    /// The last position this subscription was sent; another one means that something was lost.
    prev: u64,
    /// Source events merged into this frame.
    n: u64,
}

/// A durable event.
#[derive(JsonSchema)]
#[allow(dead_code)] // read by the schema generator alone
struct EventFrame<T> {
    sub: u64,
    /// The history that the positions belong to. A new one begins after an end that was not graceful, and with an update
    /// that counts or decides differently: forget all positions, read the lists by REST and subscribe from where they say.
    epoch: u64,
    /// Position in the history: events are counted over all accounts and channels, so a subscription may see it jump. Exact
    /// in a double: it stays below 2^53.
    seq: u64,
    /// The last position this subscription was sent.
    prev: u64,
    data: T,
}

/// The data of the state channels.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, clippy::large_enum_variant)] // read by the schema generator alone
enum StateData {
    Quote(QuoteData),
    Candle(BarDto),
    Margin(AccountDto),
    Portfolio(HeldDto),
    Status(DeskDto),
    /// Of `crm`, `kyc`, `aml` and `cash`.
    News(News),
}

/// The data of the durable channels.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)] // read by the schema generator alone
enum EventData {
    Alert(Box<AlertDto>),
    Order(Box<OrderDto>),
}

/// The text of the committed file.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// Where the description is served.
pub fn routes() -> Router<App> {
    Router::new().route(
        "/api/asyncapi.json",
        get(async || {
            (
                [(axum::http::header::CONTENT_TYPE, "application/json")],
                text(),
            )
        }),
    )
}

/// The whole description.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let messages = messages(&mut generator);
    let mut sent = Vec::new();
    let mut heard = Vec::new();
    let mut components = Map::new();
    let mut channel = Map::new();
    for message in messages {
        let address = json!({ "$ref": format!("#/channels/stream/messages/{}", message.name) });
        if message.from_client {
            heard.push(address)
        } else {
            sent.push(address)
        }
        channel.insert(
            message.name.to_owned(),
            json!({ "$ref": format!("#/components/messages/{}", message.name) }),
        );
        components.insert(
            message.name.to_owned(),
            json!({ "name": message.name, "summary": message.summary, "contentType": "application/json", "payload": message.schema }),
        );
    }
    // Behind the stream's, so that its types keep their names.
    let of_bridge = bridge::describe(&mut generator, &mut components);
    let schemas = generator.take_definitions(true);
    let errors: Vec<Value> = StreamError::ALL
        .iter()
        .map(|e| json!({ "code": e.code(), "name": e.name(), "retry": e.retry() }))
        .collect();
    let closes: Vec<Value> = Close::ALL
        .iter()
        .map(|c| json!({ "code": c.code(), "name": c.name(), "reconnect": c.reconnect() }))
        .collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Siaga stream",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Prices, bars, margin, alerts, orders and the desk's state on one WebSocket (sub-protocol siaga.json.v1); on another a broker's own program takes prices and orders and reports back (siaga.bridge.v1, docs/bridge.md).",
            "license": { "name": "Apache-2.0" }
        },
        "defaultContentType": "application/json",
        "channels": {
            "stream": { "address": "/ws/v1", "messages": channel },
            "bridge": { "address": "/bridge/v1", "messages": of_bridge.channel }
        },
        "operations": {
            "receive": { "action": "receive", "channel": { "$ref": "#/channels/stream" }, "messages": heard, "summary": "What a client asks" },
            "send": { "action": "send", "channel": { "$ref": "#/channels/stream" }, "messages": sent, "summary": "What the server says" },
            "bridge_receive": { "action": "receive", "channel": { "$ref": "#/channels/bridge" }, "messages": of_bridge.heard, "summary": "What a broker's program says" },
            "bridge_send": { "action": "send", "channel": { "$ref": "#/channels/bridge" }, "messages": of_bridge.sent, "summary": "What the house says to it" }
        },
        "components": { "messages": components, "schemas": schemas },
        "x-errors": errors,
        "x-closes": closes,
        "x-bridge-faults": bridge::faults()
    })
}

struct Message {
    name: &'static str,
    summary: &'static str,
    from_client: bool,
    schema: Value,
}

fn messages(generator: &mut SchemaGenerator) -> Vec<Message> {
    let mut all = Vec::new();
    let mut ask = |name, summary, schema: Schema| {
        let schema = tagged(schema, "op", name);
        all.push(Message {
            name,
            summary,
            from_client: true,
            schema,
        });
    };
    ask(
        "hello",
        "First message; opens or resumes.",
        Hello::json_schema(generator),
    );
    ask("sub", "Subscribe.", Sub::json_schema(generator));
    ask(
        "unsub",
        "End a subscription.",
        OneSub::json_schema(generator),
    );
    ask(
        "list",
        "Name the subscriptions of this connection.",
        Bare::json_schema(generator),
    );
    ask(
        "set",
        "Change the rate of a subscription.",
        Set::json_schema(generator),
    );
    ask(
        "resync",
        "Ask for a snapshot.",
        OneSub::json_schema(generator),
    );
    ask(
        "seen",
        "Receipt on a durable channel.",
        Seen::json_schema(generator),
    );
    ask(
        "ping",
        "Echo with the server's time.",
        Bare::json_schema(generator),
    );
    let mut say = |name, summary, schema: Value| {
        all.push(Message {
            name,
            summary,
            from_client: false,
            schema,
        })
    };
    let plain = Say::json_schema(generator);
    for (name, summary) in [
        ("welcome", "The connection is open."),
        ("ok", "A request was done."),
        ("err", "A request was not done."),
        ("hb", "Heartbeat."),
        ("stale", "A price must not be trusted."),
        ("live", "A price may be trusted again."),
        ("gap", "Something was lost."),
        ("note", "Something to know."),
        ("bye", "The connection ends."),
    ] {
        say(name, summary, variant(&plain, name));
    }
    let state = StateFrame::<StateData>::json_schema(generator);
    let chain = Chain::json_schema(generator);
    say(
        "snap",
        "The beginning of a state stream.",
        tagged(state.clone(), "t", "snap"),
    );
    say(
        "upd",
        "The newest state, with its chain.",
        tagged(joined(state, chain), "t", "upd"),
    );
    say(
        "ev",
        "A durable event.",
        tagged(EventFrame::<EventData>::json_schema(generator), "t", "ev"),
    );
    all
}

/// The schema of one message of the tagged enum, with what all share.
fn variant(schema: &Schema, name: &str) -> Value {
    let all = schema.get("oneOf").and_then(Value::as_array);
    let found = all
        .into_iter()
        .flatten()
        .find(|v| v["properties"]["t"]["const"] == name);
    found.cloned().unwrap_or(Value::Bool(false))
}

fn tagged(schema: Schema, key: &str, name: &str) -> Value {
    let mut value = schema.to_value();
    value["properties"][key] = json!({ "type": "string", "const": name });
    if let Some(required) = value["required"].as_array_mut() {
        required.push(key.into());
    } else {
        value["required"] = json!([key]);
    }
    value
}

fn joined(into: Schema, more: Schema) -> Schema {
    let (mut into, more) = (into.to_value(), more.to_value());
    if let (Some(to), Some(from)) = (
        into["properties"].as_object_mut(),
        more["properties"].as_object(),
    ) {
        to.extend(from.clone());
    }
    if let (Some(to), Some(from)) = (into["required"].as_array_mut(), more["required"].as_array()) {
        to.extend(from.clone());
    }
    Schema::try_from(into).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
