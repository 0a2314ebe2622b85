//! `kinora media …`: works from the shell.

use super::media_lists::{downloads, list, prune, verify};
use super::{CliError, Global, print_json};
use crate::actors::bus::{CommandError, Envelope, Metadata};
use crate::actors::encoder::wishes::{self, Act};
use crate::actors::encoder::{self, Tools};
use crate::actors::uploads::About;
use crate::actors::{Services, accounts, former_files, media_moves, uploads};
use crate::domain::media::{
    Media, MediaCommand, MediaError, Place, Processing, Publication, Rendition, Tier,
};
use crate::domain::shared::Role;
use crate::projections::{media as works, media_queue, people};
use crate::startup::Instance;
use crate::store::repository::EventRepository;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

#[derive(Args)]
pub struct MediaArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Take files of this machine, or of public addresses (https://…), over as works.
    Import {
        /// The files or addresses.
        #[arg(required = true)]
        path: Vec<PathBuf>,
        /// Mail address or user name of the creator to whom they belong.
        #[arg(long = "as", value_name = "MAIL")]
        creator: String,
        /// Title; without it the works are untitled (a file name may be personal).
        #[arg(long)]
        title: Option<String>,
        /// Put the file (one) in the place of that of the work with this id; what was there plays until it is ready.
        #[arg(long, value_name = "ID", conflicts_with = "title")]
        replaces: Option<Uuid>,
        /// Who may play them once published.
        #[arg(long, value_parser = ["free", "subscriber"])]
        tier: Option<String>,
        /// Publish them as soon as something can be played.
        #[arg(long)]
        publish: bool,
        /// Encode here and now, beside whatever workers there are, and wait for the end.
        #[arg(long)]
        wait: bool,
        /// Print one JSON object: that of the work, or with several files `media`, their list in order.
        #[arg(long)]
        json: bool,
    },
    /// Works and how far they are.
    List {
        /// Those that were removed and can still be brought back.
        #[arg(long)]
        removed: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make everything anew from the original, under new addresses.
    Reprocess {
        /// Id of the work.
        id: Uuid,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Bring a removed work back, hidden.
    Restore {
        /// Id of the work.
        id: Uuid,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Erase a removed work and its files before its time, for good.
    Erase {
        /// Id of the work.
        id: Uuid,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Try a failed work again; what is finished is kept.
    Retry {
        /// Id of the work.
        id: Uuid,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// What waits, runs and has failed, piece by piece.
    Queue {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let workers take no further piece of a work, or of any.
    Pause {
        /// Id of the work; without it the whole queue.
        id: Option<Uuid>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let workers go on with a work, or with all that is not paused by itself.
    Resume {
        /// Id of the work; without it the whole queue.
        id: Option<Uuid>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Give the processing of a work up; what plays stays.
    Cancel {
        /// Id of the work.
        id: Uuid,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Take a work before all others, in its turn, or after all others.
    Order {
        /// Id of the work.
        id: Uuid,
        /// When.
        #[arg(value_parser = ["first", "usual", "last"])]
        when: String,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Find files that belong to nothing, and name them.
    Prune {
        /// Remove them.
        #[arg(long)]
        remove: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Move finished works to the store that `storage.keep` names: copied and read back, then switched, then
    /// removed from the former one. A move that was cut off goes on.
    Move {
        /// The store.
        #[arg(long, value_parser = ["local", "s3"])]
        to: String,
        /// Only the work of this id.
        #[arg(long)]
        id: Option<Uuid>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Who saved how many files of which kind, by day.
    Downloads {
        /// How many days back.
        #[arg(long, default_value_t = 30)]
        days: u32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare every file with the log by hash; says what is missing or damaged, and what to do.
    Verify {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// The answer of an import.
#[derive(Serialize)]
struct Imported {
    media_id: Uuid,
    state: String,
    publication: String,
    reason: Option<String>,
    /// Why the new file that was to take the place of the one there was not accepted; what was there stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    renditions: Vec<Rendition>,
}

pub async fn media(global: &Global, args: MediaArgs) -> Result<(), CliError> {
    let instance = global.open_existing().await?;
    let outcome = act(&instance, args.action).await;
    instance.close().await?;
    outcome
}

async fn act(instance: &Instance, action: Action) -> Result<(), CliError> {
    let cx = &instance.services;
    match action {
        Action::Import { path, creator, title, replaces, tier, publish, wait, json } => {
            if replaces.is_some() && path.len() > 1 {
                return Err(CliError::Failed("name one file: it takes the place of one".into()));
            }
            let tier = tier.as_deref().and_then(Tier::parse);
            let wishes = Wishes { title: title.unwrap_or_default(), replaces, tier, publish, wait, json };
            import(cx, path, &creator, &wishes).await
        }
        Action::List { removed, json } => list(cx, removed, json).await,
        Action::Restore { id, json } => {
            send(cx, id, MediaCommand::Restore { at: cx.clock.now() }).await?;
            stands(cx, Some(id), json).await
        }
        Action::Erase { id, json } => {
            let erased = former_files::erase_removed(cx, id, Uuid::now_v7(), &meta(cx)).await;
            erased.map_err(|e| CliError::Failed(e.to_string()))?;
            cx.settle(Duration::from_secs(30)).await?;
            stands(cx, Some(id), json).await
        }
        Action::Reprocess { id, json } => {
            send(cx, id, MediaCommand::Reprocess { at: cx.clock.now() }).await?;
            stands(cx, Some(id), json).await
        }
        Action::Retry { id, json } => wish(cx, Some(id), Act::Retry, json).await,
        Action::Queue { json } => queue(cx, json).await,
        Action::Pause { id, json } => wish(cx, id, Act::Pause, json).await,
        Action::Resume { id, json } => wish(cx, id, Act::Resume, json).await,
        Action::Cancel { id, json } => wish(cx, Some(id), Act::Cancel, json).await,
        Action::Order { id, when, json } => {
            let act: Act = when.parse().map_err(|_| CliError::Failed("first, usual or last".into()))?;
            wish(cx, Some(id), act, json).await
        }
        Action::Prune { remove, json } => prune(cx, remove, json).await,
        Action::Move { to, id, json } => move_works(cx, &to, id, json).await,
        Action::Downloads { days, json } => downloads(cx, days, json).await,
        Action::Verify { json } => verify(cx, json).await,
    }
}

struct Wishes {
    title: String,
    replaces: Option<Uuid>,
    tier: Option<Tier>,
    publish: bool,
    wait: bool,
    json: bool,
}

fn meta(cx: &Services) -> Metadata {
    Metadata::system("command-line", Uuid::now_v7(), cx.clock.now())
}

/// An act on the queue; whoever works at the shell is the operator.
async fn wish(cx: &Services, id: Option<Uuid>, act: Act, json: bool) -> Result<(), CliError> {
    wishes::act(cx, Uuid::now_v7(), id, act, meta(cx)).await.map_err(|e| CliError::Failed(e.to_string()))?;
    // The workflow that turns the wish into work may run in this very process.
    cx.settle(Duration::from_secs(30)).await?;
    stands(cx, id, json).await
}

/// For programs: how a work, or the whole queue, stands after an act.
async fn stands(cx: &Services, id: Option<Uuid>, json: bool) -> Result<(), CliError> {
    if !json {
        return Ok(());
    }
    let Some(id) = id else {
        return print_json(&serde_json::json!({ "paused": media_queue::paused(&cx.reader).await? }));
    };
    let pieces = media_queue::pieces(&cx.reader, 10_000).await?;
    let own: Vec<_> = pieces.into_iter().filter(|p| p.media == id).collect();
    let mut answer = serde_json::to_value(describe(id, &state(cx, id).await?))?;
    answer["paused"] = own.iter().any(|p| p.paused).into();
    answer["pieces"] = serde_json::to_value(own)?;
    print_json(&answer)
}

async fn queue(cx: &Services, json: bool) -> Result<(), CliError> {
    let pieces = media_queue::pieces(&cx.reader, 10_000).await?;
    let paused = media_queue::paused(&cx.reader).await?;
    if json {
        return print_json(&serde_json::json!({ "paused": paused, "pieces": pieces }));
    }
    if paused {
        say!("the queue is paused");
    }
    for p in pieces {
        let (rung, segment) = (p.rung, p.segment);
        let pause = if p.paused { " paused" } else { "" };
        let error = p.error.unwrap_or_default();
        say!("{}  {:<9}{pause} {} {rung}/{segment}  {}/{} {error}", p.media, p.state, p.kind, p.done, p.of);
    }
    Ok(())
}

async fn send(cx: &Services, id: Uuid, command: MediaCommand) -> Result<(), CliError> {
    let sent = cx.bus.dispatch::<Media>(Envelope::new(Uuid::now_v7(), id, command, meta(cx))).await;
    sent.map_err(|e| match e {
        CommandError::Refused(MediaError::Unknown) => CliError::Failed("There is no such work.".into()),
        other => CliError::Failed(other.to_string()),
    })?;
    // The workflow that turns the wish into work may run in this very process.
    cx.settle(Duration::from_secs(30)).await?;
    Ok(())
}

async fn state(cx: &Services, id: Uuid) -> Result<Media, CliError> {
    Ok(EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone()).load(id).await?.state)
}

async fn import(cx: &Services, paths: Vec<PathBuf>, creator: &str, wishes: &Wishes) -> Result<(), CliError> {
    let Some(account) = accounts::find(cx, creator).await? else {
        return Err(CliError::Failed(format!("there is no account {creator}")));
    };
    let person = people::by_id(&cx.reader, account).await?;
    if !person
        .is_some_and(|p| [Role::Creator, Role::Editor, Role::Admin].iter().any(|r| p.roles.0.contains(r)))
    {
        return Err(CliError::Failed(format!(
            "{creator} is neither creator nor editor, and works belong to those only: kinora account grant {creator} creator"
        )));
    }
    let mut well = true;
    let several = paths.len() > 1;
    let mut all = vec![];
    for path in paths {
        let meta = Metadata::account(account, Uuid::now_v7(), cx.clock.now());
        let about = About { title: wishes.title.clone(), replaces: wishes.replaces, ..About::default() };
        let address =
            path.to_str().filter(|text| text.starts_with("https://") || text.starts_with("http://"));
        let imported = match address {
            Some(address) => uploads::fetches::import_url(cx, account, address, about, meta.clone()).await,
            None => uploads::import_file(cx, account, path.clone(), about, meta.clone()).await,
        };
        let (id, _) = match imported {
            Ok(imported) => imported,
            Err(error) => {
                // What was taken before this one is there, and the caller has to know its ids.
                if wishes.json && several {
                    print_json(&serde_json::json!({ "media": all }))?;
                }
                return Err(CliError::Failed(format!("{}: {error}", path.display())));
            }
        };
        if let Some(tier) = wishes.tier {
            send(cx, id, MediaCommand::SetTier { tier, at: meta.at }).await?;
        }
        if wishes.wait {
            encoder::drain(cx, &Tools::new(cx), id).await.map_err(|e| CliError::Failed(e.to_string()))?;
        }
        if wishes.publish {
            if wishes.wait {
                let _ = send(cx, id, MediaCommand::Publish { at: cx.clock.now() }).await;
            } else {
                let soon = cx.clock.now() + chrono::TimeDelta::seconds(1);
                send(cx, id, MediaCommand::Schedule { publish_at: soon, at: cx.clock.now() }).await?;
            }
        }
        let media = state(cx, id).await?;
        let mut answer = describe(id, &media);
        if wishes.replaces.is_some() {
            cx.settle(Duration::from_secs(30)).await?;
            let refused = works::by_id(&cx.reader, id).await?.and_then(|work| work.refused);
            answer.refused = refused
                .map(|r| format!("the new file was not accepted, and what was there stays: {}", r.reason));
        }
        well &= answer.refused.is_none();
        well &= !matches!(media.processing, Processing::Rejected { .. } | Processing::Failed { .. });
        if wishes.json {
            all.push(answer);
        } else {
            say!("{id} {} {}", answer.state, answer.refused.or(answer.reason).unwrap_or_default());
        }
    }
    match all.as_slice() {
        [one] if !several => print_json(one)?,
        all if wishes.json => print_json(&serde_json::json!({ "media": all }))?,
        _ => {}
    }
    if well { Ok(()) } else { Err(CliError::Silent) }
}

fn describe(id: Uuid, media: &Media) -> Imported {
    let name = |value: &serde_json::Value| value["state"].as_str().unwrap_or_default().to_owned();
    let reason = match &media.processing {
        Processing::Rejected { reason } => Some(reason.to_string()),
        Processing::Failed { reason, .. } => Some(reason.to_string()),
        _ => None,
    };
    Imported {
        media_id: id,
        state: name(&serde_json::to_value(&media.processing).unwrap_or_default()),
        publication: match media.publication {
            Publication::Draft => "draft",
            Publication::Scheduled { .. } => "scheduled",
            Publication::Published => "published",
            Publication::Unpublished => "unpublished",
            Publication::Removed { .. } => "removed",
        }
        .to_owned(),
        reason,
        refused: None,
        renditions: media.renditions.clone(),
    }
}

async fn move_works(cx: &Services, to: &str, id: Option<Uuid>, json: bool) -> Result<(), CliError> {
    let to = Place::parse(to).unwrap_or_default();
    let moved = media_moves::move_all(cx, to, id, &meta(cx)).await;
    let moved = moved.map_err(|e| CliError::Failed(e.to_string()))?;
    cx.settle(Duration::from_secs(30)).await?;
    if json {
        print_json(&moved)?;
    } else {
        say!("{} works, {} files sent, {}", moved.works, moved.files, uploads::in_words(moved.bytes));
        if moved.waiting > 0 {
            say!("{} works are still being processed: run it again later", moved.waiting);
        }
        if moved.no_room > 0 {
            say!("{} works find no room there", moved.no_room);
        }
        for finding in &moved.findings {
            say!("{} {}: {}", finding.media, finding.what, finding.mend);
        }
    }
    if moved.findings.is_empty() && moved.no_room == 0 { Ok(()) } else { Err(CliError::Silent) }
}
