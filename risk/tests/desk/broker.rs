//! A broker that closes positions by prices it holds, in a script's words.

use super::script::exec_id;
use super::show::{lower, parse};
use super::*;

/// `stop_loss 1.00 1.09500`, with `exec 50` behind it or the next number; or `bust 50`.
pub fn closed(
    desk: &mut Desk,
    position: PositionId,
    what: &str,
    rest: &[&str],
    next: u64,
) -> Vec<Output> {
    let held = desk.machine.book().positions().find(position);
    // What is closed already was EURUSD.
    let digits = held.map_or(5, |held| price_digits(held.instrument));
    let (exec, event) = match rest {
        [exec] if what == "bust" => (exec.parse().unwrap(), CloseEvent::Bust),
        [qty, price, rest @ ..] => {
            let kinds = ProtectiveKind::ALL.iter();
            let mut named = kinds.filter(|known| lower(known) == what).copied();
            let exec = match rest {
                ["exec", number] => number.parse().unwrap(),
                _ => next,
            };
            let fill = Fill {
                qty: Qty(parse(qty, 2)),
                price: Price(parse(price, digits)),
                commission: Money(0),
            };
            let kind = named.next().unwrap();
            (exec, CloseEvent::Filled { kind, fill })
        }
        _ => panic!("no such close: {what} {rest:?}"),
    };
    desk.command(Body::BrokerClose(BrokerClose {
        link: LINK,
        position,
        exec: exec_id(exec),
        event,
    }))
}
