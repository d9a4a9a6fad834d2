use siaga_risk::ids::ActorId;
use siaga_risk::units::Ts;
use uuid::Uuid;

use crate::crypto::{Keyring, Sealed, SubjectKey, blind};
use crate::db::Tx;
use crate::identity::faults::{EMAIL_REFUSED, EMAIL_TAKEN};
use crate::identity::person::{Person, Standing};
use crate::ids::new_id;
use crate::people::{Area, Role};
use crate::refusal::{ERASED, NOT_FOUND, Refusal, STALE};
use crate::search::{self, Entry};
use crate::unit::{Unit, subject_key, subject_keys};
use crate::values::bound;

use super::unexpected;

/// The fields that leads share.
pub(in crate::identity) const EMAIL: &str = "users.email";
pub(in crate::identity) const PHONE: &str = "users.phone";
const NAME: &str = "users.name";

/// A row of `users`.
type Row = (
    Uuid,
    Uuid,
    i64,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
    String,
    Option<Uuid>,
    String,
    bool,
    String,
    String,
    i64,
    Option<Uuid>,
);

fn opened(row: Row, key: Option<&SubjectKey>) -> Result<Person, Refusal> {
    let (
        id,
        org,
        actor,
        email,
        name,
        phone,
        role,
        team,
        status,
        verified,
        tier,
        locale,
        revision,
        referrer,
    ) = row;
    let open = |field: &str, sealed: Option<Vec<u8>>| {
        sealed.and_then(|bytes| key?.open(field, &Sealed::from_bytes(bytes)).ok())
    };
    Ok(Person {
        id,
        org,
        actor: ActorId(
            u32::try_from(actor)
                .map_err(|_| unexpected("a user's number does not fit the core"))?,
        ),
        email: open(EMAIL, email),
        name: open(NAME, name),
        phone: open(PHONE, phone),
        role: Role::parse(&role)
            .ok_or_else(|| unexpected(format!("a user has the role {role}")))?,
        team,
        referrer,
        standing: Standing::parse(&status)
            .ok_or_else(|| unexpected(format!("a user has the state {status}")))?,
        verified,
        tier,
        locale,
        revision,
    })
}

fn key_of(tx: &mut Tx<'_>, keyring: &Keyring, id: Uuid) -> Result<Option<SubjectKey>, Refusal> {
    match subject_key(tx, keyring, id) {
        Err(refusal) if refusal.fault() == Some(ERASED) => Ok(None),
        other => other,
    }
}

/// A person, or that there is none for whoever asks.
pub(in crate::identity) fn person(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    id: Uuid,
) -> Result<Person, Refusal> {
    let row: Option<Row> = tx.optional(
        sqlx::query_as(
            "SELECT id, org_id, actor, email_sealed, name_sealed, phone_sealed, role, team_id, status, verified, tier, locale, revision, referrer_id
             FROM users WHERE id = $1",
        )
        .bind(id),
    )?;
    let row = row.ok_or_else(|| NOT_FOUND.because("there is no such user, or not for you"))?;
    let key = key_of(tx, keyring, id)?;
    opened(row, key.as_ref())
}

/// Which people are read.
pub(in crate::identity) struct Which {
    /// Behind this key.
    pub before: Option<Uuid>,
    /// Of this role.
    pub role: Option<Role>,
    /// Among these.
    pub among: Option<Vec<Uuid>>,
    /// So many at most.
    pub limit: i64,
}

/// People, newest first.
pub(in crate::identity) fn people(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    which: Which,
) -> Result<Vec<Person>, Refusal> {
    let rows: Vec<Row> = tx.all(
        sqlx::query_as(
            "SELECT id, org_id, actor, email_sealed, name_sealed, phone_sealed, role, team_id, status, verified, tier, locale, revision, referrer_id
             FROM users WHERE ($1::uuid IS NULL OR id < $1) AND ($3::text IS NULL OR role = $3) AND ($4::uuid[] IS NULL OR id = ANY ($4))
             ORDER BY id DESC LIMIT $2",
        )
        .bind(which.before)
        .bind(which.limit)
        .bind(which.role.map(Role::name))
        .bind(which.among),
    )?;
    let keys = subject_keys(tx, keyring, rows.iter().map(|row| row.0))?;
    let people = rows.into_iter().map(|row| {
        let key = keys.get(&row.0);
        opened(row, key)
    });
    people.collect()
}

