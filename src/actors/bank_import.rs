//! Books what a bank statement says on the orders it belongs to. The same entry is booked once, however often
//! and in however many files it comes: its command id follows from it.

use super::bus::{CommandError, Envelope};
use super::direct_debits;
use super::payments::load_order;
use super::services::Services;
use crate::adapters::bank_statement::{BadStatement, Credit, Returned, read};
use crate::adapters::status_report::{Refused, Rejected};
use crate::domain::debit_file::{Debit, Made};
use crate::domain::order::{Order, OrderCommand, OrderError, transfer_reference};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::{Currency, Money, derive_id};
use crate::projections::{debits, orders};
use crate::store::{Metadata, StoreError};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// What became of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Booked {
    /// It was booked on an order now.
    Booked {
        /// The order.
        order: Uuid,
        /// Its number.
        number: String,
        /// What is still missing; zero when it is enough.
        rest: Money,
        /// What came more than the order asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        over: Option<Money>,
        /// A charge for the order is under way: what becomes of it decides whether this is the price or too much.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        waits: bool,
    },
    /// It had been booked before.
    Known {
        /// The order.
        order: Uuid,
        /// Its number.
        number: String,
    },
    /// Direct debits of one batch were booked on their orders; in old reports, where not each had a line.
    Batch {
        /// How many.
        debits: usize,
        /// The file they stand in.
        file: Uuid,
    },
    /// A direct debit came back; its order is open again.
    Returned {
        /// The order.
        order: Uuid,
        /// Its number.
        number: String,
        /// The bank's code.
        reason: String,
    },
    /// The bank does not collect a direct debit; its order is to be paid otherwise.
    Rejected {
        /// The order.
        order: Uuid,
        /// Its number.
        number: String,
        /// The bank's code.
        reason: String,
        /// The order was paid otherwise meanwhile.
        paid: bool,
    },
    /// No reference of an order stands in it.
    NoReference,
    /// It has the reference of an order, but cannot be booked on it.
    Refused {
        /// The order.
        order: Uuid,
        /// Its number.
        number: String,
        /// Why.
        why: String,
    },
}

/// One entry and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Which entry: the same in every file it comes in; none in reports of before that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Uuid>,
    /// The day on which the bank booked it.
    pub booked_on: NaiveDate,
    /// How much.
    pub amount: Money,
    /// What became of it.
    #[serde(flatten)]
    pub became: Booked,
}

impl Line {
    /// Whether it was booked nowhere, so that somebody has to look at it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.became, Booked::NoReference | Booked::Refused { .. })
    }
}

/// What became of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Money that came.
    pub lines: Vec<Line>,
    /// Entries that are money that went.
    pub debits: usize,
}

/// Why a file was not booked.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read; nothing was booked.
    #[error(transparent)]
    File(#[from] BadStatement),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An order could not be asked now; what was booked before stays, and the file can be sent again.
    #[error("{0}. What was booked before that stays: send the file again.")]
    Interrupted(CommandError<OrderError>),
    /// A setting cannot be used.
    #[error("{0}")]
    Failed(String),
}

/// Books the entries of a statement.
///
/// # Errors
/// [`ImportError`].
pub async fn import(cx: &Services, file: &[u8], meta: &Metadata) -> Result<Report, ImportError> {
    let currency = Currency::parse(&cx.config.billing.currency).unwrap_or_else(|_| Currency::eur());
    let statement = read(file, currency)?;
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| ImportError::Failed(e.to_string()))?;
    let mut report = Report { lines: Vec::with_capacity(statement.credits.len()), debits: statement.debits };
    // What this file brought to an order that the table does not show yet.
    let mut brought: HashMap<Uuid, i64> = HashMap::new();
    for credit in statement.credits {
        let mut add = |id: &str, amount, became| {
            let entry = Some(entry_of(id));
            report.lines.push(Line { entry, booked_on: credit.booked_on, amount, became });
        };
        match order_of(cx, &credit.words).await? {
            Some((order, number)) => {
                let before = brought.entry(order).or_default();
                let became = book(cx, zone, meta, &credit, order, number, *before).await?;
                if matches!(became, Booked::Booked { .. }) {
                    *before += credit.amount.minor;
                }
                add(&credit.id, credit.amount, became);
            }
            None => match batch_of(cx, &credit).await? {
                // One that cannot be booked is named like every other: its money has come.
                Some(debits) => {
                    for debit in debits {
                        let part = part_of_batch(&credit, &debit);
                        let became = book(cx, zone, meta, &part, debit.order, debit.number, 0).await?;
                        add(&part.id, part.amount, became);
                    }
                }
                None => add(&credit.id, credit.amount, Booked::NoReference),
            },
        }
    }
    for one in statement.returns {
        let became = match order_of(cx, &one.words).await? {
            Some((order, number)) => give_back(cx, zone, meta, &one, order, number).await?,
            None => Booked::NoReference,
        };
        let entry = Some(entry_of(&one.id));
        report.lines.push(Line { entry, booked_on: one.booked_on, amount: one.amount.negated(), became });
    }
    for one in &statement.rejects {
        let known = rejected_debits(cx, one).await?;
        if known.is_empty() {
            let (entry, amount) = (Some(rejection_of(one, "")), Money::new(0, currency));
            report.lines.push(Line { entry, booked_on: one.said_on, amount, became: Booked::NoReference });
        }
        for (order, number) in known {
            let (amount, became) = not_collected(cx, zone, meta, one, order, number).await?;
            report.lines.push(Line {
                entry: Some(rejection_of(one, &order.to_string())),
                booked_on: one.said_on,
                amount: amount.unwrap_or(Money::new(0, currency)),
                became,
            });
        }
    }
    Ok(report)
}

