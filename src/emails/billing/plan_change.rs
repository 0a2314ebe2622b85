//! Confirms another plan.

use super::renewed::paid_words;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::Discounted;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a change of plan cost, or costs on the day on which it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanCost {
    /// The difference was paid.
    Paid {
        /// How much, credit included.
        amount: Money,
        /// What of it the member's credit paid.
        #[serde(default)]
        credit: Option<Money>,
    },
    /// The first period is to be paid on the day on which it begins.
    Due(Money),
}

/// See [`super::BillingMail::PlanChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNow {
    /// Plan and interval.
    pub plan: String,
    /// Its price.
    pub price: Money,
    /// When the next payment is due; if something is due now, on that day.
    pub next_due: NaiveDate,
    /// What the change cost, or costs; none in old mails, and where its period is paid already.
    #[serde(default)]
    pub cost: Option<PlanCost>,
    /// Staff did it.
    #[serde(default)]
    pub by_studio: bool,
}

impl PlanNow {
    pub(super) fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        let mut letter = Letter::new("Your plan and its price from now on").to_person(name);
        if self.by_studio {
            letter =
                letter.say("We changed the plan of your membership. If you do not know why, write to us.");
        }
        letter = letter.row("Plan", &self.plan).row("Price", self.price.to_string());
        let day = day_words(self.next_due);
        letter = match &self.cost {
            None => letter.row("Next payment", day),
            Some(PlanCost::Paid { amount, credit }) => letter
                .row("Paid for the change", paid_words(amount, credit.as_ref()))
                .row("Next payment", day),
            Some(PlanCost::Due(amount)) => {
                let less = if amount.minor < self.price.minor { ", your coupon taken off" } else { "" };
                letter.row(format!("To pay on {day}"), format!("{amount}{less}"))
            }
        };
        letter.button("See your subscription", studio.link("/account/subscription")).sign(studio)
    }
}

/// See [`super::BillingMail::PlanChangePlanned`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedPlan {
    /// Plan and interval.
    pub plan: String,
    /// Its price.
    pub price: Money,
    /// What the first payments are by a coupon.
    #[serde(default)]
    pub first: Option<Discounted>,
    /// When.
    pub on: NaiveDate,
    /// Staff did it.
    #[serde(default)]
    pub by_studio: bool,
}

impl PlannedPlan {
    pub(super) fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        let (day, price) = (day_words(self.on), self.price.to_string());
        let letter = Letter::new(format!("Your plan changes on {day}"))
            .to_person(name)
            .say(if self.by_studio {
                "We planned a change of your plan. If you do not know why, write to us."
            } else {
                "You planned a change of your plan."
            })
            .say("Until then everything stays as it is. You can give the change up before that day.")
            .row("Plan", &self.plan);
        let letter = match self.first {
            None => letter.row("Price", price),
            Some(Discounted { amount, periods: None }) => {
                letter.row("Price", format!("{amount}, your coupon taken off"))
            }
            Some(Discounted { amount, periods: Some(1) }) => letter
                .row("First payment", format!("{amount} on {day}, your coupon taken off"))
                .row("Price afterwards", price),
            Some(Discounted { amount, periods: Some(n) }) => letter
                .row(format!("First {n} payments"), format!("{amount} each, your coupon taken off"))
                .row("Price afterwards", price),
        };
        letter.button("See your subscription", studio.link("/account/subscription")).sign(studio)
    }
}

/// See [`super::BillingMail::PlanChangeGivenUp`].
pub(super) fn given_up(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    price: &Money,
    by_studio: bool,
) -> Mail {
    Letter::new("Your plan stays as it is")
        .to_person(name)
        .say(if by_studio {
            "We gave up the change of your plan that was planned. If you do not know why, write to us."
        } else {
            "You gave up the change of your plan that was planned."
        })
        .row("Plan", plan)
        .row("Price", price.to_string())
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::PlanChangeFailed`].
pub(super) fn failed(studio: &Studio, name: Option<&str>, code: &str) -> Mail {
    Letter::new("Your plan was not changed")
        .to_person(name)
        .say(super::decline_words(code))
        .say("Nothing was taken, and your membership goes on as it was.")
        .button("Try again", studio.link("/account/subscription/plan"))
        .sign(studio)
}
