//! Addresses on a network of caches (CDN) in front of the files, signed for some minutes.
//!
//! The network cannot ask for the right. So the player keeps the addresses of the studio, each of which is
//! checked, and is led from there to an address that holds for at most ten minutes: whoever goes on
//! watching gets the next one with the next segment, and nobody has to hand out renewed ones.
//!
//! `docs/media.md` describes both forms. Addresses end at full steps of time, so that those who ask for the
//! same segment soon after another get the same address.

use super::error::HttpError;
use crate::config::{self, CdnSigning, Config, secrets};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha1::Digest;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Below this the network finds a file that is to be saved and not shown.
pub const SAVE: &str = "save/";
/// The header by which the network shows who it is when it fetches files.
pub const ORIGIN_HEADER: &str = "x-kinora-cdn";
/// Policies that are kept before the lot is thrown away.
const KEPT: usize = 4096;
/// `DigestInfo` of SHA-1 (RFC 8017, 9.2, note 1).
const SHA1_PREFIX: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];

enum Signer {
    Hmac(Zeroizing<[u8; 32]>),
    CloudFront { key: Box<RsaPrivateKey>, id: String },
}

/// What signs addresses of the network.
pub struct Cdn {
    base: String,
    seconds: i64,
    signer: Signer,
    /// The domain of cookies, if browsers bring the right as such.
    domain: Option<String>,
    /// Queries by work and round, with their ends: signing by RSA takes its time.
    policies: Mutex<HashMap<(Uuid, u32), (i64, String)>>,
}

impl Cdn {
    /// As the settings say; `None` without a network. `key` is that of the own form.
    ///
    /// # Errors
    /// If the private key cannot be used, in words for operators.
    pub fn open(cdn: &config::Cdn, key: &Zeroizing<[u8; 32]>) -> Result<Option<Self>, String> {
        let Some(base) = cdn.base() else { return Ok(None) };
        let signer = match (cdn.signing, &cdn.private_key_file) {
            (CdnSigning::Hmac, _) => Signer::Hmac(key.clone()),
            (CdnSigning::CloudFront, None) => return Err("cdn.private_key_file is missing".into()),
            (CdnSigning::CloudFront, Some(file)) => {
                let key = private_key(&secrets::private(file)?)
                    .ok_or_else(|| format!("{} holds no RSA key as PEM", file.display()))?;
                Signer::CloudFront { key: Box::new(key), id: cdn.key_pair_id.clone() }
            }
        };
        let policies = Mutex::default();
        let domain = cdn.cookie_domain().map(str::to_owned);
        Ok(Some(Self { base: base.to_owned(), seconds: cdn.seconds(), signer, domain, policies }))
    }

    /// When an address that is made now ends: at a full step, so at most the set time from now and at least
    /// four fifths of it.
    fn end(&self, now: i64) -> i64 {
        let step = self.seconds / 5;
        now - now.rem_euclid(step) + self.seconds
    }

