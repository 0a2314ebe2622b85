//! Renders sample pages with every part, for tests and for looking at them:
//! `KINORA_PREVIEW=/some/folder cargo test --lib ui::preview`.

use super::*;
use chrono::{TimeZone, Utc};
use maud::{Markup, html};

struct NoTokens;
impl FormTokens for NoTokens {
    fn csrf(&self) -> String {
        "token".into()
    }
    fn idempotency_key(&self) -> String {
        "key".into()
    }
}

fn frame(title: &str, section: &str, path: &str, theme: Theme) -> Frame {
    let places = [("Films", "/films"), ("Training", "/courses"), ("Journal", "/posts")];
    Frame {
        studio: "Lantern Studio".into(),
        title: title.into(),
        section: section.into(),
        path: path.into(),
        theme,
        join: Some("Join for €11.50".into()),
        places: places.map(|(l, h)| Place::new(l, h)).into(),
        foot: vec![Place::new("About", "/about"), Place::new("Privacy", "/legal/privacy")],
        ..Frame::default()
    }
}

/// All-white art: the hardest ground for words.
fn white() -> Picture {
    Picture {
        files: vec![Rendition {
            url: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 9'%3E%3Crect width='16' height='9' fill='white'/%3E%3C/svg%3E".into(),
            kind: "image/png".into(),
            width: 1600,
        }],
        width: 1600,
        height: 900,
        alt: "A white field".into(),
        ground: Some("#ffffff".into()),
    }
}

fn film() -> Markup {
    let art = white();
    let cards: Vec<Markup> = [
        "Rigging the keeper’s coat",
        "Water that listens",
        "A very long title that has to wrap over two lines or even three of them",
    ]
    .iter()
    .enumerate()
    .map(|(i, title)| {
        card(&Card {
            href: "/media/x".into(),
            title,
            sub: Some("Chapter 3 · Cloth and layers".into()),
            picture: (i != 1).then_some(&art),
            corner: [Corner::Free, Corner::Locked, Corner::None][i],
            seconds: Some(1122),
            seen: (i == 0).then_some(62),
            ..Card::default()
        })
    })
    .collect();
    let acts = html! { (button::link_icon(Icon::Play, "Watch the film", "#watch", Weight::Main)) (button::link("Explore 214 production files", "#files", Weight::Plain)) };
    let meta = ["Open film", "2026", "9 min", "CC BY 4.0"].map(String::from).to_vec();
    let all = Place::new("All 214 files", "#all");
    let places = [
        ("Overview", "/films/x"),
        ("Gallery", "/films/x/gallery"),
        ("Production log", "/l"),
        ("Training", "/t"),
        ("Credits", "/c"),
    ]
    .map(|(l, h)| Place::new(l, h));
    html! {
        (hero(&Hero { picture: Some(&art), meta, title: "The Salt Keeper", lead: "A lighthouse engineer who collects the sea one jar at a time is asked to give it back.", acts, low: false }))
        (tabs("The film", &places, "/films/x"))
        div.wrap.page.stack.loose {
            (shelf("From the production files", Some(&all), &cards))
            (locked("For members", "This film is part of the membership.", &[Place::new("Join for €11.50", "/join"), Place::new("Sign in", "/login")]))
            (empty(Icon::Film, "No films yet", "Films appear here as soon as one is published.", Some(&Place::new("Read the journal", "/posts"))))
            (lines(&[Line { href: "/a".into(), mark: Some("1".into()), picture: Some(Some(&art)), title: "First light", sub: Some("4 min".into()), aside: Some(chip(Tone::Success, "Free")) },
                     Line { href: "/b".into(), mark: Some("2".into()), picture: Some(None), title: "Second", sub: None, aside: Some(chip(Tone::Member, "Members")) }]))
            div.prose { (markdown("## Heading\n\nSome *text* with a [link](/x).\n\n> Said one\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | 2 |")) }
        }
    }
}

