//! Confirms another plan.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::PlanChanged`].
pub(super) fn changed(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    price: &Money,
    next_due: &NaiveDate,
    by_studio: bool,
) -> Mail {
    let mut letter = Letter::new("Your plan and its price from now on").to_person(name);
    if by_studio {
        letter = letter.say("We changed the plan of your membership. If you do not know why, write to us.");
    }
    letter
        .row("Plan", plan)
        .row("Price", price.to_string())
        .row("Next payment", day_words(*next_due))
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::PlanChangePlanned`].
pub(super) fn planned(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    price: &Money,
    on: &NaiveDate,
    by_studio: bool,
) -> Mail {
    Letter::new(format!("Your plan changes on {}", day_words(*on)))
        .to_person(name)
        .say(if by_studio {
            "We planned a change of your plan. If you do not know why, write to us."
        } else {
            "You planned a change of your plan."
        })
        .say("Until then everything stays as it is. You can give the change up before that day.")
        .row("Plan", plan)
        .row("Price", price.to_string())
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
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
