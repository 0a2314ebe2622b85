//! Settings of erasure, and of what outlives it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Erasure of accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Erasure {
    /// Days in which a deletion request can be withdrawn.
    pub grace_days: u32,
    /// Years after the end of the year of an invoice for which it is kept who it is billed to, also when the
    /// account is erased; as tax law says where the studio is.
    pub archive_years: u8,
    /// Other numbers of years, by the country whose tax is on the invoice, such as `DE = 8`.
    pub archive_years_by_country: BTreeMap<String, u8>,
}

impl Erasure {
    /// Years for which an invoice with the tax of `country` is kept after the end of its year.
    #[must_use]
    pub fn archive_years_of(&self, country: &str) -> u8 {
        self.archive_years_by_country.get(country).copied().unwrap_or(self.archive_years)
    }
}

impl Default for Erasure {
    fn default() -> Self {
        Self { grace_days: 14, archive_years: 10, archive_years_by_country: BTreeMap::new() }
    }
}
