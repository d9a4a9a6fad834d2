use std::net::IpAddr;

use siaga_risk::ids::ActorId;
use uuid::Uuid;

use super::rbac::{Scope, Sight, grant};
use super::{Permission, Role};
use crate::db::Actor;
use crate::ids::{HOUSE, OWNER};
use crate::refusal::{FORBIDDEN, NEEDS_MFA, NOT_FOUND, Refusal};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person.
    User(Uuid),
    /// The program, and which part of it: a consumer, a job, the sign-in before anybody is known.
    System(&'static str),
    /// The program for a person, after it has looked whether the person may: rows are reached as the
    /// system, the audit log names the person.
    For(Uuid),
}

/// For whom a command or a question runs. Made by the gateway from a session or a key, never from a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub who: Who,
    /// In which organisation.
    pub org: Uuid,
    /// Their role. The program acts as [`Role::SuperAdmin`].
    pub role: Role,
    /// The teams they are in or lead.
    pub teams: Vec<Uuid>,
    /// Their number in the core's inputs.
    pub actor: ActorId,
    /// A second factor was given in this session.
    pub mfa: bool,
    /// Names of permissions an API key is narrowed to; `None` for people.
    pub narrowed: Option<Vec<String>>,
    /// The caller's address, sealed into the audit log.
    pub ip: Option<IpAddr>,
    /// Ties log lines, audit rows and the answer together.
    pub request: Option<String>,
}

/// Which row: whose it is. What is unknown belongs to nobody, so only scope `all` reaches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The row's organisation.
    pub org: Uuid,
    /// The person it belongs to or is assigned to.
    pub owner: Option<Uuid>,
    /// The team it belongs to.
    pub team: Option<Uuid>,
    /// The partner who brought the person it is about.
    pub referrer: Option<Uuid>,
}

impl Target {
    /// A row of an organisation that is nobody's own.
    pub fn in_org(org: Uuid) -> Self {
        Self {
            org,
            ..Self::default()
        }
    }

    /// A row of a person, in no team.
    pub fn of(org: Uuid, owner: Uuid) -> Self {
        Self {
            owner: Some(owner),
            ..Self::in_org(org)
        }
    }
}

/// Whether a principal may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, and how personal data are shown.
    Yes(Sight),
    /// The role never may.
    Never,
    /// Not this row: answered as if it did not exist.
    NotThisRow,
    /// The API key was made for less.
    Narrowed,
}

/// Whether `principal` may do what `permission` names to `target`.
pub fn allowed(principal: &Principal, permission: Permission, target: &Target) -> Verdict {
    if principal.is_system() {
        return Verdict::Yes(Sight::Clear);
    }
    if let Some(names) = &principal.narrowed
        && !names.iter().any(|name| name == permission.name)
    {
        return Verdict::Narrowed;
    }
    let Some(grant) = grant(principal.role, permission.area, permission.verb) else {
        return Verdict::Never;
    };
    let me = principal.user();
    let own = me.is_some() && (target.owner == me || target.referrer == me);
    let team = target
        .team
        .is_some_and(|team| principal.teams.contains(&team));
    let reaches = match grant.scope {
        Scope::None => false,
        Scope::Own => own,
        Scope::Team => own || team,
        Scope::All => true,
    };
    if target.org == principal.org && reaches {
        Verdict::Yes(grant.sight)
    } else {
        Verdict::NotThisRow
    }
}

impl Principal {
    /// The program, in the house.
    pub fn system(part: &'static str) -> Self {
        Self {
            who: Who::System(part),
            org: HOUSE,
            role: Role::SuperAdmin,
            teams: Vec::new(),
            actor: ActorId(0),
            mfa: true,
            narrowed: None,
            ip: None,
            request: None,
        }
    }

    /// Whoever knows the first-start secret.
    pub fn owner() -> Self {
        Self {
            who: Who::User(OWNER),
            actor: ActorId(1),
            ..Self::system("owner")
        }
    }

