//! Scenarios in words. A line is a command, and behind `->` everything it says, in order, joined by `;`.
//! A command without `->` must not be refused.
//!
//! ```text
//! account 1 USD hedging 100:1 deposit 10000.00
//! quote EURUSD 1.10000 1.10010
//! buy 1 EURUSD 1.00 as entry sl 1.09000        -> entry submitted; send entry
//! fill entry 1.00 1.10010                      -> entry filled; deal p1 buy 1.00@1.10010
//! see 1 equity 9990.00 used 1100.10 level 908.10 state healthy
//! ```

use super::rules::named;
use super::show::{Names, lower, parse};
use super::*;
use siaga_risk::machine::Machine;
use siaga_risk::verdict::Reject;
use siaga_risk::view::{Ask, Query, View};

/// Runs a scenario; at its end the state must survive a snapshot and a replay.
pub fn check(script: &str) {
    let mut run = Run {
        desk: Desk::open(),
        names: Names::default(),
        execs: 0,
        line: String::new(),
    };
    for line in script
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        run.line = line.to_string();
        run.step(line);
    }
    run.survives();
}

struct Run {
    desk: Desk,
    names: Names,
    execs: u64,
    line: String,
}

impl Run {
    fn step(&mut self, line: &str) {
        let (command, said) = match line.split_once("->") {
            Some((command, said)) => (command, Some(said.trim())),
            None => (line, None),
        };
        let words: Vec<&str> = command.split_whitespace().collect();
        let out = self.act(&words);
        let shown: Vec<String> = out
            .iter()
            .filter_map(|output| self.desk.show(output, &mut self.names))
            .collect();
        match said {
            Some(said) => assert_eq!(shown.join("; "), said, "in: {line}"),
            None => {
                for output in &out {
                    if let Output::Answer(answer) = output {
                        assert!(
                            answer.reasons.is_empty(),
                            "refused: {:?} in: {line}",
                            answer.reasons
                        );
                    }
                }
            }
        }
    }

