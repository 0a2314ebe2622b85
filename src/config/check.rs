//! Values that are known to be of no use, found before anything is started with them.

use super::Config;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::mail_address::MailAddress;
use crate::domain::shared::money::Currency;
use crate::domain::shared::sepa::is_iban;
use crate::domain::shared::tax::Country;
use crate::store::StoreError;
use crate::store::address::Address;

/// Name of a setting, and what is wrong with it in words for operators.
pub type Problem = (&'static str, String);

impl Config {
    /// All settings that can never work, whatever the mode. What only matters in production, and what lies in files,
    /// is looked at by `kinora config check --deploy`.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut found: Vec<Problem> = vec![];
        let mut must = |good: bool, setting, words: &str| {
            if !good {
                found.push((setting, words.to_owned()));
            }
        };
        let site = self.base_url.as_deref();
        must(site.is_none_or(is_web), "base_url", "must be an address such as https://studio.example.org");
        for (setting, url) in
            [("database_url", &self.database_url), ("keys_database_url", &self.keys_database_url)]
        {
            let problem = url.as_deref().and_then(database_problem);
            must(problem.is_none(), setting, &problem.unwrap_or_default());
        }

        let reports = self.sentry_dsn().and_then(|dsn| sentry_problem(dsn, self.is_production()));
        must(reports.is_none(), "sentry_dsn", reports.unwrap_or_default());

        let studio = &self.studio;
        must(
            Zone::parse(&studio.zone).is_ok(),
            "studio.zone",
            "must be an IANA time zone such as Europe/Amsterdam",
        );
        must(
            Country::parse(&studio.country).is_ok(),
            "studio.country",
            "must be a country's two letters such as NL",
        );
        must(studio.hue < 360, "studio.hue", "must be 0 to 359");
        let told = studio.security_contact.as_deref();
        let reachable = |c: &str| ["mailto:", "https://", "tel:"].iter().any(|scheme| c.starts_with(scheme));
        must(
            told.is_none_or(reachable),
            "studio.security_contact",
            "must begin with mailto: or https:// (RFC 9116), such as mailto:security@example.org",
        );
        let contact = &studio.contact;
        must(
            contact.is_empty() || MailAddress::parse(contact).is_ok(),
            "studio.contact",
            "must be a mail address",
        );
        must(
            is_sender(&self.mail.from),
            "mail.from",
            "must be a mail address, or a name and an address in < >",
        );
        must(
            self.mail.smtp_url.as_deref().is_none_or(is_smtp),
            "mail.smtp_url",
            "must be an address such as smtp://host:587 or smtps://user:password@host",
        );

        let billing = &self.billing;
        must(
            Currency::parse(&billing.currency).is_ok(),
            "billing.currency",
            "must be a currency's three letters such as EUR",
        );
        must((1..=20).contains(&billing.attempts), "billing.attempts", "must be 1 to 20");
        must((1..=60).contains(&billing.retry_days), "billing.retry_days", "must be 1 to 60");
        must(billing.withdrawal_days <= 60, "billing.withdrawal_days", "must be 0 to 60");
        must(billing.reminder_days <= 92, "billing.reminder_days", "must be 0 to 92");
        must(billing.card_reminder_days <= 92, "billing.card_reminder_days", "must be 0 to 92");
        must(billing.trial_reminder_days <= 92, "billing.trial_reminder_days", "must be 0 to 92");

        let accounts = &self.accounts;
        must(
            (8..=4 << 20).contains(&accounts.password_memory_kib),
            "accounts.password_memory_kib",
            "must be 8 to 4194304",
        );
        must((1..=100).contains(&accounts.password_passes), "accounts.password_passes", "must be 1 to 100");
        must(accounts.session_days > 0, "accounts.session_days", "must be at least 1");
        must(accounts.staff_idle_minutes > 0, "accounts.staff_idle_minutes", "must be at least 1");
        must(accounts.staff_session_hours > 0, "accounts.staff_session_hours", "must be at least 1");

        let bank = &self.gateways.bank;
        must(
            !bank.enabled || is_iban(&bank.iban),
            "gateways.bank.iban",
            "is no IBAN: look at its check digits",
        );
        must((1..=10).contains(&self.cdn.minutes), "cdn.minutes", "must be 1 to 10");
        must(self.media.stuck_seconds >= 2, "media.stuck_seconds", "must be at least 2");

        let parts = [
            self.delivery.problem(),
            self.media.problem(),
            self.limits.problem(),
            billing.problem(),
            bank.problem(),
            self.search.problem(),
        ];
        found.extend(parts.into_iter().flatten());
        found
    }
}

/// What is wrong with the address to which errors are reported.
fn sentry_problem(dsn: &str, production: bool) -> Option<&'static str> {
    let Ok(dsn) = dsn.parse::<sentry::types::Dsn>() else {
        return Some("must be a DSN such as https://KEY@sentry.example.org/1");
    };
    let host = dsn.host().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match dsn.scheme() {
        sentry::types::Scheme::Https => None,
        sentry::types::Scheme::Http if local && !production => None,
        sentry::types::Scheme::Http => Some("must be https://; http:// on this machine outside production"),
    }
}

