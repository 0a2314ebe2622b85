//! Reads the command line and hands over.

use clap::Parser;
use kinora::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    kinora::cli::run(Cli::parse())
}
