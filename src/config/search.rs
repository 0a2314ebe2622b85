//! Settings of search: by which engine works are found.

use serde::{Deserialize, Serialize};

/// What finds works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SearchEngine {
    /// An index in the studio's own database.
    #[default]
    Embedded,
    /// A Meilisearch server.
    Meilisearch,
}

impl SearchEngine {
    /// As it stands in settings and in numbers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Meilisearch => "meilisearch",
        }
    }
}

/// By which engine works are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// What finds works.
    pub engine: SearchEngine,
    /// Where Meilisearch answers; plain http to this machine only.
    pub address: String,
    /// Name of the studio's index there; while it is made anew, the name with `_next` is used as well.
    pub index: String,
    /// Key by which Kinora asks Meilisearch; it never reaches a browser.
    pub search_key: String,
    /// Key by which Kinora fills the index of Meilisearch.
    pub admin_key: String,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            engine: SearchEngine::Embedded,
            address: "http://127.0.0.1:7700".into(),
            index: "kinora".into(),
            search_key: String::new(),
            admin_key: String::new(),
        }
    }
}

impl Search {
    /// Whether a server beside the studio answers.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.engine == SearchEngine::Meilisearch
    }

    /// What is wrong with the settings, in words for operators: name of the setting and words. Meilisearch speaks
    /// plain http and stands beside the studio as a rule, so that is fine on this machine, and nowhere else.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if !self.is_elsewhere() {
            return None;
        }
        if let Some(words) = address_problem(&self.address) {
            return Some(("search.address", words.into()));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if !(1..=100).contains(&self.index.len()) || !self.index.bytes().all(plain) {
            let words = "must be 1 to 100 letters, digits, hyphens and underscores";
            return Some(("search.index", words.into()));
        }
        for (setting, key) in [("search.search_key", &self.search_key), ("search.admin_key", &self.admin_key)]
        {
            if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
                return Some((setting, "must be a key of Meilisearch (GET /keys there lists them)".into()));
            }
        }
        if self.search_key == self.admin_key {
            let words = "must not be the admin key: whoever asks needs no right to change the index";
            return Some(("search.search_key", words.into()));
        }
        None
    }
}

fn address_problem(address: &str) -> Option<&'static str> {
    let Some(url) = url::Url::parse(address).ok().filter(|u| {
        u.has_host()
            && u.query().is_none()
            && u.fragment().is_none()
            && u.username().is_empty()
            && u.password().is_none()
    }) else {
        return Some("must be an address such as http://127.0.0.1:7700");
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => None,
        "http" if local => None,
        _ => Some("must be an https:// address, or http:// on this machine"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_needs_an_address_that_keeps_its_keys_and_two_keys() {
        let good = Search {
            engine: SearchEngine::Meilisearch,
            search_key: "a".into(),
            admin_key: "b".into(),
            ..Search::default()
        };
        let said = |change: &dyn Fn(&mut Search)| {
            let mut search = good.clone();
            change(&mut search);
            search.problem().map(|p| p.0)
        };
        assert_eq!(said(&|_| {}), None);
        for fine in ["http://localhost:7700", "http://[::1]:7700/", "https://search.example.org/meili"] {
            assert_eq!(said(&|s| s.address = fine.into()), None, "{fine}");
        }
        for bad in [
            "http://search.example.org",
            "search.example.org",
            "https://u:p@search.example.org",
            "https://search.example.org/?a",
            "ftp://127.0.0.1",
            "",
        ] {
            assert_eq!(said(&|s| s.address = bad.into()), Some("search.address"), "{bad}");
        }
        for bad in ["", "a/b", "a b", &"x".repeat(101)] {
            assert_eq!(said(&|s| s.index = bad.into()), Some("search.index"), "{bad}");
        }
        assert_eq!(said(&|s| s.index = "x".repeat(100)), None);
        assert_eq!(said(&|s| s.search_key.clear()), Some("search.search_key"));
        assert_eq!(said(&|s| s.admin_key = "two words".into()), Some("search.admin_key"));
        assert_eq!(said(&|s| s.search_key = "b".into()), Some("search.search_key"), "one key for both");
        let embedded = Search { address: "nonsense".into(), ..Search::default() };
        assert_eq!(embedded.problem(), None, "what is not used is not looked at");
    }
}
