//! Reports of billing staff, made from the log.

use crate::accounts::{person, signed_in};
use crate::billing::{Desk, GOOD, time};
use crate::billing_pages::{ADDRESS, link, open, order};
use kinora::domain::shared::calendar::Zone;
use kinora::domain::shared::{Currency, Money, Role};
use kinora::domain::subscription::{CancelCause, SubscriptionCommand, Terms};
use kinora::projections::tax_report::{Invoiced, Span};
use kinora::projections::{figures, movements, plan_mix, subscriptions, tax_report};
use uuid::Uuid;

fn day(text: &str) -> chrono::NaiveDate {
    text.parse().expect("a day")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_the_revenue_adds_up_from_month_to_month() {
    let mut desk = Desk::open().await;
    // Joins in January, renews at the end of February, rests for two weeks of March, takes a cheaper
    // plan at the end of it, and leaves in May.
    let first = desk.join(Some(GOOD)).await;
    desk.account = Uuid::now_v7();
    desk.at = time("2031-02-03T10:00:00Z");
    let second = desk.join(Some(GOOD)).await;
    desk.tick("2031-02-28T08:00:00Z").await;
    let mut send = async |at: &str, subscription, command: fn(&Desk) -> SubscriptionCommand| {
        desk.at = time(at);
        let command = command(&desk);
        desk.send(subscription, command).await;
    };
    send("2031-03-05T10:00:00Z", first, |desk| SubscriptionCommand::Pause {
        from: day("2031-03-05"),
        until: None,
        at: desk.at,
    })
    .await;
    send("2031-03-19T10:00:00Z", first, |desk| SubscriptionCommand::EndPause { at: desk.at }).await;
    send("2031-03-19T11:00:00Z", first, |desk| SubscriptionCommand::ChangePlan {
        order: Uuid::from_u128(9),
        terms: Terms {
            variation: Uuid::from_u128(5),
            price: Money::new(500, Currency::eur()),
            ..desk.terms(kinora::domain::shared::payment::Collection::Automatic)
        },
        shown: None,
        at_once: true,
        at: desk.at,
    })
    .await;
    for at in ["2031-03-03T08:00:00Z", "2031-04-03T08:00:00Z", "2031-04-15T08:00:00Z", "2031-04-20T08:00:00Z"]
    {
        desk.tick(at).await;
    }
    desk.at = time("2031-05-01T10:00:00Z");
    desk.send(second, SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: desk.at }).await;

    let reader = &desk.instance.services.reader;
    let all = movements::months(reader, day("2031-01-01"), day("2031-06-30")).await.expect("read");
    let row = |m: &movements::Month| {
        (m.start, m.new, m.reactivation, m.expansion, m.contraction, m.churn, m.subscriptions, m.lost)
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            (0, 1150, 0, 0, 0, 0, 0, 0),
            (1150, 1150, 0, 0, 0, 0, 1, 0),
            (2300, 0, 1150, 0, 0, -1150, 2, 1),
            (2300, 0, 0, 0, -650, 0, 2, 0),
            (1650, 0, 0, 0, 0, -1150, 2, 1),
            (500, 0, 0, 0, 0, 0, 1, 0),
        ]
    );
    for pair in all.windows(2) {
        assert_eq!(pair[0].end(), pair[1].start, "{pair:?}");
    }
    let recurring = movements::monthly_recurring_revenue(reader).await.expect("read");
    assert_eq!(recurring, [Money::new(500, Currency::eur())], "the same as everywhere else");

    // Resting is no leaving, and another price is another column.
    let mix = plan_mix::by_span(reader, tax_report::Span::Month, day("2031-01-01"), day("2031-06-30"));
    let mix: Vec<_> =
        mix.await.expect("read").iter().map(|c| (c.start.to_string(), c.price, c.active)).collect();
    let expected = [
        ("2031-01-01", 1150, 1),
        ("2031-02-01", 1150, 2),
        ("2031-03-01", 1150, 2),
        ("2031-04-01", 500, 1),
        ("2031-04-01", 1150, 1),
        ("2031-05-01", 500, 1),
        ("2031-06-01", 500, 1),
    ];
    assert_eq!(mix, expected.map(|(start, price, active)| (start.to_owned(), price, active)));
    let now: i64 = subscriptions::counts(reader)
        .await
        .expect("read")
        .iter()
        .filter(|(s, ..)| s == "active")
        .map(|(.., n)| n)
        .sum();
    assert_eq!(now, 1, "as many as the overview counts");

    let cohorts = movements::cohorts(reader, day("2031-01-01"), day("2031-06-30")).await.expect("read");
    let sizes: Vec<_> = cohorts.iter().map(|c| (c.size, c.kept.clone())).collect();
    assert_eq!(sizes, [(1, vec![1, 1, 1, 1]), (1, vec![1, 1, 0])], "{cohorts:?}");

    // Every invoice is in the report, to the cent.
    let client = desk.instance.services.pool.get().await.expect("a client");
    let whole: i64 = client
        .query_one("select sum(gross_minor)::bigint from views.invoices", &[])
        .await
        .expect("summed")
        .get(0);
    let months =
        tax_report::by_span(reader, Zone::amsterdam(), Span::Month, (day("2031-01-01"), day("2032-01-01")))
            .await
            .expect("read");
    assert_eq!(months.iter().map(|m| m.gross + m.credited).sum::<i64>(), whole);
    // What is lost at the end of a day is of the day that it is where the studio is.
    let evening = "insert into views.lost_disputes (position, order_id, at, minor, currency)
        values (9000000, gen_random_uuid(), '2031-01-31T23:30:00Z', 500, 'EUR')";
    client.execute(evening, &[]).await.expect("lost");
    for (zone, month) in [(Zone::amsterdam(), "2031-02-01"), (Zone::utc(), "2031-01-01")] {
        let span = (day("2031-01-01"), day("2032-01-01"));
        let all = tax_report::by_span(reader, zone, Span::Month, span).await.expect("read");
        let lost: Vec<_> = all.iter().filter(|m| m.lost != 0).map(|m| (m.start, m.lost)).collect();
        assert_eq!(lost, [(day(month), -500)]);
    }
    let lines = tax_report::by_country(reader, day("2031-01-01"), day("2032-01-01")).await.expect("read");
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].gross, lines[0].net + lines[0].tax), (whole, whole));
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_read_and_export_what_was_sold_where() {
    let (studio, member, billing) = open().await;
    let empty = billing.get("/billing/reports").await;
    assert!(empty.body.contains("Nothing was invoiced yet"), "{}", empty.body);
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let page = billing.get("/billing/reports").await;
    assert!(page.body.contains("€11.50") && page.body.contains("Left or resting"), "{}", page.body);
    let vat = billing.get("/billing/reports/vat").await;
    for words in ["Germany", "one-stop shop", "19.00 %", "€9.66", "€1.84"] {
        assert!(vat.body.contains(words), "{words}");
    }
    let csv = billing.get("/billing/reports/vat.csv").await;
    assert!(csv.body.contains("DE,one-stop shop,STANDARD,19.00,9.66,1.84,EUR,1"), "{}", csv.body);
    let old = billing.get("/billing/reports/vat?quarter=2001-Q1").await;
    assert!(old.body.contains("Nothing was invoiced in this quarter"));
    let today = crate::support::day_of(studio.instance.services.clock.now());
    for (name, kind) in [("%Y-%m", "month"), ("%Y", "year"), ("%Y-%m-%d", "day")] {
        let period = today.format(name).to_string();
        let csv = billing.get(&format!("/billing/reports/vat.csv?period={period}")).await.body;
        assert!(csv.contains(&format!("{period},DE,one-stop shop")), "{kind}: {csv}");
        let then = period.replacen(&today.format("%Y").to_string(), "2001", 1);
        let page = billing.get(&format!("/billing/reports/vat?period={then}")).await.body;
        assert!(page.contains(&format!("Nothing was invoiced in this {kind}")), "{then}");
    }
    assert_eq!(billing.get("/billing/reports/vat.csv?period=2026-13").await.status, 422);
    let misread = billing.get("/billing/reports/vat?period=2026-13").await.body;
    assert!(misread.contains("What is shown is the quarter of today"), "{misread}");
    for file in ["revenue.csv", "movements.csv"] {
        let csv = billing.get(&format!("/billing/reports/{file}")).await;
        assert!(csv.status == 200 && csv.body.lines().count() >= 2, "{}", csv.body);
    }
    assert_eq!(member.get("/billing/reports").await.status, 403);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coupons_refunds_and_lost_disputes_are_taken_off_and_spans_can_be_chosen() {
    let (studio, member, billing) = open().await;
    let made = [("code", "spring-20"), ("off", "20 %"), ("periods", "1"), ("limit", "1")];
    assert_eq!(billing.submit("/billing/coupons", "/billing/coupons", &made).await.status, 303);
    studio.settle().await;
    let payment = member.get(&link(&member.get("/join").await.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country=DE&way=card&coupon=spring-20");
    // This charge is disputed later, and lost.
    let card = [("card_number", "4000 0000 0000 0259"), ("card_expiry", "12/35")];
    let joined = member.submit(&page, &action, &[ADDRESS.to_vec(), card.to_vec()].concat()).await;
    assert_eq!(joined.status, 303, "{}", joined.body);
    studio.settle().await;
    let file = async |name: &str| billing.get(&format!("/billing/reports/{name}")).await.body;
    let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();

    // What is paid counts, not the full price.
    let moved = last(&file("movements.csv").await);
    assert!(moved.contains(",EUR,0.00,9.20,0.00,0.00,0.00,0.00,9.20,0,0"), "{moved}");
    let plans = last(&file("plans.csv").await);
    assert!(plans.ends_with(",EUR,1,9.20"), "{plans}");
    let mix = last(&file("plan-mix.csv").await);
    assert!(mix.ends_with(",month,EUR,11.50,1"), "the agreed price, whatever a coupon takes off: {mix}");
    let page = billing.get("/billing/reports").await;
    assert!(page.body.contains("Plans over time") && page.body.contains("€11.50 per month"));
    // The same wherever it is told.
    let services = &studio.instance.services;
    let (reader, now) = (&services.reader, services.clock.now());
    let recurring = movements::monthly_recurring_revenue(reader).await.expect("read");
    assert_eq!(recurring, [Money::new(920, Currency::eur())]);
    let overview = billing.get("/billing").await.body;
    assert!(overview.contains("€9.20"), "the overview");
    // Revenue is one thing everywhere: without tax, refunds taken off.
    // Late in the evening it is the next day already where the studio is.
    let (today, day) = (crate::support::day_of(now), chrono::TimeDelta::days);
    let spans = tax_report::by_span(reader, Zone::amsterdam(), Span::Day, (today - day(29), today + day(2)))
        .await
        .expect("read");
    let revenue: i64 = spans.iter().filter(|d| d.currency == "EUR").map(Invoiced::revenue).sum();
    assert_ne!(revenue, spans.iter().map(|d| d.gross).sum::<i64>());
    let words = Money::new(revenue, Currency::eur()).to_string();
    assert!(overview.contains(&words) && overview.contains("without tax, refunds taken off"), "{overview}");
    let noted = figures::all(reader, now).await.expect("read");
    assert_eq!(noted.get("mrr.EUR"), Some(&920), "the statistics");
    let metrics = kinora::metrics::Metrics::shared().expect("declared");
    figures::sample(reader, now, &metrics).await.expect("sampled");
    let text = metrics.render().expect("rendered");
    assert!(text.contains("kinora_mrr{currency=\"EUR\"} 9.2\n"), "{text}");

    let before = last(&file("revenue.csv").await);
    assert!(before.contains(",EUR,1,9.20,0,0.00,1.47,7.73,0.00,7.73"), "{before}");

    // Part goes back; what is left is disputed, and lost a month later.
    let order = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let back = [("of", "price"), ("way", "gateway"), ("amount", "1.19"), ("reason", "it broke off")];
    let ask = format!("{order}/refund");
    assert_eq!(billing.submit(&ask, &ask, &back).await.status, 303);
    studio.settle().await;
    let after = last(&file("revenue.csv").await);
    assert!(after.contains(",EUR,1,9.20,1,-1.19,1.28,6.73,0.00,6.73"), "{after}");
    for days in [0, 31] {
        let at = studio.instance.services.clock.now() + chrono::TimeDelta::days(days);
        studio.run_job("dispute-lookups", &at.to_rfc3339()).await;
        studio.settle().await;
    }
    crate::step_up::pass(&studio, 31 * 24 * 60);
    let all = file("revenue.csv").await;
    let sum = |column: usize| -> f64 {
        all.lines().skip(1).map(|l| l.split(',').nth(column).unwrap().parse::<f64>().unwrap()).sum()
    };
    assert!((sum(8) + 9.20).abs() < 0.001 || (sum(8) + 8.01).abs() < 0.001, "the money is gone: {all}");
    assert!((sum(9) - sum(7) - sum(8)).abs() < 0.001, "revenue is what is left: {all}");

    let lost = billing.get("/billing/orders?lost=yes").await.body;
    assert!(lost.contains(&order), "what was lost is listed: {lost}");
    // The same by day and by week; and as lines of JSON.
    for (by, form) in [("day", 10), ("week", 8), ("month", 7)] {
        let text = file(&format!("revenue.csv?by={by}")).await;
        assert!(text.lines().skip(1).all(|l| l.split(',').next().unwrap().len() == form), "{by}: {text}");
        let page = billing.get(&format!("/billing/reports?by={by}")).await;
        assert!(page.status == 200 && page.body.contains("Lost in disputes"), "{by}");
        if by == "day" {
            for label in ["Churn of subscriptions", "Churn of revenue", "What moved the monthly"] {
                assert!(page.body.contains(&format!("<figcaption>{label}")), "{label}");
            }
            assert!(page.body.contains("new €9.20"), "a bar says of what it is made: {}", page.body);
        }
        assert_eq!(billing.get(&format!("/billing/reports/movements.csv?by={by}")).await.status, 200);
    }
    // Up to another day: what came later is not among it.
    let early = file("revenue.csv?by=month&until=2001-12-31").await;
    assert_eq!(early.lines().count(), 1, "{early}");
    let page = billing.get("/billing/reports?by=month&until=2001-12-31").await.body;
    assert!(page.contains("1 Jan 2000 to 31 Dec 2001") && page.contains("Up to today"), "{page}");
    assert!(!page.contains("Came in"), "nobody had come yet: {page}");
    assert_eq!(file("cohorts.csv?by=month&until=2001-12-31").await.lines().count(), 1);
    let today = crate::support::day_of(studio.instance.services.clock.now());
    let page = billing.get(&format!("/billing/reports?by=week&until={today}")).await.body;
    let file_of_it = format!("revenue.csv?by=week&amp;until={today}");
    assert!(page.contains(&file_of_it), "the files are of the same time: {page}");
    let stayed = file(&format!("cohorts.csv?by=week&until={today}")).await;
    assert!(page.contains("Came in") && stayed.lines().count() > 1, "{stayed}");
    // A program that asks for quarters does not get months instead.
    let files = ["", "/movements.csv", "/plan-mix.csv", "/revenue.csv", "/cohorts.csv", "/plans.csv"];
    for file in files {
        assert_eq!(billing.get(&format!("/billing/reports{file}?until=soon")).await.status, 400, "{file}");
        let other = billing.get(&format!("/billing/reports{file}?by=quarter")).await;
        assert_eq!(other.status, 400, "{file}");
        assert!(other.body.contains("by day, by week or by month"), "{file}: {}", other.body);
    }
    for name in ["revenue", "movements", "cohorts", "plans", "plan-mix", "vat", "oss"] {
        let text = file(&format!("{name}.jsonl")).await;
        let lines: Vec<serde_json::Value> =
            text.lines().map(|l| serde_json::from_str(l).expect("an object")).collect();
        assert!(lines.iter().all(serde_json::Value::is_object), "{name}: {text}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_return_for_the_one_stop_shop_corrects_earlier_quarters() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let now = studio.instance.services.clock.now();
    let name = |at: chrono::DateTime<chrono::Utc>| {
        use chrono::Datelike as _;
        format!("{}-Q{}", at.year(), at.month0() / 3 + 1)
    };
    let oss = |quarter: &str| format!("/billing/reports/oss.csv?quarter={quarter}");
    let supply = "supply,,DE,SERVICES,STANDARD,19.00,9.66,1.84,EUR";
    let text = billing.get(&oss(&name(now))).await.body;
    assert!(text.contains(&format!("{},{supply}", name(now))), "{text}");
    let order = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let ask = format!("{order}/refund");
    let back = async |by: &crate::support::Browser, amount: &str| {
        let fields = [("of", "price"), ("way", "gateway"), ("amount", amount), ("reason", "it broke off")];
        assert_eq!(by.submit(&ask, &ask, &fields).await.status, 303);
        studio.settle().await;
    };
    // What goes back in the same quarter is taken off its supplies …
    back(&billing, "1.19").await;
    let text = billing.get(&oss(&name(now))).await.body;
    assert!(text.contains("supply,,DE,SERVICES,STANDARD,19.00,8.66,1.65,EUR"), "{text}");
    assert!(!text.contains("correction"), "{text}");
    // … and later it corrects the return that was sent.
    crate::step_up::pass(&studio, 93 * 24 * 60);
    person(&studio, "later@example.org", &[Role::Billing]).await;
    let billing = signed_in(&studio, "later@example.org").await;
    back(&billing, "2.38").await;
    let later = studio.instance.services.clock.now();
    let text = billing.get(&oss(&name(later))).await.body;
    let correction = format!(
        "{},correction,{},DE,SERVICES,STANDARD,19.00,-2.00,-0.38,EUR,-2.00,-0.38,,",
        name(later),
        name(now)
    );
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), [correction], "{text}");
    let before = billing.get(&oss(&name(now))).await.body;
    assert!(before.contains("8.66,1.65"), "the earlier one stays as it was sent: {before}");
    let page = billing.get(&format!("/billing/reports/oss?quarter={}", name(later))).await.body;
    for words in
        ["Nothing to declare in this quarter", "Corrections of earlier quarters", "Germany", "-€0.38"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_gave_at_the_start_can_be_lost() {
    let mut desk = Desk::open().await;
    desk.at = time("2031-01-10T10:00:00Z");
    let stays = desk.join(Some(GOOD)).await;
    desk.account = Uuid::now_v7();
    desk.at = time("2031-02-03T10:00:00Z");
    let short = desk.join(Some(GOOD)).await;
    for (at, who) in [("2031-02-08T10:00:00Z", short), ("2031-02-09T10:00:00Z", stays)] {
        desk.at = time(at);
        let command = SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at: desk.at };
        desk.send(who, command).await;
    }
    let all = movements::months(&desk.instance.services.reader, day("2031-02-01"), day("2031-02-28"));
    let february = all.await.expect("read").remove(0);
    assert_eq!((february.new, february.churn), (1150, -2300));
    assert_eq!((february.subscriptions, february.lost, february.lost_minor), (1, 1, 1150), "never above all");
    desk.instance.close().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_begins_at_midnight_where_the_seller_is() {
    let mut desk = Desk::open().await;
    // Half past midnight of the first of February in Amsterdam.
    desk.at = time("2031-01-31T23:30:00Z");
    desk.join(Some(GOOD)).await;
    let reader = &desk.instance.services.reader;
    let all = movements::months(reader, day("2031-01-01"), day("2031-02-28")).await.expect("read");
    assert_eq!(all.iter().map(|m| (m.month, m.new)).collect::<Vec<_>>(), [(day("2031-02-01"), 1150)]);
    let mix =
        plan_mix::by_span(reader, Span::Month, day("2031-01-01"), day("2031-02-28")).await.expect("read");
    assert_eq!(mix.iter().map(|m| (m.start, m.active)).collect::<Vec<_>>(), [(day("2031-02-01"), 1)]);
    desk.instance.close().await.expect("closes");
}
