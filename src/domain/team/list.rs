//! Who belongs to a team, as its owner writes it down.

use crate::domain::shared::MailAddress;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

/// Most addresses of one team.
pub const MOST_ADDRESSES: usize = 1000;

/// Domains at which anybody can have an address: they say nothing about who belongs together.
static PUBLIC: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("public_mail_domains.txt").lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect()
});

/// Why a list cannot be used: of which field, and in words for the owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct ListError {
    /// `addresses` or `domain`.
    pub field: &'static str,
    /// What to do.
    pub words: String,
}

/// Who belongs to a team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamList {
    /// Addresses as they are compared.
    pub addresses: BTreeSet<String>,
    /// Everybody with a confirmed address at exactly this domain.
    pub domain: Option<String>,
}

impl TeamList {
    /// Reads what the owner typed: addresses by line, comma or space, and a domain.
    ///
    /// # Errors
    /// For the first thing that cannot be used.
    pub fn parse(addresses: &str, domain: &str) -> Result<Self, ListError> {
        let wrong = |field, words: String| ListError { field, words };
        let mut list = Self::default();
        for word in addresses.split(|c: char| c.is_whitespace() || c == ',' || c == ';') {
            if word.is_empty() {
                continue;
            }
            let mail = MailAddress::parse(word)
                .map_err(|_| wrong("addresses", format!("“{word}” is no mail address.")))?;
            list.addresses.insert(mail.lookup_form());
        }
        if list.addresses.len() > MOST_ADDRESSES {
            return Err(wrong(
                "addresses",
                format!("A team has at most {MOST_ADDRESSES} addresses; use the domain."),
            ));
        }
        let domain = domain.trim().trim_start_matches('@').to_lowercase();
        if !domain.is_empty() {
            if MailAddress::parse(&format!("a@{domain}")).is_err() || !domain.contains('.') {
                return Err(wrong(
                    "domain",
                    format!("“{domain}” is no mail domain, such as studio.example."),
                ));
            }
            if PUBLIC.contains(&domain.as_str()) {
                let words = format!(
                    "Anybody can have an address at {domain}. List the addresses of your people instead."
                );
                return Err(wrong("domain", words));
            }
            list.domain = Some(domain);
        }
        Ok(list)
    }

    /// Whether somebody with this confirmed address belongs to it.
    #[must_use]
    pub fn has(&self, mail: &str) -> bool {
        let Ok(mail) = MailAddress::parse(mail) else { return false };
        let form = mail.lookup_form();
        let at = form.rsplit('@').next().unwrap_or_default();
        self.addresses.contains(&form) || self.domain.as_deref() == Some(at)
    }
}
