//! `kinora events tail|show|export|verify`.

use super::{CliError, Global, out, print_json};
use crate::startup::Instance;
use crate::store::{RecordedEvent, StoreError, audit, log};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub struct EventsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
    /// Position, hash and hashed bytes of each event: docs/log-format.md.
    Proof,
}

#[derive(Subcommand)]
enum Action {
    /// The newest events, and those to come with --follow.
    Tail {
        /// How many.
        #[arg(short = 'n', default_value_t = 20)]
        count: i64,
        /// Go on with what comes.
        #[arg(short, long)]
        follow: bool,
        /// As JSON lines, one object for each event: it may never end.
        #[arg(long)]
        json: bool,
    },
    /// All events of one stream, such as subscription-….
    Show {
        /// The stream.
        stream: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// The whole log on standard output.
    Export {
        /// Form.
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
    },
    /// Check that no event was changed, removed or inserted, and that every signed checkpoint still fits.
    Verify {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// A file of checkpoints that were kept elsewhere.
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
    },
    /// The newest signed checkpoint, to be kept elsewhere.
    Checkpoint {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// The public key with which checkpoints can be checked.
    Key {
        /// As OpenSSL wants it.
        #[arg(long)]
        pem: bool,
        /// Print one JSON object with both forms.
        #[arg(long, conflicts_with = "pem")]
        json: bool,
    },
}

pub async fn events(global: &Global, args: EventsArgs) -> Result<(), CliError> {
    super::there_is_a_studio(&global.config()?)?;
    let instance = Instance::open(global.config()?, true).await?;
    let outcome = act(&instance, args.action).await;
    instance.close().await?;
    outcome
}

async fn act(instance: &Instance, action: Action) -> Result<(), CliError> {
    let pool = &instance.services.pool;
    match action {
        Action::Tail { count, follow, json } => {
            let client = pool.get().await.map_err(StoreError::from)?;
            let mut at = (log::head(&**client).await? - count).max(0);
            loop {
                for event in log::after(&**client, at, None, 1000).await? {
                    at = event.position;
                    if json { print_json(&event_json(&event))? } else { say!("{}", line(&event)) }
                }
                if !follow || out::failed() {
                    return Ok(());
                }
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(300)) => {}
                    _ = tokio::signal::ctrl_c() => return Ok(()),
                }
            }
        }
        Action::Show { stream, json } => {
            let client = pool.get().await.map_err(StoreError::from)?;
            let events = log::stream(&client, &stream, 0).await?;
            if events.is_empty() {
                return Err(CliError::Failed(format!("there is no stream {stream}")));
            }
            if json {
                let events: Vec<_> = events.iter().map(event_json).collect();
                return print_json(&serde_json::json!({ "stream": stream, "events": events }));
            }
            events.iter().for_each(|event| say!("{}", line(event)));
            Ok(())
        }
        Action::Export { format } => export(instance, format).await,
        Action::Checkpoint { json } => {
            let note = instance.services.audit.latest().await?.ok_or_else(|| {
                CliError::Failed("nothing was signed yet: kinora run checkpoint-log signs".into())
            })?;
            if json {
                let opened = instance.services.audit.verifier().open(&note);
                let opened = opened.map_err(|e| CliError::Failed(format!("the newest checkpoint: {e}")))?;
                let about = serde_json::json!({
                    "position": opened.position, "hash": hex::encode(opened.hash), "signed_at": opened.at, "note": note,
                });
                return print_json(&about);
            }
            out::put(format_args!("{note}"));
            Ok(())
        }
        Action::Key { pem, json } => {
            let verifier = instance.services.audit.verifier();
            if json {
                let both = serde_json::json!({ "key": verifier.to_line(), "pem": verifier.to_pem() });
                return print_json(&both);
            }
            if pem {
                out::put(format_args!("{}", verifier.to_pem()))
            } else {
                say!("{}", verifier.to_line())
            }
            Ok(())
        }
        Action::Verify { json, checkpoints } => {
            let show = !json && std::io::stderr().is_terminal();
            let more = match checkpoints {
                Some(file) => audit::notes(
                    &std::fs::read_to_string(&file)
                        .map_err(|e| CliError::Failed(format!("{}: {e}", file.display())))?,
                ),
                None => vec![],
            };
            let progress = |at, end| {
                if show {
                    eprint!("\r{at} of {end}");
                }
            };
            let found = instance.services.audit.verify(false, &more, progress).await?;
            instance.services.audit.note_verification(&found, true, instance.services.clock.now()).await?;
            if show {
                eprintln!();
            }
            if json {
                print_json(&found)?;
            } else if found.ok {
                say!("{} events, unchanged; {} signed checkpoints fit", found.events, found.checkpoints);
            } else {
                let at = found.first_bad_position.unwrap_or_default();
                say!("position {at}: {}", found.reason.as_deref().unwrap_or_default());
            }
            if found.ok { Ok(()) } else { Err(CliError::Silent) }
        }
    }
}

