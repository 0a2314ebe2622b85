use super::*;
use crate::domain::shared::PersonalRef;
use crate::domain::shared::payment::PaymentMethod;
use chrono::{DateTime, TimeZone, Utc};
use cqrs_es::test::TestFramework;
use uuid::Uuid;

type Wallets = TestFramework<Wallet>;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 3, 15, 12, 0, 0).unwrap()
}

fn card(n: u128) -> PaymentMethod {
    let owner = Uuid::from_u128(1);
    PaymentMethod {
        gateway: "sandbox".into(),
        token: format!("sbx_{n}"),
        label: PersonalRef { subject: owner, field: "payment_method".into(), version: Uuid::from_u128(n) },
        expires_on: None,
    }
}

fn id(n: u128) -> Uuid {
    method_id(&card(n))
}

fn kept(n: u128) -> WalletEvent {
    WalletEvent::PaymentMethodKept { id: id(n), method: card(n), at: at() }
}

fn chosen(n: u128) -> WalletEvent {
    WalletEvent::DefaultMethodChosen { id: id(n), at: at() }
}

fn removed(n: u128) -> WalletEvent {
    WalletEvent::PaymentMethodRemoved { id: id(n), at: at() }
}

fn detached(n: u128) -> WalletEvent {
    WalletEvent::PaymentMethodDetached { id: id(n), at: at() }
}

fn add(n: u128) -> WalletCommand {
    WalletCommand::Add { method: card(n), at: at() }
}

fn follow(n: u128) -> WalletCommand {
    WalletCommand::Follow { method: card(n), at: at() }
}

fn remove(n: u128) -> WalletCommand {
    WalletCommand::Remove { method: id(n), today: at().date_naive(), at: at() }
}

fn choose(n: u128) -> WalletCommand {
    WalletCommand::ChooseDefault { method: id(n), today: at().date_naive(), at: at() }
}

#[test]
fn the_first_one_is_offered_first_and_each_is_kept_once() {
    Wallets::with(()).given_no_previous_events().when(add(1)).then_expect_events(vec![kept(1), chosen(1)]);
    let one = || vec![kept(1), chosen(1)];
    Wallets::with(()).given(one()).when(add(2)).then_expect_events(vec![kept(2)]);
    Wallets::with(()).given(one()).when(follow(1)).then_expect_events(vec![]);
    Wallets::with(()).given(one()).when(choose(1)).then_expect_events(vec![]);
    Wallets::with(()).given(one()).when(choose(2)).then_expect_error(WalletError::Unknown);
    let two = vec![kept(1), chosen(1), kept(2)];
    Wallets::with(()).given(two).when(choose(2)).then_expect_events(vec![chosen(2)]);
}

#[test]
fn a_person_keeps_so_many_but_what_a_subscription_uses_is_never_too_many() {
    let mut full: Vec<WalletEvent> = (1..=MOST_METHODS as u128).map(kept).collect();
    full.push(chosen(1));
    Wallets::with(()).given(full.clone()).when(add(99)).then_expect_error(WalletError::TooMany);
    Wallets::with(()).given(full).when(follow(99)).then_expect_events(vec![kept(99)]);
}

#[test]
fn the_newest_that_can_be_charged_takes_the_place_of_a_removed_default() {
    let mut old = card(3);
    old.expires_on = at().date_naive().pred_opt();
    let expired = method_id(&old);
    let old = WalletEvent::PaymentMethodKept { id: expired, method: old, at: at() };
    let three = || vec![kept(1), chosen(1), kept(2), old.clone()];
    Wallets::with(()).given(three()).when(remove(1)).then_expect_events(vec![removed(1), chosen(2)]);
    Wallets::with(()).given(three()).when(remove(2)).then_expect_events(vec![removed(2)]);
    Wallets::with(())
        .given(three())
        .when(WalletCommand::ChooseDefault { method: expired, today: at().date_naive(), at: at() })
        .then_expect_error(WalletError::Expired);
    let only = || vec![kept(1), chosen(1)];
    Wallets::with(()).given(only()).when(remove(1)).then_expect_events(vec![removed(1)]);
    let empty = || vec![kept(1), chosen(1), removed(1)];
    Wallets::with(()).given(empty()).when(remove(1)).then_expect_events(vec![]);
    Wallets::with(()).given(empty()).when(add(2)).then_expect_events(vec![kept(2), chosen(2)]);
    Wallets::with(()).given(empty()).when(remove(5)).then_expect_error(WalletError::Unknown);
}

#[test]
fn what_the_gateway_has_forgotten_is_never_used_again() {
    let detach = || WalletCommand::RecordDetached { method: id(1), at: at() };
    let gone = || vec![kept(1), chosen(1), removed(1)];
    Wallets::with(()).given(gone()).when(detach()).then_expect_events(vec![detached(1)]);
    // A subscription took it up before the gateway was asked: it stays.
    Wallets::with(()).given(gone()).when(follow(1)).then_expect_events(vec![kept(1), chosen(1)]);
    let again = vec![kept(1), chosen(1), removed(1), kept(1), chosen(1)];
    Wallets::with(()).given(again).when(detach()).then_expect_events(vec![]);
    let forgotten = || [gone(), vec![detached(1)]].concat();
    Wallets::with(()).given(forgotten()).when(detach()).then_expect_events(vec![]);
    Wallets::with(()).given(forgotten()).when(add(1)).then_expect_error(WalletError::Detached);
    let mut wallet = Wallet::default();
    forgotten().into_iter().for_each(|e| wallet.apply(e));
    assert_eq!((wallet.methods().count(), wallet.attached().count()), (0, 0));
}

#[test]
fn events_keep_their_form() {
    insta::assert_json_snapshot!([kept(1), chosen(1), removed(1), detached(1)]);
}
