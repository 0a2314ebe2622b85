//! The two films of the demo studio.

use super::{DemoError, Hand, id};
use crate::domain::film::{
    Credit, Film, FilmCommand, FilmDetails, FilmPage, GallerySection, SLUG_NAMESPACE, Stage,
};
use crate::domain::shared::{Licence, PersonalValue, Slug};
use crate::store::Claim;
use chrono::NaiveDate;

struct Sketch {
    slug: &'static str,
    title: &'static str,
    summary: &'static str,
    description: &'static str,
    stage: Stage,
    released: Option<(i32, u32, u32)>,
    licence: Licence,
    hue: u16,
    key_art: &'static str,
    trailer: Option<&'static str>,
    poster: Option<&'static str>,
    landing: &'static str,
    page: Option<(&'static str, &'static str)>,
    feature: Option<&'static str>,
    gallery: &'static [(&'static str, &'static [&'static str])],
    crew: &'static [(&'static str, &'static str)],
}

const FILMS: [Sketch; 2] = [
    Sketch {
        slug: "city-at-night",
        title: "City at night",
        summary: "Two towers, one night, and the light that moves when nobody is looking.",
        description: include_str!("../../../demo/texts/city-at-night.md"),
        stage: Stage::InProduction,
        released: None,
        licence: Licence::Cc0,
        hue: 185,
        key_art: "two-towers",
        trailer: None,
        poster: None,
        landing: "Members watch the first sequence as it was cut, without sound, and every new one in the week in which it is locked.",
        page: None,
        feature: Some("city-at-night-first-sequence"),
        gallery: &[
            ("", &["city-at-night-first-sequence", "two-towers"]),
            ("References", &["deep-field", "lift-off"]),
        ],
        crew: &[],
    },
    Sketch {
        slug: "big-buck-bunny",
        title: "Big Buck Bunny",
        summary: "A very large, very gentle rabbit meets three bullies and makes a plan.",
        description: include_str!("../../../demo/texts/big-buck-bunny.md"),
        stage: Stage::Released,
        released: Some((2008, 4, 10)),
        licence: Licence::CcBy3,
        hue: 125,
        key_art: "bunny-under-the-tree",
        trailer: Some("good-morning-a-shot-to-study"),
        poster: Some("bunny-under-the-tree"),
        landing: "",
        page: Some((
            "Show it",
            "Under CC BY 3.0 you may show the film wherever you like, also for money.\n\nName the makers: *Blender Foundation, www.bigbuckbunny.org*.",
        )),
        feature: Some("big-buck-bunny-the-short-cut"),
        gallery: &[
            ("Shots", &["good-morning-a-shot-to-study", "big-buck-bunny-the-short-cut"]),
            ("Stills", &["bunny-under-the-tree", "the-meadow", "the-burrow"]),
            ("Production files", &["shot-list-good-morning", "overlap-for-ears", "pine-island"]),
        ],
        crew: &[
            ("Director", "Sacha Goedegebure"),
            ("Producer", "Ton Roosendaal"),
            ("Art director", "Andreas Goralczyk"),
            ("Music", "Jan Morgenstern"),
        ],
    },
];

/// The id of a film by its address.
pub(super) fn film_id(slug: &str) -> uuid::Uuid {
    id(&format!("film {slug}"))
}

pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    for film in &FILMS {
        let stream = film_id(film.slug);
        let step = |what: &str| format!("film {} {what}", film.slug);
        let slug = Slug::from_title(film.slug, "film");
        let claims = vec![Claim::new(SLUG_NAMESPACE, film.slug)];
        let begin = FilmCommand::Begin {
            title: film.title.into(),
            slug: slug.clone(),
            summary: film.summary.into(),
            by: hand.creator,
            at: hand.at,
        };
        hand.give_with::<Film>(stream, &step("begin"), begin, claims, vec![]).await?;
        let details = FilmDetails {
            title: film.title.into(),
            slug: Some(slug),
            summary: film.summary.into(),
            description: film.description.into(),
            stage: film.stage,
            release_date: film.released.and_then(|(y, m, d)| NaiveDate::from_ymd_opt(y, m, d)),
            licence: film.licence,
            hue: Some(film.hue),
            art_hue: None,
            key_art: Some(id(film.key_art)),
            trailer: film.trailer.map(id),
            feature: film.feature.map(id),
            gallery: film
                .gallery
                .iter()
                .map(|(title, works)| GallerySection {
                    title: (*title).into(),
                    media: works.iter().map(|name| id(name)).collect(),
                })
                .collect(),
            poster: film.poster.map(id),
            landing: film.landing.into(),
            ..FilmDetails::default()
        };
        let edit = FilmCommand::Edit { details: Box::new(details), at: hand.at };
        hand.give::<Film>(stream, &step("edit"), edit).await?;
        let private: Vec<PersonalValue> = film
            .crew
            .iter()
            .map(|(role, name)| {
                PersonalValue::new(stream, "credit", id(&format!("credit {} {role}", film.slug)), *name)
            })
            .collect();
        let crew = film
            .crew
            .iter()
            .zip(&private)
            .map(|((role, _), value)| Credit { role: (*role).into(), name: value.reference.clone() });
        let credit = FilmCommand::Credit { crew: crew.collect(), at: hand.at };
        hand.give_with::<Film>(stream, &step("credit"), credit, vec![], private).await?;
        if let Some((title, text)) = film.page {
            let slug = Slug::from_title(title, "page");
            let page = FilmPage { id: id(&step("page")), slug, title: title.into(), text: text.into() };
            let write = FilmCommand::WritePage { page: Box::new(page), position: None, at: hand.at };
            hand.give::<Film>(stream, &step("write page"), write).await?;
        }
        hand.give::<Film>(stream, &step("publish"), FilmCommand::Publish { at: hand.at }).await?;
    }
    Ok(())
}
