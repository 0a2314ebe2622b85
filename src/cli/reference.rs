//! `kinora completions` and `kinora man`.

use super::{Cli, CliError};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Args)]
pub struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    clap_complete::generate(args.shell, &mut Cli::command(), "kinora", &mut std::io::stdout());
    Ok(())
}

pub fn man() -> Result<(), CliError> {
    Ok(clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?)
}
