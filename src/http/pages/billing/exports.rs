//! Lists of this desk as files: read a part at a time while they are sent, to their end.

use super::{csv, with};
use crate::http::error::HttpError;
use crate::http::response::set;
use crate::http::ui::button::link_small;
use crate::http::ui::{Weight, format};
use crate::http::{Req, Res};
use crate::projections::QueryError;
use maud::{Markup, html};
use serde_json::{Map, Value};
use std::future::Future;
use warp::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use warp::reply::Reply;

/// Rows read at a time.
pub(in crate::http) const PART: i64 = 1000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum FileKind {
    /// Comma-separated, with a line of names first.
    Csv,
    /// One object a line, with the same names.
    JsonLines,
}

impl FileKind {
    /// What `?format=` asks for; none: the page.
    pub fn asked(req: &Req) -> Option<Self> {
        match req.query("format") {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// What the end of the address says.
    pub fn of_path(req: &Req) -> Self {
        if req.path.ends_with(".jsonl") { Self::JsonLines } else { Self::Csv }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }

    /// Some rows; the names come before the first of them.
    fn write(self, names: &[&str], rows: Vec<Vec<String>>, first: bool) -> Result<String, HttpError> {
        match self {
            Self::Csv if first => csv(names, rows),
            Self::Csv => {
                let text = csv(names, rows)?;
                Ok(text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default())
            }
            Self::JsonLines => Ok(rows.into_iter().map(|row| line(names, row)).collect()),
        }
    }
}

/// Columns that count something; amounts of money stay texts such as "11.50", which no program rounds.
const NUMBERS: [&str; 3] = ["position", "attempts", "failures"];
/// Columns in which somebody's own words stand.
const WORDS: [&str; 4] = ["reason", "what", "description", "not_possible_because"];

fn value(name: &str, cell: String) -> Value {
    match cell.as_str() {
        "" => Value::Null,
        "true" | "false" if !WORDS.contains(&name) => Value::Bool(cell == "true"),
        count if NUMBERS.contains(&name) => {
            count.parse::<i64>().map_or_else(|_| cell.clone().into(), Value::from)
        }
        _ => Value::String(cell),
    }
}

/// What is empty in a table is null in an object.
fn line(names: &[&str], row: Vec<String>) -> String {
    let object: Map<String, Value> =
        names.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), value(name, cell))).collect();
    format!("{}\n", Value::Object(object))
}

/// Some rows, and where the list goes on, if it does.
pub(in crate::http) type Part<K> = (Vec<Vec<String>>, Option<K>);

/// The part that `rows` are, if a full one has `PART` of them.
pub(in crate::http) fn part<T, K>(
    rows: &[T],
    cells: impl Fn(&T) -> Vec<String>,
    key: impl Fn(&T) -> K,
) -> Part<K> {
    let full = i64::try_from(rows.len()).unwrap_or(0) == PART;
    (rows.iter().map(cells).collect(), rows.last().filter(|_| full).map(key))
}

/// Sends the file `name`, one part after the other as `read` gives them; at most one is read ahead, and
/// whoever hangs up ends the reading.
pub(in crate::http) fn send<K, F, R>(
    name: &str,
    kind: FileKind,
    names: &'static [&'static str],
    read: F,
) -> Res
where
    K: Send + 'static,
    F: Fn(Option<K>) -> R + Send + 'static,
    R: Future<Output = Result<Part<K>, QueryError>> + Send,
{
    let (to, receive) = tokio::sync::mpsc::channel::<Result<String, std::io::Error>>(1);
    // What is written by the studio's clock on the page is in the file, too.
    tokio::spawn(format::in_zone(Some(format::zone()), async move {
        let (mut after, mut first) = (None, true);
        loop {
            let (text, next) = match read(after).await {
                Ok((rows, next)) => match kind.write(names, rows, first) {
                    Ok(text) => (Ok(text), next),
                    Err(_) => (Err(std::io::Error::other("a row could not be written")), None),
                },
                Err(error) => {
                    tracing::warn!(%error, "a file of a list broke off");
                    (Err(std::io::Error::other("the list could not be read")), None)
                }
            };
            first = false;
            if to.send(text).await.is_err() || next.is_none() {
                return;
            }
            after = next;
        }
    }));
    let parts = futures_util::stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|text| (text, receive))
    });
    let mut res = warp::reply::stream(parts).into_response();
    set(&mut res, CONTENT_TYPE, kind.content_type());
    set(&mut res, CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}.{}\"", kind.ending()));
    set(&mut res, CACHE_CONTROL, "no-store");
    res
}

