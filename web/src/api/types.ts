/** What the REST API answers. Prices, quantities, money and percentages are decimal strings; times are UTC microseconds. */

export type Decimal = string;
export type Side = "buy" | "sell";
export type OrderKind = "market" | "limit" | "stop" | "stop_limit";
export type Tif = "gtc" | "day" | "ioc" | "fok" | "gtd";
export type FeedState = "live" | "delayed" | "unavailable" | "closed";
export type MarginState = "healthy" | "warning" | "restricted" | "stop_out";
export type Severity = "info" | "warning" | "critical" | "emergency";
/** What a client owes after a margin call before opening again. */
export type CallStep = "none" | "acknowledge" | "confirm" | "logged_out";
export type AlertState = "pending" | "firing" | "acknowledged" | "resolved" | "archived";
export type Span = "1s" | "1m" | "5m" | "15m" | "1h" | "1d";

/** An announced maintenance. */
export interface Maintenance {
  starts_at: number;
  ends_at: number;
  message?: string;
}

/** What is announced; nothing when none is ahead or running. */
export interface Announced {
  maintenance: Maintenance | null;
}

export interface Instrument {
  id: number;
  symbol: string;
  name: string;
  class: "forex" | "metal" | "energy" | "index" | "crypto";
  base: string;
  quote: string;
  price_digits: number;
  qty_digits: number;
  contract_size: Decimal;
  qty_min: Decimal;
  qty_max: Decimal;
  qty_step: Decimal;
  /** Smallest price move allowed. */
  tick: Decimal;
  leverage_max: Decimal | null;
  feed: FeedState;
  halted: boolean;
  volatility: "normal" | "elevated";
  session_until: number | null;
  usual_gap_ms: number | null;
  bid: Decimal | null;
  ask: Decimal | null;
  te: number | null;
  ti: number | null;
  day_change_pct: Decimal | null;
}

export interface QuoteData {
  bid: Decimal;
  ask: Decimal;
  bid_qty?: Decimal | null;
  ask_qty?: Decimal | null;
  spread_points: Decimal | number;
  source?: string | null;
  feed: FeedState;
  day_change_pct: Decimal | null;
}

export interface Bar {
  t: number;
  o: Decimal;
  h: Decimal;
  l: Decimal;
  c: Decimal;
  ticks: number;
  volume: Decimal | null;
  closed?: boolean;
}

export interface AccountRow {
  id: number;
  name: string;
  currency: string;
  group: string;
  state: MarginState;
  equity: Decimal;
  used: Decimal;
  level_pct: Decimal | null;
}

/** Where a leverage comes from: the mode of the instrument, the group or the account, or a cap on it. */
export type LeverageFrom = "mode" | "group" | "account" | "class_cap" | "instrument_cap" | "band";

/** The rules behind a position's or an order's margin. */
export interface MarginRule {
  leverage: Decimal;
  leverage_from: LeverageFrom;
  rate_pct: Decimal;
  factor_pct: Decimal;
  window: number | null;
  tier_set: number | null;
  tier_rule: number | null;
  base: Decimal;
  currency: string;
  conversion: Decimal | null;
}

/** The price of an instrument, alone, at which an account at mark price is liquidated. */
export interface Liquidation {
  price: Decimal;
  bracket: number | null;
  rate_pct: Decimal;
  amount: Decimal;
  currency: string;
}

export interface Position {
  id: number;
  symbol: string;
  side: Side;
  qty: Decimal;
  open_price: Decimal;
  opened: number;
  close_price: Decimal | null;
  unrealised: Decimal;
  margin: Decimal;
  swap: Decimal;
  stop_loss: Decimal | null;
  take_profit: Decimal | null;
  trailing: Decimal | null;
  warning_at: Decimal | null;
  stop_out_at: Decimal | null;
  liquidation: Liquidation | null;
  rule: MarginRule | null;
  covered: Decimal;
  /** Its instrument is halted. */
  halted: boolean;
}

export type OrderState =
  | "pending" | "submitted" | "working" | "partly_filled" | "filled" | "cancelled" | "rejected" | "expired" | "queued" | "in_doubt" | "returned" | "cancelling";

export interface Order {
  id: number;
  client_id: string | null;
  account: number;
  symbol: string;
  side: Side;
  kind: OrderKind;
  tif: Tif;
  qty: Decimal;
  filled: Decimal;
  /** Executions that could not be booked and that nobody has settled with the broker. */
  unbooked: number;
  price: Decimal | null;
  stop: Decimal | null;
  avg_price: Decimal | null;
  expires: number | null;
  position: number | null;
  reduce_only: boolean;
  stop_loss: Decimal | null;
  take_profit: Decimal | null;
  trailing: Decimal | null;
  state: OrderState;
  origin: "client" | "stop_loss" | "take_profit" | "trailing" | "stop_out" | "kill_switch" | "system" | "broker";
  reason: Reason | null;
  placed: number;
}

