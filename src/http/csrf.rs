//! Against requests that another site makes a browser send: Fetch Metadata and `Origin` on every
//! request that changes something, and a token bound to the session when there is one.

use super::error::HttpError;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use warp::http::HeaderMap;

/// The token of a session, to be put into forms as `_csrf` or sent as `X-CSRF-Token`.
#[must_use]
pub fn token(key: &[u8], session: &str) -> String {
    // HMAC takes keys of any length; the empty token would match nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(b"kinora csrf\0");
    mac.update(session.as_bytes());
    hex::encode(&mac.finalize().into_bytes()[..16])
}

/// Whether `given` is the expected token.
#[must_use]
pub fn matches(expected: &str, given: &str) -> bool {
    !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
}

/// Refuses what a browser marks as sent from another site.
///
/// # Errors
/// [`HttpError::Forbidden`] with what to do.
pub fn check_origin(headers: &HeaderMap, host: &str) -> Result<(), HttpError> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let foreign = || {
        HttpError::Forbidden("This request came from another site. Open the page here and try again.".into())
    };
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return Err(foreign());
    }
    match text("origin") {
        None => Ok(()),
        Some(origin) => {
            let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
            if authority.eq_ignore_ascii_case(host) { Ok(()) } else { Err(foreign()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages_may_post() {
        let with = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("value"));
            check_origin(&headers, "studio.example.org").is_ok()
        };
        assert!(with("origin", "https://studio.example.org"));
        assert!(!with("origin", "https://evil.example.org"));
        assert!(!with("origin", "null"));
        assert!(!with("sec-fetch-site", "cross-site"));
        assert!(with("sec-fetch-site", "same-origin"));
        assert!(check_origin(&HeaderMap::new(), "x").is_ok(), "programs send neither");
    }

    #[test]
    fn tokens_belong_to_one_session() {
        assert!(matches(&token(b"k", "a"), &token(b"k", "a")));
        assert!(!matches(&token(b"k", "a"), &token(b"k", "b")));
        assert!(!matches("", ""));
    }
}
