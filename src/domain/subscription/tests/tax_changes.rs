//! Another rate of tax: told to those who pay another amount by it, and to nobody else.

use super::*;
use crate::domain::shared::tax_rates::RateTable;

const JOINED: &str = "2026-10-31T14:00:00Z";

fn living_in(code: &str, business: bool) -> World {
    let mut world = World::default();
    let mut command = join(Collection::Automatic, Interval::monthly(), JOINED);
    if let SubscriptionCommand::Join { country, vat_number, .. } = &mut command {
        *country = Country::parse(code).unwrap();
        *vat_number = business.then(|| card("n").label);
    }
    world.run(command, at(JOINED));
    world
}

fn german_rate(basis_points: u32) -> SubscriptionCommand {
    let (home, country) = (Country::parse("NL").unwrap(), Country::parse("DE").unwrap());
    let from = "2027-01-01".parse().unwrap();
    let before = RateTable::default();
    let after = before.clone().with(country, from, Some(basis_points));
    SubscriptionCommand::AnnounceTax(Box::new(RatesMove { home, country, from, before, after }))
}

#[test]
fn a_business_abroad_is_told_what_it_will_pay_and_when() {
    let events = living_in("DE", true).run(german_rate(2200), at(JOINED));
    let [SubscriptionEvent::TaxChangeAnnounced { change }] = events.as_slice() else { panic!("{events:?}") };
    // 11.50 is 9.66 + 19 %, and 9.43 + 22 %.
    assert_eq!((change.previous.minor, change.amount.minor), (966, 943));
    assert_eq!(
        change.first_due.to_string(),
        "2027-01-31",
        "the first period that begins on the day or later"
    );
    assert_eq!(change.basis_points, Some(2200));
}

#[test]
fn a_correction_is_told_with_what_is_paid_until_then_and_a_withdrawal_as_no_change() {
    let (home, country) = (Country::parse("NL").unwrap(), Country::parse("DE").unwrap());
    let from = "2027-01-01".parse().unwrap();
    let told = |was: Option<u32>, is: Option<u32>| {
        let before = RateTable::default().with(country, from, was);
        let after = RateTable::default().with(country, from, is);
        let moved = Box::new(RatesMove { home, country, from, before, after });
        match living_in("DE", true).run(SubscriptionCommand::AnnounceTax(moved), at(JOINED)).as_slice() {
            [SubscriptionEvent::TaxChangeAnnounced { change: c }] => (c.previous.minor, c.amount.minor),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(Some(2000), Some(2200)), (966, 943));
    assert_eq!(told(Some(2200), None), (966, 966));
}

#[test]
fn whose_payment_stays_is_not_told() {
    for (country, business) in [("DE", false), ("FR", true), ("NL", true), ("US", false)] {
        let events = living_in(country, business).run(german_rate(2200), at(JOINED));
        assert_eq!(events, vec![], "{country} {business}");
    }
    assert_eq!(living_in("DE", true).run(german_rate(1900), at(JOINED)), vec![], "the same rate");
    let mut ending = living_in("DE", true);
    ending.run(SubscriptionCommand::Cancel { reason: None, at: at(JOINED) }, at(JOINED));
    assert_eq!(ending.run(german_rate(2200), at(JOINED)), vec![], "it ends before");
}
