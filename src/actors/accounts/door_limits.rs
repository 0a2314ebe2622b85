//! What a wave of registrations meets: throw-away addresses are refused, and networks, domains and
//! those who bring no proof of work have so many places an hour. Whoever is invited passes.

use super::limits::{network, take_place};
use super::register::parse_mail;
use super::{AccountsError, challenge};
use crate::actors::services::Services;
use crate::config::Registration;
use crate::domain::account::{is_disposable, is_of_any};
use crate::domain::shared::MailAddress;
use std::net::IpAddr;

/// Refuses addresses that the settings do not want.
///
/// # Errors
/// [`AccountsError::Field`] on `mail`.
pub fn check_domain(cx: &Services, mail: &MailAddress) -> Result<(), AccountsError> {
    let settings = &cx.config.accounts;
    let thrown_away = !settings.disposable_mail && is_disposable(mail);
    if thrown_away || is_of_any(mail, &settings.refused_mail_domains) {
        let words = "Use another address: the studio takes none of this mail service.";
        return Err(AccountsError::Field("mail", words.into()));
    }
    Ok(())
}

/// Whether a moderator is to look at a registration of somebody who was not invited, as far as there
/// is room for it at all.
///
/// `proof` is what the browser brought; it is used up by this.
///
/// # Errors
/// [`AccountsError::TooMany`] when network or queue have no place left.
pub async fn wants_approval(
    cx: &Services,
    door: Registration,
    mail: &str,
    proof: &str,
    address: IpAddr,
) -> Result<bool, AccountsError> {
    let limits = &cx.config.limits;
    let asks = door == Registration::Open && challenge::is_wanted(cx);
    if !asks && door != Registration::Approval {
        return Ok(false);
    }
    let now = cx.clock.now();
    let hash = |kind: &str, value: &str| cx.vault.lookup_hash(&format!("registration {kind}"), value);
    // People at the machine itself, and a proxy that does not say whom it serves, are not one network.
    if !address.to_canonical().is_loopback() {
        let bucket = hash("network", &network(address).to_string())?;
        take_place(cx, &bucket, limits.registrations_per_network, now).await?;
    }
    if !asks {
        return Ok(true);
    }
    let proved = challenge::take(cx, proof).await?;
    if proved {
        let domain = hash("domain", parse_mail(mail)?.domain())?;
        match take_place(cx, &domain, limits.registrations_per_domain, now).await {
            Ok(()) => return Ok(false),
            Err(AccountsError::TooMany(_)) => {}
            Err(other) => return Err(other),
        }
    }
    let queue = hash("unproved", "")?;
    take_place(cx, &queue, limits.registrations_unproved, now).await?;
    Ok(true)
}
