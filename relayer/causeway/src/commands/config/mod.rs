//! `causeway config`: validates the configuration without opening a port; takes one over from Hermes.

mod import_hermes;

use crate::cli::Global;
use crate::exit::Failure;
use crate::{config, output};
use serde_json::json;

/// Look at the configuration, or take one over.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Validate it; opens no port and talks to no chain.
    Check,
    /// Write a configuration from one of Hermes, and say what became of every key. Keys are not copied.
    ImportHermes(import_hermes::ImportHermes),
}

impl Command {
    /// Runs the action.
    pub(crate) fn execute(self, global: &Global) -> Result<(), Failure> {
        match self.action {
            Action::Check => check(global),
            Action::ImportHermes(import) => import.execute(global),
        }
    }
}

fn check(global: &Global) -> Result<(), Failure> {
    let config = config::load(&global.config)?;
    if global.json {
        output::json_object(&json!({ "valid": true, "chains": config.chains.len(), "paths": config.paths.len() }));
        return Ok(());
    }
    println!("{} is valid: {} chains, {} paths", global.config.display(), config.chains.len(), config.paths.len());
    for chain in &config.chains {
        if chain.trust.is_none() {
            println!("  chain {0}: no root of trust yet; `causeway trust show {0}` prints what its endpoints say", chain.name);
        }
        if let Ok(Some(cap)) = chain.fees.spend_cap_per_day() {
            println!("  chain {}: its keys together spend at most {cap} of the smallest unit in a day", chain.name);
        }
    }
    Ok(())
}