/// Names of the staff among these keys; who was erased has none.
pub(in crate::identity) fn staff_names(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    org: Uuid,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, String)>, Refusal> {
    let rows: Vec<(Uuid, Vec<u8>)> = tx.all(
        sqlx::query_as(
            "SELECT u.id, u.name_sealed FROM users AS u JOIN roles AS r ON r.name = u.role
             WHERE u.id = ANY ($1) AND u.org_id = $2 AND r.staff AND u.name_sealed IS NOT NULL ORDER BY u.id",
        )
        .bind(ids.to_vec())
        .bind(org),
    )?;
    let keys = subject_keys(tx, keyring, rows.iter().map(|row| row.0))?;
    let mut names = Vec::with_capacity(rows.len());
    for (id, sealed) in rows {
        let name = keys
            .get(&id)
            .and_then(|key| key.open(NAME, &Sealed::from_bytes(sealed)).ok());
        names.extend(name.map(|name| (id, name)));
    }
    Ok(names)
}

/// Whether the core's number is that of staff of this organisation who may sign in.
pub(in crate::identity) fn is_staff(
    tx: &mut Tx<'_>,
    org: Uuid,
    actor: ActorId,
) -> Result<bool, Refusal> {
    let found: Option<(Uuid,)> = tx.optional(
        sqlx::query_as(
            "SELECT u.id FROM users AS u JOIN roles AS r ON r.name = u.role
             WHERE u.actor = $1 AND u.org_id = $2 AND r.staff AND u.status = 'active'",
        )
        .bind(i64::from(actor.0))
        .bind(org),
    )?;
    Ok(found.is_some())
}

/// Whose address this is, and the hash of their password.
pub(in crate::identity) fn by_email(
    tx: &mut Tx<'_>,
    keyring: &Keyring,
    email: &str,
) -> Result<Option<(Uuid, Option<String>)>, Refusal> {
    let index = blind(keyring, EMAIL, email);
    Ok(tx.optional(
        sqlx::query_as("SELECT u.id, c.password_hash FROM users AS u LEFT JOIN credentials AS c ON c.user_id = u.id WHERE u.email_index = $1")
            .bind(&index[..]),
    )?)
}

/// The hash of a person's password.
pub(in crate::identity) fn password_hash(
    tx: &mut Tx<'_>,
    user: Uuid,
) -> Result<Option<String>, Refusal> {
    let row: Option<(String,)> = tx.optional(
        sqlx::query_as("SELECT password_hash FROM credentials WHERE user_id = $1").bind(user),
    )?;
    Ok(row.map(|(hash,)| hash))
}

/// Sets a password.
pub(in crate::identity) fn set_password(
    unit: &mut Unit<'_, '_>,
    user: Uuid,
    hash: &str,
) -> Result<(), Refusal> {
    let now = unit.now();
    unit.tx().execute(
        sqlx::query(
            "INSERT INTO credentials (user_id, password_hash, changed_at) VALUES ($1, $2, $3)
             ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at",
        )
        .bind(user)
        .bind(hash)
        .bind(bound(now)),
    )?;
    Ok(())
}

/// What a new user brings; addresses are canonical.
pub(in crate::identity) struct NewUser<'a> {
    pub org: Uuid,
    pub email: &'a str,
    pub name: &'a str,
    pub phone: Option<&'a str>,
    pub role: Role,
    pub team: Option<Uuid>,
    pub locale: &'a str,
}

