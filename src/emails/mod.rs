//! Mails: one file each, with subject, text and HTML. The text is written first; the HTML says the
//! same with one button. Nothing here knows an address: it is supplied when the mail is sent.

pub mod accounts_merged;
pub mod already_registered;
pub mod approved;
pub mod billing;
mod comment_answered;
pub mod confirm;
pub mod deletion_blocked;
pub mod deletion_completed;
pub mod deletion_requested;
pub mod deletion_withdrawn;
pub mod digest;
pub mod export_ready;
pub mod gift;
pub mod impersonated;
pub mod kind;
pub mod layout;
pub mod mail_change;
pub mod mail_changed;
pub mod new_device;
pub mod password_changed;
pub mod reset;
pub mod samples;
pub mod second_factor;
pub mod sign_in_service;
mod team;
#[cfg(test)]
mod tests;

pub use kind::{MailKind, TokenPurpose};
pub use layout::{Letter, Mail, Studio};
