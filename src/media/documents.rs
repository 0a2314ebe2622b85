//! PDF documents: examined and drawn page by page by poppler, inside the sandbox.

use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::store::{private_folder, write_atomically};
use super::{Limits, MediaTrouble, pictures};
use crate::domain::media::{Facts, Poster, Rejection};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Longer side of a page as it is shown, in pixels.
const SIDE: u32 = 1600;
/// Seconds for one page at most.
const PAGE_SECONDS: u64 = 60;
/// Pages after which nothing more is drawn when they did not end in their time: a document of endless pages would
/// hold a slot for hours.
const MOST_ENDLESS: u32 = 2;
/// Most characters of text kept of one page.
const PAGE_TEXT: usize = 20_000;
/// The list of pages.
pub const PAGES: &str = "pages.json";

/// One page as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Its picture, below the folder of the work.
    pub file: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What is written on it.
    pub text: String,
}

fn unreadable(found: &str) -> MediaTrouble {
    MediaTrouble::Rejected(Rejection::DocumentUnreadable { found: found.into() })
}

/// What a helper's end means for a document that nobody has looked into before.
fn verdict(error: SandboxError) -> MediaTrouble {
    match error {
        SandboxError::Exit { message, .. } if message.contains("assword") => {
            MediaTrouble::Rejected(Rejection::Encrypted)
        }
        SandboxError::Exit { code: Some(_), .. } => unreadable("it is damaged or cut off"),
        SandboxError::Exit { code: None, .. } => MediaTrouble::Rejected(Rejection::ProbeExhausted),
        other => other.into(),
    }
}

/// Counts the pages and draws the first one small, so that a bomb goes off here.
///
/// # Errors
/// A rejection with its sentence, or a failure of the examination itself.
pub fn examine(
    sandbox: &Sandbox,
    limits: &Limits,
    file: &Path,
    cancel: &Cancel,
) -> Result<Facts, MediaTrouble> {
    let time = Duration::from_secs(limits.probe_seconds);
    let mut job = sandbox.job("pdfinfo", limits, time);
    let input = job.reads(file)?;
    job.args([input]);
    let mut pages = 0;
    job.run(cancel, |line| {
        if let Some(count) = line.strip_prefix("Pages:") {
            pages = count.trim().parse().unwrap_or(0);
        }
    })
    .map_err(verdict)?;
    if pages == 0 {
        return Err(unreadable("it has no pages"));
    }
    let room = tempfile::tempdir()?;
    draw(sandbox, limits, file, (1, 400), room.path(), cancel).map_err(verdict)?;
    Ok(Facts { format: "pdf".into(), pages, frame_rate: (0, 1), ..Facts::default() })
}

/// Draws one page as `page.png` into a folder.
pub(super) fn draw(
    sandbox: &Sandbox,
    limits: &Limits,
    file: &Path,
    (page, side): (u32, u32),
    folder: &Path,
    cancel: &Cancel,
) -> Result<(), SandboxError> {
    let time = Duration::from_secs(PAGE_SECONDS.min(limits.probe_seconds));
    let mut job = sandbox.job("pdftoppm", limits, time);
    let input = job.reads(file)?;
    let out = job.writes(folder)?;
    let number = page.to_string();
    job.args(["-png", "-singlefile", "-f", &number, "-l", &number, "-scale-to", &side.to_string()]);
    job.args([input, format!("{out}/page")]);
    job.run(cancel, |_| {})
}

/// What is written on the pages, in order; empty where nothing can be read.
fn texts(
    sandbox: &Sandbox,
    limits: &Limits,
    file: &Path,
    pages: u32,
    cancel: &Cancel,
) -> Result<Vec<String>, MediaTrouble> {
    let time = Duration::from_secs(limits.probe_seconds);
    let mut job = sandbox.job("pdftotext", limits, time);
    let input = job.reads(file)?;
    job.args(["-enc", "UTF-8", "-l", &pages.to_string(), &input, "-"]);
    let mut all = vec![String::new()];
    let outcome = job.run(cancel, |line| {
        for (n, piece) in line.split('\x0c').enumerate() {
            if n > 0 {
                all.push(String::new());
            }
            if let Some(page) = all.last_mut().filter(|p| p.len() < PAGE_TEXT) {
                page.push_str(piece);
                page.push('\n');
            }
        }
    });
    match outcome {
        // A page whose text cannot be read can still be seen.
        Ok(()) | Err(SandboxError::Exit { .. } | SandboxError::TimedOut) => {}
        Err(other) => return Err(other.into()),
    }
    let tidy = |text: &String| {
        let plain: String = text.chars().filter(|c| !c.is_control() || *c == '\n').take(PAGE_TEXT).collect();
        plain.trim().to_owned()
    };
    Ok(all.iter().map(tidy).collect())
}

