use super::{InvoiceSeriesCommand, InvoiceSeriesError, InvoiceSeriesEvent, SeriesKind};
use crate::domain::shared::derive_id;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The stream of one series: there is one per legal entity, year and kind.
#[must_use]
pub fn series_id(kind: SeriesKind, entity: &str, year: i32) -> Uuid {
    derive_id(&format!("invoice-series/{entity}"), &format!("{kind:?}/{year}"))
}

/// A series as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct InvoiceSeries {
    of: Option<(SeriesKind, String, i32)>,
    last: u32,
    /// The day on which its last document was issued.
    #[serde(default)]
    latest: Option<NaiveDate>,
    causes: BTreeSet<Uuid>,
}

impl InvoiceSeries {
    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(
        &self,
        command: InvoiceSeriesCommand,
    ) -> Result<Vec<InvoiceSeriesEvent>, InvoiceSeriesError> {
        let InvoiceSeriesCommand::Issue { kind, entity, year, document } = command;
        if self.of.as_ref().is_some_and(|(k, e, y)| (*k, e, *y) != (kind, &entity, year)) {
            return Err(InvoiceSeriesError::OtherSeries);
        }
        if document.issued_on.year() != year {
            return Err(InvoiceSeriesError::OtherYear);
        }
        if self.causes.contains(&document.cause()) {
            return Ok(vec![]);
        }
        if let Some(latest) = self.latest.filter(|latest| document.issued_on < *latest) {
            return Err(InvoiceSeriesError::Backwards { latest });
        }
        let sequence = self.last.saturating_add(1);
        Ok(vec![match kind {
            SeriesKind::Invoice => {
                let number = format!("INV-{year}-{sequence:05}");
                InvoiceSeriesEvent::InvoiceIssued { sequence, number, entity, document }
            }
            SeriesKind::CreditNote => {
                let number = format!("CN-{year}-{sequence:05}");
                InvoiceSeriesEvent::CreditNoteIssued { sequence, number, entity, document }
            }
        }])
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: InvoiceSeriesEvent) {
        let (kind, sequence, entity, document) = match event {
            InvoiceSeriesEvent::InvoiceIssued { sequence, entity, document, .. } => {
                (SeriesKind::Invoice, sequence, entity, document)
            }
            InvoiceSeriesEvent::CreditNoteIssued { sequence, entity, document, .. } => {
                (SeriesKind::CreditNote, sequence, entity, document)
            }
        };
        self.of = Some((kind, entity, document.issued_on.year()));
        self.last = sequence;
        self.latest = self.latest.max(Some(document.issued_on));
        self.causes.insert(document.cause());
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Document, InvoiceLine, Seller};
    use super::*;
    use crate::domain::shared::tax::{Buyer, Country, Tax};
    use crate::domain::shared::{Currency, Money, PersonalRef};
    use cqrs_es::test::TestFramework;

    fn document(order: u128) -> Box<Document> {
        let price = Money::new(1150, Currency::eur());
        let nl = Country::parse("NL").unwrap();
        let day = "2026-11-21".parse().unwrap();
        Box::new(Document {
            order: Uuid::from_u128(order),
            order_number: format!("K{order}"),
            subscription: Uuid::from_u128(7),
            account: Uuid::from_u128(8),
            seller: Seller {
                name: "Lantern Studio".into(),
                address: "Amsterdam".into(),
                vat_number: "NL001234567B01".into(),
            },
            billing: Some(PersonalRef {
                subject: Uuid::from_u128(8),
                field: "billing_address".into(),
                version: Uuid::from_u128(9),
            }),
            vat_number: None,
            lines: vec![InvoiceLine {
                description: "Studio, monthly".into(),
                quantity: 1,
                unit: price,
                period: None,
            }],
            tax: Tax::decide(
                price,
                Buyer { country: nl, business: false },
                nl,
                day,
                &crate::domain::shared::tax_rates::RateTable::default(),
            ),
            issued_on: day,
            paid: true,
            corrects: None,
            refund: None,
            paid_on: None,
            moved: false,
            reissue: None,
            credit: None,
        })
    }

