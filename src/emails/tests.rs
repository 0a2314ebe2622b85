//! Every mail in full, and rules that hold for all of them.

use super::*;
use crate::domain::deletion_request::Obstacle;
use crate::domain::shared::calendar::Zone;
use chrono::DateTime;
use uuid::Uuid;

fn all() -> Vec<(&'static str, Mail)> {
    let studio = Studio {
        name: "Salt & Light".into(),
        base_url: "https://studio.example".into(),
        zone: Zone::amsterdam(),
    };
    let name = Some("Ada <b>Lovelace</b>");
    let due = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    let obstacles =
        [Obstacle::LiveSubscription(Uuid::from_u128(3)), Obstacle::StaffRole, Obstacle::PublishedWorks(2)];
    vec![
        ("confirm", confirm::render(&studio, name, "TOKEN")),
        ("already_registered", already_registered::render(&studio, name)),
        ("approved", approved::render(&studio, name)),
        ("reset", reset::render(&studio, None, "TOKEN")),
        ("password_changed", password_changed::render(&studio, name)),
        ("mail_change", mail_change::render(&studio, name, "TOKEN")),
        ("mail_changed", mail_changed::render(&studio, name)),
        ("second_factor_added", second_factor::render(&studio, name, true)),
        ("second_factor_removed", second_factor::render(&studio, name, false)),
        ("passkey_added", second_factor::passkey(&studio, name, true)),
        ("passkey_removed", second_factor::passkey(&studio, name, false)),
        ("sign_in_service_linked", sign_in_service::render(&studio, name, true)),
        ("sign_in_service_unlinked", sign_in_service::render(&studio, name, false)),
        ("recovery_code_used", second_factor::code_used(&studio, name, 1)),
        (
            "comment_answered",
            comment_answered::render(
                &studio,
                name,
                "Salt <b>",
                "/posts/salt#c00000000-0000-0000-0000-000000000001",
            ),
        ),
        ("accounts_merged", accounts_merged::render(&studio, name)),
        ("seat_given", team::given(&studio, name)),
        ("seat_taken", team::taken(&studio, name)),
        ("seat_missing", team::missing(&studio, name)),
        (
            "gift_code",
            gift::code(&studio, name, "Studio, month", due.date_naive().into(), "ABCD-EFGH-JKLM-NPQR"),
        ),
        (
            "gift_bought",
            gift::bought(
                &studio,
                name,
                "Studio, month",
                (None, "2026-12-15".parse().ok()),
                Some("ABCD-EFGH-JKLM-NPQR"),
            ),
        ),
        ("gift_sent", gift::bought(&studio, name, "Studio, month", (None, None), None)),
        (
            "gift_to_pay",
            gift::GiftMail::ToPay {
                what: "Studio, month".into(),
                amount: crate::domain::shared::Money::new(1150, crate::domain::shared::Currency::eur()),
                iban: "NL02 ABNA 0123 4567 89".into(),
                holder: "Salt & Light".into(),
                reference: "RF45K123456789".into(),
                returnable_until: "2026-12-05".parse().ok(),
            }
            .render(&studio, name),
        ),
        (
            "gift_payment_failed",
            gift::GiftMail::PaymentFailed { what: "Studio, month".into() }.render(&studio, name),
        ),
        (
            "gift_redeemed",
            gift::GiftMail::Redeemed { what: "Studio, month".into(), on: due.date_naive() }
                .render(&studio, name),
        ),
        (
            "gift_given",
            gift::GiftMail::Given {
                what: "Studio, month".into(),
                extended: false,
                until: "2027-06-15".parse().ok(),
            }
            .render(&studio, name),
        ),
        (
            "gift_extended",
            gift::GiftMail::Given { what: "Studio, month".into(), extended: true, until: None }
                .render(&studio, name),
        ),
        (
            "gift_taken_back",
            gift::GiftMail::TakenBack { what: "Studio, month".into(), paid: true, by_right: false }
                .render(&studio, name),
        ),
        ("new_device", new_device::render(&studio, name, due)),
        ("impersonated", impersonated::render(&studio, name, due)),
        ("export_ready", export_ready::render(&studio, name, due)),
        ("deletion_requested", deletion_requested::render(&studio, name, due)),
        ("deletion_withdrawn", deletion_withdrawn::render(&studio, name)),
        ("deletion_blocked", deletion_blocked::render(&studio, name, &obstacles)),
        (
            "digest",
            digest::render(
                &studio,
                name,
                &[
                    digest::NewThing {
                        kind: "Film".into(),
                        title: "Salt <b>".into(),
                        path: "/films/salt".into(),
                        free: true,
                    },
                    digest::NewThing {
                        kind: "Lesson".into(),
                        title: "Light".into(),
                        path: "/courses/a/light".into(),
                        free: false,
                    },
                ],
                3,
                "TOKEN",
            ),
        ),
        ("deletion_completed", deletion_completed::render(&studio, name, Uuid::from_u128(5))),
    ]
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
