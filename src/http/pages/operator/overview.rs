//! `GET /operator`: readers of the log, working actors, scheduled jobs, events that were set aside.

use super::{OPERATORS, places};
use crate::actors::jobs;
use crate::actors::refold::Refold;
use crate::actors::supervisor::{State, Status};
use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::route::Route;
use crate::http::ui::form::form_inline;
use crate::http::ui::icon::{Icon, icon};
use crate::http::ui::layout::{page_head, rooms};
use crate::http::ui::panel::{Tone, chip, notice_text};
use crate::http::ui::stats::{Stat, stats};
use crate::http::ui::table::{self, Column, table};
use crate::http::ui::{Theme, button, format};
use crate::projections::operator::{self, DeadLetter, LastVerification, ReaderRow, RunRow, Stopped};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The address of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/operator", OPERATORS, show)]
}

/// A reader that has not digested an event of this age, in seconds, is behind.
const LATE: f64 = 60.0;

/// Everything the page shows.
struct View {
    head: i64,
    readers: Vec<ReaderRow>,
    actors: BTreeMap<String, Status>,
    jobs: Vec<JobRow>,
    /// Taken before the rest is read: where one has ended, the rest shows what it led to.
    refolds: BTreeMap<String, Refold>,
    letters: Vec<DeadLetter>,
    stopped: Vec<Stopped>,
    verified: Option<LastVerification>,
    signed: Option<(i64, DateTime<Utc>)>,
    free: u64,
    unattended: i64,
}

struct JobRow {
    name: &'static str,
    every: TimeDelta,
    last: Option<RunRow>,
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let mut last = operator::last_runs(reader).await?;
    let view = View {
        refolds: req.app.refolds.all(),
        head: operator::head(reader).await?,
        readers: operator::readers(reader).await?,
        actors: req.app.board.all(),
        jobs: jobs::all()
            .iter()
            .map(|job| JobRow {
                name: job.name(),
                every: job.schedule().every,
                last: last.remove(job.name()),
            })
            .collect(),
        letters: operator::dead_letters(reader, 100).await?,
        stopped: operator::stopped(reader).await?,
        verified: operator::last_verification(reader).await?,
        signed: operator::last_checkpoint(reader).await?,
        free: req.app.disk_free(),
        unattended: operator::unattended(reader).await?,
    };
    let body = html! { div.page { (rooms("Operations", &places(), "/operator", &body(&req, &view))) } };
    Ok(page(
        &req,
        Page { title: "Operations".into(), theme: Theme::Desk, private: true, body, ..Page::default() },
    ))
}

fn body(req: &Req, view: &View) -> Markup {
    let behind = view.readers.iter().map(|row| row.behind).max().unwrap_or(0);
    let failing = view.actors.values().filter(|status| status.state == State::Failing).count();
    let failed =
        view.jobs.iter().filter(|job| job.last.as_ref().is_some_and(|run| run.state == "failed")).count();
    let changed = view.verified.as_ref().is_some_and(|v| !v.ok);
    let trouble = failing
        + failed
        + view.letters.len()
        + view.stopped.len()
        + usize::from(changed)
        + usize::from(view.unattended > 0)
        + view.readers.iter().filter(|row| row.seconds > LATE).count();
    html! {
        (page_head("Operations", Some("What runs, how far it is, and what stands still."), None))
        @if let Some((tone, sentence)) = said(req) { (notice_text(tone, sentence)) }
        @for stopped in &view.stopped {
            (notice_text(Tone::Danger, &format!(
                "Stopped since {}: {}. The reason: {}.",
                format::moment_text(stopped.since), stopped.names.join(", "), stopped.reason
            )))
        }
        @if view.unattended > 0 {
            (notice_text(Tone::Danger, &format!(
                "No worker takes what waits in the processing queue ({}). Start one: kinora worker, or the service kinora-worker.",
                format::counted(view.unattended, "piece", "pieces")
            )))
        }
        @if trouble == 0 { (notice_text(Tone::Success, "Everything that should run is running.")) }
        (stats(&[
            Stat { label: "Events", value: format::count(view.head), ..Stat::default() },
            Stat { label: "Furthest behind", value: events(behind), ..Stat::default() },
            Stat { label: "Set aside", value: events(i64::try_from(view.letters.len()).unwrap_or(i64::MAX)), ..Stat::default() },
            Stat { label: "Free on the data disk", value: format::bytes(view.free), ..Stat::default() },
        ]))
        section.stack #log { h2 { "The event log" } (proof(view)) }
        section.stack #readers { h2 { "Projections and workflows" } (readers(req, &view.refolds, &view.readers)) }
        section.stack { h2 { "Actors of this process" } (actors(&view.actors)) }
        section.stack { h2 { "Scheduled jobs" } (schedule(req, &view.jobs)) }
        section.stack #set-aside { h2 { "Events set aside" } (letters(req, &view.letters)) }
    }
}

