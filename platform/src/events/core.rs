//! What each output of the core is called in the event table, and its facts. Numbers are the core's
//! integers: prices in steps, quantities in lot steps, money in minor units, ratios × 10⁻¹².

use serde_json::{Value, json};
use siaga_risk::event::*;
use siaga_risk::ids::InstrumentId;
use siaga_risk::terms::AccountRules;
use siaga_risk::units::{Price, Ratio};

use super::NewEvent;
use crate::source::Entry;
use crate::values::word;

/// What an event says: its type, its account and instrument, its facts.
type Fact = (String, Option<u32>, Option<u32>, Value);

/// The event of an output; `None` for prices, bars and accepted answers.
pub fn event_of(entry: &Entry) -> Option<NewEvent> {
    let (kind, account, instrument, payload) = fact_of(&entry.output)?;
    Some(NewEvent {
        source: Some(entry.key),
        kind,
        ts: entry.ts,
        account,
        instrument,
        payload,
    })
}

fn fact_of(output: &Output) -> Option<Fact> {
    match output {
        Output::Mark(_)
        | Output::Print(_)
        | Output::Bar(_)
        | Output::Dropped(_)
        | Output::Noted(_) => None,
        Output::Answer(answer) => refusal(answer),
        Output::Order(_)
        | Output::Send(_)
        | Output::Deal(_)
        | Output::Position(_)
        | Output::Cash(_) => Some(trading(output)),
        Output::Margin(_)
        | Output::StopOut(_)
        | Output::Loss(_)
        | Output::Rung(_)
        | Output::Protective(_)
        | Output::Conversion(_) => Some(risk(output)),
        Output::Volatility(_)
        | Output::Breach(_)
        | Output::Halt(_)
        | Output::Window(_)
        | Output::Feed(_)
        | Output::Switch(_)
        | Output::Gap(_)
        | Output::Session(_) => Some(market(output)),
        other => house(other),
    }
}

fn refusal(answer: &Answer) -> Option<Fact> {
    if answer.reasons.is_empty() {
        return None;
    }
    let reasons: Vec<&str> = answer.reasons.iter().map(|reason| reason.name()).collect();
    let codes: Vec<u16> = answer.reasons.iter().map(|reason| reason.code()).collect();
    let payload = json!({"actor": answer.actor.0, "reasons": reasons, "codes": codes, "order": answer.order.map(|id| id.0)});
    Some((
        "command.refused".into(),
        answer.account.map(|id| id.0),
        None,
        payload,
    ))
}

fn trading(output: &Output) -> Fact {
    match output {
        Output::Order(change) => {
            let order = &change.order;
            let payload = json!({
                "order": change.id.0, "link": change.link.0, "origin": word(&change.origin), "side": word(&order.side),
                "kind": word(&order.kind), "qty": order.qty.0, "filled": change.filled.0, "reason": change.reason,
                "price": order.price.map(|price| price.0), "position": order.position.map(|id| id.0),
            });
            let kind = format!("order.{}", word(&change.state));
            (
                kind,
                Some(order.account.0),
                Some(order.instrument.0),
                payload,
            )
        }
        Output::Send(send) => sent(send),
        Output::Deal(deal) => {
            let payload = json!({
                "order": deal.order.0, "position": deal.position.0, "side": word(&deal.side), "qty": deal.qty.0,
                "price": deal.price.0, "commission": deal.commission.0, "realised": deal.realised.0,
                "balance": deal.balance.0, "origin": word(&deal.origin),
            });
            (
                "deal.booked".into(),
                Some(deal.account.0),
                Some(deal.instrument.0),
                payload,
            )
        }
        Output::Position(position) => {
            let kind = if position.qty.0 == 0 {
                "position.closed"
            } else {
                "position.changed"
            };
            let payload = json!({
                "position": position.id.0, "side": word(&position.side), "qty": position.qty.0,
                "open_price": position.open_price.0, "margin": position.margin.0, "swap": position.swap.0,
                "commission": position.commission.0, "realised": position.realised.0,
                "stop_loss": steps(position.protection.stop_loss), "take_profit": steps(position.protection.take_profit),
            });
            (
                kind.into(),
                Some(position.account.0),
                Some(position.instrument.0),
                payload,
            )
        }
        Output::Cash(booked) => {
            let cash = &booked.cash;
            let payload = json!({
                "amount": cash.amount.0, "reference": cash.reference, "balance": booked.balance.0, "credit": booked.credit.0,
            });
            (
                format!("cash.{}", word(&cash.kind)),
                Some(cash.account.0),
                None,
                payload,
            )
        }
        other => unnamed(other),
    }
}

