//! Members and staff, whose messages are lost, late and doubled, and who ask again with the same id.

use super::gateway::Line;
use super::node::{Kind, Node};
use super::plant::{Act, Plant};
use super::work::look_up;
use chrono::Days;
use futures_util::future::join_all;
use kinora::actors::{CommandError, Envelope};
use kinora::adapters::gateways::Gateway;
use kinora::domain::order::{AttemptState, Order};
use kinora::domain::shared::calendar::{Interval, IntervalUnit, Zone};
use kinora::domain::shared::payment::{BillingPolicy, Collection, Outcome, PaymentMethod};
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Money, PersonalRef};
use kinora::domain::subscription::{Status, Subscription, SubscriptionCommand, Terms};
use kinora::store::Metadata;
use std::sync::Arc;
use tokio::sync::oneshot;
use uuid::Uuid;

const HOUR: i64 = 3_600_000;

fn card(n: u64) -> PaymentMethod {
    let label = PersonalRef { subject: Uuid::from_u128(1), field: "card".into(), version: Uuid::nil() };
    PaymentMethod { gateway: "sandbox".into(), token: n.to_string(), label, expires_on: None }
}

fn terms(plant: &Plant, minor: i64) -> Terms {
    let length = u16::try_from(plant.world.between(2, 9)).unwrap();
    Terms {
        plan: Uuid::from_u128(1),
        variation: plant.world.id(),
        plan_name: "Studio".into(),
        price: Money::new(minor, Currency::eur()),
        interval: Interval::new(IntervalUnit::Day, length).unwrap(),
        collection: Collection::Automatic,
        zone: Zone::parse("Europe/Amsterdam").unwrap(),
        seats: None,
    }
}

/// Sends a command until somebody says what became of it, or patience ends.
pub async fn call<A: Kind>(plant: &Arc<Plant>, envelope: Envelope<A::Command>) -> bool {
    let world = &plant.world;
    for _ in 0..12 {
        let faults = plant.faults();
        let send = || {
            let (plant, envelope) = (Arc::clone(plant), envelope.clone());
            let late = world.chance(faults.late);
            async move {
                plant.world.sleep(plant.world.between(1, if late { 20_000 } else { 30 })).await;
                let node = plant.node(usize::try_from(plant.world.dice(2)).unwrap())?;
                let (way, answered) = oneshot::channel();
                let at_work = Arc::clone(&node);
                // It runs in the process, whatever becomes of the one who asked.
                node.spawn(async move {
                    let _ = way.send(at_work.dispatch::<A>(envelope).await);
                });
                answered.await.ok()
            }
        };
        if world.chance(faults.doubled) {
            let copy = send();
            world.spawn(0, async move {
                let _ = copy.await;
            });
        }
        let answer = if world.chance(faults.lost) { None } else { send().await };
        match answer.filter(|_| !world.chance(faults.lost)) {
            Some(Ok(_)) => return true,
            Some(Err(CommandError::Refused(_) | CommandError::Taken { .. })) => return true,
            _ => world.sleep(world.between(100, 5_000)).await,
        }
    }
    false
}

fn envelope(plant: &Plant, member: Uuid, command: SubscriptionCommand) -> Envelope<SubscriptionCommand> {
    let meta = Metadata::account(Uuid::from_u128(1), plant.world.id(), plant.world.time());
    Envelope::new(plant.world.id(), member, command, meta)
}

/// Joins, and then does what people do.
pub async fn live(plant: Arc<Plant>, member: Uuid) {
    let world = Arc::clone(&plant.world);
    world.sleep(world.between(0, 5 * HOUR)).await;
    let join = SubscriptionCommand::Join {
        subscription: member,
        owner: Uuid::from_u128(1),
        terms: terms(&plant, world.between(300, 3000)),
        method: Some(card(0)),
        country: Country::parse("NL").unwrap(),
        billing: None,
        vat_number: None,
        vat_check: None,
        trial_days: if world.chance(200) { 2 } else { 0 },
        discount: None,
        waives_withdrawal: false,
        at: world.time(),
    };
    let join = envelope(&plant, member, join);
    while !call::<Subscription>(&plant, join.clone()).await {
        world.sleep(HOUR).await;
    }
    while plant.act() == Act::Storm {
        world
            .sleep(if world.chance(300) { world.between(1, 2000) } else { world.between(HOUR, 70 * HOUR) })
            .await;
        let crowd = if world.chance(300) { 1 + world.dice(6) } else { 1 };
        let commands: Vec<_> = (0..crowd).filter_map(|_| wish(&plant, member)).collect();
        join_all(commands.into_iter().map(|c| call::<Subscription>(&plant, envelope(&plant, member, c))))
            .await;
        confirm(&plant, member).await;
    }
}

