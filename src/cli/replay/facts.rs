//! What a recording shows, collected from the machine's outputs and answers.

use serde_json::{Map, Value, json};
use siaga_feed::tape::Clock;
use siaga_risk::event::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, TapeRow, TapeView};

use super::driver::End;
use super::terms::{MARGIN_ACCOUNT, MONEY_DIGITS, Plan};

/// Facts collected while the rows pass.
pub struct Facts {
    plan: Plan,
    clock: Clock,
    /// Number and time of the row that is being decided. The machine's own time never goes back, a recording's may.
    row: u64,
    ts: Ts,
    /// Breaches reported, by threshold.
    alerts: Vec<Vec<(Ts, Direction, f64)>>,
    /// Half of bid + ask of the row that is being decided, the way a reader of the file computes it.
    mid: f64,
    stops: Vec<Option<StopFill>>,
    bid: Price,
    call: Option<Level>,
    stop_out: Option<Level>,
    lowest: Option<(Ratio, Ts)>,
    prints: Prints,
    entry_ask: Option<Price>,
    /// Price of the first sale: the first bid.
    entry_bid: Option<Price>,
    used: Money,
}

/// What a recording of prints shows.
#[derive(Default)]
struct Prints {
    first: Option<(Ts, Price)>,
    last: Option<(Ts, Price)>,
    qty: i64,
    /// Row, time, direction and price of each alert and each halt.
    alerts: Vec<(u64, Ts, Direction, Price)>,
    halts: Vec<(u64, Ts, Price)>,
    /// Marks, deals and margin states: prints cause none.
    others: u64,
}

/// Where a protective stop filled.
struct StopFill {
    ts: Ts,
    row: u64,
    price: Price,
}

/// Where a level was crossed.
struct Level {
    ts: Ts,
    row: u64,
    bid: Price,
    level: Ratio,
}

impl Facts {
    pub fn new(plan: &Plan, clock: Clock) -> Self {
        Self {
            plan: plan.clone(),
            clock,
            row: 0,
            ts: Ts(0),
            alerts: vec![Vec::new(); plan.thresholds.len()],
            mid: 0.0,
            stops: plan.stops.iter().map(|_| None).collect(),
            bid: Price(0),
            call: None,
            stop_out: None,
            lowest: None,
            prints: Prints::default(),
            entry_ask: None,
            entry_bid: None,
            used: Money(0),
        }
    }

    /// A row is about to be decided, with this bid and ask when it is a quote.
    pub fn begin_row(&mut self, row: u64, ts: Ts, quote: Option<(Price, Price)>) {
        (self.row, self.ts) = (row, ts);
        if let Some((bid, ask)) = quote {
            self.mid = self.float_mid(bid, ask);
        }
    }

    /// One output of the machine while the row was decided.
    pub fn on_output(&mut self, output: &Output) {
        if self.plan.prints.is_some() {
            return self.on_print(output);
        }
        match output {
            Output::Mark(mark) => self.bid = mark.bid,
            Output::Breach(breach) => {
                let alert = (self.ts, breach.direction, self.mid);
                for (threshold, alerts) in self.plan.thresholds.iter().zip(&mut self.alerts) {
                    if *threshold == breach.threshold {
                        alerts.push(alert);
                    }
                }
            }
            Output::Deal(deal) => self.on_deal(deal),
            Output::Margin(change) if change.account == MARGIN_ACCOUNT => {
                let Some(level) = change.level else { return };
                let reached = || Level {
                    ts: self.ts,
                    row: self.row,
                    bid: self.bid,
                    level,
                };
                if change.to >= MarginState::Warning && self.call.is_none() {
                    self.call = Some(reached());
                }
                if change.to == MarginState::StopOut && self.stop_out.is_none() {
                    self.stop_out = Some(reached());
                }
            }
            _ => {}
        }
    }

    fn on_print(&mut self, output: &Output) {
        let row = self.row;
        let prints = &mut self.prints;
        let (ts, price) = prints.last.unwrap_or_default();
        match output {
            Output::Print(trade) => {
                prints.first.get_or_insert((trade.ts, trade.price));
                prints.last = Some((trade.ts, trade.price));
                prints.qty = prints.qty.saturating_add(trade.qty.0);
            }
            Output::Breach(breach) => {
                prints.alerts.push((row, ts, breach.direction, price));
            }
            Output::Halt(halt) if halt.on => prints.halts.push((row, ts, price)),
            Output::Mark(_) | Output::Deal(_) | Output::Margin(_) | Output::StopOut(_) => {
                prints.others += 1;
            }
            _ => {}
        }
    }

    fn on_deal(&mut self, deal: &Deal) {
        if deal.account == MARGIN_ACCOUNT {
            self.entry_ask.get_or_insert(deal.price);
            return;
        }
        let mut plans = self.plan.stops.iter();
        let Some(at) = plans.position(|stop| stop.account == deal.account) else {
            return;
        };
        // Of its own side is the entry, of the other side what its stop has closed.
        if deal.side != self.plan.stops[at].side {
            self.stops[at] = Some(StopFill {
                ts: self.ts,
                row: self.row,
                price: deal.price,
            });
        } else if deal.side == Side::Sell {
            self.entry_bid.get_or_insert(deal.price);
        }
    }