fn sent(send: &Send) -> Fact {
    let link = send.link.0;
    match &send.command {
        LinkCommand::Submit(submit) => {
            let payload = json!({"link": link, "order": submit.id.0, "qty": submit.qty.0, "side": word(&submit.side)});
            (
                "order.sent".into(),
                Some(submit.account.0),
                Some(submit.instrument.0),
                payload,
            )
        }
        LinkCommand::Cancel(order) => (
            "order.cancel_sent".into(),
            None,
            None,
            json!({"link": link, "order": order.0}),
        ),
        LinkCommand::Protect(protect) => {
            let payload = json!({"link": link, "position": protect.position.0});
            (
                "position.protection_sent".into(),
                Some(protect.account.0),
                None,
                payload,
            )
        }
        LinkCommand::Status(order) => (
            "order.status_asked".into(),
            None,
            None,
            json!({"link": link, "order": order.0}),
        ),
        LinkCommand::Opened(opened) => {
            let payload = json!({
                "link": link, "position": opened.position.0, "order": opened.order.map(|id| id.0), "side": word(&opened.side),
            });
            (
                "position.named".into(),
                Some(opened.account.0),
                Some(opened.instrument.0),
                payload,
            )
        }
    }
}

fn risk(output: &Output) -> Fact {
    match output {
        Output::Margin(margin) => {
            let payload = json!({
                "from": word(&margin.from), "equity": margin.equity.0, "used": margin.used.0,
                "level": parts(margin.level), "soft": margin.soft,
            });
            let kind = format!("risk.margin_{}", word(&margin.to));
            (
                kind,
                Some(margin.account.0),
                number(margin.instrument),
                payload,
            )
        }
        Output::StopOut(stop_out) => {
            let payload = json!({
                "mode": word(&stop_out.mode), "equity": stop_out.equity.0, "used": stop_out.used.0,
                "cancels": stop_out.cancels.iter().map(|id| id.0).collect::<Vec<_>>(),
                "closes": stop_out.closes.iter().map(|id| id.0).collect::<Vec<_>>(),
            });
            (
                "risk.stop_out".into(),
                Some(stop_out.account.0),
                None,
                payload,
            )
        }
        Output::Loss(loss) => {
            let kind = if loss.on {
                "risk.loss_limit_crossed"
            } else {
                "risk.loss_limit_cleared"
            };
            let payload = json!({
                "of": word(&loss.kind), "basis": word(&loss.basis), "position": loss.position.map(|id| id.0), "loss": loss.loss.0, "limit": loss.limit.0,
            });
            (
                kind.into(),
                Some(loss.account.0),
                number(loss.instrument),
                payload,
            )
        }
        Output::Rung(rung) => {
            let kind = if rung.on {
                "risk.margin_level_reached"
            } else {
                "risk.margin_level_left"
            };
            let payload = json!({
                "level": rung.level.0, "now": rung.now.map(|level| level.0), "equity": rung.equity.0, "used": rung.used.0,
            });
            (
                kind.into(),
                Some(rung.account.0),
                number(rung.instrument),
                payload,
            )
        }
        Output::Protective(fired) => {
            let what = if fired.unanswered {
                "unanswered"
            } else {
                "fired"
            };
            let payload = json!({
                "position": fired.position.0, "price": fired.price.0, "crossed_by": fired.crossed_by.0,
                "order": fired.order.map(|id| id.0),
            });
            let kind = format!("risk.{}_{what}", word(&fired.kind));
            (
                kind,
                Some(fired.account.0),
                Some(fired.instrument.0),
                payload,
            )
        }
        Output::Conversion(conversion) => {
            let kind = if conversion.missing {
                "risk.conversion_missing"
            } else {
                "risk.conversion_back"
            };
            let payload = json!({"from": conversion.from.0, "to": conversion.to.0});
            (kind.into(), Some(conversion.account.0), None, payload)
        }
        other => unnamed(other),
    }
}

