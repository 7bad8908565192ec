//! The configuration file: TOML, unknown keys refused, everything validated before a port is opened.
//!
//! The commented samples are in `config/` of the repository; `causeway init` writes one, and a test parses them.

mod edit;
mod file;
#[cfg(test)]
mod tests;

pub(crate) use edit::{append_path, set_chain_values};
pub(crate) use file::{ChainConfig, Config, EndConfig, Fees, PathConfig, Relayer, StoreBackend, Trust};

use crate::exit::{Code, Failure};
use std::io::Write;
use std::path::Path;

/// The commented sample for EVM chains.
pub(crate) const SAMPLE: &str = include_str!("../../../../config/causeway.toml");

/// The commented sample for chains of the Cosmos SDK.
pub(crate) const SAMPLE_COSMOS: &str = include_str!("../../../../config/cosmos.toml");

/// Reads and validates a configuration file.
///
/// # Errors
/// Exit code 64 with a line that names the key, the value and what is allowed.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let advice = "`causeway init` writes one to start from; --config names another";
        Failure::new(Code::BadConfig, format!("cannot read configuration {}: {error}; {advice}", path.display()))
    })?;
    let base = path.parent().unwrap_or(Path::new("."));
    parse(&text, base).map_err(|message| Failure::new(Code::BadConfig, format!("{}: {message}", path.display())))
}

/// Reads a configuration that need not be complete yet: keys are made before the rest is filled in.
///
/// # Errors
/// Exit code 64 with a line that names the key and what is allowed.
pub(crate) fn load_unchecked(path: &Path) -> Result<Config, Failure> {
    let fail = |message: String| Failure::new(Code::BadConfig, format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    toml::from_str(&text).map_err(|error| fail(error.to_string().trim().to_string()))
}

/// Writes a new configuration file; one that is there stays unless `replace`.
///
/// # Errors
/// Exit code 1 when it cannot be written.
pub(crate) fn write_new(path: &Path, text: &str, replace: bool) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if replace {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let fail = |error: std::io::Error| {
        let advice = if error.kind() == std::io::ErrorKind::AlreadyExists { "; --force replaces it" } else { "" };
        Failure::new(Code::Failed, format!("cannot write {}: {error}{advice}", path.display()))
    };
    let mut file = options.open(path).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)
}

/// Parses and validates configuration text; relative paths are taken from `base`.
pub(crate) fn parse(text: &str, base: &Path) -> Result<Config, String> {
    let mut config: Config = toml::from_str(text).map_err(|error| error.to_string().trim().to_string())?;
    config.resolve_paths(base);
    config.validate()?;
    Ok(config)
}
