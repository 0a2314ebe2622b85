//! Taken away, brought back, erased before its time.
//!
//! Removal can be taken back until erasing begins. That is said first, so that nobody brings back a work whose bytes
//! are just going.

use super::{Media, MediaError, MediaEvent, Publication};
use chrono::{DateTime, Utc};

/// It comes back as it was, but hidden: whoever removed it did not want it to be seen.
pub(super) fn restore(media: &Media, at: DateTime<Utc>) -> Result<Vec<MediaEvent>, MediaError> {
    match media.publication {
        Publication::Removed { erased: false } if !media.erasing => {
            Ok(vec![MediaEvent::MediaRestored { at }])
        }
        Publication::Removed { .. } => Err(MediaError::Erased),
        _ => Err(MediaError::NotRemoved),
    }
}

/// Its bytes go now.
pub(super) fn erase(media: &Media, at: DateTime<Utc>) -> Result<Vec<MediaEvent>, MediaError> {
    match media.publication {
        Publication::Removed { erased: false } if !media.erasing => {
            Ok(vec![MediaEvent::MediaErasureBegun { at }])
        }
        Publication::Removed { .. } => Ok(vec![]),
        _ => Err(MediaError::NotRemoved),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MediaCommand as C, Original};
    use super::*;
    use crate::domain::shared::{AccountId, PersonalRef, Slug};
    use uuid::Uuid;

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn removed() -> Media {
        let mut media = Media::default();
        let owner = AccountId::default();
        media.apply(MediaEvent::UploadReceived {
            owner,
            original: Original { sha256: "a".repeat(64), bytes: 5 },
            file_name: PersonalRef { subject: Uuid::nil(), field: "file_name".into(), version: Uuid::nil() },
            ending: String::new(),
            title: "T".into(),
            slug: Slug::parse("t").unwrap(),
            at: now(),
        });
        media.apply(MediaEvent::MediaPublished { at: now() });
        media.apply(MediaEvent::MediaRemoved { at: now() });
        media
    }

    #[test]
    fn a_removed_work_comes_back_hidden_until_erasing_begins() {
        let mut media = removed();
        let back = media.decide(C::Restore { at: now() }).unwrap();
        assert_eq!(back, [MediaEvent::MediaRestored { at: now() }]);
        media.apply(back[0].clone());
        assert_eq!(media.publication, Publication::Unpublished);
        assert_eq!(media.decide(C::Restore { at: now() }), Err(MediaError::NotRemoved));
        assert_eq!(media.decide(C::EraseNow { at: now() }), Err(MediaError::NotRemoved));

        let mut media = removed();
        let begun = media.decide(C::EraseNow { at: now() }).unwrap();
        assert_eq!(begun, [MediaEvent::MediaErasureBegun { at: now() }]);
        media.apply(begun[0].clone());
        assert_eq!(media.decide(C::Restore { at: now() }), Err(MediaError::Erased));
        assert_eq!(media.decide(C::EraseNow { at: now() }).unwrap(), [], "it has begun");
        let gone = media.decide(C::RecordFilesErased { at: now() }).unwrap();
        assert_eq!(gone, [MediaEvent::MediaFilesErased { at: now() }]);
        media.apply(gone[0].clone());
        assert_eq!(media.decide(C::Restore { at: now() }), Err(MediaError::Erased));
        assert_eq!(media.decide(C::RecordFilesErased { at: now() }).unwrap(), []);
    }
}
