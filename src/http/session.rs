//! Who looks: found from the personal token or the session cookie of a request.

use super::app::App;
use super::error::HttpError;
use crate::actors::accounts::{access_tokens, devices, sessions};
use crate::domain::access::{PersonFacts, Reason, subscriber_access};
use crate::domain::shared::Role;
use crate::projections::subscriptions;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use warp::http::HeaderMap;
use warp::http::header::{AUTHORIZATION, COOKIE};

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account.
    pub id: Uuid,
    /// Its roles.
    pub roles: Vec<String>,
    /// Whether the mail address is confirmed.
    pub confirmed: bool,
    /// Name shown in the person's own menu.
    pub label: String,
    /// The session, as text that is not the cookie's value.
    pub session: String,
    /// Whether a deletion request is pending: then only the pages about it are open.
    pub leaving: bool,
    /// Whether the person's staff roles wait for a second factor: they do not count until then.
    pub wants_second_factor: bool,
    /// The admin who sees the site as this person does; then nothing may be changed.
    pub impersonator: Option<Uuid>,
    /// What a personal token allows; none for a session, which allows all that the person may do.
    pub scopes: Option<Vec<String>>,
    /// When the person last proved who they are.
    pub proved_at: DateTime<Utc>,
}

/// Who looks.
#[derive(Clone, Debug, Default)]
pub struct Viewer {
    /// The person, if signed in.
    pub account: Option<SignedIn>,
}

impl Viewer {
    /// Whether the person holds any of `roles`.
    #[must_use]
    pub fn has_role(&self, roles: &[&str]) -> bool {
        self.account.as_ref().is_some_and(|a| a.roles.iter().any(|r| roles.contains(&r.as_str())))
    }

    /// The account's id.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        self.account.as_ref().map(|a| a.id)
    }
}

/// Name of the cookie: with the prefix that binds it to this host and to https, except on
/// plain-http loopback outside production.
#[must_use]
pub fn cookie_name(app: &App) -> &'static str {
    if app.config.secure_cookies() { "__Host-kinora" } else { "kinora" }
}

/// The viewer of a request, by personal token or by cookie.
///
/// # Errors
/// If the token is not valid, or the sessions cannot be read: then nobody is let in.
pub async fn viewer(app: &App, headers: &HeaderMap) -> Result<Viewer, HttpError> {
    let (found, scopes) = if let Some(secret) = personal_token(headers) {
        // Whoever shows a token wants to be somebody: a wrong one is not taken for a visitor.
        let (found, scopes) = access_tokens::look_up(app, secret).await?.ok_or(HttpError::BadToken)?;
        (found, Some(scopes))
    } else {
        let Some(cookie) = cookie(headers, cookie_name(app)) else { return Ok(Viewer::default()) };
        let Some(found) = sessions::look_up(app, cookie).await? else { return Ok(Viewer::default()) };
        (found, None)
    };
    let label = match &found.display_name {
        Some(name) => app.reader.open(name).await?,
        None => None,
    };
    let wants_second_factor =
        app.config.staff_second_factor() && found.roles.has_staff() && !found.second_factor;
    // While a deletion request is pending the person is nobody but the one who may withdraw it.
    let mut roles: Vec<String> = match found.leaving {
        true => vec![],
        false => {
            let counts = |r: &&Role| !(wants_second_factor && r.is_staff());
            found.roles.0.iter().filter(counts).map(|r| <&'static str>::from(*r).to_owned()).collect()
        }
    };
    // No role by event, but what the navigation asks: whether there is something left to join.
    let facts = PersonFacts {
        confirmed: found.confirmed,
        suspended: false,
        leaving: found.leaving,
        roles: found.roles,
        complimentary: found.complimentary,
        memberships: subscriptions::memberships(&app.reader, found.account).await?,
    };
    let access = subscriber_access(Some(&facts), app.clock.now());
    if access.allowed {
        roles.push("subscriber".into());
    } else if matches!(access.reason, Reason::Resume | Reason::PayOrder(_)) {
        // Joined, but resting or with an order to pay: joining again is not the way back.
        roles.push("joined".into());
    }
    Ok(Viewer {
        account: Some(SignedIn {
            id: found.account,
            roles,
            confirmed: found.confirmed,
            label: label.unwrap_or_else(|| "your account".into()),
            session: found.handle,
            leaving: found.leaving,
            wants_second_factor,
            impersonator: found.impersonator,
            scopes,
            proved_at: found.proved_at,
        }),
    })
}

/// `Set-Cookie` for a session that was just opened.
#[must_use]
pub fn cookie_for(app: &App, opened: &sessions::Opened) -> String {
    format!(
        "{}={}; Max-Age={}{}",
        cookie_name(app),
        opened.cookie,
        opened.max_age.num_seconds(),
        attributes(app)
    )
}

/// `Set-Cookie` that makes the browser forget the session.
#[must_use]
pub fn no_cookie(app: &App) -> String {
    format!("{}=; Max-Age=0{}", cookie_name(app), attributes(app))
}

/// Name of the cookie between the two steps of signing in.
fn step_name(app: &App) -> String {
    format!("{}-step", cookie_name(app))
}

/// `Set-Cookie` for the time between the right password and the code.
#[must_use]
pub fn step_cookie(app: &App, secret: &str) -> String {
    format!("{}={secret}; Max-Age=600{}", step_name(app), attributes(app))
}

/// `Set-Cookie` that makes the browser forget it.
#[must_use]
pub fn no_step_cookie(app: &App) -> String {
    format!("{}=; Max-Age=0{}", step_name(app), attributes(app))
}

/// The secret between the two steps of signing in.
#[must_use]
pub fn step_of<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie(headers, &step_name(app)).filter(|v| !v.is_empty())
}

