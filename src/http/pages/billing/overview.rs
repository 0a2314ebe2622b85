//! `/billing`: how the money is doing, and what waits for staff.

use super::bank::open_entries_table;
use super::{BILLING, desk};
use crate::actors::jobs::tick_failures::{self, TickFailure};
use crate::actors::{bank_reports, direct_debits};
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, Errors, Stat, Tone, format, notice, page_head, stats, table};
use crate::http::{Req, Res};
use crate::projections::tax_report::{self, Invoiced, Span};
use crate::projections::{approvals, credits, movements, orders, refunds, subscriptions};
use chrono::{Days, NaiveDate, TimeDelta};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Entries of the bank on the page.
const ENTRIES: i64 = 10;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/billing", BILLING, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let (reader, now) = (&req.app.reader, req.now());
    let counts = subscriptions::counts(reader).await?;
    let count = |wanted: &[&str]| -> i64 {
        counts.iter().filter(|(status, _, _)| wanted.contains(&status.as_str())).map(|(_, _, n)| n).sum()
    };
    let (started, ended) = subscriptions::movements(reader, now - TimeDelta::days(7)).await?;
    let currency = Currency::parse(&req.app.config.billing.currency).unwrap_or_else(|_| Currency::eur());
    let today = format::local_day(now);
    let back = |days: u64| today.checked_sub_days(Days::new(days)).unwrap_or(today);
    let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
    let days = tax_report::by_span(reader, format::zone(), Span::Day, (back(59), tomorrow)).await?;
    let revenue = |from: NaiveDate, until: NaiveDate| -> Vec<Money> {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::from([(currency.code(), 0)]);
        for day in days.iter().filter(|d| d.start >= from && d.start < until) {
            *sums.entry(&day.currency).or_default() += day.revenue();
        }
        let money = |(code, minor)| Some(Money::new(minor, Currency::parse(code).ok()?));
        sums.into_iter().filter_map(money).collect()
    };
    let recurring = movements::monthly_recurring_revenue(reader).await?;
    let recurring = recurring.into_iter().filter(|money| money.minor > 0).collect();
    let at_risk = orders::at_risk(reader).await?;
    let failing: i64 = at_risk.iter().map(|(n, _)| n).sum();
    let by_status = orders::by_status(reader).await?;
    let given_up: i64 = by_status.iter().filter(|(status, _)| status == "failed").map(|(_, n)| n).sum();
    let list = |all: Vec<Money>| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ");
    let or_zero = |words: String| if words.is_empty() { Money::new(0, currency).to_string() } else { words };
    #[expect(clippy::cast_precision_loss, reason = "a line of 30 points")]
    let course: Vec<f64> = (0..30)
        .rev()
        .map(|n| {
            let of_day = days.iter().find(|d| d.start == back(n) && d.currency == currency.code());
            of_day.map_or(0, Invoiced::revenue) as f64 / 100.0
        })
        .collect();
    let cards = [
        Stat {
            label: "Revenue in 30 days",
            value: list(revenue(back(29), tomorrow)),
            note: Some(format!(
                "without tax, refunds taken off; {} in the 30 days before",
                list(revenue(back(59), back(29)))
            )),
            tone: Tone::Plain,
            course,
        },
        Stat {
            label: "Active subscriptions",
            value: format::count(count(&["active", "pending-cancellation"])),
            note: Some(format!("{started} started, {ended} ended this week")),
            tone: Tone::Plain,
            course: vec![],
        },
        Stat {
            label: "Monthly recurring revenue",
            value: or_zero(list(recurring)),
            note: Some("a month, tax included, coupons taken off, as long as access is paid for".into()),
            tone: Tone::Plain,
            course: vec![],
        },
        Stat {
            label: "Failed payments",
            value: format::count(failing),
            note: Some(format!("{} at risk", or_zero(list(at_risk.iter().map(|(_, m)| *m).collect())))),
            tone: if failing > 0 { Tone::Danger } else { Tone::Success },
            course: vec![],
        },
    ];
    let (_, questionable) =
        orders::list(reader, &orders::Filter { questionable: true, ..orders::Filter::default() }, None, 0, 1)
            .await?;
    let parked = subscriptions::Filter { parked: true, ..subscriptions::Filter::default() };
    let (_, parked) = subscriptions::list(reader, &parked, 0, 1).await?;
    let unanswered = subscriptions::Filter { vat_pending: true, ..subscriptions::Filter::default() };
    let (_, unanswered) = subscriptions::list(reader, &unanswered, 0, 1).await?;
    let overdue = subscriptions::overdue(reader, now).await?;
    let asked = approvals::waiting(reader, now).await?.len();
    let (proposed, _) = refunds::list(reader, Some("proposed"), 0, 500).await?;
    let proposed = proposed.iter().filter(|r| r.lapses_at.is_none_or(|end| end > now)).count();
    let second = i64::try_from(asked + proposed).unwrap_or(i64::MAX);
    let payouts = credits::waiting(reader).await?;
    let to_send = refunds::to_send(reader).await?;
    let not_back = refunds::stuck(reader).await?;
    let stuck = tick_failures::list(&req.app, 50).await?;
    let (entries, open_entries) = bank_reports::open_entries(&req.app, 0, ENTRIES).await?;
    let to_collect = match direct_debits::creditor(&req.app) {
        Some(_) => direct_debits::due(&req.app, now).await?.len(),
        None => 0,
    };
    let waiting = Waiting {
        parked,
        questionable,
        failing,
        given_up,
        overdue,
        unanswered,
        second,
        payouts,
        to_send,
        not_back,
        open_entries,
        to_collect: i64::try_from(to_collect).unwrap_or(i64::MAX),
        stuck: i64::try_from(stuck.len()).unwrap_or(i64::MAX),
    };
    let content = html! {
        (page_head("Billing", None, None))
        (stats(&cards))
        (to_do(&waiting))
        (open_entries_table(&entries, open_entries))
        (set_aside(&stuck))
        h2 { "Subscriptions by plan" }
        (by_plan(&counts))
    };
    Ok(desk(&req, "Overview", &Errors::none(), &content))
}

