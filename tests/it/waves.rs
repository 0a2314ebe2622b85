//! Many at once: a wave of sign-ups, what moderators do about it, and passwords that are guessed in bulk.
//!
//! Small in every run; the figures of `docs/measurements.md` are made with `WAVE`, `WAVE_NETWORKS` and `SPRAY`.

use crate::accounts::{PASSWORD, person, sign_in, signed_in};
use crate::support::{Browser, Page, Studio};
use base64::Engine as _;
use futures_util::StreamExt as _;
use kinora::actors::accounts;
use kinora::actors::bus::Envelope;
use kinora::config::Registration;
use kinora::domain::comment::{Comment, CommentCommand, Subject, SubjectKind};
use kinora::domain::shared::{PersonalValue, Role};
use kinora::store::Metadata;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(usual)
}

/// A request as it comes through the proxy from `network`.
async fn post(browser: &Browser, network: usize, path: &str, fields: &[(&str, &str)]) -> Page {
    let from = format!("198.{}.{}.7", 18 + network / 250, network % 250);
    let request = browser.client.post(format!("{}{path}", browser.url)).header("x-forwarded-for", from);
    browser.answer(request.form(fields)).await
}

async fn prove(browser: &Browser) -> String {
    let asked = browser.get("/register/challenge").await;
    let challenge: altcha::Challenge = serde_json::from_str(&asked.body).expect("a challenge");
    let solution = altcha::solve_challenge(altcha::SolveChallengeOptions::new(&challenge)).unwrap().unwrap();
    let answer = serde_json::to_vec(&altcha::Payload { challenge, solution }).unwrap();
    base64::engine::general_purpose::STANDARD.encode(answer)
}

fn percentile(times: &mut [Duration], part: usize) -> Duration {
    times.sort();
    times[(times.len() - 1) * part / 100]
}

