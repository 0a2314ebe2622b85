//! `/films/{slug}/logs`: what happened in a film's production, by month and week, told by those who were there.

use super::films::film_here;
use super::person::portrait_of;
use super::works::Gate;
use super::{feed_link, may_edit, work_card, work_picture};
use crate::domain::film::Film;
use crate::domain::production_log::{Entry, ProductionLog, Publication, Week};
use crate::domain::shared::AccountId;
use crate::http::page::{Page, page};
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Card, Icon, Line, Place, Ratio, Tone, Weight, button, card, chip, crumbs, empty, format, lines,
    markdown_below, notice, page_head, plain_text, shelf_head,
};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row, Work};
use crate::projections::people;
use chrono::NaiveDate;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

/// Months that the film's tab shows week by week; older ones are links.
const MONTHS_SHOWN: usize = 3;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/films/{slug}/logs/{when}", Access::Anyone, show)]
}

/// A month archive or one week, by the form of the address: `2026-11` or `2026-W48`.
async fn show(req: Req) -> Result<Res, HttpError> {
    let film = match film_here(&req, &format!("/logs/{}", req.param("when"))).await? {
        Ok(film) => film,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if let Ok(week) = req.param("when").parse::<Week>() {
        return show_week(req, film, week).await;
    }
    let month = req.param("when").to_owned();
    if month.len() != 7 || first_of(&month).is_none() {
        return Err(HttpError::NotFound);
    }
    show_month(req, film, &month).await
}

fn first_of(month: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d").ok()
}

/// The month of `2026-11` in words.
fn month_words(month: &str) -> String {
    first_of(month).map_or_else(|| month.to_owned(), |day| day.format("%B %Y").to_string())
}

fn base(film: &Row<Film>) -> String {
    format!("/films/{}/logs", film.slug)
}

fn days(week: Week) -> String {
    format!("{} – {}", format::day(week.monday()), format::day(week.sunday()))
}

/// Logs by month, in the order in which they are given (the last week first).
fn by_month(logs: &[Row<ProductionLog>]) -> Vec<(String, Vec<&Row<ProductionLog>>)> {
    let mut months: Vec<(String, Vec<&Row<ProductionLog>>)> = Vec::new();
    for log in logs {
        let Some(month) = log.state.week.map(Week::month) else { continue };
        match months.last_mut().filter(|(last, _)| *last == month) {
            Some((_, weeks)) => weeks.push(log),
            None => months.push((month, vec![log])),
        }
    }
    months
}

/// The work that stands for a week: the first that is shown in it.
pub(super) fn cover(log: &ProductionLog) -> Option<Uuid> {
    log.entries.iter().flat_map(|e| &e.media).next().copied()
}

/// The works that stand for the weeks which the film's tab shows.
pub(super) fn covers(logs: &[Row<ProductionLog>]) -> Vec<Uuid> {
    let shown = by_month(logs).into_iter().take(MONTHS_SHOWN).flat_map(|(_, weeks)| weeks);
    shown.filter_map(|log| cover(&log.state)).collect()
}

fn week_lines(film: &Row<Film>, weeks: &[&Row<ProductionLog>], works: &HashMap<Uuid, Work>) -> Markup {
    let pictures: Vec<_> = weeks
        .iter()
        .map(|log| cover(&log.state).and_then(|id| works.get(&id)).and_then(|w| work_picture(w, "")))
        .collect();
    let titles: Vec<String> = weeks.iter().map(|log| title(&log.state)).collect();
    let items: Vec<Line<'_>> = weeks
        .iter()
        .zip(&pictures)
        .zip(&titles)
        .filter_map(|((log, picture), title)| {
            let week = log.state.week?;
            let entries = i64::try_from(log.state.entries.len()).unwrap_or(i64::MAX);
            Some(Line {
                href: format!("{}/{week}", base(film)),
                picture: Some(picture.as_ref()),
                title,
                sub: Some(format!("{} · {}", days(week), format::counted(entries, "entry", "entries"))),
                aside: (!log.public).then(|| chip(Tone::Plain, "Draft")),
                ..Line::default()
            })
        })
        .collect();
    lines(&items)
}

/// "Week 48" or "Week 48: Rain".
fn title(log: &ProductionLog) -> String {
    match log.week {
        Some(week) if !log.text.title.is_empty() => format!("Week {}: {}", week.number(), log.text.title),
        _ => log.heading(),
    }
}

/// What the tab of a film's page shows: the last months week by week, then all months.
pub(super) fn overview(film: &Row<Film>, logs: &[Row<ProductionLog>], works: &HashMap<Uuid, Work>) -> Markup {
    let months = by_month(logs);
    html! {
        h2.hush { "Production logs" }
        @for (month, weeks) in months.iter().take(MONTHS_SHOWN) {
            section { (shelf_head(&month_words(month), None)) (week_lines(film, weeks, works)) }
        }
        @if months.len() > MONTHS_SHOWN {
            section.stack {
                h2 { "All months" }
                ul.row { @for (month, weeks) in &months {
                    li { a href={ (base(film)) "/" (month) } { (month_words(month)) } " " span.dim { "(" (weeks.len()) ")" } }
                } }
            }
        }
    }
}

async fn show_month(req: Req, film: Row<Film>, month: &str) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let logs = catalogue::logs_of_film(reader, film.id, may_edit(&req, film.state.by)).await?;
    let months = by_month(&logs);
    let here = months.iter().position(|(m, _)| m == month);
    let weeks = here.and_then(|i| months.get(i)).map(|(_, weeks)| weeks.as_slice()).unwrap_or_default();
    // Months without a log are nowhere linked, but somebody may count up in the address.
    let newer = months.iter().rev().find(|(m, _)| m.as_str() > month).map(|(m, _)| m);
    let older = months.iter().find(|(m, _)| m.as_str() < month).map(|(m, _)| m);
    let ids: Vec<Uuid> = weeks.iter().filter_map(|log| cover(&log.state)).collect();
    let works = catalogue::works_by_ids(reader, &ids, false).await?;
    let words = month_words(month);
    let body = html! {
        div.wrap.page.stack.mid {
            (crumbs(&above(&film), &words))
            (page_head(&words, Some(&format!("The production of {}.", film.state.title)), None))
            @if weeks.is_empty() {
                (empty(Icon::Film, "Nothing was told in this month", "Look at the months before and after it.", Some(&Place::new("All production logs", base(&film)))))
            } @else { h2.hush { "Weeks" } (week_lines(&film, weeks, &works)) }
            (neighbours(older.map(|m| (format!("{}/{m}", base(&film)), month_words(m))), newer.map(|m| (format!("{}/{m}", base(&film)), month_words(m)))))
        }
    };
    let canonical = (film.public && !weeks.is_empty()).then(|| format!("{}/{month}", base(&film)));
    Ok(page(
        &req,
        Page {
            title: format!("{words} · {}", film.state.title),
            section: "Films".into(),
            description: Some(format!("The production of {} in {words}.", film.state.title)),
            hue: film.state.light(),
            private: canonical.is_none(),
            canonical,
            body,
            ..Page::default()
        },
    ))
}

