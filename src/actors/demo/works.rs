//! The clips and pictures of `demo/media`.

use super::{DemoError, Hand, id};
use crate::actors::bus::Envelope;
use crate::actors::media_captions;
use crate::actors::services::Services;
use crate::actors::uploads::{self, About, UploadError};
use crate::domain::media::{Chapter, Media, MediaCommand, Original, Tier};
use crate::domain::shared::{AccountId, Language, Licence, Slug};
use crate::media::store::{MediaStore, private_folder};
use crate::projections::catalogue;
use crate::projections::media as works;
use crate::store::Metadata;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// One file and what is said about it.
pub(super) struct Clip {
    /// Name by which films and lessons refer to it; also its address.
    pub name: &'static str,
    file: &'static str,
    bytes: &'static [u8],
    title: &'static str,
    description: &'static str,
    tier: Tier,
}

macro_rules! clip {
    ($name:literal, $file:literal, $tier:ident, $title:literal, $description:literal) => {
        Clip {
            name: $name,
            file: $file,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/demo/media/", $file)),
            title: $title,
            description: $description,
            tier: Tier::$tier,
        }
    };
}

const BUNNY: &str = "© 2008 Blender Foundation, peach.blender.org, CC BY 3.0.";

/// Pictures and files first: they are made quickly, and pages look right at once.
static CLIPS: [Clip; 14] = [
    clip!(
        "bunny-under-the-tree",
        "bunny-under-the-tree.jpg",
        Free,
        "Bunny under the tree",
        "Key art of the film."
    ),
    clip!("two-towers", "two-towers.jpg", Free, "Two towers", "Key art of City at night."),
    clip!("the-meadow", "meadow.jpg", Free, "The meadow", "The stage of the film before anybody enters it."),
    clip!(
        "a-cup-of-coffee",
        "coffee.png",
        Free,
        "A cup of coffee",
        "A photograph to take colours from. CC0."
    ),
    clip!("the-burrow", "burrow.jpg", Subscriber, "The burrow", "Morning, before he wakes up."),
    clip!("pine-island", "pine-island.obj", Free, "Pine island", "A small model to practise light on. CC0."),
    clip!(
        "shot-list-good-morning",
        "shot-list.pdf",
        Free,
        "Shot list: Good morning",
        "What was on the wall while the scene was animated: six shots, and notes on timing. Written for this demo, CC0."
    ),
    clip!(
        "overlap-for-ears",
        "ears.py",
        Subscriber,
        "Overlap for ears",
        "A script for Blender that lets each joint follow the one before it. CC0."
    ),
    clip!(
        "big-buck-bunny-the-short-cut",
        "big-buck-bunny-trailer.mp4",
        Free,
        "Big Buck Bunny, the short cut",
        "55 seconds of the film. The cut comes with the documentation of MoviePy."
    ),
    clip!(
        "good-morning-a-shot-to-study",
        "big-buck-bunny-5s.mp4",
        Free,
        "Good morning: a shot to study",
        "Five seconds, four poses."
    ),
    clip!(
        "city-at-night-first-sequence",
        "city-night.mp4",
        Subscriber,
        "City at night, first sequence",
        "Seven seconds without sound. CC0, from the examples of Kivy."
    ),
    clip!(
        "lift-off",
        "rocket.jpg",
        Subscriber,
        "Lift-off",
        "A reference for warm light against a cold sky. SpaceX, CC0."
    ),
    clip!(
        "deep-field",
        "hubble_deep_field.jpg",
        Free,
        "Deep field",
        "A reference for the darkest sky there is. NASA and ESA, public domain."
    ),
    clip!("the-studio-cat", "chelsea.png", Free, "The studio cat", "Chelsea supervises. CC0."),
];

