use super::{PlanCommand, PlanError, PlanEvent};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::Interval;
use crate::domain::shared::payment::Collection;
use crate::domain::shared::seats::Seats;
use crate::domain::shared::text::is_of_a_name;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Longest trial in days.
pub const LONGEST_TRIAL: u16 = 366;

/// One price of a plan with its terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variation {
    /// Its id.
    pub id: Uuid,
    /// Price including tax.
    pub price: Money,
    /// How long one period lasts.
    pub interval: Interval,
    /// Who sees to the payment.
    pub collection: Collection,
    /// Offered first in its currency.
    pub default: bool,
    /// Days before the first payment, for who joins for the first time; 0: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trial_days: u16,
    /// Seats, for a team; none: for one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<Seats>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(days: &u16) -> bool {
    *days == 0
}

/// A plan as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    name: Option<String>,
    summary: String,
    sold: BTreeMap<Uuid, Variation>,
    withdrawn: BTreeMap<Uuid, Variation>,
    /// What those who have a price will be asked instead.
    changes: BTreeMap<Uuid, PriceMove>,
}

/// Another price for those who have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceMove {
    /// The price they will have.
    pub to: Variation,
    /// Periods that begin on this day or later cost it.
    pub on: NaiveDate,
    /// Days of notice that members have at least.
    pub notice_days: u16,
}

/// Name and sentence as they are kept. What nobody sees could make one plan look like another.
fn described(name: &str, summary: &str) -> Result<(String, String), PlanError> {
    let (name, summary) = (name.trim(), summary.trim());
    if name.is_empty() || name.chars().count() > 80 || !name.chars().all(is_of_a_name) {
        return Err(PlanError::Name);
    }
    if summary.chars().count() > 200 || !summary.chars().all(is_of_a_name) {
        return Err(PlanError::Summary);
    }
    Ok((name.to_owned(), summary.to_owned()))
}