/** A pair that converts what an account holds, and its bids at which the account is called and stopped out. */
export interface Conversion {
  symbol: string;
  bid: Decimal;
  warning_at: Decimal | null;
  stop_out_at: Decimal | null;
}

/** The next stop-out when one instrument's price moves and everything else stands still. */
export interface NextStopOut {
  symbol: string;
  price: Decimal;
  cancels: number;
  position: number | null;
  position_symbol: string | null;
  qty: Decimal;
  /** It ends with the account still behind: nothing can be closed now. */
  stuck: boolean;
  level_before_pct: Decimal | null;
  level_after_pct: Decimal | null;
}

export interface Account {
  id: number;
  name: string;
  currency: string;
  group: string;
  accounting: "hedging" | "netting";
  leverage: Decimal;
  leverage_from: LeverageFrom;
  /** The broker link of its orders: an id of the desk's `links`. */
  link: number;
  state: MarginState;
  unknown: boolean;
  balance: Decimal;
  credit: Decimal;
  equity: Decimal;
  unrealised: Decimal;
  /** What dead prices take from equity and open profit. */
  haircut: Decimal;
  used: Decimal;
  free: Decimal;
  level_pct: Decimal | null;
  day_start_equity: Decimal;
  warning_pct: Decimal;
  restricted_pct: Decimal;
  stop_out_pct: Decimal;
  to_warning: Decimal;
  to_restricted: Decimal;
  to_stop_out: Decimal;
  /** Pairs that convert results into its currency, but for those it holds. */
  conversions: Conversion[];
  /** Where the next stop-out is and what it closes. */
  next_stop_out: NextStopOut | null;
  /** Why the next stop-out is not looked for: its absence then says nothing. */
  next_stop_out_untold: "unknown" | "many_positions" | null;
  risk_unacknowledged: boolean;
  call: CallStep;
  under_review: boolean;
  positions: Position[];
  orders: Order[];
  seq: number;
  now: number;
}

/** What the parts of a trading page show of an account: the desk has more of it, its client no more. */
export type Traded = Pick<
  Account,
  | "id" | "currency" | "accounting" | "leverage" | "state" | "unknown" | "balance" | "equity" | "unrealised" | "haircut" | "used" | "free" | "level_pct" | "warning_pct" | "restricted_pct" | "stop_out_pct"
  | "to_warning" | "to_stop_out" | "conversions" | "next_stop_out" | "next_stop_out_untold" | "call" | "under_review" | "positions" | "orders" | "seq"
>;

/** An account as its client follows it. */
export interface Held {
  id: number;
  currency: string;
  accounting: "hedging" | "netting";
  leverage: Decimal;
  state: MarginState;
  unknown: boolean;
  balance: Decimal;
  equity: Decimal;
  pnl: Decimal;
  haircut: Decimal;
  used: Decimal;
  free: Decimal;
  level_pct: Decimal | null;
  warning_pct: Decimal;
  restricted_pct: Decimal;
  stop_out_pct: Decimal;
  to_warning: Decimal;
  to_stop_out: Decimal;
  conversions: Conversion[];
  next_stop_out: NextStopOut | null;
  next_stop_out_untold: "unknown" | "many_positions" | null;
  call: CallStep;
  under_review: boolean;
  positions: Position[];
  orders: Order[];
  seq: number;
  now: number;
}

/** An account in its client's list. */
export interface OwnAccount {
  id: number;
  account_type: "live" | "demo";
  currency: string;
}

/** A mode or a switch as an account meets it; without a symbol it is over everything. */
export interface Stop {
  symbol: string | null;
  mode: DeskMode["mode"];
  allow_reducing: boolean;
}

/** What stands between an account and its orders. */
export interface Standing {
  demo: boolean;
  phone: string;
  stops: Stop[];
}

export interface Reason {
  code: number;
  name: string;
  lifts: string;
}

export interface NewOrder {
  account: number;
  symbol: string;
  side: Side;
  kind: OrderKind;
  qty: Decimal;
  price?: Decimal;
  stop?: Decimal;
  tif?: Tif;
  position?: number;
  reduce_only?: boolean;
  slippage_max?: Decimal;
  stop_loss?: Decimal;
  take_profit?: Decimal;
  trailing?: Decimal;
  client_id: string;
}

export interface Preview {
  reasons: Reason[];
  price: Decimal | null;
  margin_order: Decimal;
  used_before: Decimal;
  used_after: Decimal;
  free_after: Decimal;
  level_after_pct: Decimal | null;
  loss_at_stop: Decimal | null;
  net_after: Decimal;
  closes: boolean;
  /** Its limit or stop is reached already: it would not wait for its price. */
  at_once: boolean;
  rule: MarginRule | null;
}

