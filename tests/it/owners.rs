//! What belongs to somebody, asked for by somebody of equal standing to whom it does not: every address with
//! something in it, by its true id.

use crate::accounts::{person, signed_in};
use crate::api::Program;
use crate::billing_pages::{link, open_with};
use crate::media::upload;
use crate::support::{Browser, Page, Studio};
use kinora::config::Av1;
use kinora::domain::shared::Role;
use kinora::http::routes;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;

/// What is in the hole of an address that begins so; the longest beginning counts. A hole further on is named by
/// itself, such as `{chapter}`.
const OWNED: &[(&str, &str)] = &[
    ("/studio/films/{id}", "film"),
    ("/studio/courses/{id}", "course"),
    ("/studio/posts/{id}", "post"),
    ("/studio/characters/{id}", "character"),
    ("/studio/collections/{id}", "collection"),
    ("/studio/logs/{id}", "log"),
    ("/studio/media/{id}", "work"),
    ("/uploads/{id}", "upload"),
    ("/comments/{id}", "comment"),
    ("/account/export/{id}", "copy"),
    ("/account/gifts/{id}", "gift"),
    ("/account/invoices/{number}", "invoice"),
    ("/account/orders/{id}", "order"),
    ("/account/payment-methods/{method}", "method"),
    ("/account/team/seats/{account}", "seat"),
    ("/account/tokens/{id}", "token"),
    ("/api/v1/media/{id}", "work"),
    ("/api/v1/uploads/{id}", "upload"),
    ("/api/v1/invoices/{number}", "invoice"),
    ("/api/v1/orders/{id}", "order"),
    ("/api/v1/subscriptions/{id}", "subscription"),
];

/// Addresses with a hole that are everybody's, decide by a secret in them, or are for a role as a whole.
const COMMON: &[&str] = &[
    "/api/v1/commands/",
    "/api/v1/courses/",
    "/api/v1/fetches/",
    "/api/v1/films/",
    "/api/v1/posts/",
    "/api/v1/subscriptions/{id}/timeline",
    "/assets/",
    "/billing/",
    "/cdn/",
    "/characters/",
    "/comments/{id}/report",
    "/confirm/",
    "/courses/",
    "/demo/mail/",
    "/digest/stop/",
    "/films/",
    "/gift/",
    "/join/",
    "/m/",
    "/media/",
    "/moderation/",
    "/operator/",
    "/people/",
    "/posts/",
    "/reset/",
    "/s/",
    "/studio/site/",
    "/webhooks/",
];

/// Where the own list is shown again, and says so, instead of an error page: what is not the own and what is not there
/// (any more) must then be the same to the letter of the answer.
const SAME_AS_NOTHING: &[&str] = &[
    "/account/payment-methods/{method}/default",
    "/account/payment-methods/{method}/remove",
    "/account/team/seats/{account}",
    "/account/tokens/{id}/revoke",
];

/// What also its owner may not do: for moderators and who made the thing that is talked about.
const NOT_EVEN_ITS_OWNER: &[&str] = &["/comments/{id}/pin"];

type Things = BTreeMap<&'static str, String>;

async fn sent(studio: &Studio, answer: Page) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    answer.location().split('?').next().expect("a path").to_owned()
}

fn last(path: &str) -> String {
    path.rsplit('/').next().expect("an id").to_owned()
}

/// The id after `base` in a page that is not the one for something new.
fn below(page: &str, base: &str) -> String {
    let lead = format!("\"{base}/");
    let parts = page.match_indices(&lead).map(|(at, _)| &page[at + lead.len()..]);
    let ids = parts.map(|rest| rest[..rest.find(['"', '/', '?']).expect("an end")].to_owned());
    ids.into_iter().find(|id| id != "new").unwrap_or_else(|| panic!("nothing below {base}: {page}"))
}

