//! `GET /operator/runs`: scheduled runs, the newest first.

use super::{OPERATORS, places};
use crate::actors::jobs;
use crate::http::error::HttpError;
use crate::http::listing::{page_number, pages, sort, sortable, with};
use crate::http::page::{Page, page};
use crate::http::pages::billing::exports::{self, FileKind};
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::route::Route;
use crate::http::ui::button::{Weight, link_small};
use crate::http::ui::icon::Icon;
use crate::http::ui::layout::{page_head, rooms};
use crate::http::ui::panel::{Tone, chip, empty, filter, filters};
use crate::http::ui::table::{self, Column, table};
use crate::http::ui::{Theme, format};
use crate::projections::operator::{self, RunRow};
use crate::projections::sorting::Sort;
use maud::{Markup, html};

/// The address of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/operator/runs", OPERATORS, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let known: Vec<&'static str> = jobs::all().iter().map(|job| job.name()).collect();
    let by = sort(&req, operator::SORTS);
    let job = known.iter().copied().find(|name| *name == req.query("job"));
    if let Some(kind) = FileKind::asked(&req) {
        let (all, _) = operator::list_runs(&req.app.reader, job, by, 0, MOST).await?;
        return Ok(exports::whole("runs", kind, &NAMES, all.iter().map(cells).collect()));
    }
    let number = page_number(&req);
    let (mut runs, total) = operator::list_runs(&req.app.reader, job, by, (number - 1) * PAGE, PAGE).await?;
    let so_far = jobs::progress::all(&req.app).await?;
    for run in runs.iter_mut().filter(|run| run.state == "requested") {
        run.counts = so_far.get(&run.run).cloned().unwrap_or_default();
    }
    let chips: Vec<Markup> = known
        .iter()
        .filter(|name| job.is_none_or(|chosen| chosen == **name))
        .map(|name| match job {
            Some(_) => filter("Job", Some(name), &with(&req, "job", None)),
            None => filter(name, None, &with(&req, "job", Some(name))),
        })
        .collect();
    let acts = html! {
        (link_small("Export CSV", &with(&req, "format", Some("csv")), Weight::Plain))
        (link_small("Export JSON Lines", &with(&req, "format", Some("jsonl")), Weight::Quiet))
    };
    let content = html! {
        (page_head("Scheduled runs", Some("A slot runs once, whoever asks for it. The newest two hundred of each job stand here; the log keeps all."), Some(&acts)))
        (filters(&chips, job.map(|_| "/operator/runs")))
        @if runs.is_empty() {
            (empty(Icon::Info, "No runs yet", "As soon as a job has run, its slot, result and duration stand here.", None))
        } @else {
            (list(&req, by, &runs))
            (pages(&req, number, PAGE, runs.len(), total))
        }
    };
    let body = html! { div.page { (rooms("Operations", &places(), "/operator/runs", &content)) } };
    Ok(page(
        &req,
        Page {
            title: "Scheduled runs".into(),
            section: "Operations".into(),
            theme: Theme::Desk,
            private: true,
            body,
            ..Page::default()
        },
    ))
}

/// Runs on one page.
const PAGE: i64 = 100;
/// More than are ever kept.
const MOST: i64 = 100_000;

const NAMES: [&str; 9] =
    ["run", "job", "slot", "state", "requested_at", "changed", "duration_ms", "counts", "error"];

fn cells(run: &RunRow) -> Vec<String> {
    let some = |value: Option<String>| value.unwrap_or_default();
    let counts: Vec<String> = run.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    vec![
        run.run.to_string(),
        run.job.clone(),
        run.slot.to_rfc3339(),
        run.state.clone(),
        run.requested_at.to_rfc3339(),
        some(run.changed.map(|n| n.to_string())),
        some(run.duration_ms.map(|n| n.to_string())),
        counts.join(", "),
        some(run.error.clone()),
    ]
}

fn list(req: &Req, by: Option<Sort>, runs: &[RunRow]) -> Markup {
    let columns = [
        sortable(req, by, "job", Column::new("Job")),
        sortable(req, by, "slot", Column::new("Slot")),
        sortable(req, by, "result", Column::new("Result")),
        sortable(req, by, "changed", Column::number("Changed")),
        sortable(req, by, "took", Column::number("Took")),
        Column::new("What it did"),
    ];
    let rows: Vec<Vec<Markup>> = runs
        .iter()
        .map(|run| {
            vec![
                table::head(&html! { (run.job) }),
                table::cell(&format::moment(run.slot)),
                table::cell(&result(run)),
                table::number(&run.changed.map_or_else(|| "–".into(), format::count)),
                table::number(&run.duration_ms.map_or_else(|| "–".into(), took)),
                table::cell(&deeds(run)),
            ]
        })
        .collect();
    table("Scheduled runs", &columns, &rows)
}

/// The counts or the reason, in words.
fn deeds(run: &RunRow) -> Markup {
    let counts: Vec<String> = run
        .counts
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    html! {
        @if let Some(error) = &run.error { (error) }
        @else if run.state == "requested" && counts.is_empty() { span.dim { "at work" } }
        @else if run.state == "requested" { "so far " (counts.join(", ")) }
        @else if counts.is_empty() { span.dim { "nothing to do" } }
        @else { (counts.join(", ")) }
    }
}

/// The state of a run as a chip.
pub(super) fn result(run: &RunRow) -> Markup {
    match run.state.as_str() {
        "completed" => chip(Tone::Success, "completed"),
        "failed" => chip(Tone::Danger, "failed"),
        _ => chip(Tone::Info, "running"),
    }
}

/// A duration as people say it.
pub(super) fn took(milliseconds: i64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::took;

    #[test]
    fn durations_are_short_words() {
        assert_eq!(took(12), "12 ms");
        assert_eq!(took(1_450), "1.4 s");
        assert_eq!(took(125_000), "2 min 5 s");
    }
}
