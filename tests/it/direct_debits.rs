//! SEPA direct debit from the member's signature to the file for the bank, what the bank books, and what comes
//! back.

use crate::billing_pages::{link, open_with, order};
use crate::support::{Browser, Page, Studio};
use chrono::{NaiveDate, TimeDelta};
use kinora::actors::bank_import::{Booked, Line, Report, import};
use kinora::domain::subscription::Status;
use kinora::projections::subscriptions;
use kinora::store::Metadata;
use std::process::Command;
use uuid::Uuid;

const METHODS: &str = "/account/payment-methods";
const MANDATE: &str = "/account/payment-methods/mandate";
const DESK: &str = "/billing/direct-debits";
pub const CREDITOR: &str = "NL64ZZZ012345678900";
const IBAN: &str = "DE89370400440532013000";

async fn studio() -> (Studio, Browser, Browser) {
    open_with(|c| c.gateways.bank.creditor_id = CREDITOR.into()).await
}

pub async fn sign(studio: &Studio, member: &Browser, iban: &str, agree: &str) -> Page {
    let fields = [("holder", "Zoë Müller"), ("iban", iban), ("agree", agree)];
    let answer = member.submit(METHODS, MANDATE, &fields).await;
    studio.settle().await;
    answer
}

/// Makes a file; gives its page, or what was wrong.
pub async fn make(studio: &Studio, billing: &Browser) -> Result<String, Page> {
    let answer = billing.submit(METHODS, DESK, &[]).await;
    studio.settle().await;
    match answer.status {
        303 => Ok(answer.location().split('?').next().expect("a path").to_owned()),
        _ => Err(answer),
    }
}

/// What the schema of the message says of a file: how many debits it holds.
fn checked(xml: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("debits.xml");
    std::fs::write(&file, xml).expect("written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/check-direct-debit");
    let out = Command::new(script).arg(&file).output().expect("the checker starts");
    let (said, complaint) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n{complaint}\n{}", String::from_utf8_lossy(xml));
    said.trim().to_owned()
}

/// A statement of today with one entry.
fn statement(studio: &Studio, direction: &str, amount: &str, details: &str) -> String {
    let day = crate::support::day_of(studio.instance.services.clock.now());
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><Acct><Id>\
         <IBAN>NL02ABNA0123456789</IBAN></Id></Acct><Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}\
         </CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls>{details}</NtryDtls></Ntry>\
         </Stmt></BkToCstmrStmt></Document>"
    )
}

pub async fn book(studio: &Studio, statement: &str) -> Report {
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    let report = import(cx, statement.as_bytes(), &meta).await.expect("booked");
    studio.settle().await;
    report
}

pub fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).unwrap_or_else(|| panic!("{start} in {text}")) + start.len();
    let rest = &text[from..];
    &rest[..rest.find(end).expect("an end")]
}

