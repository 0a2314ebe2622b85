//! Style, scripts and fonts, embedded at build time and served under names that carry a hash of
//! their content, so that browsers may keep them for ever.

use super::error::HttpError;
use super::request::Req;
use super::response::{Res, set};
use super::route::{Access, Route};
use warp::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};

/// One embedded file.
pub struct Asset {
    /// The name by which pages ask for it, such as `app.css`.
    pub name: &'static str,
    /// The name with the hash, as it stands in the address.
    pub file: &'static str,
    /// The whole path on this site.
    pub url: &'static str,
    /// Content type.
    pub kind: &'static str,
    /// The bytes as they are.
    pub plain: &'static [u8],
    /// The bytes compressed with brotli, where that helps.
    pub brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What a browser is told to do with an asset: keep it for a year and never ask again.
pub const CACHE: &str = "public, max-age=31536000, immutable";

/// The path of an asset by its plain name. A name that does not exist gives a path that answers
/// 404; `ui` tests look for those.
#[must_use]
pub fn url(name: &str) -> &'static str {
    EMBEDDED.iter().find(|a| a.name == name).map_or("/assets/unknown", |a| a.url)
}

/// The address of all assets.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![Route::get("/assets/{file}", Access::Anyone, send)]
}

async fn send(req: Req) -> Result<Res, HttpError> {
    let asset = find(req.param("file")).ok_or(HttpError::NotFound)?;
    let (bytes, encoding) = asset.encoded(Some(req.header(ACCEPT_ENCODING.as_str())));
    let mut res = Res::new(bytes.into());
    set(&mut res, CONTENT_TYPE, asset.kind);
    set(&mut res, CACHE_CONTROL, CACHE);
    if asset.brotli.is_some() {
        set(&mut res, VARY, "accept-encoding");
    }
    if let Some(encoding) = encoding {
        set(&mut res, CONTENT_ENCODING, encoding);
    }
    Ok(res)
}

/// The asset behind the last part of the path `/assets/{file}`.
#[must_use]
pub fn find(file: &str) -> Option<&'static Asset> {
    EMBEDDED.iter().find(|a| a.file == file)
}

impl Asset {
    /// The bytes and the `Content-Encoding` to send to a client with this `Accept-Encoding`.
    #[must_use]
    pub fn encoded(&self, accept: Option<&str>) -> (&'static [u8], Option<&'static str>) {
        match self.brotli {
            Some(small) if accepts_brotli(accept.unwrap_or_default()) => (small, Some("br")),
            _ => (self.plain, None),
        }
    }
}

/// Whether `Accept-Encoding` names `br` (or `*`) without weight zero.
fn accepts_brotli(accept: &str) -> bool {
    let mut any = None;
    for part in accept.split(',') {
        let mut words = part.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let weight =
            words.find_map(|w| w.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        if name.eq_ignore_ascii_case("br") {
            return weight > 0.0;
        }
        if name == "*" {
            any = Some(weight > 0.0);
        }
    }
    any.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_sent_only_to_those_who_take_it() {
        for (accept, yes) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=0.1", true),
            ("*", true),
            ("gzip", false),
            ("br;q=0, *", false),
            ("", false),
        ] {
            assert_eq!(accepts_brotli(accept), yes, "{accept}");
        }
    }

    #[test]
    fn pages_stay_within_their_budget() {
        let sent =
            |name: &str| EMBEDDED.iter().find(|a| a.name == name).map(|a| a.brotli.unwrap_or(a.plain).len());
        assert!(sent("app.css").is_some_and(|n| n <= 15_000));
        assert!(sent("htmx.js").zip(sent("app.js")).is_some_and(|(a, b)| a + b <= 20_000));
        assert!(sent("inter.woff2").zip(sent("fraunces.woff2")).is_some_and(|(a, b)| a + b <= 120_000));
    }

    #[test]
    fn own_files_name_no_foreign_host() {
        for asset in EMBEDDED.iter().filter(|a| a.name == "app.css" || a.name == "app.js") {
            let text = String::from_utf8_lossy(asset.plain);
            assert!(
                !text.contains("http:") && !text.contains("https:") && !text.contains("asset:"),
                "{}",
                asset.name
            );
        }
    }
}
