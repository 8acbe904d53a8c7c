//! `tidings`: one program that hears the stores and tells your systems what happened.

mod allowed;
mod apply;
mod backup;
mod cli;
mod compare;
mod copy;
mod data;
mod demo;
mod doctor;
mod from_file;
mod http_url;
mod import;
mod keys;
mod migrate;
mod options;
mod process;
mod project_file;
mod public_url;
mod rates;
mod reached;
mod rederive;
mod say;
mod serve;
mod sign_in_link;
mod simulate;
mod stop_signal;
mod stores;
mod telemetry;
mod trusted;
mod verify;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    process::keep_files_private();
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return say::failed(&error.into()),
    };
    match runtime.block_on(cli.command.run()) {
        Ok(code) => code,
        Err(error) => say::failed(&error),
    }
}
