//! Grave acts ask who it is once more: what cannot be taken back, touches many, or touches money.
//!
//! [`TABLE`] is the one list of them. Nothing is lost by being asked: what was sent travels through the page
//! that asks ([`crate::http::pages::account::confirm`]) and is done as soon as the proof is right.

use super::error::HttpError;
use super::form::Form;
use super::request::Req;
use super::route::{Body, Route};
use super::ui::Errors;
use crate::actors::accounts::AccountsError;
use crate::actors::accounts::step_up::{self, Proof};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bytes::Bytes;
use warp::http::Method;

/// Field in which the form that was interrupted travels.
pub const PENDING: &str = "_pending";
/// Field that says by what somebody proves who they are: `password`, `code` or `passkey`.
pub const BY: &str = "_by";

/// Act of those who have no password to type into a form that asks for it: another proof is asked for.
pub const BY_PROOF: &str = "by-proof";

/// Which uses of an address are grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// Those whose form has one of these values in the field `act`.
    Acts(&'static [&'static str]),
}

/// One grave address.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its method.
    pub method: &'static str,
    /// Its pattern, as in the table of addresses.
    pub path: &'static str,
    /// Which uses of it.
    pub when: When,
    /// What it is about, as the page that asks says it: "You are about to …".
    pub what: &'static str,
}

const fn post(path: &'static str, when: When, what: &'static str) -> Rule {
    Rule { method: "POST", path, when, what }
}

const fn get(path: &'static str, what: &'static str) -> Rule {
    Rule { method: "GET", path, when: When::Always, what }
}

/// Acts of the pages of one person that give or take rights.
const RIGHTS: When = When::Acts(&["grant", "revoke", "complimentary", "end-complimentary"]);
/// The same at the moderators' desk, where a deletion can be asked for as well.
const DESK: When = When::Acts(&["grant", "revoke", "complimentary", "end-complimentary", "delete"]);
/// Acts on a subscription that cost somebody money, or end what was paid for.
const MONEY: When =
    When::Acts(&["bill-missed", "waive-missed", "retry-now", "waive", "extend", "plan", "pause", "end-now"]);

/// All grave acts. What asks for the password in its own form (mail address, password, second factor, passkeys,
/// linking a service, deletion) is not here: nobody is asked twice.
pub const TABLE: &[Rule] = &[
    post("/account/tokens", When::Always, "make a token that acts in your name"),
    post("/account/export", When::Always, "ask for a copy of all your data"),
    post("/account/deletion", When::Acts(&[BY_PROOF]), "ask for your account to be deleted"),
    get("/account/export/{id}", "fetch a copy of all your data"),
    post("/moderation/people/{id}", DESK, "give or take rights, or ask for a deletion"),
    post("/billing/people/{id}", RIGHTS, "give or take rights"),
    post("/billing/people/{id}/merge", When::Always, "merge two accounts"),
    post("/billing/people/{id}/subscription", When::Always, "start a subscription for somebody"),
    post("/moderation/people/{id}/view-as", When::Always, "see the site as somebody else does"),
    post("/moderation/registrations", When::Acts(&["refuse"]), "refuse people, who are then erased"),
    post("/moderation/registrations/door", When::Always, "open or close registration"),
    post("/moderation/waves", When::Always, "suspend many accounts at once"),
    post("/moderation/waves/{id}/undo", When::Always, "let many accounts back in"),
    post("/studio/hand-over", When::Always, "give works to another owner"),
    post("/billing/orders/{id}/refund", When::Always, "give money back"),
    post("/billing/refunds/{id}", When::Always, "decide about money that goes back"),
    post("/billing/credits/{account}/pay-out", When::Always, "pay a credit out"),
    post("/billing/credits/{account}/sent", When::Always, "say that a credit was paid out"),
    post("/billing/approvals/{id}", When::Always, "decide about money or time that is given"),
    post("/billing/orders/{id}/credit", When::Always, "use a member's credit"),
    post("/billing/orders/{id}/paid", When::Always, "book a payment by hand"),
    post("/billing/orders/{id}/outcome", When::Always, "say what became of a payment"),
    post("/account/payment-methods/mandate", When::Always, "let money be collected from your bank account"),
    post("/billing/direct-debits", When::Always, "collect money from bank accounts"),
    get("/billing/direct-debits/{id}/file", "save account numbers of members"),
    get("/billing/bank", "book the payments of a bank statement"),
    post("/billing/bank", When::Always, "book the payments of a bank statement"),
    post("/billing/subscriptions/{id}", MONEY, "change what somebody pays or gets"),
    post("/billing/plans", When::Always, "change what is sold"),
    post("/billing/plans/{plan}", When::Always, "change what is sold"),
    post("/billing/plans/{plan}/prices", When::Always, "change prices"),
    post("/billing/plans/{plan}/prices/{variation}/withdraw", When::Always, "change prices"),
    post("/billing/plans/{plan}/price-change", When::Always, "change what many members pay"),
    post("/billing/tax-rates", When::Always, "change a tax rate"),
    post("/billing/coupons", When::Always, "make a coupon"),
    post("/billing/invoices/{number}/reissue", When::Always, "issue an invoice anew"),
    post("/billing/gifts/{id}/withdraw", When::Always, "take a gift back"),
];

