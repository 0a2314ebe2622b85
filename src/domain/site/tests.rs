use super::*;
use chrono::{DateTime, Utc};
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use strum::VariantArray;

fn at() -> DateTime<Utc> {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

fn given(events: Vec<SiteEvent>) -> AggregateTestExecutor<Site> {
    TestFramework::<Site>::with(()).given(events)
}

fn write(page: SitePage, text: &str) -> SiteCommand {
    SiteCommand::Write { page, text: text.into(), at: at() }
}

fn written(page: SitePage, text: &str) -> SiteEvent {
    SiteEvent::SiteTextWritten { page, text: text.into(), at: at() }
}

fn announce(text: &str, until: Option<&str>) -> SiteCommand {
    SiteCommand::Announce { text: text.into(), until: until.map(|u| u.parse().unwrap()), at: at() }
}

fn announced(text: &str) -> SiteEvent {
    SiteEvent::AnnouncementMade { text: text.into(), until: None, at: at() }
}

fn redirect(from: &str, to: &str) -> SiteCommand {
    SiteCommand::Redirect { from: from.into(), to: to.into(), at: at() }
}

fn redirected(from: &str, to: &str) -> SiteEvent {
    SiteEvent::RedirectSet { from: from.into(), to: to.into(), at: at() }
}

#[test]
fn a_text_is_written_and_empty_it_is_the_programs_again() {
    let faq = SitePage::Faq;
    given(vec![]).when(write(faq, " Why?\r\nSo.\n")).then_expect_events(vec![written(faq, "Why?\nSo.")]);
    given(vec![written(faq, "Why?")]).when(write(faq, "Why?")).then_expect_events(vec![]);
    given(vec![written(faq, "Why?")]).when(write(faq, "")).then_expect_events(vec![written(faq, "")]);
    given(vec![]).when(write(faq, "")).then_expect_events(vec![]);
    let longest = "é".repeat(LONGEST_TEXT);
    given(vec![]).when(write(faq, &longest)).then_expect_events(vec![written(faq, &longest)]);
    let error = SiteError::TextTooLong(LONGEST_TEXT + 1);
    given(vec![]).when(write(faq, &"é".repeat(LONGEST_TEXT + 1))).then_expect_error(error);
}

#[test]
fn a_line_is_announced_until_it_ends() {
    let line = "The studio is closed on Monday.";
    given(vec![]).when(announce(&format!(" {line}\n"), None)).then_expect_events(vec![announced(line)]);
    given(vec![announced(line)]).when(announce(line, None)).then_expect_events(vec![]);
    given(vec![]).when(announce(" ", None)).then_expect_error(SiteError::NothingAnnounced);
    let past = announce(line, Some("2026-11-28T10:00:00Z"));
    given(vec![]).when(past).then_expect_error(SiteError::EndsInThePast);
    let longest = "a".repeat(LONGEST_ANNOUNCEMENT);
    given(vec![]).when(announce(&longest, None)).then_expect_events(vec![announced(&longest)]);
    let error = SiteError::AnnouncementTooLong(LONGEST_ANNOUNCEMENT + 1);
    given(vec![]).when(announce(&"a".repeat(LONGEST_ANNOUNCEMENT + 1), None)).then_expect_error(error);
    let end = || SiteCommand::EndAnnouncement { at: at() };
    let ended = SiteEvent::AnnouncementEnded { at: at() };
    given(vec![announced(line)]).when(end()).then_expect_events(vec![ended.clone()]);
    given(vec![announced(line), ended]).when(end()).then_expect_events(vec![]);
}

#[test]
fn an_old_address_leads_on_and_never_round_in_circles() {
    let set = redirected("/old", "/films/new");
    given(vec![]).when(redirect("/old/", "/films/new")).then_expect_events(vec![set.clone()]);
    given(vec![set.clone()]).when(redirect("/old", "/films/new")).then_expect_events(vec![]);
    let other = redirected("/old", "https://example.org/film?a=b");
    given(vec![set.clone()])
        .when(redirect("/old", "https://example.org/film?a=b"))
        .then_expect_events(vec![other]);
    for from in ["", "old", "/", "//host/x", "/a b", "/a?b", "/a#b", "/a\\b", "https://here/"] {
        given(vec![]).when(redirect(from, "/x")).then_expect_error(SiteError::From);
    }
    for to in ["", "x", "//host", "http://host", "javascript:alert(1)", "https://", "https://a@b/", "/a\nb"] {
        given(vec![]).when(redirect("/old", to)).then_expect_error(SiteError::To);
    }
    given(vec![]).when(redirect("/old", "/old/")).then_expect_error(SiteError::Circle);
    let chain = vec![redirected("/a", "/b"), redirected("/b", "/c")];
    given(chain.clone()).when(redirect("/c", "/a")).then_expect_error(SiteError::Circle);
    given(chain).when(redirect("/c", "/a/?again=yes#top")).then_expect_error(SiteError::Circle);
    let removed = SiteEvent::RedirectRemoved { from: "/old".into(), at: at() };
    let remove = || SiteCommand::RemoveRedirect { from: "/old".into(), at: at() };
    given(vec![set]).when(remove()).then_expect_events(vec![removed]);
    given(vec![]).when(remove()).then_expect_events(vec![]);
}

#[test]
fn so_many_old_addresses_are_kept_and_no_more() {
    let full: Vec<SiteEvent> =
        (0..MOST_REDIRECTS).map(|i| redirected(&format!("/old-{i}"), "/new")).collect();
    given(full[1..].to_vec())
        .when(redirect("/last", "/new"))
        .then_expect_events(vec![redirected("/last", "/new")]);
    given(full.clone()).when(redirect("/last", "/new")).then_expect_error(SiteError::TooManyRedirects);
    given(full).when(redirect("/old-3", "/newer")).then_expect_events(vec![redirected("/old-3", "/newer")]);
}

#[test]
fn events_are_frozen() {
    let until = Some("2026-12-01T00:00:00Z".parse().unwrap());
    insta::assert_json_snapshot!(vec![
        written(SitePage::Imprint, "# Us"),
        SiteEvent::AnnouncementMade { text: "Closed.".into(), until, at: at() },
        SiteEvent::AnnouncementEnded { at: at() },
        redirected("/old", "/new"),
        SiteEvent::RedirectRemoved { from: "/old".into(), at: at() },
    ]);
}

#[test]
fn every_page_has_an_address_of_its_own() {
    let mut paths: Vec<&str> = SitePage::VARIANTS.iter().map(|p| p.path()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), SitePage::VARIANTS.len());
}
