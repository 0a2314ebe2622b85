use super::{GiftCommand, GiftError, GiftEvent, GiftUse, Given};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::shared::{AccountId, PersonalRef, derive_id};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest time that is given at once, in days: as many as a subscription is extended by.
pub const LONGEST_DAYS: i64 = 366;
/// Letters of a code, without what stands between its groups.
const CODE: usize = 16;

/// The order by which a gift is paid.
#[must_use]
pub fn order_of(gift: Uuid) -> Uuid {
    derive_id(&format!("gift-{gift}"), "order")
}

/// Whether `order` is that of a gift: what it is for says so.
#[must_use]
pub fn is_order_of(subject: Uuid, order: Uuid) -> bool {
    order_of(subject) == order
}

/// A code as it is looked up: its letters in capitals, whatever people typed between them; none if it cannot
/// be one.
#[must_use]
pub fn normalise_code(typed: &str) -> Option<String> {
    let letters: String =
        typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    (letters.len() == CODE && letters.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(letters)
}

/// Where a gift stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum GiftStanding {
    /// Nothing was bought.
    #[default]
    Absent,
    /// Waits for its money.
    Ordered,
    /// Can be redeemed.
    Paid,
    /// Somebody has it; its time may wait for something.
    Redeemed,
    /// Its time was given.
    Used,
    /// Taken back.
    Withdrawn,
}

/// A gift as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Gift {
    id: Uuid,
    buyer: AccountId,
    given: Option<Given>,
    standing: GiftStanding,
    recipient: Option<PersonalRef>,
    method: Option<PaymentMethod>,
    by_transfer: bool,
    valid_days: Option<u32>,
    last_day: Option<NaiveDate>,
    last_code: Option<String>,
    attempt: Option<Uuid>,
    redeemed_by: Option<AccountId>,
    used: Option<GiftUse>,
    ordered_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    held_back: bool,
}

