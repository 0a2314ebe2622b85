//! Four hundred days of many memberships, with everything that goes wrong in them: cards that decline,
//! ask, answer late or expire, clocks that stop for a month, jump back or run twice, people who change
//! their minds. Nobody is charged twice, too late or after the end; the sums agree.
//!
//! `SIMULATED=10000 cargo test --test it years -- --nocapture` for a large one; figures in
//! `docs/measurements.md`.

mod explained;
mod member;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use kinora::domain::order::{OrderEvent, PaidBy};
use kinora::domain::shared::calendar::{IntervalUnit, Period};
use kinora::domain::shared::payment::{Collection, Outcome};
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::{
    PauseBegun, PlanChangeRequest, PriceNotice, Status, Subscription, SubscriptionEvent, Trigger, UnusedDays,
};
use member::{Member, Taken, day};
use rand::RngExt;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

const DAYS: i64 = 400;
/// Days on which no clock runs: first and last.
const OUTAGES: [(i64, i64); 2] = [(95, 125), (290, 320)];

fn running(n: i64) -> bool {
    OUTAGES.iter().all(|(first, last)| n < *first || n > *last)
}

/// Days since the last outage, or many.
fn settled(n: i64) -> bool {
    OUTAGES.iter().all(|(first, last)| n < *first || n > *last + 8)
}

/// One whole life.
fn live(n: u32) -> Member {
    let mut member = Member::new(n);
    for today in member.joined_on() + 1..DAYS {
        let morning = day(today) + TimeDelta::hours(14);
        member.look_up(today, morning);
        member.live(today, morning + TimeDelta::minutes(7));
        if running(today) {
            // Two nodes: the other one's clock is late, or it looks at the same hour once more.
            let at = morning + TimeDelta::hours(1);
            member.tick(at);
            let behind = TimeDelta::hours(member.random.random_range(0..30));
            member.tick(at - behind);
            member.tick(at);
        }
        missed(&member, today, morning + TimeDelta::hours(1));
    }
    member
}

/// Nobody who pays by card goes on without a payment.
fn missed(m: &Member, today: i64, at: DateTime<Utc>) {
    let (Some(Status::Active), Some(terms)) = (m.sub.status(), m.sub.terms()) else { return };
    let resting = m.sub.is_paused() || m.sub.is_parked() || m.sub.open_order().is_some();
    if terms.collection != Collection::Automatic || resting || !settled(today) {
        return;
    }
    let due = m.sub.next_due_on().unwrap();
    assert!(due > terms.zone.date_of(at), "missed: due {due}, and it is {at}; {:#?}", m.log);
}

/// Spans that are paid or given, and none of them twice.
fn covered(m: &Member) -> Vec<Period> {
    let mut all: Vec<Period> = Vec::new();
    let cut = |all: &mut Vec<Period>, on: NaiveDate| {
        all.retain(|p| p.start < on);
        if let Some(last) = all.last_mut() {
            last.end = last.end.min(on);
        }
    };
    for (_, event) in &m.log {
        match event {
            SubscriptionEvent::SubscriptionActivated { period, .. }
            | SubscriptionEvent::SubscriptionResumed { period, .. }
            | SubscriptionEvent::SubscriptionRenewed { period, .. }
            | SubscriptionEvent::PeriodWaived { period, .. } => all.push(*period),
            SubscriptionEvent::SubscriptionPaused(PauseBegun { from, .. }) => cut(&mut all, *from),
            SubscriptionEvent::PlanChangeRequested(PlanChangeRequest { order, proration, .. }) => {
                let done = |e: &SubscriptionEvent| matches!(e, SubscriptionEvent::PlanChanged { order: Some(o), .. } if o == order);
                if m.log.iter().any(|(_, e)| done(e)) {
                    cut(&mut all, proration.period.start);
                    all.push(proration.period);
                }
            }
            _ => {}
        }
    }
    all
}

