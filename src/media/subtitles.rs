//! Subtitles inside films become caption files: text tracks in the sandbox as they are, then through the
//! same reader as files that people send. Tracks made of pictures (DVD, Blu-ray, broadcast) are only counted.

use super::captions::{self, MOST_BYTES};
use super::probe::guarded_input;
use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::{Limits, MediaTrouble};
use crate::domain::shared::Language;
use std::path::Path;

/// A track of text in a film.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TextTrack {
    /// Which stream of the file it is.
    pub stream: u32,
    /// Its form, as ffmpeg calls it.
    form: Form,
    /// Its language; `und` where the file does not say.
    pub language: Language,
    /// Whether it also tells what is heard beside speech.
    pub sounds: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Form {
    SubRip,
    Ass,
    WebVtt,
    /// Timed text of MP4, which only ffmpeg reads.
    Timed,
}

impl Form {
    fn of(codec: &str) -> Option<Self> {
        match codec {
            "subrip" | "srt" => Some(Self::SubRip),
            "ass" | "ssa" => Some(Self::Ass),
            "webvtt" => Some(Self::WebVtt),
            "mov_text" | "text" => Some(Self::Timed),
            _ => None,
        }
    }

    /// How it is written out: as it is wherever our reader knows it, so that its encoding is looked at there.
    fn output(self) -> [&'static str; 4] {
        match self {
            Self::SubRip => ["-c:s", "copy", "-f", "srt"],
            Self::Ass => ["-c:s", "copy", "-f", "ass"],
            Self::WebVtt => ["-c:s", "copy", "-f", "webvtt"],
            Self::Timed => ["-c:s", "srt", "-f", "srt"],
        }
    }
}

/// A caption file that was made of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its language.
    pub language: Language,
    /// Whether it also tells what is heard beside speech.
    pub sounds: bool,
    /// WebVTT.
    pub file: String,
    /// How many captions it holds.
    pub cues: u32,
}

/// A subtitle stream as the examiner describes it: its codec, its language, and whether it is for people who
/// do not hear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described<'a> {
    pub stream: u32,
    pub codec: &'a str,
    pub language: Option<&'a str>,
    pub sounds: bool,
}

/// The track of a stream; `None` for one made of pictures or of a form that nobody reads.
pub(super) fn track(found: Described<'_>) -> Option<TextTrack> {
    let form = Form::of(found.codec)?;
    Some(TextTrack { stream: found.stream, form, language: language(found.language), sounds: found.sounds })
}

/// Containers name languages by three letters, in two sets (ISO 639-2/B and /T); players want two where there
/// are two.
fn language(tag: Option<&str>) -> Language {
    const SHORT: [(&str, &str); 44] = [
        ("ara", "ar"),
        ("bul", "bg"),
        ("cat", "ca"),
        ("ces", "cs"),
        ("chi", "zh"),
        ("cze", "cs"),
        ("dan", "da"),
        ("deu", "de"),
        ("dut", "nl"),
        ("ell", "el"),
        ("eng", "en"),
        ("est", "et"),
        ("fas", "fa"),
        ("fin", "fi"),
        ("fra", "fr"),
        ("fre", "fr"),
        ("ger", "de"),
        ("gre", "el"),
        ("heb", "he"),
        ("hin", "hi"),
        ("hrv", "hr"),
        ("hun", "hu"),
        ("ind", "id"),
        ("ita", "it"),
        ("jpn", "ja"),
        ("kor", "ko"),
        ("nld", "nl"),
        ("nob", "no"),
        ("nor", "no"),
        ("per", "fa"),
        ("pol", "pl"),
        ("por", "pt"),
        ("ron", "ro"),
        ("rum", "ro"),
        ("rus", "ru"),
        ("slk", "sk"),
        ("slo", "sk"),
        ("slv", "sl"),
        ("spa", "es"),
        ("swe", "sv"),
        ("tur", "tr"),
        ("ukr", "uk"),
        ("vie", "vi"),
        ("zho", "zh"),
    ];
    let tag = tag.unwrap_or("und").trim().to_ascii_lowercase();
    let (first, rest) =
        tag.split_once('-').map_or((tag.as_str(), String::new()), |(f, r)| (f, format!("-{r}")));
    let short = SHORT.iter().find(|(long, _)| *long == first).map_or(first, |(_, short)| short);
    let parsed = Language::parse(&format!("{short}{rest}")).ok().or_else(|| Language::parse(short).ok());
    parsed.unwrap_or_default()
}