/// Makes a user and their membership; two at the same moment with one address: the second is refused.
pub(in crate::identity) fn add_user(
    unit: &mut Unit<'_, '_>,
    new: &NewUser<'_>,
) -> Result<Uuid, Refusal> {
    let now = unit.now();
    let id = new_id(now);
    let key = unit.key(id)?;
    let email_index = blind(unit.keyring(), EMAIL, new.email);
    let phone_index = new
        .phone
        .map(|phone| blind(unit.keyring(), PHONE, phone).to_vec());
    let added = unit.tx().execute(
        sqlx::query(
            "INSERT INTO users (id, org_id, email_sealed, email_index, name_sealed, phone_sealed, phone_index, role, team_id, locale, status, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11)",
        )
        .bind(id)
        .bind(new.org)
        .bind(key.seal(EMAIL, new.email).as_bytes())
        .bind(&email_index[..])
        .bind(key.seal(NAME, new.name).as_bytes())
        .bind(new.phone.map(|phone| key.seal(PHONE, phone).as_bytes().to_vec()))
        .bind(phone_index)
        .bind(new.role.name())
        .bind(new.team)
        .bind(new.locale)
        .bind(bound(now)),
    );
    added.map_err(|error| Refusal::from(error).on_duplicate("users_email_index_key", taken))?;
    let member = if new.role == Role::SuperAdmin {
        "admin"
    } else {
        "member"
    };
    unit.tx().execute(
        sqlx::query("INSERT INTO org_members (id, org_id, user_id, role) VALUES ($1, $2, $3, $4)")
            .bind(new_id(now))
            .bind(new.org)
            .bind(id)
            .bind(member),
    )?;
    index(
        unit,
        id,
        new.team,
        [Some(new.email), Some(new.name), new.phone],
    )?;
    Ok(id)
}

/// Lets a user be found by address, name and number.
fn index(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    team: Option<Uuid>,
    personal: [Option<&str>; 3],
) -> Result<(), Refusal> {
    let entry = Entry {
        entity: "user",
        id,
        area: Area::People,
        owner: Some(id),
        team,
        subject: Some(id),
        words: String::new(),
        personal: personal.into_iter().flatten().map(str::to_owned).collect(),
    };
    search::index(unit, &entry)
}

/// The same after a change of a user that was read before.
pub(in crate::identity) fn index_person(
    unit: &mut Unit<'_, '_>,
    person: &Person,
    team: Option<Uuid>,
) -> Result<(), Refusal> {
    index(
        unit,
        person.id,
        team,
        [
            person.email.as_deref(),
            person.name.as_deref(),
            person.phone.as_deref(),
        ],
    )
}

pub(in crate::identity) fn taken() -> Refusal {
    EMAIL_TAKEN.field("email", "sign in, or ask for a new password")
}

/// To somebody who is signed in, and has no account behind that address to sign in to.
pub(in crate::identity) fn not_yours() -> Refusal {
    EMAIL_REFUSED.field("email", "use another one")
}

/// Gives a user other personal data: the first administrator takes the owner's row.
pub(in crate::identity) fn rename(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    email: &str,
    name: &str,
    phone: &str,
) -> Result<(), Refusal> {
    let key = unit.key(id)?;
    let email_index = blind(unit.keyring(), EMAIL, email);
    let phone_index = blind(unit.keyring(), PHONE, phone);
    let renamed = unit.tx().execute(
        sqlx::query(
            "UPDATE users SET email_sealed = $2, email_index = $3, name_sealed = $4, phone_sealed = $5, phone_index = $6,
                 status = 'active', revision = revision + 1 WHERE id = $1",
        )
        .bind(id)
        .bind(key.seal(EMAIL, email).as_bytes())
        .bind(&email_index[..])
        .bind(key.seal(NAME, name).as_bytes())
        .bind(key.seal(PHONE, phone).as_bytes())
        .bind(&phone_index[..]),
    );
    renamed.map_err(|error| Refusal::from(error).on_duplicate("users_email_index_key", taken))?;
    index(unit, id, None, [Some(email), Some(name), Some(phone)])
}

/// Gives a user another name, number or language; what is `None` stays.
pub(in crate::identity) fn correct(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    (name, phone, locale): (Option<&str>, Option<&str>, Option<&str>),
    revision: i64,
) -> Result<(), Refusal> {
    let key = unit.key(id)?;
    let phone_index = phone.map(|phone| blind(unit.keyring(), PHONE, phone).to_vec());
    let corrected = unit.tx().execute(
        sqlx::query(
            "UPDATE users SET name_sealed = coalesce($2, name_sealed), phone_sealed = coalesce($3, phone_sealed), phone_index = coalesce($4, phone_index),
                 locale = coalesce($5, locale), revision = revision + 1 WHERE id = $1 AND revision = $6",
        )
        .bind(id)
        .bind(name.map(|name| key.seal(NAME, name).as_bytes().to_vec()))
        .bind(phone.map(|phone| key.seal(PHONE, phone).as_bytes().to_vec()))
        .bind(phone_index)
        .bind(locale)
        .bind(revision),
    )?;
    match corrected {
        0 => Err(stale()),
        _ => Ok(()),
    }
}

