//! Other sites that show files of this one as if they were their own. Browsers tell where a request comes
//! from; programs, feed readers and players that tell nothing are served.

use super::error::HttpError;
use super::request::Req;
use super::response::{Res, see_other, set};
use warp::http::HeaderName;
use warp::http::header::HOST;

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From this site, from nowhere, or from a program that does not say.
    Here,
    /// From another site that may show files of this one.
    Friend,
    /// From another site, by a link that leads a person here.
    Visit,
    /// From another site, which shows or fetches the file itself.
    Elsewhere,
}

/// Where `req` comes from.
#[must_use]
pub fn origin(req: &Req) -> Source {
    let own = req.app.config.base_url.as_deref().and_then(host_of);
    let own = [host_of(&format!("http://{}", req.header(HOST.as_str()))), own];
    let source = [req.header("origin"), req.header("referer")].into_iter().find_map(host_of);
    let fetch = (req.header("sec-fetch-site"), req.header("sec-fetch-mode"), req.header("sec-fetch-dest"));
    judge(fetch, source.as_deref(), &own, &req.app.config.delivery.embed_hosts)
}

/// Refuses a file to other sites. A person who followed a link is led to `page` instead, if there is one.
///
/// # Errors
/// [`HttpError::Forbidden`] with what to do.
pub fn refuse(req: &Req, page: Option<&str>) -> Result<Option<Res>, HttpError> {
    match (origin(req), page) {
        (Source::Here | Source::Friend, _) => Ok(None),
        (Source::Visit, Some(page)) => Ok(Some(see_other(page))),
        (Source::Visit | Source::Elsewhere, _) => Err(HttpError::Forbidden(
            "This file is not for other sites to show. Link to the page of the work instead.".into(),
        )),
    }
}

/// Says on an answer for a friend that other sites may use it: else the browser would keep from the other site
/// what we let it have. On every answer of a way there, those that lead on too.
pub fn share(req: &Req, res: &mut Res) {
    if origin(req) == Source::Friend {
        open(res);
    }
}

/// Says on an answer that every site may show it.
pub fn open(res: &mut Res) {
    set(res, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
}

fn host_of(address: &str) -> Option<String> {
    url::Url::parse(address).ok()?.host_str().map(str::to_ascii_lowercase)
}

fn judge(
    (site, mode, dest): (&str, &str, &str),
    source: Option<&str>,
    own: &[Option<String>],
    friends: &[String],
) -> Source {
    let foreign = match site {
        "cross-site" => true,
        // An older browser, or a site without TLS: then the address of the page tells.
        "" => source.is_some_and(|s| !own.iter().flatten().any(|o| o == s)),
        _ => false,
    };
    if !foreign {
        return Source::Here;
    }
    let is_friend = |s: &str| friends.iter().any(|f| f.eq_ignore_ascii_case(s));
    // A star stands for every site, one that hides its name too.
    if friends.iter().any(|f| f == "*") || source.is_some_and(is_friend) {
        return Source::Friend;
    }
    // What is loaded into a frame is shown by the other site, though the browser calls it navigation.
    if mode == "navigate" && dest == "document" { Source::Visit } else { Source::Elsewhere }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_sites_show_is_told_from_what_people_open() {
        let own = [Some("studio.example.org".to_owned()), None];
        let friends = ["Partner.example".to_owned()];
        let table = [
            ("a program", ("", "", ""), None, Source::Here),
            ("typed", ("none", "navigate", "document"), None, Source::Here),
            ("own page", ("same-origin", "no-cors", "video"), Some("studio.example.org"), Source::Here),
            ("own page, older browser", ("", "", ""), Some("studio.example.org"), Source::Here),
            (
                "a neighbour of the same site",
                ("same-site", "no-cors", "image"),
                Some("www.example.org"),
                Source::Here,
            ),
            (
                "a picture elsewhere",
                ("cross-site", "no-cors", "image"),
                Some("thief.example"),
                Source::Elsewhere,
            ),
            ("that hides where it is", ("cross-site", "no-cors", "video"), None, Source::Elsewhere),
            ("a frame", ("cross-site", "navigate", "iframe"), Some("thief.example"), Source::Elsewhere),
            ("a script", ("cross-site", "cors", "empty"), Some("thief.example"), Source::Elsewhere),
            ("older browser", ("", "", ""), Some("thief.example"), Source::Elsewhere),
            ("that looks alike", ("", "", ""), Some("studio.example.org.thief.example"), Source::Elsewhere),
            ("a link in a mail", ("cross-site", "navigate", "document"), None, Source::Visit),
            ("a friend", ("cross-site", "no-cors", "video"), Some("partner.example"), Source::Friend),
            ("a friend, older browser", ("", "", ""), Some("partner.example"), Source::Friend),
        ];
        for (what, fetch, source, wanted) in table {
            assert_eq!(judge(fetch, source, &own, &friends), wanted, "{what}");
            let everybody = judge(fetch, source, &own, &["*".to_owned()]);
            assert!(matches!(everybody, Source::Here | Source::Friend), "{what}: a star is for all");
        }
        assert_eq!(host_of("https://Studio.Example.org:8443/a?b").as_deref(), Some("studio.example.org"));
        assert_eq!(host_of("null"), None);
    }
}
