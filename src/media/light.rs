//! The light that a film of high dynamic range was made for: the display it was mastered on (SMPTE ST 2086) and
//! how bright it gets (CTA 861.3), in the fixed-point numbers of AV1.

use super::probe::guarded_input;
use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::{Limits, MediaTrouble};
use kinora_av1_engine::rav1e::prelude::{ChromaticityPoint, ContentLight, MasteringDisplay};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// What a file says of its light; all of it may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Light {
    /// The display.
    pub display: Option<Display>,
    /// The brightest pixel and the brightest mean of a frame, in candela per square metre.
    pub content: Option<(u16, u16)>,
}

/// The display that a film was mastered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Display {
    /// Red, green, blue and white in the plane of CIE 1931, with 16 bits after the point.
    pub colours: [(u16, u16); 4],
    /// Its brightest, in candela per square metre with 8 bits after the point.
    pub brightest: u32,
    /// Its darkest, with 14 bits after the point.
    pub darkest: u32,
}

impl Light {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.display.is_none() && self.content.is_none()
    }

    /// What all side data together say.
    pub(super) fn of<'a>(told: impl Iterator<Item = &'a Told>) -> Self {
        told.fold(Self::default(), |found, one| Self {
            display: found.display.or_else(|| one.display()),
            content: found.content.or_else(|| one.content()),
        })
    }

    /// In rav1e's words.
    #[must_use]
    pub fn for_rav1e(&self) -> (Option<MasteringDisplay>, Option<ContentLight>) {
        let point = |(x, y)| ChromaticityPoint { x, y };
        let display = self.display.map(|d| {
            let [red, green, blue, white] = d.colours.map(point);
            MasteringDisplay {
                primaries: [red, green, blue],
                white_point: white,
                max_luminance: d.brightest,
                min_luminance: d.darkest,
            }
        });
        let content = self.content.map(|(most, mean)| ContentLight {
            max_content_light_level: most,
            max_frame_average_light_level: mean,
        });
        (display, content)
    }
}

/// Side data as ffprobe prints them. What is of another form than was expected says nothing.
#[derive(Deserialize, Default)]
#[serde(transparent)]
pub(super) struct Told(serde_json::Map<String, serde_json::Value>);

impl Told {
    fn fraction(&self, name: &str, bits: u32) -> Option<u32> {
        fixed(self.0.get(name)?.as_str()?, bits)
    }

    fn display(&self) -> Option<Display> {
        let short = |name: String| Some(u16::try_from(self.fraction(&name, 16)?).unwrap_or(u16::MAX));
        let point = |name: &str| Some((short(format!("{name}_x"))?, short(format!("{name}_y"))?));
        let colours = [point("red")?, point("green")?, point("blue")?, point("white_point")?];
        let brightest = self.fraction("max_luminance", 8)?;
        let darkest = self.fraction("min_luminance", 14)?;
        Some(Display { colours, brightest, darkest }).filter(|d| d.brightest > 0)
    }

    fn content(&self) -> Option<(u16, u16)> {
        let level = |name: &str| u16::try_from(self.0.get(name)?.as_u64()?).ok();
        Some((level("max_content")?, level("max_average")?)).filter(|(most, _)| *most > 0)
    }
}

/// A fraction such as `34000/50000` with so many bits after the point.
fn fixed(fraction: &str, bits: u32) -> Option<u32> {
    let (above, below) = fraction.split_once('/')?;
    let (above, below): (u64, u64) = (above.parse().ok()?, below.parse().ok()?);
    let scaled = above.checked_mul(1 << bits)?.checked_add(below / 2)?.checked_div(below)?;
    u32::try_from(scaled).ok()
}

#[derive(Deserialize, Default)]
struct Report {
    #[serde(default)]
    frames: Vec<Frame>,
}

#[derive(Deserialize, Default)]
struct Frame {
    #[serde(default)]
    side_data_list: Vec<Told>,
}

/// What the first frame says, where the container says nothing. A film is as good without.
pub(super) fn of_first_frame(
    sandbox: &Sandbox,
    limits: &Limits,
    file: &Path,
    cancel: &Cancel,
) -> Result<Light, MediaTrouble> {
    let mut job = sandbox.job("ffprobe", limits, Duration::from_secs(limits.probe_seconds));
    let input = job.reads(file)?;
    job.args(["-v", "error", "-print_format", "json", "-threads", "1", "-select_streams", "V:0"]);
    job.args(["-read_intervals", "%+#1", "-show_frames", "-show_entries", "frame=side_data_list"]);
    job.args(guarded_input(limits)).args(["-i".to_owned(), format!("file:{input}")]);
    let mut text = String::new();
    let outcome = job.run(cancel, |line| {
        if text.len() < 1 << 20 {
            text.push_str(line);
        }
    });
    match outcome {
        Ok(()) => {}
        Err(SandboxError::Exit { .. }) => return Ok(Light::default()),
        Err(other) => return Err(other.into()),
    }
    let report: Report = serde_json::from_str(&text).unwrap_or_default();
    Ok(Light::of(report.frames.iter().flat_map(|f| &f.side_data_list)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_examiner_prints_becomes_fixed_point() {
        let told = r#"[{"side_data_type":"Mastering display metadata","red_x":"35400/50000","red_y":"14600/50000",
            "green_x":"8500/50000","green_y":"39850/50000","blue_x":"6550/50000","blue_y":"2300/50000",
            "white_point_x":"15635/50000","white_point_y":"16450/50000","min_luminance":"50/10000",
            "max_luminance":"10000000/10000"},
            {"side_data_type":"Content light level metadata","max_content":1000,"max_average":400}]"#;
        let told: Vec<Told> = serde_json::from_str(told).unwrap();
        let light = Light::of(told.iter());
        let display = light.display.unwrap();
        assert_eq!(display.colours[0], (46_399, 19_137));
        assert_eq!((display.brightest, display.darkest), (1000 << 8, 82));
        assert_eq!(light.content, Some((1000, 400)));
        let (mastering, content) = light.for_rav1e();
        assert_eq!(mastering.unwrap().white_point.x, 20_493);
        assert_eq!(content.unwrap().max_frame_average_light_level, 400);
    }

    #[test]
    fn what_is_missing_or_senseless_is_unknown() {
        for told in [
            r#"[{}]"#,
            r#"[{"red_x":"1/0","red_y":"1/2"}]"#,
            r#"[{"max_content":0,"max_average":0}]"#,
            r#"[{"max_content":70000,"max_average":4}]"#,
            r#"[{"red_x":1,"max_content":"1000","max_average":[]}]"#,
        ] {
            let told: Vec<Told> = serde_json::from_str(told).unwrap();
            assert!(Light::of(told.iter()).is_unknown());
        }
        assert_eq!(fixed("-1/2", 8), None);
        assert_eq!(fixed("5", 8), None);
    }
}
