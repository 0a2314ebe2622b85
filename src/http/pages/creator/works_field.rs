//! A field that lists works, one a line by their addresses, as forms for several works in an order have it.

use crate::http::form::Form;
use crate::http::ui::{Errors, Field};
use crate::http::{HttpError, Req};
use crate::projections::catalogue::{self, Work};
use maud::{Markup, html};
use uuid::Uuid;

/// The works that may be chosen, and those that stand in the list already: an editor may have chosen others.
///
/// # Errors
/// If the database cannot be read.
pub async fn shelf_with(req: &Req, chosen: &[Uuid]) -> Result<Vec<Work>, HttpError> {
    let mut works = super::desk::shelf(req).await?;
    let missing: Vec<Uuid> =
        chosen.iter().filter(|id| !works.iter().any(|w| w.id == **id)).copied().collect();
    works.extend(catalogue::works_by_ids(&req.app.reader, &missing, true).await?.into_values());
    Ok(works)
}

/// The lines for works as they are recorded.
pub fn lines_of(chosen: &[Uuid], works: &[Work]) -> String {
    let slugs = chosen.iter().filter_map(|id| works.iter().find(|w| w.id == *id)).map(|w| w.slug.as_str());
    slugs.collect::<Vec<_>>().join("\n")
}

/// The works of the lines; what is no work is an error at the field.
pub fn works_of(name: &str, typed: &Form, works: &[Work], errors: &mut Errors) -> Vec<Uuid> {
    let mut found = Vec::new();
    for line in typed.get(name).lines().map(str::trim).filter(|l| !l.is_empty()) {
        match works.iter().find(|w| w.slug == line) {
            Some(work) => found.push(work.id),
            None => errors.add(
                name,
                format!("There is no work with the address {line}. The list below the field shows yours."),
            ),
        }
    }
    found
}

/// The field with the list of addresses below it.
pub fn render(name: &str, label: &str, works: &[Work], typed: &Form, errors: &Errors) -> Markup {
    html! {
        (Field::new(name, label).hint("One work a line, by its address, in the order in which they are shown.").optional().area().value(typed.get(name)).errors(errors).render())
        @if !works.is_empty() {
            details.fold { summary { "Addresses of your works" } ul.small { @for work in works { li { span.mono { (work.slug) } " – " (work.state.title) } } } }
        }
    }
}
