//! A request as handlers see it.

use super::app::App;
use super::error::HttpError;
use super::form::Form;
use super::session::{SignedIn, Viewer};
use super::{csrf, session};
use crate::actors::accounts::shown_once;
use crate::actors::bus::{Actor, Metadata};
use crate::actors::visits::{self, Visit, Who};
use crate::domain::shared::derive_id;
use crate::domain::shared::text::is_printable;
use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;
use warp::http::{HeaderMap, Method};

/// A small body that has not arrived after this time is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A body as it arrives.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, std::io::Error>> + Send + Sync>>;

/// A request.
pub struct Req {
    /// The instance.
    pub app: Arc<App>,
    /// Method.
    pub method: Method,
    /// Path as sent, without query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Who looks.
    pub viewer: Viewer,
    /// Id of the request, also in the answer's `X-Request-Id`.
    pub request_id: String,
    /// Address of the client (of the proxy's client when the proxy is on loopback).
    pub remote: IpAddr,
    pub(super) params: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    /// Set when the page is shown before its projections have reached what was just done.
    pub updating: bool,
    pub(super) body: Option<BodyStream>,
    /// A form that was read before the handler, to check its token.
    pub(super) form: Option<Form>,
    /// The body, once it was read as a whole.
    pub(super) raw: Option<Bytes>,
}

