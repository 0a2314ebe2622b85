//! Stills of high dynamic range and of more colours, with pixels whose values are known.

use super::heif;
use super::pictures;
use super::sandbox::{Cancel, Sandbox};
use super::screen::{Signal, of_heif, of_png};
use super::testing::ffmpeg;
use super::{Limits, paintings};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba};
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

type Wide = image::ImageBuffer<Rgb<u16>, Vec<u16>>;

/// Numbers of PQ for 0, 1, 10, 100, 203, 1000 and 10000 candela per square metre, as BT.2100 and BT.2408 give them.
const PQ: [f64; 7] = [0.0, 0.1499, 0.3012, 0.5081, 0.5807, 0.7518, 1.0];

fn grey(share: f64) -> Rgb<u16> {
    let number = (share * 65_535.0).round() as u16;
    Rgb([number; 3])
}

/// A check sum as PNG wants it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xedb8_8320 } else { c >> 1 })
    })
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind.as_slice(), data].concat();
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], &body, &crc(&body).to_be_bytes()].concat()
}

/// The picture as PNG with these chunks before its pixels.
fn png(picture: impl Into<DynamicImage>, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    picture.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
    let plain = bytes.into_inner();
    // Behind the mark and the first chunk, which tells the size.
    let (begin, end) = plain.split_at(8 + 25);
    [begin, &chunks.concat(), end].concat()
}

fn cicp(primaries: u8, transfer: u8) -> Vec<u8> {
    chunk(b"cICP", &[primaries, transfer, 0, 1])
}

fn light(brightest: u32) -> Vec<u8> {
    chunk(b"cLLI", &[(brightest * 10_000).to_be_bytes(), [0; 4]].concat())
}

fn shown(bytes: Vec<u8>) -> RgbImage {
    pictures::decode_from(Cursor::new(bytes), &Limits::default()).unwrap().0.to_rgb8()
}

fn near(found: [u8; 3], wanted: [u8; 3], by: u8) -> bool {
    found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= by)
}

/// Steps of grey in a row, eight pixels each.
fn steps(shares: &[f64]) -> Wide {
    Wide::from_fn(shares.len() as u32 * 8, 8, |x, _| grey(shares[x as usize / 8]))
}

fn row(picture: &RgbImage) -> Vec<u8> {
    (0..picture.width() / 8).map(|n| picture.get_pixel(n * 8 + 4, 4).0[0]).collect()
}

#[test]
fn pq_becomes_what_the_curve_says() {
    let made = row(&shown(png(steps(&PQ), &[cicp(9, 16)])));
    // By hand: hable(light / 100) / hable(10), as sRGB; what is brighter than a thousand is white.
    let by_hand = [0, 13, 56, 152, 189, 255, 255];
    for (found, wanted) in made.iter().zip(by_hand) {
        assert!(found.abs_diff(wanted) <= 1, "{made:?}");
    }
    // The numbers as they are would be far too dark below and grey above.
    let untold = row(&shown(png(steps(&PQ), &[])));
    assert_eq!((untold[3], untold[5]), (130, 192));
    // Who says how bright it gets has his whole range: ten thousand is white, a thousand is not.
    let told = row(&shown(png(steps(&PQ), &[cicp(9, 16), light(10_000)])));
    assert_eq!(told[6], 255);
    assert!(told[5] < 250 && told[5] > told[4] && told[3] < made[3], "{told:?}");
}

#[test]
fn hlg_becomes_what_the_curve_says() {
    // Black, a half (a twelfth of the scene's light), the three quarters of a white paper, and the peak.
    let made = row(&shown(png(steps(&[0.0, 0.5, 0.75, 1.0]), &[cicp(9, 18)])));
    // A twelfth to the power of 1.2 is 50.7 candela, 0.265 to it 203.
    let by_hand = [0, 117, 189, 255];
    for (found, wanted) in made.iter().zip(by_hand) {
        assert!(found.abs_diff(wanted) <= 1, "{made:?}");
    }
}

/// As films are tone mapped, by the same programs, with the curve of sRGB in the end.
fn by_ffmpeg(folder: &Path, picture: &Wide, transfer: &str) -> RgbImage {
    let (from, to) = (folder.join("from.png"), folder.join("to.png"));
    picture.save(&from).unwrap();
    let plan = format!(
        "setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=gbr:range=pc,\
         zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=iec61966-2-1,format=rgb24"
    );
    ffmpeg(&["-i", from.to_str().unwrap(), "-vf", &plan, "-frames:v", "1", to.to_str().unwrap()]);
    image::open(&to).unwrap().to_rgb8()
}