/// Makes caption files of the tracks. One that cannot be read, is empty or too large is left out: a film is
/// as good without. Of one language and kind the first is taken.
///
/// # Errors
/// If somebody asked to stop or the disk is full.
pub fn extract(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    source: &Path,
    tracks: &[TextTrack],
    duration_ms: u64,
    scratch: &Path,
) -> Result<Vec<Made>, MediaTrouble> {
    let mut made: Vec<Made> = vec![];
    for track in tracks {
        if made.iter().any(|m| m.language == track.language && m.sounds == track.sounds) {
            continue;
        }
        let room = scratch.join(format!("subtitles-{}", track.stream));
        std::fs::create_dir_all(&room)?;
        let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(duration_ms));
        let input = job.reads(source)?;
        let out = job.writes(&room)?;
        job.args(["-nostdin", "-v", "error", "-y"]).args(guarded_input(limits));
        job.args(["-t".to_owned(), (limits.minutes * 60).to_string()]);
        job.args(["-vn".to_owned(), "-an".into(), "-dn".into(), "-i".into(), format!("file:{input}")]);
        job.args(["-map".to_owned(), format!("0:{}", track.stream), "-map_metadata".into(), "-1".into()]);
        job.args(track.form.output());
        // It ends before that length: more than the reader takes, so that what is too large is seen.
        job.args(["-fs".to_owned(), (2 * MOST_BYTES).to_string(), format!("{out}/track")]);
        match job.run(cancel, |_| {}) {
            Ok(()) | Err(SandboxError::Exit { .. } | SandboxError::TimedOut) => {}
            Err(other) => return Err(other.into()),
        }
        let bytes = std::fs::read(room.join("track")).unwrap_or_default();
        if let Ok((file, cues)) = captions::to_webvtt(&bytes) {
            made.push(Made { language: track.language.clone(), sounds: track.sounds, file, cues });
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::super::probe::probe;
    use super::super::testing::{clip, ffmpeg};
    use super::*;

    const SRT: &str = "1\n00:00:00,500 --> 00:00:01,500\nHello <font color=red>there</font>\n\n\
                       2\n00:00:01,600 --> 00:00:01,900\n<script>alert(1)</script>\n";

    #[test]
    fn languages_are_named_as_players_want_them() {
        for (given, tag) in [
            (Some("ger"), "de"),
            (Some("deu"), "de"),
            (Some("PT-br"), "pt-BR"),
            (Some("gsw"), "gsw"),
            (Some("en"), "en"),
        ] {
            assert_eq!(language(given).as_str(), tag);
        }
        for nothing in [None, Some("und"), Some(""), Some("../x"), Some("<b>")] {
            assert_eq!(language(nothing).as_str(), "und", "{nothing:?}");
        }
        assert_eq!(language(Some("eng-x-evil")).as_str(), "en");
    }

    #[test]
    fn tracks_of_text_become_captions_and_pictures_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let film = clip(folder.path(), "film.mp4", 2.0, "128x72", "24");
        let subtitles = folder.path().join("a.srt");
        std::fs::write(&subtitles, SRT).unwrap();
        let (film, subtitles) = (film.to_str().unwrap(), subtitles.to_str().unwrap());
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        for (name, codecs) in [("a.mkv", ["srt", "ass", "webvtt"]), ("a.mp4", ["mov_text"; 3])] {
            let path = folder.path().join(name);
            let mut words = vec!["-i", film];
            for _ in 0..4 {
                words.extend(["-i", subtitles]);
            }
            words.extend(["-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4", "-c", "copy"]);
            words
                .extend(["-c:s:0", codecs[0], "-c:s:1", codecs[1], "-c:s:2", codecs[2], "-c:s:3", codecs[0]]);
            words.extend(["-metadata:s:s:0", "language=ger", "-metadata:s:s:1", "language=eng"]);
            words.extend(["-metadata:s:s:2", "language=fre", "-metadata:s:s:3", "language=ger"]);
            words.extend(["-disposition:s:1", "hearing_impaired", path.to_str().unwrap()]);
            ffmpeg(&words);
            let probed = probe(&sandbox, &limits, &path, &cancel).unwrap();
            assert_eq!((probed.subtitles.len(), probed.facts.picture_subtitles), (4, 0), "{name}");
            let made = extract(kit, &path, &probed.subtitles, 2000, folder.path()).unwrap();
            let found: Vec<_> = made.iter().map(|m| (m.language.as_str(), m.sounds, m.cues)).collect();
            assert_eq!(found, [("de", false, 2), ("en", true, 2), ("fr", false, 2)], "{name}");
            for track in &made {
                assert!(
                    track.file.starts_with("WEBVTT\n") && track.file.contains("Hello there"),
                    "{}",
                    track.file
                );
                assert!(track.file.contains("alert(1)") && !track.file.contains("<script"), "{}", track.file);
            }
        }
        for codec in ["hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub", "eia_608", ""] {
            let pictures = Described { stream: 3, codec, language: Some("eng"), sounds: false };
            assert_eq!(track(pictures), None, "{codec}");
        }
    }

    #[test]
    fn odd_and_endless_tracks_cost_only_themselves() {
        let folder = tempfile::tempdir().unwrap();
        let film = clip(folder.path(), "film.mp4", 2.0, "128x72", "24");
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let latin = folder.path().join("latin.srt");
        std::fs::write(&latin, b"1\n00:00:00,500 --> 00:00:01,500\nGr\xfc\xdfe aus K\xf6ln, sch\xf6n\n")
            .unwrap();
        let long = folder.path().join("long.srt");
        let cues: String = (0..2000)
            .map(|n| {
                format!("{n}\n00:00:00,{:03} --> 00:00:01,900\n{}\n\n", n % 900, n.to_string().repeat(1000))
            })
            .collect();
        std::fs::write(&long, cues).unwrap();
        let path = folder.path().join("a.mkv");
        ffmpeg(&[
            "-i",
            film.to_str().unwrap(),
            "-i",
            latin.to_str().unwrap(),
            "-i",
            long.to_str().unwrap(),
            "-map",
            "0",
            "-map",
            "1",
            "-map",
            "2",
            "-c",
            "copy",
            "-metadata:s:s:1",
            "language=eng",
            path.to_str().unwrap(),
        ]);
        let probed = probe(&sandbox, &limits, &path, &cancel).unwrap();
        assert_eq!(probed.subtitles.len(), 2);
        let made =
            extract((&sandbox, &limits, &cancel), &path, &probed.subtitles, 2000, folder.path()).unwrap();
        assert_eq!(made.len(), 1, "what is too large is left out: {:?}", made.len());
        assert!(
            made[0].language.as_str() == "und" && made[0].file.contains("Grüße aus Köln"),
            "{}",
            made[0].file
        );
    }
}
