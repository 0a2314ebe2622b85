//! The collections in the gallery of Big Buck Bunny: one, and two inside of it.

use super::films::film_id;
use super::{DemoError, Hand, id};
use crate::domain::collection::{Collection, CollectionCommand, CollectionText, Place, SLUG_NAMESPACE};
use crate::domain::shared::Slug;
use crate::store::Claim;

/// Title, the one it lies in, text, works.
const COLLECTIONS: [(&str, Option<&str>, &str, &[&str]); 3] = [
    (
        "Places",
        None,
        "Every place was painted before anybody was put into it. Look at them in the order of the day.",
        &[],
    ),
    ("Outside", Some("Places"), "Where everybody meets.", &["the-meadow", "bunny-under-the-tree"]),
    ("Inside", Some("Places"), "Where he is alone.", &["the-burrow"]),
];

pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    let film = film_id("big-buck-bunny");
    let stream = |title: &str| id(&format!("collection {title}"));
    for (order, (title, parent, text, works)) in (1..).zip(COLLECTIONS) {
        let slug = Slug::from_title(title, "collection");
        let claims = vec![Claim::new(SLUG_NAMESPACE, format!("{film}/{slug}"))];
        let text = CollectionText {
            title: title.into(),
            text: text.into(),
            picture: works.is_empty().then(|| id("the-meadow")),
            media: works.iter().map(|name| id(name)).collect(),
        };
        let begin = CollectionCommand::Begin {
            film,
            slug,
            text: Box::new(text),
            place: Place { parent: parent.map(stream), order },
            by: hand.creator,
            at: hand.at,
        };
        let step = format!("collection {title}");
        hand.give_with::<Collection>(stream(title), &format!("{step} begin"), begin, claims, vec![]).await?;
        let publish = CollectionCommand::Publish { at: hand.at };
        hand.give::<Collection>(stream(title), &format!("{step} publish"), publish).await?;
    }
    Ok(())
}
