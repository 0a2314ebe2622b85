//! What a PaymentIntent or a refund says about the money.

use super::units;
use crate::domain::shared::Money;
use crate::domain::shared::payment::{Outcome, RefundOutcome};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// Time in which the holder can confirm a charge.
const CONFIRM_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Codes after which another attempt with the same card is useless.
/// Source: Stripe's list of decline codes, those whose next step is another card.
const HARD: [&str; 14] = [
    "stolen_card",
    "lost_card",
    "pickup_card",
    "restricted_card",
    "fraudulent",
    "invalid_account",
    "card_not_supported",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "security_violation",
    "stop_payment_order",
    "merchant_blacklist",
    "resource_missing",
    "no_payment_method",
];

/// Not taken, for that reason.
pub(super) fn declined(code: &str) -> Outcome {
    Outcome::Declined { code: code.to_owned(), hard: HARD.contains(&code) }
}

/// Whether it is about the money that was asked for, and took as much if it took any.
pub(super) fn is_of(intent: &Value, asked: Money) -> bool {
    let currency = intent["currency"].as_str().unwrap_or_default();
    let same =
        |name: &str| intent[name].as_i64().and_then(|n| units::from_stripe(n, currency)) == Some(asked);
    let taken = intent["status"] == "succeeded";
    let is = same("amount") && (!taken || intent["amount_received"].is_null() || same("amount_received"));
    if !is {
        let (id, amount, taken) = (&intent["id"], &intent["amount"], &intent["amount_received"]);
        tracing::error!(%id, %asked, %amount, %taken, currency, "a charge at Stripe is of another amount than was asked for");
    }
    is
}

/// What became of a charge of `asked` that was confirmed; none while nobody knows, and where money of another
/// amount was or could yet be taken: that is never what was asked for, and staff find out in the end.
pub(super) fn of(intent: &Value, asked: Money, at: DateTime<Utc>) -> Option<Outcome> {
    became(intent, at).filter(|said| {
        let money = matches!(said, Outcome::Succeeded { .. } | Outcome::RequiresAction { .. });
        !money || is_of(intent, asked)
    })
}

fn became(intent: &Value, at: DateTime<Utc>) -> Option<Outcome> {
    let created = intent["created"].as_i64().and_then(|s| DateTime::from_timestamp(s, 0)).unwrap_or_default();
    let asks = Outcome::RequiresAction { until: created.max(at) + CONFIRM_WITHIN };
    Some(match intent["status"].as_str()? {
        "succeeded" => Outcome::Succeeded { gateway_reference: intent["id"].as_str()?.to_owned() },
        "requires_action" => asks,
        // Withdrawn after it was declined, or before.
        "canceled" => match intent["last_payment_error"]["code"].as_str() {
            None | Some("authentication_required") => Outcome::Cancelled,
            Some(code) => declined(intent["last_payment_error"]["decline_code"].as_str().unwrap_or(code)),
        },
        "requires_payment_method" => {
            let error = &intent["last_payment_error"];
            let code = error["decline_code"].as_str().or_else(|| error["code"].as_str());
            match (error["code"].as_str(), code) {
                (Some("authentication_required"), _) | (_, Some("authentication_required")) => asks,
                (_, code) => declined(code.unwrap_or("card_declined")),
            }
        }
        _ => return None,
    })
}

/// The card of a charge: after a refusal it stands with the error.
pub(super) fn method_of(intent: &Value) -> Option<String> {
    let of = |v: &Value| v.as_str().or_else(|| v["id"].as_str()).map(str::to_owned);
    of(&intent["payment_method"]).or_else(|| of(&intent["last_payment_error"]["payment_method"]))
}

