//! Mail addresses of people that others wrote down: on the list of a team, or on a gift.
//!
//! Such an address is personal data of whoever reads mail there, not of whoever wrote it down. So it is sealed
//! for a subject of its own, one per address, and never in the writer's part of the vault: when its person is
//! erased the key of that subject is destroyed, and no list, no former list and no backup of one can be read
//! at this place any more.

use super::services::Services;
use crate::domain::shared::{MailAddress, PersonalRef, PersonalValue};
use crate::store::StoreError;
use uuid::Uuid;

/// Namespace of the keyed hash.
const NAMESPACE: &str = "contact";

fn hash(cx: &Services, address: &str) -> Result<String, StoreError> {
    let form = MailAddress::parse(address).map_or_else(|_| address.to_lowercase(), |mail| mail.lookup_form());
    cx.vault.lookup_hash(NAMESPACE, &form)
}

/// The subject of an address, if anybody wrote it down.
///
/// # Errors
/// If the database cannot be read.
pub async fn subject(cx: &Services, address: &str) -> Result<Option<Uuid>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select subject from public.contacts where hash = $1";
    Ok(client.query_opt(sql, &[&hash(cx, address)?]).await?.map(|row| row.get(0)))
}

/// Addresses as values for the vault, each with the `version` that the caller gives to its subject. Their keys
/// are made here, so that a command with many of them does not wait for that.
///
/// # Errors
/// If database or key store cannot be used.
pub async fn seal(
    cx: &Services,
    field: &str,
    addresses: impl IntoIterator<Item = &str>,
    version: impl Fn(Uuid) -> Uuid,
) -> Result<Vec<PersonalValue>, StoreError> {
    let addresses: Vec<&str> = addresses.into_iter().collect();
    let hashes = addresses.iter().map(|a| hash(cx, a)).collect::<Result<Vec<_>, _>>()?;
    let fresh: Vec<Uuid> = addresses.iter().map(|_| cx.clock.new_id()).collect();
    let rows = {
        let client = cx.pool.get().await?;
        let sql = "insert into public.contacts (hash, subject) select * from unnest($1::text[], $2::uuid[])
                   on conflict do nothing";
        client.execute(sql, &[&hashes, &fresh]).await?;
        let sql = "select c.subject from unnest($1::text[]) with ordinality as w(hash, n)
                   join public.contacts c using (hash) order by w.n";
        client.query(sql, &[&hashes]).await?
    };
    if rows.len() != addresses.len() {
        // Somebody among them was erased at this moment: no address may take another's subject.
        return Err(StoreError::Vault("an address went while it was written down; try again".into()));
    }
    let mut sealed = Vec::with_capacity(rows.len());
    for (address, row) in addresses.into_iter().zip(&rows) {
        let subject: Uuid = row.get(0);
        cx.vault.key_store().get_or_create(subject).await?;
        sealed.push(PersonalValue::new(subject, field, version(subject), address.to_owned()));
    }
    Ok(sealed)
}

/// Destroys values that their writer has no use for any more.
///
/// # Errors
/// If the database cannot be written.
pub async fn discard(cx: &Services, references: &[PersonalRef]) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    for reference in references {
        cx.vault.discard(&client, reference).await?;
    }
    Ok(())
}

/// Makes an address unreadable wherever it was written down. Doing it twice is harmless.
///
/// # Errors
/// If database or key store cannot be written.
pub async fn erase(cx: &Services, subject: Uuid) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    cx.vault.erase(&client, subject).await
}

/// Takes away what still says that somebody wrote the address down: whoever writes it down from now on means
/// somebody new.
///
/// # Errors
/// If the database cannot be written.
pub async fn release(cx: &Services, subjects: &[Uuid]) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    client.execute("delete from public.contacts where subject = any($1)", &[&subjects]).await?;
    Ok(())
}
