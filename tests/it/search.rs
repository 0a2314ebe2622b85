//! `kinora search` beside a running studio.

use crate::running::{Running, get};

#[test]
fn the_index_is_made_anew_beside_the_running_studio() {
    let kinora = Running::demo();
    let status = || kinora.json(&["search", "status", "--json"]);
    // On a busy machine the lists may still be catching up with what the demo put in.
    let mut before = status();
    for _ in 0..60 {
        std::thread::sleep(std::time::Duration::from_millis(500));
        let again = status();
        if std::mem::replace(&mut before, again.clone())["documents"] == again["documents"] {
            break;
        }
    }
    assert_eq!(
        (before["engine"].as_str(), before["ok"].as_bool()),
        (Some("embedded"), Some(true)),
        "{before}"
    );
    assert_eq!(before["documents"]["film"], 2, "{before}");
    let after = kinora.json(&["search", "reindex", "--json"]);
    // Works of the demo become playable, and so public, all the while.
    let but_works = |status: &serde_json::Value| {
        let mut documents = status["documents"].clone();
        let works = documents.as_object_mut().expect("kinds").remove("media");
        (documents, works.and_then(|n| n.as_u64()).unwrap_or(0))
    };
    let ((before, works), (after, works_after)) = (but_works(&before), but_works(&after));
    assert!(after == before && works_after >= works, "{before} {works}, {after} {works_after}");
    let (status, _, page) = get(kinora.site, "/search?q=bunny", &[]);
    assert!(status == 200 && page.contains("/films/"), "it is found as before");
    assert_eq!(kinora.json(&["search", "keys", "--json"])["keys"], serde_json::json!([]));
    assert_eq!(kinora.run(&["search", "nonsense"]).status.code(), Some(2));
}
