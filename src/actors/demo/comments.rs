//! What a member and the creator wrote below the posts of the demo studio.

use super::{DemoError, Hand, id};
use crate::domain::comment::{Comment, CommentCommand, Subject, SubjectKind};
use crate::domain::shared::{AccountId, PersonalValue};

/// The post, whether the creator writes it, the comment it answers by its place here, and the text.
const COMMENTS: [(&str, bool, Option<usize>, &str); 5] = [
    (
        "the-doors-are-open",
        false,
        None,
        "Congratulations! I found you through the cat. Will there be more of **City at night**?",
    ),
    (
        "the-doors-are-open",
        true,
        Some(0),
        "Thank you. Yes: the second night is cut, the third waits for rain.",
    ),
    (
        "the-doors-are-open",
        false,
        None,
        "The course says that lessons can be watched in any order. That helps when one has an hour on a train.",
    ),
    ("three-nights-on-a-roof", false, None, "How did you keep the lens dry? Ours fogs up after ten minutes."),
    (
        "three-nights-on-a-roof",
        true,
        Some(3),
        "A hair dryer on its lowest step, and patience. We lost about every third shot.",
    ),
];

pub(super) async fn load(hand: &Hand<'_>, subscriber: AccountId) -> Result<(), DemoError> {
    for (n, (slug, by_creator, parent, text)) in COMMENTS.iter().enumerate() {
        let author = if *by_creator { hand.creator } else { subscriber };
        let hand = Hand { creator: author, ..*hand };
        let step = format!("comment {n}");
        let value = PersonalValue::new(author, "comment", id(&format!("{step} text")), *text);
        let command = CommentCommand::Write {
            subject: Subject { kind: SubjectKind::Post, id: id(&format!("post {slug}")) },
            parent: parent.map(|p| id(&format!("comment {p}"))),
            author,
            text: value.reference.clone(),
            at: hand.at,
        };
        hand.give_with::<Comment>(id(&step), &format!("{step} write"), command, vec![], vec![value]).await?;
    }
    Ok(())
}
