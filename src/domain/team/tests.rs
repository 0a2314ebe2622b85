//! given / when / then for teams, and who belongs to one.

use super::*;
use crate::domain::shared::PersonalRef;
use crate::domain::shared::seats::Seats;
use chrono::{DateTime, Utc};
use cqrs_es::test::TestFramework;
use proptest::prelude::*;
use uuid::Uuid;

const OWNER: Uuid = Uuid::from_u128(0xa0);
const ANA: Uuid = Uuid::from_u128(0xa1);
const BO: Uuid = Uuid::from_u128(0xa2);

fn at() -> DateTime<Utc> {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

fn seats(most: u32) -> Seats {
    Seats { most: Some(most) }
}

fn formed(most: u32) -> TeamEvent {
    TeamEvent::TeamFormed { owner: OWNER, seats: seats(most), at: at() }
}

fn given(account: Uuid) -> TeamEvent {
    TeamEvent::SeatGiven { account, at: at() }
}

fn taken(account: Uuid, cause: SeatCause) -> TeamEvent {
    TeamEvent::SeatTaken { account, cause, at: at() }
}

fn missing(account: Uuid) -> TeamEvent {
    TeamEvent::SeatMissing { account, at: at() }
}

fn give(account: Uuid) -> TeamCommand {
    TeamCommand::GiveSeat { account, at: at() }
}

fn follow(seats: Option<Seats>) -> TeamCommand {
    TeamCommand::FollowPlan { owner: OWNER, seats, at: at() }
}

fn list() -> PersonalRef {
    PersonalRef { subject: OWNER, field: "team_list".into(), version: Uuid::nil() }
}

fn after(events: Vec<TeamEvent>) -> cqrs_es::test::AggregateTestExecutor<Team> {
    TestFramework::<Team>::with(()).given(events)
}

#[test]
fn a_team_begins_with_its_plan_and_follows_it() {
    after(vec![]).when(follow(None)).then_expect_events(vec![]);
    after(vec![]).when(follow(Some(seats(2)))).then_expect_events(vec![formed(2)]);
    after(vec![formed(2)]).when(follow(Some(seats(2)))).then_expect_events(vec![]);
    let more = TeamEvent::TeamSeatsChanged { seats: Some(seats(3)), at: at() };
    after(vec![formed(2), given(ANA), missing(BO)])
        .when(follow(Some(seats(3))))
        .then_expect_events(vec![more]);
}

#[test]
fn with_fewer_seats_who_came_last_goes_first_and_without_a_team_plan_everybody() {
    let changed = |seats| TeamEvent::TeamSeatsChanged { seats, at: at() };
    let two = vec![formed(2), given(ANA), given(BO)];
    after(two.clone())
        .when(follow(Some(seats(1))))
        .then_expect_events(vec![changed(Some(seats(1))), taken(BO, SeatCause::FewerSeats)]);
    after(two).when(follow(None)).then_expect_events(vec![
        changed(None),
        taken(ANA, SeatCause::NoTeamPlan),
        taken(BO, SeatCause::NoTeamPlan),
    ]);
    after(vec![formed(1), given(ANA), changed(None), taken(ANA, SeatCause::NoTeamPlan)])
        .when(give(ANA))
        .then_expect_error(TeamError::Missing);
}

#[test]
fn who_belongs_to_it_gets_a_seat_while_one_is_free() {
    after(vec![]).when(give(ANA)).then_expect_error(TeamError::Missing);
    after(vec![formed(1)]).when(give(OWNER)).then_expect_error(TeamError::Owner);
    after(vec![formed(1)]).when(give(ANA)).then_expect_events(vec![given(ANA)]);
    after(vec![formed(1), given(ANA)]).when(give(ANA)).then_expect_events(vec![]);
    after(vec![formed(1), given(ANA)]).when(give(BO)).then_expect_events(vec![missing(BO)]);
    // The owner is told once.
    after(vec![formed(1), given(ANA), missing(BO)]).when(give(BO)).then_expect_events(vec![]);
    let freed = taken(ANA, SeatCause::NotListed);
    after(vec![formed(1), given(ANA), missing(BO), freed]).when(give(BO)).then_expect_events(vec![given(BO)]);
    let endless = TeamEvent::TeamFormed { owner: OWNER, seats: Seats { most: None }, at: at() };
    after(vec![endless, given(ANA)]).when(give(BO)).then_expect_events(vec![given(BO)]);
}

#[test]
fn a_seat_the_owner_took_is_given_again_only_when_they_say_so() {
    let take = |cause| TeamCommand::TakeSeat { account: ANA, cause, at: at() };
    let barred = vec![formed(2), given(ANA), taken(ANA, SeatCause::TakenByOwner)];
    after(vec![formed(2), given(ANA)])
        .when(take(SeatCause::TakenByOwner))
        .then_expect_events(vec![taken(ANA, SeatCause::TakenByOwner)]);
    after(barred.clone()).when(take(SeatCause::NotListed)).then_expect_events(vec![]);
    after(barred.clone()).when(give(ANA)).then_expect_events(vec![]);
    let back = TeamCommand::Readmit { account: ANA, at: at() };
    let readmitted = TeamEvent::SeatReadmitted { account: ANA, at: at() };
    after(barred.clone()).when(back.clone()).then_expect_events(vec![readmitted.clone()]);
    let again = [barred, vec![readmitted]].concat();
    after(again.clone()).when(back).then_expect_events(vec![]);
    after(again).when(give(ANA)).then_expect_events(vec![given(ANA)]);
    after(vec![]).when(take(SeatCause::AccountErased)).then_expect_events(vec![]);
}

#[test]
fn it_goes_with_its_subscription_to_another_account_of_the_owner() {
    let go = || TeamCommand::HandOver { to: BO, at: at() };
    let moved = || TeamEvent::TeamHandedOver { from: OWNER, to: BO, at: at() };
    after(vec![]).when(go()).then_expect_events(vec![]);
    after(vec![formed(2), given(ANA)]).when(go()).then_expect_events(vec![moved()]);
    after(vec![formed(2), given(ANA), moved()]).when(go()).then_expect_events(vec![]);
    // The owner needs no seat, and whoever waits for one gets it.
    for has in [given(BO), missing(BO)] {
        after(vec![formed(2), has])
            .when(go())
            .then_expect_events(vec![moved(), taken(BO, SeatCause::OwnsTeam)]);
    }
    let without_plan = TeamEvent::TeamSeatsChanged { seats: None, at: at() };
    after(vec![formed(2), without_plan]).when(go()).then_expect_events(vec![moved()]);
    after(vec![formed(2), moved()]).when(give(BO)).then_expect_error(TeamError::Owner);
    after(vec![formed(2), moved()]).when(give(OWNER)).then_expect_events(vec![given(OWNER)]);
}

#[test]
fn a_list_names_addresses_and_one_domain_that_is_nobody_elses() {
    let list =
        TeamList::parse("Ana@Studio.example, bo@studio.example;\n cy@other.example ", " @Studio.Example")
            .unwrap();
    assert_eq!(list.addresses.len(), 3);
    assert_eq!(list.domain.as_deref(), Some("studio.example"));
    assert!(list.has("ANA@studio.example") && list.has("new@Studio.example") && list.has("cy@other.example"));
    for foreign in ["new@other.example", "new@sub.studio.example", "new@notstudio.example", "nonsense", ""] {
        assert!(!list.has(foreign), "{foreign}");
    }
    let wrong = |addresses: &str, domain: &str| TeamList::parse(addresses, domain).unwrap_err().field;
    assert_eq!(
        (wrong("ana", ""), wrong("", "gmail.com"), wrong("", "studio")),
        ("addresses", "domain", "domain")
    );
    for public in ["hotmail.nl", "yahoo.co.jp", "proton.me", "wanadoo.fr", "163.com"] {
        assert_eq!(wrong("", public), "domain", "{public}");
    }
    let many: Vec<String> = (0..=MOST_ADDRESSES).map(|n| format!("p{n}@studio.example")).collect();
    assert_eq!(wrong(&many.join("\n"), ""), "addresses");
    assert!(TeamList::parse(&many[1..].join("\n"), "").is_ok());
    assert_eq!(TeamList::parse(" \n", "").unwrap(), TeamList::default());
}

#[test]
fn seats_are_a_number_or_unlimited() {
    assert_eq!(Seats::parse(""), Ok(None));
    assert_eq!(Seats::parse(" unlimited "), Ok(Some(Seats { most: None })));
    assert_eq!(Seats::parse("100000"), Ok(Some(seats(100_000))));
    for bad in ["0", "-1", "100001", "many", "1.5"] {
        assert!(Seats::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([
        formed(5),
        TeamEvent::TeamSeatsChanged { seats: Some(Seats { most: None }), at: at() },
        TeamEvent::TeamArranged { list: list(), at: at() },
        given(ANA),
        missing(BO),
        taken(ANA, SeatCause::TakenByOwner),
        TeamEvent::SeatReadmitted { account: ANA, at: at() },
        TeamEvent::TeamHandedOver { from: OWNER, to: BO, at: at() },
    ]);
}

proptest! {
    #[test]
    fn there_are_never_more_holders_than_seats_and_nobody_holds_and_waits(
        acts in proptest::collection::vec((0_u8..7, 0_u128..8, 1_u32..5), 1..80),
    ) {
        let mut team = Team::default();
        for (act, who, most) in acts {
            let account = Uuid::from_u128(0xb0 + who);
            let command = match act {
                0 => follow(Some(seats(most))),
                1 => TeamCommand::TakeSeat { account, cause: SeatCause::NotListed, at: at() },
                2 => TeamCommand::TakeSeat { account, cause: SeatCause::TakenByOwner, at: at() },
                3 => TeamCommand::Readmit { account, at: at() },
                4 if most == 4 => follow(None),
                _ => give(account),
            };
            for event in team.decide(command).unwrap_or_default() {
                team.apply(event);
            }
            let room = team.seats().map_or(0, |s| s.most.unwrap_or(u32::MAX));
            prop_assert!(team.holders().len() <= room as usize);
            for holder in team.holders() {
                prop_assert!(!team.waiting().contains(holder) && !team.barred().contains(holder));
                prop_assert_eq!(team.holders().iter().filter(|h| *h == holder).count(), 1);
            }
        }
    }
}