/// A thousand sign-ups from fifty networks, half of them with the proof of work.
#[tokio::test(flavor = "multi_thread")]
async fn a_wave_of_sign_ups_leaves_a_handful_to_moderators() {
    let (wave, networks) = (setting("WAVE", 90), setting("WAVE_NETWORKS", 6));
    let studio = Studio::start_with(|c| {
        c.accounts.registration = Some(Registration::Open);
        c.accounts.challenge = Some(true);
        c.accounts.challenge_cost = 20;
        c.limits.registrations_per_domain = 8;
        c.limits.registrations_unproved = 5;
    })
    .await;
    person(&studio, "mod@example.org", &[Role::Moderator]).await;
    let moderator = signed_in(&studio, "mod@example.org").await;
    let spammer = studio.browser();
    let opened = spammer.get("/register").await.hidden("opened").expect("a form");
    let domains =
        ["cheap.example", "mailinator.com", "pills.example", "sub.mailinator.com", "watches.example"];
    let begun = Instant::now();
    let answers: Vec<u16> = futures_util::stream::iter(0..wave)
        .map(|n| {
            let (spammer, opened) = (spammer.clone(), opened.clone());
            async move {
                let mail = format!("spam{n}@{}", domains[n % domains.len()]);
                let proof = if n % 2 == 0 { prove(&spammer).await } else { String::new() };
                let fields = [
                    ("mail", mail.as_str()),
                    ("password", PASSWORD),
                    ("altcha", &proof),
                    ("opened", &opened),
                ];
                post(&spammer, n % networks, "/register", &fields).await.status
            }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    let took = begun.elapsed();
    // A person in the middle of it, from a network of their own.
    let fields = [
        ("mail", "ada@example.org"),
        ("password", PASSWORD),
        ("altcha", &prove(&spammer).await),
        ("opened", &opened),
    ];
    // Other tests hash passwords in this process, too: who meets a full line comes again.
    let (mut calm, mut answer) = (Instant::now(), post(&spammer, 999, "/register", &fields).await);
    while answer.status == 503 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        (calm, answer) = (Instant::now(), post(&spammer, 999, "/register", &fields).await);
    }
    let calm = calm.elapsed();
    assert_eq!(answer.location(), "/confirm", "{}", answer.body);
    studio.settle().await;
    let count =
        async |sql: &str| studio.client().await.query_one(sql, &[]).await.expect("count").get::<_, i64>(0);
    let waiting = count("select count(*) from people where waiting").await;
    let came = count("select count(*) from people where not waiting").await - 2;
    let mut outcomes = BTreeMap::new();
    for status in &answers {
        *outcomes.entry(*status).or_insert(0) += 1;
    }
    println!(
        "{wave} sign-ups from {networks} networks in {:.1} s: {outcomes:?} by status; {waiting} wait for a moderator, \
         {came} came in unconfirmed; a person's own sign-up took {} ms",
        took.as_secs_f64(),
        calm.as_millis()
    );
    assert!(waiting <= 5, "a handful: {waiting}");
    assert!(came <= 3 * 8, "as many as their domains have places: {came}");
    let refused = outcomes.get(&422).copied().unwrap_or(0);
    assert!(refused >= wave * 2 / 5 - 1, "addresses to throw away: {outcomes:?}");
    assert!(
        outcomes.get(&429).copied().unwrap_or(0) > 0 && !outcomes.keys().any(|s| *s >= 500 && *s != 503),
        "{outcomes:?}"
    );
    let late = post(
        &spammer,
        0,
        "/register",
        &[("mail", "x@late.example"), ("password", PASSWORD), ("opened", &opened)],
    )
    .await;
    assert!(late.status == 429 && late.headers.contains_key("retry-after"), "{}", late.status);
    assert!(late.body.contains("Too many"), "{}", late.body);
    // What nobody has to wait for: mistakes use no place up.
    let short = [("mail", "bo@example.org"), ("password", "short"), ("opened", opened.as_str())];
    for _ in 0..8 {
        assert_eq!(post(&spammer, 998, "/register", &short).await.status, 422);
    }
    let fields = [
        ("mail", "bo@example.org"),
        ("password", PASSWORD),
        ("altcha", &prove(&spammer).await),
        ("opened", &opened),
    ];
    assert_eq!(post(&spammer, 998, "/register", &fields).await.location(), "/confirm");

    // The rest is one act: found by what they have in common, suspended, and let back in.
    studio.settle().await;
    let page = "/moderation/waves?find=yes&mail=pills.example";
    let found = moderator.get(page).await.body;
    let ids: Vec<&str> = found.split("name=\"account\" value=\"").skip(1).map(|rest| &rest[..36]).collect();
    assert!(!ids.is_empty() && !found.contains("ada@example.org"), "{found}");
    let nothing = moderator.get("/moderation/waves?find=yes").await;
    assert!(nothing.status == 422 && nothing.body.contains("in common"), "{}", nothing.status);
    let fields: Vec<(&str, &str)> = ids.iter().map(|id| ("account", *id)).collect();
    let unsaid = moderator.submit(page, "/moderation/waves", &fields).await;
    assert!(
        unsaid.status == 422 && unsaid.body.contains("Say why") && unsaid.body.contains(ids[0]),
        "{}",
        unsaid.body
    );
    let mut all = fields.clone();
    all.push(("reason", "Pills"));
    let done = moderator.submit(page, "/moderation/waves", &all).await;
    assert_eq!(
        (done.status, done.location()),
        (303, format!("/moderation/waves?done={}", ids.len()).as_str()),
        "{}",
        done.body
    );
    studio.settle().await;
    let suspended = count("select count(*) from people where suspended").await;
    assert_eq!(suspended, i64::try_from(ids.len()).expect("few"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_hides_what_they_wrote_spares_who_belongs_here_and_is_undone() {
    let studio = Studio::start().await;
    let (moderator, _) = (person(&studio, "mod@example.org", &[Role::Moderator]).await, ());
    let (spam, shy) =
        (person(&studio, "spam@bad.example", &[]).await, person(&studio, "shy@bad.example", &[]).await);
    let maker = person(&studio, "maker@bad.example", &[Role::Creator]).await;
    let cx = &studio.instance.services;
    let wrote = Uuid::now_v7();
    let text = PersonalValue::new(spam, "comment", Uuid::now_v7(), "Buy PILLS here");
    let command = CommentCommand::Write {
        subject: Subject { kind: SubjectKind::Post, id: Uuid::now_v7() },
        parent: None,
        author: spam,
        text: text.reference.clone(),
        at: cx.clock.now(),
    };
    let meta = Metadata::system("test", Uuid::now_v7(), cx.clock.now());
    cx.bus
        .dispatch::<Comment>(Envelope::new(Uuid::now_v7(), wrote, command, meta).with_private(vec![text]))
        .await
        .expect("written");
    studio.settle().await;
    let browser = signed_in(&studio, "mod@example.org").await;
    let ids = async |query: &str| {
        let page = browser.get(&format!("/moderation/waves?find=yes&{query}")).await.body;
        let mut ids: Vec<Uuid> =
            page.split("name=\"account\" value=\"").skip(1).map(|r| r[..36].parse().expect("id")).collect();
        ids.sort();
        ids
    };
    let mut both = vec![spam, shy];
    both.sort();
    assert_eq!(ids("mail=%40BAD.example").await, both, "who has a role is never among them");
    assert_eq!(ids("text=pills").await, [spam]);
    assert_eq!(ids("name=shy").await, [shy]);
    assert_eq!(ids("since=2020-01-01&until=2020-02-01").await, Vec::<Uuid>::new());
    let today = crate::support::day_of(cx.clock.now());
    assert_eq!(ids(&format!("since={today}&until={today}&mail=bad")).await, both);
    assert_eq!(ids(&format!("since={today}&unconfirmed=yes")).await, Vec::<Uuid>::new());

    // Cut off after the first account and sent again; somebody got a role meanwhile.
    let command = Uuid::now_v7();
    let meta = Metadata::account(moderator, command, cx.clock.now());
    let sweep = async |who: &[Uuid]| {
        accounts::sweeps::sweep(cx, command, &meta, moderator, who, "Pills").await.expect("swept")
    };
    assert_eq!(sweep(&[spam]).await, 1);
    studio.settle().await;
    sweep(&[spam, shy, maker]).await;
    studio.settle().await;
    let state = async || {
        let sql = "select array_agg(account order by account) from people where suspended";
        let client = studio.client().await;
        let suspended: Option<Vec<Uuid>> = client.query_one(sql, &[]).await.expect("read").get(0);
        let sql = "select state->>'standing' from comments where comment = $1";
        let comment: String = client.query_one(sql, &[&wrote]).await.expect("read").get(0);
        (suspended.unwrap_or_default(), comment)
    };
    assert_eq!(state().await, (both.clone(), "hidden".into()));
    let page = browser.get("/moderation/waves").await.body;
    assert!(page.contains("Done before") && page.contains("Let them back in"), "{page}");
    // One of them was let in and has given another reason since: only that one stays out.
    for (act, reason) in [("reinstate", "Wrote to us"), ("suspend", "Insults")] {
        let page = format!("/moderation/people/{shy}");
        let done = browser.submit(&page, &page, &[("act", act), ("reason", reason)]).await;
        assert_eq!(done.status, 303, "{}", done.body);
        studio.settle().await;
    }
    let undone = browser.submit("/moderation/waves", &format!("/moderation/waves/{command}/undo"), &[]).await;
    assert_eq!(undone.status, 303, "{}", undone.body);
    studio.settle().await;
    assert_eq!(state().await, (vec![shy], "shown".into()));
    signed_in(&studio, "spam@bad.example").await;
    assert!(browser.get("/moderation/waves").await.body.contains("Undone"));
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_failures_make_a_pause() {
    let studio = Studio::start_with(|c| c.limits.sign_in_failures = 3).await;
    person(&studio, "ada@example.org", &[]).await;
    person(&studio, "ben@example.org", &[]).await;
    for _ in 0..3 {
        assert_eq!(sign_in(&studio, "ada@example.org", "wrong password").await.1.status, 422);
    }
    let (_, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    assert_eq!(page.status, 429);
    let wait: u64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((20..=30).contains(&wait), "{wait}");
    signed_in(&studio, "ben@example.org").await;
    // Each further failure doubles the pause.
    let sql = "update attempts set at = at - interval '31 seconds'";
    studio.superuser().await.execute(sql, &[]).await.expect("as if it were later");
    assert_eq!(sign_in(&studio, "ada@example.org", "wrong password").await.1.status, 422);
    let (_, page) = sign_in(&studio, "ada@example.org", PASSWORD).await;
    let wait: u64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(page.status == 429 && (45..=60).contains(&wait), "{wait}");
    // A day later they count no more: the rows go, and the person is let in.
    let later = studio.instance.services.clock.now() + chrono::TimeDelta::hours(25);
    let report = studio.run_job("clear-sessions", &later.to_rfc3339()).await;
    assert!(report.counts["attempts"] >= 3, "{report:?}");
    signed_in(&studio, "ada@example.org").await;
    studio.verify().await;
    studio.close().await;
}

/// Passwords tried in bulk: the owner signs in all the while, and the answers tell nothing.
#[tokio::test(flavor = "multi_thread")]
async fn spraying_keeps_no_owner_out_and_learns_nothing() {
    let seconds = setting("SPRAY", 2);
    let studio =
        Studio::start_with(|c| c.accounts.password_memory_kib = if seconds > 2 { 19_456 } else { 64 }).await;
    for name in ["ada", "ben", "cy"] {
        person(&studio, &format!("{name}@example.org"), &[]).await;
    }
    let owner = signed_in(&studio, "ada@example.org").await;
    let spray = studio.browser();
    let csrf = spray.get("/login").await;
    let hidden = csrf.hidden("_csrf").unwrap_or_default();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let (mut known, mut unknown, mut entered) = (vec![], vec![], vec![]);
    let mut tries = tokio::task::JoinSet::new();
    for n in 0..seconds * 100 {
        ticks.tick().await;
        // Half of them against one account from ever new networks, half against names that nobody has.
        let login = if n % 2 == 0 { "ada@example.org".to_owned() } else { format!("nobody{n}@example.org") };
        let (spray, hidden) = (spray.clone(), hidden.clone());
        tries.spawn(async move {
            let fields = [("login", login.as_str()), ("password", "wrong but long"), ("_csrf", &hidden)];
            let begun = Instant::now();
            let page = post(&spray, n % 500, "/login", &fields).await;
            (n % 2 == 0, page.status, begun.elapsed())
        });
        if n % 50 == 49 {
            // The owner signs in anew with the browser that the account knows.
            assert_eq!(owner.submit("/account", "/logout", &[]).await.status, 303);
            let begun = Instant::now();
            let page = owner
                .submit("/login", "/login", &[("login", "ada@example.org"), ("password", PASSWORD)])
                .await;
            assert_eq!(page.status, 303, "the owner is let in: {}", page.body);
            entered.push(begun.elapsed());
        }
    }
    let mut statuses: BTreeMap<(bool, u16), usize> = BTreeMap::new();
    while let Some(done) = tries.join_next().await {
        let (is_known, status, took) = done.expect("tried");
        *statuses.entry((is_known, status)).or_default() += 1;
        if status == 422 {
            if is_known { known.push(took) } else { unknown.push(took) }
        }
    }
    println!("answers by (known account, status): {statuses:?}");
    println!(
        "refused in the median after {} ms (a known account, {} times) and {} ms (unknown ones, {} times); the owner was let in {} times, at the slowest after {} ms",
        percentile(&mut known, 50).as_millis(),
        known.len(),
        percentile(&mut unknown, 50).as_millis(),
        unknown.len(),
        entered.len(),
        percentile(&mut entered, 100).as_millis()
    );
    let is_right = |status: u16| [422, 429, 503].contains(&status);
    assert!(statuses.keys().all(|(_, status)| is_right(*status)), "{statuses:?}");
    assert!(known.len() <= 10 + 1, "one account is guessed at so often and no more: {}", known.len());

    // In calm, one after the other: a known account and names that nobody has.
    let (mut known, mut unknown) = (vec![], vec![]);
    for n in 0..9 {
        for (login, times) in
            [("ben@example.org".to_owned(), &mut known), (format!("calm{n}@example.org"), &mut unknown)]
        {
            let fields = [("login", login.as_str()), ("password", "wrong but long"), ("_csrf", &hidden)];
            let begun = Instant::now();
            assert_eq!(post(&spray, 700 + n, "/login", &fields).await.status, 422);
            times.push(begun.elapsed());
        }
    }
    for (who, times) in [("known", &mut known), ("unknown", &mut unknown)] {
        let of = |times: &mut Vec<Duration>, part| percentile(times, part).as_micros() as f64 / 1000.0;
        println!(
            "in calm, {who}: {:.1} ms in the median, {:.1} to {:.1}",
            of(times, 50),
            of(times, 0),
            of(times, 100)
        );
    }

    // The same words for both, to the letter but for what was typed.
    let stranger = studio.browser();
    let refused = async |login: &str| {
        let page =
            stranger.submit("/login", "/login", &[("login", login), ("password", "wrong but long")]).await;
        let text = page.body.replace(login, "WHO");
        let mut kept = String::new();
        for line in text.split("value=\"") {
            kept += line.split_once('"').map_or(line, |(_, rest)| rest);
        }
        (page.status, kept)
    };
    assert_eq!(refused("cy@example.org").await, refused("nobody@example.org").await);
    studio.verify().await;
    studio.close().await;
}
