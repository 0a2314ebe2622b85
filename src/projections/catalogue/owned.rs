//! What belongs to somebody, of all kinds: for handing it over.

use crate::projections::{QueryError, Reader};
use uuid::Uuid;

/// One thing that belongs to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Its kind: the category of its stream, such as `film`.
    pub kind: String,
    /// Its id.
    pub id: Uuid,
    /// Whether everybody may know of it.
    pub public: bool,
}

/// All that belongs to `account`, by kind; works that were removed are nobody's business any more.
///
/// # Errors
/// If the database cannot be read.
pub async fn owned_by(reader: &Reader, account: Uuid) -> Result<Vec<Owned>, QueryError> {
    let sql = "select kind, id, public from catalogue c where by = $1 and not exists
                   (select 1 from media_works m where c.kind = 'media' and m.media = c.id
                    and m.publication in ('removed', 'erased'))
               order by kind, id";
    let rows = reader.client().await?.query(sql, &[&account]).await?;
    Ok(rows.iter().map(|r| Owned { kind: r.get(0), id: r.get(1), public: r.get(2) }).collect())
}

/// Everybody to whom something belongs, who began first.
///
/// # Errors
/// If the database cannot be read.
pub async fn owners(reader: &Reader) -> Result<Vec<Uuid>, QueryError> {
    let sql =
        "select by from catalogue where by is not null group by by order by min(begun_at), by limit 1000";
    Ok(reader.client().await?.query(sql, &[]).await?.iter().map(|r| r.get(0)).collect())
}
