//! The table of all addresses.

use super::error::HttpError;
use super::route::Route;
use super::{api, assets, health, metrics, pages, webhooks};
use matchit::Router;
use std::collections::HashMap;
use warp::http::Method;

/// Every address of Kinora.
#[must_use]
pub fn all() -> Vec<Route> {
    [
        health::routes(),
        metrics::routes(),
        assets::routes(),
        api::routes(),
        webhooks::routes(),
        pages::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Finds the route of a request.
pub struct Table {
    router: Router<HashMap<Method, Route>>,
}

/// What was found: the route and the named parts of the path.
pub type Found<'a> = (&'a Route, Vec<(String, String)>);

impl Table {
    /// Builds the table.
    ///
    /// # Errors
    /// If two patterns collide; that is an error in the program, named in the text.
    pub fn new(routes: Vec<Route>) -> Result<Self, String> {
        let mut by_path: HashMap<&'static str, HashMap<Method, Route>> = HashMap::new();
        for route in routes {
            let path = route.path;
            let before = by_path.entry(path).or_default().insert(route.method.clone(), route);
            if let Some(before) = before {
                return Err(format!("{} {path} is in the table twice", before.method));
            }
        }
        let mut router = Router::new();
        for (path, methods) in by_path {
            router.insert(path, methods).map_err(|e| format!("{path}: {e}"))?;
        }
        Ok(Self { router })
    }

    /// The methods that an address takes, for the header `Allow`; none where nothing is.
    #[must_use]
    pub fn methods(&self, path: &str) -> Option<String> {
        let known = self.router.at(path).ok()?.value;
        let mut methods: Vec<&str> = known.keys().map(Method::as_str).collect();
        if known.contains_key(&Method::GET) {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        methods.dedup();
        Some(methods.join(", "))
    }

    /// The address without the slash at its end, if nothing is at this one and something at that.
    #[must_use]
    pub fn without_slash<'a>(&self, path: &'a str) -> Option<&'a str> {
        let shorter = path.strip_suffix('/').filter(|p| !p.is_empty() && !p.starts_with("//"))?;
        let nothing = self.router.at(path).is_err();
        (nothing && self.find(&Method::GET, shorter).is_ok()).then_some(shorter)
    }

    /// The route for method and path.
    ///
    /// # Errors
    /// 404 or 405.
    pub fn find(&self, method: &Method, path: &str) -> Result<Found<'_>, HttpError> {
        let found = self.router.at(path).map_err(|_| HttpError::NotFound)?;
        let method =
            if method == Method::HEAD && !found.value.contains_key(method) { &Method::GET } else { method };
        let route = found.value.get(method).ok_or(HttpError::MethodNotAllowed)?;
        let decode = |v: &str| percent_encoding::percent_decode_str(v).decode_utf8_lossy().into_owned();
        let params: Vec<_> = found.params.iter().map(|(n, v)| (n.to_owned(), decode(v))).collect();
        // Nothing has such a name, and no column takes it.
        if params.iter().any(|(_, v)| v.contains(char::is_control)) {
            return Err(HttpError::NotFound);
        }
        Ok((route, params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_no_collisions() {
        let table = Table::new(all()).expect("table");
        assert!(table.find(&Method::HEAD, "/healthz").is_ok());
        assert!(matches!(table.find(&Method::POST, "/healthz"), Err(HttpError::MethodNotAllowed)));
        assert!(matches!(table.find(&Method::GET, "/no/such/place"), Err(HttpError::NotFound)));
        assert!(table.find(&Method::GET, "/films/%C3%A4").is_ok());
        for path in ["/films/%00", "/films/a%00b", "/films/%0a", "/films/%7f"] {
            assert!(matches!(table.find(&Method::GET, path), Err(HttpError::NotFound)), "{path}");
        }
    }
}
