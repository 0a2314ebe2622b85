//! Letters that tell what is new.

use crate::accounts::{PASSWORD, person, sign_in, signed_in};
use crate::media::{picture, upload, wait};
use crate::support::Studio;
use chrono::TimeDelta;
use kinora::domain::shared::Role;

/// The texts of all mails that were sent so far, decoded.
fn letters(studio: &Studio) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(studio.data.path().join("mail")) else { return vec![] };
    let read = |bytes: Vec<u8>| {
        let mail = mailparse::parse_mail(&bytes).expect("a mail");
        let headers: Vec<String> =
            mail.headers.iter().map(|h| format!("{}: {}", h.get_key(), h.get_value())).collect();
        format!("{}\n\n{}", headers.join("\n"), mail.subparts[0].get_body().expect("text"))
    };
    let mut all: Vec<String> = files.flatten().map(|f| read(std::fs::read(f.path()).unwrap())).collect();
    all.retain(|m| m.contains("This came since the last letter."));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_told_once_and_the_link_in_the_letter_stops_it() {
    let studio = Studio::start().await;
    let cx = &studio.instance.services;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "reader@example.org", &[]).await;
    person(&studio, "quiet@example.org", &[]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let reader = signed_in(&studio, "reader@example.org").await;
    let page = "/account/notifications";
    assert_eq!(reader.submit(page, page, &[("digest", "hourly")]).await.status, 422);
    assert_eq!(reader.submit(page, page, &[("digest", "daily")]).await.status, 303);
    studio.settle().await;

    assert_eq!(upload(&maker, "A new meadow", "meadow.png", picture()).await.status, 303);
    let work = wait(&studio, "A new meadow", |w| w.processing == "ready").await;
    let later = |hours| (cx.clock.now() + TimeDelta::hours(hours)).to_rfc3339();
    let early = studio.run_job("send-digests", &later(24)).await;
    assert_eq!((early.counts["readers"], early.counts["sent"]), (1, 0), "a draft is nobody's news");
    let edit = format!("/studio/media/{}", work.id);
    let done = maker.submit(&edit, &format!("{edit}/publish"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    studio.settle().await;

    // The last letter told until a day from now; what is published "now" lies before it.
    let client = studio.client().await;
    client
        .execute("update digests set until = $1", &[&(cx.clock.now() - TimeDelta::hours(30))])
        .await
        .unwrap();
    let at = later(1);
    let run = studio.run_job("send-digests", &at).await;
    assert_eq!((run.status, run.counts["sent"]), ("completed", 1), "{run:?}");
    assert_eq!(studio.run_job("send-digests", &at).await.status, "already-run");
    assert_eq!(studio.run_job("send-digests", &later(2)).await.counts["sent"], 0, "nothing is told twice");
    studio.settle().await;
    let all = letters(&studio);
    assert_eq!(all.len(), 1);
    assert!(all[0].contains("A new meadow") && all[0].contains("/media/a-new-meadow"), "{}", all[0]);
    assert!(all[0].contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"), "{}", all[0]);

    // The mail program of the reader stops it with one click, without a session.
    let stop = all[0].lines().find_map(|l| l.strip_prefix("List-Unsubscribe: <")).expect("a link");
    let stop = stop.trim_end_matches('>');
    let path = stop.strip_prefix(studio.url.as_str()).expect("on this site");
    let visitor = studio.browser();
    assert!(visitor.get(path).await.body.contains("Stop the letters?"));
    assert_eq!(visitor.get("/digest/stop/nonsense").await.status, 422);
    let clicked = visitor.post(path, &[("List-Unsubscribe", "One-Click")]).await;
    assert_eq!(clicked.status, 200, "{}", clicked.body);
    studio.settle().await;
    assert_eq!(studio.run_job("send-digests", &later(72)).await.counts["readers"], 0);
    assert_eq!(
        sign_in(&studio, "reader@example.org", PASSWORD).await.1.status,
        303,
        "nothing else has changed"
    );
    drop(client);
    studio.close().await;
}
