//! Markdown to HTML that cannot do harm.

use super::shortcodes::without;
use maud::{Markup, PreEscaped};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::sync::LazyLock;

/// Renders a text written by a creator: tables and strike-through are understood, raw HTML is shown
/// as typed. The highest heading of the text becomes level 2, because the page owns the `h1`.
#[must_use]
pub fn markdown(text: &str) -> Markup {
    markdown_below(text, 1)
}

/// As [`markdown`], for a text that stands under a heading of level `above`.
#[must_use]
pub fn markdown_below(text: &str, above: usize) -> Markup {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_SMART_PUNCTUATION;
    let highest = Parser::new_ext(text, options).filter_map(|event| match event {
        Event::Start(Tag::Heading { level, .. }) => Some(level as usize),
        _ => None,
    });
    let highest = highest.min().unwrap_or(1);
    let place = |level: HeadingLevel| {
        HeadingLevel::try_from((level as usize - highest + above + 1).min(6)).unwrap_or(HeadingLevel::H6)
    };
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Event::Start(Tag::Heading { level: place(level), id, classes, attrs })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(place(level))),
        other => other,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    PreEscaped(POLICY.clean(&out).to_string())
}

/// The words of a Markdown text, without signs; for search and descriptions.
#[must_use]
pub fn plain_text(text: &str) -> String {
    let mut out = String::new();
    for event in Parser::new_ext(&without(text), Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Text(words) | Event::Code(words) | Event::Html(words) | Event::InlineHtml(words) => {
                out.push_str(&words)
            }
            Event::SoftBreak | Event::HardBreak | Event::End(_) => out.push(' '),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What may remain: no pictures from other hosts (they would tell those hosts who reads), no style,
/// no frames, links only to the web and to mail.
static POLICY: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut policy = ammonia::Builder::default();
    policy
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(|element, attribute, value| {
            let foreign_picture = element == "img"
                && attribute == "src"
                && (!value.starts_with('/') || value.starts_with("//"));
            (!foreign_picture).then(|| value.into())
        });
    policy
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harm_is_taken_out_and_sense_remains() {
        let html = markdown("# Salt\n\nA **bold** [link](https://example.org) and <script>alert(1)</script>\n\n[x](javascript:alert(1)) ![p](https://spy.example/p.gif) ![q](/media/q.jpg)").into_string();
        assert!(html.contains("<h2>Salt</h2>") && html.contains("<strong>bold</strong>"), "{html}");
        assert!(
            !html.contains("<script") && !html.contains("javascript:") && !html.contains("spy.example"),
            "{html}"
        );
        assert!(html.contains("&lt;script&gt;") && html.contains("/media/q.jpg"), "{html}");
    }

    #[test]
    fn headings_begin_below_the_one_above_them() {
        assert!(markdown("## A\n\n### B").into_string().contains("<h2>A</h2>\n<h3>B</h3>"));
        assert!(markdown_below("# A\n\n###### B", 2).into_string().contains("<h3>A</h3>\n<h6>B</h6>"));
    }

    #[test]
    fn plain_text_keeps_the_words() {
        assert_eq!(plain_text("# Salt\n\n- one **two**\n- `three`"), "Salt one two three");
    }

    proptest::proptest! {
        #[test]
        fn no_input_brings_script_or_handlers(text in "[<>a-z\"'=/ !\\[\\]():#*`\n-]{0,120}") {
            let html = markdown(&text).into_string().to_lowercase();
            proptest::prop_assert!(!html.contains("<script") && !html.contains("<iframe") && !html.contains("<style"));
        }
    }
}
