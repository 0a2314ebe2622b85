//! What billing staff do on the page of a subscription, from the button to the member's mail.

use crate::billing_pages::{link, open, order};
use chrono::TimeDelta;
use kinora::domain::subscription::Status;
use kinora::projections::subscriptions;

#[tokio::test(flavor = "multi_thread")]
async fn staff_extend_retry_waive_and_end_with_a_reason() {
    let (studio, member, billing) = open().await;
    let cx = &studio.instance.services;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let page =
        link(&billing.get("/billing/subscriptions?status=active").await.body, "/billing/subscriptions/");
    let id = page.rsplit('/').next().unwrap().parse().unwrap();
    let row = async || subscriptions::one(&cx.reader, id).await.unwrap().expect("it is listed");
    let act = async |fields: &[(&str, &str)]| {
        let answer = billing.submit(&page, &page, fields).await;
        studio.settle().await;
        answer
    };

    let due = row().await.state.next_payment_on().unwrap();
    for days in ["0", "367", "many", ""] {
        let refused = act(&[("act", "extend"), ("days", days), ("reason", "the player broke")]).await;
        assert!(refused.status == 422 && refused.body.contains("the player broke"), "{days}");
    }
    assert_eq!(act(&[("act", "extend"), ("days", "14"), ("reason", "")]).await.status, 422);
    assert_eq!(act(&[("act", "extend"), ("days", "14"), ("reason", "the player broke")]).await.status, 303);
    assert_eq!(row().await.state.next_payment_on(), Some(due + TimeDelta::days(14)));

    // The next charge is declined; staff try again at once, then waive the order.
    let card = [("card_number", "4000 0000 0000 9995"), ("card_expiry", "12/35")];
    assert_eq!(member.submit("/account/subscription", "/account/subscription/card", &card).await.status, 303);
    studio.settle().await;
    assert_eq!(act(&[("act", "retry-now"), ("reason", "x")]).await.status, 422, "nothing is open");
    let later = (cx.clock.now() + TimeDelta::days(46)).to_rfc3339();
    assert_eq!(studio.run_job("clock-tick", &later).await.status, "completed");
    studio.settle().await;
    assert_eq!(row().await.state.open_order().map(|o| o.failures), Some(1));
    assert_eq!(act(&[("act", "retry-now"), ("reason", "the member says it is covered")]).await.status, 303);
    assert_eq!(row().await.state.open_order().map(|o| o.failures), Some(2), "it counts");
    assert_eq!(act(&[("act", "waive"), ("reason", "goodwill")]).await.status, 303);
    let waived = row().await;
    assert!(waived.state.open_order().is_none() && waived.status == Status::Active);
    let orders = billing.get("/billing/orders?status=cancelled").await;
    assert!(orders.body.contains("Mira Member"), "nobody has to pay it any more");

    assert_eq!(act(&[("act", "end-now"), ("reason", "asked by telephone")]).await.status, 303);
    assert_eq!(row().await.status, Status::Cancelled);
    let story = billing.get(&page).await.body;
    for words in [
        "Staff gave 14 days",
        "Staff waived the order",
        "Staff ended it at once",
        "Reason given: asked by telephone",
        "Bela Billing",
    ] {
        assert!(story.contains(words), "{words}");
    }
    // A mail is sent once more, with a reason; one that was never sent to the member is not.
    let at = story.find("name=\"mail\"").expect("the mails");
    let start = at + story[at..].find("value=\"").expect("a mail") + 7;
    let mail = &story[start..start + 36];
    assert_eq!(act(&[("act", "resend"), ("mail", mail), ("reason", "")]).await.status, 422);
    let other = uuid::Uuid::now_v7().to_string();
    let unknown = act(&[("act", "resend"), ("mail", &other), ("reason", "lost")]).await;
    assert!(unknown.status == 422 && unknown.body.contains("Choose one of the mails"));
    let written = async || {
        let sql = "select count(*) from outgoing_mail where mail->>'kind' = 'billing'";
        studio.client().await.query_one(sql, &[]).await.expect("counted").get::<_, i64>(0)
    };
    let before = written().await;
    assert_eq!(act(&[("act", "resend"), ("mail", mail), ("reason", "it went to spam")]).await.status, 303);
    assert_eq!(written().await, before + 1);
    assert!(billing.get(&page).await.body.contains("Staff had a mail sent once more"));
    let mails = std::fs::read_dir(studio.data.path().join("mail")).unwrap().flatten();
    let texts: Vec<String> = mails.filter_map(|f| std::fs::read_to_string(f.path()).ok()).collect();
    for words in ["We added 14 days", "is waived", "We ended your membership"] {
        assert!(texts.iter().any(|t| t.contains(words)), "a mail says: {words}");
    }
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_change_the_day_of_the_next_payment() {
    let (studio, member, billing) = open().await;
    let cx = &studio.instance.services;
    assert_eq!(order(&studio, &member, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let page =
        link(&billing.get("/billing/subscriptions?status=active").await.body, "/billing/subscriptions/");
    let id = page.rsplit('/').next().unwrap().parse().unwrap();
    let due = async || {
        let row = subscriptions::one(&cx.reader, id).await.unwrap().expect("it is listed");
        row.state.next_payment_on().unwrap()
    };
    let act = async |on: &str, reason: &str| {
        let answer =
            billing.submit(&page, &page, &[("act", "due-day"), ("due_on", on), ("reason", reason)]).await;
        studio.settle().await;
        answer
    };
    let first = due().await;
    let day = |days: i64| (first + TimeDelta::days(days)).to_string();
    // Absurd days, days that are paid for, no reason: nothing happens, and what was typed is still there.
    for on in ["", "soon", "0000-00-00", "2026-02-30", "9999-12-31", "1999-01-01", &day(367), &day(-1)] {
        let refused = act(on, "paid on the 25th").await;
        assert!(refused.status == 422 && refused.body.contains("paid on the 25th"), "{on}: {}", refused.body);
    }
    assert!(act(&day(-1), "x").await.body.contains("the time is paid for"));
    assert!(act(&day(9), "").await.body.contains("Say why"));
    assert_eq!(due().await, first);

    assert_eq!(act(&day(20), "paid on the 25th").await.status, 303);
    assert_eq!(due().await.to_string(), day(20));
    let shown = billing.get(&page).await.body;
    assert!(shown.contains("takes back days that staff gave"), "{shown}");
    assert_eq!(act(&day(5), "it was to be 5").await.status, 303);
    assert_eq!(due().await.to_string(), day(5));
    let story = billing.get(&page).await.body;
    for words in ["Staff gave 20 days", "Staff took back 15 days", "Reason given: it was to be 5"] {
        assert!(story.contains(words), "{words}");
    }
    // Above the limit, with what was given before, somebody else has to agree.
    let asked = act(&day(100), "a long illness").await;
    assert!(asked.location().starts_with("/billing/approvals/"), "{} {}", asked.location(), asked.body);
    assert_eq!(due().await.to_string(), day(5));
    let mails = std::fs::read_dir(studio.data.path().join("mail")).unwrap().flatten();
    let texts: Vec<String> = mails.filter_map(|f| std::fs::read_to_string(f.path()).ok()).collect();
    for words in ["We added 20 days", "15 are taken off again"] {
        assert!(texts.iter().any(|t| t.contains(words)), "a mail says: {words}");
    }
    assert_eq!(member.submit("/account", &page, &[("act", "due-day")]).await.status, 403);
    // The clock takes the new day.
    let later = (cx.clock.now() + TimeDelta::days(45)).to_rfc3339();
    studio.run_job("clock-tick", &later).await;
    studio.settle().await;
    let orders = "select count(*) from orders where status = 'paid'";
    let paid: i64 = studio.client().await.query_one(orders, &[]).await.unwrap().get(0);
    assert_eq!(paid, 2);
    studio.verify().await;
    studio.close().await;
}
