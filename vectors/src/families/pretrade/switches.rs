//! What the house may switch: trading states, kill switches, a broker that is down, high volatility.

use super::orders::number;
use super::*;
use crate::shown;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PRICE: i64 = 100;
/// Far below the market: an order at this price waits.
const AWAY: i64 = 50;

pub fn trading_state(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let mode = match inputs.text("state")? {
        "ACTIVE" => TradingMode::Normal,
        "REDUCING" => TradingMode::Reducing,
        "HALTED" => TradingMode::Halt,
        other => return Err(Fault::field("state", format!("{other} is no state"))),
    };
    let digits = digits(inputs, &["net_position", "order_quantity"])?;
    let mut desk = running(
        &trade::group(),
        plain(TRADED, 0, digits),
        PRICE,
        Accounting::Netting,
    )?;
    hold(
        &mut desk,
        ACCOUNT,
        inputs.decimal("net_position")?,
        digits,
        PRICE,
    )?;
    let asked = trade::order(
        TRADED,
        side(inputs, "order_side")?,
        inputs.scaled("order_quantity", digits)?,
        None,
    );
    let action = inputs.text("action")?;
    // Something to cancel is placed before the state changes.
    let working = match action {
        "cancel" => Some(trade::place(&mut desk, asked)?),
        _ => None,
    };
    desk.must(Body::Mode(SetMode {
        scope: Scope::House,
        mode,
        allow_reducing: false,
        note: 0,
        approver: ActorId(2),
    }))?;
    let allowed = match (action, working) {
        ("cancel", Some(order)) => desk
            .must(Body::Cancel(Cancel {
                account: ACCOUNT,
                order,
            }))
            .is_ok(),
        ("submit", _) => send(&mut desk, asked).is_ok(),
        // A changed order must hold as the order it becomes.
        ("modify", _) => preview(&desk, asked)?.reasons.is_empty(),
        (other, _) => return Err(Fault::field("action", format!("{other} is no action"))),
    };
    Ok(json!({ "allowed": allowed }))
}

/// Numbers of the names that orders and switches carry. An account is a client's, of the group its first order names.
#[derive(Default)]
struct Names {
    accounts: Vec<String>,
    groups: Vec<String>,
    symbols: Vec<String>,
    algos: Vec<String>,
    traders: Vec<String>,
    desks: Vec<String>,
    /// Groups by account.
    member: Vec<GroupId>,
}

/// The attributes of an order, each by the names that examples give it.
const ACCOUNT_FIELDS: [&str; 2] = ["client", "account"];
const SYMBOL_FIELDS: [&str; 2] = ["symbol", "instrument"];

/// The first of some fields that is there.
fn named<'a>(of: &Inputs<'a>, fields: &[&str]) -> Result<&'a str, Fault> {
    let field = fields.iter().find(|field| of.get(field).is_some());
    field.map_or(Ok(""), |field| of.text(field))
}

impl Names {
    /// Account and instrument of an order, numbered when they are new.
    fn meet(&mut self, order: &Inputs<'_>) -> Result<(AccountId, InstrumentId), Fault> {
        let account = number(&mut self.accounts, named(order, &ACCOUNT_FIELDS)?);
        let symbol = number(&mut self.symbols, named(order, &SYMBOL_FIELDS)?);
        let name = named(order, &["group"])?;
        let group = GroupId(number(&mut self.groups, name) as u16);
        match self.member.get(account as usize - 1).copied() {
            None => self.member.push(group),
            Some(known) if known != group && !name.is_empty() => {
                return Err(Fault::field("group", "an account is of one group"));
            }
            Some(_) => {}
        }
        Ok((AccountId(account), InstrumentId(symbol)))
    }

    fn mark(&mut self, order: &Inputs<'_>, mut asked: NewOrder) -> Result<NewOrder, Fault> {
        (asked.account, asked.instrument) = self.meet(order)?;
        for (fields, names, id) in [
            (["algo", "strategy"], &mut self.algos, &mut asked.strategy),
            (["trader", "trader"], &mut self.traders, &mut asked.trader),
            (["desk", "desk"], &mut self.desks, &mut asked.desk),
        ] {
            let name = named(order, &fields)?;
            if !name.is_empty() {
                *id = number(names, name);
            }
        }
        Ok(asked)
    }

