//! The one boundary at which errors become answers: the right status, what happened, what to do.

use super::ui::Errors;
use crate::actors::CommandError;
use crate::actors::approvals::ApprovalsError;
use crate::actors::credits::CreditsError;
use crate::actors::payments::{GatewayError, PaymentError};
use crate::actors::search::SearchError;
use crate::store::StoreError;
use std::time::Duration;
use warp::http::StatusCode;

/// An answer that is not the wished one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HttpError {
    /// 400: the request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The person must sign in first: redirect for pages, 401 for programs.
    #[error("Sign in first.")]
    SignIn,
    /// 401: a personal token that is not valid.
    #[error(
        "This token is not valid: it may have expired or been revoked. Make another one under /account/tokens."
    )]
    BadToken,
    /// 403: a deletion request is pending; for pages a redirect to it.
    #[error("You asked for the deletion of your account. Withdraw the request first.")]
    Leaving,
    /// 403: the person's staff roles wait for a second factor; for pages a redirect to it.
    #[error(
        "Your role needs a second factor: add an authenticator under /account/security/second-factor first."
    )]
    SecondFactor,
    /// 403: a grave act, and the last proof of who it is is too old; for pages the page that asks for one, with
    /// what was wrong with a proof that came along.
    #[error("Confirm that it is you first, under /account/security/confirm.")]
    StepUp(Errors),
    /// 403 with the reason, where existence is public.
    #[error("{0}")]
    Forbidden(String),
    /// 404, also where existence is not public.
    #[error("There is nothing at this address.")]
    NotFound,
    /// 405.
    #[error("This address does not take this method.")]
    MethodNotAllowed,
    /// 409: somebody was faster, or the state has changed.
    #[error("{0}")]
    Conflict(String),
    /// 410: it was here and is gone for good.
    #[error("{0}")]
    Gone(String),
    /// 413.
    #[error("{0}")]
    TooLarge(String),
    /// 415.
    #[error("{0}")]
    UnsupportedType(String),
    /// 421: not one of our names.
    #[error("This server does not answer to that name.")]
    Misdirected,
    /// 422: the content cannot be accepted. Forms re-render themselves instead.
    #[error("{0}")]
    Unprocessable(String),
    /// 422 with what is wrong by field, for programs.
    #[error("Some fields cannot be accepted.")]
    Fields(Vec<(String, String)>),
    /// 412: what the request was about has changed meanwhile.
    #[error("{0}")]
    Precondition(String),
    /// 429.
    #[error("{why}")]
    TooMany {
        /// What was too much.
        why: String,
        /// When to come back.
        retry_after: Duration,
    },
    /// 503.
    #[error("{why}")]
    Unavailable {
        /// What is not available.
        why: String,
        /// When to come back.
        retry_after: Duration,
    },
    /// 507: no room for an upload.
    #[error("{0}")]
    NoRoom(String),
    /// 500; the text goes to the log, not to the person.
    #[error("Something went wrong on our side.")]
    Internal(String),
}

impl HttpError {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::SignIn | Self::BadToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::Leaving | Self::SecondFactor | Self::StepUp(_) => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Gone(_) => StatusCode::GONE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Unprocessable(_) | Self::Fields(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Precondition(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoRoom(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which a new try makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Some(retry_after.as_secs().max(1))
            }
            _ => None,
        }
    }

    /// The service is too busy for a moment.
    #[must_use]
    pub fn busy() -> Self {
        let why = "The studio is very busy. Try again in a moment; nothing was changed.".into();
        Self::Unavailable { why, retry_after: Duration::from_secs(2) }
    }
}

impl From<SearchError> for HttpError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Store(error) => error.into(),
            SearchError::Engine(_) => Self::Unavailable {
                why: "Search does not work at the moment.".into(),
                retry_after: Duration::from_secs(30),
            },
        }
    }
}

impl From<StoreError> for HttpError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Connection(_) => Self::Unavailable {
                why: "The studio cannot reach its database. Try again in a moment; nothing was changed."
                    .into(),
                retry_after: Duration::from_secs(2),
            },
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<PaymentError> for HttpError {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Store(error) => error.into(),
            PaymentError::Order(error) => error.into(),
            PaymentError::Gateway(GatewayError::TimedOut) => Self::Unavailable {
                why: "The payment service does not answer. Try again in a moment.".into(),
                retry_after: Duration::from_secs(30),
            },
            PaymentError::Gateway(refused) => Self::Unprocessable(refused.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<CreditsError> for HttpError {
    fn from(error: CreditsError) -> Self {
        match error {
            CreditsError::Store(error) => error.into(),
            CreditsError::Command(error) => error.into(),
        }
    }
}

impl From<ApprovalsError> for HttpError {
    fn from(error: ApprovalsError) -> Self {
        match error {
            ApprovalsError::Store(error) => error.into(),
            ApprovalsError::Command(error) => error.into(),
        }
    }
}

/// A refusal by the domain becomes 409 with its words; pages that show a form catch it before.
impl<E: std::fmt::Display> From<CommandError<E>> for HttpError {
    fn from(error: CommandError<E>) -> Self {
        match error {
            CommandError::Refused(why) => Self::Conflict(why.to_string()),
            CommandError::Taken { .. } => Self::Conflict(error.to_string()),
            CommandError::Stale => Self::Precondition(error.to_string()),
            CommandError::Busy => Self::busy(),
            CommandError::TimedOut | CommandError::Unavailable | CommandError::Newer(_) => {
                Self::Unavailable { why: error.to_string(), retry_after: Duration::from_secs(5) }
            }
            CommandError::Panicked => Self::Internal("an aggregate panicked".into()),
        }
    }
}