/// One of everything that is made in the studio, none of it published.
async fn makes(studio: &Studio, owner: &Browser, things: &mut Things) {
    let film = [("title", "The Salt Keeper"), ("summary", "The sea in jars.")];
    let film = sent(studio, owner.submit("/studio/films/new", "/studio/films", &film).await).await;
    let pages = format!("{film}/pages");
    let press = [("title", "Press"), ("place", "1"), ("text", "Call us.")];
    sent(studio, owner.submit(&format!("{pages}/new"), &pages, &press).await).await;
    things.insert("{page}", below(&owner.get(&film).await.body, &pages));
    let shelf = format!("{film}/collections");
    let props = owner.submit(&format!("{shelf}/new"), &shelf, &[("title", "Props")]).await;
    things.insert("collection", last(&sent(studio, props).await));
    let new = format!("/studio/logs/new?film={}", last(&film));
    let week = kinora::domain::production_log::Week::of(crate::support::day_of(
        studio.instance.services.clock.now(),
    ));
    let (week, id) = (week.to_string(), last(&film));
    let about = [("film", id.as_str()), ("week", &week), ("title", "Jars"), ("summary", "Forty of them.")];
    let log = sent(studio, owner.submit(&new, "/studio/logs", &about).await).await;
    let entries = format!("{log}/entries");
    sent(studio, owner.submit(&log, &entries, &[("text", "Filled jars.")]).await).await;
    things.insert("{entry}", below(&owner.get(&log).await.body, &entries));
    things.extend([("film", last(&film)), ("log", last(&log))]);

    let fields = [("title", "Rigging"), ("summary", "Bones."), ("kind", "course"), ("level", "beginner")];
    let course = sent(studio, owner.submit("/studio/courses/new", "/studio/courses", &fields).await).await;
    sent(studio, owner.submit(&course, &format!("{course}/chapters"), &[("chapter", "One")]).await).await;
    let new = link(&owner.get(&course).await.body, &format!("{course}/lessons/new"));
    let chapter = new[new.len() - 36..].to_owned();
    let fields = [("chapter", chapter.as_str()), ("title", "Bone"), ("content", "Words.")];
    let lesson = sent(studio, owner.submit(&new, &format!("{course}/lessons"), &fields).await).await;
    things.extend([("course", last(&course)), ("{lesson}", last(&lesson)), ("{chapter}", chapter)]);

    let fields = [("title", "News"), ("content", "Much.")];
    let post = sent(studio, owner.submit("/studio/posts/new", "/studio/posts", &fields).await).await;
    let fields = [("name", "Bunny"), ("summary", "A gentle rabbit.")];
    let character = owner.submit("/studio/characters/new", "/studio/characters", &fields).await;
    let character = sent(studio, character).await;
    assert_eq!(upload(owner, "Ears", "ears.py", b"import bpy\n".to_vec()).await.status, 303);
    studio.settle().await;
    let work = below(&owner.get("/studio/uploads").await.body, "/studio/media");
    let versions = format!("{character}/versions");
    let fields = [("label", "1.0"), ("software", "Blender 4.5"), ("download", work.as_str())];
    sent(studio, owner.submit(&format!("{versions}/new"), &versions, &fields).await).await;
    things.insert("{version}", below(&owner.get(&character).await.body, &versions));
    things.extend([("post", last(&post)), ("character", last(&character)), ("work", work)]);
    things.extend([("{act}", "publish".into()), ("{track}", "en".into())]);
}

