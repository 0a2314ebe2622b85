//! Why was this charged? From the events of a subscription and one of its orders back to the rule, the dates,
//! the price, the rate; and the sum reckoned anew from them, in another way than it was decided.

use crate::domain::order::OrderEvent;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Period, Zone, day_words};
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::tax_rates::RateTable;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::subscription::{
    GrantedDiscount, PauseOver, PlanChangeRequest, Proration, Rebate, SubscriptionEvent, Terms,
};
use chrono::NaiveDate;
use uuid::Uuid;

/// One thing that decided, and where it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Position of the event in the log.
    pub position: i64,
    /// What it says, as a sentence.
    pub words: String,
}

/// One line of the sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumLine {
    /// What it is.
    pub words: String,
    /// How much; negative for what is taken off.
    pub amount: Money,
}

/// Why an order exists and what it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What decided, in the order in which it counts.
    pub grounds: Vec<Ground>,
    /// The sum, line by line.
    pub sum: Vec<SumLine>,
    /// What the lines come to, with the tax decided anew.
    pub reckoned: Tax,
    /// What the order says.
    pub ordered: Tax,
    /// What was taken for it, by charge or transfer, and what the bank took back.
    pub taken: Vec<Ground>,
}

impl Explanation {
    /// Whether the sum that was reckoned anew is that of the order, to the cent.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.reckoned == self.ordered
    }
}

/// What was in force when an order was asked for, each with the event that made it so.
#[derive(Default)]
struct Known {
    terms: Option<(i64, Terms)>,
    billed: Option<(i64, Country, bool)>,
    anchor: Option<(i64, NaiveDate)>,
    discount: Option<(i64, GrantedDiscount)>,
    /// What is left of what was paid for the span that runs, if some of it went back.
    left: Option<(i64, Money)>,
}

impl Known {
    fn take(&mut self, position: i64, event: &SubscriptionEvent) {
        use SubscriptionEvent as E;
        if event.paid_span().is_some() || matches!(event, E::PlanChanged { order: Some(_), .. }) {
            self.left = None;
        }
        match event {
            E::PaymentRefunded { left, .. } => self.left = Some((position, *left)),
            E::SubscriptionJoined { terms, country, vat_number, .. } => {
                self.terms = Some((position, terms.clone()));
                self.billed = Some((position, *country, vat_number.is_some()));
            }
            E::BillingDetailsChanged { country, vat_number, .. } => {
                self.billed = Some((position, *country, vat_number.is_some()));
            }
            E::VatNumberChecked { check: VatCheck::Refused, .. } => self.refuse(position),
            E::PlanChanged { terms, anchor, .. } => {
                self.terms = Some((position, terms.clone()));
                if self.anchor.is_none_or(|(_, day)| day != *anchor) {
                    self.anchor = Some((position, *anchor));
                }
            }
            E::SubscriptionActivated { period, .. }
            | E::SubscriptionResumed { period, .. }
            | E::PeriodWaived { period, restarts: true, .. } => self.anchor = Some((position, period.start)),
            E::TrialStarted { ends_on, .. } => self.anchor = Some((position, *ends_on)),
            E::PauseEnded(PauseOver { anchor, .. }) => self.anchor = Some((position, *anchor)),
            E::PaidTimeExtended { to, .. } | E::GivenDaysTakenBack { to, .. } => {
                self.anchor = Some((position, *to))
            }
            E::DiscountGranted { discount } => {
                self.discount = Some((position, GrantedDiscount { discount: discount.clone(), used: 0 }));
            }
            E::FirstOrderRequested { rebate: Some(_), .. }
            | E::RenewalOrderRequested { rebate: Some(_), .. } => {
                if let Some((_, discount)) = &mut self.discount {
                    discount.used += 1;
                }
            }
            _ => {}
        }
    }
}

impl Known {
    /// The register does not know the number: a private buyer from now on.
    fn refuse(&mut self, position: i64) {
        if let Some((at, _, business)) = &mut self.billed {
            (*at, *business) = (position, false);
        }
    }
}

/// What asked for an order.
enum Asked<'a> {
    First { due_on: NaiveDate, rebate: Option<&'a Rebate> },
    Renewal { index: u32, period: Period, rebate: Option<&'a Rebate> },
    Change { terms: &'a Terms, proration: &'a Proration },
}

fn asked(event: &SubscriptionEvent, wanted: Uuid) -> Option<Asked<'_>> {
    use SubscriptionEvent as E;
    match event {
        E::FirstOrderRequested { order, due_on, rebate, .. } if *order == wanted => {
            Some(Asked::First { due_on: *due_on, rebate: rebate.as_ref() })
        }
        E::RenewalOrderRequested { order, index, period, rebate, .. } if *order == wanted => {
            Some(Asked::Renewal { index: *index, period: *period, rebate: rebate.as_ref() })
        }
        E::PlanChangeRequested(PlanChangeRequest { order, terms, proration, .. }) if *order == wanted => {
            Some(Asked::Change { terms, proration })
        }
        _ => None,
    }
}

