//! `/studio/media/{id}`: the editor of one work, and what can be done with it.

use super::uploads::{date_words, kind_words, processing_chip, publication_chip, standing};
use super::{MAKERS, filing, removed, replacing, shot, timeline};
use crate::actors::CommandError;
use crate::actors::bus::{Claim, Envelope, Receipt};
use crate::domain::media::{Media, MediaCommand, MediaError, Tier, tags};
use crate::domain::shared::{Licence, Slug};
use crate::http::delivery::may_edit;
use crate::http::error::HttpError;
use crate::http::form::Form;
use crate::http::page::{Page, page, unprocessable};
use crate::http::pages::creator::places;
use crate::http::player::stage;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::{
    Choice, Errors, Field, Place, Theme, Tone, Weight, button, choices, crumbs, error_summary, form,
    form_inline, format, notice, notice_text, page_head, rooms, table,
};
use crate::http::{Req, Res};
use crate::projections::media::{self as works, Work};
use maud::{Markup, html};
use strum::VariantArray;

pub(super) fn routes() -> Vec<Route> {
    let makers = Access::Role(MAKERS);
    vec![
        Route::get("/studio/media/{id}", makers, show),
        Route::post("/studio/media/{id}", makers, describe),
        Route::post("/studio/media/{id}/{act}", makers, act),
    ]
}

/// The work of the address, for those who may change it.
pub(super) async fn find(req: &Req) -> Result<Work, HttpError> {
    find_by_id(req, req.id_param("id")?).await
}

/// A work, for those who may change it.
pub(super) async fn find_by_id(req: &Req, id: uuid::Uuid) -> Result<Work, HttpError> {
    let work = works::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    if !may_edit(req, &work) {
        return Err(HttpError::NotFound);
    }
    if work.is_removed() {
        return Err(HttpError::Gone("This work was removed.".into()));
    }
    Ok(work)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    view(&req, &work, None, &Errors::none()).await
}

