//! `kinora completions` and `kinora man`.

use super::{Cli, CliError, out};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

#[derive(Args)]
pub struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut text = vec![];
    clap_complete::generate(args.shell, &mut Cli::command(), "kinora", &mut text);
    out::put(format_args!("{}", String::from_utf8_lossy(&text)));
    Ok(())
}

pub fn man() -> Result<(), CliError> {
    let mut text = vec![];
    clap_mangen::Man::new(Cli::command()).render(&mut text)?;
    out::put(format_args!("{}", String::from_utf8_lossy(&text)));
    Ok(())
}
