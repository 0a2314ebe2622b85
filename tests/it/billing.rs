//! Memberships end to end on a real PostgreSQL: join, renew, decline, hold, cancel, expire, crash.

use crate::running::data_folder;
use chrono::{DateTime, TimeDelta, Utc};
use kinora::actors::bus::{Claim, Envelope, Metadata};
use kinora::actors::{jobs, payments};
use kinora::config::{Config, Mode};
use kinora::domain::order::{Order, OrderCommand};
use kinora::domain::plan::{Plan, PlanCommand, Variation};
use kinora::domain::shared::calendar::{Interval, Zone};
use kinora::domain::shared::payment::Collection;
use kinora::domain::shared::tax::Country;
use kinora::domain::shared::{Currency, Money, derive_id};
use kinora::domain::subscription::{Status, Subscription, SubscriptionCommand, Terms};
use kinora::projections::{invoices, orders, subscription_timeline, subscriptions};
use kinora::startup::{Instance, Roles};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

pub const GOOD: &str = "4242 4242 4242 4242";

/// A studio without people, whose clock is the ticks it is sent.
pub struct Desk {
    pub instance: Instance,
    pub account: Uuid,
    pub at: DateTime<Utc>,
    _data: TempDir,
}

pub fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

impl Desk {
    pub async fn open() -> Self {
        let data = data_folder();
        let config = Config { mode: Mode::Demo, data: data.path().to_owned(), ..Config::default() };
        let instance = Instance::open(config, true).await.expect("opens");
        instance.start(Roles::COMMAND);
        // Far enough ahead of any real clock for the events' times to be those of the ticks.
        Self { instance, account: Uuid::now_v7(), at: time("2031-01-31T14:00:00Z"), _data: data }
    }

    pub fn meta(&self) -> Metadata {
        Metadata::account(self.account, Uuid::now_v7(), self.at)
    }

    pub fn terms(&self, collection: Collection) -> Terms {
        Terms {
            plan: Uuid::from_u128(1),
            variation: Uuid::from_u128(2),
            plan_name: "Studio".into(),
            price: Money::new(1150, Currency::eur()),
            interval: Interval::monthly(),
            collection,
            zone: Zone::amsterdam(),
            seats: None,
        }
    }

    pub async fn settle(&self) {
        assert!(self.instance.services.settle(Duration::from_secs(60)).await.expect("settles"), "settled");
    }

    pub async fn send(&self, subscription: Uuid, command: SubscriptionCommand) {
        let envelope = Envelope::new(Uuid::now_v7(), subscription, command, self.meta());
        self.instance.services.bus.dispatch::<Subscription>(envelope).await.expect("accepted");
        self.settle().await;
    }

    pub async fn join(&self, card: Option<&str>) -> Uuid {
        let cx = &self.instance.services;
        let subscription = Uuid::now_v7();
        let (method, label) = match card {
            None => (None, None),
            Some(number) => {
                let entry = payments::CardEntry { number: number.into(), expiry: "12/35".into() };
                let (method, label) = payments::keep_card(cx, self.account, &entry).await.expect("kept");
                (Some(method), Some(label))
            }
        };
        let collection = if card.is_some() { Collection::Automatic } else { Collection::Manual };
        let command = SubscriptionCommand::Join {
            subscription,
            owner: self.account,
            terms: self.terms(collection),
            method,
            country: Country::parse("NL").expect("a country"),
            billing: None,
            vat_number: None,
            vat_check: None,
            trial_days: 0,
            discount: None,
            waives_withdrawal: false,
            at: self.at,
        };
        let envelope = Envelope::new(Uuid::now_v7(), subscription, command, self.meta())
            .with_private(label.into_iter().collect())
            .with_claims(vec![Claim::new("live-subscription", format!("{}/0", self.account))]);
        cx.bus.dispatch::<Subscription>(envelope).await.expect("joined");
        self.settle().await;
        subscription
    }