    fn also(&mut self, scope: &Inputs<'_>) -> Result<Also, Fault> {
        let mut also = Also::ANY;
        let fields = scope.raw().as_object();
        for (field, value) in fields
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
        {
            let name = value
                .as_str()
                .ok_or_else(|| Fault::field(field, "is no name"))?;
            match field.as_str() {
                "client" | "account" => {
                    let account = number(&mut self.accounts, name);
                    if account as usize > self.member.len() {
                        let group = number(&mut self.groups, "");
                        self.member.push(GroupId(group as u16));
                    }
                    also.account = Some(AccountId(account));
                }
                "group" => also.group = Some(GroupId(number(&mut self.groups, name) as u16)),
                "symbol" | "instrument" => {
                    also.instrument = Some(InstrumentId(number(&mut self.symbols, name)));
                }
                "algo" | "strategy" => also.strategy = number(&mut self.algos, name),
                "trader" => also.trader = number(&mut self.traders, name),
                "desk" => also.desk = number(&mut self.desks, name),
                other => return Err(Fault::field(other, "is no attribute of an order")),
            }
        }
        Ok(also)
    }
}

/// What is held of each account and instrument, so that something can be reduced.
type Held = BTreeMap<(AccountId, InstrumentId), Option<PositionId>>;

/// A desk with every group, instrument and account that is named, each account holding each instrument.
fn peopled(names: &Names, digits: u8) -> Result<(Desk, Held), Fault> {
    let mut desk = Desk::open(&currencies(), &trade::group())?;
    for id in 1..=names.groups.len() as u16 {
        desk.must(Body::Group(Box::new(GroupTerms {
            id: GroupId(id),
            ..trade::group()
        })))?;
    }
    let instruments: Vec<InstrumentId> =
        (1..=names.symbols.len() as u32).map(InstrumentId).collect();
    for id in &instruments {
        desk.list(plain(*id, 0, digits))?;
        desk.quote(*id, PRICE, PRICE);
    }
    let mut held = Held::new();
    for (at, group) in names.member.iter().enumerate() {
        let id = AccountId(at as u32 + 1);
        desk.must(Body::Account(AccountTerms {
            id,
            group: *group,
            link: LINK,
            currency: USD,
            accounting: Accounting::Hedging,
            leverage: Leverage::NONE,
        }))?;
        cash(&mut desk, id, DEPOSIT)?;
        for instrument in &instruments {
            let qty = 1_000 * 10i64.pow(digits.into());
            let order = NewOrder {
                account: id,
                ..trade::order(*instrument, Side::Buy, qty, None)
            };
            let order = trade::place(&mut desk, order)?;
            let out = trade::fill(&mut desk, order, qty, PRICE)?;
            held.insert((id, *instrument), opened(&out));
        }
    }
    Ok((desk, held))
}

pub fn kill_switch(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let (working, new) = (inputs.list("working_orders")?, inputs.list("new_orders")?);
    let mut digits = 0;
    let mut names = Names::default();
    for order in working.iter().chain(&new) {
        digits = digits.max(super::digits(order, &["remaining"])?);
        names.meet(order)?;
    }
    // What the switch names must be there, though no order is of it.
    let also = names.also(&inputs.object("scope")?)?;
    let (mut desk, held) = peopled(&names, digits)?;
    let mut placed = Vec::new();
    for order in &working {
        let remaining = order.scaled("remaining", digits)?;
        // Nothing remains of an order that was filled.
        let (qty, limit) = match remaining {
            0 => (1, PRICE),
            left => (left, AWAY),
        };
        let asked = names.mark(order, trade::order(TRADED, Side::Buy, qty, Some(limit)))?;
        let id = trade::place(&mut desk, asked)?;
        if remaining == 0 {
            trade::fill(&mut desk, id, qty, PRICE)?;
        }
        placed.push((order.text("id")?, id));
    }
    let set = SetKill {
        scope: Scope::House,
        also,
        on: true,
        allow_reducing: inputs.flag("allow_risk_reducing")?,
        note: 0,
        approver: ActorId(0),
    };
    desk.must(Body::Kill(set))?;
    let book = desk.machine.book();
    let cancelled: Vec<&str> = placed
        .iter()
        .filter(|(_, id)| {
            let state = book.order(*id).map(|order| order.state);
            matches!(state, Some(OrderState::Cancelled | OrderState::Cancelling))
        })
        .map(|(name, _)| *name)
        .collect();
    let decisions = answers(&mut desk, &mut names, &new, &held)?;
    Ok(json!({ "cancelled": cancelled, "new_orders": decisions }))
}

/// What becomes of new orders: those that reduce close a position of their account.
fn answers(
    desk: &mut Desk,
    names: &mut Names,
    new: &[Inputs<'_>],
    held: &Held,
) -> Result<Vec<&'static str>, Fault> {
    let mut decisions = Vec::new();
    for order in new {
        let reduces = order.flag("reduces_exposure")?;
        let side = if reduces { Side::Sell } else { Side::Buy };
        let mut asked = names.mark(order, trade::order(TRADED, side, 1, None))?;
        if reduces {
            asked.position = held
                .get(&(asked.account, asked.instrument))
                .copied()
                .flatten();
        }
        decisions.push(match send(desk, asked) {
            Ok(_) => "allowed",
            Err(reasons) if reasons == [Reject::Killed] => "rejected",
            Err(reasons) => return Err(Fault::Refused(reasons)),
        });
    }
    Ok(decisions)
}

