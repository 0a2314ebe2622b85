//! Lists of orders, narrowed: for the billing desk, its files, and the API.

use super::orders::{OrderRow, SELECT, read};
use super::sorting::{Sort, SortColumn};
use super::{QueryError, Reader};
use crate::domain::shared::AccountId;
use chrono::{DateTime, Utc};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// What a list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One status, or `open` for all that wait for money, `failing` for those of which a payment failed.
    pub status: Option<String>,
    /// Only those that are meant by the words of a search.
    pub sought: Option<Sought>,
    /// Only those with a payment that is unknown, parked, disputed, or too much.
    pub questionable: bool,
    /// Only those with a payment of which it is not known whether it was taken.
    pub unknown: bool,
    /// Only those whose last dispute the bank decided for the holder of the card.
    pub lost: bool,
    /// Only those of this account.
    pub account: Option<AccountId>,
}

/// What the words of a search can mean; an order is found by any of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// The number, or a part of it.
    pub number: String,
    /// What it asks for, in minor units: the whole, or without what credit paid.
    pub amount: Option<i64>,
    /// Whose it is.
    pub accounts: Vec<AccountId>,
}

impl Sought {
    /// Reads an order's number, also as the bank shows it: after `RF` and two digits, in groups of four. What has two
    /// digits after a point or comma is an amount.
    #[must_use]
    pub fn of(words: &str) -> Self {
        let plain: String = words.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
        let after = plain.strip_prefix("RF").and_then(|rest| {
            let (digits, number) = rest.split_at_checked(2)?;
            (digits.chars().all(|c| c.is_ascii_digit()) && !number.is_empty()).then_some(number)
        });
        let sum = plain.trim_start_matches(|c: char| !c.is_ascii_digit());
        let amount = sum.split_once(['.', ',']).filter(|(whole, part)| {
            let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
            !whole.is_empty() && whole.len() < 15 && part.len() == 2 && digits(whole) && digits(part)
        });
        let amount = amount.and_then(|(whole, part)| format!("{whole}{part}").parse().ok());
        Self { number: after.unwrap_or(&plain).to_owned(), amount, accounts: Vec::new() }
    }
}

const NARROWED: &str =
    "($1::text is null or o.status = $1 or ($1 = 'open' and o.status in ('created', 'soft-failed', 'failed'))
        or ($1 = 'failing' and o.status in ('soft-failed', 'failed')))
    and ($2::text is null or strpos(o.number, $2) > 0 or o.gross_minor = $6::bigint
        or o.gross_minor - o.credit = $6 or o.account = any($7::uuid[]))
    and (not $3 or o.overpaid > o.returned or o.disputed = 'open' or o.taken_back or exists
        (select from payments p where p.order_id = o.id and p.state in ('unknown', 'parked')))
    and (not $4 or exists (select from payments p where p.order_id = o.id and p.state in ('unknown', 'parked')))
    and ($5::uuid is null or o.account = $5)
    and (not $8 or exists (select from lost_disputes l where l.order_id = o.id))";

impl Filter {
    /// The words of a search as the queries take them.
    fn words(&self) -> (Option<&str>, Option<i64>, Option<&[AccountId]>) {
        let sought = self.sought.as_ref();
        let number = sought.map(|s| s.number.as_str());
        (number, sought.and_then(|s| s.amount), sought.map(|s| s.accounts.as_slice()))
    }
}

/// What the list can be sorted by.
pub const SORTS: &[SortColumn] = &[
    ("number", &["o.number"]),
    ("for", &["o.description"]),
    ("status", &["o.status"]),
    ("amount", &["o.currency", "o.gross_minor"]),
    ("placed", &["o.placed_at"]),
];

/// A page of the list, in the wished order or newest first, and how many there are in all.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    r: &Reader,
    filter: &Filter,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<OrderRow>, i64), QueryError> {
    let (number, amount, accounts) = filter.words();
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &filter.status,
        &number,
        &filter.questionable,
        &filter.unknown,
        &filter.account,
        &amount,
        &accounts,
        &filter.lost,
    ];
    let client = r.client().await?;
    let count = format!("select count(*) from orders o where {NARROWED}");
    let total = client.query_one(&count, &params).await?.get(0);
    let order = Sort::order(sort, "o.placed_at desc, o.id");
    let sql = format!("{SELECT} where {NARROWED} order by {order} offset $9 limit $10");
    params.extend([&offset as &(dyn ToSql + Sync), &limit]);
    let rows = client.query(&sql, &params).await?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
}

/// Those that follow `last` (when it was placed, and its id) in the same order, however the list moved
/// meanwhile; from the beginning without one.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(
    r: &Reader,
    filter: &Filter,
    last: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<OrderRow>, QueryError> {
    let (at, id) = last.unzip();
    let (number, amount, accounts) = filter.words();
    let sql = format!(
        "{SELECT} where {NARROWED}
         and ($9::timestamptz is null or o.placed_at < $9 or (o.placed_at = $9 and o.id > $10))
         order by o.placed_at desc, o.id limit $11"
    );
    let rows = r
        .client()
        .await?
        .query(
            &sql,
            &[
                &filter.status,
                &number,
                &filter.questionable,
                &filter.unknown,
                &filter.account,
                &amount,
                &accounts,
                &filter.lost,
                &at,
                &id,
                &limit,
            ],
        )
        .await?;
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::Sought;

    #[test]
    fn an_order_is_sought_by_its_number_the_reference_of_the_bank_or_an_amount() {
        for words in ["K0S388Q74B", " k0s388q74b", "RF18K0S388Q74B", "rf18 k0s3 88q7 4b"] {
            assert_eq!(
                Sought::of(words),
                Sought { number: "K0S388Q74B".into(), ..Sought::default() },
                "{words}"
            );
        }
        for (words, minor) in [("14.90", 1490), ("14,90", 1490), ("€14.90", 1490), ("EUR 0.05", 5)] {
            assert_eq!(Sought::of(words).amount, Some(minor), "{words}");
        }
        for words in ["1490", "14.9", "14.901", "RF18", "K1.2", "a.bc", ".50", "1.2.34"] {
            assert_eq!(Sought::of(words).amount, None, "{words}");
        }
        assert_eq!(Sought::of("RF18").number, "RF18", "no number follows");
        assert_eq!(Sought::of("RFXY12").number, "RFXY12", "no check digits");
    }
}
