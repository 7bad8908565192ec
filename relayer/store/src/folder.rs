//! The folder of a store on disk: made if missing, held by one process, and kept by one backend.
//!
//! What it is not: it reads and writes no content. The backends call it before they open anything.

use crate::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Its lock tells a second process that the folder is taken; the system releases it however the holder ends.
const LOCK_FILE: &str = "lock";
/// Its text is the name of the backend that made the folder.
const BACKEND_FILE: &str = "backend";

/// A folder held by this process until dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Holds the lock; never read.
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing and takes its lock.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when somebody holds it; [`StoreError::Backend`] when it cannot be made or belongs to another backend.
    pub(crate) fn hold(path: &Path, backend: &'static str) -> Result<Self, StoreError> {
        make(path).map_err(|error| refuse(path, "make its folder", &error))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|error| refuse(path, "open its lock file", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { path: path.display().to_string() }),
            Err(TryLockError::Error(error)) => return Err(refuse(path, "take its lock", &error)),
        }
        let folder = Self { path: path.to_path_buf(), _lock: lock };
        folder.claim(backend)?;
        Ok(folder)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The error of something this store could not do.
    pub(crate) fn refuse(&self, action: &'static str, error: &dyn std::fmt::Display) -> StoreError {
        refuse(&self.path, action, error)
    }

    /// Two backends in one folder would be two journals, each with half of the truth.
    fn claim(&self, backend: &'static str) -> Result<(), StoreError> {
        let file = self.path.join(BACKEND_FILE);
        match std::fs::read_to_string(&file) {
            Ok(found) if found.trim() == backend => Ok(()),
            // An empty file is what a crash between making and writing it leaves.
            Ok(found) if !found.trim().is_empty() => {
                let found: String = found.trim().chars().take(32).collect();
                let detail =
                    format!("it was made by the backend `{found}`, expected `{backend}`; configure that backend or another folder");
                Err(self.refuse("open", &detail))
            }
            Ok(_) => self.write_claim(&file, backend),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.write_claim(&file, backend),
            Err(error) => Err(self.refuse("read which backend made it", &error)),
        }
    }

    fn write_claim(&self, file: &Path, backend: &str) -> Result<(), StoreError> {
        std::fs::write(file, backend).map_err(|error| self.refuse("note its backend", &error))
    }
}

fn refuse(path: &Path, action: &'static str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Backend { path: path.display().to_string(), action, detail: error.to_string() }
}

/// Journals name packets and accounts: other users of the machine have no business in them.
#[cfg(unix)]
fn make(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}
