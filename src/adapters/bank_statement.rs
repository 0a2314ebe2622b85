//! What a bank sends: statements (CAMT.053 of ISO 20022, any version, and CSV as banks export it), and what it says of
//! direct debits before it collects them ([`status_report`]). Only what is needed to
//! recognise a payment is read; names and accounts of payers are not kept.

use super::status_report::{self, Rejected};
use crate::domain::shared::calendar::{YEARS, day_of};
use crate::domain::shared::{Currency, Money};
use chrono::{Datelike as _, NaiveDate};
use roxmltree::{Document, Node, ParsingOptions};
use sha2::{Digest, Sha256};

/// Most entries of one file.
pub(super) const MOST_ENTRIES: usize = 50_000;
/// Most elements of one XML file: bounds memory whatever is sent.
const MOST_NODES: u32 = 4_000_000;

/// Money that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The same for the same entry in every file: the bank's own number, else a digest of what it says.
    pub id: String,
    /// The day on which the bank booked it.
    pub booked_on: NaiveDate,
    /// How much.
    pub amount: Money,
    /// Everything in which a reference may stand.
    pub words: String,
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// Money that came, in the order of the file.
    pub credits: Vec<Credit>,
    /// How many entries say nothing that is booked: money that went, direct debits that were accepted.
    pub debits: usize,
    /// Direct debits that came back (R-transactions).
    pub returns: Vec<Returned>,
    /// Direct debits that the bank does not collect.
    pub rejects: Vec<Rejected>,
}

/// A direct debit that the bank gave back to its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// As [`Credit::id`].
    pub id: String,
    /// The day on which the bank booked it.
    pub booked_on: NaiveDate,
    /// How much left the account, with what the bank may ask for it.
    pub amount: Money,
    /// The bank's code, such as `AM04`.
    pub reason: String,
    /// Everything in which a reference may stand.
    pub words: String,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStatement {
    /// Neither XML nor a table.
    #[error("This is neither a CAMT.053 nor a pain.002 file, nor a CSV file with a heading line.")]
    Unknown,
    /// Broken XML, or another message.
    #[error("This XML file is no bank statement (CAMT.053) and no status report (pain.002): {0}.")]
    Xml(String),
    /// A status report that lacks what is needed.
    #[error("This status report (pain.002) cannot be used: {0}.")]
    Report(String),
    /// A column is missing.
    #[error(
        "The CSV file has no column for the {0}. Its first line must name the columns, such as: date;amount;currency;description;id"
    )]
    Column(&'static str),
    /// A line cannot be read.
    #[error("Entry {0} cannot be read: {1}")]
    Entry(usize, String),
    /// Too long.
    #[error("The file has more than {MOST_ENTRIES} entries: export a shorter time.")]
    TooLong,
}

/// Reads a file, whichever of the two it is. `currency` is taken where a table names none.
///
/// # Errors
/// [`BadStatement`]: then nothing of it is used.
pub fn read(bytes: &[u8], currency: Currency) -> Result<Statement, BadStatement> {
    let text =
        String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect());
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let statement = if text.starts_with('<') { xml(text)? } else { table(text, currency)? };
    let entries = statement.credits.len() + statement.returns.len() + statement.rejects.len();
    if entries + statement.debits > MOST_ENTRIES {
        return Err(BadStatement::TooLong);
    }
    Ok(statement)
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|n| n.tag_name().name() == name)
}

/// The text at the end of a path of elements.
pub(super) fn at<'a>(node: Node<'a, 'a>, path: &str) -> Option<&'a str> {
    let mut node = node;
    for name in path.split('/') {
        node = child(node, name)?;
    }
    node.text().map(str::trim).filter(|t| !t.is_empty())
}

/// A code of the bank, as it is kept: letters and digits.
pub(super) fn code(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(35).collect()
}

fn xml(text: &str) -> Result<Statement, BadStatement> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let xml = Document::parse_with_options(text, options).map_err(|e| BadStatement::Xml(e.to_string()))?;
    if status_report::is_one(&xml) {
        let (rejects, debits) = status_report::read(&xml)?;
        return Ok(Statement { rejects, debits, ..Statement::default() });
    }
    camt(&xml)
}