    fn act(&mut self, words: &[&str]) -> Vec<Output> {
        match words {
            ["account", id, currency, accounting, leverage, rest @ ..] => {
                self.open(id, currency, accounting, leverage, rest)
            }
            ["quote", symbol, bid, ask, rest @ ..] => self.quote(symbol, bid, ask, rest),
            ["wait", time] => {
                self.desk.now = self.desk.now.plus(duration(time));
                self.desk.clock()
            }
            [side @ ("buy" | "sell"), account, symbol, qty, rest @ ..] => {
                self.order(side, account, symbol, qty, rest)
            }
            ["fill", name, qty, price, rest @ ..] => self.fill(name, qty, price, rest),
            ["cancel", account, name] => {
                let order = self.names.order_named(name);
                self.desk.command(Body::Cancel(Cancel {
                    account: account_id(account),
                    order,
                }))
            }
            ["protect", account, name, rest @ ..] => self.protect(account, name, rest),
            ["report", name, what, rest @ ..] => self.report(name, what, rest),
            ["closed", name, what, rest @ ..] => {
                self.execs += 1;
                let position = self.names.position_named(name);
                broker::closed(&mut self.desk, position, what, rest, self.execs)
            }
            ["link", mode, rest @ ..] => self.desk.command(Body::LinkState(LinkReport {
                link: LINK,
                mode: link_mode(mode),
                manual: rest == ["manual"],
            })),
            ["cash", account, kind, amount] => self.cash(account, kind, amount),
            ["mode", scope, mode, rest @ ..] => self.mode(scope, mode, rest),
            ["kill", scope, on, rest @ ..] => self.kill(scope, on, rest),
            ["limit", scope, kind, value, rest @ ..] => self.limit(scope, kind, value, rest),
            ["halt", symbol, on] => self.desk.command(Body::Halt(SetHalt {
                instrument: instrument_id(symbol),
                on: *on == "on",
                note: 0,
            })),
            ["review", account, on] => self.desk.command(Body::Review(SetReview {
                account: account_id(account),
                on: *on == "on",
                note: 0,
            })),
            ["acknowledge", account] => self
                .desk
                .command(Body::AcknowledgeRisk(account_id(account))),
            ["confirm", account] => self.desk.command(Body::ConfirmCall(account_id(account))),
            ["login", account] => self.desk.command(Body::LoggedIn(account_id(account))),
            ["hand", what] => self.desk.command(Body::SetLink(SetLink {
                link: LINK,
                read_only: *what == "readonly",
                note: 0,
            })),
            ["reconciled", name, "by", actor, rest @ ..] => self.reconciled(name, actor, rest),
            ["enable", scope, "by", actor] => self.desk.command_by(
                actor.parse().unwrap(),
                Body::Reenable(Reenable {
                    scope: scope_of(scope),
                    note: 0,
                }),
            ),
            ["rollover", symbol, days] => {
                let (at, days) = (self.desk.now, days.parse().unwrap());
                self.desk.command(Body::Rollover(Rollover {
                    instrument: instrument_id(symbol),
                    at,
                    days,
                    weekday: 2,
                }));
                self.desk.clock()
            }
            ["daystart"] => {
                let at = self.desk.now;
                self.desk.command(Body::DayStart(DayStart { at, zone: 0 }));
                self.desk.clock()
            }
            ["close_session", symbol] => {
                let (at, instrument) = (self.desk.now, instrument_id(symbol));
                self.desk.command(Body::Session(Session {
                    instrument,
                    open: false,
                    at,
                    until: at.plus(DAY_NS),
                }))
            }
            ["mark", symbol, price] => {
                let instrument = instrument_id(symbol);
                self.desk.command(Body::MarkPrice(MarkPrice {
                    instrument,
                    source: SOURCE,
                    price: Price(parse(price, price_digits(instrument))),
                    at: self.desk.now,
                }))
            }
            ["interest", symbol, value] => self.desk.command(Body::OpenInterest(OpenInterest {
                instrument: instrument_id(symbol),
                value: Money(parse(value, 2)),
            })),
            ["window", symbol, id, rest @ ..] => self.window(symbol, id, rest),
            ["group", rest @ ..] => self.group(rest),
            ["rules", account, rest @ ..] => self.desk.rules(account.parse().unwrap(), rest),
            ["terms", symbol, rest @ ..] => self.terms(symbol, rest),
            ["held", by] => {
                self.desk.link.protective = if *by == "broker" {
                    HeldBy::Broker
                } else {
                    HeldBy::Core
                };
                let link = self.desk.link;
                self.desk.must(Body::Link(link))
            }
            ["trades_closed", on] => {
                self.desk.link.trades_closed = *on == "yes";
                let link = self.desk.link;
                self.desk.must(Body::Link(link))
            }
            ["dry", symbol, rest @ ..] => {
                self.dry_run(symbol, rest);
                Vec::new()
            }
            ["see", account, rest @ ..] => {
                self.see(account, rest);
                Vec::new()
            }
            _ => panic!("no such command: {}", self.line),
        }
    }

    fn open(
        &mut self,
        id: &str,
        currency: &str,
        accounting: &str,
        leverage: &str,
        rest: &[&str],
    ) -> Vec<Output> {
        let accounting = if accounting == "netting" {
            Accounting::Netting
        } else {
            Accounting::Hedging
        };
        let leverage = parse(leverage.trim_end_matches(":1"), Leverage::DIGITS);
        self.desk.account_at(
            id.parse().unwrap(),
            currency_id(currency),
            accounting,
            Leverage(leverage as u64),
        );
        match rest {
            ["deposit", amount] => self.cash(id, "deposit", amount),
            _ => Vec::new(),
        }
    }

    fn digits(&self, account: &str) -> u8 {
        let book = self.desk.machine.book();
        book.account(account_id(account))
            .map_or(2, |account| book.digits_of(account))
    }

