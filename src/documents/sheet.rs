//! Where everything stands on the sheet: A4, points from the upper left corner.

use super::Paper;
use super::fonts::{Style, width, wrap};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Period, day_words};
use crate::domain::shared::tax::TaxKind;

/// A4 in points.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
const LEFT: f32 = 56.0;
const RIGHT: f32 = PAGE.0 - 56.0;
const TOP: f32 = 64.0;
const BOTTOM: f32 = PAGE.1 - 84.0;
const BODY: f32 = 9.5;
const LINE: f32 = 14.0;

/// Which colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Text.
    Black,
    /// Text that matters less.
    Grey,
    /// The studio's.
    Accent,
}

/// Something on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// A text whose base line begins at `at`.
    Text { at: (f32, f32), style: Style, size: f32, ink: Ink, text: String },
    /// A line from left to right.
    Rule { from: f32, to: f32, y: f32, thick: f32, ink: Ink },
}

/// A sheet.
pub(super) type Sheet = Vec<Mark>;

struct Pen {
    sheets: Vec<Sheet>,
    y: f32,
}

impl Pen {
    fn put(&mut self, mark: Mark) {
        match self.sheets.last_mut() {
            Some(sheet) => sheet.push(mark),
            None => self.sheets.push(vec![mark]),
        }
    }

    fn text(&mut self, x: f32, style: Style, size: f32, ink: Ink, text: &str) {
        let at = (x, self.y);
        self.put(Mark::Text { at, style, size, ink, text: text.to_owned() });
    }

    /// Ends at `x`.
    fn right(&mut self, x: f32, style: Style, size: f32, ink: Ink, text: &str) {
        self.text(x - width(style, text, size), style, size, ink, text);
    }

    fn rule(&mut self, from: f32, to: f32, thick: f32, ink: Ink) {
        let y = self.y;
        self.put(Mark::Rule { from, to, y, thick, ink });
    }

    /// A new sheet if less than `height` is left.
    fn room(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.sheets.push(Vec::new());
            self.y = TOP;
        }
    }
}

/// The sheets of a document.
pub(super) fn lay_out(paper: &Paper<'_>) -> Vec<Sheet> {
    let mut pen = Pen { sheets: vec![Vec::new()], y: TOP };
    head(&mut pen, paper);
    parties(&mut pen, paper);
    lines(&mut pen, paper);
    sums(&mut pen, paper);
    remarks(&mut pen, paper);
    feet(&mut pen, paper);
    pen.sheets
}

fn head(pen: &mut Pen, paper: &Paper<'_>) {
    let d = paper.document;
    pen.text(LEFT, Style::Display, 20.0, Ink::Accent, paper.studio);
    pen.y += 16.0;
    pen.rule(LEFT, RIGHT, 1.5, Ink::Accent);
    pen.y += 40.0;
    let title = if paper.credit_note { "Credit note" } else { "Invoice" };
    pen.text(LEFT, Style::Display, 24.0, Ink::Black, title);
    pen.right(RIGHT, Style::Strong, 12.0, Ink::Black, paper.number);
    pen.y += 20.0;
    pen.text(LEFT, Style::Regular, BODY, Ink::Grey, &format!("Issued on {}", day_words(d.issued_on)));
    pen.right(RIGHT, Style::Regular, BODY, Ink::Grey, &format!("Order {}", d.order_number));
    if let Some(corrects) = &d.corrects {
        pen.y += LINE;
        let what = if d.refund.is_some() { "Corrects invoice" } else { "Takes back invoice" };
        pen.text(LEFT, Style::Regular, BODY, Ink::Grey, &format!("{what} {corrects}"));
    }
    pen.y += 36.0;
}