#[test]
fn colours_become_those_of_the_films() {
    let folder = tempfile::tempdir().unwrap();
    // All mixtures of five steps: greys, pastels, and colours that a usual screen does not have.
    let levels = [0.0, 0.2, 0.4, 0.58, 0.7];
    let mixed = Wide::from_fn(25, 5, |x, y| {
        let at = |n: u32| (levels[n as usize] * 65_535.0) as u16;
        Rgb([at(x / 5), at(x % 5), at(y)])
    });
    for (transfer, number) in [("smpte2084", 16), ("arib-std-b67", 18)] {
        let ours = shown(png(mixed.clone(), &[cicp(9, number)]));
        let theirs = by_ffmpeg(folder.path(), &mixed, transfer);
        for (x, y, pixel) in ours.enumerate_pixels() {
            // ffmpeg takes the gamma of HLG's system from each colour alone, BT.2100 from the luminance.
            if number == 18 && !(x / 5 == x % 5 && x % 5 == y) {
                continue;
            }
            let other = theirs.get_pixel(x, y).0;
            assert!(near(pixel.0, other, 3), "{transfer} {x} {y}: {pixel:?} {other:?}");
        }
    }
}

#[test]
fn what_is_transparent_stays_so_and_usual_light_is_not_touched() {
    let clear = image::ImageBuffer::from_fn(8, 8, |x, _| {
        Rgba([33_299_u16, 33_299, 33_299, if x < 4 { 0 } else { u16::MAX }])
    });
    let bytes = png(DynamicImage::ImageRgba16(clear), &[cicp(9, 16)]);
    let made = pictures::decode_from(Cursor::new(bytes), &Limits::default()).unwrap().0.to_rgba8();
    assert_eq!((made.get_pixel(1, 1).0[3], made.get_pixel(6, 1).0[3]), (0, 255));
    assert!(made.get_pixel(6, 1).0[0].abs_diff(152) <= 1);
    let plain = RgbImage::from_fn(16, 16, |x, y| Rgb([x as u8 * 16, y as u8 * 16, 77]));
    for chunks in [vec![], vec![cicp(1, 13)], vec![cicp(1, 1)], vec![chunk(b"cICP", &[9])]] {
        assert_eq!(shown(png(plain.clone(), &chunks)), plain);
    }
    // Nor is what only looks like a PNG read beyond its end.
    assert_eq!(of_png(&mut Cursor::new(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffcICP")).unwrap(), None);
    assert_eq!(of_png(&mut Cursor::new(b"GIF89a")).unwrap(), None);
}

#[test]
fn more_colours_become_those_of_srgb_by_number_and_by_profile() {
    // The full red of sRGB is this in Display P3; a grey is the same in both; the full green of P3 is out of reach.
    let colours = [[234, 51, 35], [128, 128, 128], [0, 255, 0]];
    let picture = RgbImage::from_fn(24, 8, |x, _| Rgb(colours[x as usize / 8]));
    let profile = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let mut packed = flate2::write::ZlibEncoder::new(b"p3\0\0".to_vec(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, &profile).unwrap();
    let profiled = chunk(b"iCCP", &packed.finish().unwrap());
    for (how, chunks) in [("number", [cicp(12, 13)]), ("profile", [profiled])] {
        let made = shown(png(picture.clone(), &chunks));
        for (n, wanted) in [[255, 0, 0], [128, 128, 128], [0, 255, 0]].into_iter().enumerate() {
            let found = made.get_pixel(n as u32 * 8 + 4, 4).0;
            assert!(near(found, wanted, 4), "{how}: {found:?}, not {wanted:?}");
        }
    }
    let broken = chunk(b"iCCP", b"broken\0\0no profile at all");
    assert_eq!(shown(png(picture.clone(), &[broken])), picture);
}

/// A HEIC file of one picture, to which is added what its numbers mean: the installed encoder does not write it.
fn signalled(mut file: Vec<u8>, primaries: u8, transfer: u8) -> Vec<u8> {
    let at = |file: &[u8], kind: &[u8; 4]| file.windows(4).position(|w| w == kind).unwrap();
    let grow = |file: &mut Vec<u8>, kind: &[u8; 4], by: u32| {
        let begin = at(file, kind) - 4;
        let length = u32::from_be_bytes(file[begin..begin + 4].try_into().unwrap()) + by;
        file[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
        begin + length as usize - by as usize
    };
    let said = [b"\0\0\0\x13colrnclx\0".as_slice(), &[primaries, 0, transfer, 0, 9, 0x80]].concat();
    let data = u32::try_from(at(&file, b"mdat") + 4).unwrap();
    let before = u32::try_from(said.len() + 1).unwrap();
    // The picture lies further behind now.
    let place = at(&file, b"iloc");
    let place = place + file[place..].windows(4).position(|w| w == data.to_be_bytes()).unwrap();
    file[place..place + 4].copy_from_slice(&(data + before).to_be_bytes());
    for kind in [b"meta", b"iprp"] {
        grow(&mut file, kind, before);
    }
    // One property more in the list of the only item.
    let end = grow(&mut file, b"ipma", 1);
    let count = at(&file, b"ipma") + 4 + 4 + 4 + 2;
    file[count] += 1;
    file.insert(end, file[count]);
    let end = grow(&mut file, b"ipco", before - 1);
    file.splice(end..end, said);
    file
}

/// Seven steps of PQ in this form, by the encoders that are installed; `None` without them.
fn written(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    let (source, file) = (folder.join("source.png"), folder.join(name));
    Wide::from_fn(56 * 8, 64, |x, _| grey(PQ[x as usize / 64])).save(&source).unwrap();
    if name.ends_with(".avif") {
        let mut coder = Command::new("ffmpeg");
        coder.args(["-v", "error", "-y", "-i"]).arg(&source).args(["-vf"]).arg(
            "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=gbr:range=pc,zscale=m=2020_ncl:r=pc,format=yuv444p10le",
        );
        coder.args([
            "-frames:v",
            "1",
            "-c:v",
            "libaom-av1",
            "-still-picture",
            "1",
            "-cpu-used",
            "8",
            "-crf",
            "4",
        ]);
        return coder.arg(&file).output().is_ok_and(|out| out.status.success()).then_some(file);
    }
    let mut coder = Command::new("heif-enc");
    coder.args(["-q", "95", "-b", "10", "--matrix_coefficients", "9"]);
    let ran = coder.arg(&source).arg("-o").arg(&file).output();
    ran.is_ok_and(|out| out.status.success()).then_some(())?;
    std::fs::write(&file, signalled(std::fs::read(&file).unwrap(), 9, 16)).unwrap();
    Some(file)
}

#[test]
fn heic_and_avif_of_high_dynamic_range_are_tone_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
    for (name, found) in [("a.heic", "HEIC picture"), ("a.avif", "AVIF picture")] {
        let Some(file) = written(folder.path(), name) else { continue };
        let told = of_heif(&std::fs::read(&file).unwrap());
        assert_eq!(told, Some(Signal { primaries: 9, transfer: 16, brightest: None }), "{name}");
        if heif::program().is_none() {
            continue;
        }
        let picture = heif::decode((&sandbox, &limits, &cancel), &file, found).unwrap().0.to_rgb8();
        let made: Vec<u8> = (0..7).map(|n| picture.get_pixel(n * 64 + 32, 32).0[0]).collect();
        for (found, wanted) in made.iter().zip([0_u8, 13, 56, 152, 189, 255, 255]) {
            assert!(found.abs_diff(wanted) <= 4, "{name}: {made:?}");
        }
    }
}

#[test]
fn of_several_pictures_in_one_file_the_main_one_counts() {
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&length[..], kind, body].concat()
    };
    let nclx = |primaries: u8, transfer: u8| {
        boxed(b"colr", &[b"nclx\0".as_slice(), &[primaries, 0, transfer, 0, 9, 0x80]].concat())
    };
    let file = |main: u8| {
        let properties = [nclx(9, 18), boxed(b"clli", &[4, 0, 0, 0]), nclx(1, 13)].concat();
        // The first item has the first and the second property, the second one the third.
        let items = [0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 2, 0x81, 2, 0, 2, 1, 3];
        let both = [boxed(b"ipco", &properties), boxed(b"ipma", &items)].concat();
        let meta = [vec![0; 4], boxed(b"pitm", &[0, 0, 0, 0, 0, main]), boxed(b"iprp", &both)].concat();
        [boxed(b"ftyp", b"heic\0\0\0\0"), boxed(b"meta", &meta)].concat()
    };
    assert_eq!(of_heif(&file(1)), Some(Signal { primaries: 9, transfer: 18, brightest: Some(1024) }));
    assert_eq!(of_heif(&file(2)), Some(Signal { primaries: 1, transfer: 13, brightest: None }));
    assert_eq!(of_heif(&file(3)), None);
    let whole = file(1);
    for end in 0..whole.len() {
        assert_eq!(of_heif(&whole[..end]), None, "cut at {end}");
    }
}

#[test]
fn of_an_ultra_hdr_jpeg_the_usual_picture_is_shown() {
    let coded = |colour| {
        let picture = RgbImage::from_pixel(64, 64, Rgb(colour));
        pictures::jpeg(&DynamicImage::ImageRgb8(picture)).unwrap()
    };
    let (base, gain) = (coded([180, 120, 60]), coded([255, 255, 255]));
    let said = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:hdrgm=\"http://ns.adobe.com/hdr-gain-map/1.0/\" hdrgm:Version=\"1.0\"/>";
    let length = u16::try_from(said.len() + 2).unwrap().to_be_bytes();
    let file = [&base[..2], &[0xff, 0xe1], &length, said, &base[2..], &gain].concat();
    let pixel = shown(file).get_pixel(30, 30).0;
    assert!(near(pixel, [180, 120, 60], 3), "{pixel:?}");
}

#[test]
fn paintings_of_light_keep_their_form() {
    let folder = tempfile::tempdir().unwrap();
    let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
    let file = folder.path().join("a.hdr");
    std::fs::write(&file, b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n\x80\x80\x80\x80\x80\0\0\x81")
        .unwrap();
    assert_eq!(super::sniff::sniff_file(&file, "hdr"), Ok(super::sniff::Form::Painting("hdr_pipe")));
    let (picture, facts) = paintings::decode((&sandbox, &limits, &cancel), &file, "hdr_pipe").unwrap();
    assert_eq!((facts.format.as_str(), facts.width, facts.height), ("hdr", 2, 1));
    let picture = picture.to_rgb8();
    assert_eq!((picture.get_pixel(0, 0).0, picture.get_pixel(1, 0).0), ([188; 3], [255, 0, 0]));
}
