//! Every mail in full, and rules that hold for all of them.

use super::samples::*;
use super::*;
use crate::domain::shared::Currency;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::tax::Country;
use crate::domain::subscription::{HoldCause, TaxChange};
use uuid::Uuid;

fn all() -> Vec<(&'static str, Mail)> {
    let studio = Studio {
        name: "Salt & Light".into(),
        base_url: "https://studio.example".into(),
        zone: Zone::amsterdam(),
    };
    let mails: Vec<(&'static str, BillingMail)> = vec![
        (
            "transfer_expected",
            BillingMail::TransferExpected {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                iban: "NL02 ABNA 0123 4567 89".into(),
                holder: "Salt & Light".into(),
                reference: "RF18539007547034".into(),
                right: Some(WithdrawalRight::Until("2026-12-05".parse().unwrap())),
            },
        ),
        (
            "membership_started",
            BillingMail::MembershipStarted {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                right: Some(WithdrawalRight::WaivedOn("2026-11-21".parse().unwrap())),
            },
        ),
        (
            "membership_resumed",
            BillingMail::MembershipStarted {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                right: None,
            },
        ),
        (
            "first_payment_failed",
            BillingMail::FirstPaymentFailed {
                amount: Money::new(1150, Currency::eur()),
                code: "insufficient_funds".into(),
            },
        ),
        ("extended", extended(Some(14), false)),
        ("extended_before_its_end", extended(Some(14), true)),
        ("taken_back", taken_back(false)),
        ("taken_back_before_its_end", taken_back(true)),
        ("waived", extended(None, false)),
        (
            "disputed",
            BillingMail::Disputed {
                number: "K123456789".into(),
                order: Uuid::from_u128(9),
                amount: Money::new(1150, Currency::eur()),
                reason: "fraudulent".into(),
                lost: false,
            },
        ),
        (
            "dispute_lost",
            BillingMail::Disputed {
                number: "K123456789".into(),
                order: Uuid::from_u128(9),
                amount: Money::new(1150, Currency::eur()),
                reason: String::new(),
                lost: true,
            },
        ),
        ("refund_refused", refund_stuck(Some("charge_already_refunded"))),
        ("refund_parked", refund_stuck(None)),
        ("ended_by_studio", BillingMail::EndedByStudio),
        (
            "price_changes",
            BillingMail::PriceChanges {
                plan: "Studio, monthly".into(),
                previous: Money::new(1150, Currency::eur()),
                price: Money::new(1350, Currency::eur()),
                from: "2027-01-15".parse().unwrap(),
                first_due: Some("2027-01-21".parse().unwrap()),
                instead_of: None,
            },
        ),
        (
            "tax_changes",
            BillingMail::TaxChanges {
                plan: "Studio, monthly".into(),
                change: TaxChange {
                    country: Country::from_letters(*b"DE"),
                    from: "2027-01-01".parse().unwrap(),
                    basis_points: Some(2200),
                    previous: Money::new(966, Currency::eur()),
                    amount: Money::new(943, Currency::eur()),
                    first_due: "2027-01-31".parse().unwrap(),
                },
            },
        ),
        ("vat_refused", BillingMail::VatNumberRefused { price: Money::new(1150, Currency::eur()) }),
        (
            "price_changes_later",
            BillingMail::PriceChanges {
                plan: "Studio, monthly".into(),
                previous: Money::new(1150, Currency::eur()),
                price: Money::new(1350, Currency::eur()),
                from: "2027-04-05".parse().unwrap(),
                first_due: Some("2027-04-21".parse().unwrap()),
                instead_of: Some("2027-02-05".parse().unwrap()),
            },
        ),
        ("withdrawn", withdrawn(Some(Money::new(1079, Currency::eur())), false, false)),
        ("withdrawn_unpaid", withdrawn(None, false, false)),
        ("withdrawn_while_paying", withdrawn(None, true, false)),
        ("withdrawn_while_disputed", withdrawn(None, false, true)),
        (
            "withdrawal_settled",
            BillingMail::WithdrawalSettled {
                at: "2026-11-23T10:07:00Z".parse().unwrap(),
                amount: Some(Money::new(1150, Currency::eur())),
                disputed: false,
            },
        ),
        (
            "withdrawal_settled_unpaid",
            BillingMail::WithdrawalSettled {
                at: "2026-11-23T10:07:00Z".parse().unwrap(),
                amount: None,
                disputed: false,
            },
        ),
        ("went_on_waived", went_on(4, 0)),
        ("went_on_billed", went_on(0, 4)),
        ("paid_after_end", BillingMail::PaidForNothing { number: "K123456789".into(), ended: true }),
        ("paid_for_nothing", BillingMail::PaidForNothing { number: "K123456789".into(), ended: false }),
        (
            "complimentary_given",
            BillingMail::ComplimentaryGiven { until: Some("2027-03-01T22:59:00Z".parse().unwrap()) },
        ),
        ("complimentary_for_ever", BillingMail::ComplimentaryGiven { until: None }),
        ("complimentary_ended", BillingMail::ComplimentaryEnded),
        (
            "refunded",
            BillingMail::Refunded {
                number: "K123456789".into(),
                amount: Money::new(1150, Currency::eur()),
                by_transfer: false,
                credited: true,
                to_credit: false,
            },
        ),
        (
            "credit_granted",
            BillingMail::Refunded {
                number: "K123456789".into(),
                amount: Money::new(1350, Currency::eur()),
                by_transfer: false,
                credited: false,
                to_credit: true,
            },
        ),
        ("credit_paid_out", BillingMail::CreditPaidOut { amount: Money::new(1350, Currency::eur()) }),
        (
            "transfer_short",
            BillingMail::TransferShort {
                received: Money::new(500, Currency::eur()),
                rest: Money::new(650, Currency::eur()),
                iban: "NL02 ABNA 0123 4567 89".into(),
                reference: "RF18539007547034".into(),
            },
        ),
        (
            "renewed_and_ending",
            BillingMail::Renewed {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                ends: true,
            },
        ),
        (
            "renewed",
            BillingMail::Renewed {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                ends: false,
            },
        ),
        (
            "renewal_failed",
            BillingMail::RenewalFailed {
                amount: Money::new(1150, Currency::eur()),
                code: "insufficient_funds".into(),
                failures: 2,
                attempts: 3,
                retry_on: "2026-12-21".parse().unwrap(),
            },
        ),
        (
            "on_hold",
            BillingMail::OnHold {
                amount: Money::new(1150, Currency::eur()),
                cause: HoldCause::DeclinedTooOften,
                expires_on: "2026-12-21".parse().unwrap(),
            },
        ),
        (
            "action_needed",
            BillingMail::ActionNeeded {
                amount: Money::new(1150, Currency::eur()),
                order: Uuid::from_u128(5),
                until: "2026-12-21T10:00:00Z".parse().unwrap(),
            },
        ),
        (
            "mandate_signed",
            BillingMail::MandateSigned {
                reference: "M0123456789ABCD".into(),
                creditor: "NL64ZZZ012345678900".into(),
                notice_days: 5,
            },
        ),
        (
            "debit_ahead",
            BillingMail::DebitAhead {
                number: "K123456789".into(),
                amount: Money::new(1150, Currency::eur()),
                collect_on: "2026-12-21".parse().unwrap(),
                reference: "M0123456789ABCD".into(),
                creditor: "NL64ZZZ012345678900".into(),
                order: Uuid::from_u128(5),
            },
        ),
        (
            "order_to_collect",
            BillingMail::OrderToPay {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                pay_by: "2026-12-21".parse().unwrap(),
                iban: "NL02 ABNA 0123 4567 89".into(),
                reference: "RF45K123456789".into(),
                debited: true,
            },
        ),
        (
            "order_to_pay",
            BillingMail::OrderToPay {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                pay_by: "2026-12-21".parse().unwrap(),
                iban: "NL02 ABNA 0123 4567 89".into(),
                reference: "RF18539007547034".into(),
                debited: false,
            },
        ),
        ("catching_up", BillingMail::CatchingUp { amount: Money::new(1150, Currency::eur()), behind: 3 }),
        (
            "renewal_ahead",
            BillingMail::RenewalAhead {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                due_on: "2026-12-21".parse().unwrap(),
            },
        ),
        (
            "cancellation_scheduled",
            BillingMail::CancellationScheduled {
                ends_on: "2026-12-21".parse().unwrap(),
                by_studio: false,
                waits: false,
            },
        ),
        (
            "cancelled_by_staff",
            BillingMail::CancellationScheduled {
                ends_on: "2026-12-21".parse().unwrap(),
                by_studio: true,
                waits: false,
            },
        ),
        (
            "cancelled_while_paying",
            BillingMail::CancellationScheduled {
                ends_on: "2026-12-21".parse().unwrap(),
                by_studio: false,
                waits: true,
            },
        ),
        (
            "cancellation_undone",
            BillingMail::CancellationWithdrawn {
                amount: Money::new(1150, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                by_studio: false,
            },
        ),
        (
            "cancellation_undone_by_staff",
            BillingMail::CancellationWithdrawn {
                amount: Money::new(1150, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                by_studio: true,
            },
        ),
        (
            "trial_started",
            BillingMail::TrialStarted {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                ends_on: "2026-12-21".parse().unwrap(),
                right: Some(WithdrawalRight::Until("2026-12-05".parse().unwrap())),
            },
        ),
        (
            "trial_ending",
            BillingMail::TrialEnding {
                amount: Money::new(1150, Currency::eur()),
                ends_on: "2026-12-21".parse().unwrap(),
                charged: true,
            },
        ),
        (
            "trial_ending_without_card",
            BillingMail::TrialEnding {
                amount: Money::new(1150, Currency::eur()),
                ends_on: "2026-12-21".parse().unwrap(),
                charged: false,
            },
        ),
        (
            "pause_planned",
            BillingMail::PausePlanned {
                from: "2026-12-21".parse().unwrap(),
                until: Some("2027-01-21".parse().unwrap()),
                by_studio: false,
            },
        ),
        (
            "pause_planned_by_staff",
            BillingMail::PausePlanned {
                from: "2026-12-21".parse().unwrap(),
                until: Some("2027-01-21".parse().unwrap()),
                by_studio: true,
            },
        ),
        ("pause_over", BillingMail::PauseOver { next_due: "2026-12-21".parse().unwrap(), by_studio: false }),
        (
            "pause_over_by_staff",
            BillingMail::PauseOver { next_due: "2026-12-21".parse().unwrap(), by_studio: true },
        ),
        ("pause_given_up", pause_given_up(false)),
        ("pause_given_up_by_staff", pause_given_up(true)),
        ("plan_kept", plan_kept(false)),
        ("plan_kept_by_staff", plan_kept(true)),
        (
            "plan_changed",
            BillingMail::PlanChanged {
                plan: "Studio, yearly".into(),
                price: Money::new(11500, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                by_studio: false,
            },
        ),
        (
            "plan_changed_by_staff",
            BillingMail::PlanChanged {
                plan: "Studio, yearly".into(),
                price: Money::new(11500, Currency::eur()),
                next_due: "2026-12-21".parse().unwrap(),
                by_studio: true,
            },
        ),
        (
            "plan_change_planned",
            BillingMail::PlanChangePlanned {
                plan: "Studio, yearly".into(),
                price: Money::new(11500, Currency::eur()),
                on: "2026-12-21".parse().unwrap(),
                by_studio: false,
            },
        ),
        (
            "plan_change_planned_by_staff",
            BillingMail::PlanChangePlanned {
                plan: "Studio, yearly".into(),
                price: Money::new(11500, Currency::eur()),
                on: "2026-12-21".parse().unwrap(),
                by_studio: true,
            },
        ),
        ("plan_change_failed", BillingMail::PlanChangeFailed { code: "insufficient_funds".into() }),
        ("ended", BillingMail::Ended),
        ("expired", BillingMail::Expired { weeks: 24 }),
        ("method_changed", BillingMail::MethodChanged),
        ("card_expiring", BillingMail::CardExpiring { expires_on: "2027-01-01".parse().unwrap() }),
        (
            "manager_told",
            BillingMail::ManagerTold {
                plan: "Studio, monthly".into(),
                amount: Money::new(1150, Currency::eur()),
                due_on: "2026-12-21".parse().unwrap(),
                subscription: Uuid::from_u128(5),
            },
        ),
        (
            "debit_rejected",
            BillingMail::DebitRejected {
                number: "K123456789".into(),
                amount: Money::new(1150, Currency::eur()),
                order: Uuid::from_u128(9),
            },
        ),
        (
            "earlier_unpaid",
            BillingMail::EarlierUnpaid {
                number: "K123456789".into(),
                amount: Money::new(1150, Currency::eur()),
                iban: "NL02 ABNA 0123 4567 89".into(),
                reference: "RF18K123456789".into(),
                order: Uuid::from_u128(9),
                ended: false,
            },
        ),
        (
            "approval_waits",
            BillingMail::ApprovalWaits {
                what: "Record €1,150.00 as received by transfer".into(),
                path: "/billing/approvals/5".into(),
                lapses_at: Some("2026-12-21T10:00:00Z".parse().unwrap()),
            },
        ),
    ];
    mails
        .into_iter()
        .map(|(name, mail)| {
            let json = serde_json::to_value(&mail).unwrap();
            assert_eq!(
                serde_json::from_value::<BillingMail>(json).unwrap(),
                mail,
                "{name} comes back from the queue"
            );
            (name, mail.render(&studio, Some("Ada <b>Holm</b>")))
        })
        .collect()
}

#[test]
fn mails_read_as_they_should() {
    let text: Vec<String> = all()
        .into_iter()
        .map(|(name, mail)| format!("=== {name}\nSubject: {}\n\n{}", mail.subject, mail.text))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn text_and_html_say_the_same() {
    for (name, mail) in all() {
        assert!(!mail.html.contains("<b>"), "{name}");
        assert!(mail.subject.chars().count() <= 78, "{name}");
        for url in mail.text.split_whitespace().filter(|w| w.starts_with("https://")) {
            assert!(mail.html.contains(url), "{name}: {url}");
        }
    }
}
