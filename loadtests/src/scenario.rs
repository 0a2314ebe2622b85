//! What the people of the crowd do.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::client::{Client, Visit, hidden, links};

/// Whose part someone plays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Visitor,
    Member,
    Staff,
}

/// The demo people.
#[derive(Deserialize)]
pub struct Logins {
    people: Vec<Person>,
}

#[derive(Deserialize)]
struct Person {
    role: String,
    mail: Option<String>,
    password: Option<String>,
}

impl Logins {
    pub fn read(path: &Path) -> io::Result<Self> {
        serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::from)
    }

    fn of(&self, role: &str) -> Option<(&str, &str)> {
        let person = self.people.iter().find(|person| person.role == role)?;
        Some((person.mail.as_deref()?, person.password.as_deref()?))
    }
}

const WORDS: [&str; 6] = ["salt", "light", "lesson", "anim", "charactr", "keeper"];

/// One person walks until the time is over; every visit is handed back.
pub async fn walk(
    part: Part,
    number: u64,
    address: SocketAddr,
    logins: &Logins,
    until: Instant,
    pause: Duration,
) -> Vec<Visit> {
    let group = match part {
        Part::Visitor => 1,
        Part::Member => 2,
        Part::Staff => 3,
    };
    let mut client = Client::of_crowd(address, group, number + 1);
    let role = match part {
        Part::Visitor => None,
        Part::Member => Some("subscriber"),
        Part::Staff if number.is_multiple_of(2) => Some("billing"),
        Part::Staff => Some("operator"),
    };
    if let Some(role) = role
        && let Err(reason) = sign_in(&mut client, logins, role).await
    {
        client.visits.push(Visit { page: "sign in", took: Duration::ZERO, failure: Some(reason) });
        return client.visits;
    }
    let mut round = number;
    while Instant::now() < until {
        match role {
            None => look_around(&mut client, round, until, pause).await,
            Some("subscriber") => watch(&mut client, round, until, pause).await,
            Some("billing") => bill(&mut client, round, until, pause).await,
            Some(_) => operate(&mut client, until, pause).await,
        }
        round += 1;
        // Someone whose every request fails at once must not spin.
        if client.visits.iter().rev().take(10).filter(|visit| visit.failure.is_some()).count() == 10 {
            sleep(Duration::from_millis(200)).await;
        }
    }
    client.visits
}

/// Many of the crowd share an account, and of one account only some may try to sign in at once: one after the other.
static DOOR: Mutex<()> = Mutex::const_new(());

pub async fn sign_in(client: &mut Client, logins: &Logins, role: &str) -> Result<(), String> {
    let _turn = DOOR.lock().await;
    let (mail, password) = logins.of(role).ok_or_else(|| format!("no demo person has the role {role}"))?;
    let form = client.get("sign-in form", "/login").await.ok_or("the sign-in form did not come")?.text();
    let csrf = hidden(&form, "/login", "_csrf").unwrap_or_default();
    let key = hidden(&form, "/login", "idempotency_key").unwrap_or_default();
    let fields = [("login", mail), ("password", password), ("_csrf", &csrf), ("idempotency_key", &key)];
    let answer = client.post("sign in", "/login", &fields).await.ok_or("the sign-in was refused")?;
    if answer.status.is_redirection() {
        Ok(())
    } else {
        Err(format!("the sign-in ended with {}", answer.status))
    }
}

/// Opens a page of a kind that is found by its link on `list`, a different one each round.
async fn open(
    client: &mut Client,
    page: &'static str,
    list: &str,
    folder: &str,
    round: u64,
) -> Option<String> {
    let found = links(list, folder);
    let index = usize::try_from(round).unwrap_or(0).checked_rem(found.len())?;
    Some(client.get(page, &found[index]).await?.text())
}

async fn look_around(client: &mut Client, round: u64, until: Instant, pause: Duration) {
    for step in 0..8_u8 {
        if Instant::now() >= until {
            return;
        }
        match step {
            0 => drop(client.get("home", "/").await),
            1 => {
                if let Some(list) = client.get("films", "/films").await {
                    open(client, "film", &list.text(), "/films/", round).await;
                }
            }
            2 => {
                if let Some(list) = client.get("courses", "/courses").await {
                    open(client, "course", &list.text(), "/courses/", round).await;
                }
            }
            3 => {
                if let Some(list) = client.get("posts", "/posts").await {
                    open(client, "post", &list.text(), "/posts/", round).await;
                }
            }
            4 | 5 => {
                let word = WORDS[usize::try_from(round).unwrap_or(0) % WORDS.len()];
                drop(client.get("search", &format!("/search?q={word}")).await);
            }
            6 => drop(client.get("join", "/join").await),
            _ => drop(client.get("sign-in form", "/login").await),
        }
        sleep(pause).await;
    }
}

async fn watch(client: &mut Client, round: u64, until: Instant, pause: Duration) {
    drop(client.get("home, signed in", "/").await);
    sleep(pause).await;
    let film = match client.get("films", "/films").await {
        Some(list) => open(client, "film, signed in", &list.text(), "/films/", round).await,
        None => None,
    };
    sleep(pause).await;
    if let Some(film) = film
        && Instant::now() < until
        && let Some(page) = open(client, "watch page", &film, "/media/", round).await
    {
        // What a player asks for first.
        for source in playlists(&page).into_iter().take(1) {
            drop(client.get("playlist", &source).await);
        }
    }
    sleep(pause).await;
    if Instant::now() < until {
        drop(client.get("account", "/account").await);
    }
    sleep(pause).await;
}

/// Addresses of HLS playlists that a watch page hands to its player.
fn playlists(page: &str) -> Vec<String> {
    page.split('"')
        .filter(|text| text.starts_with('/') && text.contains(".m3u8"))
        .map(|text| text.replace("&amp;", "&"))
        .collect()
}

async fn bill(client: &mut Client, round: u64, until: Instant, pause: Duration) {
    if let Some(list) = client.get("subscriptions, staff", "/billing/subscriptions").await {
        sleep(pause).await;
        if Instant::now() < until {
            open(client, "one subscription, staff", &list.text(), "/billing/subscriptions/", round).await;
        }
    }
    sleep(pause).await;
    if Instant::now() < until {
        drop(client.get("people, staff", "/billing/people").await);
    }
    sleep(pause).await;
}

async fn operate(client: &mut Client, until: Instant, pause: Duration) {
    drop(client.get("operator", "/operator").await);
    sleep(pause).await;
    if Instant::now() < until {
        drop(client.get("version", "/version").await);
    }
    sleep(pause).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_without_a_password_cannot_sign_in() {
        let text = r#"{"people":[{"role":"visitor","mail":null,"password":null},{"role":"billing","mail":"a@example.test","password":"x"}]}"#;
        let logins: Logins = serde_json::from_str(text).expect("read");
        assert_eq!(logins.of("billing"), Some(("a@example.test", "x")));
        assert_eq!(logins.of("visitor"), None);
        assert_eq!(logins.of("operator"), None);
    }

    #[test]
    fn playlists_are_found_in_a_page() {
        let page = r#"<video data-hls="/media/x/hls/main.m3u8?e=1&amp;s=2"></video>"#;
        assert_eq!(playlists(page), ["/media/x/hls/main.m3u8?e=1&s=2"]);
    }
}