/// A membership with seats, what was paid for it, a gift, a copy of all data, a token, an upload, a comment.
async fn has(studio: &Studio, owner: &Browser, things: &mut Things) {
    crate::teams::join(studio, owner).await;
    let client = studio.client().await;
    let newest = async |sql: &str| -> String { client.query_one(sql, &[]).await.expect(sql).get(0) };
    things.insert("order", newest("select id::text from views.orders order by id desc limit 1").await);
    things.insert("invoice", newest("select number from views.invoices order by number desc limit 1").await);
    let sql = "select substring(stream_id from 14) from events where stream_id like 'subscription-%'
               order by position desc limit 1";
    things.insert("subscription", newest(sql).await);
    let cards = owner.get("/account/payment-methods").await.body;
    let card = cards.split("action=\"/account/payment-methods/").find_map(|p| p.split_once("/remove\""));
    things.insert("method", card.expect("a card").0.to_owned());
    let seated = [("addresses", "ana@studio.example"), ("domain", "")];
    sent(studio, owner.submit("/account/team", "/account/team", &seated).await).await;
    let (gift, bought) = crate::gifts::buy(studio, owner, "4242 4242 4242 4242", "cy@example.org").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    things.insert("gift", gift.to_string());

    assert_eq!(owner.submit("/account/export", "/account/export", &[]).await.status, 303);
    studio.settle().await;
    while kinora::actors::data_export::step(&studio.instance.services).await.expect("a step") {}
    things.insert("copy", newest("select id::text from data_exports order by 1 desc limit 1").await);
    let program = Program::of(owner, &["media:read", "media:write"]).await;
    studio.settle().await;
    let token = below(&owner.get("/account/tokens").await.body, "/account/tokens");
    things.insert("token", token);
    let wish = json!({ "length": 20, "file_name": "a.png", "title": "Half" });
    let begun = program.send(Method::POST, "/api/v1/uploads", &[], Some(wish)).await;
    things.insert("upload", begun.body["id"].as_str().expect("an id").to_owned());
    crate::comments::post(studio).await;
    assert_eq!(crate::comments::write(studio, owner, "Mine alone", &[]).await.status, 303);
    let page = owner.get("/posts/salt").await.body;
    things.insert("comment", crate::comments::comment_id(&page, "Mine alone"));
}

/// The address with the true ids in it; none if it has no hole or is everybody's.
fn filled(pattern: &str, things: &Things) -> Result<Option<String>, String> {
    let common = COMMON.iter().any(|start| pattern.starts_with(start));
    if !pattern.contains('{') || common {
        return Ok(None);
    }
    let rule = OWNED.iter().filter(|(s, _)| pattern.starts_with(s)).max_by_key(|(s, _)| s.len());
    let Some((start, thing)) = rule else {
        return Err(format!("{pattern} is neither owned nor common: say which"));
    };
    let hole = start.rfind('{').expect("a hole");
    let mut path = format!("{}{}{}", &start[..hole], things[thing], &pattern[start.len()..]);
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        let value = things.get(&path[from..=to]).ok_or(format!("{pattern}: nothing for {path}"))?;
        path = format!("{}{value}{}", &path[..from], &path[to + 1..]);
    }
    Ok(Some(path))
}

