//! Files that keep a helper program busy for ever: refused after one try, in a sentence, so that they hold a slot
//! once and not four times.

use super::*;

/// A drawing whose filters take hours.
pub fn endless_drawing() -> String {
    let step = "<feTurbulence baseFrequency=\"0.9\" numOctaves=\"9\"/><feMorphology radius=\"90\" operator=\"dilate\"/>";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"900\"><filter id=\"f\">{}</filter>\
         <rect width=\"900\" height=\"900\" filter=\"url(#f)\"/></svg>",
        step.repeat(400)
    )
}

/// A PDF of one page that draws a form fifty times, which draws another fifty times, and so on.
pub fn endless_page() -> String {
    let mut file = String::from(
        "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n\
         2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n\
         3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >> endobj\n\
         4 0 obj << /Length 5 >> stream\n/F Do\nendstream endobj\n",
    );
    for form in 5..13 {
        let content = "/F Do ".repeat(50);
        file.push_str(&format!(
            "{form} 0 obj << /Type /XObject /Subtype /Form /BBox [0 0 200 200] /Resources << /XObject << /F {} 0 R >> >> /Length {} >> stream\n{content}\nendstream endobj\n",
            form + 1,
            content.len()
        ));
    }
    let content = "0 0 m 200 200 l S";
    file.push_str(&format!(
        "13 0 obj << /Type /XObject /Subtype /Form /BBox [0 0 200 200] /Length {} >> stream\n{content}\nendstream endobj\n\
         trailer << /Root 1 0 R >>\n%%EOF\n",
        content.len()
    ));
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_its_time_is_refused_at_once() {
    let studio = Studio::start_with(|c| {
        c.media.av1 = Av1::None;
        c.limits.helper_seconds = 2;
    })
    .await;
    person(&studio, "maker@example.org", &[Role::Creator]).await;
    let maker = signed_in(&studio, "maker@example.org").await;
    let data = studio.data.path();
    let helpers = Helpers::below(data);
    let files = [("Endless drawing", "a.svg", endless_drawing()), ("Endless page", "a.pdf", endless_page())];
    for (title, name, bytes) in files {
        let sent = upload(&maker, title, name, bytes.into_bytes()).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
    }
    for work in all_ended(&studio, 2).await.values() {
        let said = work.reason.as_deref().unwrap_or_default();
        assert_eq!(work.processing, "rejected", "{}: {said}", work.title);
        assert!(
            said.contains("within the time and memory allowed") && said.contains("upload the new file"),
            "{}: {said}",
            work.title
        );
        let client = studio.client().await;
        let row = client
            .query_one("select kind, attempts, state from public.media_jobs where media = $1", &[&work.id])
            .await
            .expect("one row and no other");
        let (kind, tries, state): (String, i32, String) = (row.get(0), row.get(1), row.get(2));
        assert_eq!((kind.as_str(), tries, state.as_str()), ("probe", 1, "done"), "{}", work.title);
        assert!(!original(data, work).exists(), "nothing is kept of it");
    }
    let (_, left) = helpers.end();
    assert!(left.is_empty(), "helpers are left: {left:?}");
    studio.verify().await;
    studio.close().await;
}