/// The order whose reference stands in the words: with its check digits, or as the bare number.
async fn order_of(cx: &Services, words: &str) -> Result<Option<(Uuid, String)>, StoreError> {
    let plain: String = words.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    for at in plain.match_indices('K').map(|(at, _)| at) {
        let Some(number) = plain.get(at..at + 10) else { break };
        let referred = at.checked_sub(4).and_then(|from| plain.get(from..at + 10));
        let with_digits = referred.is_some_and(|r| r == transfer_reference(number));
        let bare = words.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| w.eq_ignore_ascii_case(number));
        if !with_digits && !bare {
            continue;
        }
        let owner = cx.reader.claimed_by("order-number", number).await?;
        let id =
            owner.and_then(|o| o.get(o.len().saturating_sub(36)..).and_then(|id| Uuid::parse_str(id).ok()));
        if let Some(id) = id {
            return Ok(Some((id, number.to_owned())));
        }
    }
    Ok(None)
}

async fn book(
    cx: &Services,
    zone: Zone,
    meta: &Metadata,
    credit: &Credit,
    order: Uuid,
    number: String,
    before: i64,
) -> Result<Booked, ImportError> {
    let refuse = |why: &str| Ok(Booked::Refused { order, number: number.clone(), why: why.to_owned() });
    let Some(row) = orders::one(&cx.reader, order).await? else { return Ok(Booked::NoReference) };
    let now = cx.clock.now();
    if credit.booked_on > zone.date_of(now) {
        return refuse("It is dated in the future.");
    }
    if credit.amount.currency != row.total.currency {
        return refuse("It is in another currency than the order.");
    }
    // The day of the booking is the day of payment; not before the order was made.
    let at = zone.start_of_day(credit.booked_on).max(row.placed_at).min(now);
    let command = OrderCommand::RecordTransfer { received: credit.amount, at };
    let id = entry_of(&credit.id);
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta.clone())).await {
        Ok(receipt) if receipt.replayed => Ok(Booked::Known { order, number }),
        Ok(_) => {
            let came = row.transferred.minor.max(before).saturating_add(credit.amount.minor);
            let came = came.saturating_add(row.credit.minor);
            let rest = Money::new((row.total.minor - came).max(0), row.total.currency);
            let over = if row.is_open() { came.saturating_sub(row.total.minor) } else { credit.amount.minor };
            // Of several transfers of one statement each names what it brought too much.
            let over = over.min(credit.amount.minor);
            Ok(Booked::Booked {
                order,
                number,
                rest: if row.is_open() { rest } else { Money::new(0, rest.currency) },
                over: (over > 0).then(|| Money::new(over, row.total.currency)),
                waits: row.is_open() && row.charge_under_way(),
            })
        }
        Err(CommandError::Refused(why)) => refuse(&why.to_string()),
        Err(error) => Err(ImportError::Interrupted(error)),
    }
}

/// The debits of the batch that an entry names, if its amount is theirs: many banks book a batch as one entry.
async fn batch_of(cx: &Services, credit: &Credit) -> Result<Option<Vec<Debit>>, ImportError> {
    for word in credit.words.split_whitespace().filter(|w| w.starts_with("KDD")) {
        let Some((made, mut all)) = batch_called(cx, word).await? else { continue };
        let is = |all: &[Debit]| {
            all.iter().map(|d| d.amount.minor).sum::<i64>() == credit.amount.minor
                && all.iter().all(|d| d.amount.currency == credit.amount.currency)
        };
        if !is(&all) {
            // Some banks leave out of the sum what they did not collect.
            let states = debits::states(&cx.reader, made.file).await?;
            all.retain(|d| states.get(&d.order).is_none_or(|(state, _)| state != "rejected"));
        }
        if is(&all) {
            return Ok(Some(all));
        }
    }
    Ok(None)
}

