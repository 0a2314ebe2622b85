//! Every mail about money in full, and rules that hold for all of them.

use crate::domain::shared::calendar::Zone;
use crate::emails::{Mail, MailKind, Studio, samples};

fn all() -> Vec<(String, Mail)> {
    let studio = Studio {
        name: "Salt & Light".into(),
        base_url: "https://studio.example".into(),
        zone: Zone::amsterdam(),
    };
    let money = samples::all().unwrap().into_iter().filter(|s| matches!(s.mail, MailKind::Billing(_)));
    money.map(|s| (s.name.clone(), s.render(&studio, Some("Ada <b>Holm</b>")))).collect()
}

#[test]
fn mails_read_as_they_should() {
    let text: Vec<String> = all()
        .into_iter()
        .map(|(name, mail)| format!("=== {name}\nSubject: {}\n\n{}", mail.subject, mail.text))
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn text_and_html_say_the_same() {
    for (name, mail) in all() {
        assert!(!mail.html.contains("<b>"), "{name}");
        assert!(mail.subject.chars().count() <= 78, "{name}");
        for url in mail.text.split_whitespace().filter(|w| w.starts_with("https://")) {
            assert!(mail.html.contains(url), "{name}: {url}");
        }
    }
}
