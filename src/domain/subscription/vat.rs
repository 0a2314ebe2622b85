//! What the register of the Union said of a buyer's VAT number.

use super::{Subscription, SubscriptionEvent};
use crate::domain::shared::PersonalRef;
use crate::domain::shared::vat_number::VatCheck;
use chrono::{DateTime, TimeDelta, Utc};

/// Time after which a confirmed number is asked for again.
const ASK_AGAIN: TimeDelta = TimeDelta::days(90);

impl Subscription {
    /// Whether a business buys, as far as is known: a number that the register refused makes none, one that
    /// it has not answered for does.
    #[must_use]
    pub fn is_business(&self) -> bool {
        self.vat_number.is_some() && self.vat_check != Some(VatCheck::Refused)
    }

    /// What the register said of the VAT number, and when; none if there is none, or it was not asked.
    #[must_use]
    pub fn vat_check(&self) -> Option<(&VatCheck, Option<DateTime<Utc>>)> {
        self.vat_number.as_ref().and(self.vat_check.as_ref()).map(|check| (check, self.vat_checked_at))
    }

    /// From when on the register is to be asked (again): at once for a number that it was never asked for or has
    /// not answered for, else every 90 days, since numbers are struck off.
    #[must_use]
    pub fn ask_register_from(&self) -> Option<DateTime<Utc>> {
        let last = self.vat_checked_at.or(self.joined_at)?;
        self.vat_number.as_ref()?;
        match &self.vat_check {
            None | Some(VatCheck::Pending) => Some(last),
            Some(VatCheck::Confirmed { .. }) => Some(last + ASK_AGAIN),
            Some(VatCheck::Refused) => None,
        }
    }

    pub(super) fn record_vat_check(
        &self,
        number: &PersonalRef,
        check: VatCheck,
        at: DateTime<Utc>,
    ) -> Vec<SubscriptionEvent> {
        let other = self.vat_number.as_ref() != Some(number);
        // No answer changes nothing: it was pending before, or is confirmed until the register says otherwise.
        if other || check == VatCheck::Pending || self.vat_check.as_ref() == Some(&VatCheck::Refused) {
            return vec![];
        }
        vec![SubscriptionEvent::VatNumberChecked { check, at }]
    }
}