/// Subscriptions the clock could not ask, each with what went wrong.
fn set_aside(stuck: &[TickFailure]) -> Markup {
    let columns = [
        Column::new("Subscription"),
        Column::new("What went wrong"),
        Column::number("Ticks"),
        Column::new("Since"),
    ];
    let rows: Vec<Vec<Markup>> = stuck
        .iter()
        .map(|one| {
            vec![
                head(
                    &html! { a href={ "/billing/subscriptions/" (one.subscription) } { (one.subscription) } },
                ),
                text(&one.error),
                number(&format::count(i64::from(one.failures))),
                cell(&format::moment(one.first_at)),
            ]
        })
        .collect();
    html! {
        @if !rows.is_empty() {
            h2 { "Set aside by the clock" }
            p.dim { "Every tick tries these again; the others go on meanwhile. Tell the operators what stands here." }
            (table("Subscriptions that the clock could not ask", &columns, &rows))
        }
    }
}

/// How much of each kind waits for staff.
struct Waiting {
    parked: i64,
    questionable: i64,
    failing: i64,
    /// Those of the failing that nothing tries again.
    given_up: i64,
    overdue: i64,
    unanswered: i64,
    second: i64,
    payouts: i64,
    to_send: i64,
    not_back: i64,
    open_entries: i64,
    to_collect: i64,
    stuck: i64,
}

impl Waiting {
    fn all(&self) -> i64 {
        let money = self.questionable
            + self.failing
            + self.payouts
            + self.to_send
            + self.not_back
            + self.open_entries;
        let rest = self.parked + self.overdue + self.unanswered + self.second + self.to_collect;
        money + rest + self.stuck
    }
}

/// What becomes of orders whose payment failed: of those that are given up nothing by itself.
fn failed_words(failing: i64, given_up: i64) -> String {
    match (failing.saturating_sub(given_up), given_up) {
        (_, 0) => "the clock tries again, or the member has to.".into(),
        (0, _) => "given up. Nothing is tried any more, and the members can still pay.".into(),
        (waiting, over) => format!(
            "{} to be tried again by the clock or the member, {} given up, which the members can still pay.",
            format::count(waiting),
            format::count(over)
        ),
    }
}

