//! What must hold, whatever went wrong.

use super::database::{State, Stored, Tables};
use super::node::{Kind, Node};
use super::plant::{Plant, Said};
use kinora::domain::clock::{Run, RunEvent};
use kinora::domain::order::{Order, OrderEvent};
use kinora::domain::order_process::{OrderStep, order_step};
use kinora::domain::shared::payment::Outcome;
use kinora::domain::subscription::{Subscription, SubscriptionEvent};
use kinora::store::Receipt;
use kinora::store::event::stream_name;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

type Check = Result<(), String>;

fn ensure(holds: bool, words: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(words()) }
}

/// All of it, on a world that has come to rest.
pub fn all(plant: &Plant) -> Check {
    let db = plant.db.lock().unwrap();
    let state = &db.state;
    numbers(state)?;
    acknowledged(plant, state)?;
    for (name, events) in &state.streams {
        match name.split('-').next() {
            Some("subscription") => sequential::<Subscription>(plant, name, events)?,
            Some("order") => sequential::<Order>(plant, name, events)?,
            _ => sequential::<Run>(plant, name, events)?,
        }
    }
    for node in plant.nodes.lock().unwrap().iter().flatten() {
        memory::<Subscription>(node, state)?;
        memory::<Order>(node, state)?;
        memory::<Run>(node, state)?;
    }
    tables(state)?;
    money(plant, state)?;
    followed(state)
}

/// Positions and versions have no holes, and a command's events stand there once, side by side.
fn numbers(state: &State) -> Check {
    let mut commands: BTreeMap<Uuid, (i64, i16)> = BTreeMap::new();
    for (i, stored) in state.log.iter().enumerate() {
        let e = &stored.event;
        ensure(e.position == i64::try_from(i).unwrap() + 1, || {
            format!("position {} stands at {i}", e.position)
        })?;
        let before = commands.insert(e.command_id, (e.position, e.ix));
        let expected = if e.ix == 0 { None } else { Some((e.position - 1, e.ix - 1)) };
        ensure(before == expected, || {
            format!("command {} is in the log twice, again at {}", e.command_id, e.position)
        })?;
    }
    for (name, events) in &state.streams {
        for (i, stored) in events.iter().enumerate() {
            let version = i64::try_from(i).unwrap() + 1;
            ensure(stored.event.version == version, || {
                format!("{name}: version {} at {version}", stored.event.version)
            })?;
        }
    }
    Ok(())
}

/// Whoever was told that it is written finds it, and is told the same each time.
fn acknowledged(plant: &Plant, state: &State) -> Check {
    let mut last: BTreeMap<Uuid, Receipt> = BTreeMap::new();
    for stored in &state.log {
        let (position, version) = (stored.event.position, stored.event.version);
        last.insert(stored.event.command_id, Receipt { position, version, replayed: false });
    }
    for (command, said) in plant.answers.lock().unwrap().iter() {
        let Said::Done(receipt) = said else { continue };
        if receipt.position == 0 {
            continue;
        }
        let there = last.get(command).map(|r| (r.position, r.version));
        ensure(there == Some((receipt.position, receipt.version)), || {
            format!("command {command} was acknowledged as {receipt:?}, and is {there:?}")
        })?;
    }
    Ok(())
}

/// The stream is what one would get who executed its commands one after the other; and an answer that
/// nothing had to be done was true at the version it names.
fn sequential<A: Kind>(plant: &Plant, name: &str, events: &[Arc<Stored>]) -> Check
where
    A::Event: PartialEq,
{
    let mut states = vec![A::default()];
    let sent = plant.sent.lock().unwrap();
    let mut at = 0;
    while at < events.len() {
        let command = events[at].event.command_id;
        let many = events[at..].iter().take_while(|e| e.event.command_id == command).count();
        let written: Vec<&A::Event> =
            events[at..at + many].iter().filter_map(|e| e.typed.downcast_ref()).collect();
        let state = states[at].clone();
        let contents = sent.get(&command).map_or(&[][..], |(_, all)| all.as_slice());
        let agrees = contents
            .iter()
            .filter_map(|c| c.downcast_ref::<A::Command>())
            .any(|c| state.decide(c.clone()).is_ok_and(|decided| decided.iter().eq(written.iter().copied())));
        ensure(agrees, || {
            format!(
                "{name}: what stands at version {} does not follow from its command and what stands before",
                at + 1
            )
        })?;
        for event in written {
            let mut next = states[at].clone();
            next.apply(event.clone());
            states.push(next);
            at += 1;
        }
    }
    for (command, said) in plant.answers.lock().unwrap().iter() {
        let Some((stream, contents)) = sent.get(command) else { continue };
        if stream_name(A::TYPE, *stream) != name {
            continue;
        }
        let mut all = contents.iter().filter_map(|c| c.downcast_ref::<A::Command>());
        let true_once = match said {
            Said::Done(receipt) if receipt.position > 0 => true,
            Said::Done(receipt) => {
                let state = usize::try_from(receipt.version).ok().and_then(|v| states.get(v));
                state.is_some_and(|s| all.any(|c| s.decide(c.clone()).is_ok_and(|e| e.is_empty())))
            }
            Said::Refused => all.any(|c| states.iter().any(|s| s.decide(c.clone()).is_err())),
        };
        ensure(true_once, || format!("{name}: the answer {said:?} to {command} was never true"))?;
    }
    Ok(())
}

