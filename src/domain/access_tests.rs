//! The table of `content-and-access` as a test: every kind of person against every kind of work.

use super::*;
use chrono::TimeDelta;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn member() -> PersonFacts {
    PersonFacts { confirmed: true, ..PersonFacts::default() }
}

fn with_role(role: Role) -> PersonFacts {
    PersonFacts { roles: [role].into_iter().collect(), ..member() }
}

fn with(memberships: &[Membership]) -> PersonFacts {
    PersonFacts { memberships: memberships.to_vec(), ..member() }
}

fn complimentary(until: Option<DateTime<Utc>>) -> PersonFacts {
    PersonFacts { complimentary: Some(Complimentary { until }), ..member() }
}

fn work(publication: Publication, free: bool, own: bool) -> WorkFacts {
    WorkFacts { publication, free, own }
}

fn published(free: bool) -> WorkFacts {
    work(Publication::From(now() - TimeDelta::days(1)), free, false)
}

/// Everybody who is told apart, with the answer for a published work that is not free.
fn people() -> Vec<(&'static str, Option<PersonFacts>, Decision)> {
    let (yes, no) = (Decision::yes, Decision::no);
    let order = Uuid::from_u128(4);
    let tomorrow = now() + TimeDelta::days(1);
    vec![
        ("visitor", None, no(Reason::SignIn)),
        ("member", Some(member()), no(Reason::Join)),
        ("unconfirmed", Some(PersonFacts::default()), no(Reason::ConfirmMail)),
        ("subscriber", Some(with(&[Membership::Giving])), yes(Reason::Subscription)),
        (
            "subscriber with an old one on hold",
            Some(with(&[Membership::OnHold { order: None }, Membership::Giving])),
            yes(Reason::Subscription),
        ),
        (
            "on hold",
            Some(with(&[Membership::OnHold { order: Some(order) }])),
            no(Reason::PayOrder(Some(order))),
        ),
        ("paused", Some(with(&[Membership::Paused])), no(Reason::Resume)),
        ("seat in a lapsed team", Some(with(&[Membership::SeatWithoutAccess])), no(Reason::AskTeamOwner)),
        ("creator", Some(with_role(Role::Creator)), yes(Reason::Role(Role::Creator))),
        ("editor", Some(with_role(Role::Editor)), yes(Reason::Role(Role::Editor))),
        ("moderator", Some(with_role(Role::Moderator)), yes(Reason::Role(Role::Moderator))),
        ("admin", Some(with_role(Role::Admin)), yes(Reason::Role(Role::Admin))),
        ("billing", Some(with_role(Role::Billing)), no(Reason::Join)),
        ("operator", Some(with_role(Role::Operator)), no(Reason::Join)),
        ("complimentary", Some(complimentary(None)), yes(Reason::Complimentary(None))),
        (
            "complimentary until tomorrow",
            Some(complimentary(Some(tomorrow))),
            yes(Reason::Complimentary(Some(tomorrow))),
        ),
        ("complimentary until now", Some(complimentary(Some(now()))), no(Reason::Join)),
        (
            "suspended subscriber",
            Some(PersonFacts { suspended: true, ..with(&[Membership::Giving]) }),
            no(Reason::Suspended),
        ),
        (
            "leaving subscriber",
            Some(PersonFacts { leaving: true, ..with(&[Membership::Giving]) }),
            no(Reason::Leaving),
        ),
        (
            "suspended creator",
            Some(PersonFacts { suspended: true, ..with_role(Role::Creator) }),
            no(Reason::Suspended),
        ),
    ]
}

#[test]
fn what_is_published_and_not_free() {
    for (who, person, expected) in people() {
        assert_eq!(may_watch(person.as_ref(), &published(false), now()), expected, "{who}");
        assert_eq!(subscriber_access(person.as_ref(), now()), expected, "{who}");
    }
}

#[test]
fn what_is_published_and_free_is_for_everybody_and_every_page_is_public() {
    for (who, person, _) in people() {
        assert_eq!(may_watch(person.as_ref(), &published(true), now()), Decision::yes(Reason::Free), "{who}");
        for free in [true, false] {
            assert!(may_see(person.as_ref(), &published(free), now()).allowed, "{who}");
        }
    }
}