pub fn broker_down(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let up = inputs.flag("broker_up")?;
    let mut decisions = Vec::new();
    for request in inputs.list("requests")? {
        decisions.push(match request.text("kind")? {
            "query" => served(up)?,
            "order" => routed(&request, up)?,
            other => return Err(Fault::field("kind", format!("{other} is no request"))),
        });
    }
    Ok(json!({ "decisions": decisions }))
}

fn link(desk: &mut Desk, up: bool) -> Result<(), Fault> {
    let mode = if up {
        LinkMode::Live
    } else {
        LinkMode::ReadOnly
    };
    desk.must(Body::LinkState(LinkReport {
        link: LINK,
        mode,
        manual: false,
    }))?;
    Ok(())
}

/// A question is answered whatever the link does.
fn served(up: bool) -> Result<&'static str, Fault> {
    let terms = plain(TRADED, 0, 0);
    let mut desk = running(&trade::group(), terms, PRICE, Accounting::Netting)?;
    link(&mut desk, up)?;
    desk.account(ACCOUNT)?;
    Ok(if up { "serve" } else { "serve_read_only" })
}

fn routed(request: &Inputs<'_>, up: bool) -> Result<&'static str, Fault> {
    let digits = digits(request, &["net_position", "quantity"])?;
    let terms = plain(TRADED, 0, digits);
    let mut desk = running(&trade::group(), terms, PRICE, Accounting::Netting)?;
    hold(
        &mut desk,
        ACCOUNT,
        request.decimal("net_position")?,
        digits,
        PRICE,
    )?;
    link(&mut desk, up)?;
    let qty = request.scaled("quantity", digits)?;
    let asked = trade::order(TRADED, side(request, "side")?, qty, None);
    let Ok(id) = send(&mut desk, asked) else {
        return Ok("reject");
    };
    match desk.machine.book().order(id).map(|order| order.state) {
        Some(OrderState::Queued) => Ok("queue"),
        Some(OrderState::Submitted) => Ok("send"),
        other => Err(Fault::Other(format!("the order is {other:?}"))),
    }
}

pub fn high_volatility(inputs: &Inputs<'_>) -> Result<Value, Fault> {
    let money_digits = inputs.digits_or("account_digits", 2)?;
    let leverage = inputs.leverage_or("leverage", Leverage::ONE)?;
    let (over, under) = leverage.fraction();
    let digits = digits(inputs, &["base_margin"])?;
    let base = inputs.scaled("base_margin", digits)?;
    // One lot at this price needs the base margin at this leverage; it has as many more digits as that takes.
    let more = (0..=Leverage::DIGITS).find(|more| 10i128.pow(u32::from(*more)) % under == 0);
    let more = more.unwrap_or(Leverage::DIGITS);
    let price = i128::from(base)
        .checked_mul(over * (10i128.pow(u32::from(more)) / under))
        .and_then(|price| i64::try_from(price).ok())
        .ok_or_else(|| Fault::field("base_margin", "is too large"))?;
    let mut terms = plain(TRADED, digits + more, 0);
    (terms.margin_initial, terms.margin_maintenance) = (Ratio::ONE, Ratio::ONE);
    terms.halt.factor = inputs.fraction("margin_multiplier")?;
    terms.halt.grace_ns = 0;
    let group = GroupTerms {
        leverage,
        ..trade::group()
    };
    let mut currencies = currencies();
    currencies[0].digits = money_digits;
    let mut desk = Desk::open(&currencies, &group)?;
    desk.list(terms)?;
    desk.quote(TRADED, price, price);
    account(&mut desk, ACCOUNT, Accounting::Hedging)?;
    let position = hold(&mut desk, ACCOUNT, Decimal::ONE, 0, price)?;
    if inputs.flag("active")? {
        desk.must(Body::Halt(SetHalt {
            instrument: TRADED,
            on: true,
            note: 0,
        }))?;
    }
    let asked = match inputs.flag("opens_position")? {
        true => trade::order(TRADED, Side::Buy, 1, None),
        false => NewOrder {
            position,
            ..trade::order(TRADED, Side::Sell, 1, None)
        },
    };
    let view = preview(&desk, asked)?;
    Ok(json!({
        "margin_required": shown(view.used_before.0.into(), money_digits),
        "entry_allowed": view.reasons.is_empty(),
    }))
}
