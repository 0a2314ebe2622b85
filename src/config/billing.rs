//! Settings of billing.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Billing rules; the values in force are written into the events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Billing {
    /// Attempts per order.
    pub attempts: u32,
    /// Days between attempts.
    pub retry_days: u32,
    /// Weeks on hold before expiry.
    pub expiry_weeks: u32,
    /// Days before the due date at which a manual order is made and reminders are sent.
    pub reminder_days: u32,
    /// Days before a card expires at which the member is reminded; at most 92.
    pub card_reminder_days: u32,
    /// Days before the end of a trial at which the member is reminded; at most 92.
    pub trial_reminder_days: u32,
    /// Money above this needs a second person, where staff give it back, give it up, or say that it came; in minor
    /// units of the currency it is in.
    pub second_person_over: i64,
    /// Days above this need a second person, where staff give time: days added to a subscription within a year, and
    /// complimentary access (without an end always).
    pub second_person_over_days: u32,
    /// Days after which such a request lapses when nobody decides; 1 to 365.
    pub second_person_within_days: u16,
    /// Days of notice that members have before they are asked another price.
    pub price_notice_days: u16,
    /// Days after joining in which consumers may withdraw, at most 60; in the European Union at least 14. 0: not at all.
    pub withdrawal_days: u16,
    /// Whether who joins has to ask for access at once and give up the right of withdrawal.
    pub withdrawal_waiver: bool,
    /// Whether a disputed payment ends the subscription at once; else access stays until staff decide.
    pub dispute_ends_access: bool,
    /// Days after its payment in which a gift can be redeemed; 0: for ever.
    pub gift_days: u32,
    /// Largest bank statement that staff may send, in bytes.
    pub statement_bytes: usize,
    /// Database of countries by address (MaxMind DB file, such as GeoLite2 Country), for visitors whose billing
    /// country is not known yet; read again when the file changes. Without it the studio's country is assumed.
    pub geoip_db: Option<PathBuf>,
    /// Address of the European Central Bank's file of reference rates, such as
    /// `https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml` (at most 1 MiB), which the job `exchange-rates`
    /// fetches while a return for the one-stop shop lacks a rate. Without it nothing is fetched, and staff send the file.
    pub exchange_rates_url: Option<String>,
    /// Currency outside the table below.
    pub currency: String,
    /// Currency by billing country.
    pub currencies: BTreeMap<String, String>,
}

impl Default for Billing {
    fn default() -> Self {
        Self {
            attempts: 3,
            retry_days: 2,
            expiry_weeks: 24,
            reminder_days: 7,
            card_reminder_days: 30,
            trial_reminder_days: 3,
            second_person_over: 25_000,
            second_person_over_days: 92,
            second_person_within_days: 14,
            price_notice_days: 30,
            withdrawal_days: 14,
            withdrawal_waiver: false,
            dispute_ends_access: false,
            gift_days: 0,
            statement_bytes: 8 << 20,
            geoip_db: None,
            exchange_rates_url: None,
            currency: "EUR".into(),
            currencies: BTreeMap::from([("US".into(), "USD".into())]),
        }
    }
}

impl Billing {
    /// Where the bank's file of rates is fetched, if it is.
    #[must_use]
    pub fn exchange_rates_url(&self) -> Option<&str> {
        self.exchange_rates_url.as_deref().filter(|address| !address.is_empty())
    }

    /// How long a second person may take to decide.
    #[must_use]
    pub fn second_person_within(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.second_person_within_days))
    }

    /// What is wrong with the settings, in words for operators: name of the setting and words.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if self.second_person_over < 0 {
            let words = "must be 0 or more: 0 asks for a second person whenever money is given";
            return Some(("billing.second_person_over", words.into()));
        }
        if !(1..=365).contains(&self.second_person_within_days) {
            return Some(("billing.second_person_within_days", "must be 1 to 365".into()));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Billing;

    #[test]
    fn a_request_lapses_within_a_year_and_no_limit_is_below_zero() {
        let with = |within, over| {
            let usual = Billing::default();
            let set = Billing { second_person_within_days: within, second_person_over: over, ..usual };
            set.problem().map(|(setting, _)| setting)
        };
        assert_eq!((with(1, 0), with(365, i64::MAX)), (None, None));
        let days = Some("billing.second_person_within_days");
        assert_eq!((with(0, 0), with(366, 0)), (days, days));
        assert_eq!(with(14, -1), Some("billing.second_person_over"));
    }
}
