//! `kinora account …`: people from the shell, in every mode of registration.

use super::{CliError, Global, print_json};
use crate::actors::Services;
use crate::actors::accounts::{
    self, AccountsError, leaving, passkeys, recover, register, registration, second_factor, staff,
};
use crate::domain::account::{By, Origin, PasswordCause};
use crate::domain::deletion_request::{CommentsFate, RequestedBy};
use crate::domain::shared::Role;
use crate::projections::account_acts;
use crate::projections::people::{self, Person};
use crate::store::Metadata;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use rand::RngExt as _;
use serde_json::{Value, json};
use std::io::Read as _;
use std::str::FromStr as _;
use std::time::Duration;
use uuid::Uuid;

#[derive(Args)]
pub struct AccountArgs {
    #[command(subcommand)]
    action: Action,
}

/// A role, by place or by name as with `account add`.
#[derive(Args)]
struct Which {
    /// Role.
    #[arg(value_parser = role, value_name = "ROLE", required_unless_present = "named")]
    placed: Option<Role>,
    /// The same, by name.
    #[arg(id = "named", long = "role", value_parser = role, value_name = "ROLE", conflicts_with = "placed")]
    named: Option<Role>,
}

impl Which {
    fn get(&self) -> Result<Role, CliError> {
        self.placed.or(self.named).ok_or_else(|| CliError::Usage("name a role".into()))
    }
}

