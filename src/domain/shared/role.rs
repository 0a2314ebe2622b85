//! What a person may do beyond being a member.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A role that is granted and revoked by events on the account. "Subscriber" is none of them: it
/// follows from the person's subscriptions at the time of asking.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::Display,
    strum::IntoStaticStr,
    strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Has an account: likes, saves, keeps progress. Every account is a member.
    Member,
    /// Uploads media and publishes own works.
    Creator,
    /// The same for everybody's works, and the studio's texts.
    Editor,
    /// Handles reports and suspends accounts.
    Moderator,
    /// Reads and acts on subscriptions, orders and payments.
    Billing,
    /// Keeps the installation running.
    Operator,
    /// Grants roles and may do all of the above.
    Admin,
}

impl Role {
    /// Whether the role works for the studio behind the scenes (moderator, billing, operator, admin).
    #[must_use]
    pub fn is_staff(self) -> bool {
        matches!(self, Self::Moderator | Self::Billing | Self::Operator | Self::Admin)
    }

    /// The role in words, for pages and mails.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Creator => "Creator",
            Self::Editor => "Editor",
            Self::Moderator => "Moderator",
            Self::Billing => "Billing",
            Self::Operator => "Operator",
            Self::Admin => "Admin",
        }
    }
}

/// The roles somebody holds. An admin holds every role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(pub BTreeSet<Role>);

impl Roles {
    /// Whether these roles include `role`, directly or because an admin may do everything.
    #[must_use]
    pub fn may_act_as(&self, role: Role) -> bool {
        role == Role::Member || self.0.contains(&role) || self.0.contains(&Role::Admin)
    }

    /// Whether any of `roles` is included.
    #[must_use]
    pub fn may_act_as_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.may_act_as(*role))
    }

    /// Whether one of them is a staff role.
    #[must_use]
    pub fn has_staff(&self) -> bool {
        self.0.iter().any(|role| role.is_staff())
    }

    /// The names as they stand in the command line and in columns, in a fixed order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|role| <&'static str>::from(*role)).collect()
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    #[test]
    fn names_read_back_and_an_admin_may_do_everything() {
        for role in [Role::Member, Role::Creator, Role::Operator, Role::Admin] {
            assert_eq!(Role::from_str(&role.to_string()), Ok(role));
        }
        assert!(Role::from_str("subscriber").is_err());
        let admin: Roles = [Role::Admin].into_iter().collect();
        assert!(admin.may_act_as(Role::Billing) && admin.has_staff());
        let creator: Roles = [Role::Creator].into_iter().collect();
        assert!(!creator.may_act_as_any(&[Role::Editor, Role::Admin]) && !creator.has_staff());
        assert!(creator.may_act_as(Role::Member));
    }
}
