use super::*;
use crate::domain::debit_file::Creditor;
use crate::domain::shared::Currency;
use crate::domain::shared::sepa::Sequence;
use roxmltree::{Document, Node};
use uuid::Uuid;

fn sealed(n: u128, field: &str) -> PersonalRef {
    PersonalRef { subject: Uuid::from_u128(n), field: field.into(), version: Uuid::from_u128(n) }
}

fn debit(n: u128, sequence: Sequence, on: &str, minor: i64) -> Debit {
    Debit {
        order: Uuid::from_u128(100 + n),
        number: format!("K{n}"),
        reference: format!("RF45K00000000{n}"),
        account: Uuid::from_u128(n),
        mandate: Uuid::from_u128(200 + n),
        mandate_reference: format!("M{n}"),
        signed_on: "2026-11-01".parse().unwrap(),
        iban: sealed(n, "iban"),
        holder: sealed(n, "iban_holder"),
        sequence,
        amount: Money::new(minor, Currency::eur()),
        collect_on: on.parse().unwrap(),
    }
}

fn made() -> Made {
    Made {
        file: Uuid::from_u128(9),
        message: "KDD-20261129-1".into(),
        creditor: Creditor {
            name: "Käthe & Søn <Studio>".into(),
            iban: "NL02ABNA0123456789".into(),
            bic: Some("ABNANL2A".into()),
            identifier: "NL64ZZZ012345678900".into(),
        },
        debits: vec![
            debit(1, Sequence::Rcur, "2026-12-07", 1150),
            debit(2, Sequence::Frst, "2026-12-07", 99),
            debit(3, Sequence::Rcur, "2026-12-04", 1_000_000),
            debit(4, Sequence::Rcur, "2026-12-07", 1),
        ],
        by: Uuid::from_u128(50),
        at: "2026-11-29T10:00:00.123Z".parse().unwrap(),
    }
}

fn opened() -> HashMap<PersonalRef, String> {
    (1..=4)
        .flat_map(|n| {
            let holder = format!("Zoë Müller-Łoś {n} 李");
            [(sealed(n, "iban"), "DE89370400440532013000".into()), (sealed(n, "iban_holder"), holder)]
        })
        .collect()
}

fn names<'a>(node: Node<'a, 'a>) -> Vec<&'a str> {
    node.children().filter(Node::is_element).map(|n| n.tag_name().name()).collect()
}

fn all<'a>(xml: &'a Document<'a>, name: &'static str) -> Vec<Node<'a, 'a>> {
    xml.descendants().filter(|n| n.tag_name().name() == name).collect()
}

fn text<'a>(xml: &'a Document<'a>, name: &'static str) -> Vec<&'a str> {
    all(xml, name).iter().filter_map(Node::text).collect()
}

/// The order of elements that the schema asks for.
#[test]
fn the_elements_stand_where_the_schema_has_them_and_the_sums_are_right() {
    let file = write(&made(), &opened()).unwrap();
    assert_eq!(file, write(&made(), &opened()).unwrap(), "the same file has the same bytes");
    let xml = Document::parse(&file).unwrap();
    assert_eq!(xml.root_element().tag_name().namespace(), Some(NAMESPACE));
    let start = xml.root_element().first_element_child().unwrap();
    assert_eq!(names(start), ["GrpHdr", "PmtInf", "PmtInf", "PmtInf"]);
    assert_eq!(names(all(&xml, "GrpHdr")[0]), ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"]);
    let batch = all(&xml, "PmtInf");
    let head = [
        "PmtInfId",
        "PmtMtd",
        "BtchBookg",
        "NbOfTxs",
        "CtrlSum",
        "PmtTpInf",
        "ReqdColltnDt",
        "Cdtr",
        "CdtrAcct",
        "CdtrAgt",
        "ChrgBr",
        "CdtrSchmeId",
        "DrctDbtTxInf",
    ];
    for one in &batch {
        assert_eq!(names(*one)[..head.len()], head);
    }
    for one in all(&xml, "DrctDbtTxInf") {
        let parts = ["PmtId", "InstdAmt", "DrctDbtTx", "DbtrAgt", "Dbtr", "DbtrAcct", "RmtInf"];
        assert_eq!(names(one), parts);
    }
    assert_eq!(text(&xml, "SeqTp"), ["RCUR", "FRST", "RCUR"]);
    assert_eq!(text(&xml, "ReqdColltnDt"), ["2026-12-04", "2026-12-07", "2026-12-07"]);
    assert_eq!(text(&xml, "NbOfTxs"), ["4", "1", "1", "2"]);
    assert_eq!(text(&xml, "CtrlSum"), ["10012.50", "10000.00", "0.99", "11.51"]);
    assert_eq!(text(&xml, "CreDtTm"), ["2026-11-29T10:00:00Z"]);
    assert_eq!(text(&xml, "BICFI").len(), 3, "the debtors' banks follow from their accounts");
}

#[test]
fn names_are_written_in_letters_that_all_banks_take() {
    let file = write(&made(), &opened()).unwrap();
    let xml = Document::parse(&file).unwrap();
    let names = text(&xml, "Nm");
    assert!(names.contains(&"Kaethe + Son .Studio.") && names.contains(&"Zoe Mueller-Los 1 ."), "{names:?}");
    assert_eq!(latin(&"x".repeat(100), 70).len(), 70);
    assert_eq!((latin("", 70), latin("   ", 70), latin("李", 70)), (".".into(), ".".into(), ".".into()));
}

#[test]
fn without_the_account_there_is_no_file() {
    let mut without = opened();
    without.remove(&sealed(2, "iban"));
    assert_eq!(write(&made(), &without), Err(Erased("K2".into())));
}
