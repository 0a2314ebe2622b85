//! Who may register: by approval, by invitation, and not at all while a moderator keeps the door shut.

use crate::accounts::{PASSWORD, link_of, person, sign_in, signed_in};
use crate::support::{Browser, Page, Studio};
use base64::Engine as _;
use kinora::actors::accounts::{self, leaving};
use kinora::config::Registration;
use kinora::domain::deletion_request::RequestedBy;
use kinora::domain::shared::Role;
use kinora::store::Metadata;

async fn studio_with(mode: Registration) -> (Studio, Browser) {
    let studio = Studio::start_with(move |c| c.accounts.registration = Some(mode)).await;
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let moderator = signed_in(&studio, "mod@example.org").await;
    (studio, moderator)
}

async fn register(browser: &Browser, page: &str, mail: &str) -> Page {
    browser.submit(page, "/register", &[("mail", mail), ("password", PASSWORD)]).await
}

async fn confirm(studio: &Studio, browser: &Browser) {
    let link = link_of(studio, "Confirm your mail address", "/confirm/").await;
    assert_eq!(browser.submit(&link, &link, &[]).await.status, 303);
    studio.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_lets_people_in_or_refuses_them() {
    let (studio, moderator) = studio_with(Registration::Approval).await;
    let visitor = studio.browser();
    assert!(visitor.get("/register").await.body.contains("looks at each registration"));
    assert_eq!(register(&visitor, "/register", "ada@example.org").await.location(), "/confirm");
    studio.settle().await;
    confirm(&studio, &visitor).await;
    assert_eq!(register(&visitor, "/register", "spam@example.org").await.location(), "/confirm");
    studio.settle().await;

    let (_, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert!(page.status == 422 && page.body.contains("looks at your registration"), "{}", page.body);
    let queue = moderator.get("/moderation/registrations").await.body;
    assert!(queue.contains("ada@example.org") && queue.contains("spam@example.org"));
    let ids: Vec<String> =
        queue.split("name=\"account\" value=\"").skip(1).map(|rest| rest[..36].to_owned()).collect();
    assert_eq!(ids.len(), 2, "whose address is confirmed stands first");
    let none =
        moderator.submit("/moderation/registrations", "/moderation/registrations", &[("act", "approve")]);
    assert_eq!(none.await.status, 422, "nobody chosen");
    for (id, act) in [(&ids[0], "approve"), (&ids[1], "refuse")] {
        let fields = [("account", id.as_str()), ("act", act)];
        let page = moderator.submit("/moderation/registrations", "/moderation/registrations", &fields).await;
        assert_eq!(page.status, 303, "{}", page.body);
        studio.settle().await;
    }
    assert!(moderator.get("/moderation/registrations").await.body.contains("Nobody waits"));
    signed_in(&studio, "ada@example.org").await;
    let (_, page) = sign_in(&studio, "spam@example.org", PASSWORD).await;
    assert!(page.body.contains("suspended"), "{}", page.body);
    assert!(moderator.get("/moderation/deletions").await.body.contains(&ids[1]), "to be erased");
    // Somebody who is in already is not touched by a forged choice.
    let fields = [("account", ids[0].as_str()), ("act", "refuse")];
    moderator.submit("/moderation/registrations", "/moderation/registrations", &fields).await;
    signed_in(&studio, "ada@example.org").await;
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_was_cut_off_lets_nobody_in_and_can_be_repeated() {
    let (studio, _) = studio_with(Registration::Approval).await;
    let visitor = studio.browser();
    register(&visitor, "/register", "spam@example.org").await;
    studio.settle().await;
    confirm(&studio, &visitor).await;
    let cx = &studio.instance.services;
    let account = accounts::find(cx, "spam@example.org").await.expect("read").expect("there");
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    // Its first step alone, as if the process had died behind it.
    let by = RequestedBy::Staff(account);
    leaving::file(cx, cx.clock.new_id(), meta.clone(), account, by, Default::default()).await.expect("filed");
    studio.settle().await;
    let (_, page) = sign_in(&studio, "spam@example.org", PASSWORD).await;
    assert!(page.status == 422 && page.body.contains("looks at your registration"), "{}", page.body);
    accounts::registration::refuse(cx, cx.clock.new_id(), meta, account, RequestedBy::Staff(account))
        .await
        .expect("repeated");
    let (_, page) = sign_in(&studio, "spam@example.org", PASSWORD).await;
    assert!(page.body.contains("suspended"), "{}", page.body);
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lets_in_as_many_as_it_says() {
    let (studio, moderator) = studio_with(Registration::Invite).await;
    let visitor = studio.browser();
    assert!(visitor.get("/register").await.body.contains("By invitation"));
    let page = visitor.post("/register", &[("mail", "ada@example.org"), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 403);
    for (uses, days) in [("0", "14"), ("1", "0"), ("1001", "14"), ("1", "366"), ("x", "y")] {
        let fields = [("uses", uses), ("days", days)];
        let page = moderator.submit("/moderation/invitations", "/moderation/invitations", &fields).await;
        assert_eq!(page.status, 422, "{fields:?}");
    }
    let made = moderator
        .submit("/moderation/invitations", "/moderation/invitations", &[("uses", "2"), ("days", "14")])
        .await;
    assert_eq!(made.status, 303, "{}", made.body);
    let shown = moderator.get(made.location()).await;
    let at = shown.body.find("/register?invitation=").expect("shown");
    let address = shown.body[at..at + 45].to_owned();
    let code = &address["/register?invitation=".len()..];
    assert!(!moderator.get(made.location()).await.body.contains(code), "it is shown once");
    assert!(visitor.get(&address).await.body.contains("Create an account"));
    // A mistake uses nothing up, and what was typed stays with the invitation.
    let short = [("mail", "ada@example.org"), ("password", "short")];
    let page = visitor.submit(&address, "/register", &short).await;
    assert!(page.status == 422 && page.hidden("invitation").is_some());
    assert_eq!(register(&visitor, &address, "ada@example.org").await.location(), "/confirm");
    // A known address is answered alike and uses nothing up.
    assert_eq!(register(&visitor, &address, "mod@example.org").await.location(), "/confirm");
    assert_eq!(register(&visitor, &address, "bea@example.org").await.location(), "/confirm");
    assert!(visitor.get(&address).await.body.contains("lets nobody in any more"));
    let code = address.split('=').nth(1).expect("code");
    let late = [("mail", "cy@example.org"), ("password", PASSWORD), ("invitation", code)];
    assert_eq!(visitor.post("/register", &late).await.status, 422);
    assert!(moderator.get("/moderation/invitations").await.body.contains("None."));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_shuts_the_door_with_one_click() {
    let (studio, moderator) = studio_with(Registration::Open).await;
    let visitor = studio.browser();
    let offer = "href=\"/register\">Create an account</a></p>";
    assert!(visitor.get("/login").await.body.contains(offer));
    let door = "/moderation/registrations/door";
    assert_eq!(moderator.submit("/moderation/registrations", door, &[("shut", "yes")]).await.status, 303);
    assert!(visitor.get("/register").await.body.contains("Registration is closed"));
    assert!(!visitor.get("/login").await.body.contains(offer));
    assert_eq!(
        visitor.post("/register", &[("mail", "a@example.org"), ("password", PASSWORD)]).await.status,
        403
    );
    assert_eq!(moderator.submit("/moderation/registrations", door, &[("shut", "no")]).await.status, 303);
    assert!(visitor.get("/register").await.body.contains("Create an account"));
    // Where one was going is not lost on the way through registering; another site is nowhere to go.
    let way = "next=%2Fjoin%3Fcountry%3DDE";
    let login = visitor.get(&format!("/login?{way}")).await.body;
    assert!(login.contains(&format!("href=\"/register?{way}\"")), "{login}");
    let form = visitor.get(&format!("/register?{way}")).await.body;
    assert!(form.contains("name=\"next\" value=\"/join?country=DE\""), "{form}");
    let sent = visitor.get(&format!("/confirm?{way}")).await.body;
    assert!(sent.contains(&format!("href=\"/login?{way}\"")), "{sent}");
    let foreign = visitor.get("/register?next=%2F%2Fevil.example").await.body;
    assert!(!foreign.contains("evil.example"), "{foreign}");
    studio.verify().await;
    studio.close().await;
}

/// What the script of the form does.
async fn prove(browser: &Browser) -> String {
    let asked = browser.get("/register/challenge").await;
    assert_eq!(asked.headers["cache-control"], "no-store");
    let challenge: altcha::Challenge = serde_json::from_str(&asked.body).expect("a challenge");
    let solution = altcha::solve_challenge(altcha::SolveChallengeOptions::new(&challenge)).unwrap().unwrap();
    let answer = serde_json::to_vec(&altcha::Payload { challenge, solution }).unwrap();
    base64::engine::general_purpose::STANDARD.encode(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn open_registration_looks_at_who_brings_no_proof_of_work() {
    let studio = Studio::start_with(|c| {
        c.accounts.registration = Some(Registration::Open);
        c.accounts.challenge = Some(true);
        c.accounts.challenge_cost = 20;
    })
    .await;
    person(&studio, "first@example.org", &[Role::Admin]).await;
    let visitor = studio.browser();
    let page = visitor.get("/register").await.body;
    assert!(page.contains("challenge") && page.contains("Without JavaScript"), "{page}");
    let register = async |mail: &str, proof: &str| {
        let fields = [("mail", mail), ("password", PASSWORD), ("altcha", proof)];
        let answer = visitor.submit("/register", "/register", &fields).await;
        assert_eq!(answer.location(), "/confirm", "{}", answer.body);
        studio.settle().await;
        confirm(&studio, &visitor).await;
        let (_, page) = sign_in(&studio, mail, PASSWORD).await;
        assert!(page.status == 303 || page.body.contains("looks at your registration"), "{}", page.body);
        page.status == 303
    };
    let proof = prove(&visitor).await;
    assert!(register("ada@example.org", &proof).await, "at once");
    assert!(!register("bo@example.org", &proof).await, "each opens the door once");
    assert!(!register("cy@example.org", "").await, "without a script");
    // A challenge of one's own, an answer to another one, and what is none at all.
    let own = altcha::create_challenge(altcha::CreateChallengeOptions {
        cost: 1,
        hmac_signature_secret: Some("mine".into()),
        ..Default::default()
    })
    .unwrap();
    let solution = altcha::solve_challenge(altcha::SolveChallengeOptions::new(&own)).unwrap().unwrap();
    let encode = |payload: &altcha::Payload| {
        base64::engine::general_purpose::STANDARD.encode(serde_json::to_vec(payload).unwrap())
    };
    let forged = encode(&altcha::Payload { challenge: own, solution: solution.clone() });
    let fresh = visitor.get("/register/challenge").await.body;
    let guessed = encode(&altcha::Payload { challenge: serde_json::from_str(&fresh).unwrap(), solution });
    for (i, bad) in [forged.as_str(), guessed.as_str(), "nonsense", &"A".repeat(9000)].iter().enumerate() {
        assert!(!register(&format!("p{i}@example.org"), bad).await, "{bad:.40}");
    }
    let used: i64 =
        studio.client().await.query_one("select count(*) from challenges_used", &[]).await.unwrap().get(0);
    assert_eq!(used, 1);
    studio.close().await;

    let studio = Studio::start().await;
    assert_eq!(
        studio.browser().get("/register/challenge").await.status,
        404,
        "not asked for outside production"
    );
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_are_decided_from_the_shell_too() {
    let data = crate::running::data_folder();
    let file = data.path().join("kinora.toml");
    std::fs::write(&file, "mode = \"development\"\n[accounts]\nregistration = \"approval\"\n")
        .expect("written");
    let file = file.to_str().expect("a path").to_owned();
    let kinora = crate::running::Running::start(data, &["--config", &file]);
    let ask = |args: &[&str]| kinora.json(&[args, &["--json", "--config", &file]].concat());
    ask(&["account", "add", "admin@example.org", "--role", "admin"]);
    for mail in ["ada@example.org", "spam@example.org"] {
        let client = reqwest::Client::builder().cookie_store(true);
        let client = client.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let browser = Browser { client, url: format!("http://{}", kinora.site) };
        let page = register(&browser, "/register", mail).await;
        assert_eq!(page.status, 303, "{}", page.body);
    }
    let waiting = loop {
        let found = ask(&["account", "waiting"])["waiting"].as_array().expect("a list").clone();
        if found.len() == 2 {
            break found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert!(waiting.iter().any(|p| p["mail"] == "ada@example.org"), "{waiting:?}");
    assert_eq!(ask(&["account", "approve", "ada@example.org"])["decided"], "approved");
    assert_eq!(ask(&["account", "refuse", "spam@example.org"])["decided"], "refused");
    assert_eq!(ask(&["account", "waiting"])["waiting"], serde_json::json!([]));
    for (act, who) in [("approve", "ada@example.org"), ("refuse", "admin@example.org")] {
        let again = kinora.run(&["account", act, who]);
        assert!(!again.status.success(), "{who} does not wait");
        assert!(String::from_utf8_lossy(&again.stderr).contains("does not wait"));
    }
    let door = ask(&["account", "registration"]);
    assert_eq!((&door["registration"], &door["closed_by_hand"]), (&"approval".into(), &false.into()));
    assert_eq!(ask(&["account", "registration", "--close"])["registration"], "closed");
    assert_eq!(ask(&["account", "registration", "--reopen"])["registration"], "approval");
}