    fn cash(&mut self, account: &str, kind: &str, amount: &str) -> Vec<Output> {
        let amount = Money(parse(amount, self.digits(account)));
        let kind = CashKind::ALL
            .iter()
            .find(|known| lower(known) == kind)
            .copied()
            .unwrap();
        self.desk.command(Body::Cash(Cash {
            account: account_id(account),
            kind,
            amount,
            reference: 0,
        }))
    }

    fn quote(&mut self, symbol: &str, bid: &str, ask: &str, rest: &[&str]) -> Vec<Output> {
        let digits = price_digits(instrument_id(symbol));
        let (bid, ask) = (parse(bid, digits), parse(ask, digits));
        match rest {
            ["low", low, "high", high] => {
                let (low, high) = (parse(low, digits), parse(high, digits));
                self.desk
                    .quote_merged(symbol, bid, ask, (bid - low) as u32, (high - ask) as u32)
            }
            _ => self.desk.quote(symbol, bid, ask),
        }
    }

    fn order(
        &mut self,
        side: &str,
        account: &str,
        symbol: &str,
        qty: &str,
        rest: &[&str],
    ) -> Vec<Output> {
        let digits = price_digits(instrument_id(symbol));
        let side = if side == "buy" { Side::Buy } else { Side::Sell };
        let mut order = order(account.parse().unwrap(), symbol, side, parse(qty, 2));
        let price = |text: &str| Some(Price(parse(text, digits)));
        let mut name = None;
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let mut next = || {
                *words
                    .next()
                    .unwrap_or_else(|| panic!("{word} needs a value"))
            };
            match *word {
                "as" => name = Some(next().to_string()),
                "limit" => (order.kind, order.price) = (OrderKind::Limit, price(next())),
                "stop" => (order.kind, order.stop) = (OrderKind::Stop, price(next())),
                "then" => (order.kind, order.price) = (OrderKind::StopLimit, price(next())),
                "sl" => order.protection.stop_loss = price(next()),
                "tp" => order.protection.take_profit = price(next()),
                "trail" => order.protection.trailing = Price(parse(next(), digits)),
                "closes" => order.position = Some(self.names.position_named(next())),
                "id" => order.client_id[0] = next().parse().unwrap(),
                "trader" => order.trader = next().parse().unwrap(),
                "desk" => order.desk = next().parse().unwrap(),
                "strategy" => order.strategy = next().parse().unwrap(),
                "reduce" => order.reduce_only = true,
                "day" => order.tif = Tif::Day,
                "ioc" => order.tif = Tif::Ioc,
                "until" => {
                    (order.tif, order.expires) =
                        (Tif::Gtd, Some(self.desk.now.plus(duration(next()))))
                }
                other => panic!("unknown word {other} in: {}", self.line),
            }
        }
        let out = self.desk.command(Body::Order(Box::new(order)));
        let made = out.iter().find_map(|output| match output {
            Output::Answer(answer) if !answer.repeated => answer.order,
            _ => None,
        });
        if let (Some(id), Some(name)) = (made, name) {
            self.names.orders.insert(id, name);
        }
        out
    }

    fn fill(&mut self, name: &str, qty: &str, price: &str, rest: &[&str]) -> Vec<Output> {
        let order = self.names.order_named(name);
        let instrument = self
            .desk
            .machine
            .book()
            .order(order)
            .unwrap()
            .order
            .instrument;
        let mut fill = Fill {
            qty: Qty(parse(qty, 2)),
            price: Price(parse(price, price_digits(instrument))),
            commission: Money(0),
        };
        self.execs += 1;
        let mut exec = self.execs;
        match rest {
            ["exec", number] => exec = number.parse().unwrap(),
            ["commission", money] => fill.commission = Money(parse(money, 2)),
            _ => {}
        }
        self.desk.command(Body::Report(BrokerReport {
            link: LINK,
            order,
            exec: exec_id(exec),
            event: BrokerEvent::Filled(fill),
        }))
    }

    fn report(&mut self, name: &str, what: &str, rest: &[&str]) -> Vec<Output> {
        let event = match what {
            "accepted" => BrokerEvent::Accepted,
            "rejected" => BrokerEvent::Rejected(1),
            "cancelled" => BrokerEvent::Cancelled,
            "cancel_rejected" => BrokerEvent::CancelRejected(1),
            "expired" => BrokerEvent::Expired,
            "unknown" => BrokerEvent::Unknown,
            "in_doubt" => BrokerEvent::InDoubt,
            "ended" => BrokerEvent::Ended,
            "bust" => BrokerEvent::Bust(exec_id(rest[0].parse().unwrap())),
            other => panic!("unknown report {other}"),
        };
        let order = self.names.order_named(name);
        self.desk.command(Body::Report(BrokerReport {
            link: LINK,
            order,
            exec: ExecId::default(),
            event,
        }))
    }

    /// `of 1`: so many executions were seen; all that are open when it is left out.
    fn reconciled(&mut self, name: &str, actor: &str, rest: &[&str]) -> Vec<Output> {
        let order = self.names.order_named(name);
        let known = self.desk.machine.book().order(order);
        let open = known.map_or(0, |known| known.unbooked.len() as u32);
        let executions = match rest {
            ["of", seen] => seen.parse().unwrap(),
            _ => open,
        };
        let set = Reconciled {
            order,
            executions,
            note: 0,
        };
        self.desk
            .command_by(actor.parse().unwrap(), Body::Reconciled(set))
    }

    fn protect(&mut self, account: &str, name: &str, rest: &[&str]) -> Vec<Output> {
        let position = self.names.position_named(name);
        let digits = price_digits(
            self.desk
                .machine
                .book()
                .positions()
                .find(position)
                .unwrap()
                .instrument,
        );
        let mut protection = Protection {
            stop_loss: None,
            take_profit: None,
            trailing: Price(0),
        };
        for pair in rest.chunks(2) {
            let price = Price(parse(pair[1], digits));
            match pair[0] {
                "sl" => protection.stop_loss = Some(price),
                "tp" => protection.take_profit = Some(price),
                _ => protection.trailing = price,
            }
        }
        self.desk.command(Body::Protect(Protect {
            account: account_id(account),
            position,
            protection,
        }))
    }

    fn mode(&mut self, scope: &str, mode: &str, rest: &[&str]) -> Vec<Output> {
        let mode = TradingMode::ALL
            .iter()
            .find(|known| lower(known) == mode)
            .copied()
            .unwrap();
        let set = SetMode {
            scope: scope_of(scope),
            mode,
            allow_reducing: rest.contains(&"reducing"),
            note: 0,
            approver: approver(rest),
        };
        self.desk.command(Body::Mode(set))
    }

    fn kill(&mut self, scope: &str, on: &str, rest: &[&str]) -> Vec<Output> {
        let set = SetKill {
            scope: scope_of(scope),
            also: also(rest),
            on: on == "on",
            allow_reducing: rest.contains(&"reducing"),
            note: 0,
            approver: approver(rest),
        };
        self.desk.command(Body::Kill(set))
    }

    fn limit(&mut self, scope: &str, kind: &str, value: &str, rest: &[&str]) -> Vec<Output> {
        let kind = LimitKind::ALL
            .iter()
            .find(|known| lower(known) == kind)
            .copied()
            .unwrap();
        let set = SetLimit {
            scope: scope_of(scope),
            kind,
            value: parse(value, 2),
            note: 0,
            approver: approver(rest),
        };
        self.desk.command(Body::Limit(set))
    }

    /// `window EURUSD 1 in 5s for 20s 200% after_grace 5s`, and `window EURUSD 1 ends`.
    fn window(&mut self, symbol: &str, id: &str, rest: &[&str]) -> Vec<Output> {
        let (instrument, id) = (instrument_id(symbol), id.parse().unwrap());
        let now = self.desk.now;
        let set = match rest {
            ["in", from, "for", length, factor, held, grace] => {
                let from = now.plus(duration(from));
                Requirement {
                    instrument,
                    id,
                    from,
                    until: from.plus(duration(length)),
                    factor: Ratio(parse(factor.trim_end_matches('%'), 10)),
                    held: *HeldPolicy::ALL
                        .iter()
                        .find(|known| lower(known) == *held)
                        .unwrap(),
                    grace_ns: duration(grace),
                }
            }
            _ => {
                let query = Query::Windows;
                let View::Windows(all) = self.desk.machine.ask(&Ask { token: 0, query }).view
                else {
                    panic!("no windows")
                };
                let known =
                    |window: &&Requirement| (window.instrument, window.id) == (instrument, id);
                Requirement {
                    until: now,
                    ..*all.iter().find(known).unwrap()
                }
            }
        };
        self.desk.command(Body::Requirement(set))
    }

    fn group(&mut self, rest: &[&str]) -> Vec<Output> {
        let group = &mut self.desk.group;
        for pair in rest.chunks(2) {
            let value = pair[1];
            match pair[0] {
                "mode" => {
                    group.stop_out_mode = if value == "act" {
                        StopOutMode::Act
                    } else {
                        StopOutMode::Observe
                    }
                }
                "policy" => group.stop_out_policy = named(StopOutPolicy::ALL, value),
                "stop_out" => {
                    group.stop_out = Ratio::percent(value.parse().unwrap());
                    group.restricted = group.restricted.max(group.stop_out);
                }
                "warning" => group.warning = Ratio::percent(value.parse().unwrap()),
                "test" => group.stop_out_test = named(LevelTest::ALL, value),
                "protection" => {
                    group.negative_balance_protection = named(BalanceProtection::ALL, value)
                }
                "hedge" => group.margin.hedge = Some(named(HedgeRule::ALL, value)),
                "money" => group.closing.money = Some(Money(parse(value, 2))),
                "fully_hedged" => group.closing.fully_hedged = value == "yes",
                "oldest_first" => group.closing.oldest_first = value == "yes",
                "at_mid" => group.closing.at_mid = value == "yes",
                "rungs" => {
                    for (rung, text) in group.closing.rungs.iter_mut().zip(value.split(',')) {
                        *rung = Ratio::percent(text.parse().unwrap());
                    }
                }
                "loss_account_of" => group.loss.account_of = basis(value),
                "loss_position_of" => group.loss.position_of = basis(value),
                "clear" => group.loss.clear = Ratio::percent(value.parse().unwrap()),
                "call_flow" => {
                    let flow = CallFlow::ALL.iter().find(|known| lower(known) == *value);
                    group.call_flow = *flow.unwrap()
                }
                "executions_max" => group.throttle.executions_max = value.parse().unwrap(),
                "executions_window" => group.throttle.window_ns = duration(value),
                "loss_account" => group.loss_account = Ratio::percent(value.parse().unwrap()),
                "loss_position" => group.loss_position = Ratio::percent(value.parse().unwrap()),
                "rate" => group.rate_max = value.parse().unwrap(),
                "duplicate" => group.duplicate_window_ns = duration(value),
                "margin_price" => {
                    group.margin_price = MarginPrice::ALL
                        .iter()
                        .find(|known| lower(known) == value)
                        .copied()
                        .unwrap()
                }
                other => panic!("unknown group term {other}"),
            }
        }
        let group = *group;
        self.desk.must(Body::Group(Box::new(group)))
    }

    fn terms(&mut self, symbol: &str, rest: &[&str]) -> Vec<Output> {
        let mut terms = instrument(symbol);
        let ratio = |text: &str| Ratio(parse(text.trim_end_matches('%'), 10));
        for pair in rest.chunks(2) {
            let value = pair[1];
            match pair[0] {
                "collar" => terms.collar = ratio(value),
                "band" => terms.price_band = ratio(value),
                "hedged" => terms.margin_hedged = ratio(value),
                "qty_min" => terms.qty_min = Qty(parse(value, 2)),
                "qty_max" => terms.qty_max = Qty(parse(value, 2)),
                "qty_step" => terms.qty_step = Qty(parse(value, 2)),
                "notional" => terms.notional_max = Money(parse(value, 2)),
                "trade" => {
                    terms.trade_mode = TradeMode::ALL
                        .iter()
                        .find(|known| lower(known) == value)
                        .copied()
                        .unwrap()
                }
                "negative" => terms.negative_prices = value == "yes",
                "cap" => terms.leverage_max = Leverage::of(value.parse().unwrap()),
                "initial" => terms.margin_initial = ratio(value),
                "schedule" => terms.crypto.schedule = schedule(value),
                "mark_age" => terms.crypto.mark_age_max_ns = duration(value),
                "inverse" => {
                    terms.mode = CalcMode::CryptoInverse;
                    (terms.margin_currency, terms.contract_size) =
                        (terms.base, value.parse().unwrap());
                    terms.swap = SwapTerms::NONE;
                }
                other => panic!("unknown term {other}"),
            }
        }
        self.desk.must(Body::Instrument(Box::new(terms)))
    }

    /// What lifting a halt would do: holders, then every account whose state would change.
    fn dry_run(&mut self, symbol: &str, said: &[&str]) {
        let reply = self.desk.machine.ask(&Ask {
            token: 0,
            query: Query::ResumeDryRun(instrument_id(symbol)),
        });
        let View::ResumeDryRun(view) = reply.view else {
            panic!("no instrument {symbol}")
        };
        let mut found = format!("halted {} holders {}", view.halted, view.holders);
        for change in &view.accounts {
            let (from, to) = (lower(change.from), lower(change.to));
            found += &format!(" {} {from}>{to}", change.account.0);
        }
        assert_eq!(found, said.join(" "), "in: {}", self.line);
    }

    fn see(&mut self, account: &str, rest: &[&str]) {
        let digits = self.digits(account);
        let reply = self.desk.machine.ask(&Ask {
            token: 0,
            query: Query::Account(account_id(account)),
        });
        let View::Account(view) = reply.view else {
            panic!("no account {account}")
        };
        for pair in rest.chunks(2) {
            let money = |money: Money| show::decimal(money.0, digits);
            let found = match pair[0] {
                "balance" => money(view.balance),
                "equity" => money(view.equity),
                "used" => money(view.used),
                "free" => money(view.free),
                "unrealised" => money(view.unrealised),
                "haircut" => money(view.haircut),
                "to_warning" => money(view.to_warning),
                "to_stop_out" => money(view.to_stop_out),
                "state" => lower(view.state),
                "level" => view.level.map_or("none".into(), |level| {
                    show::decimal(div_round(i128::from(level.0), 100_000_000) as i64, 2)
                }),
                "positions" => view.positions.len().to_string(),
                "orders" => view.orders.len().to_string(),
                "stop_out_at" => {
                    let position = &view.positions[0];
                    position.stop_out_at.map_or("never".into(), |at| {
                        show::decimal(at.0, price_digits(position.position.instrument))
                    })
                }
                "next" => view
                    .next_stop_out
                    .map_or("never".into(), |next| self.next(&next)),
                "closeout" => money(view.closeout.equity),
                "warning_at" => {
                    let position = &view.positions[0];
                    position.warning_at.map_or("never".into(), |at| {
                        show::decimal(at.0, price_digits(position.position.instrument))
                    })
                }
                other => panic!("nothing to see called {other}"),
            };
            assert_eq!(found, pair[1], "{} in: {}", pair[0], self.line);
        }
    }

    /// `p1:0.50@1.08630:30.00..60.00`: what is closed where, and the level before and after.
    fn next(&self, next: &siaga_risk::view::Forecast) -> String {
        let level = |level: Option<Ratio>| {
            level.map_or("none".into(), |level| {
                show::decimal(div_round(i128::from(level.0), 100_000_000) as i64, 2)
            })
        };
        let names = &self.names.positions;
        let position = next.position.and_then(|(id, _)| names.get(&id));
        format!(
            "{}:{}@{}:{}..{}",
            position.map_or("nothing", String::as_str),
            show::decimal(next.qty.0, 2),
            show::decimal(next.price.0, price_digits(next.instrument)),
            level(next.level_before),
            level(next.level_after)
        )
    }

    /// The state survives a snapshot, and a replay of the same inputs ends in it.
    fn survives(&self) {
        let hash = self.desk.machine.state_hash();
        let restored =
            Machine::restore(&self.desk.machine.snapshot()).expect("a snapshot can be read");
        assert_eq!(restored.state_hash(), hash, "after a snapshot");
        let mut again = Machine::new();
        let mut out = Vec::new();
        for (at, input) in self.desk.inputs.iter().enumerate() {
            again.apply(at as Seq + 1, input, &mut out);
        }
        assert_eq!(again.state_hash(), hash, "after a replay");
    }
}

