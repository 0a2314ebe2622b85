//! The mails that were written about a subscription, and sending one of them again; part of its page.

use crate::actors::mail_again::{WrittenMail, about_money};
use crate::domain::subscription::SubscriptionCommand;
use crate::http::error::HttpError;
use crate::http::ui::button::submit_as;
use crate::http::ui::{Errors, Field, Weight, format};
use crate::http::{Form, Req};
use crate::projections::subscriptions::SubscriptionRow;
use maud::{Markup, html};
use uuid::Uuid;

/// The choice of a mail and its button; part of the form of acts. Nothing while no mail is kept.
pub(super) async fn fields(
    req: &Req,
    row: &SubscriptionRow,
    form: &Form,
    errors: &Errors,
) -> Result<Markup, HttpError> {
    let mails = about_money(&req.app, row.owner).await?;
    let choices = mails.iter().map(|m| {
        let words = format!("{}, {} ({})", m.words(), format::moment_text(m.written_at), m.state);
        (m.id.to_string(), words)
    });
    Ok(html! {
        @if !mails.is_empty() {
            (Field::new("mail", "A mail about money to this member").value(form.get("mail")).select(choices).mid().errors(errors).render())
            div.row { (submit_as("Send it again", "act", "resend", Weight::Plain)) }
        }
    })
}

/// The command for the button; a mail that is not among those of the member is an error of its field.
pub(super) async fn command(
    req: &Req,
    form: &Form,
    row: &SubscriptionRow,
) -> Result<Result<SubscriptionCommand, Errors>, HttpError> {
    let wanted = Uuid::parse_str(form.get("mail")).unwrap_or_default();
    let known: Option<WrittenMail> =
        about_money(&req.app, row.owner).await?.into_iter().find(|m| m.id == wanted);
    Ok(match known {
        Some(mail) => Ok(SubscriptionCommand::ResendMail { mail: mail.id, about: mail.about }),
        None => Err(Errors::one("mail", "Choose one of the mails that are listed.")),
    })
}
