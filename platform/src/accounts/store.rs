//! Trading accounts in an export and an erasure.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, Store};
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Rows of one kind in an export, the newest: an account of a busy program has no more in years.
const ROWS_MAX: i64 = 100_000;

/// A kind of rows of a person's accounts: its name in the export, and the statement by person and how many. Amounts are minor units of
/// the account's currency, quantities and prices steps of the instrument. Broker links and the people of the desk are the house's own.
type Kind = (&'static str, &'static str);

const KINDS: [Kind; 5] = [
    (
        "accounts",
        "SELECT jsonb_build_object('account', a.account, 'account_type', a.account_type, 'title', a.title,
             'opened_us', (extract(epoch FROM a.opened_at) * 1000000)::bigint)
         FROM accounts_directory AS a WHERE a.user_id = $1 ORDER BY a.account LIMIT $2",
    ),
    (
        "orders",
        "SELECT jsonb_build_object('id', o.id, 'account', o.account,
             'instrument', (SELECT n.name FROM names AS n WHERE n.kind = 'instrument' AND n.id = o.instrument),
             'price_digits', i.price_digits, 'qty_digits', i.qty_digits, 'side', o.side, 'kind', o.kind, 'tif', o.tif, 'qty', o.qty,
             'price', o.price, 'stop', o.stop, 'stop_loss', o.stop_loss, 'take_profit', o.take_profit, 'position', o.position,
             'reduce_only', o.reduce_only, 'origin', o.origin, 'state', o.state, 'filled', o.filled,
             'expires_us', (extract(epoch FROM o.expires) * 1000000)::bigint,
             'placed_us', (extract(epoch FROM o.placed) * 1000000)::bigint,
             'changed_us', (extract(epoch FROM o.changed) * 1000000)::bigint)
         FROM orders AS o JOIN accounts_directory AS a ON a.account = o.account LEFT JOIN instruments AS i ON i.id = o.instrument
         WHERE a.user_id = $1 ORDER BY o.id DESC LIMIT $2",
    ),
    (
        "deals",
        "SELECT jsonb_build_object('order', d.order_id, 'account', d.account,
             'instrument', (SELECT n.name FROM names AS n WHERE n.kind = 'instrument' AND n.id = d.instrument),
             'price_digits', i.price_digits, 'qty_digits', i.qty_digits, 'position', d.position, 'side', d.side, 'qty', d.qty,
             'price', d.price, 'commission', d.commission, 'realised', d.realised, 'balance', d.balance, 'origin', d.origin,
             'time_us', (extract(epoch FROM d.time) * 1000000)::bigint)
         FROM deals AS d JOIN accounts_directory AS a ON a.account = d.account LEFT JOIN instruments AS i ON i.id = d.instrument
         WHERE a.user_id = $1 ORDER BY d.seq DESC, d.index DESC LIMIT $2",
    ),
    (
        "closed_positions",
        "SELECT jsonb_build_object('id', p.id, 'account', p.account,
             'instrument', (SELECT n.name FROM names AS n WHERE n.kind = 'instrument' AND n.id = p.instrument),
             'price_digits', i.price_digits, 'side', p.side, 'open_price', p.open_price, 'swap', p.swap, 'commission', p.commission,
             'realised', p.realised, 'opened_us', (extract(epoch FROM p.opened) * 1000000)::bigint,
             'closed_us', (extract(epoch FROM p.closed) * 1000000)::bigint)
         FROM positions_closed AS p JOIN accounts_directory AS a ON a.account = p.account
             LEFT JOIN instruments AS i ON i.id = p.instrument
         WHERE a.user_id = $1 ORDER BY p.seq DESC LIMIT $2",
    ),
    // The second leg is the house's.
    (
        "booked",
        "SELECT jsonb_build_object('account', m.account, 'kind', m.kind, 'amount', m.amount, 'balance', m.balance, 'credit', m.credit,
             'time_us', (extract(epoch FROM m.time) * 1000000)::bigint)
         FROM cash_movements AS m JOIN accounts_directory AS a ON a.account = m.account
         WHERE a.user_id = $1 AND m.leg = 0 ORDER BY m.seq DESC, m.index DESC LIMIT $2",
    ),
];

/// A person's accounts, and what was traded and booked on them.
pub struct Trading;

impl Store for Trading {
    fn name(&self) -> &'static str {
        "trading"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let accounts: i64 = unit.tx().scalar(
            sqlx::query_scalar("SELECT count(*) FROM accounts_directory WHERE user_id = $1")
                .bind(subject),
        )?;
        Ok(Erased {
            reason: Some("the books hold numbers of accounts alone".into()),
            ..Erased::rows(Done::Anonymised, accounts.unsigned_abs())
        })
    }

    fn export(&self, tx: &mut Tx<'_>, _keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let mut all = Map::new();
        for (name, sql) in KINDS {
            let rows: Vec<(Value,)> = tx.all(sqlx::query_as(sql).bind(subject).bind(ROWS_MAX))?;
            if !rows.is_empty() {
                let rows = rows.into_iter().map(|(row,)| row).collect();
                all.insert(name.to_owned(), Value::Array(rows));
            }
        }
        Ok(match all.is_empty() {
            true => Value::Null,
            false => Value::Object(all),
        })
    }
}
