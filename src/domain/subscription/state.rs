use super::span_value::SpanValue;
use super::{
    CancelCause, CancelReason, Charge, EarlierReversal, GrantedDiscount, OpenOrder, PaidSpan, Pause,
    PauseBegun, PauseOver, PendingChange, PlanAhead, PlanChangeRequest, PriceChange, PriceNotice, Refundable,
    RejectedDebit, ReversedPayment, Status, SubscriptionEvent, Terms, TrialNotice, Trigger, Withdrawal,
    Withdrawing,
};
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::shared::tax::Country;
use crate::domain::shared::vat_number::VatCheck;
use crate::domain::shared::{AccountId, Money, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A subscription as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Subscription {
    pub(super) id: Uuid,
    pub(super) owner: AccountId,
    pub(super) status: Option<Status>,
    pub(super) terms: Option<Terms>,
    pub(super) method: Option<PaymentMethod>,
    pub(super) country: Option<Country>,
    pub(super) billing: Option<PersonalRef>,
    pub(super) vat_number: Option<PersonalRef>,
    /// What the register said of it.
    pub(super) vat_check: Option<VatCheck>,
    /// When it was asked; none: with the number itself.
    pub(super) vat_checked_at: Option<DateTime<Utc>>,
    /// Day from which periods are counted; none before the first payment.
    pub(super) anchor: Option<NaiveDate>,
    /// Periods since the anchor that are paid, so also the index of the next one.
    pub(super) paid: u32,
    pub(super) open: Option<OpenOrder>,
    pub(super) parked: bool,
    /// Staff said how to go on with missed periods, so their number parks it no more.
    pub(super) cleared_until: Option<u32>,
    pub(super) last_clock_charge: Option<DateTime<Utc>>,
    /// How many periods were unpaid when the last one was ordered.
    pub(super) last_behind: u32,
    pub(super) last_paid_order: Option<Uuid>,
    pub(super) announced: Option<NaiveDate>,
    pub(super) manager_told: Option<NaiveDate>,
    /// The end of the card of which the member was reminded.
    pub(super) card_announced: Option<NaiveDate>,
    /// The day the order that put it on hold was due.
    pub(super) unpaid_since: Option<NaiveDate>,
    /// When it expires if it stays on hold.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// A pause that is planned or has begun.
    pub(super) pause: Option<Pause>,
    /// What is agreed from the next period on.
    pub(super) planned: Option<Terms>,
    /// Periods that begin on this day or later are what was planned.
    pub(super) planned_from: Option<NaiveDate>,
    /// Plans whose first period was ordered before it begins, in the order of their first days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ahead: Vec<PlanAhead>,
    /// The end of the trial, until something is paid.
    pub(super) trial_until: Option<NaiveDate>,
    /// When the contract was made.
    pub(super) joined_at: Option<DateTime<Utc>>,
    /// The right of withdrawal was given up.
    pub(super) withdrawal_waived: bool,
    /// Orders of which something could be given back on a withdrawal.
    pub(super) refundable: Vec<Refundable>,
    /// What the following periods cost less, and what of it is used.
    pub(super) discount: Option<GrantedDiscount>,
    /// The last period was ordered with a discount.
    pub(super) reduced: bool,
    /// What the last period was ordered for.
    pub(super) ordered: Option<Money>,
    /// Changes of price that the member was told of, one of each price.
    pub(super) price_changes: Vec<PriceChange>,
    /// What the last payment paid for; none when the last period was free.
    pub(super) paid_span: Option<PaidSpan>,
    /// What is left of the payments for the span that runs.
    pub(super) span_value: SpanValue,
    /// It ends for this reason as soon as the result of the charge under way is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ending: Option<CancelCause>,
    /// Days that were given behind a payment which was taken back: they follow the next one.
    pub(super) owed_days: u16,
    /// Why the member cancelled, if they said so.
    #[serde(default)]
    pub(super) cancel_reason: Option<CancelReason>,
    /// Days behind what is paid for that staff gave, and can take back.
    #[serde(default)]
    pub(super) given_days: u16,
    /// The order of the last period that staff gave for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) waived: Option<Uuid>,
    /// Orders whose payment was taken back, and on which what runs now does not rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unpaid_before: Vec<Uuid>,
    /// It ended because the buyer went back on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) withdrawn: bool,
    /// After how many weeks on hold it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_after: Option<u16>,
    /// The buyer withdrew while a charge was under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withdrawing: Option<Withdrawing>,
}

impl Subscription {
    /// Where it stands; none before somebody joined.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        self.status
    }

    /// The order that is not paid yet.
    #[must_use]
    pub const fn open_order(&self) -> Option<&OpenOrder> {
        self.open.as_ref()
    }

    /// What was agreed.
    #[must_use]
    pub const fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// Who owns it.
    #[must_use]
    pub const fn owner(&self) -> AccountId {
        self.owner
    }

    /// Whether it lets its owner watch now.
    #[must_use]
    pub fn gives_access(&self) -> bool {
        self.status.is_some_and(Status::gives_access) && !self.is_paused()
    }

    /// Whether staff have to decide how it goes on.
    #[must_use]
    pub const fn is_parked(&self) -> bool {
        self.parked
    }

    /// Why the member cancelled, if they said so.
    #[must_use]
    pub const fn cancel_reason(&self) -> Option<CancelReason> {
        self.cancel_reason
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: SubscriptionEvent) {
        match event {
            SubscriptionEvent::SubscriptionJoined {
                subscription,
                owner,
                terms,
                method,
                country,
                billing,
                vat_number,
                vat_check,
                withdrawal_waived,
                at,
            } => {
                self.vat_check = vat_check;
                self.vat_checked_at = Some(at);
                self.joined_at = Some(at);
                self.withdrawal_waived = withdrawal_waived;
                self.id = subscription;
                self.owner = owner;
                self.status = Some(Status::OnHold);
                self.terms = Some(terms);
                self.method = method;
                self.country = Some(country);
                self.billing = billing;
                self.vat_number = vat_number;
            }
            SubscriptionEvent::VatNumberChecked { check, at } => {
                self.vat_check = Some(check);
                self.vat_checked_at = Some(at);
            }
            SubscriptionEvent::BillingDetailsChanged { country, billing, vat_number, vat_check } => {
                self.vat_check = vat_check;
                self.vat_checked_at = None;
                self.country = Some(country);
                self.billing = Some(billing);
                self.vat_number = vat_number;
            }
            SubscriptionEvent::TrialStarted { ends_on, .. } => {
                self.status = Some(Status::Active);
                self.anchor = Some(ends_on);
                self.trial_until = Some(ends_on);
            }
            SubscriptionEvent::TrialEndAnnounced(TrialNotice { ends_on, .. }) => {
                self.announced = Some(ends_on)
            }
            SubscriptionEvent::PauseScheduled { from, until } => {
                self.pause = Some(Pause { from, until, days_left: None });
            }
            SubscriptionEvent::PauseWithdrawn { .. } => self.pause = None,
            SubscriptionEvent::SubscriptionPaused(PauseBegun { from, until, days_left, .. }) => {
                self.pause = Some(Pause { from, until, days_left: Some(days_left) });
                self.given_days = self.given_days.min(u16::try_from(days_left).unwrap_or(u16::MAX));
            }
            SubscriptionEvent::PauseEnded(PauseOver { from, on, anchor, .. }) => {
                self.move_spans(from, on);
                for plan in self.ahead.iter_mut().filter(|plan| plan.on >= from) {
                    plan.on += on - from;
                }
                self.pause = None;
                self.trial_until = self.trial_until.map(|_| anchor);
                self.anchor = Some(anchor);
                self.paid = 0;
                self.cleared_until = None;
            }
            SubscriptionEvent::PlanChangeRequested(PlanChangeRequest { order, terms, proration, .. }) => {
                let mut open = OpenOrder::new(order, proration.period.start);
                open.change = Some(Box::new(PendingChange { terms, proration }));
                self.open = Some(open);
            }
            SubscriptionEvent::PlanChangeDropped { order, .. } => {
                if self.open.as_ref().is_some_and(|o| o.order == order) {
                    self.open = None;
                }
            }
            SubscriptionEvent::PlanChangeScheduled { terms, on } => {
                self.planned = Some(terms);
                self.planned_from = Some(on);
            }
            SubscriptionEvent::PlanChangeWithdrawn {} => self.planned = None,
            SubscriptionEvent::PlanBegan { on, .. } => self.ahead.retain(|plan| plan.on > on),
            SubscriptionEvent::PaymentRefunded { order, back, left } => {
                self.span_value.refunded(order, back.minor, left.minor);
            }
            SubscriptionEvent::EndAwaited { cause, .. } => self.ending = Some(cause),
            SubscriptionEvent::PlanChanged { order, terms, anchor, periods, begins_on, .. } => {
                match begins_on {
                    Some(on) => self.ahead.push(PlanAhead { on, terms: terms.clone() }),
                    None => self.ahead.clear(),
                }
                if let (Some(order), Some(change)) =
                    (order, self.open.as_ref().and_then(|o| o.change.clone()))
                {
                    self.note_change_paid(order, &change.proration);
                }
                self.price_changes.retain(|c| c.of == terms.variation);
                self.terms = Some(terms);
                self.planned = None;
                self.given_days = 0;
                self.anchor = Some(anchor);
                self.paid = periods;
                self.cleared_until = None;
                if let Some(order) = order {
                    self.settle(order);
                }
            }
            SubscriptionEvent::FirstOrderRequested { order, amount, due_on, rebate } => {
                self.use_discount(amount, rebate.is_some());
                self.open = Some(OpenOrder::new(order, due_on));
                self.unpaid_since = Some(due_on);
            }
            SubscriptionEvent::RenewalOrderRequested {
                order,
                period,
                pay_by,
                due_at,
                behind,
                rebate,
                amount,
                ..
            } => {
                self.use_discount(amount, rebate.is_some());
                self.last_behind = behind;
                let mut open = OpenOrder::new(order, period.start);
                open.pay_by = pay_by;
                open.retry_at = pay_by.is_none().then_some(due_at);
                self.open = Some(open);
            }
            SubscriptionEvent::ChargeRequested {
                order,
                attempt,
                method,
                trigger,
                scheduled_for,
                requested_at,
                ..
            } => {
                self.method = Some(method);
                if trigger == Trigger::Clock {
                    self.last_clock_charge = Some(requested_at);
                }
                self.with_open(order, |open| {
                    open.attempts += 1;
                    open.charge = Some(Charge {
                        attempt,
                        trigger,
                        scheduled_for,
                        requested_at,
                        action_until: None,
                        withdrawn: false,
                    });
                });
            }
            SubscriptionEvent::ChargeAwaitsAction { order, until, .. } => self.with_open(order, |open| {
                if let Some(charge) = &mut open.charge {
                    charge.action_until = Some(until);
                    charge.withdrawn = false;
                }
            }),
            SubscriptionEvent::ChargeActionMissed { order, .. } => self.with_open(order, |open| {
                if let Some(charge) = &mut open.charge {
                    charge.withdrawn = true;
                }
            }),
            SubscriptionEvent::RenewalPaymentFailed { order, failures, retry_at, uncounted, .. } => {
                self.with_open(order, |open| {
                    open.charge = None;
                    open.unreached += u8::from(uncounted);
                    open.failures = failures;
                    open.retry_at = retry_at;
                });
            }
            SubscriptionEvent::MemberPaymentFailed { order, .. } => {
                self.with_open(order, |open| open.charge = None);
            }
            SubscriptionEvent::SubscriptionActivated { order, period, .. }
            | SubscriptionEvent::SubscriptionResumed { order, period, .. } => {
                self.status = Some(Status::Active);
                self.note_period_paid(order, period);
                self.anchor = Some(period.start);
                self.paid = 1;
                // It counted periods from the anchor that is no more.
                self.cleared_until = None;
                self.settle(order);
            }
            SubscriptionEvent::SubscriptionRenewed { order, period, .. } => {
                self.note_period_paid(order, period);
                self.paid += 1;
                self.settle(order);
            }
            SubscriptionEvent::DebitAwaited { debit } => {
                self.with_open(debit.order, |open| {
                    open.pay_by = open.pay_by.map(|_| debit.until);
                    open.debit_until = Some(debit.until);
                });
            }
            SubscriptionEvent::DebitRejected(RejectedDebit { order, pay_by, .. }) => {
                self.with_open(order, |open| {
                    open.pay_by = open.pay_by.map(|_| pay_by);
                    open.debit_until = None;
                });
            }
            SubscriptionEvent::PaymentReversed { unpaid: ReversedPayment { order, due_on, .. } } => {
                self.owed_days = self.days_behind();
                self.paid_span = None;
                self.paid = self.paid.saturating_sub(1);
                self.open = Some(OpenOrder::new(order, due_on));
                self.last_paid_order = None;
                // Paid again it pays for another span.
                self.refundable.retain(|r| r.order != order);
            }
            SubscriptionEvent::EarlierPaymentReversed(EarlierReversal { order, given_up, .. }) => {
                self.refundable.retain(|r| r.order != order);
                self.unpaid_before.extend((!given_up).then_some(order));
            }
            SubscriptionEvent::EarlierOrderPaid { order, .. } => {
                self.unpaid_before.retain(|unpaid| *unpaid != order);
            }
            SubscriptionEvent::SubscriptionPutOnHold { due_on, expires_at, policy, .. } => {
                self.status = Some(Status::OnHold);
                self.unpaid_since = Some(due_on);
                self.expires_at = Some(expires_at);
                self.expires_after = Some(policy.expire_after_weeks);
                // Access has ended anyway; after a late payment it is for the member to plan another.
                self.pause = None;
                if let Some(open) = &mut self.open {
                    open.retry_at = None;
                }
            }
            SubscriptionEvent::PaidTimeExtended { days, to, by_staff, .. } => {
                // Behind days of another origin there is nothing that may be taken back.
                self.given_days = if by_staff { self.given_days.saturating_add(days) } else { 0 };
                self.owed_days = 0;
                self.count_from(to);
            }
            SubscriptionEvent::GivenDaysTakenBack { days, from, to, .. } => {
                // What begins with the next period still does.
                self.planned_from = self.planned_from.map(|on| if on == from { to } else { on });
                self.given_days = self.given_days.saturating_sub(days);
                self.count_from(to);
            }
            SubscriptionEvent::PeriodWaived { order, period, restarts, .. } => {
                self.paid_span = None;
                if restarts {
                    self.status = Some(Status::Active);
                    self.anchor = Some(period.start);
                    self.paid = 1;
                    self.cleared_until = None;
                } else {
                    self.paid += 1;
                }
                // It was not paid: should money come for it all the same, that goes back.
                let paid_before = self.last_paid_order;
                self.settle(order);
                self.last_paid_order = paid_before;
                self.waived = Some(order);
            }
            SubscriptionEvent::CancellationScheduled { reason, .. } => {
                self.status = Some(Status::PendingCancellation);
                self.cancel_reason = reason;
            }
            SubscriptionEvent::CancellationUndone { .. } => {
                self.status = Some(Status::Active);
                self.cancel_reason = None;
            }
            SubscriptionEvent::SubscriptionCancelled { reason, cause, .. } => {
                self.withdrawn = cause == CancelCause::Withdrawn;
                self.cancel_reason = reason.or(self.cancel_reason);
                self.end(Status::Cancelled);
            }
            SubscriptionEvent::SubscriptionExpired { .. } => self.end(Status::Expired),
            SubscriptionEvent::PaymentMethodChanged { method } => self.method = Some(method),
            SubscriptionEvent::CardExpiryAnnounced { expires_on, .. } => {
                self.card_announced = Some(expires_on)
            }
            SubscriptionEvent::ManagerToldOfRenewal { due_on, .. } => {
                self.manager_told = Some(due_on);
                self.pass(due_on);
            }
            SubscriptionEvent::RenewalAnnounced { due_on, .. } => self.announced = Some(due_on),
            SubscriptionEvent::SubscriptionParked { .. } => self.parked = true,
            SubscriptionEvent::SubscriptionUnparked { waived, billed, .. } => {
                self.parked = false;
                self.paid += waived;
                self.cleared_until = Some(self.paid + billed);
            }
            SubscriptionEvent::DiscountGranted { discount } => {
                self.discount = Some(GrantedDiscount { discount, used: 0 });
            }
            SubscriptionEvent::PriceChangeAnnounced(PriceNotice { of, terms, from, .. }) => {
                self.price_changes.retain(|c| c.of != of);
                self.price_changes.push(PriceChange { of, terms, from });
            }
            // Orders look the rate up on their own; a mail changes nothing.
            SubscriptionEvent::SubscriptionMoved { to, .. } => self.owner = to,
            SubscriptionEvent::TaxChangeAnnounced { .. } | SubscriptionEvent::MailResent { .. } => {}
            // The end that follows says what becomes of it.
            SubscriptionEvent::UnusedDaysRefundRequested { .. } => {}
            SubscriptionEvent::WithdrawalDeclared(Withdrawal { awaits, .. }) => {
                let unused = self.status == Some(Status::OnHold);
                self.withdrawing = awaits.map(|awaits| Withdrawing { awaits, unused });
            }
            SubscriptionEvent::PaymentReceivedAfterEnd { order, .. } => {
                self.open.take_if(|open| open.order == order);
                self.last_paid_order = Some(order);
            }
        }
    }

    fn with_open(&mut self, order: Uuid, change: impl FnOnce(&mut OpenOrder)) {
        if let Some(open) = self.open.as_mut().filter(|o| o.order == order) {
            change(open);
        }
    }

    fn use_discount(&mut self, amount: Money, used: bool) {
        self.ordered = Some(amount);
        self.reduced = used;
        if let Some(discount) = self.discount.as_mut().filter(|_| used) {
            discount.used += 1;
        }
    }

    fn settle(&mut self, order: Uuid) {
        self.open = None;
        self.given_days = 0;
        self.last_paid_order = Some(order);
        self.unpaid_since = None;
        self.expires_at = None;
        self.trial_until = None;
    }

    fn end(&mut self, status: Status) {
        self.status = Some(status);
        self.open = None;
        self.parked = false;
        self.pause = None;
        self.planned = None;
        self.ahead.clear();
        self.price_changes = vec![];
        self.paid_span = None;
        self.refundable = vec![];
    }
}
