//! From an upload over HTTP to a film that plays in both codecs, on a real PostgreSQL and with the
//! real ffmpeg; who gets its bytes, and what a killed worker loses.

use crate::support::{Browser, Studio};
use kinora::actors::accounts::register::{self, NewAccount};
use kinora::actors::encoder::queue;
use kinora::actors::uploads;
use kinora::config::Processing;
use kinora::domain::account::Origin;
use kinora::domain::shared::Role;
use kinora::projections::media::{self as works, Work};
use kinora::startup::Roles;
use kinora::store::Metadata;
use sha2::Digest;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

mod admission;
mod buckets;
mod captions;
mod desk;
mod fetching;
mod filing;
mod kinds;
mod labels;
mod pictures;
mod playing;
mod playlists;
mod refused;
mod replacing;
mod shot;
mod texts;
mod upkeep;
mod uploading;
mod workers;

const PASSWORD: &str = "a projector hums at night";

async fn person(studio: &Studio, mail: &str, roles: &[Role]) -> Uuid {
    let cx = &studio.instance.services;
    let new = NewAccount {
        mail: mail.into(),
        display_name: "Somebody".into(),
        username: String::new(),
        password: PASSWORD.into(),
    };
    let meta = Metadata::system("test", cx.clock.new_id(), cx.clock.now());
    let made = register::by_operator(cx, cx.clock.new_id(), meta, &new, Origin::Shell, roles.to_vec()).await;
    let made = made.expect("registered");
    studio.settle().await;
    made.account
}

async fn signed_in(studio: &Studio, mail: &str) -> Browser {
    let browser = studio.browser();
    let page = browser.submit("/login", "/login", &[("login", mail), ("password", PASSWORD)]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    browser
}

pub fn clip(folder: &Path, seconds: u32) -> PathBuf {
    let path = folder.join(format!("clip-{seconds}.mp4"));
    let picture = format!("testsrc2=size=160x90:rate=24:duration={seconds}");
    let tone = format!("sine=frequency=440:duration={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &tone])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"])
        .arg(&path)
        .status();
    assert!(made.expect("ffmpeg").success());
    path
}

pub async fn upload(browser: &Browser, title: &str, name: &str, bytes: Vec<u8>) -> crate::support::Page {
    let token = browser.get("/studio/uploads").await.hidden("_csrf").expect("token");
    let form = reqwest::multipart::Form::new()
        .text("_csrf", token)
        .text("title", title.to_owned())
        .part("file", reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned()));
    let sent = browser
        .client
        .post(format!("{}/uploads/", browser.url))
        .multipart(form)
        .send()
        .await
        .expect("answer");
    let status = sent.status().as_u16();
    let headers = sent.headers().clone();
    crate::support::Page { status, headers, body: sent.text().await.unwrap_or_default() }
}

async fn the_work(studio: &Studio, title: &str) -> Work {
    studio.settle().await;
    let all = works::list(&studio.instance.services.reader, None, None, 100).await.expect("list");
    all.into_iter().find(|w| w.title == title).unwrap_or_else(|| panic!("no work {title}"))
}

pub async fn wait(studio: &Studio, title: &str, done: impl Fn(&Work) -> bool) -> Work {
    let until = Instant::now() + Duration::from_secs(900);
    loop {
        let work = the_work(studio, title).await;
        if done(&work) {
            return work;
        }
        assert!(Instant::now() < until, "{title} is {} {:?}", work.processing, work.reason);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn public(studio: &Studio, work: &Work) -> PathBuf {
    studio.data.path().join("media/public").join(work.id.to_string()).join(work.playable.to_string())
}

/// A small picture.
pub fn picture() -> Vec<u8> {
    let mut png = std::io::Cursor::new(vec![]);
    let picture = image::RgbImage::from_fn(640, 360, |x, y| image::Rgb([(x / 4) as u8, (y / 2) as u8, 90]));
    picture.write_to(&mut png, image::ImageFormat::Png).expect("png");
    png.into_inner()
}

fn frames(path: &Path) -> u64 {
    let out = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-select_streams",
            "v",
            "-show_entries",
            "stream=nb_read_frames",
        ])
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .expect("ffprobe");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines()
        .next()
        .and_then(|l| l.trim_end_matches(',').parse().ok())
        .unwrap_or_else(|| panic!("{path:?}: {text}"))
}

/// The address of the player's master playlist on a page.
fn master_of(page: &str) -> Option<String> {
    let start = page.find("data-hls=\"")? + 10;
    Some(page[start..start + page[start..].find('"')?].to_owned())
}
pub fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { walk(&entry.path(), found) } else { found.push(entry.path()) }
    }
}