pub async fn mails(studio: &Studio, about: &str) -> i64 {
    let sql = "select count(*) from outgoing_mail where mail::text like $1";
    let like = format!("%{about}%");
    studio.client().await.query_one(sql, &[&like]).await.expect("the queue").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_signs_with_an_account_that_can_be_debited_and_nobody_reads_it_in_the_log() {
    let (studio, member, billing) = studio().await;
    for (iban, agree, words) in [
        ("DE88370400440532013000", "yes", "This is not an IBAN"),
        ("BR1500000000000010932840814P2", "yes", "cannot be debited in euro"),
        (IBAN, "", "Tick the box"),
    ] {
        let refused = sign(&studio, &member, iban, agree).await;
        assert!(refused.status == 422 && refused.body.contains(words), "{words}: {}", refused.body);
        assert!(refused.body.contains("Zoë Müller") && refused.body.contains(iban), "what was typed is kept");
    }
    let done = sign(&studio, &member, "de89 3704 0044 0532 0130 00", "yes").await;
    assert_eq!(done.location().split('&').next(), Some("/account/payment-methods?done=signed"));
    let page = member.get(METHODS).await.body;
    for words in ["DE89 … 3000", "Zoë Müller", CREDITOR, "at least 5 days before"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains(IBAN));
    let signed = sign_again(&studio, &member).await;
    assert!(signed.status == 422 && signed.body.contains("There is a mandate already"), "{}", signed.body);
    let sql = "select count(*) from events where payload::text ~ 'DE8937|Müller' or metadata::text ~ 'DE8937|Müller'";
    let told: i64 = studio.client().await.query_one(sql, &[]).await.expect("counted").get(0);
    assert_eq!(told, 0, "account and holder are sealed");
    assert_eq!(mails(&studio, "mandate_signed").await, 1);

    assert_eq!(member.get(DESK).await.status, 403);
    assert!(billing.get(DESK).await.body.contains("Nothing can be collected now"));
    let revoked = member.submit(METHODS, "/account/payment-methods/mandate/revoke", &[]).await;
    assert_eq!(revoked.status, 303, "{}", revoked.body);
    studio.settle().await;
    assert!(member.get(METHODS).await.body.contains("Sign the mandate"));
    studio.verify().await;
    studio.close().await;
}

/// Sends the form a second time, from a page that was open before.
async fn sign_again(studio: &Studio, member: &Browser) -> Page {
    sign(studio, member, IBAN, "yes").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_the_bank_brings_back_a_debit_as_its_xml_does() {
    let (studio, member, billing) = studio().await;
    let cx = &studio.instance.services;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    assert_eq!(sign(&studio, &member, IBAN, "yes").await.status, 303);
    let file = make(&studio, &billing).await.expect("made");
    let (_, xml) = billing.download(&format!("{file}/file")).await;
    let text = String::from_utf8(xml).expect("text");
    let reference = between(&text, "<EndToEndId>", "<").to_owned();
    let today = crate::support::day_of(cx.clock.now());
    let head = "date;amount;description;return code\n";
    let came = book(&studio, &format!("{head}{today};11.50;{reference};\n")).await;
    assert!(matches!(came.lines[0].became, Booked::Booked { .. }), "{came:?}");
    // The studio's own refund names the order, too, and is none.
    let own = book(&studio, &format!("{head}{today};-11.50;refund {reference};\n")).await;
    assert_eq!((own.lines.len(), own.debits), (0, 1));
    let back = book(&studio, &format!("{head}{today};-14.50;{reference};AC04\n")).await;
    assert!(matches!(&back.lines[0].became, Booked::Returned { reason, .. } if reason == "AC04"), "{back:?}");
    assert!(billing.get(&file).await.body.contains("Came back: AC04"));
    assert!(member.get("/account/subscription").await.body.contains("On hold"));
    assert!(!member.get(METHODS).await.body.contains("DE89 … 3000"), "a closed account ends the mandate");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_order_goes_to_the_bank_once_and_what_comes_back_is_open_again() {
    let (studio, member, billing) = studio().await;
    let cx = &studio.instance.services;
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    assert!(billing.get(DESK).await.body.contains("Nothing can be collected now"), "no mandate, no debit");
    assert_eq!(sign(&studio, &member, IBAN, "yes").await.status, 303);
    let list = billing.get(DESK).await.body;
    assert!(list.contains("FRST") && list.contains("1 debit") && list.contains("€11.50"), "{list}");

    let file = make(&studio, &billing).await.expect("made");
    let again = make(&studio, &billing).await.expect_err("nothing is left");
    assert!(again.status == 422 && again.body.contains("There is nothing to collect"), "{}", again.body);
    let (head, xml) = billing.download(&format!("{file}/file")).await;
    assert_eq!(head["content-type"], "application/xml; charset=utf-8");
    assert_eq!(billing.download(&format!("{file}/file")).await.1, xml, "the same bytes");
    assert_eq!(checked(&xml), "valid 1");
    let text = String::from_utf8(xml).expect("text");
    for part in
        [IBAN, "Zoe Mueller", CREDITOR, "<SeqTp>FRST</SeqTp>", "<InstdAmt Ccy=\"EUR\">11.50</InstdAmt>"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let day: NaiveDate = between(&text, "<ReqdColltnDt>", "<").parse().expect("a day");
    let noticed = crate::support::day_of(cx.clock.now()) + TimeDelta::days(4);
    assert!(day >= noticed && kinora::domain::shared::sepa::is_bank_day(day), "{day}");
    assert_eq!(mails(&studio, "debit_ahead").await, 1, "the member is told before");
    let reads = "select count(*) from events where type = 'PersonalDataRead' and payload->>'scope' = 'billing-direct-debit-file'";
    let read: i64 = studio.client().await.query_one(reads, &[]).await.expect("counted").get(0);
    assert_eq!(read, 1, "that accounts left is recorded");

    // The bank books the batch as one entry.
    let batch = between(&text, "<PmtInfId>", "<").to_owned();
    let reference = between(&text, "<EndToEndId>", "<").to_owned();
    let wrong = format!("<Btch><PmtInfId>{batch}</PmtInfId></Btch>");
    let odd = book(&studio, &statement(&studio, "CRDT", "11.49", &wrong)).await;
    assert!(matches!(odd.lines[0].became, Booked::NoReference), "not the sum of the batch: {odd:?}");
    let came = statement(&studio, "CRDT", "11.50", &wrong);
    let booked = book(&studio, &came).await;
    assert!(
        matches!(&booked.lines[..], [Line { became: Booked::Booked { rest, .. }, .. }] if rest.minor == 0),
        "{booked:?}"
    );
    let id: Uuid = link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/")
        .rsplit('/')
        .next()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let row = async || subscriptions::one(&cx.reader, id).await.unwrap().expect("it is listed");
    assert_eq!(row().await.status, Status::Active);
    book(&studio, &came).await;
    let orders = billing.get("/billing/orders").await.body;
    assert!(orders.contains("Paid"));

    // It comes back: the order is open, and access ends until it is paid otherwise.
    let details = |reason: &str| {
        format!(
            "<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs><Amt Ccy=\"EUR\">14.50</Amt>\
             <RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf></TxDtls>"
        )
    };
    let returned = statement(&studio, "DBIT", "14.50", &details("AM04"));
    let report = book(&studio, &returned).await;
    assert!(
        matches!(&report.lines[0].became, Booked::Returned { reason, .. } if reason == "AM04"),
        "{report:?}"
    );
    assert_eq!((row().await.status, report.debits), (Status::OnHold, 0));
    // The same from a table is known, too.
    let today = crate::support::day_of(cx.clock.now());
    let table = format!("date;amount;description\n{today};-14.50;Rücklastschrift AM04 {reference}\n");
    let known = book(&studio, &table).await;
    assert!(matches!(known.lines[0].became, Booked::Known { .. }), "{known:?}");
    let known = book(&studio, &returned).await;
    assert!(matches!(known.lines[0].became, Booked::Known { .. }), "{known:?}");
    let story = billing.get(&format!("/billing/subscriptions/{id}")).await.body;
    for words in [
        "is collected by direct debit on",
        "The bank gave the direct debit back (AM04); €11.50 is gone",
        "The bank took the payment back: its order is open again",
        "The bank gave the direct debit back to its holder.",
    ] {
        assert!(story.contains(words), "{words}");
    }
    // So does the page of its order, beside what was received.
    let why = billing.get(&link(&story, "/billing/orders/")).await.body;
    assert!(
        why.contains("came by transfer on") && why.contains("the direct debit was returned (AM04)"),
        "{why}"
    );
    assert!(billing.get(&file).await.body.contains("Came back: AM04"));
    assert!(billing.get(DESK).await.body.contains("Nothing can be collected now"), "never a second time");

    // A transfer settles it after all.
    let words = format!("<TxDtls><RmtInf><Ustrd>{reference}</Ustrd></RmtInf></TxDtls>");
    let late = book(&studio, &statement(&studio, "CRDT", "11.50", &words)).await;
    assert!(matches!(late.lines[0].became, Booked::Booked { .. }), "{late:?}");
    assert_eq!(row().await.status, Status::Active);

    // The renewal is the second collection by the mandate, on its day, and does not count as late meanwhile.
    let due = row().await.state.next_payment_on().expect("a day");
    let at = |day: NaiveDate| day.and_hms_opt(12, 0, 0).expect("noon").and_utc().to_rfc3339();
    assert_eq!(studio.run_job("clock-tick", &at(due - TimeDelta::days(6))).await.status, "completed");
    studio.settle().await;
    assert_eq!(mails(&studio, "\"debited\": true").await + mails(&studio, "\"debited\":true").await, 1);
    let mine = row().await.state.open_order().expect("it is open").order;
    let pages = ["/account/subscription".to_owned(), format!("/account/orders/{mine}")];
    let transfers =
        |shown: &str| shown.contains("We recognise it") || shown.contains("waits for your transfer");
    for page in &pages {
        let shown = member.get(page).await.body;
        assert!(shown.contains("at the soonest") && !transfers(&shown), "{page}: {shown}");
    }
    let second = make(&studio, &billing).await.expect("made");
    let text = String::from_utf8(billing.download(&format!("{second}/file")).await.1).expect("text");
    assert_eq!(checked(text.as_bytes()), "valid 1");
    assert!(text.contains("<SeqTp>RCUR</SeqTp>"), "{text}");
    let day: NaiveDate = between(&text, "<ReqdColltnDt>", "<").parse().expect("a day");
    assert!(day >= due, "{day} {due}");
    for page in &pages {
        let shown = member.get(page).await.body;
        assert!(shown.contains("We collect this order by direct debit on"), "{page}: {shown}");
        assert!(
            !shown.contains("card_number") && !transfers(&shown),
            "it is not paid twice: {page}: {shown}"
        );
    }
    assert_eq!(studio.run_job("clock-tick", &at(due + TimeDelta::days(1))).await.status, "completed");
    studio.settle().await;
    assert_eq!(row().await.status, Status::Active, "the bank has its time");
    assert_eq!(studio.run_job("clock-tick", &at(day + TimeDelta::days(11))).await.status, "completed");
    studio.settle().await;
    assert_eq!(row().await.status, Status::OnHold, "and no more");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_does_not_collect_is_to_be_paid_otherwise_and_a_report_counts_once() {
    let (studio, member, billing) = studio().await;
    let cx = &studio.instance.services;
    assert_eq!(sign(&studio, &member, IBAN, "yes").await.status, 303);
    assert_eq!(order(&studio, &member, "DE", "bank", "").await.status, 303);
    let file = make(&studio, &billing).await.expect("made");
    let text = String::from_utf8(billing.download(&format!("{file}/file")).await.1).expect("text");
    let (message, batch) = (between(&text, "<MsgId>", "<"), between(&text, "<PmtInfId>", "<"));
    let reference = between(&text, "<EndToEndId>", "<");
    let id: Uuid = link(&billing.get("/billing/orders").await.body, "/billing/orders/")
        .rsplit('/')
        .next()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let day = crate::support::day_of(cx.clock.now());
    let report = |message: &str, day: NaiveDate, inner: &str| {
        format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr><CreDtTm>{day}T00:00:00Z\
             </CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId>\
             </OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch}</OrgnlPmtInfId>{inner}</OrgnlPmtInfAndSts>\
             </CstmrPmtStsRpt></Document>"
        )
    };
    let one = format!(
        "<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AM04</Cd>\
         </Rsn></StsRsnInf></TxInfAndSts>"
    );
    let count = async || -> i64 {
        let sql = "select count(*) from events where type in ('DirectDebitRejected', 'DebitRejected')";
        studio.client().await.query_one(sql, &[]).await.expect("counted").get(0)
    };
    // Of another file, of tomorrow, and cut off: nothing is noted.
    for text in [report("KDD-other", day, &one), report(message, day + TimeDelta::days(2), &one)] {
        let refused = book(&studio, &text).await;
        assert!(matches!(refused.lines[0].became, Booked::Refused { .. }), "{refused:?}");
    }
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    let whole = report(message, day, &one);
    let cut =
        import(cx, &whole.as_bytes()[..whole.len() - 40], &meta).await.expect_err("cut off").to_string();
    assert!(cut.contains("no bank statement (CAMT.053) and no status report (pain.002)"), "{cut}");
    let nameless = import(cx, whole.replace("OrgnlMsgId>", "Other>").as_bytes(), &meta).await;
    assert!(nameless.expect_err("refused").to_string().contains("does not name the file"));
    assert_eq!(count().await, 0);

    let said = book(&studio, &whole).await;
    assert!(
        matches!(&said.lines[0].became, Booked::Rejected { reason, paid: false, .. } if reason == "AM04"),
        "{said:?}"
    );
    // The same again, and the same said of the whole batch: known.
    let batch = report(message, day, "<PmtInfSts>RJCT</PmtInfSts>");
    for text in [&whole, &batch] {
        let known = book(&studio, text).await;
        assert!(matches!(known.lines[0].became, Booked::Known { .. }), "{known:?}");
    }
    assert_eq!(count().await, 2, "of the order and of its subscription, once");
    assert_eq!(mails(&studio, "debit_rejected").await, 1, "the member is told once");
    assert!(billing.get(&file).await.body.contains("Not collected: AM04"));
    let story = billing
        .get(&link(&billing.get("/billing/subscriptions").await.body, "/billing/subscriptions/"))
        .await
        .body;
    for words in ["The bank does not collect the direct debit (AM04)", "it is to be paid in another way"] {
        assert!(story.contains(words), "{words}");
    }
    let mine = member.get(&format!("/account/orders/{id}")).await.body;
    assert!(
        mine.contains("We recognise it by the reference") && !mine.contains("We collect this order"),
        "{mine}"
    );
    assert!(
        member.get(METHODS).await.body.contains("DE89 … 3000"),
        "for want of money a mandate does not end"
    );
    let paid = statement(
        &studio,
        "CRDT",
        "11.50",
        &format!("<TxDtls><RmtInf><Ustrd>{reference}</Ustrd></RmtInf></TxDtls>"),
    );
    let booked = book(&studio, &paid).await;
    assert!(matches!(booked.lines[0].became, Booked::Booked { .. }), "{booked:?}");
    studio.verify().await;
    studio.close().await;
}
