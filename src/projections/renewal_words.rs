//! A renewal that was not paid, in words for the timeline of its subscription.

use super::subscription_words::{Weight, Words, moment, rules, words};
use crate::domain::subscription::SubscriptionEvent;

pub(super) fn failed(event: &SubscriptionEvent) -> Words {
    let SubscriptionEvent::RenewalPaymentFailed {
        code,
        hard,
        failures,
        retry_at,
        counted_from,
        uncounted,
        policy,
        ..
    } = event
    else {
        return words(Weight::Bad, "A payment failed.", None);
    };
    if let (true, Some(at)) = (*uncounted, retry_at) {
        return words(
            Weight::Watch,
            format!(
                "The payment service was not reached, and nothing was charged: tried again on {}.",
                moment(*at)
            ),
            format!(
                "It is not counted, and the member is not told: {failures} of {} attempts have failed. As many may go \
                 uncounted on one order.",
                policy.attempts
            ),
        );
    }
    let mut why = rules(policy);
    if *hard {
        why = format!("A hard decline: trying again is useless. {why}");
    }
    let what = match retry_at {
        Some(at) => {
            why.push_str(&format!(
                " {} days counted from {}.",
                policy.retry_after_days,
                moment(*counted_from)
            ));
            format!(
                "Payment failed ({code}), attempt {failures} of {}: tried again on {}.",
                policy.attempts,
                moment(*at)
            )
        }
        None => {
            format!("Payment failed ({code}), attempt {failures} of {}: the last one.", policy.attempts)
        }
    };
    words(Weight::Bad, what, why)
}