fn check(m: &Member) {
    let spans = covered(m);
    for pair in spans.windows(2) {
        assert!(pair[0].end <= pair[1].start, "no day twice: {pair:?}\n{:#?}", m.log);
    }
    // Money: what the gateway took and what was transferred is what the orders say, each charge once.
    let (mut taken, mut came): (HashMap<Uuid, i64>, HashMap<Uuid, i64>) = (HashMap::new(), HashMap::new());
    for charge in m.gateway.values().filter(|t| matches!(t.outcome, Outcome::Succeeded { .. })) {
        if charge.told_on.is_none() {
            assert!(taken.insert(charge.order, charge.amount.minor).is_none(), "an order is charged once");
            *came.entry(charge.order).or_default() += charge.amount.minor;
        }
    }
    let mut said: HashMap<Uuid, i64> = HashMap::new();
    for (order, event) in &m.events {
        match event {
            OrderEvent::TransferReceived { received, .. } => {
                *came.entry(*order).or_default() += received.minor;
            }
            OrderEvent::OrderPaid { amount, paid_by: PaidBy::Charge { .. }, .. } => {
                assert_eq!(taken.get(order), Some(&amount.minor), "paid as asked for");
                *said.entry(*order).or_default() += amount.minor;
            }
            OrderEvent::OrderPaid { amount, paid_by: PaidBy::Transfer, .. } => {
                *said.entry(*order).or_default() += amount.minor;
            }
            OrderEvent::OrderPaid { paid_by: PaidBy::Credit, .. } => panic!("nobody has a credit here"),
            // Came although nobody owed it: staff are told, so it is not lost.
            OrderEvent::OrderOverpaid { over, .. } => *said.entry(*order).or_default() += over.minor,
            OrderEvent::OrderPlaced { tax, items, .. } => {
                let sum: i64 = items.iter().map(|i| i.unit.minor * i64::from(i.quantity)).sum();
                assert_eq!(sum, tax.gross.minor, "the lines come to the total");
                assert_eq!(tax.net.minor + tax.tax.minor, tax.gross.minor);
            }
            _ => {}
        }
    }
    // A transfer beside a charge without an answer is told of when that is settled.
    came.retain(|order, _| said.contains_key(order) || taken.contains_key(order));
    assert_eq!(came, said, "what came is paid or too much, to the cent");
    // The end is the end, and who cancelled is asked for nothing more.
    let (mut over, mut leaving, mut told) = (false, false, None);
    for (at, event) in &m.log {
        match event {
            SubscriptionEvent::ChargeRequested { trigger, .. } => {
                assert!(!over, "charged after the end at {at}");
                assert!(!leaving || *trigger != Trigger::Clock, "charged after it was cancelled at {at}");
            }
            SubscriptionEvent::CancellationScheduled { .. } => leaving = true,
            SubscriptionEvent::CancellationUndone { .. } => leaving = false,
            SubscriptionEvent::PriceChangeAnnounced(PriceNotice { from, .. }) => told = Some((*at, *from)),
            SubscriptionEvent::PlanChanged { order: None, .. } => {
                if let Some((when, from)) = told.take() {
                    assert!(from >= when.date_naive() + Days::new(29), "less notice than promised");
                }
            }
            SubscriptionEvent::UnusedDaysRefundRequested(UnusedDays { order, .. }) => {
                let given: i64 = m
                    .events
                    .iter()
                    .filter_map(|(o, e)| match e {
                        OrderEvent::RefundStarted { amount, .. } if o == order => Some(amount.minor),
                        _ => None,
                    })
                    .sum();
                let paid = m.orders[order].total().map_or(0, |t| t.minor);
                assert!(given > 0 && given <= paid, "what goes back is part of what was paid");
            }
            SubscriptionEvent::SubscriptionCancelled { .. }
            | SubscriptionEvent::SubscriptionExpired { .. } => over = true,
            _ => {}
        }
    }
    let mut again = Subscription::default();
    m.log.iter().for_each(|(_, event)| again.apply(event.clone()));
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&m.sub).unwrap());
    if m.quiet {
        by_hand(m, &spans);
    }
}

/// The first days of the periods of somebody to whom nothing happens, reckoned in another way: by
/// months of a list, and the clock's days.
fn by_hand(m: &Member, spans: &[Period]) {
    let terms = m.sub.terms().unwrap();
    let first = terms.zone.date_of(m.log[0].0);
    let last = terms.zone.date_of(day(DAYS - 1) + TimeDelta::hours(15));
    let mut expected = vec![];
    for n in 0_u32.. {
        let start = match terms.interval.unit() {
            IntervalUnit::Week | IntervalUnit::Day => first + Days::new(u64::from(14 * n)),
            IntervalUnit::Month => {
                first.checked_add_months(chrono::Months::new(n * u32::from(terms.interval.length()))).unwrap()
            }
            IntervalUnit::Year => first.checked_add_months(chrono::Months::new(12 * n)).unwrap(),
        };
        if start > last {
            break;
        }
        expected.push(start);
    }
    let found: Vec<NaiveDate> = spans.iter().map(|p| p.start).collect();
    // Who missed more than three periods waits for staff.
    if m.sub.is_parked() {
        assert_eq!(found, expected[..found.len()]);
    } else {
        assert_eq!(found, expected, "{:#?}", m.log);
    }
}

#[test]
fn nobody_is_charged_twice_too_late_or_after_the_end() {
    let many: u32 = std::env::var("SIMULATED").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let started = Instant::now();
    let (mut ticks, mut charges, mut events, mut spent) = (0, 0, 0, Duration::ZERO);
    let (mut taken, mut invoiced, mut parked, mut explained) = (0_i64, 0_i64, 0, 0);
    let mut ends: HashMap<&str, u32> = HashMap::new();
    for n in 0..many {
        let member = live(n);
        check(&member);
        explained += explained::explained(&member);
        if member.quiet {
            explained::lived_again(&member, explained::before_outage());
        }
        ticks += member.ticks;
        spent += member.spent;
        events += member.log.len() + member.events.len();
        charges += member.gateway.len();
        parked += u32::from(member.sub.is_parked());
        let succeeded = |t: &&Taken| t.told_on.is_none() && matches!(t.outcome, Outcome::Succeeded { .. });
        taken += member.gateway.values().filter(succeeded).map(|t| t.amount.minor).sum::<i64>();
        for (_, event) in &member.events {
            match event {
                OrderEvent::OrderPaid { amount, .. } => invoiced += amount.minor,
                OrderEvent::OrderOverpaid { over, .. } => invoiced += over.minor,
                OrderEvent::TransferReceived { received, .. } => taken += received.minor,
                _ => {}
            }
        }
        let status: &'static str = member.sub.status().unwrap().into();
        *ends.entry(status).or_default() += 1;
    }
    assert_eq!(taken, invoiced, "the sum of what is invoiced or to go back is the sum of what was taken");
    assert!(many < 400 || explained > 1000, "charges that were explained: {explained}");
    println!(
        "{many} memberships, {DAYS} days: {events} events, {charges} charges, {explained} of them explained to the cent, {} taken; {ends:?}, {parked} wait for staff; {ticks} ticks, {:.0} a second of tick; {:.1} s in all",
        Money::new(taken, Currency::eur()),
        ticks_per_second(ticks, spent),
        started.elapsed().as_secs_f64(),
    );
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn ticks_per_second(ticks: u64, spent: Duration) -> f64 {
    ticks as f64 / spent.as_secs_f64().max(f64::MIN_POSITIVE)
}
