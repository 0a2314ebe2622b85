//! Pictures, documents, models, archives, projects.

use super::watch::Canary;
use super::{Case, End, any, case};
use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
use kinora::domain::media::Kind;
use std::io::{Cursor, Write};

pub fn cases(canary: &Canary) -> Vec<Case> {
    let mut all = pictures();
    all.extend(documents(canary));
    all.extend(models(canary));
    all.extend(archives());
    all
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// One chunk of a PNG.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut body = kind.to_vec();
    body.extend(data);
    let mut out = u32::try_from(data.len()).expect("small").to_be_bytes().to_vec();
    out.extend(&body);
    out.extend(crc32(&body).to_be_bytes());
    out
}

pub fn png(width: u32, height: u32, more: &[u8], rows: &[u8]) -> Vec<u8> {
    let mut head = width.to_be_bytes().to_vec();
    head.extend(height.to_be_bytes());
    head.extend([8, 0, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", &head));
    out.extend(more);
    out.extend(chunk(b"IDAT", rows));
    out.extend(chunk(b"IEND", b""));
    out
}

pub fn squeezed(zeros: usize) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::best());
    let piece = vec![0; 1 << 20];
    let mut left = zeros;
    while left > 0 {
        let n = left.min(piece.len());
        out.write_all(&piece[..n]).expect("written");
        left -= n;
    }
    out.finish().expect("finished")
}

