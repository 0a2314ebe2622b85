//! Settings of delivery: by whom files are sent, to how many requests of a client, and to which other sites.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How files of works reach people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Internal location of nginx that sends files after an `X-Accel-Redirect`, such as `/protected-media/`; absent: Kinora sends them.
    pub accel: Option<String>,
    /// Requests for whole files, or for parts of them, that one client may send within ten minutes; 0: as many as it likes.
    pub downloads: u32,
    /// Playlists that one client may ask for within a minute; 0: as many as it likes.
    pub playlists: u32,
    /// Other sites that may show files of this one, by the names of their hosts; `*` stands for all of them, as podcast players on the web need it.
    pub embed_hosts: Vec<String>,
    /// Other sites whose players may stand in texts (`{embed https://…}`), by the names of their hosts; of others there is a link.
    pub embeds_from: Vec<String>,
}

/// A network of caches (CDN) in front of the files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cdn {
    /// Where it answers, such as `https://cdn.example.org`; absent: there is none.
    pub base_url: Option<String>,
    /// How addresses there are signed.
    pub signing: CdnSigning,
    /// Id by which CloudFront knows the public key.
    pub key_pair_id: String,
    /// File with the private RSA key for CloudFront, as PEM, that only its owner can read.
    pub private_key_file: Option<PathBuf>,
    /// Domain that the studio and the network share, such as `example.org`: browsers then bring CloudFront's right as cookies, and addresses stay the same; absent: addresses are signed.
    pub cookie_domain: Option<String>,
    /// Minutes for which such an address holds, 1 to 10: the network cannot ask for the right again.
    pub minutes: u32,
}

/// How addresses of the network of caches are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CdnSigning {
    /// By HMAC-SHA-256 with `cdn.key`, as `docs/media.md` describes.
    Hmac,
    /// As CloudFront wants it: RSA with SHA-1.
    CloudFront,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { accel: None, downloads: 240, playlists: 120, embed_hosts: Vec::new(), embeds_from: Vec::new() }
    }
}

impl Default for Cdn {
    fn default() -> Self {
        Self {
            base_url: None,
            signing: CdnSigning::Hmac,
            key_pair_id: String::new(),
            private_key_file: None,
            cookie_domain: None,
            minutes: 10,
        }
    }
}

impl Delivery {
    /// The internal location of nginx, with a slash at both ends; `None` if Kinora sends files itself.
    #[must_use]
    pub fn accel(&self) -> Option<&str> {
        self.accel.as_deref().filter(|a| !a.is_empty())
    }

    /// What is wrong with the settings, in words for operators: name of the setting and words.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if let Some(accel) = self.accel() {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_".contains(&b);
            let good = accel.len() > 2 && accel.starts_with('/') && accel.ends_with('/');
            if !good || accel.contains("//") || !accel.bytes().all(plain) {
                let words = "must be a path with a slash at both ends, such as /protected-media/";
                return Some(("delivery.accel", words.into()));
            }
        }
        let odd = self.embeds_from.iter().find(|host| !is_host(host))?;
        Some(("delivery.embeds_from", format!("{odd} is no name of a host, such as player.example.org")))
    }

    /// The sites whose players may stand in texts; what is no name of a host is none.
    #[must_use]
    pub fn players(&self) -> Vec<String> {
        self.embeds_from.iter().filter(|host| is_host(host)).map(|host| host.to_ascii_lowercase()).collect()
    }
}

fn is_host(text: &str) -> bool {
    text.contains('.') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
}