    /// The watched account after a row.
    pub fn on_row(&mut self, account: &AccountView) {
        self.used = account.used;
        if let Some(level) = account.level
            && self.lowest.is_none_or(|(lowest, _)| level < lowest)
        {
            self.lowest = Some((level, self.ts));
        }
    }

    /// The object with the keys of a tick recording, or of a recording of prints.
    pub fn to_json(&self, end: &End) -> Value {
        match self.plan.prints {
            Some(_) => self.prints(end),
            None => self.quotes(end),
        }
    }

    fn prints(&self, end: &End) -> Value {
        let prints = &self.prints;
        let at = |found: Option<(Ts, Price)>| {
            found.map(|(ts, price)| json!([self.time(ts), self.price(price.0)]))
        };
        let alerts = prints.alerts.iter().map(|(row, ts, direction, price)| {
            json!([
                self.time(*ts),
                format!("row {row}"),
                self.price(price.0),
                word(*direction)
            ])
        });
        let halts = prints.halts.iter().map(|(row, ts, price)| {
            json!([self.time(*ts), format!("row {row}"), self.price(price.0)])
        });
        json!({
            "rows": end.rows,
            "first": at(prints.first),
            "last": at(prints.last),
            "qty_steps": prints.qty,
            "alerts": alerts.collect::<Vec<_>>(),
            "halts": halts.collect::<Vec<_>>(),
            "marks_deals_and_margin_states": prints.others,
        })
    }

    fn quotes(&self, end: &End) -> Value {
        let mut facts = Map::new();
        let mut put = |key: &str, value: Value| facts.insert(key.to_owned(), value);
        let tape = &end.tape;
        let Some(detail) = &tape.detail else {
            return json!({ "rows": end.rows });
        };
        let quote = |found: Option<(Ts, Price, Price)>| {
            found.map(|(ts, bid, ask)| json!([self.time(ts), self.price(bid.0), self.price(ask.0)]))
        };
        put("rows", json!(tape.quotes));
        put("first", json!(quote(detail.first)));
        put("last", json!(quote(detail.last)));
        put("minutes_with_ticks", json!(detail.minutes_with_ticks));
        put("out_of_order", json!(tape.out_of_order));
        put("same_ts_as_prev", json!(tape.same_time));
        put("same_quote_as_prev", json!(tape.same_quote));
        put("crossed", json!(tape.crossed));
        put("locked", json!(tape.locked));
        let mid = |row: TapeRow| json!([self.mid(row.1.0 + row.2.0), self.time(row.0)]);
        let lowest = first_best(&detail.lowest, |bid, ask| -self.float_mid(bid, ask));
        put("min_mid", json!(lowest.map(mid)));
        let highest = first_best(&detail.highest, |bid, ask| self.float_mid(bid, ask));
        put("max_mid", json!(highest.map(mid)));
        let range = detail.minute_range_max.map(|(start, low, high)| {
            let share = percent(high - low, low, 4);
            json!([self.minute(start), self.mid(low), self.mid(high), share])
        });
        put("biggest_minute_range", json!(range));
        let change = detail
            .minute_change_max
            .map(|(start, from, to)| json!([self.minute(start), percent(to - from, from, 4)]));
        put("biggest_minute_close_to_close", json!(change));
        put(
            "median_spread",
            json!(detail.spread_median_x2.map(|twice| self.mid(twice))),
        );
        let widest = first_best(&detail.widest, |bid, ask| {
            self.price(ask.0) - self.price(bid.0)
        });
        let spread = |row: TapeRow| json!([self.price(row.2.0 - row.1.0), self.time(row.0)]);
        put("max_spread", json!(widest.map(spread)));
        put("longest_gap_s", json!(self.gap(tape)));
        let second = detail
            .busiest_second
            .map(|(ts, ticks)| json!([&self.time(ts)[..8], ticks]));
        put("busiest_second", json!(second));
        let minute = detail
            .busiest_minute
            .map(|(ts, ticks)| json!([self.minute(ts), ticks]));
        put("busiest_minute", json!(minute));
        put("rolling_60s", self.rolling(tape));
        put("stops", self.stops());
        put("margin", self.margin());
        Value::Object(facts)
    }

    fn gap(&self, tape: &TapeView) -> Option<Value> {
        let (gap_ns, from) = tape.gap_max?;
        let seconds = (gap_ns as f64 / 1e6).round() / 1e3;
        Some(json!([seconds, format!("from {}", self.time(from))]))
    }

