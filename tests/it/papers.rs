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