/// A character in any of the texts that none may hold. Line ends of all systems may stand there.
fn unprintable(json: &serde_json::Value) -> Option<char> {
    use serde_json::Value;
    let of = |text: &str| text.chars().find(|c| *c != '\r' && !is_printable(*c));
    match json {
        Value::String(text) => of(text),
        Value::Array(items) => items.iter().find_map(unprintable),
        Value::Object(fields) => {
            fields.iter().find_map(|(name, value)| of(name).or_else(|| unprintable(value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

impl Req {
    /// A part of the path; empty if the pattern does not name it.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    /// A part of the path that is an id.
    ///
    /// # Errors
    /// [`HttpError::NotFound`] if it is none.
    pub fn id_param(&self, name: &str) -> Result<Uuid, HttpError> {
        Uuid::parse_str(self.param(name)).map_err(|_| HttpError::NotFound)
    }

    /// A value of the query; empty if it was not sent.
    #[must_use]
    pub fn query(&self, name: &str) -> &str {
        self.query.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    /// All values of the query in order.
    #[must_use]
    pub fn query_pairs(&self) -> &[(String, String)] {
        &self.query
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// Now, by the instance's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.app.clock.now()
    }

    /// The signed-in person.
    ///
    /// # Errors
    /// [`HttpError::SignIn`] for visitors.
    pub fn account(&self) -> Result<&SignedIn, HttpError> {
        self.viewer.account.as_ref().ok_or(HttpError::SignIn)
    }

    /// The secret that the viewer's form made a moment ago (`?made=`), if this page is the first to show it.
    ///
    /// # Errors
    /// If nobody is signed in, or database or key store cannot be used.
    pub async fn just_made(&self) -> Result<Option<String>, HttpError> {
        // Who only asks for the head of the page sees nothing.
        match self.query("made").parse() {
            Ok(id) if self.method == Method::GET => {
                Ok(shown_once::take(&self.app, self.account()?.id, id).await?)
            }
            _ => Ok(None),
        }
    }

    /// Whether the client asks for JSON rather than a page.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        ["/api/", "/webhooks/"].iter().any(|p| self.path.starts_with(p))
            || self.header("accept").starts_with("application/json")
    }

    /// Notes that a work was seen or saved, unless its maker did it or an admin with borrowed eyes. A visit that
    /// cannot be noted is lost, and keeps nobody from what they came for.
    pub async fn note_visit(&self, visit: Visit, media: Uuid, owner: Uuid) {
        let account = self.viewer.account.as_ref();
        if self.method != Method::GET || account.is_some_and(|a| a.id == owner || a.impersonator.is_some()) {
            return;
        }
        let who = match account {
            Some(account) => Who::Account(account.id),
            None => Who::Visitor(self.remote, self.header("user-agent")),
        };
        if let Err(error) = visits::note(&self.app, media, visit, who).await {
            tracing::warn!(request = self.request_id, %error, "a visit could not be noted");
        }
    }

    /// Metadata for a command of this request.
    #[must_use]
    pub fn meta(&self) -> Metadata {
        let correlation = derive_id(&self.request_id, "request");
        let actor = self.viewer.id().map_or(Actor::Visitor, Actor::Account);
        let mut meta = Metadata::system("", correlation, self.now());
        meta.actor = actor;
        meta.request = Some(self.request_id.clone());
        meta
    }

    /// The token that forms of this page carry; empty for visitors.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        let session = self.viewer.account.as_ref().map(|a| a.session.as_str());
        session.map(|s| csrf::token(self.app.secrets.session.as_slice(), s)).unwrap_or_default()
    }

    /// Checks a token against the session; visitors have none.
    ///
    /// # Errors
    /// [`HttpError::Forbidden`] with what to do.
    pub fn check_csrf(&self, given: &str) -> Result<(), HttpError> {
        if self.viewer.account.is_none() || csrf::matches(&self.csrf_token(), given) {
            return Ok(());
        }
        let words = if self.wants_json() && given.is_empty() {
            "With a session, send what stands in the field _csrf of its forms as the header X-CSRF-Token; programs use an access token instead."
        } else {
            "This form is from an older session. Go back, reload the page and send it again."
        };
        Err(HttpError::Forbidden(words.into()))
    }

    /// Id of the command that this request gives: the same `Idempotency-Key` (header or hidden field
    /// `idempotency_key`) of the same person at the same address gives the same id, so that a double
    /// click does one thing. With another content it is another command: a form that is sent again much later, put right, is
    /// not taken for the one before. Without a key every request is a new command.
    #[must_use]
    pub fn command_id(&self, form: &Form) -> Uuid {
        let key = match self.header("idempotency-key") {
            "" => form.get("idempotency_key"),
            key => key.trim_matches('"'),
        };
        if key.is_empty() {
            return self.app.clock.new_id();
        }
        let who = self.viewer.id().map_or_else(|| "visitor".to_owned(), |id| id.to_string());
        let content = super::idempotent::without_tokens(self.raw.as_deref().unwrap_or_default());
        let content = derive_id("content", &String::from_utf8_lossy(&content));
        derive_id(&format!("{who} {} {} {content}", self.method, self.path), key)
    }

    /// The form of the request.
    ///
    /// # Errors
    /// [`HttpError::TooLarge`] above the configured size, [`HttpError::UnsupportedType`] for
    /// anything but a form.
    pub async fn form(&mut self) -> Result<Form, HttpError> {
        if let Some(form) = &self.form {
            return Ok(form.clone());
        }
        let kind = self.header("content-type");
        if !kind.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(HttpError::UnsupportedType("Send this as a form.".into()));
        }
        let form = Form::parse(&self.bytes().await?);
        self.form = Some(form.clone());
        Ok(form)
    }

    /// The JSON of the request.
    ///
    /// # Errors
    /// As [`Req::form`], and [`HttpError::Unprocessable`] if it has another form than wanted.
    pub async fn json<T: DeserializeOwned>(&mut self) -> Result<T, HttpError> {
        if !self.header("content-type").starts_with("application/json") {
            return Err(HttpError::UnsupportedType("Send this as application/json.".into()));
        }
        let bytes = self.bytes().await?;
        let unreadable =
            |e: serde_json::Error| HttpError::Unprocessable(format!("The JSON cannot be read: {e}"));
        if let Some(c) = unprintable(&serde_json::from_slice(&bytes).map_err(unreadable)?) {
            return Err(HttpError::Unprocessable(format!(
                "A text holds the control character U+{:04X}. Leave it out.",
                u32::from(c)
            )));
        }
        serde_json::from_slice(&bytes).map_err(unreadable)
    }

    /// The whole body, up to the configured size; as often as wanted.
    ///
    /// # Errors
    /// [`HttpError::TooLarge`] above it.
    pub async fn bytes(&mut self) -> Result<Bytes, HttpError> {
        if let Some(raw) = &self.raw {
            return Ok(raw.clone());
        }
        let limit = usize::try_from(self.app.config.limits.body_bytes).unwrap_or(usize::MAX);
        let too_large =
            || HttpError::TooLarge(format!("This is more than the {limit} bytes that are allowed here."));
        // Who says so beforehand need not send it.
        if self.header("content-length").parse::<u64>().is_ok_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let Some(mut body) = self.body.take() else { return Ok(Bytes::new()) };
        let mut all = BytesMut::new();
        let deadline = tokio::time::Instant::now() + BODY_TIMEOUT;
        while let Some(part) = tokio::time::timeout_at(deadline, body.next()).await.map_err(|_| {
            self.app.metrics.http.refused.with_label_values(&["timeout"]).inc();
            HttpError::BadRequest("The request took too long to arrive. Send it again.".into())
        })? {
            let part = part.map_err(|_| HttpError::BadRequest("The request broke off.".into()))?;
            if all.len() + part.len() > limit {
                return Err(too_large());
            }
            all.extend_from_slice(&part);
        }
        let raw = all.freeze();
        self.raw = Some(raw.clone());
        Ok(raw)
    }

    /// The body as a stream; once. It ends with an error when nothing arrives for as long as the settings
    /// allow: who falls silent must not hold a connection, and an upload, for ever.
    ///
    /// # Errors
    /// [`HttpError::BadRequest`] if it was taken before.
    pub fn take_body(&mut self) -> Result<BodyStream, HttpError> {
        let body =
            self.body.take().ok_or_else(|| HttpError::BadRequest("The request has no body.".into()))?;
        let patience = Duration::from_secs(u64::from(self.app.config.limits.body_idle_seconds.max(1)));
        Ok(Box::pin(stream::unfold(Some(body), move |state| async move {
            let mut body = state?;
            match tokio::time::timeout(patience, body.next()).await {
                Ok(part) => part.map(|part| (part, Some(body))),
                Err(_) => Some((Err(std::io::Error::from(std::io::ErrorKind::TimedOut)), None)),
            }
        })))
    }

    /// Looks the viewer up; before that everybody is a visitor.
    pub(super) async fn find_viewer(&mut self) -> Result<(), HttpError> {
        self.viewer = session::viewer(&self.app, &self.headers).await?;
        Ok(())
    }
}
