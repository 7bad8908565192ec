//! Secrets by reference: the configuration names an environment variable or a file, never the secret itself.
//!
//! A [`Secret`] is wiped when dropped and prints as `[hidden]`. Called by the configurations, key stores and transports of the families.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Most bytes of a secret's file.
const SECRET_BYTES_MAX: u64 = 65_536;

/// A secret text. Never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text; keep it out of errors and logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Where a secret is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// `{ env = "NAME" }`: an environment variable.
    Env(String),
    /// `{ file = "path" }`: a file; white space at its end is cut off.
    File(PathBuf),
}

impl SecretRef {
    /// Takes a relative path from `base`.
    pub fn resolve_paths(&mut self, base: &Path) {
        if let Self::File(path) = self
            && path.is_relative()
        {
            *path = base.join(&*path);
        }
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// A text that names the reference and never the secret.
    pub fn read(&self) -> Result<Secret, String> {
        match self {
            Self::Env(name) => std::env::var(name)
                .map(Secret::new)
                .map_err(|_| format!("environment variable {name} is not set; set it or name another source")),
            Self::File(path) => {
                let shown = path.display();
                let unread = |error: std::io::Error| format!("file {shown} cannot be read: {error}; write it, or name another source");
                let size = std::fs::metadata(path).map_err(unread)?.len();
                if size > SECRET_BYTES_MAX {
                    return Err(format!("file {shown} has {size} bytes; a secret has at most {SECRET_BYTES_MAX}"));
                }
                let text = Zeroizing::new(std::fs::read_to_string(path).map_err(unread)?);
                Ok(Secret::new(text.trim_end()))
            }
        }
    }
}
