//! One address: method, pattern, who may call it, what it takes, and its handler.

use super::error::HttpError;
use super::request::Req;
use super::response::Res;
use super::step_up::{self, Rule};
use crate::actors::accounts::access_tokens::Scope;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use warp::http::Method;

/// Who may call an address. Finer rules (own work, own account) are the handler's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// People with an account.
    SignedIn,
    /// People with one of these roles; admins always.
    Role(&'static [&'static str]),
}

/// What a request may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// A form or JSON up to the configured size; forms are checked for the CSRF token.
    Small,
    /// A stream that the handler reads; the handler or an `X-CSRF-Token` header answers for CSRF.
    Stream,
}

type Handler = Arc<dyn Fn(Req) -> BoxFuture<'static, Result<Res, HttpError>> + Send + Sync>;

/// One row of the table of addresses.
#[derive(Clone)]
pub struct Route {
    /// Method; `GET` answers `HEAD` too.
    pub method: Method,
    /// Pattern, such as `/films/{slug}`; also the label in metrics.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it takes.
    pub body: Body,
    /// What a personal token needs to be let in here; none: only sessions are.
    pub scope: Option<Scope>,
    /// Whether a token of any scope is let in; the handler then decides by the scopes what it sees.
    pub any_token: bool,
    /// Whether it is answered without a look at who asks and at what the site says: nothing of it is anybody's.
    pub bare: bool,
    /// Whether some of its uses ask who it is once more; the table of [`super::step_up`] says so.
    pub step_up: Option<&'static Rule>,
    /// What it does.
    pub handler: Handler,
}

impl Route {
    /// An address for reading.
    pub fn get<F, R>(path: &'static str, access: Access, handler: F) -> Self
    where
        F: Fn(Req) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Res, HttpError>> + Send + 'static,
    {
        Self::new(Method::GET, path, access, handler)
    }

    /// An address that changes something.
    pub fn post<F, R>(path: &'static str, access: Access, handler: F) -> Self
    where
        F: Fn(Req) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Res, HttpError>> + Send + 'static,
    {
        Self::new(Method::POST, path, access, handler)
    }

    /// An address with any other method.
    pub fn new<F, R>(method: Method, path: &'static str, access: Access, handler: F) -> Self
    where
        F: Fn(Req) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Res, HttpError>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |req| Box::pin(handler(req)));
        let step_up = step_up::rule(&method, path);
        Self {
            method,
            path,
            access,
            body: Body::Small,
            scope: None,
            any_token: false,
            bare: false,
            step_up,
            handler,
        }
    }

    /// Programs with a personal token of this scope are let in too.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Answers without a look at who asks, so also when that cannot be found out.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The handler reads the body as a stream.
    #[must_use]
    pub fn stream_body(mut self) -> Self {
        self.body = Body::Stream;
        self
    }
}
