//! Invoices as PDF, read by a program that is not ours.

use crate::billing_pages::{link, open_with, order};
use std::process::Command;

/// What an independent reader finds in a PDF.
fn checked(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("invoice.pdf");
    std::fs::write(&file, pdf).expect("the file");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/check-invoice");
    let out = Command::new(script).arg(&file).output().expect("the reader starts");
    let (said, complaint) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n{complaint}");
    said.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_reader_finds_the_invoice_in_the_pdf_by_card_and_by_transfer() {
    let (studio, member, billing) = open_with(|config| {
        config.studio.legal_address = "Voorbeeldkade 12\n1012 AB Amsterdam".into();
        config.studio.vat_number = "NL000099998B57".into();
    })
    .await;
    assert_eq!(order(&studio, &member, "DE", "card", "4242 4242 4242 4242").await.status, 303);
    let invoice = link(&member.get("/account/invoices").await.body, "/account/invoices/INV-");
    let number = invoice.rsplit('/').next().expect("a number").to_owned();
    let (head, pdf) = member.download(&format!("{invoice}/pdf")).await;
    assert_eq!(head["content-type"], "application/pdf");
    assert_eq!(head["content-disposition"], format!("attachment; filename=\"{number}.pdf\""));

    if let Some(keep) = std::env::var_os("KEEP_PDF") {
        std::fs::write(keep, &pdf).expect("kept");
    }
    let said = checked(&pdf);
    for fact in
        ["file factur-x.xml", "level en16931 factur-x", "pdfa 3 U", &format!("number {number}"), "EUR"]
    {
        assert!(said.contains(fact), "{fact} in {said}");
    }
    for words in ["Keizersgracht 1", "Germany", "VAT 19", "Paid. Thank you."] {
        assert!(said.contains(words), "{words} in {said}");
    }
    // Staff get the same bytes: nothing in it depends on when or by whom it is asked for.
    let (_, theirs) = billing.download(&format!("/billing/invoices/{number}/pdf")).await;
    assert!(theirs == pdf, "the same document, the same bytes");
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_business_in_another_country_pays_the_net_price_and_its_invoice_says_why() {
    let (studio, member, billing) = open_with(|config| {
        config.studio.legal_address = "Voorbeeldkade 12\n1012 AB Amsterdam".into();
        config.studio.vat_number = "NL000099998B57".into();
    })
    .await;
    let plans = member.get("/join").await;
    let payment = member.get(&link(&plans.body, "/join/")).await;
    let action = link(&payment.body, "/join/");
    let page = format!("{action}?country=DE&way=card");
    let with = |number: &'static str| {
        vec![
            ("name", "Muster GmbH"),
            ("street", "Hauptstr. 1"),
            ("postcode", "10115"),
            ("city", "Berlin"),
            ("card_number", "4242 4242 4242 4242"),
            ("card_expiry", "12/35"),
            ("vat_number", number),
        ]
    };
    let wrong = member.submit(&page, &action, &with("DE136695977")).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("check digits are wrong") && wrong.body.contains("value=\"DE136695977\""));
    let foreign = member.submit(&page, &action, &with("NL000099998B57")).await;
    assert!(foreign.status == 422 && foreign.body.contains("another country (NL)"));

    // The net price is shown before anything is ordered, then ordered.
    let asked = member.submit(&page, &action, &with("de 136 695 976")).await;
    assert_eq!(asked.status, 422);
    assert!(asked.body.contains("The price is €9.66 now, VAT reverse charged"), "{}", asked.body);
    let mut fields = with("de 136 695 976");
    fields.extend([("price", "966"), ("currency", "EUR")]);
    let done = member.submit(&page, &action, &fields).await;
    assert_eq!(done.status, 303, "{}", done.body);
    studio.settle().await;
    let mine = member.get("/account/subscription").await.body;
    assert!(mine.contains("€9.66") && !mine.contains("€11.50 per"), "only the net price is shown");

    let invoice = link(&member.get("/account/invoices").await.body, "/account/invoices/INV-");
    let sheet = member.get(&invoice).await.body;
    assert!(sheet.contains("VAT reverse charged") && sheet.contains("VAT DE136695976"), "{sheet}");
    let (_, pdf) = member.download(&format!("{invoice}/pdf")).await;
    let said = checked(&pdf);
    for fact in ["level en16931 factur-x", "total 9.66 EUR", "VAT DE136695976", "reverse charged"] {
        assert!(said.contains(fact), "{fact} in {said}");
    }
    let report = billing.get("/billing/reports/vat.csv").await.body;
    assert!(report.contains("DE,reverse charge,STANDARD,19.00,9.66,0.00,EUR,1"), "{report}");

    // Bought privately from now on: the new price is shown, then saved; another currency is refused.
    let page = "/account/subscription/billing";
    let form = member.get(page).await.body;
    assert!(form.contains("value=\"DE136695976\"") && form.contains("value=\"Berlin\""), "{form}");
    let private = [
        ("name", "Mira Member"),
        ("street", "Gracht 1"),
        ("postcode", "1015 CC"),
        ("city", "Amsterdam"),
        ("country", "NL"),
        ("vat_number", ""),
    ];
    let asked = member.submit(page, page, &private).await;
    assert_eq!(asked.status, 422);
    assert!(asked.body.contains("each period costs €11.50"), "{}", asked.body);
    let mut dollars = private.to_vec();
    dollars[4].1 = "US";
    let refused = member.submit(page, page, &dollars).await;
    assert!(refused.status == 422 && refused.body.contains("another currency"), "{}", refused.body);
    let mut again = private.to_vec();
    again.extend([("price", "1150"), ("tax", "200")]);
    let saved = member.submit(page, page, &again).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    studio.settle().await;
    assert!(member.get("/account/subscription").await.body.contains("€11.50"));
    // The same price with another tax in it is shown first, too.
    let mut moved = private.to_vec();
    moved[4].1 = "DE";
    let asked = member.submit(page, page, &moved).await;
    assert!(asked.status == 422 && asked.body.contains("VAT (€1.84)"), "{}", asked.body);
    moved.extend([("price", "1150"), ("tax", "184")]);
    assert_eq!(member.submit(page, page, &moved).await.status, 303);
    studio.settle().await;
    assert!(member.get(&invoice).await.body.contains("VAT DE136695976"), "an issued invoice does not change");
    studio.close().await;
}
