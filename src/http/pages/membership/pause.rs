//! Resting: the panel on `/account/subscription`, and what its buttons do.

use super::subscription::view;
use super::subscription_acts::{own, send};
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::subscription::{Pause, Status, SubscriptionCommand};
use crate::http::error::HttpError;
use crate::http::route::{Access, Route};
use crate::http::ui::button::submit;
use crate::http::ui::{Errors, Field, Weight, form as post_form};
use crate::http::{Form, Req, Res};
use crate::projections::subscriptions::SubscriptionRow;
use chrono::NaiveDate;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/account/subscription/pause", Access::SignedIn, plan),
        Route::post("/account/subscription/resume", Access::SignedIn, end),
    ]
}

/// The days of a pause, in words: the day on which it goes on is no part of it.
pub(in crate::http::pages) fn days(pause: &Pause) -> String {
    match pause.until {
        Some(until) => {
            format!("from {} and goes on by itself on {}", day_words(pause.from), day_words(until))
        }
        None => format!("from {} on, until the pause is ended", day_words(pause.from)),
    }
}

/// How it stands before a pause that puts the next payment off, to the day `next` if that is known.
pub(super) fn ahead_words(pause: &Pause, next: &str) -> String {
    let due = match next {
        "" => "Nothing is charged before it goes on.".to_owned(),
        day => format!("The next payment is due on {day}."),
    };
    format!(
        "You can watch everything until {}. Your subscription rests {}. {due}",
        day_words(pause.from),
        days(pause)
    )
}

/// What can be done about pauses; nothing where none is possible.
pub(super) fn panel(req: &Req, row: &SubscriptionRow, form: &Form, errors: &Errors) -> Markup {
    let state = &row.state;
    if let Some(pause) = state.pause() {
        let (words, button) = if pause.began() {
            let end = pause.until.map_or_else(
                || "It goes on when you end the pause.".to_owned(),
                |day| format!("It goes on by itself on {}.", day_words(day)),
            );
            let left = pause.days_left.unwrap_or_default();
            let kept = if left == 1 {
                "1 day that is paid for runs".to_owned()
            } else {
                format!("{left} days that are paid for run")
            };
            (
                format!(
                    "Nothing is charged, and you cannot watch what members watch. {kept} on afterwards. {end}"
                ),
                "End the pause",
            )
        } else {
            (
                format!(
                    "Your subscription rests {}. Meanwhile nothing is charged, and you cannot watch what members watch. The time that is paid for runs on afterwards.",
                    days(pause)
                ),
                "Give up the pause",
            )
        };
        return html! {
            section.panel aria-labelledby="pause" {
                h2 #pause { "Pause" }
                p { (words) }
                (post_form(req, "/account/subscription/resume", &html! { (submit(button, Weight::Main)) }))
            }
        };
    }
    if row.status != Status::Active || state.is_parked() || state.open_order().is_some() {
        return html! {};
    }
    let wrong = errors.of("from").is_some() || errors.of("until").is_some() || form.has("from");
    html! {
        section.panel aria-labelledby="pause" {
            h2 #pause { "Pause" }
            p { "Rest for a while: nothing is charged, and the time that is paid for runs on afterwards." }
            details.fold open[wrong] {
                summary { "Plan a pause" }
                (post_form(req, "/account/subscription/pause", &html! {
                    (Field::new("from", "First day of the pause").kind("date").value(form.get("from")).short().errors(errors).render())
                    (Field::new("until", "Goes on again on").kind("date").optional().value(form.get("until")).short()
                        .hint("Leave it empty to end the pause yourself.").errors(errors).render())
                    (submit("Pause subscription", Weight::Plain))
                }))
            }
        }
    }
}

async fn plan(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let mut errors = Errors::none();
    let mut day = |field: &str| -> Option<NaiveDate> {
        let parsed = day_of(form.get(field));
        if parsed.is_none() {
            errors.add(field, "Enter a day, such as 2027-01-31.");
        }
        parsed
    };
    let from = day("from");
    let until = if form.get("until").is_empty() { None } else { Some(day("until")) };
    let (Some(from), true) = (from, errors.is_empty()) else { return view(&req, &form, &errors).await };
    let at = req.now();
    let command = SubscriptionCommand::Pause { from, until: until.flatten(), at };
    send(&req, &form, &row, command, vec![], "paused").await
}

async fn end(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let at = req.now();
    send(&req, &form, &row, SubscriptionCommand::EndPause { at }, vec![], "resumed").await
}
