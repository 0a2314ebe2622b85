//! What staff may do to a subscription: let a parked one go on, charge again, waive, extend, cancel, end.

use super::subscription::{parked_notice, view};
use super::{BILLING, approvals, subscription_end, subscription_mails, subscription_plan};
use crate::actors::bus::{CommandError, Envelope, Metadata};
use crate::actors::payments::policy;
use crate::domain::approval::Act;
use crate::domain::shared::PersonalValue;
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::subscription::{
    CancelCause, CancelReason, MOST_DAYS, Status, Subscription, SubscriptionCommand, SubscriptionError,
};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::{link, submit_as};
use crate::http::ui::{Errors, Field, Weight, form_of_acts};
use crate::http::{Form, Req, Res};
use crate::projections::orders;
use crate::projections::subscriptions::{self, SubscriptionRow};
use chrono::NaiveDate;
use maud::{Markup, html};
use strum::IntoEnumIterator as _;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/billing/subscriptions/{id}", BILLING, act)]
}

/// The acts that are open in this state, `plan` and `mails` among them; each asks for a reason.
pub(super) fn panel(
    req: &Req,
    row: &SubscriptionRow,
    (plan, mails): (&Markup, &Markup),
    form: &Form,
    errors: &Errors,
) -> Markup {
    let parked = row.state.is_parked();
    let open = row.state.open_order();
    let keep = row.status == Status::PendingCancellation;
    let paid_for = matches!(row.status, Status::Active | Status::PendingCancellation);
    html! {
        @if parked { (parked_notice()) }
        @if row.status.is_final() {
            details.fold open[!errors.is_empty()] {
                summary { "Send a mail again" }
                (form_of_acts(req, &req.path, &html! { (reason_field(form, errors)) (mails) }))
            }
        } @else {
            details.fold open[parked || !errors.is_empty()] {
                summary { "Act on this subscription" }
                (form_of_acts(req, &req.path, &html! {
                    (reason_field(form, errors))
                    div.row {
                        @if parked {
                            (submit_as("Go on, bill every missed period", "act", "bill-missed", Weight::Plain))
                            (submit_as("Go on, waive what was missed", "act", "waive-missed", Weight::Plain))
                        }
                        @if open.is_some_and(|o| o.retry_at.is_some()) && row.status == Status::Active {
                            (submit_as("Charge again now", "act", "retry-now", Weight::Plain))
                        }
                        @if open.is_some() { (submit_as("Waive the open order", "act", "waive", Weight::Plain)) }
                        @if row.state.pause().is_some() { (submit_as("End the pause", "act", "end-pause", Weight::Plain)) }
                        @if keep { (submit_as("Undo the cancellation", "act", "keep", Weight::Plain)) }
                    }
                    @if paid_for && open.is_none() && !parked && !row.state.is_paused() {
                        (Field::new("days", "Days to give").optional().value(form.get("days")).inputmode("numeric").short()
                            .hint(&format!("1 to {MOST_DAYS}, not paid for; later payments move by as many. More than {} within a year need a second person.", req.app.config.billing.second_person_over_days)).errors(errors).render())
                        div.row { (submit_as("Extend", "act", "extend", Weight::Plain)) }
                        @if let Some(due) = row.state.next_due_on() {
                            (Field::new("due_on", "Day of the next payment").kind("date").optional().value(form.get("due_on")).short()
                                .hint(&due_day_hint(due, row.state.earliest_due_day())).errors(errors).render())
                            div.row { (submit_as("Change the day", "act", "due-day", Weight::Plain)) }
                        }
                    }
                    (plan)
                    (mails)
                    @if !keep {
                        (Field::new("cancel_reason", "Why the member cancels").optional().value(form.get("cancel_reason")).mid()
                            .hint("What they say, for the table of reasons.").select(cancel_reasons()).render())
                    }
                    div.row {
                        @if !keep { (submit_as("Cancel subscription", "act", "cancel", Weight::Danger)) }
                        @if paid_for { (link("End at once", &subscription_end::path(row.id), Weight::Danger)) }
                    }
                }))
            }
        }
    }
}

/// The reasons that members can choose from, and none.
fn cancel_reasons() -> impl Iterator<Item = (&'static str, &'static str)> {
    [("", "Nothing was said")].into_iter().chain(CancelReason::iter().map(|r| (r.into(), r.words())))
}

/// What changing the day of the next payment does.
fn due_day_hint(due: NaiveDate, earliest: Option<NaiveDate>) -> String {
    let later = "A later day gives the days between, as Extend does.";
    let earlier = match earliest.filter(|day| *day < due) {
        Some(day) => {
            format!("An earlier one takes back days that staff gave, to {} at most.", day_words(day))
        }
        None => "An earlier one is not possible: staff gave no days that could be taken back.".into(),
    };
    format!("Now {}. {later} {earlier}", day_words(due))
}

