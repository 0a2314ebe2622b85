//! Comments: who may write them, answers, changes, reports, what moderators do, and what is left of them
//! when an account goes.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{open_with, order};
use crate::support::{Browser, Page, Studio};
use kinora::actors::bus::Envelope;
use kinora::domain::post::{Category, Post, PostCommand, PostText};
use kinora::domain::shared::{Role, Slug};
use kinora::store::Metadata;
use uuid::Uuid;

const PAGE: &str = "/posts/salt";

/// A published post at [`PAGE`].
pub async fn post(studio: &Studio) -> Uuid {
    let cx = &studio.instance.services;
    let (post, at) = (Uuid::now_v7(), cx.clock.now());
    let text = PostText {
        title: "Salt".into(),
        category: Category::default(),
        content: "How we made it.".into(),
        ..PostText::default()
    };
    let write = PostCommand::Write {
        slug: Slug::parse("salt").unwrap(),
        text: Box::new(text),
        by: Uuid::now_v7(),
        at,
    };
    for command in [write, PostCommand::Publish { at }] {
        let meta = Metadata::system("test", Uuid::now_v7(), at);
        cx.bus.dispatch::<Post>(Envelope::new(Uuid::now_v7(), post, command, meta)).await.expect("posted");
    }
    studio.settle().await;
    post
}

