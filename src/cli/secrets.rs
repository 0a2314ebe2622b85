//! `kinora secrets rotate`.

use super::{CliError, Global};
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
    let Action::Rotate { which } = args.action;
    let config = global.config()?;
    let folder = config.secrets_folder();
    // Opens first: what is wrong with the present keys is told before anything is changed.
    let instance = Instance::open(config, true).await?;
    let done = match which {
        Which::Session => secrets::rotate_session(&folder)
            .map(|()| "session.key is new; restart Kinora. Sessions go on; delete session.key instead to end them all.".to_owned()),
        Which::Events => {
            let keys = instance.services.vault.key_store();
            keys.rotate().await
                .map(|count| format!("events.key is new; {count} data keys were wrapped anew. Make a new backup of the key store: kinora backup create"))
        }
    };
    instance.close().await?;
    println!("{}", done?);
    Ok(())
}
