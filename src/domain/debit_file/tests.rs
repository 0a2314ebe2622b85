use super::*;
use crate::domain::shared::Currency;
use cqrs_es::test::TestFramework;

fn at() -> DateTime<Utc> {
    "2026-11-29T10:00:00Z".parse().unwrap()
}

fn debit(n: u128, sequence: Sequence, on: &str) -> Debit {
    let sealed = |field: &str| PersonalRef {
        subject: Uuid::from_u128(n),
        field: field.into(),
        version: Uuid::from_u128(n),
    };
    Debit {
        order: Uuid::from_u128(100 + n),
        number: format!("K{n}"),
        reference: format!("RF00K{n}"),
        account: Uuid::from_u128(n),
        mandate: Uuid::from_u128(200 + n),
        mandate_reference: format!("M{n}"),
        signed_on: "2026-11-01".parse().unwrap(),
        iban: sealed("iban"),
        holder: sealed("iban_holder"),
        sequence,
        amount: Money::new(1150, Currency::eur()),
        collect_on: on.parse().unwrap(),
    }
}

fn make(debits: Vec<Debit>) -> DebitFileCommand {
    DebitFileCommand::Make {
        file: Uuid::from_u128(9),
        message: "KDD-1".into(),
        creditor: Creditor {
            name: "Studio".into(),
            iban: "NL02ABNA0123456789".into(),
            bic: None,
            identifier: "NL25ZZZ000000000000".into(),
        },
        debits,
        by: Uuid::from_u128(50),
        at: at(),
    }
}

#[test]
fn it_holds_each_order_and_mandate_once_and_is_made_once() {
    let one = || debit(1, Sequence::Frst, "2026-12-07");
    let new = || TestFramework::<DebitFile>::with(()).given_no_previous_events();
    new().when(make(vec![])).then_expect_error(DebitFileError::Empty);
    new().when(make(vec![one(), one()])).then_expect_error(DebitFileError::Unfit);
    let other_order = Debit { order: Uuid::from_u128(999), ..one() };
    new().when(make(vec![one(), other_order])).then_expect_error(DebitFileError::Unfit);
    for amount in [Money::new(0, Currency::eur()), Money::new(1150, Currency::parse("USD").unwrap())] {
        new().when(make(vec![Debit { amount, ..one() }])).then_expect_error(DebitFileError::Unfit);
    }
    let made = DebitFile::default().decide(make(vec![one()])).unwrap();
    TestFramework::<DebitFile>::with(())
        .given(made)
        .when(make(vec![one()]))
        .then_expect_error(DebitFileError::Exists);
    let many = (0..10_001).map(|n| debit(n, Sequence::Frst, "2026-12-07")).collect();
    new().when(make(many)).then_expect_error(DebitFileError::TooMany);
}

#[test]
fn batches_are_of_one_day_and_one_sequence() {
    let mut file = DebitFile::default();
    let debits = vec![
        debit(1, Sequence::Rcur, "2026-12-07"),
        debit(2, Sequence::Frst, "2026-12-07"),
        debit(3, Sequence::Rcur, "2026-12-04"),
        debit(4, Sequence::Rcur, "2026-12-07"),
    ];
    file.decide(make(debits)).unwrap().into_iter().for_each(|e| file.apply(e));
    let made = file.made().unwrap();
    let names: Vec<(String, usize)> = made.batches().iter().map(|b| (b.0.clone(), b.3.len())).collect();
    assert_eq!(names, [("KDD-1-1".into(), 1), ("KDD-1-2".into(), 1), ("KDD-1-3".into(), 2)]);
    assert_eq!(made.sum(), 4600);
}

#[test]
fn events_keep_their_form() {
    let made = DebitFile::default().decide(make(vec![debit(1, Sequence::Frst, "2026-12-07")])).unwrap();
    insta::assert_json_snapshot!(made);
}
