//! Builds a node from a Go module under `tests/chains/` and keeps it under the target folder, by a hash of what it is built from.
//! Which module and which package is the chains' own business.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use alloy::primitives::keccak256;
use anyhow::{Context, Result, bail};

use crate::repo;

/// From this Go on, the linker refuses reaching into the runtime unless told.
const LINKNAME_CHECK_SINCE: (u32, u32) = (1, 23);

/// A node and what it is built from.
#[derive(Debug)]
pub(super) struct Module {
    /// Folder under `tests/chains/`, and name of the chain.
    pub(super) name: &'static str,
    /// Name of the executable.
    pub(super) binary: &'static str,
    /// The package that holds the node's `main`.
    pub(super) package: &'static str,
    /// Source files of the folder besides `go.mod` and `go.sum`.
    pub(super) sources: &'static [&'static str],
    /// Least Go that can build it.
    pub(super) go_min: (u32, u32),
    /// Whether it reaches into the runtime.
    pub(super) links_runtime: bool,
}

impl Module {
    /// The folder it is built from.
    pub(super) fn source_dir(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("chains").join(self.name)
    }

    /// The node: the one that `CAUSEWAY_<NAME>` names (a hyphen is written `_`), or built now if it is not there yet. Without a Go that can: `None` after a line that says so, or an error with `CI=true`.
    ///
    /// # Errors
    /// When the build fails, or Go is absent on CI.
    pub(super) fn binary_or_skip(&self) -> Result<Option<PathBuf>> {
        let variable = format!("CAUSEWAY_{}", self.name.to_uppercase().replace('-', "_"));
        if let Some(named) = std::env::var_os(&variable) {
            let named = PathBuf::from(named);
            anyhow::ensure!(named.is_file(), "{variable} names {}, which is no file", named.display());
            return Ok(Some(named));
        }
        let source = self.source_dir();
        let mut key = Vec::new();
        for name in ["go.mod", "go.sum"].iter().chain(self.sources) {
            key.extend(std::fs::read(source.join(name)).with_context(|| format!("read {name}"))?);
        }
        let digest = hex::encode(&keccak256(key)[..8]);
        let dir = repo::chain_cache().join(format!("{}-{digest}", self.name));
        let binary = dir.join(self.binary);
        if binary.is_file() {
            return Ok(Some(binary));
        }
        let install = format!("install Go {}.{} or newer, e.g. `apt-get install golang-go`", self.go_min.0, self.go_min.1);
        let Some(go) = go_version() else {
            repo::skip(&format!("the node of {} is built by Go, which is not on this machine", self.name), &install)?;
            return Ok(None);
        };
        // A go command from 1.21 on fetches the tool chain that a module asks for.
        if go < self.go_min.min((1, 21)) {
            repo::skip(&format!("Go {}.{} is too old for the node of {}", go.0, go.1, self.name), &install)?;
            return Ok(None);
        }
        std::fs::create_dir_all(&dir)?;
        // Tests run side by side, in threads and in processes: one builds, the rest wait.
        let lock = File::create(dir.join("lock"))?;
        lock.lock()?;
        if !binary.is_file() {
            self.compile(&source, &binary, go)?;
        }
        Ok(Some(binary))
    }

    fn compile(&self, source: &Path, binary: &Path, go: (u32, u32)) -> Result<()> {
        let partial = binary.with_extension("partial");
        let mut command = Command::new("go");
        command.current_dir(source).args(["build", "-trimpath"]);
        if self.links_runtime && go >= LINKNAME_CHECK_SINCE {
            command.arg("-ldflags=-checklinkname=0");
        }
        let output = command.arg("-o").arg(&partial).arg(self.package).output().context("start go")?;
        if !output.status.success() {
            bail!("go build of {} ended with {}:\n{}", self.name, output.status, String::from_utf8_lossy(&output.stderr));
        }
        std::fs::rename(&partial, binary)?;
        Ok(())
    }
}

/// Major and minor version of the `go` on the path.
fn go_version() -> Option<(u32, u32)> {
    let output = Command::new("go").args(["env", "GOVERSION"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut parts = text.trim().strip_prefix("go")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
