//! The published stop-out examples (MetaTrader 5 order) through the machine: terms, positions and orders are built so
//! that they have the margins and results of the example, then the group starts to act.

mod desk;
mod recordings;

use desk::*;
use recordings::{read, scaled};
use serde_json::Value;
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::*;
use siaga_risk::units::*;
use siaga_risk::view::{AccountView, Ask, Query, View};
use std::collections::BTreeMap;

/// Examples of rules no group can choose yet: a level in money, stopping out accounts without margin, closing the
/// oldest loser of a symbol first.
const SKIPPED: [&str; 3] = [
    "stop_out.mt5_money_level_equity",
    "stop_out.mt5_fully_hedged_flag_on",
    "stop_out.mt5_fifo_oldest_loser_per_symbol",
];
const ACCOUNT: AccountId = AccountId(1);
const BASE: i64 = 10_000_000;
/// Nothing is charged for an instrument without margin.
const FREE: MarginTerms = MarginTerms {
    buy: MarginRates::all(Ratio(0)),
    sell: MarginRates::all(Ratio(0)),
    hold_buy: Ratio(0),
    hold_sell: Ratio(0),
    ..MarginTerms::NONE
};

struct Example {
    desk: Desk,
    group: GroupTerms,
    /// Instruments of the example, by the name of its position or order.
    instruments: BTreeMap<String, InstrumentId>,
    orders: BTreeMap<OrderId, String>,
    actions: Vec<(String, String, i64)>,
}

#[test]
fn examples_close_in_the_published_order() {
    let Some(text) = read("vectors/stop_out.json") else {
        return;
    };
    let all: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let mut run = 0;
    for vector in all
        .iter()
        .filter(|vector| vector["inputs"]["calc"] == "mt5_stop_out")
    {
        let id = vector["id"].as_str().expect("an id");
        if SKIPPED.contains(&id) {
            continue;
        }
        Example::build(&vector["inputs"]).check(&vector["expect"], id);
        run += 1;
    }
    assert!(run >= 12, "{run} examples");
}

fn cents(value: &Value) -> i64 {
    scaled(value.as_str().unwrap_or("0"), 2)
}

impl Example {
    fn build(inputs: &Value) -> Example {
        let mut desk = Desk::open();
        let group = GroupTerms {
            stop_out: Ratio::percent(scaled(
                inputs["stop_out_level"].as_str().expect("a level"),
                0,
            )),
            stop_out_mode: StopOutMode::Observe,
            negative_balance_protection: inputs["compensate_negative_balance"] == true,
            ..desk.group
        };
        desk.must(Body::Group(group));
        let accounting = if inputs["accounting"] == "netting" {
            Accounting::Netting
        } else {
            Accounting::Hedging
        };
        desk.account(ACCOUNT.0, USD, accounting, 100);
        let mut example = Example {
            desk,
            group,
            instruments: BTreeMap::new(),
            orders: BTreeMap::new(),
            actions: Vec::new(),
        };
        let (balance, loan) = (cents(&inputs["balance"]), 1_000_000_000);
        example.cash(CashKind::Correction, balance + loan);
        example.cash(CashKind::Credit, cents(&inputs["credit"]));
        for position in inputs["positions"].as_array().expect("positions") {
            example.hold(position);
        }
        for order in inputs["pending_orders"].as_array().expect("orders") {
            example.rest(order);
        }
        example.cash(CashKind::Correction, -loan);
        example
    }

    fn cash(&mut self, kind: CashKind, amount: i64) {
        if amount != 0 {
            self.desk.must(Body::Cash(Cash {
                account: ACCOUNT,
                kind,
                amount: Money(amount),
                reference: 0,
            }));
        }
    }

    /// An instrument of its own with this margin per lot; a step of price is a hundredth of a cent per hundredth of a lot.
    fn list(
        &mut self,
        name: &str,
        margin: i64,
        terms: impl Fn(&mut InstrumentTerms),
    ) -> InstrumentId {
        let id = InstrumentId(100 + self.instruments.len() as u32);
        let mut made = InstrumentTerms {
            id,
            mode: CalcMode::Cfd,
            price_digits: 4,
            contract_size: 100,
            margin_fixed: Money(margin.max(1)),
            margin: if margin == 0 { FREE } else { MarginTerms::NONE },
            margin_maintenance: Ratio(0),
            ..instrument("US500")
        };
        terms(&mut made);
        self.desk.must(Body::Instrument(Box::new(made)));
        let (at, until) = (START, START.plus(DAY_NS));
        self.desk.must(Body::Session(Session {
            instrument: id,
            open: true,
            at,
            until,
        }));
        self.quote(id, BASE);
        self.instruments.insert(name.to_owned(), id);
        id
    }

    fn quote(&mut self, id: InstrumentId, price: i64) {
        let ts = self.desk.now;
        let out = self.desk.put(Input::Quote(Quote {
            ts,
            bid: Price(price),
            ask: Price(price),
            bid_qty: Qty(0),
            ask_qty: Qty(0),
            bid_drop: 0,
            ask_rise: 0,
            venue_lag_us: NO_VENUE_TIME,
            instrument: id,
            source: SOURCE,
            merged: 0,
            kind: QuoteKind::Firm,
        }));
        assert!(
            out.iter().any(|output| matches!(output, Output::Mark(_))),
            "{out:?}"
        );
    }

