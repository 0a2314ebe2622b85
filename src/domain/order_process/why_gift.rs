//! Why was this charged? As [`super::why`], for the order of a gift: it is sold once, at the price and by the rate of
//! that day.

use super::why::{Explanation, Ground, SumLine, taken};
use crate::domain::gift::GiftEvent;
use crate::domain::order::OrderEvent;
use crate::domain::shared::calendar::{Zone, day_words};
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::tax_rates::RateTable;

/// Explains the order of a gift, whose events are `own`, by those of the gift; both with their positions, in their
/// order. `home` is the seller's country, `zone` has the seller's days, `rates` are those that were known when the
/// order was made. None if the log does not say what was bought.
#[must_use]
pub fn explain_gift(
    gift: &[(i64, GiftEvent)],
    own: &[(i64, OrderEvent)],
    (home, zone): (Country, Zone),
    rates: &RateTable,
) -> Option<Explanation> {
    let (bought_at, given, country, at) = gift.iter().find_map(|(position, event)| match event {
        GiftEvent::GiftOrdered { given, country, at, .. } => Some((*position, given, *country, *at)),
        _ => None,
    })?;
    let (placed_at, number, ordered) = own.iter().find_map(|(position, event)| match event {
        OrderEvent::OrderPlaced { number, tax, .. } => Some((*position, number, tax.clone())),
        _ => None,
    })?;
    let sold_on = zone.date_of(at);
    let one = format!("One {} of {}", given.interval.words(), given.plan_name);
    let sum = vec![SumLine { words: one.clone(), amount: given.price }];
    // Gifts are sold to consumers.
    let buyer = Buyer { country, business: false };
    let reckoned = Tax::decide(given.price, buyer, home, sold_on, rates);
    let grounds = vec![
        Ground {
            position: bought_at,
            words: format!(
                "{one} was bought as a gift, at {}. It is paid once, and takes no coupon.",
                given.price
            ),
        },
        Ground {
            position: bought_at,
            words: format!(
                "A private buyer in {}, sold on {}: {}. What is given is known, so the tax is that of the day of the sale.",
                country.name(),
                day_words(sold_on),
                reckoned.words()
            ),
        },
        Ground { position: placed_at, words: format!("Order {number} was made of it: {}.", ordered.gross) },
    ];
    Some(Explanation { grounds, sum, reckoned, ordered, taken: taken(own, zone) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::gift::{Given, order_of};
    use crate::domain::order::Settlement;
    use crate::domain::shared::calendar::Interval;
    use crate::domain::shared::payment::OrderReason;
    use crate::domain::shared::{Currency, Money, PersonalRef};
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::eur())
    }

    /// Half an hour before midnight in UTC: the next day in Amsterdam.
    fn at() -> DateTime<Utc> {
        "2026-06-30T22:30:00Z".parse().unwrap()
    }

    fn bought(price: Money, country: &str) -> (i64, GiftEvent) {
        let given = Given {
            plan: Uuid::nil(),
            variation: Uuid::nil(),
            plan_name: "Studio".into(),
            interval: Interval::monthly(),
            price,
        };
        let billing = PersonalRef { subject: Uuid::nil(), field: "billing".into(), version: Uuid::nil() };
        let ordered = GiftEvent::GiftOrdered {
            gift: Uuid::nil(),
            buyer: Uuid::nil(),
            given,
            order: order_of(Uuid::nil()),
            country: Country::parse(country).unwrap(),
            billing,
            recipient: None,
            method: None,
            valid_days: None,
            at: at(),
        };
        (7, ordered)
    }

    fn placed(tax: Tax, credit: Option<Money>) -> (i64, OrderEvent) {
        let placed = OrderEvent::OrderPlaced {
            order: order_of(Uuid::nil()),
            number: "K0000000AA".into(),
            account: Uuid::nil(),
            subscription: Uuid::nil(),
            reason: OrderReason::Gift,
            items: vec![],
            tax,
            settlement: Settlement::Charge { gateway: "sandbox".into() },
            billing: None,
            vat_number: None,
            credit,
            at: at(),
        };
        (8, placed)
    }

    fn tax(price: Money, country: &str, on: &str) -> Tax {
        let buyer = Buyer { country: Country::parse(country).unwrap(), business: false };
        let home = Country::parse("NL").unwrap();
        Tax::decide(price, buyer, home, on.parse().unwrap(), &RateTable::default())
    }

    fn explained(gift: &[(i64, GiftEvent)], own: &[(i64, OrderEvent)]) -> Option<Explanation> {
        let seller = (Country::parse("NL").unwrap(), Zone::amsterdam());
        explain_gift(gift, own, seller, &RateTable::default())
    }

    #[test]
    fn a_gift_is_explained_by_its_price_the_country_and_the_rate_of_the_day_it_was_sold() {
        let gift = [bought(eur(1150), "DE")];
        let own = [placed(tax(eur(1150), "DE", "2026-07-01"), Some(eur(150)))];
        let why = explained(&gift, &own).unwrap();
        assert!(why.agrees(), "{why:?}");
        assert_eq!((why.sum.len(), why.reckoned.gross), (1, eur(1150)));
        assert_eq!(why.grounds.iter().map(|g| g.position).collect::<Vec<_>>(), [7, 7, 8]);
        assert!(why.grounds[1].words.contains("A private buyer in Germany, sold on 1 Jul 2026"), "{why:?}");
        assert!(why.grounds[1].words.contains("19\u{a0}% in DE"), "{why:?}");
        assert_eq!(why.taken.len(), 1, "credit: {why:?}");
    }

    #[test]
    fn what_the_order_says_otherwise_shows() {
        let gift = [bought(eur(1150), "NL")];
        let dear = explained(&gift, &[placed(tax(eur(1250), "NL", "2026-07-01"), None)]).unwrap();
        assert!(!dear.agrees() && dear.taken.is_empty(), "{dear:?}");
        let abroad = explained(&gift, &[placed(tax(eur(1150), "DE", "2026-07-01"), None)]).unwrap();
        assert!(!abroad.agrees(), "{abroad:?}");
        assert_eq!(explained(&gift, &[]), None);
        assert_eq!(explained(&[], &[placed(tax(eur(1150), "NL", "2026-07-01"), None)]), None);
    }
}