    /// The address of a file of a work; with `save` one under which it is saved.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub fn address(
        &self,
        (media, round): (Uuid, u32),
        path: &str,
        save: bool,
        now: i64,
    ) -> Result<String, HttpError> {
        let (base, end) = (&self.base, self.end(now));
        let save_as = if save { SAVE } else { "" };
        match &self.signer {
            Signer::Hmac(key) => {
                let signature = hmac(key, media, round, end)?;
                Ok(format!("{base}/{end}.{signature}/{media}/{round}/{save_as}{path}"))
            }
            Signer::CloudFront { key, id } if save => {
                let url = format!("{base}/{media}/{round}/{save_as}{path}");
                let signature = sign(key, policy(&url, end).as_bytes())?;
                Ok(format!("{url}?Expires={end}&Signature={signature}&Key-Pair-Id={id}"))
            }
            Signer::CloudFront { key, id } => {
                let query = self.wildcard((media, round), end, key, id)?;
                Ok(format!("{base}/{media}/{round}/{path}?{query}"))
            }
        }
    }

    /// Whether browsers of this site bring the right as cookies.
    #[must_use]
    pub fn gives_cookies(&self) -> bool {
        self.domain.is_some()
    }

    /// The plain address of a file, and the cookies that open everything of its round; `None` where addresses
    /// are signed. The names are CloudFront's.
    ///
    /// # Errors
    /// If they cannot be signed.
    pub fn with_cookies(
        &self,
        (media, round): (Uuid, u32),
        path: &str,
        save: bool,
        now: i64,
    ) -> Result<Option<(String, Vec<String>)>, HttpError> {
        let (Some(domain), Signer::CloudFront { key, id }) = (&self.domain, &self.signer) else {
            return Ok(None);
        };
        let end = self.end(now);
        let query = self.wildcard((media, round), end, key, id)?;
        // The base may have a path of its own.
        let below =
            self.base.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, p)| p);
        let slash = if below.is_empty() { "" } else { "/" };
        let place = format!("Domain={domain}; Path=/{below}{slash}{media}/{round}/");
        let cookies = query.split('&').map(|pair| {
            format!("CloudFront-{pair}; {place}; Max-Age={}; Secure; HttpOnly; SameSite=Lax", end - now)
        });
        let save_as = if save { SAVE } else { "" };
        Ok(Some((format!("{}/{media}/{round}/{save_as}{path}", self.base), cookies.collect())))
    }

    /// The query that opens everything of a round until `end`.
    fn wildcard(
        &self,
        (media, round): (Uuid, u32),
        end: i64,
        key: &RsaPrivateKey,
        id: &str,
    ) -> Result<String, HttpError> {
        let kept = |kept: &HashMap<_, (i64, String)>| {
            kept.get(&(media, round)).filter(|(until, _)| *until == end).map(|(_, query)| query.clone())
        };
        if let Some(query) = kept(&self.policies.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(query);
        }
        let policy = policy(&format!("{}/{media}/{round}/*", self.base), end);
        let signature = sign(key, policy.as_bytes())?;
        let query = format!("Policy={}&Signature={signature}&Key-Pair-Id={id}", url_safe(policy.as_bytes()));
        let mut policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if policies.len() >= KEPT {
            policies.clear();
        }
        policies.insert((media, round), (end, query.clone()));
        Ok(query)
    }
}

/// What is wrong with the key of the network, in words for operators.
#[must_use]
pub fn problem(config: &Config) -> Option<String> {
    Cdn::open(&config.cdn, &Zeroizing::new([0; 32])).err()
}

/// The policy of CloudFront that one resource, or all that a star stands for, may be had until `end`. Without
/// spaces, in this order: the canned policy is not sent but made anew by the network.
fn policy(resource: &str, end: i64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{end}}}}}}}]}}"#
    )
}

/// Base64 with the three characters changed that have a meaning in an address.
fn url_safe(bytes: &[u8]) -> String {
    STANDARD.encode(bytes).replace('+', "-").replace('=', "_").replace('/', "~")
}

/// RSA PKCS #1 v1.5 with SHA-1, blinded.
fn sign(key: &RsaPrivateKey, text: &[u8]) -> Result<String, HttpError> {
    let scheme = Pkcs1v15Sign { hash_len: Some(20), prefix: SHA1_PREFIX.into() };
    let signed = key.sign_with_rng(&mut rand::rng(), scheme, &sha1::Sha1::digest(text));
    Ok(url_safe(&signed.map_err(|e| HttpError::Internal(format!("signing for the CDN: {e}")))?))
}