fn line(event: &RecordedEvent) -> String {
    format!(
        "{:>8}  {}  {}  v{}  {}  {}",
        event.position,
        event.effective_at.to_rfc3339(),
        event.stream_id,
        event.version,
        event.kind,
        event.payload
    )
}

fn event_json(event: &RecordedEvent) -> serde_json::Value {
    serde_json::json!({
        "position": event.position, "stream_id": event.stream_id, "version": event.version,
        "type": event.kind, "type_version": event.type_version, "command_id": event.command_id,
        "ix": event.ix, "recorded_at": event.recorded_at, "effective_at": event.effective_at,
        "payload": event.payload, "metadata": event.metadata,
    })
}

async fn export(instance: &Instance, format: Format) -> Result<(), CliError> {
    let client = instance.services.pool.get().await.map_err(StoreError::from)?;
    let end = log::head(&**client).await?;
    let mut to = std::io::BufWriter::new(std::io::stdout());
    let unwritten = |e: std::io::Error| out::in_words(&e);
    let mut csv = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| CliError::Failed(e.to_string());
    if matches!(format, Format::Csv) {
        csv.write_record([
            "position",
            "stream_id",
            "version",
            "type",
            "recorded_at",
            "effective_at",
            "payload",
            "metadata",
        ])
        .map_err(failed)?;
    }
    let mut at = 0;
    if matches!(format, Format::Proof) {
        while at < end {
            for proof in log::proof(&**client, at, end, 1000).await? {
                at = proof.position;
                writeln!(to, "{at} {} {}", hex::encode(&proof.hash), STANDARD.encode(&proof.bytes))
                    .map_err(unwritten)?;
            }
        }
        return to.flush().map_err(unwritten);
    }
    while at < end {
        let events = log::after(&**client, at, Some(end), 1000).await?;
        let Some(last) = events.last() else { break };
        at = last.position;
        for event in &events {
            match format {
                Format::Jsonl => writeln!(to, "{}", event_json(event)).map_err(unwritten)?,
                Format::Csv => csv
                    .write_record([
                        event.position.to_string(),
                        event.stream_id.clone(),
                        event.version.to_string(),
                        event.kind.clone(),
                        event.recorded_at.to_rfc3339(),
                        event.effective_at.to_rfc3339(),
                        event.payload.to_string(),
                        serde_json::to_string(&event.metadata)?,
                    ])
                    .map_err(failed)?,
                Format::Proof => {}
            }
        }
        if matches!(format, Format::Csv) {
            let full = std::mem::replace(&mut csv, csv::Writer::from_writer(Vec::new()));
            to.write_all(&full.into_inner().map_err(|e| CliError::Failed(e.to_string()))?)
                .map_err(unwritten)?;
        }
    }
    to.flush().map_err(unwritten)
}