fn reason_field(form: &Form, errors: &Errors) -> Markup {
    let field = Field::new("reason", "Reason").hint("Kept with the event.").maxlength(500);
    field.value(form.get("reason")).errors(errors).render()
}

/// The reason as a value of the person's part of the vault, and the metadata that refers to it.
pub(in crate::http::pages) fn with_reason(
    req: &Req,
    form: &Form,
    account: uuid::Uuid,
) -> Result<(Metadata, PersonalValue), Errors> {
    let reason = form.get("reason");
    if reason.is_empty() || reason.chars().count() > 500 {
        return Err(Errors::one(
            "reason",
            "Say why, in at most 500 characters: the reason is kept with the event.",
        ));
    }
    let value = PersonalValue::new(account, "reason", req.app.clock.new_id(), reason);
    let mut meta = req.meta();
    meta.reason = Some(value.reference.clone());
    Ok((meta, value))
}

/// What a command gives away, as far as a second person may have to agree to it.
async fn gives(
    req: &Req,
    row: &SubscriptionRow,
    command: &SubscriptionCommand,
) -> Result<Option<Act>, HttpError> {
    let subscription = row.id;
    Ok(match command {
        SubscriptionCommand::Extend { days, .. } => Some(Act::Extend { subscription, days: *days }),
        SubscriptionCommand::MoveDueDay { on, .. } => {
            let later = row.state.next_due_on().map(|due| (*on - due).num_days());
            let days =
                later.and_then(|days| u16::try_from(days).ok()).filter(|days| (1..=MOST_DAYS).contains(days));
            days.map(|days| Act::Extend { subscription, days })
        }
        SubscriptionCommand::Unpark { waive_missed: true, .. } => {
            row.state.missed_price(req.now()).map(|amount| Act::WaiveMissed { subscription, amount })
        }
        SubscriptionCommand::Waive { .. } => match row.state.open_order() {
            Some(open) => orders::one(&req.app.reader, open.order).await?.map(|order| Act::Waive {
                subscription,
                order: order.id,
                amount: order.total,
            }),
            None => None,
        },
        _ => None,
    })
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.id_param("id")?;
    let row = subscriptions::one(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let (meta, reason) = match with_reason(&req, &form, row.owner) {
        Ok(both) => both,
        // The second step of what cannot be undone is shown again as such.
        Err(errors) if form.get("act") == "end-now" => {
            return subscription_end::view(&req, &row, &form, &errors).await;
        }
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let at = req.now();
    let command = match form.get("act") {
        "bill-missed" => SubscriptionCommand::Unpark { waive_missed: false, at },
        "waive-missed" => SubscriptionCommand::Unpark { waive_missed: true, at },
        "end-pause" => SubscriptionCommand::EndPause { at },
        "keep" => SubscriptionCommand::UndoCancel { at },
        "cancel" => {
            SubscriptionCommand::Cancel { reason: CancelReason::parse(form.get("cancel_reason")), at }
        }
        "end-now" => SubscriptionCommand::EndNow { cause: CancelCause::EndedByStaff, at },
        "waive" => SubscriptionCommand::Waive { at },
        "retry-now" => SubscriptionCommand::RetryNow { policy: policy(&req.app.config), at },
        "extend" => match form.get("days").parse() {
            Ok(days) => SubscriptionCommand::Extend { days, gift: false },
            Err(_) => {
                let errors = Errors::one("days", SubscriptionError::Days.to_string());
                return view(&req, &form, &errors).await;
            }
        },
        "due-day" => match day_of(form.get("due_on")) {
            Some(on) => SubscriptionCommand::MoveDueDay { on, at },
            None => {
                return view(&req, &form, &Errors::one("due_on", SubscriptionError::DueDay.to_string()))
                    .await;
            }
        },
        "resend" => match subscription_mails::command(&req, &form, &row).await? {
            Ok(command) => command,
            Err(errors) => return view(&req, &form, &errors).await,
        },
        "plan" | "pause" => match subscription_plan::command(&req, &form, &row).await? {
            Ok(command) => command,
            Err(errors) => return view(&req, &form, &errors).await,
        },
        _ => return Err(HttpError::BadRequest("Choose what to do.".into())),
    };
    if let Some(what) = gives(&req, &row, &command).await? {
        let whose = (row.owner, Some(id));
        match approvals::ask(&req, &form, whose, what, (meta.clone(), reason.clone())).await? {
            Some(Ok(asked)) => return Ok(asked),
            Some(Err(errors)) => return view(&req, &form, &errors).await,
            None => {}
        }
    }
    let envelope = Envelope::new(req.command_id(&form), id, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Subscription>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/billing/subscriptions/{id}"))),
        Err(CommandError::Refused(why)) => {
            let field = match why {
                SubscriptionError::Days => "days",
                SubscriptionError::DueDay | SubscriptionError::PaidFor(_) => "due_on",
                SubscriptionError::PauseDates => "pause_from",
                _ => "",
            };
            view(&req, &form, &Errors::one(field, why.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}
