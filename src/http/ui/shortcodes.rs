//! Lines of a text that stand for something else: `{attachment harbour-at-dawn}`, `{embed https://…}`, `{join}`.

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Markdown.
    Text(&'a str),
    /// A work, by the last part of its address, with the line as it was written.
    Attachment {
        /// The last part of the work's address.
        slug: &'a str,
        /// The line.
        line: &'a str,
    },
    /// A player of another site, by its address, with the line as it was written.
    Embed {
        /// The address.
        url: &'a str,
        /// The line.
        line: &'a str,
    },
    /// An invitation to join, for those who have not.
    Join,
}

/// The pieces of a text, in order. A shortcode stands in a line of its own, not within code; what is none of those
/// known here stays text.
#[must_use]
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let (mut from, mut at) = (0, 0);
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let bare = line.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        let is_code = fence.is_some() || line.starts_with("    ") || line.starts_with('\t');
        let Some(part) = shortcode(bare).filter(|_| !is_code) else { continue };
        if !text[from..start].trim().is_empty() {
            found.push(Part::Text(&text[from..start]));
        }
        found.push(part);
        from = at;
    }
    if !text[from..].trim().is_empty() {
        found.push(Part::Text(&text[from..]));
    }
    found
}

/// The text without its shortcodes: for feeds, search and short descriptions.
#[must_use]
pub fn without(text: &str) -> String {
    let texts: Vec<&str> = parts(text)
        .into_iter()
        .filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None })
        .collect();
    texts.join("\n\n")
}

fn shortcode(line: &str) -> Option<Part<'_>> {
    let inner = line.strip_prefix('{')?.strip_suffix('}')?;
    let mut words = inner.split_whitespace();
    let part = match (words.next()?, words.next()) {
        ("attachment", Some(slug)) => Part::Attachment { slug, line },
        ("embed", Some(url)) => Part::Embed { url, line },
        ("join", None) => Part::Join,
        _ => return None,
    };
    words.next().is_none().then_some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortcodes_stand_in_lines_of_their_own() {
        let text = "One.\n\n{attachment harbour}\nTwo {join} three.\n  {join}  \n{embed https://v.example/1}";
        assert_eq!(
            parts(text),
            [
                Part::Text("One.\n\n"),
                Part::Attachment { slug: "harbour", line: "{attachment harbour}" },
                Part::Text("Two {join} three.\n"),
                Part::Join,
                Part::Embed { url: "https://v.example/1", line: "{embed https://v.example/1}" },
            ]
        );
        assert_eq!(without(text), "One.\n\n\n\nTwo {join} three.\n");
    }

    #[test]
    fn what_is_unknown_or_code_stays_text() {
        for text in [
            "{gallery 12}",
            "{attachment}",
            "{attachment a b}",
            "{join now}",
            "{}",
            "{",
            "```\n{join}\n```",
            "~~~\n```\n{join}\n~~~",
            "    {join}",
            "\t{join}",
            "{join} and more",
        ] {
            assert_eq!(parts(text), [Part::Text(text)], "{text}");
        }
        assert_eq!(parts("```\n```\n{join}"), [Part::Text("```\n```\n"), Part::Join]);
        assert_eq!(parts(" \n"), []);
    }

    proptest::proptest! {
        #[test]
        fn no_word_of_a_text_is_lost(text in "[a-z{}`\n ]{0,80}") {
            let kept: String = parts(&text).into_iter().map(|part| match part {
                Part::Text(text) => text.to_owned(),
                Part::Attachment { line, .. } | Part::Embed { line, .. } => line.to_owned(),
                Part::Join => "{join}".to_owned(),
            }).collect();
            let words = |text: &str| text.split_whitespace().collect::<String>();
            proptest::prop_assert_eq!(words(&kept), words(&text));
        }
    }
}
