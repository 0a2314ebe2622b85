//! Processes that are killed, and connections that are cut, in the middle of the use of credit and of a merge of two
//! accounts: in the end everything is done, and done once; no cent is lost or doubled.

use crate::exactly_once::{Process, process};
use crate::running::data_folder;
use chrono::{DateTime, TimeDelta, Utc};
use kinora::actors::accounts::register;
use kinora::actors::bus::{Claim, Envelope};
use kinora::actors::{credits, payments};
use kinora::config::{Config, Mode};
use kinora::domain::account::{Account, AccountCommand, By, Origin, Why};
use kinora::domain::credit::{Credit, CreditCommand};
use kinora::domain::order::{AskRefund, Order, OrderCommand, RefundOf, RefundWay};
use kinora::domain::shared::calendar::{Interval, Zone};
use kinora::domain::shared::payment::Collection;
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Decider, Money};
use kinora::domain::subscription::{CancelCause, Subscription, SubscriptionCommand, Terms};
use kinora::startup::Instance;
use kinora::store::Metadata;
use kinora::store::pool::connect;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_postgres::Client;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(240);
/// How often something is killed in one step.
const KILLS: u32 = 2;

/// A studio whose work is done by a process of its own, which is killed while it works.
struct Bench {
    keeper: Instance,
    /// Somebody with all rights, whose connection is never cut.
    looking: Client,
    file: PathBuf,
    worker: Option<Process>,
    kills: [u32; 2],
    _data: TempDir,
}

impl Bench {
    async fn open() -> Self {
        let data = data_folder();
        let file = data.path().join("kinora.toml");
        let text = format!("mode = \"development\"\ndata = {:?}\n", data.path());
        std::fs::write(&file, text).unwrap();
        let config = Config { mode: Mode::Development, data: data.path().to_owned(), ..Config::default() };
        // This process takes commands and keeps the database server alive; it reacts to nothing.
        let keeper = Instance::open(config, true).await.unwrap();
        let mut all_rights = keeper.database().owner.clone();
        all_rights.user("postgres");
        let looking = connect(&all_rights).await.unwrap();
        Self { keeper, looking, file, worker: None, kills: [0; 2], _data: data }
    }