fn above(film: &Row<Film>) -> [Place; 3] {
    [
        Place::new("Films", "/films"),
        Place::new(&film.state.title, format!("/films/{}", film.slug)),
        Place::new("Production logs", base(film)),
    ]
}

/// The ways to what was before and after, each an address and its words.
fn neighbours(before: Option<(String, String)>, after: Option<(String, String)>) -> Markup {
    html! {
        @if before.is_some() || after.is_some() {
            nav.paging aria-label="Before and after" {
                @if let Some((href, words)) = &before { a href=(href) rel="prev" { (words) } }
                @if let Some((href, words)) = &after { a href=(href) rel="next" { (words) } }
            }
        }
    }
}

/// Who wrote entries: their names, and the pictures of those with a public profile.
struct People {
    names: HashMap<AccountId, String>,
    profiles: HashMap<AccountId, Option<Uuid>>,
}

async fn show_week(req: Req, film: Row<Film>, week: Week) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let editor = may_edit(&req, film.state.by);
    let log = catalogue::log_of_week(reader, film.id, week).await?;
    let log = log.filter(|l| l.public || editor).ok_or(HttpError::NotFound)?;
    let state = &log.state;
    let ids: Vec<Uuid> = state.entries.iter().flat_map(|e| e.media.iter().copied()).collect();
    let works = catalogue::works_by_ids(reader, &ids, editor).await?;
    let authors: Vec<AccountId> = state.entries.iter().map(|e| e.author).collect();
    let people = People {
        names: people::public_names(reader, &authors).await?,
        profiles: people::public_profiles(reader, &authors).await?,
    };
    let gate = Gate::of(&req).await?;
    let all = catalogue::logs_of_film(reader, film.id, editor).await?;
    let link = |log: &Row<ProductionLog>| {
        log.state.week.map(|w| (format!("{}/{w}", base(&film)), title(&log.state)))
    };
    let older = all.iter().find(|l| l.state.week < Some(week)).and_then(link);
    let newer = all.iter().rev().find(|l| l.state.week > Some(week)).and_then(link);
    let heading = title(state);
    let month = week.month();
    let mut places = above(&film).to_vec();
    places.push(Place::new(month_words(&month), format!("{}/{month}", base(&film))));
    let acts = html! { @if editor { (button::link_icon(Icon::Pencil, "Edit", &format!("/studio/logs/{}", log.id), Weight::Plain)) } };
    let body = html! {
        div.wrap.page.stack.loose {
            div.stack.mid {
                (crumbs(&places, &format!("Week {}", week.number())))
                (page_head(&heading, Some(&state.text.summary).filter(|s| !s.is_empty()).map(String::as_str), Some(&acts)))
                p.dim { (days(week)) }
            }
            @for (author, entries) in by_person(&state.entries) {
                section.stack.mid {
                    h2.who { (who(author, &people)) }
                    @for entry in entries { (told(entry, &works, &gate)) }
                }
            }
            (neighbours(older, newer))
        }
    };
    let words = match state.publication {
        Publication::Published => {
            "The film is a draft, and so is this page: only you and the editors see it. "
        }
        _ => "This week is a draft: only you and the editors see it. ",
    };
    let draft = html! { p { (words) a href={ "/studio/logs/" (log.id) } { "Edit or publish it" } } };
    let public = log.public && film.public;
    let about = if state.text.summary.is_empty() {
        state.entries.first().map(|e| plain_text(&e.text).chars().take(160).collect())
    } else {
        Some(state.text.summary.clone())
    };
    Ok(page(
        &req,
        Page {
            title: format!("{heading} · {}", film.state.title),
            section: "Films".into(),
            description: about.filter(|text: &String| !text.is_empty()),
            hue: film.state.light(),
            banner: (!public).then(|| notice(Tone::Warning, &draft)),
            canonical: public.then(|| format!("{}/{week}", base(&film))),
            head: public.then(|| feed_link(&format!("{}/feed.atom", base(&film)), "Production logs")),
            private: !public,
            body,
            ..Page::default()
        },
    ))
}

