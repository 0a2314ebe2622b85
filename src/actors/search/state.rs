//! How far an index beside the studio is filled: one row that its filler moves on.

use crate::actors::services::Services;
use crate::config::Search;
use crate::projections::catalogue;
use crate::store::checkpoint::{self, Kind};
use crate::store::{Client, StoreError};

/// Where the filling of the index stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// By which form of documents and version of the catalogue it was filled.
    pub form: String,
    /// Up to which event works are there.
    pub works: i64,
    /// Up to which event the text inside them is there too.
    pub texts: i64,
    /// How often it was asked to be made anew.
    pub wanted: i64,
    /// How many of these are done.
    pub made: i64,
    /// Why it does not go on.
    pub error: Option<String>,
}

/// The name of the row: another server or index begins anew.
pub(super) fn name(set: &Search) -> String {
    format!("{}/indexes/{}", set.address.trim_end_matches('/'), set.index)
}

pub(super) async fn read(client: &Client, set: &Search) -> Result<State, StoreError> {
    let name = name(set);
    client
        .execute("insert into public.search_index (name) values ($1) on conflict (name) do nothing", &[&name])
        .await?;
    let sql = "select form, works, texts, wanted, made, error from public.search_index where name = $1";
    let row = client.query_one(sql, &[&name]).await?;
    Ok(State {
        form: row.get(0),
        works: row.get(1),
        texts: row.get(2),
        wanted: row.get(3),
        made: row.get(4),
        error: row.get(5),
    })
}

/// Notes how far it is; a wish that came meanwhile stays.
pub(super) async fn write(client: &Client, set: &Search, state: &State) -> Result<(), StoreError> {
    let sql = "update public.search_index set form = $2, works = $3, texts = $4, made = $5, error = null,
         changed_at = now() where name = $1";
    client.execute(sql, &[&name(set), &state.form, &state.works, &state.texts, &state.made]).await?;
    Ok(())
}

/// Notes why it does not go on; `true` if that is news.
pub(super) async fn fail(client: &Client, set: &Search, error: Option<&str>) -> Result<bool, StoreError> {
    let sql = "update public.search_index set error = $2, changed_at = now()
         where name = $1 and error is distinct from $2";
    Ok(client.execute(sql, &[&name(set), &error]).await? > 0)
}

/// How far readers of the log are whom the index follows.
pub(super) struct Ahead {
    /// Form of documents and version of the catalogue.
    pub form: String,
    /// Up to which event the catalogue is.
    pub works: i64,
    /// Up to which event the text inside works is there as well.
    pub texts: i64,
}

/// Raised when documents or settings of the index change.
const FORM: u32 = 1;

pub(super) async fn ahead(client: &Client) -> Result<Ahead, StoreError> {
    let catalogue = checkpoint::all(&***client, Kind::Projection).await?.remove("catalogue");
    let texts = checkpoint::all(&***client, Kind::Workflow).await?.remove("index-texts");
    let works = catalogue.as_ref().map_or(0, |c| c.position);
    Ok(Ahead {
        form: format!("{FORM}/{}", catalogue.map_or(0, |c| c.version)),
        works,
        texts: texts.map_or(0, |c| c.position).min(works),
    })
}

/// How far the index beside the studio is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Up to which event.
    pub position: i64,
    /// Whether it holds everything that can be found now, in the form of this version.
    pub whole: bool,
    /// How often it was made anew, and how often that was asked for.
    pub made: i64,
    /// See `made`.
    pub wanted: i64,
    /// Why it does not go on.
    pub error: Option<String>,
}

/// How far the index is that the settings name.
///
/// # Errors
/// If the database cannot be read.
pub async fn filled(cx: &Services) -> Result<Filled, StoreError> {
    let client = cx.pool.get().await?;
    let state = read(&client, &cx.config.search).await?;
    let ahead = ahead(&client).await?;
    drop(client);
    let position = state.works.min(state.texts);
    // What was not touched since is there already.
    let rest = catalogue::touched(&cx.reader, position, ahead.works, 1, true).await?;
    let whole = state.form == ahead.form
        && state.made >= state.wanted
        && rest.is_empty()
        && state.works >= ahead.works;
    Ok(Filled { position, whole, made: state.made, wanted: state.wanted, error: state.error })
}

/// Asks that the index is made anew; the number of this wish, which is done when as many are made.
///
/// # Errors
/// If the database cannot be written.
pub async fn want_anew(cx: &Services) -> Result<i64, StoreError> {
    let client = cx.pool.get().await?;
    let set = &cx.config.search;
    read(&client, set).await?;
    let sql =
        "update public.search_index set wanted = wanted + 1, error = null where name = $1 returning wanted";
    Ok(client.query_one(sql, &[&name(set)]).await?.get(0))
}