fn hmac(key: &Zeroizing<[u8; 32]>, media: Uuid, round: u32, end: i64) -> Result<String, HttpError> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_slice())
        .map_err(|e| HttpError::Internal(format!("signing for the CDN: {e}")))?;
    mac.update(format!("kinora cdn v1\n{media}\n{round}\n{end}").as_bytes());
    Ok(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn private_key(pem: &str) -> Option<RsaPrivateKey> {
    RsaPrivateKey::from_pkcs8_pem(pem).or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem).map_err(|_| ())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    const NOW: i64 = 1_767_290_399;

    fn media() -> Uuid {
        Uuid::parse_str("0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000").unwrap()
    }

    fn settings(signing: CdnSigning, file: Option<&Path>) -> config::Cdn {
        config::Cdn {
            base_url: Some("https://d111111abcdef8.cloudfront.net/".into()),
            signing,
            key_pair_id: "K2JCJMDEHXQW5F".into(),
            private_key_file: file.map(Path::to_owned),
            cookie_domain: None,
            minutes: 10,
        }
    }

    fn openssl(folder: &Path, args: &[&str]) -> String {
        let out = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    fn part<'a>(address: &'a str, name: &str) -> &'a str {
        let start = address.find(&format!("{name}=")).unwrap() + name.len() + 1;
        address[start..].split('&').next().unwrap()
    }

    fn decoded(text: &str) -> Vec<u8> {
        STANDARD.decode(text.replace('-', "+").replace('_', "=").replace('~', "/")).unwrap()
    }

    /// Whether openssl, with the public key alone, finds the signature right.
    fn verified(folder: &Path, text: &[u8], signature: &str) -> bool {
        std::fs::write(folder.join("text"), text).unwrap();
        std::fs::write(folder.join("signature"), decoded(signature)).unwrap();
        let args = ["dgst", "-sha1", "-verify", "public.pem", "-signature", "signature", "text"];
        Command::new("openssl").args(args).current_dir(folder).output().unwrap().status.success()
    }

    #[test]
    fn policies_are_written_as_cloudfront_documents_them() {
        // The examples of its guide: the text that is signed, and how it stands in an address.
        let url = "https://d111111abcdef8.cloudfront.net/horizon.jpg?size=large&license=yes";
        let text = policy(url, 1_767_290_400);
        assert_eq!(
            text,
            "{\"Statement\":[{\"Resource\":\"https://d111111abcdef8.cloudfront.net/horizon.jpg?size=large&license=yes\",\
             \"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":1767290400}}}]}"
        );
        assert_eq!(url_safe(&[0xfb, 0xff, 0xfe, 0xff]), "-~~-~w__", "+, / and = have other meanings there");
        assert_eq!(url_safe(b"signed"), "c2lnbmVk");
        assert!(!url_safe(text.as_bytes()).contains(['+', '/', '=']));
    }

    #[test]
    fn what_is_signed_for_cloudfront_holds_against_the_public_key() {
        let folder = tempfile::tempdir().unwrap();
        openssl(folder.path(), &["genrsa", "-out", "pkcs8.pem", "2048"]);
        openssl(folder.path(), &["rsa", "-in", "pkcs8.pem", "-traditional", "-out", "pkcs1.pem"]);
        openssl(folder.path(), &["rsa", "-in", "pkcs8.pem", "-pubout", "-out", "public.pem"]);
        for name in ["pkcs8.pem", "pkcs1.pem"] {
            let file = folder.path().join(name);
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
            let key = Zeroizing::new([7; 32]);
            let set = settings(CdnSigning::CloudFront, Some(&file));
            assert!(Cdn::open(&set, &key).is_err_and(|e| e.contains("chmod 600")), "others can read it");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            let cdn = Cdn::open(&set, &key).unwrap().unwrap();
            let round = (media(), 2);
            let base = format!("https://d111111abcdef8.cloudfront.net/{}/2", media());

            let save = cdn.address(round, "download.mp4", true, NOW).unwrap();
            assert!(save.starts_with(&format!("{base}/save/download.mp4?Expires=")), "{save}");
            let end: i64 = part(&save, "Expires").parse().unwrap();
            assert!(end - NOW <= 600 && end - NOW > 480, "{end}");
            assert_eq!(part(&save, "Key-Pair-Id"), "K2JCJMDEHXQW5F");
            let resource = save.split('?').next().unwrap();
            let text = policy(resource, end);
            assert!(verified(folder.path(), text.as_bytes(), part(&save, "Signature")));
            let longer = policy(resource, end + 1);
            assert!(!verified(folder.path(), longer.as_bytes(), part(&save, "Signature")));

            let segment = cdn.address(round, "h264-720/00001.m4s", false, NOW).unwrap();
            let text = decoded(part(&segment, "Policy"));
            assert_eq!(text, policy(&format!("{base}/*"), end).into_bytes());
            assert!(verified(folder.path(), &text, part(&segment, "Signature")));
            assert!(cdn.with_cookies(round, "download.mp4", false, NOW).unwrap().is_none());
            let mut shared = set.clone();
            shared.base_url = Some("https://media.example.org/works/".into());
            shared.cookie_domain = Some(".example.org".into());
            let open = Cdn::open(&shared, &key).unwrap().unwrap();
            let (address, cookies) =
                open.with_cookies(round, "h264-720/00001.m4s", false, NOW).unwrap().unwrap();
            let base = format!("https://media.example.org/works/{}/2", media());
            assert_eq!(address, format!("{base}/h264-720/00001.m4s"));
            let place = format!("; Domain=example.org; Path=/works/{}/2/; Max-Age=", media());
            assert!(
                cookies.iter().all(|c| c.contains(&place) && c.ends_with("; Secure; HttpOnly; SameSite=Lax"))
            );
            let value = |name: &str| {
                let start = format!("CloudFront-{name}=");
                let cookie = cookies.iter().find_map(|c| c.strip_prefix(&start)).unwrap();
                cookie.split(';').next().unwrap().to_owned()
            };
            assert_eq!(value("Key-Pair-Id"), "K2JCJMDEHXQW5F");
            let text = decoded(&value("Policy"));
            assert_eq!(text, policy(&format!("{base}/*"), end).into_bytes());
            assert!(verified(folder.path(), &text, &value("Signature")));
            let next = cdn.address(round, "h264-720/00002.m4s", false, NOW - 1).unwrap();
            assert_eq!(
                part(&next, "Signature"),
                part(&segment, "Signature"),
                "signed once for a step of time"
            );
        }
        std::fs::write(folder.path().join("pkcs1.pem"), "no key").unwrap();
        let set = settings(CdnSigning::CloudFront, Some(&folder.path().join("pkcs1.pem")));
        assert!(Cdn::open(&set, &Zeroizing::new([7; 32])).is_err_and(|e| e.contains("no RSA key")));
    }

    #[test]
    fn the_own_form_can_be_checked_by_any_other_program() {
        let folder = tempfile::tempdir().unwrap();
        let cdn = Cdn::open(&settings(CdnSigning::Hmac, None), &Zeroizing::new([7; 32])).unwrap().unwrap();
        let address = cdn.address((media(), 2), "av1-720/00003.m4s", false, NOW).unwrap();
        let rest = address.strip_prefix("https://d111111abcdef8.cloudfront.net/").unwrap();
        let (token, path) = rest.split_once('/').unwrap();
        assert_eq!(path, format!("{}/2/av1-720/00003.m4s", media()));
        let (end, signature) = token.split_once('.').unwrap();
        std::fs::write(folder.path().join("text"), format!("kinora cdn v1\n{}\n2\n{end}", media())).unwrap();
        let key = format!("hexkey:{}", "07".repeat(32));
        let said =
            openssl(folder.path(), &["dgst", "-sha256", "-mac", "HMAC", "-macopt", &key, "-hex", "text"]);
        let hex = said.trim().rsplit(' ').next().unwrap();
        assert_eq!(hex::encode(URL_SAFE_NO_PAD.decode(signature).unwrap()), hex);
        assert!(Cdn::open(&config::Cdn::default(), &Zeroizing::new([7; 32])).unwrap().is_none());
    }

    #[test]
    fn no_address_holds_longer_than_set() {
        for minutes in 1..=10 {
            let mut set = settings(CdnSigning::Hmac, None);
            set.minutes = minutes;
            let cdn = Cdn::open(&set, &Zeroizing::new([7; 32])).unwrap().unwrap();
            for now in NOW..NOW + 700 {
                let holds = cdn.end(now) - now;
                let most = i64::from(minutes) * 60;
                assert!(holds <= most && holds * 5 > most * 4 - 5, "{holds} of {most}");
            }
        }
    }
}
