//! Trading accounts in an export and an erasure.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::db::Tx;
use crate::erasure::{Done, Erased, Keys, List, Store};
use crate::refusal::Refusal;
use crate::unit::Unit;

/// Rows of one kind in an export, the newest: an account of a busy program has no more in years.
const ROWS_MAX: usize = 100_000;

/// Accounts of one person in an export: far more than any has.
const ACCOUNTS_MAX: i64 = 1_000;

/// What is left behind an erasure.
const LEFT: &str = "titles are cleared, and a desk's own names of the accounts within a minute; texts of alerts that were told keep them; the books hold numbers of accounts, and the directory a key that names nobody any more";

/// Accounts of a person, one behind the other.
const ACCOUNTS: &str = "SELECT account FROM accounts_directory WHERE user_id = $1 AND account > $2 ORDER BY account LIMIT 1";

/// What was traded and booked on a person's accounts. Amounts are minor units of the account's currency, quantities and prices steps of
/// the instrument. Broker links and the people of the desk are the house's own.
const LISTS: [List; 4] = [
    List {
        name: "orders",
        accounts: ACCOUNTS,
        page: "SELECT jsonb_build_object('id', o.id, 'account', o.account, 'instrument', n.name,
                 'price_digits', i.price_digits, 'qty_digits', i.qty_digits, 'side', o.side, 'kind', o.kind, 'tif', o.tif, 'qty', o.qty,
                 'price', o.price, 'stop', o.stop, 'stop_loss', o.stop_loss, 'take_profit', o.take_profit, 'position', o.position,
                 'reduce_only', o.reduce_only, 'origin', o.origin, 'state', o.state, 'filled', o.filled,
                 'expires_us', (extract(epoch FROM o.expires) * 1000000)::bigint,
                 'placed_us', (extract(epoch FROM o.placed) * 1000000)::bigint,
                 'changed_us', (extract(epoch FROM o.changed) * 1000000)::bigint), o.id, o.account
             FROM orders AS o LEFT JOIN instruments AS i ON i.id = o.instrument LEFT JOIN names AS n ON n.kind = 'instrument' AND n.id = o.instrument
             WHERE o.account = $1 AND (o.id, o.account) < ($2, $3) ORDER BY o.id DESC LIMIT $4",
        rows_max: ROWS_MAX,
    },
    List {
        name: "deals",
        accounts: ACCOUNTS,
        page: "SELECT jsonb_build_object('order', d.order_id, 'account', d.account, 'instrument', n.name,
                 'price_digits', i.price_digits, 'qty_digits', i.qty_digits, 'position', d.position, 'side', d.side, 'qty', d.qty,
                 'price', d.price, 'commission', d.commission, 'realised', d.realised, 'balance', d.balance, 'origin', d.origin,
                 'time_us', (extract(epoch FROM d.time) * 1000000)::bigint), d.seq, d.index
             FROM deals AS d LEFT JOIN instruments AS i ON i.id = d.instrument LEFT JOIN names AS n ON n.kind = 'instrument' AND n.id = d.instrument
             WHERE d.account = $1 AND (d.seq, d.index) < ($2, $3) ORDER BY d.seq DESC, d.index DESC LIMIT $4",
        rows_max: ROWS_MAX,
    },
    List {
        name: "closed_positions",
        accounts: ACCOUNTS,
        page: "SELECT jsonb_build_object('id', p.id, 'account', p.account, 'instrument', n.name,
                 'price_digits', i.price_digits, 'side', p.side, 'open_price', p.open_price, 'swap', p.swap, 'commission', p.commission,
                 'realised', p.realised, 'opened_us', (extract(epoch FROM p.opened) * 1000000)::bigint,
                 'closed_us', (extract(epoch FROM p.closed) * 1000000)::bigint), p.seq, p.id
             FROM positions_closed AS p LEFT JOIN instruments AS i ON i.id = p.instrument
                 LEFT JOIN names AS n ON n.kind = 'instrument' AND n.id = p.instrument
             WHERE p.account = $1 AND (p.seq, p.id) < ($2, $3) ORDER BY p.seq DESC, p.id DESC LIMIT $4",
        rows_max: ROWS_MAX,
    },
    // The second leg is the house's.
    List {
        name: "booked",
        accounts: ACCOUNTS,
        page: "SELECT jsonb_build_object('account', m.account, 'kind', m.kind, 'amount', m.amount, 'balance', m.balance, 'credit', m.credit,
                 'time_us', (extract(epoch FROM m.time) * 1000000)::bigint), m.seq, m.index
             FROM cash_movements AS m
             WHERE m.account = $1 AND m.leg = 0 AND (m.seq, m.index) < ($2, $3) ORDER BY m.seq DESC, m.index DESC LIMIT $4",
        rows_max: ROWS_MAX,
    },
];

/// A person's accounts, and what was traded and booked on them.
pub struct Trading;

impl Store for Trading {
    fn name(&self) -> &'static str {
        "trading"
    }

    fn erase(&self, unit: &mut Unit<'_, '_>, subject: Uuid) -> Result<Erased, Refusal> {
        let query = sqlx::query("UPDATE accounts_directory SET title = '' WHERE user_id = $1");
        let accounts = unit.tx().execute(query.bind(subject))?;
        Ok(Erased {
            reason: Some(LEFT.into()),
            ..Erased::rows(Done::Anonymised, accounts)
        })
    }

    fn export(&self, tx: &mut Tx<'_>, _keys: &Keys, subject: Uuid) -> Result<Value, Refusal> {
        let accounts: Vec<(Value,)> = tx.all(
            sqlx::query_as(
                "SELECT jsonb_build_object('account', a.account, 'account_type', a.account_type, 'title', a.title,
                     'opened_us', (extract(epoch FROM a.opened_at) * 1000000)::bigint)
                 FROM accounts_directory AS a WHERE a.user_id = $1 ORDER BY a.account LIMIT $2",
            )
            .bind(subject)
            .bind(ACCOUNTS_MAX),
        )?;
        let accounts: Vec<Value> = accounts.into_iter().map(|(row,)| row).collect();
        Ok(match accounts.is_empty() {
            true => Value::Null,
            false => json!({ "accounts": accounts }),
        })
    }

    fn lists(&self) -> &'static [List] {
        &LISTS
    }
}
