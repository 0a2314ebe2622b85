//! Values and traits that every aggregate uses.

pub mod aggregate;
pub mod calendar;
pub mod discount;
pub mod hue;
pub mod ids;
pub mod language;
pub mod licence;
pub mod mail_address;
pub mod money;
pub mod payment;
pub mod personal;
pub mod role;
pub mod seats;
pub mod sepa;
pub mod slug;
pub mod tax;
pub mod tax_rates;
pub mod text;
pub mod vat_number;

pub use aggregate::Decider;
pub use ids::{AccountId, derive_id};
pub use language::Language;
pub use licence::Licence;
pub use mail_address::MailAddress;
pub use money::{Currency, Money};
pub use personal::{PersonalRef, PersonalValue};
pub use role::{Role, Roles};
pub use slug::Slug;