/// Takes all files over and makes them public as soon as they can be shown.
pub(super) async fn load(hand: &Hand<'_>) -> Result<(), DemoError> {
    for clip in &CLIPS {
        receive(hand, clip).await.map_err(|e| DemoError::Upload(clip.title, e))?;
        let stream = id(clip.name);
        let (description, licence) = if clip.file.starts_with('b') || clip.file.starts_with("meadow") {
            (format!("{} {BUNNY}", clip.description), Licence::CcBy3)
        } else {
            (clip.description.to_owned(), Licence::Cc0)
        };
        let title = clip.title.to_owned();
        let slug = Slug::from_title(clip.name, "work");
        let describe = MediaCommand::Describe { title, description, slug, at: hand.at };
        hand.give::<Media>(stream, &format!("describe {}", clip.name), describe).await?;
        let label = MediaCommand::Label { licence, tags: vec![], at: hand.at };
        hand.give::<Media>(stream, &format!("label {}", clip.name), label).await?;
        let tier = MediaCommand::SetTier { tier: clip.tier, at: hand.at };
        hand.give::<Media>(stream, &format!("tier {}", clip.name), tier).await?;
        let soon = MediaCommand::Schedule { publish_at: hand.at + TimeDelta::seconds(1), at: hand.at };
        hand.give::<Media>(stream, &format!("schedule {}", clip.name), soon).await?;
    }
    tokio::spawn(publish_when_ready(hand.cx.clone(), hand.creator));
    Ok(())
}

async fn receive(hand: &Hand<'_>, clip: &'static Clip) -> Result<(), UploadError> {
    let stream = id(clip.name);
    let original =
        Original { sha256: hex::encode(Sha256::digest(clip.bytes)), bytes: clip.bytes.len() as u64 };
    let store = MediaStore::new(&hand.cx.config.data);
    if !store.original(&original.sha256).is_some_and(|path| path.exists()) {
        private_folder(store.uploads())?;
        let incoming = store.incoming(stream);
        std::fs::write(&incoming, clip.bytes)?;
        store.adopt_original(&incoming, &original.sha256)?;
    }
    // The name in the address is the demo's own, so the title of the upload is made of it.
    let about =
        About { file_name: clip.file.to_owned(), title: clip.name.replace('-', " "), ..About::default() };
    let received = uploads::receive(hand.cx, hand.creator, stream, original, &about, hand.meta()).await;
    // The original has a name of its own now, and the log knows of it.
    let _ = std::fs::remove_file(store.incoming(stream));
    received.map(drop)
}

/// Publishes each work in the moment something of it can be shown, without waiting for the job.
async fn publish_when_ready(cx: Services, creator: AccountId) {
    let ids: Vec<Uuid> = CLIPS.iter().map(|clip| id(clip.name)).collect();
    for _ in 0..1_200 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let Ok(works) = catalogue::works_by_ids(&cx.reader, &ids, true).await else { continue };
        let waiting: Vec<_> = works.values().filter(|w| !w.public).collect();
        if waiting.is_empty() && works.len() == ids.len() {
            return;
        }
        for work in waiting.into_iter().filter(|w| w.state.playable()) {
            let at = cx.clock.now();
            let meta = Metadata::account(creator, id("load"), at);
            if work.id == id(SPOKEN) {
                tell_what_is_said(&cx, work.id, &meta).await;
            }
            let wish = Envelope::new(cx.clock.new_id(), work.id, MediaCommand::PublishDue { at }, meta);
            // Whatever goes wrong: the next round asks again, and after it the scheduled job.
            let _ = cx.bus.dispatch::<Media>(wish).await;
        }
    }
}

/// The work with captions and chapters.
const SPOKEN: &str = "big-buck-bunny-the-short-cut";
const GERMAN: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/demo/media/big-buck-bunny-trailer.de.vtt"));
const CHAPTERS: [(u64, &str); 5] =
    [(0, "The meadow"), (10, "A bird"), (14, "The bunny wakes up"), (32, "Three rodents"), (47, "Revenge")];

/// Captions and chapters of one film. The demo does without them if that fails.
async fn tell_what_is_said(cx: &Services, film: Uuid, meta: &Metadata) {
    let chapters =
        CHAPTERS.map(|(second, title)| Chapter { at_ms: second * 1000, title: title.to_owned() }).to_vec();
    let wish = MediaCommand::SetChapters { chapters, at: meta.at };
    let _ = cx.bus.dispatch::<Media>(Envelope::new(id("chapters"), film, wish, meta.clone())).await;
    if let (Ok(Some(work)), Ok(german)) = (works::by_id(&cx.reader, film).await, Language::parse("de")) {
        let track = (german, false);
        let _ = media_captions::add(cx, &work, track, GERMAN.to_vec(), id("captions"), meta.clone()).await;
    }
}
