//! Members' files asked for by every kind of person, with every kind of address, through nginx and without:
//! whole for whom they are, not a byte for anybody else.

use crate::accounts::{person, signed_in};
use crate::billing_pages::{open_with, order};
use crate::front::Nginx;
use crate::media::{clip, picture, upload, wait, walk};
use crate::support::{Browser, Studio};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kinora::actors::accounts::staff;
use kinora::domain::shared::Role;
use kinora::projections::media::Work;
use kinora::startup::Roles;
use kinora::store::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const CARD: &str = "4242 4242 4242 4242";
const WEB: Roles = Roles { web: true, projector: false, scheduler: false, worker: false };

/// Somebody, whether the works are theirs to watch, and their account.
struct Somebody {
    name: &'static str,
    may: bool,
    browser: Browser,
    account: Option<Uuid>,
}

/// The signature as `docs/media.md` describes it, made anew here.
pub fn token(studio: &Studio, subject: Option<Uuid>, media: Uuid, expiry: i64) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(studio.instance.services.secrets.session.as_slice())
        .expect("a key");
    mac.update(b"kinora media v1\0");
    mac.update(subject.unwrap_or_default().as_bytes());
    mac.update(media.as_bytes());
    mac.update(&expiry.to_be_bytes());
    format!("{expiry}.{}", URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..18]))
}

pub async fn act(studio: &Studio, account: Uuid, act: staff::Act) {
    let cx = &studio.instance.services;
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    staff::act(cx, cx.clock.new_id(), meta, account, &act, "test").await.expect("done");
}