    fn issue(kind: SeriesKind, year: i32, order: u128) -> InvoiceSeriesCommand {
        InvoiceSeriesCommand::Issue { kind, entity: "studio".into(), year, document: document(order) }
    }

    #[test]
    fn numbers_run_on_without_gap_and_an_order_keeps_its_own() {
        let mut series = InvoiceSeries::default();
        let mut numbers = Vec::new();
        for order in [1, 2, 1, 3, 2, 4] {
            for event in series.decide(issue(SeriesKind::Invoice, 2026, order)).unwrap() {
                if let InvoiceSeriesEvent::InvoiceIssued { number, .. } = &event {
                    numbers.push(number.clone());
                }
                series.apply(event);
            }
        }
        assert_eq!(numbers, ["INV-2026-00001", "INV-2026-00002", "INV-2026-00003", "INV-2026-00004"]);
    }

    #[test]
    fn dates_rise_with_the_numbers_whatever_comes_when() {
        let mut series = InvoiceSeries::default();
        let mut dates: Vec<NaiveDate> = Vec::new();
        for order in 1..200_u128 {
            let mut day = NaiveDate::from_yo_opt(2026, 1 + u32::try_from(order * 37 % 365).unwrap()).unwrap();
            // As the workflow does: what would go back takes the day of the last one.
            loop {
                let mut command = issue(SeriesKind::Invoice, 2026, order);
                let InvoiceSeriesCommand::Issue { document, .. } = &mut command;
                document.issued_on = day;
                match series.decide(command) {
                    Err(InvoiceSeriesError::Backwards { latest }) => day = latest,
                    decided => break decided.unwrap().into_iter().for_each(|event| series.apply(event)),
                }
            }
            dates.push(day);
        }
        assert!(dates.is_sorted(), "{dates:?}");
        // One that has its number keeps it, whatever day it is asked for again.
        assert_eq!(series.decide(issue(SeriesKind::Invoice, 2026, 3)), Ok(vec![]));
    }

    #[test]
    fn every_refund_of_an_order_gets_a_credit_note_of_its_own() {
        let mut series = InvoiceSeries::default();
        let mut numbers = 0;
        for refund in [1, 2, 1] {
            let mut command = issue(SeriesKind::CreditNote, 2026, 9);
            let InvoiceSeriesCommand::Issue { document, .. } = &mut command;
            document.refund = Some(Uuid::from_u128(refund));
            for event in series.decide(command).unwrap() {
                numbers += 1;
                series.apply(event);
            }
        }
        assert_eq!(numbers, 2);
    }

    #[test]
    fn a_series_belongs_to_one_year_and_kind() {
        let issued = InvoiceSeriesEvent::InvoiceIssued {
            sequence: 1,
            number: "INV-2026-00001".into(),
            entity: "studio".into(),
            document: document(1),
        };
        let given = || TestFramework::<InvoiceSeries>::with(()).given(vec![issued.clone()]);
        given()
            .when(issue(SeriesKind::CreditNote, 2026, 2))
            .then_expect_error(InvoiceSeriesError::OtherSeries);
        given().when(issue(SeriesKind::Invoice, 2027, 2)).then_expect_error(InvoiceSeriesError::OtherSeries);
        TestFramework::<InvoiceSeries>::with(())
            .given_no_previous_events()
            .when(issue(SeriesKind::Invoice, 2027, 2))
            .then_expect_error(InvoiceSeriesError::OtherYear);
        assert_ne!(
            series_id(SeriesKind::Invoice, "studio", 2026),
            series_id(SeriesKind::CreditNote, "studio", 2026)
        );
    }

    #[test]
    fn events_keep_their_form() {
        let series = InvoiceSeries::default();
        insta::assert_json_snapshot!([
            series.decide(issue(SeriesKind::Invoice, 2026, 1)).unwrap(),
            series.decide(issue(SeriesKind::CreditNote, 2026, 1)).unwrap(),
        ]);
    }
}
