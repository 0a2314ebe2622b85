//! Our own ways through rav1e.

use crate::clip::{self, Kit, Prepared};
use crate::tools::{Fallible, text};
use kinora::media::MediaTrouble;
use kinora::media::av1::{EncodeSettings, Segment, Y4mReader, encode_segment};
use kinora::media::fmp4::av1_fragment;
use kinora::media::ladder::Rung;
use kinora::media::mezzanine::mezzanine_name;
use kinora::media::package::segment_name;
use kinora::media::store::write_atomically;
use kinora_av1_engine::rav1e::prelude::EncoderConfig;
use kinora_av1_engine::{Engine, Step};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Coded frames in order, and whether each is a key frame.
pub type Units = Vec<(Vec<u8>, bool)>;

/// Works numbers off, as many at a time as is said, and gives what they made in order.
fn side_by_side<T: Send>(
    count: usize,
    at_once: usize,
    work: impl Fn(usize) -> Fallible<T> + Sync,
) -> Fallible<Vec<T>> {
    let next = AtomicUsize::new(0);
    let made: Mutex<Vec<(usize, Fallible<T>)>> = Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let one = work(number);
                    if let Ok(mut all) = made.lock() {
                        all.push((number, one));
                    }
                }
            });
        }
    });
    let mut made = made.into_inner().map_err(|_| "a thread panicked")?;
    made.sort_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, one)| one).collect()
}

/// The whole way of a worker, from the mezzanine to segments on the disk, `at_once` at a time.
pub fn pipeline(
    kit: &Kit,
    prepared: &Prepared,
    settings: &EncodeSettings,
    at_once: usize,
    out: &Path,
) -> Fallible<Units> {
    let made = &prepared.made;
    let segments = side_by_side(made.segments.len(), at_once, |number| {
        let source = prepared.mezzanine.join(mezzanine_name(number));
        let segment = encode_segment(&kit.sandbox, &kit.limits, &source, settings, &kit.cancel, |_| {})?;
        let index = u32::try_from(number)?;
        let fragment = av1_fragment(&segment, made.rate, index, made.first_frame(number))?;
        write_atomically(&out.join(segment_name(number)), &fragment)?;
        Ok::<Segment, Box<dyn std::error::Error + Send + Sync>>(segment)
    })?;
    Ok(segments.into_iter().flat_map(|s| s.units).collect())
}

/// The bare encoder: the same segments `at_once` at a time, from raw frames in memory to coded frames
/// in memory.
pub fn bare(chunks: &[Vec<u8>], settings: &EncodeSettings, at_once: usize) -> Fallible<Units> {
    let (config, threads) = settings.rav1e_config();
    let made = side_by_side(chunks.len(), at_once, |number| {
        code(chunks[number].as_slice(), config.clone(), threads, &[])
    })?;
    Ok(made.into_iter().flatten().collect())
}

/// One context over the whole clip, with threads of its own and key frames where our segments begin.
/// It gets its frames as our segments do, from an ffmpeg that decodes the mezzanine.
pub fn unchunked(
    prepared: &Prepared,
    settings: &EncodeSettings,
    rung: Rung,
    threads: usize,
    folder: &Path,
) -> Fallible<Units> {
    let mut line = clip::joined(prepared, rung, &folder.join("list.txt"))?;
    line.push("pipe:1".into());
    let mut decoder = Command::new("ffmpeg")
        .args(&line)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("ffmpeg: {e}"))?;
    let pipe = decoder.stdout.take().ok_or("no pipe")?;
    let keys: Vec<u64> = (0..prepared.made.segments.len()).map(|n| prepared.made.first_frame(n)).collect();
    let (config, _) = settings.rav1e_config();
    let coded = code(pipe, config, threads, &keys);
    if !decoder.wait()?.success() {
        return Err("the mezzanine could not be decoded".into());
    }
    coded
}

