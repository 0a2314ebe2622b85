//! The vault: personal values, sealed per person. Events only refer to them.

use super::keys::{self, KeyStore};
use super::opened::Opened;
use super::{Client, StoreError};
use crate::domain::shared::{PersonalRef, PersonalValue};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// A sealed value on its way into the table.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Where it will be found.
    pub reference: PersonalRef,
    /// Nonce and ciphertext.
    pub ciphertext: Vec<u8>,
}

/// Seals and opens personal values. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<KeyStore>,
    opened: Arc<Opened>,
}

impl Vault {
    /// A vault over a key store.
    #[must_use]
    pub fn new(keys: KeyStore) -> Self {
        Self { keys: Arc::new(keys), opened: Arc::new(Opened::new(0)) }
    }

    /// The same, which keeps the opened values of so many people in memory while it hears of removals.
    #[must_use]
    pub fn remembering(mut self, people: usize) -> Self {
        self.opened = Arc::new(Opened::new(people));
        self
    }

    /// What was opened lately: for those who listen to the database.
    #[must_use]
    pub fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened)
    }

    /// The key store, for exchanging the key that wraps it.
    #[must_use]
    pub fn key_store(&self) -> Arc<KeyStore> {
        Arc::clone(&self.keys)
    }

    /// Seals values with the keys of their subjects, which are made if needed.
    ///
    /// # Errors
    /// If the key store cannot be used.
    pub async fn seal(&self, values: Vec<PersonalValue>) -> Result<Vec<Sealed>, StoreError> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let mut sealed = Vec::with_capacity(values.len());
        for value in values {
            let key = self.keys.get_or_create(value.reference.subject).await?;
            let ciphertext = keys::seal(&key, value.text.as_bytes(), &context(&value.reference))?;
            sealed.push(Sealed { reference: value.reference, ciphertext });
        }
        Ok(sealed)
    }

    /// Opens values; those that were erased are missing in the answer.
    ///
    /// # Errors
    /// If database or key store cannot be read, or a value is damaged.
    pub async fn open_many(
        &self,
        client: &Client,
        references: &[PersonalRef],
    ) -> Result<HashMap<PersonalRef, String>, StoreError> {
        let round = self.opened.round();
        let mut known = HashMap::with_capacity(references.len());
        let mut missing = Vec::new();
        for reference in references {
            match self.opened.get(reference) {
                Some(text) => drop(known.insert(reference.clone(), text)),
                None => missing.push(reference),
            }
        }
        if missing.is_empty() {
            return Ok(known);
        }
        let subjects: Vec<Uuid> = missing.iter().map(|r| r.subject).collect();
        let fields: Vec<&str> = missing.iter().map(|r| r.field.as_str()).collect();
        let versions: Vec<Uuid> = missing.iter().map(|r| r.version).collect();
        let rows = client
            .query(
                "select v.subject, v.field, v.version, v.ciphertext
                 from unnest($1::uuid[], $2::text[], $3::uuid[]) as w(s, f, n)
                 join public.vault v on v.subject = w.s and v.field = w.f and v.version = w.n",
                &[&subjects, &fields, &versions],
            )
            .await?;
        let mut owners: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        owners.sort_unstable();
        owners.dedup();
        let data_keys = self.keys.get_many(&owners).await?;
        let mut opened = HashMap::with_capacity(rows.len());
        for row in rows {
            let reference = PersonalRef { subject: row.get(0), field: row.get(1), version: row.get(2) };
            let Some(key) = data_keys.get(&reference.subject) else { continue };
            let plain = keys::open(key, row.get(3), &context(&reference))?;
            let text = String::from_utf8_lossy(&plain).into_owned();
            opened.insert(reference, text);
        }
        self.opened.remember(round, &opened);
        known.extend(opened);
        Ok(known)
    }

    /// Seals bytes that are kept for a while outside the vault, such as an answer; `purpose` is needed again.
    /// `None` if the subject has no key: an erased one must not get another.
    ///
    /// # Errors
    /// If the key store cannot be used.
    pub async fn seal_bytes(
        &self,
        subject: Uuid,
        purpose: &str,
        plain: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(key) = self.keys.get(subject).await? else { return Ok(None) };
        Ok(Some(keys::seal(&key, plain, purpose.as_bytes())?))
    }

    /// The reverse of [`Vault::seal_bytes`]; `None` if the subject was erased.
    ///
    /// # Errors
    /// If the key store cannot be read, or the bytes are damaged.
    pub async fn open_bytes(
        &self,
        subject: Uuid,
        purpose: &str,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(key) = self.keys.get(subject).await? else { return Ok(None) };
        Ok(Some(keys::open(&key, sealed, purpose.as_bytes())?.to_vec()))
    }

    /// Opens one value; `None` if it was erased.
    ///
    /// # Errors
    /// As [`Vault::open_many`].
    pub async fn open(&self, client: &Client, reference: &PersonalRef) -> Result<Option<String>, StoreError> {
        Ok(self.open_many(client, std::slice::from_ref(reference)).await?.remove(reference))
    }

    /// Erases everything of a subject: its rows and its key. Doing it twice is harmless.
    ///
    /// # Errors
    /// If database or key store cannot be written.
    pub async fn erase(&self, client: &Client, subject: Uuid) -> Result<(), StoreError> {
        self.keys.destroy(subject).await?;
        self.opened.forget(Some(subject));
        client.execute("delete from public.vault where subject = $1", &[&subject]).await?;
        self.opened.forget(Some(subject));
        Ok(())
    }

    /// Destroys one value: another has taken its place.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn discard(&self, client: &Client, reference: &PersonalRef) -> Result<(), StoreError> {
        let sql = "delete from public.vault where subject = $1 and field = $2 and version = $3";
        client.execute(sql, &[&reference.subject, &reference.field, &reference.version]).await?;
        self.opened.forget(Some(reference.subject));
        Ok(())
    }

    /// A keyed hash by which a personal value can be looked up, such as the mail address at sign-in.
    ///
    /// # Errors
    /// If the hash cannot be made.
    pub fn lookup_hash(&self, namespace: &str, value: &str) -> Result<String, StoreError> {
        self.keys.lookup_hash(namespace, value)
    }
}

fn context(reference: &PersonalRef) -> Vec<u8> {
    format!("{}/{}/{}", reference.subject, reference.field, reference.version).into_bytes()
}
