//! What several of these pages need: offers of one plan, the price for a country, card fields.

use crate::actors::paper::Billed;
use crate::actors::payments::{self};
use crate::domain::shared::calendar::{Period, Zone, day_words};
use crate::domain::shared::payment::Collection;
use crate::domain::shared::tax::{Buyer, Country, NotACountry, Tax, TaxKind};
use crate::domain::shared::tax_rates::RateTable;
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::page::{Page, page, unprocessable};
use crate::http::pages::account::places;
use crate::http::ui::layout::{Theme, rooms};
use crate::http::ui::table::{number, text};
use crate::http::ui::{Column, Errors, facts, format, table};
use crate::http::{Form, Req, Res};
use crate::projections::invoices::Invoice;
use crate::projections::orders::OrderRow;
use crate::projections::plans::{self, Offer};
use crate::projections::subscriptions::{self, SubscriptionRow};
use crate::projections::tax_rates;
use chrono::NaiveDate;
use maud::{Markup, html};

/// What a button to pay an order says is to be paid, for [`shown_otherwise`].
pub(super) fn shown(order: &OrderRow) -> Markup {
    html! { input type="hidden" name="shown" value=(to_be_shown(order)); }
}

fn to_be_shown(order: &OrderRow) -> String {
    let rest = order.rest();
    format!("{} {} {}", order.number, rest.currency.code(), rest.decimal())
}

/// Why nothing is charged: the page showed another amount, or another order, than is to be paid now. A form that says
/// nothing of it (a script's) was made by nobody who saw a page.
pub(super) fn shown_otherwise(form: &Form, order: &OrderRow) -> Option<Errors> {
    let shown = form.get("shown");
    (!shown.is_empty() && shown != to_be_shown(order)).then(|| {
        let words = format!(
            "What is to be paid has changed since this page was made: order {} asks for {} now. Nothing was charged. Pay again if you agree.",
            order.number,
            order.rest()
        );
        Errors::one("", words)
    })
}

/// What a page says that the buyer's credit pays, for [`credit_otherwise`].
pub(super) fn shown_credit(credit: Money) -> Markup {
    html! { input type="hidden" name="credit" value=(credit.decimal()); }
}

/// Why nothing is ordered or used: the page showed another credit than there is now. A form that says nothing of it was
/// made by nobody who saw a page.
pub(super) fn credit_otherwise(form: &Form, now: Money) -> Option<Errors> {
    (form.has("credit") && form.get("credit") != now.decimal()).then(|| {
        let words = format!(
            "Your credit has changed since this page was made: it pays {now} of this now. Nothing was done. Look at what is to be paid, then press the button again if you agree."
        );
        Errors::one("", words)
    })
}

/// The country a page reckons with: as chosen from the list, else the studio's.
pub(in crate::http::pages) fn country(req: &Req, chosen: &str) -> Country {
    let home = Country::parse(&req.app.config.studio.country);
    let chosen = Country::parse(chosen).ok().filter(Country::is_offered).ok_or(NotACountry);
    chosen.or(home).unwrap_or_else(|_| Country::from_letters(*b"NL"))
}

/// The country a buyer's page reckons with: as chosen from the list; else where the member was billed last; else
/// where the address lies from which it is asked, if there is a database of them; else the studio's.
pub(super) async fn buyer_country(req: &Req, chosen: &str) -> Result<Country, HttpError> {
    if Country::parse(chosen).is_ok_and(|c| c.is_offered()) {
        return Ok(country(req, chosen));
    }
    let home = country(req, "");
    if let Some(account) = req.viewer.id() {
        let before = subscriptions::of_account(&req.app.reader, account).await?;
        if let Some(last) = before.first() {
            return Ok(last.state.buyer(home).country);
        }
    }
    let Some(file) = req.app.config.billing.geoip_db.as_deref() else { return Ok(home) };
    let found = req.app.geoip.country(file, req.remote).await;
    Ok(found.filter(Country::is_offered).unwrap_or(home))
}

/// The currency in which a country buys.
pub(super) fn currency(req: &Req, country: Country) -> Currency {
    let billing = &req.app.config.billing;
    let code = billing.currencies.get(country.code()).unwrap_or(&billing.currency);
    Currency::parse(code).unwrap_or_else(|_| Currency::eur())
}

/// What is sold to a country; if nothing is sold in its currency, in the studio's.
pub(super) async fn offers(req: &Req, country: Country) -> Result<Vec<Offer>, HttpError> {
    let reader = &req.app.reader;
    let found = plans::offers(reader, currency(req, country).code()).await?;
    if found.is_empty() {
        Ok(plans::offers(reader, &req.app.config.billing.currency).await?)
    } else {
        Ok(found)
    }
}