/// Sends the file `name` of rows that are all there: those of a report, a few for each span.
pub(in crate::http) fn whole(
    name: &str,
    kind: FileKind,
    names: &'static [&'static str],
    rows: Vec<Vec<String>>,
) -> Res {
    let rows = std::sync::Arc::new(rows);
    send(name, kind, names, move |_: Option<()>| {
        let rows = std::sync::Arc::clone(&rows);
        async move { Ok((rows.to_vec(), None)) }
    })
}

/// Refuses a file that is narrowed to something that there is not: a program that means another thing is neither
/// given everything nor nothing. On a page the list is empty, and its chip takes the filter away.
pub(in crate::http) fn known<'a>(
    req: &Req,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Result<(), HttpError> {
    let (asked, known) = (req.query(name), known.into_iter().collect::<Vec<_>>());
    if asked.is_empty() || known.contains(&asked) {
        return Ok(());
    }
    Err(HttpError::Unprocessable(format!("For {name}, ask for one of these: {}.", known.join(", "))))
}

/// Refuses a file that is narrowed by something that its list does not know, beside what all lists know.
pub(in crate::http) fn only(req: &Req, known: &[&str]) -> Result<(), HttpError> {
    let of_all = ["format", "sort", "page", "at", "before"];
    let strange = |name: &&str| !known.contains(name) && !of_all.contains(name);
    match req.query_pairs().iter().map(|(name, _)| name.as_str()).find(strange) {
        None => Ok(()),
        Some(name) => {
            let mut all = known.to_vec();
            all.extend(["format", "sort"]);
            Err(HttpError::Unprocessable(format!(
                "This list is not narrowed by {name}. It knows: {}.",
                all.join(", ")
            )))
        }
    }
}

/// The buttons that give the list of this page as a file.
pub(super) fn files(req: &Req) -> Markup {
    html! {
        (link_small("Export CSV", &with(req, "format", Some("csv")), Weight::Plain))
        (link_small("Export JSON Lines", &with(req, "format", Some("jsonl")), Weight::Quiet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize) -> Vec<Vec<String>> {
        (0..n).map(|i| vec![i.to_string(), String::new()]).collect()
    }

    #[test]
    fn the_names_stand_once_before_the_first_row_and_what_is_empty_is_null() {
        let names = ["number", "paid_at"];
        let kind = FileKind::Csv;
        assert_eq!(kind.write(&names, rows(1), true).unwrap(), "number,paid_at\n0,\n");
        assert_eq!(kind.write(&names, rows(2), false).unwrap(), "0,\n1,\n");
        assert_eq!(kind.write(&names, rows(0), false).unwrap(), "");
        let lines = FileKind::JsonLines.write(&names, rows(1), true).unwrap();
        assert_eq!(lines, "{\"number\":\"0\",\"paid_at\":null}\n");
    }

    #[test]
    fn a_full_part_goes_on_and_a_short_one_is_the_last() {
        let all: Vec<usize> = (0..usize::try_from(PART).unwrap()).collect();
        let cells = |i: &usize| vec![i.to_string()];
        assert_eq!(part(&all, cells, |i| *i).1, Some(all.len() - 1));
        assert_eq!(part(&all[1..], cells, |i| *i).1, None);
    }
}
