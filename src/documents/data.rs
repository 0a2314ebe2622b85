//! An invoice as data: the semantic model of EN 16931, checked against all its rules before it is used.

use super::{Paper, REFERENCE};
use crate::domain::invoice_series::InvoiceLine;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::Period;
use crate::domain::shared::tax::{Tax, TaxKind};
use chrono::{Datelike as _, NaiveDate};
use en16931::invoice::{
    Code, DocumentKind, DocumentTotals, Party, PaymentInstructions, PostalAddress, PrecedingInvoice,
    VatBreakdown,
};
use en16931::profiles::En16931;
use en16931::{Date, DocumentReference, Identifier, Invoice, InvoiceAmount, Percentage, Quantity, Validated};
use rust_decimal::Decimal;

/// Why the data of an invoice is not valid by EN 16931.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoData(pub String);

/// Units of a subscription: UN/ECE recommendation 20, "one".
const ONE: &str = "C62";

/// The document as data, with the proof that it keeps the rules.
///
/// # Errors
/// [`NoData`] names the rules that the facts break, such as a seller without an address.
pub(super) fn of(paper: &Paper<'_>) -> Result<Validated<En16931>, NoData> {
    let d = paper.document;
    // A credit note states positive amounts: its kind says the direction.
    let tax = if paper.credit_note { turned(&d.tax) } else { d.tax.clone() };
    if d.tax.gross.currency.exponent() > 2 {
        return Err(NoData(format!("amounts in {} have more than two decimals", d.tax.gross.currency)));
    }
    let (kind, type_code) =
        if paper.credit_note { (DocumentKind::CreditNote, "381") } else { (DocumentKind::Invoice, "380") };
    let mut invoice = Invoice::builder(
        "urn:cen.eu:en16931:2017",
        paper.number,
        date(d.issued_on)?,
        type_code,
        d.tax.gross.currency.code(),
    )
    .seller(seller(paper)?)
    .buyer(buyer(paper)?)
    .vat_breakdown(breakdown(&tax))
    .totals(totals(&tax, paid(paper, &tax)))
    .build();
    invoice.kind = kind;
    invoice.buyer_reference = paper
        .buyer
        .and_then(|lines| lines.lines().find_map(|line| line.strip_prefix(REFERENCE)))
        .map(ToOwned::to_owned);
    invoice.purchase_order_reference = Some(DocumentReference::new(d.order_number.as_str()));
    let category = category(d.tax.kind);
    for (at, (line, net)) in nets(&d.lines, &tax).into_iter().enumerate() {
        // A price is never negative (BR-27); what is credited is a negative quantity.
        let sign = if net.minor < 0 { -1 } else { 1 };
        let quantity = Quantity::new(Decimal::from(i64::from(line.quantity.max(1)) * sign));
        let id = (at + 1).to_string();
        let mut one = en16931::InvoiceLine::new(
            id,
            line.description.as_str(),
            quantity,
            ONE,
            amount(net),
            category,
            rate(&tax),
        );
        one.period = line.period.map(period).transpose()?;
        invoice.lines.push(one);
    }
    if let Some(corrects) = &d.corrects {
        invoice.preceding_invoices.push(PrecedingInvoice {
            reference: DocumentReference::new(corrects.as_str()),
            issue_date: None,
        });
    }
    if let (Some((iban, reference)), false) = (paper.transfer, d.paid || paper.credit_note) {
        let iban: String = iban.chars().filter(|c| !c.is_whitespace()).collect();
        let mut pay = PaymentInstructions::sepa_credit_transfer(iban, None);
        pay.remittance_information = Some(reference.to_owned());
        invoice.payment = Some(pay);
        invoice.payment_terms = Some("By bank transfer, with the reference.".into());
    }
    Validated::new(invoice).map_err(|rejected| {
        let rules: Vec<String> =
            rejected.report().fatal().map(|f| format!("{} ({})", f.rule, f.message)).collect();
        NoData(rules.join("; "))
    })
}

fn seller(paper: &Paper<'_>) -> Result<Party, NoData> {
    let seller = &paper.document.seller;
    let mut party =
        Party::new(seller.name.as_str(), address(seller.address.lines(), paper.seller_country.code())?);
    let vat: String = seller.vat_number.chars().filter(|c| !c.is_whitespace()).collect();
    // A sale that is not subject to the tax must not name the number (BR-O-02); somebody has to be
    // identified all the same (BR-CO-26).
    if paper.document.tax.kind == TaxKind::None || vat.is_empty() {
        let known = if vat.is_empty() { seller.name.clone() } else { vat };
        party.identifiers.push(Identifier::new(known));
    } else {
        party.vat_identifier = Some(vat);
    }
    Ok(party)
}