/// One plan and interval with the ways to pay for it.
pub(super) struct Bundle {
    /// Charged by card.
    pub card: Option<Offer>,
    /// Paid by transfer.
    pub bank: Option<Offer>,
    /// Talked over with staff, who send the bill: nobody joins it alone.
    pub managed: Option<Offer>,
}

impl Bundle {
    /// Any of its offers that one can join alone: they differ in the way of paying only.
    pub fn any(&self) -> Option<&Offer> {
        self.card.as_ref().or(self.bank.as_ref())
    }
}

/// The offers by plan and interval, in their order, as far as this studio can take the money.
pub(super) fn bundles(req: &Req, offers: Vec<Offer>) -> Vec<Bundle> {
    let cards = payments::card_gateway(&req.app).is_some();
    let bank = payments::bank_account(&req.app.config).is_some();
    let mut all: Vec<Bundle> = Vec::new();
    for offer in offers {
        let usable = match offer.variation.collection {
            Collection::Automatic => cards,
            Collection::Manual => bank,
            Collection::Managed => true,
        };
        if !usable {
            continue;
        }
        if offer.variation.collection == Collection::Managed {
            all.push(Bundle { card: None, bank: None, managed: Some(offer) });
            continue;
        }
        let place = all.iter_mut().find(|b| b.any().is_some_and(|o| same_bundle(o, &offer)));
        let bundle = match place {
            Some(bundle) => bundle,
            None => {
                all.push(Bundle { card: None, bank: None, managed: None });
                let Some(last) = all.last_mut() else { continue };
                last
            }
        };
        match offer.variation.collection {
            Collection::Automatic => bundle.card.get_or_insert(offer),
            _ => bundle.bank.get_or_insert(offer),
        };
    }
    all
}

fn same_bundle(a: &Offer, b: &Offer) -> bool {
    a.plan == b.plan && a.variation.interval == b.variation.interval && a.variation.seats == b.variation.seats
}

/// The bundle that corresponds to `offer` for somebody in `country`.
pub(super) async fn bundle_for(
    req: &Req,
    offer: &Offer,
    country: Country,
) -> Result<Option<Bundle>, HttpError> {
    let all = bundles(req, offers(req, country).await?);
    Ok(all.into_iter().find(|b| b.any().is_some_and(|o| same_bundle(o, offer))))
}

/// A page of the own desk below the subscription; with errors the answer is 422.
pub(super) fn below_subscription(req: &Req, title: &str, errors: &Errors, content: &Markup) -> Res {
    below(req, title, "/account/subscription", errors, content)
}

/// The same below another place of the desk.
pub(super) fn below(req: &Req, title: &str, place: &str, errors: &Errors, content: &Markup) -> Res {
    let res = page(
        req,
        Page {
            title: if errors.is_empty() { title.into() } else { format!("Error: {title}") },
            section: "Your account".into(),
            theme: Theme::Desk,
            private: true,
            scripts: super::cards::scripts(req),
            body: html! { div.page { (rooms("Your account", &places(), place, content)) } },
            ..Page::default()
        },
    );
    if errors.is_empty() { res } else { unprocessable(res) }
}

/// The day where the studio is: it decides the rate of tax.
pub(in crate::http::pages) fn today(req: &Req) -> Result<NaiveDate, HttpError> {
    let zone = Zone::parse(&req.app.config.studio.zone).map_err(|e| HttpError::Internal(e.to_string()))?;
    Ok(zone.date_of(req.now()))
}

/// What decides the tax of what is shown and sold today.
pub(in crate::http) struct TaxDesk {
    /// The seller's country.
    pub home: Country,
    today: NaiveDate,
    rates: RateTable,
}

impl TaxDesk {
    /// With the rates as they are known.
    pub async fn open(req: &Req) -> Result<Self, HttpError> {
        let rates = tax_rates::rates(&req.app.reader, None).await?;
        Ok(Self { home: country(req, ""), today: today(req)?, rates })
    }

    /// The tax of a price.
    pub fn decide(&self, price: Money, buyer: Buyer) -> Tax {
        Tax::decide(price, buyer, self.home, self.today, &self.rates)
    }

    /// Price and tax of an offer for a consumer in that country.
    pub fn quote(&self, offer: &Offer, country: Country) -> Tax {
        self.decide(offer.variation.price, Buyer { country, business: false })
    }

    /// The same for a period that begins on that day, as far as rates are known.
    pub fn to_pay_on(&self, row: &SubscriptionRow, price: Money, on: NaiveDate) -> Money {
        Tax::decide(price, row.state.buyer(self.home), self.home, on.max(self.today), &self.rates).gross
    }

