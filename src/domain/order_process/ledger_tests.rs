//! Orders and the credit of their buyer together: no cent is made or lost, whatever happens in whatever order.

use crate::domain::credit::{Credit, CreditCommand, CreditEvent, PayoutState};
use crate::domain::order::{
    AskRefund, DisputeReport, DisputeState, Order, OrderCommand, OrderEvent, OrderItem, OrderStatus,
    PlaceOrder, Refund, RefundOf, RefundState, RefundVia, RefundWay, Settlement, order_number,
};
use crate::domain::shared::payment::{OrderReason, Outcome, PaymentMethod, RefundOutcome};
use crate::domain::shared::tax::{Buyer, Country, Tax};
use crate::domain::shared::{Currency, Money, PersonalRef, derive_id};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

const ACCOUNT: Uuid = Uuid::from_u128(1);

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

/// With two digits behind the point, and with none, and with three.
const CURRENCIES: [&str; 4] = ["EUR", "USD", "JPY", "KWD"];

/// The orders take turns.
fn currency(n: u8) -> Currency {
    Currency::parse(CURRENCIES[usize::from(n) % CURRENCIES.len()]).unwrap()
}

#[derive(Default)]
struct Ledger {
    orders: BTreeMap<u8, Order>,
    credit: Credit,
    /// What came into the studio's accounts less what left them, by currency.
    cash: BTreeMap<&'static str, i64>,
}

impl Ledger {
    fn flow(&mut self, money: Money, sign: i64) {
        *self.cash.entry(money.currency.code()).or_default() += sign * money.minor;
    }

    fn credit(&mut self, command: CreditCommand) {
        for event in self.credit.decide(command).unwrap_or_default() {
            if let CreditEvent::CreditPaidOut { amount, .. } = &event {
                self.flow(*amount, -1);
            }
            self.credit.apply(event);
        }
    }

    fn order(&mut self, n: u8, command: OrderCommand) {
        let mut state = self.orders.remove(&n).unwrap_or_default();
        for event in state.decide(command).unwrap_or_default() {
            match &event {
                OrderEvent::TransferReceived { received: money, .. }
                | OrderEvent::PaymentSucceeded { amount: money, .. } => self.flow(*money, 1),
                OrderEvent::RefundSucceeded { refund, via: RefundVia::Credit, amount, .. } => {
                    let (order, subscription) = (id(n), Uuid::from_u128(2));
                    let (refund, amount) = (*refund, *amount);
                    self.credit(CreditCommand::Grant { refund, order, subscription, amount, at: at() });
                }
                OrderEvent::RefundSucceeded { amount, .. } => self.flow(*amount, -1),
                // Days later the bank of the member sends it back.
                OrderEvent::RefundRefused { refund, .. } => {
                    let known = state.refunds().iter().find(|r| r.id == *refund).expect("it was asked for");
                    if known.state == RefundState::Succeeded {
                        self.flow(known.amount, 1);
                    }
                }
                OrderEvent::DisputeClosed { won: false, amount, .. } => self.flow(*amount, -1),
                OrderEvent::DirectDebitReturned { taken_back, of_overpaid, rest, .. } => {
                    self.flow(*taken_back, -1);
                    // What had left before the bank took it away is lost, unless the order asks for it again.
                    if !state.is_open() {
                        let known = [of_overpaid, rest].into_iter().flatten().map(|m| m.minor).sum::<i64>();
                        self.flow(Money::new(taken_back.minor - known, taken_back.currency), 1);
                    }
                }
                OrderEvent::OrderCreditReleased { .. } => {
                    self.credit(CreditCommand::GiveBack { order: id(n), later: None, at: at() });
                }
                _ => {}
            }
            state.apply(event);
        }
        self.orders.insert(n, state);
    }

