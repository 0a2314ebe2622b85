//! `GET /operator/queue`: the encoder's queue piece by piece, and what operators may do about it.

use super::{OPERATORS, places};
use crate::actors::encoder::wishes::{self, Act, WishError};
use crate::http::error::HttpError;
use crate::http::listing::{sort, sortable, with};
use crate::http::page::{Page, page};
use crate::http::request::Req;
use crate::http::response::{Res, see_other};
use crate::http::route::Route;
use crate::http::ui::button::{self, Weight};
use crate::http::ui::form::form_inline;
use crate::http::ui::icon::Icon;
use crate::http::ui::layout::{page_head, rooms};
use crate::http::ui::panel::{Tone, chip, empty, notice_text};
use crate::http::ui::stats::{Stat, stats};
use crate::http::ui::table::{self, Column, table};
use crate::http::ui::{Theme, format};
use crate::media::sandbox::Confinement;
use crate::projections::media_queue::{self, Deed, Piece};
use crate::projections::sorting::Sort;
use maud::{Markup, html};
use uuid::Uuid;

/// The addresses of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/operator/queue", OPERATORS, show),
        Route::post("/operator/queue", OPERATORS, all),
        Route::post("/operator/queue/{id}", OPERATORS, one),
    ]
}

/// Most pieces shown.
const SHOWN: i64 = 200;

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let by = sort(&req, media_queue::SORTS);
    let pieces = media_queue::sorted(reader, by, SHOWN).await?;
    let paused = media_queue::paused(reader).await?;
    let unattended = media_queue::unattended(reader).await?;
    let deeds = media_queue::deeds(reader, 20).await?;
    let moving = pieces.iter().any(|p| p.state == "running");
    let content = html! {
        (page_head("Processing queue", Some("Every piece of work that runs, waits or has failed."), None))
        p.small.dim { "Helper programs on this host are confined by " (Confinement::here().words()) "." }
        @if !req.query("done").is_empty() { (notice_text(Tone::Success, "Done. Workers hear of it with their next piece; a piece that was cancelled stops within a second or two.")) }
        @if paused { (notice_text(Tone::Warning, "The queue is paused: no worker takes another piece. Uploads are still accepted and wait.")) }
        @if unattended { (notice_text(Tone::Danger, "No encoder is running: pieces wait, and nobody takes one. Start one with “kinora worker”, or the studio with the role “worker” (kinora serve --role …), and see its log if it should be running.")) }
        (figures(&pieces))
        (form_inline(&req, "/operator/queue", &match paused {
            true => button::submit_as("Resume the queue", "act", "resume", Weight::Main),
            false => button::submit_as("Pause the queue", "act", "pause", Weight::Plain),
        }))
        section.stack #works { h2 { "Works" } (works(&req, &pieces)) }
        // A page that reloads itself takes the place from under who reads it: only this part is fetched anew.
        div.stack.loose #pieces hx-get=[moving.then(|| with(&req, "done", None))] hx-trigger=[moving.then_some("every 3s")]
            hx-select="#pieces" hx-swap="outerHTML" {
            @if moving { (at_work(&pieces)) }
            section.stack aria-labelledby="all" {
                h2 #all { "Pieces" }
                @if pieces.is_empty() {
                    (empty(Icon::Info, "Nothing waits", "What is uploaded is worked off here, piece by piece.", None))
                } @else { (list(&req, by, &pieces)) }
            }
        }
        section.stack #deeds { h2 { "What operators did" } (history(&deeds)) }
    };
    let body = html! { div.page.queue { (rooms("Operations", &places(), "/operator/queue", &content)) } };
    Ok(page(
        &req,
        Page {
            title: "Processing queue".into(),
            section: "Operations".into(),
            theme: Theme::Desk,
            private: true,
            body,
            ..Page::default()
        },
    ))
}

fn figures(pieces: &[Piece]) -> Markup {
    let of = |state: &str| pieces.iter().filter(|p| p.state == state).count();
    // Not `sum`: of nothing that is minus zero, and reads like that.
    let speed = pieces.iter().filter_map(Piece::speed).fold(0.0, |all, one| all + one);
    let number = |n: usize| format::count(i64::try_from(n).unwrap_or(i64::MAX));
    stats(&[
        Stat { label: "In work", value: number(of("running")), ..Stat::default() },
        Stat { label: "Waiting", value: number(of("queued")), ..Stat::default() },
        Stat { label: "Failed", value: number(of("failed")), ..Stat::default() },
        Stat { label: "Frames a second", value: format!("{speed:.1}"), ..Stat::default() },
    ])
}