/// Whether the log is what it was, and who could prove it.
fn proof(view: &View) -> Markup {
    html! {
        @match &view.verified {
            None => p.dim { "Not verified yet: the job checkpoint-log does it every hour." },
            Some(v) if v.ok => p {
                "Unchanged up to event " strong.num { (format::count(v.position)) } ", verified " (format::moment(v.at))
                @if let Some(whole) = v.whole_at { "; read as a whole " (format::moment(whole)) } "."
            },
            Some(v) => (notice_text(Tone::Danger, &format!(
                "The log was changed after it was written. After event {}: {}. Keep a copy of the database before anything else; docs/operations.md says what to do.",
                v.position, v.reason.as_deref().unwrap_or("unknown")
            ))),
        }
        @match &view.signed {
            None => p.dim { "No checkpoint was signed yet." },
            Some((position, at)) => p {
                "Checkpoint signed at event " strong.num { (format::count(*position)) } ", " (format::moment(*at))
                ". Keep copies elsewhere: " code { "kinora events checkpoint" } "."
            },
        }
    }
}

/// What the last act of this page led to, from its address.
fn said(req: &Req) -> Option<(Tone, &'static str)> {
    Some(match req.query("done") {
        "retried" => (Tone::Success, "The event was handled and is no longer set aside."),
        "failed-again" => (Tone::Warning, "It failed again; the reason stands below."),
        "tried-all" if req.query("failed") == "0" && req.query("left") == "0" => {
            (Tone::Success, "All of them were handled and are no longer set aside.")
        }
        "tried-all" => {
            (Tone::Warning, "Those that failed again, or were not reached in twenty seconds, stand below.")
        }
        "rebuilding" => (
            Tone::Info,
            "The projection is folded anew from the first event, beside the one in use; its row says how far it is.",
        ),
        "gone" => (Tone::Info, "That event is not set aside any more."),
        "ran" => (Tone::Success, "The job has run."),
        "ran-before" => (Tone::Info, "This slot has run before; nothing was done again."),
        "run-failed" => (Tone::Danger, "The run failed; its reason is in the list of runs."),
        _ => return None,
    })
}

fn events(count: i64) -> String {
    if count == 1 { "1 event".into() } else { format!("{} events", format::count(count)) }
}

fn readers(req: &Req, refolds: &BTreeMap<String, Refold>, all: &[ReaderRow]) -> Markup {
    let columns = [
        Column::new("Name"),
        Column::new("Kind"),
        Column::number("Position"),
        Column::number("Behind"),
        Column::number("Seconds"),
        Column::number("Set aside"),
        Column::new("State"),
        Column::new("Act"),
    ];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|row| {
            let refold = refolds.get(&row.name);
            let under_way = refold.is_some_and(|r| r.ended.is_none());
            let (tone, words) = match row {
                row if row.parked > 0 => (Tone::Warning, "has set events aside"),
                row if row.seconds > LATE => (Tone::Danger, "behind"),
                row if row.behind > 0 => (Tone::Info, "catching up"),
                _ => (Tone::Success, "up to date"),
            };
            vec![
                table::head(&html! { (row.name) }),
                table::text(&row.kind),
                table::number(&format::count(row.position)),
                table::number(&format::count(row.behind)),
                table::number(&format!("{:.0}", row.seconds)),
                table::number(&format::count(row.parked)),
                table::cell(&html! {
                    (chip(tone, words))
                    @if let Some(refold) = refold { br; span.small { (rebuilt(refold)) } }
                }),
                table::cell(&html! {
                    @if row.kind == "projection" && !under_way {
                        (form_inline(
                            req,
                            &format!("/operator/projections/{}/rebuild", row.name),
                            &button::submit_small("Rebuild", button::Weight::Plain),
                        ))
                    }
                }),
            ]
        })
        .collect();
    let calm = refolds.is_empty() && all.iter().all(|row| row.parked == 0 && row.seconds <= LATE);
    let words = format!("All {} are at work and none has set anything aside", all.len());
    folded(calm, &words, &table("Projections and workflows", &columns, &rows))
}

/// A long table of which nothing needs to be known: it opens when somebody wants to see it.
fn folded(calm: bool, words: &str, table: &Markup) -> Markup {
    if !calm {
        return table.clone();
    }
    html! { details.fold { summary { (icon(Icon::ChevronRight)) (words) } (table) } }
}

