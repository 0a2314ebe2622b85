//! What everything but films and sounds needs: what it is, and how it is shown.

use super::pieces::Manifest;
use super::run::Bench;
use crate::domain::media::{Codec, Facts, Kind, NotShown, Overview, Poster, Rejection, Rendition};
use crate::media::probe::Probed;
use crate::media::sniff::{self, Form};
use crate::media::store::{folder_bytes, private_folder};
use crate::media::{
    Limits, MediaTrouble, animation, archives, blend, documents, heif, models, office, paintings, pictures,
    probe, raw, texts, typeset,
};
use image::DynamicImage;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Size in which a model is drawn.
const MODEL: (u32, u32) = (1600, 1200);
/// How much of a picture is looked at to see whether it moves.
const HEAD: u64 = 8192;
/// What an office document is called that nothing here draws.
pub const OFFICE: &str = "office document";
/// The model as the viewer takes it.
pub const VIEW: &str = "view.glb";

/// What it is, what goes into the log, and what the next step needs to know of a film or a sound.
type Examined = (Kind, Facts, Option<Probed>);

fn form(original: &Path, ending: &str) -> Result<Form, MediaTrouble> {
    sniff::sniff_file(original, ending).map_err(MediaTrouble::Rejected)
}

/// Examines an original. Of a film or a sound it also gives what the next step needs to know.
pub fn examine(bench: &Bench, original: &Path, ending: &str) -> Result<Examined, MediaTrouble> {
    if form(original, ending)? == Form::Moving {
        let probed = moving(bench, original)?;
        return Ok((probed.kind, probed.facts.clone(), Some(probed)));
    }
    looked_at(bench, original, ending).map(|(kind, facts)| (kind, facts, None))
}

fn looked_at(bench: &Bench, original: &Path, ending: &str) -> Result<(Kind, Facts), MediaTrouble> {
    let (limits, sandbox) = (&bench.tools.limits, &bench.tools.sandbox);
    let plain = |format: &str| Facts { format: format.to_owned(), frame_rate: (0, 1), ..Facts::default() };
    let form = form(original, ending)?;
    if matches!(form, Form::Still | Form::Heif(_))
        && let Some((_room, film)) = repeating(bench, original)?
    {
        let Probed { kind, facts, .. } = moving(bench, &film)?;
        return Ok((kind, Facts { format: "moving picture".into(), repeats: true, ..facts }));
    }
    Ok(match form {
        Form::Still => (Kind::Image, pictures::decode(original, limits)?.1),
        Form::Raw => match raw::preview(original, limits)? {
            Some((_, facts)) => (Kind::Image, facts),
            None => (Kind::Other, plain("camera raw file")),
        },
        Form::Painting(demuxer) => {
            (Kind::Image, paintings::decode((sandbox, limits, &bench.cancel), original, demuxer)?.1)
        }
        Form::Heif(found) => match heif::decode((sandbox, limits, &bench.cancel), original, found) {
            Ok((_, facts)) => (Kind::Image, facts),
            // What was taken once, before it was asked for a program, is not lost when it is made anew.
            Err(MediaTrouble::Rejected(Rejection::NoProgram { .. })) if bench.job.generation > 1 => {
                (Kind::Other, plain(found))
            }
            Err(error) => return Err(error),
        },
        Form::Moving => return Err(MediaTrouble::internal("a film came to where the rest is examined")),
        Form::Office(ending) => match as_pdf(bench, original)? {
            Ok((_room, pdf)) => {
                let facts = documents::examine(sandbox, limits, &pdf, &bench.cancel)?;
                (Kind::Document, Facts { format: ending.to_owned(), ..facts })
            }
            Err(why) => (Kind::Other, Facts { not_shown: Some(why), ..plain(OFFICE) }),
        },
        Form::Pdf => (Kind::Document, documents::examine(sandbox, limits, original, &bench.cancel)?),
        Form::Text => (Kind::Document, texts::examine(original, limits)?),
        Form::Archive(packing) => (Kind::Archive, archives::read(original, packing, limits)?.1),
        Form::Model(form) => (Kind::Model, models::read(original, form, limits)?.1),
        Form::Blend => (Kind::Other, plain("blend")),
        Form::Other(found) => (Kind::Other, plain(found)),
    })
}

