//! What the buttons of `/account/subscription` do.

use super::cards::keep_card;
use super::shared::shown_otherwise;
use super::subscription::view;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::shared::derive_id;
use crate::domain::subscription::{CancelReason, Subscription, SubscriptionCommand};
use crate::http::error::HttpError;
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::Errors;
use crate::http::{Form, Req, Res};
use crate::projections::orders;
use crate::projections::subscriptions::{self, SubscriptionRow};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/account/subscription/cancel", Access::SignedIn, cancel),
        Route::post("/account/subscription/keep", Access::SignedIn, keep),
        Route::post("/account/subscription/card", Access::SignedIn, change_card),
        Route::post("/account/subscription/pay", Access::SignedIn, pay),
    ]
}

/// The subscription the buttons mean: the newest of the person.
pub(super) async fn own(req: &Req) -> Result<SubscriptionRow, HttpError> {
    let all = subscriptions::of_account(&req.app.reader, req.account()?.id).await?;
    all.into_iter().next().ok_or(HttpError::NotFound)
}

pub(super) async fn send(
    req: &Req,
    form: &Form,
    row: &SubscriptionRow,
    command: SubscriptionCommand,
    private: Vec<crate::domain::shared::PersonalValue>,
    done: &str,
) -> Result<Res, HttpError> {
    let envelope = Envelope::new(req.command_id(form), row.id, command, req.meta()).with_private(private);
    match req.app.bus.dispatch::<Subscription>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/account/subscription?done={done}"))),
        Err(CommandError::Refused(why)) => view(req, form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}

async fn cancel(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let at = req.now();
    let reason = CancelReason::parse(form.get("cancel_reason"));
    send(&req, &form, &row, SubscriptionCommand::Cancel { reason, at }, vec![], "cancelled").await
}

async fn keep(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let at = req.now();
    send(&req, &form, &row, SubscriptionCommand::UndoCancel { at }, vec![], "kept").await
}

async fn change_card(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let mut errors = Errors::none();
    let Some((method, label)) = keep_card(&req, &form, &mut errors).await? else {
        return view(&req, &form, &errors).await;
    };
    let at = req.now();
    send(&req, &form, &row, SubscriptionCommand::ChangeMethod { method, at }, vec![label], "card").await
}

async fn pay(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let row = own(&req).await?;
    let open = match row.state.open_order() {
        Some(open) => orders::one(&req.app.reader, open.order).await?,
        None => None,
    };
    if let Some(changed) = open.and_then(|order| shown_otherwise(&form, &order)) {
        return view(&req, &form, &changed).await;
    }
    let attempt = derive_id(&req.command_id(&form).to_string(), "attempt");
    let at = req.now();
    if form.get("new_card").is_empty() {
        let Some(method) = row.state.method().cloned() else { return Ok(see_other("/account/subscription")) };
        return send(&req, &form, &row, SubscriptionCommand::PayNow { attempt, method, at }, vec![], "paid")
            .await;
    }
    let mut errors = Errors::none();
    let Some((method, label)) = keep_card(&req, &form, &mut errors).await? else {
        return view(&req, &form, &errors).await;
    };
    send(&req, &form, &row, SubscriptionCommand::PayNow { attempt, method, at }, vec![label], "paid").await
}
