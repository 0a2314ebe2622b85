//! Files of direct debits as banks take them: pain.008.001.08 (ISO 20022, "Customer Direct Debit Initiation"),
//! as the European Payments Council restricts it for SEPA Direct Debit Core.

use crate::domain::debit_file::{Debit, Made};
use crate::domain::shared::{Money, PersonalRef};
use chrono::SecondsFormat;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The name space of the message.
pub const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08";

/// A value of the member is gone with their account: the file cannot be made again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account or holder of order {0} are erased: the file cannot be made again")]
pub struct Erased(pub String);

/// Letters that all banks of the area take; others become what they are made of, or a dot.
fn latin(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | '/'
            | '-'
            | '?'
            | ':'
            | '('
            | ')'
            | '.'
            | ','
            | '\''
            | '+'
            | ' ' => {
                out.push(c);
            }
            'ä' => out.push_str("ae"),
            'ö' | 'œ' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'Ä' => out.push_str("Ae"),
            'Ö' | 'Œ' => out.push_str("Oe"),
            'Ü' => out.push_str("Ue"),
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'Æ' => out.push_str("Ae"),
            'ø' => out.push('o'),
            'Ø' => out.push('O'),
            'à'..='å' | 'ā' | 'ă' | 'ą' => out.push('a'),
            'À'..='Å' | 'Ā' | 'Ă' | 'Ą' => out.push('A'),
            'ç' | 'ć' | 'č' | 'ċ' => out.push('c'),
            'Ç' | 'Ć' | 'Č' | 'Ċ' => out.push('C'),
            'ď' | 'đ' | 'ð' => out.push('d'),
            'Ď' | 'Đ' | 'Ð' => out.push('D'),
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => out.push('e'),
            'È'..='Ë' | 'Ē' | 'Ė' | 'Ę' | 'Ě' => out.push('E'),
            'ğ' | 'ģ' => out.push('g'),
            'Ğ' | 'Ģ' => out.push('G'),
            'ì'..='ï' | 'ī' | 'į' | 'ı' => out.push('i'),
            'Ì'..='Ï' | 'Ī' | 'Į' | 'İ' => out.push('I'),
            'ķ' => out.push('k'),
            'ľ' | 'ĺ' | 'ļ' | 'ł' => out.push('l'),
            'Ľ' | 'Ĺ' | 'Ļ' | 'Ł' => out.push('L'),
            'ñ' | 'ń' | 'ň' | 'ņ' => out.push('n'),
            'Ñ' | 'Ń' | 'Ň' | 'Ņ' => out.push('N'),
            'ò'..='õ' | 'ō' | 'ő' => out.push('o'),
            'Ò'..='Õ' | 'Ō' | 'Ő' => out.push('O'),
            'ř' | 'ŕ' => out.push('r'),
            'Ř' | 'Ŕ' => out.push('R'),
            'ś' | 'š' | 'ş' | 'ș' => out.push('s'),
            'Ś' | 'Š' | 'Ş' | 'Ș' => out.push('S'),
            'ť' | 'ţ' | 'ț' => out.push('t'),
            'Ť' | 'Ţ' | 'Ț' => out.push('T'),
            'ù'..='û' | 'ū' | 'ů' | 'ű' | 'ų' => out.push('u'),
            'Ù'..='Û' | 'Ū' | 'Ů' | 'Ű' | 'Ų' => out.push('U'),
            'ý' | 'ÿ' => out.push('y'),
            'Ý' | 'Ÿ' => out.push('Y'),
            'ź' | 'ž' | 'ż' => out.push('z'),
            'Ź' | 'Ž' | 'Ż' => out.push('Z'),
            '&' => out.push('+'),
            _ => out.push('.'),
        }
    }
    let cut: String = out.trim().chars().take(most).collect();
    let cut = cut.trim_end();
    if cut.is_empty() { ".".to_owned() } else { cut.to_owned() }
}

fn element(out: &mut String, name: &str, text: &str) {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = write!(out, "<{name}>{escaped}</{name}>");
}

fn agent(out: &mut String, name: &str, bic: Option<&str>) {
    let _ = write!(out, "<{name}><FinInstnId>");
    match bic {
        Some(bic) => element(out, "BICFI", bic),
        None => out.push_str("<Othr><Id>NOTPROVIDED</Id></Othr>"),
    }
    let _ = write!(out, "</FinInstnId></{name}>");
}

