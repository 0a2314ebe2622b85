//! What is written in works and said in films becomes findable: the text of pages, text files and captions,
//! read again whenever one of them changes.

use super::{Workflow, WorkflowError};
use crate::actors::encoder::limits;
use crate::actors::services::Services;
use crate::domain::media::{Kind, Media, MediaEvent, Publication};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::media::captions::{MOST_BYTES, words};
use crate::media::store::MediaStore;
use crate::media::{documents, texts};
use crate::store::repository::EventRepository;
use crate::store::{RecordedEvent, StoreError};
use async_trait::async_trait;
use uuid::Uuid;

/// How much text of a work is found, in bytes: PostgreSQL takes a megabyte of words with their places.
const MOST: usize = 256 << 10;
/// Longest list of pages that is read, in bytes.
const LIST: u64 = 16 << 20;

/// The workflow.
pub struct IndexTexts;

#[async_trait]
impl Workflow for IndexTexts {
    fn name(&self) -> &'static str {
        "index-texts"
    }

    fn follows(&self) -> &'static [&'static str] {
        &[MediaEvent::CATEGORY]
    }

    fn begins_at_the_first(&self) -> bool {
        true
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let Some(decoded) = event.decode::<MediaEvent>()? else { return Ok(()) };
        match decoded {
            MediaEvent::MediaReady { .. }
            | MediaEvent::CaptionsAdded { .. }
            | MediaEvent::CaptionsRemoved { .. }
            | MediaEvent::MediaRemoved { .. }
            | MediaEvent::MediaRestored { .. }
            | MediaEvent::MediaFilesErased { .. } => refresh(cx, event.stream_uuid()).await,
            _ => Ok(()),
        }
    }
}

async fn refresh(cx: &Services, id: Uuid) -> Result<(), WorkflowError> {
    let repository = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone());
    let media = repository.load(id).await?.state;
    let gone = matches!(media.publication, Publication::Removed { .. });
    let text = if gone { String::new() } else { text_of(cx, id, &media).await? };
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    if text.trim().is_empty() {
        client.execute("delete from public.media_texts where media = $1", &[&id]).await?;
        return Ok(());
    }
    client
        .execute(
            "insert into public.media_texts (media, body, words) values ($1, $2, to_tsvector('english', $2))
             on conflict (media) do update set body = excluded.body, words = excluded.words",
            &[&id, &text],
        )
        .await?;
    Ok(())
}

/// All that is written in the work; what is not there (any more) is left out.
async fn text_of(cx: &Services, id: Uuid, media: &Media) -> Result<String, WorkflowError> {
    let place = media.storage.place;
    let read = async |key: String, most: u64| {
        let read = cx.files.read(&key, place, most).await;
        read.map_err(|e| WorkflowError::Failed(format!("reading a text for search: {}", e.kind())))
    };
    let mut all = String::new();
    if media.kind == Some(Kind::Document) && media.facts.format == "text" {
        let limits = limits(&cx.config);
        let key =
            media.original.as_ref().and_then(|o| MediaStore::original_key(&o.sha256)).unwrap_or_default();
        if let Some(bytes) = read(key, texts::shown(&limits) + 1).await? {
            all.push_str(&texts::decode(bytes, &limits).0);
        }
    } else if media.kind == Some(Kind::Document) && media.playable() {
        let key = format!("{}/{}", MediaStore::public_key(id, media.playable_generation), documents::PAGES);
        for page in documents::pages(&read(key, LIST).await?.unwrap_or_default()) {
            all.push_str(&page.text);
            all.push('\n');
        }
    }
    for captions in &media.captions {
        let key = format!("{}/{}", MediaStore::captions_key(id), captions.file());
        let most = u64::try_from(2 * MOST_BYTES).unwrap_or(u64::MAX);
        if let Some(bytes) = read(key, most).await? {
            all.push_str(&words(&String::from_utf8_lossy(&bytes)));
            all.push('\n');
        }
    }
    Ok(findable(all))
}

/// As much as is taken, without what PostgreSQL takes for no text.
fn findable(mut text: String) -> String {
    let end = (0..=MOST.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text.retain(|c| c != '\0');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(findable("a\0b".into()), "ab");
        let long = findable(format!("x{}", "é".repeat(MOST)));
        assert!(long.len() <= MOST && long.ends_with('é'));
    }
}