fn camt(xml: &Document<'_>) -> Result<Statement, BadStatement> {
    let named = |name: &'static str| xml.descendants().filter(move |n| n.tag_name().name() == name);
    if named("BkToCstmrStmt").next().is_none() {
        return Err(BadStatement::Xml("it has no BkToCstmrStmt".into()));
    }
    let mut out = Statement::default();
    for statement in named("Stmt") {
        let account = at(statement, "Acct/Id/IBAN").unwrap_or("");
        for entry in statement.children().filter(|n| n.tag_name().name() == "Ntry") {
            let number = out.credits.len() + out.debits + out.returns.len() + 1;
            let bad = |why: &str| BadStatement::Entry(number, why.to_owned());
            if at(entry, "CdtDbtInd") != Some("CRDT") || at(entry, "RvslInd") == Some("true") {
                let before = out.returns.len();
                returned(entry, account, &mut out.returns).map_err(|e| bad(&e))?;
                out.debits += usize::from(out.returns.len() == before);
                continue;
            }
            // Announced money is not there yet.
            let status = at(entry, "Sts/Cd").or_else(|| at(entry, "Sts"));
            if status.is_some_and(|s| s != "BOOK") {
                continue;
            }
            let day = at(entry, "BookgDt/Dt")
                .or_else(|| at(entry, "BookgDt/DtTm"))
                .ok_or_else(|| bad("no booking date"))?;
            let day = day.get(..10).and_then(day_of).ok_or_else(|| bad("the booking date is none"))?;
            let whole = amount(child(entry, "Amt")).map_err(|e| bad(&e))?;
            let details: Vec<Node<'_, '_>> =
                entry.descendants().filter(|n| n.tag_name().name() == "TxDtls").collect();
            let own = at(entry, "AcctSvcrRef").or_else(|| at(entry, "NtryRef")).unwrap_or("");
            if details.len() < 2 {
                let words = spoken(details.first().copied().unwrap_or(entry));
                out.credits.push(credit(account, own, day, whole, words, 0));
                continue;
            }
            for (at_, one) in details.into_iter().enumerate() {
                let part =
                    child(one, "Amt").or_else(|| child(child(child(one, "AmtDtls")?, "TxAmt")?, "Amt"));
                let part = amount(part).map_err(|e| bad(&e))?;
                let own = at(one, "Refs/AcctSvcrRef").unwrap_or(own);
                out.credits.push(credit(account, own, day, part, spoken(one), at_));
            }
        }
    }
    Ok(out)
}

/// The direct debits of an entry that came back: each part of it that names a reason.
fn returned<'a>(entry: Node<'a, 'a>, account: &str, out: &mut Vec<Returned>) -> Result<(), String> {
    if at(entry, "Sts/Cd").or_else(|| at(entry, "Sts")).is_some_and(|s| s != "BOOK") {
        return Ok(());
    }
    let day = at(entry, "BookgDt/Dt").or_else(|| at(entry, "BookgDt/DtTm"));
    let own = at(entry, "AcctSvcrRef").or_else(|| at(entry, "NtryRef")).unwrap_or("");
    for (n, one) in entry.descendants().filter(|n| n.tag_name().name() == "TxDtls").enumerate() {
        let reason = at(one, "RtrInf/Rsn/Cd").or_else(|| at(one, "RtrInf/Rsn/Prtry"));
        let Some(reason) = reason else { continue };
        let booked_on =
            day.and_then(|d| day_of(d.get(..10)?)).ok_or("the booking date is missing or none")?;
        let part = child(one, "Amt").or_else(|| child(child(child(one, "AmtDtls")?, "TxAmt")?, "Amt"));
        let amount = amount(part.or_else(|| child(entry, "Amt")))?;
        let own = at(one, "Refs/AcctSvcrRef").unwrap_or(own);
        let words = spoken(one);
        let Credit { id, .. } = credit(account, own, booked_on, amount, format!("{reason} {words}"), n);
        let reason = code(reason);
        out.push(Returned { id, booked_on, amount, reason, words });
    }
    Ok(())
}

fn amount(node: Option<Node<'_, '_>>) -> Result<Money, String> {
    let node = node.ok_or("no amount")?;
    let currency = Currency::parse(node.attribute("Ccy").unwrap_or("")).map_err(|e| e.to_string())?;
    Money::parse(node.text().unwrap_or("").trim(), currency).map_err(|e| e.to_string())
}

/// Structured and free remittance information, and the payer's own reference.
fn spoken(node: Node<'_, '_>) -> String {
    let wanted = ["Ustrd", "Ref", "EndToEndId", "PmtInfId", "AddtlRmtInf", "AddtlNtryInf"];
    let texts = node.descendants().filter(|n| wanted.contains(&n.tag_name().name())).filter_map(|n| n.text());
    texts.collect::<Vec<_>>().join(" ")
}

fn credit(account: &str, own: &str, booked_on: NaiveDate, amount: Money, words: String, at: usize) -> Credit {
    let digest = Sha256::digest(format!("{account}|{booked_on}|{amount}|{own}|{words}|{at}"));
    Credit { id: hex::encode(&digest[..16]), booked_on, amount, words }
}