impl Plan {
    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: PlanCommand) -> Result<Vec<PlanEvent>, PlanError> {
        match command {
            PlanCommand::Create { name, summary, at } => {
                let (name, summary) = described(&name, &summary)?;
                match &self.name {
                    None => Ok(vec![PlanEvent::PlanCreated { name, summary, at }]),
                    Some(old) if *old == name && self.summary == summary => Ok(vec![]),
                    Some(_) => Err(PlanError::Exists),
                }
            }
            PlanCommand::Describe { name, summary, at } => {
                let (name, summary) = described(&name, &summary)?;
                match &self.name {
                    None => Err(PlanError::Missing),
                    Some(old) if *old == name && self.summary == summary => Ok(vec![]),
                    Some(_) => Ok(vec![PlanEvent::PlanDescribed { name, summary, at }]),
                }
            }
            PlanCommand::AddVariation { variation, at } => self.add(variation, at),
            PlanCommand::WithdrawVariation { variation, at } => {
                if self.withdrawn.contains_key(&variation) {
                    return Ok(vec![]);
                }
                if !self.sold.contains_key(&variation) {
                    return Err(PlanError::NoVariation);
                }
                Ok(vec![PlanEvent::PlanVariationWithdrawn { variation, at }])
            }
            PlanCommand::ChangePrice { from, to, on, notice_days, today, at } => {
                self.change_price((from, to), on, (notice_days, today), at)
            }
        }
    }

    /// What those who have `variation` will be asked instead.
    #[must_use]
    pub fn price_move(&self, variation: Uuid) -> Option<&PriceMove> {
        self.changes.get(&variation)
    }

    fn change_price(
        &self,
        (from, to): (Uuid, Uuid),
        on: NaiveDate,
        (notice_days, today): (u16, NaiveDate),
        at: DateTime<Utc>,
    ) -> Result<Vec<PlanEvent>, PlanError> {
        let sold = self.sold.get(&from);
        let (Some(old), Some(new)) = (sold.or_else(|| self.withdrawn.get(&from)), self.sold.get(&to)) else {
            return Err(PlanError::NoVariation);
        };
        if self.changes.get(&from).is_some_and(|c| c.to.id == to && c.on == on) {
            return Ok(vec![]);
        }
        let terms = |v: &Variation| (v.price.currency, v.interval, v.collection, v.seats);
        if from == to || terms(old) != terms(new) {
            return Err(PlanError::OtherTerms);
        }
        let first = today + Days::new(u64::from(notice_days));
        if on < first {
            return Err(PlanError::TooSoon { days: notice_days, first });
        }
        let announced = PlanEvent::PlanPriceChangeAnnounced { from, to, on, notice_days, at };
        let withdrawn = sold.map(|v| PlanEvent::PlanVariationWithdrawn { variation: v.id, at });
        Ok([announced].into_iter().chain(withdrawn).collect())
    }

    fn add(&self, variation: Variation, at: DateTime<Utc>) -> Result<Vec<PlanEvent>, PlanError> {
        if self.name.is_none() {
            return Err(PlanError::Missing);
        }
        if variation.price.minor <= 0 {
            return Err(PlanError::Price);
        }
        if variation.trial_days > LONGEST_TRIAL {
            return Err(PlanError::Trial);
        }
        if let Some(old) = self.sold.get(&variation.id).or_else(|| self.withdrawn.get(&variation.id)) {
            let same_terms = Variation { default: variation.default, ..old.clone() } == variation;
            return if same_terms { Ok(vec![]) } else { Err(PlanError::VariationExists) };
        }
        let before = self
            .sold
            .values()
            .find(|v| v.default && v.price.currency == variation.price.currency)
            .map(|v| v.id);
        let to = variation.id;
        let moved = before.filter(|_| variation.default).map(|from| PlanEvent::PlanDefaultMoved { from, to });
        Ok([PlanEvent::PlanVariationAdded { variation, at }].into_iter().chain(moved).collect())
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: PlanEvent) {
        match event {
            PlanEvent::PlanCreated { name, summary, .. } | PlanEvent::PlanDescribed { name, summary, .. } => {
                self.name = Some(name);
                self.summary = summary;
            }
            PlanEvent::PlanVariationAdded { variation, .. } => {
                self.sold.insert(variation.id, variation);
            }
            PlanEvent::PlanDefaultMoved { from, .. } => {
                if let Some(old) = self.sold.get_mut(&from) {
                    old.default = false;
                }
            }
            PlanEvent::PlanVariationWithdrawn { variation, .. } => {
                if let Some(old) = self.sold.remove(&variation) {
                    self.withdrawn.insert(variation, old);
                }
            }
            PlanEvent::PlanPriceChangeAnnounced { from, to, on, notice_days, .. } => {
                if let Some(to) = self.sold.get(&to).cloned() {
                    self.changes.insert(from, PriceMove { to, on, notice_days });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shared::Currency;
    use cqrs_es::test::TestFramework;

    fn at() -> chrono::DateTime<chrono::Utc> {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    fn variation(id: u128, minor: i64) -> Variation {
        Variation {
            id: Uuid::from_u128(id),
            price: Money::new(minor, Currency::eur()),
            interval: Interval::monthly(),
            collection: Collection::Automatic,
            default: true,
            trial_days: 0,
            seats: None,
        }
    }

    fn created() -> PlanEvent {
        PlanEvent::PlanCreated { name: "Studio".into(), summary: "All films".into(), at: at() }
    }

    fn given(events: Vec<PlanEvent>) -> cqrs_es::test::AggregateTestExecutor<Plan> {
        TestFramework::<Plan>::with(()).given(events)
    }

    #[test]
    fn a_plan_is_created_once() {
        let create =
            |name: &str| PlanCommand::Create { name: name.into(), summary: "All films".into(), at: at() };
        given(vec![]).when(create(" Studio ")).then_expect_events(vec![created()]);
        given(vec![created()]).when(create("Studio")).then_expect_events(vec![]);
        given(vec![created()]).when(create("Other")).then_expect_error(PlanError::Exists);
        given(vec![]).when(create("  ")).then_expect_error(PlanError::Name);
    }

    #[test]
    fn a_newer_default_takes_over_and_prices_are_never_changed_in_place() {
        let add = |v: Variation| PlanCommand::AddVariation { variation: v, at: at() };
        let added = PlanEvent::PlanVariationAdded { variation: variation(1, 1150), at: at() };
        given(vec![created()]).when(add(variation(1, 1150))).then_expect_events(vec![added.clone()]);
        given(vec![created(), added.clone()]).when(add(variation(1, 1150))).then_expect_events(vec![]);
        given(vec![created(), added.clone()])
            .when(add(variation(1, 1250)))
            .then_expect_error(PlanError::VariationExists);
        given(vec![created(), added]).when(add(variation(2, 1250))).then_expect_events(vec![
            PlanEvent::PlanVariationAdded { variation: variation(2, 1250), at: at() },
            PlanEvent::PlanDefaultMoved { from: Uuid::from_u128(1), to: Uuid::from_u128(2) },
        ]);
        let trial = |days| Variation { trial_days: days, ..variation(4, 1150) };
        given(vec![created()]).when(add(trial(367))).then_expect_error(PlanError::Trial);
        let added = PlanEvent::PlanVariationAdded { variation: trial(366), at: at() };
        given(vec![created()]).when(add(trial(366))).then_expect_events(vec![added]);
        given(vec![created()]).when(add(variation(3, 0))).then_expect_error(PlanError::Price);
        given(vec![]).when(add(variation(3, 5))).then_expect_error(PlanError::Missing);
    }

    #[test]
    fn a_withdrawn_price_is_gone_for_new_members_only() {
        let added = PlanEvent::PlanVariationAdded { variation: variation(1, 1150), at: at() };
        let withdraw = PlanCommand::WithdrawVariation { variation: Uuid::from_u128(1), at: at() };
        let withdrawn = PlanEvent::PlanVariationWithdrawn { variation: Uuid::from_u128(1), at: at() };
        given(vec![created(), added.clone()])
            .when(withdraw.clone())
            .then_expect_events(vec![withdrawn.clone()]);
        given(vec![created(), added, withdrawn]).when(withdraw.clone()).then_expect_events(vec![]);
        given(vec![created()]).when(withdraw).then_expect_error(PlanError::NoVariation);
    }

    #[test]
    fn those_who_have_a_price_are_asked_another_one_with_notice() {
        let added = |v| PlanEvent::PlanVariationAdded { variation: v, at: at() };
        let plan = vec![created(), added(variation(1, 1150)), added(variation(2, 1250))];
        let day = |d: &str| d.parse().unwrap();
        let (from, to) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = (at().date_naive() + Days::new(30)).to_string();
        let change = |from, to, on: &str| PlanCommand::ChangePrice {
            from,
            to,
            on: day(on),
            notice_days: 30,
            today: at().date_naive(),
            at: at(),
        };
        let announced =
            PlanEvent::PlanPriceChangeAnnounced { from, to, on: day(&first), notice_days: 30, at: at() };
        let gone = PlanEvent::PlanVariationWithdrawn { variation: from, at: at() };
        given(plan.clone())
            .when(change(from, to, &first))
            .then_expect_events(vec![announced.clone(), gone.clone()]);
        let early = (at().date_naive() + Days::new(29)).to_string();
        given(plan.clone())
            .when(change(from, to, &early))
            .then_expect_error(PlanError::TooSoon { days: 30, first: day(&first) });
        given(plan.clone()).when(change(from, from, &first)).then_expect_error(PlanError::OtherTerms);
        let yearly = Variation { interval: Interval::yearly(), ..variation(3, 9000) };
        let with_yearly = [plan.clone(), vec![added(yearly)]].concat();
        given(with_yearly)
            .when(change(from, Uuid::from_u128(3), &first))
            .then_expect_error(PlanError::OtherTerms);
        // Twice is once; a price that is sold no more can still be moved from, not to.
        let done = [plan, vec![announced, gone]].concat();
        given(done.clone()).when(change(from, to, &first)).then_expect_events(vec![]);
        given(done).when(change(to, from, &first)).then_expect_error(PlanError::NoVariation);
    }

    #[test]
    fn events_keep_their_form() {
        insta::assert_json_snapshot!([
            created(),
            PlanEvent::PlanVariationAdded { variation: variation(1, 1150), at: at() },
            PlanEvent::PlanDefaultMoved { from: Uuid::from_u128(1), to: Uuid::from_u128(2) },
            PlanEvent::PlanVariationWithdrawn { variation: Uuid::from_u128(1), at: at() },
            PlanEvent::PlanPriceChangeAnnounced {
                from: Uuid::from_u128(1),
                to: Uuid::from_u128(2),
                on: at().date_naive(),
                notice_days: 30,
                at: at()
            },
        ]);
    }

    #[test]
    fn name_and_sentence_can_be_corrected_and_hide_nothing() {
        let created = || PlanEvent::PlanCreated { name: "Stdio".into(), summary: "All".into(), at: at() };
        let describe = |name: &str, summary: &str| PlanCommand::Describe {
            name: name.into(),
            summary: summary.into(),
            at: at(),
        };
        let given = || TestFramework::<Plan>::with(()).given(vec![created()]);
        given().when(describe(" Studio ", "All films")).then_expect_events(vec![PlanEvent::PlanDescribed {
            name: "Studio".into(),
            summary: "All films".into(),
            at: at(),
        }]);
        given().when(describe("Stdio", "All")).then_expect_events(vec![]);
        given().when(describe("Stu\u{202e}dio", "All")).then_expect_error(PlanError::Name);
        given().when(describe("Studio", "All\u{0007}")).then_expect_error(PlanError::Summary);
        TestFramework::<Plan>::with(())
            .given_no_previous_events()
            .when(describe("Studio", "All"))
            .then_expect_error(PlanError::Missing);
    }
}
