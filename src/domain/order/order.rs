use super::{
    AwaitedRefund, Dispute, DisputeState, OrderCommand, OrderError, OrderEvent, PaidBy, PlaceOrder, Refund,
    RefundState, SentDebit, Settlement,
};
use crate::domain::shared::tax::{Country, TaxKind};
use crate::domain::shared::{AccountId, Money, PersonalRef, derive_id};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum OrderStatus {
    /// Waits for money.
    Created,
    /// An attempt was declined; it is tried again.
    SoftFailed,
    /// Collecting was given up; it may still be paid by hand.
    Failed,
    /// Settled.
    Paid,
    /// Settled, and what it paid for has been given to its end.
    Fulfilled,
    /// Settled, and the whole price has gone back.
    Refunded,
    /// Nobody has to pay it.
    Cancelled,
}

impl OrderStatus {
    /// Whether its price came, wherever it is now.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Paid | Self::Fulfilled | Self::Refunded)
    }
}

/// Where one attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptState {
    /// Intended; the gateway may or may not have been called.
    Started,
    /// The holder has to confirm.
    ActionRequired,
    /// The answer was lost.
    Unknown,
    /// Staff have to find out.
    Parked,
    /// Taken.
    Succeeded,
    /// Not taken.
    Declined,
    /// Withdrawn.
    Cancelled,
}

impl AttemptState {
    /// Whether nothing more is expected of the attempt.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Declined | Self::Cancelled)
    }
}

/// One attempt to charge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Its id and the gateway's key.
    pub id: Uuid,
    /// Which gateway.
    pub gateway: String,
    /// Where it stands.
    pub state: AttemptState,
    /// Look-ups made after a lost answer.
    pub lookups: u8,
    /// What was taken.
    pub amount: Option<Money>,
    /// What the gateway is asked for.
    #[serde(default)]
    pub asked: Option<Money>,
}

impl Attempt {
    /// The id of the command that records the next look-up of the schedule: the same until something is
    /// recorded, so that two who look up at once are one.
    #[must_use]
    pub fn look_up_id(&self) -> Uuid {
        derive_id(&self.id.to_string(), &format!("look-up/{:?}/{}", self.state, self.lookups))
    }
}

/// An order as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    pub(super) id: Uuid,
    pub(super) number: String,
    pub(super) account: AccountId,
    pub(super) subscription: Uuid,
    pub(super) total: Option<Money>,
    pub(super) status: Option<OrderStatus>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) transferred: i64,
    pub(super) overpaid: i64,
    /// What the buyer's credit has paid.
    #[serde(default)]
    pub(super) credit: i64,
    /// Uses of the credit that it took after it was placed.
    #[serde(default)]
    pub(super) applied: Vec<Uuid>,
    pub(super) paid_by: Option<PaidBy>,
    pub(super) refunds: Vec<Refund>,
    pub(super) disputes: Vec<Dispute>,
    #[serde(default)]
    pub(super) debit: Option<SentDebit>,
    /// The buyer sends the money.
    #[serde(default)]
    pub(super) by_transfer: bool,
    /// The rule and the country of its tax.
    #[serde(default)]
    pub(super) taxed: Option<(TaxKind, Country)>,
    /// Whom its invoice names, where it names somebody.
    #[serde(default)]
    pub(super) billed: Option<(PersonalRef, Option<PersonalRef>)>,
    /// Times that its invoice was issued anew.
    #[serde(default)]
    pub(super) reissues: Vec<Uuid>,
    /// What goes back to the buyer when nobody disputes the price any more.
    #[serde(default)]
    pub(super) awaits_dispute: Vec<AwaitedRefund>,
}

/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The number people call an order by: it follows from the id, and says nothing about how many
/// orders there are.
#[must_use]
pub fn order_number(order: Uuid) -> String {
    let hash = Sha256::digest(order.as_bytes());
    let pick = |b: &u8| char::from(ALPHABET[usize::from(b % 32)]);
    let mut out = String::from("K");
    out.extend(hash.iter().take(9).map(pick));
    out
}