/// Names of columns as banks write them, in several languages.
const DATE: &[&str] = &[
    "date",
    "booking date",
    "booked on",
    "buchungstag",
    "buchungsdatum",
    "datum",
    "boekingsdatum",
    "date de comptabilisation",
];
const AMOUNT: &[&str] =
    &["amount", "betrag", "bedrag", "montant", "amount (eur)", "betrag (eur)", "bedrag (eur)"];
const CURRENCY: &[&str] = &["currency", "währung", "waehrung", "munt", "valuta", "devise"];
const WORDS: &[&str] = &[
    "description",
    "reference",
    "remittance information",
    "verwendungszweck",
    "omschrijving",
    "mededelingen",
    "communication",
    "libellé",
    "payment reference",
];
const ID: &[&str] = &["id", "transaction id", "entry reference", "volgnr", "transactiereferentie"];

/// Columns that say on which side of the account an amount without a sign stands.
const SIDE: &[&str] =
    &["af bij", "credit/debit", "debit/credit", "soll/haben", "cdtdbtind", "direction", "sens"];
/// What stands in such a column for money that went.
const WENT: &[&str] = &["af", "d", "debit", "dbit", "s", "soll", "débit"];
/// Columns for the reason of an R-transaction.
const REASON: &[&str] = &[
    "return reason",
    "return code",
    "reason code",
    "rückgabegrund",
    "rueckgabegrund",
    "retourcode",
    "reden storno",
    "code retour",
    "motif de rejet",
];
/// Codes by which banks say why a direct debit came back (ISO 20022, as the EPC uses them).
const CODES: &[&str] = &[
    "AC01", "AC04", "AC06", "AC13", "AG01", "AG02", "AM04", "AM05", "BE05", "CNOR", "DNOR", "ED05", "FF01",
    "FF05", "MD01", "MD02", "MD06", "MD07", "MS02", "MS03", "RC01", "RR01", "RR02", "RR03", "RR04", "SL01",
];
/// Words by which banks call a direct debit that came back, where they give no code.
const CALLED: &[&str] = &[
    "rücklastschrift",
    "ruecklastschrift",
    "lastschriftrückgabe",
    "lastschriftrueckgabe",
    "direct debit return",
    "returned direct debit",
    "storno incasso",
    "stornering incasso",
    "terugboeking incasso",
    "rejet de prélèvement",
    "rejet prelevement",
];

/// Why money that went is a direct debit that came back; none if it is something else. A line that only names an
/// order is not one: the studio's own refunds do so, too.
fn return_reason(given: &str, words: &str) -> Option<String> {
    if !code(given).is_empty() {
        return Some(code(given));
    }
    let mut parts = words.split(|c: char| !c.is_ascii_alphanumeric());
    if let Some(found) = parts.find(|w| CODES.contains(w)) {
        return Some(found.to_owned());
    }
    let plain = words.to_lowercase();
    // MS03: the bank gives no reason.
    CALLED.iter().any(|name| plain.contains(name)).then(|| "MS03".to_owned())
}

