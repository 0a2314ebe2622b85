//! `kinora demo load|clock`, and what `serve --demo` does at its first start.

use super::{CliError, Global};
use crate::actors::{accounts, demo as studio, demo_plans};
use crate::domain::shared::derive_id;
use crate::startup::Instance;
use crate::store::{Metadata, StoreError};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};

#[derive(Args)]
pub struct DemoArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Load the demo studio, through the same commands that a person's clicks send.
    Load,
    /// Show or move the instance's clock.
    Clock {
        /// Move it forward to this time (RFC 3339).
        #[arg(long, value_name = "TIME")]
        set: Option<DateTime<Utc>>,
    },
}

pub async fn demo(global: &Global, args: DemoArgs) -> Result<(), CliError> {
    if matches!(args.action, Action::Load) && global.config()?.is_production() {
        return Err(CliError::Usage(
            "the demo studio is not loaded in production: its people and their passwords are known to everyone".into(),
        ));
    }
    let clock = matches!(args.action, Action::Clock { .. });
    if matches!(args.action, Action::Clock { set: Some(_) }) && global.config()?.is_production() {
        return Err(CliError::Usage("the clock cannot be moved in production".into()));
    }
    let instance = if clock { global.open_existing().await? } else { global.open().await? };
    let outcome = act(&instance, args.action).await;
    instance.close().await?;
    outcome
}

async fn act(instance: &Instance, action: Action) -> Result<(), CliError> {
    let cx = &instance.services;
    match action {
        Action::Load => load(instance).await,
        Action::Clock { set: None } => {
            say!("{}", cx.clock.now().to_rfc3339());
            Ok(())
        }
        Action::Clock { set: Some(to) } => {
            let ahead = (to - Utc::now()).num_microseconds().unwrap_or(0);
            if ahead < cx.clock.ahead_us() {
                return Err(CliError::Usage(format!(
                    "the clock only moves forward; it is {}",
                    cx.clock.now().to_rfc3339()
                )));
            }
            let client = cx.pool.get().await.map_err(StoreError::from)?;
            client.execute("update instance_clock set ahead_us = greatest(ahead_us, $1)", &[&ahead]).await?;
            cx.clock.follow(ahead);
            say!("{}", cx.clock.now().to_rfc3339());
            Ok(())
        }
    }
}

/// At the start of a server in demo mode: loads the demo studio unless it is there.
pub async fn prepare(instance: &Instance) -> Result<(), CliError> {
    if instance.services.config.is_demo() { load(instance).await } else { Ok(()) }
}

/// Says who can sign in where, for whoever has just started the demo. It goes to standard error:
/// programs that start a server read one line from standard output.
pub fn announce(instance: &Instance) {
    let cx = &instance.services;
    if !cx.config.is_demo() {
        return;
    }
    let url = cx.config.site_url();
    eprintln!("\n  The demo studio is open:  {url}\n\n  Sign in at {url}/login as");
    for person in accounts::demo::read(cx) {
        eprintln!("    {:<11} {:<26} {}", person.role, person.mail, person.password);
    }
    eprintln!(
        "  or just look around as a visitor. Mails of the demo: {url}/demo/mail\n  Ctrl-C stops everything.\n"
    );
}

/// Every step is a command with a fixed id, so that a second load changes nothing and an interrupted
/// one is completed.
async fn load(instance: &Instance) -> Result<(), CliError> {
    let cx = &instance.services;
    let meta = Metadata::system("demo", derive_id("demo", "load"), cx.clock.now());
    let people = accounts::demo::load(cx, &meta).await?;
    demo_plans::load(cx, &meta).await.map_err(CliError::Failed)?;
    for (person, account) in &people {
        if person.role == "subscriber" {
            demo_plans::subscribe(cx, &meta, *account, "Sami Subscriber").await.map_err(CliError::Failed)?;
        }
    }
    if let Some((_, editor)) = people.iter().find(|(person, _)| person.role == "editor") {
        studio::answer_questions(cx, *editor).await.map_err(|e| CliError::Failed(e.to_string()))?;
    }
    if let Some((_, creator)) = people.iter().find(|(person, _)| person.role == "creator") {
        studio::load(cx, *creator).await.map_err(|e| CliError::Failed(e.to_string()))?;
        if let Some((_, member)) = people.iter().find(|(person, _)| person.role == "subscriber") {
            studio::discuss(cx, *creator, *member).await.map_err(|e| CliError::Failed(e.to_string()))?;
        }
    }
    let of = |role: &str| people.iter().find(|(person, _)| person.role == role).map(|(_, account)| *account);
    if let (Some(subscriber), Some(billing)) = (of("subscriber"), of("billing")) {
        demo_plans::overpay(cx, &meta, subscriber, billing).await.map_err(CliError::Failed)?;
    }
    Ok(())
}
