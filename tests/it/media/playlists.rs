//! Playlists as a parser of others reads them, in strict mode; codec strings against what ffprobe finds in the
//! files; bandwidths against the bytes.

use super::*;
use serde_json::Value;

/// What npm's hls-parser understands of the playlists in a folder.
fn understood(folder: &Path) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/peers");
    let out = Command::new(script).arg("hls").arg(folder).output().expect("scripts/peers");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("its answer")
}

/// The RFC 6381 string of a stream by what ffprobe finds in its first fragment.
fn codec_of(folder: &Path, stream: &str) -> String {
    let mut bytes = std::fs::read(folder.join(stream).join("init.mp4")).expect("init");
    bytes.extend(std::fs::read(folder.join(stream).join("00000.m4s")).expect("a segment"));
    let room = tempfile::tempdir().expect("folder");
    let file = room.path().join("a.mp4");
    std::fs::write(&file, bytes).expect("written");
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-print_format", "json", "-show_streams"])
        .arg(&file)
        .output()
        .expect("ffprobe");
    let report: Value = serde_json::from_slice(&out.stdout).expect("its answer");
    let found = &report["streams"][0];
    let level = found["level"].as_i64().unwrap_or(-1);
    match (found["codec_name"].as_str(), found["profile"].as_str()) {
        (Some("h264"), Some("High")) => format!("avc1.6400{level:02x}"),
        (Some("av1"), Some("Main")) => {
            assert_eq!(found["pix_fmt"], "yuv420p", "eight bits");
            format!("av01.0.{level:02}M.08")
        }
        (Some("aac"), Some("LC")) => "mp4a.40.2".into(),
        (Some("opus"), _) => "opus".into(),
        other => panic!("{stream}: {other:?}"),
    }
}

fn check(folder: &Path, seconds: f64) -> usize {
    let read = understood(folder);
    assert_eq!((read["version"].as_i64(), read["independent"].as_bool()), (Some(7), Some(true)), "{read}");
    let variants = read["variants"].as_array().expect("variants");
    for variant in variants {
        let uri = variant["uri"].as_str().expect("an address");
        let stream = uri.trim_end_matches("/index.m3u8");
        let audio: Vec<&str> =
            variant["audio"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        let mut codecs = vec![codec_of(folder, stream)];
        codecs.extend(audio.iter().map(|a| codec_of(folder, a.trim_end_matches("/index.m3u8"))));
        assert_eq!(variant["codecs"].as_str(), Some(codecs.join(",").as_str()), "{uri}");
        let peak = |uri: &str| read["streams"][uri]["peak"].as_f64().expect("bits a second");
        let most = peak(uri) + audio.iter().map(|a| peak(a)).sum::<f64>();
        let said = variant["bandwidth"].as_f64().expect("a bandwidth");
        // RFC 8216, 4.3.4.2: no less than what any segment takes; a tenth more says nothing any more.
        assert!(said + 1.0 >= most && said <= most * 1.1 + 20_000.0, "{uri}: {said} for {most}");
        assert!(variant["average"].as_f64().expect("an average") <= said);
    }
    for (uri, stream) in read["streams"].as_object().expect("streams") {
        let figure = |name: &str| stream[name].as_f64().expect("a figure");
        assert_eq!(stream["ended"], true, "{uri}");
        // RFC 8216, 4.3.3.1: rounded to whole seconds no segment is longer than the target.
        assert!(figure("longest").round() <= figure("target"), "{uri}: {stream}");
        assert!((figure("seconds") - seconds).abs() < 0.2, "{uri}: {stream}");
        assert_eq!(stream["maps"], serde_json::json!(["init.mp4"]), "{uri}");
    }
    variants.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_are_what_the_standard_says_and_codecs_what_the_files_hold() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let folder = tempfile::tempdir().expect("folder");
    let film = std::fs::read(clip(folder.path(), 8)).expect("clip");
    let silent = folder.path().join("silent.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30000/1001:duration=7"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"])
        .arg(&silent)
        .status();
    assert!(made.expect("ffmpeg").success());
    for (title, bytes, seconds) in
        [("Sounding", film, 8.0), ("Silent", std::fs::read(&silent).expect("clip"), 7.0)]
    {
        assert_eq!(upload(&maker, title, "a.mp4", bytes).await.status, 303);
        let work = wait(&studio, title, |w| w.processing == "ready").await;
        let variants = check(&public(&studio, &work), seconds);
        assert!(variants >= 2, "{title}: H.264 and AV1");
    }
    studio.close().await;
}