/// Gives a user another address, by which they sign in from now on.
pub(in crate::identity) fn set_email(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    email: &str,
) -> Result<(), Refusal> {
    let sealed = unit.key(id)?.seal(EMAIL, email);
    let index = blind(unit.keyring(), EMAIL, email);
    let set = unit.tx().execute(
        sqlx::query(
            "UPDATE users SET email_sealed = $2, email_index = $3, revision = revision + 1 WHERE id = $1",
        )
        .bind(id)
        .bind(sealed.as_bytes())
        .bind(&index[..]),
    );
    set.map_err(|error| Refusal::from(error).on_duplicate("users_email_index_key", not_yours))?;
    Ok(())
}

/// Moves a user to a state.
pub(in crate::identity) fn set_standing(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    standing: Standing,
    revision: Option<i64>,
) -> Result<(), Refusal> {
    let changed = unit.tx().execute(
        sqlx::query("UPDATE users SET status = $2, revision = revision + 1 WHERE id = $1 AND ($3::bigint IS NULL OR revision = $3)")
            .bind(id)
            .bind(standing.name())
            .bind(revision),
    )?;
    if changed == 1 { Ok(()) } else { Err(stale()) }
}

/// Gives a user a role and a team.
pub(in crate::identity) fn set_role(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    role: Role,
    team: Option<Uuid>,
    revision: i64,
) -> Result<(), Refusal> {
    let changed = unit.tx().execute(
        sqlx::query("UPDATE users SET role = $2, team_id = $3, revision = revision + 1 WHERE id = $1 AND revision = $4")
            .bind(id)
            .bind(role.name())
            .bind(team)
            .bind(revision),
    )?;
    if changed == 1 { Ok(()) } else { Err(stale()) }
}

/// Gives a tier to a person and to their API keys that are not revoked.
pub(in crate::identity) fn set_tier(
    unit: &mut Unit<'_, '_>,
    id: Uuid,
    tier: &str,
    revision: i64,
) -> Result<(), Refusal> {
    let changed = unit.tx().execute(
        sqlx::query(
            "UPDATE users SET tier = $2, revision = revision + 1 WHERE id = $1 AND revision = $3",
        )
        .bind(id)
        .bind(tier)
        .bind(revision),
    )?;
    if changed != 1 {
        return Err(stale());
    }
    unit.tx().execute(
        sqlx::query("UPDATE api_keys SET tier = $2 WHERE user_id = $1 AND revoked_at IS NULL")
            .bind(id)
            .bind(tier),
    )?;
    Ok(())
}

fn stale() -> Refusal {
    STALE.because("look at the user again and repeat")
}

/// Other active super administrators than this one, locked so that two cannot leave at once.
pub(in crate::identity) fn other_administrators(
    tx: &mut Tx<'_>,
    id: Uuid,
) -> Result<usize, Refusal> {
    tx.execute(sqlx::query(
        "SELECT pg_advisory_xact_lock(hashtextextended('identity.administrators', 0))",
    ))?;
    let rows: Vec<(Uuid,)> = tx.all(
        sqlx::query_as(
            "SELECT u.id FROM users AS u JOIN credentials AS c ON c.user_id = u.id
             WHERE u.role = 'super_admin' AND u.status = 'active' AND u.id <> $1 LIMIT 2",
        )
        .bind(id),
    )?;
    Ok(rows.len())
}

/// Whether a team is the organisation's.
pub(in crate::identity) fn team_exists(
    tx: &mut Tx<'_>,
    org: Uuid,
    team: Uuid,
) -> Result<bool, Refusal> {
    Ok(tx.scalar(
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM teams WHERE id = $1 AND org_id = $2)")
            .bind(team)
            .bind(org),
    )?)
}

/// Notes a sign-in.
pub(in crate::identity) fn signed_in(tx: &mut Tx<'_>, id: Uuid, now: Ts) -> Result<(), Refusal> {
    tx.execute(
        sqlx::query("UPDATE users SET last_login_at = $2 WHERE id = $1")
            .bind(id)
            .bind(bound(now)),
    )?;
    Ok(())
}
