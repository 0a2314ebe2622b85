//! What a process does on its own: workflows, the projector, the scheduler. Their loops are written anew
//! over the simulated database; what they decide is Kinora's.

use super::database::Stored;
use super::gateway::Line;
use super::journal::Journal;
use super::node::{Node, lost};
use super::plant::{Act, Bug};
use futures_util::future::{BoxFuture, Either, FutureExt, join_all, select};
use kinora::actors::jobs;
use kinora::actors::payments::{ask, outcome_of};
use kinora::actors::workflow_runner::TRIES;
use kinora::actors::workflows::charge_payments;
use kinora::actors::{CommandError, Envelope};
use kinora::adapters::gateways::{ChargeRequest, Gateway};
use kinora::domain::clock::{Run, RunCommand, RunState, Schedule, run_id};
use kinora::domain::order::{Order, OrderCommand, OrderError, OrderEvent};
use kinora::domain::order_process::{OrderStep, Till, order_step, subscription_step};
use kinora::domain::shared::payment::{BillingPolicy, Outcome};
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::{Subscription, SubscriptionCommand, SubscriptionEvent};
use kinora::store::{Claim, Metadata, StoreError};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Looks at the log, in milliseconds, when nobody tells of new events.
const POLL: (i64, i64) = (1_000, 40 * 3_600_000);
pub const ORDERS: &str = "subscription_orders";

pub fn start(node: &Arc<Node>) {
    Journal::start(node);
    for name in [ORDERS, charge_payments::NAME] {
        let node2 = Arc::clone(node);
        node.spawn(async move { follow(node2, name).await });
    }
    let (projector, scheduler) = (Arc::clone(node), Arc::clone(node));
    node.spawn(async move { project(projector).await });
    node.spawn(async move { schedule(scheduler).await });
}

async fn wait(node: &Node, seen: u64) {
    let pause = node.plant.world.sleep(node.plant.world.between(POLL.0, POLL.1));
    let _ = select(Box::pin(node.head.above(seen)), pause).await;
    // Late, so that there are pages of more than one event, or at once.
    if node.plant.world.chance(700) {
        node.plant.world.sleep(node.plant.world.between(1, 400)).await;
    }
}

/// As `workflow_runner::run`.
async fn follow(node: Arc<Node>, name: &'static str) {
    let bug = node.plant.bug;
    loop {
        let seen = node.head.seen();
        let many = 1 + usize::try_from(node.plant.world.dice(12)).unwrap();
        let (owner, now) = (node.owner, node.plant.world.now());
        let page = node
            .ask(|db| {
                if !db.lease(name, owner, now, 15) {
                    return None;
                }
                let from = db.state.places.get(name).copied().unwrap_or(0);
                Some((from, db.after(from, many), db.incarnation))
            })
            .await;
        let Ok(Some((from, events, life))) = page else {
            node.plant.world.sleep(node.plant.world.between(5_000, 60_000)).await;
            continue;
        };
        if events.is_empty() {
            wait(&node, seen).await;
            continue;
        }
        // On the connection that read the page: one that was opened later knows nothing of it.
        if node.ask_settled(|db| db.incarnation).await.ok() != Some(life) {
            continue;
        }
        let last = events.last().unwrap().event.position;
        if bug == Some(Bug::MovesFirst) {
            let _ = node.ask(|db| db.advance(name, from, last)).await;
        }
        let done = { renewed(&node, name, react(&node, name, events)).await };
        if done && bug != Some(Bug::MovesFirst) {
            let _ = node.ask(|db| db.advance(name, from, last)).await;
        }
    }
}

/// Keeps the lease while `work` takes its time, unless the process stands still.
async fn renewed<T>(node: &Node, name: &'static str, work: impl Future<Output = T>) -> T {
    let renew = async {
        loop {
            let stall = node.plant.world.chance(100);
            node.plant.world.sleep(if stall { 40_000 } else { 5_000 }).await;
            let (owner, now) = (node.owner, node.plant.world.now());
            let _ = node.ask(|db| db.lease(name, owner, now, 15)).await;
        }
    };
    match select(std::pin::pin!(work), std::pin::pin!(renew)).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => never,
    }
}

/// Streams side by side, the events of one in their order.
async fn react(node: &Arc<Node>, name: &'static str, events: Vec<Arc<Stored>>) -> bool {
    let mut lanes: BTreeMap<String, Vec<Arc<Stored>>> = BTreeMap::new();
    for event in events {
        lanes.entry(event.event.stream_id.clone()).or_default().push(event);
    }
    let lanes: Vec<BoxFuture<'_, ()>> =
        lanes.into_values().map(|events| async move { lane(node, name, events).await }.boxed()).collect();
    join_all(lanes).await;
    true
}

