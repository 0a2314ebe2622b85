//! `kinora subscription show|why`: one subscription with its timeline, and why something was charged.

use super::{CliError, Global, print_json};
use crate::domain::order::{Order, OrderEvent};
use crate::domain::shared::calendar::Zone;
use crate::projections::orders::{self, OrderRow};
use crate::projections::subscription_timeline::{self, Entry, state_as_of};
use crate::projections::subscription_words::{actor_words, describe};
use crate::projections::subscriptions;
use crate::startup::Instance;
use chrono::{DateTime, Days, NaiveDate, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

#[derive(Args)]
pub struct SubscriptionArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// State and timeline.
    Show {
        /// The subscription.
        id: Uuid,
        /// What was true at the end of that day, where the studio is.
        #[arg(long, value_name = "DATE")]
        as_of: Option<NaiveDate>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Everything that was decided on a day, with the rules and what they were fed with.
    Why {
        /// The subscription.
        id: Uuid,
        /// The day, where the studio is.
        date: NaiveDate,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub async fn subscription(global: &Global, args: SubscriptionArgs) -> Result<(), CliError> {
    let instance = global.open_existing().await?;
    let outcome = act(&instance, args.action).await;
    instance.close().await?;
    outcome
}

async fn act(instance: &Instance, action: Action) -> Result<(), CliError> {
    let cx = &instance.services;
    cx.settle(Duration::from_secs(30)).await?;
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| CliError::Failed(e.to_string()))?;
    let today = zone.date_of(cx.clock.now());
    if let Action::Show { as_of: Some(day), .. } = &action
        && *day > today
    {
        return Err(CliError::Usage(format!(
            "{day} is still to come: nobody knows yet how it will stand then"
        )));
    }
    let (id, until, day, as_json) = match action {
        Action::Show { id, as_of, json } => (id, as_of.and_then(|day| end_of(zone, day)), None, json),
        Action::Why { id, date, json } => (id, end_of(zone, date), Some(date), json),
    };
    let Some(mut row) = subscriptions::one(&cx.reader, id).await? else {
        return Err(CliError::Failed(format!("there is no subscription {id}")));
    };
    let mut entries = subscription_timeline::of(&cx.reader, id, None).await?;
    if let Some(until) = until {
        entries.retain(|e| e.effective_at < until);
    }
    let state = state_as_of(&entries, DateTime::<Utc>::MAX_UTC);
    let joined = state.status().is_some().then_some(row.joined_at);
    let ended = row.ended_at.filter(|at| until.is_none_or(|until| *at < until));
    let orders = orders_as_of(orders::of_subscription(&cx.reader, id).await?, &entries, until);
    // Plan and price of that day, not of today.
    row.state = state.clone();
    if let Some(day) = day {
        entries.retain(|e| zone.date_of(e.effective_at) == day);
    }
    let status: Option<&'static str> = state.status().map(Into::into);
    if as_json {
        let orders: Vec<Value> = orders
            .into_iter()
            .map(|o| json!({ "id": o.id, "number": o.number, "status": o.status, "total": o.total, "attempts": o.attempts, "placed_at": o.placed_at, "paid_at": o.paid_at }))
            .collect();
        let timeline: Vec<Value> = entries.iter().map(line).collect();
        let now = json!({
            "status": status,
            "plan": joined.map(|_| row.plan()),
            "price": row.price(),
            "anchor": state.anchor(),
            "next_due_on": state.next_payment_on(),
            "paid_until": state.paid_up_to(),
            "open_order": state.open_order().map(|o| o.order),
            "parked": state.is_parked(),
            "paused": state.is_paused(),
            "pause": state.pause(),
            "trial_until": state.trial_until(),
            "access": state.gives_access(),
            "joined_at": joined,
            "ended_at": ended,
        });
        let mut answer = json!({
            "id": id, "owner": row.owner, "state": now, "orders": orders, "timeline": timeline,
        });
        // Scripts of before `state` read its members at the top.
        if let (Some(answer), Some(now)) = (answer.as_object_mut(), now.as_object()) {
            answer.extend(now.clone());
        }
        return print_json(&answer);
    }
    say!("{id}  {}  {}", status.unwrap_or("not joined yet"), row.plan());
    if let Some(due) = state.next_payment_on() {
        say!("next payment {due}");
    }
    for entry in &entries {
        let words = describe(entry);
        say!("\n{}  {}", entry.effective_at.format("%Y-%m-%d %H:%M"), words.what);
        if let Some(why) = words.why {
            say!("    {why}");
        }
        if let Some(reason) = &entry.reason {
            say!("    reason given: {reason}");
        }
        say!("    by {} (position {}, {})", actor_words(entry), entry.position, entry.kind);
    }
    Ok(())
}

fn end_of(zone: Zone, day: NaiveDate) -> Option<DateTime<Utc>> {
    day.checked_add_days(Days::new(1)).map(|next| zone.start_of_day(next))
}

/// The orders that were there at `until`, as they stood then by what is in `entries`.
fn orders_as_of(orders: Vec<OrderRow>, entries: &[Entry], until: Option<DateTime<Utc>>) -> Vec<OrderRow> {
    let Some(until) = until else { return orders };
    let then = orders.into_iter().filter(|o| o.placed_at < until).map(|mut row| {
        let mut order = Order::default();
        for event in entries.iter().filter(|e| e.subject == row.id).filter_map(Entry::decode::<OrderEvent>) {
            order.apply(event);
        }
        if let Some(status) = order.status() {
            row.status = <&str>::from(status).to_owned();
        }
        row.attempts = i64::try_from(order.attempts().len()).unwrap_or(i64::MAX);
        row.paid_at = row.paid_at.filter(|at| *at < until);
        row
    });
    then.collect()
}

fn line(entry: &Entry) -> Value {
    let words = describe(entry);
    json!({
        "position": entry.position,
        "type": entry.kind,
        "effective_at": entry.effective_at,
        "recorded_at": entry.recorded_at,
        "by": actor_words(entry),
        "run": entry.run.as_ref().map(|(job, slot)| json!({ "job": job, "slot": slot })),
        "what": words.what,
        "why": words.why,
        "reason": entry.reason,
        "caused_by": entry.caused_by,
        "followed_by": entry.followed_by,
        "subject": entry.subject,
        "payload": entry.payload,
    })
}