async fn everybody(studio: &Studio) -> Vec<Somebody> {
    let now = studio.instance.services.clock.now();
    let kinds: [(&'static str, bool, &[Role]); 13] = [
        ("plain", false, &[]),
        ("payer", true, &[]),
        ("paused", false, &[]),
        ("guest", true, &[]),
        ("former-guest", false, &[]),
        ("suspended", false, &[Role::Editor]),
        ("leaving", false, &[]),
        ("billing", false, &[Role::Billing]),
        ("operator", false, &[Role::Operator]),
        ("moderator", true, &[Role::Moderator]),
        ("editor", true, &[Role::Editor]),
        ("admin", true, &[Role::Admin]),
        ("maker", true, &[Role::Creator]),
    ];
    let mut people = vec![Somebody { name: "visitor", may: false, browser: studio.browser(), account: None }];
    for (name, may, roles) in kinds {
        let mail = format!("{name}@example.org");
        let account = person(studio, &mail, roles).await;
        let browser = signed_in(studio, &mail).await;
        match name {
            "payer" | "paused" => {
                assert_eq!(order(studio, &browser, "NL", "card", CARD).await.status, 303);
                studio.settle().await;
            }
            "guest" => act(studio, account, staff::Act::Complimentary(None)).await,
            "former-guest" => {
                act(studio, account, staff::Act::Complimentary(Some(now + chrono::TimeDelta::days(3)))).await;
                act(studio, account, staff::Act::EndComplimentary).await;
            }
            "suspended" => act(studio, account, staff::Act::Suspend(None)).await,
            "leaving" => drop(crate::erasure::ask(&browser).await),
            _ => {}
        }
        if name == "paused" {
            let today = kinora::domain::shared::calendar::Zone::amsterdam().date_of(now).to_string();
            let fields = [("from", today.as_str()), ("until", "")];
            let page = "/account/subscription";
            assert_eq!(browser.submit(page, "/account/subscription/pause", &fields).await.status, 303);
        }
        people.push(Somebody { name, may, browser, account: Some(account) });
    }
    studio.settle().await;
    people
}

/// A published work for members, with the addresses below its signed base and the files behind them.
pub struct Held {
    pub work: Work,
    pub files: Vec<(String, PathBuf)>,
}

pub async fn held(studio: &Studio, maker: &Browser, title: &str, name: &str, bytes: Vec<u8>) -> Held {
    assert_eq!(upload(maker, title, name, bytes).await.status, 303, "{title}");
    let work =
        wait(studio, title, |w| ["ready", "rejected", "failed"].contains(&w.processing.as_str())).await;
    assert_eq!(work.processing, "ready", "{title}: {:?}", work.reason);
    let editor = format!("/studio/media/{}", work.id);
    if work.duration_ms > 0 {
        let page = maker.get(&editor).await;
        let captions = b"1\n00:00:00,100 --> 00:00:00,900\nSalt\n".to_vec();
        let form = reqwest::multipart::Form::new()
            .text("_csrf", page.hidden("_csrf").expect("token"))
            .text("language", "de")
            .part("file", reqwest::multipart::Part::bytes(captions).file_name("a.srt"));
        let sent = maker.client.post(format!("{}{editor}/captions", maker.url)).multipart(form);
        assert_eq!(maker.answer(sent).await.status, 303);
    }
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    let work = wait(studio, title, |w| w.is_published()).await;
    let media = studio.data.path().join("media");
    let folder = media.join("public").join(work.id.to_string()).join(work.playable.to_string());
    let mut found = Vec::new();
    walk(&folder, &mut found);
    let below = |p: &Path| p.strip_prefix(&folder).expect("below").to_string_lossy().into_owned();
    let mut files: Vec<(String, PathBuf)> = found.into_iter().map(|p| (below(&p), p)).collect();
    for captions in &work.captions {
        let name = captions.file();
        files.push((format!("captions/{name}"), media.join("captions").join(work.id.to_string()).join(name)));
    }
    if let Some(name) = work.original_name() {
        files.push((name, media.join("originals").join(&work.sha256[..2]).join(&work.sha256[2..])));
    }
    Held { work, files }
}

/// Status and body of an answer.
async fn ask(somebody: &Somebody, url: &str) -> (u16, Vec<u8>) {
    let answer = somebody.browser.client.get(url).send().await.expect("an answer");
    (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
}

/// Whether an answer has nothing of a file in it: neither it nor any piece of its beginning.
fn holds_nothing_of(body: &[u8], file: &[u8]) -> bool {
    let piece = &file[..file.len().min(24)];
    piece.is_empty() || memchr::memmem::find(body, piece).is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_files_are_whole_for_members_and_nothing_for_others_through_nginx_and_without() {
    let (studio, _, _) = open_with(|c| c.delivery.playlists = 0).await;
    let folder = studio.data.path();
    // As systemd makes it: the group may enter.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o750)).expect("set");
    let handing = studio
        .beside_with(WEB, |c| {
            c.delivery.accel = Some("/protected-media/".into());
            c.delivery.playlists = 0;
        })
        .await;
    let nginx = Nginx::before(handing.instance.services.config.listen, &folder.join("media"));
    let ways = [studio.url.clone(), format!("http://{}", nginx.clear)];

    let people = everybody(&studio).await;
    let maker = &people.iter().find(|p| p.name == "maker").expect("maker").browser;
    let room = tempfile::tempdir().expect("folder");
    let film = std::fs::read(clip(room.path(), 2)).expect("clip");
    let works = [
        held(&studio, maker, "Salt film", "a.mp4", film).await,
        held(&studio, maker, "Salt script", "a.py", b"print('the sea in jars, and nothing else')\n".to_vec())
            .await,
        held(&studio, maker, "Salt still", "a.png", picture()).await,
    ];
    let now = studio.instance.services.clock.now().timestamp();
    let (mut asked, mut wrong) = (0, Vec::new());

    for Held { work, files } in &works {
        assert!(!files.is_empty());
        for (file, path) in files {
            let content = std::fs::read(path).expect("the file");
            for somebody in &people {
                let own = token(&studio, somebody.account, work.id, now + 600);
                for way in &ways {
                    let url = format!("{way}/m/{own}/{}/{}/{file}", work.id, work.playable);
                    let (status, body) = ask(somebody, &url).await;
                    asked += 1;
                    // The list of the files with their hashes is for nobody: it is Kinora's own.
                    let good = match somebody.may && file != "files.json" {
                        true => status == 200 && body == content,
                        false => status == 404 && holds_nothing_of(&body, &content),
                    };
                    if !good {
                        wrong.push(format!(
                            "{file} as {} by {way}: {status}, {} bytes",
                            somebody.name,
                            body.len()
                        ));
                    }
                }
            }
        }
        // Addresses that were never right, or are not any more, open nothing to anybody.
        let other = works.iter().find(|w| w.work.id != work.id).expect("another").work.id;
        for somebody in &people {
            let own = token(&studio, somebody.account, work.id, now + 600);
            let (expiry, signature) = own.split_once('.').expect("a dot");
            let mut changed = signature.to_owned();
            changed.replace_range(..1, if changed.starts_with('A') { "B" } else { "A" });
            let foreign = people.iter().find(|p| p.account != somebody.account && p.account.is_some());
            let tokens = [
                ("expired", token(&studio, somebody.account, work.id, now - 1)),
                ("foreign", token(&studio, foreign.expect("somebody").account, work.id, now + 600)),
                ("altered", format!("{expiry}.{changed}")),
                ("prolonged", format!("{}.{signature}", now + 9000)),
                ("of another work", token(&studio, somebody.account, other, now + 600)),
                ("empty", format!("{expiry}.")),
                ("none", "x".into()),
            ];
            for (what, token) in tokens {
                for (file, path) in files.iter().step_by(4) {
                    let content = std::fs::read(path).expect("the file");
                    for way in &ways {
                        let url = format!("{way}/m/{token}/{}/{}/{file}", work.id, work.playable);
                        let (status, body) = ask(somebody, &url).await;
                        asked += 1;
                        // Who is nobody any more, as a suspended person, is not told that it was right once.
                        let good = status == 404 || (what == "expired" && status == 410);
                        if !good || !holds_nothing_of(&body, &content) {
                            wrong.push(format!("{file}, {what}, as {} by {way}: {status}", somebody.name));
                        }
                    }
                }
            }
        }
    }
    // The large sizes of a members' picture stand under an address without a signature.
    let still = &works[2];
    for (file, path) in still.files.iter().filter(|(f, _)| f.starts_with("poster-640")) {
        let content = std::fs::read(path).expect("the file");
        for somebody in &people {
            for way in &ways {
                let (status, body) = ask(
                    somebody,
                    &format!("{way}/media/files/{}/{}/{file}", still.work.id, still.work.playable),
                )
                .await;
                asked += 1;
                let good = if somebody.may {
                    body == content
                } else {
                    status == 404 && holds_nothing_of(&body, &content)
                };
                if !good {
                    wrong.push(format!("{file} as {} by {way}: {status}", somebody.name));
                }
            }
        }
    }
    println!("{asked} requests by {} kinds of people, {} wrong", people.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));

    let payer = people.iter().find(|p| p.name == "payer").expect("payer");
    the_internal_location_is_closed(&nginx, payer, &works[0]).await;
    only_what_is_delivered_is_open(folder, &works);
    let base =
        format!("/m/{}/{}/1", token(&studio, payer.account, works[0].work.id, now + 600), works[0].work.id);
    let size = std::fs::metadata(&works[0].files.iter().find(|f| f.0 == "download.mp4").expect("it").1)
        .expect("it")
        .len();
    for way in &ways {
        parts_conditions_and_names(payer, &format!("{way}{base}/download.mp4"), size).await;
    }
    // Kinora itself, asked past nginx, gives no byte of what nginx is to send.
    let (status, body) = ask(payer, &format!("{}{base}/download.mp4", handing.url)).await;
    assert_eq!((status, body.len()), (200, 0));

    // What ends for all ends at once.
    let editor = format!("/studio/media/{}", works[0].work.id);
    assert_eq!(maker.submit(&editor, &format!("{editor}/unpublish"), &[]).await.status, 303);
    studio.settle().await;
    for way in &ways {
        assert_eq!(ask(payer, &format!("{way}{base}/download.mp4")).await.0, 404);
    }
    handing.close().await;
    studio.close().await;
}

/// No way to write its name reaches it, and no header of a client does what only Kinora's answer may.
async fn the_internal_location_is_closed(nginx: &Nginx, payer: &Somebody, film: &Held) {
    let below = format!("public/{}/1/download.mp4", film.work.id);
    let content =
        std::fs::read(&film.files.iter().find(|f| f.0 == "download.mp4").expect("it").1).expect("it");
    for place in [
        "/protected-media/",
        "//protected-media/",
        "/%70rotected-media/",
        "/./protected-media/",
        "/a/../protected-media/",
    ] {
        let out = std::process::Command::new("curl")
            .args(["--silent", "--path-as-is", "--header", "X-Accel-Redirect: /protected-media/x"])
            .args(["--write-out", "%{http_code}"])
            .arg(format!("http://{}{place}{below}", nginx.clear))
            .output()
            .expect("curl");
        assert!(out.stdout.ends_with(b"404"), "{place}: {}", String::from_utf8_lossy(&out.stdout));
        assert!(holds_nothing_of(&out.stdout, &content), "{place}");
    }
    let (status, _) = ask(payer, &format!("http://{}/protected-media/{below}", nginx.clear)).await;
    assert_eq!(status, 404, "not even for whom the file is");
}

fn only_what_is_delivered_is_open(data: &Path, works: &[Held]) {
    let mode = |p: &Path| std::fs::metadata(p).expect("there").permissions().mode() & 0o777;
    for Held { files, .. } in works {
        for (file, path) in files {
            assert_eq!(mode(path), 0o640, "{file}");
            assert_eq!(mode(path.parent().expect("a folder")), 0o750, "{file}");
        }
    }
    for closed in ["keys", "secrets", "uploads"] {
        assert_eq!(mode(&data.join(closed)) & 0o077, 0, "{closed}");
    }
}

/// The same both ways, whoever sends the bytes.
async fn parts_conditions_and_names(somebody: &Somebody, url: &str, size: u64) {
    let client = &somebody.browser.client;
    let get = |name: &'static str, value: String| {
        let request = client.get(url).header(name, value);
        async move { request.send().await.expect("an answer") }
    };
    let whole = client.get(url).send().await.expect("an answer");
    let head = whole.headers().clone();
    let text = |name: &str| {
        head.get_all(name).iter().map(|v| v.to_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(text("content-type"), ["video/mp4"], "{url}");
    assert_eq!(text("cache-control"), ["private, max-age=3600, immutable"]);
    assert_eq!(text("x-content-type-options"), ["nosniff"]);
    assert_eq!(text("cross-origin-resource-policy"), ["same-origin"]);
    assert_eq!(text("content-security-policy").len(), 1);
    assert_eq!(text("accept-ranges"), ["bytes"]);
    assert_eq!(text("content-length"), [size.to_string()]);
    assert!(text("x-accel-redirect").is_empty() && text("content-disposition").is_empty());
    let bytes = whole.bytes().await.expect("bytes");
    assert_eq!(bytes.len() as u64, size);

    for (asked, from, to) in [("0-99", 0, 99), ("100-", 100, size - 1), ("-7", size - 7, size - 1)] {
        let part = get("range", format!("bytes={asked}")).await;
        assert_eq!(part.status(), 206, "{asked}");
        assert_eq!(part.headers()["content-range"], format!("bytes {from}-{to}/{size}").as_str());
        let (from, to) = (usize::try_from(from).expect("small"), usize::try_from(to).expect("small"));
        assert_eq!(part.bytes().await.expect("bytes"), bytes.slice(from..=to), "{asked}");
    }
    let outside = get("range", format!("bytes={size}-")).await;
    assert_eq!(outside.status(), 416);
    assert_eq!(outside.headers()["content-range"], format!("bytes */{size}").as_str());

    let (etag, at) = (
        head["etag"].to_str().expect("text").to_owned(),
        head["last-modified"].to_str().expect("text").to_owned(),
    );
    for (name, value) in [("if-none-match", etag.clone()), ("if-modified-since", at.clone())] {
        let same = get(name, value).await;
        assert_eq!((same.status().as_u16(), same.bytes().await.expect("none").len()), (304, 0), "{name}");
    }
    assert_eq!(get("if-none-match", "\"other\"".into()).await.status(), 200);
    for (condition, status) in [(etag, 206), (at, 206), ("\"other\"".to_owned(), 200)] {
        let part = client.get(url).header("range", "bytes=0-9").header("if-range", condition).send().await;
        assert_eq!(part.expect("an answer").status().as_u16(), status);
    }

    let named = client.head(format!("{url}?download=1")).send().await.expect("an answer");
    assert_eq!(named.status(), 200);
    assert_eq!(named.headers()["content-length"], size.to_string().as_str());
    assert_eq!(named.headers()["content-disposition"], "attachment; filename=\"salt-film.mp4\"");
    assert!(named.bytes().await.expect("none").is_empty(), "HEAD has no body");
}
