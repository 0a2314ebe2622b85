//! The people of the demo studio, one for each role, and the file with their logins.

use super::{AccountsError, find, register};
use crate::actors::services::Services;
use crate::domain::account::Origin;
use crate::domain::shared::{Role, derive_id};
use crate::store::{Metadata, StoreError};
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use uuid::Uuid;

/// Somebody of the demo studio.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DemoPerson {
    /// Role as in the tables of the documentation; `member` and `subscriber` have no role by event.
    pub role: String,
    /// Mail address to sign in with.
    pub mail: String,
    /// Password to sign in with.
    pub password: String,
}

/// The file `<data>/demo-logins.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DemoLogins {
    /// Everybody who can sign in.
    pub people: Vec<DemoPerson>,
}

const PEOPLE: [(&str, &str, Option<Role>); 8] = [
    ("member", "Mira Member", None),
    ("subscriber", "Sami Subscriber", None),
    ("creator", "Cleo Creator", Some(Role::Creator)),
    ("editor", "Edda Editor", Some(Role::Editor)),
    ("moderator", "Milo Moderator", Some(Role::Moderator)),
    ("billing", "Bela Billing", Some(Role::Billing)),
    ("operator", "Otis Operator", Some(Role::Operator)),
    ("admin", "Ada Admin", Some(Role::Admin)),
];

/// Makes the people of the demo studio that are not there yet and writes their logins. Doing it
/// twice changes nothing. Returns everybody with the account.
///
/// # Errors
/// If an account cannot be made or the file not be written.
pub async fn load(cx: &Services, meta: &Metadata) -> Result<Vec<(DemoPerson, Uuid)>, AccountsError> {
    let known = read(cx);
    let mut people = Vec::with_capacity(PEOPLE.len());
    for (role, name, granted) in PEOPLE {
        let mail = format!("{role}@demo.example");
        let password = known
            .iter()
            .find(|p| p.role == role)
            .map_or_else(|| format!("watch-{}-{}", role, new_word()), |p| p.password.clone());
        let account = match find(cx, &mail).await? {
            Some(account) => account,
            None => {
                let new = register::NewAccount {
                    mail: mail.clone(),
                    display_name: name.into(),
                    username: role.into(),
                    password: password.clone(),
                };
                let id = derive_id(&cx.clock.new_id().to_string(), "demo");
                let roles = granted.into_iter().collect();
                register::by_operator(cx, id, meta.clone(), &new, Origin::Demo, roles).await?.account
            }
        };
        people.push((DemoPerson { role: role.into(), mail, password }, account));
    }
    write(cx, &DemoLogins { people: people.iter().map(|(p, _)| p.clone()).collect() })?;
    Ok(people)
}

fn path(cx: &Services) -> PathBuf {
    cx.config.in_data("demo-logins.json")
}

/// The people whose logins were written before.
#[must_use]
pub fn read(cx: &Services) -> Vec<DemoPerson> {
    std::fs::read_to_string(path(cx))
        .ok()
        .and_then(|text| serde_json::from_str::<DemoLogins>(&text).ok())
        .map(|logins| logins.people)
        .unwrap_or_default()
}

fn write(cx: &Services, logins: &DemoLogins) -> Result<(), StoreError> {
    let path = path(cx);
    let fail = |e| StoreError::file(format!("writing {}", path.display()), e);
    let text = serde_json::to_string_pretty(logins).map_err(|e| StoreError::Vault(e.to_string()))?;
    let unfinished = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(fail)?;
    writeln!(file, "{text}").and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&unfinished, &path).map_err(fail)
}

fn new_word() -> String {
    hex::encode(&Uuid::new_v4().as_bytes()[..3])
}