/// A picture that moves, as a film in a folder that goes with it; `None` for one that does not.
pub(super) fn repeating(bench: &Bench, original: &Path) -> Result<Option<(TempDir, PathBuf)>, MediaTrouble> {
    let mut head = vec![];
    fs::File::open(original)?.take(HEAD).read_to_end(&mut head)?;
    let Some(form) = animation::moves(&head) else { return Ok(None) };
    // Not in the work's own folder, which would stay when the file is refused.
    let rooms = bench.tools.store.arriving();
    private_folder(&rooms)?;
    let room = tempfile::tempdir_in(rooms)?;
    let kit = (&bench.tools.sandbox, &bench.tools.limits, &bench.cancel);
    Ok(animation::film(kit, original, form, room.path())?.map(|film| (room, film)))
}

/// An office document as a PDF in a folder that goes with it, or why there is none.
fn as_pdf(bench: &Bench, original: &Path) -> Result<Result<(TempDir, PathBuf), NotShown>, MediaTrouble> {
    let rooms = bench.tools.store.arriving();
    private_folder(&rooms)?;
    let room = tempfile::tempdir_in(rooms)?;
    let kit = (&bench.tools.sandbox, &bench.tools.limits, &bench.cancel);
    Ok(office::to_pdf(kit, original, room.path())?.map(|pdf| (room, pdf)))
}

fn moving(bench: &Bench, original: &Path) -> Result<Probed, MediaTrouble> {
    let probed = probe::probe(&bench.tools.sandbox, &bench.tools.limits, original, &bench.cancel)?;
    if probed.kind == Kind::Video && probed.facts.duration_ms == 0 && probed.facts.audio_codec.is_none() {
        return Err(MediaTrouble::Rejected(Rejection::Unreadable { found: "it has no length".into() }));
    }
    Ok(probed)
}

/// Makes what is shown of a work without a length.
pub fn make(
    bench: &Bench,
    (facts, ending): (&Facts, &str),
    original: &Path,
    staging: &Path,
    scratch: &Path,
) -> Result<Manifest, MediaTrouble> {
    let limits = &bench.tools.limits;
    let kit = (&bench.tools.sandbox, limits, &bench.cancel);
    let (renditions, poster) = match form(original, ending)? {
        Form::Still => still(bench, &pictures::decode(original, limits)?.0, staging)?,
        Form::Painting(demuxer) => still(bench, &paintings::decode(kit, original, demuxer)?.0, staging)?,
        Form::Raw => match raw::preview(original, limits)? {
            Some((picture, _)) => still(bench, &picture, staging)?,
            None => (vec![], None),
        },
        Form::Heif(found) => match heif::decode(kit, original, found) {
            Ok((picture, _)) => still(bench, &picture, staging)?,
            Err(MediaTrouble::Rejected(Rejection::NoProgram { .. })) => (vec![], None),
            Err(error) => return Err(error),
        },
        Form::Pdf => leaves(bench, original, facts.pages, staging, scratch)?,
        Form::Office(_) if facts.pages == 0 => (vec![], of_itself(original, limits, staging)?),
        Form::Office(_) => match as_pdf(bench, original)? {
            Ok((_room, pdf)) => leaves(bench, &pdf, facts.pages, staging, scratch)?,
            Err(_) => return Err(MediaTrouble::internal("an office document cannot be read any more")),
        },
        Form::Archive(packing) => {
            let (listing, _) = archives::read(original, packing, limits)?;
            let bytes = archives::write(&listing, staging)?;
            let poster = of_itself(original, limits, staging)?;
            (vec![Rendition { bytes, ..named(archives::LISTING, Codec::Json) }], poster)
        }
        Form::Model(form) => {
            let (model, _) = models::read(original, form, limits)?;
            let bytes = models::write_for_viewer(original, form, &model, &staging.join(VIEW))?;
            let drawn = DynamicImage::ImageRgb8(models::draw(&model, MODEL.0, MODEL.1));
            let poster = pictures::write_sizes(&drawn, staging, "poster", |_, _| {})?;
            (vec![Rendition { bytes, ..named(VIEW, Codec::Glb) }], Some(poster))
        }
        Form::Blend => match blend::thumbnail(original) {
            Some(picture) => (vec![], Some(pictures::write_sizes(&picture, staging, "poster", |_, _| {})?)),
            None => (vec![], None),
        },
        Form::Text => {
            let (text, _) = texts::beginning(original, limits)?;
            match typeset::picture(kit, &text, scratch)? {
                Some(picture) => {
                    (vec![], Some(pictures::write_sizes(&picture, staging, "poster", |_, _| {})?))
                }
                None => (vec![], None),
            }
        }
        Form::Other(_) => (vec![], of_itself(original, limits, staging)?),
        Form::Moving => return Err(MediaTrouble::internal("a film came to where stills are made")),
    };
    Ok(Manifest {
        normalised: None,
        renditions,
        poster,
        overview: Overview::default(),
        captions: vec![],
        chapters: vec![],
        av1: None,
    })
}

