//! The production log of the film that is being made: the last weeks of City at night.

use super::films::film_id;
use super::{DemoError, Hand, id};
use crate::domain::production_log::{LogCommand, LogText, ProductionLog, Week, log_id};
use crate::projections::catalogue::{self, Row};

struct Sketch {
    title: &'static str,
    summary: &'static str,
    /// What was done, and what shows it.
    entries: &'static [(&'static str, &'static [&'static str])],
}

/// The oldest first; the last one is this week's.
const WEEKS: [Sketch; 3] = [
    Sketch {
        title: "References",
        summary: "What night looks like when nobody has lit it.",
        entries: &[(
            "Collected **forty photographs** of skies that are not black. Two of them are on the wall now: one from a launch, one from very far away.\n\nThe blue in both is warmer than I remembered.",
            &["deep-field", "lift-off"],
        )],
    },
    Sketch {
        title: "Three nights on a roof",
        summary: "Rain, a dark building, and a lorry.",
        entries: &[
            (
                "Stood on the car park for three nights. The second tower is only lit until eleven, so everything has to be in the can by then.",
                &["two-towers"],
            ),
            ("Next time: a heavier tripod. It feels every lorry.", &[]),
        ],
    },
    Sketch {
        title: "The first sequence",
        summary: "Seven seconds that stay.",
        entries: &[
            (
                "The first sequence is **locked**. It has no sound yet, and it does not miss any.\n\n- 168 frames\n- no grade\n- one light that moves",
                &["city-at-night-first-sequence"],
            ),
            ("Began a list of sounds that a city makes at four in the morning. It is short.", &[]),
        ],
    },
];

pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    let film = film_id("city-at-night");
    let there = catalogue::logs_of_film(&hand.cx.reader, film, true).await.unwrap_or_default();
    for (log, ago) in WEEKS.iter().zip([14, 7, 0]) {
        let hand = &hand.earlier(ago);
        let step = |what: &str| format!("log {ago} {what}");
        // A second load may be in another week: what was told stays where it was told.
        let told = |row: &&Row<ProductionLog>| {
            row.state.text.title == log.title || row.state.entry(id(&step("entry 0"))).is_some()
        };
        let week = there.iter().find(told).and_then(|row| row.state.week);
        let week = week.unwrap_or_else(|| Week::of(hand.at.date_naive()));
        let stream = log_id(film, week);
        let text = LogText { title: log.title.into(), summary: log.summary.into() };
        let begin = LogCommand::Begin { film, week, text, by: hand.creator, at: hand.at };
        hand.give::<ProductionLog>(stream, &step("begin"), begin).await?;
        for (n, (text, works)) in log.entries.iter().enumerate() {
            let add = LogCommand::AddEntry {
                entry: id(&step(&format!("entry {n}"))),
                author: hand.creator,
                text: (*text).into(),
                media: works.iter().map(|name| id(name)).collect(),
                at: hand.at,
            };
            hand.give::<ProductionLog>(stream, &step(&format!("add {n}")), add).await?;
        }
        let publish = LogCommand::Publish { at: hand.at };
        hand.give::<ProductionLog>(stream, &step("publish"), publish).await?;
    }
    Ok(())
}
