//! `causeway init`: writes the commented sample.

use crate::cli::Global;
use crate::exit::Failure;
use crate::{config, output};
use serde_json::json;

/// Write a commented configuration to start from.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Which chains the sample is for.
    #[arg(long, value_enum, default_value = "evm")]
    family: Family,
    /// Replace a file that is already there.
    #[arg(long)]
    force: bool,
}

/// Families that there is a sample for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Family {
    /// QBFT and IBFT2 chains.
    Evm,
    /// Chains of the Cosmos SDK with ibc-go.
    Cosmos,
}

impl Command {
    /// Writes the file that `--config` names.
    pub(crate) fn execute(self, global: &Global) -> Result<(), Failure> {
        let path = &global.config;
        let sample = match self.family {
            Family::Evm => config::SAMPLE,
            Family::Cosmos => config::SAMPLE_COSMOS,
        };
        config::write_new(path, sample, self.force)?;
        if global.json {
            output::json_object(&json!({ "written": path.display().to_string() }));
        } else {
            println!("Wrote {}. Put the addresses of your nodes into it, then ask them: `causeway health`", path.display());
        }
        Ok(())
    }
}