/// A studio with one post, somebody who has joined, and somebody who has not.
async fn open() -> (Studio, Browser, Browser, Uuid) {
    let (studio, subscriber, _) = open_with(|c| c.comments.longest = 40).await;
    assert_eq!(order(&studio, &subscriber, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let post = post(&studio).await;
    person(&studio, "reader@example.org", &[]).await;
    let reader = signed_in(&studio, "reader@example.org").await;
    studio.settle().await;
    (studio, subscriber, reader, post)
}

pub async fn write(studio: &Studio, who: &Browser, text: &str, more: &[(&str, &str)]) -> Page {
    let mut fields = [&[("text", text)], more].concat();
    // The page has forms for answers too: this one is none unless it is said.
    if !more.iter().any(|(name, _)| *name == "parent") {
        fields.push(("parent", ""));
    }
    let answer = who.submit(PAGE, "/comments", &fields).await;
    studio.settle().await;
    answer
}

/// The id of the comment with that text, by the page.
pub fn comment_id(page: &str, text: &str) -> String {
    let end = page.find(text).unwrap_or_else(|| panic!("no {text} in {page}"));
    let start = page[..end].rfind("<li id=\"c").expect("its place") + 8;
    page[start + 1..start + 37].to_owned()
}

async fn act(studio: &Studio, who: &Browser, action: &str, fields: &[(&str, &str)]) -> Page {
    let fields = [&[("back", PAGE)], fields].concat();
    let answer = who.submit(PAGE, action, &fields).await;
    studio.settle().await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn members_who_joined_write_answer_change_and_delete() {
    let (studio, subscriber, reader, post) = open().await;
    let visitor = studio.browser().get(PAGE).await.body;
    assert!(visitor.contains("0 comments") && visitor.contains("Sign in to write a comment."), "{visitor}");
    let page = reader.get(PAGE).await.body;
    assert!(page.contains("members who have joined") && !page.contains("name=\"text\""), "{page}");
    let id = post.to_string();
    let forced = [("kind", "post"), ("subject", id.as_str())];
    let refused = write(&studio, &reader, "Hello", &forced).await;
    assert!(
        refused.status == 403 && refused.body.contains("written by members who have joined"),
        "{}",
        refused.body
    );

    let empty = write(&studio, &subscriber, "  ", &[]).await;
    assert!(empty.status == 422 && empty.body.contains("Write something first."));
    let long = "x".repeat(41);
    let long = write(&studio, &subscriber, &long, &[]).await;
    assert!(long.status == 422 && long.body.contains("at most 40 characters") && long.body.contains("xxxxx"));
    let nowhere = [("kind", "post"), ("subject", "0192aaaa-bbbb-7ccc-8ddd-eeeeffff0000")];
    assert_eq!(write(&studio, &subscriber, "Hello", &nowhere).await.status, 404);

    let done = write(&studio, &subscriber, "Lovely **film** <script>", &[]).await;
    assert!(done.status == 303 && done.location().starts_with("/posts/salt"), "{}", done.location());
    let page = studio.browser().get(PAGE).await.body;
    assert!(page.contains("1 comment<") && page.contains("Lovely <strong>film</strong>"), "{page}");
    assert!(!page.contains("<script>,") && page.contains("&lt;script&gt;"), "{page}");
    let first = comment_id(&page, "Lovely <strong>");
    assert!(subscriber.get(PAGE).await.body.contains("Answer"));
    let done = write(&studio, &subscriber, "And one more thing", &[("parent", first.as_str())]).await;
    assert_eq!(done.status, 303, "{}", done.body);

    // An answer by somebody else is told by mail, one's own is not.
    let told = async || {
        let sql = "select count(*) from outgoing_mail where mail::text like '%comment_answered%'";
        studio.client().await.query_one(sql, &[]).await.expect("the queue").get::<_, i64>(0)
    };
    assert_eq!(told().await, 0);
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    assert_eq!(write(&studio, &maker, "Thank you", &[("parent", first.as_str())]).await.status, 303);
    assert_eq!(told().await, 1);
    let quiet = [("digest", "never")];
    let page = "/account/notifications";
    assert!(subscriber.get(page).await.body.contains("name=\"answers\" value=\"yes\" checked"));
    assert_eq!(subscriber.submit(page, page, &quiet).await.status, 303);
    assert_eq!(write(&studio, &maker, "Once more", &[("parent", first.as_str())]).await.status, 303);
    assert_eq!(told().await, 1);
    for text in ["Thank you", "Once more"] {
        let id = comment_id(&maker.get(PAGE).await.body, text);
        act(&studio, &maker, &format!("/comments/{id}/delete"), &[]).await;
    }

    // Changed for a while, by its writer only.
    let edit = format!("/comments/{first}/edit");
    assert_eq!(reader.get(&edit).await.status, 404);
    let changed = subscriber.submit(&edit, &edit, &[("text", "Lovely work")]).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    studio.settle().await;
    let page = studio.browser().get(PAGE).await.body;
    assert!(
        page.contains("Lovely work") && page.contains("changed") && !page.contains("<strong>film"),
        "{page}"
    );

    // The hourly sample counts what people see.
    let figures = kinora::projections::figures::all(
        &studio.instance.services.reader,
        studio.instance.services.clock.now(),
    );
    assert_eq!(figures.await.expect("figures")["comments"], 2);

    // Deleted: the thread keeps its shape as long as there is an answer.
    assert_eq!(act(&studio, &reader, &format!("/comments/{first}/delete"), &[]).await.status, 404);
    let texts = async || -> i64 {
        let sql = "select count(*) from vault where field = 'comment'";
        studio.client().await.query_one(sql, &[]).await.unwrap().get(0)
    };
    let before = texts().await;
    let versions = "select count(*) from events where stream_id = 'comment-' || $1
                    and type in ('CommentWritten', 'CommentEdited')";
    let said: i64 = studio.client().await.query_one(versions, &[&first]).await.unwrap().get(0);
    assert_eq!(act(&studio, &subscriber, &format!("/comments/{first}/delete"), &[]).await.status, 303);
    // What it said is destroyed, also what it said before it was changed.
    assert!(said > 1);
    assert_eq!(texts().await, before - said);
    let page = studio.browser().get(PAGE).await.body;
    assert!(page.contains("This comment was deleted.") && page.contains("And one more thing"), "{page}");
    let answer = comment_id(&page, "And one more thing");
    act(&studio, &subscriber, &format!("/comments/{answer}/delete"), &[]).await;
    assert!(studio.browser().get(PAGE).await.body.contains("0 comments"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_waits_for_a_moderator_and_pins_are_for_makers() {
    let (studio, subscriber, reader, _) = open().await;
    write(&studio, &subscriber, "Buy my watches", &[]).await;
    write(&studio, &subscriber, "The newest one", &[]).await;
    let page = studio.browser().get(PAGE).await.body;
    assert!(page.find("The newest one") < page.find("Buy my watches"), "the newest stands first");
    let bad = comment_id(&page, "Buy my watches");
    let report = format!("/comments/{bad}/report");
    let silent = act(&studio, &reader, &report, &[("reason", "")]).await;
    assert!(silent.status == 422 && silent.body.contains("what is wrong with it"));
    assert_eq!(act(&studio, &reader, &report, &[("reason", "advertising")]).await.status, 303);
    assert_eq!(act(&studio, &subscriber, &report, &[("reason", "mine")]).await.status, 409, "one's own");

    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let moderator = signed_in(&studio, "mod@example.org").await;
    let queue = moderator.get("/moderation/comments").await.body;
    assert!(queue.contains("Buy my watches") && queue.contains("advertising"), "{queue}");
    let decide = format!("/moderation/comments/{bad}");
    assert_eq!(act(&studio, &reader, &decide, &[("act", "hide")]).await.status, 403);
    let answer = moderator.submit("/moderation/comments", &decide, &[("act", "hide")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    studio.settle().await;
    assert!(moderator.get("/moderation/comments").await.body.contains("Nothing was reported"));
    let page = studio.browser().get(PAGE).await.body;
    assert!(page.contains("A moderator hid this comment.") && !page.contains("Buy my watches"), "{page}");
    assert!(subscriber.get(PAGE).await.body.contains("Buy my watches"), "its writer still reads it");
    assert_eq!(act(&studio, &moderator, &decide, &[("act", "keep")]).await.status, 303);
    assert!(studio.browser().get(PAGE).await.body.contains("Buy my watches"));

    let pin = format!("/comments/{bad}/pin");
    assert_eq!(act(&studio, &subscriber, &pin, &[("pinned", "yes")]).await.status, 404);
    person(&studio, "editor@example.org", &[Role::Editor]).await;
    let editor = signed_in(&studio, "editor@example.org").await;
    assert_eq!(act(&studio, &editor, &pin, &[("pinned", "yes")]).await.status, 303);
    let page = studio.browser().get(PAGE).await.body;
    assert!(page.contains("Pinned") && page.find("Buy my watches") < page.find("The newest one"), "{page}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_comments_at_once_are_slowed_down_and_closed_ones_say_so() {
    let (studio, subscriber, _) = open_with(|c| c.comments.most_in_ten_minutes = 2).await;
    assert_eq!(order(&studio, &subscriber, "NL", "card", "4242 4242 4242 4242").await.status, 303);
    let cx = &studio.instance.services;
    let (post, at) = (Uuid::now_v7(), cx.clock.now());
    let text = PostText { title: "Salt".into(), content: "Made.".into(), ..PostText::default() };
    let command = PostCommand::Write {
        slug: Slug::parse("salt").unwrap(),
        text: Box::new(text),
        by: Uuid::now_v7(),
        at,
    };
    for command in [command, PostCommand::Publish { at }] {
        let meta = Metadata::system("test", Uuid::now_v7(), at);
        cx.bus.dispatch::<Post>(Envelope::new(Uuid::now_v7(), post, command, meta)).await.expect("posted");
    }
    studio.settle().await;
    for n in 0..2 {
        assert_eq!(write(&studio, &subscriber, &format!("Number {n}"), &[]).await.status, 303);
    }
    let slow = write(&studio, &subscriber, "Number 2", &[]).await;
    assert!(slow.status == 429 && slow.headers.contains_key("retry-after"), "{}", slow.body);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_leaves_what_was_said_or_takes_it_along() {
    let (studio, subscriber, _, _) = open().await;
    let mut leaving = Vec::new();
    for name in ["stays", "goes"] {
        let mail = format!("{name}@example.org");
        let id = person(&studio, &mail, &[]).await;
        let meta = Metadata::system("test", Uuid::now_v7(), studio.instance.services.clock.now());
        let free = kinora::actors::accounts::staff::Act::Complimentary(None);
        kinora::actors::accounts::staff::act(&studio.instance.services, Uuid::now_v7(), meta, id, &free, "x")
            .await
            .expect("given");
        studio.settle().await;
        let who = signed_in(&studio, &mail).await;
        assert_eq!(write(&studio, &who, &format!("What {name} said"), &[]).await.status, 303);
        let answered = comment_id(&who.get(PAGE).await.body, &format!("What {name} said"));
        let answer = [("parent", answered.as_str())];
        assert_eq!(write(&studio, &subscriber, &format!("To {name}"), &answer).await.status, 303);
        let like = [("mark", "like"), ("on", "yes")];
        let liked = who.submit(PAGE, "/marks", &like).await;
        assert_eq!(liked.status, 303, "{}", liked.body);
        leaving.push((name, who));
    }
    let likes = async || -> i64 {
        let sql = "select count(*) from marks where mark = 'like'";
        studio.client().await.query_one(sql, &[]).await.expect("marks").get(0)
    };
    assert_eq!(likes().await, 2);
    for (name, who) in &leaving {
        let fate = if *name == "goes" { "go" } else { "stay" };
        let fields = [("comments", fate), ("current", crate::accounts::PASSWORD)];
        let asked = who.submit("/account/deletion", "/account/deletion", &fields).await;
        assert_eq!(asked.status, 303, "{}", asked.body);
        studio.settle().await;
        // A copy of the own data can still be made.
        assert_eq!(who.get("/account/export").await.status, 200);
    }
    // Out of sight while it can still be taken back; what others answered is there.
    let page = studio.browser().get(PAGE).await.body;
    assert!(!page.contains("What stays said") && !page.contains("What goes said"), "{page}");
    assert!(page.contains("out of sight while") && page.contains("To stays") && page.contains("To goes"));

    let due = crate::erasure::after_grace(&studio).to_rfc3339();
    let report = studio.run_job("process-deletion-requests", &due).await;
    assert_eq!(report.counts["started"], 2, "{report:?}");
    studio.settle().await;
    let page = studio.browser().get(PAGE).await.body;
    assert!(page.contains("What stays said") && !page.contains("What goes said"), "{page}");
    assert!(page.contains("This comment was deleted.") && page.contains("To goes"), "{page}");
    assert!(page.contains("Deleted account") && !page.contains("Name of stays"), "{page}");
    assert_eq!(likes().await, 2, "the number stays");
    studio.verify().await;
    studio.close().await;
}