fn basis(word: &str) -> LossBasis {
    LossBasis::ALL
        .iter()
        .find(|known| lower(known) == word)
        .copied()
        .unwrap()
}

pub fn exec_id(number: u64) -> ExecId {
    let mut id = ExecId::default();
    id[..8].copy_from_slice(&number.to_le_bytes());
    id
}

fn approver(rest: &[&str]) -> ActorId {
    let with = rest
        .iter()
        .position(|word| *word == "with")
        .and_then(|at| rest.get(at + 1));
    ActorId(with.map_or(0, |actor| actor.parse().unwrap()))
}

/// `also trader:3` narrows a kill switch.
fn also(rest: &[&str]) -> Also {
    let mut also = Also::ANY;
    let words = rest.iter().zip(rest.iter().skip(1));
    for (_, scope) in words.filter(|(word, _)| **word == "also") {
        match scope_of(scope) {
            Scope::Group(id) => also.group = Some(id),
            Scope::Account(id) => also.account = Some(id),
            Scope::Instrument(id) => also.instrument = Some(id),
            Scope::Desk(id) => also.desk = id,
            Scope::Trader(id) => also.trader = id,
            Scope::Strategy(id) => also.strategy = id,
            other => panic!("cannot narrow by {other:?}"),
        }
    }
    also
}