fn parties(pen: &mut Pen, paper: &Paper<'_>) {
    let seller = &paper.document.seller;
    let middle = LEFT + (RIGHT - LEFT) / 2.0 + 10.0;
    let most = (RIGHT - LEFT) / 2.0 - 20.0;
    let mut to: Vec<String> = Vec::new();
    for line in paper.buyer.unwrap_or("Deleted account").lines().filter(|l| !l.trim().is_empty()) {
        to.extend(wrap(Style::Regular, line, BODY, most));
    }
    if let Some(vat) = paper.buyer_vat_number {
        to.push(format!("VAT {vat}"));
    }
    let mut from = wrap(Style::Regular, &seller.name, BODY, most);
    for line in seller.address.lines().filter(|l| !l.trim().is_empty()) {
        from.extend(wrap(Style::Regular, line, BODY, most));
    }
    from.push(paper.seller_country.name().to_owned());
    if !seller.vat_number.is_empty() {
        from.push(format!("VAT {}", seller.vat_number));
    }
    let start = pen.y;
    let mut lowest = start;
    for (x, title, block) in [(LEFT, "Billed to", &to), (middle, "From", &from)] {
        pen.y = start;
        pen.text(x, Style::Strong, BODY, Ink::Grey, title);
        for line in block {
            pen.y += LINE;
            pen.text(x, Style::Regular, BODY, Ink::Black, line);
        }
        lowest = lowest.max(pen.y);
    }
    pen.y = lowest + 40.0;
}

const QUANTITY: f32 = RIGHT - 150.0;
const PRICE: f32 = RIGHT - 75.0;

fn lines(pen: &mut Pen, paper: &Paper<'_>) {
    let d = paper.document;
    table_head(pen);
    // A credit note that takes a whole invoice back shows that invoice's lines; one for a refund has its own.
    let sign = if paper.credit_note && d.refund.is_none() { -1 } else { 1 };
    for line in &d.lines {
        let words = wrap(Style::Regular, &line.description, BODY, QUANTITY - LEFT - 60.0);
        let sheets = pen.sheets.len();
        #[expect(clippy::cast_precision_loss, reason = "a handful of lines")]
        pen.room(LINE * (words.len() + 2) as f32);
        if pen.sheets.len() > sheets {
            table_head(pen);
        }
        let unit = Money::new(line.unit.minor * sign, line.unit.currency);
        let amount = Money::new(unit.minor * i64::from(line.quantity), unit.currency);
        pen.right(QUANTITY, Style::Regular, BODY, Ink::Black, &line.quantity.to_string());
        pen.right(PRICE, Style::Regular, BODY, Ink::Black, &unit.to_string());
        pen.right(RIGHT, Style::Regular, BODY, Ink::Black, &amount.to_string());
        for (at, text) in words.iter().enumerate() {
            if at > 0 {
                pen.y += LINE;
            }
            pen.text(LEFT, Style::Regular, BODY, Ink::Black, text);
        }
        pen.y += LINE;
        pen.text(LEFT, Style::Regular, 8.5, Ink::Grey, &span(line.period));
        pen.y += 10.0;
        pen.rule(LEFT, RIGHT, 0.4, Ink::Grey);
        pen.y += 18.0;
    }
}

fn table_head(pen: &mut Pen) {
    pen.text(LEFT, Style::Strong, 8.5, Ink::Grey, "Item");
    pen.right(QUANTITY, Style::Strong, 8.5, Ink::Grey, "Quantity");
    pen.right(PRICE, Style::Strong, 8.5, Ink::Grey, "Price");
    pen.right(RIGHT, Style::Strong, 8.5, Ink::Grey, "Amount");
    pen.y += 8.0;
    pen.rule(LEFT, RIGHT, 0.8, Ink::Black);
    pen.y += 18.0;
}

fn span(period: Option<Period>) -> String {
    period.map_or_else(
        || "From the day of payment".into(),
        |p| format!("{} – {}", day_words(p.start), day_words(p.end.pred_opt().unwrap_or(p.end))),
    )
}

