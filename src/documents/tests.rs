//! Invoices on paper and as data.

use super::sheet::{Mark, lay_out};
use super::*;
use crate::domain::invoice_series::{InvoiceLine, Seller};
use crate::domain::shared::calendar::{Interval, IntervalUnit, Period};
use crate::domain::shared::tax::{Buyer, Tax};
use crate::domain::shared::{Currency, Money};
use chrono::NaiveDate;
use uuid::Uuid;

fn day(y: i32, m: u32, d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(y, m, d).expect("a day")
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::eur())
}

fn document(price: i64, country: &str, business: bool) -> Document {
    let buyer = Buyer { country: Country::parse(country).expect("country"), business };
    let tax = Tax::decide(
        eur(price),
        buyer,
        Country::parse("NL").expect("country"),
        day(2026, 11, 21),
        &crate::domain::shared::tax_rates::RateTable::default(),
    );
    let month = Interval::new(IntervalUnit::Month, 1).expect("interval");
    Document {
        order: Uuid::from_u128(7),
        order_number: "K7Q2M4PXAB".into(),
        subscription: Uuid::from_u128(8),
        account: Uuid::from_u128(9),
        seller: Seller {
            name: "Lantern Film Cooperative B.V.".into(),
            address: "Kade 12, 1012 AB Amsterdam".into(),
            vat_number: "NL123456789B13".into(),
        },
        billing: None,
        vat_number: None,
        lines: vec![InvoiceLine {
            description: "Studio, monthly".into(),
            quantity: 1,
            unit: tax.gross,
            period: Some(Period::nth(day(2026, 11, 21), month, 0).expect("period")),
        }],
        tax,
        issued_on: day(2026, 11, 21),
        paid: true,
        corrects: None,
        refund: None,
        paid_on: None,
        moved: false,
        reissue: None,
        credit: None,
    }
}

fn paper<'a>(document: &'a Document, buyer: &'a str) -> Paper<'a> {
    Paper {
        number: "INV-2026-00001",
        credit_note: false,
        document,
        buyer: Some(buyer),
        buyer_vat_number: None,
        seller_country: Country::parse("NL").expect("country"),
        transfer: None,
        studio: "Lantern",
        hue: 35,
    }
}

fn words(paper: &Paper<'_>) -> String {
    let sheets = lay_out(paper);
    let of = |sheet: &Vec<Mark>| {
        let texts = sheet.iter().filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(text.as_str()),
            Mark::Rule { .. } => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    };
    sheets.iter().map(of).collect::<Vec<_>>().join("\n---\n")
}

/// The data in a PDF, as text.
fn data_of(pdf: &[u8]) -> String {
    let found = zugferd::extract(pdf, &zugferd::Limits::default()).expect("data in the PDF");
    assert_eq!(found.divergence, [], "paper and data agree");
    String::from_utf8(found.xml).expect("text")
}

#[test]
fn an_invoice_says_everything_it_must() {
    let document = document(1490, "DE", false);
    insta::assert_snapshot!(words(&paper(&document, "Ada Lovelace\nHauptstr. 1\n10115 Berlin\nGermany")));
}

#[test]
fn a_transfer_names_account_and_reference() {
    let mut document = document(1490, "DE", false);
    document.paid = false;
    let mut paper = paper(&document, "Ada Lovelace");
    paper.transfer = Some(("NL91 ABNA 0417 1643 00", "RF18K7Q2M4PXAB"));
    assert!(words(&paper).contains("account NL91 ABNA 0417 1643 00 with the reference RF18K7Q2M4PXAB"));
    let data = data_of(&print(&paper).expect("a PDF").pdf);
    for fact in ["NL91ABNA0417164300", "RF18K7Q2M4PXAB", "<ram:DuePayableAmount>14.90<"] {
        assert!(data.contains(fact), "{fact} in {data}");
    }
}

#[test]
fn what_the_credit_paid_is_named_and_only_the_rest_is_asked_for() {
    let mut document = document(1490, "DE", false);
    (document.paid, document.credit) = (false, Some(eur(490)));
    let mut open = paper(&document, "Ada Lovelace");
    open.transfer = Some(("NL91 ABNA 0417 1643 00", "RF18K7Q2M4PXAB"));
    let printed = words(&open);
    for fact in ["€14.90", "Paid from your credit", "-€4.90", "To pay", "Please send €10.00 to the account"]
    {
        assert!(printed.contains(fact), "{fact} in {printed}");
    }
    let data = data_of(&print(&open).expect("a PDF").pdf);
    for fact in
        ["<ram:GrandTotalAmount>14.90<", "<ram:TotalPrepaidAmount>4.90<", "<ram:DuePayableAmount>10.00<"]
    {
        assert!(data.contains(fact), "{fact} in {data}");
    }
    (document.paid, document.credit) = (true, Some(eur(1490)));
    let paid = paper(&document, "Ada Lovelace");
    assert!(words(&paid).contains("Paid from your credit") && !words(&paid).contains("To pay"));
    assert!(data_of(&print(&paid).expect("a PDF").pdf).contains("<ram:DuePayableAmount>0.00<"));
}