/// `price` × `days` / `of`, half up to the minor unit; by floor and remainder, not as it was decided.
fn part_of(price: Money, days: u32, of: u32) -> Money {
    let (days, of) = (i64::from(days), i64::from(of.max(1)));
    let (whole, rest) = ((price.minor / of) * days, (price.minor % of) * days);
    let up = i64::from(2 * (rest % of) >= of);
    Money::new(whole + rest / of + up, price.currency)
}

/// Explains `order`, whose events are `own`, by those of its subscription; both with their positions, in their
/// order. `home` is the seller's country, `rates` are those that were known when the order was made. None if the log does not say what asked for it.
#[must_use]
pub fn explain(
    order: Uuid,
    subscription: &[(i64, SubscriptionEvent)],
    own: &[(i64, OrderEvent)],
    home: Country,
    rates: &RateTable,
) -> Option<Explanation> {
    let (placed_at, ordered, business) = own.iter().find_map(|(position, event)| match event {
        OrderEvent::OrderPlaced { tax, vat_number, .. } => {
            Some((*position, tax.clone(), vat_number.is_some()))
        }
        _ => None,
    })?;
    let mut known = Known::default();
    let (asked_at, asked) = subscription.iter().find_map(|(position, event)| {
        let found = asked(event, order);
        if found.is_none() {
            known.take(*position, event);
        }
        Some((*position, found?))
    })?;
    // An address that was changed before the order was made counts for it.
    for (position, event) in subscription.iter().filter(|(p, _)| *p > asked_at && *p < placed_at) {
        match event {
            SubscriptionEvent::BillingDetailsChanged { country, vat_number, .. } => {
                known.billed = Some((*position, *country, vat_number.is_some()));
            }
            SubscriptionEvent::VatNumberChecked { check: VatCheck::Refused, .. } => known.refuse(*position),
            _ => {}
        }
    }
    let (terms_at, terms) = known.terms.as_ref()?;
    let mut grounds = vec![Ground {
        position: *terms_at,
        words: format!(
            "{}, {} at {} per {} was agreed.",
            terms.plan_name,
            terms.interval.adjective(),
            terms.price,
            terms.interval.words()
        ),
    }];
    let (sum, supplied_on) = match asked {
        Asked::First { due_on, rebate } => {
            let words = "The first period is paid on joining; it starts on the day of payment.".into();
            grounds.push(Ground { position: asked_at, words });
            (priced(terms, rebate, known.discount.as_ref(), &mut grounds), due_on)
        }
        Asked::Renewal { index, period, rebate } => {
            let (anchor_at, anchor) = known.anchor?;
            let again = Period::nth(anchor, terms.interval, index).ok()?;
            let words = format!("Periods are counted from {}.", day_words(anchor));
            grounds.push(Ground { position: anchor_at, words });
            let words = format!(
                "Period {} from there is {} up to {}{}; it is due when its first day begins in {}.",
                index + 1,
                day_words(again.start),
                day_words(again.end),
                if again == period { "" } else { " (the event says otherwise)" },
                terms.zone
            );
            grounds.push(Ground { position: asked_at, words });
            (priced(terms, rebate, known.discount.as_ref(), &mut grounds), again.start)
        }
        Asked::Change { terms: new, proration } => {
            grounds.push(Ground {
                position: asked_at,
                words: format!(
                    "{}, {} at {} was wanted on {}, when {} of {} days were left.",
                    new.plan_name,
                    new.interval.adjective(),
                    new.price,
                    day_words(proration.period.start),
                    proration.days_left,
                    proration.days_of_period
                ),
            });
            if let Some((position, left)) = known.left.filter(|_| proration.held.is_some()) {
                let words = format!("Of what was paid before some had gone back: {left} were left.");
                grounds.push(Ground { position, words });
            }
            (changed(terms, new, proration, known.left.map(|(_, left)| left)), proration.period.start)
        }
    };
    let (billed_at, country, in_business) = known.billed?;
    let total = Money::new(sum.iter().map(|line| line.amount.minor).sum(), terms.price.currency);
    let reckoned = Tax::decide(total, Buyer { country, business: in_business }, home, supplied_on, rates);
    let who = if business { "A business" } else { "A private buyer" };
    let words =
        format!("{who} in {}, supplied on {}: {}.", country.name(), day_words(supplied_on), reckoned.words());
    grounds.push(Ground { position: billed_at, words });
    // Money that comes after the subscription was put on hold pays for time from then on.
    let late = subscription.iter().find_map(|(position, event)| {
        let (_, period) = event.paid_span().filter(|(of, _)| *of == order)?;
        (period.start != supplied_on).then_some((*position, period.start))
    });
    if let Some((position, start)) = late {
        let words = format!(
            "It was paid late: the interval starts on the day of payment, {}. The total stays; the invoice names that span and has the rate of that day.",
            day_words(start)
        );
        grounds.push(Ground { position, words });
    }
    Some(Explanation { grounds, sum, reckoned, ordered, taken: taken(own, terms.zone) })
}

