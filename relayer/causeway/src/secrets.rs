//! Passphrases: from an environment variable, a file, or the terminal. Never printed, never in an error.

use causeway_keystore::{Secret, SecretRef};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Where the passphrase comes from; when nothing is named, what the configuration of `--chain` says, or else the terminal.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PassphraseArgs {
    /// Read the passphrase from this environment variable.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "passphrase_file")]
    passphrase_env: Option<String>,
    /// Read the passphrase from this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArgs {
    /// The reference, if one was named.
    pub(crate) fn reference(&self) -> Option<SecretRef> {
        match (&self.passphrase_env, &self.passphrase_file) {
            (Some(variable), _) => Some(SecretRef::Env(variable.clone())),
            (None, Some(file)) => Some(SecretRef::File(file.clone())),
            (None, None) => None,
        }
    }

    /// The same, or where nothing is named what the configuration says.
    #[must_use]
    pub(crate) fn or(self, configured: Option<SecretRef>) -> Self {
        match (self.reference(), configured) {
            (None, Some(SecretRef::Env(variable))) => Self { passphrase_env: Some(variable), passphrase_file: None },
            (None, Some(SecretRef::File(file))) => Self { passphrase_env: None, passphrase_file: Some(file) },
            _ => self,
        }
    }

    /// A new passphrase; asked for twice on a terminal.
    pub(crate) fn new_passphrase(&self, key: &str) -> Result<Secret, String> {
        if let Some(reference) = self.reference() {
            return non_empty(reference.read()?);
        }
        let first = non_empty(ask(key)?)?;
        let second = prompt(&format!("Passphrase for key `{key}` again: "))?;
        if first.expose() == second.expose() { Ok(first) } else { Err("the two passphrases differ; nothing was written".to_string()) }
    }
}

/// Asks for the passphrase of a key on the terminal.
pub(crate) fn ask(key: &str) -> Result<Secret, String> {
    prompt(&format!("Passphrase for key `{key}`: "))
}

/// Asks for a secret on the terminal without showing it.
pub(crate) fn prompt(text: &str) -> Result<Secret, String> {
    if !std::io::stdin().is_terminal() {
        return Err("no terminal to ask on; use --passphrase-env or --passphrase-file, or `passphrase` in the configuration".to_string());
    }
    rpassword::prompt_password(text).map(Secret::new).map_err(|error| error.to_string())
}

fn non_empty(secret: Secret) -> Result<Secret, String> {
    if secret.expose().is_empty() { Err("the passphrase is empty; choose one".to_string()) } else { Ok(secret) }
}
