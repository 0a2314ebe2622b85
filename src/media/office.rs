//! Office documents (texts, tables, slides): LibreOffice turns them into a PDF in the sandbox, without network,
//! without macros and without a profile that stays; what is shown are the pages of that. Where it is not installed,
//! cannot run, or does not come to terms with a file, the file is kept and given as it is.

use super::MediaTrouble;
use super::limits::Limits;
use super::sandbox::{Cancel, Confinement, Sandbox, SandboxError};
use crate::domain::media::NotShown;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The program, by both of its names.
const PROGRAMS: [&str; 2] = ["soffice", "libreoffice"];

/// Endings of what LibreOffice reads and whose content alone does not tell it from archives or old databases.
pub const ENDINGS: [&str; 22] = [
    "doc", "docm", "docx", "dot", "dotx", "odg", "odp", "ods", "odt", "otp", "ots", "ott", "pot", "potx",
    "pps", "ppsx", "ppt", "pptm", "pptx", "xls", "xlsm", "xlsx",
];

/// The program that is installed here.
#[must_use]
pub fn program() -> Option<&'static str> {
    PROGRAMS.into_iter().find(|name| Path::new("/usr/bin").join(name).exists())
}

/// Turns an office document into a PDF inside `room`, or says why that cannot be.
///
/// # Errors
/// A failure of the machine, or cancellation.
pub fn to_pdf(
    kit: (&Sandbox, &Limits, &Cancel),
    file: &Path,
    room: &Path,
) -> Result<Result<PathBuf, NotShown>, MediaTrouble> {
    to_pdf_by(kit, file, room, program())
}

fn to_pdf_by(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
    room: &Path,
    program: Option<&'static str>,
) -> Result<Result<PathBuf, NotShown>, MediaTrouble> {
    let Some(program) = program else { return Ok(Err(NotShown::ProgramMissing)) };
    // It speaks with itself through a socket. Without one it ends at once, as if the file were at fault.
    if matches!(sandbox.confinement(), Confinement::Within { network: true, .. }) {
        return Ok(Err(NotShown::NoSockets));
    }
    let mut job = sandbox.job(program, limits, Duration::from_secs(limits.probe_seconds));
    let input = job.reads(file)?;
    let out = job.writes(room)?;
    job.args([format!("-env:UserInstallation=file://{out}/profile")]);
    job.args(["--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo"]);
    job.args(["--convert-to", "pdf", "--outdir"]).args([out, input]);
    match job.run(cancel, |_| {}) {
        Ok(()) => {}
        Err(error @ (SandboxError::Exit { .. } | SandboxError::TimedOut)) => {
            tracing::info!(%error, "an office document could not be turned into a PDF");
            return Ok(Err(NotShown::NotUnderstood));
        }
        Err(other) => return Err(other.into()),
    }
    // It ends well also when it could not read the file.
    let made = std::fs::read_dir(room)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "pdf"));
    Ok(made.ok_or(NotShown::NotUnderstood))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::documents;
    use crate::media::sniff::{Form, sniff_file};
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    /// A text document in the OpenDocument form, with these words.
    pub fn odt(words: &str) -> Vec<u8> {
        let mut file = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
        let plain = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let mut put = |name: &str, text: &str| {
            file.start_file(name, plain).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        put("mimetype", "application/vnd.oasis.opendocument.text");
        put(
            "META-INF/manifest.xml",
            r#"<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"#,
        );
        put(
            "content.xml",
            &format!(
                r#"<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:text><text:p>{words}</text:p></office:text></office:body></office:document-content>"#
            ),
        );
        file.finish().unwrap().into_inner()
    }

    #[test]
    fn a_text_becomes_pages() {
        let folder = tempfile::tempdir().unwrap();
        let (file, room) = (folder.path().join("a.odt"), folder.path().join("room"));
        std::fs::create_dir(&room).unwrap();
        std::fs::write(&file, odt("Storyboard of the meadow")).unwrap();
        assert_eq!(sniff_file(&file, "odt"), Ok(Form::Office("odt")));
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        let pdf = match to_pdf(kit, &file, &room).unwrap() {
            Ok(pdf) => pdf,
            Err(NotShown::ProgramMissing) => return assert_eq!(program(), None),
            Err(NotShown::NoSockets) => return assert_ne!(sandbox.confinement(), Confinement::Bubblewrap),
            Err(NotShown::NotUnderstood) => panic!("it could not be turned into a PDF"),
        };
        assert_eq!(documents::examine(&sandbox, &limits, &pdf, &cancel).unwrap().pages, 1);
        let (public, scratch) = (folder.path().join("public"), folder.path().join("scratch"));
        let (pages, poster) = documents::write_pages(kit, &pdf, 1, &public, &scratch, |_, _| {}).unwrap();
        assert_eq!(pages[0].text, "Storyboard of the meadow");
        assert!(poster.is_some());
    }

    #[test]
    fn what_only_looks_like_one_is_given_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let room = folder.path().join("room");
        std::fs::create_dir(&room).unwrap();
        let file = folder.path().join("broken.docx");
        let whole = odt("cut off");
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        assert!(to_pdf((&sandbox, &limits, &cancel), &file, &room).unwrap().is_err());
    }

    #[test]
    fn where_it_cannot_run_it_is_not_tried_and_the_reason_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, room) = (folder.path().join("a.odt"), folder.path().join("room"));
        std::fs::write(&file, odt("Storyboard")).unwrap();
        let (limits, cancel) = (Limits::default(), Cancel::default());
        let why = |confinement, program| {
            let sandbox = Sandbox::with(confinement);
            to_pdf_by((&sandbox, &limits, &cancel), &file, &room, program).unwrap().unwrap_err()
        };
        let sealed = Confinement::Within { files: true, network: true };
        assert_eq!(why(sealed, Some("soffice")), NotShown::NoSockets);
        assert_eq!(why(sealed, None), NotShown::ProgramMissing);
        assert_eq!(cancel.said().text(), None, "no program was started");
        for reason in [NotShown::NoSockets, NotShown::ProgramMissing, NotShown::NotUnderstood] {
            assert!(reason.sentence().contains("PDF"), "it says what to do: {reason:?}");
        }
    }
}
