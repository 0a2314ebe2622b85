//! What a bank says of a file of direct debits before it collects: the customer payment status report (pain.002,
//! ISO 20022, any version). Only what was refused is read; names and accounts of payers are not kept.

use super::bank_statement::{BadStatement, MOST_ENTRIES, at, code};
use chrono::NaiveDate;
use roxmltree::{Document, Node};

/// The code where the bank names none: "reason not specified".
const NO_REASON: &str = "MS03";

/// What a bank calls something that it has already. Each of our debits stands in one file, so that means a file that
/// was sent twice: what the bank said of it the first time counts.
const DUPLICATE: [&str; 2] = ["DUPL", "AM05"];

/// What is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// One debit: what stands in it, with the reference of its order.
    Debit(String),
    /// All debits of a batch, by the name that it has in the file.
    Batch(String),
    /// All of the file.
    File,
}

/// Direct debits that the bank does not collect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Which ones.
    pub which: Refused,
    /// The file they stand in, by the name that the bank has for it.
    pub message: String,
    /// The bank's code, such as `AC04`.
    pub reason: String,
    /// The day on which the bank said so.
    pub said_on: NaiveDate,
}

/// Whether an XML file is such a report.
pub(super) fn is_one(xml: &Document<'_>) -> bool {
    named(xml.root(), "CstmrPmtStsRpt").next().is_some()
}

fn named<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.descendants().filter(move |n| n.tag_name().name() == name)
}

/// What it refuses, and how many debits it speaks of otherwise (accepted, waiting).
pub(super) fn read(xml: &Document<'_>) -> Result<(Vec<Rejected>, usize), BadStatement> {
    let bad = |why: &str| BadStatement::Report(why.to_owned());
    let report = named(xml.root(), "CstmrPmtStsRpt").next().ok_or_else(|| bad("it has no CstmrPmtStsRpt"))?;
    let said_on = at(report, "GrpHdr/CreDtTm")
        .and_then(|day| day.get(..10)?.parse().ok())
        .ok_or_else(|| bad("it does not say when it was made (GrpHdr/CreDtTm)"))?;
    let message = at(report, "OrgnlGrpInfAndSts/OrgnlMsgId")
        .ok_or_else(|| bad("it does not name the file that it is about (OrgnlMsgId)"))?
        .to_owned();
    if let Some(kind) =
        at(report, "OrgnlGrpInfAndSts/OrgnlMsgNmId").filter(|kind| !kind.starts_with("pain.008"))
    {
        let kind: String = kind.chars().take(35).collect();
        return Err(bad(&format!(
            "it is about a file of another kind ({kind}), not about direct debits (pain.008)"
        )));
    }
    let reject = |which, node| Rejected { which, message: message.clone(), reason: reason(node), said_on };
    let whole = named(report, "OrgnlGrpInfAndSts").find(|n| at(*n, "GrpSts") == Some("RJCT"));
    if let Some(node) = whole {
        if is_duplicate(node) {
            return Err(bad(
                "the bank refuses the file because it has it already, so what it said of it the first time counts",
            ));
        }
        return Ok((vec![reject(Refused::File, node)], 0));
    }
    let (mut all, mut others) = (Vec::new(), 0);
    for batch in named(report, "OrgnlPmtInfAndSts") {
        if at(batch, "PmtInfSts") == Some("RJCT") {
            if is_duplicate(batch) {
                others += 1;
                continue;
            }
            let name = at(batch, "OrgnlPmtInfId")
                .ok_or_else(|| bad("a batch that is rejected has no name (OrgnlPmtInfId)"))?;
            all.push(reject(Refused::Batch(name.to_owned()), batch));
            continue;
        }
        for one in batch.children().filter(|n| n.tag_name().name() == "TxInfAndSts") {
            let entry = all.len() + others + 1;
            if entry > MOST_ENTRIES {
                return Err(BadStatement::TooLong);
            }
            let status =
                at(one, "TxSts").ok_or_else(|| BadStatement::Entry(entry, "no status (TxSts)".into()))?;
            if status != "RJCT" || is_duplicate(one) {
                others += 1;
                continue;
            }
            let words = ["OrgnlEndToEndId", "OrgnlInstrId", "OrgnlTxRef/RmtInf/Ustrd"];
            let words: Vec<&str> = words.into_iter().filter_map(|path| at(one, path)).collect();
            if words.is_empty() {
                let why = "it names no debit (OrgnlEndToEndId)";
                return Err(BadStatement::Entry(entry, why.into()));
            }
            all.push(reject(Refused::Debit(words.join(" ")), one));
        }
    }
    if all.is_empty() && others == 0 && at(report, "OrgnlGrpInfAndSts/GrpSts").is_none() {
        return Err(bad("it has no status, neither of the file nor of a batch or debit"));
    }
    Ok((all, others))
}

fn is_duplicate(node: Node<'_, '_>) -> bool {
    DUPLICATE.contains(&reason(node).as_str())
}

/// The reason of a status; banks name one of the list or one of their own.
fn reason(node: Node<'_, '_>) -> String {
    let found = at(node, "StsRsnInf/Rsn/Cd").or_else(|| at(node, "StsRsnInf/Rsn/Prtry"));
    found.map(code).filter(|c| !c.is_empty()).unwrap_or_else(|| NO_REASON.to_owned())
}

