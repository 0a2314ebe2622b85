//! The register of VAT numbers of the Union (VIES), by its REST interface:
//! <https://ec.europa.eu/assets/taxud/vow-information/swagger_publicVAT.yaml>.

use crate::adapters::https::{self, Https};
use crate::domain::shared::vat_number::VatCheck;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// How long an answer may take: somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(6);

/// The register.
pub struct Vies {
    https: Https,
    base: Url,
    /// The studio's own number: who names it gets a proof of the consultation.
    requester: Option<(String, String)>,
}

/// "NL000099998B57" as the register wants it: country, and the rest.
fn parts(number: &str) -> Option<(String, String)> {
    let plain: String = number.chars().filter(char::is_ascii_alphanumeric).collect();
    (plain.len() > 2).then(|| (plain[..2].to_uppercase(), plain[2..].to_owned()))
}

impl Vies {
    /// The register at `base`; `own` is the studio's VAT number, if it has one.
    ///
    /// # Errors
    /// In words, for an address that cannot be used.
    pub fn new(base: &str, own: &str, plain: bool, https: Https) -> Result<Self, String> {
        let base = https::service("vies.base_url", base, plain)?;
        Ok(Self { https, base, requester: parts(own) })
    }

    /// What it says of a number as tax offices write it. Whatever is no plain answer says nothing about it.
    pub async fn ask(&self, number: &str) -> VatCheck {
        let Some((country, rest)) = parts(number) else { return VatCheck::Refused };
        let mut body = json!({ "countryCode": country, "vatNumber": rest });
        if let Some((country, rest)) = &self.requester {
            body["requesterMemberStateCode"] = json!(country);
            body["requesterNumber"] = json!(rest);
        }
        let address = format!("{}/check-vat-number", self.base.as_str().trim_end_matches('/'));
        let request = Request::post(address)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Full::new(Bytes::from(body.to_string())));
        let Ok(request) = request else { return VatCheck::Pending };
        match self.https.send(request, PATIENCE).await {
            Ok((200, bytes)) => read(&bytes),
            Ok((status, _)) => {
                tracing::warn!(status, "the register of VAT numbers has no answer");
                VatCheck::Pending
            }
            Err(error) => {
                tracing::warn!(%error, "the register of VAT numbers cannot be reached");
                VatCheck::Pending
            }
        }
    }
}

fn read(bytes: &[u8]) -> VatCheck {
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else { return VatCheck::Pending };
    // "MS_UNAVAILABLE", "TIMEOUT" and their like come with status 200 as well.
    let trouble = answer["actionSucceed"] == false
        || !matches!(answer["userError"].as_str(), None | Some("" | "VALID" | "INVALID"));
    match answer["valid"].as_bool() {
        _ if trouble => VatCheck::Pending,
        Some(true) => {
            let id = answer["requestIdentifier"].as_str().filter(|id| !id.is_empty());
            VatCheck::Confirmed { consultation: id.map(str::to_owned) }
        }
        Some(false) => VatCheck::Refused,
        None => VatCheck::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_no_is_a_no() {
        let said = |text: &str| read(text.as_bytes());
        let confirmed = |id: Option<&str>| VatCheck::Confirmed { consultation: id.map(str::to_owned) };
        assert_eq!(said(r#"{"valid":true,"requestIdentifier":"WAPI1"}"#), confirmed(Some("WAPI1")));
        assert_eq!(said(r#"{"valid":true,"requestIdentifier":"","userError":"VALID"}"#), confirmed(None));
        assert_eq!(said(r#"{"valid":false,"userError":"INVALID"}"#), VatCheck::Refused);
        assert_eq!(said(r#"{"valid":false}"#), VatCheck::Refused);
        for nothing in [
            r#"{"valid":false,"userError":"MS_UNAVAILABLE"}"#,
            r#"{"actionSucceed":false,"errorWrappers":[{"error":"MS_MAX_CONCURRENT_REQ"}]}"#,
            r#"{"actionSucceed":false,"valid":false}"#,
            "{}",
            "<html>",
        ] {
            assert_eq!(said(nothing), VatCheck::Pending, "{nothing}");
        }
        assert_eq!(parts("EL094259216"), Some(("EL".into(), "094259216".into())));
        assert_eq!(parts("x"), None);
    }
}