fn code(frames: impl Read, config: EncoderConfig, threads: usize, keys: &[u64]) -> Fallible<Units> {
    let width = config.width;
    let half = width.div_ceil(2);
    let mut frames = Y4mReader::open(frames)?;
    let mut engine = Engine::new(config, threads)?;
    let (mut units, mut sent) = (vec![], 0_u64);
    loop {
        match engine.receive()? {
            Step::Unit(data, key) => units.push((data, key)),
            Step::Again => {}
            Step::More => match frames.next_frame()? {
                Some([y, u, v]) => {
                    engine.send([(y, width), (u, half), (v, half)], keys.contains(&sent))?;
                    sent += 1;
                }
                None => engine.flush(),
            },
            Step::End => return Ok(units),
        }
    }
}

/// The raw frames of each segment, as a y4m stream each.
pub fn chunks_of(reference: &Path, segments: &[u64], size: (u32, u32)) -> Fallible<Vec<Vec<u8>>> {
    let raw = std::fs::read(reference)?;
    let header = raw.iter().position(|b| *b == b'\n').ok_or("no header")? + 1;
    let (w, h) = (size.0 as usize, size.1 as usize);
    let frame = b"FRAME\n".len() + w * h + 2 * (w.div_ceil(2) * h.div_ceil(2));
    let total: u64 = segments.iter().sum();
    if raw.len() - header != frame * usize::try_from(total)? {
        return Err(
            MediaTrouble::internal(format!("{} has another number of frames", text(reference))).into()
        );
    }
    let mut rest = &raw[header..];
    let mut all = vec![];
    for frames in segments {
        let (mine, after) = rest.split_at(frame * usize::try_from(*frames)?);
        all.push([&raw[..header], mine].concat());
        rest = after;
    }
    Ok(all)
}

/// Coded frames as an IVF file, which every ffmpeg reads.
pub fn write_ivf(units: &Units, settings: &EncodeSettings, path: &Path) -> Fallible<()> {
    let mut file = b"DKIF\0\0\x20\0AV01".to_vec();
    file.extend(u16::try_from(settings.size.width)?.to_le_bytes());
    file.extend(u16::try_from(settings.size.height)?.to_le_bytes());
    file.extend(settings.rate.0.to_le_bytes());
    file.extend(settings.rate.1.to_le_bytes());
    file.extend(u32::try_from(units.len())?.to_le_bytes());
    file.extend([0; 4]);
    for (number, (data, _)) in units.iter().enumerate() {
        // Each begins with a temporal delimiter, which our files do not carry.
        let bare: &[u8] = if data.starts_with(&[0x12, 0]) { &data[2..] } else { data };
        file.extend(u32::try_from(bare.len() + 2)?.to_le_bytes());
        file.extend((number as u64).to_le_bytes());
        file.extend([0x12, 0]);
        file.extend(bare);
    }
    Ok(std::fs::write(path, file)?)
}

/// Bytes of the coded frames, without delimiters.
pub fn bytes(units: &Units) -> u64 {
    units.iter().map(|(d, _)| (d.len() - if d.starts_with(&[0x12, 0]) { 2 } else { 0 }) as u64).sum()
}

/// Which frames are key frames.
pub fn keys(units: &Units) -> Vec<usize> {
    units.iter().enumerate().filter(|(_, (_, key))| *key).map(|(n, _)| n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_given_back_in_order_and_a_failure_is_not_lost() {
        assert_eq!(side_by_side(9, 4, |n| Ok(n * n)).unwrap(), [0, 1, 4, 9, 16, 25, 36, 49, 64]);
        assert!(side_by_side(3, 2, |n| if n == 1 { Err("broken".into()) } else { Ok(n) }).is_err());
    }

    #[test]
    fn frames_are_divided_as_the_segments_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("raw.y4m");
        let mut raw = b"YUV4MPEG2 W2 H2 F24:1 C420jpeg\n".to_vec();
        for n in 0..3 {
            raw.extend(b"FRAME\n");
            raw.extend([n; 6]);
        }
        std::fs::write(&file, raw).unwrap();
        let chunks = chunks_of(&file, &[2, 1], (2, 2)).unwrap();
        let mut second = Y4mReader::open(chunks[1].as_slice()).unwrap();
        assert_eq!(second.next_frame().unwrap().unwrap()[0], [2; 4]);
        assert!(second.next_frame().unwrap().is_none());
        assert!(chunks_of(&file, &[2, 2], (2, 2)).is_err());
    }
}
