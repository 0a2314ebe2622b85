//! The form that all mails share: a letter of paragraphs with at most one button, rendered as
//! plain text and as one column of HTML, 600 px wide, in the system's font.

use crate::domain::shared::calendar::Zone;
use chrono::{DateTime, Utc};
use maud::{DOCTYPE, html};

/// A mail that is ready but for its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// States the fact.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part, which says the same.
    pub html: String,
    /// Where such mails can be stopped with one click (RFC 8058), where they can.
    pub unsubscribe: Option<String>,
}

/// What every mail says about its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Studio {
    /// The studio's name.
    pub name: String,
    /// Where the site is, without a slash at the end.
    pub base_url: String,
    /// Where its clock hangs: times in mails are of that zone.
    pub zone: Zone,
}

impl Studio {
    /// An address on the site; `path` starts with a slash.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }
}

enum Part {
    Paragraph(String),
    Row(String, String),
    Button { label: String, url: String },
}

/// A letter to one person, built part by part.
pub struct Letter {
    subject: String,
    greeting: Option<String>,
    parts: Vec<Part>,
    unsubscribe: Option<String>,
}

impl Letter {
    /// A letter whose subject states the fact.
    #[must_use]
    pub fn new(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into().replace(['\r', '\n'], " "),
            greeting: None,
            parts: vec![],
            unsubscribe: None,
        }
    }

    /// Greets a person by name; without a name the letter starts with its first paragraph.
    #[must_use]
    pub fn to_person(mut self, name: Option<&str>) -> Self {
        self.greeting = name.map(str::trim).filter(|n| !n.is_empty()).map(|n| format!("Hello {n},"));
        self
    }

    /// Adds a paragraph of plain text.
    #[must_use]
    pub fn say(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Paragraph(text.into()));
        self
    }

    /// Adds a fact with its name, such as "Amount" and "9.90 EUR".
    #[must_use]
    pub fn row(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parts.push(Part::Row(name.into(), value.into()));
        self
    }

    /// Adds the button; its address stands in clear below it.
    #[must_use]
    pub fn button(mut self, label: impl Into<String>, url: impl Into<String>) -> Self {
        self.parts.push(Part::Button { label: label.into(), url: url.into() });
        self
    }

    /// Where such mails are stopped.
    #[must_use]
    pub fn unsubscribe(mut self, url: impl Into<String>) -> Self {
        self.unsubscribe = Some(url.into());
        self
    }

    /// Renders both parts, signed by the studio.
    #[must_use]
    pub fn sign(self, studio: &Studio) -> Mail {
        Mail {
            text: self.text(studio),
            html: self.html(studio),
            subject: self.subject,
            unsubscribe: self.unsubscribe,
        }
    }

    fn text(&self, studio: &Studio) -> String {
        let mut out = String::new();
        let mut after_row = false;
        if let Some(greeting) = &self.greeting {
            out.push_str(&format!("{greeting}\n\n"));
        }
        for part in &self.parts {
            if after_row && !matches!(part, Part::Row(..)) {
                out.push('\n');
            }
            after_row = matches!(part, Part::Row(..));
            match part {
                Part::Paragraph(text) => out.push_str(&format!("{}\n\n", wrap(text))),
                Part::Row(name, value) => out.push_str(&format!("{name}: {value}\n")),
                Part::Button { label, url } => out.push_str(&format!("{label}:\n{url}\n\n")),
            }
        }
        if after_row {
            out.push('\n');
        }
        out.push_str(&format!("-- \n{}\n{}\n", studio.name, studio.base_url));
        out
    }

    fn html(&self, studio: &Studio) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="supported-color-schemes" content="light dark";
                    title { (self.subject) }
                }
                body style="margin:0;padding:24px 12px;font:16px/1.6 system-ui,-apple-system,'Segoe UI',sans-serif" {
                    table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;margin:0 auto" {
                        tr { td style="padding:8px 0 16px;font-weight:600" { (studio.name) } }
                        tr { td {
                            @if let Some(greeting) = &self.greeting { p { (greeting) } }
                            @for part in &self.parts {
                                @match part {
                                    Part::Paragraph(text) => p { (text) },
                                    Part::Row(name, value) => p style="margin:4px 0" { strong { (name) ":" } " " (value) },
                                    Part::Button { label, url } => {
                                        p style="margin:24px 0 8px" {
                                            a href=(url) style="display:inline-block;padding:12px 20px;border-radius:8px;background:#0b6b74;color:#ffffff;text-decoration:none;font-weight:600" { (label) }
                                        }
                                        p style="font-size:14px;word-break:break-all" { a href=(url) { (url) } }
                                    },
                                }
                            }
                        } }
                        tr { td style="padding-top:24px;font-size:14px" { a href=(studio.base_url) { (studio.base_url) } } }
                    }
                }
            }
        }
        .into_string()
    }
}

/// A date as it stands in all mails and pages, such as "21 Nov 2026".
#[must_use]
pub fn day(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// Breaks a paragraph into lines of at most 76 characters where it has spaces.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let room =
            lines.last().is_some_and(|l| l.is_empty() || l.chars().count() + word.chars().count() < 76);
        if !room {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
