//! `/billing/coupons`: codes that make the next periods cost less.

use super::exports::{self, FileKind, files};
use super::{BILLING, desk};
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::coupon::{Coupon, CouponCommand, CouponError, coupon_id, parse_code};
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::shared::discount::Off;
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{submit, submit_small};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, empty, form as post_form, form_inline, format,
    page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::{coupons, plans};
use maud::{Markup, html};
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/coupons", BILLING, show),
        Route::post("/billing/coupons", BILLING, create),
        Route::post("/billing/coupons/{coupon}/end", BILLING, end),
    ]
}

const NAMES: [&str; 8] = ["coupon", "code", "gives", "periods", "used", "limit", "last_day", "ended"];

fn cells(coupon: &Coupon) -> Option<Vec<String>> {
    let given = coupon.discount()?;
    Some(vec![
        given.coupon.to_string(),
        given.code.clone(),
        given.words(),
        given.periods.map(|n| n.to_string()).unwrap_or_default(),
        coupon.times_used().to_string(),
        coupon.limit().map(|n| n.to_string()).unwrap_or_default(),
        coupon.last_day().map(|day| day.to_string()).unwrap_or_default(),
        if coupon.is_ended() { "yes".into() } else { String::new() },
    ])
}

async fn show(req: Req) -> Result<Res, HttpError> {
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &[])?;
        let all = coupons::all(&req.app.reader).await?;
        return Ok(exports::whole("coupons", kind, &NAMES, all.iter().filter_map(cells).collect()));
    }
    view(&req, &Form::default(), &Errors::none()).await
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let all = coupons::all(&req.app.reader).await?;
    let columns = [
        Column::new("Code"),
        Column::new("Gives"),
        Column::number("Used"),
        Column::new("Last day"),
        Column::new("State"),
        Column::new("Act"),
    ];
    let rows: Vec<Vec<Markup>> = all.iter().filter_map(|c| row(req, c)).collect();
    let content = html! {
        (page_head("Coupons", Some("Who joins with a code pays less for its first periods. Ending a coupon changes nothing for those who have used it."), (!rows.is_empty()).then(|| files(req)).as_ref()))
        @if rows.is_empty() { (empty(Icon::Info, "No coupons yet", "Create one below and pass its code on.", None)) }
        @else { (table("Coupons", &columns, &rows)) }
        section.panel aria-labelledby="new" {
            h2 #new { "New coupon" }
            (post_form(req, "/billing/coupons", &html! {
                (Field::new("code", "Code").value(form.get("code")).maxlength(24).short()
                    .hint("4 to 24 letters, digits or hyphens; capitals do not matter. Short ones are guessed sooner.").errors(errors).render())
                (Field::new("off", "Takes off").value(form.get("off")).placeholder("20 % or 2.50 EUR").maxlength(20).short()
                    .hint("A percentage, or an amount with its currency. Never the whole price: for that there are trials.").errors(errors).render())
                (Field::new("periods", "Periods").optional().value(form.get("periods")).inputmode("numeric").short()
                    .hint("How many cost less. Empty: for ever.").errors(errors).render())
                (Field::new("limit", "People").optional().value(form.get("limit")).inputmode("numeric").short()
                    .hint("How many may use it, once each. Empty: any number.").errors(errors).render())
                (Field::new("last_day", "Last day").optional().kind("date").value(form.get("last_day")).mid().errors(errors).render())
                (submit("Create coupon", Weight::Main))
            }))
        }
    };
    Ok(desk(req, "Coupons", errors, &content))
}

fn row(req: &Req, coupon: &Coupon) -> Option<Vec<Markup>> {
    let discount = coupon.discount()?;
    let over = coupon.last_day().is_some_and(|day| day < format::local_day(req.now()));
    let used_up = coupon.limit().is_some_and(|most| coupon.times_used() >= most as usize);
    let state = match (coupon.is_ended(), over, used_up) {
        (true, ..) => chip(Tone::Plain, "Ended"),
        (_, true, _) => chip(Tone::Plain, "Over"),
        (_, _, true) => chip(Tone::Warning, "Used up"),
        _ => chip(Tone::Success, "In use"),
    };
    let used = match coupon.limit() {
        Some(most) => format!("{} of {most}", coupon.times_used()),
        None => coupon.times_used().to_string(),
    };
    let action = format!("/billing/coupons/{}/end", discount.coupon);
    Some(vec![
        head(&html! { span.mono { (discount.code) } }),
        text(&discount.words()),
        number(&used),
        text(&coupon.last_day().map(day_words).unwrap_or_default()),
        cell(&state),
        cell(
            &html! { @if !coupon.is_ended() { (form_inline(req, &action, &submit_small("End", Weight::Plain))) } },
        ),
    ])
}

