//! Stills, and a work that is published by the clock.

use super::*;
use crate::support::typed;

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_gets_its_sizes_and_a_schedule_publishes_it() {
    let studio = Studio::start().await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let mut jpeg = vec![];
    let picture = image::RgbImage::from_fn(1000, 500, |x, y| image::Rgb([(x / 4) as u8, (y / 2) as u8, 90]));
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&picture).expect("jpeg");
    upload(&maker, "A still", "still.jpg", jpeg).await;
    let work = wait(&studio, "A still", |w| w.processing == "ready").await;
    let poster = work.poster.clone().expect("poster");
    assert_eq!(poster.widths, [400, 800, 1000]);
    let visitor = studio.browser();
    let address = format!("/media/files/{}/1/poster-400.avif", work.id);
    assert_eq!(visitor.get(&address).await.status, 404);
    let editor = format!("/studio/media/{}", work.id);
    let past =
        maker.submit(&editor, &format!("{editor}/schedule"), &[("publish_at", "2020-01-01T00:00")]).await;
    assert_eq!(past.status, 422);
    let when = typed(studio.instance.services.clock.now() + chrono::TimeDelta::hours(1));
    assert_eq!(
        maker.submit(&editor, &format!("{editor}/schedule"), &[("publish_at", &when)]).await.status,
        303
    );
    studio.settle().await;
    let later = (studio.instance.services.clock.now() + chrono::TimeDelta::hours(2)).to_rfc3339();
    assert_eq!(studio.run_job("publish-scheduled", &later).await.counts["published"], 1);
    studio.settle().await;
    let answer = visitor.get(&address).await;
    assert_eq!((answer.status, answer.headers["content-type"].to_str().unwrap()), (200, "image/avif"));
    studio.close().await;
}
