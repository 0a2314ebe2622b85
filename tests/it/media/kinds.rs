//! Documents, text, models, archives and project files: shown, downloaded whole, and only by whom they may.

use super::*;
use std::io::Write as _;

const CUBE: &str =
    "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nf 1 2 3 4\nf 1 2 5\nf 2 3 5\nf 3 4 5\nf 4 1 5\n";

fn archive() -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for name in ["textures/wood <b>.png", "scene.blend"] {
        out.start_file(name, zip::write::SimpleFileOptions::default()).expect("entry");
        out.write_all(&[7; 2000]).expect("bytes");
    }
    out.finish().expect("zip").into_inner()
}

/// A picture of Krita: a ZIP that begins by saying so, with a small picture of itself in it.
fn krita() -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    let parts = [
        ("mimetype", b"application/x-krita".to_vec()),
        ("preview.png", picture()),
        ("maindoc.xml", vec![b'x'; 9]),
    ];
    for (name, bytes) in parts {
        out.start_file(name, zip::write::SimpleFileOptions::default()).expect("entry");
        out.write_all(&bytes).expect("bytes");
    }
    out.finish().expect("zip").into_inner()
}

/// A Blender project with nothing in it but its thumbnail.
fn project() -> Vec<u8> {
    let mut file = b"BLENDER-v402TEST".to_vec();
    file.extend((8 + 64 * 48 * 4_u32).to_le_bytes());
    file.extend([0; 16]);
    file.extend(64_u32.to_le_bytes());
    file.extend(48_u32.to_le_bytes());
    file.extend([200, 120, 40, 255].repeat(64 * 48));
    file
}

fn document() -> Vec<u8> {
    let content = "BT /F1 40 Tf 30 90 Td (Storyboard of act one) Tj ET";
    format!(
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n\
         3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 500 200] /Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >> endobj\n\
         4 0 obj << /Length {} >> stream\n{content}\nendstream endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n",
        content.len()
    )
    .into_bytes()
}

fn address<'a>(page: &'a str, part: &str) -> Option<&'a str> {
    page.split('"').find(|text| text.starts_with("/m/") && text.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_shown_and_given_whole_to_members_only() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let visitor = studio.browser();
    let cases = [
        ("Storyboard", "a.pdf", document(), "document", "/pages/0001.jpg", "Storyboard of act one"),
        ("Script", "a.py", b"print('<hi>')\n".to_vec(), "document", "original.py", "print('&lt;hi&gt;')"),
        ("Pyramid", "a.obj", CUBE.into(), "model", "/view.glb", "6 triangles"),
        ("Textures", "a.zip", archive(), "archive", "original.zip", "textures/wood &lt;b&gt;.png"),
        ("Lantern", "a.kra", krita(), "archive", "original.kra", "maindoc.xml"),
        ("Scene", "a.blend", project(), "other", "original.blend", "Blender project"),
        (
            "Pinsel für Öl",
            "a.kpp",
            vec![0xfe, 1, 2, 3, 0, 9],
            "other",
            "original.kpp",
            "File of another program",
        ),
    ];
    for (title, name, bytes, kind, part, words) in cases {
        let sent = upload(&maker, title, name, bytes.clone()).await;
        assert_eq!(sent.status, 303, "{title}: {}", sent.body);
        let work =
            wait(&studio, title, |w| matches!(w.processing.as_str(), "ready" | "rejected" | "failed")).await;
        assert_eq!(work.processing, "ready", "{title}: {:?}", work.reason);
        assert_eq!(work.kind.map(|k| k.to_string()).as_deref(), Some(kind), "{title}");
        let editor = format!("/studio/media/{}", work.id);
        assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
        studio.settle().await;
        let page = maker.get(&format!("/media/{}", work.slug)).await;
        assert!(page.status == 200 && page.body.contains(words), "{title}: {}", page.body);
        let file = address(&page.body, part).unwrap_or_else(|| panic!("{title}: {}", page.body)).to_owned();
        assert_eq!(maker.get(&file).await.status, 200, "{file}");
        let (headers, whole) = maker.download(address(&page.body, "/original.").expect("the original")).await;
        assert_eq!(whole, bytes, "{title}");
        assert_eq!(headers["content-type"], "application/octet-stream");
        let named = headers["content-disposition"].to_str().expect("a name").to_owned();
        assert!(named.starts_with("attachment; filename=\"") && named.contains(&work.slug), "{named}");
        assert_eq!(
            named.contains("; filename*=UTF-8''Pinsel%20f%C3%BCr%20%C3%96l.kpp"),
            !title.is_ascii(),
            "{named}"
        );
        // Published for members: its page and picture are public, its content is not.
        let locked = visitor.get(&format!("/media/{}", work.slug)).await;
        assert!(
            locked.status == 200 && !locked.body.contains(words) && address(&locked.body, "/m/").is_none()
        );
        assert_eq!(visitor.get(&file).await.status, 404);
        assert_eq!(visitor.get(file.split('?').next().expect("path")).await.status, 404);
        if matches!(title, "Lantern" | "Scene") {
            let small = format!("/media/files/{}/1/poster-", work.id);
            assert!(work.poster.is_some() && page.body.contains(&small), "{title}: {}", page.body);
        }
        // The first page of a document is to be read by members; everybody gets a picture for a card.
        if name.ends_with(".pdf") {
            let at = |width: u32| format!("/media/files/{}/1/poster-{width}.jpg", work.id);
            let widths = work.poster.expect("a poster").widths;
            assert_eq!(widths[..3], [400, 800, 1200]);
            for (width, status) in [(400, 200), (800, 200), (1200, 404)] {
                assert_eq!(visitor.get(&at(width)).await.status, status, "{width}");
                assert_eq!(maker.get(&at(width)).await.status, 200, "{width}");
            }
        }
    }
    // Of a film, a sound or a picture the original stays with its maker's studio.
    upload(&maker, "Still", "still.png", picture()).await;
    let still = wait(&studio, "Still", |w| w.processing == "ready").await;
    let page = maker.get(&format!("/media/{}", still.slug)).await;
    let base = address(&page.body, "?download=1").and_then(|a| a.rsplit_once('/')).expect("a download").0;
    assert_eq!(maker.get(&format!("{base}/original.png")).await.status, 404);
    let cx = &studio.instance.services;
    let found = kinora::actors::media_files::verify(cx, kinora::actors::media_files::Depth::Bytes)
        .await
        .expect("verify");
    assert!(found.ok, "{found:?}");
    studio.verify().await;
    studio.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_or_kept_is_refused_with_what_to_do() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    for (title, name, bytes, words) in [
        ("Note", "a.mp4", b"just text".to_vec(), "plain text"),
        ("List", "a.txt", b"#EXTM3U\nhttp://example.org/x.ts\n".to_vec(), "playlist"),
        ("Broken pages", "a.pdf", b"%PDF-1.7 and no more".to_vec(), "document cannot be read"),
        ("Broken box", "a.zip", b"PK\x03\x04 and no more".to_vec(), "archive is damaged"),
        (
            "Elsewhere",
            "a.gltf",
            br#"{"asset":{"version":"2.0"},"buffers":[{"uri":"../x.bin","byteLength":9}]}"#.to_vec(),
            "3D model cannot be read",
        ),
        ("Program", "a.zip", b"\x7fELF\x02\x01\x01".to_vec(), "program"),
    ] {
        assert_eq!(upload(&maker, title, name, bytes).await.status, 303);
        let work =
            wait(&studio, title, |w| matches!(w.processing.as_str(), "ready" | "rejected" | "failed")).await;
        assert_eq!(work.processing, "rejected", "{title}");
        let reason = work.reason.clone().unwrap_or_default();
        assert!(reason.contains(words), "{title}: {reason}");
        let left =
            kinora::media::store::MediaStore::new(studio.data.path()).original(&work.sha256).expect("path");
        assert!(!left.exists(), "{title}");
    }
    studio.close().await;
}