/// Name of the cookie by which a browser is known again. It opens nothing.
fn device_name(app: &App) -> String {
    format!("{}-device", cookie_name(app))
}

/// `Set-Cookie` that lets the browser be known again.
#[must_use]
pub fn device_cookie(app: &App, id: &str) -> String {
    format!("{}={id}; Max-Age={}{}", device_name(app), devices::REMEMBERED.num_seconds(), attributes(app))
}

/// By what the browser is known, if it signed in before.
#[must_use]
pub fn device_of<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie(headers, &device_name(app)).filter(|v| !v.is_empty())
}

/// Name of the cookie between here and the sign-in service.
fn service_name(app: &App) -> String {
    format!("{}-oidc", cookie_name(app))
}

/// `Set-Cookie` for the way to the sign-in service and back.
#[must_use]
pub fn service_cookie(app: &App, value: &str) -> String {
    format!("{}={value}; Max-Age=600{}", service_name(app), attributes(app))
}

/// `Set-Cookie` that makes the browser forget it.
#[must_use]
pub fn no_service_cookie(app: &App) -> String {
    format!("{}=; Max-Age=0{}", service_name(app), attributes(app))
}

/// What the browser holds on that way.
#[must_use]
pub fn service_of<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    cookie(headers, &service_name(app)).filter(|v| !v.is_empty())
}

/// Name of the cookie that remembers a sign-in through the service, for signing out. It opens nothing.
fn via_name(app: &App) -> String {
    format!("{}-via", cookie_name(app))
}

/// `Set-Cookie` that remembers or forgets that.
#[must_use]
pub fn via_cookie(app: &App, via: bool) -> String {
    let (value, age) = if via { ("oidc", 60 * 86_400) } else { ("", 0) };
    format!("{}={value}; Max-Age={age}{}", via_name(app), attributes(app))
}

/// Whether the browser signed in through the service.
#[must_use]
pub fn came_via_service(app: &App, headers: &HeaderMap) -> bool {
    cookie(headers, &via_name(app)).is_some_and(|v| !v.is_empty())
}

fn attributes(app: &App) -> &'static str {
    if app.config.secure_cookies() {
        "; Path=/; HttpOnly; SameSite=Lax; Secure"
    } else {
        "; Path=/; HttpOnly; SameSite=Lax"
    }
}

/// The personal token of a request. Other uses of the header (a proxy's, the scraper's) are none of ours.
fn personal_token(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = header.split_once(' ')?;
    let secret = secret.trim();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    secret.starts_with(access_tokens::PREFIX).then_some(secret)
}

/// The value of a cookie. Of several with the same name the first counts.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; xkinora=1; kinora=abc.def".parse().expect("value"));
        assert_eq!(cookie(&headers, "kinora"), Some("abc.def"));
        assert_eq!(cookie(&headers, "__Host-kinora"), None);
    }
}