fn priced(
    terms: &Terms,
    rebate: Option<&Rebate>,
    discount: Option<&(i64, GrantedDiscount)>,
    grounds: &mut Vec<Ground>,
) -> Vec<SumLine> {
    let mut sum = vec![SumLine { words: format!("One {}", terms.interval.words()), amount: terms.price }];
    // The discount as it was given decides, not what the order says of it.
    let given = discount.filter(|(_, d)| rebate.is_some() && d.goes_on());
    if let Some((position, given)) = given
        && let Some(off) = given.discount.off.of(terms.price)
    {
        let words = format!("Coupon {}: {}.", given.discount.code, given.discount.words());
        grounds.push(Ground { position: *position, words });
        let of = given.discount.periods.map(|n| format!(" of {n}")).unwrap_or_default();
        sum.push(SumLine {
            words: format!("Coupon {}, period {}{of}", given.discount.code, given.used + 1),
            amount: off.negated(),
        });
    }
    sum
}

fn changed(old: &Terms, new: &Terms, p: &Proration, left: Option<Money>) -> Vec<SumLine> {
    let days = |from: NaiveDate, to: NaiveDate| u32::try_from((to - from).num_days()).unwrap_or(0);
    let span = days(p.period.start, p.period.end);
    let (charge, words) = if p.restarts {
        (new.price, format!("One {} of {}", new.interval.words(), new.plan_name))
    } else {
        let words = format!("{span} of {} days of {}", p.days_of_period, new.plan_name);
        (part_of(new.price, span, p.days_of_period), words)
    };
    let unused = part_of(old.price, p.days_left, p.days_of_period);
    let credit = left.filter(|left| left.minor < unused.minor).unwrap_or(unused);
    vec![
        SumLine { words, amount: charge },
        SumLine {
            words: format!("{} of {} days of {} not used", p.days_left, p.days_of_period, old.plan_name),
            amount: credit.negated(),
        },
    ]
}

/// What was taken for an order, from credit, by charges, by transfers; and what the bank took back of it.
pub(super) fn taken(own: &[(i64, OrderEvent)], zone: Zone) -> Vec<Ground> {
    let line = |position: &i64, words: String| Some(Ground { position: *position, words });
    own.iter()
        .filter_map(|(position, event)| match event {
            OrderEvent::OrderPlaced { credit: Some(credit), .. } => {
                line(position, format!("{credit} of it was paid from the member's credit."))
            }
            OrderEvent::OrderCreditApplied { amount, at, .. } => line(
                position,
                format!("{amount} came from the member's credit on {}.", day_words(zone.date_of(*at))),
            ),
            OrderEvent::PaymentSucceeded { amount, gateway, at, .. } => line(
                position,
                format!("{amount} was taken by {gateway} on {}.", day_words(zone.date_of(*at))),
            ),
            OrderEvent::TransferReceived { received, at, .. } => {
                line(position, format!("{received} came by transfer on {}.", day_words(zone.date_of(*at))))
            }
            // What came by a debit is gone again: the sum alone would not say why nothing was received.
            OrderEvent::DirectDebitReturned { taken_back, reason, at, .. } => line(
                position,
                format!(
                    "The bank took {taken_back} back on {}: the direct debit was returned ({reason}).",
                    day_words(zone.date_of(*at))
                ),
            ),
            OrderEvent::DirectDebitRejected { reason, at, .. } => line(
                position,
                format!(
                    "The bank did not collect the direct debit ({reason}), as it said on {}.",
                    day_words(zone.date_of(*at))
                ),
            ),
            _ => None,
        })
        .collect()
}
