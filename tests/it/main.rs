//! The one integration binary: everything that needs more than one room, or the outside.

// The lints except functions marked as tests, not the helpers that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod api;
mod architecture;
mod audit;
mod backup;
mod bank;
mod billing;
mod billing_pages;
mod canaries;
mod comments;
mod crash;
mod data_export;
mod deploy;
mod devices;
mod digests;
mod disputes;
mod erasure;
mod exactly_once;
mod forgeries;
mod front;
mod journal;
mod killed;
mod leaks;
mod media;
mod member_acts;
mod numbers;
mod oidc;
mod papers;
mod passkeys;
mod prices;
mod profile_webhook;
mod reference;
mod refunds;
mod registration;
mod reports;
mod rights;
mod running;
mod search;
mod second_factor;
mod security;
mod shared_links;
mod staff_acts;
mod store;
mod stripe;
mod studio;
mod support;
mod tax_rates;
mod teams;
mod vat;
mod watching;
mod years;
