//! Personal values that were opened lately: in memory only, of a bounded number of people, and gone as soon as any
//! process removes a value or a key.
//!
//! A trigger on the vault's table tells every process whose values were removed; while a process does not hear
//! those notices (at the start, while its connection is broken, in commands of the shell) it remembers nothing.

use crate::domain::shared::PersonalRef;
use quick_cache::sync::Cache;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The channel on which the database tells whose values were removed.
pub const NOTICES: &str = "kinora_vault";

/// Who listens says so at least this often, or nothing is remembered.
const HEARING: Duration = Duration::from_secs(3);

/// A value is opened anew after so long, whatever was heard: a notice that never came does not matter for longer.
const AT_MOST: Duration = Duration::from_secs(600);

/// The values of one person: by field and version.
type Values = HashMap<(String, Uuid), Arc<Zeroizing<String>>>;

#[derive(Clone)]
struct Person {
    since: Instant,
    values: Arc<Values>,
}

struct Listening {
    /// Raised by every removal: what was read before is not remembered after it.
    round: u64,
    /// When the one who listens was last known to hear.
    heard: Option<Instant>,
}

/// What was opened lately.
pub struct Opened {
    people: Cache<Uuid, Person>,
    listening: Mutex<Listening>,
    enabled: bool,
}

impl Opened {
    /// Room for the values of `people` persons; 0: nothing is ever remembered.
    #[must_use]
    pub fn new(people: usize) -> Self {
        let listening = Mutex::new(Listening { round: 0, heard: None });
        Self { people: Cache::new(people.max(1)), listening, enabled: people > 0 }
    }

    /// Says that removals are heard now. After a time of not hearing nothing from before counts.
    pub fn hears(&self) {
        let mut listening = self.lock();
        if !is_fresh(&listening) {
            listening.round += 1;
            self.people.clear();
        }
        listening.heard = Some(Instant::now());
    }

    /// Says that removals are not heard any more.
    pub fn is_deaf(&self) {
        let mut listening = self.lock();
        listening.heard = None;
        listening.round += 1;
        self.people.clear();
    }

    /// Forgets what was opened of `subject`; of everybody if none is named.
    pub fn forget(&self, subject: Option<Uuid>) {
        let mut listening = self.lock();
        listening.round += 1;
        match subject {
            Some(subject) => {
                self.people.remove(&subject);
            }
            None => self.people.clear(),
        }
    }

    /// The number to show to [`Opened::remember`]: taken before the values are read.
    pub(super) fn round(&self) -> u64 {
        self.lock().round
    }

    /// The value, if it was opened lately.
    pub(super) fn get(&self, reference: &PersonalRef) -> Option<String> {
        if !self.enabled || !is_fresh(&self.lock()) {
            return None;
        }
        let person = self.people.get(&reference.subject)?;
        if person.since.elapsed() > AT_MOST {
            self.people.remove(&reference.subject);
            return None;
        }
        person.values.get(&(reference.field.clone(), reference.version)).map(|text| text.to_string())
    }

    /// Remembers what was opened, unless something was removed since `round` was taken.
    pub(super) fn remember(&self, round: u64, values: &HashMap<PersonalRef, String>) {
        if !self.enabled || values.is_empty() {
            return;
        }
        // Held until all is in: a removal meanwhile waits and then finds it.
        let listening = self.lock();
        if listening.round != round || !is_fresh(&listening) {
            return;
        }
        let mut fresh: HashMap<Uuid, Vec<(&PersonalRef, &String)>> = HashMap::new();
        for (reference, text) in values {
            fresh.entry(reference.subject).or_default().push((reference, text));
        }
        for (subject, values) in fresh {
            let known = self.people.get(&subject).filter(|p| p.since.elapsed() <= AT_MOST);
            let since = known.as_ref().map_or_else(Instant::now, |p| p.since);
            let mut all = known.map(|p| (*p.values).clone()).unwrap_or_default();
            for (reference, text) in values {
                let key = (reference.field.clone(), reference.version);
                all.entry(key).or_insert_with(|| Arc::new(Zeroizing::new(text.clone())));
            }
            self.people.insert(subject, Person { since, values: Arc::new(all) });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(listening: &Listening) -> bool {
    listening.heard.is_some_and(|at| at.elapsed() <= HEARING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(subject: Uuid) -> PersonalRef {
        PersonalRef { subject, field: "display_name".into(), version: Uuid::from_u128(7) }
    }

    fn of(reference: &PersonalRef) -> HashMap<PersonalRef, String> {
        HashMap::from([(reference.clone(), "Ada".to_owned())])
    }

    #[test]
    fn nothing_is_remembered_by_who_does_not_hear_of_removals() {
        let (opened, ada) = (Opened::new(8), name(Uuid::from_u128(1)));
        opened.remember(opened.round(), &of(&ada));
        assert_eq!(opened.get(&ada), None);
        opened.hears();
        opened.remember(opened.round(), &of(&ada));
        assert_eq!(opened.get(&ada).as_deref(), Some("Ada"));
        opened.is_deaf();
        assert_eq!(opened.get(&ada), None);
        opened.hears();
        assert_eq!(opened.get(&ada), None, "nor what was remembered before");
    }

    #[test]
    fn what_was_read_before_a_removal_is_not_remembered_after_it() {
        let (opened, ada, bo) = (Opened::new(8), name(Uuid::from_u128(1)), name(Uuid::from_u128(2)));
        opened.hears();
        let before = opened.round();
        opened.forget(Some(ada.subject));
        opened.remember(before, &of(&ada));
        assert_eq!(opened.get(&ada), None);
        opened.remember(opened.round(), &of(&ada));
        opened.remember(opened.round(), &of(&bo));
        opened.forget(Some(ada.subject));
        assert_eq!((opened.get(&ada), opened.get(&bo).as_deref()), (None, Some("Ada")));
        opened.forget(None);
        assert_eq!(opened.get(&bo), None);
    }

    #[test]
    fn the_number_of_people_is_bounded_and_none_means_none() {
        let opened = Opened::new(4);
        opened.hears();
        let people: Vec<PersonalRef> = (0..100).map(|n| name(Uuid::from_u128(n))).collect();
        for one in &people {
            opened.remember(opened.round(), &of(one));
        }
        let kept = people.iter().filter(|p| opened.get(p).is_some()).count();
        assert!((1..=4).contains(&kept), "{kept}");
        let none = Opened::new(0);
        none.hears();
        none.remember(none.round(), &of(&people[0]));
        assert_eq!(none.get(&people[0]), None);
    }
}
