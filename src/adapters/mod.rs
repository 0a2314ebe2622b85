//! The outside: mail, gateways, stores. Each adapter speaks one protocol and knows no events.

pub mod bank_statement;
pub mod bucket;
pub mod direct_debit;
pub mod ecb_rates;
pub mod fetch;
pub mod gateways;
pub mod geoip;
pub mod https;
pub mod mail_folder;
pub mod meilisearch;
pub mod oidc;
pub mod sentry;
pub mod smtp;
pub mod status_report;
pub mod vies;