#[derive(Subcommand)]
enum Action {
    /// Make an account whose mail address is taken as confirmed.
    Add {
        /// Mail address.
        mail: String,
        /// Role to start with; may be given several times.
        #[arg(long, value_parser = role)]
        role: Vec<Role>,
        /// How the person is addressed; without it, the part of the address before the @.
        #[arg(long)]
        name: Option<String>,
        /// Second name to sign in with.
        #[arg(long)]
        username: Option<String>,
        /// Read the password from standard input; without it one is made and printed.
        #[arg(long)]
        password_stdin: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Give a role.
    Grant {
        /// Mail address, user name or id.
        who: String,
        #[command(flatten)]
        role: Which,
        #[command(flatten)]
        how: How,
    },
    /// Take a role.
    Revoke {
        /// Mail address, user name or id.
        who: String,
        #[command(flatten)]
        role: Which,
        #[command(flatten)]
        how: How,
    },
    /// Keep an account from signing in; its sessions end.
    Suspend {
        /// Mail address, user name or id.
        who: String,
        /// Let it sign in again instead.
        #[arg(long)]
        lift: bool,
        /// Until when (RFC 3339); without it, until it is lifted.
        #[arg(long, value_name = "TIME", conflicts_with = "lift")]
        until: Option<DateTime<Utc>>,
        #[command(flatten)]
        how: How,
    },
    /// Let somebody watch without paying.
    Complimentary {
        /// Mail address, user name or id.
        who: String,
        /// Until when (RFC 3339); without it, without an end.
        #[arg(long, value_name = "TIME", conflicts_with = "end")]
        until: Option<DateTime<Utc>>,
        /// Take it back instead.
        #[arg(long)]
        end: bool,
        #[command(flatten)]
        how: How,
    },
    /// Set a password; all sessions end and the person is told by mail.
    Password {
        /// Mail address, user name or id.
        who: String,
        /// Read the password from standard input; without it one is made and printed.
        #[arg(long)]
        password_stdin: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Make an invitation to register and print its address.
    Invite {
        /// How many people it lets in.
        #[arg(long, default_value_t = 1)]
        uses: i32,
        /// Days until it expires.
        #[arg(long, default_value_t = 14)]
        days: i64,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// List registrations that wait for somebody to look at them, longest first.
    Waiting {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let a registration in that waits.
    Approve {
        /// Mail address, user name or id.
        who: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Refuse a registration that waits: it cannot sign in, and is erased after the usual grace.
    Refuse {
        /// Mail address, user name or id.
        who: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Say who may register, or close registration at once whatever the settings say.
    Registration {
        /// Close it.
        #[arg(long, conflicts_with = "reopen")]
        close: bool,
        /// Go back to what the settings say.
        #[arg(long)]
        reopen: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Remove the authenticator and the passkeys of somebody who lost the device and the recovery codes.
    RemoveSecondFactor {
        /// Mail address, user name or id.
        who: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// File a deletion request for somebody who asked for it in another way.
    Delete {
        /// Mail address, user name or id.
        who: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// List accounts, newest first.
    List {
        /// Only those with this role.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show one account.
    Show {
        /// Mail address, user name or id.
        who: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct How {
    /// Why; kept with the act.
    #[arg(long, default_value = "By the operator, from the shell.")]
    reason: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_str(text).map_err(|_| {
        "the roles are member, creator, editor, moderator, billing, operator, admin \
         (a subscriber is a member with a subscription, not a role)"
            .into()
    })
}

pub async fn account(global: &Global, args: AccountArgs) -> Result<(), CliError> {
    // The first people of a studio may come before it is served; everything else asks for those who are there.
    let begins =
        matches!(args.action, Action::Add { .. } | Action::Invite { .. } | Action::Registration { .. });
    let instance = if begins { global.open().await? } else { global.open_existing().await? };
    let outcome = act(&instance.services, args.action).await;
    if outcome.is_ok() {
        // So that mails and lists follow from the act even when no server runs.
        let _ = instance.services.settle(Duration::from_secs(20)).await;
    }
    instance.close().await?;
    outcome
}

async fn act(cx: &Services, action: Action) -> Result<(), CliError> {
    match action {
        Action::Add { mail, role, name, username, password_stdin, json } => {
            let (password, made) = password(password_stdin)?;
            let new = register::NewAccount {
                mail: mail.clone(),
                display_name: name.unwrap_or_default(),
                username: username.unwrap_or_default(),
                password: password.clone(),
            };
            let (id, meta) = command(cx);
            let added = register::by_operator(cx, id, meta, &new, Origin::Shell, role.clone()).await?;
            let roles: Vec<&str> = role.iter().map(|r| <&str>::from(*r)).collect();
            let mut answer = json!({ "account_id": added.account, "mail": mail.trim(), "roles": roles });
            if made {
                answer["password"] = Value::String(password);
            }
            say(json, &answer)
        }
        Action::Grant { who, role, how } => staff_act(cx, &who, &staff::Act::Grant(role.get()?), &how).await,
        Action::Revoke { who, role, how } => {
            staff_act(cx, &who, &staff::Act::Revoke(role.get()?), &how).await
        }
        Action::Suspend { who, lift, until, how } => {
            let act = if lift { staff::Act::Reinstate } else { staff::Act::Suspend(until) };
            staff_act(cx, &who, &act, &how).await
        }
        Action::Complimentary { who, until, end, how } => {
            let act = if end { staff::Act::EndComplimentary } else { staff::Act::Complimentary(until) };
            staff_act(cx, &who, &act, &how).await
        }
        Action::Password { who, password_stdin, json } => {
            let account = find(cx, &who).await?;
            let (password, made) = password(password_stdin)?;
            let (id, meta) = command(cx);
            recover::set_password(cx, id, meta, account, &password, PasswordCause::Shell).await?;
            let mut answer = json!({ "account_id": account });
            if made {
                answer["password"] = Value::String(password);
            }
            say(json, &answer)
        }
        Action::Invite { uses, days, json } => {
            let code = registration::invite(cx, None, uses, days).await?;
            let address = format!("{}/register?invitation={code}", cx.config.site_url());
            say(json, &json!({ "address": address, "code": code }))
        }
        Action::Waiting { json } => waiting(cx, json).await,
        Action::Approve { who, json } => decide(cx, &who, true, json).await,
        Action::Refuse { who, json } => decide(cx, &who, false, json).await,
        Action::Registration { close, reopen, json } => {
            if close || reopen {
                registration::move_door(cx, None, close).await?;
            }
            let (door, shut) = (registration::door(cx).await?, registration::is_shut(cx).await?);
            say(json, &json!({ "registration": door, "closed_by_hand": shut }))
        }
        Action::RemoveSecondFactor { who, json } => {
            let account = find(cx, &who).await?;
            let (id, meta) = command(cx);
            let by = By::System("shell".into());
            let passkeys = passkeys::remove_all(cx, id, &meta, account, &by).await?;
            let receipt = second_factor::remove(cx, id, meta, account, by).await?;
            let changed = passkeys.is_some() || receipt.position > 0;
            say(json, &json!({ "account_id": account, "changed": changed }))
        }
        Action::Delete { who, json } => {
            let account = find(cx, &who).await?;
            let (id, meta) = command(cx);
            let due = meta.at + chrono::TimeDelta::days(i64::from(cx.config.erasure.grace_days));
            leaving::file(cx, id, meta, account, RequestedBy::Shell, CommentsFate::default())
                .await
                .map_err(|e| CliError::Failed(e.to_string()))?;
            say(json, &json!({ "account_id": account, "due": due }))
        }
        Action::List { role, json } => list(cx, role, json).await,
        Action::Show { who, json } => {
            let id = find(cx, &who).await?;
            let person = people::by_id(&cx.reader, id).await?;
            let person = person.ok_or_else(|| CliError::Failed("there is no such account".into()))?;
            let mut answer = described(cx, std::slice::from_ref(&person)).await?.remove(0);
            let history = account_acts::of_account(&cx.reader, id).await?;
            if json {
                answer["history"] = serde_json::to_value(&history)?;
                return print_json(&answer);
            }
            say(false, &answer)?;
            for done in &history {
                say!("\n{}  {}", done.at.format("%Y-%m-%d %H:%M"), done.what);
                if let Some(until) = done.until {
                    say!("    until {}", until.format("%Y-%m-%d %H:%M"));
                }
                if let Some(by) = &done.by {
                    say!("    by {by}");
                }
                if let Some(reason) = &done.reason {
                    say!("    reason given: {reason}");
                }
            }
            Ok(())
        }
    }
}

async fn staff_act(cx: &Services, who: &str, act: &staff::Act, how: &How) -> Result<(), CliError> {
    let account = find(cx, who).await?;
    let (id, meta) = command(cx);
    let receipt = staff::act(cx, id, meta, account, act, &how.reason).await?;
    say(how.json, &json!({ "account_id": account, "changed": receipt.position > 0 }))
}

async fn waiting(cx: &Services, json: bool) -> Result<(), CliError> {
    let people = described(cx, &people::waiting(&cx.reader, 1000).await?).await?;
    if json {
        return print_json(&json!({ "waiting": people }));
    }
    for person in &people {
        let text = |name: &str| person[name].as_str().unwrap_or("—").to_owned();
        say!("{}  {:<32}  {}", text("account_id"), text("mail"), text("registered_at"));
    }
    Ok(())
}

/// Lets a waiting registration in, or refuses it.
async fn decide(cx: &Services, who: &str, lets_in: bool, json: bool) -> Result<(), CliError> {
    let account = find(cx, who).await?;
    let waits = people::by_id(&cx.reader, account).await?.is_some_and(|p| p.waiting && !p.suspended);
    if !waits {
        return Err(CliError::Failed(format!("{who} does not wait for anybody to decide")));
    }
    let (id, meta) = command(cx);
    match lets_in {
        true => registration::approve(cx, id, meta, account).await?,
        false => registration::refuse(cx, id, meta, account, RequestedBy::Shell).await?,
    }
    let decided = if lets_in { "approved" } else { "refused" };
    say(json, &json!({ "account_id": account, "decided": decided }))
}

async fn list(cx: &Services, role: Option<Role>, json: bool) -> Result<(), CliError> {
    let mut before = None;
    let mut all = vec![];
    loop {
        let page = people::page(&cx.reader, role, before, 200).await?;
        let Some(last) = page.last() else { break };
        before = Some((last.registered_at, last.id));
        let described = described(cx, &page).await?;
        if json {
            all.extend(described);
        } else {
            for person in &described {
                let text = |name: &str| person[name].as_str().unwrap_or("—").to_owned();
                let roles = person["roles"]
                    .as_array()
                    .map(|r| r.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
                say!(
                    "{}  {:<32}  {:<10}  {}",
                    text("account_id"),
                    text("mail"),
                    text("state"),
                    roles.unwrap_or_default()
                );
            }
        }
    }
    if json { print_json(&json!({ "accounts": all })) } else { Ok(()) }
}

async fn described(cx: &Services, people: &[Person]) -> Result<Vec<Value>, CliError> {
    let references: Vec<_> =
        people.iter().flat_map(|p| [&p.mail, &p.display_name, &p.username]).flatten().cloned().collect();
    let opened = cx.reader.open_many(&references).await?;
    let text = |r: &Option<crate::domain::shared::PersonalRef>| r.as_ref().and_then(|r| opened.get(r));
    Ok(people
        .iter()
        .map(|p| {
            let state = match (p.presence, p.suspended, p.confirmed) {
                (people::Presence::Erased, ..) => "erased",
                (people::Presence::Hidden, ..) => "leaving",
                (_, true, _) => "suspended",
                (_, _, false) => "unconfirmed",
                _ => "open",
            };
            json!({
                "account_id": p.id, "mail": text(&p.mail), "name": text(&p.display_name),
                "username": text(&p.username), "state": state, "roles": p.roles.names(),
                "suspended_until": p.suspended_until,
                "registered_at": p.registered_at, "complimentary": p.complimentary.is_some(),
                "complimentary_until": p.complimentary.and_then(|c| c.until),
            })
        })
        .collect())
}

async fn find(cx: &Services, who: &str) -> Result<Uuid, CliError> {
    let found = match Uuid::parse_str(who) {
        Ok(id) => people::by_id(&cx.reader, id).await?.map(|p| p.id),
        Err(_) => accounts::find(cx, who).await?,
    };
    found.ok_or_else(|| CliError::Failed(format!("there is no account {who}")))
}

fn command(cx: &Services) -> (Uuid, Metadata) {
    (cx.clock.new_id(), Metadata::system("shell", cx.clock.new_id(), cx.clock.now()))
}

/// The password from standard input, or a new one; and whether it was made here.
fn password(from_stdin: bool) -> Result<(String, bool), CliError> {
    if from_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok((text.trim_end_matches(['\r', '\n']).to_owned(), false));
    }
    let random: [u8; 12] = rand::rng().random();
    Ok((hex::encode(random), true))
}

fn say(json: bool, answer: &Value) -> Result<(), CliError> {
    if json {
        return print_json(answer);
    }
    for (name, value) in answer.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => say!("{name}: {text}"),
            other => say!("{name}: {other}"),
        }
    }
    Ok(())
}

impl From<AccountsError> for CliError {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Store(store) => store.into(),
            AccountsError::Field(field, words) => Self::Failed(format!("{field}: {words}")),
            other => Self::Failed(other.to_string()),
        }
    }
}
