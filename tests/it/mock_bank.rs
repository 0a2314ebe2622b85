//! Direct debits with a bank that is not ours: `mock-bank` from PyPI takes our file, says what it does not collect
//! (pain.002), books the rest (CAMT.053), and gives one back. No real bank was ever spoken to.

use crate::billing_pages::order;
use crate::direct_debits::{CREDITOR, book, make, sign};
use crate::support::{Browser, Studio};
use chrono::TimeDelta;
use kinora::actors::accounts::demo;
use kinora::actors::bank_import::{Booked, import};
use kinora::actors::demo_plans;
use kinora::store::Metadata;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use uuid::Uuid;

/// The studio's account, and those of the members: one that is closed, two at other banks.
const OURS: &str = "NL41MOCK0000000001";
const CLOSED: &str = "NL84MOCK0000000003";
const OTHER: &str = "NL91ABNA0417164300";
const ELSEWHERE: &str = "DE89370400440532013000";

struct Bank {
    child: Child,
    url: String,
}

impl Drop for Bank {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Bank {
    async fn open(at: chrono::DateTime<chrono::Utc>) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/mock-bank");
        let ready = Command::new(script).arg("0").status().expect("the script");
        assert!(ready.success(), "mock-bank is installed");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port().to_string();
        let child = Command::new(script)
            .args([port.as_str(), &at.format("%Y-%m-%dT%H:%M").to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mock-bank");
        let bank = Self { child, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..200 {
            if reqwest::get(format!("{}/_mock/health", bank.url)).await.is_ok() {
                return bank;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("mock-bank does not answer");
    }

    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Value {
        let answer = reqwest::Client::new().post(format!("{}{path}", self.url)).body(body).send().await;
        let text = answer.expect("an answer").text().await.expect("text");
        let answer: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert!(answer["error"].is_null(), "{text}");
        answer
    }

    /// What it sent of a kind since it was asked last, as documents of their own.
    async fn sent(&self, kind: &str) -> Vec<String> {
        let url = format!("{}/_mock/mailbox?raw&type={kind}", self.url);
        let text = reqwest::get(url).await.expect("an answer").text().await.expect("text");
        let parts = text.split("<?xml").filter(|part| part.contains("<Document"));
        parts.map(|part| format!("<?xml{part}")).collect()
    }

    /// Its statements of our account since it was asked last.
    async fn statements(&self) -> Vec<String> {
        self.sent("camt.053").await.into_iter().filter(|text| text.contains(OURS)).collect()
    }
}

/// Staff and three members.
async fn studio() -> (Studio, Browser, Vec<Browser>) {
    let studio = Studio::start_with(|c| {
        c.gateways.bank.creditor_id = CREDITOR.into();
        c.gateways.bank.iban = OURS.into();
    })
    .await;
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    let people = demo::load(cx, &meta).await.expect("people");
    demo_plans::load(cx, &meta).await.expect("plans");
    studio.settle().await;
    let mut browsers = Vec::new();
    for role in ["billing", "member", "creator", "moderator"] {
        let (person, _) = people.iter().find(|(p, _)| p.role == role).expect("the person");
        let browser = studio.browser();
        let login = [("login", person.mail.as_str()), ("password", person.password.as_str())];
        assert_eq!(browser.submit("/login", "/login", &login).await.status, 303, "{role}");
        browsers.push(browser);
    }
    let members = browsers.split_off(1);
    (studio, browsers.remove(0), members)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_is_not_ours_takes_our_file_and_its_answers_are_booked() {
    let (studio, billing, members) = studio().await;
    let now = || studio.instance.services.clock.now();
    for (member, iban) in members.iter().zip([CLOSED, OTHER, ELSEWHERE]) {
        assert_eq!(sign(&studio, member, iban, "yes").await.status, 303, "{iban}");
        assert_eq!(order(&studio, member, "DE", "bank", "").await.status, 303, "{iban}");
    }
    let bank = Bank::open(now()).await;
    let file = make(&studio, &billing).await.expect("made");
    let (_, xml) = billing.download(&format!("{file}/file")).await;
    let taken = bank.post("/payments", xml.clone()).await;
    assert_eq!((&taken["accepted"], &taken["findings"]), (&json!(2), &json!([])), "{taken:#}");
    assert_eq!(taken["rejected"], json!(1), "{taken:#}");

    // What it refuses is open again; the same report again changes nothing.
    let reports = bank.sent("pain.002").await;
    assert_eq!(reports.len(), 1);
    let said = book(&studio, &reports[0]).await;
    let reason = |became: &Booked| match became {
        Booked::Rejected { reason, .. } | Booked::Returned { reason, .. } => reason.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (said.lines.iter().map(|l| reason(&l.became)).collect::<Vec<_>>(), said.debits),
        (vec!["AC04".into()], 2)
    );
    let again = book(&studio, &reports[0]).await;
    assert!(matches!(again.lines[0].became, Booked::Known { .. }), "{again:?}");
    // Sent twice, the bank calls the file a duplicate: that refuses nothing of the first time.
    let twice = bank.post("/payments", xml).await;
    assert_eq!((&twice["status"], &twice["reason"]), (&json!("RJCT"), &json!("DUPL")), "{twice:#}");
    let duplicate = bank.sent("pain.002").await.remove(0);
    let meta = Metadata::system("test", Uuid::now_v7(), now());
    let refused = import(&studio.instance.services, duplicate.as_bytes(), &meta).await.expect_err("refused");
    assert!(refused.to_string().contains("it has it already"), "{refused}");

    // A debtor's bank says no before the day: a further report.
    let collections = reqwest::get(format!("{}/_mock/collections", bank.url)).await.expect("an answer");
    let collections: Value = serde_json::from_str(&collections.text().await.expect("text")).expect("json");
    let of = |iban: &str| {
        let one = collections.as_array().expect("a list").iter().find(|c| c["debtor_iban"] == iban);
        one.and_then(|c| c["end_to_end_id"].as_str()).expect("the collection").to_owned()
    };
    let refuse = format!("/_mock/collections/{}/refuse", of(OTHER));
    bank.post(&refuse, json!({ "reason": "AM04" }).to_string()).await;
    let said = book(&studio, &bank.sent("pain.002").await.remove(0)).await;
    assert_eq!(said.lines.iter().map(|l| reason(&l.became)).collect::<Vec<_>>(), ["AM04"]);

    // On its day the last one is booked, and the membership begins.
    let day =
        collections.as_array().expect("a list")[0]["collection_date"].as_str().expect("a day").to_owned();
    let day: chrono::NaiveDate = day.parse().expect("a day");
    let days = (day - now().date_naive()).num_days() + 1;
    crate::step_up::pass(&studio, days * 24 * 60);
    bank.post(&format!("/_mock/advance?to={}", day + TimeDelta::days(1)), "").await;
    let mut booked = Vec::new();
    for text in bank.statements().await {
        booked.extend(book(&studio, &text).await.lines);
    }
    assert_eq!(booked.len(), 1, "{booked:?}");
    assert!(matches!(&booked[0].became, Booked::Booked { rest, .. } if rest.minor == 0), "{booked:?}");

    // Days later it comes back.
    let refuse = format!("/_mock/collections/{}/refuse", of(ELSEWHERE));
    bank.post(&refuse, json!({ "reason": "MD06" }).to_string()).await;
    crate::step_up::pass(&studio, 4 * 24 * 60);
    bank.post("/_mock/advance?days=4", "").await;
    let mut back = Vec::new();
    for text in bank.statements().await {
        back.extend(book(&studio, &text).await.lines);
    }
    assert_eq!(back.iter().map(|l| reason(&l.became)).collect::<Vec<_>>(), ["MD06"], "{back:?}");
    let left = orders(&studio).await;
    // The last is on hold, as after every payment that came back.
    let expected = ["created", "created", "failed"].map(|status| (status.to_owned(), 0));
    assert_eq!(left, expected, "nothing that went is counted as come");
    studio.verify().await;
    studio.close().await;
}

/// Where the orders stand, and what came for each by transfer.
async fn orders(studio: &Studio) -> Vec<(String, i64)> {
    let sql = "select status, transferred from views.orders order by placed_at";
    let rows = studio.client().await.query(sql, &[]).await.expect("read");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