async fn describe(mut req: Req) -> Result<Res, HttpError> {
    let work = find(&req).await?;
    let form = req.form().await?;
    let mut errors = Errors::none();
    let slug = match form.get("slug") {
        "" => Slug::from_title(form.get("title"), &work.slug),
        text => match Slug::parse(text) {
            Ok(slug) => slug,
            Err(e) => {
                errors.add("slug", e.to_string());
                return Ok(unprocessable(view(&req, &work, Some(&form), &errors).await?));
            }
        },
    };
    let command = MediaCommand::Describe {
        title: form.get("title").to_owned(),
        description: form.raw("description").trim_end().to_owned(),
        slug: slug.clone(),
        at: req.now(),
    };
    // The old address stays ours: it keeps leading here.
    let claim = Claim::new("media-slug", slug.as_str());
    let id = req.command_id(&form);
    let envelope = Envelope::new(id, work.id, command, req.meta()).with_claims(vec![claim]);
    let mut receipt = match req.app.bus.dispatch::<Media>(envelope).await {
        Ok(receipt) => receipt,
        Err(error) => {
            let (field, words) = match &error {
                CommandError::Refused(MediaError::TitleMissing | MediaError::TitleTooLong(_)) => {
                    ("title", error.to_string())
                }
                CommandError::Refused(MediaError::DescriptionTooLong(_)) => {
                    ("description", error.to_string())
                }
                CommandError::Taken { .. } => {
                    ("slug", "Another work has this address. Choose another one.".to_owned())
                }
                _ => return Err(error.into()),
            };
            errors.add(field, words);
            return Ok(unprocessable(view(&req, &work, Some(&form), &errors).await?));
        }
    };
    let labels = MediaCommand::Label {
        licence: form.get("licence").parse().unwrap_or(work.licence),
        tags: tags(form.get("tags")),
        at: req.now(),
    };
    let label_id = crate::domain::shared::derive_id(&id.to_string(), "labels");
    match req.app.bus.dispatch::<Media>(Envelope::new(label_id, work.id, labels, req.meta())).await {
        Ok(labelled) if labelled.position > receipt.position => receipt = labelled,
        Ok(_) => {}
        Err(CommandError::Refused(why)) => {
            errors.add("tags", why.to_string());
            return Ok(unprocessable(view(&req, &work, Some(&form), &errors).await?));
        }
        Err(other) => return Err(other.into()),
    }
    let filed = MediaCommand::File { filing: filing::wished(&form, &work), at: req.now() };
    let filing_id = crate::domain::shared::derive_id(&id.to_string(), "filing");
    match req.app.bus.dispatch::<Media>(Envelope::new(filing_id, work.id, filed, req.meta())).await {
        Ok(filed) if filed.position > receipt.position => receipt = filed,
        Ok(_) => {}
        Err(CommandError::Refused(why)) => {
            errors.add("", why.to_string());
            return Ok(unprocessable(view(&req, &work, Some(&form), &errors).await?));
        }
        Err(other) => return Err(other.into()),
    }
    if let Some(tier) = Tier::parse(form.get("tier")) {
        let command = MediaCommand::SetTier { tier, at: req.now() };
        let id = crate::domain::shared::derive_id(&id.to_string(), "tier");
        let tiered = req.app.bus.dispatch::<Media>(Envelope::new(id, work.id, command, req.meta())).await?;
        if tiered.position > receipt.position {
            receipt = tiered;
        }
    }
    Ok(after(receipt, &format!("/studio/media/{}", work.id)))
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    if let Some(act) = removed::Act::parse(req.param("act")) {
        return removed::act(req, act).await;
    }
    let work = find(&req).await?;
    let form = req.form().await?;
    let at = req.now();
    let command = match req.param("act") {
        "publish" => MediaCommand::Publish { at },
        "unpublish" => MediaCommand::Unpublish { at },
        "schedule" => match format::moment_again(form.get("publish_at"), work.publish_at) {
            Some(publish_at) => MediaCommand::Schedule { publish_at, at },
            None => {
                let errors = Errors::one("publish_at", "Enter day and time, such as 2026-12-24 18:00.");
                return Ok(unprocessable(view(&req, &work, Some(&form), &errors).await?));
            }
        },
        "retry" => MediaCommand::Retry { at },
        "reprocess" => MediaCommand::Reprocess { at },
        "withdraw" => MediaCommand::WithdrawReplacement { at },
        "erase-former" => return replacing::erase_former(&req, &work).await,
        "remove" => MediaCommand::Remove { at },
        _ => return Err(HttpError::NotFound),
    };
    let removed = matches!(command, MediaCommand::Remove { .. });
    let sent: Result<Receipt, CommandError<MediaError>> = req
        .app
        .bus
        .dispatch::<Media>(Envelope::new(req.command_id(&form), work.id, command, req.meta()))
        .await;
    match sent {
        Ok(receipt) if removed => Ok(after(receipt, &format!("/studio/uploads?removed={}", work.id))),
        Ok(receipt) => Ok(after(receipt, &format!("/studio/media/{}", work.id))),
        Err(CommandError::Refused(why)) => {
            let field = if why == MediaError::TimeHasPassed { "publish_at" } else { "" };
            let errors = Errors::one(field, why.to_string());
            Ok(unprocessable(view(&req, &work, Some(&form), &errors).await?))
        }
        Err(other) => Err(other.into()),
    }
}

