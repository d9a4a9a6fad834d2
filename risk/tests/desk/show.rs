//! Outputs as words a trader can read.

use super::{Desk, INSTRUMENTS, price_digits};
use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::units::*;
use std::collections::BTreeMap;

/// Names given in a script.
#[derive(Default)]
pub struct Names {
    pub orders: BTreeMap<OrderId, String>,
    pub positions: BTreeMap<PositionId, String>,
}

impl Names {
    pub fn order(&mut self, id: OrderId) -> String {
        let next = format!("o{}", self.orders.len() + 1);
        self.orders.entry(id).or_insert(next).clone()
    }

    pub fn position(&mut self, id: PositionId) -> String {
        let next = format!("p{}", self.positions.len() + 1);
        self.positions.entry(id).or_insert(next).clone()
    }

    pub fn order_named(&self, name: &str) -> OrderId {
        let found = self.orders.iter().find(|(_, known)| *known == name);
        *found.unwrap_or_else(|| panic!("no order {name}")).0
    }

    pub fn position_named(&self, name: &str) -> PositionId {
        let found = self.positions.iter().find(|(_, known)| *known == name);
        *found.unwrap_or_else(|| panic!("no position {name}")).0
    }
}

/// `value × 10^-digits` as text.
pub fn decimal(value: i64, digits: u8) -> String {
    if digits == 0 {
        return value.to_string();
    }
    let size = format!("{:0>1$}", value.unsigned_abs(), digits as usize + 1);
    let (whole, part) = size.split_at(size.len() - digits as usize);
    format!("{}{whole}.{part}", if value < 0 { "-" } else { "" })
}

/// The reverse of `decimal`; more digits than there are is a mistake of the script.
pub fn parse(text: &str, digits: u8) -> i64 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= digits as usize, "too many digits: {text}");
    let joined = format!("{whole}{part:0<0$}", digits as usize);
    sign * joined
        .parse::<i64>()
        .unwrap_or_else(|_| panic!("no number: {text}"))
}

pub fn lower(value: impl std::fmt::Debug) -> String {
    let mut words = String::new();
    for (at, letter) in format!("{value:?}").chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

impl Desk {
    fn money(&self, account: AccountId, money: Money) -> String {
        let account = self.machine.book().account(account);
        decimal(
            money.0,
            account.map_or(2, |account| self.machine.book().digits_of(account)),
        )
    }

    /// One output, or nothing when scenarios do not care for it.
    pub fn show(&self, output: &Output, names: &mut Names) -> Option<String> {
        Some(match output {
            Output::Answer(answer) if answer.repeated => format!(
                "repeated {}",
                answer.order.map_or("refused".into(), |id| names.order(id))
            ),
            Output::Answer(answer) if answer.reasons.is_empty() => return None,
            Output::Answer(answer) => answer
                .reasons
                .iter()
                .map(|reason| reason.name())
                .collect::<Vec<_>>()
                .join("+"),
            Output::Order(change) => format!("{} {}", names.order(change.id), lower(change.state)),
            Output::Send(send) => match &send.command {
                LinkCommand::Submit(submit) => format!("send {}", names.order(submit.id)),
                LinkCommand::Cancel(id) => format!("send cancel {}", names.order(*id)),
                LinkCommand::Status(id) => format!("ask {}", names.order(*id)),
                LinkCommand::Protect(set) => {
                    format!("send protect {}", names.position(set.position))
                }
                LinkCommand::Opened(opened) => {
                    format!("send opened {}", names.position(opened.position))
                }
            },
            Output::Deal(deal) => {
                let position = names.position(deal.position);
                let price = decimal(deal.price.0, price_digits(deal.instrument));
                let realised = if deal.realised == Money(0) {
                    String::new()
                } else {
                    format!(" result {}", self.money(deal.account, deal.realised))
                };
                format!(
                    "deal {position} {} {}@{price}{realised}",
                    lower(deal.side),
                    decimal(deal.qty.0, 2)
                )
            }
            Output::Margin(change) => {
                let soft = if change.soft { " soft" } else { "" };
                format!("margin {} {}{soft}", change.account, lower(change.to))
            }
            Output::StopOut(stop) => {
                let cancels: String = stop
                    .cancels
                    .iter()
                    .map(|id| format!(" cancel {}", names.order(*id)))
                    .collect();
                let closes: String = stop
                    .closes
                    .iter()
                    .map(|id| format!(" close {}", names.position(*id)))
                    .collect();
                format!(
                    "stopout {} {}{cancels}{closes}",
                    stop.account,
                    lower(stop.mode)
                )
            }
            Output::Loss(loss) => {
                let whose = loss
                    .position
                    .map_or(format!("account {}", loss.account), |id| names.position(id));
                format!(
                    "loss {whose} {} {}",
                    if loss.on { "on" } else { "off" },
                    self.money(loss.account, loss.loss)
                )
            }
            Output::Rung(rung) => format!(
                "level {} {} {}",
                rung.account,
                decimal(rung.level.0 / 100_000_000, 2),
                if rung.on { "on" } else { "off" }
            ),
            Output::Protective(fired) => {
                let unanswered = if fired.unanswered { " unanswered" } else { "" };
                format!(
                    "{} {}{unanswered}",
                    lower(fired.kind),
                    names.position(fired.position)
                )
            }
            Output::Cash(booked) => format!(
                "cash {} {} {}",
                booked.cash.account,
                lower(booked.cash.kind),
                self.money(booked.cash.account, booked.cash.amount)
            ),
            Output::Conversion(change) => format!(
                "rate {} {}",
                if change.missing { "missing" } else { "back" },
                change.account
            ),
            Output::Link(link) => format!(
                "link {} queued {} in_doubt {}",
                lower(link.to),
                link.queued,
                link.in_doubt
            ),
            Output::Mode(mode) => format!("mode {}", lower(mode.set.mode)),
            Output::Kill(kill) => format!(
                "kill {} cancelled {}",
                if kill.set.on { "on" } else { "off" },
                kill.cancelled
            ),
            Output::Throttle(change) => {
                let what = if change.on { "latched" } else { "enabled" };
                format!("{what} {:?}", change.scope)
            }
            Output::Halt(halt) => {
                format!(
                    "halt {} {} holders {}",
                    INSTRUMENTS[halt.instrument.0 as usize - 1].0,
                    if halt.on { "on" } else { "off" },
                    halt.holders
                )
            }
            Output::Window(change) => format!(
                "window {} {} {} holders {}",
                INSTRUMENTS[change.window.instrument.0 as usize - 1].0,
                change.window.id,
                lower(change.phase),
                change.holders
            ),
            Output::Feed(feed) => format!(
                "feed {} {}",
                INSTRUMENTS[feed.instrument.0 as usize - 1].0,
                lower(feed.to)
            ),
            Output::DayStart(day) => format!("day {} accounts", day.accounts),
            Output::Position(position) if position.swap != Money(0) => {
                format!(
                    "{} swap {}",
                    names.position(position.id),
                    self.money(position.account, position.swap)
                )
            }
            _ => return None,
        })
    }
}
