use super::{Act, ApprovalCommand, ApprovalError, ApprovalEvent, Bound};
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a request stands.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ApprovalState {
    /// Nobody asked.
    #[default]
    Absent,
    /// Waits for a second person.
    Waiting,
    /// Somebody agreed; the act is under way.
    Agreed,
    /// Turned down, or taken back.
    Refused,
    /// Nobody decided in time.
    Lapsed,
    /// Done.
    Done,
    /// Agreed to, and not possible any more.
    Failed,
}

/// A request as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Approval {
    id: Uuid,
    state: ApprovalState,
    asked: Option<Asked>,
    decided_by: Option<AccountId>,
    decided_at: Option<DateTime<Utc>>,
    why: Option<String>,
}

/// What was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Asked {
    act: Act,
    bound: Bound,
    account: AccountId,
    subscription: Option<Uuid>,
    reason: PersonalRef,
    by: AccountId,
    lapses_at: DateTime<Utc>,
    at: DateTime<Utc>,
}

impl Approval {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> ApprovalState {
        self.state
    }

    /// What is to be done; none before somebody asked.
    #[must_use]
    pub fn act(&self) -> Option<&Act> {
        self.asked.as_ref().map(|a| &a.act)
    }

    /// The limit above which it is.
    #[must_use]
    pub fn bound(&self) -> Option<Bound> {
        self.asked.as_ref().map(|a| a.bound)
    }

    /// To whom something is given.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.asked.as_ref().map(|a| a.account).unwrap_or_default()
    }

    /// The subscription it is about.
    #[must_use]
    pub fn subscription(&self) -> Option<Uuid> {
        self.asked.as_ref().and_then(|a| a.subscription)
    }

    /// Why it is asked for.
    #[must_use]
    pub fn reason(&self) -> Option<&PersonalRef> {
        self.asked.as_ref().map(|a| &a.reason)
    }

    /// Who asks.
    #[must_use]
    pub fn asked_by(&self) -> AccountId {
        self.asked.as_ref().map(|a| a.by).unwrap_or_default()
    }

    /// When it was asked for, and when it counts no more.
    #[must_use]
    pub fn open_between(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.asked.as_ref().map(|a| (a.at, a.lapses_at))
    }

    /// Who decided, and when.
    #[must_use]
    pub fn decided(&self) -> Option<(AccountId, DateTime<Utc>)> {
        self.decided_by.zip(self.decided_at)
    }

    /// Why it was not possible any more.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: ApprovalCommand) -> Result<Vec<ApprovalEvent>, ApprovalError> {
        if let ApprovalCommand::Ask(ask) = command {
            return match &self.asked {
                Some(asked) if self.id == ask.approval && asked.act == ask.act => Ok(vec![]),
                Some(_) => Err(ApprovalError::Exists),
                None => Ok(vec![ApprovalEvent::SecondPersonAsked {
                    approval: ask.approval,
                    act: ask.act,
                    bound: ask.bound,
                    account: ask.account,
                    subscription: ask.subscription,
                    reason: ask.reason,
                    by: ask.by,
                    lapses_at: ask.lapses_at,
                    at: ask.at,
                }]),
            };
        }
        let asked = self.asked.as_ref().ok_or(ApprovalError::Missing)?;
        let (asked_by, over) = (asked.by, |at| at >= asked.lapses_at);
        match command {
            ApprovalCommand::Ask(_) => Ok(vec![]),
            ApprovalCommand::Decide { agree, by, at } => match self.state {
                ApprovalState::Lapsed => Err(ApprovalError::Lapsed),
                ApprovalState::Waiting if over(at) => Err(ApprovalError::Lapsed),
                ApprovalState::Waiting if !agree => {
                    Ok(vec![ApprovalEvent::SecondPersonRefused { asked_by, by, at }])
                }
                ApprovalState::Waiting if by == asked_by => Err(ApprovalError::SamePerson),
                ApprovalState::Waiting if by == asked.account || asked.act.also_gives_to(by) => {
                    Err(ApprovalError::OwnGain)
                }
                ApprovalState::Waiting => Ok(vec![ApprovalEvent::SecondPersonAgreed { asked_by, by, at }]),
                ApprovalState::Refused if !agree => Ok(vec![]),
                _ => Err(ApprovalError::Decided),
            },
            ApprovalCommand::Lapse { at } => {
                let lapses = self.state == ApprovalState::Waiting && over(at);
                Ok(if lapses { vec![ApprovalEvent::RequestLapsed { at }] } else { vec![] })
            }
            ApprovalCommand::Record { refused, at } => Ok(match (self.state, refused) {
                (ApprovalState::Agreed, None) => vec![ApprovalEvent::ActCarriedOut { at }],
                (ApprovalState::Agreed, Some(why)) => vec![ApprovalEvent::ActRefused { why, at }],
                _ => vec![],
            }),
        }
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: ApprovalEvent) {
        match event {
            ApprovalEvent::SecondPersonAsked {
                approval,
                act,
                bound,
                account,
                subscription,
                reason,
                by,
                lapses_at,
                at,
            } => {
                self.id = approval;
                self.state = ApprovalState::Waiting;
                self.asked = Some(Asked { act, bound, account, subscription, reason, by, lapses_at, at });
            }
            ApprovalEvent::SecondPersonAgreed { by, at, .. } => {
                self.settle(ApprovalState::Agreed, Some(by), at);
            }
            ApprovalEvent::SecondPersonRefused { by, at, .. } => {
                self.settle(ApprovalState::Refused, Some(by), at);
            }
            ApprovalEvent::RequestLapsed { at } => self.settle(ApprovalState::Lapsed, None, at),
            ApprovalEvent::ActCarriedOut { .. } => self.state = ApprovalState::Done,
            ApprovalEvent::ActRefused { why, .. } => {
                self.state = ApprovalState::Failed;
                self.why = Some(why);
            }
        }
    }

    fn settle(&mut self, state: ApprovalState, by: Option<AccountId>, at: DateTime<Utc>) {
        self.state = state;
        self.decided_by = by;
        self.decided_at = Some(at);
    }
}