/// The page, with what was typed and is wrong with it.
pub(super) async fn view(
    req: &Req,
    work: &Work,
    typed: Option<&Form>,
    errors: &Errors,
) -> Result<Res, HttpError> {
    let progress = works::progress(&req.app.reader, &[work.id]).await?;
    let stage = stage(req, work).await?;
    let file_name = match &work.file_name {
        Some(reference) => req.app.reader.open(reference).await?,
        None => None,
    };
    let value = |name: &str, now: &str| {
        typed.filter(|f| f.has(name)).map_or_else(|| now.to_owned(), |f| f.raw(name).to_owned())
    };
    let (title, description) = (value("title", &work.title), value("description", &work.description));
    let (licence, filed) = (value("licence", work.licence.code()), value("tags", &work.tags.join(", ")));
    let (slug, tier) = (value("slug", &work.slug), value("tier", work.tier.into()));
    let base = format!("/studio/media/{}", work.id);
    let fields = html! {
        (Field::new("title", "Title").value(&title).maxlength(200).errors(errors).render())
        (Field::new("slug", "Address").value(&slug).maxlength(80).hint("The last part of the page's address. The old one keeps leading here.").errors(errors).render())
        (Field::new("description", "Description").value(&description).long_area().optional().hint("Markdown.").errors(errors).render())
        (Field::new("licence", "Licence").select(Licence::VARIANTS.iter().map(|l| (l.code(), l.name()))).value(&licence).errors(errors).render())
        (filing::fields(req, work, typed, errors).await?)
        (Field::new("tags", "Tags").value(&filed).maxlength(1000).optional().hint("Words it is found by, with commas between.").errors(errors).render())
        (choices("tier", "Who may watch and download it", &[
            Choice { value: "subscriber", label: "Members", hint: Some("People with a subscription. Everybody sees its page and picture.".into()), aside: None },
            Choice { value: "free", label: "Everybody", hint: Some("Also people without an account.".into()), aside: None },
        ], &tier, errors))
        div.row { (button::submit("Save", Weight::Main)) }
    };
    let body = html! {
        div.stack.loose {
            (crumbs(&[Place::new("Uploads", "/studio/uploads")], &work.title))
            (page_head(&work.title, None, Some(&publishing(req, work, &base))))
            (error_summary(errors))
            @if !req.query("restored").is_empty() { (notice_text(Tone::Success, "It is back, and hidden: publish it when people are to see it again.")) }
            (state(req, work, progress.first(), &base))
            @if work.playable > 0 { (stage.markup) }
            (form(req, &base, &fields))
            @if !work.is_published() { (schedule(req, work, typed, errors, &base)) }
            (timeline::sections(req, work, typed, errors))
            (shot::section(work))
            (replacing::section(req, work, errors).await?)
            (facts(work, file_name.as_deref()))
            section.stack aria-labelledby="more" {
                h2 #more { "More" }
                div.row {
                    @if matches!(work.processing.as_str(), "ready" | "failed") {
                        (form_inline(req, &format!("{base}/reprocess"), &button::submit("Make all renditions anew", Weight::Plain)))
                    }
                }
                (removed::ask(req, work, &base))
            }
        }
    };
    Ok(page(
        req,
        Page {
            title: work.title.clone(),
            section: "Studio".into(),
            theme: Theme::Desk,
            scripts: stage.scripts.into_iter().chain(["uploads.js"]).collect(),
            private: true,
            body: rooms("Studio", &places(req), "/studio/uploads", &body),
            ..Page::default()
        },
    ))
}

fn publishing(req: &Req, work: &Work, base: &str) -> Markup {
    html! {
        (button::link("See its page", &format!("/media/{}", work.slug), Weight::Plain))
        @if work.is_published() {
            (form_inline(req, &format!("{base}/unpublish"), &button::submit("Hide it", Weight::Plain)))
        } @else if work.playable > 0 {
            (form_inline(req, &format!("{base}/publish"), &button::submit("Publish now", Weight::Main)))
        }
    }
}

