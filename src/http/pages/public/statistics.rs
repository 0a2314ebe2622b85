//! `GET /statistics`: the studio in numbers, as they were noted on the hour. Never revenue.

use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::route::{Access, Route};
use crate::http::ui::table::{self, Column, table};
use crate::http::ui::{Icon, Stat, Theme, empty, format, page_head, stats};
use crate::projections::statistics;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What everybody may know, with its words.
const SHOWN: [(&str, &str); 11] = [
    ("films", "Films"),
    ("courses", "Courses"),
    ("posts", "Journal entries"),
    ("comments", "Comments"),
    ("media.video", "Videos"),
    ("media.image", "Pictures"),
    ("visits.views", "Views of works"),
    ("visits.downloads", "Downloads"),
    ("accounts", "Members"),
    ("subscribers", "Subscribers"),
    ("accounts.complimentary", "Complimentary accounts"),
];

/// The address of this file.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![Route::get("/statistics", Access::Anyone, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    // A new studio's first note is of an hour before its first work: a page of zeros would tell nothing.
    let latest = statistics::latest(reader)
        .await?
        .filter(|(_, figures)| SHOWN.iter().any(|(name, _)| figures.get(*name) > Some(&0)));
    let courses = statistics::courses(reader, req.now() - TimeDelta::days(90)).await?;
    let body = html! {
        div.wrap.page.stack.mid {
            (page_head("The studio in numbers", Some("Noted every hour; the lines show the last ninety days."), None))
            @match &latest {
                None => (empty(Icon::Info, "No numbers yet", "The first are noted at the next full hour.", None)),
                Some((at, figures)) => (numbers(*at, figures, &courses)),
            }
        }
    };
    Ok(page(
        &req,
        Page {
            title: "The studio in numbers".into(),
            description: Some("How many films, courses, members and subscribers the studio has.".into()),
            theme: Theme::Desk,
            canonical: Some("/statistics".into()),
            body,
            ..Page::default()
        },
    ))
}

fn numbers(
    at: DateTime<Utc>,
    figures: &BTreeMap<String, i64>,
    courses: &BTreeMap<String, Vec<(DateTime<Utc>, i64)>>,
) -> Markup {
    let shown: Vec<(&str, &str, i64)> =
        SHOWN.iter().filter_map(|(name, words)| Some((*name, *words, *figures.get(*name)?))).collect();
    let cards: Vec<Stat<'_>> = shown
        .iter()
        .map(|(name, words, value)| Stat {
            label: words,
            value: format::count(*value),
            course: courses
                .get(*name)
                .map(|course| course.iter().map(|(_, value)| point(*value)).collect())
                .unwrap_or_default(),
            ..Stat::default()
        })
        .collect();
    let rows: Vec<Vec<Markup>> = shown
        .iter()
        .map(|(name, words, value)| {
            let before = courses.get(*name).and_then(|course| course.first()).map(|(_, value)| *value);
            vec![
                table::head(&html! { (words) }),
                table::number(&format::count(*value)),
                table::number(&before.map_or_else(|| "–".into(), format::count)),
            ]
        })
        .collect();
    html! {
        (stats(&cards))
        section.stack {
            h2 { "The same as a table" }
            (table("The studio in numbers", &[Column::new("What"), Column::number("Now"), Column::number("Ninety days ago, or at the first count")], &rows))
            p.small.dim { "Noted " (format::moment(at)) "." }
        }
    }
}

fn point(value: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a point of a line of 240 pixels")]
    let point = value as f64;
    point
}