fn sums(pen: &mut Pen, paper: &Paper<'_>) {
    let tax = &paper.document.tax;
    pen.room(LINE * 8.0);
    let label = RIGHT - 200.0;
    let vat = match tax.kind {
        TaxKind::Charged => format!("VAT {} ({})", tax.percent(), tax.country.name()),
        TaxKind::ReverseCharge => "VAT, reverse charged".into(),
        TaxKind::None => "No VAT".into(),
    };
    for (words, money) in [("Net", tax.net), (vat.as_str(), tax.tax)] {
        pen.text(label, Style::Regular, BODY, Ink::Grey, words);
        pen.right(RIGHT, Style::Regular, BODY, Ink::Black, &money.to_string());
        pen.y += LINE + 2.0;
    }
    pen.y -= 6.0;
    pen.rule(label, RIGHT, 0.8, Ink::Black);
    pen.y += 18.0;
    pen.text(label, Style::Strong, 12.0, Ink::Black, "Total");
    pen.right(RIGHT, Style::Strong, 12.0, Ink::Black, &tax.gross.to_string());
    if let Some(credit) = paper.document.credit.filter(|_| !paper.credit_note) {
        pen.y += LINE + 4.0;
        pen.text(label, Style::Regular, BODY, Ink::Grey, "Paid from your credit");
        pen.right(RIGHT, Style::Regular, BODY, Ink::Black, &credit.negated().to_string());
        if let Some(left) = to_pay(paper) {
            pen.y += LINE + 2.0;
            pen.text(label, Style::Strong, BODY, Ink::Black, "To pay");
            pen.right(RIGHT, Style::Strong, BODY, Ink::Black, &left.to_string());
        }
    }
    pen.y += 44.0;
}

/// What is left to pay of an invoice that asks for money; none if nothing is.
fn to_pay(paper: &Paper<'_>) -> Option<Money> {
    let (d, total) = (paper.document, paper.document.tax.gross);
    let credit = d.credit.map_or(0, |c| c.minor);
    (!d.paid && !paper.credit_note).then(|| Money::new(total.minor.saturating_sub(credit), total.currency))
}

fn remarks(pen: &mut Pen, paper: &Paper<'_>) {
    let d = paper.document;
    let mut words = Vec::new();
    if d.tax.kind == TaxKind::ReverseCharge {
        words.push("VAT reverse charged: the recipient accounts for the tax.".to_owned());
    }
    words.push(match (paper.credit_note, d.refund.is_some(), d.paid, paper.transfer) {
        (_, true, ..) => "The amount was given back.".into(),
        (true, ..) => "Nothing has to be paid.".into(),
        (_, _, true, _) => match d.paid_on {
            Some(day) if day != d.issued_on => format!("Paid on {}. Thank you.", day_words(day)),
            _ => "Paid. Thank you.".into(),
        },
        (_, _, false, Some((iban, reference))) => {
            let what = match to_pay(paper) {
                Some(left) if d.credit.is_some() => left.to_string(),
                _ => "the total".into(),
            };
            format!("Please send {what} to the account {iban} with the reference {reference}.")
        }
        (_, _, false, None) => "Payable by bank transfer.".into(),
    });
    for text in words {
        for line in wrap(Style::Regular, &text, BODY, RIGHT - LEFT) {
            pen.room(LINE);
            pen.text(LEFT, Style::Regular, BODY, Ink::Black, &line);
            pen.y += LINE;
        }
    }
}

fn feet(pen: &mut Pen, paper: &Paper<'_>) {
    let seller = &paper.document.seller;
    let count = pen.sheets.len();
    let mut words = seller.name.clone();
    for more in seller.address.lines().map(str::trim).filter(|l| !l.is_empty()) {
        words.push_str(" · ");
        words.push_str(more);
    }
    let words = wrap(Style::Regular, &words, 8.0, RIGHT - LEFT - 120.0);
    for (at, sheet) in pen.sheets.iter_mut().enumerate() {
        let y = PAGE.1 - 48.0;
        sheet.push(Mark::Rule { from: LEFT, to: RIGHT, y: y - 14.0, thick: 0.4, ink: Ink::Grey });
        if let Some(first) = words.first() {
            let (style, size, ink, text) = (Style::Regular, 8.0, Ink::Grey, first.clone());
            sheet.push(Mark::Text { at: (LEFT, y), style, size, ink, text });
        }
        let text = format!("{} · {} of {count}", paper.number, at + 1);
        let x = RIGHT - width(Style::Regular, &text, 8.0);
        sheet.push(Mark::Text { at: (x, y), style: Style::Regular, size: 8.0, ink: Ink::Grey, text });
    }
}
