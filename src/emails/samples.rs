//! One mail of every kind and form with made-up amounts and days: for staff who want to read what the studio
//! sends before it sends it, and for the tests.

use super::{Mail, MailKind, Studio};
use serde::Deserialize;

const ACCOUNT: &str = include_str!("samples.json");
const MONEY: &str = include_str!("billing/samples.json");
/// What stands in a sample, and in what staff read, where the mail itself carries a secret.
pub const NO_SECRET: &str = "only-in-the-mail-itself";

/// A mail that could be sent.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// Its name, such as `renewed`: of the kind, and of the form where a kind has several.
    pub name: String,
    /// What it is about.
    pub mail: MailKind,
}

impl Sample {
    /// Its name in words.
    #[must_use]
    pub fn words(&self) -> String {
        in_words(&self.name)
    }

    /// As it would be sent to somebody called `name`.
    #[must_use]
    pub fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        self.mail.render(studio, name, NO_SECRET)
    }
}

/// All of them: those about an account first, then those about money.
///
/// # Errors
/// If the samples are not in the form that the queue has.
pub fn all() -> Result<Vec<Sample>, serde_json::Error> {
    let mut all: Vec<Sample> = serde_json::from_str(ACCOUNT)?;
    all.extend(serde_json::from_str::<Vec<Sample>>(MONEY)?);
    Ok(all)
}

/// A name of a kind, such as `plan_kept`, for people.
#[must_use]
pub fn in_words(name: &str) -> String {
    let plain = name.replace('_', " ");
    let mut letters = plain.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_kind_has_a_sample_that_waits_in_the_queue_as_it_is() {
        let all = all().unwrap();
        let names: BTreeSet<&str> = all.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names.len(), all.len(), "no name twice");
        let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for sample in &all {
            let json = serde_json::to_value(&sample.mail).unwrap();
            assert_eq!(
                serde_json::from_value::<MailKind>(json.clone()).unwrap(),
                sample.mail,
                "{}",
                sample.name
            );
            let word = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
            seen.entry(word("kind")).or_default().insert(word("about"));
        }
        // A kind that there is not is refused with the names of all that there are.
        let missing = |kind: Value, seen: BTreeSet<&str>| {
            let told = serde_json::from_value::<MailKind>(kind).unwrap_err().to_string();
            let known: BTreeSet<String> = told.split('`').skip(3).step_by(2).map(str::to_owned).collect();
            assert!(known.len() > 3, "{told}");
            known.into_iter().filter(|k| !seen.contains(k.as_str())).collect::<Vec<_>>()
        };
        let kinds = seen.keys().map(String::as_str).collect();
        assert_eq!(missing(serde_json::json!({"kind": "?"}), kinds), Vec::<String>::new());
        for kind in ["billing", "gift"] {
            let abouts = seen[kind].iter().map(String::as_str).collect();
            assert_eq!(
                missing(serde_json::json!({"kind": kind, "about": "?"}), abouts),
                Vec::<String>::new(),
                "{kind}"
            );
        }
    }
}