    pub async fn change_card(&self, subscription: Uuid, number: &str) {
        let cx = &self.instance.services;
        let entry = payments::CardEntry { number: number.into(), expiry: "12/35".into() };
        let (method, label) = payments::keep_card(cx, self.account, &entry).await.expect("kept");
        let command = SubscriptionCommand::ChangeMethod { method, at: self.at };
        let envelope =
            Envelope::new(Uuid::now_v7(), subscription, command, self.meta()).with_private(vec![label]);
        cx.bus.dispatch::<Subscription>(envelope).await.expect("changed");
        self.settle().await;
    }

    /// Runs the clock for that time, with everything that follows; gives the report.
    pub async fn tick(&self, at: &str) -> jobs::Report {
        let all = jobs::all();
        let job = all.iter().find(|j| j.name() == "clock-tick").expect("the job");
        let meta = Metadata::system("test", Uuid::now_v7(), time(at));
        let report =
            jobs::run(job.as_ref(), time(at), meta, true, &self.instance.services).await.expect("runs");
        assert_eq!(report.error, None);
        self.settle().await;
        report
    }

    pub async fn row(&self, id: Uuid) -> subscriptions::SubscriptionRow {
        subscriptions::one(&self.instance.services.reader, id).await.expect("read").expect("there")
    }

    pub async fn status(&self, id: Uuid) -> Status {
        self.row(id).await.status
    }

    pub async fn orders(&self, id: Uuid) -> Vec<orders::OrderRow> {
        orders::of_subscription(&self.instance.services.reader, id).await.expect("read")
    }

    pub async fn kinds(&self, id: Uuid) -> Vec<String> {
        let entries =
            subscription_timeline::of(&self.instance.services.reader, id, None).await.expect("read");
        entries.into_iter().map(|e| e.kind).collect()
    }

