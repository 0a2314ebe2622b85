//! Settings of storage: where finished works are kept.

use crate::domain::media::Place;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where finished works are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Store of finished works: `local` (the data folder) or `s3`.
    pub keep: Place,
    /// A bucket that speaks S3.
    pub s3: S3,
}

/// A bucket that speaks S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// Name of the bucket; absent: there is none.
    pub bucket: Option<String>,
    /// Where it answers, such as `https://s3.eu-central-1.amazonaws.com`; absent: Amazon's address of the region.
    pub endpoint: Option<String>,
    /// Region by which requests are signed.
    pub region: String,
    /// Folder in the bucket, if the bucket is not for this studio alone.
    pub prefix: String,
    /// Whether the bucket's name stands in the path (`host/bucket/…`) and not in front of the host; most servers but Amazon's want it.
    pub path_style: bool,
    /// Id of the access key.
    pub key_id: String,
    /// File with the secret of that key, that only its owner can read.
    pub secret_file: Option<PathBuf>,
    /// Most bytes of works in the bucket, beyond which works stay in the data folder; 0: as many as it takes.
    pub most_bytes: u64,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            bucket: None,
            endpoint: None,
            region: "us-east-1".into(),
            prefix: String::new(),
            path_style: true,
            key_id: String::new(),
            secret_file: None,
            most_bytes: 0,
        }
    }
}

impl S3 {
    /// Name of the bucket, if there is one.
    #[must_use]
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref().filter(|b| !b.is_empty())
    }

    /// Where it answers, if that is set.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref().map(|e| e.trim_end_matches('/')).filter(|e| !e.is_empty())
    }
}

impl Storage {
    /// What is wrong with the settings, in words for operators: name of the setting and words. Plain http is
    /// spoken to this machine only, and in production not even there.
    #[must_use]
    pub fn problem(&self, production: bool) -> Option<(&'static str, String)> {
        let s3 = &self.s3;
        let Some(bucket) = s3.bucket() else {
            let words = "must be named to keep works there (storage.keep)".to_owned();
            return (self.keep == Place::S3).then_some(("storage.s3.bucket", words));
        };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) || bucket.contains("..") {
            let words = "must be the name of a bucket: 3 to 63 lower-case letters, digits, hyphens and dots";
            return Some(("storage.s3.bucket", words.into()));
        }
        if s3.region.is_empty() || !s3.region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Some(("storage.s3.region", "must be a name such as eu-central-1".into()));
        }
        let folder = |p: &str| {
            !p.is_empty()
                && !p.starts_with('.')
                && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let prefix = s3.prefix.trim_matches('/');
        if !prefix.is_empty() && !prefix.split('/').all(folder) {
            let words = "must be a folder of letters, digits, hyphens, dots and underscores";
            return Some(("storage.s3.prefix", words.into()));
        }
        if let Some(words) = s3.endpoint().and_then(|e| endpoint_problem(e, production)) {
            return Some(("storage.s3.endpoint", words));
        }
        if s3.key_id.is_empty() {
            return Some(("storage.s3.key_id", "must be the id of an access key of the bucket".into()));
        }
        let Some(file) = &s3.secret_file else {
            return Some((
                "storage.s3.secret_file",
                "is needed: a file with the secret of the access key".into(),
            ));
        };
        match super::secrets::private(file) {
            Err(words) => Some(("storage.s3.secret_file", words)),
            Ok(secret) if secret.trim().is_empty() => {
                Some(("storage.s3.secret_file", format!("{} is empty", file.display())))
            }
            Ok(_) => None,
        }
    }
}

fn endpoint_problem(endpoint: &str, production: bool) -> Option<String> {
    let Some(url) = url::Url::parse(endpoint).ok().filter(|u| {
        u.has_host()
            && u.query().is_none()
            && u.fragment().is_none()
            && u.username().is_empty()
            && u.path() == "/"
    }) else {
        return Some("must be an address such as https://s3.example.org".into());
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => None,
        "http" if local && !production => None,
        "http" if local => Some("must be an https:// address in production".into()),
        _ => Some("must be an https:// address, or http:// on this machine".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn buckets_are_checked_before_anything_is_sent_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let good = S3 {
            bucket: Some("works".into()),
            endpoint: Some("https://s3.example.org/".into()),
            key_id: "AKIA".into(),
            secret_file: Some(file.clone()),
            ..S3::default()
        };
        let said = |change: &dyn Fn(&mut S3), production| {
            let mut s3 = good.clone();
            change(&mut s3);
            Storage { keep: Place::S3, s3 }.problem(production).map(|p| p.0)
        };
        assert_eq!(said(&|_| {}, true), None);
        assert_eq!(said(&|s| s.endpoint = None, true), None);
        assert_eq!(said(&|s| s.prefix = "studio/one/".into(), true), None);
        assert_eq!(said(&|s| s.bucket = None, false), Some("storage.s3.bucket"));
        for bad in ["ab", "Works", "a/b", "a..b", "a b"] {
            assert_eq!(said(&|s| s.bucket = Some(bad.into()), false), Some("storage.s3.bucket"), "{bad}");
        }
        for bad in ["../x", "a//b", "a b", ".x"] {
            assert_eq!(said(&|s| s.prefix = bad.into(), false), Some("storage.s3.prefix"), "{bad}");
        }
        let local = |s: &mut S3| s.endpoint = Some("http://127.0.0.1:9000".into());
        assert_eq!(said(&local, false), None);
        assert_eq!(said(&local, true), Some("storage.s3.endpoint"), "plain http is not for production");
        for bad in [
            "http://s3.example.org",
            "s3.example.org",
            "https://u:p@s3.example.org",
            "https://s3.example.org/?a",
        ] {
            assert_eq!(said(&|s| s.endpoint = Some(bad.into()), false), Some("storage.s3.endpoint"), "{bad}");
        }
        assert_eq!(said(&|s| s.key_id.clear(), false), Some("storage.s3.key_id"));
        assert_eq!(said(&|s| s.region.clear(), false), Some("storage.s3.region"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(said(&|_| {}, false), Some("storage.s3.secret_file"), "others can read it");
        assert_eq!(Storage::default().problem(true), None);
    }
}