fn table(text: &str, currency: Currency) -> Result<Statement, BadStatement> {
    let first = text.lines().next().unwrap_or("");
    let delimiter = [b';', b'\t', b',']
        .into_iter()
        .find(|d| first.as_bytes().contains(d))
        .ok_or(BadStatement::Unknown)?;
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let heads: Vec<String> = reader
        .headers()
        .map_err(|_| BadStatement::Unknown)?
        .iter()
        .map(|h| h.trim().to_lowercase())
        .collect();
    let column = |names: &[&str]| heads.iter().position(|h| names.contains(&h.as_str()));
    let date = column(DATE).ok_or(BadStatement::Column("booking date"))?;
    let amount = column(AMOUNT).ok_or(BadStatement::Column("amount"))?;
    let words: Vec<usize> =
        heads.iter().enumerate().filter(|(_, h)| WORDS.contains(&h.as_str())).map(|(i, _)| i).collect();
    if words.is_empty() {
        return Err(BadStatement::Column("description or reference"));
    }
    let (currency_at, id) = (column(CURRENCY), column(ID));
    let (side, reason) = (column(SIDE), column(REASON));
    let mut out = Statement::default();
    for (n, row) in reader.records().enumerate() {
        let bad = |why: String| BadStatement::Entry(n + 1, why);
        let row = row.map_err(|e| bad(e.to_string()))?;
        let cell = |i: usize| row.get(i).unwrap_or("").trim();
        if row.iter().all(|c| c.trim().is_empty()) {
            continue;
        }
        let money = match currency_at.map(cell).filter(|c| !c.is_empty()) {
            Some(code) => Currency::parse(code).map_err(|e| bad(e.to_string()))?,
            None => currency,
        };
        let plain = plain_amount(cell(amount), money).map_err(bad)?;
        let went =
            plain.starts_with('-') || side.is_some_and(|at| WENT.contains(&cell(at).to_lowercase().as_str()));
        let said = words.iter().map(|i| cell(*i)).collect::<Vec<_>>().join(" ");
        let own = id.map(cell).unwrap_or("");
        if went {
            match return_reason(reason.map(cell).unwrap_or(""), &said) {
                None => out.debits += 1,
                Some(reason) => {
                    let amount = Money::parse(plain.trim_start_matches('-'), money);
                    let amount = amount.map_err(|e| bad(e.to_string()))?;
                    let booked_on =
                        day(cell(date)).ok_or_else(|| bad(format!("{} is no date", cell(date))))?;
                    let Credit { id, .. } = credit("", own, booked_on, amount, format!("{reason} {said}"), 0);
                    out.returns.push(Returned { id, booked_on, amount, reason, words: said });
                }
            }
            continue;
        }
        let received = Money::parse(&plain, money).map_err(|e| bad(e.to_string()))?;
        let day = day(cell(date)).ok_or_else(|| bad(format!("{} is no date", cell(date))))?;
        // Two equal lines of one file without numbers are two payments.
        let same = if own.is_empty() {
            out.credits
                .iter()
                .filter(|c| c.booked_on == day && c.amount == received && c.words == said)
                .count()
        } else {
            0
        };
        out.credits.push(credit("", own, day, received, said, same));
    }
    Ok(out)
}

/// `1.234,56`, `1,234.56`, `1 234,56`, `+12,00 €`, `EUR 12.00` → `1234.56` or `12.00`; `12,00-` → `-12.00`.
///
/// # Errors
/// In words, for anything else: an amount that can be read in two ways is not guessed.
fn plain_amount(text: &str, currency: Currency) -> Result<String, String> {
    let none = || format!("{} is no amount", text.chars().take(40).collect::<String>());
    let (code, trimmed) = (currency.code(), text.trim());
    let bare = [trimmed.get(..3), trimmed.get(trimmed.len().saturating_sub(3)..)]
        .into_iter()
        .position(|part| part.is_some_and(|part| part.eq_ignore_ascii_case(code)));
    let bare = match bare {
        Some(0) => &trimmed[3..],
        Some(_) => &trimmed[..trimmed.len() - 3],
        None => trimmed,
    };
    let around = |c: char| c.is_whitespace() || matches!(c, '€' | '$' | '£' | '¥');
    let bare = bare.trim_matches(around);
    let (minus, bare) = match (bare.strip_prefix(['-', '\u{2212}']), bare.strip_suffix('-')) {
        (Some(rest), _) | (None, Some(rest)) => ("-", rest.trim_matches(around)),
        _ => ("", bare.strip_prefix('+').unwrap_or(bare).trim_matches(around)),
    };
    // Spaces and apostrophes only group digits.
    let kept: String = bare.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’')).collect();
    if kept.is_empty() || !kept.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',')) {
        return Err(none());
    }
    let Some(last) = kept.rfind(['.', ',']) else { return Ok(format!("{minus}{kept}")) };
    let (whole, part) = (&kept[..last], &kept[last + 1..]);
    let same = whole.contains(&kept[last..=last]);
    let other = whole.contains(['.', ',']) && !same;
    let exponent = currency.exponent() as usize;
    // "1.234.567": the same mark twice only groups. "1.234": both are possible, unless the currency has no or three
    // digits behind the point.
    let groups = same || (part.len() == 3 && !other && exponent == 0);
    if part.len() == 3 && !groups && !other && exponent == 2 {
        return Err(format!("{} can be read in two ways: write it with two digits behind the point", bare));
    }
    let grouped = if groups { kept.as_str() } else { whole };
    let mut threes = grouped.split(['.', ',']).skip(1);
    if !threes.all(|group| group.len() == 3) {
        return Err(none());
    }
    let digits = |text: &str| text.replace(['.', ','], "");
    Ok(if groups { format!("{minus}{}", digits(&kept)) } else { format!("{minus}{}.{part}", digits(whole)) })
}

fn day(text: &str) -> Option<NaiveDate> {
    ["%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y", "%Y%m%d", "%d.%m.%y"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text, form).ok())
        .filter(|day| YEARS.contains(&day.year()))
}

#[cfg(test)]
#[path = "bank_statement_tests.rs"]
mod tests;
