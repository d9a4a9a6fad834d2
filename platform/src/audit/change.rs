use serde_json::Value as Json;
use uuid::Uuid;

/// What was done (N4.22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Something began to exist.
    Create,
    /// Something changed.
    Update,
    /// Something ended.
    Delete,
    /// Somebody looked at, exported, or tried to enter something.
    Access,
}

impl Action {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Access => "access",
        }
    }
}

/// A field of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Stands in the log as it is: states, numbers, keys.
    Open(Json),
    /// Sealed under the subject's key: whatever identifies or describes a person.
    Personal(String),
}

/// One row of the audit log to be. Give it to [`crate::unit::Unit::audit`].
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub(crate) action: Action,
    pub(crate) entity: &'static str,
    pub(crate) id: String,
    pub(crate) subject: Option<Uuid>,
    pub(crate) old: Vec<(&'static str, Value)>,
    pub(crate) new: Vec<(&'static str, Value)>,
}

impl Change {
    /// `entity` is the table in the singular: `lead`, `kyc_case`.
    pub fn new(action: Action, entity: &'static str, id: impl ToString) -> Self {
        Self {
            action,
            entity,
            id: id.to_string(),
            subject: None,
            old: Vec::new(),
            new: Vec::new(),
        }
    }

    /// The person it is about; needed by [`Change::personal`].
    pub fn about(mut self, subject: Uuid) -> Self {
        self.subject = Some(subject);
        self
    }

    /// A field that says nothing about a person. Leave a value out with [`Json::Null`].
    pub fn field(mut self, name: &'static str, old: impl Into<Json>, new: impl Into<Json>) -> Self {
        let (old, new) = (old.into(), new.into());
        if !old.is_null() {
            self.old.push((name, Value::Open(old)));
        }
        if !new.is_null() {
            self.new.push((name, Value::Open(new)));
        }
        self
    }

    /// A field that does: it is sealed.
    pub fn personal(mut self, name: &'static str, old: Option<&str>, new: Option<&str>) -> Self {
        if let Some(old) = old {
            self.old.push((name, Value::Personal(old.to_owned())));
        }
        if let Some(new) = new {
            self.new.push((name, Value::Personal(new.to_owned())));
        }
        self
    }
}
