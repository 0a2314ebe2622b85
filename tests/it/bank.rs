//! Bank statements: what came is booked on its orders, once.

use crate::billing_pages::{link, open, open_with, order};
use crate::support::{Browser, Page, Studio};
use reqwest::multipart::{Form, Part};

pub async fn send(studio: &Studio, billing: &Browser, name: &str, file: Vec<u8>) -> Page {
    let token = billing.get("/billing/bank").await.hidden("_csrf").expect("a token");
    let part = Part::bytes(file).file_name(name.to_owned());
    let form = Form::new().text("_csrf", token).part("file", part);
    let request = billing.client.post(format!("{}/billing/bank", billing.url)).multipart(form);
    let page = billing.answer(request).await;
    studio.settle().await;
    page
}

pub fn entry(amount: &str, words: &str, own: &str, day: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{day}</Dt></BookgDt>
         <AcctSvcrRef>{own}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Payer Canary</Nm></Dbtr></RltdPties>
         <RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
}

pub fn camt(entries: &[String]) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\"><BkToCstmrStmt><Stmt>
         <Acct><Id><IBAN>NL02ABNA0123456789</IBAN></Id></Acct>{}</Stmt></BkToCstmrStmt></Document>",
        entries.concat()
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_books_what_came_once_and_the_membership_starts() {
    let (studio, member, billing) = open().await;
    assert_eq!(order(&studio, &member, "NL", "bank", "").await.status, 303);
    let mine = member.get("/account/subscription").await.body;
    let at = mine.find("RF").expect("a reference");
    let reference = mine[at..].split('<').next().expect("its end").trim().to_owned();
    let today = studio.instance.services.clock.now().format("%Y-%m-%d").to_string();

    // First less than is owed, with spaces in the reference as people write them.
    let spaced = format!("membership {} {}", &reference[..4], &reference[4..]);
    let first = camt(&[
        entry("5.00", &spaced, "B1", &today),
        entry("99.00", "rent", "B2", &today),
        entry("6.50", &reference.replace(&reference[2..4], "00"), "B3", &today),
    ]);
    let done = send(&studio, &billing, "a.xml", first.clone()).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = billing.get(done.location()).await.body;
    for words in ["1 booked", "2 for you to look at", "€6.50 missing", "No reference"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert!(member.get("/account/subscription").await.body.contains("On hold"));
    assert_eq!(crate::direct_debits::mails(&studio, "transfer_short").await, 1, "the rest is asked for");

    // The rest, in a file that repeats the first entry.
    let second = camt(&[entry("5.00", &spaced, "B1", &today), entry("6.50", &reference, "B4", &today)]);
    let done = send(&studio, &billing, "b.xml", second.clone()).await;
    let page = billing.get(done.location()).await.body;
    assert!(page.contains("1 booked, 1 known before, 0 for you"), "{page}");
    assert!(member.get("/account/subscription").await.body.contains("You can watch everything"));

    // The whole again, at the same time twice: nothing is booked twice.
    let (a, b) = tokio::join!(
        send(&studio, &billing, "b.xml", second.clone()),
        send(&studio, &billing, "b.xml", second)
    );
    for done in [a, b] {
        assert!(billing.get(done.location()).await.body.contains("0 booked, 2 known before"));
    }
    let orders = billing.get("/billing/orders?questionable=yes").await.body;
    assert!(orders.contains("No order"), "nothing was overpaid: {orders}");
    assert!(billing.get("/billing/bank").await.body.contains("Sent before"));
    let kept: String = studio
        .client()
        .await
        .query_one("select string_agg(report::text, '') from public.bank_statements", &[])
        .await
        .expect("kept")
        .get(0);
    assert!(!kept.contains("Canary") && !kept.contains("membership"), "nothing of the payers is kept");

    // Who is not staff cannot send one.
    assert_eq!(member.get("/billing/bank").await.status, 403);
    let page = billing.get(&link(&billing.get("/billing/bank").await.body, "/billing/bank/")).await;
    assert_eq!(page.status, 200);
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_and_too_large_files_book_nothing() {
    let (studio, _, billing) = open_with(|config| config.billing.statement_bytes = 4000).await;
    for (file, words) in [
        (b"".to_vec(), "Choose a file first"),
        (b"hello".to_vec(), "neither a CAMT.053"),
        (b"<Document><BkToCstmrStmt>".to_vec(), "no bank statement"),
        (b"date;amount;description\n2026-11-25;x;y\n".to_vec(), "Entry 1 cannot be read"),
        (b"date;amount;description\n-262143-01-01;1.00;y\n".to_vec(), "is no date"),
        (b"date;amount;description\n2026-11-25;92233720368547758.07;y\n".to_vec(), "too large"),
    ] {
        let refused = send(&studio, &billing, "a", file).await;
        assert_eq!(refused.status, 422, "{words}");
        assert!(refused.body.contains(words), "{words} in {}", refused.body);
    }
    let head = b"date;amount;description\n".to_vec();
    let fits = [head.clone(), b" ".repeat(4000 - head.len())].concat();
    assert_eq!(send(&studio, &billing, "a", fits.clone()).await.status, 303, "at the limit");
    let over = send(&studio, &billing, "a", [fits, vec![b' ']].concat()).await;
    assert_eq!(over.status, 413);
    assert!(over.body.contains("larger than 4 kB"), "{}", over.body);

    // A time that has not come is not booked; neither is a form without the token of the session.
    let form = Form::new().part("file", Part::bytes(b"x".to_vec()).file_name("a"));
    let request = billing.client.post(format!("{}/billing/bank", billing.url)).multipart(form);
    assert_eq!(billing.answer(request).await.status, 403);
    studio.close().await;
}