async fn lane(node: &Arc<Node>, name: &'static str, events: Vec<Arc<Stored>>) {
    for event in events {
        let mut pause = 100;
        for attempt in 1..=TRIES {
            if handle(node, name, &event).await.is_ok() {
                break;
            }
            if attempt == TRIES {
                let position = event.event.position;
                node.plant.world.note("park", 0, position);
                while node.ask(|db| db.park(name, position, false)).await.is_err() {
                    node.plant.world.sleep(1_000).await;
                }
            }
            node.plant.world.sleep(pause).await;
            pause *= 4;
        }
    }
}

/// One event, as the workflow of that name does it.
pub async fn handle(node: &Arc<Node>, name: &'static str, event: &Stored) -> Result<(), StoreError> {
    let (id, at) = (event.event.stream_uuid(), event.event.effective_at);
    if let Some(decided) = event.typed.downcast_ref::<SubscriptionEvent>() {
        return match name {
            ORDERS => from_subscription(node, event, decided.clone()).await,
            _ => match decided {
                SubscriptionEvent::ChargeActionMissed { order, attempt, .. } => {
                    withdraw(node, event, *order, *attempt).await
                }
                _ => Ok(()),
            },
        };
    }
    let Some(happened) = event.typed.downcast_ref::<OrderEvent>() else { return Ok(()) };
    if name == ORDERS {
        let step = subscription_step(id, happened.clone(), BillingPolicy::default());
        let Some((subscription, command)) = step else { return Ok(()) };
        let (command_id, meta) = event.event.follow(ORDERS, "tell");
        return done(
            node.dispatch::<Subscription>(Envelope::new(command_id, subscription, command, meta)).await,
        );
    }
    let OrderEvent::PaymentAttemptStarted { attempt, number, amount, method, present, .. } = happened else {
        return Ok(());
    };
    if !node.load::<Order>(id).await?.state.awaits_charge(*attempt) {
        return Ok(());
    }
    let key = if node.plant.bug == Some(Bug::NewKeys) { node.plant.world.id() } else { *attempt };
    let (token, at) = (method.token.clone(), at.max(node.clock()));
    let request =
        ChargeRequest { key, token, amount: *amount, description: number.clone(), present: *present, at };
    let outcome = outcome_of(Line(Arc::clone(&node.plant)).charge(&request).await);
    record(node, event, id, *attempt, outcome).await
}

async fn from_subscription(
    node: &Arc<Node>,
    event: &Stored,
    decided: SubscriptionEvent,
) -> Result<(), StoreError> {
    let (id, at) = (event.event.stream_uuid(), event.event.effective_at);
    match order_step(decided, at) {
        None => Ok(()),
        Some(OrderStep::Send { order, purpose, command }) => {
            let (command_id, meta) = event.event.follow(ORDERS, purpose);
            match node.dispatch::<Order>(Envelope::new(command_id, order, command, meta)).await {
                Err(CommandError::Refused(OrderError::Paid | OrderError::Cancelled)) => Ok(()),
                other => done(other),
            }
        }
        Some(OrderStep::Place(sale)) => {
            let state = node.load::<Subscription>(id).await?.state;
            let till = Till {
                home: Country::parse("NL").unwrap(),
                card_gateway: Some("sandbox".into()),
                iban: String::new(),
                rates: Default::default(),
            };
            let order = sale.order;
            let claims = sale.claims(id).map(|(kind, name)| Claim::new(kind, name)).to_vec();
            let place = sale.place(&state, &till, at).ok_or_else(lost)?;
            let command = OrderCommand::Place(Box::new(place));
            let (command_id, meta) = event.event.follow(ORDERS, "place");
            let envelope = Envelope::new(command_id, order, command, meta).with_claims(claims);
            done(node.dispatch::<Order>(envelope).await)
        }
    }
}

fn done<E>(answer: Result<kinora::store::Receipt, CommandError<E>>) -> Result<(), StoreError> {
    answer.map(|_| ()).map_err(|_| lost())
}

async fn withdraw(node: &Arc<Node>, event: &Stored, order: Uuid, attempt: Uuid) -> Result<(), StoreError> {
    let state = node.load::<Order>(order).await?.state;
    if !state.attempts().iter().any(|a| a.id == attempt) {
        return Ok(());
    }
    let amount = state.total().unwrap_or(Money::new(0, Currency::eur()));
    let line = Line(Arc::clone(&node.plant));
    let outcome = line.cancel(attempt, amount, event.event.effective_at).await.unwrap_or(Outcome::Unknown);
    record(node, event, order, attempt, outcome).await
}

async fn record(
    node: &Arc<Node>,
    event: &Stored,
    order: Uuid,
    attempt: Uuid,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let (id, mut meta) = event.event.follow(charge_payments::NAME, "outcome");
    meta.at = meta.at.max(node.clock());
    let command = OrderCommand::RecordOutcome { attempt, outcome, at: meta.at };
    done(node.dispatch::<Order>(Envelope::new(id, order, command, meta)).await)
}