impl Gift {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }
    /// Who bought it.
    #[must_use]
    pub const fn buyer(&self) -> AccountId {
        self.buyer
    }
    /// What is given; none before it was ordered.
    #[must_use]
    pub const fn given(&self) -> Option<&Given> {
        self.given.as_ref()
    }
    /// Where it stands.
    #[must_use]
    pub const fn standing(&self) -> GiftStanding {
        self.standing
    }
    /// To whose mail address the code goes; none: to the buyer.
    #[must_use]
    pub const fn recipient(&self) -> Option<&PersonalRef> {
        self.recipient.as_ref()
    }
    /// What is charged; none: by transfer.
    #[must_use]
    pub const fn method(&self) -> Option<&PaymentMethod> {
        self.method.as_ref()
    }
    /// Whether the buyer sends the money.
    #[must_use]
    pub const fn is_by_transfer(&self) -> bool {
        self.by_transfer
    }
    /// The last day on which it can be redeemed; none: any day.
    #[must_use]
    pub const fn last_day(&self) -> Option<NaiveDate> {
        self.last_day
    }
    /// Whether nobody redeemed it in time: `today` is after its last day.
    #[must_use]
    pub fn is_expired(&self, today: NaiveDate) -> bool {
        self.standing == GiftStanding::Paid && self.last_day.is_some_and(|last| today > last)
    }
    /// For how many days it can be redeemed once it is paid; none: for ever.
    #[must_use]
    pub const fn valid_days(&self) -> Option<u32> {
        self.valid_days
    }
    /// The gateway's code of the last charge that failed, while it waits for another.
    #[must_use]
    pub fn last_code(&self) -> Option<&str> {
        self.last_code.as_deref()
    }
    /// Who redeemed it.
    #[must_use]
    pub const fn redeemed_by(&self) -> Option<AccountId> {
        self.redeemed_by
    }
    /// How its time was given.
    #[must_use]
    pub const fn used(&self) -> Option<GiftUse> {
        self.used
    }
    /// Whether the bank has been asked for its price.
    #[must_use]
    pub const fn is_held_back(&self) -> bool {
        self.held_back
    }
    /// When it was ordered.
    #[must_use]
    pub const fn ordered_at(&self) -> Option<DateTime<Utc>> {
        self.ordered_at
    }

    /// The last day on which its buyer may go back on the contract, if that is possible for so many days after the
    /// order (directive 2011/83/EU, article 9: the day itself is not counted). Gifts are sold to consumers.
    ///
    /// # Errors
    /// The reason for which it is not possible.
    pub fn withdrawal_until(&self, days: u16, zone: Zone, at: DateTime<Utc>) -> Result<NaiveDate, GiftError> {
        match self.standing {
            GiftStanding::Absent => return Err(GiftError::Missing),
            GiftStanding::Redeemed | GiftStanding::Used => return Err(GiftError::Redeemed),
            GiftStanding::Withdrawn => return Err(GiftError::Withdrawn),
            GiftStanding::Ordered | GiftStanding::Paid => {}
        }
        let ordered = self.ordered_at.filter(|_| days > 0).map(|at| zone.date_of(at));
        let last = ordered.and_then(|day| day.checked_add_days(Days::new(days.into())));
        match last {
            None => Err(GiftError::NoWithdrawal),
            Some(last) if zone.date_of(at) > last => Err(GiftError::WithdrawalOver(last)),
            Some(last) => Ok(last),
        }
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: GiftCommand) -> Result<Vec<GiftEvent>, GiftError> {
        use GiftStanding as S;
        if let GiftCommand::Order(new) = command {
            let new = *new;
            if self.standing != S::Absent {
                return if self.id == new.gift { Ok(vec![]) } else { Err(GiftError::Exists) };
            }
            if longest(&new.given) > LONGEST_DAYS {
                return Err(GiftError::TooLong);
            }
            let order = order_of(new.gift);
            return Ok(vec![GiftEvent::GiftOrdered {
                gift: new.gift,
                buyer: new.buyer,
                given: new.given,
                order,
                country: new.country,
                billing: new.billing,
                recipient: new.recipient,
                method: new.method,
                valid_days: new.valid_days,
                at: new.at,
            }]);
        }
        if self.standing == S::Absent {
            return Err(GiftError::Missing);
        }
        match command {
            GiftCommand::Order(_) => Ok(vec![]),
            GiftCommand::Pay { attempt, method, at } => match self.standing {
                S::Ordered if self.attempt == Some(attempt) => Ok(vec![]),
                S::Ordered => {
                    let order = order_of(self.id);
                    Ok(vec![GiftEvent::GiftPaymentRequested { order, attempt, method, at }])
                }
                S::Withdrawn => Err(GiftError::Withdrawn),
                _ => Err(GiftError::Paid),
            },
            GiftCommand::RecordPaid { today, at } => Ok(match self.standing {
                S::Ordered => {
                    let last_day = self.valid_days.and_then(|n| today.checked_add_days(Days::new(n.into())));
                    vec![GiftEvent::GiftPaid { at, last_day }]
                }
                _ => vec![],
            }),
            GiftCommand::RecordFailure { attempt, code, at } => Ok(match self.standing {
                S::Ordered => vec![GiftEvent::GiftPaymentFailed { attempt, code, at }],
                _ => vec![],
            }),
            GiftCommand::Redeem { by, today, at } => match (self.standing, self.redeemed_by) {
                (S::Ordered, _) => Err(GiftError::NotPaid),
                (S::Withdrawn, _) => Err(GiftError::Withdrawn),
                (S::Redeemed | S::Used, Some(before)) if before == by => Ok(vec![]),
                (S::Redeemed | S::Used, _) => Err(GiftError::Redeemed),
                (S::Paid, _) if self.held_back => Err(GiftError::HeldBack),
                _ => match self.last_day {
                    Some(last) if today > last => Err(GiftError::Expired(last)),
                    _ => Ok(vec![GiftEvent::GiftRedeemed { by, at }]),
                },
            },
            GiftCommand::MoveTo { from, to, at } => {
                let theirs = from != to && (self.buyer == from || self.redeemed_by == Some(from));
                Ok(theirs.then_some(GiftEvent::GiftMoved { from, to, at }).into_iter().collect())
            }
            GiftCommand::RecordUsed { used, at } => Ok(match self.standing {
                S::Redeemed => vec![GiftEvent::GiftUsed { used, at }],
                _ => vec![],
            }),
            GiftCommand::Withdraw { by, at } => match self.standing {
                S::Redeemed | S::Used => Err(GiftError::Redeemed),
                S::Withdrawn => Ok(vec![]),
                standing => Ok(vec![withdrawn(Some(by), standing == S::Paid, false, at)]),
            },
            GiftCommand::WithdrawFrom { .. } if self.standing == S::Withdrawn => Ok(vec![]),
            GiftCommand::WithdrawFrom { days, zone, at } => {
                self.withdrawal_until(days, zone, at)?;
                Ok(vec![withdrawn(Some(self.buyer), self.standing == S::Paid, true, at)])
            }
            GiftCommand::HoldBack { at } => {
                let held = self.standing == S::Paid && !self.held_back;
                Ok(held.then_some(GiftEvent::GiftHeldBack { at }).into_iter().collect())
            }
            GiftCommand::Release { at } => {
                let free = self.standing == S::Paid && self.held_back;
                Ok(free.then_some(GiftEvent::GiftReleased { at }).into_iter().collect())
            }
            GiftCommand::RecordReturned { at } => Ok(match self.standing {
                S::Ordered | S::Paid => vec![withdrawn(None, false, false, at)],
                _ => vec![],
            }),
        }
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: GiftEvent) {
        match event {
            GiftEvent::GiftOrdered { gift, buyer, given, recipient, method, valid_days, at, .. } => {
                *self = Self {
                    id: gift,
                    buyer,
                    given: Some(given),
                    standing: GiftStanding::Ordered,
                    recipient,
                    by_transfer: method.is_none(),
                    method,
                    valid_days,
                    ordered_at: Some(at),
                    ..Self::default()
                };
            }
            GiftEvent::GiftPaymentRequested { attempt, method, .. } => {
                self.attempt = Some(attempt);
                self.method = Some(method);
                self.last_code = None;
            }
            GiftEvent::GiftPaymentFailed { code, .. } => self.last_code = Some(code),
            GiftEvent::GiftPaid { last_day, .. } => {
                self.standing = GiftStanding::Paid;
                self.last_day = last_day;
                self.last_code = None;
            }
            GiftEvent::GiftRedeemed { by, .. } => {
                self.standing = GiftStanding::Redeemed;
                self.redeemed_by = Some(by);
            }
            GiftEvent::GiftMoved { from, to, .. } => {
                if self.buyer == from {
                    self.buyer = to;
                }
                self.redeemed_by = self.redeemed_by.map(|by| if by == from { to } else { by });
            }
            GiftEvent::GiftUsed { used, .. } => {
                self.standing = GiftStanding::Used;
                self.used = Some(used);
            }
            GiftEvent::GiftHeldBack { .. } => self.held_back = true,
            GiftEvent::GiftReleased { .. } => self.held_back = false,
            GiftEvent::GiftWithdrawn { .. } => self.standing = GiftStanding::Withdrawn,
        }
    }
}

fn withdrawn(by: Option<AccountId>, paid: bool, by_right: bool, at: DateTime<Utc>) -> GiftEvent {
    GiftEvent::GiftWithdrawn { by, paid, by_right, at }
}

/// The most days that a span can have, whenever it begins.
fn longest(given: &Given) -> i64 {
    let firsts = (1..=12).filter_map(|month| NaiveDate::from_ymd_opt(2027, month, 1));
    let days = |first| given.interval.start_of(first, 1).map(|end| (end - first).num_days());
    firsts.filter_map(|first| days(first).ok()).max().unwrap_or(i64::MAX)
}
