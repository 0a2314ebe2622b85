//! A change of plan in words, for the timeline of its subscription.

use super::subscription_words::{Weight, Words, moment, words};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::{PlanChangeRequest, SubscriptionEvent};

/// The price of a whole period, where the event has it.
fn at_rate(price: Option<Money>) -> String {
    price.map(|price| format!(" at {price} for a whole period")).unwrap_or_default()
}

pub(super) fn plan_change(event: &SubscriptionEvent) -> Words {
    use SubscriptionEvent as E;
    match event {
        E::PlanChangeRequested(PlanChangeRequest { terms, proration: p, amount, .. }) => words(
            Weight::Plain,
            format!(
                "Change to {}, {} asked for: {amount} to pay now.",
                terms.plan_name,
                terms.interval.adjective()
            ),
            format!(
                "{} for {} up to {}{}, less {} for {} of {} days that are left of the plan before{} (half up to the cent).",
                p.charge,
                day_words(p.period.start),
                day_words(p.period.end),
                at_rate(p.new_price),
                p.credit,
                p.days_left,
                p.days_of_period,
                at_rate(p.old_price)
            ),
        ),
        E::PlanChangeDropped { code, .. } => words(
            Weight::Watch,
            format!("The change of plan was not paid ({code}): everything stays as it was."),
            "A change of plan is in force only once its price is paid.".to_owned(),
        ),
        E::PlanChangeScheduled { terms, on } => words(
            Weight::Plain,
            format!("Changes to {}, {} on {}.", terms.plan_name, terms.interval.adjective(), day_words(*on)),
            "A plan that is not dearer by the day begins when the time that is paid for is over.".to_owned(),
        ),
        E::PlanChangeWithdrawn {} => words(Weight::Plain, "The planned change was given up.", None),
        E::PlanChanged { terms, paid_until, begins_on: Some(on), .. } => words(
            Weight::Good,
            format!(
                "{}, {} is agreed from {} on: {} per {}.",
                terms.plan_name,
                terms.interval.adjective(),
                day_words(*on),
                terms.price,
                terms.interval.words()
            ),
            format!(
                "Its first period is ordered before it begins. Until then the plan before counts, and its seats. \
                 Paid until {}.",
                moment(*paid_until)
            ),
        ),
        E::PaymentRefunded { back, left, .. } if back.minor == 0 => words(
            Weight::Plain,
            "What was to go back of the payment for the time that runs does not.",
            format!("A change of plan credits up to {left} again."),
        ),
        E::PaymentRefunded { back, left, .. } => words(
            Weight::Plain,
            format!("{back} of what was paid for the time that runs went back, or is about to."),
            format!("A change of plan credits no more than the {left} that are left."),
        ),
        E::PlanBegan { terms, on } => words(
            Weight::Good,
            format!("{}, {} is in force.", terms.plan_name, terms.interval.adjective()),
            format!("Its first period began on {}.", day_words(*on)),
        ),
        E::PlanChanged { terms, anchor, paid_until, .. } => words(
            Weight::Good,
            format!(
                "{}, {} is in force: {} per {}.",
                terms.plan_name,
                terms.interval.adjective(),
                terms.price,
                terms.interval.words()
            ),
            format!("Periods are counted from {}. Paid until {}.", day_words(*anchor), moment(*paid_until)),
        ),
        _ => words(Weight::Plain, "Something happened to the plan.", None),
    }
}