/// The creditor reference (ISO 11649) a buyer writes on a transfer; two check digits make a
/// mistyped one recognisable.
#[must_use]
pub fn transfer_reference(number: &str) -> String {
    let remainder = format!("{number}RF00").chars().fold(0_u32, |acc, c| {
        let value = c.to_digit(36).unwrap_or(0);
        (if value > 9 { acc * 100 } else { acc * 10 } + value) % 97
    });
    format!("RF{:02}{number}", 98 - remainder)
}

impl Order {
    /// Where it stands; none before it was placed.
    #[must_use]
    pub const fn status(&self) -> Option<OrderStatus> {
        self.status
    }

    /// Whether money for it is still awaited.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.status, Some(OrderStatus::Created | OrderStatus::SoftFailed | OrderStatus::Failed))
    }

    /// What it is for: a subscription, or a gift.
    #[must_use]
    pub const fn subject(&self) -> Uuid {
        self.subscription
    }

    /// Whether the buyer sends the money.
    #[must_use]
    pub const fn is_by_transfer(&self) -> bool {
        self.by_transfer
    }

    /// What is asked for in all.
    #[must_use]
    pub const fn total(&self) -> Option<Money> {
        self.total
    }

    /// Its attempts, oldest first.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: OrderCommand) -> Result<Vec<OrderEvent>, OrderError> {
        if let OrderCommand::Place(place) = command {
            return self.place(*place);
        }
        let (Some(status), Some(total)) = (self.status, self.total) else { return Err(OrderError::Missing) };
        match command {
            OrderCommand::Place(_) => Ok(vec![]),
            OrderCommand::SendDebit { file, mandate, amount, collect_on, at } => {
                self.send_debit((file, mandate), amount, collect_on, at)
            }
            OrderCommand::RecordDebitReturn { reason, at } => self.return_debit(reason, at),
            OrderCommand::RecordDebitRejection { reason, at } => self.reject_debit(reason, at),
            OrderCommand::StartAttempt { attempt, method, present, at } => {
                self.start(attempt, (method, present), total, at)
            }
            OrderCommand::RecordOutcome { attempt, outcome, at } => self.outcome(attempt, outcome, total, at),
            OrderCommand::RecordTransfer { received, at } => self.transfer(received, total, at),
            OrderCommand::ApplyCredit { id, amount, at } => self.apply_credit(id, amount, total, at),
            OrderCommand::AskRefund(ask) => self.ask_refund(ask, total),
            OrderCommand::RecordDispute { report, at } => self.dispute(report, at),
            OrderCommand::ReissueInvoice(ask) => self.reissue_invoice(*ask),
            OrderCommand::RefundPart { refund, part, of, at } => {
                Ok(self.refund_part(refund, (part, of), total, at))
            }
            OrderCommand::DecideRefund { refund, approve, by, at } => {
                self.decide_refund(refund, approve, by, (at, total))
            }
            OrderCommand::LapseRefund { refund, at } => self.lapse_refund(refund, at),
            OrderCommand::DismissRefund { refund, by, at } => self.dismiss_refund(refund, by, at),
            OrderCommand::RecordRefund { refund, outcome, at } => {
                self.refund_outcome(refund, outcome, total, at)
            }
            OrderCommand::Fulfil { at } => {
                let due = status == OrderStatus::Paid;
                Ok(if due { vec![OrderEvent::OrderFulfilled { at }] } else { vec![] })
            }
            OrderCommand::Fail { cause, at } => match status {
                OrderStatus::Created | OrderStatus::SoftFailed => {
                    Ok(vec![OrderEvent::OrderFailed { cause, at }])
                }
                _ => Ok(vec![]),
            },
            OrderCommand::Cancel { cause, at } => match status {
                _ if status.is_settled() => Err(OrderError::Paid),
                OrderStatus::Cancelled => Ok(vec![]),
                _ if self.in_flight() => Err(OrderError::InFlight),
                _ => {
                    let cancelled = OrderEvent::OrderCancelled { cause, at };
                    // What has come by transfer goes back: staff are told. What of the price went back before its debit
                    // was taken back is no more here.
                    let gone = self.gone_of_price();
                    let beyond = (gone - self.transferred).max(0);
                    let over = Money::new((self.transferred - gone).max(0), total.currency);
                    let back = OrderEvent::OrderOverpaid { over, cause: "order-cancelled".into(), at };
                    let back = (over.minor > 0).then_some(back);
                    Ok([cancelled]
                        .into_iter()
                        .chain(self.release_credit(beyond, total, at))
                        .chain(back)
                        .collect())
                }
            },
        }
    }

    fn place(&self, p: PlaceOrder) -> Result<Vec<OrderEvent>, OrderError> {
        if self.status.is_some() {
            return if self.id == p.order { Ok(vec![]) } else { Err(OrderError::Exists) };
        }
        let listed: i64 = p.items.iter().map(|i| i.unit.minor * i64::from(i.quantity)).sum();
        let sold = if p.tax.gross.minor == listed { listed } else { p.tax.net.minor };
        let one_currency = p.items.iter().all(|i| i.unit.currency == p.tax.gross.currency);
        if p.items.is_empty() || !one_currency || sold != p.tax.gross.minor || sold <= 0 {
            return Err(OrderError::Sum);
        }
        let paid = Self::paid_from_credit(&p)?;
        let placed = OrderEvent::OrderPlaced {
            order: p.order,
            number: p.number,
            account: p.account,
            subscription: p.subscription,
            reason: p.reason,
            items: p.items,
            tax: p.tax,
            settlement: p.settlement,
            billing: p.billing,
            vat_number: p.vat_number,
            credit: p.credit,
            at: p.at,
        };
        Ok([placed].into_iter().chain(paid).collect())
    }

    /// Whether the gateway is to be asked for the charge of `attempt`, or asked again after a crash.
    #[must_use]
    pub fn awaits_charge(&self, attempt: Uuid) -> bool {
        self.attempts.iter().any(|a| a.id == attempt && a.state == AttemptState::Started)
    }

    /// Whether a charge may be under way at a gateway.
    #[must_use]
    pub fn in_flight(&self) -> bool {
        self.attempts.iter().any(|a| !a.state.is_final())
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: OrderEvent) {
        match event {
            OrderEvent::OrderPlaced {
                order,
                number,
                account,
                subscription,
                tax,
                credit,
                settlement,
                billing,
                vat_number,
                ..
            } => {
                self.by_transfer = matches!(settlement, Settlement::Transfer { .. });
                self.taxed = Some((tax.kind, tax.country));
                self.billed = billing.map(|billing| (billing, vat_number));
                self.credit = credit.map_or(0, |c| c.minor);
                self.id = order;
                self.account = account;
                self.number = number;
                self.subscription = subscription;
                self.total = Some(tax.gross);
                self.status = Some(OrderStatus::Created);
            }
            OrderEvent::InvoiceReissueRequested(asked) => {
                self.billed = Some((asked.billing, asked.vat_number));
                self.reissues.push(asked.reissue);
            }
            OrderEvent::RefundAwaitsDispute(waits) => self.awaits_dispute.push(waits),
            OrderEvent::PaymentDisputed { dispute, attempt, amount, .. } => {
                self.disputes.push(Dispute { id: dispute, attempt, amount, state: DisputeState::Open });
            }
            OrderEvent::DisputeClosed { dispute, won, .. } => {
                if let Some(known) = self.disputes.iter_mut().find(|d| d.id == dispute) {
                    known.state = if won { DisputeState::Won } else { DisputeState::Lost };
                }
            }
            OrderEvent::PaymentAttemptStarted { attempt, method, amount, .. } => {
                self.attempts.push(Attempt {
                    id: attempt,
                    gateway: method.gateway,
                    state: AttemptState::Started,
                    lookups: 0,
                    amount: None,
                    asked: Some(amount),
                })
            }
            OrderEvent::PaymentSucceeded { attempt, amount, .. } => {
                self.move_to(attempt, AttemptState::Succeeded);
                if let Some(a) = self.attempts.iter_mut().find(|a| a.id == attempt) {
                    a.amount = Some(amount);
                }
            }
            OrderEvent::PaymentDeclined { attempt, .. } => {
                self.move_to(attempt, AttemptState::Declined);
                self.soften();
            }
            OrderEvent::PaymentAttemptCancelled { attempt, .. } => {
                self.move_to(attempt, AttemptState::Cancelled);
                self.soften();
            }
            OrderEvent::PaymentActionRequired { attempt, .. } => {
                self.move_to(attempt, AttemptState::ActionRequired);
            }
            OrderEvent::PaymentOutcomeUnknown { attempt, lookups, .. } => {
                self.move_to(attempt, AttemptState::Unknown);
                if let Some(a) = self.attempts.iter_mut().find(|a| a.id == attempt) {
                    a.lookups = lookups;
                }
            }
            OrderEvent::PaymentParked { attempt, .. } => self.move_to(attempt, AttemptState::Parked),
            OrderEvent::TransferReceived { received, .. } => {
                self.transferred = self.transferred.saturating_add(received.minor);
            }
            OrderEvent::DirectDebitSent { file, mandate, amount, collect_on, .. } => {
                let (returned, rejected) = (false, false);
                self.debit = Some(SentDebit { file, mandate, amount, collect_on, returned, rejected });
            }
            OrderEvent::DirectDebitRejected { .. } => {
                if let Some(debit) = &mut self.debit {
                    debit.rejected = true;
                }
            }
            OrderEvent::DirectDebitReturned { taken_back, reopened, of_overpaid, rest, .. } => {
                self.note_return(taken_back, of_overpaid, rest);
                if reopened {
                    self.reopen();
                }
            }
            OrderEvent::OrderCreditApplied { id, amount, .. } => {
                self.credit = self.credit.saturating_add(amount.minor);
                self.applied.push(id);
            }
            OrderEvent::OrderCreditReleased { .. } => self.credit = 0,
            OrderEvent::OrderPaid { paid_by, .. } => {
                self.status = Some(OrderStatus::Paid);
                self.paid_by = Some(paid_by);
            }
            OrderEvent::OrderOverpaid { over, .. } => {
                self.overpaid = self.overpaid.saturating_add(over.minor);
            }
            OrderEvent::RefundProposed { refund, of, via, amount, by, lapses_at, .. } => {
                let (state, alone) = (RefundState::Proposed, false);
                let new = Refund { id: refund, of, via, amount, state, lookups: 0, by, alone, lapses_at };
                self.refunds.push(new);
            }
            OrderEvent::RefundStarted { refund, of, via, amount, by, approved_by, .. } => {
                let state = RefundState::Started;
                if self.refunds.iter().any(|r| r.id == refund) {
                    self.refund_state(refund, state);
                } else {
                    // What the buyer has a right to goes back in their own name.
                    let alone = approved_by.is_none() && by != self.account;
                    let lapses_at = None;
                    let new = Refund { id: refund, of, via, amount, state, lookups: 0, by, alone, lapses_at };
                    self.refunds.push(new);
                }
            }
            OrderEvent::RefundRejected { refund, .. } => self.refund_state(refund, RefundState::Rejected),
            OrderEvent::RefundLapsed { refund, .. } => self.refund_state(refund, RefundState::Lapsed),
            OrderEvent::RefundDismissed { refund, .. } => self.refund_state(refund, RefundState::Dismissed),
            OrderEvent::RefundSucceeded { refund, .. } => self.refund_state(refund, RefundState::Succeeded),
            OrderEvent::RefundRefused { refund, .. } => self.refund_refused(refund),
            OrderEvent::RefundParked { refund, .. } => self.refund_state(refund, RefundState::Parked),
            OrderEvent::RefundOutcomeUnknown { refund, lookups, .. } => {
                self.refund_state(refund, RefundState::Unknown);
                if let Some(r) = self.refunds.iter_mut().find(|r| r.id == refund) {
                    r.lookups = lookups;
                }
            }
            OrderEvent::OrderFulfilled { .. } => self.status = Some(OrderStatus::Fulfilled),
            OrderEvent::OrderRefunded { .. } => self.status = Some(OrderStatus::Refunded),
            OrderEvent::OrderFailed { .. } => self.status = Some(OrderStatus::Failed),
            OrderEvent::OrderCancelled { .. } => self.status = Some(OrderStatus::Cancelled),
        }
    }

    fn move_to(&mut self, attempt: Uuid, state: AttemptState) {
        if let Some(a) = self.attempts.iter_mut().find(|a| a.id == attempt) {
            a.state = state;
        }
    }

    fn soften(&mut self) {
        if self.status == Some(OrderStatus::Created) {
            self.status = Some(OrderStatus::SoftFailed);
        }
    }
}