async fn ask(browser: &Browser, method: &str, path: &str) -> u16 {
    let csrf = browser.get("/account/notifications").await.hidden("_csrf").expect("a form");
    let verb = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = browser.client.request(verb, format!("{}{path}", browser.url));
    request = request.header("x-csrf-token", csrf).header("tus-resumable", "1.0.0");
    if path.starts_with("/api/") {
        request = request.header("content-type", "application/json").body("{}");
    } else if path.starts_with("/uploads/") {
        request = request.header("content-type", "application/offset+octet-stream");
        request = request.header("x-http-method-override", "PATCH").header("upload-offset", "0");
    } else if method == "POST" && path.ends_with("/captions") {
        request = request.multipart(reqwest::multipart::Form::new().text("language", "en"));
    } else if method != "GET" {
        request = request.header("content-type", "application/x-www-form-urlencoded").body("");
    }
    request.send().await.expect("answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_what_belongs_to_somebody_else() {
    let (studio, _, staff) = open_with(|c| c.media.av1 = Av1::None).await;
    crate::teams::sell(&studio, &staff).await;
    let mut people = vec![];
    let seat = person(&studio, "ana@studio.example", &[]).await;
    for mail in ["owner@studio.example", "other@studio.example"] {
        person(&studio, mail, &[Role::Creator]).await;
        people.push(signed_in(&studio, mail).await);
    }
    let (other, owner) = (people.pop().expect("other"), people.pop().expect("owner"));
    let mut things = Things::from([("seat", seat.to_string())]);
    makes(&studio, &owner, &mut things).await;
    has(&studio, &owner, &mut things).await;
    // Both have a team: that the one gets nothing of the other's is not for want of a membership.
    crate::teams::join(&studio, &other).await;
    let half = signed_in(&studio, "ana@studio.example").await;
    assert_eq!(half.get("/account").await.status, 200, "a member without any role asks, too");

    let (mut walked, mut wrong, mut mine) = (0, vec![], vec![]);
    let sql = "select count(*) from events where type <> 'PersonalDataRead'";
    let head = async || -> i64 { studio.client().await.query_one(sql, &[]).await.expect("count").get(0) };
    let count = async |table: &str| -> i64 {
        let sql = format!("select count(*) from {table}");
        studio.client().await.query_one(&sql, &[]).await.expect("count").get(0)
    };
    // The work that was uploaded is being prepared: that is written down as well, and by nobody of those who ask.
    crate::media::wait(&studio, "Ears", |work| work.processing == "ready").await;
    studio.settle().await;
    let (before, tokens) = (head().await, count("access_tokens").await);
    let mut nobodys = things.clone();
    nobodys.extend(things.keys().map(|k| (*k, "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000".to_owned())));
    for route in routes::all() {
        let path = match filled(route.path, &things) {
            Ok(Some(path)) => path,
            Ok(None) => continue,
            Err(words) => {
                wrong.push(words);
                continue;
            }
        };
        let method = route.method.as_str().to_owned();
        for (name, browser) in [("another maker", &other), ("a member", &half)] {
            let status = ask(browser, &method, &path).await;
            walked += 1;
            let nothing = SAME_AS_NOTHING.contains(&route.path)
                && status == ask(browser, &method, &filled(route.path, &nobodys).unwrap().unwrap()).await;
            if !matches!(status, 403 | 404) && !nothing {
                wrong.push(format!("{method} {} as {name}: {status}", route.path));
            }
        }
        mine.push((method, path, route.path));
    }
    assert_eq!(
        (head().await, count("access_tokens").await),
        (before, tokens),
        "nothing was changed by others"
    );
    // The same ids are something to their owner: the walk asked for what is there. What takes things away comes last.
    let ends = ["remove", "unpublish", "revoke", "cancel", "delete"];
    mine.sort_by_key(|(method, path, _)| method == "DELETE" || ends.iter().any(|e| path.contains(e)));
    for (method, path, pattern) in mine.iter().filter(|(_, _, p)| !NOT_EVEN_ITS_OWNER.contains(p)) {
        let status = ask(&owner, method, path).await;
        walked += 1;
        if matches!(status, 401 | 403 | 404 | 405) || status >= 500 {
            wrong.push(format!("{method} {pattern} as its owner: {status}"));
        }
    }
    println!("{walked} requests: {} addresses", mine.len());
    assert!(wrong.is_empty(), "{} of {walked} wrong:\n{}", wrong.len(), wrong.join("\n"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_the_page_still_knows_who_asked() {
    let studio = Studio::start().await;
    person(&studio, "ada@example.org", &[]).await;
    let ada = signed_in(&studio, "ada@example.org").await;
    for (path, status) in [("/nothing/here", 404), ("/films/none", 404), ("/uploads/", 405)] {
        let page = ada.get(path).await;
        assert!(page.status == status && page.body.contains("Name of ada"), "{path}: {}", page.body);
        let page = studio.browser().get(path).await;
        assert!(page.status == status && !page.body.contains("Name of ada"), "{path}: {}", page.body);
    }
    studio.close().await;
}