    fn place(&mut self, n: u8, minor: i64) {
        if self.orders.contains_key(&n) {
            return;
        }
        let price = Money::new(minor, currency(n));
        let (order, subscription) = (id(n), Uuid::from_u128(2));
        self.credit(CreditCommand::Use { id: order, order, subscription, most: price, at: at() });
        let nl = Country::parse("NL").unwrap();
        let rates = crate::domain::shared::tax_rates::RateTable::default();
        let buyer = Buyer { country: nl, business: false };
        self.order(
            n,
            OrderCommand::Place(Box::new(PlaceOrder {
                order,
                number: order_number(order),
                account: ACCOUNT,
                subscription,
                reason: OrderReason::Renewal,
                items: vec![OrderItem { description: "x".into(), quantity: 1, unit: price, period: None }],
                tax: Tax::decide(price, buyer, nl, at().date_naive(), &rates),
                settlement: Settlement::Charge { gateway: "sandbox".into() },
                billing: None,
                vat_number: None,
                credit: self.credit.used_for(order),
                at: at(),
            })),
        );
    }

    /// The credit pays for an order that is open; what it does not take comes back.
    fn apply(&mut self, n: u8, fresh: Uuid) {
        let Some(most) = self.orders.get(&n).and_then(Order::rest) else { return };
        let (order, subscription) = (id(n), Uuid::from_u128(2));
        let command = CreditCommand::Use { id: fresh, order, subscription, most, at: at() };
        for event in self.credit.decide(command).unwrap_or_default() {
            self.credit.apply(event.clone());
            let CreditEvent::CreditUsed { later: Some(later), amount, .. } = event else { continue };
            let command = OrderCommand::ApplyCredit { id: later, amount, at: at() };
            if self.orders[&n].decide(command.clone()).is_ok() {
                self.order(n, command);
            } else {
                self.credit(CreditCommand::GiveBack { order, later: Some(later), at: at() });
            }
        }
    }

    /// What the studio holds by its books: for what it sold, for what is not settled, and what it owes.
    fn books(&self, money: Currency) -> i64 {
        let of_order = |order: &Order| {
            let total = order.total().filter(|t| t.currency == money)?;
            let back = |of| {
                let done = |r: &&Refund| matches!(r.state, RefundState::Succeeded | RefundState::CameBack);
                let done = order.refunds().iter().filter(|r| r.of == of).filter(done);
                done.map(|r| r.amount.minor).sum::<i64>()
            };
            let kept = match order.status()? {
                OrderStatus::Cancelled => 0,
                status if status.is_settled() => total.minor,
                _ => order.covered(),
            };
            let pending = order.refunds().iter().filter(|r| {
                let gone = matches!(r.state, RefundState::Succeeded | RefundState::CameBack);
                r.of == RefundOf::Overpayment && r.state.holds() && !gone
            });
            let pending: i64 = pending.map(|r| r.amount.minor).sum();
            let lost = order.lost(RefundOf::Price);
            Some(kept - back(RefundOf::Price) - lost + order.refundable(RefundOf::Overpayment) + pending)
        };
        let going: i64 = self
            .credit
            .payouts()
            .iter()
            .filter(|p| p.state == PayoutState::Started && p.amount.currency == money)
            .map(|p| p.amount.minor)
            .sum();
        let orders: i64 = self.orders.values().filter_map(of_order).sum();
        orders + self.credit.balance(money).minor + going
    }
}

fn id(n: u8) -> Uuid {
    Uuid::from_u128(900 + u128::from(n))
}