/// Writes the pages as pictures into `folder/pages` with their list, and gives the poster of the first.
/// At most [`Limits::document_pages`] are drawn. `progress` hears (pages done, pages in all).
///
/// # Errors
/// A failure with its reason, or cancellation.
pub fn write_pages(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
    pages: u32,
    folder: &Path,
    scratch: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<(Vec<Page>, Option<Poster>), MediaTrouble> {
    let shown = pages.min(limits.document_pages);
    let mut written = texts(sandbox, limits, file, shown, cancel)?.into_iter();
    private_folder(&folder.join("pages"))?;
    private_folder(scratch)?;
    let (mut list, mut poster, mut endless) = (vec![], None, 0);
    for page in 1..=shown {
        let text = written.next().unwrap_or_default();
        match draw(sandbox, limits, file, (page, SIDE), scratch, cancel) {
            Ok(()) => {}
            // One page that cannot be drawn does not take the others along.
            Err(SandboxError::Exit { .. }) if page > 1 => continue,
            Err(SandboxError::TimedOut) if page > 1 => {
                endless += 1;
                if endless == MOST_ENDLESS {
                    tracing::info!(
                        page,
                        "the rest of a document is not drawn: its pages do not end in their time"
                    );
                    break;
                }
                continue;
            }
            Err(other) => return Err(other.into()),
        }
        let (picture, _) = pictures::decode(&scratch.join("page.png"), limits)?;
        if page == 1 {
            poster = Some(pictures::write_sizes(&picture, folder, "poster", |_, _| {})?);
        }
        let name = format!("pages/{page:04}.jpg");
        write_atomically(&folder.join(&name), &pictures::jpeg(&picture)?)?;
        list.push(Page { file: name, width: picture.width(), height: picture.height(), text });
        progress(page.into(), shown.into());
    }
    let json = serde_json::to_vec(&list).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    write_atomically(&folder.join(PAGES), &json)?;
    Ok((list, poster))
}

/// The pages of a made document, from the bytes of their list.
#[must_use]
pub fn pages(list: &[u8]) -> Vec<Page> {
    serde_json::from_slice(list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// A PDF of some pages with a word on each.
    fn pdf(words: &[&str]) -> Vec<u8> {
        let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
        let kids: Vec<String> = (0..words.len()).map(|n| format!("{} 0 R", 4 + 2 * n)).collect();
        objects.push(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), words.len()));
        objects.push("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".into());
        for (n, word) in words.iter().enumerate() {
            let content = format!("BT /F1 48 Tf 40 100 Td ({word}) Tj ET");
            objects.push(format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
                5 + 2 * n
            ));
            objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
        }
        let mut file = String::from("%PDF-1.4\n");
        let mut offsets = vec![];
        for (n, object) in objects.iter().enumerate() {
            offsets.push(file.len());
            write!(file, "{} 0 obj\n{object}\nendobj\n", n + 1).unwrap();
        }
        let table = file.len();
        write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
        for offset in offsets {
            writeln!(file, "{offset:010} 00000 n ").unwrap();
        }
        write!(file, "trailer << /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1)
            .unwrap();
        file.into_bytes()
    }

    fn written(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("document");
        std::fs::write(&file, bytes).unwrap();
        (folder, file)
    }

    #[test]
    fn a_document_becomes_pages_with_their_text() {
        let (folder, file) = written(&pdf(&["Storyboard", "Second", "Third"]));
        let (sandbox, cancel) = (Sandbox::detect(), Cancel::default());
        let limits = Limits { document_pages: 2, ..Limits::default() };
        let facts = examine(&sandbox, &limits, &file, &cancel).unwrap();
        assert_eq!(facts.pages, 3);
        let scratch = folder.path().join("scratch");
        let public = folder.path().join("public");
        let mut seen = vec![];
        let kit = (&sandbox, &limits, &cancel);
        let (list, poster) =
            write_pages(kit, &file, 3, &public, &scratch, |done, of| seen.push((done, of))).unwrap();
        assert_eq!(list.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), ["Storyboard", "Second"]);
        assert_eq!((list[0].width, list[0].height), (1600, 800));
        assert_eq!(seen, [(1, 2), (2, 2)]);
        assert_eq!(pages(&std::fs::read(public.join(PAGES)).unwrap()), list);
        assert_eq!(poster.unwrap().widths, [400, 800, 1200, 1600]);
        assert!(public.join("pages/0002.jpg").exists());
    }

    #[test]
    fn damaged_and_locked_documents_are_refused_in_words() {
        let sandbox = Sandbox::detect();
        let whole = pdf(&["x"]);
        for bytes in [&b"%PDF-1.7\nnothing"[..], &whole[..60]] {
            let (_folder, file) = written(bytes);
            let why = examine(&sandbox, &Limits::default(), &file, &Cancel::default()).unwrap_err();
            assert!(why.to_string().starts_with("The document cannot be read: "), "{why}");
        }
    }
}