/// The small picture that some programs put into their files.
fn of_itself(original: &Path, limits: &Limits, staging: &Path) -> Result<Option<Poster>, MediaTrouble> {
    let picture = archives::thumbnail(original, limits);
    picture.map(|picture| pictures::write_sizes(&picture, staging, "poster", |_, _| {})).transpose()
}

/// The pages of a PDF.
fn leaves(
    bench: &Bench,
    pdf: &Path,
    count: u32,
    staging: &Path,
    scratch: &Path,
) -> Result<(Vec<Rendition>, Option<Poster>), MediaTrouble> {
    let kit = (&bench.tools.sandbox, &bench.tools.limits, &bench.cancel);
    let (pages, poster) = documents::write_pages(kit, pdf, count, staging, scratch, |done, of| {
        bench.progress.set(done, of);
    })?;
    let (width, height) = pages.first().map_or((0, 0), |p| (p.width, p.height));
    let bytes = folder_bytes(&staging.join("pages"));
    let pictures = Rendition { width, height, bytes, ..named("pages", Codec::Jpeg) };
    let bytes = fs::metadata(staging.join(documents::PAGES))?.len();
    Ok((vec![pictures, Rendition { bytes, ..named(documents::PAGES, Codec::Json) }], poster))
}

fn named(name: &str, codec: Codec) -> Rendition {
    Rendition { name: name.into(), codec, width: 0, height: 0, bytes: 0, codecs: String::new() }
}

/// A picture in all its sizes.
fn still(
    bench: &Bench,
    picture: &DynamicImage,
    staging: &Path,
) -> Result<(Vec<Rendition>, Option<Poster>), MediaTrouble> {
    let poster = pictures::write_sizes(picture, staging, "poster", |done, of| bench.progress.set(done, of))?;
    let mut renditions = vec![];
    for width in &poster.widths {
        let height = (u64::from(poster.height) * u64::from(*width) + u64::from(poster.width) / 2)
            / u64::from(poster.width.max(1));
        for (codec, ending) in [(Codec::Avif, "avif"), (Codec::Jpeg, "jpg")] {
            let name = format!("poster-{width}.{ending}");
            renditions.push(Rendition {
                bytes: fs::metadata(staging.join(&name))?.len(),
                width: *width,
                height: u32::try_from(height).unwrap_or(0),
                ..named(&name, codec)
            });
        }
    }
    Ok((renditions, Some(poster)))
}