/// A text document in the OpenDocument form, in which there is nothing but its name.
fn office() -> Vec<u8> {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    let plain = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    out.start_file("mimetype", plain).expect("entry");
    out.write_all(b"application/vnd.oasis.opendocument.text").expect("bytes");
    out.finish().expect("zip").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_document_without_a_program_for_it_is_a_card_and_its_maker_reads_why() {
    use kinora::media::sandbox::{Confinement, Sandbox};
    let studio = Studio::with_roles(Roles { scheduler: false, worker: false, ..Roles::ALL }).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let visitor = studio.browser();
    let cx = &studio.instance.services;
    assert_eq!(upload(&maker, "Treatment", "Treatment.odt", office()).await.status, 303);
    studio.settle().await;
    let work = the_work(&studio, "Treatment").await;
    // As under the packaged worker unit: bubblewrap may not, seccomp lets no program open a socket.
    let mut tools = kinora::actors::encoder::Tools::new(cx);
    tools.sandbox = Sandbox::with(Confinement::Within { files: true, network: true });
    kinora::actors::encoder::drain(cx, &tools, work.id).await.expect("worked off");
    studio.settle().await;
    let work = the_work(&studio, "Treatment").await;
    assert_eq!((work.processing.as_str(), work.kind.map(|k| k.to_string())), ("ready", Some("other".into())));
    let editor = format!("/studio/media/{}", work.id);
    assert_eq!(maker.submit(&editor, &format!("{editor}/publish"), &[]).await.status, 303);
    studio.settle().await;
    let address = format!("/media/{}", work.slug);
    let why = work.facts.not_shown.expect("a reason").sentence();
    for page in [editor.as_str(), &address] {
        let shown = maker.get(page).await.body;
        assert!(shown.contains(why) && shown.contains("Office document"), "{page}: {shown}");
    }
    let page = maker.get(&address).await.body;
    let (_, whole) = maker.download(self::address(&page, "/original.odt").expect("a download")).await;
    assert_eq!(whole, office());
    let seen = visitor.get(&address).await.body;
    assert!(seen.contains("Treatment") && !seen.contains("LibreOffice"), "{seen}");
    studio.verify().await;
    studio.close().await;
}
