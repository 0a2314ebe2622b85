//! Mail services whose addresses are thrown away after a few minutes: nobody is reached there again.

use crate::domain::shared::MailAddress;
use std::collections::HashSet;
use std::sync::LazyLock;

static DOMAINS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("disposable_domains.txt").lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect()
});

/// Whether an address belongs to such a service.
#[must_use]
pub fn is_disposable(mail: &MailAddress) -> bool {
    domains_of(mail).any(|domain| DOMAINS.contains(domain))
}

/// Whether an address belongs to one of `domains`, in any case of letters.
#[must_use]
pub fn is_of_any(mail: &MailAddress, domains: &[String]) -> bool {
    domains_of(mail).any(|domain| domains.iter().any(|one| one.eq_ignore_ascii_case(domain)))
}

/// The domain of an address and those above it.
fn domains_of(mail: &MailAddress) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(mail.domain()), |domain| domain.split_once('.').map(|(_, above)| above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throw_away_addresses_are_known_by_their_domain_and_what_lies_below_it() {
        let is = |text: &str| {
            let mail = MailAddress::parse(text).unwrap();
            is_disposable(&mail) || is_of_any(&mail, &["spam.example".into()])
        };
        for bad in ["a@mailinator.com", "a@Sub.Mailinator.com", "a@spam.example", "a@x.SPAM.example"] {
            assert!(is(bad), "{bad}");
        }
        for good in
            ["a@example.org", "a@my-mailinator.com.example", "a@gmail.com", "a@mailinator.com.example.org"]
        {
            assert!(!is(good), "{good}");
        }
    }

    #[test]
    fn the_list_is_clean_and_names_no_service_that_everybody_uses() {
        assert!(DOMAINS.len() > 5_000);
        assert!(DOMAINS.iter().all(|d| d.contains('.') && *d == d.trim().to_lowercase()));
        for known in ["gmail.com", "outlook.com", "gmx.de", "proton.me", "icloud.com", "yahoo.com"] {
            assert!(!DOMAINS.contains(known), "{known}");
        }
    }
}