fn pictures() -> Vec<Case> {
    let picture = image::RgbImage::from_fn(60, 40, |x, y| image::Rgb([(x * 4) as u8, (y * 6) as u8, 90]));
    let coded = |format| {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).expect("coded");
        out.into_inner()
    };
    let plain = coded(image::ImageFormat::Png);
    let jpeg = coded(image::ImageFormat::Jpeg);
    let mut moving = vec![];
    {
        let mut out = image::codecs::gif::GifEncoder::new(&mut moving);
        for n in 0..3 {
            let picture = image::RgbaImage::from_pixel(60, 40, image::Rgba([n * 90, 90, 200, 255]));
            let delay = image::Delay::from_numer_denom_ms(200, 1);
            out.encode_frame(image::Frame::from_parts(picture, 0, 0, delay)).expect("coded");
        }
    }
    let mut gif = b"GIF89a\xff\xff\xff\xff\xf0\0\0\0\0\0\xff\xff\xff".to_vec();
    gif.extend(b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;");
    // A compressed note of forty megabytes in a picture of four pixels.
    let mut note = b"Comment\0\0".to_vec();
    note.extend(squeezed(40 << 20));
    let noted = png(2, 2, &chunk(b"zTXt", &note), &squeezed(6));
    // Metadata that leads in a circle and out of itself.
    let exif: &[u8] = b"MM\0*\0\0\0\x08\0\x02\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\xff\xff\xff\xf0";
    let mut described = jpeg[..2].to_vec();
    described.extend([0xff, 0xe1]);
    described.extend(u16::try_from(exif.len() + 8).expect("small").to_be_bytes());
    described.extend(b"Exif\0\0");
    described.extend(exif);
    described.extend(&jpeg[2..]);
    let mut tiff = b"II*\0\x08\0\0\0\x04\0".to_vec();
    for (tag, value) in [(256_u16, 60_000_u32), (257, 60_000), (259, 1), (262, 1)] {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(4_u16.to_le_bytes());
        tiff.extend(1_u32.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend([0; 4]);
    let psd = b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\x75\x30\0\0\x75\x30\0\x08\0\x03".to_vec();
    vec![
        case(
            "PNG that says it is huge",
            "a.png",
            png(30_000, 30_000, b"", &squeezed(64)),
            End::Rejected("megapixels are allowed"),
        ),
        case(
            "PNG bomb",
            "a.png",
            png(7000, 7000, b"", &squeezed(7000 * 7001)),
            End::Rejected("megapixels are allowed"),
        ),
        case("PNG with a bomb as a note", "a.png", noted, End::Ready(Kind::Image, any)),
        case("PNG, cut off", "a.png", &plain[..plain.len() / 2], End::Rejected("cut off")),
        case(
            "PNG with less than it says",
            "a.png",
            png(3000, 3000, b"", &squeezed(3000)),
            End::Rejected("cannot be read"),
        ),
        case("GIF bomb", "a.gif", gif, End::Rejected("megapixels are allowed")),
        case("TIFF bomb", "a.tif", tiff, End::Rejected("")),
        case("Photoshop bomb", "a.psd", psd, End::Rejected("")),
        case(
            "JPEG with metadata in a circle",
            "a.jpg",
            described,
            End::Ready(Kind::Image, |w| w.facts.width == 60),
        ),
        case("JPEG, cut off", "a.jpg", &jpeg[..jpeg.len() / 3], End::Rejected("cannot be read")),
        case("picture of one pixel", "a.png", png(1, 1, b"", &squeezed(2)), End::Ready(Kind::Image, any)),
        case(
            "moving picture",
            "a.gif",
            moving.clone(),
            End::Ready(Kind::Video, |w| w.facts.repeats && w.duration_ms == 600),
        ),
        case(
            "moving picture, cut off",
            "a.gif",
            &moving[..moving.len() - 30],
            End::Ready(Kind::Video, |w| w.facts.repeats && w.duration_ms < 600),
        ),
        case(
            "raw file whose parts lead in a circle",
            "a.dng",
            b"II*\0\x08\0\0\0\x01\0\x4a\x01\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
            End::Ready(Kind::Other, |w| w.facts.format == "camera raw file"),
        ),
        case(
            "HEIC without a picture",
            "a.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            End::Rejected("cannot be read"),
        ),
        case(
            "HEIC that says it is huge",
            "a.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x14ispe\0\0\0\0\0\x01\0\0\0\x01\0\0",
            End::Rejected("megapixels are allowed"),
        ),
        case(
            "AVIF of nothing but a size",
            "a.avif",
            b"\0\0\0\x18ftypavif\0\0\0\0mif1avif\0\0\0\x14ispe\0\0\0\0\0\0\0\x40\0\0\0\x40",
            // By which of the two sentences depends on what is installed.
            End::Rejected(""),
        ),
        case(
            "Radiance picture that says it is huge",
            "a.hdr",
            b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 99999 +X 99999\n",
            End::Rejected("megapixels are allowed"),
        ),
        case(
            "Radiance picture that repeats itself without end",
            "a.hdr",
            [b"#?RADIANCE\n\n-Y 9 +X 7\n".to_vec(), [1, 1, 1, 0].repeat(99)].concat(),
            End::Rejected("cannot be read"),
        ),
        case(
            "OpenEXR of nothing but a head",
            "a.exr",
            b"\x76\x2f\x31\x01\x02\0\0\0",
            End::Rejected("cannot be read"),
        ),
        case(
            "picture with a colour profile of noise",
            "a.png",
            png(4, 1, &chunk(b"iCCP", &[b"x\0\0".as_slice(), &squeezed(9 << 20)].concat()), &squeezed(5)),
            End::Ready(Kind::Image, any),
        ),
        case(
            "picture that says it is brighter than the sun",
            "a.png",
            png(4, 1, &[chunk(b"cICP", &[9, 16, 0, 1]), chunk(b"cLLI", &[0xff; 8])].concat(), &squeezed(5)),
            End::Ready(Kind::Image, any),
        ),
        case(
            "office document, cut off",
            "a.docx",
            b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0",
            End::Ready(Kind::Other, |w| w.facts.format == "office document"),
        ),
    ]
}

/// A PDF of one page with this box, resources and content.
pub fn pdf(count: &str, media: &str, more: &str, content: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R {more} >> endobj\n2 0 obj << /Type /Pages /Kids [3 0 R] /Count {count} >> endobj\n\
         3 0 obj << /Type /Page /Parent 2 0 R /MediaBox {media} /Contents 4 0 R >> endobj\n\
         4 0 obj << /Length {} /Filter /FlateDecode >> stream\n",
        content.len()
    )
    .into_bytes();
    out.extend(content);
    out.extend(b"\nendstream endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n");
    out
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text).expect("written");
    out.finish().expect("finished")
}

