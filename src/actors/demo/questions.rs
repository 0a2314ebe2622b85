//! What visitors of the demo studio ask most, as its editor answers it.

use super::{DemoError, Hand};
use crate::domain::site::{Site, SiteCommand, SitePage, site_id};

const TEXT: &str = "\
## What can I watch without an account?

Everything that is marked **Free for everybody**: the trailer of each film, some lessons, some files of the gallery. [The list of films](/films) shows what is open.

## What do I get as a member?

All films, all lessons and all files, in full quality and to take along, and you can talk with us below them. What it costs stands [here](/join).

## How do I cancel?

On the page of your subscription, with one click, at any time. What you have paid for stays open until its last day; nothing is charged after that.

## May I use the files in my own films?

The licence stands at every work. Most of ours are *Creative Commons Attribution*: do with them what you like, and say whose they are.

## How do I get my data, or have it deleted?

Both under [your account](/account): a copy of everything in one file, and the deletion of the account. What tax law makes us keep is sealed apart and goes when its time is over.
";

pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    let command = SiteCommand::Write { page: SitePage::Faq, text: TEXT.into(), at: hand.at };
    hand.give::<Site>(site_id(), "questions", command).await
}
