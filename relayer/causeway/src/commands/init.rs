//! `causeway init`: writes the commented sample.

use crate::cli::Global;
use crate::exit::{Code, Failure};
use crate::{config, output};
use serde_json::json;
use std::io::Write;

/// Write a commented configuration to start from.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Replace a file that is already there.
    #[arg(long)]
    force: bool,
}

impl Command {
    /// Writes the file that `--config` names.
    pub(crate) fn execute(self, global: &Global) -> Result<(), Failure> {
        let path = &global.config;
        let mut options = std::fs::OpenOptions::new();
        options.write(true);
        if self.force {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let mut file = options.open(path).map_err(|error| {
            let advice = if error.kind() == std::io::ErrorKind::AlreadyExists { "; --force replaces it" } else { "" };
            Failure::new(Code::Failed, format!("cannot write {}: {error}{advice}", path.display()))
        })?;
        file.write_all(config::SAMPLE.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| Failure::new(Code::Failed, format!("cannot write {}: {error}", path.display())))?;
        if global.json {
            output::json_object(&json!({ "written": path.display().to_string() }));
        } else {
            println!("Wrote {}. Edit the addresses of the nodes in it, then: causeway config check", path.display());
        }
        Ok(())
    }
}
