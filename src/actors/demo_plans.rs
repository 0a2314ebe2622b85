//! The plans of the demo studio, and the subscription of its subscriber: through the same commands
//! that a person's clicks send, with fixed ids, so that a second load changes nothing.

use super::bus::{CommandError, Envelope};
use super::payments::{self, CardEntry};
use super::services::Services;
use crate::domain::order::{AskRefund, Order, OrderCommand, RefundOf, RefundWay};
use crate::domain::plan::{Plan, PlanCommand, PlanError, Variation};
use crate::domain::shared::calendar::{Interval, Zone};
use crate::domain::shared::payment::Collection;
use crate::domain::shared::tax::Country;
use crate::domain::shared::{AccountId, Currency, Money, PersonalValue, derive_id};
use crate::domain::subscription::{Subscription, SubscriptionCommand, Terms};
use crate::projections::orders;
use crate::store::repository::EventRepository;
use crate::store::{Claim, Metadata, StoreError};
use uuid::Uuid;

const NAME: &str = "Studio";

fn plan() -> Uuid {
    derive_id("demo", "plan/studio")
}

fn variations() -> Vec<Variation> {
    let mut all = Vec::new();
    for (code, monthly, yearly) in [("EUR", 1150, 11_500), ("USD", 1250, 12_500)] {
        let Ok(currency) = Currency::parse(code) else { continue };
        for (interval, minor) in [(Interval::monthly(), monthly), (Interval::yearly(), yearly)] {
            for collection in [Collection::Automatic, Collection::Manual] {
                // Dollars do not come by transfer to an account in euros.
                if collection == Collection::Manual && code != "EUR" {
                    continue;
                }
                let word: &'static str = collection.into();
                let default = interval == Interval::monthly() && collection == Collection::Automatic;
                let id = derive_id("demo", &format!("plan/studio/{code}/{}/{word}", interval.adjective()));
                all.push(Variation {
                    id,
                    price: Money::new(minor, currency),
                    interval,
                    collection,
                    default,
                    trial_days: 0,
                    seats: None,
                });
            }
        }
    }
    all
}

/// Offers the plans.
///
/// # Errors
/// In words, if a command is refused.
pub async fn load(cx: &Services, meta: &Metadata) -> Result<(), String> {
    let at = meta.at;
    let summary = "Every film and course, production files, downloads.".to_owned();
    send(cx, meta, "create", PlanCommand::Create { name: NAME.into(), summary, at }).await?;
    for variation in variations() {
        let purpose = format!("add/{}", variation.id);
        send(cx, meta, &purpose, PlanCommand::AddVariation { variation, at }).await?;
    }
    Ok(())
}

async fn send(cx: &Services, meta: &Metadata, purpose: &str, command: PlanCommand) -> Result<(), String> {
    let id = derive_id("demo", &format!("plan/studio/{purpose}"));
    let sent = cx.bus.dispatch::<Plan>(Envelope::new(id, plan(), command, meta.clone())).await;
    sent.map(|_| ()).map_err(|e: CommandError<PlanError>| e.to_string())
}

/// Lets the demo's subscriber join with a test card, once.
///
/// # Errors
/// In words, if the store or a command fails.
pub async fn subscribe(cx: &Services, meta: &Metadata, account: AccountId, name: &str) -> Result<(), String> {
    let subscription = derive_id(&account.to_string(), "demo/subscription");
    let words = |e: StoreError| e.to_string();
    let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
    if repository.load(subscription).await.map_err(words)?.version > 0
        || super::cards::form(cx) != Some(super::cards::CardForm::Here)
    {
        return Ok(());
    }
    let Some(variation) = variations().into_iter().find(|v| v.default) else { return Ok(()) };
    let card = CardEntry { number: "4242424242424242".into(), expiry: "12/35".into() };
    let (method, label) = payments::keep_card(cx, account, &card).await.map_err(|e| e.to_string())?;
    let address = format!("{name}\nKeizersgracht 1\n1015 CC Amsterdam\nNetherlands");
    let billing = PersonalValue::new(account, "billing_address", cx.clock.new_id(), address);
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| e.to_string())?;
    let command = SubscriptionCommand::Join {
        subscription,
        owner: account,
        terms: Terms {
            plan: plan(),
            variation: variation.id,
            plan_name: NAME.into(),
            price: variation.price,
            interval: variation.interval,
            collection: variation.collection,
            zone,
            seats: None,
        },
        method: Some(method),
        country: Country::from_letters(*b"NL"),
        billing: Some(billing.reference.clone()),
        vat_number: None,
        vat_check: None,
        trial_days: 0,
        discount: None,
        waives_withdrawal: false,
        at: meta.at,
    };
    let meta = Metadata::account(account, meta.correlation, meta.at);
    let envelope = Envelope::new(derive_id(&subscription.to_string(), "join"), subscription, command, meta)
        .with_private(vec![label, billing])
        .with_claims(vec![Claim::new("live-subscription", format!("{account}/0"))]);
    let sent = cx.bus.dispatch::<Subscription>(envelope).await;
    sent.map(|_| ()).map_err(|e| e.to_string())
}

/// How often the order of the demo's subscriber is looked at until it is paid, and the time between.
const LOOKS: u32 = 100;
const BETWEEN: std::time::Duration = std::time::Duration::from_millis(100);

/// Lets the demo's subscriber send the money once more for an order that is paid, of which somebody of the billing staff
/// makes credit; once. If the order is not paid in time, the next start does it.
///
/// # Errors
/// In words, if the store or a command fails.
pub async fn overpay(cx: &Services, meta: &Metadata, buyer: AccountId, by: AccountId) -> Result<(), String> {
    let subscription = derive_id(&buyer.to_string(), "demo/subscription");
    let words = |e: StoreError| e.to_string();
    let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
    if repository.load(subscription).await.map_err(words)?.version == 0 {
        return Ok(());
    }
    for _ in 0..LOOKS {
        let all = orders::of_subscription(&cx.reader, subscription).await.map_err(words)?;
        if let Some(paid) = all.iter().find(|o| o.paid_at.is_some()) {
            let (order, amount, at) = (paid.id, Money::new(500, paid.total.currency), cx.clock.now());
            let meta = Metadata::account(by, meta.correlation, at);
            let transfer = OrderCommand::RecordTransfer { received: amount, at };
            let ask = OrderCommand::AskRefund(AskRefund {
                refund: derive_id(&order.to_string(), "demo/credit"),
                of: RefundOf::Overpayment,
                way: RefundWay::Credit,
                amount,
                by,
                second_person_over: cx.config.billing.second_person_over,
                lapses_at: at + cx.config.billing.second_person_within(),
                at,
            });
            for (step, command) in [("demo/transfer", transfer), ("demo/credit", ask)] {
                let id = derive_id(&order.to_string(), step);
                let sent = cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta.clone())).await;
                match sent {
                    // Refused: somebody has gone on with it since the first load.
                    Ok(_) | Err(CommandError::Refused(_)) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            return Ok(());
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(())
}
