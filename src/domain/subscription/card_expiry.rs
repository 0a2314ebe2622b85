//! A card that will soon be valid no more: its holder is told while there is time to add another.

use super::{Status, Subscription, SubscriptionEvent, Terms};
use crate::domain::shared::payment::{BillingPolicy, Collection};
use chrono::{DateTime, Days, NaiveDate, Utc};

/// Longest time before its end at which a member may be reminded.
const LONGEST: Days = Days::new(92);

impl Subscription {
    /// The end of the card, if its holder was not told yet.
    fn card_end(&self, terms: &Terms) -> Option<NaiveDate> {
        let goes_on = self.status == Some(Status::Active) && terms.collection == Collection::Automatic;
        let end = self.method.as_ref().filter(|_| goes_on)?.expires_on?;
        (self.card_announced != Some(end)).then_some(end)
    }

    /// The earliest time at which the reminder may be due.
    pub(super) fn card_reminder_from(&self, terms: &Terms) -> Option<DateTime<Utc>> {
        Some(terms.zone.start_of_day(self.card_end(terms)?.checked_sub_days(LONGEST)?))
    }

    /// The reminder, if it is due. A card that is past its end is not announced: whoever charges it decides.
    pub(super) fn remind_of_card(
        &self,
        terms: &Terms,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Option<SubscriptionEvent> {
        let expires_on = self.card_end(terms)?;
        let days_before = policy.card_reminder_days;
        let due = terms.zone.start_of_day(expires_on.checked_sub_days(Days::new(days_before.into()))?);
        (at >= due && at < terms.zone.start_of_day(expires_on))
            .then_some(SubscriptionEvent::CardExpiryAnnounced { expires_on, days_before })
    }
}