/// What became of a refund.
pub(super) fn of_refund(refund: &Value) -> RefundOutcome {
    match refund["status"].as_str().unwrap_or_default() {
        "succeeded" => RefundOutcome::Succeeded {
            gateway_reference: refund["id"].as_str().unwrap_or_default().to_owned(),
        },
        "failed" | "canceled" => RefundOutcome::Refused {
            code: refund["failure_reason"].as_str().unwrap_or("refund_failed").to_owned(),
        },
        _ => RefundOutcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shared::Currency;
    use serde_json::json;

    fn at() -> DateTime<Utc> {
        "2026-11-28T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_state_says_what_became_of_the_money() {
        let at = at();
        let until = at + TimeDelta::days(1);
        let soft = |code: &str| Some(Outcome::Declined { code: code.into(), hard: false });
        for (intent, expected) in [
            (
                json!({"id": "pi_1", "status": "succeeded"}),
                Some(Outcome::Succeeded { gateway_reference: "pi_1".into() }),
            ),
            (json!({"status": "requires_action"}), Some(Outcome::RequiresAction { until })),
            (json!({"status": "canceled"}), Some(Outcome::Cancelled)),
            (
                json!({"status": "requires_payment_method", "last_payment_error": {"code": "authentication_required"}}),
                Some(Outcome::RequiresAction { until }),
            ),
            (
                json!({"status": "requires_payment_method", "last_payment_error": {"code": "card_declined", "decline_code": "insufficient_funds"}}),
                soft("insufficient_funds"),
            ),
            (
                json!({"status": "requires_payment_method", "last_payment_error": {"code": "card_declined", "decline_code": "stolen_card"}}),
                Some(Outcome::Declined { code: "stolen_card".into(), hard: true }),
            ),
            (json!({"status": "requires_payment_method", "last_payment_error": null}), soft("card_declined")),
            (json!({"status": "processing"}), None),
            (json!({"status": "something new"}), None),
            (json!({}), None),
        ] {
            assert_eq!(became(&intent, at), expected, "{intent}");
        }
    }

    #[test]
    fn what_was_withdrawn_after_a_refusal_was_refused() {
        let said = |error: Value| became(&json!({"status": "canceled", "last_payment_error": error}), at());
        assert_eq!(said(Value::Null), Some(Outcome::Cancelled));
        assert_eq!(said(json!({"code": "authentication_required"})), Some(Outcome::Cancelled));
        let refused = Some(Outcome::Declined { code: "stolen_card".into(), hard: true });
        assert_eq!(said(json!({"code": "card_declined", "decline_code": "stolen_card"})), refused);
        let failed = "payment_intent_authentication_failure";
        assert_eq!(
            said(json!({"code": failed})),
            Some(Outcome::Declined { code: failed.into(), hard: false })
        );
    }

    #[test]
    fn money_of_another_amount_or_currency_is_never_what_was_asked_for() {
        let asked = |code: &str, minor| Money::new(minor, Currency::parse(code).unwrap());
        let said = |status: &str, amount: i64, received: Option<i64>, currency: &str| json!({"id": "pi_1", "status": status, "amount": amount, "amount_received": received, "currency": currency});
        let paid = Some(Outcome::Succeeded { gateway_reference: "pi_1".into() });
        for (intent, money, expected) in [
            (said("succeeded", 1150, Some(1150), "eur"), asked("EUR", 1150), paid.clone()),
            (said("succeeded", 1150, None, "eur"), asked("EUR", 1150), paid.clone()),
            (said("succeeded", 150_000, Some(150_000), "isk"), asked("ISK", 1500), paid.clone()),
            (said("succeeded", 1500, Some(1500), "jpy"), asked("JPY", 1500), paid.clone()),
            (said("succeeded", 5120, Some(5120), "kwd"), asked("KWD", 5120), paid),
            (said("succeeded", 1500, Some(1500), "isk"), asked("ISK", 1500), None),
            (said("succeeded", 1150, Some(1150), "usd"), asked("EUR", 1150), None),
            (said("succeeded", 1150, Some(1000), "eur"), asked("EUR", 1150), None),
            (said("succeeded", 1149, Some(1149), "eur"), asked("EUR", 1150), None),
            (said("requires_action", 1500, Some(0), "isk"), asked("ISK", 1500), None),
            (said("canceled", 1500, Some(0), "isk"), asked("ISK", 1500), Some(Outcome::Cancelled)),
        ] {
            assert_eq!(of(&intent, money, at()), expected, "{intent}");
        }
        let unnamed = json!({"id": "pi_1", "status": "succeeded"});
        assert_eq!(of(&unnamed, asked("EUR", 1150), at()), None, "an answer that names no money");
    }

    #[test]
    fn a_refund_that_is_pending_is_looked_up_again() {
        let of = |v: Value| of_refund(&v);
        assert_eq!(of(json!({"status": "pending"})), RefundOutcome::Unknown);
        assert_eq!(
            of(json!({"status": "failed", "failure_reason": "lost_or_stolen_card"})),
            RefundOutcome::Refused { code: "lost_or_stolen_card".into() }
        );
        assert_eq!(
            of(json!({"status": "succeeded", "id": "re_1"})),
            RefundOutcome::Succeeded { gateway_reference: "re_1".into() }
        );
    }
}
