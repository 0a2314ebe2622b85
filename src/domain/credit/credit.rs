use super::{CreditCommand, CreditError, CreditEvent};
use crate::domain::shared::{Currency, Money};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PayoutState {
    /// Somebody has to send the transfer.
    Started,
    /// Sent.
    Sent,
    /// Not sent.
    Dropped,
}

/// Money of a credit that goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// Its id.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: PayoutState,
}

/// What was set aside for an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Use {
    id: Uuid,
    order: Uuid,
    subscription: Uuid,
    amount: Money,
    given_back: bool,
}

/// The credit of an account as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Credit {
    balances: BTreeMap<String, Money>,
    /// Refunds that became credit, and what was taken over.
    granted: Vec<Uuid>,
    uses: Vec<Use>,
    payouts: Vec<Payout>,
    subscription: Uuid,
}

impl Credit {
    /// What there is in a currency.
    #[must_use]
    pub fn balance(&self, currency: Currency) -> Money {
        self.balances.get(currency.code()).copied().unwrap_or(Money::new(0, currency))
    }

    /// What there is, by currency; none where there is nothing.
    pub fn balances(&self) -> impl Iterator<Item = Money> {
        self.balances.values().copied().filter(|m| m.minor > 0)
    }

    /// What is set aside for an order; none if nothing was, or it was given back.
    #[must_use]
    pub fn used_for(&self, order: Uuid) -> Option<Money> {
        let sum = |all: Money, one: Money| Money::new(all.minor + one.minor, all.currency);
        self.held(order, None).map(|u| u.amount).reduce(sum)
    }

    /// What is set aside for an order and was not given back; of one use only, if it is named.
    fn held(&self, order: Uuid, only: Option<Uuid>) -> impl Iterator<Item = &Use> {
        self.uses
            .iter()
            .filter(move |u| u.order == order && !u.given_back && only.is_none_or(|id| u.id == id))
    }

    /// Whether what that use set aside for an order is still set aside.
    #[must_use]
    pub fn holds(&self, order: Uuid, id: Uuid) -> bool {
        self.held(order, Some(id)).next().is_some()
    }

    /// Whether it was asked to pay for that order, whatever became of it.
    #[must_use]
    pub fn knows(&self, order: Uuid) -> bool {
        self.uses.iter().any(|u| u.order == order)
    }

    /// Money that goes out, oldest first.
    #[must_use]
    pub fn payouts(&self) -> &[Payout] {
        &self.payouts
    }