/// What staff type: "20 %", "20%", "2.50 EUR".
fn parse_off(text: &str) -> Option<Off> {
    if let Some(percent) = text.strip_suffix('%') {
        return Some(Off::Percent { percent: percent.trim().parse().ok()? });
    }
    let (amount, currency) = text.rsplit_once(' ')?;
    let amount = Money::parse(amount, Currency::parse(&currency.to_ascii_uppercase()).ok()?).ok()?;
    Some(Off::Amount { amount })
}

async fn create(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let mut errors = Errors::none();
    let code = parse_code(form.get("code")).map_err(|why| errors.add("code", why.to_string())).ok();
    let off = parse_off(form.get("off"));
    if off.is_none() {
        errors.add("off", "Enter a percentage such as 20 %, or an amount such as 2.50 EUR.");
    }
    let mut whole = |field: &str, words: &str| {
        let typed = form.get(field);
        let number = typed.parse::<u32>().ok();
        if number.is_none() && !typed.is_empty() {
            errors.add(field, words);
        }
        number
    };
    let periods = whole("periods", "Enter a number of periods, or leave it empty.");
    let limit = whole("limit", "Enter a number of people, or leave it empty.");
    let last_day = day_of(form.get("last_day"));
    if last_day.is_none() && !form.get("last_day").is_empty() {
        errors.add("last_day", "Enter a day such as 2027-01-31, or leave it empty.");
    }
    if let Some(Off::Amount { amount }) = off {
        let sold = plans::all(&req.app.reader).await?;
        if !sold.iter().any(|l| l.sold && l.offer.variation.price.currency == amount.currency) {
            errors.add("off", format!("No plan is sold in {}.", amount.currency.code()));
        }
    }
    let (Some(code), Some(off), true) = (code, off, errors.is_empty()) else {
        return view(&req, &form, &errors).await;
    };
    let coupon = coupon_id(&code);
    let (today, at) = (format::local_day(req.now()), req.now());
    let command = CouponCommand::Create { coupon, code, off, periods, limit, last_day, today, at };
    send(&req, &form, coupon, command).await
}

async fn end(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let coupon = req.id_param("coupon")?;
    let at = req.now();
    send(&req, &form, coupon, CouponCommand::End { at }).await
}

async fn send(req: &Req, form: &Form, coupon: Uuid, command: CouponCommand) -> Result<Res, HttpError> {
    let envelope = Envelope::new(req.command_id(form), coupon, command, req.meta());
    match req.app.bus.dispatch::<Coupon>(envelope).await {
        Ok(receipt) => Ok(after(receipt, "/billing/coupons")),
        Err(CommandError::Refused(CouponError::Missing)) => Err(HttpError::NotFound),
        Err(CommandError::Refused(why)) => {
            let field = match why {
                CouponError::Code | CouponError::Exists => "code",
                CouponError::Off | CouponError::TooMuch => "off",
                CouponError::LastDay => "last_day",
                CouponError::Periods => "periods",
                CouponError::Limit => "limit",
                _ => "",
            };
            view(req, form, &Errors::one(field, why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_off_is_read_as_people_write_it() {
        let percent = Some(Off::Percent { percent: 20 });
        assert_eq!((parse_off("20%"), parse_off("20 %")), (percent, percent));
        let amount = Money::new(250, Currency::eur());
        assert_eq!(parse_off("2.50 eur"), Some(Off::Amount { amount }));
        for wrong in ["", "20", "20.5 %", "-1 %", "2.505 EUR", "2.50 EURO", "EUR 2.50"] {
            assert_eq!(parse_off(wrong), None, "{wrong}");
        }
    }
}
