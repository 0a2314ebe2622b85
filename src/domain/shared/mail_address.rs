//! Mail addresses, as far as a program can judge them without sending a mail.

use std::fmt;

/// A mail address in the form `local@domain`: domain in lower case, no white space.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MailAddress(String);

/// Why a text is no mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Enter a mail address in the form name@example.org.")]
pub struct NotAMailAddress;

impl MailAddress {
    /// Reads a mail address; surrounding white space is ignored.
    ///
    /// # Errors
    /// [`NotAMailAddress`] if there is no local part, no dotted or local domain, a space or a
    /// control character, or more than 254 characters (RFC 5321 path limit).
    pub fn parse(text: &str) -> Result<Self, NotAMailAddress> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAMailAddress)?;
        let bad = |c: char| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c);
        let label_ok = |l: &str| !l.is_empty() && l.len() <= 63 && !l.starts_with('-') && !l.ends_with('-');
        let ok = !local.is_empty()
            && local.len() <= 64
            && text.len() <= 254
            && !local.contains('@')
            && !local.chars().any(bad)
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && domain.contains('.')
            && !domain.chars().any(|c| bad(c) || c == '_' || c == '@')
            && domain.split('.').all(label_ok);
        if ok { Ok(Self(format!("{local}@{}", domain.to_lowercase()))) } else { Err(NotAMailAddress) }
    }

    /// The address as the person wrote it, with the domain in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which two spellings of one mailbox are recognised as the same: all lower case.
    #[must_use]
    pub fn lookup_form(&self) -> String {
        self.0.to_lowercase()
    }

    /// The part behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, d)| d)
    }
}

impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_usual_addresses_and_refuses_others() {
        for good in ["ada@example.org", " a.b+c@sub.example.org ", "x@EXAMPLE.org", "é@exämple.org"] {
            assert!(MailAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@host",
            "a b@example.org",
            "a@b..org",
            "a@@b.org",
            ".a@b.org",
            "a@-b.org",
        ] {
            assert!(MailAddress::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            MailAddress::parse("Ada@EXAMPLE.org").map(|m| m.as_str().to_owned()),
            Ok("Ada@example.org".into())
        );
    }
}
