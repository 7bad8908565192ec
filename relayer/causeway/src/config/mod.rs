//! The configuration file: TOML, unknown keys refused, everything validated before a port is opened.
//!
//! The commented sample is `config/causeway.toml` of the repository; `causeway init` writes it, and a test parses it.

mod edit;
mod file;
#[cfg(test)]
mod tests;

pub(crate) use edit::{append_path, set_chain_values};
pub(crate) use file::{ChainConfig, Config, EndConfig, Fees, PathConfig, Relayer, StoreBackend, Trust};

use crate::exit::{Code, Failure};
use std::path::Path;

/// The commented sample.
pub(crate) const SAMPLE: &str = include_str!("../../../../config/causeway.toml");

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

/// Parses and validates configuration text; relative paths are taken from `base`.
pub(crate) fn parse(text: &str, base: &Path) -> Result<Config, String> {
    let mut config: Config = toml::from_str(text).map_err(|error| error.to_string().trim().to_string())?;
    config.resolve_paths(base);
    config.validate()?;
    Ok(config)
}