    /// Whether anything of it is still to be used or sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.balances().next().is_some() || self.payouts.iter().any(|p| p.state == PayoutState::Started)
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: CreditCommand) -> Result<Vec<CreditEvent>, CreditError> {
        let with = |amount: Money, sign: i64| {
            let now = self.balance(amount.currency).minor;
            Money::new(now.saturating_add(sign * amount.minor), amount.currency)
        };
        match command {
            CreditCommand::Grant { refund, .. } if self.granted.contains(&refund) => Ok(vec![]),
            CreditCommand::Grant { amount, .. } if amount.minor <= 0 => Err(CreditError::Amount),
            CreditCommand::Grant { refund, order, subscription, amount, at } => {
                let balance = with(amount, 1);
                Ok(vec![CreditEvent::CreditGranted { refund, order, subscription, amount, balance, at }])
            }
            CreditCommand::Use { id, .. } if self.uses.iter().any(|u| u.id == id) => Ok(vec![]),
            CreditCommand::Use { id, order, subscription, most, at } => {
                let there = self.balance(most.currency);
                let amount = Money::new(there.minor.min(most.minor), most.currency);
                if amount.minor <= 0 {
                    return Ok(vec![]);
                }
                let (balance, later) = (with(amount, -1), (id != order).then_some(id));
                Ok(vec![CreditEvent::CreditUsed { order, subscription, later, amount, balance, at }])
            }
            CreditCommand::GiveBack { order, later, at } => {
                let Some(first) = self.held(order, later).next() else { return Ok(vec![]) };
                let sum = self.held(order, later).map(|u| u.amount.minor).sum();
                let (subscription, amount) = (first.subscription, Money::new(sum, first.amount.currency));
                let balance = with(amount, 1);
                Ok(vec![CreditEvent::CreditGivenBack { order, subscription, later, amount, balance, at }])
            }
            CreditCommand::MoveTo { to, at } => Ok(self
                .balances()
                .map(|amount| CreditEvent::CreditHandedOver {
                    to,
                    subscription: self.subscription,
                    amount,
                    balance: Money::new(0, amount.currency),
                    at,
                })
                .collect()),
            CreditCommand::TakeOver { id, .. } if self.granted.contains(&id) => Ok(vec![]),
            CreditCommand::TakeOver { amount, .. } if amount.minor <= 0 => Err(CreditError::Amount),
            CreditCommand::TakeOver { id, from, subscription, amount, at } => {
                let balance = with(amount, 1);
                Ok(vec![CreditEvent::CreditTakenOver { id, from, subscription, amount, balance, at }])
            }
            CreditCommand::PayOut { payout, amount, by, at } => {
                if let Some(known) = self.payouts.iter().find(|p| p.id == payout) {
                    return if known.amount == amount { Ok(vec![]) } else { Err(CreditError::Exists) };
                }
                if amount.minor <= 0 {
                    return Err(CreditError::Amount);
                }
                let there = self.balance(amount.currency);
                if amount.minor > there.minor {
                    return Err(CreditError::TooMuch(there));
                }
                let (subscription, balance) = (self.subscription, with(amount, -1));
                Ok(vec![CreditEvent::CreditPayOutStarted { payout, subscription, amount, balance, by, at }])
            }
            CreditCommand::SettlePayOut { payout, reference, at } => {
                let known = self.payouts.iter().find(|p| p.id == payout).ok_or(CreditError::NoPayout)?;
                let (subscription, amount) = (self.subscription, known.amount);
                match (known.state, reference) {
                    (PayoutState::Started, Some(reference)) => {
                        Ok(vec![CreditEvent::CreditPaidOut { payout, subscription, amount, reference, at }])
                    }
                    (PayoutState::Started, None) => {
                        let balance = with(amount, 1);
                        Ok(vec![CreditEvent::CreditPayOutDropped {
                            payout,
                            subscription,
                            amount,
                            balance,
                            at,
                        }])
                    }
                    (PayoutState::Sent, Some(_)) | (PayoutState::Dropped, None) => Ok(vec![]),
                    _ => Err(CreditError::Settled),
                }
            }
        }
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: CreditEvent) {
        match event {
            CreditEvent::CreditGranted { refund, subscription, balance, .. } => {
                self.granted.push(refund);
                self.subscription = subscription;
                self.set(balance);
            }
            CreditEvent::CreditTakenOver { id, subscription, balance, .. } => {
                self.granted.push(id);
                self.subscription = subscription;
                self.set(balance);
            }
            CreditEvent::CreditHandedOver { balance, .. } => self.set(balance),
            CreditEvent::CreditUsed { order, subscription, later, amount, balance, .. } => {
                let id = later.unwrap_or(order);
                self.uses.push(Use { id, order, subscription, amount, given_back: false });
                self.set(balance);
            }
            CreditEvent::CreditGivenBack { order, later, balance, .. } => {
                let back = |u: &&mut Use| u.order == order && later.is_none_or(|id| u.id == id);
                self.uses.iter_mut().filter(back).for_each(|u| u.given_back = true);
                self.set(balance);
            }
            CreditEvent::CreditPayOutStarted { payout, amount, balance, .. } => {
                self.payouts.push(Payout { id: payout, amount, state: PayoutState::Started });
                self.set(balance);
            }
            CreditEvent::CreditPaidOut { payout, .. } => self.payout(payout, PayoutState::Sent),
            CreditEvent::CreditPayOutDropped { payout, balance, .. } => {
                self.payout(payout, PayoutState::Dropped);
                self.set(balance);
            }
        }
    }

    fn set(&mut self, balance: Money) {
        self.balances.insert(balance.currency.code().to_owned(), balance);
    }

    fn payout(&mut self, id: Uuid, state: PayoutState) {
        if let Some(known) = self.payouts.iter_mut().find(|p| p.id == id) {
            known.state = state;
        }
    }
}