/// The debits of the batch of that name, with the file that they stand in.
async fn batch_called(cx: &Services, name: &str) -> Result<Option<(Made, Vec<Debit>)>, StoreError> {
    let owner = cx.reader.claimed_by("debit-batch", name).await?;
    let Some(file) = owner.and_then(|o| Uuid::parse_str(o.get(o.len().saturating_sub(36)..)?).ok()) else {
        return Ok(None);
    };
    let Some(made) = direct_debits::file(cx, file).await? else { return Ok(None) };
    let batch = made.batches().into_iter().find(|(called, ..)| called == name);
    let all = batch.map(|(.., all)| all.into_iter().cloned().collect());
    Ok(all.map(|all| (made, all)))
}

/// The orders of the debits that a status report refuses, with their numbers.
async fn rejected_debits(cx: &Services, one: &Rejected) -> Result<Vec<(Uuid, String)>, StoreError> {
    let all = match &one.which {
        Refused::Debit(words) => return Ok(order_of(cx, words).await?.into_iter().collect()),
        Refused::Batch(name) => batch_called(cx, name).await?.map(|(_, all)| all),
        Refused::File => match debits::by_message(&cx.reader, &one.message).await? {
            Some(file) => direct_debits::file(cx, file).await?.map(|made| made.debits),
            None => None,
        },
    };
    Ok(all.unwrap_or_default().into_iter().map(|d| (d.order, d.number)).collect())
}

/// Notes on an order that its debit is not collected. An order stands in one file, so it is refused once, whatever
/// the reports are called.
async fn not_collected(
    cx: &Services,
    zone: Zone,
    meta: &Metadata,
    one: &Rejected,
    order: Uuid,
    number: String,
) -> Result<(Option<Money>, Booked), ImportError> {
    let state = load_order(cx, order).await?;
    let debit = state.debit().cloned();
    let amount = debit.as_ref().map(|d| d.amount);
    let made = match &debit {
        Some(debit) => direct_debits::file(cx, debit.file).await?,
        None => None,
    };
    let now = cx.clock.now();
    let why = match made {
        None => "No direct debit of this order was sent.".to_owned(),
        Some(made) if made.message != one.message => {
            format!("The report is about another file than {}, in which its debit stands.", made.message)
        }
        Some(_) if one.said_on > zone.date_of(now) => "It is dated in the future.".to_owned(),
        Some(made) => {
            let at = zone.start_of_day(one.said_on).max(made.at).min(now);
            let command = OrderCommand::RecordDebitRejection { reason: one.reason.clone(), at };
            let id = derive_id("debit-rejection", &order.to_string());
            match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta.clone())).await {
                Ok(receipt) if receipt.replayed || receipt.position == 0 => {
                    return Ok((amount, Booked::Known { order, number }));
                }
                Ok(_) => {
                    let (reason, paid) = (one.reason.clone(), !state.is_open());
                    return Ok((amount, Booked::Rejected { order, number, reason, paid }));
                }
                Err(CommandError::Refused(why)) => why.to_string(),
                Err(error) => return Err(ImportError::Interrupted(error)),
            }
        }
    };
    Ok((amount, Booked::Refused { order, number, why }))
}

/// The entry of one debit of a batch that the bank booked as one.
fn part_of_batch(credit: &Credit, debit: &Debit) -> Credit {
    let id = format!("{}/{}", credit.id, debit.number);
    Credit { id, amount: debit.amount, ..credit.clone() }
}

/// The id of an entry, by what the bank calls it: that of the command by which it is booked, too.
fn entry_of(id: &str) -> Uuid {
    derive_id("bank-entry", id)
}

/// The same for what a status report refuses, of which it says no number of its own.
fn rejection_of(one: &Rejected, order: &str) -> Uuid {
    let which = match &one.which {
        Refused::Debit(words) | Refused::Batch(words) => words.as_str(),
        Refused::File => "",
    };
    derive_id("bank-rejection", &format!("{}/{which}/{order}", one.message))
}

async fn give_back(
    cx: &Services,
    zone: Zone,
    meta: &Metadata,
    one: &Returned,
    order: Uuid,
    number: String,
) -> Result<Booked, ImportError> {
    let now = cx.clock.now();
    let why = if one.booked_on > zone.date_of(now) {
        "It is dated in the future.".to_owned()
    } else {
        let at = zone.start_of_day(one.booked_on).min(now);
        let command = OrderCommand::RecordDebitReturn { reason: one.reason.clone(), at };
        let id = entry_of(&one.id);
        match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta.clone())).await {
            // Told before, perhaps by a file of another kind.
            Ok(receipt) if receipt.replayed || receipt.position == 0 => {
                return Ok(Booked::Known { order, number });
            }
            Ok(_) => return Ok(Booked::Returned { order, number, reason: one.reason.clone() }),
            Err(CommandError::Refused(why)) => why.to_string(),
            Err(error) => return Err(ImportError::Interrupted(error)),
        }
    };
    Ok(Booked::Refused { order, number, why })
}