#[test]
fn drafts_and_scheduled_works_exist_for_their_creators_and_editors_only() {
    let tomorrow = Publication::From(now() + TimeDelta::days(1));
    for publication in [Publication::Draft, tomorrow] {
        for free in [true, false] {
            for (who, person, _) in people() {
                for own in [true, false] {
                    let expected = match who {
                        "editor" | "admin" => Decision::yes(Reason::Role(Role::Editor)),
                        "creator" if own => Decision::yes(Reason::OwnWork),
                        _ => Decision::no(Reason::NotPublished),
                    };
                    let draft = work(publication, free, own);
                    assert_eq!(may_see(person.as_ref(), &draft, now()), expected, "{who} {own}");
                    assert_eq!(may_watch(person.as_ref(), &draft, now()), expected, "{who} {own}");
                }
            }
        }
    }
}

#[test]
fn a_scheduled_work_is_out_from_its_very_instant() {
    let start = now();
    let scheduled = work(Publication::From(start), true, false);
    assert!(may_watch(None, &scheduled, start).allowed);
    assert!(!may_watch(None, &scheduled, start - TimeDelta::nanoseconds(1)).allowed);
}

#[test]
fn what_was_removed_is_gone_for_everybody() {
    for (who, person, _) in people() {
        for own in [true, false] {
            let gone = work(Publication::Removed, true, own);
            assert_eq!(
                may_watch(person.as_ref(), &gone, now()),
                Decision::no(Reason::Removed),
                "{who} {own}"
            );
        }
    }
}

#[test]
fn the_way_back_that_asks_least_is_named() {
    let all = [Membership::SeatWithoutAccess, Membership::OnHold { order: None }, Membership::Paused];
    for (n, expected) in
        [Reason::AskTeamOwner, Reason::PayOrder(None), Reason::Resume].into_iter().enumerate()
    {
        let mut some = all[..=n].to_vec();
        for _ in 0..2 {
            assert_eq!(may_watch(Some(&with(&some)), &published(false), now()).reason, expected);
            some.reverse();
        }
    }
    for (_, _, decision) in people() {
        assert!(!decision.reason.sentence().is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn nobody_gets_in_without_a_ground(
        confirmed: bool, suspended: bool, leaving: bool, role in 0usize..8, hours in -48i64..48, has_gift: bool,
        membership in 0usize..5, free: bool, own: bool, start in -48i64..48,
    ) {
        let roles = [Role::Member, Role::Creator, Role::Editor, Role::Moderator, Role::Billing, Role::Operator, Role::Admin];
        let memberships = [Membership::Giving, Membership::Paused, Membership::OnHold { order: None }, Membership::SeatWithoutAccess];
        let person = PersonFacts {
            confirmed, suspended, leaving,
            roles: roles.get(role).copied().into_iter().collect(),
            complimentary: has_gift.then(|| Complimentary { until: Some(now() + TimeDelta::hours(hours)) }),
            memberships: memberships.get(membership).copied().into_iter().collect(),
        };
        let facts = work(Publication::From(now() + TimeDelta::hours(start)), free, own);
        let out = start <= 0;
        let works_here = [Role::Creator, Role::Editor, Role::Moderator, Role::Admin].iter().any(|r| person.roles.0.contains(r));
        let good = confirmed && !suspended && !leaving;
        let ground = works_here || (has_gift && hours > 0) || membership == 0;
        let edits = person.roles.may_act_as(Role::Editor) || (own && person.roles.may_act_as(Role::Creator));
        let expected = (out && free) || (out && good && ground) || (!out && good && edits);
        proptest::prop_assert_eq!(may_watch(Some(&person), &facts, now()).allowed, expected);
    }
}

#[test]
fn members_comment_on_lessons_and_subscribers_on_everything() {
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    let member = PersonFacts { confirmed: true, ..PersonFacts::default() };
    let subscriber = PersonFacts { memberships: vec![Membership::Giving], ..member.clone() };
    let reason = |person: Option<&PersonFacts>, lesson| {
        let decision = may_comment(person, lesson, now);
        (decision.allowed, decision.reason)
    };
    assert_eq!(reason(None, true), (false, Reason::SignIn));
    assert_eq!(reason(Some(&member), true), (true, Reason::Free));
    assert_eq!(reason(Some(&member), false), (false, Reason::Join));
    assert_eq!(reason(Some(&subscriber), false), (true, Reason::Subscription));
    for barred in [
        PersonFacts { confirmed: false, ..subscriber.clone() },
        PersonFacts { suspended: true, ..subscriber.clone() },
        PersonFacts { leaving: true, ..subscriber.clone() },
    ] {
        assert!(!reason(Some(&barred), true).0 && !reason(Some(&barred), false).0);
    }
}
