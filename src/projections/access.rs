//! What the access rule asks about a person, gathered from accounts and subscriptions.

use super::{QueryError, Reader, people, subscriptions};
use crate::domain::access::PersonFacts;
use uuid::Uuid;

/// The facts about an account; none for visitors and for accounts that do not exist (any more).
///
/// # Errors
/// If the database cannot be read: then nobody is let in.
pub async fn facts(r: &Reader, account: Option<Uuid>) -> Result<Option<PersonFacts>, QueryError> {
    let Some(account) = account else { return Ok(None) };
    let Some(person) = people::by_id(r, account).await? else { return Ok(None) };
    if person.presence == people::Presence::Erased {
        return Ok(None);
    }
    Ok(Some(PersonFacts {
        confirmed: person.confirmed,
        suspended: person.suspended,
        leaving: person.presence == people::Presence::Hidden,
        roles: person.roles,
        complimentary: person.complimentary,
        memberships: subscriptions::memberships(r, account).await?,
    }))
}