fn market(output: &Output) -> Fact {
    match output {
        Output::Volatility(volatility) => {
            let payload = json!({
                "realised_5m": volatility.realised_5m.0, "threshold": volatility.threshold.0, "ewma": volatility.ewma.0,
            });
            let kind = format!("market.volatility_{}", word(&volatility.state));
            (kind, None, Some(volatility.instrument.0), payload)
        }
        Output::Breach(breach) => {
            let payload = json!({
                "cause": word(&breach.cause), "direction": word(&breach.direction), "moved": breach.moved.0, "threshold": breach.threshold.0, "mid2": breach.mid2,
            });
            (
                "market.breach".into(),
                None,
                Some(breach.instrument.0),
                payload,
            )
        }
        Output::Halt(halt) => {
            let kind = if halt.on {
                "market.halted"
            } else {
                "market.resumed"
            };
            let payload = json!({
                "cause": word(&halt.cause), "manual": halt.manual, "awaiting_resume": halt.awaiting_resume, "moved": halt.moved.0, "holders": halt.holders,
            });
            (kind.into(), None, Some(halt.instrument.0), payload)
        }
        Output::Window(change) => {
            let window = &change.window;
            let payload = json!({
                "window": window.id, "from_ns": window.from.0, "until_ns": window.until.0, "factor": window.factor.0,
                "held": word(&window.held), "holders": change.holders,
            });
            let kind = format!("market.requirement_{}", word(&change.phase));
            (kind, None, Some(window.instrument.0), payload)
        }
        Output::Feed(feed) => {
            let payload = json!({"from": word(&feed.from), "source": feed.source.map(|id| id.0), "age_ns": feed.age_ns});
            (
                format!("feed.{}", word(&feed.to)),
                None,
                Some(feed.instrument.0),
                payload,
            )
        }
        Output::Switch(switch) => {
            let payload = json!({"from": switch.from.map(|id| id.0), "to": switch.to.0, "cause": word(&switch.cause)});
            (
                "feed.switched".into(),
                None,
                Some(switch.instrument.0),
                payload,
            )
        }
        Output::Gap(gap) => {
            let payload =
                json!({"source": gap.source.0, "cause": word(&gap.cause), "missing": gap.missing});
            ("feed.gap".into(), None, number(gap.instrument), payload)
        }
        Output::Session(session) => {
            let kind = if session.open {
                "market.session_open"
            } else {
                "market.session_closed"
            };
            let payload = json!({"at_ns": session.at.0, "until_ns": session.until.0});
            (kind.into(), None, Some(session.instrument.0), payload)
        }
        other => unnamed(other),
    }
}

