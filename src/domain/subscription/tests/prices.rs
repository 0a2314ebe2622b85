//! What a period costs: coupons, and prices that change for those who have them.

use super::*;
use crate::domain::shared::discount::{Discount, Off};
use chrono::NaiveDate;

const JOINED: &str = "2026-01-31T14:00:00Z";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn coupon(off: Off, periods: Option<u32>) -> Discount {
    Discount { coupon: Uuid::from_u128(7), code: "SPRING".into(), off, periods }
}

fn percent(percent: u8) -> Off {
    Off::Percent { percent }
}

fn joined_with(discount: Discount) -> World {
    let mut world = World::default();
    let mut command = join(Collection::Automatic, Interval::monthly(), JOINED);
    if let SubscriptionCommand::Join { discount: d, .. } = &mut command {
        *d = Some(discount);
    }
    world.run(command, at(JOINED));
    world
}

fn amounts(log: &[SubscriptionEvent]) -> Vec<i64> {
    log.iter()
        .filter_map(|e| match e {
            SubscriptionEvent::FirstOrderRequested { amount, .. }
            | SubscriptionEvent::RenewalOrderRequested { amount, .. } => Some(amount.minor),
            _ => None,
        })
        .collect()
}

#[test]
fn a_coupon_takes_off_as_many_periods_as_it_says() {
    let mut world = joined_with(coupon(percent(20), Some(2)));
    assert_eq!(
        World::kinds(&world.log),
        [
            "SubscriptionJoined",
            "DiscountGranted",
            "FirstOrderRequested",
            "ChargeRequested",
            "SubscriptionActivated"
        ]
    );
    let SubscriptionEvent::FirstOrderRequested { rebate: Some(rebate), .. } = &world.log[2] else { panic!() };
    assert_eq!((rebate.full.minor, rebate.off.minor, rebate.number, rebate.of), (1150, 230, 1, Some(2)));
    assert_eq!(world.sub.next_price().map(|m| m.minor), Some(920));
    world.tick("2026-02-28T00:00:00Z");
    assert_eq!(world.sub.next_price().map(|m| m.minor), Some(1150), "it is used up");
    world.tick("2026-03-31T00:00:00Z");
    assert_eq!(amounts(&world.log), [920, 920, 1150]);
}

#[test]
fn one_for_ever_goes_on_and_is_not_given_twice() {
    let mut world = joined_with(coupon(Off::Amount { amount: Money::new(150, Currency::eur()) }, None));
    for tick in ["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z"] {
        world.tick(tick);
    }
    assert_eq!(amounts(&world.log), [1000, 1000, 1000, 1000]);
    let grant = |d| SubscriptionCommand::GrantDiscount { discount: d };
    let other = Discount { coupon: Uuid::from_u128(8), ..coupon(percent(10), Some(1)) };
    assert_eq!(world.sub.decide(grant(other.clone())), Err(SubscriptionError::DiscountExists));
    let mut once = joined_with(coupon(percent(20), Some(1)));
    assert_eq!(
        World::kinds(&once.run(grant(other), at(JOINED))),
        ["DiscountGranted"],
        "the first is used up"
    );
    let much = coupon(Off::Amount { amount: Money::new(1150, Currency::eur()) }, None);
    let plain = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    assert_eq!(plain.sub.decide(grant(much)), Err(SubscriptionError::DiscountDoesNotFit));
}

#[test]
fn a_dearer_plan_waits_while_the_period_cost_less() {
    let world = joined_with(coupon(percent(50), Some(1)));
    let dear = Terms {
        variation: Uuid::from_u128(9),
        price: Money::new(2300, Currency::eur()),
        ..terms(Collection::Automatic, Interval::monthly())
    };
    // Else days that cost half would be given back at the full price.
    let quote = world.sub.quote_change(&dear, at("2026-02-10T00:00:00Z"));
    assert_eq!(quote, Ok(ChangeQuote::On(day("2026-02-28"))));
}

fn announce(price: i64, from: &str) -> SubscriptionCommand {
    SubscriptionCommand::AnnouncePrice {
        of: Uuid::from_u128(2),
        variation: Uuid::from_u128(3),
        price: Money::new(price, Currency::eur()),
        from: day(from),
        notice_days: 30,
        anew: true,
    }
}

#[test]
fn what_is_announced_last_holds_and_the_member_hears_of_it() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let now = at("2026-02-10T00:00:00Z");
    world.run(announce(1700, "2026-03-15"), now);
    let told = world.run(announce(1700, "2026-05-15"), now);
    let [SubscriptionEvent::PriceChangeAnnounced(notice)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((notice.from, notice.instead_of), (day("2026-05-15"), Some(day("2026-03-15"))));
    // Who comes to a price later is told once: it takes nothing back.
    let mut late = announce(1700, "2026-06-15");
    if let SubscriptionCommand::AnnouncePrice { anew, .. } = &mut late {
        *anew = false;
    }
    assert!(world.run(late, now).is_empty());
    for tick in
        ["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z", "2026-05-31T00:00:00Z"]
    {
        world.tick(tick);
    }
    assert_eq!(amounts(&world.log), [1150, 1150, 1150, 1150, 1700], "nobody pays it before its day");
    // The same day at another price takes the place of the first one too.
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    world.run(announce(1700, "2026-03-15"), now);
    assert_eq!(World::kinds(&world.run(announce(1500, "2026-03-15"), now)), ["PriceChangeAnnounced"]);
    assert_eq!(world.sub.price_change().map(|c| c.terms.price.minor), Some(1500));
}