export interface Placed {
  order: Order;
  seq: number;
  repeated: boolean;
}

export interface AlertText {
  title: string;
  summary: string;
  /** What to do now; may be empty. */
  advice: string;
}

/** The numbers that an alert stands on, by their names. */
export interface Statement {
  inputs: Record<string, string>;
  formula: string;
}

export interface Alert {
  /** Text: it may be larger than a number holds exactly. */
  id: string;
  revision: number;
  rule: string;
  severity: Severity;
  state: AlertState;
  title: string;
  summary: string;
  /** The same in both languages, with what to do apart. */
  texts: Record<"en" | "id", AlertText>;
  labels: { account?: string | number; instrument?: string; group?: string; desk?: string; link?: string };
  value: Decimal | null;
  raise: Decimal | null;
  clear: Decimal | null;
  started: number;
  /** When it last became more severe; `started` while it never did. */
  since: number;
  last: number;
  ended: number | null;
  owner: string | null;
  acked_by: string | null;
  escalated: number | boolean;
  flapping: boolean;
  silenced: boolean;
  /** Raised while the journal could not record. */
  unrecorded?: boolean;
  money_at_risk: Decimal | null;
  money_at_risk_currency?: string | null;
}

export interface TimelineItem {
  at: number;
  what: string;
  by: string | null;
  note: string | null;
}

export interface Evidence {
  seq: number;
  texts: Record<"en" | "id", Statement>;
  chart: { t: number; bid: Decimal; ask: Decimal }[];
}

/** A command that was done. */
export interface Done {
  seq: number;
  /** False when the disk did not take the reason of a command that could not wait for it. */
  note_kept?: boolean | null;
}

export interface DeskLink {
  id: number;
  name: string;
  mode: "live" | "read_only" | "recovering";
  manual: boolean;
  queued: number;
  in_doubt: number;
}

export interface DeskMode {
  scope: "house" | "group" | "account" | "instrument" | "desk" | "trader" | "strategy" | "currency";
  id: number | string | null;
  name?: string | null;
  mode: "normal" | "reducing" | "close_only" | "halt";
  /** Closing goes on. */
  allow_reducing: boolean;
}

/** What something applies to. */
export interface DeskScope {
  scope: DeskMode["scope"];
  id: number | string | null;
  name?: string | null;
}

export interface DeskKill {
  scope: DeskMode["scope"];
  id: number | string | null;
  name?: string | null;
  /** Narrows it: orders that match all of these as well. */
  also: DeskScope[];
  allow_reducing: boolean;
}

/** A halt in force. */
export interface DeskHalt {
  symbol: string;
  since: number;
  /** Its quiet time is over, and it waits for a named person. */
  awaiting_resume: boolean;
  /** It does not end by itself. */
  by_person: boolean;
}

export interface Desk {
  modes: DeskMode[];
  kills: DeskKill[];
  links: DeskLink[];
  journal: { state: "good" | "poisoned"; reason: string | null };
  store: { kind: string; ok: boolean; detail: string | null };
  halted?: string[];
  halts: DeskHalt[];
  accounts: number;
  positions: number;
  orders: number;
  states: Record<MarginState, number>;
  demo: boolean;
  scenario: string | null;
  version: string;
  epoch: number | string;
  seq: number;
  phone: string | null;
}

export type Scenario = "calm" | "trend" | "news_spike" | "flash_crash" | "gap" | "mute_feed" | "bad_ticks" | "weekend";

/** A person as the platform knows them. */
export interface User {
  id: string;
  email: string | null;
  name: string | null;
  phone: string | null;
  role: string;
  staff: boolean;
  status: string;
  verified: boolean;
  tier: string | null;
  locale: string | null;
  org_id: string | null;
  team_id: string | null;
  actor: number | null;
  revision: number;
}

/** Who is signed in, and what they may do. */
export interface Me {
  user: User;
  session: string | null;
  /** A second factor was confirmed in this session. */
  mfa: boolean;
  /** The role needs a second factor and has none: only signing in and setting it up answer. */
  enrol: boolean;
  csrf: string | null;
  factors: string[];
  permissions: string[];
}

export type MfaMethod = "totp" | "passkey" | "email" | "sms" | "recovery";

/** The second step of signing in. */
export interface Mfa {
  challenge: string;
  methods: MfaMethod[];
  expires_in: number;
}

/** How a sign-in ended: open, or waiting for a second factor. */
export interface SignedIn {
  user: User | null;
  csrf: string | null;
  mfa: Mfa | null;
  enrol: boolean;
}