    /// What the sandbox has charged in all.
    pub async fn charged(&self) -> i64 {
        let client = self.instance.services.pool.get().await.expect("client");
        let sql =
            "select coalesce(sum(minor), 0)::bigint from public.sandbox_charges where state = 'succeeded'";
        client.query_one(sql, &[]).await.expect("read").get(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_lives_through_renewals_declines_hold_and_late_payment() {
    let desk = Desk::open().await;
    let id = desk.join(Some(GOOD)).await;
    assert_eq!(desk.status(id).await, Status::Active);
    let invoices_before =
        invoices::of_account(&desk.instance.services.reader, desk.account).await.expect("read");
    assert_eq!(invoices_before.len(), 1);
    assert_eq!(invoices_before[0].number, "INV-2031-00001");
    assert_eq!(invoices_before[0].document.tax.tax, Money::new(200, Currency::eur()));

    // A second membership of the same person is refused by the claim.
    let again = Envelope::new(
        Uuid::now_v7(),
        Uuid::now_v7(),
        SubscriptionCommand::Join {
            subscription: Uuid::now_v7(),
            owner: desk.account,
            terms: desk.terms(Collection::Manual),
            method: None,
            country: Country::parse("NL").expect("a country"),
            billing: None,
            vat_number: None,
            vat_check: None,
            trial_days: 0,
            discount: None,
            waives_withdrawal: false,
            at: desk.at,
        },
        desk.meta(),
    )
    .with_claims(vec![Claim::new("live-subscription", format!("{}/0", desk.account))]);
    assert!(desk.instance.services.bus.dispatch::<Subscription>(again).await.is_err());

    // A month passes.
    assert_eq!(desk.tick("2031-02-27T22:00:00Z").await.changed, 0);
    let report = desk.tick("2031-02-28T08:00:00Z").await;
    assert!(report.changed > 0);
    assert_eq!(desk.row(id).await.state.next_due_on(), Some("2031-03-31".parse().expect("a date")));
    assert_eq!(desk.orders(id).await.len(), 2);
    assert_eq!(desk.charged().await, 2300);
    let numbers: Vec<String> = invoices::of_account(&desk.instance.services.reader, desk.account)
        .await
        .expect("read")
        .into_iter()
        .map(|i| i.number)
        .collect();
    assert_eq!(numbers, ["INV-2031-00002", "INV-2031-00001"]);

    // The same slot does not run twice, and another tick finds nothing.
    let before = desk.kinds(id).await;
    assert_eq!(desk.tick("2031-02-28T08:00:00Z").await.status, "already-run");
    assert_eq!(desk.tick("2031-02-28T09:00:00Z").await.changed, 0);
    assert_eq!(desk.kinds(id).await, before);

    // Three declines two days apart on one order, then no access.
    desk.change_card(id, "4000 0000 0000 0002").await;
    desk.tick("2031-03-31T08:00:00Z").await;
    assert_eq!(desk.status(id).await, Status::Active);
    desk.tick("2031-04-01T08:00:00Z").await;
    desk.tick("2031-04-02T08:00:00Z").await;
    assert_eq!(desk.status(id).await, Status::Active);
    desk.tick("2031-04-04T08:00:00Z").await;
    assert_eq!(desk.status(id).await, Status::OnHold);
    let all = desk.orders(id).await;
    assert_eq!((all.len(), all[0].status.as_str(), all[0].attempts), (3, "failed", 3));
    let gives = subscriptions::memberships(&desk.instance.services.reader, desk.account).await.expect("read");
    assert_eq!(gives, [kinora::domain::access::Membership::OnHold { order: Some(all[0].id) }]);
    assert_eq!(desk.charged().await, 2300);

    // Another card pays the open order: a new interval from that day.
    let cx = &desk.instance.services;
    let entry = payments::CardEntry { number: GOOD.into(), expiry: "12/35".into() };
    let (method, label) = payments::keep_card(cx, desk.account, &entry).await.expect("kept");
    let at = time("2031-04-20T10:00:00Z");
    let pay = SubscriptionCommand::PayNow { attempt: Uuid::now_v7(), method, at };
    let meta = Metadata::account(desk.account, Uuid::now_v7(), at);
    let envelope = Envelope::new(Uuid::now_v7(), id, pay, meta).with_private(vec![label]);
    cx.bus.dispatch::<Subscription>(envelope).await.expect("paid");
    desk.settle().await;
    let row = desk.row(id).await;
    assert_eq!(
        (row.status, row.state.anchor()),
        (Status::Active, Some("2031-04-20".parse().expect("a date")))
    );
    assert_eq!(desk.charged().await, 3450);
    let papers = invoices::of_account(&cx.reader, desk.account).await.expect("read");
    let late = &papers[0].document;
    let span = late.lines[0].period.expect("the span that was paid for");
    assert_eq!((span.start.to_string(), span.end.to_string()), ("2031-04-20".into(), "2031-05-20".into()));
    assert_eq!((late.tax.supplied_on, late.tax.gross.minor), (span.start, 1150));

    // The list goes on after its last entry, whatever was placed meanwhile.
    let (all, mut last, mut walked) = (orders::Filter::default(), None, Vec::new());
    while let [one] = &orders::after(&cx.reader, &all, last, 1).await.expect("read")[..] {
        last = Some((one.placed_at, one.id));
        walked.push(one.id);
    }
    let (listed, _) = orders::list(&cx.reader, &all, None, 0, 10).await.expect("read");
    assert_eq!(walked, listed.iter().map(|o| o.id).collect::<Vec<_>>());
    let second = invoices::after(&cx.reader, "", None, Some(papers[0].position), 1).await.expect("read");
    assert_eq!(second[0].number, papers[1].number);

    // The state as of a day before, from the log.
    let entries = subscription_timeline::of(&cx.reader, id, None).await.expect("read");
    let then = subscription_timeline::state_as_of(&entries, time("2031-04-10T00:00:00Z"));
    assert_eq!(then.status(), Some(Status::OnHold));
    let renewed = entries.iter().find(|e| e.kind == "SubscriptionRenewed").expect("renewed");
    assert_eq!(renewed.run.as_ref().map(|(job, _)| job.as_str()), Some("clock-tick"));
    let charge = entries.iter().find(|e| e.kind == "ChargeRequested" && e.run.is_some()).expect("charged");
    assert!(!charge.followed_by.is_empty(), "a request is followed by its intent");

    // Every projection folded again from zero is the same.
    let verified = desk.instance.projector.verify().await.expect("verified");
    assert!(
        verified.ok,
        "{:?}",
        verified.projections.iter().filter(|p| !p.equal).map(|p| &p.name).collect::<Vec<_>>()
    );
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_with_the_paid_time_and_transfers_wait_on_hold() {
    let desk = Desk::open().await;
    let id = desk.join(Some(GOOD)).await;
    desk.send(id, SubscriptionCommand::Cancel { reason: None, at: desk.at }).await;
    assert_eq!(desk.status(id).await, Status::PendingCancellation);
    assert!(desk.status(id).await.gives_access());
    desk.tick("2031-02-28T08:00:00Z").await;
    assert_eq!(desk.status(id).await, Status::Cancelled);
    assert_eq!(desk.charged().await, 1150);
    assert!(!subscriptions::has_live(&desk.instance.services.reader, desk.account).await.expect("read"));

    // By transfer: on hold with an invoice, and 24 weeks later expired with a credit note.
    let mut other = desk;
    other.account = Uuid::now_v7();
    let id = other.join(None).await;
    assert_eq!(other.status(id).await, Status::OnHold);
    let order = other.orders(id).await.remove(0);
    assert_eq!(order.rest(), Money::new(1150, Currency::eur()));
    other.tick("2031-07-17T20:00:00Z").await;
    assert_eq!(other.status(id).await, Status::OnHold);
    other.tick("2031-07-18T20:00:00Z").await;
    assert_eq!(other.status(id).await, Status::Expired);
    let papers = invoices::of_account(&other.instance.services.reader, other.account).await.expect("read");
    let numbers: Vec<&str> = papers.iter().map(|p| p.number.as_str()).collect();
    assert_eq!(numbers, ["CN-2031-00001", "INV-2031-00002"]);

    // Staff book a transfer: the membership starts that day.
    other.account = Uuid::now_v7();
    let id = other.join(None).await;
    let order = other.orders(id).await.remove(0);
    let received = OrderCommand::RecordTransfer { received: order.total, at: time("2031-02-05T09:00:00Z") };
    let envelope = Envelope::new(Uuid::now_v7(), order.id, received, other.meta());
    other.instance.services.bus.dispatch::<Order>(envelope).await.expect("booked");
    other.settle().await;
    let row = other.row(id).await;
    assert_eq!(
        (row.status, row.state.anchor()),
        (Status::Active, Some("2031-02-05".parse().expect("a date")))
    );
    other.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up_and_nobody_is_charged_twice() {
    let mut desk = Desk::open().await;
    // The charge was made, the answer lost.
    let id = desk.join(Some("4000 0000 0000 0119")).await;
    assert_eq!(desk.status(id).await, Status::OnHold);
    assert_eq!(desk.orders(id).await[0].last_attempt.as_ref().map(|a| a.1.as_str()), Some("unknown"));
    desk.tick("2031-01-31T14:00:30Z").await;
    assert_eq!(desk.status(id).await, Status::OnHold, "not before a minute has passed");
    desk.tick("2031-01-31T14:02:00Z").await;
    assert_eq!(desk.status(id).await, Status::Active);
    assert_eq!(desk.charged().await, 1150);

    // The charge was not made, the answer lost.
    desk.account = Uuid::now_v7();
    let id = desk.join(Some("4000 0000 0000 0127")).await;
    desk.tick("2031-01-31T14:05:00Z").await;
    assert_eq!(desk.status(id).await, Status::OnHold);
    assert_eq!(desk.orders(id).await[0].last_code.as_deref(), Some("no_charge_made"));
    assert_eq!(desk.charged().await, 1150);

    // The card asks for a confirmation, and gets it.
    desk.account = Uuid::now_v7();
    let id = desk.join(Some("4000 0025 0000 3155")).await;
    let order = desk.orders(id).await.remove(0);
    let attempt = order.last_attempt.expect("an attempt").0;
    assert_eq!(order.confirm_until, Some(desk.at + TimeDelta::hours(24)));
    let cx = &desk.instance.services;
    payments::confirm(cx, order.id, attempt, true, (Uuid::now_v7(), desk.meta())).await.expect("confirmed");
    desk.settle().await;
    assert_eq!(desk.status(id).await, Status::Active);
    assert_eq!(desk.charged().await, 2300);

    // The process dies between the gateway's answer and its record: the intent is delivered again.
    let client = cx.pool.get().await.expect("client");
    client
        .execute("update checkpoints set position = 0 where name in ('charge_payments', 'subscription_orders', 'issue_invoices')", &[])
        .await
        .expect("set back");
    drop(client);
    desk.settle().await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    desk.settle().await;
    assert_eq!(desk.charged().await, 2300, "a second delivery of every event charges nobody");
    let papers = invoices::list(&cx.reader, "", None, 0, 50).await.expect("read");
    assert_eq!(papers.1, 2);
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_whose_process_died_before_the_charge_is_looked_up() {
    let desk = Desk::open().await;
    let cx = &desk.instance.services;
    let id = desk.join(None).await;
    let order = desk.orders(id).await.remove(0);
    let entry = payments::CardEntry { number: GOOD.into(), expiry: "12/35".into() };
    let (method, _) = payments::keep_card(cx, desk.account, &entry).await.expect("kept");
    // An intent that no workflow will ever see: as after a crash with a lost event.
    let client = cx.pool.get().await.expect("client");
    client
        .execute("update checkpoints set position = position + 1000 where name = 'charge_payments'", &[])
        .await
        .expect("skipped");
    drop(client);
    let attempt = derive_id("test", "attempt");
    let start = OrderCommand::StartAttempt { attempt, method, present: false, at: desk.at };
    cx.bus
        .dispatch::<Order>(Envelope::new(Uuid::now_v7(), order.id, start, desk.meta()))
        .await
        .expect("started");
    tokio::time::sleep(Duration::from_millis(500)).await;
    desk.tick("2031-01-31T14:10:00Z").await;
    let order = desk.orders(id).await.remove(0);
    assert_eq!(order.last_code.as_deref(), Some("no_charge_made"));
    assert_eq!(desk.charged().await, 0);
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_still_waits_for_its_call_is_not_looked_up_and_barred() {
    let desk = Desk::open().await;
    let cx = &desk.instance.services;
    let id = desk.join(None).await;
    let order = desk.orders(id).await.remove(0);
    let entry = payments::CardEntry { number: GOOD.into(), expiry: "12/35".into() };
    let (method, _) = payments::keep_card(cx, desk.account, &entry).await.expect("kept");
    // The charger is busy with others: another process holds its lease and does not get on.
    let hold = "update public.leases set owner = gen_random_uuid(), lease_until = now() + interval '1 hour'
        where name = 'workflow charge_payments'";
    let client = cx.pool.get().await.expect("client");
    let held = async || client.execute(hold, &[]).await.expect("held");
    while held().await == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A slot long before the real time: by the slot's time every charge is overdue at once.
    let attempt = derive_id("test", "waiting");
    let start = OrderCommand::StartAttempt { attempt, method, present: false, at: desk.at };
    let envelope = Envelope::new(Uuid::now_v7(), order.id, start, desk.meta());
    let receipt = cx.bus.dispatch::<Order>(envelope).await.expect("started");
    assert!(cx.reader.wait_for(receipt.position, Duration::from_secs(10)).await.expect("shown"));
    let all = jobs::all();
    let job = all.iter().find(|j| j.name() == "payment-lookups").expect("the job");
    let slot = time("2031-01-31T15:00:00Z");
    let meta = Metadata::system("test", Uuid::now_v7(), slot);
    let report = jobs::run(job.as_ref(), slot, meta, false, cx).await.expect("runs");
    assert_eq!(report.counts["looked_up"], 0, "{report:?}");
    client
        .execute("delete from public.leases where name = 'workflow charge_payments'", &[])
        .await
        .expect("free");
    desk.settle().await;
    assert_eq!(desk.status(id).await, Status::Active, "it was charged when its turn came");
    assert_eq!(desk.charged().await, 1150);
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_subscription_that_cannot_be_ticked_is_set_aside_and_the_others_go_on() {
    let mut desk = Desk::open().await;
    let good = desk.join(Some(GOOD)).await;
    desk.account = Uuid::now_v7();
    let bad = desk.join(Some(GOOD)).await;
    let cx = &desk.instance.services;
    let client = cx.pool.get().await.expect("client");
    // A row whose stream is gone, as a damaged projection would show it.
    let broken = Uuid::now_v7();
    let copy = "insert into views.subscriptions select ($1::text)::uuid, owner, status, plan_name, interval, collection,
        price_minor, currency, joined_at, paid_until, look_at, open_order, failing, parked, ended_at, state
        from views.subscriptions where subscription = $2";
    let columns = client.execute(copy, &[&broken.to_string(), &bad]).await.expect("copied");
    assert_eq!(columns, 1);
    let report = desk.tick("2031-02-28T02:00:00Z").await;
    assert_eq!((report.counts["failed"], report.counts["decided"]), (1, 2), "{report:?}");
    assert_eq!(
        desk.row(good).await.state.next_due_on().map(|d| d.to_string()).as_deref(),
        Some("2031-03-31")
    );
    let aside = jobs::tick_failures::list(cx, 10).await.expect("read");
    assert_eq!(aside.iter().map(|f| (f.subscription, f.failures)).collect::<Vec<_>>(), [(broken, 1)]);
    desk.tick("2031-02-28T03:00:00Z").await;
    assert_eq!(jobs::tick_failures::list(cx, 10).await.expect("read")[0].failures, 2);
    client
        .execute("delete from views.subscriptions where subscription = $1", &[&broken])
        .await
        .expect("gone");
    jobs::tick_failures::forget(cx, &[broken]).await.expect("forgotten");
    assert!(jobs::tick_failures::list(cx, 10).await.expect("read").is_empty());
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_offered_by_currency_with_the_default_first() {
    let desk = Desk::open().await;
    let cx = &desk.instance.services;
    let plan = Uuid::now_v7();
    let send = |command| {
        let envelope = Envelope::new(Uuid::now_v7(), plan, command, desk.meta());
        async move { cx.bus.dispatch::<Plan>(envelope).await.expect("accepted") }
    };
    send(PlanCommand::Create { name: "Studio".into(), summary: "Everything".into(), at: desk.at }).await;
    for (n, minor, interval, default) in
        [(1_u128, 1150, Interval::monthly(), false), (2, 11500, Interval::yearly(), true)]
    {
        let variation = Variation {
            id: Uuid::from_u128(n),
            price: Money::new(minor, Currency::eur()),
            interval,
            collection: Collection::Automatic,
            default,
            trial_days: 0,
            seats: None,
        };
        send(PlanCommand::AddVariation { variation, at: desk.at }).await;
    }
    desk.settle().await;
    let offers = kinora::projections::plans::offers(&cx.reader, "EUR").await.expect("read");
    let titles: Vec<String> = offers.iter().map(|o| format!("{} {}", o.title(), o.variation.price)).collect();
    assert_eq!(titles, ["Studio, yearly €115.00", "Studio, monthly €11.50"]);
    desk.instance.close().await.expect("closes");
}