#[test]
fn a_price_changes_for_the_first_period_that_begins_on_its_day_or_later() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let now = at("2026-02-10T00:00:00Z");
    assert_eq!(World::kinds(&world.run(announce(1350, "2026-03-15"), now)), ["PriceChangeAnnounced"]);
    assert!(world.run(announce(1350, "2026-03-15"), now).is_empty(), "told once");
    world.tick("2026-02-28T00:00:00Z");
    assert_eq!(world.sub.next_price().map(|m| m.minor), Some(1350), "31 March is the first day after it");
    let events = world.tick("2026-03-31T00:00:00Z");
    assert_eq!(
        World::kinds(&events),
        ["PlanChanged", "RenewalOrderRequested", "ChargeRequested", "SubscriptionRenewed"]
    );
    assert_eq!(amounts(&world.log), [1150, 1150, 1350]);
    assert!(world.sub.price_change().is_none());
    assert_eq!(world.sub.next_due_on(), Some(day("2026-04-30")), "the anchor stays the 31st");
}

#[test]
fn who_has_another_price_or_left_is_not_concerned() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    let other = SubscriptionCommand::AnnouncePrice {
        of: Uuid::from_u128(77),
        variation: Uuid::from_u128(3),
        price: Money::new(1350, Currency::eur()),
        from: day("2026-03-15"),
        notice_days: 30,
        anew: true,
    };
    assert_eq!(world.sub.decide(other), Ok(vec![]));
    // Who takes another plan meanwhile is asked the price of that one.
    world.run(announce(1350, "2026-03-15"), at("2026-02-10T00:00:00Z"));
    let cheap = Terms {
        variation: Uuid::from_u128(9),
        price: Money::new(900, Currency::eur()),
        ..terms(Collection::Automatic, Interval::monthly())
    };
    let change = SubscriptionCommand::ChangePlan {
        order: Uuid::from_u128(0x0d),
        terms: cheap,
        shown: None,
        at_once: true,
        at: at("2026-02-11T00:00:00Z"),
    };
    world.run(change, at("2026-02-11T00:00:00Z"));
    world.tick("2026-02-28T00:00:00Z");
    world.tick("2026-03-31T00:00:00Z");
    assert_eq!(amounts(&world.log), [1150, 900, 900]);
    world.run(
        SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: at("2026-04-01T00:00:00Z") },
        at("2026-04-01T00:00:00Z"),
    );
    assert_eq!(world.sub.decide(announce(1350, "2026-06-01")), Ok(vec![]));
}

#[test]
fn managed_ones_are_told_of_the_new_price_from_its_day_on() {
    let mut world = World::joined(Collection::Managed, Interval::monthly(), JOINED);
    world.run(announce(1350, "2026-04-01"), at("2026-02-10T00:00:00Z"));
    let mut told = vec![];
    for tick in ["2026-02-28T12:00:00Z", "2026-03-31T12:00:00Z", "2026-04-30T12:00:00Z"] {
        for event in world.tick(tick) {
            if let SubscriptionEvent::ManagerToldOfRenewal { amount, .. } = event {
                told.push(amount.minor);
            }
        }
    }
    assert_eq!(told, [1150, 1150, 1350]);
}

#[test]
fn every_price_that_is_announced_holds_whatever_is_planned_and_given_up() {
    let cheap = |n: u128, minor| Terms {
        variation: Uuid::from_u128(n),
        price: Money::new(minor, Currency::eur()),
        ..terms(Collection::Automatic, Interval::monthly())
    };
    let of_the_planned = SubscriptionCommand::AnnouncePrice {
        of: Uuid::from_u128(9),
        variation: Uuid::from_u128(10),
        price: Money::new(1000, Currency::eur()),
        from: day("2026-03-15"),
        notice_days: 30,
        anew: true,
    };
    let now = at("2026-02-11T00:00:00Z");
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    world.run(announce(1350, "2026-03-15"), now);
    let order = Uuid::from_u128(0x0d);
    world.run(
        SubscriptionCommand::ChangePlan { order, terms: cheap(9, 900), shown: None, at_once: true, at: now },
        now,
    );
    assert_eq!(World::kinds(&world.run(of_the_planned, now)), ["PriceChangeAnnounced"]);
    let mut stays = world.clone();
    // The planned one begins at 9.00, and costs 10.00 from its day on.
    world.tick("2026-02-28T00:00:00Z");
    assert_eq!(world.sub.next_price().map(|m| m.minor), Some(1000), "what is told is what is charged");
    world.tick("2026-03-31T00:00:00Z");
    assert_eq!(amounts(&world.log), [1150, 900, 1000]);
    // Who gives it up pays what was announced for the plan they have.
    stays.run(SubscriptionCommand::WithdrawPlanChange, now);
    stays.tick("2026-02-28T00:00:00Z");
    stays.tick("2026-03-31T00:00:00Z");
    assert_eq!(amounts(&stays.log), [1150, 1150, 1350]);
}

#[test]
fn what_another_plan_is_said_to_cost_first_is_what_is_ordered() {
    let mut world = joined_with(coupon(percent(50), Some(2)));
    let terms = Terms {
        variation: Uuid::from_u128(3),
        price: Money::new(11_500, Currency::eur()),
        ..terms(Collection::Automatic, Interval::yearly())
    };
    let price = terms.price;
    let said = world.sub.discounted(price).unwrap();
    assert_eq!((said.amount.minor, said.periods), (5750, Some(1)));
    let (order, when) = (Uuid::from_u128(13), at("2026-02-10T10:00:00Z"));
    world.run(SubscriptionCommand::ChangePlan { order, terms, shown: None, at_once: true, at: when }, when);
    world.tick("2026-02-28T00:00:00Z");
    assert_eq!(amounts(&world.log), [575, 5750]);
    assert_eq!(world.sub.discounted(price), None, "it is used up");
}