/// Writes the file. `opened` holds accounts and holders; the same file always has the same bytes.
///
/// # Errors
/// [`Erased`].
pub fn write(made: &Made, opened: &HashMap<PersonalRef, String>) -> Result<String, Erased> {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{NAMESPACE}\"><CstmrDrctDbtInitn>"
    );
    let creditor = latin(&made.creditor.name, 70);
    out.push_str("<GrpHdr>");
    element(&mut out, "MsgId", &made.message);
    element(&mut out, "CreDtTm", &made.at.to_rfc3339_opts(SecondsFormat::Secs, true));
    element(&mut out, "NbOfTxs", &made.debits.len().to_string());
    element(&mut out, "CtrlSum", &sum(&made.debits.iter().collect::<Vec<_>>()));
    out.push_str("<InitgPty>");
    element(&mut out, "Nm", &creditor);
    out.push_str("</InitgPty></GrpHdr>\n");
    for (name, day, sequence, debits) in made.batches() {
        out.push_str("<PmtInf>");
        element(&mut out, "PmtInfId", &name);
        element(&mut out, "PmtMtd", "DD");
        element(&mut out, "BtchBookg", "true");
        element(&mut out, "NbOfTxs", &debits.len().to_string());
        element(&mut out, "CtrlSum", &sum(&debits));
        out.push_str("<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>CORE</Cd></LclInstrm>");
        element(&mut out, "SeqTp", sequence.into());
        out.push_str("</PmtTpInf>");
        element(&mut out, "ReqdColltnDt", &day.to_string());
        out.push_str("<Cdtr>");
        element(&mut out, "Nm", &creditor);
        out.push_str("</Cdtr><CdtrAcct><Id>");
        element(&mut out, "IBAN", &made.creditor.iban);
        out.push_str("</Id></CdtrAcct>");
        agent(&mut out, "CdtrAgt", made.creditor.bic.as_deref());
        element(&mut out, "ChrgBr", "SLEV");
        out.push_str("<CdtrSchmeId><Id><PrvtId><Othr>");
        element(&mut out, "Id", &made.creditor.identifier);
        out.push_str("<SchmeNm><Prtry>SEPA</Prtry></SchmeNm></Othr></PrvtId></Id></CdtrSchmeId>\n");
        for debit in debits {
            transaction(&mut out, debit, &creditor, opened)?;
        }
        out.push_str("</PmtInf>\n");
    }
    out.push_str("</CstmrDrctDbtInitn></Document>\n");
    Ok(out)
}

fn transaction(
    out: &mut String,
    debit: &Debit,
    creditor: &str,
    opened: &HashMap<PersonalRef, String>,
) -> Result<(), Erased> {
    let value = |r: &PersonalRef| opened.get(r).ok_or_else(|| Erased(debit.number.clone()));
    let (iban, holder) = (value(&debit.iban)?, value(&debit.holder)?);
    out.push_str("<DrctDbtTxInf><PmtId>");
    element(out, "EndToEndId", &debit.reference);
    let _ = write!(
        out,
        "</PmtId><InstdAmt Ccy=\"{}\">{}</InstdAmt>",
        debit.amount.currency,
        debit.amount.decimal()
    );
    out.push_str("<DrctDbtTx><MndtRltdInf>");
    element(out, "MndtId", &debit.mandate_reference);
    element(out, "DtOfSgntr", &debit.signed_on.to_string());
    out.push_str("</MndtRltdInf></DrctDbtTx>");
    agent(out, "DbtrAgt", None);
    out.push_str("<Dbtr>");
    element(out, "Nm", &latin(holder, 70));
    out.push_str("</Dbtr><DbtrAcct><Id>");
    element(out, "IBAN", iban);
    out.push_str("</Id></DbtrAcct><RmtInf>");
    element(out, "Ustrd", &latin(&format!("{} {creditor}", debit.reference), 140));
    out.push_str("</RmtInf></DrctDbtTxInf>\n");
    Ok(())
}

fn sum(debits: &[&Debit]) -> String {
    let first = debits.first().map(|d| d.amount.currency);
    let minor = debits.iter().map(|d| d.amount.minor).sum();
    first.map(|currency| Money::new(minor, currency).decimal()).unwrap_or_default()
}

#[cfg(test)]
#[path = "direct_debit_tests.rs"]
mod tests;
