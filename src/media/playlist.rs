//! HLS playlists: read those that ffmpeg wrote, write our own.

use super::ladder::Size;
use std::fmt::Write;

/// One entry of a media playlist.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Length in seconds.
    pub seconds: f64,
    /// File name beside the playlist.
    pub file: String,
}

/// The entries of a media playlist (only what ffmpeg and we write).
#[must_use]
pub fn entries(playlist: &str) -> Vec<Entry> {
    let mut found = vec![];
    let mut seconds = None;
    for line in playlist.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#EXTINF:") {
            seconds = rest.split(',').next().and_then(|n| n.parse().ok());
        } else if !line.is_empty()
            && !line.starts_with('#')
            && let Some(seconds) = seconds.take()
        {
            found.push(Entry { seconds, file: line.to_owned() });
        }
    }
    found
}

/// A complete media playlist with an initialisation file.
#[must_use]
pub fn media(entries: &[Entry]) -> String {
    let longest = entries.iter().map(|e| e.seconds).fold(0.0, f64::max).round().max(1.0);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{longest}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n"
    );
    for e in entries {
        let _ = writeln!(text, "#EXTINF:{:.6},\n{}", e.seconds, e.file);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// One video rendition of the master playlist.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its folder, which holds `index.m3u8`.
    pub folder: String,
    /// Size.
    pub size: Size,
    /// Frames a second.
    pub rate: (u32, u32),
    /// RFC 6381 string.
    pub codecs: String,
    /// `PQ` or `HLG` of high dynamic range.
    pub range: Option<&'static str>,
    /// Highest bits a second of any segment.
    pub peak: u64,
    /// Bits a second over all.
    pub average: u64,
}

/// The audio group of the master playlist.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Its folder, which holds `index.m3u8`.
    pub folder: String,
    /// RFC 6381 string.
    pub codecs: String,
    /// Highest bits a second of any segment.
    pub peak: u64,
    /// Bits a second over all.
    pub average: u64,
}

/// The sounds of the master playlist: AAC, which goes with H.264, and Opus, which goes with AV1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sounds {
    /// AAC.
    pub aac: Option<Sound>,
    /// Opus; without it AAC goes with AV1 as well.
    pub opus: Option<Sound>,
}

impl Sounds {
    fn with(&self, codecs: &str) -> Option<(&'static str, &Sound)> {
        let opus = self.opus.as_ref().filter(|_| codecs.starts_with("av01")).map(|s| ("sound-opus", s));
        opus.or_else(|| self.aac.as_ref().map(|s| ("sound", s)))
    }
}

/// The master playlist of sound alone, AAC first.
#[must_use]
pub fn master_of_sound(sounds: &Sounds) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for s in sounds.aac.iter().chain(&sounds.opus) {
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"\n{}/index.m3u8",
            s.peak, s.average, s.codecs, s.folder
        );
    }
    text
}

/// The master playlist with all variants, H.264 first (a player that cannot choose takes the first).
#[must_use]
pub fn master(variants: &[Variant], sounds: &Sounds) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let mut said = vec![];
    for (group, s) in variants.iter().filter_map(|v| sounds.with(&v.codecs)) {
        if said.contains(&group) {
            continue;
        }
        said.push(group);
        let _ = writeln!(
            text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"Sound\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"{}/index.m3u8\"",
            s.folder
        );
    }
    for v in variants {
        let sound = sounds.with(&v.codecs);
        let (codecs, group) = match &sound {
            Some((group, s)) => (format!("{},{}", v.codecs, s.codecs), format!(",AUDIO=\"{group}\"")),
            None => (v.codecs.clone(), String::new()),
        };
        let sound = sound.map(|(_, s)| s);
        let rate = f64::from(v.rate.0) / f64::from(v.rate.1.max(1));
        let range = v.range.map(|r| format!(",VIDEO-RANGE={r}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},RESOLUTION={}x{},FRAME-RATE={rate:.3},CODECS=\"{codecs}\"{range}{group}\n{}/index.m3u8",
            v.peak + sound.map_or(0, |s| s.peak),
            v.average + sound.map_or(0, |s| s.average),
            v.size.width,
            v.size.height,
            v.folder
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let made = vec![
            Entry { seconds: 6.006, file: "00000.m4s".into() },
            Entry { seconds: 1.5, file: "00001.m4s".into() },
        ];
        let text = media(&made);
        assert!(text.contains("#EXT-X-TARGETDURATION:6\n") && text.ends_with("#EXT-X-ENDLIST\n"));
        assert_eq!(entries(&text), made);
    }

    #[test]
    fn the_master_names_codecs_exactly() {
        let v = |folder: &str, codecs: &str| Variant {
            folder: folder.into(),
            size: Size { width: 1280, height: 720 },
            rate: (24_000, 1001),
            codecs: codecs.into(),
            range: None,
            peak: 2_000_000,
            average: 1_500_000,
        };
        let sound = |folder: &str, codecs: &str, peak| {
            Some(Sound { folder: folder.into(), codecs: codecs.into(), peak, average: peak - 12_000 })
        };
        let aac = sound("audio", "mp4a.40.2", 140_000);
        let both = Sounds { aac: aac.clone(), opus: sound("audio-opus", "opus", 108_000) };
        let films = [v("h264-720", "avc1.64001f"), v("av1-720", "av01.0.05M.08")];
        insta::assert_snapshot!(master(&films, &both));
        let plain = master(&films, &Sounds { aac: aac.clone(), opus: None });
        assert_eq!(plain.matches(",AUDIO=\"sound\"").count(), 2, "{plain}");
        assert!(!master(&films[..1], &both).contains("opus"), "as long as there is no AV1");
        let bright = Variant { range: Some("PQ"), ..v("av1-720", "av01.0.05M.10.0.110.09.16.09.0") };
        let mixed = master(&[films[0].clone(), bright], &Sounds::default());
        assert_eq!(
            mixed.matches("CODECS=\"av01.0.05M.10.0.110.09.16.09.0\",VIDEO-RANGE=PQ\n").count(),
            1,
            "{mixed}"
        );
        assert_eq!(mixed.matches("VIDEO-RANGE").count(), 1, "what is not named is standard: {mixed}");
        let alone = master_of_sound(&both);
        assert_eq!(alone.matches("#EXT-X-STREAM-INF").count(), 2, "{alone}");
        assert!(alone.find("mp4a") < alone.find("opus"));
    }
}
