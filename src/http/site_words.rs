//! The site's words as this process knows them: the line above the pages, what stands at their foot, and where
//! old addresses lead. Read again every few seconds, and at once by the process through which they changed.

use super::app::App;
use super::error::HttpError;
use super::request::Req;
use super::response::{self, Res};
use super::ui::Place;
use crate::domain::site::{SitePage, is_target};
use crate::projections::site::{self, SiteNow};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use warp::http::header::LOCATION;

/// How long other processes show what was.
const LAST: Duration = Duration::from_secs(5);

/// What was read last, and when.
#[derive(Default)]
pub struct Words(RwLock<(Arc<SiteNow>, Option<Instant>)>);

impl Words {
    /// As they were read last.
    #[must_use]
    pub fn now(&self) -> Arc<SiteNow> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Lets the next page read them again.
    pub fn changed(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).1 = None;
    }

    /// Says so to one caller only.
    fn are_due(&self) -> bool {
        let due = |at: Option<Instant>| at.is_none_or(|at| at.elapsed() > LAST);
        if !due(self.0.read().unwrap_or_else(PoisonError::into_inner).1) {
            return false;
        }
        let mut words = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let due = due(words.1);
        words.1 = Some(Instant::now());
        due
    }
}

/// Reads the words again, if that is due.
///
/// # Errors
/// If the database cannot be read; they stay as they were.
pub async fn refresh(app: &App) -> Result<(), HttpError> {
    let words = &app.site;
    if words.are_due() {
        let now = Arc::new(site::now(&app.reader).await?);
        words.0.write().unwrap_or_else(PoisonError::into_inner).0 = now;
    }
    Ok(())
}

/// Whether the page is there: a studio that has no questions answered has no page of them.
#[must_use]
pub fn is_there(req: &Req, page: SitePage) -> bool {
    match page {
        SitePage::Faq => req.app.site.now().written.contains(&page),
        SitePage::Imprint => {
            !req.app.config.studio.legal_name.is_empty() || req.app.site.now().written.contains(&page)
        }
        _ => true,
    }
}

/// What stands at the foot of every page.
#[must_use]
pub fn foot(req: &Req) -> Vec<Place> {
    let pages = [SitePage::About, SitePage::Faq, SitePage::Imprint, SitePage::Privacy, SitePage::Terms];
    let mut foot: Vec<Place> = pages
        .into_iter()
        .filter(|page| is_there(req, *page))
        .map(|page| Place::new(if page == SitePage::Faq { "Questions" } else { page.words() }, page.path()))
        .collect();
    foot.push(Place::new("Accessibility", SitePage::Accessibility.path()));
    foot.push(Place::new("Statistics", "/statistics"));
    foot
}

/// Where an old address leads, as an answer: 301, with what was asked for behind the `?`.
#[must_use]
pub fn redirect(words: &SiteNow, path: &str, query: &str) -> Option<Res> {
    let to = words.redirect(path).filter(|to| is_target(to))?;
    let to =
        if query.is_empty() || to.contains(['?', '#']) { to.to_owned() } else { format!("{to}?{query}") };
    let mut res = response::moved("/");
    response::set(&mut res, LOCATION, &to);
    Some(res)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn an_old_address_leads_on_with_what_was_asked() {
        let redirects = [("/old", "/films/new"), ("/away", "https://example.org/?a=b"), ("/bad", "//evil")];
        let redirects: HashMap<String, String> =
            redirects.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
        let words = SiteNow { redirects, ..SiteNow::default() };
        let to = |path, query| {
            redirect(&words, path, query)
                .map(|res| (res.status().as_u16(), res.headers()[LOCATION].to_str().unwrap().to_owned()))
        };
        assert_eq!(to("/old", ""), Some((301, "/films/new".into())));
        assert_eq!(to("/old/", "page=2"), Some((301, "/films/new?page=2".into())));
        assert_eq!(to("/away", "x=y"), Some((301, "https://example.org/?a=b".into())));
        assert_eq!((to("/", ""), to("/older", ""), to("/bad", "")), (None, None, None));
    }
}
