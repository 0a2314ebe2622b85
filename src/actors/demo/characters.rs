//! The character of the demo studio.

use super::films::film_id;
use super::{DemoError, Hand, id};
use crate::domain::character::{Character, CharacterCommand, CharacterText, SLUG_NAMESPACE, VersionText};
use crate::domain::shared::{Licence, Slug};
use crate::store::Claim;

const SLUG: &str = "bunny";

/// Label, software, what is new, file and preview; the oldest first.
const VERSIONS: [(&str, &str, &str, &str, &str); 2] = [
    (
        "1.0",
        "Blender 2.46",
        "How he looks: the picture to draw from, as it hung on the wall.",
        "bunny-under-the-tree",
        "bunny-under-the-tree",
    ),
    (
        "2.0",
        "Blender 4.5",
        "His ears move by themselves now: a script lets each joint follow the one before it. Run it once after opening the file.",
        "overlap-for-ears",
        "the-burrow",
    ),
];

pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    let stream = id("character bunny");
    let slug = Slug::from_title(SLUG, "character");
    let text = CharacterText {
        name: "Bunny".into(),
        summary: "Large, gentle, slow to anger, and then very thorough.".into(),
        description: "He wakes up late and smells every flower. Animate him from the belly: the ears and the feet follow.\n\nKeep his eyes half closed until somebody hurts a butterfly.".into(),
        film: Some(film_id("big-buck-bunny")),
        licence: Licence::CcBy3,
        picture: Some(id("bunny-under-the-tree")),
        showcases: ["good-morning-a-shot-to-study", "big-buck-bunny-the-short-cut"].map(id).into(),
    };
    let claims = vec![Claim::new(SLUG_NAMESPACE, SLUG)];
    let begin = CharacterCommand::Begin { slug, text: Box::new(text), by: hand.creator, at: hand.at };
    hand.give_with::<Character>(stream, "character begin", begin, claims, vec![]).await?;
    for (label, software, notes, download, preview) in VERSIONS {
        let text = VersionText {
            label: label.into(),
            software: software.into(),
            notes: notes.into(),
            download: Some(id(download)),
            preview: Some(id(preview)),
        };
        let version = id(&format!("character version {label}"));
        let add = CharacterCommand::AddVersion { version, text: Box::new(text), at: hand.at };
        hand.give::<Character>(stream, &format!("character add {label}"), add).await?;
    }
    hand.give::<Character>(stream, "character publish", CharacterCommand::Publish { at: hand.at }).await
}
