//! The posts of the demo studio.

use super::films::film_id;
use super::{DemoError, Hand, id};
use crate::domain::post::{Category, Post, PostCommand, PostText, SLUG_NAMESPACE};
use crate::domain::shared::Slug;
use crate::store::Claim;

struct Sketch {
    title: &'static str,
    category: Category,
    film: Option<&'static str>,
    excerpt: &'static str,
    content: &'static str,
    picture: &'static str,
}

/// Oldest first.
const POSTS: [Sketch; 3] = [
    Sketch {
        title: "One colour for each film",
        category: Category::Tutorial,
        film: Some("big-buck-bunny"),
        excerpt: "Every film here has its own light. How we find it, and how you can.",
        content: include_str!("../../../demo/texts/post-palette.md"),
        picture: "a-cup-of-coffee",
    },
    Sketch {
        title: "Three nights on a roof",
        category: Category::Production,
        film: Some("city-at-night"),
        excerpt: "Rain, a switched-off building and a lorry: how seven seconds of City at night came about.",
        content: include_str!("../../../demo/texts/post-week.md"),
        picture: "two-towers",
    },
    Sketch {
        title: "The doors are open",
        category: Category::News,
        film: None,
        excerpt: "The first films, the first course and this journal are online. What is free, and what members get.",
        content: include_str!("../../../demo/texts/post-open.md"),
        picture: "the-studio-cat",
    },
];

pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    for (post, days) in POSTS.iter().zip([9, 4, 0]) {
        let hand = &hand.earlier(days);
        let slug = Slug::from_title(post.title, "post");
        let stream = id(&format!("post {slug}"));
        let text = PostText {
            title: post.title.into(),
            category: post.category,
            film: post.film.map(film_id),
            excerpt: post.excerpt.into(),
            content: post.content.into(),
            picture: Some(id(post.picture)),
        };
        let claims = vec![Claim::new(SLUG_NAMESPACE, slug.as_str())];
        let write =
            PostCommand::Write { slug: slug.clone(), text: Box::new(text), by: hand.creator, at: hand.at };
        hand.give_with::<Post>(stream, &format!("post {slug} write"), write, claims, vec![]).await?;
        let publish = PostCommand::Publish { at: hand.at };
        hand.give::<Post>(stream, &format!("post {slug} publish"), publish).await?;
    }
    Ok(())
}