    /// This principal in another organisation: the program works for each in turn.
    pub fn within(self, org: Uuid) -> Self {
        Self { org, ..self }
    }

    /// The program for this person: call it only behind [`Principal::may`].
    pub fn elevated(&self) -> Self {
        Self {
            who: self.user().map_or(self.who, Who::For),
            ..self.clone()
        }
    }

    /// Whether row-level security lets it pass.
    pub fn is_system(&self) -> bool {
        matches!(self.who, Who::System(_) | Who::For(_))
    }

    /// The person, unless it is the program for itself.
    pub fn user(&self) -> Option<Uuid> {
        match self.who {
            Who::User(id) | Who::For(id) => Some(id),
            Who::System(_) => None,
        }
    }

    /// For whom its transactions act.
    pub fn db_actor(&self) -> Actor {
        match self.who {
            Who::User(id) => Actor::of(id),
            Who::System(_) | Who::For(_) => Actor::SYSTEM,
        }
    }

    /// How it stands in audit rows: a user's key, or `system`.
    pub fn audit_name(&self) -> String {
        match self.who {
            Who::User(id) | Who::For(id) => id.to_string(),
            Who::System(_) => Actor::SYSTEM.id().to_owned(),
        }
    }

    /// A row of this principal's own.
    pub fn own(&self) -> Target {
        Target {
            org: self.org,
            owner: self.user(),
            ..Target::default()
        }
    }

    /// The scope of a list: which rows a search may bring; [`Scope::None`] is a refusal.
    ///
    /// # Errors
    /// The role never may, or the key was made for less.
    pub fn scope(&self, permission: Permission) -> Result<(Scope, Sight), Refusal> {
        if self.is_system() {
            return Ok((Scope::All, Sight::Clear));
        }
        match allowed(self, permission, &self.own()) {
            Verdict::Yes(_) => grant(self.role, permission.area, permission.verb)
                .map(|grant| (grant.scope, grant.sight))
                .ok_or_else(|| refused(permission, Verdict::Never)),
            verdict => Err(refused(permission, verdict)),
        }
    }

    /// Passes when [`allowed`], saying how personal data are shown.
    ///
    /// # Errors
    /// Forbidden; or not found, for a row out of scope.
    pub fn may(&self, permission: Permission, target: &Target) -> Result<Sight, Refusal> {
        match allowed(self, permission, target) {
            Verdict::Yes(sight) => Ok(sight),
            verdict => Err(refused(permission, verdict)),
        }
    }

    /// Whether this is that person themselves. An API key is not: it does what it was made for, of its owner's too.
    pub fn is_person(&self, subject: Uuid) -> bool {
        self.narrowed.is_none() && self.user() == Some(subject)
    }

    /// Passes for people and the program: where no permission is asked for, an API key was made for none.
    ///
    /// # Errors
    /// It is an API key.
    pub fn in_person(&self) -> Result<(), Refusal> {
        match self.narrowed {
            None => Ok(()),
            Some(_) => Err(FORBIDDEN.because("no API key is made for this; sign in")),
        }
    }

    /// Passes when a second factor was given.
    ///
    /// # Errors
    /// That one is needed.
    pub fn with_mfa(&self) -> Result<(), Refusal> {
        if self.mfa {
            Ok(())
        } else {
            Err(NEEDS_MFA.because("confirm with your second factor and send it again"))
        }
    }
}

fn refused(permission: Permission, verdict: Verdict) -> Refusal {
    match verdict {
        Verdict::NotThisRow => NOT_FOUND.because("it does not exist, or not for you"),
        Verdict::Narrowed => {
            FORBIDDEN.because(format!("this key was not made for {}", permission.name))
        }
        Verdict::Never | Verdict::Yes(_) => {
            FORBIDDEN.because(format!("{} is not part of your role", permission.name))
        }
    }
}
