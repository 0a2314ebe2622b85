//! `/about`, `/accessibility` and the legal pages.

use crate::http::page::{Page, page};
use crate::http::route::{Access, Route};
use crate::http::ui::{Theme, markdown};
use crate::http::{HttpError, Req, Res};
use maud::html;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/about", Access::Anyone, about),
        Route::get("/accessibility", Access::Anyone, |req| text(req, "Accessibility", ACCESSIBILITY)),
        Route::get("/legal/privacy", Access::Anyone, |req| text(req, "Privacy", PRIVACY)),
        Route::get("/legal/terms", Access::Anyone, |req| text(req, "Terms", TERMS)),
    ]
}

const ACCESSIBILITY: &str = include_str!("texts/accessibility.md");
const PRIVACY: &str = include_str!("texts/privacy.md");
const TERMS: &str = include_str!("texts/terms.md");

async fn about(req: Req) -> Result<Res, HttpError> {
    let studio = &req.app.config.studio;
    let mut words = format!("{}\n\n", studio.tagline);
    if !studio.legal_name.is_empty() {
        words.push_str(&format!("## Who we are\n\n{}  \n{}\n\n", studio.legal_name, studio.legal_address));
    }
    words.push_str(include_str!("texts/about.md"));
    show(req, "About", &words)
}

async fn text(req: Req, title: &'static str, words: &'static str) -> Result<Res, HttpError> {
    show(req, title, words)
}

fn show(req: Req, title: &str, words: &str) -> Result<Res, HttpError> {
    let studio = &req.app.config.studio;
    let words = words.replace("{studio}", &studio.name);
    let heading = if title == "About" { format!("About {}", studio.name) } else { title.to_owned() };
    let body = html! {
        div.wrap.page { div.reading.stack.mid { h1.display { (heading) } div.prose { (markdown(&words)) } } }
    };
    let canonical = Some(req.path.clone());
    Ok(page(&req, Page { title: title.to_owned(), theme: Theme::Desk, canonical, body, ..Page::default() }))
}
