//! What the tests of orders begin with: somebody in the Netherlands is to pay €11.50 by card.

use super::{OrderItem, PlaceOrder, Settlement, order_number};
use crate::domain::shared::payment::{OrderReason, PaymentMethod};
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::tax_rates::RateTable;
use crate::domain::shared::{Currency, Money, PersonalRef};
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

pub(super) fn method() -> PaymentMethod {
    let label =
        PersonalRef { subject: Uuid::from_u128(1), field: "payment_method".into(), version: Uuid::nil() };
    PaymentMethod { gateway: "sandbox".into(), token: "tok".into(), label, expires_on: None }
}

pub(super) fn place(at: DateTime<Utc>) -> PlaceOrder {
    let nl = Country::parse("NL").unwrap();
    let buyer = Buyer { country: nl, business: false };
    PlaceOrder {
        order: Uuid::from_u128(9),
        number: order_number(Uuid::from_u128(9)),
        account: Uuid::from_u128(1),
        subscription: Uuid::from_u128(2),
        reason: OrderReason::Renewal,
        items: vec![OrderItem { description: "Studio".into(), quantity: 1, unit: eur(1150), period: None }],
        tax: Tax::decide(eur(1150), buyer, nl, at.date_naive(), &RateTable::default()),
        settlement: Settlement::Charge { gateway: "sandbox".into() },
        billing: None,
        vat_number: None,
        credit: None,
        at,
    }
}
