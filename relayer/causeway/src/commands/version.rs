//! `causeway version`.

use crate::cli::Global;
use crate::exit::Failure;
use crate::{families, output};
use causeway_adapter::description::SEAM_VERSION;
use serde_json::json;

/// Print version, seam version and the chain families that are built in.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {}

impl Command {
    /// Prints them.
    pub(crate) fn execute(self, global: &Global) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        if global.json {
            output::json_object(&json!({ "version": version, "seam_version": SEAM_VERSION, "families": families::NAMES }));
        } else {
            println!("causeway {version} (adapter seam {SEAM_VERSION}; families: {})", families::NAMES.join(", "));
        }
        Ok(())
    }
}