/// As the projector: pages of any length, one checkpoint, and somebody else may be as far.
async fn project(node: Arc<Node>) {
    loop {
        let seen = node.head.seen();
        let many = 1 + i64::try_from(node.plant.world.dice(40)).unwrap();
        let Ok((from, to)) = node.ask(|db| (db.state.tables.position, db.head())).await else {
            node.plant.world.sleep(1_000).await;
            continue;
        };
        if from == to {
            wait(&node, seen).await;
            continue;
        }
        // Between reading the page and folding it lies some time.
        let _ = node.ask(|db| db.fold(from, to.min(from + many).min(db.head()))).await;
    }
}

/// As `scheduler::run`; it looks less often.
async fn schedule(node: Arc<Node>) {
    let world = Arc::clone(&node.plant.world);
    let mut last = None;
    loop {
        let gap = if node.plant.act() == Act::Storm { world.between(1, 120) } else { 47 };
        world.sleep(gap * 3_600_000 + world.between(0, 3_600_000)).await;
        if node.plant.act() == Act::End {
            return;
        }
        let (owner, now) = (node.owner, world.now());
        if !node.ask(|db| db.lease("scheduler", owner, now, 15)).await.unwrap_or(false) {
            continue;
        }
        let slot = Schedule::hourly(180).due_slot("clock-tick", node.clock());
        if last != Some(slot) && run(&node, slot).await.is_ok() {
            last = Some(slot);
        }
    }
}

/// As `jobs::run` with `ClockTick`.
pub async fn run(node: &Arc<Node>, slot: chrono::DateTime<chrono::Utc>) -> Result<(), StoreError> {
    let id = run_id("clock-tick", slot);
    if node.load::<Run>(id).await?.state.state() == RunState::Completed {
        return Ok(());
    }
    let run = jobs::Run { id, job: "clock-tick", at: slot };
    let asked = Metadata::system("scheduler", node.plant.world.id(), node.clock());
    let request = RunCommand::Request { job: "clock-tick".into(), slot };
    done(node.dispatch::<Run>(Envelope::new(node.plant.world.id(), id, request, asked)).await)?;
    let head = node.ask(|db| db.head()).await?;
    let mut patience = 300;
    while node.ask(|db| db.state.tables.position).await? < head {
        node.plant.world.sleep(100).await;
        node.head.raise();
        patience -= 1;
        if patience == 0 {
            return Err(lost());
        }
    }
    let (due, payments) = node
        .ask(|db| {
            let place = db.state.places.get(charge_payments::NAME).copied().unwrap_or(0);
            let t = &db.state.tables;
            let due: Vec<Uuid> = t
                .subscriptions
                .iter()
                .filter(|(_, s)| s.look_at().is_some_and(|at| at <= slot))
                .map(|(id, _)| *id)
                .collect();
            let open = t.payments.iter().filter(|(_, p)| p.look_again_at.is_some_and(|at| at <= slot));
            let asked: Vec<(Uuid, Uuid)> =
                open.filter(|(_, p)| p.intent <= place).map(|(id, p)| (p.order, *id)).collect();
            (due, asked)
        })
        .await?;
    for subscription in due {
        let command = SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: slot };
        let tick = run.command_id(&format!("tick/{subscription}"));
        let _ = node.dispatch::<Subscription>(Envelope::new(tick, subscription, command, run.meta())).await;
    }
    for (order, attempt) in payments {
        let _ = look_up(node, order, attempt, run.meta(), None).await;
    }
    let complete = RunCommand::Complete { counts: BTreeMap::new(), changed: 0, duration_ms: 0 };
    done(node.dispatch::<Run>(Envelope::new(node.plant.world.id(), id, complete, run.meta())).await)
}

/// As `payments::look_up`.
pub async fn look_up(
    node: &Arc<Node>,
    order: Uuid,
    attempt: Uuid,
    meta: Metadata,
    asked_by: Option<Uuid>,
) -> Result<(), StoreError> {
    let state = node.load::<Order>(order).await?.state;
    let Some(known) = state.attempts().iter().find(|a| a.id == attempt && !a.state.is_final()) else {
        return Ok(());
    };
    let amount = state.total().unwrap_or(Money::new(0, Currency::eur()));
    let line = Line(Arc::clone(&node.plant));
    let outcome = ask(&line, attempt, amount, meta.at).await.unwrap_or(Outcome::Unknown);
    let id = asked_by.unwrap_or_else(|| known.look_up_id());
    let command = OrderCommand::RecordOutcome { attempt, outcome, at: meta.at };
    done(node.dispatch::<Order>(Envelope::new(id, order, command, meta)).await)
}