fn to_do(waiting: &Waiting) -> Markup {
    let Waiting { parked, questionable, failing, overdue, unanswered, second, .. } = *waiting;
    let Waiting { payouts, to_send, not_back, open_entries, to_collect, given_up, .. } = *waiting;
    html! {
        @if waiting.all() == 0 {
            p.dim { "Nothing waits for you: no parked subscription, no unknown or failed payment, no overdue charge, no entry of the bank without an order." }
        }
        @if second > 0 {
            (notice(Tone::Warning, &html! { p { a href="/billing/approvals" { (format::counted(second, "act", "acts")) } " waiting for a second person; what nobody decides lapses." } }))
        }
        @if parked > 0 {
            (notice(Tone::Warning, &html! { p { a href="/billing/subscriptions?parked=yes" { (format::counted(parked, "subscription", "subscriptions")) } " fell too far behind: decide how to go on." } }))
        }
        @if questionable > 0 {
            (notice(Tone::Warning, &html! { p { a href="/billing/orders?questionable=yes" { (format::counted(questionable, "order", "orders")) } " with a payment that is unknown, parked, disputed, taken back by a bank, or too much." } }))
        }
        @if payouts > 0 {
            (notice(Tone::Warning, &html! { p { a href="/billing/credits?waiting=yes" { (format::counted(payouts, "payout", "payouts")) } " of credit to be sent." } }))
        }
        @if to_send > 0 {
            (notice(Tone::Warning, &html! { p { a href="/billing/refunds?state=to-send" { (format::counted(to_send, "refund", "refunds")) } " by transfer to be sent." } }))
        }
        @if open_entries > 0 {
            (notice(Tone::Warning, &html! { p { a href="#bank" { (format::counted(open_entries, "entry", "entries")) } " of bank statements without an order." } }))
        }
        @if to_collect > 0 {
            (notice(Tone::Info, &html! { p { a href="/billing/direct-debits" { (format::counted(to_collect, "order", "orders")) } " waiting for a file of direct debits." } }))
        }
        @if failing > 0 {
            (notice(Tone::Info, &html! { p { a href="/billing/orders?status=failing" { (format::counted(failing, "order", "orders")) } " whose payment failed: " (failed_words(failing, given_up)) } }))
        }
        @if not_back > 0 {
            (notice(Tone::Danger, &html! { p { a href="/billing/refunds?state=stuck" { (format::counted(not_back, "refund", "refunds")) } " that the gateway refused or cannot tell of: find out, or give the money back another way." } }))
        }
        @if unanswered > 0 {
            (notice(Tone::Info, &html! { p { a href="/billing/subscriptions?vat_pending=yes" { (format::counted(unanswered, "VAT number", "VAT numbers")) } " without an answer of the register yet; it is asked every day." } }))
        }
        @if overdue > 0 {
            (notice(Tone::Danger, &html! { p { a href="/billing/subscriptions?overdue=yes" { (format::counted(overdue, "subscription", "subscriptions")) } " overdue by more than two hours: the clock may be standing still. Ask the operators." } }))
        }
    }
}

fn by_plan(counts: &[(String, String, i64)]) -> Markup {
    const STATUSES: [(&str, &str); 5] = [
        ("active", "Active"),
        ("pending-cancellation", "Cancelled, still paid"),
        ("on-hold", "On hold"),
        ("cancelled", "Ended"),
        ("expired", "Expired"),
    ];
    let mut plans: Vec<&str> = counts.iter().map(|(_, plan, _)| plan.as_str()).collect();
    plans.sort_unstable();
    plans.dedup();
    let columns: Vec<Column<'_>> = [Column::new("Plan")]
        .into_iter()
        .chain(STATUSES.iter().map(|(_, label)| Column::number(label)))
        .collect();
    let rows: Vec<Vec<Markup>> = plans
        .iter()
        .map(|plan| {
            let cells = STATUSES.iter().map(|(status, _)| {
                let n = counts.iter().find(|(s, p, _)| s == status && p == plan).map_or(0, |(_, _, n)| *n);
                number(&format::count(n))
            });
            [head(&html! { (plan) })].into_iter().chain(cells).collect()
        })
        .collect();
    html! {
        @if rows.is_empty() { p.dim { "Nobody has joined yet." } } @else { (table("Subscriptions by plan", &columns, &rows)) }
    }
}