    async fn count(&self, sql: &str) -> i64 {
        self.looking.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn events(&self, kind: &str) -> i64 {
        self.count(&format!("select count(*) from events where type = '{kind}'")).await
    }

    /// A process that folds and reacts, if there is none.
    async fn work(&mut self) {
        if self.worker.is_none() {
            // Whoever held them is dead, which others would believe only after a while.
            self.looking.execute("delete from leases", &[]).await.unwrap();
            let mut command = process(&self.file, &["serve", "--role", "projector"]);
            self.worker = Some(Process(command.stdout(Stdio::null()).spawn().unwrap()));
        }
    }

    /// The process without a warning, or every connection of the program to its database.
    async fn kill(&mut self) {
        let which = usize::from(self.kills[0] > self.kills[1]);
        self.kills[which] += 1;
        if which == 0 {
            self.worker = None;
        } else {
            let sql = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'kinora_app'";
            self.looking.query(sql, &[]).await.unwrap();
        }
    }

    /// Waits until `sql` counts as many as wanted, and kills as soon as it is seen that some more were done.
    async fn until(&mut self, sql: &str, wanted: i64) {
        let (begun, mut seen, mut kills) = (Instant::now(), self.count(sql).await, 0);
        loop {
            self.work().await;
            let done = self.count(sql).await;
            if done > seen && kills < KILLS {
                seen = done;
                kills += 1;
                self.kill().await;
            } else if done == wanted {
                return;
            }
            assert!(done <= wanted && begun.elapsed() < PATIENCE, "{sql}: {done} of {wanted}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Until so many events of a kind are in the log.
    async fn happened(&mut self, kind: &str, wanted: usize) {
        let sql = format!("select count(*) from events where type = '{kind}'");
        self.until(&sql, i64::try_from(wanted).unwrap()).await;
    }

    /// Gives a command as a person would who tries again when the connection broke.
    async fn give<A>(&self, stream: Uuid, at: DateTime<Utc>, command: A::Command, claims: Vec<Claim>)
    where
        A: Decider,
        A::Command: Clone,
        A::Error: std::fmt::Display,
        A::Event: kinora::domain::shared::aggregate::CategoryEvent,
    {
        let (id, meta) = (Uuid::now_v7(), Metadata::account(stream, Uuid::now_v7(), at));
        let begun = Instant::now();
        loop {
            let envelope =
                Envelope::new(id, stream, command.clone(), meta.clone()).with_claims(claims.clone());
            match self.keeper.services.bus.dispatch::<A>(envelope).await {
                Ok(_) => return,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until everything is digested. The connections that look may be among those that were cut.
    async fn settled(&mut self) {
        self.work().await;
        let begun = Instant::now();
        while !matches!(self.keeper.services.settle(Duration::from_secs(10)).await, Ok(true)) {
            assert!(begun.elapsed() < PATIENCE, "not settled");
        }
    }

    /// Everything is digested, nothing was given up, and no list differs from what the log would make of it anew.
    async fn end(mut self) {
        self.settled().await;
        self.worker = None;
        assert_eq!(self.count("select count(*) from dead_letters").await, 0);
        let twice = "select count(*) from (select stream_id, type, payload::text from events
            group by 1, 2, 3 having count(*) > 1) t";
        assert_eq!(self.count(twice).await, 0, "nothing stands in the log twice");
        let verified = self.keeper.projector.verify().await.unwrap();
        assert!(verified.ok, "{verified:?}");
        println!("killed: {} times the process, {} times its connections", self.kills[0], self.kills[1]);
        assert!(self.kills.iter().all(|n| *n > 0));
        self.keeper.close().await.unwrap();
    }
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

fn joined() -> DateTime<Utc> {
    "2031-01-31T14:00:00Z".parse().unwrap()
}

/// Somebody joins by transfer; gives the subscription.
async fn join(bench: &Bench, owner: Uuid) -> Uuid {
    let subscription = Uuid::now_v7();
    let terms = Terms {
        plan: Uuid::from_u128(1),
        variation: Uuid::from_u128(2),
        plan_name: "Studio".into(),
        price: eur(1150),
        interval: Interval::monthly(),
        collection: Collection::Manual,
        zone: Zone::amsterdam(),
        seats: None,
    };
    let command = SubscriptionCommand::Join {
        subscription,
        owner,
        terms,
        method: None,
        country: Country::parse("NL").unwrap(),
        billing: None,
        vat_number: None,
        vat_check: None,
        trial_days: 0,
        discount: None,
        waives_withdrawal: false,
        at: joined(),
    };
    let claims = vec![Claim::new("live-subscription", format!("{owner}/0"))];
    bench.give::<Subscription>(subscription, joined(), command, claims).await;
    subscription
}

/// The newest order of a subscription.
async fn newest_order(bench: &Bench, subscription: Uuid) -> Uuid {
    let sql = "select substr(stream_id, 7)::uuid from events
        where type = 'OrderPlaced' and payload->>'subscription' = $1 order by position desc limit 1";
    bench.looking.query_one(sql, &[&subscription.to_string()]).await.unwrap().get(0)
}

async fn transfer(bench: &Bench, order: Uuid, minor: i64) {
    let command = OrderCommand::RecordTransfer { received: eur(minor), at: joined() };
    bench.give::<Order>(order, joined(), command, vec![]).await;
}

/// What came too much becomes credit.
async fn to_credit(bench: &Bench, order: Uuid, minor: i64) {
    let ask = AskRefund {
        refund: Uuid::now_v7(),
        of: RefundOf::Overpayment,
        way: RefundWay::Credit,
        amount: eur(minor),
        by: Uuid::from_u128(7),
        second_person_over: 25_000,
        lapses_at: joined() + TimeDelta::days(14),
        at: joined(),
    };
    bench.give::<Order>(order, joined(), OrderCommand::AskRefund(ask), vec![]).await;
}

async fn tick(bench: &Bench, subscriptions: &[Uuid], days: i64) {
    let (at, policy) = (joined() + TimeDelta::days(days), payments::policy(&bench.keeper.services.config));
    for subscription in subscriptions {
        let command = SubscriptionCommand::Tick { policy, at };
        bench.give::<Subscription>(*subscription, at, command, vec![]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_is_granted_used_and_given_back_once_whatever_is_killed() {
    const PAYERS: usize = 5;
    let mut bench = Bench::open().await;
    let mut subscriptions = Vec::new();
    for n in 0..PAYERS {
        subscriptions.push(join(&bench, Uuid::from_u128(100 + n as u128)).await);
    }
    bench.happened("OrderPlaced", PAYERS).await;
    // €15.00 instead of €11.50; the next order is open before the rest becomes credit.
    let mut first = Vec::new();
    for subscription in &subscriptions {
        first.push(newest_order(&bench, *subscription).await);
        transfer(&bench, first[first.len() - 1], 1500).await;
    }
    bench.happened("SubscriptionActivated", PAYERS).await;
    tick(&bench, &subscriptions, 25).await;
    bench.happened("OrderPlaced", 2 * PAYERS).await;
    for order in &first {
        to_credit(&bench, *order, 350).await;
    }
    bench.happened("CreditGranted", PAYERS).await;

    // The member presses the button of an open order: €8.00 are left, and €13.00 come.
    let mut second = Vec::new();
    for subscription in &subscriptions {
        let order = newest_order(&bench, *subscription).await;
        let cx = &bench.keeper.services;
        let (id, at) = (Uuid::now_v7(), joined() + TimeDelta::days(26));
        let begun = Instant::now();
        loop {
            // The same click again and again until it is answered.
            let meta = Metadata::account(Uuid::from_u128(7), id, at);
            match credits::use_for_open(cx, (id, meta), order, vec![]).await {
                Ok(_) => break,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
        }
        second.push(order);
    }
    bench.happened("OrderCreditApplied", PAYERS).await;
    for order in &second {
        transfer(&bench, *order, 1300).await;
        to_credit(&bench, *order, 500).await;
    }
    bench.happened("CreditGranted", 2 * PAYERS).await;
    bench.happened("SubscriptionRenewed", PAYERS).await;

    // The third order takes €5.00 when it is placed, and is given up.
    tick(&bench, &subscriptions, 56).await;
    bench.happened("OrderPlaced", 3 * PAYERS).await;
    assert_eq!(bench.events("CreditUsed").await, 2 * PAYERS as i64);
    for subscription in &subscriptions {
        let at = joined() + TimeDelta::days(57);
        let command = SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at };
        bench.give::<Subscription>(*subscription, at, command, vec![]).await;
    }
    bench.happened("CreditGivenBack", PAYERS).await;

    // What came is what was paid for and what is owed.
    for n in 0..PAYERS {
        let credit = credits::load(&bench.keeper.services, Uuid::from_u128(100 + n as u128)).await.unwrap();
        assert_eq!(credit.balance(Currency::eur()), eur(500));
    }
    let paid =
        "select sum((payload->'amount'->>'minor')::bigint)::bigint from events where type = 'OrderPaid'";
    assert_eq!(bench.count(paid).await + 500 * PAYERS as i64, (1500 + 1300) * PAYERS as i64);
    bench.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_not_given_later_what_it_refused_before() {
    let mut bench = Bench::open().await;
    let owner = Uuid::from_u128(100);
    let subscription = join(&bench, owner).await;
    bench.happened("OrderPlaced", 1).await;
    let order = newest_order(&bench, subscription).await;
    // Nobody reacts while the credit is set aside for the order and is credit once more: so it is for a worker that died
    // between the two and is told of the first one again.
    bench.worker = None;
    let (refund, later, at) = (Uuid::now_v7(), Uuid::now_v7(), joined());
    for command in [
        CreditCommand::Grant { refund, order, subscription, amount: eur(350), at },
        CreditCommand::Use { id: later, order, subscription, most: eur(1150), at },
        CreditCommand::GiveBack { order, later: Some(later), at },
    ] {
        bench.give::<Credit>(owner, at, command, vec![]).await;
    }
    for _ in 0..KILLS {
        bench.work().await;
        bench.kill().await;
    }
    bench.settled().await;
    assert_eq!(bench.events("OrderCreditApplied").await, 0);
    let credit = credits::load(&bench.keeper.services, owner).await.unwrap();
    assert_eq!(credit.balance(Currency::eur()), eur(350));
    bench.end().await;
}

/// An account that registered.
async fn person(bench: &Bench, name: &str) -> Uuid {
    let cx = &bench.keeper.services;
    let new = register::NewAccount {
        mail: format!("{name}@example.org"),
        display_name: name.into(),
        username: String::new(),
        password: crate::accounts::PASSWORD.into(),
    };
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let made = register::by_operator(cx, cx.clock.new_id(), meta, &new, Origin::Shell, vec![]).await;
    made.unwrap().account
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_become_one_once_whatever_is_killed() {
    const PAIRS: usize = 4;
    let mut bench = Bench::open().await;
    let (mut pairs, mut subscriptions) = (Vec::new(), Vec::new());
    let (by, why) = (By::System("test".into()), Why::Code("test".into()));
    for n in 0..PAIRS {
        let (from, into) =
            (person(&bench, &format!("old{n}")).await, person(&bench, &format!("new{n}")).await);
        subscriptions.push(join(&bench, from).await);
        let at = Utc::now();
        let until = Some(at + TimeDelta::days(90));
        let gift = AccountCommand::GrantComplimentary { at, until, by: by.clone(), why: why.clone() };
        bench.give::<Account>(from, at, gift, vec![]).await;
        let sql = "insert into public.watch_progress (account, item, at_s, length_s, started_at, seen_at)
            values ($1, $2, 30, 100, now(), now())";
        bench.looking.execute(sql, &[&from, &Uuid::now_v7()]).await.unwrap();
        let sql = "insert into public.marks values ($1, 'like', 'film', $2, now())";
        bench.looking.execute(sql, &[&from, &Uuid::now_v7()]).await.unwrap();
        pairs.push((from, into));
    }
    bench.happened("OrderPlaced", PAIRS).await;
    for (from, into) in &pairs {
        let at = Utc::now();
        let merge = AccountCommand::MergeInto { at, into: *into, by: by.clone(), why: why.clone() };
        bench.give::<Account>(*from, at, merge, vec![]).await;
    }
    // One kill while the first steps are made, others later.
    bench.happened("AccountTakenOver", PAIRS).await;
    bench.happened("SubscriptionMoved", PAIRS).await;
    bench.happened("ComplimentaryAccessEnded", PAIRS).await;
    let mails = "select count(*) from outgoing_mail where mail::text like '%accounts_merged%'";
    bench.until(mails, PAIRS as i64).await;

    // Who paid what was open before pays for the kept account.
    for subscription in &subscriptions {
        transfer(&bench, newest_order(&bench, *subscription).await, 1150).await;
    }
    bench.happened("SubscriptionActivated", PAIRS).await;
    for ((from, into), subscription) in pairs.iter().zip(&subscriptions) {
        let sql = format!(
            "select count(*) from subscriptions where subscription = '{subscription}' and owner = '{into}'"
        );
        bench.until(&sql, 1).await;
        for table in ["watch_progress", "marks"] {
            for (account, wanted) in [(from, 0), (into, 1)] {
                let sql = format!("select count(*) from public.{table} where account = '{account}'");
                assert_eq!(bench.count(&sql).await, wanted, "{table}");
            }
        }
    }
    let granted = 2 * PAIRS as i64;
    assert_eq!(bench.events("ComplimentaryAccessGranted").await, granted, "given, and given on");
    bench.end().await;
}
