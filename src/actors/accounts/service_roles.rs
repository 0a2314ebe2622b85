//! Roles that follow the groups of the sign-in service: given and taken at each sign-in through it.

use super::AccountsError;
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::config::Config;
use crate::domain::account::{Account, AccountCommand, By, Why};
use crate::domain::shared::{Role, derive_id};
use crate::store::{Metadata, Receipt};
use std::collections::BTreeSet;
use std::str::FromStr as _;
use uuid::Uuid;

/// Who gives and takes these roles.
pub const NAME: &str = "sign-in service";

/// What is wrong with the table of groups, in words for operators. Who may give roles to others is decided
/// here alone.
#[must_use]
pub fn problem(config: &Config) -> Option<String> {
    config.oidc.roles.values().find_map(|name| match Role::from_str(name) {
        Ok(Role::Admin | Role::Member) => {
            Some(format!("oidc.roles: the role {name} is not given by a group"))
        }
        Ok(_) => None,
        Err(_) => Some(format!("oidc.roles: there is no role {name}")),
    })
}

/// Gives the roles of `groups` that the account lacks and takes those in the table that it should not have.
/// Gives where the last event stands.
///
/// # Errors
/// If the account refuses or the store fails.
pub async fn follow(
    cx: &Services,
    id: Uuid,
    meta: Metadata,
    account: Uuid,
    (state, groups): (&Account, &[String]),
) -> Result<Option<Receipt>, AccountsError> {
    if cx.config.oidc.roles_claim.is_none() {
        return Ok(None);
    }
    let table = &cx.config.oidc.roles;
    let roles = |keep: &dyn Fn(&str) -> bool| -> BTreeSet<Role> {
        let kept = table.iter().filter(|(group, _)| keep(group));
        kept.filter_map(|(_, name)| Role::from_str(name).ok()).collect()
    };
    let (all, due) = (roles(&|_| true), roles(&|group| groups.iter().any(|g| g == group)));
    let mut last = None;
    for role in all {
        let (at, by, why) = (meta.at, By::System(NAME.into()), Why::Code("group".into()));
        let command = match (due.contains(&role), state.roles.0.contains(&role)) {
            (true, false) => AccountCommand::GrantRole { at, role, by, why },
            (false, true) => AccountCommand::RevokeRole { at, role, by, why },
            _ => continue,
        };
        let command_id = derive_id(&id.to_string(), &format!("role {role}"));
        let envelope = Envelope::new(command_id, account, command, meta.clone());
        last = Some(cx.bus.dispatch::<Account>(envelope).await?);
    }
    Ok(last)
}
