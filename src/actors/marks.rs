//! Likes and saved items: rows of a plain table.

use super::services::Services;
use crate::store::StoreError;
use uuid::Uuid;

/// What somebody sets on an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Mark {
    /// It is liked; everybody sees how many do.
    Like,
    /// It is kept for later; nobody else sees that.
    Save,
}

/// What can be marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// A film.
    Film,
    /// A course.
    Course,
    /// A post.
    Post,
    /// A work.
    Media,
    /// A character.
    Character,
}

/// How an item stands with somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many like it.
    pub likes: i64,
    /// Whether the asking person does.
    pub liked: bool,
    /// Whether the asking person saved it.
    pub saved: bool,
}

/// Sets a mark or takes it away; doing so twice changes nothing.
///
/// # Errors
/// If the database fails.
pub async fn set(
    cx: &Services,
    account: Uuid,
    mark: Mark,
    (kind, item): (Kind, Uuid),
    on: bool,
) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    let (mark, kind) = (<&str>::from(mark), <&str>::from(kind));
    if on {
        let sql = "insert into public.marks (account, mark, kind, item, at) values ($1, $2, $3, $4, $5)
                   on conflict do nothing";
        client.execute(sql, &[&account, &mark, &kind, &item, &cx.clock.now()]).await?;
    } else {
        let sql = "delete from public.marks where account = $1 and mark = $2 and item = $3";
        client.execute(sql, &[&account, &mark, &item]).await?;
    }
    Ok(())
}

/// How `item` stands, with everybody and with `account`.
///
/// # Errors
/// If the database fails.
pub async fn standing(cx: &Services, account: Option<Uuid>, item: Uuid) -> Result<Standing, StoreError> {
    let client = cx.pool.get().await?;
    let statement = client
        .prepare_cached(
            "select count(*) filter (where mark = 'like'),
                    coalesce(bool_or(mark = 'like' and account = $2), false),
                    coalesce(bool_or(mark = 'save' and account = $2), false)
             from public.marks where item = $1",
        )
        .await?;
    let row = client.query_one(&statement, &[&item, &account]).await?;
    Ok(Standing { likes: row.get(0), liked: row.get(1), saved: row.get(2) })
}

/// What `account` saved, the last first: kind and id.
///
/// # Errors
/// If the database fails.
pub async fn saved(cx: &Services, account: Uuid, most: i64) -> Result<Vec<(Kind, Uuid)>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select kind, item from public.marks where account = $1 and mark = 'save'
               order by at desc, item limit $2";
    let rows = client.query(sql, &[&account, &most]).await?;
    Ok(rows.iter().filter_map(|r| Some((r.get::<_, &str>(0).parse().ok()?, r.get(1)))).collect())
}
