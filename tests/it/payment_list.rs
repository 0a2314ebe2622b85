//! The desk's list of payments: every charge that was tried and every transfer, what became of it, as a page and as
//! files.

use crate::billing_pages::{link, open, open_with, order};
use crate::direct_debits::{CREDITOR, between, book, make, sign};

const HERE: &str = "/billing/payments";

#[tokio::test(flavor = "multi_thread")]
async fn charges_and_transfers_are_listed_with_what_became_of_them() {
    let (studio, member, billing) = open().await;
    let get = async |query: &str| billing.get(&format!("{HERE}?{query}")).await.body;
    assert!(get("").await.contains("No payments yet"));
    // The first is paid; of the others one is declined, one asks for more, and of one the answer is lost.
    for card in ["4242 4242 4242 4242", "4000 0025 0000 3155", "4000 0000 0000 0127", "4000 0000 0000 0002"] {
        let (_, bought) = crate::gifts::buy(&studio, &member, card, "").await;
        assert_eq!(bought.status, 303, "{card}: {}", bought.body);
    }
    let failed = link(&billing.get("/billing/orders?status=soft-failed").await.body, "/billing/orders/");
    let booked = [("amount", "11.50"), ("reason", "statement 9")];
    assert_eq!(billing.submit(&failed, &format!("{failed}/paid"), &booked).await.status, 303);
    studio.settle().await;

    let page = get("").await;
    for words in ["Mira Member", "Bank transfer", "Succeeded", "Declined", "To be confirmed", "Unknown"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("1–5 of 5") && page.contains(&format!("href=\"{failed}\"")), "{page}");
    let all = get("format=csv").await;
    assert!(all.starts_with("position,attempt,order,number,account,gateway,") && !all.contains("Mira"));
    assert_eq!(all.lines().count(), 6, "{all}");
    for (query, count, part) in [
        ("outcome=succeeded", 2, ",11.50,EUR,succeeded,"),
        ("outcome=declined", 1, ",11.50,EUR,declined,"),
        ("outcome=action-required", 1, ",action-required,"),
        ("outcome=unknown", 1, ",unknown,"),
        ("outcome=cancelled", 0, ""),
        ("gateway=transfer", 1, ",transfer,11.50,EUR,succeeded,"),
        ("gateway=transfer&outcome=declined", 0, ""),
    ] {
        let file = get(&format!("format=csv&{query}")).await;
        assert_eq!(file.lines().count(), count + 1, "{query}: {file}");
        assert!(file.lines().skip(1).all(|line| line.contains(part)), "{query}: {file}");
        let page = get(query).await;
        assert_eq!(page.contains("No payment found"), count == 0, "{query}: {page}");
    }
    assert!(
        !get("format=csv&outcome=declined").await.contains(",declined,,"),
        "the gateway's code stands there"
    );
    let lines = get("format=jsonl").await;
    for line in lines.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("an object");
        assert_eq!(row["attempt"].is_null(), row["gateway"] == "transfer", "{row}");
        assert!(row["at"].as_str().is_some_and(|at| at.ends_with("+00:00")), "{row}");
    }
    // A filter keeps the other one; what there is not is an empty page, and no file.
    let filtered = get("gateway=transfer").await;
    assert!(filtered.contains("gateway=transfer&amp;outcome=declined"), "{filtered}");
    assert!(get("outcome=lost").await.contains("No payment found"));
    for wrong in ["outcome=lost", "gateway=nobody"] {
        let answer = billing.get(&format!("{HERE}?format=csv&{wrong}")).await;
        assert_eq!(answer.status, 422, "{wrong}");
    }
    assert_eq!(member.get(HERE).await.status, 403);
    studio.verify().await;

    // More than a page.
    let more =
        "insert into views.payment_list select 1000000 + n, null, order_id, number, account, gateway, minor,
            currency, outcome, code, reference, at, told_at
        from views.payment_list, generate_series(1, 30) n where gateway = 'transfer'";
    studio.superuser().await.batch_execute(more).await.expect("copied");
    let first = get("gateway=transfer").await;
    assert!(first.contains("1–25 of 31"), "{first}");
    assert!(get("gateway=transfer&page=2").await.contains("26–31 of 31"));
    assert_eq!(get("gateway=transfer&format=csv").await.lines().count(), 32);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_takes_back_of_a_direct_debit_stands_among_the_payments() {
    let (studio, member, billing) = open_with(|c| c.gateways.bank.creditor_id = CREDITOR.into()).await;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    assert_eq!(sign(&studio, &member, "DE89370400440532013000", "yes").await.status, 303);
    let file = make(&studio, &billing).await.expect("made");
    let (_, xml) = billing.download(&format!("{file}/file")).await;
    let text = String::from_utf8(xml).expect("text");
    let reference = between(&text, "<EndToEndId>", "<").to_owned();
    let today = crate::support::day_of(studio.instance.services.clock.now());
    for line in [format!("{today};11.50;{reference};"), format!("{today};-14.50;{reference};AC04")] {
        book(&studio, &format!("date;amount;description;return code\n{line}\n")).await;
    }
    let csv = billing.get(&format!("{HERE}?format=csv")).await.body;
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(csv.contains(",transfer,11.50,EUR,succeeded,"), "{csv}");
    assert!(csv.contains(",direct-debit,-11.50,EUR,returned,AC04,"), "{csv}");
    let page = billing.get(&format!("{HERE}?outcome=returned")).await.body;
    assert!(page.contains("Given back") && page.contains("-€11.50") && page.contains("AC04"), "{page}");
    studio.verify().await;
    studio.close().await;
}