/// What somebody wants who looks at a page, which may be old.
fn wish(plant: &Plant, member: Uuid) -> Option<SubscriptionCommand> {
    use SubscriptionCommand as C;
    let seen = plant.db.lock().unwrap().state.tables.subscriptions.get(&member)?.clone();
    let (world, at) = (&plant.world, plant.world.time());
    let agreed = seen.terms()?;
    let today = agreed.zone.date_of(at);
    Some(match world.dice(100) {
        0..4 => C::Cancel { reason: None, at },
        4..12 => C::UndoCancel { at },
        12..16 => C::Pause {
            from: today + Days::new(world.dice(5)),
            until: Some(today + Days::new(6 + world.dice(9))),
            at,
        },
        16..24 if seen.pause().is_some() => C::EndPause { at },
        24..29 => {
            let mut new = terms(plant, world.between(300, 4000));
            new.interval = agreed.interval;
            C::ChangePlan { order: world.id(), terms: new, shown: None, at_once: true, at }
        }
        29..32 => C::Waive { at },
        32..36 => C::RetryNow { policy: BillingPolicy::default(), at },
        36..40 => C::Unpark { waive_missed: world.chance(500), at },
        40..58 if seen.status() == Some(Status::OnHold) => {
            seen.open_order()?;
            C::PayNow { attempt: world.id(), method: card(1), at }
        }
        58..75 => C::ChangeMethod { method: card(world.dice(4)), at },
        _ => C::Extend { days: u16::try_from(1 + world.dice(2)).ok()?, gift: false },
    })
}

/// Whoever is asked to confirm does, sometimes; the gateway hints at it, sometimes.
async fn confirm(plant: &Arc<Plant>, member: Uuid) {
    let asked: Vec<(Uuid, Uuid, Option<Money>)> = {
        let db = plant.db.lock().unwrap();
        let open =
            db.state.tables.orders.iter().flat_map(|(id, o)| o.attempts().iter().map(move |a| (*id, a)));
        open.filter(|(_, a)| a.state == AttemptState::ActionRequired)
            .map(|(id, a)| (id, a.id, a.asked))
            .collect()
    };
    for (order, attempt, amount) in asked {
        if plant.world.chance(500) {
            continue;
        }
        plant.world.note("confirm", member.as_u128(), 0);
        let line = Line(Arc::clone(plant));
        let now = plant.world.time();
        let amount = amount.expect("the event says how much");
        let _ = line.confirm(attempt, plant.world.chance(800), amount, now).await;
        if let Ok(Some(outcome)) = line.look_up(attempt, amount).await
            && !matches!(outcome, Outcome::RequiresAction { .. })
        {
            let command = kinora::domain::order::OrderCommand::RecordOutcome { attempt, outcome, at: now };
            let meta = Metadata::system("webhook", plant.world.id(), now);
            call::<Order>(plant, Envelope::new(plant.world.id(), order, command, meta)).await;
        }
    }
}

/// Staff, once everything works again: what was set aside is tried again, what nobody knows is asked for.
pub async fn clean_up(plant: &Arc<Plant>, node: &Arc<Node>) {
    let (parked, unknown): (Vec<_>, Vec<_>) = {
        let db = plant.db.lock().unwrap();
        let open =
            db.state.tables.orders.iter().flat_map(|(id, o)| o.attempts().iter().map(move |a| (*id, a)));
        let unknown = open.filter(|(_, a)| a.state == AttemptState::Parked).map(|(id, a)| (id, a.id));
        (db.state.parked.iter().copied().collect(), unknown.collect())
    };
    for (name, position) in parked {
        let event = plant.db.lock().unwrap().after(position - 1, 1).pop();
        if let Some(event) = event
            && super::work::handle(node, name, &event).await.is_ok()
        {
            plant.db.lock().unwrap().park(name, position, true);
        }
    }
    for (order, attempt) in unknown {
        let meta = Metadata::system("staff", plant.world.id(), plant.world.time());
        let _ = look_up(node, order, attempt, meta, Some(plant.world.id())).await;
    }
}
