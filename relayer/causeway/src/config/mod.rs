//! The configuration file: TOML, unknown keys refused, everything validated before a port is opened.
//!
//! The commented samples are in `config/` of the repository; `causeway init` writes one, and a test parses them.

mod edit;
mod file;
mod handshake;
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
    let text = read(path)?;
    let base = path.parent().unwrap_or(Path::new("."));
    parse(&text, base).map_err(|message| Failure::new(Code::BadConfig, format!("{}: {message}", path.display())))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let file = path.display();
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("there is no configuration {file}; `causeway init` writes one to start from, --config FILE names another")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("configuration {file} may not be read by this user; let it be read, or name another with --config FILE")
            }
            std::io::ErrorKind::IsADirectory => format!("configuration {file} is a folder; name the file in it with --config FILE"),
            _ => format!("cannot read configuration {file}: {error}; name another with --config FILE"),
        };
        Failure::new(Code::BadConfig, message)
    })
}

/// Reads a configuration that need not be complete yet: keys are made before the rest is filled in.
///
/// # Errors
/// Exit code 64 with a line that names the key and what is allowed.
pub(crate) fn load_unchecked(path: &Path) -> Result<Config, Failure> {
    let fail = |message: String| Failure::new(Code::BadConfig, format!("{}: {message}", path.display()));
    let text = read(path)?;
    toml::from_str(&text).map_err(|error| fail(one_line(&text, error.message(), error.span())))
}

/// What does not parse, in one line: where it stands, what stands there, and what is allowed. A value that may be a secret is not repeated.
pub(super) fn one_line(text: &str, message: &str, span: Option<std::ops::Range<usize>>) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    const SECRETS: [&str; 6] = ["passphrase", "password", "mnemonic", "secret", "token", "authorization"];
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(before) = span.and_then(|span| text.get(..span.start)) else { return message };
    let number = before.matches('\n').count().saturating_add(1);
    let line = text.lines().nth(number.saturating_sub(1)).unwrap_or_default().trim();
    if SECRETS.iter().any(|word| line.to_ascii_lowercase().contains(word)) {
        let key = line.split(['=', '{']).next().unwrap_or_default().trim();
        return format!(
            "line {number}: `{key}` is not what is allowed there; the sample of `causeway init` shows the form (the value is not repeated: it may be a secret)"
        );
    }
    let shown: String = line.chars().take(SHOWN_CHARS_MAX).collect();
    let more = if line.chars().count() > SHOWN_CHARS_MAX { "…" } else { "" };
    format!("line {number}: `{shown}{more}`: {message}")
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
        let file = path.display();
        let message = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                format!("{file} exists already and stays as it is; edit it, write another with --config FILE, or replace it with --force")
            }
            std::io::ErrorKind::NotFound => format!("cannot write {file}: its folder does not exist; make it first"),
            _ => format!("cannot write {file}: {error}; name a file that this user may write with --config FILE"),
        };
        Failure::new(Code::Failed, message)
    };
    let mut file = options.open(path).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)
}

/// Parses and validates configuration text; relative paths are taken from `base`.
pub(crate) fn parse(text: &str, base: &Path) -> Result<Config, String> {
    let mut config: Config = toml::from_str(text).map_err(|error| one_line(text, error.message(), error.span()))?;
    config.resolve_paths(base);
    config.validate()?;
    Ok(config)
}
