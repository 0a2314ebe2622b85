use super::error::MOST_METHODS;
use super::{WalletCommand, WalletError, WalletEvent};
use crate::domain::shared::derive_id;
use crate::domain::shared::payment::PaymentMethod;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a way to pay: the same name at the same gateway is the same one, whoever tells of it first.
#[must_use]
pub fn method_id(method: &PaymentMethod) -> Uuid {
    derive_id(&format!("payment-method {}", method.gateway), &method.token)
}

/// Where a way to pay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Standing {
    Kept,
    Removed,
    Detached,
}

/// A way to pay that a gateway keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMethod {
    /// Its own id.
    pub id: Uuid,
    /// What is charged.
    pub method: PaymentMethod,
    /// Since when.
    pub kept_at: DateTime<Utc>,
    standing: Standing,
}

impl KeptMethod {
    /// Whether it can be charged on a day, as far as is known.
    #[must_use]
    pub fn is_usable(&self, today: NaiveDate) -> bool {
        self.method.is_usable(today)
    }
}

/// A wallet as its events made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    all: Vec<KeptMethod>,
    default: Option<Uuid>,
}

impl Wallet {
    /// What is in it, the oldest first.
    pub fn methods(&self) -> impl DoubleEndedIterator<Item = &KeptMethod> {
        self.all.iter().filter(|m| m.standing == Standing::Kept)
    }

    /// What gateways still know of, removed or not.
    pub fn attached(&self) -> impl Iterator<Item = &KeptMethod> {
        self.all.iter().filter(|m| m.standing != Standing::Detached)
    }

    /// One that is in it.
    #[must_use]
    pub fn method(&self, id: Uuid) -> Option<&KeptMethod> {
        self.methods().find(|m| m.id == id)
    }

    /// The one that is offered first.
    #[must_use]
    pub fn default_method(&self) -> Option<&KeptMethod> {
        self.default.and_then(|id| self.method(id))
    }

    fn any(&self, id: Uuid) -> Option<&KeptMethod> {
        self.all.iter().find(|m| m.id == id)
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: WalletCommand) -> Result<Vec<WalletEvent>, WalletError> {
        match command {
            WalletCommand::Add { method, at } => self.keep(method, true, at),
            WalletCommand::Follow { method, at } => self.keep(method, false, at),
            WalletCommand::ChooseDefault { method, today, at } => {
                let chosen = self.method(method).ok_or(WalletError::Unknown)?;
                if self.default == Some(method) {
                    return Ok(vec![]);
                }
                if !chosen.is_usable(today) {
                    return Err(WalletError::Expired);
                }
                Ok(vec![WalletEvent::DefaultMethodChosen { id: method, at }])
            }
            WalletCommand::Remove { method, today, at } => {
                if self.any(method).ok_or(WalletError::Unknown)?.standing != Standing::Kept {
                    return Ok(vec![]);
                }
                let removed = WalletEvent::PaymentMethodRemoved { id: method, at };
                // The newest of the others takes its place, so that something is offered first.
                let heir = self.methods().rev().find(|m| m.id != method && m.is_usable(today));
                let heir = heir.filter(|_| self.default == Some(method));
                let chosen = heir.map(|heir| WalletEvent::DefaultMethodChosen { id: heir.id, at });
                Ok([removed].into_iter().chain(chosen).collect())
            }
            WalletCommand::RecordDetached { method, at } => match self.any(method).map(|m| m.standing) {
                Some(Standing::Removed) => Ok(vec![WalletEvent::PaymentMethodDetached { id: method, at }]),
                // Used again meanwhile, or noted before.
                _ => Ok(vec![]),
            },
        }
    }

    fn keep(
        &self,
        method: PaymentMethod,
        asked: bool,
        at: DateTime<Utc>,
    ) -> Result<Vec<WalletEvent>, WalletError> {
        let id = method_id(&method);
        match self.any(id).map(|m| m.standing) {
            Some(Standing::Kept) => return Ok(vec![]),
            Some(Standing::Detached) => return Err(WalletError::Detached),
            _ => {}
        }
        if asked && self.methods().count() >= MOST_METHODS {
            return Err(WalletError::TooMany);
        }
        let first = self.default_method().is_none();
        let chosen = first.then_some(WalletEvent::DefaultMethodChosen { id, at });
        Ok([WalletEvent::PaymentMethodKept { id, method, at }].into_iter().chain(chosen).collect())
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: WalletEvent) {
        match event {
            WalletEvent::PaymentMethodKept { id, method, at } => {
                self.all.retain(|m| m.id != id);
                self.all.push(KeptMethod { id, method, kept_at: at, standing: Standing::Kept });
            }
            WalletEvent::DefaultMethodChosen { id, .. } => self.default = Some(id),
            WalletEvent::PaymentMethodRemoved { id, .. } => {
                self.stand(id, Standing::Removed);
                if self.default == Some(id) {
                    self.default = None;
                }
            }
            WalletEvent::PaymentMethodDetached { id, .. } => self.stand(id, Standing::Detached),
        }
    }

    fn stand(&mut self, id: Uuid, standing: Standing) {
        self.all.iter_mut().filter(|m| m.id == id).for_each(|m| m.standing = standing);
    }
}
