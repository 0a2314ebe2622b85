//! Tells that a deletion is due but something stands in the way.

use super::{Letter, Mail, Studio};
use crate::domain::deletion_request::Obstacle;

/// Names every obstacle and what to do about it.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, obstacles: &[Obstacle]) -> Mail {
    let mut letter = Letter::new(format!("We cannot delete your account at {} yet", studio.name))
        .to_person(name)
        .say("You asked us to delete your account. Its day has come, but something stands in the way:");
    for obstacle in obstacles {
        letter = letter.say(match obstacle {
            Obstacle::LiveSubscription(_) => {
                "A subscription is still running. Cancel it, and the deletion goes on by itself when it has ended."
                    .to_owned()
            }
            Obstacle::StaffRole => "The account holds a staff role, which has to be handed over first.".to_owned(),
            Obstacle::PublishedWorks(count) => {
                format!("The account owns published works ({count}), which have to be handed over or removed first.")
            }
            Obstacle::OpenCredit => {
                "We still owe you a credit. Tell us where to pay it out; the deletion goes on by itself then.".to_owned()
            }
            Obstacle::OwedMoney => {
                "Money of yours is still here or on its way back. The deletion goes on by itself when it has arrived.".to_owned()
            }
            Obstacle::UnpaidGift(_) => {
                "A gift that you ordered is not paid. Take it back, or pay it, and the deletion goes on by itself.".to_owned()
            }
        });
    }
    letter.button("Look at the request", studio.link("/account/deletion")).sign(studio)
}