fn account_id(text: &str) -> AccountId {
    AccountId(
        text.parse()
            .unwrap_or_else(|_| panic!("no account id: {text}")),
    )
}

fn currency_id(text: &str) -> CurrencyId {
    match text {
        "USD" => USD,
        "EUR" => EUR,
        "JPY" => JPY,
        "IDR" => IDR,
        "BTC" => BTC,
        other => panic!("no currency {other}"),
    }
}

fn link_mode(text: &str) -> LinkMode {
    match text {
        "live" => LinkMode::Live,
        "readonly" => LinkMode::ReadOnly,
        _ => LinkMode::Recovering,
    }
}

fn scope_of(text: &str) -> Scope {
    match text.split_once(':') {
        None => Scope::House,
        Some(("account", id)) => Scope::Account(account_id(id)),
        Some(("trader", id)) => Scope::Trader(id.parse().unwrap()),
        Some(("desk", id)) => Scope::Desk(id.parse().unwrap()),
        Some(("strategy", id)) => Scope::Strategy(id.parse().unwrap()),
        Some(("currency", code)) => Scope::Currency(currency_id(code)),
        Some(("group", id)) => Scope::Group(GroupId(id.parse().unwrap())),
        Some((_, symbol)) => Scope::Instrument(instrument_id(symbol)),
    }
}

fn duration(text: &str) -> u64 {
    let (number, unit) = text.split_at(
        text.find(|letter: char| letter.is_alphabetic())
            .unwrap_or(text.len()),
    );
    let unit = match unit {
        "ms" => SECOND_NS / 1_000,
        "s" => SECOND_NS,
        "m" => MINUTE_NS,
        "h" => HOUR_NS,
        other => panic!("no unit {other}"),
    };
    number.parse::<u64>().unwrap() * unit
}

/// Every verdict has a name scripts can use.
pub fn verdict_names() -> Vec<&'static str> {
    Reject::ALL.iter().map(|reject| reject.name()).collect()
}
