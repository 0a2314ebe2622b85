//! Says that the studio will ask another price.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The price to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPrice {
    /// Plan and interval.
    pub plan: String,
    /// What a period costs until then.
    pub previous: Money,
    /// What it will cost.
    pub price: Money,
    /// For periods that begin on this day or later.
    pub from: NaiveDate,
    /// The first payment of the new price, where it is known.
    pub first_due: Option<NaiveDate>,
    /// The day that they were told before.
    #[serde(default)]
    pub instead_of: Option<NaiveDate>,
}

impl NewPrice {
    pub(super) fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        let from = day_words(self.from);
        let mut letter =
            Letter::new(format!("The price of your membership changes on {from}")).to_person(name);
        if let Some(before) = self.instead_of {
            letter = letter.say(format!(
                "This takes the place of what we wrote before: what we announced for {} no longer holds.",
                day_words(before)
            ));
        }
        // Payments before that day are still of the old price.
        let until = match self.first_due {
            Some(day) => format!("{}, when the new price is due for the first time", day_words(day)),
            None => "the new price is due for the first time".into(),
        };
        letter = letter
            .say("Periods that begin on that day or later cost the new price. Until then everything stays as it is.")
            .say(format!("If you do not agree, cancel before {until}: you keep what is paid for, and never pay the new price."))
            .row("Plan", self.plan.as_str())
            .row("Price now", self.previous.to_string())
            .row("New price", self.price.to_string());
        if let Some(day) = self.first_due {
            letter = letter.row("First payment of it", day_words(day));
        }
        letter.button("See or cancel your subscription", studio.link("/account/subscription")).sign(studio)
    }
}
