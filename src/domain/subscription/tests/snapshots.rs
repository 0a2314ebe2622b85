use super::*;
use crate::domain::shared::calendar::Period;
use crate::domain::shared::discount::{Discount, Off};
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::subscription::{
    AwaitedResult, PauseBegun, PauseOver, PlanChangeRequest, PriceNotice, RejectedDebit, TrialNotice,
    UnusedDays, Withdrawal,
};

/// One event of each kind, as it lies in the log. A change of this picture needs an upcaster.
#[test]
fn events_keep_their_form() {
    let mut world = World::joined(Collection::Automatic, Interval::monthly(), "2026-01-31T14:00:00Z");
    world.declines = vec![("stolen_card", true), ("insufficient_funds", false)];
    world.tick("2026-02-28T00:00:00Z");
    world.tick("2026-03-02T00:00:00Z");
    world.pay("2026-04-10T12:00:00Z");
    world.tick("2026-05-10T12:00:00Z");
    let (order, attempt) = (Uuid::from_u128(3), Uuid::from_u128(4));
    let (due_on, when) = ("2026-06-10".parse().unwrap(), at("2026-06-09T22:00:00Z"));
    let period = Period { start: due_on, end: "2026-07-10".parse().unwrap() };
    let amount = Money::new(1150, Currency::eur());
    let off = Off::Percent { percent: 20 };
    let discount = Discount { coupon: attempt, code: "SPRING".into(), off, periods: Some(3) };
    let rebate = Rebate {
        code: "SPRING".into(),
        full: amount,
        off: Money::new(230, Currency::eur()),
        number: 1,
        of: Some(3),
    };
    let mut log = world.log;
    log.extend([
        SubscriptionEvent::ChargeAwaitsAction { order, attempt, until: when },
        SubscriptionEvent::ChargeActionMissed { order, attempt, until: when },
        SubscriptionEvent::MemberPaymentFailed { order, attempt, code: "card_declined".into(), hard: false },
        SubscriptionEvent::SubscriptionActivated { order, paid_at: when, period, paid_until: when },
        SubscriptionEvent::CancellationScheduled {
            ends_at: when,
            ends_on: due_on,
            reason: Some(CancelReason::TooExpensive),
        },
        SubscriptionEvent::CancellationUndone { next_due_on: due_on },
        SubscriptionEvent::SubscriptionCancelled {
            cause: CancelCause::PaidTimeEnded,
            ended_at: when,
            abandoned_order: None,
            reason: None,
        },
        SubscriptionEvent::SubscriptionExpired {
            due_on,
            weeks: 24,
            ended_at: when,
            abandoned_order: Some(order),
        },
        SubscriptionEvent::PaidTimeExtended {
            days: 10,
            from: due_on,
            to: period.end,
            paid_until: when,
            by_staff: true,
        },
        SubscriptionEvent::GivenDaysTakenBack { days: 10, from: period.end, to: due_on, paid_until: when },
        SubscriptionEvent::PeriodWaived { order, period, restarts: false, paid_until: when },
        SubscriptionEvent::PaymentMethodChanged { method: card("new") },
        SubscriptionEvent::ManagerToldOfRenewal { due_on, amount },
        SubscriptionEvent::RenewalAnnounced { due_on, amount, days_before: 7 },
        SubscriptionEvent::SubscriptionParked { behind: 4, limit: 3, oldest_due_on: due_on },
        SubscriptionEvent::SubscriptionUnparked { waived: 3, billed: 0, next_due_on: due_on },
        SubscriptionEvent::PaymentReceivedAfterEnd { order, paid_at: when },
        SubscriptionEvent::BillingDetailsChanged {
            country: Country::parse("DE").unwrap(),
            billing: card("x").label,
            vat_number: Some(card("x").label),
            vat_check: Some(VatCheck::Pending),
        },
        SubscriptionEvent::VatNumberChecked {
            check: VatCheck::Confirmed { consultation: Some("WAPIAAAA".into()) },
            at: when,
        },
        SubscriptionEvent::TrialStarted { days: 14, from: due_on, ends_on: period.end, access_until: when },
        SubscriptionEvent::TrialEndAnnounced(TrialNotice {
            ends_on: due_on,
            amount,
            charged: true,
            days_before: 3,
        }),
        SubscriptionEvent::PauseScheduled { from: due_on, until: Some(period.end) },
        SubscriptionEvent::PauseWithdrawn { from: due_on },
        SubscriptionEvent::SubscriptionPaused(PauseBegun {
            from: due_on,
            until: None,
            days_left: 9,
            access_until: when,
        }),
        SubscriptionEvent::PauseEnded(PauseOver {
            from: due_on,
            on: period.end,
            days_left: 9,
            previous_anchor: due_on,
            anchor: period.end,
            paid_until: when,
        }),
        SubscriptionEvent::PlanChangeRequested(PlanChangeRequest {
            order,
            terms: terms(Collection::Automatic, Interval::yearly()),
            proration: Proration {
                days_left: 14,
                days_of_period: 28,
                credit: amount,
                charge: amount,
                period,
                restarts: false,
                old_price: Some(amount),
                new_price: Some(amount),
                rounding: Rounding::HalfUp,
                held: None,
            },
            amount,
            at: when,
        }),
        SubscriptionEvent::PaymentRefunded { order, back: amount, left: Money::new(0, Currency::eur()) },
        SubscriptionEvent::EndAwaited { cause: CancelCause::Disputed, order, at: when },
        SubscriptionEvent::PlanBegan { terms: terms(Collection::Manual, Interval::yearly()), on: due_on },
        SubscriptionEvent::PlanChangeDropped { order, attempt, code: "card_declined".into(), hard: false },
        SubscriptionEvent::PlanChangeScheduled {
            terms: terms(Collection::Automatic, Interval::yearly()),
            on: due_on,
        },
        SubscriptionEvent::TaxChangeAnnounced {
            change: TaxChange {
                country: Country::parse("DE").unwrap(),
                from: due_on,
                basis_points: Some(2200),
                previous: amount,
                amount: Money::new(1122, Currency::eur()),
                first_due: period.end,
            },
        },
        SubscriptionEvent::PlanChangeWithdrawn {},
        SubscriptionEvent::MailResent { mail: Uuid::from_u128(0x3a11), about: "renewed".into() },
        SubscriptionEvent::PlanChanged {
            order: Some(order),
            terms: terms(Collection::Automatic, Interval::yearly()),
            anchor: due_on,
            periods: 1,
            paid_until: when,
            begins_on: None,
            at: when,
        },
        SubscriptionEvent::DiscountGranted { discount: discount.clone() },
        SubscriptionEvent::FirstOrderRequested { order, amount, due_on, rebate: Some(rebate) },
        SubscriptionEvent::PriceChangeAnnounced(PriceNotice {
            of: Uuid::from_u128(2),
            previous: amount,
            terms: terms(Collection::Automatic, Interval::monthly()),
            from: due_on,
            notice_days: 30,
            instead_of: None,
        }),
        SubscriptionEvent::WithdrawalDeclared(Withdrawal {
            joined_on: due_on,
            last_day: period.end,
            days: 14,
            awaits: Some(AwaitedResult { order, declared_at: when }),
        }),
        SubscriptionEvent::UnusedDaysRefundRequested(UnusedDays {
            order,
            part: 21,
            of: 28,
            days_left: 21,
            days_of_span: 28,
        }),
        SubscriptionEvent::DebitAwaited { debit: AwaitedDebit { order, collect_on: due_on, until: when } },
        SubscriptionEvent::DebitRejected(RejectedDebit {
            order,
            reason: "AC04".into(),
            pay_by: when,
            at: when,
        }),
        SubscriptionEvent::PaymentReversed { unpaid: ReversedPayment { order, due_on, at: when } },
    ]);
    insta::assert_json_snapshot!(log);
}
