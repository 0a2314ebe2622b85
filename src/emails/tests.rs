//! Every mail in full, and rules that hold for all of them.

use super::*;
use crate::domain::shared::calendar::Zone;

fn all() -> Vec<(String, Mail)> {
    let studio = Studio {
        name: "Salt & Light".into(),
        base_url: "https://studio.example".into(),
        zone: Zone::amsterdam(),
    };
    let mut samples = samples::all().unwrap();
    // Titles of others must not be taken for markup.
    let mut hostile = 0;
    for sample in &mut samples {
        match &mut sample.mail {
            MailKind::CommentAnswered { title, .. } => *title = "Salt <b>".into(),
            MailKind::Digest { things, .. } => things[0].title = "Salt <b>".into(),
            _ => continue,
        }
        hostile += 1;
    }
    assert_eq!(hostile, 2);
    let of_accounts = samples.into_iter().filter(|s| !matches!(s.mail, MailKind::Billing(_)));
    let rendered = of_accounts.map(|s| {
        let name = (s.name != "reset").then_some("Ada <b>Lovelace</b>");
        let secret = if s.mail.gift().is_some() { "ABCD-EFGH-JKLM-NPQR" } else { "TOKEN" };
        (s.name.clone(), s.mail.render(&studio, name, secret))
    });
    rendered.collect()
}

#[test]
fn mails_read_as_they_should() {
    for (name, mail) in all() {
        insta::assert_snapshot!(name, format!("Subject: {}\n\n{}", mail.subject, mail.text));
    }
    let (_, confirm) = &all()[0];
    insta::assert_snapshot!("confirm_html", confirm.html);
}

#[test]
fn text_and_html_say_the_same_and_nothing_is_taken_for_markup() {
    for (name, mail) in all() {
        assert!(!mail.html.contains("<b>"), "{name}");
        assert!(!mail.html.contains("<script") && !mail.html.contains("src="), "{name}");
        assert!(mail.html.matches("<a href").count() <= 3, "{name}: one button, its address, the site");
        for url in mail.text.split_whitespace().filter(|w| w.starts_with("https://")) {
            assert!(url.starts_with("https://studio.example"), "{name}");
            assert!(mail.html.contains(url), "{name}: {url}");
        }
        assert!(mail.text.lines().all(|l| l.chars().count() <= 100), "{name}");
        assert!(!mail.subject.contains('\n') && mail.subject.chars().count() <= 78, "{name}");
    }
}