fn is_web(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|u| matches!(u.scheme(), "http" | "https") && u.has_host())
}

fn is_smtp(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|u| matches!(u.scheme(), "smtp" | "smtps") && u.has_host())
}

/// As an address, or as words such as `host=/run/postgresql user=kinora_app`.
fn database_problem(text: &str) -> Option<String> {
    match Address::parse(text) {
        Ok(address) if !address.get_hosts().is_empty() => None,
        Err(StoreError::Address(words)) => Some(words),
        _ => Some("must be an address such as postgresql://kinora_app@127.0.0.1/kinora".into()),
    }
}

/// `studio@example.org` or `Studio <studio@example.org>`.
fn is_sender(text: &str) -> bool {
    let address = match text.trim().strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
        Some((_, address)) => address,
        None => text,
    };
    // Some try a studio out on one machine.
    MailAddress::parse(&address.replace("@localhost", "@localhost.localdomain")).is_ok()
        || MailAddress::parse(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_work_is_named() {
        assert_eq!(Config::default().problems(), []);
        let with = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.problems().into_iter().map(|(setting, _)| setting).collect::<Vec<_>>()
        };
        type Change = fn(&mut Config);
        let bad: [(&str, Change); 28] = [
            ("base_url", |c| c.base_url = Some("foo".into())),
            ("database_url", |c| c.database_url = Some("nonsense".into())),
            ("database_url", |c| {
                c.database_url = Some("postgresql://db.example/k?sslmode=verify-full".into())
            }),
            ("keys_database_url", |c| c.keys_database_url = Some("postgresql:///".into())),
            ("sentry_dsn", |c| c.sentry_dsn = Some("https://sentry.example.org/1".into())),
            ("sentry_dsn", |c| c.sentry_dsn = Some("http://key@sentry.example.org/1".into())),
            ("studio.zone", |c| c.studio.zone = "Mars/X".into()),
            ("studio.country", |c| c.studio.country = "ZZZ".into()),
            ("studio.hue", |c| c.studio.hue = 360),
            ("studio.security_contact", |c| c.studio.security_contact = Some("foo".into())),
            ("studio.contact", |c| c.studio.contact = "foo".into()),
            ("mail.from", |c| c.mail.from = "nonsense".into()),
            ("mail.smtp_url", |c| c.mail.smtp_url = Some("ftp://x".into())),
            ("billing.currency", |c| c.billing.currency = "xx".into()),
            ("billing.attempts", |c| c.billing.attempts = 0),
            ("billing.retry_days", |c| c.billing.retry_days = 0),
            ("billing.withdrawal_days", |c| c.billing.withdrawal_days = 61),
            ("billing.reminder_days", |c| c.billing.reminder_days = 93),
            ("billing.card_reminder_days", |c| c.billing.card_reminder_days = 93),
            ("billing.trial_reminder_days", |c| c.billing.trial_reminder_days = 93),
            ("accounts.password_memory_kib", |c| c.accounts.password_memory_kib = 7),
            ("accounts.password_passes", |c| c.accounts.password_passes = 0),
            ("accounts.session_days", |c| c.accounts.session_days = 0),
            ("accounts.staff_idle_minutes", |c| c.accounts.staff_idle_minutes = 0),
            ("gateways.bank.iban", |c| {
                c.gateways.bank.enabled = true;
                c.gateways.bank.iban = "XX00".into();
            }),
            ("cdn.minutes", |c| c.cdn.minutes = 11),
            ("media.stuck_seconds", |c| c.media.stuck_seconds = 1),
            ("media.av1_speed", |c| c.media.av1_speed = 11),
        ];
        for (setting, change) in bad {
            assert_eq!(with(change), [setting]);
        }
        let good: [Change; 11] = [
            |c| c.base_url = Some("http://127.0.0.1:8080".into()),
            |c| c.database_url = Some("postgresql://kinora_app@localhost/kinora".into()),
            |c| c.database_url = Some("host=/run/postgresql user=kinora_app dbname=kinora".into()),
            |c| c.studio.hue = 359,
            |c| c.studio.security_contact = Some("mailto:security@example.org".into()),
            |c| c.mail.from = "studio@example.org".into(),
            |c| c.mail.from = "Studio <studio@localhost>".into(),
            |c| c.mail.smtp_url = Some("smtps://user:12@mail.example.org".into()),
            |c| c.billing.withdrawal_days = 60,
            |c| c.gateways.bank.iban = "NL91 ABNA 0417 1643 00".into(),
            |c| c.media.stuck_seconds = 2,
        ];
        for change in good {
            assert_eq!(with(change), Vec::<&str>::new());
        }
    }
}
