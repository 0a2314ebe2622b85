//! An admin sees the site as a member does: read only, with a reason, told to the member.

use crate::accounts::{person, signed_in};
use crate::support::Studio;
use kinora::domain::shared::Role;

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_as_a_member_does_and_changes_nothing() {
    let studio = Studio::start().await;
    person(&studio, "admin@example.org", &[Role::Admin]).await;
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let ada = person(&studio, "ada@example.org", &[]).await;
    let bill = person(&studio, "bill@example.org", &[Role::Billing]).await;
    let admin = signed_in(&studio, "admin@example.org").await;
    let moderator = signed_in(&studio, "mod@example.org").await;
    let page = format!("/moderation/people/{ada}");
    let act = format!("{page}/view-as");

    // Moderators are not offered it and may not; it needs a reason; staff is left alone.
    assert!(!moderator.get(&page).await.body.contains("With their eyes"));
    assert_eq!(moderator.submit(&page, &act, &[("why", "curious")]).await.status, 403);
    assert!(admin.get(&page).await.body.contains("With their eyes"));
    let none = admin.submit(&page, &act, &[("why", " ")]).await;
    assert!(none.status == 422 && none.body.contains("Say why"), "{}", none.body);
    let staff = format!("/moderation/people/{bill}");
    assert!(!admin.get(&staff).await.body.contains("With their eyes"));
    let forced = admin.submit(&page, &format!("{staff}/view-as"), &[("why", "curious")]).await;
    assert!(forced.status == 422 && forced.body.contains("member of staff"), "{}", forced.body);

    let begun = admin.submit(&page, &act, &[("why", "She wrote that her page is empty")]).await;
    assert_eq!((begun.status, begun.location()), (303, "/account"), "{}", begun.body);
    let seen = admin.get("/account").await.body;
    assert!(seen.contains("ada@example.org") && seen.contains("You see the site as"), "{seen}");
    assert!(!seen.contains("href=\"/moderation\""), "the roles are those of the member");
    assert_eq!(admin.get("/moderation").await.status, 403);
    // Nothing is changed, and secrets stay hers.
    let rename = admin.submit("/account", "/account", &[("display_name", "Eve")]).await;
    assert!(rename.status == 403 && rename.body.contains("nothing can be changed"), "{}", rename.body);
    for secret in ["/account/security", "/account/tokens", "/account/export", "/account/security/passkeys"] {
        assert_eq!(admin.get(secret).await.status, 403, "{secret}");
    }
    studio.settle().await;
    let mine = signed_in(&studio, "ada@example.org").await;
    assert!(!mine.get("/account").await.body.contains("You see the site as"));

    // It is in the log with its reason, and told.
    let sql = "select payload::text from events where type = 'ImpersonationStarted'";
    let logged: String = studio.client().await.query_one(sql, &[]).await.expect("once").get(0);
    assert!(!logged.contains("empty"), "the reason lies in the vault: {logged}");
    let sql = "select count(*) from outgoing_mail where account = $1 and mail->>'kind' = 'impersonated'";
    let told: i64 = studio.client().await.query_one(sql, &[&ada]).await.expect("the queue").get(0);
    assert_eq!(told, 1);

    let stopped = admin.submit("/account", "/impersonation/stop", &[]).await;
    assert_eq!((stopped.status, stopped.location()), (303, page.as_str()), "{}", stopped.body);
    assert!(admin.get("/account").await.body.contains("admin@example.org"));

    // It ends by itself, and with the role.
    admin.submit(&page, &act, &[("why", "Once more")]).await;
    let root = studio.superuser().await;
    root.execute(
        "update sessions set viewing_until = now() - interval '1 second' where viewing_as is not null",
        &[],
    )
    .await
    .expect("as if it were later");
    assert!(admin.get("/account").await.body.contains("admin@example.org"));
    admin.submit(&page, &act, &[("why", "And again")]).await;
    assert!(admin.get("/account").await.body.contains("ada@example.org"));
    // Signing out meanwhile ends the admin's own session.
    assert_eq!(admin.submit("/account", "/logout", &[]).await.status, 303);
    assert!(admin.get("/account").await.location().starts_with("/login"));
    studio.verify().await;
    studio.close().await;
}
