//! `/about`, `/faq`, `/accessibility` and the legal pages: in the studio's own words where it wrote some.

use super::prose::prose;
use crate::domain::site::SitePage;
use crate::http::page::{Page, page};
use crate::http::route::{Access, Route};
use crate::http::site_words::is_there;
use crate::http::ui::Theme;
use crate::http::{HttpError, Req, Res};
use crate::projections::site;
use maud::html;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/about", Access::Anyone, |req| show(req, SitePage::About)),
        Route::get("/faq", Access::Anyone, |req| show(req, SitePage::Faq)),
        Route::get("/accessibility", Access::Anyone, |req| show(req, SitePage::Accessibility)),
        Route::get("/legal/imprint", Access::Anyone, |req| show(req, SitePage::Imprint)),
        Route::get("/legal/privacy", Access::Anyone, |req| show(req, SitePage::Privacy)),
        Route::get("/legal/terms", Access::Anyone, |req| show(req, SitePage::Terms)),
    ]
}

/// The text that the program brings along for a page; what the settings know of the studio is in it.
pub fn text_brought_along(req: &Req, page: SitePage) -> String {
    let studio = &req.app.config.studio;
    let seller = format!("{}  \n{}", studio.legal_name, studio.legal_address.replace('\n', "  \n"));
    match page {
        SitePage::About => {
            let mut words = format!("{}\n\n", studio.tagline);
            if !studio.legal_name.is_empty() {
                words.push_str(&format!("## Who we are\n\n{seller}\n\n"));
            }
            words + include_str!("texts/about.md")
        }
        SitePage::Imprint if !studio.legal_name.is_empty() => {
            let vat = if studio.vat_number.is_empty() {
                String::new()
            } else {
                format!("\n\nVAT number: {}", studio.vat_number)
            };
            format!("{seller}{vat}")
        }
        SitePage::Accessibility => include_str!("texts/accessibility.md").to_owned(),
        SitePage::Privacy => include_str!("texts/privacy.md").to_owned(),
        SitePage::Terms => include_str!("texts/terms.md").to_owned(),
        SitePage::Imprint | SitePage::Faq | SitePage::Welcome => String::new(),
    }
}

async fn show(req: Req, which: SitePage) -> Result<Res, HttpError> {
    let own = site::text(&req.app.reader, which).await?;
    if own.is_none() && !is_there(&req, which) {
        return Err(HttpError::NotFound);
    }
    let studio = &req.app.config.studio;
    let words = own.unwrap_or_else(|| text_brought_along(&req, which)).replace("{studio}", &studio.name);
    let words = prose(&req, &words, 1).await?;
    let heading =
        if which == SitePage::About { format!("About {}", studio.name) } else { which.words().to_owned() };
    let body = html! {
        div.wrap.page { div.reading.stack.mid { h1.display { (heading) } div.prose { (words) } } }
    };
    let canonical = Some(which.path().to_owned());
    let title = which.words().to_owned();
    Ok(page(&req, Page { title, theme: Theme::Desk, canonical, body, ..Page::default() }))
}
