//! Workflows: events → commands and effects, one file per business process.

pub mod account_mails;
mod approval_mails;
mod billing_mails;
pub mod charge_payments;
mod comment_answers;
mod comment_texts;
mod credits;
mod direct_debits;
pub mod end_sessions;
pub mod erase_account;
mod gifts;
pub mod hide_account;
mod index_texts;
mod issue_invoices;
mod merges;
mod price_changes;
mod second_person;
mod subscription_orders;
mod tax_changes;
mod team_seats;
mod wallets;

pub mod process_media;

use super::approvals::ApprovalsError;
use super::bus::CommandError;
use super::credits::CreditsError;
use super::payments::{GatewayError, PaymentError};
use super::services::Services;
use crate::projections::ProjectionError;
use crate::store::event::DecodeError;
use crate::store::known::Unknown;
use crate::store::{RecordedEvent, StoreError};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// How long a reaction waits for lists; then it is tried again.
const CATCHING_UP: Duration = Duration::from_secs(20);

/// Reacts to events. Delivery is at least once: commands get ids that follow from the event (see
/// [`Services::follow`]), effects must bear repetition.
#[async_trait]
pub trait Workflow: Send + Sync + 'static {
    /// Name, after the business process.
    fn name(&self) -> &'static str;
    /// The categories of events it reacts to; others are not shown to it.
    fn follows(&self) -> &'static [&'static str];
    /// How many events it reacts to at the same time; one: in the order of the log. With more, which
    /// suits what asks others and waits for them, only events of one stream wait for each other.
    fn at_once(&self) -> usize {
        1
    }
    /// Whether one that is new to a studio begins with the first event of the log. Else it begins with the next one: what
    /// happened before is not answered, mailed about or charged years later.
    fn begins_at_the_first(&self) -> bool {
        false
    }
    /// Reacts to one event; events that do not concern it are passed by.
    ///
    /// # Errors
    /// An error is retried with growing pauses; after [`TRIES`](super::workflow_runner::TRIES) the
    /// event is parked and shown to operators. What says nothing about the event is tried for longer.
    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError>;
}

/// Why a reaction failed.
#[derive(Debug, thiserror::Error)]
pub enum WorkflowError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The event has an unknown form.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Kinora is busy or the database away: it says nothing about the event, and is tried again without counting.
    #[error("{0}")]
    Later(String),
    /// Anything else, in words for operators without personal data.
    #[error("{0}")]
    Failed(String),
}

impl WorkflowError {
    /// The event of a newer version that it met beside the one it reacts to.
    #[must_use]
    pub const fn newer(&self) -> Option<&Unknown> {
        match self {
            Self::Store(StoreError::Newer(unknown)) => Some(unknown),
            _ => None,
        }
    }

    /// Whether it says nothing about the event.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Store(error) => error.is_passing() || error.is_time_out(),
            Self::Later(_) => true,
            Self::Decode(_) | Self::Failed(_) => false,
        }
    }
}

impl<E: std::fmt::Display> From<CommandError<E>> for WorkflowError {
    fn from(error: CommandError<E>) -> Self {
        match error {
            CommandError::Busy | CommandError::Stale | CommandError::TimedOut | CommandError::Unavailable => {
                Self::Later(error.to_string())
            }
            CommandError::Newer(unknown) => Self::Store(unknown.into()),
            CommandError::Refused(_) | CommandError::Taken { .. } | CommandError::Panicked => {
                Self::Failed(error.to_string())
            }
        }
    }
}

impl From<PaymentError> for WorkflowError {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Store(error) => Self::Store(error),
            PaymentError::Order(error) => error.into(),
            PaymentError::Gateway(error @ GatewayError::TimedOut) => Self::Later(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for WorkflowError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<CreditsError> for WorkflowError {
    fn from(error: CreditsError) -> Self {
        match error {
            CreditsError::Store(error) => Self::Store(error),
            CreditsError::Command(error) => error.into(),
        }
    }
}

impl From<ApprovalsError> for WorkflowError {
    fn from(error: ApprovalsError) -> Self {
        match error {
            ApprovalsError::Store(error) => Self::Store(error),
            ApprovalsError::Command(error) => error.into(),
        }
    }
}

impl From<ProjectionError> for WorkflowError {
    fn from(error: ProjectionError) -> Self {
        match error {
            ProjectionError::Store(error) => Self::Store(error),
            ProjectionError::Decode(error) => Self::Decode(error),
            ProjectionError::Data(words) => Self::Failed(words),
        }
    }
}

/// Waits until `lists`, which a reaction reads, show what had happened when the event did.
async fn caught_up(event: &RecordedEvent, cx: &Services, lists: &[&str]) -> Result<(), WorkflowError> {
    if cx.reader.wait_for_these(lists, event.position, CATCHING_UP).await? {
        return Ok(());
    }
    Err(WorkflowError::Later(format!("these lists are behind: {}", lists.join(", "))))
}

/// All workflows of Kinora.
#[must_use]
pub fn all() -> Vec<Arc<dyn Workflow>> {
    vec![
        Arc::new(account_mails::AccountMails),
        Arc::new(end_sessions::EndSessions),
        Arc::new(erase_account::EraseAccount),
        Arc::new(hide_account::HideAccount),
        Arc::new(process_media::ProcessMedia),
        Arc::new(index_texts::IndexTexts),
        Arc::new(subscription_orders::SubscriptionOrders),
        Arc::new(charge_payments::ChargePayments),
        Arc::new(issue_invoices::IssueInvoices),
        Arc::new(billing_mails::BillingMails),
        Arc::new(team_seats::TeamSeats),
        Arc::new(price_changes::PriceChanges),
        Arc::new(tax_changes::TaxChanges),
        Arc::new(comment_answers::CommentAnswers),
        Arc::new(comment_texts::CommentTexts),
        Arc::new(wallets::Wallets),
        Arc::new(gifts::Gifts),
        Arc::new(second_person::SecondPerson),
        Arc::new(direct_debits::DirectDebits),
        Arc::new(credits::Credits),
        Arc::new(merges::Merges),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_reader_of_the_log_has_a_place_of_its_own() {
        let workflows = super::all();
        let lists = crate::projections::all();
        let names = workflows.iter().map(|w| w.name()).chain(lists.iter().map(|p| p.name()));
        let mut names: Vec<&str> = names.collect();
        let readers = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), readers, "two readers share a checkpoint");
    }
}