#[cfg(test)]
mod tests {
    use crate::adapters::bank_statement::{BadStatement, Statement, read};
    use crate::adapters::status_report::Refused;
    use crate::domain::shared::Currency;

    fn report(group: &str, rest: &str) -> String {
        format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.10\"><CstmrPmtStsRpt><GrpHdr><MsgId>S1</MsgId>\
             <CreDtTm>2026-12-04T08:30:00+01:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts>{group}</OrgnlGrpInfAndSts>{rest}\
             </CstmrPmtStsRpt></Document>"
        )
    }

    const OURS: &str = "<OrgnlMsgId>KDD20261129-1</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId>";

    fn said(text: &str) -> Result<Statement, BadStatement> {
        read(text.as_bytes(), Currency::eur())
    }

    fn one(status: &str, more: &str) -> String {
        format!(
            "<TxInfAndSts><OrgnlEndToEndId>RF18K123</OrgnlEndToEndId><TxSts>{status}</TxSts>{more}</TxInfAndSts>"
        )
    }

    #[test]
    fn single_debits_batches_and_whole_files_are_refused() {
        let why = "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed</AddtlInf></StsRsnInf>";
        let batch = format!(
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>KDD-1</OrgnlPmtInfId>{}{}</OrgnlPmtInfAndSts>\
             <OrgnlPmtInfAndSts><OrgnlPmtInfId>KDD-2</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>",
            one("ACCP", ""),
            one("RJCT", why)
        );
        let found = said(&report(&format!("{OURS}<GrpSts>PART</GrpSts>"), &batch)).unwrap();
        let rows: Vec<_> = found.rejects.iter().map(|r| (r.which.clone(), r.reason.as_str())).collect();
        assert_eq!(
            rows,
            [(Refused::Debit("RF18K123".into()), "AC04"), (Refused::Batch("KDD-2".into()), "MS03")]
        );
        let (first, day) = (&found.rejects[0], "2026-12-04".parse().unwrap());
        assert_eq!((first.message.as_str(), first.said_on, found.debits), ("KDD20261129-1", day, 1));
        let whole = "<StsRsnInf><Rsn><Prtry>DU-05 x</Prtry></Rsn></StsRsnInf>";
        let whole = said(&report(&format!("{OURS}<GrpSts>RJCT</GrpSts>{whole}"), &batch)).unwrap();
        assert_eq!(whole.rejects.len(), 1);
        assert_eq!((&whole.rejects[0].which, whole.rejects[0].reason.as_str()), (&Refused::File, "DU05x"));
    }

    #[test]
    fn a_file_that_was_sent_twice_is_not_refused_by_the_second_answer() {
        let why = |code: &str| format!("<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>");
        let whole = report(&format!("{OURS}<GrpSts>RJCT</GrpSts>{}", why("DUPL")), "");
        assert!(said(&whole).unwrap_err().to_string().contains("it has it already"));
        let parts = format!(
            "<OrgnlPmtInfAndSts><OrgnlPmtInfId>KDD-1</OrgnlPmtInfId>{}</OrgnlPmtInfAndSts>\
             <OrgnlPmtInfAndSts><OrgnlPmtInfId>KDD-2</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>{}</OrgnlPmtInfAndSts>",
            one("RJCT", &why("AM05")),
            why("DUPL")
        );
        let found = said(&report(OURS, &parts)).unwrap();
        assert_eq!((found.rejects, found.debits), (vec![], 2));
    }

    #[test]
    fn what_is_accepted_refuses_nothing() {
        assert_eq!(said(&report(&format!("{OURS}<GrpSts>ACCP</GrpSts>"), "")).unwrap(), Statement::default());
    }

    #[test]
    fn a_malformed_report_is_refused_with_a_sentence() {
        let batch = |inner: &str| format!("<OrgnlPmtInfAndSts>{inner}</OrgnlPmtInfAndSts>");
        for (text, words) in [
            (report("", &batch(&one("RJCT", ""))), "does not name the file that it is about"),
            (report(OURS, ""), "it has no status"),
            (report(OURS, &batch("<PmtInfSts>RJCT</PmtInfSts>")), "a batch that is rejected has no name"),
            (report(OURS, &batch("<TxInfAndSts/>")), "Entry 1 cannot be read: no status"),
            (report(OURS, &batch("<TxInfAndSts><TxSts>RJCT</TxSts></TxInfAndSts>")), "it names no debit"),
            (
                report("<OrgnlMsgId>A</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>", ""),
                "another kind",
            ),
            (report(OURS, "").replace("2026-12-04T", "soon, "), "does not say when it was made"),
            (report(OURS, "").replace("</CstmrPmtStsRpt>", ""), "This XML file"),
        ] {
            let refused = said(&text).expect_err(&text).to_string();
            assert!(refused.contains(words), "{refused}: {text}");
        }
    }

    #[test]
    fn more_than_the_most_debits_are_refused() {
        let batch =
            |n: usize| format!("<OrgnlPmtInfAndSts>{}</OrgnlPmtInfAndSts>", one("ACCP", "").repeat(n));
        assert_eq!(said(&report(OURS, &batch(50_000))).unwrap().debits, 50_000);
        assert_eq!(said(&report(OURS, &batch(50_001))), Err(BadStatement::TooLong));
    }
}