impl Cdn {
    /// Address of the network without a slash at the end; `None` if there is none.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        self.base_url.as_deref().map(|u| u.trim_end_matches('/')).filter(|u| !u.is_empty())
    }

    /// Scheme, host and port of the network, as a content security policy names it.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let url = url::Url::parse(self.base()?).ok()?;
        Some(url.origin().ascii_serialization())
    }

    /// Seconds for which an address holds.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        i64::from(self.minutes.clamp(1, 10)) * 60
    }

    /// The domain of the cookies, if the right is given as such.
    #[must_use]
    pub fn cookie_domain(&self) -> Option<&str> {
        self.cookie_domain.as_deref().map(|d| d.trim_start_matches('.')).filter(|d| !d.is_empty())
    }

    fn cookie_problem(&self, base: &str) -> Option<String> {
        let domain = self.cookie_domain()?;
        if self.signing != CdnSigning::CloudFront {
            return Some("works with signing = \"cloudfront\" only".into());
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        if !domain.contains('.') || !domain.bytes().all(plain) {
            return Some("must be a domain such as example.org".into());
        }
        let url = url::Url::parse(base).ok()?;
        let host = url.host_str().unwrap_or_default();
        let below = host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        (!below || url.scheme() != "https")
            .then(|| format!("cdn.base_url must be an https:// address below {domain}"))
    }

    /// What is wrong with the settings, in words for operators: name of the setting and words.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let base = self.base()?;
        let url = url::Url::parse(base).ok();
        let fits = |u: &url::Url| {
            matches!(u.scheme(), "https" | "http")
                && u.has_host()
                && u.query().is_none()
                && u.fragment().is_none()
        };
        if !url.as_ref().is_some_and(fits) {
            return Some(("cdn.base_url", "must be an address such as https://cdn.example.org".into()));
        }
        if !(1..=10).contains(&self.minutes) {
            return Some(("cdn.minutes", "must be 1 to 10".into()));
        }
        if let Some(words) = self.cookie_problem(base) {
            return Some(("cdn.cookie_domain", words));
        }
        if self.signing == CdnSigning::CloudFront {
            if self.key_pair_id.is_empty() || !self.key_pair_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Some(("cdn.key_pair_id", "must be the id of the public key at CloudFront".into()));
            }
            let Some(file) = &self.private_key_file else {
                return Some(("cdn.private_key_file", "is needed to sign for CloudFront".into()));
            };
            if let Err(words) = crate::config::secrets::private(file) {
                return Some(("cdn.private_key_file", words));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_come_from_hosts_that_are_named() {
        let with = |host: &str| Delivery { embeds_from: vec![host.into()], ..Delivery::default() };
        for good in ["player.example.org", "V-1.example"] {
            assert_eq!((with(good).problem(), with(good).players()), (None, vec![good.to_ascii_lowercase()]));
        }
        for bad in
            ["", "localhost", "https://v.example", "v.example/1", "v.example; script-src *", "*.example"]
        {
            assert_eq!(with(bad).problem().map(|p| p.0), Some("delivery.embeds_from"), "{bad}");
            assert!(with(bad).players().is_empty(), "{bad}");
        }
    }

    #[test]
    fn locations_and_networks_are_checked() {
        let with = |accel: &str| Delivery { accel: Some(accel.into()), ..Delivery::default() }.problem();
        for good in ["", "/protected-media/", "/a/b/"] {
            assert_eq!(with(good), None, "{good}");
        }
        for bad in ["/", "//", "protected/", "/protected", "/a//b/", "/a b/", "/a?b/", "/a\n/", "/../"] {
            assert_eq!(with(bad).map(|p| p.0), Some("delivery.accel"), "{bad}");
        }
        let cdn = |base: &str, minutes| Cdn { base_url: Some(base.into()), minutes, ..Cdn::default() };
        assert_eq!(cdn("https://cdn.example.org/kinora/", 10).problem(), None);
        assert_eq!(cdn("https://cdn.example.org/k/", 1).origin().as_deref(), Some("https://cdn.example.org"));
        for bad in ["cdn.example.org", "ftp://cdn.example.org", "https://cdn.example.org/?a=b"] {
            assert_eq!(cdn(bad, 10).problem().map(|p| p.0), Some("cdn.base_url"), "{bad}");
        }
        for minutes in [0, 11] {
            assert_eq!(cdn("https://c.example.org", minutes).problem().map(|p| p.0), Some("cdn.minutes"));
        }
        let mut front = cdn("https://c.example.org", 10);
        front.signing = CdnSigning::CloudFront;
        assert_eq!(front.problem().map(|p| p.0), Some("cdn.key_pair_id"));
        front.key_pair_id = "K2JCJMDEHXQW5F".into();
        assert_eq!(front.problem().map(|p| p.0), Some("cdn.private_key_file"));
        for (base, domain, good) in [
            ("https://c.example.org", "example.org", true),
            ("https://c.example.org", ".c.example.org", true),
            ("https://c.badexample.org", "example.org", false),
            ("http://c.example.org", "example.org", false),
            ("https://c.example.org", "org", false),
            ("https://c.example.org", "example.org; Path=/", false),
        ] {
            let mut cookies = front.clone();
            cookies.base_url = Some(base.into());
            cookies.cookie_domain = Some(domain.into());
            let said = cookies.problem().map(|p| p.0);
            assert_eq!(said != Some("cdn.cookie_domain"), good, "{base} {domain}");
        }
        let mut own = cdn("https://c.example.org", 10);
        own.cookie_domain = Some("example.org".into());
        assert_eq!(own.problem().map(|p| p.0), Some("cdn.cookie_domain"), "not in the own form");
    }
}
