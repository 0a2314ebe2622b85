//! What the register says of a VAT number, and what follows.

use super::*;
use crate::domain::shared::vat_number::VatCheck;
use chrono::TimeDelta;

const JOINED: &str = "2026-01-31T14:00:00Z";

fn business(check: Option<VatCheck>) -> World {
    let mut world = World::default();
    let mut command = join(Collection::Automatic, Interval::monthly(), JOINED);
    if let SubscriptionCommand::Join { vat_number, vat_check, .. } = &mut command {
        (*vat_number, *vat_check) = (Some(card("n").label), check);
    }
    world.run(command, at(JOINED));
    world
}

fn says(check: VatCheck, when: &str) -> SubscriptionCommand {
    SubscriptionCommand::RecordVatCheck { number: card("n").label, check, at: at(when) }
}

#[test]
fn a_number_is_asked_for_until_there_is_an_answer_and_then_every_ninety_days() {
    let confirmed = VatCheck::Confirmed { consultation: None };
    assert_eq!(business(None).sub.ask_register_from(), Some(at(JOINED)), "entered before it was asked");
    assert_eq!(business(Some(VatCheck::Pending)).sub.ask_register_from(), Some(at(JOINED)));
    let later = at(JOINED) + TimeDelta::days(90);
    assert_eq!(business(Some(confirmed.clone())).sub.ask_register_from(), Some(later));
    let private = World::joined(Collection::Automatic, Interval::monthly(), JOINED);
    assert_eq!(private.sub.ask_register_from(), None);

    let mut world = business(Some(VatCheck::Pending));
    let now = "2026-02-02T04:00:00Z";
    assert!(world.run(says(VatCheck::Pending, now), at(now)).is_empty(), "no answer is no event");
    assert!(world.sub.is_business(), "and no refusal");
    assert_eq!(World::kinds(&world.run(says(confirmed, now), at(now))), ["VatNumberChecked"]);
    assert_eq!(World::kinds(&world.run(says(VatCheck::Refused, now), at(now))), ["VatNumberChecked"]);
    assert!(!world.sub.is_business() && world.sub.ask_register_from().is_none());
    assert!(world.run(says(VatCheck::Refused, now), at(now)).is_empty(), "said once");
}

#[test]
fn an_answer_for_another_number_counts_for_nothing() {
    let world = business(Some(VatCheck::Pending));
    let mut other = card("n").label;
    other.version = Uuid::from_u128(9);
    let command =
        SubscriptionCommand::RecordVatCheck { number: other, check: VatCheck::Refused, at: at(JOINED) };
    assert_eq!(world.sub.decide(command), Ok(vec![]));
}