/// The rule for an address, if it is in the table.
#[must_use]
pub fn rule(method: &Method, path: &str) -> Option<&'static Rule> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    TABLE.iter().find(|rule| rule.method == method.as_str() && rule.path == path)
}

/// Lets a request through that is not grave, or whose sender has proved lately who they are. A proof that
/// comes with the request is checked, and what was interrupted takes its place.
///
/// # Errors
/// [`HttpError::StepUp`] with what was wrong with a proof, if there was one.
pub(super) async fn admit(route: &Route, req: &mut Req) -> Result<(), HttpError> {
    let Some(rule) = route.step_up else { return Ok(()) };
    let Some(valid) = req.app.config.step_up() else { return Ok(()) };
    let reads = rule.method == "GET";
    let form = if reads || route.body == Body::Stream { Form::default() } else { req.form().await? };
    if form.has(PENDING) {
        if form.has(BY) {
            prove(req, &form).await?;
        }
        take_up(req, form.raw(PENDING))?;
    }
    let form = req.form.clone().unwrap_or_default();
    let grave = match rule.when {
        When::Always => true,
        When::Acts(acts) => acts.contains(&form.get("act")),
    };
    let now = req.now();
    let fresh = now - req.account()?.proved_at < valid;
    if grave && !fresh { Err(HttpError::StepUp(Errors::none())) } else { Ok(()) }
}

/// Checks the proof in a form, and remembers it.
///
/// # Errors
/// [`HttpError::StepUp`] with what is wrong with it.
pub async fn prove(req: &mut Req, form: &Form) -> Result<(), HttpError> {
    let proof = match form.get(BY) {
        "code" => Proof::Code(form.get("proof_code")),
        "passkey" => Proof::Passkey { token: form.get("token"), answer: form.get("credential") },
        _ => Proof::Password(form.raw("proof_password")),
    };
    let (account, handle) = (req.account()?.id, req.account()?.session.clone());
    match step_up::prove(&req.app, req.meta(), (account, &handle), proof).await {
        Ok(()) => {
            let now = req.now();
            if let Some(account) = &mut req.viewer.account {
                account.proved_at = now;
            }
            Ok(())
        }
        Err(AccountsError::Store(error)) => Err(error.into()),
        Err(AccountsError::Busy) => Err(HttpError::busy()),
        Err(error) => {
            let field = match &error {
                AccountsError::WrongPassword | AccountsError::NoPassword => "proof_password",
                AccountsError::Field("code", _) => "proof_code",
                _ => "",
            };
            let words = match error {
                AccountsError::Field(_, words) => words,
                other => other.to_string(),
            };
            Err(HttpError::StepUp(Errors::one(field, words)))
        }
    }
}

/// The form that was interrupted, as the page that asks carries it.
pub async fn pending(req: &mut Req) -> Result<String, HttpError> {
    let form = req.form().await?;
    Ok(match form.raw(PENDING) {
        "" => BASE64.encode(req.bytes().await?),
        carried => carried.to_owned(),
    })
}

/// Puts it back in its place. It is what a browser sent before and can be no more than what it may send now:
/// the handler checks it as ever, and the token of the session was checked with the form around it.
fn take_up(req: &mut Req, carried: &str) -> Result<(), HttpError> {
    let broken =
        || HttpError::BadRequest("This form was damaged on its way. Go back and send it again.".into());
    let raw = Bytes::from(BASE64.decode(carried).map_err(|_| broken())?);
    req.form = Some(Form::parse(&raw));
    req.raw = Some(raw);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::route::Access;
    use crate::http::routes;

    #[test]
    fn every_rule_is_about_an_address_that_knows_who_asks() {
        let all = routes::all();
        for rule in TABLE {
            let route = all.iter().find(|r| r.method.as_str() == rule.method && r.path == rule.path);
            let route = route.unwrap_or_else(|| panic!("{} {} is no address", rule.method, rule.path));
            assert_ne!(route.access, Access::Anyone, "{}", rule.path);
            assert!(route.scope.is_none(), "{}: programs have nobody to ask", rule.path);
            assert!(route.step_up.is_some());
            // A file cannot be carried through: its page asks before it is chosen.
            let page = TABLE.iter().any(|r| r.method == "GET" && r.path == rule.path);
            assert!(route.body == Body::Small || page, "{}", rule.path);
        }
        let guarded = all.iter().filter(|r| r.step_up.is_some()).count();
        assert_eq!(guarded, TABLE.len());
        assert!(
            rule(&Method::HEAD, "/billing/bank").is_some() && rule(&Method::GET, "/billing/plans").is_none()
        );
    }
}
