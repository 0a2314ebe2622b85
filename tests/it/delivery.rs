//! Files by way of a network of caches; how many of them one client gets; what other sites get; what is counted.

use crate::accounts::{person, signed_in};
use crate::media::{clip, upload, wait};
use crate::support::{Browser, Page, Studio};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kinora::config::{Av1, Config};
use kinora::domain::shared::Role;
use kinora::projections::media::Work;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;
use warp::Filter;
use warp::http::{Response, StatusCode};

/// A studio with one published film, its maker, and the beginning of the film's addresses for them.
struct Scene {
    studio: Studio,
    maker: Browser,
    work: Work,
    base: String,
}

async fn scene(change: impl FnOnce(&mut Config)) -> Scene {
    let studio = Studio::start_with(|c| {
        c.media.av1 = Av1::None;
        change(c);
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let room = tempfile::tempdir().expect("folder");
    let film = std::fs::read(clip(room.path(), 2)).expect("clip");
    assert_eq!(upload(&maker, "Salt", "a.mp4", film).await.status, 303);
    let work = wait(&studio, "Salt", |w| w.processing == "ready").await;
    let editor = format!("/studio/media/{}", work.id);
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    studio.settle().await;
    let base = base_of(&maker.get("/media/salt").await.body);
    Scene { studio, maker, work, base }
}

fn base_of(page: &str) -> String {
    let start = page.find("data-hls=\"").expect("a player") + 10;
    let rest = &page[start..];
    rest[..rest.find("/master.m3u8").expect("an end")].to_owned()
}

async fn with(browser: &Browser, path: &str, headers: &[(&str, &str)]) -> Page {
    let mut request = browser.client.get(format!("{}{path}", browser.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.answer(request).await
}

/// Where the edge of the network fetches, and what it holds.
struct Origin {
    url: String,
    key: Vec<u8>,
    token: String,
}

/// What an edge does, written after `docs/media.md`: checks signature and end, then fetches with its token.
async fn edge(origin: Arc<OnceLock<Origin>>, path: String) -> Response<Vec<u8>> {
    let refused = |status| Response::builder().status(status).body(Vec::new()).expect("an answer");
    let origin = origin.get().expect("the studio runs");
    let mut parts = path.trim_start_matches('/').splitn(4, '/');
    let (Some(token), Some(media), Some(round), Some(file)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return refused(StatusCode::NOT_FOUND);
    };
    let Some((end, signature)) = token.split_once('.') else { return refused(StatusCode::FORBIDDEN) };
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&origin.key).expect("a key");
    mac.update(format!("kinora cdn v1\n{media}\n{round}\n{end}").as_bytes());
    let right = URL_SAFE_NO_PAD.decode(signature).is_ok_and(|s| mac.verify_slice(&s).is_ok());
    let still = end.parse::<i64>().is_ok_and(|end| end >= chrono::Utc::now().timestamp());
    if !right || !still {
        return refused(StatusCode::FORBIDDEN);
    }
    let url = format!("{}/cdn/{media}/{round}/{file}", origin.url);
    let fetched =
        reqwest::Client::new().get(url).header("x-kinora-cdn", &origin.token).send().await.expect("it");
    let mut answer = Response::builder().status(fetched.status().as_u16());
    for name in ["content-type", "content-disposition", "access-control-allow-origin", "cache-control"] {
        if let Some(value) = fetched.headers().get(name) {
            answer = answer.header(name, value.as_bytes());
        }
    }
    answer.body(fetched.bytes().await.expect("bytes").to_vec()).expect("an answer")
}

/// An edge on a free port.
async fn network() -> (SocketAddr, Arc<OnceLock<Origin>>) {
    let origin = Arc::new(OnceLock::new());
    let known = Arc::clone(&origin);
    let filter = warp::path::full().then(move |path: warp::path::FullPath| {
        let known = Arc::clone(&known);
        async move { edge(known, path.as_str().to_owned()).await }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(warp::serve(filter).incoming(listener).run());
    (address, origin)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_caches_gives_what_the_studio_signed_and_nothing_else() {
    let (address, origin) = network().await;
    let cdn = format!("http://{address}");
    let scene = scene(|c| c.cdn.base_url = Some(cdn.clone())).await;
    let (studio, maker, base) = (&scene.studio, &scene.maker, &scene.base);
    let secrets = &studio.instance.services.secrets;
    let folder = studio.data.path().join("media/public").join(scene.work.id.to_string()).join("1");
    let held =
        Origin { url: studio.url.clone(), key: secrets.cdn.to_vec(), token: secrets.cdn_origin.clone() };
    assert!(origin.set(held).is_ok());

    // Pages allow it; playlists come from here, so that pieces are asked for here, one by one.
    let page = maker.get("/media/salt").await;
    let policy = page.headers["content-security-policy"].to_str().expect("text").to_owned();
    assert!(
        policy.contains(&format!("media-src 'self' {cdn}"))
            && policy.contains(&format!("connect-src 'self' {cdn}"))
    );
    assert_eq!(maker.get(&format!("{base}/master.m3u8")).await.status, 200);

    let now = chrono::Utc::now().timestamp();
    let mut addresses = Vec::new();
    for (file, save) in [
        ("h264-90/00000.m4s", ""),
        ("h264-90/init.mp4", ""),
        ("download.mp4", ""),
        ("download.mp4", "?download=1"),
    ] {
        let led = maker.get(&format!("{base}/{file}{save}")).await;
        assert_eq!(
            (led.status, led.headers["cache-control"].to_str().expect("text")),
            (307, "no-store"),
            "{file}"
        );
        let to = led.location().to_owned();
        let end: i64 = to[cdn.len() + 1..].split('.').next().expect("an end").parse().expect("a time");
        assert!(end > now && end <= now + 601, "{to}");
        let got = reqwest::get(&to).await.expect("an answer");
        assert_eq!(got.status(), 200, "{to}");
        assert_eq!(got.headers()["access-control-allow-origin"], studio.url.as_str());
        let name = got.headers().get("content-disposition").map(|v| v.to_str().expect("text").to_owned());
        assert_eq!(name.as_deref(), Some("attachment; filename=\"salt.mp4\"").filter(|_| !save.is_empty()));
        assert_eq!(got.bytes().await.expect("bytes"), std::fs::read(folder.join(file)).expect("the file"));
        addresses.push(to);
    }
    // Whoever may not watch is not led anywhere.
    assert_eq!(studio.browser().get(&format!("{base}/download.mp4")).await.status, 404);

    let good = &addresses[0];
    let (token, rest) = good[cdn.len() + 1..].split_once('/').expect("a path");
    let (end, signature) = token.split_once('.').expect("a dot");
    let other = Uuid::now_v7().to_string();
    for wrong in [
        format!("{cdn}/{}.{signature}/{rest}", end.parse::<i64>().expect("a time") + 1),
        format!("{cdn}/{end}.{}/{rest}", signature.replace(|c: char| c.is_ascii_lowercase(), "a")),
        format!("{cdn}/{end}./{rest}"),
        format!("{cdn}/{token}/{}", rest.replace(&scene.work.id.to_string(), &other)),
        format!("{cdn}/{token}/{}", rest.replace("/1/", "/2/")),
    ] {
        let answer = reqwest::get(&wrong).await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.bytes().await.expect("none").len()),
            (403, 0),
            "{wrong}"
        );
    }
    // The door of the network is closed to everybody else, and behind it lies only what it is for.
    let door = format!("/cdn/{}/1", scene.work.id);
    let token = studio.instance.services.secrets.cdn_origin.clone();
    for (file, headers, status) in [
        ("download.mp4", vec![], 404),
        ("download.mp4", vec![("x-kinora-cdn", "")], 404),
        ("download.mp4", vec![("x-kinora-cdn", "00")], 404),
        ("download.mp4", vec![("x-kinora-cdn", token.as_str())], 200),
        ("master.m3u8", vec![("x-kinora-cdn", token.as_str())], 404),
        ("save/save/download.mp4", vec![("x-kinora-cdn", token.as_str())], 404),
        ("../../../originals/x", vec![("x-kinora-cdn", token.as_str())], 404),
    ] {
        assert_eq!(
            with(maker, &format!("{door}/{file}"), &headers).await.status,
            status,
            "{file} {headers:?}"
        );
    }
    // What is taken away is not led to any more, and not given to the network again.
    let editor = format!("/studio/media/{}", scene.work.id);
    assert_eq!(maker.submit(&editor, &format!("{editor}/remove"), &[("confirm", "yes")]).await.status, 303);
    studio.settle().await;
    assert_eq!(maker.get(&format!("{base}/download.mp4")).await.status, 410);
    let gone = with(maker, &format!("{door}/download.mp4"), &[("x-kinora-cdn", &token)]).await;
    assert_eq!(gone.status, 410);
    scene.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_gets_so_many_downloads_and_playlists_and_no_more() {
    let scene = scene(|c| (c.delivery.downloads, c.delivery.playlists) = (3, 2)).await;
    let (studio, maker, base) = (&scene.studio, &scene.maker, &scene.base);
    person(studio, "editor@example.org", &[Role::Editor]).await;
    let other = signed_in(studio, "editor@example.org").await;
    let others = base_of(&other.get("/media/salt").await.body);
    let refused = |page: &Page, most: u64| {
        assert_eq!(page.status, 429, "{}", page.body);
        let wait: u64 = page.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert!((1..=most + 1).contains(&wait), "{wait}");
    };
    for _ in 0..2 {
        assert_eq!(maker.get(&format!("{base}/master.m3u8")).await.status, 200);
    }
    refused(&maker.get(&format!("{base}/h264-90/index.m3u8")).await, 60);
    assert_eq!(
        maker.get(&format!("{base}/h264-90/00000.m4s")).await.status,
        200,
        "what plays goes on playing"
    );
    assert_eq!(other.get(&format!("{others}/master.m3u8")).await.status, 200, "each client for itself");

    assert_eq!(maker.get(&format!("{base}/download.mp4?download=1")).await.status, 200);
    assert_eq!(maker.get(&format!("{base}/download.mp4")).await.status, 200);
    let head =
        maker.client.head(format!("{}{base}/download.mp4", maker.url)).send().await.expect("an answer");
    assert_eq!(head.status(), 200, "asking about it is no download");
    let part = with(maker, &format!("{base}/download.mp4"), &[("range", "bytes=1-")]).await;
    assert_eq!(part.status, 206, "all but the first byte is one, too");
    let last = maker.get(&format!("{base}/download.mp4?download=1")).await;
    refused(&last, 600);
    assert!(last.body.contains("more downloads than one person needs"), "{}", last.body);
    assert!(!last.body.contains("ftyp"));
    assert_eq!(other.get(&format!("{others}/download.mp4")).await.status, 200);
    scene.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_show_files_only_with_leave_and_who_saves_what_is_counted_without_an_address() {
    let scene = scene(|c| c.delivery.embed_hosts = vec!["partner.example".into()]).await;
    let (studio, maker, base) = (&scene.studio, &scene.maker, &scene.base);
    let (film, poster) =
        (format!("{base}/download.mp4"), format!("/media/files/{}/1/poster-160.jpg", scene.work.id));
    let cross = ("sec-fetch-site", "cross-site");
    // What stands for a published work is for every site that shows a link to it.
    let thief = [cross, ("sec-fetch-mode", "no-cors"), ("referer", "https://thief.example/")];
    let shown = with(&studio.browser(), &poster, &thief).await;
    assert_eq!(
        (shown.status, &shown.headers["cross-origin-resource-policy"]),
        (200, &"cross-origin".parse().expect("value"))
    );
    for file in [&film, &format!("{base}/master.m3u8"), &format!("{base}/h264-90/00000.m4s")] {
        for (what, headers, status) in [
            ("a program", vec![], 200),
            (
                "a page of ours",
                vec![("sec-fetch-site", "same-origin"), ("referer", "http://127.0.0.1/media/salt")],
                200,
            ),
            ("an older browser here", vec![("referer", "http://127.0.0.1/media/salt")], 200),
            ("typed", vec![("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], 200),
            (
                "another site",
                vec![cross, ("sec-fetch-mode", "no-cors"), ("referer", "https://thief.example/")],
                403,
            ),
            (
                "another site in a frame",
                vec![cross, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                403,
            ),
            ("an older browser elsewhere", vec![("referer", "https://thief.example/x")], 403),
            (
                "a partner",
                vec![cross, ("sec-fetch-mode", "no-cors"), ("referer", "https://partner.example/")],
                200,
            ),
        ] {
            let answer = with(maker, file, &headers).await;
            assert_eq!(answer.status, status, "{what}: {file}");
            let shared = answer.headers["cross-origin-resource-policy"].to_str().expect("text");
            assert_eq!(shared, if what == "a partner" { "cross-origin" } else { "same-origin" }, "{what}");
        }
        let visit = [cross, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        let answer = with(maker, file, &visit).await;
        assert_eq!(
            (answer.status, answer.location()),
            (303, "/media/salt"),
            "a link leads to the page: {file}"
        );
    }

    let partner = [cross, ("sec-fetch-mode", "no-cors"), ("referer", "https://partner.example/")];
    let led = with(maker, "/media/salt/file", &partner).await;
    assert_eq!(
        (led.status, led.headers["cross-origin-resource-policy"].to_str().expect("text")),
        (303, "cross-origin")
    );

    // What was played or refused is no download; parts that are looked at, or fetched one by one, are no second one.
    let counted = async || {
        let sql = "select account is null, kind, files from download_counts order by kind";
        let rows = studio.client().await.query(sql, &[]).await.expect("rows");
        rows.iter().map(|r| (r.get(0), r.get(1), r.get(2))).collect::<Vec<(bool, String, i64)>>()
    };
    assert!(counted().await.is_empty());
    let saved = format!("{film}?download=1");
    for headers in [
        vec![],
        vec![("range", "bytes=0-0")],
        vec![("range", "bytes=0-0")],
        vec![("range", "bytes=0-99")],
        vec![("range", "bytes=100-199")],
    ] {
        assert!(with(maker, &saved, &headers).await.status < 300);
    }
    assert_eq!(with(maker, &saved, &[("referer", "https://thief.example/x")]).await.status, 403);
    assert_eq!(studio.browser().get(&saved).await.status, 404);
    assert_eq!(counted().await, [(false, "video".to_owned(), 1)]);
    let editor = format!("/studio/media/{}", scene.work.id);
    let free = [("title", "Salt"), ("slug", "salt"), ("description", ""), ("tier", "free")];
    assert_eq!(maker.submit(&editor, &editor, &free).await.status, 303);
    studio.settle().await;
    let visitor = studio.browser();
    let own = base_of(&visitor.get("/media/salt").await.body);
    assert_eq!(visitor.get(&format!("{own}/download.mp4?download=1")).await.status, 200);
    assert_eq!(counted().await, [(false, "video".to_owned(), 1), (true, "video".to_owned(), 1)]);
    // After a year nobody knows any more.
    studio.client().await.execute("update download_counts set day = day - 400", &[]).await.expect("aged");
    let report = studio.run_job("clear-sessions", &chrono::Utc::now().to_rfc3339()).await;
    println!("{report:?}");
    assert!(counted().await.is_empty());
    scene.studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_of_the_site_get_cookies_for_the_network_and_programs_signed_addresses() {
    let folder = tempfile::tempdir().expect("folder");
    let key = folder.path().join("key.pem");
    let made = std::process::Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048").output();
    assert!(made.expect("openssl").status.success());
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
    let scene = scene(|c| {
        let cdn = &mut c.cdn;
        cdn.base_url = Some("https://media.example.org".into());
        cdn.signing = kinora::config::CdnSigning::CloudFront;
        cdn.key_pair_id = "K2JCJMDEHXQW5F".into();
        cdn.private_key_file = Some(key.clone());
        cdn.cookie_domain = Some("example.org".into());
    })
    .await;
    let (maker, base, id) = (&scene.maker, &scene.base, scene.work.id);
    assert!(maker.get("/media/salt").await.body.contains("data-cookies"), "the player sends them along");
    for (file, address) in [
        ("h264-90/00000.m4s", format!("https://media.example.org/{id}/1/h264-90/00000.m4s")),
        ("download.mp4?download=1", format!("https://media.example.org/{id}/1/save/download.mp4")),
    ] {
        let led = with(maker, &format!("{base}/{file}"), &[("sec-fetch-site", "same-origin")]).await;
        assert_eq!((led.status, led.location()), (307, address.as_str()));
        let cookies: Vec<&str> =
            led.headers.get_all("set-cookie").iter().filter_map(|c| c.to_str().ok()).collect();
        for name in ["Policy", "Signature", "Key-Pair-Id"] {
            let start = format!("CloudFront-{name}=");
            let cookie = cookies.iter().find(|c| c.starts_with(&start)).expect("a cookie");
            assert!(cookie.contains(&format!("Domain=example.org; Path=/{id}/1/; Max-Age=")), "{cookie}");
        }
        let program = with(maker, &format!("{base}/{file}"), &[]).await;
        assert!(program.location().starts_with(&address) && program.location().contains("Signature="));
        assert!(!program.headers.contains_key("set-cookie"));
    }
    let visitor = scene.studio.browser();
    let path = format!("{base}/download.mp4");
    let refused = with(&visitor, &path, &[("sec-fetch-site", "same-origin")]).await;
    assert!(refused.status == 404 && !refused.headers.contains_key("set-cookie"));
    let door = format!("/cdn/{id}/1/download.mp4");
    let token = scene.studio.instance.services.secrets.cdn_origin.clone();
    let fetched = with(maker, &door, &[("x-kinora-cdn", token.as_str())]).await;
    assert_eq!(fetched.headers["access-control-allow-credentials"], "true");
    scene.studio.close().await;
}