/// What actors hold is what the log gives.
fn memory<A: Kind + serde::Serialize>(node: &Node, state: &State) -> Check {
    for (id, held, version) in node.resting::<A>() {
        let empty = Vec::new();
        let events = state.streams.get(&stream_name(A::TYPE, id)).unwrap_or(&empty);
        let known = events.get(..usize::try_from(version).unwrap_or(usize::MAX));
        let folded = known.map(super::node::fold::<A>);
        let same = folded.is_some_and(|f| serde_json::to_value(&f).ok() == serde_json::to_value(&held).ok());
        ensure(same, || {
            format!("{} {id}: the actor holds a state at version {version} that never was", A::TYPE)
        })?;
    }
    Ok(())
}

/// Tables folded in pages of any length, by two processes, over crashes, are those folded at once.
fn tables(state: &State) -> Check {
    let mut anew = Tables::default();
    state.log.iter().for_each(|e| anew.apply(e));
    let live = &state.tables;
    let json = |t: &Tables| serde_json::to_value((&t.subscriptions, &t.orders)).ok();
    let same = anew.folded == live.folded && anew.payments == live.payments && json(&anew) == json(live);
    ensure(same, || format!("tables differ from a rebuild: {} events folded of {}", live.folded, anew.folded))
}

/// What the gateway took is what orders know, each once; nothing is left open.
fn money(plant: &Plant, state: &State) -> Check {
    let books = plant.till.0.lock().unwrap();
    let mut taken: BTreeMap<Uuid, i64> = BTreeMap::new();
    let mut orders: BTreeSet<&str> = BTreeSet::new();
    for (key, t) in books.iter().filter(|(_, t)| matches!(t.outcome, Outcome::Succeeded { .. })) {
        taken.insert(*key, t.amount.minor);
        ensure(orders.insert(&t.order), || format!("order {} is charged twice", t.order))?;
    }
    for stored in &state.log {
        match stored.typed.downcast_ref::<OrderEvent>() {
            Some(OrderEvent::PaymentSucceeded { attempt, amount, .. }) => {
                let at_gateway = taken.remove(attempt);
                ensure(at_gateway == Some(amount.minor), || {
                    format!("{attempt} is paid with {amount:?}, the gateway has {at_gateway:?}")
                })?;
            }
            Some(OrderEvent::OrderOverpaid { over, .. }) => {
                return Err(format!("{over:?} more than owed was taken"));
            }
            _ => {}
        }
    }
    ensure(taken.is_empty(), || format!("the gateway took what no order knows: {taken:?}"))?;
    for (id, order) in &state.tables.orders {
        for attempt in order.attempts() {
            ensure(attempt.state.is_final(), || format!("order {id} is left open: {attempt:?}"))?;
        }
    }
    for (id, subscription) in &state.tables.subscriptions {
        let charge = subscription.open_order().and_then(|o| o.charge.as_ref());
        ensure(charge.is_none(), || format!("subscription {id} waits for ever: {charge:?}"))?;
    }
    Ok(())
}

/// What has to follow from an event has followed; a period is ordered once; a run ends once.
fn followed(state: &State) -> Check {
    let mut ended = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for stored in &state.log {
        let e = &stored.event;
        if let Some(RunEvent::RunCompleted { .. }) = stored.typed.downcast_ref() {
            ensure(ended.insert(&e.stream_id), || format!("{} ends twice", e.stream_id))?;
        }
        let Some(decided) = stored.typed.downcast_ref::<SubscriptionEvent>() else { continue };
        if let SubscriptionEvent::RenewalOrderRequested { period, .. } = decided {
            ensure(asked.insert((&e.stream_id, period.start)), || format!("{period:?} is ordered twice"))?;
        }
        match order_step(decided.clone(), e.effective_at) {
            Some(OrderStep::Place(sale)) => {
                let there = state.streams.contains_key(&stream_name("order", sale.order));
                ensure(there, || {
                    format!("order {} of position {} was never placed", sale.order, e.position)
                })?;
            }
            Some(OrderStep::Send { order, purpose: "start", .. }) => {
                let status = state.tables.orders.get(&order).and_then(Order::status);
                ensure(status.is_some(), || format!("{order}: to be charged and not there"))?;
                let (id, _) = e.follow(super::work::ORDERS, "start");
                let settled = matches!(status, Some(s) if s != kinora::domain::order::OrderStatus::Created);
                ensure(state.receipts.contains_key(&id) || settled, || {
                    format!("the charge of position {} was never started", e.position)
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}