fn house(output: &Output) -> Option<Fact> {
    let (kind, payload) = match output {
        Output::Link(link) => {
            let payload = json!({
                "link": link.link.0, "from": word(&link.from), "manual": link.manual, "queued": link.queued, "in_doubt": link.in_doubt,
            });
            (format!("broker.link_{}", word(&link.to)), payload)
        }
        Output::Mode(change) => {
            let payload = json!({
                "scope": scope(&change.set.scope), "from": word(&change.from), "actor": change.actor.0,
                "approver": change.set.approver.0, "allow_reducing": change.set.allow_reducing,
            });
            (format!("desk.mode_{}", word(&change.set.mode)), payload)
        }
        Output::Kill(change) => {
            let payload = json!({
                "scope": scope(&change.set.scope), "actor": change.actor.0, "approver": change.set.approver.0,
                "cancelled": change.cancelled, "also": also(&change.set.also),
            });
            let on = if change.set.on { "on" } else { "off" };
            (format!("desk.kill_switch_{on}"), payload)
        }
        Output::Throttle(change) => {
            let payload = json!({
                "scope": scope(&change.scope), "instrument": change.instrument.0, "side": word(&change.side),
                "executions": change.executions, "actor": change.actor.0,
            });
            let what = if change.on { "latched" } else { "enabled" };
            (format!("desk.executions_{what}"), payload)
        }
        Output::DayStart(day) => (
            "market.day_started".into(),
            json!({"zone": day.zone, "at_ns": day.at.0, "accounts": day.accounts}),
        ),
        Output::ClockJump(jump) => ("system.clock_jumped".into(), json!({"by_ns": jump.by_ns})),
        Output::Alert(echo) => {
            let command = &echo.command;
            let payload = json!({
                "alert": command.alert.0, "revision": command.revision, "argument": command.argument, "actor": echo.actor.0,
            });
            (format!("alert.{}", word(&command.verb)), payload)
        }
        Output::Terms(terms) => terms_fact(terms),
        Output::Checkpoint(point) => (
            "system.checkpoint".into(),
            json!({"seq": point.seq, "state_hash": format!("{:016x}", point.state_hash)}),
        ),
        _ => return None,
    };
    let (account, instrument) = about(output);
    Some((kind, account, instrument, payload))
}

fn terms_fact(terms: &TermsChange) -> (String, Value) {
    match terms {
        TermsChange::Currency(currency) => (
            "terms.currency".into(),
            json!({"currency": currency.id.0, "digits": currency.digits}),
        ),
        TermsChange::Source(source) => ("terms.source".into(), json!({"source": source.id.0})),
        TermsChange::Link(link) => ("terms.link".into(), json!({"link": link.id.0})),
        TermsChange::Instrument(instrument) => (
            "terms.instrument".into(),
            json!({"class": word(&instrument.class), "price_digits": instrument.price_digits}),
        ),
        TermsChange::Group(group) => (
            "terms.group".into(),
            json!({"group": group.id.0, "leverage": group.leverage.to_string()}),
        ),
        TermsChange::Account(account) => (
            "terms.account".into(),
            json!({"group": account.group.0, "currency": account.currency.0}),
        ),
        TermsChange::Limit(limit) => (
            "terms.limit".into(),
            json!({"scope": scope(&limit.scope), "kind": word(&limit.kind), "value": limit.value}),
        ),
        TermsChange::Review(review) => {
            let what = if review.on { "started" } else { "ended" };
            (format!("account.review_{what}"), json!({}))
        }
        TermsChange::RiskAcknowledged(_) => ("account.risk_acknowledged".into(), json!({})),
        TermsChange::Tiers(tiers) => (
            "terms.tiers".into(),
            json!({"tiers": tiers.id.0, "rules": tiers.rules.len()}),
        ),
        TermsChange::Requirement(window) => (
            "terms.requirement".into(),
            json!({
                "window": window.id, "from": window.from.0, "until": window.until.0,
                "factor": window.factor.0, "held": word(&window.held),
            }),
        ),
        TermsChange::CallConfirmed(_) => ("account.margin_call_confirmed".into(), json!({})),
        TermsChange::Rules(rules) => ("terms.account_rules".into(), account_rules(rules)),
    }
}

/// What an account has otherwise than its group; null is as the group has it.
fn account_rules(rules: &AccountRules) -> Value {
    let ratio = |level: Option<Ratio>| level.map(|level| level.0);
    json!({
        "warning": ratio(rules.warning),
        "restricted": ratio(rules.restricted),
        "stop_out": ratio(rules.stop_out),
        "rungs": rules.rungs.map(|rungs| rungs.map(|rung| rung.0)),
        "stop_out_policy": rules.stop_out_policy.map(|policy| word(&policy)),
        "negative_balance_protection": rules.negative_balance_protection.map(|kind| word(&kind)),
        "hedge": rules.hedge.map(|rule| word(&rule)),
    })
}