/// Entries of each person together, people in the order of their first entries.
fn by_person(entries: &[Entry]) -> Vec<(AccountId, Vec<&Entry>)> {
    let mut people: Vec<(AccountId, Vec<&Entry>)> = Vec::new();
    for entry in entries {
        match people.iter_mut().find(|(author, _)| *author == entry.author) {
            Some((_, theirs)) => theirs.push(entry),
            None => people.push((entry.author, vec![entry])),
        }
    }
    people
}

fn who(author: AccountId, people: &People) -> Markup {
    let name = people.names.get(&author).map_or("Somebody who has left", String::as_str);
    html! {
        @match people.profiles.get(&author) {
            Some(picture) => a.who href={ "/people/" (author) } {
                @if let Some(version) = picture { (portrait_of(author, *version, 32)) }
                (name)
            },
            None => (name),
        }
    }
}

fn told(entry: &Entry, works: &HashMap<Uuid, Work>, gate: &Gate) -> Markup {
    let shown: Vec<&Work> = entry.media.iter().filter_map(|id| works.get(id)).collect();
    html! {
        article.stack.mid {
            @if !entry.text.is_empty() { div.prose { (markdown_below(&entry.text, 2)) } }
            @if !shown.is_empty() { ul.grid { @for work in shown { li { (work_card(work, gate)) } } } }
        }
    }
}

/// "This week in production", or last week's where this one has nothing yet: the heading and the cards.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn this_week(
    req: &Req,
    films: &[Row<Film>],
) -> Result<Option<(&'static str, Vec<Markup>)>, HttpError> {
    let reader = &req.app.reader;
    let now = Week::of(format::local_day(req.now()));
    let mut logs = catalogue::logs_of_weeks(reader, Some(&[now, now.before()]), 8).await?;
    let Some(week) = logs.first().and_then(|l| l.state.week) else { return Ok(None) };
    logs.retain(|l| l.state.week == Some(week));
    let covers: Vec<Uuid> = logs.iter().filter_map(|l| cover(&l.state)).collect();
    let works = catalogue::works_by_ids(reader, &covers, false).await?;
    let cards: Vec<Markup> = logs
        .iter()
        .filter_map(|log| {
            let film = films.iter().find(|f| f.id == log.state.film)?;
            let picture = cover(&log.state).and_then(|id| works.get(&id)).and_then(|w| work_picture(w, ""));
            Some(card(&Card {
                href: format!("{}/{week}", base(film)),
                title: &title(&log.state),
                sub: Some(film.state.title.clone()),
                text: Some(&log.state.text.summary),
                picture: picture.as_ref(),
                ratio: Ratio::Wide,
                ..Card::default()
            }))
        })
        .collect();
    let heading = if week == now { "This week in production" } else { "Last week in production" };
    Ok((!cards.is_empty()).then_some((heading, cards)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_and_said() {
        assert_eq!(month_words("2026-11"), "November 2026");
        assert!(first_of("2026-13").is_none() && first_of("2026-1x").is_none());
    }
}
