//! `kinora migrate`.

use super::{CliError, Global, print_json};
use crate::store::cluster::Cluster;
use crate::store::migrate;
use crate::store::pool::{Database, connect};
use clap::Args;

#[derive(Args)]
pub struct MigrateArgs {
    /// Only tell what would be applied.
    #[arg(long)]
    plan: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub async fn migrate(global: &Global, args: MigrateArgs) -> Result<(), CliError> {
    let config = global.config()?;
    if args.plan {
        super::there_is_a_studio(&config)?;
    }
    std::fs::create_dir_all(&config.data)?;
    let (database, cluster) = match &config.database_url {
        Some(url) => (Database::by_url(url)?, None),
        None => {
            let cluster = Cluster::start_or_join(&config.data).await?;
            (cluster.database("kinora"), Some(cluster))
        }
    };
    let mut owner = connect(&database.owner).await?;
    let names: Vec<_> = if args.plan {
        migrate::pending(&owner).await?.into_iter().map(|m| m.name).collect()
    } else {
        migrate::run(&mut owner).await?
    };
    drop(owner);
    if let Some(cluster) = cluster {
        cluster.leave()?;
    }
    let verb = if args.plan { "pending" } else { "applied" };
    if args.json {
        return print_json(&serde_json::json!({ verb: names }));
    }
    names.iter().for_each(|name| say!("{verb} {name}"));
    if names.is_empty() {
        say!("the schema is up to date");
    }
    Ok(())
}
