//! Mail over SMTP. The connection is encrypted, except to the own machine outside production.

use crate::emails::Mail;
use chrono::{DateTime, Utc};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use std::time::Duration;
use uuid::Uuid;

/// A mail with its addresses, on its way out. Never logged.
#[derive(Clone)]
pub struct Outgoing {
    /// The same for every try, so that a receiver recognises a repetition by its Message-ID.
    pub id: Uuid,
    /// Whom it is from, as `Name <address>` or an address.
    pub from: String,
    /// Whom it is to.
    pub to: String,
    /// What it says.
    pub mail: Mail,
    /// When it was written.
    pub at: DateTime<Utc>,
}

/// Why a mail did not go out. Says nothing about the person or the content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// An address cannot be used; another try would not help.
    #[error("an address is not usable")]
    Address,
    /// The server refused for good.
    #[error("the mail server refused the mail (code {0})")]
    Refused(String),
    /// It may work later.
    #[error("the mail could not be handed over now ({0})")]
    Later(String),
    /// The settings are wrong.
    #[error("the mail settings cannot be used: {0}")]
    Settings(String),
}

/// How to reach the mail server.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Host name, also the name that its certificate must carry.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether the connection is encrypted from its start; else by STARTTLS.
    pub wrapped: bool,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// Whether an unencrypted connection to the own machine is fine (outside production).
    pub plain_loopback: bool,
}

/// A connection pool to one mail server.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Smtp {
    /// Prepares the pool; connects when the first mail is sent.
    ///
    /// # Errors
    /// [`SendError::Settings`] if the host name cannot be used for TLS.
    pub fn new(settings: &SmtpSettings) -> Result<Self, SendError> {
        let tls = if settings.plain_loopback && is_loopback(&settings.host) {
            Tls::None
        } else {
            let parameters = TlsParameters::new(settings.host.clone())
                .map_err(|_| SendError::Settings("the host name of the mail server".into()))?;
            if settings.wrapped { Tls::Wrapper(parameters) } else { Tls::Required(parameters) }
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(Duration::from_secs(20)));
        if let Some((user, password)) = &settings.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: builder.build() })
    }

    /// Hands one mail to the server.
    ///
    /// # Errors
    /// [`SendError`]; only [`SendError::Later`] is worth another try.
    pub async fn send(&self, mail: &Outgoing) -> Result<(), SendError> {
        let message = message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            // The server's words may repeat the address: only its code is kept.
            Err(e) if e.is_permanent() => {
                Err(SendError::Refused(e.status().map_or_else(|| "?".into(), |c| c.to_string())))
            }
            Err(e) => {
                let kind = if e.is_timeout() {
                    "time-out"
                } else if e.is_transient() {
                    "the server asks to wait"
                } else {
                    "no connection"
                };
                Err(SendError::Later(kind.into()))
            }
        }
    }
}

/// The mail as it goes over the wire.
///
/// # Errors
/// [`SendError::Address`] if one of the addresses cannot be used.
pub fn message(mail: &Outgoing) -> Result<Message, SendError> {
    let from: Mailbox = mail.from.parse().map_err(|_| SendError::Settings("the sender's address".into()))?;
    let to: lettre::Address = mail.to.parse().map_err(|_| SendError::Address)?;
    let domain = from.email.domain().to_owned();
    let mut builder = Message::builder();
    if let Some(url) = &mail.mail.unsubscribe {
        builder = builder
            .header(ListUnsubscribe(format!("<{url}>")))
            .header(ListUnsubscribePost("List-Unsubscribe=One-Click".into()));
    }
    builder
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .date(mail.at.into())
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(&mail.mail.subject)
        .multipart(MultiPart::alternative_plain_html(mail.mail.text.clone(), mail.mail.html.clone()))
        .map_err(|_| SendError::Address)
}

/// Declares a header that lettre does not know by itself.
macro_rules! plain_header {
    ($name:ident, $text:literal) => {
        #[derive(Clone)]
        struct $name(String);

        impl Header for $name {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($text)
            }
            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(text.into()))
            }
            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}

plain_header!(ListUnsubscribe, "List-Unsubscribe");
plain_header!(ListUnsubscribePost, "List-Unsubscribe-Post");

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
