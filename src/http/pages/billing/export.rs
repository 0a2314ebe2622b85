//! Lists as files.

use crate::http::error::HttpError;
use crate::http::response::{self, Res};
use warp::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};

/// Rows in one file; more are taken from the command line.
pub(super) const MOST: i64 = 50_000;

/// A CSV file (RFC 4180).
pub(super) fn csv(
    name: &str,
    head: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<Res, HttpError> {
    let broken = |e: String| HttpError::Internal(format!("writing {name}: {e}"));
    let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    file.write_record(head).map_err(|e| broken(e.to_string()))?;
    for row in rows {
        file.write_record(row.iter().map(|cell| harmless(cell))).map_err(|e| broken(e.to_string()))?;
    }
    let bytes = file.into_inner().map_err(|e| broken(e.to_string()))?;
    Ok(download(name, "text/csv; charset=utf-8", String::from_utf8_lossy(&bytes).into_owned()))
}

/// A file to save.
pub(super) fn download(name: &str, kind: &str, text: String) -> Res {
    let mut res = response::text(kind, text);
    response::set(&mut res, CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    response::set(&mut res, CACHE_CONTROL, "no-store");
    res
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it; negative
/// numbers stay numbers.
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '@', '\t', '\r'])
        || (cell.starts_with('-') && cell.parse::<f64>().is_err());
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_never_formulas() {
        assert_eq!(harmless("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("-11.50"), "-11.50");
        assert_eq!(harmless("-1+2"), "'-1+2");
        assert_eq!(harmless("Studio, monthly"), "Studio, monthly");
    }
}
