//! `kinora secrets rotate`.

use super::{CliError, Global, print_json};
use crate::config::secrets;
use crate::startup::Instance;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Args)]
pub struct SecretsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Put a new key in the place of an old one.
    Rotate {
        /// Which key.
        #[arg(value_enum)]
        which: Which,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// session.key: signs sessions. Present sessions stay valid; it counts when Kinora starts again.
    Session,
    /// events.key: wraps the data keys of people. All of them are wrapped anew, beside a running studio.
    Events,
}

pub async fn secrets(global: &Global, args: SecretsArgs) -> Result<(), CliError> {
    let Action::Rotate { which, json } = args.action;
    let config = global.config()?;
    let folder = config.secrets_folder();
    // Opens first: what is wrong with the present keys is told before anything is changed.
    super::there_is_a_studio(&config)?;
    let instance = Instance::open(config, true).await?;
    let done = match which {
        Which::Session => secrets::rotate_session(&folder).map(|()| None),
        Which::Events => instance.services.vault.key_store().rotate().await.map(Some),
    };
    instance.close().await?;
    let wrapped = done?;
    if json {
        let file = match which {
            Which::Session => "session.key",
            Which::Events => "events.key",
        };
        return print_json(&serde_json::json!({ "rotated": file, "data_keys": wrapped }));
    }
    match wrapped {
        None => say!(
            "session.key is new; restart Kinora. Sessions go on; delete session.key instead to end them all."
        ),
        Some(count) => say!(
            "events.key is new; {count} data keys were wrapped anew. Make a new backup of the key store: kinora backup create"
        ),
    }
    Ok(())
}
