//! The files of reference rates that the European Central Bank publishes: as CSV `eurofxref.csv` (one day, "29 November
//! 2026") and `eurofxref-hist.csv` (every day, "2026-11-29"), whose first line names the currencies, and the same as
//! XML (`eurofxref-daily.xml`, `eurofxref-hist-90d.xml`, `eurofxref-hist.xml`).

use super::https::{Https, service};
use crate::domain::exchange::{Quote, millionths};
use crate::domain::shared::Currency;
use crate::domain::shared::calendar::YEARS;
use bytes::Bytes;
use chrono::{Datelike as _, NaiveDate};
use http_body_util::Full;
use hyper::Request;
use std::time::Duration;

/// How long the bank may take to send its file.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most lines of one file: more than a century of days.
const MOST_LINES: usize = 40_000;

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRates {
    /// Another kind of file.
    #[error(
        "This is no file of reference rates of the European Central Bank: neither its CSV, whose first line begins with Date and names the currencies, nor its XML."
    )]
    Unknown,
    /// A line cannot be read.
    #[error("Line {0} cannot be read: {1}")]
    Line(usize, String),
    /// Too long.
    #[error("The file has more than {MOST_LINES} lines.")]
    TooLong,
}

/// Reads a file. Currencies that this program does not know, and days without a rate (`N/A`), are passed over.
///
/// # Errors
/// [`BadRates`]: then nothing of it is used.
pub fn read(bytes: &[u8]) -> Result<Vec<Quote>, BadRates> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadRates::Unknown)?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('<') {
        return read_xml(text);
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let heads = reader.headers().map_err(|_| BadRates::Unknown)?.clone();
    if heads.get(0).map(str::trim) != Some("Date") || heads.len() < 2 {
        return Err(BadRates::Unknown);
    }
    let currencies: Vec<Option<Currency>> = heads.iter().map(|h| Currency::parse(h).ok()).collect();
    let mut quotes = Vec::new();
    for (n, row) in reader.records().enumerate() {
        if n >= MOST_LINES {
            return Err(BadRates::TooLong);
        }
        let bad = |why: String| BadRates::Line(n + 2, why);
        let row = row.map_err(|e| bad(e.to_string()))?;
        let cell = row.get(0).unwrap_or("").trim();
        if cell.is_empty() {
            continue;
        }
        let day = NaiveDate::parse_from_str(cell, "%Y-%m-%d")
            .or_else(|_| NaiveDate::parse_from_str(cell, "%d %B %Y"))
            .ok()
            .filter(|day| YEARS.contains(&day.year()))
            .ok_or_else(|| bad(format!("{cell} is no date")))?;
        for (at, currency) in currencies.iter().enumerate().skip(1) {
            let (Some(currency), rate) = (currency, row.get(at).unwrap_or("").trim()) else { continue };
            if rate.is_empty() || rate == "N/A" || *currency == Currency::eur() {
                continue;
            }
            let millionths = millionths(rate).ok_or_else(|| bad(format!("{rate} is no rate")))?;
            quotes.push(Quote { day, currency: *currency, millionths });
        }
    }
    Ok(quotes)
}

/// Reads `<Cube time="…"><Cube currency="…" rate="…"/>…</Cube>…`.
fn read_xml(text: &str) -> Result<Vec<Quote>, BadRates> {
    let document = roxmltree::Document::parse(text).map_err(|_| BadRates::Unknown)?;
    let mut quotes = Vec::new();
    let days = document.descendants().filter(|n| n.tag_name().name() == "Cube" && n.has_attribute("time"));
    for (n, day) in days.enumerate() {
        if n >= MOST_LINES {
            return Err(BadRates::TooLong);
        }
        let bad = |why: String| BadRates::Line(document.text_pos_at(day.range().start).row as usize, why);
        let cell = day.attribute("time").unwrap_or_default();
        let date: NaiveDate = cell.parse().map_err(|_| bad(format!("{cell} is no date")))?;
        for cube in day.children().filter(roxmltree::Node::is_element) {
            let (code, rate) = (cube.attribute("currency"), cube.attribute("rate"));
            let (Some(code), Some(rate)) = (code, rate) else { return Err(BadRates::Unknown) };
            let Ok(currency) = Currency::parse(code) else { continue };
            if currency != Currency::eur() {
                let millionths = millionths(rate).ok_or_else(|| bad(format!("{rate} is no rate")))?;
                quotes.push(Quote { day: date, currency, millionths });
            }
        }
    }
    if quotes.is_empty() { Err(BadRates::Unknown) } else { Ok(quotes) }
}