/// The account and the instrument that a change of the house is about.
fn about(output: &Output) -> (Option<u32>, Option<u32>) {
    let of_scope = |scope: &Scope| match scope {
        Scope::Account(id) => (Some(id.0), None),
        Scope::Instrument(id) => (None, Some(id.0)),
        _ => (None, None),
    };
    match output {
        Output::Mode(change) => of_scope(&change.set.scope),
        Output::Kill(change) => of_scope(&change.set.scope),
        Output::Terms(TermsChange::Limit(limit)) => of_scope(&limit.scope),
        Output::Terms(TermsChange::Instrument(instrument)) => (None, Some(instrument.id.0)),
        Output::Terms(TermsChange::Requirement(window)) => (None, Some(window.instrument.0)),
        Output::Terms(TermsChange::Account(account)) => (Some(account.id.0), None),
        Output::Terms(TermsChange::Review(review)) => (Some(review.account.0), None),
        Output::Terms(TermsChange::Rules(rules)) => (Some(rules.account.0), None),
        Output::Throttle(change) => of_scope(&change.scope),
        Output::Terms(
            TermsChange::RiskAcknowledged(account) | TermsChange::CallConfirmed(account),
        ) => (Some(account.0), None),
        _ => (None, None),
    }
}

/// A scope as text: `house`, `account:7`.
pub fn scope(scope: &Scope) -> String {
    match scope {
        Scope::House => "house".into(),
        Scope::Group(id) => format!("group:{id}"),
        Scope::Account(id) => format!("account:{id}"),
        Scope::Instrument(id) => format!("instrument:{id}"),
        Scope::Desk(id) => format!("desk:{id}"),
        Scope::Trader(id) => format!("trader:{id}"),
        Scope::Strategy(id) => format!("strategy:{id}"),
        Scope::Currency(id) => format!("currency:{id}"),
    }
}

/// What narrows a kill switch, as texts; empty when nothing does.
fn also(also: &Also) -> Vec<String> {
    let named = [
        ("desk", also.desk),
        ("trader", also.trader),
        ("strategy", also.strategy),
    ];
    let scopes = [
        also.group.map(Scope::Group),
        also.account.map(Scope::Account),
        also.instrument.map(Scope::Instrument),
    ];
    let mut all: Vec<String> = scopes.iter().flatten().map(scope).collect();
    let named = named.iter().filter(|(_, id)| *id != 0);
    all.extend(named.map(|(name, id)| format!("{name}:{id}")));
    all
}

/// An output that its family above does not name: a bug that must not lose the event.
fn unnamed(output: &Output) -> Fact {
    (
        "core.unnamed".into(),
        None,
        None,
        json!({"output": format!("{output:?}")}),
    )
}

fn number(instrument: Option<InstrumentId>) -> Option<u32> {
    instrument.map(|id| id.0)
}

fn steps(price: Option<Price>) -> Option<i64> {
    price.map(|price| price.0)
}

fn parts(ratio: Option<Ratio>) -> Option<i64> {
    ratio.map(|ratio| ratio.0)
}

#[cfg(test)]
mod tests {
    use siaga_risk::ids::AccountId;
    use siaga_risk::units::{Money, Ts};

    use super::*;

    #[test]
    fn a_restricted_account_is_named_as_such() {
        let margin = MarginChange {
            account: AccountId(7),
            from: MarginState::Warning,
            to: MarginState::Restricted,
            equity: Money(4_000),
            used: Money(10_000),
            level: Some(Ratio::percent(40)),
            instrument: Some(InstrumentId(3)),
            soft: false,
        };
        let entry = Entry {
            key: OutputKey { seq: 12, index: 1 },
            ts: Ts(5),
            output: Output::Margin(margin),
        };
        let event = event_of(&entry).expect("an event");
        assert_eq!(event.kind, "risk.margin_restricted");
        assert_eq!((event.account, event.instrument), (Some(7), Some(3)));
        assert_eq!(event.source, Some(OutputKey { seq: 12, index: 1 }));
        assert_eq!(event.payload["level"], 400_000_000_000i64);
    }
}
