//! What people show of themselves: nothing until they want to, and nothing once they are gone.

use crate::accounts::{person, signed_in};
use crate::support::{Browser, Page, Studio};
use kinora::domain::shared::Role;
use std::io::Cursor;

/// A picture with something behind its end that must not be handed on.
fn photograph() -> Vec<u8> {
    let mut png = Cursor::new(vec![]);
    image::DynamicImage::new_rgb8(640, 480).write_to(&mut png, image::ImageFormat::Png).expect("encoded");
    [png.into_inner(), b"GPS 52.37 4.89".to_vec()].concat()
}

async fn send(who: &Browser, bytes: Vec<u8>, act: &str) -> Page {
    let page = who.get("/account").await;
    let form = reqwest::multipart::Form::new()
        .text("_csrf", page.hidden("_csrf").expect("a form"))
        .text("act", act.to_owned())
        .part("file", reqwest::multipart::Part::bytes(bytes).file_name("me.png"));
    who.answer(who.client.post(format!("{}/account/picture", who.url)).multipart(form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_private_until_its_owner_shows_it() {
    let studio = Studio::start_with(|c| c.limits.picture_bytes = 1 << 20).await;
    let ada = person(&studio, "ada@example.org", &[Role::Creator]).await;
    let (mine, visitor) = (signed_in(&studio, "ada@example.org").await, studio.browser());
    let path = format!("/people/{ada}");
    assert_eq!(visitor.get(&path).await.status, 404);
    assert!(mine.get(&path).await.body.contains("Only you see this page"));

    let told = |name: &'static str, links: &'static str, public: &'static str| {
        vec![("display_name", name), ("bio", "I draw **boats** <b>"), ("links", links), ("public", public)]
    };
    let bad = mine.submit("/account", "/account", &told("Ada L", "javascript:alert(1)", "yes")).await;
    assert!(bad.status == 422 && bad.body.contains("is no address on the web"), "{}", bad.body);
    assert!(
        bad.body.contains("I draw **boats**") && bad.body.contains("javascript:alert(1)"),
        "nothing is lost"
    );
    let bad = mine.submit("/account", "/account", &told(" ", "", "yes")).await;
    assert!(bad.status == 422 && bad.body.contains("Use 1 to 80 characters"));
    assert_eq!(visitor.get(&path).await.status, 404, "nothing was changed by half");
    assert_eq!(mine.submit("/account", "/account", &told("Ada L", "boats.example", "")).await.status, 303);
    studio.settle().await;
    assert_eq!(visitor.get(&path).await.status, 404);
    assert_eq!(mine.submit("/account", "/account", &told("Ada L", "boats.example", "yes")).await.status, 303);
    studio.settle().await;
    let page = visitor.get(&path).await.body;
    assert!(
        page.contains("Ada L") && page.contains("<strong>boats</strong>") && page.contains("&lt;b&gt;"),
        "{page}"
    );
    assert!(page.contains("href=\"https://boats.example/\" rel=\"nofollow ugc noopener\""), "{page}");
    assert!(page.contains("noindex") && !page.contains("ada@example.org"));

    // A picture: too large, none at all, and one that is made anew.
    let large = send(&mine, vec![0; (1 << 20) + 1], "").await;
    assert!(large.status == 413 && large.body.contains("at most 1 MB"), "{}", large.body);
    for bad in [b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), b"GIF89a".to_vec(), vec![]] {
        let refused = send(&mine, bad, "").await;
        assert!(refused.status == 422 && refused.body.contains("hoose"), "{}", refused.body);
    }
    assert_eq!(send(&mine, photograph(), "").await.status, 303);
    studio.settle().await;
    assert!(visitor.get(&path).await.body.contains(&format!("{path}/picture?v=")));
    let (head, jpeg) = visitor.download(&format!("{path}/picture")).await;
    assert_eq!(head["content-type"], "image/jpeg");
    assert!(jpeg.starts_with(&[0xff, 0xd8]) && !jpeg.windows(3).any(|w| w == b"GPS"));
    let kept = "select count(*) from vault where subject = $1 and field = 'picture'";
    let kept = async || studio.client().await.query_one(kept, &[&ada]).await.expect("count").get::<_, i64>(0);
    assert_eq!(send(&mine, photograph(), "").await.status, 303);
    studio.settle().await;
    assert_eq!(kept().await, 1, "the former one is destroyed");

    // Whoever is suspended is not shown; whoever removes the picture has none.
    assert_eq!(send(&mine, vec![], "remove").await.status, 303);
    studio.settle().await;
    assert_eq!((kept().await, visitor.get(&format!("{path}/picture")).await.status), (0, 404));
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let moderator = signed_in(&studio, "mod@example.org").await;
    let page = format!("/moderation/people/{ada}");
    let (today, act) = (
        crate::support::day_of(studio.instance.services.clock.now()),
        [("act", "suspend"), ("reason", "test")],
    );
    let past = [act[0], act[1], ("suspended_until", "2020-01-01")];
    let refused = moderator.submit(&page, &page, &past).await;
    assert!(refused.status == 422 && refused.body.contains("must be in the future"), "{}", refused.body);
    let end = (today + chrono::Days::new(3)).to_string();
    let until = [act[0], act[1], ("suspended_until", end.as_str())];
    assert_eq!(moderator.submit(&page, &page, &until).await.status, 303);
    studio.settle().await;
    assert_eq!(visitor.get(&path).await.status, 404);
    assert!(moderator.get(&page).await.body.contains("Suspended until"));
    let (_, refused) = crate::accounts::sign_in(&studio, "ada@example.org", crate::accounts::PASSWORD).await;
    assert!(refused.body.contains("suspended until"), "{}", refused.body);
    // The suspension ends on its day, where the studio is, by the job that comes every minute.
    let before =
        studio.run_job("publish-scheduled", &format!("{}T21:59:00Z", today + chrono::Days::new(2))).await;
    assert_eq!(before.counts["reinstated"], 0);
    let after = studio.run_job("publish-scheduled", &format!("{end}T00:00:00Z")).await;
    assert_eq!(after.counts["reinstated"], 1);
    studio.settle().await;
    assert_eq!(visitor.get(&path).await.status, 200);
    signed_in(&studio, "ada@example.org").await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_kept_by_older_parameters_is_kept_anew_at_the_next_sign_in() {
    let studio = Studio::start_with(|c| c.accounts.password_memory_kib = 8192).await;
    let ada = person(&studio, "ada@example.org", &[]).await;
    let hash = async || {
        let cx = &studio.instance.services;
        let account = kinora::actors::accounts::load(cx, ada).await.expect("loaded");
        cx.reader.open(account.password.as_ref().expect("one")).await.expect("opened").expect("there")
    };
    let first = hash().await;
    signed_in(&studio, "ada@example.org").await;
    assert_eq!(hash().await, first, "made by the settings of today");
    // The same person, kept by parameters of yesterday.
    let old = kinora::config::Accounts { password_memory_kib: 1024, ..Default::default() };
    let stale =
        kinora::actors::accounts::passwords::hash(&old, crate::accounts::PASSWORD).await.expect("hashed");
    let cx = &studio.instance.services;
    let id = cx.clock.new_id();
    let value = kinora::domain::shared::PersonalValue::new(ada, "password", id, stale);
    let command = kinora::domain::account::AccountCommand::RenewPasswordHash {
        at: cx.clock.now(),
        password: value.reference.clone(),
    };
    let meta = kinora::store::Metadata::system("test", id, cx.clock.now());
    let envelope = kinora::actors::bus::Envelope::new(id, ada, command, meta).with_private(vec![value]);
    cx.bus.dispatch::<kinora::domain::account::Account>(envelope).await.expect("kept");
    assert!(hash().await.contains("m=1024"));
    let browser = signed_in(&studio, "ada@example.org").await;
    assert!(hash().await.contains("m=8192"));
    assert_eq!(browser.get("/account").await.status, 200, "no session ended by it");
    studio.verify().await;
    studio.close().await;
}
