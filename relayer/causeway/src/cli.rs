//! The command line: one file a command under `commands/`, put together here.

#[cfg(test)]
mod documented;

use crate::commands;
use crate::exit::Failure;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[cfg(test)]
mod advice;

/// Relays packets between chains with proofs that both ends verify.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// Configuration file.
    #[arg(long, short, global = true, env = "CAUSEWAY_CONFIG", default_value = "causeway.toml", value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Answer with one JSON object on standard output instead of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log filter, for example `info` or `causeway_engine=debug`; overrides the configuration.
    #[arg(long, global = true, env = "CAUSEWAY_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole flow: two embedded chains, contracts, clients, a relayer and 200 packets.
    Demo(commands::demo::Command),
    /// Write a commented configuration to start from.
    Init(commands::init::Command),
    /// Look at the configuration.
    Config(commands::config::Command),
    /// Ask every endpoint for its chain, head, speed and version.
    Health(commands::health::Command),
    /// Look after the encrypted keys that sign transactions.
    Key(commands::key::Command),
    /// Put the contracts on a chain.
    Contracts(commands::contracts::Command),
    /// Set and show the root of trust of a chain.
    Trust(commands::trust::Command),
    /// Show what convicts a chain, and write it to a file.
    Evidence(commands::evidence::Command),
    /// Look at light clients, bring one to a height, hand one over after an upgrade.
    Client(commands::client::Command),
    /// Create paths between chains, and find those that are there.
    Path(commands::path::Command),
    /// Run the relayer.
    Start(commands::start::Command),
    /// Show what the running relayer does.
    Status(commands::status::Command),
    /// Look at packets, retry them, send one by hand.
    Packet(commands::packet::Command),
    /// Measure how fast packets of a path are relayed, and how fast the chains could take them.
    Bench(commands::bench::Command),
    /// Serve a chain adapter as a process of its own, or hold one to its promises.
    Adapter(commands::adapter::Command),
    /// Print completions for a shell.
    Completions(commands::completions::Command),
    /// Print version, seam version and the chain families that are built in.
    Version(commands::version::Command),
}

impl Command {
    /// Runs the command.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Demo(command) => command.execute(global).await,
            Self::Init(command) => command.execute(global),
            Self::Config(command) => command.execute(global),
            Self::Health(command) => command.execute(global).await,
            Self::Key(command) => command.execute(global).await,
            Self::Contracts(command) => command.execute(global).await,
            Self::Trust(command) => command.execute(global).await,
            Self::Evidence(command) => command.execute(global).await,
            Self::Client(command) => command.execute(global).await,
            Self::Path(command) => Box::pin(command.execute(global)).await,
            Self::Start(command) => command.execute(global).await,
            Self::Status(command) => command.execute(global).await,
            Self::Packet(command) => command.execute(global).await,
            Self::Bench(command) => Box::pin(command.execute(global)).await,
            Self::Adapter(command) => command.execute(global).await,
            Self::Completions(command) => command.execute(),
            Self::Version(command) => command.execute(global),
        }
    }
}