fn state(req: &Req, work: &Work, progress: Option<&works::Progress>, base: &str) -> Markup {
    html! {
        p.row { (processing_chip(work)) (publication_chip(work)) span.muted { "since " (format::moment(work.since)) } }
        @match work.processing.as_str() {
            "failed" => (notice(Tone::Danger, &html! {
                p { strong { "Processing failed" @if let Some(step) = &work.step { " at the step “" (step) "”" } "." } }
                @if let Some(reason) = &work.reason { p { (reason) } }
                @if work.next.is_some() {
                    p { "It is the new file that failed. What was there before still plays." }
                } @else if work.playable > 0 { p { "What was finished before plays and can be published." } }
                @if let Some(words) = date_words(work) { p { (words) } }
                (form_inline(req, &format!("{base}/retry"), &button::submit("Try again", Weight::Main)))
            })),
            "rejected" => (notice(Tone::Danger, &html! {
                p { strong { "This file was not accepted." } }
                @if let Some(reason) = &work.reason { p { (reason) } }
                @if let Some(words) = date_words(work) { p { (words) } }
                p { a href="#replace" { "Put another file in its place" } " or " a href="/studio/uploads" { "upload another work" } "." }
            })),
            _ => div #standing hx-get=(base) hx-trigger=[(work.processing != "ready").then_some("every 3s")] hx-select="#standing" hx-swap="outerHTML" {
                (standing(work, progress))
                @if work.playable == 0 && work.processing == "ready" { (notice_text(Tone::Info, "Nothing can be shown of it.")) }
            },
        }
    }
}

fn schedule(req: &Req, work: &Work, typed: Option<&Form>, errors: &Errors, base: &str) -> Markup {
    let now = work.publish_at.map(format::moment_value).unwrap_or_default();
    let value = typed.filter(|f| f.has("publish_at")).map_or(now, |f| f.get("publish_at").to_owned());
    let clock = format::clock_hint();
    let fields = html! {
        (Field::new("publish_at", "Publish at").kind("datetime-local").value(&value).mid().hint(&clock).errors(errors).render())
        div.row { (button::submit("Publish later", Weight::Plain)) }
    };
    let refused = work.processing == "rejected";
    if refused && work.publish_at.is_none() {
        return html! {};
    }
    html! {
        section.stack aria-labelledby="later" {
            h2 #later { "Publish later" }
            // A file that was not accepted gets no new date.
            @if !refused { (form(req, &format!("{base}/schedule"), &fields)) }
            @if work.publish_at.is_some() {
                (form_inline(req, &format!("{base}/unpublish"), &button::submit("Drop the date", Weight::Plain)))
            }
        }
    }
}

fn facts(work: &Work, file_name: Option<&str>) -> Markup {
    let mut pairs = vec![("Kind", html! { (kind_words(work)) })];
    if work.width > 0 {
        pairs.push(("Size", html! { (work.width) " × " (work.height) }));
    }
    if work.duration_ms > 0 {
        pairs.push(("Length", html! { (format::length(work.duration_ms / 1000)) }));
    }
    pairs.push((
        "Original",
        html! { @if let Some(name) = file_name { (name) ", " } (format::bytes(work.bytes)) },
    ));
    pairs.push(("Uploaded", html! { (format::moment(work.received_at)) }));
    let rows: Vec<Vec<Markup>> = work
        .renditions
        .iter()
        .map(|r| {
            let codec: &str = r.codec.into();
            let size = if r.width > 0 { format!("{} × {}", r.width, r.height) } else { String::new() };
            vec![
                table::head(&html! { (r.name) }),
                table::text(codec),
                table::text(&size),
                table::text(&r.codecs),
                table::number(&format::bytes(r.bytes)),
            ]
        })
        .collect();
    let columns = ["Rendition", "Codec", "Size", "Codec string"].map(table::Column::new);
    let mut columns = columns.to_vec();
    columns.push(table::Column::number("Bytes"));
    html! {
        section.stack aria-labelledby="facts" {
            h2 #facts { "Facts" }
            (table::facts(&pairs))
            @if work.original_name().is_some() {
                p.muted { "People download the original as it is, with everything that a camera or a program wrote into it, such as names or where a picture was taken." }
            }
            @if !rows.is_empty() { (table::table("Renditions", &columns, &rows)) }
        }
    }
}
