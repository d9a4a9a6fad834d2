// The try-it page: reads the two descriptions that this server publishes and talks to it. No library, works offline.
"use strict";

const el = (id) => document.getElementById(id);
let csrf = null;

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

async function call(method, path, { body, headers = {} } = {}) {
  const all = { ...headers };
  if (body !== undefined) all["Content-Type"] = "application/json";
  if (csrf && method !== "GET") all["X-CSRF-Token"] = csrf;
  const response = await fetch(path, { method, headers: all, body, credentials: "same-origin" });
  const text = await response.text();
  let value = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Not every answer is JSON.
  }
  return { status: response.status, value };
}

async function signedIn(answer) {
  csrf = answer.value.csrf;
  el("who").textContent = "signed in";
  await Promise.all([showOperations(), showMessages()]);
}

async function start() {
  const known = await call("GET", "/api/v1/session");
  if (known.status === 200) await signedIn(known);
  else el("who").textContent = "not signed in";
}

el("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const secret = el("secret").value.trim();
  const answer = await call("POST", "/api/v1/session", { body: JSON.stringify({ secret }) });
  el("secret").value = "";
  if (answer.status === 200) await signedIn(answer);
  else el("who").textContent = answer.value.detail ?? "refused";
});

function resolve(document, schema) {
  let found = schema;
  while (found && found.$ref) found = found.$ref.slice(2).split("/").reduce((at, key) => at[key], document);
  return found ?? {};
}

function example(document, schema, depth = 0) {
  const found = resolve(document, schema);
  if (depth > 6) return null;
  if (found.const !== undefined) return found.const;
  if (found.enum) return found.enum[0];
  const either = found.oneOf ?? found.anyOf;
  if (either) return example(document, either.find((e) => e.type !== "null") ?? either[0], depth + 1);
  const type = Array.isArray(found.type) ? found.type.find((t) => t !== "null") : found.type;
  if (type === "object" || found.properties) {
    const required = new Set(found.required ?? []);
    const entries = Object.entries(found.properties ?? {}).filter(([name]) => required.has(name));
    return Object.fromEntries(entries.map(([name, part]) => [name, example(document, part, depth + 1)]));
  }
  if (type === "array") return [example(document, found.items, depth + 1)];
  if (type === "integer" || type === "number") return 1;
  if (type === "boolean") return false;
  return "";
}

async function showOperations() {
  const { value: api } = await call("GET", "/api/openapi.json");
  const list = el("operations");
  list.replaceChildren();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) list.append(showOperation(api, path, method, operation));
  }
}

function showOperation(api, path, method, operation) {
  const fields = make("div", { className: "fields" });
  const inputs = [];
  for (const parameter of operation.parameters ?? []) {
    const input = make("input", { type: "text", autocomplete: "off" });
    input.setAttribute("aria-label", parameter.name);
    inputs.push([parameter, input]);
    const name = make("span", { textContent: `${parameter.name}${parameter.required ? " *" : ""}` });
    name.title = parameter.description ?? "";
    fields.append(name, input);
  }
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  const body = schema ? make("textarea", { rows: 6, spellcheck: false }) : null;
  if (body) {
    body.setAttribute("aria-label", "Body");
    body.value = JSON.stringify(example(api, schema), null, 2);
  }
  const output = make("pre", { hidden: true, tabIndex: 0 });
  const run = make("button", { type: "button", textContent: "Run" });
  run.addEventListener("click", async () => {
    let address = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [parameter, input] of inputs) {
      if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value !== "" && parameter.in === "query") query.set(parameter.name, input.value);
      else if (input.value !== "") headers[parameter.name] = input.value;
    }
    const text = query.toString();
    const answer = await call(method.toUpperCase(), text ? `${address}?${text}` : address, { body: body?.value, headers });
    output.hidden = false;
    output.textContent = `${answer.status}\n${typeof answer.value === "string" ? answer.value : JSON.stringify(answer.value, null, 2)}`;
  });
  const summary = make("summary", {}, make("b", { textContent: method.toUpperCase() }), make("code", { textContent: path }), ` ${operation.summary ?? ""}`);
  const details = make("details", {}, summary, make("p", { className: "quiet", textContent: operation.description ?? "" }), fields);
  if (body) details.append(body);
  details.append(make("p", {}, run), output);
  return details;
}

const SAMPLES = [
  { op: "sub", id: 1, ch: "quote", sym: ["*"], hz: 2 },
  { op: "sub", id: 2, ch: "candle", sym: ["EUR/USD@1m"] },
  { op: "sub", id: 3, ch: "alert" },
  { op: "sub", id: 4, ch: "status" },
  { op: "sub", id: 5, ch: "order", sym: ["*"] },
  { op: "sub", id: 6, ch: "margin", sym: ["1"] },
  { op: "list", id: 7 },
  { op: "ping", id: 8 },
];

async function showMessages() {
  const { value: api } = await call("GET", "/api/asyncapi.json");
  const list = el("messages");
  list.replaceChildren();
  for (const message of Object.values(api.components.messages)) {
    const summary = make("summary", {}, make("code", { textContent: message.name }), ` ${message.summary}`);
    list.append(make("details", {}, summary, make("pre", { textContent: JSON.stringify(message.payload, null, 2), tabIndex: 0 })));
  }
  fillTable("error-table", ["code", "name", "retry"], api["x-errors"]);
  fillTable("close-table", ["code", "name", "reconnect"], api["x-closes"]);
}

function fillTable(id, columns, rows) {
  const head = make("tr", {}, ...columns.map((name) => make("th", { textContent: name, scope: "col" })));
  const body = rows.map((row) => make("tr", {}, ...columns.map((name) => make("td", { textContent: String(row[name]) }))));
  el(id).replaceChildren(head, ...body);
}

const LINES_MAX = 200;
let socket = null;
let paused = false;
let lines = [];

function log(sign, text) {
  if (paused) return;
  lines.unshift(`${sign} ${text}`);
  lines.length = Math.min(lines.length, LINES_MAX);
  el("ws-log").textContent = lines.join("\n");
}

function connected(on, text) {
  el("ws-state").textContent = text;
  el("ws-open").disabled = on;
  el("ws-close").disabled = !on;
  el("ws-send").disabled = !on;
}

el("ws-open").addEventListener("click", async () => {
  const { status, value } = await call("POST", "/api/v1/ws-tickets");
  if (status !== 201) return connected(false, value.detail ?? "no ticket");
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws/v1`, "siaga.json.v1");
  socket.onopen = () => {
    connected(true, "connected");
    const hello = JSON.stringify({ op: "hello", ticket: value.ticket, client: "docs" });
    log(">", hello);
    socket.send(hello);
  };
  socket.onmessage = (message) => log("<", message.data);
  socket.onclose = (event) => connected(false, `closed ${event.code} ${event.reason}`);
});
el("ws-close").addEventListener("click", () => socket?.close(1000));
el("ws-send").addEventListener("click", () => {
  log(">", el("ws-text").value);
  socket.send(el("ws-text").value);
});
el("ws-pause").addEventListener("click", () => {
  paused = !paused;
  el("ws-pause").textContent = paused ? "Go on" : "Pause";
});
el("ws-clear").addEventListener("click", () => {
  lines = [];
  el("ws-log").textContent = "";
});
for (const sample of SAMPLES) {
  const text = JSON.stringify(sample);
  el("ws-samples").append(make("option", { value: text, textContent: text }));
}
el("ws-samples").addEventListener("change", () => {
  el("ws-text").value = el("ws-samples").value;
});
el("ws-text").value = JSON.stringify(SAMPLES[0]);
start();