    fn rolling(&self, tape: &TapeView) -> Value {
        let Some(detail) = &tape.detail else {
            return json!([]);
        };
        let worst = detail.move_max.map(|(moved, ts, direction)| {
            json!([ratio_percent(moved, 4), self.time(ts), word(direction)])
        });
        let list = self
            .plan
            .thresholds
            .iter()
            .zip(&self.plan.threshold_texts)
            .zip(&self.alerts);
        list.map(|((threshold, text), alerts)| {
            let count = detail
                .breaches
                .iter()
                .find(|found| found.threshold == *threshold);
            let alerts: Vec<Value> = alerts
                .iter()
                .map(|(ts, direction, mid)| {
                    json!([self.time(*ts), word(*direction), format!("{mid:.5}")])
                })
                .collect();
            json!({
                "threshold": text.to_string().parse::<f64>().unwrap_or(0.0),
                "alerts_with_300s_cooldown": alerts.len(),
                "ticks_in_breach": count.map_or(0, |count| count.ticks),
                "alerts": alerts,
                "worst": worst,
            })
        })
        .collect()
    }

    fn stops(&self) -> Value {
        let (Some(entry_ask), Some(entry_bid)) = (self.entry_ask, self.entry_bid) else {
            return json!([]);
        };
        let plans = self.plan.stops.iter().zip(&self.stops);
        plans
            .map(|(plan, fill)| {
                let stop = plan.level(entry_bid, entry_ask).0;
                let side = match plan.side {
                    Side::Buy => "long",
                    Side::Sell => "short",
                };
                match fill {
                    Some(fill) => json!({
                        "side": side,
                        "stop": self.price(stop),
                        "trigger_at": self.time(fill.ts),
                        "row": fill.row,
                        "fill": self.price(fill.price.0),
                        "slippage": self.price((stop - fill.price.0).abs()),
                    }),
                    None => json!({ "side": side, "stop": self.price(stop), "trigger_at": null }),
                }
            })
            .collect()
    }

    fn margin(&self) -> Value {
        let mut margin = Map::new();
        let mut put = |key: &str, value: Value| margin.insert(key.to_owned(), value);
        put("long_units", json!(self.plan.units));
        put(
            "entry_ask",
            json!(self.entry_ask.map(|ask| self.price(ask.0))),
        );
        put("leverage", json!(self.plan.leverage));
        put("balance", json!(self.plan.balance));
        put("used_margin", json!(scaled(self.used.0, MONEY_DIGITS)));
        for (key, level) in [
            ("margin_call_100", &self.call),
            ("stop_out_50", &self.stop_out),
        ] {
            if let Some(level) = level {
                let text = format!("level {}", ratio_percent(level.level, 3));
                put(
                    key,
                    json!([
                        self.time(level.ts),
                        format!("row {}", level.row),
                        self.price(level.bid.0),
                        text
                    ]),
                );
            }
        }
        if let Some((level, ts)) = self.lowest {
            put(
                "lowest_level",
                json!([ratio_percent(level, 3), self.time(ts)]),
            );
        }
        Value::Object(margin)
    }

    fn price(&self, steps: i64) -> f64 {
        scaled(steps, self.plan.price_digits)
    }

    fn float_mid(&self, bid: Price, ask: Price) -> f64 {
        (self.price(bid.0) + self.price(ask.0)) / 2.0
    }

    /// Half of bid + ask, exactly.
    fn mid(&self, mid2: i64) -> f64 {
        // One digit more than a price holds every half step exactly.
        scaled(mid2.saturating_mul(5), self.plan.price_digits + 1)
    }

    /// The file's own time of day.
    fn time(&self, ts: Ts) -> String {
        let ms = (self.local_ns(ts) + 500_000) / 1_000_000;
        let (seconds, ms) = (ms / 1_000, ms % 1_000);
        format!(
            "{:02}:{:02}:{:02}.{ms:03}",
            seconds / 3_600 % 24,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    fn minute(&self, ts: Ts) -> String {
        self.time(ts)[..5].to_owned()
    }

    fn local_ns(&self, ts: Ts) -> u64 {
        let offset_s = match &self.clock {
            Clock::Fixed(seconds) => i64::from(*seconds),
            Clock::Zone(zone) => i64::try_from(ts.0)
                .ok()
                .and_then(|ns| jiff::Timestamp::from_nanosecond(i128::from(ns)).ok())
                .map_or(0, |at| i64::from(zone.to_offset(at).seconds())),
        };
        ts.0.saturating_add_signed(offset_s * SECOND_NS as i64) % DAY_NS
    }
}

/// The first of the tied rows that is largest to a reader who computes with floats.
fn first_best(rows: &[TapeRow], value: impl Fn(Price, Price) -> f64) -> Option<TapeRow> {
    let mut best: Option<(f64, TapeRow)> = None;
    for row in rows {
        let here = value(row.1, row.2);
        if best.is_none_or(|(highest, _)| here > highest) {
            best = Some((here, *row));
        }
    }
    best.map(|(_, row)| row)
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// The nearest float of `steps × 10^-digits`, as a reader of the decimal text gets it.
fn scaled(steps: i64, digits: u8) -> f64 {
    rust_decimal::Decimal::new(steps, u32::from(digits))
        .normalize()
        .to_string()
        .parse()
        .unwrap_or(f64::NAN)
}

fn percent(part: i64, of: i64, digits: usize) -> String {
    format!("{:.digits$}%", part as f64 / of as f64 * 100.0)
}

fn ratio_percent(ratio: Ratio, digits: usize) -> String {
    format!("{:.digits$}%", ratio.0 as f64 / Ratio::ONE.0 as f64 * 100.0)
}
