//! Given, when, then of an account.

use super::*;
use crate::domain::shared::{PersonalRef, Role};
use chrono::{DateTime, TimeDelta, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

type Accounts = TestFramework<Account>;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn personal(field: &str, version: u128) -> PersonalRef {
    PersonalRef { subject: Uuid::from_u128(7), field: field.into(), version: Uuid::from_u128(version) }
}

fn registration(origin: Origin, roles: Vec<Role>) -> AccountCommand {
    AccountCommand::Register(Box::new(Registration {
        approval: false,
        at: now(),
        mail: personal("mail", 1),
        display_name: personal("display_name", 2),
        username: None,
        password: Some(personal("password", 3)),
        identity: None,
        origin,
        roles,
    }))
}

fn registered() -> Vec<AccountEvent> {
    Account::default().decide(registration(Origin::Registration, vec![])).unwrap()
}

fn by_admin() -> By {
    By::Account(Uuid::from_u128(99))
}

fn why() -> Why {
    Why::Text(personal("reason", 50))
}

fn after(events: &[AccountEvent]) -> Account {
    let mut account = Account::default();
    events.iter().cloned().for_each(|e| account.apply(e));
    account
}

#[test]
fn a_registered_person_confirms_once() {
    let confirm = AccountCommand::ConfirmMail { at: now(), mail: personal("mail", 1) };
    let confirmed = AccountEvent::MailConfirmed { at: now(), mail: personal("mail", 1) };
    Accounts::with(()).given(registered()).when(confirm.clone()).then_expect_events(vec![confirmed.clone()]);
    let mut history = registered();
    history.push(confirmed);
    Accounts::with(()).given(history).when(confirm).then_expect_events(vec![]);
    Accounts::with(())
        .given(registered())
        .when(AccountCommand::ConfirmMail { at: now(), mail: personal("mail", 9) })
        .then_expect_error(AccountError::StaleLink);
}

#[test]
fn nobody_registers_twice_or_with_a_role() {
    Accounts::with(())
        .given(registered())
        .when(registration(Origin::Registration, vec![]))
        .then_expect_error(AccountError::Exists);
    Accounts::with(())
        .given_no_previous_events()
        .when(registration(Origin::Registration, vec![Role::Admin]))
        .then_expect_error(AccountError::NotOnYourself);
    Accounts::with(())
        .given_no_previous_events()
        .when(AccountCommand::RequestPasswordReset { at: now(), request: Uuid::from_u128(1) })
        .then_expect_error(AccountError::Unknown);
}

#[test]
fn the_first_admin_and_the_shell_are_trusted_about_the_address() {
    let account = after(
        &Account::default().decide(registration(Origin::FirstRun, vec![Role::Admin, Role::Member])).unwrap(),
    );
    assert!(account.confirmed && account.roles.may_act_as(Role::Operator));
    assert_eq!(account.roles.names(), ["admin"]);
}

#[test]
fn only_the_newest_reset_link_works_and_only_once() {
    let (old, new) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let mut history = registered();
    for request in [old, new] {
        history.push(AccountEvent::PasswordResetRequested { at: now(), request });
    }
    let reset =
        |request| AccountCommand::ResetPassword { at: now(), request, password: personal("password", 4) };
    Accounts::with(()).given(history.clone()).when(reset(old)).then_expect_error(AccountError::UnknownReset);
    let done = after(&history).decide(reset(new)).unwrap();
    assert!(done.contains(&AccountEvent::MailConfirmed { at: now(), mail: personal("mail", 1) }));
    history.extend(done);
    Accounts::with(()).given(history).when(reset(new)).then_expect_error(AccountError::UnknownReset);
}

#[test]
fn a_password_change_makes_an_open_reset_link_worthless() {
    let request = Uuid::from_u128(2);
    let mut history = registered();
    history.push(AccountEvent::PasswordResetRequested { at: now(), request });
    history.push(AccountEvent::PasswordSet {
        at: now(),
        password: personal("password", 5),
        cause: PasswordCause::Change,
    });
    Accounts::with(())
        .given(history)
        .when(AccountCommand::ResetPassword { at: now(), request, password: personal("password", 6) })
        .then_expect_error(AccountError::UnknownReset);
}

#[test]
fn a_new_address_counts_once_it_is_confirmed() {
    let mut history = registered();
    history.push(AccountEvent::MailConfirmed { at: now(), mail: personal("mail", 1) });
    history.push(AccountEvent::MailChangeRequested { at: now(), mail: personal("mail", 8) });
    assert_eq!(after(&history).mail, Some(personal("mail", 1)));
    Accounts::with(())
        .given(history)
        .when(AccountCommand::ConfirmMail { at: now(), mail: personal("mail", 8) })
        .then_expect_events(vec![AccountEvent::MailChanged {
            at: now(),
            mail: personal("mail", 8),
            former: personal("mail", 1),
        }]);
}

#[test]
fn roles_are_given_by_others_with_a_reason() {
    let grant = |role, by| AccountCommand::GrantRole { at: now(), role, by, why: why() };
    let granted = AccountEvent::RoleGranted { at: now(), role: Role::Creator, by: by_admin(), why: why() };
    Accounts::with(())
        .given(registered())
        .when(grant(Role::Creator, by_admin()))
        .then_expect_events(vec![granted.clone()]);
    Accounts::with(())
        .given(registered())
        .when(grant(Role::Creator, By::Owner))
        .then_expect_error(AccountError::NotOnYourself);
    Accounts::with(())
        .given(registered())
        .when(grant(Role::Member, by_admin()))
        .then_expect_error(AccountError::MemberIsImplied);
    let mut history = registered();
    history.push(granted);
    Accounts::with(())
        .given(history.clone())
        .when(grant(Role::Creator, by_admin()))
        .then_expect_events(vec![]);
    let revoke = |role| AccountCommand::RevokeRole { at: now(), role, by: by_admin(), why: why() };
    Accounts::with(())
        .given(history)
        .when(revoke(Role::Editor))
        .then_expect_error(AccountError::RoleNotHeld(Role::Editor));
}

#[test]
fn an_admin_is_not_suspended() {
    let suspend = AccountCommand::Suspend { at: now(), until: None, by: by_admin(), why: why() };
    let mut history = registered();
    Accounts::with(()).given(history.clone()).when(suspend.clone()).then_expect_events(vec![
        AccountEvent::AccountSuspended { at: now(), until: None, by: by_admin(), why: why() },
    ]);
    history.push(AccountEvent::RoleGranted { at: now(), role: Role::Admin, by: by_admin(), why: why() });
    Accounts::with(()).given(history).when(suspend).then_expect_error(AccountError::AdminIsSafe);
}

#[test]
fn a_suspension_ends_when_it_says_and_its_end_can_be_moved() {
    let suspend = |until| AccountCommand::Suspend { at: now(), until, by: by_admin(), why: why() };
    let suspended = |until| AccountEvent::AccountSuspended { at: now(), until, by: by_admin(), why: why() };
    let (day, week) = (Some(now() + TimeDelta::days(1)), Some(now() + TimeDelta::days(7)));
    Accounts::with(())
        .given(registered())
        .when(suspend(Some(now())))
        .then_expect_error(AccountError::SuspendedInThePast);
    let mut history = registered();
    history.push(suspended(day));
    Accounts::with(()).given(history.clone()).when(suspend(day)).then_expect_events(vec![]);
    Accounts::with(()).given(history.clone()).when(suspend(week)).then_expect_events(vec![suspended(week)]);
    let mut account = after(&history);
    assert_eq!(account.suspended_until, day);
    account.apply(AccountEvent::AccountReinstated { at: now(), by: by_admin(), why: why() });
    assert!(!account.suspended && account.suspended_until.is_none());
}

#[test]
fn nobody_sees_with_the_eyes_of_staff() {
    let (until, by) = (now() + TimeDelta::minutes(30), Uuid::from_u128(77));
    let see = AccountCommand::Impersonate { at: now(), until, by, why: why() };
    Accounts::with(())
        .given(registered())
        .when(see.clone())
        .then_expect_events(vec![AccountEvent::ImpersonationStarted { at: now(), until, by, why: why() }]);
    let mut history = registered();
    history.push(AccountEvent::RoleGranted { at: now(), role: Role::Billing, by: by_admin(), why: why() });
    Accounts::with(()).given(history).when(see).then_expect_error(AccountError::StaffIsNotImpersonated);
}

#[test]
fn complimentary_access_ends_when_it_says() {
    let grant = |until| AccountCommand::GrantComplimentary { at: now(), until, by: by_admin(), why: why() };
    Accounts::with(())
        .given(registered())
        .when(grant(Some(now())))
        .then_expect_error(AccountError::EndsInThePast);
    let end = now() + TimeDelta::days(1);
    let mut account = after(&registered());
    for event in account.decide(grant(Some(end))).unwrap() {
        account.apply(event);
    }
    let given = account.complimentary.unwrap();
    assert!(given.holds_at(end - TimeDelta::nanoseconds(1)) && !given.holds_at(end));
    assert!(Complimentary { until: None }.holds_at(end));
}

#[test]
fn a_hidden_account_comes_back_or_is_erased_and_stays_so() {
    let (request, other) = (Uuid::from_u128(5), Uuid::from_u128(6));
    let mut account = after(&registered());
    account.apply(AccountEvent::AccountHidden { at: now(), request });
    assert_eq!(
        account.decide(AccountCommand::ChangeDisplayName {
            at: now(),
            display_name: personal("display_name", 7)
        }),
        Err(AccountError::DeletionPending)
    );
    assert_eq!(
        account.decide(AccountCommand::Restore { at: now(), request: other }),
        Err(AccountError::OtherDeletionRequest)
    );
    account.apply(AccountEvent::AccountErased { at: now(), request });
    assert_eq!(account, Account { standing: Standing::Erased(request), ..Account::default() });
    assert_eq!(account.decide(AccountCommand::MarkErased { at: now(), request }), Ok(vec![]));
    assert_eq!(
        account.decide(AccountCommand::Suspend { at: now(), until: None, by: by_admin(), why: why() }),
        Err(AccountError::Erased)
    );
    // What the law keeps of somebody who is gone is not read in secret.
    let read = AccountCommand::RecordRead { at: now(), reader: other, scope: "billing-invoice".into() };
    assert_eq!(account.decide(read).map(|events| events.len()), Ok(1));
    assert_eq!(account.decide(registration(Origin::Shell, vec![])), Err(AccountError::Exists));
}

#[test]
fn events_keep_their_form() {
    let request = Uuid::from_u128(5);
    let (at, by, why) = (now(), by_admin(), why());
    let mut events = registered();
    events.extend([
        AccountEvent::MailConfirmed { at, mail: personal("mail", 1) },
        AccountEvent::ConfirmationRequested { at, mail: personal("mail", 1) },
        AccountEvent::PasswordResetRequested { at, request },
        AccountEvent::PasswordResetUsed { at, request },
        AccountEvent::MailChangeRequested { at, mail: personal("mail", 8) },
        AccountEvent::MailChanged { at, mail: personal("mail", 8), former: personal("mail", 1) },
        AccountEvent::DisplayNameChanged { at, display_name: personal("display_name", 9) },
        AccountEvent::RoleGranted {
            at,
            role: Role::Billing,
            by: By::System("shell".into()),
            why: why.clone(),
        },
        AccountEvent::RoleRevoked { at, role: Role::Billing, by: by.clone(), why: Why::Code("demo".into()) },
        AccountEvent::AccountSuspended { at, until: None, by: by.clone(), why: why.clone() },
        AccountEvent::AccountSuspended { at, until: Some(at), by: by.clone(), why: why.clone() },
        AccountEvent::AccountReinstated { at, by: by.clone(), why: why.clone() },
        AccountEvent::ComplimentaryAccessGranted { at, until: Some(at), by: by.clone(), why: why.clone() },
        AccountEvent::ComplimentaryAccessEnded { at, by, why: why.clone() },
        AccountEvent::PersonalDataRead { at, reader: request, scope: "billing-person".into() },
        AccountEvent::DigestChosen { at, digest: Digest::Weekly },
        AccountEvent::PasswordHashRenewed { at, password: personal("password", 20) },
        AccountEvent::ProfileChanged {
            at,
            bio: Some(personal("bio", 21)),
            links: Some(personal("links", 22)),
            public: true,
        },
        AccountEvent::ProfileChanged { at, bio: None, links: None, public: false },
        AccountEvent::PictureChanged { at, picture: Some(personal("picture", 23)) },
        AccountEvent::PictureChanged { at, picture: None },
        AccountEvent::ImpersonationStarted { at, until: at, by: request, why: why.clone() },
        AccountEvent::ApprovalRequested { at },
        AccountEvent::AccountApproved { at, by: By::Owner },
        AccountEvent::SecondFactorAdded { at, secret: personal("second_factor", 11) },
        AccountEvent::SecondFactorRemoved { at, by: By::Owner },
        AccountEvent::RecoveryCodesMade { at, count: 10 },
        AccountEvent::RecoveryCodeUsed { at, left: 9 },
        AccountEvent::PasskeyAdded {
            at,
            passkey: Uuid::from_u128(13),
            credential: personal("passkey", 14),
            name: personal("passkey_name", 15),
        },
        AccountEvent::PasskeyRenamed { at, passkey: Uuid::from_u128(13), name: personal("passkey_name", 16) },
        AccountEvent::PasskeyRemoved { at, passkey: Uuid::from_u128(13), by: By::Owner },
        AccountEvent::IdentityLinked { at, identity: personal("identity", 12) },
        AccountEvent::IdentityUnlinked { at, identity: personal("identity", 12), by: By::Owner },
        AccountEvent::AccountHidden { at, request },
        AccountEvent::AccountRestored { at, request },
        AccountEvent::AccountErased { at, request },
    ]);
    insta::assert_json_snapshot!(events);
}

#[test]
fn there_is_one_second_factor_and_codes_belong_to_it() {
    let (at, secret) = (now(), personal("second_factor", 11));
    let add = || AccountCommand::AddSecondFactor { at, secret: secret.clone() };
    let added = AccountEvent::SecondFactorAdded { at, secret: secret.clone() };
    let by = By::System("shell".into());
    Accounts::with(()).given(registered()).when(add()).then_expect_events(vec![added.clone()]);
    let mut history = registered();
    for command in [
        AccountCommand::RecordRecoveryCodes { at, count: 10 },
        AccountCommand::RecordRecoveryCodeUsed { at, left: 9 },
    ] {
        Accounts::with(())
            .given(history.clone())
            .when(command)
            .then_expect_error(AccountError::NoSecondFactor);
    }
    let remove = || AccountCommand::RemoveSecondFactor { at, by: by.clone() };
    Accounts::with(()).given(history.clone()).when(remove()).then_expect_events(vec![]);
    history.push(added);
    Accounts::with(())
        .given(history.clone())
        .when(add())
        .then_expect_error(AccountError::SecondFactorIsThere);
    let removed = AccountEvent::SecondFactorRemoved { at, by: by.clone() };
    Accounts::with(()).given(history.clone()).when(remove()).then_expect_events(vec![removed.clone()]);
    history.push(removed);
    Accounts::with(())
        .given(history)
        .when(add())
        .then_expect_events(vec![AccountEvent::SecondFactorAdded { at, secret }]);
}

#[test]
fn passkeys_are_second_factors_and_not_without_end() {
    let at = now();
    let add = |n: u128| AccountCommand::AddPasskey {
        at,
        passkey: Uuid::from_u128(n),
        credential: personal("passkey", n),
        name: personal("passkey_name", n),
    };
    let remove = |n: u128| AccountCommand::RemovePasskey { at, passkey: Uuid::from_u128(n), by: By::Owner };
    let codes = AccountCommand::RecordRecoveryCodes { at, count: 10 };
    let mut account = after(&registered());
    assert_eq!(account.decide(codes.clone()), Err(AccountError::NoSecondFactor));
    assert_eq!(account.decide(remove(1)), Err(AccountError::UnknownPasskey));
    for n in 1..=10 {
        account.decide(add(n)).unwrap().into_iter().for_each(|e| account.apply(e));
    }
    assert_eq!(account.decide(add(11)), Err(AccountError::TooManyPasskeys));
    let name = personal("passkey_name", 20);
    let rename =
        |n: u128| AccountCommand::RenamePasskey { at, passkey: Uuid::from_u128(n), name: name.clone() };
    assert_eq!(account.decide(rename(11)), Err(AccountError::UnknownPasskey));
    account.decide(rename(3)).unwrap().into_iter().for_each(|e| account.apply(e));
    assert_eq!((&account.passkeys[2].name, &account.passkeys[3].name), (&name, &personal("passkey_name", 4)));
    assert!(account.has_second_factor() && account.decide(codes).is_ok());
    for n in 1..=10 {
        account.decide(remove(n)).unwrap().into_iter().for_each(|e| account.apply(e));
    }
    assert!(!account.has_second_factor());
    account.apply(AccountEvent::AccountHidden { at, request: Uuid::from_u128(5) });
    assert_eq!(account.decide(add(1)), Err(AccountError::DeletionPending));
}

#[test]
fn one_identity_opens_an_account_and_the_last_way_in_stays() {
    let (at, identity) = (now(), personal("identity", 12));
    let link = || AccountCommand::LinkIdentity { at, identity: identity.clone() };
    let unlink = || AccountCommand::UnlinkIdentity { at, by: By::Owner };
    let linked = AccountEvent::IdentityLinked { at, identity: identity.clone() };
    Accounts::with(()).given(registered()).when(link()).then_expect_events(vec![linked.clone()]);
    Accounts::with(()).given(registered()).when(unlink()).then_expect_error(AccountError::NoIdentity);
    let mut history = registered();
    history.push(linked);
    Accounts::with(()).given(history.clone()).when(link()).then_expect_error(AccountError::IdentityIsThere);
    let unlinked = AccountEvent::IdentityUnlinked { at, identity: identity.clone(), by: By::Owner };
    Accounts::with(()).given(history).when(unlink()).then_expect_events(vec![unlinked]);

    // Who came through the sign-in service has no password, a confirmed address, and no role by that.
    let AccountCommand::Register(new) = registration(Origin::SignInService, vec![]) else { unreachable!() };
    let new = Registration { password: None, identity: Some(identity), ..*new };
    let events = Account::default().decide(AccountCommand::Register(Box::new(new.clone()))).unwrap();
    let account = after(&events);
    assert!(account.confirmed && account.password.is_none() && account.identity.is_some());
    assert!(!account.waiting);
    Accounts::with(()).given(events.clone()).when(unlink()).then_expect_error(AccountError::LastWayIn);
    let mut history = events;
    let cause = PasswordCause::Reset;
    history.push(AccountEvent::PasswordSet { at, password: personal("password", 4), cause });
    assert!(after(&history).decide(unlink()).is_ok());
    let waits = AccountCommand::Register(Box::new(Registration { approval: true, ..new.clone() }));
    assert!(after(&Account::default().decide(waits).unwrap()).waiting, "by approval");
    let staff = AccountCommand::Register(Box::new(Registration { roles: vec![Role::Billing], ..new }));
    assert_eq!(Account::default().decide(staff), Err(AccountError::NotOnYourself));
}

#[test]
fn only_a_registration_that_waits_is_let_in() {
    let at = now();
    let AccountCommand::Register(new) = registration(Origin::Registration, vec![]) else { unreachable!() };
    let waits = AccountCommand::Register(Box::new(Registration { approval: true, ..*new }));
    let mut history = Account::default().decide(waits).unwrap();
    assert!(history.contains(&AccountEvent::ApprovalRequested { at }));
    let approve = |by| AccountCommand::Approve { at, by };
    let by = By::Account(Uuid::from_u128(9));
    Accounts::with(())
        .given(history.clone())
        .when(approve(By::Owner))
        .then_expect_error(AccountError::NotOnYourself);
    let approved = AccountEvent::AccountApproved { at, by: by.clone() };
    Accounts::with(())
        .given(history.clone())
        .when(approve(by.clone()))
        .then_expect_events(vec![approved.clone()]);
    history.push(approved);
    Accounts::with(()).given(history).when(approve(by.clone())).then_expect_events(vec![]);
    Accounts::with(()).given(registered()).when(approve(by)).then_expect_events(vec![]);
    // Whom the shell or the first run makes waits for nobody.
    let AccountCommand::Register(new) = registration(Origin::Shell, vec![]) else { unreachable!() };
    let trusted = AccountCommand::Register(Box::new(Registration { approval: true, ..*new }));
    let events = Account::default().decide(trusted).unwrap();
    assert!(!events.contains(&AccountEvent::ApprovalRequested { at }));
}

#[test]
fn a_second_account_of_a_person_is_closed_for_good_and_the_other_takes_over() {
    let (old, kept) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let merge = |into| AccountCommand::MergeInto { at: now(), into, by: by_admin(), why: why() };
    let merged = AccountEvent::AccountMerged { at: now(), into: kept, by: by_admin(), why: why() };
    Accounts::with(()).given(registered()).when(merge(kept)).then_expect_events(vec![merged.clone()]);
    let closed = || [registered(), vec![merged.clone()]].concat();
    Accounts::with(()).given(closed()).when(merge(kept)).then_expect_events(vec![]);
    Accounts::with(()).given(closed()).when(merge(old)).then_expect_error(AccountError::Merged);
    let reinstate = AccountCommand::Reinstate { at: now(), by: by_admin(), why: why() };
    Accounts::with(()).given(closed()).when(reinstate).then_expect_error(AccountError::Merged);
    assert!(after(&closed()).suspended && after(&closed()).merged_into == Some(kept));
    let take = || AccountCommand::TakeOver { at: now(), from: old };
    let taken = AccountEvent::AccountTakenOver { at: now(), from: old };
    Accounts::with(()).given(registered()).when(take()).then_expect_events(vec![taken.clone()]);
    Accounts::with(()).given([registered(), vec![taken]].concat()).when(take()).then_expect_events(vec![]);
    let staff = Account::default().decide(registration(Origin::Shell, vec![Role::Billing])).unwrap();
    Accounts::with(()).given(staff).when(merge(kept)).then_expect_error(AccountError::StaffIsNotMerged);
    let hidden = AccountEvent::AccountHidden { at: now(), request: Uuid::from_u128(5) };
    Accounts::with(())
        .given([registered(), vec![hidden]].concat())
        .when(merge(kept))
        .then_expect_error(AccountError::DeletionPending);
}
