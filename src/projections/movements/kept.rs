//! What a subscription brings a month, and how events move it.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Interval, IntervalUnit};
use crate::domain::shared::payment::Collection;
use crate::domain::subscription::{Rebate, SubscriptionEvent};

/// What is kept of a subscription to tell what it brings; amounts a month, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The full price of the plan that was agreed last.
    pub(super) monthly: i64,
    /// What the period that was ordered last brings, less what a coupon takes off.
    pub(super) ordered: i64,
    /// What it brings now.
    pub(super) giving: i64,
    /// The plan that was agreed last was ordered before it begins.
    pub(super) ahead: bool,
    /// What was ordered last is not paid.
    pub(super) owed: bool,
}

impl Kept {
    /// The same after an event; `gave` is whether it ever brought something.
    pub(super) fn after(mut self, event: &SubscriptionEvent, gave: bool) -> Self {
        use SubscriptionEvent as E;
        match event {
            // It counts as soon as the order is paid.
            E::FirstOrderRequested { rebate, .. } | E::RenewalOrderRequested { rebate, .. } => {
                self.ordered = self.monthly - rebate.as_ref().map_or(0, |r| off(r, self.monthly));
                self.owed = true;
            }
            E::SubscriptionActivated { .. }
            | E::SubscriptionResumed { .. }
            | E::PeriodWaived { restarts: true, .. } => {
                self.owed = false;
                self.giving = self.ordered;
            }
            E::SubscriptionRenewed { .. } => {
                self.owed = false;
                // Paid before it begins, it counts when it does.
                if !self.ahead {
                    self.giving = self.ordered;
                }
            }
            E::PeriodWaived { .. } => {
                self.owed = false;
                if self.giving > 0 && !self.ahead {
                    self.giving = self.ordered;
                }
            }
            // A trial may be paused too: afterwards it is a trial again, and brings nothing yet.
            E::PauseEnded { .. } => self.giving = if gave { self.ordered } else { 0 },
            E::SubscriptionPaused { .. }
            | E::SubscriptionPutOnHold { .. }
            | E::SubscriptionCancelled { .. }
            | E::SubscriptionExpired { .. } => self.giving = 0,
            E::PlanChanged { order, terms, begins_on, .. } => {
                self.monthly = per_month(terms.price, terms.interval);
                self.ahead = begins_on.is_some();
                // One without an order of its own is ordered next, perhaps for less: once that is paid, both count as one
                // movement. For one that is managed nothing is ordered.
                if order.is_some() || (terms.collection == Collection::Managed && begins_on.is_none()) {
                    self.ordered = self.monthly;
                    // In a trial another plan brings nothing yet either.
                    self.giving = if self.giving > 0 { self.ordered } else { 0 };
                }
            }
            E::PlanBegan { .. } => {
                self.ahead = false;
                if self.giving > 0 && !self.owed {
                    self.giving = self.ordered;
                }
            }
            _ => {}
        }
        self
    }
}

/// What a coupon takes off a month of the period that was ordered, from the full price `monthly` of one.
fn off(rebate: &Rebate, monthly: i64) -> i64 {
    let (off, full) = (i128::from(rebate.off.minor), i128::from(rebate.full.minor.max(1)));
    i64::try_from((2 * i128::from(monthly) * off + full) / (2 * full)).unwrap_or(monthly).min(monthly)
}