fn buyer(paper: &Paper<'_>) -> Result<Party, NoData> {
    let country = paper.document.tax.country.name();
    // The country has a field of its own.
    let mut lines = paper
        .buyer
        .unwrap_or("Deleted account")
        .lines()
        .filter(|l| !l.trim().is_empty() && l.trim() != country && !l.starts_with(REFERENCE));
    let name = lines.next().unwrap_or("Deleted account");
    let mut party = Party::new(name, address(lines, paper.document.tax.country.code())?);
    if paper.document.tax.kind == TaxKind::ReverseCharge {
        party.vat_identifier = paper.buyer_vat_number.map(ToOwned::to_owned);
    }
    Ok(party)
}

/// The lines as they were typed: nobody knows which is the street and which the town.
fn address<'a>(lines: impl Iterator<Item = &'a str>, country: &str) -> Result<PostalAddress, NoData> {
    let mut lines = lines.map(str::trim).filter(|l| !l.is_empty());
    let mut address = PostalAddress {
        country: Some(en16931::codes::guard::country(country).map_err(no)?),
        ..PostalAddress::default()
    };
    address.line1 = lines.next().map(ToOwned::to_owned);
    address.line2 = lines.next().map(ToOwned::to_owned);
    let rest: Vec<&str> = lines.collect();
    address.line3 = (!rest.is_empty()).then(|| rest.join(", "));
    Ok(address)
}

/// UNCL 5305.
const fn category(kind: TaxKind) -> &'static str {
    match kind {
        TaxKind::Charged => "S",
        TaxKind::ReverseCharge => "AE",
        TaxKind::None => "O",
    }
}

fn rate(tax: &Tax) -> Option<Percentage> {
    match tax.kind {
        TaxKind::Charged => Some(Percentage::new(Decimal::new(i64::from(tax.basis_points), 2))),
        TaxKind::ReverseCharge => Some(Percentage::new(Decimal::ZERO)),
        TaxKind::None => None,
    }
}

fn breakdown(tax: &Tax) -> VatBreakdown {
    let (reason, code) = match tax.kind {
        TaxKind::Charged => (None, None),
        TaxKind::ReverseCharge => (Some("Reverse charge"), Some("VATEX-EU-AE")),
        TaxKind::None => (Some("Not subject to VAT"), Some("VATEX-EU-O")),
    };
    VatBreakdown {
        taxable_amount: amount(tax.net),
        tax_amount: amount(tax.tax),
        category: Code::new(category(tax.kind)),
        rate: rate(tax),
        exemption_reason: reason.map(ToOwned::to_owned),
        exemption_reason_code: code.map(Code::new),
    }
}

/// What has been paid of the total when the document was issued.
fn paid(paper: &Paper<'_>, tax: &Tax) -> Option<Money> {
    let d = paper.document;
    if d.paid || paper.credit_note { Some(tax.gross) } else { d.credit }
}

fn totals(tax: &Tax, paid: Option<Money>) -> DocumentTotals {
    let due = tax.gross.minor.saturating_sub(paid.map_or(0, |p| p.minor));
    DocumentTotals {
        line_total: amount(tax.net),
        allowance_total: None,
        charge_total: None,
        taxable_total: amount(tax.net),
        vat_total: Some(amount(tax.tax)),
        vat_total_accounting: None,
        gross_total: amount(tax.gross),
        paid: paid.map(amount),
        rounding: None,
        due: amount(Money::new(due, tax.gross.currency)),
    }
}

/// The net amount of each line: the document's, shared out by price; the last takes what rounding left.
fn nets<'a>(lines: &'a [InvoiceLine], tax: &Tax) -> Vec<(&'a InvoiceLine, Money)> {
    let gross = |line: &InvoiceLine| line.unit.minor.saturating_mul(i64::from(line.quantity));
    let whole: i64 = lines.iter().map(gross).sum();
    let mut left = tax.net.minor;
    let mut out = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let share = if at + 1 == lines.len() || whole == 0 {
            left
        } else {
            let part = i128::from(tax.net.minor) * i128::from(gross(line)) / i128::from(whole);
            i64::try_from(part).unwrap_or(left)
        };
        left -= share;
        out.push((line, Money::new(share, tax.net.currency)));
    }
    out
}

fn turned(tax: &Tax) -> Tax {
    Tax { gross: tax.gross.negated(), tax: tax.tax.negated(), net: tax.net.negated(), ..tax.clone() }
}

fn amount(money: Money) -> InvoiceAmount {
    let cents = money.minor.saturating_mul(10_i64.pow(2 - money.currency.exponent().min(2)));
    InvoiceAmount::from_minor_units(cents)
}

fn date(day: NaiveDate) -> Result<Date, NoData> {
    let part = |n: u32| u8::try_from(n).map_err(no);
    Date::new(day.year(), part(day.month())?, part(day.day())?).map_err(no)
}

fn period(span: Period) -> Result<en16931::invoice::Period, NoData> {
    let last = span.end.pred_opt().unwrap_or(span.end);
    Ok(en16931::invoice::Period { start: Some(date(span.start)?), end: Some(date(last)?) })
}

fn no(why: impl std::fmt::Display) -> NoData {
    NoData(why.to_string())
}
