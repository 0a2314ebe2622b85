//! The clock's tick with many memberships due at once, on a private PostgreSQL with fsync on: how many a
//! second are asked and decided, beside the same done one after the other; and how long it takes until all
//! orders, charges, invoices and mails that follow are done.
//!
//! `cargo bench --profile dist -p kinora-benches --bench tick -- [--subscriptions 20000] [--one-by-one 1000]`

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use futures_util::{StreamExt, TryStreamExt, stream};
use kinora::actors::bus::{Envelope, Metadata};
use kinora::actors::projector::Projector;
use kinora::actors::{jobs, payments};
use kinora::config::{Config, Mode};
use kinora::domain::shared::calendar::{Interval, Zone};
use kinora::domain::shared::payment::{BillingPolicy, Collection, PaymentMethod};
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Money};
use kinora::domain::subscription::{Subscription, SubscriptionCommand, Terms};
use kinora::startup::{Instance, Roles};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

#[derive(Parser)]
struct Args {
    /// Memberships that are due at the tick.
    #[arg(long, default_value_t = 20_000)]
    subscriptions: usize,
    /// Further ones that are ticked one after the other, for comparison.
    #[arg(long, default_value_t = 1_000)]
    one_by_one: usize,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

const TRIAL: u16 = 14;

fn terms() -> Terms {
    Terms {
        plan: Uuid::from_u128(1),
        variation: Uuid::from_u128(2),
        plan_name: "Studio".into(),
        price: Money::new(1150, Currency::eur()),
        interval: Interval::monthly(),
        collection: Collection::Automatic,
        zone: Zone::amsterdam(),
        seats: None,
    }
}

/// A membership in its trial, whose first payment is due two weeks later.
async fn join(instance: &Instance, method: PaymentMethod, at: DateTime<Utc>) -> Result<Uuid, Trouble> {
    let (account, subscription) = (Uuid::now_v7(), Uuid::now_v7());
    let command = SubscriptionCommand::Join {
        subscription,
        owner: account,
        terms: terms(),
        method: Some(method),
        country: Country::parse("NL")?,
        billing: None,
        vat_number: None,
        vat_check: None,
        trial_days: TRIAL,
        discount: None,
        waives_withdrawal: false,
        at,
    };
    let meta = Metadata::account(account, Uuid::now_v7(), at);
    let envelope = Envelope::new(Uuid::now_v7(), subscription, command, meta);
    instance.services.bus.dispatch::<Subscription>(envelope).await.map_err(|e| e.to_string())?;
    Ok(subscription)
}

#[expect(clippy::cast_precision_loss, reason = "figures to read")]
fn per_second(n: usize, time: Duration) -> f64 {
    n as f64 / time.as_secs_f64()
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Trouble> {
    let args = Args::parse();
    let folder = tempfile::Builder::new().prefix("kinora-bench").tempdir()?;
    // PostgreSQL's own user passes through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let config = Config { mode: Mode::Demo, data: folder.path().to_owned(), ..Config::default() };
    let instance = Instance::open(config.clone(), true).await?;
    let outcome = measure(&args, &instance).await;
    instance.close().await?;
    outcome?;
    // Opened again, so that nothing else follows the log.
    let instance = Instance::open(config, true).await?;
    let outcome = fold_anew(&instance).await;
    instance.close().await?;
    outcome
}

async fn measure(args: &Args, instance: &Instance) -> Result<(), Trouble> {
    let cx = &instance.services;
    let joined: DateTime<Utc> = "2031-01-01T12:00:00Z".parse()?;
    let due = joined + TimeDelta::days(i64::from(TRIAL));
    let card = payments::CardEntry { number: "4242424242424242".into(), expiry: "12/39".into() };
    let (method, _) = payments::keep_card(cx, Uuid::now_v7(), &card).await?;
    let ids: Vec<Uuid> = stream::iter(0..args.subscriptions + args.one_by_one)
        .map(|_| join(instance, method.clone(), joined))
        .buffer_unordered(256)
        .try_collect()
        .await?;
    println!("{} memberships, {} processors", ids.len(), std::thread::available_parallelism()?);
    // The lists are made before anything is measured; then nothing else works beside the tick.
    while instance.projector.step().await? {}

    let started = Instant::now();
    for id in &ids[..args.one_by_one] {
        let command = SubscriptionCommand::Tick { policy: BillingPolicy::default(), at: due };
        let envelope = Envelope::new(Uuid::now_v7(), *id, command, Metadata::system("bench", *id, due));
        cx.bus.dispatch::<Subscription>(envelope).await.map_err(|e| e.to_string())?;
    }
    let alone = per_second(args.one_by_one, started.elapsed());
    while instance.projector.step().await? {}

    let all = jobs::all();
    let job = all.iter().find(|j| j.name() == "clock-tick").ok_or("no clock-tick")?;
    let started = Instant::now();
    let meta = Metadata::system("bench", Uuid::now_v7(), due);
    // The job waits until the lists show its own beginning; for the rest of it nothing works beside it.
    let projector = instance.projector.clone();
    let lists = tokio::spawn(async move {
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            if !projector.step().await.unwrap_or(false) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let report = jobs::run(job.as_ref(), due, meta, false, cx).await?;
    let took = started.elapsed();
    lists.await?;
    let count = |name: &str| report.counts.get(name).copied();
    let asked = usize::try_from(count("asked").unwrap_or(0))?;
    if asked < args.subscriptions || count("failed") != Some(0) {
        return Err(format!("not all were asked: {report:?}").into());
    }
    let together = per_second(asked, took);
    println!("one after the other: {alone:.0} a second");
    println!(
        "the job: {asked} asked in {:.1} s, {together:.0} a second, {:.1} times",
        took.as_secs_f64(),
        together / alone
    );

    let started = Instant::now();
    instance.start(Roles::COMMAND);
    if !cx.settle(Duration::from_secs(3600)).await? {
        return Err("not settled in an hour".into());
    }
    let client = cx.pool.get().await?;
    let counted = "select count(*) filter (where type = 'OrderPaid'), count(*) filter (where type = 'InvoiceIssued') from events";
    let row = client.query_one(counted, &[]).await?;
    let (paid, invoices): (i64, i64) = (row.get(0), row.get(1));
    let rest = started.elapsed();
    println!(
        "what followed: {paid} charges, {invoices} invoices, each with its mail, in {:.1} s: {:.0} a second",
        rest.as_secs_f64(),
        per_second(usize::try_from(paid)?, rest),
    );
    Ok(())
}

/// All lists from the beginning of the log: each by itself, and all of them together as after an upgrade.
async fn fold_anew(instance: &Instance) -> Result<(), Trouble> {
    let (projector, client) = (&instance.projector, instance.services.pool.get().await?);
    let events: i64 = client.query_one("select position from log_head", &[]).await?.get(0);
    let events = usize::try_from(events)?;
    let all = Arc::clone(&projector.projections);
    println!("lists of {events} events folded anew, events a second:");
    for projection in all.iter() {
        let one = Projector { projections: Arc::new(vec![Arc::clone(projection)]), ..projector.clone() };
        one.rebuild(projection.name()).await?;
        let started = Instant::now();
        while one.step().await? {}
        println!("  {:28} {:>8.0}", projection.name(), per_second(events, started.elapsed()));
    }
    for projection in all.iter() {
        projector.rebuild(projection.name()).await?;
    }
    let started = Instant::now();
    while projector.step().await? {}
    println!("  {:28} {:>8.0}", "all together", per_second(events, started.elapsed()));
    Ok(())
}
