//! Direct debit: a mandate was signed; a debit is announced; it is not collected.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;
use uuid::Uuid;

/// See [`super::BillingMail::MandateSigned`].
pub(super) fn signed(
    studio: &Studio,
    name: Option<&str>,
    reference: &str,
    creditor: &str,
    notice_days: u8,
) -> Mail {
    Letter::new("You signed a mandate for direct debit")
        .to_person(name)
        .say(format!("What you are to pay by transfer is collected from your bank account from now on. You are told of each debit at least {notice_days} days before."))
        .row("Mandate reference", reference)
        .row("Creditor identifier", creditor)
        .say("Did you not sign this? Revoke it on the page below; your bank gives back what was collected without your authorisation for thirteen months.")
        .button("See your payment methods", studio.link("/account/payment-methods"))
        .sign(studio)
}

/// See [`super::BillingMail::DebitAhead`].
pub(super) fn ahead(
    studio: &Studio,
    name: Option<&str>,
    number: &str,
    amount: &Money,
    collect_on: &NaiveDate,
    (reference, creditor): (&str, &str),
    order: &Uuid,
) -> Mail {
    let day = day_words(*collect_on);
    Letter::new(format!("We collect {amount} on {day}"))
        .to_person(name)
        .say(format!("By your mandate for direct debit we collect order {number} from your bank account. You need not do anything; please see that there is enough in the account."))
        .row("Amount", amount.to_string())
        .row("On", day)
        .row("Mandate reference", reference)
        .row("Creditor identifier", creditor)
        .button("See the order", studio.link(&format!("/account/orders/{order}")))
        .sign(studio)
}

/// See [`super::BillingMail::DebitRejected`].
pub(super) fn rejected(
    studio: &Studio,
    name: Option<&str>,
    number: &str,
    amount: &Money,
    order: &Uuid,
) -> Mail {
    Letter::new("Your bank did not accept our direct debit")
        .to_person(name)
        .say(format!("Order {number} is not paid by direct debit, and we do not try it again. Please pay it on its page; your membership goes on when it is paid in time."))
        .say("If your account number has changed, sign a new mandate with your payment methods.")
        .row("Amount", amount.to_string())
        .button("Pay the order", studio.link(&format!("/account/orders/{order}")))
        .sign(studio)
}

/// See [`super::BillingMail::EarlierUnpaid`].
pub(super) fn earlier(
    studio: &Studio,
    name: Option<&str>,
    (number, order): (&str, &Uuid),
    amount: &Money,
    (iban, reference): (&str, &str),
    ended: bool,
) -> Mail {
    let rests = if ended {
        "Your membership is over, but this order is for time in which you had it."
    } else {
        "Your membership goes on: what is paid for now does not rest on this order."
    };
    Letter::new(format!("Your bank took the payment of order {number} back"))
        .to_person(name)
        .say(format!("We had collected order {number} from your bank account, and your bank has taken the money back. The order is not paid any more; please pay it by transfer."))
        .say(rests)
        .row("Amount", amount.to_string())
        .row("IBAN", iban)
        .row("Reference", reference)
        .button("See the order", studio.link(&format!("/account/orders/{order}")))
        .sign(studio)
}
