//! Invoices and credit notes: the member's list, one invoice as a page, the staff's list.

use super::sorting::{Sort, SortColumn};
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::invoice_series::{Document, InvoiceSeriesEvent};
use crate::domain::shared::AccountId;
use crate::domain::shared::tax::Country;
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Invoices;

#[async_trait]
impl Projection for Invoices {
    fn name(&self) -> &'static str {
        "invoices"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["invoices"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists invoices (
            number       text primary key,
            kind         text not null,
            order_id     uuid not null,
            account      uuid not null,
            subscription uuid not null,
            issued_on    date not null,
            gross_minor  bigint not null,
            currency     text not null,
            position     bigint not null,
            document     json not null
        );
        create index if not exists invoices_by_account on invoices (account, position);
        create index if not exists invoices_by_order on invoices (order_id);
        create index if not exists invoices_by_position on invoices (position desc);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let (kind, number, document) = match event.decode::<InvoiceSeriesEvent>()? {
            None => return Ok(()),
            Some(InvoiceSeriesEvent::InvoiceIssued { number, document, .. }) => ("invoice", number, document),
            Some(InvoiceSeriesEvent::CreditNoteIssued { number, document, .. }) => {
                ("credit-note", number, document)
            }
        };
        tx.execute(
            "insert into invoices values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &number,
                &kind,
                &document.order,
                &document.account,
                &document.subscription,
                &document.issued_on,
                &document.tax.gross.minor,
                &document.tax.gross.currency.code(),
                &event.position,
                &serde_json::to_value(&document)?,
            ],
        )
        .await?;
        Ok(())
    }
}

/// An invoice or credit note.
#[derive(Clone, Debug)]
pub struct Invoice {
    /// Its number.
    pub number: String,
    /// Whether it takes an invoice back.
    pub credit_note: bool,
    /// What it says.
    pub document: Document,
    /// Where its issue stands in the log.
    pub position: i64,
}

const COLUMNS: &str = "number, kind, document, position";

fn read(row: &Row) -> Result<Invoice, QueryError> {
    let document = serde_json::from_value(row.get(2))
        .map_err(|e| StoreError::Unreadable(format!("an invoice cannot be read: {e}")))?;
    Ok(Invoice {
        number: row.get(0),
        credit_note: row.get::<_, &str>(1) == "credit-note",
        document,
        position: row.get(3),
    })
}

/// One invoice by its number.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_number(r: &Reader, number: &str) -> Result<Option<Invoice>, QueryError> {
    let sql = format!("select {COLUMNS} from invoices where number = $1");
    r.client().await?.query_opt(&sql, &[&number]).await?.as_ref().map(read).transpose()
}

/// The invoice that stands for an order: the last, if one before was taken back.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_order(r: &Reader, order: Uuid) -> Result<Option<Invoice>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from invoices where order_id = $1 and kind = 'invoice' order by position desc limit 1"
    );
    r.client().await?.query_opt(&sql, &[&order]).await?.as_ref().map(read).transpose()
}

/// The invoice and the credit notes of an order, in the order of their issue.
///
/// # Errors
/// If the database cannot be read.
pub async fn all_of_order(r: &Reader, order: Uuid) -> Result<Vec<Invoice>, QueryError> {
    let sql = format!("select {COLUMNS} from invoices where order_id = $1 order by position");
    r.client().await?.query(&sql, &[&order]).await?.iter().map(read).collect()
}

/// All invoices of an account, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_account(r: &Reader, account: AccountId) -> Result<Vec<Invoice>, QueryError> {
    let sql = format!("select {COLUMNS} from invoices where account = $1 order by position desc");
    r.client().await?.query(&sql, &[&account]).await?.iter().map(read).collect()
}

/// What the list can be sorted by.
pub const SORTS: &[SortColumn] = &[
    ("number", &["number"]),
    ("kind", &["kind"]),
    ("vat", &["currency", "(document #>> '{tax,tax,minor}')::bigint"]),
    ("total", &["currency", "gross_minor"]),
    ("issued", &["issued_on"]),
];

/// A page of all invoices, in the wished order or newest first, whose number contains `number`; and how many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    r: &Reader,
    number: &str,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Invoice>, i64), QueryError> {
    let number = number.trim().to_uppercase();
    let client = r.client().await?;
    let total = client
        .query_one("select count(*) from invoices where strpos(number, $1) > 0 or $1 = ''", &[&number])
        .await?
        .get(0);
    let sql = format!(
        "select {COLUMNS} from invoices i where strpos(number, $1) > 0 or $1 = ''
         order by {} offset $2 limit $3",
        Sort::order(sort, "i.position desc")
    );
    let rows = client.query(&sql, &[&number, &offset, &limit]).await?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
}

/// Every year in which invoices were issued, with each country whose tax they have.
///
/// # Errors
/// If the database cannot be read.
pub async fn years_and_countries(r: &Reader) -> Result<Vec<(i32, Country)>, QueryError> {
    let sql =
        "select distinct extract(year from issued_on)::int4, document #>> '{tax,country}' from invoices";
    let rows = r.client().await?.query(sql, &[]).await?;
    Ok(rows.iter().filter_map(|row| Some((row.get(0), Country::parse(row.get(1)).ok()?))).collect())
}

/// Those that were issued before the one at `last` of the log, newest first, whose number contains `number`; of
/// one account if it is given.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(
    r: &Reader,
    number: &str,
    account: Option<AccountId>,
    last: Option<i64>,
    limit: i64,
) -> Result<Vec<Invoice>, QueryError> {
    let number = number.trim().to_uppercase();
    let sql = format!(
        "select {COLUMNS} from invoices i where (strpos(number, $1) > 0 or $1 = '')
         and ($2::uuid is null or account = $2) and ($3::bigint is null or i.position < $3)
         order by i.position desc limit $4"
    );
    r.client().await?.query(&sql, &[&number, &account, &last, &limit]).await?.iter().map(read).collect()
}