fn billing() -> Markup {
    let places = ["Overview", "Members", "Memberships", "Invoices", "Payments"]
        .map(|l| Place::new(l, format!("/billing/{}", l.to_lowercase())));
    let stats = [
        ("Revenue this month", "€48,212", "4.1 % on October", Tone::Success),
        ("Active memberships", "4,187", "38 started, 21 ended", Tone::Plain),
        ("Failed renewals", "63", "€711 at risk", Tone::Danger),
    ];
    let rows: Vec<Vec<Markup>> = (0..7)
        .map(|i| {
            vec![
                table::head(&html! { a href="#i" { "INV-2026-0041" (i) } }),
                table::text("Ada Holm"),
                table::cell(
                    &[
                        chip(Tone::Success, "Paid"),
                        chip(Tone::Warning, "Open"),
                        chip(Tone::Danger, "Payment failed"),
                        chip(Tone::Plain, "Refunded"),
                    ][i % 4],
                ),
                table::number("€11.50"),
                table::cell(&format::date(at())),
            ]
        })
        .collect();
    let columns = [
        Column::new("Number"),
        Column::new("Member"),
        Column::new("Status"),
        Column::number("Amount"),
        Column::new("Issued").sortable("?sort=issued", Some(false)),
    ];
    let acts = html! { (button::link_small("Export CSV", "#csv", Weight::Plain)) (button::link_small("New invoice", "#new", Weight::Main)) };
    let errors = Errors::one("title", "Enter a title.");
    rooms(
        "Billing",
        &places,
        "/billing/invoices",
        &html! {
            (page_head("Invoices", None, Some(&acts)))
            (super::stats(&stats.map(|(label, value, note, tone)| Stat { label, value: value.into(), note: Some(note.into()), tone, course: vec![1.0, 2.0, 1.5, 3.0, 4.0] })))
            (filters(&[filter("Status", Some("open, failed"), "#a"), filter("Date", None, "#b")], Some("#c")))
            div { (table("Invoices", &columns, &rows)) (paging(1, 7, 418, None, Some("#2"))) }
            (notice_text(Tone::Info, "Prices include tax."))
            (timeline(&[
                Moment { at: at(), what: "Renewal payment failed".into(), detail: Some(html! { p { "Card declined" } }), tone: Tone::Danger, raw: Some("{\"type\":\"x\"}".into()) },
                Moment { at: at(), what: "Joined".into(), detail: None, tone: Tone::Success, raw: None },
            ]))
            (steps(&["Plan", "Address", "Payment"], 2))
            (error_summary(&errors))
            (form(&NoTokens, "/x", &html! {
                (Field::new("title", "Title").errors(&errors).hint("As it stands on the poster.").render())
                (Field::new("level", "Level").select([("a", "Beginner"), ("b", "Advanced")]).value("b").mid().render())
                (Field::new("text", "Text").long_area().optional().value("x").render())
                (choices("plan", "Plan", &[Choice { value: "m", label: "Monthly", hint: Some("Cancel at any time.".into()), aside: Some("€11.50".into()) }, Choice { value: "y", label: "Yearly", hint: None, aside: None }], "m", &errors))
                (checkbox("free", "Free for everybody", true, Some("Visitors may watch it.")))
                div.row { (button::submit("Save the film", Weight::Main)) (button::submit("Delete", Weight::Danger)) }
            }))
        },
    )
}

fn at() -> chrono::DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 21, 18, 38, 0).single().unwrap_or_default()
}

#[test]
fn sample_pages_have_one_h1_and_no_inline_style() {
    let mut film_frame = frame("The Salt Keeper", "Films", "/films/x", Theme::Screen);
    film_frame.hue = Some(35);
    let mut desk = frame("Invoices", "Billing", "/billing/invoices", Theme::Desk);
    desk.person = Some(Person {
        label: "Ada".into(),
        rooms: vec![Place::new("Billing", "/billing")],
        nothing_to_join: true,
        csrf: "t".into(),
    });
    let problem = problem_page(
        404,
        "This page does not exist",
        "The address may be mistyped.",
        &[Place::new("Go to the films", "/films")],
        Some("0193"),
    );
    let pages = [
        ("film", document(&film_frame, &film())),
        ("billing", document(&desk, &billing())),
        ("problem", document(&frame("Not found", "", "/x", Theme::Screen), &problem)),
    ];
    for (name, page) in pages {
        let html = page.into_string();
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert!(
            !html.contains(" style=") && !html.contains("onclick") && !html.contains("/assets/unknown"),
            "{name}"
        );
        if let Ok(folder) = std::env::var("KINORA_PREVIEW") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), html)
                .expect("preview folder");
        }
    }
}

#[test]
fn hues_fall_on_existing_classes() {
    assert_eq!(layout::hue_class(0), "hue-0");
    assert_eq!(layout::hue_class(359), "hue-0");
    assert_eq!(layout::hue_class(193), "hue-195");
}
