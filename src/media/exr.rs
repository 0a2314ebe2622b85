//! OpenEXR: decoded by ffmpeg in the sandbox, as numbers with a point. Files of several layers, as renderers write
//! them, are shown by the one that holds the finished picture; which one that is stands in the file's head.

use super::floats::{pfm, shown, unreadable};
use super::sandbox::{Cancel, Sandbox};
use super::{Limits, MediaTrouble, paintings};
use crate::domain::media::Rejection;
use image::RgbImage;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Duration;

/// How much of a file is looked at for its head.
const HEAD: u64 = 1 << 20;
/// What renderers call the layer with the finished picture, the surest first.
const FINISHED: [&str; 4] = ["combined", "beauty", "rgba", "color"];

/// What of a file is shown.
#[derive(Debug, PartialEq, Eq)]
enum Layer {
    /// Red, green and blue.
    Plain,
    /// Those of the layer of this name.
    Named(String),
    /// Luminance alone.
    Grey,
}

/// Decodes an OpenEXR picture; what is transparent lies on black, as such pictures are made.
pub(super) fn decode(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
) -> Result<RgbImage, MediaTrouble> {
    let mut head = vec![];
    File::open(file)?.take(HEAD).read_to_end(&mut head)?;
    let layer = layer(&channels(&head).ok_or_else(unreadable)?).ok_or_else(no_colours)?;
    shown(|paint| {
        let mut job = sandbox.job("ffmpeg", limits, Duration::from_secs(limits.probe_seconds));
        let input = job.reads(file)?;
        job.args(["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]);
        job.args(["-format_whitelist", "exr_pipe", "-max_pixels", &limits.pixels().to_string()]);
        if let Layer::Named(name) = &layer {
            job.args(["-layer", name]);
        }
        job.args(["-f".to_owned(), "exr_pipe".into(), "-i".into(), format!("file:{input}")]);
        if layer != Layer::Grey {
            // ffmpeg's own way to take transparency off cuts everything at one.
            job.args(["-vf", "zscale,format=gbrpf32le"]);
        }
        job.args(["-frames:v", "1", "-map_metadata", "-1", "-c:v", "pfm", "-f", "image2pipe", "pipe:1"]);
        let mut running = job.start(cancel)?;
        let read = running.stdout().map(|pipe| pfm(BufReader::new(pipe), limits, paint));
        let ended = running.finish();
        match (read, ended) {
            // It was ended because nobody read on: what was wrong with its picture is what counts.
            (Some(Err(refused @ MediaTrouble::Rejected(Rejection::TooManyPixels { .. }))), _) => Err(refused),
            (_, Err(error)) => Err(paintings::refused(error, limits)),
            (Some(read), Ok(())) => read,
            (None, Ok(())) => Err(unreadable()),
        }
    })
}

fn no_colours() -> MediaTrouble {
    let found = "no layer of it has red, green and blue".into();
    MediaTrouble::Rejected(Rejection::Unreadable { found })
}

/// The names of the channels in the head of a file; of several parts those of the first.
fn channels(head: &[u8]) -> Option<Vec<String>> {
    // The mark and the version, then attributes: name, type, length, content.
    let mut rest = head.get(8..)?;
    loop {
        let name = word(&mut rest)?;
        if name.is_empty() {
            return None;
        }
        let kind = word(&mut rest)?;
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let content = after.get(..length)?;
        if name == b"channels" && kind == b"chlist" {
            return Some(listed(content));
        }
        rest = &after[length..];
    }
}

/// A word up to its zero, of which the rest begins after that.
fn word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().take(256).position(|b| *b == 0)?;
    let (word, after) = rest.split_at(end);
    *rest = &after[1..];
    Some(word)
}

fn listed(mut content: &[u8]) -> Vec<String> {
    let mut names = vec![];
    while let Some(name) = word(&mut content).filter(|name| !name.is_empty()) {
        names.push(String::from_utf8_lossy(name).into_owned());
        // Its kind of number, and how densely it is sampled.
        content = content.get(16..).unwrap_or_default();
    }
    names
}

/// Which layer is shown; `None` if none has colours.
fn layer(names: &[String]) -> Option<Layer> {
    let has = |name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    if ["R", "G", "B"].into_iter().all(has) {
        return Some(Layer::Plain);
    }
    // What is handed to ffmpeg holds only what names of layers hold.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    let whole: Vec<&str> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".R").or_else(|| name.strip_suffix(".r")))
        .filter(|layer| !layer.is_empty() && layer.chars().all(plain))
        .filter(|layer| has(&format!("{layer}.G")) && has(&format!("{layer}.B")))
        .collect();
    let called = |word: &&str| whole.iter().find(|layer| layer.to_ascii_lowercase().contains(*word));
    match FINISHED.iter().find_map(called).or(whole.first()) {
        Some(layer) => Some(Layer::Named((*layer).to_owned())),
        None => has("Y").then_some(Layer::Grey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A file of four by two pixels without packing, with these channels in the order of their names.
    fn written(folder: &Path, name: &str, channels: &[(&str, [f32; 4])]) -> PathBuf {
        let attribute = |name: &str, kind: &str, content: &[u8]| {
            let length = u32::try_from(content.len()).unwrap().to_le_bytes();
            [name.as_bytes(), b"\0", kind.as_bytes(), b"\0", &length, content].concat()
        };
        let mut list = vec![];
        for (name, _) in channels {
            list.extend([name.as_bytes(), b"\0\x02\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0"].concat());
        }
        list.push(0);
        let window: Vec<u8> = [0_i32, 0, 3, 1].iter().flat_map(|n| n.to_le_bytes()).collect();
        let head = [
            b"\x76\x2f\x31\x01\x02\0\0\0".to_vec(),
            attribute("channels", "chlist", &list),
            attribute("compression", "compression", &[0]),
            attribute("dataWindow", "box2i", &window),
            attribute("displayWindow", "box2i", &window),
            attribute("lineOrder", "lineOrder", &[0]),
            attribute("pixelAspectRatio", "float", &1_f32.to_le_bytes()),
            attribute("screenWindowCenter", "v2f", &[0; 8]),
            attribute("screenWindowWidth", "float", &1_f32.to_le_bytes()),
            vec![0],
        ]
        .concat();
        let mut file = head.clone();
        let line = 8 + 16 * channels.len();
        for y in 0..2 {
            file.extend(((head.len() + 16 + y * line) as u64).to_le_bytes());
        }
        for y in 0..2_u32 {
            file.extend(y.to_le_bytes());
            file.extend((16 * channels.len() as u32).to_le_bytes());
            file.extend(channels.iter().flat_map(|(_, row)| row).flat_map(|n| n.to_le_bytes()));
        }
        let path = folder.join(name);
        std::fs::write(&path, file).unwrap();
        path
    }

    fn first_line(picture: &RgbImage) -> Vec<[u8; 3]> {
        picture.pixels().take(4).map(|p| p.0).collect()
    }

    #[test]
    fn what_a_screen_shows_stays_and_a_light_is_not_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        let dim = [0.1, 0.25, 0.5, 0.0];
        let plain = written(folder.path(), "plain.exr", &[("B", dim), ("G", dim), ("R", dim)]);
        assert_eq!(first_line(&decode(kit, &plain).unwrap()), [[89; 3], [137; 3], [188; 3], [0; 3]]);
        // With a light of eight times white the dark ones stay, and the half is told apart from white.
        let lit = [0.1, 0.25, 0.5, 8.0];
        let rows = [("A", [1.0; 4]), ("B", lit), ("G", lit), ("R", lit)];
        let made = first_line(&decode(kit, &written(folder.path(), "lit.exr", &rows)).unwrap());
        assert_eq!((made[0], made[1], made[3]), ([89; 3], [137; 3], [255; 3]), "{made:?}");
        assert!((138..188).contains(&made[2][0]), "{made:?}");
        let grey = written(folder.path(), "grey.exr", &[("Y", dim)]);
        assert_eq!(first_line(&decode(kit, &grey).unwrap()), [[89; 3], [137; 3], [188; 3], [0; 3]]);
        let small = Limits { megapixels: 0, ..limits.clone() };
        let refused = decode((&sandbox, &small, &cancel), &plain);
        assert!(matches!(refused, Err(MediaTrouble::Rejected(_))), "{refused:?}");
        let whole = std::fs::read(&plain).unwrap();
        for end in [8, 40, 200, whole.len() - 60] {
            std::fs::write(&plain, &whole[..end]).unwrap();
            let cut = decode(kit, &plain);
            assert!(end > 300 || matches!(cut, Err(MediaTrouble::Rejected(_))), "{end}: {cut:?}");
        }
    }

    #[test]
    fn of_a_renderers_file_the_finished_picture_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        let (half, dark) = ([0.5; 4], [0.0; 4]);
        let rows = [
            ("View Layer.Albedo.B", half),
            ("View Layer.Albedo.G", half),
            ("View Layer.Albedo.R", half),
            ("View Layer.Combined.A", [1.0; 4]),
            ("View Layer.Combined.B", dark),
            ("View Layer.Combined.G", dark),
            ("View Layer.Combined.R", half),
            ("View Layer.Depth.Z", [1e10; 4]),
        ];
        let made = decode(kit, &written(folder.path(), "layers.exr", &rows)).unwrap();
        assert_eq!(made.get_pixel(1, 1).0, [188, 0, 0]);
        let depth = decode(kit, &written(folder.path(), "depth.exr", &rows[7..])).unwrap_err();
        assert!(depth.to_string().contains("no layer of it has red, green and blue"), "{depth}");
    }

    #[test]
    fn layers_are_chosen_by_their_names() {
        let of = |names: &[&str]| layer(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        let named = |name: &str| Some(Layer::Named(name.into()));
        assert_eq!(of(&["A", "B", "G", "R", "z.R"]), Some(Layer::Plain));
        assert_eq!(of(&["a.B", "a.G", "a.R", "Beauty.B", "Beauty.G", "Beauty.R"]), named("Beauty"));
        assert_eq!(of(&["a.B", "a.G", "a.R", "b.R"]), named("a"));
        assert_eq!(of(&["-f.B", "-f.G", "-f.R"]), named("-f"));
        assert_eq!(of(&["a;b.B", "a;b.G", "a;b.R"]), None);
        assert_eq!(of(&["Y", "RY", "BY"]), Some(Layer::Grey));
        assert_eq!(of(&["N.X", "N.Y", "N.Z"]), None);
        assert_eq!(channels(b"\x76\x2f\x31\x01\x02\0\0\0channels\0chlist\0\xff\xff\xff\xff"), None);
        assert_eq!(channels(&[b'x'; 4000]), None);
    }
}
