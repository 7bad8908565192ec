//! The `causeway` binary. This file is a checklist: parse, log, run, report, exit.
#![allow(clippy::print_stdout, reason = "a command line tool answers on standard output")]

mod cli;
mod client;
mod commands;
mod config;
mod demo;
mod exit;
mod families;
mod hermes;
mod output;
mod relayer;
mod secrets;
mod telemetry;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    output::end_with_the_reader();
    let cli = cli::Cli::parse();
    telemetry::init(&cli.global);
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was already installed");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start the runtime: {error}; check the limits on threads and open files");
            return ExitCode::FAILURE;
        }
    };
    let json = cli.global.json;
    let result = runtime.block_on(Box::pin(cli.command.execute(&cli.global)));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure, json);
            ExitCode::from(failure.code as u8)
        }
    }
}