    fn hold(&mut self, position: &Value) {
        let name = position["id"].as_str().expect("an id");
        let lots = scaled(position["lots"].as_str().expect("lots"), 2);
        let swap = cents(&position["swap"]);
        let most = position["max_deal_lots"]
            .as_str()
            .map_or(10_000, |lots| scaled(lots, 2));
        let id = self.list(name, cents(&position["margin"]) * 100 / lots, |terms| {
            terms.swap = SwapTerms {
                mode: SwapMode::Money,
                long: Ratio(swap * 100 * 10_000_000_000 / lots),
                ..SwapTerms::NONE
            };
            terms.qty_max = Qty(10_000);
        });
        let result = cents(&position["profit"]);
        let order = self.order(id, lots, None);
        // Opened so far from the market that the result is there at once.
        let fill = Fill {
            qty: Qty(lots),
            price: Price(BASE - result * 100 / lots),
            commission: Money(0),
        };
        self.fill(order, fill);
        self.desk.must(Body::Rollover(Rollover {
            instrument: id,
            at: self.desk.now,
            days: 1,
            weekday: 0,
        }));
        self.desk.clock();
        let mut terms = self
            .desk
            .machine
            .market()
            .terms(id)
            .expect("listed")
            .clone();
        terms.qty_max = Qty(most);
        self.desk.must(Body::Instrument(Box::new(terms)));
        if position["tradable"] == false {
            let at = self.desk.now;
            self.desk.must(Body::Session(Session {
                instrument: id,
                open: false,
                at,
                until: at.plus(HOUR_NS),
            }));
        }
    }

    fn rest(&mut self, order: &Value) {
        let name = order["id"].as_str().expect("an id");
        let id = self.list(name, cents(&order["margin"]), |_| {});
        let limit = (order["under_execution"] != true).then_some(Price(BASE / 2));
        let made = self.order(id, 100, limit);
        self.orders.insert(made, name.to_owned());
    }

    fn order(&mut self, id: InstrumentId, lots: i64, limit: Option<Price>) -> OrderId {
        let mut new = order(ACCOUNT.0, "US500", Side::Buy, lots);
        new.instrument = id;
        if limit.is_some() {
            (new.kind, new.price) = (OrderKind::Limit, limit);
        }
        self.desk.must(Body::Order(Box::new(new)));
        OrderId(self.desk.machine.last_seq())
    }

    fn fill(&mut self, order: OrderId, fill: Fill) -> Vec<Output> {
        let event = BrokerEvent::Filled(fill);
        self.desk.must(Body::Report(BrokerReport {
            link: LINK,
            order,
            exec: ExecId::default(),
            event,
        }))
    }

    fn view(&self) -> AccountView {
        match self
            .desk
            .machine
            .ask(&Ask {
                token: 0,
                query: Query::Account(ACCOUNT),
            })
            .view
        {
            View::Account(view) => *view,
            other => panic!("{other:?}"),
        }
    }

    /// The group starts to act; the broker fills every close at the market.
    fn act(&mut self) -> i64 {
        let mut compensation = 0;
        let mut out = self.desk.must(Body::Group(GroupTerms {
            stop_out_mode: StopOutMode::Act,
            ..self.group
        }));
        while !out.is_empty() {
            let mut closes = Vec::new();
            for output in &out {
                match output {
                    Output::Order(change) if change.state == OrderState::Cancelled => {
                        self.actions.push((
                            "delete_order".into(),
                            self.orders[&change.id].clone(),
                            0,
                        ));
                    }
                    Output::Send(Send {
                        command: LinkCommand::Submit(submit),
                        ..
                    }) => closes.push(**submit),
                    Output::Cash(booked) if booked.cash.kind == CashKind::Compensation => {
                        compensation += booked.cash.amount.0
                    }
                    _ => {}
                }
            }
            out.clear();
            for close in closes {
                let named = self
                    .instruments
                    .iter()
                    .find(|(_, id)| **id == close.instrument)
                    .expect("listed");
                self.actions
                    .push(("close".into(), named.0.clone(), close.qty.0));
                let fill = Fill {
                    qty: close.qty,
                    price: Price(BASE),
                    commission: Money(0),
                };
                out.extend(self.fill(close.id, fill));
            }
        }
        compensation
    }

    fn check(mut self, expect: &Value, id: &str) {
        let before = self.view();
        if let Some(level) = expect["initial_level_pct"].as_str() {
            let shown = before
                .level
                .map(|level| div_round(i128::from(level.0), 100_000_000) as i64);
            assert_eq!(shown, Some(scaled(level, 2)), "{id}: level");
        }
        let compensation = self.act();
        let expected: Vec<(String, String, i64)> = expect["actions"]
            .as_array()
            .expect("actions")
            .iter()
            .map(|action| {
                let word = |name: &str| action[name].as_str().unwrap_or_default().to_owned();
                (
                    word("action"),
                    word("id"),
                    action["lots"].as_str().map_or(0, |lots| scaled(lots, 2)),
                )
            })
            .collect();
        assert_eq!(self.actions, expected, "{id}");
        let after = self.view();
        for (name, got) in [
            ("balance", after.balance),
            ("equity", after.equity),
            ("margin", after.used),
        ] {
            assert_eq!(got.0, cents(&expect[name]), "{id}: {name}");
        }
        if !expect["compensation"].is_null() {
            assert_eq!(
                compensation,
                cents(&expect["compensation"]),
                "{id}: compensation"
            );
        }
    }
}
