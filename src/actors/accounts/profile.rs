//! What a person says about themselves: a few sentences, addresses on the web, a picture. All of it
//! lies in the vault, the picture too, so that it goes with the person.

use super::{AccountsError, load, open};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand};
use crate::domain::shared::{AccountId, PersonalRef, PersonalValue, derive_id};
use crate::media::{Limits, MediaTrouble, pictures};
use crate::projections::people;
use crate::store::{Metadata, Receipt, StoreError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Cursor;
use url::Url;
use uuid::Uuid;

/// Characters of the text.
pub const LONGEST_BIO: usize = 2_000;
/// Addresses on the web.
pub const MOST_LINKS: usize = 5;
/// Characters of one of them.
const LONGEST_LINK: usize = 200;
/// Side of the picture, in pixels.
const SIDE: u32 = 256;
/// Pixels of a picture that is sent, in millions: as much as a good camera makes.
const MEGAPIXELS: u64 = 50;

/// Changes the text, the addresses, and whether everybody may see them. Gives nothing if all is as it was.
///
/// # Errors
/// [`AccountsError::Field`] on `bio` or `links`.
pub async fn change(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: AccountId,
    (bio, links, public): (&str, &str, bool),
) -> Result<Option<Receipt>, AccountsError> {
    let (bio, links) = (bio.trim(), read_links(links)?);
    if bio.chars().count() > LONGEST_BIO {
        return Err(AccountsError::Field("bio", format!("Use at most {LONGEST_BIO} characters.")));
    }
    let Some(before) = people::by_id(&cx.reader, account).await? else { return Ok(None) };
    let was =
        async |r: &Option<PersonalRef>| Ok::<_, StoreError>(open(cx, r.as_ref()).await?.unwrap_or_default());
    if before.public_profile == public && was(&before.bio).await? == bio && was(&before.links).await? == links
    {
        return Ok(None);
    }
    let id = command_id.to_string();
    let value = |field: &str, text: &str| {
        let value = PersonalValue::new(account, field, derive_id(&id, field), text);
        Some(value).filter(|_| !text.is_empty())
    };
    let (bio, links) = (value("bio", bio), value("links", &links));
    let reference = |value: &Option<PersonalValue>| value.as_ref().map(|v| v.reference.clone());
    let command =
        AccountCommand::ChangeProfile { at: meta.at, bio: reference(&bio), links: reference(&links), public };
    let private = bio.into_iter().chain(links).collect();
    let envelope = Envelope::new(command_id, account, command, meta).with_private(private);
    Ok(Some(cx.bus.dispatch::<Account>(envelope).await?))
}

/// Addresses, one a line, as they are kept.
fn read_links(text: &str) -> Result<String, AccountsError> {
    let refuse = |words: String| Err(AccountsError::Field("links", words));
    let mut links = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let whole = if line.contains("://") { line.to_owned() } else { format!("https://{line}") };
        let web = Url::parse(&whole).ok().filter(|u| ["http", "https"].contains(&u.scheme()));
        let plain = web.filter(|u| u.username().is_empty() && u.password().is_none());
        let named = plain.filter(|u| u.domain().is_some_and(|d| d.contains('.')));
        match named {
            Some(_) if whole.chars().count() > LONGEST_LINK => {
                return refuse(format!("Use at most {LONGEST_LINK} characters for an address."));
            }
            Some(link) => links.push(link.to_string()),
            None => {
                return refuse(format!("“{line}” is no address on the web, such as https://example.org."));
            }
        }
    }
    if links.len() > MOST_LINKS {
        return refuse(format!("Name at most {MOST_LINKS} addresses."));
    }
    Ok(links.join("\n"))
}

/// Takes `sent` as the person's picture, or none. The former one is destroyed.
///
/// # Errors
/// [`AccountsError::Field`] on `file`, when it is no picture that can be read.
pub async fn change_picture(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: AccountId,
    sent: Option<Vec<u8>>,
) -> Result<Receipt, AccountsError> {
    let value = match sent {
        Some(bytes) => {
            let made = tokio::task::spawn_blocking(move || square(bytes));
            let jpeg = made.await.map_err(|_| AccountsError::Busy)?.map_err(unusable)?;
            let version = derive_id(&command_id.to_string(), "picture");
            Some(PersonalValue::new(account, "picture", version, STANDARD.encode(jpeg)))
        }
        None => None,
    };
    let former = load(cx, account).await?.picture;
    let picture = value.as_ref().map(|v| v.reference.clone());
    let command = AccountCommand::ChangePicture { at: meta.at, picture: picture.clone() };
    let envelope =
        Envelope::new(command_id, account, command, meta).with_private(value.into_iter().collect());
    let receipt = cx.bus.dispatch::<Account>(envelope).await?;
    if let Some(former) = former.filter(|f| Some(f) != picture.as_ref()) {
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        cx.vault.discard(&client, &former).await?;
    }
    Ok(receipt)
}

/// The middle of a picture as a small JPEG, made anew from its pixels: no place, no device is left in it.
fn square(bytes: Vec<u8>) -> Result<Vec<u8>, MediaTrouble> {
    let limits = Limits { megapixels: MEGAPIXELS, ..Limits::default() };
    let (picture, _) = pictures::decode_from(Cursor::new(bytes), &limits)?;
    pictures::jpeg(&picture.resize_to_fill(SIDE, SIDE, image::imageops::FilterType::Lanczos3))
}

fn unusable(trouble: MediaTrouble) -> AccountsError {
    let why = match trouble {
        MediaTrouble::Rejected(why) => why.to_string(),
        _ => "It cannot be read.".into(),
    };
    AccountsError::Field("file", format!("Choose another picture (JPEG, PNG or WebP). {why}"))
}

/// The picture of an account as JPEG, by the reference that the projection gave.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn picture(cx: &Services, reference: &PersonalRef) -> Result<Option<Vec<u8>>, StoreError> {
    let text = cx.reader.open(reference).await?;
    Ok(text.and_then(|text| STANDARD.decode(text).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let read = |text: &str| read_links(text).map_err(|e| e.to_string());
        assert_eq!(
            read(" example.org \n\nhttps://a.example/b?c#d"),
            Ok("https://example.org/\nhttps://a.example/b?c#d".into())
        );
        assert_eq!(read(""), Ok(String::new()));
        for bad in [
            "javascript:alert(1)",
            "javascript://x.org/%0aalert(1)",
            "data:text/html,x",
            "http://user:word@example.org",
            "localhost",
            "ftp://example.org",
            "a b",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!(read(&"https://example.org\n".repeat(MOST_LINKS)).is_ok());
        assert!(read(&"https://example.org\n".repeat(MOST_LINKS + 1)).is_err());
        let long = |n: usize| format!("https://example.org/{}", "a".repeat(n - 20));
        assert!(read(&long(LONGEST_LINK)).is_ok() && read(&long(LONGEST_LINK + 1)).is_err());
    }

    #[test]
    fn a_picture_becomes_a_small_square_and_anything_else_is_refused() {
        let wide = image::DynamicImage::new_rgb8(900, 300);
        let mut png = Cursor::new(vec![]);
        wide.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let jpeg = square(png.into_inner()).unwrap();
        let back = image::load_from_memory(&jpeg).unwrap();
        assert_eq!((back.width(), back.height()), (SIDE, SIDE));
        assert!(jpeg.len() < 60_000);
        for bad in [b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), vec![], b"#EXTM3U".to_vec()] {
            assert!(matches!(unusable(square(bad).unwrap_err()), AccountsError::Field("file", _)));
        }
    }
}
