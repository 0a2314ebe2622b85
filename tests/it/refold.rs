//! Operators fold a projection anew from the page, also when it has set a stream aside.

use crate::accounts::{person, signed_in};
use crate::support::Studio;
use kinora::domain::shared::Role;
use std::time::Duration;

/// Reads the operators' page until `there` says that it shows what it should.
async fn until(operator: &crate::support::Browser, there: impl Fn(&str) -> bool) -> String {
    for _ in 0..600 {
        let body = operator.get("/operator").await.body;
        if there(&body) {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the page never showed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_set_a_stream_aside_is_folded_anew_from_the_page() {
    let studio = Studio::start().await;
    person(&studio, "operator@example.org", &[Role::Operator]).await;
    let operator = signed_in(&studio, "operator@example.org").await;
    let client = studio.client().await;
    let park = "insert into dead_letters (name, position, stream_id, error, attempts)
                select 'people', position, stream_id, 'of another day', 1 from events where position = 1";
    client.execute(park, &[]).await.unwrap();
    let page = operator.get("/operator").await;
    assert!(page.body.contains("of another day"));
    let answer = operator.submit("/operator", "/operator/set-aside/people/1/retry", &[]).await;
    assert_eq!((answer.status, answer.location()), (303, "/operator?done=rebuilding#readers"));
    let body = until(&operator, |body| body.contains("rebuilt up to event")).await;
    assert!(!body.contains("of another day"), "what was set aside is folded");
    assert!(operator.get("/moderation/people").await.status != 500);
    let left = client.query_one("select count(*) from dead_letters", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_under_way_keeps_another_one_out_and_unknown_names_are_refused() {
    let studio = Studio::start().await;
    person(&studio, "operator@example.org", &[Role::Operator]).await;
    let operator = signed_in(&studio, "operator@example.org").await;
    // As if another process were at it.
    let client = studio.client().await;
    client.execute("select pg_advisory_lock(hashtext('kinora rebuild people'))", &[]).await.unwrap();
    operator.submit("/operator", "/operator/projections/people/rebuild", &[]).await;
    let body = until(&operator, |body| body.contains("could not be rebuilt")).await;
    assert!(body.contains("is being rebuilt already"), "it says why");
    client.execute("select pg_advisory_unlock(hashtext('kinora rebuild people'))", &[]).await.unwrap();
    operator.submit("/operator", "/operator/projections/people/rebuild", &[]).await;
    until(&operator, |body| body.contains("rebuilt up to event")).await;
    let csrf = operator.get("/operator").await.hidden("_csrf").unwrap();
    let unknown = operator.post("/operator/projections/nothing/rebuild", &[("_csrf", &csrf)]).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_workflow_set_aside_is_tried_again_with_one_button() {
    let studio = Studio::start().await;
    person(&studio, "operator@example.org", &[Role::Operator]).await;
    let operator = signed_in(&studio, "operator@example.org").await;
    let client = studio.client().await;
    let park = "insert into dead_letters (name, position, stream_id, error, attempts)
                select 'account-mails', position, stream_id, 'the server was away', 5 from events where position <= 3";
    assert_eq!(client.execute(park, &[]).await.unwrap(), 3);
    let page = operator.get("/operator").await.body;
    assert!(page.contains("Try all of account-mails again"), "{page}");
    let answer = operator.submit("/operator", "/operator/set-aside/account-mails/retry", &[]).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/operator?done=tried-all&worked=3&failed=0&left=0#set-aside")
    );
    let page = operator.get("/operator?done=tried-all&worked=3&failed=0&left=0").await.body;
    assert!(page.contains("no longer set aside") && !page.contains("the server was away"), "{page}");
    let nobody = operator.submit("/operator", "/operator/set-aside/nobody/retry", &[]).await;
    assert_eq!(nobody.status, 404);
    studio.close().await;
}
