use super::{TaxBookCommand, TaxBookError, TaxBookEvent};
use crate::domain::shared::derive_id;
use crate::domain::shared::tax::Country;
use crate::domain::shared::tax_rates::{HIGHEST_RATE, RateTable};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The book of tax rates as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TaxBook {
    rates: RateTable,
}

/// The one book of an instance.
#[must_use]
pub fn book_id() -> Uuid {
    derive_id("tax-book", "standard")
}

impl TaxBook {
    /// All rates.
    #[must_use]
    pub const fn rates(&self) -> &RateTable {
        &self.rates
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: TaxBookCommand) -> Result<Vec<TaxBookEvent>, TaxBookError> {
        match command {
            TaxBookCommand::Add { country, from, basis_points, today, at } => {
                sensible(country, basis_points)?;
                match self.rates.beginning(country, from) {
                    Some(same) if same == basis_points => return Ok(vec![]),
                    Some(_) if from > today => return Err(TaxBookError::Exists),
                    _ => {}
                }
                to_come(from, today)?;
                let previous = self.rates.rate(country, from).map(|(rate, _)| rate);
                if previous == Some(basis_points) {
                    return Err(TaxBookError::Same);
                }
                Ok(vec![TaxBookEvent::TaxRateAdded { country, from, basis_points, previous, at }])
            }
            TaxBookCommand::Correct { country, from, basis_points, today, at } => {
                sensible(country, basis_points)?;
                let previous = self.rates.beginning(country, from).ok_or(TaxBookError::Missing)?;
                if previous == basis_points {
                    return Ok(vec![]);
                }
                to_come(from, today)?;
                if self.before(country, from) == Some(basis_points) {
                    return Err(TaxBookError::Same);
                }
                Ok(vec![TaxBookEvent::TaxRateCorrected { country, from, basis_points, previous, at }])
            }
            TaxBookCommand::Withdraw { country, from, today, at } => {
                to_come(from, today)?;
                let basis_points = self.rates.beginning(country, from).ok_or(TaxBookError::Missing)?;
                Ok(vec![TaxBookEvent::TaxRateWithdrawn { country, from, basis_points, at }])
            }
        }
    }

    /// What counts on the day before.
    fn before(&self, country: Country, from: NaiveDate) -> Option<u32> {
        self.rates.rate(country, from.pred_opt()?).map(|(rate, _)| rate)
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: TaxBookEvent) {
        let (country, from, _, after) = event.change();
        self.rates.set(country, from, after);
    }
}

fn sensible(country: Country, basis_points: u32) -> Result<(), TaxBookError> {
    if !country.is_offered() {
        return Err(TaxBookError::Country);
    }
    if basis_points == 0 || basis_points > HIGHEST_RATE {
        return Err(TaxBookError::Rate);
    }
    Ok(())
}

fn to_come(from: NaiveDate, today: NaiveDate) -> Result<(), TaxBookError> {
    if from > today { Ok(()) } else { Err(TaxBookError::Past) }
}