/// Fetches a file; redirects are not followed.
///
/// # Errors
/// In words for operators: an address that cannot be used, no whole answer in time, or another than the file.
pub async fn fetch(https: &Https, setting: &str, address: &str, plain: bool) -> Result<Bytes, String> {
    let url = service(setting, address, plain)?;
    let request = Request::get(url.as_str()).header("accept", "application/xml, text/xml, text/csv");
    let request = request.body(Full::new(Bytes::new())).map_err(|e| e.to_string())?;
    match https.send(request, PATIENCE).await {
        Ok((200, bytes)) => Ok(bytes),
        Ok((status, _)) => Err(format!("the address of {setting} answers with status {status}")),
        Err(error) => Err(format!("the address of {setting} cannot be read: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_of_the_bank_are_read() {
        let one = "Date, USD, JPY, XYZ, \n27 November 2026, 1.0856, 160.50, 7, \n";
        let found = read(one.as_bytes()).expect("read");
        let words: Vec<String> =
            found.iter().map(|q| format!("{} {} {}", q.day, q.currency, q.millionths)).collect();
        assert_eq!(words, ["2026-11-27 USD 1085600", "2026-11-27 JPY 160500000"]);
        let all = "Date,USD,CYP,GBP,\n2026-11-27,1.0856,N/A,0.86,\n2026-11-26,1.09,N/A,N/A,\n";
        assert_eq!(read(all.as_bytes()).expect("read").len(), 3);
    }

    #[test]
    fn the_same_as_xml_is_read() {
        let file = |days: &str| {
            format!(
                "<?xml version='1.0' encoding='UTF-8'?><gesmes:Envelope xmlns:gesmes='http://www.gesmes.org/xml/2002-08-01' \
                 xmlns='http://www.ecb.int/vocabulary/2002-08-01/eurofxref'><gesmes:subject>Reference rates</gesmes:subject>\
                 <Cube>\n{days}</Cube></gesmes:Envelope>"
            )
        };
        let two = file(
            "<Cube time='2026-11-27'><Cube currency='USD' rate='1.0856'/><Cube currency='XYZ' rate='7'/></Cube>\n\
             <Cube time='2026-11-26'><Cube currency='JPY' rate='160.50'/></Cube>",
        );
        let words: Vec<String> = read(two.as_bytes())
            .expect("read")
            .iter()
            .map(|q| format!("{} {} {}", q.day, q.currency, q.millionths))
            .collect();
        assert_eq!(words, ["2026-11-27 USD 1085600", "2026-11-26 JPY 160500000"]);
        let bad = |days: &str| read(file(days).as_bytes()).expect_err("refused").to_string();
        assert!(bad("<Cube time='soon'><Cube currency='USD' rate='1'/></Cube>").contains("Line 2"));
        assert!(bad("<Cube time='2026-11-27'><Cube currency='USD' rate='-1'/></Cube>").contains("no rate"));
        for other in ["", "<Cube time='2026-11-27'><Cube currency='USD'/></Cube>"] {
            assert!(bad(other).contains("no file of reference rates"), "{other}");
        }
        for other in ["<html><body>down</body></html>", "<Cube", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"] {
            assert_eq!(read(other.as_bytes()), Err(BadRates::Unknown), "{other}");
        }
    }

    #[test]
    fn other_files_are_refused_whole_with_a_sentence() {
        let bad = |text: &str| read(text.as_bytes()).expect_err("refused").to_string();
        for other in ["", "hello", "date;amount\n", "Day,USD\n2026-11-27,1\n", "Date\n2026-11-27\n"] {
            assert!(bad(other).contains("no file of reference rates"), "{other}");
        }
        assert!(
            bad("Date,USD\nsoon,1.1\n").contains("Line 2") && bad("Date,USD\nsoon,1.1\n").contains("no date")
        );
        assert!(bad("Date,USD\n2026-11-27,-1\n").contains("-1 is no rate"));
        assert!(read(b"Date,USD\n\xff").is_err());
        let many = |n: usize| format!("Date,USD\n{}", "2026-11-27,1.1\n".repeat(n));
        assert!(read(many(MOST_LINES).as_bytes()).is_ok(), "at the edge");
        assert_eq!(read(many(MOST_LINES + 1).as_bytes()), Err(BadRates::TooLong));
    }
}
