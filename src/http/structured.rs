//! What pages say about themselves to programs: schema.org as JSON-LD. The same as the page shows, no more:
//! nothing about drafts, no address of a protected file.

use super::Req;
use crate::domain::media::{Kind, Tier};
use crate::projections::media::Work;
use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

/// A data block of the head. `<` is written as an escape, so that no value ends the element.
#[must_use]
pub fn data(value: &Value) -> Markup {
    let text = value.to_string().replace('<', "\\u003c");
    html! { script type="application/ld+json" { (PreEscaped(text)) } }
}

/// A time as schema.org wants it.
fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Milliseconds as an ISO 8601 duration: `PT55S`, `PT1H2M3S`.
#[must_use]
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let part = |n: u64, unit: &str| if n > 0 { format!("{n}{unit}") } else { String::new() };
    let text = format!("{}{}{}", part(h, "H"), part(m, "M"), part(s, "S"));
    if text.is_empty() { "PT0S".into() } else { format!("PT{text}") }
}

/// A published work: `VideoObject`, `AudioObject` or `ImageObject`.
#[must_use]
pub fn work(work: &Work, url: &str, image: Option<&str>) -> Markup {
    let kind = match work.kind {
        Some(Kind::Video) => "VideoObject",
        Some(Kind::Audio) => "AudioObject",
        Some(Kind::Image) => "ImageObject",
        _ => "MediaObject",
    };
    let mut value = json!({
        "@context": "https://schema.org",
        "@type": kind,
        "name": work.title,
        "description": if work.open_description().is_empty() { &work.title } else { work.open_description() },
        "url": url,
        "isAccessibleForFree": work.tier == Tier::Free,
    });
    if let Some(image) = image {
        value["thumbnailUrl"] = json!([image]);
    }
    if let Some(at) = work.published_at {
        value["uploadDate"] = json!(time(at));
    }
    if let Some(licence) = work.licence.url() {
        value["license"] = json!(licence);
    }
    if !work.tags.is_empty() {
        value["keywords"] = json!(work.tags);
    }
    if work.duration_ms > 0 {
        value["duration"] = json!(duration(work.duration_ms));
    }
    data(&value)
}

/// A published course.
#[must_use]
pub fn course(req: &Req, name: &str, summary: &str, url: &str, free: bool) -> Markup {
    data(&json!({
        "@context": "https://schema.org",
        "@type": "Course",
        "name": name,
        "description": if summary.is_empty() { name } else { summary },
        "url": url,
        "isAccessibleForFree": free,
        "provider": { "@type": "Organization", "name": req.app.config.studio.name, "url": req.app.config.site_url() },
    }))
}

/// What is said of a post.
pub struct Article<'a> {
    /// Its title.
    pub headline: &'a str,
    /// Its address.
    pub url: &'a str,
    /// Since when it is public.
    pub published: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub changed: DateTime<Utc>,
    /// Who wrote it.
    pub author: Option<&'a str>,
    /// Its picture.
    pub image: Option<&'a str>,
}

/// A published post.
#[must_use]
pub fn article(req: &Req, post: &Article<'_>) -> Markup {
    let studio = json!({ "@type": "Organization", "name": req.app.config.studio.name, "url": req.app.config.site_url() });
    let mut value = json!({
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": post.headline,
        "url": post.url,
        "dateModified": time(post.changed),
        "author": post.author.map_or(studio.clone(), |name| json!({ "@type": "Person", "name": name })),
        "publisher": studio,
    });
    if let Some(at) = post.published {
        value["datePublished"] = json!(time(at));
    }
    if let Some(image) = post.image {
        value["image"] = json!([image]);
    }
    data(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_iso_8601() {
        assert_eq!(duration(55_900), "PT55S");
        assert_eq!(duration(3_723_000), "PT1H2M3S");
        assert_eq!(duration(3_600_000), "PT1H");
        assert_eq!(duration(0), "PT0S");
    }

    #[test]
    fn no_value_ends_the_element() {
        let text = data(&json!({ "name": "</script><script>alert(1)</script>" })).into_string();
        assert_eq!(text.matches("</script>").count(), 1, "{text}");
        let inner =
            text.split_once('>').and_then(|(_, rest)| rest.strip_suffix("</script>")).expect("a block");
        let back: Value = serde_json::from_str(inner).expect("JSON");
        assert_eq!(back["name"], "</script><script>alert(1)</script>");
    }
}
