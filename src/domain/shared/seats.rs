//! Seats: how many people a team plan is for.

use serde::{Deserialize, Serialize};

/// Seats of a team plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seats {
    /// How many; none: as many as belong to the team.
    pub most: Option<u32>,
}

/// Most seats that a plan may name.
pub const MOST_SEATS: u32 = 100_000;

impl Seats {
    /// Reads what staff type: a number, or `unlimited`; nothing: no team plan.
    ///
    /// # Errors
    /// In words for the person who typed it.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        match text.trim().to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "unlimited" => Ok(Some(Self { most: None })),
            number => match number.parse() {
                Ok(most) if (1..=MOST_SEATS).contains(&most) => Ok(Some(Self { most: Some(most) })),
                _ => Err(format!(
                    "Enter a number of seats from 1 to {MOST_SEATS}, or the word unlimited, or nothing."
                )),
            },
        }
    }

    /// "5 seats", "unlimited seats".
    #[must_use]
    pub fn words(self) -> String {
        match self.most {
            Some(1) => "1 seat".into(),
            Some(n) => format!("{n} seats"),
            None => "unlimited seats".into(),
        }
    }

    /// Whether one more person has room beside `taken` others.
    #[must_use]
    pub fn has_room(self, taken: usize) -> bool {
        self.most.is_none_or(|most| taken < most as usize)
    }
}
