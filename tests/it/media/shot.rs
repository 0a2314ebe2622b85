//! What the maker of a picture tells of how it was taken.

use super::*;
use exif::{Field, In, Rational, Tag, Value};
use reqwest::Method;

/// A JPEG with a block that says more than may be told.
fn photo() -> Vec<u8> {
    let text = |words: &str| Value::Ascii(vec![words.as_bytes().to_vec()]);
    let ratio = |num, denom| Value::Rational(vec![Rational { num, denom }]);
    let fields = [
        (Tag::Model, text("Pine <P-7>")),
        (Tag::Artist, text("SECRET NAME")),
        (Tag::ExposureTime, ratio(1, 250)),
        (Tag::DateTimeOriginal, text("2025:05:03 14:22:10")),
        (Tag::BodySerialNumber, text("SECRET-0042")),
        (Tag::GPSLatitudeRef, text("N")),
    ]
    .map(|(tag, value)| Field { tag, ifd_num: In::PRIMARY, value });
    let mut writer = exif::experimental::Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut block = std::io::Cursor::new(vec![]);
    writer.write(&mut block, true).expect("written");
    let block = [b"Exif\0\0".as_slice(), block.get_ref()].concat();
    let mut plain = vec![];
    let picture = image::RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 60]));
    image::codecs::jpeg::JpegEncoder::new(&mut plain).encode_image(&picture).expect("a picture");
    let length = u16::try_from(block.len() + 2).expect("short").to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length, &block, &plain[2..]].concat()
}

#[tokio::test]
async fn chosen_details_of_a_picture_stand_on_its_page_and_nothing_else_of_its_file() {
    let studio = Studio::start_with(|c| c.processing = Processing::Eager).await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    person(&studio, "other@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    assert_eq!(upload(&maker, "Pine", "pine.jpg", photo()).await.status, 303);
    let work = the_work(&studio, "Pine").await;
    let base = format!("/studio/media/{}", work.id);
    let place = format!("{base}/shot");
    assert!(maker.get(&base).await.body.contains("Nothing of what the file says of itself is published"));
    let page = maker.get(&place).await;
    assert_eq!(page.status, 200, "{}", page.body);
    for told in ["Pine &lt;P-7&gt;", "Exposure: 1/250 s", "Taken on: 3 May 2025"] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    for secret in ["SECRET", "14:22", "GPS"] {
        assert!(!page.body.contains(secret), "{secret}");
    }
    // What is not in the file cannot be told, and values are those of the file.
    let sent = maker.submit(&place, &place, &[("camera", "A better one"), ("lens", "yes")]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    studio.settle().await;
    let told = the_work(&studio, "Pine").await.shot;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].value, "Pine <P-7>");
    let other = signed_in(&studio, "other@example.org").await;
    assert_eq!(other.get(&place).await.status, 404);

    assert_eq!(maker.submit(&base, &format!("{base}/publish"), &[]).await.status, 303);
    studio.settle().await;
    let seen = studio.browser().get(&format!("/media/{}", work.slug)).await;
    assert!(seen.body.contains("Pine &lt;P-7&gt;") && !seen.body.contains("1/250"), "{}", seen.body);
    let program = crate::api::Program::of(&maker, &["media:read"]).await;
    let answer = program.send(Method::GET, &format!("/api/v1/media/{}", work.id), &[], None).await;
    assert_eq!(answer.body["shot"], serde_json::json!([{ "field": "camera", "value": "Pine <P-7>" }]));

    // Choosing nothing takes it back.
    assert_eq!(maker.submit(&place, &place, &[]).await.status, 303);
    studio.settle().await;
    assert!(the_work(&studio, "Pine").await.shot.is_empty());
    // A text has none of it.
    assert_eq!(upload(&maker, "Words", "words.txt", b"words\n".to_vec()).await.status, 303);
    let words = the_work(&studio, "Words").await;
    let none = format!("/studio/media/{}/shot", words.id);
    assert!(maker.get(&none).await.body.contains("says nothing of how it was taken"));
    studio.close().await;
}