/// How far the rebuild of a projection is, or how it ended.
fn rebuilt(refold: &Refold) -> String {
    match &refold.ended {
        None => format!("being rebuilt: {} %", refold.percent()),
        Some(Ok(position)) => format!("rebuilt up to event {}", format::count(*position)),
        Some(Err(reason)) => format!("could not be rebuilt: {reason}"),
    }
}

fn actors(all: &BTreeMap<String, Status>) -> Markup {
    let columns = [
        Column::new("Actor"),
        Column::new("State"),
        Column::number("Waiting"),
        Column::new("Last success"),
        Column::number("Restarts"),
        Column::new("Last error"),
    ];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|(name, status)| {
            let (tone, words) = match status.state {
                State::Running => (Tone::Success, "running"),
                State::Standby => (Tone::Plain, "another process does it"),
                State::Failing => (Tone::Danger, "failing"),
                State::Stopped => (Tone::Warning, "stopped"),
            };
            vec![
                table::head(&html! { (name) }),
                table::cell(&chip(tone, words)),
                table::number(&format::count(status.queue)),
                table::cell(&when(status.last_success)),
                table::number(&status.restarts.to_string()),
                table::text(status.last_error.as_deref().unwrap_or("–")),
            ]
        })
        .collect();
    let calm = all.values().all(|status| matches!(status.state, State::Running | State::Standby));
    folded(calm, &format!("All {} are running", all.len()), &table("Actors of this process", &columns, &rows))
}

fn when(at: Option<DateTime<Utc>>) -> Markup {
    at.map_or_else(|| html! { "–" }, format::moment)
}

fn schedule(req: &Req, all: &[JobRow]) -> Markup {
    let columns = [
        Column::new("Job"),
        Column::new("Every"),
        Column::new("Last slot"),
        Column::new("Result"),
        Column::number("Changed"),
        Column::number("Took"),
        Column::new("Act"),
    ];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|job| {
            let run = job.last.as_ref();
            vec![
                table::head(&html! { a href={ "/operator/runs?job=" (job.name) } { (job.name) } }),
                table::text(&rhythm(job.every)),
                table::cell(&when(run.map(|run| run.slot))),
                table::cell(&run.map_or_else(|| html! { "has not run yet" }, super::runs::result)),
                table::number(&run.and_then(|run| run.changed).map_or_else(|| "–".into(), format::count)),
                table::number(
                    &run.and_then(|run| run.duration_ms).map_or_else(|| "–".into(), super::runs::took),
                ),
                table::cell(&form_inline(
                    req,
                    &format!("/operator/jobs/{}/run", job.name),
                    &button::submit_small("Run now", button::Weight::Plain),
                )),
            ]
        })
        .collect();
    table("Scheduled jobs", &columns, &rows)
}

fn rhythm(every: TimeDelta) -> String {
    match every.num_minutes() {
        1 => "minute".into(),
        60 => "hour".into(),
        1440 => "day".into(),
        10_080 => "week".into(),
        minutes => format!("{minutes} minutes"),
    }
}

fn letters(req: &Req, all: &[DeadLetter]) -> Markup {
    if all.is_empty() {
        return html! { p.dim { "None. An event that a workflow cannot handle in five tries would stand here with its reason." } };
    }
    let columns = [
        Column::new("Handler"),
        Column::number("Position"),
        Column::new("Event"),
        Column::new("Reason"),
        Column::number("Tries"),
        Column::new("Since"),
        Column::new("Act"),
    ];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|letter| {
            vec![
                table::head(&html! { (letter.name) }),
                table::number(&letter.position.to_string()),
                table::cell(&html! { (letter.kind) br; span.small.mono { (letter.stream) } }),
                table::text(&letter.error),
                table::number(&letter.attempts.to_string()),
                table::cell(&format::moment(letter.parked_at)),
                table::cell(&form_inline(
                    req,
                    &format!("/operator/set-aside/{}/{}/retry", letter.name, letter.position),
                    &button::submit_small("Try again", button::Weight::Plain),
                )),
            ]
        })
        .collect();
    let mut readers: Vec<&str> = all.iter().map(|letter| letter.name.as_str()).collect();
    readers.sort_unstable();
    readers.dedup();
    html! {
        div.row { @for reader in readers {
            (form_inline(
                req,
                &format!("/operator/set-aside/{reader}/retry"),
                &button::submit_small(&format!("Try all of {reader} again"), button::Weight::Plain),
            ))
        } }
        (table("Events set aside", &columns, &rows))
    }
}