/// The title, as a link to what operators may look at, or what is left of a work that is gone.
fn name(piece: &Piece) -> Markup {
    html! {
        @if piece.title.is_empty() { span.mono.small { (piece.media) } }
        @else if piece.published { a href={ "/media/" (piece.slug) } { (piece.title) } }
        @else { (piece.title) " " span.small.dim { "(not published)" } }
    }
}

/// One line for each work, with what can be done about it.
fn works(req: &Req, pieces: &[Piece]) -> Markup {
    let mut seen: Vec<Uuid> = vec![];
    let mut rows = vec![];
    for piece in pieces {
        if seen.contains(&piece.media) {
            continue;
        }
        seen.push(piece.media);
        let open = pieces
            .iter()
            .filter(|p| p.media == piece.media && matches!(p.state.as_str(), "queued" | "running"))
            .count();
        let mut acts = vec![];
        if open > 0 {
            acts.push(if piece.paused { ("resume", "Resume") } else { ("pause", "Pause") });
            acts.extend([("first", "First"), ("usual", "In turn"), ("last", "Last")].iter().filter(
                |(act, _)| {
                    *act != match piece.urgency {
                        1 => "first",
                        -1 => "last",
                        _ => "usual",
                    }
                },
            ));
            acts.push(("cancel", "Cancel"));
        } else {
            acts.push(("retry", "Retry"));
        }
        let order = match (piece.paused, piece.urgency) {
            (true, _) => chip(Tone::Warning, "paused"),
            (_, 1) => chip(Tone::Info, "first"),
            (_, -1) => chip(Tone::Plain, "last"),
            _ => chip(Tone::Plain, "in turn"),
        };
        rows.push(vec![
            table::head(&name(piece)),
            table::cell(&order),
            table::number(&open.to_string()),
            table::cell(&form_inline(
                req,
                &format!("/operator/queue/{}", piece.media),
                &html! {
                    @for (act, label) in acts {
                        button class="btn small" type="submit" name="act" value=(act) aria-label={ (label) ": " (piece.title) } { (label) }
                    }
                },
            )),
        ]);
    }
    if rows.is_empty() {
        return html! { p.dim { "None." } };
    }
    let columns =
        [Column::new("Work"), Column::new("Order"), Column::number("Open pieces"), Column::new("Act")];
    table("Works in the queue", &columns, &rows)
}

/// Lines of a log that are shown while it grows.
const LOG_LINES: usize = 12;

/// What runs, each with the end of what its helper programs say.
fn at_work(pieces: &[Piece]) -> Markup {
    html! {
        section.stack #now aria-labelledby="at-work" {
            h2 #at-work { "In work" }
            noscript { p.small.dim { "Reload the page to see how it goes on." } }
            @for p in pieces.iter().filter(|p| p.state == "running") {
                article.panel {
                    h3 { (name(p)) }
                    p.row { (chip(Tone::Success, &piece_words(p))) span.small.dim { (course(p)) } }
                    @match &p.log {
                        Some(log) => pre.log { (end_of(log)) },
                        None if matches!(p.kind.as_str(), "av1" | "quality" | "package") => p.small.dim { "No helper program: this is done by the worker itself." },
                        None => p.small.dim { "No helper program has begun yet." },
                    }
                }
            }
        }
    }
}

/// The last lines of a log.
fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// How long, how far and how fast, as a line.
fn course(p: &Piece) -> String {
    let mut told =
        vec![format!("for {}", seconds(p.working)), format!("put in {} ago", seconds(Some(p.age)))];
    if p.of > 0 {
        told.push(format!("{} of {} frames, {} %", p.done.min(p.of), p.of, p.done.min(p.of) * 100 / p.of));
    }
    told.extend(p.speed().map(|speed| format!("{speed:.1} frames a second")));
    told.extend(p.silent.filter(|s| *s >= 5.0).map(|s| format!("silent for {}", seconds(Some(s)))));
    told.push(format!("worker {}", p.worker.as_deref().unwrap_or("unknown")));
    told.push(format!("try {}", p.attempts));
    told.join(" · ")
}

fn piece_words(p: &Piece) -> String {
    let piece = match p.kind.as_str() {
        "smaller" => format!("H.264 {}", p.rung),
        "quality" => format!("AV1 {}, quality", p.rung),
        "av1" => format!("AV1 {}, segment {}", p.rung, p.segment + 1),
        "package" => format!("package AV1 {}", p.rung),
        other => other.to_owned(),
    };
    if p.generation > 1 { format!("{piece}, round {}", p.generation) } else { piece }
}