proptest::proptest! {
    #[test]
    fn what_came_is_what_was_sold_is_open_or_is_owed(
        steps in proptest::collection::vec((0_u8..6, 0_u8..18, 1_i64..1500), 0..70)
    ) {
        let mut ledger = Ledger::default();
        for (round, (n, what, minor)) in steps.into_iter().enumerate() {
            let money = Money::new(minor, currency(n));
            let fresh = derive_id("round", &round.to_string());
            let label = PersonalRef { subject: ACCOUNT, field: "payment_method".into(), version: Uuid::nil() };
            let method = PaymentMethod { gateway: "sandbox".into(), token: "tok".into(), label, expires_on: None };
            let ask = |of, way| OrderCommand::AskRefund(AskRefund {
                refund: fresh,
                of,
                way,
                amount: money,
                by: Uuid::from_u128(50),
                second_person_over: 1000,
                lapses_at: at(),
                at: at(),
            });
            let last = ledger.orders.get(&n).and_then(|o| o.refunds().last()).map(|r| r.id).unwrap_or_default();
            // Two attempts, each of which may be told of late: both may have been taken.
            let attempt = derive_id("attempt", &format!("{n}/{}", minor % 2));
            let report = |state| {
                let order = ledger.orders.get(&n)?;
                let taken = order.attempts().iter().find(|a| a.id == attempt)?.amount?;
                let amount = Money::new(minor.min(taken.minor), taken.currency);
                let (dispute, reason) = (format!("dp/{attempt}"), "fraudulent".to_owned());
                let known = order.disputes().iter().find(|d| d.id == dispute).map(|d| d.amount);
                Some(DisputeReport { dispute, attempt, amount: known.unwrap_or(amount), reason, state })
            };
            let payout = ledger.credit.payouts().last().map(|p| p.id).unwrap_or_default();
            match what {
                0 | 1 => ledger.place(n, minor),
                2 => ledger.order(n, OrderCommand::RecordTransfer { received: money, at: at() }),
                3 => ledger.order(n, OrderCommand::StartAttempt { attempt, method, present: false, at: at() }),
                4 => ledger.order(n, OrderCommand::RecordOutcome {
                    attempt, outcome: Outcome::Succeeded { gateway_reference: "ch".into() }, at: at()
                }),
                5 => ledger.order(n, OrderCommand::RecordOutcome {
                    attempt, outcome: Outcome::Declined { code: "x".into(), hard: false }, at: at()
                }),
                6 => ledger.order(n, OrderCommand::Cancel { cause: "x".into(), at: at() }),
                7 | 8 => {
                    let of = if what == 7 { RefundOf::Overpayment } else { RefundOf::Price };
                    ledger.order(n, ask(of, [RefundWay::Credit, RefundWay::Transfer, RefundWay::Gateway][round % 3]));
                }
                9 => ledger.order(n, OrderCommand::RecordRefund {
                    refund: last, outcome: RefundOutcome::Succeeded { gateway_reference: "B".into() }, at: at()
                }),
                12 => ledger.apply(n, fresh),
                10 => ledger.credit(CreditCommand::PayOut { payout: fresh, amount: money, by: ACCOUNT, at: at() }),
                11 => ledger.credit(CreditCommand::SettlePayOut {
                    payout, reference: (minor % 2 == 0).then(|| "B".into()), at: at()
                }),
                14..=16 => {
                    let state = [DisputeState::Open, DisputeState::Lost, DisputeState::Won][usize::from(what - 14)];
                    if let Some(report) = report(state) {
                        ledger.order(n, OrderCommand::RecordDispute { report, at: at() });
                    }
                }
                17 => ledger.order(n, OrderCommand::RecordRefund {
                    refund: last, outcome: RefundOutcome::Refused { code: "x".into() }, at: at()
                }),
                _ => ledger.order(n, if minor % 3 == 0 {
                    OrderCommand::RecordDebitReturn { reason: "AM04".into(), at: at() }
                } else {
                    OrderCommand::SendDebit {
                        file: fresh, mandate: ACCOUNT, amount: money, collect_on: at().date_naive(), at: at()
                    }
                }),
            }
            for money in [0, 1, 2, 3].map(currency) {
                let cash = ledger.cash.get(money.code()).copied().unwrap_or_default();
                proptest::prop_assert_eq!(cash, ledger.books(money), "after {:?}", (n, what, minor));
                proptest::prop_assert!(ledger.credit.balance(money).minor >= 0);
            }
        }
    }
}
