//! The lists of mails at both desks: what was sent, what could not be, what each says, and every kind there is.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{link, open};
use kinora::domain::shared::Role;

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_where_a_mail_has_got_to_and_what_it_says() {
    let (studio, member, billing) = open().await;
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let moderator = signed_in(&studio, "mod@example.org").await;
    let (_, bought) = crate::gifts::buy(&studio, &member, "4242 4242 4242 4242", "").await;
    assert_eq!(bought.status, 303, "{}", bought.body);
    studio.settle().await;
    let get = async |query: &str| billing.get(&format!("/billing/mails{query}")).await.body;
    let page = get("").await;
    assert!(page.contains("Gift bought") && page.contains("Mira Member"), "{page}");

    // What it says, without the code that whoever reads it could redeem.
    let gift = link(&get("?about=gift_bought").await, "/billing/mails/");
    let shown = billing.get(&gift).await.body;
    assert!(shown.contains("Hello Mira Member,") && shown.contains("only-in-the-mail-itself"), "{shown}");
    // One that the server refuses, and one that waits for its next try.
    let database = studio.superuser().await;
    let refuse =
        "update outgoing_mail set state = 'failed', attempts = 8, error = 'smtp: 550 no such <b>user</b>'
        where mail->>'kind' = 'gift_bought'";
    assert_eq!(database.execute(refuse, &[]).await.unwrap(), 1);
    let failed = get("?state=failed").await;
    assert!(failed.contains("550 no such &lt;b&gt;user") && failed.contains("1–1 of 1"), "{failed}");
    let member_id = link(&failed, "/billing/people/").rsplit('/').next().unwrap().to_owned();
    let theirs = get(&format!("?account={member_id}&state=failed")).await;
    assert!(theirs.contains("1–1 of 1") && theirs.contains("To"), "{theirs}");
    let one = billing.get(&gift).await.body;
    assert!(
        one.contains("550 no such") && one.contains(&format!("/billing/mails?account={member_id}")),
        "{one}"
    );
    let nobody = "00000000-0000-0000-0000-00000000abcd";
    for none in ["?state=lost", "?about=nothing", &format!("?account={nobody}"), "?account=mira"] {
        assert!(get(none).await.contains("No mail found"), "{none}");
    }
    for (path, status) in [
        ("mails/00000000-0000-0000-0000-00000000abcd", 404),
        ("mails/mira", 404),
        ("mail-kinds/nothing", 404),
        ("mail-kinds/renewed", 200),
    ] {
        assert_eq!(billing.get(&format!("/billing/{path}")).await.status, status, "{path}");
    }

    // A moderator comes to the same from the other desk, and finds every kind with this studio's name.
    let same = gift.replace("/billing", "/moderation");
    let there = moderator.get(&same).await.body;
    assert!(there.contains(&format!("/moderation/people/{member_id}")), "{there}");
    let kinds = moderator.get("/moderation/mail-kinds").await.body;
    for kind in kinora::emails::samples::all().unwrap() {
        let path = format!("/moderation/mail-kinds/{}", kind.name);
        assert!(kinds.contains(&format!("\"{path}\"")), "{path}");
        let page = moderator.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        // Who is given something reads who gives it.
        let named = if kind.name == "gift_code" { "Ada Holm gives you" } else { "Hello Ada Holm," };
        assert!(
            page.body.contains(named) && page.body.contains(&studio.instance.services.config.site_url()),
            "{path}"
        );
    }
    for path in ["/billing/mails", &gift, "/moderation/mails", "/moderation/mail-kinds"] {
        assert_eq!(member.get(path).await.status, 403, "{path}");
    }

    // A kind that a later version wrote.
    let later = "update outgoing_mail set mail = '{\"kind\": \"billing\", \"about\": \"moon_phase\"}' where mail->>'kind' = 'gift_bought'";
    database.batch_execute(later).await.unwrap();
    let shown = billing.get(&gift).await.body;
    assert!(shown.contains("What it said cannot be shown") && shown.contains("Moon phase"), "{shown}");
    studio.close().await;
}