/// What a price comes to in a month of 365.25 / 12 days, in minor units.
pub(super) fn per_month(price: Money, interval: Interval) -> i64 {
    let length = i64::from(interval.length());
    // Months are counted exactly; days and weeks by the mean month of 30.4375 days.
    let (times, by) = match interval.unit() {
        IntervalUnit::Day => (304_375, length * 10_000),
        IntervalUnit::Week => (304_375, length * 70_000),
        IntervalUnit::Month => (1, length),
        IntervalUnit::Year => (1, length * 12),
    };
    let (minor, times, by) = (i128::from(price.minor), i128::from(times), i128::from(by.max(1)));
    i64::try_from((minor * times + by / 2) / by).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Kept, per_month};
    use crate::domain::shared::calendar::{Interval, IntervalUnit};
    use crate::domain::shared::{Currency, Money};
    use crate::domain::subscription::{PauseOver, SubscriptionEvent};
    use serde_json::{Value, json};

    #[test]
    fn prices_come_to_a_month() {
        let euro = |minor| Money::new(minor, Currency::eur());
        let interval = |unit, length| Interval::new(unit, length).expect("an interval");
        assert_eq!(per_month(euro(1150), interval(IntervalUnit::Month, 1)), 1150);
        assert_eq!(per_month(euro(3200), interval(IntervalUnit::Month, 3)), 1067);
        assert_eq!(per_month(euro(12_000), interval(IntervalUnit::Year, 1)), 1000);
        assert_eq!(per_month(euro(700), interval(IntervalUnit::Week, 1)), 3044);
    }

    fn over() -> SubscriptionEvent {
        SubscriptionEvent::PauseEnded(PauseOver {
            from: "2026-03-01".parse().unwrap(),
            on: "2026-03-11".parse().unwrap(),
            days_left: 4,
            previous_anchor: "2026-03-05".parse().unwrap(),
            anchor: "2026-03-15".parse().unwrap(),
            paid_until: "2026-03-14T23:00:00Z".parse().unwrap(),
        })
    }

    /// One that brings so much, of a plan of €11.50 a month.
    const fn brings(giving: i64) -> Kept {
        Kept { monthly: 1150, ordered: 1150, giving, ahead: false, owed: false }
    }

    #[test]
    fn a_pause_of_what_was_paid_for_ends_with_what_it_brought_and_one_of_a_trial_with_nothing() {
        assert_eq!(brings(0).after(&over(), true).giving, 1150);
        assert_eq!(brings(0).after(&over(), false).giving, 0);
    }

    /// The first form of an event as it lies in the log, with other values.
    fn event(kind: &str, values: &[(&str, Value)]) -> SubscriptionEvent {
        let path = format!("{}/tests/it/golden/subscription/{kind}.1.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect(kind);
        let mut all: Vec<Value> = serde_json::from_str(&text).expect(kind);
        let mut event = all.remove(0);
        for (key, value) in values {
            event["data"][*key] = value.clone();
        }
        serde_json::from_value(event).expect(kind)
    }

    fn euro(minor: i64) -> Value {
        json!({ "currency": "EUR", "minor": minor })
    }

    fn yearly(kind: &str, begins_on: &Value) -> SubscriptionEvent {
        let mut terms = match event("SubscriptionJoined", &[]) {
            SubscriptionEvent::SubscriptionJoined { terms, .. } => {
                serde_json::to_value(terms).expect("terms")
            }
            other => panic!("{other:?}"),
        };
        terms["price"] = euro(11_500);
        terms["interval"] = serde_json::to_value(Interval::yearly()).expect("an interval");
        let values = [("terms", terms), ("order", Value::Null), ("begins_on", begins_on.clone())];
        event(kind, if kind == "PlanBegan" { &values[..1] } else { &values[..] })
    }

    /// An order of a year for half the price.
    fn half() -> SubscriptionEvent {
        let rebate = json!({ "code": "HALF", "full": euro(11_500), "off": euro(5750), "number": 2, "of": 2 });
        event("RenewalOrderRequested", &[("amount", euro(5750)), ("rebate", rebate)])
    }

    fn steps(from: Kept, events: &[SubscriptionEvent]) -> Vec<i64> {
        let mut kept = from;
        let moved = events.iter().map(|event| {
            let before = kept.giving;
            kept = kept.after(event, true);
            kept.giving - before
        });
        moved.filter(|minor| *minor != 0).collect()
    }

    #[test]
    fn another_plan_with_a_coupon_is_one_movement() {
        let renewed = event("SubscriptionRenewed", &[]);
        let halved = Kept { ordered: 575, ..brings(575) };
        let on_its_day = [yearly("PlanChanged", &Value::Null), half(), renewed.clone()];
        assert_eq!(steps(halved, &on_its_day), [-96]);
        // By transfer it is ordered, and paid, before it begins.
        let (changed, began) =
            (yearly("PlanChanged", &json!("2027-01-01")), yearly("PlanBegan", &Value::Null));
        let before = [changed.clone(), half(), renewed.clone(), began.clone()];
        assert_eq!(steps(halved, &before), [-96]);
        let late = [changed, half(), began, renewed];
        assert_eq!(steps(halved, &late), [-96]);
    }

    #[test]
    fn the_last_period_of_a_coupon_and_another_plan_are_one_movement() {
        let full = event("RenewalOrderRequested", &[("amount", euro(11_500)), ("rebate", Value::Null)]);
        let renewed = event("SubscriptionRenewed", &[]);
        let halved = Kept { ordered: 575, ..brings(575) };
        assert_eq!(steps(halved, &[yearly("PlanChanged", &Value::Null), full, renewed]), [383]);
    }

    #[test]
    fn another_plan_that_is_never_paid_is_one_loss() {
        let held = event("SubscriptionPutOnHold", &[]);
        assert_eq!(steps(brings(1150), &[yearly("PlanChanged", &Value::Null), half(), held]), [-1150]);
    }
}