fn list(req: &Req, by: Option<Sort>, pieces: &[Piece]) -> Markup {
    let columns = [
        sortable(req, by, "work", Column::new("Work")),
        sortable(req, by, "piece", Column::new("Piece")),
        sortable(req, by, "state", Column::new("State")),
        // Before the figures: at the end of a wide table nobody would find it.
        Column::new("Last error"),
        sortable(req, by, "progress", Column::number("Progress")),
        Column::number("Frames/s"),
        sortable(req, by, "age", Column::number("Age")),
        Column::number("Silent"),
        Column::new("Worker"),
        sortable(req, by, "try", Column::number("Try")),
    ];
    let rows: Vec<Vec<Markup>> = pieces
        .iter()
        .map(|p| {
            let tone = match p.state.as_str() {
                "running" => Tone::Success,
                "failed" => Tone::Danger,
                "cancelled" => Tone::Warning,
                _ => Tone::Plain,
            };
            let progress =
                if p.of > 0 { format!("{} %", p.done.min(p.of) * 100 / p.of) } else { "–".into() };
            vec![
                table::head(&name(p)),
                table::text(&piece_words(p)),
                table::cell(&chip(tone, &p.state)),
                table::cell(&trouble(p)),
                table::number(&progress),
                table::number(&p.speed().map_or_else(|| "–".into(), |s| format!("{s:.1}"))),
                table::number(&seconds(Some(p.age))),
                table::number(&seconds(p.silent)),
                table::cell(&html! { span.mono.small { (p.worker.as_deref().unwrap_or("–")) } }),
                table::number(&p.attempts.to_string()),
            ]
        })
        .collect();
    table("Pieces of work", &columns, &rows)
}

/// The last error, and behind it what was said. Whoever has it open keeps it open while the list is renewed.
fn trouble(piece: &Piece) -> Markup {
    let said = [piece.detail.as_deref(), piece.log.as_deref().filter(|_| piece.state != "running")];
    let said: Vec<&str> = said.into_iter().flatten().collect();
    let error = piece.error.as_deref().map(|error| error.replace('_', " "));
    let id = format!(
        "said-{}-{}-{}-{}-{}-{}-{}",
        piece.media, piece.generation, piece.kind, piece.rung, piece.segment, piece.attempts, piece.state
    );
    html! {
        @if said.is_empty() {
            (error.as_deref().unwrap_or("–"))
        } @else {
            details id=(id) hx-preserve="true" {
                summary { (error.as_deref().unwrap_or("earlier try")) }
                @for words in said { pre.log { (words) } }
            }
        }
    }
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |s| format::length(s.max(0.0) as u64))
}

fn history(deeds: &[Deed]) -> Markup {
    if deeds.is_empty() {
        return html! { p.dim { "Nothing yet." } };
    }
    let columns = [Column::new("When"), Column::new("Act"), Column::new("Of"), Column::new("By account")];
    let rows: Vec<Vec<Markup>> = deeds
        .iter()
        .map(|d| {
            vec![
                table::cell(&format::moment(d.at)),
                table::text(&d.act),
                table::cell(&html! {
                    @match d.media {
                        None => { "the whole queue" },
                        Some(media) if d.title.is_empty() => span.mono.small { (media) },
                        Some(_) => (d.title),
                    }
                }),
                table::cell(&html! {
                    @match d.by { Some(id) => span.mono.small { (id) }, None => { "command line" } }
                }),
            ]
        })
        .collect();
    table("What operators did", &columns, &rows)
}

async fn all(req: Req) -> Result<Res, HttpError> {
    wish(req, None).await
}

async fn one(req: Req) -> Result<Res, HttpError> {
    let media = req.id_param("id")?;
    wish(req, Some(media)).await
}

async fn wish(mut req: Req, media: Option<Uuid>) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let act: Act = form.get("act").parse().map_err(|_| {
        HttpError::Unprocessable(
            "This page knows no such act. Go back, reload the page and try again.".into(),
        )
    })?;
    wishes::act(&req.app, req.command_id(&form), media, act, req.meta()).await.map_err(|e| match e {
        WishError::Store(error) => error.into(),
        WishError::Failed(words) => HttpError::Internal(words),
        WishError::NoSuchWork => HttpError::NotFound,
        refused => HttpError::Unprocessable(refused.to_string()),
    })?;
    Ok(see_other("/operator/queue?done=yes"))
}
