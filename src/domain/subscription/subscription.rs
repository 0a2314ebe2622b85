//! What people ask of a subscription: join, pay, change the card, cancel, undo.

use super::{
    CancelCause, CancelReason, Status, Subscription, SubscriptionCommand, SubscriptionError,
    SubscriptionEvent, Terms, Trigger,
};
use crate::domain::shared::payment::{Collection, OrderReason, PaymentMethod, attempt_id, order_id};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

type Decision = Result<Vec<SubscriptionEvent>, SubscriptionError>;

impl Subscription {
    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: SubscriptionCommand) -> Decision {
        use SubscriptionCommand as C;
        if let C::Join {
            subscription,
            owner,
            terms,
            method,
            country,
            billing,
            vat_number,
            vat_check,
            trial_days,
            discount,
            waives_withdrawal,
            at,
        } = command
        {
            let method_needed = terms.collection == Collection::Automatic && trial_days == 0;
            return match self.status {
                Some(_) if self.id == subscription && self.owner == owner => Ok(vec![]),
                Some(_) => Err(SubscriptionError::Exists),
                None if method_needed && method.is_none() => Err(SubscriptionError::NeedsMethod),
                None => {
                    let joined = SubscriptionEvent::SubscriptionJoined {
                        subscription,
                        owner,
                        terms: terms.clone(),
                        method: method.clone(),
                        country,
                        billing,
                        vat_number,
                        vat_check,
                        withdrawal_waived: waives_withdrawal,
                        at,
                    };
                    let mut new = self.clone();
                    new.apply(joined.clone());
                    let granted = match discount {
                        Some(discount) => new.grant(Status::OnHold, &terms, discount)?,
                        None => vec![],
                    };
                    granted.iter().for_each(|e| new.apply(e.clone()));
                    let begun = [joined].into_iter().chain(granted);
                    if trial_days > 0 {
                        return Ok(begun.chain([Self::begin_trial(&terms, trial_days, at)?]).collect());
                    }
                    Ok(begun.chain(new.first_order(&terms, method, at)).collect())
                }
            };
        }
        let (Some(status), Some(terms)) = (self.status, self.terms.as_ref()) else {
            return Err(SubscriptionError::Missing);
        };
        match command {
            C::Join { .. } => Ok(vec![]),
            C::Tick { policy, at } => self.tick(status, terms, policy, at),
            C::PayNow { attempt, method, at } => self.pay_now(status, terms, attempt, method, at),
            C::RecordPaid { order, at } => self.record_paid(status, terms, order, at),
            C::RecordFailure { order, attempt, code, hard, policy, at } => {
                self.record_failure(terms, order, attempt, code, hard, policy, at)
            }
            C::RecordActionRequired { order, attempt, until, .. } => Ok(self
                .charge(order, attempt)
                .filter(|c| c.action_until != Some(until))
                .map(|_| SubscriptionEvent::ChargeAwaitsAction { order, attempt, until })
                .into_iter()
                .collect()),
            C::ChangeMethod { method, .. } => match &self.method {
                _ if status.is_final() => Err(SubscriptionError::Ended),
                Some(old) if *old == method => Ok(vec![]),
                _ => Ok(vec![SubscriptionEvent::PaymentMethodChanged { method }]),
            },
            C::Cancel { reason, at } => self.cancel(status, terms, reason, at),
            C::UndoCancel { at } => match status {
                _ if self.withdrawing.is_some() => Err(SubscriptionError::Withdrawing),
                _ if self.ending.is_some() => Err(SubscriptionError::InFlight),
                Status::PendingCancellation if at < self.paid_until(terms)? => {
                    let next_due_on = self.next_period(terms)?.start;
                    Ok(vec![SubscriptionEvent::CancellationUndone { next_due_on }])
                }
                Status::Active => Ok(vec![]),
                _ => Err(SubscriptionError::NotCancelling),
            },
            C::ChangeBilling { .. } if status.is_final() => Err(SubscriptionError::Ended),
            C::ChangeBilling { country, billing, vat_number, vat_check } => {
                Ok(vec![SubscriptionEvent::BillingDetailsChanged { country, billing, vat_number, vat_check }])
            }
            C::RecordVatCheck { .. } if status.is_final() => Ok(vec![]),
            C::RecordVatCheck { number, check, at } => Ok(self.record_vat_check(&number, check, at)),
            C::Pause { from, until, at } => self.plan_pause(status, terms, from, until, at),
            C::EndPause { at } => self.end_pause(terms, at),
            C::ChangePlan { order, terms, shown, at_once, at } => {
                self.change_plan(order, terms, (shown, at_once), at)
            }
            C::WithdrawPlanChange => self.withdraw_change(status),
            C::GrantDiscount { discount } => self.grant(status, terms, discount),
            C::AnnouncePrice { of, variation, price, from, notice_days, anew } => {
                Ok(self.announce_price(status, terms, (of, variation, price), from, (notice_days, anew)))
            }
            C::AnnounceTax(moved) => Ok(self.announce_tax(status, terms, &moved)),
            C::Withdraw { days, at } => self.withdraw(terms, days, at),
            C::EndNow { cause, at } => self.end_now(status, cause, at),
            C::Extend { days, gift } => self.extend(status, terms, days, !gift),
            C::MoveDueDay { on, at } => self.move_due_day(status, terms, on, at),
            C::Waive { at } => self.waive(status, terms, at),
            C::AwaitDebit { order, collect_on, until } => Ok(self.await_debit(order, collect_on, until)),
            C::RejectDebit { order, reason, at } => Ok(self.reject_debit(terms, order, reason, at)),
            C::RecordRefund { order, refunded, of } => Ok(self.record_refund(status, order, refunded, of)),
            C::ReversePayment { order, policy, at } => self.reverse_payment(status, terms, order, policy, at),
            C::WaiveOrder { order, at } => match &self.open {
                Some(open) if open.order == order => self.waive(status, terms, at),
                _ => Err(SubscriptionError::OtherOrder),
            },
            C::RetryNow { policy, at } => self.retry_now(status, terms, policy, at),
            C::MoveTo { to } if to == self.owner => Ok(vec![]),
            C::MoveTo { .. } if self.open.as_ref().is_some_and(|o| o.charge.is_some()) => {
                Err(SubscriptionError::InFlight)
            }
            C::MoveTo { to } => Ok(vec![SubscriptionEvent::SubscriptionMoved { from: self.owner, to }]),
            C::ResendMail { mail, about } => Ok(vec![SubscriptionEvent::MailResent { mail, about }]),
            C::Unpark { waive_missed, at } => self.unpark(status, terms, waive_missed, at),
        }
    }

    fn pay_now(
        &self,
        status: Status,
        terms: &Terms,
        attempt: Uuid,
        method: PaymentMethod,
        at: DateTime<Utc>,
    ) -> Decision {
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        let open = self.open.as_ref().ok_or(SubscriptionError::NothingOpen)?;
        match &open.charge {
            Some(charge) if charge.attempt == attempt => return Ok(vec![]),
            Some(_) => return Err(SubscriptionError::InFlight),
            None if open.debit_until.is_some_and(|until| at < until) => {
                return Err(SubscriptionError::DebitAwaited);
            }
            None if !method.is_usable(terms.zone.date_of(at)) => {
                return Err(SubscriptionError::CardExpired);
            }
            None => {}
        }
        let changed = (self.method.as_ref() != Some(&method))
            .then(|| SubscriptionEvent::PaymentMethodChanged { method: method.clone() });
        let charge = SubscriptionEvent::ChargeRequested {
            order: open.order,
            attempt,
            method,
            trigger: Trigger::Member,
            number: 0,
            scheduled_for: at,
            requested_at: at,
        };
        Ok(changed.into_iter().chain([charge]).collect())
    }

    fn cancel(
        &self,
        status: Status,
        terms: &Terms,
        reason: Option<CancelReason>,
        at: DateTime<Utc>,
    ) -> Decision {
        let in_flight = self.open.as_ref().is_some_and(|o| o.charge.is_some());
        let abandoned_order = self.open.as_ref().map(|o| o.order);
        match status {
            Status::Cancelled | Status::Expired => Err(SubscriptionError::Ended),
            Status::PendingCancellation => Ok(vec![]),
            // It ends sooner than that.
            _ if self.withdrawing.is_some() => Ok(vec![]),
            Status::OnHold if in_flight => Err(SubscriptionError::InFlight),
            Status::OnHold => Ok(vec![SubscriptionEvent::SubscriptionCancelled {
                cause: CancelCause::WasOnHold,
                ended_at: at,
                abandoned_order,
                reason,
            }]),
            Status::Active if self.pause.is_some() => {
                // What is left of the paid time is not lost: it runs on from now, and then ends.
                let mut events = self.end_pause(terms, at)?;
                let mut next = self.clone();
                for event in &events {
                    next.apply(event.clone());
                }
                events.extend(next.cancel(status, terms, reason, at)?);
                Ok(events)
            }
            Status::Active => {
                let ends_at = self.paid_until(terms)?;
                if at >= ends_at && !in_flight {
                    let cause = CancelCause::PaidTimeEnded;
                    return Ok(vec![SubscriptionEvent::SubscriptionCancelled {
                        cause,
                        ended_at: at,
                        abandoned_order,
                        reason,
                    }]);
                }
                let ends_on = self.next_period(terms)?.start;
                Ok(vec![SubscriptionEvent::CancellationScheduled { ends_at, ends_on, reason }])
            }
        }
    }

    fn first_order(
        &self,
        terms: &Terms,
        method: Option<PaymentMethod>,
        at: DateTime<Utc>,
    ) -> Vec<SubscriptionEvent> {
        let due_on: NaiveDate = terms.zone.date_of(at);
        let order = order_id(self.id, due_on, OrderReason::Join);
        let (amount, rebate) = self.reduced(terms.price);
        let mut events = vec![SubscriptionEvent::FirstOrderRequested { order, amount, due_on, rebate }];
        if let Some(method) = method {
            events.push(SubscriptionEvent::ChargeRequested {
                order,
                attempt: attempt_id(order, 1),
                method,
                trigger: Trigger::Join,
                number: 0,
                scheduled_for: at,
                requested_at: at,
            });
        }
        events
    }
}
