//! The event log on the desk's pages: of gifts as of subscriptions, a page of it at a time, and as files in UTC.

use crate::billing_pages::{link, open, order};
use crate::support::Studio;

const CARD: &str = "4242 4242 4242 4242";

/// Puts so many copies of a line at the end of the only timeline that has one.
pub async fn lengthen(studio: &Studio, copies: i32) {
    let sql = "insert into views.timeline select 1000000 + n, subscription, category, kind, effective_at, recorded_at,
            actor, command, causation, correlation, subject, payload, reason
        from views.timeline, generate_series(1, $1::int) n where kind = 'PaymentAttemptStarted'";
    let done = studio.superuser().await.execute(sql, &[&copies]).await.expect("copied");
    assert_eq!(done, u64::try_from(copies).expect("some"));
}

/// The address behind a link with these words; none if there is no such link.
fn way(page: &str, words: &str) -> Option<String> {
    let end = page.find(&format!(">{words}</a>"))?;
    let start = page[..end].rfind("href=\"")? + 6;
    page[start..end].split('"').next().map(|href| href.replace("&amp;", "&"))
}

/// A gift whose card is declined, whose money staff book, and which they then take back.
#[tokio::test(flavor = "multi_thread")]
async fn a_gift_is_explained_and_shows_what_happened_to_it_and_its_order() {
    let (studio, member, billing) = open().await;
    let (gift, bought) = crate::gifts::buy(&studio, &member, "4000 0000 0000 0002", "").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    let order = link(&billing.get("/billing/orders").await.body, "/billing/orders/");
    let booked = [("amount", "11.50"), ("reason", "statement 9")];
    assert_eq!(billing.submit(&order, &format!("{order}/paid"), &booked).await.status, 303);
    studio.settle().await;
    let desk = format!("/billing/gifts/{gift}");
    let back = [("reason", "bought by mistake")];
    assert_eq!(billing.submit(&desk, &format!("{desk}/withdraw"), &back).await.status, 303);
    studio.settle().await;

    let page = billing.get(&desk).await.body;
    for words in [
        "Bought as a gift: Studio",
        "By Mira Member.",
        "declined the charge",
        "The payment failed (",
        "€11.50 arrived by transfer",
        "Reason given: statement 9",
        "It is paid: its code counts.",
        "Staff took it back.",
        "Reason given: bought by mistake",
        "By Bela Billing.",
        "Invoice INV-",
        "Event as recorded",
        "Led to",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }

    // Its order says why, with the way to the events; its papers lead to the gift, and not to a subscription.
    let why = billing.get(&order).await.body;
    for words in [
        "was bought as a gift, at €11.50",
        "A private buyer in",
        "in force since",
        "This is what the order says, to the cent: €11.50.",
        "€11.50 came by transfer on",
    ] {
        assert!(why.contains(words), "{words}: {why}");
    }
    let event = link(&why, &format!("{desk}?before="));
    let (query, anchor) = event.split_once('#').expect("an anchor");
    let shown = billing.get(query).await.body;
    assert!(shown.contains(&format!("id=\"{anchor}\"")), "{event}: {shown}");
    let invoice = link(&billing.get("/billing/invoices").await.body, "/billing/invoices/");
    let paper = billing.get(&invoice).await.body;
    assert!(paper.contains(&format!("href=\"{desk}\"")) && !paper.contains("/billing/subscriptions/"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_shown_a_page_at_a_time_and_keeps_what_it_is_narrowed_to() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let get = async |path: &str| billing.get(path).await.body;
    let shown = |body: &str| body.matches("<span id=\"e").count();
    let short = get(&page).await;
    assert!(shown(&short) > 3 && way(&short, "Older").is_none() && way(&short, "Newer").is_none());

    lengthen(&studio, 230).await;
    let first = get(&format!("{page}?kind=PaymentAttemptStarted")).await;
    assert!(shown(&first) == 100 && first.contains("1–100 of 231"), "{}", shown(&first));
    assert!(first.contains("id=\"e1000230\"") && first.contains("id=\"e1000131\""));
    assert!(way(&first, "Newer").is_none());
    let older = way(&first, "Older").expect("older ones");
    assert!(older.starts_with(&page) && older.contains("kind=PaymentAttemptStarted"), "{older}");
    let second = get(&older).await;
    assert!(shown(&second) == 100 && second.contains("101–200 of 231"), "{}", shown(&second));
    assert!(second.contains("id=\"e1000130\"") && second.contains("id=\"e1000031\""));
    let newer = way(&second, "Newer").expect("newer ones");
    assert!(newer.contains("kind=PaymentAttemptStarted") && !newer.contains("before="), "{newer}");
    let third = get(&way(&second, "Older").expect("more")).await;
    assert!(shown(&third) == 31 && third.contains("201–231 of 231"), "{}", shown(&third));
    assert!(way(&third, "Older").is_none());
    assert_eq!(shown(&get(&way(&third, "Newer").expect("back")).await), 100);
    let none = get(&format!("{page}?before=1")).await;
    assert!(none.contains("Nothing stands before that.") && way(&none, "Newer").is_some());

    // A link to an event that is on another page leads there; what is told of a day looks at everything.
    let all = get(&page).await;
    assert_eq!(shown(&all), 100);
    let today = crate::support::day_of(studio.instance.services.clock.now());
    let then = get(&format!("{page}?as_of={today}&before=2")).await;
    assert!(then.contains("active, access"), "{then}");
    let last = get(&format!("{page}?before=1000001")).await;
    let away = link(&last, &format!("{page}?before=10002"));
    let (query, anchor) = away.split_once('#').expect("an anchor");
    assert!(get(query).await.contains(&format!("id=\"{anchor}\"")), "{away}");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_the_studio_on_the_page_and_utc_in_the_files() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "card", CARD).await.status, 303);
    let page = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/");
    let local = |text: &str| text.contains(" CET") || text.contains(" CEST");
    let shown = billing.get(&page).await.body;
    assert!(shown.contains("Access until ") && local(&shown), "{shown}");
    for file in ["log.csv", "log.jsonl"] {
        let text = billing.get(&format!("{page}/{file}")).await.body;
        assert!(text.contains("Access until ") && text.contains(" UTC") && !local(&text), "{file}: {text}");
    }
    studio.close().await;
}
