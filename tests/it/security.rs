//! The document about security names tests: each of them exists.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_named_in_the_document_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/security.md")).expect("document");
    let mut files = Vec::new();
    sources(&root.join("tests/it"), &mut files);
    sources(&root.join("src"), &mut files);
    let code: Vec<(PathBuf, String)> =
        files.into_iter().map(|f| (f.clone(), fs::read_to_string(f).expect("source"))).collect();
    let mut named = 0;
    for word in text.split('`').skip(1).step_by(2) {
        let (module, name) = word.rsplit_once("::").unwrap_or(("", word));
        // Words with several underscores and nothing else are names of tests.
        let is_test = name.matches('_').count() > 2
            && name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
        if !is_test {
            continue;
        }
        named += 1;
        let file = module.replace("::", "/");
        let here = |path: &Path| {
            let path = path.with_extension("");
            let whole = |end: &str| path.ends_with(format!("tests/it/{file}{end}"));
            file.is_empty() || whole("") || whole("/mod")
        };
        let found = code.iter().any(|(path, text)| here(path) && text.contains(&format!("fn {name}(")));
        assert!(found, "docs/security.md names {word}, which does not exist");
    }
    assert!(named > 25, "only {named} tests are named");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_a_weakness_is_told_whom_to_write_to() {
    use crate::support::Studio;
    let studio =
        Studio::start_with(|c| c.studio.security_contact = Some("mailto:safe@example.org".into())).await;
    let page = studio.browser().get("/.well-known/security.txt").await;
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with("Contact: mailto:safe@example.org\nExpires: 20"), "{}", page.body);
    studio.close().await;
    let studio = Studio::start().await;
    assert_eq!(studio.browser().get("/.well-known/security.txt").await.status, 404);
    studio.close().await;
}
