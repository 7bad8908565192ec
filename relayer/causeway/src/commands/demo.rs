//! `causeway demo`: see [`crate::demo`].

use crate::cli::Global;
use crate::demo;
use crate::exit::Failure;

/// Show the whole flow: two embedded chains, contracts, clients, a relayer and 200 packets.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Packets to relay, both directions together.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(6..=20_000))]
    packets: u32,
    /// Leave everything running at the end and print its addresses.
    #[arg(long)]
    keep: bool,
}

impl Command {
    /// Runs it.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        Box::pin(demo::run(global, demo::Options { packets: self.packets, keep: self.keep })).await
    }
}