fn documents(canary: &Canary) -> Vec<Case> {
    // Narrow: what is made of a page costs as much as it is large.
    let page = "[0 0 20 842]";
    let content = deflated(b"0 0 100 100 re f");
    let good = pdf("1", page, "", &content);
    let calls = format!(
        "/OpenAction << /S /URI /URI ({0}/x) >> /AA << /O << /S /Launch /F (file://{1}) >> >>",
        canary.url,
        canary.file.display()
    );
    let document = |good| End::Ready(Kind::Document, good);
    vec![
        case("PDF", "a.pdf", good.clone(), document(|w| w.facts.pages == 1)),
        case("PDF bomb", "a.pdf", pdf("1", page, "", &squeezed(100 << 20)), document(any)),
        case(
            "PDF of a page as large as a town",
            "a.pdf",
            pdf("1", "[0 0 40000 2000000]", "", &content),
            document(any),
        ),
        case(
            "PDF that says it has endless pages",
            "a.pdf",
            pdf("99999999", page, "", &content),
            End::Rejected("document cannot be read"),
        ),
        case(
            "PDF whose pages hold themselves",
            "a.pdf",
            String::from_utf8_lossy(&pdf("1", page, "", b""))
                .replace("/Kids [3 0 R]", "/Kids [2 0 R]")
                .into_bytes(),
            End::Rejected("document cannot be read"),
        ),
        case("PDF that calls out", "a.pdf", pdf("1", page, &calls, &content), document(any)),
        case(
            "PDF, head only",
            "a.pdf",
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
            End::Rejected("document cannot be read"),
        ),
        case(
            "PDF, noise",
            "a.pdf",
            [
                b"%PDF-1.7\n".to_vec(),
                (0..9000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
            ]
            .concat(),
            End::Rejected("document cannot be read"),
        ),
        case("text of one long line", "a.txt", vec![b'x'; 3 << 20], document(any)),
        case("text with marks of direction", "a.md", "# \u{202e}drow\u{202c}\n".repeat(50), document(any)),
    ]
}

fn glb(json: &str, bin: &[u8]) -> Vec<u8> {
    let mut text = json.as_bytes().to_vec();
    text.resize(text.len().next_multiple_of(4), b' ');
    let length = |n: usize| u32::try_from(n).expect("small").to_le_bytes();
    let mut out = b"glTF\x02\0\0\0".to_vec();
    out.extend(length(12 + 8 + text.len() + 8 + bin.len()));
    out.extend(length(text.len()));
    out.extend(b"JSON");
    out.extend(text);
    out.extend(length(bin.len()));
    out.extend(b"BIN\0");
    out.extend(bin);
    out
}

fn models(canary: &Canary) -> Vec<Case> {
    let refused = || End::Rejected("3D model cannot be read");
    let elsewhere = |uri: &str| {
        format!(
            "{{\"asset\":{{\"version\":\"2.0\"}},\"buffers\":[{{\"uri\":\"{uri}\",\"byteLength\":36}}],\"scenes\":[{{\"nodes\":[]}}]}}"
        )
    };
    // Each node holds the next one twice: two to the power of sixty of them.
    let doubling: Vec<String> = (0..60).map(|n| format!("{{\"children\":[{0},{0}]}}", n + 1)).collect();
    let doubling = format!(
        "{{\"asset\":{{\"version\":\"2.0\"}},\"scene\":0,\"scenes\":[{{\"nodes\":[0]}}],\"nodes\":[{},{{}}]}}",
        doubling.join(",")
    );
    let circle = "{\"asset\":{\"version\":\"2.0\"},\"scene\":0,\"scenes\":[{\"nodes\":[0]}],\"nodes\":[{\"children\":[0]}]}";
    let counted = "{\"asset\":{\"version\":\"2.0\"},\"scene\":0,\"scenes\":[{\"nodes\":[0]}],\"nodes\":[{\"mesh\":0}],\"buffers\":[{\"byteLength\":12}],\
        \"bufferViews\":[{\"buffer\":0,\"byteLength\":12}],\"accessors\":[{\"bufferView\":0,\"componentType\":5126,\"count\":4000000000,\"type\":\"VEC3\",\"min\":[0,0,0],\"max\":[1,1,1]}],\
        \"meshes\":[{\"primitives\":[{\"attributes\":{\"POSITION\":0}}]}]}";
    let view = "{\"asset\":{\"version\":\"2.0\"},\"scene\":0,\"scenes\":[{\"nodes\":[]}],\"buffers\":[{\"byteLength\":4}],\
        \"bufferViews\":[{\"buffer\":0,\"byteOffset\":18446744073709551615,\"byteLength\":18446744073709551615}],\"images\":[{\"bufferView\":0,\"mimeType\":\"image/png\"}]}";
    let mut cut = glb(circle, &[0; 12]);
    cut[12..16].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let ply = "ply\nformat binary_little_endian 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nelement face 1\nproperty list uint int vertex_indices\nend_header\n";
    let mut listed = ply.as_bytes().to_vec();
    listed.extend([0; 36]);
    listed.extend(0xffff_fff0_u32.to_le_bytes());
    let mut many =
        b"ply\nformat ascii 1.0\nelement vertex 4000000000\nproperty float x\nend_header\n".to_vec();
    many.extend(b"0\n");
    let mut stl = vec![0; 84];
    stl[80..84].copy_from_slice(&1_u32.to_le_bytes());
    let mut nans = stl.clone();
    nans.extend(f32::NAN.to_le_bytes().repeat(12));
    nans.extend([0; 2]);
    vec![
        case(
            "glTF of another file",
            "a.gltf",
            elsewhere(&format!("file://{}", canary.file.display())),
            refused(),
        ),
        case("glTF of another site", "a.gltf", elsewhere(&format!("{}/x.bin", canary.url)), refused()),
        case("glTF of the folder above", "a.gltf", elsewhere("../../../etc/passwd"), refused()),
        case("glTF in itself", "a.gltf", circle, refused()),
        case("glTF that doubles itself", "a.gltf", doubling, refused()),
        case("GLB of endless corners", "a.glb", glb(counted, &[0; 12]), refused()),
        case("GLB with a view beyond its end", "a.glb", glb(view, &[0; 4]), refused()),
        case("GLB whose part is longer than it", "a.glb", cut, refused()),
        case("PLY with a list without end", "a.ply", listed, refused()),
        case("PLY of endless corners", "a.ply", many, refused()),
        case(
            "PLY of endless elements without anything",
            "a.ply",
            "ply\nformat binary_little_endian 1.0\nelement none 999999999999999\nend_header\n",
            refused(),
        ),
        case("STL without numbers", "a.stl", nans, refused()),
        case(
            "OBJ with a name without end and materials elsewhere",
            "a.obj",
            format!(
                "mtllib {}\no {}\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl x\nf 1 2 3\n",
                canary.file.display(),
                "x".repeat(2 << 20)
            ),
            End::Ready(Kind::Model, |w| w.facts.triangles == 1),
        ),
        case("OBJ of corners that are not there", "a.obj", "v 0 0 0\nf 1 99999999 -7\n", refused()),
        case(
            "Blender project with a picture without end",
            "a.blend",
            [
                b"BLENDER-v402TEST".to_vec(),
                u32::MAX.to_le_bytes().to_vec(),
                vec![0; 16],
                u32::MAX.to_le_bytes().repeat(2),
            ]
            .concat(),
            End::Ready(Kind::Other, |w| w.poster.is_none()),
        ),
    ]
}

pub fn zipped(files: &[(&str, usize)]) -> Vec<u8> {
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let piece = vec![0; 1 << 20];
    for (name, length) in files {
        out.start_file(*name, zip::write::SimpleFileOptions::default()).expect("entry");
        for _ in 0..length.div_ceil(piece.len()) {
            out.write_all(&piece).expect("bytes");
        }
    }
    out.finish().expect("zip").into_inner()
}

fn header(name: &str, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut head = tar::Header::new_ustar();
    head.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    head.set_entry_type(kind);
    head.set_size(size);
    head.set_mode(0o644);
    head.set_cksum();
    head
}

fn archives() -> Vec<Case> {
    let archive = |good| End::Ready(Kind::Archive, good);
    let good = zipped(&[("a/b.txt", 1)]);
    let many: Vec<String> = (0..20_000).map(|n| format!("{n}")).collect();
    let many: Vec<(&str, usize)> = many.iter().map(|n| (n.as_str(), 0)).collect();
    // Two files that say they are as long as a number can be.
    let mut long = zipped(&[("a", 0), ("b", 0)]);
    for at in memchr::memmem::find_iter(&long.clone(), b"PK\x01\x02") {
        long[at + 20..at + 28].copy_from_slice(&[0xfe; 8]);
    }
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(header("zeros", tar::EntryType::Regular, 80 << 20).as_bytes()).expect("head");
    let piece = vec![0; 1 << 20];
    for _ in 0..80 {
        bomb.write_all(&piece).expect("bytes");
    }
    let bomb = bomb.finish().expect("gzip");
    let mut link = header("link", tar::EntryType::Symlink, 0);
    link.set_link_name("/etc/passwd").expect("a name");
    link.set_cksum();
    let mut linked = link.as_bytes().to_vec();
    linked.extend(header("../../../etc/cron.d/x", tar::EntryType::Regular, 0).as_bytes());
    linked.extend([0; 1024]);
    let mut endless = header("x", tar::EntryType::Regular, u64::MAX).as_bytes().to_vec();
    endless.extend([0; 2048]);
    vec![
        case(
            "ZIP bomb",
            "a.zip",
            zipped(&[("zeros", 64 << 20)]),
            archive(|w| w.facts.unpacked_bytes == 64 << 20),
        ),
        case(
            "ZIP with names that climb",
            "a.zip",
            zipped(&[("../../../../etc/passwd", 0), ("/etc/shadow", 0), ("C:\\windows\\x", 0)]),
            archive(|w| w.facts.entries == 3),
        ),
        case("ZIP of twenty thousand files", "a.zip", zipped(&many), archive(|w| w.facts.entries == 5000)),
        case("ZIP of files without end", "a.zip", long, archive(|w| w.facts.entries == 2)),
        case("ZIP, cut off", "a.zip", &good[..good.len() - 30], End::Rejected("archive is damaged")),
        case(
            "ZIP, empty",
            "a.zip",
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            archive(|w| w.facts.entries == 0),
        ),
        case("tar bomb in gzip", "a.tgz", bomb, archive(|w| w.facts.entries == 1)),
        case("tar of links", "a.tar", linked, archive(|w| w.facts.entries == 1)),
        case("tar of a file without end", "a.tar", endless, End::Rejected("archive is damaged")),
        case(
            "gzip, cut off",
            "a.tar.gz",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xed",
            End::Rejected("archive is damaged"),
        ),
        case(
            "Zstandard, noise",
            "a.tar.zst",
            [b"\x28\xb5\x2f\xfd".to_vec(), vec![0xa7; 400]].concat(),
            End::Rejected("archive is damaged"),
        ),
    ]
}