#[test]
fn the_data_is_valid_and_adds_up_for_every_kind_of_tax() {
    // Prices at which a half cent is rounded both ways are among them.
    for price in [1, 2, 99, 100, 990, 1149, 1490, 9900, 123_456_789] {
        for (country, business, vat) in [
            ("NL", false, None),
            ("DE", false, None),
            ("FI", false, None),
            ("DE", true, Some("DE136695976")),
            ("US", false, None),
        ] {
            let document = document(price, country, business);
            let mut paper = paper(&document, "Ada Lovelace\nHauptstr. 1");
            paper.buyer_vat_number = vat;
            let proof = data::of(&paper).unwrap_or_else(|e| panic!("{price} {country} {business}: {e}"));
            let cents = |a: en16931::InvoiceAmount| a.to_minor_units();
            let totals = &proof.invoice().totals;
            assert_eq!(cents(totals.gross_total), document.tax.gross.minor);
            assert_eq!(totals.vat_total.map(cents), Some(document.tax.tax.minor));
            assert_eq!(cents(totals.due), 0);
        }
    }
}

#[test]
fn a_credit_note_is_one_and_positive_as_data() {
    let mut document = document(990, "NL", false);
    document.tax = document.tax.returned(eur(0), eur(400));
    document.lines[0].unit = eur(-400);
    document.corrects = Some("INV-2026-00001".into());
    document.refund = Some(Uuid::from_u128(3));
    let mut paper = paper(&document, "Ada Lovelace");
    (paper.credit_note, paper.number) = (true, "CN-2026-00001");
    assert!(words(&paper).contains("Corrects invoice INV-2026-00001"));
    assert!(words(&paper).contains("-€4.00"), "{}", words(&paper));
    let data = data_of(&print(&paper).expect("a PDF").pdf);
    for fact in ["<ram:TypeCode>381<", "<ram:GrandTotalAmount>4.00<", "INV-2026-00001"] {
        assert!(data.contains(fact), "{fact} in {data}");
    }
}

#[test]
fn two_lines_share_the_net_amount_and_a_credited_one_is_a_negative_quantity() {
    let mut document = document(1000, "NL", false);
    let line = document.lines[0].clone();
    document.lines = vec![
        InvoiceLine { unit: eur(1333), ..line.clone() },
        InvoiceLine { description: "Rest of the plan before".into(), unit: eur(-333), ..line },
    ];
    let proof = data::of(&paper(&document, "Ada")).expect("valid");
    let lines = &proof.invoice().lines;
    assert!(lines[1].quantity.is_negative() && lines[1].net_amount.is_negative());
    let sum: i64 = lines.iter().map(|l| l.net_amount.to_minor_units()).sum();
    assert_eq!(sum, document.tax.net.minor);
}

#[test]
fn the_reference_of_the_buyer_is_printed_and_has_its_own_place_in_the_data() {
    let document = document(1150, "NL", false);
    let paper = paper(&document, "Mira\nGracht 1\n1015 CC Amsterdam\nNetherlands\nReference: PO 7");
    assert!(words(&paper).contains("Reference: PO 7"));
    let data = data_of(&print(&paper).unwrap().pdf);
    assert!(data.contains("<ram:BuyerReference>PO 7</ram:BuyerReference>"), "{data}");
    assert_eq!(data.matches("PO 7").count(), 1, "it is no line of the address");
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let document = document(1490, "DE", false);
    let paper = paper(&document, "Ada Lovelace\nHauptstr. 1");
    assert!(print(&paper).expect("a PDF").pdf == print(&paper).expect("a PDF").pdf);
}

#[test]
fn names_in_other_scripts_are_printed_and_kept_whole_in_the_data() {
    let document = document(1490, "DE", false);
    for buyer in [
        "Ирина Хакамада\nул. Ленина 1",
        "Αθηνά Οικονόμου",
        "شركة النور",
        "株式会社スタジオ",
        "Łucja Żółć\u{7}",
    ] {
        let printed = print(&paper(&document, buyer)).expect("a PDF");
        assert_eq!(printed.without_data, None, "{buyer}");
        let name = buyer.lines().next().unwrap_or_default().trim_end_matches('\u{7}');
        assert!(data_of(&printed.pdf).contains(name), "{buyer}");
    }
}

#[test]
fn a_studio_without_an_address_gets_the_paper_and_the_reason() {
    let mut document = document(1490, "DE", false);
    document.seller.vat_number = "123".into();
    let printed = print(&paper(&document, "Ada")).expect("a PDF");
    let why = printed.without_data.expect("a reason").to_string();
    assert!(why.contains("BR-CO-09"), "{why}");
    assert!(printed.pdf.starts_with(b"%PDF-1.7"));
}

#[test]
fn many_and_long_lines_go_on_on_the_next_sheet() {
    let mut document = document(1490, "DE", false);
    let line = InvoiceLine { description: "word ".repeat(80), ..document.lines[0].clone() };
    document.lines = vec![line; 20];
    let name = "x".repeat(400);
    let paper = paper(&document, &name);
    let sheets = lay_out(&paper);
    assert!(sheets.len() > 2);
    for mark in sheets.iter().flatten() {
        if let Mark::Text { at, style, size, text, .. } = mark {
            let end = at.0 + super::fonts::width(*style, text, *size);
            assert!(at.1 > 0.0 && at.1 < sheet::PAGE.1 && end < sheet::PAGE.0 - 40.0, "{mark:?}");
        }
    }
    print(&paper).expect("a PDF");
}
