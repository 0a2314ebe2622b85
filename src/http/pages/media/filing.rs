//! How a work is filed: fields of its editor, and what its page makes of them.

use crate::domain::media::{Category, Filing};
use crate::http::delivery::is_kept_back;
use crate::http::error::HttpError;
use crate::http::ui::{Errors, Field, Tone, checkbox, chip};
use crate::http::{Form, Req};
use crate::projections::media::Work;
use crate::projections::people;
use maud::{Markup, html};
use strum::VariantArray as _;
use uuid::Uuid;

/// What was sent, or what is recorded where nothing of it was sent.
pub(super) fn wished(form: &Form, work: &Work) -> Filing {
    if !form.has("category") {
        return work.filing.clone();
    }
    Filing {
        category: form.get("category").parse().ok(),
        spoiler: !form.get("spoiler").is_empty(),
        featured: !form.get("featured").is_empty(),
        contributors: form.all("contributor").iter().filter_map(|id| Uuid::parse_str(id).ok()).collect(),
    }
}

/// The fields of the editor.
pub(super) async fn fields(
    req: &Req,
    work: &Work,
    typed: Option<&Form>,
    errors: &Errors,
) -> Result<Markup, HttpError> {
    let filing = typed.map_or_else(|| work.filing.clone(), |form| wished(form, work));
    let mut ids = people::makers(&req.app.reader).await?;
    ids.retain(|id| *id != work.owner);
    let others = filing.contributors.iter().filter(|id| !ids.contains(id)).copied().collect::<Vec<_>>();
    ids.extend(others);
    let names = people::public_names(&req.app.reader, &ids).await?;
    let mut kinds = vec![("", "Not said")];
    kinds.extend(Category::VARIANTS.iter().map(|c| (<&str>::from(*c), c.words())));
    let chosen = filing.category.map_or("", Into::into);
    Ok(html! {
        (Field::new("category", "What it is for").select(kinds).value(chosen).errors(errors).render())
        (checkbox("featured", "Stands before others in the gallery of its film", filing.featured, None))
        (checkbox("spoiler", "Gives the story away", filing.spoiler, Some("Description and comments are shown to those who may watch it, when they ask for them.")))
        @if ids.iter().any(|id| names.contains_key(id)) {
            details.fold.field.full open[!filing.contributors.is_empty()] {
                summary { "Who worked on it, too" }
                @for id in &ids {
                    @if let Some(name) = names.get(id) {
                        label.choice {
                            input type="checkbox" name="contributor" value=(id) checked[filing.contributors.contains(id)];
                            span { (name) }
                        }
                    }
                }
            }
        }
    })
}

/// Description and comments; of what gives the story away only for those who may watch it, behind a click.
pub(super) fn told(req: &Req, work: &Work, content: &Markup) -> Markup {
    match (work.filing.spoiler, is_kept_back(req, work)) {
        (false, _) => content.clone(),
        (true, true) => html! {
            p.muted { "Description and comments give the story away: who may watch it can read them." }
        },
        (true, false) => html! {
            details.spoiler.fold.stack { summary { "Show description and comments: they give the story away" } (content) }
        },
    }
}

/// What it is for, and by whom it is.
pub(super) async fn line(req: &Req, work: &Work) -> Result<Markup, HttpError> {
    let mut ids = vec![work.owner];
    ids.extend(&work.filing.contributors);
    let reader = &req.app.reader;
    let names = people::public_names(reader, &ids).await?;
    let profiles = people::public_profiles(reader, &ids).await?;
    let named: Vec<(&Uuid, &String)> = ids.iter().filter_map(|id| Some((id, names.get(id)?))).collect();
    Ok(html! {
        @if let Some(category) = work.filing.category { (chip(Tone::Plain, category.words())) }
        @if !named.is_empty() {
            span {
                "By "
                @for (n, (id, name)) in named.iter().enumerate() {
                    @if n > 0 { (if n + 1 == named.len() { " and " } else { ", " }) }
                    @if profiles.contains_key(*id) { a href={ "/people/" (id) } { (name) } } @else { (name) }
                }
            }
        }
    })
}