    /// What a period costs its member, as it is charged.
    pub fn price(&self, row: &SubscriptionRow) -> Option<Money> {
        row.price().map(|price| self.to_pay(row, price))
    }

    /// What a member pays for a price: who accounts for the tax sees the net price only.
    pub fn to_pay(&self, row: &SubscriptionRow, price: Money) -> Money {
        self.decide(price, row.state.buyer(self.home)).gross
    }
}

/// Days before the first payment: what the plan offers, for who joins for the first time.
pub(super) async fn trial(req: &Req, offer: &Offer) -> Result<u16, HttpError> {
    let days = offer.variation.trial_days;
    match req.viewer.id() {
        Some(account) if days > 0 => {
            let before = subscriptions::of_account(&req.app.reader, account).await?;
            Ok(if before.is_empty() { days } else { 0 })
        }
        _ => Ok(days),
    }
}

/// "incl. 21 % VAT (€2.00)".
pub(super) fn tax_note(tax: &Tax) -> String {
    match tax.kind {
        TaxKind::Charged => format!("incl. {} VAT ({})", tax.percent(), tax.tax),
        TaxKind::ReverseCharge => "VAT reverse charged".into(),
        TaxKind::None => "no VAT".into(),
    }
}

/// An invoice as a sheet of paper: for the member and for staff.
pub(in crate::http::pages) fn invoice_sheet(invoice: &Invoice, billed: &Billed) -> Markup {
    let d = &invoice.document;
    let title = if invoice.credit_note { "Credit note" } else { "Invoice" };
    let columns = [
        Column::new("Item"),
        Column::new("Period"),
        Column::number("Quantity"),
        Column::number("Price"),
        Column::number("Amount"),
    ];
    // A credit note that takes a whole invoice back shows that invoice's lines; one for a refund has its own.
    let sign = if invoice.credit_note && d.refund.is_none() { -1 } else { 1 };
    let rows: Vec<Vec<Markup>> = d
        .lines
        .iter()
        .map(|line| {
            let amount = Money::new(line.unit.minor * i64::from(line.quantity) * sign, line.unit.currency);
            vec![
                text(&line.description),
                text(&line.period.map(period_words).unwrap_or_else(|| "from the day of payment".into())),
                number(&line.quantity.to_string()),
                number(&Money::new(line.unit.minor * sign, line.unit.currency).to_string()),
                number(&amount.to_string()),
            ]
        })
        .collect();
    let buyer = billed.address.as_deref().unwrap_or("Deleted account");
    html! {
        div.panel {
            div.row.apart.top-aligned {
                div.stack.tight {
                    h2 { (title) " " (invoice.number) }
                    p.dim { "Issued on " (format::day(d.issued_on)) @if let Some(day) = d.paid_on.filter(|day| !invoice.credit_note && *day != d.issued_on) { ", paid on " (format::day(day)) } }
                    @if let Some(corrects) = &d.corrects { p { (if d.refund.is_some() { "Corrects invoice " } else { "Takes back invoice " }) (corrects) "." } }
                }
                div.stack.tight.small {
                    strong { (d.seller.name) }
                    @for line in d.seller.address.lines() { p { (line) } }
                    @if !d.seller.vat_number.is_empty() { p { "VAT " (d.seller.vat_number) } }
                }
            }
            div.stack.tight { h3 { "Billed to" } @for line in buyer.lines() { p { (line) } } @if let Some(number) = &billed.vat_number { p { "VAT " (number) } } }
            (table(&format!("Lines of {}", invoice.number), &columns, &rows))
            (facts(&[
                ("Net", html! { span.num { (d.tax.net) } }),
                ("VAT", html! { span.num { (d.tax.tax) } @if d.tax.kind == TaxKind::Charged { " (" (d.tax.percent()) ", " (d.tax.country.name()) ")" } }),
                ("Total", html! { strong.num { (d.tax.gross) } @if let Some(credit) = d.credit { ", of which " span.num { (credit) } " from your credit" } }),
                ("Order", html! { (d.order_number) }),
                ("Payment", html! { @if d.refund.is_some() { "Given back." } @else if invoice.credit_note { "Nothing has to be paid." } @else if d.paid { "Paid." } @else { "By bank transfer." } }),
            ]))
            @if d.tax.kind == TaxKind::ReverseCharge { p { "VAT reverse charged: the recipient accounts for the tax." } }
        }
    }
}

/// "21 Nov 2026 – 20 Dec 2026": the last day is part of it.
pub(in crate::http::pages) fn period_words(period: Period) -> String {
    let last = period.end.pred_opt().unwrap_or(period.end);
    format!("{} – {}", day_words(period.start), day_words(last))
}
